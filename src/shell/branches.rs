//! What may not run: lists of `&&` and `||`, branches, and what stands behind a way out of a function or loop.

use super::command::Value;
use super::draft::{Draft, either};
use super::env::Otherwise;
use super::moves::Move;
use super::syntax::tree::{Arm, Link, Node, Word};
use super::walk::Walker;

/// What a command before may have left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// The function that is called.
    pub(super) call: bool,
    /// The turn of a loop that runs.
    pub(super) turn: bool,
}

impl Walker<'_> {
    pub(super) fn uncertain<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let certain = std::mem::replace(&mut self.certain, false);
        let result = walk(self);
        self.certain = certain;
        result
    }

    pub(super) fn subshell(&mut self, inner: &Node, want: bool) -> Value {
        let mark = self.env.mark();
        let output = self.apart(&[], |walker| walker.node(inner, want));
        self.env.rollback(mark);
        output
    }

    /// One of several commands. What stands behind a way out of the function or loop may not run.
    pub(super) fn listed(&mut self, node: &Node, want: bool) -> Value {
        if self.left == Left::default() {
            return self.node(node, want);
        }
        let mark = self.env.mark();
        let value = self.unsettled(|walker| walker.node(node, want));
        self.env.reconsider(mark, Otherwise::Hardly);
        value
    }

    /// A loop: what leaves it leaves nothing around it.
    pub(super) fn looped(&mut self, walk: impl FnOnce(&mut Self) -> Value) -> Value {
        let outer = std::mem::take(&mut self.left);
        let value = walk(self);
        self.left = Left {
            call: outer.call || self.left.call,
            turn: outer.turn,
        };
        value
    }

    /// What may not have run when the next command begins.
    pub(super) fn unsettled<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let settled = std::mem::replace(&mut self.settled, false);
        let result = walk(self);
        self.settled = settled;
        result
    }

    pub(super) fn and_or(&mut self, members: &[(Link, Node)], want: bool) -> Value {
        let mut output = Draft::default();
        // What is behind `&&`, from where on, and how much it is doubted that it ran when the chain has ended.
        let mut chain: Option<(usize, Otherwise)> = None;
        // Where the shell may still stand when the chain has ended, and if it was left unless all moves were made.
        let mut stayed: Vec<Value> = Vec::new();
        let mut settled: Option<Move> = None;
        for (position, (link, node)) in members.iter().enumerate() {
            let before = position.checked_sub(1).map(|before| &members[before].1);
            let constant = before.filter(|_| position == 1);
            let constant = constant.and_then(|before| self.constant(before));
            let moved = self.just_moved().filter(|_| *link != Link::First);
            if let Some(moved) = &moved
                && *link == Link::And
            {
                stayed.extend(self.settle(moved));
            }
            settled = moved.or(settled);
            if *link == Link::Or {
                self.unsettle(&std::mem::take(&mut stayed));
            }
            let value = match (link, constant) {
                // `false || X`, `true && X`: there is nothing to doubt.
                (Link::First, _) | (Link::Or, Some(false)) | (Link::And, Some(true)) => {
                    self.node(node, want)
                }
                (Link::Or, _) => {
                    let mark = self.env.mark();
                    let value = self.uncertain(|walker| walker.node(node, want));
                    let changes = self.env.take_changes(mark);
                    self.env.merge(vec![changes], Otherwise::Perhaps);
                    if let Some(moved) = &settled
                        && self.leaves(node)
                    {
                        self.settle(moved);
                    }
                    possible(value)
                }
                (Link::And, _) => {
                    let tested = before.is_some_and(|before| is_test(&self.text.source, before));
                    let doubt = if tested || constant == Some(false) {
                        Otherwise::Perhaps
                    } else {
                        Otherwise::Hardly
                    };
                    let (mark, held) = chain.unwrap_or_else(|| (self.env.mark(), doubt));
                    chain = Some((mark, held.max(doubt)));
                    self.unsettled(|walker| walker.node(node, want))
                }
            };
            // The members that follow in an `&&` chain see what this one set.
            let goes_on = members
                .get(position + 1)
                .is_some_and(|(next, _)| *next == Link::And);
            if !goes_on && let Some((mark, doubt)) = chain.take() {
                self.env.reconsider(mark, doubt);
            }
            if want {
                output.push_value(&value, false);
            }
        }
        self.unsettle(&stayed);
        output.finish()
    }

    /// The status of a node that always has the same, unless the text gave the name another meaning.
    pub(super) fn constant(&self, node: &Node) -> Option<bool> {
        constant_status(&self.text.source, node).filter(|_| {
            ["true", "false", ":"]
                .iter()
                .all(|name| self.env.function(name).is_none())
        })
    }

    pub(super) fn branches(
        &mut self,
        arms: &[(Node, Node)],
        otherwise: Option<&Node>,
        want: bool,
    ) -> Value {
        let mut outputs = Vec::new();
        let mut changes = Vec::new();
        // `if ! cd FOLDER; then exit; fi`
        let mut settled: Option<Move> = None;
        for (index, (condition, body)) in arms.iter().enumerate() {
            if index == 0 {
                self.node(condition, false);
            } else {
                self.uncertain(|walker| walker.node(condition, false));
            }
            let mut stayed = Vec::new();
            if let Some(moved) = self.just_moved() {
                if is_negated(condition) {
                    settled = settled.or(self.leaves(body).then_some(moved));
                } else {
                    stayed = self.settle(&moved);
                    settled = otherwise.filter(|body| self.leaves(body)).map(|_| moved);
                }
            }
            if index == 0 && self.constant(condition) == Some(true) {
                // `if true`: what follows in the other arms never runs, and is only read for the worse.
                outputs.push(self.node(body, want));
                continue;
            }
            let mark = self.env.mark();
            outputs.push(self.uncertain(|walker| walker.node(body, want)));
            changes.push(self.env.take_changes(mark));
            self.unsettle(&stayed);
        }
        let always = changes.len() < arms.len();
        let exhaustive = otherwise.is_some() && !always;
        if let Some(body) = otherwise {
            let mark = self.env.mark();
            outputs.push(self.uncertain(|walker| walker.node(body, want)));
            changes.push(self.env.take_changes(mark));
        } else {
            outputs.push(Value::Exact(String::new()));
        }
        self.env.merge(changes, Otherwise::of(!exhaustive));
        if let Some(moved) = settled {
            self.settle(&moved);
        }
        if want {
            either(outputs)
        } else {
            Value::Exact(String::new())
        }
    }

    pub(super) fn case(&mut self, subject: &Word, arms: &[Arm], want: bool) -> Value {
        self.single(subject);
        let mut outputs = vec![Value::Exact(String::new())];
        let mut changes = Vec::new();
        let mut exhaustive = false;
        for (index, arm) in arms.iter().enumerate() {
            for pattern in &arm.patterns {
                exhaustive |= pattern.span.of(&self.text.source) == "*";
                self.pattern(pattern);
            }
            if index == 0 && exhaustive {
                // The first arm takes everything, so the others never run.
                outputs.push(self.node(&arm.body, want));
                exhaustive = false;
                continue;
            }
            let mark = self.env.mark();
            outputs.push(self.uncertain(|walker| walker.node(&arm.body, want)));
            changes.push(self.env.take_changes(mark));
        }
        self.env.merge(changes, Otherwise::of(!exhaustive));
        if want {
            either(outputs)
        } else {
            Value::Exact(String::new())
        }
    }
}

