//! What is known already: findings that a later scan need not show again.
//!
//! A baseline lies in a repository, next to its own key, so whoever has it can try values against it. Hence no entry
//! holds enough to find a value by trying. An entry is rule, path and one of two checks, both HMAC-SHA256 under the
//! baseline's random key:
//! - `value:` 20 bits over the value, for values that a machine made (64 bits or more by estimate). That tells one value
//!   from another but leaves 44 bits or more unsaid. It survives edits around the value.
//! - `line:` 32 bits over the line around it, with every finding blanked, for values that a person could have chosen.
//!   That says nothing about the value.

use std::collections::BTreeMap;
use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::record;
use crate::scan::{Finding, FindingKind};

/// The format, as the first member of a file says it.
const FORMAT: &str = "armorer-guard-baseline/1";
/// For whoever opens the file.
const ABOUT: &str = "findings that `armorer-guard scan --baseline` does not show again; no value can be found from this";
/// Values below are not checked by value.
const LEAST_BITS: f64 = 64.0;
/// How much of a line on each side of a finding counts.
const LINE_REACH: usize = 80;

/// What is remembered of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    path: String,
    rule: String,
    check: String,
}

/// A set of known findings with their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    key: [u8; 32],
    /// How many of each are known.
    known: BTreeMap<Fingerprint, usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    about: String,
    /// The key, by a name that scanners do not take for one.
    salt: String,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    rule: String,
    check: String,
    count: usize,
}

