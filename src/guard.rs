//! The straight line: understand, decide, record, answer, in that order and only here.
//!
//! What is broken (policy, store) is answered at each call, and strictly: what writes, executes or sends is denied,
//! a pure read is allowed with a gap that is said. Nothing here prints, and no clear secret leaves this file.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use crate::actions::{self, Action, ActionKind, Own};
use crate::builtin::{self, Damaged};
use crate::call::{Call, Caller, Context, Surface, Text};
use crate::decision::{Decision, Determining, Effect, Timings, Verdict};
use crate::facts::{Facts, Phase, RunState};
use crate::home_packs::{self, Extended};
use crate::json::{StringRole, Value, pointer_push};
use crate::policy::{self, Policy, PolicyError};
use crate::record::opening::Opening;
use crate::record::{
    self, Appended, Asked, Durability, Outcome, State, Store, StoreError, Unrecorded,
};
use crate::rules::RuleError;
use crate::scan::{self, Finding, Mark, NoTags, Scanner, Tagger};
use crate::span::ByteSpan;

/// Shorter pieces of a secret are ordinary words, and shorter names hold none.
const MIN_PIECE: usize = 12;

/// What joins the parts of a tool's name.
const JOINT: &str = "__";
/// Longer texts are no names of tools.
const LONGEST_NAME: usize = 512;

/// How a guard is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where store, policy and keys live. `None`: nothing is recorded and the built-in policy decides.
    pub home: Option<PathBuf>,
    /// Whether decisions are recorded below `home`.
    pub record: bool,
}

/// Decides calls. Safe to share between threads.
#[derive(Debug)]
pub struct Guard {
    /// Whether what was built in can be used: without it nothing is judged, and nothing of a call is kept.
    tables: Result<(), Damaged>,
    policy: Result<PolicySource, PolicyError>,
    /// The person's own packs with those that ship, when there are any; else what is wrong with them.
    packs: Result<Option<Extended>, String>,
    /// What the policy says about the user's own tools and programs.
    own: Option<&'static Own>,
    /// Where records go. Also without, the decision that could not be recorded is remembered there.
    store: Option<Opening>,
    /// What is answered where that cannot be written.
    unrecorded: Unrecorded,
    /// The run of calls that name none: one for the life of this guard.
    own_run: OnceLock<String>,
    /// Set when the store is known to hold the policy that decides.
    policy_kept: OnceLock<()>,
}

#[derive(Debug)]
enum PolicySource {
    Builtin,
    Active(Box<Policy>),
}

impl Guard {
    /// Sets up a guard. Never fails: what is broken (policy, store) is answered at each call, strictly.
    #[must_use]
    pub fn open(options: &Options) -> Self {
        let policy = match &options.home {
            Some(home) => policy::load_active(home).map(|active| {
                active.map_or(PolicySource::Builtin, |policy| {
                    PolicySource::Active(Box::new(policy))
                })
            }),
            None => Ok(PolicySource::Builtin),
        };
        let packs = match &options.home {
            Some(home) => home_packs::load(home).map_err(|errors| said(&errors)),
            None => Ok(None),
        };
        let (policy, own) = with_own(policy);
        let store = match &options.home {
            Some(home) if options.record => Some(Opening::new(home.clone())),
            _ => None,
        };
        Self {
            tables: builtin::sound(),
            policy,
            packs,
            own,
            store,
            unrecorded: Unrecorded::default(),
            own_run: OnceLock::new(),
            policy_kept: OnceLock::new(),
        }
    }

    /// The same guard, understanding calls by what `own` says about tools and programs instead of what the policy in force
    /// says: `{"tools": […], "commands": […]}`.
    ///
    /// # Errors
    /// One sentence for each thing that is wrong with it.
    pub fn with_own(mut self, own: &str) -> Result<Self, Vec<String>> {
        self.own = Some(Own::compile(own, builtin::catalogue())?);
        Ok(self)
    }

