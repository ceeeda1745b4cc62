//! The journal: seals of runs, signed checkpoints, the keys that sign them, and everything that concerns no single run.

use serde::{Deserialize, Serialize};

use super::chain::{Chain, Locked};
use super::error::StoreError;
use super::line::{Draft, Source};
use super::merkle::Tree;
use super::note::{self, SigningKey};
use super::store::{JOURNAL, Store, lock};
use super::{id, os};

/// Every so many records of a run its length is stated in the journal, and the journal is signed.
pub(super) const CHECKPOINT_EVERY: u64 = 1_000;

/// How long a log was and what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seal {
    /// Records.
    pub count: u64,
    /// Length of the file.
    pub bytes: u64,
    /// Hash of the last record.
    pub head: String,
    /// `sha256:…`, RFC 6962 root over the record hashes; `None` where only the length is stated.
    pub root: Option<String>,
}

/// A signed statement of the journal's length and root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// Which key signed: eight hexadecimal digits.
    pub key: String,
    /// The whole signed note.
    pub note: String,
    /// RFC 6962 root over the journal's record hashes, in base64.
    pub root: String,
    /// Records of the journal.
    pub size: u64,
}

#[derive(Serialize)]
struct KeyMembers<'a> {
    alg: &'static str,
    id: &'a str,
    previous: Option<&'a str>,
    public: &'a str,
    statement: Option<&'a str>,
    r#use: &'static str,
}

/// What a pass over the journal tells a signer.
struct JournalState {
    tree: Tree,
    /// Id of the key that was introduced last.
    key: Option<String>,
}

impl Store {
    /// Does something under the journal's lock.
    pub(super) fn in_journal<T>(
        &self,
        source: &Source,
        act: impl FnOnce(&mut Locked<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut journal = lock(&self.open.own().journal);
        let journal = journal.get_or_insert_with(|| {
            Chain::new(self.chain_options(JOURNAL, self.root().join("journal.jsonl")))
        });
        let mut journal = journal.lock(source)?;
        act(&mut journal)
    }

    /// Appends one record to the journal: an installation, an activation, a remark.
    ///
    /// # Errors
    /// [`StoreError`]; the journal is then as it was.
    pub(super) fn journal_event(
        &self,
        kind: &str,
        source: &Source,
        fill: impl FnOnce(&mut Draft) -> Result<(), StoreError>,
    ) -> Result<super::Appended, StoreError> {
        let mut draft = self.draft(kind, id::new_id(), JOURNAL, source)?;
        fill(&mut draft)?;
        self.shrink(&mut draft, Vec::new(), None)?;
        self.in_journal(source, |journal| {
            journal.push(draft)?;
            journal.commit(self.syncs())
        })
    }

    /// Writes a signed checkpoint of the journal; with a run, after stating its length there.
    ///
    /// # Errors
    /// [`StoreError`]; the journal is then as it was.
    pub fn checkpoint(&self, run: Option<&str>, adapter: &str) -> Result<Checkpoint, StoreError> {
        let source = self.source(adapter);
        let seal = match run {
            Some(run) => Some((run, self.seal(run, &source)?)),
            None => None,
        };
        self.write_checkpoint(seal, &source)
    }

    /// As [`Store::checkpoint`], for a seal that is known already.
    pub(super) fn write_checkpoint(
        &self,
        seal: Option<(&str, Seal)>,
        source: &Source,
    ) -> Result<Checkpoint, StoreError> {
        let stated = match seal {
            Some((run, seal)) => {
                let mut draft = self.draft("checkpoint", id::new_id(), run, source)?;
                draft.set("checkpoint", &())?;
                draft.set("seal", &seal)?;
                Some(draft)
            }
            None => None,
        };
        let checkpoint = self.in_journal(source, |journal| {
            if let Some(draft) = stated {
                journal.push(draft)?;
            }
            let checkpoint = self.stage_checkpoint(journal, source)?;
            journal.commit(self.syncs())?;
            Ok(checkpoint)
        })?;
        self.publish(&checkpoint);
        Ok(checkpoint)
    }

    /// Stages a checkpoint of the journal up to here, and before it the key when the journal does not know it yet.
    pub(super) fn stage_checkpoint(
        &self,
        journal: &mut Locked<'_>,
        source: &Source,
    ) -> Result<Checkpoint, StoreError> {
        let mut state = read_journal(journal)?;
        let key = self.signing_key(state.key.as_deref())?;
        if state.key.as_deref() != Some(&key.id()) {
            let draft = self.key_record(&key, state.key.as_deref(), None, source)?;
            journal.push(draft)?;
            state.tree.push(&head_of(journal));
        }
        let root = state.tree.root();
        let size = state.tree.size();
        let checkpoint = Checkpoint {
            key: key.id(),
            note: key.sign(&note::checkpoint_text(self.id(), size, &root)),
            root: note::base64(&root),
            size,
        };
        let mut draft = self.draft("checkpoint", id::new_id(), JOURNAL, source)?;
        draft.set("checkpoint", &checkpoint)?;
        draft.set("seal", &())?;
        journal.push(draft)?;
        Ok(checkpoint)
    }

    /// Puts the latest checkpoint where other programs find it. A copy: the journal holds the same.
    pub(super) fn publish(&self, checkpoint: &Checkpoint) {
        let _ = os::replace_whole(
            &self.root().join("checkpoint"),
            checkpoint.note.as_bytes(),
            &id::new_id(),
        );
    }

    /// Uses another key from here on; the old one vouches for it and is erased.
    ///
    /// # Errors
    /// [`StoreError`]; the old key is then still in use.
    pub fn rotate_key(&self, adapter: &str) -> Result<String, StoreError> {
        let source = self.source(adapter);
        let (path, next) = self.key_paths();
        let public = self.in_journal(&source, |journal| {
            let state = read_journal(journal)?;
            let old = self.signing_key(state.key.as_deref())?;
            if state.key.is_none() {
                let first = self.key_record(&old, None, None, &source)?;
                journal.push(first)?;
            }
            os::remove(&next).map_err(|error| StoreError::io("remove", &next, &error))?;
            let new = SigningKey::load(&next, self.id())?;
            let statement = old.sign(&format!("{}\n", new.public()));
            let draft = self.key_record(&new, Some(&old.id()), Some(&statement), &source)?;
            journal.push(draft)?;
            journal.commit(true)?;
            // A process that dies here leaves the new key beside the old one; the journal says which is meant.
            os::rename(&next, &path).map_err(|error| StoreError::io("rename", &next, &error))?;
            Ok(new.public())
        })?;
        self.write_checkpoint(None, &source)?;
        Ok(public)
    }

    /// The public key of checkpoints, as C2SP writes a verifier key. Made when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or made.
    pub fn public_key(&self) -> Result<String, StoreError> {
        Ok(self.signing_key(None)?.public())
    }

    /// Records that a checkpoint was left at a place that this program cannot change.
    ///
    /// # Errors
    /// [`StoreError`]; the journal is then as it was.
    pub fn anchored(
        &self,
        kind: &str,
        place: Option<&str>,
        checkpoint: &Checkpoint,
        adapter: &str,
    ) -> Result<super::Appended, StoreError> {
        #[derive(Serialize)]
        struct Anchored<'a> {
            kind: &'a str,
            root: &'a str,
            size: u64,
            r#where: Option<&'a str>,
        }
        self.journal_event("anchor", &self.source(adapter), |draft| {
            draft.set(
                "anchor",
                &Anchored {
                    kind,
                    root: &checkpoint.root,
                    size: checkpoint.size,
                    r#where: place,
                },
            )
        })
    }

