//! Functions that only compute: folded when their arguments are known, so that what they hide is seen.

mod decode;
mod format;
mod paths;

pub(super) use decode::base64;
pub(super) use format::percent;
pub(super) use paths::{parent, path_join, path_method};

use decode::{decode_call, decoded, hex, rot13};
use format::{braces, printf};
use paths::{directory, joined_path, slashed};

use super::Language;
use super::value::{Kind, MAX_TEXT_BYTES, Origin, Val, concat};
use super::walk::Args;
use crate::shell::command::{Value, Why};

/// A number literal. Octal in every form that some language has.
pub(super) fn number(text: &str) -> Val {
    let clean: String = text
        .chars()
        .filter(|character| *character != '_')
        .take(32)
        .collect();
    let lower = clean.to_ascii_lowercase();
    let parsed = if let Some(digits) = lower.strip_prefix("0x") {
        i64::from_str_radix(digits, 16).ok()
    } else if let Some(digits) = lower.strip_prefix("0o") {
        i64::from_str_radix(digits, 8).ok()
    } else if let Some(digits) = lower.strip_prefix("0b") {
        i64::from_str_radix(digits, 2).ok()
    } else if lower.len() > 1 && lower.starts_with('0') {
        i64::from_str_radix(&lower, 8).ok()
    } else {
        lower.trim_end_matches(['n', 'l']).parse().ok()
    };
    parsed.map_or_else(|| Val::opaque(""), Val::number)
}

/// A text, so many times.
pub(super) fn repeat(text: &str, count: i64) -> Val {
    match usize::try_from(count) {
        Ok(count) if text.len().saturating_mul(count) <= MAX_TEXT_BYTES => {
            Val::text(text.repeat(count))
        }
        _ => Val::opaque(""),
    }
}

/// The character with that code, when there is one.
pub(super) fn from_code(code: i64) -> Val {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .map_or_else(
            || Val::opaque(""),
            |character| Val::text(character.to_string()),
        )
}

fn character_of(value: &Val) -> Val {
    match &value.kind {
        Kind::Number(code) => from_code(*code),
        Kind::Text(..) => value.clone(),
        _ => Val::opaque("").from(value.origin.clone()),
    }
}

/// One character of a text.
pub(super) fn character(text: &str, index: &Val) -> Option<Val> {
    let Kind::Number(number) = index.kind else {
        return None;
    };
    let found = if number < 0 {
        text.chars().rev().nth(
            usize::try_from(number.unsigned_abs())
                .ok()?
                .checked_sub(1)?,
        )
    } else {
        text.chars().nth(usize::try_from(number).ok()?)
    };
    found.map(|character| Val::text(character.to_string()))
}

/// `x[a:b:c]`.
pub(super) fn slice(value: &Val, parts: &[Option<Val>]) -> Val {
    let bound = |index: usize| match parts.get(index) {
        Some(Some(part)) => match part.kind {
            Kind::Number(number) => Ok(Some(number)),
            _ => Err(()),
        },
        _ => Ok(None),
    };
    let (Ok(from), Ok(to), Ok(step)) = (bound(0), bound(1), bound(2)) else {
        return Val::opaque("").from(value.origin.clone());
    };
    let step = step.unwrap_or(1);
    match &value.kind {
        Kind::Text(Value::Exact(text), _) => {
            let characters: Vec<char> = text.chars().collect();
            let picked: String = pick(&characters, from, to, step).into_iter().collect();
            Val::text(picked).from(value.origin.clone())
        }
        Kind::List(items) => Val::list(pick(items, from, to, step)),
        Kind::Text(Value::Pattern(_) | Value::Prefix(..), _)
            if from.unwrap_or(0) == 0 && step == 1 =>
        {
            value.clone()
        }
        _ => Val::opaque("").from(value.origin.clone()),
    }
}

