//! Which blocks speak about what, as sets of their positions: a few words of bits dismiss most rules before one of them
//! is looked at.
//!
//! The sets are made when a policy is compiled, and are read where they lie.

use super::compiled::{Block, Compiled, Needs, Rule};
use super::packed::Fixed as _;
use crate::actions::{ActionKind, Certainty, Place};
use crate::decision::Effect;
use crate::facts::Phase;
use crate::scan::FindingKind;

/// How many blocks one word of a set is about.
const WORD: usize = u64::BITS as usize;

/// What a set of blocks has in common.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    /// They speak in that phase.
    Phase(Phase),
    /// They speak about an action of that kind.
    Kind(ActionKind),
    /// They speak about no action.
    NoAction,
    /// They speak about a finding of that kind.
    Family(FindingKind),
    /// They speak about no finding.
    NoFinding,
    /// They may speak about an action in that place.
    Place(Place),
    /// They may speak about an action in no place.
    Anywhere,
    /// They may speak about an action of that certainty.
    Certainty(Certainty),
    /// They may speak about an action without attributes.
    WithoutAttribute,
    /// They belong to a rule of a stricter effect.
    StricterThan(Effect),
}

impl Subject {
    const KINDS: usize = Phase::Text as usize + 1;
    const NO_ACTION: usize = Self::KINDS + ActionKind::ALL.len();
    const FAMILIES: usize = Self::NO_ACTION + 1;
    const NO_FINDING: usize = Self::FAMILIES + FindingKind::ALL.len();
    const PLACES: usize = Self::NO_FINDING + 1;
    const ANYWHERE: usize = Self::PLACES + Place::Unknown as usize + 1;
    const CERTAINTIES: usize = Self::ANYWHERE + 1;
    const WITHOUT_ATTRIBUTE: usize = Self::CERTAINTIES + Certainty::Certain as usize + 1;
    const STRICTER: usize = Self::WITHOUT_ATTRIBUTE + 1;
    const COUNT: usize = Self::STRICTER + Effect::Deny as usize + 1;

    /// Which of the sets.
    const fn position(self) -> usize {
        match self {
            Self::Phase(phase) => phase as usize,
            Self::Kind(kind) => Self::KINDS + kind as usize,
            Self::NoAction => Self::NO_ACTION,
            Self::Family(family) => Self::FAMILIES + family as usize,
            Self::NoFinding => Self::NO_FINDING,
            Self::Place(place) => Self::PLACES + place as usize,
            Self::Anywhere => Self::ANYWHERE,
            Self::Certainty(certainty) => Self::CERTAINTIES + certainty as usize,
            Self::WithoutAttribute => Self::WITHOUT_ATTRIBUTE,
            Self::StricterThan(effect) => Self::STRICTER + effect as usize,
        }
    }

    /// Every subject, by its position.
    fn all() -> impl Iterator<Item = Self> {
        let phases = [Phase::Pre, Phase::Post, Phase::Text].map(Self::Phase);
        let kinds = ActionKind::ALL.iter().map(|kind| Self::Kind(*kind));
        let families = FindingKind::ALL.map(Self::Family);
        let places = Place::ALL.map(Self::Place);
        let certainties =
            [Certainty::Possible, Certainty::Likely, Certainty::Certain].map(Self::Certainty);
        let effects = [Effect::Allow, Effect::Ask, Effect::Deny].map(Self::StricterThan);
        phases
            .into_iter()
            .chain(kinds)
            .chain([Self::NoAction])
            .chain(families)
            .chain([Self::NoFinding])
            .chain(places)
            .chain([Self::Anywhere])
            .chain(certainties)
            .chain([Self::WithoutAttribute])
            .chain(effects)
    }
}

/// What blocks want of an action besides its kind that needs no look at texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wants {
    /// Bit by position; `None`: in any place, or in none.
    pub(super) places: Option<u16>,
    /// Bit by position.
    pub(super) certainties: u8,
    /// Some attribute at least.
    pub(super) attribute: bool,
}

/// What a block is about.
struct About<'a> {
    needs: &'a Needs,
    wants: Wants,
    /// Of its rule; `None`: it gives labels, and is never nearly decided.
    effect: Option<Effect>,
}

