//! What pure programs write: output that depends on nothing but words and known input is computed, all other output
//! is unknown.
//!
//! Only forms that are computed exactly stand here. A flag that is not known makes the output unknown, never wrong.

mod codec;
mod filter;

use super::ansi::{self, Dialect};
use super::command::{Argument, Value, Why};
use super::draft::Draft;
use super::walk::Walker;
use crate::text::into_text;

/// How long computed output may become, in bytes.
const MAX_OUTPUT: usize = 256 * 1024;

/// What a command writes to standard output.
pub(super) fn output(walker: &mut Walker<'_>, words: &[Argument], input: Option<&Value>) -> Value {
    let unknown = Value::Unknown(Why::CommandOutput);
    let Some(program) = words.first() else {
        return Value::Exact(String::new());
    };
    let Value::Exact(program) = &program.value else {
        return unknown;
    };
    let program = base_name(program);
    let arguments: Vec<&Value> = words[1..].iter().map(|word| &word.value).collect();
    match program {
        "command" | "builtin"
            if !matches!(
                arguments.first().and_then(|value| value.exact()),
                Some("-v" | "-V")
            ) =>
        {
            return output(walker, &words[1..], input);
        }
        _ if is_runner(program)
            && arguments
                .first()
                .and_then(|value| value.exact())
                .is_some_and(|word| !word.starts_with('-') && !word.contains('=')) =>
        {
            return output(walker, &words[1..], input);
        }
        "echo" => return echo(&arguments),
        "printf" if arguments.first().and_then(|value| value.exact()) != Some("-v") => {
            return printf(
                &words[1..]
                    .iter()
                    .map(|word| word.value.clone())
                    .collect::<Vec<_>>(),
            );
        }
        "mktemp" => return mktemp(walker, &arguments),
        "pwd" => return lines([walker.env.cwd()]),
        "cat" if arguments.is_empty() || exact(&arguments) == Some(vec!["-"]) => {
            return input.cloned().unwrap_or(unknown);
        }
        "tee" => return input.cloned().unwrap_or(unknown),
        _ if is_silent(program) => return Value::Exact(String::new()),
        _ => {}
    }
    let Some(arguments) = exact(&arguments) else {
        return unknown;
    };
    let usual = || {
        if arguments.is_empty() {
            return None;
        }
        let line: String = std::iter::once(program)
            .chain(arguments.iter().copied())
            .collect::<Vec<_>>()
            .join(" ");
        let text = walker.start.usual(&line)?;
        // What a tool says of a project, it says of that in the working directory.
        let own = walker.start.workspace.as_deref()?;
        let inside = |path: &str| {
            path.strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let here = walker.env.cwd().exact().is_some_and(inside);
        (here || !inside(&text)).then_some(text)
    };
    let text = match program {
        "which" | "command" | "type" => return location(&arguments),
        "basename" => basename(&arguments),
        "dirname" => dirname(&arguments),
        "whoami" if arguments.is_empty() => {
            walker.start.user.as_ref().map(|user| format!("{user}\n"))
        }
        "getent" => passwd_entry(walker, &arguments),
        "seq" => filter::seq(&arguments),
        "realpath" | "readlink" => return realpath(walker, &arguments),
        _ => match input.and_then(Value::exact) {
            Some(text) => filtered(program, &arguments, text),
            None => usual(),
        },
    };
    match text {
        Some(text) if text.len() <= MAX_OUTPUT => Value::Exact(text),
        _ => unknown,
    }
}

/// What a program that reads a known text writes, when that depends on nothing else.
pub fn passed_on(words: &[&Value], input: &str) -> Option<String> {
    let words = exact(words)?;
    let runs = words
        .iter()
        .zip(words.iter().skip(1))
        .take_while(|(word, next)| is_runner(word) && !next.starts_with('-') && !next.contains('='))
        .count();
    let (program, arguments) = words.get(runs..)?.split_first()?;
    let text = match base_name(program) {
        "cat" if arguments.is_empty() || arguments == ["-"] => Some(input.to_owned()),
        "tee" => Some(input.to_owned()),
        program => filtered(program, arguments, input),
    };
    text.filter(|text| text.len() <= MAX_OUTPUT)
}

/// What `echo` or `printf` prints; nothing of another program.
pub fn printed(words: &[&Value]) -> Option<Value> {
    let (program, arguments) = words.split_first()?;
    match base_name(program.exact()?) {
        "echo" => Some(echo(arguments)),
        "printf" if arguments.first().and_then(|value| value.exact()) != Some("-v") => {
            let arguments: Vec<Value> = arguments.iter().copied().cloned().collect();
            Some(printf(&arguments))
        }
        _ => None,
    }
}

/// Whether a program runs another as it is, and prints what that prints.
fn is_runner(program: &str) -> bool {
    matches!(
        program,
        "env" | "time" | "nice" | "nohup" | "sudo" | "busybox" | "toybox" | "stdbuf" | "setsid"
    )
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Programs that turn standard input into standard output.
fn filtered(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    match program {
        "base64" => codec::base64(arguments, input),
        "base32" => codec::base32(arguments, input),
        "xxd" => codec::xxd(arguments, input),
        "openssl" => codec::openssl(arguments, input),
        "rev" if arguments.is_empty() => Some(filter::rev(input)),
        "tac" if arguments.is_empty() => Some(filter::tac(input)),
        "tr" => filter::tr(arguments, input),
        "cut" => filter::cut(arguments, input),
        "head" => filter::ends(arguments, input, true),
        "tail" => filter::ends(arguments, input, false),
        "sed" => filter::sed(arguments, input),
        "xargs" if arguments.is_empty() || arguments == ["echo"] => {
            let words: Vec<&str> = input.split_whitespace().collect();
            let quoted = input.contains(['\'', '"', '\\']);
            (!quoted).then(|| format!("{}\n", words.join(" ")))
        }
        _ => None,
    }
}

/// Builtins and programs that write nothing.
fn is_silent(program: &str) -> bool {
    matches!(
        program,
        ":" | "true"
            | "false"
            | "cd"
            | "export"
            | "local"
            | "readonly"
            | "unset"
            | "set"
            | "shift"
            | "shopt"
            | "sleep"
            | "test"
            | "["
            | "mkdir"
            | "touch"
            | "exit"
            | "return"
            | "read"
    )
}

/// All arguments, when each is known exactly.
fn exact<'v>(arguments: &[&'v Value]) -> Option<Vec<&'v str>> {
    arguments.iter().map(|value| value.exact()).collect()
}

