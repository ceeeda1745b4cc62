//! Words and their parts: quotes, escapes, substitutions, globs, braces, tildes.

use std::rc::Rc;

use super::Parser;
use super::tree::{Node, Part, Slice, Word};

/// Whether a byte can neither end a word nor begin a part of one.
const PLAIN: [bool; 256] = {
    let mut table = [true; 256];
    let special = b" \t\n\r;&|()<>\\'\"$`*?[{},~@!+";
    let mut index = 0;
    while index < special.len() {
        table[special[index] as usize] = false;
        index += 1;
    }
    table
};

/// Where tildes are expanded besides the start of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tildes {
    /// Nowhere else.
    Start,
    /// After `:` as well: the value of an assignment.
    Colons,
}

pub(super) const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

pub(super) const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Collects parts, joining what lies between them to literals.
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Where the literal that is being read began.
    literal: usize,
}

impl Parts {
    pub(super) const fn new(at: usize) -> Self {
        Self {
            parts: Vec::new(),
            literal: at,
        }
    }

    /// Ends the literal before `at`.
    pub(super) fn flush(&mut self, at: usize) {
        if self.literal < at {
            self.parts.push(Part::Literal(Slice::new(self.literal, at)));
        }
    }

    fn flush_quoted(&mut self, at: usize) {
        if self.literal < at {
            self.parts.push(Part::Quoted(Slice::new(self.literal, at)));
        }
    }

    /// Adds a part that ends at `end`.
    pub(super) fn push(&mut self, part: Part, end: usize) {
        self.parts.push(part);
        self.literal = end;
    }

    pub(super) fn finish(mut self, at: usize) -> Vec<Part> {
        self.flush(at);
        self.parts
    }
}

