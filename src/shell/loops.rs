//! Loops: a body is walked for every known value, and what it may change from one round to the next is forgotten first.

use super::branches::constant_status;
use super::command::{Argument, Assignment, Stdin, Value, Why};
use super::draft::{Draft, either};
use super::env::{Bound, Otherwise};
use super::syntax::tree::{Node, Part, Slice, Word};
use super::walk::{MAX_ROUNDS, MAX_WORDS, Walker};

/// How many values of a loop variable are told apart at once.
const LOOP_CHUNK: usize = 8;

/// How many lines of known input `while read` is followed for.
const MAX_LINES: usize = 64;

impl Walker<'_> {
    pub(super) fn while_loop(
        &mut self,
        condition: &Node,
        body: &Node,
        until: bool,
        want: bool,
    ) -> Value {
        let always = constant_status(&self.text.source, condition) == Some(!until);
        if always && only_starts(&self.text.source, body) {
            let at = self.first_span(body);
            self.out.endless.push(at);
        }
        let mark = self.env.mark();
        self.forget_assigned(&[condition, body]);
        let held = self.known_input();
        self.node(condition, false);
        let reads = self.known_input() < held;
        let mut output = if always {
            self.node(body, want)
        } else {
            self.uncertain(|walker| walker.node(body, want))
        };
        if reads {
            output = self.lines(condition, body, output, want);
        }
        let changes = self.env.take_changes(mark);
        self.env.merge(vec![changes], Otherwise::of(!always));
        if want && reads {
            output
        } else if want {
            repeated(output)
        } else {
            Value::Exact(String::new())
        }
    }

    /// How many bytes of known standard input nobody has read yet.
    fn known_input(&self) -> usize {
        match &self.input {
            Some(Value::Exact(text)) => text.len(),
            _ => 0,
        }
    }

    /// The rounds of `while read` after the first: one for each line of the known input.
    fn lines(&mut self, condition: &Node, body: &Node, first: Value, want: bool) -> Value {
        let mut output = Draft::default();
        output.push_value(&first, false);
        let mut rounds = 1;
        while !self.is_stopped() && self.known_input() > 0 {
            rounds += 1;
            let last = rounds == MAX_LINES;
            if last {
                // Whatever the other lines hold: the body runs with values that are not known.
                self.input = None;
            }
            let held = self.known_input();
            self.node(condition, false);
            let written = self.uncertain(|walker| walker.node(body, want));
            if want {
                output.push_value(&written, false);
            }
            if !last && self.known_input() >= held {
                break;
            }
        }
        output.finish()
    }

    /// `for ((;;))`: nothing stands between the semicolons.
    fn is_endless(&self, node: &Node) -> bool {
        let Node::ForArithmetic(parts, _) = node else {
            return false;
        };
        let clauses: String = parts
            .iter()
            .map(|part| match part {
                Part::Literal(slice) | Part::Quoted(slice) => slice.of(&self.text.source),
                _ => "x",
            })
            .collect();
        clauses
            .split(';')
            .nth(1)
            .is_some_and(|condition| condition.trim().is_empty())
    }

    /// A body that runs an unknown number of times; `whole` is the loop.
    pub(super) fn loop_body(&mut self, whole: &Node, body: &Node, want: bool) -> Value {
        if self.is_endless(whole) && only_starts(&self.text.source, body) {
            let at = self.first_span(body);
            self.out.endless.push(at);
        }
        let mark = self.env.mark();
        self.forget_assigned(&[whole]);
        let output = self.uncertain(|walker| walker.node(body, want));
        let changes = self.env.take_changes(mark);
        self.env.merge(vec![changes], Otherwise::Perhaps);
        if want {
            repeated(output)
        } else {
            Value::Exact(String::new())
        }
    }

    /// What a loop sets may hold another value from the second round on.
    fn forget_assigned(&mut self, nodes: &[&Node]) {
        let mut names = Vec::new();
        for node in nodes {
            assigned(node, &self.text.source, &mut names);
        }
        names.truncate(MAX_WORDS);
        for slice in names {
            let name = slice.of(&self.text.source).to_owned();
            let later = Value::Unknown(Why::RunTimeValue(name.clone()));
            let value = match self.env.variable(&name).map(|variable| &variable.bound) {
                Some(Bound::Scalar(value)) => either(vec![value.clone(), later]),
                Some(Bound::Unset) => either(vec![Value::Exact(String::new()), later]),
                None => either(vec![Value::Exact(String::new()), later]),
                Some(Bound::Indexed(_) | Bound::Associative(_)) => continue,
            };
            self.env.bind_scalar(&name, value);
        }
    }

    pub(super) fn loop_values(&mut self, name: Slice, words: Option<&[Word]>) -> Vec<Value> {
        match words {
            Some(words) => {
                let mut fields = Vec::new();
                for word in words {
                    self.fields(word, &mut fields);
                }
                for field in &fields {
                    if !field.from.is_empty() {
                        self.set_by_loop(name, field);
                    }
                }
                fields.into_iter().map(|field| field.value).collect()
            }
            None => self.env.positional().map_or_else(
                || vec![Value::Unknown(Why::Parameter(String::from("@")))],
                <[Value]>::to_vec,
            ),
        }
    }

    /// `for NAME in $(COMMAND)`: what the command prints is in the variable from then on.
    fn set_by_loop(&mut self, name: Slice, field: &Argument) {
        let assignment = Assignment {
            name: name.of(&self.text.source).to_owned(),
            value: field.value.clone(),
            span: field.span,
        };
        self.emit_wordless(field.span, vec![assignment], Vec::new(), Stdin::Inherited);
    }

    pub(super) fn for_loop(
        &mut self,
        name: Slice,
        words: Option<&[Word]>,
        body: &Node,
        want: bool,
    ) -> Value {
        if words.is_some_and(|words| is_long(&self.text.source, words))
            && only_starts(&self.text.source, body)
        {
            let at = self.first_span(body);
            self.out.endless.push(at);
        }
        let values = self.loop_values(name, words);
        let name = name.of(&self.text.source).to_owned();
        let mut output = Draft::default();
        if values.is_empty() {
            return Value::Exact(String::new());
        }
        let known = values.iter().any(|value| matches!(value, Value::Exact(_)));
        let rounds: Vec<Value> = if values.len() <= LOOP_CHUNK {
            values
        } else {
            values
                .chunks(LOOP_CHUNK)
                .map(|chunk| either(chunk.to_vec()))
                .collect()
        };
        let mark = self.env.mark();
        for value in rounds {
            if self.stopped {
                break;
            }
            self.rounds += 1;
            if self.rounds > MAX_ROUNDS {
                let at = self.first_span(body);
                self.stop(at);
                break;
            }
            // A pattern that matches nothing stays as it is; what it matches is not known.
            self.env.bind_scalar(&name, value);
            let written = if known {
                self.node(body, want)
            } else {
                self.uncertain(|walker| walker.node(body, want))
            };
            if want {
                output.push_value(&written, false);
            }
        }
        if !known {
            self.env.reconsider(mark, Otherwise::Hardly);
        }
        output.finish()
    }
}

