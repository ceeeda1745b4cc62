//! Where a shell or a piece of code stands, which it may change: what it says of files and programs from then on is said
//! there.

use std::ops::Range;
use std::rc::Rc;

use super::shell::Flow;
use super::{Engine, Situation, trace};
use crate::actions::action::{Action, Certainty, Place};
use crate::actions::kinds::ActionKind;
use crate::actions::line::why_of;
use crate::actions::place;
use crate::actions::word::{Data, Origin};
use crate::shell::command::{Command, Value, Why};

/// Bytes of the longest path that Linux takes: whoever moves on from there moves nowhere.
const LONGEST: usize = 4096;
/// Most folders at once, and most that are remembered.
const MOST: usize = 4;
const MOST_LEFT: usize = 64;

impl Engine<'_> {
    /// Where somebody stands who moves there.
    pub(super) fn folder(&self, to: &Value, here: &Situation) -> Value {
        to.exact()
            .and_then(|path| self.absolute(path, here))
            .filter(|path| path.len() <= LONGEST)
            .map_or_else(|| Value::Unknown(why_of(to)), Value::Exact)
    }

    /// A command in each folder that the shell may stand in. What it does in one of them only is likely at most.
    pub(super) fn where_it_stands(
        &mut self,
        command: Command,
        origin: &Origin,
        situation: &Situation,
        flow: &mut Flow<'_>,
    ) -> Data {
        if !command.stayed.is_empty() && takes_all(&command) {
            return self.where_it_may_have_stayed(command, origin, situation, flow);
        }
        let folders = folders_of(&command.cwd);
        if folders.is_empty() {
            return self.command(command, origin, situation, flow);
        }
        let mut output = Data::default();
        let mut starts = Vec::with_capacity(folders.len());
        for folder in folders {
            starts.push(self.actions.len());
            let there = Command {
                cwd: folder,
                ..command.clone()
            };
            output.merge(&self.command(there, origin, situation, flow));
        }
        self.only_somewhere(&starts);
        output
    }

    /// As [`Self::where_it_stands`], of a command that takes all of the folder that it is in, behind a move that may have
    /// failed: what it destroys where the shell stood before is said as well, if that is a folder that people and machines
    /// live from. What it does there otherwise is what a wrong name would do anywhere.
    fn where_it_may_have_stayed(
        &mut self,
        mut command: Command,
        origin: &Origin,
        situation: &Situation,
        flow: &mut Flow<'_>,
    ) -> Data {
        let grave = |folder: &Value| {
            let path = folder
                .exact()
                .and_then(|path| self.absolute(path, situation));
            let place = path.map(|path| place::classify(&path, self.context));
            matches!(place, Some(Place::Root | Place::HomeRoot | Place::System))
        };
        let mut stayed = std::mem::take(&mut command.stayed);
        stayed.retain(grave);
        let folders: Vec<Command> = stayed
            .into_iter()
            .map(|cwd| Command {
                cwd,
                ..command.clone()
            })
            .collect();
        let output = self.where_it_stands(command, origin, situation, flow);
        for there in folders {
            let first = self.actions.len();
            self.command(there, origin, situation, flow);
            let found = self.actions.split_off(first);
            let destroys = |action: &Action| {
                matches!(
                    action.kind,
                    ActionKind::FsDelete
                        | ActionKind::FsDestroy
                        | ActionKind::FsPermission
                        // What it destroys among the rest.
                        | ActionKind::AgentConfig
                        | ActionKind::PersistStartup
                        | ActionKind::PersistAccess
                )
            };
            self.actions
                .extend(found.into_iter().filter(destroys).map(|action| Action {
                    certainty: action.certainty.min(Certainty::Likely),
                    ..action
                }));
        }
        output
    }

    /// Caps what was not found from each of these places on.
    fn only_somewhere(&mut self, starts: &[usize]) {
        let ends = starts.iter().skip(1).copied().chain([self.actions.len()]);
        let ranges: Vec<Range<usize>> = starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(a, b)| a..b)
            .collect();
        let everywhere = |action: &Action| {
            let holds = |range: &Range<usize>| {
                let mut held = self.actions[range.clone()].iter();
                held.any(|other| trace::same(other, action))
            };
            ranges.iter().all(holds)
        };
        let first = starts.first().copied().unwrap_or_default();
        let found = self.actions[first..].iter();
        let likely: Vec<usize> = found
            .enumerate()
            .filter(|(_, action)| !everywhere(action))
            .map(|(at, _)| first + at)
            .collect();
        for at in likely {
            let action = &mut self.actions[at];
            action.certainty = action.certainty.min(Certainty::Likely);
        }
    }
}

/// Whether a word of a command stands for all that lies in the folder that it is in, or for that folder: `*`, `./*`, `.`.
fn takes_all(command: &Command) -> bool {
    command.words.iter().skip(1).any(|word| match &word.value {
        Value::Exact(text) => matches!(text.as_str(), "." | "./"),
        Value::Pattern(pattern) => {
            let rest = pattern.strip_prefix("./").unwrap_or(pattern);
            rest.bytes().all(|byte| b"*?.!/[]".contains(&byte))
        }
        _ => false,
    })
}

/// The folders that a shell may stand in, when they are several and few.
fn folders_of(cwd: &Value) -> Vec<Value> {
    const MOST: usize = 8;
    match cwd {
        Value::Either(folders) if folders.len() <= MOST => folders.clone(),
        Value::OneOf(paths) if (2..=MOST).contains(&paths.len()) => {
            paths.iter().cloned().map(Value::Exact).collect()
        }
        _ => Vec::new(),
    }
}

/// The folders in which a piece of code may stand.
pub(super) struct Folders {
    now: Vec<Rc<Value>>,
    /// Those that it may go back to, the last one last.
    left: Vec<Vec<Rc<Value>>>,
}

impl Folders {
    pub(super) fn of(here: &Situation) -> Self {
        Self {
            now: vec![Rc::clone(&here.cwd)],
            left: Vec::new(),
        }
    }

    /// Moves. A move that may not happen leaves the code where it was as well.
    pub(super) fn enter(
        &mut self,
        to: &Value,
        back: bool,
        certain: bool,
        here: &Situation,
        engine: &Engine<'_>,
    ) {
        let before = self.now.clone();
        if certain {
            self.now.clear();
        }
        for from in &before {
            let there = Situation {
                cwd: Rc::clone(from),
                ..here.clone()
            };
            let place = Rc::new(match to {
                Value::Prefix(path, _) if path.starts_with('/') => to.clone(),
                _ => engine.folder(to, &there),
            });
            if !self.now.contains(&place) {
                self.now.push(place);
            }
        }
        if self.now.len() > MOST {
            self.now = vec![Rc::new(Value::Unknown(Why::Limit))];
        }
        if back && self.left.len() < MOST_LEFT {
            self.left.push(before);
        }
    }

    /// Goes back to where the code stood before it moved for a while, if it did.
    pub(super) fn leave(&mut self) {
        if let Some(before) = self.left.pop() {
            self.now = before;
        }
    }

    /// What holds in each of them.
    pub(super) fn each(&self, here: &Situation) -> Vec<Situation> {
        let there = |cwd: &Rc<Value>| Situation {
            cwd: Rc::clone(cwd),
            ..here.clone()
        };
        self.now.iter().map(there).collect()
    }
}
