//! Programs that a shell finds in folders which the call put into `PATH`.

use super::{Engine, Situation};
use crate::actions::kinds::ActionKind;
use crate::actions::word::{Brought, Word};
use crate::shell::command::{Candidate, Value};

/// How many folders of a search path are looked at.
const MOST_FOLDERS: usize = 16;
/// How many files of one name are read.
const MOST_FOUND: usize = 4;

impl Engine<'_> {
    /// Runs what the call wrote or brought under that name to where it has the shell look for programs. That it is one
    /// that may be run is not looked at, so what is said of the name holds besides.
    pub(super) fn run_by_search(&mut self, name: &str, words: &[Word], here: &Situation) {
        if self.files.is_empty() || here.on.is_some() || name.contains(['/', '\\']) {
            return;
        }
        let is_new = |path: &String| !self.running.contains(path);
        let mut found: Vec<String> = self.found(name, here);
        found.retain(is_new);
        let Some(program) = words.first() else {
            return;
        };
        if found.len() > MOST_FOUND {
            let reason = format!("`{name}` may be one of many files that the call wrote");
            self.unknown_kind(ActionKind::ExecDynamic, reason, name, here);
        }
        for path in found.into_iter().take(MOST_FOUND) {
            let file = Word::made(Value::Exact(path.clone()), program.origin.clone());
            self.running.push(path);
            self.script("shell", &file, name, here);
            self.running.pop();
        }
    }

    /// When a folder that the call has the shell look for programs in was brought from the network, if one was.
    pub(super) fn brought_by_search(&self, name: &str, here: &Situation) -> Option<Brought> {
        if self.files.is_empty() || here.on.is_some() || name.contains('/') {
            return None;
        }
        let (places, _) = self.searched(name, here);
        let places = places.into_iter();
        places.filter_map(|path| self.brought_to(&path)).max()
    }

    /// What the call wrote or brought under that name to where it has the shell look for programs; at most one more than
    /// is run. Behind a part that is not known, as in `PATH="$PATH:$PWD/tools"`, any folder may stand.
    fn found(&self, name: &str, here: &Situation) -> Vec<String> {
        let (mut found, is_open) = self.searched(name, here);
        found.retain(|path| self.written(path).is_some());
        if is_open {
            for (path, _) in &self.files {
                let folder = path.strip_suffix(name);
                if folder.is_some_and(|folder| folder.ends_with('/')) && !found.contains(path) {
                    found.push(path.clone());
                }
                if found.len() > MOST_FOUND {
                    break;
                }
            }
        }
        found
    }

    /// Where a program of that name may lie, in the folders that the call itself looks through, and whether there may be
    /// others behind them.
    fn searched(&self, name: &str, here: &Situation) -> (Vec<String>, bool) {
        let assigned = here.assignments.iter().rev();
        let mut assigned = assigned.filter(|(variable, _)| variable == "PATH");
        let value = match assigned.next() {
            Some((_, word)) => Some(&word.value),
            None => here.scope.variable("PATH"),
        };
        let mut folders: Vec<&str> = Vec::new();
        let mut is_open = false;
        for candidate in value.map(Value::candidates).unwrap_or_default() {
            let listed: Vec<&str> = match candidate {
                // An empty entry is the working directory, unless a variable that is not known stood there.
                Candidate::Exact(text) | Candidate::Pattern(text) => {
                    text.split(':').filter(|entry| !entry.is_empty()).collect()
                }
                Candidate::Prefix(text, _) => {
                    is_open = true;
                    match text.rsplit_once(':') {
                        Some((whole, _)) => whole.split(':').collect(),
                        None => Vec::new(),
                    }
                }
            };
            for folder in listed {
                if folders.contains(&folder) {
                    continue;
                }
                if folders.len() < MOST_FOLDERS {
                    folders.push(folder);
                } else {
                    is_open = true;
                }
            }
        }
        let there = |folder: &str| match folder {
            "" => self.absolute(name, here),
            folder => self.absolute(&format!("{folder}/{name}"), here),
        };
        (folders.into_iter().filter_map(there).collect(), is_open)
    }
}
