//! Long runs of base64 or hexadecimal that decode to text.

use super::view::{View, ViewKind};
use crate::rules::alphabet::BASE64URL;
use crate::rules::codec;
use crate::span::ByteSpan;

/// Shortest run worth decoding.
const SHORTEST: usize = 24;
/// Longest run that is decoded; more is data.
const LONGEST: usize = 1 << 20;

static IN_RUN: [bool; 256] = BASE64URL.with_all(b"+/").table();

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
    let (mut plain, mut wide) = (true, true);
    for (index, four) in run[..16].chunks_exact(4).enumerate() {
        let mut held = 0_u32;
        for byte in four {
            held = held << 6 | u32::from(codec::base64_digit(*byte)?);
        }
        let [_, decoded @ ..] = held.to_be_bytes();
        plain &= decoded.into_iter().all(is_plain);
        let low = |at: usize| (index * 3 + at).is_multiple_of(2);
        wide &= (0..3).all(|at| {
            if low(at) {
                is_plain(decoded[at])
            } else {
                decoded[at] == 0
            }
        });
        if !plain && !wide {
            return None;
        }
    }
    let compact: Vec<u8> = run.iter().copied().filter(|byte| *byte != b'\n').collect();
    let mut text = codec::base64(&compact)?;
    if wide {
        text = narrow(&text)?;
    }
    is_text(&text).then(|| View::whole(ViewKind::Base64, text, span))
}

/// The ASCII of a text in UTF-16, lower byte first, as PowerShell takes its commands (`-EncodedCommand`).
fn narrow(wide: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = wide.as_chunks::<2>();
    // What is not ASCII stands for itself by a sign that is in no token.
    let low = |pair: &[u8; 2]| if pair[1] == 0 { pair[0] } else { b' ' };
    rest.is_empty().then(|| pairs.iter().map(low).collect())
}

/// Whether a data address says that no text follows.
fn is_picture(bytes: &[u8], span: ByteSpan) -> bool {
    let before = &bytes[span.start().saturating_sub(32)..span.start()];
    before.ends_with(b";base64,") && memchr::memmem::find(before, b"image/").is_some()
}

/// Whether nothing but text was decoded, to the last byte.
#[must_use]
pub fn is_plain_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_plain(*byte))
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
    fn what_powershell_takes_for_a_command_is_read() {
        let plain = "$env:NAME = 'value-of-some-length'";
        let wide: Vec<u8> = plain.bytes().flat_map(|byte| [byte, 0]).collect();
        let encoded = codec::to_base64(&wide);
        let text = format!("powershell -enc {encoded} -NoProfile");
        let span = around(text.as_bytes(), 32, 0).unwrap();
        let view = decode(text.as_bytes(), span).unwrap();
        assert_eq!(view.bytes, plain.as_bytes());
        assert_eq!(view.original(5, 9), ByteSpan::new(16, 16 + encoded.len()));
    }

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
