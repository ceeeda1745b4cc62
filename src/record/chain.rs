//! One log file and its chain: lock, find the end, append, unlock.
//!
//! Safe among threads (each chain stands behind a mutex), among processes (an exclusive lock on the file) and against
//! processes that are killed at any point: what was acknowledged is in the file, and a line that was not finished is
//! moved aside by the next writer, who says so in a `recovery` record.

mod end;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use self::end::Foreseen;
use super::epoch::Epoch;
use super::error::StoreError;
use super::id;
use super::line::{Draft, Head, Place, Source};
use super::memory::{Memory, Own};
use super::state::State;
use super::turn::{Batch, Unsynced};
use super::{Appended, os};

/// First look at the end of a log; most last lines fit.
const FIRST_WINDOW: u64 = 8 * 1024;
/// A log that was not changed for so long is at rest: readers need not look at it again before its directory changes, and
/// whoever writes to it says so there first.
const AT_REST: Duration = Duration::from_secs(24 * 60 * 60);

/// How a chain is written.
#[derive(Debug, Clone)]
pub(super) struct ChainOptions {
    /// Store id.
    pub(super) store: String,
    /// Run id, or `journal`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Where torn lines are moved to.
    pub(super) recovery: PathBuf,
    /// Where the state of the run is kept beside the log.
    pub(super) state: PathBuf,
    /// Where a run is named; `None` for the journal itself.
    pub(super) named_in: Option<PathBuf>,
    pub(super) patience: Duration,
}

/// A log file, and what this process remembers of it.
#[derive(Debug)]
pub(super) struct Chain {
    options: ChainOptions,
    file: Option<Opened>,
    /// The end of the file when we last looked. Only believed while the file still has that length.
    known: Option<End>,
    /// What the run has seen, as of the end of the file when we last looked.
    memory: Option<Memory>,
    /// What was found of the end without the lock.
    foreseen: Option<Foreseen>,
    /// Records that wait for a sync. While there are any, the file stays locked.
    batch: Option<Batch>,
    /// How many threads of this process wait for this log.
    pub(super) waiting: Arc<AtomicUsize>,
}

/// An open log, and which file it is: that never changes, so the path alone is asked from then on.
#[derive(Debug, Clone)]
struct Opened {
    file: Arc<File>,
    is: os::Identity,
}

#[derive(Debug, Clone)]
struct End {
    len: u64,
    head: Option<Head>,
}

impl Chain {
    pub(super) fn new(options: ChainOptions) -> Self {
        Self {
            options,
            file: None,
            known: None,
            memory: None,
            foreseen: None,
            batch: None,
            waiting: Arc::default(),
        }
    }

    /// Whether the log is open: its file was there when somebody last wrote to it.
    pub(super) const fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Whether what is not synced yet is left to the next thread.
    pub(super) fn hands_on(&self) -> bool {
        self.batch.as_ref().is_none_or(Batch::has_room) && self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Syncs what is not synced yet, and gives the lock back that was held for it.
    pub(super) fn settle_open(&mut self) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        let Some(Opened { file, .. }) = self.file.clone() else {
            // The file is always open while records wait; dropping the batch tells them the worst all the same.
            return;
        };
        let result = os::sync(&file).map_err(|error| self.error("sync", &error));
        if result.is_err() {
            self.take_back(&file, batch.start);
        }
        if file.unlock().is_err() {
            self.file = None;
        }
        batch.tell(result);
    }

    /// Cuts off what could not be synced.
    fn take_back(&mut self, file: &File, start: u64) {
        // The run's state may have folded what goes now.
        self.forget_end();
        let _ = os::truncate(file, start);
    }

    fn forget_end(&mut self) {
        self.known = None;
        self.memory = None;
    }

    /// Reads a part of the file.
    fn read(&self, file: &File, offset: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        match os::read_at(file, &mut bytes, offset) {
            Ok(true) => Ok(bytes),
            Ok(false) => Err(StoreError::new(
                StoreError::CORRUPTED,
                format!(
                    "`{}` became shorter while it was read",
                    self.options.path.display()
                ),
            )),
            Err(error) => Err(self.error("read", &error)),
        }
    }

