//! Tables built at compile time from `rules/`, decoded on first use.

use std::sync::LazyLock;

use crate::actions::Catalogue;
use crate::actions::catalogue::Stored;
use crate::policy::Policy;
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
