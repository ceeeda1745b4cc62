//! One pass over a text: what the search meets is confirmed by the form of its rule.

use std::ops::Range;
use std::rc::Rc;

use regex::bytes::Regex;

use super::judged::{Refused, Tokens, Values};
use super::sentence::Sentence;
use super::views::{self, Calls};
use super::{
    armor, assignment, column, context, email, exfiltration, frame, hidden, mark, number, pattern,
    phrase, plausible, token, userinfo,
};
use crate::call::Surface;
use crate::rules::mnemonic::Row;
use crate::rules::rule::Token;
use crate::rules::tables::{Hit, Seen};
use crate::rules::{Allowed, Form, Rule, Runs, Tables};
use crate::scan::{Checksum, MOST_NOTES};
use crate::text::mark::{FINDER, LONGEST, WORD};
use crate::text::view::ViewKind;

/// Confidence when a checksum holds, and when it does not.
const SURE_PM: u16 = 1_000;
const DOUBTFUL_PM: u16 = 300;

/// How many tokens of a rule that end at the same place are looked at: one may stand in another, but hundreds are a text
/// that wants to be slow.
const MOST_REFUSED: u32 = 16;

/// Of how many places in a row the search tells of the first at which three digits begin.
const PLACES_TOLD: usize = 6;

/// How many of what was found last a range may lie in: rules that find the same, and what stands in one of them.
const MOST_LAST: usize = 4;

/// How far from a place no reading of what stands around it looks for a mark, in bytes: the longest row of numbers, and the
/// mark behind it.
const FAR: usize = 640 + LONGEST;
/// How much more of a text is looked through for marks at once where places follow one another.
const AHEAD: usize = 4 << 10;

/// What a pass found, in the coordinates of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) rule: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) confidence_pm: u16,
    pub(super) checksum: Option<Checksum>,
    pub(super) view: Option<ViewKind>,
}

/// An expression: of which rule, and whether for a stretch.
type Asked = (usize, bool);

