//! Runs the tree without running it: commands are collected in order, and what each would know is tracked.

use std::ops::Range;
use std::rc::Rc;

use super::command::{
    Argument, Assignment, Candidate, Command, Redirect, RedirectKind, Resolution, Scope, Start,
    Stdin, Stdout, Unresolved, Value, Why,
};
use super::draft::{Draft, either};
use super::env::{Bound, Callable, Env, Place, Text};
use super::syntax::tree::{
    Arm, Assign, Assigned, Element, Function, Link, Node, Part, Redir, RedirOp, Simple, Slice,
    Tree, Word,
};
use super::{fold, syntax};
use crate::span::ByteSpan;

/// How many words all commands may have together.
pub const MAX_WORDS: usize = 4_096;

/// How many texts may be parsed inside the text: aliases, backquotes with escapes, functions of an enclosing text.
pub const MAX_EVALUATIONS: usize = 64;

/// How deep function calls and nested texts may stand in one another.
pub const MAX_CALLS_DEEP: usize = 16;

/// How often function and loop bodies may be walked besides the first time.
const MAX_ROUNDS: usize = 512;

/// How deep the walk may go in the tree; guards the stack.
const MAX_DEPTH: usize = 300;

/// How many bytes all values may have together.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How many commands of a group a pipe or a redirect is tied to.
const MAX_TIED: usize = 64;

/// How many values of a loop variable are told apart at once.
const LOOP_CHUNK: usize = 8;

/// The walk.
pub struct Walker<'a> {
    pub(super) start: &'a Start,
    pub(super) out: Resolution,
    pub(super) env: Env,
    pub(super) text: Rc<Text>,
    /// All of the text that was given.
    whole: ByteSpan,
    certain: bool,
    /// What arrives on standard input, where it is known.
    pub(super) input: Option<Value>,
    calls: Vec<Rc<str>>,
    /// Variables that the functions being called made their own, with what they hid.
    pub(super) locals: Vec<Vec<(String, Option<super::env::Variable>)>>,
    depth: usize,
    words: usize,
    evaluations: usize,
    rounds: usize,
    bytes: usize,
    /// Work left for pattern matching.
    pub(super) matching: usize,
    stopped: bool,
}

impl<'a> Walker<'a> {
    /// A walk over a parsed text; `whole` is all that was given.
    pub fn new(start: &'a Start, text: Text, whole: ByteSpan) -> Self {
        Self {
            start,
            out: Resolution::default(),
            env: Env::new(start),
            text: Rc::new(text),
            whole,
            certain: true,
            input: None,
            calls: Vec::new(),
            locals: Vec::new(),
            depth: 0,
            words: 0,
            evaluations: 0,
            rounds: 0,
            bytes: 0,
            matching: 2_000_000,
            stopped: false,
        }
    }

    /// Walks everything.
    pub fn finish(mut self) -> Resolution {
        let text = Rc::clone(&self.text);
        self.report(&text.tree);
        self.node(&text.tree.root, false);
        self.out
    }

    /// The syntax errors of a tree.
    fn report(&mut self, tree: &Tree) {
        let mut syntax = false;
        for trouble in &tree.troubles {
            // The first error makes the rest of the text unknown; later ones add nothing.
            if syntax && !trouble.limit {
                continue;
            }
            syntax |= !trouble.limit;
            let span = self.span(Slice::new(trouble.at, self.text.source.len()));
            let why = if trouble.limit {
                Why::Limit
            } else {
                Why::Syntax
            };
            self.out.unresolved.push(Unresolved { why, span });
        }
    }

    /// A slice of the text at hand as a span of the given text: never empty, never outside, never inside a character.
    pub(super) fn span(&self, slice: Slice) -> ByteSpan {
        let source = &self.text.source;
        match self.text.place {
            Place::Inside(span) => span,
            Place::At(offset) => {
                let mut start = slice.start.min(source.len().saturating_sub(1));
                while !source.is_char_boundary(start) {
                    start -= 1;
                }
                let mut end = slice.end.max(start + 1).min(source.len());
                while !source.is_char_boundary(end) {
                    end += 1;
                }
                ByteSpan::new(offset + start, offset + end).unwrap_or(self.whole)
            }
        }
    }

    /// Where a slice lies in the given text, when its bytes stand there unchanged.
    pub(super) fn verbatim(&self, slice: Slice) -> Option<usize> {
        match self.text.place {
            Place::At(offset) => Some(offset + slice.start),
            Place::Inside(_) => None,
        }
    }

    pub(super) fn unresolved(&mut self, why: Why, span: ByteSpan) {
        let entry = Unresolved { why, span };
        if self.out.unresolved.len() < 64 && !self.out.unresolved.contains(&entry) {
            self.out.unresolved.push(entry);
        }
    }

    /// Over the budget: nothing more is followed, and the rest of the text is unknown.
    pub(super) fn stop(&mut self, at: ByteSpan) {
        if !self.stopped {
            self.stopped = true;
            let span = ByteSpan::new(at.start(), self.whole.end()).unwrap_or(at);
            self.unresolved(Why::Limit, span);
        }
    }

