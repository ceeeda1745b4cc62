//! Lines of a stream, with a limit that bounds memory.

use std::io::{self, Read};

/// A line, without its line feed.
#[derive(Debug, PartialEq)]
pub(crate) enum Line<'a> {
    /// What stands on it.
    Text(&'a [u8]),
    /// It was longer than the limit, and was skipped.
    TooLong,
}

/// Splits a stream into lines. Whoever reads must have answered all earlier lines before more is waited for, hence
/// the callback.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    /// Up to where it is known to hold no line feed.
    searched: usize,
    limit: usize,
    skipping: bool,
    ended: bool,
}

/// How much is read at once, and the buffer that is kept between lines.
const CHUNK: usize = 64 << 10;

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            limit,
            skipping: false,
            ended: false,
        }
    }

    /// The next line; `None` at the end. `before_waiting` runs before each read, which may block.
    pub(crate) fn next(
        &mut self,
        mut before_waiting: impl FnMut() -> io::Result<()>,
    ) -> io::Result<Option<Line<'_>>> {
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let end = self.searched + found;
                return Ok(Some(self.line(end, end + 1)));
            }
            self.searched = self.buffer.len();
            if self.ended {
                if self.start < self.buffer.len() || self.skipping {
                    let end = self.buffer.len();
                    return Ok(Some(self.line(end, end)));
                }
                return Ok(None);
            }
            if self.buffer.len() - self.start > self.limit {
                self.skipping = true;
                self.start = self.buffer.len();
            }
            before_waiting()?;
            self.fill()?;
        }
    }

    fn line(&mut self, end: usize, next: usize) -> Line<'_> {
        let start = std::mem::replace(&mut self.start, next);
        self.searched = next;
        if std::mem::take(&mut self.skipping) || end - start > self.limit {
            return Line::TooLong;
        }
        Line::Text(&self.buffer[start..end])
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.buffer.capacity() > 16 * CHUNK && self.buffer.len() < CHUNK {
            self.buffer.shrink_to(CHUNK);
        }
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let got = loop {
            match self.reader.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer
            .truncate(held + got.as_ref().copied().unwrap_or(0));
        self.ended = got? == 0;
        Ok(())
    }
}
