//! `${..}` in all its forms.

use super::Parser;
use super::tree::{Operator, Parameter, Part, Slice, Word};
use super::word::{Parts, is_name, is_name_start};

impl Parser<'_> {
    /// `${..}` at the position.
    pub(super) fn parameter(&mut self, in_double: bool) -> Part {
        let at = self.pos;
        self.pos += 2;
        if matches!(self.byte(), b' ' | b'\t' | b'\n' | b'|') && !self.at_end() {
            return self.command_in_braces(at);
        }
        if self.byte() == b'{'
            && let Some(template) = self.template()
        {
            return template;
        }
        if !self.enter() {
            return Part::Bad;
        }
        let part = self.parameter_inside(at, in_double);
        self.leave();
        part
    }

    /// `${{ .. }}` on one line, the position at its second brace. A shell refuses it as it stands.
    fn template(&mut self) -> Option<Part> {
        let start = self.pos + 1;
        let rest = self.bytes.get(start..self.end)?;
        let line = memchr::memchr(b'\n', rest).map_or(rest, |at| &rest[..at]);
        let length = memchr::memmem::find(line, b"}}")?;
        self.pos = start + length + 2;
        Some(Part::Template(Slice::new(start, start + length)))
    }

    fn parameter_inside(&mut self, at: usize, in_double: bool) -> Part {
        let mut length = false;
        let mut indirect = false;
        if self.byte() == b'#'
            && !matches!(
                self.byte_at(self.pos + 1),
                b'}' | b':' | b'-' | b'=' | b'+' | b'/' | b'%' | b'^' | b','
            )
        {
            // `${##}` is the length of `$#`, `${##pattern}` trims it.
            let next = self.byte_at(self.pos + 1);
            if next != b'#' || self.byte_at(self.pos + 2) == b'}' {
                length = true;
                self.pos += 1;
            }
        } else if self.byte() == b'!' && {
            let next = self.byte_at(self.pos + 1);
            is_name(next)
                || matches!(next, b'@' | b'*' | b'#' | b'?' | b'!' | b'$' | b'-')
                    && self.byte_at(self.pos + 2) == b'}'
        } {
            indirect = true;
            self.pos += 1;
        }
        let name_start = self.pos;
        if is_name_start(self.byte()) {
            while is_name(self.byte()) {
                self.pos += 1;
            }
        } else if self.byte().is_ascii_digit() {
            while self.byte().is_ascii_digit() {
                self.pos += 1;
            }
        } else if matches!(self.byte(), b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') {
            self.pos += 1;
        } else {
            return self.bad(at);
        }
        let name = Slice::new(name_start, self.pos);
        let mut index = None;
        if self.byte() == b'[' {
            self.pos += 1;
            index = Some(self.operand(b"]", in_double, false));
            if self.byte() != b']' || self.at_end() {
                return self.bad(at);
            }
            self.pos += 1;
        }
        let operator = match self.operator(in_double, indirect) {
            Some(operator) => operator,
            None => return self.bad(at),
        };
        if self.at_end() || self.byte() != b'}' {
            return self.bad(at);
        }
        self.pos += 1;
        Part::Parameter(Box::new(Parameter {
            span: Slice::new(at, self.pos),
            name,
            indirect,
            length,
            index,
            operator,
        }))
    }

    fn operator(&mut self, in_double: bool, indirect: bool) -> Option<Operator> {
        let byte = self.byte();
        let next = self.byte_at(self.pos + 1);
        if self.at_end() {
            return None;
        }
        Some(match byte {
            b'}' => Operator::None,
            b'*' | b'@' if indirect && next == b'}' => {
                self.pos += 1;
                Operator::Names
            }
            b':' if !matches!(next, b'-' | b'=' | b'+' | b'?') => {
                self.pos += 1;
                let offset = self.operand(b":", in_double, true);
                let length = (self.byte() == b':').then(|| {
                    self.pos += 1;
                    self.operand(b"", in_double, true)
                });
                Operator::Substring { offset, length }
            }
            b':' | b'-' | b'=' | b'+' | b'?' => {
                let colon = byte == b':';
                let kind = if colon { next } else { byte };
                self.pos += 1 + usize::from(colon);
                Operator::Default {
                    kind,
                    colon,
                    word: self.operand(b"", in_double, in_double),
                }
            }
            b'#' | b'%' => {
                let longest = next == byte;
                self.pos += 1 + usize::from(longest);
                Operator::Trim {
                    suffix: byte == b'%',
                    longest,
                    pattern: self.operand(b"", in_double, false),
                }
            }
            b'/' => {
                self.pos += 1;
                let mode = match next {
                    b'/' | b'#' | b'%' => {
                        self.pos += 1;
                        next
                    }
                    _ => b'1',
                };
                let pattern = self.operand(b"/", in_double, false);
                let with = if self.byte() == b'/' {
                    self.pos += 1;
                    self.operand(b"", in_double, false)
                } else {
                    Word::default()
                };
                Operator::Replace {
                    mode,
                    pattern,
                    with,
                }
            }
            b'^' | b',' => {
                let all = next == byte;
                self.pos += 1 + usize::from(all);
                let pattern = self.operand(b"", in_double, false);
                // A pattern restricts which characters change; without one all do.
                if pattern.span.start != pattern.span.end {
                    return None;
                }
                Operator::Case {
                    upper: byte == b'^',
                    all,
                }
            }
            b'@' if self.pos + 1 < self.end => {
                self.pos += 2;
                Operator::Transform(next)
            }
            _ => return None,
        })
    }

    /// A form that bash refuses: skipped to its closing brace, its substitutions left unread.
    fn bad(&mut self, at: usize) -> Part {
        let rest = self.operand(b"", false, false);
        let _ = rest;
        if self.at_end() {
            self.trouble(at);
        } else {
            self.pos += 1;
        }
        Part::Bad
    }

    /// A word inside `${..}`: up to an unquoted `}` or one of `stops`, blanks included.
    fn operand(&mut self, stops: &[u8], in_double: bool, single_literal: bool) -> Word {
        let start = self.pos;
        let mut parts = Parts::new(start);
        // `?:` and parentheses inside a substring expression are not its end.
        let mut nested = 0_usize;
        while !self.at_end() {
            self.steps += 1;
            let at = self.pos;
            let byte = self.byte();
            if byte == b'}' || (nested == 0 && stops.contains(&byte)) {
                break;
            }
            match byte {
                b'\\'
                    if in_double
                        && !matches!(
                            self.byte_at(at + 1),
                            b'$' | b'`'
                                | b'"'
                                | b'\\'
                                | b'}'
                                | b'/'
                                | b'\n'
                                | b'\r'
                                | b'*'
                                | b'?'
                                | b'['
                        ) =>
                {
                    self.pos += 1;
                }
                b'\\' | b'\'' | b'"' | b'`' => self.quoting(&mut parts, single_literal),
                b'$' => {
                    if let Some(part) = self.dollar(in_double) {
                        parts.flush(at);
                        parts.push(part, self.pos);
                    }
                }
                b'*' | b'?' | b'[' => {
                    parts.flush(at);
                    self.pos += 1;
                    parts.push(Part::Glob(Slice::new(at, self.pos)), self.pos);
                    nested += usize::from(byte == b'?' && stops == b":");
                }
                b'~' if at == start && !in_double => {
                    self.pos += 1;
                    while is_name(self.byte()) {
                        self.pos += 1;
                    }
                    parts.push(Part::Tilde(Slice::new(at, self.pos)), self.pos);
                }
                b'(' if stops == b":" => {
                    nested += 1;
                    self.pos += 1;
                }
                b')' | b':' if nested > 0 => {
                    nested -= 1;
                    self.pos += 1;
                }
                _ => self.pos += 1,
            }
        }
        let parts = parts.finish(self.pos);
        let plain = matches!(parts.as_slice(), [Part::Literal(slice)] if *slice == Slice::new(start, self.pos));
        Word {
            span: Slice::new(start, self.pos),
            parts: if plain { Vec::new() } else { parts },
            braces: false,
        }
    }

    /// `${ commands; }`: a substitution that runs in the same shell.
    fn command_in_braces(&mut self, at: usize) -> Part {
        if self.byte() == b'|' {
            self.pos += 1;
        }
        if !self.enter() {
            return Part::Bad;
        }
        let body = self.list();
        self.leave();
        self.skip_newlines();
        if self.byte() == b'}' && !self.at_end() {
            self.pos += 1;
        } else {
            self.trouble(at);
        }
        Part::Command(std::rc::Rc::new(body))
    }
}
