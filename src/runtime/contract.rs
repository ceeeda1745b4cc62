//! The compiled form of a contract. Strings are borrowed from the table in the binary: reading one allocates little.

use serde::{Deserialize, Serialize};

use super::reply::ReplyTemplate;
use crate::call::Surface;
use crate::held::Held;

/// Every contract that ships, by name; each is decoded only when it is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Index<'a> {
    /// Name, aliases and compiled bytes of each.
    #[serde(borrow)]
    pub entries: Vec<Entry<'a>>,
}

/// One runtime in the index.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The name, then its aliases.
    #[serde(borrow)]
    pub names: Vec<&'a str>,
    /// The name people know: `Claude Code`.
    pub title: &'a str,
    /// The version of the client the contract was tried with.
    pub tested: &'a str,
    /// A [`Contract`] in postcard form.
    pub contract: &'a [u8],
}

impl<'a> Index<'a> {
    /// The index in those bytes; `None` when they are not one.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// The contract of the runtime that has that name or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Contract<'a>> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.names.contains(&name))?;
        postcard::from_bytes(entry.contract).ok()
    }
}

/// How one runtime asks and is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Contract<'a> {
    /// The runtime's name, as records and policies say it: `claude-code`.
    pub name: &'a str,
    /// What writes the record: `claude-code-hook`.
    pub adapter: &'a str,
    /// The environment variable that holds the project's root.
    pub workspace_environment: Option<&'a str>,
    /// Where every event carries what.
    #[serde(borrow)]
    pub fields: Fields<'a>,
    /// Events that are judged, by name.
    pub events: Vec<(&'a str, Held<'a, EventContract<'a>>)>,
    /// Files of the runtime's configuration, in the order it reads them; `~` is the home, `.` the working directory.
    pub config_files: Vec<&'a str>,
    /// Where its servers of tools are described: a file as above, `#`, and a JSON Pointer in which `${cwd}` is the working
    /// directory.
    pub server_files: Vec<&'a str>,
    /// Events that are answered with nothing.
    pub unjudged: Vec<&'a str>,
    /// The answer to input that cannot be judged.
    pub failure: ReplyTemplate<'a>,
}

/// JSON Pointers into the input.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fields<'a> {
    /// The event's name.
    pub event: &'a str,
    /// The runtime's id of the session.
    pub session: &'a str,
    /// The working directory.
    pub cwd: &'a str,
    /// The permission mode.
    pub mode: &'a str,
    /// The sub-agent; absent for the main one.
    pub agent: &'a str,
    /// The tool's name.
    pub tool: &'a str,
    /// The tool's arguments.
    pub args: &'a str,
    /// The runtime's id of the call.
    pub call_id: &'a str,
}

/// One event and the replies to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventContract<'a> {
    /// The runtime's name of the event.
    pub name: &'a str,
    /// What it brings.
    #[serde(borrow)]
    pub role: Role<'a>,
    /// Replies by effect.
    pub allow: ReplyTemplate<'a>,
    /// The reply when a person is to be asked.
    pub ask: ReplyTemplate<'a>,
    /// The reply to what may not happen.
    pub deny: ReplyTemplate<'a>,
    /// The reply to what may happen although it could not be recorded.
    pub gap: ReplyTemplate<'a>,
    /// The reply when it could not be judged; the contract's own when the event has none.
    pub failure: Option<ReplyTemplate<'a>>,
}

/// What an event brings.
#[derive(Debug, Serialize, Deserialize)]
pub enum Role<'a> {
    /// A tool call that has not run yet.
    Call,
    /// What came of a tool call.
    Outcome {
        /// The result it stands for: `ok`, `error`.
        result: &'a str,
        /// Where the tool's answer is.
        output: &'a str,
        /// Where its duration is, in milliseconds.
        duration_ms: Option<&'a str>,
        /// A flag that makes the result `cancelled`.
        cancelled: Option<&'a str>,
    },
    /// The session begins, or its configuration has changed.
    Begin {
        /// Where the model's name is.
        model: Option<&'a str>,
    },
    /// The session ends.
    Stop {
        /// Where the reason is.
        reason: &'a str,
    },
    /// A text that reaches the model.
    Text {
        /// Where it comes from.
        surface: Surface,
        /// Where it is.
        text: &'a str,
    },
}
