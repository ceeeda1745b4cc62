//! Source texts of C, Go, Rust, Java and C#: programs they start, files they delete, read and write, hosts they reach.
//!
//! No grammar: calls by their name, with the values of texts, names that were set to them, and folders of the user.
//! What is put together otherwise is not known, and nothing is said to be harmless here.

mod fold;
mod functions;
mod lex;

use std::cell::Cell;
use std::collections::HashMap;

use self::fold::Found;
use self::lex::{Placed, Token};
use super::sinks::{self, At, Does};
use super::{CodeEffect, LIMIT_REASON, Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// What a source text would do, in its order.
pub(super) fn analyse(language: Language, text: &str) -> Vec<CodeEffect> {
    let (tokens, more) = lex::tokens(text);
    let mut reader = Reader {
        language,
        tokens: &tokens,
        names: HashMap::new(),
        steps: Cell::new(0),
        effects: Vec::new(),
    };
    for at in 0..reader.tokens.len() {
        reader.assignment(at);
        reader.call(at);
    }
    let functions = reader.functions();
    if !functions.is_empty() {
        let whole = (0, reader.tokens.len());
        let first = reader.effects.len();
        let mut calls = functions::Calls::default();
        reader.follow(&functions, whole, &mut calls, 0);
        reader.forget(&functions, &calls, first);
    }
    if more && let Some(whole) = ByteSpan::new(0, text.len()) {
        reader.effects.push(super::unknown(LIMIT_REASON, whole));
    }
    reader.effects
}

struct Reader<'t> {
    language: Language,
    tokens: &'t [Placed],
    /// Names with what they were set to last.
    names: HashMap<&'t str, Found>,
    /// How many parts of values were looked at.
    steps: Cell<usize>,
    effects: Vec<CodeEffect>,
}

/// What a bracket does.
enum Bracket {
    Opens,
    Closes,
}

/// How many names are remembered.
const MOST_NAMES: usize = 1024;

/// How many parts of values are looked at in one text.
const MOST_STEPS: usize = 256 * 1024;

/// How many tokens of one call or value are looked at.
const LONGEST: usize = 512;

