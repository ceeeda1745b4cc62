//! What a run has seen: labels, counters, grants and definitions of tools, folded from its records. Pure.
//!
//! The fold reads only what the records say, never a policy: which labels a call adds was decided when it was recorded.
//! The same fold in plain Python is `armorer_guard.records.state`; a test holds both to the same state.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::minute_of;
use super::line::read_line;
use super::seen::{Added, Line, ServerSeen, ToolsSeen};
use crate::actions::engine::server_of;
use crate::call::ToolPin;
use crate::decision::Effect;
use crate::facts::{FetchedFile, LabelSource, LiveGrant, RunState};
use fetched::FetchedFiles;

/// How many counters a run has; what has no room for one of its own is counted together.
const MAX_COUNTERS: usize = 512;
/// Longest name of a counter, in bytes.
const MAX_NAME: usize = 256;
/// How many grants may be live in a run; a later one is not taken.
const MAX_GRANTS: usize = 256;
/// How many definitions of tools are remembered; a later one is never seen before.
const MAX_PINS: usize = 512;
/// How many labels a run may have: they are words of policies, so a handful.
const MAX_LABELS: usize = 256;
/// Minutes that are counted by the minute.
const MINUTES: u64 = 60;
/// Hours that are counted by the hour.
const HOURS: u64 = 24;

/// What a run has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    labels: BTreeMap<String, Origin>,
    counters: BTreeMap<String, Counter>,
    /// Counts for all names that have no counter of their own.
    others: Counter,
    grants: Vec<Grant>,
    /// The digest of the first definition that was told of each tool.
    pins: BTreeMap<String, String>,
    /// The digest of each tool in the last list of tools that was told; `None` where nobody told one.
    listed: Option<BTreeMap<String, String>>,
    /// What calls brought from the network.
    fetched: FetchedFiles,
}

/// Where a label comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    record: String,
    at: String,
    message: String,
}

/// How often something happened: in all, by minute and by hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    total: u64,
    minutes: Vec<(u64, u64)>,
    hours: Vec<(u64, u64)>,
}

/// A standing permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Grant {
    id: String,
    scope: String,
    action: Option<String>,
    cwd: Option<String>,
    rule: Option<String>,
    policy: Option<String>,
    expires: Option<String>,
    left: Option<u64>,
    /// The files that were to be run, each with the digest it had then.
    operands: Vec<(String, Option<String>)>,
}

impl Counter {
    fn add(&mut self, minute: u64, amount: u64) {
        self.total = self.total.saturating_add(amount);
        bump(&mut self.minutes, minute, amount, MINUTES);
        bump(&mut self.hours, minute / 60, amount, HOURS);
    }

    /// Without a window, or where the clock cannot be read, everything counts.
    fn within(&self, window: Option<Window>, now: Option<u64>) -> u64 {
        let (Some(window), Some(now)) = (window, now) else {
            return self.total;
        };
        let (buckets, now, width) = match window {
            Window::Minutes(width) => (&self.minutes, now, width),
            Window::Day => (&self.hours, now / 60, HOURS),
        };
        buckets
            .iter()
            .filter(|(at, _)| at + width > now)
            .fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }
}

fn bump(buckets: &mut Vec<(u64, u64)>, at: u64, amount: u64, keep: u64) {
    match buckets.iter_mut().find(|(held, _)| *held == at) {
        Some((_, count)) => *count = count.saturating_add(amount),
        None => {
            buckets.push((at, amount));
            buckets.sort_unstable();
        }
    }
    let latest = buckets.last().map_or(at, |(held, _)| *held);
    buckets.retain(|(held, _)| held + keep > latest);
}

/// How far back a counter looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Minutes(u64),
    Day,
}

/// `kind:exec.local/10m`: the name of what is counted, and how far back.
fn counted(name: &str) -> (&str, Option<Window>) {
    let Some((base, window)) = name.rsplit_once('/') else {
        return (name, None);
    };
    match window {
        "1m" => (base, Some(Window::Minutes(1))),
        "10m" => (base, Some(Window::Minutes(10))),
        "1h" => (base, Some(Window::Minutes(60))),
        "1d" => (base, Some(Window::Day)),
        _ => (name, None),
    }
}

/// A call for which grants are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `sha256:…` of tool and arguments.
    pub action: &'a str,
    /// Where it happens.
    pub cwd: Option<&'a str>,
    /// `sha256:…` of the policy that decides.
    pub policy: &'a str,
    /// Wall clock, RFC 3339.
    pub now: &'a str,
    /// Whether a file has that digest (`sha256:…`) now; asked only of files that a grant is bound to.
    pub is_still: fn(&str, &str) -> bool,
}

