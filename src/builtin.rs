//! Tables built at compile time from `rules/`, decoded on first use.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use crate::actions::Catalogue;
use crate::actions::catalogue::Bytes;
use crate::actions::catalogue::source::Text;
use crate::policy::{Policy, PolicyError};
use crate::rules::book::Page;
use crate::runtime::{Contract, Index};
use crate::scan::Scanner;

static CATALOGUE: LazyLock<Option<Catalogue>> = LazyLock::new(|| {
    Catalogue::new(Bytes {
        commands: include_bytes!(concat!(env!("OUT_DIR"), "/commands.bin")),
        tools: include_bytes!(concat!(env!("OUT_DIR"), "/tools.bin")),
        guesses: include_bytes!(concat!(env!("OUT_DIR"), "/guesses.bin")),
        places: include_bytes!(concat!(env!("OUT_DIR"), "/places.bin")),
        variables: include_bytes!(concat!(env!("OUT_DIR"), "/variables.bin")),
        environment: include_bytes!(concat!(env!("OUT_DIR"), "/environment.bin")),
    })
});
static NO_CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);
static RULES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));
static SCANNER: LazyLock<Option<Scanner>> =
    LazyLock::new(|| Scanner::from_tables(Cow::Borrowed(RULES)));
static NO_SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::default);
static POLICY_TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.bin"));
static POLICY_TABLE_TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/policy.txt"));
static POLICY: LazyLock<Result<Policy, PolicyError>> =
    LazyLock::new(|| Policy::from_table(POLICY_TABLE, POLICY_TABLE_TEXT));

/// A table of this program cannot be read: the file that it was started from is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged {
    /// What it says.
    what: &'static str,
}

impl Damaged {
    /// For programs.
    pub const KIND: &'static str = "tables_damaged";

    #[cfg(test)]
    pub(crate) const fn of_rules() -> Self {
        Self {
            what: "what secrets look like",
        }
    }

    fn look(catalogue: bool, scanner: bool) -> Result<(), Self> {
        match (catalogue, scanner) {
            (true, true) => Ok(()),
            (false, _) => Err(Self {
                what: "what programs do",
            }),
            (true, false) => Err(Self {
                what: "what secrets look like",
            }),
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "this program's table of {} cannot be read: install it again",
            self.what
        )
    }
}

impl std::error::Error for Damaged {}

/// Whether what was built in can be used. Nothing may be judged, scanned or recorded before this was asked: of a table
/// that cannot be read nothing is known, which must not look like nothing found.
///
/// # Errors
/// [`Damaged`] when a table cannot be read.
pub fn sound() -> Result<(), Damaged> {
    Damaged::look(CATALOGUE.is_some(), SCANNER.is_some())
}

/// What programs and tools do; nothing where [`sound`] says so.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    CATALOGUE.as_ref().unwrap_or_else(|| &NO_CATALOGUE)
}

/// The catalogue that ships, as it is written.
#[must_use]
pub fn catalogue_texts() -> Vec<Text> {
    // INVARIANT: the build script wrote these very bytes; a test reads them.
    postcard::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.bin")))
        .unwrap_or_default()
}

/// The packs that ship; none where [`sound`] says so.
#[must_use]
pub fn scanner() -> &'static Scanner {
    SCANNER.as_ref().unwrap_or_else(|| &NO_SCANNER)
}

/// A scanner of the packs that ship, to which others can be added.
///
/// # Errors
/// [`Damaged`] when they cannot be read.
pub fn new_scanner() -> Result<Scanner, Damaged> {
    sound()?;
    Scanner::from_tables(Cow::Borrowed(RULES)).ok_or(Damaged {
        what: "what secrets look like",
    })
}

static BOOK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/book.bin"));

/// What is written about the rules that ship, in their order.
#[must_use]
pub fn book() -> Vec<Page> {
    // INVARIANT: the build script wrote these very bytes; a test reads them.
    postcard::from_bytes(BOOK).unwrap_or_default()
}

/// The default policy.
///
/// # Errors
/// When the table in this binary is not one; a test reads it.
pub fn policy() -> Result<&'static Policy, &'static PolicyError> {
    POLICY.as_ref()
}

/// The default policy as the build script stored it: the table and its text.
#[must_use]
pub const fn policy_table() -> (&'static [u8], &'static str) {
    (POLICY_TABLE, POLICY_TABLE_TEXT)
}

/// The canonical bytes of the default policy, whose SHA-256 is its digest: what a store keeps beside its records.
#[must_use]
pub const fn policy_text() -> &'static [u8] {
    include_bytes!("../rules/policies/default.json")
}

/// The canonical bytes of the policy that ships under that name.
#[must_use]
pub fn named_policy_text(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "default" => policy_text(),
        "strict" => include_bytes!("../rules/policies/strict.json"),
        "observe" => include_bytes!("../rules/policies/observe.json"),
        _ => return None,
    })
}

/// The names of tools that agent runtimes bring, as they write them.
///
/// # Errors
/// When the file in this binary is not what the build read; a test reads it.
pub fn tool_names() -> Result<Vec<String>, toml::de::Error> {
    #[derive(serde::Deserialize)]
    struct File {
        tool: Vec<Tool>,
    }
    #[derive(serde::Deserialize)]
    struct Tool {
        names: Vec<String>,
    }
    let file: File = toml::from_str(include_str!("../rules/tools/runtimes.toml"))?;
    Ok(file.tool.into_iter().flat_map(|tool| tool.names).collect())
}

static RUNTIMES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/runtimes.bin"));

/// The runtimes whose hooks are known, by name.
#[must_use]
pub fn runtimes() -> Option<Index<'static>> {
    Index::decode(RUNTIMES)
}

/// The hook contract of the runtime with that name or alias.
#[must_use]
pub fn runtime(name: &str) -> Option<Contract<'static>> {
    runtimes()?.find(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_ships_can_be_read_about() {
        let source = crate::actions::catalogue::source::Source::new(&catalogue_texts());
        let mut held = 0;
        for (_, entry) in source.entries() {
            assert!(source.line(&entry.name).is_some(), "{}", entry.name);
            if let Some(compiled) = catalogue().commands.find(&entry.name) {
                assert_eq!(
                    compiled.effects.len(),
                    source.effects(&entry.name).len(),
                    "{}",
                    entry.name
                );
                held += 1;
            }
        }
        assert!(held > 400, "{held}");
    }

    #[test]
    fn every_rule_that_ships_has_its_page() {
        let pages: Vec<String> = book().into_iter().map(|page| page.id).collect();
        let rules: Vec<&str> = scanner().rules().map(|rule| rule.id.as_str()).collect();
        assert_eq!(pages, rules);
    }

    #[test]
    fn the_tools_of_runtimes_are_named() {
        let names = tool_names().unwrap();
        assert!(names.iter().any(|name| name == "Bash") && names.len() > 100);
    }

    #[test]
    fn what_ships_is_sound_and_what_is_cut_off_is_not() {
        assert_eq!(sound(), Ok(()));
        for end in [0, 8, RULES.len() / 2] {
            assert!(Scanner::from_tables(Cow::Borrowed(&RULES[..end])).is_none());
        }
        assert!(Damaged::look(false, true).is_err());
        let told = Damaged::look(true, false).expect_err("a scanner is missing");
        assert_eq!(
            told.to_string(),
            "this program's table of what secrets look like cannot be read: install it again"
        );
    }

    #[test]
    fn the_packs_that_ship_are_there() {
        assert!(scanner().rules().count() > 60);
    }
}
