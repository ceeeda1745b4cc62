//! PowerShell: pipelines of cmdlets and expressions, folded as far as the text tells.
//!
//! A tolerant walk: what is not understood is stepped over, and every command in the text is seen.
//!
//! Rooms: `statements` and `expression` read the grammar, `words` a command line, `commands`, `cmdlet` and `members` say what
//! is done, `values` computes, `functions` follows what the script defines.

mod cmdlet;
mod commands;
mod expression;
mod functions;
mod members;
mod statements;
mod values;
mod words;

use crate::actions::code::value::{Kind, Val};
use crate::actions::code::{CodeEffect, LIMIT_REASON, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;
use functions::Defined;
use std::collections::HashMap;

/// Blocks and expressions nested deeper than this are stepped over and reported.
const MAX_DEPTH: usize = 32;

/// Bytes of folded text that one analysis may copy.
const MAX_COPIED_BYTES: usize = 4 * 1024 * 1024;

/// How many items a block is read for, and how long it may be then.
const MAX_ELEMENTS: usize = 256;

const MAX_BLOCK_BYTES: usize = 512;

/// What a script would do.
pub(in crate::actions::code) fn analyse(text: &str, given: &[Value]) -> Vec<CodeEffect> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        end: text.len(),
        at: 0,
        variables: HashMap::new(),
        effects: Vec::new(),
        certain: true,
        depth: 0,
        copied: 0,
        limited: false,
        socket: None,
        runs: false,
        defined: Defined::new(text.len()),
        outside: Vec::new(),
        aliases: HashMap::new(),
    };
    let listed = given.iter().take(MAX_ELEMENTS).cloned().map(Val::value);
    if !given.is_empty() {
        let list = Val::list(listed.collect());
        reader.variables.insert(String::from("args"), list);
    }
    reader.script(None);
    reader.forget_followed();
    if let Some((host, span)) = reader.socket.take() {
        let certain = reader.runs;
        reader.effects.push(CodeEffect {
            what: What::Act {
                kind: ActionKind::ExecRemoteShell,
                target: Some(host),
                role: TargetRole::Host,
                attributes: Vec::new(),
            },
            span,
            certain,
        });
    }
    // `(Get-WmiObject Win32_ShadowCopy).Delete()`, however it is piped: what is deleted is only known by its class.
    let lower = text.to_ascii_lowercase();
    let deletes = ["delete", "remove-ciminstance", "remove-wmiobject"];
    if lower.contains("win32_shadowcopy")
        && deletes.iter().any(|word| lower.contains(word))
        && let Some(span) = ByteSpan::new(0, text.len())
    {
        reader.effects.push(CodeEffect {
            what: What::Act {
                kind: ActionKind::DiskWrite,
                target: Some(Value::Exact(String::from("volume shadow copies"))),
                role: TargetRole::Name,
                attributes: Vec::new(),
            },
            span,
            certain: true,
        });
    }
    reader.effects
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    end: usize,
    at: usize,
    variables: HashMap<String, Val>,
    effects: Vec<CodeEffect>,
    certain: bool,
    depth: usize,
    copied: usize,
    limited: bool,
    /// A raw connection whose stream is used.
    socket: Option<(Value, ByteSpan)>,
    /// Whether something that came in may be run.
    runs: bool,
    /// Functions, blocks and classes of the script.
    defined: Defined,
    /// What names held outside of the blocks that are being read, innermost last: what a block sets is its own, or may
    /// not have been reached.
    outside: Vec<Vec<(String, Val)>>,
    /// Other names that the script gives to commands.
    aliases: HashMap<String, String>,
}

/// The words of a command.
#[derive(Default)]
struct Words {
    values: Vec<Val>,
    /// Parameters with their values; a switch has none.
    parameters: Vec<(String, Option<Val>)>,
    /// As they were written, for programs that are no cmdlets.
    argv: Vec<Value>,
}

/// How many names of what is outside of a block are kept.
const MAX_OUTSIDE: usize = 64;