impl Parser<'_> {
    /// Reads a word. The position must not be at a byte that ends one; if it is, the word is empty.
    pub(super) fn word(&mut self, tildes: Tildes) -> Word {
        let start = self.pos;
        let mut parts = Parts::new(start);
        let mut open_braces = 0_u32;
        let mut pattern_depth = 0_u32;
        let mut braces = false;
        loop {
            self.steps += 1;
            let rest = self.bytes.get(self.pos..self.end).unwrap_or_default();
            let plain = rest
                .iter()
                .position(|byte| !PLAIN[*byte as usize])
                .unwrap_or(rest.len());
            self.pos += plain;
            if self.at_end() {
                break;
            }
            let at = self.pos;
            match self.byte() {
                byte @ (b'(' | b'|' | b')') if pattern_depth > 0 => {
                    parts.flush(at);
                    match byte {
                        b'(' => pattern_depth += 1,
                        b')' => pattern_depth -= 1,
                        _ => {}
                    }
                    self.pos += 1;
                    parts.push(Part::Glob(Slice::new(at, self.pos)), self.pos);
                }
                b' ' | b'\t' | b';' | b'&' if pattern_depth > 0 => self.pos += 1,
                // `name=(` is read by the caller; elsewhere a bare parenthesis ends the word.
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' | b'(' => break,
                b'<' | b'>' => {
                    if self.byte_at(at + 1) != b'(' {
                        break;
                    }
                    parts.flush(at);
                    let part = self.process();
                    parts.push(part, self.pos);
                }
                b'\r' if at + 1 >= self.end || self.bytes[at + 1] == b'\n' => break,
                b'*' | b'?' | b'@' | b'!' | b'+' if self.byte_at(at + 1) == b'(' => {
                    parts.flush(at);
                    self.pos += 2;
                    pattern_depth += 1;
                    parts.push(Part::Glob(Slice::new(at, self.pos)), self.pos);
                }
                b'*' | b'?' => {
                    parts.flush(at);
                    while matches!(self.byte(), b'*' | b'?')
                        && !self.at_end()
                        && self.byte_at(self.pos + 1) != b'('
                    {
                        self.pos += 1;
                    }
                    parts.push(Part::Glob(Slice::new(at, self.pos)), self.pos);
                }
                b'[' if !matches!(self.byte_at(at + 1), b' ' | b'\t' | b'\n' | 0) => {
                    parts.flush(at);
                    self.pos += 1;
                    parts.push(Part::Glob(Slice::new(at, self.pos)), self.pos);
                }
                b'{' if self.byte_at(at + 1) == b'}' => self.pos += 2,
                byte @ (b'{' | b'}' | b',') if byte == b'{' || open_braces > 0 => {
                    parts.flush(at);
                    self.pos += 1;
                    parts.push(Part::Brace(byte, Slice::new(at, self.pos)), self.pos);
                    braces = true;
                    match byte {
                        b'{' => open_braces += 1,
                        b'}' => open_braces -= 1,
                        _ => {}
                    }
                }
                b'~' if at == start || (tildes == Tildes::Colons && self.bytes[at - 1] == b':') => {
                    parts.flush(at);
                    self.pos += 1;
                    while is_name(self.byte()) || matches!(self.byte(), b'-' | b'.' | b'+') {
                        self.pos += 1;
                    }
                    let whole = self.at_end()
                        || matches!(
                            self.byte(),
                            b'/' | b' '
                                | b'\t'
                                | b'\n'
                                | b'\r'
                                | b';'
                                | b'&'
                                | b'|'
                                | b')'
                                | b'<'
                                | b'>'
                                | b':'
                                | b','
                                | b'}'
                        );
                    let slice = Slice::new(at, self.pos);
                    let part = if whole {
                        Part::Tilde(slice)
                    } else {
                        Part::Literal(slice)
                    };
                    parts.push(part, self.pos);
                }
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.quoting(&mut parts, false),
                _ => self.pos += 1,
            }
        }
        let parts = if parts.literal == start && parts.parts.is_empty() {
            Vec::new()
        } else {
            parts.finish(self.pos)
        };
        Word {
            span: Slice::new(start, self.pos),
            parts,
            braces,
        }
    }

    /// A backslash, a quote, a `$` or a backquote outside double quotes. `single_literal`: `'` stands for itself.
    pub(super) fn quoting(&mut self, parts: &mut Parts, single_literal: bool) {
        let at = self.pos;
        match self.byte() {
            b'\\' => {
                parts.flush(at);
                let continuation = self.continuation(at);
                if continuation > 0 {
                    self.pos += continuation;
                    parts.literal = self.pos;
                } else if at + 1 >= self.end {
                    // A backslash at the very end stands for itself.
                    self.pos = self.end;
                    parts.push(Part::Quoted(Slice::new(at, self.end)), self.end);
                } else {
                    let length = self.char_len(at + 1);
                    self.pos = at + 1 + length;
                    parts.push(Part::Quoted(Slice::new(at + 1, self.pos)), self.pos);
                }
            }
            b'\'' if single_literal => self.pos += 1,
            b'\'' => {
                parts.flush(at);
                let close = self.find(b'\'', at + 1);
                if close == self.end {
                    self.trouble(at);
                }
                self.pos = (close + 1).min(self.end);
                parts.push(Part::Quoted(Slice::new(at + 1, close)), self.pos);
            }
            b'"' => {
                parts.flush(at);
                self.pos += 1;
                let inner = self.double();
                parts.push(Part::Double(inner), self.pos);
            }
            b'$' => {
                if let Some(part) = self.dollar(false) {
                    parts.flush(at);
                    parts.push(part, self.pos);
                }
            }
            _ => {
                parts.flush(at);
                let part = self.backquote(false);
                parts.push(part, self.pos);
            }
        }
    }

    fn find(&mut self, byte: u8, from: usize) -> usize {
        let rest = self.bytes.get(from..self.end).unwrap_or_default();
        self.steps += 1;
        memchr::memchr(byte, rest).map_or(self.end, |offset| from + offset)
    }

    /// The inside of double quotes and its closing quote.
    pub(super) fn double(&mut self) -> Vec<Part> {
        let start = self.pos;
        if !self.enter() {
            return Vec::new();
        }
        let mut parts = Parts::new(start);
        let mut closed = false;
        while !self.at_end() {
            if self.byte() == b'"' {
                closed = true;
                break;
            }
            self.quoted_step(&mut parts, true);
        }
        parts.flush_quoted(self.pos);
        if closed {
            self.pos += 1;
        } else {
            self.trouble(start.saturating_sub(1));
        }
        self.leave();
        parts.parts
    }

    /// Everything up to the end as if in double quotes, where `"` stands for itself: a here-document.
    pub(super) fn quoted_until_end(&mut self) -> Vec<Part> {
        if !self.enter() {
            return Vec::new();
        }
        let mut parts = Parts::new(self.pos);
        while !self.at_end() {
            self.quoted_step(&mut parts, false);
        }
        parts.flush_quoted(self.pos);
        self.leave();
        parts.parts
    }

    /// One step inside double quotes: a run of literal bytes, or one expansion.
    pub(super) fn quoted_step(&mut self, parts: &mut Parts, quote_escapes: bool) {
        self.steps += 1;
        let at = self.pos;
        match self.byte() {
            b'\\' => {
                let continuation = self.continuation(at);
                let next = self.byte_at(at + 1);
                if continuation > 0 {
                    parts.flush_quoted(at);
                    self.pos += continuation;
                    parts.literal = self.pos;
                } else if matches!(next, b'$' | b'`' | b'\\') || (quote_escapes && next == b'"') {
                    parts.flush_quoted(at);
                    self.pos += 2;
                    parts.push(Part::Quoted(Slice::new(at + 1, self.pos)), self.pos);
                } else {
                    self.pos += 1;
                }
            }
            b'$' => {
                let before = self.pos;
                if let Some(part) = self.dollar(true) {
                    parts.flush_quoted(before);
                    parts.push(part, self.pos);
                }
            }
            b'`' => {
                parts.flush_quoted(at);
                let part = self.backquote(true);
                parts.push(part, self.pos);
            }
            _ => {
                let rest = self.bytes.get(at..self.end).unwrap_or_default();
                let skip = rest
                    .iter()
                    .skip(1)
                    .position(|byte| {
                        matches!(byte, b'"' | b'\\' | b'$' | b'`' | b'(' | b')' | b'[' | b']')
                    })
                    .map_or(rest.len(), |offset| offset + 1);
                self.pos += skip;
            }
        }
    }

    /// What begins with `$`. `None`: it stands for itself, and the position is after it.
    pub(super) fn dollar(&mut self, in_double: bool) -> Option<Part> {
        let at = self.pos;
        let next = self.byte_at(at + 1);
        match next {
            b'\'' if !in_double => {
                let mut close = at + 2;
                while close < self.end && self.bytes[close] != b'\'' {
                    close += if self.bytes[close] == b'\\' { 2 } else { 1 };
                    self.steps += 1;
                }
                let closed = close < self.end;
                let close = close.min(self.end);
                if !closed {
                    self.trouble(at);
                }
                self.pos = (close + 1).min(self.end);
                Some(Part::Ansi(Slice::new(at + 2, close)))
            }
            b'"' if !in_double => {
                self.pos += 2;
                Some(Part::Double(self.double()))
            }
            b'(' => {
                if self.byte_at(at + 2) == b'(' && self.arithmetic_ahead(at + 3) {
                    self.pos += 3;
                    let inner = self.arithmetic_parts();
                    return Some(Part::Arithmetic(inner, Slice::new(at, self.pos)));
                }
                self.pos += 2;
                let body = self.command_until_paren(at);
                Some(Part::Command(body))
            }
            b'[' => {
                self.pos += 2;
                Some(self.old_arithmetic(at))
            }
            b'{' => Some(self.parameter(in_double)),
            byte if is_name_start(byte) => {
                let mut end = at + 2;
                while is_name(self.byte_at(end)) {
                    end += 1;
                }
                self.pos = end;
                Some(Part::Variable(Slice::new(at + 1, end)))
            }
            b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-' => {
                self.pos = at + 2;
                Some(Part::Variable(Slice::new(at + 1, at + 2)))
            }
            _ => {
                self.pos += 1;
                None
            }
        }
    }

    /// The commands up to the closing parenthesis, which is taken. `opened` is where the construct began.
    pub(super) fn command_until_paren(&mut self, opened: usize) -> Rc<Node> {
        if !self.enter() {
            return Rc::new(Node::List(Vec::new()));
        }
        let body = self.list();
        self.leave();
        if !self.at_end() && self.byte() == b')' {
            self.pos += 1;
        } else {
            self.trouble(opened);
            self.skip_to_paren();
        }
        Rc::new(body)
    }

    /// After an error inside parentheses: up to and over the next closing one on this line.
    fn skip_to_paren(&mut self) {
        let rest = self.bytes.get(self.pos..self.end).unwrap_or_default();
        if let Some(offset) = memchr::memchr2(b')', b'\n', rest)
            && rest[offset] == b')'
        {
            self.pos += offset + 1;
        }
    }

    fn process(&mut self) -> Part {
        let at = self.pos;
        let reads = self.byte() == b'<';
        self.pos += 2;
        let body = self.command_until_paren(at);
        Part::Process(body, reads)
    }

    /// A backquoted command.
    pub(super) fn backquote(&mut self, in_double: bool) -> Part {
        let at = self.pos;
        let mut close = at + 1;
        let mut escaped = false;
        while close < self.end && self.bytes[close] != b'`' {
            if self.bytes[close] == b'\\' {
                escaped = true;
                close += 1;
            }
            close += 1;
            self.steps += 1;
        }
        let closed = close < self.end;
        let close = close.min(self.end);
        if !closed {
            self.trouble(at);
        }
        if escaped {
            self.pos = (close + 1).min(self.end);
            return Part::Backquote(Slice::new(at + 1, close), in_double);
        }
        let (end, no_arithmetic) = (self.end, self.no_arithmetic);
        self.pos = at + 1;
        self.end = close;
        let body = if self.enter() {
            let body = self.script();
            self.leave();
            body
        } else {
            Node::List(Vec::new())
        };
        (self.end, self.no_arithmetic) = (end, no_arithmetic);
        self.pos = (close + 1).min(end);
        Part::Command(Rc::new(body))
    }

    /// Whether a `))` closes what `((` before `from` opened, with nothing between that only commands have. Bash tries
    /// arithmetic first, and nested subshells when no `))` fits.
    pub(super) fn arithmetic_ahead(&mut self, from: usize) -> bool {
        if self.no_arithmetic {
            return false;
        }
        let mut depth = 0_usize;
        let mut at = from;
        while at < self.end {
            self.steps += 1;
            match self.bytes[at] {
                b'(' => depth += 1,
                b')' if depth == 0 => return self.byte_at(at + 1) == b')',
                b')' => depth -= 1,
                b'\\' => at += 1,
                quote @ (b'\'' | b'"') => {
                    let rest = &self.bytes[at + 1..self.end];
                    at += 1 + memchr::memchr(quote, rest).unwrap_or(rest.len());
                }
                _ => {}
            }
            at += 1;
        }
        self.no_arithmetic = true;
        false
    }

    /// The inside of `(( ))`, whose end [`Parser::arithmetic_ahead`] has seen, and the `))`.
    pub(super) fn arithmetic_parts(&mut self) -> Vec<Part> {
        let mut parts = Parts::new(self.pos);
        if !self.enter() {
            return Vec::new();
        }
        let mut depth = 0_usize;
        while !self.at_end() {
            match self.byte() {
                b'(' => {
                    depth += 1;
                    self.pos += 1;
                }
                b')' if depth == 0 => break,
                b')' => {
                    depth -= 1;
                    self.pos += 1;
                }
                b'"' => {
                    parts.flush_quoted(self.pos);
                    self.pos += 1;
                    parts.literal = self.pos;
                }
                _ => self.quoted_step(&mut parts, true),
            }
        }
        parts.flush_quoted(self.pos);
        self.leave();
        if !self.accept("))") {
            self.pos = (self.pos + 1).min(self.end);
        }
        parts.parts
    }

    /// `$[ .. ]`, the form before `$(( ))`.
    fn old_arithmetic(&mut self, at: usize) -> Part {
        let mut parts = Parts::new(self.pos);
        if !self.enter() {
            return Part::Bad;
        }
        let mut depth = 0_usize;
        while !self.at_end() {
            match self.byte() {
                b'[' => {
                    depth += 1;
                    self.pos += 1;
                }
                b']' if depth == 0 => break,
                b']' => {
                    depth -= 1;
                    self.pos += 1;
                }
                _ => self.quoted_step(&mut parts, true),
            }
        }
        parts.flush_quoted(self.pos);
        self.leave();
        if self.at_end() {
            self.trouble(at);
        } else {
            self.pos += 1;
        }
        Part::Arithmetic(parts.parts, Slice::new(at, self.pos))
    }
}