    /// Takes the lock and finds the end of the chain, after mending it where a writer was cut off.
    pub(super) fn lock(&mut self, source: &Source) -> Result<Locked<'_>, StoreError> {
        let foreseen = self.foreseen.take();
        let (file, found) = match self.locked_file() {
            Ok(locked) => locked,
            Err(error) => {
                if foreseen.is_some_and(|end| end.read) {
                    self.forget_end();
                }
                return Err(error);
            }
        };
        let len = found.len;
        let mut locked = Locked {
            at_rest: len > 0 && os::is_older(found.changed, AT_REST),
            len,
            written: len,
            next: Place {
                seq: 0,
                prev: String::new(),
            },
            pending: Vec::new(),
            staged: Vec::new(),
            last_start: 0,
            synced_dir: false,
            fresh: false,
            own: Own::default(),
            as_foreseen: false,
            file,
            chain: self,
        };
        if let Some(foreseen) = foreseen {
            locked.check(foreseen)?;
        }
        locked.find_end(source)?;
        Ok(locked)
    }

    /// The open file, locked, and what it is; opened anew when the path names another file by now.
    fn locked_file(&mut self) -> Result<(Arc<File>, os::Identity), StoreError> {
        if let (Some(_), Some(opened)) = (&self.batch, &self.file) {
            // Locked by the thread before.
            let file = Arc::clone(&opened.file);
            let own = os::stat(&file).map_err(|error| self.error("look at", &error))?;
            return Ok((file, own));
        }
        for _ in 0..8 {
            let Opened { file, is } = match &self.file {
                Some(opened) => opened.clone(),
                None => {
                    self.known = None;
                    let opened = self.open()?;
                    self.file = Some(opened.clone());
                    opened
                }
            };
            if let Err(error) = os::lock(&file, self.options.patience) {
                // The helper thread may still hold this descriptor's place in the queue.
                self.file = None;
                return Err(self.error("lock", &error));
            }
            match os::stat_path(&self.options.path) {
                Ok(Some(named)) if named.is_file_of(&is) => return Ok((file, named)),
                Ok(_) => {
                    let _ = file.unlock();
                    self.file = None;
                }
                Err(error) => {
                    let _ = file.unlock();
                    return Err(self.error("look at", &error));
                }
            }
        }
        Err(StoreError::new(
            StoreError::BUSY,
            format!(
                "`{}` is being replaced again and again",
                self.options.path.display()
            ),
        ))
    }

    fn open(&self) -> Result<Opened, StoreError> {
        let file = match os::open_log(&self.options.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = self.options.path.parent() {
                    os::make_dir(parent)
                        .map_err(|error| self.error("create the directory of", &error))?;
                }
                os::open_log(&self.options.path)
            }
            other => other,
        }
        .map_err(|error| self.error("open", &error))?;
        let is = os::stat(&file).map_err(|error| self.error("look at", &error))?;
        Ok(Opened {
            file: Arc::new(file),
            is,
        })
    }

    fn error(&self, what: &str, error: &io::Error) -> StoreError {
        StoreError::io(what, &self.options.path, error)
    }
}

/// A chain whose lock we hold. Records are pushed, then committed in one write; dropping it gives the lock back.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    chain: &'a mut Chain,
    file: Arc<File>,
    /// End of what is in the file.
    len: u64,
    /// End of the file when we took the lock, after mending.
    written: u64,
    next: Place,
    pending: Vec<u8>,
    staged: Vec<Appended>,
    /// Where the last staged line begins in `pending`.
    last_start: usize,
    synced_dir: bool,
    /// Whether the file held no record when we took the lock.
    fresh: bool,
    /// Whether nobody had written to it for long when we took the lock.
    at_rest: bool,
    /// What is staged, as far as it is remembered.
    own: Own,
    /// Whether the log ends where it was foreseen to.
    as_foreseen: bool,
}

/// What a search from the end of a log came to.
pub(super) enum Search<T> {
    Found(T),
    /// The whole log was read: there is none.
    Absent,
    /// The log is longer than is read back.
    GivenUp,
}

