//! What stands in files that name commands, taken apart: recipes, steps of images and pipelines, settings, units,
//! schedules, notebooks. Reads no more of each format than where its commands stand.

use std::borrow::Cow;

use super::assigned;
use super::later::Form;
use super::manifest::{indented, recipes};
use crate::json;

/// Code that is run as one.
pub(super) struct Piece<'t> {
    /// Its language, by its name in the catalogue.
    pub(super) language: &'static str,
    /// The code.
    pub(super) text: Cow<'t, str>,
}

/// The code in a file of that form, or in a part of one.
pub(super) fn pieces<'t>(form: Form, path: &str, text: &'t str) -> Vec<Piece<'t>> {
    let shell = |texts: Vec<Cow<'t, str>>| {
        let pieces = texts.into_iter().map(|text| Piece {
            language: "shell",
            text,
        });
        pieces.collect()
    };
    match form {
        Form::Script(language) => vec![Piece {
            language,
            text: Cow::Borrowed(text),
        }],
        Form::Make => shell(vec![Cow::Owned(recipes(text))]),
        Form::Recipes => shell(vec![Cow::Owned(indented(text))]),
        Form::Image => shell(steps_of_image(text)),
        Form::Steps => shell(steps(text)),
        Form::Settings => shell(settings(path, text)),
        Form::Unit => shell(
            text.lines()
                .filter_map(started)
                .map(Cow::Borrowed)
                .collect(),
        ),
        Form::Schedule => shell(text.lines().filter_map(due).map(Cow::Borrowed).collect()),
        Form::Notebook => cells(text),
        Form::Assigned => shell(assigned::commands(path, text)),
    }
}

/// What `Exec..=` starts in a unit of systemd or a program of a desktop.
fn started(line: &str) -> Option<&str> {
    let (key, command) = line.split_once('=')?;
    key.trim()
        .starts_with("Exec")
        .then(|| command.trim_start_matches(['-', '@', '+', '!', ':', ' ']))
}

/// What a line of a schedule starts: behind five fields of a time, or behind its name.
fn due(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let of_time = |first: char| first.is_ascii_digit() || matches!(first, '*' | '@');
    if !line.starts_with(of_time) {
        return None;
    }
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.split_once(char::is_whitespace)?.1.trim_start();
    }
    Some(rest)
}

/// What `RUN` runs while an image is made.
fn steps_of_image(text: &str) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = instruction(line, "RUN").or_else(|| instruction(line, "ONBUILD RUN"))
        else {
            continue;
        };
        let mut rest = rest;
        while let Some(flag) = rest.strip_prefix("--") {
            rest = flag
                .split_once(char::is_whitespace)
                .map_or("", |(_, behind)| behind.trim_start());
        }
        let mut step = rest.to_owned();
        if let Some(mark) = rest.strip_prefix("<<") {
            let mark = mark.trim_start_matches('-').trim_matches(['"', '\'']);
            let mark = mark.split_whitespace().next().unwrap_or(mark);
            let mark = mark.trim_matches(['"', '\'']);
            step.clear();
            for line in lines.by_ref().take_while(|line| line.trim() != mark) {
                step.push_str(line);
                step.push('\n');
            }
        }
        while let Some(head) = step.trim_end().strip_suffix('\\') {
            let head = head.len();
            step.truncate(head);
            let Some(next) = lines.find(|line| !line.trim_start().starts_with('#')) else {
                break;
            };
            step.push(' ');
            step.push_str(next.trim_start());
        }
        found.push(Cow::Owned(listed(&step).unwrap_or(step)));
    }
    found
}

/// What stands behind an instruction of an image, in whatever case.
fn instruction<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let line = line.trim_start();
    let rest = line.get(name.len()..)?;
    (line[..name.len()].eq_ignore_ascii_case(name) && rest.starts_with(char::is_whitespace))
        .then(|| rest.trim_start())
}

/// `["sh", "-c", "code"]` as a line of a shell.
fn listed(step: &str) -> Option<String> {
    if !step.starts_with('[') {
        return None;
    }
    let Ok(json::Value::Array(words)) = json::parse(step.trim().as_bytes()) else {
        return None;
    };
    let words: Option<Vec<String>> = words
        .iter()
        .map(|word| Some(quoted(word.as_str()?)))
        .collect();
    Some(words?.join(" "))
}

/// A text as one word of a shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether what stands behind a key is run.
fn is_step(key: &str) -> bool {
    const STEPS: [&str; 22] = [
        "run",
        "script",
        "before_script",
        "after_script",
        "command",
        "commands",
        "cmd",
        "cmds",
        "bash",
        "sh",
        "shell",
        "install",
        "before_install",
        "inlineScript",
        "entrypoint",
        "release",
        "web",
        "worker",
        "pre",
        "post",
        "preconditions",
        "status",
    ];
    STEPS.contains(&key.trim_matches(['"', '\'']))
}

