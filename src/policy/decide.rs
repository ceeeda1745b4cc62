//! The decision procedure. Pure, and free of order: every rule is asked, the strictest answer wins.
//!
//! A prohibition or a question that depends on something unknown counts; a permission that does, does not. Each action
//! that no permission covers falls to the default of its phase.

use std::borrow::Cow;

use super::Policy;
use super::asking::{Asking, Blocks, Match};
use super::compiled::{Block, Compiled, Rule, Span, Texts as _};
use super::condition::Truth;
use super::granted::Granted;
use super::message;
use super::spec::Layer;
use super::unspoken::{ByDefault, Uncovered, nothing_happens};
use crate::decision::{Determining, Effect, Labelled, Near, Verdict};
use crate::facts::Facts;

/// The obligation that says that an answer was not given because the policy only observes.
const OBSERVED: &str = "observed";
/// How many near misses are told.
const MAX_NEAR: usize = 8;

/// A rule that speaks.
pub(super) struct Spoken {
    pub(super) rule: Rule,
    at: usize,
    pub(super) effect: Effect,
    pub(super) actions: Vec<usize>,
    pub(super) findings: Vec<usize>,
    pub(super) call: bool,
    unknown: bool,
}

/// What the policy says about the facts.
pub(super) fn decide(facts: &Facts, policy: &Policy) -> Verdict {
    let compiled = &policy.compiled;
    let mut asking = Asking::of(facts, compiled);
    let blocks = asking.blocks();
    let rules = compiled.rules();
    let is_of_rule = |block: &&Block| (block.owner as usize) < rules;
    let of_rules = blocks.fitting.partition_point(is_of_rule);
    let (asked, of_labels) = blocks.fitting.split_at(of_rules);
    let mut spoken: Vec<Spoken> = Vec::new();
    for (at, blocks) in by_owner(asked) {
        if asking.speaks(blocks)
            && let Some(rule) = compiled.rule(at)
            && speaks_on(&rule, compiled, &facts.now)
        {
            spoken.extend(settle(at, rule, asking.matched(blocks)));
        }
    }
    let spoke: Vec<usize> = spoken.iter().map(|spoken| spoken.at).collect();
    drop_overridden(&mut spoken, compiled);

    let mut defaults = Uncovered::of(facts, &spoken).defaults(facts, policy);
    let labels = labels(facts, compiled, &mut asking, of_labels, &spoken);
    let granted = Granted::of(facts, compiled, &spoken, &defaults);
    let mut obligations = obligations(&spoken, compiled);
    if let Some(granted) = &granted {
        spoken.retain(|spoken| !granted.answers(compiled.text(spoken.rule.id), spoken.effect));
        defaults.retain(|default| !granted.answers(default.rule, default.effect));
    }
    let effect = strictest(&spoken, &defaults);
    let mut determining: Vec<Determining> = match &granted {
        Some(granted) => granted.determining(facts),
        None => spoken
            .iter_mut()
            .filter(|spoken| spoken.effect == effect)
            .map(|spoken| spoken.determining(facts, compiled))
            .collect(),
    };
    let layer = compiled.by_phase(facts.phase).layer;
    let answer = answer(effect, compiled, layer, &spoken, &defaults);
    let defaults: Vec<Determining> = defaults
        .into_iter()
        .filter(|default| default.effect == effect && granted.is_none())
        .filter_map(|default| default.determining(&determining, facts, layer))
        .collect();
    determining.extend(defaults);
    if determining.is_empty() {
        determining.push(nothing_happens(facts));
    }
    determining.sort_by(|one, other| one.rule.cmp(&other.rule));

    if answer < effect {
        obligations.push(String::from(OBSERVED));
    }
    obligations.sort();
    obligations.dedup();
    Verdict {
        effect: answer,
        determining,
        near: near(effect, &spoke, facts, &blocks, &mut asking),
        obligations,
        labels,
        grants: granted.map(|granted| granted.ids).unwrap_or_default(),
        observes: compiled.head.observe,
        policy_digest: policy.digest().to_owned(),
    }
}

