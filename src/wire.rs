//! The wire format: one JSON request in, one JSON answer out. Pure; the front, the extension and adapters share it.
//!
//! Reading is strict. A member that is not known is refused, because `arguments` instead of `args` would otherwise be
//! a call without arguments, judged harmless. Messages name members, never what stands in them.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};

use crate::call::{Call, Caller, Context, RunMode, Surface, Text, ToolPin};
use crate::decision::Decision;
use crate::json::{JsonError, Value, parse_repaired};
use crate::record::tools::definition_digest;
use crate::span::ByteSpan;

/// What the entry point knows before the request speaks; the request's own members take its place.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Where calls happen that do not say.
    pub context: Context,
    /// Who asks.
    pub caller: Caller,
    /// Where texts come from that do not say.
    pub surface: Surface,
}

/// One request, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Any value; the answer carries it back. `null` when there was none.
    pub id: Value,
    /// What is to be judged.
    pub subject: Subject,
}

/// What is to be judged.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A tool call.
    Call(Call),
    /// A text by itself.
    Text(Text),
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestErrorKind {
    /// It is not JSON as we accept it.
    Json(crate::json::JsonErrorKind),
    /// It is JSON, but not an object.
    NotObject,
    /// It has neither `tool` nor `text`, or a `tool` without `args`.
    Incomplete,
    /// It has both `tool` and `text`, or a member of one beside the other.
    Ambiguous,
    /// A member is not known.
    UnknownMember,
    /// A member has the wrong type.
    WrongType,
    /// The surface is not known.
    UnknownSurface,
    /// The run mode or the state of the pin is not known.
    UnknownWord,
    /// A directory is not absolute.
    RelativePath,
}

impl RequestErrorKind {
    /// Stable name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json(kind) => kind.as_str(),
            Self::NotObject => "request_not_object",
            Self::Incomplete => "request_incomplete",
            Self::Ambiguous => "request_ambiguous",
            Self::UnknownMember => "request_unknown_member",
            Self::WrongType => "request_wrong_type",
            Self::UnknownSurface => "request_unknown_surface",
            Self::UnknownWord => "request_unknown_word",
            Self::RelativePath => "request_relative_path",
        }
    }
}

/// A request that cannot be judged, with the id it should be answered under.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestError {
    /// The request's id as far as it could be read, else `null`.
    pub id: Value,
    /// For programs.
    pub kind: RequestErrorKind,
    /// For people.
    pub message: String,
}

impl fmt::Display for RequestError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for RequestError {}

impl From<JsonError> for RequestError {
    fn from(error: JsonError) -> Self {
        Self {
            id: Value::Null,
            kind: RequestErrorKind::Json(error.kind),
            message: error.to_string(),
        }
    }
}

/// Every member of a request.
const MEMBERS: [&str; 12] = [
    "id",
    "tool",
    "args",
    "text",
    "surface",
    "cwd",
    "run",
    "workspace",
    "agent",
    "run_mode",
    "pin",
    "definition",
];

/// Reads one request. Unpaired surrogate escapes are read as U+FFFD, so that such a call is judged, not refused.
///
/// # Errors
/// [`RequestError`] with the first thing that is wrong.
pub fn read(bytes: &[u8], origin: &Origin) -> Result<Request, RequestError> {
    let (value, _) = parse_repaired(bytes)?;
    request(value, origin)
}

/// Whether a value is meant as a request: an object with `tool` or `text`.
#[must_use]
pub fn looks_like_request(value: &Value) -> bool {
    value.get("tool").is_some() || value.get("text").is_some()
}

