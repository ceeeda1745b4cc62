//! Values that only a provider's name nearby gives away.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::mark;
use super::naming;
use super::pass::Pass;
use super::plausible;
use super::token::{self, Checks};
use crate::rules::Rule;
use crate::rules::alphabet::{BASE62, HEX};
use crate::rules::codec;
use crate::rules::compile::ends_name;
use crate::rules::mnemonic::Begun;
use crate::rules::rule::Context;
use crate::rules::shape::{Matched, Part, Shape, clean_start};
use crate::rules::tables::Hit;
use crate::text::find;

/// How far before the name a word for a credential may stand, in bytes.
const KEY_WORD_BEFORE: usize = 48;

/// Length from which a name may go on in the same word: `datadoghq`, `postmarkapp` are the names of their sites, while
/// a shorter one may begin any word.
const DISTINCT: usize = 7;

/// How far ahead a text without blanks is read at once, in bytes.
const AHEAD: usize = 64;

/// Longest end of an escape that is made of letters and digits, and what it begins with, in bytes.
const LONGEST_ESCAPE: usize = codec::LONGEST_COLOUR + 2;

/// Words for a credential, lower case; some as they are in other languages.
const KEY_WORDS: &[&str] = &[
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

/// The longest of them.
const LONGEST_KEY_WORD: usize = "unauthori".len();

/// For each byte, which of the words have it first, and which have it second.
static KEY_WORDS_BY: [[u32; 256]; 2] = {
    let mut by = [[0; 256]; 2];
    let mut index = 0;
    while index < KEY_WORDS.len() {
        let word = KEY_WORDS[index].as_bytes();
        by[0][word[0] as usize] |= 1 << index;
        by[1][word[1] as usize] |= 1 << index;
        index += 1;
    }
    by
};

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
    if !is_word(pass.bytes, hit.start, hit.end) || !ends_name(pass.bytes, hit.start, hit.end, false)
    {
        return;
    }
    let end = pass.bytes.len().min(hit.end + usize::from(form.within));
    let looked = pass.looked(hit.rule, end);
    let mut at = hit.end.max(looked);
    let least = usize::from(form.least);
    let mut near = Near::new(hit, end);
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
        if known < at + least {
            // Up to there no blank stands in the way, of any rule; what is ahead is read at once.
            let ahead = pass.bytes[at + least..].iter().take(AHEAD);
            let to = at + least + ahead.take_while(|byte| !blank(byte)).count();
            let from = if known > at { pass.unbroken.0 } else { at };
            pass.unbroken = (from, to);
        }
        let free = (pass.unbroken.1 + 1 - least).clamp(at + 1, end);
        at = next_start(pass.bytes, at, free);
        if at >= free {
            continue;
        }
        let begun = if form.words {
            match words_begin(pass, &mut near, at) {
                Ok(begun) => Some(begun),
                Err(next) => {
                    at = next;
                    continue;
                }
            }
        } else {
            None
        };
        at = match value_at(pass, rule, form, (hit.rule, at, begun), &mut near) {
            // What follows belongs to another name.
            Tried::Kept(after) => after,
            Tried::Refused => next_break(pass.bytes, at, end),
            Tried::Hopeless => return,
        };
    }
}

/// The words at a place that may be a recovery phrase.
///
/// # Errors
/// The next place at which one may begin.
fn words_begin(pass: &mut Pass<'_>, near: &mut Near, at: usize) -> Result<Begun, usize> {
    let begun = pass.row.begins(pass.bytes, at)?;
    if near.hopeless(pass.bytes) <= at {
        return Err(pass.bytes.len());
    }
    let from = at.max(pass.row.plain);
    let (mut next, mut place) = (at, from);
    for word in pass.bytes[from..begun.end.max(from)].split(|byte| *byte == b' ') {
        place += word.len();
        // No phrase that holds a word that stands for another is one.
        if plausible::says_placeholder(word) {
            next = place;
        }
        place += 1;
    }
    pass.row.plain = begun.end.max(from);
    if next > at {
        return Err(next);
    }
    if near.names_public_key(pass.bytes, at) {
        let words = &pass.bytes[at..begun.end];
        return Err(at + words.iter().position(|byte| *byte == b' ').unwrap_or(1));
    }
    Ok(begun)
}