fn lines<'v>(values: impl IntoIterator<Item = &'v Value>) -> Value {
    let mut draft = Draft::default();
    for value in values {
        draft.push_value(value, false);
        draft.push("\n");
    }
    draft.finish()
}

fn echo(arguments: &[&Value]) -> Value {
    let mut newline = true;
    let mut escapes = false;
    let mut rest = arguments;
    while let Some((first, after)) = rest.split_first() {
        let Value::Exact(text) = first else { break };
        let Some(letters) = text.strip_prefix('-') else {
            break;
        };
        if letters.is_empty()
            || !letters
                .bytes()
                .all(|letter| matches!(letter, b'n' | b'e' | b'E'))
        {
            break;
        }
        for letter in letters.bytes() {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        rest = after;
    }
    let mut draft = Draft::default();
    for (index, value) in rest.iter().enumerate() {
        if index > 0 {
            draft.push(" ");
        }
        // A pattern that matches no file stays as it is written.
        match value {
            Value::Exact(text) if escapes => {
                let mut bytes = Vec::with_capacity(text.len());
                let ended = ansi::decode_into(text, Dialect::Echo, &mut bytes);
                draft.push(&into_text(bytes));
                if ended {
                    return draft.finish();
                }
            }
            Value::Pattern(_) => {
                draft.push_unknown(&Why::CommandOutput);
                return draft.finish();
            }
            other => draft.push_value(other, false),
        }
    }
    if newline {
        draft.push("\n");
    }
    draft.finish()
}

/// `printf format arguments`.
pub(super) fn printf(arguments: &[Value]) -> Value {
    let unknown = Value::Unknown(Why::CommandOutput);
    let mut arguments = arguments;
    if arguments.first().and_then(Value::exact) == Some("--") {
        arguments = &arguments[1..];
    }
    let Some((Value::Exact(format), values)) = arguments.split_first() else {
        return unknown;
    };
    let mut draft = Draft::default();
    let mut values = values.iter();
    let mut length = 0;
    loop {
        let before = values.len();
        match print_once(format, &mut values, &mut draft) {
            Some(true) => return draft.finish(),
            Some(false) => {}
            None => {
                draft.push_unknown(&Why::CommandOutput);
                return draft.finish();
            }
        }
        length += format.len();
        if values.len() == 0 || values.len() == before || length > MAX_OUTPUT {
            return draft.finish();
        }
    }
}

/// The format once; `true` when `\c` ended the output, `None` at a directive that is not computed.
fn print_once(
    format: &str,
    values: &mut std::slice::Iter<'_, Value>,
    draft: &mut Draft,
) -> Option<bool> {
    let mut rest = format;
    let mut literal = Vec::new();
    while let Some(at) = rest.find('%') {
        if ansi::decode_into(&rest[..at], Dialect::Format, &mut literal) {
            draft.push(&into_text(literal));
            return Some(true);
        }
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            literal.push(b'%');
            rest = after;
            continue;
        }
        draft.push(&into_text(std::mem::take(&mut literal)));
        let flags_end = rest
            .find(|character: char| character.is_ascii_alphabetic())
            .filter(|end| *end < 16)?;
        let flags = &rest[..flags_end];
        let kind = rest.as_bytes()[flags_end];
        rest = &rest[flags_end + 1..];
        if flags.contains('*') {
            return None;
        }
        let empty = Value::Exact(String::new());
        let value = values.next().unwrap_or(&empty);
        match (kind, value) {
            (b's', value) if flags.is_empty() => draft.push_value(value, false),
            (b'b', Value::Exact(text)) if flags.is_empty() => {
                let mut bytes = Vec::new();
                let ended = ansi::decode_into(text, Dialect::Argument, &mut bytes);
                draft.push(&into_text(bytes));
                if ended {
                    return Some(true);
                }
            }
            (b's' | b'd' | b'i' | b'u' | b'x' | b'X' | b'o' | b'c', Value::Exact(text)) => {
                draft.push(&directive(kind, flags, text)?);
            }
            _ => return None,
        }
    }
    let ended = ansi::decode_into(rest, Dialect::Format, &mut literal);
    draft.push(&into_text(literal));
    Some(ended)
}

