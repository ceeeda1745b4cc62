//! The rules in use: those that ship, the packs in the guard's home, and the packs a person names.

use std::path::{Path, PathBuf};

use armorer_guard_core::rules::book::{self, Page};
use armorer_guard_core::rules::spec::PackSpec;
use armorer_guard_core::rules::{Rule, RuleError};
use armorer_guard_core::scan::{Scanner, packs};
use armorer_guard_core::sweep::select::Selection;
use armorer_guard_core::{builtin, edge, home_packs};

use crate::output::complain;

/// Rules to scan with.
pub(crate) enum RuleSet {
    Shipped,
    Extended { scanner: Scanner, own: Vec<Page> },
}

impl RuleSet {
    /// The rules that ship, those of the packs in the guard's home, and those of `files`.
    pub(crate) fn open(files: &[PathBuf], home: Option<&Path>) -> Result<Self, Vec<RuleError>> {
        builtin::sound().map_err(damaged)?;
        let mut all = at_home(home)?;
        for file in files {
            if !all.iter().any(|held| same(held, file)) {
                all.push(file.clone());
            }
        }
        if all.is_empty() {
            return Ok(Self::Shipped);
        }
        let packs = read(&all)?;
        let own = book::of(&packs);
        home_packs::refuse_taken(&packs)?;
        let mut scanner = builtin::new_scanner().map_err(damaged)?;
        scanner.add(packs::load(packs)?);
        Ok(Self::Extended { scanner, own })
    }

    /// As [`RuleSet::open`]; says what is wrong.
    pub(crate) fn open_or_complain(files: &[PathBuf], home: Option<&Path>) -> Option<Self> {
        Self::open(files, home)
            .inspect_err(|errors| told(errors))
            .ok()
    }

    pub(crate) fn scanner(&self) -> &Scanner {
        match self {
            Self::Shipped => builtin::scanner(),
            Self::Extended { scanner, .. } => scanner,
        }
    }

    /// What is written about the rules, in their order.
    pub(crate) fn pages(&self) -> Vec<Page> {
        let mut pages = builtin::book();
        if let Self::Extended { own, .. } = self {
            pages.extend(own.iter().cloned());
        }
        pages
    }

    /// Says which names of the selection are of no rule; `true` when there are none of those.
    pub(crate) fn knows(&self, selection: &Selection) -> bool {
        if *selection == Selection::default() {
            return true;
        }
        let ids: Vec<&str> = self
            .scanner()
            .rules()
            .map(|rule| rule.id.as_str())
            .collect();
        let unknown = selection.unknown(&ids);
        for name in &unknown {
            complain(
                &format!("no rule or family is named `{name}`"),
                Some("`armorer-guard rules list` shows them"),
            );
        }
        unknown.is_empty()
    }

    /// The rule with that id.
    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.scanner().rules().find(|rule| rule.id == id)
    }
}

fn damaged(error: builtin::Damaged) -> Vec<RuleError> {
    vec![RuleError {
        kind: RuleError::UNREADABLE,
        file: String::from("armorer-guard"),
        rule: String::new(),
        message: error.to_string(),
    }]
}

/// Reads packs.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<(String, PackSpec)>, Vec<RuleError>> {
    let mut held = Vec::new();
    let mut errors = Vec::new();
    for path in files {
        match read_one(path) {
            Ok(pack) => held.push((path.display().to_string(), pack)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(held)
    } else {
        Err(errors)
    }
}

fn read_one(path: &Path) -> Result<PackSpec, RuleError> {
    let unreadable = |message: String| RuleError {
        kind: RuleError::UNREADABLE,
        file: path.display().to_string(),
        rule: String::new(),
        message,
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    packs::parse(&text).map_err(unreadable)
}

/// The packs in the guard's home: the given one, or that of the environment.
pub(super) fn at_home(home: Option<&Path>) -> Result<Vec<PathBuf>, Vec<RuleError>> {
    let home = home.map(Path::to_path_buf).or_else(edge::guard_home);
    match home {
        Some(home) => home_packs::files(&home).map_err(|error| vec![error]),
        None => Ok(Vec::new()),
    }
}

/// Whether both are one file.
fn same(left: &Path, right: &Path) -> bool {
    left == right
        || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
}

/// Says what is wrong with packs.
pub(super) fn told(errors: &[RuleError]) {
    for error in errors {
        complain(&error.to_string(), None);
    }
}
