//! Statements and expressions of the languages that [`lex`](super::lex) reads, evaluated as far as the text tells.
//!
//! A tolerant walk, not a grammar: what it does not understand it steps over, one token at a time, so that every call
//! in the text is seen. Nothing is executed; loops are not unrolled, branches are all taken and said to be uncertain.

use std::collections::HashMap;
use std::rc::Rc;

use super::lex::{self, Part, Text, Tok, Token, Usage};
use super::value::{Kind, Origin, Val, concat, either};
use super::{CodeEffect, LIMIT_REASON, Language, What};
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

/// Expressions and blocks nested deeper than this are stepped over and reported.
const MAX_DEPTH: usize = 40;

/// Strings inside of strings: each level reads its text once more.
const MAX_NESTED_TEXTS: usize = 6;

/// Bytes of folded text that one analysis may copy.
const MAX_COPIED_BYTES: usize = 8 * 1024 * 1024;

/// Expressions that one analysis may evaluate, for text within [`super::MAX_CODE_BYTES`] read a few times over.
const MAX_STEPS: usize = 1_500_000;

/// How often the element of a comprehension is evaluated.
const MAX_ELEMENTS: usize = 512;

/// Arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Args {
    pub pos: Vec<Val>,
    pub named: Vec<(String, Val)>,
}

