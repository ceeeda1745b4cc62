//! What a command that was applied means as a whole: what only looks, and which credentials leave with it.

use std::rc::Rc;

use super::Engine;
use super::owner::{self, Belongs};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::actions::word::Data;

impl Engine<'_> {
    /// A command that runs elsewhere and only reads there.
    pub(super) fn looks_elsewhere(&mut self, first: usize) {
        let own = self.actions.get_mut(first..).unwrap_or_default();
        if let Some((action, inner)) = own.split_first_mut()
            && action.kind == ActionKind::ExecElsewhere
            && action.attributes.is_empty()
            // A shell or an interpreter of which nothing is said waits for whoever types.
            && !inner.is_empty()
            && inner.iter().all(|action| {
                matches!(action.kind, ActionKind::FsRead | ActionKind::DbRead)
                    || (action.kind == ActionKind::NetFetch && action.has("loopback"))
            })
        {
            action.attributes.push(String::from("harmless"));
        }
    }

    /// Credentials in variables leave with what is sent: those that are somebody's go to them alone, and of the others
    /// a person is asked.
    pub(super) fn sends_variables(
        &mut self,
        first: usize,
        data: &Data,
        handed: &Data,
        logs_in: &[Rc<str>],
    ) {
        if data.variables.is_empty() && handed.secrets.is_empty() && logs_in.is_empty() {
            return;
        }
        for action in self.actions.iter_mut().skip(first) {
            if action.kind == ActionKind::VcsWrite && !handed.secrets.is_empty() {
                // A message is shown to everybody who can see the repository.
                action.attributes.push(String::from("secret"));
            }
            let address = match action.kind {
                ActionKind::NetFetch | ActionKind::NetSend => Some(action.target.value.as_str()),
                ActionKind::VcsConfig | ActionKind::VcsPush => {
                    owner::address_of(&action.target.value)
                }
                _ => None,
            };
            let known = |address: &&str| action.target.exact || owner::names_host(address);
            let Some(address) = address.filter(known).filter(|_| !action.has("loopback")) else {
                continue;
            };
            let logs_in_there = owner::logs_in(address);
            let host = url::classify(address).host.unwrap_or_default();
            let told = |name: &Rc<str>| owner::belongs(name, &host);
            let elsewhere = |name: &&Rc<str>| told(name) == Belongs::Elsewhere;
            let gone = data.variables.iter().find(elsewhere);
            let shown = handed
                .variables
                .iter()
                .find(|name| !logs_in_there && told(name) != Belongs::Here);
            let shown = gone
                .or(shown)
                .or_else(|| logs_in.iter().find(elsewhere))
                .map(|name| format!("carries the variable `{name}`"));
            if gone.is_some() && !action.has("secret") {
                action.attributes.push(String::from("secret"));
                action.attributes.sort_unstable();
                action.reason.clone_from(&shown);
            }
            if action.kind == ActionKind::NetFetch && shown.is_some() {
                action.kind = ActionKind::NetSend;
                action.reason = shown;
            }
        }
    }
}
