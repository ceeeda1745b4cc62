//! One line of a log: its canonical bytes, its hash over the stored bytes, and what a writer must know of the last one.
//!
//! Pure: touches no file. The format is described for readers in `python/armorer_guard/records/FORMAT.md`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Stamp;
use super::error::StoreError;
use super::id::{digest, hex};
use super::seen::Line;
use crate::json::CanonicalWriter;

/// Longest line, its hash and its final newline included.
pub const MAX_LINE: usize = 64 * 1024;

/// `,"hash":"sha256:` and 64 digits and `"}`: how every line ends.
const SEAL_LEN: usize = SEAL_OPEN.len() + 66;
const SEAL_OPEN: &[u8; 16] = b",\"hash\":\"sha256:";
/// Room kept for what is only known under the lock, and for the seal.
const ENVELOPE_ROOM: usize = 2 * 1024;

/// What the first record of a chain continues: a value that belongs to this store and this chain only.
#[must_use]
pub fn genesis(store: &str, chain: &str) -> String {
    digest(format!("armorer-genesis/1\n{store}\n{chain}").as_bytes())
}

/// The hash of a record: over the stored bytes before the seal, and over what it continues.
#[must_use]
pub fn hash(prev: &str, before_seal: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"armorer-record/1\n");
    hash.update(prev.as_bytes());
    hash.update(before_seal);
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    text.push_str(&hex(&hash.finalize()));
    text
}

/// Which program wrote a record, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// `claude-code`, `python`, `check`, `claude-code-hook`.
    pub adapter: String,
    /// Version of the guard that holds the adapter.
    pub adapter_v: String,
    /// Process id.
    pub pid: u32,
    /// Parent process id; `None` where there is none.
    pub ppid: Option<u32>,
    /// User id; `None` where users have no number.
    pub uid: Option<u32>,
}

/// What the writer knows of a record only under the lock of its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Position in the chain, from 0.
    pub seq: u64,
    /// Hash of the record before, or the genesis.
    pub prev: String,
}

/// A record in the making: members with their canonical bytes, in any order.
#[derive(Debug)]
pub struct Draft {
    /// Record id.
    pub id: String,
    writer: CanonicalWriter,
    members: Vec<(&'static str, usize, usize)>,
    /// What the folds will read of it, when whoever made it knows; else they read its members.
    pub(super) seen: Option<Box<Line<'static>>>,
    /// The finished line, as far as its place was foreseen; gone as soon as a member is set.
    ahead: Option<Box<Ahead>>,
}

/// A line that is finished before its log is locked.
#[derive(Debug)]
struct Ahead {
    place: Place,
    stamp: Stamp,
    line: Vec<u8>,
    hash: String,
}

/// Members that are only known under the lock.
const OF_PLACE: [&str; 5] = ["seq", "prev", "ts", "mono", "boot"];

impl Draft {
    /// A record of that kind, with the part of the envelope that is known beforehand.
    ///
    /// # Errors
    /// As [`Draft::set`].
    pub fn new(
        kind: &str,
        id: String,
        store: &str,
        run: &str,
        source: &Source,
    ) -> Result<Self, StoreError> {
        let mut draft = Self {
            id: String::new(),
            writer: CanonicalWriter::new(),
            members: Vec::with_capacity(28),
            seen: None,
            ahead: None,
        };
        draft.set("v", super::SCHEMA_VERSION)?;
        draft.set("kind", kind)?;
        draft.set("id", &id)?;
        draft.set("store", store)?;
        draft.set("run", run)?;
        draft.set("src", source)?;
        draft.id = id;
        Ok(draft)
    }

    /// Sets a member. Names are plain identifiers and given once.
    ///
    /// # Errors
    /// [`StoreError`] for a value that JSON cannot say.
    pub fn set<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), StoreError> {
        self.ahead = None;
        let start = self.writer.bytes().len();
        self.writer.write(value).map_err(|error| {
            StoreError::new(
                StoreError::CORRUPTED,
                format!("`{name}` of a record cannot be written: {error}"),
            )
        })?;
        self.members.push((name, start, self.writer.bytes().len()));
        Ok(())
    }

