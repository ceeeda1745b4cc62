//! Files that mean more than their place: credentials, start-up files, hooks, agent settings. Data: `rules/places`.
//!
//! A rule is found by the rarest literal component of its pattern, so a path is held against few of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::Place;
use super::catalogue::source::Count;
use super::catalogue::words::Words;
use super::catalogue::{Lazy, table};
use super::kinds::ActionKind;
use super::{pattern, place};
use crate::call::Context;
use crate::held::Held;
use crate::shell::command::Listed;

/// A file of `rules/places`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Its rules. Of several that fit, the first that says something about an operation counts.
    #[serde(default)]
    file: Vec<RuleSpec>,
    /// Its environment variables.
    #[serde(default)]
    variable: Vec<super::environment::VariableSpec>,
    /// Variables that are set in nearly every environment, with their usual values; `~` is the home directory.
    #[serde(default)]
    usual: BTreeMap<String, String>,
    /// The same for what builds name, and for what commands print, by command line; looked up where they are met.
    #[serde(default)]
    printed: BTreeMap<String, String>,
}

impl FileSpec {
    /// How much it holds.
    #[must_use]
    pub fn count(&self) -> Count {
        Count {
            entries: self.file.len() + self.variable.len() + self.usual.len() + self.printed.len(),
            examples: self.file.iter().map(|rule| rule.examples.len()).sum(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    /// What it is, in words for people: `SSH private key`.
    name: String,
    /// Patterns of absolute paths; `~/` stands for anybody's home, `**/` for any number of folders.
    paths: Vec<String>,
    /// Patterns of paths that are not meant.
    #[serde(default)]
    except: Vec<String>,
    /// What reading its content is.
    read: Option<String>,
    /// What writing it is.
    write: Option<String>,
    /// What deleting it is; as `write` when not said and `write` is.
    delete: Option<String>,
    /// What reading the content of everything below it is, where that is more than `read`.
    everything: Option<String>,
    /// Attributes of reading.
    #[serde(default)]
    read_with: Vec<String>,
    /// Attributes of writing and deleting.
    #[serde(default, rename = "with")]
    attributes: Vec<String>,
    /// A place other than that of its path: `cache`, `temp`, `null`.
    place: Option<String>,
    /// Operations and what they must be: `"write ~/.bashrc" = "persist.startup"`.
    #[serde(default)]
    examples: BTreeMap<String, String>,
}

/// A compiled rule.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rule<'a> {
    /// Its position among all: the first that fits counts.
    order: u32,
    /// The pattern, without `~/`.
    pattern: &'a str,
    /// It is about what is below a home.
    home: bool,
    read: Option<ActionKind>,
    write: Option<ActionKind>,
    delete: Option<ActionKind>,
    everything: Option<ActionKind>,
    place: Option<Place>,
    /// What is asked only when the pattern fits.
    #[serde(borrow)]
    more: Held<'a, More<'a>>,
}

/// The rest of a rule.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct More<'a> {
    /// What it is.
    name: &'a str,
    #[serde(borrow)]
    except: Vec<(&'a str, bool)>,
    read_with: Vec<&'a str>,
    attributes: Vec<&'a str>,
}

/// Of a rule whose rest cannot be read, the pattern counts.
static NOTHING_MORE: More<'static> = More {
    name: "",
    except: Vec::new(),
    read_with: Vec::new(),
    attributes: Vec::new(),
};

/// The rules by component; those without a literal one under the empty name.
pub type Rules = Lazy<Vec<Rule<'static>>>;

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Its content is read and goes somewhere.
    Read,
    /// So is that of everything below it.
    Everything,
    /// It is written.
    Write,
    /// It is deleted or emptied.
    Delete,
}

/// What a special file makes of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Special<'a> {
    /// The kind it becomes.
    pub kind: ActionKind,
    /// Attributes to add.
    pub attributes: &'a [&'static str],
    /// It is so because of what lies somewhere below, and most of it is something else.
    pub partly: bool,
    /// What the file is.
    pub name: &'a str,
}

