//! How much a call sends away: what a budget over bytes counts. Pure; the sizes of files are told from outside.

use crate::actions::{Action, ActionKind};
use crate::facts::Sends;
use crate::json::{StringRole, Value};

/// What `actions` would carry away, as far as the call shows it; `None` where none of them sends anything elsewhere.
///
/// All texts of the arguments count, for any of them may be what is sent; so do the files that are read in the same call
/// where what is sent carries data of files. `size` says how long a file is, `None` for what is none or cannot be read.
#[must_use]
pub fn sends(
    actions: &[Action],
    args: &Value,
    size: impl Fn(&str) -> Option<u64>,
) -> Option<Sends> {
    let mut senders = actions.iter().filter(|action| leaves(action)).peekable();
    senders.peek()?;
    let mut sends = Sends {
        bytes: texts(args),
        exact: true,
    };
    if senders.any(carries_files) {
        let mut files: Vec<Option<&str>> = actions
            .iter()
            .filter(|action| matches!(action.kind, ActionKind::FsRead | ActionKind::CredentialRead))
            .map(|action| {
                let here = action.target.exact && action.on.is_none();
                here.then_some(action.target.value.as_str())
            })
            .collect();
        files.sort_unstable();
        files.dedup();
        sends.exact = !files.is_empty();
        for file in files {
            match file.and_then(&size) {
                Some(bytes) => sends.bytes = sends.bytes.saturating_add(bytes),
                None => sends.exact = false,
            }
        }
    }
    Some(sends)
}

/// Whether data goes to another machine or to people.
fn leaves(action: &Action) -> bool {
    let sends = match action.kind {
        ActionKind::NetSend | ActionKind::MessageSend => true,
        ActionKind::NetFetch => action.has("local_data") || action.has("method_write"),
        _ => false,
    };
    sends && !action.has("loopback")
}

fn carries_files(action: &Action) -> bool {
    ["local_data", "outside_data", "secret", "upload"]
        .iter()
        .any(|attribute| action.has(attribute))
}

/// The bytes of every text below a value.
fn texts(value: &Value) -> u64 {
    let mut bytes: u64 = 0;
    value.each_string(&mut |_, text, role| {
        if role == StringRole::Value {
            bytes = bytes.saturating_add(text.len() as u64);
        }
    });
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::{Certainty, Target};

    fn action(kind: ActionKind, target: &str, attributes: &[&str]) -> Action {
        Action {
            at: String::from("/command"),
            attributes: attributes.iter().map(ToString::to_string).collect(),
            by: String::from("curl"),
            certainty: Certainty::Certain,
            kind,
            on: None,
            reason: None,
            safer: None,
            span: None,
            target: Target::named(target),
        }
    }

    fn told(actions: &[Action]) -> Option<(u64, bool)> {
        let args = Value::Object(vec![
            (String::from("body"), Value::from("hello")),
            (
                String::from("to"),
                Value::Array(vec![Value::from("x"), Value::Int(7)]),
            ),
        ]);
        let size = |path: &str| (path == "/w/a").then_some(100);
        sends(actions, &args, size).map(|sends| (sends.bytes, sends.exact))
    }

    #[test]
    fn what_a_call_sends_is_its_texts_and_the_files_it_carries() {
        use ActionKind::{FsRead, MessageSend, NetFetch, NetSend};
        let send = |attributes: &[&str]| action(NetSend, "https://x.io", attributes);
        let read = |path: &str| action(FsRead, path, &[]);
        for (actions, expected) in [
            (vec![], None),
            (vec![read("/w/a")], None),
            (vec![action(NetFetch, "https://x.io", &[])], None),
            (vec![send(&["loopback"])], None),
            (vec![send(&[])], Some((6, true))),
            (vec![action(MessageSend, "#general", &[])], Some((6, true))),
            // A file that is read beside it, and one that goes along; twice is once.
            (vec![read("/w/a"), send(&[])], Some((6, true))),
            (
                vec![read("/w/a"), read("/w/a"), send(&["local_data"])],
                Some((106, true)),
            ),
            // What is not known is not nothing.
            (vec![send(&["local_data"])], Some((6, false))),
            (
                vec![read("/w/a"), read("/w/b"), send(&["upload"])],
                Some((106, false)),
            ),
        ] {
            assert_eq!(told(&actions), expected, "{actions:?}");
        }
        let elsewhere = Action {
            on: Some(String::from("ssh:h")),
            ..read("/w/a")
        };
        assert_eq!(told(&[elsewhere, send(&["upload"])]), Some((6, false)));
    }
}
