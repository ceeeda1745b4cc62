//! `rules/policies/default.json` to the table in the binary; called by the build script.

use std::path::Path;

use super::Policy;

/// The file the build script writes.
const TABLE: &str = "policy.bin";

/// Reads and checks the compiled built-in policies, and writes the table of the default one to `out`.
///
/// # Errors
/// One sentence for each policy that cannot be used.
pub fn compile(rules: &Path, out: &Path) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    for name in ["default", "strict", "observe"] {
        let path = rules.join("policies").join(format!("{name}.json"));
        let made = std::fs::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                let policy = Policy::from_compiled(&bytes).map_err(|error| error.message)?;
                if name == "default" {
                    let table = policy.to_table().map_err(|error| error.message)?;
                    std::fs::write(out.join(TABLE), table).map_err(|error| error.to_string())?;
                }
                Ok(())
            });
        if let Err(error) = made {
            errors.push(format!("{}: {error}", path.display()));
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}
