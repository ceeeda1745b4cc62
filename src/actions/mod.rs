//! Tool calls to typed actions, driven by the catalogue in `rules/commands`.

pub mod action;
pub mod catalogue;
pub mod code;
pub mod kinds;
pub mod pattern;
pub mod place;
pub mod url;

pub use action::{Action, Certainty, Place, Target};
pub use kinds::ActionKind;

use crate::call::Call;

/// What programs and tools do: the compiled form of `rules/commands`.
#[derive(Debug, Default)]
pub struct Catalogue {}

/// What a call would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Understanding {
    /// The actions, in source order. Empty: proven to do nothing outside its own process.
    pub actions: Vec<Action>,
    /// The MCP server, when the tool is one's.
    pub server: Option<String>,
}

/// Understands a call. Pure and total.
#[must_use]
pub fn understand(_call: &Call, _catalogue: &Catalogue) -> Understanding {
    Understanding::default()
}
pub mod build;
