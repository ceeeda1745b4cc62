//! Functions, aliases, and texts that expansion has produced: how they are entered, and when not.

use std::rc::Rc;

use super::command::{Argument, Value, Why};
use super::env::{Callable, Place, Text};
use super::syntax;
use super::syntax::tree::{Function, Node, Simple};
use super::walk::{MAX_CALLS_DEEP, MAX_EVALUATIONS, MAX_ROUNDS, Walker};
use crate::span::ByteSpan;

impl Walker<'_> {
    /// Whether one more nested text may be followed; over the budget, says so.
    pub(super) fn may_nest(&mut self, at: ByteSpan) -> bool {
        if self.calls.len() >= MAX_CALLS_DEEP {
            self.unresolved(Why::Limit, at);
            return false;
        }
        true
    }

    pub(super) fn call(
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
        let wanted = want || redirects.want_output();
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
        let left = std::mem::take(&mut self.left);
        let output = self.redirected(redirects, wanted, |walker| match &function {
            Some(function) => walker.node(&function.body, wanted),
            None => walker.node(&text.tree.root, wanted),
        });
        self.text = outer;
        self.left = left;
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
    pub(super) fn alias(
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

/// Whether shells call a function of that name by themselves: before a prompt, for a command that does not exist.
pub(super) fn is_called_by_shells(name: &str) -> bool {
    const CALLED: [&str; 12] = [
        "command_not_found_handle",
        "command_not_found_handler",
        "precmd",
        "preexec",
        "chpwd",
        "periodic",
        "zshexit",
        "zshaddhistory",
        "fish_prompt",
        "fish_command_not_found",
        "TRAPEXIT",
        "TRAPDEBUG",
    ];
    CALLED.contains(&name)
}