fn pick<T: Clone>(items: &[T], from: Option<i64>, to: Option<i64>, step: i64) -> Vec<T> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let place = |index: i64, low: i64, high: i64| {
        let index = if index < 0 {
            index.saturating_add(length)
        } else {
            index
        };
        index.clamp(low, high)
    };
    let get = |index: i64| {
        usize::try_from(index)
            .ok()
            .and_then(|index| items.get(index))
            .cloned()
    };
    let mut out = Vec::new();
    if step > 0 {
        let mut at = from.map_or(0, |index| place(index, 0, length));
        let end = to.map_or(length, |index| place(index, 0, length));
        while at < end {
            out.extend(get(at));
            at = at.saturating_add(step);
        }
    } else if step < 0 {
        let mut at = from.map_or(length - 1, |index| place(index, -1, length - 1));
        let end = to.map_or(-1, |index| place(index, -1, length - 1));
        while at > end {
            out.extend(get(at));
            at = at.saturating_add(step);
        }
    }
    out
}

// ---- functions by name

/// Whether a function of that name is folded (for languages that call without parentheses).
pub(super) fn knows(language: Language, name: &str) -> bool {
    match language {
        Language::Perl => matches!(
            name,
            "reverse"
                | "join"
                | "chr"
                | "pack"
                | "decode_base64"
                | "lc"
                | "uc"
                | "sprintf"
                | "glob"
                | "split"
                | "substr"
                | "find"
                | "finddepth"
                | "MIME.Base64.decode_base64"
        ),
        Language::Ruby => {
            matches!(
                name,
                "sprintf"
                    | "format"
                    | "Dir.home"
                    | "Dir.pwd"
                    | "Dir.tmpdir"
                    | "Dir.mktmpdir"
                    | "Dir.glob"
                    | "Pathname.new"
                    | "Pathname"
                    | "URI"
                    | "URI.parse"
                    | "Gem.ruby"
            )
        }
        _ => false,
    }
}

fn first(args: &Args) -> Option<&Val> {
    args.pos.first()
}

