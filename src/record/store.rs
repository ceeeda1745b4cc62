//! The store: where everything lies, and the two appends the guard makes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chain::{Chain, ChainOptions, Locked};
use super::durability::Durability;
use super::error::StoreError;
use super::keys::RedactionKey;
use super::kinds::{self, LeftLabel, RunStart};
use super::line::{Draft, Source};
use super::state::State;
use super::{id, objects, os};
use crate::decision::{Decision, Effect, Verdict};
use crate::json::Value;
use crate::scan::{Finding, FindingKind, Mark, Tagger};

/// Name of the journal's chain.
pub const JOURNAL: &str = "journal";

/// How long an append waits for another process before it fails.
const PATIENCE: Duration = Duration::from_secs(2);
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
struct Judged<'d> {
    decision: &'d Decision,
    marks: &'d [Mark],
    answer: &'d str,
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
    /// The adapter that tells: `claude-code-hook`.
    pub adapter: String,
}

/// Whether the runtime obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Enforced {
    /// It did.
    Enforced,
    /// A denied call ran.
    Overridden,
    /// A call ran that nobody had decided.
    Bypassed,
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
            Self::Bypassed => "bypassed",
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
    id: String,
    key: RedactionKey,
    durability: Durability,
    patience: Duration,
    runs: Mutex<HashMap<String, Arc<Mutex<Chain>>>>,
    journal: Mutex<Option<Chain>>,
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
            key: RedactionKey::new(home.join("keys").join("redaction")),
            root,
            id,
            durability: Durability::default(),
            patience: PATIENCE,
            runs: Mutex::default(),
            journal: Mutex::default(),
        })
    }

    /// The same store with another rule for what is synced before the answer.
    #[must_use]
    pub const fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The same store, waiting at most so long for another process.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
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
        self.root.join("runs").join(format!("{run}.jsonl"))
    }

    /// Keeps an object (a policy's canonical bytes) under its digest, so that a decision can be replayed later. The
    /// bytes are asked for only when they are not there yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn keep(&self, digest: &str, bytes: impl FnOnce() -> Vec<u8>) -> Result<(), StoreError> {
        objects::put_named(&self.root, digest, bytes)
    }

    /// Takes a decision under the lock of its run and appends it, starting the run (and its journal line) when it is new.
    ///
    /// What the run has seen cannot change between the decision and its record: of two calls at the same moment one
    /// comes first, and the other one sees it.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was, and `decide` may not have been asked.
    pub fn decide<'d>(
        &self,
        run: &str,
        runtime: &str,
        decide: impl FnOnce(&State) -> Result<&'d Decision, StoreError>,
    ) -> Result<Appended, StoreError> {
        self.append_judged(run, runtime, |state| {
            decide(state).map(|decision| Judged {
                decision,
                marks: &decision.marks,
                answer: decision.verdict.effect.as_str(),
            })
        })
    }

    fn append_judged<'d>(
        &self,
        run: &str,
        runtime: &str,
        decide: impl FnOnce(&State) -> Result<Judged<'d>, StoreError>,
    ) -> Result<Appended, StoreError> {
        let source = self.source(runtime);
        let chain = self.chain(run)?;
        let mut chain = lock(&chain);
        let mut log = chain.lock(&source)?;
        let Judged {
            decision,
            marks,
            answer,
        } = decide(log.state()?)?;
        let mut draft = self.draft("decision", decision.id.clone(), run, &source)?;
        kinds::write_decision(&mut draft, decision, marks, answer)?;
        if decision.verdict.effect == Effect::Ask {
            // Who asks may not be who answers.
            draft.set("asker", &os::agent_processes())?;
        }
        self.shrink_decision(&mut draft, decision)?;
        let durable = self.durability.wants_sync(decision);
        let start = || RunStart::of(decision, source.uid);
        let appended = self.append(&mut log, draft, start, run, &source, durable)?;
        log.remember();
        Ok(appended)
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
        let runtime = &decision.facts.caller.runtime;
        self.append_judged(&decision.run, runtime, |_| {
            Ok(Judged {
                decision,
                marks,
                answer,
            })
        })
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
        let mut chain = lock(&chain);
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
        let mut chain = lock(&chain);
        let mut log = chain.lock(&source)?;
        let (of, enforced, labels) = match find_decision(&log, outcome)? {
            Search::Found(found) => {
                let enforced = Enforced::of(found.effect, outcome.result);
                // What was denied and ran all the same leaves what it would have left.
                let left = match enforced {
                    Enforced::Overridden => found.labels,
                    _ => Vec::new(),
                };
                (Some(found.id), enforced, left)
            }
            Search::Absent => (None, Enforced::Bypassed, kinds::unjudged(outcome)),
            Search::GivenUp => (outcome.of.clone(), Enforced::Unknown, Vec::new()),
        };
        let mut draft = self.draft("outcome", id::new_id(), &outcome.run, &source)?;
        kinds::write_outcome(&mut draft, outcome, of.as_deref(), enforced, &labels)?;
        self.shrink(&mut draft, Vec::new(), None)?;
        let start = || RunStart {
            runtime: outcome.adapter.clone(),
            uid: source.uid,
            ..RunStart::default()
        };
        let durable = self.durability == Durability::Strict;
        let appended = self.append(&mut log, draft, start, &outcome.run, &source, durable)?;
        log.remember();
        Ok(appended)
    }

    /// Appends `draft`, after the run's beginning and its line in the journal when the run is new.
    ///
    /// The journal comes first: a run that began is always named there. Should the run's own write fail, its line in
    /// the journal is taken back under the same lock.
    fn append(
        &self,
        log: &mut Locked<'_>,
        draft: Draft,
        start: impl FnOnce() -> RunStart,
        run: &str,
        source: &Source,
        durable: bool,
    ) -> Result<Appended, StoreError> {
        if !log.is_new() {
            log.push(draft)?;
            return log.commit(durable);
        }
        let start = start();
        let mut first = self.draft("run.start", id::new_id(), run, source)?;
        start.write(&mut first)?;
        self.shrink(&mut first, Vec::new(), None)?;
        let mut named = self.draft("run.start", id::new_id(), run, source)?;
        named.set("first", &first.id)?;
        named.set("agent", &start.runtime)?;
        named.set("policy", &start.policy)?;
        log.push(first)?;
        log.push(draft)?;
        let mut journal = lock(&self.journal);
        let journal = journal.get_or_insert_with(|| {
            Chain::new(self.chain_options(JOURNAL, self.root.join("journal.jsonl")))
        });
        let mut journal = journal.lock(source)?;
        journal.push(named)?;
        journal.commit(durable)?;
        log.commit(durable).inspect_err(|_| journal.roll_back())
    }

    fn source(&self, adapter: &str) -> Source {
        kinds::source(adapter, os::parent_id(), os::user_id())
    }

    fn draft(
        &self,
        kind: &str,
        id: String,
        run: &str,
        source: &Source,
    ) -> Result<Draft, StoreError> {
        Draft::new(kind, id, &self.id, run, source)
    }

    fn chain(&self, run: &str) -> Result<Arc<Mutex<Chain>>, StoreError> {
        if !id::is_uuid(run) {
            return Err(StoreError::new(
                StoreError::BAD_RUN,
                "a run id must be a UUID in lower case",
            ));
        }
        let mut runs = lock(&self.runs);
        if let Some(chain) = runs.get(run) {
            return Ok(Arc::clone(chain));
        }
        if runs.len() >= OPEN_RUNS {
            // Only idle ones: a chain in use must stay the only one of its run in this process.
            runs.retain(|_, chain| Arc::strong_count(chain) > 1);
        }
        let options = self.chain_options(run, self.run_path(run));
        let chain = Arc::new(Mutex::new(Chain::new(options)));
        runs.insert(run.to_owned(), Arc::clone(&chain));
        Ok(chain)
    }

    fn chain_options(&self, name: &str, path: PathBuf) -> ChainOptions {
        ChainOptions {
            store: self.id.clone(),
            name: name.to_owned(),
            path,
            recovery: self.root.join("recovery"),
            state: self.root.join("state").join(name),
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
    fn shrink(
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
                members.push((
                    String::from("effect"),
                    Value::from(verdict.effect.as_str()),
                ));
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
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
}

enum Search {
    Found(FoundDecision),
    /// The whole log was read: there is none.
    Absent,
    /// The log is longer than is read back, or the id that was given is not in it.
    GivenUp,
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
}

/// Looks for the decision an outcome closes, from the end of the log backwards.
fn find_decision(log: &Locked<'_>, outcome: &Outcome) -> Result<Search, StoreError> {
    const STEP: u64 = 64 * 1024;
    let Some(wanted) = outcome.of.as_deref().or(outcome.call_id.as_deref()) else {
        return Ok(Search::Absent);
    };
    // Most lines are dismissed by this search alone. The name is escaped as it stands in the file.
    let needle = crate::json::canonical(&Value::from(wanted));
    let finder = memchr::memmem::Finder::new(&needle);
    let mut end = log.len();
    let stop = end.saturating_sub(LOOK_BACK);
    let mut held: Vec<u8> = Vec::new();
    while end > stop {
        let start = end.saturating_sub(STEP).max(stop);
        let mut window = log.read(start, usize::try_from(end - start).unwrap_or(usize::MAX))?;
        window.append(&mut held);
        // The first line of the window is whole only at the beginning of the file; else it is kept for the next round.
        let first = if start == 0 {
            0
        } else {
            memchr::memchr(b'\n', &window).map_or(window.len(), |at| at + 1)
        };
        for line in window[first..].split(|byte| *byte == b'\n').rev() {
            if finder.find(line).is_some()
                && let Some(found) = decision_in(line, outcome)
            {
                return Ok(Search::Found(found));
            }
        }
        held = window[..first].to_vec();
        end = start;
    }
    Ok(if stop == 0 && outcome.of.is_none() {
        Search::Absent
    } else {
        Search::GivenUp
    })
}

fn decision_in(line: &[u8], outcome: &Outcome) -> Option<FoundDecision> {
    let members: DecisionMembers<'_> = serde_json::from_slice(line).ok()?;
    let matches = match &outcome.of {
        Some(of) => members.id == of,
        None => members.call.and_then(|call| call.id).as_deref() == outcome.call_id.as_deref(),
    };
    let answered = members.verdict?;
    (members.kind == "decision" && matches).then_some(FoundDecision {
        id: members.id.to_owned(),
        effect: answered.effect,
        labels: answered.labels,
    })
}

/// A decision's digest of facts: `sha256:…` of their canonical bytes, which is what the record keeps.
///
/// # Errors
/// [`StoreError`] for facts that JSON cannot say.
pub fn facts_digest<T: Serialize + ?Sized>(facts: &T) -> Result<String, StoreError> {
    crate::json::to_canonical(facts)
        .map(|bytes| id::digest(&bytes))
        .map_err(|error| {
            StoreError::new(
                StoreError::CORRUPTED,
                format!("facts cannot be written: {error}"),
            )
        })
}

/// A decision's digest of the action: `sha256:…` of tool and redacted arguments, which is what an approval binds to.
#[must_use]
pub fn action_digest(tool: &str, args: &Value) -> String {
    #[derive(Serialize)]
    struct Acted<'a> {
        args: &'a Value,
        tool: &'a str,
    }
    let bytes = crate::json::to_canonical(&Acted { args, tool }).unwrap_or_default();
    let mut text = b"armorer-action/1\n".to_vec();
    text.extend_from_slice(&bytes);
    id::digest(&text)
}
