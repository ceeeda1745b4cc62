//! Which entry, effect and condition of the catalogue each action comes from. Nothing is noted unless somebody asks, and
//! noting changes no action.

use std::ops::Range;

use super::{Engine, Situation};
use crate::actions::action::Action;
use crate::actions::catalogue::Catalogue;
use crate::actions::catalogue::effects::{Gated, Idle};
use crate::actions::catalogue::entry::Condition;
use crate::actions::line::{Line, Truth};
use crate::actions::own::Own;
use crate::call::Call;

/// What a part of the catalogue said about a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An effect applied: its number in the entry, parents' effects behind its own, and what made it apply.
    Effect {
        /// Counted from 0.
        number: usize,
        /// For each condition that must hold, the terms that do.
        held: Vec<Vec<usize>>,
    },
    /// That condition proves that nothing happens; `--help` and `--version` are counted after those that are written.
    Harmless {
        /// Counted from 0.
        number: usize,
        /// The terms of it that hold.
        held: Vec<usize>,
    },
    /// A word is none of the subcommands.
    Unlisted,
    /// No effect applied.
    Otherwise,
    /// The program has no entry.
    NoEntry,
}

/// One such part, in the order of evaluation; what a command runs stands before the command itself.
#[derive(Debug, Clone)]
pub struct Step {
    /// Full name of the entry; empty when there is none.
    pub entry: String,
    /// The name as it was given.
    pub by: String,
    /// How many texts and commands deep.
    pub depth: u8,
    /// What the catalogue said.
    pub cause: Cause,
    /// The options that were recognised, by their numbers in the entry.
    pub options: Vec<u16>,
    actions: Range<usize>,
}

/// An action with what it comes from.
#[derive(Debug, Clone)]
pub struct Traced {
    /// The actions, each once.
    pub actions: Vec<(Action, Option<usize>)>,
    /// Everything that the catalogue said; actions point here.
    pub steps: Vec<Step>,
}

/// Understands a call as [`crate::actions::understand`] does, and says where each action comes from. Pure and total.
#[must_use]
pub fn understand(call: &Call, catalogue: &Catalogue, own: Option<&Own>) -> Traced {
    let mut engine = Engine::new(catalogue, &call.context, own);
    engine.traced = Some(Vec::new());
    engine.tool(&call.tool, &call.args);
    let steps = engine.traced.take().unwrap_or_default();
    let mut actions: Vec<(Action, Option<usize>)> = Vec::new();
    for (at, action) in engine.actions.into_iter().enumerate() {
        match actions.iter_mut().find(|(held, _)| same(held, &action)) {
            Some((held, _)) => held.certainty = held.certainty.max(action.certainty),
            None => actions.push((action, innermost(&steps, at))),
        }
    }
    Traced { actions, steps }
}

/// Whether two actions are the same but for how sure they are.
pub(super) fn same(one: &Action, other: &Action) -> bool {
    one.kind == other.kind
        && one.target == other.target
        && one.attributes == other.attributes
        && one.on == other.on
        && one.by == other.by
        && one.reason == other.reason
}

/// The step that pushed that action itself: of those around it the one with the fewest others.
fn innermost(steps: &[Step], action: usize) -> Option<usize> {
    steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.actions.contains(&action))
        .min_by_key(|(_, step)| step.actions.len())
        .map(|(at, _)| at)
}

impl Engine<'_> {
    /// Notes what the catalogue said, with the actions since `before`.
    pub(super) fn trace(
        &mut self,
        entry: &str,
        by: &str,
        cause: Cause,
        before: usize,
        here: &Situation,
    ) {
        let actions = before..self.actions.len();
        if let Some(steps) = &mut self.traced {
            steps.push(Step {
                entry: entry.to_owned(),
                by: by.to_owned(),
                depth: here.depth,
                cause,
                options: Vec::new(),
                actions,
            });
        }
    }

    /// As [`Line::idle`]; who asks what each action comes from is told of every effect that applies.
    pub(super) fn idle(&self, effect: &Gated<'_>, line: &Line<'_>) -> Option<Idle> {
        line.idle(effect).filter(|_| self.traced.is_none())
    }

    pub(super) fn trace_effect(
        &mut self,
        line: &Line<'_>,
        by: &str,
        number: usize,
        before: usize,
        here: &Situation,
    ) {
        if self.traced.is_some()
            && let Some(effect) = line.entry.effects.get(number)
        {
            let held = effect
                .when
                .iter()
                .map(|condition| terms(line, condition))
                .collect();
            self.trace(
                line.entry.name,
                by,
                Cause::Effect { number, held },
                before,
                here,
            );
            self.trace_options(line);
        }
    }

    pub(super) fn trace_harmless(&mut self, line: &Line<'_>, by: &str, here: &Situation) {
        if self.traced.is_none() {
            return;
        }
        if let Some(number) = line.harmless()
            && let Some(condition) = line.entry.harmless_when.get(number)
        {
            let held = terms(line, condition);
            let before = self.actions.len();
            self.trace(
                line.entry.name,
                by,
                Cause::Harmless { number, held },
                before,
                here,
            );
            self.trace_options(line);
        }
    }

    fn trace_options(&mut self, line: &Line<'_>) {
        if let Some(step) = self.traced.as_mut().and_then(|steps| steps.last_mut()) {
            step.options = line
                .parsed
                .options
                .iter()
                .map(|(option, _)| *option)
                .collect();
        }
    }
}

/// The terms that hold, or may.
fn terms(line: &Line<'_>, condition: &Condition<'_>) -> Vec<usize> {
    condition
        .iter()
        .enumerate()
        .filter(|(_, term)| line.any(&vec![(*term).clone()]) > Truth::No)
        .map(|(number, _)| number)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::build::example_context;
    use crate::actions::catalogue::source::Source;
    use crate::builtin;
    use crate::json::Value;

    #[test]
    fn passing_over_effects_that_are_about_nothing_changes_no_action() {
        let source = Source::new(&builtin::catalogue_texts());
        let context = example_context();
        let mut held = 0;
        for text in source
            .entries()
            .flat_map(|(_, entry)| entry.examples.keys())
            .step_by(3)
        {
            let command = (String::from("command"), Value::from(text.as_str()));
            let args = Value::Object(vec![command]);
            let [passing, looking] = [None, Some(Vec::new())].map(|traced| {
                let mut engine = Engine::new(builtin::catalogue(), &context, None);
                engine.traced = traced;
                engine.tool("Bash", &args);
                engine.finish()
            });
            assert_eq!(passing, looking, "{text}");
            held += 1;
        }
        assert!(held > 500, "{held}");
    }
}
