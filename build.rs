//! Turns `rules/` into tables at compile time, and refuses what fails its own examples.
//!
//! The engines that judge at run time are compiled into this script too, so that an example is checked by the code
//! that will meet the real thing, and a user's pack gets the same errors as ours.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    unfulfilled_lint_expectations,
    reason = "the script uses a part of each engine"
)]

#[path = "src/actions/mod.rs"]
mod actions;
#[path = "src/call.rs"]
mod call;
#[path = "src/decision.rs"]
mod decision;
#[path = "src/facts.rs"]
mod facts;
#[path = "src/held.rs"]
mod held;
#[path = "src/json/mod.rs"]
mod json;
#[path = "src/policy/mod.rs"]
mod policy;
#[path = "src/rules/mod.rs"]
mod rules;
#[path = "src/runtime/mod.rs"]
mod runtime;
#[path = "src/scan/mod.rs"]
mod scan;
#[path = "src/shell/mod.rs"]
mod shell;
#[path = "src/span.rs"]
mod span;
#[path = "src/text/mod.rs"]
mod text;

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=rules");
    // Of this script's own sources cargo knows: it runs again when it was built again.
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    for compile in [
        scan::build::compile,
        actions::build::compile,
        runtime::build::compile,
        policy::build::compile,
    ] {
        if let Err(errors) = compile(&root.join("rules"), &out) {
            for error in errors {
                println!("cargo::error={error}");
            }
        }
    }
}
