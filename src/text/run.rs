//! Long runs of base64 or hexadecimal that decode to text.

use super::view::{View, ViewKind};
use crate::rules::alphabet::BASE64URL;
use crate::rules::codec;
use crate::span::ByteSpan;

/// Shortest run worth decoding.
const SHORTEST: usize = 24;
/// Longest run that is decoded; more is data.
const LONGEST: usize = 1 << 20;

static IN_RUN: [bool; 256] = {
    let mut held = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        held[byte] = BASE64URL.has(byte as u8) || byte as u8 == b'+' || byte as u8 == b'/';
        byte += 1;
    }
    held
};

fn in_run(byte: u8) -> bool {
    IN_RUN[usize::from(byte)]
}

/// The run around `at`, over the line breaks of encoders that wrap.
#[must_use]
pub fn around(bytes: &[u8], at: usize, floor: usize) -> Option<ByteSpan> {
    if !bytes
        .get(at..(at + 16).min(bytes.len()))?
        .iter()
        .all(|byte| in_run(*byte))
    {
        return None;
    }
    let start = bytes[floor..at]
        .iter()
        .rposition(|byte| !in_run(*byte))
        .map_or(floor, |before| floor + before + 1);
    let mut end = start;
    loop {
        let line = end;
        while bytes.get(end).is_some_and(|byte| in_run(*byte)) {
            end += 1;
        }
        let wrapped = matches!(end - line, 60 | 64 | 76) && bytes.get(end) == Some(&b'\n');
        if !wrapped || !bytes.get(end + 1).is_some_and(|byte| in_run(*byte)) {
            break;
        }
        end += 1;
    }
    while bytes.get(end) == Some(&b'=') {
        end += 1;
    }
    ByteSpan::new(start, end)
}

/// What a run says, when it is text.
#[must_use]
pub fn decode(bytes: &[u8], span: ByteSpan) -> Option<View> {
    let run = &bytes[span.start()..span.end()];
    if run.len() < SHORTEST || run.len() > LONGEST || is_picture(bytes, span) {
        return None;
    }
    let hexadecimal = || run.len().is_multiple_of(2) && run.iter().all(u8::is_ascii_hexdigit);
    if matches!(run[0], b'0' | b'2'..=b'7')
        && hexadecimal()
        && let Some(text) = codec::hex(run)
        && is_text(&text)
    {
        return Some(View::whole(ViewKind::Hex, text, span));
    }
    // Nearly every long word is seen not to be encoded text by its first letters.
    for four in run[..16].chunks_exact(4) {
        let mut held = 0_u32;
        for byte in four {
            held = held << 6 | u32::from(codec::base64_digit(*byte)?);
        }
        let [_, decoded @ ..] = held.to_be_bytes();
        if !decoded.into_iter().all(is_plain) {
            return None;
        }
    }
    let compact: Vec<u8> = run.iter().copied().filter(|byte| *byte != b'\n').collect();
    let text = codec::base64(&compact)?;
    is_text(&text).then(|| View::whole(ViewKind::Base64, text, span))
}

/// Whether a data address says that no text follows.
fn is_picture(bytes: &[u8], span: ByteSpan) -> bool {
    let before = &bytes[span.start().saturating_sub(32)..span.start()];
    before.ends_with(b";base64,") && memchr::memmem::find(before, b"image/").is_some()
}

fn is_text(bytes: &[u8]) -> bool {
    let odd = bytes.iter().filter(|byte| !is_plain(**byte)).count();
    odd * 20 <= bytes.len()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_text_is_found_whole_also_when_it_is_wrapped() {
        let plain = "export NAME=value-of-some-length; ".repeat(5);
        let encoded = codec::to_base64(plain.as_bytes());
        let wrapped: Vec<String> = encoded
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let text = format!("echo {} | base64 -d", wrapped.join("\n"));
        let span = around(text.as_bytes(), 16, 0).unwrap();
        assert_eq!(span, ByteSpan::new(5, text.len() - 12).unwrap());
        assert_eq!(
            decode(text.as_bytes(), span).unwrap().bytes,
            plain.as_bytes()
        );
        assert!(
            decode(
                b"0123456789abcdef0123456789abcdef",
                ByteSpan::new(0, 32).unwrap()
            )
            .is_none()
        );
    }
}
