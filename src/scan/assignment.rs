//! Values given to a telling name, in whatever notation: `x=v`, `"x": "v"`, `x: string = 'v'`, `<x>v</x>`,
//! `key="x" value="v"`, `name: x` then `value: v`, `--x v`, `x is v`, a table's cells.

use super::naming;
use super::pass::Pass;
use super::plausible;
use crate::rules::Rule;
use crate::rules::alphabet::{ByteSet, HEX};
use crate::rules::codec;
use crate::rules::rule::Assignment;
use crate::rules::tables::Hit;

/// What a machine makes.
const OPAQUE: ByteSet = crate::rules::alphabet::BASE64URL.with_all(b"+/=.~");
/// Least bits per byte of an opaque value.
const OPAQUE_ENTROPY: f32 = 3.0;
const HEX_ENTROPY: f32 = 2.6;
/// How far after a name its value may begin, in bytes.
const GAP: usize = 48;

/// Longest reference in which another name is looked for.
const LONGEST_REFERENCE: usize = 96;

/// Names of which a part says that the value opens nothing.
static HARMLESS: &[&str] = &[
    "page",
    "next",
    "continuation",
    "cursor",
    "sync",
    "resume",
    "public",
    "cache",
    "sort",
    "partition",
    "primary",
    "foreign",
    "idempotency",
    "invalid",
    "encrypted",
    "sealed",
    "hash",
    "csrf_field",
    "stop",
    "pad",
];

/// The shortest of them.
const LEAST_HARMLESS: usize = 3;

/// What may come between a name and its operator and still leave it the same name.
static SUFFIXES: &[&str] = &[
    "prod",
    "production",
    "dev",
    "test",
    "stage",
    "staging",
    "live",
    "value",
    "text",
    "string",
    "new",
    "old",
    "main",
    "default",
    "raw",
    "plain",
];

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Assignment, hit: Hit) {
    if hit.start < pass.reach(hit.rule) {
        return;
    }
    let Some((start, end, operator)) = value(pass.bytes, hit) else {
        return;
    };
    let text = &pass.bytes[start..end];
    // What is only beside a name may be a name with its own value, and so may a reference: `${PASSWORD:-x}`,
    // `env.PASSWORD || x`.
    let refers = text.len() <= LONGEST_REFERENCE
        && (text.starts_with(b"${") || text.contains(&b'.') && naming::is_name(text));
    if operator != Operator::Cell && !refers {
        pass.looked(hit.rule, end);
    }
    if text.len() < usize::from(form.min) || text.len() > usize::from(form.max) {
        return;
    }
    let bare = !start
        .checked_sub(1)
        .is_some_and(|at| matches!(pass.bytes[at], b'"' | b'\'' | b'`'));
    if plausible::is_placeholder(text)
        || plausible::is_reference(text)
        || is_code(pass.bytes, text, end, bare)
    {
        return;
    }
    let good = match operator {
        // Nothing says that it is a value but its looks.
        Operator::Cell => {
            text.len() >= LEAST_CELL && is_opaque(text) && !is_plain_hex(text)
                || form.password && pass.bytes[start - 1] == b',' && is_made_up(text)
        }
        _ if form.password => is_password(text, bare),
        _ => is_opaque(text) && !plausible::is_digest(pass.bytes, start),
    };
    let good = good
        && !naming::is_typed_number(text)
        && !is_verdict(pass.bytes, hit, text)
        && (form.password || !naming::is_identifier(text))
        // `(password, plaintextSHA256)`, `fn pass() -> OnePass`: what is beside a name without a sign may be another.
        && (operator != Operator::Beside || stands_out(pass.bytes, hit.start, text, bare))
        && (operator != Operator::Cell || !names_another(text))
        && !says_placeholder(text);
    if good && !plausible::in_mark(pass.bytes, hit.start, hit.end) {
        pass.found(hit.rule, rule, (start, end), None);
    }
}