/// What the rules say about a normalised path. `wildcards`: the path is a pattern.
#[must_use]
pub fn look_up<'r>(
    rules: &'r Rules,
    path: &str,
    wildcards: bool,
    operation: Operation,
    context: &Context,
) -> Option<Special<'r>> {
    let rule = best(rules, path, wildcards, context, |rule| {
        rule.kind(operation).is_some()
    })?;
    let more = rule.more();
    Some(Special {
        kind: rule.kind(operation)?,
        attributes: match operation {
            Operation::Read | Operation::Everything => &more.read_with,
            Operation::Write | Operation::Delete => &more.attributes,
        },
        partly: operation == Operation::Everything && rule.everything.is_some(),
        name: more.name,
    })
}

/// The place that the rules give a normalised path. A path with wildcards has it when everything that it could stand for
/// does: `~/*` is no cache because `~/.cache` is one.
#[must_use]
pub fn place_of(rules: &Rules, path: &str, context: &Context) -> Option<Place> {
    best(rules, path, false, context, |rule| rule.place.is_some())?.place
}

fn best<'r>(
    rules: &'r Rules,
    path: &str,
    wildcards: bool,
    context: &Context,
    wanted: impl Fn(&Rule<'_>) -> bool,
) -> Option<&'r Rule<'static>> {
    let home = place::below_home(path, context);
    let fits = |rule: &&Rule<'_>| wanted(rule) && rule.fits(path, home, wildcards);
    let earlier = |one: &&'r Rule<'static>, other: &&'r Rule<'static>| one.order.cmp(&other.order);
    if wildcards {
        // A wildcard may stand for the component that a rule is found by.
        return (0..rules.table().len())
            .filter_map(|number| rules.get(number))
            .flatten()
            .filter(fits)
            .min_by(earlier);
    }
    path.split(['/', ':'])
        .filter(|part| !part.is_empty())
        .chain(std::iter::once(""))
        .filter_map(|part| rules.find(part))
        .flatten()
        .filter(fits)
        .min_by(earlier)
}

impl<'a> Rule<'a> {
    fn more(&self) -> &More<'a> {
        self.more.get().unwrap_or(&NOTHING_MORE)
    }

    const fn kind(&self, operation: Operation) -> Option<ActionKind> {
        match operation {
            Operation::Read => self.read,
            Operation::Everything if self.everything.is_some() => self.everything,
            Operation::Everything => self.read,
            Operation::Write => self.write,
            Operation::Delete => self.delete,
        }
    }

    fn fits(&self, path: &str, home: Option<&str>, wildcards: bool) -> bool {
        let held = |pattern: &str, of_home: bool| {
            let path = if of_home {
                match home {
                    Some(rest) => rest,
                    None => return false,
                }
            } else {
                path
            };
            if wildcards {
                !begin_apart(pattern, path) && meet(pattern, path)
            } else {
                pattern::matches_path(pattern, path)
            }
        };
        held(self.pattern, self.home)
            && (wildcards
                || !self
                    .more()
                    .except
                    .iter()
                    .any(|(pattern, of_home)| held(pattern, *of_home)))
    }
}

/// Whether the first letters alone say that a pattern and a path with wildcards are about other files.
fn begin_apart(rule: &str, path: &str) -> bool {
    let first = |text: &str| {
        let text = text.strip_prefix('/').unwrap_or(text);
        text.bytes().next()
    };
    match (first(rule), first(path)) {
        (Some(one), Some(other)) => {
            one != other
                && ![one, other]
                    .iter()
                    .any(|byte| matches!(byte, b'*' | b'?' | b'['))
        }
        _ => false,
    }
}

/// Whether a rule's pattern and a path with wildcards can mean the same file, and it is not by mere chance.
fn meet(rule: &str, path: &str) -> bool {
    pattern::apart(rule, path, components_meet)
}

