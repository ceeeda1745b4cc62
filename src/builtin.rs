//! Tables built at compile time from `rules/`, decoded on first use.

use std::sync::LazyLock;

use crate::actions::Catalogue;
use crate::policy::Policy;
use crate::runtime::{Contract, Index};
use crate::scan::Scanner;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);
static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::default);
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

/// The default policy.
#[must_use]
pub fn policy() -> &'static Policy {
    &POLICY
}

/// The canonical bytes of the default policy, whose SHA-256 is its digest: what a store keeps beside its records.
#[must_use]
pub const fn policy_text() -> &'static [u8] {
    b""
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
