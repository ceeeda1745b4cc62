//! The compiled form of packs: one block of bytes that is used where it lies, and rules that are decoded when first met.
//!
//! The search for literals is a filter over folded grams of four bytes at every second position: a literal has a gram
//! for either parity of its start, and the rarer ones are chosen. The last three bytes of a gram choose a cell of 32 bits,
//! the low bits of its first byte choose the bit, which is the same for both cases of a letter. The shortest literals
//! leave the byte before them open, which sets every bit of one cell. One multiplication and one load, without a branch,
//! decide about most positions; nothing is built at start.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::allow::Allowed;
use super::number;
use super::rule::{Form, Rule};
use super::shape::clean_start;

const BITS: u32 = 12;
const CELLS: usize = 1 << BITS;
const MAGIC: &[u8; 8] = b"AGRULES8";
/// Bytes of an entry of the filter.
const ENTRY: usize = 12;
/// Bytes of one step of the search, and of what it may look at.
const STEP: usize = 16;
const LOOK: usize = 20;

/// What a literal asks of its neighbours, told before anything else is done: nothing, no part of a word on either side,
/// or that a token may begin there.
const ANY_CASE: u8 = 1;
const WHOLE_WORDS: u8 = 2;
const CLEAN_START: u8 = 4;

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
    /// No letter, digit, apostrophe or `_` on either side, nor anything that is not ASCII.
    Words,
    /// A token may begin there, as [`clean_start`] says.
    Token,
}

/// Whether a byte is a part of a word.
#[must_use]
pub const fn word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || byte == b'\'' || byte == b'_'
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
    numbers: Range<usize>,
    detectors: Vec<(String, u16)>,
    allowed: Vec<Allowed>,
    rules: Vec<OnceLock<Option<Box<Rule>>>>,
}

/// Three bytes without case; the fourth is zero.
fn fold(gram: u32) -> u32 {
    (gram | 0x0020_2020) & 0x00ff_ffff
}

