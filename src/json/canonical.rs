//! Canonical JSON bytes (RFC 8785): one value, one byte string, in every language.

use super::value::Value;

/// The canonical bytes of a value.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_canonical(value, &mut out);
    out
}

/// Appends the canonical bytes of a value.
pub fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) if number.unsigned_abs() <= 1 << 53 => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        // RFC 8785 numbers are doubles; an integer beyond 2^53 is written as the double nearest to it.
        Value::Int(number) => write_double(*number as f64, out),
        Value::Float(number) => write_double(*number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut order: Vec<&(String, Value)> = members.iter().collect();
            // Names sort by UTF-16 code units; for ASCII names that is byte order.
            order.sort_unstable_by(|a, b| {
                if a.0.is_ascii() && b.0.is_ascii() {
                    a.0.cmp(&b.0)
                } else {
                    a.0.encode_utf16().cmp(b.0.encode_utf16())
                }
            });
            out.push(b'{');
            for (index, (name, value)) in order.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                write_canonical(value, out);
            }
            out.push(b'}');
        }
    }
}

pub(super) fn write_double(number: f64, out: &mut Vec<u8>) {
    if number == 0.0 {
        out.push(b'0');
        return;
    }
    out.extend_from_slice(ryu_js::Buffer::new().format(number).as_bytes());
}

/// Appends a JSON string with the escapes RFC 8785 prescribes.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = first_escaped(rest) {
        let (plain, after) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else {
            break;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            byte => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte stands that JSON escapes. Eight bytes are looked at together: few texts hold one.
fn first_escaped(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    // Sets the top bit of the first byte that is zero, and of none before it.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let escaped = |word: u64| {
        let control = word.wrapping_sub(ONES * 0x20) & !word & TOPS;
        control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')))
    };
    let mut words = bytes.chunks_exact(8);
    let mut at = 0;
    for eight in words.by_ref() {
        let found = escaped(u64::from_le_bytes(eight.try_into().ok()?));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    // Filled up with what is not escaped.
    let rest = words.remainder();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let found = escaped(u64::from_le_bytes(last));
    (found != 0).then(|| at + found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn round(text: &str) -> String {
        String::from_utf8(canonical(&parse(text.as_bytes()).unwrap())).unwrap()
    }

    #[test]
    fn members_are_sorted_and_white_space_goes() {
        assert_eq!(
            round(r#"{ "b" : [1, 2.50, -0.0, 1e21], "a" : {"\u20ac": "\u0001\n/", "\r": null} }"#),
            "{\"a\":{\"\\r\":null,\"€\":\"\\u0001\\n/\"},\"b\":[1,2.5,0,1e+21]}"
        );
    }

    #[test]
    fn names_sort_by_utf16_code_units_as_the_rfc_example_does() {
        // U+1F600 is a surrogate pair (D83D…) and sorts before U+FB33.
        assert_eq!(
            round("{\"\u{fb33}\":1,\"\u{1f600}\":2}"),
            "{\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn every_byte_that_is_escaped_is_found_wherever_it_stands() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=0x7f_u8 {
                    let mut text = "é".repeat(length).into_bytes();
                    text.truncate(at * 2);
                    text.push(byte);
                    text.extend("\u{7f}~ é".repeat(length).bytes());
                    let escaped = matches!(byte, b'"' | b'\\' | 0..0x20);
                    assert_eq!(first_escaped(&text), escaped.then_some(at * 2), "{byte}");
                }
            }
        }
    }

    #[test]
    fn canonical_bytes_read_back_as_themselves() {
        for text in ["[]", "{}", "\"\\u001f\"", "[9007199254740991,-1,0.1,true]"] {
            assert_eq!(round(&round(text)), round(text));
        }
    }
}
