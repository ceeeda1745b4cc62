//! A rule as the scan uses it: compiled, checked, without its proof.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

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

/// Phrases, and which of them each literal begins. A phrase is decoded when its beginning is met: a rule has hundreds, and
/// a text begins few of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrases {
    /// One behind the other, and where each ends.
    #[serde(with = "packed")]
    packed: Vec<u8>,
    ends: Vec<u32>,
    /// The phrases that begin with the first literal, then those that begin with the second; and where those of each end.
    starts: Vec<u16>,
    start_ends: Vec<u16>,
    #[serde(skip)]
    read: OnceLock<Vec<OnceLock<Option<Vec<Word>>>>>,
}

impl Phrases {
    /// Packs phrases. `starts` says for each literal which of them begin with it.
    ///
    /// # Errors
    /// A sentence when there are more than the format holds.
    pub fn pack(phrases: &[Vec<Word>], starts: &[Vec<u16>]) -> Result<Self, String> {
        let (mut packed, mut ends) = (Vec::new(), Vec::new());
        for phrase in phrases {
            packed.extend(postcard::to_allocvec(phrase).map_err(|error| error.to_string())?);
            ends.push(packed.len() as u32);
        }
        let (mut flat, mut start_ends) = (Vec::new(), Vec::new());
        for list in starts {
            flat.extend_from_slice(list);
            let end = u16::try_from(flat.len());
            start_ends.push(end.map_err(|_| String::from("more than 65535 beginnings"))?);
        }
        Ok(Self {
            packed,
            ends,
            starts: flat,
            start_ends,
            read: OnceLock::new(),
        })
    }

    /// The phrases that begin with a literal.
    pub fn beginning(&self, literal: usize) -> impl Iterator<Item = &[Word]> {
        let end = self.start_ends.get(literal).copied().unwrap_or_default();
        let before = literal.checked_sub(1);
        let start = before.and_then(|before| self.start_ends.get(before).copied());
        let list = self
            .starts
            .get(start.unwrap_or_default().into()..end.into());
        list.into_iter()
            .flatten()
            .filter_map(|index| self.phrase((*index).into()))
    }

    fn phrase(&self, index: usize) -> Option<&[Word]> {
        let read = self
            .read
            .get_or_init(|| self.ends.iter().map(|_| OnceLock::new()).collect());
        let decode = || {
            let end = *self.ends.get(index)? as usize;
            let before = index
                .checked_sub(1)
                .and_then(|before| self.ends.get(before));
            let bytes = self
                .packed
                .get(before.map_or(0, |end| *end as usize)..end)?;
            postcard::from_bytes(bytes).ok()
        };
        read.get(index)?.get_or_init(decode).as_deref()
    }
}

/// Words of certain classes in one sentence, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// Words, and pairs of words with a blank between them, lower case and in order; one bit for each class of each.
    words: Vec<(String, u32)>,
    /// What is found.
    pub frames: Vec<Frame>,
    /// One bit for each beginning and length that a word has: what is in no class is told at once.
    filter: [u64; 4],
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
    /// Frames over words with their classes.
    #[must_use]
    pub fn new(words: BTreeMap<String, u32>, frames: Vec<Frame>) -> Self {
        let mut filter = [0; 4];
        for word in words.keys() {
            let (cell, bit) = Self::place(word.as_bytes());
            filter[cell] |= bit;
        }
        Self {
            words: words.into_iter().collect(),
            frames,
            filter,
        }
    }

    /// The bit of a word's beginning and length.
    fn place(word: &[u8]) -> (usize, u64) {
        let first = word.first().map_or(0, |byte| usize::from(*byte)) & 15;
        let key = (word.len() & 15) << 4 | first;
        (key >> 6, 1 << (key & 63))
    }

    /// The classes of a word.
    #[must_use]
    pub fn classes_of(&self, word: &[u8]) -> u32 {
        let (cell, bit) = Self::place(word);
        if self.filter[cell] & bit == 0 {
            return 0;
        }
        self.words
            .binary_search_by(|(held, _)| held.as_bytes().cmp(word))
            .ok()
            .and_then(|index| self.words.get(index))
            .map_or(0, |(_, classes)| *classes)
    }
}

/// Bytes as one piece, and not one number after the other.
mod packed {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_bytes(Bytes)
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
