//! The shape of a token: literals and counted runs of an alphabet, matched around a literal in linear time.

use serde::{Deserialize, Serialize};

use super::alphabet::{Alphabet, ByteSet};
use super::codec;
use super::runs::Runs;

/// Longest run a shape may ask for.
pub const LONGEST_RUN: u16 = 4_096;
/// Most parts of a shape.
const MOST_PARTS: usize = 60;

/// One part of a shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// These bytes.
    Literal(Vec<u8>),
    /// That many bytes of an alphabet.
    Run(Alphabet, u16, u16),
}

/// A token's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The parts in order.
    pub parts: Vec<Part>,
    /// The parts that are the secret, `[first, end)`.
    pub secret: (u8, u8),
    /// The literal the scan looks for; `None` when there is none of three bytes.
    pub anchor: Option<u8>,
}

/// Where a shape matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// First byte of the whole shape.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// First byte of the secret.
    pub secret_start: usize,
    /// One past its last byte.
    pub secret_end: usize,
    /// The ends of the parts, in order.
    pub ends: Vec<usize>,
}

impl Matched {
    /// The bytes of a part.
    #[must_use]
    pub fn part<'a>(&self, bytes: &'a [u8], index: usize) -> &'a [u8] {
        let start = if index == 0 {
            self.start
        } else {
            self.ends.get(index - 1).copied().unwrap_or(self.end)
        };
        let end = self.ends.get(index).copied().unwrap_or(self.end);
        bytes.get(start..end).unwrap_or_default()
    }
}

/// Reads a shape; several when it has alternatives.
///
/// # Errors
/// A sentence that says what cannot be read.
pub fn parse(text: &str) -> Result<Vec<Shape>, String> {
    let mut variants = vec![Builder::default()];
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                let close = closing(bytes, at)
                    .ok_or_else(|| format!("`{text}` has a `{{` without its `}}`"))?;
                variants = braces(&variants, &text[at + 1..close])
                    .map_err(|problem| format!("`{text}`: {problem}"))?;
                at = close + 1;
            }
            b'(' | b')' => {
                for variant in &mut variants {
                    variant.mark(bytes[at] == b'(');
                }
                at += 1;
            }
            byte => {
                for variant in &mut variants {
                    variant.literal(&[byte]);
                }
                at += 1;
            }
        }
    }
    if variants.len() > 16 {
        return Err(format!("`{text}` has more than 16 variants"));
    }
    variants.into_iter().map(Builder::finish).collect()
}

fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    // A written-out alphabet may hold braces itself.
    let mut at = open + 1;
    if bytes.get(at) == Some(&b'[') {
        at += bytes[at..].windows(2).position(|pair| pair == b"]:")?;
    }
    bytes[at..]
        .iter()
        .position(|byte| *byte == b'}')
        .map(|offset| at + offset)
}

fn braces(variants: &[Builder], inner: &str) -> Result<Vec<Builder>, String> {
    if inner == "uuid" {
        return Ok(variants
            .iter()
            .cloned()
            .map(|mut variant| {
                let hex = Alphabet::parse("anyhex").unwrap_or(Alphabet::Named(1));
                for (index, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
                    if index > 0 {
                        variant.literal(b"-");
                    }
                    variant.parts.push(Part::Run(hex, count, count));
                }
                variant
            })
            .collect());
    }
    if let Some((name, count)) = inner.rsplit_once(':') {
        let alphabet = Alphabet::parse(name).ok_or_else(|| format!("no alphabet `{name}`"))?;
        let (least, most) = counts(count).ok_or_else(|| format!("no count `{count}`"))?;
        return Ok(variants
            .iter()
            .cloned()
            .map(|mut variant| {
                variant.parts.push(Part::Run(alphabet, least, most));
                variant
            })
            .collect());
    }
    if !inner.contains('|') {
        return Err(format!("`{{{inner}}}` is no alphabet with a count"));
    }
    let mut out = Vec::new();
    for variant in variants {
        for choice in inner.split('|') {
            let mut variant = variant.clone();
            variant.literal(choice.as_bytes());
            out.push(variant);
        }
    }
    Ok(out)
}

