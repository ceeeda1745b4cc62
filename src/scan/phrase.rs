//! Words in a row, whatever stands between them: blanks, line breaks, punctuation, markup.

use std::ops::Range;

use super::pass::Pass;
use crate::rules::Rule;
use crate::rules::compile::is_unspaced;
use crate::rules::rule::{Beginning, Phrases, Word};
use crate::rules::tables::{Hit, plain_word_byte, sign, word_byte};
use crate::text::push_lower;

/// Most words that are read for one phrase.
const MOST_WORDS: usize = 32;
/// Longest word, in bytes.
const LONGEST: usize = 64;
/// Most bytes between two words of a phrase.
const GAP: usize = 6;
/// How far behind a word its next one, or what is none, is read at most: the signs between them, it, and the sign behind it,
/// of three bytes each.
const FURTHEST: usize = (GAP + 1) * 3 + LONGEST + 3;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Phrases, hit: Hit) {
    let bytes = pass.bytes;
    let inside = pass.tables.inside();
    if hit.start < pass.reach(hit.rule) {
        return;
    }
    let unspaced = is_unspaced(&bytes[hit.start..]);
    // Nearly no word is one that goes on, and that is told from its first letters.
    if !unspaced
        && let Some(next) = first_letters(bytes, hit.end)
        && form
            .beginning(inside, hit.index, Some(next))
            .next()
            .is_none()
    {
        return;
    }
    let end = if unspaced {
        let mut places = std::mem::take(&mut pass.places);
        let end = form
            .beginning(inside, hit.index, None)
            .find_map(|phrase| runs_on(phrase, bytes, hit.end, &mut places));
        pass.places = places;
        end
    } else {
        let literal = (hit.rule, hit.index);
        if pass.phrases.has(bytes, literal, hit.start) {
            return;
        }
        let held = std::mem::take(&mut pass.read);
        let mut words = Words::new(bytes, hit.end, held);
        let next = words.get(0).map(|(_, word)| Beginning::of(word));
        // The literal is the first word, or the first two.
        let blanks = bytes[hit.start..hit.end].iter();
        let taken = blanks.filter(|byte| **byte == b' ').count() + 1;
        let end = form
            .beginning(inside, hit.index, next.or(Some(Beginning::NONE)))
            .find_map(|phrase| matches(phrase, taken, hit.end, &mut words));
        let read = words.reached(hit.end) + FURTHEST;
        // Where the text ends is read too.
        if end.is_none() && read <= bytes.len() {
            pass.phrases.add(literal, hit.start..read);
        }
        pass.read = words.held;
        end
    };
    if let Some(end) = end {
        pass.looked(hit.rule, end);
        pass.found(hit.rule, rule, (hit.start, end), None);
    }
}

/// How the word after a place begins, when that is told from its first two letters: nothing is known of letters that are
/// not ASCII.
fn first_letters(bytes: &[u8], at: usize) -> Option<Beginning> {
    let Some(gap) = gap_after(bytes, at) else {
        return Some(Beginning::NONE);
    };
    let lower = |byte: u8| byte.to_ascii_lowercase();
    match bytes.get(at + gap..)? {
        [] => Some(Beginning::NONE),
        [first, ..] if !first.is_ascii() => None,
        [_, second, ..] if !second.is_ascii() => None,
        [first, second, ..] if word_byte(*second) => {
            Some(Beginning::of(&[lower(*first), lower(*second)]))
        }
        [first, ..] => Some(Beginning::of(&[lower(*first)])),
    }
}

/// Words of a text in lower case; kept from hit to hit, because nearly every hit reads one and no more.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Where each ends in the text, and where it stands in `lower`.
    places: Vec<(usize, Range<usize>)>,
    /// The words one behind the other; one that is not UTF-8 is empty, and so none that a phrase has.
    lower: Vec<u8>,
}

/// The words after a literal, read once for all phrases that begin with it.
struct Words<'a> {
    bytes: &'a [u8],
    held: Read,
    /// Where to read on; `None` at the end of the sentence.
    at: Option<usize>,
}

impl<'a> Words<'a> {
    fn new(bytes: &'a [u8], at: usize, mut held: Read) -> Self {
        held.places.clear();
        held.lower.clear();
        Self {
            bytes,
            held,
            at: Some(at),
        }
    }

    /// Up to where words were read.
    fn reached(&self, from: usize) -> usize {
        self.held.places.last().map_or(from, |(end, _)| *end)
    }

