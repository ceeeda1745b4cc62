//! Files and streams of any length: what a scan of the whole would find, a window at a time.
//!
//! Between `scan`, which takes one text, and the front, which opens files and prints: windows over a stream, places by
//! line and column, which findings are wanted or known, and how they are reported. Opens nothing and prints nothing.

pub mod baseline;
pub mod complete;
pub mod place;
pub mod report;
pub mod sarif;
pub mod select;
pub mod utf16;
pub mod window;

use crate::call::Surface;
use crate::scan::{Finding, Scanner};

/// What finds. A scanner does; tests bring smaller ones.
pub trait Finder: Sync {
    /// Every finding of a text, sorted by start.
    fn find(&self, bytes: &[u8], surface: Surface) -> Vec<Finding>;
}

impl Finder for Scanner {
    fn find(&self, bytes: &[u8], surface: Surface) -> Vec<Finding> {
        self.scan(bytes, surface)
    }
}
