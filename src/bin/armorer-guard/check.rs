//! `armorer-guard check`: one text, one call or a stream of requests on standard input.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use armorer_guard_core::call::{Caller, Text};
use armorer_guard_core::decision::Decision;
use armorer_guard_core::edge;
use armorer_guard_core::explain;
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::json::{Value, parse_repaired};
use armorer_guard_core::record::{Durability, Unrecorded};
use armorer_guard_core::wire::{
    self, Answer, ErrorAnswer, Failure, Origin, Request, RequestError, Subject,
};

use crate::args::{CheckOptions, InputFormat};
use crate::input::{InputError, MAX_INPUT_BYTES, invite, read_all};
use crate::lines::{Line, Lines};
use crate::output::{Status, complain, print, style, write_out};

/// Runs the command and returns the strictest answer.
pub(crate) fn run(options: &CheckOptions) -> Status {
    let home = options.home.clone().or_else(edge::guard_home);
    if options.record && home.is_none() {
        complain(
            "nothing says where records are kept",
            Some("set ARMORER_GUARD_HOME, or use --no-record"),
        );
        return Status::Error;
    }
    let cwd = options.cwd.clone().or_else(|| std::env::current_dir().ok());
    let origin = Origin {
        context: edge::context(cwd, None, home.clone()),
        caller: Caller {
            run: options.run.clone(),
            runtime: String::from("check"),
            run_mode: edge::run_mode(),
            ..Caller::default()
        },
        surface: options.surface,
    };
    let guard = Guard::open(&Options {
        home,
        record: options.record,
    })
    .with_durability(Durability::from_environment())
    .with_unrecorded(Unrecorded::from_environment());
    if options.format == InputFormat::JsonLines {
        stream(&guard, &origin)
    } else {
        single(&guard, &origin, options)
    }
}

/// What could not be judged, and what to do about it.
struct Refusal {
    id: Value,
    kind: &'static str,
    message: String,
    hint: Option<&'static str>,
}

impl From<InputError> for Refusal {
    fn from(error: InputError) -> Self {
        Self {
            id: Value::Null,
            kind: error.kind,
            message: error.message,
            hint: None,
        }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self {
            id: error.id,
            kind: error.kind.as_str(),
            message: error.message,
            hint: None,
        }
    }
}

fn single(guard: &Guard, origin: &Origin, options: &CheckOptions) -> Status {
    invite();
    let judged = read_request(origin, options.format).and_then(|Request { id, subject }| {
        judge(guard, subject).map_or_else(
            || Err(internal(id.clone())),
            |decision| Ok((id.clone(), decision)),
        )
    });
    match judged {
        Ok((id, decision)) => {
            let text = if options.json {
                let mut line = Vec::new();
                wire::write_line(
                    &Answer {
                        id: &id,
                        decision: &decision,
                    },
                    &mut line,
                );
                line
            } else {
                explain::human(&decision, style(&io::stdout())).into_bytes()
            };
            print(&text).max(Status::from(decision.verdict.effect))
        }
        Err(refusal) => {
            if options.json {
                let mut line = Vec::new();
                write_refusal(&refusal, &mut line);
                print(&line);
            } else {
                complain(
                    &format!("{} [{}]", refusal.message, refusal.kind),
                    refusal.hint,
                );
            }
            Status::Error
        }
    }
}

fn read_request(origin: &Origin, format: InputFormat) -> Result<Request, Refusal> {
    let bytes = read_all()?;
    if bytes.is_empty() {
        return Err(Refusal {
            id: Value::Null,
            kind: "input_empty",
            message: String::from("the input is empty"),
            hint: None,
        });
    }
    match format {
        InputFormat::Text => {}
        InputFormat::Call | InputFormat::JsonLines => return Ok(wire::read(&bytes, origin)?),
        InputFormat::Auto => match parse_if_object(&bytes) {
            Some(Ok(value)) if wire::looks_like_request(&value) => {
                drop(bytes);
                return wire::request(value, origin).map_err(|error| Refusal {
                    hint: Some(AS_TEXT),
                    ..error.into()
                });
            }
            Some(Err(error)) => {
                return Err(Refusal {
                    hint: Some(AS_TEXT),
                    ..error.into()
                });
            }
            Some(Ok(_)) | None => {}
        },
    }
    Ok(Request {
        id: Value::Null,
        subject: Subject::Text(Text {
            bytes,
            surface: origin.surface,
            caller: origin.caller.clone(),
        }),
    })
}