/// The value given to the name at `hit`.
pub(super) fn value(bytes: &[u8], hit: Hit) -> Option<(usize, usize, Operator)> {
    if !name_starts(bytes, hit.start, hit.end) {
        return None;
    }
    let after_name = suffix(bytes, hit.end)?;
    let (mut at, operator) = operator(bytes, after_name, hit.start)?;
    if is_harmless(bytes, hit.start) {
        return None;
    }
    at += bytes[at..]
        .iter()
        .take(GAP)
        .take_while(|byte| **byte == b' ' || **byte == b'\t')
        .count();
    // A prefix of a string literal.
    if matches!(bytes.get(at), Some(b'b' | b'r' | b'f' | b'u'))
        && matches!(bytes.get(at + 1), Some(b'"' | b'\''))
    {
        at += 1;
    }
    let mut escapes = 0;
    while bytes.get(at) == Some(&b'\\') {
        escapes += 1;
        at += 1;
    }
    let quote = match bytes.get(at) {
        Some(quote @ (b'"' | b'\'' | b'`')) => Some(*quote),
        _ if escapes > 0 => return None,
        _ => None,
    };
    if let Some(quote) = quote {
        while bytes.get(at) == Some(&quote) {
            at += 1;
        }
        let end = quoted_end(bytes, at, quote, escapes);
        return (at < end).then_some((at, end, operator));
    }
    if let Some(open) = OPENING
        .iter()
        .find(|open| bytes[at..].starts_with(open.as_bytes()))
    {
        at += open.len();
    }
    let end = bare_end(bytes, at, operator);
    (at < end).then_some((at, end, operator))
}

/// Whether what stands before the name in the same word says that the value opens nothing.
fn is_harmless(bytes: &[u8], start: usize) -> bool {
    let low = start.saturating_sub(32);
    let length = bytes[low..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let own = &bytes[start - length..start];
    let before = &bytes[low..start - length];
    // `Next page token: x`; and the last part of an address of a resource that keeps a secret.
    let paged = before.strip_suffix(b" ").is_some_and(|before| {
        before.len() >= 4 && before[before.len() - 4..].eq_ignore_ascii_case(b"page")
    });
    if paged || length == 0 && before.ends_with(b":") && in_resource_name(bytes, start) {
        return true;
    }
    length >= LEAST_HARMLESS
        && HARMLESS.iter().any(|word| {
            own.windows(word.len())
                .any(|held| held.eq_ignore_ascii_case(word.as_bytes()))
        })
}

/// `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name`
fn in_resource_name(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(96)..start];
    let word = before
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'>' | b'='))
        .map_or(before, |at| &before[at + 1..]);
    word.starts_with(b"arn:")
}

/// Whether the name begins a word: `DB_PASSWORD`, `dbPassword`, `password`, not `compass`.
fn name_starts(bytes: &[u8], start: usize, end: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|at| bytes[at]) else {
        return true;
    };
    let first = bytes[start];
    if before.is_ascii_lowercase() && first.is_ascii_lowercase() {
        // `\npassword=` and lower-case compounds: `dbpassword`, but then the name must be long enough to be one.
        return start >= 2 && bytes[start - 2] == b'\\' || end - start >= 6;
    }
    if before.is_ascii_uppercase() && first.is_ascii_uppercase() {
        return end - start >= 6;
    }
    true
}

/// Where a name ends after an admissible suffix; `None` when it is another name: `password_hash`.
fn suffix(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes[at..]
        .iter()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let rest = &bytes[at..at + length];
    let word = rest
        .strip_prefix(b"_")
        .or(rest.strip_prefix(b"-"))
        .unwrap_or(rest);
    let good = word.iter().all(u8::is_ascii_digit)
        || SUFFIXES
            .iter()
            .any(|suffix| word.eq_ignore_ascii_case(suffix.as_bytes()));
    good.then_some(at + length)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, `:`, `=>`, an attribute, an element, a flag.
    Sign,
    /// `is`, `:` in prose.
    Prose,
    /// `->`, or a comma after quotes or brackets.
    Beside,
    /// A comma, a blank: the next cell of a row, the next word of a sentence.
    Cell,
}

