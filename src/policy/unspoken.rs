//! What no rule speaks about falls to the default of its phase.

use std::borrow::Cow;

use super::Policy;
use super::decide::Spoken;
use super::message;
use super::spec::Layer;
use crate::actions::ActionKind;
use crate::decision::{Determining, Effect};
use crate::facts::{Facts, Phase};

/// What no permission covers.
#[derive(Debug, Default)]
pub(super) struct Uncovered {
    understood: Vec<usize>,
    unknown: Vec<usize>,
    /// Whether the call as a whole is covered.
    call: bool,
}

impl Uncovered {
    pub(super) fn of(facts: &Facts, spoken: &[Spoken]) -> Self {
        let permissions: Vec<&Spoken> = spoken
            .iter()
            .filter(|spoken| spoken.rule.effect == Effect::Allow)
            .collect();
        let mut uncovered = Self {
            call: permissions.iter().any(|permission| permission.call),
            ..Self::default()
        };
        if uncovered.call {
            return uncovered;
        }
        let mut covered = vec![false; facts.actions.len()];
        for permission in permissions {
            for at in &permission.actions {
                covered[*at] = true;
            }
        }
        for (at, action) in facts.actions.iter().enumerate() {
            if !covered[at] {
                if action.kind == ActionKind::Unknown {
                    uncovered.unknown.push(at);
                } else {
                    uncovered.understood.push(at);
                }
            }
        }
        uncovered
    }

    /// What the defaults say about it. What was not understood is asked about at least.
    pub(super) fn defaults(self, facts: &Facts, policy: &Policy) -> Vec<ByDefault> {
        let effect = policy.compiled.by_phase(facts.phase).effect;
        let mut entries = Vec::new();
        if facts.phase != Phase::Pre && !self.call && effect > Effect::Allow {
            entries.push(ByDefault {
                rule: if facts.phase == Phase::Post {
                    "default.post"
                } else {
                    "default.text"
                },
                effect,
                actions: Vec::new(),
                unknown: false,
            });
        }
        if !self.understood.is_empty() {
            entries.push(ByDefault {
                rule: "default.action",
                effect,
                actions: self.understood,
                unknown: false,
            });
        }
        if !self.unknown.is_empty() {
            entries.push(ByDefault {
                rule: "default.unknown",
                effect: effect.max(Effect::Ask),
                actions: self.unknown,
                unknown: true,
            });
        }
        entries
    }
}

/// What a default says.
pub(super) struct ByDefault {
    pub(super) rule: &'static str,
    pub(super) effect: Effect,
    pub(super) actions: Vec<usize>,
    unknown: bool,
}

impl ByDefault {
    /// As a reason beside those of rules; `None` when rules give the reason for all that it is about.
    pub(super) fn determining(
        mut self,
        rules: &[Determining],
        facts: &Facts,
        layer: Layer,
    ) -> Option<Determining> {
        let about_actions = !self.actions.is_empty();
        self.actions
            .retain(|at| !rules.iter().any(|rule| rule.actions.contains(at)));
        if about_actions && self.actions.is_empty() {
            return None;
        }
        Some(Determining {
            rule: self.rule.to_owned(),
            effect: self.effect,
            layer: Cow::Borrowed(layer.as_str()),
            message: message::of_default(facts, self.effect, &self.actions),
            actions: self.actions,
            findings: Vec::new(),
            unknown: self.unknown,
        })
    }
}

pub(super) fn nothing_happens(facts: &Facts) -> Determining {
    let (rule, message) = match facts.phase {
        Phase::Pre => (
            "default.nothing",
            "would change nothing outside its own process",
        ),
        Phase::Post | Phase::Text => ("default.text", "no rule speaks against this text"),
    };
    Determining {
        rule: String::from(rule),
        effect: Effect::Allow,
        layer: Cow::Borrowed(Layer::Builtin.as_str()),
        message: String::from(message),
        actions: Vec::new(),
        findings: Vec::new(),
        unknown: false,
    }
}
