//! `armorer-guard scan`: what the rules find in files and directories.
//!
//! One thread walks, some scan, this one puts the results in the order of the walk and tells them.

mod file;
mod known;
pub(crate) mod options;
mod report;
mod walk;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use armorer_guard_core::sweep::complete::Complete;
use armorer_guard_core::sweep::window::{Limits, Pace, Sweep};

use crate::output::complain;
use crate::progress::{Done, Progress};
use crate::rules::set::RuleSet;
use file::{Job, Outcome, Scanned};
use known::{Known, Ledger};
use options::Options;
use report::Report;
use walk::Entry;

const FOUND: u8 = 1;
const ERROR: u8 = 2;

/// How many entries may wait for a thread.
const QUEUE: usize = 256;

/// Runs the command and returns the exit status.
pub(crate) fn run(options: &Options) -> u8 {
    let Some(rules) = RuleSet::open_or_complain(&options.sought.packs, None) else {
        return ERROR;
    };
    if !rules.knows(&options.sought.selection) {
        return ERROR;
    }
    match scan(options, &rules) {
        Ok(code) => code,
        Err(message) => {
            complain(&message, None);
            ERROR
        }
    }
}

fn scan(options: &Options, rules: &RuleSet) -> Result<u8, String> {
    let finder = Complete {
        finder: rules.scanner(),
    };
    let known = Known::read(options)?;
    let scanned = AtomicU64::new(0);
    let job = Job {
        sweep: Sweep {
            finder: &finder,
            surface: options.sought.surface,
            limits: Limits::FILES,
            pace: Pace::Full,
        },
        selection: &options.sought.selection,
        files: options.files,
        known: known.as_ref(),
        scanned: &scanned,
    };
    let mut report = Report::start(options);
    let mut ledger = known
        .as_ref()
        .map(|known| Ledger::open(known, options.update_baseline));
    let told = in_order(options, &job, &mut report, &mut ledger);
    match told.and_then(|()| report.finish(rules)) {
        Ok(()) => {}
        // Whoever read the findings has gone, and knows.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ERROR),
        Err(error) => return Err(format!("the findings cannot be written: {error}")),
    }
    if report.errors() > 0 {
        if options.update_baseline {
            return Err(String::from(
                "the baseline is left as it was, because something could not be read",
            ));
        }
        return Ok(ERROR);
    }
    if let Some(ledger) = &ledger {
        ledger.save()?;
    }
    Ok(if report.found() > 0 { FOUND } else { 0 })
}

/// Runs the job over everything below the paths, and reports in the order of the walk.
fn in_order(
    options: &Options,
    job: &Job<'_>,
    report: &mut Report,
    ledger: &mut Option<Ledger>,
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
                let known = ledger
                    .as_mut()
                    .map_or(0, |ledger| ledger.settle(&mut outcome));
                report.add(outcome, known, &mut progress)?;
            }
            progress.tick(Done {
                bytes: job.scanned.load(Ordering::Relaxed),
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
