//! The store: where everything lies, and the two appends the guard makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::chain::{Chain, ChainOptions, Locked, Search};
use super::durability::Durability;
use super::error::StoreError;
use super::gaps::Gaps;
use super::journal::{CHECKPOINT_EVERY, Seal};
use super::keys::RedactionKey;
use super::kinds::{self, LeftLabel, RunStart};
use super::line::{Draft, Source, read_line};
use super::open_chains::OpenChains;
use super::state::State;
use super::turn::{Queue, Turn, Unsynced};
use super::{gaps, id, objects, os};
use crate::decision::{Decision, Effect, Verdict};
use crate::json::Value;
use crate::scan::{Finding, FindingKind, Mark, Tagger};

/// Name of the journal's chain.
pub const JOURNAL: &str = "journal";

/// How long an append waits for another process before it fails.
const PATIENCE: Duration = Duration::from_secs(2);
/// Held below the store for the time when the disk is full, and how many bytes: enough for a `gap` record and the
/// decisions after it.
const RESERVE: &str = "reserve";
const RESERVED: usize = 64 * 1024;
/// How many runs a process keeps open.
const OPEN_RUNS: usize = 32;
/// How far back a decision is looked for when an outcome names only the call.
const LOOK_BACK: u64 = 8 * 1024 * 1024;

/// Where a record went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Record id.
    pub id: String,
    /// Position in the run's chain, from 0.
    pub seq: u64,
    /// `sha256:…` over the stored bytes.
    pub hash: String,
    /// The stored line, without its newline.
    pub line: Vec<u8>,
}

/// A decision, what redaction replaced in its arguments, and what was answered.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'d> {
    /// The decision.
    pub decision: &'d Decision,
    /// What redaction replaced.
    pub marks: &'d [Mark],
    /// What was answered.
    pub answer: &'d str,
}

/// Decides about a call by what its run has seen.
pub trait Judge {
    /// Decides. It may be asked more than once: what the run has seen can change until the log is locked. Returns whether
    /// the decision is another one than before.
    fn judge(&mut self, state: &State) -> bool;

    /// What was decided last.
    fn judged(&self) -> Judged<'_>;
}

impl Judge for Judged<'_> {
    fn judge(&mut self, _: &State) -> bool {
        false
    }

    fn judged(&self) -> Judged<'_> {
        *self
    }
}

/// A record that is written, and what is left to do before it is answered.
struct Written {
    appended: Appended,
    unsynced: Unsynced,
    /// The length of the run, when it is to be stated in the journal.
    seal: Option<Seal>,
}

/// What the runtime did with a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Run id.
    pub run: String,
    /// The decision it closes; `None` for a call nobody decided.
    pub of: Option<String>,
    /// The runtime's id of the call, by which `of` is found when it is not given.
    pub call_id: Option<String>,
    /// Tool name.
    pub tool: String,
    /// `ok`, `error`, `timeout`, `cancelled`, `ambiguous`.
    pub result: &'static str,
    /// How long the tool ran, in milliseconds, when known.
    pub duration_ms: Option<u64>,
    /// How many bytes it answered, when known.
    pub output_bytes: Option<u64>,
    /// Digest of what it answered, when known.
    pub output_digest: Option<String>,
    /// What a scan of the answer found.
    pub findings: Vec<Finding>,
    /// What the call cost, in units that the caller names.
    pub spend: BTreeMap<String, u64>,
    /// The adapter that tells: `claude-code-hook`.
    pub adapter: String,
    /// Whether that adapter marks the answers it has given, so that a missing mark means something.
    pub answers_marked: bool,
}

/// Whether the runtime obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Enforced {
    /// It did.
    Enforced,
    /// A denied call ran.
    Overridden,
    /// It ran the call without waiting for the answer: the hook was killed, or too slow.
    FailedOpen,
    /// A call ran that nobody had decided.
    Bypassed,
    /// The guard only watched.
    Observed,
    /// A denied call of which nothing more was heard.
    NotAttempted,
    /// It cannot be told.
    Unknown,
}

