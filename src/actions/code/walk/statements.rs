//! Statements, blocks, loops, functions and classes.

use super::doubt::Watched;
use super::functions::Body;
use super::parameters::Parameter;
use super::postfix::element_of;
use super::{Args, End, Walker, bare};
use crate::actions::code::Language;
use crate::actions::code::value::{Kind, Origin, Val};

impl<'a> Walker<'a> {
    pub(super) fn statements(&mut self, end: End) {
        if !self.enter() {
            return;
        }
        // Python's blocks: the column of the header, what holds inside, and since when a `try` watches.
        let mut blocks: Vec<(usize, bool, Option<Watched>)> = Vec::new();
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
                while let Some((_, _, watched)) = blocks.pop_if(|(indent, ..)| column <= *indent) {
                    self.unwatch_if(watched);
                }
                self.certain = blocks.last().map_or(outer, |(_, certain, _)| *certain);
            }
            let column_needed = self.language == Language::Python;
            let column = if column_needed && line_begins {
                self.column()
            } else {
                0
            };
            let before = self.at;
            let tries = self.is_key(self.at, "try");
            let block = self.statement();
            if self.language == Language::Python
                && let Some(certain) = block
            {
                // A body on the next lines, or on this one up to its end.
                self.certain = certain;
                if self.is_newline(self.at) {
                    let watched = tries.then(|| self.watch());
                    blocks.push((column, certain, watched));
                }
            }
            line_begins = false;
            if self.at == before {
                self.at += 1;
            }
        }
        while let Some((_, _, watched)) = blocks.pop() {
            self.unwatch_if(watched);
        }
        self.certain = outer;
        self.leave();
    }

    fn column(&self) -> usize {
        self.column_of(self.at)
    }

    fn column_of(&self, index: usize) -> usize {
        let start = self.start_of(index);
        let line =
            memchr::memrchr(b'\n', &self.source.as_bytes()[..start]).map_or(0, |found| found + 1);
        start - line
    }

    /// The column where the line of a token begins.
    fn indentation(&self, index: usize) -> usize {
        let mut first = index;
        while first > 0 && !self.is_newline(first - 1) {
            first -= 1;
        }
        self.column_of(first)
    }

    /// One statement. `Some(certain)` when it was the header of a Python block.
    pub(super) fn statement(&mut self) -> Option<bool> {
        if self.language == Language::Python && self.is_op(self.at, "@") {
            self.at += 1;
            let decorator = self.expression();
            if self.defined.decorators.len() < 8 {
                self.defined.decorators.push(decorator);
            }
            return None;
        }
        if !self.is_ident(self.at) {
            return self.expression_statement();
        }
        if self.short_function() {
            return None;
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
                let gives = match word {
                    "return" | "yield" => {
                        self.defined.is_followed()
                            && !self.is_newline(self.at)
                            && !self.is_op(self.at, ";")
                            && !self.is_op(self.at, "}")
                            && !self.is_key(self.at, "end")
                    }
                    _ => false,
                };
                if gives {
                    self.defined.last = None;
                    self.expression_statement();
                    self.gives_back(word);
                }
            }
            "global" if matches!(self.language, Language::Python | Language::Php) => self.at += 1,
            "def" | "function" | "sub" | "fn" | "macro" if self.defines(word) => {
                return self.function(true);
            }
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

    /// Whether the word begins a function in the language.
    fn defines(&self, word: &str) -> bool {
        match self.language {
            Language::Python | Language::Ruby => word == "def",
            Language::Perl => word == "sub",
            Language::Php => matches!(word, "function" | "fn"),
            Language::Julia => matches!(word, "function" | "macro"),
            _ => word == "function",
        }
    }

    /// `name(x) { … }` in a class of JavaScript, `name(x) = …` of Julia.
    fn short_function(&mut self) -> bool {
        let in_class = self.language == Language::JavaScript && self.defined.class.is_some();
        if !(in_class || self.language == Language::Julia) || !self.is_op(self.at + 1, "(") {
            return false;
        }
        let (begin, name) = (self.at, self.word());
        self.at += 1;
        self.skip_balanced();
        let end = self.at;
        let body = if self.language == Language::Julia {
            self.is_op(end, "=").then(|| Body::Expression(end + 1))
        } else {
            self.is_op(end, "{").then(|| Body::Braces(end + 1))
        };
        let Some(body) = body else {
            self.at = begin;
            return false;
        };
        let id = self.method_here(name, begin + 2, end, body);
        if let Some(id) = id
            && !self.add_method(name, id)
        {
            self.vars.insert(name.to_owned(), Val::function(id));
        }
        true
    }

    /// A function whose parameters stand between two tokens and whose body follows.
    fn method_here(&mut self, name: &'a str, from: usize, to: usize, body: Body) -> Option<usize> {
        let parameters = self.parameters_between(from, to.saturating_sub(1));
        let id = self.define(name, parameters.clone(), body);
        let outer = self.certain;
        self.certain = outer && self.counts.get(name).copied().unwrap_or(0) > 1;
        self.read_definition(id, &parameters, body);
        self.certain = outer;
        id
    }

    /// `name(x) { … }` in an object literal of JavaScript.
    pub(super) fn method_of_literal(&mut self) -> Option<(String, Val)> {
        let begin = self.at;
        if self.language != Language::JavaScript
            || !self.is_ident(begin)
            || !self.is_op(begin + 1, "(")
        {
            return None;
        }
        let name = self.word();
        self.at += 1;
        self.skip_balanced();
        if !self.is_op(self.at, "{") {
            self.at = begin;
            return None;
        }
        let body = Body::Braces(self.at + 1);
        let id = self.method_here(name, begin + 2, self.at, body);
        let value = id.map_or_else(|| Val::opaque(""), Val::function);
        Some((name.to_owned(), value))
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
                        && !self.is_op(self.at, ";")
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
            // What a block of Lua declares is its own, and what is tried may break off.
            if matches!(word, "do" | "try" | "begin") {
                self.doubted(|walker| walker.statements(End::Word));
            } else {
                self.statements(End::Word);
            }
            self.certain = outer;
            return None;
        }
        self.certain = certain;
        if word == "try" {
            self.doubted(Self::brace_or_statement);
        } else {
            self.brace_or_statement();
        }
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
        let header = self.at;
        self.at += 1;
        let name = if self.is_ident(self.at) {
            self.word()
        } else {
            ""
        };
        let mut bases = Vec::new();
        while !self.done()
            && !self.is_newline(self.at)
            && !self.is_op(self.at, "{")
            && !self.is_op(self.at, ":")
            && !self.is_op(self.at, ";")
        {
            if self.is_ident(self.at) && self.at > header + 1 && bases.len() < 8 {
                bases.push(self.word());
            }
            self.at += 1;
        }
        self.defined.decorators.clear();
        let class = self.open_class(name, bases);
        let outer = std::mem::replace(&mut self.defined.class, class);
        if let Some(class) = class
            && !name.is_empty()
        {
            let kind = Kind::Class(class);
            let origin = Origin::Code;
            self.vars.insert(name.to_owned(), Val { kind, origin });
        }
        if self.language == Language::Python {
            if self.is_op(self.at, ":") {
                self.at += 1;
            }
            let Body::Lines(from, to) = self.lines(header) else {
                return None;
            };
            self.at = from;
            let stop = std::mem::replace(&mut self.stop, to);
            self.statements(End::Text);
            self.stop = stop;
            self.at = to;
        } else if self.end_words() {
            self.statements(End::Word);
        } else {
            self.brace_or_statement();
        }
        self.defined.class = outer;
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
        let decorators = std::mem::take(&mut self.defined.decorators);
        let called = name.is_empty()
            || self.counts.get(name).copied().unwrap_or(0) > 1
            || !decorators.is_empty();
        let certain = outer && called;
        let parameters = self.head(name);
        let body = self.body_here()?;
        let id = self.define(name, parameters.clone(), body);
        self.function_read = id;
        if let Some(id) = id {
            let added = self.add_method(name, id);
            // Outside of the class, and of what names its methods, it has no name.
            if !added && !name.is_empty() {
                self.vars.insert(bare(name).to_owned(), Val::function(id));
            }
        }
        self.certain = certain;
        self.read_definition(id, &parameters, body);
        self.function_read = id;
        self.certain = outer;
        if let Some(id) = id {
            for decorator in decorators {
                if let Kind::Function(by) = decorator.kind {
                    let args = Args {
                        pos: vec![Val::function(id)],
                        named: Vec::new(),
                    };
                    self.call_function(by, None, args, self.at);
                }
            }
        }
        None
    }

    /// What a function takes, by its name: in brackets, or in Ruby without.
    fn head(&mut self, name: &str) -> Vec<Parameter<'a>> {
        if self.is_op(self.at, "(") {
            return self.read_parameters();
        }
        if self.language != Language::Ruby || name.is_empty() || self.is_op(self.at, "=") {
            return Vec::new();
        }
        let begin = self.at;
        while !self.done() && !self.is_newline(self.at) && !self.is_op(self.at, ";") {
            self.at += 1;
        }
        self.parameters_between(begin, self.at)
    }

    /// Where the body of a function stands that begins here; `None` when it has none.
    fn body_here(&mut self) -> Option<Body> {
        match self.language {
            Language::Python => {
                let line = self.at;
                while !self.done() && !self.is_newline(self.at) && !self.is_op(self.at, ":") {
                    self.at += 1;
                }
                if self.is_op(self.at, ":") {
                    self.at += 1;
                }
                Some(self.lines(line))
            }
            Language::Ruby | Language::Lua | Language::Julia => {
                if self.is_op(self.at, "=") {
                    self.at += 1;
                    return Some(Body::Expression(self.at));
                }
                Some(Body::Words(self.at))
            }
            Language::R => Some(if self.is_op(self.at, "{") {
                Body::Braces(self.at + 1)
            } else {
                self.skip_newlines();
                if self.is_op(self.at, "{") {
                    Body::Braces(self.at + 1)
                } else {
                    Body::Expression(self.at)
                }
            }),
            _ => {
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
                    return Some(Body::Expression(self.at));
                }
                self.skip_newlines();
                self.is_op(self.at, "{").then(|| Body::Braces(self.at + 1))
            }
        }
    }

    /// The lines of a block of Python whose header stands in the line of a token and ends here.
    fn lines(&mut self, header: usize) -> Body {
        let from = self.at;
        if !self.is_newline(from) {
            let mut to = from;
            while to < self.stop && !self.is_newline(to) {
                to += 1;
            }
            return Body::Lines(from, to);
        }
        let column = self.indentation(header);
        let mut to = from;
        while to < self.stop {
            if self.is_newline(to)
                && to + 1 < self.stop
                && !self.is_newline(to + 1)
                && self.column_of(to + 1) <= column
            {
                break;
            }
            to += 1;
        }
        Body::Lines(from, to)
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
