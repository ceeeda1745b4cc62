//! Expressions with operators, by precedence.

use super::primary::self_copy;
use super::{MAX_COPIED_BYTES, Walker};
use crate::actions::code::Language;
use crate::actions::code::lex::{Tok, Token};
use crate::actions::code::value::{Kind, Val, concat, either};
use crate::shell::command::Value;

impl<'a> Walker<'a> {
    pub fn expression(&mut self) -> Val {
        if !self.enter() {
            return Val::opaque("");
        }
        let value = self.conditional();
        self.leave();
        value
    }

    fn conditional(&mut self) -> Val {
        let value = self.binary(0);
        if self.language == Language::Python {
            if self.is_key(self.at, "if") {
                // `a if c else b`: the condition decides afterwards whether `a` counted.
                self.at += 1;
                let condition = self.binary(0);
                if self.is_key(self.at, "else") {
                    self.at += 1;
                    let outer = self.certain;
                    self.certain = outer && !condition.is_true();
                    let other = self.expression();
                    self.certain = outer;
                    return if condition.is_true() {
                        value
                    } else {
                        either(value, other)
                    };
                }
            }
            return value;
        }
        if self.is_op(self.at, "?") && self.language != Language::R {
            self.at += 1;
            self.skip_newlines();
            let outer = self.certain;
            self.certain = outer && value.is_true();
            let then = if self.is_op(self.at, ":") {
                self_copy(&value)
            } else {
                self.expression()
            };
            self.skip_newlines();
            self.certain = false;
            let mut result = then;
            if self.is_op(self.at, ":") {
                self.at += 1;
                self.skip_newlines();
                let other = self.expression();
                if !value.is_true() {
                    result = either(result, other);
                }
            }
            self.certain = outer;
            return result;
        }
        value
    }

    fn level(&self, index: usize) -> Option<(u8, &'a str)> {
        let token = self.tokens.get(index)?;
        let sign = &self.source[token.start..token.end];
        let level = match (&token.tok, sign) {
            (Tok::Ident, "or" | "xor") | (Tok::Op, "||" | "??") => 1,
            (Tok::Op, "//") if self.language == Language::Perl => 1,
            (Tok::Ident, "and") | (Tok::Op, "&&") => 2,
            (
                Tok::Ident,
                "in" | "is" | "instanceof" | "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "cmp",
            ) => {
                if matches!(self.language, Language::Lua) {
                    return None;
                }
                3
            }
            (Tok::Ident, "not")
                if self.language == Language::Python && self.is_key(index + 1, "in") =>
            {
                3
            }
            (
                Tok::Op,
                "==" | "!=" | "===" | "!==" | "<" | ">" | "<=" | ">=" | "=~" | "!~" | "~=" | "<=>"
                | "&" | "|" | "^" | "<<" | ">>" | ">>>" | "|>",
            ) => 3,
            (Tok::Op, "..") if matches!(self.language, Language::Lua) => 4,
            (Tok::Op, ".." | "...") if matches!(self.language, Language::Ruby | Language::Perl) => {
                3
            }
            (Tok::Op, ".") if self.sigils() => 4,
            (Tok::Op, "+" | "-") => 4,
            (Tok::Op, "*" | "/" | "%" | "**" | "//") => 5,
            (Tok::Ident, "x") if self.language == Language::Perl => 5,
            _ => return None,
        };
        Some((level, sign))
    }

    pub(super) fn binary(&mut self, minimum: u8) -> Val {
        let mut left = self.unary();
        while let Some((level, sign)) = self.level(self.at) {
            if level <= minimum || (level == 3 && sign == "|" && self.language == Language::Ruby) {
                break;
            }
            self.at += 1;
            if sign == "not" {
                self.at += 1;
            }
            self.skip_newlines();
            let outer = self.certain;
            if level == 1 {
                self.certain = false;
            }
            if !self.enter() {
                self.certain = outer;
                return Val::opaque("");
            }
            // What is behind `and` may never be looked at.
            let right = if level == 2 {
                self.doubted(|walker| walker.binary(level))
            } else {
                self.binary(level)
            };
            self.leave();
            self.certain = outer;
            left = self.combine(left, sign, right);
        }
        left
    }

