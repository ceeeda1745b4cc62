//! What programs and tools do: `rules/commands` and `rules/tools`, as written and compiled.
//!
//! A table is searched where it lies and an entry decoded when it is first asked for, once for each process.

pub mod compile;
pub mod entry;
pub mod grammar;
pub mod spec;
pub mod table;

use std::sync::OnceLock;

use entry::Entry;
use table::Table;

/// Decoded at most once.
type Slot<T> = OnceLock<Option<Box<T>>>;

/// A table of postcard values of one type.
#[derive(Debug)]
pub struct Lazy<T> {
    table: Table,
    slots: Box<[Slot<T>]>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self {
            table: Table::empty(),
            slots: Box::default(),
        }
    }
}

impl<T: serde::Deserialize<'static>> Lazy<T> {
    /// The table in those bytes; `None` when they are not one.
    #[must_use]
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let table = Table::new(bytes)?;
        Some(Self {
            table,
            slots: (0..table.len()).map(|_| OnceLock::new()).collect(),
        })
    }

    /// The value with that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&T> {
        self.get(self.table.find(name)?)
    }

    /// The value with that number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&T> {
        self.slots
            .get(number)?
            .get_or_init(|| postcard::from_bytes(self.table.entry(number)?).ok())
            .as_deref()
    }

    /// The names that are looked up.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }
}

/// What programs do, by name.
pub type Commands = Lazy<Entry<'static>>;
