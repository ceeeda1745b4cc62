//! A policy as it is evaluated and as it is stored: one block of bytes that is used where it lies.
//!
//! One text, one list for each kind of part, and spans into them. Rules and conditions are decoded at start, for they are
//! asked again and again; the patterns and the text, which are most of it, are read when they are asked for, so that a hook
//! that lives for a millisecond reads a few of them and no others.

use std::borrow::Cow;
use std::collections::HashMap;

use super::condition::{
    ActionCondition, Bundle, CallCondition, FindingCondition, TargetGlob, Under,
};
use super::glob::{Ends, Glob};
use super::packed::{Fixed, Values, fixed_struct, fixed_word};
use super::spec::Layer;
use super::subjects::{self, Wants};
use crate::decision::Effect;
use crate::facts::Phase;

/// Begins a table.
const MAGIC: &[u8; 8] = b"AGPOLIC6";

fixed_struct! {
    /// A part of the text or of one of the lists of a policy.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub(super) struct Span {
        start: u32,
        end: u32,
    }
}

impl Span {
    /// The span of what was pushed to a list since it was `start` long.
    pub(super) fn since(start: usize, end: usize) -> Self {
        let short = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        Self {
            start: short(start),
            end: short(end),
        }
    }

    /// As positions.
    pub(super) const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// That part of a list; nothing where a damaged table points beside it.
    pub(super) fn of<T>(self, list: &[T]) -> &[T] {
        list.get(self.range()).unwrap_or_default()
    }

    /// From one position of it to another.
    pub(super) fn part(self, from: usize, to: usize) -> Self {
        let at = |position: usize| {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            self.start.saturating_add(position).min(self.end)
        };
        Self {
            start: at(from),
            end: at(to),
        }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

fixed_struct! {
    /// A rule that gives labels, as it is evaluated.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct LabelRule {
        pub(super) id: Span,
        /// Words.
        pub(super) add: Span,
        /// Of the policy's blocks.
        pub(super) blocks: Span,
    }
}

fixed_struct! {
    /// What facts must hold.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Needs {
        /// Bit by position: pre, post, text.
        pub(super) phases: u8,
        /// Kinds of the action a block speaks about; `None`: it speaks about no action.
        pub(super) kinds: Option<u128>,
        /// Families of the finding a block speaks about; `None`: it speaks about no finding.
        pub(super) families: Option<u8>,
    }
}

fixed_struct! {
    /// A rule as it is evaluated.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Rule {
        pub(super) id: Span,
        pub(super) effect: Effect,
        /// What it says when it holds only because something is unknown.
        pub(super) if_unknown: Effect,
        pub(super) layer: Layer,
        pub(super) why: Span,
        pub(super) safer: Option<Span>,
        pub(super) until: Option<Span>,
        /// Words.
        pub(super) then: Span,
        /// Numbers: positions of the permissions that answer this question.
        pub(super) overridden_by: Span,
        /// Of the policy's blocks.
        pub(super) blocks: Span,
    }
}

fixed_struct! {
    /// Conditions that hold together.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Block {
        /// Position among the gates.
        pub(super) gate: u16,
        /// Position of its rule; those of rules for labels are counted on from the last rule.
        pub(super) owner: u32,
        /// Numbers: positions in the lists of conditions.
        pub(super) call: Span,
        pub(super) action: Span,
        pub(super) finding: Span,
        /// What tells at once of most calls that the block does not hold.
        pub(super) sign: Sign,
        /// What may be there in place of it; [`Key::Nothing`] where nothing may.
        pub(super) or: Sign,
    }
}

fixed_struct! {
    /// How a text of which a block wants something must begin and end.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub(super) struct Sign {
        pub(super) key: Key,
        pub(super) ends: Ends,
    }
}

/// A text of which a block wants something, as its patterns are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Key {
    /// Nothing that its ends would tell.
    #[default]
    Nothing,
    Tool,
    /// Of an action: who does it.
    By,
    /// Of an action: what it is done to, or what of that follows a base.
    Target,
    InWorkspace,
    InHome,
    InCwd,
    InGuardHome,
}

fixed_word!(Key {
    0 => Nothing,
    1 => Tool,
    2 => By,
    3 => Target,
    4 => InWorkspace,
    5 => InHome,
    6 => InCwd,
    7 => InGuardHome,
});

