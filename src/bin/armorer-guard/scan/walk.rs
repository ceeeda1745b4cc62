//! Which files lie below the paths that were given, always in the same order.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::options::FileOptions;
use crate::args::is_stdin;

/// Why a file was not scanned although nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Skip {
    Binary,
    Symlink,
    /// A device, pipe or socket.
    Special,
    TooLarge,
}

impl Skip {
    /// For people, after a number.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Symlink => "symbolic links",
            Self::Special => "special files",
            Self::TooLarge => "too large",
        }
    }
}

/// What the walk comes across.
#[derive(Debug)]
pub(super) enum Entry {
    StandardInput,
    File(PathBuf),
    Skipped(PathBuf, Skip),
    Failed(PathBuf, String),
}

/// Hands out everything below `paths` until `each` says to stop.
pub(super) fn walk(paths: &[PathBuf], files: FileOptions, each: &mut dyn FnMut(Entry) -> bool) {
    for path in paths {
        let going = if is_stdin(path) {
            each(Entry::StandardInput)
        } else {
            below(path, files, each)
        };
        if !going {
            return;
        }
    }
}

fn below(path: &Path, files: FileOptions, each: &mut dyn FnMut(Entry) -> bool) -> bool {
    match std::fs::metadata(path) {
        // Named by a person: taken for what it leads to, pipes of a shell's `<(...)` included.
        Ok(data) if !data.is_dir() => return each(Entry::File(path.to_owned())),
        Ok(_) => {}
        Err(error) => return each(Entry::Failed(path.to_owned(), error.to_string())),
    }
    let tree = WalkBuilder::new(path)
        .hidden(!files.hidden)
        .ignore(files.ignore_files)
        .git_ignore(files.ignore_files)
        .parents(files.ignore_files)
        .require_git(false)
        // These differ from machine to machine, and the findings shall not.
        .git_global(false)
        .git_exclude(false)
        .follow_links(false)
        .sort_by_file_name(std::cmp::Ord::cmp)
        .build();
    for entry in tree {
        let going = match entry {
            Ok(entry) => {
                let Some(kind) = entry.file_type() else {
                    continue;
                };
                let path = shown(entry.path());
                if kind.is_dir() {
                    continue;
                } else if kind.is_file() {
                    each(Entry::File(path))
                } else if kind.is_symlink() {
                    each(Entry::Skipped(path, Skip::Symlink))
                } else {
                    each(Entry::Skipped(path, Skip::Special))
                }
            }
            Err(error) => {
                let (at, message) = told(&error);
                each(Entry::Failed(at.unwrap_or(path).to_owned(), message))
            }
        };
        if !going {
            return false;
        }
    }
    true
}

/// Without the `./` that a walk of the working directory puts before everything.
fn shown(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

/// The place and the cause of an error of the walk.
fn told(error: &ignore::Error) -> (Option<&Path>, String) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let (deeper, message) = told(err);
            (deeper.or(Some(path)), message)
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            told(err)
        }
        ignore::Error::Io(error) => (None, error.to_string()),
        other => (None, other.to_string()),
    }
}
