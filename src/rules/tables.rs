//! The compiled form of packs: one block of bytes that is used where it lies, and rules that are decoded when first met.
//!
//! The search for literals is a filter over folded grams of four bytes at every second position: a literal has a gram
//! for either parity of its start, and the rarer ones are chosen. The last three bytes of a gram choose a cell of 32 bits,
//! the low bits of its first byte choose the bit, counted from the highest, which is the same for both cases of a letter.
//! The shortest literals leave the byte before them open, which sets every bit of one cell. One multiplication and one
//! load, without a branch, decide about most positions; what remains is held against the eight bytes around the gram.
//! Nothing is built at start.

use std::borrow::Cow;
use std::ops::Range;

use super::allow::Allowed;
use super::alphabet::WORD;
use super::lexicon::Lexicon;
use super::rule::{Rule, shared, u32_at};
use super::shape::clean_start;
use crate::held::Slots;

const BITS: u32 = 13;
pub(super) const CELLS: usize = 1 << BITS;
pub(super) const MAGIC: &[u8; 8] = b"AGRULESD";
/// How many sections tables have.
pub(super) const SECTIONS: usize = 12;
/// Bytes of an entry of the filter: what stands in the window of a candidate, the literal, which byte of it the gram's
/// second one is, and which bytes of the window are the literal's.
pub(super) const ENTRY: usize = 12;
/// Bytes around a gram that are compared at once: so many before it, and as many after it.
pub(super) const BESIDE: usize = 2;
/// Which bytes of a window are compared: by how many before the gram, plus three times by how many after it; then the same
/// for grams whose first byte may be any.
const WINDOWS: [u64; 16] = {
    let mut masks = [0; 16];
    let mut index = 0;
    while index < 12 {
        let (before, after) = (index % 3, index / 3 % 3);
        let from = if index < 9 {
            BESIDE - before
        } else {
            BESIDE + 1
        };
        let after = if index < 9 { after } else { index - 9 };
        let to = BESIDE + 4 + after;
        masks[index] = (u64::MAX >> (64 - 8 * to)) & (u64::MAX << (8 * from));
        index += 1;
    }
    masks
};
/// The bit that is the same for both cases of a letter, in every byte of a window.
pub(super) const FOLD: u64 = 0x2020_2020_2020_2020;
/// Bytes of one step of the search, and of what it may look at.
const STEP: usize = 16;
const LOOK: usize = 20;

/// What a literal asks of its neighbours, told before anything else is done: nothing, no part of a word on either side,
/// or that a token may begin there.
pub(super) const ANY_CASE: u8 = 1;
pub(super) const WHOLE_WORDS: u8 = 2;
pub(super) const CLEAN_START: u8 = 4;
pub(super) const WORD_START: u8 = 8;

/// A literal that leads to a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Its bytes; lower case when the case is ignored.
    pub bytes: Vec<u8>,
    /// Whether the case is ignored.
    pub any_case: bool,
    /// Which rule.
    pub rule: u16,
    /// Which of the rule's shapes, names or words.
    pub index: u16,
    /// What may follow a literal of only three bytes.
    pub follow: Vec<u8>,
    /// What must not stand beside it.
    pub edge: Edge,
}

/// What a literal asks of its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// Nothing.
    #[default]
    Any,
    /// No letter, digit, apostrophe or `_` on either side, nor a letter that is not ASCII.
    Words,
    /// The same before it only: the beginning of a word.
    Start,
    /// A token may begin there, as [`clean_start`] says.
    Token,
}

/// The bytes that are parts of words, told by one look.
static IN_WORD: [bool; 256] = WORD.with_all(b"'").with(0x80, 0xff).table();

/// Whether a byte is a part of a word.
#[must_use]
#[inline]
pub fn word_byte(byte: u8) -> bool {
    IN_WORD[usize::from(byte)]
}

/// The same without those that a sign or a script without blanks may begin with.
static IN_PLAIN_WORD: [bool; 256] = {
    let mut held = IN_WORD;
    let mut byte = 0x80;
    while byte < held.len() {
        held[byte] = !may_break(byte as u8);
        byte += 1;
    }
    held
};

