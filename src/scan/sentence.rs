//! The words of a sentence, each read and looked up once for the frames of all rules.

use crate::rules::lexicon::{Entry, LONGEST, Lexicon, Sum, is_pieced};
use crate::rules::tables::{plain_word_byte, sign, word_byte};
use crate::text::push_lower;

/// How far before and after a word its sentence is looked at: so many words, each of which counts as much as three
/// characters of a script that has no blanks.
pub(super) const WORD: usize = 3;
pub(super) const BEFORE: usize = 12 * WORD;
pub(super) const AFTER: usize = 24 * WORD;
/// The same in bytes, for where reading begins.
const BYTES_BEFORE: usize = 16 * 12;
/// Most signs between two words of a sentence.
const GAP: usize = 6;
/// How many bytes of words in lower case are kept at least before those that are not asked for again are let go.
const MOST_LOWER: usize = 512;
/// How many words are kept at most before those that are too far back are let go.
const MOST_KEPT: usize = 512;

/// A word of a sentence that a frame of some rule knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) start: usize,
    pub(super) end: usize,
    /// How far into the sentence it stands.
    pub(super) place: usize,
    pub(super) entry: Entry,
}

/// Words that may go on as a row that a frame knows.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Where it begins in the text, and where in what is kept in lower case.
    start: usize,
    from: usize,
    /// The sum of its words so far.
    sum: Sum,
}

/// A word of a sentence that belongs to classes of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) classes: u32,
}

/// What was read of a sentence.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) told: Vec<Told>,
    /// Room for what the rule that is asked knows of it; kept from hit to hit.
    pub(super) near: Vec<Near>,
    /// The range that was read, and how far into the sentence its end is.
    from: usize,
    at: usize,
    place: usize,
    /// Whether the sentence ends there.
    ended: bool,
    /// The last words in lower case with a blank after each, as far as the next one is looked up together with them: where
    /// each row of them begins in the text, and here.
    rows: Vec<Row>,
    lower: Vec<u8>,
}

impl Sentence {
    /// Reads what stands around the word at `hit`; how far into its sentence that is.
    pub(super) fn around(&mut self, bytes: &[u8], lexicon: &Lexicon<'_>, hit: usize) -> usize {
        let follows = hit >= self.at && !self.ended && hit - self.at <= BYTES_BEFORE;
        if !(follows || (self.from..self.at).contains(&hit)) {
            self.begin(bytes, hit);
        }
        // The end of the sentence before that of the word is only the end of another one.
        while self.at <= hit {
            if !self.step(bytes, lexicon) {
                self.again(bytes);
            }
        }
        let known = self.told.partition_point(|told| told.end <= hit);
        let place = self.told.get(known).map_or(self.place, |told| told.place);
        while self.place <= place + AFTER && self.step(bytes, lexicon) {}
        place
    }

    /// Begins to read at the first word before `hit` that counts, or where the sentence begins.
    fn begin(&mut self, bytes: &[u8], hit: usize) {
        let low = hit.saturating_sub(BYTES_BEFORE);
        let low = if hit >= self.at {
            low.max(self.at)
        } else {
            low
        };
        let (mut at, mut words) = (hit, 0);
        while at > low {
            let (before, next) = (bytes[at - 1], bytes.get(at));
            let blank = next.is_none_or(u8::is_ascii_whitespace);
            let ends = match before {
                b'.' | b'!' | b'?' => blank,
                b'\n' => next == Some(&b'\n'),
                _ => before == b';',
            };
            let begins = !word_byte(before) && next.is_some_and(|next| word_byte(*next));
            words += usize::from(begins);
            if ends || words > BEFORE / WORD {
                break;
            }
            at -= 1;
        }
        // Cut by the edge of what is looked at, it is no whole word.
        let cut = at > 0 && word_byte(bytes[at - 1]);
        let partial = bytes[at..hit]
            .iter()
            .take_while(|byte| cut && word_byte(**byte))
            .count();
        self.restart(at + partial);
    }

