//! Environment variables that make programs load or run something else. Data: `[[variable]]` in `rules/places`.

use serde::{Deserialize, Serialize};

use super::catalogue::words::Words;
use super::catalogue::{Lazy, table};
use super::pattern;

/// A variable as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    /// Names; a `*` makes a pattern.
    pub names: Vec<String>,
    /// What a value does.
    pub effect: VariableEffect,
    /// For people.
    pub summary: String,
    /// Values that do nothing of it.
    #[serde(default)]
    pub except: Vec<String>,
    /// Only these values do it; all when there is none.
    #[serde(default)]
    pub only: Vec<String>,
}

/// What the value of a variable does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableEffect {
    /// Names files or options that make programs load foreign code.
    Hijack,
    /// A search path: entries that others can write to make programs load foreign code.
    SearchPath,
    /// Is shell text that programs run.
    Shell,
    /// Is shell text that programs run with a file's name after it.
    Editor,
    /// Is expanded by shells as if it stood in double quotes.
    Prompt,
    /// Is a file that shells run at start.
    Script,
    /// Turns the protection of connections off.
    Insecure,
    /// Turns a project's or an agent's checks off.
    Bypass,
    /// A search path for modules: the project's own folders are its business.
    ModulePath,
}

/// A compiled variable.
#[derive(Debug, Serialize, Deserialize)]
pub struct Variable<'a> {
    /// What its value does.
    pub effect: VariableEffect,
    /// Values that do nothing of it.
    #[serde(borrow)]
    pub except: Words<'a>,
    /// Only these values do it; all when there is none.
    pub only: Words<'a>,
    /// Patterns of its name; empty for exact names.
    patterns: Words<'a>,
}

/// Variables by name; those with patterns under the empty name.
pub type Variables = Lazy<Vec<Variable<'static>>>;

/// What is known about a variable.
#[must_use]
pub fn look_up<'v>(variables: &'v Variables, name: &str) -> Option<&'v Variable<'static>> {
    if let Some(found) = variables.find(name).and_then(|found| found.first()) {
        return Some(found);
    }
    variables.find("")?.iter().find(|variable| {
        variable
            .patterns
            .iter()
            .any(|pattern| pattern::matches(pattern, name))
    })
}

impl Variable<'_> {
    /// Whether that value does nothing.
    #[must_use]
    pub fn excepts(&self, value: &str) -> bool {
        let held = |patterns: &Words<'_>| {
            patterns
                .iter()
                .any(|pattern| pattern::matches(pattern, value))
        };
        held(&self.except) || (!self.only.is_empty() && !held(&self.only))
    }
}

/// Compiles variables to a stored table.
///
/// # Errors
/// One sentence for each thing that is wrong, with its file.
pub fn compile(specs: &[(&str, &VariableSpec)]) -> Result<Vec<u8>, Vec<String>> {
    let mut errors = Vec::new();
    let mut names = Vec::new();
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mut open: Vec<Variable<'_>> = Vec::new();
    for (file, spec) in specs {
        let except: Words<'_> = spec.except.iter().map(String::as_str).collect();
        let only: Words<'_> = spec.only.iter().map(String::as_str).collect();
        let (patterns, exact): (Vec<&String>, Vec<&String>) = spec
            .names
            .iter()
            .partition(|name| pattern::has_wildcard(name));
        if spec.summary.is_empty() || spec.names.is_empty() {
            errors.push(format!("{file}: a variable has no name or no summary"));
        }
        if !patterns.is_empty() {
            open.push(Variable {
                effect: spec.effect,
                except: except.clone(),
                only: only.clone(),
                patterns: patterns.into_iter().map(String::as_str).collect(),
            });
        }
        let variable = vec![Variable {
            effect: spec.effect,
            except,
            only,
            patterns: Words::default(),
        }];
        names.extend(exact.into_iter().map(|name| (name.clone(), entries.len())));
        match postcard::to_allocvec(&variable) {
            Ok(bytes) => entries.push(bytes),
            Err(error) => errors.push(error.to_string()),
        }
    }
    names.push((String::new(), entries.len()));
    match postcard::to_allocvec(&open) {
        Ok(bytes) => entries.push(bytes),
        Err(error) => errors.push(error.to_string()),
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    table::store(&names, &entries).map_err(|error| vec![error])
}
