//! Armorer Guard's core: understands a tool call, scans its texts, decides, records.
//!
//! One straight line, imports only go down:
//! `call -> understand -> facts -> decide -> record -> answer`.

pub mod span;

pub mod held;

pub mod json;

pub mod call;

pub mod text;

pub mod rules;

pub mod scan;

pub mod shell;

pub mod actions;

pub mod facts;

pub mod policy;

pub mod decision;

pub mod record;

pub mod runtime;

pub mod builtin;

#[cfg(test)]
mod dice;

pub mod edge;

pub mod home_commands;
pub mod home_files;
pub mod home_packs;

mod failing;
pub mod guard;
mod guard_run;
mod reading;
mod scrub;
mod sends;

pub mod wire;

pub mod explain;

pub mod sweep;

pub mod verify;