/// As [`read`], for a value that was parsed before.
///
/// # Errors
/// [`RequestError`] with the first thing that is wrong.
pub fn request(value: Value, origin: &Origin) -> Result<Request, RequestError> {
    let Value::Object(members) = value else {
        return Err(RequestError {
            id: Value::Null,
            kind: RequestErrorKind::NotObject,
            message: String::from("the request is not a JSON object"),
        });
    };
    let mut id = Value::Null;
    let mut given = Given::default();
    let mut problem = None;
    for (position, (name, value)) in members.into_iter().enumerate() {
        // Read to the end even after a problem: the answer must carry the id wherever it stands.
        if name == "id" {
            id = value;
        } else if let Err(error) = given.take(&name, value, position) {
            problem.get_or_insert(error);
        }
    }
    match problem.map_or_else(|| given.into_subject(origin), Err) {
        Ok(subject) => Ok(Request { id, subject }),
        Err(Problem { kind, message }) => Err(RequestError { id, kind, message }),
    }
}

struct Problem {
    kind: RequestErrorKind,
    message: String,
}

impl Problem {
    fn new(kind: RequestErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

#[derive(Default)]
struct Given {
    tool: Option<String>,
    args: Option<Value>,
    text: Option<String>,
    surface: Option<String>,
    cwd: Option<String>,
    run: Option<String>,
    workspace: Option<String>,
    agent: Option<String>,
    run_mode: Option<String>,
    pin: Option<String>,
    definition: Option<Value>,
}

impl Given {
    fn take(&mut self, name: &str, value: Value, position: usize) -> Result<(), Problem> {
        let slot = match name {
            "args" => {
                if !matches!(value, Value::Object(_)) {
                    return Err(wrong_type("args", "an object"));
                }
                self.args = Some(value);
                return Ok(());
            }
            "definition" => {
                if !matches!(value, Value::Object(_)) {
                    return Err(wrong_type("definition", "an object"));
                }
                self.definition = Some(value);
                return Ok(());
            }
            "tool" => &mut self.tool,
            "text" => &mut self.text,
            "surface" => &mut self.surface,
            "cwd" => &mut self.cwd,
            "run" => &mut self.run,
            "workspace" => &mut self.workspace,
            "agent" => &mut self.agent,
            "run_mode" => &mut self.run_mode,
            "pin" => &mut self.pin,
            _ => {
                return Err(Problem::new(
                    RequestErrorKind::UnknownMember,
                    format!(
                        "member {} of the request is not one of `{}`",
                        position + 1,
                        MEMBERS.join("`, `")
                    ),
                ));
            }
        };
        *slot = match value {
            Value::String(text) => Some(text),
            // `null` is how many writers say "not given"; for what must be given it is caught as missing.
            Value::Null => None,
            _ => return Err(wrong_type(name, "a string")),
        };
        Ok(())
    }

    fn into_subject(self, origin: &Origin) -> Result<Subject, Problem> {
        let mut caller = origin.caller.clone();
        if self.run.is_some() {
            caller.run = self.run;
        }
        if self.agent.is_some() {
            caller.agent = self.agent;
        }
        if let Some(mode) = self.run_mode {
            let known = RunMode::ALL.map(RunMode::as_str);
            let mode = RunMode::from_name(&mode).ok_or_else(|| unknown_word("run_mode", &known))?;
            caller.run_mode = Some(mode);
        }
        let pin = match self.pin {
            None => None,
            Some(pin) => {
                let known = ToolPin::ALL.map(ToolPin::as_str);
                Some(ToolPin::from_name(&pin).ok_or_else(|| unknown_word("pin", &known))?)
            }
        };
        match (self.tool, self.text) {
            (Some(_), Some(_)) => Err(Problem::new(
                RequestErrorKind::Ambiguous,
                "the request has both `tool` and `text`",
            )),
            (None, None) => Err(Problem::new(
                RequestErrorKind::Incomplete,
                "the request has neither `tool` nor `text`",
            )),
            (Some(tool), None) => {
                if self.surface.is_some() {
                    return Err(Problem::new(
                        RequestErrorKind::Ambiguous,
                        "`surface` goes with `text`, not with `tool`",
                    ));
                }
                if tool.is_empty() {
                    return Err(Problem::new(
                        RequestErrorKind::Incomplete,
                        "`tool` is empty",
                    ));
                }
                let Some(args) = self.args else {
                    return Err(Problem::new(
                        RequestErrorKind::Incomplete,
                        "`tool` has no `args`; a call without arguments has `{}`",
                    ));
                };
                Ok(Subject::Call(Call {
                    tool,
                    args,
                    pin,
                    definition: self.definition.as_ref().map(definition_digest),
                    context: place(&origin.context, self.cwd, self.workspace)?,
                    caller,
                }))
            }
            (None, Some(text)) => {
                if self.args.is_some() {
                    return Err(Problem::new(
                        RequestErrorKind::Ambiguous,
                        "`args` goes with `tool`, not with `text`",
                    ));
                }
                if pin.is_some() {
                    return Err(Problem::new(
                        RequestErrorKind::Ambiguous,
                        "`pin` goes with `tool`, not with `text`",
                    ));
                }
                if self.definition.is_some() {
                    return Err(Problem::new(
                        RequestErrorKind::Ambiguous,
                        "`definition` goes with `tool`, not with `text`",
                    ));
                }
                let surface = match self.surface {
                    None => origin.surface,
                    Some(name) => Surface::from_name(&name).ok_or_else(unknown_surface)?,
                };
                // The directories mean nothing to a text, but a wrong one is an error here as there.
                place(&origin.context, self.cwd, self.workspace)?;
                Ok(Subject::Text(Text {
                    bytes: text.into_bytes(),
                    surface,
                    caller,
                }))
            }
        }
    }
}

fn place(
    known: &Context,
    cwd: Option<String>,
    workspace: Option<String>,
) -> Result<Context, Problem> {
    for (name, path) in [("cwd", &cwd), ("workspace", &workspace)] {
        if path
            .as_deref()
            .is_some_and(|path| !Path::new(path).is_absolute())
        {
            return Err(Problem::new(
                RequestErrorKind::RelativePath,
                format!("`{name}` is not an absolute path"),
            ));
        }
    }
    let mut context = known.clone();
    if let Some(cwd) = cwd {
        // A call that says where it happens is not in the workspace this process happens to stand in.
        context.workspace = Some(cwd.clone());
        context.cwd = Some(cwd);
    }
    if workspace.is_some() {
        context.workspace = workspace;
    }
    Ok(context)
}

fn unknown_word(member: &str, known: &[&str]) -> Problem {
    Problem::new(
        RequestErrorKind::UnknownWord,
        format!("`{member}` is not one of `{}`", known.join("`, `")),
    )
}

fn wrong_type(name: &str, expected: &str) -> Problem {
    Problem::new(
        RequestErrorKind::WrongType,
        format!("`{name}` is not {expected}"),
    )
}

fn unknown_surface() -> Problem {
    Problem::new(
        RequestErrorKind::UnknownSurface,
        format!(
            "`surface` is not one of `{}`",
            Surface::ALL.map(Surface::as_str).join("`, `")
        ),
    )
}

/// The answer to a request that was judged. Serializes without copying what may be large.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The request's id.
    pub id: &'a Value,
    /// What was decided.
    pub decision: &'a Decision,
}

#[derive(Serialize)]
struct AnswerMembers<'a> {
    id: &'a Value,
    effect: &'static str,
    reasons: Vec<ReasonMembers<'a>>,
    actions: Vec<ActionMembers<'a>>,
    findings: Vec<FindingMembers<'a>>,
    redacted: &'a Value,
    decision: &'a str,
    run: &'a str,
    recorded: bool,
    elapsed_us: u64,
}

