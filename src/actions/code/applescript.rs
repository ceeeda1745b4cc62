//! AppleScript: shell commands, other applications told to act, power.

use super::{CodeEffect, Language, TargetRole, What};
use crate::actions::code::value::concat;
use crate::actions::kinds::ActionKind;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;
use std::collections::HashMap;

/// What the script would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut effects = Vec::new();
    let mut names: HashMap<&str, Value> = HashMap::new();
    let mut application = String::new();
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let trimmed = line.trim();
        let offset = start + (line.len() - line.trim_start().len());
        start += line.len();
        if trimmed.is_empty() || trimmed.starts_with("--") || trimmed.starts_with('#') {
            continue;
        }
        let lower = trimmed.to_ascii_lowercase();
        let Some(span) = ByteSpan::new(offset, offset + trimmed.len()) else {
            continue;
        };
        if let Some(rest) = lower.strip_prefix("set ")
            && let Some(to) = rest.find(" to ")
        {
            let name = trimmed[4..4 + to].trim();
            let (value, _) = expression(&trimmed[4 + to + 4..], offset + 4 + to + 4, &names);
            if names.len() < 1024 {
                names.insert(name, value);
            }
        }
        let told = ["tell application ", "tell app "]
            .into_iter()
            .find_map(|word| Some(lower.find(word)? + word.len()));
        if let Some(found) = told {
            application = trimmed[found..]
                .split('"')
                .nth(1)
                .unwrap_or("")
                .to_ascii_lowercase();
        }
        if lower.starts_with("end tell") {
            application.clear();
        }
        for what in line_effects(trimmed, &lower, offset, &application, &names) {
            effects.push(CodeEffect {
                what,
                span,
                certain: true,
            });
        }
    }
    effects
}

/// The value of `"a" & b & quoted form of c`, and where it stands unchanged.
fn expression(text: &str, at: usize, names: &HashMap<&str, Value>) -> (Value, Option<usize>) {
    let mut value: Option<Value> = None;
    let mut verbatim = None;
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '&', '(', ')']);
        if trimmed.is_empty() || trimmed.starts_with('\n') {
            break;
        }
        let here = at + text.len() - trimmed.len();
        let next;
        if let Some(inner) = trimmed.strip_prefix('"') {
            let (decoded, length, plain) = string(inner);
            verbatim = (value.is_none() && plain).then_some(here + 1);
            next = Value::Exact(decoded);
            rest = &inner[length..];
        } else if let Some(after) = trimmed.strip_prefix("quoted form of ") {
            rest = after;
            continue;
        } else {
            let end = trimmed
                .find(|character: char| !character.is_alphanumeric() && character != '_')
                .unwrap_or(trimmed.len());
            if end == 0 {
                break;
            }
            let word = &trimmed[..end];
            if matches!(
                word,
                "with" | "without" | "in" | "as" | "of" | "to" | "then"
            ) {
                break;
            }
            next = names
                .get(word)
                .cloned()
                .unwrap_or_else(|| Value::Unknown(Why::RunTimeValue(word.to_owned())));
            rest = &trimmed[end..];
        }
        value = Some(match value {
            Some(before) => {
                verbatim = None;
                concat(before, &next)
            }
            None => next,
        });
        if !rest.trim_start().starts_with('&') {
            break;
        }
    }
    (value.unwrap_or(Value::Unknown(Why::Expansion)), verbatim)
}

/// A string after its opening quote: decoded, its length with the closing quote, whether it stands unchanged.
fn string(inner: &str) -> (String, usize, bool) {
    let mut out = String::new();
    let mut escaped = false;
    let mut plain = true;
    for (index, character) in inner.char_indices() {
        if escaped {
            out.push(match character {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            });
            escaped = false;
        } else if character == '\\' {
            escaped = true;
            plain = false;
        } else if character == '"' {
            return (out, index + 1, plain);
        } else {
            out.push(character);
        }
    }
    (out, inner.len(), false)
}

fn named(kind: ActionKind, name: &str) -> What {
    What::Act {
        kind,
        target: Some(Value::Exact(name.to_owned())),
        role: TargetRole::Name,
        attributes: Vec::new(),
    }
}

fn line_effects(
    line: &str,
    lower: &str,
    offset: usize,
    application: &str,
    names: &HashMap<&str, Value>,
) -> Vec<What> {
    let mut effects = Vec::new();
    // What stands inside of a string is no command.
    let code = outside_strings(lower);
    for (phrase, kind) in [
        ("do shell script ", Phrase::Shell),
        ("do script ", Phrase::Shell),
        ("run script ", Phrase::Script),
        ("load script ", Phrase::File),
    ] {
        let Some(found) = code.find(phrase) else {
            continue;
        };
        let from = found + phrase.len();
        let (text, verbatim_at) = expression(&line[from..], offset + from, names);
        effects.push(match kind {
            Phrase::Shell => What::Shell { text, verbatim_at },
            Phrase::Script => What::Code {
                language: Language::AppleScript,
                text,
                verbatim_at,
            },
            Phrase::File => What::Act {
                kind: ActionKind::ExecLocal,
                target: Some(text),
                role: TargetRole::Path,
                attributes: Vec::new(),
            },
        });
    }
    if code.contains("administrator privileges") {
        effects.push(named(ActionKind::ExecPrivileged, "administrator"));
    }
    let in_system = matches!(application, "system events" | "finder" | "loginwindow");
    if in_system {
        for word in ["shut down", "restart", "log out", "sleep"] {
            if code
                .split([' ', '"'])
                .collect::<Vec<_>>()
                .join(" ")
                .contains(word)
                && !code.contains("restart of")
            {
                effects.push(named(ActionKind::SystemPower, word));
            }
        }
        if code.contains("empty trash")
            || code.contains("empty the trash")
            || has_word(&code, "delete")
        {
            effects.push(What::Act {
                kind: ActionKind::FsDelete,
                target: Some(Value::Unknown(Why::Expansion)),
                role: TargetRole::Path,
                attributes: Vec::new(),
            });
        }
        if has_word(&code, "keystroke") || code.contains("key code") || has_word(&code, "click") {
            effects.push(named(ActionKind::BrowserAct, application));
        }
        if code.contains("login item") && has_word(&code, "make") {
            effects.push(What::Act {
                kind: ActionKind::PersistStartup,
                target: Some(Value::Exact(String::from("login item"))),
                role: TargetRole::Name,
                attributes: vec!["service"],
            });
        }
    }
    if matches!(application, "mail" | "messages") && has_word(&code, "send") {
        effects.push(named(ActionKind::MessageSend, application));
    }
    if code.contains("do javascript") || code.contains("execute javascript") {
        effects.push(named(ActionKind::BrowserAct, application));
    }
    if code.contains("password of")
        || code.contains("default answer") && code.contains("hidden answer")
    {
        effects.push(named(ActionKind::CredentialRead, "password prompt"));
    }
    effects
}

#[derive(Clone, Copy)]
enum Phrase {
    Shell,
    Script,
    File,
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|character: char| !character.is_ascii_alphanumeric())
        .any(|part| part == word)
}

/// The line with what stands between quotes blanked, byte for byte.
fn outside_strings(lower: &str) -> String {
    let mut out = String::with_capacity(lower.len());
    let mut inside = false;
    let mut escaped = false;
    for character in lower.chars() {
        if inside {
            if !escaped && character == '"' {
                inside = false;
                out.push('"');
                continue;
            }
            escaped = !escaped && character == '\\';
            out.extend(std::iter::repeat_n('_', character.len_utf8()));
        } else {
            inside = character == '"';
            out.push(character);
        }
    }
    out
}
