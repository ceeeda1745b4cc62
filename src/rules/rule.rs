//! A rule as the scan uses it: compiled, checked, without its proof.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use super::lexicon::Known;
use super::shape::Shape;
use crate::call::Surface;
use crate::scan::{FindingKind, Severity};

/// A compiled rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// `family.name`.
    pub id: String,
    /// The family.
    pub kind: FindingKind,
    /// How much a finding matters.
    pub severity: Severity,
    /// How sure a match is, in per mille.
    pub confidence_pm: u16,
    /// Whether redaction replaces what is found.
    pub redact: bool,
    /// One bit for each surface of [`Surface::ALL`].
    pub surfaces: u8,
    /// How it is found.
    pub form: Form,
}

impl Rule {
    /// Whether the rule speaks about texts of this origin.
    #[must_use]
    pub fn speaks(&self, surface: Surface) -> bool {
        self.surfaces >> (surface as u8) & 1 == 1
    }
}

/// How a rule finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Form {
    /// A token around a literal.
    Token(Token),
    /// A value near a provider's name.
    Context(Context),
    /// A value given to a name.
    Assignment(Assignment),
    /// The password in a URL.
    Userinfo(Vec<String>),
    /// A block between `BEGIN` and `END`.
    Armor(Vec<String>),
    /// Words in a row.
    Phrase(Phrases),
    /// Words of certain classes in one sentence.
    Frame(Frames),
    /// An expression.
    Regex(Pattern),
    /// A number with check digits.
    Number(Number),
    /// Code, by name.
    Detector(Detector),
}

/// A token around a literal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Alternatives.
    pub shapes: Vec<Shape>,
    /// Whether the literals' case is ignored.
    pub any_case: bool,
    /// Whether it may stand right after a letter.
    pub glued: bool,
    /// Least bits per byte of the variable part.
    pub entropy: f32,
    /// Index of the checksum.
    pub checksum: Option<u8>,
    /// Indices of the structures.
    pub require: Vec<u8>,
    /// One of these must stand before.
    pub words: Vec<String>,
    /// Whether in the same command of a shell.
    pub command: bool,
}

/// A value near a provider's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Alternatives.
    pub shapes: Vec<Shape>,
    /// Whether they are words in a row.
    pub words: bool,
    /// How many bytes without a blank each of them begins with at least.
    pub least: u16,
    /// How far after the word the value may start.
    pub within: u16,
    /// Whether a word for a credential must stand near too.
    pub key_word: bool,
    /// Least bits per byte of the value.
    pub entropy: f32,
    /// Index of the checksum.
    pub checksum: Option<u8>,
    /// Indices of the structures.
    pub require: Vec<u8>,
}

/// A value given to a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Whether people choose such values; otherwise machines do.
    pub password: bool,
    /// Whether who it belongs to comes first.
    pub pair: bool,
    /// Least length in bytes.
    pub min: u16,
    /// Greatest length in bytes.
    pub max: u16,
}

/// Phrases, and which of them each literal begins. They lie in the tables' own section and are read there: a rule has
/// hundreds, and a text begins few of them. A phrase is decoded when its beginning is met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrases {
    /// Where they lie in that section: where each phrase ends, then where the phrases of each literal end in the list that
    /// follows, then what the next word of each in that list may begin with, then the phrases themselves one behind the
    /// other.
    at: u32,
    phrases: u32,
    literals: u32,
    starts: u32,
    /// What lies there, until it does.
    #[serde(skip)]
    held: Vec<u8>,
    #[serde(skip)]
    read: OnceLock<Box<[Chunk]>>,
}

/// How many phrases have their places made at once, when the first of them is decoded.
const CHUNK: usize = 32;

/// Phrases that follow one another, each decoded at most once.
type Chunk = OnceLock<Box<[OnceLock<Option<Vec<Word>>>; CHUNK]>>;

impl Phrases {
    /// Packs phrases. `starts` says for each literal which of them begin with it, and of how many of their words it is.
    ///
    /// # Errors
    /// A sentence when there are more than the format holds.
    pub fn pack(phrases: &[Vec<Word>], starts: &[(usize, Vec<u16>)]) -> Result<Self, String> {
        let (mut packed, mut ends) = (Vec::new(), Vec::new());
        for phrase in phrases {
            packed.extend(postcard::to_allocvec(phrase).map_err(|error| error.to_string())?);
            ends.extend((packed.len() as u32).to_le_bytes());
        }
        let (mut flat, mut start_ends, mut next) = (Vec::new(), Vec::new(), Vec::new());
        for (taken, list) in starts {
            flat.extend(list.iter().flat_map(|index| index.to_le_bytes()));
            for index in list {
                let phrase = phrases.get(usize::from(*index));
                let bits = phrase.map(|phrase| Beginning::following(phrase, *taken));
                next.extend(bits.map_or(u64::MAX, |bits| bits.0).to_le_bytes());
            }
            let end = u16::try_from(flat.len() / 2);
            let end = end.map_err(|_| String::from("more than 65535 beginnings"))?;
            start_ends.extend(end.to_le_bytes());
        }
        Ok(Self {
            phrases: phrases.len() as u32,
            literals: starts.len() as u32,
            starts: (flat.len() / 2) as u32,
            held: [ends, start_ends, flat, next, packed].concat(),
            ..Self::default()
        })
    }

