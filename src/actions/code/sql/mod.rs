//! SQL and the commands of its clients, to what they do to a database.
//!
//! One reader for all dialects: it knows statements, targets and conditions, not types or names. A statement it does
//! not know is `unknown`, never harmless.

mod condition;
mod lex;
mod meta;
mod statement;

use super::CodeEffect;
use crate::span::ByteSpan;
use lex::{Backslash, Kind, Token};

/// What a SQL text would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut effects = read(text, Backslash::Literal);
    // `'a\'` ends a string in one dialect and not in another: where it matters, both readings count.
    if memchr::memmem::find(text.as_bytes(), b"\\'").is_some() {
        for mut effect in read(text, Backslash::Escapes) {
            if !effects.iter().any(|held| held.what == effect.what) {
                effect.certain = false;
                effects.push(effect);
            }
        }
    }
    effects
}

fn read(text: &str, backslash: Backslash) -> Vec<CodeEffect> {
    let tokens = lex::tokens(text, backslash);
    let mut reader = statement::Reader::new();
    let mut begin = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::End => {
                reader.statement(Tokens::new(text, &tokens[begin..index]));
                begin = index + 1;
            }
            Kind::Meta => {
                reader.statement(Tokens::new(text, &tokens[begin..index]));
                meta::read(&mut reader, text, token);
                begin = index + 1;
            }
            _ => {}
        }
    }
    reader.statement(Tokens::new(text, &tokens[begin..]));
    reader.effects
}

/// A run of tokens in its text.
#[derive(Clone, Copy)]
struct Tokens<'a> {
    source: &'a str,
    tokens: &'a [Token],
}

impl<'a> Tokens<'a> {
    fn new(source: &'a str, tokens: &'a [Token]) -> Self {
        Self { source, tokens }
    }

    fn len(self) -> usize {
        self.tokens.len()
    }

    fn is_empty(self) -> bool {
        self.tokens.is_empty()
    }

    fn range(self, from: usize, to: usize) -> Self {
        let to = to.min(self.tokens.len());
        let from = from.min(to);
        Self {
            source: self.source,
            tokens: &self.tokens[from..to],
        }
    }

    fn from(self, from: usize) -> Self {
        self.range(from, self.tokens.len())
    }

    fn kind(self, index: usize) -> Option<&'a Kind> {
        self.tokens.get(index).map(|token| &token.kind)
    }

    fn text(self, index: usize) -> &'a str {
        self.tokens
            .get(index)
            .and_then(|token| self.source.get(token.start..token.end))
            .unwrap_or("")
    }

    fn is_word(self, index: usize, word: &str) -> bool {
        matches!(self.kind(index), Some(Kind::Word)) && self.text(index).eq_ignore_ascii_case(word)
    }

    fn is_any(self, index: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(index, word))
    }

    fn is_op(self, index: usize, byte: u8) -> bool {
        matches!(self.kind(index), Some(Kind::Op(op)) if *op == byte)
    }

    /// A bare or quoted name.
    fn name(self, index: usize) -> Option<&'a str> {
        match self.kind(index)? {
            Kind::Word => Some(self.text(index)),
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// A string and where it stands unchanged.
    fn string(self, index: usize) -> Option<(&'a str, Option<usize>)> {
        match self.kind(index)? {
            Kind::Text(text, at) => Some((text, *at)),
            // MySQL and SQLite take double quotes for strings.
            Kind::Name(name) => Some((name, None)),
            _ => None,
        }
    }

    /// A possibly qualified name (`db.schema.table`) and the token after it.
    fn qualified(self, index: usize) -> Option<(String, usize)> {
        let mut name = match self.kind(index)? {
            Kind::Op(b'*') => String::from("*"),
            Kind::Text(text, _) => text.clone(),
            Kind::Op(sign @ (b'#' | b'@')) => {
                let mut after = index + 1;
                let mut name = char::from(*sign).to_string();
                while self.is_op(after, *sign) {
                    name.push(char::from(*sign));
                    after += 1;
                }
                name.push_str(self.name(after)?);
                return Some((name, after + 1));
            }
            _ => self.name(index)?.to_owned(),
        };
        let mut after = index + 1;
        while self.is_op(after, b'.') {
            let part = if self.is_op(after + 1, b'*') {
                "*"
            } else if self.is_op(after + 1, b'.') {
                // T-SQL's `db..table`.
                after += 1;
                continue;
            } else {
                match self.name(after + 1) {
                    Some(part) => part,
                    None => break,
                }
            };
            name.push('.');
            name.push_str(part);
            after += 2;
        }
        Some((name, after))
    }

    /// The index of the parenthesis that closes the one at `open`.
    fn closing(self, open: usize) -> Option<usize> {
        let distance = self.tokens.get(open)?.closes_after;
        let close = open + distance;
        (distance > 0 && close < self.len()).then_some(close)
    }

    /// The first of those words from `from` on, outside of parentheses.
    fn find(self, from: usize, words: &[&str]) -> Option<usize> {
        let mut depth = 0usize;
        for index in from..self.len() {
            match self.kind(index) {
                Some(Kind::Op(b'(')) => depth += 1,
                Some(Kind::Op(b')')) => depth = depth.saturating_sub(1),
                Some(Kind::Word) if depth == 0 && self.is_any(index, words) => return Some(index),
                _ => {}
            }
        }
        None
    }

    fn span(self) -> Option<ByteSpan> {
        let first = self.tokens.first()?;
        let last = self.tokens.last()?;
        ByteSpan::new(first.start, last.end)
    }
}