    /// Counts bytes of values that were made.
    pub(super) fn spend(&mut self, bytes: usize, at: Slice) {
        self.bytes += bytes;
        if self.bytes > MAX_BYTES {
            let span = self.span(at);
            self.stop(span);
        }
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Walks a node; what it writes to standard output, when `want`ed.
    pub(super) fn node(&mut self, node: &Node, want: bool) -> Value {
        if self.stopped {
            return Value::Unknown(Why::Limit);
        }
        if self.depth >= MAX_DEPTH {
            let at = self.first_span(node);
            self.stop(at);
            return Value::Unknown(Why::Limit);
        }
        self.depth += 1;
        let output = self.node_inside(node, want);
        self.depth -= 1;
        output
    }

    fn node_inside(&mut self, node: &Node, want: bool) -> Value {
        match node {
            Node::Simple(simple) => self.simple(simple, want),
            Node::Pipeline(stages) => self.pipeline(stages, want),
            Node::AndOr(members) => self.and_or(members, want),
            Node::List(nodes) => {
                let mut output = Draft::default();
                for node in nodes {
                    let value = self.node(node, want);
                    if want {
                        output.push_value(&value, false);
                    }
                }
                output.finish()
            }
            Node::Background(inner) | Node::Subshell(inner) => {
                let mark = self.env.mark();
                let output = self.node(inner, want);
                self.env.rollback(mark);
                output
            }
            Node::Group(inner) => self.node(inner, want),
            Node::If(arms, otherwise) => self.branches(arms, otherwise.as_deref(), want),
            Node::While(condition, body, until) => self.while_loop(condition, body, *until, want),
            Node::For(name, words, body) => self.for_loop(*name, words.as_deref(), body, want),
            Node::ForArithmetic(parts, body) => {
                let slice = parts_slice(parts);
                self.arithmetic(parts, slice);
                self.loop_body(body, want)
            }
            Node::Select(name, words, body) => {
                let values = self.loop_values(words.as_deref());
                let name = name.of(&self.text.source).to_owned();
                let mark = self.env.mark();
                self.env.bind_scalar(&name, either(values));
                let output = self.uncertain(|walker| walker.node(body, want));
                let changes = self.env.take_changes(mark);
                self.env.merge(vec![changes], true);
                possible(output)
            }
            Node::Case(subject, arms) => self.case(subject, arms, want),
            Node::Test(words) => {
                self.test(words);
                Value::Exact(String::new())
            }
            Node::Arithmetic(parts, slice) => {
                self.arithmetic(parts, *slice);
                Value::Exact(String::new())
            }
            Node::Function(function) => {
                let name = function.name.of(&self.text.source).to_owned();
                let text = Rc::clone(&self.text);
                self.env
                    .set_function(&name, Some(Callable::Parsed(text, Rc::clone(function))));
                Value::Exact(String::new())
            }
            Node::Redirected(inner, redirs) => {
                let redirects = self.redirects(redirs);
                let wanted = want || writes_file(&redirects.files);
                self.redirected(redirects, wanted, |walker| walker.node(inner, wanted))
            }
        }
    }

    /// Where a node begins, for what is said about it.
    fn first_span(&self, node: &Node) -> ByteSpan {
        match node {
            Node::Simple(simple) => self.span(simple.span),
            Node::Pipeline(nodes) | Node::List(nodes) => nodes
                .first()
                .map_or_else(|| self.whole, |node| self.first_span(node)),
            Node::AndOr(members) => members
                .first()
                .map_or_else(|| self.whole, |(_, node)| self.first_span(node)),
            Node::Background(inner)
            | Node::Subshell(inner)
            | Node::Group(inner)
            | Node::Redirected(inner, _) => self.first_span(inner),
            Node::If(arms, _) => arms
                .first()
                .map_or_else(|| self.whole, |(condition, _)| self.first_span(condition)),
            Node::While(condition, ..) => self.first_span(condition),
            Node::For(name, ..) | Node::Select(name, ..) => self.span(*name),
            Node::ForArithmetic(_, body) => self.first_span(body),
            Node::Case(subject, _) => self.span(subject.span),
            Node::Test(words) => words
                .first()
                .map_or_else(|| self.whole, |word| self.span(word.span)),
            Node::Arithmetic(_, slice) => self.span(*slice),
            Node::Function(function) => self.span(function.name),
        }
    }

    fn uncertain<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let certain = std::mem::replace(&mut self.certain, false);
        let result = walk(self);
        self.certain = certain;
        result
    }

    // Pipes