    /// The log of a run as it is now.
    fn seal(&self, run: &str, source: &Source) -> Result<Seal, StoreError> {
        self.must_exist(run)?;
        let chain = self.chain(run)?;
        let mut chain = chain.turn();
        let mut log = chain.lock(source)?;
        log.commit_staged(self.syncs())?;
        let mut tree = Tree::default();
        log.each_line(&mut |line| tree.push(&id::raw_hash_of(line).unwrap_or_default()))?;
        seal_of(&log, &tree).ok_or_else(|| no_run(run))
    }

    pub(super) fn must_exist(&self, run: &str) -> Result<(), StoreError> {
        let path = self.run_path(run);
        match os::stat_path(&path) {
            Ok(Some(_)) if id::is_uuid(run) => Ok(()),
            Ok(_) => Err(no_run(run)),
            Err(error) => Err(StoreError::io("look at", &path, &error)),
        }
    }

    fn key_paths(&self) -> (std::path::PathBuf, std::path::PathBuf) {
        let folder = self.keys();
        (folder.join("signing"), folder.join("signing.next"))
    }

    /// The key that signs: the one that the journal named last, when it is here.
    fn signing_key(&self, named: Option<&str>) -> Result<SigningKey, StoreError> {
        let (path, next) = self.key_paths();
        let key = SigningKey::load(&path, self.id())?;
        if named.is_some_and(|named| named != key.id())
            && let Some(new) = SigningKey::find(&next, self.id())?
            && named == Some(&new.id())
        {
            os::rename(&next, &path).map_err(|error| StoreError::io("rename", &next, &error))?;
            return Ok(new);
        }
        Ok(key)
    }

    fn key_record(
        &self,
        key: &SigningKey,
        previous: Option<&str>,
        statement: Option<&str>,
        source: &Source,
    ) -> Result<Draft, StoreError> {
        let mut draft = self.draft("key.rotate", id::new_id(), JOURNAL, source)?;
        draft.set(
            "key",
            &KeyMembers {
                alg: "ed25519",
                id: &key.id(),
                previous,
                public: &key.public(),
                statement,
                r#use: "checkpoint",
            },
        )?;
        Ok(draft)
    }
}

/// The seal of a log whose tree is known; `None` when it holds no record.
pub(super) fn seal_of(log: &Locked<'_>, tree: &Tree) -> Option<Seal> {
    let (last, head) = log.head()?;
    Some(Seal {
        count: last + 1,
        bytes: log.end(),
        head: head.to_owned(),
        root: Some(format!("sha256:{}", id::hex(&tree.root()))),
    })
}

/// The run that is asked for is not there.
pub(super) fn no_run(run: &str) -> StoreError {
    StoreError::new(StoreError::NO_RUN, format!("there is no run `{run}`"))
}

fn head_of(log: &Locked<'_>) -> [u8; 32] {
    log.head()
        .and_then(|(_, hash)| id::raw_hash(hash))
        .unwrap_or_default()
}

fn read_journal(journal: &Locked<'_>) -> Result<JournalState, StoreError> {
    #[derive(Deserialize)]
    struct Line {
        kind: String,
        #[serde(default)]
        key: Option<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        id: String,
    }
    let mut state = JournalState {
        tree: Tree::default(),
        key: None,
    };
    let finder = memchr::memmem::Finder::new(b"\"kind\":\"key.rotate\"");
    journal.each_line(&mut |line| {
        state.tree.push(&id::raw_hash_of(line).unwrap_or_default());
        if finder.find(line).is_some()
            && let Ok(found) = serde_json::from_slice::<Line>(line)
            && found.kind == "key.rotate"
        {
            state.key = found.key.map(|key| key.id).or(state.key.take());
        }
    })?;
    Ok(state)
}
