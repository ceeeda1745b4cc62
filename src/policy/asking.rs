//! What the blocks of a rule speak about, and what keeps a rule from speaking. Most rules are dismissed by one look at
//! what the facts hold, most of the others by their first condition that does not hold; and no condition is asked twice of
//! the same thing, however many rules share it.

use super::compiled::{Block, Compiled, Key, Sign};
use super::condition::{Base, Bases, Spot, Truth, subjects};
use super::glob::Probe;
use super::subjects::Subject;
use crate::actions::ActionKind;
use crate::decision::Effect;
use crate::facts::Facts;

/// What a rule spoke about, and how sure that is.
#[derive(Debug, Default)]
pub(super) struct Match {
    /// Positions of actions, ascending.
    pub(super) actions: Vec<(usize, Truth)>,
    /// Positions of findings, ascending.
    pub(super) findings: Vec<(usize, Truth)>,
    /// Whether it spoke about the call as a whole.
    pub(super) call: Option<Truth>,
}

impl Match {
    /// Blocks may speak about the same thing; the surest one counts.
    pub(super) fn keep_surest(&mut self) {
        for list in [&mut self.actions, &mut self.findings] {
            if list.len() > 1 {
                list.sort_by_key(|(at, truth)| (*at, std::cmp::Reverse(*truth)));
                list.dedup_by_key(|(at, _)| *at);
            }
        }
    }

    /// How sure it is of each thing that it spoke about.
    pub(super) fn truths(&self) -> impl Iterator<Item = Truth> {
        let listed = self.actions.iter().chain(&self.findings);
        listed.map(|(_, truth)| *truth).chain(self.call)
    }
}

/// What one look at an action tells.
struct Look<'a> {
    is_understood: bool,
    /// Who does it.
    by: Probe,
    /// Its target as patterns look at it.
    spot: Spot<'a>,
}

/// Blocks that are asked.
pub(super) struct Blocks<'a> {
    /// Those that speak about what the facts hold and may come near to holding, as a set.
    behind: Vec<u64>,
    /// Those of them that one look does not dismiss, in their order: most want another action, or something of a text that
    /// begins or ends otherwise.
    pub(super) fitting: Vec<&'a Block>,
}

impl<'a> Blocks<'a> {
    /// Those that may come near to holding and belong to stricter rules, in their order.
    pub(super) fn stricter(
        &self,
        effect: Effect,
        compiled: &'a Compiled,
    ) -> impl Iterator<Item = &'a Block> {
        let stricter = compiled.about(Subject::StricterThan(effect));
        compiled.members(move |at| self.behind[at] & stricter.word(at))
    }
}

/// What is asked of some facts, and what was answered.
pub(super) struct Asking<'a> {
    facts: &'a Facts,
    pub(super) compiled: &'a Compiled,
    tool: Probe,
    looks: Vec<Look<'a>>,
    /// Every answer as a byte, zero where nobody asked yet: the conditions on the call, then those on each action, then
    /// those on each finding.
    noted: Vec<u8>,
}

impl<'a> Asking<'a> {
    pub(super) fn of(facts: &'a Facts, compiled: &'a Compiled) -> Self {
        let conditions = compiled.call.len()
            + facts.actions.len() * compiled.actions()
            + facts.findings.len() * compiled.finding.len();
        let bases = Bases::of(&facts.context);
        let looks = facts.actions.iter().map(|action| Look {
            is_understood: action.kind != ActionKind::Unknown,
            by: Probe::of(&action.by),
            spot: Spot::of(action, &bases),
        });
        Self {
            facts,
            compiled,
            tool: Probe::of(&facts.tool),
            looks: looks.collect(),
            noted: vec![0; conditions],
        }
    }

