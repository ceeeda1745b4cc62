//! What programs and tools do: `rules/commands` and `rules/tools`, as written and compiled.

pub mod spec;