fn components_meet(rule: &[&str], path: &[&str]) -> bool {
    if let Some(at) = rule.iter().position(|part| *part == "**") {
        let (before, after) = (&rule[..at], &rule[at + 1..]);
        let Some(rest) = path.len().checked_sub(before.len() + after.len()) else {
            return false;
        };
        let anchored = !before.is_empty();
        let tail = &path[before.len() + rest..];
        return both(before, &path[..before.len()], true) && both(after, tail, anchored);
    }
    rule.len() == path.len() && both(rule, path, true)
}

/// `anchored`: the folder is named, so that `*` in it is meant.
fn both(rule: &[&str], path: &[&str], anchored: bool) -> bool {
    rule.iter().zip(path).all(|(rule, path)| {
        if !pattern::has_wildcard(path) {
            return pattern::component(rule, path);
        }
        if rule.starts_with('.') && !path.starts_with(['.', '[']) && !path.starts_with('?') {
            return false;
        }
        let literal = path
            .bytes()
            .filter(|byte| !matches!(byte, b'*' | b'?' | b'[' | b']'))
            .count();
        let meant = anchored || literal * 2 >= rule.len();
        meant && (pattern::component(path, rule) || pattern::component(rule, path))
    })
}

/// The rules and variables as written, by file.
pub type Files = Vec<(String, FileSpec)>;

/// The variables of all files.
#[must_use]
pub fn variables(files: &Files) -> Vec<(&str, &super::environment::VariableSpec)> {
    files
        .iter()
        .flat_map(|(name, file)| {
            file.variable
                .iter()
                .map(move |variable| (name.as_str(), variable))
        })
        .collect()
}

/// Compiles the usual values of variables, and what is only looked up where it is met; each sorted by name.
///
/// # Errors
/// When they cannot be stored.
pub fn environment(files: &Files) -> Result<Vec<u8>, Vec<String>> {
    fn sorted(
        files: &Files,
        part: fn(&FileSpec) -> &BTreeMap<String, String>,
    ) -> Vec<(&str, &str)> {
        let all: BTreeMap<&str, &str> = files
            .iter()
            .flat_map(|(_, file)| part(file))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        all.into_iter().collect()
    }
    let printed = sorted(files, |file| &file.printed);
    let listed = Listed::of(&printed).ok_or_else(|| {
        vec![String::from(
            "`printed` holds a control character that parts names and values",
        )]
    })?;
    let set: Words<'_> = sorted(files, |file| &file.usual)
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .collect();
    let both = (set, listed);
    postcard::to_allocvec(&both).map_err(|error| vec![error.to_string()])
}