    /// The blocks that speak about what the facts hold, by the rule that they belong to; those of rules for labels come
    /// last.
    pub(super) fn blocks(&self) -> Blocks<'a> {
        let compiled = self.compiled;
        let mut behind = self.behind();
        let mut fitting = vec![0; behind.len()];
        let mut near = vec![0; behind.len()];
        let no_action = compiled.about(Subject::NoAction);
        for (at, (behind, fitting)) in behind.iter().zip(&mut fitting).enumerate() {
            near[at] = behind & no_action.word(at);
            for (bit, block) in compiled.blocks_of(at, near[at]) {
                if self.may_fit(block) {
                    *fitting |= bit;
                }
            }
        }
        for (action, look) in self.facts.actions.iter().zip(&self.looks) {
            let (kind, [one, two, three]) = subjects(action);
            let kind = compiled.about(kind);
            let (one, two, three) = (
                compiled.about(one),
                compiled.about(two),
                compiled.about(three),
            );
            for (at, behind) in behind.iter().enumerate() {
                let among = behind & kind.word(at);
                let (one, two, three) = (one.word(at), two.word(at), three.word(at));
                near[at] |= among & ((one & two) | (one & three) | (two & three));
                for (bit, block) in compiled.blocks_of(at, among & one & two & three & !fitting[at])
                {
                    if self.may_fit(block) && look.may_fit(block) {
                        fitting[at] |= bit;
                    }
                }
            }
        }
        // What misses two of what one look at an action tells does not come near.
        for (behind, near) in behind.iter_mut().zip(near) {
            *behind &= near;
        }
        let count = fitting.iter().map(|word| word.count_ones() as usize).sum();
        let mut blocks = Blocks {
            behind,
            fitting: Vec::with_capacity(count),
        };
        blocks.fitting.extend(compiled.members(|at| fitting[at]));
        blocks
    }

    /// The blocks that speak about what the facts hold, as a set.
    fn behind(&self) -> Vec<u64> {
        let compiled = self.compiled;
        let (actions, findings) = (&self.facts.actions, &self.facts.findings);
        let phase = compiled.about(Subject::Phase(self.facts.phase));
        let no_action = compiled.about(Subject::NoAction);
        let no_finding = compiled.about(Subject::NoFinding);
        let kinds = |at: usize| {
            actions.iter().fold(no_action.word(at), |set, action| {
                set | compiled.about(Subject::Kind(action.kind)).word(at)
            })
        };
        let families = |at: usize| {
            findings.iter().fold(no_finding.word(at), |set, finding| {
                set | compiled.about(Subject::Family(finding.kind)).word(at)
            })
        };
        let words = 0..compiled.width();
        words
            .map(|at| phase.word(at) & kinds(at) & families(at))
            .collect()
    }

    /// Whether the tool does not dismiss a block.
    #[inline]
    fn may_fit(&self, block: &Block) -> bool {
        block.sign.key != Key::Tool || self.tool.may_fit(&block.sign.ends)
    }

    /// How a condition on the call answers.
    #[inline]
    fn of_call(&mut self, condition: u32) -> Truth {
        let at = condition as usize;
        let compiled = self.compiled;
        let held = || compiled.call.get(at).copied();
        self.answer(at, held, |condition, asking| {
            condition.holds(asking.facts, asking.compiled)
        })
    }

    /// How a condition on an action answers.
    #[inline]
    fn of_action(&mut self, condition: u32, position: usize) -> Truth {
        let compiled = self.compiled;
        let held = || compiled.action(condition);
        let before = compiled.call.len() + position * compiled.actions();
        self.answer(before + condition as usize, held, |condition, asking| {
            let (facts, compiled) = (asking.facts, asking.compiled);
            let spot = &asking.looks[position].spot;
            condition.holds(&facts.actions[position], spot, compiled)
        })
    }

    /// How a condition on a finding answers.
    fn of_finding(&mut self, condition: u32, position: usize) -> Truth {
        let compiled = self.compiled;
        let held = || compiled.finding.get(condition as usize).copied();
        let of_actions = self.facts.actions.len() * compiled.actions();
        let before = compiled.call.len() + of_actions + position * compiled.finding.len();
        self.answer(before + condition as usize, held, |condition, asking| {
            condition.holds(&asking.facts.findings[position], asking.compiled)
        })
    }

    #[inline]
    fn answer<C>(
        &mut self,
        at: usize,
        condition: impl FnOnce() -> Option<C>,
        ask: impl FnOnce(C, &mut Self) -> Truth,
    ) -> Truth {
        if let Some(truth) = self.noted.get(at).and_then(|noted| Truth::noted(*noted)) {
            return truth;
        }
        // INVARIANT: a table whose blocks name other conditions is not sound; what it would mean is not known.
        let (Some(condition), true) = (condition(), at < self.noted.len()) else {
            return Truth::Unknown;
        };
        let truth = ask(condition, self);
        self.noted[at] = truth as u8;
        truth
    }

    /// Whether blocks of one rule speak about anything; what those that do speak about is not asked yet.
    pub(super) fn speaks(&mut self, blocks: &[&Block]) -> bool {
        blocks.iter().any(|block| self.may_hold(block))
    }

    fn may_hold(&mut self, block: &Block) -> bool {
        let (facts, compiled) = (self.facts, self.compiled);
        for id in block.call.of(&compiled.numbers) {
            if self.of_call(*id) == Truth::No {
                return false;
            }
        }
        let needs = &compiled.gates[usize::from(block.gate)];
        if let Some(kinds) = needs.kinds {
            let conditions = block.action.of(&compiled.numbers);
            let one = (0..facts.actions.len()).any(|at| {
                facts.actions[at].kind.bit() & kinds != 0
                    && conditions
                        .iter()
                        .all(|id| self.of_action(*id, at) != Truth::No)
            });
            if !one {
                return false;
            }
        }
        needs.families.is_none_or(|families| {
            let conditions = block.finding.of(&compiled.numbers);
            (0..facts.findings.len()).any(|at| {
                facts.findings[at].kind.bit() & families != 0
                    && conditions
                        .iter()
                        .all(|id| self.of_finding(*id, at) != Truth::No)
            })
        })
    }

    /// What blocks of one rule speak about, of which one does.
    pub(super) fn matched(&mut self, blocks: &[&Block]) -> Match {
        let mut found = Match::default();
        for block in blocks {
            if self.may_hold(block) {
                self.match_block(block, &mut found);
            }
        }
        found
    }

    /// What a block speaks about that holds for something.
    fn match_block(&mut self, block: &Block, found: &mut Match) {
        let (facts, compiled) = (self.facts, self.compiled);
        let call = all(block.call.of(&compiled.numbers), |id| self.of_call(id));
        let needs = &compiled.gates[usize::from(block.gate)];
        let of_actions = needs.kinds.map(|kinds| {
            let conditions = block.action.of(&compiled.numbers);
            Held::among(facts.actions.len(), &mut found.actions, |at| {
                if facts.actions[at].kind.bit() & kinds == 0 {
                    return Truth::No;
                }
                all(conditions, |id| self.of_action(id, at))
            })
        });
        let of_findings = needs.families.map(|families| {
            let conditions = block.finding.of(&compiled.numbers);
            Held::among(facts.findings.len(), &mut found.findings, |at| {
                if facts.findings[at].kind.bit() & families == 0 {
                    return Truth::No;
                }
                all(conditions, |id| self.of_finding(id, at))
            })
        });
        if of_actions.is_none() && of_findings.is_none() {
            found.call = found.call.max(Some(call));
        }
        let surest = |held: &Option<Held>| held.as_ref().map_or(Truth::Yes, |held| held.surest);
        let (beside_actions, beside_findings) = (surest(&of_findings), surest(&of_actions));
        if let Some(held) = of_actions {
            held.cap(&mut found.actions, call.min(beside_actions));
        }
        if let Some(held) = of_findings {
            held.cap(&mut found.findings, call.min(beside_findings));
        }
    }

    /// The one condition that keeps blocks, none of which holds, from speaking; `None` where more than one does.
    pub(super) fn missing(&mut self, blocks: &[&Block]) -> Option<&'static str> {
        let (facts, compiled) = (self.facts, self.compiled);
        let mut missing: Option<&'static str> = None;
        for block in blocks {
            let needs = &compiled.gates[usize::from(block.gate)];
            let on_call = block.call.of(&compiled.numbers);
            // A rule of a single condition would nearly match every call.
            if needs.kinds.is_none() && needs.families.is_none() && on_call.len() < 2 {
                continue;
            }
            // No block holds, so that what the only condition of one answers is known.
            if let Some(only) = compiled.only_condition(block) {
                missing = least(missing, Some(only));
                continue;
            }
            let name = |id: u32| compiled.call.get(id as usize).map(|held| held.name());
            let mut misses = Misses::of(on_call, |id| self.of_call(id), name);
            if let Some(kinds) = needs.kinds
                && misses.count < 2
            {
                let conditions = block.action.of(&compiled.numbers);
                let name = |id: u32| compiled.action(id).map(|held| held.name());
                misses = misses.and(Misses::of_nearest(facts.actions.len(), |at| {
                    (facts.actions[at].kind.bit() & kinds != 0)
                        .then(|| Misses::of(conditions, |id| self.of_action(id, at), name))
                }));
            }
            if let Some(families) = needs.families
                && misses.count < 2
            {
                let conditions = block.finding.of(&compiled.numbers);
                let name = |id: u32| compiled.finding.get(id as usize).map(|held| held.name());
                misses = misses.and(Misses::of_nearest(facts.findings.len(), |at| {
                    (facts.findings[at].kind.bit() & families != 0)
                        .then(|| Misses::of(conditions, |id| self.of_finding(id, at), name))
                }));
            }
            if misses.count == 1 {
                missing = least(missing, misses.first);
            }
        }
        missing
    }
}

