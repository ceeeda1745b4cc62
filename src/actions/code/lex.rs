//! Source text of the C-, Python-, Perl- and Lua-like families to tokens: strings, comments, names, numbers, signs.
//!
//! One lexer with a dialect for each language. Every byte belongs to a token or is skipped as blank or comment; what
//! is unterminated ends with the text. Positions are those of the whole code, also for what stands inside of a string.

use super::Language;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tok {
    /// A name or keyword, with its sigil.
    Ident,
    /// A number.
    Number,
    /// A string, or what is written like one.
    Text(Text),
    /// A sign of one to three bytes.
    Op,
    /// The end of a line outside of brackets.
    Newline,
}

/// A string literal in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub parts: Vec<Part>,
    pub usage: Usage,
}

/// What a literal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// A value.
    Plain,
    /// Run by a shell: backquotes, `qx`, `%x`.
    Shell,
    /// A list of words: `qw`, `%w`.
    Words,
    /// A pattern; nothing of it runs.
    Pattern,
    /// A replacement that is run as code: `s///e`.
    Code,
    /// `<*.c>` in Perl.
    Glob,
    /// A template string of JavaScript, which may be tagged.
    Template,
}

/// A stretch of a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Decoded text, and where it stands unchanged.
    Plain(String, Option<usize>),
    /// An expression between these positions.
    Code(usize, usize),
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub tok: Tok,
    pub start: usize,
    pub end: usize,
}

/// Cuts `text[from..to]` into tokens. Total; linear.
pub(super) fn tokens(language: Language, text: &str, from: usize, to: usize) -> Vec<Token> {
    let mut lexer = Lexer {
        language,
        text,
        bytes: &text.as_bytes()[..to],
        at: from,
        out: Vec::new(),
        brackets: Vec::new(),
        heredocs: Vec::new(),
    };
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    lexer.out
}

struct Lexer<'a> {
    language: Language,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: Vec<Token>,
    brackets: Vec<u8>,
    /// Here-documents that begin at the next line: index of their token, end mark, whether they interpolate.
    heredocs: Vec<(usize, String, bool)>,
}

