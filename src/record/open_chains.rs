//! The chains that a process has open. A forked child begins with none of its parent's: another thread may have held
//! their locks at that moment, and nobody in the child would ever give them back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use super::chain::Chain;
use super::turn::Queue;

/// The chains that a process has open.
#[derive(Debug)]
pub(super) struct OpenChains {
    /// Whose they are.
    pid: u32,
    pub(super) runs: Mutex<HashMap<String, Arc<Queue>>>,
    pub(super) journal: Mutex<Option<Chain>>,
    /// Those of a process that was forked off from this one; only ever set there.
    forked: OnceLock<Box<Self>>,
}

impl OpenChains {
    pub(super) fn new() -> Self {
        Self {
            pid: std::process::id(),
            runs: Mutex::default(),
            journal: Mutex::default(),
            forked: OnceLock::new(),
        }
    }

    /// Those of this process.
    pub(super) fn own(&self) -> &Self {
        let pid = std::process::id();
        let mut held = self;
        while held.pid != pid {
            held = held.forked.get_or_init(|| Box::new(Self::new()));
        }
        held
    }
}