    /// Where a word ends, and the word in lower case.
    fn get(&mut self, index: usize) -> Option<(usize, &[u8])> {
        let Read { places, lower } = &mut self.held;
        while places.len() <= index {
            let word = next_word(self.bytes, self.at?);
            self.at = word.map(|(_, end)| end);
            let (start, end) = word?;
            let from = lower.len();
            let held = &self.bytes[start..end];
            push_lower(lower, held);
            places.push((end, from..lower.len()));
        }
        let (end, place) = places.get(index)?;
        Some((*end, lower.get(place.clone())?))
    }
}

/// The word after the gap at `at`, as a range; `None` where there is none.
fn next_word(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let start = at + gap_after(bytes, at)?;
    let text = &bytes[start..bytes.len().min(start + LONGEST)];
    let length = text
        .iter()
        .enumerate()
        .take_while(|(at, byte)| {
            plain_word_byte(**byte) || word_byte(**byte) && sign(&text[*at..]).is_none()
        })
        .count();
    (length > 0).then_some((start, start + length))
}

/// Places to which a phrase was read; kept from phrase to phrase, and from hit to hit.
#[derive(Debug, Default)]
pub(super) struct Places {
    reached: Vec<usize>,
    after: Vec<usize>,
}

/// Where the longest match of a phrase ends whose words stand without blanks and whose first one ends at `at`.
fn runs_on(phrase: &[Word], bytes: &[u8], at: usize, places: &mut Places) -> Option<usize> {
    // Nearly none goes on, and that is told from its next word.
    if let Some(next) = phrase.get(1)
        && !next.optional
        && choices(next, bytes, at).next().is_none()
    {
        return None;
    }
    let Places { reached, after } = places;
    reached.clear();
    reached.push(at);
    for element in phrase.get(1..)? {
        after.clear();
        if element.optional {
            after.extend_from_slice(reached);
        }
        for from in reached.iter() {
            after.extend(choices(element, bytes, *from));
        }
        if after.is_empty() {
            return None;
        }
        after.sort_unstable();
        after.dedup();
        std::mem::swap(reached, after);
    }
    reached.last().copied()
}

/// Where each of the words ends that an element may be and that stand at a place, after blanks.
fn choices<'a>(element: &'a Word, bytes: &'a [u8], at: usize) -> impl Iterator<Item = usize> + 'a {
    let rest = &bytes[at..];
    let blanks = rest
        .iter()
        .take(GAP)
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let rest = &rest[blanks..];
    let begins = |choice: &&String| {
        choice.as_bytes().first() == rest.first() && rest.starts_with(choice.as_bytes())
    };
    let held = element.any.iter().filter(begins);
    held.map(move |choice| at + blanks + choice.len())
}

/// Where the longest match of the phrase that begins with the literal ends.
///
/// The positions in the phrase that can be reached are bits, so that gaps and words that may be missing cost nothing.
fn matches(phrase: &[Word], taken: usize, end: usize, words: &mut Words<'_>) -> Option<usize> {
    let done = 1_u64.checked_shl(phrase.len() as u32)?;
    let mut reached = skip_optional(phrase, 1 << taken);
    let mut best = (reached & done != 0).then_some(end);
    for place in 0..MOST_WORDS {
        let Some((end, word)) = words.get(place) else {
            break;
        };
        let mut after = 0;
        let mut open = reached & (done - 1);
        while open != 0 {
            let index = open.trailing_zeros() as usize;
            open &= open - 1;
            if phrase.get(index).is_some_and(|element| {
                element.any.is_empty() || element.any.iter().any(|choice| choice.as_bytes() == word)
            }) {
                after |= 1 << (index + 1);
            }
        }
        reached = skip_optional(phrase, after);
        if reached & done != 0 {
            best = Some(end);
        }
        if reached & (done - 1) == 0 {
            break;
        }
    }
    best
}

/// The bytes up to the next word; `None` where the sentence or the line of thought ends.
fn gap_after(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut gap, mut signs) = (0, 0);
    while let Some(length) = sign(bytes.get(at + gap..)?) {
        signs += 1;
        if signs > GAP || matches!(bytes[at + gap], b'?' | b';') {
            return None;
        }
        gap += length;
    }
    Some(gap)
}

/// The positions reached without reading a word.
fn skip_optional(phrase: &[Word], mut reached: u64) -> u64 {
    // Nearly always none, or one near the end.
    let first = reached.trailing_zeros() as usize;
    for (index, element) in phrase.iter().enumerate().skip(first) {
        if element.optional && reached >> index & 1 == 1 {
            reached |= 1 << (index + 1);
        }
    }
    reached
}