/// How a string literal is read.
#[derive(Clone, Copy)]
struct Style {
    escapes: Escapes,
    interpolation: Interpolation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// Only the quote and the backslash itself.
    Quote,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Interpolation {
    None,
    /// `{x}` with `{{` for a brace.
    Braces,
    /// `${x}`
    DollarBraces,
    /// `#{x}`
    HashBraces,
    /// `$x`, `${x}`, `@{[x]}`, `{$x}`, `$(x)`
    Variables,
}

const THREE: &[&str] = &[
    "===", "!==", "...", "**=", "||=", "&&=", "??=", "<=>", "<<=", ">>=", ">>>", "?->",
];
const TWO: &[&str] = &[
    "=>", "->", "::", "..", "?.", "&.", "||", "&&", "??", "==", "!=", "<=", ">=", "+=", "-=", "*=",
    "/=", ".=", "%=", "**", "//", "<<", ">>", "|>", ":=", "=~", "!~", "~=", "++", "--",
];

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, tok: Tok, start: usize) {
        let end = self.at;
        self.out.push(Token { tok, start, end });
    }

    /// Whether a value has just ended, so that an operator and not an operand follows.
    fn after_value(&self) -> bool {
        match self.out.last() {
            None => false,
            Some(token) => match &token.tok {
                Tok::Number | Tok::Text(_) => true,
                Tok::Ident => {
                    let word = &self.text[token.start..token.end];
                    !matches!(
                        word,
                        "return"
                            | "and"
                            | "or"
                            | "not"
                            | "in"
                            | "if"
                            | "unless"
                            | "while"
                            | "until"
                            | "print"
                            | "typeof"
                            | "case"
                            | "split"
                            | "grep"
                            | "map"
                            | "join"
                            | "push"
                            | "when"
                            | "else"
                            | "elsif"
                            | "do"
                            | "then"
                            | "await"
                            | "yield"
                            | "new"
                            | "delete"
                            | "void"
                            | "puts"
                            | "echo"
                            | "eq"
                            | "ne"
                            | "x"
                            | "system"
                            | "exec"
                            | "unlink"
                            | "say"
                            | "die"
                            | "warn"
                            | "eval"
                    )
                }
                Tok::Op => matches!(
                    &self.text[token.start..token.end],
                    ")" | "]" | "}" | "++" | "--"
                ),
                Tok::Newline => false,
            },
        }
    }

    fn hash_comments(&self) -> bool {
        matches!(
            self.language,
            Language::Python
                | Language::Perl
                | Language::Ruby
                | Language::Php
                | Language::R
                | Language::Julia
        )
    }

    fn slash_comments(&self) -> bool {
        matches!(
            self.language,
            Language::JavaScript | Language::Php | Language::Mongo
        )
    }

    fn step(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'\n' => self.newline(),
            b'\\' if self.peek(1) == b'\n' => self.at += 2,
            byte if byte.is_ascii_whitespace() => self.at += 1,
            b'#' if self.hash_comments()
                && !(self.language == Language::Php && self.peek(1) == b'[') =>
            {
                self.hash_comment()
            }
            b'/' if self.slash_comments() && self.peek(1) == b'/' => self.skip_line(),
            b'/' if self.slash_comments() && self.peek(1) == b'*' => self.skip_past(2, b"*/"),
            b'-' if self.language == Language::Lua && self.peek(1) == b'-' => self.lua_comment(),
            b'=' if self.line_begins()
                && matches!(self.language, Language::Perl | Language::Ruby)
                && self.peek(1).is_ascii_alphabetic() =>
            {
                self.skip_past(
                    1,
                    if self.language == Language::Perl {
                        b"\n=cut"
                    } else {
                        b"\n=end"
                    },
                );
            }
            b'?' if self.language == Language::Php && self.peek(1) == b'>' => self.php_outside(2),
            b'<' if self.language == Language::Php && self.peek(1) == b'?' => {
                self.at += if self.bytes[self.at..].starts_with(b"<?php") {
                    5
                } else {
                    2
                };
            }
            b'0'..=b'9' => self.number(),
            b'\'' | b'"' | b'`' => self.quoted(byte),
            b'[' if self.language == Language::Lua && matches!(self.peek(1), b'[' | b'=') => {
                self.lua_long()
            }
            b'<' if self.peek(1) == b'<' && self.heredoc() => {}
            b'/' if self.pattern_here() => self.pattern(),
            b'<' if self.language == Language::Perl && !self.after_value() && self.perl_glob() => {}
            b'%' if self.language == Language::Ruby
                && !self.after_value()
                && self.percent_literal() => {}
            b':' if self.language == Language::Ruby && self.symbol() => {}
            b'$' | b'@' | b'%' | b'&' if self.sigil_name() => {}
            byte if is_ident_start(byte)
                || (byte == b'.'
                    && self.language == Language::R
                    && is_ident_start(self.peek(1))) =>
            {
                self.word();
            }
            _ => self.operator(),
        }
    }

    fn newline(&mut self) {
        let start = self.at;
        self.at += 1;
        let pending = std::mem::take(&mut self.heredocs);
        for (index, mark, interpolates) in pending {
            self.heredoc_body(index, &mark, interpolates);
        }
        let inside = matches!(self.brackets.last(), Some(b'(' | b'['))
            || (self.brackets.last() == Some(&b'{') && self.language == Language::Python);
        if !inside && !matches!(self.out.last().map(|token| &token.tok), Some(Tok::Newline)) {
            let end = start + 1;
            self.out.push(Token {
                tok: Tok::Newline,
                start,
                end,
            });
        }
    }

    fn line_begins(&self) -> bool {
        self.at == 0 || self.bytes[self.at - 1] == b'\n'
    }

    fn skip_line(&mut self) {
        self.at = memchr::memchr(b'\n', &self.bytes[self.at..])
            .map_or(self.bytes.len(), |found| self.at + found);
    }

    fn skip_past(&mut self, ahead: usize, end: &[u8]) {
        self.at = (self.at + ahead).min(self.bytes.len());
        self.at = memchr::memmem::find(&self.bytes[self.at..], end)
            .map_or(self.bytes.len(), |found| self.at + found + end.len());
    }

    fn hash_comment(&mut self) {
        if self.language == Language::Julia && self.peek(1) == b'=' {
            self.skip_past(2, b"=#");
        } else {
            self.skip_line();
        }
    }

    fn lua_comment(&mut self) {
        self.at += 2;
        if self.peek(0) == b'['
            && let Some(level) = self.lua_level()
        {
            let close = format!("]{}]", "=".repeat(level));
            self.skip_past(2 + level, close.as_bytes());
        } else {
            self.skip_line();
        }
    }

    fn lua_level(&self) -> Option<usize> {
        let level = self.bytes[self.at + 1..]
            .iter()
            .take(32)
            .take_while(|byte| **byte == b'=')
            .count();
        (self.peek(1 + level) == b'[').then_some(level)
    }

    fn lua_long(&mut self) {
        let start = self.at;
        let Some(level) = self.lua_level() else {
            self.operator();
            return;
        };
        let close = format!("]{}]", "=".repeat(level));
        let inner = start + 2 + level;
        self.skip_past(2 + level, close.as_bytes());
        let end = if self.bytes[inner..self.at].ends_with(close.as_bytes()) {
            self.at - close.len()
        } else {
            self.at
        };
        self.verbatim(start, inner, end, Usage::Plain);
    }

    /// A token of text that stands in the source unchanged.
    fn verbatim(&mut self, start: usize, from: usize, to: usize, usage: Usage) {
        let part = Part::Plain(self.text.get(from..to).unwrap_or("").to_owned(), Some(from));
        self.push(
            Tok::Text(Text {
                parts: vec![part],
                usage,
            }),
            start,
        );
    }

    /// Between `?>` and `<?` PHP only prints.
    fn php_outside(&mut self, ahead: usize) {
        let start = self.at;
        self.at += ahead;
        self.at = memchr::memmem::find(&self.bytes[self.at..], b"<?")
            .map_or(self.bytes.len(), |found| self.at + found);
        let end = start + 1;
        self.out.push(Token {
            tok: Tok::Newline,
            start,
            end,
        });
    }

    fn number(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_alphanumeric()
            || self.peek(0) == b'_'
            || (self.peek(0) == b'.' && self.peek(1).is_ascii_digit())
        {
            self.at += 1;
        }
        self.push(Tok::Number, start);
    }

    fn quoted(&mut self, quote: u8) {
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
            let end = self.at.saturating_sub(1).max(inner);
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
    fn string(
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

    fn body(&mut self, close: u8, open: Option<u8>, width: usize, style: Style) -> Vec<Part> {
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
                if self.bytes.get(end) == Some(&b'[') && self.language != Language::Julia {
                    let close = self.bytes[end..]
                        .iter()
                        .take(64)
                        .position(|byte| *byte == b']');
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

    /// Starts a here-document: `<<"X"`, `<<~X`, `<<<'X'`.
    fn heredoc(&mut self) -> bool {
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

    fn heredoc_body(&mut self, index: usize, mark: &str, interpolates: bool) {
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

    fn pattern_here(&self) -> bool {
        matches!(
            self.language,
            Language::JavaScript | Language::Mongo | Language::Perl | Language::Ruby
        ) && !self.after_value()
            && self.peek(1) != b'='
    }

    fn pattern(&mut self) {
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

    fn perl_glob(&mut self) -> bool {
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
        let inner = &self.text.get(start + 1..end).unwrap_or("");
        let handle = inner.bytes().all(|byte| is_ident(byte) || byte == b'$');
        self.at = end + 1;
        self.verbatim(
            start,
            start + 1,
            end,
            if handle { Usage::Pattern } else { Usage::Glob },
        );
        true
    }

    /// Ruby's `%q(…)`, `%x{…}`, `%w[…]`, `%(…)`.
    fn percent_literal(&mut self) -> bool {
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

    /// Ruby's `:name` and `:"name"`.
    fn symbol(&mut self) -> bool {
        let start = self.at;
        let next = self.peek(1);
        if start > 0 && (self.bytes[start - 1] == b':' || next == b':') {
            return false;
        }
        if next == b'"' {
            let style = Style {
                escapes: Escapes::All,
                interpolation: Interpolation::HashBraces,
            };
            self.string(start, 2, b'"', None, 1, style, Usage::Plain);
            return true;
        }
        if !is_ident_start(next) || self.after_value() {
            return false;
        }
        self.at += 1;
        while is_ident(self.peek(0)) || matches!(self.peek(0), b'?' | b'!') {
            self.at += 1;
        }
        let end = self.at;
        self.verbatim(start, start + 1, end, Usage::Plain);
        true
    }

    /// `$x`, `@x`, `%h`, `&f` where the language has them.
    fn sigil_name(&mut self) -> bool {
        let byte = self.bytes[self.at];
        let allowed = match self.language {
            Language::Perl => byte == b'$' || !self.after_value(),
            Language::Php => byte == b'$',
            Language::Ruby => matches!(byte, b'$' | b'@'),
            Language::JavaScript | Language::Mongo => byte == b'$',
            _ => false,
        };
        if !allowed {
            return false;
        }
        let start = self.at;
        let mut at = start + 1;
        // Longer runs of sigils are no name; looking further would make them costly.
        while at < start + 8
            && matches!(self.bytes.get(at), Some(b'$' | b'@'))
            && self.language != Language::JavaScript
        {
            at += 1;
        }
        match self.bytes.get(at) {
            Some(next) if is_ident_start(*next) || next.is_ascii_digit() => {
                while self.bytes.get(at).copied().is_some_and(is_ident) {
                    at += 1;
                }
            }
            Some(b'^') if self.language == Language::Perl => at += 2,
            Some(b'_' | b'!' | b'0' | b'&' | b'@')
                if self.language == Language::Perl && byte == b'$' =>
            {
                at += 1
            }
            _ if matches!(self.language, Language::JavaScript | Language::Mongo) => {}
            _ => return false,
        }
        self.at = at.min(self.bytes.len());
        self.push(Tok::Ident, start);
        true
    }

    fn word(&mut self) {
        let start = self.at;
        while is_ident(self.peek(0))
            || (self.peek(0) == b'.' && self.language == Language::R)
            || (self.peek(0) == b'$'
                && matches!(self.language, Language::JavaScript | Language::Mongo))
        {
            self.at += 1;
        }
        if self.language == Language::Perl && self.perl_quote(start) {
            return;
        }
        let word = &self.text[start..self.at];
        match self.language {
            Language::Python
                if matches!(self.peek(0), b'"' | b'\'') && word.len() <= 2 && is_prefix(word) =>
            {
                self.prefixed_string(start);
            }
            Language::R if matches!(self.peek(0), b'"' | b'\'') && matches!(word, "r" | "R") => {
                self.r_raw(start)
            }
            Language::Julia if self.peek(0) == b'"' && matches!(word, "raw" | "r" | "b" | "s") => {
                let ahead = self.at - start + 1;
                let style = Style {
                    escapes: Escapes::Quote,
                    interpolation: Interpolation::None,
                };
                self.string(start, ahead, b'"', None, 1, style, Usage::Plain);
            }
            Language::Ruby => {
                if matches!(self.peek(0), b'?' | b'!') && self.peek(1) != b'=' {
                    self.at += 1;
                }
                self.push(Tok::Ident, start);
            }
            Language::Perl if word == "__END__" || word == "__DATA__" => self.at = self.bytes.len(),
            _ => self.push(Tok::Ident, start),
        }
    }

    fn prefixed_string(&mut self, start: usize) {
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

    fn r_raw(&mut self, start: usize) {
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

    /// `q`, `qq`, `qw`, `qx`, `qr`, `m`, `s`, `tr`, `y`.
    fn perl_quote(&mut self, start: usize) -> bool {
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

    fn operator(&mut self) {
        let start = self.at;
        let rest = &self.bytes[start..];
        let matches = |sign: &&&str| rest.starts_with(sign.as_bytes());
        let length = if THREE.iter().any(|sign| matches(&sign)) {
            3
        } else if TWO.iter().any(|sign| matches(&sign))
            || (self.language == Language::R
                && (rest.starts_with(b"<-") || rest.starts_with(b"->")))
        {
            2
        } else {
            // One character, however many bytes it has.
            self.text[start..].chars().next().map_or(1, char::len_utf8)
        };
        match rest[0] {
            byte @ (b'(' | b'[' | b'{') => self.brackets.push(byte),
            b')' | b']' | b'}' => {
                self.brackets.pop();
            }
            _ => {}
        }
        self.at = (start + length).min(self.bytes.len());
        self.push(Tok::Op, start);
    }
}

/// Text of a literal as it is read; stays unowned while the source can be taken as it is.
struct Plain {
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

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        other => other,
    }
}

fn is_prefix(word: &str) -> bool {
    word.bytes()
        .all(|byte| matches!(byte.to_ascii_lowercase(), b'r' | b'b' | b'u' | b'f' | b't'))
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit()
}
