//! The baseline during a scan: read, asked, written.

use std::io;
use std::path::{Component, Path, PathBuf};

use armorer_guard_core::record::fill_random;
use armorer_guard_core::scan::Finding;
use armorer_guard_core::sweep::baseline::{Baseline, Fingerprint};
use armorer_guard_core::sweep::window::Window;

use super::file::Outcome;
use super::options::Options;
use crate::args::is_stdin;
use crate::whole;

/// A baseline as it was read, and where it lies. Shared by the threads.
pub(super) struct Known {
    baseline: Baseline,
    path: PathBuf,
    folder: PathBuf,
}

impl Known {
    /// The baseline that is named; a new one when it shall be written and is not there.
    pub(super) fn read(options: &Options) -> Result<Option<Self>, String> {
        let Some(path) = &options.baseline else {
            return Ok(None);
        };
        let baseline = match std::fs::read(path) {
            Ok(bytes) => Baseline::read(&bytes)
                .map_err(|error| format!("`{}` is not a baseline: {error}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && options.update_baseline => {
                let mut key = [0; 32];
                fill_random(&mut key).map_err(|error| format!("no random key: {error}"))?;
                Baseline::new(key)
            }
            Err(error) => return Err(format!("`{}` cannot be read: {error}", path.display())),
        };
        let mut folder = clean(path);
        folder.pop();
        Ok(Some(Self {
            baseline,
            path: path.clone(),
            folder,
        }))
    }

    /// What the baseline remembers of a finding. Files are named from the baseline's folder, so that it does not matter
    /// where the scan was started.
    pub(super) fn fingerprint(
        &self,
        path: &Path,
        window: &Window<'_>,
        finding: &Finding,
    ) -> Fingerprint {
        let name = if is_stdin(path) {
            String::from("-")
        } else {
            let path = clean(path);
            let relative = path.strip_prefix(&self.folder).unwrap_or(&path);
            relative.to_string_lossy().replace('\\', "/")
        };
        self.baseline
            .fingerprint(&name, window.bytes, finding, window.seen)
    }
}

/// The absolute path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// What is left of a baseline while outcomes come in, and what the next one will hold.
pub(super) struct Ledger {
    path: PathBuf,
    left: Baseline,
    next: Option<Baseline>,
}

impl Ledger {
    pub(super) fn open(known: &Known, update: bool) -> Self {
        Self {
            path: known.path.clone(),
            left: known.baseline.clone(),
            next: update.then(|| known.baseline.emptied()),
        }
    }

    /// Takes what is known out of an outcome (when the baseline is written anew: everything); tells how much that was.
    pub(super) fn settle(&mut self, outcome: &mut Outcome) -> usize {
        let Ok(scanned) = &mut outcome.result else {
            return 0;
        };
        let before = scanned.located.len();
        let Self { left, next, .. } = self;
        scanned.located.retain(|(_, fingerprint)| {
            let Some(fingerprint) = fingerprint else {
                return true;
            };
            match next {
                Some(next) => next.add(fingerprint.clone()),
                None => return !left.take(fingerprint),
            }
            false
        });
        before - scanned.located.len()
    }

    /// Writes the next baseline, if one is wanted.
    pub(super) fn save(&self) -> Result<(), String> {
        let Some(next) = &self.next else {
            return Ok(());
        };
        whole::write(&self.path, &next.write())
            .map_err(|error| format!("`{}` cannot be written: {error}", self.path.display()))
    }
}