impl Enforced {
    /// The name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Overridden => "overridden",
            Self::FailedOpen => "failed_open",
            Self::Bypassed => "bypassed",
            Self::Observed => "observed",
            Self::NotAttempted => "not_attempted",
            Self::Unknown => "unknown",
        }
    }

    /// What a result says about a decision.
    ///
    /// A denied call that ended in an error proves nothing: some runtimes report the denial itself that way.
    #[must_use]
    pub fn of(effect: Effect, result: &str) -> Self {
        match (effect, result) {
            (Effect::Allow | Effect::Ask, _) | (Effect::Deny, "cancelled") => Self::Enforced,
            (Effect::Deny, "ok" | "timeout") => Self::Overridden,
            (Effect::Deny, _) => Self::Unknown,
        }
    }
}

/// The store below the guard's home: one file and one chain per run, and the journal.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    keys: PathBuf,
    id: String,
    key: RedactionKey,
    durability: Durability,
    patience: Duration,
    gaps: Arc<Gaps>,
    pub(super) open: OpenChains,
}

impl Store {
    /// Opens the store, creating it (0700) when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be created or is not ours to write.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        let root = home.join("store");
        let id = read_or_create_id(&root)?;
        Ok(Self {
            key: RedactionKey::new(home.join("keys/redaction")),
            keys: home.join("keys"),
            root,
            id,
            durability: Durability::default(),
            patience: PATIENCE,
            gaps: Arc::new(Gaps::new(home)),
            open: OpenChains::new(),
        })
    }

    /// The same store with another rule for what is synced before the answer.
    #[must_use]
    pub const fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The same store, with what this process could not record.
    #[must_use]
    pub(crate) fn with_gaps(mut self, gaps: Arc<Gaps>) -> Self {
        self.gaps = gaps;
        self
    }

    /// The same store, waiting at most so long for another process.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where its keys lie.
    pub(super) fn keys(&self) -> &Path {
        &self.keys
    }

    /// Whether what concerns more than one call is synced before it is answered.
    pub(super) fn syncs(&self) -> bool {
        self.durability != Durability::Fast
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The store's own id: 128 random bits as hexadecimal.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the run with the runtime's name `name`, the same in every process; a new one for `None`.
    #[must_use]
    pub fn run_id(&self, runtime: &str, name: Option<&str>) -> String {
        name.map_or_else(id::new_id, |name| id::named_run(runtime, name))
    }

    /// Where the log of a run lies.
    #[must_use]
    pub fn run_path(&self, run: &str) -> PathBuf {
        self.root.join(["runs/", run, ".jsonl"].concat())
    }

    /// Keeps an object (a policy's canonical bytes) under its digest, so that a decision can be replayed later. The
    /// bytes are asked for only when they are not there yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn keep(&self, digest: &str, bytes: impl FnOnce() -> Vec<u8>) -> Result<(), StoreError> {
        objects::put_named(&self.root, digest, bytes)
    }

    /// Takes a decision and appends it, starting the run (and its journal line) when it is new.
    ///
    /// What the run has seen cannot change between the decision and its record: of two calls at the same moment one
    /// comes first, and the other one sees it. It is decided before the log is locked, and again under the lock where the
    /// log has become longer, so that other processes wait for little more than the write.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was, and `judge` may not have been asked.
    pub fn decide(
        &self,
        run: &str,
        runtime: &str,
        judge: &mut dyn Judge,
    ) -> Result<Appended, StoreError> {
        let source = self.source(runtime);
        let chain = self.chain(run)?;
        let mut turn = chain.turn();
        let mut foreseen = None;
        if let Some(state) = turn.foresee() {
            judge.judge(state);
            let mut draft = self.decision_draft(run, &source, judge.judged())?;
            turn.seal_ahead(&mut draft)?;
            foreseen = Some(draft);
        }
        let mut log = turn.lock_shared(&source)?;
        let changed = !(foreseen.is_some() && log.is_as_foreseen()) && judge.judge(log.state()?);
        let judged = judge.judged();
        let mut draft = match foreseen.filter(|_| !changed) {
            Some(draft) => draft,
            None => self.decision_draft(run, &source, judged)?,
        };
        let decision = judged.decision;
        let durable = self.durability.wants_sync(decision);
        let epoch = self.epoch_for(&mut log, decision, &source)?;
        draft.set_number("epoch", epoch)?;
        let start = || RunStart::of(decision, source.uid);
        let written = self.append(log, draft, start, run, &source, durable)?;
        let appended = self.settled(turn, written, run, &source)?;
        if self.say_gap(&source) {
            Self::keep_reserve(&self.root);
        }
        Ok(appended)
    }

    /// The record of a decision, as far as it does not depend on where it will stand.
    fn decision_draft(
        &self,
        run: &str,
        source: &Source,
        judged: Judged<'_>,
    ) -> Result<Draft, StoreError> {
        let Judged {
            decision,
            marks,
            answer,
        } = judged;
        let mut draft = self.draft("decision", decision.id.clone(), run, source)?;
        kinds::write_decision(&mut draft, decision, marks, answer)?;
        if decision.verdict.effect == Effect::Ask {
            // Who asks may not be who answers.
            draft.set("asker", &os::agent_processes())?;
        }
        self.shrink_decision(&mut draft, decision)?;
        Ok(draft)
    }

    /// As [`Store::decide`], for a decision that was taken before.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was.
    pub fn append_decision(
        &self,
        decision: &Decision,
        marks: &[Mark],
        answer: &str,
    ) -> Result<Appended, StoreError> {
        let mut judged = Judged {
            decision,
            marks,
            answer,
        };
        self.decide(&decision.run, &decision.facts.caller.runtime, &mut judged)
    }

    /// What a run has seen, and how many records say so: the fold of its log, with the help of what is kept beside it.
    ///
    /// # Errors
    /// [`StoreError`] when the log cannot be read. The log is not created.
    pub fn state(&self, run: &str) -> Result<State, StoreError> {
        let chain = self.chain(run)?;
        let path = self.run_path(run);
        if os::stat_path(&path)
            .map_err(|error| StoreError::io("look at", &path, &error))?
            .is_none()
        {
            return Ok(State::default());
        }
        let mut chain = chain.turn();
        let mut log = chain.lock(&self.source("state"))?;
        log.state().cloned()
    }

    /// Appends what the runtime did with a decision.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was.
    pub fn append_outcome(&self, outcome: &Outcome) -> Result<Appended, StoreError> {
        let source = self.source(&outcome.adapter);
        let chain = self.chain(&outcome.run)?;
        let mut turn = chain.turn();
        // What can be read before the log is locked is read before.
        turn.foresee();
        let mut log = turn.lock_shared(&source)?;
        let (of, enforced, labels) = match find_decision(&log, outcome)? {
            Search::Found(found) => {
                let enforced = self.enforced(&found, outcome);
                // What was denied and ran all the same leaves what it would have left.
                let ran = matches!(enforced, Enforced::Overridden | Enforced::FailedOpen);
                let left = if ran { found.labels } else { Vec::new() };
                (Some(found.id), enforced, left)
            }
            Search::Absent => (None, Enforced::Bypassed, kinds::unjudged(outcome)),
            Search::GivenUp => (outcome.of.clone(), Enforced::Unknown, Vec::new()),
        };
        let mut draft = self.draft("outcome", id::new_id(), &outcome.run, &source)?;
        kinds::write_outcome(&mut draft, outcome, of.as_deref(), enforced, &labels)?;
        let epoch = log.epoch()?.clone();
        draft.set("epoch", &epoch.number)?;
        log.set_epoch(epoch);
        self.shrink(&mut draft, Vec::new(), None)?;
        let start = || RunStart {
            runtime: outcome.adapter.clone(),
            uid: source.uid,
            ..RunStart::default()
        };
        let durable = self.durability == Durability::Strict;
        let written = self.append(log, draft, start, &outcome.run, &source, durable)?;
        self.settled(turn, written, &outcome.run, &source)
    }

    /// What the runtime did with a decision, as its outcome and the marks of given answers tell.
    ///
    /// A denied call that ended in an error proves nothing: some runtimes report the denial itself that way.
    fn enforced(&self, found: &FoundDecision, outcome: &Outcome) -> Enforced {
        let ran = matches!(outcome.result, "ok" | "timeout" | "error");
        match found.effect {
            Effect::Allow => Enforced::Enforced,
            Effect::Deny if outcome.result == "error" => Enforced::Unknown,
            _ if !ran => Enforced::of(found.effect, outcome.result),
            _ if found.observed => Enforced::Observed,
            _ if outcome.answers_marked && !self.was_told(&outcome.run, &found.id) => {
                Enforced::FailedOpen
            }
            effect => Enforced::of(effect, outcome.result),
        }
    }

    /// Where the state of a run is kept beside its log.
    pub(super) fn state_path(&self, run: &str) -> PathBuf {
        self.root.join(["state/", run].concat())
    }

    pub(super) fn answers_path(&self, run: &str) -> PathBuf {
        self.root.join(["runs/", run, ".answers"].concat())
    }

    /// Marks that the answer to a decision was given: a call that runs against an answer nobody gave has failed open.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn told(&self, run: &str, decision: &str) -> Result<(), StoreError> {
        let path = self.answers_path(run);
        os::append_mark(&path, format!("{decision}\n").as_bytes())
            .map_err(|error| StoreError::io("append to", &path, &error))
    }

    fn was_told(&self, run: &str, decision: &str) -> bool {
        os::read_whole(&self.answers_path(run))
            .ok()
            .flatten()
            .is_some_and(|marks| memchr::memmem::find(&marks, decision.as_bytes()).is_some())
    }

    /// What could not be recorded before is said now that the store works again. A failure leaves it for the next time.
    ///
    /// Returns whether something was said.
    pub(super) fn say_gap(&self, source: &Source) -> bool {
        let found = self.gaps.take();
        let Some(gap) = gaps::gap(&found) else {
            return false;
        };
        let said = self
            .journal_event("gap", source, |draft| draft.set("gap", &gap))
            .is_ok();
        if !said {
            self.gaps.put_back(found);
        }
        said
    }

    /// Holds space for what has to be said when the disk is full. Where there is none for it, there is none.
    fn keep_reserve(root: &Path) {
        let path = root.join(RESERVE);
        if matches!(os::stat_path(&path), Ok(None)) && os::overwrite(&path, &[0; RESERVED]).is_err()
        {
            let _ = os::remove(&path);
        }
    }

    /// Gives back the space that was held; `false` when none was.
    pub(super) fn free_reserve(home: &Path) -> bool {
        let path = home.join("store").join(RESERVE);
        matches!(os::stat_path(&path), Ok(Some(_))) && os::remove(&path).is_ok()
    }

    /// Appends `draft`, after the run's beginning and its line in the journal when the run is new.
    ///
    /// The journal comes first: a run that began is always named there. Should the run's own write fail, its line in
    /// the journal is taken back under the same lock.
    fn append(
        &self,
        mut log: Locked<'_>,
        draft: Draft,
        start: impl FnOnce() -> RunStart,
        run: &str,
        source: &Source,
        durable: bool,
    ) -> Result<Written, StoreError> {
        if log.is_new() {
            let appended = self.begin(log, Some(draft), &start(), run, source, durable)?;
            return Ok(Written {
                appended,
                unsynced: Unsynced::settled(),
                seal: None,
            });
        }
        log.push(draft)?;
        let (appended, unsynced) = log.commit_shared(durable)?;
        log.remember();
        let seal = (appended.seq % CHECKPOINT_EVERY == 0).then(|| Seal {
            count: appended.seq + 1,
            bytes: log.len(),
            head: appended.hash.clone(),
            root: None,
        });
        Ok(Written {
            appended,
            unsynced,
            seal,
        })
    }

    /// Gives the log back and waits until the record is as safe as it was to be.
    fn settled(
        &self,
        turn: Turn<'_>,
        written: Written,
        run: &str,
        source: &Source,
    ) -> Result<Appended, StoreError> {
        drop(turn);
        written.unsynced.wait()?;
        if let Some(seal) = written.seal {
            // The record is there; that its length could not be stated is no reason to deny anything.
            let _ = self.write_checkpoint(Some((run, seal)), source);
        }
        Ok(written.appended)
    }

    /// Begins a run: its line in the journal, its first record, and the record that began it.
    pub(super) fn begin(
        &self,
        mut log: Locked<'_>,
        draft: Option<Draft>,
        start: &RunStart,
        run: &str,
        source: &Source,
        durable: bool,
    ) -> Result<Appended, StoreError> {
        let mut first = self.draft("run.start", id::new_id(), run, source)?;
        start.write(&mut first)?;
        self.shrink(&mut first, Vec::new(), None)?;
        let mut named = self.draft("run.start", id::new_id(), run, source)?;
        named.set("first", &first.id)?;
        named.set("agent", &start.runtime)?;
        named.set("policy", &start.policy)?;
        log.push(first)?;
        if let Some(draft) = draft {
            log.push(draft)?;
        }
        self.in_journal(source, |journal| {
            journal.push(named)?;
            journal.commit(durable)?;
            let appended = log.commit(durable).inspect_err(|_| journal.roll_back())?;
            log.remember();
            Ok(appended)
        })
    }

    pub(super) fn source(&self, adapter: &str) -> Source {
        kinds::source(adapter, os::parent_id(), os::user_id())
    }

    pub(super) fn draft(
        &self,
        kind: &str,
        id: String,
        run: &str,
        source: &Source,
    ) -> Result<Draft, StoreError> {
        Draft::new(kind, id, &self.id, run, source)
    }

    pub(super) fn chain(&self, run: &str) -> Result<Arc<Queue>, StoreError> {
        if !id::is_uuid(run) {
            return Err(StoreError::new(
                StoreError::BAD_RUN,
                "a run id must be a UUID in lower case",
            ));
        }
        let mut runs = lock(&self.open.own().runs);
        if let Some(chain) = runs.get(run) {
            return Ok(Arc::clone(chain));
        }
        if runs.len() >= OPEN_RUNS {
            // Only idle ones: a chain in use must stay the only one of its run in this process.
            runs.retain(|_, chain| Arc::strong_count(chain) > 1);
        }
        let options = self.chain_options(run, self.run_path(run));
        let chain = Arc::new(Queue::new(Chain::new(options)));
        runs.insert(run.to_owned(), Arc::clone(&chain));
        Ok(chain)
    }

    pub(super) fn chain_options(&self, name: &str, path: PathBuf) -> ChainOptions {
        ChainOptions {
            store: self.id.clone(),
            name: name.to_owned(),
            path,
            recovery: self.root.join("recovery"),
            state: self.state_path(name),
            named_in: (name != JOURNAL).then(|| self.root.join("journal.jsonl")),
            patience: self.patience,
        }
    }

    /// Takes the arguments out of a decision that does not fit into a line; the rest of the facts stays readable.
    fn shrink_decision(&self, draft: &mut Draft, decision: &Decision) -> Result<(), StoreError> {
        if !draft.is_too_long() {
            return Ok(());
        }
        let args = crate::json::canonical(&decision.facts.args);
        let mut facts = decision.facts.clone();
        facts.args = self.blob(&args)?;
        draft.replace("facts", &facts)?;
        self.shrink(
            draft,
            vec![String::from("/facts/args")],
            Some(&decision.verdict),
        )
    }

    /// Moves the longest members to objects until the line fits, and says which in `blobs`. Of a verdict the effect and
    /// the labels stay in the line: outcomes, readers and the state of the run look for them there.
    pub(super) fn shrink(
        &self,
        draft: &mut Draft,
        mut blobs: Vec<String>,
        verdict: Option<&Verdict>,
    ) -> Result<(), StoreError> {
        while draft.is_too_long() {
            let Some(name) = draft.longest() else { break };
            let pointer = format!("/{name}");
            if blobs.contains(&pointer) {
                break;
            }
            let bytes = draft.member(name).unwrap_or_default().to_vec();
            let mut stub = self.blob(&bytes)?;
            if let (Value::Object(members), "verdict", Some(verdict)) = (&mut stub, name, verdict) {
                members.push((String::from("effect"), Value::from(verdict.effect.as_str())));
                if !verdict.labels.is_empty() {
                    let labels = verdict.labels.iter().map(kinds::short_label).collect();
                    members.push((String::from("labels"), Value::Array(labels)));
                }
            }
            draft.replace(name, &stub)?;
            blobs.push(pointer);
        }
        if blobs.is_empty() {
            return Ok(());
        }
        draft.set("blobs", &blobs)
    }

    fn blob(&self, bytes: &[u8]) -> Result<Value, StoreError> {
        let digest = objects::put(&self.root, bytes)?;
        Ok(Value::Object(vec![
            (String::from("$blob"), Value::from(digest)),
            (String::from("bytes"), Value::from(bytes.len() as u64)),
        ]))
    }
}