    fn restart(&mut self, at: usize) {
        self.told.clear();
        (self.from, self.at, self.place) = (at, at, 0);
        self.ended = false;
        self.rows.clear();
        self.lower.clear();
    }

    /// Goes on behind what ends a sentence: a sign, or a word that is too long.
    fn again(&mut self, bytes: &[u8]) {
        let text = &bytes[self.at..];
        let long = || text.iter().take_while(|byte| word_byte(**byte)).count();
        let length = sign(text).unwrap_or_else(|| long().max(1));
        self.restart(self.at + length);
    }

    /// Reads the next word; `false` where the sentence ends.
    fn step(&mut self, bytes: &[u8], lexicon: &Lexicon<'_>) -> bool {
        if self.ended {
            return false;
        }
        match next_word(bytes, self.at) {
            Some((start, length)) if is_pieced(&bytes[start..]) => {
                self.piece(bytes, lexicon, start, length);
            }
            Some((start, length)) => self.word(bytes, lexicon, start, start + length),
            None => {
                self.ended = true;
                return false;
            }
        }
        if self.told.len() > MOST_KEPT {
            let low = self.place.saturating_sub(BEFORE + AFTER);
            let gone = self.told.partition_point(|told| told.place < low);
            self.told.drain(..gone);
            self.from = self.told.first().map_or(self.at, |told| told.start);
        }
        true
    }

    /// The longest piece that is known, or one character.
    fn piece(&mut self, bytes: &[u8], lexicon: &Lexicon<'_>, start: usize, length: usize) {
        self.rows.clear();
        self.lower.clear();
        let known = lexicon.piece(&bytes[start..]);
        let length = known.map_or(length, |(_, length)| length);
        if let Some((entry, _)) = known {
            self.tell(start, start + length, entry);
        }
        self.place += length.div_ceil(3);
        self.at = start + length;
    }

    /// A word, and the rows that it ends.
    fn word(&mut self, bytes: &[u8], lexicon: &Lexicon<'_>, start: usize, end: usize) {
        let from = self.lower.len();
        let word = &bytes[start..end];
        // Nearly every word stands in no row and begins none, and is looked up as it is written.
        let lone = self.rows.is_empty() && word.is_ascii();
        let known = lone.then(|| lexicon.word(word));
        if let Some(entry) = known
            && entry.is_none_or(|entry| !entry.begins_row)
        {
            if let Some(entry) = entry {
                self.tell(start, end, entry);
            }
            self.place += WORD;
            self.at = end;
            return;
        }
        push_lower(&mut self.lower, word);
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain_mut(|row| {
            // Behind the blank that follows the last word.
            row.sum = row.sum.and(&self.lower[from - 1..]);
            let entry = lexicon.row(row.sum, &self.lower[row.from..]);
            if let Some(entry) = entry {
                self.tell(row.start, end, entry);
            }
            entry.is_some_and(|entry| entry.begins_row)
        });
        let entry = known.unwrap_or_else(|| lexicon.word(&self.lower[from..]));
        if let Some(entry) = entry {
            self.tell(start, end, entry);
            if entry.begins_row {
                let sum = Sum::of(&self.lower[from..]);
                rows.push(Row { start, from, sum });
            }
        }
        match rows.first().map(|row| row.from) {
            None => self.lower.clear(),
            Some(gone) => {
                // What is before the first row is not asked for again.
                if gone > MOST_LOWER {
                    self.lower.drain(..gone);
                    rows.iter_mut().for_each(|row| row.from -= gone);
                }
                self.lower.push(b' ');
            }
        }
        self.rows = rows;
        self.place += WORD;
        self.at = end;
    }

    fn tell(&mut self, start: usize, end: usize, entry: Entry) {
        if entry.is_of_a_rule() {
            self.told.push(Told {
                start,
                end,
                place: self.place,
                entry,
            });
        }
    }
}

