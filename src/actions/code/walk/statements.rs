//! Statements, blocks, loops, functions and classes.

use super::postfix::element_of;
use super::{End, Walker, bare};
use crate::actions::code::Language;
use crate::actions::code::value::{Kind, Val};

impl<'a> Walker<'a> {
    pub(super) fn statements(&mut self, end: End) {
        if !self.enter() {
            return;
        }
        // Python's blocks: the column of the header, and what holds inside.
        let mut blocks: Vec<(usize, bool)> = Vec::new();
        let outer = self.certain;
        let mut line_begins = true;
        while !self.done() {
            if self.is_newline(self.at) || self.is_op(self.at, ";") {
                line_begins = self.is_newline(self.at);
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, "}") {
                self.at += 1;
                if end == End::Brace {
                    break;
                }
                continue;
            }
            if end == End::Word && self.is_key(self.at, "end") {
                self.at += 1;
                break;
            }
            if end != End::Text
                && (self.is_op(self.at, ")") || self.is_op(self.at, "]"))
                && end == End::Word
            {
                break;
            }
            if self.language == Language::Python && line_begins {
                let column = self.column();
                while blocks.last().is_some_and(|(indent, _)| column <= *indent) {
                    blocks.pop();
                }
                self.certain = blocks.last().map_or(outer, |(_, certain)| *certain);
            }
            let column_needed = self.language == Language::Python;
            let column = if column_needed && line_begins {
                self.column()
            } else {
                0
            };
            let before = self.at;
            let block = self.statement();
            if self.language == Language::Python
                && let Some(certain) = block
            {
                // A body on the next lines, or on this one up to its end.
                self.certain = certain;
                if self.is_newline(self.at) {
                    blocks.push((column, certain));
                }
            }
            line_begins = false;
            if self.at == before {
                self.at += 1;
            }
        }
        self.certain = outer;
        self.leave();
    }

    fn column(&self) -> usize {
        let start = self.start_of(self.at);
        let line =
            memchr::memrchr(b'\n', &self.source.as_bytes()[..start]).map_or(0, |found| found + 1);
        start - line
    }

    /// One statement. `Some(certain)` when it was the header of a Python block.
    pub(super) fn statement(&mut self) -> Option<bool> {
        if !self.is_ident(self.at) {
            return self.expression_statement();
        }
        // An attribute or key that looks like a keyword is none.
        if self.is_op(self.at + 1, "=")
            || self.is_op(self.at + 1, ".")
            || self.is_op(self.at + 1, "=>")
        {
            return self.expression_statement();
        }
        let word = self.word();
        match word {
            "import" | "from" if self.language == Language::Python => self.python_import(),
            "import" if self.language == Language::JavaScript && !self.is_op(self.at + 1, "(") => {
                self.script_import()
            }
            "use" | "no" | "package" | "namespace" if self.sigils() => self.skip_statement(),
            "export" | "async" | "return" | "throw" | "raise" | "yield" | "const" | "let"
            | "var" | "my" | "our" | "local" | "public" | "private" | "protected" | "static"
            | "final" | "abstract" | "using" | "readonly" | "default" | "await" | "nonlocal"
            | "del" | "assert" | "goto"
                if !self.is_op(self.at + 1, "(")
                    || matches!(
                        word,
                        "my" | "our" | "local" | "return" | "await" | "yield" | "del" | "throw"
                    ) =>
            {
                self.at += 1;
            }
            "global" if matches!(self.language, Language::Python | Language::Php) => self.at += 1,
            "def" | "function" | "sub" | "fn" | "macro" => return self.function(true),
            "class" | "module" | "interface" | "trait" | "struct" | "enum" => return self.class(),
            "if" | "while" | "unless" | "until" | "elif" | "elsif" | "elseif" | "switch"
            | "case" | "match" | "when" | "catch" | "except" | "rescue" | "for" | "foreach"
            | "else" | "try" | "finally" | "ensure" | "begin" | "do" | "with" | "BEGIN" | "END"
            | "loop" | "repeat" | "then" | "quote"
                if self.is_header(word) =>
            {
                return self.header(word);
            }
            _ => return self.expression_statement(),
        }
        None
    }

