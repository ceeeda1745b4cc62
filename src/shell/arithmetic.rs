//! Arithmetic: `$(( ))`, `(( ))`, subscripts, `declare -i`, and the commands that hide in it.
//!
//! A variable's value is itself an expression, and a subscript in it is expanded: `x='a[$(id)]'; echo $((x))` runs
//! `id`. What holds a substitution is therefore walked, and its value is unknown.

use std::rc::Rc;

use super::command::{Value, Why};
use super::env::Place;
use super::syntax;
use super::syntax::tree::{Part, Slice};
use super::walk::Walker;

/// How deep parentheses and variables that hold expressions may nest.
const MAX_DEPTH: usize = 24;

/// How long an expression may be, in bytes.
const MAX_EXPRESSION: usize = 4_096;

/// Why an expression has no value.
enum Stuck {
    /// Something in it is not known.
    Unknown(Why),
    /// It is no expression.
    Invalid,
}

impl Walker<'_> {
    /// Expands and evaluates an expression.
    pub(super) fn arithmetic(&mut self, parts: &[Part], at: Slice) -> Value {
        let value = self.quoted_parts(parts);
        self.arithmetic_value(&value, at)
    }

    /// Evaluates an expression that is already expanded.
    pub(super) fn arithmetic_value(&mut self, value: &Value, at: Slice) -> Value {
        match value {
            Value::Exact(text) => self.expression(text, at),
            Value::OneOf(texts) => {
                let values = texts.iter().map(|text| self.expression(text, at)).collect();
                super::draft::either(values)
            }
            Value::Either(values) => {
                let values = values
                    .iter()
                    .map(|value| self.arithmetic_value(value, at))
                    .collect();
                super::draft::either(values)
            }
            Value::Prefix(_, why) | Value::Unknown(why) => Value::Unknown(why.clone()),
            Value::Pattern(text) => {
                let text = text.replace('\\', "");
                self.expression(&text, at)
            }
        }
    }

    fn expression(&mut self, text: &str, at: Slice) -> Value {
        let trimmed = text.trim();
        if let Ok(number) = trimmed.parse::<i64>()
            && !(trimmed.len() > 1 && trimmed.starts_with('0'))
        {
            return Value::Exact(number.to_string());
        }
        if trimmed.is_empty() {
            return Value::Exact(String::from("0"));
        }
        if text.len() > MAX_EXPRESSION {
            return Value::Unknown(Why::Limit);
        }
        match self.evaluate(text, at, 0) {
            Ok(number) => Value::Exact(number.to_string()),
            Err(Stuck::Unknown(why)) => Value::Unknown(why),
            Err(Stuck::Invalid) => Value::Unknown(Why::Expansion),
        }
    }

    fn evaluate(&mut self, text: &str, at: Slice, depth: usize) -> Result<i64, Stuck> {
        if text.contains("$(") || text.contains('`') {
            self.walk_hidden(text, at);
            return Err(Stuck::Unknown(Why::CommandOutput));
        }
        let mut evaluator = Evaluator {
            walker: self,
            text: text.as_bytes(),
            pos: 0,
            at,
            depth,
        };
        let number = evaluator.comma()?;
        evaluator.blanks();
        if evaluator.pos < evaluator.text.len() {
            return Err(Stuck::Invalid);
        }
        Ok(number)
    }

    /// Substitutions inside text that arithmetic expands once more.
    fn walk_hidden(&mut self, source: &str, at: Slice) {
        let place = Place::Inside(self.span(at));
        let (parts, tree) = syntax::parse_quoted(source);
        let Some(text) = self.nested(String::new(), place) else {
            return;
        };
        let text = Rc::new(super::env::Text {
            source: source.to_owned(),
            tree,
            place: text.place,
        });
        let outer = std::mem::replace(&mut self.text, text);
        self.quoted_parts(&parts);
        self.text = outer;
    }
}

/// Precedence climbing over the bytes of an expression.
struct Evaluator<'w, 'a, 't> {
    walker: &'w mut Walker<'a>,
    text: &'t [u8],
    pos: usize,
    at: Slice,
    depth: usize,
}

/// Binary operators by precedence, the loosest first; longer spellings before their beginnings.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Assignment operators.
const ASSIGNMENTS: [&str; 11] = [
    "<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "=",
];

