//! The straight line: understand, decide, record, answer, in that order and only here.
//!
//! What is broken (policy, store) is answered at each call, and strictly: what writes, executes or sends is denied,
//! a pure read is allowed with a gap that is said. Nothing here prints, and no clear secret leaves this file; see [`crate::scrub`].

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use crate::actions::catalogue::source;
use crate::actions::{self, Own};
use crate::builtin::{self, Damaged};
use crate::call::{Call, Context, Surface, Text, ToolPin};
use crate::decision::{Decision, Timings};
use crate::edge;
use crate::facts::{Facts, FetchedFile, Left, Phase, RunState};
use crate::failing::{
    nobody, unjudged, withheld, without_files, without_policy, without_store, without_tables,
};
use crate::home_commands::{self, HomeCommands};
use crate::home_packs::{self, Extended};
use crate::json::Value;
use crate::policy::{self, Policy, PolicyError};
use crate::reading::Reading;
use crate::record::opening::Opening;
use crate::record::{
    self, Appended, Asked, Durability, Judge, Judged, Outcome, State, Store, StoreError, Unrecorded,
};
use crate::scan::{self, Finding, Mark, NoTags, Scanner, Tagger};
use crate::scrub::{Quiet, Scrubber};
use crate::sends::sends;
use crate::text::into_text;

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
    /// What files of the person say about programs, when there are any; else what is wrong with them.
    commands: Result<Option<HomeCommands>, String>,
    /// What the policy and those files say about tools and programs.
    own: Option<&'static Own>,
    /// Where records go. Also without, the decision that could not be recorded is remembered there.
    store: Option<Opening>,
    /// What is answered where that cannot be written.
    unrecorded: Unrecorded,
    /// The run of calls that name none: one for the life of this guard.
    own_run: OnceLock<String>,
    /// Set when the store is known to hold the policy that decides, and the person's files.
    policy_kept: OnceLock<()>,
    /// What needs no scan once more.
    quiet: Quiet,
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
        let commands = match &options.home {
            Some(home) => home_commands::load(home).map_err(|errors| said(&errors)),
            None => Ok(None),
        };
        let (policy, own) = with_own(policy, files_of(&commands));
        let store = match &options.home {
            Some(home) if options.record => Some(Opening::new(home.clone())),
            _ => None,
        };
        Self {
            tables: builtin::sound(),
            policy,
            packs,
            commands,
            own,
            store,
            unrecorded: Unrecorded::default(),
            own_run: OnceLock::new(),
            policy_kept: OnceLock::new(),
            quiet: Quiet::default(),
        }
    }

    /// The same guard, understanding calls by what `own` says about tools and programs instead of what the policy in force
    /// says: `{"tools": […], "commands": […]}`, or nothing. The person's files are asked besides.
    ///
    /// # Errors
    /// One sentence for each thing that is wrong with it.
    pub fn with_own(mut self, own: &str) -> Result<Self, Vec<String>> {
        self.own = Some(Own::compile(
            own,
            files_of(&self.commands),
            builtin::catalogue(),
        )?);
        Ok(self)
    }

    /// The same guard with other files of a person; [`Guard::with_own`] has to follow.
    #[must_use]
    pub fn with_commands(self, commands: Option<HomeCommands>) -> Self {
        Self {
            commands: Ok(commands),
            ..self
        }
    }

    /// What the policy and a person's files say about tools and programs.
    #[must_use]
    pub const fn own(&self) -> Option<&'static Own> {
        self.own
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
        self.check_after(call, &[])
    }

    /// As [`Guard::check`], of a call in a run whose earlier calls brought `fetched` from the network. Where the run is
    /// recorded its log says what they brought, and that counts.
    #[must_use]
    pub fn check_after(&self, call: Call, fetched: &[FetchedFile]) -> Decision {
        let started = Instant::now();
        // From the name as the runtime gave it, before scrubbing: outcomes find the run by the same name.
        let run = self.run_id(&call.caller.runtime, call.caller.run.as_deref());
        let call = if self.tables.is_ok() {
            call
        } else {
            withheld(call)
        };
        let definition = call.definition.clone();
        let understanding = actions::understand_after(
            fetched,
            (&call.tool, &call.args, &call.context),
            builtin::catalogue(),
            self.own,
        );
        let sends = sends(&understanding.actions, &call.args, edge::file_size);
        let findings = self.scanner().scan_value(&call.args, Surface::ToolArgs);
        let (args, marks) = scan::redact_value(&call.args, &findings, self.tagger());
        let scrubber = Scrubber::of_call(
            &call.args,
            &findings,
            self.tagger(),
            self.scanner(),
            &self.quiet,
        );
        let facts = Facts {
            phase: Phase::Pre,
            tool: scrubber.scrub(call.tool),
            server: understanding.server.map(|server| scrubber.scrub(server)),
            pin: call.pin,
            sends,
            surface: Surface::ToolArgs,
            actions: scrubber.scrub_actions(understanding.actions),
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
        let judged = Judgement {
            left: scrubber.scrub_left(understanding.left),
            marks,
            definition,
            ..Judgement::of(run, facts)
        };
        let reading = Reading::new(&call.args, &scrubber);
        self.conclude(judged, Some(reading), started)
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
        let scrubber = self.scrubber();
        let facts = Facts {
            phase: Phase::Text,
            tool: String::new(),
            server: None,
            pin: None,
            sends: None,
            surface: text.surface,
            actions: Vec::new(),
            findings,
            args: Value::String(into_text(redacted)),
            context: Context::default(),
            caller: scrubber.scrub_caller(text.caller),
            state: RunState::default(),
            now: record::rfc3339_micros(SystemTime::now()),
        };
        let judged = Judgement {
            marks,
            ..Judgement::of(run, facts)
        };
        self.conclude(judged, None, started)
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
        let scrubber = self.scrubber();
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

    /// Where this guard records.
    ///
    /// # Errors
    /// [`StoreError`] when it records nowhere, or that place cannot be used.
    pub fn open_store(&self) -> Result<&Store, StoreError> {
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

    /// Keeps secrets out of what no arguments stand beside.
    pub(crate) fn scrubber(&self) -> Scrubber<'_> {
        Scrubber::new(self.tagger(), self.scanner(), &self.quiet)
    }

    /// Decides and records, in one step where a log is kept: see [`Store::decide`].
    fn conclude(
        &self,
        judged: Judgement,
        reading: Option<Reading<'_>>,
        started: Instant,
    ) -> Decision {
        let Judgement {
            run,
            facts,
            left,
            marks,
            definition,
        } = judged;
        let mut decision = Decision {
            id: record::new_id(),
            // For grants and for the record; where neither is, nobody may ask for it.
            action: self
                .store
                .is_some()
                .then(|| record::action_digest(&facts.tool, &facts.args)),
            facts,
            // Until it is judged; strict, should that never come about.
            verdict: unjudged(),
            marks,
            left,
            packs: match &self.packs {
                Ok(Some(extended)) => Some(extended.digest.clone()),
                _ => None,
            },
            definition,
            commands: match &self.commands {
                Ok(Some(commands)) => Some(commands.digest.clone()),
                _ => None,
            },
            line: None,
            timings: Timings {
                understand_us: micros(started, Instant::now()),
                ..Timings::default()
            },
            run,
        };
        let mut judging = Judging {
            guard: self,
            has_pin: decision.facts.pin.is_some(),
            reading,
            decision: &mut decision,
            judged: false,
        };
        let failure = match self.store.as_ref().map(Opening::get) {
            None => None,
            Some(Err(error)) => Some(error),
            Some(Ok(store)) => {
                self.keep_policy(store);
                let run = judging.decision.run.clone();
                let runtime = judging.decision.facts.caller.runtime.clone();
                match store.decide(&run, &runtime, &mut judging) {
                    Ok(appended) => {
                        judging.decision.line = Some(appended.line);
                        None
                    }
                    Err(error) => Some(error),
                }
            }
        };
        if !judging.judged {
            // Without a log nothing is known of what the run has seen.
            self.rule_on(judging.decision);
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

    /// What the run has seen that matters to this call.
    fn seen(&self, decision: &Decision, has_pin: bool, state: &State) -> Seen {
        let facts = &decision.facts;
        let Ok(policy) = self.policy() else {
            return Seen {
                state: facts.state.clone(),
                pin: facts.pin,
            };
        };
        let is_call = facts.phase == Phase::Pre;
        let asked = is_call.then(|| Asked {
            action: decision.action.as_deref().unwrap_or_default(),
            cwd: facts.context.cwd.as_deref(),
            policy: policy.digest(),
            now: &facts.now,
            is_still: edge::is_still,
        });
        Seen {
            pin: if is_call && !has_pin {
                let told = decision.definition.as_deref();
                state.pin(&facts.tool, told, policy.pinned(&facts.tool))
            } else {
                facts.pin
            },
            state: RunState {
                fetched: facts.state.fetched.clone(),
                ..state.seen(policy.counters(), asked, &facts.now)
            },
        }
    }

    /// Decides about a call by its facts.
    fn rule_on(&self, decision: &mut Decision) {
        let deciding = Instant::now();
        let facts = &mut decision.facts;
        let policy = self.policy();
        let verdict = match policy {
            _ if self.tables.is_err() => without_tables(self.tables),
            Ok(policy) => policy::decide(facts, policy),
            Err(error) => without_policy(facts, error),
        };
        decision.verdict = verdict;
        for (rule, what, failed) in [
            ("error.packs", "packs", self.packs.as_ref().err()),
            ("error.commands", "commands", self.commands.as_ref().err()),
        ] {
            if let Some(why) = failed {
                without_files(facts, &mut decision.verdict, rule, what, why);
            }
        }
        decision.timings.decide_us += micros(deciding, Instant::now());
    }

    /// Puts the built-in policy and the person's commands beside the records, so that decisions can be replayed by another
    /// version; an activated policy lies there already. A failure only costs the replay and is no reason to deny: a store
    /// that cannot be written shows in the append that follows.
    fn keep_policy(&self, store: &Store) {
        if self.policy_kept.get().is_some() {
            return;
        }
        let policy = match (&self.policy, self.policy()) {
            (Ok(PolicySource::Builtin), Ok(policy)) => store
                .keep(policy.digest(), || builtin::policy_text().to_vec())
                .is_ok(),
            _ => true,
        };
        let commands = match &self.commands {
            Ok(Some(held)) => store.keep(&held.digest, || held.text.clone()).is_ok(),
            _ => true,
        };
        if policy && commands {
            let _ = self.policy_kept.set(());
        }
    }
}

/// What is known of a call or text before it is decided.
struct Judgement {
    run: String,
    facts: Facts,
    left: Left,
    marks: Vec<Mark>,
    definition: Option<String>,
}

impl Judgement {
    fn of(run: String, facts: Facts) -> Self {
        Self {
            run,
            facts,
            left: Left::default(),
            marks: Vec::new(),
            definition: None,
        }
    }
}

/// What a run has seen, as far as it matters to one call.
struct Seen {
    state: RunState,
    pin: Option<ToolPin>,
}

/// A decision while it is made.
struct Judging<'a> {
    guard: &'a Guard,
    decision: &'a mut Decision,
    /// Whether the caller has said whether the tool is the one that was seen first.
    has_pin: bool,
    /// How a call is understood again.
    reading: Option<Reading<'a>>,
    judged: bool,
}

impl Judge for Judging<'_> {
    fn judge(&mut self, state: &State) -> bool {
        let again = self
            .reading
            .as_mut()
            .is_some_and(|reading| reading.after(state.fetched(), self.decision, self.guard.own));
        let Seen { state, pin } = self.guard.seen(self.decision, self.has_pin, state);
        let facts = &mut self.decision.facts;
        if self.judged && !again && facts.state == state && facts.pin == pin {
            return false;
        }
        facts.state = state;
        facts.pin = pin;
        self.guard.rule_on(self.decision);
        self.judged = true;
        true
    }

    fn judged(&self) -> Judged<'_> {
        Judged {
            decision: self.decision,
            marks: &self.decision.marks,
            answer: self.decision.verdict.effect.as_str(),
        }
    }
}

/// The person's files, none where they cannot be used: what is decided is stricter then.
fn files_of(commands: &Result<Option<HomeCommands>, String>) -> &[source::Text] {
    match commands {
        Ok(Some(commands)) => &commands.files,
        _ => &[],
    }
}

/// The policy with what it says about tools and programs. What cannot be used of that makes the policy unusable: without
/// it calls would be understood otherwise than the policy was tested with.
fn with_own(
    policy: Result<PolicySource, PolicyError>,
    files: &[source::Text],
) -> (Result<PolicySource, PolicyError>, Option<&'static Own>) {
    let text = match &policy {
        Ok(PolicySource::Active(policy)) => policy.own(),
        _ => "",
    };
    if text.is_empty() && files.is_empty() {
        return (policy, None);
    }
    match Own::compile(text, files, builtin::catalogue()) {
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

/// What is wrong with files of a person, the first of it.
fn said<E: ToString>(errors: &[E]) -> String {
    let first = errors.first().map_or_else(
        || String::from("they cannot be opened"),
        ToString::to_string,
    );
    match errors.len() {
        0 | 1 => first,
        count => format!("{first}, and {} more", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Caller;
    use crate::decision::Effect;

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
            definition: None,
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
