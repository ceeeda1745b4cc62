//! Reading one event of a runtime by its contract. Pure; whatever is wrong has a kind and a sentence.

use std::fmt;

use super::contract::{Contract, EventContract, Role};
use crate::call::Surface;
use crate::json::Value;

/// What every event says about where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The runtime's id of the session.
    pub id: String,
    /// The working directory, when it is said.
    pub cwd: Option<String>,
    /// The permission mode, when it is said.
    pub mode: Option<String>,
    /// The sub-agent; `None` for the main one.
    pub agent: Option<String>,
}

/// A tool call that has not run yet.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEvent {
    /// Where it comes from.
    pub session: Session,
    /// The tool's name.
    pub tool: String,
    /// The tool's arguments.
    pub args: Value,
    /// The runtime's id of the call.
    pub call_id: Option<String>,
}

/// What came of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeEvent {
    /// Where it comes from.
    pub session: Session,
    /// The tool's name.
    pub tool: String,
    /// The runtime's id of the call.
    pub call_id: Option<String>,
    /// `ok`, `error`, `cancelled`.
    pub result: &'static str,
    /// What the tool answered, when it is there.
    pub output: Option<Value>,
    /// How long it ran, when it is said.
    pub duration_ms: Option<u64>,
}

/// A text that reaches the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEvent {
    /// Where it comes from.
    pub session: Session,
    /// Where the text comes from.
    pub surface: Surface,
    /// The text.
    pub text: String,
}

/// A session begins, or its configuration has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginEvent {
    /// Which one.
    pub session: Session,
    /// The model, when it is said.
    pub model: Option<String>,
}

/// A session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopEvent {
    /// Which one.
    pub session: Session,
    /// Why, in the runtime's words, when it is said.
    pub reason: Option<String>,
}

/// One event, read.
#[derive(Debug)]
pub enum HookEvent<'c, 'a> {
    /// A tool call, to be judged.
    Call(CallEvent, &'c EventContract<'a>),
    /// The outcome of one, to be recorded.
    Outcome(OutcomeEvent, &'c EventContract<'a>),
    /// A text, to be judged.
    Text(TextEvent, &'c EventContract<'a>),
    /// A session begins, to be recorded.
    Begin(BeginEvent, &'c EventContract<'a>),
    /// A session ends, to be recorded.
    Stop(StopEvent, &'c EventContract<'a>),
    /// An event that is answered with nothing.
    Unjudged,
}

/// Why an event could not be read. The sentence names fields, never what stands in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventError {
    /// For programs.
    pub kind: &'static str,
    /// For people.
    pub message: String,
}

