//! Literals, names, brackets, and expressions inside of texts.

use super::functions::{Body, GIVEN};
use super::parameters::Parameter;
use super::{Args, End, MAX_ELEMENTS, MAX_NESTED_TEXTS, Walker, bare};
use crate::actions::code::lex::{self, Part, Text, Tok, Token, Usage};
use crate::actions::code::value::{Kind, Origin, Val};
use crate::actions::code::{Language, What};
use crate::shell::command::Value;
use crate::span::ByteSpan;
use std::rc::Rc;

impl<'a> Walker<'a> {
    pub(super) fn primary(&mut self) -> Val {
        self.steps += 1;
        let tokens = Rc::clone(&self.tokens);
        let Some(token) = tokens.get(self.at) else {
            return Val::opaque("");
        };
        match &token.tok {
            Tok::Number => {
                self.at += 1;
                super::super::fold::number(&self.source[token.start..token.end])
            }
            Tok::Text(text) => {
                self.at += 1;
                let mut value = self.text(text, token);
                // Strings that stand side by side are one.
                while matches!(self.language, Language::Python | Language::Ruby)
                    && self.is_text(self.at)
                {
                    let Some(Token {
                        tok: Tok::Text(more),
                        ..
                    }) = tokens.get(self.at)
                    else {
                        break;
                    };
                    let next = &tokens[self.at];
                    self.at += 1;
                    let more = self.text(more, next);
                    value = self.joined(value, &more);
                }
                value
            }
            Tok::Newline => Val::opaque(""),
            Tok::Ident => self.name(),
            Tok::Op => self.bracketed(),
        }
    }

    pub(super) fn text(&mut self, text: &Text, token: &Token) -> Val {
        let span = ByteSpan::new(token.start, token.end);
        match text.usage {
            Usage::Pattern => {
                self.code_in_pattern(token, span);
                return Val::opaque("");
            }
            Usage::Code => {
                for part in &text.parts {
                    if let Part::Code(from, to) = part {
                        self.nested(*from, *to, true);
                    }
                }
                return Val::opaque("");
            }
            _ => {}
        }
        let mut value = match text.parts.as_slice() {
            [Part::Plain(text, at)] => Val {
                kind: Kind::Text(Value::Exact(text.clone()), *at),
                origin: Origin::Code,
            },
            parts => {
                let mut value = Val::text("");
                // A value in a command of Julia is one word, whatever it has in it.
                let one_word = self.language == Language::Julia
                    && self.source.as_bytes().get(token.start) == Some(&b'`');
                for part in parts {
                    let next = match part {
                        Part::Plain(text, _) => Val::text(text.as_str()),
                        Part::Code(from, to) => {
                            let value = self.nested(*from, *to, false);
                            let blanks = |text: &&str| text.contains(char::is_whitespace);
                            match value.exact().filter(blanks).filter(|_| one_word) {
                                Some(text) => {
                                    let quoted = text.replace('\'', "'\\''");
                                    Val::text(format!("'{quoted}'")).from(value.origin.clone())
                                }
                                None => value,
                            }
                        }
                    };
                    value = self.joined(value, &next);
                }
                value
            }
        };
        self.copied += value.size();
        match text.usage {
            Usage::Shell => {
                let verbatim_at = value.verbatim_at();
                let text = value.as_value();
                self.shell(text, verbatim_at, span);
                value = Val::opaque("").from(Origin::RunTime);
            }
            Usage::Words => {
                let words = value
                    .exact()
                    .unwrap_or("")
                    .split_whitespace()
                    .map(Val::text)
                    .collect();
                value = Val::list(words);
            }
            // `<F>`: a line of what was opened.
            Usage::Glob
                if value.exact().is_none_or(|text| {
                    text.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
                }) =>
            {
                let standard = matches!(value.exact(), Some("STDIN" | ""));
                let origin = if standard {
                    Origin::RunTime
                } else {
                    Origin::File(super::at_run_time("file"))
                };
                value = Val::opaque("line").from(origin);
            }
            Usage::Glob => {
                if let Some(text) = value.exact() {
                    value = Val::value(Value::Pattern(text.to_owned()));
                }
            }
            _ => {}
        }
        value
    }

