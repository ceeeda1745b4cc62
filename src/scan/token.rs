//! Tokens with a literal of their own.

use super::judged::Told;
use super::mark;
use super::pass::Pass;
use super::plausible;
use super::userinfo;
use super::views;
use crate::rules::alphabet::{ByteSet, NONE};
use crate::rules::rule::Token;
use crate::rules::shape::{Matched, Part, Shape};
use crate::rules::tables::Hit;
use crate::rules::verify;
use crate::rules::{Rule, rule::Context};
use crate::scan::Checksum;
use crate::text::contains;

/// Longest value that may be a placeholder, in bytes; what is longer holds some words by chance.
const LONGEST_ILLUSTRATION: usize = 1_024;
/// How far before a token a word it needs may stand, in bytes.
const WORDS_WITHIN: usize = 160;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Token, hit: Hit) {
    let Some(shape) = form.shapes.get(hit.index) else {
        return;
    };
    if !shape.may_follow(pass.bytes, hit.end) {
        return views::unbroken(pass, hit);
    }
    // Before anything that reads on: literals in the middle of a word are the most frequent, and repeats of one must
    // not be read again and again. What begins with its literal was told by the search.
    if !form.glued
        && shape.anchor != Some(0)
        && shape
            .fixed_start(hit.start)
            .is_some_and(|start| !shape.clean_start(pass.bytes, start))
    {
        return views::unbroken(pass, hit);
    }
    if !form.words.is_empty() && hit.start < pass.reach(hit.rule) {
        return;
    }
    if pass.gave_up(hit.rule, hit.start) {
        return;
    }
    let bytes = pass.bytes;
    let Some(matched) = shape.at_anchor(bytes, hit.start, form.any_case, &mut pass.runs) else {
        return views::unbroken(pass, hit);
    };
    if !form.glued && shape.anchor != Some(0) && !shape.clean_start(pass.bytes, matched.start) {
        return;
    }
    let word = match form.words.is_empty() {
        true => None,
        false => match pass.word_before(hit.rule, matched.start, form) {
            None => {
                // Nothing inside it has such a word before it either.
                pass.looked(hit.rule, matched.end);
                return;
            }
            word => word,
        },
    };
    // A literal that is no part of the secret is a word beside it too.
    let beside = (matched.secret_start > matched.start).then_some(matched.start);
    let checks = Checks {
        told_from: word.or(beside),
        entropy: form.entropy,
        checksum: form.checksum,
        require: &form.require,
    };
    if !keep(pass, rule, hit.rule, shape, &matched, &checks) {
        pass.refuse(hit.rule, matched.end);
    }
}

/// What a value must pass.
pub(super) struct Checks<'a> {
    /// Where what gives it away begins, unless its own literal does.
    pub(super) told_from: Option<usize>,
    pub(super) entropy: f32,
    pub(super) checksum: Option<u8>,
    pub(super) require: &'a [u8],
}

impl<'a> Checks<'a> {
    /// What a value must pass whose name begins at `name`.
    pub(super) fn named(form: &'a Context, name: usize) -> Self {
        Self {
            told_from: Some(name),
            entropy: form.entropy,
            checksum: form.checksum,
            require: &form.require,
        }
    }
}

/// What the bytes of a match say by themselves: whether it is plausible and has its structure.
fn judge(bytes: &[u8], shape: &Shape, matched: &Matched, checks: &Checks<'_>) -> Told {
    let token = verify::Token {
        bytes,
        shape,
        matched,
    };
    let checksum = checks
        .checksum
        .and_then(|checksum| verify::checksum(checksum, &token));
    let refused = Told {
        good: false,
        checksum,
    };
    // A checksum that holds is certain: nothing about the looks of a token weighs against it.
    if checksum != Some(Checksum::Valid) {
        let variable = shape.variable(bytes, matched);
        let illustrative =
            variable.len() <= LONGEST_ILLUSTRATION && plausible::is_placeholder(&variable);
        if illustrative
            || contains(&variable, b"://")
            || plausible::entropy(&variable) < checks.entropy
        {
            return refused;
        }
    }
    if !checks
        .require
        .iter()
        .all(|structure| verify::has_structure(*structure, &token))
    {
        return refused;
    }
    // `Basic dXNlcjpwYXNzd29yZA==` is as little as `user:password`.
    if !checks.require.is_empty()
        && let Some((user, password)) = verify::pair(checks.require, &token)
        && (userinfo::stands_for(&password, &user)
            || plausible::is_placeholder(&password)
            || plausible::is_reference(&password))
    {
        return refused;
    }
    Told {
        good: true,
        checksum,
    }
}