/// The value of a call that only computes; `None` when it is not known or not folded.
pub(super) fn call(language: Language, name: &str, args: &Args) -> Option<Val> {
    let arg = first(args);
    match name {
        // Conversions that keep the value.
        "str" | "String" | "bytes" | "bytearray" | "repr" | "os.fspath" | "os.path.expanduser"
        | "os.path.abspath" | "os.path.realpath" | "os.path.normpath" | "path.resolve"
            if args.pos.len() == 1 =>
        {
            let value = arg?;
            if matches!(value.kind, Kind::List(_)) && name == "bytes" {
                return codes(value);
            }
            Some(match &value.kind {
                Kind::Object(..) | Kind::Number(_) => {
                    Val::value(value.as_value()).from(value.origin.clone())
                }
                _ => value.clone(),
            })
        }
        "File.expand_path" | "File.absolute_path" | "realpath" | "shlex.quote" | "pipes.quote"
        | "util.promisify" | "normalizePath" | "path.expand" | "abs2rel" | "fileURLToPath"
        | "url.fileURLToPath" | "textwrap.dedent" | "re.escape" | "URI" | "URI.parse"
        | "unicode" | "encodeURI" | "encodeURIComponent" | "urllib.parse.quote"
        | "File.realpath" | "Promise.resolve" | "asyncio.run" | "rawToChar" | "charToRaw"
        | "as.character" | "tuple" | "expanduser" | "abspath" | "sqlalchemy.text" | "wrap" => {
            arg.cloned()
        }
        "os.path.join" | "path.join" | "path.resolve" | "File.join" | "file.path" | "joinpath"
        | "catfile" | "File.Spec.catfile" | "path.posix.join" => {
            Some(Val::value(joined_path(&args.pos)).from(args.origin()))
        }
        "os.path.dirname" | "path.dirname" | "dirname" | "File.dirname" => {
            arg?.exact().map(|path| Val::text(directory(path)))
        }
        "pathlib.Path" | "pathlib.PurePath" | "pathlib.PosixPath" | "Pathname.new" | "Pathname" => {
            if args.pos.is_empty() {
                Some(Val::object("path", vec![Val::text(".")]))
            } else {
                Some(path_join(&args.pos))
            }
        }
        "pathlib.Path.home" => Some(Val::object("path", vec![Val::text("~")])),
        "pathlib.Path.cwd" => Some(Val::object("path", vec![Val::text(".")])),
        "os.homedir" | "Dir.home" | "homedir" | "os.userInfo" | "path.expanduser" => {
            Some(Val::text("~"))
        }
        "os.getcwd" | "process.cwd" | "Deno.cwd" | "getcwd" | "Dir.pwd" | "pwd" | "getwd"
        | "cwd" => Some(Val::text(".")),
        "os.tmpdir" | "tempfile.gettempdir" | "sys_get_temp_dir" | "Dir.tmpdir" | "tempdir" => {
            Some(Val::text("/tmp"))
        }
        "tempfile.mkdtemp"
        | "tempfile.mktemp"
        | "fs.mkdtempSync"
        | "fs.mkdtemp"
        | "Dir.mktmpdir"
        | "tempnam"
        | "mktempdir"
        | "tempfile"
        | "tempfile.TemporaryDirectory"
        | "tempfile.NamedTemporaryFile"
        | "tempfile.mkstemp"
        | "Deno.makeTempDir"
        | "os.tmpname"
        | "mktemp" => Some(Val::value(Value::Prefix(
            String::from("/tmp/"),
            Why::RunTimeValue(name.to_owned()),
        ))),
        "glob.glob" | "glob.iglob" | "glob" | "Dir.glob" | "glob.sync" | "glob.globSync"
        | "globSync" | "Sys.glob" | "fast-glob.sync" => Some(Val::value(match arg?.as_value() {
            Value::Exact(text) => Value::Pattern(text),
            other => other,
        })),
        "RecursiveDirectoryIterator" | "DirectoryIterator" | "FilesystemIterator" => Some(
            Val::value(concat(slashed(arg?), &Value::Pattern(String::from("*")))),
        ),
        "RecursiveIteratorIterator" | "IteratorIterator" | "iterator_to_array" | "enumerate" => {
            arg.cloned()
        }
        "list.files" => {
            let directory = arg.or_else(|| args.option(&["path"]))?;
            Some(Val::value(concat(
                slashed(directory),
                &Value::Pattern(String::from("*")),
            )))
        }
        "chr"
        | "String.fromCharCode"
        | "String.fromCodePoint"
        | "string.char"
        | "unichr"
        | "Char"
        | "intToUtf8"
        | "IntToUtf8" => {
            let mut value = Value::Exact(String::new());
            for arg in &args.pos {
                let part = match &arg.kind {
                    Kind::List(_) => codes(arg).unwrap_or_else(|| Val::opaque("")),
                    _ => character_of(arg),
                };
                value = concat(value, &part.as_value());
            }
            Some(Val::value(value))
        }
        "ord" => arg?
            .exact()
            .and_then(|text| text.chars().next())
            .map(|character| Val::number(i64::from(u32::from(character)))),
        "map" if language == Language::Python => map_call(args),
        "reversed" | "reverse" | "strrev" | "string.reverse" | "rev" => Some(reversed(arg?)),
        "sorted" | "set" | "array_filter" | "unlist" | "iter" | "next" => arg.cloned(),
        "join" | "string.join" | "implode" | "table.concat" => join_call(language, args),
        "paste0" | "paste" | "string" | "strcat" => {
            let separator = args
                .option(&["sep"])
                .and_then(Val::exact)
                .map_or(if name == "paste" { " " } else { "" }, |text| text)
                .to_owned();
            Some(join(&separator, &args.pos))
        }
        "c" | "array" | "Array" | "Array.of" if language != Language::Python => {
            Some(Val::list(args.pos.clone()))
        }
        "list" if language == Language::R => Some(Val::list(args.pos.clone())),
        "dict" | "Object.assign" => Some(merged(args)),
        "sprintf" | "format" | "string.format" | "Kernel.format" | "Kernel.sprintf"
        | "vsprintf" | "util.format" => {
            Some(printf(arg?.exact()?, args.pos.get(1..).unwrap_or(&[])))
        }
        "shlex.split" | "Shellwords.split" | "Shellwords.shellsplit" | "qw" => Some(Val::list(
            arg?.exact()?
                .split_whitespace()
                .map(|word| Val::text(word.trim_matches(['"', '\''])))
                .collect(),
        )),
        "shlex.join" | "Shellwords.join" => match &arg?.kind {
            Kind::List(items) => Some(join(" ", items)),
            _ => None,
        },
        "str_replace" | "gsub" | "sub" | "string.gsub" => replace_call(name, args),
        "strtolower" | "lc" | "tolower" | "string.lower" | "lowercase" => {
            Some(Val::text(arg?.exact()?.to_lowercase()))
        }
        "strtoupper" | "uc" | "toupper" | "string.upper" | "uppercase" => {
            Some(Val::text(arg?.exact()?.to_uppercase()))
        }
        "substr" | "string.sub" | "substring" => substring(language, name, args),
        "split" | "explode" => {
            let (separator, text) = (arg?.exact()?, args.pos.get(1)?.exact()?);
            Some(split(text, separator))
        }
        "pack" => match (arg?.exact()?, args.pos.get(1)) {
            (format, Some(text)) if format.starts_with('H') => decoded(hex(text.exact()?), text),
            (format, Some(_)) if format.starts_with(['C', 'U', 'W']) => {
                codes(&Val::list(args.pos.get(1..)?.to_vec()))
            }
            _ => None,
        },
        "eval" | "exec" => None,
        // What is compiled is what will run.
        "compile" if language == Language::Python => {
            arg.filter(|code| code.exact().is_some()).cloned()
        }
        _ => decode_call(name, args),
    }
}

