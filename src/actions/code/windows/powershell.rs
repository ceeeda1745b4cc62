//! PowerShell: pipelines of cmdlets and expressions, folded as far as the text tells.
//!
//! A tolerant walk: what is not understood is stepped over, and every command in the text is seen.

use super::cmdlets::{self, Does};
use super::native::{self, named, path_act};
use super::{globbed, known, well_known};
use crate::actions::code::fold;
use crate::actions::code::value::{Kind, Origin, Val, concat, either};
use crate::actions::code::{CodeEffect, LIMIT_REASON, Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;
use std::collections::HashMap;

/// Blocks and expressions nested deeper than this are stepped over and reported.
const MAX_DEPTH: usize = 32;

/// Bytes of folded text that one analysis may copy.
const MAX_COPIED_BYTES: usize = 4 * 1024 * 1024;

/// How many items a block is read for, and how long it may be then.
const MAX_ELEMENTS: usize = 256;
const MAX_BLOCK_BYTES: usize = 512;

/// What a script would do.
pub(in crate::actions::code) fn analyse(text: &str) -> Vec<CodeEffect> {
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
        functions: Vec::new(),
    };
    reader.script(None);
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
    /// Functions of the script, whose bodies were read where they stand.
    functions: Vec<String>,
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

    // ---- statements

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
                b';' | b'&' | b'|' | b',' if byte != b'&' || self.peek(1) == b'&' => self.at += 1,
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

    fn statement(&mut self) -> Val {
        let word = self.keyword();
        let outer = self.certain;
        match word.as_str() {
            "if" | "elseif" | "while" | "switch" | "until" => {
                self.at += word.len();
                self.blanks(true);
                let mut condition = Val::opaque("");
                if self.peek(0) == b'(' {
                    self.at += 1;
                    condition = self.script(Some(b')'));
                }
                self.certain = outer && is_true(&condition);
                self.block();
            }
            "foreach" | "for" if self.rest()[word.len()..].trim_start().starts_with('(') => {
                self.at += word.len();
                self.blanks(true);
                self.at += 1;
                self.certain = self.loop_header() && outer;
                self.block();
            }
            "else" | "catch" => {
                self.at += word.len();
                self.certain = false;
                self.block();
            }
            "try" | "finally" | "do" | "begin" | "process" | "end" | "trap" => {
                self.at += word.len();
                self.block();
            }
            "function" | "filter" | "workflow" => {
                self.at += word.len();
                self.blanks(false);
                let name_at = self.at;
                while self.at < self.end && is_word_byte(self.bytes[self.at]) {
                    self.at += 1;
                }
                let name = &self.text[name_at..self.at];
                if self.functions.len() < 256 {
                    self.functions.push(name.to_ascii_lowercase());
                }
                let called = !name.is_empty()
                    && memchr::memmem::find(&self.bytes[self.at..], name.as_bytes()).is_some();
                self.blanks(true);
                if self.peek(0) == b'(' {
                    self.at += 1;
                    self.script(Some(b')'));
                }
                self.certain = outer && called;
                self.block();
            }
            "param" => {
                self.at += word.len();
                self.blanks(true);
                if self.peek(0) == b'(' {
                    self.skip_balanced();
                }
            }
            "return" | "throw" | "exit" => {
                self.at += word.len();
                let value = self.pipeline();
                self.certain = outer;
                return value;
            }
            _ => return self.pipeline(),
        }
        self.certain = outer;
        Val::opaque("")
    }

    fn keyword(&self) -> String {
        let rest = &self.bytes[self.at..self.end];
        let length = rest
            .iter()
            .take(16)
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        if rest
            .get(length)
            .copied()
            .is_some_and(|byte| is_word_byte(byte) || byte == b'-')
        {
            return String::new();
        }
        self.text[self.at..self.at + length].to_ascii_lowercase()
    }

    fn block(&mut self) {
        self.blanks(true);
        if self.peek(0) == b'{' {
            self.at += 1;
            self.script(Some(b'}'));
        }
    }

    fn loop_header(&mut self) -> bool {
        self.blanks(true);
        let begin = self.at;
        if self.peek(0) == b'$' {
            let name = self.variable_name();
            self.blanks(true);
            if self
                .rest()
                .get(..3)
                .is_some_and(|word| word.eq_ignore_ascii_case("in "))
            {
                self.at += 3;
                let list = self.script(Some(b')'));
                let element = element(&list);
                let known = !matches!(element.kind, Kind::Opaque(_));
                self.bind(&name, element);
                return known;
            }
            self.at = begin;
        }
        self.script(Some(b')'));
        false
    }

    fn skip_balanced(&mut self) {
        let mut depth = 0usize;
        while self.at < self.end {
            match self.bytes[self.at] {
                b'(' | b'{' | b'[' => depth += 1,
                b')' | b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn bind(&mut self, name: &str, value: Val) {
        self.copied += value.size();
        if self.copied > MAX_COPIED_BYTES {
            self.limit();
            return;
        }
        let key = name.to_ascii_lowercase();
        let value = match self.variables.remove(&key) {
            Some(old) if !self.certain => either(old, value),
            _ => value,
        };
        self.variables.insert(key, value);
    }

    // ---- pipelines

    fn pipeline(&mut self) -> Val {
        if !self.enter() {
            self.step_over();
            return Val::opaque("");
        }
        let mut value: Option<Val> = None;
        loop {
            self.blanks(true);
            let outer = self.variables.get("_").cloned();
            if let Some(input) = &value {
                self.variables.insert(String::from("_"), element(input));
            }
            let next = self.element_of_pipeline(value.as_ref());
            match outer {
                Some(outer) => self.variables.insert(String::from("_"), outer),
                None => self.variables.remove("_"),
            };
            value = Some(next);
            self.blanks(false);
            if self.peek(0) == b'|' && self.peek(1) != b'|' {
                self.at += 1;
                continue;
            }
            self.redirects();
            break;
        }
        self.depth -= 1;
        value.unwrap_or_else(|| Val::opaque(""))
    }

    fn redirects(&mut self) {
        loop {
            self.blanks(false);
            let start = self.at;
            let digit = matches!(self.peek(0), b'0'..=b'9' | b'*') && self.peek(1) == b'>';
            let sign = if digit { 1 } else { 0 };
            if self.peek(sign) != b'>' {
                return;
            }
            self.at += sign + 1;
            let append = self.peek(0) == b'>';
            if append {
                self.at += 1;
            }
            if self.peek(0) == b'&' {
                self.at += 2;
                continue;
            }
            self.blanks(false);
            let file = self.argument();
            if matches!(&file.kind, Kind::Name(name) if name == "null") {
                continue;
            }
            let attribute = if append { "append" } else { "truncate" };
            self.push(
                path_act(ActionKind::FsWrite, file.as_value(), &[attribute]),
                start,
            );
        }
    }

    fn element_of_pipeline(&mut self, input: Option<&Val>) -> Val {
        let start = self.at;
        match self.peek(0) {
            b'&' | b'.' if self.peek(0) == b'&' || matches!(self.peek(1), b' ' | b'\t') => {
                self.at += 1;
                self.blanks(false);
                let callee = self.argument();
                return self.invoke_value(callee, input, start);
            }
            b'$' | b'(' | b'\'' | b'"' | b'@' | b'[' | b'{' | b'0'..=b'9' | b'-' | b'!' | b'+' => {
                return self.assignment_or_expression();
            }
            _ => {}
        }
        let name = self.bareword();
        if name.is_empty() {
            return Val::opaque("");
        }
        if let Some(Kind::List(items)) = input.map(|input| &input.kind)
            && cmdlets::resolve(&name) == "foreach-object"
        {
            let items = items.clone();
            return self.each(&items, start);
        }
        let words = self.words();
        self.command(&name, words, input, start)
    }

    fn assignment_or_expression(&mut self) -> Val {
        let start = self.at;
        if self.peek(0) == b'$' {
            let name = self.variable_name();
            self.blanks(false);
            let sign = self.rest();
            let append = sign.starts_with("+=");
            if append || (sign.starts_with('=') && !sign.starts_with("==")) {
                self.at += if append { 2 } else { 1 };
                self.blanks(true);
                let value = self.statement();
                let value = if append {
                    let old = self.lookup(&name);
                    self.joined(&old, &value)
                } else {
                    value
                };
                let lower = name.to_ascii_lowercase();
                if lower == "env:path" {
                    let path = Value::Exact(String::from("PATH"));
                    self.push(named(ActionKind::ExecHijack, path), start);
                }
                self.bind(&name, value.clone());
                return value;
            }
            self.at = start;
        }
        let value = self.expression();
        self.blanks(false);
        // `[Type]$x = …`, `$x.y = …`
        if self.peek(0) == b'=' && self.peek(1) != b'=' {
            self.at += 1;
            self.blanks(true);
            return self.statement();
        }
        value
    }

    /// `LIST | % {…}`: a short block is read once for each item that is known.
    fn each(&mut self, items: &[Val], start: usize) -> Val {
        let begin = self.at;
        let mut out = Vec::new();
        for item in items.iter().take(MAX_ELEMENTS) {
            let before = self.effects.len();
            self.at = begin;
            self.variables.insert(String::from("_"), item.clone());
            let words = self.words();
            let value = words.values.first().map(|value| &value.kind);
            out.push(match value {
                Some(Kind::Object("block", held)) => {
                    held.first().cloned().unwrap_or_else(|| Val::opaque(""))
                }
                _ => Val::opaque(""),
            });
            if items.len() > 8 {
                self.effects.truncate(before);
            }
            if self.at.saturating_sub(begin) > MAX_BLOCK_BYTES || self.limited {
                break;
            }
        }
        if items.len() > 8 || items.is_empty() {
            self.at = begin;
            self.variables.insert(String::from("_"), Val::opaque("_"));
            let words = self.words();
            if items.is_empty() {
                return self.cmdlet("foreach-object", Does::Pass, &words, None, start);
            }
        }
        Val::list(out)
    }

    /// What `&` runs: a name, a block, a text.
    fn invoke_value(&mut self, callee: Val, input: Option<&Val>, start: usize) -> Val {
        match &callee.kind {
            Kind::Object("block", _) => {
                self.words();
                Val::opaque("")
            }
            Kind::Object("code", held) => {
                let code = held.first().cloned().unwrap_or_else(|| Val::opaque(""));
                self.words();
                self.invoke(&code, start);
                Val::opaque("")
            }
            Kind::Text(Value::Exact(name), _) => {
                let name = name.clone();
                let words = self.words();
                self.command(&name, words, input, start)
            }
            _ => {
                self.words();
                match &callee.origin {
                    Origin::Downloaded(url) => {
                        let url = url.clone();
                        self.remote_code(url, start);
                    }
                    _ => self.push(
                        What::Unknown {
                            reason: String::from("a command whose name is computed"),
                        },
                        start,
                    ),
                }
                Val::opaque("")
            }
        }
    }

    fn remote_code(&mut self, url: Value, start: usize) {
        self.runs = true;
        self.push(
            What::Act {
                kind: ActionKind::ExecRemoteCode,
                target: Some(url),
                role: TargetRole::Url,
                attributes: Vec::new(),
            },
            start,
        );
    }

    fn invoke(&mut self, code: &Val, start: usize) {
        self.runs = true;
        match (&code.kind, &code.origin) {
            (_, Origin::Downloaded(url)) => {
                let url = url.clone();
                self.remote_code(url, start);
            }
            (Kind::Text(Value::Exact(text), at), _) => self.push(
                What::Code {
                    language: Language::PowerShell,
                    text: Value::Exact(text.clone()),
                    verbatim_at: *at,
                },
                start,
            ),
            (Kind::Object("code", held), _)
                if held.first().is_some_and(|inner| inner.exact().is_some()) =>
            {
                let inner = held[0].clone();
                self.invoke(&inner, start);
            }
            (_, Origin::File) => self.push(
                What::Act {
                    kind: ActionKind::ExecLocal,
                    target: None,
                    role: TargetRole::Path,
                    attributes: Vec::new(),
                },
                start,
            ),
            _ => self.push(
                What::Unknown {
                    reason: String::from("code that is computed when it runs"),
                },
                start,
            ),
        }
    }

    // ---- words

    /// A command's name: backticks and quotes inside of it are removed.
    fn bareword(&mut self) -> String {
        let mut out = String::new();
        while self.at < self.end {
            let byte = self.bytes[self.at];
            match byte {
                b'`' if self.at + 1 < self.end => {
                    self.at += 1;
                    if let Some(character) = self.rest().chars().next() {
                        out.push(character);
                        self.at += character.len_utf8();
                    }
                }
                b'"' | b'\'' => {
                    let part = self.quoted();
                    out.push_str(known(&part.as_value()));
                }
                byte if byte.is_ascii_whitespace()
                    || matches!(
                        byte,
                        b';' | b'|' | b'(' | b')' | b'{' | b'}' | b'&' | b'>' | b'<' | b','
                    ) =>
                {
                    break;
                }
                _ => {
                    let character = self.rest().chars().next().unwrap_or(' ');
                    out.push(character);
                    self.at += character.len_utf8();
                }
            }
        }
        out
    }

    fn words(&mut self) -> Words {
        let mut words = Words::default();
        if !self.enter() {
            return words;
        }
        loop {
            self.blanks(false);
            if self.at >= self.end {
                break;
            }
            let byte = self.bytes[self.at];
            match byte {
                b'\n' | b';' | b'|' | b')' | b'}' => break,
                b'&' if self.peek(1) == b'&' => break,
                b'>' => break,
                b'0'..=b'9' | b'*' if self.peek(1) == b'>' => break,
                b',' => {
                    self.at += 1;
                    self.blanks(true);
                    let next = self.argument();
                    words.argv.push(next.as_value());
                    let more = match words.parameters.last_mut() {
                        Some((_, Some(held))) => Some(held),
                        _ => words.values.last_mut(),
                    };
                    if let Some(held) = more {
                        let first = std::mem::replace(held, Val::opaque(""));
                        *held = listed(first, next);
                    }
                }
                b'-' | b'/'
                    if byte == b'-'
                        && (self.peek(1).is_ascii_alphabetic() || self.peek(1) == b'-') =>
                {
                    self.parameter(&mut words)
                }
                _ => {
                    let before = self.at;
                    let value = self.argument();
                    if self.at == before {
                        self.step_over();
                        continue;
                    }
                    words.argv.push(value.as_value());
                    words.values.push(value);
                    // A value after a list belongs to the values again.
                    words.parameters.push((String::new(), None));
                }
            }
        }
        self.depth -= 1;
        words
    }

    fn parameter(&mut self, words: &mut Words) {
        let written = self.at;
        self.at += 1;
        let start = self.at;
        while self.at < self.end
            && (is_word_byte(self.bytes[self.at]) || self.bytes[self.at] == b'-')
        {
            self.at += 1;
        }
        let name = self.text[start..self.at]
            .trim_matches('-')
            .to_ascii_lowercase();
        let colon = self.peek(0) == b':';
        words
            .argv
            .push(Value::Exact(self.text[written..self.at].to_owned()));
        if colon {
            self.at += 1;
            self.blanks(false);
            let value = self.argument();
            words.parameters.push((name, Some(value)));
            return;
        }
        let switch = SWITCHES
            .iter()
            .any(|switch| switch.starts_with(name.as_str()))
            && !matches!(
                name.as_str(),
                "f" | "fi" | "p" | "pa" | "c" | "n" | "na" | "d" | "s" | "u" | "verb"
            )
            || name == "r"
            || matches!(name.as_str(), "rf" | "fr" | "f");
        self.blanks(false);
        let ends = matches!(self.peek(0), 0 | b'\n' | b';' | b'|' | b')' | b'}' | b'>')
            || (self.peek(0) == b'-' && self.peek(1).is_ascii_alphabetic());
        if switch || ends {
            words.parameters.push((name, None));
            return;
        }
        let value = self.argument();
        words.argv.push(value.as_value());
        words.parameters.push((name, Some(value)));
    }

    /// One argument of a command.
    fn argument(&mut self) -> Val {
        match self.peek(0) {
            b'$' | b'(' | b'@' | b'{' => self.postfix(),
            b'[' => self.postfix(),
            b'\'' | b'"' => {
                let first = self.postfix();
                if self.at < self.end && is_word_byte(self.bytes[self.at]) {
                    let rest = self.bare_argument();
                    return self.joined(&first, &rest);
                }
                first
            }
            _ => self.bare_argument(),
        }
    }

    fn bare_argument(&mut self) -> Val {
        let mut value: Option<Val> = None;
        let start = self.at;
        let mut out = String::new();
        let mut plain = true;
        while self.at < self.end {
            let byte = self.bytes[self.at];
            match byte {
                b'`' if self.at + 1 < self.end => {
                    plain = false;
                    self.at += 1;
                    if let Some(character) = self.rest().chars().next() {
                        out.push(character);
                        self.at += character.len_utf8();
                    }
                }
                b'$' if is_word_byte(self.peek(1)) || matches!(self.peek(1), b'(' | b'{') => {
                    plain = false;
                    let inner = self.dollar();
                    let before = Val::text(std::mem::take(&mut out));
                    let so_far = value
                        .take()
                        .map_or_else(|| before.clone(), |held| self.joined(&held, &before));
                    value = Some(self.joined(&so_far, &inner));
                }
                b'"' | b'\'' => {
                    plain = false;
                    let inner = self.quoted();
                    let before = Val::text(std::mem::take(&mut out));
                    let so_far = value
                        .take()
                        .map_or_else(|| before.clone(), |held| self.joined(&held, &before));
                    value = Some(self.joined(&so_far, &inner));
                }
                byte if byte.is_ascii_whitespace()
                    || matches!(
                        byte,
                        b';' | b'|' | b'(' | b')' | b'{' | b'}' | b'&' | b',' | b'>' | b'<'
                    ) =>
                {
                    break;
                }
                _ => {
                    let character = self.rest().chars().next().unwrap_or(' ');
                    out.push(character);
                    self.at += character.len_utf8();
                }
            }
        }
        match value {
            Some(held) => {
                let rest = Val::text(out);
                self.joined(&held, &rest)
            }
            None => {
                let home = out == "~" || out.starts_with("~\\") || out.starts_with("~/");
                let mut value = Val::text(out);
                if plain
                    && !home
                    && let Kind::Text(_, at) = &mut value.kind
                {
                    *at = Some(start);
                }
                value
            }
        }
    }

    // ---- expressions

    fn expression(&mut self) -> Val {
        if !self.enter() {
            self.step_over();
            return Val::opaque("");
        }
        let mut left = self.unary();
        loop {
            self.blanks(false);
            let rest = self.rest();
            let byte = self.peek(0);
            if matches!(byte, b'+' | b'*' | b'/' | b'%') && self.peek(1) != b'=' {
                self.at += 1;
                self.blanks(true);
                let right = self.unary();
                left = match (byte, &left.kind, &right.kind) {
                    (b'+', Kind::Number(one), Kind::Number(other)) => {
                        Val::number(one.saturating_add(*other))
                    }
                    (b'+', Kind::List(_), _) => listed(left, right),
                    (b'+', ..) => self.joined(&left, &right),
                    (b'*', Kind::Text(Value::Exact(text), _), Kind::Number(count)) => {
                        fold::repeat(text, *count)
                    }
                    _ => Val::opaque("").from(left.origin).from(right.origin),
                };
            } else if byte == b',' {
                self.at += 1;
                self.blanks(true);
                let right = self.unary();
                left = listed(left, right);
            } else if rest.starts_with("..") {
                self.at += 2;
                self.blanks(false);
                let right = self.unary();
                left = range(&left, &right);
            } else if byte == b'-' && self.peek(1).is_ascii_alphabetic() {
                let start = self.at + 1;
                let length = self.bytes[start..self.end]
                    .iter()
                    .take(16)
                    .take_while(|byte| byte.is_ascii_alphabetic())
                    .count();
                let operator = self.text[start..start + length].to_ascii_lowercase();
                self.at = start + length;
                self.blanks(true);
                let right = self.unary();
                self.blanks(false);
                let mut operands = vec![right];
                while self.peek(0) == b',' && operands.len() < 256 {
                    self.at += 1;
                    self.blanks(true);
                    operands.push(self.unary());
                    self.blanks(false);
                }
                left = operate(&left, &operator, &operands);
            } else if byte == b'-' && self.peek(1) != b'-' && self.peek(1) != b'=' {
                self.at += 1;
                self.blanks(false);
                let right = self.unary();
                left = match (&left.kind, &right.kind) {
                    (Kind::Number(one), Kind::Number(other)) => {
                        Val::number(one.saturating_sub(*other))
                    }
                    _ => Val::opaque(""),
                };
            } else {
                break;
            }
        }
        self.depth -= 1;
        left
    }

    fn unary(&mut self) -> Val {
        let rest = self.rest();
        for operator in ["-join", "-split", "-not", "-bnot"] {
            if rest
                .get(..operator.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(operator))
            {
                self.at += operator.len();
                self.blanks(true);
                let value = self.postfix();
                return if operator == "-join" {
                    operate(&value, "join", &[Val::text("")])
                } else {
                    Val::opaque("").from(value.origin)
                };
            }
        }
        if matches!(self.peek(0), b'!' | b'+') {
            self.at += 1;
            return Val::opaque("");
        }
        if self.peek(0) == b'-' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            return match self.postfix().kind {
                Kind::Number(number) => Val::number(number.saturating_neg()),
                _ => Val::opaque(""),
            };
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Val {
        let start = self.at;
        if !self.enter() {
            self.step_over();
            return Val::opaque("");
        }
        let mut value = self.primary();
        loop {
            let (first, second) = (self.peek(0), self.peek(1));
            if (first == b':' && second == b':')
                || (first == b'.'
                    && (is_word_byte(second) || matches!(second, b'$' | b'"' | b'\'' | b'('))
                    && !second.is_ascii_digit())
            {
                let is_static = first == b':';
                self.at += if is_static { 2 } else { 1 };
                let name = self.member();
                let (args, called) = if self.peek(0) == b'(' {
                    (self.arguments(), true)
                } else {
                    (Vec::new(), false)
                };
                value = match name {
                    Some(name) if called => self.method(value, &name, &args, start),
                    Some(name) => self.property(value, &name),
                    None => {
                        if called {
                            self.push(
                                What::Unknown {
                                    reason: String::from("a method whose name is computed"),
                                },
                                start,
                            );
                        }
                        Val::opaque("")
                    }
                };
            } else if first == b'[' {
                self.at += 1;
                let index = self.script(Some(b']'));
                value = index_of(&value, &index);
            } else {
                break;
            }
        }
        self.depth -= 1;
        value
    }

    fn member(&mut self) -> Option<String> {
        match self.peek(0) {
            b'"' | b'\'' => self.quoted().exact().map(str::to_ascii_lowercase),
            b'$' | b'(' => self.primary().exact().map(str::to_ascii_lowercase),
            _ => {
                let start = self.at;
                while self.at < self.end && is_word_byte(self.bytes[self.at]) {
                    self.at += 1;
                }
                Some(self.text[start..self.at].to_ascii_lowercase())
            }
        }
    }

    fn arguments(&mut self) -> Vec<Val> {
        self.at += 1;
        let mut args = Vec::new();
        loop {
            self.blanks(true);
            if self.at >= self.end {
                break;
            }
            match self.peek(0) {
                b')' => {
                    self.at += 1;
                    break;
                }
                b',' => self.at += 1,
                _ => {
                    let before = self.at;
                    // Commas separate here: an argument is an expression without them.
                    let mut value = self.unary();
                    loop {
                        self.blanks(true);
                        if self.peek(0) == b'+' {
                            self.at += 1;
                            self.blanks(true);
                            let right = self.unary();
                            value = self.joined(&value, &right);
                        } else if self.peek(0) == b'-' && self.peek(1).is_ascii_alphabetic() {
                            let begin = self.at + 1;
                            let length = self.bytes[begin..self.end]
                                .iter()
                                .take(16)
                                .take_while(|byte| byte.is_ascii_alphabetic())
                                .count();
                            let operator = self.text[begin..begin + length].to_ascii_lowercase();
                            self.at = begin + length;
                            self.blanks(true);
                            let right = self.unary();
                            value = operate(&value, &operator, &[right]);
                        } else {
                            break;
                        }
                    }
                    args.push(value);
                    if self.at == before {
                        self.step_over();
                    }
                }
            }
        }
        args
    }

    fn primary(&mut self) -> Val {
        match self.peek(0) {
            b'$' => self.dollar(),
            b'\'' | b'"' => self.quoted(),
            b'@' => match self.peek(1) {
                b'(' => {
                    self.at += 2;
                    let value = self.script(Some(b')'));
                    match value.kind {
                        Kind::List(_) => value,
                        Kind::Opaque(_) => value,
                        _ => Val::list(vec![value]),
                    }
                }
                b'{' => {
                    self.at += 2;
                    self.hashtable()
                }
                b'\'' | b'"' => self.here_string(),
                _ => {
                    self.at += 1;
                    // Splatting.
                    while self.at < self.end && is_word_byte(self.bytes[self.at]) {
                        self.at += 1;
                    }
                    Val::opaque("arguments")
                }
            },
            b'(' => {
                self.at += 1;
                self.script(Some(b')'))
            }
            b'{' => {
                self.at += 1;
                let last = self.script(Some(b'}'));
                Val::object("block", vec![last])
            }
            b'[' => self.type_or_cast(),
            b'0'..=b'9' => {
                let start = self.at;
                while self.at < self.end
                    && (self.bytes[self.at].is_ascii_alphanumeric()
                        || (self.bytes[self.at] == b'.' && self.peek(1).is_ascii_digit()))
                {
                    self.at += 1;
                }
                let text = &self.text[start..self.at];
                // PowerShell has no octal numbers.
                let digits = text.trim_start_matches('0');
                if text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit()) {
                    fold::number(if digits.is_empty() { "0" } else { digits })
                } else {
                    fold::number(text)
                }
            }
            _ => Val::opaque(""),
        }
    }

    fn type_or_cast(&mut self) -> Val {
        let close = self.bytes[self.at..self.end]
            .iter()
            .take(256)
            .position(|byte| *byte == b']');
        let Some(close) = close else {
            self.at += 1;
            return Val::opaque("");
        };
        let mut name = self.text[self.at + 1..self.at + close]
            .trim()
            .to_ascii_lowercase();
        self.at += close + 1;
        while self.peek(0) == b']' {
            self.at += 1;
        }
        if let Some(short) = name.strip_prefix("system.") {
            name = short.to_owned();
        }
        if self.peek(0) == b':' && self.peek(1) == b':' {
            return Val::name(name);
        }
        // A cast: `[char]114`, `[string]$x`, `[scriptblock]"…"`.
        self.blanks(false);
        let castable = matches!(
            self.peek(0),
            b'$' | b'(' | b'\'' | b'"' | b'@' | b'[' | b'0'..=b'9'
        );
        if !castable {
            return Val::name(name);
        }
        let value = self.postfix();
        match (name.as_str(), &value.kind) {
            ("char", Kind::Number(code)) => u32::try_from(*code)
                .ok()
                .and_then(char::from_u32)
                .map_or_else(
                    || Val::opaque(""),
                    |character| Val::text(character.to_string()),
                ),
            ("char[]" | "char[", Kind::List(items)) => {
                let characters = items.iter().map(as_character).collect();
                Val::list(characters)
            }
            ("char[]" | "char[", Kind::Text(Value::Exact(text), _)) => Val::list(
                text.chars()
                    .take(4096)
                    .map(|character| Val::text(character.to_string()))
                    .collect(),
            ),
            ("scriptblock", _) => Val::object("code", vec![value]),
            _ => value,
        }
    }

    fn hashtable(&mut self) -> Val {
        let mut entries = Vec::new();
        loop {
            self.blanks(true);
            if self.at >= self.end {
                break;
            }
            match self.peek(0) {
                b'}' => {
                    self.at += 1;
                    break;
                }
                b';' | b',' => self.at += 1,
                _ => {
                    let before = self.at;
                    let key = if matches!(self.peek(0), b'"' | b'\'') {
                        self.quoted().exact().unwrap_or("").to_owned()
                    } else {
                        let start = self.at;
                        while self.at < self.end && is_word_byte(self.bytes[self.at]) {
                            self.at += 1;
                        }
                        self.text[start..self.at].to_owned()
                    };
                    self.blanks(false);
                    if self.peek(0) == b'=' {
                        self.at += 1;
                        self.blanks(true);
                        let value = self.statement();
                        entries.push((key.to_ascii_lowercase(), value));
                    }
                    if self.at == before {
                        self.step_over();
                    }
                }
            }
        }
        let origin = entries
            .iter()
            .fold(Origin::Code, |origin, (_, value): &(String, Val)| {
                origin.join(value.origin.clone())
            });
        Val {
            kind: Kind::Map(entries),
            origin,
        }
    }

    fn here_string(&mut self) -> Val {
        let quote = self.peek(1);
        let start = memchr::memchr(b'\n', &self.bytes[self.at..self.end])
            .map_or(self.end, |found| self.at + found + 1);
        let close = [b'\n', quote, b'@'];
        let found = memchr::memmem::find(&self.bytes[start.saturating_sub(1)..self.end], &close);
        let end = found.map_or(self.end, |found| {
            (start.saturating_sub(1) + found).max(start)
        });
        self.at = found.map_or(self.end, |_| end + 3).min(self.end);
        let body = self.text.get(start..end).unwrap_or("");
        let mut value = Val::text(body);
        if let Kind::Text(_, at) = &mut value.kind {
            *at = Some(start);
        }
        value
    }

    fn variable_name(&mut self) -> String {
        self.at += 1;
        if self.peek(0) == b'{' {
            self.at += 1;
            let start = self.at;
            while self.at < self.end && self.bytes[self.at] != b'}' {
                self.at += 1;
            }
            let name = self.text[start..self.at].to_owned();
            self.at = (self.at + 1).min(self.end);
            return name;
        }
        let start = self.at;
        while self.at < self.end
            && (is_word_byte(self.bytes[self.at])
                || (self.bytes[self.at] == b':'
                    && self.peek(1) != b':'
                    && is_word_byte(self.peek(1))))
        {
            self.at += 1;
        }
        if start == self.at && matches!(self.peek(0), b'?' | b'^' | b'$') {
            self.at += 1;
        }
        self.text[start..self.at].to_owned()
    }

    fn dollar(&mut self) -> Val {
        if self.peek(1) == b'(' {
            self.at += 2;
            return self.script(Some(b')'));
        }
        let start = self.at;
        let name = self.variable_name();
        if name.is_empty() && self.at == start + 1 {
            return Val::opaque("");
        }
        let value = self.lookup(&name);
        if value.origin == Origin::Secret
            && !self.variables.contains_key(&name.to_ascii_lowercase())
        {
            let variable = name.get(4..).unwrap_or("").to_owned();
            self.push(
                What::Act {
                    kind: ActionKind::CredentialRead,
                    target: Some(Value::Exact(variable)),
                    role: TargetRole::Name,
                    attributes: vec!["environment"],
                },
                start,
            );
        }
        value
    }

    fn lookup(&mut self, name: &str) -> Val {
        let lower = name.to_ascii_lowercase();
        let lower = lower
            .strip_prefix("global:")
            .or_else(|| lower.strip_prefix("script:"))
            .map_or(lower.as_str(), |rest| rest)
            .to_owned();
        if let Some(held) = self.variables.get(&lower) {
            self.copied += held.size();
            if self.copied > MAX_COPIED_BYTES {
                self.limit();
                return Val::opaque(name);
            }
            return self
                .variables
                .get(&lower)
                .cloned()
                .unwrap_or_else(|| Val::opaque(name));
        }
        match lower.as_str() {
            "true" | "false" | "null" => Val::name(lower),
            "home" => Val::text("~"),
            "pwd" | "psscriptroot" => Val::text("."),
            "shellid" => Val::text("Microsoft.PowerShell"),
            "pshome" => Val::text("C:\\Windows\\System32\\WindowsPowerShell\\v1.0"),
            "profile" => {
                Val::text("~\\Documents\\WindowsPowerShell\\Microsoft.PowerShell_profile.ps1")
            }
            "verbosepreference" => Val::text("SilentlyContinue"),
            _ => match lower.strip_prefix("env:") {
                Some(variable) => match well_known(variable) {
                    Some(text) => Val::text(text),
                    None if crate::actions::code::calls::is_secret_name(variable) => {
                        Val::opaque(variable).from(Origin::Secret)
                    }
                    None => Val::opaque(variable),
                },
                None => Val::opaque(name),
            },
        }
    }

    fn quoted(&mut self) -> Val {
        let quote = self.peek(0);
        self.at += 1;
        let inner = self.at;
        let mut out = String::new();
        let mut value: Option<Val> = None;
        let mut plain = true;
        while self.at < self.end {
            let byte = self.bytes[self.at];
            if byte == quote {
                if self.peek(1) == quote {
                    plain = false;
                    out.push(char::from(quote));
                    self.at += 2;
                    continue;
                }
                break;
            }
            if quote == b'"' && byte == b'`' {
                plain = false;
                self.at += 1;
                let character = self.rest().chars().next().unwrap_or('`');
                self.at += character.len_utf8();
                out.push(match character {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    '0' => '\0',
                    other => other,
                });
            } else if quote == b'"'
                && byte == b'$'
                && (is_word_byte(self.peek(1)) || matches!(self.peek(1), b'(' | b'{'))
            {
                plain = false;
                if !self.enter() {
                    self.step_over();
                    continue;
                }
                let inner = self.dollar();
                self.depth -= 1;
                let before = Val::text(std::mem::take(&mut out));
                let so_far = value
                    .take()
                    .map_or_else(|| before.clone(), |held| self.joined(&held, &before));
                value = Some(self.joined(&so_far, &inner));
            } else {
                let character = self.rest().chars().next().unwrap_or(' ');
                out.push(character);
                self.at += character.len_utf8();
            }
        }
        self.at = (self.at + 1).min(self.end);
        match value {
            Some(held) => {
                let rest = Val::text(out);
                self.joined(&held, &rest)
            }
            None => {
                let mut value = Val::text(out);
                if plain && let Kind::Text(_, at) = &mut value.kind {
                    *at = Some(inner);
                }
                value
            }
        }
    }

    fn joined(&mut self, left: &Val, right: &Val) -> Val {
        self.copied += left.size() + right.size();
        if self.copied > MAX_COPIED_BYTES {
            self.limit();
            return Val::opaque("");
        }
        if matches!((&left.kind, &right.kind), (Kind::Text(Value::Exact(text), _), Kind::Text(..)) if text.is_empty())
        {
            let mut value = right.clone();
            if let Kind::Text(_, at) = &mut value.kind {
                *at = None;
            }
            return value.from(left.origin.clone());
        }
        Val::value(concat(left.as_value(), &right.as_value()))
            .from(left.origin.clone())
            .from(right.origin.clone())
    }

    // ---- members

    fn property(&mut self, on: Val, name: &str) -> Val {
        match &on.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map_or_else(|| Val::opaque(""), |(_, value)| value.clone()),
            Kind::Name(base) => Val::name(format!("{base}.{name}")),
            Kind::Text(Value::Exact(text), _) if name == "length" => {
                i64::try_from(text.len()).map_or_else(|_| Val::opaque(""), Val::number)
            }
            Kind::Text(Value::Pattern(_) | Value::Prefix(..), _)
                if matches!(name, "fullname" | "name" | "pspath" | "path") =>
            {
                on
            }
            _ => Val::opaque("").from(on.origin),
        }
    }

    fn method(&mut self, on: Val, name: &str, args: &[Val], start: usize) -> Val {
        if let Kind::Name(base) = &on.kind {
            let base = base.clone();
            return self.static_method(&base, name, args, start);
        }
        let url = args.first().cloned().unwrap_or_else(|| Val::opaque("url"));
        match (&on.kind, name) {
            (
                Kind::Object("webclient", _),
                "downloadstring"
                | "downloaddata"
                | "openread"
                | "getstringasync"
                | "getasync"
                | "getbytearrayasync"
                | "downloadstringtaskasync",
            ) => {
                return self.fetch(&url, ActionKind::NetFetch, &[], start);
            }
            (
                Kind::Object("webclient", _),
                "downloadfile" | "downloadfileasync" | "downloadfiletaskasync",
            ) => {
                let response = self.fetch(&url, ActionKind::NetFetch, &[], start);
                if let Some(file) = args.get(1) {
                    self.push(
                        path_act(ActionKind::FsWrite, file.as_value(), &["create"]),
                        start,
                    );
                }
                return response;
            }
            (
                Kind::Object("webclient", _),
                "uploadstring" | "uploadfile" | "uploaddata" | "uploadvalues" | "postasync"
                | "putasync",
            ) => {
                let origin = args
                    .iter()
                    .fold(Origin::Code, |origin, arg| origin.join(arg.origin.clone()));
                let mut attributes = vec!["method_write"];
                if name == "uploadfile" {
                    attributes.push("local_data");
                    if let Some(file) = args.last() {
                        self.push(path_act(ActionKind::FsRead, file.as_value(), &[]), start);
                    }
                }
                attributes.extend(flows(&origin));
                return self.fetch(&url, ActionKind::NetSend, &attributes, start);
            }
            (Kind::Object("webrequest", held), _) => {
                let target = held.first().cloned().unwrap_or_else(|| Val::opaque("url"));
                return self.fetch(&target, ActionKind::NetFetch, &[], start);
            }
            (Kind::Object("socket", held), _) => {
                let host = args
                    .first()
                    .or_else(|| held.first())
                    .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value);
                if name == "connect" {
                    let host = endpoint(args);
                    self.connect(host, start);
                } else if name == "getstream" {
                    let host = if held.is_empty() {
                        host
                    } else {
                        endpoint(held)
                    };
                    let mut end = self.at.max(start + 1).min(self.text.len());
                    while !self.text.is_char_boundary(end) {
                        end += 1;
                    }
                    self.socket = ByteSpan::new(start, end).map(|span| (host, span));
                }
                return Val::object("stream", Vec::new());
            }
            (Kind::Object("code" | "block", _), "invoke" | "invokereturnasis") => {
                return self.invoke_value(on, None, start);
            }
            (Kind::Object("shell", _), "run" | "exec" | "shellexecute") => {
                let text = args
                    .first()
                    .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value);
                self.push(
                    What::Code {
                        language: Language::Cmd,
                        text,
                        verbatim_at: None,
                    },
                    start,
                );
                return Val::opaque("");
            }
            (Kind::Text(Value::Pattern(_), _), "delete") => {
                self.push(path_act(ActionKind::FsDelete, on.as_value(), &[]), start);
                return Val::opaque("");
            }
            (Kind::Object("wmi", _), "delete" | "terminate") => {
                self.push(
                    named(
                        ActionKind::SystemConfig,
                        Value::Exact(String::from("management object")),
                    ),
                    start,
                );
                return Val::opaque("");
            }
            _ => {}
        }
        if let Kind::Text(Value::Exact(text), _) = &on.kind {
            let argument = |index: usize| args.get(index).and_then(Val::exact);
            let folded = match name {
                "replace" => match (argument(0), argument(1)) {
                    (Some(from), Some(to))
                        if !from.is_empty()
                            && text.len().saturating_mul(to.len().max(1)) < 1 << 18 =>
                    {
                        Some(Val::text(text.replace(from, to)))
                    }
                    _ => None,
                },
                "tolower" | "tolowerinvariant" => Some(Val::text(text.to_lowercase())),
                "toupper" | "toupperinvariant" => Some(Val::text(text.to_uppercase())),
                "trim" | "tostring" | "trimend" | "trimstart" => Some(Val::text(text.trim())),
                "tochararray" => Some(Val::list(
                    text.chars()
                        .take(4096)
                        .map(|character| Val::text(character.to_string()))
                        .collect(),
                )),
                "split" => argument(0).map(|separator| {
                    Val::list(
                        text.split(|character| separator.contains(character))
                            .take(4096)
                            .map(Val::text)
                            .collect(),
                    )
                }),
                "substring" => Some(fold::slice(&on, &[args.first().cloned(), end_of(args)])),
                "insert" => None,
                _ => None,
            };
            if let Some(value) = folded {
                return value;
            }
        }
        if name == "invokescript" {
            if let Some(code) = args.first() {
                let code = code.clone();
                self.invoke(&code, start);
            }
            return Val::opaque("");
        }
        let origin = args.iter().fold(on.origin.clone(), |origin, arg| {
            origin.join(arg.origin.clone())
        });
        Val::opaque("").from(origin)
    }

    fn static_method(&mut self, base: &str, name: &str, args: &[Val], start: usize) -> Val {
        let value = |index: usize| {
            args.get(index)
                .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value)
        };
        let short = base.strip_prefix("system.").unwrap_or(base);
        match (short, name) {
            ("io.file", "delete") => {
                self.push(path_act(ActionKind::FsDelete, value(0), &[]), start)
            }
            ("io.directory", "delete") => {
                let attributes: &[&'static str] = if args.get(1).is_some_and(is_true) {
                    &["recursive"]
                } else {
                    &[]
                };
                self.push(path_act(ActionKind::FsDelete, value(0), attributes), start);
            }
            (
                "io.file",
                "writealltext" | "writeallbytes" | "writealllines" | "create" | "openwrite",
            ) => self.push(
                path_act(ActionKind::FsWrite, value(0), &["truncate"]),
                start,
            ),
            ("io.file", "appendalltext" | "appendalllines") => {
                self.push(path_act(ActionKind::FsWrite, value(0), &["append"]), start)
            }
            ("io.file" | "io.directory", "move") => {
                self.push(path_act(ActionKind::FsWrite, value(0), &[]), start);
                self.push(path_act(ActionKind::FsWrite, value(1), &[]), start);
            }
            ("io.file", "copy") => {
                self.push(path_act(ActionKind::FsRead, value(0), &[]), start);
                self.push(path_act(ActionKind::FsWrite, value(1), &[]), start);
            }
            ("io.directory", "createdirectory") => {
                self.push(path_act(ActionKind::FsWrite, value(0), &["create"]), start)
            }
            ("io.file", "readalltext" | "readallbytes" | "readalllines" | "openread") => {
                self.push(path_act(ActionKind::FsRead, value(0), &[]), start);
                return Val::opaque("").from(Origin::File);
            }
            ("io.directory", "getfiles" | "getdirectories" | "enumeratefiles") => {
                let pattern = concat(
                    concat(value(0), &Value::Exact(String::from("\\"))),
                    &Value::Pattern(String::from("*")),
                );
                return Val::value(pattern);
            }
            ("io.path", "combine") => {
                return Val::value(args.iter().skip(1).fold(value(0), |path, part| {
                    concat(
                        concat(path, &Value::Exact(String::from("\\"))),
                        &part.as_value(),
                    )
                }));
            }
            ("io.path", "gettemppath") => return Val::text("~\\AppData\\Local\\Temp"),
            ("convert", "frombase64string") => {
                return match args.first().and_then(Val::exact) {
                    Some(text) => Val::object("bytes", vec![Val::text(text)]),
                    None => Val::opaque("").from(Origin::Decoded),
                };
            }
            (
                "text.encoding.utf8"
                | "text.encoding.ascii"
                | "text.encoding.unicode"
                | "text.encoding.default"
                | "text.encoding.utf7",
                "getstring",
            ) => {
                return decoded(args.first(), short.ends_with("unicode"));
            }
            ("convert", "toint32" | "toint16" | "tobyte" | "tochar") => {
                let radix = args.get(1).and_then(|radix| match radix.kind {
                    Kind::Number(radix) => u32::try_from(radix)
                        .ok()
                        .filter(|radix| (2..=36).contains(radix)),
                    _ => None,
                });
                let number = args
                    .first()
                    .and_then(Val::exact)
                    .and_then(|text| i64::from_str_radix(text, radix.unwrap_or(10)).ok());
                return number.map_or_else(|| Val::opaque(""), Val::number);
            }
            ("string", "join") => {
                return args
                    .get(1)
                    .map_or_else(|| Val::opaque(""), |list| operate(list, "join", &args[..1]));
            }
            ("string", "concat") => {
                return operate(&Val::list(args.to_vec()), "join", &[Val::text("")]);
            }
            ("string", "format") => {
                return args.first().map_or_else(
                    || Val::opaque(""),
                    |format| operate(format, "f", args.get(1..).unwrap_or(&[])),
                );
            }
            ("regex", "unescape" | "escape") => {
                return args.first().cloned().unwrap_or_else(|| Val::opaque(""));
            }
            ("array", "reverse") => return Val::opaque(""),
            ("scriptblock", "create") => return Val::object("code", args.to_vec()),
            ("powershell", "create") => return Val::object("shell", Vec::new()),
            ("diagnostics.process", "start") => {
                let mut words = vec![value(0)];
                words.extend(
                    args.get(1)
                        .and_then(Val::exact)
                        .into_iter()
                        .flat_map(str::split_whitespace)
                        .map(|word| Value::Exact(word.to_owned())),
                );
                self.program(words, start);
            }
            ("activator", "createinstance") => {
                return self.object(
                    value(0).exact().unwrap_or("").to_owned().as_str(),
                    args.get(1..).unwrap_or(&[]),
                    start,
                );
            }
            ("reflection.assembly", "load" | "loadfile" | "loadfrom" | "unsafeloadfrom")
            | ("runtime.interopservices.marshal", _) => self.push(
                What::Unknown {
                    reason: String::from("compiled code is loaded"),
                },
                start,
            ),
            ("reflection.assembly", _) => {}
            ("environment", "setenvironmentvariable") if args.len() > 2 => {
                self.push(named(ActionKind::SystemConfig, value(0)), start)
            }
            ("environment", "getenvironmentvariable") => {
                let variable = value(0);
                return self.lookup(&format!("env:{}", known(&variable)));
            }
            ("environment", "getfolderpath") => return Val::text("~"),
            ("microsoft.win32.registry", "setvalue") => {
                self.push(native::setting(value(0)), start);
            }
            ("diagnostics.eventlog", "delete" | "deleteeventsource") => {
                self.push(named(ActionKind::SystemLog, value(0)), start)
            }
            ("net.dns", "gethostentry" | "gethostaddresses" | "resolve") => {
                self.connect(value(0), start)
            }
            ("net.webrequest", "create" | "createhttp") | ("net.http.httpclient", _) => {
                return Val::object("webrequest", args.to_vec());
            }
            (base, "new") => return self.object(base, args, start),
            _ => {}
        }
        let origin = args.iter().fold(Origin::RunTime, |origin, arg| {
            origin.join(arg.origin.clone())
        });
        Val::opaque("").from(origin)
    }

    fn connect(&mut self, host: Value, start: usize) {
        let attributes = url::classify(known(&host))
            .attributes
            .into_iter()
            .filter(|attribute| *attribute != "plain_http")
            .collect();
        self.push(
            What::Act {
                kind: ActionKind::NetFetch,
                target: Some(host),
                role: TargetRole::Host,
                attributes,
            },
            start,
        );
    }

    fn fetch(
        &mut self,
        target: &Val,
        kind: ActionKind,
        more: &[&'static str],
        start: usize,
    ) -> Val {
        let value = target.as_value();
        let mut attributes = if known(&value).is_empty() {
            Vec::new()
        } else {
            url::classify(known(&value)).attributes
        };
        attributes.extend_from_slice(more);
        attributes.extend(flows(&target.origin));
        attributes.sort_unstable();
        attributes.dedup();
        let kind = if attributes.contains(&"secret") || attributes.contains(&"local_data") {
            ActionKind::NetSend
        } else {
            kind
        };
        self.push(
            What::Act {
                kind,
                target: Some(value.clone()),
                role: TargetRole::Url,
                attributes,
            },
            start,
        );
        Val {
            kind: Kind::Opaque(String::from("response")),
            origin: Origin::Downloaded(value),
        }
    }

    fn object(&mut self, name: &str, args: &[Val], start: usize) -> Val {
        let lower = name.to_ascii_lowercase();
        let short = lower.strip_prefix("system.").unwrap_or(&lower);
        match short {
            "net.webclient" | "net.http.httpclient" => Val::object("webclient", Vec::new()),
            "net.sockets.tcpclient"
            | "net.sockets.udpclient"
            | "net.sockets.socket"
            | "net.websockets.clientwebsocket" => {
                if !args.is_empty() && short != "net.sockets.socket" {
                    let host = endpoint(args);
                    self.connect(host, start);
                }
                Val::object("socket", args.to_vec())
            }
            "net.sockets.tcplistener" | "net.httplistener" => {
                self.push(
                    What::Act {
                        kind: ActionKind::NetListen,
                        target: None,
                        role: TargetRole::Host,
                        attributes: Vec::new(),
                    },
                    start,
                );
                Val::opaque("")
            }
            "diagnostics.process" | "diagnostics.processstartinfo" => {
                self.runs = true;
                if let Some(program) = args.first() {
                    self.program(vec![program.as_value()], start);
                }
                Val::object("process", Vec::new())
            }
            "wscript.shell" | "shell.application" | "shell.users" => {
                Val::object("shell", Vec::new())
            }
            "msxml2.xmlhttp" | "winhttp.winhttprequest.5.1" | "internetexplorer.application" => {
                Val::object("webclient", Vec::new())
            }
            _ => Val::opaque(name),
        }
    }

    fn program(&mut self, words: Vec<Value>, start: usize) {
        if words
            .first()
            .is_some_and(|program| crate::actions::code::calls::is_shell(known(program)))
        {
            self.runs = true;
        }
        match native::effects(&words) {
            Some(effects) => effects.into_iter().for_each(|what| self.push(what, start)),
            None => self.push(What::Argv { words }, start),
        }
    }

    // ---- commands

    fn command(&mut self, name: &str, words: Words, input: Option<&Val>, start: usize) -> Val {
        if self
            .functions
            .iter()
            .any(|function| function.eq_ignore_ascii_case(name))
        {
            return Val::opaque("");
        }
        let full = cmdlets::resolve(name);
        // `rm -rf` is not how the cmdlet is called: the program of that name is meant.
        let posix = words
            .parameters
            .iter()
            .any(|(given, _)| matches!(given.as_str(), "rf" | "fr"))
            || (name == "curl"
                && words.parameters.iter().any(|(given, _)| {
                    matches!(given.as_str(), "s" | "fssl" | "sl" | "o" | "d" | "x")
                }));
        if posix && !name.contains('-') {
            let mut argv = vec![Value::Exact(name.to_owned())];
            argv.extend(words.argv);
            self.push(What::Argv { words: argv }, start);
            return Val::opaque("");
        }
        match cmdlets::find(&full) {
            Some(Ok(does)) => self.cmdlet(&full, does, &words, input, start),
            Some(Err(reason)) => {
                self.push(What::Unknown { reason }, start);
                Val::opaque("")
            }
            None => {
                let mut argv = vec![Value::Exact(name.to_owned())];
                argv.extend(words.argv);
                self.program(argv, start);
                Val::opaque("").from(words.values.iter().fold(Origin::RunTime, |origin, value| {
                    origin.join(value.origin.clone())
                }))
            }
        }
    }

    fn cmdlet(
        &mut self,
        name: &str,
        does: Does,
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) -> Val {
        if words.switch("whatif") && !matches!(does, Does::Nothing | Does::Pass) {
            return Val::opaque("");
        }
        let first = || {
            words
                .value(&[
                    "path",
                    "literalpath",
                    "filepath",
                    "lp",
                    "name",
                    "uri",
                    "inputobject",
                    "id",
                    "driveletter",
                    "number",
                    "destinationpath",
                    "taskname",
                    "identity",
                    "logname",
                ])
                .or_else(|| words.values.first())
                .cloned()
                .or_else(|| input.cloned())
        };
        match does {
            Does::Nothing => {
                if matches!(name, "get-content" | "get-item") {
                    first().unwrap_or_else(|| Val::opaque(""))
                } else {
                    Val::opaque("")
                }
            }
            Does::Pass => match name {
                "join-path" => {
                    let base = words
                        .value(&["path"])
                        .or_else(|| words.values.first())
                        .cloned()
                        .unwrap_or_else(|| Val::opaque(""));
                    let child = words
                        .value(&["childpath"])
                        .or_else(|| words.values.last())
                        .cloned()
                        .unwrap_or_else(|| Val::opaque(""));
                    Val::value(concat(
                        concat(base.as_value(), &Value::Exact(String::from("\\"))),
                        &child.as_value(),
                    ))
                }
                "foreach-object" => {
                    let by_name = words
                        .value(&["membername"])
                        .or_else(|| words.values.first());
                    match (by_name.and_then(Val::exact), input) {
                        (Some(method), Some(input)) if method.eq_ignore_ascii_case("delete") => {
                            self.push(path_act(ActionKind::FsDelete, input.as_value(), &[]), start);
                            Val::opaque("")
                        }
                        _ => words
                            .values
                            .first()
                            .filter(|value| matches!(value.kind, Kind::Text(..)))
                            .cloned()
                            .unwrap_or_else(|| input.cloned().unwrap_or_else(|| Val::opaque(""))),
                    }
                }
                "write-output" | "out-string" => first().unwrap_or_else(|| Val::opaque("")),
                _ => input
                    .cloned()
                    .or_else(|| words.values.first().cloned())
                    .unwrap_or_else(|| Val::opaque("")),
            },
            Does::Path(kind, attributes) => {
                self.on_paths(name, kind, attributes, words, input, start);
                Val::opaque("")
            }
            Does::Name(kind) => {
                let target = first().map(|value| value.as_value());
                let target = match (name, target) {
                    (name, Some(Value::Unknown(_)) | None) => Value::Exact(name.to_owned()),
                    (_, Some(target)) => target,
                };
                if name == "set-executionpolicy"
                    && words
                        .value(&["scope"])
                        .and_then(Val::exact)
                        .is_some_and(|scope| scope.eq_ignore_ascii_case("process"))
                {
                    return Val::opaque("");
                }
                self.push(named(kind, target), start);
                Val::opaque("")
            }
            Does::Read => {
                let value = first().unwrap_or_else(|| Val::opaque("path"));
                for path in flat(&value) {
                    let variable = path
                        .exact()
                        .and_then(|path| path.get(..4))
                        .is_some_and(|drive| drive.eq_ignore_ascii_case("env:"));
                    if !variable {
                        self.push(path_act(ActionKind::FsRead, path.as_value(), &[]), start);
                    }
                }
                Val::opaque("contents").from(Origin::File)
            }
            Does::List => self.list(words, start),
            Does::Copy | Does::Move => {
                let from = words
                    .value(&["path", "literalpath"])
                    .or_else(|| words.values.first())
                    .cloned()
                    .or_else(|| input.cloned());
                let position = if words.value(&["path", "literalpath"]).is_some()
                    || (words.values.len() < 2 && input.is_some())
                {
                    0
                } else {
                    1
                };
                let to = words
                    .value(&["destination", "destinationpath", "newname"])
                    .or_else(|| words.values.get(position))
                    .cloned();
                let kind = if does == Does::Move {
                    ActionKind::FsWrite
                } else {
                    ActionKind::FsRead
                };
                if let Some(from) = from {
                    self.push(path_act(kind, from.as_value(), &[]), start);
                }
                if let Some(to) = to {
                    self.push(path_act(ActionKind::FsWrite, to.as_value(), &[]), start);
                }
                Val::opaque("")
            }
            Does::Request => self.request(words, input, start),
            Does::Invoke => {
                let code = words
                    .value(&["command"])
                    .or_else(|| words.values.first())
                    .cloned()
                    .or_else(|| input.cloned())
                    .unwrap_or_else(|| Val::opaque(""));
                self.invoke(&code, start);
                Val::opaque("")
            }
            Does::Command => {
                if let Some(host) =
                    words.value(&["computername", "cn", "session", "vmname", "hostname"])
                {
                    let host = host.as_value();
                    self.push(
                        What::Act {
                            kind: ActionKind::ExecElsewhere,
                            target: Some(host),
                            role: TargetRole::Host,
                            attributes: Vec::new(),
                        },
                        start,
                    );
                }
                if let Some(file) = words.value(&["filepath"]) {
                    let file = file.as_value();
                    self.push(path_act(ActionKind::ExecLocal, file, &[]), start);
                }
                let block = words.value(&["scriptblock"]).or_else(|| {
                    words
                        .values
                        .iter()
                        .find(|value| matches!(value.kind, Kind::Object("code", _)))
                });
                if let Some(code) = block
                    .filter(|value| !matches!(value.kind, Kind::Object("block", _)))
                    .cloned()
                {
                    self.invoke(&code, start);
                }
                Val::opaque("")
            }
            Does::Start => {
                let program = words
                    .value(&["filepath", "path"])
                    .or_else(|| words.values.first())
                    .cloned()
                    .unwrap_or_else(|| Val::opaque("program"));
                if words
                    .value(&["verb"])
                    .and_then(Val::exact)
                    .is_some_and(|verb| verb.eq_ignore_ascii_case("runas"))
                {
                    self.push(named(ActionKind::ExecPrivileged, program.as_value()), start);
                }
                let mut argv = vec![program.as_value()];
                if let Some(arguments) = words
                    .value(&["argumentlist", "args"])
                    .or_else(|| words.values.get(1))
                {
                    for argument in flat(arguments) {
                        match argument.exact() {
                            Some(text) => argv.extend(
                                text.split_whitespace()
                                    .map(|word| Value::Exact(word.to_owned())),
                            ),
                            None => argv.push(argument.as_value()),
                        }
                    }
                }
                if program
                    .exact()
                    .is_some_and(|program| program.contains("://"))
                {
                    let target = program.as_value();
                    self.push(
                        What::Act {
                            kind: ActionKind::BrowserAct,
                            target: Some(target),
                            role: TargetRole::Url,
                            attributes: Vec::new(),
                        },
                        start,
                    );
                } else {
                    self.program(argv, start);
                }
                Val::opaque("")
            }
            Does::Object => {
                let kind = words
                    .value(&["typename", "comobject"])
                    .or_else(|| words.values.first())
                    .and_then(Val::exact)
                    .unwrap_or("")
                    .to_owned();
                let rest: Vec<Val> = words
                    .value(&["argumentlist"])
                    .or_else(|| words.values.get(1))
                    .map(flat)
                    .unwrap_or_default();
                self.object(&kind, &rest, start)
            }
            Does::Property => {
                let key = words
                    .value(&["path", "literalpath"])
                    .or_else(|| words.values.first())
                    .cloned()
                    .or_else(|| input.cloned())
                    .unwrap_or_else(|| Val::opaque(""));
                let value = key.as_value();
                let path = known(&value).to_ascii_lowercase();
                let registry = path.starts_with("hk") || path.starts_with("registry::");
                if !registry && !path.is_empty() && !matches!(value, Value::Unknown(_)) {
                    self.push(path_act(ActionKind::FsPermission, value, &[]), start);
                } else {
                    let setting = if name.starts_with("remove") {
                        named(ActionKind::SystemConfig, value)
                    } else {
                        native::setting(value)
                    };
                    self.push(setting, start);
                }
                Val::opaque("")
            }
            Does::Type => {
                let source = words
                    .value(&["typedefinition", "memberdefinition", "path", "literalpath"])
                    .or_else(|| words.values.first());
                if source.is_some() && words.value(&["assemblyname"]).is_none() {
                    self.push(
                        What::Unknown {
                            reason: String::from("compiled code is loaded"),
                        },
                        start,
                    );
                }
                Val::opaque("")
            }
        }
    }

    fn on_paths(
        &mut self,
        name: &str,
        kind: ActionKind,
        attributes: &[&'static str],
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) {
        let mut attributes = attributes.to_vec();
        if kind == ActionKind::FsDelete {
            if words.switch("recurse") {
                attributes.push("recursive");
            }
            if words.switch("force") {
                attributes.push("force");
            }
        }
        if kind == ActionKind::FsWrite && words.switch("append") {
            attributes = vec!["append"];
        }
        let writes = matches!(
            name,
            "set-content"
                | "add-content"
                | "out-file"
                | "export-csv"
                | "export-clixml"
                | "tee-object"
                | "start-transcript"
                | "new-item"
                | "set-item"
                | "set-acl"
        );
        let given = words
            .value(&["path", "literalpath", "filepath", "lp", "pspath"])
            .or_else(|| words.values.first())
            .cloned();
        let given = match given {
            Some(given) => Some(given),
            None if writes => words.value(&["name"]).cloned(),
            None => input.cloned(),
        };
        let given = given.unwrap_or_else(|| Val::opaque("path"));
        for path in flat(&given) {
            let value = path.as_value();
            let lower = known(&value).to_ascii_lowercase();
            let drive = lower.split(':').next().unwrap_or("");
            if lower.contains(':')
                && matches!(
                    drive,
                    "hklm"
                        | "hkcu"
                        | "hkcr"
                        | "hku"
                        | "hkcc"
                        | "registry"
                        | "cert"
                        | "env"
                        | "wsman"
                        | "microsoft.powershell.core\\registry"
                )
            {
                if drive == "env" && kind != ActionKind::FsDelete {
                    continue;
                }
                let setting = if kind == ActionKind::FsDelete {
                    What::Act {
                        kind: ActionKind::SystemConfig,
                        target: Some(value),
                        role: TargetRole::Name,
                        attributes: if lower.ends_with('*') || attributes.contains(&"recursive") {
                            vec!["delete", "recursive"]
                        } else {
                            vec!["delete"]
                        },
                    }
                } else {
                    native::setting(value)
                };
                self.push(setting, start);
            } else if lower.contains(':') && matches!(drive, "alias" | "function" | "variable") {
            } else {
                self.push(path_act(kind, value, &attributes), start);
            }
        }
    }

    fn list(&mut self, words: &Words, start: usize) -> Val {
        let path = words
            .value(&["path", "literalpath"])
            .or_else(|| words.values.first())
            .cloned()
            .unwrap_or_else(|| Val::text("."));
        let value = path.as_value();
        let lower = known(&value).to_ascii_lowercase();
        if lower.starts_with("env:") {
            self.push(
                What::Act {
                    kind: ActionKind::CredentialRead,
                    target: None,
                    role: TargetRole::Name,
                    attributes: vec!["environment"],
                },
                start,
            );
            return Val::opaque("").from(Origin::Environment);
        }
        if lower.contains(':')
            && (lower.starts_with("hk")
                || lower.starts_with("cert")
                || lower.starts_with("registry"))
        {
            return path;
        }
        self.push(path_act(ActionKind::FsRead, value.clone(), &[]), start);
        let filter = words
            .value(&["filter", "include"])
            .or_else(|| words.values.get(1))
            .and_then(Val::exact)
            .unwrap_or("*")
            .to_owned();
        let listed = match value {
            Value::Exact(text) if !text.contains(['*', '?']) => {
                let separator = if text.ends_with(['\\', '/']) {
                    ""
                } else if text.contains('/') {
                    "/"
                } else {
                    "\\"
                };
                Value::Pattern(format!("{text}{separator}{filter}"))
            }
            other => globbed(other),
        };
        Val::value(listed)
    }

    fn request(&mut self, words: &Words, input: Option<&Val>, start: usize) -> Val {
        let target = words
            .value(&["uri", "source", "url"])
            .or_else(|| words.values.first())
            .cloned()
            .or_else(|| input.cloned())
            .unwrap_or_else(|| Val::opaque("url"));
        let method = words
            .value(&["method", "custommethod"])
            .and_then(Val::exact)
            .unwrap_or("")
            .to_ascii_lowercase();
        let mut attributes = Vec::new();
        let writes = matches!(method.as_str(), "post" | "put" | "patch" | "delete");
        if writes {
            attributes.push("method_write");
        }
        if words.switch("skipcertificatecheck") {
            attributes.push("tls_off");
        }
        let body = words.value(&["body", "form"]);
        if let Some(body) = body {
            attributes.extend(flows(&body.origin));
        }
        if let Some(file) = words.value(&["infile"]) {
            let file = file.as_value();
            self.push(path_act(ActionKind::FsRead, file, &[]), start);
            attributes.push("local_data");
            attributes.push("upload");
        }
        let kind = if writes || body.is_some() || words.value(&["infile"]).is_some() {
            ActionKind::NetSend
        } else {
            ActionKind::NetFetch
        };
        let response = self.fetch(&target, kind, &attributes, start);
        if let Some(file) = words.value(&["outfile", "destination"]) {
            let file = file.as_value();
            self.push(path_act(ActionKind::FsWrite, file, &["create"]), start);
        }
        response
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_true(value: &Val) -> bool {
    match &value.kind {
        Kind::Name(name) => name == "true",
        Kind::Number(number) => *number != 0,
        _ => false,
    }
}

fn listed(first: Val, next: Val) -> Val {
    match first.kind {
        Kind::List(mut items) => {
            items.push(next);
            Val::list(items)
        }
        kind => Val::list(vec![
            Val {
                kind,
                origin: first.origin,
            },
            next,
        ]),
    }
}

fn flat(value: &Val) -> Vec<Val> {
    match &value.kind {
        Kind::List(items) => items.clone(),
        _ => vec![value.clone()],
    }
}

fn element(value: &Val) -> Val {
    match &value.kind {
        Kind::List(items) if !items.is_empty() && items.len() <= 8 => {
            let mut items = items.iter().cloned();
            let first = items.next().unwrap_or_else(|| Val::opaque(""));
            items.fold(first, either)
        }
        Kind::Text(..) => value.clone(),
        _ => Val::opaque("_").from(value.origin.clone()),
    }
}

fn as_character(value: &Val) -> Val {
    match &value.kind {
        Kind::Number(code) => u32::try_from(*code)
            .ok()
            .and_then(char::from_u32)
            .map_or_else(
                || Val::opaque(""),
                |character| Val::text(character.to_string()),
            ),
        _ => value.clone(),
    }
}

fn range(from: &Val, to: &Val) -> Val {
    match (&from.kind, &to.kind) {
        (Kind::Number(from), Kind::Number(to)) if from.abs_diff(*to) <= 4096 => {
            let numbers: Vec<Val> = if from <= to {
                (*from..=*to).map(Val::number).collect()
            } else {
                (*to..=*from).rev().map(Val::number).collect()
            };
            Val::list(numbers)
        }
        _ => Val::opaque(""),
    }
}

fn index_of(value: &Val, index: &Val) -> Val {
    let one = |index: &Val| match (&value.kind, &index.kind) {
        (Kind::Text(Value::Exact(text), _), Kind::Number(_)) => {
            fold::character(text, index).unwrap_or_else(|| Val::opaque(""))
        }
        (Kind::List(items), Kind::Number(number)) => {
            let at = if *number < 0 {
                usize::try_from(number.unsigned_abs())
                    .ok()
                    .and_then(|back| items.len().checked_sub(back))
            } else {
                usize::try_from(*number).ok()
            };
            at.and_then(|at| items.get(at))
                .cloned()
                .unwrap_or_else(|| Val::opaque(""))
        }
        _ => Val::opaque("").from(value.origin.clone()),
    };
    match &index.kind {
        Kind::List(indices) if indices.len() <= 4096 && value.size() <= 4096 => {
            Val::list(indices.iter().map(one).collect())
        }
        Kind::List(_) => Val::opaque(""),
        _ => one(index),
    }
}

fn end_of(args: &[Val]) -> Option<Val> {
    match (
        args.first().map(|value| &value.kind),
        args.get(1).map(|value| &value.kind),
    ) {
        (Some(Kind::Number(from)), Some(Kind::Number(length))) => {
            Some(Val::number(from.saturating_add(*length)))
        }
        _ => None,
    }
}

fn operate(left: &Val, operator: &str, operands: &[Val]) -> Val {
    let text = |index: usize| operands.get(index).and_then(Val::exact);
    let unknown = || Val::opaque("").from(left.origin.clone());
    match operator {
        "f" => {
            let Some(format) = left.exact() else {
                return unknown();
            };
            let mut items = Vec::new();
            for operand in operands {
                items.extend(flat(operand));
            }
            formatted(format, &items)
        }
        "join" => match (&left.kind, text(0)) {
            (Kind::List(items), Some(separator)) => {
                let mut value = Value::Exact(String::new());
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        value = concat(value, &Value::Exact(separator.to_owned()));
                    }
                    value = concat(value, &as_character_text(item));
                }
                Val::value(value).from(left.origin.clone())
            }
            (Kind::Text(..), _) => left.clone(),
            _ => unknown(),
        },
        "replace" | "creplace" | "ireplace" => match (left.exact(), text(0)) {
            (Some(subject), Some(from)) if !from.is_empty() => {
                let to = text(1).unwrap_or("");
                let plain = from.replace('\\', "");
                if subject.len().saturating_mul(to.len().max(1)) > 1 << 18 || plain.is_empty() {
                    return unknown();
                }
                Val::text(subject.replace(&plain, to))
            }
            _ => unknown(),
        },
        "split" => match (left.exact(), text(0)) {
            (Some(subject), Some(separator)) if !separator.is_empty() => {
                Val::list(subject.split(separator).take(4096).map(Val::text).collect())
            }
            _ => unknown(),
        },
        "as" => left.clone(),
        "bxor" => match (&left.kind, operands.first().map(|value| &value.kind)) {
            (Kind::Number(one), Some(Kind::Number(other))) => Val::number(one ^ other),
            _ => Val::opaque("").from(Origin::Decoded),
        },
        _ => Val::opaque("").from(left.origin.clone()),
    }
}

fn as_character_text(value: &Val) -> Value {
    value.as_value()
}

/// `'{1}{0}' -f 'a','b'`.
fn formatted(format: &str, items: &[Val]) -> Val {
    let mut value = Value::Exact(String::new());
    let mut rest = format;
    while let Some(open) = rest.find('{') {
        value = concat(value, &Value::Exact(rest[..open].to_owned()));
        let Some(close) = rest[open..].find('}') else {
            break;
        };
        let field = rest[open + 1..open + close]
            .split([':', ','])
            .next()
            .unwrap_or("");
        let held = field
            .trim()
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get(index));
        value = concat(
            value,
            &held.map_or(Value::Unknown(Why::Expansion), Val::as_value),
        );
        rest = &rest[open + close + 1..];
    }
    Val::value(concat(value, &Value::Exact(rest.to_owned())))
}