#[derive(Serialize)]
struct ReasonMembers<'a> {
    rule: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct ActionMembers<'a> {
    kind: &'static str,
    target: &'a str,
    certainty: &'static str,
    sentence: String,
    on: Option<&'a str>,
    at: &'a str,
    start: Option<usize>,
    end: Option<usize>,
}

#[derive(Serialize)]
struct FindingMembers<'a> {
    rule: &'a str,
    kind: &'static str,
    severity: &'static str,
    at: &'a str,
    start: usize,
    end: usize,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, decision } = self;
        let facts = &decision.facts;
        AnswerMembers {
            id,
            effect: decision.verdict.effect.as_str(),
            reasons: decision
                .verdict
                .determining
                .iter()
                .map(|reason| ReasonMembers {
                    rule: &reason.rule,
                    message: &reason.message,
                })
                .collect(),
            actions: facts
                .actions
                .iter()
                .map(|action| ActionMembers {
                    kind: action.kind.as_str(),
                    target: &action.target.value,
                    certainty: action.certainty.as_str(),
                    sentence: action.sentence(),
                    on: action.on.as_deref(),
                    at: &action.at,
                    start: action.span.map(ByteSpan::start),
                    end: action.span.map(ByteSpan::end),
                })
                .collect(),
            findings: facts
                .findings
                .iter()
                .map(|finding| FindingMembers {
                    rule: &finding.rule,
                    kind: finding.kind.as_str(),
                    severity: finding.severity.as_str(),
                    at: &finding.at,
                    start: finding.span.start(),
                    end: finding.span.end(),
                })
                .collect(),
            redacted: &facts.args,
            decision: &decision.id,
            run: &decision.run,
            recorded: decision.recorded(),
            elapsed_us: decision.timings.total_us,
        }
        .serialize(serializer)
    }
}

