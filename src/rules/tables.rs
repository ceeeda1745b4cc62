//! The compiled form of packs: one block of bytes that is used where it lies, and rules that are decoded when first met.
//!
//! The search for literals is a filter over folded grams at every second position: a literal of four bytes has a gram at
//! an even and one at an odd distance from its start, and the rarer ones are chosen. A gram is four bytes, or three where
//! the literal ends and anything may follow. Two multiplications and two bits, without a branch, decide about most
//! positions; nothing is built at start.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::rule::{Form, Rule};

const BITS: u32 = 17;
const BITMAP_BYTES: usize = 1 << (BITS - 3);
const SLOTS: usize = 1 << 13;
const MAGIC: &[u8; 8] = b"AGRULES2";
/// Bytes of one step of the search, and of what it may look at.
const STEP: usize = 16;
const LOOK: usize = 20;

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
    /// A literal of a rule.
    fn hit(&mut self, hit: Hit);
    /// Three digits in a row; not every such place, but one in every group of four.
    fn digits(&mut self, at: usize);
    /// An aligned block of sixteen bytes without blanks and quotes: what long encoded runs are made of.
    fn dense(&mut self, at: usize);
}

/// Compiled packs.
#[derive(Debug)]
pub struct Tables {
    bytes: Cow<'static, [u8]>,
    bitmap: Range<usize>,
    slots: Range<usize>,
    entries: Range<usize>,
    literals: Range<usize>,
    text: Range<usize>,
    offsets: Range<usize>,
    blob: Range<usize>,
    detectors: Vec<(String, u16)>,
    rules: Vec<OnceLock<Option<Box<Rule>>>>,
}

/// Three bytes without case; the fourth is zero.
fn fold(gram: u32) -> u32 {
    (gram | 0x0020_2020) & 0x00ff_ffff
}

/// Four bytes without case, of which none is zero.
fn fold_four(word: u32) -> u32 {
    word | 0x2020_2020
}

/// The bit of three or four folded bytes.
fn hash(folded: u32) -> u32 {
    folded.wrapping_mul(0x9e37_79b1) >> (32 - BITS)
}

fn bit(bitmap: &[u8; BITMAP_BYTES], folded: u32) -> u32 {
    let bit = hash(folded);
    u32::from(bitmap[(bit >> 3) as usize] >> (bit & 7) & 1)
}

/// How common a byte is in text and code, roughly; only the order matters.
fn commonness(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b' ' | b'e' => 12,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 9,
        b'l' | b'c' | b'd' | b'u' | b'm' | b'p' | b'h' => 6,
        b'0'..=b'9' | b'f' | b'g' | b'b' | b'y' | b'_' | b'-' | b'.' | b'"' => 4,
        b'w' | b'v' | b'k' | b'=' | b':' | b'/' => 3,
        _ => 1,
    }
}

fn gram_at(bytes: &[u8], at: usize) -> Option<u32> {
    let gram = bytes.get(at..at + 3)?;
    Some(fold(u32::from_le_bytes([gram[0], gram[1], gram[2], 0])))
}

/// A gram of a literal, its distance from the literal's start, and the byte after it when the literal says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gram {
    gram: u32,
    literal: u16,
    distance: u8,
    next: Option<u8>,
}

/// How often a position is looked at for a gram, roughly: rare bytes are better, and grams that lead to few literals.
fn cost(bytes: &[u8], at: usize, used: &HashMap<u32, u32>) -> u32 {
    let grams = bytes[at..at + 3]
        .iter()
        .map(|byte| commonness(*byte))
        .product::<u32>();
    let next = bytes.get(at + 3).map_or(16, |byte| commonness(*byte));
    let crowd = gram_at(bytes, at).and_then(|gram| used.get(&gram)).copied();
    grams * next * (16 + crowd.unwrap_or_default())
}

