//! The engine: evaluates shell texts, commands, code and tool calls to actions, under one budget.
//!
//! Rooms: `shell` walks the commands of a text, `lookup` finds the entry of a command, `program` what the command does,
//! `fallback` what it does when its entry does not say, `wrapped` makes the words of a command that another one runs,
//! `target` turns words into actions, `leaves` says what a command means as a whole, `owner` whose a credential is,
//! `picks` what a filter leaves of a listing, `files` finds again what the call writes, `rerun` runs it, `languages` says
//! of code what can be said before it is read, `run` follows code and scripts, `manifest` what builders run of what the call wrote,
//! `earlier` what files of earlier calls would do, `later` what files that are run later would, `scripts` where commands
//! stand in them, `search` what is found by `PATH`, `ends` what is written to
//! `>(..)`, `sockets` what goes over connections that bash opens, `tool` reads the arguments of other tools, `trace` says on
//! request which part of the catalogue each action comes from.

mod assigned;
mod earlier;
mod ends;
mod environment;
mod fallback;
mod files;
mod folders;
mod languages;
mod later;
mod leaves;
mod leaving;
mod lookup;
mod manifest;
mod names;
mod owner;
mod picks;
mod prints;
mod program;
mod rerun;
mod run;
mod scripts;
mod search;
mod shell;
mod sockets;
mod target;
mod tool;
pub mod trace;
mod unlisted;
mod variables;
mod wrapped;

pub use lookup::entry_of;
pub use tool::server_of;

use std::rc::Rc;

use self::trace::Step;
use super::Catalogue;
use super::action::{Action, Certainty, Target};
use super::kinds::ActionKind;
use super::line::Source;
use super::own::Own;
use super::place;
use super::word::{Data, LIMIT, Origin, Word};
use crate::call::Context;
use crate::shell::command::{Scope, Value};
use crate::span::ByteSpan;

/// How deep texts may stand in one another.
const MAX_DEPTH: u8 = 16;

/// How many texts inside of texts are evaluated.
const MAX_EVALUATIONS: u32 = 64;

/// How many bytes all of them may have together.
const MAX_BYTES: usize = 256 * 1024;

/// How many commands and words all texts may have together.
const MAX_WORDS: usize = 32 * 1024;

/// How many bytes the filters of a call may read whose output is computed here.
const MAX_FILTERED: usize = 1024 * 1024;

/// How many actions a call may have.
const MAX_ACTIONS: usize = 512;

/// How many files written in the call are remembered, besides those of earlier calls.
const MAX_FILES: usize = 256;

/// Evaluates one call.
pub struct Engine<'c> {
    catalogue: &'c Catalogue,
    context: &'c Context,
    /// What the user says about tools and programs of their own.
    own: Option<&'c Own>,
    actions: Vec<Action>,
    /// Files that the call has written so far, with what flowed into them; first those that earlier calls of the run
    /// brought from the network.
    files: Vec<(String, Data)>,
    /// How many of them were brought earlier.
    known: usize,
    /// What the call removes for sure; noted only where something was brought earlier.
    removed: Vec<String>,
    /// Files into which the call writes a text that would do something grave, though nothing says that it is run.
    laden: Vec<String>,
    /// How many such texts were read.
    read_for_later: u8,
    /// Variables that hold the output of commands.
    variables: Vec<(String, Rc<Data>)>,
    /// Names that the call made lead to other files.
    links: Vec<(String, String)>,
    /// Names of processes that the call looked for.
    processes: Vec<Rc<str>>,
    /// Redirects that the last data came through, by the file.
    redirects: Vec<(String, ByteSpan)>,
    /// Modules that the call wrote and loaded, and how sure that was.
    loaded: Vec<(String, Certainty)>,
    /// Files that the call wrote and that are being run now, one from inside of the other.
    running: Vec<String>,
    /// The host that a descriptor was connected to.
    socket: Option<Rc<str>>,
    /// Files that descriptors lead to which `exec` or who started a text opened to write into, by their numbers; none
    /// that is known, where it leads elsewhere now.
    descriptors: Vec<(u32, Option<Word>)>,
    /// What the command that is evaluated put into a `>(..)` that it was given as a file.
    handed: Data,
    /// How many bytes filters read whose output was computed here.
    filtered: usize,
    /// A credential that version control was told to leave out was added all the same.
    forced: bool,
    /// How many files deep that are run later.
    nested: u8,
    evaluations: u32,
    bytes: usize,
    words: usize,
    limited: bool,
    /// What applied, when somebody wants to know.
    traced: Option<Vec<Step>>,
}

/// What holds where something is evaluated.
#[derive(Clone)]
pub struct Situation {
    /// How many texts deep.
    depth: u8,
    /// Upper bound of every certainty here.
    certainty: Certainty,
    /// Whether it has happened when what follows does.
    settled: bool,
    /// Where it happens when not here.
    on: Option<Rc<str>>,
    /// What arrives on standard input.
    stdin: Rc<Data>,
    stdin_source: Source,
    stdout: Source,
    cwd: Rc<Value>,
    scope: Rc<Scope>,
    /// Assignments that hold for one command.
    assignments: Rc<[(String, Word)]>,
    /// What code of another language is given on its command line.
    arguments: Rc<[Value]>,
    /// The command as a whole.
    origin: Origin,
}

