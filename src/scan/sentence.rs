//! The words of a sentence, each read and looked up once for the frames of all rules.

use crate::rules::lexicon::{Entry, LONGEST, Lexicon, is_pieced};
use crate::rules::tables::{sign, word_byte};

/// How far before and after a word its sentence is looked at: so many words, each of which counts as much as three
/// characters of a script that has no blanks.
pub(super) const WORD: usize = 3;
pub(super) const BEFORE: usize = 12 * WORD;
pub(super) const AFTER: usize = 24 * WORD;
/// The same in bytes, for where reading begins.
const BYTES_BEFORE: usize = 16 * 12;
/// Most signs between two words of a sentence.
const GAP: usize = 6;
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

/// What was read of a sentence.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) told: Vec<Told>,
    /// The range that was read, and how far into the sentence its end is.
    from: usize,
    at: usize,
    place: usize,
    /// Whether the sentence ends there.
    ended: bool,
    /// Where the word before begins, when the next one is looked up together with it; and the two in lower case.
    first: Option<usize>,
    pair: Vec<u8>,
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

    /// Begins to read so far before `hit` that its sentence's words are met, though not in the middle of a word.
    fn begin(&mut self, bytes: &[u8], hit: usize) {
        let low = hit.saturating_sub(BYTES_BEFORE);
        let low = if hit >= self.at {
            low.max(self.at)
        } else {
            low
        };
        let cut = low > 0 && word_byte(bytes[low - 1]);
        let partial = bytes[low..hit]
            .iter()
            .take_while(|byte| cut && word_byte(**byte))
            .count();
        self.restart(low + partial);
    }

    fn restart(&mut self, at: usize) {
        self.told.clear();
        (self.from, self.at, self.place) = (at, at, 0);
        (self.ended, self.first) = (false, None);
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
        self.first = None;
        let known = lexicon.piece(&bytes[start..]);
        let length = known.map_or(length, |(_, length)| length);
        if let Some((entry, _)) = known {
            self.tell(start, start + length, entry);
        }
        self.place += length.div_ceil(3);
        self.at = start + length;
    }

    fn word(&mut self, bytes: &[u8], lexicon: &Lexicon<'_>, start: usize, end: usize) {
        let from = match self.first {
            Some(_) => {
                self.pair.push(b' ');
                self.pair.len()
            }
            None => {
                self.pair.clear();
                0
            }
        };
        let word = &bytes[start..end];
        if word.is_ascii() {
            self.pair.extend_from_slice(word);
            self.pair[from..].make_ascii_lowercase();
        } else if let Ok(word) = std::str::from_utf8(word) {
            self.pair.extend(word.to_lowercase().as_bytes());
        }
        let entry = lexicon.word(&self.pair[from..]);
        if let Some(entry) = entry {
            self.tell(start, end, entry);
        }
        if let Some(first) = self.first
            && let Some(entry) = lexicon.pair(&self.pair)
        {
            self.tell(first, end, entry);
        }
        self.first = entry
            .is_some_and(|entry| entry.begins_pair)
            .then_some(start);
        if from > 0 {
            self.pair.drain(..from);
        }
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
    while let Some(byte) = text.get(length).filter(|byte| word_byte(**byte)) {
        if !byte.is_ascii() && (sign(&text[length..]).is_some() || is_pieced(&text[length..])) {
            break;
        }
        length += 1;
        if length > LONGEST {
            return None;
        }
    }
    (length > 0).then_some((start, length))
}
