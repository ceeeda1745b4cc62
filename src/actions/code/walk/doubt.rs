//! What may not have been set, or not for those outside: a variable is then what it was, or what it is.

use super::{Walker, either};
use crate::actions::code::value::{Kind, Val};
use crate::shell::command::Value;

/// Longer texts, in bytes, are not kept twice.
const LONGEST: usize = 4096;

/// What variables held before they were set, as long as somebody watches.
#[derive(Debug, Default)]
pub(super) struct Journal {
    watchers: usize,
    held: Vec<(String, Option<Val>)>,
}

/// Since when somebody watches.
#[derive(Debug)]
pub(super) struct Watched(usize);

impl Walker<'_> {
    /// What this sets may not be set when it has run.
    pub(super) fn doubted<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let watched = self.watch();
        let result = walk(self);
        self.unwatch(watched, true);
        result
    }

    pub(super) const fn watch(&mut self) -> Watched {
        self.journal.watchers += 1;
        Watched(self.journal.held.len())
    }

    pub(super) fn unwatch_if(&mut self, watched: Option<Watched>) {
        if let Some(watched) = watched {
            self.unwatch(watched, true);
        }
    }

    /// Watches no longer. What was set in the meantime may be what it was, if that is in doubt.
    pub(super) fn unwatch(&mut self, Watched(since): Watched, doubted: bool) {
        self.journal.watchers = self.journal.watchers.saturating_sub(1);
        if doubted {
            for at in since..self.journal.held.len() {
                let (name, old) = &self.journal.held[at];
                let is_first = self.journal.held[since..at]
                    .iter()
                    .all(|(other, _)| other != name);
                if let (true, Some(old), Some(now)) = (is_first, old, self.vars.get(name))
                    && old != now
                    && is_text(now)
                {
                    let value = either(old.clone(), now.clone());
                    self.vars.insert(name.clone(), value);
                }
            }
        }
        if self.journal.watchers == 0 {
            self.journal.held.clear();
        }
    }

    /// Notes what a variable holds before it is set.
    pub(super) fn note(&mut self, name: &str, old: Option<&Val>) {
        const MOST: usize = 256;
        if self.journal.watchers > 0 && self.journal.held.len() < MOST {
            let old = old.filter(|old| is_text(old)).cloned();
            self.journal.held.push((name.to_owned(), old));
        }
    }
}

/// Whether a value is a text that is known, and no long one.
fn is_text(value: &Val) -> bool {
    match &value.kind {
        Kind::Text(Value::Exact(text), _) => text.len() <= LONGEST,
        Kind::Text(Value::OneOf(texts), _) => texts.iter().all(|text| text.len() <= LONGEST),
        _ => false,
    }
}
