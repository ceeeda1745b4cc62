//! Texts that run in this very shell, `eval` and `source`: what they change holds for the commands after them.
//!
//! What they do is told by whoever evaluates the command, with its scope; here they are walked for the state they leave,
//! and for nothing else.

use std::rc::Rc;

use super::command::{Redirect, RedirectKind, Value};
use super::env::Place;
use super::moves::resolve_path;
use super::walk::Walker;

/// How many files that the text writes are remembered.
const MAX_WRITTEN: usize = 32;

impl Walker<'_> {
    /// `eval`: its words, with blanks between, are a text.
    pub(super) fn eval(&mut self, index: usize, arguments: &[Value]) {
        let arguments = match arguments.split_first() {
            Some((first, rest)) if first.exact() == Some("--") => rest,
            _ => arguments,
        };
        let words: Option<Vec<&str>> = arguments.iter().map(Value::exact).collect();
        if let Some(words) = words {
            self.carry(index, words.join(" "));
        }
    }

    /// `source`, whose file is the word at that position.
    pub(super) fn source(&mut self, index: usize, position: usize) {
        let command = &self.out.commands[index];
        let Some(word) = command.words.get(position) else {
            return;
        };
        let text = match &word.value {
            Value::Exact(path)
                if matches!(
                    path.as_str(),
                    "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0"
                ) =>
            {
                command.known_stdin().cloned()
            }
            path @ Value::Exact(_) => {
                let path = resolve_path(self.env.cwd(), path);
                let path = path.exact();
                let held = self
                    .written
                    .iter()
                    .rev()
                    .find(|(name, _, _)| Some(name.as_str()) == path);
                held.map(|(_, text, _)| Value::Exact(text.clone()))
            }
            Value::Prefix(path, _) if path == "/dev/fd/" && !word.from.is_empty() => {
                self.printed_by(&word.from)
            }
            _ => None,
        };
        if let Some(Value::Exact(text)) = text {
            self.carry(index, text);
        }
    }

    /// Walks a text for what it changes in this shell.
    fn carry(&mut self, index: usize, source: String) {
        let command = &self.out.commands[index];
        let span = command.span;
        let input = command.known_stdin().cloned();
        let unresolved = self.out.unresolved.len();
        let recursive = self.out.recursive_functions.len();
        let commands = self.out.commands.len();
        if source.trim().is_empty() || !self.may_nest(span) {
            return;
        }
        let Some(text) = self.nested(source, Place::Inside(span)) else {
            return;
        };
        // No name has a blank in it, so this is nobody's.
        self.calls.push(Rc::from("eval text"));
        let outer_text = std::mem::replace(&mut self.text, Rc::clone(&text));
        let outer_input = std::mem::replace(&mut self.input, input);
        self.node(&text.tree.root, false);
        self.input = outer_input;
        self.text = outer_text;
        self.calls.pop();
        self.out.commands.truncate(commands);
        self.out.recursive_functions.truncate(recursive);
        if !self.is_stopped() {
            self.out.unresolved.truncate(unresolved);
        }
    }

    /// Remembers what a command writes to a file, for `source`.
    pub(super) fn remember_file(&mut self, redirects: &[Redirect], output: Option<&Value>) {
        let Some(Value::Exact(text)) = output else {
            return;
        };
        let Some(redirect) = redirects.iter().rev().find(|redirect| redirect.fd == 1) else {
            return;
        };
        let path = resolve_path(self.env.cwd(), &redirect.target);
        let Some(path) = path.exact() else { return };
        let room = self.written.len() < MAX_WRITTEN;
        let held = self.written.iter_mut().find(|(name, _, _)| name == path);
        match (redirect.kind, held) {
            (RedirectKind::Append | RedirectKind::Through, Some((_, held, _))) => {
                held.push_str(text);
            }
            // Commands that have one redirect in common write one after the other.
            (RedirectKind::Write, Some((_, held, through))) if *through == redirect.span => {
                held.push_str(text);
            }
            (RedirectKind::Write, Some((_, held, through))) => {
                held.clone_from(text);
                *through = redirect.span;
            }
            (RedirectKind::Write | RedirectKind::Through, None) if room => {
                let (path, text) = (path.to_owned(), text.clone());
                self.written.push((path, text, redirect.span));
            }
            _ => {}
        }
    }
}