fn counts(text: &str) -> Option<(u16, u16)> {
    let (least, most) = if let Some(least) = text.strip_suffix('+') {
        (least.parse().ok()?, LONGEST_RUN)
    } else if let Some((least, most)) = text.split_once('-') {
        (least.parse().ok()?, most.parse().ok()?)
    } else {
        let exact: u16 = text.parse().ok()?;
        (exact, exact)
    };
    (least <= most && most <= LONGEST_RUN && most > 0).then_some((least, most))
}

#[derive(Debug, Clone, Default)]
struct Builder {
    parts: Vec<Part>,
    open: Option<usize>,
    close: Option<usize>,
    /// A parenthesis was just read: the next literal is a part of its own.
    split: bool,
}

impl Builder {
    fn literal(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.parts.last_mut() {
            Some(Part::Literal(held)) if !self.split => held.extend_from_slice(bytes),
            _ => self.parts.push(Part::Literal(bytes.to_vec())),
        }
        self.split = false;
    }

    fn mark(&mut self, open: bool) {
        if open {
            self.open = Some(self.parts.len());
        } else {
            self.close = Some(self.parts.len());
        }
        self.split = true;
    }

    fn finish(self) -> Result<Shape, String> {
        let count = self.parts.len();
        let first = self.open.unwrap_or(0);
        let end = self.close.unwrap_or(count);
        if first >= end || self.open.is_some() != self.close.is_some() || count > MOST_PARTS {
            return Err(String::from("nothing, or too much, is the secret"));
        }
        let anchor = self
            .parts
            .iter()
            .enumerate()
            .filter_map(|(index, part)| match part {
                Part::Literal(bytes) if bytes.len() >= 3 => Some((bytes.len(), index)),
                _ => None,
            })
            // Backwards a run takes all it can: before the anchor only the first part may vary.
            .filter(|(_, index)| {
                self.parts[..*index]
                    .iter()
                    .skip(1)
                    .all(|part| !matches!(part, Part::Run(_, least, most) if least != most))
                    && (*index < 2
                        || !matches!(self.parts[0], Part::Run(_, least, most) if least != most)
                        || !matches!(self.parts[1], Part::Run(..)))
            })
            // The first of the longest: what stands before it is then the shortest.
            .max_by_key(|(length, index)| (*length, std::cmp::Reverse(*index)))
            .map(|(_, index)| index as u8);
        Ok(Shape {
            parts: self.parts,
            secret: (first as u8, end as u8),
            anchor,
        })
    }
}

impl Shape {
    /// How many bytes without a blank the shape begins with at least.
    #[must_use]
    pub fn least_unbroken(&self) -> usize {
        let mut length = 0;
        for part in &self.parts {
            length += match part {
                Part::Literal(bytes) if !bytes.contains(&b' ') => bytes.len(),
                Part::Run(alphabet, least, _) if !alphabet.set().has(b' ') => usize::from(*least),
                _ => break,
            };
        }
        length
    }

    /// Matches the shape whose anchor begins at `at`. `runs` remembers what was read of this text.
    #[must_use]
    pub fn at_anchor(
        &self,
        bytes: &[u8],
        at: usize,
        any_case: bool,
        runs: &mut Runs,
    ) -> Option<Matched> {
        let anchor = usize::from(self.anchor?);
        let mut start = at;
        for part in self.parts[..anchor].iter().rev() {
            match part {
                Part::Literal(literal) => {
                    start = start.checked_sub(literal.len())?;
                    if !same(bytes.get(start..start + literal.len())?, literal, any_case) {
                        return None;
                    }
                }
                Part::Run(alphabet, least, most) if least == most => {
                    let most = usize::from(*most);
                    start = start.checked_sub(most)?;
                    if runs.length(bytes, *alphabet, start, most) < most {
                        return None;
                    }
                }
                Part::Run(alphabet, least, most) => {
                    let set = alphabet.set();
                    let mut length = 0;
                    while length < usize::from(*most) && start > 0 && set.has(bytes[start - 1]) {
                        start -= 1;
                        length += 1;
                    }
                    if length < usize::from(*least) {
                        return None;
                    }
                }
            }
        }
        self.from(bytes, start, any_case, runs)
    }