/// Whether a byte is a part of a word whatever stands behind it.
#[must_use]
#[inline]
pub fn plain_word_byte(byte: u8) -> bool {
    IN_PLAIN_WORD[usize::from(byte)]
}

/// How long the sign of punctuation is that a text begins with: one of ASCII, or one as they are printed and as East Asia
/// writes them; `None` where a word begins.
#[must_use]
#[inline]
pub fn sign(text: &[u8]) -> Option<usize> {
    match text {
        [first, ..] if first.is_ascii() => (!word_byte(*first)).then_some(1),
        [0xc2, 0xa0..=0xbf, ..] => Some(2),
        [0xe2, 0x80..=0x81, ..] | [0xe3, 0x80, 0x80..=0x84 | 0x88..=0xbf, ..] => Some(3),
        [0xef, 0xbc, 0x81..=0x8f | 0x9a..=0xa0, ..] | [0xef, 0xbd, 0x9b..=0xa5, ..] => Some(3),
        _ => None,
    }
}

/// Whether a sign, or a character of a script without blanks, may begin with a byte that is not ASCII: with those of most
/// letters none does.
#[must_use]
#[inline]
pub const fn may_break(byte: u8) -> bool {
    matches!(byte, 0xc2 | 0xe0..=0xef)
}

/// Whether a word that begins at a place goes on before it.
fn goes_on_before(bytes: &[u8], start: usize) -> bool {
    let Some(last) = start.checked_sub(1).map(|at| bytes[at]) else {
        return false;
    };
    if last.is_ascii() {
        return word_byte(last);
    }
    // A sign of two or three bytes: `“`, `«`, `。`.
    [2, 3].iter().all(|length| {
        let held = start.checked_sub(*length).map(|from| &bytes[from..start]);
        held.and_then(sign) != Some(*length)
    })
}

/// Whether a word that ends at a place goes on after it.
fn goes_on_after(bytes: &[u8], end: usize) -> bool {
    match bytes.get(end) {
        Some(next) if next.is_ascii() => word_byte(*next),
        Some(_) => sign(&bytes[end..]).is_none(),
        None => false,
    }
}

/// A literal that was found, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Which rule.
    pub rule: usize,
    /// Which of the rule's shapes, names or words.
    pub index: usize,
    /// First byte of the literal.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// What a search meets.
pub trait Seen {
    /// Whether to be told of literals beside which something stands that they do not allow, too.
    const EVERY: bool = false;

    /// The surfaces of rules to be told of, bit by position: a rule that does not speak about a text is not even decoded.
    fn surfaces(&self) -> u8 {
        u8::MAX
    }

    /// A literal of a rule.
    fn hit(&mut self, hit: Hit);
    /// Three digits in a row; the first such place of every few bytes.
    fn digits(&mut self, at: usize);
    /// An aligned block of sixteen bytes without blanks and quotes: what long encoded runs are made of.
    fn dense(&mut self, at: usize);
}

/// Compiled packs.
#[derive(Debug)]
pub struct Tables {
    bytes: Cow<'static, [u8]>,
    cells: Range<usize>,
    buckets: Range<usize>,
    entries: Range<usize>,
    literals: Range<usize>,
    text: Range<usize>,
    offsets: Range<usize>,
    blob: Range<usize>,
    /// What of rules is read where it lies.
    inside: Range<usize>,
    /// The words of frames.
    words: Range<usize>,
    numbers: Range<usize>,
    detectors: Range<usize>,
    allowed: Vec<Allowed>,
    rules: Slots<Option<Box<Rule>>>,
    names: Slots<&'static str>,
}

/// The stored form of which rules the detectors report as: for each the number of the rule, how long the name is, the name.
pub(super) fn stored_detectors<'a>(
    detectors: impl Iterator<Item = (&'a str, u16)>,
) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for (name, rule) in detectors {
        let length = u8::try_from(name.len()).map_err(|_| format!("`{name}` is too long"))?;
        out.extend_from_slice(&rule.to_le_bytes());
        out.push(length);
        out.extend_from_slice(name.as_bytes());
    }
    Ok(out)
}

