//! What an expression is known to be, and where it comes from.

use crate::shell::command::{Value, Why};

/// Folded text longer than this is no longer kept.
pub(super) const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The worst place that a part of a value comes from; the order is the rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The code itself.
    Code,
    /// Known only when it runs.
    RunTime,
    /// Decoded or computed from something that could not be folded.
    Decoded,
    /// The environment of the process, as a whole.
    Environment,
    /// One variable of the environment whose name says that it is secret.
    Secret,
    /// The contents of that file.
    File(Value),
    /// A response to a request to that URL or host.
    Downloaded(Value),
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::Code => 0,
            Self::RunTime => 1,
            Self::Decoded => 2,
            Self::Environment => 3,
            Self::Secret => 4,
            Self::File(_) => 5,
            Self::Downloaded(_) => 6,
        }
    }

    /// The worse of two.
    pub fn join(self, other: Self) -> Self {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }
}

/// What kind of value it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, and where it stands unchanged in the code.
    Text(Value, Option<usize>),
    /// A whole number.
    Number(i64),
    /// A list whose elements are known one by one.
    List(Vec<Val>),
    /// Named values: options, dictionaries, hashes.
    Map(Vec<(String, Val)>),
    /// Something the library defines, by its dotted name.
    Name(String),
    /// What a constructor or function of the library made.
    Object(&'static str, Vec<Val>),
    /// An attribute of a value that is no name.
    Method(Box<Val>, String),
    /// A function that the text defines, by its number.
    Function(usize),
    /// A class that the text defines, by its number.
    Class(usize),
    /// An object of such a class.
    Instance(usize),
    /// A function or attribute whose name is computed.
    Computed,
    /// Nothing is known; who holds it.
    Opaque(String),
}

/// The value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Val {
    pub kind: Kind,
    pub origin: Origin,
}

impl Val {
    pub fn text(text: impl Into<String>) -> Self {
        Self::value(Value::Exact(text.into()))
    }

    pub fn value(value: Value) -> Self {
        Self {
            kind: Kind::Text(value, None),
            origin: Origin::Code,
        }
    }

    pub fn opaque(who: &str) -> Self {
        Self {
            kind: Kind::Opaque(who.to_owned()),
            origin: Origin::RunTime,
        }
    }

    pub fn name(name: impl Into<String>) -> Self {
        Self {
            kind: Kind::Name(name.into()),
            origin: Origin::Code,
        }
    }

    pub fn function(id: usize) -> Self {
        Self {
            kind: Kind::Function(id),
            origin: Origin::Code,
        }
    }

    pub fn list(items: Vec<Self>) -> Self {
        let origin = items.iter().fold(Origin::Code, |origin, item| {
            origin.join(item.origin.clone())
        });
        Self {
            kind: Kind::List(items),
            origin,
        }
    }

    pub fn number(number: i64) -> Self {
        Self {
            kind: Kind::Number(number),
            origin: Origin::Code,
        }
    }

    pub fn object(of: &'static str, args: Vec<Self>) -> Self {
        let origin = args
            .iter()
            .fold(Origin::Code, |origin, arg| origin.join(arg.origin.clone()));
        Self {
            kind: Kind::Object(of, args),
            origin,
        }
    }

    #[must_use]
    pub fn from(mut self, origin: Origin) -> Self {
        self.origin = self.origin.join(origin);
        self
    }

