//! Commands of database clients that are no SQL: psql's backslash, sqlite3's dot, sqlcmd's colon, SQL*Plus' words.

use super::lex::Token;
use super::statement::Reader;
use crate::actions::code::{TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// What the rest of the line is for a command.
#[derive(Clone, Copy)]
enum Takes {
    /// A shell command.
    Shell,
    /// A file that is written, or `|command`.
    Output,
    /// A file that is read as code, or `|command`.
    Script,
    /// A file that is read as data, or `|command`.
    Input,
    /// A library that is loaded.
    Library,
}

/// The commands by name. A name that is not here is `unknown`.
const COMMANDS: &[(&str, Takes)] = &[
    ("\\!", Takes::Shell),
    ("!!", Takes::Shell),
    (":!!", Takes::Shell),
    ("!", Takes::Shell),
    ("host", Takes::Shell),
    ("system", Takes::Shell),
    (".shell", Takes::Shell),
    (".system", Takes::Shell),
    ("pager", Takes::Shell),
    ("\\P", Takes::Shell),
    ("\\o", Takes::Output),
    ("\\out", Takes::Output),
    ("\\w", Takes::Output),
    ("\\write", Takes::Output),
    ("\\g", Takes::Output),
    ("\\gx", Takes::Output),
    ("\\s", Takes::Output),
    ("\\T", Takes::Output),
    ("tee", Takes::Output),
    ("spool", Takes::Output),
    (":out", Takes::Output),
    (":error", Takes::Output),
    (".output", Takes::Output),
    (".once", Takes::Output),
    (".log", Takes::Output),
    (".trace", Takes::Output),
    (".backup", Takes::Output),
    (".save", Takes::Output),
    (".clone", Takes::Output),
    ("\\i", Takes::Script),
    ("\\ir", Takes::Script),
    ("\\include", Takes::Script),
    ("\\include_relative", Takes::Script),
    ("\\.", Takes::Script),
    ("source", Takes::Script),
    (":r", Takes::Script),
    (".read", Takes::Script),
    (".import", Takes::Input),
    (".restore", Takes::Input),
    (".load", Takes::Library),
];

/// Commands that show or set something in the client.
const HARMLESS: &[&str] = &[
    "\\a",
    "\\c",
    "\\C",
    "\\conninfo",
    "\\connect",
    "\\crosstabview",
    "\\errverbose",
    "\\echo",
    "\\qecho",
    "\\warn",
    "\\encoding",
    "\\f",
    "\\gdesc",
    "\\gset",
    "\\h",
    "\\help",
    "\\H",
    "\\l",
    "\\l+",
    "\\list",
    "\\p",
    "\\prompt",
    "\\pset",
    "\\q",
    "\\quit",
    "\\r",
    "\\reset",
    "\\sf",
    "\\sv",
    "\\t",
    "\\timing",
    "\\unset",
    "\\watch",
    "\\x",
    "\\z",
    "\\?",
    "\\if",
    "\\elif",
    "\\else",
    "\\endif",
    "\\cd",
    "\\u",
    "\\bind",
    "delimiter",
    "notee",
    "prompt",
    ".tables",
    ".schema",
    ".mode",
    ".headers",
    ".header",
    ".dump",
    ".databases",
    ".indexes",
    ".indices",
    ".quit",
    ".exit",
    ".help",
    ".width",
    ".timer",
    ".show",
    ".separator",
    ".nullvalue",
    ".print",
    ".echo",
    ".bail",
    ".stats",
    ".changes",
    ".eqp",
    ".explain",
    ".fullschema",
    ".dbinfo",
    ".limit",
    ".lint",
    ".prompt",
    ".version",
    ".vfsinfo",
    ".cd",
    ".timeout",
    ".parameter",
    ".scanstats",
    ".sha3sum",
    ".binary",
    ".crlf",
    ".open",
    ".dbconfig",
    ".auth",
    ":setvar",
    ":connect",
    ":on",
    ":list",
    ":quit",
    ":exit",
    ":help",
    ":reset",
    ":serverlist",
    ":listvar",
];

/// Reads one line of a client's own language.
pub(super) fn read(reader: &mut Reader, text: &str, token: &Token) {
    let line = text.get(token.start..token.end).unwrap_or("").trim_end();
    let Some(span) = ByteSpan::new(token.start, token.start + line.len()) else {
        return;
    };
    let (name, rest_at) = split_name(line);
    let rest_start = rest_at + line[rest_at..].len() - line[rest_at..].trim_start().len();
    let rest = &line[rest_start..];
    let at = token.start + rest_start;
    let lower = name.to_ascii_lowercase();
    if lower == "\\copy" {
        copy(reader, rest, at, span);
        return;
    }
    backquotes(reader, line, token.start, span);
    if name.starts_with("\\d") || HARMLESS.contains(&lower.as_str()) || HARMLESS.contains(&name) {
        return;
    }
    let takes = COMMANDS
        .iter()
        .find(|(known, _)| *known == name || (*known == lower && !name.starts_with('\\')))
        .map(|(_, takes)| *takes);
    match takes {
        Some(Takes::Shell) if rest.is_empty() => {}
        Some(Takes::Shell) => reader.shell(rest.trim_end_matches(';'), Some(at), span),
        Some(takes) => file(reader, takes, rest, at, span),
        None if lower == "\\set" || lower == "\\setenv" => {}
        None if lower == "\\gexec" => {
            reader.unknown("the rows of a query are run as statements", span);
        }
        None if lower == "\\lo_import" => {
            reader.path(ActionKind::FsRead, rest, &[], span);
        }
        None if lower == "\\lo_export" => {
            let file = rest.split_whitespace().nth(1).unwrap_or("");
            reader.path(ActionKind::FsWrite, file, &["truncate"], span);
        }
        None if lower == "\\password" => {
            reader.act(ActionKind::DbAlter, Some(rest), &["user"], span)
        }
        None if name.starts_with('@') => {
            reader.path(
                ActionKind::ExecLocal,
                line.trim_start_matches('@'),
                &[],
                span,
            );
        }
        None => reader.unknown(&format!("the client command `{name}` is not known"), span),
    }
}

/// The command's name and where the rest begins. `\!ls` and `!ls` need no space.
fn split_name(line: &str) -> (&str, usize) {
    for prefix in [":!!", "!!", "\\!", "!", "\\."] {
        if line.starts_with(prefix) {
            return (prefix, prefix.len());
        }
    }
    let end = line
        .char_indices()
        .skip(1)
        .find(|(_, character)| character.is_whitespace() || matches!(character, '|' | ';'))
        .map_or(line.len(), |(index, _)| index);
    (&line[..end], end)
}

fn file(reader: &mut Reader, takes: Takes, rest: &str, at: usize, span: ByteSpan) {
    let rest = rest.trim_end_matches(';').trim_end();
    let bare = rest.trim_start_matches(['"', '\'']);
    let quoted = rest.len() - bare.len();
    if let Some(command) = bare.strip_prefix('|') {
        let command = command.trim_end_matches(['"', '\'']);
        reader.shell(command, Some(at + quoted + 1), span);
        return;
    }
    let mut words = rest
        .split_whitespace()
        .filter(|word| !word.starts_with('-'));
    let first = words.next().unwrap_or("");
    // `.backup DB FILE`: the file comes last.
    let file = match words.next() {
        Some(second) if matches!(takes, Takes::Output) => second,
        _ => first,
    };
    let file = file.trim_matches(['"', '\'']);
    if file.is_empty() || matches!(file, "stdout" | "off" | "stderr") {
        return;
    }
    match takes {
        Takes::Output => reader.path(ActionKind::FsWrite, file, &["truncate"], span),
        Takes::Script | Takes::Library => reader.path(ActionKind::ExecLocal, file, &[], span),
        _ => {
            reader.path(ActionKind::FsRead, file, &[], span);
            reader.act(ActionKind::DbWrite, words.next(), &["file"], span);
        }
    }
}

/// psql runs what stands between backquotes of a meta command.
fn backquotes(reader: &mut Reader, line: &str, start: usize, span: ByteSpan) {
    if !line.starts_with('\\') || line.starts_with("\\!") {
        return;
    }
    let mut parts = line.split('`');
    let mut at = start + parts.next().map_or(0, str::len) + 1;
    while let (Some(inside), Some(after)) = (parts.next(), parts.next()) {
        reader.shell(inside, Some(at), span);
        at += inside.len() + 1 + after.len() + 1;
    }
}

/// `\copy`: like `COPY`, but with files and programs of the client.
fn copy(reader: &mut Reader, rest: &str, at: usize, span: ByteSpan) {
    let lower = rest.to_ascii_lowercase();
    let to = lower.rfind(" to ");
    let from = lower.rfind(" from ");
    let (after, writes_file) = match (to, from) {
        (Some(to), Some(from))
            if from > to && !lower[to..from].contains('\'') && lower.contains('(') =>
        {
            (to + 4, true)
        }
        (Some(to), None) => (to + 4, true),
        (Some(to), Some(from)) if to > from => (to + 4, true),
        (_, Some(from)) => (from + 6, false),
        (None, None) => {
            reader.unknown("a `\\copy` that cannot be read", span);
            return;
        }
    };
    let tail = rest[after..].trim_start();
    let tail_at = at + rest.len() - tail.len();
    let program = tail
        .get(..7)
        .is_some_and(|word| word.eq_ignore_ascii_case("program"));
    let operand = if program {
        tail[7..].trim_start()
    } else {
        tail
    };
    let operand_at = tail_at + tail.len() - operand.len();
    let (value, value_at) = match operand.strip_prefix('\'') {
        Some(inner) => (inner.split('\'').next().unwrap_or(""), operand_at + 1),
        None => (operand.split_whitespace().next().unwrap_or(""), operand_at),
    };
    let table = rest.split([' ', '(']).next().unwrap_or("");
    let kind = if writes_file {
        ActionKind::DbRead
    } else {
        ActionKind::DbWrite
    };
    reader.act(kind, Some(table), &[], span);
    if program {
        reader.shell(value, Some(value_at), span);
    } else if !matches!(
        value.to_ascii_lowercase().as_str(),
        "stdin" | "stdout" | "pstdin" | "pstdout"
    ) {
        let (kind, attributes): (_, &[&'static str]) = if writes_file {
            (ActionKind::FsWrite, &["truncate"])
        } else {
            (ActionKind::FsRead, &[])
        };
        reader.push(
            What::Act {
                kind,
                target: Some(Value::Exact(value.to_owned())),
                role: TargetRole::Path,
                attributes: attributes.to_vec(),
            },
            span,
        );
    }
}
