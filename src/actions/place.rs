//! Where a path lies. Lexical: nothing here touches the file system, so a path is what its text says.

use super::action::Place;
use super::pattern;
use crate::call::Context;

/// Devices that store nothing: writing there changes nothing.
const NULL: [&str; 12] = [
    "/dev/null",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/tty",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/fd",
    "/dev/pts",
    "/proc/self/fd",
];

/// Scratch places.
const TEMP: [&str; 5] = [
    "/tmp",
    "/var/tmp",
    "/private/tmp",
    "/var/folders",
    "/dev/shm",
];

/// Folders that hold people's homes.
const HOMES: [&str; 2] = ["/home", "/Users"];

/// Homes that lie elsewhere.
const ROOT_HOMES: [&str; 2] = ["/root", "/var/root"];

/// What belongs to the system (FHS 3.0, macOS), by top-level name.
const SYSTEM: [&str; 19] = [
    "bin",
    "boot",
    "cores",
    "efi",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "lost+found",
    "proc",
    "run",
    "sbin",
    "snap",
    "sys",
    "usr",
    "var",
    "System",
    "Library",
];

/// Folders of a system that whoever made it fills, and nobody else: what an administrator adds lies in others.
const FILLED: [&str; 9] = [
    "/etc/",
    "/bin/",
    "/sbin/",
    "/lib/",
    "/lib32/",
    "/lib64/",
    "/boot/",
    "/System/",
    "/Library/",
];

/// As [`FILLED`], without what lies in folders below.
const FILLED_ITSELF: [&str; 6] = [
    "/usr/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/lib/",
    "/usr/lib64/",
    "/var/lib/",
];

/// Whether what lies below that folder makes a system run.
#[must_use]
pub fn holds_programs(folder: &str) -> bool {
    FILLED.iter().any(|filled| folder.starts_with(filled)) || FILLED_ITSELF.contains(&folder)
}

/// Folders of a home in which every file logs somebody in, or starts with the session.
const LASTING: [&str; 7] = [
    "/.ssh",
    "/.gnupg",
    "/.config/autostart",
    "/.config/systemd/user",
    "/.config/fish/conf.d",
    "/Library/LaunchAgents",
    "/.local/share/systemd/user",
];

/// Whether what lies in that folder of a home lets somebody in, or starts by itself.
#[must_use]
pub fn holds_lasting(folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    LASTING.iter().any(|lasting| folder.ends_with(lasting))
}

/// What belongs to Windows, in lower case, below a drive.
const WINDOWS: [&str; 5] = [
    "windows",
    "program files",
    "program files (x86)",
    "programdata",
    "system volume information",
];

/// The last component of a path, whichever way its folders are parted.
#[must_use]
pub fn last_component(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Makes a path absolute and removes `.`, `..`, doubled and trailing slashes, and other names of the same place
/// (`/proc/self/root`, `/proc/1/root`, `/proc/self/cwd`, `/private/etc`). `None` when it is relative and `cwd` is not known.
#[must_use]
pub fn normalise(path: &str, cwd: Option<&str>) -> Option<String> {
    if let Some(windows) = windows_path(path) {
        return Some(windows);
    }
    // `\\\\.\\PhysicalDrive0` is how Windows names a device.
    if let Some(device) = path.strip_prefix(r"\\.\") {
        return Some(format!("/dev/{device}"));
    }
    let path = path.strip_prefix("file://").unwrap_or(path);
    let mut parts: Vec<&str> = Vec::new();
    if !path.starts_with('/') {
        // Below a drive both signs part folders.
        if let Some(cwd) = cwd.filter(|cwd| cwd.as_bytes().get(1) == Some(&b':')) {
            return windows_path(&format!("{cwd}/{path}"));
        }
        parts.extend(cwd?.split('/').filter(|part| !part.is_empty()));
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
        resolve_names(&mut parts, cwd);
    }
    let mut out = String::with_capacity(path.len() + 16);
    for part in parts {
        out.push('/');
        out.push_str(part);
    }
    if out.is_empty() {
        out.push('/');
    }
    Some(out)
}

/// Names of places that the kernel provides, replaced as soon as they are complete.
fn resolve_names<'a>(parts: &mut Vec<&'a str>, cwd: Option<&'a str>) {
    match parts.as_slice() {
        ["proc", id, "root"] | ["proc", _, "task", id, "root"] if is_process(id) => parts.clear(),
        ["proc", id, "cwd"] if is_process(id) => {
            if let Some(cwd) = cwd {
                parts.clear();
                parts.extend(cwd.split('/').filter(|part| !part.is_empty()));
            }
        }
        ["private", "etc" | "tmp" | "var"] => {
            parts.remove(0);
        }
        ["System", "Volumes", "Data"] => parts.clear(),
        _ => {}
    }
}