/// The cell of the last three of four bytes.
#[inline]
fn cell_of(word: u32) -> usize {
    // The first byte is the same for all.
    ((word | 0x2020_20ff).wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
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

/// The three letters in a row that English and code are full of.
const EVERYDAY: &str = "the and ing ion tio ent ter ati for her hat tha ere ate his con res ver all ons nce men ith ted \
    ers pro thi wit are ess not ive was ect rea com eve per int est sta cti ica ist ear ain one our iti rat nte tin ine \
    der ome man pre rom tra whe ave str act ill ure ide ove cal ble out sti tic oun enc ore ant ity fro art tur par red \
    oth eri hic ies ste ght ich igh und you ort era wer nti oul nde ind tho hou nal but hav uld use han hin een ces cou \
    lat tor ese age ama rin esp ten rec end ass low des ple mat ile imp def ret lin set val nam typ pat dat sel elf put \
    ata tes sio ien ose ser ode add tri ren con fun nct rem lis del hen cla las she roc ork rou loc get tru fal als";

fn gram_at(bytes: &[u8], at: usize) -> Option<u32> {
    let gram = bytes.get(at..at + 3)?;
    Some(fold(u32::from_le_bytes([gram[0], gram[1], gram[2], 0])))
}

/// A gram of a literal, folded; its first byte is zero when it may be any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gram {
    gram: u32,
    literal: u16,
    /// Where the second byte of the gram stands in the literal.
    offset: u8,
}

impl Gram {
    const fn any(self) -> bool {
        self.gram & 0xff == 0
    }
}

/// How often a position is looked at for the gram whose second byte stands at `at`, roughly: rare bytes are better, and
/// grams that lead to few literals.
fn cost(bytes: &[u8], at: usize, used: &HashMap<u32, u32>) -> u32 {
    let grams = bytes[at..at + 3]
        .iter()
        .map(|byte| commonness(*byte))
        .product::<u32>();
    let first = at
        .checked_sub(1)
        .map_or(100, |before| commonness(bytes[before]));
    let crowd = gram_at(bytes, at).and_then(|gram| used.get(&gram)).copied();
    let everyday = |at: usize| {
        bytes.get(at..at + 3).is_some_and(|gram| {
            EVERYDAY
                .split_whitespace()
                .any(|held| gram.eq_ignore_ascii_case(held.as_bytes()))
        })
    };
    let often =
        1 + 7 * u32::from(everyday(at)) + 3 * u32::from(at.checked_sub(1).is_none_or(everyday));
    grams * first * often * (16 + 8 * crowd.unwrap_or_default().min(64))
}

/// The grams by which a literal is found.
fn grams_of(literal: &Literal, index: u16, used: &mut HashMap<u32, u32>) -> Option<Vec<Gram>> {
    let bytes = &literal.bytes;
    if !(3..=250).contains(&bytes.len()) {
        return None;
    }
    let mut out = Vec::new();
    let mut add = |last: u32, at: usize| {
        let first = at.checked_sub(1).map_or(0, |before| bytes[before] | 0x20);
        out.push(Gram {
            gram: last << 8 | u32::from(first),
            literal: index,
            offset: at as u8,
        });
    };
    // A literal that starts at an even place is met by a gram that starts an even number of bytes after it.
    for parity in 0..2 {
        let best = (parity..=bytes.len() - 3)
            .step_by(2)
            .min_by_key(|at| cost(bytes, *at, used));
        match best {
            Some(at) => {
                let last = gram_at(bytes, at)?;
                *used.entry(last).or_default() += 1;
                add(last, at);
            }
            None if literal.follow.is_empty() => return None,
            None => {
                for next in &literal.follow {
                    add(gram_at(&[bytes[1], bytes[2], *next], 0)?, 1);
                }
            }
        }
    }
    out.sort_unstable();
    out.dedup();
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

/// The cells, where each cell's entries begin, and the entries: gram, literal, offset, and of the literal its length
/// and its first and last byte without case, which tell most of those apart that share a gram.
type Filter = (Vec<u8>, Vec<u8>, Vec<u8>);

fn filter(mut grams: Vec<Gram>, literals: &[Literal]) -> Result<Filter, String> {
    grams.sort_by_key(|held| (cell_of(held.gram), *held));
    let (mut cells, mut buckets, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = grams.as_slice();
    for cell in 0..CELLS {
        let start =
            u16::try_from(entries.len() / ENTRY).map_err(|_| String::from("too many literals"))?;
        buckets.extend_from_slice(&start.to_le_bytes());
        let count = rest.partition_point(|held| cell_of(held.gram) <= cell);
        let (own, others) = rest.split_at(count);
        rest = others;
        let mut bits = 0_u32;
        for held in own {
            bits |= if held.any() {
                u32::MAX
            } else {
                1 << (held.gram & 31)
            };
            entries.extend_from_slice(&held.gram.to_le_bytes());
            entries.extend_from_slice(&held.literal.to_le_bytes());
            let bytes = literals
                .get(usize::from(held.literal))
                .map_or(b"".as_slice(), |literal| &literal.bytes);
            let ends = [bytes.first(), bytes.last()].map(|byte| byte.map_or(0, |byte| byte | 0x20));
            entries.extend_from_slice(&[held.offset, u8::from(held.any())]);
            entries.extend_from_slice(&[bytes.len() as u8, ends[0], ends[1], 0]);
        }
        cells.extend_from_slice(&bits.to_le_bytes());
    }
    let end =
        u16::try_from(entries.len() / ENTRY).map_err(|_| String::from("too many literals"))?;
    buckets.extend_from_slice(&end.to_le_bytes());
    Ok((cells, buckets, entries))
}

/// The shapes of numbers by the name of their classes: name, rule, shape; sorted.
fn numbers(rules: &[Rule]) -> Vec<u8> {
    let mut held: Vec<(u32, u16, u16)> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        if let Form::Number(number) = &rule.form {
            held.extend(
                number
                    .shapes
                    .iter()
                    .enumerate()
                    .filter_map(|(place, (shape, _))| {
                        number::class_of(shape).map(|name| (name, index as u16, place as u16))
                    }),
            );
        }
    }
    held.sort_unstable();
    held.iter()
        .flat_map(|(name, rule, shape)| {
            [
                name.to_le_bytes().as_slice(),
                &rule.to_le_bytes(),
                &shape.to_le_bytes(),
            ]
            .concat()
        })
        .collect()
}

/// Lays out rules and their literals.
///
/// # Errors
/// A sentence when they do not fit the format.
pub fn build(rules: &[Rule], literals: &[Literal], allowed: &[Allowed]) -> Result<Vec<u8>, String> {
    let grams = all_grams(literals)?;
    let (cells, buckets, entries) = filter(grams, literals)?;
    let detectors: Vec<(&str, u16)> = rules
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| match &rule.form {
            Form::Detector(held) => Some((held.name.as_str(), index as u16)),
            _ => None,
        })
        .collect();
    let detectors = postcard::to_allocvec(&detectors).map_err(|error| error.to_string())?;
    let allowed = postcard::to_allocvec(allowed).map_err(|error| error.to_string())?;
    let (mut index, mut text) = (Vec::new(), Vec::new());
    // Rules that are led to by the same literal share its text, so that it is compared once.
    let mut known: HashMap<(&[u8], bool), u32> = HashMap::new();
    for literal in literals {
        let place = *known
            .entry((&literal.bytes, literal.any_case))
            .or_insert_with(|| {
                let place = text.len() as u32;
                text.extend_from_slice(&literal.bytes);
                place
            });
        index.extend_from_slice(&place.to_le_bytes());
        let edge = match literal.edge {
            Edge::Any => 0,
            Edge::Words => WHOLE_WORDS,
            Edge::Token => CLEAN_START,
        };
        let case = if literal.any_case { ANY_CASE } else { 0 };
        index.extend_from_slice(&[literal.bytes.len() as u8, case | edge]);
        index.extend_from_slice(&literal.rule.to_le_bytes());
        index.extend_from_slice(&literal.index.to_le_bytes());
        // What belongs to no rule is looked at on every surface.
        let surfaces = rules
            .get(usize::from(literal.rule))
            .map_or(u8::MAX, |rule| rule.surfaces);
        index.extend_from_slice(&[surfaces, 0]);
    }
    let (mut offsets, mut blob) = (Vec::new(), Vec::new());
    for rule in rules {
        offsets.extend_from_slice(&(blob.len() as u32).to_le_bytes());
        blob.extend(postcard::to_allocvec(rule).map_err(|error| error.to_string())?);
    }
    offsets.extend_from_slice(&(blob.len() as u32).to_le_bytes());
    let mut out = MAGIC.to_vec();
    let numbers = numbers(rules);
    for section in [
        &cells, &buckets, &entries, &index, &text, &offsets, &blob, &detectors, &numbers, &allowed,
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
        let mut sections: [Range<usize>; 10] = Default::default();
        for section in &mut sections {
            let length = u32_at(&bytes, at)? as usize;
            *section = at + 4..at.checked_add(4)?.checked_add(length)?;
            if section.end > bytes.len() {
                return None;
            }
            at = section.end.next_multiple_of(4);
        }
        let [
            cells,
            buckets,
            entries,
            literals,
            text,
            offsets,
            blob,
            detectors,
            numbers,
            allowed,
        ] = sections;
        let detectors = postcard::from_bytes(&bytes[detectors]).ok()?;
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
            numbers,
            detectors,
            allowed,
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

    /// Hosts to which data may go.
    #[must_use]
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// The rule that a detector reports as; `None` when no pack has one.
    #[must_use]
    pub fn detector(&self, name: &str) -> Option<(usize, &Rule)> {
        let (_, index) = self.detectors.iter().find(|(held, _)| held == name)?;
        let index = usize::from(*index);
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
        // Three words hold every gram of the step, three grams each, and the three digits after any of its bytes.
        let words = [u64_of(block, 0), u64_of(block, 6), u64_of(block, 12)];
        let mut hits = 0_u32;
        for (index, word) in words.into_iter().enumerate() {
            for part in 0..3 {
                let gram = (word >> (16 * part)) as u32;
                let bits = u32::from_le_bytes(cells[cell_of(gram)]);
                hits |= (bits >> (gram & 31) & 1) << (index * 3 + part);
            }
        }
        hits &= (1 << (STEP / 2)) - 1;
        if (below_plus(words[0]) | below_plus(u64_of(block, 8))) == 0 {
            seen.dense(at);
        }
        // Written out: a mapped array is not unrolled everywhere, and this is every byte's path.
        let digits = [
            three_digits(words[0]),
            three_digits(words[1]),
            three_digits(words[2]),
        ];
        if digits[0] | digits[1] | digits[2] != 0 {
            for (index, held) in digits.into_iter().enumerate() {
                if held != 0 {
                    seen.digits(at + index * 6 + (held.trailing_zeros() / 8) as usize);
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
        let four = word | 0x2020_2020;
        let mut last_asked = Asked::default();
        for &[a, b, c, d, low, high, offset, any, length, first, last, _] in
            self.entries.get(range).unwrap_or_default()
        {
            let gram = u32::from_le_bytes([a, b, c, d]);
            let same = if any == 1 { four & !0xff } else { four } == gram;
            let is =
                |place: usize, byte: u8| bytes.get(place).is_some_and(|held| held | 0x20 == byte);
            if same
                && let Some(begin) = (at + 1).checked_sub(usize::from(offset))
                && is(begin, first)
                && is((begin + usize::from(length)).wrapping_sub(1), last)
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
            let same = if flags & ANY_CASE != 0 {
                found.eq_ignore_ascii_case(text)
            } else {
                found == text
            };
            *last = Asked { asked, same };
        }
        let same = last.same;
        if !same {
            return None;
        }
        let parts = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(|byte| word_byte(*byte))
        };
        if flags & WHOLE_WORDS != 0 && (parts(start.checked_sub(1)) || parts(Some(end)))
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

#[inline]
fn word_at(block: &[u8; LOOK], from: usize) -> u32 {
    u32::from_le_bytes([
        block[from],
        block[from + 1],
        block[from + 2],
        block[from + 3],
    ])
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
const fn u64_of(block: &[u8; LOOK], from: usize) -> u64 {
    u64::from_le_bytes([
        block[from],
        block[from + 1],
        block[from + 2],
        block[from + 3],
        block[from + 4],
        block[from + 5],
        block[from + 6],
        block[from + 7],
    ])
}

/// A bit for each byte below `+`: blanks, quotes, and what else no encoding uses.
#[inline]
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
    fn damaged_tables_are_refused() {
        let good = build(&[], &[literal("ghp_", false, "")], &[]).unwrap();
        for length in [0, 7, 40, good.len() / 2] {
            assert!(Tables::open(Cow::Owned(good[..length].to_vec())).is_none());
        }
        assert!(build(&[], &[literal("sk-", false, "")], &[]).is_err());
    }
}
