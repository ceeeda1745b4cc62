//! `${..}`: what each operator makes of a variable's value.

use std::rc::Rc;

use super::ansi;
use super::command::{Candidate, Value, Why};
use super::draft::{Draft, either};
use super::env::{Bound, Place, map_text};
use super::expand::Gather;
use super::pattern::{self, Anchor};
use super::syntax::tree::{Node, Operator, Parameter, Slice, Word};
use super::walk::Walker;

/// Variables that every shell sets itself or that every session has; never empty, their value known only when it runs.
const ALWAYS_SET: [&str; 17] = [
    "BASHPID",
    "BASH_VERSION",
    "EPOCHSECONDS",
    "EUID",
    "HOSTNAME",
    "HOSTTYPE",
    "LINENO",
    "MACHTYPE",
    "OSTYPE",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "USER",
    "LOGNAME",
];

/// Whether a value that is known holds a command substitution.
fn holds_substitution(value: &Value) -> bool {
    value.candidates().into_iter().any(
        |one| matches!(one, Candidate::Exact(text) if text.contains("$(") || text.contains('`')),
    )
}

/// Functions of make whose names no program has.
const MAKE_FUNCTIONS: [&str; 14] = [
    "addprefix",
    "addsuffix",
    "call",
    "filter-out",
    "firstword",
    "foreach",
    "lastword",
    "notdir",
    "patsubst",
    "subst",
    "wildcard",
    "word",
    "wordlist",
    "words",
];

