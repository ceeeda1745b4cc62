//! Writing: each answer in one piece, a closed stream is an exit status and not a panic.

use std::io::{self, IsTerminal, Write};

use armorer_guard_core::decision::Effect;
use armorer_guard_core::explain::Style;
use armorer_guard_core::wire::write_line;
use serde::Serialize;

/// What the front ends with. The order is strictness: over many requests the largest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Allow,
    Ask,
    Deny,
    Error,
}

impl Status {
    /// The exit status. 2 is what hosts take for "blocked" and shells for "used wrongly"; the answers keep away from
    /// it and from 1, which anything that goes wrong elsewhere ends with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Ask => 10,
            Self::Deny => 20,
            Self::Error => 2,
        }
    }
}

impl From<Effect> for Status {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::Ask => Self::Ask,
            Effect::Deny => Self::Deny,
        }
    }
}

/// Writes to standard output at once. An answer that nobody got is an error.
pub(crate) fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// As [`write_out`], and says so when it fails.
pub(crate) fn print(bytes: &[u8]) -> Status {
    match write_out(bytes) {
        Ok(()) => Status::Allow,
        Err(error) => {
            complain(&format!("the answer could not be written: {error}"), None);
            Status::Error
        }
    }
}

/// Writes what was asked for, as one JSON object or for people, and returns the exit status.
pub(crate) fn answer(json: bool, members: &impl Serialize, text: &dyn Fn() -> String) -> u8 {
    let bytes = if json {
        let mut line = Vec::new();
        write_line(members, &mut line);
        line
    } else {
        text().into_bytes()
    };
    print(&bytes).code()
}

/// One error sentence on standard error. When even that is closed, the exit status has to do.
pub(crate) fn complain(message: &str, hint: Option<&str>) {
    let mut text = format!("armorer-guard: {message}\n");
    if let Some(hint) = hint {
        text.push_str("hint: ");
        text.push_str(hint);
        text.push('\n');
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whether colours are wanted there.
pub(crate) fn style(stream: &impl IsTerminal) -> Style {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
    {
        Style::Coloured
    } else {
        Style::Plain
    }
}
