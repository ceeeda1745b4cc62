//! Where a log ends: foreseen before it is locked, found under the lock, and mended where a writer was cut off.

use std::fs::File;
use std::sync::Arc;

use serde::Serialize;

use super::{Chain, End, FIRST_WINDOW, Locked};
use crate::record::error::StoreError;
use crate::record::id::{self, digest};
use crate::record::line::{Draft, Head, Place, Rest, Source, Tail, ends_in, genesis, read_tail};
use crate::record::memory::{Memory, digits};
use crate::record::state::State;
use crate::record::{Stamp, os};

/// Further back than this no record is looked for: such a file is no log of ours.
const LAST_WINDOW: u64 = 4 * 1024 * 1024;

/// The end of a line that holds its hash: 64 digits, `"}` and the newline.
const HASH_TAIL: u64 = 67;

/// The end of a log as it was before the lock was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Foreseen {
    len: u64,
    /// Whether it was read from the file, where another process may have cut it off since; else this process wrote it or
    /// found it under the lock.
    pub(super) read: bool,
}

/// What the next writer did about the end of a log.
#[derive(Serialize)]
struct Recovered<'a> {
    reason: &'a str,
    /// Where the bytes stood.
    offset: u64,
    bytes: u64,
    digest: String,
    /// File name below `recovery/`.
    moved_to: String,
}

/// A stretch that is missing from the log.
#[derive(Serialize)]
struct Gap<'a> {
    reason: &'a str,
    /// The last record this process knew of.
    expected_seq: u64,
    expected_hash: &'a str,
}

impl Chain {
    /// What the run has seen, as far as that can be told before the log is locked, so that the lock is held for as short
    /// as it can be. [`Locked::is_as_foreseen`] says whether it still holds; `None` where the log must be read for it.
    pub(in crate::record) fn foresee(&mut self) -> Option<&State> {
        Stamp::prepare();
        if self.memory.is_none() && self.known.is_none() && self.batch.is_none() {
            // What fails here fails again under the lock, and is said there.
            let (memory, head, len) = self.read_ahead()?;
            self.memory = Some(memory);
            self.known = Some(End {
                len,
                head: Some(head),
            });
            self.foreseen = Some(Foreseen { len, read: true });
        } else {
            let len = self.known.as_ref()?.len;
            // What was foreseen before and never locked is still only read.
            let read = self.foreseen.is_some_and(|end| end.read);
            self.foreseen = Some(Foreseen { len, read });
        }
        self.memory
            .as_ref()
            .filter(|memory| self.known.as_ref().is_some_and(|end| memory.is_of(end.len)))
            .map(Memory::state)
    }

    /// Finishes a record for the place that it will have where the log ends as foreseen.
    pub(in crate::record) fn seal_ahead(&self, draft: &mut Draft) -> Result<(), StoreError> {
        let head = self.known.as_ref().and_then(|end| end.head.as_ref());
        let Some(head) = head.filter(|_| self.foreseen.is_some()) else {
            return Ok(());
        };
        if let Some(memory) = &self.memory
            && memory.epoch().number > 0
        {
            draft.replace("epoch", &memory.epoch().number)?;
        }
        draft.seal_ahead(&Place {
            seq: head.seq + 1,
            prev: head.hash.clone(),
        })
    }

    /// What is remembered beside the log, where the log ends there.
    fn read_ahead(&mut self) -> Option<(Memory, Head, u64)> {
        self.options.named_in.as_ref()?;
        let (file, len) = match &self.file {
            Some(opened) => (Arc::clone(&opened.file), os::stat(&opened.file).ok()?.len),
            None => {
                let opened = self.file.insert(self.open().ok()?);
                (Arc::clone(&opened.file), opened.is.len)
            }
        };
        let (memory, head) = self.remembered_end(&file, len).ok()??;
        Some((memory, head, len))
    }

    /// The last record as the file beside the log remembers it, where the log ends in that very line: a process that lives
    /// for a millisecond need not read it as JSON.
    fn remembered_end(&self, file: &File, len: u64) -> Result<Option<(Memory, Head)>, StoreError> {
        if self.options.named_in.is_none() || len == 0 {
            return Ok(None);
        }
        let Some((memory, head)) = Memory::load(&self.options.state)
            .and_then(|memory| memory.head(len).map(|head| (memory, head)))
        else {
            return Ok(None);
        };
        let window = FIRST_WINDOW.min(len);
        let bytes = self.read(file, len - window, window)?;
        Ok(ends_in(&bytes, window == len, &head).then_some((memory, head)))
    }
}

