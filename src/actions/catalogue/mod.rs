//! What programs and tools do: `rules/commands` and `rules/tools`, as written and compiled.
//!
//! A table is searched where it lies and an entry decoded when it is first asked for, once for each process.

pub mod compile;
pub mod effects;
pub mod entry;
pub mod grammar;
pub mod options;
pub mod source;
pub mod spec;
pub mod table;
pub mod tools;
pub mod words;

use std::sync::{Arc, OnceLock};

use entry::Entry;
use table::Table;
use tools::Guess;

use super::environment::Variables;
use super::special::Rules;
use crate::held::Slots;
use crate::shell::command::{Listed, Usual};

/// A table of postcard values of one type.
#[derive(Debug)]
pub struct Lazy<T> {
    table: Table,
    /// Decoded at most once.
    slots: Slots<Option<Box<T>>>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self {
            table: Table::empty(),
            slots: Slots::new(0),
        }
    }
}

/// What a table may hold.
pub trait Stored: serde::Deserialize<'static> {
    /// Called after a value was decoded, with the table it lies in.
    fn attach(&mut self, _table: Table) {}
}

impl<T: serde::Deserialize<'static>> Stored for Vec<T> {}

impl Stored for Entry<'static> {
    fn attach(&mut self, table: Table) {
        self.options.attach(table);
    }
}

impl<T: Stored> Lazy<T> {
    /// The table in those bytes; `None` when they are not one.
    #[must_use]
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let table = Table::new(bytes)?;
        Some(Self {
            table,
            slots: Slots::new(table.len()),
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
            .get_or_init(number, || {
                let mut value: Box<T> =
                    Box::new(postcard::from_bytes(self.table.entry(number)?).ok()?);
                value.attach(self.table);
                Some(value)
            })?
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

/// Everything the engine looks up: the compiled form of `rules/commands`, `rules/tools` and `rules/places`.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// What programs do.
    pub commands: Commands,
    /// What tools of agent runtimes do.
    pub tools: Commands,
    /// Files that mean more than their place.
    pub places: Rules,
    /// Variables that make programs do something else.
    pub variables: Variables,
    environment: &'static [u8],
    decoded_environment: OnceLock<(Usual, Arc<Listed>)>,
    guesses: &'static [u8],
    decoded_guesses: OnceLock<Vec<Guess<'static>>>,
}

/// The tables that the build script writes, in stored form.
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    /// `commands.bin`
    pub commands: &'static [u8],
    /// `tools.bin`
    pub tools: &'static [u8],
    /// `guesses.bin`
    pub guesses: &'static [u8],
    /// `places.bin`
    pub places: &'static [u8],
    /// `variables.bin`
    pub variables: &'static [u8],
    /// `environment.bin`
    pub environment: &'static [u8],
}

impl Catalogue {
    /// The catalogue in those tables; `None` when one of them is none.
    #[must_use]
    pub fn new(stored: Bytes) -> Option<Self> {
        Some(Self {
            commands: Lazy::new(stored.commands)?,
            tools: Lazy::new(stored.tools)?,
            places: Lazy::new(stored.places)?,
            variables: Lazy::new(stored.variables)?,
            environment: stored.environment,
            decoded_environment: OnceLock::new(),
            guesses: stored.guesses,
            decoded_guesses: OnceLock::new(),
        })
    }

    /// Variables that are set in nearly every environment, with their usual values, sorted by name.
    #[must_use]
    pub fn environment(&self) -> Usual {
        Arc::clone(&self.taken_for_granted().0)
    }

    /// What variables hold and commands print nearly everywhere, besides that.
    #[must_use]
    pub fn usual(&self) -> Arc<Listed> {
        Arc::clone(&self.taken_for_granted().1)
    }

    fn taken_for_granted(&self) -> &(Usual, Arc<Listed>) {
        self.decoded_environment.get_or_init(|| {
            let (set, printed): (&'static str, Listed) =
                postcard::from_bytes(self.environment).unwrap_or_default();
            let mut words = words::each(set);
            let pairs = std::iter::from_fn(|| words.next().zip(words.next()));
            (pairs.collect(), Arc::new(printed))
        })
    }

    /// What tools that are not known by name do, in order of precedence.
    #[must_use]
    pub fn guesses(&self) -> &[Guess<'static>] {
        self.decoded_guesses
            .get_or_init(|| postcard::from_bytes(self.guesses).unwrap_or_default())
    }
}
