//! Where the shell stands: `cd` and its kin, and what holds when a folder is not there to move to.

use super::command::{Command, Value, Why};
use super::draft::Draft;
use super::env::{Bound, Directories, MAX_STAYED, Otherwise};
use super::syntax::tree::{Node, Simple};
use super::walk::Walker;

/// How often it is looked for whether a text makes a folder, and how many commands back.
const MOST_LOOKED: usize = 64;
const MOST_BEFORE: usize = 256;

/// A move that may have failed unseen.
#[derive(Debug, Clone)]
pub(super) struct Move {
    /// The command.
    index: usize,
    /// Where the shell may stand besides, if the move did not fail.
    settled: Vec<Value>,
}

impl Walker<'_> {
    /// Where a name leads that shells look for in the folders of `CDPATH` before they look here.
    fn searched_directory(&self, index: usize, target: &Value) -> Option<Value> {
        let name = target.exact()?;
        let given = self.out.commands[index].assignments.iter();
        let listed = match given.rev().find(|one| one.name == "CDPATH") {
            Some(assignment) => assignment.value.exact(),
            None => match &self.env.variable("CDPATH")?.bound {
                Bound::Scalar(value) => value.exact(),
                _ => None,
            },
        }?;
        let first = listed.split(':').next().unwrap_or_default();
        let searched = !name.is_empty() && !name.starts_with(['/', '~', '.', '-']);
        (searched && first.starts_with(['/', '~']))
            .then(|| resolve_path(&Value::Exact(first.to_owned()), target))
    }

    /// `set -e` and `set +e`.
    pub(super) fn strict(&mut self, arguments: &[Value]) {
        let mut given = arguments.iter().filter_map(Value::exact);
        while let Some(word) = given.next() {
            let on = word.starts_with('-');
            let Some(letters) = word.strip_prefix(['-', '+']) else {
                return;
            };
            let named = letters.ends_with('o') && given.next() == Some("errexit");
            if named || letters.contains('e') {
                self.stops_at_failure = on;
            }
        }
    }

    /// The move that the last command was, if it was one: whoever goes on knows whether it failed.
    pub(super) fn just_moved(&self) -> Option<Move> {
        let last = |moved: &&Move| moved.index + 1 == self.out.commands.len();
        self.moved.as_ref().filter(last).cloned()
    }

    /// Goes on where a move has not failed; where the shell may stand besides if it had.
    pub(super) fn settle(&mut self, moved: &Move) -> Vec<Value> {
        let stayed = self.env.directories().stayed.clone();
        self.env.set_stayed(moved.settled.clone());
        stayed
    }

    /// Goes on where a move may have failed after all.
    pub(super) fn unsettle(&mut self, stayed: &[Value]) {
        let mut all = self.env.directories().stayed.clone();
        for folder in stayed {
            if !all.contains(folder) && all.len() < MAX_STAYED {
                all.push(folder.clone());
            }
        }
        self.env.set_stayed(all);
    }

    /// Whether whoever comes to the end of a node goes no further: `exit`, `{ echo no; return 1; }`, `die`.
    pub(super) fn leaves(&self, node: &Node) -> bool {
        match node {
            Node::Simple(simple) => self.is_way_out(simple),
            Node::Group(inner) | Node::Redirected(inner, _) => self.leaves(inner),
            Node::List(nodes) => nodes.iter().any(|node| self.leaves(node)),
            Node::AndOr(members) => members.iter().any(|(_, node)| self.leaves(node)),
            _ => false,
        }
    }

    fn is_way_out(&self, simple: &Simple) -> bool {
        let Some(word) = simple.words.first() else {
            return false;
        };
        let name = word.span.of(&self.text.source);
        matches!(name, "exit" | "return" | "break" | "continue" | "exec")
            || matches!(name, "die" | "fail" | "fatal" | "abort" | "bail" | "panic")
            || self.env.function(name).is_some_and(|function| {
                let source = function.source();
                source.contains("exit") || source.contains("return")
            })
    }
    pub(super) fn change_directory(&mut self, index: usize, arguments: &[Value]) {
        let target = arguments
            .iter()
            .find(|argument| !is_flag(argument))
            .cloned();
        let target = match target {
            None => self.home(),
            Some(Value::Exact(dash)) if dash == "-" => self
                .env
                .directories()
                .old
                .clone()
                .unwrap_or_else(|| Value::Unknown(Why::UnsetVariable(String::from("OLDPWD")))),
            Some(value) => self.searched_directory(index, &value).unwrap_or(value),
        };
        let mark = self.env.mark();
        let named = arguments.iter().any(|argument| !is_flag(argument));
        self.enter(index, &target, named);
        if is_refused(arguments) {
            self.env.reconsider(mark, Otherwise::Perhaps);
        }
    }

    fn enter_directory(&mut self, target: &Value) {
        let cwd = resolve_path(self.env.cwd(), target);
        let directories = self.env.directories();
        let directories = Directories {
            old: Some(directories.cwd.clone()),
            cwd,
            stack: directories.stack.clone(),
            stayed: Vec::new(),
        };
        self.env.set_directories(directories);
    }

    /// Moves to a folder that a command names, which may not be there.
    fn enter(&mut self, index: usize, target: &Value, named: bool) {
        let before = self.env.directories().clone();
        self.enter_directory(target);
        let Some(path) = target.exact().filter(|_| named) else {
            return;
        };
        let settled = match path.starts_with(['/', '~']) {
            true => Vec::new(),
            false => before.stayed.clone(),
        };
        let at_outset = before.cwd == *self.env.outset();
        let fails = !at_outset && !self.stops_at_failure && !self.is_there(index, path);
        let mut stayed = settled.clone();
        if fails {
            stayed.clone_from(&before.stayed);
            if !stayed.contains(&before.cwd) && stayed.len() < MAX_STAYED {
                stayed.push(before.cwd);
            }
        }
        self.env.set_stayed(stayed);
        self.moved = Some(Move { index, settled });
    }

    /// Whether a folder is there when a command moves to it: everybody has it, or the text made it before.
    fn is_there(&mut self, index: usize, path: &str) -> bool {
        let there = self.env.cwd();
        let plain = path.trim_end_matches('/');
        let is_usual = plain.rsplit('/').next() == Some("..")
            || plain.is_empty()
            || plain.starts_with('/') && plain.matches('/').count() == 1
            || path == "."
            || there == self.env.outset()
            || there.exact().is_some_and(|there| {
                [&self.start.home, &self.start.workspace]
                    .into_iter()
                    .flatten()
                    .any(|held| held == there)
            });
        self.looked += 1;
        if is_usual || self.looked > MOST_LOOKED {
            return true;
        }
        let names = |text: &str| {
            let text = text.trim_end_matches('/');
            text.strip_prefix(plain)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                || there.exact() == Some(text)
        };
        let first = index.saturating_sub(MOST_BEFORE);
        let before = self.out.commands[first..index].iter();
        let others = before.filter(|command| !is_move(command));
        others
            .flat_map(|command| &command.words)
            .filter_map(|word| word.value.exact())
            .any(names)
    }

    pub(super) fn push_directory(&mut self, index: usize, arguments: &[Value]) {
        let before = self.env.cwd().clone();
        let target = arguments.iter().find(|argument| {
            !argument
                .exact()
                .is_some_and(|text| text == "-n" || text.starts_with('+'))
        });
        let mut stack = self.env.directories().stack.clone();
        match target {
            Some(target) => {
                let found = self.searched_directory(index, target);
                let target = found.unwrap_or_else(|| target.clone());
                stack.push(before);
                if stack.len() > 64 {
                    stack.remove(0);
                }
                self.enter(index, &target, true);
            }
            None => {
                let Some(top) = stack.pop() else { return };
                stack.push(before);
                self.enter_directory(&top);
            }
        }
        let mut directories = self.env.directories().clone();
        directories.stack = stack;
        self.env.set_directories(directories);
    }

    pub(super) fn pop_directory(&mut self) {
        let mut stack = self.env.directories().stack.clone();
        let Some(top) = stack.pop() else { return };
        self.enter_directory(&top);
        let mut directories = self.env.directories().clone();
        directories.stack = stack;
        self.env.set_directories(directories);
    }
}

