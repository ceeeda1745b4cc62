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
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            0x08 => b"\\b",
            0x09 => b"\\t",
            0x0a => b"\\n",
            0x0c => b"\\f",
            0x0d => b"\\r",
            0x00..=0x1f => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&bytes[plain..at]);
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
                plain = at + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        out.extend_from_slice(escape);
        plain = at + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
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
    fn canonical_bytes_read_back_as_themselves() {
        for text in ["[]", "{}", "\"\\u001f\"", "[9007199254740991,-1,0.1,true]"] {
            assert_eq!(round(&round(text)), round(text));
        }
    }
}
