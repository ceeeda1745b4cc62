//! Values in languages that are compiled: texts, joined texts, joined paths, lists of texts, the user's own folder.

use super::lex::Token;
use super::{Reader, unknown};
use crate::shell::command::Value;

/// How deep calls may stand in one another.
const DEEPEST: u8 = 12;

/// How many bytes of a text that is put together are kept.
const LONGEST_TEXT: usize = 8 * 1024;

/// What is known of a value.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// Nothing.
    Unknown,
    /// A text.
    Text(String),
    /// Texts, and what is between them.
    List(Vec<Value>),
}

impl Found {
    pub(super) const fn known(text: String) -> Self {
        Self::Text(text)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Text(text) => Value::Exact(text.clone()),
            Self::List(words) => words.first().cloned().unwrap_or_else(unknown),
            Self::Unknown => unknown(),
        }
    }

    pub(super) fn words(&self) -> Vec<Value> {
        match self {
            Self::List(words) => words.clone(),
            other => vec![other.value()],
        }
    }
}

/// The value of what stands between two places of a text.
pub(super) fn fold(reader: &Reader<'_>, from: usize, end: usize, depth: u8) -> Found {
    if depth > DEEPEST {
        return Found::Unknown;
    }
    let mut at = from;
    let mut whole: Option<String> = None;
    while at < end {
        let too_long = whole.as_ref().is_some_and(|text| text.len() > LONGEST_TEXT);
        if too_long || !reader.afford() {
            return Found::Unknown;
        }
        let (part, next) = part(reader, at, end, depth);
        match part {
            Some(Found::Text(text)) => {
                whole = Some(whole.unwrap_or_default() + &text);
            }
            Some(Found::List(words)) if whole.is_none() => return Found::List(words),
            Some(_) => return Found::Unknown,
            None => {}
        }
        at = next.max(at + 1);
    }
    whole.map_or(Found::Unknown, Found::Text)
}

/// One part of a value, and where the next one begins; no part when what stands there says nothing.
fn part(reader: &Reader<'_>, at: usize, end: usize, depth: u8) -> (Option<Found>, usize) {
    match reader.token(at) {
        Some(Token::Text(text)) => (Some(Found::Text(text.clone())), at + 1),
        Some(Token::Number(number)) => (Some(Found::Text(number.to_string())), at + 1),
        Some(Token::Mark(b'[' | b'{')) => listed(reader, at, end, depth),
        Some(Token::Mark(b'(')) => match reader.closing(at) {
            Some(close) => (Some(fold(reader, at + 1, close, depth + 1)), close + 1),
            None => (Some(Found::Unknown), end),
        },
        Some(Token::Name(name)) => named(reader, name, at, end, depth),
        _ => (None, at + 1),
    }
}

/// A list: `["a", "b"]`, `{"a", "b"}`; an empty pair of brackets is part of a type.
fn listed(reader: &Reader<'_>, at: usize, end: usize, depth: u8) -> (Option<Found>, usize) {
    let Some(close) = reader.closing(at).filter(|close| *close <= end) else {
        return (Some(Found::Unknown), end);
    };
    let parts = reader.parts(at + 1, close);
    if parts.is_empty() {
        return (None, close + 1);
    }
    let words = parts
        .into_iter()
        .map(|(from, end)| fold(reader, from, end, depth + 1).value())
        .collect();
    (Some(Found::List(words)), close + 1)
}

/// A name: what it was set to, or what the function of that name gives back.
fn named(
    reader: &Reader<'_>,
    name: &str,
    at: usize,
    end: usize,
    depth: u8,
) -> (Option<Found>, usize) {
    const SILENT: [&str; 9] = [
        "new", "string", "String", "byte", "const", "mut", "char", "vec", "unsafe",
    ];
    let open = at + 1 + usize::from(reader.is_mark(at + 1, b'!'));
    if !reader.is_mark(open, b'(') {
        // One of several: which is only known later.
        if open == at + 1
            && reader.is_mark(open, b'[')
            && let Some(close) = reader.closing(open)
            && close > open + 1
            && !reader.is_mark(close + 1, b'{')
        {
            return (Some(Found::Unknown), close + 1);
        }
        let brackets = reader.is_mark(open, b'[') || reader.is_mark(open, b'{');
        if SILENT.contains(&name) || brackets {
            return (None, open);
        }
        let found = reader.named(name).cloned().or_else(|| {
            // `home.join`, without its call, or a field of something that is known.
            let (base, _) = name.split_once('.')?;
            reader.named(base).cloned()
        });
        return (Some(found.unwrap_or(Found::Unknown)), at + 1);
    }
    let Some(close) = reader.closing(open).filter(|close| *close < end) else {
        return (Some(Found::Unknown), end);
    };
    let args: Vec<Found> = reader
        .parts(open + 1, close)
        .into_iter()
        .map(|(from, end)| fold(reader, from, end, depth + 1))
        .collect();
    let value = called(reader, name, &args);
    let (value, next) = followed(reader, value, close + 1, end, depth);
    (Some(value), next)
}

