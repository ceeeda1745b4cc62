//! String literals: quotes, escapes, interpolation.

use super::{
    Escapes, Interpolation, Lexer, Part, Style, Text, Tok, Token, Usage, closing, is_ident,
    is_ident_start,
};
use crate::actions::code::Language;

impl Lexer<'_> {
    /// A token of text that stands in the source unchanged.
    pub(super) fn verbatim(&mut self, start: usize, from: usize, to: usize, usage: Usage) {
        let part = Part::Plain(self.text.get(from..to).unwrap_or("").to_owned(), Some(from));
        self.push(
            Tok::Text(Text {
                parts: vec![part],
                usage,
            }),
            start,
        );
    }

    pub(super) fn quoted(&mut self, quote: u8) {
        let start = self.at;
        let triple = matches!(self.language, Language::Python | Language::Julia)
            && quote != b'`'
            && self.peek(1) == quote
            && self.peek(2) == quote;
        let style = Style {
            escapes: match (self.language, quote) {
                (Language::Perl | Language::Ruby | Language::Php, b'\'') => Escapes::Quote,
                _ => Escapes::All,
            },
            interpolation: match (self.language, quote) {
                (Language::JavaScript | Language::Mongo, b'`') => Interpolation::DollarBraces,
                (Language::Perl | Language::Php | Language::Julia, b'"' | b'`') => {
                    Interpolation::Variables
                }
                (Language::Ruby, b'"' | b'`') => Interpolation::HashBraces,
                _ => Interpolation::None,
            },
        };
        let usage = match (self.language, quote) {
            (Language::Perl | Language::Ruby | Language::Php, b'`') => Usage::Shell,
            (Language::JavaScript | Language::Mongo, b'`') => Usage::Template,
            _ => Usage::Plain,
        };
        if self.language == Language::R && quote == b'`' {
            self.at += 1;
            let inner = self.at;
            self.skip_past(0, b"`");
            // Without a second backtick the name goes on to the end.
            let closed = self.at > inner && self.bytes.get(self.at - 1) == Some(&b'`');
            let end = self.at - usize::from(closed);
            self.out.push(Token {
                tok: Tok::Ident,
                start: inner,
                end,
            });
            return;
        }
        let width = if triple { 3 } else { 1 };
        self.string(start, width, quote, None, width, style, usage);
    }

    /// Reads a literal that begins at `start`, its text `ahead` bytes further, closed by `close` (`width` times).
    #[expect(
        clippy::too_many_arguments,
        reason = "the dialects differ in each of them"
    )]
    pub(super) fn string(
        &mut self,
        start: usize,
        ahead: usize,
        close: u8,
        open: Option<u8>,
        width: usize,
        style: Style,
        usage: Usage,
    ) {
        self.at = (start + ahead).min(self.bytes.len());
        let parts = self.body(close, open, width, style);
        self.push(Tok::Text(Text { parts, usage }), start);
    }

    pub(super) fn body(
        &mut self,
        close: u8,
        open: Option<u8>,
        width: usize,
        style: Style,
    ) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut plain = Plain::new(self.at);
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            if Some(byte) == open {
                depth += 1;
            } else if byte == close {
                if depth > 0 {
                    depth -= 1;
                } else if (0..width).all(|index| self.peek(index) == close) {
                    plain.flush(self.text, self.at, &mut parts);
                    self.at += width;
                    return parts;
                }
            }
            if byte == b'\\' && style.escapes != Escapes::None && self.at + 1 < self.bytes.len() {
                self.escape(&mut plain, close, style.escapes);
            } else if let Some((from, to, after)) = self.interpolation(style.interpolation) {
                plain.flush(self.text, self.at, &mut parts);
                parts.push(Part::Code(from, to));
                self.at = after;
                plain = Plain::new(after);
            } else if style.interpolation == Interpolation::Braces
                && matches!(byte, b'{' | b'}')
                && self.peek(1) == byte
            {
                plain.changed(self.text, self.at);
                plain.push(&[byte]);
                self.at += 2;
            } else {
                plain.push(&[byte]);
                self.at += 1;
            }
        }
        plain.flush(self.text, self.at, &mut parts);
        parts
    }

    fn escape(&mut self, plain: &mut Plain, close: u8, escapes: Escapes) {
        let next = self.peek(1);
        plain.changed(self.text, self.at);
        if escapes == Escapes::Quote {
            if next != close && next != b'\\' {
                plain.push(b"\\");
            }
            plain.push(&[next]);
            self.at += 2;
            return;
        }
        self.at += 2;
        let simple = match next {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'e' => 27,
            b'\n' => return,
            b'x' => {
                let braces = self.peek(0) == b'{';
                self.code_point(plain, if braces { 8 } else { 2 }, braces, 16);
                return;
            }
            b'u' => {
                let braces = self.peek(0) == b'{';
                self.code_point(plain, if braces { 8 } else { 4 }, braces, 16);
                return;
            }
            b'U' => {
                self.code_point(plain, 8, false, 16);
                return;
            }
            b'0'..=b'9' => {
                self.at -= 1;
                let radix = if self.language == Language::Lua {
                    10
                } else {
                    8
                };
                self.code_point(plain, 3, false, radix);
                return;
            }
            other => other,
        };
        plain.push(&[simple]);
    }

    fn code_point(&mut self, plain: &mut Plain, digits: usize, braces: bool, radix: u32) {
        if braces {
            self.at += 1;
        }
        let mut number = 0u32;
        let mut taken = 0;
        while taken < digits
            && let Some(digit) = char::from(self.peek(0)).to_digit(radix)
        {
            number = number.saturating_mul(radix).saturating_add(digit);
            self.at += 1;
            taken += 1;
        }
        if braces && self.peek(0) == b'}' {
            self.at += 1;
        }
        if let Some(character) = char::from_u32(number) {
            plain.push(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// The expression that begins here inside of a string: its range and where the text goes on.
    fn interpolation(&self, kind: Interpolation) -> Option<(usize, usize, usize)> {
        let byte = self.bytes[self.at];
        match kind {
            Interpolation::None => None,
            Interpolation::Braces if byte == b'{' && self.peek(1) != b'{' => {
                let (from, to, after) = self.braced(1)?;
                // A conversion or format after `!` or `:` is no part of the expression.
                let inner = &self.bytes[from..to];
                let cut = format_at(inner).map_or(to, |found| from + found);
                Some((from, cut, after))
            }
            Interpolation::DollarBraces if byte == b'$' && self.peek(1) == b'{' => self.braced(2),
            Interpolation::HashBraces if byte == b'#' && self.peek(1) == b'{' => self.braced(2),
            Interpolation::Variables if byte == b'$' && self.peek(1) == b'{' => self.braced(2),
            Interpolation::Variables
                if byte == b'$' && self.peek(1) == b'(' && self.language == Language::Julia =>
            {
                self.bracketed(1)
            }
            Interpolation::Variables
                if byte == b'@' && self.peek(1) == b'{' && self.language == Language::Perl =>
            {
                self.braced(2)
            }
            Interpolation::Variables
                if byte == b'{' && self.peek(1) == b'$' && self.language == Language::Php =>
            {
                self.braced(1)
            }
            Interpolation::Variables
                if (byte == b'$' || (byte == b'@' && self.language == Language::Perl))
                    && is_ident_start(self.peek(1)) =>
            {
                let mut end = self.at + 1;
                while self.bytes.get(end).copied().is_some_and(is_ident) {
                    end += 1;
                }
                let from = if self.language == Language::Julia {
                    self.at + 1
                } else {
                    self.at
                };
                let closing = match self.bytes.get(end) {
                    Some(b'[') if self.language != Language::Julia => Some(b']'),
                    // `"$ENV{HOME}/x"`
                    Some(b'{') if self.language == Language::Perl => Some(b'}'),
                    _ => None,
                };
                if let Some(closing) = closing {
                    let close = self.bytes[end..]
                        .iter()
                        .take(64)
                        .position(|byte| *byte == closing);
                    if let Some(close) = close {
                        end += close + 1;
                    }
                }
                Some((from, end, end))
            }
            _ => None,
        }
    }

    fn braced(&self, ahead: usize) -> Option<(usize, usize, usize)> {
        let from = self.at + ahead;
        let mut depth = 0usize;
        // An interpolation longer than this is not looked into as one: the search must stay linear.
        let limit = (from + 4096).min(self.bytes.len());
        for index in from..limit {
            match self.bytes[index] {
                b'{' => depth += 1,
                b'}' if depth == 0 => return Some((from, index, index + 1)),
                b'}' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn bracketed(&self, ahead: usize) -> Option<(usize, usize, usize)> {
        let from = self.at + ahead + 1;
        let mut depth = 0usize;
        let limit = (from + 4096).min(self.bytes.len());
        for index in from..limit {
            match self.bytes[index] {
                b'(' => depth += 1,
                b')' if depth == 0 => return Some((from, index, index + 1)),
                b')' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    pub(super) fn prefixed_string(&mut self, start: usize) {
        let prefix = self.text[start..self.at].to_ascii_lowercase();
        let quote = self.peek(0);
        let width = if self.peek(1) == quote && self.peek(2) == quote {
            3
        } else {
            1
        };
        let style = Style {
            // In a raw string a backslash still keeps its quote from closing, and both stay.
            escapes: if prefix.contains('r') {
                Escapes::None
            } else {
                Escapes::All
            },
            interpolation: if prefix.contains(['f', 't']) {
                Interpolation::Braces
            } else {
                Interpolation::None
            },
        };
        let ahead = self.at - start + width;
        self.string(start, ahead, quote, None, width, style, Usage::Plain);
    }

    pub(super) fn r_raw(&mut self, start: usize) {
        let quote = self.peek(0);
        let dashes = self.bytes[self.at + 1..]
            .iter()
            .take(16)
            .take_while(|byte| **byte == b'-')
            .count();
        let open = self.peek(1 + dashes);
        let inner = (self.at + 2 + dashes).min(self.bytes.len());
        let mut close = vec![closing(open)];
        close.extend(std::iter::repeat_n(b'-', dashes));
        close.push(quote);
        self.at = inner;
        self.skip_past(0, &close);
        let end = if self.bytes[inner..self.at].ends_with(&close) {
            self.at - close.len()
        } else {
            self.at
        };
        self.verbatim(start, inner, end, Usage::Plain);
    }
}

/// Text of a literal as it is read; stays unowned while the source can be taken as it is.
pub(super) struct Plain {
    from: usize,
    bytes: Option<Vec<u8>>,
}

impl Plain {
    fn new(from: usize) -> Self {
        Self { from, bytes: None }
    }

    /// From here on the text differs from the source.
    fn changed(&mut self, text: &str, at: usize) {
        if self.bytes.is_none() {
            self.bytes = Some(text.as_bytes()[self.from..at].to_vec());
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(held) = self.bytes.as_mut() {
            held.extend_from_slice(bytes);
        }
    }

    fn flush(&mut self, text: &str, at: usize, parts: &mut Vec<Part>) {
        match self.bytes.take() {
            Some(bytes) if !bytes.is_empty() => {
                parts.push(Part::Plain(
                    String::from_utf8_lossy(&bytes).into_owned(),
                    None,
                ));
            }
            None if at > self.from => {
                parts.push(Part::Plain(
                    text.get(self.from..at).unwrap_or("").to_owned(),
                    Some(self.from),
                ));
            }
            _ => {}
        }
    }
}

fn format_at(inner: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (index, byte) in inner.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => return Some(index),
            b'!' if depth == 0 && inner.get(index + 1) != Some(&b'=') => return Some(index),
            b'=' if depth == 0 && index + 1 == inner.len() => return Some(index),
            _ => {}
        }
    }
    None
}
