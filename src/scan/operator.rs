//! What stands between a name and its value: a sign, a word, the end of a cell, an attribute.

use crate::rules::alphabet::{BASE62, ByteSet, NONE, starts_of};
use crate::text::mark;

/// How far after a name its value may begin, in bytes.
pub(super) const GAP: usize = 48;

/// Least length of a value in a column whose looks alone give it away, in bytes.
pub(super) const LEAST_IN_COLUMN: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, `:`, `=>`, an attribute, an element, a flag.
    Sign,
    /// `is`, `:` in prose.
    Prose,
    /// The same after some words.
    Said,
    /// `->`, or a comma after quotes or brackets.
    Beside,
    /// A comma, a blank: the next cell of a row, the next word of a sentence.
    Cell,
}

/// The position after the operator that follows a name.
pub(super) fn after(bytes: &[u8], after_name: usize, start: usize) -> Option<(usize, Operator)> {
    let limit = bytes.len().min(after_name + GAP);
    let closers = bytes[after_name..limit]
        .iter()
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b'`' | b']' | b')' | b'\\' | b'*'))
        .count();
    // `char password[] = "x"`, `password[64] = "x"`
    let at = after_name + closers + dimension(&bytes[after_name + closers..limit]);
    // `$ENV{PASSWORD} = 'x'`
    let key = bytes.get(at) == Some(&b'}') && in_braces(bytes, start);
    let at = at + usize::from(key);
    let blanks = bytes[at..limit]
        .iter()
        .take_while(|byte| is_blank(byte))
        .count();
    let here = at + blanks;
    match sign(bytes, start, here, (closers, blanks)) {
        Sign::Ends => None,
        Sign::Otherwise => otherwise(bytes, here + 2),
        // `fn password() -> Type`
        Sign::Takes(_)
            if bytes[here..].starts_with(b"->") && bytes[after_name..at].contains(&b')') =>
        {
            None
        }
        Sign::Takes(length) => Some(after_sign(bytes, at, (here, here + length), limit)),
        Sign::Compared(length) => Some((here + length, Operator::Beside)),
        Sign::None => unsigned(bytes, start, (at, here), closers > 0),
    }
}

/// Whether the word that the name before `start` begins in is the key of a hash: `$ENV{PASSWORD}`.
fn in_braces(bytes: &[u8], start: usize) -> bool {
    let word = bytes[start.saturating_sub(48)..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'"' | b'\''))
        .count();
    let before = &bytes[..start - word];
    before
        .strip_suffix(b"{")
        .and_then(<[u8]>::last)
        .is_some_and(u8::is_ascii_alphanumeric)
}

