//! `armorer-guard catalogue`: what is known about a command and why, and whether a catalogue of one's own will do.

mod known;
mod line;
pub(crate) mod options;
mod page;

use std::path::PathBuf;

use armorer_guard_core::actions::catalogue::source::{Files, Source, Text};
use armorer_guard_core::actions::{build, own};
use armorer_guard_core::builtin::{self, Damaged};
use armorer_guard_core::explain::visible;
use armorer_guard_core::{edge, home_commands, home_files};
use serde::Serialize;

use crate::output::{answer, complain};
use known::Known;
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
        Action::Check { files, all } => check(files, *all, options.json),
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
    let Some(known) = Known::open_or_complain() else {
        return ERROR;
    };
    let source = known.source;
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
    /// What is no error, but one in the guard's home.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Counted {
    file: String,
    entries: usize,
    examples: usize,
}

/// The files to check: those that are named, those in the guard's home, or none of them for what ships.
fn named(files: &[PathBuf], all: bool) -> Result<Vec<PathBuf>, u8> {
    if all || !files.is_empty() {
        return Ok(files.to_vec());
    }
    let home = edge::guard_home();
    match home
        .as_deref()
        .map_or_else(|| Ok(Vec::new()), home_commands::files)
    {
        Ok(files) if files.is_empty() => {
            complain(
                "`catalogue check` says nothing of what",
                Some(
                    "name files, put them into `commands` of the guard's home, or say `--all` for what ships",
                ),
            );
            Err(ERROR)
        }
        Ok(files) => Ok(files),
        Err(error) => {
            complain(&visible(&error), None);
            Err(ERROR)
        }
    }
}

fn check(files: &[PathBuf], all: bool, json: bool) -> u8 {
    let at_home = files.is_empty() && !all;
    let files = match named(files, all) {
        Ok(files) => files,
        Err(status) => return status,
    };
    let mut texts = builtin::catalogue_texts();
    let shipped = texts.len();
    for path in &files {
        match home_files::read(path) {
            Ok(text) => texts.push(Text {
                name: path.display().to_string(),
                folder: String::new(),
                text,
            }),
            Err(error) => {
                complain(
                    &format!(
                        "`{}` was not read: {}",
                        visible(&error.path.display().to_string()),
                        visible(&error.why)
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
    let errors = if at_home {
        of_home()
    } else {
        build::check(&texts).err().unwrap_or_default()
    };
    let refused = !errors.is_empty();
    if refused && !json {
        known::told(&errors);
        return REFUSED;
    }
    let notes = if at_home {
        Vec::new()
    } else {
        notes(&texts[shipped..])
    };
    if !json {
        for note in &notes {
            complain(&visible(note), None);
        }
    }
    let checked = Checked {
        files: counted,
        errors,
        notes,
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

/// What is wrong with the files in the guard's home, by the rules for those: nothing that ships is changed.
fn of_home() -> Vec<String> {
    edge::guard_home()
        .and_then(|home| home_commands::load(&home).err())
        .unwrap_or_default()
}

/// Entries that hold, but may not stand in the guard's home.
fn notes(texts: &[Text]) -> Vec<String> {
    texts
        .iter()
        .flat_map(|text| {
            Source::new(&[Text {
                folder: String::from(home_commands::FOLDER),
                ..text.clone()
            }])
            .entries()
            .filter(|(_, entry)| own::ships(&entry.name, builtin::catalogue()))
            .map(|(file, entry)| {
                format!(
                    "{file}: `{}` is about a program that ships: not for `commands` in the guard's home",
                    entry.name
                )
            })
            .collect::<Vec<_>>()
        })
        .collect()
}

fn counted_words(entries: usize) -> String {
    match entries {
        1 => String::from("1 entry"),
        entries => format!("{entries} entries"),
    }
}
