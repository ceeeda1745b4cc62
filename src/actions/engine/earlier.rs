//! Files that earlier calls of the run brought from the network: what running one is, and what a call leaves for the
//! calls after it.

use std::rc::Rc;

use super::files::{LONGEST, Poured};
use super::later::{Form, graves};
use super::target::Manner;
use super::{Engine, Situation};
use crate::actions::action::{Action, Certainty};
use crate::actions::catalogue::entry::Role;
use crate::actions::kinds::ActionKind;
use crate::actions::place;
use crate::actions::word::{Brought, Data, Origin, Served, Word};
use crate::facts::{Fetched, FetchedFile, Left};
use crate::shell::command::Value;

/// How many files a call tells of later ones; of more of them the folders are told.
const MOST: usize = 64;
/// How many bytes their paths have together, so that they fit into the line of a record.
const MOST_BYTES: usize = 16 * 1024;

impl Engine<'_> {
    /// The same engine, which knows what earlier calls of the run brought from the network.
    #[must_use]
    pub fn knowing(mut self, fetched: &[FetchedFile]) -> Self {
        self.files.extend(fetched.iter().map(|known| {
            let mut data = Data::opaque();
            data.served.push(Served::Earlier {
                file: Rc::from(known.path.as_str()),
                host: known.host.as_deref().map(Rc::from),
                written: known.written,
            });
            (known.path.clone(), data)
        }));
        self.known = self.files.len();
        self
    }

    /// An engine for a text that is run later, which knows what this one does of earlier calls.
    pub(super) fn for_later(&self) -> Self {
        let mut inner = Self::new(self.catalogue, self.context, self.own);
        inner.nested = self.nested + 1;
        inner.files = self.files[..self.known.min(self.files.len())].to_vec();
        inner.known = inner.files.len();
        inner
    }

    /// Code that an earlier call brought into that file.
    pub(super) fn earlier_code(&mut self, file: &str, written: bool, by: &str, here: &Situation) {
        let word = Word::made(Value::Exact(file.to_owned()), here.origin.clone());
        let manner = Manner {
            attributes: if written {
                vec![Brought::Written.attribute()]
            } else {
                vec![Brought::Earlier.attribute(), "as_served"]
            },
            ..Manner::of(ActionKind::ExecLocal, Role::Path, by)
        };
        self.act(&manner, &word, here);
    }

    /// A text whose file does not say that anybody runs it, which would do something grave if somebody did: later calls
    /// are told where it lies. What is too long to be read is not taken for harmless.
    pub(super) fn notes_laden(&mut self, path: &str, text: &str, here: &Situation) {
        const LONGEST_READ: usize = 64 * 1024;
        const MOST_READ: u8 = 8;
        let path = self
            .absolute(path, here)
            .filter(|path| path.len() <= LONGEST);
        let Some(path) = path.filter(|_| self.known > 0 || may_be_grave(text)) else {
            return;
        };
        let is_read = text.len() <= LONGEST_READ && self.read_for_later < MOST_READ;
        if is_read {
            self.read_for_later += 1;
        }
        if (!is_read || self.is_grave(text)) && !self.laden.contains(&path) {
            self.laden.push(path);
        }
    }

    /// Whether a text of a shell would do something grave.
    fn is_grave(&self, text: &str) -> bool {
        let mut inner = self.for_later();
        let at = inner.outset("");
        let word = Word::made(Value::Exact(text.to_owned()), at.origin.clone());
        inner.code_word("shell", &word, "", &at);
        !graves(&inner.actions, Form::Script("shell")).is_empty()
    }

    /// What a tool writes as a whole takes the place of what was brought.
    pub(super) fn replaces(
        &mut self,
        path: &str,
        text: &str,
        before: usize,
        origin: &Origin,
        here: &Situation,
    ) {
        let whole = |action: &Action| action.kind == ActionKind::FsWrite && action.has("truncate");
        if self.known > 0 && self.actions[before..].iter().any(whole) {
            let file = Word::made(Value::Exact(path.to_owned()), origin.clone());
            let text = Data::of_text(Value::Exact(text.to_owned()), origin.clone());
            self.remember(&file, &text, Poured::Whole, here);
        }
    }

    /// The host that served what an action runs: of the file itself, else of the folder where it happens, else the first.
    pub(super) fn served_by(&self, action: &Action, here: &Situation) -> Option<String> {
        let when = [Brought::Now, Brought::Earlier]
            .into_iter()
            .find(|when| action.has(when.attribute()))?;
        let target = action.target.value.as_str();
        let cwd = here.cwd.exact().unwrap_or_default();
        let is_near = |held: &str| {
            place::below(target, held).is_some()
                || (!target.contains('/') && place::last_component(held) == target)
        };
        let is_here = |held: &str| {
            place::below(cwd, held).is_some() || place::below(held, cwd).is_some_and(is_name)
        };
        let distance = |held: &str| match held {
            held if is_near(held) => 0,
            held if is_here(held) => 1,
            _ => 2,
        };
        let then = self
            .files
            .iter()
            .filter(|(_, data)| data.brought() == Some(when));
        let (_, data) = then.min_by_key(|(held, _)| distance(held))?;
        data.served.iter().find_map(Served::host)
    }

    /// What is removed for sure cannot be run later.
    pub(super) fn notes_removed(&mut self, action: &Action, here: &Situation) {
        if self.known > 0
            && action.kind == ActionKind::FsDelete
            && action.target.exact
            && here.settled
            && here.certainty == Certainty::Certain
        {
            self.removed.push(action.target.value.clone());
        }
    }

    /// What the call leaves for later ones: the files that it brought from the network, and those of earlier calls that
    /// hold something else now.
    #[must_use]
    pub fn left(&self) -> Left {
        let (known, own) = self.files.split_at(self.known.min(self.files.len()));
        let is_in = |path: &str, folder: &String| place::below(path, folder).is_some();
        let is_gone = |path: &str| self.removed.iter().any(|folder| is_in(path, folder));
        let replaced = known
            .iter()
            .filter(|(path, data)| data.brought().is_none() || is_gone(path))
            .map(|(path, _)| path.clone())
            .take(MOST)
            .collect();
        let is_again = |data: &Data| data.brought() == Some(Brought::Now);
        let again = known.iter().filter(|(_, data)| is_again(data));
        let fetched = again.chain(own).filter_map(|(path, data)| {
            let served = data.served.iter().find(|served| is_foreign(served))?;
            Some(Fetched {
                host: served.host(),
                path: self.remembered(path, served)?,
                written: data.brought() == Some(Brought::Written),
            })
        });
        let laden = self.laden.iter().map(|path| Fetched {
            host: None,
            path: path.clone(),
            written: true,
        });
        let fetched = fetched.chain(laden).collect();
        Left {
            fetched: folded(fetched),
            replaced,
        }
    }

    /// The path under which something is remembered. Of the folder that everything here lies in that is the file which
    /// has the name of what was served: not everything in it came from there.
    fn remembered(&self, path: &str, served: &Served) -> Option<String> {
        if !path.starts_with('/') || path.len() > LONGEST || path.contains('$') {
            return None;
        }
        let context = self.context;
        let places = [&context.workspace, &context.cwd, &context.home];
        let mut places = places.into_iter().flatten();
        if !places.any(|around| place::below(around, path).is_some()) {
            return Some(path.to_owned());
        }
        let Served::Now(url) = served else {
            return None;
        };
        let (address, _) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
        let (_, name) = address.split_once("://")?.1.rsplit_once('/')?;
        let is_name = !name.is_empty() && name != ".." && !name.contains(['$', '*']);
        is_name.then(|| format!("{}/{name}", path.trim_end_matches('/')))
    }
}

