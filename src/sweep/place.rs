//! Places by line and column, as people and editors count them.

use serde::Serialize;

/// A place in a text. Lines end with a line feed; columns count characters (bytes that continue a UTF-8 character do not
/// count, whether the text is valid or not). Both start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

impl Place {
    /// The place after those bytes.
    #[must_use]
    pub fn after(self, bytes: &[u8]) -> Self {
        let characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        match memchr::memrchr(b'\n', bytes) {
            None => Self {
                line: self.line,
                column: self.column + characters(bytes),
            },
            Some(last) => Self {
                line: self.line + memchr::memchr_iter(b'\n', bytes).count(),
                column: 1 + characters(&bytes[last + 1..]),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let place = |text: &str| {
            let Place { line, column } = Place::default().after(text.as_bytes());
            (line, column)
        };
        assert_eq!(place(""), (1, 1));
        assert_eq!(place("ab"), (1, 3));
        assert_eq!(place("ab\n"), (2, 1));
        assert_eq!(place("\r\n\u{e9}\u{1f511}x"), (2, 4));
    }

    #[test]
    fn a_text_in_pieces_leads_to_the_same_place() {
        let text = "one\ntw\u{f6}\n\nthree \u{20ac} four".as_bytes();
        let whole = Place::default().after(text);
        for middle in 0..text.len() {
            let (head, tail) = text.split_at(middle);
            assert_eq!(Place::default().after(head).after(tail), whole, "{middle}");
        }
    }
}