    fn pipeline(&mut self, stages: &[Node], want: bool) -> Value {
        let outer = self.input.clone();
        let mut before: Option<(Range<usize>, Value)> = None;
        let mut output = Value::Exact(String::new());
        for (index, stage) in stages.iter().enumerate() {
            let last = index + 1 == stages.len();
            let start = self.out.commands.len();
            self.input = match &before {
                None => outer.clone(),
                Some((_, Value::Unknown(_))) => None,
                Some((_, value)) => Some(value.clone()),
            };
            let mark = self.env.mark();
            output = self.node(stage, want || !last);
            self.env.rollback(mark);
            let range = start..self.out.commands.len();
            if let Some((writers, _)) = &before {
                self.connect(writers.clone(), range.clone());
            }
            before = Some((range, output.clone()));
        }
        self.input = outer;
        output
    }

    /// Ties the commands that write into a pipe to those that read from it.
    fn connect(&mut self, writers: Range<usize>, readers: Range<usize>) {
        let writing: Vec<usize> = writers.filter(|index| self.writes_on(*index)).collect();
        let reading: Vec<usize> = readers
            .filter(|index| self.out.commands[*index].stdin == Stdin::Inherited)
            .collect();
        for list in [&writing, &reading] {
            if let Some(at) = list.get(MAX_TIED) {
                let span = self.out.commands[*at].span;
                self.unresolved(Why::Limit, span);
            }
        }
        let writing = &writing[..writing.len().min(MAX_TIED)];
        let reading = &reading[..reading.len().min(MAX_TIED)];
        for index in reading {
            self.out.commands[*index].stdin = Stdin::Pipe(writing.to_vec());
        }
        for index in writing {
            self.out.commands[*index].stdout = Stdout::Pipe(reading.to_vec());
        }
    }

    /// Whether a command's standard output still goes wherever the surrounding text sends it.
    fn writes_on(&self, index: usize) -> bool {
        let command = &self.out.commands[index];
        command.stdout == Stdout::Inherited && !writes_file(&command.redirects)
    }

    /// Walks commands whose output goes into a word; their indices and what they write.
    pub(super) fn captured(&mut self, body: &Node) -> (Range<usize>, Value) {
        let start = self.out.commands.len();
        let mark = self.env.mark();
        let output = self.node(body, true);
        self.env.rollback(mark);
        let range = start..self.out.commands.len();
        for index in range.clone() {
            if self.writes_on(index) {
                self.out.commands[index].stdout = Stdout::Captured;
            }
        }
        (range, output)
    }

    /// Walks a process substitution; the indices of what stands at its other end.
    pub(super) fn process(&mut self, body: &Node, reads: bool) -> Vec<usize> {
        let start = self.out.commands.len();
        let mark = self.env.mark();
        let input = if reads { self.input.clone() } else { None };
        let outer = std::mem::replace(&mut self.input, input);
        self.node(body, reads);
        self.input = outer;
        self.env.rollback(mark);
        let ends: Vec<usize> = (start..self.out.commands.len())
            .filter(|index| {
                if reads {
                    self.writes_on(*index)
                } else {
                    self.out.commands[*index].stdin == Stdin::Inherited
                }
            })
            .take(MAX_TIED)
            .collect();
        // The command that holds the word is not known yet; until it is, the other end counts as captured.
        for index in &ends {
            if reads {
                self.out.commands[*index].stdout = Stdout::Captured;
            } else {
                self.out.commands[*index].stdin = Stdin::Pipe(Vec::new());
            }
        }
        ends
    }

    // Branches and loops

    fn and_or(&mut self, members: &[(Link, Node)], want: bool) -> Value {
        let mut output = Draft::default();
        for (position, (link, node)) in members.iter().enumerate() {
            let tested = position > 0 && is_test(&self.text.source, &members[position - 1].1);
            let value = match link {
                Link::First => self.node(node, want),
                Link::And if !tested => self.node(node, want),
                _ => {
                    let mark = self.env.mark();
                    let value = if *link == Link::Or {
                        self.uncertain(|walker| walker.node(node, want))
                    } else {
                        self.node(node, want)
                    };
                    // The members that follow in an `&&` chain see what this one set.
                    if *link == Link::Or
                        || members
                            .get(position + 1)
                            .is_none_or(|next| next.0 == Link::Or)
                    {
                        let changes = self.env.take_changes(mark);
                        self.env.merge(vec![changes], true);
                    }
                    if *link == Link::Or {
                        possible(value)
                    } else {
                        value
                    }
                }
            };
            if want {
                output.push_value(&value, false);
            }
        }
        output.finish()
    }

    fn branches(&mut self, arms: &[(Node, Node)], otherwise: Option<&Node>, want: bool) -> Value {
        let mut outputs = Vec::new();
        let mut changes = Vec::new();
        for (index, (condition, body)) in arms.iter().enumerate() {
            if index == 0 {
                self.node(condition, false);
            } else {
                self.uncertain(|walker| walker.node(condition, false));
            }
            let mark = self.env.mark();
            outputs.push(self.uncertain(|walker| walker.node(body, want)));
            changes.push(self.env.take_changes(mark));
        }
        let exhaustive = otherwise.is_some();
        if let Some(body) = otherwise {
            let mark = self.env.mark();
            outputs.push(self.uncertain(|walker| walker.node(body, want)));
            changes.push(self.env.take_changes(mark));
        } else {
            outputs.push(Value::Exact(String::new()));
        }
        self.env.merge(changes, !exhaustive);
        if want {
            either(outputs)
        } else {
            Value::Exact(String::new())
        }
    }

