//! Files that the call writes: what is remembered of them, and how they are found again, also where a part of the path
//! is only known when the call runs.

use std::rc::Rc;

use super::ends::is_end;
use super::target::Manner;
use super::{Engine, MAX_FILES, Situation, blank};
use crate::actions::action::{Action, Target};
use crate::actions::catalogue::entry::Role;
use crate::actions::kinds::ActionKind;
use crate::actions::line::Line;
use crate::actions::pattern;
use crate::actions::place;
use crate::actions::word::{Brought, Data, FlowText, Word};
use crate::shell::command::{Candidate, Value, Why};
use crate::span::ByteSpan;

/// Bytes of the longest path that Linux takes.
pub(super) const LONGEST: usize = 4096;

/// How data comes into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poured {
    /// It is all that the file holds.
    Whole,
    /// It is added to what the file holds, or its relation to that is not known.
    More,
    /// Through that redirect, which several commands may have in common: what comes first is all, the rest is added.
    Through(ByteSpan),
}

/// Where a file lies.
pub(super) struct Located {
    /// Its path; a variable in it stands as it is written.
    pub(super) path: String,
    /// Two that are the same are the same file; otherwise what follows the variable is not known.
    pub(super) whole: bool,
}

impl Engine<'_> {
    /// Remembers what a file now holds.
    pub(super) fn remember(&mut self, file: &Word, data: &Data, poured: Poured, here: &Situation) {
        if let Some(located) = self.located(file, here) {
            self.keep(located, data, poured, here.settled);
        } else if is_end(file) {
            self.handed.followed_by(data);
        }
    }

    /// What is not settled may leave there what was there before.
    fn keep(&mut self, at: Located, data: &Data, poured: Poured, settled: bool) {
        let is_part = data.text.is_none() && data.printed.is_some();
        let stored;
        let data = if is_part {
            stored = data.clone().stored();
            &stored
        } else {
            data
        };
        if self.files.len() >= MAX_FILES + self.known {
            return;
        }
        self.loaded.retain(|(held, _)| *held != at.path);
        let adds = match poured {
            Poured::Whole => false,
            Poured::More => true,
            Poured::Through(redirect) => self.flows_on(&at.path, redirect),
        };
        // Whether the write succeeds is not known: what was fetched just now may be all the same.
        let stays = |held: &Data| !settled || held.brought() == Some(Brought::Now);
        let held = self.files.iter_mut().find(|(held, _)| *held == at.path);
        match held {
            Some((_, held)) if at.whole && (adds || stays(held)) => held.followed_by(data),
            Some((_, held)) if at.whole => *held = data.clone(),
            Some((_, held)) => held.merge(data),
            None if at.whole || !data.served.is_empty() => {
                let mut data = data.clone();
                if is_part && poured == Poured::More {
                    // What else it holds is not known.
                    data.files.push(Rc::from(at.path.as_str()));
                }
                self.files.push((at.path, data));
            }
            None => {}
        }
    }

    /// What the call wrote to the files that a program copies or moves is in those that it writes.
    pub(super) fn copies(&mut self, first: usize, writes: &[Word], here: &Situation) {
        if self.files.is_empty() || here.on.is_some() {
            return;
        }
        let is_source = |action: &&Action| {
            let takes = matches!(
                action.kind,
                ActionKind::FsRead | ActionKind::FsDelete | ActionKind::CredentialRead
            );
            takes && action.target.exact
        };
        let sources = self.actions[first..].iter().filter(is_source);
        let sources: Vec<String> = sources.map(|action| action.target.value.clone()).collect();
        for from in &sources {
            for to in writes {
                self.copy(from, to, here);
            }
        }
    }

    /// What a program that shows files as they are shows of several, when the call wrote all of them.
    pub(super) fn shown_together(&self, line: &Line<'_>, first: usize) -> Option<Box<FlowText>> {
        if !line.entry.copies || self.files.is_empty() || line.stdin.some {
            return None;
        }
        let mut shown = Data::default();
        for action in &self.actions[first..] {
            if action.kind != ActionKind::FsRead || !action.target.exact {
                return None;
            }
            let held = self.written(&action.target.value)?;
            held.text.as_ref()?;
            shown.followed_by(held);
        }
        shown.text
    }

    /// Text that code puts into a file which it opened, or wrote, just now.
    pub(super) fn pour(&mut self, file: &Word, text: &Data, here: &Situation) {
        let path = file.exact().and_then(|path| self.absolute(path, here));
        let is_it = |action: &Action| path.as_deref() == Some(action.target.value.as_str());
        let before = self.actions.iter().rposition(is_it);
        let before = before.unwrap_or(self.actions.len());
        self.data_for_later(file, text, before, here);
        self.remember(file, text, Poured::More, here);
    }

    /// Whether something went through that redirect to that file before: several commands have it in common.
    pub(super) fn flows_on(&mut self, path: &str, redirect: ByteSpan) -> bool {
        match self.redirects.iter_mut().find(|(held, _)| held == path) {
            Some((_, last)) => std::mem::replace(last, redirect) == redirect,
            None => {
                if self.redirects.len() < MAX_FILES {
                    self.redirects.push((path.to_owned(), redirect));
                }
                false
            }
        }
    }

    /// What the call wrote below one path lies below another one as well: it was copied, or moved there.
    pub(super) fn copy(&mut self, from: &str, to: &Word, here: &Situation) {
        if self.files.is_empty() {
            return;
        }
        let Some(to) = self.located(to, here).filter(|to| to.whole) else {
            return;
        };
        let name = place::last_component(from);
        let copied: Vec<(String, Data)> = self
            .files
            .iter()
            .filter_map(|(held, data)| Some((place::below(held, from)?.to_owned(), data.clone())))
            .collect();
        // What is taken out of a folder that was brought was brought.
        let taken_out = || Some((String::new(), self.brought_around(from)?.clone()));
        let copied = match copied.is_empty() {
            true => taken_out().into_iter().collect(),
            false => copied,
        };
        for (rest, data) in copied {
            // Where it goes may be a folder that is there.
            for folder in ["", name] {
                let parts = [to.path.trim_end_matches('/'), folder, &rest];
                let parts = parts.iter().filter(|part| !part.is_empty());
                let path = parts.copied().collect::<Vec<_>>().join("/");
                if path != from && path.len() <= LONGEST {
                    self.keep(
                        Located { path, whole: true },
                        &data,
                        Poured::More,
                        here.settled,
                    );
                }
            }
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

    /// When the working directory was brought from the network, if it was.
    pub(super) fn brought_here(&self, here: &Situation) -> Option<Brought> {
        if self.files.is_empty() || here.on.is_some() {
            return None;
        }
        let cwd = Word::made(Value::clone(&here.cwd), here.origin.clone());
        self.brought_to(&self.located(&cwd, here)?.path)
    }

    /// What was brought into a folder that holds that path.
    fn brought_around(&self, path: &str) -> Option<&Data> {
        let holds = |(held, data): &&(String, Data)| {
            data.brought().is_some() && place::below(path, held).is_some()
        };
        self.files.iter().find(holds).map(|(_, data)| data)
    }

    /// When one of the files that data was read from was brought from the network, if one was.
    pub(super) fn brought_with(&self, data: &Data) -> Option<Brought> {
        let files = data.files.iter();
        files.filter_map(|file| self.brought_to(file)).max()
    }

    /// When that file, or a folder that holds it, was brought from the network, if it was.
    pub(super) fn brought_to(&self, path: &str) -> Option<Brought> {
        let holds = |(held, _): &&(String, Data)| place::below(path, held).is_some();
        let holding = self.files.iter().filter(holds);
        holding.filter_map(|(_, data)| data.brought()).max()
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

    /// When what a command runs or installs was brought from the network, if it was: the folder where it stands, what says
    /// there what it does, or what it names.
    pub(super) fn brought_by(
        &self,
        manner: &Manner<'_>,
        words: &[Word],
        line: &Line<'_>,
        here: &Situation,
    ) -> Option<Brought> {
        if self.files.is_empty() {
            return None;
        }
        let around = match manner.kind {
            ActionKind::ExecLocal => self.brought_here(here),
            ActionKind::PackageInstall if manner.attributes.contains(&"from_path") => {
                let named = words.iter().filter_map(|word| self.brought_as(word, here));
                named.max()
            }
            ActionKind::PackageInstall => None,
            _ => return None,
        };
        if manner.role != Role::Name {
            return around;
        }
        let told = self.foreign_manifest(here);
        around
            .max(told)
            .max(self.brought_work(manner.kind, line, here))
    }

    /// When what the words of a command name was brought from the network, if it was: a folder that lies there, or
    /// something in one. `pytest b`, `cargo run --manifest-path=b/Cargo.toml`. A list of packages in one installs what the
    /// registries have.
    fn brought_work(&self, kind: ActionKind, line: &Line<'_>, here: &Situation) -> Option<Brought> {
        const MOST: usize = 32;
        if self.files.is_empty() || here.on.is_some() {
            return None;
        }
        let named = |word: &Word| {
            let text = word.exact()?;
            let path = match text.split_once('=') {
                Some((option, path)) if option.starts_with('-') => path,
                _ => text.split_once("::").map_or(text, |(path, _)| path),
            };
            let path = self.absolute(path, here)?;
            // What is named as a file is read, not worked in.
            let is_work = |held: &str| match place::below(&path, held) {
                Some("") => !place::last_component(held).contains('.'),
                Some(_) => kind != ActionKind::PackageInstall,
                None => false,
            };
            let holding = self.files.iter().filter(|(held, _)| is_work(held));
            holding.filter_map(|(_, data)| data.brought()).max()
        };
        let words = line.words.iter().skip(1);
        words.take(MOST).filter_map(named).max()
    }

    /// When that file was brought from the network, if it was.
    pub(super) fn brought_as(&self, file: &Word, here: &Situation) -> Option<Brought> {
        if self.files.is_empty() {
            return None;
        }
        self.written(&self.located(file, here)?.path)?.brought()
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
