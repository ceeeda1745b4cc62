//! Tables built at compile time from `rules/`, decoded on first use.

use std::sync::LazyLock;

use crate::actions::Catalogue;
use crate::policy::Policy;
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