    fn combine(&mut self, left: Val, sign: &str, right: Val) -> Val {
        match sign {
            "+" | "." | ".." => self.joined(left, &right),
            "||" | "or" | "??" => match left.kind {
                Kind::Opaque(_) => right,
                _ => left,
            },
            "//" if self.language == Language::Perl => match left.kind {
                Kind::Opaque(_) => right,
                _ => left,
            },
            "&&" | "and" => right,
            "/" | "<<"
                if matches!(left.kind, Kind::Object("path", _))
                    || matches!(right.kind, Kind::Object("path", _)) =>
            {
                super::super::fold::path_join(&[left, right])
            }
            "*" if self.language == Language::Julia => self.joined(left, &right),
            "*" | "x" => match (&left.kind, &right.kind) {
                (Kind::Text(Value::Exact(text), _), Kind::Number(count)) => {
                    super::super::fold::repeat(text, *count).from(left.origin.clone())
                }
                (Kind::Number(one), Kind::Number(other)) => Val::number(one.saturating_mul(*other)),
                _ => opaque_of(&left, &right),
            },
            "-" => match (&left.kind, &right.kind) {
                (Kind::Number(one), Kind::Number(other)) => Val::number(one.saturating_sub(*other)),
                _ => opaque_of(&left, &right),
            },
            "^" => match (&left.kind, &right.kind) {
                (Kind::Number(one), Kind::Number(other)) => Val::number(one ^ other),
                _ => opaque_of(&left, &right),
            },
            "|" => match (&left.kind, &right.kind) {
                (Kind::Number(one), Kind::Number(other)) => Val::number(one | other),
                _ => opaque_of(&left, &right),
            },
            "%" => super::super::fold::percent(left, &right),
            "==" | "eq" | "===" => {
                // Python's `if __name__ == "__main__"`.
                if matches!(&left.kind, Kind::Name(name) if name == "__name__") {
                    return Val::opaque("__main__");
                }
                match (left.exact(), right.exact()) {
                    (Some(one), Some(other)) if one == other => Val::name("True"),
                    _ => match (&left.kind, &right.kind) {
                        (Kind::Number(one), Kind::Number(other)) if one == other => {
                            Val::name("True")
                        }
                        _ => Val::opaque(""),
                    },
                }
            }
            "|>" => right,
            _ => opaque_of(&left, &right),
        }
    }

    pub fn joined(&mut self, left: Val, right: &Val) -> Val {
        let origin = left
            .origin
            .clone()
            .join(super::super::calls::origin_of(right));
        match (&left.kind, &right.kind) {
            (Kind::Number(one), Kind::Number(other)) if !self.sigils() => {
                Val::number(one.saturating_add(*other))
            }
            (Kind::List(_), Kind::List(more)) => {
                let more = more.clone();
                let Kind::List(mut items) = left.kind else {
                    return Val::opaque("");
                };
                items.extend(more);
                self.copied += items.len() * 8;
                Val::list(items)
            }
            _ => {
                self.copied += left.size() + right.size();
                if self.copied > MAX_COPIED_BYTES {
                    self.limit();
                    return Val::opaque("");
                }
                Val::value(concat(left.as_value(), &right.as_value())).from(origin)
            }
        }
    }

    fn unary(&mut self) -> Val {
        let mut negative = false;
        let mut changed = false;
        loop {
            if self.is_ident(self.at)
                && matches!(
                    self.word(),
                    "not"
                        | "await"
                        | "new"
                        | "typeof"
                        | "void"
                        | "delete"
                        | "return"
                        | "yield"
                        | "throw"
                        | "raise"
                        | "clone"
                        | "async"
                        | "my"
                        | "our"
                        | "local"
                        | "const"
                        | "let"
                        | "var"
                        | "defined"
                        | "ref"
                        | "scalar"
                        | "static"
                )
                && !self.is_op(self.at + 1, "=")
                && !(self.is_op(self.at + 1, "(")
                    && matches!(self.word(), "ref" | "local" | "static" | "async"))
            {
                changed |= matches!(
                    self.word(),
                    "not" | "typeof" | "delete" | "defined" | "scalar"
                );
                self.at += 1;
                continue;
            }
            let is_sign = matches!(self.tokens.get(self.at), Some(Token { tok: Tok::Op, .. }));
            if is_sign
                && matches!(
                    self.word(),
                    "!" | "-"
                        | "+"
                        | "~"
                        | "++"
                        | "--"
                        | "&"
                        | "\\"
                        | "@"
                        | "*"
                        | "**"
                        | "..."
                        | "$"
                        | "%"
                )
            {
                if self.word() == "-" {
                    negative = !negative;
                }
                changed |= matches!(self.word(), "!" | "~");
                self.at += 1;
                continue;
            }
            break;
        }
        let value = self.postfix();
        match value.kind {
            Kind::Number(number) if negative => Val::number(number.saturating_neg()),
            _ if changed => Val::opaque("").from(value.origin),
            _ => value,
        }
    }
}

fn opaque_of(left: &Val, right: &Val) -> Val {
    Val::opaque("")
        .from(left.origin.clone())
        .from(right.origin.clone())
}
