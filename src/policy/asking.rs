//! What the blocks of a rule speak about, and what keeps a rule from speaking. Most rules are dismissed by one look at
//! what the facts hold, and most of the others by their first condition that does not.

use super::compiled::{Block, Compiled, Needs, Span};
use super::condition::Truth;
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
            list.sort_by_key(|(at, truth)| (*at, std::cmp::Reverse(*truth)));
            list.dedup_by_key(|(at, _)| *at);
        }
    }

    /// How sure it is of each thing that it spoke about.
    pub(super) fn truths(&self) -> impl Iterator<Item = Truth> {
        let listed = self.actions.iter().chain(&self.findings);
        listed.map(|(_, truth)| *truth).chain(self.call)
    }
}

/// What the facts hold, as sets.
pub(super) struct Seen {
    /// By gate: whether facts like these may pass it.
    open: Vec<bool>,
    /// Rules with a block behind an open gate, bit by position.
    rules: Vec<u64>,
}

impl Seen {
    pub(super) fn of(facts: &Facts, compiled: &Compiled) -> Self {
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
        let words = rules.len();
        let open = compiled.gates.iter().enumerate().map(|(at, needs)| {
            let open = passes(needs);
            if open {
                let behind = compiled.behind.iter().skip(at * words);
                for (all, own) in rules.iter_mut().zip(behind) {
                    *all |= own;
                }
            }
            open
        });
        let open = open.collect();
        Self { open, rules }
    }

    /// Positions of the rules that may speak, ascending.
    pub(super) fn rules(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().enumerate().flat_map(|(word, bits)| {
            std::iter::successors((*bits != 0).then_some(*bits), |bits| {
                let rest = bits & (bits - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// Blocks behind an open gate, each with what the gate asks.
    fn blocks<'c>(
        &self,
        blocks: Span,
        compiled: &'c Compiled,
    ) -> impl Iterator<Item = (&'c Block, &'c Needs)> {
        blocks.of(&compiled.blocks).iter().filter_map(|block| {
            let gate = usize::from(block.gate);
            let open = self.open.get(gate) == Some(&true);
            Some((block, compiled.gates.get(gate).filter(|_| open)?))
        })
    }
}

/// What blocks speak about; `None` where none of them holds.
pub(super) fn matched(
    blocks: Span,
    compiled: &Compiled,
    facts: &Facts,
    seen: &Seen,
) -> Option<Match> {
    let mut found = None;
    for (block, needs) in seen.blocks(blocks, compiled) {
        match_block(block, needs, compiled, facts, &mut found);
    }
    found
}

fn match_block(
    block: &Block,
    needs: &Needs,
    compiled: &Compiled,
    facts: &Facts,
    found: &mut Option<Match>,
) {
    let call = all(block.call.of(&compiled.call), |condition| {
        condition.holds(facts, compiled)
    });
    if call == Truth::No {
        return;
    }
    let actions = needs.kinds.map(|kinds| {
        Held::among(&facts.actions, |action| {
            if kinds & action.kind.bit() == 0 {
                return Truth::No;
            }
            all(block.action.of(&compiled.action), |condition| {
                condition.holds(action, &facts.context, compiled)
            })
        })
    });
    let of_actions = actions.as_ref().map_or(Truth::Yes, |held| held.surest);
    if of_actions == Truth::No {
        return;
    }
    let findings = needs.families.map(|families| {
        Held::among(&facts.findings, |finding| {
            if families & 1 << finding.kind as u8 == 0 {
                return Truth::No;
            }
            all(block.finding.of(&compiled.finding), |condition| {
                condition.holds(finding, compiled)
            })
        })
    });
    let of_findings = findings.as_ref().map_or(Truth::Yes, |held| held.surest);
    if of_findings == Truth::No {
        return;
    }
    let found = found.get_or_insert_default();
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

/// The truth of a conjunction; what comes after a condition that does not hold is not asked.
fn all<C: Copy>(conditions: &[C], holds: impl Fn(C) -> Truth) -> Truth {
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
    fn among<T>(items: &[T], judge: impl Fn(&T) -> Truth) -> Self {
        let mut held = Self {
            places: Vec::new(),
            surest: Truth::No,
        };
        for (at, item) in items.iter().enumerate() {
            let truth = judge(item);
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

/// The one condition that keeps blocks, none of which holds, from speaking; `None` where more than one does.
pub(super) fn missing(
    blocks: Span,
    compiled: &Compiled,
    facts: &Facts,
    seen: &Seen,
) -> Option<&'static str> {
    let mut missing: Option<&'static str> = None;
    for (block, needs) in seen.blocks(blocks, compiled) {
        let on_call = block.call.of(&compiled.call);
        // A rule of a single condition would nearly match every call.
        if needs.kinds.is_none() && needs.families.is_none() && on_call.len() < 2 {
            continue;
        }
        let mut misses = Misses::of(
            on_call,
            |condition| condition.holds(facts, compiled),
            |condition| condition.name(),
        );
        if let Some(kinds) = needs.kinds
            && misses.count < 2
        {
            misses = misses.and(Misses::of_nearest(&facts.actions, |action| {
                (kinds & action.kind.bit() != 0).then(|| {
                    Misses::of(
                        block.action.of(&compiled.action),
                        |condition| condition.holds(action, &facts.context, compiled),
                        |condition| condition.name(),
                    )
                })
            }));
        }
        if let Some(families) = needs.families
            && misses.count < 2
        {
            misses = misses.and(Misses::of_nearest(&facts.findings, |finding| {
                (families & 1 << finding.kind as u8 != 0).then(|| {
                    Misses::of(
                        block.finding.of(&compiled.finding),
                        |condition| condition.holds(finding, compiled),
                        |condition| condition.name(),
                    )
                })
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

    fn of<C: Copy>(
        conditions: &[C],
        holds: impl Fn(C) -> Truth,
        name: impl Fn(&C) -> &'static str,
    ) -> Self {
        let mut misses = Self {
            count: 0,
            first: None,
        };
        for condition in conditions {
            if holds(*condition) == Truth::No {
                misses.count += 1;
                misses.first = Some(name(condition));
                if misses.count == 2 {
                    break;
                }
            }
        }
        misses
    }

    /// Those of the thing that comes nearest to holding; among equals, the first by name.
    fn of_nearest<T>(items: &[T], judge: impl Fn(&T) -> Option<Self>) -> Self {
        items
            .iter()
            .filter_map(judge)
            .min()
            .unwrap_or(Self::TOO_MANY)
    }

    fn and(self, other: Self) -> Self {
        Self {
            count: (self.count + other.count).min(2),
            first: self.first.or(other.first),
        }
    }
}