    /// Matches the shape that begins at `start`; the end is as far as the alphabets allow.
    #[must_use]
    pub fn from(
        &self,
        bytes: &[u8],
        start: usize,
        any_case: bool,
        runs: &mut Runs,
    ) -> Option<Matched> {
        // Most candidates fail, and at once: nothing is prepared or allocated for them.
        if !self.may_begin(bytes, start, runs) {
            return None;
        }
        let mut ends = std::mem::take(&mut runs.ends);
        ends.clear();
        let matched = self.read(bytes, start, any_case, runs, &mut ends);
        runs.ends = ends;
        matched
    }

    fn read(
        &self,
        bytes: &[u8],
        start: usize,
        any_case: bool,
        runs: &mut Runs,
        ends: &mut Vec<usize>,
    ) -> Option<Matched> {
        let mut at = start;
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => {
                    if !same(bytes.get(at..at + literal.len())?, literal, any_case) {
                        return None;
                    }
                    at += literal.len();
                }
                Part::Run(alphabet, least, most) => {
                    let length = runs.length(bytes, *alphabet, at, usize::from(*most));
                    if length < usize::from(*least) {
                        return None;
                    }
                    at += match self.parts.get(index + 1) {
                        Some(Part::Literal(next)) if least != most => {
                            let (rest, set) = (bytes.get(at..)?, alphabet.set());
                            before_literal(rest, usize::from(*least), length, next, &set, any_case)?
                        }
                        _ => length,
                    };
                }
            }
            ends.push(at);
        }
        self.finish(bytes, start, ends)
    }

    /// Whether the first run, after a literal of one case if there is one, is as long as it must be.
    fn may_begin(&self, bytes: &[u8], start: usize, runs: &mut Runs) -> bool {
        let (at, run, next) = match self.parts.as_slice() {
            [Part::Literal(literal), run, rest @ ..] => {
                let firsts = literal.first().zip(bytes.get(start));
                if !firsts.is_some_and(|(first, held)| first.eq_ignore_ascii_case(held)) {
                    return false;
                }
                (start + literal.len(), run, rest.first())
            }
            [run, rest @ ..] => (start, run, rest.first()),
            [] => return false,
        };
        let Part::Run(alphabet, least, most) = run else {
            return true;
        };
        let (least, most) = (usize::from(*least), usize::from(*most));
        // Nearly none is, and that is told from its first byte and its last that must be there.
        let set = alphabet.set();
        let has = |at: usize| bytes.get(at).is_some_and(|byte| set.has(*byte));
        if least > 0 && !(has(at) && has(at + least - 1)) {
            return false;
        }
        match next {
            // What must follow is told from where the run ends, whatever it begins with.
            Some(Part::Literal(next)) if !holds(&set, next) => {
                let length = runs.length(bytes, *alphabet, at, most + 1);
                (least..=most).contains(&length)
                    && bytes
                        .get(at + length)
                        .zip(next.first())
                        .is_some_and(|(held, next)| held.eq_ignore_ascii_case(next))
            }
            _ => runs.length(bytes, *alphabet, at, least) == least,
        }
    }

    fn finish(&self, bytes: &[u8], start: usize, ends: &mut [usize]) -> Option<Matched> {
        let mut end = ends.last().copied()?;
        let before = ends.len().checked_sub(2).map_or(start, |index| ends[index]);
        let last = match self.parts.last()? {
            // Padding that is not there leaves the end to what stands before it.
            Part::Run(..) if before == end => self.parts.get(self.parts.len().wrapping_sub(2))?,
            part => part,
        };
        match last {
            Part::Run(alphabet, ..) if continues(bytes, end, &alphabet.set()) => return None,
            Part::Literal(_) if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) => {
                return None;
            }
            Part::Run(_, least, most) if least != most && before < end => {
                while end > before && matches!(bytes[end - 1], b'.' | b',' | b':' | b'!' | b'?') {
                    end -= 1;
                }
                if end - before < usize::from(*least) {
                    return None;
                }
                if let Some(last) = ends.last_mut() {
                    *last = end;
                }
            }
            _ => {}
        }
        let edge = |part: u8| {
            let part = usize::from(part);
            if part == 0 { start } else { ends[part - 1] }
        };
        let secret_end = if usize::from(self.secret.1) == self.parts.len() {
            end
        } else {
            edge(self.secret.1)
        };
        Some(Matched {
            start,
            end,
            secret_start: edge(self.secret.0),
            secret_end,
            ends: ends.to_vec(),
        })
    }

    /// Whether the run after an anchor that the shape begins with can be there, told from its first byte and its last
    /// that must be: what most literals that are no token fail, and cheaply.
    #[must_use]
    #[inline]
    pub fn may_follow(&self, bytes: &[u8], end: usize) -> bool {
        match (self.anchor, self.parts.get(1)) {
            (Some(0), Some(Part::Run(alphabet, least @ 1.., _))) => {
                let set = alphabet.set();
                let has = |at: usize| bytes.get(at).is_some_and(|byte| set.has(*byte));
                has(end) && has(end + usize::from(*least) - 1)
            }
            _ => true,
        }
    }

    /// Where the token begins whose anchor begins at `at`, when everything before the anchor is of fixed length.
    #[must_use]
    pub fn fixed_start(&self, at: usize) -> Option<usize> {
        let mut length = 0;
        for part in &self.parts[..usize::from(self.anchor?)] {
            length += match part {
                Part::Literal(bytes) => bytes.len(),
                Part::Run(_, least, most) if least == most => usize::from(*most),
                Part::Run(..) => return None,
            };
        }
        at.checked_sub(length)
    }

    /// Whether the token may begin at `start`: nothing before it could belong to it.
    #[must_use]
    pub fn clean_start(&self, bytes: &[u8], start: usize) -> bool {
        let first = match self.parts.first() {
            Some(Part::Run(alphabet, ..)) => Some(alphabet.set()),
            _ => None,
        };
        clean_start(bytes, start, first.as_ref())
    }

    /// The variable bytes of a match, in order: what must look random.
    pub fn variable<'a>(&'a self, bytes: &'a [u8], matched: &'a Matched) -> Vec<u8> {
        let mut out = Vec::with_capacity(matched.end - matched.start);
        for (index, part) in self.parts.iter().enumerate() {
            if matches!(part, Part::Run(..)) {
                out.extend_from_slice(matched.part(bytes, index));
            }
        }
        out
    }
}

