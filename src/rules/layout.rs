//! Lays rules and literals out as [`super::tables`] uses them: which grams a literal is found by, and where everything lies.

use std::collections::HashMap;

use super::allow::Allowed;
use super::lexicon;
use super::number;
use super::rule::{Form, FrameWords, Rule};
use super::tables::{
    ANY_CASE, BESIDE, CELLS, CLEAN_START, ENTRY, Edge, FOLD, Literal, MAGIC, SECTIONS, WHOLE_WORDS,
    WORD_START, cell_of, stored_detectors,
};

/// Three bytes without case; the fourth is zero.
fn fold(gram: u32) -> u32 {
    (gram | 0x0020_2020) & 0x00ff_ffff
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
    der ome man pre rom tra whe ave str act ill req equ que htt ttp fig igu ure ide ove cal ble out sti tic oun enc ore ant ity fro art tur par red \
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

/// The tables of these sections: their lengths first, so that opening them touches no section, then each on a multiple of
/// four.
fn joined(sections: [&[u8]; SECTIONS]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for section in sections {
        out.extend_from_slice(&(section.len() as u32).to_le_bytes());
    }
    for section in sections {
        out.extend_from_slice(section);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
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

/// What stands around a gram in its literal, without case, and which bytes of that are the literal's.
fn window(held: Gram, literal: &[u8]) -> ([u8; 8], u8) {
    let mut window = [0; 8];
    let gram = held.gram.to_le_bytes();
    window[BESIDE..BESIDE + gram.len()].copy_from_slice(&gram);
    let place = usize::from(held.offset);
    let (mut before, mut after) = (0, 0);
    for count in 1..=BESIDE {
        if let Some(byte) = place.checked_sub(1 + count).map(|at| literal[at]) {
            window[BESIDE - count] = byte;
            before += 1;
        }
        // The gram's last byte is the third from its second.
        if let Some(byte) = literal.get(place + 2 + count) {
            window[BESIDE + 3 + count] = *byte;
            after += 1;
        }
    }
    let folded = u64::from_le_bytes(window) | FOLD;
    let mut window = folded.to_le_bytes();
    let known = BESIDE - before..BESIDE + gram.len() + after;
    for (at, byte) in window.iter_mut().enumerate() {
        if !known.contains(&at) || held.any() && at == BESIDE {
            *byte = 0;
        }
    }
    let mask = if held.any() {
        9 + after
    } else {
        before + 3 * after
    };
    (window, mask as u8)
}

/// The cells, where each cell's entries begin, and the entries: the gram with what of its literal stands beside it, which
/// tells most of those apart that share a gram; the literal, and where in it the gram stands.
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
                1 << 31 >> (held.gram & 31)
            };
            let bytes = literals
                .get(usize::from(held.literal))
                .map_or(b"".as_slice(), |literal| &literal.bytes);
            let (window, mask) = window(*held, bytes);
            entries.extend_from_slice(&window);
            entries.extend_from_slice(&held.literal.to_le_bytes());
            entries.extend_from_slice(&[held.offset, mask]);
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
    let detectors =
        stored_detectors(
            rules
                .iter()
                .enumerate()
                .filter_map(|(index, rule)| match &rule.form {
                    Form::Detector(held) => Some((held.name.as_str(), index as u16)),
                    _ => None,
                }),
        )?;
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
            Edge::Start => WORD_START,
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
    let (mut offsets, mut blob, mut inside) = (Vec::new(), Vec::new(), Vec::new());
    let mut words = FrameWords::default();
    for rule in rules {
        offsets.extend_from_slice(&(blob.len() as u32).to_le_bytes());
        let rule = rule.placed(&mut inside, &mut words)?;
        blob.extend(postcard::to_allocvec(&*rule).map_err(|error| error.to_string())?);
    }
    offsets.extend_from_slice(&(blob.len() as u32).to_le_bytes());
    let numbers = numbers(rules);
    let words = lexicon::build(&words.known)?;
    // What every opening and every text reads lies together, before what few texts do.
    Ok(joined([
        &detectors, &allowed, &numbers, &cells, &buckets, &entries, &index, &text, &offsets, &blob,
        &inside, &words,
    ]))
}