/// How long the brackets of an array are: `[]`, `[64]`.
fn dimension(rest: &[u8]) -> usize {
    if rest.first() != Some(&b'[') {
        return 0;
    }
    let digits = rest[1..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    match rest.get(1 + digits) {
        Some(b']') => digits + 2,
        _ => 0,
    }
}

/// The value after the sign at `[here, after)`; the name and what closes it end at `at`.
fn after_sign(
    bytes: &[u8],
    at: usize,
    (here, after): (usize, usize),
    limit: usize,
) -> (usize, Operator) {
    match bytes[here] {
        b',' => match attribute(bytes, at, limit).or_else(|| fallback(bytes, after)) {
            Some(value) => (value, Operator::Sign),
            None => (after, Operator::Beside),
        },
        b'-' | b'(' => (after, Operator::Beside),
        b':' | b'?' => {
            let rest = bytes.get(after..limit).unwrap_or_default();
            let opens = rest.trim_ascii_start().first() == Some(&b'{')
                || rest
                    .first()
                    .is_some_and(|first| matches!(first, b'\n' | b'\r'));
            let nested = opens.then(|| attribute(bytes, after, limit)).flatten();
            let value = nested.or_else(|| annotated(bytes, after));
            (value.unwrap_or(after), Operator::Sign)
        }
        _ => (after, Operator::Sign),
    }
}

/// The value without a sign before it, after blanks or in an attribute or an element.
fn unsigned(
    bytes: &[u8],
    start: usize,
    (at, here): (usize, usize),
    closed: bool,
) -> Option<(usize, Operator)> {
    let limit = bytes.len().min(here + GAP);
    let (rest, blanks) = (&bytes[here..limit], here - at);
    let option = start >= 2 && bytes[..start].ends_with(b"-") && flag(bytes, start);
    if blanks > 0 && !closed && option {
        return Some((here, Operator::Sign));
    }
    // Java's and PowerShell's have one sign, `-password x`, and so has much that is none.
    if blanks > 0 && at - start >= LONG_OPTION && bytes[..start].ends_with(b" -") {
        return Some((here, Operator::Said));
    }
    if blanks > 0
        && let Some(length) = copula(rest)
    {
        return Some((here + length, Operator::Prose));
    }
    // `set the password to x`
    if blanks == 1 && !closed && rest.starts_with(b"to ") {
        return Some((here + b"to ".len(), Operator::Said));
    }
    let attribute = attribute(bytes, at, limit)
        .or_else(|| if blanks > 0 { typed(bytes, here) } else { None })
        .or_else(|| declared(bytes, start, at))
        .or_else(|| next_element(bytes, at))
        .or_else(|| property(bytes, at))
        .or_else(|| part_of_form(bytes, start, at))
        .or_else(|| content(bytes, at));
    if let Some(after) = attribute {
        return Some((after, Operator::Sign));
    }
    if blanks == 0
        && let Some(after) = answer(bytes, at)
    {
        return Some((after, Operator::Beside));
    }
    let abroad = rest.first().is_some_and(|first| !first.is_ascii());
    if abroad && let Some(sign) = ABROAD.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
        return Some((here + sign.len(), Operator::Sign));
    }
    match rest.first()? {
        // `setEnv "PASSWORD" "x"`
        b'"' | b'\'' if closed && blanks == 1 => Some((here, Operator::Beside)),
        _ if closed => None,
        b',' | b';' if blanks == 0 => Some((here + 1, Operator::Cell)),
        _ if blanks == 0 => None,
        _ if instructs(bytes, start)
            || bytes[start..].starts_with(b"password ") && in_netrc(bytes, start) =>
        {
            Some((here, Operator::Sign))
        }
        // `PASSWORD 'x'`
        b'"' | b'\'' => Some((here, Operator::Beside)),
        _ => match after_words(bytes, here) {
            Some(after) => Some((after, Operator::Said)),
            None => may_be_cell(bytes, here).then_some((here, Operator::Cell)),
        },
    }
}

/// Whether the next word is as long as a value that nothing but its looks gives away.
fn may_be_cell(bytes: &[u8], at: usize) -> bool {
    let word = bytes.get(at..at + LEAST_IN_COLUMN);
    word.is_some_and(|word| !word.iter().any(u8::is_ascii_whitespace))
}

/// Least length of the name of an option that has one sign: shorter ones are letters, each its own option.
const LONG_OPTION: usize = "password".len();

const fn is_blank(byte: &u8) -> bool {
    matches!(*byte, b' ' | b'\t')
}

/// What a sign after a name says.
enum Sign {
    /// There is none.
    None,
    /// That the name is not given a value here.
    Ends,
    /// `process.env.DB_PASSWORD || 'x'`, `?? 'x'`: what is used otherwise.
    Otherwise,
    /// Its length.
    Takes(usize),
    /// The same of one that gives no value but stands before one: `== "x"`.
    Compared(usize),
}

/// The sign at `here`; before it are as many closing quotes and brackets, and blanks.
fn sign(bytes: &[u8], start: usize, here: usize, (closers, blanks): (usize, usize)) -> Sign {
    match &bytes[here..bytes.len().min(here + 3)] {
        [b'|', b'|', b'=', ..] | [b'?', b'?', b'=', ..] | [b'&', b'&', b'=', ..] => Sign::Takes(3),
        [b'|', b'|', ..] | [b'?', b'?', ..] => Sign::Otherwise,
        // `${DB_PASSWORD:-x}`
        [b':', b'-', ..] if in_expansion(bytes, start) => Sign::Takes(2),
        // `password?: string = 'x'`
        [b'?', b':', ..] if blanks == 0 => Sign::Takes(2),
        [b':' | b'?' | b'+', b'=', ..] | [b'=', b'>', ..] | [b'-', b'>', ..] => Sign::Takes(2),
        [b'=', b'=', ..] => compared(&bytes[here..]),
        // `password:: x`
        [b':', b':', b' '] if closers + blanks == 0 => Sign::Compared(3),
        [b'=', b'~', ..] | [b'!', ..] | [b':', b':', ..] => Sign::Ends,
        [b'=' | b':' | b'|', ..] => Sign::Takes(1),
        // `ENV.fetch("PASSWORD") { "x" }`
        [b'{', b' ', b'"' | b'\'']
            if closers > 1 && blanks == 1 && bytes[..here].ends_with(b") ") =>
        {
            Sign::Takes(2)
        }
        // `user:<password>@host`
        [b'>', b'@', ..] => Sign::None,
        // `std::string password{"x"}`, `setPassword("x")`
        [b'{' | b'(', b'"', ..] if closers + blanks == 0 => Sign::Takes(1),
        // `{password, "x"}`
        [b',', b' ', b'"'] if closers + blanks == 0 && bytes[..start].ends_with(b"{") => {
            Sign::Takes(1)
        }
        [b'>', ..] if closers > 0 && blanks == 0 || opens_element(bytes, start) => Sign::Takes(1),
        [b',', ..] if closers > 0 => Sign::Takes(1),
        [b'%', b'3', b'D' | b'd', ..] => Sign::Takes(3),
        _ => Sign::None,
    }
}

