//! Statements and expressions of the languages that [`lex`](super::lex) reads, evaluated as far as the text tells.
//!
//! A tolerant walk, not a grammar: what it does not understand it steps over, one token at a time, so that every call
//! in the text is seen. Nothing is executed; loops are not unrolled, branches are all taken and said to be uncertain.
//!
//! Rooms: `statements`, `assignment` and `imports` read what stands alone, `functions` and `parameters` what calls of the
//! text's own functions do, `operators`, `postfix` and `primary` expressions, from
//! the outermost to the innermost.

mod assignment;
mod doubt;
mod functions;
mod imports;
mod operators;
mod parameters;
mod postfix;
mod primary;
mod statements;

pub(super) use postfix::element_of;
pub(super) use primary::map;

use super::lex::{self, Tok, Token};
use super::value::{Kind, Origin, Val, either};
use super::{CodeEffect, LIMIT_REASON, Language, What};
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;
use doubt::Journal;
use functions::Defined;
use std::collections::HashMap;
use std::rc::Rc;

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
    /// All tokens of the text.
    whole: Rc<Vec<Token>>,
    at: usize,
    /// Where what is being read ends.
    stop: usize,
    /// The token at which the expression that is being read begins.
    pub chain: usize,
    vars: HashMap<String, Val>,
    journal: Journal,
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
    /// How often what is being read now is read again, one inside of the other.
    again: usize,
    /// The last token of what is assigned to.
    assigned: usize,
    /// Whether what is called now prints to a file, and not to whoever reads the output.
    pub to_handle: bool,
    /// The file that was opened last to write into it.
    pub opened: Option<Val>,
    /// The variable of the environment that was named last, and at which token.
    pub variable: Option<(usize, String)>,
    /// The function that was read last.
    function_read: Option<usize>,
    /// What a callback's parameter will be.
    element: Option<Val>,
    /// Hosts that were connected to, for shells that are tied to them.
    pub connections: Vec<(Value, ByteSpan)>,
    /// Whether standard streams were made of something else, or a shell was started on a connection.
    pub redirected: bool,
    pub started_shell: bool,
    /// What stands behind the code on its command line.
    arguments: Vec<Value>,
    /// Functions and classes of the text.
    defined: Defined<'a>,
}

/// Analyses a text.
pub(super) fn analyse(language: Language, source: &str, given: &[Value]) -> Vec<CodeEffect> {
    let tokens = lex::tokens(language, source, 0, source.len());
    let mut counts: HashMap<&str, u32> = HashMap::new();
    let mut defined = Defined::new(tokens.len());
    let is_hoisted = |word: &str| match language {
        Language::JavaScript | Language::Mongo | Language::Php => word == "function",
        Language::Perl => word == "sub",
        _ => false,
    };
    let mut hoisted = false;
    for (index, token) in tokens.iter().enumerate() {
        if token.tok == Tok::Ident {
            let word = bare(&source[token.start..token.end]);
            *counts.entry(word).or_default() += 1;
            if hoisted {
                defined.ahead.entry(word).or_insert(index);
            }
            hoisted = is_hoisted(word);
        } else {
            hoisted = false;
        }
    }
    // A text that is a name may stand for what has that name.
    for token in &tokens {
        if let Tok::Text(_) = token.tok
            && let Some(count) =
                counts.get_mut(source[token.start..token.end].trim_matches(['"', '\'', '`']))
        {
            *count += 1;
        }
    }
    let tokens = Rc::new(tokens);
    let mut walker = Walker {
        language,
        source,
        whole: Rc::clone(&tokens),
        stop: tokens.len(),
        tokens,
        at: 0,
        chain: 0,
        vars: HashMap::new(),
        journal: Journal::default(),
        counts,
        stars: Vec::new(),
        effects: Vec::new(),
        certain: true,
        depth: 0,
        nested_texts: 0,
        steps: 0,
        copied: 0,
        limited: false,
        again: 0,
        assigned: 0,
        to_handle: false,
        opened: None,
        variable: None,
        function_read: None,
        element: None,
        connections: Vec::new(),
        redirected: false,
        started_shell: false,
        arguments: given.iter().take(MAX_ELEMENTS).cloned().collect(),
        defined,
    };
    walker.statements(End::Text);
    walker.forget_followed();
    walker.remote_shell();
    walker.keep_limit();
    walker.effects
}

