//! The end of a run: what was left open is closed, the summary is stated, and the journal seals the log.

use serde::Serialize;

use super::error::StoreError;
use super::journal::{Checkpoint, Seal, no_run, seal_of};
use super::store::{Enforced, Outcome, Store};
use super::summary::{Fold, Open, Summary};
use super::{id, kinds};
use crate::decision::Effect;

/// So many decisions that may still have been running are named; the summary counts them all.
const MOST_IN_FLIGHT: usize = 50;

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopping {
    /// Run id.
    pub run: String,
    /// `completed`, `stopped`, `killed`, `crashed`, `unknown`.
    pub state: &'static str,
    /// Who ended it: `runtime`, `person`, `guard`.
    pub by: &'static str,
    /// Why, in the words of whoever ended it.
    pub reason: Option<String>,
    /// Whether it can go on later.
    pub resumable: Option<bool>,
    /// How.
    pub resume_cmd: Option<String>,
    /// Whether the runtime tells what came of calls, so that silence means something.
    pub outcomes_reported: bool,
    /// The adapter that tells.
    pub adapter: String,
}

/// The states a run can end in.
pub const STATES: [&str; 5] = ["completed", "stopped", "killed", "crashed", "unknown"];

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Id of its `run.stop`.
    pub id: String,
    /// Whether it had ended before, and nothing was written.
    pub already: bool,
    /// What its records come to.
    pub summary: Summary,
    /// What the journal says of its log.
    pub seal: Seal,
    /// The checkpoint that covers the seal; `None` when it had ended before.
    pub checkpoint: Option<Checkpoint>,
}

#[derive(Serialize)]
struct StopMembers<'a> {
    by: &'a str,
    in_flight: Vec<&'a str>,
    reason: Option<&'a str>,
    resumable: Option<bool>,
    resume_cmd: Option<&'a str>,
    signals: [&'a str; 0],
    state: &'a str,
    terminal: bool,
}

impl Store {
    /// Ends a run: closes what is open, writes `run.stop`, seals the log in the journal and signs the journal.
    ///
    /// A run that has ended and not gone on since is left as it is; should the journal lack its seal, because a process
    /// died between the two, it gets it now.
    ///
    /// # Errors
    /// [`StoreError`]; `store_no_run` when there is no such run.
    pub fn stop(&self, stopping: &Stopping) -> Result<Stopped, StoreError> {
        self.must_exist(&stopping.run)?;
        let source = self.source(&stopping.adapter);
        let chain = self.chain(&stopping.run)?;
        let mut chain = chain.turn();
        let mut log = chain.lock(&source)?;
        if log.is_new() {
            return Err(no_run(&stopping.run));
        }
        let mut fold = Fold::default();
        log.each_line(&mut |line| fold.line(line))?;
        let already = fold.stopped.clone();
        let record = match &already {
            Some(record) => record.clone(),
            None => {
                let from = log.staged().len();
                let open = fold.close(stopping.outcomes_reported);
                for (decision, open) in &open {
                    log.push(self.closing(stopping, decision, open, fold.epoch)?)?;
                }
                let mut draft = self.draft("run.stop", id::new_id(), &stopping.run, &source)?;
                self.write_stop(&mut draft, stopping, &fold, &open)?;
                let record = draft.id.clone();
                log.push(draft)?;
                for appended in log.staged().iter().skip(from) {
                    fold.tree
                        .push(&id::raw_hash(&appended.hash).unwrap_or_default());
                }
                record
            }
        };
        let seal = seal_of(&log, &fold.tree).ok_or_else(|| no_run(&stopping.run))?;
        log.commit_staged(self.syncs())?;
        let checkpoint = self.seal_in_journal(stopping, &seal, already.is_some())?;
        if let Some(checkpoint) = &checkpoint {
            self.publish(checkpoint);
        }
        Ok(Stopped {
            id: record,
            already: already.is_some(),
            summary: fold.summary(),
            seal,
            checkpoint,
        })
    }

    /// The run's lock is held meanwhile, so that no record comes between the seal and its line.
    fn seal_in_journal(
        &self,
        stopping: &Stopping,
        seal: &Seal,
        already: bool,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let source = self.source(&stopping.adapter);
        let mut draft = self.draft("run.stop", id::new_id(), &stopping.run, &source)?;
        draft.set("state", stopping.state)?;
        draft.set("seal", seal)?;
        self.in_journal(&source, |journal| {
            if already {
                let mut sealed = false;
                let finder = memchr::memmem::Finder::new(seal.head.as_bytes());
                journal.each_line(&mut |line| sealed |= finder.find(line).is_some())?;
                if sealed {
                    return Ok(None);
                }
            }
            journal.push(draft)?;
            let checkpoint = self.stage_checkpoint(journal, &source)?;
            journal.commit(self.syncs())?;
            Ok(Some(checkpoint))
        })
    }

    /// The outcome of a decision of which nothing more was heard.
    fn closing(
        &self,
        stopping: &Stopping,
        decision: &str,
        open: &Open,
        epoch: u64,
    ) -> Result<super::line::Draft, StoreError> {
        let (enforced, result) = match open.effect {
            Effect::Deny => (Enforced::NotAttempted, "cancelled"),
            Effect::Allow | Effect::Ask => (Enforced::Unknown, "ambiguous"),
        };
        let source = self.source(&stopping.adapter);
        let outcome = Outcome {
            run: stopping.run.clone(),
            of: Some(decision.to_owned()),
            call_id: open.call_id.clone(),
            tool: open.tool.clone(),
            result,
            duration_ms: None,
            output_bytes: None,
            output_digest: None,
            findings: Vec::new(),
            spend: std::collections::BTreeMap::new(),
            adapter: stopping.adapter.clone(),
            answers_marked: false,
        };
        let mut draft = self.draft("outcome", id::new_id(), &stopping.run, &source)?;
        kinds::write_outcome(&mut draft, &outcome, Some(decision), enforced, &[])?;
        draft.set("epoch", &epoch)?;
        self.shrink(&mut draft, Vec::new(), None)?;
        Ok(draft)
    }

    fn write_stop(
        &self,
        draft: &mut super::line::Draft,
        stopping: &Stopping,
        fold: &Fold,
        open: &[(String, Open)],
    ) -> Result<(), StoreError> {
        let running: Vec<&str> = open
            .iter()
            .filter(|(_, open)| open.effect != Effect::Deny)
            .map(|(id, _)| id.as_str())
            .collect();
        let first = running.len().saturating_sub(MOST_IN_FLIGHT);
        draft.set("epoch", &fold.epoch)?;
        draft.set(
            "stop",
            &StopMembers {
                by: stopping.by,
                in_flight: running[first..].to_vec(),
                reason: stopping.reason.as_deref(),
                resumable: stopping.resumable,
                resume_cmd: stopping.resume_cmd.as_deref(),
                signals: [],
                state: stopping.state,
                terminal: true,
            },
        )?;
        draft.set("summary", &fold.summary())?;
        self.shrink(draft, Vec::new(), None)
    }
}
