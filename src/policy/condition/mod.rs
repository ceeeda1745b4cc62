//! Single conditions, three-valued: what is not known is neither true nor false, and the caller decides what that means.

mod action;
mod call;
mod finding;
mod target;
mod time;

pub(super) use action::{ActionCondition, subjects};
pub(super) use call::{ArgCondition, CallCondition};
pub(super) use finding::FindingCondition;
pub(super) use target::{Base, Bases, Bundle, Spot, TargetGlob, Targets, Under};
pub(super) use time::Window;

use super::compiled::{Compiled, Span};
use super::glob::{Ends, Glob, Probe};
use super::packed::fixed_struct;

/// Whether a condition holds. The order makes `min` the "and" and `max` the "or".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Truth {
    No = 1,
    Unknown = 2,
    Yes = 3,
}

impl Truth {
    /// The truth that was noted as this byte; `None` where none was.
    pub(super) const fn noted(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::No),
            2 => Some(Self::Unknown),
            3 => Some(Self::Yes),
            _ => None,
        }
    }

    const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

fixed_struct! {
    /// Patterns over a name.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Globs {
        pub(super) any: Span,
        pub(super) none: Span,
    }
}

impl Globs {
    fn fit(self, text: &str, compiled: &Compiled) -> bool {
        let probe = Probe::of(text);
        let one_of = |globs: Span| {
            compiled
                .of_those::<Ends, Glob>(globs, |ends| probe.may_fit(ends))
                .any(|glob| glob.matches(text, compiled))
        };
        (self.any.is_empty() || one_of(self.any)) && !one_of(self.none)
    }

    fn fit_option(self, text: Option<&str>, compiled: &Compiled) -> Truth {
        text.is_some_and(|text| self.fit(text, compiled)).into()
    }
}

fixed_struct! {
    /// Words of a set.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Words {
        pub(super) any: Span,
        pub(super) all: Span,
        pub(super) none: Span,
    }
}

impl Words {
    /// `absent` is the truth of a word that is not held: `No`, or `Unknown` where the set may be incomplete.
    fn fit(self, held: &[String], absent: Truth, compiled: &Compiled) -> Truth {
        if held.is_empty() {
            return self.fit_nothing(absent);
        }
        let holds = |word: &[u8]| {
            if held.iter().any(|held| held.as_bytes() == word) {
                Truth::Yes
            } else {
                absent
            }
        };
        let mut truth = Truth::Yes;
        if !self.any.is_empty() {
            let any = compiled.raw_words(self.any).map(holds).max();
            truth = any.unwrap_or(Truth::No);
        }
        for word in compiled.raw_words(self.all) {
            truth = truth.min(holds(word));
        }
        for word in compiled.raw_words(self.none) {
            truth = truth.min(holds(word).not());
        }
        truth
    }

    /// Whether nothing held cannot be enough.
    pub(super) const fn wants_one(self) -> bool {
        !self.any.is_empty() || !self.all.is_empty()
    }

    /// As `fit`, where nothing is held: most actions have no attributes, most runs no labels.
    fn fit_nothing(self, absent: Truth) -> Truth {
        let mut truth = Truth::Yes;
        if self.wants_one() {
            truth = absent;
        }
        if !self.none.is_empty() {
            truth = truth.min(absent.not());
        }
        truth
    }
}

fixed_struct! {
    /// Bounds of a number, both inside.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Range {
        pub(super) gte: u64,
        pub(super) lte: u64,
    }
}

impl Range {
    const fn holds(self, number: u64) -> bool {
        self.gte <= number && number <= self.lte
    }

    /// Whether a number holds of which only the least is known.
    fn holds_from(self, least: u64) -> Truth {
        if least > self.lte {
            Truth::No
        } else if self.gte <= least && self.lte == u64::MAX {
            Truth::Yes
        } else {
            Truth::Unknown
        }
    }
}
