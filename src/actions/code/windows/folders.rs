//! Where a script stands: what it says of files after it moved lies there.

use super::known;
use crate::actions::code::{TargetRole, What};
use crate::shell::command::{Value, Why};

/// Most folders that a script may stand in at once, and folders that it remembers to go back to.
const MOST: usize = 4;
const MOST_LEFT: usize = 64;

/// The folders that a script may stand in; `None` is where it began.
pub(super) struct Folders {
    now: Vec<Option<Value>>,
    /// Those that were left for a while, the last one last.
    left: Vec<Vec<Option<Value>>>,
}

impl Default for Folders {
    fn default() -> Self {
        Self {
            now: vec![None],
            left: Vec::new(),
        }
    }
}

impl Folders {
    /// Moves. A move that may not happen leaves the script where it was as well.
    pub(super) fn enter(&mut self, to: &Value, certain: bool) {
        let moved = self.now.iter().map(|from| Some(placed(from.as_ref(), to)));
        let moved: Vec<Option<Value>> = moved.collect();
        if certain {
            self.now.clear();
        }
        for place in moved {
            if !self.now.contains(&place) {
                self.now.push(place);
            }
        }
        if self.now.len() > MOST {
            self.now = vec![Some(Value::Unknown(Why::Limit))];
        }
    }

    /// Remembers where the script stands.
    pub(super) fn remember(&mut self) {
        if self.left.len() < MOST_LEFT {
            self.left.push(self.now.clone());
        }
    }

    /// Goes back to what was remembered last, if anything was.
    pub(super) fn leave(&mut self) {
        if let Some(before) = self.left.pop() {
            self.now = before;
        }
    }

    /// What is done, in each of the folders.
    pub(super) fn each(&self, what: What) -> Vec<What> {
        let What::Act {
            kind,
            target: Some(target),
            role: TargetRole::Path,
            attributes,
        } = &what
        else {
            return vec![what];
        };
        let mut each = Vec::with_capacity(self.now.len());
        for folder in &self.now {
            let placed = What::Act {
                kind: *kind,
                target: Some(placed(folder.as_ref(), target)),
                role: TargetRole::Path,
                attributes: attributes.clone(),
            };
            if !each.contains(&placed) {
                each.push(placed);
            }
        }
        each
    }
}

/// A path as it is seen from a folder.
fn placed(folder: Option<&Value>, path: &Value) -> Value {
    let Some(folder) = folder else {
        return path.clone();
    };
    let all = |texts: &[String]| {
        let each = texts
            .iter()
            .map(|text| placed(Some(folder), &Value::Exact(text.clone())));
        Value::Either(each.collect())
    };
    match path {
        Value::OneOf(texts) => all(texts),
        Value::Either(values) => {
            let each = values.iter().map(|value| placed(Some(folder), value));
            Value::Either(each.collect())
        }
        Value::Unknown(_) => path.clone(),
        _ if is_absolute(known(path)) => path.clone(),
        Value::Exact(text) => below(folder, text, Value::Exact),
        Value::Pattern(text) => below(folder, text, Value::Pattern),
        Value::Prefix(text, why) => below(folder, text, |text| Value::Prefix(text, why.clone())),
    }
}

/// A path that begins in a folder.
fn below(folder: &Value, path: &str, form: impl Fn(String) -> Value) -> Value {
    match folder {
        Value::Exact(folder) => {
            // Both signs part folders, and one of them stands for itself in a pattern.
            let folder = folder.replace('\\', "/");
            form(format!("{}/{path}", folder.trim_end_matches('/')))
        }
        Value::Prefix(start, why) => Value::Prefix(start.clone(), why.clone()),
        Value::Unknown(why) => Value::Unknown(why.clone()),
        _ => Value::Unknown(Why::Expansion),
    }
}

/// Whether a path says where it lies: from a root, a drive, a home, or in a store that is no file system (`HKLM:`).
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\', '~']) || path.contains(':')
}
