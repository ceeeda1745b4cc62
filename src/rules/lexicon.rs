//! The words of all frames of a pack in one table that is read where it lies: a word of a text is looked up once, whatever
//! number of rules ask about it.
//!
//! Three kinds: a word, or some with a blank between two; the beginning of a word (`instru*`); and a piece of a script that
//! writes no blanks between words, or ties endings to them.

use std::collections::BTreeMap;

use super::rule::u32_at;

/// Longest word, in bytes.
pub const LONGEST: usize = 40;
/// Shortest beginning of a word, in bytes.
pub const SHORTEST_STEM: usize = 4;
/// Bytes of a piece's first character.
const CHARACTER: usize = 3;

/// Bytes of an entry: where its text begins and how long it is, what it is, where its classes begin and how many rules
/// there are.
const ENTRY: usize = 8;
/// Bytes of what a rule knows of a word: the rule's slot, and its classes.
const CLASSES: usize = 5;
/// Bytes of the table's head: the number of entries and of buckets, and the lengths of beginnings and of pieces, by the sum
/// of their first bytes.
const HEAD: usize = 4 + 4 + 2 * FILTER * 8;
/// How many sums of first bytes are told apart.
const FILTER: usize = 128;

/// Whether more words follow in some row of words.
const BEGINS_ROW: u8 = 1;
/// Whether it is only the beginning of one.
const STEM: u8 = 2;

/// Whether a text begins with a script of which pieces are looked up: what writes no blanks between words, and Korean.
#[must_use]
#[inline]
pub const fn is_pieced(text: &[u8]) -> bool {
    matches!(text, [0xe3..=0xed, ..] | [0xe0, 0xb8..=0xbb, ..])
}

/// A running sum over bytes (FNV-1a) without the case of ASCII letters: what comes first has its own sum on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum(u32);

impl Sum {
    const EMPTY: Self = Self(0x811c_9dc5);

    const fn with(self, byte: u8) -> Self {
        Self((self.0 ^ byte.to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193))
    }

    /// That of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::EMPTY.and(bytes)
    }

    /// That of these and what comes behind them.
    #[must_use]
    pub fn and(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |sum, byte| sum.with(*byte))
    }

    const fn mixed(self) -> u32 {
        self.0 ^ self.0 >> 15
    }

    const fn slot(self) -> usize {
        (self.mixed() as usize >> 4) % FILTER
    }
}

/// How long the words are whose first bytes have such a sum: a bit for each length.
fn lengths_of(by_sum: &[[u8; 8]], first: Sum) -> u64 {
    let held = by_sum.get(first.slot());
    held.map_or(0, |held| u64::from_le_bytes(*held))
}

/// A word that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where what rules know of it begins in the list of classes, and how many do.
    from: u16,
    rules: u8,
    /// Whether the next word is looked up together with what was found.
    pub begins_row: bool,
}

/// What a rule, by its slot, knows of a word: its classes.
pub type Known = (u8, u32);

/// Lays the words out: for each, the slots of the rules that have it, with their classes.
///
/// # Errors
/// A sentence when there are more than the format holds.
pub fn build(words: &BTreeMap<String, Vec<Known>>) -> Result<Vec<u8>, String> {
    let mut all: BTreeMap<&str, (u8, &[Known])> = BTreeMap::new();
    for (word, rules) in words {
        let stem = word.strip_suffix('*');
        let kind = if stem.is_some() { STEM } else { 0 };
        if all.insert(stem.unwrap_or(word), (kind, rules)).is_some() {
            return Err(format!("`{word}` is a word, and the beginning of one"));
        }
    }
    for word in words.keys() {
        for (blank, _) in word.match_indices(' ') {
            all.entry(&word[..blank]).or_insert((0, &[])).0 |= BEGINS_ROW;
        }
    }
    let (mut entries, mut classes) = (Vec::new(), Vec::new());
    let mut texts: Vec<u8> = Vec::new();
    let (mut stems, mut pieces) = ([0_u64; FILTER], [0_u64; FILTER]);
    let buckets = (all.len() * 2).next_power_of_two();
    let mut table = vec![0_u16; buckets];
    let small =
        |number: usize| u16::try_from(number).map_err(|_| String::from("too many words of frames"));
    for (index, (word, (kind, rules))) in all.iter().enumerate() {
        let bytes = word.as_bytes();
        let mark = |first: usize, lengths: &mut [u64; FILTER]| {
            lengths[Sum::of(&bytes[..first]).slot()] |= 1 << bytes.len();
        };
        if kind & STEM != 0 {
            mark(SHORTEST_STEM, &mut stems);
        } else if is_pieced(bytes) {
            mark(CHARACTER, &mut pieces);
        }
        entries.extend(small(texts.len())?.to_le_bytes());
        entries.extend([bytes.len() as u8, *kind]);
        entries.extend(small(classes.len() / CLASSES)?.to_le_bytes());
        entries.extend([rules.len() as u8, 0]);
        texts.extend(bytes);
        for (slot, held) in *rules {
            classes.push(*slot);
            classes.extend(held.to_le_bytes());
        }
        let mut bucket = Sum::of(bytes).mixed() as usize;
        while table[bucket % buckets] != 0 {
            bucket += 1;
        }
        table[bucket % buckets] = small(index + 1)?;
    }
    let mut out = Vec::new();
    out.extend((all.len() as u32).to_le_bytes());
    out.extend((buckets as u32).to_le_bytes());
    for lengths in [stems, pieces] {
        out.extend(lengths.iter().flat_map(|held| held.to_le_bytes()));
    }
    out.extend(table.iter().flat_map(|index| index.to_le_bytes()));
    out.extend(entries);
    out.extend((classes.len() as u32).to_le_bytes());
    out.extend(classes);
    out.extend(texts);
    Ok(out)
}

