//! Follows plain lines of a chain: what a verifier does nearly all of the time, and nothing else.
//!
//! A reader's, and kept apart from the writer: nothing of this crate is imported, so that the two share no more than
//! `FORMAT.md`. It judges nothing either. Wherever a line is not plainly the next one it stops in front of it, and
//! `records/verify_chain.py` says what is wrong, or that nothing is. `records/verify_lines.py` has the same function in
//! plain Python; a test holds both to the same answers.

use memchr::{memchr, memmem};
use sha2::{Digest, Sha256};

/// Bytes of the longest line, its newline included.
const MAX_LINE: usize = 64 * 1024;
/// What every hash begins with, before the hash of the record before.
const DOMAIN: &[u8] = b"armorer-record/1\n";

const SEAL_OPEN: &[u8] = b",\"hash\":\"";
const ALGORITHM: &[u8] = b"sha256:";
const SEAL_CLOSE: &[u8] = b"\"}";
/// Bytes at the end of a line that hold its hash.
const SEAL_LEN: usize = SEAL_OPEN.len() + HASH_LEN + SEAL_CLOSE.len();
/// Bytes of a hash as records state it.
const HASH_LEN: usize = ALGORITHM.len() + 64;

/// How the canonical bytes of a decision begin; all other records are told apart by their kind.
const DECISION: &[u8] = b"{\"action_digest\"";
/// Behind the digest that stands there.
const AFTER_DIGEST: usize = DECISION.len() + 74;
/// The member behind `blobs`, where a decision has such.
const BOOT: &[u8] = b",\"boot\":";
/// How the array of pointers ends that stands before it.
const BLOBS_END: &[u8] = b"\"]";

/// How the canonical bytes of an outcome begin.
const BEGINS: &[u8] = b"{\"boot\":\"";
const CALL: &[u8] = b"\"call\":";
const CALL_AT: usize = 47;
const IS_OUTCOME: &[u8] = b",\"kind\":\"outcome\",";
/// Between the time of an outcome and its seal.
const VERSION: &[u8] = b"\",\"v\":\"1.0\"";
/// Bytes of a time.
const TIME_LEN: usize = 27;

/// How far plain lines were followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Bytes of the lines that were followed.
    pub length: usize,
    /// How many lines that is.
    pub lines: u64,
    /// The hash of the last of them, or what was given.
    pub prev: Vec<u8>,
    /// The time of the last outcome among them, or what was given.
    pub stamp: Vec<u8>,
}

/// Follows decisions and outcomes from the beginning of `block` for as long as each is whole, continues the one before and
/// gives its hash, and has nothing about it that must be read: no members in objects, no outcome before the last.
///
/// `prev` is the hash that the first line must continue, `stamp` a time that no outcome may lie before.
#[must_use]
pub fn follow_plain(block: &[u8], prev: &[u8], stamp: &[u8], most: u64) -> Followed {
    let fresh = Sha256::new_with_prefix(DOMAIN);
    let boot = memmem::Finder::new(BOOT);
    let outcome = memmem::Finder::new(IS_OUTCOME);
    let (mut prev, mut stamp, mut length, mut lines) = (prev, stamp, 0, 0);
    while lines < most
        && let Some(rest) = block.get(length..)
        && let Some(end) = memchr(b'\n', rest).filter(|&end| end < MAX_LINE)
        && let Some((line, seal)) = rest.get(..end).and_then(parts)
    {
        let time = if line.starts_with(DECISION) {
            has_no_blobs(line, &boot).then_some(stamp)
        } else {
            outcome_time(line, &outcome).filter(|&time| time >= stamp)
        };
        let Some(time) = time else { break };
        let mut hasher = fresh.clone();
        hasher.update(prev);
        hasher.update(line);
        if !states(seal, &hasher.finalize()) {
            break;
        }
        prev = &seal[SEAL_OPEN.len()..SEAL_OPEN.len() + HASH_LEN];
        stamp = time;
        length += end + 1;
        lines += 1;
    }
    Followed {
        length,
        lines,
        prev: prev.to_vec(),
        stamp: stamp.to_vec(),
    }
}

/// A line before its seal, and the seal; `None` for a line that is too short for one.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    line.split_at_checked(line.len().checked_sub(SEAL_LEN)?)
}

/// Whether a decision has all its members in its line.
fn has_no_blobs(decision: &[u8], boot: &memmem::Finder<'_>) -> bool {
    decision
        .get(AFTER_DIGEST..)
        .and_then(|rest| boot.find(rest))
        .is_some_and(|at| !decision[..AFTER_DIGEST + at].ends_with(BLOBS_END))
}