impl Tagger for Store {
    fn tag(&self, finding: &Finding, value: &[u8]) -> Option<String> {
        match finding.kind {
            // Names, addresses, card numbers: from small sets, whatever they look like.
            FindingKind::Pii => None,
            FindingKind::Secret
            | FindingKind::HiddenText
            | FindingKind::Injection
            | FindingKind::Exfiltration => self.key.tag(value),
        }
    }
}

/// A panic elsewhere must not stop the record: every append looks at the file again when it cannot trust its memory.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_or_create_id(root: &Path) -> Result<String, StoreError> {
    let path = root.join("id");
    for attempt in 0..2 {
        match os::objection(root) {
            Ok(None) => {}
            Ok(Some(objection)) => {
                return Err(StoreError::new(
                    StoreError::FOREIGN,
                    format!("the store `{}` {objection}", root.display()),
                ));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && attempt == 0 => {
                os::make_dir(root).map_err(|error| StoreError::io("create", root, &error))?;
            }
            Err(error) => return Err(StoreError::io("look at", root, &error)),
        }
        match os::open_read(&path) {
            Ok(file) => {
                let mut text = [0_u8; 32];
                return match os::read_at(&file, &mut text, 0) {
                    Ok(true)
                        if text
                            .iter()
                            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) =>
                    {
                        Ok(String::from_utf8_lossy(&text).into_owned())
                    }
                    Ok(_) => Err(StoreError::new(
                        StoreError::CORRUPTED,
                        format!("`{}` does not hold a store id", path.display()),
                    )),
                    Err(error) => Err(StoreError::io("read", &path, &error)),
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && attempt == 0 => {
                let fresh = id::random_hex()?;
                os::create_whole(&path, format!("{fresh}\n").as_bytes(), &fresh[..8])
                    .map_err(|error| StoreError::io("write", &path, &error))?;
                Store::keep_reserve(root);
            }
            Err(error) => return Err(StoreError::io("read", &path, &error)),
        }
    }
    Err(StoreError::new(
        StoreError::UNWRITABLE,
        format!("the store `{}` vanishes while it is opened", root.display()),
    ))
}

struct FoundDecision {
    id: String,
    effect: Effect,
    labels: Vec<LeftLabel>,
    /// Whether the guard only watched.
    observed: bool,
}

#[derive(Deserialize)]
struct DecisionMembers<'a> {
    id: &'a str,
    kind: &'a str,
    #[serde(borrow, default)]
    call: Option<CallId<'a>>,
    #[serde(default)]
    verdict: Option<Answered>,
}