/// What became of a place where a value may begin.
enum Tried {
    /// A value, with its end.
    Kept(usize),
    /// None.
    Refused,
    /// None, nor anywhere behind it.
    Hopeless,
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

/// The next place at which a value may begin, before `end`.
fn next_start(bytes: &[u8], mut at: usize, end: usize) -> usize {
    while at < end {
        let byte = bytes[at];
        at += match byte {
            0x1b | b'\\' => codec::colour(&bytes[at..]).max(1),
            _ if !MAY_START[usize::from(byte)] => 1,
            _ if starts_value(bytes, at) => return at,
            _ if in_word(bytes, at) => next_break(bytes, at, end) - at,
            _ => 1,
        };
    }
    at
}

/// What a value may begin with.
static MAY_START: [bool; 256] = BASE62.with_all(b"+/_-").table();

/// Whether a place where nothing begins is in a word in which nothing does: before its first letter stands nothing that
/// an escape or a colour may be written with.
fn in_word(bytes: &[u8], at: usize) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric();
    if !part(&bytes[at]) {
        return false;
    }
    let before = &bytes[at.saturating_sub(LONGEST_ESCAPE)..at];
    let lead = before.iter().rev().find(|byte| !part(byte));
    lead.is_none_or(|lead| !matches!(lead, b'\\' | b'%' | b'=' | b'[' | b';'))
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
    (index, at, begun): (usize, usize, Option<Begun>),
    near: &mut Near,
) -> Tried {
    for shape in &form.shapes {
        // Words, and a blank between two.
        let words = shape.parts.len().div_ceil(2) as u32;
        if begun.is_some_and(|begun| begun.counts.checked_shr(words).unwrap_or(0) & 1 == 0) {
            continue;
        }
        let Some(matched) = shape.from(pass.bytes, at, false, &mut pass.runs) else {
            continue;
        };
        // Words in a row are no digest and no identifier. What is asked once for all of them comes first.
        if !shape.clean_start(pass.bytes, at)
            || form.key_word && near.key_word(pass.bytes, &mut pass.no_key_word) > at
            || begun.is_none()
                && (is_other_alphabet(pass.bytes, shape, &matched)
                    || plausible::is_digest(pass.bytes, at)
                    || naming::is_identifier(&pass.bytes[matched.secret_start..matched.secret_end]))
        {
            continue;
        }
        if near.hopeless(pass.bytes) <= at {
            return Tried::Hopeless;
        }
        if near.names_public_key(pass.bytes, at) {
            return Tried::Refused;
        }
        if is_id(pass.bytes, at) || in_list_of_digests(pass.bytes, at, matched.end) {
            continue;
        }
        let end = matched.end;
        if token::keep(
            pass,
            rule,
            index,
            shape,
            &matched,
            &Checks::named(form, near.name.0),
        ) {
            return Tried::Kept(end);
        }
    }
    Tried::Refused
}

/// What stands near a name, looked for at most once for all values that may be its own.
struct Near {
    /// The name, and how far after it a value may begin.
    name: (usize, usize),
    end: usize,
    /// Where the first word for a credential ends.
    key_word: Option<usize>,
    /// From where on nothing is its value.
    hopeless: Option<usize>,
    /// Where each `public` stands, and where the `key` after it ends.
    public: Option<Vec<(usize, usize)>>,
}

impl Near {
    fn new(hit: Hit, end: usize) -> Self {
        Self {
            name: (hit.start, hit.end),
            end,
            key_word: None,
            hopeless: None,
            public: None,
        }
    }

    /// `none` is a range in which no such word stands, as far as that is known.
    fn key_word(&mut self, bytes: &[u8], none: &mut Range<usize>) -> usize {
        let (name, end) = (self.name.0, self.end);
        *self
            .key_word
            .get_or_insert_with(|| first_key_word(bytes, name, end, none))
    }