/// Whether a text begins by saying that what fails ends it: `#!/bin/bash -e`.
pub(super) fn starts_strict(source: &str) -> bool {
    let first = source.lines().next().unwrap_or_default();
    let mut words = first.split_whitespace();
    words.next().is_some_and(|word| word.starts_with("#!"))
        && words.any(|word| word.starts_with('-') && word.contains('e'))
}

/// Whether a command moves the shell.
fn is_move(command: &Command) -> bool {
    let names = command.words.iter().take(2).map(|word| word.value.exact());
    names
        .into_iter()
        .any(|name| matches!(name, Some("cd" | "pushd")))
}

/// Whether `cd` may refuse its arguments: options that it does not have, or a second folder, which only some shells take.
fn is_refused(arguments: &[Value]) -> bool {
    let is_known = |flags: &str| {
        flags
            .bytes()
            .skip(1)
            .all(|letter| b"LPe@-".contains(&letter))
    };
    let (flags, folders): (Vec<&Value>, Vec<&Value>) =
        arguments.iter().partition(|one| is_flag(one));
    folders.len() > 1 || !flags.into_iter().filter_map(Value::exact).all(is_known)
}

fn is_flag(value: &Value) -> bool {
    value
        .exact()
        .is_some_and(|text| text.len() > 1 && text.starts_with('-'))
}

