//! Compiles `rules/commands`, `rules/tools` and `rules/places` to tables, and holds every entry against its examples;
//! called by the build script, and by tests.

use std::fmt::Write as _;
use std::path::Path;

use super::action::{Action, Certainty};
use super::catalogue::source::{Files, Text};
use super::catalogue::{Bytes, Catalogue, compile, spec, tools};
use super::{environment, special, understand};
use crate::call::{Call, Caller, Context};
use crate::json;

/// The tables in memory.
struct Tables {
    files: Vec<(&'static str, Vec<u8>)>,
}

/// The folders of `rules` that the catalogue is made of.
const FOLDERS: [&str; 3] = ["commands", "tools", "places"];

/// Reads, checks and compiles the files below `rules` and writes the tables, and the files as they are written, to `out`.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and entry.
pub fn compile(rules: &Path, out: &Path) -> Result<(), Vec<String>> {
    let texts = read(rules)?;
    let tables = compiled(&texts)?;
    let source = postcard::to_allocvec(&texts).map_err(|error| vec![error.to_string()])?;
    let source = ("catalogue.bin", source);
    for (name, bytes) in tables.files.iter().chain([&source]) {
        std::fs::write(out.join(name), bytes).map_err(|error| vec![error.to_string()])?;
    }
    Ok(())
}

/// Holds files of the catalogue against the format and their examples, exactly as the build does.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and entry.
pub fn check(texts: &[Text]) -> Result<(), Vec<String>> {
    compiled(texts).map(drop)
}

fn compiled(texts: &[Text]) -> Result<Tables, Vec<String>> {
    let files = parse(texts)?;
    let tables = tables(&files)?;
    check_examples(&tables.load()?, &files)?;
    Ok(tables)
}

/// The catalogue in the files below `rules`, without holding it against its examples. It stays in memory until the
/// process ends.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and entry.
pub fn load(rules: &Path) -> Result<Catalogue, Vec<String>> {
    tables(&parse(&read(rules)?)?)?.load()
}

fn parse(texts: &[Text]) -> Result<Files, Vec<String>> {
    let mut files = Files::default();
    let errors: Vec<String> = texts
        .iter()
        .filter_map(|text| files.add(text).err())
        .collect();
    if errors.is_empty() {
        Ok(files)
    } else {
        Err(errors)
    }
}

fn tables(files: &Files) -> Result<Tables, Vec<String>> {
    let mut errors = Vec::new();
    let mut table = |result: Result<Vec<u8>, Vec<String>>| match result {
        Ok(bytes) => bytes,
        Err(problems) => {
            errors.extend(problems);
            Vec::new()
        }
    };
    let (tool_table, guesses) = match tools::compile(&files.tools) {
        Ok(compiled) => compiled,
        Err(problems) => (table(Err(problems)), Vec::new()),
    };
    let tables = Tables {
        files: vec![
            ("commands.bin", table(compile::compile(&files.commands))),
            ("tools.bin", tool_table),
            ("guesses.bin", guesses),
            ("places.bin", table(special::compile(&files.places))),
            (
                "variables.bin",
                table(environment::compile(&special::variables(&files.places))),
            ),
            (
                "environment.bin",
                table(special::environment(&files.places)),
            ),
        ],
    };
    if errors.is_empty() {
        Ok(tables)
    } else {
        Err(errors)
    }
}

impl Tables {
    /// The catalogue, for the life of the process: the build script checks examples with it and ends.
    fn load(&self) -> Result<Catalogue, Vec<String>> {
        self.catalogue()
            .ok_or_else(|| vec![String::from("the compiled catalogue cannot be read back")])
    }

    fn catalogue(&self) -> Option<Catalogue> {
        let stored = |name: &str| -> Option<&'static [u8]> {
            let (_, bytes) = self.files.iter().find(|(held, _)| *held == name)?;
            Some(Box::leak(bytes.clone().into_boxed_slice()))
        };
        Catalogue::new(Bytes {
            commands: stored("commands.bin")?,
            tools: stored("tools.bin")?,
            guesses: stored("guesses.bin")?,
            places: stored("places.bin")?,
            variables: stored("variables.bin")?,
            environment: stored("environment.bin")?,
        })
    }
}

