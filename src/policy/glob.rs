//! Patterns over names, hosts and paths. Linear in the text: a pattern has at most [`MAX_TOKENS`] parts, and each
//! character of the text moves a set of states once.

use std::ops::Range;

use super::compiled::{Draft, Span, Texts};
use super::packed::{fixed_struct, fixed_word};

/// Most parts a pattern may have; the compiler says so to the author, the core refuses more.
pub const MAX_TOKENS: usize = 255;

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// `?`: one character (of a path: not `/`).
    One,
    /// `*`: any characters (of a path: not `/`).
    Many,
    /// `**`: any characters.
    All,
    /// `**/` in a path: any number of whole directories, also none.
    Folders,
}

/// What stands from the first wildcard on: most patterns are of a form that needs no states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing.
    Exact,
    /// Anything.
    Anything,
    /// Anything without `/`.
    Component,
    /// Anything, then the suffix.
    Suffix,
    /// Any number of whole directories, then the suffix.
    Below,
    /// Something else, over names.
    Name,
    /// Something else, over paths.
    Path,
}

fixed_word!(Shape {
    0 => Exact,
    1 => Anything,
    2 => Component,
    3 => Suffix,
    4 => Below,
    5 => Name,
    6 => Path,
});

fixed_struct! {
    /// A compiled pattern: `*`, `?`, and in paths `**` and `**/`. Nothing else is special.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Glob {
        /// First, for it is read without the rest.
        pub(super) ends: Ends,
        /// The characters before the first wildcard.
        literal: Span,
        /// From the first wildcard on.
        wild: Span,
        /// The characters after the last wildcard: what is not at the end of a text dismisses most of them.
        suffix: Span,
        /// The longest characters between two wildcards: what is nowhere in a text dismisses most of the others.
        inner: Span,
        shape: Shape,
    }
}

fixed_struct! {
    /// What every text that fits a pattern begins and ends with, up to four bytes of it: two comparisons dismiss most
    /// patterns before the rest of them is read.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub(super) struct Ends {
        head: u32,
        /// Which bits of `head` count.
        head_mask: u32,
        tail: u32,
        tail_mask: u32,
    }
}

impl Ends {
    /// What every text that fits one of two patterns begins and ends with.
    pub(super) const fn shared(self, other: Self) -> Self {
        let head_mask = self.head_mask & other.head_mask & !(self.head ^ other.head);
        let tail_mask = self.tail_mask & other.tail_mask & !(self.tail ^ other.tail);
        Self {
            head: self.head & head_mask,
            head_mask,
            tail: self.tail & tail_mask,
            tail_mask,
        }
    }

    /// How many bits of a text they look at.
    pub(super) const fn weight(self) -> u32 {
        self.head_mask.count_ones() + self.tail_mask.count_ones()
    }

    /// Patterns in that order stand beside those that begin alike, and of those that begin with anything, beside those
    /// that end alike.
    pub(super) const fn order(self) -> (u32, u32) {
        // The first byte lies in the lowest bits, the last one in the highest.
        (self.head.swap_bytes(), self.tail)
    }

    fn of(literal: &str, suffix: &str) -> Self {
        // Of as many bytes as there are, the first in the lowest bits, and the last in the highest ones.
        let low = |len: usize| {
            u32::MAX
                .checked_shr(32 - 8 * len.min(4) as u32)
                .unwrap_or(0)
        };
        let high = |len: usize| {
            u32::MAX
                .checked_shl(32 - 8 * len.min(4) as u32)
                .unwrap_or(0)
        };
        let (head_mask, tail_mask) = (low(literal.len()), high(suffix.len()));
        Self {
            head: Probe::of(literal).head & head_mask,
            head_mask,
            tail: Probe::of(suffix).tail & tail_mask,
            tail_mask,
        }
    }
}

/// The first four and the last four bytes of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    head: u32,
    tail: u32,
}

