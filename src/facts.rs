//! The normalised description of a call: the only thing policy sees, and what the record keeps.

use serde::{Deserialize, Serialize};

use crate::actions::Action;
use crate::call::{Caller, Context, Surface, ToolPin};
use crate::json::Value;
use crate::scan::Finding;

/// When in a call's life the decision is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the tool runs.
    Pre,
    /// After it ran: what it answered.
    Post,
    /// A text by itself.
    Text,
}

impl Phase {
    /// The name used in policies and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Post => "post",
            Self::Text => "text",
        }
    }
}

/// What the run has seen before, folded from its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    /// Counters by name; sorted.
    #[serde(default)]
    pub counters: Vec<(String, u64)>,
    /// Files that earlier calls brought from the network and that this call is about; sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetched: Vec<FetchedFile>,
    /// Grants that cover this call; those for exactly this action first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<LiveGrant>,
    /// `untrusted`, `secret`, …; sorted.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Where the labels come from, sorted by label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<LabelSource>,
}

/// A file or folder that a call brings from the network, or a text that would do something grave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fetched {
    /// Who serves it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where it lies then, absolute.
    pub path: String,
    /// The call writes it itself: it is a text that would do something grave when it is run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub written: bool,
}

/// What a call leaves for the calls after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// What it would bring from the network.
    pub fetched: Vec<Fetched>,
    /// What earlier calls brought from there, where it would put something else in its place, or nothing.
    pub replaced: Vec<String>,
}

/// A file or folder that an earlier call of the run brought from the network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FetchedFile {
    /// When that was recorded, RFC 3339.
    pub at: String,
    /// Who served it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where it lies, absolute.
    pub path: String,
    /// Id of the record.
    pub record: String,
    /// That call wrote it itself: it is a text that would do something grave when it is run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub written: bool,
}

/// The record that first gave a run a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSource {
    /// When it was written, RFC 3339.
    pub at: String,
    /// The label.
    pub label: String,
    /// What happened, for people.
    pub message: String,
    /// Id of the record.
    pub record: String,
}

/// A grant that is live for a call: given by a person, not used up, not run out, not taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveGrant {
    /// Its id.
    pub id: String,
    /// The rule whose questions it answers; `None`: every question about exactly this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// `once`, `run`, `until` or `rule`.
    pub scope: String,
}

/// How much a call sends away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sends {
    /// Bytes, as far as they are known.
    pub bytes: u64,
    /// Whether that is all of it.
    pub exact: bool,
}

/// Everything a decision may depend on. No value here holds a clear secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What the call would do.
    pub actions: Vec<Action>,
    /// The arguments with every finding that redacts replaced by its mark; for a text, the redacted text.
    pub args: Value,
    /// Who asks.
    pub caller: Caller,
    /// Where it happens.
    pub context: Context,
    /// What its texts contain.
    pub findings: Vec<Finding>,
    /// Wall clock of the decision, RFC 3339 with microseconds, UTC.
    pub now: String,
    /// When the decision is taken.
    pub phase: Phase,
    /// How the tool's definition compares with the pinned one; `None` when nobody compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<ToolPin>,
    /// How much the call sends away; `None` when it sends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<Sends>,
    /// MCP server, when the tool is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What the run has seen.
    pub state: RunState,
    /// Origin of the judged text.
    pub surface: Surface,
    /// Tool name as the runtime gives it; empty for a text.
    pub tool: String,
}
