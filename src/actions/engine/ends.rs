//! Commands at the far end of `>(..)`, which stand before who writes to them, and functions that come with a variable.

use std::collections::BTreeMap;
use std::ops::Range;

use super::shell::{Effects, Flow};
use super::{Engine, MAX_FILTERED, Situation};
use crate::actions::action::Certainty;
use crate::actions::line::Source;
use crate::actions::word::{Data, Word};
use crate::shell;
use crate::shell::command::{Command, Stdin, Stdout, Value};

/// How often the commands of one `>(..)` are evaluated before its last writer has written.
const MAX_EARLY: u8 = 8;

/// The commands of a `>(..)`.
struct Outlet {
    commands: Vec<(usize, Command)>,
    /// The last command that writes there.
    last: usize,
    /// How often they were evaluated.
    rounds: u8,
}

/// The commands of every `>(..)` that something writes to. They are put off until it has: what they do with what they
/// read has happened when the next command runs.
pub(super) struct Outlets {
    all: Vec<Outlet>,
    /// The innermost one that a command stands in.
    of: BTreeMap<usize, usize>,
    /// Those that a command writes to.
    written_by: BTreeMap<usize, Vec<usize>>,
}

impl Outlets {
    /// Those of a text: where they lie among its commands, one inside of another before that one.
    pub(super) fn of(commands: &[Command], ranges: Vec<Range<usize>>) -> Self {
        let mut outlets = Self {
            all: Vec::new(),
            of: BTreeMap::new(),
            written_by: BTreeMap::new(),
        };
        for range in ranges {
            let inside = commands.get(range.clone()).unwrap_or_default();
            let mut writers: Vec<usize> = inside
                .iter()
                .filter_map(|command| match &command.stdin {
                    Stdin::Pipe(from) => Some(from.iter().copied()),
                    _ => None,
                })
                .flatten()
                .filter(|from| *from >= range.end)
                .collect();
            writers.sort_unstable();
            writers.dedup();
            let Some(last) = writers.last().copied() else {
                continue;
            };
            let number = outlets.all.len();
            outlets.all.push(Outlet {
                commands: Vec::new(),
                last,
                rounds: 0,
            });
            for index in range {
                outlets.of.entry(index).or_insert(number);
            }
            for writer in writers {
                outlets.written_by.entry(writer).or_default().push(number);
            }
        }
        outlets
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Keeps a command for later, or gives it back when it runs where it stands.
    pub(super) fn put_off(&mut self, index: usize, command: Command) -> Option<Command> {
        let outlet = self.of.get(&index).and_then(|at| self.all.get_mut(*at));
        match outlet {
            Some(outlet) => {
                outlet.commands.push((index, command));
                None
            }
            None => Some(command),
        }
    }

    /// The commands that now read what a command has written, the last one first.
    pub(super) fn behind(&mut self, writer: usize, flow: &Flow<'_>) -> Vec<(usize, Command)> {
        let mut due = Vec::new();
        let written = self.written_by.get(&writer).map_or(&[][..], Vec::as_slice);
        for number in written.iter().rev() {
            let Some(outlet) = self.all.get_mut(*number) else {
                continue;
            };
            // What comes later is read together with it, but may come behind whoever uses what was made of this.
            let matters = flow.given.get(&writer).is_some_and(Data::is_told);
            if writer == outlet.last || (matters && outlet.rounds < MAX_EARLY) {
                outlet.rounds = outlet.rounds.saturating_add(1);
                due.extend(outlet.commands.iter().rev().cloned());
            }
        }
        due
    }
}

impl Engine<'_> {
    /// Remembers what a command writes to `>(..)`: its output, what a command such as tee passes on, and what it puts
    /// into a file that is one.
    pub(super) fn gives(
        &mut self,
        words: &[Word],
        stdout: &Stdout,
        effects: &Effects,
        here: &Situation,
        flow: &mut Flow<'_>,
    ) {
        if !flow.has_outlets {
            return;
        }
        let mut data = std::mem::take(&mut self.handed);
        let prints_there = match stdout {
            Stdout::Pipe(readers) => readers.iter().any(|reader| *reader < flow.own),
            // `exec > >(..)`: what is printed goes there.
            Stdout::Inherited => here.stdout != Source::File,
            Stdout::Captured => false,
        };
        if prints_there {
            data.followed_by(&effects.output);
        }
        if words.iter().skip(1).any(is_end) {
            data.followed_by(&here.stdin);
        }
        if data.some {
            flow.given.entry(flow.own).or_default().followed_by(&data);
        }
    }

    /// What a filter makes of a text that the call itself wrote.
    pub(super) fn passed_on(&mut self, words: &[Word], stdin: &Data) -> Option<String> {
        let text = stdin.text.as_ref()?.value.exact()?;
        if !stdin.served.is_empty() || stdin.decoded {
            return None;
        }
        self.filtered = self.filtered.saturating_add(text.len());
        if self.filtered > MAX_FILTERED {
            return None;
        }
        let words: Vec<&Value> = words.iter().map(|word| &word.value).collect();
        shell::passed_on(&words, text)
    }

    /// `x='() { :;}; command'`: shells that read functions from the environment run what stands behind them.
    pub(super) fn imported_function(&mut self, name: &str, value: &Word, here: &Situation) {
        let Some(text) = value.exact().filter(|text| text.starts_with("() {")) else {
            return;
        };
        let deeper = Situation {
            depth: here.depth + 1,
            certainty: here.certainty.min(Certainty::Likely),
            ..here.clone()
        };
        let text = format!("{name}{text}");
        if self.afford(text.len(), &deeper) {
            self.shell_text(&text, &value.origin, &deeper);
        }
    }
}

impl Flow<'_> {
    /// What a command that stands before or behind this one wrote for it.
    pub(super) fn arriving_from(&self, index: usize) -> Option<&Data> {
        if index > self.own {
            return self.given.get(&index);
        }
        self.outputs.get(index).map(|output| &**output)
    }
}

/// Whether a word is a process substitution.
pub(super) fn is_end(word: &Word) -> bool {
    word.known().0 == "/dev/fd/"
}
