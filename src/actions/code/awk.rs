//! awk programs: commands they run, files they write, sockets they open.
//!
//! Knows strings, patterns, names and the redirections of `print` and `getline`; everything else is computing.

use super::{CodeEffect, TargetRole, What};
use crate::actions::code::value::concat;
use crate::actions::kinds::ActionKind;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;
use std::collections::HashMap;

/// Folded text longer than this is not kept.
const MAX_NAMES: usize = 4096;
/// How many arguments of a `printf` are kept.
const MAX_ARGUMENTS: usize = 32;

/// What an awk program would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        vars: HashMap::new(),
        piece: None,
        format: None,
        formats: false,
        in_brackets: false,
        printed: None,
        piece_start: 0,
        assigned: None,
        print_depth: None,
        depth: 0,
        after_value: false,
        piped: None,
        host: None,
        effects: Vec::new(),
    };
    while reader.at < reader.bytes.len() {
        reader.step();
    }
    reader.prints();
    reader.flush();
    reader.effects
}

/// What a pending value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    Write(&'static str),
    Read,
    Shell,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    vars: HashMap<&'a str, Value>,
    /// The concatenation that is being read, and where it began.
    piece: Option<(Value, Option<usize>)>,
    /// What `printf` prints before its arguments are put in, and those that were read.
    format: Option<(Value, Vec<Value>)>,
    /// `print` prints its arguments with blanks between, `printf` puts them into the first.
    formats: bool,
    /// The arguments stand in brackets.
    in_brackets: bool,
    /// What is printed to the file that is named next.
    printed: Option<(Value, Option<usize>)>,
    piece_start: usize,
    /// The name that the piece will be assigned to.
    assigned: Option<&'a str>,
    /// At which parenthesis depth a `print` is open.
    print_depth: Option<usize>,
    depth: usize,
    after_value: bool,
    /// A redirection whose operand is being read, and where it began.
    piped: Option<(Sink, usize)>,
    /// A socket that the program opened.
    host: Option<Value>,
    effects: Vec<CodeEffect>,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn step(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'#' => {
                self.at = memchr::memchr(b'\n', &self.bytes[self.at..])
                    .map_or(self.bytes.len(), |found| self.at + found);
            }
            b'\n' | b';' | b'{' | b'}' => {
                self.prints();
                self.flush();
                self.print_depth = None;
                self.after_value = false;
                self.at += 1;
            }
            b'\\' => {
                self.at += 1;
                self.skip_character();
            }
            byte if byte.is_ascii_whitespace() => self.at += 1,
            b'"' => self.string(),
            b'/' if !self.after_value => self.pattern(),
            b'(' => {
                // `print("a", "b")`
                self.in_brackets |= self.print_depth == Some(self.depth)
                    && self.piece.is_none()
                    && self.format.is_none();
                self.depth += 1;
                self.after_value = false;
                self.at += 1;
            }
            b')' => {
                if self.piped.is_some_and(|(sink, _)| sink == Sink::Shell) && self.piped_call() {
                    self.flush();
                }
                self.depth = self.depth.saturating_sub(1);
                self.after_value = true;
                self.at += 1;
            }
            b'$' => {
                self.at += 1;
                while self.peek(0).is_ascii_alphanumeric() {
                    self.at += 1;
                }
                self.append(Value::Unknown(Why::RunTimeValue(String::from("$"))), None);
            }
            b'|' => self.pipe(),
            b'>' => self.redirect(),
            b'<' if self.piped.is_none() && self.getline_before() => {
                self.at += 1;
                self.piece = None;
                self.piped = Some((Sink::Read, self.at));
                self.after_value = false;
            }
            byte if byte.is_ascii_digit() || byte == b'.' => {
                let start = self.at;
                while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'.' {
                    self.at += 1;
                }
                self.append(Value::Exact(self.text[start..self.at].to_owned()), None);
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' => self.word(),
            b'=' if self.peek(1) != b'=' => {
                self.at += 1;
                self.after_value = false;
                self.piece = None;
            }
            b',' if self.separates_arguments() => {
                self.at += 1;
                self.after_value = false;
                self.argument();
            }
            _ => {
                self.skip_character();
                if byte == b',' || !self.in_operand() {
                    self.finish_piece();
                }
                self.after_value = byte == b']';
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    fn skip_character(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.chars().next().map_or(1, char::len_utf8);
    }

    fn in_operand(&self) -> bool {
        self.piped.is_some()
    }

    fn piped_call(&self) -> bool {
        true
    }

    /// Whether a comma stands between two arguments of `print`.
    fn separates_arguments(&self) -> bool {
        let depth = self
            .print_depth
            .map(|depth| depth + usize::from(self.in_brackets));
        depth == Some(self.depth) && !self.in_operand()
    }

    /// Behind one argument of `print` comes another.
    fn argument(&mut self) {
        if !self.formats {
            self.append(Value::Exact(String::from(" ")), None);
            self.after_value = false;
            return;
        }
        let (value, _) = self
            .piece
            .take()
            .unwrap_or((Value::Unknown(Why::Expansion), None));
        match &mut self.format {
            Some((_, arguments)) if arguments.len() < MAX_ARGUMENTS => arguments.push(value),
            Some(_) => {}
            none => *none = Some((value, Vec::new())),
        }
    }

    /// All that a `print` prints.
    fn shown(&mut self) -> Option<(Value, Option<usize>)> {
        let piece = self.piece.clone();
        let Some((format, mut arguments)) = self.format.take() else {
            return piece;
        };
        arguments.extend(piece.map(|(value, _)| value));
        Some((formatted(&format, &arguments), None))
    }

    /// What `print` shows, when it goes nowhere else.
    fn prints(&mut self) {
        if self.print_depth.is_some()
            && self.piped.is_none()
            && let Some((text, verbatim_at)) = self.shown()
        {
            let (start, end) = (self.piece_start, self.at);
            self.push(What::Print { text, verbatim_at }, start, end);
        }
    }

    fn finish_piece(&mut self) {
        if self.piped.is_some() {
            self.flush();
        }
        self.assign();
        self.piece = None;
    }

    fn append(&mut self, value: Value, at: Option<usize>) {
        self.after_value = true;
        self.piece = Some(match self.piece.take() {
            Some((before, _)) => (concat(before, &value), None),
            None => {
                self.piece_start = self.at;
                (value, at)
            }
        });
    }

    fn string(&mut self) {
        let inner = self.at + 1;
        let mut at = inner;
        let mut decoded = None::<String>;
        while at < self.bytes.len() && self.bytes[at] != b'"' {
            if self.bytes[at] == b'\\' && at + 1 < self.bytes.len() {
                let so_far = self.text.get(inner..at).unwrap_or("");
                let out = decoded.get_or_insert_with(|| so_far.to_owned());
                let next = self
                    .text
                    .get(at + 1..)
                    .and_then(|rest| rest.chars().next())
                    .unwrap_or('\\');
                out.push(match next {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                at += 1 + next.len_utf8();
            } else {
                let character = self
                    .text
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .unwrap_or(' ');
                if let Some(out) = decoded.as_mut() {
                    out.push(character);
                }
                at += character.len_utf8();
            }
        }
        let verbatim = decoded.is_none().then_some(inner);
        let value = decoded.unwrap_or_else(|| self.text.get(inner..at).unwrap_or("").to_owned());
        self.append(Value::Exact(value), verbatim);
        self.at = (at + 1).min(self.bytes.len());
    }

    fn pattern(&mut self) {
        let mut at = self.at + 1;
        let mut class = false;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => break,
                b'\n' => break,
                _ => {}
            }
            at += 1;
        }
        self.at = (at + 1).min(self.bytes.len());
        self.after_value = true;
        self.piece = None;
    }

    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let rest = self.text[self.at..].trim_start_matches([' ', '\t']);
        match word {
            "print" | "printf" => {
                self.finish_piece();
                self.print_depth = Some(self.depth);
                self.formats = word == "printf";
                self.in_brackets = false;
                self.format = None;
                self.after_value = false;
            }
            "system" if rest.starts_with('(') => {
                self.finish_piece();
                self.piped = Some((Sink::Shell, start));
                self.after_value = false;
            }
            "getline" => {
                self.after_value = true;
                self.piece = None;
            }
            "if" | "while" | "for" | "do" | "else" | "return" | "in" | "BEGIN" | "END"
            | "function" | "func" | "delete" | "next" | "exit" => {
                self.finish_piece();
                self.after_value = false;
            }
            _ if rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=~") => {
                self.finish_piece();
                self.assigned = Some(word);
            }
            _ if rest.starts_with('(') => {
                // A function: its value is not known.
                self.append(Value::Unknown(Why::RunTimeValue(word.to_owned())), None);
            }
            _ => {
                let value = self
                    .vars
                    .get(word)
                    .cloned()
                    .unwrap_or_else(|| Value::Unknown(Why::RunTimeValue(word.to_owned())));
                self.append(value, None);
            }
        }
    }

    /// `"cmd" | getline`, `print | "cmd"`, `x |& getline`.
    fn pipe(&mut self) {
        if self.peek(1) == b'|' {
            self.at += 2;
            self.finish_piece();
            self.after_value = false;
            return;
        }
        let start = self.at;
        self.at += if self.peek(1) == b'&' { 2 } else { 1 };
        let rest = self.text[self.at..].trim_start();
        if rest.starts_with("getline") {
            if let Some((value, at)) = self.piece.take() {
                self.command(value, at, self.piece_start, self.at);
            }
        } else if self.print_depth.is_some() {
            self.assign();
            self.piece = None;
            self.piped = Some((Sink::Shell, start));
        }
        self.after_value = false;
    }

    fn redirect(&mut self) {
        let start = self.at;
        let append = self.peek(1) == b'>';
        self.at += if append { 2 } else { 1 };
        self.after_value = false;
        if self.print_depth == Some(self.depth) {
            self.printed = self.shown();
            self.piece = None;
            self.piped = Some((
                Sink::Write(if append { "append" } else { "truncate" }),
                start,
            ));
        } else {
            self.finish_piece();
        }
    }

    fn getline_before(&self) -> bool {
        let before = self.text[..self.at].trim_end();
        let from = before.len().saturating_sub(64);
        let mut from = from;
        while !before.is_char_boundary(from) {
            from += 1;
        }
        before[from..]
            .rsplit([';', '{', '(', '\n', '|'])
            .next()
            .is_some_and(|part| part.trim_start().starts_with("getline"))
    }

    fn assign(&mut self) {
        if let (Some(name), Some((value, _))) = (self.assigned.take(), self.piece.as_ref())
            && self.vars.len() < MAX_NAMES
        {
            self.vars.insert(name, value.clone());
        }
    }

    fn flush(&mut self) {
        self.assign();
        let piece = self.piece.take();
        let Some((sink, start)) = self.piped.take() else {
            return;
        };
        let (value, at) = piece.unwrap_or((Value::Unknown(Why::Expansion), None));
        let end = self.at.max(start + 1).min(self.bytes.len());
        match sink {
            Sink::Shell => self.command(value, at, start, end),
            Sink::Read => self.file(ActionKind::FsRead, value, &[], start, end),
            Sink::Write(how) => {
                self.file(ActionKind::FsWrite, value.clone(), &[how], start, end);
                if let Some((text, verbatim_at)) = self.printed.take() {
                    let file = value;
                    self.push(
                        What::Pour {
                            file,
                            text,
                            verbatim_at,
                        },
                        start,
                        end,
                    );
                }
            }
        }
    }

    fn file(
        &mut self,
        kind: ActionKind,
        value: Value,
        attributes: &[&'static str],
        start: usize,
        end: usize,
    ) {
        if matches!(&value, Value::Exact(path) if path.starts_with("/dev/std") || path == "-" || path.starts_with("/dev/fd/"))
        {
            return;
        }
        if self.socket(&value, start, end) {
            return;
        }
        self.push(
            What::Act {
                kind,
                target: Some(value),
                role: TargetRole::Path,
                attributes: attributes.to_vec(),
            },
            start,
            end,
        );
    }

    /// gawk's `/inet/tcp/0/HOST/PORT`.
    fn socket(&mut self, value: &Value, start: usize, end: usize) -> bool {
        let (Value::Exact(path) | Value::Prefix(path, _)) = value else {
            return false;
        };
        let Some(rest) = path.strip_prefix("/inet") else {
            return false;
        };
        let mut parts = rest.split('/').skip(3);
        let host = format!(
            "{}:{}",
            parts.next().unwrap_or(""),
            parts.next().unwrap_or("")
        );
        self.host = Some(Value::Exact(host.clone()));
        self.push(
            What::Act {
                kind: ActionKind::NetFetch,
                target: Some(Value::Exact(host)),
                role: TargetRole::Host,
                attributes: Vec::new(),
            },
            start,
            end,
        );
        true
    }

    fn command(&mut self, text: Value, verbatim_at: Option<usize>, start: usize, end: usize) {
        if self.socket(&text, start.min(end), end.max(start + 1)) {
            return;
        }
        let (start, end) = (start.min(end), end.max(start + 1).min(self.bytes.len()));
        if let (Some(host), Value::Unknown(_)) = (&self.host, &text) {
            // What a socket says is run.
            let target = Some(host.clone());
            self.push(
                What::Act {
                    kind: ActionKind::ExecRemoteShell,
                    target,
                    role: TargetRole::Host,
                    attributes: Vec::new(),
                },
                start,
                end,
            );
            return;
        }
        self.push(What::Shell { text, verbatim_at }, start, end);
    }

    fn push(&mut self, what: What, start: usize, end: usize) {
        let (mut start, mut end) = (start.min(self.bytes.len()), end.min(self.bytes.len()));
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
}

/// A format with its arguments put in; what is not known there leaves the beginning known.
fn formatted(format: &Value, arguments: &[Value]) -> Value {
    let Value::Exact(format) = format else {
        return format.clone();
    };
    let mut arguments = arguments.iter();
    let mut result = Value::Exact(String::new());
    let mut rest = format.as_str();
    while let Some(at) = rest.find('%') {
        result = concat(result, &Value::Exact(rest[..at].to_owned()));
        let after = &rest[at + 1..];
        let length = after
            .find(|character: char| character == '%' || character.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let plain = length == 0 && after.starts_with(['s', 'd', 'i']);
        let value = match after[length..].chars().next() {
            Some('%') => Value::Exact(String::from("%")),
            Some(_) if plain => arguments
                .next()
                .cloned()
                .unwrap_or_else(|| Value::Exact(String::new())),
            _ => Value::Unknown(Why::Expansion),
        };
        result = concat(result, &value);
        rest = after.get(length + 1..).unwrap_or_default();
    }
    concat(result, &Value::Exact(rest.to_owned()))
}