/// `== "x"`, `=== 'x'`: only a literal is a value there.
fn compared(rest: &[u8]) -> Sign {
    let signs = rest.iter().take_while(|byte| **byte == b'=').count();
    match rest.get(signs..signs + 2) {
        Some([b' ', b'"' | b'\'']) if signs <= 3 => Sign::Compared(signs + 1),
        _ => Sign::Ends,
    }
}

/// Words that say what something is, by what they begin with: nearly every word begins otherwise.
fn copula(rest: &[u8]) -> Option<usize> {
    let words: &[&str] = match rest.first()? | 0x20 {
        b'i' => &["is ", "ist "],
        b'a' => &["are "],
        b'l' => &["lautet "],
        b'e' => &["es ", "est ", "er "],
        b'j' => &["jest "],
        0xe3 => &["é ", "è ", "är "],
        0xf1 => &["это "],
        0xe2 => &["— "],
        _ => return None,
    };
    words
        .iter()
        .map(|word| word.as_bytes())
        .find(|word| {
            rest.get(..word.len())
                .is_some_and(|held| held.eq_ignore_ascii_case(word))
        })
        .map(<[u8]>::len)
}

/// Most bytes and words between a name and what says that its value follows: `password for the new database is x`.
const SAID_WITHIN: usize = 40;
const SAID_WORDS: usize = 5;

/// What such words are made of.
static IN_SAID: [bool; 256] = NONE
    .with(b'a', b'z')
    .with(b'A', b'Z')
    .with(0x80, 0xff)
    .table();

/// After some words, and then a word that says what it is, or a colon.
fn after_words(bytes: &[u8], start: usize) -> Option<usize> {
    let limit = bytes.len().min(start + SAID_WITHIN);
    let mut at = start;
    // `password on db-3 is x`: after the name of a host only the word says it.
    let mut plain = true;
    for _ in 0..SAID_WORDS {
        while at < limit && IN_SAID[usize::from(bytes[at])] {
            at += 1;
        }
        if matches!(bytes.get(at), Some(b'0'..=b'9' | b'-' | b'.' | b'_')) {
            let more = bytes[at..limit].iter().take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
            });
            at += more.count();
            plain = false;
            // A full stop ends the sentence.
            if bytes[at - 1] == b'.' {
                return None;
            }
        }
        let rest = &bytes[at..limit];
        if plain && (rest.starts_with(b": ") || rest.starts_with(b":\n```")) {
            return Some(at + 1);
        }
        let rest = rest.strip_prefix(b" ")?;
        at += 1;
        if let Some(length) = copula(rest) {
            return Some(at + length);
        }
    }
    None
}

/// A literal on the next line, as consoles answer: `process.env.X`, `'v'`; `=> "v"`; `Out[3]: 'v'`.
fn answer(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + GAP)];
    let line = rest
        .strip_prefix(b"\r")
        .unwrap_or(rest)
        .strip_prefix(b"\n")?;
    let from = at + rest.len() - line.len();
    let lead = if line.starts_with(b"=> ") {
        b"=> ".len()
    } else if line.starts_with(b"Out[") {
        memchr::memmem::find(&line[..line.len().min(16)], b"]: ")? + b"]: ".len()
    } else {
        0
    };
    matches!(line.get(lead), Some(b'"' | b'\'')).then_some(from + lead)
}

