//! Conditions on the call as a whole.

use super::{Globs, Range, Truth, Window, Words};
use crate::facts::Facts;
use crate::json::Value;
use crate::policy::compiled::{Compiled, Span, Texts as _};
use crate::policy::packed::{fixed_enum, fixed_struct};

/// A condition on the call as a whole.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) enum CallCondition {
    /// Bit by position in the vocabulary.
    Surface(u8),
    Tool(Globs),
    Server(Globs),
    Runtime(Globs),
    Agent(Globs),
    HostMode(Globs),
    Depth(Range),
    Arg(Span, ArgCondition),
    /// As `Arg`, for a pointer with a step that stands for every member.
    EveryArg(Span, ArgCondition),
    /// Bit by position in the vocabulary.
    Pin(u8),
    Principal(Globs),
    /// Bit by position in the vocabulary.
    RunMode(u8),
    Label(Words),
    Counter(Span, Range),
    Time(Window),
    /// Bytes.
    Sends(Range),
}

fixed_enum!(CallCondition {
    0 => Surface(set: u8),
    1 => Tool(globs: Globs),
    2 => Server(globs: Globs),
    3 => Runtime(globs: Globs),
    4 => Agent(globs: Globs),
    5 => HostMode(globs: Globs),
    6 => Depth(range: Range),
    7 => Arg(pointer: Span, condition: ArgCondition),
    8 => Label(words: Words),
    9 => Counter(name: Span, range: Range),
    10 => Time(window: Window),
    11 => EveryArg(pointer: Span, condition: ArgCondition),
    12 => Pin(set: u8),
    13 => Principal(globs: Globs),
    14 => RunMode(set: u8),
    15 => Sends(range: Range),
});

fixed_struct! {
    /// A condition on one argument.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct ArgCondition {
        pub(in crate::policy) exists: Option<bool>,
        /// `None`: the text does not matter.
        pub(in crate::policy) text: Option<Globs>,
    }
}

impl CallCondition {
    pub(in crate::policy) const fn name(&self) -> &'static str {
        match self {
            Self::Surface(_) => "surface",
            Self::Tool(_) => "tool",
            Self::Server(_) => "server",
            Self::Runtime(_) => "runtime",
            Self::Agent(_) => "agent",
            Self::HostMode(_) => "host_mode",
            Self::Depth(_) => "depth",
            Self::Arg(..) | Self::EveryArg(..) => "arg",
            Self::Pin(_) => "pin",
            Self::Principal(_) => "principal",
            Self::RunMode(_) => "run_mode",
            Self::Label(_) => "label",
            Self::Counter(..) => "counter",
            Self::Time(_) => "time",
            Self::Sends(_) => "sends",
        }
    }

    pub(in crate::policy) fn holds(self, facts: &Facts, compiled: &Compiled) -> Truth {
        let caller = &facts.caller;
        match self {
            Self::Surface(set) => (set & (1 << facts.surface as u8) != 0).into(),
            Self::Tool(globs) => {
                (!facts.tool.is_empty() && globs.fit(&facts.tool, compiled)).into()
            }
            Self::Server(globs) => globs.fit_option(facts.server.as_deref(), compiled),
            Self::Runtime(globs) => globs.fit(&caller.runtime, compiled).into(),
            Self::Agent(globs) => globs
                .fit(caller.agent.as_deref().unwrap_or("main"), compiled)
                .into(),
            Self::HostMode(globs) => globs.fit_option(caller.host_mode.as_deref(), compiled),
            Self::Depth(range) => range.holds(u64::from(caller.depth)).into(),
            Self::Arg(pointer, condition) => {
                condition.holds(compiled.text(pointer), facts, compiled)
            }
            Self::EveryArg(pointer, condition) => {
                condition.holds_for_one(compiled.text(pointer), facts, compiled)
            }
            Self::Pin(set) => match facts.pin {
                Some(pin) => (set & (1 << pin as u8) != 0).into(),
                // Only tools of servers are pinned.
                None if facts.server.is_some() => Truth::Unknown,
                None => Truth::No,
            },
            Self::Principal(globs) => match &facts.context.user {
                Some(user) => globs.fit(user, compiled).into(),
                None => Truth::Unknown,
            },
            Self::RunMode(set) => match caller.run_mode {
                Some(mode) => (set & (1 << mode as u8) != 0).into(),
                None => Truth::Unknown,
            },
            Self::Label(words) => words.fit(&facts.state.labels, Truth::No, compiled),
            Self::Counter(name, range) => {
                let name = compiled.text(name);
                let held = facts.state.counters.iter().find(|(held, _)| held == name);
                range.holds(held.map_or(0, |(_, count)| *count)).into()
            }
            Self::Time(window) => window.holds(&facts.now),
            Self::Sends(range) => match facts.sends {
                Some(sends) if sends.exact => range.holds(sends.bytes).into(),
                Some(sends) => range.holds_from(sends.bytes),
                None => Truth::No,
            },
        }
    }
}

impl ArgCondition {
    fn holds(self, pointer: &str, facts: &Facts, compiled: &Compiled) -> Truth {
        let value = facts.args.pointer(pointer);
        if self.exists.is_some_and(|exists| exists != value.is_some()) {
            return Truth::No;
        }
        self.text.map_or(Truth::Yes, |globs| {
            fits_argument(globs, pointer, value, facts, compiled)
        })
    }

    /// As `holds`, for whichever of the values that the pointer stands for.
    fn holds_for_one(self, pointer: &str, facts: &Facts, compiled: &Compiled) -> Truth {
        let mut there = false;
        let mut best = Truth::No;
        facts.args.each_at(pointer, &mut |at, value| {
            there = true;
            if let Some(globs) = self.text {
                best = best.max(fits_argument(globs, at, Some(value), facts, compiled));
            }
        });
        if self.exists.is_some_and(|exists| exists != there) {
            Truth::No
        } else if self.text.is_none() {
            Truth::Yes
        } else {
            best
        }
    }
}

/// Whether the text of one argument fits.
fn fits_argument(
    globs: Globs,
    pointer: &str,
    value: Option<&Value>,
    facts: &Facts,
    compiled: &Compiled,
) -> Truth {
    // What was replaced by a mark cannot be compared any more.
    if facts
        .findings
        .iter()
        .any(|finding| finding.redact && finding.at == pointer)
    {
        return Truth::Unknown;
    }
    match value {
        Some(Value::String(text)) => globs.fit(text, compiled).into(),
        Some(&Value::Bool(truth)) => globs
            .fit(if truth { "true" } else { "false" }, compiled)
            .into(),
        Some(Value::Int(number)) => globs.fit(&number.to_string(), compiled).into(),
        _ => Truth::No,
    }
}
