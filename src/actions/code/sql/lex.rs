//! SQL text to tokens, for every dialect at once.
//!
//! Where dialects disagree, the reading that shows more wins: block comments do not nest (a client that nests them
//! would hide what follows), and MySQL's executable comments are read as code.

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word: keyword, name or function.
    Word,
    /// A quoted name, without its quotes.
    Name(String),
    /// A string, decoded, and where its bytes stand unchanged.
    Text(String, Option<usize>),
    /// A number.
    Number,
    /// One byte of punctuation.
    Op(u8),
    /// `;`, `GO` on a line of its own, `\g`.
    End,
    /// A command of the client, the whole line: `\! ls`, `.shell ls`.
    Meta,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// For `(`: how many tokens further its `)` stands; zero when it is never closed.
    pub closes_after: usize,
}

/// Whether a backslash escapes the next byte of an ordinary string (MySQL) or not (the standard).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    Escapes,
    Literal,
}

/// Words that begin a line of their own in some client and take the rest of it.
const LINE_WORDS: [&str; 9] = [
    "system",
    "source",
    "tee",
    "pager",
    "host",
    "spool",
    "delimiter",
    "notee",
    "prompt",
];

/// Cuts the text into tokens. Total; linear.
pub(super) fn tokens(text: &str, backslash: Backslash) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        line_start: true,
        statement_start: true,
        out: Vec::new(),
        backslash,
    };
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    pair(&mut lexer.out);
    lexer.out
}

