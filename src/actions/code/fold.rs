//! Functions that only compute: folded when their arguments are known, so that what they hide is seen.

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

/// Python's `%`, and everybody's remainder.
pub(super) fn percent(left: Val, right: &Val) -> Val {
    match (&left.kind, &right.kind) {
        (Kind::Number(one), Kind::Number(other)) => one
            .checked_rem(*other)
            .map_or_else(|| Val::opaque(""), Val::number),
        (Kind::Text(Value::Exact(format), _), Kind::List(items)) => printf(format, items),
        (Kind::Text(Value::Exact(format), _), _) => printf(format, std::slice::from_ref(right)),
        _ => Val::opaque("")
            .from(left.origin.clone())
            .from(right.origin.clone()),
    }
}

/// `printf` with its simple directives; others end what is known.
fn printf(format: &str, items: &[Val]) -> Val {
    let mut value = Value::Exact(String::new());
    let mut origin = Origin::Code;
    let mut items = items.iter();
    let mut rest = format;
    while let Some(found) = rest.find('%') {
        value = concat(value, &Value::Exact(rest[..found].to_owned()));
        let directive = &rest[found + 1..];
        let end = directive
            .find(|character: char| character.is_ascii_alphabetic() || character == '%')
            .map_or(directive.len(), |end| end + 1);
        match directive.as_bytes().get(end.saturating_sub(1)) {
            Some(b'%') => value = concat(value, &Value::Exact(String::from("%"))),
            Some(b's' | b'd' | b'i' | b'r' | b'u') => {
                let Some(item) = items.next() else {
                    return Val::value(concat(value, &Value::Unknown(Why::Expansion)));
                };
                origin = origin.join(item.origin.clone());
                value = concat(value, &item.as_value());
            }
            Some(b'c') => {
                let item = items.next().map_or_else(|| Val::opaque(""), character_of);
                value = concat(value, &item.as_value());
            }
            _ => return Val::value(concat(value, &Value::Unknown(Why::Expansion))).from(origin),
        }
        rest = &directive[end..];
    }
    Val::value(concat(value, &Value::Exact(rest.to_owned()))).from(origin)
}

