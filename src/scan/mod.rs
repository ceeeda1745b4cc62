//! Text to findings, and exact redaction.

mod armor;
mod assignment;
pub mod build;
mod column;
mod context;
mod email;
mod exfiltration;
pub mod finding;
mod frame;
mod glued;
mod hidden;
mod judged;
mod mark;
mod naming;
mod notation;
mod number;
mod operator;
pub mod packs;
mod pass;
mod pattern;
mod phrase;
mod plausible;
mod redaction;
mod sentence;
mod token;
mod userinfo;
mod views;
mod walk;
pub mod why;

use std::borrow::Cow;

pub use finding::{Checksum, Finding, FindingKind, Severity};
pub use redaction::{
    Mark, NoTags, Piece, Tagger, mark_text, redact, redact_value, redacted_len, redactions,
    write_redacted,
};

use crate::call::Surface;
use crate::json::Value;
use crate::rules::{Allowed, Form, Rule, Tables};
use crate::span::ByteSpan;
use pass::{Found, Pass};

/// Most findings of a kind that is only reported, never redacted, in one text.
pub const MOST_NOTES: usize = 1_000;

/// Finds what a set of packs describes. Immutable, so one may serve many threads.
#[derive(Debug, Default)]
pub struct Scanner {
    layers: Vec<Tables>,
    /// Hosts to which data may go, whichever pack says so.
    allowed: Vec<Allowed>,
}

impl Scanner {
    /// A scanner of compiled packs; `None` when the tables are damaged.
    #[must_use]
    pub fn from_tables(bytes: Cow<'static, [u8]>) -> Option<Self> {
        let mut scanner = Self::default();
        scanner.add(Tables::open(bytes)?);
        Some(scanner)
    }

    /// Every rule, in the order of the packs.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.layers
            .iter()
            .flat_map(|tables| (0..tables.len()).filter_map(|index| tables.rule(index)))
    }

    /// The literals that are searched for: what a text that is to cost most would be made of.
    pub fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.layers.iter().flat_map(Tables::literals)
    }

    /// Adds packs after those that are there already.
    ///
    /// Hosts to which data may go by one pack are passed over by the detectors of all.
    pub fn add(&mut self, tables: Tables) {
        self.allowed.extend_from_slice(tables.allowed());
        // Most have one layer, and tables are large.
        self.layers.reserve_exact(1);
        self.layers.push(tables);
    }

    /// Every finding of a text, sorted by start, then by rule id; overlapping secrets are resolved to the best one.
    /// Any bytes will do.
    #[must_use]
    pub fn scan(&self, bytes: &[u8], surface: Surface) -> Vec<Finding> {
        self.scan_at(bytes, surface, 0, "")
    }

    /// Every finding in the strings and member names of a value, each with the pointer of its string; in a name, with
    /// that of its member and `~#`.
    #[must_use]
    pub fn scan_value(&self, value: &Value, surface: Surface) -> Vec<Finding> {
        walk::scan(self, value, surface)
    }

    /// Findings that end after `from`, with the text's first `from` bytes cut off and at the pointer `at`.
    fn scan_at(&self, bytes: &[u8], surface: Surface, from: usize, at: &str) -> Vec<Finding> {
        let mut out = Vec::new();
        for tables in &self.layers {
            let mut pass = Pass::new(tables, &self.allowed, bytes, surface, false);
            pass.columns = column::Seen::of_string(bytes, from);
            let mut kept = resolve(tables, pass.run());
            glued::add(tables, &self.allowed, bytes, surface, &mut kept);
            out.reserve_exact(kept.len());
            out.extend(
                kept.into_iter()
                    .filter_map(|found| report(tables, found, from, at)),
            );
        }
        if self.layers.len() > 1 {
            sort(&mut out);
        }
        out
    }
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|left, right| {
        (left.span.start(), &left.rule, left.span.end()).cmp(&(
            right.span.start(),
            &right.rule,
            right.span.end(),
        ))
    });
}

