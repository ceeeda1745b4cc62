//! Commands that run in Python: found, then this process becomes it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::output::{Status, complain};

/// The module that is the rest of the command line.
const MODULE: &str = "armorer_guard.cli";
/// Ends with 0 where the module can be found, without running it.
const PROBE: &str = "import sys\nfrom importlib.util import find_spec\n\
                     sys.exit(find_spec('armorer_guard') is None)";

/// Runs `python -m armorer_guard.cli ARGUMENTS`. Returns only when that was not possible.
pub(crate) fn run(arguments: &[OsString]) -> u8 {
    let candidates = candidates();
    let Some(python) = candidates.iter().find(|python| has_package(python)) else {
        let tried: Vec<String> = candidates
            .iter()
            .map(|python| format!("`{}`", python.display()))
            .collect();
        complain(
            &format!(
                "no Python here has the package `armorer_guard` (tried {})",
                if tried.is_empty() {
                    String::from("none: there is none")
                } else {
                    tried.join(", ")
                }
            ),
            Some(
                "install it with `pip install armorer-guard`, or set ARMORER_GUARD_PYTHON to a Python that has it",
            ),
        );
        return Status::Error.code();
    };
    let mut command = Command::new(python);
    command.arg("-m").arg(MODULE).args(arguments);
    become_it(command, python)
}

#[cfg(unix)]
fn become_it(mut command: Command, python: &Path) -> u8 {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    complain(
        &format!("`{}` cannot be run: {error}", python.display()),
        None,
    );
    Status::Error.code()
}

#[cfg(not(unix))]
fn become_it(mut command: Command, python: &Path) -> u8 {
    match command.status() {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(Status::Error.code()),
        Err(error) => {
            complain(
                &format!("`{}` cannot be run: {error}", python.display()),
                None,
            );
            Status::Error.code()
        }
    }
}

/// The Python beside this program, the one that is named, the one on the path; in this order.
fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Some(folder) = own_folder() {
        found.extend(["python3", "python"].map(|name| folder.join(name)));
    }
    found.extend(std::env::var_os("ARMORER_GUARD_PYTHON").map(PathBuf::from));
    if let Some(path) = std::env::var_os("PATH") {
        found.extend(
            std::env::split_paths(&path)
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join("python3"))
                .find(|python| python.is_file()),
        );
    }
    found.retain(|python| python.is_file() || cfg!(windows));
    found.dedup();
    found
}

fn own_folder() -> Option<PathBuf> {
    // Resolved: tools link the program into a folder that has another Python.
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    Some(program.parent()?.to_owned())
}

/// Whether that Python can import the package. Where it is plainly installed beside it this costs no start of Python.
fn has_package(python: &Path) -> bool {
    installed_beside(python) || answers_probe(python)
}

fn installed_beside(python: &Path) -> bool {
    let Some(libraries) = python
        .parent()
        .and_then(Path::parent)
        .map(|prefix| prefix.join("lib"))
    else {
        return false;
    };
    let has = |folder: &Path, fits: &dyn Fn(&OsStr) -> bool| {
        std::fs::read_dir(folder)
            .is_ok_and(|entries| entries.flatten().any(|entry| fits(&entry.file_name())))
    };
    let starts = |name: &OsStr, prefix: &str| name.to_string_lossy().starts_with(prefix);
    std::fs::read_dir(libraries).is_ok_and(|versions| {
        versions
            .flatten()
            .filter(|version| starts(&version.file_name(), "python3"))
            .any(|version| {
                has(&version.path().join("site-packages"), &|name| {
                    starts(name, "armorer_guard-")
                })
            })
    })
}

fn answers_probe(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", PROBE])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
