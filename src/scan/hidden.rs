//! Characters that a reader does not see, or that mislead; what they spell is scanned as well.
//!
//! Silent on what scripts and emoji need: joiners between letters that join, flags, one selector after a base.

use super::pass::Pass;
use super::views;
use crate::span::ByteSpan;
use crate::text::fold::{is_invisible, look_alike};
use crate::text::next_of;
use crate::text::view::{View, ViewKind};

/// Longest run that is decoded, in characters.
const LONGEST: usize = 16_384;

pub(super) fn run(pass: &mut Pass<'_>) {
    terminal(pass);
    if pass.bytes.is_ascii() {
        return;
    }
    let bytes = pass.bytes;
    let mut base = 0;
    while base < bytes.len() {
        let (text, broken) = valid(&bytes[base..]);
        if !text.is_ascii() {
            spelled(pass, text, base);
            bidi(pass, text, base);
            // Bytes of another encoding now and then look like letters of ours.
            if broken == 0 || text.len() >= 256 {
                words(pass, text, base);
            }
        }
        base += text.len() + broken;
    }
}

/// The text that bytes begin with, and how many bytes that are none come after it. As [`slice::utf8_chunks`] parts them,
/// at a fraction of what that costs where nearly all is ASCII.
fn valid(bytes: &[u8]) -> (&str, usize) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text, 0),
        Err(error) => {
            let (text, rest) = bytes.split_at(error.valid_up_to());
            let broken = error.error_len().unwrap_or(rest.len());
            (std::str::from_utf8(text).unwrap_or_default(), broken)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tag,
    Selector,
    Blank,
}

const fn kind(character: char) -> Option<Kind> {
    match character {
        '\u{e0000}'..='\u{e007f}' => Some(Kind::Tag),
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Some(Kind::Selector),
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}' => {
            Some(Kind::Blank)
        }
        _ => None,
    }
}

