//! What was replaced, one JSON object a line, written as it happens: a stream may have no end.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use armorer_guard_core::scan::Mark;
use armorer_guard_core::span::ByteSpan;
use armorer_guard_core::sweep::report::Locator;
use armorer_guard_core::sweep::window::Window;
use armorer_guard_core::wire::write_line;
use serde::Serialize;

use super::options::ReportTo;

/// The report. It counts, even when nobody reads it.
pub(super) struct Report {
    out: Option<Box<dyn Write>>,
    /// Whether it is seen on standard error.
    seen: bool,
    summary: Summary,
}

#[derive(Default, Clone, Copy, Serialize)]
struct Summary {
    inputs: usize,
    bytes: usize,
    replaced: usize,
    errors: usize,
}

#[derive(Serialize)]
struct Replacement<'a> {
    rule: &'a str,
    path: &'a str,
    line: usize,
    column: usize,
    start: usize,
    end: usize,
    tag: Option<&'a str>,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct Last {
    summary: Summary,
}

impl Report {
    pub(super) fn start(to: &ReportTo) -> io::Result<Self> {
        let out: Option<Box<dyn Write>> = match to {
            ReportTo::Nowhere => None,
            ReportTo::StandardError => Some(Box::new(io::stderr())),
            ReportTo::File(path) => Some(Box::new(BufWriter::new(File::create(path)?))),
        };
        Ok(Self {
            out,
            seen: *to == ReportTo::StandardError,
            summary: Summary::default(),
        })
    }

    /// How much was replaced so far.
    pub(super) const fn replaced(&self) -> usize {
        self.summary.replaced
    }

    pub(super) fn replacements(
        &mut self,
        path: &Path,
        window: &Window<'_>,
        locator: &mut Locator,
        marks: &[Mark],
    ) -> io::Result<()> {
        self.summary.replaced += marks.len();
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        let spans: Vec<ByteSpan> = marks
            .iter()
            .filter_map(|mark| {
                let base = window.base;
                ByteSpan::new(mark.span.start() - base, mark.span.end() - base)
            })
            .collect();
        let mut lines = Vec::new();
        let path = path.to_string_lossy();
        for (mark, (start, _)) in marks.iter().zip(locator.places(window, spans)) {
            write_line(
                &Replacement {
                    rule: &mark.class,
                    path: &path,
                    line: start.line,
                    column: start.column,
                    start: mark.span.start(),
                    end: mark.span.end(),
                    tag: mark.tag.as_deref(),
                },
                &mut lines,
            );
        }
        out.write_all(&lines)
    }

    /// An input is done.
    pub(super) const fn input(&mut self, bytes: usize) {
        self.summary.inputs += 1;
        self.summary.bytes += bytes;
    }

    /// Notes what failed; tells whether that is seen on standard error now.
    pub(super) fn error(&mut self, path: &Path, message: &str) -> bool {
        self.summary.errors += 1;
        let Some(out) = &mut self.out else {
            return false;
        };
        let mut line = Vec::new();
        write_line(
            &Failed {
                error: message,
                path: &path.to_string_lossy(),
            },
            &mut line,
        );
        out.write_all(&line).is_ok() && self.seen
    }

    /// Writes the summary.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        let mut line = Vec::new();
        write_line(
            &Last {
                summary: self.summary,
            },
            &mut line,
        );
        out.write_all(&line)?;
        out.flush()
    }
}
