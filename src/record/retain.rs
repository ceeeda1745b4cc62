//! What is taken away on purpose: whole runs (`prune`), and the payload of one (`forget`). Both are said in the journal
//! before anything is removed, and both leave a store that verifies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::journal::{Seal, no_run, seal_of};
use super::store::Store;
use super::summary::Fold;
use super::{id, objects, os};

/// So many runs are named by one `prune` record, so that its line stays short.
const RUNS_IN_ONE: usize = 100;

/// A run that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Length of its file.
    pub bytes: u64,
    /// How many records it had.
    pub count: u64,
    /// When the first was written.
    pub first_ts: Option<String>,
    /// Hash of the last.
    pub head: String,
    /// When the last was written.
    pub last_ts: Option<String>,
    /// RFC 6962 root over their hashes.
    pub root: Option<String>,
    /// Run id.
    pub run: String,
}

/// What stands in place of a log whose payload was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Objects that nothing else names, erased with it.
    pub objects: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// The log as it was.
    pub seal: Seal,
    /// The file that stands there now.
    pub stub: Stub,
}

/// A file of stubs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stub {
    /// Its length.
    pub bytes: u64,
    /// `sha256:…` of it.
    pub digest: String,
}

#[derive(Deserialize)]
struct Skeleton<'a> {
    id: &'a str,
    kind: &'a str,
    prev: &'a str,
    seq: u64,
    store: &'a str,
    ts: &'a str,
    v: &'a str,
}

#[derive(Serialize)]
struct StubLine<'a> {
    forgotten: bool,
    id: &'a str,
    kind: &'a str,
    prev: &'a str,
    run: &'a str,
    seq: u64,
    store: &'a str,
    ts: &'a str,
    v: &'a str,
}

/// What a pass over a log gathers.
#[derive(Default)]
struct Gathered {
    fold: Fold,
    first_ts: Option<String>,
    last_ts: Option<String>,
    objects: BTreeSet<String>,
    stubs: Vec<u8>,
    unreadable: bool,
}

impl Gathered {
    fn line(&mut self, run: &str, line: &[u8]) {
        self.fold.line(line);
        let Ok(held) = serde_json::from_slice::<Skeleton<'_>>(line) else {
            self.unreadable = true;
            return;
        };
        self.first_ts.get_or_insert_with(|| held.ts.to_owned());
        self.last_ts = Some(held.ts.to_owned());
        for at in memchr::memmem::find_iter(line, b"\"$blob\":\"sha256:") {
            let digest = line.get(at + 9..at + 80).map(String::from_utf8_lossy);
            self.objects
                .extend(digest.map(std::borrow::Cow::into_owned));
        }
        let stub = StubLine {
            forgotten: true,
            id: held.id,
            kind: held.kind,
            prev: held.prev,
            run,
            seq: held.seq,
            store: held.store,
            ts: held.ts,
            v: held.v,
        };
        match (crate::json::to_canonical(&stub), line.len().checked_sub(82)) {
            (Ok(bytes), Some(seal)) => {
                self.stubs.extend_from_slice(&bytes[..bytes.len() - 1]);
                self.stubs.extend_from_slice(&line[seal..]);
                self.stubs.push(b'\n');
            }
            _ => self.unreadable = true,
        }
    }
}

