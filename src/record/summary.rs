//! What the records of a run come to: the fold over its lines that `run.stop` states.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::id;
use super::merkle::Tree;
use crate::decision::Effect;

/// So many hosts are named: a summary is read by people.
const MOST_HOSTS: usize = 50;

/// Decisions by effect. Those of a guard that only watched are `observed`, whatever their effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DecisionCount {
    /// Allowed.
    pub allow: u64,
    /// Left to a person.
    pub ask: u64,
    /// Denied.
    pub deny: u64,
    /// Not enforced.
    pub observed: u64,
}

/// Files that calls which ran would have touched, as understood from the calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileCount {
    /// Written.
    pub written: u64,
    /// Deleted.
    pub deleted: u64,
}

/// What the records of a run come to. Counts are of records, not of what happened unseen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Decisions by effect.
    pub decisions: DecisionCount,
    /// Outcomes that the runtime reported.
    pub outcomes: u64,
    /// Calls that ran without waiting for their answer.
    pub failed_open: u64,
    /// Calls that ran and that nobody had decided.
    pub bypassed: u64,
    /// Calls that ran although they were denied.
    pub overridden: u64,
    /// Calls that may have run: no end was seen.
    pub ambiguous: u64,
    /// Denied calls of which nothing more was heard.
    pub not_attempted: u64,
    /// Decisions of a runtime that reports no outcomes at all.
    pub unreported: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Calls that took too long.
    pub timeouts: u64,
    /// Decisions about an action that the run had tried before.
    pub retries: u64,
    /// Files, as understood.
    pub files: FileCount,
    /// Hosts, as understood; sorted.
    pub hosts: Vec<String>,
    /// Commits: nobody looks for them yet.
    pub commits: Vec<String>,
    /// What it cost: nobody tells it.
    pub cost: Option<u64>,
}

/// A decision about a call that no outcome has closed.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) call_id: Option<String>,
    pub(super) tool: String,
    pub(super) effect: Effect,
    touched: Touched,
}

#[derive(Debug, Clone, Default)]
struct Touched {
    files: FileCount,
    hosts: Vec<String>,
}

#[derive(Deserialize)]
struct Seen<'a> {
    kind: &'a str,
    id: &'a str,
    #[serde(borrow, default)]
    call: Option<CallSeen<'a>>,
    #[serde(borrow, default)]
    subject: Option<SubjectSeen<'a>>,
    #[serde(borrow, default)]
    verdict: Option<VerdictSeen<'a>>,
    #[serde(borrow, default)]
    facts: Option<FactsSeen<'a>>,
    #[serde(default)]
    action_digest: Option<&'a str>,
    #[serde(default)]
    epoch: Option<u64>,
    #[serde(default)]
    of: Option<&'a str>,
    #[serde(default)]
    enforced: Option<&'a str>,
    #[serde(default)]
    result: Option<&'a str>,
}

#[derive(Deserialize)]
struct CallSeen<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct SubjectSeen<'a> {
    #[serde(borrow, default)]
    tool: Option<Cow<'a, str>>,
    #[serde(default)]
    surface: Option<&'a str>,
}

#[derive(Deserialize)]
struct VerdictSeen<'a> {
    #[serde(default)]
    effect: Option<Effect>,
    #[serde(default)]
    mode: Option<&'a str>,
}

#[derive(Deserialize)]
struct FactsSeen<'a> {
    #[serde(borrow, default)]
    actions: Vec<ActionSeen<'a>>,
}

#[derive(Deserialize)]
struct ActionSeen<'a> {
    #[serde(default)]
    kind: &'a str,
    #[serde(borrow, default)]
    target: Option<TargetSeen<'a>>,
}

#[derive(Deserialize)]
struct TargetSeen<'a> {
    #[serde(borrow, default)]
    host: Option<Cow<'a, str>>,
}

/// Reads a run's lines, in their order.
#[derive(Debug, Default)]
pub(super) struct Fold {
    summary: Summary,
    /// By id: version 7, so in the order they were made.
    open: BTreeMap<String, Open>,
    hosts: BTreeSet<String>,
    acted: HashSet<String>,
    /// Closed only because nothing was heard of them; a late outcome takes them out.
    ambiguous: HashSet<String>,
    not_attempted: HashSet<String>,
    pub(super) tree: Tree,
    /// Whether the last record is a `run.stop`, and its id.
    pub(super) stopped: Option<String>,
    /// The epoch of the last record that names one.
    pub(super) epoch: u64,
}