fn is_process(id: &str) -> bool {
    matches!(id, "self" | "thread-self")
        || pattern::has_wildcard(id)
        || id.bytes().all(|byte| byte.is_ascii_digit())
}

/// `C:\Users\x` and `C:/Users/x` as `C:/Users/x`; `None` for other paths.
fn windows_path(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let (drive, colon, slash) = (bytes.next()?, bytes.next()?, bytes.next());
    if !drive.is_ascii_alphabetic() || colon != b':' || !matches!(slash, None | Some(b'\\' | b'/'))
    {
        return None;
    }
    let mut out = format!("{}:", drive.to_ascii_uppercase() as char);
    let mut parts: Vec<&str> = Vec::new();
    for part in path[2..].split(['\\', '/']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    for part in &parts {
        out.push('/');
        out.push_str(part);
    }
    if parts.is_empty() {
        out.push('/');
    }
    Some(out)
}

/// What is below `folder` in `path`: `Some("")` for the folder itself.
#[must_use]
pub fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let folder = folder.trim_end_matches('/');
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix('/')
    }
}

/// The part of a path below whoever's home it is in; `Some("")` for a home itself.
#[must_use]
pub fn below_home<'p>(path: &'p str, context: &Context) -> Option<&'p str> {
    if let Some(rest) = context.home.as_deref().and_then(|home| below(path, home)) {
        return Some(rest);
    }
    if let Some(rest) = path.strip_prefix('~') {
        // Somebody's home whose path is not known: `~bob/x`.
        return Some(rest.split_once('/').map_or("", |(_, rest)| rest));
    }
    if let Some(rest) = ROOT_HOMES.into_iter().find_map(|home| below(path, home)) {
        return Some(rest);
    }
    let folder = HOMES.into_iter().find_map(|homes| below(path, homes));
    let windows = || {
        let (drive, rest) = path.split_once(":/")?;
        (drive.len() == 1)
            .then(|| rest.strip_prefix("Users/"))
            .flatten()
    };
    let inside = folder.or_else(windows)?;
    if inside.is_empty() {
        return None;
    }
    Some(inside.split_once('/').map_or("", |(_, rest)| rest))
}

/// The place of a normalised absolute path.
#[must_use]
pub fn classify(path: &str, context: &Context) -> Place {
    if path.starts_with("/dev/") || path.starts_with("/proc/self/fd") {
        if NULL.into_iter().any(|null| below(path, null).is_some()) {
            return Place::Null;
        }
        if !path.starts_with("/dev/shm") {
            return Place::Device;
        }
    }
    if path.len() == 3 && path.ends_with(":/") {
        return Place::Root;
    }
    if let Some(workspace) = context.workspace.as_deref().or(context.cwd.as_deref())
        && workspace != "/"
    {
        match below(path, workspace) {
            Some("") => return Place::WorkspaceRoot,
            Some(_) => return Place::Workspace,
            None => {}
        }
    }
    if path == "/" {
        return Place::Root;
    }
    if HOMES.contains(&path) || below_home(path, context) == Some("") {
        return Place::HomeRoot;
    }
    if let Some(workspace) = context.workspace.as_deref().or(context.cwd.as_deref())
        && below(workspace, path).is_some()
    {
        return Place::WorkspaceParent;
    }
    if TEMP.into_iter().any(|temp| below(path, temp).is_some()) {
        return Place::Temp;
    }
    if below_home(path, context).is_some() {
        return Place::Home;
    }
    outside(path)
}

fn outside(path: &str) -> Place {
    if let Some((drive, rest)) = path.split_once(":/")
        && drive.len() == 1
    {
        let top = rest
            .split('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        return if WINDOWS.contains(&top.as_str()) {
            Place::System
        } else {
            Place::Outside
        };
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Place::Unknown;
    };
    let top = rest.split('/').next().unwrap_or_default();
    if SYSTEM.contains(&top) {
        Place::System
    } else {
        Place::Outside
    }
}