impl Locked<'_> {
    /// Whether the file holds no record yet. (A `recovery` record may be staged all the same.)
    pub(super) const fn is_new(&self) -> bool {
        self.fresh
    }

    /// Length of the file.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Reads a part of the file.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        self.chain.read(&self.file, offset, length)
    }

    /// Whether the log ends in the record in which it ended when [`Chain::foresee`] looked.
    pub(super) const fn is_as_foreseen(&self) -> bool {
        self.as_foreseen
    }

    /// What the records in the file say that the run has seen. What is staged counts once it is committed.
    pub(super) fn state(&mut self) -> Result<&State, StoreError> {
        self.memory().map(Memory::state)
    }

    /// The epoch that the end of the file belongs to.
    pub(super) fn epoch(&mut self) -> Result<&Epoch, StoreError> {
        self.memory().map(Memory::epoch)
    }

    fn memory(&mut self) -> Result<&Memory, StoreError> {
        let held = self.chain.memory.take();
        let memory = Memory::of(held, self, &self.chain.options.state)?;
        Ok(self.chain.memory.insert(memory))
    }

    /// The hash of the last record in the file, `sha256:…`, when what stands there is known; of a log that holds none,
    /// nothing.
    pub(super) fn last_hash(&self) -> Option<&str> {
        let known = self.chain.known.as_ref()?;
        let head = (known.len == self.len).then_some(known.head.as_ref())?;
        Some(head.map_or("", |head| head.hash.as_str()))
    }

    /// Keeps what the run has seen for the next process, when that is worth it; what is not kept is folded again by it.
    pub(super) fn remember(&mut self) {
        let memory = self.chain.memory.as_ref();
        if !memory.is_some_and(|memory| memory.is_worth_saving(self.len)) {
            return;
        }
        if self.memory().is_ok()
            && let Some(memory) = &mut self.chain.memory
        {
            memory.save(&self.chain.options.state);
        }
    }

    /// Position and hash of the last record, staged ones included; `None` when there is none.
    pub(super) fn head(&self) -> Option<(u64, &str)> {
        let last = self.next.seq.checked_sub(1)?;
        Some((last, &self.next.prev))
    }

    /// Length of the file once what is staged is written.
    pub(super) fn end(&self) -> u64 {
        self.len + self.pending.len() as u64
    }

    /// Says which epoch the log's end belongs to once what is staged is written.
    pub(super) fn set_epoch(&mut self, epoch: Epoch) {
        self.own.set_epoch(epoch);
    }

    /// Records that are staged and not written yet.
    pub(super) fn staged(&self) -> &[Appended] {
        &self.staged
    }

    /// As [`Locked::commit`], also when nothing is staged.
    pub(super) fn commit_staged(&mut self, durable: bool) -> Result<(), StoreError> {
        if self.staged.is_empty() {
            return Ok(());
        }
        self.commit(durable).map(drop)
    }

    /// Shows every whole line of the file and every staged one, without newline, from the first on.
    pub(super) fn each_line(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        const STEP: u64 = 1024 * 1024;
        let mut held: Vec<u8> = Vec::new();
        let mut at = 0;
        while at < self.len {
            let count = STEP.min(self.len - at);
            held.extend(self.read(at, count)?);
            at += count;
            let mut begin = 0;
            for end in memchr::memchr_iter(b'\n', &held) {
                visit(&held[begin..end]);
                begin = end + 1;
            }
            held.drain(..begin);
        }
        let mut begin = 0;
        for end in memchr::memchr_iter(b'\n', &self.pending) {
            visit(&self.pending[begin..end]);
            begin = end + 1;
        }
        Ok(())
    }

    /// The lines of the file from the last one back, without newlines, until one gives something, or so many bytes.
    pub(super) fn search_back<T>(
        &self,
        most: u64,
        mut look: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<Search<T>, StoreError> {
        const STEP: u64 = 64 * 1024;
        let mut end = self.len;
        let stop = end.saturating_sub(most);
        let mut step = FIRST_WINDOW;
        let mut held: Vec<u8> = Vec::new();
        while end > stop {
            let start = end.saturating_sub(step).max(stop);
            step = STEP;
            let mut window = self.read(start, end - start)?;
            window.append(&mut held);
            // The first line of the window is whole only at the beginning of the file; else it is kept for the next round.
            let first = if start == 0 {
                0
            } else {
                memchr::memchr(b'\n', &window).map_or(window.len(), |at| at + 1)
            };
            let mut rest = &window[first..];
            loop {
                let begin = memchr::memrchr(b'\n', rest).map_or(0, |at| at + 1);
                if let Some(found) = look(&rest[begin..]) {
                    return Ok(Search::Found(found));
                }
                match begin.checked_sub(1) {
                    Some(end) => rest = &rest[..end],
                    None => break,
                }
            }
            held = window[..first].to_vec();
            end = start;
        }
        Ok(if stop == 0 {
            Search::Absent
        } else {
            Search::GivenUp
        })
    }

    fn draft(&self, kind: &str, source: &Source) -> Result<Draft, StoreError> {
        let options = &self.chain.options;
        Draft::new(kind, id::new_id(), &options.store, &options.name, source)
    }

    /// Stages a record as the next of the chain.
    pub(super) fn push(&mut self, mut draft: Draft) -> Result<(), StoreError> {
        let record = draft.id.clone();
        let seq = self.next.seq;
        self.last_start = self.pending.len();
        let stamp = draft.stamp(&self.next);
        let remembered = self.chain.memory.is_some();
        let excerpt = remembered.then(|| draft.for_folds(&stamp));
        let hash = draft.seal(&self.next, &stamp, &mut self.pending)?;
        if let Some(excerpt) = excerpt {
            self.own.push(excerpt, &self.next.prev);
        }
        self.next = Place {
            seq: seq + 1,
            prev: hash.clone(),
        };
        self.staged.push(Appended {
            id: record,
            seq,
            hash,
            line: Vec::new(),
        });
        Ok(())
    }

    /// Writes everything staged, at once; on return it survives the end of this process, and with `durable` the loss
    /// of power. On an error the file is as it was.
    pub(super) fn commit(&mut self, durable: bool) -> Result<Appended, StoreError> {
        // Of one that hands nothing on there is nothing to wait for.
        self.write(durable, false).map(|(appended, _)| appended)
    }

    /// As [`Locked::commit`], but where other threads wait for this log the sync may be left to them: the record is there
    /// once that is settled, for which to wait when the log is given back.
    pub(super) fn commit_shared(
        &mut self,
        durable: bool,
    ) -> Result<(Appended, Unsynced), StoreError> {
        self.write(durable, true)
    }

    fn write(&mut self, durable: bool, share: bool) -> Result<(Appended, Unsynced), StoreError> {
        let Some(mut last) = self.staged.last().cloned() else {
            return Err(StoreError::new(StoreError::CORRUPTED, "nothing was staged"));
        };
        if durable {
            self.sync_start()?;
        }
        if std::mem::take(&mut self.at_rest)
            && let Some(parent) = self.chain.options.path.parent()
        {
            // When this fails, lists show the record later than they could.
            let _ = os::touch_dir(parent);
        }
        // Until the write is known to have happened, the next append must look for itself.
        self.chain.known = None;
        os::append(&self.file, self.len, &self.pending)
            .map_err(|error| self.chain.error("append to", &error))?;
        let before = self.len;
        let end = before + self.pending.len() as u64;
        let mut unsynced = Unsynced::settled();
        // What stands behind records that are not synced goes when they go, and so it waits for the same sync.
        if durable || self.chain.batch.is_some() {
            if share && self.chain.hands_on() {
                let batch = self.chain.batch.get_or_insert_with(|| Batch::new(before));
                unsynced = batch.join();
            } else {
                self.settle()?;
            }
        }
        self.len = end;
        last.line = self.pending.split_off(self.last_start);
        last.line.pop();
        self.pending.clear();
        let count = self.staged.drain(..).count();
        let head = Head {
            seq: last.seq,
            hash: last.hash.clone(),
        };
        self.chain.known = Some(End {
            len: end,
            head: Some(head.clone()),
        });
        let own = std::mem::take(&mut self.own);
        if own.len() == count
            && let Some(memory) = &mut self.chain.memory
        {
            memory.take_own(own, before, end, &head);
        }
        if durable && let Some(memory) = &mut self.chain.memory {
            memory.set_start_synced();
        }
        Ok((last, unsynced))
    }

    /// Syncs the line that names the run, and the names of the files, where the run began with records that were not
    /// synced: without them the record that is to be safe would belong to a run that nobody knows of.
    fn sync_start(&mut self) -> Result<(), StoreError> {
        let Some(journal) = self.chain.options.named_in.clone() else {
            return Ok(());
        };
        // A run that begins is named and synced by whoever begins it.
        if self.written == 0 || self.memory()?.start_is_synced() {
            return Ok(());
        }
        match os::open_read(&journal).and_then(|file| os::sync(&file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("sync", &journal, &error));
            }
            _ => {}
        }
        for file in [&journal, &self.chain.options.path] {
            if let Some(parent) = file.parent() {
                os::sync_dir(parent).map_err(|error| StoreError::io("sync", parent, &error))?;
            }
        }
        Ok(())
    }

    /// Syncs what was written, and with it what was left unsynced before. Under the lock: what cannot be synced is cut off
    /// again, which nobody could do once others have appended behind it.
    fn settle(&mut self) -> Result<(), StoreError> {
        let result = self.sync();
        let start = self
            .chain
            .batch
            .as_ref()
            .map_or(self.len, |batch| batch.start);
        if result.is_err() {
            self.chain.take_back(&self.file, start);
            self.len = start;
        }
        if let Some(batch) = self.chain.batch.take() {
            batch.tell(result.clone());
        }
        result
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        os::sync(&self.file).map_err(|error| self.chain.error("sync", &error))?;
        // A file that is new to this lock holder may have a name that is not on the disk yet.
        if self.written == 0
            && !self.synced_dir
            && let Some(parent) = self.chain.options.path.parent()
        {
            os::sync_dir(parent).map_err(|error| StoreError::io("sync", parent, &error))?;
            self.synced_dir = true;
        }
        Ok(())
    }

    /// Takes back what this lock holder committed.
    pub(super) fn roll_back(&mut self) {
        self.chain.known = None;
        // When this fails, a run stays named in the journal that never began; `verify` says so.
        let _ = os::truncate(&self.file, self.written);
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.chain.batch.is_some() {
            // Locked until what was written is synced, by this thread's turn or by the next one's.
            return;
        }
        // Closing the descriptor gives the lock back too; a failure here only delays that.
        if self.file.unlock().is_err() {
            self.chain.file = None;
        }
    }
}