impl Store {
    /// Removes the logs of runs that have ended, after naming them in the journal. What was named and cannot be removed
    /// (because the run goes on meanwhile) stays, and verifies as ever.
    ///
    /// # Errors
    /// [`StoreError`]; `store_not_sealed` for a run that has not ended: nothing is removed then.
    pub fn prune(
        &self,
        runs: &[String],
        reason: Option<&str>,
        policy: Option<&str>,
        adapter: &str,
    ) -> Result<Vec<Pruned>, StoreError> {
        #[derive(Serialize)]
        struct Pruning<'a> {
            policy: Option<&'a str>,
            reason: Option<&'a str>,
            runs: &'a [Pruned],
        }
        let source = self.source(adapter);
        let mut named = Vec::new();
        let mut candidates = BTreeSet::new();
        for run in runs {
            let (gathered, seal) = self.gather(run)?;
            candidates.extend(gathered.objects);
            named.push(Pruned {
                bytes: seal.bytes,
                count: seal.count,
                first_ts: gathered.first_ts,
                head: seal.head,
                last_ts: gathered.last_ts,
                root: seal.root,
                run: run.clone(),
            });
        }
        for some in named.chunks(RUNS_IN_ONE) {
            self.journal_event("prune", &source, |draft| {
                draft.set(
                    "prune",
                    &Pruning {
                        policy,
                        reason,
                        runs: some,
                    },
                )
            })?;
        }
        for pruned in &named {
            self.with_log(&pruned.run, |path, length| {
                if length == pruned.bytes {
                    os::remove(path).map_err(|error| StoreError::io("remove", path, &error))?;
                }
                Ok(())
            })?;
            self.forget_beside(&pruned.run)?;
        }
        for digest in self.unnamed(candidates, None)? {
            self.remove_object(&digest)?;
        }
        self.drop_index()?;
        self.write_checkpoint(None, &source)?;
        Ok(named)
    }

    /// Erases what a run that has ended was about, and leaves its chain: every line becomes a stub that keeps its kind,
    /// time and hash, and a `forget` record in the journal states exactly these stubs.
    ///
    /// # Errors
    /// [`StoreError`]; `store_not_sealed` for a run that has not ended.
    pub fn forget(
        &self,
        run: &str,
        reason: Option<&str>,
        adapter: &str,
    ) -> Result<Forgotten, StoreError> {
        let source = self.source(adapter);
        let (gathered, seal) = self.gather(run)?;
        if gathered.unreadable {
            return Err(StoreError::new(
                StoreError::CORRUPTED,
                format!("run `{run}` holds lines that are no records; `verify` says which"),
            ));
        }
        let forgotten = Forgotten {
            objects: self.unnamed(gathered.objects, Some(run))?,
            reason: reason.map(str::to_owned),
            stub: Stub {
                bytes: gathered.stubs.len() as u64,
                digest: id::digest(&gathered.stubs),
            },
            seal,
        };
        let mut draft = self.draft("forget", id::new_id(), run, &source)?;
        draft.set("forget", &forgotten)?;
        self.shrink(&mut draft, Vec::new(), None)?;
        self.in_journal(&source, |journal| {
            journal.push(draft)?;
            journal.commit(true)
        })?;
        self.with_log(run, |path, length| {
            if length != forgotten.seal.bytes {
                return Err(not_sealed(run));
            }
            os::replace_whole(path, &gathered.stubs, &id::new_id())
                .map_err(|error| StoreError::io("replace", path, &error))
        })?;
        for digest in &forgotten.objects {
            self.remove_object(digest)?;
        }
        self.forget_beside(run)?;
        self.drop_index()?;
        self.write_checkpoint(None, &source)?;
        Ok(forgotten)
    }

    /// Everything that is needed to take a run away; it must have ended.
    fn gather(&self, run: &str) -> Result<(Gathered, Seal), StoreError> {
        self.must_exist(run)?;
        let chain = self.chain(run)?;
        let mut chain = chain.turn();
        let log = chain.lock(&self.source("records"))?;
        let mut gathered = Gathered::default();
        log.each_line(&mut |line| gathered.line(run, line))?;
        if gathered.fold.stopped.is_none() || !log.staged().is_empty() {
            return Err(not_sealed(run));
        }
        let seal = seal_of(&log, &gathered.fold.tree).ok_or_else(|| no_run(run))?;
        Ok((gathered, seal))
    }

    /// Does something to the file of a run under its lock; told its path and length.
    fn with_log(
        &self,
        run: &str,
        act: impl FnOnce(&Path, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.run_path(run);
        let chain = self.chain(run)?;
        let mut chain = chain.turn();
        let log = chain.lock(&self.source("records"))?;
        act(&path, log.len())
    }

    /// Of these objects those that no log names, save that of the run that is forgotten, and no other object.
    fn unnamed(
        &self,
        mut candidates: BTreeSet<String>,
        except: Option<&str>,
    ) -> Result<Vec<String>, StoreError> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let except = except.map(|run| self.run_path(run));
        let mut files: Vec<PathBuf> = os::list(&self.root().join("runs"))
            .map_err(|error| StoreError::io("list", &self.root().join("runs"), &error))?;
        files.push(self.root().join("journal.jsonl"));
        for path in files {
            if Some(&path) == except.as_ref() || candidates.is_empty() {
                continue;
            }
            let held = os::read_whole(&path)
                .map_err(|error| StoreError::io("read", &path, &error))?
                .unwrap_or_default();
            candidates.retain(|digest| memchr::memmem::find(&held, digest.as_bytes()).is_none());
        }
        Ok(candidates.into_iter().collect())
    }

    fn remove_object(&self, digest: &str) -> Result<(), StoreError> {
        let Some(path) = objects::path(self.root(), digest) else {
            return Ok(());
        };
        // What was moved out of it lies in objects of its own.
        let inner = os::read_whole(&path).ok().flatten().unwrap_or_default();
        os::remove(&path).map_err(|error| StoreError::io("remove", &path, &error))?;
        for at in memchr::memmem::find_iter(&inner, b"\"$blob\":\"sha256:") {
            let named = inner.get(at + 9..at + 80).map(String::from_utf8_lossy);
            if let Some(named) = named.filter(|named| named != digest) {
                for object in self.unnamed(BTreeSet::from([named.into_owned()]), None)? {
                    self.remove_object(&object)?;
                }
            }
        }
        Ok(())
    }

    /// What lies beside the log of a run: marks of answers, and torn lines that were moved aside.
    fn forget_beside(&self, run: &str) -> Result<(), StoreError> {
        let answers = self.answers_path(run);
        os::remove(&answers).map_err(|error| StoreError::io("remove", &answers, &error))?;
        let state = self.state_path(run);
        os::remove(&state).map_err(|error| StoreError::io("remove", &state, &error))?;
        let folder = self.root().join("recovery");
        let held = os::list(&folder).map_err(|error| StoreError::io("list", &folder, &error))?;
        for path in held {
            if path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(run))
            {
                os::remove(&path).map_err(|error| StoreError::io("remove", &path, &error))?;
            }
        }
        Ok(())
    }

    /// The index holds what the logs held; it is made again from what is left.
    fn drop_index(&self) -> Result<(), StoreError> {
        for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
            let path = self.root().join(name);
            os::remove(&path).map_err(|error| StoreError::io("remove", &path, &error))?;
        }
        Ok(())
    }
}

fn not_sealed(run: &str) -> StoreError {
    StoreError::new(
        StoreError::NOT_SEALED,
        format!("run `{run}` has not ended; `armorer-guard runs stop` ends it"),
    )
}
