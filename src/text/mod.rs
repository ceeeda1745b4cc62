//! Views of a text: what it says once decoded or folded, with every byte mapped back to the original.
//!
//! A view is bounded by what it is made from. Nothing here judges.

pub mod escape;
pub mod fold;
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

/// Bytes as text, without copying when they are UTF-8.
#[must_use]
pub fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