/// One directive with flags, width and precision.
fn directive(kind: u8, flags: &str, text: &str) -> Option<String> {
    let (width, precision) = match flags.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse::<usize>().ok()?)),
        None => (flags, None),
    };
    let left = width.starts_with('-');
    let zero = width.starts_with('0') && kind != b's';
    let width: usize = match width.trim_start_matches(['-', '0']) {
        "" => 0,
        digits => digits.parse().ok()?,
    };
    if width > 4_096 {
        return None;
    }
    let body = match kind {
        b's' => match precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        },
        b'c' => text.chars().take(1).collect(),
        _ => {
            let number = integer(text)?;
            match kind {
                b'x' => format!("{number:x}"),
                b'X' => format!("{number:X}"),
                b'o' => format!("{number:o}"),
                _ => number.to_string(),
            }
        }
    };
    Some(if left {
        format!("{body:<width$}")
    } else if zero {
        format!("{body:0>width$}")
    } else {
        format!("{body:>width$}")
    })
}

/// A number as `printf` reads it: decimal, `0x`, octal, or `'c` for a character's code.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    if let Some(quoted) = text.strip_prefix(['\'', '"']) {
        return quoted
            .chars()
            .next()
            .map(|character| i64::from(u32::from(character)));
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    if text.len() > 1 && text.starts_with('0') {
        return i64::from_str_radix(text, 8).ok();
    }
    text.parse().ok()
}

