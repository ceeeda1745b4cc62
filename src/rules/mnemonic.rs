//! Recovery phrases of wallets (BIP-39): words in a row, nearly all of them different, none of which holds a sentence
//! together.
//!
//! The list itself is not looked into: what is near a wallet's name and looks like one is one.

/// Words that hold sentences together, which the list leaves out.
static JOINING: [&[u8]; 44] = [
    b"the", b"and", b"for", b"you", b"are", b"was", b"not", b"but", b"from", b"have", b"has",
    b"had", b"were", b"your", b"they", b"our", b"his", b"her", b"its", b"with", b"would", b"could",
    b"there", b"their", b"which", b"who", b"how", b"did", b"does", b"been", b"each", b"than",
    b"then", b"them", b"these", b"those", b"may", b"also", b"after", b"per", b"via", b"into",
    b"please", b"should",
];

/// Fewest and most words of a phrase, and how many of the fewest differ at least: in the longest, four may occur twice.
const LEAST_WORDS: usize = 12;
const MOST_WORDS: usize = 24;
const LEAST_DISTINCT: usize = 8;

/// Shortest and longest word, in bytes: as many as a number of 64 bits holds.
const SHORTEST: usize = 3;
const LONGEST: usize = 8;

/// A word as a number: words are compared with many others, and so at once.
const fn packed(word: &[u8]) -> u64 {
    let (mut held, mut index) = (0, 0);
    while index < word.len() {
        held = held << 8 | word[index] as u64;
        index += 1;
    }
    held
}

/// The joining words as numbers; and which lengths those that begin with a letter have, a bit for each.
static JOINING_PACKED: ([u64; JOINING.len()], [u16; 26]) = {
    let (mut words, mut lengths) = ([0; JOINING.len()], [0; 26]);
    let mut index = 0;
    while index < JOINING.len() {
        let word = JOINING[index];
        words[index] = packed(word);
        lengths[(word[0] - b'a') as usize] |= 1 << word.len();
        index += 1;
    }
    (words, lengths)
};

/// Whether a word of lower-case letters holds sentences together.
fn joins(word: &[u8], number: u64) -> bool {
    let (words, lengths) = &JOINING_PACKED;
    let letter = word
        .first()
        .map_or(0, |first| usize::from(first.saturating_sub(b'a')));
    lengths
        .get(letter)
        .is_some_and(|held| held >> (word.len() & 15) & 1 == 1)
        && words.contains(&number)
}

/// Whether nearly all of so many words differ.
const fn mostly_differ(distinct: usize, words: usize) -> bool {
    distinct * 6 >= words * 5
}

/// Whether words could be a recovery phrase.
pub(super) fn is_mnemonic(text: &[u8]) -> bool {
    let words: Vec<&[u8]> = text
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty())
        .collect();
    let mut distinct = words.clone();
    distinct.sort_unstable();
    distinct.dedup();
    words.len() >= LEAST_WORDS
        && mostly_differ(distinct.len(), words.len())
        && !words.iter().any(|word| JOINING.contains(word))
}

/// Most words that are read of a row at once: far more than a phrase has, so that each is read about once.
const MOST_READ: usize = 4 * MOST_WORDS;

/// Words in a row, each read about once however many phrases could begin among them.
#[derive(Debug, Default)]
pub struct Row {
    /// Where each begins and ends, and what it is.
    words: Vec<(usize, usize, u64)>,
    /// The first that has not been passed.
    from: usize,
    /// Whether there may be more than were read; and where what ends the row does.
    cut: bool,
    stop: usize,
    /// Up to where none of the words stands for another, but one that was passed: who asks keeps it here.
    pub plain: usize,
}

/// What a row has at a place where a phrase may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Where the fewest words end that a phrase has.
    pub end: usize,
    /// Of how many words it may be, one bit for each number.
    pub counts: u32,
}

