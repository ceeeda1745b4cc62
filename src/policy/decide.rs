//! The decision procedure. Pure, and free of order: every rule is asked, the strictest answer wins.
//!
//! A prohibition or a question that depends on something unknown counts; a permission that does, does not. Each action
//! that no permission covers falls to the default of its phase.

use super::Policy;
use super::compile::{Compiled, Needs, Rule};
use super::condition::Truth;
use super::message;
use super::pool::Span;
use super::spec::Layer;
use crate::actions::ActionKind;
use crate::decision::{Determining, Effect, Labelled, Near, Verdict};
use crate::facts::{Facts, Phase};

/// The obligation that says that an answer was not given because the policy only observes.
const OBSERVED: &str = "observed";
/// How many near misses are told.
const MAX_NEAR: usize = 8;

/// What a rule spoke about, and how sure that is.
#[derive(Debug, Default)]
struct Match {
    /// Positions of actions, ascending.
    actions: Vec<(usize, Truth)>,
    /// Positions of findings, ascending.
    findings: Vec<(usize, Truth)>,
    /// Whether it spoke about the call as a whole.
    call: Option<Truth>,
}

impl Match {
    /// Blocks may speak about the same thing; the surest one counts.
    fn keep_surest(&mut self) {
        for list in [&mut self.actions, &mut self.findings] {
            list.sort_by_key(|(at, truth)| (*at, std::cmp::Reverse(*truth)));
            list.dedup_by_key(|(at, _)| *at);
        }
    }
}

/// A rule that speaks.
struct Spoken<'p> {
    rule: &'p Rule,
    at: usize,
    effect: Effect,
    actions: Vec<usize>,
    findings: Vec<usize>,
    call: bool,
    unknown: bool,
}

/// What the policy says about the facts.
pub(super) fn decide(facts: &Facts, policy: &Policy) -> Verdict {
    let compiled = &policy.compiled;
    let seen = Seen::of(facts, compiled);
    let mut spoken = Vec::new();
    let mut near = Misses::default();
    for at in seen.rules() {
        let Some(rule) = compiled.rules.get(at) else {
            continue;
        };
        if !speaks_on(rule, compiled, &facts.now) {
            continue;
        }
        let (found, missing) = ask(rule, compiled, facts, &seen, near.wants(rule));
        match found.and_then(|found| settle(at, rule, found)) {
            Some(rule) => spoken.push(rule),
            None => near.add(rule, missing),
        }
    }
    drop_overridden(&mut spoken);

    let mut defaults = Uncovered::of(facts, &spoken).defaults(facts, policy);
    let labels = labels(facts, compiled, &seen, &spoken);
    let granted = Granted::of(facts, compiled, &spoken, &defaults);
    let mut obligations: Vec<String> = spoken
        .iter()
        .flat_map(|spoken| compiled.pool.words(spoken.rule.then).map(str::to_owned))
        .collect();
    if let Some(granted) = &granted {
        spoken.retain(|spoken| !granted.answers(compiled.pool.text(spoken.rule.id), spoken.effect));
        defaults.retain(|default| !granted.answers(default.rule, default.effect));
    }
    let effect = spoken
        .iter()
        .map(|spoken| spoken.effect)
        .chain(defaults.iter().map(|default| default.effect))
        .max()
        .unwrap_or(Effect::Allow);
    let mut determining: Vec<Determining> = match &granted {
        Some(granted) => granted.determining(facts),
        None => spoken
            .iter()
            .filter(|spoken| spoken.effect == effect)
            .map(|spoken| spoken.determining(facts, compiled))
            .collect(),
    };
    let layer = compiled.defaults[facts.phase as usize].1;
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

    let near = near
        .list
        .into_iter()
        .filter(|(rule, _)| rule.effect > effect)
        .take(MAX_NEAR)
        .map(|(rule, missing)| Near {
            rule: compiled.pool.text(rule.id).to_owned(),
            effect: rule.effect,
            missing: vec![String::from(missing)],
        })
        .collect();
    if answer < effect {
        obligations.push(String::from(OBSERVED));
    }
    obligations.sort();
    obligations.dedup();
    Verdict {
        effect: answer,
        determining,
        near,
        obligations,
        labels,
        grants: granted.map(|granted| granted.ids).unwrap_or_default(),
        observes: compiled.observe,
        policy_digest: policy.digest.clone(),
    }
}