impl Baseline {
    /// One that knows nothing.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            known: BTreeMap::new(),
        }
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// A sentence, when they are not a baseline of this format.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if file.format != FORMAT {
            return Err(format!("its format is `{}`, not `{FORMAT}`", file.format));
        }
        let key = unhex(&file.salt).ok_or("its salt is not 32 bytes in hexadecimal")?;
        let mut known = BTreeMap::new();
        for entry in file.findings {
            let fingerprint = Fingerprint {
                path: entry.path,
                rule: entry.rule,
                check: entry.check,
            };
            *known.entry(fingerprint).or_default() += entry.count;
        }
        Ok(Self { key, known })
    }

    /// The bytes of its file; the same for the same set.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let file = File {
            format: FORMAT.to_owned(),
            about: ABOUT.to_owned(),
            salt: record::hex(&self.key),
            findings: self
                .known
                .iter()
                .map(|(held, count)| Entry {
                    path: held.path.clone(),
                    rule: held.rule.clone(),
                    check: held.check.clone(),
                    count: *count,
                })
                .collect(),
        };
        // INVARIANT: strings and numbers only, and a vector takes every write.
        let mut bytes = serde_json::to_vec_pretty(&file).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The same key, and nothing known.
    #[must_use]
    pub const fn emptied(&self) -> Self {
        Self::new(self.key)
    }

    /// How many findings are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.values().sum()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What is remembered of `finding`, which lies in `bytes` together with `all` the findings that were seen there.
    /// `path` is relative to the baseline's own folder.
    #[must_use]
    pub fn fingerprint(
        &self,
        path: &str,
        bytes: &[u8],
        finding: &Finding,
        all: &[Finding],
    ) -> Fingerprint {
        let span = finding.span.start()..finding.span.end();
        let value = bytes.get(span.clone()).unwrap_or_default();
        let check =
            if finding.kind == FindingKind::Secret && record::estimated_bits(value) >= LEAST_BITS {
                let mac = self.mac(&[b"value", finding.rule.as_bytes(), path.as_bytes(), value]);
                format!("value:{}", &record::hex(&mac[..3])[..5])
            } else {
                let line = blanked_line(bytes, span, all);
                let mac = self.mac(&[b"line", finding.rule.as_bytes(), path.as_bytes(), &line]);
                format!("line:{}", record::hex(&mac[..4]))
            };
        Fingerprint {
            path: path.to_owned(),
            rule: finding.rule.clone().into_owned(),
            check,
        }
    }

    /// Adds one.
    pub fn add(&mut self, fingerprint: Fingerprint) {
        *self.known.entry(fingerprint).or_default() += 1;
    }

    /// Whether it is known; each known finding answers once, so that a copy of one is new.
    pub fn take(&mut self, fingerprint: &Fingerprint) -> bool {
        match self.known.get_mut(fingerprint) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes a key of any length; this one has 32 bytes"
        )]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length will do");
        for part in parts {
            // The length before each part, so that no two lists of parts are the same bytes.
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The line around a span, near it, without blanks at its ends and with a zero byte for each stretch of findings.
fn blanked_line(bytes: &[u8], span: Range<usize>, all: &[Finding]) -> Vec<u8> {
    let earliest = span.start.saturating_sub(LINE_REACH);
    let latest = bytes.len().min(span.end + LINE_REACH);
    let start = memchr::memrchr(b'\n', &bytes[earliest..span.start])
        .map_or(earliest, |found| earliest + found + 1);
    let end =
        memchr::memchr(b'\n', &bytes[span.end..latest]).map_or(latest, |found| span.end + found);
    let mut covers: Vec<Range<usize>> = all
        .iter()
        .map(|finding| finding.span.start()..finding.span.end())
        .chain([span])
        .filter(|cover| cover.start < end && cover.end > start)
        .collect();
    covers.sort_unstable_by_key(|cover| (cover.start, cover.end));
    let mut line = Vec::new();
    let mut at = start;
    for cover in covers {
        if cover.start > at {
            line.extend_from_slice(&bytes[at..cover.start]);
        }
        if line.last() != Some(&0) {
            line.push(0);
        }
        at = at.max(cover.end);
    }
    if at < end {
        line.extend_from_slice(&bytes[at..end]);
    }
    line.trim_ascii().to_vec()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Severity;
    use crate::span::ByteSpan;

    const KEY: [u8; 32] = [7; 32];
    const RANDOM: &str = "k7Gh2mQp9XvR4tLs8WzB";

    fn finding(text: &str, value: &str) -> Finding {
        let start = text.find(value).unwrap();
        Finding {
            rule: "toy.password".into(),
            kind: FindingKind::Secret,
            severity: Severity::High,
            confidence_pm: 900,
            at: String::new(),
            span: ByteSpan::new(start, start + value.len()).unwrap(),
            checksum: None,
            view: None,
            redact: true,
        }
    }

    fn fingerprint(text: &str, value: &str) -> Fingerprint {
        let found = finding(text, value);
        Baseline::new(KEY).fingerprint(
            "src/a",
            text.as_bytes(),
            &found,
            std::slice::from_ref(&found),
        )
    }

    #[test]
    fn a_random_value_is_known_wherever_it_stands_in_the_file() {
        let known = fingerprint(&format!("a = {RANDOM}"), RANDOM);
        assert_eq!(
            known,
            fingerprint(&format!("x\ny\n  other: '{RANDOM}'"), RANDOM)
        );
        let other = RANDOM.replace('k', "j");
        assert_ne!(known, fingerprint(&format!("a = {other}"), &other));
        assert!(known.check.starts_with("value:") && known.check.len() == "value:".len() + 5);
    }

    #[test]
    fn nothing_of_a_guessable_value_is_in_its_fingerprint() {
        let of = |value: &str| fingerprint(&format!("x\n  password = {value} # no\ny"), value);
        assert_eq!(of("hunter2"), of("letmein"));
        assert!(of("hunter2").check.starts_with("line:"));
        assert_ne!(
            of("hunter2"),
            fingerprint("admin_password = hunter2", "hunter2")
        );
    }

    #[test]
    fn nothing_of_a_neighbour_is_in_the_fingerprint_either() {
        let with = |neighbour: &str| {
            let text = format!("user:hunter2@host {neighbour} end");
            let all = [finding(&text, "hunter2"), finding(&text, neighbour)];
            Baseline::new(KEY).fingerprint("a", text.as_bytes(), &all[0], &all)
        };
        assert_eq!(with(RANDOM), with("letmein"));
    }

    #[test]
    fn each_known_finding_answers_once() {
        let mut known = Baseline::new(KEY);
        let one = fingerprint(RANDOM, RANDOM);
        known.add(one.clone());
        known.add(one.clone());
        let mut left = known.clone();
        assert_eq!(
            [left.take(&one), left.take(&one), left.take(&one)],
            [true, true, false]
        );
        assert_eq!((known.len(), known.emptied().len()), (2, 0));
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_holds_no_value() {
        let mut known = Baseline::new(KEY);
        known.add(fingerprint(RANDOM, RANDOM));
        known.add(fingerprint("password = hunter2", "hunter2"));
        let bytes = known.write();
        assert_eq!(Baseline::read(&bytes), Ok(known));
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(RANDOM) && !text.contains("hunter2"));
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for (text, said) in [
            ("", "EOF while parsing"),
            ("{}", "missing field `format`"),
            (
                r#"{"format": "x", "about": "", "salt": "", "findings": []}"#,
                "its format is `x`",
            ),
            (
                r#"{"format": "armorer-guard-baseline/1", "about": "", "salt": "00", "findings": []}"#,
                "its salt is not 32 bytes",
            ),
        ] {
            let error = Baseline::read(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
