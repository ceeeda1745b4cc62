//! A value in the making: text, active glob characters and unknown parts are appended until the word is complete.

use super::command::{Value, Why};

/// How many alternatives a value may have.
pub const MAX_ALTERNATIVES: usize = 8;

/// How long a value may become, in bytes. Longer ones keep their beginning.
pub const MAX_LENGTH: usize = 256 * 1024;

/// The folder whose folders are processes, by their numbers.
const PROCESSES: &str = "/proc/";

/// One alternative.
#[derive(Debug, Clone, Default)]
struct Alternative {
    text: String,
    /// Positions of active glob characters in `text`.
    globs: Vec<usize>,
    /// Why the rest is unknown, when it is.
    open: Option<Why>,
}

impl Alternative {
    fn push(&mut self, text: &str, active: bool) {
        if self.open.is_some() {
            if !(self.text == PROCESSES && text.starts_with('/')) {
                return;
            }
            // `/proc/$PPID/environ`: of some process, whichever it is.
            self.open = None;
            self.push("*", true);
        }
        let start = self.text.len();
        if start + text.len() > MAX_LENGTH {
            self.open = Some(Why::Limit);
            return;
        }
        self.text.push_str(text);
        if active {
            self.globs.extend(start..self.text.len());
        }
    }

    /// Whether the active characters make a pattern: a `[` alone does not, and the first character inside a bracket
    /// expression does not close it.
    fn is_pattern(&self) -> bool {
        let close = self.text.rfind(']').unwrap_or(0);
        self.globs
            .iter()
            .any(|at| self.text.as_bytes()[*at] != b'[' || close > at + 1)
    }

    fn finish(mut self) -> Value {
        if let Some(why) = self.open {
            if let Some(first) = self.globs.first() {
                self.text.truncate(*first);
            }
            return if self.text.is_empty() {
                Value::Unknown(why)
            } else {
                Value::Prefix(self.text, why)
            };
        }
        if self.globs.is_empty() || !self.is_pattern() {
            return Value::Exact(self.text);
        }
        let mut pattern = String::with_capacity(self.text.len() + 2);
        let mut globs = self.globs.iter().copied().peekable();
        for (at, character) in self.text.char_indices() {
            let active = globs.next_if_eq(&at).is_some();
            if !active && matches!(character, '*' | '?' | '[' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        Value::Pattern(pattern)
    }
}

/// A value in the making.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    first: Alternative,
    more: Vec<Alternative>,
}

impl Draft {
    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.more.is_empty() && self.first.text.is_empty() && self.first.open.is_none()
    }

