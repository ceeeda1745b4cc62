//! Expressions: operators, literals, variables, texts with expressions in them.

use super::values::{as_character, index_of, listed, operate, range};
use super::{MAX_COPIED_BYTES, Reader, is_word_byte};
use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::windows::well_known;
use crate::actions::code::{TargetRole, What, fold};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;

impl Reader<'_> {
    pub(super) fn expression(&mut self) -> Val {
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
                let right = if matches!(operator.as_str(), "and" | "or") {
                    self.apart(Self::unary)
                } else {
                    self.unary()
                };
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

    pub(super) fn unary(&mut self) -> Val {
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

    pub(super) fn postfix(&mut self) -> Val {
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
                let (id, last) = self.read_block("", Vec::new());
                let id = id.and_then(|id| i64::try_from(id).ok());
                let id = id.map_or_else(|| Val::opaque(""), Val::number);
                Val::object("block", vec![last, id])
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
            ("wmiclass" | "wmi", _) => Val::object("wmi", vec![value]),
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

    pub(super) fn variable_name(&mut self) -> String {
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

    pub(super) fn dollar(&mut self) -> Val {
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

    pub(super) fn lookup(&mut self, name: &str) -> Val {
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

    pub(super) fn quoted(&mut self) -> Val {
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

    pub(super) fn joined(&mut self, left: &Val, right: &Val) -> Val {
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
}