/// Whether it is the name of a variable.
fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Walker<'_> {
    /// What may stand for something nothing in the text sets: empty, or anything.
    pub(super) fn unset(&self, why: Why) -> Value {
        Value::Either(vec![Value::Exact(String::new()), Value::Unknown(why)])
    }

    /// The value of `$name`.
    pub(super) fn lookup(&mut self, name: &str) -> Value {
        if let Some(value) = self.known(name) {
            return value;
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.unset(Why::Parameter(name.to_owned()));
        }
        self.unset(Why::UnsetVariable(name.to_owned()))
    }

    /// The value of `$name` when something sets it. `None`: perhaps the environment does, perhaps nobody.
    fn known(&mut self, name: &str) -> Option<Value> {
        if let Some(variable) = self.env.variable(name) {
            return Some(match &variable.bound {
                Bound::Unset => Value::Exact(String::new()),
                Bound::Scalar(value) => value.clone(),
                Bound::Indexed(values) => values
                    .first()
                    .cloned()
                    .unwrap_or_else(|| Value::Exact(String::new())),
                Bound::Associative(entries) => entries
                    .iter()
                    .find(|(key, _)| key == "0")
                    .map_or_else(|| Value::Exact(String::new()), |(_, value)| value.clone()),
            });
        }
        let run_time = |name: &str| Value::Unknown(Why::RunTimeValue(name.to_owned()));
        Some(match name {
            "HOME" => self.home(),
            "PWD" => self.env.cwd().clone(),
            "OLDPWD" => self.env.directories().old.clone()?,
            "USER" | "LOGNAME" if self.start.user.is_some() => {
                Value::Exact(self.start.user.clone().unwrap_or_default())
            }
            "IFS" => Value::Exact(String::from(" \t\n")),
            // A shell, whichever it is.
            "SHELL" => Value::Exact(String::from("/bin/sh")),
            "BASH" => Value::Exact(String::from("/bin/bash")),
            "PATH" => Value::Prefix(String::from("/"), Why::RunTimeValue(String::from("PATH"))),
            "0" => self.env.zero.clone(),
            "#" => match self.env.positional() {
                Some(values) => Value::Exact(values.len().to_string()),
                None => Value::Unknown(Why::Parameter(String::from("#"))),
            },
            "_" => self.last_argument(),
            "?" | "$" | "!" | "-" => Value::Unknown(Why::Parameter(name.to_owned())),
            _ if ALWAYS_SET.contains(&name) => run_time(name),
            _ if is_variable(name) => Value::Exact(self.start.usual(name)?),
            _ => {
                let number: usize = name.parse().ok()?;
                let values = self.env.positional()?;
                number
                    .checked_sub(1)
                    .and_then(|index| values.get(index))
                    .cloned()
                    .unwrap_or_else(|| Value::Exact(String::new()))
            }
        })
    }

    /// The value of a variable that something other than this shell puts into the text: of make's `$(NAME)`, or of
    /// `${{ env.NAME }}`. It may be anything, but is not left out by mistake.
    pub(super) fn put_in(&mut self, name: &str) -> Value {
        self.known(name)
            .unwrap_or_else(|| Value::Unknown(Why::PutIn(name.to_owned())))
    }

    /// What stands for `${{ expression }}`.
    pub(super) fn template(&mut self, expression: &str) -> Value {
        let expression = expression.trim();
        match expression.split_once('.') {
            // A credential's own name says that it is one.
            Some(("env" | "secrets" | "vars", name)) if is_variable(name) => self.put_in(name),
            // `github.workspace` is `GITHUB_WORKSPACE` in the environment.
            Some((family @ ("github" | "runner"), name)) if is_variable(name) => {
                let named = format!("{family}_{name}").to_ascii_uppercase();
                self.known(&named)
                    .unwrap_or_else(|| Value::Unknown(Why::PutIn(expression.to_owned())))
            }
            _ => Value::Unknown(Why::PutIn(expression.to_owned())),
        }
    }

    /// What make puts in for `$(NAME)` or `$(function arguments)`, which to a shell is the output of a program called
    /// so. No program has such a name, unless the text itself makes one.
    pub(super) fn made(&mut self, body: &Node) -> Option<Value> {
        let Node::Simple(simple) = body else {
            return None;
        };
        let (word, arguments) = simple.words.split_first()?;
        if !word.parts.is_empty() || !simple.assigns.is_empty() || !simple.redirs.is_empty() {
            return None;
        }
        let text = Rc::clone(&self.text);
        let name = word.span.of(&text.source);
        let known = if arguments.is_empty() {
            let upper = is_variable(name) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
            upper || (name.ends_with("dir") && self.start.usual(name).is_some())
        } else {
            MAKE_FUNCTIONS.contains(&name)
        };
        if !known {
            return None;
        }
        let own = self.env.function(name).is_some()
            || self.env.function(&format!("{name}=")).is_some()
            || self.env.variable("PATH").is_some();
        (!own).then(|| self.put_in(name))
    }

    /// `$_`: the last argument of the command before.
    fn last_argument(&self) -> Value {
        self.out
            .commands
            .last()
            .and_then(|command| command.words.last())
            .map_or_else(
                || Value::Unknown(Why::Parameter(String::from("_"))),
                |word| word.value.clone(),
            )
    }

    /// Expands `${..}` into the field that is being made.
    pub(super) fn parameter(&mut self, parameter: &Parameter, gather: &mut Gather, quoted: bool) {
        let text = Rc::clone(&self.text);
        let name = parameter.name.of(&text.source);
        if matches!(parameter.operator, Operator::Names) {
            let names: Vec<Value> = self.env.names(name).into_iter().map(Value::Exact).collect();
            self.list(&names, true, gather, quoted);
            return;
        }
        let index = parameter.index.as_ref();
        let all = index.map(|index| index.span.of(&text.source));
        if matches!(all, Some("@" | "*")) || matches!(name, "@" | "*") {
            let apart = all == Some("@") || name == "@";
            self.elements(parameter, name, index.is_some(), apart, gather, quoted);
            return;
        }
        let mut target = name.to_owned();
        let mut element = None;
        if let Some(index) = index {
            element = Some(self.single(index));
        }
        if parameter.indirect {
            let value = self.element(&target, element.as_ref());
            match value {
                Some(Value::Exact(inner)) => {
                    if let Some((array, key)) = inner
                        .strip_suffix(']')
                        .and_then(|inner| inner.split_once('['))
                    {
                        if matches!(key, "@" | "*") {
                            let values = self.all_elements(array, true);
                            self.list(&values.unwrap_or_default(), true, gather, quoted);
                            return;
                        }
                        element = Some(Value::Exact(key.to_owned()));
                        target = array.to_owned();
                    } else {
                        element = None;
                        target = inner;
                    }
                }
                Some(_) | None => {
                    let value = Value::Unknown(Why::Expansion);
                    self.add(&value, gather, quoted);
                    return;
                }
            }
        }
        if parameter.length {
            let value = match self.element(&target, element.as_ref()) {
                Some(value) => length_of(&value),
                None => Value::Unknown(Why::UnsetVariable(target)),
            };
            self.add(&value, gather, quoted);
            return;
        }
        let value = self.element(&target, element.as_ref());
        if let Operator::Default { kind, colon, word } = &parameter.operator {
            self.default(&target, value, (*kind, *colon, word), gather, quoted);
            return;
        }
        let value = value.unwrap_or_else(|| self.missing(&target));
        let value = self.apply(&parameter.operator, value, parameter.span);
        self.add(&value, gather, quoted);
    }

    /// `${x@P}` expands the value like a prompt: the substitutions in it run.
    fn prompt(&mut self, value: &Value, span: Slice) -> Value {
        let texts: Vec<String> = value
            .candidates()
            .into_iter()
            .filter_map(|candidate| match candidate {
                Candidate::Exact(text) => Some(format!(": \"{}\"", text.replace('"', "\\\""))),
                _ => None,
            })
            .collect();
        for source in texts {
            let Some(text) = self.nested(source, Place::Inside(self.span(span))) else {
                break;
            };
            let outer = std::mem::replace(&mut self.text, Rc::clone(&text));
            self.captured(&text.tree.root);
            self.text = outer;
        }
        Value::Unknown(Why::CommandOutput)
    }

    fn missing(&self, name: &str) -> Value {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            self.unset(Why::Parameter(name.to_owned()))
        } else {
            self.unset(Why::UnsetVariable(name.to_owned()))
        }
    }

    /// A variable or one element of it, when something sets it.
    fn element(&mut self, name: &str, key: Option<&Value>) -> Option<Value> {
        let Some(key) = key else {
            return self.known(name);
        };
        let Some(bound) = self.env.variable(name).map(|held| held.bound.clone()) else {
            // What a subscript runs, it runs for an array that nothing sets as well.
            self.arithmetic_value(key, super::syntax::tree::Slice::default());
            return None;
        };
        match bound {
            Bound::Associative(entries) => Some(match key {
                Value::Exact(key) => entries
                    .iter()
                    .find(|(other, _)| other == key)
                    .or_else(|| entries.iter().find(|(other, _)| other == "*"))
                    .map_or_else(|| Value::Exact(String::new()), |(_, value)| value.clone()),
                _ => either_or(entries.into_iter().map(|(_, value)| value).collect()),
            }),
            bound => {
                let values = match bound {
                    Bound::Indexed(values) => values,
                    Bound::Scalar(value) => vec![value],
                    _ => Vec::new(),
                };
                let index = self.arithmetic_value(key, super::syntax::tree::Slice::default());
                match index.exact().and_then(|text| text.parse::<i64>().ok()) {
                    Some(index) => {
                        let length = i64::try_from(values.len()).unwrap_or(i64::MAX);
                        let index = if index < 0 { index + length } else { index };
                        Some(
                            usize::try_from(index)
                                .ok()
                                .and_then(|index| values.get(index).cloned())
                                .unwrap_or_else(|| Value::Exact(String::new())),
                        )
                    }
                    None => Some(either_or(values)),
                }
            }
        }
    }

    /// All elements of an array, or the positional parameters. `None`: not known.
    fn all_elements(&mut self, name: &str, array: bool) -> Option<Vec<Value>> {
        if !array {
            return self.env.positional().map(<[Value]>::to_vec);
        }
        Some(match &self.env.variable(name)?.bound {
            Bound::Unset => Vec::new(),
            Bound::Scalar(value) => vec![value.clone()],
            Bound::Indexed(values) => values.clone(),
            Bound::Associative(entries) => entries.iter().map(|(_, value)| value.clone()).collect(),
        })
    }

    /// `${name[@]..}`, `${@..}`.
    fn elements(
        &mut self,
        parameter: &Parameter,
        name: &str,
        array: bool,
        apart: bool,
        gather: &mut Gather,
        quoted: bool,
    ) {
        if parameter.indirect && array {
            let keys: Option<Vec<Value>> = self.env.variable(name).map(|variable| match &variable
                .bound
            {
                Bound::Associative(entries) => entries
                    .iter()
                    .map(|(key, _)| Value::Exact(key.clone()))
                    .collect(),
                Bound::Indexed(values) => (0..values.len())
                    .map(|index| Value::Exact(index.to_string()))
                    .collect(),
                _ => vec![Value::Exact(String::from("0"))],
            });
            self.list(&keys.unwrap_or_default(), apart, gather, quoted);
            return;
        }
        let values = self.all_elements(name, array);
        if parameter.length {
            let value = values.map_or_else(
                || Value::Unknown(Why::UnsetVariable(name.to_owned())),
                |values| Value::Exact(values.len().to_string()),
            );
            self.add(&value, gather, quoted);
            return;
        }
        if let Operator::Default { kind, colon, word } = &parameter.operator {
            match values {
                Some(values) if !values.is_empty() && *kind != b'+' => {
                    self.list(&values, apart, gather, quoted);
                }
                Some(values) => {
                    let value = (!values.is_empty()).then(|| Value::Exact(String::from("x")));
                    let value = Some(value.unwrap_or_else(|| Value::Exact(String::new())));
                    self.default(name, value, (*kind, true, word), gather, quoted);
                }
                None => self.default(name, None, (*kind, *colon, word), gather, quoted),
            }
            return;
        }
        let Some(mut values) = values else {
            let value = self.missing(name);
            let value = self.apply(&parameter.operator, value, parameter.span);
            self.add(&value, gather, quoted);
            return;
        };
        if let Operator::Substring { offset, length } = &parameter.operator {
            match self.slice_list(&mut values, offset, length.as_ref(), array) {
                Some(()) => self.list(&values, apart, gather, quoted),
                None => {
                    let value = Value::Unknown(Why::Expansion);
                    self.add(&value, gather, quoted);
                }
            }
            return;
        }
        let values: Vec<Value> = values
            .into_iter()
            .map(|value| self.apply(&parameter.operator, value, parameter.span))
            .collect();
        self.list(&values, apart, gather, quoted);
    }

    /// `${a[@]:1:2}`; for positional parameters the first has number one, and zero is `$0`.
    fn slice_list(
        &mut self,
        values: &mut Vec<Value>,
        offset: &Word,
        length: Option<&Word>,
        array: bool,
    ) -> Option<()> {
        let offset = self.number(offset)?;
        let length = match length {
            Some(length) => Some(self.number(length)?),
            None => None,
        };
        let count = i64::try_from(values.len()).ok()?;
        let first = match (array, offset) {
            (_, offset) if offset < 0 => (count + offset).max(0),
            (true, offset) => offset,
            (false, 0) => {
                values.insert(0, self.env.zero.clone());
                0
            }
            (false, offset) => offset - 1,
        };
        let first = usize::try_from(first).ok()?.min(values.len());
        values.drain(..first);
        if let Some(length) = length {
            values.truncate(usize::try_from(length).ok()?);
        }
        Some(())
    }

    /// A word as a number.
    fn number(&mut self, word: &Word) -> Option<i64> {
        let value = self.single(word);
        let value = self.arithmetic_value(&value, word.span);
        value.exact()?.parse().ok()
    }

    /// `-`, `=`, `+`, `?`.
    fn default(
        &mut self,
        name: &str,
        value: Option<Value>,
        (kind, colon, word): (u8, bool, &Word),
        gather: &mut Gather,
        quoted: bool,
    ) {
        // Whether the parameter counts as set: yes, no, or not known.
        let unset = matches!(
            self.env.variable(name).map(|variable| &variable.bound),
            Some(Bound::Unset)
        );
        let set = match &value {
            None => None,
            Some(_) if unset => Some(false),
            Some(Value::Exact(text)) => Some(!(colon && text.is_empty())),
            Some(Value::Pattern(_)) => Some(true),
            Some(Value::Prefix(..)) => Some(true),
            Some(other) if !colon => {
                let _ = other;
                Some(true)
            }
            Some(_) => None,
        };
        match (kind, set) {
            (b'+', Some(false)) => gather_empty(gather, quoted),
            (b'+', Some(true)) => self.operand(word, gather, quoted),
            (b'+', None) => {
                let (word, from) = self.single_from(word);
                gather.fed_by(from);
                let value = either(vec![Value::Exact(String::new()), word]);
                self.add(&value, gather, quoted);
            }
            (_, Some(true)) => {
                let value = value.unwrap_or_else(|| self.missing(name));
                self.add(&value, gather, quoted);
            }
            (b'?', _) => {
                // The shell ends when it is empty, so it is not.
                self.single(word);
                let value = match value {
                    Some(value) => without_empty(value, name),
                    None => Value::Unknown(Why::UnsetVariable(name.to_owned())),
                };
                self.add(&value, gather, quoted);
            }
            (kind, set) => {
                if set == Some(false) && kind == b'-' {
                    self.operand(word, gather, quoted);
                    return;
                }
                let (default, from) = self.single_from(word);
                gather.fed_by(from);
                let result = if set == Some(false) {
                    default
                } else {
                    let otherwise = match value {
                        Some(value) => without_empty(value, name),
                        None => Value::Unknown(Why::UnsetVariable(name.to_owned())),
                    };
                    either(vec![default, otherwise])
                };
                if kind == b'=' {
                    self.env.bind_scalar(name, result.clone());
                }
                self.add(&result, gather, quoted);
            }
        }
    }

    /// The word of `${x:-word}`, whose own quotes decide how it is split.
    fn operand(&mut self, word: &Word, gather: &mut Gather, quoted: bool) {
        if word.parts.is_empty() {
            let value = Value::Exact(word.span.of(&self.text.source).to_owned());
            self.add(&value, gather, quoted);
        } else if quoted {
            let (value, from) = self.single_from(word);
            gather.fed_by(from);
            self.add(&value, gather, true);
        } else {
            self.operand_parts(&word.parts, gather);
        }
    }

    /// Applies an operator that looks at the value alone.
    fn apply(
        &mut self,
        operator: &Operator,
        value: Value,
        at: super::syntax::tree::Slice,
    ) -> Value {
        match operator {
            Operator::None | Operator::Names | Operator::Default { .. } => value,
            Operator::Case { upper, all } => {
                let (upper, all) = (*upper, *all);
                map_text(&value, &|text| change_case(text, upper, all))
            }
            Operator::Transform(b'P') if holds_substitution(&value) => self.prompt(&value, at),
            Operator::Transform(kind) => transform(*kind, value),
            Operator::Substring { offset, length } => {
                let Some(offset) = self.number(offset) else {
                    return Value::Unknown(Why::Expansion);
                };
                let length = match length {
                    Some(length) => match self.number(length) {
                        Some(length) => Some(length),
                        None => return Value::Unknown(Why::Expansion),
                    },
                    None => None,
                };
                each(value, &mut |value| substring(value, offset, length))
            }
            Operator::Trim {
                suffix,
                longest,
                pattern,
            } => {
                let Some(pattern) = pattern_text(self.pattern(pattern)) else {
                    return Value::Unknown(Why::Expansion);
                };
                let mut work = self.matching;
                let result = each(value, &mut |value| match value {
                    Value::Exact(text) => {
                        pattern::trim(&text, &pattern, *suffix, *longest, &mut work)
                            .map_or(Value::Unknown(Why::Limit), |text| {
                                Value::Exact(text.to_owned())
                            })
                    }
                    Value::Prefix(text, why) if *suffix => Value::Prefix(text, why),
                    Value::Pattern(names) => {
                        match pattern::trim_names(&names, &pattern, *suffix, *longest) {
                            Some(kept) => match pattern::literal(&kept) {
                                Some(text) => Value::Exact(text),
                                None => Value::Pattern(kept),
                            },
                            None => Value::Unknown(Why::Expansion),
                        }
                    }
                    Value::Prefix(_, why) | Value::Unknown(why) => Value::Unknown(why),
                    other => other,
                });
                self.matching = work;
                result
            }
            Operator::Replace {
                mode,
                pattern,
                with,
            } => {
                let pattern = pattern_text(self.pattern(pattern));
                let with = self.single(with);
                let (Some(pattern), Some(with)) = (pattern, with.exact()) else {
                    return Value::Unknown(Why::Expansion);
                };
                let anchor = match mode {
                    b'/' => Anchor::Every,
                    b'#' => Anchor::Start,
                    b'%' => Anchor::End,
                    _ => Anchor::First,
                };
                let mut work = self.matching;
                let result = each(value, &mut |value| match value {
                    Value::Exact(text) => {
                        pattern::replace(&text, &pattern, with, anchor, &mut work)
                            .map_or(Value::Unknown(Why::Limit), Value::Exact)
                    }
                    // What is replaced stands in the rest.
                    Value::Prefix(text, why)
                        if anchor != Anchor::Start
                            && pattern::replace(&text, &pattern, with, anchor, &mut work)
                                .is_some_and(|after| after == text) =>
                    {
                        Value::Prefix(text, why)
                    }
                    Value::Prefix(_, why) | Value::Unknown(why) => Value::Unknown(why),
                    _ => Value::Unknown(Why::Expansion),
                });
                self.matching = work;
                if let Value::Exact(text) = &result {
                    self.spend(text.len(), at);
                }
                result
            }
        }
    }
}