impl Look<'_> {
    /// Whether a block may speak about this action.
    #[inline]
    fn may_fit(&self, block: &Block) -> bool {
        self.may_bear(&block.sign) || (block.or.key != Key::Nothing && self.may_bear(&block.or))
    }

    /// Whether the text that a block wants something of may be that of this action.
    #[inline]
    fn may_bear(&self, sign: &Sign) -> bool {
        let base = match sign.key {
            Key::Nothing | Key::Tool => return true,
            Key::By => return self.by.may_fit(&sign.ends),
            Key::Target => Base::Nothing,
            Key::InWorkspace => Base::Workspace,
            Key::InHome => Base::Home,
            Key::InCwd => Base::Cwd,
            Key::InGuardHome => Base::GuardHome,
        };
        !self.is_understood || self.spot.may_hold(base, &sign.ends)
    }
}

/// The first of two names, where there are two.
fn least(one: Option<&'static str>, other: Option<&'static str>) -> Option<&'static str> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

/// The truth of a conjunction; what comes after a condition that does not hold is not asked.
fn all(conditions: &[u32], mut holds: impl FnMut(u32) -> Truth) -> Truth {
    let mut truth = Truth::Yes;
    for condition in conditions {
        truth = truth.min(holds(*condition));
        if truth == Truth::No {
            break;
        }
    }
    truth
}

