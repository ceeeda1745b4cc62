//! Marks of redaction: `[redacted:rule:tag]`, with or without brackets and tag.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

/// What every mark begins with.
pub const WORD: &[u8] = b"redacted:";
/// Finds the word that every mark begins with.
pub static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(WORD));

/// Finds the last such word.
static LAST: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(WORD));

/// What the names of rules begin with.
const FAMILIES: [&[u8]; 5] = [
    b"secrets.",
    b"pii.",
    b"hidden_text.",
    b"injection.",
    b"exfiltration.",
];
/// Longest name of a rule and longest tag that are read, in bytes.
const LONGEST_NAME: usize = 96;
const LONGEST_TAG: usize = 64;
/// Longest mark, in bytes.
pub const LONGEST: usize = WORD.len() + LONGEST_NAME + LONGEST_TAG + 3;

/// Whether a mark stands in a text, or what may be the beginning of one.
#[must_use]
pub fn stands_in(text: &[u8]) -> bool {
    FINDER.find(text).is_some()
}

const fn in_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
}

/// Whether a mark without brackets would go on with a byte behind it: in its name, or with a tag.
#[must_use]
pub const fn goes_on(byte: u8) -> bool {
    in_name(byte) || byte.is_ascii_hexdigit() || byte == b':'
}

/// Where the name and the tag of the mark end whose word begins at `word`.
#[must_use]
pub fn name_and_tag(bytes: &[u8], word: usize) -> Option<usize> {
    let id = word + WORD.len();
    let length = |from: usize, most: usize, part: fn(&u8) -> bool| {
        let held = bytes[from..].iter().take(most);
        held.take_while(|byte| part(byte)).count()
    };
    let end = id + length(id, LONGEST_NAME, |byte| in_name(*byte));
    let name = &bytes[id..end];
    if !FAMILIES.iter().any(|family| name.starts_with(family)) {
        return None;
    }
    let digits = match bytes.get(end) {
        Some(b':') => length(end + 1, LONGEST_TAG, u8::is_ascii_hexdigit),
        _ => 0,
    };
    Some(if digits > 0 { end + 1 + digits } else { end })
}

/// The mark whose word begins at `word`, with its brackets.
#[must_use]
pub fn at(bytes: &[u8], word: usize) -> Option<Range<usize>> {
    let last = name_and_tag(bytes, word)?;
    let open = word > 0 && bytes[word - 1] == b'[';
    let close = open && bytes.get(last) == Some(&b']');
    Some(word - usize::from(open)..last + usize::from(close))
}

/// The last mark that begins before `place`, and no further before it than so many bytes and the longest mark.
#[must_use]
pub fn last(bytes: &[u8], place: usize, within: usize) -> Option<Range<usize>> {
    let from = place.saturating_sub(within + LONGEST);
    let mut to = place;
    // Nearly nowhere stands any, and forwards that is told faster.
    FINDER.find(&bytes[from..to])?;
    // The word may stand alone behind it.
    while let Some(offset) = LAST.rfind(&bytes[from..to]) {
        to = from + offset;
        if let Some(mark) = at(bytes, to) {
            return Some(mark);
        }
    }
    None
}

/// Where a part of a text that begins at `low` and holds `start` begins when it holds whole marks only.
#[must_use]
pub fn whole_from(bytes: &[u8], low: usize, start: usize) -> usize {
    last(bytes, start.min(low + WORD.len()), 0)
        .filter(|mark| mark.contains(&low))
        .map_or(low, |mark| mark.start)
}

/// A text without its marks, and without one that it ends in.
#[must_use]
pub fn without(text: &[u8]) -> Cow<'_, [u8]> {
    let cut = |word: usize| {
        let ends = text[word + WORD.len()..].iter().all(|byte| in_name(*byte));
        ends.then_some(word..text.len())
    };
    let marks = FINDER
        .find_iter(text)
        .filter_map(|word| at(text, word).or_else(|| cut(word)));
    let mut out = Vec::new();
    let mut from = 0;
    for mark in marks {
        out.extend_from_slice(text.get(from..mark.start).unwrap_or_default());
        from = mark.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&text[from..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mark_is_found_before_what_only_begins_like_one() {
        let text = b"[redacted:pii.email] x [redacted:secrets.b:01]redacted:other redacted: y";
        assert_eq!(last(text, text.len(), 0), Some(23..46));
        assert_eq!(last(text, 23, 0), Some(0..20));
        assert_eq!(last(text, 9, 0), None);
    }

    #[test]
    fn a_part_of_a_text_begins_with_a_whole_mark() {
        let text = b"ab [redacted:secrets.b:01] cd";
        let from = |low| whole_from(text, low, text.len());
        assert_eq!([2, 3, 4, 9, 25, 26].map(from), [2, 3, 3, 3, 3, 26]);
    }

    #[test]
    fn a_text_is_left_without_its_marks() {
        for (text, left) in [
            ("a[redacted:secrets.x]b[redacted:pii.email:0f]c", "abc"),
            ("redacted:secrets.x:0f@h", "@h"),
            ("a redacted:sec", "a "),
            ("a redacted:other b", "a redacted:other b"),
            ("a", "a"),
        ] {
            assert_eq!(without(text.as_bytes()), left.as_bytes(), "{text}");
        }
    }
}
