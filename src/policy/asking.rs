//! What the blocks of a rule speak about, and what keeps a rule from speaking. Most rules are dismissed by one look at
//! what the facts hold, most of the others by their first condition that does not hold; and no condition is asked twice of
//! the same thing, however many rules share it.

use super::compiled::{Block, Compiled, Glance, Key, Needs, Sign};
use super::condition::{Base, Bases, Spot, Truth, glanced};
use super::glob::Probe;
use crate::actions::ActionKind;
use crate::facts::Facts;

/// The position from which on actions are not told apart by a bit.
const LAST: usize = 62;
/// Every bit: more than any actions have.
const EVERYTHING: u64 = u64::MAX;

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
    glance: Glance,
    /// Who does it.
    by: Probe,
    /// Its target as patterns look at it.
    spot: Spot<'a>,
}

/// Blocks that are asked, in their order.
pub(super) struct Blocks<'a> {
    /// Those that speak about what the facts hold.
    pub(super) behind: Vec<&'a Block>,
    /// Those of them that one look does not dismiss: most want another action, or something of a text that begins or ends
    /// otherwise.
    pub(super) fitting: Vec<&'a Block>,
}

/// What is asked of some facts, and what was answered.
pub(super) struct Asking<'a> {
    facts: &'a Facts,
    pub(super) compiled: &'a Compiled,
    /// The kind of each action and the family of each finding, as one bit.
    kinds: Vec<u128>,
    families: Vec<u8>,
    tool: Probe,
    looks: Vec<Look<'a>>,
    /// Every answer as a byte, zero where nobody asked yet: the conditions on the call, then those on each action, then
    /// those on each finding.
    noted: Vec<u8>,
}

impl<'a> Asking<'a> {
    pub(super) fn of(facts: &'a Facts, compiled: &'a Compiled) -> Self {
        let kinds: Vec<u128> = facts.actions.iter().map(|held| held.kind.bit()).collect();
        let families = facts.findings.iter().map(|held| 1 << held.kind as u8);
        let families: Vec<u8> = families.collect();
        let conditions = compiled.call.len()
            + kinds.len() * compiled.action.len()
            + families.len() * compiled.finding.len();
        let bases = Bases::of(&facts.context);
        let looks = facts.actions.iter().map(|action| Look {
            is_understood: action.kind != ActionKind::Unknown,
            glance: glanced(action),
            by: Probe::of(&action.by),
            spot: Spot::of(action, &bases),
        });
        Self {
            facts,
            compiled,
            tool: Probe::of(&facts.tool),
            looks: looks.collect(),
            noted: vec![0; conditions],
            kinds,
            families,
        }
    }

