//! A JSON value that keeps the order of its members.

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A JSON value. Objects keep the order of the input and have no duplicate names.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number without fraction or exponent that fits.
    Int(i64),
    /// Any other number; finite.
    Float(f64),
    /// A string.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Members in input order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The member of an object; `None` for other values or names.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(held, _)| held == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number when it is an integer.
    #[must_use]
    pub const fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The text of a member that is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_str)
    }

    /// The value at a JSON Pointer (RFC 6901); the whole value for the empty pointer.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut at = self;
        for step in pointer.strip_prefix('/')?.split('/') {
            at = match at {
                Self::Array(items) => items.get(array_index(step)?)?,
                Self::Object(_) if step.contains('~') => {
                    at.get(&step.replace("~1", "/").replace("~0", "~"))?
                }
                Self::Object(_) => at.get(step)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// Calls `visit` with the pointer and value of everything at a pointer in which a step `*` stands for every member
    /// or item of that level.
    pub fn each_at<'a>(&'a self, pattern: &str, visit: &mut impl FnMut(&str, &'a Self)) {
        let Some(steps) = pattern.strip_prefix('/') else {
            if pattern.is_empty() {
                visit("", self);
            }
            return;
        };
        let steps: Vec<String> = steps
            .split('/')
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect();
        self.each_below(&steps, &mut String::with_capacity(64), visit);
    }

    fn each_below<'a>(
        &'a self,
        steps: &[String],
        pointer: &mut String,
        visit: &mut impl FnMut(&str, &'a Self),
    ) {
        let Some((step, rest)) = steps.split_first() else {
            return visit(pointer, self);
        };
        let mut descend = |name: &str, value: &'a Self| {
            let length = pointer.len();
            pointer_push(pointer, name);
            value.each_below(rest, pointer, visit);
            pointer.truncate(length);
        };
        match self {
            Self::Array(items) if step == "*" => {
                for (index, item) in items.iter().enumerate() {
                    descend(&index.to_string(), item);
                }
            }
            Self::Object(members) if step == "*" => {
                for (name, value) in members {
                    descend(name, value);
                }
            }
            Self::Array(items) => {
                if let Some(item) = array_index(step).and_then(|index| items.get(index)) {
                    descend(step, item);
                }
            }
            Self::Object(_) => {
                if let Some(value) = self.get(step) {
                    descend(step, value);
                }
            }
            _ => {}
        }
    }

    /// Calls `visit` with the pointer and text of every string value, depth first.
    /// Member names are visited too, with the pointer of their member.
    pub fn each_string<'a>(&'a self, visit: &mut impl FnMut(&str, &'a str, StringRole)) {
        let mut pointer = String::with_capacity(64);
        self.walk(&mut pointer, visit);
    }

    fn walk<'a>(&'a self, pointer: &mut String, visit: &mut impl FnMut(&str, &'a str, StringRole)) {
        match self {
            Self::String(text) => visit(pointer, text, StringRole::Value),
            Self::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let length = pointer.len();
                    pointer_push(pointer, &index.to_string());
                    item.walk(pointer, visit);
                    pointer.truncate(length);
                }
            }
            Self::Object(members) => {
                for (name, value) in members {
                    let length = pointer.len();
                    pointer_push(pointer, name);
                    visit(pointer, name, StringRole::Name);
                    value.walk(pointer, visit);
                    pointer.truncate(length);
                }
            }
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) => {}
        }
    }
}

/// Whether a visited string is a value or the name of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringRole {
    /// A string value.
    Value,
    /// A member's name.
    Name,
}

/// A position as RFC 6901 writes it: digits, and no zero before others.
fn array_index(step: &str) -> Option<usize> {
    let sound =
        step.bytes().all(|byte| byte.is_ascii_digit()) && (step == "0" || !step.starts_with('0'));
    sound.then(|| step.parse().ok())?
}

/// Appends one step to a JSON Pointer, escaped as RFC 6901 says.
pub fn pointer_push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for character in step.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Float(number as f64), Self::Int)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// What a duplicate name is reported as; `read` turns it into its own kind.
pub(super) const DUPLICATE: &str = "duplicate object name";

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        // A set beside the list only once the list is long: most objects have a handful of members.
        let mut seen: Option<std::collections::HashSet<String>> = None;
        while let Some(name) = map.next_key::<String>()? {
            let duplicate = if let Some(seen) = &mut seen {
                !seen.insert(name.clone())
            } else {
                members.iter().any(|(held, _)| *held == name)
            };
            if duplicate {
                return Err(serde::de::Error::custom(DUPLICATE));
            }
            members.push((name, map.next_value()?));
            if seen.is_none() && members.len() > 16 {
                seen = Some(members.iter().map(|(held, _)| held.clone()).collect());
            }
        }
        Ok(Value::Object(members))
    }
}