/// What ends an element that holds a name and begins the one that holds its value.
static NEXT_ELEMENTS: [(&str, &str); 6] = [
    ("</key>", "<string>"),
    ("</td>", "<td>"),
    ("</th>", "<td>"),
    ("</dt>", "<dd>"),
    ("</name>", "<value>"),
    ("</Name>", "<Value>"),
];

/// `<key>x</key> <string>v</string>`: the element after one that holds a name.
fn next_element(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + GAP)];
    if !rest.starts_with(b"</") {
        return None;
    }
    NEXT_ELEMENTS.iter().find_map(|(close, open)| {
        let between = rest.strip_prefix(close.as_bytes())?;
        let blanks = between
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        between[blanks..]
            .starts_with(open.as_bytes())
            .then_some(at + close.len() + blanks + open.len())
    })
}

/// `Password { get; set; } = "x"`: what a property is at first.
fn property(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes[at..bytes.len().min(at + GAP)].strip_prefix(b" { get;")?;
    let end = memchr::memmem::find(rest, b"} = \"")?;
    let between = &rest[..end];
    between
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b';'))
        .then_some(at + b" { get;".len() + end + b"} =".len())
}

/// `form-data; name="x"`, an empty line, `v`: a part of a form.
fn part_of_form(bytes: &[u8], start: usize, at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + GAP)];
    if !matches!(rest.first(), Some(b'\r' | b'\n' | b'\\')) {
        return None;
    }
    let line = ["\r\n\r\n", "\n\n", "\\r\\n\\r\\n", "\\n\\n"]
        .iter()
        .find(|line| rest.starts_with(line.as_bytes()))?;
    let before = &bytes[start.saturating_sub(48)..start];
    memchr::memmem::find(before, b"form-data; name=").map(|_| at + line.len())
}

/// `name="x" translatable="false">v`: the content of an element whose attribute the name is.
fn content(bytes: &[u8], at: usize) -> Option<usize> {
    if !matches!(bytes.get(at..at + 1), Some(b" ")) || at == 0 || bytes[at - 1] != b'"' {
        return None;
    }
    let rest = &bytes[at..bytes.len().min(at + GAP)];
    let close = memchr::memchr2(b'>', b'\n', rest)?;
    let attributes = rest[..close].iter().filter(|byte| **byte == b'=').count();
    let quotes = rest[..close].iter().filter(|byte| **byte == b'"').count();
    (rest[close] == b'>'
        && attributes > 0
        && quotes == attributes * 2
        && !rest[..close].contains(&b'<'))
    .then_some(at + close + 1)
}

/// What stands between a name and its value in other languages.
static ABROAD: [&str; 14] = [
    "：", "＝", "は", "是", "为", "為", "을", "를", "은", "는", "「", "『", "“", "«",
];

/// Instructions that give a name a value without a sign between them.
const INSTRUCTIONS: [&str; 9] = [
    "env",
    "arg",
    "set",
    "setx",
    "setenv",
    "fastcgi_param",
    "uwsgi_param",
    "scgi_param",
    "proxy_set_header",
];
/// What they begin with.
const INSTRUCTION_STARTS: ByteSet = starts_of(&INSTRUCTIONS);
const LONGEST_INSTRUCTION: usize = "proxy_set_header".len();

/// Whether the line before the name is an instruction that sets it: `ENV NAME value`, `setx NAME "value"`.
fn instructs(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(96)..start];
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
    // Backwards, because nearly every line fails at once: the name's own beginning, blanks, the instruction, nothing.
    let before = before_run(before, &IN_NAME);
    let blanks = before.iter().rev().take_while(blank).count();
    // `npm config set //host/:_password v`
    if blanks == 0
        && let Some(at) = before.iter().rposition(u8::is_ascii_whitespace)
        && at + 1 < before.len()
    {
        return configures(before[..at].trim_ascii_end());
    }
    let before = &before[..before.len() - blanks];
    let letters = before
        .iter()
        .rev()
        .take(LONGEST_INSTRUCTION + 1)
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_')
        .count();
    let (line, word) = before.split_at(before.len() - letters);
    if configures(before) {
        return true;
    }
    // `set -gx NAME value`, wherever a command may stand.
    if line.ends_with(b"-") && word.contains(&b'x') {
        let command = line[..line.len() - 1].trim_ascii_end();
        let ends = command.strip_suffix(b"set");
        return ends.is_some_and(|rest| rest.last().is_none_or(|byte| !is_part_of_name(*byte)));
    }
    // Nearly every word begins otherwise.
    word.first()
        .is_some_and(|first| INSTRUCTION_STARTS.has(first.to_ascii_lowercase()))
        && INSTRUCTIONS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
        && line
            .iter()
            .rev()
            .find(|byte| !blank(byte))
            .is_none_or(|byte| *byte == b'\n' || begins_string(line))
}