    /// The blocks behind open gates, by the rule that they belong to; those of rules for labels come last.
    pub(super) fn blocks(&self) -> Blocks<'a> {
        let compiled = self.compiled;
        let held_kinds = self.kinds.iter().fold(0, |set, kind| set | kind);
        let gates = compiled.gates.iter();
        let gates: Vec<u64> = gates.map(|gate| self.behind(gate, held_kinds)).collect();
        let mut blocks = Blocks {
            behind: Vec::with_capacity(compiled.blocks.len()),
            fitting: Vec::with_capacity(compiled.blocks.len() / 4),
        };
        for block in &compiled.blocks {
            // INVARIANT: a sound table names gates that are there.
            let among = gates
                .get(usize::from(block.gate))
                .copied()
                .unwrap_or(EVERYTHING);
            if among != 0 {
                blocks.behind.push(block);
                if self.may_fit(block, among) {
                    blocks.fitting.push(block);
                }
            }
        }
        blocks
    }

    /// Which actions blocks behind a gate may speak about, bit by position; those from [`LAST`] on share a bit. None at all:
    /// the gate is closed. [`EVERYTHING`]: they speak about no action.
    #[inline]
    fn behind(&self, needs: &Needs, held_kinds: u128) -> u64 {
        let phase = 1 << self.facts.phase as u8;
        let is_found = |set: u8| self.families.iter().any(|held| held & set != 0);
        let kinds = needs.kinds.unwrap_or(u128::MAX);
        if needs.phases & phase == 0
            || (needs.kinds.is_some() && kinds & held_kinds == 0)
            || needs.families.is_some_and(|set| !is_found(set))
        {
            return 0;
        }
        if needs.kinds.is_none() {
            return EVERYTHING;
        }
        let mut among = 0;
        for (at, kind) in self.kinds.iter().enumerate() {
            among |= u64::from(kind & kinds != 0) << at.min(LAST);
        }
        among
    }

    /// Whether one look does not dismiss a block that may speak about those actions.
    #[inline]
    fn may_fit(&self, block: &Block, among: u64) -> bool {
        if block.sign.key == Key::Tool && !self.tool.may_fit(&block.sign.ends) {
            return false;
        }
        let mut looks = self.looks.iter().enumerate();
        among == EVERYTHING
            || looks.any(|(at, look)| among >> at.min(LAST) & 1 != 0 && look.may_fit(block))
    }

    /// How a condition on the call answers.
    #[inline]
    fn of_call(&mut self, condition: u32) -> Truth {
        let at = condition as usize;
        let held = self.compiled.call.get(at);
        self.answer(at, held, |condition, asking| {
            condition.holds(asking.facts, asking.compiled)
        })
    }

    /// How a condition on an action answers.
    #[inline]
    fn of_action(&mut self, condition: u32, position: usize) -> Truth {
        let compiled = self.compiled;
        let held = compiled.action.get(condition as usize);
        let before = compiled.call.len() + position * compiled.action.len();
        self.answer(before + condition as usize, held, |condition, asking| {
            let (facts, compiled) = (asking.facts, asking.compiled);
            let spot = &asking.looks[position].spot;
            condition.holds(&facts.actions[position], spot, compiled)
        })
    }

    /// How a condition on a finding answers.
    fn of_finding(&mut self, condition: u32, position: usize) -> Truth {
        let compiled = self.compiled;
        let held = compiled.finding.get(condition as usize);
        let of_actions = self.facts.actions.len() * compiled.action.len();
        let before = compiled.call.len() + of_actions + position * compiled.finding.len();
        self.answer(before + condition as usize, held, |condition, asking| {
            condition.holds(&asking.facts.findings[position], asking.compiled)
        })
    }

    #[inline]
    fn answer<C: Copy>(
        &mut self,
        at: usize,
        condition: Option<&C>,
        ask: impl FnOnce(C, &mut Self) -> Truth,
    ) -> Truth {
        // INVARIANT: a table whose blocks name other conditions is not sound; what it would mean is not known.
        let (Some(condition), Some(noted)) = (condition, self.noted.get(at)) else {
            return Truth::Unknown;
        };
        if let Some(truth) = Truth::noted(*noted) {
            return truth;
        }
        let truth = ask(*condition, self);
        self.noted[at] = truth as u8;
        truth
    }

    /// Whether blocks of one rule speak about anything; what those that do speak about is not asked yet.
    pub(super) fn speaks(&mut self, blocks: &[&Block]) -> bool {
        blocks.iter().any(|block| self.may_hold(block))
    }

    fn may_hold(&mut self, block: &Block) -> bool {
        let compiled = self.compiled;
        for id in block.call.of(&compiled.numbers) {
            if self.of_call(*id) == Truth::No {
                return false;
            }
        }
        let needs = &compiled.gates[usize::from(block.gate)];
        if let Some(kinds) = needs.kinds {
            let conditions = block.action.of(&compiled.numbers);
            let one = (0..self.kinds.len()).any(|at| {
                self.kinds[at] & kinds != 0
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
            (0..self.families.len()).any(|at| {
                self.families[at] & families != 0
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
        let compiled = self.compiled;
        let call = all(block.call.of(&compiled.numbers), |id| self.of_call(id));
        let needs = &compiled.gates[usize::from(block.gate)];
        let actions = needs.kinds.map(|kinds| {
            let conditions = block.action.of(&compiled.numbers);
            Held::among(self.kinds.len(), |at| {
                if self.kinds[at] & kinds == 0 {
                    return Truth::No;
                }
                all(conditions, |id| self.of_action(id, at))
            })
        });
        let findings = needs.families.map(|families| {
            let conditions = block.finding.of(&compiled.numbers);
            Held::among(self.families.len(), |at| {
                if self.families[at] & families == 0 {
                    return Truth::No;
                }
                all(conditions, |id| self.of_finding(id, at))
            })
        });
        let of_actions = actions.as_ref().map_or(Truth::Yes, |held| held.surest);
        let of_findings = findings.as_ref().map_or(Truth::Yes, |held| held.surest);
        if actions.is_none() && findings.is_none() {
            found.call = found.call.max(Some(call));
        }
        if let Some(held) = actions {
            found.actions.extend(held.at_most(call.min(of_findings)));
        }
        if let Some(held) = findings {
            found.findings.extend(held.at_most(call.min(of_actions)));
        }
    }

    /// The one condition that keeps blocks, none of which holds, from speaking; `None` where more than one does.
    pub(super) fn missing(&mut self, blocks: &[&Block]) -> Option<&'static str> {
        let compiled = self.compiled;
        let mut missing: Option<&'static str> = None;
        for block in blocks {
            let needs = &compiled.gates[usize::from(block.gate)];
            let on_call = block.call.of(&compiled.numbers);
            // A rule of a single condition would nearly match every call.
            if needs.kinds.is_none() && needs.families.is_none() && on_call.len() < 2 {
                continue;
            }
            let name = |id: u32| compiled.call.get(id as usize).map(|held| held.name());
            let mut misses = Misses::of(on_call, |id| self.of_call(id), name);
            if let Some(kinds) = needs.kinds
                && misses.count < 2
            {
                let conditions = block.action.of(&compiled.numbers);
                let name = |id: u32| compiled.action.get(id as usize).map(|held| held.name());
                misses = misses.and(Misses::of_nearest(self.kinds.len(), |at| {
                    (self.kinds[at] & kinds != 0)
                        .then(|| Misses::of(conditions, |id| self.of_action(id, at), name))
                }));
            }
            if let Some(families) = needs.families
                && misses.count < 2
            {
                let conditions = block.finding.of(&compiled.numbers);
                let name = |id: u32| compiled.finding.get(id as usize).map(|held| held.name());
                misses = misses.and(Misses::of_nearest(self.families.len(), |at| {
                    (self.families[at] & families != 0)
                        .then(|| Misses::of(conditions, |id| self.of_finding(id, at), name))
                }));
            }
            if misses.count == 1 {
                missing = match (missing, misses.first) {
                    (Some(held), Some(other)) => Some(held.min(other)),
                    (held, other) => held.or(other),
                };
            }
        }
        missing
    }
}

impl Look<'_> {
    /// Whether a block may speak about this action.
    #[inline]
    fn may_fit(&self, block: &Block) -> bool {
        block.glance.may_fit(self.glance)
            && (self.may_bear(&block.sign)
                || (block.or.key != Key::Nothing && self.may_bear(&block.or)))
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

/// Those of some things of which conditions may hold.
struct Held {
    places: Vec<(usize, Truth)>,
    surest: Truth,
}

impl Held {
    fn among(count: usize, mut judge: impl FnMut(usize) -> Truth) -> Self {
        let mut held = Self {
            places: Vec::new(),
            surest: Truth::No,
        };
        for at in 0..count {
            let truth = judge(at);
            if truth > Truth::No {
                held.places.push((at, truth));
                held.surest = held.surest.max(truth);
            }
        }
        held
    }

    fn at_most(self, truth: Truth) -> impl Iterator<Item = (usize, Truth)> {
        self.places
            .into_iter()
            .map(move |(at, held)| (at, held.min(truth)))
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