/// The table, in the bytes of a pack's tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lexicon<'a> {
    stems: &'a [[u8; 8]],
    pieces: &'a [[u8; 8]],
    table: &'a [[u8; 2]],
    entries: &'a [[u8; ENTRY]],
    classes: &'a [[u8; CLASSES]],
    texts: &'a [u8],
}

impl<'a> Lexicon<'a> {
    /// Takes what [`build`] laid out; one without words when that is damaged.
    #[must_use]
    pub fn open(bytes: &'a [u8]) -> Self {
        Self::read(bytes).unwrap_or_default()
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let (stems, pieces) = head.get(8..)?.split_at_checked(FILTER * 8)?;
        let (count, buckets) = (u32_at(head, 0)? as usize, u32_at(head, 4)? as usize);
        let (table, rest) = rest.split_at_checked(buckets * 2)?;
        let (entries, rest) = rest.split_at_checked(count * ENTRY)?;
        let (length, rest) = rest.split_at_checked(4)?;
        let (classes, texts) = rest.split_at_checked(u32_at(length, 0)? as usize)?;
        Some(Self {
            stems: stems.as_chunks().0,
            pieces: pieces.as_chunks().0,
            table: table.as_chunks().0,
            entries: entries.as_chunks().0,
            classes: classes.as_chunks().0,
            texts,
        })
    }

    /// The word, or its beginning; letters of ASCII may be capitals.
    #[must_use]
    pub fn word(&self, word: &[u8]) -> Option<Entry> {
        let (head, tail) = word.split_at(word.len().min(SHORTEST_STEM));
        let early = Sum::of(head);
        let sum = tail.iter().fold(early, |sum, byte| sum.with(*byte));
        self.find(sum, word, 0).or_else(|| {
            if head.len() < SHORTEST_STEM {
                return None;
            }
            let lengths = lengths_of(self.stems, early);
            self.longest(word, early, SHORTEST_STEM, lengths, STEM)
                .map(|(entry, _)| entry)
        })
    }

    /// Words in lower case with a blank between two, and their sum.
    #[must_use]
    pub fn row(&self, sum: Sum, words: &[u8]) -> Option<Entry> {
        self.find(sum, words, 0)
    }

    /// The longest piece that a text begins with, and its length in bytes.
    #[must_use]
    pub fn piece(&self, text: &[u8]) -> Option<(Entry, usize)> {
        let first = Sum::of(text.get(..CHARACTER)?);
        let lengths = lengths_of(self.pieces, first);
        self.longest(text, first, CHARACTER, lengths, 0)
    }

    /// The longest entry of certain lengths that a text begins with; `sum` is that of its first `at` bytes.
    fn longest(
        &self,
        text: &[u8],
        sum: Sum,
        at: usize,
        lengths: u64,
        kind: u8,
    ) -> Option<(Entry, usize)> {
        let (mut sum, mut best, mut summed) = (sum, None, at);
        let mut left = lengths >> at << at;
        while left != 0 {
            let length = left.trailing_zeros() as usize;
            left &= left - 1;
            let Some(held) = text.get(..length) else {
                break;
            };
            sum = held[summed..].iter().fold(sum, |sum, byte| sum.with(*byte));
            summed = length;
            if let Some(entry) = self.find(sum, held, kind) {
                best = Some((entry, length));
            }
        }
        best
    }

