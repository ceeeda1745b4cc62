//! Escapes that hide plain characters: percent, `\u0041`, `\x41`, `&#65;`, and string literals that are joined.

use super::view::{View, ViewKind};
use crate::rules::codec::hex_digit;
use crate::span::ByteSpan;

/// How far a view reaches to either side of what called for it, in bytes.
const REACH: usize = 2_048;
/// How much of the line before joined literals their view holds: what they are given to.
const LEAD: usize = 96;

/// One escape at the start of `rest`: what it says, and how long it is.
fn one(kind: ViewKind, rest: &[u8]) -> Option<(u8, usize)> {
    let byte = |at: usize| Some(hex_digit(*rest.get(at)?)? << 4 | hex_digit(*rest.get(at + 1)?)?);
    let (value, length) = match kind {
        ViewKind::Percent if rest.first() == Some(&b'%') => (byte(1)?, 3),
        ViewKind::Escape if rest.starts_with(b"\\u00") => (byte(4)?, 6),
        ViewKind::Escape if rest.starts_with(b"\\x") => (byte(2)?, 4),
        ViewKind::Entity if rest.starts_with(b"&#") => {
            let close = rest.iter().take(8).position(|byte| *byte == b';')?;
            let digits = std::str::from_utf8(&rest[2..close]).ok()?;
            let value = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u8::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            (value, close + 1)
        }
        _ => return None,
    };
    value.is_ascii().then_some((value, length))
}

/// The text around an escape at `at` with its escapes undone, not beyond blanks or `floor`, and where it ends.
#[must_use]
pub fn around(bytes: &[u8], at: usize, floor: usize, kind: ViewKind) -> Option<View> {
    let outside = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'"' || *byte == b'\'';
    let low = at.saturating_sub(64).max(floor).min(at);
    let start = bytes[low..at]
        .iter()
        .rposition(outside)
        .map_or(low, |before| low + before + 1);
    let high = bytes.len().min(at + REACH);
    let end = bytes[at..high]
        .iter()
        .position(outside)
        .map_or(high, |after| at + after);
    let mut view = View::mapped(kind, ByteSpan::new(start, end)?);
    let mut position = start;
    let mut undone = 0;
    while position < end {
        if let Some((value, length)) = one(kind, &bytes[position..end]) {
            view.push(value, position, position + length);
            undone += usize::from(value.is_ascii_alphanumeric());
            position += length;
        } else {
            view.push(bytes[position], position, position + 1);
            position += 1;
        }
    }
    (undone > 0).then_some(view)
}

/// The two string literals around a joint (`" + "`) and those joined to them, as one, with the line before them.
#[must_use]
pub fn joined(bytes: &[u8], joint: ByteSpan, floor: usize) -> Option<View> {
    let quote = bytes[joint.start()];
    let low = joint
        .start()
        .saturating_sub(REACH)
        .max(floor)
        .min(joint.start());
    let start = bytes[low..joint.start()]
        .iter()
        .rposition(|byte| *byte == quote || *byte == b'\n')
        .map_or(low, |before| low + before + 1);
    let high = bytes.len().min(joint.end() + REACH);
    let operator = &bytes[joint.start()..joint.end()];
    let lead = start.saturating_sub(LEAD).max(floor).min(start);
    let lead = bytes[lead..start]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(lead, |before| lead + before + 1);
    let mut view = View::mapped(ViewKind::Joined, ByteSpan::new(lead, high)?);
    for (offset, byte) in bytes[lead..start].iter().enumerate() {
        view.push(*byte, lead + offset, lead + offset + 1);
    }
    let mut position = start;
    while position < high {
        if bytes[position..high].starts_with(operator) {
            position += operator.len();
            continue;
        }
        if bytes[position] == quote || bytes[position] == b'\n' {
            break;
        }
        view.push(bytes[position], position, position + 1);
        position += 1;
    }
    view.source = ByteSpan::new(lead, position)?;
    Some(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_every_byte_knows_where_it_stood() {
        let text = b"x %67ld%74 y";
        let view = around(text, 2, 0, ViewKind::Percent).unwrap();
        assert_eq!(view.bytes, b"gldt");
        assert_eq!(view.original(0, 4), ByteSpan::new(2, 10));
        assert_eq!(view.original(1, 3), ByteSpan::new(5, 7));
        let view = around(b"\"\\u0067\\x6c&\"", 1, 0, ViewKind::Escape).unwrap();
        assert_eq!(view.bytes, b"gl&");
        let view = around(b"&#103;&#x6C;d", 0, 0, ViewKind::Entity).unwrap();
        assert_eq!(view.bytes, b"gld");
        assert!(around(b"100%20more", 3, 0, ViewKind::Percent).is_none());
    }

    #[test]
    fn literals_are_joined() {
        let text = b"k = \"ab\" + \"cd\" + \"ef\";";
        let view = joined(text, ByteSpan::new(7, 12).unwrap(), 0).unwrap();
        assert_eq!(view.bytes, b"k = \"abcdef");
        assert_eq!(view.original(5, 11), ByteSpan::new(5, 21));
    }
}
