//! The compiled policy and its evaluation.
//!
//! Deciding is pure: it reads no clock, file or environment, and what it needs of them is in the facts. Authoring,
//! merging layers and explaining are Python's (`armorer_guard.policy`); a second evaluator there, written from the
//! language's definition, must give the same verdicts.

mod asking;
pub mod build;
mod compile;
mod compiled;
mod condition;
mod decide;
mod glob;
mod granted;
mod load;
mod message;
mod packed;
pub mod spec;
mod subjects;
#[cfg(test)]
mod tests;
mod unspoken;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::decision::Verdict;
use crate::facts::Facts;
use compiled::{Compiled, PinnedTool, Texts as _};
use condition::CallCondition;
pub use load::{load_active, table};
use spec::PolicySpec;

/// A compiled policy, ready to evaluate. Immutable.
#[derive(Debug, Clone)]
pub struct Policy {
    compiled: Compiled,
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
    pub fn from_compiled(bytes: &[u8]) -> Result<Self, PolicyError> {
        Self::with_digest(bytes, &digest_of(bytes))
    }

    /// As [`Policy::from_compiled`], for bytes whose digest is known.
    fn with_digest(bytes: &[u8], digest: &str) -> Result<Self, PolicyError> {
        let spec: PolicySpec<'_> = serde_json::from_slice(bytes).map_err(|cause| PolicyError {
            kind: if cause.is_data() {
                "policy_invalid"
            } else {
                "policy_not_json"
            },
            message: format!("the compiled policy cannot be read: {cause}"),
        })?;
        Ok(Self {
            compiled: compile::compile(&spec, digest)?,
        })
    }

    /// Reads the table and the text that the build script wrote.
    ///
    /// # Errors
    /// [`PolicyError`] when they are not those.
    pub fn from_table(bytes: &'static [u8], text: &'static str) -> Result<Self, PolicyError> {
        Self::read(Compiled::from_table(bytes.into(), text.into()))
    }

    /// Reads [`Policy::to_stored`] of this very build.
    ///
    /// # Errors
    /// [`PolicyError`] when the bytes are not that.
    pub fn from_stored(bytes: Vec<u8>) -> Result<Self, PolicyError> {
        Self::read(Compiled::from_stored(bytes))
    }

    fn read(compiled: Option<Compiled>) -> Result<Self, PolicyError> {
        compiled
            .map(|compiled| Self { compiled })
            .ok_or_else(|| PolicyError {
                kind: "policy_invalid",
                message: String::from("the policy's table cannot be read"),
            })
    }

    /// What [`Policy::from_stored`] reads, in the form of this very build.
    #[must_use]
    pub fn to_stored(&self) -> Vec<u8> {
        let (bytes, text) = self.compiled.table();
        [bytes, text.as_bytes()].concat()
    }

    /// `sha256:…` of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.compiled.text(self.compiled.head.digest)
    }

    /// The name its author gave it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.compiled.text(self.compiled.head.id)
    }

    /// What it says about the user's own tools and programs, as JSON; empty where it says nothing.
    #[must_use]
    pub fn own(&self) -> &str {
        self.compiled.text(self.compiled.head.own)
    }

    /// The counters that its rules ask about; one may come several times.
    pub fn counters(&self) -> impl Iterator<Item = &str> {
        let asked = self.compiled.call.iter();
        asked.filter_map(|condition| match condition {
            CallCondition::Counter(name, _) => Some(self.compiled.text(*name)),
            _ => None,
        })
    }

    /// What the definition of a tool must be, `sha256:…`; `None` where the policy pins none.
    #[must_use]
    pub fn pinned(&self, tool: &str) -> Option<&str> {
        let mut pins = self.compiled.of::<PinnedTool>(self.compiled.head.pins);
        let held = pins.find(|pin| self.compiled.raw(pin.tool) == tool.as_bytes())?;
        Some(self.compiled.text(held.definition))
    }

    /// Whether it only observes.
    #[must_use]
    pub const fn observes(&self) -> bool {
        self.compiled.head.observe
    }

    /// How many rules it has.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.compiled.rules()
    }
}

/// What the policy says about the facts. Pure: reads no clock, file or environment.
#[must_use]
pub fn decide(facts: &Facts, policy: &Policy) -> Verdict {
    decide::decide(facts, policy)
}

/// [`decide`] on JSON documents: recorded facts, and a policy's canonical bytes.
///
/// # Errors
/// [`PolicyError`] when either cannot be used.
pub fn decide_json(facts: &[u8], policy: &[u8]) -> Result<Vec<u8>, PolicyError> {
    decide_facts_json(facts, &Policy::from_compiled(policy)?)
}

/// As [`decide_json`], under a policy that is at hand.
///
/// # Errors
/// [`PolicyError`] when the facts cannot be read.
pub fn decide_facts_json(facts: &[u8], policy: &Policy) -> Result<Vec<u8>, PolicyError> {
    let facts: Facts = serde_json::from_slice(facts).map_err(|cause| PolicyError {
        kind: "policy_facts",
        message: format!("the facts cannot be read: {cause}"),
    })?;
    crate::json::to_canonical(&decide(&facts, policy)).map_err(|cause| PolicyError {
        kind: "policy_facts",
        message: format!("the verdict cannot be written: {cause}"),
    })
}

/// `sha256:` and the hexadecimal digest of some bytes.
fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