    /// `(?{ … })` in a pattern of Perl is code.
    fn code_in_pattern(&mut self, token: &Token, span: Option<ByteSpan>) {
        let text = self.source.get(token.start..token.end).unwrap_or("");
        let begin = ["(?{", "(??{"]
            .iter()
            .find_map(|sign| Some(text.find(sign)? + sign.len()));
        let Some(begin) = begin.filter(|_| self.language == Language::Perl) else {
            return;
        };
        let end = text[begin..]
            .rfind("})")
            .map_or(text.len(), |end| begin + end);
        let what = What::Code {
            language: Language::Perl,
            text: Value::Exact(text[begin..end].to_owned()),
            verbatim_at: Some(token.start + begin),
        };
        self.push(what, span);
    }

    /// Evaluates an expression that stands inside of a string.
    fn nested(&mut self, from: usize, to: usize, statements: bool) -> Val {
        if self.nested_texts >= MAX_NESTED_TEXTS {
            self.limit();
            return Val::opaque("");
        }
        if !self.enter() {
            return Val::opaque("");
        }
        self.nested_texts += 1;
        let inner = Rc::new(lex::tokens(self.language, self.source, from, to));
        let stop = std::mem::replace(&mut self.stop, inner.len());
        let outer = std::mem::replace(&mut self.tokens, inner);
        let at = std::mem::replace(&mut self.at, 0);
        let value = if statements {
            self.statements(End::Text);
            Val::opaque("")
        } else if self.language == Language::Perl && self.is_op(0, "[") {
            self.at = 1;
            self.expression()
        } else if self.sigils() && self.tokens.len() == 1 && self.is_ident(0) {
            // `${name}` names a variable.
            let name = format!("${}", bare(self.word()));
            self.lookup(&name)
        } else {
            let value = self.expression();
            while !self.done() {
                let before = self.at;
                self.expression();
                if self.at == before {
                    self.at += 1;
                }
            }
            value
        };
        self.tokens = outer;
        self.stop = stop;
        self.at = at;
        self.nested_texts -= 1;
        self.leave();
        value
    }

    fn bracketed(&mut self) -> Val {
        match self.word() {
            "(" => self.parenthesis(),
            "[" => {
                self.at += 1;
                let items = self.items("]");
                match items {
                    (items, entries) if entries.is_empty() => Val::list(items),
                    (_, entries) => map(entries),
                }
            }
            "{" => {
                self.at += 1;
                let (items, entries) = self.items("}");
                if entries.is_empty() && self.language != Language::JavaScript {
                    Val::list(items)
                } else {
                    map(entries)
                }
            }
            "->" if matches!(self.language, Language::Ruby) => {
                self.at += 1;
                let parameters = if self.is_op(self.at, "(") {
                    self.read_parameters()
                } else {
                    Vec::new()
                };
                self.ruby_function(parameters)
            }
            "::" | "\\" => {
                self.at += 1;
                if self.is_ident(self.at) {
                    self.name()
                } else {
                    Val::opaque("")
                }
            }
            _ => Val::opaque(""),
        }
    }

    fn parenthesis(&mut self) -> Val {
        let begin = self.at;
        self.at += 1;
        if !self.enter() {
            return Val::opaque("");
        }
        let before = self.effects.len();
        let mut args = Args::default();
        let mut comma = false;
        while !self.done() && !self.is_op(self.at, ")") {
            if self.is_op(self.at, ",") || self.is_newline(self.at) {
                comma |= self.is_op(self.at, ",");
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, "]") || self.is_op(self.at, "}") {
                break;
            }
            let from = self.at;
            if !self.assignment() {
                let marker = args.pos.len();
                self.argument(&mut args);
                if args.pos.len() == marker && args.named.is_empty() {
                    args.pos.push(Val::opaque(""));
                }
            } else if let Some(bound) = self.vars.get(bare(self.word_at(from))).cloned() {
                args.pos.push(bound);
            }
            if self.at == from || self.is_op(self.at, ";") {
                self.at += 1;
            }
        }
        if self.is_op(self.at, ")") {
            self.at += 1;
        }
        self.leave();
        let arrow = self.is_op(self.at, "=>") && self.language == Language::JavaScript
            || self.is_op(self.at, "->") && self.language == Language::Julia;
        if arrow {
            self.forget_from(before);
            let end = self.at - 1;
            let parameters = self.parameters_between(begin + 1, end);
            return self.arrow(parameters);
        }
        if !args.named.is_empty() && args.pos.is_empty() {
            return map(args.named);
        }
        let tuple = comma || (self.language == Language::Perl && self.is_list_context(begin));
        if args.pos.len() == 1 && !tuple {
            return args.pos.pop().unwrap_or_else(|| Val::opaque(""));
        }
        if !comma && args.pos.len() > 1 && self.language == Language::JavaScript {
            return args.pos.pop().unwrap_or_else(|| Val::opaque(""));
        }
        // JavaScript's comma: `(0, fs.rmSync)(…)` is the last of them.
        if self.language == Language::JavaScript && comma {
            return args.pos.pop().unwrap_or_else(|| Val::opaque(""));
        }
        Val::list(args.pos)
    }