/// The next word, or the next character of a script of pieces: where it begins, and how long it is. `None` where the
/// sentence ends before it, or where it is longer than any that is known.
fn next_word(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (mut start, mut signs, mut lines) = (at, 0, 0);
    while let Some(length) = sign(bytes.get(start..)?) {
        signs += 1;
        let ends = match &bytes[start..] {
            [b'\n', ..] => {
                lines += 1;
                lines > 1
            }
            [b';', ..] => true,
            [b'.' | b'!' | b'?', rest @ ..] => sign(rest).is_some(),
            [0xe3, 0x80, 0x82, ..] | [0xef, 0xbc, 0x81 | 0x9b | 0x9f, ..] => true,
            _ => false,
        };
        if ends || signs > GAP {
            return None;
        }
        start += length;
    }
    let text = &bytes[start..];
    if is_pieced(text) {
        return Some((start, text.len().min(3)));
    }
    let mut length = 0;
    while let Some(byte) = text.get(length) {
        if !plain_word_byte(*byte)
            && (!word_byte(*byte) || sign(&text[length..]).is_some() || is_pieced(&text[length..]))
        {
            break;
        }
        length += 1;
        if length > LONGEST {
            return None;
        }
    }
    (length > 0).then_some((start, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of words that frames know and others, with all that stands between words.
    fn texts() -> impl Iterator<Item = String> {
        const PARTS: [&str; 20] = [
            "disregard",
            "system",
            "prompt",
            "rules",
            "no",
            "longer",
            "You",
            "were",
            "told",
            "x",
            "забудь",
            "инструкции",
            "用户",
            "的",
            "。",
            ". ",
            "; ",
            "\n\n",
            "“",
            "an.example",
        ];
        let mut seed = 7_u64;
        (0..300).map(move |_| {
            let mut text = String::new();
            for _ in 0..60 {
                seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(11);
                text += PARTS[(seed >> 33) as usize % PARTS.len()];
                text += if seed >> 50 & 7 == 0 { "" } else { " " };
            }
            text
        })
    }

    #[test]
    fn a_sentence_that_was_read_says_what_one_read_anew_says() {
        let tables = crate::builtin::scanner().layers[0].lexicon();
        for text in texts() {
            let bytes = text.as_bytes();
            let mut kept = Sentence::default();
            for hit in (0..bytes.len()).filter(|at| bytes[*at] == b'd') {
                let told = |sentence: &mut Sentence| {
                    let place = sentence.around(bytes, &tables, hit);
                    let near =
                        |told: &&Told| told.place + BEFORE >= place && told.place <= place + AFTER;
                    // What is behind the hit in its sentence does not depend on where reading began.
                    let behind: Vec<(usize, usize)> = sentence
                        .told
                        .iter()
                        .filter(near)
                        .filter(|told| told.start >= hit)
                        .map(|told| (told.start, told.end))
                        .collect();
                    behind
                };
                let again = told(&mut kept);
                assert_eq!(told(&mut Sentence::default()), again, "{hit} in {text}");
            }
        }
    }

    #[test]
    fn sentences_end_at_stops_of_any_script_and_words_at_signs() {
        let next = |text: &'static str| {
            next_word(text.as_bytes(), 0).map(|(start, length)| &text[start..start + length])
        };
        assert_eq!(next(" “rules” x"), Some("rules"));
        assert_eq!(next("«правила»"), Some("правила"));
        assert_eq!(next("¡olvida!"), Some("olvida"));
        assert_eq!(next(", ai代理"), Some("ai"));
        assert_eq!(next("、用户"), Some("用"));
        for end in [
            ". x",
            "! x",
            "?” x",
            "; x",
            "\n\nx",
            "。用户",
            "！用户",
            "",
            "       x",
        ] {
            assert_eq!(next(end), None, "{end}");
        }
        assert_eq!(next(".x"), Some("x"));
        assert_eq!(next(&"x".repeat(LONGEST + 1).leak()[..]), None);
    }
}
