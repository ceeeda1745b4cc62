//! Tables built at compile time from `rules/`, decoded on first use.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::actions::Catalogue;
use crate::policy::Policy;
use crate::rules::book::Page;
use crate::runtime::{Contract, Index};
use crate::scan::Scanner;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);
static RULES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));
static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    // INVARIANT: the build script has opened these very bytes; a test opens them again.
    Scanner::from_tables(Cow::Borrowed(RULES)).unwrap_or_default()
});
static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);

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
#[must_use]
pub fn policy() -> &'static Policy {
    &POLICY
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
    fn the_packs_that_ship_are_there() {
        assert!(scanner().rules().count() > 60);
    }
}