impl<'a> Walker<'a> {
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
        self.at >= self.stop
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
    /// Whether the text has that word.
    pub fn counts(&self, word: &str) -> bool {
        self.counts.contains_key(word)
    }

    /// The token that is read next.
    pub const fn position(&self) -> usize {
        self.at
    }

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

    /// The text between two bytes.
    pub fn text_of(&self, span: Option<ByteSpan>) -> &'a str {
        let held = span.and_then(|span| self.source.get(span.start()..span.end()));
        held.unwrap_or("")
    }

    pub fn push(&mut self, what: What, span: Option<ByteSpan>) {
        let Some(span) = span else {
            return;
        };
        self.defined.frames.made();
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

    /// Says at the end that a limit was reached, should what said so have been read again and lost.
    fn keep_limit(&mut self) {
        let is_said = |effect: &CodeEffect| matches!(&effect.what, What::Unknown { reason } if reason == LIMIT_REASON);
        if self.limited && !self.effects.iter().any(is_said) {
            self.unknown(LIMIT_REASON, ByteSpan::new(0, self.source.len()));
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

    pub fn bind(&mut self, name: &str, value: Val) {
        let key = bare(name);
        if key.is_empty() {
            return;
        }
        // What an object holds outlives the method.
        if name.starts_with('@') && self.language == Language::Ruby {
            self.set_field(key, value);
            return;
        }
        let old = self.vars.remove(key);
        self.note(key, old.as_ref());
        let value = match old {
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

    /// All that a function of Perl is given.
    fn given(&mut self) -> Val {
        match self.vars.get(functions::GIVEN).cloned() {
            Some(list) => self.copy(&list),
            None => Val::opaque(functions::GIVEN),
        }
    }

    /// The list of arguments, as the language calls it, where it is known what they are.
    pub fn arguments_named(&mut self, name: &str) -> Option<Val> {
        // What stands in the list before the arguments.
        let before: &[&str] = match (self.language, name) {
            (Language::Python, "sys.argv") | (Language::Php, "$argv") => &["."],
            (Language::JavaScript, "process.argv" | "Bun.argv") => &["node"],
            (Language::JavaScript, "Deno.args")
            | (Language::Ruby | Language::Perl, "ARGV" | "@ARGV" | "$ARGV")
            // Lists of these begin with one.
            | (Language::Lua, "arg")
            | (Language::Julia, "ARGS") => &[],
            _ => return None,
        };
        let one_based = matches!(self.language, Language::Lua | Language::Julia);
        if self.arguments.is_empty() {
            return None;
        }
        let mut items: Vec<Val> = Vec::new();
        if one_based {
            items.push(Val::text("."));
        }
        items.extend(before.iter().map(|text| Val::text(*text)));
        let deno = usize::from(name == "Deno.args");
        let given = self.arguments.iter().skip(deno);
        items.extend(given.cloned().map(Val::value));
        let list = Val::list(items);
        self.copied += list.size();
        Some(list)
    }

    pub fn lookup(&mut self, name: &str) -> Val {
        let name = match name {
            "@_" if self.language == Language::Perl => return self.given(),
            name => name,
        };
        let of_object = name.starts_with('@') && self.language == Language::Ruby;
        if let Some(held) = self.vars.get(bare(name)).filter(|_| !of_object) {
            let size = held.size();
            self.copied += size;
            if self.copied > MAX_COPIED_BYTES {
                self.limit();
                return Val::opaque(name);
            }
            return held.clone();
        }
        if let Some(list) = self.arguments_named(name) {
            return list;
        }
        if self.language == Language::Ruby
            && let Some(value) = self.field(bare(name))
        {
            return value;
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
}

/// A name without its sigils.
fn bare(name: &str) -> &str {
    name.trim_start_matches(['$', '@', '%', '&'])
}

/// Why a value that a loop or a call gives is not known.
pub(super) fn at_run_time(name: &str) -> Value {
    Value::Unknown(Why::RunTimeValue(name.to_owned()))
}
