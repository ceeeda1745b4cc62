//! One command line, or the arguments of a tool call, as effects ask about it: selectors, tests, templates.

use std::rc::Rc;

use super::argv::{self, Given, Parsed};
use super::catalogue::effects::{Gated, Idle};
use super::catalogue::entry::{
    Condition, Count, Effect, Entry, Part, Piece, Selector, Stream, Term, Test,
};
use super::catalogue::words::Words;
use super::pattern;
use super::word::{Data, Origin, Word, known};
use crate::json::{self, pointer_push};
use crate::shell::command::{Candidate, Value, Why};

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    No,
    /// A word that is not known decides it.
    Maybe,
    /// It holds.
    Yes,
}

impl Truth {
    const fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// Where a stream comes from or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Outside of the text.
    Outside,
    /// Another command.
    Pipe,
    /// A here-document or here-string; for output: a word.
    Text,
    /// A file.
    File,
}

/// A command line that was told apart.
pub struct Line<'l> {
    /// The entry that tells what it means.
    pub entry: &'l Entry<'static>,
    /// All words.
    pub words: &'l [Word],
    /// How many words the name has.
    pub name_words: usize,
    /// Options and operands.
    pub parsed: Parsed,
    /// Assignments that hold for it.
    pub assignments: &'l [(String, Word)],
    /// Standard input.
    pub stdin: &'l Data,
    /// Where standard input comes from.
    pub stdin_source: Source,
    /// Where standard output goes.
    pub stdout: Source,
    /// Working directory.
    pub cwd: &'l Value,
    /// The whole of it.
    pub origin: &'l Origin,
    /// Arguments of a tool call.
    pub args: Option<&'l json::Value>,
}