impl State {
    /// The files that calls of the run brought from the network, sorted by path.
    #[must_use]
    pub fn fetched(&self) -> Vec<FetchedFile> {
        self.fetched.all()
    }

    /// What a decision sees of it: every label, and the counters and grants that it may depend on. Of the files that were
    /// brought, see [`State::fetched`], the call itself says which it is about.
    #[must_use]
    pub fn seen<'a>(
        &self,
        counters: impl Iterator<Item = &'a str>,
        asked: Option<Asked<'_>>,
        now: &str,
    ) -> RunState {
        let minute = minute_of(now);
        let mut counters: Vec<(String, u64)> = counters
            .map(|name| {
                let (base, window) = counted(name);
                let counter = self.counters.get(base).unwrap_or(&self.others);
                (name.to_owned(), counter.within(window, minute))
            })
            .collect();
        counters.sort_unstable();
        counters.dedup();
        RunState {
            labels: self.labels.keys().cloned().collect(),
            counters,
            fetched: Vec::new(),
            sources: self
                .labels
                .iter()
                .map(|(label, origin)| LabelSource {
                    label: label.clone(),
                    record: origin.record.clone(),
                    at: origin.at.clone(),
                    message: origin.message.clone(),
                })
                .collect(),
            grants: asked.map_or_else(Vec::new, |asked| self.live(asked)),
        }
    }

    /// Grants that cover a call, those for exactly this action first.
    fn live(&self, asked: Asked<'_>) -> Vec<LiveGrant> {
        let mut live: Vec<&Grant> = self
            .grants
            .iter()
            .filter(|grant| {
                let of_action = grant.action.as_deref().is_none_or(|action| {
                    action == asked.action && grant.cwd.as_deref() == asked.cwd
                });
                of_action
                    && grant.policy.as_deref() == Some(asked.policy)
                    && grant.is_in_time(asked.now)
                    && grant.operands.iter().all(|(path, digest)| {
                        digest
                            .as_deref()
                            .is_some_and(|digest| (asked.is_still)(path, digest))
                    })
            })
            .collect();
        live.sort_by_key(|grant| (grant.rule.is_some(), grant.id.as_str()));
        live.into_iter()
            .map(|grant| LiveGrant {
                id: grant.id.clone(),
                scope: grant.scope.clone(),
                rule: grant.rule.clone(),
            })
            .collect()
    }

    /// Takes one line of the run's log. Returns whether labels or grants are other than before.
    pub fn take(&mut self, line: &[u8]) -> bool {
        match read_line(line) {
            Some(line) => self.take_record(line),
            None => self.take_unreadable(),
        }
    }

    /// Takes a line that is no record: whatever it said, it may have been worse than nothing.
    pub(super) fn take_unreadable(&mut self) -> bool {
        let mut changed = false;
        for label in ["secret", "untrusted"] {
            changed |= self.label(
                label,
                "a record of this run that cannot be read any more",
                "",
                "",
            );
        }
        changed
    }

    /// As [`State::take`], for a record that was read.
    pub(super) fn take_record(&mut self, line: Line<'_>) -> bool {
        let lapsed = self.lapse(&line.ts);
        let changed = match &*line.kind {
            "decision" => self.take_decision(&line),
            "outcome" => {
                self.take_outcome(&line);
                self.add_labels(&line.labels, &line)
            }
            "run.start" | "run.epoch" => {
                let tools = line.tools.held().filter(|tools| tools.count.is_some());
                tools.is_some_and(|tools| self.take_tools(&tools))
            }
            "grant" => self.take_grant(line),
            "revoke" => self.take_revoke(&line),
            _ => false,
        };
        changed || lapsed
    }

    /// What has lapsed once stays so, also when the clock is set back.
    fn lapse(&mut self, now: &str) -> bool {
        let before = self.grants.len();
        self.grants.retain(|grant| grant.is_in_time(now));
        self.grants.len() != before
    }

    fn take_decision(&mut self, line: &Line<'_>) -> bool {
        let effect = line.verdict.as_ref().and_then(|verdict| verdict.effect);
        let minute = minute_of(&line.ts).unwrap_or_default();
        // A subject that was too long for its line is that of a call: texts have short ones.
        let subject = line.subject.as_ref();
        let tool = subject.and_then(|subject| subject.tool.as_deref());
        if tool == Some("") {
            self.count("texts", minute, 1);
        } else {
            self.count("calls", minute, 1);
            self.count(
                match effect {
                    Some(Effect::Allow) => "allowed",
                    Some(Effect::Ask) => "asked",
                    Some(Effect::Deny) | None => "denied",
                },
                minute,
                1,
            );
        }
        let defined = subject.and_then(|subject| subject.def_digest.as_deref());
        let pinned = match (tool, defined) {
            (Some(tool), Some(defined)) => self.pin_first(tool, defined),
            _ => false,
        };
        if effect == Some(Effect::Deny) {
            return pinned;
        }
        if let Some(subject) = subject {
            if let Some(tool) = tool.filter(|tool| !tool.is_empty()) {
                self.count(&["tool:", tool].concat(), minute, 1);
            }
            if let Some(server) = subject.server.as_deref() {
                self.count(&["server:", server].concat(), minute, 1);
            }
            for kind in &subject.class {
                self.count(&["kind:", kind].concat(), minute, 1);
            }
            if let Some(bytes) = subject.sent_bytes {
                self.count("sent_bytes", minute, bytes);
            }
        }
        let used = line
            .approval
            .as_ref()
            .is_some_and(|approval| self.use_up(&approval.grants));
        let brought = self.take_fetched(line, effect == Some(Effect::Allow));
        let labels = line.verdict.as_ref().map(|verdict| &verdict.labels);
        let labelled = labels.is_some_and(|labels| self.add_labels(labels, line));
        labelled || used || pinned || brought
    }

    /// Takes what a call brought from the network; what it put in the place of that only where it was allowed, as nobody
    /// knows whether the others ran.
    fn take_fetched(&mut self, line: &Line<'_>, allowed: bool) -> bool {
        let Some(subject) = &line.subject else {
            return false;
        };
        let mut changed = !subject.fetched.is_empty();
        if allowed && !self.fetched.is_empty() {
            for path in &subject.replaced {
                changed |= self.fetched.remove(path);
            }
        }
        for file in &subject.fetched {
            self.fetched.add(file, line);
        }
        changed
    }

    /// What a call answered and cost. Of an output that was too long for its line the size is not known any more.
    fn take_outcome(&mut self, line: &Line<'_>) {
        let minute = minute_of(&line.ts).unwrap_or_default();
        let output = line.output.as_ref().filter(|output| output.blob.is_none());
        if let Some(bytes) = output.and_then(|output| output.bytes) {
            self.count("output_bytes", minute, bytes);
        }
        for (name, amount) in &line.spend {
            self.count(&format!("spend:{name}"), minute, *amount);
        }
    }

    /// Takes a list of the tools that the agent can see. Each that comes for the first time is pinned.
    fn take_tools(&mut self, tools: &ToolsSeen<'_>) -> bool {
        let mut listed = BTreeMap::new();
        for server in &tools.servers {
            for tool in &server.tools {
                let name = called(&server.name, &tool.name, &tools.servers);
                self.pin_first(&name, &tool.def_digest);
                if listed.len() < MAX_PINS && is_short(&name, &tool.def_digest) {
                    listed.insert(name.into_owned(), tool.def_digest.clone().into_owned());
                }
            }
        }
        self.listed = Some(listed);
        true
    }

    /// Remembers how a tool was first defined. Returns whether that is new.
    fn pin_first(&mut self, tool: &str, definition: &str) -> bool {
        let room = self.pins.len() < MAX_PINS && is_short(tool, definition);
        if !room || self.pins.contains_key(tool) {
            return false;
        }
        self.pins.insert(tool.to_owned(), definition.to_owned());
        true
    }

    /// How a tool's definition compares with the first one of this run, and with the one that a policy pins. `definition`
    /// is what the call says of it, else that of the last list counts; `None` where neither says anything.
    #[must_use]
    pub fn pin(
        &self,
        tool: &str,
        definition: Option<&str>,
        pinned: Option<&str>,
    ) -> Option<ToolPin> {
        let of_server = server_of(tool);
        let now = match (definition, &self.listed) {
            (Some(told), _) => told,
            (None, Some(listed)) => match listed.get(tool) {
                Some(told) => told,
                // A list names every tool of the servers: this one has come since.
                None => return of_server.map(|_| ToolPin::New),
            },
            (None, None) => return None,
        };
        let first = self.pins.get(tool).map(String::as_str);
        if [first, pinned]
            .into_iter()
            .flatten()
            .any(|held| held != now)
        {
            return Some(ToolPin::Changed);
        }
        let shadowed = of_server.is_some_and(|(server, name)| {
            self.pins.keys().any(|held| {
                server_of(held).is_some_and(|(other, held)| held == name && other != server)
            })
        });
        Some(match first.or(pinned) {
            _ if shadowed => ToolPin::Shadowed,
            Some(_) => ToolPin::Ok,
            None => ToolPin::New,
        })
    }

    fn count(&mut self, name: &str, minute: u64, amount: u64) {
        if let Some(counter) = self.counters.get_mut(name) {
            counter.add(minute, amount);
        } else if self.counters.len() < MAX_COUNTERS && name.len() <= MAX_NAME {
            self.counters
                .entry(name.to_owned())
                .or_default()
                .add(minute, amount);
        } else {
            self.others.add(minute, amount);
        }
    }

    fn add_labels(&mut self, labels: &[Added<'_>], line: &Line<'_>) -> bool {
        let mut changed = false;
        for added in labels {
            changed |= self.label(&added.label, &added.message, &line.id, &line.ts);
        }
        changed
    }

    /// The first record that gives a label is the one that is told.
    fn label(&mut self, label: &str, message: &str, record: &str, at: &str) -> bool {
        if self.labels.contains_key(label) || self.labels.len() >= MAX_LABELS {
            return false;
        }
        self.labels.insert(
            label.to_owned(),
            Origin {
                record: record.to_owned(),
                at: at.to_owned(),
                message: message.to_owned(),
            },
        );
        true
    }

    fn take_grant(&mut self, line: Line<'_>) -> bool {
        let Some(given) = line.grant else {
            return false;
        };
        let bound = given.bound.unwrap_or_default();
        // A grant that is bound to nothing would answer everything.
        let sound =
            bound.policy.is_some() && (bound.action_digest.is_some() || bound.rule.is_some());
        if !sound || self.grants.len() >= MAX_GRANTS || given.max_uses == Some(0) {
            return false;
        }
        let owned = |text: Cow<'_, str>| text.into_owned();
        self.grants.retain(|held| *held.id != *given.id);
        self.grants.push(Grant {
            id: owned(given.id),
            scope: given.scope.map(owned).unwrap_or_default(),
            action: bound.action_digest.map(owned),
            cwd: bound.cwd.map(owned),
            rule: bound.rule.map(owned),
            policy: bound.policy.map(owned),
            expires: given.expires.map(owned),
            left: given.max_uses,
            operands: bound
                .operands
                .into_iter()
                .map(|operand| (owned(operand.path), operand.digest.map(owned)))
                .collect(),
        });
        true
    }

    fn take_revoke(&mut self, line: &Line<'_>) -> bool {
        let before = self.grants.len();
        if let Some(id) = line.grant_id.as_deref() {
            self.grants.retain(|grant| grant.id != id);
        }
        self.grants.len() != before
    }

    fn use_up(&mut self, ids: &[Cow<'_, str>]) -> bool {
        let mut changed = false;
        for grant in &mut self.grants {
            if let Some(left) = &mut grant.left
                && ids.iter().any(|id| **id == *grant.id)
            {
                *left = left.saturating_sub(1);
                changed = true;
            }
        }
        self.grants.retain(|grant| grant.left != Some(0));
        changed
    }
}

/// The name by which a tool of a list is called: tools of servers are called `mcp__SERVER__NAME` where the list does not
/// say so itself, and those of the runtime by their own name, which no server shares.
fn called<'a>(server: &str, tool: &'a str, servers: &[ServerSeen<'_>]) -> Cow<'a, str> {
    let shared = || {
        servers.iter().any(|other| {
            *other.name != *server && other.tools.iter().any(|held| *held.name == *tool)
        })
    };
    if tool.starts_with("mcp__") || !shared() {
        Cow::Borrowed(tool)
    } else {
        Cow::Owned(format!("mcp__{server}__{tool}"))
    }
}

fn is_short(tool: &str, definition: &str) -> bool {
    tool.len() <= MAX_NAME && definition.len() <= MAX_NAME
}

impl Grant {
    /// A clock or an end that cannot be read ends it.
    fn is_in_time(&self, now: &str) -> bool {
        self.expires.as_deref().is_none_or(|expires| {
            minute_of(now).is_some() && minute_of(expires).is_some() && now < expires
        })
    }
}

mod fetched;
#[cfg(test)]
mod tests;
