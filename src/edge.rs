//! What the core is told of the world around it: environment, directories, user. Read here and nowhere else.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::call::{Context, RunMode};

/// Where the guard keeps store, policy and keys: `ARMORER_GUARD_HOME`, else below the XDG state directory.
/// `None` when nothing says where the user's home is.
#[must_use]
pub fn guard_home() -> Option<PathBuf> {
    guard_home_in(&|name| std::env::var_os(name), std::env::current_dir().ok())
}

/// The place a call happens in, as far as the environment tells.
#[must_use]
pub fn context(cwd: Option<PathBuf>, workspace: Option<PathBuf>, home: Option<PathBuf>) -> Context {
    let lookup = |name: &str| std::env::var_os(name);
    let text = |path: PathBuf| path.into_os_string().into_string().ok();
    // A path that is not UTF-8 is not known: its lossy form would be the path of something else.
    let cwd = cwd.and_then(text);
    Context {
        workspace: workspace.and_then(text).or_else(|| cwd.clone()),
        cwd,
        home: user_home_in(&lookup).and_then(text),
        user: ["USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| given(&lookup, name)?.into_string().ok())
            .or_else(|| account().map(|account| account.name)),
        guard_home: home.and_then(text),
    }
}

/// Whether a person is there to be asked, as `ARMORER_GUARD_RUN_MODE` says; a word that is no mode says nothing.
#[must_use]
pub fn run_mode() -> Option<RunMode> {
    run_mode_in(&|name| std::env::var_os(name))
}

fn run_mode_in(lookup: Lookup<'_>) -> Option<RunMode> {
    RunMode::from_name(given(lookup, "ARMORER_GUARD_RUN_MODE")?.to_str()?)
}

/// The largest file that a grant can be bound to; a script is a thousandth of that.
const MAX_OPERAND: u64 = 16 << 20;

/// Whether a file has that digest (`sha256:…`) now. One that cannot be read, is no file or is too large has not.
#[must_use]
pub fn is_still(path: &str, digest: &str) -> bool {
    let whole = std::fs::metadata(path)
        .ok()
        .filter(|kind| kind.is_file() && kind.len() <= MAX_OPERAND)
        .and_then(|_| {
            let mut bytes = Vec::new();
            std::fs::File::open(path)
                .and_then(|file| file.take(MAX_OPERAND + 1).read_to_end(&mut bytes))
                .ok()?;
            Some(bytes)
        });
    whole.is_some_and(|bytes| crate::record::digest(&bytes) == digest)
}

/// How many bytes a file has; `None` for what is none or cannot be looked at.
#[must_use]
pub fn file_size(path: &str) -> Option<u64> {
    let found = std::fs::metadata(path).ok()?;
    found.is_file().then_some(found.len())
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn given(lookup: Lookup<'_>, name: &str) -> Option<OsString> {
    lookup(name).filter(|value| !value.is_empty())
}

fn guard_home_in(lookup: Lookup<'_>, cwd: Option<PathBuf>) -> Option<PathBuf> {
    if let Some(home) = given(lookup, "ARMORER_GUARD_HOME") {
        let home = PathBuf::from(home);
        return if home.is_absolute() {
            Some(home)
        } else {
            cwd.map(|cwd| cwd.join(home))
        };
    }
    // The XDG specification has relative values ignored.
    given(lookup, "XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|state| state.is_absolute())
        .or_else(|| user_home_in(lookup).map(|home| home.join(".local/state")))
        .map(|state| state.join("armorer-guard"))
}

fn user_home_in(lookup: Lookup<'_>) -> Option<PathBuf> {
    given(lookup, "HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .or_else(|| account().map(|account| account.home))
}

/// What the account file says about the user of this process; asked only when the environment does not tell.
#[derive(Clone)]
struct Account {
    name: String,
    home: PathBuf,
}

#[cfg(unix)]
fn account() -> Option<Account> {
    thread_local! {
        /// The account that was asked for last, by user id: every call asks. A lock could be held when a process forks.
        static LAST: std::cell::RefCell<Option<(u32, Account)>> = const { std::cell::RefCell::new(None) };
    }
    let uid = rustix::process::getuid().as_raw();
    LAST.with_borrow_mut(|last| match last {
        Some((held, account)) if *held == uid => Some(account.clone()),
        _ => {
            let found = account_in(&std::fs::read_to_string("/etc/passwd").ok()?, uid)?;
            *last = Some((uid, found.clone()));
            Some(found)
        }
    })
}

#[cfg(not(unix))]
fn account() -> Option<Account> {
    None
}

#[cfg(unix)]
fn account_in(accounts: &str, uid: u32) -> Option<Account> {
    let uid = uid.to_string();
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        // name:password:uid:gid:comment:home:shell
        if fields.nth(1)? != uid {
            return None;
        }
        let home = Path::new(fields.nth(2)?);
        home.is_absolute().then(|| Account {
            name: name.to_owned(),
            home: home.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(set: &[(&str, &str)]) -> Option<String> {
        let lookup = |name: &str| {
            set.iter()
                .find(|(held, _)| *held == name)
                .map(|(_, value)| OsString::from(value))
        };
        guard_home_in(&lookup, Some(PathBuf::from("/here")))
            .map(|home| home.to_string_lossy().into_owned())
    }

    #[test]
    fn the_guards_home_is_the_most_explicit_one_said() {
        let all = [
            ("ARMORER_GUARD_HOME", "/g"),
            ("XDG_STATE_HOME", "/state"),
            ("HOME", "/home/u"),
        ];
        assert_eq!(home(&all).as_deref(), Some("/g"));
        assert_eq!(home(&all[1..]).as_deref(), Some("/state/armorer-guard"));
        assert_eq!(
            home(&all[2..]).as_deref(),
            Some("/home/u/.local/state/armorer-guard")
        );
    }

    #[test]
    fn empty_is_unset_and_a_relative_home_lies_below_the_working_directory() {
        assert_eq!(
            home(&[
                ("ARMORER_GUARD_HOME", ""),
                ("XDG_STATE_HOME", "state"),
                ("HOME", "/h")
            ])
            .as_deref(),
            Some("/h/.local/state/armorer-guard")
        );
        assert_eq!(
            home(&[("ARMORER_GUARD_HOME", "g")]).as_deref(),
            Some("/here/g")
        );
    }

    #[test]
    fn a_run_mode_that_is_none_is_not_known() {
        let mode = |word: &'static str| run_mode_in(&move |_| Some(OsString::from(word)));
        assert_eq!(mode("headless"), Some(RunMode::Headless));
        assert_eq!(mode("interactive"), Some(RunMode::Interactive));
        assert_eq!(mode("Headless"), None);
        assert_eq!(mode(""), None);
        assert_eq!(run_mode_in(&|_| None), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_account_file_is_read_by_user_id() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nshort\nu:x:1000:1000::/home/u:/bin/sh\n";
        let found = account_in(accounts, 1000).unwrap();
        assert_eq!(
            (found.name.as_str(), found.home.as_path()),
            ("u", Path::new("/home/u"))
        );
        assert!(account_in(accounts, 1).is_none());
    }
}
