//! Lines of `cmd.exe` taken apart: commands, groups, conditions, words and redirects. A leaf.

use crate::actions::code::value::concat;
use crate::shell::command::{Value, Why};

/// The commands of a line, and of each whether the one before it writes into it.
pub(super) fn split(line: &str) -> Vec<(bool, &str)> {
    let head = line
        .trim_start_matches([' ', '\t', '@', '('])
        .get(..4)
        .unwrap_or("")
        .to_ascii_lowercase();
    // What a `for` or an `if` runs is taken apart with it.
    if head == "for " || head.starts_with("if ") || head == "else" {
        return vec![(false, line)];
    }
    let mut parts = Vec::new();
    let mut quoted = false;
    let mut begin = 0;
    let mut piped = false;
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => quoted = !quoted,
            b'^' if !quoted => at += 1,
            b'&' if !quoted && at > 0 && bytes[at - 1] == b'>' => {}
            b'&' | b'|' if !quoted => {
                parts.push((piped, &line[begin..at]));
                begin = at + 1;
                let alone = bytes.get(begin) != Some(&b'|') && (at == 0 || bytes[at - 1] != b'|');
                piped = bytes[at] == b'|' && alone;
                // The rest of a line after `for` or `if` belongs to it. Only a few bytes are looked at, so that a
                // line of separators stays linear.
                let window = &bytes[begin..bytes.len().min(begin + 16)];
                let window = String::from_utf8_lossy(window).to_ascii_lowercase();
                let next = window.trim_start_matches([' ', '&', '|']);
                let next = next.get(..4).unwrap_or("");
                if next == "for " || next.starts_with("if ") {
                    break;
                }
            }
            _ => {}
        }
        at += 1;
    }
    parts.push((piped, line.get(begin..).unwrap_or("")));
    parts
        .into_iter()
        .map(|(piped, part)| (piped, part.trim_matches(['&', '|'])))
        .collect()
}

pub(super) fn group(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1usize;
    let mut quoted = false;
    for (index, byte) in inner.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some((&inner[..index], &inner[index + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

pub(super) fn after_condition(text: &str) -> Option<&str> {
    let mut rest = text;
    for word in ["else", "if", "/i", "not"] {
        let trimmed = rest.trim_start();
        if trimmed
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
        {
            rest = &trimmed[word.len()..];
        }
    }
    let rest = rest.trim_start();
    if rest.starts_with('(') {
        return Some(rest);
    }
    let lower = rest.to_ascii_lowercase();
    for word in ["exist ", "defined ", "errorlevel "] {
        if lower.starts_with(word) {
            let operand = rest[word.len()..].trim_start();
            return skip_operand(operand);
        }
    }
    let (_, after) = operand(rest)?;
    let after = after.trim_start();
    let after = after.strip_prefix("==").map(str::trim_start).or_else(|| {
        ["equ ", "neq ", "lss ", "leq ", "gtr ", "geq "]
            .iter()
            .find_map(|sign| {
                after
                    .get(..4)
                    .filter(|head| head.eq_ignore_ascii_case(sign))
                    .map(|_| after[4..].trim_start())
            })
    });
    match after {
        Some(after) => skip_operand(after),
        None => skip_operand(rest),
    }
}

fn operand(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        let close = inner.find('"')?;
        return Some((&inner[..close], &inner[close + 1..]));
    }
    let end = text.find([' ', '\t', '=']).unwrap_or(text.len());
    Some(text.split_at(end))
}

fn skip_operand(text: &str) -> Option<&str> {
    let (_, rest) = operand(text)?;
    (!rest.trim().is_empty()).then_some(rest)
}

pub(super) fn without_start_options(text: &str) -> &str {
    let mut rest = text.trim_start();
    if let Some(inner) = rest.strip_prefix('"')
        && let Some(close) = inner.find('"')
    {
        rest = inner[close + 1..].trim_start();
    }
    while rest.starts_with('/') {
        rest = rest
            .split_once(' ')
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    rest
}

/// The words of a command, carets and quotes removed, and its redirects.
pub(super) fn words(text: &str) -> (Vec<Value>, Vec<(bool, Value)>) {
    let mut words = Vec::new();
    let mut redirects = Vec::new();
    let mut current: Option<String> = None;
    let mut redirect: Option<bool> = None;
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    let mut first_done = false;
    let mut flush =
        |current: &mut Option<String>, redirect: &mut Option<bool>, words: &mut Vec<Value>| {
            if let Some(word) = current.take() {
                let value = as_value(word);
                match redirect.take() {
                    Some(append) => redirects.push((append, value)),
                    None => words.push(value),
                }
            }
        };
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                current.get_or_insert_default();
            }
            '^' if !quoted => {
                if let Some(next) = characters.next() {
                    current.get_or_insert_default().push(next);
                }
            }
            '>' if !quoted => {
                // `2>file`: the digit is the stream.
                if current.as_ref().is_some_and(|word| {
                    word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_digit())
                }) {
                    current = None;
                }
                flush(&mut current, &mut redirect, &mut words);
                let append = characters.next_if_eq(&'>').is_some();
                redirect = Some(append);
            }
            '<' if !quoted => flush(&mut current, &mut redirect, &mut words),
            character
                if !quoted && (character.is_whitespace() || matches!(character, ',' | ';')) =>
            {
                flush(&mut current, &mut redirect, &mut words);
                first_done = !words.is_empty();
            }
            // `del/s/q` and `cd\` need no blank after the command.
            '/' if !quoted
                && !first_done
                && redirect.is_none()
                && current
                    .as_ref()
                    .is_some_and(|word| !word.contains(['\\', ':', '.', '/'])) =>
            {
                flush(&mut current, &mut redirect, &mut words);
                first_done = true;
                current = Some(String::from("/"));
            }
            '/' if !quoted
                && current
                    .as_ref()
                    .is_some_and(|word| word.starts_with('/') && word.len() == 2) =>
            {
                flush(&mut current, &mut redirect, &mut words);
                current = Some(String::from("/"));
            }
            other => current.get_or_insert_default().push(other),
        }
    }
    flush(&mut current, &mut redirect, &mut words);
    (words, redirects)
}

/// A word in which `%?%` stands for what is not known.
fn as_value(word: String) -> Value {
    match word.find("%?%") {
        Some(0) => Value::Unknown(Why::UnsetVariable(word)),
        Some(at) => concat(
            Value::Exact(word[..at].to_owned()),
            &Value::Unknown(Why::UnsetVariable(word)),
        ),
        None => Value::Exact(word),
    }
}
