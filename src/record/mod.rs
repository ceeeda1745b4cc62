//! The record: envelope, canonical bytes, redaction marks, append protocol.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::decision::Decision;
use crate::scan::{Finding, Mark, Tagger};

/// Why the store could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// For programs: `store_unwritable`, `store_full`, `store_corrupted`, …
    pub kind: &'static str,
    /// For people; names the file, never its content.
    pub message: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

/// Where a record went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Record id.
    pub id: String,
    /// Position in the run's chain, from 0.
    pub seq: u64,
    /// `sha256:…` over the stored bytes.
    pub hash: String,
}

/// The store below the guard's home: one file and one chain per run, and the journal.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store, creating it (0700) when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be created or is not ours to write.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            root: home.join("store"),
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The id of the run with the runtime's name `name`, the same in every process; a new one for `None`.
    #[must_use]
    pub fn run_id(&self, _runtime: &str, _name: Option<&str>) -> String {
        String::new()
    }

    /// Appends the decision to its run, starting the run (and its journal line) when it is new.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was.
    pub fn append_decision(
        &self,
        _decision: &Decision,
        _marks: &[Mark],
        _answer: &str,
    ) -> Result<Appended, StoreError> {
        Err(StoreError {
            kind: "store_unwritable",
            message: String::from("not there"),
        })
    }

    /// Appends what the runtime did with a decision.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was.
    pub fn append_outcome(&self, _outcome: &Outcome) -> Result<Appended, StoreError> {
        Err(StoreError {
            kind: "store_unwritable",
            message: String::from("not there"),
        })
    }
}

impl Tagger for Store {
    fn tag(&self, _finding: &Finding, _value: &[u8]) -> Option<String> {
        None
    }
}

/// What the runtime did with a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Run id.
    pub run: String,
    /// The decision it closes; `None` for a call nobody decided.
    pub of: Option<String>,
    /// The runtime's id of the call, by which `of` is found when it is not given.
    pub call_id: Option<String>,
    /// Tool name.
    pub tool: String,
    /// `ok`, `error`, `timeout`, `cancelled`, `ambiguous`.
    pub result: &'static str,
    /// How long the tool ran, in milliseconds, when known.
    pub duration_ms: Option<u64>,
    /// How many bytes it answered, when known.
    pub output_bytes: Option<u64>,
    /// Digest of what it answered, when known.
    pub output_digest: Option<String>,
    /// What a scan of the answer found.
    pub findings: Vec<Finding>,
    /// The adapter that tells: `claude-code-hook`.
    pub adapter: String,
}

/// Wall clock.
#[must_use]
pub fn now() -> String {
    String::new()
}
/// Fresh record id.
#[must_use]
pub fn new_id() -> String {
    String::new()
}
/// Run id.
#[must_use]
pub fn run_id(_runtime: &str, _name: Option<&str>) -> String {
    String::new()
}
/// Digest.
#[must_use]
pub fn action_digest(_facts: &crate::facts::Facts) -> String {
    String::new()
}
/// Digest.
#[must_use]
pub fn facts_digest(_facts: &crate::facts::Facts) -> String {
    String::new()
}
/// Digest of bytes.
#[must_use]
pub fn digest(_bytes: &[u8]) -> String {
    String::new()
}
/// The body of a decision's record.
#[must_use]
pub fn decision_body(_decision: &Decision) -> crate::json::Value {
    crate::json::Value::Null
}