    /// Takes room for a word of that many bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.first.text.reserve(bytes);
    }

    /// Appends text.
    pub fn push(&mut self, text: &str) {
        self.first.push(text, false);
        for alternative in &mut self.more {
            alternative.push(text, false);
        }
    }

    /// Appends glob characters that are active.
    pub fn push_glob(&mut self, text: &str) {
        self.first.push(text, true);
        for alternative in &mut self.more {
            alternative.push(text, true);
        }
    }

    /// Appends text whose glob characters are active, as those of an unquoted expansion are.
    pub fn push_active(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(['*', '?', '[']) {
            self.push(&rest[..at]);
            self.push_glob(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        self.push(rest);
    }

    /// Appends a pattern in the form of [`Value::Pattern`].
    fn push_pattern(&mut self, pattern: &str, active: bool) {
        let mut rest = pattern;
        while let Some(at) = rest.find(['*', '?', '[', '\\']) {
            self.push(&rest[..at]);
            if rest.as_bytes()[at] == b'\\' {
                let next = rest[at + 1..].chars().next().map_or(0, char::len_utf8);
                self.push(&rest[at + 1..at + 1 + next]);
                rest = &rest[at + 1 + next..];
            } else {
                if active {
                    self.push_glob(&rest[at..=at]);
                } else {
                    self.push(&rest[at..=at]);
                }
                rest = &rest[at + 1..];
            }
        }
        self.push(rest);
    }

    /// The rest of every alternative is unknown.
    pub fn push_unknown(&mut self, why: &Why) {
        for alternative in std::iter::once(&mut self.first).chain(&mut self.more) {
            if alternative.open.is_none() {
                alternative.open = Some(why.clone());
            }
        }
    }

    /// Appends a value; `active`: its glob characters count.
    pub fn push_value(&mut self, value: &Value, active: bool) {
        match value {
            Value::Exact(text) if active => self.push_active(text),
            Value::Exact(text) => self.push(text),
            Value::Pattern(pattern) => self.push_pattern(pattern, active),
            Value::Prefix(text, why) => {
                self.push(text);
                self.push_unknown(why);
            }
            Value::Unknown(why) => self.push_unknown(why),
            Value::OneOf(texts) => self.branch(texts.iter(), |draft, text| {
                if active {
                    draft.push_active(text);
                } else {
                    draft.push(text);
                }
            }),
            Value::Either(values) => {
                self.branch(values.iter(), |draft, value| {
                    draft.push_value(value, active)
                });
            }
        }
    }

    /// Every alternative so far with every choice appended.
    fn branch<T>(&mut self, choices: impl Iterator<Item = T>, append: impl Fn(&mut Self, T)) {
        let before = std::mem::take(self);
        let mut all: Vec<Alternative> = Vec::new();
        // An alternative whose rest is unknown takes nothing more.
        let (open, closed): (Vec<_>, Vec<_>) = std::iter::once(before.first)
            .chain(before.more)
            .partition(|alternative| alternative.open.is_some());
        for choice in choices {
            let mut draft = Self {
                first: Alternative::default(),
                more: closed.clone(),
            };
            if closed.is_empty() {
                break;
            }
            draft.first = draft.more.remove(0);
            append(&mut draft, choice);
            all.push(draft.first);
            all.extend(draft.more);
        }
        all.extend(open);
        self.replace(all);
    }

    /// Takes over alternatives: what begins like another that is unknown from there on is covered by it, and of too
    /// many the last become one that is unknown from where they differ.
    fn replace(&mut self, all: Vec<Alternative>) {
        let covers =
            |other: &Alternative, alternative: &Alternative| match (&other.open, &alternative.open)
            {
                (Some(why), Some(inner)) => {
                    alternative.text.starts_with(&other.text) && (!is_weak(why) || is_weak(inner))
                }
                _ => false,
            };
        let mut kept: Vec<Alternative> = Vec::with_capacity(all.len());
        for alternative in all {
            if alternative.open.is_some() {
                if kept.iter().any(|other| covers(other, &alternative)) {
                    continue;
                }
                kept.retain(|other| !covers(&alternative, other));
            }
            kept.push(alternative);
        }
        let mut all = kept;
        if all.len() > MAX_ALTERNATIVES {
            let dropped = all.split_off(MAX_ALTERNATIVES - 1);
            let text = dropped
                .iter()
                .map(|alternative| alternative.text.as_str())
                .reduce(common_prefix)
                .unwrap_or_default()
                .to_owned();
            all.push(Alternative {
                text,
                globs: Vec::new(),
                open: Some(Why::Limit),
            });
        }
        let mut all = all.into_iter();
        self.first = all.next().unwrap_or_default();
        self.more = all.collect();
    }

    /// The finished value.
    pub fn finish(self) -> Value {
        if self.more.is_empty() {
            return self.first.finish();
        }
        either(
            std::iter::once(self.first)
                .chain(self.more)
                .map(Alternative::finish)
                .collect(),
        )
    }
}

/// The longest beginning that both have.
fn common_prefix<'a>(left: &'a str, right: &'a str) -> &'a str {
    let length: usize = left
        .chars()
        .zip(right.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    &left[..length]
}

/// One of these: flattened, each kept once, at most [`MAX_ALTERNATIVES`]. What begins like another whose rest is
/// unknown is covered by that one.
pub fn either(values: Vec<Value>) -> Value {
    let mut flat: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::OneOf(texts) => texts
                .into_iter()
                .for_each(|text| add(&mut flat, Value::Exact(text))),
            Value::Either(inner) => inner.into_iter().for_each(|value| add(&mut flat, value)),
            other => add(&mut flat, other),
        }
        if flat.len() > MAX_ALTERNATIVES {
            flat.truncate(MAX_ALTERNATIVES - 1);
            flat.push(Value::Unknown(Why::Limit));
            break;
        }
    }
    if flat.len() == 1 {
        return flat.pop().unwrap_or(Value::Exact(String::new()));
    }
    if flat.iter().all(|value| matches!(value, Value::Exact(_))) {
        return Value::OneOf(
            flat.into_iter()
                .map(|value| match value {
                    Value::Exact(text) => text,
                    _ => String::new(),
                })
                .collect(),
        );
    }
    Value::Either(flat)
}

/// The known beginning of a value whose rest is unknown, and why.
const fn open_part(value: &Value) -> Option<(&str, &Why)> {
    match value {
        Value::Prefix(text, why) => Some((text.as_str(), why)),
        Value::Unknown(why) => Some(("", why)),
        _ => None,
    }
}

/// Whether a reason says that nothing sets a value, rather than that something sets one we cannot know. It never
/// stands for the other kind.
const fn is_weak(why: &Why) -> bool {
    matches!(
        why,
        Why::UnsetVariable(_) | Why::Parameter(_) | Why::PutIn(_)
    )
}

/// Whether everything the second may be, the first may be for a reason at least as strong.
fn covers(other: &Value, value: &Value) -> bool {
    match (open_part(other), open_part(value)) {
        (Some((text, why)), Some((inner, inner_why))) => {
            inner.starts_with(text) && (!is_weak(why) || is_weak(inner_why))
        }
        _ => false,
    }
}

fn add(flat: &mut Vec<Value>, value: Value) {
    if open_part(&value).is_some() {
        if flat.iter().any(|other| covers(other, &value)) {
            return;
        }
        flat.retain(|other| !covers(&value, other));
        flat.push(value);
    } else if !flat.contains(&value) {
        flat.push(value);
    }
}