fixed_struct! {
    /// What the definition of a tool must be.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct PinnedTool {
        pub(super) tool: Span,
        /// `sha256:…`, as calls state it.
        pub(super) definition: Span,
    }
}

fixed_word!(Effect {
    0 => Allow,
    1 => Ask,
    2 => Deny,
});

fixed_word!(Layer {
    0 => Builtin,
    1 => User,
    2 => Project,
    3 => Managed,
});

fixed_struct! {
    /// What holds in a phase where no rule speaks, and who said so.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct ByPhase {
        pub(super) effect: Effect,
        pub(super) layer: Layer,
    }
}

fixed_struct! {
    /// What a policy says once.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Head {
        /// `sha256:…` of the canonical bytes.
        pub(super) digest: Span,
        pub(super) id: Span,
        pub(super) observe: bool,
        /// Whether the administrator said that it only observes: then nothing holds, not even what he denies.
        pub(super) observe_all: bool,
        pub(super) pre: ByPhase,
        pub(super) post: ByPhase,
        pub(super) text: ByPhase,
        /// What the user's own tools and programs do, as JSON; empty where nothing is said.
        pub(super) own: Span,
        /// The tools whose definitions are pinned, sorted by name.
        pub(super) pins: Span,
    }
}

/// The parts of a table, in their order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Head,
    Rules,
    Labels,
    Blocks,
    Gates,
    Subjects,
    Numbers,
    Words,
    Globs,
    TargetGlobs,
    Bundles,
    Unders,
    Pins,
    Call,
    Action,
    Finding,
}

const PARTS: usize = Part::Finding as usize + 1;

/// What one of the lists holds.
pub(super) trait Stored: Fixed {
    /// Which list.
    const PART: Part;
}

macro_rules! stored {
    ($($kind:ty => $part:ident),+ $(,)?) => {
        $(impl Stored for $kind {
            const PART: Part = Part::$part;
        })+
    };
}

stored! {
    Head => Head,
    Rule => Rules,
    LabelRule => Labels,
    Block => Blocks,
    Needs => Gates,
    u32 => Numbers,
    Span => Words,
    Glob => Globs,
    TargetGlob => TargetGlobs,
    Bundle => Bundles,
    Under => Unders,
    PinnedTool => Pins,
    CallCondition => Call,
    ActionCondition => Action,
    FindingCondition => Finding,
}

/// A policy as it is evaluated. Immutable.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    bytes: Cow<'static, [u8]>,
    text: Cow<'static, str>,
    /// Where each part lies.
    parts: [Span; PARTS],
    pub(super) head: Head,
    pub(super) blocks: Vec<Block>,
    /// What blocks ask of the facts before anything else, each once: a few of them dismiss most rules at once.
    pub(super) gates: Vec<Needs>,
    /// What blocks and rules count by position.
    pub(super) numbers: Vec<u32>,
    /// Each condition once, however many blocks ask it.
    pub(super) call: Vec<CallCondition>,
    pub(super) finding: Vec<FindingCondition>,
}

impl Compiled {
    /// The policy in a table whose text follows it; `None` when those bytes are none.
    pub(super) fn from_stored(mut bytes: Vec<u8>) -> Option<Self> {
        let parts = parts(&bytes)?;
        let text = bytes.split_off(parts[PARTS - 1].range().end);
        let text = String::from_utf8(text).ok()?;
        Self::from_table(Cow::Owned(bytes), Cow::Owned(text))
    }

    /// The policy in a table and its text; `None` when those are none.
    pub(super) fn from_table(bytes: Cow<'static, [u8]>, text: Cow<'static, str>) -> Option<Self> {
        let parts = parts(&bytes)?;
        let read = Reader {
            bytes: &bytes,
            parts: &parts,
        };
        let blocks: Vec<Block> = read.list()?;
        let sets = part_of(&bytes, parts[Part::Subjects as usize]).len();
        if sets != subjects::size(blocks.len()) * u64::SIZE {
            return None;
        }
        Some(Self {
            head: *read.list::<Head>()?.first()?,
            blocks,
            gates: read.list()?,
            numbers: read.list()?,
            call: read.list()?,
            finding: read.list()?,
            parts,
            bytes,
            text,
        })
    }

    /// The table and the text that [`Compiled::from_table`] reads; one after the other, they are what
    /// [`Compiled::from_stored`] reads.
    pub(super) fn table(&self) -> (&[u8], &str) {
        (&self.bytes, &self.text)
    }

