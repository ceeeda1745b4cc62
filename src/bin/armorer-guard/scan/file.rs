//! One file: opened, looked at, scanned.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use armorer_guard_core::sweep::baseline::Fingerprint;
use armorer_guard_core::sweep::report::{Located, Locator};
use armorer_guard_core::sweep::select::Selection;
use armorer_guard_core::sweep::utf16::{FromUtf16, Order};
use armorer_guard_core::sweep::window::{Sweep, SweepError};

use super::known::Known;
use super::options::FileOptions;
use super::walk::{Entry, Skip};
use crate::input::invite;

/// What came of an entry of the walk.
pub(super) struct Outcome {
    pub(super) path: PathBuf,
    pub(super) result: Result<Scanned, Skip>,
    /// Why it was not scanned, or not to its end.
    pub(super) error: Option<String>,
}

#[derive(Default)]
pub(super) struct Scanned {
    pub(super) bytes: u64,
    /// With what the baseline would remember, when there is one.
    pub(super) located: Vec<(Located, Option<Fingerprint>)>,
}

/// How files are scanned. Shared by the threads.
pub(super) struct Job<'a> {
    pub(super) sweep: Sweep<'a>,
    pub(super) selection: &'a Selection,
    pub(super) files: FileOptions,
    pub(super) known: Option<&'a Known>,
    /// Bytes that were scanned so far.
    pub(super) scanned: &'a AtomicU64,
}

/// How much of a file tells whether it is binary; git looks at as much.
const HEAD: usize = 8 << 10;

impl Job<'_> {
    /// Does one entry; `buffer` is working memory.
    pub(super) fn run(&self, entry: Entry, buffer: &mut Vec<u8>) -> Outcome {
        match entry {
            Entry::Failed(path, error) => Outcome {
                path,
                result: Ok(Scanned::default()),
                error: Some(error),
            },
            Entry::Skipped(path, skip) => Outcome {
                path,
                result: Err(skip),
                error: None,
            },
            Entry::StandardInput => {
                let path = PathBuf::from("-");
                let mut found = Scanned::default();
                invite();
                let ended = self.stream(&path, &mut io::stdin().lock(), buffer, &mut found);
                outcome(path, ended, found)
            }
            Entry::File(path) => {
                let mut found = Scanned::default();
                let ended = self.file(&path, buffer, &mut found);
                outcome(path, ended, found)
            }
        }
    }

    fn file(
        &self,
        path: &Path,
        buffer: &mut Vec<u8>,
        found: &mut Scanned,
    ) -> io::Result<Option<Skip>> {
        let mut file = File::open(path)?;
        if let Some(limit) = self.files.max_size
            && file.metadata()?.len() > limit
        {
            return Ok(Some(Skip::TooLarge));
        }
        self.stream(path, &mut file, buffer, found)
    }

    fn stream(
        &self,
        path: &Path,
        input: &mut dyn Read,
        buffer: &mut Vec<u8>,
        found: &mut Scanned,
    ) -> io::Result<Option<Skip>> {
        let mut head = Vec::with_capacity(HEAD);
        input.take(HEAD as u64).read_to_end(&mut head)?;
        let order = Order::of(&head);
        if order.is_none() && !self.files.binary && head.contains(&0) {
            return Ok(Some(Skip::Binary));
        }
        let input = head.as_slice().chain(input);
        match order {
            None => self.text(path, &mut { input }, buffer, found)?,
            Some(order) => self.text(path, &mut FromUtf16::new(input, order), buffer, found)?,
        }
        Ok(None)
    }

    fn text(
        &self,
        path: &Path,
        input: &mut dyn Read,
        buffer: &mut Vec<u8>,
        found: &mut Scanned,
    ) -> io::Result<()> {
        let mut locator = Locator::default();
        let swept = self.sweep.run(input, buffer, &mut |window| {
            for (located, finding) in locator.locate(window).into_iter().zip(&window.findings) {
                if !self.selection.wants(finding) {
                    continue;
                }
                let fingerprint = self
                    .known
                    .map(|known| known.fingerprint(path, window, finding));
                found.located.push((located, fingerprint));
            }
            found.bytes += window.settled.len() as u64;
            self.scanned
                .fetch_add(window.settled.len() as u64, Ordering::Relaxed);
            Ok(())
        });
        match swept {
            Ok(_) => Ok(()),
            Err(SweepError::Read(error) | SweepError::Window(error)) => Err(error),
        }
    }
}

fn outcome(path: PathBuf, ended: io::Result<Option<Skip>>, found: Scanned) -> Outcome {
    let (result, error) = match ended {
        Ok(None) => (Ok(found), None),
        Ok(Some(skip)) => (Err(skip), None),
        // What was found before the error stands.
        Err(error) => (Ok(found), Some(error.to_string())),
    };
    Outcome {
        path,
        result,
        error,
    }
}
