//! Entries as written to entries as looked up: names and aliases, inheritance, and all checks but the examples.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Act, Arity, Effect, Entry, Otherwise, Role, Style};
use super::grammar::{Options, condition, open_filter, part, role_of, selector, template};
use super::options::Opt;
use super::spec::{
    CommandSpec, EffectSpec, FileSpec, RoleSpec, RunSpec, StyleSpec, UnlistedOptionSpec,
};
use super::words::Words;
use super::{options, table};
use crate::actions::action::Certainty;
use crate::actions::kinds::ActionKind;

/// Languages that `code` and `script` may name.
pub const LANGUAGES: [&str; 30] = [
    "java",
    "shell",
    "python",
    "javascript",
    "perl",
    "ruby",
    "php",
    "lua",
    "r",
    "julia",
    "elisp",
    "applescript",
    "awk",
    "sed",
    "ex",
    "sql",
    "m4",
    "mongo",
    "redis",
    "ftp",
    "curl",
    "manifest",
    "powershell",
    "cmd",
    "other",
    "patch",
    "checksums",
    "notebook",
    "image",
    "make",
];

/// What every program answers that has help at all; the end of its options.
const HELP: [&str; 2] = ["--help", "--version"];

/// A file of the catalogue and its name.
pub type File = (String, FileSpec);

/// An entry as written, with the file it stands in.
#[derive(Clone, Copy)]
struct Written<'a> {
    file: &'a str,
    spec: &'a CommandSpec,
}

/// Entries by full name: the parents that nobody wrote are filled in.
type Nodes<'a> = BTreeMap<String, Option<Written<'a>>>;