/// The position after the operator that follows a name.
fn operator(bytes: &[u8], after_name: usize, start: usize) -> Option<(usize, Operator)> {
    let limit = bytes.len().min(after_name + GAP);
    let mut at = after_name;
    let closers = bytes[at..limit]
        .iter()
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b'`' | b']' | b')' | b'\\' | b'*'))
        .count();
    at += closers;
    let blanks = bytes[at..limit]
        .iter()
        .take_while(|byte| **byte == b' ' || **byte == b'\t')
        .count();
    let rest = bytes.get(at + blanks..limit)?;
    let here = at + blanks;
    let sign = match rest {
        [b'|', b'|', b'=', ..] | [b'?', b'?', b'=', ..] | [b'&', b'&', b'=', ..] => Some(3),
        // `process.env.DB_PASSWORD || 'x'`, `?? 'x'`: what is used otherwise.
        [b'|', b'|', ..] | [b'?', b'?', ..] => return otherwise(bytes, here + 2),
        // `${DB_PASSWORD:-x}`
        [b':', b'-', ..] if in_expansion(bytes, start) => Some(2),
        [b':' | b'?' | b'+', b'=', ..] | [b'=', b'>', ..] | [b'-', b'>', ..] => Some(2),
        [b'=', b'=' | b'~', ..] | [b'!', ..] => return None,
        [b':', b':', ..] => return None,
        [b'=' | b':' | b'|', ..] => Some(1),
        [b'>', ..] if closers > 0 && blanks == 0 || opens_element(bytes, start) => Some(1),
        [b',', ..] if closers > 0 => Some(1),
        [b'%', b'3', b'D' | b'd', ..] => Some(3),
        _ => None,
    };
    if let Some(length) = sign {
        let after = here + length;
        let arrow = rest.starts_with(b"->");
        // `fn password() -> Type`
        if arrow && bytes[after_name..at].contains(&b')') {
            return None;
        }
        if arrow || rest[0] == b',' {
            return Some((after, Operator::Beside));
        }
        let typed = (rest[0] == b':').then(|| annotated(bytes, after)).flatten();
        return Some((typed.unwrap_or(after), Operator::Sign));
    }
    if blanks > 0
        && closers == 0
        && start >= 2
        && bytes[..start].ends_with(b"-")
        && flag(bytes, start)
    {
        return Some((here, Operator::Sign));
    }
    let is = rest.get(..3);
    if blanks > 0 && is.is_some_and(|held| held.eq_ignore_ascii_case(b"is ")) {
        return Some((here + 3, Operator::Prose));
    }
    let attribute = attribute(bytes, at, limit).or_else(|| declared(bytes, start, at));
    if let Some(after) = attribute {
        return Some((after, Operator::Sign));
    }
    let abroad = rest.first().is_some_and(|first| !first.is_ascii());
    if abroad && let Some(sign) = ABROAD.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
        return Some((here + sign.len(), Operator::Sign));
    }
    match rest.first() {
        Some(b',') if closers == 0 && blanks == 0 => Some((here + 1, Operator::Cell)),
        Some(_)
            if closers == 0
                && blanks > 0
                && (instructs(bytes, start)
                    || bytes[start..].starts_with(b"password ") && in_netrc(bytes, start)) =>
        {
            Some((here, Operator::Sign))
        }
        Some(_) if closers == 0 && blanks == 1 => Some((here, Operator::Cell)),
        _ => None,
    }
}

/// What stands between a name and its value in other languages.
static ABROAD: [&str; 14] = [
    "：", "＝", "は", "是", "为", "為", "을", "를", "은", "는", "「", "『", "“", "«",
];

/// What opens a value where quotation marks are others.
static OPENING: [&str; 4] = ["「", "『", "“", "«"];

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
        .take(8)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let (line, word) = before.split_at(before.len() - letters);
    [b"env".as_slice(), b"arg", b"setx", b"setenv", b"set"]
        .iter()
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
fn flag(bytes: &[u8], start: usize) -> bool {
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

/// ` value=`, or on the next line `value: `: the value of a named pair.
fn attribute(bytes: &[u8], at: usize, limit: usize) -> Option<usize> {
    let rest = &bytes[at..limit];
    let blanks = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'\\' | b'"'))
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

fn quoted_end(bytes: &[u8], start: usize, quote: u8, escapes: usize) -> usize {
    let limit = bytes.len().min(start + 4_096);
    let mut at = start;
    while at < limit {
        match bytes[at] {
            b'\n' => return at,
            byte if byte == quote => return at,
            b'\\' => {
                let run = bytes[at..limit]
                    .iter()
                    .take_while(|byte| **byte == b'\\')
                    .count();
                if escapes > 0 && run <= escapes && bytes.get(at + run) == Some(&quote) {
                    return at;
                }
                if escapes > 0
                    && run <= escapes
                    && matches!(bytes.get(at + run), Some(b'n' | b'r' | b't'))
                {
                    return at;
                }
                at += run + 1;
            }
            _ => at += 1,
        }
    }
    limit
}

