//! Unicode tricks undone: compatibility letters and look-alikes become ASCII, invisible characters go.

use super::mark;
use super::view::{View, ViewKind};
use crate::span::ByteSpan;

/// Bytes of plain text kept on either side of what is folded.
const MARGIN: usize = 160;
/// Longest part that is folded at once, in bytes.
const LONGEST: usize = 16 * 1_024;

/// Whether a character takes no room: it can hide in a word.
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// The ASCII character that a compatibility form means.
#[must_use]
pub fn compatibility(character: char) -> Option<u8> {
    let code = character as u32;
    match code {
        0xff01..=0xff5e => Some((code - 0xff01 + 0x21) as u8),
        0x24b6..=0x24cf => Some((code - 0x24b6) as u8 + b'A'),
        0x24d0..=0x24e9 => Some((code - 0x24d0) as u8 + b'a'),
        // Mathematical letters: thirteen alphabets of 52, then digits in five styles.
        0x1d400..=0x1d6a3 => {
            let place = ((code - 0x1d400) % 52) as u8;
            Some(if place < 26 {
                b'A' + place
            } else {
                b'a' + place - 26
            })
        }
        0x1d7ce..=0x1d7ff => Some(b'0' + ((code - 0x1d7ce) % 10) as u8),
        _ => None,
    }
}

/// The first letter of Greek, and what comes after the last one of Cyrillic: two bytes each.
const GREEK: u32 = 0x370;
const AFTER_CYRILLIC: u32 = 0x530;

/// For each letter of theirs the ASCII one that it is mistaken for; 0 for those that look like none.
static LOOKS_LIKE: [u8; (AFTER_CYRILLIC - GREEK) as usize] = {
    const FROM: &str = "асеорхуіјѕһԁԛԝАВЕЅІЈКМНОРСТХУοαρνικτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";
    const TO: &[u8] = b"aceopxyijshdqwABESIJKMHOPCTXYoapviktABEZHIKMNOPTYX";
    let (from, mut table, mut index) = (FROM.as_bytes(), [0; (AFTER_CYRILLIC - GREEK) as usize], 0);
    while index < TO.len() {
        let code = ((from[2 * index] & 0x1f) as usize) << 6 | (from[2 * index + 1] & 0x3f) as usize;
        table[code - GREEK as usize] = TO[index];
        index += 1;
    }
    table
};

/// The ASCII letter that a Cyrillic or Greek one is mistaken for.
#[must_use]
pub fn look_alike(character: char) -> Option<u8> {
    let place = (character as u32).checked_sub(GREEK)?;
    let held = LOOKS_LIKE.get(place as usize)?;
    (*held != 0).then_some(*held)
}

fn at(bytes: &[u8], position: usize) -> Option<(char, usize)> {
    let length = match bytes.get(position)? {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let text = std::str::from_utf8(bytes.get(position..position + length)?).ok()?;
    text.chars().next().map(|character| (character, length))
}

/// Whether the character at `position` makes its surroundings worth folding.
fn calls(bytes: &[u8], position: usize, character: char, length: usize) -> bool {
    let before = position.checked_sub(1).map(|index| bytes[index]);
    let after = bytes.get(position + length).copied();
    if is_invisible(character) {
        let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
        let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80)
            && after
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        // Beside the blank between two groups of digits.
        let ends_group = after == Some(b' ')
            && before.is_some_and(|byte| byte.is_ascii_digit() || byte >= 0x80)
            && digit(position + length + 1);
        let begins_group = before == Some(b' ')
            && after.is_some_and(|byte| byte.is_ascii_digit())
            && position.checked_sub(2).is_some_and(digit);
        return in_word || ends_group || begins_group;
    }
    if compatibility(character).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return true;
    }
    // The neighbours first: in a text of such letters nearly all of them are plain.
    (before.is_some_and(|byte| byte.is_ascii_alphabetic())
        || after.is_some_and(|byte| byte.is_ascii_alphabetic()))
        && look_alike(character).is_some()
}

/// Whether a Greek, Cyrillic, Armenian or Hebrew letter stands here with no Latin one beside it: most of a text in
/// these scripts, told from its bytes.
fn is_plain_pair(bytes: &[u8], position: usize) -> bool {
    let latin = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_alphabetic);
    (0xce..=0xd7).contains(&bytes[position])
        && bytes
            .get(position + 1)
            .is_some_and(|next| matches!(next, 0x80..=0xbf))
        && !latin(position + 2)
        && !position.checked_sub(1).is_some_and(latin)
}

