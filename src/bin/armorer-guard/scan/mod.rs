//! `armorer-guard scan`: what the rules find in files and directories.
//!
//! One thread walks, some scan, this one puts the results in the order of the walk and tells them.

mod file;
pub(crate) mod options;
mod report;
mod walk;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use armorer_guard_core::sweep::baseline::Baseline;
use armorer_guard_core::sweep::complete::Complete;
use armorer_guard_core::sweep::window::{Limits, Pace, Sweep};

use crate::output::complain;
use crate::progress::{Done, Progress};
use crate::rules::set::RuleSet;
use crate::whole;
use file::{Job, Known, Outcome, Scanned};
use options::Options;
use report::Report;
use walk::Entry;

const FOUND: u8 = 1;
const ERROR: u8 = 2;

/// How many entries may wait for a thread.
const QUEUE: usize = 256;

/// Runs the command and returns the exit status.
pub(crate) fn run(options: &Options) -> u8 {
    let Some(rules) = RuleSet::open_or_complain(&options.packs) else {
        return ERROR;
    };
    if !rules.knows(&options.selection) {
        return ERROR;
    }
    let finder = Complete {
        finder: rules.scanner(),
    };
    let baseline = match read_baseline(options) {
        Ok(baseline) => baseline,
        Err(message) => {
            complain(&message, None);
            return ERROR;
        }
    };
    let scanned = AtomicU64::new(0);
    let name = baseline_names(options.baseline.as_deref());
    let job = Job {
        sweep: Sweep {
            finder: &finder,
            surface: options.surface,
            limits: Limits::FILES,
            pace: Pace::Full,
        },
        selection: &options.selection,
        files: options.files,
        baseline: baseline.as_ref().map(|baseline| Known {
            baseline,
            name: &name,
        }),
        progress: &|bytes| {
            scanned.fetch_add(bytes as u64, Ordering::Relaxed);
        },
    };
    let mut report = Report::start(options);
    let mut left = baseline.clone();
    let mut next = baseline.as_ref().map(Baseline::emptied);
    let done = in_order(options, &job, &scanned, &mut report, &mut |outcome| {
        let Ok(scanned) = &mut outcome.result else {
            return 0;
        };
        let before = scanned.located.len();
        if options.update_baseline {
            for (_, fingerprint) in scanned.located.drain(..) {
                if let (Some(next), Some(fingerprint)) = (&mut next, fingerprint) {
                    next.add(fingerprint);
                }
            }
        } else if let Some(left) = &mut left {
            scanned.located.retain(|(_, fingerprint)| {
                !fingerprint
                    .as_ref()
                    .is_some_and(|fingerprint| left.take(fingerprint))
            });
        }
        before - scanned.located.len()
    });
    let ended = done.and_then(|()| report.finish(&rules));
    match ended {
        Ok(()) => {}
        // Whoever read the findings has gone, and knows.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return ERROR,
        Err(error) => {
            complain(&format!("the findings cannot be written: {error}"), None);
            return ERROR;
        }
    }
    if let (true, Some(path), Some(next)) = (options.update_baseline, &options.baseline, next) {
        if report.errors() > 0 {
            complain(
                "the baseline is left as it was, because something could not be read",
                None,
            );
        } else if let Err(error) = whole::write(path, &next.write()) {
            complain(
                &format!("`{}` cannot be written: {error}", path.display()),
                None,
            );
            return ERROR;
        }
    }
    match () {
        () if report.errors() > 0 => ERROR,
        () if report.found() > 0 => FOUND,
        () => 0,
    }
}

/// Runs the job over everything below the paths. `known` takes known findings out of an outcome, and tells how many
/// there were.
fn in_order(
    options: &Options,
    job: &Job<'_>,
    scanned: &AtomicU64,
    report: &mut Report,
    known: &mut dyn FnMut(&mut Outcome) -> usize,
) -> io::Result<()> {
    std::thread::scope(|scope| {
        let (entries, queue) = mpsc::sync_channel::<(usize, Entry)>(QUEUE);
        // The threads own it together: when the last one is gone, the walk ends too.
        let queue = Arc::new(Mutex::new(queue));
        let (outcomes, results) = mpsc::channel::<(usize, Outcome)>();
        scope.spawn(move || {
            let mut index = 0;
            walk::walk(&options.paths, options.files, &mut |entry| {
                let sent = entries.send((index, entry)).is_ok();
                index += 1;
                sent
            });
        });
        for _ in 0..options.threads {
            let outcomes = outcomes.clone();
            let queue = Arc::clone(&queue);
            scope.spawn(move || work(job, &queue, &outcomes));
        }
        drop((outcomes, queue));
        let mut progress = Progress::new();
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        loop {
            match results.recv_timeout(Duration::from_millis(100)) {
                Ok((index, outcome)) => {
                    waiting.insert(index, outcome);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
            while let Some(mut outcome) = waiting.remove(&next) {
                next += 1;
                let known = known(&mut outcome);
                report.add(outcome, known, &mut progress)?;
            }
            progress.tick(Done {
                bytes: scanned.load(Ordering::Relaxed),
                of_bytes: None,
                files: Some(report.files()),
                found: report.found(),
            });
        }
    })
}

fn work(
    job: &Job<'_>,
    queue: &Mutex<mpsc::Receiver<(usize, Entry)>>,
    outcomes: &mpsc::Sender<(usize, Outcome)>,
) {
    let mut buffer = Vec::new();
    loop {
        let entry = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((index, entry)) = entry else { return };
        let path = match &entry {
            Entry::StandardInput => PathBuf::from("-"),
            Entry::File(path) | Entry::Skipped(path, _) | Entry::Failed(path, _) => path.clone(),
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| job.run(entry, &mut buffer)))
            .unwrap_or_else(|_| Outcome {
                path,
                result: Ok(Scanned::default()),
                error: Some(String::from("internal error; the file was not scanned")),
            });
        if outcomes.send((index, outcome)).is_err() {
            return;
        }
    }
}

fn read_baseline(options: &Options) -> Result<Option<Baseline>, String> {
    let Some(path) = &options.baseline else {
        return Ok(None);
    };
    match std::fs::read(path) {
        Ok(bytes) => Baseline::read(&bytes)
            .map(Some)
            .map_err(|error| format!("`{}` is not a baseline: {error}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound && options.update_baseline => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| format!("no random key: {error}"))?;
            Ok(Some(Baseline::new(key)))
        }
        Err(error) => Err(format!("`{}` cannot be read: {error}", path.display())),
    }
}

/// How a baseline names files: from its own folder, so that it does not matter where the scan was started.
fn baseline_names(baseline: Option<&Path>) -> impl Fn(&Path) -> String + Sync {
    let absolute = |path: &Path| {
        let mut clean = PathBuf::new();
        for component in std::path::absolute(path)
            .unwrap_or_else(|_| path.to_owned())
            .components()
        {
            match component {
                Component::ParentDir => {
                    clean.pop();
                }
                other => clean.push(other),
            }
        }
        clean
    };
    let folder = baseline
        .map(absolute)
        .and_then(|path| path.parent().map(Path::to_owned));
    move |path| {
        if crate::args::is_stdin(path) {
            return String::from("-");
        }
        let path = absolute(path);
        let relative = folder
            .as_deref()
            .and_then(|folder| path.strip_prefix(folder).ok())
            .unwrap_or(&path);
        relative.to_string_lossy().replace('\\', "/")
    }
}
