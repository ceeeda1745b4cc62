//! What users say about their own tools and programs, in the format of `rules/tools` and `rules/commands`.
//!
//! It adds to what ships and takes nothing away: a program or a tool that is known keeps what is known of it.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::Deserialize;

use super::action::Action;
use super::build::{example_context, short};
use super::catalogue::entry::Entry;
use super::catalogue::spec::{CommandSpec, FileSpec};
use super::catalogue::{Catalogue, Commands, Lazy, compile, tools};
use super::{pattern, understand_with};
use crate::call::{Call, Caller};
use crate::json;

/// Where such entries stand, as errors and decisions name it.
const FILE: &str = "policy";

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnSpec {
    #[serde(default)]
    tools: Vec<tools::ToolSpec>,
    #[serde(default)]
    commands: Vec<CommandSpec>,
}

/// Tools and programs of a user.
#[derive(Debug, Default)]
pub struct Own {
    tools: Vec<(&'static [String], Entry<'static>)>,
    commands: Commands,
    /// Every example with the call that it is, and the actions it must give.
    examples: Vec<(String, String, json::Value, &'static [String])>,
}

/// Compiled once for each text, for the life of the process: entries borrow from what they were read from.
static KNOWN: LazyLock<Mutex<BTreeMap<String, &'static Own>>> = LazyLock::new(Mutex::default);

impl Own {
    /// Compiles `{"tools": […], "commands": […]}`.
    ///
    /// # Errors
    /// One sentence for each thing that is wrong.
    pub fn compile(text: &str, catalogue: &Catalogue) -> Result<&'static Self, Vec<String>> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.get(text) {
            return Ok(own);
        }
        let spec: OwnSpec =
            serde_json::from_str(text).map_err(|error| vec![format!("`tools`: {error}")])?;
        let own: &'static Self = Box::leak(Box::new(Self::of(spec, catalogue)?));
        known.insert(text.to_owned(), own);
        Ok(own)
    }

    fn of(spec: OwnSpec, catalogue: &Catalogue) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        for command in &spec.commands {
            for name in std::iter::once(&command.name).chain(&command.aliases) {
                let program = name.split(' ').next().unwrap_or_default();
                if catalogue.commands.find(program).is_some() {
                    errors.push(format!(
                        "{FILE}: `{name}` is known already, and what is known of a program is not for a policy to change"
                    ));
                }
            }
            if command.examples.is_empty() && !command.harmless {
                errors.push(format!("{FILE}: `{}` has no example", command.name));
            }
        }
        let files = vec![(
            String::from(FILE),
            FileSpec {
                command: spec.commands,
            },
        )];
        let commands = compile::compile(&files).unwrap_or_else(|problems| {
            errors.extend(problems);
            Vec::new()
        });
        let tools: &'static [tools::ToolSpec] = Box::leak(spec.tools.into_boxed_slice());
        let mut entries = Vec::with_capacity(tools.len());
        let mut examples = Vec::new();
        for tool in tools {
            entries.push((tool.names(), tool.entry(FILE, &mut errors)));
            for (text, expected) in tool.examples() {
                let (name, args) = text.split_once(' ').unwrap_or((text, "{}"));
                match json::parse(args.as_bytes()) {
                    Ok(args) => examples.push((text.clone(), name.to_owned(), args, &**expected)),
                    Err(error) => errors.push(format!("{FILE}: example `{text}`: {error}")),
                }
            }
        }
        let files: &'static [(String, FileSpec)] = Box::leak(files.into_boxed_slice());
        for (text, expected) in files
            .iter()
            .flat_map(|(_, file)| &file.command)
            .flat_map(|command| &command.examples)
        {
            let args = json::Value::Object(vec![(String::from("command"), text.as_str().into())]);
            examples.push((text.clone(), String::from("Bash"), args, &**expected));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
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
            .filter_map(|(text, tool, args, expected)| {
                let call = Call {
                    tool: tool.clone(),
                    args: args.clone(),
                    pin: None,
                    context: example_context(),
                    caller: Caller::default(),
                };
                let got: Vec<String> = understand_with(&call, catalogue, Some(self))
                    .actions
                    .iter()
                    .map(|action: &Action| short(action, true))
                    .collect();
                let same = got.len() == expected.len()
                    && got.iter().zip(*expected).all(|(got, expected)| {
                        expected == got || got.split(" ~").next() == Some(expected.as_str())
                    });
                (!same).then(|| format!("{FILE}: example `{text}` gives {got:?}, not {expected:?}"))
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
        let own = Own::compile(OWN, builtin::catalogue()).unwrap();
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
        let own = Own::compile(OWN, builtin::catalogue()).unwrap();
        assert_eq!(
            actions(own, "Bash", r#"{"command": "rm -rf /"}"#),
            ["fs.delete / (force, recursive)"]
        );
        let errors = Own::compile(
            r#"{"commands": [{"name": "rm", "summary": "nothing", "harmless": true}]}"#,
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
        let own = Own::compile(wrong, builtin::catalogue()).unwrap();
        assert_eq!(
            own.check(builtin::catalogue()).unwrap_err(),
            [
                "policy: example `x {\"p\": \"/w/a\"}` gives [\"fs.read /w/a\"], not [\"fs.write /w/a\"]"
            ]
        );
        for text in [
            "",
            "{}x",
            r#"{"tools": [{"names": ["x"]}]}"#,
            r#"{"tool": []}"#,
            r#"{"tools": [{"names": ["x"], "summary": "s", "effect": [{"do": "fs.fly", "to": "arg p"}], "examples": {"x": []}}]}"#,
            r#"{"tools": [{"names": ["x"], "summary": "s", "effect": [{"do": "fs.read", "to": "argh p"}], "examples": {"x": []}}]}"#,
        ] {
            assert!(Own::compile(text, builtin::catalogue()).is_err(), "{text}");
        }
    }
}