/// The number of the rule that a detector reports as.
fn detector_of(mut stored: &[u8], name: &str) -> Option<usize> {
    loop {
        let ([low, high, length], after) = stored.split_first_chunk()?;
        let (held, after) = after.split_at_checked(usize::from(*length))?;
        if held == name.as_bytes() {
            return Some(usize::from(u16::from_le_bytes([*low, *high])));
        }
        stored = after;
    }
}

/// The cell of the last three of four bytes.
#[inline]
pub(super) fn cell_of(word: u32) -> usize {
    // The first byte is the same for all.
    ((word | 0x2020_20ff).wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

impl Tables {
    /// Takes compiled bytes; `None` when they are not whole.
    #[must_use]
    pub fn open(bytes: Cow<'static, [u8]>) -> Option<Self> {
        let lengths = bytes.starts_with(MAGIC).then_some(MAGIC.len())?;
        let mut sections: [Range<usize>; SECTIONS] = Default::default();
        let mut at = lengths + SECTIONS * 4;
        for (number, section) in sections.iter_mut().enumerate() {
            let length = u32_at(&bytes, lengths + number * 4)? as usize;
            *section = at..at.checked_add(length)?;
            if section.end > bytes.len() {
                return None;
            }
            at = section.end.next_multiple_of(4);
        }
        let [
            detectors,
            allowed,
            numbers,
            cells,
            buckets,
            entries,
            literals,
            text,
            offsets,
            blob,
            inside,
            words,
        ] = sections;
        let allowed = postcard::from_bytes(&bytes[allowed]).ok()?;
        if cells.len() != CELLS * 4 || buckets.len() != (CELLS + 1) * 2 {
            return None;
        }
        let count = (offsets.len() / 4).checked_sub(1)?;
        Some(Self {
            bytes,
            cells,
            buckets,
            entries,
            literals,
            text,
            offsets,
            blob,
            inside,
            words,
            numbers,
            detectors,
            allowed,
            rules: Slots::new(count),
            names: Slots::new(count),
        })
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The literals that are searched for, in any order.
    pub fn literals(&self) -> impl Iterator<Item = &[u8]> {
        let (index, _) = self.bytes[self.literals.clone()].as_chunks::<12>();
        let text = &self.bytes[self.text.clone()];
        index.iter().filter_map(|held| {
            let from = u32_at(held, 0)? as usize;
            text.get(from..from + usize::from(held[4]))
        })
    }

    /// A rule, decoded when first asked for.
    #[must_use]
    pub fn rule(&self, index: usize) -> Option<&Rule> {
        self.rules
            .get_or_init(index, || {
                let offsets = &self.bytes[self.offsets.clone()];
                let from = u32_at(offsets, index * 4)? as usize;
                let to = u32_at(offsets, index * 4 + 4)? as usize;
                let blob = self.bytes[self.blob.clone()].get(from..to)?;
                postcard::from_bytes(blob).ok().map(Box::new)
            })?
            .as_deref()
    }

    /// What of rules is read where it lies.
    #[must_use]
    pub fn inside(&self) -> &[u8] {
        &self.bytes[self.inside.clone()]
    }

    /// The words of frames.
    #[must_use]
    pub fn lexicon(&self) -> Lexicon<'_> {
        Lexicon::open(&self.bytes[self.words.clone()])
    }

    /// The id of a rule, for findings: a text may have one on every line, and they share it.
    #[must_use]
    pub fn name(&self, index: usize) -> Option<&'static str> {
        let rule = self.rule(index)?;
        self.names.get_or_init(index, || shared(&rule.id)).copied()
    }

    /// Hosts to which data may go.
    #[must_use]
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// The rule that a detector reports as; `None` when no pack has one.
    #[must_use]
    pub fn detector(&self, name: &str) -> Option<(usize, &Rule)> {
        let index = detector_of(&self.bytes[self.detectors.clone()], name)?;
        self.rule(index).map(|rule| (index, rule))
    }

    /// The rules with a number of these classes, and which of their shapes it is.
    pub fn numbers(&self, name: u32) -> impl Iterator<Item = (usize, usize)> {
        let (held, _) = self.bytes[self.numbers.clone()].as_chunks::<8>();
        let key = |entry: &[u8; 8]| u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let first = held.partition_point(|entry| key(entry) < name);
        held[first..]
            .iter()
            .take_while(move |entry| key(entry) == name)
            .map(|entry| {
                let rule = u16::from_le_bytes([entry[4], entry[5]]);
                let shape = u16::from_le_bytes([entry[6], entry[7]]);
                (usize::from(rule), usize::from(shape))
            })
    }

    /// Tells `seen` what is in `bytes`, nearly in order.
    pub fn search(&self, bytes: &[u8], seen: &mut impl Seen) {
        let (cells, _) = self.bytes[self.cells.clone()].as_chunks::<4>();
        let Ok(cells) = <&[[u8; 4]; CELLS]>::try_from(cells) else {
            return;
        };
        let parts = self.parts();
        let mut at = 0;
        let mut last;
        while at < bytes.len() {
            let block = match bytes.get(at..at + LOOK).map(<&[u8; LOOK]>::try_from) {
                Some(Ok(block)) => block,
                _ => {
                    let rest = &bytes[at..];
                    let held = rest.len().min(LOOK);
                    last = [b' '; LOOK];
                    last[..held].copy_from_slice(&rest[..held]);
                    &last
                }
            };
            parts.step(cells, block, bytes, at, seen);
            at += STEP;
        }
    }

    /// What candidates are looked up in.
    fn parts(&self) -> Parts<'_> {
        Parts {
            buckets: self.bytes[self.buckets.clone()].as_chunks().0,
            entries: self.bytes[self.entries.clone()].as_chunks().0,
            literals: self.bytes[self.literals.clone()].as_chunks().0,
            text: &self.bytes[self.text.clone()],
        }
    }
}

