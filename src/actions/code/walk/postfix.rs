//! What follows a value: members, calls with their arguments, subscripts, comprehensions.

use super::{Args, End, MAX_ELEMENTS, Walker, bare};
use crate::actions::code::Language;
use crate::actions::code::lex::{Text, Tok, Token, Usage};
use crate::actions::code::value::{Kind, Origin, Val, either};
use crate::shell::command::Value;

/// How often something that is read again may lie inside of another such thing: each time doubles the work.
const MAX_AGAIN: usize = 4;

impl Walker<'_> {
    pub(super) fn is_attribute_sign(&self) -> bool {
        if !matches!(self.tokens.get(self.at), Some(Token { tok: Tok::Op, .. })) {
            return false;
        }
        match self.word() {
            "." => !self.sigils(),
            "?." | "&." | "::" | "?->" => true,
            "->" => self.sigils(),
            "\\" => self.language == Language::Php && self.is_ident(self.at + 1),
            ":" => {
                self.language == Language::Lua
                    && self.is_ident(self.at + 1)
                    && (self.is_op(self.at + 2, "(") || self.is_text(self.at + 2))
            }
            "$" | "@" => self.language == Language::R,
            _ => false,
        }
    }

    pub(super) fn postfix(&mut self) -> Val {
        let begin = self.at;
        let mut value = self.primary();
        loop {
            self.chain = begin;
            // A chain may go on in the next line.
            let mut next = self.at;
            while self.is_newline(next) && self.braces() {
                next += 1;
            }
            if next > self.at && self.is_op(next, ".") && self.is_ident(next + 1) && !self.sigils()
            {
                self.at = next;
            }
            if self.is_attribute_sign()
                && (self.is_ident(self.at + 1)
                    || self.is_op(self.at + 1, "(")
                    || self.is_op(self.at + 1, "[")
                    || self.is_op(self.at + 1, "{"))
            {
                self.at += 1;
                if !self.is_ident(self.at) {
                    continue;
                }
                let name = self.word();
                self.at += 1;
                if self.sigils() && name.starts_with('$') {
                    // A method whose name a variable holds.
                    let held = self.lookup(name);
                    value = match held.exact() {
                        Some(name) => {
                            let name = name.to_owned();
                            self.attribute(value, &name)
                        }
                        None => Val {
                            kind: Kind::Computed,
                            origin: value.origin,
                        },
                    };
                } else {
                    value = self.attribute(value, name);
                }
                if let Kind::Instance(_) | Kind::Class(_) = value.kind
                    && name == "new"
                {
                    value = Val {
                        kind: Kind::Method(Box::new(value), name.to_owned()),
                        origin: Origin::Code,
                    };
                }
                if self.language == Language::Ruby && !self.is_op(self.at, "(") {
                    value = self.ruby_method(value, begin);
                } else if self.language == Language::Perl
                    && !self.is_op(self.at, "(")
                    && (name == "new" || self.own_function(name).is_some())
                {
                    // `CLASS->new->get(..)`
                    value = self.call(value, Args::default(), begin);
                }
            } else if self.is_op(self.at, "(") {
                if self.language == Language::Ruby && !self.adjacent() {
                    break;
                }
                value = self.call_here(value, begin);
            } else if self.is_op(self.at, "[")
                && (self.adjacent() || self.language != Language::Ruby)
            {
                value = self.subscript(value);
            } else if self.is_op(self.at, "{")
                && self.language == Language::Perl
                && self.adjacent()
                && (self.is_ident(self.at - 1)
                    || self.is_op(self.at - 1, "->")
                    || self.is_op(self.at - 1, "}")
                    || self.is_op(self.at - 1, "]"))
            {
                value = self.hash_element(value);
            } else if self.takes_literal() && matches!(value.kind, Kind::Name(_) | Kind::Method(..))
            {
                let argument = self.primary();
                let args = Args {
                    pos: vec![argument],
                    named: Vec::new(),
                };
                value = self.call(value, args, begin);
            } else if self.is_op(self.at, "!")
                && self.language == Language::JavaScript
                && (self.is_op(self.at + 1, ".") || self.is_op(self.at + 1, ")"))
            {
                self.at += 1;
            } else {
                break;
            }
            self.ruby_block(&value);
        }
        value
    }

    /// Whether a literal here is the argument of what stands before it (Lua), or its template (JavaScript).
    fn takes_literal(&self) -> bool {
        match self.language {
            Language::Lua => self.is_text(self.at) || self.is_op(self.at, "{"),
            Language::JavaScript => self.is_template(self.at),
            _ => false,
        }
    }

    fn is_template(&self, index: usize) -> bool {
        matches!(
            self.tokens.get(index),
            Some(Token {
                tok: Tok::Text(Text {
                    usage: Usage::Template,
                    ..
                }),
                ..
            })
        )
    }

    /// Whether no blank stands before this token.
    fn adjacent(&self) -> bool {
        self.at > 0
            && self
                .tokens
                .get(self.at - 1)
                .is_some_and(|before| before.end == self.start_of(self.at))
    }

    /// A Ruby method without parentheses: called at once, perhaps with arguments.
    fn ruby_method(&mut self, value: Val, begin: usize) -> Val {
        let known = match &value.kind {
            Kind::Name(name) => {
                super::super::sinks::find(self.language, name).is_some()
                    || super::super::fold::knows(self.language, name)
            }
            Kind::Method(..) => true,
            _ => false,
        };
        let own = match &value.kind {
            Kind::Name(name) => name
                .rsplit_once('.')
                .is_some_and(|(_, last)| self.own_method(&value, last).is_some()),
            _ => false,
        };
        let known = known || own;
        if !known || self.assign_op(self.at) {
            return value;
        }
        let args = if self.starts_argument() {
            self.bare_arguments()
        } else {
            Args::default()
        };
        self.call(value, args, begin)
    }

    pub(super) fn ruby_block(&mut self, value: &Val) {
        if self.language != Language::Ruby {
            return;
        }
        if self.is_key(self.at, "do") || (self.is_op(self.at, "{") && !self.is_newline(self.at)) {
            let brace = self.is_op(self.at, "{");
            self.at += 1;
            // `File.open(…) { |f| … }`
            self.element = Some(match &value.kind {
                Kind::Object("file", _) => value.clone(),
                _ => element_of(value, ""),
            });
            self.block_variables();
            self.statements(if brace { End::Brace } else { End::Word });
        }
    }

    /// Whether an argument begins here, after the name of a function without parentheses.
    pub(super) fn starts_argument(&self) -> bool {
        match self.tokens.get(self.at) {
            Some(Token {
                tok: Tok::Text(_) | Tok::Number,
                ..
            }) => true,
            Some(Token {
                tok: Tok::Ident, ..
            }) => !matches!(
                self.word(),
                "if" | "unless"
                    | "while"
                    | "until"
                    | "for"
                    | "foreach"
                    | "and"
                    | "or"
                    | "do"
                    | "then"
                    | "end"
                    | "rescue"
                    | "x"
                    | "eq"
                    | "ne"
                    | "in"
                    | "is"
                    | "else"
                    | "cmp"
                    | "as"
            ),
            Some(Token { tok: Tok::Op, .. }) => {
                let spaced = !self.adjacent();
                let tight = self
                    .tokens
                    .get(self.at)
                    .is_some_and(|token| self.start_of(self.at + 1) == token.end);
                match self.word() {
                    "[" | "->" | "::" => spaced,
                    "*" | "-" | "&" | "%" => spaced && tight,
                    "\\" | "@" | "$" => true,
                    _ => false,
                }
            }
            _ => false,
        }
    }

    pub(super) fn bare_arguments(&mut self) -> Args {
        let mut args = Args::default();
        if !self.enter() {
            return args;
        }
        loop {
            self.argument(&mut args);
            if !self.is_op(self.at, ",") && !self.is_op(self.at, "=>") {
                break;
            }
            self.at += 1;
            self.skip_newlines();
        }
        self.leave();
        args
    }

    fn call_here(&mut self, value: Val, begin: usize) -> Val {
        self.at += 1;
        if let Kind::Method(on, name) = &value.kind
            && matches!(name.as_str(), "then" | "on" | "once" | "pipe")
        {
            self.element = Some(match &on.kind {
                // `import("fs").then(fs => …)`
                Kind::Name(_) | Kind::Text(..) | Kind::Map(_) => (**on).clone(),
                _ => Val::opaque("data").from(on.origin.clone()),
            });
        }
        if let Kind::Name(name) = &value.kind
            && let Some(module) = name.strip_suffix(".then")
        {
            self.element = Some(Val::name(module));
        }
        if self.language == Language::Perl {
            self.found_by(&value);
        }
        if let Kind::Method(on, name) = &value.kind
            && matches!(
                name.as_str(),
                "forEach" | "map" | "each" | "filter" | "some" | "flatMap"
            )
        {
            self.element = Some(element_of(on, ""));
        }
        let args = self.arguments();
        self.element = None;
        self.call(value, args, begin)
    }

    /// Before the arguments of Perl's `find`: `$_` and `$File::Find::name` are paths below the folders that follow.
    pub(super) fn found_by(&mut self, callee: &Val) {
        let Kind::Name(name) = &callee.kind else {
            return;
        };
        if !matches!(
            name.as_str(),
            "find" | "finddepth" | "File.Find.find" | "File.Find.finddepth"
        ) {
            return;
        }
        // Not once more inside of what is read ahead: each would double the work.
        if self.again > 0 {
            return;
        }
        self.again += 1;
        let (begin, before) = (self.at, self.effects.len());
        // What is called for each stands first.
        if self.is_key(self.at, "sub") || self.is_op(self.at, "\\") {
            self.at += 1;
        }
        if self.is_op(self.at, "{") {
            self.skip_balanced();
        } else {
            self.at += 1;
        }
        let folder = if self.is_op(self.at, ",") {
            self.at += 1;
            self.expression()
        } else {
            Val::opaque("")
        };
        self.forget_from(before);
        self.at = begin;
        self.again -= 1;
        if let Some(folder) = folder.exact() {
            let below = format!("{}/*", folder.trim_end_matches('/'));
            let below = Val::value(Value::Pattern(below));
            self.bind("_", below.clone());
            self.bind("File", Val::object("found", vec![below]));
        }
    }

    /// The arguments up to the closing parenthesis.
    fn arguments(&mut self) -> Args {
        let mut args = Args::default();
        if !self.enter() {
            return args;
        }
        while !self.done() && !self.is_op(self.at, ")") {
            if self.is_op(self.at, ",") || self.is_op(self.at, "=>") || self.is_newline(self.at) {
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, "]") || self.is_op(self.at, "}") || self.is_op(self.at, ";") {
                break;
            }
            let before = self.at;
            self.argument(&mut args);
            if self.at == before {
                self.at += 1;
            }
        }
        if self.is_op(self.at, ")") {
            self.at += 1;
        }
        self.leave();
        args
    }

    pub(super) fn argument(&mut self, args: &mut Args) {
        // `name=…` (Python, R, Julia), `name: …` (Ruby, PHP).
        let keyword = (self.is_op(self.at + 1, "=")
            && matches!(
                self.language,
                Language::Python | Language::R | Language::Julia
            ))
            || (self.is_op(self.at + 1, ":")
                && matches!(self.language, Language::Ruby | Language::Php));
        if self.is_ident(self.at) && keyword {
            let name = self.word().to_owned();
            self.at += 2;
            let value = self.expression();
            args.named.push((name, value));
            return;
        }
        let splat = (self.is_op(self.at, "*") || self.is_op(self.at, "..."))
            && matches!(
                self.language,
                Language::Python | Language::Ruby | Language::JavaScript | Language::Php
            );
        let begin = self.at;
        let before = self.effects.len();
        // A bare word before the arrow is a text.
        if self.is_ident(begin)
            && self.is_op(begin + 1, "=>")
            && self.language == Language::Perl
            && !self.sigils_at(begin)
        {
            let key = self.word().to_owned();
            self.at += 2;
            self.skip_newlines();
            let held = self.expression();
            args.named.push((key, held));
            return;
        }
        let value = self.expression();
        if self.is_key(self.at, "for") && self.language == Language::Python {
            let list = self.comprehension(begin, before, value);
            args.pos.push(list);
            return;
        }
        if self.is_op(self.at, "=>") && !matches!(self.language, Language::JavaScript) {
            let key = value
                .exact()
                .map(str::to_owned)
                .or_else(|| match &value.kind {
                    Kind::Name(name) => Some(name.clone()),
                    _ => None,
                });
            self.at += 1;
            let held = self.expression();
            args.named.push((key.unwrap_or_default(), held));
            return;
        }
        match value.kind {
            Kind::List(items) if splat || self.language == Language::Perl => args.pos.extend(items),
            _ => args.pos.push(value),
        }
    }

    /// `ELEMENT for x in LIST`: the element is evaluated once more for each item that is known.
    pub(super) fn comprehension(&mut self, begin: usize, before: usize, element: Val) -> Val {
        self.at += 1;
        let mut names = Vec::new();
        while self.is_ident(self.at) && !self.is_key(self.at, "in")
            || self.is_op(self.at, ",")
            || self.is_op(self.at, "(")
            || self.is_op(self.at, ")")
        {
            if self.is_ident(self.at) {
                names.push(self.word());
            }
            self.at += 1;
        }
        if !self.is_key(self.at, "in") {
            return Val::opaque("");
        }
        self.at += 1;
        let list = self.binary(0);
        if self.is_key(self.at, "for") {
            return self.nested_comprehension(begin, before, element, &names, &list);
        }
        let mut filtered = false;
        while self.is_key(self.at, "if") || self.is_key(self.at, "for") {
            filtered = true;
            self.at += 1;
            if self.is_key(self.at - 1, "for") {
                while !self.done()
                    && !self.is_key(self.at, "in")
                    && !self.is_op(self.at, ")")
                    && !self.is_op(self.at, "]")
                {
                    self.at += 1;
                }
                if self.is_key(self.at, "in") {
                    self.at += 1;
                }
            }
            self.binary(0);
        }
        let after = self.at;
        let items = match (&list.kind, names.as_slice(), filtered) {
            (Kind::List(items), [_], false) if items.len() <= MAX_ELEMENTS && !items.is_empty() => {
                items.clone()
            }
            (Kind::Text(Value::Exact(text), _), [_], false)
                if text.len() <= MAX_ELEMENTS && !text.is_empty() =>
            {
                text.chars()
                    .map(|character| Val::text(character.to_string()))
                    .collect()
            }
            _ => {
                // What is known of the elements in common may still name the targets.
                let Some(name) = names.last() else {
                    return element;
                };
                let common = element_of(&list, name);
                if matches!(common.kind, Kind::Opaque(_)) {
                    return Val::opaque("").from(element.origin.join(list.origin));
                }
                vec![common]
            }
        };
        if self.again >= MAX_AGAIN {
            return Val::opaque("").from(element.origin.join(list.origin));
        }
        self.again += 1;
        let name = names.last().copied().unwrap_or("");
        let shadowed = self.vars.get(bare(name)).cloned();
        self.forget_from(before);
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            self.vars.insert(bare(name).to_owned(), item);
            self.at = begin;
            out.push(self.expression());
            if self.limited {
                break;
            }
        }
        self.again -= 1;
        self.at = after;
        self.vars.remove(bare(name));
        if let Some(shadowed) = shadowed {
            self.vars.insert(bare(name).to_owned(), shadowed);
        }
        Val::list(out)
    }

    /// `ELEMENT for x in LIST for y in x`: the element is evaluated once, with what is known of all that is named.
    fn nested_comprehension(
        &mut self,
        begin: usize,
        before: usize,
        element: Val,
        names: &[&str],
        list: &Val,
    ) -> Val {
        let mut shadowed = self.held(names);
        self.bind_elements(names, list);
        while self.is_key(self.at, "if") || self.is_key(self.at, "for") {
            let more = self.is_key(self.at, "for");
            self.at += 1;
            let mut names = Vec::new();
            while more && !self.done() && !self.is_key(self.at, "in") {
                if self.is_ident(self.at) {
                    names.push(self.word());
                }
                self.at += 1;
            }
            if self.is_key(self.at, "in") {
                self.at += 1;
            }
            let list = self.binary(0);
            if more {
                shadowed.extend(self.held(&names));
                self.bind_elements(&names, &list);
            }
        }
        let mut element = element;
        if self.again < MAX_AGAIN {
            self.again += 1;
            let after = self.at;
            self.forget_from(before);
            self.at = begin;
            element = self.expression();
            self.at = after;
            self.again -= 1;
        }
        for (name, value) in shadowed.into_iter().rev() {
            match value {
                Some(value) => self.vars.insert(name, value),
                None => self.vars.remove(&name),
            };
        }
        Val::list(vec![element])
    }

    /// What variables hold.
    fn held(&self, names: &[&str]) -> Vec<(String, Option<Val>)> {
        let held = names.iter().map(|name| bare(name));
        held.map(|name| (name.to_owned(), self.vars.get(name).cloned()))
            .collect()
    }

    /// Perl's `map {…} LIST`: the block is read once for each item that is known, with `$_` bound to it.
    pub(super) fn each_element(&mut self, name: &str, block: usize, list: Val) -> Val {
        let after = self.at;
        let items = match &list.kind {
            Kind::List(items) if items.len() <= MAX_ELEMENTS && !items.is_empty() => items.clone(),
            _ => vec![element_of(&list, "_")],
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            self.vars.insert(String::from("_"), item.clone());
            self.at = block;
            let value = self.expression();
            let value = match value.kind {
                Kind::Name(_) => {
                    let args = Args {
                        pos: vec![item],
                        named: Vec::new(),
                    };
                    self.call(value, args, block)
                }
                _ => value,
            };
            out.push(value);
            // The rest of the block, for what it does.
            if self.is_op(self.at, ";") {
                self.statements(End::Brace);
            }
            if self.limited {
                break;
            }
        }
        self.vars.remove("_");
        self.at = after;
        if name == "map" { Val::list(out) } else { list }
    }

    fn subscript(&mut self, value: Val) -> Val {
        self.at += 1;
        let mut parts: Vec<Option<Val>> = vec![None];
        while !self.done() && !self.is_op(self.at, "]") {
            if self.is_op(self.at, ":") || self.is_op(self.at, "::") {
                parts.push(None);
                if self.is_op(self.at, "::") {
                    parts.push(None);
                }
                self.at += 1;
                continue;
            }
            if self.is_op(self.at, ")")
                || self.is_op(self.at, "}")
                || self.is_op(self.at, ";")
                || parts.len() > 4
            {
                break;
            }
            let before = self.at;
            let part = self.expression();
            if let Some(last) = parts.last_mut() {
                *last = Some(part);
            }
            if self.at == before {
                self.at += 1;
            }
        }
        if self.is_op(self.at, "]") {
            self.at += 1;
        }
        if parts.len() == 1 {
            return match parts.pop().flatten() {
                Some(index) => self.element_at(value, &index),
                None => value,
            };
        }
        super::super::fold::slice(&value, &parts)
    }

    fn hash_element(&mut self, value: Val) -> Val {
        self.at += 1;
        let index = if self.is_ident(self.at) && self.is_op(self.at + 1, "}") {
            let word = self.word();
            self.at += 1;
            if word.starts_with('$') {
                self.lookup(word)
            } else {
                Val::text(word)
            }
        } else {
            self.expression()
        };
        if self.is_op(self.at, "}") {
            self.at += 1;
        }
        self.element_at(value, &index)
    }
}

/// What is known of every element of a list.
pub(in crate::actions::code) fn element_of(list: &Val, name: &str) -> Val {
    match &list.kind {
        // A folder, the names of folders in it, the names of files in it.
        Kind::Object("walk", held) => {
            let names = || Val::value(Value::Pattern(String::from("*")));
            let folder = held.first().cloned();
            Val::list(vec![
                folder.unwrap_or_else(|| Val::opaque(name)),
                names(),
                names(),
            ])
        }
        Kind::List(items) if !items.is_empty() && items.len() <= 8 => {
            let mut items = items.iter().cloned();
            let first = items.next().unwrap_or_else(|| Val::opaque(name));
            items.fold(first, either)
        }
        Kind::Text(Value::Pattern(_) | Value::Prefix(..), _) => list.clone(),
        Kind::Object("path", args) if args.first().is_some_and(|path| path.exact().is_none()) => {
            list.clone()
        }
        _ => Val {
            kind: Kind::Opaque(bare(name).to_owned()),
            origin: Origin::RunTime.join(list.origin.clone()),
        },
    }
}
