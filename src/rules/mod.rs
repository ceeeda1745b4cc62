//! Rule packs: what people write, what it compiles to, and the search for the literals that lead to a rule.
//!
//! Nothing here knows a text's origin, decides, or redacts.

pub mod allow;
pub mod alphabet;
pub mod book;
pub mod codec;
pub mod compile;
pub mod error;
pub mod example;
pub mod layout;
pub mod lexicon;
mod marvin;
pub mod mnemonic;
pub mod number;
pub mod rule;
pub mod runs;
pub mod shape;
pub mod spec;
pub mod tables;
pub mod verify;

pub use allow::Allowed;
pub use error::RuleError;
pub use rule::{Form, Rule};
pub use runs::Runs;
pub use tables::Tables;