/// Whether a literal's text stands at a place: where its text is kept, its length, and the place.
#[derive(Default)]
struct Asked {
    asked: (usize, usize, usize),
    same: bool,
}

/// The sections of the tables that a search looks into, found once for each text.
struct Parts<'a> {
    buckets: &'a [[u8; 2]],
    entries: &'a [[u8; ENTRY]],
    literals: &'a [[u8; 12]],
    text: &'a [u8],
}

impl Parts<'_> {
    #[inline]
    fn step(
        &self,
        cells: &[[u8; 4]; CELLS],
        block: &[u8; LOOK],
        bytes: &[u8],
        at: usize,
        seen: &mut impl Seen,
    ) {
        let kinds = kinds_of(block);
        let mut hits = 0_u32;
        for index in (0..STEP / 2).rev() {
            let gram = word_at(block, index * 2);
            let bits = u32::from_le_bytes(cells[cell_of(gram)]);
            hits = hits + hits + (bits << (gram & 31) >> 31);
        }
        if !kinds.below_plus {
            seen.dense(at);
        }
        if kinds.three_digits {
            // Three words hold the three digits after any byte of the step.
            for from in [0, 6, 12] {
                let held = three_digits(u64_at(block, from));
                if held != 0 {
                    seen.digits(at + from + (held.trailing_zeros() / 8) as usize);
                }
            }
        }
        while hits != 0 {
            let index = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            self.confirm(word_at(block, index * 2), bytes, at + index * 2, seen);
        }
    }

    /// Follows the grams of four bytes to literals.
    #[inline(never)]
    fn confirm<S: Seen>(&self, word: u32, bytes: &[u8], at: usize, seen: &mut S) {
        let cell = cell_of(word);
        let Some(&[start, end]) = self.buckets.get(cell..cell + 2) else {
            return;
        };
        let range = usize::from(u16::from_le_bytes(start))..usize::from(u16::from_le_bytes(end));
        let window = window_at(bytes, at) | FOLD;
        let mut last_asked = Asked::default();
        for entry in self.entries.get(range).unwrap_or_default() {
            let &[a, b, c, d, e, f, g, h, low, high, offset, mask] = entry;
            let expected = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            if window & WINDOWS[usize::from(mask) % WINDOWS.len()] == expected
                && let Some(begin) = (at + 1).checked_sub(usize::from(offset))
                && let Some(hit) = self.literal_at(
                    usize::from(u16::from_le_bytes([low, high])),
                    bytes,
                    begin,
                    (!S::EVERY, seen.surfaces()),
                    &mut last_asked,
                )
            {
                seen.hit(hit);
            }
        }
    }

    fn literal_at(
        &self,
        literal: usize,
        bytes: &[u8],
        start: usize,
        (edges, surfaces): (bool, u8),
        last: &mut Asked,
    ) -> Option<Hit> {
        let held = self.literals.get(literal)?;
        if held[10] & surfaces == 0 {
            return None;
        }
        let from = u32::from_le_bytes([held[0], held[1], held[2], held[3]]) as usize;
        let length = usize::from(held[4]);
        let flags = if edges { held[5] } else { held[5] & ANY_CASE };
        let end = start + length;
        let text = self.text.get(from..from + length)?;
        let found = bytes.get(start..end)?;
        let asked = (from, length, start);
        if last.asked != asked {
            // Those that share their beginning are told apart by their end.
            let ends = text.last().zip(found.last());
            if ends.is_some_and(|(text, found)| (text ^ found) & !0x20 != 0) {
                return None;
            }
            let same = if flags & ANY_CASE != 0 {
                // Nearly all are written as they are kept.
                found == text || found.eq_ignore_ascii_case(text)
            } else {
                found == text
            };
            *last = Asked { asked, same };
        }
        let same = last.same;
        if !same {
            return None;
        }
        let (words, begins) = (flags & WHOLE_WORDS != 0, flags & WORD_START != 0);
        if (words || begins) && goes_on_before(bytes, start)
            || words && goes_on_after(bytes, end)
            || flags & CLEAN_START != 0 && !clean_start(bytes, start, None)
        {
            return None;
        }
        Some(Hit {
            rule: usize::from(u16::from_le_bytes([held[6], held[7]])),
            index: usize::from(u16::from_le_bytes([held[8], held[9]])),
            start,
            end,
        })
    }
}