    /// The entry of a text and its sum: one that is a whole word, or only the beginning of one.
    fn find(&self, sum: Sum, text: &[u8], kind: u8) -> Option<Entry> {
        let mask = self.table.len().checked_sub(1)?;
        let first = sum.mixed() as usize;
        for bucket in first..first + self.table.len() {
            let index = u16::from_le_bytes(*self.table.get(bucket & mask)?);
            let held = self.entries.get(usize::from(index.checked_sub(1)?))?;
            let from = usize::from(u16::from_le_bytes([held[0], held[1]]));
            if usize::from(held[2]) == text.len()
                && self
                    .texts
                    .get(from..from + text.len())
                    .is_some_and(|held| held == text || held.eq_ignore_ascii_case(text))
            {
                return (held[3] & STEM == kind).then_some(Entry {
                    from: u16::from_le_bytes([held[4], held[5]]),
                    rules: held[6],
                    begins_row: held[3] & BEGINS_ROW != 0,
                });
            }
        }
        None
    }

    /// The classes that the rule with a slot has a word in.
    #[must_use]
    pub fn classes(&self, entry: Entry, slot: u8) -> u32 {
        let from = usize::from(entry.from);
        let held = self.classes.get(from..from + usize::from(entry.rules));
        held.unwrap_or_default()
            .iter()
            .find(|held| held[0] == slot)
            .map_or(0, |[_, a, b, c, d]| u32::from_le_bytes([*a, *b, *c, *d]))
    }
}

impl Entry {
    /// Whether any rule has the word in a class.
    #[must_use]
    pub const fn is_of_a_rule(self) -> bool {
        self.rules > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(words: &[(&str, &[Known])]) -> Vec<u8> {
        let words = words
            .iter()
            .map(|(word, rules)| (String::from(*word), rules.to_vec()))
            .collect();
        build(&words).unwrap()
    }

    #[test]
    fn words_rows_beginnings_and_pieces_are_found_with_the_classes_of_each_rule() {
        let bytes = table(&[
            ("rules", &[(0, 1), (3, 6)]),
            ("system prompt", &[(1, 8)]),
            ("instruc*", &[(0, 2)]),
            ("инструкц*", &[(2, 4)]),
            ("\u{5ffd}\u{7565}", &[(0, 16)]),
            ("\u{5ffd}\u{7565}\u{6389}", &[(0, 32)]),
        ]);
        let lexicon = Lexicon::open(&bytes);
        let classes = |entry: Option<Entry>, slot| entry.map(|entry| lexicon.classes(entry, slot));
        assert_eq!(classes(lexicon.word(b"rules"), 0), Some(1));
        assert_eq!(classes(lexicon.word(b"rules"), 3), Some(6));
        assert_eq!(classes(lexicon.word(b"rules"), 1), Some(0));
        assert_eq!(lexicon.word(b"rule"), None);
        assert_eq!(lexicon.word(b"ruless"), None);
        assert_eq!(classes(lexicon.word(b"instructions"), 0), Some(2));
        assert_eq!(classes(lexicon.word(b"instruc"), 0), Some(2));
        assert_eq!(lexicon.word(b"instru"), None);
        assert_eq!(classes(lexicon.word(b"RuleS"), 0), Some(1));
        assert_eq!(classes(lexicon.word(b"Instruction"), 0), Some(2));
        assert_eq!(classes(lexicon.word("инструкциями".as_bytes()), 2), Some(4));
        let system = lexicon.word(b"system").unwrap();
        assert!(system.begins_row && !system.is_of_a_rule());
        assert_eq!(
            classes(lexicon.row(Sum::of(b"system prompt"), b"system prompt"), 1),
            Some(8)
        );
        let piece = |text: &str| {
            lexicon
                .piece(text.as_bytes())
                .map(|(entry, length)| (lexicon.classes(entry, 0), length))
        };
        assert_eq!(piece("\u{5ffd}\u{7565}\u{6307}\u{4ee4}"), Some((16, 6)));
        assert_eq!(piece("\u{5ffd}\u{7565}\u{6389}"), Some((32, 9)));
        assert_eq!(piece("\u{7565}\u{5ffd}"), None);
    }

    #[test]
    fn damaged_tables_have_no_words() {
        let bytes = table(&[("rules", &[(0, 1)])]);
        for length in 0..bytes.len() {
            assert_eq!(
                Lexicon::open(&bytes[..length]).word(b"rules"),
                None,
                "{length}"
            );
        }
        assert!(Lexicon::open(&bytes).word(b"rules").is_some());
        assert!(Lexicon::default().word(b"rules").is_none());
    }
}
