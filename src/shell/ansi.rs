//! Backslash escapes of `$'..'`, `echo -e` and `printf`.

use crate::text::into_text;

/// Which escapes are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `$'..'`
    Quote,
    /// `echo -e`: octal as `\0nnn`, and `\c` ends the output.
    Echo,
    /// `printf %b`: as `echo -e`, octal without the zero as well.
    Argument,
    /// The format of `printf`: octal as `\nnn`.
    Format,
}

/// Decodes the inside of `$'..'`. Bytes that are no UTF-8 become U+FFFD.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    decode_into(text, Dialect::Quote, &mut bytes);
    // A NUL ends the string.
    if let Some(end) = memchr::memchr(0, &bytes) {
        bytes.truncate(end);
    }
    into_text(bytes)
}

/// Decodes escapes; `true` when `\c` ended the output.
pub fn decode_into(text: &str, dialect: Dialect, into: &mut Vec<u8>) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((&kind, after)) = rest.split_first() else {
            into.push(b'\\');
            return false;
        };
        rest = after;
        match kind {
            b'a' => into.push(7),
            b'b' => into.push(8),
            b'e' | b'E' => into.push(27),
            b'f' => into.push(12),
            b'n' => into.push(b'\n'),
            b'r' => into.push(b'\r'),
            b't' => into.push(b'\t'),
            b'v' => into.push(11),
            b'\\' => into.push(b'\\'),
            b'\'' | b'"' | b'?' if dialect != Dialect::Echo => into.push(kind),
            b'0' if matches!(dialect, Dialect::Echo | Dialect::Argument) => {
                let (value, used) = number(rest, 8, 3);
                rest = &rest[used..];
                into.push((value & 0xff) as u8);
            }
            b'0'..=b'7' if dialect != Dialect::Echo => {
                let (value, used) = number(rest, 8, 2);
                rest = &rest[used..];
                into.push(((u32::from(kind - b'0') << (3 * used) | value) & 0xff) as u8);
            }
            b'x' => {
                let (value, used) = number(rest, 16, 2);
                rest = &rest[used..];
                if used == 0 {
                    into.extend_from_slice(b"\\x");
                } else {
                    into.push((value & 0xff) as u8);
                }
            }
            b'u' | b'U' => {
                let (value, used) = number(rest, 16, if kind == b'u' { 4 } else { 8 });
                rest = &rest[used..];
                match char::from_u32(value) {
                    Some(character) if used > 0 => {
                        into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    _ => into.extend_from_slice(&[b'\\', kind]),
                }
            }
            b'c' if dialect == Dialect::Quote => {
                if let Some((&control, after)) = rest.split_first() {
                    into.push(control & 0x1f);
                    rest = after;
                }
            }
            b'c' => return true,
            _ => into.extend_from_slice(&[b'\\', kind]),
        }
    }
    into.extend_from_slice(rest);
    false
}

/// A number of at most `digits` digits at the start, and how many it has.
fn number(bytes: &[u8], radix: u32, digits: usize) -> (u32, usize) {
    let mut value = 0_u32;
    let mut used = 0;
    for byte in bytes.iter().take(digits) {
        let Some(digit) = char::from(*byte).to_digit(radix) else {
            break;
        };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        used += 1;
    }
    (value, used)
}