    /// The same phrases, which lie at the end of that section now.
    fn placed(&self, section: &mut Vec<u8>) -> Self {
        let at = section.len() as u32;
        section.extend(&self.held);
        Self {
            at,
            phrases: self.phrases,
            literals: self.literals,
            starts: self.starts,
            ..Self::default()
        }
    }

    /// The phrases that begin with a literal and may go on with a word that begins so, or with any when that is not known;
    /// `section` is that of the tables in which the rule stands.
    pub fn beginning(
        &self,
        section: &[u8],
        literal: usize,
        next: Option<Beginning>,
    ) -> impl Iterator<Item = &[Word]> {
        let own = section.get(self.at as usize..).unwrap_or_default();
        let (ends, own) = split(own, self.phrases as usize * 4);
        let (start_ends, own) = split(own, self.literals as usize * 2);
        let (starts, own) = split(own, self.starts as usize * 2);
        let (nexts, packed) = split(own, self.starts as usize * 8);
        let end_of = |literal: usize| u16_at(start_ends, literal * 2).map(usize::from);
        let end = end_of(literal).unwrap_or_default();
        let start = literal.checked_sub(1).and_then(end_of).unwrap_or_default();
        (start..end).filter_map(move |place| {
            let held = u64::from_le_bytes(*nexts.get(place * 8..)?.first_chunk()?);
            if next.is_some_and(|next| !next.is_among(held)) {
                return None;
            }
            let index = u16_at(starts, place * 2)?;
            self.phrase(ends, packed, index.into())
        })
    }

    fn phrase(&self, ends: &[u8], packed: &[u8], index: usize) -> Option<&[Word]> {
        let chunks = self.read.get_or_init(|| {
            let count = (self.phrases as usize).div_ceil(CHUNK);
            (0..count).map(|_| OnceLock::new()).collect()
        });
        let chunk = chunks
            .get(index / CHUNK)?
            .get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())));
        let decode = || {
            let end_of = |index: usize| u32_at(ends, index * 4);
            let start = index.checked_sub(1).map_or(Some(0), end_of)?;
            let bytes = packed.get(start as usize..end_of(index)? as usize)?;
            postcard::from_bytes(bytes).ok()
        };
        chunk.get(index % CHUNK)?.get_or_init(decode).as_deref()
    }
}

/// What a word begins with: a bit for its first byte and one, in the upper half, for its second. Most phrases that begin
/// with a literal are told apart by it from what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning(u64);

impl Beginning {
    /// Of no word: only of phrases that need no further one.
    pub const NONE: Self = Self(0);

    /// Of a word in lower case.
    #[must_use]
    pub fn of(word: &[u8]) -> Self {
        let first = word.first().map_or(0, |byte| u64::from(byte & 31));
        let second = word.get(1).map_or(0, |byte| u64::from(byte & 31));
        Self(1 << first | 1 << (32 + second))
    }

    /// Of what may follow the first `taken` words of a phrase.
    fn following(phrase: &[Word], taken: usize) -> Self {
        let mut bits = 0;
        for word in phrase.get(taken..).unwrap_or_default() {
            if word.any.is_empty() {
                return Self(u64::MAX);
            }
            bits |= word
                .any
                .iter()
                .fold(0, |bits, choice| bits | Self::of(choice.as_bytes()).0);
            if !word.optional {
                return Self(bits);
            }
        }
        Self(u64::MAX)
    }

    /// Whether a word with this beginning may be one of those.
    #[inline]
    const fn is_among(self, those: u64) -> bool {
        those == u64::MAX || self.0 != 0 && self.0 & those == self.0
    }
}

/// Bytes up to a place, and those from there on; none where there are fewer.
fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or_default()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let number = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*number))
}

/// A number of four bytes, the lowest first.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*number))
}

/// Words of certain classes in one sentence, in any order. The words of all such rules lie in the tables' own section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// By what the rule is known there.
    pub slot: u8,
    /// What is found.
    pub frames: Vec<Frame>,
    /// The words with their classes, until they lie there.
    #[serde(skip)]
    words: BTreeMap<String, u32>,
}

/// Which classes a sentence must hold, one bit each, and which it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// All of these.
    pub needs: u32,
    /// None of these.
    pub unless: u32,
}

impl Frames {
    /// Frames over words with their classes, in lower case: words, rows of words with a blank between two, beginnings of
    /// words with `*` behind them, pieces of scripts that have no blanks.
    #[must_use]
    pub const fn new(words: BTreeMap<String, u32>, frames: Vec<Frame>) -> Self {
        Self {
            slot: 0,
            frames,
            words,
        }
    }