impl<'t> Reader<'t> {
    fn token(&self, at: usize) -> Option<&'t Token> {
        self.tokens.get(at).map(|placed| &placed.token)
    }

    fn is_mark(&self, at: usize, mark: u8) -> bool {
        self.token(at) == Some(&Token::Mark(mark))
    }

    /// Whether a bracket opens or closes there.
    fn bracket(&self, at: usize) -> Option<Bracket> {
        match self.token(at) {
            Some(Token::Mark(b'(' | b'[' | b'{')) => Some(Bracket::Opens),
            Some(Token::Mark(b')' | b']' | b'}')) => Some(Bracket::Closes),
            _ => None,
        }
    }

    /// `name = value`, `name := value`, `let name: T = value;`, `#define NAME value`.
    fn assignment(&mut self, at: usize) {
        let Some(Token::Name(name)) = self.token(at) else {
            return;
        };
        if name == "define" && at > 0 && self.is_mark(at - 1, b'#') {
            if let (Some(Token::Name(name)), Some(Token::Text(text))) =
                (self.token(at + 1), self.token(at + 2))
            {
                self.set(name, Found::known(text.clone()));
            }
            return;
        }
        // An error or a type may stand between a name and its value.
        let mut equals = at + 1;
        for _ in 0..4 {
            match self.token(equals) {
                Some(Token::Mark(b'=')) => break,
                Some(Token::Mark(b',' | b':' | b'[' | b']' | b'&')) | Some(Token::Name(_)) => {
                    equals += 1;
                }
                _ => return,
            }
        }
        let is_test = self.is_mark(equals + 1, b'=') || self.is_mark(equals + 1, b'>');
        if !self.is_mark(equals, b'=') || is_test {
            return;
        }
        let from = equals + 1;
        let end = self.value_end(from);
        let found = self.fold(from, end);
        self.set(name, found);
    }

    fn set(&mut self, name: &'t str, found: Found) {
        if self.names.len() < MOST_NAMES || self.names.contains_key(name) {
            self.names.insert(name, found);
        }
    }

    /// Where the value ends that begins there.
    fn value_end(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        for at in from..self.tokens.len().min(from + LONGEST) {
            let continues = at == from
                || depth > 0
                || matches!(
                    self.token(at - 1),
                    Some(Token::Mark(b'+' | b',' | b'.' | b'='))
                )
                || matches!(self.token(at), Some(Token::Mark(b'.' | b'+')));
            if self.tokens[at].first && !continues && self.language == Language::Go {
                return at;
            }
            match self.bracket(at) {
                Some(Bracket::Opens) => depth += 1,
                Some(Bracket::Closes) if depth == 0 => return at,
                Some(Bracket::Closes) => depth -= 1,
                None if depth == 0 && (self.is_mark(at, b';') || self.is_mark(at, b',')) => {
                    return at;
                }
                None => {}
            }
        }
        self.tokens.len().min(from + LONGEST)
    }

    /// The bracket that closes the one there.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in open..self.tokens.len().min(open + LONGEST) {
            match self.bracket(at) {
                Some(Bracket::Opens) => depth += 1,
                Some(Bracket::Closes) if depth <= 1 => return Some(at),
                Some(Bracket::Closes) => depth -= 1,
                None => {}
            }
        }
        None
    }

    /// The parts between commas of what stands between two places.
    fn parts(&self, from: usize, end: usize) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let (mut depth, mut start) = (0_usize, from);
        for at in from..end {
            match self.bracket(at) {
                Some(Bracket::Opens) => depth += 1,
                Some(Bracket::Closes) => depth = depth.saturating_sub(1),
                None if depth == 0 && self.is_mark(at, b',') => {
                    found.push((start, at));
                    start = at + 1;
                }
                None => {}
            }
        }
        if start < end {
            found.push((start, end));
        }
        found
    }

    /// A call of a function that the tables know.
    fn call(&mut self, at: usize) {
        let Some(Token::Name(name)) = self.token(at) else {
            return;
        };
        let open = at + 1 + usize::from(self.is_mark(at + 1, b'!'));
        if !self.is_mark(open, b'(') {
            return;
        }
        let name = self.through(at, name);
        let Some(does) = self.known(&name) else {
            self.method(at, open, &name);
            return;
        };
        let Some(close) = self.closing(open) else {
            // One that is cut off says nothing; one that is too long to be read does.
            let placed = &self.tokens[at];
            if open + LONGEST < self.tokens.len()
                && let Some(span) = ByteSpan::new(placed.start, placed.end)
            {
                self.effects.push(super::unknown(LIMIT_REASON, span));
            }
            return;
        };
        let parts = self.parts(open + 1, close);
        let args: Vec<Found> = parts
            .iter()
            .map(|(from, end)| self.fold(*from, *end))
            .collect();
        let span = ByteSpan::new(self.tokens[at].start, self.tokens[close].end);
        if let Some(span) = span {
            self.effect(does, &args, close + 1, span);
        }
    }

    /// A method of a file, or of a text that names a program: `new File("x").delete()`, `"ls".execute()`.
    fn method(&mut self, at: usize, open: usize, name: &str) {
        if self.language != Language::Java || at < 2 || !self.is_mark(at - 1, b'.') {
            return;
        }
        let span = self
            .closing(open)
            .and_then(|close| ByteSpan::new(self.tokens[at].start, self.tokens[close].end));
        let Some(span) = span else {
            return;
        };
        let last = name.rsplit('.').next().unwrap_or(name);
        if let (Some(Token::Text(text)), "execute") = (self.token(at - 2), last) {
            let text = Value::Exact(text.clone());
            let verbatim_at = None;
            self.push(What::Shell { text, verbatim_at }, span);
            return;
        }
        let attributes: &[&'static str] = match last {
            "deleteDir" | "deleteRecursively" => &["recursive"],
            "delete" | "deleteOnExit" => &[],
            _ => return,
        };
        // Back to the bracket that opens what stands before.
        let mut depth = 0_usize;
        let opens = (at.saturating_sub(LONGEST)..at - 1).rev().find(|back| {
            match self.bracket(*back) {
                Some(Bracket::Closes) => depth += 1,
                Some(Bracket::Opens) => depth = depth.saturating_sub(1),
                None => {}
            }
            depth == 0
        });
        let Some(opens) = opens.filter(|opens| *opens > 0 && self.is_mark(*opens, b'(')) else {
            return;
        };
        let is_file = matches!(
            self.token(opens - 1),
            Some(Token::Name(name)) if matches!(name.as_str(), "File" | "java.io.File" | "Path.of" | "Paths.get")
        );
        if is_file {
            let target = self.fold(opens + 1, at - 2).value();
            self.act(
                ActionKind::FsDelete,
                target,
                TargetRole::Path,
                attributes,
                span,
            );
        }
    }

    /// A name with the calls that it is reached through: `Runtime.getRuntime().exec` as `Runtime.getRuntime.exec`.
    fn through(&self, at: usize, name: &str) -> String {
        let dotted = at >= 4
            && self.is_mark(at - 1, b'.')
            && self.is_mark(at - 2, b')')
            && self.is_mark(at - 3, b'(');
        match self.token(at.wrapping_sub(4)) {
            Some(Token::Name(before)) if dotted => format!("{before}.{name}"),
            _ => name.to_owned(),
        }
    }

    /// What the tables say of a name, or of its last parts.
    fn known(&self, name: &str) -> Option<Does> {
        let mut rest = name;
        loop {
            if let Some(does) = sinks::find(self.language, rest) {
                return Some(does);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    fn effect(&mut self, does: Does, args: &[Found], behind: usize, span: ByteSpan) {
        let value = |at: usize| args.get(at).map_or_else(unknown, Found::value);
        match does {
            Does::Act(kind, At::Arg(at), role, attributes) if at < args.len() => {
                self.act(kind, value(at), role, attributes, span);
            }
            Does::Shell(at) => match args.get(at) {
                Some(Found::List(words)) => self.program(words.clone(), span),
                Some(found) => self.push(
                    What::Shell {
                        text: found.value(),
                        verbatim_at: None,
                    },
                    span,
                ),
                None => {}
            },
            // A program, and a line of its arguments.
            Does::Words(0) if self.language == Language::CSharp && args.len() > 1 => {
                if let (Some(program), Some(line)) = (args[0].text(), args[1].text()) {
                    let text = Value::Exact(format!("{program} {line}"));
                    self.push(
                        What::Shell {
                            text,
                            verbatim_at: None,
                        },
                        span,
                    );
                }
            }
            Does::Words(from) => {
                let mut words: Vec<Value> = args.iter().skip(from).flat_map(Found::words).collect();
                words.extend(self.chained(behind));
                self.program(words, span);
            }
            // A program, what it calls itself, and its arguments until nothing follows.
            Does::Exec(at) => {
                let Some(program) = args.get(at) else { return };
                let given = args.iter().skip(at + 1).flat_map(Found::words);
                let mut words = vec![program.value()];
                words.extend(given.skip(1).filter(|word| word.exact().is_some()));
                self.program(words, span);
            }
            Does::Open(path, mode) if path < args.len() => {
                let writes = args
                    .get(mode)
                    .is_some_and(|mode| !mode.value().exact().unwrap_or("r").starts_with('r'));
                let kind = if writes {
                    ActionKind::FsWrite
                } else {
                    ActionKind::FsRead
                };
                self.act(kind, value(path), TargetRole::Path, &[], span);
            }
            Does::Request(at) if is_address(args.get(at)) => {
                self.act(ActionKind::NetFetch, value(at), TargetRole::Url, &[], span);
            }
            Does::Send(at) if is_address(args.get(at)) => {
                self.act(
                    ActionKind::NetSend,
                    value(at),
                    TargetRole::Url,
                    &["method_write"],
                    span,
                );
            }
            // What is opened is written when a flag says so.
            Does::OpenOrPipe if !args.is_empty() => {
                let writes = self.has_name(
                    span,
                    &["O_WRONLY", "O_RDWR", "O_TRUNC", "O_APPEND", "O_CREAT"],
                );
                let kind = if writes {
                    ActionKind::FsWrite
                } else {
                    ActionKind::FsRead
                };
                self.act(kind, value(0), TargetRole::Path, &[], span);
            }
            // A folder that is walked by a source that deletes is deleted with all that is in it.
            Does::Enter(at) if at < args.len() && self.deletes() => {
                let attributes = &["recursive"];
                self.act(
                    ActionKind::FsDelete,
                    value(at),
                    TargetRole::Path,
                    attributes,
                    span,
                );
            }
            Does::Unreadable(reason) => self.push(
                What::Unknown {
                    reason: reason.to_owned(),
                },
                span,
            ),
            Does::Connect(at) if self.language == Language::C => {
                let port = self.port();
                let host = args.get(at).cloned().into_iter();
                self.connection(&host.chain([port]).collect::<Vec<_>>(), span);
            }
            Does::Connect(at) => self.connection(args.get(at..).unwrap_or_default(), span),
            _ => {}
        }
    }

    /// Whether one of those names stands between two bytes.
    fn has_name(&self, span: ByteSpan, names: &[&str]) -> bool {
        let first = self
            .tokens
            .partition_point(|placed| placed.start < span.start());
        let within = self
            .tokens
            .iter()
            .skip(first)
            .take_while(|placed| placed.end <= span.end());
        within.take(LONGEST).any(
            |placed| matches!(&placed.token, Token::Name(name) if names.contains(&name.as_str())),
        )
    }

    /// Whether the source deletes files at all.
    fn deletes(&self) -> bool {
        self.tokens.iter().any(|placed| {
            matches!(&placed.token, Token::Name(name)
                if matches!(name.rsplit('.').next(), Some("delete" | "deleteIfExists")))
        })
    }

    /// A host and its port: one text, or a text and a number.
    fn connection(&mut self, args: &[Found], span: ByteSpan) {
        let Some(host) = args.first().and_then(Found::text) else {
            return;
        };
        let target = match args.get(1).and_then(Found::text) {
            Some(port) if !host.contains(':') => format!("{host}:{port}"),
            _ => host.to_owned(),
        };
        let host = Value::Exact(target);
        self.act(ActionKind::NetFetch, host, TargetRole::Host, &[], span);
    }

    /// The port that a source in C puts into the order of the network.
    fn port(&self) -> Found {
        let named =
            |at: &usize| matches!(self.token(*at), Some(Token::Name(name)) if name == "htons");
        let call = (0..self.tokens.len()).find(named);
        let found = call.and_then(|at| Some(self.fold(at + 2, self.closing(at + 1)?)));
        match found {
            Some(Found::Text(port)) => Found::Text(port),
            _ => Found::known(String::from("0")),
        }
    }

    /// The words that are given behind a program's name: `.arg("-c").args(["x", "y"])`.
    fn chained(&self, mut at: usize) -> Vec<Value> {
        let mut words = Vec::new();
        while self.is_mark(at, b'.') || self.is_mark(at, b'?') {
            let (Some(Token::Name(name)), true) = (self.token(at + 1), self.is_mark(at + 2, b'('))
            else {
                break;
            };
            let Some(close) = self.closing(at + 2) else {
                break;
            };
            if matches!(name.as_str(), "arg" | "args") {
                words.extend(self.fold(at + 3, close).words());
            }
            at = close + 1;
        }
        words
    }

    fn program(&mut self, words: Vec<Value>, span: ByteSpan) {
        if !words.is_empty() {
            self.push(What::Argv { words }, span);
        }
    }

    fn act(
        &mut self,
        kind: ActionKind,
        target: Value,
        role: TargetRole,
        attributes: &[&'static str],
        span: ByteSpan,
    ) {
        self.push(
            What::Act {
                kind,
                target: Some(target),
                role,
                attributes: attributes.to_vec(),
            },
            span,
        );
    }

    fn push(&mut self, what: What, span: ByteSpan) {
        self.effects.push(CodeEffect {
            what,
            span,
            certain: true,
        });
    }

    /// The value of what stands between two places.
    fn fold(&self, from: usize, end: usize) -> Found {
        fold::fold(self, from, end, 0)
    }

    /// Takes one part of a value from the budget of the text.
    fn afford(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() <= MOST_STEPS
    }

    /// What a name was set to last.
    fn named(&self, name: &str) -> Option<&Found> {
        self.names.get(name)
    }
}

/// Whether a value is an address, as far as it is known.
fn is_address(found: Option<&Found>) -> bool {
    found
        .and_then(Found::text)
        .is_some_and(|text| text.starts_with("http"))
}

fn unknown() -> Value {
    super::run_time("argument")
}