    fn case(&mut self, subject: &Word, arms: &[Arm], want: bool) -> Value {
        self.single(subject);
        let mut outputs = vec![Value::Exact(String::new())];
        let mut changes = Vec::new();
        let mut exhaustive = false;
        for arm in arms {
            for pattern in &arm.patterns {
                exhaustive |= pattern.span.of(&self.text.source) == "*";
                self.pattern(pattern);
            }
            let mark = self.env.mark();
            outputs.push(self.uncertain(|walker| walker.node(&arm.body, want)));
            changes.push(self.env.take_changes(mark));
        }
        self.env.merge(changes, !exhaustive);
        if want {
            either(outputs)
        } else {
            Value::Exact(String::new())
        }
    }

    fn while_loop(&mut self, condition: &Node, body: &Node, until: bool, want: bool) -> Value {
        let always = is_constant(&self.text.source, condition, !until);
        let mark = self.env.mark();
        self.forget_assigned(&[condition, body]);
        self.node(condition, false);
        let output = if always {
            self.node(body, want)
        } else {
            self.uncertain(|walker| walker.node(body, want))
        };
        let changes = self.env.take_changes(mark);
        self.env.merge(vec![changes], !always);
        if want {
            repeated(output)
        } else {
            Value::Exact(String::new())
        }
    }

