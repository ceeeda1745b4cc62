//! The compiled policy and its evaluation.

use std::fmt;

use crate::decision::{Effect, Verdict};
use crate::facts::Facts;

/// A compiled policy, ready to evaluate. Immutable.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    digest: String,
}

/// Why a compiled policy could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// For programs: `policy_missing`, `policy_not_json`, `policy_digest_mismatch`, …
    pub kind: &'static str,
    /// For people.
    pub message: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// Reads the canonical compiled form (JSON) that the Python compiler writes.
    ///
    /// # Errors
    /// [`PolicyError`] when it is not a policy this core understands.
    pub fn from_compiled(_bytes: &[u8]) -> Result<Self, PolicyError> {
        Ok(Self::default())
    }

    /// `sha256:…` of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// What the policy says about the facts. Pure: reads no clock, file or environment.
#[must_use]
pub fn decide(_facts: &Facts, policy: &Policy) -> Verdict {
    Verdict {
        effect: Effect::Ask,
        determining: Vec::new(),
        near: Vec::new(),
        obligations: Vec::new(),
        policy_digest: policy.digest.clone(),
    }
}

/// The active policy.
///
/// # Errors
/// When it cannot be used.
pub fn load_active(_home: &std::path::Path) -> Result<Option<Policy>, PolicyError> {
    Ok(None)
}

/// Decides on JSON.
///
/// # Errors
/// When either is unusable.
pub fn decide_json(_facts: &[u8], _policy: &[u8]) -> Result<Vec<u8>, PolicyError> {
    Ok(Vec::new())
}
