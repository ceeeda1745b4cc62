//! What operators and conversions make of values.

use crate::actions::code::fold;
use crate::actions::code::value::{Kind, Origin, Val, concat, either};
use crate::actions::code::windows::native;
use crate::shell::command::{Value, Why};

pub(super) fn is_true(value: &Val) -> bool {
    match &value.kind {
        Kind::Name(name) => name == "true",
        Kind::Number(number) => *number != 0,
        _ => false,
    }
}

pub(super) fn listed(first: Val, next: Val) -> Val {
    match first.kind {
        Kind::List(mut items) => {
            items.push(next);
            Val::list(items)
        }
        kind => Val::list(vec![
            Val {
                kind,
                origin: first.origin,
            },
            next,
        ]),
    }
}

pub(super) fn flat(value: &Val) -> Vec<Val> {
    match &value.kind {
        Kind::List(items) => items.clone(),
        _ => vec![value.clone()],
    }
}

pub(super) fn element(value: &Val) -> Val {
    match &value.kind {
        Kind::List(items) if !items.is_empty() && items.len() <= 8 => {
            let mut items = items.iter().cloned();
            let first = items.next().unwrap_or_else(|| Val::opaque(""));
            items.fold(first, either)
        }
        Kind::Text(..) => value.clone(),
        _ => Val::opaque("_").from(value.origin.clone()),
    }
}

pub(super) fn as_character(value: &Val) -> Val {
    match &value.kind {
        Kind::Number(code) => fold::from_code(*code),
        _ => value.clone(),
    }
}

pub(super) fn range(from: &Val, to: &Val) -> Val {
    match (&from.kind, &to.kind) {
        (Kind::Number(from), Kind::Number(to)) if from.abs_diff(*to) <= 4096 => {
            let numbers: Vec<Val> = if from <= to {
                (*from..=*to).map(Val::number).collect()
            } else {
                (*to..=*from).rev().map(Val::number).collect()
            };
            Val::list(numbers)
        }
        _ => Val::opaque(""),
    }
}

pub(super) fn index_of(value: &Val, index: &Val) -> Val {
    let one = |index: &Val| match (&value.kind, &index.kind) {
        (Kind::Text(Value::Exact(text), _), Kind::Number(_)) => {
            fold::character(text, index).unwrap_or_else(|| Val::opaque(""))
        }
        (Kind::List(items), Kind::Number(number)) => {
            let at = if *number < 0 {
                usize::try_from(number.unsigned_abs())
                    .ok()
                    .and_then(|back| items.len().checked_sub(back))
            } else {
                usize::try_from(*number).ok()
            };
            at.and_then(|at| items.get(at))
                .cloned()
                .unwrap_or_else(|| Val::opaque(""))
        }
        _ => Val::opaque("").from(value.origin.clone()),
    };
    match &index.kind {
        Kind::List(indices) if indices.len() <= 4096 && value.size() <= 4096 => {
            Val::list(indices.iter().map(one).collect())
        }
        Kind::List(_) => Val::opaque(""),
        _ => one(index),
    }
}

pub(super) fn end_of(args: &[Val]) -> Option<Val> {
    match (
        args.first().map(|value| &value.kind),
        args.get(1).map(|value| &value.kind),
    ) {
        (Some(Kind::Number(from)), Some(Kind::Number(length))) => {
            Some(Val::number(from.saturating_add(*length)))
        }
        _ => None,
    }
}

pub(super) fn operate(left: &Val, operator: &str, operands: &[Val]) -> Val {
    let text = |index: usize| operands.get(index).and_then(Val::exact);
    let unknown = || Val::opaque("").from(left.origin.clone());
    match operator {
        "f" => {
            let Some(format) = left.exact() else {
                return unknown();
            };
            let mut items = Vec::new();
            for operand in operands {
                items.extend(flat(operand));
            }
            formatted(format, &items)
        }
        "join" => match (&left.kind, text(0)) {
            (Kind::List(items), Some(separator)) => {
                let mut value = Value::Exact(String::new());
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        value = concat(value, &Value::Exact(separator.to_owned()));
                    }
                    value = concat(value, &as_character_text(item));
                }
                Val::value(value).from(left.origin.clone())
            }
            (Kind::Text(..), _) => left.clone(),
            _ => unknown(),
        },
        "replace" | "creplace" | "ireplace" => match (left.exact(), text(0)) {
            (Some(subject), Some(from)) if !from.is_empty() => {
                let to = text(1).unwrap_or("");
                let plain = from.replace('\\', "");
                if subject.len().saturating_mul(to.len().max(1)) > 1 << 18 || plain.is_empty() {
                    return unknown();
                }
                Val::text(subject.replace(&plain, to))
            }
            _ => unknown(),
        },
        "split" => match (left.exact(), text(0)) {
            (Some(subject), Some(separator)) if !separator.is_empty() => {
                Val::list(subject.split(separator).take(4096).map(Val::text).collect())
            }
            _ => unknown(),
        },
        "as" => left.clone(),
        "bxor" => match (&left.kind, operands.first().map(|value| &value.kind)) {
            (Kind::Number(one), Some(Kind::Number(other))) => Val::number(one ^ other),
            _ => Val::opaque("").from(Origin::Decoded),
        },
        _ => Val::opaque("").from(left.origin.clone()),
    }
}

fn as_character_text(value: &Val) -> Value {
    value.as_value()
}

/// `'{1}{0}' -f 'a','b'`.
fn formatted(format: &str, items: &[Val]) -> Val {
    let mut value = Value::Exact(String::new());
    let mut rest = format;
    while let Some(open) = rest.find('{') {
        value = concat(value, &Value::Exact(rest[..open].to_owned()));
        let Some(close) = rest[open..].find('}') else {
            break;
        };
        let field = rest[open + 1..open + close]
            .split([':', ','])
            .next()
            .unwrap_or("");
        let held = field
            .trim()
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get(index));
        value = concat(
            value,
            &held.map_or(Value::Unknown(Why::Expansion), Val::as_value),
        );
        rest = &rest[open + close + 1..];
    }
    Val::value(concat(value, &Value::Exact(rest.to_owned())))
}

pub(super) fn decoded(bytes: Option<&Val>, wide: bool) -> Val {
    let hidden = || Val::opaque("").from(Origin::Decoded);
    let Some(bytes) = bytes else {
        return hidden();
    };
    match &bytes.kind {
        Kind::Object("bytes", held) => {
            let Some(text) = held.first().and_then(Val::exact) else {
                return hidden();
            };
            let decoded = if wide {
                native::decode_utf16(text)
            } else {
                fold::base64(text).and_then(|bytes| String::from_utf8(bytes).ok())
            };
            decoded.map_or_else(hidden, Val::text)
        }
        Kind::List(items) => {
            let characters = items.iter().map(as_character).collect::<Vec<_>>();
            operate(&Val::list(characters), "join", &[Val::text("")])
        }
        _ => hidden().from(bytes.origin.clone()),
    }
}

pub(super) fn flows(origin: &Origin) -> Vec<&'static str> {
    match origin {
        Origin::Secret | Origin::Environment => vec!["secret"],
        Origin::File(_) => vec!["local_data"],
        _ => Vec::new(),
    }
}

pub(super) fn endpoint(args: &[Val]) -> Value {
    match (
        args.first().map(Val::as_value),
        args.get(1).map(|port| &port.kind),
    ) {
        (Some(Value::Exact(host)), Some(Kind::Number(port))) => {
            Value::Exact(format!("{host}:{port}"))
        }
        (Some(host), _) => host,
        (None, _) => Value::Unknown(Why::Expansion),
    }
}
