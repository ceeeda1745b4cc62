//! Brace expansion: `{a,b}`, `{1..5}`, nested and beside other parts.

use super::syntax::tree::Part;

/// How many words one word may become.
const MAX_WORDS: usize = 512;

/// How many words a range becomes.
const MAX_RANGE: u64 = 256;

/// How many parts all words together may be copied from.
const MAX_PIECES: usize = 16_384;

/// How deep braces may nest; deeper ones stay as written.
const MAX_DEPTH: usize = 16;

/// A part of a word after brace expansion.
#[derive(Clone, Debug)]
pub enum Piece<'a> {
    /// As it stood in the word.
    Part(&'a Part),
    /// Text that the expansion made.
    Text(String),
}

/// What a word with braces becomes.
pub struct Expansion<'a> {
    /// The words.
    pub words: Vec<Vec<Piece<'a>>>,
    /// Whether all of them are there.
    pub complete: bool,
}

/// Expands the braces among parts. `None`: there is nothing to expand.
pub fn expand<'a>(parts: &'a [Part], source: &str) -> Option<Expansion<'a>> {
    let mut expander = Expander {
        source,
        complete: true,
        expanded: false,
        pieces: 0,
        matches: matching(parts),
    };
    let words = expander.sequence(parts, 0, 0);
    expander.expanded.then_some(Expansion {
        words,
        complete: expander.complete,
    })
}

/// For every `{` the index of its `}`.
fn matching(parts: &[Part]) -> Vec<Option<usize>> {
    let mut result = vec![None; parts.len()];
    let mut open = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Brace(b'{', _) => open.push(index),
            Part::Brace(b'}', _) => {
                if let Some(start) = open.pop() {
                    result[start] = Some(index);
                }
            }
            _ => {}
        }
    }
    result
}

struct Expander<'s> {
    source: &'s str,
    complete: bool,
    expanded: bool,
    /// Parts copied so far.
    pieces: usize,
    matches: Vec<Option<usize>>,
}

impl Expander<'_> {
    /// The words a stretch of parts becomes; `offset` is its place among all parts.
    fn sequence<'a>(
        &mut self,
        parts: &'a [Part],
        offset: usize,
        depth: usize,
    ) -> Vec<Vec<Piece<'a>>> {
        let mut words: Vec<Vec<Piece<'a>>> = vec![Vec::new()];
        let mut index = 0;
        while index < parts.len() {
            if let Part::Brace(b'{', _) = &parts[index]
                && depth < MAX_DEPTH
                && self.pieces < MAX_PIECES
                && let Some(close) = self.matches[offset + index]
                && let Some(close) = close.checked_sub(offset)
                && close < parts.len()
                && let Some(choices) =
                    self.group(&parts[index + 1..close], offset + index + 1, depth + 1)
            {
                self.expanded = true;
                self.product(&mut words, &choices);
                index = close + 1;
                continue;
            }
            if self.pieces >= MAX_PIECES {
                self.complete = false;
                break;
            }
            self.pieces += words.len();
            for word in &mut words {
                word.push(Piece::Part(&parts[index]));
            }
            index += 1;
        }
        words
    }

    /// Every word so far with every choice behind it.
    fn product<'a>(&mut self, words: &mut Vec<Vec<Piece<'a>>>, choices: &[Vec<Piece<'a>>]) {
        let mut all = Vec::new();
        for word in words.iter() {
            for choice in choices {
                if all.len() >= MAX_WORDS || self.pieces >= MAX_PIECES {
                    self.complete = false;
                    break;
                }
                let mut longer = word.clone();
                longer.extend(choice.iter().cloned());
                self.pieces += longer.len();
                all.push(longer);
            }
        }
        *words = all;
    }

    /// The choices inside one pair of braces. `None`: these braces stay.
    fn group<'a>(
        &mut self,
        inner: &'a [Part],
        offset: usize,
        depth: usize,
    ) -> Option<Vec<Vec<Piece<'a>>>> {
        let mut commas = Vec::new();
        let mut index = 0;
        while index < inner.len() {
            match &inner[index] {
                Part::Brace(b',', _) => commas.push(index),
                Part::Brace(b'{', _) => {
                    if let Some(close) = self.matches[offset + index] {
                        index = close.saturating_sub(offset);
                    }
                }
                _ => {}
            }
            index += 1;
        }
        if commas.is_empty() {
            let [Part::Literal(slice)] = inner else {
                return None;
            };
            let range = Self::range(slice.of(self.source))?;
            return Some(
                range
                    .into_iter()
                    .map(|text| vec![Piece::Text(text)])
                    .collect(),
            );
        }
        let mut choices = Vec::new();
        let mut start = 0;
        for end in commas.into_iter().chain([inner.len()]) {
            choices.extend(self.sequence(&inner[start..end], offset + start, depth));
            start = end + 1;
            if choices.len() > MAX_WORDS {
                choices.truncate(MAX_WORDS);
                self.complete = false;
                break;
            }
        }
        Some(choices)
    }

    /// `1..5`, `a..e`, `01..10..2`.
    fn range(text: &str) -> Option<Vec<String>> {
        let mut bounds = text.split("..");
        let (first, last) = (bounds.next()?, bounds.next()?);
        let step = match bounds.next() {
            Some(step) => step.parse::<i64>().ok()?.checked_abs()?.max(1),
            None => 1,
        };
        if bounds.next().is_some() {
            return None;
        }
        if let (Ok(from), Ok(to)) = (first.parse::<i64>(), last.parse::<i64>()) {
            let width = if is_padded(first) || is_padded(last) {
                first.len().max(last.len())
            } else {
                0
            };
            return Some(
                Self::steps(from, to, step)
                    .map(|number| format!("{number:0width$}"))
                    .collect(),
            );
        }
        let ([from], [to]) = (first.as_bytes(), last.as_bytes()) else {
            return None;
        };
        if !from.is_ascii_alphabetic() || !to.is_ascii_alphabetic() {
            return None;
        }
        Some(
            Self::steps(i64::from(*from), i64::from(*to), step)
                .filter_map(|code| u8::try_from(code).ok())
                .map(|code| char::from(code).to_string())
                .collect(),
        )
    }

    fn steps(from: i64, to: i64, step: i64) -> impl Iterator<Item = i64> + use<> {
        let step = if from <= to { step } else { -step };
        // The words of a long range differ in their digits alone: the first ones stand for all.
        let count = (to.abs_diff(from) / step.unsigned_abs()).saturating_add(1);
        let limit = MAX_RANGE;
        (0..count.min(limit)).scan(from, move |next, _| {
            let now = *next;
            *next = next.saturating_add(step);
            Some(now)
        })
    }
}

fn is_padded(text: &str) -> bool {
    let digits = text.trim_start_matches('-');
    digits.len() > 1 && digits.starts_with('0')
}