fn character_of(value: &Val) -> Val {
    match &value.kind {
        Kind::Number(code) => u32::try_from(*code)
            .ok()
            .and_then(char::from_u32)
            .map_or_else(
                || Val::opaque(""),
                |character| Val::text(character.to_string()),
            ),
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

// ---- paths

/// A path object of these parts.
pub(super) fn path_join(parts: &[Val]) -> Val {
    let origin = parts.iter().fold(Origin::Code, |origin, part| {
        origin.join(part.origin.clone())
    });
    Val::object("path", vec![Val::value(joined_path(parts)).from(origin)])
}

fn joined_path(parts: &[Val]) -> Value {
    let mut value = Value::Exact(String::new());
    for (index, part) in parts.iter().enumerate() {
        let next = part.as_value();
        let absolute = matches!(&next, Value::Exact(text) | Value::Prefix(text, _) | Value::Pattern(text) if text.starts_with('/') || text.starts_with('~'));
        if absolute || index == 0 {
            value = next;
            continue;
        }
        let ends = matches!(&value, Value::Exact(text) if text.is_empty() || text.ends_with('/'));
        if !ends {
            value = concat(value, &Value::Exact(String::from("/")));
        }
        value = concat(value, &next);
    }
    value
}

/// The directory that holds a path.
pub(super) fn parent(args: &[Val]) -> Val {
    let path = args
        .first()
        .and_then(Val::exact)
        .map(|path| Val::text(directory(path)));
    Val::object("path", vec![path.unwrap_or_else(|| Val::opaque("parent"))])
}

fn directory(path: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => String::from("/"),
        Some((parent, _)) => parent.to_owned(),
        None if path.starts_with('/') => String::from("/"),
        None if path == "." => String::from("."),
        None => String::from("."),
    }
}

/// A method of a path that gives another path.
pub(super) fn path_method(held: &[Val], name: &str, args: &Args) -> Option<Val> {
    let this = held.first().cloned().unwrap_or_else(|| Val::opaque("path"));
    Some(match name {
        "resolve" | "absolute" | "expanduser" | "expand_path" | "as_posix" | "__str__" | "to_s"
        | "cleanpath" | "realpath" | "with_suffix" => Val::object("path", vec![this]),
        "joinpath" | "join" | "/" | "+" => {
            let mut parts = vec![this];
            parts.extend(args.pos.iter().cloned());
            path_join(&parts)
        }
        "glob" | "rglob" | "iterdir" | "walk" | "children" | "each_child" => {
            let pattern = args.pos.first().and_then(Val::exact).unwrap_or("*");
            let pattern = if name == "rglob" {
                format!("**/{pattern}")
            } else {
                pattern.to_owned()
            };
            Val::object(
                "path",
                vec![Val::value(concat(slashed(&this), &Value::Pattern(pattern)))],
            )
        }
        "dirname" | "parent" => parent(held),
        "exists" | "is_file" | "is_dir" | "stat" | "exist?" => Val::opaque(""),
        _ => return None,
    })
}

fn slashed(path: &Val) -> Value {
    let value = path.as_value();
    match &value {
        Value::Exact(text) if text.ends_with('/') => value,
        _ => concat(value, &Value::Exact(String::from("/"))),
    }
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
        | "File.realpath" | "functools.partial" | "asyncio.run" | "tuple" | "expanduser"
        | "abspath" | "sqlalchemy.text" | "wrap" => arg.cloned(),
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
        "dict" | "Object.assign" => Some(Val::opaque("").from(args.origin())),
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

/// Decoders by any of their names.
fn decode_call(name: &str, args: &Args) -> Option<Val> {
    let arg = args.pos.first()?;
    let bytes = match name {
        "base64.b64decode"
        | "base64.standard_b64decode"
        | "base64.urlsafe_b64decode"
        | "base64.decodebytes"
        | "binascii.a2b_base64"
        | "atob"
        | "decode_base64"
        | "MIME.Base64.decode_base64"
        | "base64_decode"
        | "Base64.decode64"
        | "Base64.strict_decode64"
        | "Base64.urlsafe_decode64"
        | "base64decode"
        | "base64enc.base64decode"
        | "jsonlite.base64_dec" => base64(arg.exact()?),
        "bytes.fromhex" | "bytearray.fromhex" | "binascii.unhexlify" | "binascii.a2b_hex"
        | "hex2bin" | "hex2bytes" => hex(arg.exact()?),
        "base64.b32decode" => base32(arg.exact()?),
        "base64.b16decode" => hex(arg.exact()?),
        "str_rot13" => Some(rot13(arg.exact()?).into_bytes()),
        "urllib.parse.unquote"
        | "decodeURIComponent"
        | "decodeURI"
        | "unescape"
        | "urldecode"
        | "rawurldecode"
        | "CGI.unescape"
        | "URI.decode_www_form_component" => Some(unquote(arg.exact()?)),
        "codecs.decode" | "Buffer.from" => {
            let text = arg.exact()?;
            match args.pos.get(1).and_then(Val::exact).unwrap_or("utf8") {
                "rot13" | "rot_13" => Some(rot13(text).into_bytes()),
                "hex" | "hex_codec" => hex(text),
                "base64" | "base64_codec" | "base64url" => base64(text),
                _ => Some(text.as_bytes().to_vec()),
            }
        }
        "codecs.encode" => match args.pos.get(1).and_then(Val::exact)? {
            "rot13" | "rot_13" => Some(rot13(arg.exact()?).into_bytes()),
            _ => return None,
        },
        _ => return None,
    };
    decoded(bytes, arg)
}

fn decoded(bytes: Option<Vec<u8>>, from: &Val) -> Option<Val> {
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => Some(Val::text(text).from(from.origin.clone())),
        // Something is decoded, but not to text: what comes of it cannot be read.
        _ => Some(Val::opaque("").from(Origin::Decoded)),
    }
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xFF).unwrap_or(0));
        }
    }
    Some(out)
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u64, 0u32);
    for byte in text.bytes() {
        let digit = match byte.to_ascii_uppercase() {
            upper @ b'A'..=b'Z' => upper - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            b'=' => continue,
            _ => return None,
        };
        bits = (bits << 5) | u64::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xFF).unwrap_or(0));
        }
    }
    Some(out)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn rot13(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            'a'..='z' => char::from((character as u8 - b'a' + 13) % 26 + b'a'),
            'A'..='Z' => char::from((character as u8 - b'A' + 13) % 26 + b'A'),
            other => other,
        })
        .collect()
}

fn unquote(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
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

/// Python's `str.format` with plain fields.
fn braces(format: &str, args: &Args) -> Val {
    let mut value = Value::Exact(String::new());
    let mut origin = Origin::Code;
    let mut next = 0;
    let mut rest = format;
    while let Some(found) = rest.find(['{', '}']) {
        value = concat(value, &Value::Exact(rest[..found].to_owned()));
        let sign = &rest[found..found + 1];
        if rest[found + 1..].starts_with(sign) {
            value = concat(value, &Value::Exact(sign.to_owned()));
            rest = &rest[found + 2..];
            continue;
        }
        let Some(close) = rest[found..].find('}') else {
            break;
        };
        let field = rest[found + 1..found + close.max(1)]
            .split([':', '!'])
            .next()
            .unwrap_or("");
        let held = if field.is_empty() {
            next += 1;
            args.pos.get(next - 1)
        } else if let Ok(index) = field.parse::<usize>() {
            args.pos.get(index)
        } else {
            args.option(&[field])
        };
        let held = held.cloned().unwrap_or_else(|| Val::opaque(field));
        origin = origin.join(held.origin.clone());
        value = concat(value, &held.as_value());
        rest = &rest[found + close + 1..];
    }
    Val::value(concat(value, &Value::Exact(rest.to_owned()))).from(origin)
}
