//! Sets of bytes: what a token may be made of.

use serde::{Deserialize, Serialize};

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Whether the byte is in the set.
    #[must_use]
    #[inline]
    pub const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }

    /// The set with every byte from `first` to `last`.
    #[must_use]
    pub const fn with(mut self, first: u8, last: u8) -> Self {
        let mut byte = first as usize;
        while byte <= last as usize {
            self.0[byte >> 6] |= 1 << (byte & 63);
            byte += 1;
        }
        self
    }

    /// The set with every byte of `bytes`.
    #[must_use]
    pub const fn with_all(mut self, bytes: &[u8]) -> Self {
        let mut index = 0;
        while index < bytes.len() {
            self.0[(bytes[index] >> 6) as usize] |= 1 << (bytes[index] & 63);
            index += 1;
        }
        self
    }

    /// The set without the bytes of `bytes`.
    #[must_use]
    pub const fn without(mut self, bytes: &[u8]) -> Self {
        let mut index = 0;
        while index < bytes.len() {
            self.0[(bytes[index] >> 6) as usize] &= !(1 << (bytes[index] & 63));
            index += 1;
        }
        self
    }

    /// Whether each byte is in the set, for where nearly every byte of a text is asked about.
    #[must_use]
    pub const fn table(self) -> [bool; 256] {
        let mut held = [false; 256];
        let mut byte = 0;
        while byte < held.len() {
            held[byte] = self.has(byte as u8);
            byte += 1;
        }
        held
    }

    /// How many bytes are in the set.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.0[0].count_ones()
            + self.0[1].count_ones()
            + self.0[2].count_ones()
            + self.0[3].count_ones()
    }

    /// The bytes of the set, in order.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        self.0
            .into_iter()
            .zip([0, 64, 128, 192])
            .flat_map(|(held, base)| {
                let mut held = held;
                std::iter::from_fn(move || {
                    let place = held.trailing_zeros() as u8;
                    held &= held.wrapping_sub(1);
                    (place < 64).then(|| base + place)
                })
            })
    }
}

/// The bytes that words begin with; each has one at least.
#[must_use]
pub const fn starts_of(words: &[&str]) -> ByteSet {
    let mut starts = NONE;
    let mut at = 0;
    while at < words.len() {
        let first = words[at].as_bytes()[0];
        starts = starts.with(first, first);
        at += 1;
    }
    starts
}

/// The bytes that words end with; each has one at least.
#[must_use]
pub const fn ends_of(words: &[&str]) -> ByteSet {
    let mut ends = NONE;
    let mut at = 0;
    while at < words.len() {
        let word = words[at].as_bytes();
        let last = word[word.len() - 1];
        ends = ends.with(last, last);
        at += 1;
    }
    ends
}

/// What an authority of a URL is made of (RFC 3986, 3.2), and what is no URL's sign and still ends none: characters of any
/// script, and bytes that are no text.
pub const AUTHORITY: ByteSet = NONE.with(b'!', 0xff).without(b"/\"'`<>\\?#(),");
/// No byte.
pub const NONE: ByteSet = ByteSet([0; 4]);
const DIGIT: ByteSet = NONE.with(b'0', b'9');
const LOWER: ByteSet = NONE.with(b'a', b'z');
const UPPER: ByteSet = NONE.with(b'A', b'Z');
const ALPHA: ByteSet = LOWER.with(b'A', b'Z');
/// `A-Za-z0-9`
pub const BASE62: ByteSet = ALPHA.with(b'0', b'9');
/// `0-9a-f`
pub const HEX: ByteSet = DIGIT.with(b'a', b'f');
/// `A-Za-z0-9+/`
pub const BASE64: ByteSet = BASE62.with_all(b"+/");
/// `A-Za-z0-9_-`
pub const BASE64URL: ByteSet = BASE62.with_all(b"_-");
/// `A-Za-z0-9_`
pub const WORD: ByteSet = BASE62.with_all(b"_");
const BASE58: ByteSet =
    NONE.with_all(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz");

/// The alphabets with a name. The order is the compiled form's.
pub static NAMED: [(&str, ByteSet); 19] = [
    ("digit", DIGIT),
    ("hex", HEX),
    ("upperhex", DIGIT.with(b'A', b'F')),
    ("anyhex", HEX.with(b'A', b'F')),
    ("lower", LOWER),
    ("upper", UPPER),
    ("alpha", ALPHA),
    ("base36", LOWER.with(b'0', b'9')),
    ("upper36", UPPER.with(b'0', b'9')),
    ("base32", UPPER.with(b'2', b'7')),
    ("base58", BASE58),
    ("base62", BASE62),
    ("alnum", BASE62),
    ("base64", BASE64),
    ("base64url", BASE64URL),
    ("word", WORD),
    ("bech32", NONE.with_all(b"qpzry9x8gf2tvdw0s3jn54khce6mua7l")),
    (
        "upperbech32",
        NONE.with_all(b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    ),
    ("space", NONE.with_all(b" \t")),
];

/// An alphabet: one with a name, or a rule's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alphabet {
    /// Index into [`NAMED`].
    Named(u8),
    /// Written out in the rule.
    Own(ByteSet),
}

impl Alphabet {
    /// The alphabet that `text` names or writes out: `base62`, `[A-Za-z0-9.]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return own(inner.as_bytes()).map(Self::Own);
        }
        let index = NAMED.iter().position(|(name, _)| *name == text)?;
        u8::try_from(index).ok().map(Self::Named)
    }

    /// Its bytes.
    #[must_use]
    #[inline]
    pub fn set(&self) -> ByteSet {
        match self {
            Self::Named(index) => NAMED.get(usize::from(*index)).map_or(NONE, |(_, set)| *set),
            Self::Own(set) => *set,
        }
    }
}

fn own(inner: &[u8]) -> Option<ByteSet> {
    let mut set = NONE;
    let mut at = 0;
    while at < inner.len() {
        if at + 2 < inner.len() && inner[at + 1] == b'-' {
            if inner[at] > inner[at + 2] {
                return None;
            }
            set = set.with(inner[at], inner[at + 2]);
            at += 3;
        } else {
            set = set.with(inner[at], inner[at]);
            at += 1;
        }
    }
    (set.count() > 0).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_out_alphabet_has_its_ranges_and_bytes_and_no_others() {
        let set = Alphabet::parse("[a-c.x-]").unwrap().set();
        assert_eq!(set.bytes().collect::<Vec<u8>>(), b"-.abcx");
        assert_eq!(Alphabet::parse("[z-a]"), None);
        assert_eq!(Alphabet::parse("base63"), None);
        assert_eq!(Alphabet::parse("base64url").unwrap().set().count(), 64);
        let ends = NONE.with(0, 255).without(b"ax\xff");
        let expected: Vec<u8> = (0..255).filter(|byte| !b"ax".contains(byte)).collect();
        assert_eq!(ends.bytes().collect::<Vec<u8>>(), expected);
    }
}
