//! Compound commands and reserved words.

use std::rc::Rc;

use super::Parser;
use super::tree::{Arm, Function, Node, Slice, Word};
use super::word::{Tildes, is_name, is_name_start};

/// The reserved words, all of which begin with a byte of [`Parser::reserved`]'s quick test.
const RESERVED: [&str; 22] = [
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "select", "function", "{", "}", "!", "[[", "time", "coproc", "in", "]]",
];

impl Parser<'_> {
    /// The reserved word at the position, if there is one.
    pub(super) fn reserved(&self) -> Option<&'static str> {
        if !matches!(
            self.byte(),
            b'i' | b't'
                | b'e'
                | b'f'
                | b'w'
                | b'u'
                | b'd'
                | b'c'
                | b's'
                | b'{'
                | b'}'
                | b'!'
                | b'['
                | b']'
        ) {
            return None;
        }
        let mut end = self.pos;
        // The longest reserved word has eight letters.
        while end < self.end && end < self.pos + 9 {
            match self.bytes[end] {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => {
                    break;
                }
                _ => end += 1,
            }
        }
        let word = &self.bytes[self.pos..end];
        RESERVED
            .into_iter()
            .find(|reserved| reserved.as_bytes() == word)
    }

    /// Takes a reserved word, after newlines; notes an error against `opened` when it is not there.
    fn expect(&mut self, word: &'static str, opened: usize) -> bool {
        self.skip_newlines();
        let found = self.reserved() == Some(word);
        if found {
            self.pos += word.len();
        } else {
            self.trouble(if self.at_end() { opened } else { self.pos });
        }
        found
    }

    /// A compound command at the position; `None`: it is a simple one.
    pub(super) fn compound(&mut self) -> Option<Node> {
        let at = self.pos;
        if self.byte() == b'(' && !self.at_end() {
            if self.byte_at(at + 1) == b'(' && self.arithmetic_ahead(at + 2) {
                self.pos += 2;
                let parts = self.arithmetic_parts();
                return Some(Node::Arithmetic(parts, Slice::new(at, self.pos)));
            }
            self.pos += 1;
            let body = self.body();
            if self.byte() == b')' && !self.at_end() {
                self.pos += 1;
            } else {
                self.trouble(if self.at_end() { at } else { self.pos });
            }
            return Some(Node::Subshell(Box::new(body)));
        }
        let word = self.reserved()?;
        match word {
            "if" | "while" | "until" | "for" | "select" | "case" | "function" | "{" | "[["
            | "coproc" => {}
            _ => return None,
        }
        self.pos += word.len();
        Some(match word {
            "if" => self.if_clause(at),
            "while" | "until" => {
                let condition = self.body();
                let body = self.do_group(at);
                Node::While(Box::new(condition), Box::new(body), word == "until")
            }
            "for" | "select" => self.for_clause(at, word == "select"),
            "case" => self.case_clause(at),
            "function" => self.function_keyword(at),
            "{" => {
                let body = self.body();
                self.expect("}", at);
                Node::Group(Box::new(body))
            }
            "[[" => self.test(at),
            _ => self.coprocess(),
        })
    }

    /// A list that must not be empty.
    fn body(&mut self) -> Node {
        let body = self.list();
        if matches!(&body, Node::List(nodes) if nodes.is_empty()) {
            self.trouble(self.pos);
        }
        body
    }

    fn if_clause(&mut self, at: usize) -> Node {
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.body();
            self.expect("then", at);
            arms.push((condition, self.body()));
            self.skip_newlines();
            match self.reserved() {
                Some("elif") => self.pos += 4,
                Some("else") => {
                    self.pos += 4;
                    otherwise = Some(Box::new(self.body()));
                    break;
                }
                _ => break,
            }
        }
        self.expect("fi", at);
        Node::If(arms, otherwise)
    }

    /// `do list done`, or `{ list }`, which bash takes after `for` as well.
    fn do_group(&mut self, at: usize) -> Node {
        self.skip_newlines();
        if self.reserved() == Some("{") {
            self.pos += 1;
            let body = self.body();
            self.expect("}", at);
            return body;
        }
        self.expect("do", at);
        let body = self.body();
        self.expect("done", at);
        body
    }

    fn for_clause(&mut self, at: usize, select: bool) -> Node {
        self.skip_blanks();
        if self.looking_at("((") && self.arithmetic_ahead(self.pos + 2) {
            self.pos += 2;
            let parts = self.arithmetic_parts();
            self.skip_separator();
            let body = self.do_group(at);
            return Node::ForArithmetic(parts, Box::new(body));
        }
        let name = self.word(Tildes::Start).span;
        if name.start == name.end {
            self.trouble(self.pos);
        }
        self.skip_newlines();
        let mut words = None;
        if self.reserved() == Some("in") {
            self.pos += 2;
            words = Some(self.words_to_separator());
        }
        self.skip_separator();
        let body = Box::new(self.do_group(at));
        if select {
            Node::Select(name, words, body)
        } else {
            Node::For(name, words, body)
        }
    }

    fn words_to_separator(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            let word = self.word(Tildes::Start);
            if word.span.start == word.span.end {
                return words;
            }
            words.push(word);
        }
    }

    /// One `;` and any newlines.
    fn skip_separator(&mut self) {
        self.skip_newlines();
        if self.byte() == b';' && !self.at_end() {
            self.pos += 1;
        }
        self.skip_newlines();
    }

    fn case_clause(&mut self, at: usize) -> Node {
        self.skip_blanks();
        let subject = self.word(Tildes::Start);
        self.expect("in", at);
        let mut arms = Vec::new();
        loop {
            self.skip_newlines();
            if self.at_end() || self.reserved() == Some("esac") {
                break;
            }
            let before = self.pos;
            self.accept("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_newlines();
                patterns.push(self.word(Tildes::Start));
                self.skip_newlines();
                if !self.accept("|") {
                    break;
                }
            }
            if !self.accept(")") {
                self.trouble(self.pos);
            }
            let body = self.list();
            if !self.accept(";;&") && !self.accept(";;") {
                self.accept(";&");
            }
            arms.push(Arm { patterns, body });
            if self.pos == before || (self.byte() == b')' && !self.at_end()) {
                break;
            }
            if matches!(
                self.reserved(),
                Some("done" | "fi" | "then" | "do" | "elif" | "else" | "}")
            ) {
                break;
            }
        }
        self.expect("esac", at);
        Node::Case(subject, arms)
    }

    fn function_keyword(&mut self, at: usize) -> Node {
        self.skip_blanks();
        let name = self.word(Tildes::Start).span;
        if name.start == name.end {
            self.trouble(at);
        }
        self.skip_blanks();
        if self.byte() == b'(' {
            let save = self.pos;
            self.pos += 1;
            self.skip_blanks();
            if !self.accept(")") {
                self.pos = save;
            }
        }
        self.function_body(name, at)
    }

    /// The compound command after `name ()`, with its redirects.
    pub(super) fn function_body(&mut self, name: Slice, at: usize) -> Node {
        self.skip_newlines();
        let start = self.pos;
        let body = match self.compound_with_redirects() {
            Some(node) => node,
            None => {
                self.trouble(at);
                Node::List(Vec::new())
            }
        };
        Node::Function(Rc::new(Function {
            name,
            body,
            body_span: Slice::new(start, self.pos.max(start)),
        }))
    }

    fn coprocess(&mut self) -> Node {
        self.skip_blanks();
        // `coproc NAME { .. }`: a name only before a compound command.
        let save = self.pos;
        let mut name = None;
        if is_name_start(self.byte()) && self.reserved().is_none() {
            while is_name(self.byte()) {
                self.pos += 1;
            }
            let end = self.pos;
            self.skip_blanks();
            if self.byte() == b'(' || self.reserved().is_some_and(|word| word != "in") {
                name = Some(Slice::new(save, end));
            } else {
                self.pos = save;
            }
        }
        Node::Coprocess(name, Box::new(self.command()))
    }

    /// `[[ .. ]]`: its words; operators are left out, they expand nothing.
    fn test(&mut self, at: usize) -> Node {
        let mut words = Vec::new();
        let mut regex = false;
        loop {
            self.skip_newlines();
            if self.at_end() {
                self.trouble(at);
                break;
            }
            if self.reserved() == Some("]]") {
                self.pos += 2;
                break;
            }
            if regex {
                words.push(self.regex());
                regex = false;
                continue;
            }
            match self.byte() {
                b'&' | b'|' if self.byte_at(self.pos + 1) == self.byte() => self.pos += 2,
                b'(' | b')' | b'<' | b'>'
                    if self.byte_at(self.pos + 1) != b'(' || matches!(self.byte(), b'(' | b')') =>
                {
                    self.pos += 1
                }
                b';' | b'&' | b'|' => {
                    self.trouble(self.pos);
                    break;
                }
                _ => {
                    let word = self.word(Tildes::Start);
                    if word.span.start == word.span.end {
                        self.trouble(self.pos);
                        self.skip_token();
                        continue;
                    }
                    regex = word.span.of(self.text) == "=~";
                    words.push(word);
                }
            }
        }
        Node::Test(words)
    }

    /// The word after `=~`, where parentheses and `|` are ordinary.
    fn regex(&mut self) -> Word {
        let start = self.pos;
        let mut parts = super::word::Parts::new(start);
        let mut depth = 0_usize;
        while !self.at_end() {
            self.steps += 1;
            match self.byte() {
                b' ' | b'\t' if depth == 0 => break,
                b'\n' => break,
                b'(' => {
                    depth += 1;
                    self.pos += 1;
                }
                b')' => {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                    self.pos += 1;
                }
                b'[' => self.bracket(),
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.quoting(&mut parts, false),
                _ => self.pos += 1,
            }
        }
        if self.pos == start {
            self.pos += self.char_len(start);
        }
        Word {
            span: Slice::new(start, self.pos),
            parts: parts.finish(self.pos),
            braces: false,
        }
    }

    /// Over `[`, or over a bracket expression that closes before a blank: `[()]` opens nothing.
    fn bracket(&mut self) {
        let rest = self.bytes.get(self.pos..self.end).unwrap_or_default();
        let stop = rest.iter().skip(1).position(|byte| {
            matches!(
                byte,
                b']' | b'[' | b' ' | b'\n' | b'$' | b'"' | b'\'' | b'\\' | b'`'
            )
        });
        self.pos += match stop {
            Some(offset) if rest[offset + 1] == b']' => offset + 2,
            _ => 1,
        };
    }
}