    /// The canonical bytes of a member that was set.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&[u8]> {
        self.members
            .iter()
            .find(|(held, ..)| *held == name)
            .map(|(_, start, end)| &self.writer.bytes()[*start..*end])
    }

    /// Replaces a member that was set.
    ///
    /// # Errors
    /// As [`Draft::set`].
    pub fn replace<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), StoreError> {
        self.members.retain(|(held, ..)| *held != name);
        // What had no room is not read of the record either.
        if matches!(name, "subject" | "verdict" | "approval") {
            self.seen = None;
        }
        self.set(name, value)
    }

    /// Replaces a member that is a number, unless it is that number already.
    ///
    /// # Errors
    /// As [`Draft::set`].
    pub(super) fn set_number(&mut self, name: &'static str, number: u64) -> Result<(), StoreError> {
        if self.member(name) == Some(itoa::Buffer::new().format(number).as_bytes()) {
            return Ok(());
        }
        self.replace(name, &number)
    }

    /// How long the line would be, without what the lock adds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members
            .iter()
            .map(|(name, start, end)| name.len() + 4 + end - start)
            .sum()
    }

    /// Whether nothing was set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the finished line would be longer than [`MAX_LINE`].
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.len() > MAX_LINE - ENVELOPE_ROOM
    }

    /// The longest member that is not part of the envelope.
    #[must_use]
    pub fn longest(&self) -> Option<&'static str> {
        const ENVELOPE: [&str; 8] = [
            "v",
            "kind",
            "id",
            "store",
            "run",
            "src",
            "blobs",
            "facts_digest",
        ];
        self.members
            .iter()
            .filter(|(name, ..)| !ENVELOPE.contains(name))
            .max_by_key(|(_, start, end)| end - start)
            .map(|(name, ..)| *name)
    }

    /// Finishes the line for the place that it will have unless another process comes first.
    ///
    /// # Errors
    /// As [`Draft::seal`].
    pub(super) fn seal_ahead(&mut self, place: &Place) -> Result<(), StoreError> {
        let stamp = Stamp::now();
        let mut line = Vec::new();
        let hash = self.write_line(place, &stamp, &mut line)?;
        self.members.retain(|(name, ..)| !OF_PLACE.contains(name));
        self.ahead = Some(Box::new(Ahead {
            place: place.clone(),
            stamp,
            line,
            hash,
        }));
        Ok(())
    }

    /// When the record at that place is written: now, or when its line was finished.
    pub(super) fn stamp(&self, place: &Place) -> Stamp {
        let ahead = self.ahead.as_ref().filter(|ahead| ahead.place == *place);
        ahead.map_or_else(Stamp::now, |ahead| ahead.stamp.clone())
    }

    /// Appends the finished line, newline included, to `out` and returns its hash.
    ///
    /// # Errors
    /// [`StoreError`] when it is longer than [`MAX_LINE`].
    pub fn seal(
        mut self,
        place: &Place,
        stamp: &Stamp,
        out: &mut Vec<u8>,
    ) -> Result<String, StoreError> {
        match self.ahead.take() {
            Some(ahead) if ahead.place == *place && ahead.stamp == *stamp => {
                out.extend_from_slice(&ahead.line);
                Ok(ahead.hash)
            }
            _ => self.write_line(place, stamp, out),
        }
    }

    fn write_line(
        &mut self,
        place: &Place,
        stamp: &Stamp,
        out: &mut Vec<u8>,
    ) -> Result<String, StoreError> {
        self.set("seq", &place.seq)?;
        self.set("prev", &place.prev)?;
        self.set("ts", &stamp.ts)?;
        self.set("mono", &stamp.mono)?;
        self.set("boot", &stamp.boot)?;
        let begin = out.len();
        out.reserve(self.len() + SEAL_LEN + 2);
        self.write_members(out);
        let hash = hash(&place.prev, &out[begin..]);
        out.extend_from_slice(b",\"hash\":\"");
        out.extend_from_slice(hash.as_bytes());
        out.extend_from_slice(b"\"}\n");
        let length = out.len() - begin;
        if length > MAX_LINE {
            out.truncate(begin);
            return Err(StoreError::new(
                StoreError::TOO_LARGE,
                format!("a record would be {length} bytes long, {MAX_LINE} are allowed"),
            ));
        }
        Ok(hash)
    }

    /// What the folds read of it.
    pub(super) fn for_folds(&mut self, stamp: &Stamp) -> Excerpt {
        match self.seen.take() {
            Some(mut line) => {
                line.ts = Cow::Owned(stamp.ts.clone());
                Excerpt::Read(line)
            }
            None => Excerpt::Written(self.excerpt(&Line::EXCERPT, stamp)),
        }
    }

    /// Some members of the record, as one of their own.
    fn excerpt(&self, names: &[&str], stamp: &Stamp) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"{\"ts\":\"");
        out.extend_from_slice(stamp.ts.as_bytes());
        out.push(b'"');
        for (name, start, end) in &self.members {
            if names.contains(name) {
                out.extend_from_slice(b",\"");
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"\":");
                out.extend_from_slice(&self.writer.bytes()[*start..*end]);
            }
        }
        out.push(b'}');
        out
    }

    /// The record as JSON with no place in a chain: `seq`, `prev` and `hash` are null.
    ///
    /// # Errors
    /// As [`Draft::set`].
    pub fn without_place(mut self, stamp: &Stamp) -> Result<Vec<u8>, StoreError> {
        for name in ["seq", "prev", "hash"] {
            self.set(name, &())?;
        }
        self.set("ts", &stamp.ts)?;
        self.set("mono", &stamp.mono)?;
        self.set("boot", &stamp.boot)?;
        let mut out = Vec::with_capacity(self.len() + 2);
        self.write_members(&mut out);
        out.push(b'}');
        Ok(out)
    }

    /// Appends `{` and the members in canonical order, without the closing brace.
    fn write_members(&mut self, out: &mut Vec<u8>) {
        self.members.sort_unstable_by_key(|(name, ..)| *name);
        out.push(b'{');
        for (index, (name, start, end)) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(&self.writer.bytes()[*start..*end]);
        }
    }
}