/// The place of a normalised path with wildcards: of everything it could stand for, the worst.
#[must_use]
pub fn classify_pattern(path: &str, context: &Context) -> Place {
    let Some(first) = path
        .split('/')
        .scan(0, |at, part| {
            let start = *at;
            *at += part.len() + 1;
            Some((start, part))
        })
        .find(|(_, part)| pattern::has_wildcard(part))
    else {
        return classify(path, context);
    };
    let (start, part) = first;
    let folder = match &path[..start.saturating_sub(1)] {
        "" => "/",
        // The folder of a drive is written with its slash.
        drive if drive.len() == 2 && drive.ends_with(':') => &path[..start],
        folder => folder,
    };
    let rest = &path[start + part.len()..];
    if pattern::is_catch_all(part) && rest.is_empty() {
        return classify(folder, context);
    }
    if folder == "/" {
        // `/h*/x` may be anybody's home, `/[be]*` the system's.
        let known = SYSTEM.into_iter().chain(["home", "root", "Users", "dev"]);
        return known
            .filter(|top| pattern::component(part, top))
            .map(|top| classify(&format!("/{top}{rest}"), context))
            .max_by_key(|place| severity(*place))
            .unwrap_or(Place::Outside);
    }
    if HOMES.contains(&folder) {
        return if rest.is_empty() {
            Place::HomeRoot
        } else {
            classify_pattern(&format!("{folder}/any{rest}"), context)
        };
    }
    classify(&format!("{folder}/any"), context)
}

/// The place of something below a normalised path.
#[must_use]
pub fn classify_within(path: &str, context: &Context) -> Place {
    match classify(path, context) {
        Place::WorkspaceRoot => Place::Workspace,
        Place::HomeRoot if !HOMES.contains(&path) => Place::Home,
        place => place,
    }
}

/// Which of two places is worse to touch.
const fn severity(place: Place) -> u8 {
    match place {
        Place::Null => 0,
        Place::Temp | Place::Cache => 1,
        Place::Workspace | Place::Remote => 2,
        Place::Outside | Place::Unknown => 3,
        Place::WorkspaceRoot | Place::WorkspaceParent | Place::Home => 4,
        Place::System | Place::Device => 5,
        Place::HomeRoot => 6,
        Place::Root => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            cwd: Some(String::from("/home/u/p/sub")),
            workspace: Some(String::from("/home/u/p")),
            home: Some(String::from("/home/u")),
            ..Context::default()
        }
    }

    fn place(path: &str) -> Place {
        let context = context();
        let path = normalise(path, context.cwd.as_deref()).unwrap();
        if pattern::has_wildcard(&path) {
            classify_pattern(&path, &context)
        } else {
            classify(&path, &context)
        }
    }

    #[test]
    fn a_path_is_what_is_left_without_its_detours() {
        let normalised = [
            ("a/../b//c/.", "/home/u/p/sub/b/c"),
            ("/../..//etc/./passwd", "/etc/passwd"),
            ("/proc/self/root/etc/shadow", "/etc/shadow"),
            ("/proc/1/root/../etc", "/etc"),
            ("/proc/self/cwd/x", "/home/u/p/sub/x"),
            ("/private/tmp/x", "/tmp/x"),
            ("C:\\Users\\x\\..\\y", "C:/Users/y"),
            ("", "/home/u/p/sub"),
        ];
        for (path, expected) in normalised {
            assert_eq!(
                normalise(path, Some("/home/u/p/sub")).as_deref(),
                Some(expected),
                "{path}"
            );
        }
        assert_eq!(normalise("x", None), None);
    }

    #[test]
    fn every_spelling_of_a_place_has_that_place() {
        let placed = [
            ("..", Place::WorkspaceRoot),
            ("../*", Place::WorkspaceRoot),
            ("../.[!.]*", Place::WorkspaceRoot),
            ("x", Place::Workspace),
            ("../*.log", Place::Workspace),
            ("../..", Place::HomeRoot),
            ("/", Place::Root),
            ("/*", Place::Root),
            ("/./", Place::Root),
            ("/home", Place::HomeRoot),
            ("/home/*", Place::HomeRoot),
            ("/home/bob", Place::HomeRoot),
            ("/home/bob/x", Place::Home),
            ("/root", Place::HomeRoot),
            ("/h?me/u", Place::HomeRoot),
            ("/home/u/.cfg", Place::Home),
            ("/etc/*", Place::System),
            ("/b?n/x", Place::System),
            ("/tmp/a", Place::Temp),
            ("/dev/sda", Place::Device),
            ("/dev/null", Place::Null),
            ("/dev/shm/x", Place::Temp),
            ("/data/x", Place::Outside),
            ("C:\\", Place::Root),
            ("C:\\Windows\\System32", Place::System),
        ];
        for (path, expected) in placed {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