fn map_call(args: &Args) -> Option<Val> {
    let Kind::Name(function) = &args.pos.first()?.kind else {
        return None;
    };
    match (&args.pos.get(1)?.kind, function.as_str()) {
        (Kind::List(items), "chr") => Some(Val::list(items.iter().map(character_of).collect())),
        (Kind::List(_), "str") => args.pos.get(1).cloned(),
        _ => None,
    }
}

fn codes(list: &Val) -> Option<Val> {
    let Kind::List(items) = &list.kind else {
        return None;
    };
    let mut out = String::new();
    for item in items {
        match &item.kind {
            Kind::Number(code) => out.push(u32::try_from(*code).ok().and_then(char::from_u32)?),
            Kind::Text(Value::Exact(text), _) => out.push_str(text),
            _ => return None,
        }
    }
    Some(Val::text(out))
}

fn reversed(value: &Val) -> Val {
    match &value.kind {
        Kind::Text(Value::Exact(text), _) => {
            Val::text(text.chars().rev().collect::<String>()).from(value.origin.clone())
        }
        Kind::List(items) => Val::list(items.iter().rev().cloned().collect()),
        _ => Val::opaque("").from(value.origin.clone()),
    }
}

fn join(separator: &str, items: &[Val]) -> Val {
    let mut value = Value::Exact(String::new());
    let mut origin = Origin::Code;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            value = concat(value, &Value::Exact(separator.to_owned()));
        }
        let item = match &item.kind {
            Kind::List(inner) => join(separator, inner),
            _ => item.clone(),
        };
        origin = origin.join(item.origin.clone());
        value = concat(value, &item.as_value());
    }
    Val::value(value).from(origin)
}

