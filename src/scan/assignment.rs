//! Values given to a telling name, in whatever notation: `x=v`, `"x": "v"`, `x: string = 'v'`, `<x>v</x>`,
//! `key="x" value="v"`, `name: x` then `value: v`, `--x v`, `x is v`, a table's cells.

use super::pass::Pass;
use super::plausible;
use crate::rules::Rule;
use crate::rules::alphabet::{ByteSet, HEX};
use crate::rules::rule::Assignment;
use crate::rules::tables::Hit;

/// What a machine makes.
const OPAQUE: ByteSet = crate::rules::alphabet::BASE64URL.with_all(b"+/=.~");
/// Least bits per byte of an opaque value.
const OPAQUE_ENTROPY: f32 = 3.0;
const HEX_ENTROPY: f32 = 2.6;
/// How far after a name its value may begin, in bytes.
const GAP: usize = 48;

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

    if operator != Operator::Cell {
        // What is only beside a name may be a name with its own value.
        pass.looked(hit.rule, end);
    }
    let text = &pass.bytes[start..end];
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
        Operator::Cell => text.len() >= LEAST_CELL && is_opaque(text) && !is_plain_hex(text),
        _ if form.password => is_password(text, bare),
        _ => is_opaque(text) && !plausible::is_digest(pass.bytes, start),
    };
    let good = good
        && !is_typed_number(text)
        && !((!form.password || is_verdict(pass.bytes, hit, text)) && is_identifier(text));
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
    let own = bytes[start - length..start].to_ascii_lowercase();
    length > 0
        && HARMLESS
            .iter()
            .any(|word| memchr::memmem::find(&own, word.as_bytes()).is_some())
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
    let rest = bytes[at..at + length].to_ascii_lowercase();
    let word = rest
        .strip_prefix(b"_")
        .or(rest.strip_prefix(b"-"))
        .unwrap_or(&rest);
    let good = word.iter().all(u8::is_ascii_digit)
        || SUFFIXES.iter().any(|suffix| suffix.as_bytes() == word);
    good.then_some(at + length)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, `:`, `=>`, an attribute, an element, a flag.
    Sign,
    /// `is`, `:` in prose.
    Prose,
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
    let lower = rest.to_ascii_lowercase();
    if blanks > 0 && lower.starts_with(b"is ") {
        return Some((here + 3, Operator::Prose));
    }
    if let Some(after) = attribute(bytes, at, limit) {
        return Some((after, Operator::Sign));
    }
    if let Some(sign) = ABROAD.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
        return Some((here + sign.len(), Operator::Sign));
    }
    match rest.first() {
        Some(b',') if closers == 0 && blanks == 0 => Some((here + 1, Operator::Cell)),
        Some(_) if closers == 0 && blanks > 0 && instructs(bytes, start) => {
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
    let low = start.saturating_sub(96);
    let before = &bytes[low..start];
    let line = memchr::memrchr(b'\n', before).map_or(before, |at| &before[at + 1..]);
    let line = line.trim_ascii_start();
    let Some(end) = memchr::memchr2(b' ', b'\t', line) else {
        return false;
    };
    let (word, rest) = line.split_at(end);
    // The name's own beginning may follow, and nothing else.
    [b"env".as_slice(), b"arg", b"setx", b"setenv", b"set"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
        && !rest.trim_ascii_start().contains(&b' ')
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
    let tail = rest[blanks..].to_ascii_lowercase();
    let word = tail.strip_prefix(b"value")?;
    let closers = word
        .iter()
        .take_while(|byte| matches!(byte, b'"' | b' ' | b'\\' | b'\''))
        .count();
    matches!(word.get(closers), Some(b'=' | b':')).then_some(at + blanks + 5 + closers + 1)
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
    if bare && text.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{')) {
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

/// Whether it is a hash or an id rather than anything else.
fn is_plain_hex(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

/// `4097u32`, `0x1Fu64`, `153i32`: a number with its type.
fn is_typed_number(text: &[u8]) -> bool {
    let Some(at) = text
        .iter()
        .rposition(|byte| matches!(byte, b'u' | b'i' | b'f'))
    else {
        return false;
    };
    let (number, kind) = (&text[..at], &text[at + 1..]);
    matches!(kind, b"8" | b"16" | b"32" | b"64" | b"128" | b"size")
        && number.first().is_some_and(u8::is_ascii_digit)
        && number
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'_'))
}

/// Whether the name is the verdict of a test: `PASS: TestLogin/2`.
fn is_verdict(bytes: &[u8], hit: Hit, text: &[u8]) -> bool {
    let alone = hit.start.checked_sub(1).is_none_or(|before| {
        let byte = bytes[before];
        !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.')
    });
    alone
        && &bytes[hit.start..hit.end] == b"PASS"
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.'))
}

/// Whether it is words run together, each with a capital, and perhaps a number: `testRSA2048PrivateKey`, `TestVet/0`.
fn is_identifier(text: &[u8]) -> bool {
    let mut words = 0;
    let mut short = 0;
    let mut at = 0;
    while at < text.len() {
        let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_alphabetic());
        let head = text[at];
        let capitals = text[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_uppercase())
            .count();
        let length = if capitals > 1 {
            capitals
        } else {
            1 + text[at + 1..]
                .iter()
                .take_while(|byte| kind(**byte) == kind(head) && !byte.is_ascii_uppercase())
                .count()
        };
        if head.is_ascii_alphabetic() {
            words += 1;
            short += usize::from(length < 3);
        }
        at += length;
    }
    words >= 2
        && short == 0
        && text[0].is_ascii_alphabetic()
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(u8::is_ascii_lowercase)
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
    if digits == 0 || letters == 0 || is_version_or_name(text) {
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

/// Words with a number among them: `ecdsa-sha2-nistp256`, `aws_secret_v2`, `2026-01-01T00:00`.
fn is_version_or_name(text: &[u8]) -> bool {
    let mut pieces = 0;
    let mut plain = 0;
    for piece in text.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/')) {
        pieces += 1;
        let upper = piece.first().is_some_and(u8::is_ascii_uppercase);
        let letters = piece
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic() && byte.is_ascii_uppercase() == upper)
            .count();
        let rest = &piece[letters..];
        plain += usize::from(rest.len() <= 4 && rest.iter().all(u8::is_ascii_digit));
    }
    pieces == plain
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
        "pbkdf2", "argon2", "bcrypt", "base64", "utf-8", "ed25519",
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
            ("public_key_secret", "secret"),
            ("password", "password"),
            ("password::new(x)", "password"),
        ] {
            assert_eq!(given(text, name), None, "{text}");
        }
    }
}
