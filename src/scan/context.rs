//! Values that only a provider's name nearby gives away.

use super::naming;
use super::pass::Pass;
use super::plausible;
use super::token::{self, Checks};
use crate::rules::Rule;
use crate::rules::alphabet::HEX;
use crate::rules::codec;
use crate::rules::rule::Context;
use crate::rules::shape::{Matched, Part, Shape, clean_start};
use crate::rules::tables::Hit;
use crate::rules::verify;

/// How far before the name a word for a credential may stand, in bytes.
const KEY_WORD_BEFORE: usize = 48;

/// Length from which a name may go on in the same word: `datadoghq`, `postmarkapp` are the names of their sites, while
/// a shorter one may begin any word.
const DISTINCT: usize = 7;

/// Words for a credential, lower case; some as they are in other languages.
static KEY_WORDS: &[&str] = &[
    "key",
    "token",
    "secret",
    "pass",
    "pwd",
    "auth",
    "cred",
    "bearer",
    "value",
    "pat",
    "clave",
    "mnemonic",
    "seed",
    "wif",
    // A refusal speaks of what was refused.
    " 401 ",
    " 403 ",
    "unauthori",
    "forbidden",
    // Elsewhere, in ASCII.
    "klucz",
    "chiave",
    "chave",
    "sleutel",
    "nyckel",
    "avain",
    "kulcs",
    "anahtar",
    "jeton",
];

/// The same in other scripts: asked for only where a text is not ASCII.
static KEY_WORDS_ABROAD: &[&str] = &[
    "キー",
    "トークン",
    "秘密",
    "密钥",
    "密鑰",
    "密码",
    "密碼",
    "令牌",
    "凭证",
    "토큰",
    "키",
    "암호",
    "비밀",
    "schlüssel",
    "ключ",
    "токен",
    "пароль",
    "секрет",
    "κλειδί",
    "مفتاح",
    "رمز",
    "كلمة",
    "מפתח",
    "אסימון",
    "कुंजी",
    "टोकन",
    "คีย์",
    "โทเค็น",
    "klíč",
    "nøgle",
    "nøkkel",
    "clé",
    "contraseña",
    "khóa",
];

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Context, hit: Hit) {
    if !is_word(pass.bytes, hit.start, hit.end) {
        return;
    }
    let end = pass.bytes.len().min(hit.end + usize::from(form.within));
    let looked = pass.looked(hit.rule, end);
    let mut at = hit.end.max(looked);
    let least = usize::from(form.least);
    // A value is never broken by the edge of what was looked at before.
    while at < end {
        // Nearly every word of a text is too short to be one: the next blank is in its way, and in that of all behind.
        // The sign that begins a colour is in nobody's way.
        let blank = |byte: &u8| *byte <= b' ' && *byte != 0x1b;
        let known = match pass.unbroken {
            (from, to) if from <= at => to.clamp(at, at + least),
            _ => at,
        };
        let Some(unknown) = pass.bytes.get(known..at + least) else {
            return;
        };
        if let Some(place) = unknown.iter().rposition(blank) {
            at = known + place + 1;
            continue;
        }
        // Up to there no blank stands in the way, of any rule.
        if known > at {
            pass.unbroken.1 = pass.unbroken.1.max(at + least);
        } else {
            pass.unbroken = (at, at + least);
        }
        if !starts_value(pass.bytes, at) {
            at += codec::colour(&pass.bytes[at..]).max(1);
            continue;
        }
        if form.words
            && let Err(next) = verify::words_begin(pass.bytes, at)
        {
            at = next;
            continue;
        }
        if let Some(after) = value_at(pass, rule, form, hit, at) {
            // What follows belongs to another name.
            at = after;
            continue;
        }
        at = next_break(pass.bytes, at, end);
    }
}

/// Whether the letters around do not make another word of it: `cohere` in `coherent`.
fn is_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let (first, last) = (bytes[start], bytes[end - 1]);
    let joins = |left: u8, right: u8| {
        left.is_ascii_lowercase() && right.is_ascii_lowercase()
            || left.is_ascii_uppercase() && right.is_ascii_uppercase()
    };
    if before.is_some_and(|before| joins(before, first)) && !escaped(bytes, start) {
        return false;
    }
    match bytes.get(end) {
        Some(next) if joins(last, *next) && end - start < DISTINCT => {
            // Lower-case compounds: `herokukey`, `datadogtoken`.
            let rest = bytes[end..bytes.len().min(end + 12)].to_ascii_lowercase();
            [
                "api", "key", "token", "secret", "auth", "private", "access", "seed",
            ]
            .iter()
            .any(|word| rest.starts_with(word.as_bytes()))
        }
        _ => true,
    }
}

fn escaped(bytes: &[u8], start: usize) -> bool {
    start >= 2 && bytes[start - 2] == b'\\'
}

fn starts_value(bytes: &[u8], at: usize) -> bool {
    let byte = bytes[at];
    let sign = matches!(byte, b'+' | b'/' | b'_' | b'-');
    // Of a row of signs only the first may be a value's own.
    let row = sign && at > 0 && bytes[at - 1] == byte;
    (byte.is_ascii_alphanumeric() || sign && !row)
        && clean_start(bytes, at, None)
        && (at == 0 || !matches!(bytes[at - 1], b'/' | b'@') || byte == b'/')
}