/// Of secrets that overlap the best stays; of everything else each rule keeps what does not overlap itself.
fn resolve(tables: &Tables, found: Vec<Found>) -> Vec<Found> {
    let mut notes = [0_usize; 5];
    // Secrets compete with one another, everything else with what its own rule finds.
    let mut held: Vec<(usize, Found)> = found
        .into_iter()
        .filter_map(|held| {
            let rule = tables.rule(held.rule)?;
            notes[rule.kind as usize] += usize::from(!rule.redact);
            let secret = rule.kind == FindingKind::Secret;
            Some((if secret { usize::MAX } else { held.rule }, held))
        })
        .collect();
    let crowded = notes.iter().any(|count| *count > MOST_NOTES);
    held.sort_by_key(|(group, held)| (*group, held.start));
    let mut kept = Vec::with_capacity(held.len());
    let mut rest = held.as_mut_slice();
    while !rest.is_empty() {
        // What overlaps nothing is judged by itself, unless only so much of a kind is kept.
        let count = if crowded { rest.len() } else { together(rest) };
        let (first, after) = rest.split_at_mut(count);
        match first {
            [(_, only)] => kept.push(only.clone()),
            several => best(tables, several, &mut kept),
        }
        rest = after;
    }
    let id = |found: &Found| tables.rule(found.rule).map(|rule| rule.id.as_str());
    kept.sort_by(|left, right| {
        let places = left.start.cmp(&right.start);
        places.then_with(|| (id(left), left.end).cmp(&(id(right), right.end)))
    });
    kept
}

/// How many of the first overlap one another, in a chain.
fn together(sorted: &[(usize, Found)]) -> usize {
    let Some((group, first)) = sorted.first() else {
        return 0;
    };
    let mut end = first.end;
    let overlaps = |(other, held): &&(usize, Found)| {
        let overlaps = other == group && held.start < end;
        end = end.max(held.end);
        overlaps
    };
    1 + sorted[1..].iter().take_while(overlaps).count()
}

/// Keeps the best of those that may overlap: the surest, then the longest, then by the order of the rules.
fn best(tables: &Tables, held: &mut [(usize, Found)], kept: &mut Vec<Found>) {
    held.sort_by_cached_key(|(_, held)| {
        (
            std::cmp::Reverse(weight(tables, held)),
            held.view.is_some(),
            std::cmp::Reverse(held.end - held.start),
            held.start,
            held.rule,
        )
    });
    let mut taken = Taken::default();
    let mut notes = [0_usize; 5];
    for (group, held) in held {
        let Some(rule) = tables.rule(held.rule) else {
            continue;
        };
        if !rule.redact {
            let count = &mut notes[rule.kind as usize];
            *count += 1;
            if *count > MOST_NOTES {
                continue;
            }
        }
        if taken.take(*group, held.start, held.end) {
            kept.push(held.clone());
        }
    }
}

/// What a finding weighs among those that overlap it. A block is taken as a whole, whatever stands in it: without its
/// token it would still be one. A checksum that does not hold lowers the confidence in a token, but it is still known what
/// the token is: a rule that knows less must not put a surer finding in its place.
fn weight(tables: &Tables, found: &Found) -> u16 {
    let Some(rule) = tables.rule(found.rule) else {
        return found.confidence_pm;
    };
    match (&rule.form, found.checksum) {
        (Form::Armor(_), _) => u16::MAX,
        (_, Some(Checksum::Mismatch)) => rule.confidence_pm,
        _ => found.confidence_pm,
    }
}

/// Which ranges are taken, by group.
#[derive(Default)]
struct Taken(std::collections::BTreeMap<(usize, usize), usize>);

impl Taken {
    /// Takes a range unless it overlaps one that is taken.
    fn take(&mut self, group: usize, start: usize, end: usize) -> bool {
        let before = self.0.range((group, 0)..(group, end)).next_back();
        if before.is_some_and(|(_, taken)| *taken > start) {
            return false;
        }
        self.0.insert((group, start), end);
        true
    }
}

fn report(tables: &Tables, found: Found, from: usize, at: &str) -> Option<Finding> {
    let rule = tables.rule(found.rule)?;
    let span = ByteSpan::new(found.start.checked_sub(from)?, found.end.checked_sub(from)?)?;
    Some(Finding {
        rule: Cow::Borrowed(tables.name(found.rule)?),
        kind: rule.kind,
        severity: rule.severity,
        confidence_pm: found.confidence_pm,
        at: at.to_owned(),
        span,
        checksum: found.checksum,
        view: found.view.map(|view| Cow::Borrowed(view.as_str())),
        redact: rule.redact,
    })
}
