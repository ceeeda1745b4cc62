//! The files of a folder in the guard's home that a person writes: packs and commands. A leaf.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file that is read; ours are a tenth of that.
const MAX_BYTES: u64 = 4 << 20;

/// A file or folder that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

impl Unreadable {
    fn of(path: &Path, error: &io::Error) -> Self {
        Self {
            path: path.to_path_buf(),
            why: error.to_string(),
        }
    }
}

/// The TOML files of a folder, sorted by name; none when there is no such folder.
///
/// # Errors
/// A folder that is there and cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let unreadable = |error: &io::Error| Unreadable::of(folder, error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The text of one of them. What is no file is not waited for: a pipe would hold up every call.
///
/// # Errors
/// It is not there, no file, too large, or not UTF-8.
pub fn read(path: &Path) -> Result<String, Unreadable> {
    let refused = |why: &str| Unreadable {
        path: path.to_path_buf(),
        why: why.to_owned(),
    };
    let unreadable = |error: &io::Error| Unreadable::of(path, error);
    let kind = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !kind.is_file() {
        return Err(refused("it is not a file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refused("it is larger than 4 MiB"));
    }
    Ok(text)
}

/// A guard's home for tests.
#[cfg(test)]
pub(crate) mod scratch {
    use std::path::PathBuf;

    use crate::record;

    /// A home with one folder of a person's files, gone when the test ends.
    pub(crate) struct Home {
        pub(crate) root: PathBuf,
        folder: PathBuf,
    }

    impl Home {
        pub(crate) fn new(folder: &str) -> Self {
            let root = record::scratch::folder();
            let folder = root.join(folder);
            std::fs::create_dir(&folder).unwrap();
            Self { root, folder }
        }

        pub(crate) fn put(&self, name: &str, text: &str) {
            std::fs::write(self.folder.join(name), text).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read_and_what_is_missing_is_told() {
        let folder = crate::record::scratch::folder();
        std::fs::create_dir_all(folder.join("z.toml")).unwrap();
        std::fs::write(folder.join("a.toml"), "x = 1").unwrap();
        std::fs::write(folder.join("b.txt"), "not one").unwrap();
        std::fs::write(folder.join("c.toml"), [0xff]).unwrap();
        let names = list(&folder).unwrap();
        let read: Vec<Option<String>> = names.iter().map(|path| read(path).ok()).collect();
        assert_eq!(read, [Some(String::from("x = 1")), None, None]);
        assert_eq!(super::read(&names[2]).unwrap_err().why, "it is not a file");
        assert!(list(&folder.join("nowhere")).unwrap().is_empty());
        assert!(list(&names[0]).is_err());
    }
}