fn join_call(language: Language, args: &Args) -> Option<Val> {
    let first = args.pos.first()?;
    match (&first.kind, language) {
        (Kind::List(items), _) => {
            let separator = args.pos.get(1).and_then(Val::exact).unwrap_or("");
            Some(join(separator, items))
        }
        (Kind::Text(Value::Exact(separator), _), _) => Some(join(separator, args.pos.get(1..)?)),
        _ => None,
    }
}

fn replace_call(name: &str, args: &Args) -> Option<Val> {
    let texts: Vec<&str> = args.pos.iter().filter_map(Val::exact).collect();
    match (name, texts.as_slice()) {
        ("string.gsub", [subject, from, to]) => replaced(subject, from, to),
        (_, [from, to, subject]) => replaced(subject, from, to),
        _ => None,
    }
}

fn replaced(subject: &str, from: &str, to: &str) -> Option<Val> {
    if from.is_empty() || subject.len().saturating_mul(to.len().max(1)) > MAX_TEXT_BYTES * 4 {
        return None;
    }
    Some(Val::text(subject.replace(from, to)))
}

fn substring(language: Language, name: &str, args: &Args) -> Option<Val> {
    let text = args.pos.first()?.exact()?;
    let number = |index: usize| match args.pos.get(index).map(|value| &value.kind) {
        Some(Kind::Number(number)) => Some(*number),
        _ => None,
    };
    let from = number(1)?;
    let characters: Vec<char> = text.chars().collect();
    let one_based = matches!(language, Language::Lua | Language::R) || name == "string.sub";
    let (from, to) = if one_based {
        (from.saturating_sub(1).max(0), number(2))
    } else {
        (from, number(2).map(|length| from.saturating_add(length)))
    };
    Some(Val::text(
        pick(&characters, Some(from), to, 1)
            .into_iter()
            .collect::<String>(),
    ))
}

fn split(text: &str, separator: &str) -> Val {
    if separator.is_empty() {
        return Val::list(
            text.chars()
                .take(4096)
                .map(|character| Val::text(character.to_string()))
                .collect(),
        );
    }
    Val::list(text.split(separator).take(4096).map(Val::text).collect())
}

// ---- methods

/// A method of a text or a list that only computes.
pub(super) fn method(language: Language, on: &Val, name: &str, args: &Args) -> Option<Val> {
    match &on.kind {
        Kind::Text(Value::Exact(text), _) => text_method(language, on, text, name, args),
        Kind::Text(Value::Pattern(_) | Value::Prefix(..) | Value::OneOf(_), _) => matches!(
            name,
            "each"
                | "map"
                | "select"
                | "each_with_index"
                | "filter"
                | "sort"
                | "decode"
                | "encode"
                | "strip"
                | "trim"
                | "toString"
                | "to_s"
                | "chomp"
                | "name"
                | "cleanup"
        )
        .then(|| on.clone()),
        Kind::List(items) => match name {
            "join" => Some(join(
                args.pos.first().and_then(Val::exact).unwrap_or(
                    if language == Language::JavaScript {
                        ","
                    } else {
                        ""
                    },
                ),
                items,
            )),
            "reverse" | "reversed" | "toReversed" => Some(reversed(on)),
            "concat" => {
                let mut all = items.clone();
                all.extend(args.pos.iter().cloned());
                Some(Val::list(all))
            }
            "pack" => {
                let format = args.pos.first().and_then(Val::exact)?;
                if format.starts_with('H') {
                    return decoded(hex(items.first()?.exact()?), on);
                }
                if format.starts_with('m') {
                    None
                } else {
                    codes(on)
                }
            }
            "map" | "each" | "select" | "each_with_index" | "filter" | "flat" | "compact"
            | "to_a" | "slice" => Some(on.clone()),
            "first" | "shift" => items.first().cloned(),
            "last" | "pop" => items.last().cloned(),
            _ => None,
        },
        Kind::Number(_) if matches!(name, "chr" | "to_s") => Some(if name == "chr" {
            character_of(on)
        } else {
            Val::value(on.as_value())
        }),
        _ => None,
    }
}

