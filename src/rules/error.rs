//! Why a pack is refused.

use std::fmt;
use std::path::Path;

/// One thing that is wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// Stable, for programs; one of [`RuleError::KINDS`].
    pub kind: &'static str,
    /// The file.
    pub file: String,
    /// The rule; empty when the file itself is wrong.
    pub rule: String,
    /// A sentence.
    pub message: String,
}

impl RuleError {
    /// The file cannot be read, or is not a pack.
    pub const UNREADABLE: &'static str = "rule_unreadable";
    /// A field has a value that cannot be used.
    pub const FIELD: &'static str = "rule_field";
    /// The id is taken.
    pub const DUPLICATE: &'static str = "rule_duplicate";
    /// No form, or more than one.
    pub const FORM: &'static str = "rule_form";
    /// Examples, near misses or references are missing.
    pub const UNPROVEN: &'static str = "rule_unproven";
    /// An example is not found as it is marked.
    pub const EXAMPLE_MISSED: &'static str = "rule_example_missed";
    /// A near miss is found.
    pub const NEAR_MISS_FOUND: &'static str = "rule_near_miss_found";

    /// Every kind.
    pub const KINDS: [&'static str; 7] = [
        Self::UNREADABLE,
        Self::FIELD,
        Self::DUPLICATE,
        Self::FORM,
        Self::UNPROVEN,
        Self::EXAMPLE_MISSED,
        Self::NEAR_MISS_FOUND,
    ];

    /// For a file or folder that cannot be read, or is not a pack.
    #[must_use]
    pub fn unreadable(path: &Path, message: &str) -> Self {
        Self {
            kind: Self::UNREADABLE,
            file: path.display().to_string(),
            rule: String::new(),
            message: message.to_owned(),
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.file)?;
        if !self.rule.is_empty() {
            write!(out, "rule `{}`: ", self.rule)?;
        }
        write!(out, "{} ({})", self.message, self.kind)
    }
}

impl std::error::Error for RuleError {}