    fn is_header(&self, word: &str) -> bool {
        match (self.language, word) {
            (_, "if" | "while" | "for" | "else" | "try") => true,
            (Language::Python, "elif" | "except" | "finally" | "with") => true,
            (Language::Python, "match" | "case") => !self.is_op(self.at + 1, "("),
            (Language::Python, _) => false,
            (
                Language::Ruby,
                "unless" | "until" | "elsif" | "case" | "when" | "rescue" | "ensure" | "begin"
                | "do" | "then" | "loop",
            ) => true,
            (Language::Ruby, "BEGIN" | "END") => true,
            (Language::Lua, "elseif" | "do" | "then" | "repeat" | "until") => true,
            (
                Language::Julia,
                "elseif" | "catch" | "finally" | "begin" | "do" | "let" | "quote",
            ) => true,
            (Language::Perl, "unless" | "until" | "elsif" | "foreach" | "BEGIN" | "END") => true,
            (Language::Perl, "do") => self.is_op(self.at + 1, "{"),
            (Language::Php, "elseif" | "switch" | "foreach" | "do" | "catch" | "finally") => true,
            (Language::JavaScript | Language::Mongo, "switch" | "catch" | "finally" | "do") => true,
            (Language::R, "repeat") => true,
            _ => false,
        }
    }

    fn header(&mut self, word: &'a str) -> Option<bool> {
        let outer = self.certain;
        self.at += 1;
        let mut certain = match word {
            "for" | "foreach" => self.loop_header(),
            "if" | "while" | "unless" | "until" | "elif" | "elsif" | "elseif" | "switch"
            | "case" | "match" | "when" => {
                let condition = if self.is_newline(self.at) {
                    Val::opaque("")
                } else {
                    self.expression()
                };
                while self.is_op(self.at, ",") {
                    self.at += 1;
                    self.expression();
                }
                let positive = matches!(word, "if" | "while");
                let main_guard = matches!(&condition.kind, Kind::Opaque(who) if who == "__main__");
                outer && ((positive && condition.is_true()) || main_guard)
            }
            "catch" | "except" | "rescue" => {
                if self.is_op(self.at, "(") {
                    self.skip_balanced();
                } else {
                    while !self.done()
                        && !self.is_newline(self.at)
                        && !self.is_op(self.at, ":")
                        && !self.is_op(self.at, "{")
                        && !self.is_key(self.at, "then")
                    {
                        self.at += 1;
                    }
                }
                false
            }
            "with" => {
                self.with_header();
                outer
            }
            "else" => false,
            _ => outer,
        };
        if self.language == Language::Python {
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            return Some(certain);
        }
        if self.end_words() {
            let continues = matches!(
                word,
                "else"
                    | "elsif"
                    | "elseif"
                    | "when"
                    | "rescue"
                    | "ensure"
                    | "catch"
                    | "finally"
                    | "then"
                    | "until"
                    | "in"
            );
            if self.is_key(self.at, "then") || self.is_key(self.at, "do") {
                self.at += 1;
            }
            if continues {
                // Goes on inside of the block that its first keyword opened.
                if matches!(word, "then") {
                    certain = outer;
                }
                self.certain = certain && self.certain;
                return None;
            }
            self.certain = certain;
            self.block_variables();
            self.statements(End::Word);
            self.certain = outer;
            return None;
        }
        self.certain = certain;
        self.brace_or_statement();
        self.certain = outer;
        None
    }

    fn brace_or_statement(&mut self) {
        let mut next = self.at;
        while self.is_newline(next) {
            next += 1;
        }
        if self.is_op(next, "{") {
            self.at = next + 1;
            self.statements(End::Brace);
        } else if self.is_op(self.at, ":") {
            self.at += 1;
        } else if self.is_op(self.at, ";") {
        } else {
            self.at = next;
            if self.enter() {
                self.statement();
                self.leave();
            }
        }
    }

