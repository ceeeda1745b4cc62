//! Decoders: base64, base32, hexadecimal, percent signs, rot13.

use crate::actions::code::value::{Origin, Val};
use crate::actions::code::walk::Args;
use crate::actions::url::percent_decode;
/// Decoders by any of their names.
pub(super) fn decode_call(name: &str, args: &Args) -> Option<Val> {
    let arg = args.pos.first()?;
    let bytes = match name {
        "base64.b64decode"
        | "base64.standard_b64decode"
        | "base64.urlsafe_b64decode"
        | "base64.decodebytes"
        | "binascii.a2b_base64"
        | "atob"
        | "decode_base64"
        | "MIME.Base64.decode_base64"
        | "base64_decode"
        | "Base64.decode64"
        | "Base64.strict_decode64"
        | "Base64.urlsafe_decode64"
        | "base64decode"
        | "base64enc.base64decode"
        | "jsonlite.base64_dec" => base64(arg.exact()?),
        "bytes.fromhex" | "bytearray.fromhex" | "binascii.unhexlify" | "binascii.a2b_hex"
        | "hex2bin" | "hex2bytes" => hex(arg.exact()?),
        "base64.b32decode" => base32(arg.exact()?),
        "base64.b16decode" => hex(arg.exact()?),
        "str_rot13" => Some(rot13(arg.exact()?).into_bytes()),
        "urllib.parse.unquote"
        | "decodeURIComponent"
        | "decodeURI"
        | "unescape"
        | "urldecode"
        | "rawurldecode"
        | "CGI.unescape"
        | "URI.decode_www_form_component" => Some(percent_decode(arg.exact()?)),
        "codecs.decode" | "Buffer.from" => {
            let text = arg.exact()?;
            match args.pos.get(1).and_then(Val::exact).unwrap_or("utf8") {
                "rot13" | "rot_13" => Some(rot13(text).into_bytes()),
                "hex" | "hex_codec" => hex(text),
                "base64" | "base64_codec" | "base64url" => base64(text),
                _ => Some(text.as_bytes().to_vec()),
            }
        }
        "codecs.encode" => match args.pos.get(1).and_then(Val::exact)? {
            "rot13" | "rot_13" => Some(rot13(arg.exact()?).into_bytes()),
            _ => return None,
        },
        _ => return None,
    };
    decoded(bytes, arg)
}

pub(super) fn decoded(bytes: Option<Vec<u8>>, from: &Val) -> Option<Val> {
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => Some(Val::text(text).from(from.origin.clone())),
        // Something is decoded, but not to text: what comes of it cannot be read.
        _ => Some(Val::opaque("").from(Origin::Decoded)),
    }
}

pub(in crate::actions::code) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xFF).unwrap_or(0));
        }
    }
    Some(out)
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u64, 0u32);
    for byte in text.bytes() {
        let digit = match byte.to_ascii_uppercase() {
            upper @ b'A'..=b'Z' => upper - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            b'=' => continue,
            _ => return None,
        };
        bits = (bits << 5) | u64::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xFF).unwrap_or(0));
        }
    }
    Some(out)
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

pub(super) fn rot13(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            'a'..='z' => char::from((character as u8 - b'a' + 13) % 26 + b'a'),
            'A'..='Z' => char::from((character as u8 - b'A' + 13) % 26 + b'A'),
            other => other,
        })
        .collect()
}
