//! The catalogue as it is written, for people: what an entry says, where it stands, what it is proven by. Never opened
//! when a call is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spec::{CommandSpec, EffectSpec, FileSpec};
use super::{compile, tools};
use crate::actions::special;

/// One file as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Folder and name: `commands/git.toml`; of a user's file, its path.
    pub name: String,
    /// The folder of `rules` that such a file belongs to; empty when its content says so.
    pub folder: String,
    /// Its content.
    pub text: String,
}

/// Files that were read: what the build compiles.
#[derive(Default)]
pub struct Files {
    /// What programs do.
    pub commands: Vec<compile::File>,
    /// What tools do.
    pub tools: tools::Files,
    /// What places mean.
    pub places: special::Files,
}

/// How much a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Entries: commands, tools and guesses, or rules of places.
    pub entries: usize,
    /// Their examples.
    pub examples: usize,
}

impl Files {
    /// Reads one more file.
    ///
    /// # Errors
    /// A sentence with the file, and line and column where the text has them.
    pub fn add(&mut self, file: &Text) -> Result<Count, String> {
        let folder = if file.folder.is_empty() {
            folder_of(&file.text)
        } else {
            Ok(file.folder.as_str())
        };
        let wrong = |error: String| format!("{}: {error}", file.name);
        // The name alone is what entries and their errors call a file that ships.
        let name = if file.folder.is_empty() {
            file.name.clone()
        } else {
            file.name.rsplit('/').next().unwrap_or_default().to_owned()
        };
        match folder.map_err(wrong)? {
            "commands" => {
                let spec: FileSpec = parse(&file.text).map_err(wrong)?;
                let count = Count {
                    entries: spec.command.len(),
                    examples: spec.command.iter().map(|entry| entry.examples.len()).sum(),
                };
                self.commands.push((name, spec));
                Ok(count)
            }
            "tools" => {
                let spec: tools::FileSpec = parse(&file.text).map_err(wrong)?;
                let count = spec.count();
                self.tools.push((name, spec));
                Ok(count)
            }
            _ => {
                let spec: special::FileSpec = parse(&file.text).map_err(wrong)?;
                let count = spec.count();
                self.places.push((name, spec));
                Ok(count)
            }
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

/// What a file is, by the tables it has.
fn folder_of(text: &str) -> Result<&'static str, String> {
    const KINDS: [(&str, &str); 7] = [
        ("command", "commands"),
        ("tool", "tools"),
        ("guess", "tools"),
        ("file", "places"),
        ("variable", "places"),
        ("usual", "places"),
        ("printed", "places"),
    ];
    let table: toml::Table = parse(text)?;
    KINDS
        .into_iter()
        .find(|(key, _)| table.contains_key(*key))
        .map(|(_, folder)| folder)
        .ok_or_else(|| {
            String::from(
                "has neither [[command]] nor [[tool]], [[guess]], [[file]] or [[variable]]",
            )
        })
}

/// What is written about commands.
pub struct Source {
    files: Vec<(String, FileSpec)>,
    lines: BTreeMap<String, usize>,
}

/// An effect as written, with what it takes to be read.
#[derive(Debug, Clone, Copy)]
pub struct Written<'s> {
    /// The effect.
    pub effect: &'s EffectSpec,
    /// The entry it stands in: a parent's for an inherited one.
    pub entry: &'s str,
}

impl Source {
    /// What those files say about commands; files of other folders are left out, as are files that are none.
    #[must_use]
    pub fn new(texts: &[Text]) -> Self {
        let mut files = Vec::new();
        let mut lines = BTreeMap::new();
        for file in texts.iter().filter(|file| file.folder == "commands") {
            let Ok(spec) = toml::from_str::<FileSpec>(&file.text) else {
                continue;
            };
            for (number, line) in file.text.lines().enumerate() {
                // Examples quote names too, but not as a key at the beginning of a line.
                let name = line
                    .strip_prefix("name = \"")
                    .and_then(|rest| rest.strip_suffix('"'));
                if let Some(name) = name {
                    lines.insert(name.to_owned(), number + 1);
                }
            }
            files.push((file.name.clone(), spec));
        }
        Self { files, lines }
    }

    /// Every entry with its file, in the order they are written.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &CommandSpec)> {
        self.files
            .iter()
            .flat_map(|(file, spec)| spec.command.iter().map(move |entry| (file.as_str(), entry)))
    }

    /// The entry with that full name, and its file.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<(&str, &CommandSpec)> {
        self.entries().find(|(_, entry)| entry.name == name)
    }

    /// The line of its file on which an entry says its name, counted from 1.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<usize> {
        self.lines.get(name).copied()
    }

    /// The effects of the entry with that full name as written, in the order in which it has them compiled: its own,
    /// then what it inherits, the nearest parent first.
    #[must_use]
    pub fn effects(&self, name: &str) -> Vec<Written<'_>> {
        let mut found = Vec::new();
        let mut path = name;
        loop {
            if let Some((_, spec)) = self.entry(path) {
                found.extend(
                    spec.effect
                        .iter()
                        .filter(|effect| path == name || effect.inherit)
                        .map(|effect| Written {
                            effect,
                            entry: &spec.name,
                        }),
                );
            }
            match path.rsplit_once(' ') {
                Some((parent, _)) => path = parent,
                None => return found,
            }
        }
    }

    /// The entries directly below that full name.
    pub fn below<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s CommandSpec> {
        self.entries().map(|(_, entry)| entry).filter(move |entry| {
            entry
                .name
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(' '))
                .is_some_and(|rest| !rest.contains(' ') || rest.contains('*'))
        })
    }
}