    /// Whether what is read later can be: asked of tables that came from elsewhere.
    pub(super) fn is_sound(&self) -> bool {
        let read = Reader {
            bytes: &self.bytes,
            parts: &self.parts,
        };
        let below = |span: Span, end: usize| {
            let held = self.numbers.get(span.range());
            held.is_some_and(|numbers| numbers.iter().all(|number| (*number as usize) < end))
        };
        let owners = self.rules() + self.part(Part::Labels).len() / LabelRule::SIZE;
        self.blocks.iter().all(|block| {
            usize::from(block.gate) < self.gates.len()
                && (block.owner as usize) < owners
                && below(block.call, self.call.len())
                && below(block.action, self.actions())
                && below(block.finding, self.finding.len())
        }) && read.list::<ActionCondition>().is_some()
            && read.list::<Rule>().is_some()
            && read.list::<LabelRule>().is_some()
            && read.list::<Span>().is_some()
            && read.list::<Glob>().is_some()
            && read.list::<TargetGlob>().is_some()
            && read.list::<Bundle>().is_some()
            && read.list::<Under>().is_some()
            && read.list::<PinnedTool>().is_some()
    }

    /// The name of the condition of a block that has no other.
    #[inline]
    pub(super) fn only_condition(&self, block: &Block) -> Option<&'static str> {
        let numbers = |span: Span| span.of(&self.numbers);
        match (
            numbers(block.call),
            numbers(block.action),
            numbers(block.finding),
        ) {
            ([id], [], []) => self.call.get(*id as usize).map(CallCondition::name),
            ([], [id], []) => self.action(*id).as_ref().map(ActionCondition::name),
            ([], [], [id]) => self.finding.get(*id as usize).map(FindingCondition::name),
            _ => None,
        }
    }

    /// What holds in a phase where no rule speaks.
    pub(super) const fn by_phase(&self, phase: Phase) -> ByPhase {
        match phase {
            Phase::Pre => self.head.pre,
            Phase::Post => self.head.post,
            Phase::Text => self.head.text,
        }
    }

    /// How many rules it has, but for those that give labels.
    #[inline]
    pub(super) fn rules(&self) -> usize {
        self.part(Part::Rules).len() / Rule::SIZE
    }

    /// A rule by its position; they are sorted by id. A call meets few of them.
    #[inline]
    pub(super) fn rule(&self, at: usize) -> Option<Rule> {
        self.at(at)
    }

    /// How many conditions on an action there are.
    #[inline]
    pub(super) fn actions(&self) -> usize {
        self.part(Part::Action).len() / ActionCondition::SIZE
    }

    /// A condition on an action. An action meets few of them, and each once.
    #[inline]
    pub(super) fn action(&self, at: u32) -> Option<ActionCondition> {
        self.at(at as usize)
    }

    /// A rule that gives labels.
    #[inline]
    pub(super) fn label(&self, at: usize) -> Option<LabelRule> {
        self.at(at)
    }

    fn at<T: Stored>(&self, at: usize) -> Option<T> {
        let from = at.checked_mul(T::SIZE)?;
        let (value, _) = T::take(self.part(T::PART).get(from..from.checked_add(T::SIZE)?)?)?;
        Some(value)
    }

    #[inline]
    fn part(&self, part: Part) -> &[u8] {
        part_of(&self.bytes, self.parts[part as usize])
    }

    /// Some values of a list that is read when it is asked for.
    #[inline]
    pub(super) fn of<T: Stored>(&self, span: Span) -> Values<'_, T> {
        Values::new(self.stored::<T>(span))
    }

    #[inline]
    fn stored<T: Stored>(&self, span: Span) -> &[u8] {
        let from = (span.start as usize).saturating_mul(T::SIZE);
        let to = (span.end as usize).saturating_mul(T::SIZE);
        self.part(T::PART).get(from..to).unwrap_or_default()
    }

    /// As [`Compiled::of`], of those values alone whose beginning passes: of the others nothing more is read.
    #[inline]
    pub(super) fn of_those<H: Fixed, T: Stored>(
        &self,
        span: Span,
        passes: impl Fn(&H) -> bool,
    ) -> impl Iterator<Item = T> {
        let stored = self.stored::<T>(span).chunks_exact(T::SIZE);
        stored.filter_map(move |own| {
            let (head, _) = H::take(own)?;
            let (value, _) = passes(&head).then(|| T::take(own))??;
            Some(value)
        })
    }

    /// The sets of blocks, one after the other.
    #[inline]
    pub(super) fn sets(&self) -> &[u8] {
        self.part(Part::Subjects)
    }

    /// Words that were kept.
    pub(super) fn words(&self, span: Span) -> impl Iterator<Item = &str> {
        self.of::<Span>(span).map(|word| self.text(word))
    }

    /// The bytes of words that were kept.
    pub(super) fn raw_words(&self, span: Span) -> impl Iterator<Item = &[u8]> {
        self.of::<Span>(span).map(|word| self.raw(word))
    }
}

