//! Examples are templates, so that no file holds anything that looks like a secret. See `rules/secrets/README.md`.

use super::alphabet::Alphabet;
use super::codec;
use super::verify;
use crate::span::ByteSpan;

/// A filled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text.
    pub text: Vec<u8>,
    /// What is marked in it.
    pub marks: Vec<ByteSpan>,
}

/// Fills a template with bytes that depend on `seed` only. `checksum` is the rule's, for `{sum}`.
///
/// # Errors
/// A sentence when a mark is not closed or a sum cannot be made.
pub fn fill(template: &str, seed: &str, checksum: Option<&str>) -> Result<Filled, String> {
    let mut filler = Filler {
        random: Random::new(seed),
        out: Vec::new(),
        token: 0,
        variable: Vec::new(),
        checksum,
        marked: false,
    };
    let mut marks = Vec::new();
    let mut open = None;
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        match first {
            '⟦' => {
                open = Some(filler.out.len());
                filler.restart();
                filler.marked = true;
            }
            '⟧' => {
                filler.marked = false;
                let start = open.take().ok_or("a mark ends that never began")?;
                marks.push(ByteSpan::new(start, filler.out.len()).ok_or("a mark is empty")?);
            }
            '{' => {
                if let Some((inner, after)) = rest[1..].split_once('}')
                    && filler.piece(inner)?
                {
                    rest = after;
                    continue;
                }
                filler.literal('{');
            }
            other => filler.literal(other),
        }
        rest = &rest[first.len_utf8()..];
    }
    if open.is_some() {
        return Err(String::from("a mark is not closed"));
    }
    Ok(Filled {
        text: filler.out,
        marks,
    })
}

struct Filler<'a> {
    random: Random,
    out: Vec<u8>,
    /// Where the current token began.
    token: usize,
    /// Its variable bytes so far.
    variable: Vec<u8>,
    checksum: Option<&'a str>,
    /// Whether the token is marked: what stands in it is then no delimiter.
    marked: bool,
}

impl Filler<'_> {
    fn restart(&mut self) {
        self.token = self.out.len();
        self.variable.clear();
    }

    fn literal(&mut self, character: char) {
        let mut buffer = [0; 4];
        self.out
            .extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        if !self.marked && matches!(character, ' ' | '"' | '\'' | '=' | '\n') {
            self.restart();
        }
    }

    /// Whether `inner` is something to fill.
    fn piece(&mut self, inner: &str) -> Result<bool, String> {
        if inner == "sum" {
            let name = self.checksum.ok_or("`{sum}` without a checksum")?;
            let prefix = self.out[self.token..].to_vec();
            let sum = verify::sum_for(name, &prefix, &self.variable)
                .ok_or_else(|| format!("no sum of `{name}` can be made here"))?;
            self.out.extend_from_slice(sum.as_bytes());
            return Ok(true);
        }
        if inner == "uuid" {
            for (index, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
                if index > 0 {
                    self.out.push(b'-');
                }
                self.run("hex", count);
            }
            return Ok(true);
        }
        let Some((name, argument)) = inner.split_once(':') else {
            return Ok(false);
        };
        match name {
            "json" | "b64" => {
                let plain = self.inner(argument);
                let text = codec::to_base64(&plain);
                let text = if name == "json" {
                    text.trim_end_matches('=')
                        .replace('+', "-")
                        .replace('/', "_")
                } else {
                    text
                };
                self.variable.extend_from_slice(text.as_bytes());
                self.out.extend_from_slice(text.as_bytes());
                Ok(true)
            }
            _ => {
                let (name, count) = inner.rsplit_once(':').unwrap_or((name, argument));
                let Ok(count) = count.parse() else {
                    return Ok(false);
                };
                Ok(self.run(name, count))
            }
        }
    }

    /// `<class:count>` inside what is encoded.
    fn inner(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            out.extend_from_slice(before.as_bytes());
            if let Some((piece, after)) = after.split_once('>')
                && let Some((name, count)) = piece.split_once(':')
                && let (Some(alphabet), Ok(count)) = (Alphabet::parse(name), count.parse())
            {
                out.extend(self.random.run(alphabet, count));
                rest = after;
            } else {
                out.push(b'<');
                rest = after;
            }
        }
        out.extend_from_slice(rest.as_bytes());
        out
    }

    fn run(&mut self, name: &str, count: usize) -> bool {
        let Some(alphabet) = Alphabet::parse(name) else {
            return false;
        };
        let bytes = self.random.run(alphabet, count.min(8_192));
        self.variable.extend_from_slice(&bytes);
        self.out.extend(bytes);
        true
    }
}

/// Pseudo-random bytes that are the same everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn new(seed: &str) -> Self {
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn run(&mut self, alphabet: Alphabet, count: usize) -> Vec<u8> {
        let digits: Vec<u8> = alphabet.set().bytes().collect();
        if digits.is_empty() {
            return Vec::new();
        }
        let mut out: Vec<u8> = (0..count)
            .map(|_| digits[(self.next() >> 33) as usize % digits.len()])
            .collect();
        // Neither end is punctuation: where a token ends is then not a matter of opinion.
        for edge in [0, count.saturating_sub(1)] {
            while out
                .get(edge)
                .is_some_and(|byte| !byte.is_ascii_alphanumeric())
                && digits.iter().any(u8::is_ascii_alphanumeric)
            {
                out[edge] = digits[(self.next() >> 33) as usize % digits.len()];
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fills_the_same_way_each_time_and_leaves_other_braces_alone() {
        let once = fill("{\"k\": \"⟦ab_{digit:4}⟧\"} {x}", "seed", None).unwrap();
        assert_eq!(
            once,
            fill("{\"k\": \"⟦ab_{digit:4}⟧\"} {x}", "seed", None).unwrap()
        );
        let text = String::from_utf8(once.text).unwrap();
        assert!(text.starts_with("{\"k\": \"ab_") && text.ends_with("\"} {x}"));
        assert_eq!(once.marks, [ByteSpan::new(7, 14).unwrap()]);
        assert!(fill("⟦open", "seed", None).is_err());
        assert!(fill("{sum}", "seed", None).is_err());
    }

    #[test]
    fn a_sum_covers_what_stands_before_it_in_the_token() {
        let filled = fill("t=⟦gh_{base62:30}{sum}⟧", "s", Some("crc32-base62")).unwrap();
        let body = &filled.text[5..35];
        assert_eq!(
            verify::sum_for("crc32-base62", b"", body)
                .unwrap()
                .as_bytes(),
            &filled.text[35..]
        );
    }
}