/// Whether a character from U+3000 to U+EFFF stands here: most of a text in Chinese, Japanese or Korean. None of them is
/// invisible, a compatibility form or a look-alike.
fn is_far(bytes: &[u8], position: usize) -> bool {
    matches!(
        bytes.get(position..position + 3),
        Some([0xe3..=0xee, 0x80..=0xbf, 0x80..=0xbf])
    )
}

/// The next part at or after `from` that is worth folding, folded; and where to go on.
#[must_use]
pub fn next(bytes: &[u8], from: usize) -> Option<(View, usize)> {
    let mut position = from;
    let mut part: Option<(usize, usize)> = None;
    while position < bytes.len() {
        if bytes[position].is_ascii() {
            let next = super::next_non_ascii(bytes, position).unwrap_or(bytes.len());
            if part.is_some_and(|(_, end)| next > end + MARGIN) {
                break;
            }
            position = next;
            continue;
        }
        if part.is_some_and(|(start, end)| position > end + MARGIN || position - start > LONGEST) {
            break;
        }
        if is_plain_pair(bytes, position) {
            position += 2;
            continue;
        }
        if is_far(bytes, position) {
            position += 3;
            continue;
        }
        let Some((character, length)) = at(bytes, position) else {
            position += 1;
            continue;
        };
        if calls(bytes, position, character, length) {
            part = Some((part.map_or(position, |(start, _)| start), position + length));
        }
        position += length;
    }
    let (start, end) = part?;
    // What another part showed already is shown again: where this one begins must not depend on what came before.
    let low = super::row_start(bytes, start.saturating_sub(MARGIN), 0);
    let low = mark::whole_from(bytes, low, start);
    let high = super::row_end(bytes, bytes.len().min(end + MARGIN));
    Some((fold(bytes, low, high)?, high.max(end)))
}

/// The part `[start, end)` folded.
#[must_use]
pub fn fold(bytes: &[u8], start: usize, end: usize) -> Option<View> {
    let mut view = View::mapped(ViewKind::Unicode, ByteSpan::new(start, end)?);
    let mut position = start;
    while position < end {
        match at(bytes, position) {
            Some((character, length)) => {
                let to = position + length;
                if let Some(byte) = compatibility(character).or_else(|| look_alike(character)) {
                    view.push(byte, position, to);
                } else if !is_invisible(character) {
                    for byte in &bytes[position..to] {
                        view.push(*byte, position, to);
                    }
                }
                position = to;
            }
            None => {
                view.push(bytes[position], position, position + 1);
                position += 1;
            }
        }
    }
    Some(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_two_scripts_look_like_those_of_ours() {
        let told: String = ('\0'..=char::MAX)
            .filter_map(|held| look_alike(held).map(|byte| format!("{held}{}", char::from(byte))))
            .collect();
        assert_eq!(
            told,
            "ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXαaιiκkνvοoρpτt\
             ЅSІIЈJАAВBЕEКKМMНHОOРPСCТTУYХXаaеeоoрpсcуyхxѕsіiјjһhԁdԛqԝw"
        );
    }

    #[test]
    fn what_is_passed_over_is_nothing_that_is_folded() {
        for character in ('\u{80}'..='\u{10ffff}').filter(|held| !held.is_ascii()) {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            if is_far(bytes, 0) {
                assert!(
                    !is_invisible(character)
                        && compatibility(character).is_none()
                        && look_alike(character).is_none(),
                    "{character:?}"
                );
            }
        }
    }

    #[test]
    fn disguised_words_are_plain_in_the_view_and_keep_their_place() {
        for (text, plain) in [
            ("ｇｈｐ_x", "ghp_x"),
            ("g\u{200b}h\u{200d}p_", "ghp_"),
            ("𝐢𝗀𝓃𝕠𝚛𝖊", "ignore"),
            ("іgnоre", "ignore"),
            ("4111\u{200b} 1111", "4111 1111"),
            ("4111 \u{200b}1111", "4111 1111"),
        ] {
            let (view, end) = next(text.as_bytes(), 0).unwrap();
            assert_eq!(String::from_utf8(view.bytes.clone()).unwrap(), plain);
            assert_eq!(end, text.len());
            assert_eq!(
                view.original(0, view.bytes.len()).unwrap().start(),
                0,
                "{text}"
            );
        }
    }

    #[test]
    fn ordinary_writing_is_not_folded() {
        for text in [
            "می‌خواهم",
            "Привет, мир",
            "ありがとう、世界！",
            "family 👨‍👩‍👧",
            "हिन्दी क्‍ष",
            "naïve café",
        ] {
            assert_eq!(next(text.as_bytes(), 0), None, "{text}");
        }
    }
}