/// Where the parts of a table lie, in their order; `None` when those bytes are none.
fn parts(bytes: &[u8]) -> Option<[Span; PARTS]> {
    let mut header = Values::<Span>::new(bytes.strip_prefix(MAGIC)?);
    let mut parts = [Span::default(); PARTS];
    for part in &mut parts {
        *part = header.next()?;
        bytes.get(part.range())?;
    }
    Some(parts)
}

/// Reads whole lists of a table.
struct Reader<'a> {
    bytes: &'a [u8],
    parts: &'a [Span; PARTS],
}

impl Reader<'_> {
    /// Every value of a list; `None` when one cannot be read.
    fn list<T: Stored>(&self) -> Option<Vec<T>> {
        let bytes = part_of(self.bytes, self.parts[T::PART as usize]);
        let mut list = Vec::with_capacity(bytes.len() / T::SIZE);
        list.extend(Values::new(bytes));
        (list.len() * T::SIZE == bytes.len()).then_some(list)
    }
}

/// Where texts are kept.
pub(super) trait Texts {
    /// The bytes of a text that was kept: enough to compare it.
    fn raw(&self, span: Span) -> &[u8];

    /// A text that was kept.
    fn text(&self, span: Span) -> &str;
}

impl Texts for Compiled {
    #[inline]
    fn raw(&self, span: Span) -> &[u8] {
        self.text.as_bytes().get(span.range()).unwrap_or_default()
    }

    #[inline]
    fn text(&self, span: Span) -> &str {
        // INVARIANT: spans are those of whole texts; a test reads them all.
        self.text.get(span.range()).unwrap_or_default()
    }
}

impl Texts for Draft {
    fn raw(&self, span: Span) -> &[u8] {
        self.text.list.get(span.range()).unwrap_or_default()
    }

    fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.raw(span)).unwrap_or_default()
    }
}

#[inline]
fn part_of(bytes: &[u8], part: Span) -> &[u8] {
    bytes.get(part.range()).unwrap_or_default()
}

/// Values of one kind, each sequence of them kept once.
#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) list: Vec<T>,
    /// Where a sequence stands, by its stored form.
    known: HashMap<Vec<u8>, Span>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            known: HashMap::new(),
        }
    }
}

impl<T: Fixed + Copy> Kept<T> {
    /// Keeps values one after the other.
    pub(super) fn keep(&mut self, values: &[T]) -> Span {
        if values.is_empty() {
            return Span::default();
        }
        let start = self.list.len();
        let held = self.known.entry(stored(values)).or_insert_with(|| {
            self.list.extend(values);
            Span::since(start, self.list.len())
        });
        *held
    }

    /// Keeps one value, and says where it stands.
    pub(super) fn number(&mut self, value: T) -> u32 {
        self.keep(&[value]).start
    }
}

/// A policy while it is compiled.
#[derive(Debug, Default)]
pub(super) struct Draft {
    text: Kept<u8>,
    pub(super) rules: Vec<Rule>,
    pub(super) labels: Vec<LabelRule>,
    pub(super) blocks: Vec<(Block, Wants)>,
    pub(super) gates: Vec<Needs>,
    pub(super) numbers: Kept<u32>,
    pub(super) words: Kept<Span>,
    pub(super) globs: Kept<Glob>,
    pub(super) target_globs: Kept<TargetGlob>,
    pub(super) bundles: Kept<Bundle>,
    pub(super) unders: Kept<Under>,
    pub(super) pins: Kept<PinnedTool>,
    pub(super) call: Kept<CallCondition>,
    pub(super) action: Kept<ActionCondition>,
    pub(super) finding: Kept<FindingCondition>,
}

impl Draft {
    /// Keeps a text.
    pub(super) fn keep(&mut self, text: &str) -> Span {
        self.text.keep(text.as_bytes())
    }

