//! Paths: joining, parents, methods of path objects.

use crate::actions::code::value::{Origin, Val, concat};
use crate::actions::code::walk::Args;
use crate::shell::command::Value;
// ---- paths

/// A path object of these parts.
pub(in crate::actions::code) fn path_join(parts: &[Val]) -> Val {
    let origin = parts.iter().fold(Origin::Code, |origin, part| {
        origin.join(part.origin.clone())
    });
    Val::object("path", vec![Val::value(joined_path(parts)).from(origin)])
}

pub(super) fn joined_path(parts: &[Val]) -> Value {
    let mut value = Value::Exact(String::new());
    for (index, part) in parts.iter().enumerate() {
        let next = part.as_value();
        let absolute = matches!(&next, Value::Exact(text) | Value::Prefix(text, _) | Value::Pattern(text) if text.starts_with('/') || text.starts_with('~'));
        if absolute || index == 0 {
            value = next;
            continue;
        }
        let ends = matches!(&value, Value::Exact(text) if text.is_empty() || text.ends_with('/'));
        if !ends {
            value = concat(value, &Value::Exact(String::from("/")));
        }
        value = concat(value, &next);
    }
    value
}

/// The directory that holds a path.
pub(in crate::actions::code) fn parent(args: &[Val]) -> Val {
    let path = args
        .first()
        .and_then(Val::exact)
        .map(|path| Val::text(directory(path)));
    Val::object("path", vec![path.unwrap_or_else(|| Val::opaque("parent"))])
}

pub(super) fn directory(path: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => String::from("/"),
        Some((parent, _)) => parent.to_owned(),
        None if path.starts_with('/') => String::from("/"),
        None if path == "." => String::from("."),
        None => String::from("."),
    }
}

/// A method of a path that gives another path.
pub(in crate::actions::code) fn path_method(held: &[Val], name: &str, args: &Args) -> Option<Val> {
    let this = held.first().cloned().unwrap_or_else(|| Val::opaque("path"));
    Some(match name {
        "resolve" | "absolute" | "expanduser" | "expand_path" | "as_posix" | "__str__" | "to_s"
        | "cleanpath" | "realpath" | "with_suffix" => Val::object("path", vec![this]),
        "joinpath" | "join" | "/" | "+" => {
            let mut parts = vec![this];
            parts.extend(args.pos.iter().cloned());
            path_join(&parts)
        }
        "glob" | "rglob" | "iterdir" | "walk" | "children" | "each_child" => {
            let pattern = args.pos.first().and_then(Val::exact).unwrap_or("*");
            let pattern = if name == "rglob" {
                format!("**/{pattern}")
            } else {
                pattern.to_owned()
            };
            Val::object(
                "path",
                vec![Val::value(concat(slashed(&this), &Value::Pattern(pattern)))],
            )
        }
        "dirname" | "parent" => parent(held),
        "exists" | "is_file" | "is_dir" | "stat" | "exist?" => Val::opaque(""),
        _ => return None,
    })
}

pub(super) fn slashed(path: &Val) -> Value {
    let value = path.as_value();
    match &value {
        Value::Exact(text) if text.ends_with('/') => value,
        _ => concat(value, &Value::Exact(String::from("/"))),
    }
}
