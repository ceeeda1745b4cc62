//! Shell text to a syntax tree: POSIX grammar with the bash extensions that agents use.
//!
//! Tolerant and total: an error is noted with its position, the parser skips what it cannot place and goes on, so that
//! whatever stands before and after stays visible. One pass; nesting is bounded by [`MAX_NESTING`]. Knows nothing of
//! values: what an expansion yields is the business of the resolver.

mod command;
mod compound;
mod heredoc;
mod parameter;
pub mod tree;
mod word;

use std::rc::Rc;

use tree::{Heredoc, Node, Tree, Trouble};

/// How deep commands, substitutions and quotes may nest. Real texts stay under ten.
pub const MAX_NESTING: u32 = 100;

/// How far a `[` is followed in search of the `]` that makes it a subscript.
const MAX_SUBSCRIPT: usize = 256;

/// How many errors are kept; the first already makes the rest of the text unknown.
const MAX_TROUBLES: usize = 8;

/// Parses a text. Total: every text has a tree.
pub fn parse(source: &str) -> Tree {
    let mut parser = Parser::new(source);
    let root = parser.script();
    Tree {
        root: Rc::new(root),
        heredocs: parser.heredocs,
        troubles: parser.troubles,
        steps: parser.steps,
    }
}

/// Parses a text as the inside of double quotes: expansions, but neither words nor quotes.
pub fn parse_quoted(source: &str) -> (Vec<tree::Part>, Tree) {
    let mut parser = Parser::new(source);
    let parts = parser.quoted_until_end();
    let tree = Tree {
        root: Rc::new(Node::List(Vec::new())),
        heredocs: parser.heredocs,
        troubles: parser.troubles,
        steps: parser.steps,
    };
    (parts, tree)
}

/// A here-document whose body has not been read yet.
struct Pending {
    index: usize,
    delimiter: String,
    quoted: bool,
}

/// The parser's state: a position in the text.
struct Parser<'s> {
    text: &'s str,
    bytes: &'s [u8],
    pos: usize,
    /// Where reading stops; less than the text's end inside backquotes.
    end: usize,
    depth: u32,
    heredocs: Vec<Heredoc>,
    pending: Vec<Pending>,
    troubles: Vec<Trouble>,
    steps: usize,
    /// A search for `))` met the end of the text: another would too.
    no_arithmetic: bool,
}

impl<'s> Parser<'s> {
    fn new(text: &'s str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            end: text.len(),
            depth: 0,
            heredocs: Vec::new(),
            pending: Vec::new(),
            troubles: Vec::new(),
            steps: 0,
            no_arithmetic: false,
        }
    }

    /// The byte at the position, or zero at the end. A zero byte in the text is an ordinary character, so ends are
    /// told by [`Parser::at_end`].
    fn byte(&self) -> u8 {
        self.byte_at(self.pos)
    }

    fn byte_at(&self, at: usize) -> u8 {
        if at < self.end { self.bytes[at] } else { 0 }
    }

    fn at_end(&self) -> bool {
        self.pos >= self.end
    }

    fn looking_at(&self, literal: &str) -> bool {
        self.bytes
            .get(self.pos..self.end)
            .is_some_and(|rest| rest.starts_with(literal.as_bytes()))
    }

    fn accept(&mut self, literal: &str) -> bool {
        let found = self.looking_at(literal);
        if found {
            self.pos += literal.len();
        }
        found
    }

    /// Length of the character at `at`, so that no position ever splits one.
    fn char_len(&self, at: usize) -> usize {
        match self.byte_at(at) {
            0..=0x7f => 1,
            byte if byte >= 0xf0 => 4,
            byte if byte >= 0xe0 => 3,
            _ => 2,
        }
        .min(self.end.saturating_sub(at))
        .max(1)
    }

    fn trouble(&mut self, at: usize) {
        if self.troubles.len() < MAX_TROUBLES {
            self.troubles.push(Trouble { at, limit: false });
        }
    }

    /// Enters one level of nesting; at the budget's end the rest of the text is given up, and says so.
    fn enter(&mut self) -> bool {
        if self.depth >= MAX_NESTING {
            if !self.troubles.iter().any(|trouble| trouble.limit) {
                self.troubles.push(Trouble {
                    at: self.pos,
                    limit: true,
                });
            }
            self.pos = self.end;
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Spaces, tabs, line continuations and comments; a carriage return counts as space before a newline or the end.
    fn skip_blanks(&mut self) {
        let mut token_start = self.pos == 0
            || matches!(
                self.bytes.get(self.pos - 1),
                Some(b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')')
            );
        loop {
            self.steps += 1;
            match self.byte() {
                b' ' | b'\t' => self.pos += 1,
                b'\r' if self.pos + 1 >= self.end || self.bytes[self.pos + 1] == b'\n' => {
                    self.pos += 1;
                }
                b'\\' if self.continuation(self.pos) > 0 => self.pos += self.continuation(self.pos),
                b'#' if token_start => {
                    let rest = self.bytes.get(self.pos..self.end).unwrap_or_default();
                    self.pos += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    return;
                }
                _ => return,
            }
            token_start = true;
        }
    }

    /// Length of a line continuation at `at`, or zero.
    fn continuation(&self, at: usize) -> usize {
        if self.byte_at(at) != b'\\' {
            return 0;
        }
        match (self.byte_at(at + 1), self.byte_at(at + 2)) {
            (b'\n', _) => 2,
            (b'\r', b'\n') => 3,
            _ => 0,
        }
    }

    /// Takes a newline, and the bodies of the here-documents that wait for it.
    fn newline(&mut self) {
        self.pos += 1;
        if !self.pending.is_empty() {
            self.read_heredocs();
        }
    }

    fn skip_newlines(&mut self) {
        loop {
            self.skip_blanks();
            if self.at_end() || self.byte() != b'\n' {
                return;
            }
            self.newline();
        }
    }
}
