//! `armorer-guard redact`: files and pipes of any length, with marks where secrets were.

pub(crate) mod options;
mod report;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use armorer_guard_core::call::Surface;
use armorer_guard_core::edge;
use armorer_guard_core::record::Store;
use armorer_guard_core::scan::{Finding, FindingKind, NoTags, Tagger};
use armorer_guard_core::sweep::Finder;
use armorer_guard_core::sweep::complete::Complete;
use armorer_guard_core::sweep::report::Locator;
use armorer_guard_core::sweep::select::Selection;
use armorer_guard_core::sweep::utf16::{FromUtf16, Order, ToUtf16};
use armorer_guard_core::sweep::window::{Limits, Pace, Sweep, SweepError};

use crate::args::is_stdin;
use crate::input::invite;
use crate::output::complain;
use crate::progress::{Done, Progress};
use crate::rules::set::RuleSet;
use crate::whole::Whole;
use options::{Options, Target};
use report::Report;

/// Something would be replaced, and `--check` was asked.
const WOULD: u8 = 1;
const ERROR: u8 = 2;

/// Why an input is not done.
enum Failure {
    /// It could not be read.
    Read(io::Error),
    /// The result could not be written.
    Write(io::Error),
    /// The report could not be written.
    Report(io::Error),
}

impl Failure {
    /// What failed at `path`, and why; `in_place` when results are written there.
    fn told(&self, path: &Path, in_place: bool) -> String {
        let path = path.display();
        match self {
            Self::Read(error) => format!("`{path}` cannot be read: {error}"),
            Self::Write(error) if in_place => format!("`{path}` cannot be written: {error}"),
            Self::Write(error) => format!("the result cannot be written: {error}"),
            Self::Report(error) => format!("the report cannot be written: {error}"),
        }
    }
}

/// Runs the command and returns the exit status.
pub(crate) fn run(options: &Options) -> u8 {
    let Some(rules) = RuleSet::open_or_complain(&options.sought.packs, options.home.as_deref())
    else {
        return ERROR;
    };
    if !rules.knows(&options.sought.selection) {
        return ERROR;
    }
    match redact(options, &rules) {
        Ok(code) => code,
        Err(message) => {
            complain(&message, None);
            ERROR
        }
    }
}

fn redact(options: &Options, rules: &RuleSet) -> Result<u8, String> {
    let no_report = |error: io::Error| format!("the report cannot be written: {error}");
    let mut report = Report::start(&options.report).map_err(no_report)?;
    let mut output = match &options.target {
        Target::File(path) => Some(
            Whole::start(path)
                .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?,
        ),
        _ => None,
    };
    let store = tags(options);
    let complete = Complete {
        finder: rules.scanner(),
    };
    let work = Work {
        options,
        // Notes are of no use here but to replace personal data; then none may be missing.
        finder: if options.personal {
            &complete
        } else {
            rules.scanner()
        },
        tagger: store.as_ref().map_or(&NoTags, |store| store as &dyn Tagger),
    };
    let mut failed = false;
    for path in &options.inputs {
        let done = match (&options.target, &mut output) {
            (_, Some(file)) => work.input(path, file, &mut report),
            (Target::InPlace, None) => work.in_place(path, &mut report),
            (Target::Check, None) => work.input(path, &mut io::sink(), &mut report),
            (_, None) => work.input(path, &mut io::stdout().lock(), &mut report),
        };
        let Err(failure) = done else { continue };
        failed = true;
        let in_place = options.target == Target::InPlace;
        match &failure {
            // Whoever read the result has gone, and knows.
            Failure::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(ERROR);
            }
            Failure::Write(_) if in_place => {}
            Failure::Read(_) => {}
            Failure::Write(_) | Failure::Report(_) => return Err(failure.told(path, in_place)),
        }
        let message = failure.told(path, in_place);
        if !report.error(path, &message) {
            complain(&message, None);
        }
    }
    if !failed && let Some(file) = output {
        file.commit()
            .map_err(|error| format!("the result cannot be written: {error}"))?;
    }
    let replaced = report.replaced();
    report.finish().map_err(no_report)?;
    Ok(if failed {
        ERROR
    } else if options.target == Target::Check && replaced > 0 {
        WOULD
    } else {
        0
    })
}

/// The store that makes tags, when there is one. A filter does not make one.
fn tags(options: &Options) -> Option<Store> {
    if !options.tags {
        return None;
    }
    let home = options.home.clone().or_else(edge::guard_home)?;
    if !home.join("store").is_dir() {
        return None;
    }
    Store::open(&home)
        .inspect_err(|error| {
            complain(
                &format!("marks have no tags: {} [{}]", error.message, error.kind),
                Some("`--no-tags` is content with that"),
            );
        })
        .ok()
}

