//! `armorer-guard catalogue`: what is known about a command and why, and whether a catalogue of one's own will do.

mod line;
pub(crate) mod options;
mod page;

use std::path::PathBuf;

use armorer_guard_core::actions::build;
use armorer_guard_core::actions::catalogue::source::{Files, Source, Text};
use armorer_guard_core::builtin::{self, Damaged};
use armorer_guard_core::explain::visible;
use serde::Serialize;

use crate::output::{answer, complain};
use options::{Action, Options};

const REFUSED: u8 = 1;
const ERROR: u8 = 2;

/// Runs the command and returns the exit status.
pub(crate) fn run(options: &Options) -> u8 {
    if let Err(damaged) = builtin::sound() {
        complain(&format!("{damaged} [{}]", Damaged::KIND), None);
        return ERROR;
    }
    match &options.action {
        Action::List => list(options.json),
        Action::Entry(words) => page::show(words, options.json),
        Action::Line { words, cwd } => line::show(words, cwd.clone(), options.json),
        Action::Check { files } => check(files, options.json),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    entries: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    summary: &'a str,
    file: &'a str,
}

fn list(json: bool) -> u8 {
    let source = Source::new(&builtin::catalogue_texts());
    let listed = Listed {
        entries: source
            .entries()
            .map(|(file, entry)| Item {
                name: &entry.name,
                summary: &entry.summary,
                file,
            })
            .collect(),
    };
    answer(json, &listed, &|| {
        let mut out = String::new();
        for group in listed.entries.chunk_by(|one, other| one.file == other.file) {
            let width = group.iter().map(|item| item.name.len()).max().unwrap_or(0);
            if let Some(first) = group.first() {
                out.push_str(&format!("{}\n", first.file));
            }
            for item in group {
                out.push_str(&format!("  {:width$}  {}\n", item.name, item.summary));
            }
        }
        out.push_str(&format!("{} entries\n", listed.entries.len()));
        out
    })
}

#[derive(Serialize)]
struct Checked {
    files: Vec<Counted>,
    errors: Vec<String>,
}

#[derive(Serialize)]
struct Counted {
    file: String,
    entries: usize,
    examples: usize,
}

fn check(files: &[PathBuf], json: bool) -> u8 {
    let mut texts = builtin::catalogue_texts();
    let shipped = texts.len();
    for path in files {
        match std::fs::read_to_string(path) {
            Ok(text) => texts.push(Text {
                name: path.display().to_string(),
                folder: String::new(),
                text,
            }),
            Err(error) => {
                complain(
                    &format!(
                        "`{}` was not read: {error}",
                        visible(&path.display().to_string())
                    ),
                    None,
                );
                return ERROR;
            }
        }
    }
    let told = if files.is_empty() {
        &texts[..]
    } else {
        &texts[shipped..]
    };
    let mut counted = Vec::new();
    for text in told {
        if let Ok(count) = Files::default().add(text) {
            counted.push(Counted {
                file: text.name.clone(),
                entries: count.entries,
                examples: count.examples,
            });
        }
    }
    let errors = build::check(&texts).err().unwrap_or_default();
    let refused = !errors.is_empty();
    if refused && !json {
        for error in &errors {
            // A syntax error shows the line, and where in it; each line of that is made visible by itself.
            let shown: Vec<String> = error
                .lines()
                .map(|line| visible(line).into_owned())
                .collect();
            complain(&shown.join("\n"), None);
        }
        return REFUSED;
    }
    let checked = Checked {
        files: counted,
        errors,
    };
    let written = answer(json, &checked, &|| {
        checked
            .files
            .iter()
            .map(|file| {
                format!(
                    "{}: {} hold{}, {} examples\n",
                    visible(&file.file),
                    counted_words(file.entries),
                    if file.entries == 1 { "s" } else { "" },
                    file.examples
                )
            })
            .collect()
    });
    if refused { REFUSED } else { written }
}

fn counted_words(entries: usize) -> String {
    match entries {
        1 => String::from("1 entry"),
        entries => format!("{entries} entries"),
    }
}
