//! Here-documents, patterns and the quoting operators of Perl and Ruby.

use super::{
    Escapes, Interpolation, Lexer, Part, Style, Text, Tok, Usage, closing, is_ident, is_ident_start,
};
use crate::actions::code::Language;

impl Lexer<'_> {
    /// Starts a here-document: `<<"X"`, `<<~X`, `<<<'X'`.
    pub(super) fn heredoc(&mut self) -> bool {
        let ahead = match self.language {
            Language::Php if self.peek(2) == b'<' => 3,
            Language::Perl | Language::Ruby if !self.after_value() || self.peek(2) == b'~' => 2,
            _ => return false,
        };
        let start = self.at;
        let mut at = start + ahead;
        while matches!(self.bytes.get(at), Some(b'~' | b'-' | b' ')) {
            at += 1;
        }
        let quote = match self.bytes.get(at) {
            Some(quote @ (b'"' | b'\'')) => {
                at += 1;
                Some(*quote)
            }
            Some(byte) if is_ident_start(*byte) => None,
            _ => return false,
        };
        let from = at;
        while self.bytes.get(at).copied().is_some_and(is_ident) {
            at += 1;
        }
        let mark = self.text[from..at].to_owned();
        if quote.is_some() {
            at += 1;
        }
        if mark.is_empty() {
            return false;
        }
        self.at = at.min(self.bytes.len());
        self.heredocs
            .push((self.out.len(), mark, quote != Some(b'\'')));
        self.push(
            Tok::Text(Text {
                parts: Vec::new(),
                usage: Usage::Plain,
            }),
            start,
        );
        true
    }

    pub(super) fn heredoc_body(&mut self, index: usize, mark: &str, interpolates: bool) {
        let from = self.at;
        let mut line = from;
        let mut end = self.bytes.len();
        let mut after = end;
        while line < self.bytes.len() {
            let line_end = memchr::memchr(b'\n', &self.bytes[line..])
                .map_or(self.bytes.len(), |found| line + found);
            let content = self.text[line..line_end].trim();
            if content.trim_end_matches([';', ',', ')']) == mark {
                end = line;
                let indent =
                    self.text[line..line_end].len() - self.text[line..line_end].trim_start().len();
                after = line + indent + mark.len();
                break;
            }
            line = line_end + 1;
        }
        let mut parts = vec![Part::Plain(
            self.text.get(from..end).unwrap_or("").to_owned(),
            Some(from),
        )];
        if interpolates {
            let whole = self.bytes;
            self.bytes = &whole[..end];
            let interpolation = if self.language == Language::Ruby {
                Interpolation::HashBraces
            } else {
                Interpolation::Variables
            };
            // A closing byte that never comes: the body ends with its range.
            parts = self.body(
                0,
                None,
                1,
                Style {
                    escapes: Escapes::All,
                    interpolation,
                },
            );
            self.bytes = whole;
        }
        self.at = after;
        if let Some(token) = self.out.get_mut(index) {
            let usage = Usage::Plain;
            token.tok = Tok::Text(Text { parts, usage });
        }
    }

    pub(super) fn pattern_here(&self) -> bool {
        matches!(
            self.language,
            Language::JavaScript | Language::Mongo | Language::Perl | Language::Ruby
        ) && !self.after_value()
            && self.peek(1) != b'='
    }

    pub(super) fn pattern(&mut self) {
        let start = self.at;
        let mut at = start + 1;
        let mut class = false;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => break,
                // No pattern spans lines here; a lone slash is division.
                b'\n' => {
                    self.operator();
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        if at >= self.bytes.len() {
            self.operator();
            return;
        }
        self.at = at + 1;
        while self.peek(0).is_ascii_alphabetic() {
            self.at += 1;
        }
        self.verbatim(start, start, start, Usage::Pattern);
    }

    pub(super) fn perl_glob(&mut self) -> bool {
        let start = self.at;
        let Some(length) = self.bytes[start + 1..]
            .iter()
            .take(256)
            .position(|byte| matches!(byte, b'>' | b'\n'))
        else {
            return false;
        };
        let end = start + 1 + length;
        if self.bytes[end] != b'>' {
            return false;
        }
        self.at = end + 1;
        self.verbatim(start, start + 1, end, Usage::Glob);
        true
    }

    /// Ruby's `%q(…)`, `%x{…}`, `%w[…]`, `%(…)`.
    pub(super) fn percent_literal(&mut self) -> bool {
        let start = self.at;
        let (letter, ahead) = if self.peek(1).is_ascii_alphabetic() {
            (self.peek(1), 2)
        } else {
            (b'Q', 1)
        };
        let open = self.peek(ahead);
        if !matches!(open, b'(' | b'[' | b'{' | b'<' | b'|' | b'!' | b'/') {
            return false;
        }
        let usage = match letter {
            b'x' => Usage::Shell,
            b'w' | b'W' | b'i' | b'I' => Usage::Words,
            b'r' => Usage::Pattern,
            b'q' | b'Q' | b's' => Usage::Plain,
            _ => return false,
        };
        let interpolates = matches!(letter, b'x' | b'Q' | b'W' | b'I');
        self.delimited(start, ahead, usage, interpolates);
        true
    }

    /// A literal between any delimiters, `ahead` bytes after `start`.
    fn delimited(&mut self, start: usize, ahead: usize, usage: Usage, interpolates: bool) {
        let open = self.bytes.get(start + ahead).copied().unwrap_or(b'/');
        let close = closing(open);
        let interpolation = match (interpolates, self.language) {
            (false, _) => Interpolation::None,
            (true, Language::Ruby) => Interpolation::HashBraces,
            (true, _) => Interpolation::Variables,
        };
        let style = Style {
            escapes: if interpolates {
                Escapes::All
            } else {
                Escapes::Quote
            },
            interpolation,
        };
        let nested = (open != close).then_some(open);
        self.string(start, ahead + 1, close, nested, 1, style, usage);
    }

    /// `q`, `qq`, `qw`, `qx`, `qr`, `m`, `s`, `tr`, `y`.
    pub(super) fn perl_quote(&mut self, start: usize) -> bool {
        let word = &self.text[start..self.at];
        if !matches!(
            word,
            "q" | "qq" | "qw" | "qx" | "qr" | "m" | "s" | "tr" | "y"
        ) {
            return false;
        }
        let length = word.len();
        let two_parts = matches!(word, "s" | "tr" | "y");
        let substitution = word == "s";
        let word = word.to_owned();
        let mut ahead = length;
        while self
            .bytes
            .get(start + ahead)
            .is_some_and(|byte| matches!(byte, b' ' | b'\t'))
        {
            ahead += 1;
        }
        let delimiter = self.bytes.get(start + ahead).copied().unwrap_or(0);
        let blank = ahead > length;
        let sign =
            delimiter.is_ascii_punctuation() && !matches!(delimiter, b',' | b';' | b')' | b'_');
        let assigned = delimiter == b'='
            && (blank || self.bytes.get(start + ahead + 1) == Some(&b'>') || !two_parts);
        if !sign || assigned || (blank && matches!(delimiter, b'#' | b'-' | b'.' | b'<' | b'>')) {
            return false;
        }
        let before = self
            .out
            .last()
            .map(|token| &self.text[token.start..token.end]);
        if matches!(before, Some("->" | "{")) && delimiter == b'}' {
            return false;
        }
        let usage = match word.as_str() {
            "qw" => Usage::Words,
            "qx" => Usage::Shell,
            "q" | "qq" => Usage::Plain,
            _ => Usage::Pattern,
        };
        self.delimited(
            start,
            ahead,
            usage,
            matches!(word.as_str(), "qq" | "qx") && delimiter != b'\'',
        );
        if two_parts {
            self.perl_second(start, delimiter, substitution);
        } else if usage == Usage::Pattern {
            while self.peek(0).is_ascii_alphabetic() {
                self.at += 1;
            }
        }
        true
    }

    /// The second half of `s///` and `tr///`, which is code when the flag `e` follows.
    fn perl_second(&mut self, start: usize, delimiter: u8, substitution: bool) {
        let paired = closing(delimiter) != delimiter;
        if paired {
            while self.peek(0).is_ascii_whitespace() {
                self.at += 1;
            }
            self.at = (self.at + 1).min(self.bytes.len());
        }
        let from = self.at;
        let close = closing(delimiter);
        let style = Style {
            escapes: Escapes::Quote,
            interpolation: Interpolation::None,
        };
        let open = paired.then_some(delimiter);
        self.body(close, open, 1, style);
        let to = self.at.saturating_sub(1).max(from);
        let mut runs = false;
        while self.peek(0).is_ascii_alphabetic() {
            runs |= self.peek(0) == b'e';
            self.at += 1;
        }
        if let Some(token) = self.out.last_mut() {
            let usage = if runs && substitution {
                Usage::Code
            } else {
                Usage::Pattern
            };
            token.start = start;
            token.end = self.at;
            token.tok = Tok::Text(Text {
                parts: vec![Part::Code(from, to)],
                usage,
            });
        }
    }
}
