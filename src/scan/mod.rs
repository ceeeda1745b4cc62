//! Text to findings, and exact redaction.

pub mod finding;

pub use finding::{Checksum, Finding, FindingKind, Severity};

use crate::call::Surface;
use crate::json::Value;

/// Finds what a set of packs describes. Immutable, so one may serve many threads.
#[derive(Debug, Default)]
pub struct Scanner {}

impl Scanner {
    /// Every finding of a text, sorted by start, then by rule id; overlapping secrets are resolved to the best one.
    /// Any bytes will do.
    #[must_use]
    pub fn scan(&self, _bytes: &[u8], _surface: Surface) -> Vec<Finding> {
        Vec::new()
    }

    /// Every finding in the strings and member names of a value, each with the pointer of its string.
    #[must_use]
    pub fn scan_value(&self, _value: &Value, _surface: Surface) -> Vec<Finding> {
        Vec::new()
    }
}

/// Makes the tag of a redacted value, so that equal values can be recognised without knowing them.
pub trait Tagger {
    /// Lower-case hexadecimal tag, or `None` when the value is too guessable or there is no key.
    fn tag(&self, finding: &Finding, value: &[u8]) -> Option<String>;
}

/// Tags nothing: for texts that are redacted without a store.
pub struct NoTags;

impl Tagger for NoTags {
    fn tag(&self, _finding: &Finding, _value: &[u8]) -> Option<String> {
        None
    }
}

/// What redaction replaced, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Rule id, which names the class.
    pub class: String,
    /// Keyed tag.
    pub tag: Option<String>,
    /// How many bytes were replaced.
    pub len: usize,
    /// JSON Pointer of the string.
    pub at: String,
    /// Where it stood in that string.
    pub span: crate::span::ByteSpan,
}

/// Replaces exactly the spans of findings that redact; every other byte stays.
#[must_use]
pub fn redact(bytes: &[u8], _findings: &[Finding], _tagger: &dyn Tagger) -> (Vec<u8>, Vec<Mark>) {
    (bytes.to_vec(), Vec::new())
}

/// As [`redact`], for every string and member name of a value; the structure stays.
#[must_use]
pub fn redact_value(
    value: &Value,
    _findings: &[Finding],
    _tagger: &dyn Tagger,
) -> (Value, Vec<Mark>) {
    (value.clone(), Vec::new())
}

/// The mark that stands for a value.
#[must_use]
pub fn mark_text(_finding: &Finding, _value: &[u8], _tagger: &dyn Tagger) -> String {
    String::new()
}
