//! Where a compiled policy keeps its parts: one text, one list for each kind of part, and spans into them.
//!
//! A policy of hundreds of rules is a dozen allocations, so that a hook that lives for a millisecond does not spend it
//! on building trees.

use serde::{Deserialize, Serialize};

use super::condition::{ActionCondition, CallCondition, FindingCondition, TargetGlob, Under};
use super::glob::Glob;
use super::packed::{self, fixed_struct};

/// A part of one of the pool's lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

fixed_struct!(Span {
    start: u32,
    end: u32
});

impl Span {
    /// The span of what was pushed to a list since it was `start` long.
    pub(super) fn since(start: usize, end: usize) -> Self {
        let short = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        Self {
            start: short(start),
            end: short(end),
        }
    }

    /// From one position of it to another.
    pub(super) fn part(self, from: usize, to: usize) -> Self {
        let at = |position: usize| {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            self.start.saturating_add(position).min(self.end)
        };
        Self {
            start: at(from),
            end: at(to),
        }
    }

    /// That part of the list; nothing where a damaged table points beside it.
    pub(super) fn of<T>(self, list: &[T]) -> &[T] {
        list.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    pub(super) const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// The parts of a policy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Pool {
    text: String,
    #[serde(with = "packed")]
    pub(super) words: Vec<Span>,
    #[serde(with = "packed")]
    pub(super) globs: Vec<Glob>,
    #[serde(with = "packed")]
    pub(super) target_globs: Vec<TargetGlob>,
    #[serde(with = "packed")]
    pub(super) unders: Vec<Under>,
    #[serde(with = "packed")]
    pub(super) call: Vec<CallCondition>,
    #[serde(with = "packed")]
    pub(super) action: Vec<ActionCondition>,
    #[serde(with = "packed")]
    pub(super) finding: Vec<FindingCondition>,
}

impl Pool {
    /// Keeps a text.
    pub(super) fn keep(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span::since(start, self.text.len())
    }

    /// Keeps a list of words.
    pub(super) fn keep_words<'a>(&mut self, words: impl Iterator<Item = &'a str>) -> Span {
        let start = self.words.len();
        for word in words {
            let span = self.keep(word);
            self.words.push(span);
        }
        Span::since(start, self.words.len())
    }

    /// A text that was kept.
    pub(super) fn text(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Words that were kept.
    pub(super) fn words(&self, span: Span) -> impl Iterator<Item = &str> {
        span.of(&self.words).iter().map(|word| self.text(*word))
    }
}
