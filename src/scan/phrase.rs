//! Words in a row, whatever stands between them: blanks, line breaks, punctuation, markup.

use super::pass::Pass;
use crate::rules::Rule;
use crate::rules::rule::Word;
use crate::rules::tables::Hit;

/// Most words that are read for one phrase.
const MOST_WORDS: usize = 24;
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
    let words = words(pass.bytes, hit.start, phrase.len() + 3 * MOST_WORDS / 4);
    if let Some(count) = matches(phrase, &words)
        && let Some((_, _, end)) = words.get(count.wrapping_sub(1))
    {
        pass.looked(hit.rule, *end);
        pass.found(hit.rule, rule, (hit.start, *end), None);
    }
}

const fn word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || byte == b'\'' || byte == b'_'
}

/// The words from `start` on, lower case, with their positions.
fn words(bytes: &[u8], start: usize, most: usize) -> Vec<(String, usize, usize)> {
    let mut out = Vec::new();
    let mut at = start;
    while out.len() < most.min(MOST_WORDS) {
        let length = bytes[at..].iter().take(64).take_while(|byte| word_byte(**byte)).count();
        if length == 0 {
            break;
        }
        let word = String::from_utf8_lossy(&bytes[at..at + length]).to_lowercase();
        out.push((word, at, at + length));
        at += length;
        let gap = bytes[at..].iter().take(GAP + 1).take_while(|byte| !word_byte(**byte)).count();
        // The end of a sentence ends a phrase as well.
        if gap > GAP || bytes[at..at + gap].iter().any(|byte| matches!(byte, b'?' | b';')) {
            break;
        }
        at += gap;
    }
    out
}

/// How many of `words` the phrase takes.
fn matches(phrase: &[Word], words: &[(String, usize, usize)]) -> Option<usize> {
    // What positions each prefix of the phrase can end at: gaps and optional words make it a small set.
    let mut reached = vec![false; words.len() + 1];
    reached[0] = true;
    for element in phrase {
        let mut next = vec![false; words.len() + 1];
        for at in (0..=words.len()).filter(|at| reached[*at]) {
            if element.any.is_empty() {
                for gap in 0..=3 {
                    if at + gap <= words.len() {
                        next[at + gap] = true;
                    }
                }
                continue;
            }
            if element.optional {
                next[at] = true;
            }
            if let Some((word, _, _)) = words.get(at)
                && element.any.iter().any(|choice| choice == word)
            {
                next[at + 1] = true;
            }
        }
        reached = next;
    }
    reached.iter().rposition(|held| *held)
}