    /// A body that runs an unknown number of times.
    fn loop_body(&mut self, body: &Node, want: bool) -> Value {
        let mark = self.env.mark();
        self.forget_assigned(&[body]);
        let output = self.uncertain(|walker| walker.node(body, want));
        let changes = self.env.take_changes(mark);
        self.env.merge(vec![changes], true);
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
            assigned(node, &mut names);
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

    fn loop_values(&mut self, words: Option<&[Word]>) -> Vec<Value> {
        match words {
            Some(words) => {
                let mut fields = Vec::new();
                for word in words {
                    self.fields(word, &mut fields);
                }
                fields.into_iter().map(|field| field.value).collect()
            }
            None => self.env.positional().map_or_else(
                || vec![Value::Unknown(Why::Parameter(String::from("@")))],
                <[Value]>::to_vec,
            ),
        }
    }

    fn for_loop(&mut self, name: Slice, words: Option<&[Word]>, body: &Node, want: bool) -> Value {
        let values = self.loop_values(words);
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
        output.finish()
    }

    /// The words of `[[ ]]`: their substitutions run, and numbers are evaluated as arithmetic.
    fn test(&mut self, words: &[Word]) {
        let mut arithmetic = false;
        let mut previous: Option<(Value, Slice)> = None;
        for word in words {
            let text = word.span.of(&self.text.source);
            if matches!(text, "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge") {
                if let Some((value, at)) = previous.take() {
                    self.arithmetic_value(&value, at);
                }
                arithmetic = true;
                continue;
            }
            let value = self.pattern(word);
            if arithmetic {
                self.arithmetic_value(&value, word.span);
            }
            arithmetic = false;
            previous = Some((value, word.span));
        }
    }

    // Redirects

    /// Evaluates redirects in order.
    fn redirects(&mut self, redirs: &[Redir]) -> Redirects {
        let mut result = Redirects::default();
        for redir in redirs {
            let span = self.span(redir.span);
            let reads = matches!(redir.op, RedirOp::Read | RedirOp::ReadWrite);
            let fd = redir.fd.unwrap_or(u32::from(!reads));
            match redir.op {
                RedirOp::Here(index) => {
                    let stdin = self.heredoc(index, redir.target.span);
                    if redir.fd.unwrap_or(0) == 0 {
                        result.stdin = Some(stdin);
                    }
                }
                RedirOp::HereString => {
                    let mut body = Draft::default();
                    let (value, from) = self.single_from(&redir.target);
                    result.from.extend(from);
                    body.push_value(&value, false);
                    body.push("\n");
                    if redir.fd.unwrap_or(0) == 0 {
                        result.stdin = Some(Stdin::Text {
                            body: body.finish(),
                            span: self.span(redir.target.span),
                            verbatim_at: self.word_verbatim(&redir.target),
                        });
                    }
                }
                RedirOp::Duplicate => {
                    let (target, _) = self.single_from(&redir.target);
                    result.files.push(Redirect {
                        kind: RedirectKind::Duplicate,
                        fd,
                        target,
                        span,
                    });
                }
                op => {
                    let process = process_end(&redir.target);
                    let (target, from) = self.single_from(&redir.target);
                    if let Some(reads) = process {
                        result.processes.push((from, reads));
                        if reads && fd == 0 {
                            result.from_process = true;
                        }
                        continue;
                    }
                    let kind = match op {
                        RedirOp::Read => RedirectKind::Read,
                        RedirOp::ReadWrite => RedirectKind::ReadWrite,
                        RedirOp::Append | RedirOp::BothAppend => RedirectKind::Append,
                        _ => RedirectKind::Write,
                    };
                    if reads && fd == 0 {
                        result.stdin = Some(Stdin::File(target.clone()));
                    }
                    result.files.push(Redirect {
                        kind,
                        fd,
                        target,
                        span,
                    });
                }
            }
        }
        result
    }

    fn heredoc(&mut self, index: usize, delimiter: Slice) -> Stdin {
        let text = Rc::clone(&self.text);
        let Some(doc) = text.tree.heredocs.get(index) else {
            return Stdin::Inherited;
        };
        let empty = doc.body.start == doc.body.end;
        let span = self.span(if empty { delimiter } else { doc.body });
        let mut verbatim_at = None;
        let body = if doc.parts.is_empty() && !doc.strip_tabs {
            verbatim_at = if empty { None } else { self.verbatim(doc.body) };
            Value::Exact(doc.body.of(&text.source).to_owned())
        } else if doc.parts.is_empty() {
            Value::Exact(strip_tabs(doc.body.of(&text.source), true))
        } else {
            self.quoted_body(&doc.parts, doc.strip_tabs.then_some(doc.body.start))
        };
        self.spend(doc.body.end - doc.body.start, delimiter);
        Stdin::Text {
            body,
            span,
            verbatim_at,
        }
    }

    /// Walks commands to which redirects apply together: a compound command, a function call.
    fn redirected(
        &mut self,
        redirects: Redirects,
        want: bool,
        walk: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let start = self.out.commands.len();
        let input = match &redirects.stdin {
            Some(Stdin::Text { body, .. }) => Some(body.clone()),
            Some(_) => None,
            None if redirects.from_process => self.process_output(&redirects.processes),
            None => self.input.clone(),
        };
        let outer = std::mem::replace(&mut self.input, input);
        let output = walk(self);
        self.input = outer;
        let end = self.out.commands.len();
        let to_file = writes_file(&redirects.files);
        let mut tied = 0_usize;
        for index in start..end {
            let writes = self.writes_on(index);
            let reads = self.out.commands[index].stdin == Stdin::Inherited;
            if tied >= MAX_TIED {
                let span = self.out.commands[index].span;
                self.unresolved(Why::Limit, span);
                break;
            }
            let command = &mut self.out.commands[index];
            if reads && let Some(stdin) = &redirects.stdin {
                command.stdin = stdin.clone();
                tied += 1;
            }
            if writes && !redirects.files.is_empty() && command.stdout == Stdout::Inherited {
                command.redirects.extend(
                    redirects
                        .files
                        .iter()
                        .filter(|redirect| redirect.fd != 0)
                        .cloned(),
                );
                tied += 1;
            }
        }
        for (ends, reads) in &redirects.processes {
            for index in start..end {
                let free = if *reads {
                    self.out.commands[index].stdin == Stdin::Inherited
                } else {
                    self.writes_on(index)
                };
                if free {
                    self.tie(ends, index, *reads);
                    if *reads {
                        self.out.commands[index].stdin = Stdin::Pipe(ends.clone());
                    } else {
                        self.out.commands[index].stdout = Stdout::Pipe(ends.clone());
                    }
                }
            }
        }
        if (start == end || tied == 0) && !redirects.files.is_empty() {
            // Nothing inside could carry them, but the files are opened all the same.
            let span = redirects.files[0].span;
            let scope = self.scope(span);
            self.emit(Command {
                span,
                assignments: Vec::new(),
                words: Vec::new(),
                redirects: redirects.files,
                stdin: redirects.stdin.unwrap_or(Stdin::Inherited),
                piped: None,
                stdout: Stdout::Inherited,
                output: None,
                cwd: self.env.cwd().clone(),
                certain: self.certain,
                scope,
            });
        }
        if to_file || !want {
            Value::Exact(String::new())
        } else {
            output
        }
    }

    /// The text that process substitutions at standard input carry, when computed.
    fn process_output(&self, processes: &[(Vec<usize>, bool)]) -> Option<Value> {
        let (ends, _) = processes.iter().rev().find(|(_, reads)| *reads)?;
        let mut text = Draft::default();
        for index in ends {
            text.push_value(self.out.commands[*index].output.as_ref()?, false);
        }
        Some(text.finish())
    }

    /// Ties the far ends of a process substitution to the command that uses it.
    fn tie(&mut self, ends: &[usize], command: usize, reads: bool) {
        for end in ends {
            let end = &mut self.out.commands[*end];
            if reads {
                match &mut end.stdout {
                    Stdout::Pipe(readers) => readers.push(command),
                    other => *other = Stdout::Pipe(vec![command]),
                }
            } else {
                match &mut end.stdin {
                    Stdin::Pipe(writers) => writers.push(command),
                    other => *other = Stdin::Pipe(vec![command]),
                }
            }
        }
    }

    fn scope(&mut self, at: ByteSpan) -> Rc<Scope> {
        match self.env.scope() {
            Some(scope) => scope,
            None => {
                self.unresolved(Why::Limit, at);
                Rc::default()
            }
        }
    }

    fn emit(&mut self, command: Command) -> usize {
        self.words += command.words.len() + 1;
        if self.words > MAX_WORDS {
            let span = command.span;
            self.stop(span);
        }
        self.out.commands.push(command);
        self.out.commands.len() - 1
    }

    // Simple commands

    fn simple(&mut self, simple: &Simple, want: bool) -> Value {
        let mut words: Vec<Argument> = Vec::with_capacity(simple.words.len());
        for word in &simple.words {
            self.fields(word, &mut words);
            if self.stopped {
                break;
            }
        }
        if let Some(program) = words.first()
            && self.env.has_functions()
            && let Value::Exact(name) = &program.value
        {
            let name = name.clone();
            let unquoted = simple
                .words
                .first()
                .is_some_and(|word| word.parts.is_empty());
            if unquoted
                && let Some(Callable::Source(source)) = self.env.function(&format!("{name}="))
            {
                let source = source.clone();
                return self.alias(&name, &source, simple, words, want);
            }
            if let Some(callable) = self.env.function(&name) {
                let callable = callable.clone();
                return self.call(&name, callable, simple, words, want);
            }
        }
        self.run(simple, words, want)
    }

    /// A command that is neither a function nor an alias.
    fn run(&mut self, simple: &Simple, words: Vec<Argument>, want: bool) -> Value {
        let redirects = self.redirects(&simple.redirs);
        let temporary = !words.is_empty() && !simple.assigns.is_empty();
        let mut assignments = Vec::with_capacity(simple.assigns.len());
        let mark = self.env.mark();
        for assign in &simple.assigns {
            self.assign(assign, &mut assignments);
        }
        let span = self.span(simple.span);
        let want = want || writes_file(&redirects.files);
        let input = match &redirects.stdin {
            Some(Stdin::Text { body, .. }) => Some(body.clone()),
            Some(_) => None,
            None if redirects.from_process => self.process_output(&redirects.processes),
            None => self.input.clone(),
        };
        let output = want.then(|| {
            let value = fold::output(self, &words, input.as_ref());
            if let Value::Exact(text) = &value {
                let length = text.len();
                self.spend(length, simple.span);
            }
            value
        });
        let piped = match (&redirects.stdin, input) {
            (None, Some(Value::Unknown(_))) => None,
            (None, value) => value,
            _ => None,
        };
        let scope = self.scope(span);
        let index = self.emit(Command {
            span,
            assignments,
            words,
            redirects: redirects.files,
            stdin: redirects.stdin.unwrap_or(Stdin::Inherited),
            piped,
            stdout: Stdout::Inherited,
            output: output.clone(),
            cwd: self.env.cwd().clone(),
            certain: self.certain,
            scope,
        });
        for (ends, reads) in &redirects.processes {
            self.tie(ends, index, *reads);
            if *reads {
                self.out.commands[index].stdin = Stdin::Pipe(ends.clone());
            } else {
                self.out.commands[index].stdout = Stdout::Pipe(ends.clone());
            }
        }
        self.tie_words(simple, index);
        if temporary {
            self.env.rollback(mark);
        }
        self.vanishing(index);
        self.effects(index, simple);
        let to_file = writes_file(&self.out.commands[index].redirects);
        if to_file {
            return Value::Exact(String::new());
        }
        output.unwrap_or_else(|| Value::Exact(String::new()))
    }

    /// Process substitutions among the words: their far ends now have a command.
    fn tie_words(&mut self, simple: &Simple, index: usize) {
        let mut ties = Vec::new();
        for word in &simple.words {
            let Some(reads) = process_end(word) else {
                continue;
            };
            let span = self.span(word.span);
            for argument in &self.out.commands[index].words {
                if argument.span == span {
                    ties.push((argument.from.clone(), reads));
                    break;
                }
            }
        }
        for (ends, reads) in ties {
            self.tie(&ends, index, reads);
        }
    }

    /// When the program's word may vanish, the next word is the program: `$UNSET rm -rf /`.
    fn vanishing(&mut self, index: usize) {
        let command = &self.out.commands[index];
        let gone = command
            .words
            .iter()
            .take_while(|word| {
                !matches!(word.value, Value::Exact(_))
                    && word.value.candidates().contains(&Candidate::Exact(""))
            })
            .count();
        if gone == 0 || gone >= command.words.len() {
            return;
        }
        let mut without = command.clone();
        without.words.drain(..gone);
        without.certain = false;
        self.emit(without);
    }

    fn assign(&mut self, assign: &Assign, into: &mut Vec<Assignment>) {
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
                self.spend(entries.len() * 16, at);
                Bound::Associative(entries)
            }
            other => {
                let mut values = match other {
                    Some(Bound::Indexed(values)) => values,
                    Some(Bound::Scalar(value)) => vec![value],
                    _ => Vec::new(),
                };
                self.spend(values.len() * 16, at);
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
                    // Gaps are rare; the elements keep their order, which is what `"${a[@]}"` shows.
                    _ => {
                        values.push(value);
                        Bound::Indexed(values)
                    }
                }
            }
        };
        self.env.bind(name, bound);
    }

    // Functions and nested texts

    /// Whether one more nested text may be followed; over the budget, says so.
    fn may_nest(&mut self, at: ByteSpan) -> bool {
        if self.calls.len() >= MAX_CALLS_DEEP {
            self.unresolved(Why::Limit, at);
            return false;
        }
        true
    }

    fn call(
        &mut self,
        name: &str,
        callable: Callable,
        simple: &Simple,
        words: Vec<Argument>,
        want: bool,
    ) -> Value {
        let span = self.span(simple.span);
        if self.calls.iter().any(|active| &**active == name) {
            self.out.recursive_functions.push(span);
            return Value::Unknown(Why::CommandOutput);
        }
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            self.stop(span);
        }
        if self.stopped || !self.may_nest(span) {
            return Value::Unknown(Why::Limit);
        }
        let (text, function): (Rc<Text>, Option<Rc<Function>>) = match callable {
            Callable::Parsed(text, function) => (text, Some(function)),
            Callable::Source(source) => match self.nested(source, Place::Inside(span)) {
                Some(text) => (text, None),
                None => return Value::Unknown(Why::Limit),
            },
        };
        let redirects = self.redirects(&simple.redirs);
        let wanted = want || writes_file(&redirects.files);
        let mut hidden = Vec::new();
        for assign in &simple.assigns {
            let variable = assign.name.of(&self.text.source).to_owned();
            let old = self.env.variable(&variable).cloned();
            hidden.push((variable, old));
            self.assign(assign, &mut Vec::new());
        }
        let arguments = words.into_iter().skip(1).map(|word| word.value).collect();
        let before = self.env.set_positional(Some(arguments));
        self.calls.push(Rc::from(name));
        self.locals.push(hidden);
        let outer = std::mem::replace(&mut self.text, Rc::clone(&text));
        let output = self.redirected(redirects, wanted, |walker| match &function {
            Some(function) => walker.node(&function.body, wanted),
            None => walker.node(&text.tree.root, wanted),
        });
        self.text = outer;
        for (variable, old) in self.locals.pop().unwrap_or_default().into_iter().rev() {
            self.env.set_variable(&variable, old);
        }
        self.calls.pop();
        self.env.set_positional(before);
        if want {
            output
        } else {
            Value::Exact(String::new())
        }
    }

    /// A command whose first word is an alias: its text, with the remaining words behind it.
    fn alias(
        &mut self,
        name: &str,
        source: &str,
        simple: &Simple,
        words: Vec<Argument>,
        want: bool,
    ) -> Value {
        let span = self.span(simple.span);
        let key: Rc<str> = Rc::from(format!("{name}="));
        // An alias is not expanded inside itself: `alias ls='ls --color'`.
        if self.calls.contains(&key) {
            return self.run(simple, words, want);
        }
        if !self.may_nest(span) {
            return Value::Unknown(Why::Limit);
        }
        let Some(text) = self.nested(source.to_owned(), Place::Inside(span)) else {
            return Value::Unknown(Why::Limit);
        };
        self.calls.push(key);
        let outer = std::mem::replace(&mut self.text, Rc::clone(&text));
        // All but the last command run as they stand; the last takes the words and redirects of the call.
        let (before, last) = match &*text.tree.root {
            Node::List(nodes) => match nodes.split_last() {
                Some((last, before)) => (before, Some(last)),
                None => (&[][..], None),
            },
            other => (&[][..], Some(other)),
        };
        for node in before {
            self.node(node, want);
        }
        let output = match last {
            Some(Node::Simple(inner)) => {
                let mut all = Vec::new();
                for word in &inner.words {
                    self.fields(word, &mut all);
                }
                let given = words.into_iter().skip(1);
                all.extend(given);
                let mut assignments = Vec::new();
                for assign in &inner.assigns {
                    self.assign(assign, &mut assignments);
                }
                self.text = Rc::clone(&outer);
                self.run_words(simple, all, want)
            }
            Some(node) => {
                let output = self.node(node, want);
                self.text = Rc::clone(&outer);
                output
            }
            None => Value::Exact(String::new()),
        };
        self.text = outer;
        self.calls.pop();
        output
    }

    /// Words that an alias led to: they may name a function or another alias.
    fn run_words(&mut self, simple: &Simple, words: Vec<Argument>, want: bool) -> Value {
        if let Some(program) = words.first()
            && let Value::Exact(name) = &program.value
        {
            let name = name.clone();
            if let Some(Callable::Source(source)) = self.env.function(&format!("{name}=")) {
                let source = source.clone();
                return self.alias(&name, &source, simple, words, want);
            }
            if let Some(callable) = self.env.function(&name) {
                let callable = callable.clone();
                return self.call(&name, callable, simple, words, want);
            }
        }
        self.run(simple, words, want)
    }

    /// Parses a text that expansion has produced. `None`: over the budget.
    pub(super) fn nested(&mut self, source: String, place: Place) -> Option<Rc<Text>> {
        self.evaluations += 1;
        if self.evaluations > MAX_EVALUATIONS || source.len() > super::MAX_SOURCE {
            let span = match place {
                Place::Inside(span) => span,
                Place::At(_) => self.whole,
            };
            self.stop(span);
            return None;
        }
        let tree = syntax::parse(&source);
        if let Place::Inside(span) = place
            && let Some(trouble) = tree.troubles.first()
        {
            let why = if trouble.limit {
                Why::Limit
            } else {
                Why::Syntax
            };
            self.unresolved(why, span);
        }
        Some(Rc::new(Text {
            source,
            tree,
            place,
        }))
    }
}

