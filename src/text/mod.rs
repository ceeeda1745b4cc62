//! Views of a text: what it says once decoded or folded, with every byte mapped back to the original.
//!
//! A view is bounded by what it is made from. Nothing here judges.

pub mod escape;
pub mod fold;
pub mod mark;
pub mod run;
pub mod view;

pub use view::View;

/// The next byte at or after `from` that is not ASCII.
#[must_use]
pub fn next_non_ascii(bytes: &[u8], from: usize) -> Option<usize> {
    let (chunks, rest) = bytes.get(from..)?.as_chunks::<16>();
    let plain = chunks
        .iter()
        .take_while(|chunk| u128::from_ne_bytes(**chunk) & (u128::MAX / 255 * 128) == 0)
        .count();
    let tail = chunks.get(plain).map_or(rest, |chunk| chunk.as_slice());
    let offset = tail.iter().position(|byte| !byte.is_ascii())?;
    Some(from + plain * 16 + offset)
}

/// The next byte at or after `from` that is not ASCII and that `wanted` says is meant.
#[must_use]
pub fn next_of(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = from;
    loop {
        at = next_non_ascii(bytes, at)?;
        // In a text of another script the next byte is none either.
        while let Some(byte) = bytes.get(at).filter(|byte| !byte.is_ascii()) {
            if wanted(*byte) {
                return Some(at);
            }
            at += 1;
        }
    }
}

/// Parts up to this many bytes are looked for without preparing a searcher, in texts that have at most [`SHORT_TEXT`].
const SHORT_PART: usize = 64;
const SHORT_TEXT: usize = 4 * 1024;

/// How much further a part of a text goes so that no row of words and numbers is cut, in bytes.
const ROW: usize = 64;

const fn in_row(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            *byte,
            b' ' | b'-' | b'.' | b'/' | b'+' | b'_' | b'(' | b')' | b'[' | b']' | b':'
        )
}

/// Where the row of words and numbers that is cut at `at` begins, as far as it is looked at and not before `floor`. What
/// is told from a part of a text must not depend on where the part begins.
#[must_use]
pub fn row_start(bytes: &[u8], at: usize, floor: usize) -> usize {
    let before = bytes.get(floor..at).unwrap_or_default().iter().rev();
    at - before.take(ROW).take_while(|byte| in_row(byte)).count()
}

/// Where such a row ends that is cut at `at`.
#[must_use]
pub fn row_end(bytes: &[u8], at: usize) -> usize {
    let after = bytes.get(at..).unwrap_or_default().iter();
    at + after.take(ROW).take_while(|byte| in_row(byte)).count()
}

/// Whether `part` stands in `bytes`, as [`find`] tells.
#[must_use]
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    find(bytes, part).is_some()
}

/// Where `part` stands in `bytes`. For what is short on both sides, where preparing a search costs more than searching.
#[must_use]
pub fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    if part.len() > SHORT_PART || bytes.len() > SHORT_TEXT {
        return memchr::memmem::find(bytes, part);
    }
    let last = bytes.len().checked_sub(part.len())?;
    // Letters that stand everywhere would be looked at again and again.
    let rare = |byte: &u8| !COMMON.contains(byte);
    let anchor = part.iter().position(rare).unwrap_or(0);
    memchr::memchr_iter(part[anchor], &bytes[anchor..=last + anchor])
        .find(|at| bytes[*at..].starts_with(part))
}

/// Appends a word in lower case, as [`str::to_lowercase`] makes it; nothing of one that is not UTF-8.
///
/// Letters of Latin and Cyrillic are told from their bytes: texts of those are read by the word, and each would allocate.
pub fn push_lower(out: &mut Vec<u8>, word: &[u8]) {
    let mut held = [0; LONGEST_LOWER];
    if lower(word, &mut held).is_some() {
        out.extend_from_slice(&held[..word.len()]);
    } else if let Ok(word) = std::str::from_utf8(word) {
        out.extend_from_slice(word.to_lowercase().as_bytes());
    }
}

/// Longest word that is told from its bytes.
const LONGEST_LOWER: usize = 64;

/// Writes a word in lower case if each of its letters is as long then, and known from its bytes.
fn lower(word: &[u8], out: &mut [u8; LONGEST_LOWER]) -> Option<()> {
    let out = out.get_mut(..word.len())?;
    // Nearly always all of it.
    let mut at = 0;
    for (lower, byte) in out.iter_mut().zip(word) {
        if !byte.is_ascii() {
            break;
        }
        *lower = byte.to_ascii_lowercase();
        at += 1;
    }
    while let Some(byte) = word.get(at) {
        if byte.is_ascii() {
            *out.get_mut(at)? = byte.to_ascii_lowercase();
            at += 1;
            continue;
        }
        let next = *word.get(at + 1)?;
        let letter = match (*byte, next) {
            (0xc3, 0x80..=0x96 | 0x98..=0x9e) => [0xc3, next + 0x20],
            (0xd0, 0x80..=0x8f) => [0xd1, next + 0x10],
            (0xd0, 0x90..=0x9f) => [0xd0, next + 0x20],
            (0xd0, 0xa0..=0xaf) => [0xd1, next - 0x20],
            (0xc3, 0x97 | 0x9f..=0xbf) | (0xd0, 0xb0..=0xbf) | (0xd1, 0x80..=0x9f) => [*byte, next],
            _ => return None,
        };
        out.get_mut(at..at + 2)?.copy_from_slice(&letter);
        at += 2;
    }
    Some(())
}

/// What texts are made of most.
const COMMON: &[u8; 16] = b"etaoinsrhldcu /.";

/// Bytes as text, without copying when they are UTF-8.
#[must_use]
pub fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lowered_as_the_standard_library_does_it() {
        let lowered = |word: &[u8]| {
            let mut out = b"x".to_vec();
            push_lower(&mut out, word);
            out
        };
        for letter in ('\0'..='\u{2fff}').chain(['\u{ff21}', '\u{10400}']) {
            for word in [
                format!("{letter}"),
                format!("aΣ{letter}"),
                format!("Я{letter}ÀbΣ"),
            ] {
                assert_eq!(
                    lowered(word.as_bytes()),
                    format!("x{}", word.to_lowercase()).as_bytes(),
                    "{word:?}"
                );
            }
        }
        assert_eq!(lowered(b"a\xc3"), b"x");
        assert_eq!(lowered(b"\xd0\xff"), b"x");
    }

    #[test]
    fn parts_are_found_as_by_a_prepared_search() {
        let texts = ["", "a", "aab", "/home/u/p\nnpm run\n", &"ab".repeat(3_000)];
        let long = "ab".repeat(40);
        for text in texts {
            for part in [
                "",
                "a",
                "ab",
                "b",
                "aab",
                "/p",
                "run\n",
                "\n\n",
                long.as_str(),
            ] {
                assert_eq!(
                    contains(text.as_bytes(), part.as_bytes()),
                    text.contains(part),
                    "{text:.20?} {part:.20?}"
                );
            }
        }
    }
}
