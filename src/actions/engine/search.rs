//! Programs that a shell finds in folders which the call put into `PATH`.

use super::{Engine, Situation};
use crate::actions::word::{Brought, Word};
use crate::shell::command::{Candidate, Value};

/// How many folders of a search path are looked at.
const MOST_FOLDERS: usize = 16;

impl Engine<'_> {
    /// Runs what the call wrote or brought under that name to where it has the shell look for programs. That it is one
    /// that may be run is not looked at, so what is said of the name holds besides.
    pub(super) fn run_by_search(&mut self, name: &str, words: &[Word], here: &Situation) {
        if self.files.is_empty() || here.on.is_some() || name.contains(['/', '\\']) {
            return;
        }
        let places = self.searched(name, here);
        let is_new = |path: &String| !self.running.iter().any(|running| running == path);
        let found = places
            .into_iter()
            .find(|path| self.written(path).is_some())
            .filter(is_new);
        let (Some(path), Some(program)) = (found, words.first()) else {
            return;
        };
        let file = Word::made(Value::Exact(path.clone()), program.origin.clone());
        self.running.push(path);
        self.script("shell", &file, name, here);
        self.running.pop();
    }

    /// When a folder that the call has the shell look for programs in was brought from the network, if one was.
    pub(super) fn brought_by_search(&self, name: &str, here: &Situation) -> Option<Brought> {
        if self.files.is_empty() || here.on.is_some() || name.contains('/') {
            return None;
        }
        let places = self.searched(name, here).into_iter();
        places.filter_map(|path| self.brought_to(&path)).max()
    }

    /// Where a program of that name may lie, in the folders that the call itself looks through. Behind a part that is not
    /// known, as in `PATH="$PATH:$PWD/tools"`, any folder may stand, so what the call wrote under that name is meant.
    fn searched(&self, name: &str, here: &Situation) -> Vec<String> {
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
                if folders.len() < MOST_FOLDERS && !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        let there = |folder: &str| match folder {
            "" => self.absolute(name, here),
            folder => self.absolute(&format!("{folder}/{name}"), here),
        };
        let mut places: Vec<String> = folders.into_iter().filter_map(there).collect();
        if is_open {
            let paths = self.files.iter().map(|(path, _)| path);
            let is_it = |path: &&String| {
                path.strip_suffix(name)
                    .is_some_and(|folder| folder.ends_with('/'))
            };
            places.extend(paths.filter(is_it).cloned());
        }
        places
    }
}