/// What a function gives back.
fn called(reader: &Reader<'_>, name: &str, args: &[Found]) -> Found {
    const JOINS: [&str; 9] = [
        "filepath.Join",
        "path.Join",
        "Paths.get",
        "Path.of",
        "Path.get",
        "Path.Combine",
        "Path.Join",
        "File",
        "Path.new",
    ];
    const LISTS: [&str; 4] = ["List.of", "Arrays.asList", "listOf", "arrayOf"];
    let first = args.first().and_then(Found::text);
    let last = name.rsplit('.').next().unwrap_or(name);
    if is_home(name, first) {
        return Found::Text(String::from("~"));
    }
    let is = |names: &[&str]| {
        names
            .iter()
            .any(|held| name == *held || name.ends_with(&format!(".{held}")))
    };
    if is(&LISTS) {
        return Found::List(args.iter().map(Found::value).collect());
    }
    if matches!(last, "format" | "Sprintf" | "sprintf" | "Format") {
        return formatted(args);
    }
    if matches!(
        last,
        "inet_addr"
            | "from"
            | "to_string"
            | "string"
            | "Some"
            | "Ok"
            | "htons"
            | "path"
            | "CString.new"
    ) {
        return args.first().cloned().unwrap_or(Found::Unknown);
    }
    if is(&JOINS) {
        let texts: Option<Vec<&str>> = args.iter().map(Found::text).collect();
        return texts.map_or(Found::Unknown, |texts| Found::Text(texts.join("/")));
    }
    // `home.join("x")` of a name that is known.
    if matches!(last, "join" | "resolve" | "concat" | "push_str")
        && let Some((base, _)) = name.rsplit_once('.')
        && let (Some(base), Some(text)) = (reader.named(base).and_then(Found::text), first)
    {
        return Found::Text(format!("{base}/{text}"));
    }
    // What only turns a text into another kind of text.
    let turned = name
        .rsplit_once('.')
        .and_then(|(base, last)| is_turn(last).then(|| reader.named(base).cloned()).flatten());
    turned.unwrap_or(Found::Unknown)
}

/// What stands behind a call and is called on what it gave back.
fn followed(
    reader: &Reader<'_>,
    mut value: Found,
    mut at: usize,
    end: usize,
    depth: u8,
) -> (Found, usize) {
    while at < end && (reader.is_mark(at, b'.') || reader.is_mark(at, b'?')) {
        if reader.is_mark(at, b'?') {
            at += 1;
            continue;
        }
        let (Some(Token::Name(name)), true) = (reader.token(at + 1), reader.is_mark(at + 2, b'('))
        else {
            return (value, at + 2);
        };
        let Some(close) = reader.closing(at + 2).filter(|close| *close < end) else {
            return (Found::Unknown, end);
        };
        let joins = matches!(name.as_str(), "join" | "resolve");
        value = match value {
            Found::Text(base) if joins => match fold(reader, at + 3, close, depth + 1) {
                Found::Text(text) => Found::Text(format!("{base}/{text}")),
                _ => Found::Unknown,
            },
            kept if is_turn(name) => kept,
            _ => Found::Unknown,
        };
        at = close + 1;
    }
    (value, at)
}

/// Whether a method gives back what it belongs to, in another form.
fn is_turn(name: &str) -> bool {
    matches!(
        name,
        "unwrap"
            | "expect"
            | "to_string"
            | "to_owned"
            | "into"
            | "clone"
            | "as_str"
            | "as_path"
            | "c_str"
            | "str"
            | "data"
            | "toString"
            | "toPath"
            | "toFile"
            | "as_ptr"
            | "unwrap_or_default"
            | "display"
            | "String"
            | "trim"
            | "strip"
            | "split_whitespace"
    )
}

/// A text with values put into it: `{}`, `%s`, `%v`, `{0}`.
fn formatted(args: &[Found]) -> Found {
    let mut args = args.iter();
    let Some(pattern) = args.find_map(Found::text) else {
        return Found::Unknown;
    };
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '%']) {
        out.push_str(&rest[..at]);
        let hole = &rest[at..];
        let length = if hole.starts_with("%s") || hole.starts_with("%v") || hole.starts_with("{}") {
            2
        } else if hole.starts_with("{0}") || hole.starts_with("{1}") {
            3
        } else {
            1
        };
        if length == 1 {
            out.push_str(&hole[..1]);
        } else {
            match args.next().and_then(Found::text) {
                Some(text) => out.push_str(text),
                None => return Found::Unknown,
            }
        }
        rest = &hole[length..];
    }
    out.push_str(rest);
    Found::Text(out)
}

/// Whether a function says where the user's own folder is.
fn is_home(name: &str, argument: Option<&str>) -> bool {
    const ASKS: [&str; 9] = [
        "Getenv",
        "getenv",
        "var",
        "var_os",
        "getProperty",
        "GetEnvironmentVariable",
        "LookupEnv",
        "secure_getenv",
        "GetFolderPath",
    ];
    const TELLS: [&str; 4] = ["UserHomeDir", "home_dir", "homedir", "HomeDir"];
    let last = name.rsplit('.').next().unwrap_or(name);
    TELLS.contains(&last)
        || ASKS.contains(&last) && matches!(argument, Some("HOME" | "USERPROFILE" | "user.home"))
}