/// The answer to what could not be judged.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ErrorAnswer<'a> {
    /// The request's id as far as it could be read, else `null`.
    pub id: &'a Value,
    /// What was wrong.
    pub error: Failure<'a>,
}

/// A kind for programs and a sentence for people.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Failure<'a> {
    /// For programs.
    pub kind: &'a str,
    /// For people.
    pub message: &'a str,
}

/// Appends an answer as one line.
pub fn write_line(answer: &impl Serialize, out: &mut Vec<u8>) {
    // INVARIANT: an answer has string names and finite numbers, and a vector takes every write.
    let written = serde_json::to_writer(&mut *out, answer);
    debug_assert!(written.is_ok());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonErrorKind;

    fn origin() -> Origin {
        Origin {
            context: Context {
                cwd: Some(String::from("/here")),
                workspace: Some(String::from("/here")),
                home: Some(String::from("/home/u")),
                user: None,
                guard_home: None,
            },
            caller: Caller {
                runtime: String::from("check"),
                ..Caller::default()
            },
            surface: Surface::ToolResult,
        }
    }

    fn refused(text: &str) -> (Value, &'static str) {
        let error = read(text.as_bytes(), &origin()).expect_err("must be refused");
        (error.id, error.kind.as_str())
    }

    #[test]
    fn a_call_takes_what_it_does_not_say_from_its_origin() {
        let read = read(
            br#"{"id":[1],"tool":"Bash","args":{"command":"ls"},"run":"r","run_mode":"headless","pin":"changed","definition":{"name":"x"}}"#,
            &origin(),
        )
        .unwrap();
        assert_eq!(
            read,
            Request {
                id: Value::Array(vec![Value::Int(1)]),
                subject: Subject::Call(Call {
                    tool: String::from("Bash"),
                    args: Value::Object(vec![(String::from("command"), "ls".into())]),
                    pin: Some(ToolPin::Changed),
                    definition: Some(crate::record::digest(b"armorer-tool/1\n{\"name\":\"x\"}")),
                    context: origin().context,
                    caller: Caller {
                        run: Some(String::from("r")),
                        run_mode: Some(RunMode::Headless),
                        ..origin().caller
                    },
                }),
            }
        );
    }

    #[test]
    fn a_call_that_says_where_it_happens_is_not_in_the_callers_workspace() {
        let place = |text: &str| match read(text.as_bytes(), &origin()).unwrap().subject {
            Subject::Call(call) => (call.context.cwd, call.context.workspace),
            Subject::Text(_) => panic!("a call"),
        };
        let some = |path: &str| Some(String::from(path));
        assert_eq!(
            place(r#"{"tool":"T","args":{},"cwd":"/a/b"}"#),
            (some("/a/b"), some("/a/b"))
        );
        assert_eq!(
            place(r#"{"tool":"T","args":{},"cwd":"/a/b","workspace":"/a"}"#),
            (some("/a/b"), some("/a"))
        );
    }

    #[test]
    fn a_text_has_a_surface() {
        let surface = |text: &str| match read(text.as_bytes(), &origin()).unwrap().subject {
            Subject::Text(text) => (text.bytes, text.surface),
            Subject::Call(_) => panic!("a text"),
        };
        assert_eq!(
            surface(r#"{"text":"a\ud800"}"#),
            ("a\u{fffd}".into(), Surface::ToolResult)
        );
        assert_eq!(
            surface(r#"{"text":"","surface":"user"}"#),
            (Vec::new(), Surface::User)
        );
    }

    #[test]
    fn each_refusal_has_an_example_and_keeps_the_id() {
        let null = Value::Null;
        assert_eq!(refused("{"), (null.clone(), "json_truncated"));
        assert_eq!(
            read(b"\xff", &origin()).unwrap_err().kind,
            RequestErrorKind::Json(JsonErrorKind::InvalidUtf8)
        );
        assert_eq!(refused("[]"), (null.clone(), "request_not_object"));
        assert_eq!(refused(r#"{"id":7}"#), (7.into(), "request_incomplete"));
        for incomplete in [
            r#"{"tool":"Bash","id":7}"#,
            r#"{"tool":"","args":{},"id":7}"#,
            r#"{"text":null,"id":7}"#,
        ] {
            assert_eq!(refused(incomplete), (7.into(), "request_incomplete"));
        }
        for ambiguous in [
            r#"{"tool":"Bash","text":"x","id":7}"#,
            r#"{"tool":"Bash","args":{},"surface":"user","id":7}"#,
            r#"{"text":"x","args":{},"id":7}"#,
            r#"{"text":"x","pin":"ok","id":7}"#,
            r#"{"text":"x","definition":{},"id":7}"#,
        ] {
            assert_eq!(refused(ambiguous), (7.into(), "request_ambiguous"));
        }
        assert_eq!(
            refused(r#"{"tool":"Bash","arguments":{},"id":7}"#),
            (7.into(), "request_unknown_member")
        );
        for wrong in [
            r#"{"tool":1,"args":{},"id":7}"#,
            r#"{"tool":"Bash","args":"ls","id":7}"#,
            r#"{"tool":"Bash","args":null,"id":7}"#,
            r#"{"text":["x"],"id":7}"#,
        ] {
            assert_eq!(refused(wrong), (7.into(), "request_wrong_type"));
        }
        assert_eq!(
            refused(r#"{"text":"x","surface":"page","id":7}"#),
            (7.into(), "request_unknown_surface")
        );
        for unknown in [
            r#"{"tool":"Bash","args":{},"pin":"stale","id":7}"#,
            r#"{"text":"x","run_mode":"batch","id":7}"#,
        ] {
            assert_eq!(refused(unknown), (7.into(), "request_unknown_word"));
        }
        assert_eq!(
            refused(r#"{"tool":"Bash","args":{},"cwd":"src","id":7}"#),
            (7.into(), "request_relative_path")
        );
    }

    impl From<i32> for Value {
        fn from(number: i32) -> Self {
            Self::Int(i64::from(number))
        }
    }

    #[test]
    fn an_error_answer_is_one_line() {
        let mut out = Vec::new();
        let error = ErrorAnswer {
            id: &"a\nb".into(),
            error: Failure {
                kind: "k",
                message: "m",
            },
        };
        write_line(&error, &mut out);
        assert_eq!(
            out,
            b"{\"id\":\"a\\nb\",\"error\":{\"kind\":\"k\",\"message\":\"m\"}}\n"
        );
    }
}