impl Row {
    /// What begins at a place, if a phrase may: as many words as one has, of which enough differ. Places are asked for in
    /// order.
    ///
    /// # Errors
    /// The next place at which one may: none begins before it.
    pub fn begins(&mut self, bytes: &[u8], start: usize) -> Result<Begun, usize> {
        let unread = self.words.len() - self.from;
        let passed = self.words[self.from..]
            .iter()
            .take(MOST_WORDS)
            .position(|word| word.0 == start);
        match passed {
            Some(passed) if unread - passed >= MOST_WORDS || !self.cut => self.from += passed,
            _ => self.read(bytes, start),
        }
        let words = &self.words[self.from..];
        let [(_, next, _), ..] = *words else {
            return Err(self.stop.max(start + 1));
        };
        let Some(&(_, end, _)) = words.get(LEAST_WORDS - 1) else {
            return Err(self.stop.max(start + 1));
        };
        let (mut distinct, mut counts) = (0, 0);
        for (count, (.., number)) in words.iter().take(MOST_WORDS).enumerate() {
            distinct += usize::from(!words[..count].iter().any(|(.., held)| held == number));
            let read = count + 1;
            if read >= LEAST_WORDS && mostly_differ(distinct, read) {
                counts |= 1 << read;
            }
            // Each word that is left out lets in one that may be another.
            if read == LEAST_WORDS
                && let Some(lacking) = LEAST_DISTINCT.checked_sub(distinct + 1)
            {
                return Err(words[lacking].1);
            }
        }
        if counts == 0 {
            return Err(next);
        }
        Ok(Begun { end, counts })
    }

    /// Reads the row that begins at a place.
    fn read(&mut self, bytes: &[u8], start: usize) {
        self.words.clear();
        (self.from, self.cut) = (0, false);
        let mut at = start;
        while let Some(rest) = bytes.get(at..) {
            let length = rest
                .iter()
                .take(LONGEST + 1)
                .take_while(|byte| byte.is_ascii_lowercase())
                .count();
            let (word, end) = (&rest[..length], at + length);
            self.stop = end;
            if !(SHORTEST..=LONGEST).contains(&length) {
                return;
            }
            let number = packed(word);
            if joins(word, number) {
                return;
            }
            self.words.push((at, end, number));
            if bytes.get(end) != Some(&b' ') {
                return;
            }
            if self.words.len() == MOST_READ {
                self.cut = true;
                return;
            }
            at = end + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(text: &str) -> Result<Begun, usize> {
        Row::default().begins(text.as_bytes(), 0)
    }

    const PHRASE: &str =
        "aim jungle believe merry betray helmet stadium tide lake manage cram cost";

    #[test]
    fn a_recovery_phrase_begins_with_twelve_words_that_differ_and_join_nothing() {
        let begun = |counts| {
            Ok(Begun {
                end: PHRASE.len(),
                counts,
            })
        };
        assert_eq!(begins(PHRASE), begun(1 << 12));
        // Of so many words two may occur twice.
        let more = format!("{PHRASE} aim jungle believe");
        assert_eq!(begins(&more), begun(1 << 12 | 1 << 13 | 1 << 14));
        for (text, next) in [
            ("aim jungle believe", 18),
            (
                "aim the jungle believe merry betray helmet stadium tide lake manage cram",
                7,
            ),
            ("aim Jungle believe", 4),
            ("abcdefghi aim", 9),
        ] {
            assert_eq!(begins(text), Err(next), "{text}");
        }
    }

    #[test]
    fn where_too_few_differ_none_begins_before_enough_others_can_have_come() {
        assert_eq!(begins(&"wallet ".repeat(12)), Err(48));
        let seven = "aim jungle believe merry betray helmet stadium ".repeat(2);
        assert_eq!(begins(&seven), Err(3));
    }

    #[test]
    fn a_row_that_is_read_once_says_what_one_read_for_every_word_says() {
        // Far more words than are read at once, the same ones now and then, and some that break the row.
        let all: Vec<String> = (0..700_u32)
            .map(|index| match index % 97 {
                96 => String::from("The"),
                _ => {
                    let letter = |by: u32| char::from(b'a' + (index / by % 17) as u8);
                    [letter(1), 'o', letter(17), letter(5)].iter().collect()
                }
            })
            .collect();
        let text = all.join(" ");
        let mut row = Row::default();
        let mut at = 0;
        for word in &all {
            let alone = Row::default().begins(text.as_bytes(), at);
            assert_eq!(row.begins(text.as_bytes(), at), alone, "{at}");
            at += word.len() + 1;
        }
    }
}