    /// The same guard with another rule for what is synced before it is answered.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self {
            store: self.store.map(|store| store.with_durability(durability)),
            ..self
        }
    }

    /// The same guard with another answer to calls that cannot be recorded.
    #[must_use]
    pub fn with_unrecorded(self, unrecorded: Unrecorded) -> Self {
        Self { unrecorded, ..self }
    }

    /// Understands, decides, records and answers a call.
    #[must_use]
    pub fn check(&self, call: Call) -> Decision {
        let started = Instant::now();
        // From the name as the runtime gave it, before scrubbing: outcomes find the run by the same name.
        let run = self.run_id(&call.caller.runtime, call.caller.run.as_deref());
        let call = if self.tables.is_ok() {
            call
        } else {
            withheld(call)
        };
        let understanding = actions::understand_with(&call, builtin::catalogue(), self.own);
        let findings = self.scanner().scan_value(&call.args, Surface::ToolArgs);
        let (args, marks) = scan::redact_value(&call.args, &findings, self.tagger());
        let scrubber = Scrubber::of_call(&call.args, &findings, self.tagger(), self.scanner());
        let facts = Facts {
            phase: Phase::Pre,
            tool: scrubber.scrub(call.tool),
            server: understanding.server.map(|server| scrubber.scrub(server)),
            pin: call.pin,
            surface: Surface::ToolArgs,
            actions: understanding
                .actions
                .into_iter()
                .map(|action| scrubber.scrub_action(action))
                .collect(),
            findings: findings
                .into_iter()
                .map(|finding| scrubber.scrub_finding(finding))
                .collect(),
            args,
            context: scrubber.scrub_context(call.context),
            caller: scrubber.scrub_caller(call.caller),
            state: RunState::default(),
            now: record::rfc3339_micros(SystemTime::now()),
        };
        let marks = marks
            .into_iter()
            .map(|mark| Mark {
                at: scrubber.scrub_pointer(&mark.at),
                ..mark
            })
            .collect();
        self.conclude(run, facts, marks, started)
    }

    /// As [`Guard::check`], for a text by itself.
    #[must_use]
    pub fn check_text(&self, text: Text) -> Decision {
        let started = Instant::now();
        let run = self.run_id(&text.caller.runtime, text.caller.run.as_deref());
        let text = if self.tables.is_ok() {
            text
        } else {
            Text {
                bytes: Vec::new(),
                caller: nobody(text.caller),
                ..text
            }
        };
        let findings = self.scanner().scan(&text.bytes, text.surface);
        let (redacted, marks) = scan::redact(&text.bytes, &findings, self.tagger());
        let scrubber = Scrubber::new(self.tagger(), self.scanner());
        let facts = Facts {
            phase: Phase::Text,
            tool: String::new(),
            server: None,
            pin: None,
            surface: text.surface,
            actions: Vec::new(),
            findings,
            args: Value::String(into_text(redacted)),
            context: Context::default(),
            caller: scrubber.scrub_caller(text.caller),
            state: RunState::default(),
            now: record::rfc3339_micros(SystemTime::now()),
        };
        self.conclude(run, facts, marks, started)
    }

    /// Findings of a text and the text without them; decides and records nothing.
    ///
    /// # Errors
    /// [`Damaged`] when the rules that ship cannot be read.
    pub fn scan(&self, bytes: &[u8], surface: Surface) -> Result<(Vec<Finding>, Vec<u8>), Damaged> {
        self.tables?;
        let findings = self.scanner().scan(bytes, surface);
        let (redacted, _) = scan::redact(bytes, &findings, self.tagger());
        Ok((findings, redacted))
    }

    /// Records what the runtime did with a decision.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be recorded, also when this guard records nothing.
    pub fn outcome(&self, outcome: &Outcome) -> Result<Appended, StoreError> {
        self.tables.map_err(|damaged| StoreError {
            kind: Damaged::KIND,
            message: damaged.to_string(),
        })?;
        // As in the decision: what a runtime names a call may hold anything, and both must be named alike to be matched.
        let scrubber = Scrubber::new(self.tagger(), self.scanner());
        let outcome = Outcome {
            call_id: scrubber.scrub_option(outcome.call_id.clone()),
            tool: scrubber.scrub(outcome.tool.clone()),
            ..outcome.clone()
        };
        self.open_store()?.append_outcome(&outcome)
    }

    /// Id of the run with the runtime's name `name`; for `None`, of this guard's own run.
    #[must_use]
    pub fn run_id(&self, runtime: &str, name: Option<&str>) -> String {
        match name {
            Some(name) => record::named_run(runtime, name),
            None => self.own_run.get_or_init(record::new_id).clone(),
        }
    }

    /// The policy in force.
    ///
    /// # Errors
    /// [`PolicyError`] when the active policy cannot be used.
    pub fn policy(&self) -> Result<&Policy, &PolicyError> {
        match &self.policy {
            Ok(PolicySource::Builtin) => builtin::policy(),
            Ok(PolicySource::Active(policy)) => Ok(policy),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn open_store(&self) -> Result<&Store, StoreError> {
        match &self.store {
            Some(store) => store.get(),
            None => Err(StoreError {
                kind: "store_off",
                message: String::from("this guard was opened without a store"),
            }),
        }
    }

    /// What finds: the rules that ship, and the person's own while nothing is wrong with them.
    pub(crate) fn scanner(&self) -> &Scanner {
        match &self.packs {
            Ok(Some(extended)) => &extended.scanner,
            _ => builtin::scanner(),
        }
    }

    pub(crate) fn tagger(&self) -> &dyn Tagger {
        match self.store.as_ref().map(Opening::get) {
            Some(Ok(store)) => store,
            _ => &NoTags,
        }
    }

    /// Decides and records, in one step where a log is kept: see [`Store::decide`].
    fn conclude(&self, run: String, facts: Facts, marks: Vec<Mark>, started: Instant) -> Decision {
        let mut decision = Decision {
            id: record::new_id(),
            action_digest: record::action_digest(&facts.tool, &facts.args),
            facts,
            // Until it is judged; strict, should that never come about.
            verdict: unjudged(),
            facts_digest: String::new(),
            marks,
            packs: match &self.packs {
                Ok(Some(extended)) => Some(extended.digest.clone()),
                _ => None,
            },
            line: None,
            timings: Timings {
                understand_us: micros(started, Instant::now()),
                ..Timings::default()
            },
            run,
        };
        let mut judged = false;
        let failure = match self.store.as_ref().map(Opening::get) {
            None => None,
            Some(Err(error)) => Some(error),
            Some(Ok(store)) => {
                self.keep_policy(store);
                let run = decision.run.clone();
                let runtime = decision.facts.caller.runtime.clone();
                let (slot, judged) = (&mut decision, &mut judged);
                let appended = store.decide(&run, &runtime, move |state| {
                    self.judge(slot, Some(state));
                    *judged = true;
                    if slot.facts_digest.is_empty() {
                        return Err(StoreError {
                            kind: StoreError::CORRUPTED,
                            message: String::from("facts cannot be written as JSON"),
                        });
                    }
                    Ok(&*slot)
                });
                match appended {
                    Ok(appended) => {
                        decision.line = Some(appended.line);
                        None
                    }
                    Err(error) => Some(error),
                }
            }
        };
        if !judged {
            self.judge(&mut decision, None);
        }
        if let Some(error) = failure {
            without_store(&mut decision, &error, self.unrecorded);
            if let Some(store) = &self.store {
                let adapter = &decision.facts.caller.runtime;
                store.lost(&error, decision.verdict.effect, adapter);
            }
        }
        let timings = &mut decision.timings;
        timings.total_us = micros(started, Instant::now());
        timings.record_us = timings
            .total_us
            .saturating_sub(timings.understand_us + timings.decide_us);
        decision
    }

    /// Decides about a call, given what its run has seen. Without a log nothing is known of that.
    fn judge(&self, decision: &mut Decision, state: Option<&State>) {
        let deciding = Instant::now();
        let facts = &mut decision.facts;
        let policy = self.policy();
        if let (Some(state), Ok(policy)) = (state, policy) {
            let asked = Asked {
                action: &decision.action_digest,
                cwd: facts.context.cwd.as_deref(),
                policy: policy.digest(),
                now: &facts.now,
            };
            let asked = (facts.phase == Phase::Pre).then_some(asked);
            facts.state = state.seen(policy.counters(), asked, &facts.now);
        }
        let verdict = match policy {
            _ if self.tables.is_err() => without_tables(self.tables),
            Ok(policy) => policy::decide(facts, policy),
            Err(error) => without_policy(facts, error),
        };
        decision.verdict = match &self.packs {
            Ok(_) => verdict,
            Err(what) => without_packs(facts, verdict, what),
        };
        decision.facts_digest = record::facts_digest(facts).unwrap_or_default();
        decision.timings.decide_us = micros(deciding, Instant::now());
    }

    /// Puts the built-in policy beside the records, so that its decisions can be replayed by another version; an
    /// activated policy lies there already. A failure only costs the replay and is no reason to deny: a store that
    /// cannot be written shows in the append that follows.
    fn keep_policy(&self, store: &Store) {
        if self.policy_kept.get().is_none()
            && matches!(self.policy, Ok(PolicySource::Builtin))
            && let Ok(policy) = self.policy()
            && store
                .keep(policy.digest(), || builtin::policy_text().to_vec())
                .is_ok()
        {
            let _ = self.policy_kept.set(());
        }
    }
}

/// The policy with what it says about tools and programs. What cannot be used of that makes the policy unusable: without
/// it calls would be understood otherwise than the policy was tested with.
fn with_own(
    policy: Result<PolicySource, PolicyError>,
) -> (Result<PolicySource, PolicyError>, Option<&'static Own>) {
    let text = match &policy {
        Ok(PolicySource::Active(policy)) => policy.own(),
        _ => "",
    };
    if text.is_empty() {
        return (policy, None);
    }
    match Own::compile(text, builtin::catalogue()) {
        Ok(own) => (policy, Some(own)),
        Err(errors) => {
            let error = PolicyError {
                kind: "policy_tools",
                message: errors.join("; "),
            };
            (Err(error), None)
        }
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.duration_since(from).as_micros()).unwrap_or(u64::MAX)
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Whether nothing but reading would happen: what a guard that cannot work still lets through.
fn only_reads(facts: &Facts) -> bool {
    facts.actions.iter().all(|action| {
        matches!(
            action.kind,
            ActionKind::FsRead | ActionKind::DbRead | ActionKind::CloudRead
        )
    })
}

fn guard_failure(facts: &Facts, rule: &str, what: &str) -> Determining {
    let (effect, message) = if only_reads(facts) {
        (
            Effect::Allow,
            format!("{what}; only reads, so it is allowed and the gap is noted"),
        )
    } else {
        (
            Effect::Deny,
            format!(
                "{what}; what changes, runs or sends something is denied until that is repaired"
            ),
        )
    };
    Determining {
        rule: rule.to_owned(),
        effect,
        layer: String::from("builtin"),
        message,
        actions: Vec::new(),
        findings: Vec::new(),
        unknown: false,
    }
}

/// What is answered should a judgement be missing.
const fn unjudged() -> Verdict {
    Verdict {
        effect: Effect::Deny,
        determining: Vec::new(),
        near: Vec::new(),
        obligations: Vec::new(),
        labels: Vec::new(),
        grants: Vec::new(),
        observes: false,
        policy_digest: String::new(),
    }
}

/// A call of which nothing is known and nothing may be kept: secrets in it would not be seen.
fn withheld(call: Call) -> Call {
    Call {
        tool: String::new(),
        args: Value::Null,
        pin: None,
        context: Context::default(),
        caller: nobody(call.caller),
    }
}

/// A caller of whom only the runtime is said, whose name is ours.
fn nobody(caller: Caller) -> Caller {
    Caller {
        runtime: caller.runtime,
        ..Caller::default()
    }
}

/// Of a text too nothing is known then, so reading one is not let through either.
fn without_tables(tables: Result<(), Damaged>) -> Verdict {
    let what = tables.map_or_else(|damaged| damaged.to_string(), |()| String::new());
    without(Determining {
        rule: String::from("error.tables"),
        effect: Effect::Deny,
        layer: String::from("builtin"),
        message: format!("{what}; everything is denied until then"),
        actions: Vec::new(),
        findings: Vec::new(),
        unknown: true,
    })
}

fn without_policy(facts: &Facts, error: &PolicyError) -> Verdict {
    without(guard_failure(
        facts,
        "error.policy",
        &format!(
            "the active policy cannot be used ({}: {})",
            error.kind, error.message
        ),
    ))
}

fn without(determining: Determining) -> Verdict {
    Verdict {
        effect: determining.effect,
        determining: vec![determining],
        ..unjudged()
    }
}

/// What is wrong with packs, the first of it.
fn said(errors: &[RuleError]) -> String {
    let first = errors.first().map_or_else(
        || String::from("they cannot be opened"),
        RuleError::to_string,
    );
    match errors.len() {
        0 | 1 => first,
        count => format!("{first}, and {} more", count - 1),
    }
}

/// Without the person's own rules a decision is stricter: what they would have found is not known.
fn without_packs(facts: &Facts, mut verdict: Verdict, what: &str) -> Verdict {
    let what = format!("the packs in the guard's home cannot be used ({what})");
    stricter(&mut verdict, guard_failure(facts, "error.packs", &what));
    verdict
}

/// Adds what failed to what decided; where it is stricter than that, it decides alone.
fn stricter(verdict: &mut Verdict, failure: Determining) {
    if failure.effect > verdict.effect {
        verdict.effect = failure.effect;
        verdict.determining = vec![failure];
    } else {
        verdict.determining.push(failure);
    }
}

/// A decision that could not be recorded is stricter, unless the person wants it otherwise: it stays a denial, and
/// everything but a read becomes one.
fn without_store(decision: &mut Decision, error: &StoreError, unrecorded: Unrecorded) {
    let what = format!(
        "the decision could not be recorded ({}: {})",
        error.kind, error.message
    );
    let mut failure = guard_failure(&decision.facts, "error.store", &what);
    match unrecorded {
        Unrecorded::DenyChanges => {}
        Unrecorded::Deny => {
            failure.effect = Effect::Deny;
            failure.message = format!("{what}; everything is denied until that is repaired");
        }
        Unrecorded::Decide => {
            failure.effect = Effect::Allow;
            failure.message = format!("{what}; it holds all the same, and the gap is noted");
        }
    }
    stricter(&mut decision.verdict, failure);
    decision.verdict.obligations.push(String::from("gap"));
    decision.verdict.obligations.sort();
    decision.verdict.obligations.dedup();
}

/// Keeps secrets out of everything that is derived from the arguments: targets, reasons, names.
///
/// Derived strings are scanned themselves, and secrets that only their context gave away (`-p VALUE`) are replaced
/// wherever their bytes appear again.
pub(crate) struct Scrubber<'a> {
    known: Vec<(String, String)>,
    /// Where the secrets stand, by argument, and their marks: what was read out of their bytes is all secret.
    places: Vec<(String, ByteSpan, String)>,
    tagger: &'a dyn Tagger,
    scanner: &'a Scanner,
}

impl<'a> Scrubber<'a> {
    pub(crate) fn new(tagger: &'a dyn Tagger, scanner: &'a Scanner) -> Self {
        Self {
            known: Vec::new(),
            places: Vec::new(),
            tagger,
            scanner,
        }
    }

    fn of_call(
        args: &Value,
        findings: &[Finding],
        tagger: &'a dyn Tagger,
        scanner: &'a Scanner,
    ) -> Self {
        let mut known = Vec::new();
        let mut places = Vec::new();
        if findings.iter().any(|finding| finding.redact) {
            args.each_string(&mut |at, text, role| {
                if role == StringRole::Name {
                    return;
                }
                for finding in findings.iter().filter(|held| held.redact && held.at == at) {
                    let span = finding.span;
                    if let Some(value) = text.get(span.start()..span.end())
                        && value.len() >= 4
                    {
                        let mark = scan::mark_text(finding, value.as_bytes(), tagger);
                        known.push((value.to_owned(), mark.clone()));
                        // A key of several lines may be taken apart into words.
                        let pieces = value
                            .split_whitespace()
                            .filter(|piece| piece.len() >= MIN_PIECE && piece.len() < value.len());
                        known.extend(pieces.map(|piece| (piece.to_owned(), mark.clone())));
                        places.push((at.to_owned(), span, mark));
                    }
                }
            });
        }
        // Longest first, so that a value inside another does not break it up.
        known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self {
            known,
            places,
            tagger,
            scanner,
        }
    }

    pub(crate) fn scrub(&self, text: String) -> String {
        if text.is_empty() {
            return text;
        }
        let mut text = text;
        for (value, mark) in &self.known {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), mark);
            }
        }
        self.scrub_parts(self.scrub_whole(text))
    }

    /// `mcp__server__tool`: to the scanner an underscore before a token is part of a longer word, so that what follows
    /// each joint of such a name is read by itself too.
    fn scrub_parts(&self, text: String) -> String {
        match text.split_once(JOINT) {
            None => text,
            Some((head, rest)) if text.len() <= LONGEST_NAME => {
                let rest = self.scrub_parts(self.scrub_whole(rest.to_owned()));
                format!("{head}{JOINT}{rest}")
            }
            // No name: each part once, so that the work grows with the text.
            Some(_) => {
                let parts: Vec<String> = text
                    .split(JOINT)
                    .map(|part| self.scrub_whole(part.to_owned()))
                    .collect();
                parts.join(JOINT)
            }
        }
    }

    fn scrub_whole(&self, text: String) -> String {
        if text.len() < 4 {
            return text;
        }
        let findings = self.scanner.scan(text.as_bytes(), Surface::ToolArgs);
        if findings.iter().any(|finding| finding.redact) {
            into_text(scan::redact(text.as_bytes(), &findings, self.tagger).0)
        } else {
            text
        }
    }

    pub(crate) fn scrub_option(&self, text: Option<String>) -> Option<String> {
        text.map(|text| self.scrub(text))
    }

    /// A JSON Pointer, step by step: names of members are the caller's text too. What follows a tilde that RFC 6901 does
    /// not know is the scanner's own remark (`~#`: in the name itself) and stays.
    fn scrub_pointer(&self, pointer: &str) -> String {
        let remark = pointer
            .match_indices('~')
            .map(|(at, _)| at)
            .find(|at| !matches!(pointer.as_bytes().get(at + 1), Some(b'0' | b'1')))
            .unwrap_or(pointer.len());
        let (pointer, remark) = pointer.split_at(remark);
        let mut out = String::with_capacity(pointer.len() + remark.len());
        for step in pointer.split('/').skip(1) {
            if step.len() < MIN_PIECE {
                out.push('/');
                out.push_str(step);
            } else {
                let name = step.replace("~1", "/").replace("~0", "~");
                pointer_push(&mut out, &self.scrub(name));
            }
        }
        out.push_str(remark);
        out
    }

    fn scrub_finding(&self, finding: Finding) -> Finding {
        Finding {
            at: self.scrub_pointer(&finding.at),
            ..finding
        }
    }

    fn scrub_action(&self, mut action: Action) -> Action {
        let inside = action.span.and_then(|span| {
            self.places.iter().find(|(at, secret, _)| {
                *at == action.at && secret.start() <= span.start() && span.end() <= secret.end()
            })
        });
        if let Some((.., mark)) = inside {
            action.target.value.clone_from(mark);
            action.target.host = None;
            action.on = None;
            action.by.clone_from(mark);
            action.reason = action.reason.map(|_| mark.clone());
        }
        action.at = self.scrub_pointer(&action.at);
        action.target.value = self.scrub(action.target.value);
        action.target.host = self.scrub_option(action.target.host);
        action.on = self.scrub_option(action.on);
        action.by = self.scrub(action.by);
        action.reason = self.scrub_option(action.reason);
        action.safer = self.scrub_option(action.safer);
        action
    }

    fn scrub_context(&self, context: Context) -> Context {
        Context {
            cwd: self.scrub_option(context.cwd),
            workspace: self.scrub_option(context.workspace),
            ..context
        }
    }

    fn scrub_caller(&self, caller: Caller) -> Caller {
        Caller {
            run: self.scrub_option(caller.run),
            runtime: caller.runtime,
            call_id: self.scrub_option(caller.call_id),
            agent: self.scrub_option(caller.agent),
            depth: caller.depth,
            host_mode: self.scrub_option(caller.host_mode),
            run_mode: caller.run_mode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_whose_tables_are_damaged_denies_and_keeps_nothing_of_the_call() {
        let guard = Guard {
            tables: Err(Damaged::of_rules()),
            ..Guard::open(&Options {
                home: Some(record::scratch::path()),
                record: true,
            })
        };
        let caller = Caller {
            run: Some(String::from("a session")),
            runtime: String::from("claude-code"),
            call_id: Some(String::from("held-back")),
            ..Caller::default()
        };
        let decision = guard.check(Call {
            tool: String::from("Read"),
            args: Value::Object(vec![(String::from("file_path"), Value::from("/held-back"))]),
            pin: None,
            context: Context::default(),
            caller: caller.clone(),
        });
        assert_eq!(decision.verdict.effect, Effect::Deny);
        assert_eq!(decision.verdict.determining[0].rule, "error.tables");
        assert!(decision.recorded());
        let line = String::from_utf8(decision.line.unwrap()).unwrap();
        assert!(!line.contains("held-back"), "{line}");

        let decision = guard.check_text(Text {
            bytes: b"held-back".to_vec(),
            surface: Surface::ToolResult,
            caller,
        });
        assert_eq!(decision.verdict.effect, Effect::Deny);
        let line = String::from_utf8(decision.line.unwrap()).unwrap();
        assert!(!line.contains("held-back"), "{line}");
        assert!(guard.scan(b"held-back", Surface::ToolResult).is_err());
    }
}