fn bare_end(bytes: &[u8], start: usize, operator: Operator) -> usize {
    let limit = bytes.len().min(start + 1_024);
    let mut end = start;
    while end < limit {
        let byte = bytes[end];
        if byte.is_ascii_whitespace()
            || !byte.is_ascii()
            || byte < b' '
            || matches!(
                byte,
                b'"' | b'\''
                    | b'`'
                    | b';'
                    | b','
                    | b'&'
                    | b'<'
                    | b'>'
                    | b'|'
                    | b')'
                    | b'}'
                    | b']'
                    | b'\\'
            )
        {
            break;
        }
        end += 1;
    }
    if operator == Operator::Prose {
        while end > start && matches!(bytes[end - 1], b'.' | b'!' | b'?' | b':') {
            end -= 1;
        }
    } else {
        while end > start && matches!(bytes[end - 1], b'.' | b':') {
            end -= 1;
        }
    }
    end
}

/// Whether a value is an expression, a path, an address or a name.
fn is_code(bytes: &[u8], text: &[u8], end: usize, bare: bool) -> bool {
    if bare && matches!(bytes.get(end), Some(b'(' | b'[')) {
        return true;
    }
    if bare
        && (text.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{'))
            || memchr::memmem::find(text, b"::").is_some()
            || naming::is_constant(text))
    {
        return true;
    }
    if text.starts_with(b"/") && !text.contains(&b'+') && !text.contains(&b'=')
        || text.starts_with(b"./")
        || text.starts_with(b"~/")
        || text.get(1..3) == Some(b":\\")
        || memchr::memmem::find(text, b"://").is_some()
    {
        return text.len() < 40 || text.iter().filter(|byte| **byte == b'/').count() > 2;
    }
    // `form.password.data`: names joined by dots.
    let dotted = text.contains(&b'.')
        && text.split(|byte| *byte == b'.').all(|word| {
            !word.is_empty()
                && word.len() < 32
                && word[0].is_ascii_alphabetic()
                && word
                    .iter()
                    .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        });
    dotted || text.contains(&b' ') && text.split(|byte| *byte == b' ').count() > 4
}

/// Least length of a value that only its looks give away.
const LEAST_CELL: usize = 20;

/// Whether it is a password by its looks alone: letters of both cases and digits, mixed, and no name.
fn is_made_up(text: &[u8]) -> bool {
    text.len() >= 10
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(u8::is_ascii_lowercase)
        && text.iter().any(u8::is_ascii_digit)
        && !naming::is_name(text)
        && !is_algorithm(text)
}

/// Whether what stands beside a name, after a comma or an arrow, is a value: given to an option, or no name and random.
fn stands_out(bytes: &[u8], start: usize, text: &[u8], bare: bool) -> bool {
    !(naming::is_name(text) || bare && naming::is_identifier(text))
        && (flag(bytes, start) || is_made_up(text) || text.len() >= 12 && is_opaque(text))
}

/// `ssl_version=3`: the next argument, with its own name.
fn names_another(text: &[u8]) -> bool {
    text.iter()
        .position(|byte| *byte == b'=')
        .is_some_and(|at| at > 0 && text[at..].iter().any(|byte| *byte != b'='))
}

/// Whether it is base64 of a text that says it stands for a value: `bm90IG15…`, "not my real password".
fn says_placeholder(text: &[u8]) -> bool {
    text.len().is_multiple_of(4)
        && codec::base64(text).is_some_and(|plain| {
            plain
                .iter()
                .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
                && plausible::is_placeholder(&plain)
        })
}

/// Whether it is a hash or an id rather than anything else.
fn is_plain_hex(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

/// Whether the name is the verdict of a test: `PASS: TestLogin/2`, `--- PASS: TestLogin/ipv6+zone`.
fn is_verdict(bytes: &[u8], hit: Hit, text: &[u8]) -> bool {
    let before = &bytes[hit.start.saturating_sub(4)..hit.start];
    let alone = before
        .last()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'));
    alone
        && &bytes[hit.start..hit.end] == b"PASS"
        && (before == b"--- "
            || naming::is_identifier(text)
                && text.iter().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.')
                }))
}

