//! What functions are said to take.

use super::Walker;
use crate::actions::code::Language;

/// A name that a function gives to what it is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter<'a> {
    pub name: &'a str,
    /// Which of the arguments.
    pub index: usize,
    /// Where the expression begins that it is when a call says nothing.
    pub default: Option<usize>,
    /// Whether it takes all arguments from there on.
    pub rest: bool,
    /// Whether it is a part of the argument that has the same name.
    pub part: bool,
    /// Whether the object gets an attribute of that name.
    pub field: bool,
}

/// Parameters beyond that many are stepped over.
const MAX_PARAMETERS: usize = 32;

impl<'a> Walker<'a> {
    /// The parameters in brackets here; what their names meant before no longer holds.
    pub(super) fn read_parameters(&mut self) -> Vec<Parameter<'a>> {
        let begin = self.at + 1;
        self.parameters();
        let end = self.at.saturating_sub(1).max(begin);
        self.parameters_between(begin, end)
    }

    /// The parameters between two tokens, separated by commas.
    pub(super) fn parameters_between(&self, begin: usize, end: usize) -> Vec<Parameter<'a>> {
        let mut out = Vec::new();
        let (mut from, mut depth, mut index) = (begin, 0usize, 0);
        for at in begin..=end {
            if at < end && !self.is_text(at) {
                match self.word_at(at) {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            let parts = depth == 0 && (self.is_op(at, ",") || self.is_op(at, ";"));
            if at == end || parts {
                self.parameter(from, at, index, &mut out);
                index += 1;
                from = at + 1;
            }
            if out.len() >= MAX_PARAMETERS {
                break;
            }
        }
        out
    }

    fn parameter(&self, from: usize, to: usize, index: usize, out: &mut Vec<Parameter<'a>>) {
        let mut parameter = Parameter {
            name: "",
            index,
            default: None,
            rest: false,
            part: false,
            field: false,
        };
        let mut begin = from;
        while begin < to && self.is_newline(begin) {
            begin += 1;
        }
        if self.is_op(begin, "{") && self.language == Language::JavaScript {
            self.parts(begin + 1, to, &parameter, out);
            return;
        }
        for at in begin..to {
            let word = self.word_at(at);
            if self.is_ident(at) {
                match word {
                    "public" | "private" | "protected" | "readonly" => parameter.field = true,
                    _ if self.language == Language::Php && !word.starts_with('$') => {}
                    "self" | "this" if self.language == Language::Lua => {}
                    _ if parameter.name.is_empty() => parameter.name = word,
                    _ => {}
                }
                // `name: default` of Ruby.
                if self.language == Language::Ruby && self.is_op(at + 1, ":") && at + 2 < to {
                    parameter.default = Some(at + 2);
                    break;
                }
            } else if matches!(word, "*" | "**" | "...") {
                parameter.rest = true;
            } else if word == "=" {
                parameter.default = Some(at + 1);
                break;
            }
        }
        if !parameter.name.is_empty() {
            out.push(parameter);
        }
    }

    /// `{path, force = true}`: parts of one argument.
    fn parts(&self, from: usize, to: usize, whole: &Parameter<'a>, out: &mut Vec<Parameter<'a>>) {
        let mut fresh = true;
        for at in from..to {
            if out.len() >= MAX_PARAMETERS {
                return;
            }
            if self.is_ident(at) && fresh {
                out.push(Parameter {
                    name: self.word_at(at),
                    part: true,
                    ..whole.clone()
                });
            }
            fresh = self.is_op(at, ",");
        }
    }
}
