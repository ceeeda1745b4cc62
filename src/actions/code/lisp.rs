//! Emacs Lisp: forms that start programs, touch files or evaluate code.

use super::{CodeEffect, Language, TargetRole, What};
use crate::actions::code::value::concat;
use crate::actions::kinds::ActionKind;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

/// Forms nested deeper than this are closed as they are.
const MAX_DEPTH: usize = 256;

struct Form<'a> {
    start: usize,
    name: Option<&'a str>,
    arguments: Vec<(Value, Option<usize>)>,
}

/// What the forms would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let bytes = text.as_bytes();
    let mut open: Vec<Form<'_>> = Vec::new();
    let mut effects = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b';' => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |found| at + found)
            }
            b'(' => {
                if open.len() >= MAX_DEPTH {
                    effects.extend(
                        ByteSpan::new(at, bytes.len())
                            .map(|span| super::unknown(super::LIMIT_REASON, span)),
                    );
                    return effects;
                }
                open.push(Form {
                    start: at,
                    name: None,
                    arguments: Vec::new(),
                });
                at += 1;
            }
            b')' => {
                at += 1;
                let Some(form) = open.pop() else {
                    continue;
                };
                let value = close(&form, at, &mut effects);
                if let Some(outer) = open.last_mut() {
                    outer.arguments.push((value, None));
                }
            }
            b'"' => {
                let (value, verbatim, end) = string(text, at);
                at = end;
                if let Some(form) = open.last_mut() {
                    form.arguments.push((Value::Exact(value), verbatim));
                }
            }
            byte if byte.is_ascii_whitespace()
                || matches!(byte, b'\'' | b'`' | b',' | b'#' | b'[' | b']') =>
            {
                at += 1
            }
            _ => {
                let start = at;
                while at < bytes.len()
                    && !bytes[at].is_ascii_whitespace()
                    && !matches!(bytes[at], b'(' | b')' | b'"' | b';')
                {
                    at += 1;
                }
                let word = &text[start..at];
                if let Some(form) = open.last_mut() {
                    if form.name.is_none() && form.arguments.is_empty() {
                        form.name = Some(word);
                    } else {
                        form.arguments
                            .push((Value::Unknown(Why::RunTimeValue(word.to_owned())), None));
                    }
                }
            }
        }
    }
    effects
}

fn string(text: &str, start: usize) -> (String, Option<usize>, usize) {
    let mut out = String::new();
    let mut escaped = false;
    let mut changed = false;
    for (index, character) in text[start + 1..].char_indices() {
        if escaped {
            out.push(match character {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
            escaped = false;
        } else if character == '\\' {
            escaped = true;
            changed = true;
        } else if character == '"' {
            return (out, (!changed).then_some(start + 1), start + 1 + index + 1);
        } else {
            out.push(character);
        }
    }
    (out, None, text.len())
}

fn close(form: &Form<'_>, end: usize, effects: &mut Vec<CodeEffect>) -> Value {
    let unknown = || Value::Unknown(Why::Expansion);
    let argument = |index: usize| {
        form.arguments
            .get(index)
            .cloned()
            .unwrap_or_else(|| (unknown(), None))
    };
    let act = |kind: ActionKind, index: usize, attributes: &[&'static str]| What::Act {
        kind,
        target: Some(argument(index).0),
        role: TargetRole::Path,
        attributes: attributes.to_vec(),
    };
    let words = |from: &[usize], rest: usize| {
        let mut words: Vec<Value> = from.iter().map(|index| argument(*index).0).collect();
        words.extend(
            form.arguments
                .iter()
                .skip(rest)
                .map(|(value, _)| value.clone()),
        );
        What::Argv { words }
    };
    let what = match form.name.unwrap_or("") {
        "concat" => {
            return form
                .arguments
                .iter()
                .fold(Value::Exact(String::new()), |text, (part, _)| {
                    concat(text, part)
                });
        }
        "expand-file-name" | "file-truename" | "purecopy" | "identity" => return argument(0).0,
        "getenv" => {
            return match argument(0).0 {
                Value::Exact(name) if name == "HOME" => Value::Exact(String::from("~")),
                _ => unknown(),
            };
        }
        "shell-command"
        | "async-shell-command"
        | "shell-command-to-string"
        | "compile"
        | "eshell-command"
        | "start-process-shell-command" => {
            let (text, verbatim_at) = if form.name == Some("start-process-shell-command") {
                argument(2)
            } else {
                argument(0)
            };
            What::Shell { text, verbatim_at }
        }
        "call-process" | "process-file" => words(&[0], 4),
        "start-process" | "start-file-process" => words(&[2], 3),
        "process-lines" => words(&[0], 1),
        "delete-file" => act(ActionKind::FsDelete, 0, &[]),
        "delete-directory" => {
            let whole = form.arguments.get(1).is_some_and(|(value, _)| !matches!(value, Value::Unknown(Why::RunTimeValue(name)) if name == "nil"));
            act(
                ActionKind::FsDelete,
                0,
                if whole { &["recursive"] } else { &[] },
            )
        }
        "write-region" => act(ActionKind::FsWrite, 2, &["truncate"]),
        "write-file" => act(ActionKind::FsWrite, 0, &["truncate"]),
        "append-to-file" => act(ActionKind::FsWrite, 2, &["append"]),
        "rename-file" | "copy-file" => act(ActionKind::FsWrite, 1, &[]),
        "set-file-modes" => act(ActionKind::FsPermission, 0, &[]),
        "insert-file-contents" | "find-file" | "find-file-noselect" => {
            act(ActionKind::FsRead, 0, &[])
        }
        "load" | "load-file" => act(ActionKind::ExecLocal, 0, &[]),
        "url-retrieve"
        | "url-retrieve-synchronously"
        | "url-copy-file"
        | "url-insert-file-contents" => What::Act {
            kind: ActionKind::NetFetch,
            target: Some(argument(0).0),
            role: TargetRole::Url,
            attributes: Vec::new(),
        },
        "read" | "read-from-string" => {
            return argument(0).0;
        }
        "eval" => match argument(0) {
            (text @ Value::Exact(_), verbatim_at) => What::Code {
                language: Language::Elisp,
                text,
                verbatim_at,
            },
            _ => What::Unknown {
                reason: String::from("code that is computed when it runs"),
            },
        },
        "funcall" | "apply" if !matches!(argument(0).0, Value::Unknown(Why::RunTimeValue(_))) => {
            What::Unknown {
                reason: String::from("a function whose name is computed"),
            }
        }
        "open-network-stream" | "make-network-process" => What::Act {
            kind: ActionKind::NetFetch,
            target: Some(argument(2).0),
            role: TargetRole::Host,
            attributes: Vec::new(),
        },
        "kill-process" | "signal-process" => What::Act {
            kind: ActionKind::ProcessKill,
            target: None,
            role: TargetRole::Name,
            attributes: Vec::new(),
        },
        _ => return unknown(),
    };
    if let Some(span) = ByteSpan::new(form.start, end) {
        effects.push(CodeEffect {
            what,
            span,
            certain: true,
        });
    }
    unknown()
}