/// Of too many files the folders that they lie in, so that none is forgotten.
fn folded(mut files: Vec<Fetched>) -> Vec<Fetched> {
    let bytes = |files: &[Fetched]| files.iter().map(|file| file.path.len()).sum::<usize>();
    while files.len() > MOST || bytes(&files) > MOST_BYTES {
        for file in &mut files {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            file.path = String::from(if folder.is_empty() { "/" } else { folder });
        }
        files.sort_unstable();
        files.dedup_by(|one, other| one.path == other.path);
        for file in &mut files {
            file.host = None;
            file.written = false;
        }
    }
    files
}

/// Whether a text holds a word without which no text of a shell is grave.
fn may_be_grave(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "rm ", "curl", "wget", "/dev/", "nc ", "ncat", "mkfs", "bash", "sh ", "python", "perl",
        "eval", "base64", "find ",
    ];
    WORDS.iter().any(|word| text.contains(word))
}

/// What comes over SSH comes from a host that the person has keys for.
fn is_foreign(served: &Served) -> bool {
    match served {
        Served::Now(url) => !url.starts_with("ssh://") && !url.starts_with("git@"),
        Served::Earlier { .. } => true,
    }
}

/// Whether it is the name of one file, in no folder.
fn is_name(rest: &str) -> bool {
    !rest.is_empty() && !rest.contains('/')
}