/// Whether a string begins right there: its first line has a quotation mark before it.
fn begins_string(before: &[u8]) -> bool {
    matches!(
        before,
        [
            ..,
            b'=' | b':' | b' ' | b'(' | b'[' | b'{' | b',',
            b'"' | b'\'' | b'`'
        ]
    )
}

/// What a name is made of.
static IN_NAME: [bool; 256] = BASE62.with_all(b"_-.").table();

const fn is_part_of_name(byte: u8) -> bool {
    IN_NAME[byte as usize]
}

/// A text without the run of bytes of a kind that it ends with.
fn before_run<'a>(text: &'a [u8], kind: &[bool; 256]) -> &'a [u8] {
    let mut end = text.len();
    while end > 0 && kind[usize::from(text[end - 1])] {
        end -= 1;
    }
    &text[..end]
}

/// `npm config set NAME value`, `git config --global NAME value`: the line before the name, without its blanks.
fn configures(before: &[u8]) -> bool {
    let last = before
        .rsplit(u8::is_ascii_whitespace)
        .next()
        .unwrap_or(before);
    if !(last == b"set" || last == b"config" || last.starts_with(b"--")) {
        return false;
    }
    let line = memchr::memrchr(b'\n', before).map_or(before, |at| &before[at + 1..]);
    memchr::memmem::find(line, b"config").is_some_and(|at| {
        let after = &line[at + b"config".len()..];
        after.is_empty() && line.ends_with(b"git config")
            || after.starts_with(b" set")
            || after.starts_with(b" --")
    })
}

/// Whether the name that ends before `start`'s word is an element's: `<dbPassword>`.
fn opens_element(bytes: &[u8], start: usize) -> bool {
    let word = bytes[start.saturating_sub(48)..start]
        .iter()
        .rev()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':')
        })
        .count();
    bytes[..start - word].ends_with(b"<")
}

/// Whether the name before `start` is an option: `--db-password`.
pub(super) fn flag(bytes: &[u8], start: usize) -> bool {
    let from = start.saturating_sub(32);
    let word = bytes[from..start]
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
        .map_or(from, |before| from + before + 1);
    bytes[word..start].starts_with(b"--")
}

/// Types that stand between a name and its value, and what a registry says of its values.
static TYPES: [&str; 9] = [
    "string",
    "str",
    "text",
    "varchar",
    "nvarchar",
    "char",
    "securestring",
    "object",
    "any",
];
static REGISTRY_TYPES: [&str; 3] = ["REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ"];

/// `password string = `, `@password nvarchar(50) = `, `NAME    REG_SZ    `: a type before the value, without a sign.
fn typed(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + GAP)];
    // `Const password As String = `
    let said = rest.strip_prefix(b"As ").unwrap_or(rest);
    let (at, rest) = (at + rest.len() - said.len(), said);
    let may = |first: &u8| {
        matches!(
            first | 0x20,
            b's' | b't' | b'v' | b'n' | b'c' | b'o' | b'a' | b'r'
        )
    };
    if !rest.first().is_some_and(may) {
        return None;
    }
    let letters = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'_';
    let word = rest.iter().take_while(letters).count();
    let (kind, tail) = rest.split_at(word);
    if REGISTRY_TYPES.iter().any(|held| held.as_bytes() == kind)
        && matches!(tail.first(), Some(b' ' | b'\t'))
    {
        return Some(at + word);
    }
    if !TYPES
        .iter()
        .any(|held| kind.eq_ignore_ascii_case(held.as_bytes()))
    {
        return None;
    }
    // Of a length: `(50)`.
    let length = match tail.first() {
        Some(b'(') => 1 + tail.iter().position(|byte| *byte == b')')?,
        _ => 0,
    };
    let tail = &tail[length..];
    let blanks = tail.iter().take_while(|byte| is_blank(byte)).count();
    (tail.get(blanks) == Some(&b'=') && tail.get(blanks + 1) != Some(&b'='))
        .then_some(at + word + length + blanks + 1)
}