fn text_method(language: Language, on: &Val, text: &str, name: &str, args: &Args) -> Option<Val> {
    let arg = |index: usize| args.pos.get(index);
    let number = |index: usize| match arg(index).map(|value| &value.kind) {
        Some(Kind::Number(number)) => Some(*number),
        _ => None,
    };
    let characters = || text.chars().collect::<Vec<char>>();
    Some(match name {
        "join" => match &arg(0)?.kind {
            Kind::List(items) => join(text, items),
            Kind::Text(Value::Exact(inner), _) => join(
                text,
                &inner
                    .chars()
                    .take(4096)
                    .map(|character| Val::text(character.to_string()))
                    .collect::<Vec<_>>(),
            ),
            _ => return None,
        },
        "format" => braces(text, args),
        "replace" | "replaceAll" | "gsub" | "sub" | "tr" | "replace_all" => {
            return replaced(text, arg(0)?.exact()?, arg(1)?.exact()?);
        }
        "delete" if language == Language::Ruby => return replaced(text, arg(0)?.exact()?, ""),
        "reverse" => reversed(on),
        "lower" | "toLowerCase" | "downcase" | "casefold" => Val::text(text.to_lowercase()),
        "upper" | "toUpperCase" | "upcase" => Val::text(text.to_uppercase()),
        "strip" | "trim" | "chomp" | "rstrip" | "lstrip" => Val::text(text.trim()),
        "encode" | "decode" | "toString" | "to_s" | "valueOf" | "to_str" | "to_sym"
        | "to_string" | "freeze" | "dup" | "b" | "expanduser" => {
            match arg(0).and_then(Val::exact) {
                Some("rot13" | "rot_13") => Val::text(rot13(text)),
                Some("hex") => return decoded(hex(text), on),
                _ => on.clone(),
            }
        }
        "split" | "chars" => {
            let separator = if name == "chars" {
                Some("")
            } else {
                arg(0).and_then(Val::exact)
            };
            match separator {
                Some(separator) => split(text, separator),
                None => Val::list(text.split_whitespace().take(4096).map(Val::text).collect()),
            }
        }
        "slice" | "substring" => Val::text(
            pick(&characters(), number(0), number(1), 1)
                .into_iter()
                .collect::<String>(),
        ),
        "substr" => {
            let from = number(0)?;
            let to = number(1).map(|length| from.saturating_add(length));
            Val::text(
                pick(&characters(), Some(from), to, 1)
                    .into_iter()
                    .collect::<String>(),
            )
        }
        "charAt" | "at" => return character(text, arg(0)?),
        "charCodeAt" | "ord" | "codePointAt" => {
            let index = usize::try_from(number(0).unwrap_or(0)).ok()?;
            Val::number(i64::from(u32::from(text.chars().nth(index)?)))
        }
        "repeat" => repeat(text, number(0)?),
        "concat" => join(
            "",
            &std::iter::once(on.clone())
                .chain(args.pos.iter().cloned())
                .collect::<Vec<_>>(),
        ),
        "unpack1" | "unpack" => {
            let format = arg(0)?.exact()?;
            if format.starts_with('m') {
                return decoded(base64(text), on);
            } else {
                return None;
            }
        }
        "scan" | "bytes" => return None,
        _ => return None,
    })
}
/// What maps and names hold together; what else is among them gives where it comes from.
fn merged(args: &Args) -> Val {
    let mut held: Vec<(String, Val)> = Vec::new();
    for value in &args.pos {
        if let Kind::Map(entries) = &value.kind {
            held.extend(entries.iter().cloned());
        }
    }
    held.extend(args.named.iter().cloned());
    let whole = if held.is_empty() {
        Val::opaque("")
    } else {
        Val {
            kind: Kind::Map(held),
            origin: Origin::Code,
        }
    };
    whole.from(args.origin())
}
