//! Which effects of a text stand in which definition, so that those of one can be forgotten. A leaf.

use super::CodeEffect;

/// Definitions in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Which definition each of them is, and the entry around it.
    entries: Vec<(usize, Option<usize>)>,
    /// The entry that is being read.
    current: Option<usize>,
    /// For every effect, the entry that it stands in.
    made_in: Vec<Option<usize>>,
}

impl Frames {
    /// Begins to read a definition; what was being read until then, for [`Frames::leave`].
    pub(super) fn enter(&mut self, definition: usize) -> Option<usize> {
        let outer = self.current;
        self.entries.push((definition, outer));
        self.current = Some(self.entries.len() - 1);
        outer
    }

    pub(super) const fn leave(&mut self, outer: Option<usize>) {
        self.current = outer;
    }

    /// Whether nothing is being read but the text itself.
    pub(super) const fn is_outside(&self) -> bool {
        self.current.is_none()
    }

    /// An effect was made.
    pub(super) fn made(&mut self) {
        self.made_in.push(self.current);
    }

    /// Forgets all effects but the first so many.
    pub(super) fn truncate(&mut self, effects: &mut Vec<CodeEffect>, before: usize) {
        effects.truncate(before);
        self.made_in.truncate(before);
    }

    /// Forgets what stood in definitions of which that is so, and in those inside of them.
    pub(super) fn forget(
        &mut self,
        effects: &mut Vec<CodeEffect>,
        is_gone: impl Fn(usize) -> bool,
    ) {
        // Entries come after those around them.
        let mut gone: Vec<bool> = Vec::with_capacity(self.entries.len());
        for (definition, around) in &self.entries {
            let outer = around.is_some_and(|around| gone.get(around) == Some(&true));
            gone.push(outer || is_gone(*definition));
        }
        let mut made = std::mem::take(&mut self.made_in).into_iter();
        effects.retain(|_| {
            let entry = made.next().flatten();
            entry.is_none_or(|entry| gone.get(entry) != Some(&true))
        });
    }
}
