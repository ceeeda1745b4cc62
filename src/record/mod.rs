//! The record: envelope, canonical bytes, redaction marks, append protocol.
//!
//! The only part of the core that touches the disk, and it does so in one file (`os`). Everything that reaches it is
//! redacted already; it judges nothing and hides nothing. The format is described for readers in
//! `python/armorer_guard/records/FORMAT.md`, and read by a verifier that shares no code with this writer.

pub mod about;
mod chain;
mod clock;
pub mod columns;
mod digests;
pub mod durability;
mod epoch;
mod error;
mod event;
mod gaps;
mod id;
mod journal;
mod keys;
pub mod kinds;
pub mod line;
mod memory;
#[cfg(test)]
mod memory_tests;
pub mod merkle;
pub mod note;
mod objects;
mod open_chains;
pub(crate) mod opening;
mod os;
mod retain;
#[cfg(test)]
pub(crate) mod scratch;
mod seen;
mod state;
mod stop;
mod store;
mod summary;
#[cfg(test)]
mod tests;
pub mod tools;
mod turn;
mod unrecorded;

pub use clock::{Stamp, minute_of, rfc3339_micros};
pub use digests::{action_digest, facts_digest};
pub use durability::Durability;
pub use error::StoreError;
pub(crate) use id::hex;
pub use id::{digest, fill as fill_random, is_uuid, named_run, new_id};
pub use journal::{Checkpoint, Seal};
pub use keys::{KEY_ID, TAG_ALGORITHM, estimated_bits};
pub use line::{MAX_LINE, fuzz_read};
pub use retain::{Forgotten, Pruned, Stub};
pub use state::{Asked, State};
pub use stop::{STATES, Stopped, Stopping};
pub use store::{Appended, Enforced, JOURNAL, Judge, Judged, Outcome, Store};

pub use summary::Summary;
pub use unrecorded::Unrecorded;

/// Version of the record format, as every record states it. Readers refuse another major version only.
pub const SCHEMA_VERSION: &str = "1.0";
