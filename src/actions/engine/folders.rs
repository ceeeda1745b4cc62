//! Where a piece of code stands, which it may change: what it says of files and programs from then on is said there.

use std::rc::Rc;

use super::{Engine, Situation};
use crate::actions::line::why_of;
use crate::shell::command::{Value, Why};

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