/// Compiles entries to a stored table.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and entry.
pub fn compile(files: &[File]) -> Result<Vec<u8>, Vec<String>> {
    let mut errors = Vec::new();
    let (nodes, alias_parents) = collect(files, &mut errors);
    let order: Vec<&String> = nodes.keys().collect();
    let numbers: BTreeMap<&str, usize> = order
        .iter()
        .enumerate()
        .map(|(number, name)| (name.as_str(), number))
        .collect();
    let patterns = pattern_names(files, &numbers);
    let mut entries = Vec::with_capacity(order.len());
    let mut lists = Lists::after(order.len());
    for name in &order {
        let compiler = Compiler {
            nodes: &nodes,
            alias_parents: &alias_parents,
            patterns: &patterns,
            name,
        };
        let mut problems = Vec::new();
        let entry = compiler.entry(&mut lists, &mut problems);
        match postcard::to_allocvec(&entry) {
            Ok(bytes) => entries.push(bytes),
            Err(error) => problems.push(error.to_string()),
        }
        let file = nodes
            .get(*name)
            .and_then(|written| written.map(|written| written.file))
            .unwrap_or("catalogue");
        errors.extend(
            problems
                .into_iter()
                .map(|problem| format!("{file}: `{name}`: {problem}")),
        );
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    entries.extend(lists.stored);
    table::store(&names(files, &numbers), &entries).map_err(|error| vec![error])
}

/// Lists of options, each stored once, behind the entries.
struct Lists {
    first: usize,
    stored: Vec<Vec<u8>>,
}

impl Lists {
    const fn after(first: usize) -> Self {
        Self {
            first,
            stored: Vec::new(),
        }
    }

    /// The number of a list in the table.
    fn number(&mut self, list: &[Opt<'_>]) -> Result<u32, String> {
        let bytes = options::store(list)?;
        let held = self.stored.iter().position(|stored| *stored == bytes);
        let position = held.unwrap_or_else(|| {
            self.stored.push(bytes);
            self.stored.len() - 1
        });
        u32::try_from(self.first + position).map_err(|_| String::from("too many options"))
    }

    /// Options that end where the numbers say, as lists.
    fn of(
        &mut self,
        list: &[Opt<'_>],
        ends: &[usize],
    ) -> Result<options::Options<'static>, String> {
        let mut start = 0;
        let mut numbers = Vec::new();
        for end in ends {
            if *end > start {
                numbers.push(self.number(&list[start..*end])?);
                start = *end;
            }
        }
        Ok(options::Options::of(&numbers))
    }
}

fn collect<'a>(files: &'a [File], errors: &mut Vec<String>) -> (Nodes<'a>, BTreeSet<String>) {
    let mut nodes: Nodes<'a> = BTreeMap::new();
    for (file, spec) in files {
        for entry in &spec.command {
            let written = Written { file, spec: entry };
            if entry.name.split(' ').any(str::is_empty) {
                errors.push(format!("{file}: `{}` is not a name", entry.name));
            }
            if let Some(Some(other)) = nodes.insert(entry.name.clone(), Some(written)) {
                errors.push(format!(
                    "{file}: `{}` is also in {}",
                    entry.name, other.file
                ));
            }
        }
    }
    let written: Vec<String> = nodes.keys().cloned().collect();
    for name in written {
        let mut parent = name.as_str();
        while let Some((shorter, _)) = parent.rsplit_once(' ') {
            if !is_pattern(shorter) {
                nodes.entry(shorter.to_owned()).or_insert(None);
            }
            parent = shorter;
        }
    }
    let over = alias_parents(files, &mut nodes);
    (nodes, over)
}

/// The parents of aliases: `uv tool` for `uv tool run`. Those that nobody wrote are filled in.
fn alias_parents(files: &[File], nodes: &mut Nodes<'_>) -> BTreeSet<String> {
    let aliases: BTreeMap<&str, &str> = files
        .iter()
        .flat_map(|(_, file)| &file.command)
        .flat_map(|entry| {
            entry
                .aliases
                .iter()
                .map(|alias| (alias.as_str(), entry.name.as_str()))
        })
        .filter(|(alias, _)| !is_pattern(alias))
        .collect();
    let mut parents = BTreeSet::new();
    for alias in aliases.keys() {
        let mut name = String::new();
        let mut spelled = String::new();
        let words: Vec<&str> = alias.split(' ').collect();
        for word in &words[..words.len() - 1] {
            for text in [&mut name, &mut spelled] {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(word);
            }
            if !nodes.contains_key(&name) {
                match aliases.get(spelled.as_str()) {
                    Some(entry) => (*entry).clone_into(&mut name),
                    None => drop(nodes.insert(name.clone(), None)),
                }
            }
            parents.insert(name.clone());
        }
    }
    parents
}

fn is_pattern(name: &str) -> bool {
    name.contains('*')
}

/// Every exact name, aliases and the children they bring along included.
fn names(files: &[File], numbers: &BTreeMap<&str, usize>) -> Vec<(String, usize)> {
    let mut names: BTreeMap<String, usize> = numbers
        .iter()
        .filter(|(name, _)| !is_pattern(name))
        .map(|(name, number)| ((*name).to_owned(), *number))
        .collect();
    let mut aliases: Vec<(&str, &str)> = files
        .iter()
        .flat_map(|(_, file)| &file.command)
        .flat_map(|entry| {
            entry
                .aliases
                .iter()
                .map(move |alias| (alias.as_str(), entry.name.as_str()))
        })
        .filter(|(alias, _)| !is_pattern(alias))
        .collect();
    // The deepest first, so that an alias of a parent brings the aliases of its children along.
    aliases.sort_by_key(|(_, name)| std::cmp::Reverse(name.split(' ').count()));
    for (alias, name) in aliases {
        if is_pattern(name) {
            let number = numbers.get(name).copied();
            names.extend(number.map(|number| (alias.to_owned(), number)));
            continue;
        }
        let below = format!("{name} ");
        let found: Vec<(String, usize)> = names
            .iter()
            .filter_map(|(held, number)| {
                if held == name {
                    Some((alias.to_owned(), *number))
                } else {
                    held.strip_prefix(&below)
                        .map(|rest| (format!("{alias} {rest}"), *number))
                }
            })
            .collect();
        for (held, number) in found {
            names.entry(held).or_insert(number);
        }
    }
    names.into_iter().collect()
}

/// Names with patterns and the numbers of their entries, in file order.
fn pattern_names<'a>(
    files: &'a [File],
    numbers: &BTreeMap<&str, usize>,
) -> Vec<(Vec<&'a str>, usize)> {
    files
        .iter()
        .flat_map(|(_, file)| &file.command)
        .flat_map(|entry| {
            std::iter::once(&entry.name)
                .chain(&entry.aliases)
                .filter(|name| is_pattern(name))
                .filter_map(|name| {
                    let number = *numbers.get(entry.name.as_str())?;
                    Some((name.split(' ').collect(), number))
                })
        })
        .collect()
}

