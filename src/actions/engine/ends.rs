//! Commands at the far end of `>(..)`, which stand before who writes to them, and functions that come with a variable.

use super::leaving::carry;
use super::shell::{Effects, Flow};
use super::{Engine, Situation};
use crate::actions::action::Certainty;
use crate::actions::kinds::ActionKind;
use crate::actions::word::{Data, Word};
use crate::shell::command::{Stdin, Stdout};

impl Engine<'_> {
    /// What a command wrote to commands that stand before it leaves with what those send.
    pub(super) fn flows_to_ends(&mut self, writer: usize, flow: &mut Flow<'_>) {
        let data = std::mem::take(&mut flow.to_ends);
        if !data.some {
            return;
        }
        for (_, _, range) in flow.ends.iter().filter(|(_, from, _)| *from == writer) {
            for action in self.actions.get_mut(range.clone()).unwrap_or_default() {
                if action.kind == ActionKind::NetSend && !action.has("loopback") {
                    carry(action, &data, self.context);
                }
            }
        }
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
    /// The command behind this one that writes to its standard input, if only through others.
    pub(super) fn writer(&self, index: usize, stdin: &Stdin) -> Option<usize> {
        let Stdin::Pipe(from) = stdin else {
            return None;
        };
        let through = |at: &usize| self.ends.iter().find(|(end, _, _)| end == at);
        from.iter()
            .find(|at| **at > index)
            .copied()
            .or_else(|| from.iter().find_map(through).map(|(_, writer, _)| *writer))
    }
}

/// What a command writes to `>(..)`: its output, or what a command such as tee passes on.
pub(super) fn to_ends(
    words: &[Word],
    stdout: &Stdout,
    own: usize,
    effects: &Effects,
    here: &Situation,
) -> Data {
    let mut data = Data::default();
    if matches!(stdout, Stdout::Pipe(readers) if readers.iter().any(|reader| *reader < own)) {
        data.merge(&effects.output);
    }
    let is_end = |word: &Word| word.known().0 == "/dev/fd/";
    if words.iter().skip(1).any(is_end) {
        data.merge(&here.stdin);
    }
    data
}
