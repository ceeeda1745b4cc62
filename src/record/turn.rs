//! Threads of one process that append to one log take turns, and share a sync.
//!
//! A thread whose record must be synced while others already wait for the log does not sync: it hands the log on, still
//! locked against other processes, and waits. Who comes last syncs for all that were written since, and tells them. Nobody
//! is answered before that, and no other process can append behind a record that may still have to be cut off: when the
//! sync fails, everything since the first of them is taken back, and each of them is told so.
//!
//! Processes do not share one: a record that cannot be synced must be cut off, which nobody can do once another process
//! has appended behind it and answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::chain::{Chain, Locked};
use super::error::StoreError;
use super::line::{Draft, Source};
use super::state::State;

/// How many records share a sync at most, so that other processes get their turn.
const MOST: usize = 32;

/// A log and the threads of this process that wait for it.
#[derive(Debug)]
pub(super) struct Queue {
    chain: Mutex<Chain>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn new(mut chain: Chain) -> Self {
        let waiting = Arc::default();
        chain.waiting = Arc::clone(&waiting);
        Self {
            chain: Mutex::new(chain),
            waiting,
        }
    }

    /// Waits for the log.
    pub(super) fn turn(&self) -> Turn<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // A panic elsewhere must not stop the record: every append looks at the file again.
        let chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        // Given up while the log is held: who holds it and sees somebody wait knows that they will come.
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        Turn { chain }
    }

    /// How many threads wait for it.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}

/// The log is this thread's until it drops this. What was left unsynced is then synced, unless another thread waits that
/// will do it.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    chain: MutexGuard<'a, Chain>,
}

impl Turn<'_> {
    /// As [`Chain::is_open`].
    pub(super) fn is_open(&self) -> bool {
        self.chain.is_open()
    }

    /// As [`Chain::foresee`].
    pub(super) fn foresee(&mut self) -> Option<&State> {
        self.chain.foresee()
    }

    /// As [`Chain::seal_ahead`].
    pub(super) fn seal_ahead(&self, draft: &mut Draft) -> Result<(), StoreError> {
        self.chain.seal_ahead(draft)
    }

    /// As [`Chain::lock`]; what other threads left unsynced is synced first.
    pub(super) fn lock(&mut self, source: &Source) -> Result<Locked<'_>, StoreError> {
        self.chain.settle_open();
        self.chain.lock(source)
    }

    /// As [`Chain::lock`], to append behind what other threads left unsynced.
    pub(super) fn lock_shared(&mut self, source: &Source) -> Result<Locked<'_>, StoreError> {
        self.chain.lock(source)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.chain.hands_on() {
            self.chain.settle_open();
        }
    }
}

/// Records that are written and wait for one sync.
#[derive(Debug)]
pub(super) struct Batch {
    /// Length of the log before the first of them.
    pub(super) start: u64,
    pub(super) count: usize,
    told: Arc<Told>,
}

impl Batch {
    pub(super) fn new(start: u64) -> Self {
        Self {
            start,
            count: 0,
            told: Arc::default(),
        }
    }

    /// Whether another record may be added.
    pub(super) const fn has_room(&self) -> bool {
        self.count < MOST
    }

    /// Adds a record, which is settled when this says so.
    pub(super) fn join(&mut self) -> Unsynced {
        self.count += 1;
        Unsynced(Some(Arc::clone(&self.told)))
    }

    /// Tells everybody how the sync went.
    pub(super) fn tell(self, result: Result<(), StoreError>) {
        self.told.say(result);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Nobody may wait for ever; who was told already is not told again.
        let error = StoreError::new(StoreError::UNWRITABLE, "the record was not synced");
        self.told.say(Err(error));
    }
}

#[derive(Debug, Default)]
struct Told {
    result: Mutex<Option<Result<(), StoreError>>>,
    said: Condvar,
}

impl Told {
    fn say(&self, result: Result<(), StoreError>) {
        self.result
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(result);
        self.said.notify_all();
    }
}

/// A record that is written, and perhaps waits for a sync that others share.
#[must_use = "a record is there only when it is settled"]
#[derive(Debug)]
pub(super) struct Unsynced(Option<Arc<Told>>);

impl Unsynced {
    /// One that waits for nothing.
    pub(super) const fn settled() -> Self {
        Self(None)
    }

    /// Waits for the sync. Not to be called by a thread that holds the log, for which the others may be waiting.
    pub(super) fn wait(self) -> Result<(), StoreError> {
        let Some(told) = self.0 else { return Ok(()) };
        let mut result = told.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = result.as_ref() {
                return result.clone();
            }
            result = told
                .said
                .wait(result)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