/// Names that a node assigns, by `name=`, a loop, or `read`.
fn assigned(node: &Node, source: &str, into: &mut Vec<Slice>) {
    match node {
        Node::Simple(simple) => {
            if simple.words.is_empty() {
                into.extend(simple.assigns.iter().map(|assign| assign.name));
            }
        }
        Node::Pipeline(_)
        | Node::Background(_)
        | Node::Coprocess(..)
        | Node::Subshell(_)
        | Node::Function(_)
        | Node::Test(_) => {}
        Node::AndOr(members) => members
            .iter()
            .for_each(|(_, node)| assigned(node, source, into)),
        Node::List(nodes) => nodes.iter().for_each(|node| assigned(node, source, into)),
        Node::Group(inner) | Node::Negated(inner) | Node::Redirected(inner, _) => {
            assigned(inner, source, into);
        }
        Node::If(arms, otherwise) => {
            for (condition, body) in arms {
                assigned(condition, source, into);
                assigned(body, source, into);
            }
            if let Some(body) = otherwise {
                assigned(body, source, into);
            }
        }
        Node::While(condition, body, _) => {
            assigned(condition, source, into);
            assigned(body, source, into);
        }
        Node::For(_, _, body) | Node::Select(_, _, body) => assigned(body, source, into),
        Node::ForArithmetic(parts, body) => {
            arithmetic_names(parts, source, into);
            assigned(body, source, into);
        }
        Node::Arithmetic(parts, _) => arithmetic_names(parts, source, into),
        Node::Case(_, arms) => arms
            .iter()
            .for_each(|arm| assigned(&arm.body, source, into)),
    }
}

/// Every name that an arithmetic text mentions: which of them it changes is not looked at.
fn arithmetic_names(parts: &[Part], source: &str, into: &mut Vec<Slice>) {
    for part in parts {
        let (Part::Literal(slice) | Part::Quoted(slice)) = part else {
            continue;
        };
        let mut start = slice.start;
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        for piece in slice
            .of(source)
            .split_inclusive(|character| !is_name(character))
        {
            let name = piece.trim_end_matches(|character| !is_name(character));
            if name.starts_with(|first: char| !first.is_ascii_digit()) {
                into.push(Slice::new(start, start + name.len()));
            }
            start += piece.len();
        }
    }
}

/// Output of a body that runs some times.
fn repeated(output: Value) -> Value {
    match output {
        Value::Exact(text) if text.is_empty() => Value::Exact(text),
        _ => Value::Unknown(Why::CommandOutput),
    }
}

/// Whether a body starts something in the background in each round, and never waits for anything.
fn only_starts(source: &str, body: &Node) -> bool {
    let nodes = match body {
        Node::List(nodes) => nodes.as_slice(),
        Node::Group(inner) => return only_starts(source, inner),
        one => std::slice::from_ref(one),
    };
    let is_instant = |node: &Node| match node {
        Node::Simple(simple) => simple
            .words
            .first()
            .is_none_or(|word| matches!(word.span.of(source), "echo" | ":" | "true" | "printf")),
        _ => false,
    };
    let starts = |node: &Node| match node {
        Node::Background(_) => true,
        Node::Subshell(inner) => only_starts(source, inner),
        _ => false,
    };
    nodes.iter().any(starts) && nodes.iter().all(|node| starts(node) || is_instant(node))
}

/// Whether the words of a loop are so many that a process for each of them exhausts a machine: `$(seq 100000)`,
/// `{1..5000}`.
fn is_long(source: &str, words: &[Word]) -> bool {
    const MANY: u64 = 1_000;
    words.iter().any(|word| {
        let text = word.span.of(source);
        (text.contains("seq ") || text.contains(".."))
            && text
                .split(|character: char| !character.is_ascii_digit())
                .filter_map(|number| number.parse::<u64>().ok())
                .any(|number| number >= MANY)
    })
}