    fn with_header(&mut self) {
        loop {
            let value = self.expression();
            if self.is_key(self.at, "as") {
                self.at += 1;
                if self.is_ident(self.at) {
                    let name = self.word();
                    self.at += 1;
                    self.bind(name, value);
                }
            }
            if !self.is_op(self.at, ",") {
                break;
            }
            self.at += 1;
        }
    }

    /// After `for`: binds the variable to what is known of the elements; whether the body runs for sure.
    fn loop_header(&mut self) -> bool {
        let outer = self.certain;
        let parenthesis = self.is_op(self.at, "(");
        if parenthesis {
            self.at += 1;
        }
        while matches!(
            self.word(),
            "const" | "let" | "var" | "my" | "our" | "await" | "each"
        ) && self.is_ident(self.at)
        {
            self.at += 1;
        }
        // `for my $x (LIST)`
        if self.language == Language::Perl
            && self.is_ident(self.at)
            && self.is_op(self.at + 1, "(")
            && !parenthesis
        {
            let name = self.word();
            self.at += 1;
            let list = self.expression();
            return self.bind_element(name, &list) && outer;
        }
        let begin = self.at;
        let mut names = Vec::new();
        while self.is_ident(self.at)
            || self.is_op(self.at, ",")
            || self.is_op(self.at, "[")
            || self.is_op(self.at, "]")
            || self.is_op(self.at, "(")
            || self.is_op(self.at, ")")
        {
            if self.is_key(self.at, "in") || self.is_key(self.at, "of") || names.len() > 8 {
                break;
            }
            if self.is_ident(self.at) {
                names.push(self.word());
            }
            self.at += 1;
        }
        let mut certain = false;
        if self.is_key(self.at, "in")
            || self.is_key(self.at, "of")
            || (self.language == Language::Julia && self.is_op(self.at, "="))
        {
            self.at += 1;
            let list = self.expression();
            certain = self.bind_elements(&names, &list);
        } else {
            self.at = begin;
            let list = self.expression();
            if self.is_key(self.at, "as") {
                // PHP: `foreach (LIST as $key => $value)`
                self.at += 1;
                let mut name = "";
                while self.is_ident(self.at)
                    || self.is_op(self.at, "=>")
                    || self.is_op(self.at, "&")
                {
                    if self.is_ident(self.at) {
                        name = self.word();
                    }
                    self.at += 1;
                }
                certain = self.bind_element(name, &list);
            } else if self.language == Language::Perl {
                certain = self.bind_element("_", &list);
            }
        }
        if parenthesis {
            let mut guard = 0;
            while !self.done() && !self.is_op(self.at, ")") && guard < 64 {
                if self.is_op(self.at, ";") || self.is_op(self.at, ",") || self.is_op(self.at, "=")
                {
                    self.at += 1;
                } else {
                    let before = self.at;
                    self.expression();
                    if self.at == before {
                        self.at += 1;
                    }
                }
                guard += 1;
            }
            if self.is_op(self.at, ")") {
                self.at += 1;
            }
        }
        certain && outer
    }

    /// Binds the names before `in` to what is known of an element, one by one where its parts are known.
    pub(super) fn bind_elements(&mut self, names: &[&str], list: &Val) -> bool {
        let Some(last) = names.last() else {
            return false;
        };
        match element_of(list, last).kind {
            Kind::List(parts) if names.len() > 1 && parts.len() == names.len() => {
                for (name, part) in names.iter().zip(parts) {
                    self.bind(name, part);
                }
                true
            }
            _ => self.bind_element(last, list),
        }
    }

    fn bind_element(&mut self, name: &str, list: &Val) -> bool {
        let element = element_of(list, name);
        let known = !matches!(element.kind, Kind::Opaque(_));
        self.bind(name, element);
        known
    }

