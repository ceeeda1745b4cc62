//! The state of a run beside its log: `state/<run id>`, so that a process that lives for a millisecond need not read
//! the whole log.
//!
//! Never authoritative. What is remembered is believed only as far as the log agrees: it covers the first `len` bytes,
//! and the record that ends there must have the hash that is remembered. What lies behind is folded in; where the file
//! is missing, damaged or of another log, the whole log is folded. The log's lock is held all the while.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::chain::Locked;
use super::epoch::Epoch;
use super::error::StoreError;
use super::line::{Excerpt, Head, read_line};
use super::os;
use super::seen::Line;
use super::state::State;

/// Begins the file; another form of it begins otherwise.
const MAGIC: &[u8; 16] = b"armorer-state/8\n";
/// A state is a few hundred bytes; a file that is longer is none of ours.
const MAX_FILE: u64 = 4 << 20;
/// How much of a log is read at a time.
const STEP: u64 = 256 * 1024;
/// How many bytes of log may be folded anew by the next process before one that goes on writes the file again, when only
/// counters have changed.
const SAVE_EVERY: u64 = 32 * 1024;

/// What this process appends, as far as it is remembered.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// What the folds read of each record.
    excerpts: Vec<Excerpt>,
    /// Hash of the record that the first of them continues.
    after: String,
    /// The epoch of the last one, where whoever made it has said so.
    epoch: Option<Epoch>,
}

impl Own {
    /// The next record, and the hash that it continues.
    pub(super) fn push(&mut self, excerpt: Excerpt, prev: &str) {
        if self.excerpts.is_empty() {
            prev.clone_into(&mut self.after);
        }
        self.excerpts.push(excerpt);
    }

    pub(super) fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
    }

    /// How many records.
    pub(super) const fn len(&self) -> usize {
        self.excerpts.len()
    }
}

/// The state of a run, and how much of its log it covers.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    state: State,
    epoch: Epoch,
    len: u64,
    /// Digits of the hash of the record that ends at `len`; empty at the beginning.
    hash: String,
    /// Its position in the chain, where it says one.
    seq: Option<u64>,
    /// How much of the log the file covers.
    saved: u64,
    /// Whether labels or grants have changed since it was written.
    changed: bool,
    /// Whether this process has written it.
    written: bool,
    /// Whether the beginning of the run is on the disk: its line in the journal, and the names of both files.
    start_synced: bool,
    /// The file, open since it was read, and how long it was then: who writes once need not open it again.
    file: Option<Arc<File>>,
    file_len: usize,
}

/// What the file holds behind its checksum.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    len: u64,
    hash: std::borrow::Cow<'a, str>,
    seq: Option<u64>,
    state: std::borrow::Cow<'a, State>,
    epoch: std::borrow::Cow<'a, Epoch>,
    start_synced: bool,
}

impl Memory {
    /// The state of the whole log, from what this process knows, else from the file, else from the log alone.
    pub(super) fn of(
        held: Option<Self>,
        log: &Locked<'_>,
        path: &Path,
    ) -> Result<Self, StoreError> {
        let agreeing = |memory: Self| memory.agrees(log).map(|agrees| agrees.then_some(memory));
        let mut memory = match held.map(agreeing).transpose()?.flatten() {
            Some(memory) => memory,
            None => Self::load(path)
                .map(agreeing)
                .transpose()?
                .flatten()
                .unwrap_or_default(),
        };
        memory.catch_up(log)?;
        Ok(memory)
    }

