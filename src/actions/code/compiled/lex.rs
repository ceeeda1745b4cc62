//! Names, texts and marks of languages that are compiled. Total: what is no token is skipped.

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, with the names that it is reached through: `std.fs.write`.
    Name(String),
    /// A text, as the program has it.
    Text(String),
    /// A whole number.
    Number(u64),
    /// One character of punctuation.
    Mark(u8),
}

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Nothing but blanks stands before it in its line.
    pub(super) first: bool,
}

/// How many tokens of one text are read.
const MOST: usize = 64 * 1024;

/// The tokens of a text, without comments, and whether there are more than are read.
pub(super) fn tokens(text: &str) -> (Vec<Placed>, bool) {
    let mut reader = Reader {
        text,
        at: 0,
        first: true,
        found: Vec::new(),
    };
    while reader.at < text.len() && reader.found.len() < MOST {
        reader.next();
    }
    let more = reader.at < text.len();
    (reader.found, more)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    first: bool,
    found: Vec<Placed>,
}

impl Reader<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn next(&mut self) {
        let byte = self.byte(0);
        match byte {
            b'\n' => {
                self.first = true;
                self.at += 1;
            }
            _ if byte.is_ascii_whitespace() => self.at += 1,
            b'/' if self.byte(1) == b'/' => self.skip_to("\n"),
            b'/' if self.byte(1) == b'*' => {
                self.at += 2;
                self.skip_to("*/");
                self.at = (self.at + 2).min(self.text.len());
            }
            b'"' => self.quoted(self.at, 0),
            b'`' => self.raw(self.at, self.at + 1, "`"),
            b'\'' => self.character(),
            b'@' if self.byte(1) == b'"' => self.quoted(self.at, 1),
            b'$' if self.byte(1) == b'"' => self.quoted(self.at, 1),
            _ if byte.is_ascii_digit() => self.number(),
            _ if byte == b'_' || byte.is_ascii_alphabetic() => self.name(),
            _ if byte.is_ascii() => {
                self.push(Token::Mark(byte), self.at, self.at + 1);
            }
            _ => {
                self.at += self.text[self.at..]
                    .chars()
                    .next()
                    .map_or(1, char::len_utf8)
            }
        }
    }

    fn push(&mut self, token: Token, start: usize, end: usize) {
        self.found.push(Placed {
            token,
            start,
            end,
            first: self.first,
        });
        self.first = false;
        self.at = end;
    }

    fn skip_to(&mut self, mark: &str) {
        let rest = &self.text[self.at..];
        self.at += rest.find(mark).unwrap_or(rest.len());
    }

    fn number(&mut self) {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|one: char| !one.is_ascii_alphanumeric() && one != '_')
            .unwrap_or(rest.len());
        let number = rest[..end].replace('_', "").parse().unwrap_or(0);
        self.push(Token::Number(number), self.at, self.at + end);
    }

    /// A name with what it is reached through, or a text behind a letter that says how it is written.
    fn name(&mut self) {
        let start = self.at;
        let mut name = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest
                .find(|one: char| !one.is_alphanumeric() && one != '_')
                .unwrap_or(rest.len());
            name.push_str(&rest[..end]);
            self.at += end;
            let rest = &self.text[self.at..];
            let joint = ["::", "->", "."]
                .into_iter()
                .find(|joint| rest.starts_with(joint));
            let Some(joint) = joint else { break };
            if !rest[joint.len()..].starts_with(|one: char| one == '_' || one.is_alphabetic()) {
                break;
            }
            name.push('.');
            self.at += joint.len();
        }
        let rest = &self.text[self.at..];
        let raw = name.ends_with('r') && name.len() <= 2;
        if raw && rest.starts_with(['"', '#']) {
            let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
            if rest[hashes..].starts_with('"') {
                let close = format!("\"{}", "#".repeat(hashes));
                return self.raw(start, self.at + hashes + 1, &close);
            }
        }
        if name.len() <= 2 && rest.starts_with('"') {
            return self.quoted(start, self.at - start);
        }
        self.push(Token::Name(name), start, self.at);
    }

    fn raw(&mut self, start: usize, from: usize, close: &str) {
        let rest = &self.text[from..];
        let length = rest.find(close).unwrap_or(rest.len());
        let text = rest[..length].to_owned();
        let end = (from + length + close.len()).min(self.text.len());
        self.push(Token::Text(text), start, end);
    }

    /// A character in single quotes, or the mark of a lifetime.
    fn character(&mut self) {
        const LONGEST: usize = 12;
        let rest = &self.text[self.at + 1..];
        let escaped = usize::from(rest.starts_with('\\'));
        let close = rest
            .bytes()
            .skip(1 + escaped)
            .take(LONGEST)
            .position(|byte| byte == b'\'');
        match close {
            Some(close) if escaped == 1 || close < 4 => self.at += close + 3 + escaped,
            _ => self.at += 1,
        }
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        self.at = self.at.min(self.text.len());
    }

    /// A text in double quotes, which begins so many bytes behind its start.
    fn quoted(&mut self, start: usize, mark: usize) {
        let verbatim = self.text[start..].starts_with('@');
        let mut value = String::new();
        let mut characters = self.text[start + mark + 1..].char_indices();
        let base = start + mark + 1;
        while let Some((at, one)) = characters.next() {
            match one {
                '"' => return self.push(Token::Text(value), start, base + at + 1),
                '\\' if !verbatim => {
                    if let Some((_, escaped)) = characters.next() {
                        unescape(escaped, &mut characters, &mut value);
                    }
                }
                _ => value.push(one),
            }
        }
        self.push(Token::Text(value), start, self.text.len());
    }
}

/// What stands behind a backslash.
fn unescape(escaped: char, rest: &mut std::str::CharIndices<'_>, value: &mut String) {
    let digits = match escaped {
        'x' => 2,
        'u' => 4,
        _ => 0,
    };
    if digits > 0 {
        let behind = rest.as_str();
        let (skip, hex) = match behind.strip_prefix('{').and_then(|hex| hex.split_once('}')) {
            Some((hex, _)) => (hex.len() + 2, hex),
            None => (digits, behind.get(..digits).unwrap_or("")),
        };
        let code = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        if let Some(character) = code {
            value.push(character);
            for _ in 0..skip {
                rest.next();
            }
            return;
        }
    }
    value.push(match escaped {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        other => other,
    });
}