/// Whether a literal may begin inside a run of an alphabet, in either case.
fn holds(set: &ByteSet, literal: &[u8]) -> bool {
    literal.first().is_some_and(|first| {
        set.has(first.to_ascii_lowercase()) || set.has(first.to_ascii_uppercase())
    })
}

/// Where a run ends when a literal must follow: as late as possible.
fn before_literal(
    rest: &[u8],
    least: usize,
    length: usize,
    next: &[u8],
    set: &ByteSet,
    any_case: bool,
) -> Option<usize> {
    if next.first().is_none_or(|first| !set.has(*first)) {
        return Some(length);
    }
    if !any_case {
        let reach = rest.len().min(length + next.len());
        return memchr::memmem::rfind(rest.get(least..reach)?, next).map(|at| least + at);
    }
    (least..=length).rev().find(|end| {
        rest.get(*end..*end + next.len())
            .is_some_and(|held| same(held, next, any_case))
    })
}

fn same(held: &[u8], literal: &[u8], any_case: bool) -> bool {
    if any_case {
        held.eq_ignore_ascii_case(literal)
    } else {
        held == literal
    }
}

/// Whether the byte at `end` belongs to a longer token.
fn continues(bytes: &[u8], end: usize, set: &ByteSet) -> bool {
    let Some(&next) = bytes.get(end) else {
        return false;
    };
    if next.is_ascii_alphanumeric() {
        return true;
    }
    if next == b'_' || set.has(next) {
        // A hyphen or slash that only ends a word is punctuation.
        return bytes
            .get(end + 1)
            .is_some_and(|after| set.has(*after) && after.is_ascii_alphanumeric());
    }
    false
}

/// Whether something of `first` (any token when `None`) may begin at `start`.
#[must_use]
pub fn clean_start(bytes: &[u8], start: usize, first: Option<&ByteSet>) -> bool {
    let Some(before) = start.checked_sub(1) else {
        return true;
    };
    let byte = bytes[before];
    if byte.is_ascii_alphanumeric() {
        return ends_escape(bytes, start);
    }
    if byte == b'_' {
        return false;
    }
    if first.is_some_and(|set| set.has(byte)) {
        return !before
            .checked_sub(1)
            .is_some_and(|earlier| bytes[earlier].is_ascii_alphanumeric());
    }
    true
}

