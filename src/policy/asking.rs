//! What the blocks of a rule speak about, and what keeps a rule from speaking. Most rules are dismissed by one look at
//! what the facts hold, most of the others by their first condition that does not hold; and no condition is asked twice of
//! the same thing, however many rules share it.

use super::compiled::{Block, Compiled, Key, Needs, Span};
use super::condition::{Base, Bases, Spot, Truth};
use super::glob::Probe;
use crate::actions::ActionKind;
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

/// What is asked of some facts, and what was answered.
pub(super) struct Asking<'a> {
    facts: &'a Facts,
    pub(super) compiled: &'a Compiled,
    /// The kind of each action and the family of each finding, as one bit.
    kinds: Vec<u128>,
    families: Vec<u8>,
    bases: Bases<'a>,
    tool: Probe,
    /// Who does each action.
    by: Vec<Probe>,
    /// Each target as patterns look at it, once one does.
    spots: Vec<Option<Spot<'a>>>,
    /// Every answer as a byte, zero where nobody asked yet: the conditions on the call, then those on each action, then
    /// those on each finding.
    noted: Vec<u8>,
}

impl<'a> Asking<'a> {
    /// Also the blocks behind open gates, by the rule that they belong to; those of rules for labels come last.
    pub(super) fn of(facts: &'a Facts, compiled: &'a Compiled) -> (Self, Vec<&'a Block>) {
        let kinds: Vec<u128> = facts.actions.iter().map(|held| held.kind.bit()).collect();
        let families = facts.findings.iter().map(|held| 1 << held.kind as u8);
        let families: Vec<u8> = families.collect();
        let phase = 1 << facts.phase as u8;
        let held_kinds = kinds.iter().fold(0, |set, kind| set | kind);
        let held_families = families.iter().fold(0, |set, family| set | family);
        let passes = |needs: &Needs| {
            needs.phases & phase != 0
                && needs.kinds.is_none_or(|kinds| kinds & held_kinds != 0)
                && (needs.families).is_none_or(|families| families & held_families != 0)
        };
        let mut behind = vec![0_u64; compiled.blocks.len().div_ceil(64)];
        for (at, needs) in compiled.gates.iter().enumerate() {
            if passes(needs) {
                let row = Span::since(at * behind.len(), (at + 1) * behind.len());
                for (all, own) in behind.iter_mut().zip(compiled.of::<u64>(row)) {
                    *all |= own;
                }
            }
        }
        let conditions = compiled.call.len()
            + kinds.len() * compiled.action.len()
            + families.len() * compiled.finding.len();
        let asking = Self {
            facts,
            compiled,
            bases: Bases::of(&facts.context),
            tool: Probe::of(&facts.tool),
            by: facts
                .actions
                .iter()
                .map(|held| Probe::of(&held.by))
                .collect(),
            spots: vec![None; kinds.len()],
            noted: vec![0; conditions],
            kinds,
            families,
        };
        (asking, blocks_in(&behind, compiled))
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
            condition.holds(&facts.actions[position], asking.spot(position), compiled)
        })
    }

    /// The target of an action as patterns look at it.
    #[inline]
    fn spot(&mut self, position: usize) -> &Spot<'a> {
        let (facts, bases) = (self.facts, &self.bases);
        self.spots[position].get_or_insert_with(|| Spot::of(&facts.actions[position], bases))
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

    /// Whether blocks of one rule speak about anything: most do not, and what those that do speak about is not asked yet.
    pub(super) fn speaks(&mut self, blocks: &[&Block]) -> bool {
        blocks
            .iter()
            .any(|block| !self.is_dismissed(block) && self.may_hold(block))
    }

    /// Whether one look tells that a block does not hold: its first condition was asked for another one, or a text that it
    /// wants something of begins or ends otherwise.
    #[inline]
    fn is_dismissed(&mut self, block: &Block) -> bool {
        let compiled = self.compiled;
        if let Some(first) = block.call.of(&compiled.numbers).first()
            && self.noted.get(*first as usize) == Some(&(Truth::No as u8))
        {
            return true;
        }
        let base = match block.key {
            Key::Nothing => return false,
            Key::Tool => return !self.tool.may_fit(&block.ends),
            Key::By | Key::Target => Base::Nothing,
            Key::InWorkspace => Base::Workspace,
            Key::InHome => Base::Home,
            Key::InCwd => Base::Cwd,
            Key::InGuardHome => Base::GuardHome,
        };
        let kinds = compiled.gates[usize::from(block.gate)].kinds.unwrap_or(0);
        let unknown = ActionKind::Unknown.bit();
        !(0..self.kinds.len()).any(|at| {
            let kind = self.kinds[at];
            kind & kinds != 0
                && if block.key == Key::By {
                    self.by[at].may_fit(&block.ends)
                } else {
                    kind == unknown || self.spot(at).may_hold(base, &block.ends)
                }
        })
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

/// The blocks of a set, in their order.
fn blocks_in<'a>(set: &[u64], compiled: &'a Compiled) -> Vec<&'a Block> {
    let count: u32 = set.iter().map(|bits| bits.count_ones()).sum();
    let mut blocks = Vec::with_capacity(count as usize);
    for (word, bits) in set.iter().enumerate() {
        let mut left = *bits;
        while left != 0 {
            if let Some(block) = compiled
                .blocks
                .get(word * 64 + left.trailing_zeros() as usize)
            {
                blocks.push(block);
            }
            left &= left - 1;
        }
    }
    blocks
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