    /// Keeps a list of words.
    pub(super) fn keep_words<'a>(&mut self, words: impl Iterator<Item = &'a str>) -> Span {
        let spans: Vec<Span> = words.map(|word| self.keep(word)).collect();
        self.words.keep(&spans)
    }

    /// The policy whose parts these are.
    pub(super) fn finish(self, head: Head) -> Compiled {
        let subjects = subjects::sets(&self.blocks, &self.gates, &self.rules);
        let blocks: Vec<Block> = self.blocks.into_iter().map(|(block, _)| block).collect();
        // In the order of `Part`.
        let lists: [Vec<u8>; PARTS] = [
            stored(&[head]),
            stored(&self.rules),
            stored(&self.labels),
            stored(&blocks),
            stored(&self.gates),
            stored(&subjects),
            stored(&self.numbers.list),
            stored(&self.words.list),
            stored(&self.globs.list),
            stored(&self.target_globs.list),
            stored(&self.bundles.list),
            stored(&self.unders.list),
            stored(&self.pins.list),
            stored(&self.call.list),
            stored(&self.action.list),
            stored(&self.finding.list),
        ];
        let mut at = MAGIC.len() + PARTS * Span::SIZE;
        let parts = lists.each_ref().map(|list| {
            let start = at;
            at += list.len();
            Span::since(start, at)
        });
        let mut bytes = MAGIC.to_vec();
        for part in parts {
            part.put(&mut bytes);
        }
        bytes.extend(lists.into_iter().flatten());
        Compiled {
            bytes: Cow::Owned(bytes),
            text: Cow::Owned(crate::text::into_text(self.text.list)),
            parts,
            head,
            blocks,
            gates: self.gates,
            numbers: self.numbers.list,
            call: self.call.list,
            finding: self.finding.list,
        }
    }
}

fn stored<T: Fixed>(list: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(list.len() * T::SIZE);
    for value in list {
        value.put(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::policy_table;

    /// The table that ships, as it is stored.
    fn shipped() -> Vec<u8> {
        let (bytes, text) = policy_table();
        [bytes, text.as_bytes()].concat()
    }

    fn read(bytes: Vec<u8>) -> Option<Compiled> {
        Compiled::from_stored(bytes)
    }

    #[test]
    fn the_table_that_ships_is_sound_and_its_texts_are_whole() {
        let compiled = read(shipped()).expect("a table");
        assert!(compiled.is_sound());
        assert!(compiled.rules() > 50);
        for at in 0..compiled.rules() {
            let rule = compiled.rule(at).expect("a rule");
            assert!(!compiled.text(rule.id).is_empty());
            assert!(
                !compiled.text(rule.why).is_empty(),
                "{}",
                compiled.text(rule.id)
            );
        }
        let words = compiled.part(Part::Words).len() / Span::SIZE;
        for word in compiled.words(Span::since(0, words)) {
            assert!(!word.is_empty());
        }
    }

    #[test]
    fn a_table_that_was_cut_or_damaged_is_told() {
        let whole = shipped();
        for end in [
            0,
            MAGIC.len(),
            MAGIC.len() + PARTS * Span::SIZE - 1,
            whole.len() - policy_table().1.len() - 1,
        ] {
            assert!(read(whole[..end].to_vec()).is_none(), "{end}");
        }
        let mut other = whole.clone();
        other[MAGIC.len() - 1] += 1;
        assert!(read(other).is_none());
        let compiled = read(whole.clone()).expect("a table");
        let damaged = |part: Part, at: usize| {
            let mut bytes = whole.clone();
            bytes[compiled.parts[part as usize].range().start + at] = u8::MAX;
            read(bytes)
        };
        // The byte of a condition that says which one it is, and that of a pattern which says what form it has.
        assert!(damaged(Part::Call, 0).is_none());
        // The byte of a rule that says its effect.
        let effect = Span::SIZE;
        for (part, at) in [
            (Part::Action, 0),
            (Part::Globs, Glob::SIZE - 1),
            (Part::Rules, effect),
        ] {
            let read = damaged(part, at).expect("a table whose parts are there");
            assert!(!read.is_sound(), "{part:?}");
        }
        let mut no_text = whole.clone();
        no_text[policy_table().0.len()] = u8::MAX;
        assert!(read(no_text).is_none());
        // A block that names a condition, or a gate, which is not there.
        assert!(!damaged(Part::Numbers, 3).expect("rules").is_sound());
        assert!(!damaged(Part::Blocks, 1).expect("rules").is_sound());
    }
}
