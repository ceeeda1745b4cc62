//! What users say about their own tools and programs, in the format of `rules/tools` and `rules/commands`.
//!
//! It adds to what ships and takes nothing away: a program or a tool that is known keeps what is known of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::Deserialize;

use super::action::Action;
use super::build::{example_context, short};
use super::catalogue::entry::Entry;
use super::catalogue::source::Text;
use super::catalogue::spec::{CommandSpec, FileSpec};
use super::catalogue::{Catalogue, Commands, Lazy, compile, tools};
use super::{pattern, understand_with};
use crate::call::{Call, Caller};
use crate::json;

/// What errors and decisions name the policy by.
const POLICY: &str = "policy";

/// As written in a policy.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnSpec {
    #[serde(default)]
    tools: Vec<tools::ToolSpec>,
    #[serde(default)]
    commands: Vec<CommandSpec>,
}

/// An example, and what it must give.
#[derive(Debug)]
struct Example {
    /// The file that it stands in.
    file: String,
    text: String,
    tool: String,
    args: json::Value,
    expected: Vec<String>,
}

/// Tools and programs of a user.
#[derive(Debug, Default)]
pub struct Own {
    tools: Vec<(&'static [String], Entry<'static>)>,
    commands: Commands,
    examples: Vec<Example>,
}

/// What an [`Own`] is made from: the text of a policy, and files with their names.
type Sources = (String, Vec<(String, String)>);

/// Compiled once for the same sources, for the life of the process: entries borrow from what they were read from.
static KNOWN: LazyLock<Mutex<BTreeMap<Sources, &'static Own>>> = LazyLock::new(Mutex::default);

impl Own {
    /// Compiles what a policy says, `{"tools": […], "commands": […]}` or nothing, and files of commands. A program that
    /// the policy describes is the policy's: it was tested with what it says, and may be a higher layer's.
    ///
    /// # Errors
    /// One sentence for each thing that is wrong.
    pub fn compile(
        policy: &str,
        files: &[Text],
        catalogue: &Catalogue,
    ) -> Result<&'static Self, Vec<String>> {
        let sources: Sources = (
            policy.to_owned(),
            files
                .iter()
                .map(|file| (file.name.clone(), file.text.clone()))
                .collect(),
        );
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.get(&sources) {
            return Ok(own);
        }
        let spec: OwnSpec = if policy.is_empty() {
            OwnSpec::default()
        } else {
            serde_json::from_str(policy).map_err(|error| vec![format!("`tools`: {error}")])?
        };
        let own: &'static Self = Box::leak(Box::new(Self::of(spec, files, catalogue)?));
        known.insert(sources, own);
        Ok(own)
    }

    fn of(spec: OwnSpec, files: &[Text], catalogue: &Catalogue) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        let files = described(spec.commands, files, &mut errors);
        for (file, spec) in &files {
            for command in &spec.command {
                refuse(file, command, catalogue, &mut errors);
            }
        }
        let commands = if errors.is_empty() {
            compile::compile(&files).unwrap_or_else(|problems| {
                errors.extend(problems);
                Vec::new()
            })
        } else {
            Vec::new()
        };
        let tools: &'static [tools::ToolSpec] = Box::leak(spec.tools.into_boxed_slice());
        let mut entries = Vec::with_capacity(tools.len());
        let mut examples = Vec::new();
        for tool in tools {
            entries.push((tool.names(), tool.entry(POLICY, &mut errors)));
            for (text, expected) in tool.examples() {
                let (name, args) = text.split_once(' ').unwrap_or((text, "{}"));
                match json::parse(args.as_bytes()) {
                    Ok(args) => examples.push(Example {
                        file: String::from(POLICY),
                        text: text.clone(),
                        tool: name.to_owned(),
                        args,
                        expected: expected.clone(),
                    }),
                    Err(error) => errors.push(format!("{POLICY}: example `{text}`: {error}")),
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        examples.extend(files.into_iter().flat_map(|(file, spec)| {
            spec.command
                .into_iter()
                .flat_map(|command| command.examples)
                .map(move |(text, expected)| Example {
                    file: file.clone(),
                    args: json::Value::Object(vec![(
                        String::from("command"),
                        text.as_str().into(),
                    )]),
                    tool: String::from("Bash"),
                    text,
                    expected,
                })
        }));
        Ok(Self {
            tools: entries,
            commands: if commands.is_empty() {
                Commands::default()
            } else {
                Lazy::new(Box::leak(commands.into_boxed_slice())).unwrap_or_default()
            },
            examples,
        })
    }

    /// Holds every entry against its examples.
    ///
    /// # Errors
    /// One sentence for each example that gives something else.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), Vec<String>> {
        let errors: Vec<String> = self
            .examples
            .iter()
            .filter_map(|example| {
                let Example {
                    file,
                    text,
                    tool,
                    args,
                    expected,
                } = example;
                let call = Call {
                    tool: tool.clone(),
                    args: args.clone(),
                    pin: None,
                    definition: None,
                    context: example_context(),
                    caller: Caller::default(),
                };
                let got: Vec<String> = understand_with(&call, catalogue, Some(self))
                    .actions
                    .iter()
                    .map(|action: &Action| short(action, true))
                    .collect();
                let same = got.len() == expected.len()
                    && got.iter().zip(expected).all(|(got, expected)| {
                        expected == got || got.split(" ~").next() == Some(expected.as_str())
                    });
                (!same).then(|| format!("{file}: example `{text}` gives {got:?}, not {expected:?}"))
            })
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// What is said about a tool, by its whole name as the runtime gives it. Of several that fit the first counts.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Entry<'static>> {
        self.tools
            .iter()
            .find(|(names, _)| names.iter().any(|held| pattern::matches(held, name)))
            .map(|(_, entry)| entry)
    }

    /// What programs do that nobody else describes.
    #[must_use]
    pub const fn commands(&self) -> &Commands {
        &self.commands
    }
}

