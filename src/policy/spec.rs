//! The compiled form of a policy, as the Python compiler writes it.
//!
//! Canonical JSON (RFC 8785) whose SHA-256 is the policy's digest. Everything an author may leave out or abbreviate is
//! spelled out here: variables are replaced, `any_of` is expanded into blocks, `gt` is `gte`. Members nobody knows are
//! refused, so that a newer policy is never half understood.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actions::{Certainty, Place};
use crate::call::{RunMode, Surface, ToolPin};
use crate::decision::Effect;
use crate::facts::Phase;
use crate::scan::{FindingKind, Severity};

/// A text of the compiled form: borrowed from it unless it holds escapes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self)
    }
}

/// What `format` says.
pub const FORMAT: &str = "armorer-policy/1";

/// A compiled policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec<'a> {
    /// [`FORMAT`].
    #[serde(borrow)]
    pub format: Text<'a>,
    /// The name its author gave it.
    pub id: Text<'a>,
    /// Whether its answers hold.
    pub mode: Mode,
    /// What happens to what no rule speaks about.
    pub default: DefaultsSpec,
    /// Who set the mode; the built-in policy where nobody did.
    #[serde(default)]
    pub mode_layer: Option<Layer>,
    /// What calls leave on their run. Sorted by id; ids are unique.
    #[serde(default)]
    pub labels: Vec<LabelSpec<'a>>,
    /// What the user's own tools and programs do: `{"tools": […], "commands": […]}`.
    #[serde(default)]
    pub own: Option<serde_json::Value>,
    /// What the definitions of tools must be, by name: `sha256:…`, as calls state it.
    #[serde(default)]
    pub pins: BTreeMap<Text<'a>, Text<'a>>,
    /// Sorted by id; ids are unique.
    pub rules: Vec<RuleSpec<'a>>,
}

/// A rule that gives labels to the run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSpec<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Where it comes from.
    pub layer: Layer,
    /// File it is written in.
    pub file: Text<'a>,
    /// Line of that file, from one.
    pub line: u32,
    /// The labels.
    pub add: Vec<Text<'a>>,
    /// When it speaks: any block, in each of them everything.
    pub when: Vec<BlockSpec<'a>>,
}

/// Whether answers hold or are only recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They hold.
    Enforce,
    /// Everything is allowed; the record says what would have been answered.
    Observe,
}

/// Where a rule comes from; a later layer outranks an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Ships with the product.
    Builtin,
    /// The user's own.
    User,
    /// The project's: may only tighten until the user trusts it.
    Project,
    /// The machine's administrator's.
    Managed,
}

impl Layer {
    /// The name in policies and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::User => "user",
            Self::Project => "project",
            Self::Managed => "managed",
        }
    }
}

/// The default of each phase.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultsSpec {
    /// For each action of a call that no rule allows.
    pub pre: DefaultSpec,
    /// For what a tool answered.
    pub post: DefaultSpec,
    /// For a text by itself.
    pub text: DefaultSpec,
}

/// One default, and who set it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultSpec {
    /// What it says.
    pub effect: Effect,
    /// Who set it.
    pub layer: Layer,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec<'a> {
    /// Its name.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// What it says.
    pub effect: Effect,
    /// What a `deny` says when it holds only because something is unknown: `ask`. Absent: the same.
    #[serde(default)]
    pub unknown: Option<Effect>,
    /// Where it comes from.
    pub layer: Layer,
    /// File it is written in.
    pub file: Text<'a>,
    /// Line of that file, from one.
    pub line: u32,
    /// Why, for people; may name `{target}`, `{host}`, `{by}`, `{kind}`, `{sentence}`, `{finding}`.
    pub why: Text<'a>,
    /// What to do instead.
    #[serde(default)]
    pub safer: Option<Text<'a>>,
    /// Questions that this permission answers.
    #[serde(default)]
    pub overrides: Vec<Text<'a>>,
    /// Last day (UTC, `2026-12-31`) on which it speaks.
    #[serde(default)]
    pub until: Option<Text<'a>>,
    /// Obligations, sorted.
    #[serde(default)]
    pub then: Vec<Text<'a>>,
    /// When it speaks: any block, in each of them everything.
    pub when: Vec<BlockSpec<'a>>,
}