impl Fold {
    /// The next line, without newline.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.tree.push(&id::raw_hash_of(line).unwrap_or_default());
        let Ok(seen) = serde_json::from_slice::<Seen<'_>>(line) else {
            self.stopped = None;
            return;
        };
        self.stopped = (seen.kind == "run.stop").then(|| seen.id.to_owned());
        self.epoch = seen.epoch.unwrap_or(self.epoch);
        match seen.kind {
            "decision" => self.decision(seen),
            "outcome" => self.outcome(&seen),
            _ => {}
        }
    }

    fn decision(&mut self, seen: Seen<'_>) {
        let Some((effect, mode)) = seen
            .verdict
            .and_then(|verdict| Some((verdict.effect?, verdict.mode)))
        else {
            return;
        };
        let count = &mut self.summary.decisions;
        match (mode, effect) {
            (Some("observe"), _) => count.observed += 1,
            (_, Effect::Allow) => count.allow += 1,
            (_, Effect::Ask) => count.ask += 1,
            (_, Effect::Deny) => count.deny += 1,
        }
        let subject = seen.subject.unwrap_or(SubjectSeen {
            tool: None,
            surface: None,
        });
        // A text is judged by itself: nothing runs of which an outcome could be heard.
        if subject
            .surface
            .is_some_and(|surface| surface != "tool_args")
        {
            return;
        }
        if let Some(digest) = seen.action_digest
            && !self.acted.insert(digest.to_owned())
        {
            self.summary.retries += 1;
        }
        let mut touched = Touched::default();
        for action in seen.facts.map(|facts| facts.actions).unwrap_or_default() {
            match action.kind {
                "fs.write" => touched.files.written += 1,
                "fs.delete" | "fs.destroy" => touched.files.deleted += 1,
                _ => {}
            }
            let host = action.target.and_then(|target| target.host);
            touched.hosts.extend(host.map(Cow::into_owned));
        }
        if effect == Effect::Allow {
            self.touch(std::mem::take(&mut touched));
        }
        let open = Open {
            call_id: seen.call.and_then(|call| call.id).map(Cow::into_owned),
            tool: subject.tool.map(Cow::into_owned).unwrap_or_default(),
            effect,
            touched,
        };
        self.open.insert(seen.id.to_owned(), open);
    }

    fn outcome(&mut self, seen: &Seen<'_>) {
        let of = seen.of.unwrap_or_default();
        let (enforced, result) = (
            seen.enforced.unwrap_or_default(),
            seen.result.unwrap_or_default(),
        );
        let open = self.open.remove(of);
        self.ambiguous.remove(of);
        self.not_attempted.remove(of);
        match (enforced, result) {
            ("not_attempted", _) => {
                self.not_attempted.insert(of.to_owned());
                return;
            }
            ("unknown", "ambiguous") => {
                self.ambiguous.insert(of.to_owned());
                return;
            }
            _ => {}
        }
        if let Some(open) = open
            && result != "cancelled"
        {
            self.touch(open.touched);
        }
        let summary = &mut self.summary;
        summary.outcomes += 1;
        match enforced {
            "failed_open" => summary.failed_open += 1,
            "bypassed" => summary.bypassed += 1,
            "overridden" => summary.overridden += 1,
            _ => {}
        }
        match result {
            "error" => summary.errors += 1,
            "timeout" => summary.timeouts += 1,
            "ambiguous" => {
                self.ambiguous.insert(of.to_owned());
            }
            _ => {}
        }
    }

    fn touch(&mut self, touched: Touched) {
        self.summary.files.written += touched.files.written;
        self.summary.files.deleted += touched.files.deleted;
        self.hosts.extend(touched.hosts);
    }

    /// Decisions about calls that nothing has closed, oldest first. They are closed by this: as not attempted when they
    /// were denied, as ambiguous otherwise; or, where the runtime reports no outcomes at all, counted as unreported.
    pub(super) fn close(&mut self, reported: bool) -> Vec<(String, Open)> {
        let open: Vec<(String, Open)> = std::mem::take(&mut self.open).into_iter().collect();
        if !reported && self.summary.outcomes == 0 {
            self.summary.unreported = open.len() as u64;
            return Vec::new();
        }
        for (id, decision) in &open {
            let held = match decision.effect {
                Effect::Deny => &mut self.not_attempted,
                Effect::Allow | Effect::Ask => &mut self.ambiguous,
            };
            held.insert(id.clone());
        }
        open
    }

    /// The summary of what was read and closed.
    pub(super) fn summary(&self) -> Summary {
        Summary {
            ambiguous: self.ambiguous.len() as u64,
            not_attempted: self.not_attempted.len() as u64,
            hosts: self.hosts.iter().take(MOST_HOSTS).cloned().collect(),
            ..self.summary.clone()
        }
    }
}