    fn is_list_context(&self, begin: usize) -> bool {
        begin > 0 && self.is_op(begin - 1, "=")
    }

    /// After the parameters of an arrow function.
    fn arrow(&mut self, parameters: Vec<Parameter<'a>>) -> Val {
        self.at += 1;
        self.skip_newlines();
        let body = if self.is_op(self.at, "{") {
            Body::Braces(self.at + 1)
        } else {
            Body::Expression(self.at)
        };
        self.anonymous(parameters, body)
    }

    /// A function without a name, read where it stands.
    pub(super) fn anonymous(&mut self, parameters: Vec<Parameter<'a>>, body: Body) -> Val {
        let id = self.define("", parameters.clone(), body);
        self.read_definition(id, &parameters, body);
        id.map_or_else(|| Val::opaque(""), Val::function)
    }

    /// The block of a function of Ruby: `->(x) { … }`, `lambda { |x| … }`.
    pub(super) fn ruby_function(&mut self, mut parameters: Vec<Parameter<'a>>) -> Val {
        let brace = self.is_op(self.at, "{");
        if !brace && !self.is_key(self.at, "do") {
            return Val::opaque("");
        }
        self.at += 1;
        if self.is_op(self.at, "|") {
            let begin = self.at + 1;
            self.at = begin;
            while !self.done() && !self.is_op(self.at, "|") && !self.is_newline(self.at) {
                self.at += 1;
            }
            parameters = self.parameters_between(begin, self.at);
            self.at += 1;
        }
        let body = if brace {
            Body::Braces(self.at)
        } else {
            Body::Words(self.at)
        };
        self.anonymous(parameters, body)
    }

    /// What stands up to the closing bracket: elements, and entries with keys.
    fn items(&mut self, close: &str) -> (Vec<Val>, Vec<(String, Val)>) {
        let mut items = Vec::new();
        let mut entries = Vec::new();
        if !self.enter() {
            return (items, entries);
        }
        while !self.done() && !self.is_op(self.at, close) {
            if self.is_op(self.at, ",") || self.is_op(self.at, ";") || self.is_newline(self.at) {
                self.at += 1;
                continue;
            }
            let begin = self.at;
            let before = self.effects.len();
            let quoted = self.is_op(begin + 1, "=>") && self.sigils() && !self.sigils_at(begin);
            let named = self.is_ident(begin)
                && (quoted
                    || self.is_op(begin + 1, ":")
                    || (self.is_op(begin + 1, "=") && self.language == Language::Lua));
            if named {
                let key = self.word().to_owned();
                self.at += 2;
                self.skip_newlines();
                let value = self.expression();
                entries.push((key, value));
                continue;
            }
            let shorthand = close == "}"
                && self.is_ident(begin)
                && matches!(self.language, Language::JavaScript | Language::Mongo)
                && (self.is_op(begin + 1, ",") || self.is_op(begin + 1, "}"));
            if shorthand {
                let name = self.word();
                self.at += 1;
                let value = self.lookup(name);
                entries.push((name.to_owned(), value));
                continue;
            }
            if close == "}"
                && let Some(entry) = self.method_of_literal()
            {
                entries.push(entry);
                continue;
            }
            let spread =
                self.is_op(begin, "...") || self.is_op(begin, "*") || self.is_op(begin, "**");
            let value = self.expression();
            if self.is_op(self.at, ":") || self.is_op(self.at, "=>") {
                self.at += 1;
                self.skip_newlines();
                let key = match &value.kind {
                    Kind::Name(name) if !name.contains('.') => name.clone(),
                    _ => value.exact().map(str::to_owned).unwrap_or_default(),
                };
                let (from, before) = (self.at, self.effects.len());
                let held = self.expression();
                if self.is_key(self.at, "for") && self.language == Language::Python {
                    // `{k: v for k, v in …}`
                    let list = self.comprehension(from, before, held);
                    entries.push((String::new(), list));
                    continue;
                }
                entries.push((key, held));
            } else if self.is_key(self.at, "for") && self.language == Language::Python {
                match self.comprehension(begin, before, value).kind {
                    Kind::List(more) => items.extend(more),
                    kind => items.push(Val {
                        kind,
                        origin: Origin::RunTime,
                    }),
                }
            } else {
                match value.kind {
                    Kind::List(more) if spread || self.language == Language::Perl => {
                        items.extend(more)
                    }
                    Kind::Map(more) if spread => entries.extend(more),
                    _ => items.push(value),
                }
            }
            if self.is_op(self.at, "{") && close == "}" {
                // A method in an object literal.
                self.at += 1;
                self.statements(End::Brace);
            }
            if self.at == begin {
                self.at += 1;
            }
        }
        if self.is_op(self.at, close) {
            self.at += 1;
        }
        self.leave();
        (items, entries)
    }

