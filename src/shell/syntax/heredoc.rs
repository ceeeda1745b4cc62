//! Here-documents: the delimiter after `<<`, and the bodies that follow the line.

use super::tree::{Heredoc, Slice, Word};
use super::{Parser, Pending};

impl Parser<'_> {
    /// Reads the delimiter after `<<` or `<<-` and remembers that its body is to come.
    pub(super) fn heredoc_start(&mut self, strip_tabs: bool) -> (usize, Word) {
        self.skip_blanks();
        let start = self.pos;
        let mut delimiter = String::new();
        let mut quoted = false;
        while !self.at_end() {
            self.steps += 1;
            match self.byte() {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                b'\r' if self.byte_at(self.pos + 1) == b'\n' => break,
                b'\\' => {
                    quoted = true;
                    self.pos += 1;
                    self.take_char(&mut delimiter);
                }
                quote @ (b'\'' | b'"') => {
                    quoted = true;
                    self.pos += 1;
                    while !self.at_end() && self.byte() != quote {
                        self.take_char(&mut delimiter);
                    }
                    self.pos = (self.pos + 1).min(self.end);
                }
                b'$' if matches!(self.byte_at(self.pos + 1), b'\'' | b'"') => self.pos += 1,
                _ => self.take_char(&mut delimiter),
            }
        }
        if self.pos == start {
            self.trouble(start);
        }
        let index = self.heredocs.len();
        self.heredocs.push(Heredoc {
            strip_tabs,
            ..Heredoc::default()
        });
        self.pending.push(Pending {
            index,
            delimiter,
            quoted,
        });
        let span = Slice::new(start, self.pos);
        (
            index,
            Word {
                span,
                ..Word::default()
            },
        )
    }

    fn take_char(&mut self, into: &mut String) {
        if self.at_end() {
            return;
        }
        let length = self.char_len(self.pos);
        if let Some(piece) = self.text.get(self.pos..self.pos + length) {
            into.push_str(piece);
        }
        self.pos += length;
        self.steps += 1;
    }

    /// Reads the bodies of all here-documents that wait; the position is at the start of a line.
    pub(super) fn read_heredocs(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let strip = self.heredocs[pending.index].strip_tabs;
            let start = self.pos;
            // Unterminated: bash warns and takes everything.
            let mut stop = self.end;
            while self.pos < self.end {
                self.steps += 1;
                let line_start = self.pos;
                let rest = self.bytes.get(self.pos..self.end).unwrap_or_default();
                let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                self.pos = (self.pos + length + 1).min(self.end);
                let mut line = &self.bytes[line_start..line_start + length];
                if strip {
                    while let [b'\t', tail @ ..] = line {
                        line = tail;
                    }
                }
                if let [head @ .., b'\r'] = line {
                    line = head;
                }
                if line == pending.delimiter.as_bytes() {
                    stop = line_start;
                    break;
                }
            }
            self.heredocs[pending.index].body = Slice::new(start, stop);
            let expanded = !pending.quoted
                && self.bytes[start..stop]
                    .iter()
                    .any(|byte| matches!(byte, b'$' | b'`' | b'\\'));
            if expanded {
                let saved = (self.pos, self.end, self.no_arithmetic);
                (self.pos, self.end) = (start, stop);
                let parts = self.quoted_until_end();
                (self.pos, self.end, self.no_arithmetic) = saved;
                self.heredocs[pending.index].parts = parts;
            }
        }
    }
}