/// The grams by which a literal is found.
fn grams_of(literal: &Literal, index: u16, used: &mut HashMap<u32, u32>) -> Option<Vec<Gram>> {
    let length = literal.bytes.len();
    if !(3..=250).contains(&length) {
        return None;
    }
    let mut out = Vec::new();
    for parity in 0..2 {
        let best = (parity..=length - 3)
            .step_by(2)
            .min_by_key(|at| cost(&literal.bytes, *at, used));
        let mut add = |gram: u32, distance: usize, next: Option<u8>| {
            out.push(Gram {
                gram,
                literal: index,
                distance: distance as u8,
                next,
            });
        };
        match best {
            Some(at) => {
                let next = literal.bytes.get(at + 3).copied();
                add(gram_at(&literal.bytes, at)?, at, next);
            }
            None if literal.follow.is_empty() => return None,
            None => {
                for next in &literal.follow {
                    let gram = [literal.bytes[1], literal.bytes[2], *next];
                    add(gram_at(&gram, 0)?, 1, None);
                }
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    for gram in &out {
        *used.entry(gram.gram).or_default() += 1;
    }
    Some(out)
}

fn put_section(out: &mut Vec<u8>, section: &[u8]) {
    out.extend_from_slice(&(section.len() as u32).to_le_bytes());
    out.extend_from_slice(section);
    while !out.len().is_multiple_of(4) {
        out.push(0);
    }
}

fn all_grams(literals: &[Literal]) -> Result<Vec<Gram>, String> {
    let mut grams: Vec<Gram> = Vec::new();
    let mut used = HashMap::new();
    for (index, literal) in literals.iter().enumerate() {
        let index = u16::try_from(index).map_err(|_| String::from("more than 65535 literals"))?;
        grams.extend(grams_of(literal, index, &mut used).ok_or_else(|| {
            format!(
                "literal `{}` cannot be searched: it needs three bytes and something after them",
                String::from_utf8_lossy(&literal.bytes)
            )
        })?);
    }
    grams.sort_unstable();
    Ok(grams)
}

/// The bits of the grams, the slots and their entries.
type Filter = (Vec<u8>, Vec<[u8; 8]>, Vec<u8>);

fn set(bitmap: &mut [u8], folded: u32) {
    let bit = hash(folded);
    bitmap[(bit >> 3) as usize] |= 1 << (bit & 7);
}

fn filter(grams: &[Gram]) -> Result<Filter, String> {
    let mut bitmap = vec![0_u8; BITMAP_BYTES];
    let mut slots = vec![[0_u8; 8]; SLOTS];
    let mut entries = Vec::new();
    let mut used = 0;
    for group in grams.chunk_by(|left, right| left.gram == right.gram) {
        let gram = group[0].gram;
        let start =
            u16::try_from(entries.len() / 4).map_err(|_| String::from("too many literals"))?;
        let count = u16::try_from(group.len()).map_err(|_| String::from("too many literals"))?;
        for held in group {
            entries.extend_from_slice(&held.literal.to_le_bytes());
            entries.extend_from_slice(&[held.distance, 0]);
            let four = match held.next {
                Some(next) => fold_four(gram | u32::from(next) << 24),
                None => gram,
            };
            set(&mut bitmap, four);
        }
        used += 1;
        if used > SLOTS * 3 / 4 {
            return Err(String::from("too many different literals for one table"));
        }
        let mut slot = (hash(gram) >> (BITS - 13)) as usize;
        while slots[slot][..4] != [0; 4] {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot][..4].copy_from_slice(&(gram + 1).to_le_bytes());
        slots[slot][4..6].copy_from_slice(&start.to_le_bytes());
        slots[slot][6..8].copy_from_slice(&count.to_le_bytes());
    }
    Ok((bitmap, slots, entries))
}

/// Lays out rules and their literals.
///
/// # Errors
/// A sentence when they do not fit the format.
pub fn build(rules: &[Rule], literals: &[Literal]) -> Result<Vec<u8>, String> {
    let grams = all_grams(literals)?;
    let (mut bitmap, slots, entries) = filter(&grams)?;
    let detectors: Vec<(&str, u16)> = rules
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| match &rule.form {
            Form::Detector(name) => Some((name.as_str(), index as u16)),
            _ => None,
        })
        .collect();
    if !detectors.is_empty() {
        // Three digits in a row lead to the detectors of numbers.
        for number in 0..1_000_u32 {
            let digits = [number / 100, number / 10 % 10, number % 10];
            let gram = digits
                .iter()
                .rev()
                .fold(0, |gram, digit| gram << 8 | (digit + 0x30));
            set(&mut bitmap, fold(gram));
        }
    }
    let detectors = postcard::to_allocvec(&detectors).map_err(|error| error.to_string())?;
    let (mut index, mut text) = (Vec::new(), Vec::new());
    for literal in literals {
        index.extend_from_slice(&(text.len() as u32).to_le_bytes());
        index.extend_from_slice(&[literal.bytes.len() as u8, u8::from(literal.any_case)]);
        index.extend_from_slice(&literal.rule.to_le_bytes());
        index.extend_from_slice(&literal.index.to_le_bytes());
        index.extend_from_slice(&[0, 0]);
        text.extend_from_slice(&literal.bytes);
    }
    let (mut offsets, mut blob) = (Vec::new(), Vec::new());
    for rule in rules {
        offsets.extend_from_slice(&(blob.len() as u32).to_le_bytes());
        blob.extend(postcard::to_allocvec(rule).map_err(|error| error.to_string())?);
    }
    offsets.extend_from_slice(&(blob.len() as u32).to_le_bytes());
    let mut out = MAGIC.to_vec();
    for section in [
        &bitmap,
        &slots.concat(),
        &entries,
        &index,
        &text,
        &offsets,
        &blob,
        &detectors,
    ] {
        put_section(&mut out, section);
    }
    Ok(out)
}

impl Tables {
    /// Takes compiled bytes; `None` when they are not whole.
    #[must_use]
    pub fn open(bytes: Cow<'static, [u8]>) -> Option<Self> {
        let mut at = bytes.starts_with(MAGIC).then_some(MAGIC.len())?;
        let mut sections: [Range<usize>; 8] = Default::default();
        for section in &mut sections {
            let length = u32_at(&bytes, at)? as usize;
            *section = at + 4..at.checked_add(4)?.checked_add(length)?;
            if section.end > bytes.len() {
                return None;
            }
            at = section.end.next_multiple_of(4);
        }
        let [
            bitmap,
            slots,
            entries,
            literals,
            text,
            offsets,
            blob,
            detectors,
        ] = sections;
        let detectors = postcard::from_bytes(&bytes[detectors]).ok()?;
        if bitmap.len() != BITMAP_BYTES || slots.len() != SLOTS * 8 {
            return None;
        }
        let count = (offsets.len() / 4).checked_sub(1)?;
        Some(Self {
            bytes,
            bitmap,
            slots,
            entries,
            literals,
            text,
            offsets,
            blob,
            detectors,
            rules: (0..count).map(|_| OnceLock::new()).collect(),
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

    /// A rule, decoded when first asked for.
    #[must_use]
    pub fn rule(&self, index: usize) -> Option<&Rule> {
        self.rules
            .get(index)?
            .get_or_init(|| {
                let offsets = &self.bytes[self.offsets.clone()];
                let from = u32_at(offsets, index * 4)? as usize;
                let to = u32_at(offsets, index * 4 + 4)? as usize;
                let blob = self.bytes[self.blob.clone()].get(from..to)?;
                postcard::from_bytes(blob).ok().map(Box::new)
            })
            .as_deref()
    }

    /// The rule that a detector reports as; `None` when no pack has one.
    #[must_use]
    pub fn detector(&self, name: &str) -> Option<(usize, &Rule)> {
        let (_, index) = self.detectors.iter().find(|(held, _)| held == name)?;
        let index = usize::from(*index);
        self.rule(index).map(|rule| (index, rule))
    }

    /// Tells `seen` what is in `bytes`, nearly in order.
    pub fn search(&self, bytes: &[u8], seen: &mut impl Seen) {
        let Ok(bitmap) = <&[u8; BITMAP_BYTES]>::try_from(&self.bytes[self.bitmap.clone()]) else {
            return;
        };
        let mut at = 0;
        while let Some(block) = bytes.get(at..at + LOOK)
            && let Ok(block) = <&[u8; LOOK]>::try_from(block)
        {
            self.step(bitmap, block, bytes, at, seen);
            at += STEP;
        }
        while at < bytes.len() {
            let mut block = [b' '; LOOK];
            let rest = &bytes[at..];
            let held = rest.len().min(LOOK);
            block[..held].copy_from_slice(&rest[..held]);
            self.step(bitmap, &block, bytes, at, seen);
            at += STEP;
        }
    }

    #[inline]
    fn step(
        &self,
        bitmap: &[u8; BITMAP_BYTES],
        block: &[u8; LOOK],
        bytes: &[u8],
        at: usize,
        seen: &mut impl Seen,
    ) {
        let mut hits = 0_u32;
        for index in 0..STEP / 2 {
            let from = index * 2;
            let four = fold_four(word_at(block, from));
            hits |= (bit(bitmap, four) | bit(bitmap, four & 0x00ff_ffff)) << index;
        }
        let (low, high) = (u64_of(block, 0), u64_of(block, 8));
        if (below_plus(low) | below_plus(high)) == 0 {
            seen.dense(at);
        }
        while hits != 0 {
            let index = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            self.confirm(block, index * 2, bytes, at, seen);
        }
    }

    #[cold]
    fn confirm(
        &self,
        block: &[u8; LOOK],
        from: usize,
        bytes: &[u8],
        at: usize,
        seen: &mut impl Seen,
    ) {
        let Some(gram) = gram_at(block, from) else {
            return;
        };
        if block[from..from + 3].iter().all(u8::is_ascii_digit) {
            seen.digits(at + from);
        }
        let Some((start, count)) = self.slot(gram) else {
            return;
        };
        let entries = &self.bytes[self.entries.clone()];
        for entry in start..start + count {
            let Some(&[low, high, distance, _]) = entries.get(entry * 4..entry * 4 + 4) else {
                return;
            };
            let literal = usize::from(u16::from_le_bytes([low, high]));
            if let Some(begin) = (at + from).checked_sub(usize::from(distance))
                && let Some(hit) = self.literal_at(literal, bytes, begin)
            {
                seen.hit(hit);
            }
        }
    }

    fn slot(&self, gram: u32) -> Option<(usize, usize)> {
        let slots = &self.bytes[self.slots.clone()];
        let mut slot = (hash(gram) >> (BITS - 13)) as usize;
        loop {
            let held = slots.get(slot * 8..slot * 8 + 8)?;
            let key = u32_at(held, 0)?;
            if key == gram + 1 {
                let start = u16::from_le_bytes([held[4], held[5]]);
                let count = u16::from_le_bytes([held[6], held[7]]);
                return Some((usize::from(start), usize::from(count)));
            }
            if key == 0 {
                return None;
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    fn literal_at(&self, literal: usize, bytes: &[u8], start: usize) -> Option<Hit> {
        let index = &self.bytes[self.literals.clone()];
        let held = index.get(literal * 12..literal * 12 + 12)?;
        let from = u32_at(held, 0)? as usize;
        let length = usize::from(held[4]);
        let text = self.bytes[self.text.clone()].get(from..from + length)?;
        let found = bytes.get(start..start + length)?;
        let same = if held[5] == 1 {
            found.eq_ignore_ascii_case(text)
        } else {
            found == text
        };
        same.then(|| Hit {
            rule: usize::from(u16::from_le_bytes([held[6], held[7]])),
            index: usize::from(u16::from_le_bytes([held[8], held[9]])),
            start,
            end: start + length,
        })
    }
}

fn word_at(block: &[u8; LOOK], from: usize) -> u32 {
    u32::from_le_bytes([
        block[from],
        block[from + 1],
        block[from + 2],
        block[from + 3],
    ])
}

fn u64_of(block: &[u8; LOOK], from: usize) -> u64 {
    let mut word = [0_u8; 8];
    word.copy_from_slice(&block[from..from + 8]);
    u64::from_le_bytes(word)
}

/// A bit for each byte below `+`: blanks, quotes, and what else no encoding uses.
const fn below_plus(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    word.wrapping_sub(ONES * b'+' as u64) & !word & (ONES << 7)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str, any_case: bool, follow: &str) -> Literal {
        Literal {
            bytes: text.as_bytes().to_vec(),
            any_case,
            rule: 0,
            index: 0,
            follow: follow.as_bytes().to_vec(),
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
        Tables::open(Cow::Owned(build(&[], literals).unwrap())).unwrap()
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
                            || start % 2 == 0
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
    fn damaged_tables_are_refused() {
        let good = build(&[], &[literal("ghp_", false, "")]).unwrap();
        for length in [0, 7, 40, good.len() / 2] {
            assert!(Tables::open(Cow::Owned(good[..length].to_vec())).is_none());
        }
        assert!(build(&[], &[literal("sk-", false, "")]).is_err());
    }
}
