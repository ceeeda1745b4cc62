//! Source text of the C-, Python-, Perl- and Lua-like families to tokens: strings, comments, names, numbers, signs.
//!
//! One lexer with a dialect for each language. Every byte belongs to a token or is skipped as blank or comment; what
//! is unterminated ends with the text. Positions are those of the whole code, also for what stands inside of a string.
//!
//! Rooms: `strings` reads what every language has, `quotes` what Perl, Ruby and the shell-like ones add.

mod quotes;
mod strings;

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
                            | "my"
                            | "our"
                            | "local"
                            | "keys"
                            | "values"
                            | "each"
                            | "exists"
                            | "foreach"
                            | "for"
                            | "scalar"
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
            Some(b'_' | b'!' | b'0' | b'&' | b'@' | b'/' | b'|' | b'\\')
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
