//! What people read about rules: names, descriptions, references, proofs. Never opened by a scan.

use serde::{Deserialize, Serialize};

use super::spec::{PackSpec, RuleSpec, ValueSpec};

/// What is written about one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The rule.
    pub id: String,
    /// Its pack: folder and file.
    pub pack: String,
    /// What is found, in a few words.
    pub name: String,
    /// What whoever holds it can do.
    pub description: String,
    /// How recognisable it is: `A`, `B` or `C`.
    pub tier: String,
    /// How it is found: `token`, `context`, …
    pub form: String,
    /// The shapes, words, names or labels it is found by, as written.
    pub looks_for: Vec<String>,
    /// The checksum of its own that is verified.
    pub checksum: Option<String>,
    /// Pages that describe the format.
    pub references: Vec<String>,
    /// Templates of texts in which it is found; what is found stands in `⟦…⟧`.
    pub examples: Vec<String>,
    /// Templates of texts in which it is not.
    pub near_misses: Vec<String>,
}

/// The pages of packs: files with their content.
#[must_use]
pub fn of(packs: &[(String, PackSpec)]) -> Vec<Page> {
    packs
        .iter()
        .flat_map(|(file, pack)| pack.rule.iter().map(|rule| page(file, rule)))
        .collect()
}

/// The last folder and the name of a file: where the program was built is nobody's business.
fn pack_name(file: &str) -> String {
    let mut parts = file.rsplit(['/', '\\']);
    let name = parts.next().unwrap_or_default();
    match parts.next() {
        Some(folder) if !folder.is_empty() => format!("{folder}/{name}"),
        _ => name.to_owned(),
    }
}

fn page(file: &str, rule: &RuleSpec) -> Page {
    let (form, looks_for) = form(rule);
    Page {
        id: rule.id.clone(),
        pack: pack_name(file),
        name: rule.name.clone(),
        description: rule.description.clone(),
        tier: format!("{:?}", rule.tier),
        form: form.to_owned(),
        looks_for,
        checksum: rule
            .token
            .as_ref()
            .and_then(|held| held.checksum.clone())
            .or_else(|| rule.context.as_ref().and_then(|held| held.checksum.clone())),
        references: rule.references.clone(),
        examples: rule.examples.clone(),
        near_misses: rule.near_misses.clone(),
    }
}

fn form(rule: &RuleSpec) -> (&'static str, Vec<String>) {
    if let Some(held) = &rule.token {
        ("token", held.shapes.clone())
    } else if let Some(held) = &rule.context {
        let near = format!(" within {} bytes after ", held.within);
        let words = held.words.join(", ");
        let shapes = held.shapes.iter();
        (
            "context",
            shapes
                .map(|shape| format!("{shape}{near}{words}"))
                .collect(),
        )
    } else if let Some(held) = &rule.assignment {
        let value = match held.value {
            ValueSpec::Opaque => "random",
            ValueSpec::Password => "chosen",
            ValueSpec::Pair => "chosen, after whose it is",
        };
        let names = held.names.join(", ");
        (
            "assignment",
            vec![format!(
                "{value}, {}-{} bytes, given to {names}",
                held.min, held.max
            )],
        )
    } else if let Some(held) = &rule.userinfo {
        let schemes = held.schemes.iter();
        (
            "userinfo",
            schemes
                .map(|scheme| format!("{scheme}://user:password@host"))
                .collect(),
        )
    } else if let Some(held) = &rule.armor {
        let labels = held.labels.iter();
        (
            "armor",
            labels
                .map(|label| format!("-----BEGIN {label}-----"))
                .collect(),
        )
    } else if let Some(held) = &rule.phrase {
        ("phrase", held.patterns.clone())
    } else if let Some(held) = &rule.frame {
        let classes = held.classes.iter();
        let classes = classes.map(|(name, words)| format!("{name}: {}", words.join(", ")));
        (
            "frame",
            held.patterns.iter().cloned().chain(classes).collect(),
        )
    } else if let Some(held) = &rule.regex {
        ("regex", vec![held.pattern.clone()])
    } else if let Some(held) = &rule.number {
        let alone = held.shapes.iter().cloned();
        let words = held.words.join(", ");
        let named = held
            .named
            .iter()
            .map(|shape| format!("{shape} near {words}"));
        ("number", alone.chain(named).collect())
    } else if let Some(held) = &rule.detector {
        ("detector", vec![held.name.clone()])
    } else {
        ("none", Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_named_by_its_folder_and_file() {
        assert_eq!(
            pack_name("/home/u/rules/secrets/ai.toml"),
            "secrets/ai.toml"
        );
        assert_eq!(pack_name("mine.toml"), "mine.toml");
        assert_eq!(pack_name("/mine.toml"), "mine.toml");
    }
}
