//! What a variable may be after one of several courses.

use super::command::{Value, Why};
use super::draft::either;
use super::env::{Bound, Variable};

/// What a variable may be after one of several courses. Never set in one of them: empty, or from outside.
pub(super) fn join(name: &str, outcomes: Vec<Option<Variable>>) -> Option<Variable> {
    let mut distinct: Vec<Option<Variable>> = Vec::new();
    for outcome in outcomes {
        if !distinct.contains(&outcome) {
            distinct.push(outcome);
        }
    }
    if distinct.len() == 1 {
        return distinct.pop().flatten();
    }
    let mut values = Vec::new();
    for outcome in &distinct {
        match outcome {
            None => {
                values.push(Value::Exact(String::new()));
                values.push(Value::Unknown(Why::UnsetVariable(name.to_owned())));
            }
            Some(variable) => match &variable.bound {
                Bound::Unset => values.push(Value::Exact(String::new())),
                Bound::Scalar(value) => values.push(value.clone()),
                Bound::Indexed(_) | Bound::Associative(_) => {
                    // Arrays of different courses: the elements by position, where one has none it is empty.
                    return Some(join_arrays(&distinct));
                }
            },
        }
    }
    Some(Variable::plain(Bound::Scalar(either(values))))
}

fn join_arrays(outcomes: &[Option<Variable>]) -> Variable {
    let lists: Vec<Vec<Value>> = outcomes
        .iter()
        .map(
            |outcome| match outcome.as_ref().map(|variable| &variable.bound) {
                Some(Bound::Indexed(values)) => values.clone(),
                Some(Bound::Associative(entries)) => {
                    entries.iter().map(|(_, value)| value.clone()).collect()
                }
                Some(Bound::Scalar(value)) => vec![value.clone()],
                Some(Bound::Unset) | None => Vec::new(),
            },
        )
        .collect();
    let longest = lists.iter().map(Vec::len).max().unwrap_or_default();
    let joined = (0..longest)
        .map(|index| {
            either(
                lists
                    .iter()
                    .map(|list| {
                        list.get(index)
                            .cloned()
                            .unwrap_or_else(|| Value::Exact(String::new()))
                    })
                    .collect(),
            )
        })
        .collect();
    Variable::plain(Bound::Indexed(joined))
}