impl Line<'_> {
    /// The words that the selector selects.
    #[must_use]
    pub fn select(&self, selector: &Selector<'_>) -> Vec<Word> {
        let operand = |at: &usize| self.words.get(*at).cloned();
        let operands = &self.parsed.operands;
        match selector {
            Selector::From(from) => operands
                .iter()
                .skip(usize::from(*from))
                .filter_map(operand)
                .collect(),
            Selector::Operand(number) => operands
                .get(usize::from(*number))
                .and_then(operand)
                .into_iter()
                .collect(),
            Selector::Last => match operands.as_slice() {
                [_, .., last] => operand(last).into_iter().collect(),
                _ => Vec::new(),
            },
            Selector::ButLast => {
                let count = if operands.len() > 1 {
                    operands.len() - 1
                } else {
                    1
                };
                operands.iter().take(count).filter_map(operand).collect()
            }
            Selector::Option(option) => argv::values(&self.parsed, self.words, *option).collect(),
            Selector::Text(text) => vec![self.made(Value::Exact((*text).to_owned()))],
            Selector::Stdin => self.standard_input(),
            Selector::Cwd => vec![self.made(self.cwd.clone())],
            Selector::Words => self
                .words
                .get(self.name_words..)
                .unwrap_or_default()
                .to_vec(),
            Selector::Variables => self.variables(),
            Selector::Arg(path) => self.arguments(path),
            Selector::Under(inner, folder) => self.under(inner, folder),
            Selector::Join(inner) => join(&self.select(inner)).into_iter().collect(),
            Selector::All(parts) => parts.iter().flat_map(|part| self.select(part)).collect(),
            Selector::First(parts) => parts
                .iter()
                .map(|part| self.select(part))
                .find(|words| !words.is_empty())
                .unwrap_or_default(),
        }
    }

    fn made(&self, value: Value) -> Word {
        Word::made(value, self.origin.clone())
    }

    /// The last components of what one selects, in the folder that the other selects.
    fn under(&self, inner: &Selector<'_>, folder: &Selector<'_>) -> Vec<Word> {
        let Some(folder) = self.select(folder).pop() else {
            return Vec::new();
        };
        let Some(folder) = folder.exact() else {
            return vec![folder];
        };
        self.select(inner)
            .iter()
            .map(|word| {
                let folder = folder.trim_end_matches('/');
                match cut(word, Part::Stem) {
                    Some(word) => Word {
                        value: Value::Exact(format!("{folder}/{}", word.known().0)),
                        ..word
                    },
                    // Of what fits a pattern nobody knows how it is called, but where it lies.
                    None => Word {
                        value: Value::Prefix(format!("{folder}/"), Why::Expansion),
                        ..word.clone()
                    },
                }
            })
            .collect()
    }

    fn variables(&self) -> Vec<Word> {
        let operands = self.parsed.operands.iter();
        operands
            .filter_map(|at| self.words.get(*at))
            .flat_map(|word| {
                word.value
                    .candidates()
                    .into_iter()
                    .filter_map(|candidate| match candidate {
                        Candidate::Prefix(_, Why::UnsetVariable(name) | Why::PutIn(name)) => {
                            Some(Word::made(Value::Exact(name.clone()), word.origin.clone()))
                        }
                        _ => None,
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// Whether the word at that position is the value of an option that logs in.
    #[must_use]
    pub fn authenticates(&self, position: usize) -> bool {
        let terms = || self.entry.authenticates.iter().flatten();
        terms().next().is_some()
            && self.parsed.options.iter().any(|(number, given)| {
                let Given::One(slice) = *given else {
                    return false;
                };
                slice.word == position
                    && terms().any(|term| match &term.test {
                        Test::Option(option, patterns) if option == number => {
                            patterns.is_empty()
                                || self.words.get(position).is_some_and(|word| {
                                    let value = word.tail(slice.from).value;
                                    // The name of a header says what it is for, whatever its value.
                                    match known(&value) {
                                        (text, false) if text.contains(':') => {
                                            let named = Value::Exact(text.to_owned());
                                            fits(&named, patterns) == Truth::Yes
                                        }
                                        _ => fits(&value, patterns) > Truth::No,
                                    }
                                })
                        }
                        _ => false,
                    })
            })
    }

    /// Leaves out the filters that everything passes: `-name '*'`.
    pub fn leave_open_filters(&mut self) {
        let entry = self.entry;
        if entry.open.is_empty() || self.parsed.options.is_empty() {
            return;
        }
        let counts = |condition: &Condition<'_>| self.any(condition) > Truth::No;
        if entry.open_unless.iter().any(counts) {
            return;
        }
        let words = self.words;
        let is_open = |number: u16, given: Given| {
            let Given::One(slice) = given else {
                return false;
            };
            let mut values = entry
                .open
                .iter()
                .filter(|(option, _)| *option == number)
                .map(|(_, value)| *value)
                .peekable();
            values.peek().is_some()
                && words.get(slice.word).is_some_and(|word| {
                    let given = word.exact().and_then(|text| text.get(slice.from..));
                    given.is_some_and(|given| values.any(|value| value == given))
                })
        };
        self.parsed
            .options
            .retain(|(number, given)| !is_open(*number, *given));
    }

    fn standard_input(&self) -> Vec<Word> {
        if !self.stdin.some {
            return Vec::new();
        }
        let mut word = match &self.stdin.text {
            Some(text) => Word::made(text.value.clone(), text.origin.clone()),
            None => self.made(Value::Unknown(Why::CommandOutput)),
        };
        word.data = Some(Rc::new(self.stdin.clone()));
        vec![word]
    }

    /// Strings and numbers of the arguments at that path.
    fn arguments(&self, path: &[&str]) -> Vec<Word> {
        let mut found = Vec::new();
        if let Some(args) = self.args {
            collect(args, path, &mut String::new(), self.origin, &mut found);
        }
        found
    }

    /// What becomes of an effect that this line gives none of the options it is about; `None`: look at the effect.
    #[must_use]
    pub fn idle(&self, effect: &Gated<'_>) -> Option<Idle> {
        let options = &self.parsed.options;
        effect.idle(|option| options.iter().any(|(given, _)| *given == option))
    }

    /// Whether all conditions hold, and none of the others.
    #[must_use]
    pub fn applies(&self, effect: &Effect<'_>) -> Truth {
        let when = self.all(&effect.when);
        if when == Truth::No {
            return Truth::No;
        }
        effect
            .unless
            .iter()
            .map(|condition| self.any(condition).not())
            .fold(when, std::cmp::Ord::min)
    }

    /// Whether all conditions hold.
    #[must_use]
    pub fn all(&self, conditions: &[Condition<'_>]) -> Truth {
        conditions
            .iter()
            .map(|condition| self.any(condition))
            .min()
            .unwrap_or(Truth::Yes)
    }

    /// The condition of the entry that proves that the program does nothing by itself.
    #[must_use]
    pub fn harmless(&self) -> Option<usize> {
        let conditions = &self.entry.harmless_when;
        let alone = conditions.len() - self.entry.harmless_alone.min(conditions.len());
        conditions
            .iter()
            .enumerate()
            .position(|(number, condition)| {
                (number < alone || self.parsed.operands.is_empty())
                    && self.any(condition) == Truth::Yes
            })
    }

    /// Whether one of the terms holds.
    #[must_use]
    pub fn any(&self, condition: &Condition<'_>) -> Truth {
        condition
            .iter()
            .map(|term| self.term(term))
            .max()
            .unwrap_or(Truth::No)
    }

    fn term(&self, term: &Term<'_>) -> Truth {
        let truth = self.test(&term.test);
        if term.negated { truth.not() } else { truth }
    }

    fn test(&self, test: &Test<'_>) -> Truth {
        let operand = |at: &usize| self.words.get(*at);
        match test {
            Test::Option(option, patterns) => self.option(*option, patterns),
            Test::Operands(count) => {
                let have = self.parsed.operands.len();
                Truth::of(match count {
                    Count::Is(number) => have == usize::from(*number),
                    Count::Over(number) => have > usize::from(*number),
                    Count::Under(number) => have < usize::from(*number),
                })
            }
            Test::Operand(number, patterns) => self
                .parsed
                .operands
                .get(usize::from(*number))
                .and_then(operand)
                .map_or(Truth::No, |word| fits(&word.value, patterns)),
            Test::AnyOperand(patterns) => best(
                self.parsed
                    .operands
                    .iter()
                    .filter_map(operand)
                    .map(|word| fits(&word.value, patterns)),
            ),
            Test::LastOperand(patterns) => self
                .parsed
                .operands
                .last()
                .and_then(operand)
                .map_or(Truth::No, |word| fits(&word.value, patterns)),
            Test::Word(patterns) => best(
                self.words
                    .iter()
                    .skip(self.name_words)
                    .map(|word| fits(&word.value, patterns)),
            ),
            Test::Stdin(stream) => Truth::of(is(self.stdin_source, *stream)),
            Test::Stdout(stream) => Truth::of(is(self.stdout, *stream)),
            Test::Env(name, patterns) => self
                .assignments
                .iter()
                .filter(|(held, _)| held == name)
                .map(|(_, word)| {
                    if patterns.is_empty() {
                        Truth::Yes
                    } else {
                        fits(&word.value, patterns)
                    }
                })
                .max()
                .unwrap_or(Truth::No),
            Test::Arg(path, patterns) => self.argument(path, patterns),
        }
    }

    fn option(&self, option: u16, patterns: &Words<'_>) -> Truth {
        let given = self
            .parsed
            .options
            .iter()
            .filter(|(number, _)| *number == option);
        if patterns.is_empty() {
            return Truth::of(given.count() > 0);
        }
        best(given.map(|(_, given)| {
            match *given {
                Given::Nothing => Truth::of(patterns.contains("")),
                Given::One(slice) => self.words.get(slice.word).map_or(Truth::No, |word| {
                    fits(&word.tail(slice.from).value, patterns)
                }),
                Given::Block(start, end) => best(
                    self.words
                        .get(start..end)
                        .unwrap_or_default()
                        .iter()
                        .map(|word| fits(&word.value, patterns)),
                ),
            }
        }))
    }

    fn argument(&self, path: &[&str], patterns: &Words<'_>) -> Truth {
        let Some(args) = self.args else {
            return Truth::No;
        };
        if patterns.is_empty() {
            return Truth::of(exists(args, path));
        }
        best(
            self.arguments(path)
                .iter()
                .map(|word| fits(&word.value, patterns)),
        )
    }

    /// The values an effect is about: filtered and cut to their part.
    #[must_use]
    pub fn targets(&self, effect: &Effect<'_>, selector: &Selector<'_>) -> Vec<Word> {
        let mut words = self.select(selector);
        if !effect.only.is_empty() {
            let least = if effect.sure {
                Truth::Yes
            } else {
                Truth::Maybe
            };
            words.retain(|word| fits(&word.value, &effect.only) >= least);
        }
        if !effect.except.is_empty() {
            words.retain(|word| fits(&word.value, &effect.except) < Truth::Yes);
        }
        match effect.part {
            Some(part) => words.iter().filter_map(|word| cut(word, part)).collect(),
            None => words,
        }
    }

    /// The text of a template; `…` stands for what is not known.
    #[must_use]
    pub fn fill(&self, template: &[Piece<'_>]) -> String {
        let mut out = String::new();
        for piece in template {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(selector) => match join(&self.select(selector)) {
                    Some(word) => {
                        let (text, whole) = word.known();
                        out.push_str(text);
                        if !whole {
                            out.push('…');
                        }
                    }
                    None => out.push('…'),
                },
            }
        }
        out
    }
}

fn best(truths: impl Iterator<Item = Truth>) -> Truth {
    truths.max().unwrap_or(Truth::No)
}

fn is(source: Source, stream: Stream) -> bool {
    match stream {
        Stream::Piped => source == Source::Pipe,
        Stream::Text => source == Source::Text,
        Stream::File => source == Source::File,
        Stream::Given => source != Source::Outside,
        Stream::None => source == Source::Outside,
    }
}

/// Whether a value matches one of the patterns.
#[must_use]
pub fn fits(value: &Value, patterns: &Words<'_>) -> Truth {
    let matches = |text: &str| {
        patterns
            .iter()
            .any(|pattern| pattern::matches(pattern, text))
    };
    match value {
        Value::Exact(text) => Truth::of(matches(text)),
        Value::OneOf(texts) => match texts.iter().filter(|text| matches(text)).count() {
            0 => Truth::No,
            count if count == texts.len() => Truth::Yes,
            _ => Truth::Maybe,
        },
        Value::Pattern(text) | Value::Prefix(text, _) => {
            // A pattern whose fixed beginning agrees may match; one that ends in a star within it does.
            let open = |pattern: &str| {
                let fixed = pattern.split(['*', '?']).next().unwrap_or_default();
                let common = fixed.len().min(text.len());
                fixed
                    .get(..common)
                    .zip(text.get(..common))
                    .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
            };
            let sure = |pattern: &str| {
                pattern
                    .strip_suffix('*')
                    .is_some_and(|fixed| !pattern::has_wildcard(fixed))
                    && pattern::matches(pattern, text)
            };
            if patterns.iter().any(sure) {
                Truth::Yes
            } else if patterns.iter().any(open) {
                Truth::Maybe
            } else {
                Truth::No
            }
        }
        Value::Unknown(_) => Truth::Maybe,
        Value::Either(values) => {
            let mut truths = values.iter().map(|value| fits(value, patterns));
            let first = truths.next().unwrap_or(Truth::Maybe);
            if truths.all(|truth| truth == first) {
                first
            } else {
                Truth::Maybe
            }
        }
    }
}

fn cut(word: &Word, part: Part<'_>) -> Option<Word> {
    let (text, _) = word.known();
    match part {
        Part::After(separator) => text
            .find(separator)
            .map(|at| word.tail(at + separator.len())),
        Part::AfterLast(separator) => text
            .rfind(separator)
            .map(|at| word.tail(at + separator.len())),
        Part::Strip(beginning) => text
            .starts_with(beginning)
            .then(|| word.tail(beginning.len())),
        Part::Stem => {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            let name = path.trim_end_matches('/').rsplit(['/', ':']).next()?;
            let name = name.strip_suffix(".git").unwrap_or(name);
            (!name.is_empty() && word.exact().is_some()).then(|| Word {
                value: Value::Exact(name.to_owned()),
                ..word.clone()
            })
        }
        Part::Before(separator) => text.find(separator).map(|at| Word {
            value: Value::Exact(text[..at].to_owned()),
            ..word.clone()
        }),
    }
}

/// Words as one text with spaces between; `None` for no words.
#[must_use]
pub fn join(words: &[Word]) -> Option<Word> {
    let (first, more) = words.split_first()?;
    if more.is_empty() {
        return Some(first.clone());
    }
    let mut text = String::new();
    let mut open = None;
    let mut origin = first.origin.clone();
    let mut data = Data::default();
    for (index, word) in words.iter().enumerate() {
        if let Some(own) = &word.data {
            data.merge(own);
        }
        if let (Some(span), Some(more)) = (origin.span, word.origin.span) {
            origin.span = Some(span.join(more));
        }
        if open.is_some() {
            continue;
        }
        if index > 0 {
            text.push(' ');
        }
        let (known, whole) = word.known();
        text.push_str(known);
        if !whole && !matches!(word.value, Value::Pattern(_)) {
            open = Some(why_of(&word.value));
        }
    }
    origin.verbatim = None;
    Some(Word {
        value: match open {
            None => Value::Exact(text),
            Some(why) => Value::Prefix(text, why),
        },
        origin,
        data: data.some.then(|| Rc::new(data)),
    })
}

/// How deep and how many arguments are looked at.
const MAX_ARGUMENTS: usize = 512;

fn collect(
    value: &json::Value,
    path: &[&str],
    pointer: &mut String,
    origin: &Origin,
    found: &mut Vec<Word>,
) {
    if found.len() >= MAX_ARGUMENTS {
        return;
    }
    match (path.split_first(), value) {
        (Some((&"", _)), json::Value::Array(items)) => {
            let rest = path.get(1..).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                let length = pointer.len();
                pointer_push(pointer, &index.to_string());
                collect(item, rest, pointer, origin, found);
                pointer.truncate(length);
            }
        }
        (Some((name, rest)), json::Value::Object(_)) => {
            if let Some(value) = value.get(name) {
                let length = pointer.len();
                pointer_push(pointer, name);
                collect(value, rest, pointer, origin, found);
                pointer.truncate(length);
            }
        }
        (None, json::Value::String(text)) => {
            let base = &origin.at;
            let at: Rc<str> = Rc::from([base, pointer.as_str()].concat());
            found.push(Word::made(
                Value::Exact(text.clone()),
                Origin {
                    at,
                    span: crate::span::ByteSpan::new(0, text.len()),
                    verbatim: Some(0),
                },
            ));
        }
        // What is empty says something as well: `{"filter": {}}` is about everything.
        (None, json::Value::Object(members)) if !members.is_empty() => {}
        (None, json::Value::Array(items)) if !items.is_empty() => {}
        (
            None,
            json::Value::Int(_)
            | json::Value::Float(_)
            | json::Value::Bool(_)
            | json::Value::Object(_)
            | json::Value::Array(_),
        ) => {
            let text = String::from_utf8_lossy(&json::canonical(value)).into_owned();
            let base = &origin.at;
            found.push(Word::made(
                Value::Exact(text),
                Origin::argument(Rc::from([base, pointer.as_str()].concat()), None),
            ));
        }
        _ => {}
    }
}

fn exists(value: &json::Value, path: &[&str]) -> bool {
    match (path.split_first(), value) {
        (None, value) => !matches!(value, json::Value::Null),
        (Some((&"", rest)), json::Value::Array(items)) => {
            items.iter().any(|item| exists(item, rest))
        }
        (Some((name, rest)), json::Value::Object(_)) => {
            value.get(name).is_some_and(|value| exists(value, rest))
        }
        _ => false,
    }
}

/// Why a value is not known.
#[must_use]
pub fn why_of(value: &Value) -> Why {
    value
        .candidates()
        .into_iter()
        .find_map(|candidate| match candidate {
            Candidate::Prefix(_, why) => Some(why.clone()),
            _ => None,
        })
        .unwrap_or(Why::Expansion)
}