#[inline(always)]
fn word_at(block: &[u8; LOOK], from: usize) -> u32 {
    let held = block.get(from..from + 4).and_then(<[u8]>::first_chunk);
    held.map_or(0, |held| u32::from_le_bytes(*held))
}

/// The bytes around a gram, blanks where the text ends.
#[inline]
fn window_at(bytes: &[u8], at: usize) -> u64 {
    let inside = at.checked_sub(BESIDE).and_then(|from| bytes.get(from..));
    if let Some(held) = inside.and_then(<[u8]>::first_chunk) {
        return u64::from_le_bytes(*held);
    }
    let mut held = [b' '; 8];
    for (index, byte) in held.iter_mut().enumerate() {
        let known = (at + index).checked_sub(BESIDE);
        *byte = known.and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    }
    u64::from_le_bytes(held)
}

/// What stands in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kinds {
    /// Whether three digits in a row begin at any of its bytes.
    three_digits: bool,
    /// Whether it has a byte below `+`: blanks, quotes, and what else no encoding uses.
    below_plus: bool,
}

/// Written so that sixteen bytes are told at once, which the compiler sees only where nothing else is done with them.
#[inline(never)]
fn kinds_of(block: &[u8; LOOK]) -> Kinds {
    let (mut digits, mut below) = (0, 0);
    for at in 0..STEP {
        let value = |at: usize| block[at].wrapping_sub(b'0');
        digits |= u8::from(value(at).max(value(at + 1)).max(value(at + 2)) < 10);
    }
    for byte in &block[..STEP] {
        below |= u8::from(*byte < b'+');
    }
    Kinds {
        three_digits: digits != 0,
        below_plus: below != 0,
    }
}