/// A pass over one text.
pub(super) struct Pass<'a> {
    pub(super) tables: &'a Tables,
    pub(super) allowed: &'a [Allowed],
    pub(super) bytes: &'a [u8],
    pub(super) surface: Surface,
    pub(super) out: Vec<Found>,
    pub(super) calls: Calls,
    /// What is known of tables.
    pub(super) columns: column::Seen,
    /// For rules that look ahead: how far each has looked, so that repeated words cost nothing. The last one that was asked
    /// stands first: words that are repeated ask again and again.
    until: Vec<(usize, usize)>,
    /// How far runs of alphabets reach.
    pub(super) runs: Runs,
    /// For rules whose token was refused: where it ended, and how often since.
    refused: Vec<(usize, usize, u32)>,
    /// For rules with expressions: the compiled one, for what stands around one literal or for a stretch of them, and how
    /// many bytes they have read.
    pub(super) expressions: Vec<(Asked, Option<Rc<Regex>>)>,
    spent: Vec<(usize, usize)>,
    /// For rules whose expression read a stretch: up to where every literal has been asked.
    covered: Vec<(usize, usize)>,
    /// For token rules with words: what is known of them.
    words: Vec<(usize, token::WordsSeen)>,
    /// What phrases read words into.
    pub(super) read: phrase::Read,
    /// Where phrases without blanks were read to.
    pub(super) places: phrase::Places,
    /// What was read of the sentence for frames.
    pub(super) sentence: Sentence,
    /// Words in a row that may be a recovery phrase.
    pub(super) row: Row,
    digits_until: usize,
    /// Where no number that is issued begins.
    pub(super) issued: number::Tried,
    /// A range, and whether an example that everybody prints stands there.
    published: (usize, usize, bool),
    /// A range without blanks, as far as that is known.
    pub(super) unbroken: (usize, usize),
    /// What was said of values and of tokens by their bytes.
    pub(super) values: Values,
    pub(super) tokens: Tokens,
    /// Where no phrase begins.
    pub(super) phrases: Refused,
    /// A range in which no word for a credential stands, as far as that is known.
    pub(super) no_key_word: Range<usize>,
    /// A range in which no mark stands, as far as that is known.
    unmarked: Range<usize>,
    /// How many findings of each kind there are that are only reported.
    notes: [usize; 5],
    /// Whether this text is itself a view: views of views are not made.
    pub(super) inner: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        tables: &'a Tables,
        allowed: &'a [Allowed],
        bytes: &'a [u8],
        surface: Surface,
        inner: bool,
    ) -> Self {
        Self {
            tables,
            allowed,
            bytes,
            surface,
            out: Vec::new(),
            calls: Calls::default(),
            columns: column::Seen::default(),
            until: Vec::new(),
            runs: Runs::default(),
            refused: Vec::new(),
            expressions: Vec::new(),
            spent: Vec::new(),
            covered: Vec::new(),
            words: Vec::new(),
            read: phrase::Read::default(),
            places: phrase::Places::default(),
            sentence: Sentence::default(),
            row: Row::default(),
            digits_until: 0,
            issued: number::Tried::default(),
            published: (0, 0, false),
            unbroken: (0, 0),
            values: Values::default(),
            tokens: Tokens::default(),
            phrases: Refused::default(),
            no_key_word: 0..0,
            unmarked: 0..0,
            notes: [0; 5],
            inner,
        }
    }

    /// Everything in the text, in no order.
    pub(super) fn run(mut self) -> Vec<Found> {
        let tables = self.tables;
        tables.search(self.bytes, &mut self);
        email::emails(&mut self);
        if !self.inner {
            hidden::run(&mut self);
            views::run(&mut self);
            exfiltration::run(&mut self);
        }
        self.out
    }

    /// How far `rule` has looked already; and that it looks up to `until` now.
    pub(super) fn looked(&mut self, rule: usize, until: usize) -> usize {
        if let Some(reach) = self.reach_of(rule) {
            let before = *reach;
            *reach = before.max(until);
            return before;
        }
        self.until.push((rule, until));
        0
    }

    fn reach_of(&mut self, rule: usize) -> Option<&mut usize> {
        let place = self.until.iter().position(|(held, _)| *held == rule)?;
        self.until.swap(0, place);
        self.until.first_mut().map(|(_, reach)| reach)
    }

    /// Takes so many bytes of what `rule` may read, unless that would be more than `most` in all.
    pub(super) fn spend(&mut self, rule: usize, bytes: usize, most: usize) -> bool {
        let held = match self.spent.iter().position(|(held, _)| *held == rule) {
            Some(place) => place,
            None => {
                self.spent.push((rule, 0));
                self.spent.len() - 1
            }
        };
        let (_, spent) = &mut self.spent[held];
        let may = *spent + bytes <= most;
        *spent += if may { bytes } else { 0 };
        may
    }

    /// Up to where every literal of `rule` has been asked.
    pub(super) fn covered(&self, rule: usize) -> usize {
        let held = self.covered.iter().find(|(held, _)| *held == rule);
        held.map_or(0, |(_, to)| *to)
    }

    /// Every literal of `rule` that ends up to there has been asked.
    pub(super) fn cover(&mut self, rule: usize, to: usize) {
        self.covered.retain(|(held, _)| *held != rule);
        self.covered.push((rule, to));
    }

    /// Gives back what was not read of it.
    pub(super) fn give_back(&mut self, rule: usize, bytes: usize) {
        if let Some((_, spent)) = self.spent.iter_mut().find(|(held, _)| *held == rule) {
            *spent = spent.saturating_sub(bytes);
        }
    }

    /// Whether so many tokens of `rule` around `at` were refused that it is not asked again before they end.
    pub(super) fn gave_up(&self, rule: usize, at: usize) -> bool {
        self.refused
            .iter()
            .any(|(held, end, times)| *held == rule && at < *end && *times >= MOST_REFUSED)
    }

    /// A token of `rule` that ends at `end` was refused.
    pub(super) fn refuse(&mut self, rule: usize, end: usize) {
        match self.refused.iter_mut().find(|(held, ..)| *held == rule) {
            Some((_, reach, times)) if *reach == end => *times += 1,
            Some(held) => *held = (rule, end, 1),
            None => self.refused.push((rule, end, 1)),
        }
    }

    /// Where the last of the words that the tokens of `rule` need stands before `start`.
    pub(super) fn word_before(&mut self, rule: usize, start: usize, form: &Token) -> Option<usize> {
        let place = match self.words.iter().position(|(held, _)| *held == rule) {
            Some(place) => place,
            None => {
                self.words.push((rule, token::WordsSeen::new(form)));
                self.words.len() - 1
            }
        };
        let bytes = self.bytes;
        self.words
            .get_mut(place)
            .and_then(|(_, seen)| seen.before(bytes, start, form))
    }

    pub(super) fn reach(&mut self, rule: usize) -> usize {
        self.reach_of(rule).map_or(0, |reach| *reach)
    }

    /// Keeps what a rule found, unless it is a mark or an example that everybody prints.
    pub(super) fn found(
        &mut self,
        index: usize,
        rule: &Rule,
        (start, end): (usize, usize),
        checksum: Option<Checksum>,
    ) {
        if start >= end || end > self.bytes.len() {
            return;
        }
        if !self.is_unmarked(start, end) && mark::holds(self.bytes, start, end)
            || rule.redact && self.is_published(start, end)
        {
            return;
        }
        self.notes[rule.kind as usize] += usize::from(!rule.redact);
        let confidence_pm = match checksum {
            Some(Checksum::Valid) => SURE_PM,
            Some(Checksum::Mismatch) => rule.confidence_pm.min(DOUBTFUL_PM),
            None => rule.confidence_pm,
        };
        self.out.push(Found {
            rule: index,
            start,
            end,
            confidence_pm,
            checksum,
            view: None,
        });
    }

    /// Whether no mark stands so near to a range that a reading might meet it: nearly no text has one, and of places that
    /// follow one another that is told once.
    pub(super) fn is_unmarked(&mut self, start: usize, end: usize) -> bool {
        let from = start.saturating_sub(FAR);
        let to = self.bytes.len().min(end + FAR);
        let known = self.unmarked.clone();
        let follows = (known.start..=known.end).contains(&from);
        if follows && to <= known.end {
            return true;
        }
        let (first, look, reach) = if follows {
            // One may begin before the edge of what is known.
            let edge = known.end.saturating_sub(WORD.len() - 1);
            (known.start, edge, self.bytes.len().min(to + AHEAD))
        } else {
            (from, from, to)
        };
        let none = |to: usize| FINDER.find(&self.bytes[look.max(first)..to]).is_none();
        let reach = if none(reach) {
            reach
        } else if reach > to && none(to) {
            to
        } else {
            return false;
        };
        self.unmarked = first..reach;
        true
    }

    /// As [`mark::is_apart`] says.
    pub(super) fn is_apart(&mut self, from: usize, value: (usize, usize)) -> bool {
        self.is_unmarked(from.min(value.0), value.1) || mark::is_apart(self.bytes, from, value)
    }

    /// As [`mark::is_glued_or_in_row`] says.
    pub(super) fn is_glued_or_in_row(&mut self, start: usize, end: usize, issued: bool) -> bool {
        !self.is_unmarked(start, end) && mark::is_glued_or_in_row(self.bytes, start, end, issued)
    }

    /// Whether a range lies in what was found last.
    pub(super) fn is_in_value(&self, start: usize, end: usize) -> bool {
        let last = self.out.iter().rev().take(MOST_LAST);
        last.into_iter()
            .any(|found| found.start <= start && end <= found.end)
    }

    /// Whether an example that everybody prints stands there; rules that find the same ask once.
    fn is_published(&mut self, start: usize, end: usize) -> bool {
        let (from, to, told) = self.published;
        // The same value stands in many a text again and again.
        if from < to && self.bytes[from..to] == self.bytes[start..end] {
            return told;
        }
        let told = plausible::is_published(&self.bytes[start..end]);
        self.published = (start, end, told);
        told
    }

    /// Keeps what a detector found.
    pub(super) fn detected(&mut self, name: &str, start: usize, end: usize) {
        if let Some((index, rule)) = self.tables.detector(name) {
            self.told(index, rule, start, end);
        }
    }

    /// Keeps what was found without a literal; says whether it did.
    pub(super) fn told(&mut self, index: usize, rule: &Rule, start: usize, end: usize) -> bool {
        let issued = matches!(rule.form, Form::Number(_));
        let keeps = rule.speaks(self.surface)
            && start < end
            && !(rule.redact && self.is_glued_or_in_row(start, end, issued))
            && (rule.redact || self.notes[rule.kind as usize] < MOST_NOTES);
        if keeps {
            self.notes[rule.kind as usize] += usize::from(!rule.redact);
            self.out.push(Found {
                rule: index,
                start,
                end,
                confidence_pm: rule.confidence_pm,
                checksum: None,
                view: None,
            });
        }
        keeps
    }
}