/// Parameters that take no value, by full name.
const SWITCHES: &[&str] = &[
    "recurse",
    "force",
    "whatif",
    "confirm",
    "append",
    "nonewline",
    "passthru",
    "verbose",
    "debug",
    "usebasicparsing",
    "asjob",
    "wait",
    "directory",
    "file",
    "hidden",
    "raw",
    "noclobber",
    "asplaintext",
    "usedefaultcredentials",
    "skipcertificatecheck",
    "notypeinformation",
    "descending",
    "unique",
    "quiet",
    "simplematch",
    "allmatches",
    "casesensitive",
    "system",
    "readonly",
    "container",
    "leaf",
    "nonewwindow",
    "removedata",
    "removeoem",
    "full",
    "cleargpt",
    "online",
    "norestart",
    "skippublishercheck",
    "allowclobber",
    "stream",
];

impl Words {
    /// The parameter whose full name is `name`, however short it was written.
    fn parameter(&self, names: &[&str]) -> Option<&Option<Val>> {
        self.parameters
            .iter()
            .find(|(given, _)| {
                names
                    .iter()
                    .any(|name| !given.is_empty() && name.starts_with(given.as_str()))
            })
            .map(|(_, value)| value)
    }

    fn value(&self, names: &[&str]) -> Option<&Val> {
        self.parameter(names).and_then(Option::as_ref)
    }

    /// What is given by one of these names, else at that position.
    fn given(&self, names: &[&str], position: usize) -> Option<&Val> {
        self.value(names).or_else(|| self.values.get(position))
    }

    fn switch(&self, name: &str) -> bool {
        match self.parameter(&[name]) {
            None => false,
            Some(None) => true,
            Some(Some(value)) => !matches!(&value.kind, Kind::Name(name) if name == "false"),
        }
    }
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        let index = self.at + ahead;
        if index < self.end {
            self.bytes[index]
        } else {
            0
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or("")
    }

    fn enter(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.limit();
            return false;
        }
        self.depth += 1;
        true
    }

    fn limit(&mut self) {
        if !self.limited {
            self.limited = true;
            let what = What::Unknown {
                reason: LIMIT_REASON.to_owned(),
            };
            self.push(what, self.at);
        }
    }

    fn push(&mut self, what: What, start: usize) {
        let mut start = start.min(self.text.len().saturating_sub(1));
        let mut end = self.at.min(self.text.len()).max(start + 1);
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        // Blanks behind the command are no part of it.
        let trimmed = self.text[start..end].trim_end().len();
        if let Some(span) = ByteSpan::new(start, (start + trimmed).max(start + 1).min(end)) {
            self.defined.frames.made();
            self.effects.push(CodeEffect {
                what,
                span,
                certain: self.certain,
            });
        }
    }

    fn step_over(&mut self) {
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
    }

    /// Blanks, comments, and line ends behind a backtick.
    fn blanks(&mut self, newlines: bool) {
        while self.at < self.end {
            match self.bytes[self.at] {
                b'\n' | b'\r' if newlines => self.at += 1,
                b' ' | b'\t' => self.at += 1,
                b'\r' => self.at += 1,
                b'`' if matches!(self.peek(1), b'\n' | b'\r') => self.at += 2,
                b'<' if self.peek(1) == b'#' => {
                    let found = memchr::memmem::find(&self.bytes[self.at..self.end], b"#>");
                    self.at = found.map_or(self.end, |found| self.at + found + 2);
                }
                b'#' if self.at == 0 || !is_word_byte(self.bytes[self.at - 1]) => {
                    let found = memchr::memchr(b'\n', &self.bytes[self.at..self.end]);
                    self.at = found.map_or(self.end, |found| self.at + found);
                }
                _ => return,
            }
        }
    }

    /// Statements up to that closing byte, which is passed; the value of the last.
    fn script(&mut self, close: Option<u8>) -> Val {
        let mut last = Val::opaque("");
        if !self.enter() {
            return last;
        }
        loop {
            self.blanks(true);
            if self.at >= self.end {
                break;
            }
            let byte = self.bytes[self.at];
            if Some(byte) == close {
                self.at += 1;
                break;
            }
            let before = self.at;
            match byte {
                b'&' | b'|' if self.peek(1) == byte => {
                    self.at += 2;
                    self.blanks(true);
                    last = self.apart(Self::statement);
                }
                b';' | b'|' | b',' => self.at += 1,
                b')' | b'}' | b']' => self.at += 1,
                _ => last = self.statement(),
            }
            if self.at == before {
                self.step_over();
            }
        }
        self.depth -= 1;
        last
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