/// Pairs parentheses once, so that nobody has to look for them again.
fn pair(tokens: &mut [Token]) {
    let mut open = Vec::new();
    for index in 0..tokens.len() {
        match tokens[index].kind {
            Kind::Op(b'(') => open.push(index),
            Kind::Op(b')') => {
                if let Some(begin) = open.pop() {
                    tokens[begin].closes_after = index - begin;
                }
            }
            Kind::End | Kind::Meta => open.clear(),
            _ => {}
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    line_start: bool,
    statement_start: bool,
    out: Vec<Token>,
    backslash: Backslash,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.line_start = false;
        self.statement_start = matches!(kind, Kind::End | Kind::Meta);
        let end = self.at;
        self.out.push(Token {
            kind,
            start,
            end,
            closes_after: 0,
        });
    }

    fn step(&mut self) {
        let start = self.at;
        let byte = self.bytes[self.at];
        match byte {
            b'\n' => {
                self.at += 1;
                self.line_start = true;
            }
            byte if byte.is_ascii_whitespace() => self.at += 1,
            b'-' if self.peek(1) == b'-' => self.skip_line(),
            b'#' if self.line_start && matches!(self.peek(1), b' ' | b'\t' | b'!' | b'#') => {
                self.skip_line();
            }
            b'/' if self.peek(1) == b'*' => self.comment(),
            b'*' if self.peek(1) == b'/' => self.at += 2,
            b';' => {
                self.at += 1;
                self.push(Kind::End, start);
            }
            b'\\' => self.backslash_command(),
            b'.' if self.line_start && self.peek(1).is_ascii_alphabetic() => self.meta_line(),
            b'!' | b':' if self.line_start && self.is_client_escape() => self.meta_line(),
            b'@' if self.statement_start && self.line_start && self.peek(1) != b'@' => {
                self.at_file();
            }
            b'\'' => self.string(b'\'', self.backslash == Backslash::Escapes),
            b'"' => self.quoted_name(b'"'),
            b'`' => self.quoted_name(b'`'),
            b'[' if self.brackets_quote() => self.quoted_name(b']'),
            b'$' if self.dollar_tag().is_some() => self.dollar_string(),
            byte if byte.is_ascii_digit() => self.number(),
            byte if is_word(byte) => self.word(),
            _ => {
                self.at += 1;
                self.push(Kind::Op(byte), start);
            }
        }
    }

    fn skip_line(&mut self) {
        self.at = self.line_end();
    }

    fn line_end(&self) -> usize {
        memchr::memchr(b'\n', &self.bytes[self.at..])
            .map_or(self.bytes.len(), |found| self.at + found)
    }

    fn meta_line(&mut self) {
        let start = self.at;
        self.at = self.line_end();
        self.push(Kind::Meta, start);
    }

    fn is_client_escape(&self) -> bool {
        match self.bytes[self.at] {
            b'!' => self.statement_start,
            _ => self.peek(1) == b'!' || self.peek(1).is_ascii_alphabetic() && self.statement_start,
        }
    }

    /// SQL*Plus runs a file with `@file`; T-SQL names variables so, but no statement begins with one.
    fn at_file(&mut self) {
        self.meta_line();
    }

    fn comment(&mut self) {
        // `/*!` and `/*M!` are code to MySQL and MariaDB, perhaps behind a version number.
        if self.peek(2) == b'!' || self.peek(2) == b'M' && self.peek(3) == b'!' {
            self.at += if self.peek(2) == b'!' { 3 } else { 4 };
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            return;
        }
        self.at += 2;
        self.at = memchr::memmem::find(&self.bytes[self.at..], b"*/")
            .map_or(self.bytes.len(), |found| self.at + found + 2);
    }

    fn backslash_command(&mut self) {
        let start = self.at;
        if matches!(self.peek(1), b'g' | b'G') && !is_word(self.peek(2)) && self.peek(2) != b'|' {
            // `\g` sends the statement; what follows it on the line is a file or a pipe.
            let rest = &self.bytes[self.at + 2..];
            let next = rest
                .iter()
                .take(256)
                .find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            if matches!(next, None | Some(b'\n' | b'\\')) {
                self.at += 2;
                self.push(Kind::End, start);
                return;
            }
        }
        self.meta_line();
    }

    fn string(&mut self, quote: u8, escapes: bool) {
        let start = self.at;
        self.at += 1;
        let inner = self.at;
        let mut decoded: Option<Vec<u8>> = None;
        let mut end = self.bytes.len();
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            let doubled = byte == quote && self.peek(1) == quote;
            if doubled || (escapes && byte == b'\\' && self.at + 1 < self.bytes.len()) {
                let so_far = &self.bytes[inner..self.at];
                let out = decoded.get_or_insert_with(|| so_far.to_vec());
                let escaped = self.bytes[self.at + 1];
                out.push(if doubled { quote } else { unescape(escaped) });
                self.at += 2;
            } else if byte == quote {
                end = self.at;
                self.at += 1;
                break;
            } else {
                if let Some(out) = decoded.as_mut() {
                    out.push(byte);
                }
                self.at += 1;
            }
        }
        let (value, at) = match decoded {
            Some(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), None),
            None => (
                self.text.get(inner..end).unwrap_or("").to_owned(),
                Some(inner),
            ),
        };
        self.push(Kind::Text(value, at), start);
    }

    fn quoted_name(&mut self, close: u8) {
        let start = self.at;
        self.at += 1;
        let inner = self.at;
        let found = memchr::memchr(close, &self.bytes[inner..]);
        let end = found.map_or(self.bytes.len(), |found| inner + found);
        self.at = found.map_or(end, |_| end + 1);
        let name = self.text.get(inner..end).unwrap_or("").to_owned();
        self.push(Kind::Name(name), start);
    }

    /// `[name]` quotes in T-SQL; after a name it is a subscript.
    fn brackets_quote(&self) -> bool {
        let after_name = self.out.last().is_some_and(|token| {
            token.end == self.at && !matches!(token.kind, Kind::Op(_) | Kind::End)
        });
        !after_name && (is_word(self.peek(1)) && !self.peek(1).is_ascii_digit())
    }

    fn dollar_tag(&self) -> Option<usize> {
        let rest = &self.bytes[self.at + 1..];
        let length = rest
            .iter()
            .take(64)
            .take_while(|byte| is_word(**byte) && **byte != b'$')
            .count();
        let digits_first = rest.first().is_some_and(u8::is_ascii_digit);
        (rest.get(length) == Some(&b'$') && !digits_first).then_some(length + 2)
    }

    fn dollar_string(&mut self) {
        let start = self.at;
        let length = self.dollar_tag().unwrap_or(2);
        let tag = &self.bytes[start..start + length];
        let inner = start + length;
        let found = memchr::memmem::find(&self.bytes[inner..], tag);
        let end = found.map_or(self.bytes.len(), |found| inner + found);
        self.at = found.map_or(end, |_| end + length);
        let value = self.text.get(inner..end).unwrap_or("").to_owned();
        self.push(Kind::Text(value, Some(inner)), start);
    }

    fn number(&mut self) {
        let start = self.at;
        while is_word(self.peek(0)) || self.peek(0) == b'.' {
            self.at += 1;
        }
        self.push(Kind::Number, start);
    }

    fn word(&mut self) {
        let start = self.at;
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        // `E'…'`, `N'…'`, `X'…'`, `U&'…'`: the prefix belongs to the string.
        if self.peek(0) == b'\'' && word.len() <= 2 {
            let escapes = word.eq_ignore_ascii_case("e") || self.backslash == Backslash::Escapes;
            self.string(b'\'', escapes);
            return;
        }
        if self.line_start && self.statement_start {
            if word.eq_ignore_ascii_case("go")
                && self.text[self.at..self.line_end()].trim().is_empty()
            {
                self.push(Kind::End, start);
                return;
            }
            if LINE_WORDS
                .iter()
                .any(|line_word| word.eq_ignore_ascii_case(line_word))
            {
                self.at = start;
                self.meta_line();
                return;
            }
        }
        if self.line_start
            && word.eq_ignore_ascii_case("go")
            && self.text[self.at..self.line_end()].trim().is_empty()
        {
            self.push(Kind::End, start);
            return;
        }
        self.push(Kind::Word, start);
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'0' => 0,
        other => other,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
