//! Format strings.

use super::character_of;
use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::walk::Args;
use crate::shell::command::{Value, Why};
/// Python's `%`, and everybody's remainder.
pub(in crate::actions::code) fn percent(left: Val, right: &Val) -> Val {
    match (&left.kind, &right.kind) {
        (Kind::Number(one), Kind::Number(other)) => one
            .checked_rem(*other)
            .map_or_else(|| Val::opaque(""), Val::number),
        (Kind::Text(Value::Exact(format), _), Kind::List(items)) => printf(format, items),
        (Kind::Text(Value::Exact(format), _), _) => printf(format, std::slice::from_ref(right)),
        _ => Val::opaque("")
            .from(left.origin.clone())
            .from(right.origin.clone()),
    }
}

/// `printf` with its simple directives; others end what is known.
pub(super) fn printf(format: &str, items: &[Val]) -> Val {
    let mut value = Value::Exact(String::new());
    let mut origin = Origin::Code;
    let mut items = items.iter();
    let mut rest = format;
    while let Some(found) = rest.find('%') {
        value = concat(value, &Value::Exact(rest[..found].to_owned()));
        let directive = &rest[found + 1..];
        let end = directive
            .find(|character: char| character.is_ascii_alphabetic() || character == '%')
            .map_or(directive.len(), |end| end + 1);
        match directive.as_bytes().get(end.saturating_sub(1)) {
            Some(b'%') => value = concat(value, &Value::Exact(String::from("%"))),
            Some(b's' | b'd' | b'i' | b'r' | b'u') => {
                let Some(item) = items.next() else {
                    return Val::value(concat(value, &Value::Unknown(Why::Expansion)));
                };
                origin = origin.join(item.origin.clone());
                value = concat(value, &item.as_value());
            }
            Some(b'c') => {
                let item = items.next().map_or_else(|| Val::opaque(""), character_of);
                value = concat(value, &item.as_value());
            }
            _ => return Val::value(concat(value, &Value::Unknown(Why::Expansion))).from(origin),
        }
        rest = &directive[end..];
    }
    Val::value(concat(value, &Value::Exact(rest.to_owned()))).from(origin)
}

/// Python's `str.format` with plain fields.
pub(super) fn braces(format: &str, args: &Args) -> Val {
    let mut value = Value::Exact(String::new());
    let mut origin = Origin::Code;
    let mut next = 0;
    let mut rest = format;
    while let Some(found) = rest.find(['{', '}']) {
        value = concat(value, &Value::Exact(rest[..found].to_owned()));
        let sign = &rest[found..found + 1];
        if rest[found + 1..].starts_with(sign) {
            value = concat(value, &Value::Exact(sign.to_owned()));
            rest = &rest[found + 2..];
            continue;
        }
        let Some(close) = rest[found..].find('}') else {
            break;
        };
        let field = rest[found + 1..found + close.max(1)]
            .split([':', '!'])
            .next()
            .unwrap_or("");
        let held = if field.is_empty() {
            next += 1;
            args.pos.get(next - 1)
        } else if let Ok(index) = field.parse::<usize>() {
            args.pos.get(index)
        } else {
            args.option(&[field])
        };
        let held = held.cloned().unwrap_or_else(|| Val::opaque(field));
        origin = origin.join(held.origin.clone());
        value = concat(value, &held.as_value());
        rest = &rest[found + close + 1..];
    }
    Val::value(concat(value, &Value::Exact(rest.to_owned()))).from(origin)
}