/// Compiles the rules to a stored table.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and rule.
pub fn compile(files: &Files) -> Result<Vec<u8>, Vec<String>> {
    let mut errors = Vec::new();
    let mut by_component: BTreeMap<&str, Vec<Rule<'_>>> = BTreeMap::new();
    let mut order = 0;
    for (file, spec) in files {
        for rule in &spec.file {
            let mut problems = Vec::new();
            let kinds = Kinds::read(rule, &mut problems);
            for path in &rule.paths {
                let (pattern, home) = split_home(path, &mut problems);
                order += 1;
                by_component.entry(anchor(pattern)).or_default().push(Rule {
                    order,
                    pattern,
                    home,
                    read: kinds.read,
                    write: kinds.write,
                    delete: kinds.delete,
                    everything: kinds.everything,
                    place: kinds.place,
                    more: Held::from(More {
                        name: &rule.name,
                        except: rule
                            .except
                            .iter()
                            .map(|path| split_home(path, &mut problems))
                            .collect(),
                        read_with: rule.read_with.iter().map(String::as_str).collect(),
                        attributes: rule.attributes.iter().map(String::as_str).collect(),
                    }),
                });
                // Who reads all of a folder reads what lies in it.
                let folder = pattern.rsplit_once('/').map(|(folder, _)| folder);
                let folder = folder.filter(|folder| !crate::actions::pattern::has_wildcard(folder));
                if let Some(folder) = folder
                    && home
                    && kinds.read == Some(ActionKind::CredentialRead)
                {
                    order += 1;
                    by_component.entry(anchor(folder)).or_default().push(Rule {
                        order,
                        pattern: folder,
                        home,
                        read: None,
                        write: None,
                        delete: None,
                        everything: kinds.read,
                        place: None,
                        more: Held::from(More {
                            name: &rule.name,
                            ..More::default()
                        }),
                    });
                }
            }
            errors.extend(
                problems
                    .into_iter()
                    .map(|problem| format!("{file}: `{}`: {problem}", rule.name)),
            );
        }
    }
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for (component, rules) in &by_component {
        names.push(((*component).to_owned(), entries.len()));
        match postcard::to_allocvec(rules) {
            Ok(bytes) => entries.push(bytes),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    table::store(&names, &entries).map_err(|error| vec![error])
}

struct Kinds {
    read: Option<ActionKind>,
    write: Option<ActionKind>,
    delete: Option<ActionKind>,
    everything: Option<ActionKind>,
    place: Option<Place>,
}

impl Kinds {
    fn read(rule: &RuleSpec, errors: &mut Vec<String>) -> Self {
        let mut kind = |name: &Option<String>| {
            let name = name.as_deref()?;
            let kind = ActionKind::from_name(name);
            if kind.is_none() {
                errors.push(format!("`{name}` is not an action kind"));
            }
            kind
        };
        let read = kind(&rule.read);
        let write = kind(&rule.write);
        let delete = kind(&rule.delete).or(write);
        let everything = kind(&rule.everything);
        let place = rule.place.as_deref().and_then(|name| {
            let place = Place::from_name(name);
            if place.is_none() {
                errors.push(format!("`{name}` is not a place"));
            }
            place
        });
        errors.extend(
            rule.attributes
                .iter()
                .chain(&rule.read_with)
                .filter_map(|name| super::attributes::problem(name)),
        );
        if rule.examples.is_empty() {
            errors.push(String::from("has no example"));
        }
        Self {
            read,
            write,
            delete,
            everything,
            place,
        }
    }
}

/// The pattern without `~/`, and whether it had it.
fn split_home<'a>(path: &'a str, errors: &mut Vec<String>) -> (&'a str, bool) {
    if path == "~" {
        return ("", true);
    }
    if let Some(rest) = path.strip_prefix("~/") {
        return (rest, true);
    }
    if !path.starts_with('/') && !path.starts_with("**/") && !path.starts_with("C:/") {
        errors.push(format!(
            "`{path}` is not `~` and does not begin with `/`, `~/`, `**/` or `C:/`"
        ));
    }
    (path, false)
}

/// The literal component that says most: the longest.
fn anchor(pattern: &str) -> &str {
    pattern
        .split('/')
        .filter(|part| !pattern::has_wildcard(part))
        .max_by_key(|part| part.len())
        .unwrap_or_default()
}

/// Holds every rule against its examples.
///
/// # Errors
/// One sentence for each example that gives something else.
pub fn check_examples(files: &Files, rules: &Rules, context: &Context) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    for (file, spec) in files {
        for rule in &spec.file {
            for (text, expected) in &rule.examples {
                let got = example(text, rules, context);
                if got != *expected {
                    errors.push(format!(
                        "{file}: `{}`: `{text}` is `{got}`, not `{expected}`",
                        rule.name
                    ));
                }
            }
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// `write ~/.bashrc` as the kind it becomes; `nothing` when no rule speaks; for `place PATH` the place.
fn example(text: &str, rules: &Rules, context: &Context) -> String {
    let Some((operation, path)) = text.split_once(' ') else {
        return String::from("no operation and path");
    };
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/home/u{rest}"),
        _ => path.to_owned(),
    };
    let wildcards = pattern::has_wildcard(&path);
    let operation = match operation {
        "read" => Operation::Read,
        "everything" => Operation::Everything,
        "write" => Operation::Write,
        "delete" => Operation::Delete,
        _ => {
            return place_of(rules, &path, context).map_or_else(
                || String::from("nothing"),
                |place| place.as_str().to_owned(),
            );
        }
    };
    look_up(rules, &path, wildcards, operation, context).map_or_else(
        || String::from("nothing"),
        |special| special.kind.as_str().to_owned(),
    )
}
