//! A call is understood once more when its run has brought files from the network that it may be about: what a run has
//! seen is only known when its log is open.

use crate::actions::place::{below, last_component};
use crate::actions::{self, Action, Own, Understanding};
use crate::builtin;
use crate::decision::Decision;
use crate::edge;
use crate::facts::{Facts, FetchedFile};
use crate::json::Value;
use crate::scrub::Scrubber;
use crate::sends::sends;
use crate::text::contains;

/// What understanding a call again needs.
pub(crate) struct Reading<'a> {
    args: &'a Value,
    scrubber: &'a Scrubber<'a>,
    /// What it was last understood with.
    known: Vec<FetchedFile>,
}

impl<'a> Reading<'a> {
    pub(crate) const fn new(args: &'a Value, scrubber: &'a Scrubber<'a>) -> Self {
        Self {
            args,
            scrubber,
            known: Vec::new(),
        }
    }

    /// What the call means after `fetched` was brought. The facts keep of that what makes a difference, so that they say
    /// by themselves why it means that. Returns whether it may mean something else than before.
    pub(crate) fn after(
        &mut self,
        fetched: Vec<FetchedFile>,
        decision: &mut Decision,
        own: Option<&Own>,
    ) -> bool {
        if fetched == self.known {
            return false;
        }
        self.known = fetched;
        let facts = &mut decision.facts;
        let now = self.understood(&self.known, facts, own);
        let matters = self.matters(&now, facts, own);
        facts.sends = sends(&now.actions, self.args, edge::file_size);
        facts.actions = self.scrubber.scrub_actions(now.actions);
        facts.state.fetched = matters;
        decision.left = self.scrubber.scrub_left(now.left);
        true
    }

    fn understood(
        &self,
        fetched: &[FetchedFile],
        facts: &Facts,
        own: Option<&Own>,
    ) -> Understanding {
        let call = (facts.tool.as_str(), self.args, &facts.context);
        actions::understand_after(fetched, call, builtin::catalogue(), own)
    }

    /// The files without which the call would mean something else; every one where that cannot be told.
    fn matters(&self, now: &Understanding, facts: &Facts, own: Option<&Own>) -> Vec<FetchedFile> {
        let is_enough =
            |files: &[FetchedFile]| self.understood(files, facts, own).actions == now.actions;
        if is_enough(&[]) {
            return Vec::new();
        }
        let near: Vec<FetchedFile> = self
            .known
            .iter()
            .filter(|file| self.is_near(&file.path, &now.actions, facts))
            .cloned()
            .collect();
        if near.len() < self.known.len() && is_enough(&near) {
            near
        } else {
            self.known.clone()
        }
    }

    /// Whether a call speaks of a file, or of what lies beside, in or around it.
    fn is_near(&self, path: &str, actions: &[Action], facts: &Facts) -> bool {
        let around = |target: &str| below(target, path).is_some() || below(path, target).is_some();
        let is_here = || facts.context.cwd.as_deref().is_some_and(around);
        let is_target = |action: &Action| action.target.exact && around(&action.target.value);
        let is_named = || {
            let name = last_component(path).as_bytes();
            let mut found = false;
            self.args
                .each_string(&mut |_, text, _| found |= contains(text.as_bytes(), name));
            found
        };
        actions.iter().any(is_target) || is_named() || is_here()
    }
}
