//! Assignments: scalars, arrays, elements, appending.

use super::command::{Assignment, Value, Why};
use super::draft::{Draft, either};
use super::env::Bound;
use super::syntax::tree::{Assign, Assigned, Element, Slice};
use super::walk::Walker;

/// What an element of an array counts against the budget of bytes whenever the array is copied.
const ELEMENT_COST: usize = 32;

impl Walker<'_> {
    pub(super) fn assign(&mut self, assign: &Assign, into: &mut Vec<Assignment>) {
        let name = assign.name.of(&self.text.source).to_owned();
        let span = self.span(assign.span);
        let value = match &assign.value {
            Assigned::Array(elements) => {
                let bound = self.array(elements);
                let value = array_value(&bound);
                self.store_array(&name, bound, assign.append);
                value
            }
            Assigned::Scalar(word) => {
                let key = assign.index.as_ref().map(|index| self.single(index));
                let value = self.single(word);
                self.store(&name, key.as_ref(), value, assign.append, assign.span)
            }
        };
        into.push(Assignment { name, value, span });
    }

    /// The elements of an array literal.
    pub(super) fn array(&mut self, elements: &[Element]) -> Bound {
        let mut values: Vec<Value> = Vec::new();
        let mut keyed: Vec<(String, Value)> = Vec::new();
        for element in elements {
            if let Some(key) = &element.key {
                let key = self.single(key);
                let value = self.single(&element.value);
                if let Value::Exact(key) = key {
                    keyed.push((key, value));
                } else {
                    keyed.push((String::from("*"), value));
                }
            } else {
                let mut fields = Vec::new();
                self.fields(&element.value, &mut fields);
                values.extend(fields.into_iter().map(|field| field.value));
            }
        }
        if keyed.is_empty() {
            return Bound::Indexed(values);
        }
        let in_order = values.is_empty()
            && keyed
                .iter()
                .enumerate()
                .all(|(index, (key, _))| *key == index.to_string());
        if in_order {
            return Bound::Indexed(keyed.into_iter().map(|(_, value)| value).collect());
        }
        Bound::Associative(keyed)
    }

    /// Stores an array; `append`: behind what is there.
    pub(super) fn store_array(&mut self, name: &str, bound: Bound, append: bool) {
        let bound = if append {
            match (
                self.env
                    .variable(name)
                    .map(|variable| variable.bound.clone()),
                bound,
            ) {
                (Some(Bound::Indexed(mut old)), Bound::Indexed(new)) => {
                    old.extend(new);
                    Bound::Indexed(old)
                }
                (Some(Bound::Scalar(old)), Bound::Indexed(new)) => {
                    let mut all = vec![old];
                    all.extend(new);
                    Bound::Indexed(all)
                }
                (Some(Bound::Associative(mut old)), Bound::Associative(new)) => {
                    old.retain(|(key, _)| !new.iter().any(|(other, _)| other == key));
                    old.extend(new);
                    Bound::Associative(old)
                }
                (_, bound) => bound,
            }
        } else {
            bound
        };
        // An array is copied when it changes and when its scope is asked for.
        if let Bound::Indexed(values) = &bound {
            let cost = values.len() * ELEMENT_COST;
            self.spend(cost, Slice::default());
        }
        self.env.bind(name, bound);
    }

    /// Stores a value; gives back what the variable then holds.
    pub(super) fn store(
        &mut self,
        name: &str,
        key: Option<&Value>,
        value: Value,
        append: bool,
        at: Slice,
    ) -> Value {
        let variable = self.env.variable(name).cloned();
        let integer = variable.as_ref().is_some_and(|variable| variable.integer);
        let value = if integer {
            self.arithmetic_value(&value, at)
        } else {
            value
        };
        if let Some(key) = key {
            self.store_element(name, key, value.clone(), append, at);
            return value;
        }
        if !append {
            self.env.bind_scalar(name, value.clone());
            return value;
        }
        let old = match variable.map(|variable| variable.bound) {
            None => either(vec![
                Value::Exact(String::new()),
                Value::Unknown(Why::UnsetVariable(name.to_owned())),
            ]),
            Some(Bound::Unset) => Value::Exact(String::new()),
            Some(Bound::Scalar(old)) => old,
            Some(Bound::Indexed(mut values)) => {
                if values.is_empty() {
                    values.push(value.clone());
                } else {
                    values[0] = concatenated(&values[0], &value);
                }
                self.env.bind(name, Bound::Indexed(values));
                return value;
            }
            Some(Bound::Associative(_)) => return value,
        };
        let joined = if integer {
            let mut sum = Draft::default();
            sum.push_value(&old, false);
            sum.push("+");
            sum.push_value(&value, false);
            self.arithmetic_value(&sum.finish(), at)
        } else {
            concatenated(&old, &value)
        };
        if let Value::Exact(text) = &joined {
            let length = text.len();
            self.spend(length, at);
        }
        self.env.bind_scalar(name, joined.clone());
        joined
    }

    fn store_element(&mut self, name: &str, key: &Value, value: Value, append: bool, at: Slice) {
        let bound = self
            .env
            .variable(name)
            .map(|variable| variable.bound.clone());
        let bound = match bound {
            Some(Bound::Associative(mut entries)) => {
                let key = key.exact().unwrap_or("*").to_owned();
                match entries.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, old)) if append => *old = concatenated(old, &value),
                    Some((_, old)) => *old = value,
                    None => entries.push((key, value)),
                }
                self.spend(entries.len() * ELEMENT_COST, at);
                Bound::Associative(entries)
            }
            other => {
                let mut values = match other {
                    Some(Bound::Indexed(values)) => values,
                    Some(Bound::Scalar(value)) => vec![value],
                    _ => Vec::new(),
                };
                self.spend(values.len() * ELEMENT_COST, at);
                let index = self.arithmetic_value(key, at);
                match index.exact().and_then(|text| text.parse::<usize>().ok()) {
                    Some(index) if index < values.len() => {
                        values[index] = if append {
                            concatenated(&values[index], &value)
                        } else {
                            value
                        };
                        Bound::Indexed(values)
                    }
                    // With a gap before it, the element is found by its number alone.
                    Some(index) if index > values.len() => {
                        let mut entries: Vec<(String, Value)> = values
                            .into_iter()
                            .enumerate()
                            .map(|(index, value)| (index.to_string(), value))
                            .collect();
                        entries.push((index.to_string(), value));
                        Bound::Associative(entries)
                    }
                    _ => {
                        values.push(value);
                        Bound::Indexed(values)
                    }
                }
            }
        };
        self.env.bind(name, bound);
    }
}

fn concatenated(left: &Value, right: &Value) -> Value {
    let mut draft = Draft::default();
    draft.push_value(left, false);
    draft.push_value(right, false);
    draft.finish()
}

/// An array as one value: its elements with blanks between.
pub(super) fn array_value(bound: &Bound) -> Value {
    let values: Vec<&Value> = match bound {
        Bound::Unset => Vec::new(),
        Bound::Scalar(value) => vec![value],
        Bound::Indexed(values) => values.iter().collect(),
        Bound::Associative(entries) => entries.iter().map(|(_, value)| value).collect(),
    };
    let mut draft = Draft::default();
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            draft.push(" ");
        }
        draft.push_value(value, false);
    }
    draft.finish()
}
