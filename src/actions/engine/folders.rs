//! Where a shell or a piece of code stands, which it may change: what it says of files and programs from then on is said
//! there.

use std::ops::Range;
use std::rc::Rc;

use super::shell::Flow;
use super::{Engine, Situation, trace};
use crate::actions::action::{Action, Certainty};
use crate::actions::line::why_of;
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
