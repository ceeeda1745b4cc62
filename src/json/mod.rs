//! JSON in and out: an ordered value, a reader that names what is wrong, canonical bytes (RFC 8785).

mod canonical;
mod read;
mod serialize;
mod value;

pub use canonical::{canonical, write_canonical};
pub use read::{JsonError, JsonErrorKind, MAX_DEPTH, parse, parse_repaired};
pub use serialize::{CanonicalError, CanonicalWriter, to_canonical};
pub use value::{StringRole, Value, pointer_push};
