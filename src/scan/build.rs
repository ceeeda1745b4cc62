//! Compiles the packs that ship; called by the build script only.

use std::path::{Path, PathBuf};

use super::packs;
use crate::rules::RuleError;

/// The folders below `rules/` that hold packs.
const FOLDERS: [&str; 5] = ["secrets", "pii", "hidden_text", "injection", "exfiltration"];

/// Reads, checks and compiles the packs below `rules` and writes the table to `out`.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and rule.
pub fn compile(rules: &Path, out: &Path) -> Result<(), Vec<String>> {
    let folders: Vec<PathBuf> = FOLDERS.iter().map(|name| rules.join(name)).collect();
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let told = |errors: Vec<RuleError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let bytes = packs::compile(packs::read(&folders).map_err(told)?).map_err(told)?;
    std::fs::write(out.join("rules.bin"), bytes).map_err(|error| vec![error.to_string()])
}