    pub(super) fn name(&mut self) -> Val {
        let begin = self.at;
        let name = self.word();
        match (self.language, name) {
            (Language::Python, "lambda") => {
                while !self.done()
                    && !self.is_op(self.at, ":")
                    && !self.is_newline(self.at)
                    && self.at < begin + 64
                {
                    self.at += 1;
                }
                let parameters = self.parameters_between(begin + 1, self.at);
                self.at += 1;
                return self.anonymous(parameters, Body::Expression(self.at));
            }
            (
                Language::JavaScript
                | Language::Mongo
                | Language::Php
                | Language::Lua
                | Language::R
                | Language::Julia,
                "function",
            )
            | (Language::Perl, "sub")
            | (Language::Php, "fn") => {
                let named = matches!(self.language, Language::JavaScript | Language::Mongo);
                self.function(named);
                let function = self.function_read.take();
                return function.map_or_else(|| Val::opaque(""), Val::function);
            }
            (Language::Perl, "eval" | "do") if self.is_op(begin + 1, "{") => {
                self.at += 2;
                self.statements(End::Brace);
                return Val::opaque("");
            }
            (Language::Perl, "map" | "grep" | "sort")
                if self.is_op(begin + 1, "{") || self.is_op(begin + 1, "(") =>
            {
                self.at += 1;
                if self.is_op(self.at, "(") {
                    self.at += 1;
                }
                if !self.is_op(self.at, "{") {
                    return self.expression();
                }
                let block = self.at + 1;
                self.skip_balanced();
                let mut list = self.expression();
                if self.is_op(self.at, ",") {
                    let mut items = vec![list];
                    while self.is_op(self.at, ",") && items.len() < MAX_ELEMENTS {
                        self.at += 1;
                        items.push(self.expression());
                    }
                    list = Val::list(items);
                }
                return self.each_element(name, block, list);
            }
            (
                Language::Ruby | Language::Julia,
                "if" | "unless" | "case" | "while" | "begin" | "def" | "class" | "try" | "let",
            ) if begin > 0 => {
                self.statement();
                return Val::opaque("");
            }
            (_, "class") if self.language == Language::JavaScript => {
                self.class();
                return Val::opaque("");
            }
            (Language::Ruby, "__FILE__" | "__dir__") => {
                self.at += 1;
                return Val::text(".");
            }
            _ => {}
        }
        self.at += 1;
        if self.is_op(self.at, "=>")
            && matches!(self.language, Language::JavaScript | Language::Mongo)
        {
            return self.arrow(self.parameters_between(begin, begin + 1));
        }
        if self.language == Language::Julia && self.is_op(self.at, "->") {
            return self.arrow(self.parameters_between(begin, begin + 1));
        }
        if self.language == Language::Perl && name == "shift" {
            return self.shifted();
        }
        if self.language == Language::Perl
            && name == "$_"
            && self.is_op(self.at, "[")
            && self.vars.contains_key(GIVEN)
        {
            return self.lookup(GIVEN);
        }
        let ruby_block = matches!(name, "lambda" | "proc")
            && (self.is_op(self.at, "{") || self.is_key(self.at, "do"));
        if self.language == Language::Ruby && ruby_block {
            return self.ruby_function(Vec::new());
        }
        let mut value = self.lookup(name);
        if matches!(value.kind, Kind::Name(_))
            && self.is_op(self.at, "(")
            && let Some(id) = self.own_function(name)
        {
            value = Val::function(id);
        }
        if self.is_op(self.at, "(")
            || !matches!(
                self.language,
                Language::Ruby | Language::Perl | Language::Php
            )
        {
            return value;
        }
        // A function without parentheses.
        if let Kind::Function(id) = value.kind
            && matches!(self.language, Language::Ruby | Language::Perl)
            && !self.sigils_at(begin)
            && !self.is_attribute_sign()
            && !self.assign_op(self.at)
            && !self.is_op(self.at, ",")
            && !self.is_op(self.at, "=>")
        {
            let args = if self.starts_argument() {
                self.bare_arguments()
            } else {
                Args::default()
            };
            return self.call_function(id, None, args, begin);
        }
        let Kind::Name(known) = &value.kind else {
            return value;
        };
        let is_function = super::super::sinks::find(self.language, known).is_some()
            || super::super::fold::knows(self.language, known);
        if !is_function || self.is_attribute_sign() || self.is_op(self.at, "=>") {
            return value;
        }
        if self.language == Language::Php
            && !matches!(
                known.as_str(),
                "echo" | "print" | "include" | "include_once" | "require" | "require_once"
            )
        {
            return value;
        }
        // Without an argument it is done to `$_`.
        let ends = self.done() || self.is_op(self.at, "}") || self.is_op(self.at, ";");
        if ends && self.language == Language::Perl && known == "unlink" {
            return self.call(value, Args::default(), begin);
        }
        if self.starts_argument()
            || (self.is_op(self.at, "{")
                && self.language == Language::Perl
                && matches!(known.as_str(), "system" | "exec" | "print"))
        {
            let begins = self.at;
            if self.is_op(self.at, "{") {
                // `exec {'prog'} LIST`, `print {$fh} …`.
                self.skip_balanced();
            } else if self.language == Language::Perl
                && matches!(known.as_str(), "print" | "printf" | "say")
                && self.is_ident(self.at)
                && (self.is_text(self.at + 1) || self.sigils_at(self.at + 1))
            {
                // `print F …`, `print $fh …`.
                self.at += 1;
            }
            self.to_handle = self.at > begins && !self.word_at(begins).starts_with("STD");
            if self.language == Language::Perl {
                self.found_by(&value);
            }
            let args = self.bare_arguments();
            return self.call(value, args, begin);
        }
        value
    }
}