/// Blocks by the rule that they belong to, with its position.
fn by_owner<'b>(blocks: &'b [&'b Block]) -> impl Iterator<Item = (usize, &'b [&'b Block])> {
    let same = blocks.chunk_by(|one, other| one.owner == other.owner);
    same.filter_map(|blocks| Some((blocks.first()?.owner as usize, blocks)))
}

/// The strictest of what rules and defaults say.
fn strictest(spoken: &[Spoken], defaults: &[ByDefault]) -> Effect {
    let rules = spoken.iter().map(|spoken| spoken.effect);
    let defaults = defaults.iter().map(|default| default.effect);
    rules.chain(defaults).max().unwrap_or(Effect::Allow)
}

/// What rules demand besides their effect, also those whose question a grant answers.
fn obligations(spoken: &[Spoken], compiled: &Compiled) -> Vec<String> {
    let demanded = |spoken: &Spoken| compiled.words(spoken.rule.then).map(str::to_owned);
    spoken.iter().flat_map(demanded).collect()
}

/// The first rules that are stricter than the decision and that one condition kept from speaking.
fn near<'p>(
    effect: Effect,
    spoke: &[usize],
    facts: &Facts,
    blocks: &Blocks<'p>,
    asking: &mut Asking<'p>,
) -> Vec<Near> {
    let compiled = asking.compiled;
    let mut near = Vec::with_capacity(MAX_NEAR);
    let mut stricter = blocks.stricter(effect, compiled);
    let mut next = stricter.next();
    let mut of_one = Vec::new();
    while let Some(first) = next
        && near.len() < MAX_NEAR
    {
        of_one.clear();
        while let Some(block) = next.filter(|block| block.owner == first.owner) {
            of_one.push(block);
            next = stricter.next();
        }
        let at = first.owner as usize;
        let Some(rule) = compiled.rule(at) else {
            continue;
        };
        if spoke.binary_search(&at).is_ok() || !speaks_on(&rule, compiled, &facts.now) {
            continue;
        }
        if let Some(missing) = asking.missing(&of_one) {
            near.push(Near {
                rule: compiled.text(rule.id).to_owned(),
                effect: rule.effect,
                missing: [Cow::Borrowed(missing)],
            });
        }
    }
    near
}

/// What is answered: the effect, or what of it is not only observed. What the administrator denies or asks about is not
/// for others to observe only.
fn answer(
    effect: Effect,
    compiled: &Compiled,
    layer: Layer,
    spoken: &[Spoken],
    defaults: &[ByDefault],
) -> Effect {
    if !compiled.head.observe {
        return effect;
    }
    if compiled.head.observe_all {
        return Effect::Allow;
    }
    let rules = spoken
        .iter()
        .filter(|spoken| spoken.rule.layer == Layer::Managed)
        .map(|spoken| spoken.effect);
    let defaults = defaults
        .iter()
        .filter(|_| layer == Layer::Managed)
        .map(|default| default.effect);
    rules.chain(defaults).max().unwrap_or(Effect::Allow)
}

/// The labels that the call leaves on its run: by the rules for labels, and by what rules demand besides their effect.
fn labels(
    facts: &Facts,
    compiled: &Compiled,
    asking: &mut Asking<'_>,
    blocks: &[&Block],
    spoken: &[Spoken],
) -> Vec<Labelled> {
    let mut labels = Vec::new();
    let mut add = |label: &str, rule: Span, actions: &[usize], findings: &[usize]| {
        labels.push(Labelled {
            label: label.to_owned(),
            rule: compiled.text(rule).to_owned(),
            message: message::of_label(facts, actions, findings),
            actions: actions.to_vec(),
            findings: findings.to_vec(),
        });
    };
    for (at, blocks) in by_owner(blocks) {
        let rule = compiled.label(at - compiled.rules());
        if let Some(rule) = rule
            && asking.speaks(blocks)
        {
            let mut found = asking.matched(blocks);
            found.keep_surest();
            let positions = |list: &[(usize, Truth)]| -> Vec<usize> {
                list.iter().map(|(at, _)| *at).collect()
            };
            let (actions, findings) = (positions(&found.actions), positions(&found.findings));
            for label in compiled.words(rule.add) {
                add(label, rule.id, &actions, &findings);
            }
        }
    }
    for spoken in spoken {
        for label in compiled
            .words(spoken.rule.then)
            .filter_map(|word| word.strip_prefix("label:"))
        {
            add(label, spoken.rule.id, &spoken.actions, &spoken.findings);
        }
    }
    labels.sort_by(|one, other| (&one.label, &one.rule).cmp(&(&other.label, &other.rule)));
    labels
}

