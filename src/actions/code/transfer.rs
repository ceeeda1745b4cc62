//! What clients that transfer files are told: commands of ftp, sftp and lftp, one a line, and configuration files of curl.

use super::{CodeEffect, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// What commands of a client of ftp would do on this machine.
pub(super) fn commands(text: &str) -> Vec<CodeEffect> {
    let mut effects = Vec::new();
    for (line, offset) in pieces(text, &['\n', ';']) {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else {
            continue;
        };
        if let Some(code) = line.strip_prefix('!') {
            let what = What::Shell {
                text: Value::Exact(code.to_owned()),
                verbatim_at: Some(offset + 1),
            };
            push(&mut effects, what, line, offset);
            continue;
        }
        let files = words.filter(|word| !word.starts_with('-'));
        let unquoted = |word: &str| word.trim_matches(['"', '\'']).to_owned();
        match name.to_ascii_lowercase().as_str() {
            "put" | "reput" | "append" | "send" => {
                let what = files
                    .take(1)
                    .map(|file| read(unquoted(file), &[]))
                    .collect();
                push_all(&mut effects, what, line, offset);
            }
            "mput" => {
                let what = files.map(|file| read(unquoted(file), &[])).collect();
                push_all(&mut effects, what, line, offset);
            }
            "mirror" if line.split_whitespace().any(is_reverse) => {
                let what = files
                    .take(1)
                    .map(|folder| read(unquoted(folder), &["recursive"]))
                    .collect();
                push_all(&mut effects, what, line, offset);
            }
            "get" | "reget" | "recv" | "mget" | "pget" => {
                let written: Vec<&str> = files.take(2).collect();
                if let Some(file) = written.last() {
                    let name = unquoted(file);
                    let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
                    let local = if written.len() > 1 {
                        unquoted(file)
                    } else {
                        name
                    };
                    let what = act(ActionKind::FsWrite, local, &[]);
                    push(&mut effects, what, line, offset);
                }
            }
            _ => {}
        }
    }
    effects
}

/// What a configuration file of curl asks for: a curl of its own, with the options that it names.
pub(super) fn configuration(text: &str) -> Vec<CodeEffect> {
    let mut words = vec![Value::Exact(String::from("curl"))];
    for (line, _) in pieces(text, &['\n']) {
        if line.starts_with('#') {
            continue;
        }
        let end = line
            .find(|one: char| one == '=' || one == ':' || one.is_whitespace())
            .unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let value = rest
            .trim_start_matches(|one: char| one == '=' || one == ':' || one.is_whitespace())
            .trim_matches('"');
        let dashed = if name.starts_with('-') {
            name.to_owned()
        } else {
            format!("--{name}")
        };
        words.push(Value::Exact(dashed));
        if !value.is_empty() {
            words.push(Value::Exact(value.to_owned()));
        }
    }
    let Some(span) = ByteSpan::new(0, text.len()).filter(|_| words.len() > 1) else {
        return Vec::new();
    };
    vec![CodeEffect {
        what: What::Argv { words },
        span,
        certain: true,
    }]
}

/// Trimmed pieces of a text that are not empty, with where they stand.
fn pieces<'t>(text: &'t str, ends: &'t [char]) -> impl Iterator<Item = (&'t str, usize)> {
    let mut start = 0;
    text.split_inclusive(ends).filter_map(move |piece| {
        let offset = start + (piece.len() - piece.trim_start().len());
        start += piece.len();
        let piece = piece.trim_end_matches(ends).trim();
        (!piece.is_empty()).then_some((piece, offset))
    })
}

/// `-R`, alone or among other letters: from here to there.
fn is_reverse(word: &str) -> bool {
    word == "--reverse" || (word.starts_with('-') && !word.starts_with("--") && word.contains('R'))
}

fn read(path: String, attributes: &[&'static str]) -> What {
    act(ActionKind::FsRead, path, attributes)
}

fn act(kind: ActionKind, path: String, attributes: &[&'static str]) -> What {
    let target = if crate::actions::pattern::has_wildcard(&path) {
        Value::Pattern(path)
    } else {
        Value::Exact(path)
    };
    What::Act {
        kind,
        target: Some(target),
        role: TargetRole::Path,
        attributes: attributes.to_vec(),
    }
}

fn push_all(effects: &mut Vec<CodeEffect>, all: Vec<What>, line: &str, offset: usize) {
    for what in all {
        push(effects, what, line, offset);
    }
}

fn push(effects: &mut Vec<CodeEffect>, what: What, line: &str, offset: usize) {
    if let Some(span) = ByteSpan::new(offset, offset + line.len()) {
        effects.push(CodeEffect {
            what,
            span,
            certain: true,
        });
    }
}