/// One of these values; empty when there are none.
fn either_or(values: Vec<Value>) -> Value {
    if values.is_empty() {
        return Value::Exact(String::new());
    }
    either(values)
}

fn gather_empty(gather: &mut Gather, quoted: bool) {
    if quoted {
        gather.mark_present();
    }
}

/// The value with the empty text left out.
fn without_empty(value: Value, name: &str) -> Value {
    let kept: Vec<Value> = match value {
        Value::Exact(text) => vec![Value::Exact(text)],
        Value::OneOf(texts) => texts.into_iter().map(Value::Exact).collect(),
        Value::Either(values) => values,
        other => return other,
    }
    .into_iter()
    .filter(|value| !matches!(value, Value::Exact(text) if text.is_empty()))
    .collect();
    if kept.is_empty() {
        return Value::Unknown(Why::UnsetVariable(name.to_owned()));
    }
    either(kept)
}

/// Applies a function to every alternative.
fn each(value: Value, apply: &mut dyn FnMut(Value) -> Value) -> Value {
    match value {
        Value::OneOf(texts) => either(
            texts
                .into_iter()
                .map(|text| apply(Value::Exact(text)))
                .collect(),
        ),
        Value::Either(values) => either(values.into_iter().map(apply).collect()),
        other => apply(other),
    }
}