/// What is answered: the effect, or what of it is not only observed. What the administrator denies or asks about is not
/// for others to observe only.
fn answer(
    effect: Effect,
    compiled: &Compiled,
    layer: Layer,
    spoken: &[Spoken<'_>],
    defaults: &[ByDefault],
) -> Effect {
    if !compiled.observe {
        return effect;
    }
    if compiled.observe_all {
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
fn labels(facts: &Facts, compiled: &Compiled, seen: &Seen, spoken: &[Spoken<'_>]) -> Vec<Labelled> {
    let pool = &compiled.pool;
    let mut labels = Vec::new();
    let mut add = |label: &str, rule: Span, actions: &[usize], findings: &[usize]| {
        labels.push(Labelled {
            label: label.to_owned(),
            rule: pool.text(rule).to_owned(),
            message: message::of_label(facts, actions, findings),
            actions: actions.to_vec(),
            findings: findings.to_vec(),
        });
    };
    for rule in &compiled.labels {
        let (found, _) = ask_blocks(rule.blocks, false, compiled, facts, seen);
        if let Some(mut found) = found {
            found.keep_surest();
            let positions = |list: &[(usize, Truth)]| -> Vec<usize> {
                list.iter().map(|(at, _)| *at).collect()
            };
            let (actions, findings) = (positions(&found.actions), positions(&found.findings));
            for label in pool.words(rule.add) {
                add(label, rule.id, &actions, &findings);
            }
        }
    }
    for spoken in spoken {
        for label in pool
            .words(spoken.rule.then)
            .filter_map(|word| word.strip_prefix("label:"))
        {
            add(label, spoken.rule.id, &spoken.actions, &spoken.findings);
        }
    }
    labels.sort_by(|one, other| (&one.label, &one.rule).cmp(&(&other.label, &other.rule)));
    labels
}

/// The grants that turn a question into a permission.
struct Granted {
    ids: Vec<String>,
    scope: String,
    /// The rules whose questions they answer; `None`: all.
    rules: Option<Vec<String>>,
    actions: Vec<usize>,
    findings: Vec<usize>,
}

impl Granted {
    /// The live grants that answer every question about this call; `None` where there are none, where nothing asks, and
    /// where something denies.
    fn of(
        facts: &Facts,
        compiled: &Compiled,
        spoken: &[Spoken<'_>],
        defaults: &[ByDefault],
    ) -> Option<Self> {
        let first = facts.state.grants.first()?;
        let pool = &compiled.pool;
        let said = || {
            spoken
                .iter()
                .map(|spoken| (pool.text(spoken.rule.id), spoken.effect))
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
                answer(pool.text(spoken.rule.id))?;
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

    fn answers(&self, rule: &str, effect: Effect) -> bool {
        effect == Effect::Ask
            && self
                .rules
                .as_ref()
                .is_none_or(|rules| rules.iter().any(|held| held == rule))
    }

    fn determining(&self, facts: &Facts) -> Vec<Determining> {
        vec![Determining {
            rule: format!("grant.{}", self.scope),
            effect: Effect::Allow,
            layer: String::from(Layer::User.as_str()),
            message: message::of_grant(facts, &self.actions, &self.findings, &self.ids),
            actions: self.actions.clone(),
            findings: self.findings.clone(),
            unknown: false,
        }]
    }
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
            today <= compiled.pool.text(until)
        }
        _ => rule.effect != Effect::Allow,
    }
}

/// Rules that one condition kept from speaking, in their order.
#[derive(Default)]
struct Misses<'p> {
    list: Vec<(&'p Rule, &'static str)>,
    denials: usize,
    questions: usize,
}

impl<'p> Misses<'p> {
    /// Whether a near miss of that rule could still be told: only those that are stricter than the decision are, and of
    /// them the first. A permission is never stricter.
    fn wants(&self, rule: &Rule) -> bool {
        match rule.effect {
            Effect::Allow => false,
            Effect::Ask => self.denials + self.questions < MAX_NEAR,
            Effect::Deny => self.denials < MAX_NEAR,
        }
    }

    fn add(&mut self, rule: &'p Rule, missing: Option<&'static str>) {
        let Some(missing) = missing else { return };
        match rule.effect {
            Effect::Allow => return,
            Effect::Ask => self.questions += 1,
            Effect::Deny => self.denials += 1,
        }
        self.list.push((rule, missing));
    }
}

/// What the facts hold, as sets: most rules are dismissed by these alone.
struct Seen {
    /// By gate: whether facts like these may pass it.
    open: Vec<bool>,
    /// Rules with a block behind an open gate, bit by position.
    rules: Vec<u64>,
}

impl Seen {
    fn of(facts: &Facts, compiled: &Compiled) -> Self {
        let phase = 1 << facts.phase as u8;
        let held_kinds = facts
            .actions
            .iter()
            .fold(0, |set, action| set | action.kind.bit());
        let held_families = facts
            .findings
            .iter()
            .fold(0, |set, finding| set | 1 << finding.kind as u8);
        let passes = |needs: &Needs| {
            needs.phases & phase != 0
                && needs.kinds.is_none_or(|kinds| kinds & held_kinds != 0)
                && needs
                    .families
                    .is_none_or(|families| families & held_families != 0)
        };
        let mut rules = vec![0; compiled.rules.len().div_ceil(64)];
        let open = compiled
            .gates
            .iter()
            .zip(&compiled.behind)
            .map(|(needs, behind)| {
                let open = passes(needs);
                if open {
                    for (all, own) in rules.iter_mut().zip(behind) {
                        *all |= own;
                    }
                }
                open
            })
            .collect();
        Self { open, rules }
    }

    /// Positions of the rules that may speak, ascending.
    fn rules(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().enumerate().flat_map(|(word, bits)| {
            std::iter::successors((*bits != 0).then_some(*bits), |bits| {
                let rest = bits & (bits - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }
}

/// How far a conjunction holds: its truth, and how many of its conditions do not hold, counted as far as it matters.
#[derive(Debug, Clone, Copy)]
struct Tally {
    truth: Truth,
    failed: u8,
    /// The first failed condition by name.
    first: Option<&'static str>,
}

impl Tally {
    const HOLDS: Self = Self {
        truth: Truth::Yes,
        failed: 0,
        first: None,
    };

    /// Asks conditions until `most` of them do not hold.
    fn over<C>(
        conditions: &[C],
        most: u8,
        holds: impl Fn(&C) -> Truth,
        name: impl Fn(&C) -> &'static str,
    ) -> Self {
        let mut tally = Self::HOLDS;
        for condition in conditions {
            let truth = holds(condition);
            tally.truth = tally.truth.min(truth);
            if truth == Truth::No {
                tally.failed += 1;
                tally.first = Some(name(condition));
                if tally.failed == most {
                    break;
                }
            }
        }
        tally
    }

    fn and(self, other: Self) -> Self {
        Self {
            truth: self.truth.min(other.truth),
            failed: (self.failed + other.failed).min(2),
            first: self.first.or(other.first),
        }
    }

    /// The one that is nearer to holding; among equals, the first by name.
    fn nearer(self, other: Self) -> Self {
        let key = |tally: &Self| (tally.failed, tally.first);
        if key(&other) < key(&self) {
            other
        } else {
            self
        }
    }
}

/// What a rule speaks about, or, where `near` misses are wanted, the one condition that keeps it from speaking.
fn ask(
    rule: &Rule,
    compiled: &Compiled,
    facts: &Facts,
    seen: &Seen,
    near: bool,
) -> (Option<Match>, Option<&'static str>) {
    ask_blocks(rule.blocks, near, compiled, facts, seen)
}

/// As [`ask`], for the blocks of any rule.
fn ask_blocks(
    blocks: Span,
    near: bool,
    compiled: &Compiled,
    facts: &Facts,
    seen: &Seen,
) -> (Option<Match>, Option<&'static str>) {
    let pool = &compiled.pool;
    let most = if near { 2 } else { 1 };
    let mut found: Option<Match> = None;
    let mut missing: Option<&'static str> = None;
    for block in blocks.of(&compiled.blocks) {
        let gate = usize::from(block.gate);
        let (Some(true), Some(needs)) = (seen.open.get(gate), compiled.gates.get(gate)) else {
            continue;
        };
        let Needs {
            kinds, families, ..
        } = *needs;
        let on_call = block.call.of(&pool.call);
        let call = Tally::over(
            on_call,
            most,
            |condition| condition.holds(facts, pool),
            |condition| condition.name(),
        );
        if call.failed == most {
            continue;
        }
        let mut actions = Vec::new();
        let action = kinds.map(|kinds| {
            best(&facts.actions, &mut actions, |action| {
                (kinds & action.kind.bit() != 0).then(|| {
                    Tally::over(
                        block.action.of(&pool.action),
                        most,
                        |condition| condition.holds(action, &facts.context, pool),
                        |condition| condition.name(),
                    )
                })
            })
        });
        let mut findings = Vec::new();
        let finding = families.map(|families| {
            best(&facts.findings, &mut findings, |finding| {
                (families & 1 << finding.kind as u8 != 0).then(|| {
                    Tally::over(
                        block.finding.of(&pool.finding),
                        most,
                        |condition| condition.holds(finding, pool),
                        |condition| condition.name(),
                    )
                })
            })
        });
        let (of_actions, of_findings) = (
            action.unwrap_or(Tally::HOLDS),
            finding.unwrap_or(Tally::HOLDS),
        );
        let whole = call.and(of_actions).and(of_findings);
        if whole.failed == 0 {
            let found = found.get_or_insert_with(Match::default);
            let limit = |list: Vec<(usize, Truth)>, truth: Truth| {
                list.into_iter()
                    .map(move |(at, held)| (at, held.min(truth)))
            };
            found
                .actions
                .extend(limit(actions, call.truth.min(of_findings.truth)));
            found
                .findings
                .extend(limit(findings, call.truth.min(of_actions.truth)));
            if action.is_none() && finding.is_none() {
                found.call = found.call.max(Some(call.truth));
            }
        } else if near
            && whole.failed == 1
            // A rule of a single condition would nearly match every call.
            && (kinds.is_some() || families.is_some() || on_call.len() > 1)
        {
            missing = match (missing, whole.first) {
                (Some(held), Some(other)) => Some(held.min(other)),
                (held, other) => held.or(other),
            };
        }
    }
    (found, missing)
}

/// Judges each of `items`, keeps those that may meet the conditions, and returns how near the nearest came.
fn best<T>(
    items: &[T],
    kept: &mut Vec<(usize, Truth)>,
    judge: impl Fn(&T) -> Option<Tally>,
) -> Tally {
    let mut nearest: Option<Tally> = None;
    let mut surest = Truth::No;
    for (at, item) in items.iter().enumerate() {
        let Some(tally) = judge(item) else { continue };
        if tally.truth > Truth::No {
            kept.push((at, tally.truth));
        }
        surest = surest.max(tally.truth);
        nearest = Some(nearest.map_or(tally, |nearest| nearest.nearer(tally)));
    }
    nearest.map_or(
        Tally {
            truth: Truth::No,
            failed: 2,
            first: None,
        },
        |nearest| Tally {
            truth: surest,
            ..nearest
        },
    )
}

/// What a match says: the sure part for what it says in general, the unsure part for what it says about the unknown.
fn settle(at: usize, rule: &Rule, mut found: Match) -> Option<Spoken<'_>> {
    found.keep_surest();
    let sure = found.call == Some(Truth::Yes)
        || found
            .actions
            .iter()
            .chain(&found.findings)
            .any(|(_, truth)| *truth == Truth::Yes);
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
    let unknown = !only_sure
        && (found.call == Some(Truth::Unknown)
            || found
                .actions
                .iter()
                .chain(&found.findings)
                .any(|(_, truth)| *truth == Truth::Unknown));
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
fn drop_overridden(spoken: &mut Vec<Spoken<'_>>) {
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
                    let answers = &question.rule.overridden_by;
                    answers.iter().any(|at| *at as usize == spoken.at)
                })
            };
            let all = |asked: &[usize], of: for<'a> fn(&'a Spoken<'_>) -> &'a [usize]| {
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

impl Spoken<'_> {
    fn determining(&self, facts: &Facts, compiled: &Compiled) -> Determining {
        let pool = &compiled.pool;
        Determining {
            rule: pool.text(self.rule.id).to_owned(),
            effect: self.effect,
            layer: String::from(self.rule.layer.as_str()),
            message: message::of_rule(
                self.rule,
                pool,
                facts,
                &self.actions,
                &self.findings,
                self.unknown,
            ),
            actions: self.actions.clone(),
            findings: self.findings.clone(),
            unknown: self.unknown,
        }
    }
}

/// What no permission covers.
#[derive(Debug, Default)]
struct Uncovered {
    understood: Vec<usize>,
    unknown: Vec<usize>,
    /// Whether the call as a whole is covered.
    call: bool,
}

impl Uncovered {
    fn of(facts: &Facts, spoken: &[Spoken<'_>]) -> Self {
        let permissions: Vec<&Spoken<'_>> = spoken
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
    fn defaults(self, facts: &Facts, policy: &Policy) -> Vec<ByDefault> {
        let (effect, _) = policy.compiled.defaults[facts.phase as usize];
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
struct ByDefault {
    rule: &'static str,
    effect: Effect,
    actions: Vec<usize>,
    unknown: bool,
}

impl ByDefault {
    /// As a reason beside those of rules; `None` when rules give the reason for all that it is about.
    fn determining(
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
            layer: String::from(layer.as_str()),
            message: message::of_default(facts, self.effect, &self.actions),
            actions: self.actions,
            findings: Vec::new(),
            unknown: self.unknown,
        })
    }
}

fn nothing_happens(facts: &Facts) -> Determining {
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
        layer: String::from(Layer::Builtin.as_str()),
        message: String::from(message),
        actions: Vec::new(),
        findings: Vec::new(),
        unknown: false,
    }
}