/// What the folds read of a record that this process appends.
#[derive(Debug)]
pub(super) enum Excerpt {
    /// As they would read it.
    Read(Box<Line<'static>>),
    /// Its members, to be read.
    Written(Vec<u8>),
}

/// What the next record must continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Position of the last record.
    pub seq: u64,
    /// Its hash, as its line states it.
    pub hash: String,
}

/// Members of a line. It is taken as text once: a reader of bytes would look at each of its strings by itself.
pub(super) fn read_line<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(line).ok()?).ok()
}

#[derive(Deserialize)]
struct HeadMembers {
    seq: u64,
    hash: String,
}

/// Reads a line (without its newline) as far as a writer needs; `None` when it is no record.
///
/// The hash is not recomputed: whoever changed the last line is found by `verify`, and a chain that goes on keeps the
/// evidence where it is.
#[must_use]
pub fn parse_head(line: &[u8]) -> Option<Head> {
    let digits = line.len().checked_sub(66)?;
    let seal = line.get(line.len().checked_sub(SEAL_LEN)?..)?;
    if line.first() != Some(&b'{')
        || &seal[..16] != SEAL_OPEN
        || !line.ends_with(b"\"}")
        || !line[digits..line.len() - 2]
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let members: HeadMembers = read_line(line)?;
    Some(Head {
        seq: members.seq,
        hash: members.hash,
    })
}

/// Whether the last bytes of a log end in the line of that record, which is not read as JSON: its hash stands at its end,
/// and its position where a canonical line says it. `whole`: the window begins where the log begins.
#[must_use]
pub fn ends_in(window: &[u8], whole: bool, head: &Head) -> bool {
    let Some(line) = window.strip_suffix(b"\n") else {
        return false;
    };
    let line = match memchr::memrchr(b'\n', line) {
        Some(before) => &line[before + 1..],
        None if whole => line,
        None => return false,
    };
    let seal = [",\"hash\":\"", &head.hash, "\"}"].concat();
    let place = format!(",\"seq\":{},\"", head.seq);
    line.first() == Some(&b'{')
        && line.ends_with(seal.as_bytes())
        && memchr::memmem::find(line, place.as_bytes()).is_some()
}

