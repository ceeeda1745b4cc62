//! Shell text to a syntax tree, and the tree to resolved commands.
//!
//! Says what would be executed with which words; what the programs then do is the business of `actions`.

pub mod command;

use command::{Resolution, Start};

/// Resolves a shell text into the simple commands it would run. Total: any text has an answer.
#[must_use]
pub fn resolve(_source: &str, _start: &Start) -> Resolution {
    Resolution::default()
}