impl Args {
    /// The option with one of those names: a keyword argument, or an entry of a dictionary among the arguments.
    pub fn option(&self, names: &[&str]) -> Option<&Val> {
        let held = |entries: &'_ [(String, Val)]| {
            entries
                .iter()
                .position(|(name, _)| names.contains(&name.as_str()))
        };
        if let Some(index) = held(&self.named) {
            return self.named.get(index).map(|(_, value)| value);
        }
        self.pos.iter().find_map(|value| match &value.kind {
            Kind::Map(entries) => held(entries)
                .and_then(|index| entries.get(index))
                .map(|(_, value)| value),
            _ => None,
        })
    }

    /// The worst origin among all arguments.
    pub fn origin(&self) -> Origin {
        let all = self
            .pos
            .iter()
            .chain(self.named.iter().map(|(_, value)| value));
        all.fold(Origin::Code, |origin, value| {
            origin.join(super::calls::origin_of(value))
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Brace,
    Word,
}

/// The state of one analysis.
pub(super) struct Walker<'a> {
    pub language: Language,
    source: &'a str,
    tokens: Rc<Vec<Token>>,
    at: usize,
    /// The token at which the expression that is being read begins.
    pub chain: usize,
    vars: HashMap<String, Val>,
    counts: HashMap<&'a str, u32>,
    /// Modules whose names were all imported.
    pub stars: Vec<String>,
    pub effects: Vec<CodeEffect>,
    pub certain: bool,
    depth: usize,
    nested_texts: usize,
    steps: usize,
    copied: usize,
    limited: bool,
    /// What a callback's parameter will be.
    element: Option<Val>,
    /// Hosts that were connected to, for shells that are tied to them.
    pub connections: Vec<(Value, ByteSpan)>,
    /// Whether standard streams were made of something else, or a shell was started on a connection.
    pub redirected: bool,
    pub started_shell: bool,
}

/// Analyses a text.
pub(super) fn analyse(language: Language, source: &str) -> Vec<CodeEffect> {
    let tokens = lex::tokens(language, source, 0, source.len());
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for token in &tokens {
        if token.tok == Tok::Ident {
            let word = source[token.start..token.end].trim_start_matches(['&', '$']);
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut walker = Walker {
        language,
        source,
        tokens: Rc::new(tokens),
        at: 0,
        chain: 0,
        vars: HashMap::new(),
        counts,
        stars: Vec::new(),
        effects: Vec::new(),
        certain: true,
        depth: 0,
        nested_texts: 0,
        steps: 0,
        copied: 0,
        limited: false,
        element: None,
        connections: Vec::new(),
        redirected: false,
        started_shell: false,
    };
    walker.statements(End::Text);
    walker.remote_shell();
    walker.effects
}

impl<'a> Walker<'a> {
    // ---- tokens

    fn word_at(&self, index: usize) -> &'a str {
        self.tokens
            .get(index)
            .map_or("", |token| &self.source[token.start..token.end])
    }

    fn word(&self) -> &'a str {
        self.word_at(self.at)
    }

    fn is_ident(&self, index: usize) -> bool {
        matches!(
            self.tokens.get(index),
            Some(Token {
                tok: Tok::Ident,
                ..
            })
        )
    }

    fn is_text(&self, index: usize) -> bool {
        matches!(
            self.tokens.get(index),
            Some(Token {
                tok: Tok::Text(_),
                ..
            })
        )
    }

    fn is_op(&self, index: usize, sign: &str) -> bool {
        matches!(self.tokens.get(index), Some(Token { tok: Tok::Op, .. }))
            && self.word_at(index) == sign
    }

    fn is_key(&self, index: usize, word: &str) -> bool {
        self.is_ident(index) && self.word_at(index) == word
    }

    fn is_newline(&self, index: usize) -> bool {
        matches!(
            self.tokens.get(index),
            Some(Token {
                tok: Tok::Newline,
                ..
            })
        )
    }

    fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn skip_newlines(&mut self) {
        while self.is_newline(self.at) {
            self.at += 1;
        }
    }

    fn start_of(&self, index: usize) -> usize {
        self.tokens
            .get(index)
            .map_or(self.source.len(), |token| token.start)
    }

    /// From the first byte of that token to the last byte read.
    pub fn span_from(&self, index: usize) -> Option<ByteSpan> {
        let start = self.start_of(index);
        let end = self
            .at
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(start, |token| token.end);
        ByteSpan::new(
            start,
            end.max(self.tokens.get(index).map_or(start, |token| token.end)),
        )
    }

    pub fn push(&mut self, what: What, span: Option<ByteSpan>) {
        let Some(span) = span else {
            return;
        };
        self.effects.push(CodeEffect {
            what,
            span,
            certain: self.certain,
        });
    }

    pub fn unknown(&mut self, reason: &str, span: Option<ByteSpan>) {
        let reason = reason.to_owned();
        self.push(What::Unknown { reason }, span);
    }

    fn limit(&mut self) {
        if !self.limited {
            self.limited = true;
            let span = ByteSpan::new(
                self.start_of(self.at)
                    .min(self.source.len().saturating_sub(1)),
                self.source.len(),
            );
            self.unknown(LIMIT_REASON, span);
        }
    }

    /// Whether there is budget for one more level; says so when there is none.
    fn enter(&mut self) -> bool {
        self.steps += 1;
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            self.limit();
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn copy(&mut self, value: &Val) -> Val {
        self.copied += value.size();
        if self.copied > MAX_COPIED_BYTES {
            self.limit();
            return Val::opaque("").from(value.origin.clone());
        }
        value.clone()
    }

    // ---- families

    fn braces(&self) -> bool {
        !matches!(
            self.language,
            Language::Python | Language::Ruby | Language::Lua | Language::Julia
        )
    }

    fn end_words(&self) -> bool {
        matches!(
            self.language,
            Language::Ruby | Language::Lua | Language::Julia
        )
    }

    fn sigils(&self) -> bool {
        matches!(self.language, Language::Perl | Language::Php)
    }

    // ---- statements

    fn statements(&mut self, end: End) {
        if !self.enter() {
            return;
        }
        // Python's blocks: the column of the header, and what holds inside.
        let mut blocks: Vec<(usize, bool)> = Vec::new();
        let outer = self.certain;
        let mut line_begins = true;
        while !self.done() {
            if self.is_newline(self.at) || self.is_op(self.at, ";") {
                line_begins = self.is_newline(self.at);
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, "}") {
                self.at += 1;
                if end == End::Brace {
                    break;
                }
                continue;
            }
            if end == End::Word && self.is_key(self.at, "end") {
                self.at += 1;
                break;
            }
            if end != End::Text
                && (self.is_op(self.at, ")") || self.is_op(self.at, "]"))
                && end == End::Word
            {
                break;
            }
            if self.language == Language::Python && line_begins {
                let column = self.column();
                while blocks.last().is_some_and(|(indent, _)| column <= *indent) {
                    blocks.pop();
                }
                self.certain = blocks.last().map_or(outer, |(_, certain)| *certain);
            }
            let column_needed = self.language == Language::Python;
            let column = if column_needed && line_begins {
                self.column()
            } else {
                0
            };
            let before = self.at;
            let block = self.statement();
            if self.language == Language::Python
                && let Some(certain) = block
            {
                // A body on the next lines, or on this one up to its end.
                self.certain = certain;
                if self.is_newline(self.at) {
                    blocks.push((column, certain));
                }
            }
            line_begins = false;
            if self.at == before {
                self.at += 1;
            }
        }
        self.certain = outer;
        self.leave();
    }

    fn column(&self) -> usize {
        let start = self.start_of(self.at);
        let line =
            memchr::memrchr(b'\n', &self.source.as_bytes()[..start]).map_or(0, |found| found + 1);
        start - line
    }

    /// One statement. `Some(certain)` when it was the header of a Python block.
    fn statement(&mut self) -> Option<bool> {
        if !self.is_ident(self.at) {
            return self.expression_statement();
        }
        // An attribute or key that looks like a keyword is none.
        if self.is_op(self.at + 1, "=")
            || self.is_op(self.at + 1, ".")
            || self.is_op(self.at + 1, "=>")
        {
            return self.expression_statement();
        }
        let word = self.word();
        match word {
            "import" | "from" if self.language == Language::Python => self.python_import(),
            "import" if self.language == Language::JavaScript && !self.is_op(self.at + 1, "(") => {
                self.script_import()
            }
            "use" | "no" | "package" | "namespace" if self.sigils() => self.skip_statement(),
            "export" | "async" | "return" | "throw" | "raise" | "yield" | "const" | "let"
            | "var" | "my" | "our" | "local" | "public" | "private" | "protected" | "static"
            | "final" | "abstract" | "using" | "readonly" | "default" | "await" | "nonlocal"
            | "del" | "assert" | "goto"
                if !self.is_op(self.at + 1, "(")
                    || matches!(
                        word,
                        "my" | "our" | "local" | "return" | "await" | "yield" | "del" | "throw"
                    ) =>
            {
                self.at += 1;
            }
            "global" if matches!(self.language, Language::Python | Language::Php) => self.at += 1,
            "def" | "function" | "sub" | "fn" | "macro" => return self.function(true),
            "class" | "module" | "interface" | "trait" | "struct" | "enum" => return self.class(),
            "if" | "while" | "unless" | "until" | "elif" | "elsif" | "elseif" | "switch"
            | "case" | "match" | "when" | "catch" | "except" | "rescue" | "for" | "foreach"
            | "else" | "try" | "finally" | "ensure" | "begin" | "do" | "with" | "BEGIN" | "END"
            | "loop" | "repeat" | "then" | "quote"
                if self.is_header(word) =>
            {
                return self.header(word);
            }
            _ => return self.expression_statement(),
        }
        None
    }

    fn is_header(&self, word: &str) -> bool {
        match (self.language, word) {
            (_, "if" | "while" | "for" | "else" | "try") => true,
            (Language::Python, "elif" | "except" | "finally" | "with") => true,
            (Language::Python, "match" | "case") => !self.is_op(self.at + 1, "("),
            (Language::Python, _) => false,
            (
                Language::Ruby,
                "unless" | "until" | "elsif" | "case" | "when" | "rescue" | "ensure" | "begin"
                | "do" | "then" | "loop",
            ) => true,
            (Language::Ruby, "BEGIN" | "END") => true,
            (Language::Lua, "elseif" | "do" | "then" | "repeat" | "until") => true,
            (
                Language::Julia,
                "elseif" | "catch" | "finally" | "begin" | "do" | "let" | "quote",
            ) => true,
            (Language::Perl, "unless" | "until" | "elsif" | "foreach" | "BEGIN" | "END") => true,
            (Language::Perl, "do") => self.is_op(self.at + 1, "{"),
            (Language::Php, "elseif" | "switch" | "foreach" | "do" | "catch" | "finally") => true,
            (Language::JavaScript | Language::Mongo, "switch" | "catch" | "finally" | "do") => true,
            (Language::R, "repeat") => true,
            _ => false,
        }
    }

    fn header(&mut self, word: &'a str) -> Option<bool> {
        let outer = self.certain;
        self.at += 1;
        let mut certain = match word {
            "for" | "foreach" => self.loop_header(),
            "if" | "while" | "unless" | "until" | "elif" | "elsif" | "elseif" | "switch"
            | "case" | "match" | "when" => {
                let condition = if self.is_newline(self.at) {
                    Val::opaque("")
                } else {
                    self.expression()
                };
                while self.is_op(self.at, ",") {
                    self.at += 1;
                    self.expression();
                }
                let positive = matches!(word, "if" | "while");
                let main_guard = matches!(&condition.kind, Kind::Opaque(who) if who == "__main__");
                outer && ((positive && condition.is_true()) || main_guard)
            }
            "catch" | "except" | "rescue" => {
                if self.is_op(self.at, "(") {
                    self.skip_balanced();
                } else {
                    while !self.done()
                        && !self.is_newline(self.at)
                        && !self.is_op(self.at, ":")
                        && !self.is_op(self.at, "{")
                        && !self.is_key(self.at, "then")
                    {
                        self.at += 1;
                    }
                }
                false
            }
            "with" => {
                self.with_header();
                outer
            }
            "else" => false,
            _ => outer,
        };
        if self.language == Language::Python {
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            return Some(certain);
        }
        if self.end_words() {
            let continues = matches!(
                word,
                "else"
                    | "elsif"
                    | "elseif"
                    | "when"
                    | "rescue"
                    | "ensure"
                    | "catch"
                    | "finally"
                    | "then"
                    | "until"
                    | "in"
            );
            if self.is_key(self.at, "then") || self.is_key(self.at, "do") {
                self.at += 1;
            }
            if continues {
                // Goes on inside of the block that its first keyword opened.
                if matches!(word, "then") {
                    certain = outer;
                }
                self.certain = certain && self.certain;
                return None;
            }
            self.certain = certain;
            self.block_variables();
            self.statements(End::Word);
            self.certain = outer;
            return None;
        }
        self.certain = certain;
        self.brace_or_statement();
        self.certain = outer;
        None
    }

    fn brace_or_statement(&mut self) {
        let mut next = self.at;
        while self.is_newline(next) {
            next += 1;
        }
        if self.is_op(next, "{") {
            self.at = next + 1;
            self.statements(End::Brace);
        } else if self.is_op(self.at, ":") {
            self.at += 1;
        } else if self.is_op(self.at, ";") {
        } else {
            self.at = next;
            if self.enter() {
                self.statement();
                self.leave();
            }
        }
    }

    fn with_header(&mut self) {
        loop {
            let value = self.expression();
            if self.is_key(self.at, "as") {
                self.at += 1;
                if self.is_ident(self.at) {
                    let name = self.word();
                    self.at += 1;
                    self.bind(name, value);
                }
            }
            if !self.is_op(self.at, ",") {
                break;
            }
            self.at += 1;
        }
    }

    /// After `for`: binds the variable to what is known of the elements; whether the body runs for sure.
    fn loop_header(&mut self) -> bool {
        let outer = self.certain;
        let parenthesis = self.is_op(self.at, "(");
        if parenthesis {
            self.at += 1;
        }
        while matches!(
            self.word(),
            "const" | "let" | "var" | "my" | "our" | "await" | "each"
        ) && self.is_ident(self.at)
        {
            self.at += 1;
        }
        // `for my $x (LIST)`
        if self.language == Language::Perl
            && self.is_ident(self.at)
            && self.is_op(self.at + 1, "(")
            && !parenthesis
        {
            let name = self.word();
            self.at += 1;
            let list = self.expression();
            return self.bind_element(name, &list) && outer;
        }
        let begin = self.at;
        let mut names = Vec::new();
        while self.is_ident(self.at)
            || self.is_op(self.at, ",")
            || self.is_op(self.at, "[")
            || self.is_op(self.at, "]")
            || self.is_op(self.at, "(")
            || self.is_op(self.at, ")")
        {
            if self.is_key(self.at, "in") || self.is_key(self.at, "of") || names.len() > 8 {
                break;
            }
            if self.is_ident(self.at) {
                names.push(self.word());
            }
            self.at += 1;
        }
        let mut certain = false;
        if self.is_key(self.at, "in")
            || self.is_key(self.at, "of")
            || (self.language == Language::Julia && self.is_op(self.at, "="))
        {
            self.at += 1;
            let list = self.expression();
            if let Some(name) = names.last() {
                certain = self.bind_element(name, &list);
            }
        } else {
            self.at = begin;
            let list = self.expression();
            if self.is_key(self.at, "as") {
                // PHP: `foreach (LIST as $key => $value)`
                self.at += 1;
                let mut name = "";
                while self.is_ident(self.at)
                    || self.is_op(self.at, "=>")
                    || self.is_op(self.at, "&")
                {
                    if self.is_ident(self.at) {
                        name = self.word();
                    }
                    self.at += 1;
                }
                certain = self.bind_element(name, &list);
            } else if self.language == Language::Perl {
                certain = self.bind_element("_", &list);
            }
        }
        if parenthesis {
            let mut guard = 0;
            while !self.done() && !self.is_op(self.at, ")") && guard < 64 {
                if self.is_op(self.at, ";") || self.is_op(self.at, ",") || self.is_op(self.at, "=")
                {
                    self.at += 1;
                } else {
                    let before = self.at;
                    self.expression();
                    if self.at == before {
                        self.at += 1;
                    }
                }
                guard += 1;
            }
            if self.is_op(self.at, ")") {
                self.at += 1;
            }
        }
        certain && outer
    }

    fn bind_element(&mut self, name: &'a str, list: &Val) -> bool {
        let element = element_of(list, name);
        let known = !matches!(element.kind, Kind::Opaque(_));
        self.bind(name, element);
        known
    }

    fn class(&mut self) -> Option<bool> {
        self.at += 1;
        while !self.done()
            && !self.is_newline(self.at)
            && !self.is_op(self.at, "{")
            && !self.is_op(self.at, ":")
            && !self.is_op(self.at, ";")
        {
            self.at += 1;
        }
        if self.language == Language::Python {
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            return Some(self.certain);
        }
        if self.end_words() {
            self.statements(End::Word);
        } else {
            self.brace_or_statement();
        }
        None
    }

    /// A function: its body runs for sure when it has no name, or when its name stands somewhere else too.
    fn function(&mut self, named: bool) -> Option<bool> {
        let outer = self.certain;
        self.at += 1;
        if self.is_op(self.at, "*") {
            self.at += 1;
        }
        let mut name = "";
        while named
            && (self.is_ident(self.at)
                || self.is_op(self.at, ".")
                || self.is_op(self.at, ":")
                || self.is_op(self.at, "&"))
        {
            if self.is_ident(self.at) {
                name = self.word();
                if self.end_words()
                    && name != "self"
                    && !self.is_op(self.at + 1, ".")
                    && !self.is_op(self.at + 1, ":")
                {
                    self.at += 1;
                    break;
                }
            }
            self.at += 1;
        }
        let called = name.is_empty() || self.counts.get(name).copied().unwrap_or(0) > 1;
        let certain = outer && called;
        if self.is_op(self.at, "(") {
            self.parameters();
        }
        if self.language == Language::Python {
            while !self.done() && !self.is_newline(self.at) && !self.is_op(self.at, ":") {
                self.at += 1;
            }
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            return Some(certain);
        }
        self.certain = certain;
        if self.end_words() {
            if self.is_op(self.at, "=") {
                self.at += 1;
                self.expression();
            } else {
                self.statements(End::Word);
            }
        } else if self.language == Language::R {
            self.expression_or_block();
        } else {
            while !self.done()
                && !self.is_newline(self.at)
                && !self.is_op(self.at, "{")
                && !self.is_op(self.at, ";")
                && !self.is_op(self.at, "=>")
            {
                self.at += 1;
            }
            if self.is_op(self.at, "=>") {
                self.at += 1;
                self.expression();
            } else if self.is_op(self.at, "{") || self.is_newline(self.at) {
                self.brace_or_statement();
            }
        }
        self.certain = outer;
        None
    }

    fn expression_or_block(&mut self) {
        if self.is_op(self.at, "{") {
            self.at += 1;
            self.statements(End::Brace);
        } else {
            self.expression();
        }
    }

    /// Steps over a parameter list; what its names meant before no longer holds.
    fn parameters(&mut self) {
        let begin = self.at;
        self.skip_balanced();
        for index in begin..self.at {
            if self.is_ident(index) {
                let name = self.word_at(index);
                self.vars.remove(bare(name));
            }
        }
    }

    fn skip_balanced(&mut self) {
        let mut depth = 0usize;
        while !self.done() {
            match self.word() {
                "(" | "[" | "{" if !self.is_text(self.at) => depth += 1,
                ")" | "]" | "}" if !self.is_text(self.at) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn skip_statement(&mut self) {
        while !self.done() && !self.is_op(self.at, ";") && !self.is_newline(self.at) {
            self.at += 1;
        }
    }

    fn block_variables(&mut self) {
        if self.is_op(self.at, "|") {
            self.at += 1;
            let mut first = true;
            while !self.done() && !self.is_op(self.at, "|") && !self.is_newline(self.at) {
                if self.is_ident(self.at) {
                    let name = self.word();
                    let value = if first { self.element.take() } else { None };
                    first = false;
                    match value {
                        Some(value) => self.bind(name, value),
                        None => {
                            self.vars.remove(name);
                        }
                    }
                }
                self.at += 1;
            }
            if self.is_op(self.at, "|") {
                self.at += 1;
            }
        }
    }

    // ---- imports

    fn python_import(&mut self) {
        if self.word() == "import" {
            loop {
                self.at += 1;
                let module = self.dotted();
                let first = module.split('.').next().unwrap_or("").to_owned();
                if self.is_key(self.at, "as") {
                    let alias = self.word_at(self.at + 1);
                    self.at += 2;
                    self.bind(alias, Val::name(super::calls::canonical(&module)));
                } else {
                    self.vars.remove(&first);
                }
                if !self.is_op(self.at, ",") {
                    return;
                }
            }
        }
        self.at += 1;
        let module = self.dotted();
        if !self.is_key(self.at, "import") {
            return;
        }
        self.at += 1;
        if self.is_op(self.at, "(") {
            self.at += 1;
        }
        if self.is_op(self.at, "*") {
            self.at += 1;
            self.stars.push(module);
            return;
        }
        while self.is_ident(self.at) {
            let name = self.word();
            self.at += 1;
            let mut alias = name;
            if self.is_key(self.at, "as") {
                alias = self.word_at(self.at + 1);
                self.at += 2;
            }
            self.bind(
                alias,
                Val::name(super::calls::canonical(&format!("{module}.{name}"))),
            );
            if self.is_op(self.at, ",") {
                self.at += 1;
            }
        }
        if self.is_op(self.at, ")") {
            self.at += 1;
        }
    }

    fn dotted(&mut self) -> String {
        let mut out = String::new();
        while self.is_ident(self.at)
            || self.is_op(self.at, ".")
            || self.is_op(self.at, "...")
            || self.is_op(self.at, "..")
        {
            if self.is_ident(self.at) && !out.is_empty() && !out.ends_with('.') {
                break;
            }
            if out.len() < 256 {
                out.push_str(self.word());
            }
            self.at += 1;
        }
        out
    }

    /// `import x, {y as z} from 'm'`, `import * as x from 'm'`, `import 'm'`.
    fn script_import(&mut self) {
        self.at += 1;
        let begin = self.at;
        while !self.done()
            && !self.is_text(self.at)
            && !self.is_op(self.at, ";")
            && self.at < begin + 512
        {
            self.at += 1;
        }
        let Some(module) = self.plain_text(self.at) else {
            return;
        };
        let module = super::calls::canonical(&module);
        let end = self.at;
        self.at += 1;
        let mut index = begin;
        let mut inside = false;
        while index < end {
            if self.is_op(index, "{") {
                inside = true;
            } else if self.is_ident(index) && !matches!(self.word_at(index), "from" | "as" | "type")
            {
                let name = self.word_at(index);
                let mut alias = name;
                if self.is_key(index + 1, "as") {
                    alias = self.word_at(index + 2);
                    index += 2;
                }
                let full = if inside && name != "default" {
                    super::calls::canonical(&format!("{module}.{name}"))
                } else {
                    module.clone()
                };
                self.bind(alias, Val::name(full));
            }
            index += 1;
        }
    }

    /// The text of a literal without expressions.
    fn plain_text(&self, index: usize) -> Option<String> {
        match &self.tokens.get(index)?.tok {
            Tok::Text(text) => match text.parts.as_slice() {
                [Part::Plain(text, _)] => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    // ---- expressions as statements, assignments

    fn expression_statement(&mut self) -> Option<bool> {
        let before = self.effects.len();
        let begin = self.at;
        if !self.assignment() {
            let value = self.expression();
            self.after_expression(value, begin);
        }
        self.modifiers(before);
        // A method of a class or an object: `name(params) { … }`.
        if self.braces()
            && self.at > begin
            && self.is_op(self.at, "{")
            && self.language != Language::Perl
        {
            let outer = self.certain;
            self.certain = false;
            self.at += 1;
            self.statements(End::Brace);
            self.certain = outer;
        }
        None
    }

    fn after_expression(&mut self, value: Val, begin: usize) {
        let mut last = value;
        while self.is_op(self.at, ",") {
            self.at += 1;
            self.skip_newlines();
            // `const a = …, b = …`
            if !self.assignment() {
                last = self.expression();
            }
        }
        if self.is_op(self.at, "->") && self.language == Language::R {
            let target = self.word_at(self.at + 1);
            self.at += 2;
            self.bind(target, last);
        } else if self.assign_op(self.at) {
            // An attribute or an element: `os.environ["X"] = …`, `obj.x = …`.
            self.at += 1;
            let value = self.expression();
            self.assigned_to(begin, &value);
        }
    }

    /// What assigning to an attribute does beyond the value itself.
    fn assigned_to(&mut self, begin: usize, value: &Val) {
        if self.language == Language::Perl && self.is_ident(begin) {
            let name = self.word_at(begin);
            let value = self.copy(value);
            self.bind(name, value);
        }
    }

    fn assign_op(&self, index: usize) -> bool {
        matches!(self.tokens.get(index), Some(Token { tok: Tok::Op, .. }))
            && matches!(
                self.word_at(index),
                "=" | ":="
                    | "<-"
                    | "<<-"
                    | "||="
                    | "??="
                    | "//="
                    | "+="
                    | ".="
                    | "-="
                    | "*="
                    | "/="
                    | "|="
                    | "&="
                    | "<<="
            )
    }

    /// Reads `x = …` in its forms; `false`, and nothing read, when it is none.
    fn assignment(&mut self) -> bool {
        let begin = self.at;
        if self.is_ident(begin) {
            let name = self.word();
            let mut next = begin + 1;
            // An annotation: `x: str = …`.
            if self.is_op(next, ":") && self.is_ident(next + 1) && self.is_op(next + 2, "=") {
                next += 2;
            }
            if self.assign_op(next) {
                let sign = self.word_at(next);
                self.at = next + 1;
                self.skip_newlines();
                let value = self.assigned_value();
                match sign {
                    "+=" | ".=" => {
                        let old = self.lookup(name);
                        let joined = self.joined(old, &value);
                        self.bind(name, joined);
                    }
                    "=" | ":=" | "<-" | "<<-" | "||=" | "??=" | "//=" => self.bind(name, value),
                    _ => self.bind(name, Val::opaque(name)),
                }
                return true;
            }
            if self.is_op(next, ",") {
                return self.several_targets(begin, begin);
            }
            return false;
        }
        if (self.is_op(begin, "(") && self.language == Language::Perl)
            || (self.is_op(begin, "[") && self.language != Language::Perl)
        {
            return self.several_targets(begin, begin + 1);
        }
        if self.is_op(begin, "{") && matches!(self.language, Language::JavaScript | Language::Mongo)
        {
            return self.destructuring();
        }
        false
    }

    /// The right side: chained assignments bind each name, a comma makes a tuple.
    fn assigned_value(&mut self) -> Val {
        if self.is_ident(self.at) && self.is_op(self.at + 1, "=") && self.enter() {
            let name = self.word();
            self.at += 2;
            let value = self.assigned_value();
            self.leave();
            let copied = self.copy(&value);
            self.bind(name, copied);
            return value;
        }
        let first = self.expression();
        if self.is_op(self.at, ",")
            && matches!(
                self.language,
                Language::Python | Language::Ruby | Language::Lua | Language::Julia
            )
        {
            let mut items = vec![first];
            while self.is_op(self.at, ",") && items.len() < 256 {
                self.at += 1;
                items.push(self.expression());
            }
            return Val::list(items);
        }
        first
    }

    /// `a, b = …`, `my ($a, $b) = …`, `[a, b] = …`.
    fn several_targets(&mut self, begin: usize, from: usize) -> bool {
        let mut names = Vec::new();
        let mut index = from;
        while names.len() < 16 && (self.is_ident(index) || self.is_op(index, "*")) {
            if self.is_ident(index) {
                names.push(self.word_at(index));
            }
            index += 1;
            if !self.is_op(index, ",") {
                break;
            }
            index += 1;
        }
        if from > begin {
            if !(self.is_op(index, ")") || self.is_op(index, "]")) {
                return false;
            }
            index += 1;
        }
        if !self.is_op(index, "=") || names.is_empty() {
            return false;
        }
        self.at = index + 1;
        let value = self.assigned_value();
        for (position, name) in names.iter().enumerate() {
            let part = match &value.kind {
                Kind::List(items) => items.get(position).cloned(),
                _ => None,
            };
            let part = part.unwrap_or_else(|| Val::opaque(bare(name)).from(value.origin.clone()));
            self.bind(name, part);
        }
        true
    }

    /// `{a, b: c} = require('x')`.
    fn destructuring(&mut self) -> bool {
        let mut index = self.at + 1;
        let mut names = Vec::new();
        while names.len() < 64
            && (self.is_ident(index) || self.is_op(index, ",") || self.is_newline(index))
        {
            if !self.is_ident(index) {
                index += 1;
                continue;
            }
            let name = self.word_at(index);
            let mut alias = name;
            if self.is_op(index + 1, ":") && self.is_ident(index + 2) {
                alias = self.word_at(index + 2);
                index += 2;
            }
            names.push((name, alias));
            index += 1;
        }
        if !self.is_op(index, "}") || !self.is_op(index + 1, "=") {
            return false;
        }
        self.at = index + 2;
        let value = self.expression();
        for (name, alias) in names {
            let part = self.attribute(self_copy(&value), name);
            self.bind(alias, part);
        }
        true
    }

    /// `… if cond`, `… unless cond`, `… for list` after a statement (Perl, Ruby).
    fn modifiers(&mut self, before: usize) {
        if !matches!(self.language, Language::Perl | Language::Ruby) {
            return;
        }
        while self.is_ident(self.at)
            && matches!(
                self.word(),
                "if" | "unless" | "while" | "until" | "for" | "foreach" | "rescue"
            )
        {
            let word = self.word();
            self.at += 1;
            let condition = self.expression();
            let runs = (matches!(word, "if" | "while") && condition.is_true())
                || matches!(word, "for" | "foreach");
            if !runs {
                for effect in self.effects.iter_mut().skip(before) {
                    effect.certain = false;
                }
            }
        }
    }

    pub fn bind(&mut self, name: &str, value: Val) {
        let key = bare(name);
        if key.is_empty() {
            return;
        }
        let value = match self.vars.remove(key) {
            Some(old) if !self.certain => either(old, value),
            _ => value,
        };
        self.copied += value.size();
        if self.copied > MAX_COPIED_BYTES {
            self.limit();
            return;
        }
        self.vars.insert(key.to_owned(), value);
    }

    fn lookup(&mut self, name: &str) -> Val {
        if let Some(held) = self.vars.get(bare(name)) {
            let size = held.size();
            self.copied += size;
            if self.copied > MAX_COPIED_BYTES {
                self.limit();
                return Val::opaque(name);
            }
            return held.clone();
        }
        if self.sigils() && name.starts_with(['$', '@', '%', '&']) {
            return match name {
                "$ENV" | "%ENV" | "$_ENV" | "$_SERVER" => Val::name("ENV"),
                "$^X" => Val::text("perl"),
                name if name.starts_with('&') => Val::name(&name[1..]),
                name => Val::opaque(name),
            };
        }
        super::calls::constant(self.language, name)
    }

    // ---- expressions

    pub fn expression(&mut self) -> Val {
        if !self.enter() {
            return Val::opaque("");
        }
        let value = self.conditional();
        self.leave();
        value
    }

    fn conditional(&mut self) -> Val {
        let value = self.binary(0);
        if self.language == Language::Python {
            if self.is_key(self.at, "if") {
                // `a if c else b`: the condition decides afterwards whether `a` counted.
                self.at += 1;
                let condition = self.binary(0);
                if self.is_key(self.at, "else") {
                    self.at += 1;
                    let outer = self.certain;
                    self.certain = outer && !condition.is_true();
                    let other = self.expression();
                    self.certain = outer;
                    return if condition.is_true() {
                        value
                    } else {
                        either(value, other)
                    };
                }
            }
            return value;
        }
        if self.is_op(self.at, "?") && self.language != Language::R {
            self.at += 1;
            self.skip_newlines();
            let outer = self.certain;
            self.certain = outer && value.is_true();
            let then = if self.is_op(self.at, ":") {
                self_copy(&value)
            } else {
                self.expression()
            };
            self.skip_newlines();
            self.certain = false;
            let mut result = then;
            if self.is_op(self.at, ":") {
                self.at += 1;
                self.skip_newlines();
                let other = self.expression();
                if !value.is_true() {
                    result = either(result, other);
                }
            }
            self.certain = outer;
            return result;
        }
        value
    }

    fn level(&self, index: usize) -> Option<(u8, &'a str)> {
        let token = self.tokens.get(index)?;
        let sign = &self.source[token.start..token.end];
        let level = match (&token.tok, sign) {
            (Tok::Ident, "or" | "xor") | (Tok::Op, "||" | "??") => 1,
            (Tok::Op, "//") if self.language == Language::Perl => 1,
            (Tok::Ident, "and") | (Tok::Op, "&&") => 2,
            (
                Tok::Ident,
                "in" | "is" | "instanceof" | "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "cmp",
            ) => {
                if matches!(self.language, Language::Lua) {
                    return None;
                }
                3
            }
            (Tok::Ident, "not")
                if self.language == Language::Python && self.is_key(index + 1, "in") =>
            {
                3
            }
            (
                Tok::Op,
                "==" | "!=" | "===" | "!==" | "<" | ">" | "<=" | ">=" | "=~" | "!~" | "~=" | "<=>"
                | "&" | "|" | "^" | "<<" | ">>" | ">>>" | "|>",
            ) => 3,
            (Tok::Op, "..") if matches!(self.language, Language::Lua) => 4,
            (Tok::Op, ".." | "...") if matches!(self.language, Language::Ruby | Language::Perl) => {
                3
            }
            (Tok::Op, ".") if self.sigils() => 4,
            (Tok::Op, "+" | "-") => 4,
            (Tok::Op, "*" | "/" | "%" | "**" | "//") => 5,
            (Tok::Ident, "x") if self.language == Language::Perl => 5,
            _ => return None,
        };
        Some((level, sign))
    }

    fn binary(&mut self, minimum: u8) -> Val {
        let mut left = self.unary();
        while let Some((level, sign)) = self.level(self.at) {
            if level <= minimum || (level == 3 && sign == "|" && self.language == Language::Ruby) {
                break;
            }
            self.at += 1;
            if sign == "not" {
                self.at += 1;
            }
            self.skip_newlines();
            let outer = self.certain;
            if level == 1 {
                self.certain = false;
            }
            if !self.enter() {
                self.certain = outer;
                return Val::opaque("");
            }
            let right = self.binary(level);
            self.leave();
            self.certain = outer;
            left = self.combine(left, sign, right);
        }
        left
    }

    fn combine(&mut self, left: Val, sign: &str, right: Val) -> Val {
        match sign {
            "+" | "." | ".." => self.joined(left, &right),
            "||" | "or" | "??" => match left.kind {
                Kind::Opaque(_) => right,
                _ => left,
            },
            "//" if self.language == Language::Perl => match left.kind {
                Kind::Opaque(_) => right,
                _ => left,
            },
            "&&" | "and" => right,
            "/" | "<<"
                if matches!(left.kind, Kind::Object("path", _))
                    || matches!(right.kind, Kind::Object("path", _)) =>
            {
                super::fold::path_join(&[left, right])
            }
            "*" if self.language == Language::Julia => self.joined(left, &right),
            "*" | "x" => match (&left.kind, &right.kind) {
                (Kind::Text(Value::Exact(text), _), Kind::Number(count)) => {
                    super::fold::repeat(text, *count).from(left.origin.clone())
                }
                (Kind::Number(one), Kind::Number(other)) => Val::number(one.saturating_mul(*other)),
                _ => opaque_of(&left, &right),
            },
            "-" => match (&left.kind, &right.kind) {
                (Kind::Number(one), Kind::Number(other)) => Val::number(one.saturating_sub(*other)),
                _ => opaque_of(&left, &right),
            },
            "^" => match (&left.kind, &right.kind) {
                (Kind::Number(one), Kind::Number(other)) => Val::number(one ^ other),
                _ => opaque_of(&left, &right),
            },
            "|" => match (&left.kind, &right.kind) {
                (Kind::Number(one), Kind::Number(other)) => Val::number(one | other),
                _ => opaque_of(&left, &right),
            },
            "%" => super::fold::percent(left, &right),
            "==" | "eq" | "===" => {
                // Python's `if __name__ == "__main__"`.
                if matches!(&left.kind, Kind::Name(name) if name == "__name__") {
                    return Val::opaque("__main__");
                }
                match (left.exact(), right.exact()) {
                    (Some(one), Some(other)) if one == other => Val::name("True"),
                    _ => match (&left.kind, &right.kind) {
                        (Kind::Number(one), Kind::Number(other)) if one == other => {
                            Val::name("True")
                        }
                        _ => Val::opaque(""),
                    },
                }
            }
            "|>" => right,
            _ => opaque_of(&left, &right),
        }
    }

    pub fn joined(&mut self, left: Val, right: &Val) -> Val {
        let origin = left.origin.clone().join(super::calls::origin_of(right));
        match (&left.kind, &right.kind) {
            (Kind::Number(one), Kind::Number(other)) if !self.sigils() => {
                Val::number(one.saturating_add(*other))
            }
            (Kind::List(_), Kind::List(more)) => {
                let more = more.clone();
                let Kind::List(mut items) = left.kind else {
                    return Val::opaque("");
                };
                items.extend(more);
                self.copied += items.len() * 8;
                Val::list(items)
            }
            _ => {
                self.copied += left.size() + right.size();
                if self.copied > MAX_COPIED_BYTES {
                    self.limit();
                    return Val::opaque("");
                }
                Val::value(concat(left.as_value(), &right.as_value())).from(origin)
            }
        }
    }

    fn unary(&mut self) -> Val {
        let mut negative = false;
        let mut changed = false;
        loop {
            if self.is_ident(self.at)
                && matches!(
                    self.word(),
                    "not"
                        | "await"
                        | "new"
                        | "typeof"
                        | "void"
                        | "delete"
                        | "return"
                        | "yield"
                        | "throw"
                        | "raise"
                        | "clone"
                        | "async"
                        | "my"
                        | "our"
                        | "local"
                        | "const"
                        | "let"
                        | "var"
                        | "defined"
                        | "ref"
                        | "scalar"
                        | "static"
                )
                && !self.is_op(self.at + 1, "=")
                && !(self.is_op(self.at + 1, "(")
                    && matches!(self.word(), "ref" | "local" | "static" | "async"))
            {
                changed |= matches!(
                    self.word(),
                    "not" | "typeof" | "delete" | "defined" | "scalar"
                );
                self.at += 1;
                continue;
            }
            let is_sign = matches!(self.tokens.get(self.at), Some(Token { tok: Tok::Op, .. }));
            if is_sign
                && matches!(
                    self.word(),
                    "!" | "-"
                        | "+"
                        | "~"
                        | "++"
                        | "--"
                        | "&"
                        | "\\"
                        | "@"
                        | "*"
                        | "**"
                        | "..."
                        | "$"
                        | "%"
                )
            {
                if self.word() == "-" {
                    negative = !negative;
                }
                changed |= matches!(self.word(), "!" | "~");
                self.at += 1;
                continue;
            }
            break;
        }
        let value = self.postfix();
        match value.kind {
            Kind::Number(number) if negative => Val::number(number.saturating_neg()),
            _ if changed => Val::opaque("").from(value.origin),
            _ => value,
        }
    }

    fn is_attribute_sign(&self) -> bool {
        if !matches!(self.tokens.get(self.at), Some(Token { tok: Tok::Op, .. })) {
            return false;
        }
        match self.word() {
            "." => !self.sigils(),
            "?." | "&." | "::" | "?->" => true,
            "->" => self.sigils(),
            "\\" => self.language == Language::Php && self.is_ident(self.at + 1),
            ":" => {
                self.language == Language::Lua
                    && self.is_ident(self.at + 1)
                    && (self.is_op(self.at + 2, "(") || self.is_text(self.at + 2))
            }
            "$" | "@" => self.language == Language::R,
            _ => false,
        }
    }

    fn postfix(&mut self) -> Val {
        let begin = self.at;
        let mut value = self.primary();
        loop {
            self.chain = begin;
            // A chain may go on in the next line.
            let mut next = self.at;
            while self.is_newline(next) && self.braces() {
                next += 1;
            }
            if next > self.at && self.is_op(next, ".") && self.is_ident(next + 1) && !self.sigils()
            {
                self.at = next;
            }
            if self.is_attribute_sign()
                && (self.is_ident(self.at + 1)
                    || self.is_op(self.at + 1, "(")
                    || self.is_op(self.at + 1, "[")
                    || self.is_op(self.at + 1, "{"))
            {
                self.at += 1;
                if !self.is_ident(self.at) {
                    continue;
                }
                let name = self.word();
                self.at += 1;
                if self.sigils() && name.starts_with('$') {
                    // A method whose name a variable holds.
                    let held = self.lookup(name);
                    value = match held.exact() {
                        Some(name) => {
                            let name = name.to_owned();
                            self.attribute(value, &name)
                        }
                        None => Val {
                            kind: Kind::Computed,
                            origin: value.origin,
                        },
                    };
                } else {
                    value = self.attribute(value, name);
                }
                if self.language == Language::Ruby && !self.is_op(self.at, "(") {
                    value = self.ruby_method(value, begin);
                }
            } else if self.is_op(self.at, "(") {
                if self.language == Language::Ruby && !self.adjacent() {
                    break;
                }
                value = self.call_here(value, begin);
            } else if self.is_op(self.at, "[")
                && (self.adjacent() || self.language != Language::Ruby)
            {
                value = self.subscript(value);
            } else if self.is_op(self.at, "{")
                && self.language == Language::Perl
                && self.adjacent()
                && self.is_ident(self.at - 1)
            {
                value = self.hash_element(value);
            } else if self.takes_literal() && matches!(value.kind, Kind::Name(_) | Kind::Method(..))
            {
                let argument = self.primary();
                let args = Args {
                    pos: vec![argument],
                    named: Vec::new(),
                };
                value = self.call(value, args, begin);
            } else if self.is_op(self.at, "!")
                && self.language == Language::JavaScript
                && (self.is_op(self.at + 1, ".") || self.is_op(self.at + 1, ")"))
            {
                self.at += 1;
            } else {
                break;
            }
            self.ruby_block(&value);
        }
        value
    }

    /// Whether a literal here is the argument of what stands before it (Lua), or its template (JavaScript).
    fn takes_literal(&self) -> bool {
        match self.language {
            Language::Lua => self.is_text(self.at) || self.is_op(self.at, "{"),
            Language::JavaScript => self.is_template(self.at),
            _ => false,
        }
    }

    fn is_template(&self, index: usize) -> bool {
        matches!(
            self.tokens.get(index),
            Some(Token {
                tok: Tok::Text(Text {
                    usage: Usage::Template,
                    ..
                }),
                ..
            })
        )
    }

    /// Whether no blank stands before this token.
    fn adjacent(&self) -> bool {
        self.at > 0
            && self
                .tokens
                .get(self.at - 1)
                .is_some_and(|before| before.end == self.start_of(self.at))
    }

    /// A Ruby method without parentheses: called at once, perhaps with arguments.
    fn ruby_method(&mut self, value: Val, begin: usize) -> Val {
        let known = match &value.kind {
            Kind::Name(name) => {
                super::sinks::find(self.language, name).is_some()
                    || super::fold::knows(self.language, name)
            }
            Kind::Method(..) => true,
            _ => false,
        };
        if !known || self.assign_op(self.at) {
            return value;
        }
        let args = if self.starts_argument() {
            self.bare_arguments()
        } else {
            Args::default()
        };
        self.call(value, args, begin)
    }

    fn ruby_block(&mut self, value: &Val) {
        if self.language != Language::Ruby {
            return;
        }
        if self.is_key(self.at, "do") || (self.is_op(self.at, "{") && !self.is_newline(self.at)) {
            let brace = self.is_op(self.at, "{");
            self.at += 1;
            self.element = Some(element_of(value, ""));
            self.block_variables();
            self.statements(if brace { End::Brace } else { End::Word });
        }
    }

    /// Whether an argument begins here, after the name of a function without parentheses.
    fn starts_argument(&self) -> bool {
        match self.tokens.get(self.at) {
            Some(Token {
                tok: Tok::Text(_) | Tok::Number,
                ..
            }) => true,
            Some(Token {
                tok: Tok::Ident, ..
            }) => !matches!(
                self.word(),
                "if" | "unless"
                    | "while"
                    | "until"
                    | "for"
                    | "foreach"
                    | "and"
                    | "or"
                    | "do"
                    | "then"
                    | "end"
                    | "rescue"
                    | "x"
                    | "eq"
                    | "ne"
                    | "in"
                    | "is"
                    | "else"
                    | "cmp"
                    | "as"
            ),
            Some(Token { tok: Tok::Op, .. }) => {
                let spaced = !self.adjacent();
                let tight = self
                    .tokens
                    .get(self.at)
                    .is_some_and(|token| self.start_of(self.at + 1) == token.end);
                match self.word() {
                    "[" | "->" | "::" => spaced,
                    "*" | "-" | "&" | "%" => spaced && tight,
                    "\\" | "@" | "$" => true,
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn bare_arguments(&mut self) -> Args {
        let mut args = Args::default();
        if !self.enter() {
            return args;
        }
        loop {
            self.argument(&mut args);
            if !self.is_op(self.at, ",") && !self.is_op(self.at, "=>") {
                break;
            }
            self.at += 1;
            self.skip_newlines();
        }
        self.leave();
        args
    }

    fn call_here(&mut self, value: Val, begin: usize) -> Val {
        self.at += 1;
        if let Kind::Method(on, name) = &value.kind
            && matches!(name.as_str(), "then" | "on" | "once" | "pipe")
        {
            self.element = Some(Val::opaque("data").from(on.origin.clone()));
        }
        if let Kind::Method(on, name) = &value.kind
            && matches!(
                name.as_str(),
                "forEach" | "map" | "each" | "filter" | "some" | "flatMap"
            )
        {
            self.element = Some(element_of(on, ""));
        }
        let args = self.arguments();
        self.element = None;
        self.call(value, args, begin)
    }

    /// The arguments up to the closing parenthesis.
    fn arguments(&mut self) -> Args {
        let mut args = Args::default();
        if !self.enter() {
            return args;
        }
        while !self.done() && !self.is_op(self.at, ")") {
            if self.is_op(self.at, ",") || self.is_op(self.at, "=>") || self.is_newline(self.at) {
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, "]") || self.is_op(self.at, "}") || self.is_op(self.at, ";") {
                break;
            }
            let before = self.at;
            self.argument(&mut args);
            if self.at == before {
                self.at += 1;
            }
        }
        if self.is_op(self.at, ")") {
            self.at += 1;
        }
        self.leave();
        args
    }

    fn argument(&mut self, args: &mut Args) {
        // `name=…` (Python, R, Julia), `name: …` (Ruby, PHP).
        let keyword = (self.is_op(self.at + 1, "=")
            && matches!(
                self.language,
                Language::Python | Language::R | Language::Julia
            ))
            || (self.is_op(self.at + 1, ":")
                && matches!(self.language, Language::Ruby | Language::Php));
        if self.is_ident(self.at) && keyword {
            let name = self.word().to_owned();
            self.at += 2;
            let value = self.expression();
            args.named.push((name, value));
            return;
        }
        let splat = (self.is_op(self.at, "*") || self.is_op(self.at, "..."))
            && matches!(
                self.language,
                Language::Python | Language::Ruby | Language::JavaScript | Language::Php
            );
        let begin = self.at;
        let before = self.effects.len();
        let value = self.expression();
        if self.is_key(self.at, "for") && self.language == Language::Python {
            let list = self.comprehension(begin, before, value);
            args.pos.push(list);
            return;
        }
        if self.is_op(self.at, "=>") && !matches!(self.language, Language::JavaScript) {
            let key = value
                .exact()
                .map(str::to_owned)
                .or_else(|| match &value.kind {
                    Kind::Name(name) => Some(name.clone()),
                    _ => None,
                });
            self.at += 1;
            let held = self.expression();
            args.named.push((key.unwrap_or_default(), held));
            return;
        }
        match value.kind {
            Kind::List(items) if splat || self.language == Language::Perl => args.pos.extend(items),
            _ => args.pos.push(value),
        }
    }

    /// `ELEMENT for x in LIST`: the element is evaluated once more for each item that is known.
    fn comprehension(&mut self, begin: usize, before: usize, element: Val) -> Val {
        self.at += 1;
        let mut names = Vec::new();
        while self.is_ident(self.at) && !self.is_key(self.at, "in")
            || self.is_op(self.at, ",")
            || self.is_op(self.at, "(")
            || self.is_op(self.at, ")")
        {
            if self.is_ident(self.at) {
                names.push(self.word());
            }
            self.at += 1;
        }
        if !self.is_key(self.at, "in") {
            return Val::opaque("");
        }
        self.at += 1;
        let list = self.binary(0);
        let mut filtered = false;
        while self.is_key(self.at, "if") || self.is_key(self.at, "for") {
            filtered = true;
            self.at += 1;
            if self.is_key(self.at - 1, "for") {
                while !self.done()
                    && !self.is_key(self.at, "in")
                    && !self.is_op(self.at, ")")
                    && !self.is_op(self.at, "]")
                {
                    self.at += 1;
                }
                if self.is_key(self.at, "in") {
                    self.at += 1;
                }
            }
            self.binary(0);
        }
        let after = self.at;
        let items = match (&list.kind, names.as_slice(), filtered) {
            (Kind::List(items), [_], false) if items.len() <= MAX_ELEMENTS && !items.is_empty() => {
                items.clone()
            }
            (Kind::Text(Value::Exact(text), _), [_], false)
                if text.len() <= MAX_ELEMENTS && !text.is_empty() =>
            {
                text.chars()
                    .map(|character| Val::text(character.to_string()))
                    .collect()
            }
            _ => {
                // What is known of the elements in common may still name the targets.
                let Some(name) = names.last() else {
                    return element;
                };
                let common = element_of(&list, name);
                if matches!(common.kind, Kind::Opaque(_)) {
                    return Val::opaque("").from(element.origin.join(list.origin));
                }
                vec![common]
            }
        };
        let name = names.last().copied().unwrap_or("");
        let shadowed = self.vars.get(bare(name)).cloned();
        self.effects.truncate(before);
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            self.vars.insert(bare(name).to_owned(), item);
            self.at = begin;
            out.push(self.expression());
            if self.limited {
                break;
            }
        }
        self.at = after;
        self.vars.remove(bare(name));
        if let Some(shadowed) = shadowed {
            self.vars.insert(bare(name).to_owned(), shadowed);
        }
        Val::list(out)
    }

    /// Perl's `map {…} LIST`: the block is read once for each item that is known, with `$_` bound to it.
    fn each_element(&mut self, name: &str, block: usize, list: Val) -> Val {
        let after = self.at;
        let items = match &list.kind {
            Kind::List(items) if items.len() <= MAX_ELEMENTS && !items.is_empty() => items.clone(),
            _ => vec![element_of(&list, "_")],
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            self.vars.insert(String::from("_"), item.clone());
            self.at = block;
            let value = self.expression();
            let value = match value.kind {
                Kind::Name(_) => {
                    let args = Args {
                        pos: vec![item],
                        named: Vec::new(),
                    };
                    self.call(value, args, block)
                }
                _ => value,
            };
            out.push(value);
            // The rest of the block, for what it does.
            if self.is_op(self.at, ";") {
                self.statements(End::Brace);
            }
            if self.limited {
                break;
            }
        }
        self.vars.remove("_");
        self.at = after;
        if name == "map" { Val::list(out) } else { list }
    }

    fn subscript(&mut self, value: Val) -> Val {
        self.at += 1;
        let mut parts: Vec<Option<Val>> = vec![None];
        while !self.done() && !self.is_op(self.at, "]") {
            if self.is_op(self.at, ":") || self.is_op(self.at, "::") {
                parts.push(None);
                if self.is_op(self.at, "::") {
                    parts.push(None);
                }
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, ")")
                || self.is_op(self.at, "}")
                || self.is_op(self.at, ";")
                || parts.len() > 4
            {
                break;
            }
            let before = self.at;
            let part = self.expression();
            if let Some(last) = parts.last_mut() {
                *last = Some(part);
            }
            if self.at == before {
                self.at += 1;
            }
        }
        if self.is_op(self.at, "]") {
            self.at += 1;
        }
        if parts.len() == 1 {
            return match parts.pop().flatten() {
                Some(index) => self.element_at(value, &index),
                None => value,
            };
        }
        super::fold::slice(&value, &parts)
    }

    fn hash_element(&mut self, value: Val) -> Val {
        self.at += 1;
        let index = if self.is_ident(self.at) && self.is_op(self.at + 1, "}") {
            let word = self.word();
            self.at += 1;
            if word.starts_with('$') {
                self.lookup(word)
            } else {
                Val::text(word)
            }
        } else {
            self.expression()
        };
        if self.is_op(self.at, "}") {
            self.at += 1;
        }
        self.element_at(value, &index)
    }

    // ---- the smallest parts

    fn primary(&mut self) -> Val {
        self.steps += 1;
        let tokens = Rc::clone(&self.tokens);
        let Some(token) = tokens.get(self.at) else {
            return Val::opaque("");
        };
        match &token.tok {
            Tok::Number => {
                self.at += 1;
                super::fold::number(&self.source[token.start..token.end])
            }
            Tok::Text(text) => {
                self.at += 1;
                let mut value = self.text(text, token);
                // Strings that stand side by side are one.
                while matches!(self.language, Language::Python | Language::Ruby)
                    && self.is_text(self.at)
                {
                    let Some(Token {
                        tok: Tok::Text(more),
                        ..
                    }) = tokens.get(self.at)
                    else {
                        break;
                    };
                    let next = &tokens[self.at];
                    self.at += 1;
                    let more = self.text(more, next);
                    value = self.joined(value, &more);
                }
                value
            }
            Tok::Newline => Val::opaque(""),
            Tok::Ident => self.name(),
            Tok::Op => self.bracketed(),
        }
    }

    fn text(&mut self, text: &Text, token: &Token) -> Val {
        let span = ByteSpan::new(token.start, token.end);
        match text.usage {
            Usage::Pattern => return Val::opaque(""),
            Usage::Code => {
                for part in &text.parts {
                    if let Part::Code(from, to) = part {
                        self.nested(*from, *to, true);
                    }
                }
                return Val::opaque("");
            }
            _ => {}
        }
        let mut value = match text.parts.as_slice() {
            [Part::Plain(text, at)] => Val {
                kind: Kind::Text(Value::Exact(text.clone()), *at),
                origin: Origin::Code,
            },
            parts => {
                let mut value = Val::text("");
                for part in parts {
                    let next = match part {
                        Part::Plain(text, _) => Val::text(text.as_str()),
                        Part::Code(from, to) => self.nested(*from, *to, false),
                    };
                    value = self.joined(value, &next);
                }
                value
            }
        };
        self.copied += value.size();
        match text.usage {
            Usage::Shell => {
                let verbatim_at = value.verbatim_at();
                let text = value.as_value();
                self.shell(text, verbatim_at, span);
                value = Val::opaque("").from(Origin::RunTime);
            }
            Usage::Words => {
                let words = value
                    .exact()
                    .unwrap_or("")
                    .split_whitespace()
                    .map(Val::text)
                    .collect();
                value = Val::list(words);
            }
            Usage::Glob => {
                if let Some(text) = value.exact() {
                    value = Val::value(Value::Pattern(text.to_owned()));
                }
            }
            _ => {}
        }
        value
    }

    /// Evaluates an expression that stands inside of a string.
    fn nested(&mut self, from: usize, to: usize, statements: bool) -> Val {
        if self.nested_texts >= MAX_NESTED_TEXTS {
            self.limit();
            return Val::opaque("");
        }
        if !self.enter() {
            return Val::opaque("");
        }
        self.nested_texts += 1;
        let inner = Rc::new(lex::tokens(self.language, self.source, from, to));
        let outer = std::mem::replace(&mut self.tokens, inner);
        let at = std::mem::replace(&mut self.at, 0);
        let value = if statements {
            self.statements(End::Text);
            Val::opaque("")
        } else if self.language == Language::Perl && self.is_op(0, "[") {
            self.at = 1;
            self.expression()
        } else if self.sigils() && self.tokens.len() == 1 && self.is_ident(0) {
            // `${name}` names a variable.
            let name = format!("${}", bare(self.word()));
            self.lookup(&name)
        } else {
            let value = self.expression();
            while !self.done() {
                let before = self.at;
                self.expression();
                if self.at == before {
                    self.at += 1;
                }
            }
            value
        };
        self.tokens = outer;
        self.at = at;
        self.nested_texts -= 1;
        self.leave();
        value
    }

    fn bracketed(&mut self) -> Val {
        match self.word() {
            "(" => self.parenthesis(),
            "[" => {
                self.at += 1;
                let items = self.items("]");
                match items {
                    (items, entries) if entries.is_empty() => Val::list(items),
                    (_, entries) => map(entries),
                }
            }
            "{" => {
                self.at += 1;
                let (items, entries) = self.items("}");
                if entries.is_empty() && self.language != Language::JavaScript {
                    Val::list(items)
                } else {
                    map(entries)
                }
            }
            "->" if matches!(self.language, Language::Ruby) => {
                self.at += 1;
                if self.is_op(self.at, "(") {
                    self.parameters();
                }
                let value = Val::opaque("");
                self.ruby_block(&value);
                value
            }
            "::" | "\\" => {
                self.at += 1;
                if self.is_ident(self.at) {
                    self.name()
                } else {
                    Val::opaque("")
                }
            }
            _ => Val::opaque(""),
        }
    }

    fn parenthesis(&mut self) -> Val {
        let begin = self.at;
        self.at += 1;
        if !self.enter() {
            return Val::opaque("");
        }
        let before = self.effects.len();
        let mut args = Args::default();
        let mut comma = false;
        while !self.done() && !self.is_op(self.at, ")") {
            if self.is_op(self.at, ",") || self.is_newline(self.at) {
                comma |= self.is_op(self.at, ",");
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, "]") || self.is_op(self.at, "}") {
                break;
            }
            let from = self.at;
            if !self.assignment() {
                let marker = args.pos.len();
                self.argument(&mut args);
                if args.pos.len() == marker && args.named.is_empty() {
                    args.pos.push(Val::opaque(""));
                }
            } else if let Some(bound) = self.vars.get(bare(self.word_at(from))).cloned() {
                args.pos.push(bound);
            }
            if self.at == from || self.is_op(self.at, ";") {
                self.at += 1;
            }
        }
        if self.is_op(self.at, ")") {
            self.at += 1;
        }
        self.leave();
        let arrow = self.is_op(self.at, "=>") && self.language == Language::JavaScript
            || self.is_op(self.at, "->") && self.language == Language::Julia;
        if arrow {
            self.effects.truncate(before);
            let name = self.word_at(begin + 1);
            return self.arrow(if self.is_ident(begin + 1) { name } else { "" });
        }
        if !args.named.is_empty() && args.pos.is_empty() {
            return map(args.named);
        }
        let tuple = comma || (self.language == Language::Perl && self.is_list_context(begin));
        if args.pos.len() == 1 && !tuple {
            return args.pos.pop().unwrap_or_else(|| Val::opaque(""));
        }
        if !comma && args.pos.len() > 1 && self.language == Language::JavaScript {
            return args.pos.pop().unwrap_or_else(|| Val::opaque(""));
        }
        // JavaScript's comma: `(0, fs.rmSync)(…)` is the last of them.
        if self.language == Language::JavaScript && comma {
            return args.pos.pop().unwrap_or_else(|| Val::opaque(""));
        }
        Val::list(args.pos)
    }

    fn is_list_context(&self, begin: usize) -> bool {
        begin > 0 && self.is_op(begin - 1, "=")
    }

    /// After the parameters of an arrow function.
    fn arrow(&mut self, parameter: &'a str) -> Val {
        self.at += 1;
        if !parameter.is_empty() {
            match self.element.take() {
                Some(element) => self.bind(parameter, element),
                None => {
                    self.vars.remove(bare(parameter));
                }
            }
        }
        self.skip_newlines();
        if self.is_op(self.at, "{") {
            self.at += 1;
            self.statements(End::Brace);
            Val::opaque("")
        } else {
            self.expression()
        }
    }

    /// What stands up to the closing bracket: elements, and entries with keys.
    fn items(&mut self, close: &str) -> (Vec<Val>, Vec<(String, Val)>) {
        let mut items = Vec::new();
        let mut entries = Vec::new();
        if !self.enter() {
            return (items, entries);
        }
        while !self.done() && !self.is_op(self.at, close) {
            if self.is_op(self.at, ",") || self.is_op(self.at, ";") || self.is_newline(self.at) {
                self.at += 1;
                continue;
            }
            let begin = self.at;
            let before = self.effects.len();
            let named = self.is_ident(begin)
                && (self.is_op(begin + 1, ":")
                    || (self.is_op(begin + 1, "=") && self.language == Language::Lua));
            if named {
                let key = self.word().to_owned();
                self.at += 2;
                self.skip_newlines();
                let value = self.expression();
                entries.push((key, value));
                continue;
            }
            let shorthand = close == "}"
                && self.is_ident(begin)
                && matches!(self.language, Language::JavaScript | Language::Mongo)
                && (self.is_op(begin + 1, ",") || self.is_op(begin + 1, "}"));
            if shorthand {
                let name = self.word();
                self.at += 1;
                let value = self.lookup(name);
                entries.push((name.to_owned(), value));
                continue;
            }
            let spread =
                self.is_op(begin, "...") || self.is_op(begin, "*") || self.is_op(begin, "**");
            let value = self.expression();
            if self.is_op(self.at, ":") || self.is_op(self.at, "=>") {
                self.at += 1;
                self.skip_newlines();
                let key = value.exact().map(str::to_owned).unwrap_or_default();
                let held = self.expression();
                entries.push((key, held));
            } else if self.is_key(self.at, "for") && self.language == Language::Python {
                match self.comprehension(begin, before, value).kind {
                    Kind::List(more) => items.extend(more),
                    kind => items.push(Val {
                        kind,
                        origin: Origin::RunTime,
                    }),
                }
            } else {
                match value.kind {
                    Kind::List(more) if spread || self.language == Language::Perl => {
                        items.extend(more)
                    }
                    Kind::Map(more) if spread => entries.extend(more),
                    _ => items.push(value),
                }
            }
            if self.is_op(self.at, "{") && close == "}" {
                // A method in an object literal.
                self.at += 1;
                self.statements(End::Brace);
            }
            if self.at == begin {
                self.at += 1;
            }
        }
        if self.is_op(self.at, close) {
            self.at += 1;
        }
        self.leave();
        (items, entries)
    }

    fn name(&mut self) -> Val {
        let begin = self.at;
        let name = self.word();
        match (self.language, name) {
            (Language::Python, "lambda") => {
                while !self.done()
                    && !self.is_op(self.at, ":")
                    && !self.is_newline(self.at)
                    && self.at < begin + 64
                {
                    self.at += 1;
                }
                self.at += 1;
                self.expression();
                return Val::opaque("");
            }
            (
                Language::JavaScript
                | Language::Mongo
                | Language::Php
                | Language::Lua
                | Language::R
                | Language::Julia,
                "function",
            )
            | (Language::Perl, "sub")
            | (Language::Php, "fn") => {
                self.function(matches!(
                    self.language,
                    Language::JavaScript | Language::Mongo
                ));
                return Val::opaque("");
            }
            (Language::Perl, "eval" | "do") if self.is_op(begin + 1, "{") => {
                self.at += 2;
                self.statements(End::Brace);
                return Val::opaque("");
            }
            (Language::Perl, "map" | "grep" | "sort")
                if self.is_op(begin + 1, "{") || self.is_op(begin + 1, "(") =>
            {
                self.at += 1;
                if self.is_op(self.at, "(") {
                    self.at += 1;
                }
                if !self.is_op(self.at, "{") {
                    return self.expression();
                }
                let block = self.at + 1;
                self.skip_balanced();
                let mut list = self.expression();
                if self.is_op(self.at, ",") {
                    let mut items = vec![list];
                    while self.is_op(self.at, ",") && items.len() < MAX_ELEMENTS {
                        self.at += 1;
                        items.push(self.expression());
                    }
                    list = Val::list(items);
                }
                return self.each_element(name, block, list);
            }
            (
                Language::Ruby | Language::Julia,
                "if" | "unless" | "case" | "while" | "begin" | "def" | "class" | "try" | "let",
            ) if begin > 0 => {
                self.statement();
                return Val::opaque("");
            }
            (_, "class") if self.language == Language::JavaScript => {
                self.class();
                return Val::opaque("");
            }
            (Language::Ruby, "__FILE__" | "__dir__") => {
                self.at += 1;
                return Val::text(".");
            }
            _ => {}
        }
        self.at += 1;
        if self.is_op(self.at, "=>")
            && matches!(self.language, Language::JavaScript | Language::Mongo)
        {
            return self.arrow(name);
        }
        if self.language == Language::Julia && self.is_op(self.at, "->") {
            return self.arrow(name);
        }
        let value = self.lookup(name);
        if self.is_op(self.at, "(")
            || !matches!(
                self.language,
                Language::Ruby | Language::Perl | Language::Php
            )
        {
            return value;
        }
        // A function without parentheses.
        let Kind::Name(known) = &value.kind else {
            return value;
        };
        let is_function = super::sinks::find(self.language, known).is_some()
            || super::fold::knows(self.language, known);
        if !is_function || self.is_attribute_sign() || self.is_op(self.at, "=>") {
            return value;
        }
        if self.language == Language::Php
            && !matches!(
                known.as_str(),
                "echo" | "print" | "include" | "include_once" | "require" | "require_once"
            )
        {
            return value;
        }
        if self.starts_argument()
            || (self.is_op(self.at, "{")
                && self.language == Language::Perl
                && matches!(known.as_str(), "system" | "exec" | "print"))
        {
            if self.is_op(self.at, "{") {
                // `exec {'prog'} LIST`, `print {$fh} …`.
                self.skip_balanced();
            }
            let args = self.bare_arguments();
            return self.call(value, args, begin);
        }
        value
    }
}

/// A copy that needs no budget: it stays within one expression.
fn self_copy(value: &Val) -> Val {
    value.clone()
}

/// A name without its sigils.
fn bare(name: &str) -> &str {
    name.trim_start_matches(['$', '@', '%', '&'])
}

fn map(entries: Vec<(String, Val)>) -> Val {
    let origin = entries.iter().fold(Origin::Code, |origin, (_, value)| {
        origin.join(value.origin.clone())
    });
    Val {
        kind: Kind::Map(entries),
        origin,
    }
}

fn opaque_of(left: &Val, right: &Val) -> Val {
    Val::opaque("")
        .from(left.origin.clone())
        .from(right.origin.clone())
}

/// What is known of every element of a list.
fn element_of(list: &Val, name: &str) -> Val {
    match &list.kind {
        Kind::List(items) if !items.is_empty() && items.len() <= 8 => {
            let mut items = items.iter().cloned();
            let first = items.next().unwrap_or_else(|| Val::opaque(name));
            items.fold(first, either)
        }
        Kind::Text(Value::Pattern(_) | Value::Prefix(..), _) => list.clone(),
        Kind::Object("path", args) if args.first().is_some_and(|path| path.exact().is_none()) => {
            list.clone()
        }
        _ => Val {
            kind: Kind::Opaque(bare(name).to_owned()),
            origin: Origin::RunTime.join(list.origin.clone()),
        },
    }
}

/// Why a value that a loop or a call gives is not known.
pub(super) fn at_run_time(name: &str) -> Value {
    Value::Unknown(Why::RunTimeValue(name.to_owned()))
}