/// The commands of settings in YAML: behind keys that name one, and items of lists that are no settings themselves.
fn steps(text: &str) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut rest = line.trim_start();
        let mut item = false;
        while let Some(behind) = rest.strip_prefix("- ") {
            rest = behind.trim_start();
            item = true;
        }
        if rest.starts_with('#') {
            continue;
        }
        let (outer, depth) = (indent(line), line.len() - rest.len());
        let is_key = |(key, value): &(&str, &str)| {
            !key.contains(char::is_whitespace)
                && (value.is_empty() || value.starts_with([' ', '\t']))
        };
        let (key, value) = match rest.split_once(':').filter(is_key) {
            Some((key, value)) => (Some(key), value.trim()),
            None => (None, rest.trim()),
        };
        let runs = key.map_or(item, is_step);
        if value.starts_with(['|', '>']) && value.len() <= LONGEST_MARK {
            let around = if key.is_some() { depth } else { outer };
            let mut body = String::new();
            let inside = |next: &&str| next.trim().is_empty() || indent(next) > around;
            while let Some(next) = lines.next_if(inside) {
                body.push_str(next.trim_start());
                body.push('\n');
            }
            if runs {
                found.push(Cow::Owned(body));
            }
        } else if runs && !value.is_empty() {
            found.push(Cow::Borrowed(unquoted(value)));
        }
    }
    found
}

/// The longest mark of a text that stands below its key: `|2-`.
const LONGEST_MARK: usize = 3;

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

pub(super) fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

/// The commands of settings in JSON: the scripts of a manifest, every text with a blank in it elsewhere.
fn settings<'t>(path: &str, text: &'t str) -> Vec<Cow<'t, str>> {
    let Ok(parsed) = json::parse(text.as_bytes()) else {
        return literals(text);
    };
    let mut found = Vec::new();
    if path.ends_with("package.json") || path.ends_with("composer.json") {
        if let Some(scripts) = parsed.get("scripts") {
            texts(scripts, &mut found);
        }
    } else {
        texts(&parsed, &mut found);
    }
    found.into_iter().map(Cow::Owned).collect()
}

/// Every text in a value.
fn texts(value: &json::Value, found: &mut Vec<String>) {
    match value {
        json::Value::String(text) => found.push(text.to_string()),
        json::Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        json::Value::Object(members) => {
            for (name, value) in members.iter() {
                if !is_note(name) {
                    texts(value, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether what stands behind a key is there for people.
fn is_note(key: &str) -> bool {
    matches!(
        key,
        "description" | "name" | "label" | "keywords" | "homepage" | "license" | "author" | "//"
    )
}

/// Texts in a part of settings in JSON, or in settings with comments: what stands in quotes behind a key.
fn literals(text: &str) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let Some((key, value)) = line.split_once([':', '=']) else {
            continue;
        };
        let value = value.trim().trim_end_matches(',').trim_end();
        let key = key.trim().trim_matches('"').trim_end();
        if let Some(value) = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            && value.contains(' ')
            && !is_note(key)
        {
            let plain = value.replace("\\\"", "\"").replace("\\\\", "\\");
            found.push(Cow::Owned(plain));
        }
    }
    found
}

/// The code of a notebook, or of one cell of it.
fn cells(text: &str) -> Vec<Piece<'static>> {
    let Ok(parsed) = json::parse(text.as_bytes()) else {
        return cell(text);
    };
    let Some(json::Value::Array(cells)) = parsed.get("cells") else {
        return cell(text);
    };
    let mut found = Vec::new();
    for one in cells.iter() {
        if one.get("cell_type").and_then(json::Value::as_str) == Some("code")
            && let Some(source) = one.get("source")
        {
            let mut lines = Vec::new();
            texts(source, &mut lines);
            found.extend(cell(&lines.concat()));
        }
    }
    found
}

/// The code of one cell: lines for a shell behind `!`, a whole script behind `%%bash`, and Python.
fn cell(text: &str) -> Vec<Piece<'static>> {
    let piece = |language, text: String| Piece {
        language,
        text: Cow::Owned(text),
    };
    let magic = text.trim_start();
    if ["%%bash", "%%sh", "%%script"]
        .iter()
        .any(|name| magic.starts_with(name))
    {
        let body = magic.split_once('\n').map_or("", |(_, body)| body);
        return vec![piece("shell", body.to_owned())];
    }
    let (mut shell, mut python) = (String::new(), String::new());
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(command) = trimmed.strip_prefix('!') {
            shell.push_str(command.trim_start_matches('!'));
            shell.push('\n');
        } else if !trimmed.starts_with('%') {
            python.push_str(line);
            python.push('\n');
        }
    }
    let pieces = [piece("shell", shell), piece("python", python)];
    let says = |piece: &Piece<'_>| !piece.text.trim().is_empty();
    pieces.into_iter().filter(says).collect()
}