    pub(super) fn class(&mut self) -> Option<bool> {
        self.at += 1;
        while !self.done()
            && !self.is_newline(self.at)
            && !self.is_op(self.at, "{")
            && !self.is_op(self.at, ":")
            && !self.is_op(self.at, ";")
        {
            self.at += 1;
        }
        if self.language == Language::Python {
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            return Some(self.certain);
        }
        if self.end_words() {
            self.statements(End::Word);
        } else {
            self.brace_or_statement();
        }
        None
    }

    /// A function: its body runs for sure when it has no name, or when its name stands somewhere else too.
    pub(super) fn function(&mut self, named: bool) -> Option<bool> {
        let outer = self.certain;
        self.at += 1;
        if self.is_op(self.at, "*") {
            self.at += 1;
        }
        let mut name = "";
        while named
            && (self.is_ident(self.at)
                || self.is_op(self.at, ".")
                || self.is_op(self.at, ":")
                || self.is_op(self.at, "&"))
        {
            if self.is_ident(self.at) {
                name = self.word();
                if self.end_words()
                    && name != "self"
                    && !self.is_op(self.at + 1, ".")
                    && !self.is_op(self.at + 1, ":")
                {
                    self.at += 1;
                    break;
                }
            }
            self.at += 1;
        }
        let called = name.is_empty() || self.counts.get(name).copied().unwrap_or(0) > 1;
        let certain = outer && called;
        if self.is_op(self.at, "(") {
            self.parameters();
        }
        if self.language == Language::Python {
            while !self.done() && !self.is_newline(self.at) && !self.is_op(self.at, ":") {
                self.at += 1;
            }
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            return Some(certain);
        }
        self.certain = certain;
        if self.end_words() {
            if self.is_op(self.at, "=") {
                self.at += 1;
                self.expression();
            } else {
                self.statements(End::Word);
            }
        } else if self.language == Language::R {
            self.expression_or_block();
        } else {
            while !self.done()
                && !self.is_newline(self.at)
                && !self.is_op(self.at, "{")
                && !self.is_op(self.at, ";")
                && !self.is_op(self.at, "=>")
            {
                self.at += 1;
            }
            if self.is_op(self.at, "=>") {
                self.at += 1;
                self.expression();
            } else if self.is_op(self.at, "{") || self.is_newline(self.at) {
                self.brace_or_statement();
            }
        }
        self.certain = outer;
        None
    }

    fn expression_or_block(&mut self) {
        if self.is_op(self.at, "{") {
            self.at += 1;
            self.statements(End::Brace);
        } else {
            self.expression();
        }
    }

    /// Steps over a parameter list; what its names meant before no longer holds.
    pub(super) fn parameters(&mut self) {
        let begin = self.at;
        self.skip_balanced();
        for index in begin..self.at {
            if self.is_ident(index) {
                let name = self.word_at(index);
                self.vars.remove(bare(name));
            }
        }
    }

    pub(super) fn skip_balanced(&mut self) {
        let mut depth = 0usize;
        while !self.done() {
            match self.word() {
                "(" | "[" | "{" if !self.is_text(self.at) => depth += 1,
                ")" | "]" | "}" if !self.is_text(self.at) => {
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

    fn skip_statement(&mut self) {
        while !self.done() && !self.is_op(self.at, ";") && !self.is_newline(self.at) {
            self.at += 1;
        }
    }

    pub(super) fn block_variables(&mut self) {
        if self.is_op(self.at, "|") {
            self.at += 1;
            let mut first = true;
            while !self.done() && !self.is_op(self.at, "|") && !self.is_newline(self.at) {
                if self.is_ident(self.at) {
                    let name = self.word();
                    let value = if first { self.element.take() } else { None };
                    first = false;
                    match value {
                        Some(value) => self.bind(name, value),
                        None => {
                            self.vars.remove(name);
                        }
                    }
                }
                self.at += 1;
            }
            if self.is_op(self.at, "|") {
                self.at += 1;
            }
        }
    }
}