impl Probe {
    #[inline]
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return Self {
                head: u32::from_le_bytes(*head),
                tail: u32::from_le_bytes(*tail),
            };
        }
        // A shorter one is filled up: before its end, and behind its beginning.
        let short = |bytes: &mut dyn Iterator<Item = u8>| {
            bytes.fold(0, |word, byte| word << 8 | u32::from(byte))
        };
        let unused = 32 - 8 * bytes.len() as u32;
        let backwards = short(&mut bytes.iter().rev().copied());
        Self {
            head: backwards,
            tail: backwards.checked_shl(unused).unwrap_or(0),
        }
    }

    /// Whether a text that begins and ends so may fit.
    #[inline]
    pub(super) const fn may_fit(self, ends: &Ends) -> bool {
        (self.head ^ ends.head) & ends.head_mask == 0
            && (self.tail ^ ends.tail) & ends.tail_mask == 0
    }
}

impl Glob {
    /// A pattern over names: `*` matches any characters. `None`: it has more than [`MAX_TOKENS`] parts.
    pub(super) fn name(pattern: &str, draft: &mut Draft) -> Option<Self> {
        Self::parse(pattern, false, draft)
    }

    /// A pattern over paths: `*` and `?` stop at `/`, `**` does not.
    pub(super) fn path(pattern: &str, draft: &mut Draft) -> Option<Self> {
        Self::parse(pattern, true, draft)
    }

    fn parse(pattern: &str, path: bool, draft: &mut Draft) -> Option<Self> {
        let wild = pattern.find(['*', '?']).unwrap_or(pattern.len());
        let (_, literal_only) = tokens(&pattern[wild..], path)?;
        // After `**/` the slash may be missing, so what follows it is the suffix, not the slash.
        let suffix = pattern.rfind(['*', '?']).map_or("", |last| {
            let after = &pattern[last + 1..];
            if path && pattern[..=last].ends_with("**") {
                after.strip_prefix('/').unwrap_or(after)
            } else {
                after
            }
        });
        let shape = match literal_only {
            Leading::None => Shape::Exact,
            Leading::Only(Token::All) if suffix.is_empty() => Shape::Anything,
            Leading::Only(Token::Many) if suffix.is_empty() => Shape::Component,
            Leading::Only(Token::All) => Shape::Suffix,
            Leading::Only(Token::Folders) => Shape::Below,
            _ if path => Shape::Path,
            _ => Shape::Name,
        };
        let inner = inner(pattern, wild, path);
        let start = draft.keep(pattern);
        Some(Self {
            literal: start.part(0, wild),
            wild: start.part(wild, pattern.len()),
            suffix: start.part(pattern.len() - suffix.len(), pattern.len()),
            inner: start.part(inner.start, inner.end),
            shape,
            ends: Ends::of(&pattern[..wild], suffix),
        })
    }

    /// The characters before the first wildcard, as bytes.
    pub(super) fn literal(self, texts: &impl Texts) -> &[u8] {
        texts.raw(self.literal)
    }

    /// Whether the whole text fits.
    #[inline]
    pub(super) fn matches(self, text: &str, texts: &impl Texts) -> bool {
        // Both end at whole characters, so that what is left is a text again.
        let Some(rest) = text.as_bytes().strip_prefix(texts.raw(self.literal)) else {
            return false;
        };
        let Some(before) = rest.strip_suffix(texts.raw(self.suffix)) else {
            return false;
        };
        match self.shape {
            Shape::Exact => rest.is_empty(),
            Shape::Anything | Shape::Suffix => true,
            Shape::Component => !rest.contains(&b'/'),
            Shape::Below => before.last().is_none_or(|byte| *byte == b'/'),
            Shape::Name | Shape::Path => {
                let inner = texts.raw(self.inner);
                if !inner.is_empty() && !crate::text::contains(rest, inner) {
                    return false;
                }
                let rest = text.get(text.len() - rest.len()..).unwrap_or_default();
                self.walks(rest, texts)
            }
        }
    }

    /// Whether what follows the literal fits, for patterns of no simple form.
    fn walks(self, rest: &str, texts: &impl Texts) -> bool {
        let path = self.shape == Shape::Path;
        // INVARIANT: `parse` has counted the parts of this very text.
        tokens(texts.text(self.wild), path)
            .is_some_and(|(tokens, _)| walk(tokens.as_slice(), path, rest))
    }
}