/// The program that an entry is about.
fn program(name: &str) -> &str {
    name.split(' ').next().unwrap_or_default()
}

/// Commands by the file that they stand in: those of the policy, and those of the files about other programs.
fn described(
    policy: Vec<CommandSpec>,
    files: &[Text],
    errors: &mut Vec<String>,
) -> Vec<(String, FileSpec)> {
    let taken: BTreeSet<String> = policy
        .iter()
        .flat_map(|command| std::iter::once(&command.name).chain(&command.aliases))
        .map(|name| program(name).to_owned())
        .collect();
    let mut made = vec![(String::from(POLICY), FileSpec { command: policy })];
    for file in files {
        match toml::from_str::<FileSpec>(&file.text) {
            Ok(mut spec) => {
                spec.command
                    .retain(|command| !taken.contains(program(&command.name)));
                made.push((file.name.clone(), spec));
            }
            Err(error) => errors.push(format!("{}: {}", file.name, error.to_string().trim_end())),
        }
    }
    made
}

/// Whether something is written about that program in what ships, so that nothing else may be said about it.
#[must_use]
pub fn ships(name: &str, catalogue: &Catalogue) -> bool {
    catalogue.commands.find(program(name)).is_some()
}

fn refuse(file: &str, command: &CommandSpec, catalogue: &Catalogue, errors: &mut Vec<String>) {
    for name in std::iter::once(&command.name).chain(&command.aliases) {
        if program(name).contains('*') {
            errors.push(format!(
                "{file}: `{name}` is about every program that fits; name the program, patterns stand for its subcommands"
            ));
        } else if ships(name, catalogue) {
            let whose = if file == POLICY {
                "a policy"
            } else {
                "a file of one's own"
            };
            errors.push(format!(
                "{file}: `{name}` is known already, and what is known of a program is not for {whose} to change"
            ));
        }
    }
    if command.examples.is_empty() && !command.harmless {
        errors.push(format!("{file}: `{}` has no example", command.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    const OWN: &str = r#"{
        "tools": [
            {"names": ["mcp__crm__delete_*"], "summary": "deletes customers", "effect": [{"do": "db.delete", "to": "arg id", "with": ["all"]}],
             "examples": {"mcp__crm__delete_customer {\"id\": \"7\"}": ["db.delete 7 (all)"]}},
            {"names": ["mcp__crm__ping"], "summary": "does nothing", "harmless": true, "examples": {"mcp__crm__ping {}": []}},
            {"names": ["Bash"], "summary": "runs a shell", "harmless": true, "examples": {"Bash {\"command\": \"true\"}": []}}
        ],
        "commands": [
            {"name": "acme-deploy", "summary": "releases", "flags": ["--dry-run"], "harmless_when": ["--dry-run"],
             "effect": [{"do": "cloud.deploy", "to": "operand 1"}],
             "examples": {"acme-deploy web": ["cloud.deploy web"], "acme-deploy --dry-run web": []}}
        ]}"#;

    fn actions(own: &Own, tool: &str, args: &str) -> Vec<String> {
        let call = Call {
            tool: tool.to_owned(),
            args: json::parse(args.as_bytes()).unwrap(),
            pin: None,
            definition: None,
            context: example_context(),
            caller: Caller::default(),
        };
        understand_with(&call, builtin::catalogue(), Some(own))
            .actions
            .iter()
            .map(|action| short(action, false))
            .collect()
    }

    #[test]
    fn own_tools_and_programs_do_what_is_said_and_their_examples_hold() {
        let own = Own::compile(OWN, &[], builtin::catalogue()).unwrap();
        own.check(builtin::catalogue()).unwrap();
        assert_eq!(
            actions(own, "mcp__crm__delete_all", r#"{"id": "x"}"#),
            ["db.delete x (all)"]
        );
        assert!(actions(own, "mcp__crm__ping", "{}").is_empty());
        assert_eq!(
            actions(own, "Bash", r#"{"command": "sudo acme-deploy web"}"#)
                .last()
                .unwrap(),
            "cloud.deploy web"
        );
    }

    #[test]
    fn what_is_known_is_not_taken_away() {
        let own = Own::compile(OWN, &[], builtin::catalogue()).unwrap();
        assert_eq!(
            actions(own, "Bash", r#"{"command": "rm -rf /"}"#),
            ["fs.delete / (force, recursive)"]
        );
        let errors = Own::compile(
            r#"{"commands": [{"name": "rm", "summary": "nothing", "harmless": true}]}"#,
            &[],
            builtin::catalogue(),
        )
        .unwrap_err();
        assert_eq!(
            errors,
            [
                "policy: `rm` is known already, and what is known of a program is not for a policy to change"
            ]
        );
    }

    #[test]
    fn an_example_that_gives_something_else_and_a_form_that_is_wrong_are_told() {
        let wrong = r#"{"tools": [{"names": ["x"], "summary": "s", "effect": [{"do": "fs.read", "to": "arg p"}], "examples": {"x {\"p\": \"/w/a\"}": ["fs.write /w/a"]}}]}"#;
        let own = Own::compile(wrong, &[], builtin::catalogue()).unwrap();
        assert_eq!(
            own.check(builtin::catalogue()).unwrap_err(),
            [
                "policy: example `x {\"p\": \"/w/a\"}` gives [\"fs.read /w/a\"], not [\"fs.write /w/a\"]"
            ]
        );
        for text in [
            "{}x",
            r#"{"commands": [{"name": "acme-*", "summary": "nothing", "harmless": true}]}"#,
            r#"{"tools": [{"names": ["x"]}]}"#,
            r#"{"tool": []}"#,
            r#"{"tools": [{"names": ["x"], "summary": "s", "effect": [{"do": "fs.fly", "to": "arg p"}], "examples": {"x": []}}]}"#,
            r#"{"tools": [{"names": ["x"], "summary": "s", "effect": [{"do": "fs.read", "to": "argh p"}], "examples": {"x": []}}]}"#,
        ] {
            assert!(
                Own::compile(text, &[], builtin::catalogue()).is_err(),
                "{text}"
            );
        }
    }
}