/// Keeps a match that is plausible and has its structure; says whether it did.
pub(super) fn keep(
    pass: &mut Pass<'_>,
    rule: &Rule,
    index: usize,
    shape: &Shape,
    matched: &Matched,
    checks: &Checks<'_>,
) -> bool {
    let known = pass.tokens.get(pass.bytes, (index, shape), matched);
    let told = known.unwrap_or_else(|| {
        let told = judge(pass.bytes, shape, matched, checks);
        pass.tokens.add((index, shape), matched, told);
        told
    });
    if !told.good {
        return false;
    }
    let secret = (matched.secret_start, matched.secret_end);
    if let Some(from) = checks.told_from
        && !pass.is_apart(from, (matched.secret_start, matched.end))
    {
        return false;
    }
    // What begins with any signs of its alphabet may begin with those of a mark without brackets.
    if matches!(shape.parts.first(), Some(Part::Run(..)))
        && !pass.is_unmarked(matched.start, matched.end)
        && mark::contains(pass.bytes, matched.start)
    {
        return false;
    }
    pass.found(index, rule, secret, told.checksum);
    true
}

/// What is known of the words that a rule needs before its token: a text that repeats its literal is read once.
#[derive(Debug)]
pub(super) struct WordsSeen {
    /// Up to where they were looked for.
    to: usize,
    /// Where the last one begins, and the end of the last command before `to`.
    word: Option<usize>,
    command: usize,
    /// What they begin with, and the length of the longest.
    firsts: ByteSet,
    longest: usize,
    /// Their positions in the rule, by the letter that they begin with.
    by_first: Vec<(u8, usize)>,
}

impl WordsSeen {
    pub(super) fn new(form: &Token) -> Self {
        let firsts = form.words.iter().fold(NONE, |set, word| {
            let first = word.as_bytes().first().copied().unwrap_or_default();
            set.with_all(&[first, first.to_ascii_uppercase()])
        });
        let first = |word: &String| word.as_bytes().first().copied().unwrap_or_default();
        let mut by_first: Vec<(u8, usize)> = form.words.iter().map(first).zip(0..).collect();
        by_first.sort_unstable();
        Self {
            to: 0,
            word: None,
            command: 0,
            firsts,
            longest: form.words.iter().map(String::len).max().unwrap_or_default(),
            by_first,
        }
    }

    /// The words that begin with a letter.
    fn beginning<'f>(&self, form: &'f Token, letter: u8) -> impl Iterator<Item = &'f [u8]> {
        let start = self.by_first.partition_point(|(held, _)| *held < letter);
        let same = self.by_first[start..].iter();
        same.take_while(move |(held, _)| *held == letter)
            .filter_map(|(_, word)| form.words.get(*word).map(String::as_bytes))
    }

    /// Where the last of the words before `start` begins, in the same command if the rule says so.
    pub(super) fn before(&mut self, bytes: &[u8], start: usize, form: &Token) -> Option<usize> {
        if start < self.to {
            (self.to, self.word, self.command) = (0, None, 0);
        }
        let low = start.saturating_sub(WORDS_WITHIN);
        // A word may lie across the edge of what was looked at.
        let from = low.max(self.to.saturating_sub(self.longest));
        // A few bytes, and many words: a search for each would cost more to begin than to finish.
        let window = &bytes[from..start];
        let begins = |at: &usize| {
            let letter = window[*at].to_ascii_lowercase();
            self.firsts.has(window[*at])
                && self.beginning(form, letter).any(|word| {
                    let held = window.get(*at..at + word.len());
                    held.is_some_and(|held| held.eq_ignore_ascii_case(word))
                })
        };
        let last = (0..window.len()).rev().find(begins);
        self.word = last.map(|at| from + at).or(self.word);
        if form.command {
            let begins = low.max(self.to);
            let ends = |at: &usize| ends_command(bytes, *at);
            if let Some(at) = (begins..start).rev().find(ends) {
                self.command = at + 1;
            }
        }
        self.to = start;
        let low = if form.command {
            low.max(self.command)
        } else {
            low
        };
        self.word.filter(|at| *at >= low)
    }
}

/// Whether a command of a shell ends at a place; quotes are not told apart.
fn ends_command(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b';' | b'|' | b'&' => true,
        b'\n' => at.checked_sub(1).is_none_or(|last| bytes[last] != b'\\'),
        _ => false,
    }
}