/// `"--password", type=str, default="x"`: what an option is otherwise; only a literal is a value there.
fn fallback(bytes: &[u8], after: usize) -> Option<usize> {
    /// How far after the name of the option, in bytes.
    const WITHIN: usize = 160;
    let rest = &bytes[after..bytes.len().min(after + WITHIN)];
    let quote = memchr::memchr2(b'"', b'\'', rest)?;
    let before = rest[..quote].trim_ascii_end();
    let name = before.strip_suffix(b"=").or(before.strip_suffix(b":"))?;
    let name = name.trim_ascii_end();
    (name.ends_with(b"default") && memchr::memchr2(b')', b'\n', name).is_none())
        .then_some(after + quote)
}

/// `: string =`: a type between the name and the value.
fn annotated(bytes: &[u8], after: usize) -> Option<usize> {
    let rest = &bytes[after..bytes.len().min(after + 32)];
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let word = rest[blanks..]
        .iter()
        .enumerate()
        .take_while(|(index, byte)| {
            byte.is_ascii_alphanumeric() || **byte == b'_' || *index == 0 && **byte == b'&'
        })
        .count();
    let tail = &rest[blanks + word..];
    let gap = tail.iter().take_while(|byte| **byte == b' ').count();
    // `password: ab=cd`: without a blank it is a type only before a literal.
    let apart = gap > 0 || matches!(tail.get(1), Some(b' ' | b'"' | b'\'' | b'`'));
    (word > 0 && apart && tail.get(gap) == Some(&b'=') && tail.get(gap + 1) != Some(&b'='))
        .then_some(after + blanks + word + gap + 1)
        .or_else(|| widely_annotated(bytes, after))
}

/// `: Final[str] = "x"`, `: str | None = 'x'`, `: &'static str = "x"`: only a literal is a value there.
fn widely_annotated(bytes: &[u8], after: usize) -> Option<usize> {
    let rest = &bytes[after..bytes.len().min(after + GAP)];
    let length = type_length(rest);
    let value = rest.get(length..)?.strip_prefix(b"=")?;
    let value = value.strip_prefix(b" ").unwrap_or(value);
    let first = rest[..length].trim_ascii_start().first()?;
    ((first.is_ascii_alphabetic() || *first == b'&') && matches!(value.first(), Some(b'"' | b'\'')))
        .then_some(after + length + 1)
}

/// How long the type at the start of a text is, with the blank after it: words joined by `|`, what they are of in
/// brackets, a lifetime before them.
fn type_length(text: &[u8]) -> usize {
    let (mut depth, mut lifetime) = (0_usize, false);
    for (at, byte) in text.iter().enumerate() {
        let inner = depth > 0;
        match byte {
            b'[' | b'<' => depth += 1,
            b']' | b'>' if inner => depth -= 1,
            b',' if inner => {}
            b'\'' if at > 0 && text[at - 1] == b'&' => lifetime = true,
            b' ' if inner || at == 0 || text[at - 1] == b'|' => {}
            b' ' if matches!(text.get(at + 1), Some(b'|' | b'=')) => {}
            b' ' if lifetime => lifetime = false,
            b'_' | b'.' | b'?' | b'|' | b'&' => {}
            other if other.is_ascii_alphanumeric() => {}
            _ => return at,
        }
    }
    text.len()
}

/// The literal after `||` or `??`: only a literal is a value there.
fn otherwise(bytes: &[u8], after: usize) -> Option<(usize, Operator)> {
    let blanks = bytes[after..]
        .iter()
        .take(GAP)
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    matches!(bytes.get(after + blanks), Some(b'"' | b'\'' | b'`'))
        .then_some((after + blanks, Operator::Sign))
}