struct Compiler<'a, 'n> {
    nodes: &'n Nodes<'a>,
    alias_parents: &'n BTreeSet<String>,
    patterns: &'n [(Vec<&'a str>, usize)],
    name: &'n str,
}

impl<'a: 'n, 'n> Compiler<'a, 'n> {
    fn written(&self, name: &str) -> Option<Written<'a>> {
        self.nodes.get(name).copied().flatten()
    }

    /// This entry as written, then its parents, the nearest first. Parents that are patterns do not exist.
    fn line(&self) -> Vec<Written<'a>> {
        let mut line = Vec::new();
        let mut name = self.name;
        loop {
            line.extend(self.written(name));
            match name.rsplit_once(' ') {
                Some((parent, _)) => name = parent,
                None => return line,
            }
        }
    }

    fn entry(&self, lists: &mut Lists, errors: &mut Vec<String>) -> Entry<'n> {
        let line = self.line();
        let own = self.written(self.name).map(|written| written.spec);
        let style = line
            .iter()
            .find_map(|written| written.spec.style)
            .unwrap_or_default();
        let help = style_has_help(style) && !own.is_some_and(|spec| spec.no_help);
        let (list, bases) = merge_options(&line, style_has_help(style), errors);
        let help_from = list.len() - if style_has_help(style) { HELP.len() } else { 0 };
        let ends: Vec<usize> = bases
            .iter()
            .copied()
            .skip(1)
            .chain([help_from, list.len()])
            .collect();
        let stored = keep(lists.of(&list, &ends), errors).unwrap_or_default();
        let options = Options {
            list: &list,
            base: 0,
        };
        let mut effects: Vec<Effect<'n>> = Vec::new();
        let mut chdir = None;
        let mut reach = list.len();
        for ((depth, written), base) in line.iter().enumerate().zip(bases) {
            let is_parent = depth > 0 || own.is_none();
            if is_parent && written.spec.options_first {
                reach = reach.min(base);
            }
            let is_own = depth == 0 && own.is_some();
            let options = Options { list: &list, base };
            for effect in &written.spec.effect {
                if is_own || effect.inherit {
                    effects.push(compile_effect(effect, options, errors));
                }
            }
            if let (None, Some(text)) = (&chdir, &written.spec.chdir) {
                chdir = keep(selector(text, options), errors);
            }
        }
        let mut conditions = |texts: &'a [String]| {
            texts
                .iter()
                .filter_map(|text| keep(condition(text, options), errors))
                .collect::<Vec<_>>()
        };
        let mut harmless_when = own.map_or_else(Vec::new, |spec| conditions(&spec.harmless_when));
        let own_proofs = harmless_when.len();
        let decodes_when = own.map_or_else(Vec::new, |spec| conditions(&spec.decodes_when));
        let authenticates = own.map_or_else(Vec::new, |spec| conditions(&spec.authenticates));
        let lists_when = own.map_or_else(Vec::new, |spec| conditions(&spec.lists_when));
        let prints_when = own.map_or_else(Vec::new, |spec| conditions(&spec.prints_when));
        let setup_when = own.map_or_else(Vec::new, |spec| conditions(&spec.setup_when));
        let open_unless = own.map_or_else(Vec::new, |spec| conditions(&spec.open_unless));
        let open: Vec<(u16, &str)> = own.map_or_else(Vec::new, |spec| {
            let filters = spec.open.iter().map(|text| open_filter(text, options));
            filters.filter_map(|filter| keep(filter, errors)).collect()
        });
        if open.is_empty() && !open_unless.is_empty() {
            errors.push(String::from("`open_unless` says nothing without `open`"));
        }
        if help {
            // `helm upgrade --version 1.2`: with a value, it is not the question for the version.
            let asks = HELP.into_iter().filter(|spelling| {
                !options.list.iter().any(|option| {
                    option.arity == Arity::Value && option.spellings.contains(spelling)
                })
            });
            harmless_when.extend(asks.filter_map(|spelling| condition(spelling, options).ok()));
        }
        let by_alias = self.alias_parents.contains(self.name);
        let parent = self.has_children() || by_alias;
        let asked = harmless_when.len() - own_proofs;
        let harmless_alone = match own {
            Some(spec) if !parent && !self.name.contains(' ') && changes_operands(spec) => asked,
            _ => 0,
        };
        let (unlisted, otherwise) = self.cases(&line, own, parent, &effects, errors);
        let mut selected = |text: Option<&'n String>| {
            let text = text?;
            keep(selector(text, options), errors)
        };
        let processes = selected(own.and_then(|spec| spec.processes.as_ref()));
        let lists = selected(own.and_then(|spec| spec.lists.as_ref()));
        let prints = selected(own.and_then(|spec| spec.prints.as_ref()));
        let prints_strings = selected(own.and_then(|spec| spec.prints_strings.as_ref()));
        Entry {
            name: self.name,
            summary: own.map_or("", |spec| &spec.summary),
            file: line.first().map_or("", |written| written.file),
            style: compile_style(style),
            stop_at_operand: own.is_some_and(|spec| spec.stop_at_operand),
            numeric: own.is_some_and(|spec| spec.numeric),
            assignments: own.is_some_and(|spec| spec.assignments),
            strict: own.is_some_and(|spec| spec.unlisted_option == UnlistedOptionSpec::Unknown),
            dash_operands: own.map_or_else(Words::default, |spec| {
                spec.dash_operands.iter().map(String::as_str).collect()
            }),
            parent,
            patterns: self.patterns_below(),
            unlisted,
            otherwise,
            harmless_when,
            harmless_alone,
            carries: own.is_none_or(|spec| spec.carries),
            copies: own.is_some_and(|spec| spec.copies),
            decodes_when,
            authenticates,
            setup_when,
            open,
            open_unless,
            lists_when,
            lists,
            processes,
            prints,
            prints_strings,
            prints_when,
            separated: own.is_some_and(|spec| spec.separated),
            effects: effects.into_iter().collect(),
            chdir,
            reach,
            options: stored,
        }
    }

    fn has_children(&self) -> bool {
        self.has_written_children() || !self.patterns_below().is_empty()
    }

    fn has_written_children(&self) -> bool {
        let below = format!("{} ", self.name);
        self.nodes
            .range(below.clone()..)
            .next()
            .is_some_and(|(name, _)| name.starts_with(&below))
    }

    /// What may follow this entry's own words, by pattern.
    fn patterns_below(&self) -> Vec<(Vec<&'n str>, u32)> {
        if is_pattern(self.name) {
            return Vec::new();
        }
        let words: Vec<&str> = self.name.split(' ').collect();
        self.patterns
            .iter()
            .filter(|(pattern, _)| {
                pattern.len() > words.len()
                    && pattern
                        .iter()
                        .zip(&words)
                        .all(|(pattern, word)| crate::actions::pattern::matches(pattern, word))
            })
            .filter_map(|(pattern, number)| {
                Some((
                    pattern[words.len()..].to_vec(),
                    u32::try_from(*number).ok()?,
                ))
            })
            .collect()
    }

    fn cases(
        &self,
        line: &[Written<'a>],
        own: Option<&'a CommandSpec>,
        parent: bool,
        effects: &[Effect<'_>],
        errors: &mut Vec<String>,
    ) -> (Otherwise, Otherwise) {
        let mut read = |text: &str| match text {
            "unknown" => Otherwise::Unknown,
            "nothing" => Otherwise::Nothing,
            "self" => Otherwise::Own,
            kind => ActionKind::from_name(kind).map_or_else(
                || {
                    errors.push(format!("`{kind}` is not unknown, nothing, self or a kind"));
                    Otherwise::Unknown
                },
                Otherwise::Does,
            ),
        };
        // A parent that nobody wrote answers as the nearest one that was written.
        let unlisted = match own {
            Some(spec) => spec.unlisted.as_deref(),
            None => line
                .first()
                .and_then(|written| written.spec.unlisted.as_deref()),
        };
        // Where only aliases stand below an entry, or the patterns of others, it is not their parent, and its other
        // words are its own.
        let does = own.is_some_and(|spec| spec.harmless || !spec.effect.is_empty());
        let default = if does && !self.has_written_children() {
            Otherwise::Own
        } else {
            Otherwise::Unknown
        };
        let unlisted = unlisted.map_or(default, &mut read);
        let said = own.and_then(|spec| spec.otherwise.as_deref());
        let otherwise = match (own, said) {
            (_, Some(text)) => read(text),
            (None, None) => Otherwise::Unknown,
            (Some(_), None) => Otherwise::Nothing,
        };
        if let Some(spec) = own {
            if spec.harmless && !spec.effect.is_empty() {
                errors.push(String::from("`harmless` and effects exclude each other"));
            }
            if !spec.harmless && effects.is_empty() && spec.otherwise.is_none() && !parent {
                errors.push(String::from(
                    "has neither effects nor `harmless = true` nor `otherwise`",
                ));
            }
            if spec.unlisted.is_some() && !parent {
                errors.push(String::from("`unlisted` needs subcommands"));
            }
            if spec.summary.is_empty() {
                errors.push(String::from("has no summary"));
            }
        }
        (unlisted, otherwise)
    }
}

fn keep<T>(result: Result<T, String>, errors: &mut Vec<String>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

const fn style_has_help(style: StyleSpec) -> bool {
    matches!(style, StyleSpec::Gnu | StyleSpec::Long | StyleSpec::Old)
}

const fn compile_style(style: StyleSpec) -> Style {
    match style {
        StyleSpec::Gnu => Style::Gnu,
        StyleSpec::Long => Style::Long,
        StyleSpec::KeyValue => Style::KeyValue,
        StyleSpec::Slash => Style::Slash,
        StyleSpec::Old => Style::Old,
    }
}

/// Its own options, then those of its parents. The list of a parent is the end of its subcommand's list, so what a
/// parent was given can be handed down; a spelling that comes twice is found at its own entry first.
///
/// Also says where each entry's own options begin.
fn merge_options<'a>(
    line: &[Written<'a>],
    help: bool,
    errors: &mut Vec<String>,
) -> (Vec<Opt<'a>>, Vec<usize>) {
    let mut options: Vec<Opt<'a>> = Vec::new();
    let mut bases = Vec::with_capacity(line.len());
    for (depth, written) in line.iter().enumerate() {
        let own = options.len();
        bases.push(own);
        let spec = written.spec;
        for (arity, list) in [
            (Arity::Flag, &spec.flags),
            (Arity::Value, &spec.values),
            (Arity::Attached, &spec.optional),
            (Arity::Pair, &spec.pairs),
            (Arity::Block, &spec.blocks),
        ] {
            options.extend(list.iter().map(|text| {
                let spellings: Vec<&'a str> = text.split_whitespace().collect();
                Opt {
                    stops: spellings
                        .iter()
                        .any(|spelling| spec.stops.iter().any(|stop| stop == spelling)),
                    spellings,
                    arity,
                }
            }));
        }
        if spec.numeric {
            options.push(flag("-#"));
        }
        if depth == 0 {
            check_own_options(spec, &options[own..], errors);
        }
    }
    if help {
        options.extend(HELP.map(flag));
    }
    (options, bases)
}

/// Whether its operands are files that it changes. On BSD, macOS and Alpine such a program ends its options at the first
/// operand: `rm -r x --help` removes `x`, and then looks for a file `--help`.
fn changes_operands(spec: &CommandSpec) -> bool {
    spec.effect.iter().any(|effect| {
        let changes = matches!(
            effect.kind.as_deref(),
            Some("fs.write" | "fs.delete" | "fs.destroy" | "fs.permission" | "disk.write")
        );
        let are_operands = |to: &str| to.contains("operand") || to.contains("last");
        changes && effect.to.as_deref().is_some_and(are_operands)
    })
}

fn check_own_options(spec: &CommandSpec, own: &[Opt<'_>], errors: &mut Vec<String>) {
    let mut seen: Vec<&str> = Vec::new();
    for spelling in own.iter().flat_map(|option| &option.spellings) {
        if seen.contains(spelling) {
            errors.push(format!("`{spelling}` is declared twice"));
        }
        seen.push(spelling);
    }
    for stop in &spec.stops {
        if !seen.contains(&stop.as_str()) {
            errors.push(format!("`{stop}` in `stops` is not an option of the entry"));
        }
    }
}

fn flag(spelling: &str) -> Opt<'_> {
    Opt {
        spellings: vec![spelling],
        arity: Arity::Flag,
        stops: false,
    }
}

/// Compiles one effect against the options it may name.
pub fn compile_effect<'a>(
    spec: &'a EffectSpec,
    options: Options<'_, '_>,
    errors: &mut Vec<String>,
) -> Effect<'a> {
    let act = act(spec, errors);
    let role = spec.role.map_or_else(
        || match act {
            Act::Do(kind) => role_of(kind),
            Act::Script(_) | Act::Link => Role::Path,
            _ => Role::Name,
        },
        |role| match role {
            RoleSpec::Path => Role::Path,
            RoleSpec::Url => Role::Url,
            RoleSpec::Host => Role::Host,
            RoleSpec::Remote => Role::Remote,
            RoleSpec::Local => Role::Local,
            RoleSpec::Name => Role::Name,
        },
    );
    let mut read = |text: &'a String| keep(selector(text, options), errors);
    let to = spec.to.as_ref().and_then(&mut read);
    let append = spec.append.as_ref().and_then(&mut read);
    let replace = match (&spec.replace, &spec.by) {
        (Some(word), Some(by)) => {
            let word = if word.starts_with("option ") {
                read(word)
            } else {
                Some(super::entry::Selector::Text(word))
            };
            word.zip(read(by))
        }
        (None, None) => None,
        _ => {
            errors.push(String::from("`replace` and `by` belong together"));
            None
        }
    };
    if to.is_none() && spec.run.is_some() {
        errors.push(String::from("`run` needs `to`"));
    }
    let mut conditions = |texts: &'a [String]| {
        texts
            .iter()
            .filter_map(|text| keep(condition(text, options), errors))
            .collect()
    };
    Effect {
        role,
        when: conditions(&spec.when),
        unless: conditions(&spec.unless),
        only: spec.only.iter().map(String::as_str).collect(),
        except: spec.except.iter().map(String::as_str).collect(),
        part: spec.part.as_ref().and_then(|text| keep(part(text), errors)),
        within: spec.within,
        sure: spec.sure,
        attributes: spec
            .attributes
            .iter()
            .filter_map(|text| attribute(text, options, errors))
            .collect(),
        inherit: spec.inherit,
        certainty: certainty(spec.certainty.as_deref(), errors),
        carries: spec.carries,
        on: spec
            .on
            .as_ref()
            .and_then(|text| keep(template(text, options), errors))
            .unwrap_or_default(),
        append,
        replace,
        safer: spec.safer.as_deref(),
        act,
        to,
    }
}

