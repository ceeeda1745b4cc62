//! Decoders: base64, base32, hexadecimal.

use crate::text::into_text;

/// `base64`, `base64 -d`.
pub(super) fn base64(arguments: &[&str], input: &str) -> Option<String> {
    match arguments {
        ["-d" | "-D" | "--decode" | "-di" | "-id"]
        | ["-d" | "--decode", "-i"]
        | ["-i", "-d"]
        | ["-d" | "--decode", "-"] => decode(input, 6, base64_digit),
        [] | ["-w0"] | ["-w", "0"] | ["--wrap=0"] => {
            const ALPHABET: &[u8; 64] =
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let encoded = encode64(input.as_bytes(), ALPHABET);
            // Lines are wrapped at 76; longer output is not needed exactly.
            match arguments {
                [] if encoded.len() > 76 => None,
                [] => Some(format!("{encoded}\n")),
                _ => Some(encoded),
            }
        }
        _ => None,
    }
}

fn encode64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut result = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0_u32;
        for index in 0..3 {
            group = group << 8 | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            if index <= chunk.len() {
                let digit = (group >> (18 - 6 * index)) & 63;
                result.push(char::from(alphabet[digit as usize]));
            } else {
                result.push('=');
            }
        }
    }
    result
}

/// `base32 -d`.
pub(super) fn base32(arguments: &[&str], input: &str) -> Option<String> {
    match arguments {
        ["-d" | "-D" | "--decode" | "-di"] => decode(input, 5, |byte| match byte {
            b'A'..=b'Z' => Some(byte - b'A'),
            b'2'..=b'7' => Some(byte - b'2' + 26),
            _ => None,
        }),
        _ => None,
    }
}

/// `openssl base64 -d`, `openssl enc -base64 -d`.
pub(super) fn openssl(arguments: &[&str], input: &str) -> Option<String> {
    let (mode, flags) = arguments.split_first()?;
    let encodes = matches!(*mode, "base64")
        || (*mode == "enc" && flags.iter().any(|flag| matches!(*flag, "-base64" | "-a")));
    let decodes = flags.contains(&"-d");
    let known = flags
        .iter()
        .all(|flag| matches!(*flag, "-d" | "-base64" | "-a" | "-A"));
    if encodes && decodes && known {
        decode(input, 6, base64_digit)
    } else {
        None
    }
}

const fn base64_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Digits of `bits` bits each, up to the padding; what is no digit is left out, as a lenient decoder does.
fn decode(input: &str, bits: u32, digit: impl Fn(u8) -> Option<u8>) -> Option<String> {
    let mut result = Vec::with_capacity(input.len());
    let mut buffer = 0_u32;
    let mut filled = 0;
    for byte in input.bytes() {
        if byte == b'=' {
            // Padding ends one piece; another may follow.
            buffer = 0;
            filled = 0;
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        let Some(value) = digit(byte) else {
            continue;
        };
        buffer = buffer << bits | u32::from(value);
        filled += bits;
        if filled >= 8 {
            filled -= 8;
            result.push(((buffer >> filled) & 0xff) as u8);
            buffer &= (1 << filled) - 1;
        }
    }
    Some(into_text(result))
}

/// `xxd -r -p` and `xxd -p`.
pub(super) fn xxd(arguments: &[&str], input: &str) -> Option<String> {
    match arguments {
        ["-r", "-p"] | ["-p", "-r"] | ["-rp" | "-pr"] | ["-r", "-ps"] | ["-ps", "-r"] => {
            let digits: Vec<u32> = input
                .chars()
                .filter_map(|character| character.to_digit(16))
                .collect();
            let bytes = digits
                .chunks_exact(2)
                .filter_map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok())
                .collect();
            Some(into_text(bytes))
        }
        ["-p" | "-ps"] if input.len() <= 30 => {
            use std::fmt::Write as _;
            let mut result = String::with_capacity(input.len() * 2 + 1);
            for byte in input.bytes() {
                write!(result, "{byte:02x}").ok()?;
            }
            result.push('\n');
            Some(result)
        }
        _ => None,
    }
}