/// What redirects amount to.
#[derive(Default)]
struct Redirects {
    files: Vec<Redirect>,
    stdin: Option<Stdin>,
    /// Far ends of process substitutions used as files, and whether the command reads from them.
    processes: Vec<(Vec<usize>, bool)>,
    /// Standard input is one of them.
    from_process: bool,
    /// Commands whose output is part of a here-string.
    from: Vec<usize>,
}

/// Whether standard output goes to a file.
fn writes_file(redirects: &[Redirect]) -> bool {
    redirects.iter().any(|redirect| {
        redirect.fd == 1 && matches!(redirect.kind, RedirectKind::Write | RedirectKind::Append)
    })
}

/// For a word that is a process substitution: whether it is read from.
fn process_end(word: &Word) -> Option<bool> {
    word.parts.iter().find_map(|part| match part {
        Part::Process(_, reads) => Some(*reads),
        _ => None,
    })
}

/// Where parts lie.
fn parts_slice(parts: &[Part]) -> Slice {
    match parts.first() {
        Some(Part::Literal(slice) | Part::Quoted(slice) | Part::Variable(slice)) => *slice,
        _ => Slice::default(),
    }
}

/// Output that may not be there at all.
fn possible(output: Value) -> Value {
    match output {
        Value::Exact(text) if text.is_empty() => Value::Exact(text),
        other => either(vec![Value::Exact(String::new()), other]),
    }
}

