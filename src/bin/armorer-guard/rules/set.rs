//! The rules in use: those that ship, and the packs a person names.

use std::path::{Path, PathBuf};

use armorer_guard_core::builtin;
use armorer_guard_core::rules::book::{self, Page};
use armorer_guard_core::rules::spec::PackSpec;
use armorer_guard_core::rules::{Rule, RuleError};
use armorer_guard_core::scan::{Scanner, packs};
use armorer_guard_core::sweep::select::Selection;

use crate::output::complain;

/// Rules to scan with.
pub(crate) enum RuleSet {
    Shipped,
    Extended { scanner: Scanner, own: Vec<Page> },
}

impl RuleSet {
    /// The rules that ship and those of `files`.
    pub(crate) fn open(files: &[PathBuf]) -> Result<Self, Vec<RuleError>> {
        builtin::sound().map_err(damaged)?;
        if files.is_empty() {
            return Ok(Self::Shipped);
        }
        let packs = read(files)?;
        let own = book::of(&packs);
        taken(&packs)?;
        let mut scanner = builtin::new_scanner().map_err(damaged)?;
        scanner.add(packs::load(packs)?);
        Ok(Self::Extended { scanner, own })
    }

    /// As [`RuleSet::open`]; says what is wrong.
    pub(crate) fn open_or_complain(files: &[PathBuf]) -> Option<Self> {
        Self::open(files).inspect_err(|errors| told(errors)).ok()
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

/// Refuses ids that a shipped rule has.
pub(super) fn taken(packs: &[(String, PackSpec)]) -> Result<(), Vec<RuleError>> {
    let shipped: std::collections::HashSet<&str> = builtin::scanner()
        .rules()
        .map(|rule| rule.id.as_str())
        .collect();
    let errors: Vec<RuleError> = packs
        .iter()
        .flat_map(|(file, pack)| pack.rule.iter().map(move |rule| (file, rule)))
        .filter(|(_, rule)| shipped.contains(rule.id.as_str()))
        .map(|(file, rule)| RuleError {
            kind: RuleError::DUPLICATE,
            file: file.clone(),
            rule: rule.id.clone(),
            message: String::from("the id is that of a rule that ships"),
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Says what is wrong with packs.
pub(super) fn told(errors: &[RuleError]) {
    for error in errors {
        complain(&error.to_string(), None);
    }
}