/// Conditions that hold together. An empty list is no condition.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockSpec<'a> {
    /// When in the call's life.
    pub phase: Vec<Phase>,
    /// Origin of the text.
    pub surface: Vec<Surface>,
    /// The tool's name.
    #[serde(borrow)]
    pub tool: Option<GlobsSpec<'a>>,
    /// The MCP server's name.
    pub server: Option<GlobsSpec<'a>>,
    /// How the tool compares with the pinned one.
    pub pin: Vec<ToolPin>,
    /// The user the call runs as.
    pub principal: Option<GlobsSpec<'a>>,
    /// Whether a person is there to be asked.
    pub run_mode: Vec<RunMode>,
    /// The runtime that asks.
    pub runtime: Option<GlobsSpec<'a>>,
    /// The agent inside the runtime; the main one is called `main`.
    pub agent: Option<GlobsSpec<'a>>,
    /// The runtime's permission mode.
    pub host_mode: Option<GlobsSpec<'a>>,
    /// How many agents deep.
    pub depth: Option<RangeSpec>,
    /// Arguments by JSON Pointer; a step `*` stands for every member or item.
    pub arg: BTreeMap<Text<'a>, ArgSpec<'a>>,
    /// What the run has seen.
    pub label: Option<SetSpec<'a>>,
    /// Counters of the run by name; one that is missing is zero.
    pub counter: BTreeMap<Text<'a>, RangeSpec>,
    /// How many bytes the call sends away.
    pub sends: Option<RangeSpec>,
    /// When on the clock.
    pub time: Option<WindowSpec>,
    /// One and the same action of the call.
    pub action: Option<ActionSpec<'a>>,
    /// One and the same finding.
    pub finding: Option<FindingSpec<'a>>,
}

/// Patterns over a name: one of `any`, and none of `none`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GlobsSpec<'a> {
    /// One of these fits.
    #[serde(borrow)]
    pub any: Vec<Text<'a>>,
    /// None of these fits.
    pub none: Vec<Text<'a>>,
}

/// Words of a set: one of `any`, all of `all`, none of `none`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetSpec<'a> {
    /// One of these is held.
    #[serde(borrow)]
    pub any: Vec<Text<'a>>,
    /// All of these are held.
    pub all: Vec<Text<'a>>,
    /// None of these is held.
    pub none: Vec<Text<'a>>,
}

/// Bounds of a number, both inside.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RangeSpec {
    /// At least.
    pub gte: Option<u64>,
    /// At most.
    pub lte: Option<u64>,
}

/// A condition on one argument.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArgSpec<'a> {
    /// Whether it must be there.
    pub exists: Option<bool>,
    /// One of these fits its text.
    #[serde(borrow)]
    pub any: Vec<Text<'a>>,
    /// None of these does.
    pub none: Vec<Text<'a>>,
}

/// Hours of the week.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Days, Monday is 0.
    pub days: Vec<u8>,
    /// First minute of the day.
    pub from_min: u16,
    /// The minute after the last one; smaller than `from_min` for a night.
    pub to_min: u16,
    /// What local time is ahead of UTC, in minutes.
    pub offset_min: i16,
    /// Whether the condition holds outside of these hours instead.
    pub outside: bool,
}

/// Conditions on one action.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActionSpec<'a> {
    /// Patterns over kinds. In a permission, `unknown` must be named.
    #[serde(borrow)]
    pub kind: Vec<Text<'a>>,
    /// What it is done to.
    pub target: Option<TargetSpec<'a>>,
    /// Where a path lies.
    pub place: Vec<Place>,
    /// The host of a network target.
    pub host: Option<GlobsSpec<'a>>,
    /// Attributes.
    pub has: Option<SetSpec<'a>>,
    /// How sure we are.
    pub certainty: Vec<Certainty>,
    /// Whether the target is known exactly.
    pub exact: Option<bool>,
    /// Whether it happens elsewhere.
    pub remote: Option<bool>,
    /// Where it happens when not here.
    pub on: Option<GlobsSpec<'a>>,
    /// The program or tool that does it.
    pub by: Option<GlobsSpec<'a>>,
}

/// Patterns over a target. A pattern may begin with `${workspace}`, `${home}`, `${cwd}` or `${guard_home}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSpec<'a> {
    /// One of these fits, …
    #[serde(borrow)]
    pub any: Vec<Text<'a>>,
    /// … or it is one of these directories or lies below one.
    pub under: Vec<Text<'a>>,
    /// None of these fits.
    pub none: Vec<Text<'a>>,
    /// It is none of these directories and lies below none.
    pub outside: Vec<Text<'a>>,
}

/// Conditions on one finding.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FindingSpec<'a> {
    /// Patterns over rule ids.
    #[serde(borrow)]
    pub rule: Option<GlobsSpec<'a>>,
    /// Families.
    pub kind: Vec<FindingKind>,
    /// At least so severe.
    pub severity: Option<Severity>,
    /// What the token's own checksum said.
    pub checksum: Vec<ChecksumSpec>,
    /// How sure the rule is, in per mille.
    pub confidence_pm: Option<RangeSpec>,
}

/// What a token's own checksum said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecksumSpec {
    /// It verifies.
    Valid,
    /// It does not.
    Mismatch,
    /// Tokens of that type have none.
    None,
}
