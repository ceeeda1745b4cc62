//! Assignments, to one target or several.

use super::primary::self_copy;
use super::{End, Walker, bare};
use crate::actions::code::lex::{Tok, Token};
use crate::actions::code::value::{Kind, Origin, Val};
use crate::actions::code::{CodeEffect, Language, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;

impl<'a> Walker<'a> {
    pub(super) fn expression_statement(&mut self) -> Option<bool> {
        let before = self.effects.len();
        let begin = self.at;
        let has_modifiers = matches!(self.language, Language::Perl | Language::Ruby);
        let watched = has_modifiers.then(|| self.watch());
        if !self.assignment() {
            let value = self.expression();
            self.after_expression(value, begin);
        }
        let doubted = self.modifiers(before);
        if let Some(watched) = watched {
            self.unwatch(watched, doubted);
        }
        // A method of a class or an object: `name(params) { … }`.
        if self.braces()
            && self.at > begin
            && self.is_op(self.at, "{")
            && self.language != Language::Perl
        {
            let outer = self.certain;
            self.certain = false;
            self.at += 1;
            self.statements(End::Brace);
            self.certain = outer;
        }
        None
    }

    fn after_expression(&mut self, value: Val, begin: usize) {
        let mut last = value;
        if self.defined.is_followed() {
            self.defined.last = Some(last.clone());
        }
        while self.is_op(self.at, ",") {
            self.at += 1;
            self.skip_newlines();
            // `const a = …, b = …`
            if !self.assignment() {
                last = self.expression();
            }
        }
        if self.is_op(self.at, "->") && self.language == Language::R {
            let target = self.word_at(self.at + 1);
            self.at += 2;
            self.bind(target, last);
        } else if self.assign_op(self.at) {
            // An attribute or an element: `os.environ["X"] = …`, `obj.x = …`.
            let target = self.at.saturating_sub(1);
            let adds = matches!(self.word(), "+=" | ".=");
            let variable = self
                .variable_before()
                .or_else(|| self.variable_of_copy(begin));
            self.at += 1;
            let value = self.expression();
            if let Some(name) = variable {
                let before = adds.then(|| Val::opaque(&name));
                let value = before.map_or(value.clone(), |before| self.joined(before, &value));
                let span = self.span_from(begin);
                self.set_variable(&name, &value, span);
                return;
            }
            self.assigned = target;
            self.assigned_to(begin, &value);
        }
    }

    /// The variable of the environment that stands before the sign that assigns. To name it there is not to read it.
    fn variable_before(&mut self) -> Option<String> {
        /// Its name and a closing bracket may stand between.
        const NEAR: usize = 3;
        let (at, name) = self.variable.take()?;
        if self.at.saturating_sub(at) > NEAR {
            return None;
        }
        let is_read = |effect: &CodeEffect| match &effect.what {
            What::Act { kind, target, .. } => {
                *kind == ActionKind::CredentialRead
                    && target.as_ref().and_then(Value::exact) == Some(name.as_str())
            }
            _ => false,
        };
        if self.effects.last().is_some_and(is_read) {
            self.effects.pop();
        }
        Some(name)
    }

    /// A variable of what holds a copy of the environment, which programs are given later: `env["X"] = …`.
    fn variable_of_copy(&mut self, begin: usize) -> Option<String> {
        let holds = self.is_ident(begin)
            && self.is_op(begin + 1, "[")
            && self.is_text(begin + 2)
            && self.lookup(self.word_at(begin)).origin == Origin::Environment;
        holds.then(|| self.word_at(begin + 2).trim_matches(['"', '\'']).to_owned())
    }

    /// What assigning to an attribute does beyond the value itself.
    fn assigned_to(&mut self, begin: usize, value: &Val) {
        let name = match self.language {
            Language::Perl if self.is_ident(begin) => self.word_at(begin),
            _ => self.global_name(begin).unwrap_or_default(),
        };
        if !name.is_empty() {
            let value = self.copy(value);
            self.bind(name, value);
            return;
        }
        // An attribute of an object: the name before the sign that assigns.
        let target = self.assigned;
        let dotted = target > begin
            && self.is_ident(target)
            && [".", "->", "?."]
                .iter()
                .any(|sign| self.is_op(target - 1, sign));
        if dotted {
            let name = self.word_at(target);
            self.name_function(value, name);
            let value = self.copy(value);
            self.set_field(name, value);
        }
    }

    /// The name that code gives something everywhere: `builtins.z = …`, `globals()["z"] = …`, `globalThis.z = …`.
    fn global_name(&self, begin: usize) -> Option<&'a str> {
        let spaces: &[&str] = match self.language {
            Language::Python => &["builtins", "__builtins__"],
            Language::JavaScript => &["globalThis", "global", "window", "self"],
            _ => return None,
        };
        if spaces.contains(&self.word_at(begin)) && self.is_op(begin + 1, ".") {
            return Some(self.word_at(begin + 2));
        }
        let called = self.language == Language::Python
            && matches!(self.word_at(begin), "globals" | "locals" | "vars")
            && self.is_op(begin + 1, "(")
            && self.is_op(begin + 2, ")");
        let bracket = match called {
            true => begin + 3,
            false if spaces.contains(&self.word_at(begin)) => begin + 1,
            false => return None,
        };
        self.is_op(bracket, "[")
            .then(|| self.word_at(bracket + 1).trim_matches(['"', '\'']))
    }

    pub(super) fn assign_op(&self, index: usize) -> bool {
        matches!(self.tokens.get(index), Some(Token { tok: Tok::Op, .. }))
            && matches!(
                self.word_at(index),
                "=" | ":="
                    | "<-"
                    | "<<-"
                    | "||="
                    | "??="
                    | "//="
                    | "+="
                    | ".="
                    | "-="
                    | "*="
                    | "/="
                    | "|="
                    | "&="
                    | "<<="
            )
    }

    /// Reads `x = …` in its forms; `false`, and nothing read, when it is none.
    pub(super) fn assignment(&mut self) -> bool {
        let begin = self.at;
        if self.is_ident(begin) {
            let name = self.word();
            let mut next = begin + 1;
            // An annotation: `x: str = …`.
            if self.is_op(next, ":") && self.is_ident(next + 1) && self.is_op(next + 2, "=") {
                next += 2;
            }
            if self.assign_op(next) {
                let sign = self.word_at(next);
                self.at = next + 1;
                self.skip_newlines();
                let value = self.assigned_value();
                match sign {
                    "+=" | ".=" => {
                        let old = self.lookup(name);
                        let joined = self.joined(old, &value);
                        self.bind(name, joined);
                    }
                    "=" | ":=" | "<-" | "<<-" | "||=" | "??=" | "//=" => {
                        self.name_function(&value, name);
                        if self.defined.class.is_some() {
                            self.declare(name, Some(value.clone()));
                        }
                        if matches!(sign, "||=" | "??=" | "//=") {
                            self.doubted(|walker| walker.bind(name, value));
                        } else {
                            self.bind(name, value);
                        }
                    }
                    _ => self.bind(name, Val::opaque(name)),
                }
                return true;
            }
            // An attribute that a class of Python declares.
            if self.is_op(next, ":")
                && self.language == Language::Python
                && self.defined.class.is_some()
            {
                self.declare(name, None);
            }
            if self.is_op(next, ",") {
                return self.several_targets(begin, begin);
            }
            return false;
        }
        if (self.is_op(begin, "(") && self.language == Language::Perl)
            || (self.is_op(begin, "[") && self.language != Language::Perl)
        {
            return self.several_targets(begin, begin + 1);
        }
        if self.is_op(begin, "{") && matches!(self.language, Language::JavaScript | Language::Mongo)
        {
            return self.destructuring();
        }
        false
    }

    /// The right side: chained assignments bind each name, a comma makes a tuple.
    fn assigned_value(&mut self) -> Val {
        if self.is_ident(self.at) && self.is_op(self.at + 1, "=") && self.enter() {
            let name = self.word();
            self.at += 2;
            let value = self.assigned_value();
            self.leave();
            let copied = self.copy(&value);
            self.bind(name, copied);
            return value;
        }
        let first = self.expression();
        if self.is_op(self.at, ",")
            && matches!(
                self.language,
                Language::Python | Language::Ruby | Language::Lua | Language::Julia
            )
        {
            let mut items = vec![first];
            while self.is_op(self.at, ",") && items.len() < 256 {
                self.at += 1;
                items.push(self.expression());
            }
            return Val::list(items);
        }
        first
    }

    /// `a, b = …`, `my ($a, $b) = …`, `[a, b] = …`.
    fn several_targets(&mut self, begin: usize, from: usize) -> bool {
        let mut names = Vec::new();
        let mut index = from;
        while names.len() < 16 && (self.is_ident(index) || self.is_op(index, "*")) {
            if self.is_ident(index) {
                names.push(self.word_at(index));
            }
            index += 1;
            if !self.is_op(index, ",") {
                break;
            }
            index += 1;
        }
        if from > begin {
            if !(self.is_op(index, ")") || self.is_op(index, "]")) {
                return false;
            }
            index += 1;
        }
        if !self.is_op(index, "=") || names.is_empty() {
            return false;
        }
        self.at = index + 1;
        let value = self.assigned_value();
        for (position, name) in names.iter().enumerate() {
            let part = match &value.kind {
                Kind::List(items) => items.get(position).cloned(),
                _ => None,
            };
            let part = part.unwrap_or_else(|| Val::opaque(bare(name)).from(value.origin.clone()));
            self.bind(name, part);
        }
        true
    }

    /// `{a, b: c} = require('x')`.
    fn destructuring(&mut self) -> bool {
        let mut index = self.at + 1;
        let mut names = Vec::new();
        while names.len() < 64
            && (self.is_ident(index) || self.is_op(index, ",") || self.is_newline(index))
        {
            if !self.is_ident(index) {
                index += 1;
                continue;
            }
            let name = self.word_at(index);
            let mut alias = name;
            if self.is_op(index + 1, ":") && self.is_ident(index + 2) {
                alias = self.word_at(index + 2);
                index += 2;
            }
            names.push((name, alias));
            index += 1;
        }
        if !self.is_op(index, "}") || !self.is_op(index + 1, "=") {
            return false;
        }
        self.at = index + 2;
        let value = self.expression();
        for (name, alias) in names {
            let part = self.attribute(self_copy(&value), name);
            self.bind(alias, part);
        }
        true
    }

    /// `… if cond`, `… unless cond`, `… for list` after a statement (Perl, Ruby).
    fn modifiers(&mut self, before: usize) -> bool {
        let mut doubted = false;
        if !matches!(self.language, Language::Perl | Language::Ruby) {
            return doubted;
        }
        while self.is_ident(self.at)
            && matches!(
                self.word(),
                "if" | "unless" | "while" | "until" | "for" | "foreach" | "rescue"
            )
        {
            let word = self.word();
            self.at += 1;
            let condition = self.expression();
            let runs = (matches!(word, "if" | "while") && condition.is_true())
                || matches!(word, "for" | "foreach");
            if !runs {
                doubted = true;
                for effect in self.effects.iter_mut().skip(before) {
                    effect.certain = false;
                }
            }
        }
        doubted
    }
}
