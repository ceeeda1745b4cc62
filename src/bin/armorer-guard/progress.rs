//! A line on a terminal that says how far long work is. Nowhere else than on a terminal, and not for short work.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How far work is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    /// Bytes that are done.
    pub(crate) bytes: u64,
    /// Bytes there are, where that is known.
    pub(crate) of_bytes: Option<u64>,
    /// Files that are done, where there are many.
    pub(crate) files: Option<usize>,
    /// What was found.
    pub(crate) found: usize,
}

/// The line. It goes away when this is dropped.
pub(crate) struct Progress {
    enabled: bool,
    shown: bool,
    started: Instant,
    next: Instant,
}

/// Work that takes less is not worth a line.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the line changes.
const PERIOD: Duration = Duration::from_millis(100);

impl Progress {
    pub(crate) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let started = Instant::now();
        Self {
            enabled: io::stderr().is_terminal() && !dumb,
            shown: false,
            started,
            next: started + PATIENCE,
        }
    }

    /// Shows where the work is, when it is time to.
    pub(crate) fn tick(&mut self, done: Done) {
        if !self.enabled || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PERIOD;
        self.shown = true;
        let line = format!("\r\x1b[K{}", line(done, self.started.elapsed()));
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// Takes the line away, so that something else can be printed.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// At most 79 columns.
fn line(done: Done, elapsed: Duration) -> String {
    const WIDTH: usize = 20;
    let mut out = String::new();
    if let Some(total) = done.of_bytes.filter(|total| *total > 0) {
        let share = (done.bytes as f64 / total as f64).min(1.0);
        let full = (share * WIDTH as f64) as usize;
        let _ = write!(
            out,
            "[{}{}] {:3.0} %, ",
            "=".repeat(full),
            " ".repeat(WIDTH - full),
            share * 100.0
        );
    }
    if let Some(files) = done.files {
        let _ = write!(out, "{files} files, ");
    }
    let seconds = elapsed.as_secs_f64().max(0.001);
    let _ = write!(
        out,
        "{}, {}/s, {} found",
        size(done.bytes),
        size((done.bytes as f64 / seconds) as u64),
        done.found
    );
    out
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}