/// Whether a rule has not run out. An unreadable clock ends permissions, not prohibitions.
fn speaks_on(rule: &Rule, compiled: &Compiled, now: &str) -> bool {
    let Some(until) = rule.until else {
        return true;
    };
    match now.get(..10) {
        Some(today)
            if today
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-') =>
        {
            today <= compiled.text(until)
        }
        _ => rule.effect != Effect::Allow,
    }
}

/// What a match says: the sure part for what it says in general, the unsure part for what it says about the unknown.
fn settle(at: usize, rule: Rule, mut found: Match) -> Option<Spoken> {
    found.keep_surest();
    let sure = found.truths().any(|truth| truth == Truth::Yes);
    // A permission counts where it is sure. So does a prohibition that says something else about the unknown.
    let only_sure = rule.effect == Effect::Allow || (sure && rule.if_unknown != rule.effect);
    let least = if only_sure {
        Truth::Yes
    } else {
        Truth::Unknown
    };
    let keep = |list: &[(usize, Truth)]| -> Vec<usize> {
        list.iter()
            .filter(|(_, truth)| *truth >= least)
            .map(|(at, _)| *at)
            .collect()
    };
    let unknown = !only_sure && found.truths().any(|truth| truth == Truth::Unknown);
    let spoken = Spoken {
        rule,
        at,
        effect: if sure { rule.effect } else { rule.if_unknown },
        actions: keep(&found.actions),
        findings: keep(&found.findings),
        call: found.call.is_some_and(|truth| truth >= least),
        unknown,
    };
    (spoken.call || !spoken.actions.is_empty() || !spoken.findings.is_empty()).then_some(spoken)
}

/// Takes out the questions that permissions answer, wherever they answer all of it.
fn drop_overridden(spoken: &mut Vec<Spoken>, compiled: &Compiled) {
    if spoken
        .iter()
        .all(|spoken| spoken.rule.overridden_by.is_empty())
    {
        return;
    }
    let answered: Vec<usize> = spoken
        .iter()
        .filter(|question| {
            let permissions = || {
                spoken.iter().filter(|spoken| {
                    let mut answers = compiled.of::<u32>(question.rule.overridden_by);
                    answers.any(|at| at as usize == spoken.at)
                })
            };
            let all = |asked: &[usize], of: for<'a> fn(&'a Spoken) -> &'a [usize]| {
                !asked.is_empty()
                    && asked
                        .iter()
                        .all(|at| permissions().any(|permission| of(permission).contains(at)))
            };
            permissions().any(|permission| permission.call)
                || (!question.call
                    && (all(&question.actions, |spoken| &spoken.actions)
                        || all(&question.findings, |spoken| &spoken.findings)))
        })
        .map(|question| question.at)
        .collect();
    spoken.retain(|spoken| !answered.contains(&spoken.at));
}

impl Spoken {
    /// As a reason. What it is about goes along; nothing asks for that afterwards.
    fn determining(&mut self, facts: &Facts, compiled: &Compiled) -> Determining {
        Determining {
            rule: compiled.text(self.rule.id).to_owned(),
            effect: self.effect,
            layer: Cow::Borrowed(self.rule.layer.as_str()),
            message: message::of_rule(
                &self.rule,
                compiled,
                facts,
                &self.actions,
                &self.findings,
                self.unknown,
            ),
            actions: std::mem::take(&mut self.actions),
            findings: std::mem::take(&mut self.findings),
            unknown: self.unknown,
        }
    }
}
