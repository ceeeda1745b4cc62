//! Shell text to a syntax tree, and the tree to resolved commands.
//!
//! Says what would be executed with which words; what the programs then do is the business of `actions`. Texts inside
//! words (`bash -c`, `eval`) are words here: whoever knows that a program runs them resolves them in turn, with
//! [`command::Command::scope`] as their start.

mod ansi;
mod arithmetic;
mod assign;
mod brace;
mod branches;
mod carried;
pub mod command;
mod descriptors;
mod draft;
mod effects;
mod env;
mod expand;
mod fold;
mod join;
mod loops;
mod moves;
mod nested;
mod parameter;
mod pattern;
mod redirect;
mod syntax;
mod walk;

pub use fold::{passed_on, printed};

use command::{Resolution, Start, Unresolved, Why};
use env::{Place, Text};
use walk::Walker;

use crate::span::ByteSpan;

/// How much of a text is analysed, in bytes; the rest is unknown.
pub const MAX_SOURCE: usize = 256 * 1024;

/// Resolves a shell text into the simple commands it would run. Total: any text has an answer.
#[must_use]
pub fn resolve(source: &str, start: &Start) -> Resolution {
    let Some(whole) = ByteSpan::new(0, source.len()) else {
        return Resolution::default();
    };
    let mut end = source.len().min(MAX_SOURCE);
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    let analysed = &source[..end];
    let tree = syntax::parse(analysed);
    let text = Text {
        source: analysed.to_owned(),
        tree,
        place: Place::At(0),
    };
    let mut resolution = Walker::new(start, text, whole).finish();
    if let Some(span) = ByteSpan::new(end, source.len()) {
        resolution.unresolved.push(Unresolved {
            why: Why::Limit,
            span,
        });
    }
    resolution
}

#[cfg(test)]
mod tests;