/// Output that may not be there at all.
pub(super) fn possible(output: Value) -> Value {
    match output {
        Value::Exact(text) if text.is_empty() => Value::Exact(text),
        other => either(vec![Value::Exact(String::new()), other]),
    }
}

/// The status of a command that always has the same: `true`, `:`, `false`.
pub(super) fn constant_status(source: &str, node: &Node) -> Option<bool> {
    let Node::Simple(simple) = node else {
        return match node {
            Node::List(nodes) => match nodes.as_slice() {
                [only] => constant_status(source, only),
                _ => None,
            },
            Node::Negated(inner) => constant_status(source, inner).map(|status| !status),
            _ => None,
        };
    };
    match simple.words.as_slice() {
        [word] if simple.assigns.is_empty() && simple.redirs.is_empty() => {
            match word.span.of(source) {
                "true" | ":" => Some(true),
                "false" => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a node is `! ..`.
fn is_negated(node: &Node) -> bool {
    match node {
        Node::Negated(_) => true,
        Node::List(nodes) => matches!(nodes.as_slice(), [only] if is_negated(only)),
        _ => false,
    }
}

/// Whether a node is `[ .. ]`, `test` or `[[ ]]`: what follows it after `&&` is conditional.
fn is_test(source: &str, node: &Node) -> bool {
    match node {
        Node::Negated(inner) => is_test(source, inner),
        Node::Test(_) | Node::Arithmetic(..) => true,
        Node::Simple(simple) => simple
            .words
            .first()
            .is_some_and(|word| matches!(word.span.of(source), "[" | "test")),
        _ => false,
    }
}