/// Whether the name that ends before `start`'s word stands in `${…`.
fn in_expansion(bytes: &[u8], start: usize) -> bool {
    let word = bytes[start.saturating_sub(48)..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    bytes[..start - word].ends_with(b"${")
}

/// `variable "db_password" { … default = `: what a declaration says is used otherwise.
fn declared(bytes: &[u8], start: usize, at: usize) -> Option<usize> {
    /// How long such a declaration may be before its default, in bytes.
    const LONGEST: usize = 240;
    let rest = &bytes[at..bytes.len().min(at + LONGEST)];
    if rest.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let word = bytes[start.saturating_sub(48)..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    if !bytes[..start - word].ends_with(b"variable \"") {
        return None;
    }
    let body = &rest[..memchr::memchr(b'}', rest).unwrap_or(rest.len())];
    let default = memchr::memmem::find(body, b"default")? + b"default".len();
    let blanks = body[default..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    (body.get(default + blanks) == Some(&b'=')).then_some(at + default + blanks + 1)
}

/// Whether the words before are those of a `.netrc`: `machine … login …`.
fn in_netrc(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(160)..start];
    let mut words = before
        .rsplit(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .skip(1);
    // The first word may stand behind what opens the text: `"machine`, `x='machine`.
    let opens = |word: &[u8], name: &[u8]| {
        let before = word.strip_suffix(name).map(<[u8]>::last);
        before.is_some_and(|last| last.is_none_or(|byte| !byte.is_ascii_alphanumeric()))
    };
    words.next() == Some(b"login")
        && words.next().is_some_and(|word| {
            opens(word, b"default") || words.next().is_some_and(|word| opens(word, b"machine"))
        })
}

/// Options that take the value of what `--name` named.
static VALUE_OPTIONS: [&str; 4] = ["--value ", "--value=", "--body ", "--secret-string "];

/// ` value=`, on the next line `value: `, or `: { "value": `: the value of a named pair, or what it is otherwise; what
/// kind it has may come first.
fn attribute(bytes: &[u8], at: usize, limit: usize) -> Option<usize> {
    // Nearly nothing goes on like that, and it is told from one byte.
    if !bytes.get(at).is_some_and(is_before_member) {
        return None;
    }
    let begins = |option: &&&str| {
        bytes[at..limit]
            .get(1..)
            .is_some_and(|rest| rest.starts_with(option.as_bytes()))
    };
    if bytes[at..limit].starts_with(b" --")
        && let Some(option) = VALUE_OPTIONS.iter().find(begins)
    {
        return Some(at + 1 + option.len());
    }
    let at = after_kind(bytes, at, limit).unwrap_or(at);
    let rest = &bytes[at..bytes.len().min(at + GAP)];
    let blanks = before_member(rest);
    if blanks == 0 {
        return None;
    }
    let name = ["value", "default"]
        .into_iter()
        .find(|name| begins_with(&rest[blanks..], name))?;
    let word = &rest[blanks + name.len()..];
    let closers = word
        .iter()
        .take_while(|byte| matches!(byte, b'"' | b' ' | b'\\' | b'\''))
        .count();
    matches!(word.get(closers), Some(b'=' | b':')).then_some(at + blanks + name.len() + closers + 1)
}

/// The end of the member that comes before the value: `Type: String`, or any other of the same object,
/// `, "secured": false`.
fn after_kind(bytes: &[u8], at: usize, limit: usize) -> Option<usize> {
    let rest = &bytes[at..limit];
    let blanks = before_member(rest);
    let pair = &rest[blanks..];
    let kind = begins_with(pair, "type");
    if blanks == 0 || !kind && rest.first() != Some(&b',') || begins_with(pair, "value") {
        return None;
    }
    let name = pair
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let sign = pair[name..]
        .iter()
        .find(|byte| !matches!(byte, b'"' | b' ' | b'\\'))?;
    // Nearly no name stands there, and none that is given a value.
    if name == 0 || !matches!(sign, b':' | b'=') {
        return None;
    }
    let end = memchr::memchr2(b',', b'\n', pair)?;
    // What a mark stands for was longer, or it was shorter: only the text itself tells what stood behind it.
    (!mark::stands_in(&pair[..end])).then_some(at + blanks + end)
}

/// What stands before the name of a member: blanks, the sign of the one before, quotes and what opens an object.
fn before_member(rest: &[u8]) -> usize {
    rest.iter()
        .take_while(|byte| is_before_member(byte))
        .count()
}

const fn is_before_member(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || matches!(*byte, b',' | b'\\' | b'"' | b'{')
}

/// Whether a text begins with a word, in any case.
fn begins_with(text: &[u8], word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|held| held.eq_ignore_ascii_case(word.as_bytes()))
}
