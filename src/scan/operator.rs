//! What stands between a name and its value: a sign, a word, the end of a cell, an attribute.

/// How far after a name its value may begin, in bytes.
pub(super) const GAP: usize = 48;

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
    let at = after_name + closers;
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
        Sign::None => unsigned(bytes, start, (at, here), closers > 0),
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
        b',' => match attribute(bytes, at, limit) {
            Some(value) => (value, Operator::Sign),
            None => (after, Operator::Beside),
        },
        b'-' => (after, Operator::Beside),
        b':' => {
            let rest = bytes.get(after..limit).unwrap_or_default();
            let opens = rest.trim_ascii_start().first() == Some(&b'{');
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
    if blanks > 0
        && let Some(length) = copula(rest)
    {
        return Some((here + length, Operator::Prose));
    }
    let attribute = attribute(bytes, at, limit)
        .or_else(|| declared(bytes, start, at))
        .or_else(|| next_element(bytes, at))
        .or_else(|| content(bytes, at));
    if let Some(after) = attribute {
        return Some((after, Operator::Sign));
    }
    let abroad = rest.first().is_some_and(|first| !first.is_ascii());
    if abroad && let Some(sign) = ABROAD.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
        return Some((here + sign.len(), Operator::Sign));
    }
    match rest.first()? {
        _ if closed => None,
        b',' if blanks == 0 => Some((here + 1, Operator::Cell)),
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
            None => Some((here, Operator::Cell)),
        },
    }
}

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
}

/// The sign at `here`; before it are as many closing quotes and brackets, and blanks.
fn sign(bytes: &[u8], start: usize, here: usize, (closers, blanks): (usize, usize)) -> Sign {
    match &bytes[here..bytes.len().min(here + 3)] {
        [b'|', b'|', b'=', ..] | [b'?', b'?', b'=', ..] | [b'&', b'&', b'=', ..] => Sign::Takes(3),
        [b'|', b'|', ..] | [b'?', b'?', ..] => Sign::Otherwise,
        // `${DB_PASSWORD:-x}`
        [b':', b'-', ..] if in_expansion(bytes, start) => Sign::Takes(2),
        [b':' | b'?' | b'+', b'=', ..] | [b'=', b'>', ..] | [b'-', b'>', ..] => Sign::Takes(2),
        [b'=', b'=' | b'~', ..] | [b'!', ..] | [b':', b':', ..] => Sign::Ends,
        [b'=' | b':' | b'|', ..] => Sign::Takes(1),
        [b'>', ..] if closers > 0 && blanks == 0 || opens_element(bytes, start) => Sign::Takes(1),
        [b',', ..] if closers > 0 => Sign::Takes(1),
        [b'%', b'3', b'D' | b'd', ..] => Sign::Takes(3),
        _ => Sign::None,
    }
}

/// Words that say what something is.
static COPULAS: [&str; 12] = [
    "is ", "ist ", "lautet ", "es ", "est ", "é ", "è ", "jest ", "är ", "er ", "это ", "— ",
];

fn copula(rest: &[u8]) -> Option<usize> {
    COPULAS
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

/// After some words, and then a word that says what it is, or a colon.
fn after_words(bytes: &[u8], start: usize) -> Option<usize> {
    let limit = bytes.len().min(start + SAID_WITHIN);
    let mut at = start;
    for _ in 0..SAID_WORDS {
        at += bytes[at..limit]
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
            .count();
        let rest = &bytes[at..limit];
        if rest.starts_with(b": ") {
            return Some(at + 2);
        }
        let rest = rest.strip_prefix(b" ")?;
        at += 1;
        if let Some(length) = copula(rest) {
            return Some(at + length);
        }
    }
    None
}

/// `<key>x</key> <string>v</string>`: the element after one that holds a name.
fn next_element(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes[at..bytes.len().min(at + GAP)].strip_prefix(b"</key>")?;
    let blanks = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let open = b"<string>";
    rest[blanks..]
        .starts_with(open)
        .then_some(at + b"</key>".len() + blanks + open.len())
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
static INSTRUCTIONS: [&str; 9] = [
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
const LONGEST_INSTRUCTION: usize = "proxy_set_header".len();

/// Whether the line before the name is an instruction that sets it: `ENV NAME value`, `setx NAME "value"`.
fn instructs(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(96)..start];
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
    // Backwards, because nearly every line fails at once: the name's own beginning, blanks, the instruction, nothing.
    let own = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        .count();
    let before = &before[..before.len() - own];
    let before = &before[..before.len() - before.iter().rev().take_while(blank).count()];
    let letters = before
        .iter()
        .rev()
        .take(LONGEST_INSTRUCTION + 1)
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_')
        .count();
    let (line, word) = before.split_at(before.len() - letters);
    INSTRUCTIONS
        .iter()
        .map(|known| known.as_bytes())
        .any(|known| word.eq_ignore_ascii_case(known))
        && line
            .iter()
            .rev()
            .find(|byte| !blank(byte))
            .is_none_or(|byte| *byte == b'\n')
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
    (word > 0 && tail.get(gap) == Some(&b'=') && tail.get(gap + 1) != Some(&b'='))
        .then_some(after + blanks + word + gap + 1)
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

/// ` value=`, on the next line `value: `, or `: { "value": `: the value of a named pair.
fn attribute(bytes: &[u8], at: usize, limit: usize) -> Option<usize> {
    let rest = &bytes[at..limit];
    let blanks = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'\\' | b'"' | b'{'))
        .count();
    if blanks == 0 {
        return None;
    }
    let (value, word) = rest[blanks..].split_at_checked(b"value".len())?;
    if !value.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let closers = word
        .iter()
        .take_while(|byte| matches!(byte, b'"' | b' ' | b'\\' | b'\''))
        .count();
    matches!(word.get(closers), Some(b'=' | b':'))
        .then_some(at + blanks + value.len() + closers + 1)
}
