//! Runs the tree without running it: commands are collected in order, and what each would know is tracked.

use std::ops::Range;
use std::rc::Rc;

use super::branches::{Left, possible};
use super::command::{
    Argument, Candidate, Command, End, Redirect, Resolution, Scope, Start, Stdin, Stdout,
    Unresolved, Value, Why,
};
use super::descriptors::Descriptor;
use super::draft::{Draft, either};
use super::env::{Bound, Callable, Env, Otherwise, Place, Text};
use super::fold;
use super::moves::{self, Move};
use super::redirect::{process_end, writes_file};
use super::syntax::tree::{Node, Part, Simple, Slice, Tree, Word};
use crate::span::ByteSpan;

/// How many words all commands may have together.
pub(super) const MAX_WORDS: usize = 4_096;

/// How many texts may be parsed inside the text: aliases, backquotes with escapes, functions of an enclosing text.
pub(super) const MAX_EVALUATIONS: usize = 64;

/// How deep function calls and nested texts may stand in one another.
pub(super) const MAX_CALLS_DEEP: usize = 16;

/// How often function and loop bodies may be walked besides the first time.
pub(super) const MAX_ROUNDS: usize = 512;

/// How deep the walk may go in the tree; guards the stack.
const MAX_DEPTH: usize = 300;

/// How many bytes all values may have together.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How many commands of a group a pipe or a redirect is tied to.
pub(super) const MAX_TIED: usize = 64;

