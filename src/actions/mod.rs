//! Tool calls to typed actions, driven by the catalogue in `rules/commands`.

pub mod action;
pub mod argv;
pub mod attributes;
pub mod build;
pub mod catalogue;
pub mod code;
pub mod engine;
pub mod environment;
pub mod kinds;
pub mod line;
pub mod own;
pub mod pattern;
pub mod place;
pub mod special;
pub mod url;
pub mod word;

pub use action::{Action, Certainty, Place, Target};
pub use catalogue::Catalogue;
pub use kinds::ActionKind;
pub use own::Own;

use crate::call::Call;
use engine::Engine;

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
pub fn understand(call: &Call, catalogue: &Catalogue) -> Understanding {
    understand_with(call, catalogue, None)
}

/// As [`understand`], with what the user says about tools and programs of their own.
#[must_use]
pub fn understand_with(call: &Call, catalogue: &Catalogue, own: Option<&Own>) -> Understanding {
    let mut engine = Engine::new(catalogue, &call.context, own);
    engine.tool(&call.tool, &call.args);
    Understanding {
        actions: engine.finish(),
        server: engine::server_of(&call.tool).map(|(server, _)| server.to_owned()),
    }
}

#[cfg(test)]
mod carried_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod folders_tests;
#[cfg(test)]
mod later_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod written_tests;
