//! sed scripts: commands they run and files they read and write. Edits of the input are no effects.

use super::{CodeEffect, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// Why what `e` runs is not known.
const LINES_RUN: &str = "lines of the input are run as commands";

/// What a sed script would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        effects: Vec::new(),
    };
    while reader.at < reader.bytes.len() {
        reader.command();
    }
    reader.effects
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    effects: Vec<CodeEffect>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn skip(&mut self, accept: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && accept(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    fn line_end(&self) -> usize {
        memchr::memchr(b'\n', &self.bytes[self.at..])
            .map_or(self.bytes.len(), |found| self.at + found)
    }

    /// The rest of the line, and where it begins.
    fn rest(&mut self) -> (&'a str, usize) {
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        let start = self.at;
        self.at = self.line_end();
        (
            self.text.get(start..self.at).unwrap_or("").trim_end(),
            start,
        )
    }

    /// sed's delimiters are bytes; what is told of is whole characters.
    fn push(&mut self, what: What, mut start: usize) {
        let mut end = self.at.max(start + 1).min(self.bytes.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        if let Some(span) = ByteSpan::new(start, end) {
            self.effects.push(CodeEffect {
                what,
                span,
                certain: true,
            });
        }
    }

    fn unknown(&mut self, reason: &str, start: usize) {
        let reason = reason.to_owned();
        self.push(What::Unknown { reason }, start);
    }

    fn addresses(&mut self) {
        loop {
            self.skip(|byte| {
                byte.is_ascii_whitespace()
                    || matches!(byte, b';' | b',' | b'!' | b'~' | b'+' | b'$' | b'{' | b'}')
                    || byte.is_ascii_digit()
            });
            match self.peek() {
                b'/' => {
                    self.at += 1;
                    self.delimited(b'/');
                    self.skip(|byte| matches!(byte, b'I' | b'M'));
                }
                b'\\' => {
                    let delimiter = self.bytes.get(self.at + 1).copied().unwrap_or(0);
                    self.at = (self.at + 2).min(self.bytes.len());
                    self.delimited(delimiter);
                }
                _ => return,
            }
        }
    }

    /// Reads to the delimiter, which is passed; the range before it.
    fn delimited(&mut self, delimiter: u8) -> (usize, usize) {
        let start = self.at;
        let mut class = false;
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'\\' => self.at += 1,
                byte if byte == delimiter && !class => {
                    let end = self.at;
                    self.at += 1;
                    return (start, end);
                }
                b'[' => {
                    class = self
                        .bytes
                        .get(self.at + 1..)
                        .is_some_and(|rest| rest.iter().take(64).any(|byte| *byte == b']'))
                }
                b']' => class = false,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.bytes.len());
        (start, self.at)
    }

    fn command(&mut self) {
        self.addresses();
        if self.at >= self.bytes.len() {
            return;
        }
        let start = self.at;
        let name = self.bytes[self.at];
        self.at += 1;
        match name {
            b'#' => self.at = self.line_end(),
            b'e' => {
                let (command, at) = self.rest();
                if command.is_empty() {
                    self.unknown(LINES_RUN, start);
                } else {
                    self.shell(command, Some(at), start);
                }
            }
            b's' => self.substitution(start),
            b'y' => {
                let delimiter = self.peek();
                self.at += 1;
                self.delimited(delimiter);
                self.delimited(delimiter);
            }
            b'w' | b'W' => {
                let (file, _) = self.rest();
                self.file(ActionKind::FsWrite, file, start);
            }
            b'r' | b'R' => {
                let (file, _) = self.rest();
                self.file(ActionKind::FsRead, file, start);
            }
            b'a' | b'i' | b'c' => {
                // Text that is added; a backslash takes the next line in.
                let begin = self.at;
                let end = loop {
                    let end = self.line_end();
                    let continues = end > 0
                        && self.bytes.get(end - 1) == Some(&b'\\')
                        && end < self.bytes.len();
                    self.at = (end + 1).min(self.bytes.len());
                    if !continues {
                        break end;
                    }
                };
                let added = self.text.get(begin..end).unwrap_or_default();
                let added = added.trim_start_matches(['\\', ' ', '\t', '\n']);
                let text = Value::Exact(added.replace("\\\n", "\n"));
                let verbatim_at = None;
                self.push(What::Print { text, verbatim_at }, start);
            }
            b'b' | b't' | b'T' | b':' | b'q' | b'Q' | b'l' | b'L' | b'v' => {
                self.skip(|byte| !matches!(byte, b'\n' | b';' | b'}'));
            }
            b'=' | b'd' | b'D' | b'g' | b'G' | b'h' | b'H' | b'n' | b'N' | b'p' | b'P' | b'x'
            | b'z' | b'F' => {}
            _ => {
                while !self.text.is_char_boundary(self.at) {
                    self.at += 1;
                }
                self.unknown("a sed command that is not known", start);
                self.at = self.line_end();
            }
        }
    }

    fn substitution(&mut self, start: usize) {
        let delimiter = self.peek();
        self.at = (self.at + 1).min(self.bytes.len());
        let pattern = self.delimited(delimiter);
        let replacement = self.delimited(delimiter);
        let mut runs = false;
        loop {
            match self.peek() {
                b'e' => runs = true,
                b'w' => {
                    self.at += 1;
                    let (file, _) = self.rest();
                    self.file(ActionKind::FsWrite, file, start);
                    break;
                }
                byte if byte.is_ascii_alphanumeric() => {}
                _ => break,
            }
            self.at += 1;
        }
        let pattern = self.text.get(pattern.0..pattern.1).unwrap_or("");
        let text = self.text.get(replacement.0..replacement.1).unwrap_or("");
        let whole = matches!(pattern, ".*" | "^.*$" | "^.*" | ".*$" | "^");
        let unescaped = text.replace("\\/", "/");
        let plain = !unescaped.contains(['\\', '&']);
        if !runs {
            // What is put in stands in the output, among whatever stands around it.
            if plain && unescaped.contains(' ') {
                let text = Value::Exact(unescaped);
                let verbatim_at = None;
                self.push(What::Print { text, verbatim_at }, start);
            }
            return;
        }
        if whole && plain {
            let verbatim_at = (unescaped == text).then_some(replacement.0);
            self.shell(&unescaped, verbatim_at, start);
        } else {
            // What is put in runs with whatever stands around it.
            if plain && unescaped.contains(' ') {
                self.shell(&unescaped, None, start);
            }
            self.unknown(LINES_RUN, start);
        }
    }

    fn shell(&mut self, text: &str, verbatim_at: Option<usize>, start: usize) {
        let text = Value::Exact(text.to_owned());
        self.push(What::Shell { text, verbatim_at }, start);
    }

    fn file(&mut self, kind: ActionKind, file: &str, start: usize) {
        if file.is_empty() || file.starts_with("/dev/std") {
            return;
        }
        let attributes = if kind == ActionKind::FsWrite {
            vec!["truncate"]
        } else {
            Vec::new()
        };
        self.push(
            What::Act {
                kind,
                target: Some(Value::Exact(file.to_owned())),
                role: TargetRole::Path,
                attributes,
            },
            start,
        );
    }
}
