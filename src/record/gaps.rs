//! Decisions that could not be recorded, remembered until the store works again: empty files whose names say when and why.
//! Making one takes no space, so it works where a full disk is the reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::error::StoreError;
use super::{id, os, rfc3339_micros};
use crate::decision::Effect;

/// More are not counted one by one; nobody waits for a guard that counts.
const MOST: usize = 10_000;

/// One decision that could not be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unrecorded {
    at_us: u64,
    kind: String,
    /// What was answered all the same; `None` where that is not known.
    answered: Option<Effect>,
}

/// What the `gap` record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Gap {
    /// How many of them were allowed, asked about and denied.
    answered: BTreeMap<&'static str, u64>,
    count: u64,
    errors: BTreeMap<String, u64>,
    reason: &'static str,
    since: String,
    until: String,
}

/// What this process and others could not record.
#[derive(Debug)]
pub(crate) struct Gaps {
    folder: PathBuf,
    /// Those for which no file could be made.
    unsaid: Mutex<Vec<Unrecorded>>,
    /// Whether there may be something to say.
    doubt: AtomicBool,
}

impl Gaps {
    pub(crate) fn new(home: &Path) -> Self {
        Self {
            folder: home.join("gaps"),
            unsaid: Mutex::default(),
            // Others may have left some before this process began.
            doubt: AtomicBool::new(true),
        }
    }

    /// Remembers a decision that could not be recorded. Never fails: what cannot be written is kept in memory.
    pub(crate) fn remember(&self, error: &StoreError, answered: Effect) {
        self.doubt.store(true, Ordering::Relaxed);
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.keep(Unrecorded {
            at_us: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            kind: error.kind.to_owned(),
            answered: Some(answered),
        });
    }

    /// Keeps one in a file, else in memory.
    fn keep(&self, one: Unrecorded) {
        let name = format!(
            "{}.{}.{}.{}",
            one.at_us,
            id::new_id(),
            one.kind,
            one.answered.map_or("", Effect::as_str)
        );
        let path = self.folder.join(name);
        let made = os::make_dir(&self.folder).and_then(|()| os::create_empty(&path));
        if made.is_err() {
            let mut unsaid = super::store::lock(&self.unsaid);
            if unsaid.len() < MOST {
                unsaid.push(one);
            }
        }
    }

    /// What is to be said, once. Another process that asks at the same time is told nothing.
    pub(super) fn take(&self) -> Vec<Unrecorded> {
        if !self.doubt.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        let mut found = std::mem::take(&mut *super::store::lock(&self.unsaid));
        if os::stat_path(&self.folder).ok().flatten().is_some() {
            let mut claimed = self.folder.as_os_str().to_owned();
            claimed.push(format!(".{}", id::new_id()));
            let claimed = PathBuf::from(claimed);
            if os::rename(&self.folder, &claimed).is_ok() {
                for path in os::list(&claimed).unwrap_or_default() {
                    found.extend(unrecorded(&path));
                    let _ = os::remove(&path);
                }
                let _ = os::remove_dir(&claimed);
            }
        }
        found
    }

    /// Puts back what could not be said after all.
    pub(super) fn put_back(&self, found: Vec<Unrecorded>) {
        self.doubt.store(true, Ordering::Relaxed);
        for one in found {
            self.keep(one);
        }
    }
}

fn unrecorded(path: &Path) -> Option<Unrecorded> {
    let name = path.file_name()?.to_str()?;
    let (at_us, rest) = name.split_once('.')?;
    let (_, rest) = rest.split_once('.')?;
    let (kind, answered) = rest.split_once('.').unwrap_or((rest, ""));
    let known = StoreError::KINDS.into_iter().find(|held| *held == kind)?;
    Some(Unrecorded {
        at_us: at_us.parse().ok()?,
        kind: known.to_owned(),
        answered: [Effect::Allow, Effect::Ask, Effect::Deny]
            .into_iter()
            .find(|effect| effect.as_str() == answered),
    })
}

/// What a `gap` record says of them; `None` when there are none.
pub(super) fn gap(found: &[Unrecorded]) -> Option<Gap> {
    let time = |at: u64| rfc3339_micros(UNIX_EPOCH + Duration::from_micros(at));
    let mut errors = BTreeMap::new();
    let mut answered = BTreeMap::new();
    for one in found {
        *errors.entry(one.kind.clone()).or_insert(0) += 1;
        if let Some(effect) = one.answered {
            *answered.entry(effect.as_str()).or_insert(0) += 1;
        }
    }
    Some(Gap {
        answered,
        count: found.len() as u64,
        errors,
        reason: "unrecorded",
        since: time(found.iter().map(|one| one.at_us).min()?),
        until: time(found.iter().map(|one| one.at_us).max()?),
    })
}
