//! Grants in force: what a person has allowed before answers questions, and nothing else.

use std::borrow::Cow;

use super::compiled::{Compiled, Texts as _};
use super::decide::Spoken;
use super::message;
use super::spec::Layer;
use super::unspoken::ByDefault;
use crate::decision::{Determining, Effect};
use crate::facts::Facts;

/// The grants that turn a question into a permission.
pub(super) struct Granted {
    pub(super) ids: Vec<String>,
    scope: String,
    /// The rules whose questions they answer; `None`: all.
    rules: Option<Vec<String>>,
    actions: Vec<usize>,
    findings: Vec<usize>,
}

impl Granted {
    /// The live grants that answer every question about this call; `None` where there are none, where nothing asks, and
    /// where something denies.
    pub(super) fn of(
        facts: &Facts,
        compiled: &Compiled,
        spoken: &[Spoken],
        defaults: &[ByDefault],
    ) -> Option<Self> {
        let first = facts.state.grants.first()?;
        let said = || {
            spoken
                .iter()
                .map(|spoken| (compiled.text(spoken.rule.id), spoken.effect))
                .chain(
                    defaults
                        .iter()
                        .map(|default| (default.rule, default.effect)),
                )
        };
        if said().map(|(_, effect)| effect).max() != Some(Effect::Ask) {
            return None;
        }
        let mut granted = Self {
            ids: vec![first.id.clone()],
            scope: first.scope.clone(),
            rules: None,
            actions: Vec::new(),
            findings: Vec::new(),
        };
        if first.rule.is_some() {
            granted.ids.clear();
            let mut rules = Vec::new();
            let mut covered: Vec<usize> = Vec::new();
            let mut answer = |rule: &str| {
                let live = &facts.state.grants;
                let grant = live
                    .iter()
                    .find(|grant| grant.rule.as_deref() == Some(rule))?;
                granted.ids.push(grant.id.clone());
                rules.push(rule.to_owned());
                Some(())
            };
            for spoken in spoken.iter().filter(|spoken| spoken.effect == Effect::Ask) {
                answer(compiled.text(spoken.rule.id))?;
                covered.extend(&spoken.actions);
            }
            let asking = |default: &&ByDefault| default.effect == Effect::Ask;
            let mut echoes = Vec::new();
            for default in defaults.iter().filter(asking) {
                // A default that asks about nothing else is answered with the rule.
                let echo = !default.actions.is_empty()
                    && default.actions.iter().all(|at| covered.contains(at));
                if echo {
                    echoes.push(default.rule.to_owned());
                } else {
                    answer(default.rule)?;
                }
            }
            rules.append(&mut echoes);
            granted.rules = Some(rules);
        }
        granted.ids.sort();
        granted.ids.dedup();
        for spoken in spoken.iter().filter(|spoken| spoken.effect == Effect::Ask) {
            granted.actions.extend(&spoken.actions);
            granted.findings.extend(&spoken.findings);
        }
        for default in defaults
            .iter()
            .filter(|default| default.effect == Effect::Ask)
        {
            granted.actions.extend(&default.actions);
        }
        for list in [&mut granted.actions, &mut granted.findings] {
            list.sort_unstable();
            list.dedup();
        }
        Some(granted)
    }

    pub(super) fn answers(&self, rule: &str, effect: Effect) -> bool {
        effect == Effect::Ask
            && self
                .rules
                .as_ref()
                .is_none_or(|rules| rules.iter().any(|held| held == rule))
    }

    pub(super) fn determining(&self, facts: &Facts) -> Vec<Determining> {
        vec![Determining {
            rule: format!("grant.{}", self.scope),
            effect: Effect::Allow,
            layer: Cow::Borrowed(Layer::User.as_str()),
            message: message::of_grant(facts, &self.actions, &self.findings, &self.ids),
            actions: self.actions.clone(),
            findings: self.findings.clone(),
            unknown: false,
        }]
    }
}