impl Walker<'_> {
    /// Whether a name has a sigil, and so is no function that is called by its name alone.
    pub(super) fn sigils_at(&self, index: usize) -> bool {
        self.word_at(index).starts_with(['$', '@', '%', '&'])
    }

    /// `shift`, `shift @_`, `shift(@_)`: the first of what a function was given.
    fn shifted(&mut self) -> Val {
        let parenthesis = self.is_op(self.at, "(");
        if parenthesis {
            self.at += 1;
        }
        let mut from_given = true;
        if self.is_ident(self.at) && self.sigils_at(self.at) {
            from_given = self.word() == GIVEN;
            self.expression();
        }
        if parenthesis && self.is_op(self.at, ")") {
            self.at += 1;
        }
        let first = if from_given { self.shift_given() } else { None };
        first.unwrap_or_else(|| Val::opaque("shift"))
    }
}

/// A copy that needs no budget: it stays within one expression.
pub(super) fn self_copy(value: &Val) -> Val {
    value.clone()
}

pub(in crate::actions::code) fn map(entries: Vec<(String, Val)>) -> Val {
    let origin = entries.iter().fold(Origin::Code, |origin, (_, value)| {
        origin.join(value.origin.clone())
    });
    Val {
        kind: Kind::Map(entries),
        origin,
    }
}