fn next_break(bytes: &[u8], at: usize, end: usize) -> usize {
    bytes[at..end]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .map_or(end, |offset| (at + offset).max(at + 1))
}

fn value_at(
    pass: &mut Pass<'_>,
    rule: &Rule,
    form: &Context,
    hit: Hit,
    at: usize,
) -> Option<usize> {
    for shape in &form.shapes {
        let Some(matched) = shape.from(pass.bytes, at, false, &mut pass.runs) else {
            continue;
        };
        if !shape.clean_start(pass.bytes, at)
            || is_other_alphabet(pass.bytes, shape, &matched)
            || plausible::is_digest(pass.bytes, at)
            || naming::is_identifier(&pass.bytes[matched.secret_start..matched.secret_end])
        {
            continue;
        }
        if form.key_word && !key_word_near(pass.bytes, hit.start, at) {
            continue;
        }
        let gap = &pass.bytes[hit.end..at];
        if plausible::in_mark(pass.bytes, hit.start, hit.end)
            || names_public_key(gap)
            // The name has its value, and that is masked.
            || memchr::memmem::find(gap, b"***").is_some()
        {
            return None;
        }
        if is_id(pass.bytes, at) || in_list_of_digests(pass.bytes, at, matched.end) {
            continue;
        }
        let end = matched.end;
        if token::keep(pass, rule, hit.rule, shape, &matched, &Checks::from(form)) {
            return Some(end);
        }
    }
    None
}

/// Least length at which a run of hexadecimal digits is no chance of a wider alphabet.
const NEVER_BY_CHANCE: usize = 24;

/// Whether a value of an alphabet of letters is nothing but hexadecimal digits: a digest, an id.
fn is_other_alphabet(bytes: &[u8], shape: &Shape, matched: &Matched) -> bool {
    shape.parts.iter().enumerate().any(|(index, part)| {
        let held = matched.part(bytes, index);
        matches!(part, Part::Run(alphabet, ..) if alphabet.set().count() > 32)
            && held.len() >= NEVER_BY_CHANCE
            && held.iter().all(|byte| HEX.has(*byte))
    })
}

/// `uid: x`, `"account_id": "x"`, `keyId=x`, `--key-id x`: a value with a name that says it is no more than an id.
fn is_id(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[at.saturating_sub(48)..at];
    let closing = |byte: &&u8| matches!(**byte, b' ' | b'"' | b'\'' | b'\\');
    let before = &before[..before.len() - before.iter().rev().take_while(closing).count()];
    let signed = before.strip_suffix(b":").or(before.strip_suffix(b"="));
    // An option takes its value without a sign.
    let option = || {
        let word = before.rsplit(u8::is_ascii_whitespace).next();
        word.is_some_and(|word| word.starts_with(b"--"))
    };
    if signed.is_none() && !option() {
        return false;
    }
    let before = signed.unwrap_or(before);
    let before = &before[..before.len() - before.iter().rev().take_while(closing).count()];
    let length = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        .count();
    let name = &before[before.len() - length..];
    let lower = name.to_ascii_lowercase();
    let (part, camel) = match lower.as_slice() {
        b"id" | b"uid" | b"uuid" | b"guid" => (true, false),
        [.., b'_' | b'-' | b'.', b'i', b'd'] => (true, false),
        [.., b'i', b'd'] => (
            false,
            name.len() > 2 && name[name.len() - 3].is_ascii_lowercase(),
        ),
        _ => (false, false),
    };
    part || camel && name[name.len() - 2] == b'I'
}

/// Whether a value stands in a list of digests: at the start of its line, with two signs and a file's name after it.
fn in_list_of_digests(bytes: &[u8], at: usize, end: usize) -> bool {
    at.checked_sub(1)
        .is_none_or(|before| bytes[before] == b'\n')
        && matches!(bytes.get(end..end + 2), Some(b"  " | b" *"))
}

/// Whether what stands between the name and the value speaks of a public key.
fn names_public_key(gap: &[u8]) -> bool {
    let lower = gap.to_ascii_lowercase();
    memchr::memmem::rfind(&lower, b"public").is_some_and(|at| {
        let rest = &lower[at + b"public".len()..];
        rest.strip_prefix(b"_")
            .or(rest.strip_prefix(b"-"))
            .or(rest.strip_prefix(b" "))
            .unwrap_or(rest)
            .starts_with(b"key")
    })
}

fn key_word_near(bytes: &[u8], word: usize, value: usize) -> bool {
    let window = bytes[word.saturating_sub(KEY_WORD_BEFORE)..value].to_ascii_lowercase();
    let has = |window: &[u8], key: &&str| memchr::memmem::find(window, key.as_bytes()).is_some();
    if KEY_WORDS.iter().any(|key| has(&window, key)) {
        return true;
    }
    // The capital of a sentence's first word is another character there.
    !window.is_ascii() && {
        let window = String::from_utf8_lossy(&window).to_lowercase();
        let has = |key: &&str| has(window.as_bytes(), key);
        KEY_WORDS_ABROAD.iter().any(has)
    }
}