    /// The same frames, whose words are among those of all rules now.
    fn placed(&self, words: &mut FrameWords) -> Result<Self, String> {
        let slot =
            u8::try_from(words.slots).map_err(|_| String::from("too many rules with frames"))?;
        words.slots += 1;
        for (word, classes) in &self.words {
            let rules = words.known.entry(word.clone()).or_default();
            rules.push((slot, *classes));
        }
        Ok(Self {
            slot,
            frames: self.frames.clone(),
            words: BTreeMap::new(),
        })
    }
}

/// The words of frames of all rules, with the slot of each rule and its classes.
#[derive(Debug, Default)]
pub(super) struct FrameWords {
    pub(super) known: BTreeMap<String, Vec<Known>>,
    slots: usize,
}

impl Rule {
    /// The same rule, of which what is read where it lies is at the end of `section` now.
    ///
    /// # Errors
    /// A sentence when there are more than the format holds.
    pub(super) fn placed(
        &self,
        section: &mut Vec<u8>,
        words: &mut FrameWords,
    ) -> Result<Cow<'_, Self>, String> {
        let form = match &self.form {
            Form::Phrase(phrases) => Form::Phrase(phrases.placed(section)),
            Form::Frame(frames) => Form::Frame(frames.placed(words)?),
            _ => return Ok(Cow::Borrowed(self)),
        };
        Ok(Cow::Owned(Self {
            form,
            ..self.clone()
        }))
    }
}

/// A detector that is code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detector {
    /// Its name.
    pub name: String,
}

/// A number with check digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// Alternatives, and whether one of the words must stand near.
    pub shapes: Vec<(Shape, bool)>,
    /// Words that name the number, lower case.
    pub words: Vec<String>,
    /// What must hold, all of it.
    pub checks: Vec<Checked>,
    /// What letters count for.
    pub letters: Vec<(u8, i32)>,
    /// Where a date stands, and its order.
    pub date: Option<(u8, DateOrder)>,
}

/// What must hold for which signs of a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// How many of the first are left out.
    pub from: u8,
    /// Whether letters are left out of the sum.
    pub digits: bool,
    /// What must hold.
    pub check: Check,
}

/// What check digits must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    /// ISO/IEC 7812.
    Luhn,
    /// Verhoeff's dihedral check.
    Verhoeff,
    /// ISO 7064, MOD 11,10.
    Mod11_10,
    /// The Italian tax code's tables.
    CodiceFiscale,
    /// A weighted sum.
    Sum {
        /// What each sign counts.
        weights: Vec<i32>,
        /// What the sum is divided by.
        modulus: i32,
        /// Remainders that are right.
        remainders: Vec<i32>,
        /// The sign that each remainder asks for; empty when the remainder itself tells.
        expects: Vec<u8>,
        /// Where that sign stands; the last when `None`.
        at: Option<u8>,
    },
}

/// The order of a date's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Two digits each: year, month, day.
    Ymd,
    /// Two digits each: day, month, year.
    Dmy,
    /// Four digits of the year, then month and day.
    Y4md,
}

/// One word of a phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Alternatives, lower case; empty for any word.
    pub any: Vec<String>,
    /// Whether it may be missing.
    pub optional: bool,
}

/// An expression around a literal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// The expression.
    pub expression: String,
    /// Bytes before the literal.
    pub before: u16,
    /// Bytes after it.
    pub after: u16,
}

/// An id that lives as long as the program: ids are few, and packs that are read again bring the same ones.
pub(super) fn shared(id: &str) -> &'static str {
    static HELD: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(id) = held.get(id) {
        return id;
    }
    let id: &'static str = Box::leak(id.into());
    held.insert(id);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(text: &str) -> Vec<Word> {
        text.split(' ')
            .map(|word| Word {
                any: match word.trim_matches(['(', ')']) {
                    "*" => Vec::new(),
                    word => word.split('|').map(String::from).collect(),
                },
                optional: word.starts_with('(') || word == "*",
            })
            .collect()
    }

    #[test]
    fn a_phrase_is_asked_only_about_words_that_it_may_go_on_with() {
        let told = |text: &str, taken: usize, word: Option<&str>| {
            let word = word.map_or(Beginning::NONE, |word| Beginning::of(word.as_bytes()));
            word.is_among(Beginning::following(&phrase(text), taken).0)
        };
        let text = "ignore (all|any) (забудь) previous rules";
        for word in ["all", "any", "забудь", "previous", "prior"] {
            assert!(told(text, 1, Some(word)), "{word}");
        }
        for word in ["rules", "box", "files", "3", "全部"] {
            assert!(!told(text, 1, Some(word)), "{word}");
        }
        assert!(!told(text, 1, None));
        assert!(told(text, 4, Some("rules")) && !told(text, 4, Some("all")));
        // What may end there, and what any word goes on, is always asked.
        assert!(told("ignore (all)", 1, None) && told("ignore * rules", 1, Some("box")));
        assert!(told("ignore", usize::MAX, Some("box")));
    }
}
