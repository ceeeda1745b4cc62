//! Functions of a source text: read once more for every call, with what it gives them.

use super::fold::Found;
use super::lex::Token;
use super::{LONGEST, Reader};
use crate::actions::code::{Language, What};
use crate::shell::command::Value;
use std::collections::BTreeSet;

/// Which calls were followed, and which were not.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Tokens that were read again.
    again: usize,
    /// By function, where its calls stand.
    followed: BTreeSet<(usize, usize)>,
    seen: BTreeSet<(usize, usize)>,
}

/// A function that takes something.
#[derive(Debug)]
pub(super) struct Function<'t> {
    name: &'t str,
    parameters: Vec<&'t str>,
    /// The tokens of its body.
    body: (usize, usize),
}

/// How many functions are kept.
const MOST: usize = 256;

/// Calls that are followed one inside of the other.
const DEEPEST: usize = 4;

/// Tokens that calls may read again.
const MOST_AGAIN: usize = 64 * 1024;

impl<'t> Reader<'t> {
    /// The functions of the text.
    pub(super) fn functions(&self) -> Vec<Function<'t>> {
        let starts = 0..self.tokens.len();
        let found = starts.filter_map(|at| self.function(at));
        found.take(MOST).collect()
    }

    /// `name(type parameter) … {`
    fn function(&self, at: usize) -> Option<Function<'t>> {
        const NO_FUNCTIONS: [&str; 9] = [
            "if",
            "while",
            "for",
            "switch",
            "catch",
            "match",
            "using",
            "synchronized",
            "lock",
        ];
        let Some(Token::Name(name)) = self.token(at) else {
            return None;
        };
        if !self.is_mark(at + 1, b'(') || NO_FUNCTIONS.contains(&name.as_str()) {
            return None;
        }
        let close = self.closing(at + 1)?;
        // A type that it gives back, or what it throws, may stand between.
        let open = (close + 1..close + 16).find(|at| {
            !matches!(
                self.token(*at),
                Some(
                    Token::Name(_)
                        | Token::Mark(
                            b'-' | b'>'
                                | b'<'
                                | b'*'
                                | b'&'
                                | b':'
                                | b'['
                                | b']'
                                | b','
                                | b'('
                                | b')'
                        )
                )
            )
        })?;
        if !self.is_mark(open, b'{') {
            return None;
        }
        let parameters: Vec<&'t str> = self
            .parts(at + 2, close)
            .into_iter()
            .filter_map(|(from, end)| self.parameter(from, end))
            .collect();
        let end = self.block_end(open);
        (!parameters.is_empty()).then_some(Function {
            name,
            parameters,
            body: (open + 1, end),
        })
    }

    /// The name of a parameter: before its type, or behind it.
    fn parameter(&self, from: usize, end: usize) -> Option<&'t str> {
        let names = (from..end).filter_map(|at| match self.token(at) {
            Some(Token::Name(name))
                if !matches!(name.as_str(), "mut" | "val" | "var" | "final" | "const") =>
            {
                Some(name.as_str())
            }
            _ => None,
        });
        let typed_behind = matches!(self.language, Language::Go | Language::Rust)
            || (from..end).any(|at| self.is_mark(at, b':'));
        let mut names = names;
        if typed_behind {
            names.next()
        } else {
            names.last()
        }
    }

    /// Where the block ends that opens there.
    fn block_end(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..self.tokens.len() {
            if self.is_mark(at, b'{') {
                depth += 1;
            } else if self.is_mark(at, b'}') {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
        }
        self.tokens.len()
    }

    /// Reads the functions that are called between two places once more, with what they are given.
    pub(super) fn follow(
        &mut self,
        functions: &[Function<'t>],
        (from, end): (usize, usize),
        calls: &mut Calls,
        depth: usize,
    ) {
        for at in from..end {
            let Some(Token::Name(name)) = self.token(at) else {
                continue;
            };
            if !self.is_mark(at + 1, b'(') {
                continue;
            }
            let last = name.rsplit('.').next().unwrap_or(name);
            let Some(index) = functions.iter().position(|function| function.name == last) else {
                continue;
            };
            let function = &functions[index];
            let Some(close) = self.closing(at + 1) else {
                continue;
            };
            // The definition itself.
            if close < function.body.0 && function.body.0 <= close + 18 {
                continue;
            }
            calls.seen.insert((index, at));
            if (function.body.0..function.body.1).contains(&at) {
                continue;
            }
            let parts = self.parts(at + 2, close);
            let given: Vec<Found> = parts
                .iter()
                .map(|(from, end)| self.fold(*from, *end))
                .collect();
            let length = function.body.1 - function.body.0;
            if given.iter().all(|given| matches!(given, Found::Unknown))
                || calls.again + length > MOST_AGAIN
                || length > 16 * LONGEST
            {
                continue;
            }
            calls.again += length;
            calls.followed.insert((index, at));
            let before: Vec<(&'t str, Option<Found>)> = function
                .parameters
                .iter()
                .zip(given)
                .map(|(name, given)| (*name, self.names.insert(name, given)))
                .collect();
            for at in function.body.0..function.body.1 {
                self.assignment(at);
                self.call(at);
            }
            if depth < DEEPEST {
                self.follow(functions, function.body, calls, depth + 1);
            }
            for (name, held) in before {
                match held {
                    Some(held) => self.names.insert(name, held),
                    None => self.names.remove(name),
                };
            }
        }
    }

    /// Forgets what is not known of functions whose calls were all followed: the first effects, of the text as it stands.
    pub(super) fn forget(&mut self, functions: &[Function<'t>], calls: &Calls, first: usize) {
        let all = |index: usize| {
            let mut of = calls.seen.range((index, 0)..(index + 1, 0)).peekable();
            of.peek().is_some() && of.all(|call| calls.followed.contains(call))
        };
        let bodies: Vec<(usize, usize)> = functions
            .iter()
            .enumerate()
            .filter(|(index, _)| all(*index))
            .filter_map(|(_, function)| {
                let start = self.tokens.get(function.body.0)?.start;
                let end = self.tokens.get(function.body.1.checked_sub(1)?)?.end;
                Some((start, end))
            })
            .collect();
        let mut index = 0;
        self.effects.retain(|effect| {
            index += 1;
            let unknown = matches!(
                &effect.what,
                What::Act {
                    target: Some(Value::Unknown(_)),
                    ..
                } | What::Shell {
                    text: Value::Unknown(_),
                    ..
                }
            );
            let within = |(start, end): &(usize, usize)| {
                *start <= effect.span.start() && effect.span.end() <= *end
            };
            index > first || !unknown || !bodies.iter().any(within)
        });
    }
}
