//! `rules/policies/default.json` to the table in the binary; called by the build script.

use std::path::Path;

use super::{Policy, digest_of};

/// The files the build script writes: the table, and its text.
const TABLE: &str = "policy.bin";
const TEXT: &str = "policy.txt";

/// What the form of a table depends on, below `src`.
const FORM_SOURCES: [&str; 17] = [
    "actions/action.rs",
    "actions/kinds.rs",
    "decision.rs",
    "facts.rs",
    "policy/compile.rs",
    "policy/compiled.rs",
    "policy/condition/action.rs",
    "policy/condition/call.rs",
    "policy/condition/finding.rs",
    "policy/condition/mod.rs",
    "policy/condition/target.rs",
    "policy/condition/time.rs",
    "policy/glob.rs",
    "policy/packed.rs",
    "policy/spec.rs",
    "policy/subjects.rs",
    "scan/finding.rs",
];

/// Tells the compiler what tables of this build look like: another build never takes them for its own.
fn tell_form(root: &Path) -> Result<(), String> {
    let mut sources = Vec::new();
    for name in FORM_SOURCES {
        let path = root.join("src").join(name);
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        sources.extend(text);
    }
    println!("cargo::rustc-env=POLICY_TABLE_FORM={}", digest_of(&sources));
    Ok(())
}

/// Reads and checks the compiled built-in policies, and writes the table of the default one to `out`.
///
/// # Errors
/// One sentence for each policy that cannot be used.
pub fn compile(rules: &Path, out: &Path) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    if let Err(error) = tell_form(rules.parent().unwrap_or(rules)) {
        errors.push(error);
    }
    for name in ["default", "strict", "observe"] {
        let path = rules.join("policies").join(format!("{name}.json"));
        let made = std::fs::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                let policy = Policy::from_compiled(&bytes).map_err(|error| error.message)?;
                if name == "default" {
                    let (table, text) = policy.compiled.table();
                    std::fs::write(out.join(TABLE), table)
                        .and_then(|()| std::fs::write(out.join(TEXT), text))
                        .map_err(|error| error.to_string())?;
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