/// The walk.
pub struct Walker<'a> {
    pub(super) start: &'a Start,
    pub(super) out: Resolution,
    pub(super) env: Env,
    pub(super) text: Rc<Text>,
    /// All of the text that was given.
    pub(super) whole: ByteSpan,
    pub(super) certain: bool,
    /// As [`Command::settled`], of what is walked now.
    pub(super) settled: bool,
    /// What may have been left already.
    pub(super) left: Left,
    /// What arrives on standard input, where it is known.
    pub(super) input: Option<Value>,
    /// The last move that may have failed unseen.
    pub(super) moved: Option<Move>,
    /// `set -e`: what fails ends the text.
    pub(super) stops_at_failure: bool,
    /// How often it was looked for whether the text makes the folder that it moves to.
    pub(super) looked: usize,
    pub(super) calls: Vec<Rc<str>>,
    /// Variables that the functions being called made their own, with what they hid.
    pub(super) locals: Vec<Vec<(String, Option<super::env::Variable>)>>,
    /// Files that the text writes, with what it writes to them.
    pub(super) written: Vec<(String, String, ByteSpan)>,
    /// Whether `exec` opened a file to write into.
    printed_to_file: bool,
    /// Where descriptors lead that something opened before.
    pub(super) descriptors: Vec<Descriptor>,
    /// How many numbers of descriptors the shell chose by itself.
    pub(super) chosen: u32,
    /// How many commands descriptors were tied to.
    pub(super) ties: usize,
    depth: usize,
    words: usize,
    pub(super) evaluations: usize,
    pub(super) rounds: usize,
    bytes: usize,
    /// Work left for pattern matching.
    pub(super) matching: usize,
    pub(super) stopped: bool,
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
            settled: true,
            left: Left::default(),
            input: None,
            moved: None,
            stops_at_failure: false,
            looked: 0,
            calls: Vec::new(),
            locals: Vec::new(),
            written: Vec::new(),
            printed_to_file: false,
            descriptors: Vec::new(),
            chosen: 0,
            ties: 0,
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
        self.stops_at_failure = moves::starts_strict(&text.source);
        self.report(&text.tree);
        self.node(&text.tree.root, false);
        self.close(0);
        // Rendering a scope costs something, and only what runs at the end asks for the last one.
        if self.out.commands.iter().any(Command::is_trap_at_exit) {
            self.out.end = self.env.scope().map(|scope| End {
                scope,
                cwd: self.env.cwd().clone(),
            });
        }
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
                    let value = self.listed(node, want);
                    if want {
                        output.push_value(&value, false);
                    }
                }
                output.finish()
            }
            Node::Subshell(inner) => self.subshell(inner, want),
            Node::Background(inner) => self.unsettled(|walker| walker.subshell(inner, want)),
            Node::Coprocess(name, inner) => {
                self.coprocess(*name, inner);
                Value::Exact(String::new())
            }
            Node::Group(inner) => self.node(inner, want),
            Node::If(arms, otherwise) => self.branches(arms, otherwise.as_deref(), want),
            Node::Negated(inner) => self.node(inner, want),
            Node::While(condition, body, until) => {
                self.looped(|walker| walker.while_loop(condition, body, *until, want))
            }
            Node::For(name, words, body) => {
                self.looped(|walker| walker.for_loop(*name, words.as_deref(), body, want))
            }
            Node::ForArithmetic(parts, body) => {
                let slice = parts_slice(parts);
                self.arithmetic(parts, slice);
                self.looped(|walker| walker.loop_body(node, body, want))
            }
            Node::Select(name, words, body) => {
                let values = self.loop_values(*name, words.as_deref());
                let name = name.of(&self.text.source).to_owned();
                let mark = self.env.mark();
                self.env.bind_scalar(&name, either(values));
                let output =
                    self.looped(|walker| walker.uncertain(|walker| walker.node(body, want)));
                let changes = self.env.take_changes(mark);
                self.env.merge(vec![changes], Otherwise::Perhaps);
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
                let function = Rc::clone(function);
                self.env
                    .set_function(&name, Some(Callable::Parsed(text, Rc::clone(&function))));
                if super::nested::is_called_by_shells(&name) {
                    self.node(&function.body, false);
                }
                Value::Exact(String::new())
            }
            Node::Redirected(inner, redirs) => {
                let redirects = self.redirects(redirs);
                let wanted = want || redirects.want_output();
                self.redirected(redirects, wanted, |walker| walker.node(inner, wanted))
            }
        }
    }

    /// Where a node begins, for what is said about it.
    pub(super) fn first_span(&self, node: &Node) -> ByteSpan {
        match node {
            Node::Simple(simple) => self.span(simple.span),
            Node::Pipeline(nodes) | Node::List(nodes) => nodes
                .first()
                .map_or_else(|| self.whole, |node| self.first_span(node)),
            Node::AndOr(members) => members
                .first()
                .map_or_else(|| self.whole, |(_, node)| self.first_span(node)),
            Node::Background(inner)
            | Node::Coprocess(_, inner)
            | Node::Subshell(inner)
            | Node::Group(inner)
            | Node::Negated(inner)
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
            let standard: &[u32] = match (index, last) {
                (0, true) => &[],
                (0, false) => &[1],
                (_, true) => &[0],
                (_, false) => &[0, 1],
            };
            output = self.apart(standard, |walker| walker.node(stage, want || !last));
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
    pub(super) fn writes_on(&self, index: usize) -> bool {
        let command = &self.out.commands[index];
        command.stdout == Stdout::Inherited && !writes_file(&command.redirects)
    }

    /// Walks commands whose output goes into a word; their indices and what they write.
    pub(super) fn captured(&mut self, body: &Node) -> (Range<usize>, Value) {
        let start = self.out.commands.len();
        let mark = self.env.mark();
        let output = self.apart(&[1], |walker| walker.node(body, true));
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
        self.apart(&[u32::from(reads)], |walker| walker.node(body, reads));
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
        if !reads && start < self.out.commands.len() {
            self.out.outlets.push(start..self.out.commands.len());
        }
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

    // Tests

    /// The words of `[[ ]]`: their substitutions run, and numbers are evaluated as arithmetic.
    fn test(&mut self, words: &[Word]) {
        let mut arithmetic = false;
        let mut matched = None;
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
            // `[[ -v 'a[..]' ]]`: a subscript is expanded, whatever quotes it.
            if text == "-v" {
                arithmetic = true;
                continue;
            }
            if text == "=~" {
                matched = previous.take().map(|(value, _)| value);
                continue;
            }
            if let Some(value) = matched.take() {
                self.matches(&value, word);
            }
            let value = self.pattern(word);
            if arithmetic {
                self.arithmetic_value(&value, word.span);
            }
            arithmetic = false;
            previous = Some((value, word.span));
        }
    }

    /// `[[ value =~ pattern ]]`: what the groups hold afterwards.
    fn matches(&mut self, value: &Value, pattern: &Word) {
        const LONGEST: usize = 4 * 1024;
        const SHOWN: usize = 10;
        let source = pattern.span.of(&self.text.source).to_owned();
        // A character behind a backslash means the same to the expression; quotes would have to be taken out of it.
        let literal = !source.contains(['\'', '"'])
            && pattern
                .parts
                .iter()
                .all(|part| matches!(part, Part::Literal(_) | Part::Quoted(_) | Part::Glob(_)));
        let known = value
            .exact()
            .filter(|text| literal && text.len() + source.len() <= LONGEST);
        let values = match known.and_then(|text| groups(&source, text)) {
            Some(groups) => {
                let bytes = groups.iter().map(String::len).sum();
                self.spend(bytes, pattern.span);
                groups.into_iter().map(Value::Exact).collect()
            }
            None => {
                let why = Why::RunTimeValue(String::from("BASH_REMATCH"));
                vec![Value::Unknown(why); SHOWN]
            }
        };
        self.env.bind("BASH_REMATCH", Bound::Indexed(values));
    }

    pub(super) fn scope(&mut self, at: ByteSpan) -> Rc<Scope> {
        match self.env.scope() {
            Some(scope) => scope,
            None => {
                self.unresolved(Why::Limit, at);
                Rc::default()
            }
        }
    }

    pub(super) fn emit(&mut self, command: Command) -> usize {
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
            if let [program] = words.as_mut_slice()
                && !word.parts.is_empty()
            {
                self.program_in_folder(word, program);
            }
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
    pub(super) fn run(&mut self, simple: &Simple, mut words: Vec<Argument>, want: bool) -> Value {
        let mut redirects = self.redirects(&simple.redirs);
        let ties = self.follow_descriptors(&mut words, &redirects);
        let lasts = matches!(words.as_slice(), [word] if word.value.exact() == Some("exec"));
        let opened = std::mem::take(&mut redirects.opened);
        let temporary = !words.is_empty() && !simple.assigns.is_empty();
        let mut assignments = Vec::with_capacity(simple.assigns.len());
        let mark = self.env.mark();
        for assign in &simple.assigns {
            self.assign(assign, &mut assignments);
        }
        let span = self.span(simple.span);
        // `exec > file`: from then on what is printed is written.
        let writes = |redirect: &Redirect| redirect.kind.opens_to_write();
        self.printed_to_file |=
            lasts && (redirects.print_to_process() || redirects.files.iter().any(writes));
        let to_process = redirects.print_to_process();
        let want = want || self.printed_to_file || redirects.want_output();
        let input = match &redirects.stdin {
            Some(Stdin::Text { body, .. }) => Some(body.clone()),
            Some(_) => None,
            None if redirects.from_process => self.process_output(&redirects.processes),
            None => self.input.clone(),
        };
        // `$(< file)` is what the file holds.
        let shows_file = words.is_empty()
            && simple.assigns.is_empty()
            && matches!(redirects.stdin, Some(Stdin::File(_)));
        let output = want.then(|| {
            if shows_file {
                return Value::Unknown(Why::CommandOutput);
            }
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
            stayed: self.env.directories().stayed.clone(),
            certain: self.certain,
            settled: self.certain && self.settled,
            scope,
        });
        for process in &redirects.processes {
            self.tie_process(process, index);
        }
        self.tie_words(simple, index);
        for (ends, reads) in ties {
            self.tie(&ends, index, reads);
        }
        if lasts {
            self.open(opened);
        }
        if temporary {
            let separators = self.lookup("IFS");
            self.env.rollback(mark);
            self.effects(index, simple, Some(separators));
        } else {
            self.effects(index, simple, None);
        }
        self.vanishing(index);
        let to_file = writes_file(&self.out.commands[index].redirects);
        if to_file {
            let redirects = self.out.commands[index].redirects.clone();
            self.remember_file(&redirects, output.as_ref());
            return Value::Exact(String::new());
        }
        if to_process {
            // What the far end prints instead is told by its own commands.
            return Value::Unknown(Why::CommandOutput);
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
        let ends = match &without.stdout {
            Stdout::Pipe(ends) => ends.clone(),
            _ => Vec::new(),
        };
        let index = self.emit(without);
        self.tie(&ends, index, false);
    }
}

/// Where parts lie.
fn parts_slice(parts: &[Part]) -> Slice {
    match parts.first() {
        Some(Part::Literal(slice) | Part::Quoted(slice) | Part::Variable(slice)) => *slice,
        _ => Slice::default(),
    }
}

/// What a regular expression and its groups match; nothing when it does not match, or cannot be computed here.
fn groups(pattern: &str, text: &str) -> Option<Vec<String>> {
    const MOST_BYTES: usize = 64 * 1024;
    let expression = regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_BYTES)
        .nest_limit(32)
        .build()
        .ok()?;
    let found = expression.captures(text.as_bytes())?;
    let part = |part: Option<regex::bytes::Match<'_>>| {
        part.map_or_else(String::new, |part| {
            String::from_utf8_lossy(part.as_bytes()).into_owned()
        })
    };
    Some(found.iter().map(part).collect())
}
