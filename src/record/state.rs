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
use crate::facts::{LabelSource, LiveGrant, RunState};

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
    /// What a decision sees of it: every label, and the counters and grants that it may depend on.
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
                self.count(&format!("tool:{tool}"), minute, 1);
            }
            if let Some(server) = subject.server.as_deref() {
                self.count(&format!("server:{server}"), minute, 1);
            }
            for kind in &subject.class {
                self.count(&format!("kind:{kind}"), minute, 1);
            }
            if let Some(bytes) = subject.sent_bytes {
                self.count("sent_bytes", minute, bytes);
            }
        }
        let used = line
            .approval
            .as_ref()
            .is_some_and(|approval| self.use_up(&approval.grants));
        let labels = line.verdict.as_ref().map(|verdict| &verdict.labels);
        labels.is_some_and(|labels| self.add_labels(labels, line)) || used || pinned
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

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(effect: &str, tool: &str, ts: &str, more: &str) -> String {
        format!(
            r#"{{"kind":"decision","id":"R","ts":"{ts}","subject":{{"tool":"{tool}","server":null,"class":["fs.read"]}},"verdict":{{"effect":"{effect}"{more}}},"approval":null}}"#
        )
    }

    const LABEL: &str = r#","labels":[{"label":"secret","message":"read it"}]"#;

    fn folded(lines: &[String]) -> State {
        let mut state = State::default();
        for line in lines {
            state.take(line.as_bytes());
        }
        state
    }

    fn count(state: &State, name: &str, now: &str) -> u64 {
        state.seen([name].into_iter(), None, now).counters[0].1
    }

    #[test]
    fn what_may_have_run_leaves_its_labels_and_what_was_denied_does_not() {
        let at = "2026-11-22T09:41:07.123456Z";
        for (effect, labels) in [("allow", 1), ("ask", 1), ("deny", 0)] {
            let state = folded(&[decision(effect, "Bash", at, LABEL)]);
            let seen = state.seen([].into_iter(), None, at);
            assert_eq!(seen.labels.len(), labels, "{effect}");
            assert_eq!(seen.sources.len(), labels);
        }
        let told = r#"{"kind":"outcome","id":"O","ts":"2026-11-22T09:41:08.000000Z","labels":[{"label":"secret","message":"it ran"}]}"#;
        let seen = folded(&[decision("deny", "Bash", at, LABEL), told.to_owned()]).seen(
            [].into_iter(),
            None,
            at,
        );
        assert_eq!(seen.labels, ["secret"]);
        assert_eq!(
            (
                seen.sources[0].record.as_str(),
                seen.sources[0].message.as_str()
            ),
            ("O", "it ran")
        );
    }

    #[test]
    fn counters_look_as_far_back_as_their_window() {
        let lines: Vec<String> = ["09:00", "09:05", "09:55", "10:00"]
            .iter()
            .map(|clock| {
                decision(
                    "allow",
                    "Bash",
                    &format!("2026-11-22T{clock}:01.000000Z"),
                    "",
                )
            })
            .collect();
        let state = folded(&lines);
        for (name, now, expected) in [
            ("calls", "2026-11-22T10:00:30Z", 4),
            ("tool:Bash/1m", "2026-11-22T10:00:30Z", 1),
            ("tool:Bash/1m", "2026-11-22T10:01:00Z", 0),
            ("kind:fs.read/10m", "2026-11-22T10:00:30Z", 2),
            ("calls/1h", "2026-11-22T10:00:30Z", 3),
            ("calls/1d", "2026-11-23T08:59:00Z", 4),
            ("calls/1d", "2026-11-23T09:00:00Z", 1),
            ("calls/1h", "no clock", 4),
            ("tool:Read", "2026-11-22T10:00:30Z", 0),
            ("denied", "2026-11-22T10:00:30Z", 0),
        ] {
            assert_eq!(count(&state, name, now), expected, "{name} at {now}");
        }
    }

    #[test]
    fn names_without_room_are_counted_together_and_never_too_low() {
        let at = "2026-11-22T09:41:07.123456Z";
        let lines: Vec<String> = (0..MAX_COUNTERS + 40)
            .map(|number| decision("allow", &format!("t{number}"), at, ""))
            .collect();
        let state = folded(&lines);
        assert!(count(&state, &format!("tool:t{}", MAX_COUNTERS + 39), at) >= 40);
        assert_eq!(count(&state, "tool:t0", at), 1);
    }

    #[test]
    fn a_line_that_cannot_be_read_counts_against_the_run() {
        let mut state = State::default();
        assert!(state.take(b"{\"kind\":7"));
        assert_eq!(
            state.seen([].into_iter(), None, "").labels,
            ["secret", "untrusted"]
        );
    }

    fn grant(id: &str, bound: &str, more: &str) -> String {
        format!(
            r#"{{"kind":"grant","id":"G","ts":"t","grant":{{"id":"{id}","scope":"once","match":{bound}{more}}}}}"#
        )
    }

    const NOW: &str = "2026-11-22T09:41:07.123456Z";
    const EXACT: &str = r#"{"action_digest":"A","cwd":"/w","policy":"P"}"#;

    fn live(state: &State, action: &str, cwd: &str, policy: &str, now: &str) -> Vec<String> {
        let asked = Asked {
            action,
            cwd: Some(cwd),
            policy,
            now,
            is_still: |path, digest| (path, digest) == ("/w/deploy.sh", "sha256:1"),
        };
        state
            .seen([].into_iter(), Some(asked), now)
            .grants
            .into_iter()
            .map(|grant| grant.id)
            .collect()
    }

    #[test]
    fn a_grant_covers_what_it_is_bound_to_and_nothing_else() {
        let state = folded(&[grant("g", EXACT, "")]);
        assert_eq!(live(&state, "A", "/w", "P", NOW), ["g"]);
        for (action, cwd, policy) in [("B", "/w", "P"), ("A", "/x", "P"), ("A", "/w", "Q")] {
            assert!(live(&state, action, cwd, policy, NOW).is_empty());
        }
        let unbound = folded(&[
            grant("g", "{}", ""),
            grant("h", r#"{"policy":"P"}"#, ""),
            grant("i", r#"{"action_digest":"A"}"#, ""),
        ]);
        assert!(live(&unbound, "A", "/w", "P", NOW).is_empty());
    }

    #[test]
    fn a_grant_for_a_file_holds_while_that_file_is_the_same() {
        let bound = |operands: &str| {
            let bound = EXACT.replace('}', &format!(r#","operands":{operands}}}"#));
            live(&folded(&[grant("g", &bound, "")]), "A", "/w", "P", NOW).len()
        };
        assert_eq!(bound("[]"), 1);
        assert_eq!(bound(r#"[{"path":"/w/deploy.sh","digest":"sha256:1"}]"#), 1);
        for other in [
            r#"[{"path":"/w/deploy.sh","digest":"sha256:2"}]"#,
            r#"[{"path":"/w/other.sh","digest":"sha256:1"}]"#,
            r#"[{"path":"/w/deploy.sh"}]"#,
            r#"[{"path":"/w/deploy.sh","digest":"sha256:1"},{"path":"/w/x","digest":"sha256:1"}]"#,
        ] {
            assert_eq!(bound(other), 0, "{other}");
        }
    }

    #[test]
    fn what_calls_answered_and_cost_is_added_up() {
        let outcome = |clock: &str, output: &str, spend: &str| {
            format!(
                r#"{{"kind":"outcome","id":"O","ts":"2026-11-22T{clock}:00.000000Z","output":{output}{spend}}}"#
            )
        };
        let state = folded(&[
            outcome("09:00", r#"{"bytes":7}"#, r#","spend":{"usd_micros":40}"#),
            outcome(
                "10:00",
                r#"{"bytes":5}"#,
                r#","spend":{"usd_micros":2,"tokens":9}"#,
            ),
            outcome("10:00", r#"{"bytes":null}"#, ""),
            outcome("10:00", r#"{"$blob":"sha256:1","bytes":70000}"#, ""),
            outcome(
                "10:00",
                "null",
                &format!(r#","spend":{{"tokens":{}}}"#, u64::MAX),
            ),
        ]);
        for (name, expected) in [
            ("output_bytes", 12),
            ("output_bytes/10m", 5),
            ("spend:usd_micros", 42),
            ("spend:usd_micros/1m", 2),
            ("spend:tokens", u64::MAX),
            ("spend:tokens/1d", u64::MAX),
            ("calls", 0),
        ] {
            assert_eq!(
                count(&state, name, "2026-11-22T10:00:30Z"),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_tool_is_pinned_by_the_first_definition_that_was_told() {
        let told = |tool: &str, digest: &str| {
            format!(
                r#"{{"kind":"decision","id":"R","ts":"{NOW}","subject":{{"tool":"{tool}","def_digest":"{digest}"}},"verdict":{{"effect":"deny"}}}}"#
            )
        };
        let state = folded(&[
            told("mcp__a__read", "1"),
            told("mcp__a__read", "2"),
            decision("allow", "mcp__c__read", NOW, ""),
        ]);
        for (tool, digest, pin) in [
            ("mcp__a__read", "1", ToolPin::Ok),
            ("mcp__a__read", "2", ToolPin::Changed),
            ("mcp__b__read", "1", ToolPin::Shadowed),
            ("mcp__a__write", "1", ToolPin::New),
            ("read", "1", ToolPin::New),
        ] {
            assert_eq!(
                state.pin(tool, Some(digest), None),
                Some(pin),
                "{tool} {digest}"
            );
        }
        let both = folded(&[told("mcp__a__read", "1"), told("mcp__b__read", "1")]);
        let of_both = |digest| both.pin("mcp__a__read", Some(digest), None);
        assert_eq!(of_both("1"), Some(ToolPin::Shadowed));
        assert_eq!(of_both("2"), Some(ToolPin::Changed));
    }

    #[test]
    fn a_list_of_tools_pins_them_and_says_what_they_are_from_there_on() {
        let told = |kind: &str, count: &str, servers: &str| {
            format!(
                r#"{{"kind":"{kind}","id":"R","ts":"{NOW}","tools":{{"count":{count},"servers":[{servers}]}}}}"#
            )
        };
        let server = |name: &str, tool: &str, digest: &str| {
            format!(r#"{{"name":"{name}","tools":[{{"name":"{tool}","def_digest":"{digest}"}}]}}"#)
        };
        let first = told(
            "run.start",
            "2",
            &[server("a", "mcp__a__read", "1"), server("rt", "run", "5")].join(","),
        );
        let servers_only = told("run.epoch", "null", &server("a", "mcp__a__other", "7"));
        let started = folded(&[first.clone(), servers_only]);
        let second = told("run.epoch", "1", &server("a", "mcp__a__read", "2"));
        let changed = folded(&[first, second]);
        for (state, tool, definition, pinned, pin) in [
            (&started, "mcp__a__read", None, None, Some(ToolPin::Ok)),
            (
                &started,
                "mcp__a__read",
                Some("2"),
                None,
                Some(ToolPin::Changed),
            ),
            (
                &started,
                "mcp__a__read",
                None,
                Some("9"),
                Some(ToolPin::Changed),
            ),
            (&started, "mcp__a__other", None, None, Some(ToolPin::New)),
            (&started, "run", None, None, Some(ToolPin::Ok)),
            (&started, "Bash", None, None, None),
            (&changed, "mcp__a__read", None, None, Some(ToolPin::Changed)),
            (&changed, "mcp__a__read", Some("1"), None, Some(ToolPin::Ok)),
            (&changed, "run", Some("5"), None, Some(ToolPin::Ok)),
            (
                &State::default(),
                "run",
                Some("5"),
                None,
                Some(ToolPin::New),
            ),
            (
                &State::default(),
                "run",
                Some("5"),
                Some("5"),
                Some(ToolPin::Ok),
            ),
            (
                &State::default(),
                "run",
                Some("5"),
                Some("6"),
                Some(ToolPin::Changed),
            ),
            (&State::default(), "run", None, Some("6"), None),
        ] {
            assert_eq!(
                state.pin(tool, definition, pinned),
                pin,
                "{tool} {definition:?} {pinned:?}"
            );
        }
        // A name that two servers share is not the name by which either is called.
        let both = told(
            "run.start",
            "2",
            &[server("a", "read", "1"), server("b", "read", "2")].join(","),
        );
        let both = folded(&[both]);
        assert_eq!(
            both.pin("mcp__a__read", None, None),
            Some(ToolPin::Shadowed)
        );
        assert_eq!(both.pin("read", None, None), None);
    }

    #[test]
    fn a_grant_ends_by_use_by_time_and_by_being_taken_back() {
        let once = grant("g", EXACT, r#","max_uses":1"#);
        let used = format!(
            r#"{{"kind":"decision","id":"D","ts":"{NOW}","subject":{{"tool":"Bash"}},"verdict":{{"effect":"allow"}},"approval":{{"grants":["g"]}}}}"#
        );
        assert!(live(&folded(&[once.clone(), used]), "A", "/w", "P", NOW).is_empty());
        let ends = grant("g", EXACT, r#","expires":"2026-11-22T09:41:08.000000Z""#);
        assert_eq!(
            live(&folded(std::slice::from_ref(&ends)), "A", "/w", "P", NOW),
            ["g"]
        );
        assert!(
            live(
                &folded(std::slice::from_ref(&ends)),
                "A",
                "/w",
                "P",
                "2026-11-22T09:41:08.000000Z"
            )
            .is_empty()
        );
        assert!(live(&folded(std::slice::from_ref(&ends)), "A", "/w", "P", "soon").is_empty());
        let later = r#"{"kind":"note","id":"N","ts":"2026-11-22T09:41:09.000000Z"}"#;
        // The clock was set back after that record: what has lapsed does not come back.
        let lapsed = folded(&[ends, later.to_owned()]);
        assert!(live(&lapsed, "A", "/w", "P", NOW).is_empty());
        let revoked = r#"{"kind":"revoke","id":"V","ts":"t","grant_id":"g"}"#;
        assert!(live(&folded(&[once, revoked.to_owned()]), "A", "/w", "P", NOW).is_empty());
    }
}
