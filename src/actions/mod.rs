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

use crate::call::{Call, Context};
use crate::facts::{FetchedFile, Left};
use crate::json::Value;
use engine::Engine;

/// What a call would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Understanding {
    /// The actions, in source order. Empty: proven to do nothing outside its own process.
    pub actions: Vec<Action>,
    /// The MCP server, when the tool is one's.
    pub server: Option<String>,
    /// What it would leave for later calls.
    pub left: Left,
}

/// Understands a call. Pure and total.
#[must_use]
pub fn understand(call: &Call, catalogue: &Catalogue) -> Understanding {
    understand_with(call, catalogue, None)
}

/// As [`understand`], with what the user says about tools and programs of their own.
#[must_use]
pub fn understand_with(call: &Call, catalogue: &Catalogue, own: Option<&Own>) -> Understanding {
    let engine = Engine::new(catalogue, &call.context, own);
    understood(engine, &call.tool, &call.args)
}

/// As [`understand_with`], of a call in a run whose earlier calls brought `fetched` from the network.
#[must_use]
pub fn understand_after(
    fetched: &[FetchedFile],
    (tool, args, context): (&str, &Value, &Context),
    catalogue: &Catalogue,
    own: Option<&Own>,
) -> Understanding {
    let engine = Engine::new(catalogue, context, own).knowing(fetched);
    understood(engine, tool, args)
}

fn understood(mut engine: Engine<'_>, tool: &str, args: &Value) -> Understanding {
    engine.tool(tool, args);
    let left = engine.left();
    Understanding {
        actions: engine.finish(),
        server: engine::server_of(tool).map(|(server, _)| server.to_owned()),
        left,
    }
}

#[cfg(test)]
mod carried_tests;
#[cfg(test)]
mod doubt_tests;
#[cfg(test)]
mod earlier_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod folders_tests;
#[cfg(test)]
mod later_tests;
#[cfg(test)]
mod moves_tests;
#[cfg(test)]
mod outlets_tests;
#[cfg(test)]
mod proofs_tests;
#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod written_tests;
