//! Reading JSON from outside: whatever is wrong gets a kind, a sentence and a position.

use std::borrow::Cow;
use std::fmt;

use super::value::{DUPLICATE, Value};

/// Deepest nesting that is read; deeper input is an error, not a crash.
pub const MAX_DEPTH: usize = 127;

/// What was wrong with a text that should have been JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonErrorKind {
    /// Nothing but white space.
    Empty,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// Not JSON (also `NaN`, comments, trailing commas).
    Syntax,
    /// Ends in the middle of a value.
    Truncated,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// A number beyond the range of a double.
    NumberOutOfRange,
    /// An object names a member twice: two readers would see two calls.
    DuplicateName,
}

impl JsonErrorKind {
    /// Stable name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "input_empty",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Syntax => "json_syntax",
            Self::Truncated => "json_truncated",
            Self::TooDeep => "json_too_deep",
            Self::NumberOutOfRange => "json_number_out_of_range",
            Self::DuplicateName => "json_duplicate_name",
        }
    }
}

/// A text that is not JSON as we accept it. The message never quotes the text: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// For programs.
    pub kind: JsonErrorKind,
    /// Line, from 1; 0 when unknown.
    pub line: usize,
    /// Column in bytes, from 1; 0 when unknown.
    pub column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            JsonErrorKind::Empty => "the input is empty",
            JsonErrorKind::InvalidUtf8 => "the input is not UTF-8",
            JsonErrorKind::Syntax => "the input is not JSON",
            JsonErrorKind::Truncated => "the input ends in the middle of a JSON value",
            JsonErrorKind::TooDeep => "the JSON is nested more than 127 levels deep",
            JsonErrorKind::NumberOutOfRange => "a number is beyond the range of a double",
            JsonErrorKind::DuplicateName => "an object names the same member twice",
        };
        out.write_str(what)?;
        if self.line > 0 {
            write!(out, ", at line {} column {}", self.line, self.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for JsonError {}

/// Reads one JSON value and nothing after it but white space. A leading byte order mark is skipped.
///
/// # Errors
/// [`JsonError`] with the first thing that is wrong.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(JsonError {
            kind: JsonErrorKind::Empty,
            line: 0,
            column: 0,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        JsonError {
            kind: JsonErrorKind::InvalidUtf8,
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: before.len() - line_start + 1,
        }
    })?;
    serde_json::from_str(text).map_err(|error| JsonError {
        kind: kind_of(&error),
        line: error.line(),
        column: error.column(),
    })
}

/// As [`parse`], but unpaired surrogate escapes (`\ud800`), which JSON allows and UTF-8 cannot hold, are read
/// as U+FFFD, so that such input is judged instead of refused. The flag says whether there was one.
///
/// # Errors
/// As [`parse`].
pub fn parse_repaired(bytes: &[u8]) -> Result<(Value, bool), JsonError> {
    match replace_lone_surrogates(bytes) {
        Cow::Borrowed(bytes) => parse(bytes).map(|value| (value, false)),
        Cow::Owned(bytes) => parse(&bytes).map(|value| (value, true)),
    }
}

fn kind_of(error: &serde_json::Error) -> JsonErrorKind {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => JsonErrorKind::Truncated,
        Category::Data => JsonErrorKind::DuplicateName,
        Category::Io | Category::Syntax => {
            // serde_json gives these two no code of their own; a test holds the words.
            let said = error.to_string();
            if said.starts_with("recursion limit exceeded") {
                JsonErrorKind::TooDeep
            } else if said.starts_with("number out of range") {
                JsonErrorKind::NumberOutOfRange
            } else if said.starts_with(DUPLICATE) {
                JsonErrorKind::DuplicateName
            } else {
                JsonErrorKind::Syntax
            }
        }
    }
}

/// Replaces unpaired `\uD800`–`\uDFFF` escapes by `\uFFFD`, which has the same length.
fn replace_lone_surrogates(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut fixed: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        match surrogate_at(bytes, at) {
            Some(Half::High) if surrogate_at(bytes, at + 6) == Some(Half::Low) => at += 12,
            Some(_) => {
                fixed.get_or_insert_with(|| bytes.to_vec())[at..at + 6].copy_from_slice(b"\\ufffd");
                at += 6;
            }
            // An escape is two bytes at least; skipping both keeps `\\ud800` (a backslash and letters) as it is.
            None => at = (at + 2).min(bytes.len()),
        }
    }
    fixed.map_or(Cow::Borrowed(bytes), Cow::Owned)
}

#[derive(PartialEq, Eq)]
enum Half {
    High,
    Low,
}

fn surrogate_at(bytes: &[u8], at: usize) -> Option<Half> {
    let escape = bytes.get(at..at + 6)?;
    if &escape[..2] != b"\\u" {
        return None;
    }
    let digits = std::str::from_utf8(&escape[2..]).ok()?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Half::High),
        0xDC00..=0xDFFF => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &[u8]) -> JsonErrorKind {
        parse(text).expect_err("must be refused").kind
    }

    #[test]
    fn each_kind_has_an_example() {
        assert_eq!(kind(b" \n"), JsonErrorKind::Empty);
        assert_eq!(kind(b"{\"a\":\"\xff\"}"), JsonErrorKind::InvalidUtf8);
        assert_eq!(kind(b"{\"a\": NaN}"), JsonErrorKind::Syntax);
        assert_eq!(kind(b"{\"a\": [1"), JsonErrorKind::Truncated);
        assert_eq!(kind("[".repeat(10_000).as_bytes()), JsonErrorKind::TooDeep);
        assert_eq!(kind(b"[1e999]"), JsonErrorKind::NumberOutOfRange);
        assert_eq!(kind(b"{\"a\":1,\"a\":2}"), JsonErrorKind::DuplicateName);
        assert_eq!(
            kind(b"{\"a\":1,\"\\u0061\":2}"),
            JsonErrorKind::DuplicateName
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse(b"\xef\xbb\xbf1"), Ok(Value::Int(1)));
    }

    #[test]
    fn lone_surrogates_become_replacement_characters_and_pairs_stay() {
        let (value, repaired) = parse_repaired(br#"["\ud800x","\ud83d\ude00","\\ud800"]"#).unwrap();
        assert!(repaired);
        assert_eq!(
            value,
            Value::Array(vec!["\u{fffd}x".into(), "😀".into(), "\\ud800".into()])
        );
        assert_eq!(parse_repaired(b"[]"), Ok((Value::Array(vec![]), false)));
    }

    #[test]
    fn messages_never_quote_the_input() {
        let error = parse(b"{\"token\": hunter2}").expect_err("not JSON");
        assert_eq!(
            error.to_string(),
            "the input is not JSON, at line 1 column 11"
        );
    }
}