const AS_TEXT: &str = "`--text` judges it as a plain text, `--jsonl` as one request a line";

/// The value, when the bytes start as a JSON object does: `{`, then a quotation mark or `}`. What starts so and is not
/// JSON is an error: a call that lost its end must not be judged as a harmless text.
fn parse_if_object(bytes: &[u8]) -> Option<Result<Value, RequestError>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut significant = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    let starts =
        significant.next() == Some(&b'{') && matches!(significant.next(), None | Some(b'"' | b'}'));
    starts.then(|| {
        parse_repaired(bytes)
            .map(|(value, _)| value)
            .map_err(RequestError::from)
    })
}

/// Judges; `None` when that panicked. The panic hook has said where.
fn judge(guard: &Guard, subject: Subject) -> Option<Decision> {
    catch_unwind(AssertUnwindSafe(|| match subject {
        Subject::Call(call) => guard.check(call),
        Subject::Text(text) => guard.check_text(text),
    }))
    .ok()
}

fn internal(id: Value) -> Refusal {
    Refusal {
        id,
        kind: "internal",
        message: String::from("an internal error; this request was not judged"),
        hint: None,
    }
}

fn write_refusal(refusal: &Refusal, out: &mut Vec<u8>) {
    wire::write_line(
        &ErrorAnswer {
            id: &refusal.id,
            error: Failure {
                kind: refusal.kind,
                message: &refusal.message,
            },
        },
        out,
    );
}

/// Answers collected before they are written, when requests come faster than one by one.
const ANSWERS_AT_ONCE: usize = 64 << 10;

fn stream(guard: &Guard, origin: &Origin) -> Status {
    let mut lines = Lines::new(io::stdin().lock(), MAX_INPUT_BYTES);
    let mut answers = Vec::new();
    let mut strictest = Status::Allow;
    loop {
        // Whoever waits for an answer before the next request gets it; whoever does not gets many in one write.
        let next = lines.next(|| flush(&mut answers));
        let line = match next {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                complain(&format!("the stream broke: {error}"), None);
                return Status::Error;
            }
        };
        if let Line::Text(bytes) = line
            && bytes.iter().all(u8::is_ascii_whitespace)
        {
            continue;
        }
        strictest = strictest.max(answer_line(guard, origin, &line, &mut answers));
        if answers.len() >= ANSWERS_AT_ONCE
            && let Err(error) = flush(&mut answers)
        {
            complain(&format!("the answer could not be written: {error}"), None);
            return Status::Error;
        }
    }
    print(&answers).max(strictest)
}

fn flush(answers: &mut Vec<u8>) -> io::Result<()> {
    if !answers.is_empty() {
        write_out(answers)?;
        answers.clear();
    }
    Ok(())
}

fn answer_line(guard: &Guard, origin: &Origin, line: &Line<'_>, out: &mut Vec<u8>) -> Status {
    let request = match line {
        Line::Text(bytes) => wire::read(bytes, origin).map_err(Refusal::from),
        Line::TooLong => Err(Refusal::from(InputError::too_large("the line"))),
    };
    let judged = request.and_then(|Request { id, subject }| match judge(guard, subject) {
        Some(decision) => Ok((id, decision)),
        None => Err(internal(id)),
    });
    match judged {
        Ok((id, decision)) => {
            wire::write_line(
                &Answer {
                    id: &id,
                    decision: &decision,
                },
                out,
            );
            Status::from(decision.verdict.effect)
        }
        Err(refusal) => {
            write_refusal(&refusal, out);
            Status::Error
        }
    }
}