/// Where the longest characters between two wildcards of a pattern stand, from the first wildcard on.
fn inner(pattern: &str, wild: usize, path: bool) -> Range<usize> {
    let mut longest = 0..0;
    let mut at = wild;
    while let Some(wildcard) = pattern[at..].find(['*', '?']) {
        let mut run = at..at + wildcard;
        // After `**/` the slash may be missing.
        let whole_folders = path && pattern[..run.start].ends_with("**");
        if whole_folders && pattern[run.clone()].starts_with('/') {
            run.start += 1;
        }
        at += wildcard + 1;
        if run.len() > longest.len() {
            longest = run;
        }
    }
    longest
}

/// The parts of a pattern, on the stack.
struct Tokens {
    held: [Token; MAX_TOKENS],
    len: usize,
}

impl Tokens {
    fn as_slice(&self) -> &[Token] {
        &self.held[..self.len]
    }
}

/// The wildcards of a pattern.
#[derive(Clone, Copy)]
enum Leading {
    None,
    /// One, at the beginning.
    Only(Token),
    Other,
}

/// Takes a pattern apart. `None`: it has more than [`MAX_TOKENS`] parts.
fn tokens(pattern: &str, path: bool) -> Option<(Tokens, Leading)> {
    let mut tokens = Tokens {
        held: [Token::One; MAX_TOKENS],
        len: 0,
    };
    let mut leading = Leading::None;
    let mut rest = pattern.chars().peekable();
    while let Some(char) = rest.next() {
        let token = match char {
            '?' => Token::One,
            '*' => {
                let mut doubled = false;
                while rest.next_if_eq(&'*').is_some() {
                    doubled = true;
                }
                if !path {
                    Token::All
                } else if !doubled {
                    Token::Many
                } else if rest.next_if_eq(&'/').is_some() {
                    Token::Folders
                } else {
                    Token::All
                }
            }
            other => Token::Char(other),
        };
        if !matches!(token, Token::Char(_)) {
            leading = if tokens.len == 0 {
                Leading::Only(token)
            } else {
                Leading::Other
            };
        }
        *tokens.held.get_mut(tokens.len)? = token;
        tokens.len += 1;
    }
    Some((tokens, leading))
}

fn walk(tokens: &[Token], path: bool, text: &str) -> bool {
    let mut states = States::default();
    enter(tokens, 0, &mut states);
    for char in text.chars() {
        let mut next = States::default();
        let within = !path || char != '/';
        for at in states.iter() {
            match tokens.get(at) {
                Some(Token::Char(held)) if *held == char => enter(tokens, at + 1, &mut next),
                Some(Token::One) if within => enter(tokens, at + 1, &mut next),
                Some(Token::Many) if within => enter(tokens, at, &mut next),
                Some(Token::All) => enter(tokens, at, &mut next),
                Some(Token::Folders) => {
                    next.insert(at);
                    if char == '/' {
                        enter(tokens, at + 1, &mut next);
                    }
                }
                _ => {}
            }
        }
        if next.is_empty() {
            return false;
        }
        states = next;
    }
    states.holds(tokens.len())
}

/// Adds a state and those that need no character to be reached from it.
fn enter(tokens: &[Token], mut at: usize, states: &mut States) {
    loop {
        states.insert(at);
        match tokens.get(at) {
            // A run of folders begins at a boundary only: `enter` is how a pattern comes to stand on it.
            Some(Token::Many | Token::All | Token::Folders) => at += 1,
            _ => return,
        }
    }
}

/// A set of positions in a pattern.
#[derive(Debug, Clone, Copy, Default)]
struct States([u64; 4]);