/// A bit for each byte at which three digits begin.
#[inline]
const fn three_digits(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let value = word ^ (ONES * 0x30);
    let digits = !(((value & (ONES * 0x7f)) + ONES * 0x76) | value) & (ONES << 7);
    digits & (digits >> 8) & (digits >> 16)
}

#[inline(always)]
fn u64_at(block: &[u8; LOOK], from: usize) -> u64 {
    let held = block.get(from..from + 8).and_then(<[u8]>::first_chunk);
    held.map_or(0, |held| u64::from_le_bytes(*held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::rules::layout::build;

    fn literal(text: &str, any_case: bool, follow: &str) -> Literal {
        Literal {
            bytes: text.as_bytes().to_vec(),
            any_case,
            rule: 0,
            index: 0,
            follow: follow.as_bytes().to_vec(),
            edge: Edge::Any,
        }
    }

    #[derive(Default)]
    struct Found(Vec<(usize, usize)>);

    impl Seen for Found {
        fn hit(&mut self, hit: Hit) {
            self.0.push((hit.start, hit.end));
        }
        fn digits(&mut self, _: usize) {}
        fn dense(&mut self, _: usize) {}
    }

    fn tables(literals: &[Literal]) -> Tables {
        Tables::open(Cow::Owned(build(&[], literals, &[]).unwrap())).unwrap()
    }

    #[test]
    fn the_filter_finds_what_a_plain_search_finds_at_every_alignment() {
        let literals = [
            literal("ghp_", false, ""),
            literal("sk-", false, "abc123"),
            literal("password", true, ""),
            literal("a.very.long-literal", false, ""),
        ];
        let tables = tables(&literals);
        let mut seed = 1_u32;
        for round in 0..400 {
            let mut text = Vec::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                for _ in 0..seed >> 24 & 15 {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    text.push((seed >> 24) as u8 & 127);
                }
                text.extend_from_slice(
                    [
                        b"ghp_".as_slice(),
                        b"sk-a",
                        b"PassWord",
                        b"a.very.long-literal",
                    ][(seed >> 13) as usize & 3],
                );
            }
            let mut found = Found::default();
            tables.search(&text, &mut found);
            let mut found: Vec<_> = found.0;
            found.sort_unstable();
            let mut expected = Vec::new();
            for start in 0..text.len() {
                for held in &literals {
                    let end = start + held.bytes.len();
                    if let Some(slice) = text.get(start..end)
                        && if held.any_case {
                            slice.eq_ignore_ascii_case(&held.bytes)
                        } else {
                            slice == held.bytes
                        }
                        && (held.follow.is_empty()
                            || start % 2 == 1
                            || text.get(end).is_some_and(|next| held.follow.contains(next)))
                    {
                        expected.push((start, end));
                    }
                }
            }
            expected.sort_unstable();
            assert_eq!(found, expected, "round {round}");
        }
    }

    #[test]
    fn digits_and_what_is_below_plus_are_told_as_byte_by_byte() {
        let mut dice = Dice(7);
        for _ in 0..20_000 {
            let few = b"0123456789/:+*, \xff\x80aZ";
            let mut block = [0; LOOK];
            for byte in &mut block {
                *byte = few[dice.below(few.len())];
            }
            let three = |at: usize| block[at..at + 3].iter().all(u8::is_ascii_digit);
            let expected = Kinds {
                three_digits: (0..STEP).any(three),
                below_plus: block[..STEP].iter().any(|byte| *byte < b'+'),
            };
            assert_eq!(kinds_of(&block), expected, "{block:?}");
            let first = (0..6).find(|at| three(*at));
            let told = three_digits(u64_at(&block, 0));
            assert_eq!(
                (told != 0).then_some(told.trailing_zeros() as usize / 8),
                first,
                "{block:?}"
            );
        }
    }

    #[test]
    fn damaged_tables_are_refused() {
        let good = build(&[], &[literal("ghp_", false, "")], &[]).unwrap();
        for length in [0, 7, 40, good.len() / 2] {
            assert!(Tables::open(Cow::Owned(good[..length].to_vec())).is_none());
        }
        assert!(build(&[], &[literal("sk-", false, "")], &[]).is_err());
    }
}