/// The time of an outcome that has all its members in its line; `None` for every other record.
fn outcome_time<'l>(line: &'l [u8], kind: &memmem::Finder<'_>) -> Option<&'l [u8]> {
    let plain = line.starts_with(BEGINS) && line.get(CALL_AT..)?.starts_with(CALL);
    let before = line.strip_suffix(VERSION).filter(|_| plain)?;
    kind.find(line)?;
    before.get(before.len().checked_sub(TIME_LEN)?..)
}

/// Whether a seal states this digest.
fn states(seal: &[u8], digest: &[u8]) -> bool {
    let digits = seal
        .strip_prefix(SEAL_OPEN)
        .and_then(|rest| rest.strip_prefix(ALGORITHM))
        .and_then(|rest| rest.strip_suffix(SEAL_CLOSE));
    digits.is_some_and(|digits| {
        digits.len() == 2 * digest.len()
            && digits
                .chunks_exact(2)
                .zip(digest)
                .all(|(pair, byte)| pair == [digit(byte >> 4), digit(byte & 15)])
    })
}

const fn digit(value: u8) -> u8 {
    if value < 10 {
        b'0' + value
    } else {
        b'a' + value - 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    const TIME: &str = "2026-11-22T09:41:07.123456Z";

    /// A line that continues `prev`, and its hash.
    fn sealed(body: &str, prev: &str) -> (String, String) {
        let digest = Sha256::digest(format!("armorer-record/1\n{prev}{body}"));
        let hash = digest.iter().fold(String::from("sha256:"), |text, byte| {
            text + &format!("{byte:02x}")
        });
        (format!("{body},\"hash\":\"{hash}\"}}\n"), hash)
    }

    fn decision(asks: &str) -> String {
        let digest = "2".repeat(64);
        format!(
            r#"{{"action_digest":"sha256:{digest}","answer":{{}},"approval":null{asks},"boot":"b","kind":"decision","v":"1.0""#
        )
    }

    fn outcome(time: &str) -> String {
        format!(
            r#"{{"boot":"b1b2c3d4-0000-4000-8000-000000000000","call":{{}},"kind":"outcome","ts":"{time}","v":"1.0""#
        )
    }

    /// How many of these lines are followed, each continuing the one before.
    fn followed(bodies: &[String]) -> u64 {
        let (mut log, mut prev) = (String::new(), FIRST.to_owned());
        for body in bodies {
            let (line, hash) = sealed(body, &prev);
            log += &line;
            prev = hash;
        }
        let found = follow_plain(log.as_bytes(), FIRST.as_bytes(), TIME.as_bytes(), 10);
        if found.lines as usize == bodies.len() {
            assert_eq!((found.length, found.prev), (log.len(), prev.into_bytes()));
        }
        found.lines
    }

    #[test]
    fn lines_are_followed_up_to_the_first_that_must_be_read() {
        let plain = || vec![decision(""), outcome(TIME), decision(r#","asker":[[1,7]]"#)];
        assert_eq!(followed(&plain()), 3);
        for odd in [
            decision(r#","blobs":["/facts"]"#),
            outcome("2026-11-22T09:41:07.123455Z"),
            outcome(TIME).replace("outcome", "note"),
            outcome(TIME).replace("1.0", "1.1"),
            outcome(TIME).replace("call", "kall"),
            String::from("{}"),
            String::new(),
            "x".repeat(MAX_LINE),
        ] {
            let mut bodies = plain();
            bodies.insert(1, odd.clone());
            assert_eq!(followed(&bodies), 1, "{odd:.80}");
        }
    }

    #[test]
    fn no_byte_can_be_changed_unseen() {
        let (line, _) = sealed(&outcome(TIME), FIRST);
        let lines = |log: &[u8], prev: &str, most| {
            follow_plain(log, prev.as_bytes(), TIME.as_bytes(), most).lines
        };
        assert_eq!(lines(line.as_bytes(), FIRST, 1), 1);
        assert_eq!(lines(line.as_bytes(), FIRST, 0), 0);
        assert_eq!(lines(line.as_bytes(), &FIRST.replace('1', "3"), 1), 0);
        for at in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[at] ^= 1;
            let found = follow_plain(&changed, FIRST.as_bytes(), b"", 1);
            assert_eq!((found.lines, found.stamp), (0, Vec::new()), "byte {at}");
            assert_eq!(lines(&line.as_bytes()[..at], FIRST, 1), 0, "byte {at}");
        }
    }

    #[test]
    fn nothing_is_shared_with_the_writer() {
        let source = include_str!("verify.rs");
        let own = source.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!own.contains("crate::") && !own.contains("super::"));
    }
}
