//! Records that no call brings: approvals, grants, policy, mode, installation, remarks.

use super::error::StoreError;
use super::journal::no_run;
use super::line::Draft;
use super::store::{JOURNAL, Store};
use super::{Appended, id};
use crate::json::Value;

/// The kinds, and the members each may have.
const EVENTS: [(&str, &[&str]); 10] = [
    (
        "approval.request",
        &[
            "decision",
            "action_digest",
            "binds",
            "presented",
            "options",
            "ttl_ms",
            "by",
            "quorum",
        ],
    ),
    (
        "approval.result",
        &[
            "request",
            "state",
            "by",
            "latency_ms",
            "choice",
            "edited_action_digest",
            "grant",
            "consumed_by",
        ],
    ),
    ("grant", &["grant"]),
    ("revoke", &["grant_id", "reason"]),
    ("policy.activate", &["policy", "reason"]),
    ("mode.change", &["mode", "previous", "policy", "reason"]),
    ("install", &["agent", "components"]),
    ("uninstall", &["agent", "components", "restored", "left"]),
    ("anchor", &["anchor"]),
    ("note", &["note"]),
];

impl Store {
    /// Appends an event to the log of a run that has begun, or to the journal. Approvals are followed by a checkpoint.
    ///
    /// # Errors
    /// [`StoreError`]; `store_bad_event` for a kind or a member that records do not have.
    pub fn append_event(
        &self,
        kind: &str,
        members: &Value,
        run: Option<&str>,
        adapter: &str,
    ) -> Result<Appended, StoreError> {
        let Some((kind, known)) = EVENTS.iter().find(|(held, _)| *held == kind) else {
            return Err(StoreError::new(
                StoreError::BAD_EVENT,
                format!(
                    "records of this kind cannot be appended; these can: {}",
                    EVENTS.map(|(kind, _)| kind).join(", ")
                ),
            ));
        };
        let Some(members) = members.as_object() else {
            return Err(StoreError::new(
                StoreError::BAD_EVENT,
                "the members of an event must be an object",
            ));
        };
        let source = self.source(adapter);
        let mut draft: Draft = self.draft(kind, id::new_id(), run.unwrap_or(JOURNAL), &source)?;
        for (name, value) in members {
            let Some(name) = known.iter().find(|held| *held == name) else {
                return Err(StoreError::new(
                    StoreError::BAD_EVENT,
                    format!("`{kind}` has no such member; it has {}", known.join(", ")),
                ));
            };
            draft.set(name, value)?;
        }
        self.shrink(&mut draft, Vec::new(), None)?;
        let appended = match run {
            None => self.in_journal(&source, |journal| {
                journal.push(draft)?;
                journal.commit(self.syncs())
            })?,
            Some(run) => {
                let chain = self.chain(run)?;
                let mut chain = chain.turn();
                if !chain.is_open() {
                    self.must_exist(run)?;
                }
                let mut log = chain.lock(&source)?;
                if log.is_new() {
                    // Its file has gone since.
                    return Err(no_run(run));
                }
                log.push(draft)?;
                log.commit(self.syncs())?
            }
        };
        if *kind == "approval.result" {
            // Evidence, not protection: that it cannot be signed now does not undo the approval.
            let _ = self.checkpoint(run, adapter);
        }
        Ok(appended)
    }
}