fn act<'a>(spec: &'a EffectSpec, errors: &mut Vec<String>) -> Act<'a> {
    let language = spec.language.as_deref();
    if let Some(language) = language
        && !LANGUAGES.contains(&language)
    {
        errors.push(format!("`{language}` is not a language that is known here"));
    }
    match (&spec.kind, spec.run, language) {
        (Some(kind), None, None) => match ActionKind::from_name(kind) {
            Some(kind) => Act::Do(kind),
            None => {
                errors.push(format!("`{kind}` is not an action kind"));
                Act::Do(ActionKind::Unknown)
            }
        },
        (None, Some(RunSpec::Argv), None) => Act::Argv,
        (None, Some(RunSpec::Shell), None) => Act::Code("shell"),
        (None, Some(RunSpec::Code), Some(language)) => Act::Code(language),
        (None, Some(RunSpec::Script), language) => Act::Script(language.unwrap_or("shell")),
        (None, Some(RunSpec::Assign), None) => Act::Assign,
        (None, Some(RunSpec::Link), None) => Act::Link,
        (None, Some(RunSpec::Module), Some(language)) => Act::Module(language),
        _ => {
            errors.push(String::from(
                "an effect has `do`, or `run`; `language` goes with `code`, `script` and `module` only",
            ));
            Act::Do(ActionKind::Unknown)
        }
    }
}

fn attribute<'a>(
    text: &'a str,
    options: Options<'_, '_>,
    errors: &mut Vec<String>,
) -> Option<(&'a str, Option<super::entry::Condition<'a>>)> {
    let (name, held) = match text.split_once(": ") {
        Some((name, text)) => (name, Some(keep(condition(text, options), errors)?)),
        None => (text, None),
    };
    errors.extend(crate::actions::attributes::problem(name));
    Some((name, held))
}

fn certainty(text: Option<&str>, errors: &mut Vec<String>) -> Certainty {
    match text {
        None => Certainty::Certain,
        Some("likely") => Certainty::Likely,
        Some("possible") => Certainty::Possible,
        Some(other) => {
            errors.push(format!("`{other}` is not `likely` or `possible`"));
            Certainty::Possible
        }
    }
}
