//! The straight line: understand, decide, record, answer, in that order and only here.

use std::path::PathBuf;

use crate::call::{Call, Text};
use crate::decision::Decision;
use crate::record::{Appended, Outcome, StoreError};

/// How a guard is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where store, policy and keys live. `None`: nothing is recorded and the built-in policy decides.
    pub home: Option<PathBuf>,
}

/// Decides calls. Safe to share between threads.
#[derive(Debug)]
pub struct Guard {}

impl Guard {
    /// Sets up a guard. Never fails: what is broken (policy, store) is answered at each call, strictly.
    #[must_use]
    pub fn open(_options: &Options) -> Self {
        Self {}
    }

    /// Understands, decides, records and answers a call.
    #[must_use]
    pub fn check(&self, _call: Call) -> Decision {
        unimplemented!("the straight line")
    }

    /// As [`Guard::check`], for a text by itself.
    #[must_use]
    pub fn check_text(&self, _text: Text) -> Decision {
        unimplemented!("the straight line")
    }

    /// Records what the runtime did with a decision.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be recorded.
    pub fn outcome(&self, _outcome: &Outcome) -> Result<Appended, StoreError> {
        unimplemented!("the straight line")
    }
}