/// What stands for `=`, quotes and blanks in mail.
static QUOTED_PRINTABLE: [&[u8; 2]; 6] = [b"3D", b"22", b"27", b"20", b"3A", b"0A"];

/// Whether the bytes before `start` are an escape sequence: `\n`, `\u0022`, `\x22`, `%3D`, or a colour.
fn ends_escape(bytes: &[u8], start: usize) -> bool {
    let back = |count: usize| start.checked_sub(count).map(|at| bytes[at]);
    let hex = |count: usize| {
        start
            .checked_sub(count)
            .is_some_and(|from| bytes[from..start].iter().all(u8::is_ascii_hexdigit))
    };
    let last = back(1).unwrap_or_default();
    // Nearly every letter ends nothing: all other forms end with a hexadecimal digit or as a colour does.
    if back(2) != Some(b'\\') && !last.is_ascii_hexdigit() && !matches!(last, b'm' | b'K') {
        return false;
    }
    if back(2) == Some(b'\\') && b"nrtbfv0ae".contains(&last) {
        return true;
    }
    if hex(2) && (back(3) == Some(b'%') || back(3) == Some(b'x') && back(4) == Some(b'\\')) {
        return true;
    }
    // Quoted-printable: `=3D`, `=22`, `=20`.
    if back(3) == Some(b'=')
        && QUOTED_PRINTABLE
            .iter()
            .any(|code| bytes[..start].ends_with(*code))
    {
        return true;
    }
    if hex(4) && back(5) == Some(b'u') && back(6) == Some(b'\\') {
        return true;
    }
    codec::ends_with_colour(&bytes[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(shape: &str, text: &str) -> Option<(usize, usize)> {
        let shapes = parse(shape).unwrap();
        let mut runs = Runs::default();
        for shape in shapes {
            let Part::Literal(anchor) = &shape.parts[usize::from(shape.anchor.unwrap())] else {
                unreachable!("an anchor is a literal")
            };
            for at in 0..text.len() {
                if text.as_bytes()[at..].starts_with(anchor)
                    && let Some(found) = shape.at_anchor(text.as_bytes(), at, false, &mut runs)
                    && shape.clean_start(text.as_bytes(), found.start)
                {
                    return Some((found.secret_start, found.secret_end));
                }
            }
        }
        None
    }

    #[test]
    fn a_token_ends_where_its_alphabet_does_and_may_not_be_longer() {
        assert_eq!(find("abc_{digit:4}", "x abc_1234."), Some((2, 10)));
        assert_eq!(find("abc_{digit:4}", "abc_1234\\n"), Some((0, 8)));
        assert_eq!(find("abc_{digit:4}", "abc_12345"), None);
        assert_eq!(find("abc_{digit:4}", "abc_123"), None);
        assert_eq!(find("abc_{base64url:4}", "abc_12-4-"), Some((0, 8)));
        assert_eq!(find("abc_{[a-z.]:3+}", "see abc_xyz.w."), Some((4, 13)));
    }

    #[test]
    fn a_letter_before_a_token_is_a_delimiter_only_as_the_end_of_an_escape() {
        for (text, expected) in [
            ("xabc_1234", None),
            ("_abc_1234", None),
            ("\\nabc_1234", Some((2, 10))),
            ("a%3Dabc_1234", Some((4, 12))),
            ("\\u0022abc_1234", Some((6, 14))),
            ("\x1b[32mabc_1234", Some((5, 13))),
            ("32mabc_1234", None),
            ("「abc_1234」", Some((3, 11))),
        ] {
            assert_eq!(find("abc_{digit:4}", text), expected, "{text}");
        }
    }

    #[test]
    fn alternatives_a_part_as_the_secret_and_a_literal_in_the_middle() {
        assert_eq!(find("k{aa|bb}_{digit:2}", "kbb_12"), Some((0, 6)));
        assert_eq!(find("key: ({digit:3})", "key: 123"), Some((5, 8)));
        assert_eq!(find("{digit:2}mid{digit:2}", "9 12mid34"), Some((2, 9)));
        assert_eq!(
            find("ab-{alnum:2-9}MARK{digit:2}", "ab-xMxMARK12"),
            Some((0, 12))
        );
        assert!(parse("{nothing}").is_err());
        assert!(parse("{digit:9-1}").is_err());
    }
}