/// Those of some things of which the conditions of a block may hold, at the end of a list.
struct Held {
    /// Where in the list they begin.
    start: usize,
    surest: Truth,
}

impl Held {
    fn among(
        count: usize,
        list: &mut Vec<(usize, Truth)>,
        mut judge: impl FnMut(usize) -> Truth,
    ) -> Self {
        let mut held = Self {
            start: list.len(),
            surest: Truth::No,
        };
        for at in 0..count {
            let truth = judge(at);
            if truth > Truth::No {
                list.push((at, truth));
                held.surest = held.surest.max(truth);
            }
        }
        held
    }

    /// No more is true of each than that.
    fn cap(self, list: &mut [(usize, Truth)], most: Truth) {
        for (_, truth) in &mut list[self.start..] {
            *truth = most.min(*truth);
        }
    }
}

/// Conditions of a conjunction that do not hold, counted as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Misses {
    /// Two are two or more.
    count: u8,
    /// The first of them, in the order of the language.
    first: Option<&'static str>,
}

impl Misses {
    const TOO_MANY: Self = Self {
        count: 2,
        first: None,
    };

    fn of(
        conditions: &[u32],
        mut holds: impl FnMut(u32) -> Truth,
        name: impl Fn(u32) -> Option<&'static str>,
    ) -> Self {
        let mut misses = Self {
            count: 0,
            first: None,
        };
        for condition in conditions {
            if holds(*condition) == Truth::No {
                if misses.count == 1 {
                    return Self::TOO_MANY;
                }
                misses.count = 1;
                misses.first = name(*condition);
            }
        }
        misses
    }

    /// Those of the thing that comes nearest to holding; among equals, the first by name.
    fn of_nearest(count: usize, judge: impl FnMut(usize) -> Option<Self>) -> Self {
        let judged = (0..count).filter_map(judge);
        judged.fold(Self::TOO_MANY, Self::min)
    }

    fn and(self, other: Self) -> Self {
        Self {
            count: (self.count + other.count).min(2),
            first: self.first.or(other.first),
        }
    }
}