    /// After a mark of redaction that is the name, and after a value that is masked.
    fn hopeless(&mut self, bytes: &[u8]) -> usize {
        let ((start, name_end), end) = (self.name, self.end);
        *self.hopeless.get_or_insert_with(|| {
            if mark::holds(bytes, start, name_end) {
                return 0;
            }
            find(&bytes[name_end..end], b"***")
                .map_or(usize::MAX, |at| name_end + at + b"***".len())
        })
    }

    /// Whether what stands between the name and the value speaks of a public key.
    fn names_public_key(&mut self, bytes: &[u8], value: usize) -> bool {
        let ((_, name_end), end) = (self.name, self.end);
        let public = self
            .public
            .get_or_insert_with(|| public_keys(&bytes[name_end..end], name_end));
        public
            .iter()
            .rev()
            .find(|(at, _)| at + b"public".len() <= value)
            .is_some_and(|(_, key)| *key <= value)
    }
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

static PUBLIC: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"public"));

/// Where each `public` in a text stands, and where a `key` after it ends; the text itself stands at `base`.
fn public_keys(text: &[u8], base: usize) -> Vec<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    PUBLIC
        .find_iter(&lower)
        .map(|at| {
            let after = at + b"public".len();
            let joint = matches!(lower.get(after), Some(b'_' | b'-' | b' '));
            let key = after + usize::from(joint);
            let named = lower[key..].starts_with(b"key");
            (
                base + at,
                if named {
                    base + key + b"key".len()
                } else {
                    usize::MAX
                },
            )
        })
        .collect()
}

/// Where the first word for a credential ends that begins at most so far before the name, with no mark between, and ends
/// before `end`; `usize::MAX` where there is none. What is around names that follow one another is looked through once:
/// `none` is a range of ASCII in which no such word stands.
fn first_key_word(bytes: &[u8], name: usize, end: usize, none: &mut Range<usize>) -> usize {
    let low = name.saturating_sub(KEY_WORD_BEFORE);
    let low =
        mark::last(bytes, name, KEY_WORD_BEFORE).map_or(low, |mark| mark.end.clamp(low, name));
    let follows = (none.start..=none.end).contains(&low);
    if follows && end <= none.end {
        return usize::MAX;
    }
    // A word may begin before the edge of what is known.
    let from = match follows {
        true => none.end.saturating_sub(LONGEST_KEY_WORD).max(low),
        false => low,
    };
    let rest = bytes[from..end].to_ascii_lowercase();
    if rest.is_ascii() {
        let plain = first_end(&rest).map_or(usize::MAX, |at| from + at);
        if plain == usize::MAX {
            *none = if follows { none.start..end } else { low..end };
        }
        return plain;
    }
    let window = bytes[low..end].to_ascii_lowercase();
    let plain = first_end(&window).map_or(usize::MAX, |at| low + at);
    plain.min(first_abroad(&window).map_or(usize::MAX, |at| low + at))
}

/// Where the word for a credential ends that ends first in a text in lower case.
fn first_end(window: &[u8]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (at, pair) in window.windows(2).enumerate() {
        // No word that begins here ends before it.
        if best.is_some_and(|best| at >= best) {
            break;
        }
        let [firsts, seconds] = &KEY_WORDS_BY;
        let mut held = firsts[usize::from(pair[0])] & seconds[usize::from(pair[1])];
        while held != 0 {
            let word = KEY_WORDS[held.trailing_zeros() as usize].as_bytes();
            held &= held - 1;
            if window[at..].starts_with(word) {
                let end = at + word.len();
                best = Some(best.map_or(end, |best| best.min(end)));
            }
        }
    }
    best
}