/// Output of a body that runs some times.
fn repeated(output: Value) -> Value {
    match output {
        Value::Exact(text) if text.is_empty() => Value::Exact(text),
        _ => Value::Unknown(Why::CommandOutput),
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

/// A here-document's text without the tabs at the start of its lines.
pub(super) fn strip_tabs(text: &str, mut line_start: bool) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        if line_start && character == '\t' {
            continue;
        }
        line_start = character == '\n';
        result.push(character);
    }
    result
}

/// Names that a node assigns, by `name=`, a loop, or `read`.
fn assigned(node: &Node, into: &mut Vec<Slice>) {
    match node {
        Node::Simple(simple) => {
            if simple.words.is_empty() {
                into.extend(simple.assigns.iter().map(|assign| assign.name));
            }
        }
        Node::Pipeline(_)
        | Node::Background(_)
        | Node::Subshell(_)
        | Node::Function(_)
        | Node::Test(_) => {}
        Node::AndOr(members) => members.iter().for_each(|(_, node)| assigned(node, into)),
        Node::List(nodes) => nodes.iter().for_each(|node| assigned(node, into)),
        Node::Group(inner) | Node::Redirected(inner, _) => assigned(inner, into),
        Node::If(arms, otherwise) => {
            for (condition, body) in arms {
                assigned(condition, into);
                assigned(body, into);
            }
            if let Some(body) = otherwise {
                assigned(body, into);
            }
        }
        Node::While(condition, body, _) => {
            assigned(condition, into);
            assigned(body, into);
        }
        Node::For(_, _, body) | Node::Select(_, _, body) => assigned(body, into),
        Node::ForArithmetic(parts, body) => {
            arithmetic_names(parts, into);
            assigned(body, into);
        }
        Node::Arithmetic(parts, _) => arithmetic_names(parts, into),
        Node::Case(_, arms) => arms.iter().for_each(|arm| assigned(&arm.body, into)),
    }
}

/// Nothing is tracked through arithmetic in loops; its variables are those whose names it mentions.
fn arithmetic_names(_parts: &[Part], _into: &mut Vec<Slice>) {}

/// Whether a node is `[ .. ]`, `test` or `[[ ]]`: what follows it after `&&` is conditional.
fn is_test(source: &str, node: &Node) -> bool {
    match node {
        Node::Test(_) | Node::Arithmetic(..) => true,
        Node::Simple(simple) => simple
            .words
            .first()
            .is_some_and(|word| matches!(word.span.of(source), "[" | "test")),
        _ => false,
    }
}

/// Whether a condition is `true` or `:` (or `false`, when that is what is asked).
fn is_constant(source: &str, node: &Node, wanted: bool) -> bool {
    let Node::Simple(simple) = node else {
        return false;
    };
    simple.words.first().is_some_and(|word| {
        let text = word.span.of(source);
        if wanted {
            matches!(text, "true" | ":")
        } else {
            text == "false"
        }
    })
}