fn decoded(bytes: Option<&Val>, wide: bool) -> Val {
    let hidden = || Val::opaque("").from(Origin::Decoded);
    let Some(bytes) = bytes else {
        return hidden();
    };
    match &bytes.kind {
        Kind::Object("bytes", held) => {
            let Some(text) = held.first().and_then(Val::exact) else {
                return hidden();
            };
            let decoded = if wide {
                native::decode_utf16(text)
            } else {
                fold::base64(text).and_then(|bytes| String::from_utf8(bytes).ok())
            };
            decoded.map_or_else(hidden, Val::text)
        }
        Kind::List(items) => {
            let characters = items.iter().map(as_character).collect::<Vec<_>>();
            operate(&Val::list(characters), "join", &[Val::text("")])
        }
        _ => hidden().from(bytes.origin.clone()),
    }
}

fn flows(origin: &Origin) -> Vec<&'static str> {
    match origin {
        Origin::Secret | Origin::Environment => vec!["secret"],
        Origin::File => vec!["local_data"],
        _ => Vec::new(),
    }
}

fn endpoint(args: &[Val]) -> Value {
    match (
        args.first().map(Val::as_value),
        args.get(1).map(|port| &port.kind),
    ) {
        (Some(Value::Exact(host)), Some(Kind::Number(port))) => {
            Value::Exact(format!("{host}:{port}"))
        }
        (Some(host), _) => host,
        (None, _) => Value::Unknown(Why::Expansion),
    }
}