impl States {
    const fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    const fn holds(self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, bits)| {
            std::iter::successors((bits != 0).then_some(bits), |bits| {
                let rest = bits & (bits - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_pattern_crosses_every_character() {
        for (pattern, text, fits) in [
            ("fs.*", "fs.delete", true),
            ("fs.*", "vcs.push", false),
            ("*.acme.dev", "a.b.acme.dev", true),
            ("*.acme.dev", "acme.dev", false),
            ("*", "", true),
            ("mcp__*__delete_?", "mcp__x__y__delete_é", true),
            ("a?", "a", false),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*/x", "zx", false),
            ("*/x", "z/x", true),
            ("*cred*", "a/credentials.txt", true),
            ("*cred*", "a/cre.txt", false),
            ("?é?x*", "aébx1", true),
            ("?é?x*", "aebx1", false),
        ] {
            let mut draft = Draft::default();
            let glob = Glob::name(pattern, &mut draft).expect("short");
            assert_eq!(glob.matches(text, &draft), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_path_pattern_knows_directories() {
        for (pattern, text, fits) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a", false),
            ("/a/**/c", "/a/c", true),
            ("/a/**/c", "/a/b/b/c", true),
            ("/a/**/c", "/a/bc", false),
            ("/a/**/", "/a/", true),
            ("/a/*/", "/a/b/", true),
            ("/a/*/", "/a/b", false),
            ("**x", "ax", true),
            ("**/.env", "/x/.env", true),
            ("**/.env", ".env", true),
            ("**/.env", "/x/y.env", false),
            ("**/*.pem", "/x/y/k.pem", true),
            ("/a/**/b/c", "/a/x/b/c", true),
            ("/a/**/b/c", "/a/b/c", true),
            ("/a/**/b/c", "/a/xb/c", false),
            ("**/", "/x/", true),
            ("**/", "x", false),
            ("**/", "", true),
            ("/a/*b", "/a/xb", true),
            ("/a/*b", "/a/x/b", false),
            ("/a/*b", "/a/b", true),
            ("a**b", "a/x/b", true),
            ("/a/?", "/a//", false),
            ("**/a/**/b", "/x/a/a/c/b", true),
            ("**/a/**/b", "a/b", true),
            ("/x/**/abc/*.pem", "/x/abc/k.pem", true),
            ("/x/**/abc/*.pem", "/x/abd/k.pem", false),
            ("**/*credentials*", "/h/.aws/credentials", true),
            ("**/*credentials*", "/h/.aws/config", false),
        ] {
            let mut draft = Draft::default();
            let glob = Glob::path(pattern, &mut draft).expect("short");
            assert_eq!(glob.matches(text, &draft), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn the_ends_of_a_text_dismiss_only_what_does_not_fit() {
        let texts = [
            "",
            "a",
            "ab",
            "abc",
            "abcd",
            "abcde",
            "xbcd",
            "abcx",
            "éé",
            "aé",
            "éa",
            "\0",
            "a\0",
            "ab/cd/abcd",
        ];
        let patterns = [
            "",
            "a",
            "ab",
            "abc",
            "abcd",
            "abcde",
            "*",
            "a*",
            "*a",
            "ab*cd",
            "abcde*",
            "*abcde",
            "*bcd",
            "abcd*abcd",
            "?bcd",
            "**/abcd",
            "ab/**/abcd",
            "é*",
            "*é",
            "\0*",
            "*\0",
        ];
        let mut dismissed = 0;
        for pattern in patterns {
            for path in [false, true] {
                let mut draft = Draft::default();
                let glob = Glob::parse(pattern, path, &mut draft).expect("short");
                for text in texts {
                    let may = Probe::of(text).may_fit(&glob.ends);
                    assert!(may || !glob.matches(text, &draft), "{pattern} {text}");
                    dismissed += u32::from(!may);
                }
            }
        }
        assert!(dismissed > 300, "{dismissed}");
        for (pattern, text, may) in [
            ("a*", "", false),
            ("abcd", "abc", false),
            ("abcdx", "abcdy", true),
            ("*.key", "/x/y.pem", false),
            ("*y", "y", true),
        ] {
            let mut draft = Draft::default();
            let glob = Glob::name(pattern, &mut draft).expect("short");
            assert_eq!(Probe::of(text).may_fit(&glob.ends), may, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_too_many_parts_is_refused() {
        let mut draft = Draft::default();
        assert!(Glob::name(&"?".repeat(MAX_TOKENS), &mut draft).is_some());
        assert!(Glob::name(&"?".repeat(MAX_TOKENS + 1), &mut draft).is_none());
        assert!(Glob::name(&"a".repeat(100_000), &mut draft).is_some());
    }
}