impl Evaluator<'_, '_, '_> {
    fn blanks(&mut self) {
        while self.text.get(self.pos).is_some_and(u8::is_ascii_whitespace) {
            self.pos += 1;
        }
    }

    fn looking_at(&mut self, token: &str) -> bool {
        self.blanks();
        self.text[self.pos..].starts_with(token.as_bytes())
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.looking_at(token);
        if found {
            self.pos += token.len();
        }
        found
    }

    fn deeper(&mut self) -> Result<(), Stuck> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stuck::Unknown(Why::Limit));
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<i64, Stuck> {
        let mut value = self.conditional()?;
        // `;` separates the expressions of `for (( ; ; ))`, each of which may be missing.
        while self.accept(",") || self.accept(";") {
            self.blanks();
            if self.pos >= self.text.len() || self.looking_at(";") {
                continue;
            }
            value = self.conditional()?;
        }
        Ok(value)
    }

    fn conditional(&mut self) -> Result<i64, Stuck> {
        self.deeper()?;
        let condition = self.binary(0)?;
        let value = if self.accept("?") {
            let yes = self.conditional()?;
            if !self.accept(":") {
                return Err(Stuck::Invalid);
            }
            let no = self.conditional()?;
            if condition != 0 { yes } else { no }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    fn binary(&mut self, level: usize) -> Result<i64, Stuck> {
        let Some(operators) = LEVELS.get(level) else {
            return self.power();
        };
        let mut left = self.binary(level + 1)?;
        'next: loop {
            for operator in *operators {
                if !self.looking_at(operator) {
                    continue;
                }
                let after = self
                    .text
                    .get(self.pos + operator.len())
                    .copied()
                    .unwrap_or(0);
                // `<` is not `<<`, `&` not `&&`, `*` not `**`, and none of them is an assignment.
                if operator.len() == 1
                    && (after == b'='
                        || (matches!(*operator, "<" | ">" | "&" | "|" | "*")
                            && after == operator.as_bytes()[0]))
                {
                    continue;
                }
                if matches!(*operator, "<<" | ">>") && after == b'=' {
                    continue;
                }
                self.pos += operator.len();
                let right = self.binary(level + 1)?;
                left = apply(operator, left, right)?;
                continue 'next;
            }
            return Ok(left);
        }
    }

    fn power(&mut self) -> Result<i64, Stuck> {
        let base = self.unary()?;
        if self.accept("**") {
            self.deeper()?;
            let exponent = self.power()?;
            self.depth -= 1;
            return apply("**", base, exponent);
        }
        Ok(base)
    }

    fn unary(&mut self) -> Result<i64, Stuck> {
        self.deeper()?;
        self.blanks();
        let value = if self.looking_at("++") || self.looking_at("--") {
            let step = if self.looking_at("++") { 1 } else { -1 };
            self.pos += 2;
            self.blanks();
            let name = self.name().ok_or(Stuck::Invalid)?;
            let value = self.lookup(&name)?.wrapping_add(step);
            self.assign(&name, value);
            value
        } else if self.accept("-") {
            self.unary()?.wrapping_neg()
        } else if self.accept("+") {
            self.unary()?
        } else if self.accept("!") {
            i64::from(self.unary()? == 0)
        } else if self.accept("~") {
            !self.unary()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Result<i64, Stuck> {
        if self.accept("(") {
            let value = self.comma()?;
            return if self.accept(")") {
                Ok(value)
            } else {
                Err(Stuck::Invalid)
            };
        }
        self.blanks();
        if self.text.get(self.pos).is_some_and(u8::is_ascii_digit) {
            return self.literal();
        }
        let name = self.name().ok_or(Stuck::Invalid)?;
        if self.text.get(self.pos) == Some(&b'[') {
            return self.element(&name);
        }
        for operator in ASSIGNMENTS {
            if !self.looking_at(operator) {
                continue;
            }
            if operator == "=" && self.text.get(self.pos + 1) == Some(&b'=') {
                break;
            }
            self.pos += operator.len();
            let right = self.conditional();
            let value = match (&operator[..operator.len() - 1], right) {
                ("", right) => right,
                (binary, Ok(right)) => self
                    .lookup(&name)
                    .and_then(|left| apply(binary, left, right)),
                (_, stuck) => stuck,
            };
            match value {
                Ok(value) => self.assign(&name, value),
                Err(Stuck::Unknown(_)) => self
                    .walker
                    .env
                    .bind_scalar(&name, Value::Unknown(Why::RunTimeValue(name.clone()))),
                Err(Stuck::Invalid) => {}
            }
            return value;
        }
        let value = self.lookup(&name)?;
        for (operator, step) in [("++", 1), ("--", -1)] {
            if self.accept(operator) {
                self.assign(&name, value.wrapping_add(step));
            }
        }
        Ok(value)
    }

    fn literal(&mut self) -> Result<i64, Stuck> {
        let start = self.pos;
        while self
            .text
            .get(self.pos)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b'@'))
        {
            self.pos += 1;
        }
        let token = std::str::from_utf8(&self.text[start..self.pos]).map_err(|_| Stuck::Invalid)?;
        let parsed = if let Some((base, digits)) = token.split_once('#') {
            let base = base.parse::<u32>().map_err(|_| Stuck::Invalid)?;
            if !(2..=36).contains(&base) {
                return Err(Stuck::Invalid);
            }
            i64::from_str_radix(digits, base)
        } else if let Some(digits) = token
            .strip_prefix("0x")
            .or_else(|| token.strip_prefix("0X"))
        {
            i64::from_str_radix(digits, 16)
        } else if token.len() > 1 && token.starts_with('0') {
            i64::from_str_radix(&token[1..], 8)
        } else {
            token.parse()
        };
        parsed.map_err(|_| Stuck::Invalid)
    }

    fn name(&mut self) -> Option<String> {
        let start = self.pos;
        while self
            .text
            .get(self.pos)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            self.pos += 1;
        }
        if start == self.pos {
            return None;
        }
        std::str::from_utf8(&self.text[start..self.pos])
            .ok()
            .map(str::to_owned)
    }

    /// `name[expression]`, read only.
    fn element(&mut self, name: &str) -> Result<i64, Stuck> {
        let start = self.pos + 1;
        let length = memchr::memchr(b']', &self.text[start..]).ok_or(Stuck::Invalid)?;
        let index = std::str::from_utf8(&self.text[start..start + length])
            .map_err(|_| Stuck::Invalid)?
            .to_owned();
        self.pos = start + length + 1;
        let depth = self.depth;
        let index = self.walker.evaluate(&index, self.at, depth + 1)?;
        let values = match self
            .walker
            .env
            .variable(name)
            .map(|variable| &variable.bound)
        {
            Some(super::env::Bound::Indexed(values)) => values,
            _ => return Err(Stuck::Unknown(Why::Expansion)),
        };
        let value = usize::try_from(index)
            .ok()
            .and_then(|index| values.get(index))
            .cloned()
            .unwrap_or_else(|| Value::Exact(String::new()));
        self.value(&value)
    }

    fn lookup(&mut self, name: &str) -> Result<i64, Stuck> {
        let value = self.walker.lookup(name);
        self.value(&value)
    }

    /// A variable's value is an expression of its own.
    fn value(&mut self, value: &Value) -> Result<i64, Stuck> {
        match value {
            Value::Exact(text) if text.trim().is_empty() => Ok(0),
            Value::Exact(text) => {
                if let Ok(number) = text.trim().parse() {
                    return Ok(number);
                }
                if self.depth + 1 > MAX_DEPTH || text.len() > MAX_EXPRESSION {
                    return Err(Stuck::Unknown(Why::Limit));
                }
                self.walker.evaluate(text, self.at, self.depth + 4)
            }
            other => {
                // A value that is not one is unknown; of several, those that hide commands are walked.
                for candidate in other.candidates() {
                    if let super::command::Candidate::Exact(text) = candidate
                        && (text.contains("$(") || text.contains('`'))
                    {
                        self.walker.walk_hidden(text, self.at);
                    }
                }
                Err(Stuck::Unknown(Why::Expansion))
            }
        }
    }

    fn assign(&mut self, name: &str, value: i64) {
        self.walker
            .env
            .bind_scalar(name, Value::Exact(value.to_string()));
    }
}

fn apply(operator: &str, left: i64, right: i64) -> Result<i64, Stuck> {
    let shift = u32::try_from(right & 63).unwrap_or(0);
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(shift),
        ">>" => left.wrapping_shr(shift),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" if right != 0 => left.wrapping_div(right),
        "%" if right != 0 => left.wrapping_rem(right),
        "**" => match u32::try_from(right) {
            Ok(exponent) => left.wrapping_pow(exponent),
            Err(_) => return Err(Stuck::Invalid),
        },
        _ => return Err(Stuck::Invalid),
    })
}
