//! Rule packs: schema, compile, prefilter, confirm.
pub mod build;