/// Every TOML file of those folders, sorted by name.
fn read(rules: &Path) -> Result<Vec<Text>, Vec<String>> {
    let mut texts = Vec::new();
    for folder in FOLDERS {
        let path = rules.join(folder);
        let unreadable = |error: &std::io::Error| vec![format!("{}: {error}", path.display())];
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(|error| unreadable(&error))? {
            let path = entry.map_err(|error| unreadable(&error))?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            texts.push(Text {
                name: format!("{folder}/{name}"),
                folder: folder.to_owned(),
                text: std::fs::read_to_string(&path).map_err(|error| unreadable(&error))?,
            });
        }
    }
    Ok(texts)
}

fn check_examples(catalogue: &Catalogue, files: &Files) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    for (file, spec) in &files.commands {
        for entry in &spec.command {
            check_command(catalogue, file, entry, &mut errors);
        }
    }
    for (title, text, expected) in tools::examples(&files.tools) {
        let (name, args) = text.split_once(' ').unwrap_or((text, "{}"));
        match json::parse(args.as_bytes()) {
            Ok(args) => compare(catalogue, &title, text, name, args, expected, &mut errors),
            Err(error) => errors.push(format!("{title}: example `{text}`: {error}")),
        }
    }
    if let Err(problems) =
        special::check_examples(&files.places, &catalogue.places, &example_context())
    {
        errors.extend(problems);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn check_command(
    catalogue: &Catalogue,
    file: &str,
    entry: &spec::CommandSpec,
    errors: &mut Vec<String>,
) {
    if entry.examples.is_empty() && !entry.harmless {
        errors.push(format!("{file}: `{}` has no example", entry.name));
    }
    for (text, expected) in &entry.examples {
        let title = format!("{file}: `{}`", entry.name);
        let args = json::Value::Object(vec![(
            String::from("command"),
            json::Value::String(text.clone()),
        )]);
        compare(catalogue, &title, text, "Bash", args, expected, errors);
    }
}

fn compare(
    catalogue: &Catalogue,
    title: &str,
    text: &str,
    tool: &str,
    args: json::Value,
    expected: &[String],
    errors: &mut Vec<String>,
) {
    let call = Call {
        tool: tool.to_owned(),
        args,
        pin: None,
        definition: None,
        context: example_context(),
        caller: Caller::default(),
    };
    let got: Vec<String> = understand(&call, catalogue)
        .actions
        .iter()
        .map(|action| short(action, true))
        .collect();
    let same = got.len() == expected.len()
        && got.iter().zip(expected).all(|(got, expected)| {
            // Certainty counts where the example says it.
            expected == got || got.split(" ~").next() == Some(expected.as_str())
        });
    if !same {
        errors.push(format!(
            "{title}: example `{text}` gives {got:?}, not {expected:?}"
        ));
    }
}

/// The place that examples run in.
pub(super) fn example_context() -> Context {
    Context {
        cwd: Some(String::from("/w")),
        workspace: Some(String::from("/w")),
        home: Some(String::from("/home/u")),
        user: Some(String::from("u")),
        guard_home: Some(String::from("/home/u/.local/share/armorer-guard")),
    }
}

/// An action in the words of an example: `fs.delete /w/x (recursive) on ssh:h`.
#[must_use]
pub fn short(action: &Action, certainty: bool) -> String {
    let mut out = String::from(action.kind.as_str());
    if !action.target.value.is_empty() || !action.target.exact {
        out.push(' ');
        out.push_str(&action.target.value);
        if !action.target.exact {
            out.push('…');
        }
    }
    if !action.attributes.is_empty() {
        let _ = write!(out, " ({})", action.attributes.join(", "));
    }
    if let Some(on) = &action.on {
        let _ = write!(out, " on {on}");
    }
    if certainty && action.certainty != Certainty::Certain {
        let _ = write!(out, " ~{}", action.certainty.as_str());
    }
    out
}