/// The scanner, with what the options say of its findings.
struct Chosen<'a> {
    finder: &'a dyn Finder,
    selection: &'a Selection,
    personal: bool,
}

impl Finder for Chosen<'_> {
    fn find(&self, bytes: &[u8], surface: Surface) -> Vec<Finding> {
        let mut findings = self.finder.find(bytes, surface);
        findings.retain(|finding| self.selection.wants(finding));
        if self.personal {
            for finding in &mut findings {
                finding.redact |= finding.kind == FindingKind::Pii;
            }
        }
        findings
    }
}

struct Work<'a> {
    options: &'a Options,
    finder: &'a dyn Finder,
    tagger: &'a dyn Tagger,
}

impl Work<'_> {
    /// Redacts a file into its own place, unless there is nothing to replace.
    fn in_place(&self, path: &Path, report: &mut Report) -> Result<(), Failure> {
        let before = report.replaced();
        let mut file = Whole::start(path).map_err(|error| {
            // A file that is not there is not readable first of all.
            match error.kind() {
                io::ErrorKind::NotFound => Failure::Read(error),
                _ => Failure::Write(error),
            }
        })?;
        self.input(path, &mut file, report)?;
        if report.replaced() > before {
            file.commit().map_err(Failure::Write)?;
        }
        Ok(())
    }

    /// Redacts an input into `out`.
    fn input(&self, path: &Path, out: &mut dyn Write, report: &mut Report) -> Result<(), Failure> {
        if is_stdin(path) {
            invite();
            return self.decoded(path, &mut io::stdin().lock(), None, out, report);
        }
        let mut file = File::open(path).map_err(Failure::Read)?;
        let data = file.metadata().map_err(Failure::Read)?;
        let size = data.is_file().then_some(data.len());
        self.decoded(path, &mut file, size, out, report)
    }

    /// Sees to UTF-16.
    fn decoded(
        &self,
        path: &Path,
        input: &mut dyn Read,
        size: Option<u64>,
        out: &mut dyn Write,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut head = Vec::new();
        let mut first = [0; 4];
        // As much as comes at once: a stream that is watched must not wait for its fourth byte.
        while head.len() < 4
            && (head.is_empty() || head.starts_with(b"\xff") || head.starts_with(b"\xfe"))
        {
            let wanted = 4 - head.len();
            match input.read(&mut first[..wanted]) {
                Ok(0) => break,
                Ok(got) => head.extend_from_slice(&first[..got]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Read(error)),
            }
        }
        let order = Order::of(&head);
        let mut input = head.as_slice().chain(input);
        match order {
            None => self.sweep(path, &mut input, size, out, report),
            Some(order) => {
                let mut input = FromUtf16::new(input, order);
                let mut out = ToUtf16::new(out, order);
                self.sweep(path, &mut input, None, &mut out, report)?;
                out.finish(input.rest()).map_err(Failure::Write)
            }
        }
    }

    fn sweep(
        &self,
        path: &Path,
        input: &mut dyn Read,
        size: Option<u64>,
        out: &mut dyn Write,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let chosen = Chosen {
            finder: self.finder,
            selection: &self.options.sought.selection,
            personal: self.options.personal,
        };
        let (limits, pace) = if self.options.lines {
            (Limits::LIVE, Pace::Lines)
        } else {
            (Limits::FILES, Pace::Full)
        };
        let sweep = Sweep {
            finder: &chosen,
            surface: self.options.sought.surface,
            limits,
            pace,
        };
        let mut progress = Progress::new();
        let mut locator = Locator::default();
        let mut reported = Ok(());
        let swept = sweep.run(input, &mut Vec::new(), &mut |window| {
            let marks = window.redact(self.tagger, out)?;
            out.flush()?;
            reported = report.replacements(path, window, &mut locator, &marks);
            progress.tick(Done {
                bytes: (window.base + window.settled.end) as u64,
                of_bytes: size,
                files: None,
                found: report.replaced(),
            });
            match reported {
                Ok(()) => Ok(()),
                Err(_) => Err(io::Error::other("the report cannot be written")),
            }
        });
        reported.map_err(Failure::Report)?;
        match swept {
            Ok(bytes) => {
                report.input(bytes);
                Ok(())
            }
            Err(SweepError::Read(error)) => Err(Failure::Read(error)),
            Err(SweepError::Window(error)) => Err(Failure::Write(error)),
        }
    }
}
