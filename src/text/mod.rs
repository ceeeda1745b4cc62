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