#[derive(Deserialize)]
struct CallId<'a> {
    #[serde(borrow, default)]
    id: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Answered {
    effect: Effect,
    #[serde(default)]
    labels: Vec<LeftLabel>,
    mode: Option<String>,
}

/// Looks for the decision an outcome closes, from the end of the log backwards.
fn find_decision(log: &Locked<'_>, outcome: &Outcome) -> Result<Search<FoundDecision>, StoreError> {
    let Some(wanted) = outcome.of.as_deref().or(outcome.call_id.as_deref()) else {
        return Ok(Search::Absent);
    };
    // Most lines are dismissed by this search alone. The name is escaped as it stands in the file.
    let needle = crate::json::canonical(&Value::from(wanted));
    let finder = memchr::memmem::Finder::new(&needle);
    let found = log.search_back(LOOK_BACK, |line| {
        finder.find(line).and_then(|_| decision_in(line, outcome))
    })?;
    Ok(match found {
        Search::Absent if outcome.of.is_some() => Search::GivenUp,
        other => other,
    })
}

fn decision_in(line: &[u8], outcome: &Outcome) -> Option<FoundDecision> {
    let members: DecisionMembers<'_> = read_line(line)?;
    let matches = match &outcome.of {
        Some(of) => members.id == of,
        None => members.call.and_then(|call| call.id).as_deref() == outcome.call_id.as_deref(),
    };
    let answered = members.verdict?;
    (members.kind == "decision" && matches).then_some(FoundDecision {
        id: members.id.to_owned(),
        effect: answered.effect,
        observed: answered.mode.as_deref() == Some("observe"),
        labels: answered.labels,
    })
}