/// What the end of a log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// The window holds no whole record, and the log goes on before it: read more.
    More,
    /// Where the last record ends in the window, what it says (`None`: the log has no record), and what follows it.
    End {
        /// Bytes of the window up to and including the last record's newline.
        good: usize,
        /// The last record.
        head: Option<Head>,
        /// What lies behind it.
        rest: Rest,
    },
}

/// What lies behind the last record of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    Clean,
    /// The beginning of a line: a write that did not finish.
    Torn,
    /// At least one whole line that is no record: not the trace of a crash of the process.
    Unreadable,
}

/// Finds the last record in the last bytes of a log. `whole`: the window begins where the log begins. Total.
#[must_use]
pub fn read_tail(window: &[u8], whole: bool) -> Tail {
    let mut end = window.len();
    let mut rest = Rest::Clean;
    loop {
        let Some(last) = end.checked_sub(1) else {
            return if whole {
                Tail::End {
                    good: 0,
                    head: None,
                    rest,
                }
            } else {
                Tail::More
            };
        };
        let terminated = window[last] == b'\n';
        let start =
            memchr::memrchr(b'\n', &window[..if terminated { last } else { end }]).map(|at| at + 1);
        let start = match start {
            Some(start) => start,
            None if whole => 0,
            None => return Tail::More,
        };
        if terminated {
            if let Some(head) = parse_head(&window[start..last]) {
                return Tail::End {
                    good: end,
                    head: Some(head),
                    rest,
                };
            }
            rest = Rest::Unreadable;
        } else {
            rest = Rest::Torn;
        }
        end = start;
    }
}