impl Seen for Pass<'_> {
    fn surfaces(&self) -> u8 {
        1 << (self.surface as u8)
    }

    fn hit(&mut self, hit: Hit) {
        if hit.rule == views::RULE {
            if !self.inner {
                views::call(self, hit);
            }
            return;
        }
        let tables = self.tables;
        let Some(rule) = tables.rule(hit.rule) else {
            return;
        };
        if !rule.redact && self.notes[rule.kind as usize] >= MOST_NOTES {
            return;
        }
        match &rule.form {
            Form::Token(form) => token::confirm(self, rule, form, hit),
            Form::Context(form) => context::confirm(self, rule, form, hit),
            Form::Assignment(form) => assignment::confirm(self, rule, form, hit),
            Form::Userinfo(schemes) => userinfo::confirm(self, rule, schemes, hit),
            Form::Armor(labels) => armor::confirm(self, rule, labels, hit),
            Form::Phrase(phrases) => phrase::confirm(self, rule, phrases, hit),
            Form::Frame(frames) => frame::confirm(self, rule, frames, hit),
            Form::Regex(form) => pattern::confirm(self, rule, form, hit),
            Form::Number(_) | Form::Detector(_) => {}
        }
    }

    fn digits(&mut self, at: usize) {
        let until = self.digits_until;
        // Where in a text a number stands must not matter: the search tells of the first of some places only.
        let place = if at >= until {
            Some(at)
        } else {
            (until..at + PLACES_TOLD).find(|place| {
                let digits = self.bytes.get(*place..place + 3);
                digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
            })
        };
        if let Some(place) = place {
            self.digits_until = number::confirm(self, place);
        }
    }

    fn dense(&mut self, at: usize) {
        if !self.inner {
            views::dense(self, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_a_reading_beside_a_place_may_meet_is_never_too_far() {
        let tables = &crate::builtin::scanner().layers[0];
        let marked = "[redacted:pii.card:0123456789abcdef]";
        for length in (0..1_000).step_by(37) {
            let row = "12 ".repeat(length / 3);
            for text in [
                format!("{marked}{row}4539578763621486 x"),
                format!("x 4539578763621486{row}{marked}"),
            ] {
                let start = text.find("4539").unwrap();
                let bytes = text.as_bytes();
                let mut pass = Pass::new(tables, &[], bytes, Surface::ToolResult, false);
                for issued in [false, true] {
                    assert_eq!(
                        pass.is_glued_or_in_row(start, start + 16, issued),
                        mark::is_glued_or_in_row(bytes, start, start + 16, issued),
                        "{length}"
                    );
                }
                assert_eq!(
                    pass.is_apart(start, (start, start + 16)),
                    mark::is_apart(bytes, start, (start, start + 16))
                );
            }
        }
    }

    #[test]
    fn marks_are_seen_wherever_a_text_was_looked_through_before() {
        let tables = &crate::builtin::scanner().layers[0];
        let text = format!(
            "{}[redacted:pii.card] {}",
            "plain ".repeat(2_000),
            "plain ".repeat(2_000)
        );
        let mark = text.find("[redacted").unwrap();
        let mut pass = Pass::new(tables, &[], text.as_bytes(), Surface::ToolResult, false);
        for at in (0..text.len() - 10).step_by(53) {
            let near = at.abs_diff(mark) < 100;
            let told = pass.is_unmarked(at, at + 10);
            assert!(!(near && told), "{at}");
            assert!(told || at.abs_diff(mark) < FAR + 64, "{at}");
        }
    }
}
