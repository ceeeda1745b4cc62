//! The words of a command line: names, parameters, arguments.

use super::values::listed;
use super::{Reader, SWITCHES, Words, is_word_byte};
use crate::actions::code::value::{Kind, Val};
use crate::actions::code::windows::known;
use crate::shell::command::Value;

impl Reader<'_> {
    /// A command's name: backticks and quotes inside of it are removed.
    pub(super) fn bareword(&mut self) -> String {
        let mut out = String::new();
        while self.at < self.end {
            let byte = self.bytes[self.at];
            match byte {
                b'`' if self.at + 1 < self.end => {
                    self.at += 1;
                    self.take_character(&mut out);
                }
                b'"' | b'\'' => {
                    let part = self.quoted();
                    out.push_str(known(&part.as_value()));
                }
                byte if ends_word(byte) => break,
                _ => self.take_character(&mut out),
            }
        }
        out
    }

    pub(super) fn words(&mut self) -> Words {
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
                // `@name`: what a table or a list holds, as if it was written here.
                b'@' if is_word_byte(self.peek(1)) => self.splatted(&mut words),
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

    fn splatted(&mut self, words: &mut Words) {
        let name = self.variable_name();
        match self.lookup(&name).kind {
            Kind::Map(entries) => {
                for (name, value) in entries {
                    let switch = matches!(&value.kind, Kind::Name(name) if name == "true");
                    words.argv.push(Value::Exact(format!("-{name}")));
                    if switch {
                        words.parameters.push((name, None));
                    } else {
                        words.argv.push(value.as_value());
                        words.parameters.push((name, Some(value)));
                    }
                }
            }
            Kind::List(items) => {
                words.argv.extend(items.iter().map(Val::as_value));
                words.values.extend(items);
            }
            _ => {
                let value = Val::opaque("arguments");
                words.argv.push(value.as_value());
                words.values.push(value);
            }
        }
    }

    pub(super) fn parameter(&mut self, words: &mut Words) {
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
                "f" | "fi" | "p" | "pa" | "c" | "n" | "na" | "d" | "s" | "u" | "o" | "ou" | "verb"
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
    pub(super) fn argument(&mut self) -> Val {
        match self.peek(0) {
            b'$' => {
                let first = self.postfix();
                // `$env:TEMP\x.exe`
                if self.at < self.end && matches!(self.bytes[self.at], b'\\' | b'/') {
                    let rest = self.bare_argument();
                    return self.joined(&first, &rest);
                }
                first
            }
            b'(' | b'@' | b'{' => self.postfix(),
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

    /// Reads one character into `out`; nothing at the end of the text.
    fn take_character(&mut self, out: &mut String) {
        if let Some(character) = self.rest().chars().next() {
            out.push(character);
            self.at += character.len_utf8();
        }
    }

    /// What was read so far, the plain text since, and one more value.
    fn appended(&mut self, held: Option<Val>, plain: &mut String, next: &Val) -> Val {
        let before = Val::text(std::mem::take(plain));
        let so_far = match held {
            Some(held) => self.joined(&held, &before),
            None => before,
        };
        self.joined(&so_far, next)
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
                    self.take_character(&mut out);
                }
                b'$' if is_word_byte(self.peek(1)) || matches!(self.peek(1), b'(' | b'{') => {
                    plain = false;
                    let inner = self.dollar();
                    value = Some(self.appended(value, &mut out, &inner));
                }
                b'"' | b'\'' => {
                    plain = false;
                    let inner = self.quoted();
                    value = Some(self.appended(value, &mut out, &inner));
                }
                byte if ends_word(byte) => break,
                _ => self.take_character(&mut out),
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
}

/// Whether a word without quotes ends before that byte.
const fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(
            byte,
            b';' | b'|' | b'(' | b')' | b'{' | b'}' | b'&' | b'>' | b'<' | b','
        )
}