/// A pattern as text in the form of [`Value::Pattern`].
fn pattern_text(value: Value) -> Option<String> {
    match value {
        Value::Pattern(pattern) => Some(pattern),
        Value::Exact(text) => Some(pattern::escape(&text)),
        _ => None,
    }
}

fn length_of(value: &Value) -> Value {
    match value {
        Value::Exact(text) => Value::Exact(text.chars().count().to_string()),
        Value::OneOf(texts) => either(
            texts
                .iter()
                .map(|text| Value::Exact(text.chars().count().to_string()))
                .collect(),
        ),
        Value::Prefix(_, why) | Value::Unknown(why) => Value::Unknown(why.clone()),
        _ => Value::Unknown(Why::Expansion),
    }
}

fn change_case(text: &str, upper: bool, all: bool) -> String {
    let change = |part: &str| {
        if upper {
            part.to_uppercase()
        } else {
            part.to_lowercase()
        }
    };
    if all {
        return change(text);
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    let mut result = change(&text[..first]);
    result.push_str(&text[first..]);
    result
}

fn transform(kind: u8, value: Value) -> Value {
    match kind {
        b'U' => map_text(&value, &str::to_uppercase),
        b'L' => map_text(&value, &str::to_lowercase),
        b'u' => map_text(&value, &|text| change_case(text, true, false)),
        b'E' => map_text(&value, &ansi::decode),
        b'Q' => map_text(&value, &|text| {
            let mut draft = String::from("'");
            draft.push_str(&text.replace('\'', "'\\''"));
            draft.push('\'');
            draft
        }),
        _ => Value::Unknown(Why::Expansion),
    }
}

/// `${x:offset:length}` of one alternative. What is known of an open value may be enough.
fn substring(value: Value, offset: i64, length: Option<i64>) -> Value {
    let (text, why) = match value {
        Value::Exact(text) => (text, None),
        Value::Prefix(text, why) => (text, Some(why)),
        Value::Unknown(why) => (String::new(), Some(why)),
        _ => return Value::Unknown(Why::Expansion),
    };
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let start = if offset < 0 { count + offset } else { offset };
    let end = match length {
        None => count,
        Some(length) if length < 0 => count + length,
        Some(length) => start.saturating_add(length),
    };
    if let Some(why) = why {
        let settled = offset >= 0 && length.is_some_and(|length| length >= 0) && end <= count;
        if !settled {
            if offset >= 0 && start < count {
                let mut draft = Draft::default();
                let skip = usize::try_from(start).unwrap_or(0);
                draft.push(&text.chars().skip(skip).collect::<String>());
                draft.push_unknown(&why);
                return draft.finish();
            }
            return Value::Unknown(why);
        }
    }
    if start < 0 || start > count || end <= start {
        return Value::Exact(String::new());
    }
    let skip = usize::try_from(start).unwrap_or(0);
    let take = usize::try_from(end.min(count) - start).unwrap_or(0);
    Value::Exact(text.chars().skip(skip).take(take).collect())
}
