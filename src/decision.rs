//! The answer and why. A leaf above facts: guard, records, front and extension all speak it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Left};
use crate::scan::Mark;

/// What happens to a call. The order is the policy: the largest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It may run.
    Allow,
    /// A person is asked.
    Ask,
    /// It may not run.
    Deny,
}

impl Effect {
    /// The name on the wire and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// A rule that determined the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Determining {
    /// Rule id; `default.*` and `error.*` when no rule spoke.
    pub rule: String,
    /// What the rule says.
    pub effect: Effect,
    /// The layer it comes from: `builtin`, `user`, `project`, `managed`.
    pub layer: Cow<'static, str>,
    /// Why, for the model and the person, in one sentence with the action in it.
    pub message: String,
    /// Indices into `facts.actions` that it spoke about; empty when it spoke about the call.
    pub actions: Vec<usize>,
    /// Indices into `facts.findings` that it spoke about.
    pub findings: Vec<usize>,
    /// Whether a condition was unknown and counted against the call.
    pub unknown: bool,
}

/// A rule stricter than the answer that nearly matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// Rule id.
    pub rule: String,
    /// What it would have said.
    pub effect: Effect,
    /// The one condition that did not hold.
    pub missing: [Cow<'static, str>; 1],
}

/// A label that the call leaves on its run when it runs, or may have run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// The label: `secret`, `untrusted`, …
    pub label: String,
    /// The rule that adds it.
    pub rule: String,
    /// What happens, for people.
    pub message: String,
    /// Indices into `facts.actions` that it comes from.
    pub actions: Vec<usize>,
    /// Indices into `facts.findings` that it comes from.
    pub findings: Vec<usize>,
}

/// What policy says about facts: a pure function of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer.
    pub effect: Effect,
    /// Every rule of that effect that matched, sorted by id.
    pub determining: Vec<Determining>,
    /// Rules that nearly would have made it stricter.
    pub near: Vec<Near>,
    /// What must be done besides: `redact`, `warn`. Sorted.
    pub obligations: Vec<String>,
    /// What the call leaves on its run, by label and rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Labelled>,
    /// Ids of the grants by which a question became a permission.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// Whether the policy only observes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observes: bool,
    /// `sha256:…` of the policy.
    pub policy_digest: String,
}

/// Microseconds spent in each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Parse, scan, classify.
    pub understand_us: u64,
    /// Policy.
    pub decide_us: u64,
    /// Build and append the record.
    pub record_us: u64,
    /// All of it.
    pub total_us: u64,
}

/// One decision: effect, reasons, what was evaluated, where it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Record id (`UUIDv7`), also when it could not be stored.
    pub id: String,
    /// Run id (UUID) it belongs to.
    pub run: String,
    /// What was evaluated.
    pub facts: Facts,
    /// What policy said.
    pub verdict: Verdict,
    /// What `Decision::action_digest` gives, where recording took that already.
    pub action: Option<String>,
    /// What redaction replaced in the arguments or the text.
    pub marks: Vec<Mark>,
    /// What the call leaves for later ones.
    pub left: Left,
    /// `sha256:…` of the person's own packs; `None` when only the rules that ship were asked.
    pub packs: Option<String>,
    /// `sha256:…` of the definition of the tool, when it was told.
    pub definition: Option<String>,
    /// `sha256:…` of the person's own commands; `None` when there are none.
    pub commands: Option<String>,
    /// The stored line of its record. `None`: it is in no log, and `verdict` says so when it should be.
    pub line: Option<Vec<u8>>,
    /// Stages.
    pub timings: Timings,
}

impl Decision {
    /// Whether the record is in the log.
    #[must_use]
    pub const fn recorded(&self) -> bool {
        self.line.is_some()
    }
}
