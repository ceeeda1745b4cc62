//! Tools of agent runtimes: `rules/tools/*.toml`, as written and compiled.
//!
//! A tool is an entry whose effects select arguments. What no entry names is judged by the words of its name and by its
//! arguments: the guesses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compile::compile_effect;
use super::entry::{Entry, Otherwise, Selector, Style};
use super::grammar::{Options, selector};
use super::options;
use super::source::Count;
use super::spec::EffectSpec;
use super::table;
use super::words::Words;

/// A file of `rules/tools`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Tools that are known by name.
    #[serde(default)]
    tool: Vec<ToolSpec>,
    /// What other tools do, in order of precedence.
    #[serde(default)]
    guess: Vec<GuessSpec>,
}

impl FileSpec {
    /// How much it holds.
    #[must_use]
    pub fn count(&self) -> Count {
        let tools = self.tool.iter().map(|tool| tool.examples.len());
        let guesses = self.guess.iter().map(|guess| guess.examples.len());
        Count {
            entries: self.tool.len() + self.guess.len(),
            examples: tools.chain(guesses).sum(),
        }
    }
}

/// A known tool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// Names as runtimes give them; letter case and separators do not count.
    names: Vec<String>,
    /// What it does, for people.
    summary: String,
    /// It does nothing outside of the agent.
    #[serde(default)]
    harmless: bool,
    /// The working directory, when an argument says it.
    chdir: Option<String>,
    /// What it does.
    #[serde(default)]
    effect: Vec<EffectSpec>,
    /// `Name {arguments}` and the actions it must give.
    examples: BTreeMap<String, Vec<String>>,
}

impl ToolSpec {
    /// Its names, as written.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Every example with the actions it must give.
    pub(crate) const fn examples(&self) -> &BTreeMap<String, Vec<String>> {
        &self.examples
    }

    /// Its compiled form.
    pub(crate) fn entry<'a>(&'a self, file: &'a str, errors: &mut Vec<String>) -> Entry<'a> {
        let title = self.names.first().map_or("", String::as_str);
        let mut problems = Vec::new();
        if self.names.is_empty() || self.names.iter().any(String::is_empty) {
            problems.push(String::from("has no name"));
        }
        if self.harmless != self.effect.is_empty() {
            problems.push(String::from("has effects, or `harmless = true`"));
        }
        if self.examples.is_empty() {
            problems.push(String::from("has no example"));
        }
        let chdir = self.chdir.as_deref();
        let entry = entry(
            title,
            &self.summary,
            file,
            chdir,
            &self.effect,
            &mut problems,
        );
        errors.extend(
            problems
                .into_iter()
                .map(|problem| format!("{file}: `{title}`: {problem}")),
        );
        entry
    }
}

/// What a tool with such a name or such arguments does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuessSpec {
    /// For people.
    summary: String,
    /// The name has one of these words.
    #[serde(default)]
    words: Vec<String>,
    /// And one of these.
    #[serde(default)]
    and_words: Vec<String>,
    /// The name of the MCP server has one of these words.
    #[serde(default)]
    servers: Vec<String>,
    /// An argument with one of these names is given.
    #[serde(default)]
    args: Vec<String>,
    /// Holds beside other guesses; of those without it only the first that fits counts.
    also: Option<Also>,
    /// What it does.
    #[serde(default)]
    effect: Vec<EffectSpec>,
    /// `name {arguments}` and the actions it must give.
    examples: BTreeMap<String, Vec<String>>,
}

/// When a guess holds beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Also {
    /// Always.
    Always,
    /// When nothing else is known of the tool.
    Unknown,
}

/// A compiled guess.
#[derive(Debug, Serialize, Deserialize)]
pub struct Guess<'a> {
    /// The name has one of these words.
    #[serde(borrow)]
    pub words: Vec<&'a str>,
    /// And one of these.
    pub and_words: Vec<&'a str>,
    /// The name of the MCP server has one of these words.
    pub servers: Vec<&'a str>,
    /// An argument with one of these names is given.
    pub args: Vec<&'a str>,
    /// Holds beside others.
    pub also: Option<Also>,
    /// What it does.
    pub entry: Entry<'a>,
}

/// The files as written.
pub type Files = Vec<(String, FileSpec)>;

