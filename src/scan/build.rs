//! Compiles the packs that ship; called by the build script only.

use std::path::{Path, PathBuf};

use super::packs;
use crate::rules::{RuleError, book};

/// The folders below `rules/` that hold packs.
const FOLDERS: [&str; 5] = ["secrets", "pii", "hidden_text", "injection", "exfiltration"];

/// Reads, checks and compiles the packs below `rules` and writes the tables to `out`: `rules.bin` for scans,
/// `book.bin` for people.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and rule.
pub fn compile(rules: &Path, out: &Path) -> Result<(), Vec<String>> {
    let folders: Vec<PathBuf> = FOLDERS.iter().map(|name| rules.join(name)).collect();
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let told = |errors: Vec<RuleError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let packs = packs::read(&folders).map_err(told)?;
    let failed = |error: &dyn std::fmt::Display| vec![error.to_string()];
    let book = postcard::to_allocvec(&book::of(&packs)).map_err(|error| failed(&error))?;
    std::fs::write(out.join("book.bin"), book).map_err(|error| failed(&error))?;
    let bytes = packs::compile(packs).map_err(told)?;
    std::fs::write(out.join("rules.bin"), bytes).map_err(|error| failed(&error))
}