    /// What the file says; `None` when there is none that is whole.
    pub(super) fn load(path: &Path) -> Option<Self> {
        let (bytes, file) = os::read_small(path, MAX_FILE).ok()??;
        let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return None;
        }
        let kept: Kept<'_> = postcard::from_bytes(body).ok()?;
        Some(Self {
            state: kept.state.into_owned(),
            epoch: kept.epoch.into_owned(),
            len: kept.len,
            hash: kept.hash.into_owned(),
            seq: kept.seq,
            saved: kept.len,
            changed: false,
            written: false,
            start_synced: kept.start_synced,
            file: file.map(Arc::new),
            file_len: bytes.len(),
        })
    }

    /// The last record that is remembered, where a log of that length ends in it.
    pub(super) fn head(&self, len: u64) -> Option<Head> {
        let seq = self.seq.filter(|_| self.len == len)?;
        Some(Head {
            seq,
            hash: format!("sha256:{}", self.hash),
        })
    }

    /// Whether it covers a log of that length.
    pub(super) const fn is_of(&self, len: u64) -> bool {
        self.len == len
    }

    pub(super) const fn state(&self) -> &State {
        &self.state
    }

    /// The epoch that the log's end belongs to.
    pub(super) const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Whether the beginning of the run is on the disk for certain.
    pub(super) const fn start_is_synced(&self) -> bool {
        self.start_synced
    }

    /// The beginning of the run is on the disk.
    pub(super) fn set_start_synced(&mut self) {
        self.changed |= !self.start_synced;
        self.start_synced = true;
    }

    /// Takes what this process appended between two lengths of the log; `last` is its last record. Nothing is taken
    /// where it continues another record than the last that is remembered: the log is then read the next time.
    pub(super) fn take_own(&mut self, own: Own, from: u64, to: u64, last: &Head) {
        let continues = self.len == from && (from == 0 || digits(&own.after) == self.hash);
        if !continues {
            return;
        }
        for excerpt in own.excerpts {
            match excerpt {
                Excerpt::Read(line) => self.take_line(Some(*line)),
                Excerpt::Written(members) => self.take(&members),
            }
        }
        if let Some(epoch) = own.epoch {
            self.epoch = epoch;
        }
        self.len = to;
        digits(&last.hash).clone_into(&mut self.hash);
        self.seq = Some(last.seq);
    }

    /// Folds one record.
    fn take(&mut self, line: &[u8]) {
        self.take_line(read_line(line));
    }

    fn take_line(&mut self, line: Option<Line<'_>>) {
        self.seq = line.as_ref().and_then(|line| line.seq);
        self.changed |= match line {
            Some(mut line) => {
                self.epoch.take(&mut line);
                self.state.take_record(line)
            }
            None => self.state.take_unreadable(),
        };
    }

    /// Whether the record that ends at `len` is the one that is remembered.
    fn agrees(&self, log: &Locked<'_>) -> Result<bool, StoreError> {
        if self.len == 0 {
            return Ok(true);
        }
        if self.len > log.len() {
            return Ok(false);
        }
        if self.len == log.len()
            && let Some(hash) = log.last_hash()
        {
            return Ok(digits(hash) == self.hash);
        }
        log.has_hash_before(self.len, &self.hash)
    }

    /// Folds what the log has beyond.
    pub(super) fn catch_up(&mut self, log: &Locked<'_>) -> Result<(), StoreError> {
        let mut carried: Vec<u8> = Vec::new();
        let mut at = self.len;
        while at < log.len() {
            let count = STEP.min(log.len() - at);
            carried.extend(log.read(at, count)?);
            at += count;
            let mut begin = 0;
            for end in memchr::memchr_iter(b'\n', &carried) {
                self.take(&carried[begin..end]);
                self.hash.clear();
                let digits = carried[begin..end].strip_suffix(b"\"}").unwrap_or_default();
                let digits = digits.get(digits.len().saturating_sub(64)..);
                self.hash.push_str(
                    digits
                        .map(String::from_utf8_lossy)
                        .unwrap_or_default()
                        .as_ref(),
                );
                self.len += (end + 1 - begin) as u64;
                begin = end + 1;
            }
            carried.drain(..begin);
        }
        Ok(())
    }

    /// Whether the file is to be written once the log is so long: the next process would have to fold what is new, which
    /// takes longer than to write it. A process that appends a second time will append more.
    pub(super) const fn is_worth_saving(&self, log: u64) -> bool {
        let behind = log.saturating_sub(self.saved);
        self.changed || behind >= SAVE_EVERY || (behind > 0 && !self.written)
    }

    /// Writes the file when there is something new that is worth it. A failure costs the next process time and nothing
    /// else: what it finds does not agree with the log, or covers less of it.
    pub(super) fn save(&mut self, path: &Path) {
        if !self.is_worth_saving(self.len) {
            return;
        }
        let kept = Kept {
            len: self.len,
            hash: self.hash.as_str().into(),
            seq: self.seq,
            state: std::borrow::Cow::Borrowed(&self.state),
            epoch: std::borrow::Cow::Borrowed(&self.epoch),
            start_synced: self.start_synced,
        };
        let Ok(body) = postcard::to_allocvec(&kept) else {
            return;
        };
        let sum = crc32fast::hash(&body).to_le_bytes();
        let bytes = [MAGIC.as_slice(), &sum, &body].concat();
        self.written = true;
        let saved = match self.file.take() {
            Some(file) => os::write_over(&file, self.file_len, &bytes),
            None => os::overwrite(path, &bytes),
        };
        if saved.is_ok() {
            self.saved = self.len;
            self.changed = false;
        }
    }
}

/// The digits of `sha256:…`.
pub(super) fn digits(hash: &str) -> &str {
    hash.strip_prefix("sha256:").unwrap_or_default()
}