/// A name without letter case and separators.
#[must_use]
pub fn normal(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Compiles tools to one stored table and guesses to another value.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and tool.
pub fn compile(files: &Files) -> Result<(Vec<u8>, Vec<u8>), Vec<String>> {
    let mut errors = Vec::new();
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut entries = Vec::new();
    let mut guesses: Vec<Guess<'_>> = Vec::new();
    for (file, spec) in files {
        for tool in &spec.tool {
            let title = tool.names.first().map_or("", String::as_str);
            let mut problems = Vec::new();
            for name in &tool.names {
                let name = normal(name);
                if names.iter().any(|(held, _)| *held == name) {
                    problems.push(format!("`{name}` is described twice"));
                }
                names.push((name, entries.len()));
            }
            if tool.harmless != tool.effect.is_empty() {
                problems.push(String::from("has effects, or `harmless = true`"));
            }
            if tool.examples.is_empty() {
                problems.push(String::from("has no example"));
            }
            let chdir = tool.chdir.as_deref();
            let entry = entry(
                title,
                &tool.summary,
                file,
                chdir,
                &tool.effect,
                &mut problems,
            );
            match postcard::to_allocvec(&entry) {
                Ok(bytes) => entries.push(bytes),
                Err(error) => problems.push(error.to_string()),
            }
            errors.extend(
                problems
                    .into_iter()
                    .map(|problem| format!("{file}: `{title}`: {problem}")),
            );
        }
        for guess in &spec.guess {
            let mut problems = Vec::new();
            if guess.words.is_empty() && guess.args.is_empty() && guess.servers.is_empty() {
                problems.push(String::from("a guess needs `words`, `servers` or `args`"));
            }
            if guess.examples.is_empty() {
                problems.push(String::from("has no example"));
            }
            guesses.push(Guess {
                words: guess.words.iter().map(String::as_str).collect(),
                and_words: guess.and_words.iter().map(String::as_str).collect(),
                servers: guess.servers.iter().map(String::as_str).collect(),
                args: guess.args.iter().map(String::as_str).collect(),
                also: guess.also,
                entry: entry("", &guess.summary, file, None, &guess.effect, &mut problems),
            });
            errors.extend(
                problems
                    .into_iter()
                    .map(|problem| format!("{file}: guess `{}`: {problem}", guess.summary)),
            );
        }
    }
    let guesses = postcard::to_allocvec(&guesses)
        .map_err(|error| errors.push(error.to_string()))
        .unwrap_or_default();
    if !errors.is_empty() {
        return Err(errors);
    }
    let table = table::store(&names, &entries).map_err(|error| vec![error])?;
    Ok((table, guesses))
}

fn entry<'a>(
    name: &'a str,
    summary: &'a str,
    file: &'a str,
    chdir: Option<&'a str>,
    effects: &'a [EffectSpec],
    errors: &mut Vec<String>,
) -> Entry<'a> {
    let options = Options { list: &[], base: 0 };
    let chdir: Option<Selector<'a>> = chdir.and_then(|text| {
        selector(text, options)
            .map_err(|error| errors.push(error))
            .ok()
    });
    Entry {
        name,
        summary,
        file,
        style: Style::Gnu,
        stop_at_operand: false,
        numeric: false,
        assignments: false,
        strict: false,
        reach: 0,
        options: options::Options::default(),
        dash_operands: Words::default(),
        parent: false,
        patterns: Vec::new(),
        unlisted: Otherwise::Nothing,
        otherwise: Otherwise::Nothing,
        harmless_when: Vec::new(),
        harmless_alone: 0,
        carries: true,
        copies: false,
        decodes_when: Vec::new(),
        authenticates: Vec::new(),
        setup_when: Vec::new(),
        lists: None,
        lists_when: Vec::new(),
        processes: None,
        prints: None,
        prints_strings: None,
        prints_when: Vec::new(),
        open: Vec::new(),
        open_unless: Vec::new(),
        separated: false,
        chdir,
        effects: effects
            .iter()
            .map(|effect| compile_effect(effect, options, errors))
            .collect(),
    }
}

/// Every example with the actions it must give and where it stands.
pub fn examples(files: &Files) -> impl Iterator<Item = (String, &str, &[String])> {
    files.iter().flat_map(|(file, spec)| {
        let tools = spec.tool.iter().flat_map(move |tool| {
            let title = tool.names.first().map_or("", String::as_str);
            tool.examples.iter().map(move |(text, actions)| {
                (
                    format!("{file}: `{title}`"),
                    text.as_str(),
                    actions.as_slice(),
                )
            })
        });
        let guesses = spec.guess.iter().flat_map(move |guess| {
            guess.examples.iter().map(move |(text, actions)| {
                (
                    format!("{file}: guess `{}`", guess.summary),
                    text.as_str(),
                    actions.as_slice(),
                )
            })
        });
        tools.chain(guesses)
    })
}
