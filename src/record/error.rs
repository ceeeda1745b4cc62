//! Why the store could not do its work. A leaf.

use std::fmt;
use std::io;
use std::path::Path;

/// Why the store could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// For programs: `store_unwritable`, `store_full`, `store_corrupted`, …
    pub kind: &'static str,
    /// For people; names the file, never its content.
    pub message: String,
}

impl StoreError {
    /// Every kind there is, for programs that want to know them all.
    pub const KINDS: [&'static str; 11] = [
        Self::UNWRITABLE,
        Self::FULL,
        Self::CORRUPTED,
        Self::FOREIGN,
        Self::BUSY,
        Self::BAD_RUN,
        Self::TOO_LARGE,
        Self::NO_RANDOMNESS,
        Self::NO_RUN,
        Self::NOT_SEALED,
        Self::BAD_EVENT,
    ];
    /// The file system refused (permissions, read-only, input/output error).
    pub const UNWRITABLE: &'static str = "store_unwritable";
    /// No space, quota or file-size limit.
    pub const FULL: &'static str = "store_full";
    /// What lies there is not what a store holds.
    pub const CORRUPTED: &'static str = "store_corrupted";
    /// A symbolic link, somebody else's directory, or one that others may write.
    pub const FOREIGN: &'static str = "store_foreign";
    /// Another process held the lock for longer than we may wait.
    pub const BUSY: &'static str = "store_busy";
    /// The run id is not a UUID.
    pub const BAD_RUN: &'static str = "store_bad_run";
    /// A record that does not fit into a line even when its large parts are taken out.
    pub const TOO_LARGE: &'static str = "store_record_too_large";
    /// The operating system gave no random bytes.
    pub const NO_RANDOMNESS: &'static str = "store_no_randomness";

    /// There is no such run.
    pub const NO_RUN: &'static str = "store_no_run";
    /// The run has not ended, or went on after it had.
    pub const NOT_SEALED: &'static str = "store_not_sealed";

    /// No such kind of event, or no such member of one.
    pub const BAD_EVENT: &'static str = "store_bad_event";

    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// What an operation on `path` met.
    pub(super) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::WriteZero => Self::FULL,
            io::ErrorKind::TimedOut => Self::BUSY,
            _ => Self::UNWRITABLE,
        };
        Self::new(kind, format!("cannot {what} `{}`: {error}", path.display()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}