/// Reads arbitrary bytes as the end of a log, for fuzzing: never panics, and what it keeps ends in a newline.
#[must_use]
pub fn fuzz_read(bytes: &[u8]) -> bool {
    match read_tail(bytes, true) {
        Tail::End { good, head, .. } => {
            good <= bytes.len()
                && (good == 0) == head.is_none()
                && (good == 0 || bytes[good - 1] == b'\n')
        }
        Tail::More => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            adapter: String::from("test"),
            adapter_v: String::from("0"),
            pid: 1,
            ppid: None,
            uid: Some(0),
        }
    }

    fn stamp() -> Stamp {
        Stamp {
            ts: String::from("2026-11-22T09:41:07.123456Z"),
            mono: 5,
            boot: None,
        }
    }

    fn log(records: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut prev = genesis("s", "r");
        for seq in 0..records {
            let draft = Draft::new("note", format!("id-{seq}"), "s", "r", &source()).unwrap();
            prev = draft
                .seal(&Place { seq, prev }, &stamp(), &mut out)
                .unwrap();
        }
        out
    }

    #[test]
    fn a_line_that_is_finished_ahead_stands_where_it_was_foreseen_and_nowhere_else() {
        let place = |seq| Place {
            seq,
            prev: genesis("s", "r"),
        };
        let made = || Draft::new("note", String::from("id"), "s", "r", &source()).unwrap();
        let sealed = |draft: Draft, seq, stamp: &Stamp| {
            let mut out = Vec::new();
            draft.seal(&place(seq), stamp, &mut out).unwrap();
            out
        };
        for at in [4, 5] {
            for changed in [false, true] {
                let mut draft = made();
                draft.seal_ahead(&place(4)).unwrap();
                let early = draft.stamp(&place(4));
                if changed {
                    draft.set("epoch", &7).unwrap();
                }
                let holds = at == 4 && !changed;
                let stamp = draft.stamp(&place(at));
                assert_eq!(stamp == early, holds);
                let mut plain = made();
                if changed {
                    plain.set("epoch", &7).unwrap();
                }
                assert_eq!(sealed(draft, at, &stamp), sealed(plain, at, &stamp));
            }
        }
    }

    #[test]
    fn a_number_is_replaced_only_by_another_one() {
        let mut draft = Draft::new("note", String::from("id"), "s", "r", &source()).unwrap();
        draft.set("epoch", &0).unwrap();
        draft
            .seal_ahead(&Place {
                seq: 0,
                prev: genesis("s", "r"),
            })
            .unwrap();
        draft.set_number("epoch", 0).unwrap();
        assert!(draft.ahead.is_some());
        draft.set_number("epoch", 10).unwrap();
        assert_eq!(draft.member("epoch"), Some(&b"10"[..]));
        assert!(draft.ahead.is_none());
    }

    #[test]
    fn a_line_is_canonical_and_ends_in_its_hash() {
        let line = String::from_utf8(log(1)).unwrap();
        let prev = genesis("s", "r");
        let before = format!(
            "{{\"boot\":null,\"id\":\"id-0\",\"kind\":\"note\",\"mono\":5,\"prev\":\"{prev}\",\"run\":\"r\",\"seq\":0,\
             \"src\":{{\"adapter\":\"test\",\"adapter_v\":\"0\",\"pid\":1,\"ppid\":null,\"uid\":0}},\"store\":\"s\",\
             \"ts\":\"2026-11-22T09:41:07.123456Z\",\"v\":\"1.0\""
        );
        let hash = hash(&prev, before.as_bytes());
        assert_eq!(line, format!("{before},\"hash\":\"{hash}\"}}\n"));
        assert_eq!(
            parse_head(line.trim_end().as_bytes()),
            Some(Head { seq: 0, hash })
        );
    }

    #[test]
    fn every_cut_of_a_log_leaves_its_whole_records() {
        let bytes = log(4);
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes)
            .map(|at| at + 1)
            .collect();
        for cut in 0..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let good = whole.checked_sub(1).map_or(0, |last| ends[last]);
            let Tail::End {
                good: got,
                head,
                rest,
            } = read_tail(&bytes[..cut], true)
            else {
                panic!("a whole log never asks for more");
            };
            assert_eq!(got, good);
            assert_eq!(
                head.map(|head| head.seq + 1).unwrap_or_default(),
                whole as u64
            );
            assert_eq!(rest, if good == cut { Rest::Clean } else { Rest::Torn });
        }
    }

    #[test]
    fn a_log_ends_in_its_last_record_and_in_no_other() {
        let bytes = log(3);
        let head = |bytes: &[u8]| match read_tail(bytes, true) {
            Tail::End { head, .. } => head.unwrap(),
            Tail::More => panic!("a whole log never asks for more"),
        };
        let last = head(&bytes);
        let second = memchr::memchr(b'\n', &bytes).unwrap() + 1;
        assert!(ends_in(&bytes, true, &last));
        assert!(ends_in(&bytes[second..], true, &last));
        let begun = memchr::memrchr(b'\n', &bytes[..bytes.len() - 1]).unwrap() + 1;
        assert!(ends_in(&bytes[begun - 1..], false, &last));
        // Where the line begins is not in sight.
        assert!(!ends_in(&bytes[begun..], false, &last));
        let elsewhere = Head {
            seq: 1,
            ..last.clone()
        };
        assert!(!ends_in(&bytes, true, &elsewhere));
        assert!(!ends_in(&bytes, true, &head(&bytes[..begun])));
        for cut in begun..bytes.len() {
            assert!(!ends_in(&bytes[..cut], true, &last), "{cut}");
        }
        let mut torn = bytes;
        torn.push(b'{');
        assert!(!ends_in(&torn, true, &last));
    }

    #[test]
    fn a_window_without_a_whole_record_asks_for_more() {
        let bytes = log(2);
        let first = memchr::memchr(b'\n', &bytes).unwrap() + 1;
        assert_eq!(read_tail(&bytes[first + 1..], false), Tail::More);
        assert!(matches!(
            read_tail(&bytes[first - 1..], false),
            Tail::End {
                head: Some(Head { seq: 1, .. }),
                ..
            }
        ));
    }

    #[test]
    fn a_whole_line_that_is_no_record_is_not_called_torn() {
        let mut bytes = log(2);
        let good = bytes.len();
        bytes.extend_from_slice(b"\0\0\0\n{\"seq\":");
        let Tail::End {
            good: got, rest, ..
        } = read_tail(&bytes, true)
        else {
            panic!("whole");
        };
        assert_eq!((got, rest), (good, Rest::Unreadable));
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let mut bytes = log(2);
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] = (state >> 8) as u8;
            let cut = usize::try_from(state >> 20).unwrap() % (bytes.len() + 1);
            assert!(fuzz_read(&bytes[..cut]));
        }
    }
}
