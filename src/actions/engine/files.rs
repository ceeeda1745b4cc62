//! Files that the call writes: what is remembered of them, and how they are found again, also where a part of the path
//! is only known when the call runs.

use super::{Engine, MAX_FILES, Situation, blank};
use crate::actions::action::{Action, Target};
use crate::actions::kinds::ActionKind;
use crate::actions::pattern;
use crate::actions::place;
use crate::actions::word::{Data, Word};
use crate::shell::command::{Candidate, Value, Why};

/// Where a file lies.
pub(super) struct Located {
    /// Its path; a variable in it stands as it is written.
    pub(super) path: String,
    /// Two that are the same are the same file; otherwise what follows the variable is not known.
    pub(super) whole: bool,
}

impl Engine<'_> {
    /// Remembers what a file now holds.
    pub(super) fn remember(&mut self, file: &Word, data: &Data, here: &Situation) {
        if self.files.len() >= MAX_FILES {
            return;
        }
        let Some(located) = self.located(file, here) else {
            return;
        };
        let held = self
            .files
            .iter_mut()
            .find(|(held, _)| *held == located.path);
        match held {
            Some((_, held)) if located.whole => *held = data.clone(),
            Some((_, held)) => held.merge(data),
            None if located.whole || !data.urls.is_empty() => {
                self.files.push((located.path, data.clone()));
            }
            None => {}
        }
    }

    /// What the call has written to that path so far.
    pub(super) fn written(&self, path: &str) -> Option<&Data> {
        self.files
            .iter()
            .find(|(held, _)| held == path)
            .map(|(_, data)| data)
    }

    /// As [`Self::written`]; of a pattern the first file that fits it.
    pub(super) fn written_as(&self, path: &str) -> Option<&Data> {
        self.written(path).or_else(|| {
            let fits =
                |held: &str| pattern::has_wildcard(path) && pattern::matches_path(path, held);
            self.files
                .iter()
                .find(|(held, _)| fits(held))
                .map(|(_, data)| data)
        })
    }

    /// Where a file of this machine lies, as far as it can be told from others.
    pub(super) fn located(&self, file: &Word, here: &Situation) -> Option<Located> {
        if here.on.is_some() {
            return None;
        }
        let (text, whole) = match file.exact() {
            Some(text) => (text.to_owned(), true),
            None => by_variable(&file.value)?,
        };
        let path = if text.starts_with('$') {
            place::normalise(&format!("/{text}"), None)?
        } else if let Some(path) = self.absolute(&text, here) {
            path
        } else {
            let (cwd, _) = by_variable(&here.cwd)?;
            place::normalise(&format!("/{cwd}/{text}"), None)?
        };
        Some(Located { path, whole })
    }

    /// Whether the working directory was downloaded by the call.
    pub(super) fn is_in_download(&self, here: &Situation) -> bool {
        if self.files.is_empty() || here.on.is_some() {
            return false;
        }
        let cwd = Word::made(Value::clone(&here.cwd), here.origin.clone());
        self.located(&cwd, here)
            .is_some_and(|cwd| self.is_of_download(&cwd.path))
    }

    /// Whether the call downloaded that file, or a folder that holds it.
    pub(super) fn is_of_download(&self, path: &str) -> bool {
        self.files
            .iter()
            .any(|(held, data)| !data.urls.is_empty() && place::below(path, held).is_some())
    }

    /// A script that starts itself twice beside itself: `$0 & $0 &`.
    pub(super) fn multiplies(&mut self, language: &str, data: &Data, by: &str, here: &Situation) {
        let text = data.text.as_ref().and_then(|text| text.value.exact());
        let itself = |text: &str| text.matches("$0").count() > 1 && text.contains(['&', '|']);
        if language == "shell" && text.is_some_and(itself) {
            let action = Action {
                target: Target::named("a script that starts itself again and again"),
                by: by.to_owned(),
                ..blank(ActionKind::ProcessExhaust, here)
            };
            self.push(action, here);
        }
    }

    /// A file that code runs, when the call downloaded or decoded it.
    pub(super) fn runs_written(&mut self, file: &Word, by: &str, here: &Situation) {
        let path = file.exact().map(|path| path.replace('\\', "/"));
        let path = path.and_then(|path| self.absolute(&path, here));
        let data = path.and_then(|path| self.written(&path).cloned());
        if let Some(data) = data.filter(|data| !data.urls.is_empty() || data.decoded) {
            self.code_data("shell", &data, by, here);
        }
    }

    /// Whether the call downloaded that file.
    pub(super) fn is_downloaded(&self, file: &Word, here: &Situation) -> bool {
        !self.files.is_empty()
            && self
                .located(file, here)
                .and_then(|file| self.written(&file.path))
                .is_some_and(|data| !data.urls.is_empty())
    }

    /// Remembers that a name leads to another file.
    pub fn link(&mut self, target: Option<&Word>, names: &[Word], here: &Situation) {
        let (Some(target), Some(name)) = (target, names.first()) else {
            return;
        };
        let Some(target) = target.exact().and_then(|path| self.absolute(path, here)) else {
            return;
        };
        let Some(mut name) = name.exact().and_then(|path| self.absolute(path, here)) else {
            return;
        };
        if here.cwd.exact() == Some(name.as_str()) {
            name.push('/');
            name.push_str(target.rsplit('/').next().unwrap_or_default());
        }
        if name != target && self.links.len() < super::MAX_FILES {
            self.links.push((name, target));
        }
    }
}

/// A path with the variable in it that is not known, as it is written: `$DIR/tool`; and whether that is all of it.
fn by_variable(value: &Value) -> Option<(String, bool)> {
    let candidates = value.candidates();
    let (beginning, name) = candidates.iter().find_map(|candidate| match candidate {
        Candidate::Prefix(
            text,
            Why::UnsetVariable(name)
            | Why::Parameter(name)
            | Why::PutIn(name)
            | Why::RunTimeValue(name),
        ) => Some((*text, name)),
        _ => None,
    })?;
    // An unset variable may be empty, and what is left then is what stands around it.
    let rest = candidates.iter().find_map(|candidate| match candidate {
        Candidate::Exact(text) => text.strip_prefix(beginning),
        _ => None,
    });
    Some((
        format!("{beginning}${name}{}", rest.unwrap_or_default()),
        rest.is_some(),
    ))
}
