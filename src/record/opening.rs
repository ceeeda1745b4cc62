//! A store that is opened when it is first needed, and again after that has failed: a guard that lives long outlives a
//! full disk.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::durability::Durability;
use super::error::StoreError;
use super::gaps::Gaps;
use super::store::Store;
use crate::decision::Effect;

/// A store that is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Opening {
    home: PathBuf,
    durability: Durability,
    gaps: Arc<Gaps>,
    store: OnceLock<Store>,
}

impl Opening {
    pub(crate) fn new(home: PathBuf) -> Self {
        Self {
            gaps: Arc::new(Gaps::new(&home)),
            home,
            durability: Durability::default(),
            store: OnceLock::new(),
        }
    }

    /// The same store with another rule for what is synced before it is answered.
    pub(crate) fn with_durability(self, durability: Durability) -> Self {
        Self {
            durability,
            // Opened again when it is needed; nothing was appended yet.
            store: OnceLock::new(),
            ..self
        }
    }

    /// The store.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened now.
    pub(crate) fn get(&self) -> Result<&Store, StoreError> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = Store::open(&self.home)?
            .with_durability(self.durability)
            .with_gaps(Arc::clone(&self.gaps));
        Ok(self.store.get_or_init(|| store))
    }

    /// Remembers that a decision could not be recorded, and what was answered all the same.
    pub(crate) fn lost(&self, error: &StoreError, answered: Effect, adapter: &str) {
        let freed = error.kind == StoreError::FULL && Store::free_reserve(&self.home);
        self.gaps.remember(error, answered);
        if let (true, Ok(store)) = (freed, self.get()) {
            store.say_gap(&store.source(adapter));
        }
    }
}
