//! Words in a row, whatever stands between them: blanks, line breaks, punctuation, markup.

use super::pass::Pass;
use crate::rules::Rule;
use crate::rules::rule::Word;
use crate::rules::tables::Hit;

/// Most words that are read for one phrase.
const MOST_WORDS: usize = 32;
/// Longest word, in bytes.
const LONGEST: usize = 64;
/// Most bytes between two words of a phrase.
const GAP: usize = 6;
/// First byte of Chinese and Japanese characters in UTF-8.
const CJK: u8 = 0xe3;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, phrases: &[Vec<Word>], hit: Hit) {
    let Some(phrase) = phrases.get(hit.index) else {
        return;
    };
    if phrase.len() == 1 && pass.bytes[hit.start] >= CJK {
        // Written without blanks: the literal is the phrase.
        pass.found(hit.rule, rule, (hit.start, hit.end), None);
        return;
    }
    if hit.start > 0 && word_byte(pass.bytes[hit.start - 1]) || hit.start < pass.reach(hit.rule) {
        return;
    }
    if let Some(end) = matches(phrase, pass.bytes, hit) {
        pass.looked(hit.rule, end);
        pass.found(hit.rule, rule, (hit.start, end), None);
    }
}

const fn word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || byte == b'\'' || byte == b'_'
}

/// Where the longest match of the phrase that begins with the literal ends.
///
/// The positions in the phrase that can be reached are bits, so that gaps and words that may be missing cost nothing.
fn matches(phrase: &[Word], bytes: &[u8], hit: Hit) -> Option<usize> {
    if bytes.get(hit.end).is_some_and(|next| word_byte(*next)) {
        return None;
    }
    let done = 1_u64.checked_shl(phrase.len() as u32)?;
    // The literal is the first word, or the first two.
    let taken = bytes[hit.start..hit.end]
        .iter()
        .filter(|byte| **byte == b' ')
        .count()
        + 1;
    let mut reached = skip_optional(phrase, 1 << taken);
    let mut best = (reached & done != 0).then_some(hit.end);
    let Some(gap) = gap_after(bytes, hit.end) else {
        return best;
    };
    let mut at = hit.end + gap;
    for _ in 0..MOST_WORDS {
        let length = bytes[at..]
            .iter()
            .take(LONGEST)
            .take_while(|byte| word_byte(**byte))
            .count();
        let word = &bytes[at..at + length];
        if word.is_empty() {
            break;
        }
        let mut next = 0;
        let mut open = reached & (done - 1);
        while open != 0 {
            let index = open.trailing_zeros() as usize;
            open &= open - 1;
            if phrase.get(index).is_some_and(|element| {
                element.any.is_empty() || element.any.iter().any(|choice| same(choice, word))
            }) {
                next |= 1 << (index + 1);
            }
        }
        reached = skip_optional(phrase, next);
        at += length;
        if reached & done != 0 {
            best = Some(at);
        }
        if reached & (done - 1) == 0 {
            break;
        }
        let Some(gap) = gap_after(bytes, at) else {
            break;
        };
        at += gap;
    }
    best
}

/// The bytes up to the next word; `None` where the sentence or the line of thought ends.
fn gap_after(bytes: &[u8], at: usize) -> Option<usize> {
    let gap = bytes[at..]
        .iter()
        .take(GAP + 1)
        .take_while(|byte| !word_byte(**byte))
        .count();
    let ends = gap > GAP
        || bytes[at..at + gap]
            .iter()
            .any(|byte| matches!(byte, b'?' | b';'));
    (!ends).then_some(gap)
}

/// The positions reached without reading a word.
fn skip_optional(phrase: &[Word], mut reached: u64) -> u64 {
    for (index, element) in phrase.iter().enumerate() {
        if element.optional && reached >> index & 1 == 1 {
            reached |= 1 << (index + 1);
        }
    }
    reached
}

fn same(choice: &str, word: &[u8]) -> bool {
    if word.eq_ignore_ascii_case(choice.as_bytes()) {
        return true;
    }
    !word.is_ascii()
        && !choice.is_ascii()
        && word.len().abs_diff(choice.len()) <= 4
        && std::str::from_utf8(word).is_ok_and(|word| word.to_lowercase() == choice)
}