/// `mktemp`: a new name in a directory that is known. The name is made up here, another one each time, so that what is
/// put there is found again.
fn mktemp(walker: &mut Walker<'_>, arguments: &[&Value]) -> Value {
    let mut folder: Option<Value> = None;
    let mut template: Option<Value> = None;
    let mut suffix = String::new();
    let mut in_tmp = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.exact() {
            Some("-p") => folder = rest.next().map(|value| (*value).clone()),
            Some("-t") => in_tmp = true,
            Some("--suffix") => {
                suffix = rest
                    .next()
                    .and_then(|value| value.exact())
                    .unwrap_or_default()
                    .to_owned();
            }
            Some("--tmpdir") => in_tmp = true,
            Some(text) if text.starts_with("--tmpdir=") => {
                folder = Some(Value::Exact(text["--tmpdir=".len()..].to_owned()));
            }
            Some(text) if text.starts_with("--suffix=") => {
                text["--suffix=".len()..].clone_into(&mut suffix);
            }
            Some(text) if text.starts_with('-') => {}
            _ => template = Some((*argument).clone()),
        }
    }
    let relative_to_tmp = template.is_none() || in_tmp || folder.is_some();
    let mut draft = Draft::default();
    if relative_to_tmp {
        let folder = folder.unwrap_or_else(|| match walker.env.variable("TMPDIR") {
            Some(_) => walker.lookup("TMPDIR"),
            None => Value::Exact(String::from("/tmp")),
        });
        draft.push_value(&folder, false);
        draft.push("/");
    }
    let number = walker.out.commands.len();
    match &template {
        Some(Value::Exact(text)) => draft.push(&made_up(text, number)),
        Some(other) => {
            draft.push_value(other, false);
            draft.push_unknown(&Why::CommandOutput);
        }
        None => draft.push(&made_up("tmp.XXXXXXXXXX", number)),
    }
    draft.push(&suffix);
    draft.push("\n");
    draft.finish()
}

/// A template of `mktemp` with a number in the last places that it leaves open.
fn made_up(template: &str, number: usize) -> String {
    let end = template.rfind("XXX").map_or(template.len(), |at| at + 3);
    let name = template[..end].trim_end_matches('X');
    let open = end - name.len();
    format!("{name}{number:0>open$}{}", &template[end..])
}

/// `which name`, `command -v name`: the name stands for the program it finds.
fn location(arguments: &[&str]) -> Value {
    let names: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    match names.as_slice() {
        // Where a program lies is not known here, but it is no file of the working directory.
        [name] if name.contains('/') => Value::Exact(format!("{name}\n")),
        [name] => Value::Exact(format!("/usr/bin/{name}\n")),
        _ => Value::Unknown(Why::CommandOutput),
    }
}

/// `getent passwd NAME` for who runs the call: of the fields only name and home are known, and the others stand for
/// themselves.
fn passwd_entry(walker: &Walker<'_>, arguments: &[&str]) -> Option<String> {
    let [database, name] = arguments else {
        return None;
    };
    let (user, home) = (walker.start.user.as_deref()?, walker.start.home.as_deref()?);
    (*database == "passwd" && *name == user)
        .then(|| format!("{user}:x:uid:gid:gecos:{home}:shell\n"))
}

fn basename(arguments: &[&str]) -> Option<String> {
    let (path, suffix) = match arguments {
        [path] => (*path, ""),
        ["--", path] => (*path, ""),
        [path, suffix] if !path.starts_with('-') => (*path, *suffix),
        _ => return None,
    };
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return Some(format!("{}\n", if path.is_empty() { "" } else { "/" }));
    }
    let name = trimmed.rsplit('/').next().unwrap_or(trimmed);
    let name = match name.strip_suffix(suffix) {
        Some(short) if !short.is_empty() => short,
        _ => name,
    };
    Some(format!("{name}\n"))
}

fn dirname(arguments: &[&str]) -> Option<String> {
    let ([path] | ["--", path]) = arguments else {
        return None;
    };
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return Some(String::from(if path.is_empty() { ".\n" } else { "/\n" }));
    }
    Some(match trimmed.rfind('/') {
        None => String::from(".\n"),
        Some(at) => {
            let folder = trimmed[..at].trim_end_matches('/');
            format!("{}\n", if folder.is_empty() { "/" } else { folder })
        }
    })
}

/// `realpath path`: links are not looked at, which `actions` does with the path anyway.
fn realpath(walker: &Walker<'_>, arguments: &[&str]) -> Value {
    let paths: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    match paths.as_slice() {
        [path] => {
            let path =
                super::moves::resolve_path(walker.env.cwd(), &Value::Exact((*path).to_owned()));
            lines([&path])
        }
        _ => Value::Unknown(Why::CommandOutput),
    }
}
