//! What arrives: a tool call, or a text with an origin. One type for every entry point.

use serde::{Deserialize, Serialize};

use crate::json::Value;

/// Where a text comes from. Rules may speak only about some surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// What the person typed.
    User,
    /// A document, page or message that was fetched for the model.
    Retrieved,
    /// What a tool answered.
    ToolResult,
    /// How a tool describes itself to the model.
    ToolDescription,
    /// An argument of a tool call.
    ToolArgs,
    /// What the model wrote.
    ModelOutput,
}

impl Surface {
    /// Every surface, in the order of DESIGN's vocabulary.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Retrieved,
        Self::ToolResult,
        Self::ToolDescription,
        Self::ToolArgs,
        Self::ModelOutput,
    ];

    /// The name on the wire and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Retrieved => "retrieved",
            Self::ToolResult => "tool_result",
            Self::ToolDescription => "tool_description",
            Self::ToolArgs => "tool_args",
            Self::ModelOutput => "model_output",
        }
    }

    /// The surface with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|surface| surface.as_str() == name)
    }
}

/// Whether a person is there to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// Somebody watches and answers.
    Interactive,
    /// Nobody does.
    Headless,
}

impl RunMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Headless];

    /// The name on the wire, in policies and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Headless => "headless",
        }
    }

    /// The mode with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// How a tool's definition compares with the one that was pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolPin {
    /// It is the same.
    Ok,
    /// It was never seen before.
    New,
    /// It is another one than before.
    Changed,
    /// Another server offers a tool of the same name.
    Shadowed,
}

impl ToolPin {
    /// Every state of a pin.
    pub const ALL: [Self; 4] = [Self::Ok, Self::New, Self::Changed, Self::Shadowed];

    /// The name on the wire, in policies and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Shadowed => "shadowed",
        }
    }

    /// The state with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pin| pin.as_str() == name)
    }
}

/// The place a call happens in. Filled at the edges; the core reads no environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Absolute working directory, `None` when the caller did not say.
    pub cwd: Option<String>,
    /// Where the guard keeps its own state: writing there is self-tampering.
    pub guard_home: Option<String>,
    /// Absolute home directory of the user the call runs as.
    pub home: Option<String>,
    /// Login name of that user.
    pub user: Option<String>,
    /// Absolute root of the project the agent works in; `cwd` when the caller did not say.
    pub workspace: Option<String>,
}

/// Who makes the call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// The agent or sub-agent inside the runtime.
    pub agent: Option<String>,
    /// The runtime's own id of this call.
    pub call_id: Option<String>,
    /// How many agents deep: 0 for the main one.
    pub depth: u32,
    /// The runtime's permission mode, as it names it.
    pub host_mode: Option<String>,
    /// The runtime's or the user's name of the run (a session id). `None`: the guard picks a run.
    pub run: Option<String>,
    /// Whether a person is there to be asked; `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_mode: Option<RunMode>,
    /// The runtime that asks: `claude-code`, `python`, `check`.
    pub runtime: String,
}

/// A tool call: name, arguments, context.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The tool's name as the runtime gives it: `Bash`, `Write`, `mcp__github__create_issue`.
    pub tool: String,
    /// The arguments; usually an object.
    pub args: Value,
    /// How the tool's definition compares with the pinned one; `None` when nobody compared.
    pub pin: Option<ToolPin>,
    /// `sha256:…` of the tool's definition in canonical JSON; `None` when nobody told it.
    pub definition: Option<String>,
    /// Where it happens.
    pub context: Context,
    /// Who asks.
    pub caller: Caller,
}

/// A text to be judged by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The bytes as they came; any bytes will do.
    pub bytes: Vec<u8>,
    /// Where they come from.
    pub surface: Surface,
    /// Who asks.
    pub caller: Caller,
}