/// The same of words in other scripts; the capital of a sentence's first word is another character there.
fn first_abroad(window: &[u8]) -> Option<usize> {
    let mut lower = String::with_capacity(window.len());
    // For each byte of it, where what it was made of ends in the window.
    let mut ends = Vec::with_capacity(window.len());
    let mut at = 0;
    for chunk in window.utf8_chunks() {
        for held in chunk.valid().chars() {
            at += held.len_utf8();
            lower.extend(held.to_lowercase());
            ends.resize(lower.len(), at);
        }
        if !chunk.invalid().is_empty() {
            at += chunk.invalid().len();
            lower.push(char::REPLACEMENT_CHARACTER);
            ends.resize(lower.len(), at);
        }
    }
    let found = KEY_WORDS_ABROAD.iter().filter_map(|word| {
        memchr::memmem::find(lower.as_bytes(), word.as_bytes()).map(|at| at + word.len())
    });
    found.min().and_then(|last| ends.get(last - 1).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Surface;

    #[test]
    fn the_first_word_for_a_credential_is_found_with_its_end_in_any_script() {
        let first_key_word =
            |bytes: &[u8], name, end| first_key_word(bytes, name, end, &mut (0..0));
        let place = |text: &str| first_key_word(text.as_bytes(), 4, text.len());
        assert_eq!(place("acme x api KEY y token"), 14);
        assert_eq!(place("acme x api y"), usize::MAX);
        // As long as they are here, whatever stands before them and whatever capitals they have.
        assert_eq!(place("acme Ключ"), 13);
        assert_eq!(place("acme \u{130} Ключ"), 16);
        assert_eq!(place("acme \u{130} Schlüssel key"), 18);
        let broken = [b"acme \xff ".as_slice(), "Ключ".as_bytes()].concat();
        assert_eq!(first_key_word(&broken, 4, broken.len()), 15);
        let long = format!("key {}acme x", "-".repeat(KEY_WORD_BEFORE));
        let name = long.len() - 6;
        assert_eq!(
            first_key_word(long.as_bytes(), name, long.len()),
            usize::MAX
        );
    }

    #[test]
    fn what_was_looked_through_before_says_the_same_about_words_for_credentials() {
        assert_eq!(
            KEY_WORDS.iter().map(|word| word.len()).max(),
            Some(LONGEST_KEY_WORD)
        );
        for word in ["unauthori", "key", "ключ", "x"] {
            for place in 200..260 {
                let mut text = "acme ".repeat(80);
                text.replace_range(place..place, &format!(" {word} "));
                let bytes = text.as_bytes();
                let mut none = 0..0;
                for (name, _) in text.match_indices("acme") {
                    let end = bytes.len().min(name + 90);
                    assert_eq!(
                        first_key_word(bytes, name, end, &mut none),
                        first_key_word(bytes, name, end, &mut (0..0)),
                        "{word} {place} {name}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_found_beside_a_short_name_does_not_depend_on_its_place() {
        let hex = "9d61b19deffd5a60ba844af492ec2cc4";
        for (text, held) in [
            (format!("seKEYn {hex}-{}-{}", &hex[..8], &hex[8..16]), false),
            (format!("KEY: {hex}-{}-{}", &hex[..8], &hex[8..16]), true),
            (String::from("pwd</key><string>975ad0f1"), true),
            (String::from("pwd?: string = \"975ad0f1\""), true),
            (String::from("pwd\u{ff1a}975ad0f1"), true),
            (String::from("private key v8Kd02mQzA7xW1LbN5=3D"), false),
        ] {
            for blanks in 0..4 {
                let text = format!("{}{text}", " ".repeat(blanks));
                let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
                assert_eq!(!found.is_empty(), held, "{text}");
            }
        }
    }

    #[test]
    fn only_the_last_public_before_a_value_makes_its_key_public() {
        let text = b"x public_key A public B public key C";
        let mut near = Near::new(
            Hit {
                rule: 0,
                index: 0,
                start: 0,
                end: 1,
            },
            text.len(),
        );
        let at = |value: u8| text.iter().position(|byte| *byte == value);
        let told: Vec<bool> = [b'A', b'B', b'C']
            .into_iter()
            .filter_map(at)
            .map(|value| near.names_public_key(text, value))
            .collect();
        assert_eq!(told, [true, false, true]);
    }
}
