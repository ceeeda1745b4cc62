//! Decoders for what tokens carry: base64, base32, base58, bech32, hexadecimal. Total: `None` for what is not one.

/// Decodes base64 in either alphabet, with or without padding.
#[must_use]
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.trim_ascii_end();
    let end = body
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    let mut out = Vec::with_capacity(end / 4 * 3 + 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in &body[..end] {
        held = held << 6 | u32::from(base64_digit(*byte)?);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    (end % 4 != 1).then_some(out)
}

/// The value of a base64 digit in either alphabet.
#[must_use]
pub const fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Encodes base64 with the usual alphabet and padding.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        for index in 0..4 {
            if index <= chunk.len() {
                out.push(char::from(DIGITS[(word >> (18 - 6 * index) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Decodes RFC 4648 base32 without padding.
#[must_use]
pub fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        held = held << 5 | u32::from(digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}

/// Encodes RFC 4648 base32 without padding.
#[must_use]
pub fn to_base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(DIGITS[(held >> bits & 31) as usize]));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        out.push(char::from(DIGITS[(held << (5 - bits) & 31) as usize]));
    }
    out
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Decodes base58 of at most 256 digits.
#[must_use]
pub fn base58(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > 256 {
        return None;
    }
    // Lowest byte first while it grows.
    let mut number: Vec<u8> = Vec::new();
    for byte in text {
        let mut carry = BASE58.iter().position(|digit| digit == byte)? as u32;
        for held in &mut number {
            carry += u32::from(*held) * 58;
            *held = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            number.push(carry as u8);
            carry >>= 8;
        }
    }
    let zeros = text.iter().take_while(|byte| **byte == b'1').count();
    number.extend(std::iter::repeat_n(0, zeros));
    number.reverse();
    Some(number)
}

/// Encodes base58.
#[must_use]
pub fn to_base58(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for held in &mut digits {
            carry += u32::from(*held) << 8;
            *held = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    digits.extend(std::iter::repeat_n(0, zeros));
    digits
        .iter()
        .rev()
        .map(|digit| char::from(BASE58[usize::from(*digit)]))
        .collect()
}

/// The five-bit values of bech32 characters, lower case.
#[must_use]
pub fn bech32_values(text: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    text.iter()
        .map(|byte| {
            DIGITS
                .iter()
                .position(|digit| *digit == byte.to_ascii_lowercase())
                .map(|index| index as u8)
        })
        .collect()
}

/// Decodes an even number of hexadecimal digits.
#[must_use]
pub fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?))
        .collect()
}

/// The value of a hexadecimal digit.
#[must_use]
pub const fn hex_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => return None,
    })
}

/// What begins a sequence of a terminal: the character, and how JSON, shells and C write it.
static ESCAPE_SIGNS: [&[u8]; 6] = [b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\033", b"\\e"];
/// Longest list of numbers of a colour: `38;2;255;255;255`.
pub const LONGEST_COLOUR: usize = 18;

/// How long the colour at the start of a text is (ECMA-48, SGR and EL), also where it is written as an escape; 0 when
/// none is there.
#[must_use]
pub fn colour(text: &[u8]) -> usize {
    if !matches!(text.first(), Some(0x1b | b'\\')) {
        return 0;
    }
    let Some(sign) = ESCAPE_SIGNS.iter().find(|sign| text.starts_with(sign)) else {
        return 0;
    };
    let rest = &text[sign.len()..];
    if rest.first() != Some(&b'[') {
        return 0;
    }
    let numbers = rest[1..]
        .iter()
        .take(LONGEST_COLOUR)
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    match rest.get(1 + numbers) {
        Some(b'm' | b'K') => sign.len() + numbers + 2,
        _ => 0,
    }
}

/// How long the colours at the start of a text are together.
#[must_use]
pub fn colours(text: &[u8]) -> usize {
    /// Most that stand in a row: bold, foreground, background.
    const MOST: usize = 4;
    let mut length = 0;
    for _ in 0..MOST {
        match colour(&text[length..]) {
            0 => break,
            one => length += one,
        }
    }
    length
}

/// Whether a text ends with a colour.
#[must_use]
pub fn ends_with_colour(text: &[u8]) -> bool {
    if !matches!(text.last(), Some(b'm' | b'K')) {
        return false;
    }
    let low = text.len().saturating_sub(LONGEST_COLOUR + 2);
    text[low..]
        .iter()
        .rposition(|byte| *byte == b'[')
        .is_some_and(|open| {
            ESCAPE_SIGNS.iter().any(|sign| {
                text[..low + open].ends_with(sign)
                    && colour(&text[low + open - sign.len()..]) + low + open - sign.len()
                        == text.len()
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_published_vectors_hold() {
        // RFC 4648, section 10.
        for (plain, b64, b32) in [("f", "Zg==", "MY"), ("foobar", "Zm9vYmFy", "MZXW6YTBOI")] {
            assert_eq!(to_base64(plain.as_bytes()), b64);
            assert_eq!(base64(b64.as_bytes()).unwrap(), plain.as_bytes());
            assert_eq!(to_base32(plain.as_bytes()), b32);
            assert_eq!(base32(b32.as_bytes()).unwrap(), plain.as_bytes());
        }
        let bytes = [0, 0, 1, 250, 3];
        assert_eq!(base58(to_base58(&bytes).as_bytes()).unwrap(), bytes);
        assert_eq!(hex(b"00Ff").unwrap(), [0, 255]);
        assert_eq!(base64(b"a b"), None);
    }

    #[test]
    fn colours_are_seen_whole_in_every_dress_and_nothing_else_is() {
        for sign in ["\u{1b}", "\\u001b", "\\x1b", "\\033", "\\e"] {
            for rest in ["[0m", "[1;33m", "[K", "[38;2;255;10;10m"] {
                let text = format!("{sign}{rest}");
                assert_eq!(colour(text.as_bytes()), text.len(), "{text:?}");
                assert_eq!(colours(format!("{text}{text}x").as_bytes()), text.len() * 2);
                assert!(ends_with_colour(format!("x={text}").as_bytes()), "{text:?}");
            }
        }
        for other in [
            "",
            "[0m",
            "\\n[0m",
            "\u{1b}[2J",
            "\u{1b}[1;2;3;4;5;6;7;8;9;0m",
            "a[m",
        ] {
            assert_eq!(colour(other.as_bytes()), 0, "{other:?}");
            assert!(!ends_with_colour(other.as_bytes()), "{other:?}");
        }
    }
}