/// Random, of one alphabet, and not a number or a word.
fn is_opaque(text: &[u8]) -> bool {
    if !text.iter().all(|byte| OPAQUE.has(*byte)) {
        return false;
    }
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    if digits == 0 || letters == 0 || naming::is_name(text) {
        return false;
    }
    let body = text
        .strip_suffix(b"==")
        .or(text.strip_suffix(b"="))
        .unwrap_or(text);
    if body.iter().all(|byte| HEX.has(*byte)) {
        return plausible::entropy(body) >= HEX_ENTROPY;
    }
    plausible::entropy(body) >= OPAQUE_ENTROPY
}

/// Chosen by a person: more than a word, less than a sentence.
fn is_password(text: &[u8], bare: bool) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    let symbols = text
        .iter()
        .filter(|byte| byte.is_ascii_punctuation())
        .count();
    if letters == 0 && symbols == 0 || text.contains(&b' ') {
        return false;
    }
    if digits == 0 {
        let marked = text
            .iter()
            .any(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&'));
        let mixed = text.iter().any(u8::is_ascii_uppercase)
            && text.iter().any(u8::is_ascii_lowercase)
            && symbols <= 4;
        return letters >= 4 && marked && (!bare || mixed && text.len() >= 8) || is_jumbled(text);
    }
    letters > 0 && !is_algorithm(text)
}

/// Letters that change case too often to be words: `camelCase` changes it twice in five letters at most.
fn is_jumbled(text: &[u8]) -> bool {
    let changes = text
        .windows(2)
        .filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase())
        .count();
    text.len() >= 10
        && text.iter().all(u8::is_ascii_alphabetic)
        && changes * 5 >= text.len() * 2
        && plausible::entropy(text) >= 3.0
}

/// `sha256WithRSAEncryption`, `aes-256-gcm`, `600000ms`: a setting of how passwords are kept.
fn is_algorithm(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    [
        "sha1", "sha2", "sha5", "sha-", "md5", "aes-", "aes1", "aes2", "hs256", "rs256", "es256",
        "pbkdf2", "scram-", "argon2", "bcrypt", "base64", "utf-8", "ed25519",
    ]
    .iter()
    .any(|name| lower.starts_with(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str, name: &str) -> Option<String> {
        let start = text.find(name)?;
        let hit = Hit {
            rule: 0,
            index: 0,
            start,
            end: start + name.len(),
        };
        value(text.as_bytes(), hit).map(|(start, end, _)| text[start..end].to_owned())
    }

    #[test]
    fn a_value_is_read_whole_in_every_notation_and_not_further() {
        for text in [
            "password=v4lue",
            "PASSWORD: v4lue\n",
            "\"password\": \"v4lue\",",
            "{\\\"password\\\": \\\"v4lue\\\"}",
            "password := 'v4lue'",
            "password: string = \"v4lue\";",
            "os.environ[\"password\"] = \"v4lue\"",
            "<password>v4lue</password>",
            "<x:db_password>v4lue</x:db_password>",
            "<string name=\"password\">v4lue</string>",
            "<add key=\"password\" value=\"v4lue\" />",
            "- name: password\n  value: v4lue\n",
            "| password | v4lue |",
            "--db-password v4lue -v",
            "the password is v4lue. Please",
            "?a=1&password=v4lue&b=2",
            "a=1;password=v4lue;b=2",
            "echo password=v4lue\\n",
            "password=v4lue」です",
            "password => `v4lue`",
            "db_password_prod=v4lue",
            "ENV['password'] ||= 'v4lue'",
            "ENV DB_password v4lue\n",
            "setx password \"v4lue\"",
            "passwordは「v4lue」です",
            "password：v4lue",
            "name,value\nDB_password,v4lue\n",
            "password%3Dv4lue",
        ] {
            let lower = text.replace("PASSWORD", "password");
            assert_eq!(
                given(&lower, "password").as_deref(),
                Some("v4lue"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_that_is_another_or_has_no_value_gives_none() {
        for (text, name) in [
            ("password_hash=v4lue", "password"),
            ("passwords expire", "password"),
            ("password == other", "password"),
            ("if password > v4lue", "password"),
            ("a compass: v4lue", "pass"),
            ("next_page_token=v4lue", "token"),
            ("fn password() -> Another", "password"),
            ("public_key_secret", "secret"),
            ("password", "password"),
            ("password::new(x)", "password"),
        ] {
            assert_eq!(given(text, name), None, "{text}");
        }
    }
}
