//! Statements, blocks and pipelines, and what runs a value.

use super::values::{element, is_true};
use super::{MAX_BLOCK_BYTES, MAX_COPIED_BYTES, MAX_ELEMENTS, MAX_OUTSIDE, Reader, is_word_byte};
use crate::actions::code::value::{Kind, Origin, Val, either};
use crate::actions::code::windows::cmdlets::{self, Does};
use crate::actions::code::windows::native::{named, path_act};
use crate::actions::code::{Language, READ_CODE, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;

impl Reader<'_> {
    pub(super) fn statement(&mut self) -> Val {
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
            "try" => {
                self.at += word.len();
                self.apart(|reader| {
                    reader.block();
                    Val::opaque("")
                });
            }
            "finally" | "do" | "begin" | "process" | "end" | "trap" => {
                self.at += word.len();
                self.block();
            }
            "function" | "filter" | "workflow" => {
                self.at += word.len();
                self.function_here(outer);
            }
            "class" if self.rest()[word.len()..].starts_with([' ', '\t']) => {
                self.at += word.len();
                self.class_here();
            }
            "param" => {
                self.at += word.len();
                self.blanks(true);
                if self.peek(0) == b'(' {
                    self.parameters_of_block();
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

    fn bind(&mut self, name: &str, value: Val) {
        self.copied += value.size();
        if self.copied > MAX_COPIED_BYTES {
            self.limit();
            return;
        }
        let key = name.to_ascii_lowercase();
        let value = match self.variables.remove(&key) {
            Some(old) if !self.certain => either(old, value),
            Some(old) => {
                self.note_outside(&key, old);
                value
            }
            None => value,
        };
        self.variables.insert(key, value);
    }

    /// The rest of a block whose assignments are its own, or may not be reached.
    pub(super) fn script_apart(&mut self) -> Val {
        self.apart(|reader| reader.script(Some(b'}')))
    }

    /// Reads what may not run, or sets names of its own: behind it a name that held a text holds that or what was set.
    pub(super) fn apart(&mut self, read: impl FnOnce(&mut Self) -> Val) -> Val {
        self.outside.push(Vec::new());
        let last = read(self);
        for (key, before) in self.outside.pop().unwrap_or_default() {
            if let Some(now) = self.variables.remove(&key) {
                self.copied += before.size();
                let value = either(before.clone(), now);
                self.variables.insert(key.clone(), value);
            }
            self.note_outside(&key, before);
        }
        last
    }

    /// Keeps what a name held outside of the block that is being read.
    fn note_outside(&mut self, key: &str, held: Val) {
        let is_empty = |text: &Value| text.exact().is_some_and(str::is_empty);
        if let Some(outside) = self.outside.last_mut()
            && outside.len() < MAX_OUTSIDE
            && matches!(&held.kind, Kind::Text(text, _) if !is_empty(text))
            && !outside.iter().any(|(name, _)| name == key)
        {
            outside.push((key.to_owned(), held));
        }
    }

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
            self.redirects(value.as_ref());
            break;
        }
        self.depth -= 1;
        value.unwrap_or_else(|| Val::opaque(""))
    }

    fn redirects(&mut self, shown: Option<&Val>) {
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
            self.pour(file.as_value(), shown, start);
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
                } else if let Some(variable) = lower.strip_prefix("env:") {
                    let value = value.as_value();
                    self.set_variable(&variable.to_ascii_uppercase(), &value, start);
                }
                self.name_block(&value, &name);
                self.bind(&name, value.clone());
                return value;
            }
            self.at = start;
        }
        let value = self.expression();
        self.blanks(false);
        // `[Type]$x = …`, `$x.y = …`
        if self.peek(0) == b'=' && self.peek(1) != b'=' {
            let assigned = self.last_member(start);
            let target = self.text.get(start..self.at).unwrap_or_default();
            let target = target.trim_end().to_ascii_lowercase();
            self.at += 1;
            self.blanks(true);
            let value = self.statement();
            if target.starts_with('[') && target.ends_with("environment]::currentdirectory") {
                let (to, back) = (value.as_value(), false);
                self.push(What::Enter { to, back }, start);
            }
            if let Some(name) = assigned {
                self.set_field(&name, value.clone());
            }
            return value;
        }
        value
    }

    /// `x` of `$this.x =`, where this is all that stands before the sign.
    fn last_member(&self, start: usize) -> Option<String> {
        let before = self.text.get(start..self.at)?.trim_end();
        let (object, name) = before.rsplit_once('.')?;
        let is_name = !name.is_empty() && name.bytes().all(is_word_byte);
        (is_name && object.starts_with('$')).then(|| name.to_owned())
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
            self.applied(&words, start);
            let value = words.values.first().map(|value| &value.kind);
            out.push(match value {
                Some(Kind::Object("block", held)) => {
                    held.first().cloned().unwrap_or_else(|| Val::opaque(""))
                }
                _ => Val::opaque(""),
            });
            if items.len() > 8 {
                self.forget_from(before);
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
    pub(super) fn invoke_value(&mut self, callee: Val, input: Option<&Val>, start: usize) -> Val {
        match &callee.kind {
            Kind::Object("block", _) => {
                let words = self.words();
                match Self::block_of(&callee) {
                    Some(id) => self.call_block(id, &words, start),
                    None => Val::opaque(""),
                }
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

    pub(super) fn remote_code(&mut self, url: Value, start: usize) {
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

    pub(super) fn invoke(&mut self, code: &Val, start: usize) {
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
            (_, Origin::File(_)) => self.push(
                What::Unknown {
                    reason: String::from(READ_CODE),
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
}
