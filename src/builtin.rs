//! Tables built at compile time from `rules/`, decoded on first use.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::actions::Catalogue;
use crate::actions::catalogue::Stored;
use crate::policy::{Policy, PolicyError};
use crate::rules::book::Page;
use crate::runtime::{Contract, Index};
use crate::scan::Scanner;

/// The tables are written by the build script of the same build. Were one of them unreadable, the catalogue would be
/// empty, and everything unknown to it.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::new(Stored {
        commands: include_bytes!(concat!(env!("OUT_DIR"), "/commands.bin")),
        tools: include_bytes!(concat!(env!("OUT_DIR"), "/tools.bin")),
        guesses: include_bytes!(concat!(env!("OUT_DIR"), "/guesses.bin")),
        places: include_bytes!(concat!(env!("OUT_DIR"), "/places.bin")),
        variables: include_bytes!(concat!(env!("OUT_DIR"), "/variables.bin")),
        environment: include_bytes!(concat!(env!("OUT_DIR"), "/environment.bin")),
    })
    .unwrap_or_default()
});
static RULES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));
static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    // INVARIANT: the build script has opened these very bytes; a test opens them again.
    Scanner::from_tables(Cow::Borrowed(RULES)).unwrap_or_default()
});
static POLICY_TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.bin"));
static POLICY: LazyLock<Result<Policy, PolicyError>> =
    LazyLock::new(|| Policy::from_table(POLICY_TABLE));

/// What programs and tools do.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

/// The packs that ship.
#[must_use]
pub fn scanner() -> &'static Scanner {
    &SCANNER
}

/// A scanner of the packs that ship, to which others can be added.
#[must_use]
pub fn new_scanner() -> Scanner {
    Scanner::from_tables(Cow::Borrowed(RULES)).unwrap_or_default()
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

/// The default policy as the build script stored it.
#[must_use]
pub const fn policy_table() -> &'static [u8] {
    POLICY_TABLE
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
    fn the_packs_that_ship_are_there() {
        assert!(scanner().rules().count() > 60);
    }
}