impl<'c> Engine<'c> {
    /// An engine for one call.
    #[must_use]
    pub const fn new(catalogue: &'c Catalogue, context: &'c Context, own: Option<&'c Own>) -> Self {
        Self {
            catalogue,
            context,
            own,
            actions: Vec::new(),
            files: Vec::new(),
            known: 0,
            removed: Vec::new(),
            laden: Vec::new(),
            read_for_later: 0,
            links: Vec::new(),
            variables: Vec::new(),
            processes: Vec::new(),
            redirects: Vec::new(),
            loaded: Vec::new(),
            descriptors: Vec::new(),
            running: Vec::new(),
            socket: None,
            handed: Data::nothing(),
            filtered: 0,
            forced: false,
            nested: 0,
            evaluations: 0,
            bytes: 0,
            words: 0,
            limited: false,
            traced: None,
        }
    }

    /// The situation at the start of a call.
    #[must_use]
    pub fn outset(&self, at: &str) -> Situation {
        Situation {
            depth: 0,
            certainty: Certainty::Certain,
            settled: true,
            on: None,
            stdin: Rc::new(Data::default()),
            stdin_source: Source::Outside,
            stdout: Source::Outside,
            cwd: Rc::new(self.context.cwd.clone().map_or_else(
                || {
                    Value::Unknown(crate::shell::command::Why::RunTimeValue(String::from(
                        "working directory",
                    )))
                },
                Value::Exact,
            )),
            scope: environment::usual(self.catalogue, self.context),
            assignments: Rc::from([]),
            arguments: Rc::from([]),
            origin: Origin::argument(Rc::from(at), None),
        }
    }

    /// The actions, each once, in the order they were found.
    #[must_use]
    pub fn finish(mut self) -> Vec<Action> {
        leaves::pushes_by_name(&mut self.actions);
        let mut kept: Vec<Action> = Vec::with_capacity(self.actions.len());
        for action in self.actions {
            debug_assert!(
                action
                    .attributes
                    .iter()
                    .all(|name| super::attributes::is_known(name)),
                "an attribute that `attributes` does not list: {:?}",
                action.attributes
            );
            let same = kept.iter_mut().find(|held| trace::same(held, &action));
            match same {
                Some(held) => held.certainty = held.certainty.max(action.certainty),
                None => kept.push(action),
            }
        }
        kept
    }

    /// Takes a text of that many bytes from the budget; says so once when there is none left.
    fn afford(&mut self, bytes: usize, situation: &Situation) -> bool {
        self.evaluations += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        let within = self.evaluations <= MAX_EVALUATIONS
            && self.bytes <= MAX_BYTES
            && situation.depth < MAX_DEPTH;
        if !within {
            self.over_limit(situation);
        }
        within
    }

    fn over_limit(&mut self, situation: &Situation) {
        if !self.limited {
            self.limited = true;
            self.unknown(LIMIT.to_owned(), "", situation);
        }
    }

    /// Adds an action with sorted attributes.
    fn push(&mut self, mut action: Action, situation: &Situation) {
        if self.actions.len() >= MAX_ACTIONS {
            if !self.limited {
                self.limited = true;
                let limit = blank(ActionKind::Unknown, situation);
                self.actions.push(Action {
                    reason: Some(LIMIT.to_owned()),
                    ..limit
                });
            }
            return;
        }
        if action.target.host.is_none()
            && matches!(
                action.kind,
                ActionKind::ExecLocal | ActionKind::PackageInstall
            )
        {
            action.target.host = self.served_by(&action, situation);
        }
        action.attributes.sort_unstable();
        action.attributes.dedup();
        self.notes_removed(&action, situation);
        self.actions.push(action);
    }

    fn unknown(&mut self, reason: String, by: &str, situation: &Situation) {
        self.unknown_kind(ActionKind::Unknown, reason, by, situation);
    }

    fn unknown_kind(&mut self, kind: ActionKind, reason: String, by: &str, situation: &Situation) {
        let action = Action {
            reason: Some(reason),
            by: by.to_owned(),
            ..blank(kind, situation)
        };
        self.push(action, situation);
    }

    /// A path made absolute, when it can be.
    fn absolute(&self, path: &str, situation: &Situation) -> Option<String> {
        if let Some(rest) = path.strip_prefix("~\\") {
            return self.absolute(&format!("~/{}", rest.replace('\\', "/")), situation);
        }
        if let Some(rest) = path.strip_prefix('~') {
            let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let own = name.is_empty() || self.context.user.as_deref() == Some(name);
            let home = match (&self.context.home, own) {
                (Some(home), true) => home.clone(),
                (None, true) => String::from("/home/~"),
                (_, false) if name == "root" => String::from("/root"),
                (_, false) => format!("/home/{name}"),
            };
            return place::normalise(&format!("{home}/{rest}"), None);
        }
        let path = place::normalise(path, situation.cwd.exact())?;
        if self.links.is_empty() || situation.on.is_some() {
            return Some(path);
        }
        let led = self.links.iter().rev().find_map(|(name, target)| {
            place::below(&path, name).map(|rest| match rest {
                "" => target.clone(),
                rest => format!("{}/{rest}", target.trim_end_matches('/')),
            })
        });
        Some(led.unwrap_or(path))
    }
}

/// An action without target.
fn blank(kind: ActionKind, situation: &Situation) -> Action {
    Action {
        kind,
        target: Target::named(""),
        attributes: Vec::new(),
        certainty: situation.certainty,
        on: situation.on.as_deref().map(str::to_owned),
        by: String::new(),
        at: situation.origin.at.as_ref().to_owned(),
        span: situation.origin.span,
        reason: None,
        safer: None,
    }
}