    /// The text when it is known exactly.
    pub fn exact(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(Value::Exact(text), _) => Some(text),
            Kind::Object(_, args) => args.first().and_then(Self::exact),
            _ => None,
        }
    }

    /// Where the text stands unchanged.
    pub fn verbatim_at(&self) -> Option<usize> {
        match &self.kind {
            Kind::Text(_, at) => *at,
            _ => None,
        }
    }

    /// As the rest of the program speaks of values.
    pub fn as_value(&self) -> Value {
        match &self.kind {
            Kind::Text(value, _) => value.clone(),
            Kind::Number(number) => Value::Exact(number.to_string()),
            Kind::Name(name) => Value::Unknown(Why::RunTimeValue(name.clone())),
            Kind::Object(_, args) => match args.first() {
                Some(first) if !matches!(first.kind, Kind::Object(..)) => first.as_value(),
                _ => Value::Unknown(Why::Expansion),
            },
            Kind::Opaque(who)
                if who.bytes().all(|byte| byte.is_ascii_digit()) && !who.is_empty() =>
            {
                Value::Unknown(Why::Parameter(who.clone()))
            }
            Kind::Opaque(who) if who.is_empty() => Value::Unknown(Why::Expansion),
            Kind::Opaque(who) => Value::Unknown(Why::RunTimeValue(who.clone())),
            Kind::Method(_, name) => Value::Unknown(Why::RunTimeValue(name.clone())),
            Kind::List(_)
            | Kind::Map(_)
            | Kind::Computed
            | Kind::Function(_)
            | Kind::Class(_)
            | Kind::Instance(_) => Value::Unknown(Why::Expansion),
        }
    }

    /// Whether a condition on it holds for sure.
    pub fn is_true(&self) -> bool {
        match &self.kind {
            Kind::Number(number) => *number != 0,
            Kind::Name(name) => matches!(name.as_str(), "True" | "true" | "TRUE" | "T"),
            Kind::Text(Value::Exact(text), _) => !text.is_empty() && text != "0",
            _ => false,
        }
    }

    /// How many bytes a copy of it takes, roughly.
    pub fn size(&self) -> usize {
        match &self.kind {
            Kind::Text(value, _) => value_size(value),
            Kind::List(items) | Kind::Object(_, items) => {
                items.iter().map(Self::size).sum::<usize>() + 16
            }
            Kind::Map(items) => {
                items
                    .iter()
                    .map(|(name, item)| name.len() + item.size())
                    .sum::<usize>()
                    + 16
            }
            Kind::Name(name) | Kind::Opaque(name) => name.len(),
            Kind::Method(on, name) => on.size() + name.len(),
            _ => 8,
        }
    }
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Exact(text) | Value::Pattern(text) | Value::Prefix(text, _) => text.len() + 8,
        Value::OneOf(texts) => texts.iter().map(|text| text.len() + 8).sum(),
        Value::Unknown(_) => 8,
        Value::Either(values) => values.iter().map(value_size).sum(),
    }
}

/// One text after the other.
pub(super) fn concat(left: Value, right: &Value) -> Value {
    match (left, right) {
        // `/proc/` and a number that is not known, and what stands behind it: of some process.
        (Value::Prefix(text, _), Value::Exact(more))
            if text == "/proc/" && more.starts_with('/') =>
        {
            Value::Pattern(format!("{text}*{more}"))
        }
        (Value::Exact(mut text), Value::Exact(more)) => {
            if text.len() + more.len() > MAX_TEXT_BYTES {
                return Value::Prefix(text, Why::Limit);
            }
            text.push_str(more);
            Value::Exact(text)
        }
        (Value::Exact(text), Value::Pattern(more))
        | (Value::Pattern(text), Value::Exact(more) | Value::Pattern(more)) => {
            bounded(text, more).map_or(Value::Unknown(Why::Limit), Value::Pattern)
        }
        (Value::Exact(text), Value::OneOf(ends)) => Value::OneOf(
            ends.iter()
                .filter_map(|end| bounded(text.clone(), end))
                .collect(),
        ),
        (Value::OneOf(begins), Value::Exact(end)) => Value::OneOf(
            begins
                .into_iter()
                .filter_map(|begin| bounded(begin, end))
                .collect(),
        ),
        (Value::Exact(text), Value::Prefix(more, why)) => match bounded(text, more) {
            Some(text) => Value::Prefix(text, why.clone()),
            None => Value::Unknown(Why::Limit),
        },
        (Value::Exact(text), Value::Unknown(why)) if text.is_empty() => Value::Unknown(why.clone()),
        (Value::Exact(text), Value::Unknown(why)) => Value::Prefix(text, why.clone()),
        (prefix @ Value::Prefix(..), _) => prefix,
        (Value::Pattern(text), _) => Value::Prefix(text, Why::Expansion),
        (Value::OneOf(_) | Value::Either(_), _) => Value::Unknown(Why::Expansion),
        (Value::Exact(_), Value::Either(_)) => Value::Unknown(Why::Expansion),
        (Value::Unknown(why), _) => Value::Unknown(why),
    }
}

fn bounded(mut text: String, more: &str) -> Option<String> {
    if text.len() + more.len() > MAX_TEXT_BYTES {
        return None;
    }
    text.push_str(more);
    Some(text)
}

/// One of two values, when a condition decides.
pub(super) fn either(left: Val, right: Val) -> Val {
    if left == right {
        return left;
    }
    let origin = left.origin.clone().join(right.origin.clone());
    match (&left.kind, &right.kind) {
        (Kind::Text(one, _), Kind::Text(other, _)) => {
            let mut texts = Vec::new();
            for value in [one, other] {
                match value {
                    Value::Exact(text) => texts.push(text.clone()),
                    Value::OneOf(several) => texts.extend(several.iter().cloned()),
                    _ => return Val::opaque("").from(origin),
                }
            }
            let mut seen = std::collections::HashSet::new();
            texts.retain(|text: &String| seen.insert(text.clone()));
            if texts.len() > 8 {
                return Val::opaque("").from(origin);
            }
            Val::value(Value::OneOf(texts)).from(origin)
        }
        _ => Val {
            kind: right.kind,
            origin,
        },
    }
}