/// A path as seen from a directory.
pub(super) fn resolve_path(cwd: &Value, target: &Value) -> Value {
    match target {
        Value::Exact(path) if path.is_empty() => cwd.clone(),
        Value::Exact(path) if path.starts_with(['/', '~']) => Value::Exact(normalised(path)),
        Value::Exact(path) => {
            let mut draft = Draft::default();
            match cwd {
                Value::Exact(cwd) => {
                    return Value::Exact(normalised(&[cwd.as_str(), "/", path].concat()));
                }
                other => {
                    draft.push_value(other, false);
                    draft.push("/");
                    draft.push(path);
                }
            }
            draft.finish()
        }
        Value::OneOf(paths) => super::draft::either(
            paths
                .iter()
                .map(|path| resolve_path(cwd, &Value::Exact(path.clone())))
                .collect(),
        ),
        Value::Either(values) => super::draft::either(
            values
                .iter()
                .map(|value| resolve_path(cwd, value))
                .collect(),
        ),
        Value::Prefix(path, why) if path.starts_with('/') => {
            Value::Prefix(path.clone(), why.clone())
        }
        Value::Pattern(path) if path.starts_with('/') => {
            let known = path.find(['*', '?', '[', '\\']).unwrap_or(0);
            Value::Prefix(path[..known].to_owned(), Why::Expansion)
        }
        Value::Prefix(path, why) => {
            let mut draft = Draft::default();
            draft.push_value(cwd, false);
            draft.push("/");
            draft.push(path);
            draft.push_unknown(why);
            draft.finish()
        }
        Value::Pattern(_) => {
            let mut draft = Draft::default();
            draft.push_value(cwd, false);
            draft.push("/");
            draft.push_unknown(&Why::Expansion);
            draft.finish()
        }
        Value::Unknown(why) => Value::Unknown(why.clone()),
    }
}

/// A path with `.`, `..` and doubled slashes folded, as `cd` does without looking at links.
fn normalised(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for piece in path.split('/') {
        match piece {
            "" | "." => {}
            ".." => {
                if kept
                    .last()
                    .is_some_and(|last| *last != ".." && *last != "~")
                {
                    kept.pop();
                } else if !absolute {
                    kept.push("..");
                }
            }
            other => kept.push(other),
        }
    }
    let joined = kept.join("/");
    if absolute {
        format!("/{joined}")
    } else {
        joined
    }
}