impl Locked<'_> {
    /// Holds what was foreseen against the file, now that nobody else writes to it.
    pub(super) fn check(&mut self, foreseen: Foreseen) -> Result<(), StoreError> {
        let same = foreseen.len == self.len && self.chain.known.is_some();
        self.as_foreseen = same && (!foreseen.read || self.ends_as_known()?);
        if foreseen.read && !self.as_foreseen {
            // Nothing is missing when a record is gone that was never under this lock: it may have been taken back.
            self.chain.forget_end();
        }
        Ok(())
    }

    /// Whether the last line ends in the hash of the record that is known to be the last.
    fn ends_as_known(&self) -> Result<bool, StoreError> {
        let head = self.chain.known.as_ref().and_then(|end| end.head.as_ref());
        head.map_or(Ok(false), |head| {
            self.has_hash_before(self.len, digits(&head.hash))
        })
    }

    /// Whether the line that ends at `end` ends in a hash of these digits.
    pub(in crate::record) fn has_hash_before(
        &self,
        end: u64,
        digits: &str,
    ) -> Result<bool, StoreError> {
        let Some(start) = end.checked_sub(HASH_TAIL) else {
            return Ok(false);
        };
        let tail = self.read(start, HASH_TAIL)?;
        Ok(tail.strip_suffix(b"\"}\n") == Some(digits.as_bytes()))
    }

    /// Finds the end, and mends it where a writer was cut off.
    pub(super) fn find_end(&mut self, source: &Source) -> Result<(), StoreError> {
        if let Some(known) = &self.chain.known
            && known.len == self.len
        {
            self.continue_from(known.head.clone());
            return Ok(());
        }
        let (good, head, rest) = match self.remembered_end()? {
            Some(head) => (self.len, Some(head), Rest::Clean),
            None => self.read_end()?,
        };
        let before = self.chain.known.take();
        self.continue_from(head.clone());
        let torn = if good < self.len {
            Some(self.move_aside(good, rest)?)
        } else {
            None
        };
        // A process that lives on knows more than the file when somebody has cut it between two appends.
        let lost = before
            .and_then(|end| end.head)
            .filter(|head| head.seq >= self.next.seq);
        if let Some(lost) = lost {
            let mut draft = self.draft("gap", source)?;
            draft.set(
                "gap",
                &Gap {
                    reason: "shortened",
                    expected_seq: lost.seq,
                    expected_hash: &lost.hash,
                },
            )?;
            self.push(draft)?;
        }
        if let Some(torn) = torn {
            let mut draft = self.draft("recovery", source)?;
            draft.set("recovery", &torn)?;
            self.push(draft)?;
        } else {
            self.chain.known = Some(End {
                len: self.len,
                head,
            });
        }
        Ok(())
    }

    fn continue_from(&mut self, head: Option<Head>) {
        let options = &self.chain.options;
        self.fresh = head.is_none();
        self.next = match head {
            Some(head) => Place {
                seq: head.seq + 1,
                prev: head.hash,
            },
            None => Place {
                seq: 0,
                prev: genesis(&options.store, &options.name),
            },
        };
    }

    /// As [`Chain::remembered_end`], for who has nothing in memory.
    fn remembered_end(&mut self) -> Result<Option<Head>, StoreError> {
        if self.chain.memory.is_some() {
            return Ok(None);
        }
        let found = self.chain.remembered_end(&self.file, self.len)?;
        Ok(found.map(|(memory, head)| {
            self.chain.memory = Some(memory);
            head
        }))
    }

    /// Where the last record ends, what it says, and what follows it.
    fn read_end(&self) -> Result<(u64, Option<Head>, Rest), StoreError> {
        let mut window = FIRST_WINDOW.min(self.len);
        loop {
            let start = self.len - window;
            let bytes = self.read(start, window)?;
            if let Tail::End { good, head, rest } = read_tail(&bytes, start == 0) {
                return Ok((start + good as u64, head, rest));
            }
            if window >= LAST_WINDOW {
                return Err(StoreError::new(
                    StoreError::CORRUPTED,
                    format!(
                        "the last {window} bytes of `{}` hold no record",
                        self.chain.options.path.display()
                    ),
                ));
            }
            window = (window * 8).min(self.len).min(LAST_WINDOW);
        }
    }

    /// Copies what lies behind `good` to the recovery directory and cuts it off.
    fn move_aside(&mut self, good: u64, rest: Rest) -> Result<Recovered<'static>, StoreError> {
        let options = &self.chain.options;
        let count = self.len - good;
        let bytes = self.read(good, count)?;
        os::make_dir(&options.recovery)
            .map_err(|error| StoreError::io("create", &options.recovery, &error))?;
        let random = id::random_hex()?;
        let name = format!("{}-{}-{}.torn", options.name, self.next.seq, &random[..8]);
        let path = options.recovery.join(&name);
        os::create_whole(&path, &bytes, &random)
            .map_err(|error| StoreError::io("write", &path, &error))?;
        os::truncate(&self.file, good).map_err(|error| self.chain.error("shorten", &error))?;
        let recovered = Recovered {
            reason: match rest {
                Rest::Clean | Rest::Torn => "torn_tail",
                Rest::Unreadable => "unreadable",
            },
            offset: good,
            bytes: count,
            digest: digest(&bytes),
            moved_to: name,
        };
        self.len = good;
        self.written = good;
        Ok(recovered)
    }
}