impl About<'_> {
    fn holds(&self, subject: Subject) -> bool {
        let Wants {
            places,
            certainties,
            attribute,
        } = self.wants;
        let Needs {
            phases,
            kinds,
            families,
        } = *self.needs;
        match subject {
            Subject::Phase(phase) => phases & (1 << phase as u8) != 0,
            Subject::Kind(kind) => kinds.is_some_and(|set| set & kind.bit() != 0),
            Subject::NoAction => kinds.is_none(),
            Subject::Family(family) => families.is_some_and(|set| set & family.bit() != 0),
            Subject::NoFinding => families.is_none(),
            Subject::Place(place) => places.is_none_or(|set| set & (1 << place as u16) != 0),
            Subject::Anywhere => places.is_none(),
            Subject::Certainty(certainty) => certainties & (1 << certainty as u8) != 0,
            Subject::WithoutAttribute => !attribute,
            Subject::StricterThan(weaker) => self.effect.is_some_and(|effect| effect > weaker),
        }
    }
}

/// How many words a set of so many blocks has.
const fn width(blocks: usize) -> usize {
    blocks.div_ceil(WORD)
}

/// How many words all sets of so many blocks have.
pub(super) const fn size(blocks: usize) -> usize {
    width(blocks) * Subject::COUNT
}

/// The sets of a policy, one after the other.
pub(super) fn sets(blocks: &[(Block, Wants)], gates: &[Needs], rules: &[Rule]) -> Vec<u64> {
    let width = width(blocks.len());
    let mut sets = vec![0; size(blocks.len())];
    for (at, (block, wants)) in blocks.iter().enumerate() {
        let about = About {
            needs: &gates[usize::from(block.gate)],
            wants: *wants,
            effect: rules.get(block.owner as usize).map(|rule| rule.effect),
        };
        for (position, subject) in Subject::all().enumerate() {
            if about.holds(subject) {
                sets[position * width + at / WORD] |= 1 << (at % WORD);
            }
        }
    }
    sets
}

/// A set of blocks, where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set<'a>(&'a [[u8; u64::SIZE]]);

impl Set<'_> {
    /// One word of it.
    #[inline]
    pub(super) fn word(self, at: usize) -> u64 {
        // INVARIANT: a table is read only when it holds every word of every set.
        self.0.get(at).map_or(0, |word| u64::from_le_bytes(*word))
    }
}

/// Blocks of a set whose words are asked for one after the other.
pub(super) struct Members<'a, W> {
    blocks: &'a [Block],
    words: W,
    /// What is left of the word that was read last.
    word: u64,
    /// How many words were read.
    read: usize,
}

impl<'a, W: FnMut(usize) -> u64> Iterator for Members<'a, W> {
    type Item = &'a Block;

    #[inline]
    fn next(&mut self) -> Option<&'a Block> {
        while self.word == 0 {
            if self.read == width(self.blocks.len()) {
                return None;
            }
            self.word = (self.words)(self.read);
            self.read += 1;
        }
        let bit = self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        self.blocks.get((self.read - 1) * WORD + bit)
    }
}

impl Compiled {
    /// How many words a set of its blocks has.
    pub(super) const fn width(&self) -> usize {
        width(self.blocks.len())
    }

    /// The blocks of which that is so.
    #[inline]
    pub(super) fn about(&self, subject: Subject) -> Set<'_> {
        let width = self.width();
        let start = subject.position() * width;
        let (sets, _) = self.sets().as_chunks();
        Set(sets.get(start..start + width).unwrap_or_default())
    }

    /// The blocks of a set of which these are the words, in their order.
    #[inline]
    pub(super) fn members<W: FnMut(usize) -> u64>(&self, words: W) -> Members<'_, W> {
        Members {
            blocks: &self.blocks,
            words,
            word: 0,
            read: 0,
        }
    }

    /// The blocks of one word of a set, in their order, with the bit of each.
    #[inline]
    pub(super) fn blocks_of(
        &self,
        at: usize,
        mut word: u64,
    ) -> impl Iterator<Item = (u64, &Block)> {
        std::iter::from_fn(move || {
            let bit = word.trailing_zeros();
            let lowest = 1_u64.checked_shl(bit)?;
            word &= !lowest;
            let block = self.blocks.get(at * WORD + bit as usize)?;
            Some((lowest, block))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_a_set_of_its_own() {
        let positions: Vec<usize> = Subject::all().map(Subject::position).collect();
        assert_eq!(positions, (0..Subject::COUNT).collect::<Vec<_>>());
    }
}