/// The next character at or after `from` that may have a [`kind`], told from its first two bytes.
fn next_kind(bytes: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let at = next_of(bytes, from, |byte| {
            matches!(byte, 0xe1 | 0xe2 | 0xef | 0xf3)
        })?;
        if matches!(
            (bytes[at], bytes.get(at + 1)),
            (0xe1, Some(0xa0))
                | (0xe2, Some(0x80 | 0x81))
                | (0xef, Some(0xb8 | 0xbb))
                | (0xf3, Some(0xa0))
        ) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Runs of characters that take no room.
fn spelled(pass: &mut Pass<'_>, text: &str, base: usize) {
    let mut at = 0;
    while let Some(next) = next_kind(text.as_bytes(), at) {
        at = next;
        let Some(character) = text[at..].chars().next() else {
            return;
        };
        let Some(first) = kind(character) else {
            at += character.len_utf8();
            continue;
        };
        // What stands before the run decides whether it is an emoji's.
        let before = text[..at].chars().next_back();
        let length: usize = text[at..]
            .chars()
            .take(LONGEST)
            .take_while(|character| kind(*character) == Some(first))
            .map(char::len_utf8)
            .sum();
        let run = &text[at..at + length];
        let after = text[at + length..].chars().next();
        judge(
            pass,
            first,
            run,
            (before, after),
            (base + at, base + at + length),
        );
        at += length;
    }
}

fn judge(
    pass: &mut Pass<'_>,
    kind: Kind,
    run: &str,
    (before, after): (Option<char>, Option<char>),
    (start, end): (usize, usize),
) {
    let count = run.chars().count();
    match kind {
        Kind::Tag => {
            let flag = before == Some('\u{1f3f4}') && run.ends_with('\u{e007f}') && count <= 8;
            if !flag {
                pass.detected("tags", start, end);
                let plain = run
                    .chars()
                    .filter_map(|character| u8::try_from(character as u32 - 0xe_0000).ok());
                decoded(
                    pass,
                    plain
                        .filter(|byte| byte.is_ascii_graphic() || *byte == b' ')
                        .collect(),
                    start,
                    end,
                );
            }
        }
        // One that is written again and again says nothing: `🛠️️`.
        Kind::Selector
            if count >= 2 && (count >= 8 || !run.chars().all(|held| run.starts_with(held))) =>
        {
            pass.detected("selectors", start, end);
            decoded(
                pass,
                run.chars().filter_map(selector_byte).collect(),
                start,
                end,
            );
        }
        Kind::Selector => {}
        Kind::Blank => {
            let inside = before.is_some_and(|held| held.is_ascii_alphanumeric())
                && after.is_some_and(|held| held.is_ascii_alphanumeric());
            let same = run.chars().all(|held| run.starts_with(held));
            if inside || count >= 4 && !same || count >= 8 {
                pass.detected("zero-width", start, end);
            }
        }
    }
}

/// The byte that a variation selector can carry: 16 in the old block, 240 in the supplement.
fn selector_byte(character: char) -> Option<u8> {
    match character as u32 {
        code @ 0xfe00..=0xfe0f => u8::try_from(code - 0xfe00).ok(),
        code @ 0xe0100..=0xe01ef => u8::try_from(code - 0xe0100 + 16).ok(),
        _ => None,
    }
}

fn decoded(pass: &mut Pass<'_>, bytes: Vec<u8>, start: usize, end: usize) {
    if bytes.len() >= 4
        && let Some(span) = ByteSpan::new(start, end)
    {
        views::scan(pass, &View::whole(ViewKind::Hidden, bytes, span));
    }
}

const fn is_rtl(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Controls of writing direction in lines that have no right-to-left letter, and overrides anywhere.
fn bidi(pass: &mut Pass<'_>, text: &str, base: usize) {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Every control is one of U+2000 to U+2FFF, which begin with this byte.
    while let Some(offset) = memchr::memchr(0xe2, &bytes[at..]) {
        let here = at + offset;
        if !text[here..].starts_with(is_control) {
            at = here + 3;
            continue;
        }
        let start = memchr::memrchr(b'\n', &bytes[..here]).map_or(0, |before| before + 1);
        let end = memchr::memchr(b'\n', &bytes[here..]).map_or(bytes.len(), |after| here + after);
        let line = &text[start..end];
        let mixed = line.chars().any(is_rtl);
        let mut first = None;
        let mut last = 0;
        for (offset, character) in line.char_indices() {
            let forced = matches!(character, '\u{202d}' | '\u{202e}');
            if is_control(character) && (forced || !mixed) {
                first.get_or_insert(offset);
                last = offset + character.len_utf8();
            }
        }
        let shown = line[last..].chars().any(|held| !held.is_whitespace());
        if let Some(first) = first
            // A control with nothing after it turns nothing round.
            && (shown || line[first..last].chars().any(|held| !is_control(held)))
        {
            pass.detected("bidi", base + start + first, base + start + last);
        }
        at = end;
    }
}

const fn is_control(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Where the run of other scripts around `at` ends, when no Latin letter touches it.
fn apart(bytes: &[u8], at: usize) -> Option<usize> {
    const REACH: usize = 256;
    let latin = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let ascii = |byte: &&u8| byte.is_ascii();
    let before = bytes[..at].iter().rev().take(REACH).find(ascii);
    let length = bytes[at..].iter().position(u8::is_ascii);
    let stop = length.map_or(bytes.len(), |length| at + length);
    (!latin(before) && !latin(bytes.get(stop))).then_some(stop)
}

/// As [`char::is_alphabetic`], which searches for what is not ASCII: nearly all that is asked about here are these.
fn is_letter(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' => true,
        '\u{391}'..='\u{3a1}' | '\u{3b1}'..='\u{3c9}' | '\u{410}'..='\u{44f}' => true,
        other => other.is_alphabetic(),
    }
}

/// Words of Latin letters in which some are not.
fn words(pass: &mut Pass<'_>, text: &str, base: usize) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(here) = next_of(bytes, at, |byte| matches!(byte, 0xcd..=0xd4)) {
        if let Some(stop) = apart(bytes, here) {
            at = stop;
            continue;
        }
        let start = text[..here]
            .char_indices()
            .rev()
            .take(64)
            .take_while(|(_, character)| is_letter(*character) || is_invisible(*character))
            .last()
            .map_or(here, |(index, _)| index);
        let length: usize = text[start..]
            .chars()
            .take(128)
            .take_while(|character| is_letter(*character) || is_invisible(*character))
            .map(char::len_utf8)
            .sum();
        let end = (start + length).max(here + 2);
        let Some(word) = text.get(start..end) else {
            at = here + 2;
            continue;
        };
        // `\fIНАЗВА`: the sign of a typeface stands before a word of one script.
        let sign = text[..start].ends_with('\\') && word.starts_with('f');
        let signs = if sign { 2 } else { 0 };
        let latin = word
            .bytes()
            .skip(signs)
            .filter(u8::is_ascii_alphabetic)
            .count();
        at = end;
        if latin < 2 {
            continue;
        }
        let others = || {
            let held = word.chars();
            held.filter(|held| !held.is_ascii_alphabetic() && !is_invisible(*held))
        };
        // `[yYνΝ]`: the letters of a class, not of a word.
        let class = text[..start].ends_with('[') && text[end..].starts_with(']');
        if !class
            && latin + others().count() >= 4
            && others().all(|character| look_alike(character).is_some())
        {
            pass.detected("look-alikes", base + start, base + end);
        }
    }
}

/// Terminal sequences that hide or replace what was printed, or write to the clipboard.
fn terminal(pass: &mut Pass<'_>) {
    let bytes = pass.bytes;
    for at in memchr::memchr_iter(0x1b, bytes) {
        let rest = &bytes[at + 1..bytes.len().min(at + 64)];
        match rest.first() {
            Some(b'[') => {
                let parameters = rest[1..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b'?'))
                    .count();
                let values = &rest[1..=parameters];
                let conceals = rest.get(1 + parameters) == Some(&b'm')
                    && values
                        .split(|byte| *byte == b';')
                        .any(|value| value == b"8");
                let clears =
                    rest.get(1 + parameters) == Some(&b'J') && matches!(values, b"2" | b"3");
                if conceals || clears {
                    pass.detected("terminal", at, at + parameters + 3);
                }
            }
            Some(b']') if rest.starts_with(b"]52;") => pass.detected("terminal", at, at + 5),
            Some(b'P' | b'_' | b'^') => pass.detected("terminal", at, at + 2),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    #[test]
    fn letters_are_told_as_by_the_standard_library() {
        for character in '\0'..='\u{2fff}' {
            assert_eq!(
                is_letter(character),
                character.is_alphabetic(),
                "{character:?}"
            );
        }
    }

    #[test]
    fn what_is_text_is_parted_from_what_is_none_as_by_the_standard_library() {
        let mut dice = Dice(3);
        for _ in 0..4_000 {
            let mut bytes = Vec::new();
            for _ in 0..24 {
                let parts: [&[u8]; 8] = [
                    b"a",
                    b"plain text ",
                    "\u{e9}".as_bytes(),
                    "\u{20ac}".as_bytes(),
                    "\u{1f3f4}".as_bytes(),
                    b"\xe2\x82",
                    b"\xff",
                    b"\xf0\x9f",
                ];
                bytes.extend_from_slice(parts[dice.below(parts.len())]);
            }
            let mut at = 0;
            for chunk in bytes.utf8_chunks() {
                let (text, broken) = valid(&bytes[at..]);
                assert_eq!((text, broken), (chunk.valid(), chunk.invalid().len()));
                at += text.len() + broken;
            }
            assert_eq!(at, bytes.len());
        }
    }

    #[test]
    fn every_character_that_takes_no_room_is_met_and_hardly_another() {
        let mut others = 0;
        for character in '\u{80}'..='\u{10ffff}' {
            let text = format!("a\u{e9}{character}");
            let met = next_kind(text.as_bytes(), 0) == Some(3);
            assert!(met || kind(character).is_none(), "{character:?}");
            others += usize::from(met && kind(character).is_none());
        }
        // Punctuation, half a block of Mongolian, and what is beside the byte order mark.
        assert!(others < 5_000, "{others}");
    }
}