impl EventError {
    fn new(kind: &'static str, message: String) -> Self {
        Self { kind, message }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for EventError {}

/// An event that could not be read, and its contract when it was known: then its own failure reply is due.
#[derive(Debug)]
pub struct Refused<'c, 'a> {
    /// Why.
    pub error: EventError,
    /// The event, as far as it was known.
    pub event: Option<&'c EventContract<'a>>,
}

impl<'a> Contract<'a> {
    /// Reads one event. The arguments move out of `input`; nothing is copied that may be large.
    ///
    /// # Errors
    /// [`Refused`] when it is not an event of this runtime, or lacks what its role needs.
    pub fn read<'c>(&'c self, mut input: Value) -> Result<HookEvent<'c, 'a>, Refused<'c, 'a>> {
        let fields = &self.fields;
        let Some(name) = input.pointer(fields.event).and_then(Value::as_str) else {
            return Err(Refused {
                error: EventError::new(
                    "event_unnamed",
                    format!("the input has no event name at `{}`", fields.event),
                ),
                event: None,
            });
        };
        let Some((_, event)) = self.events.iter().find(|(held, _)| *held == name) else {
            if self.unjudged.contains(&name) || input.pointer(fields.args).is_none() {
                return Ok(HookEvent::Unjudged);
            }
            // A call under a name we do not know: a newer client, or input that is not the client's.
            return Err(Refused {
                error: EventError::new(
                    "event_unknown",
                    format!(
                        "an event that `{}` is not known to send brings a tool call",
                        self.name
                    ),
                ),
                event: None,
            });
        };
        let Some(event) = event.get() else {
            return Err(Refused {
                error: EventError::new(
                    "contract_damaged",
                    format!("what this program knows of `{name}` cannot be read: install it again"),
                ),
                event: None,
            });
        };
        self.read_known(event, &mut input).map_err(|error| Refused {
            error,
            event: Some(event),
        })
    }

    fn read_known<'c>(
        &'c self,
        event: &'c EventContract<'a>,
        input: &mut Value,
    ) -> Result<HookEvent<'c, 'a>, EventError> {
        let fields = &self.fields;
        let session = Session {
            id: required(input, fields.session)?,
            cwd: optional(input, fields.cwd)?,
            mode: optional(input, fields.mode)?,
            agent: optional(input, fields.agent)?,
        };
        Ok(match &event.role {
            Role::Call => HookEvent::Call(
                CallEvent {
                    session,
                    tool: required(input, fields.tool)?,
                    call_id: optional(input, fields.call_id)?,
                    args: take(input, fields.args)
                        .filter(|args| *args != Value::Null)
                        .ok_or_else(|| missing(fields.args))?,
                },
                event,
            ),
            Role::Outcome {
                result,
                output,
                duration_ms,
                cancelled,
            } => {
                let stopped = cancelled
                    .and_then(|at| input.pointer(at))
                    .is_some_and(|flag| *flag == Value::Bool(true));
                HookEvent::Outcome(
                    OutcomeEvent {
                        session,
                        tool: required(input, fields.tool)?,
                        call_id: optional(input, fields.call_id)?,
                        result: if stopped {
                            "cancelled"
                        } else {
                            result_name(result)
                        },
                        duration_ms: duration_ms
                            .and_then(|at| input.pointer(at))
                            .and_then(milliseconds),
                        output: take(input, output),
                    },
                    event,
                )
            }
            Role::Begin { model } => HookEvent::Begin(
                BeginEvent {
                    session,
                    model: match model {
                        Some(model) => optional(input, model)?,
                        None => None,
                    },
                },
                event,
            ),
            Role::Stop { reason } => HookEvent::Stop(
                StopEvent {
                    session,
                    reason: optional(input, reason)?,
                },
                event,
            ),
            Role::Text { surface, text } => HookEvent::Text(
                TextEvent {
                    session,
                    surface: *surface,
                    text: optional(input, text)?.ok_or_else(|| missing(text))?,
                },
                event,
            ),
        })
    }
}

/// The name as records know it; the build script lets no other pass.
pub(super) fn result_name(name: &str) -> &'static str {
    match name {
        "ok" => "ok",
        "error" => "error",
        "cancelled" => "cancelled",
        _ => "ambiguous",
    }
}

fn milliseconds(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Float(number) if *number >= 0.0 => Some(*number as u64),
        _ => None,
    }
}

fn missing(at: &str) -> EventError {
    EventError::new("event_field_missing", format!("`{at}` is missing"))
}

fn required(input: &Value, at: &str) -> Result<String, EventError> {
    optional(input, at)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| missing(at))
}

fn optional(input: &Value, at: &str) -> Result<Option<String>, EventError> {
    match input.pointer(at) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(EventError::new(
            "event_field_type",
            format!("`{at}` is not a string"),
        )),
    }
}

/// Moves the value at a pointer of one step out of an object.
fn take(input: &mut Value, at: &str) -> Option<Value> {
    let Value::Object(members) = input else {
        return None;
    };
    let name = at.strip_prefix('/')?;
    members
        .iter_mut()
        .find(|(held, _)| held == name)
        .map(|(_, value)| std::mem::take(value))
}
