//! What is glued to a secret may be another one, whose beginning or end only the mark of the first will show: it is
//! looked at by itself. Nearly no secret has anything glued to it.

use std::ops::Range;

use super::mark::joins;
use super::pass::{Found, Pass};
use super::{FindingKind, resolve};
use crate::call::Surface;
use crate::rules::rule::Token;
use crate::rules::{Allowed, Form, Tables};

/// Least and greatest length of what is looked at, in bytes.
const LEAST: usize = 20;
const MOST: usize = 1_024;
/// How often what was found may show something more.
const ROUNDS: usize = 3;

/// Adds the tokens that are glued to what was found, and keeps the order.
pub(super) fn add(
    tables: &Tables,
    allowed: &[Allowed],
    bytes: &[u8],
    surface: Surface,
    kept: &mut Vec<Found>,
) {
    let beside = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(|byte| is_unbroken_by_fields(*byte))
    };
    // Nearly always told from two bytes, and they are a blank, a sign or a quote.
    if kept
        .iter()
        .any(|found| beside(found.start.checked_sub(1)) || beside(Some(found.end)))
    {
        add_all(tables, allowed, bytes, surface, kept);
    }
}

fn add_all(
    tables: &Tables,
    allowed: &[Allowed],
    bytes: &[u8],
    surface: Surface,
    kept: &mut Vec<Found>,
) {
    let mut seen: Vec<Range<usize>> = Vec::new();
    for _ in 0..ROUNDS {
        let pieces = pieces(tables, bytes, kept);
        let mut more = Vec::new();
        for piece in pieces {
            if seen.contains(&piece) {
                continue;
            }
            // A bracket on either side, as of marks.
            let text = [b"]", &bytes[piece.clone()], b"["].concat();
            let found = Pass::new(tables, allowed, &text, surface, false).run();
            let alone = found
                .into_iter()
                .filter(|found| stands_alone(tables, found.rule));
            more.extend(alone.filter_map(|found| {
                let (start, end) = (found.start + piece.start, found.end + piece.start);
                Some(Found {
                    start: start.checked_sub(1).filter(|start| *start >= piece.start)?,
                    end: end.checked_sub(1).filter(|end| *end <= piece.end)?,
                    ..found
                })
            }));
            seen.push(piece);
        }
        if more.is_empty() {
            return;
        }
        kept.append(&mut more);
        *kept = resolve(tables, std::mem::take(kept));
    }
}

/// Whether a rule finds tokens that are secrets as a whole, whatever stands beside them.
fn stands_alone(tables: &Tables, rule: usize) -> bool {
    let Some(rule) = tables.rule(rule) else {
        return false;
    };
    match &rule.form {
        Form::Token(Token { shapes, words, .. }) => {
            rule.redact
                && rule.kind == FindingKind::Secret
                && words.is_empty()
                && shapes
                    .iter()
                    .all(|shape| shape.secret == (0, shape.parts.len() as u8))
        }
        _ => false,
    }
}

/// The stretches without a break that are glued to what is redacted and may hold a token, in order.
fn pieces(tables: &Tables, bytes: &[u8], kept: &[Found]) -> Vec<Range<usize>> {
    let redacted = |found: &&Found| tables.rule(found.rule).is_some_and(|rule| rule.redact);
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut add = |piece: Range<usize>| {
        let text = &bytes[piece.clone()];
        let has = |kind: fn(&u8) -> bool| text.iter().any(kind);
        // No word in one case is a token.
        let mixed = || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
        if out.last() != Some(&piece) && (has(u8::is_ascii_digit) || mixed()) {
            out.push(piece);
        }
    };
    let mut held = kept.iter().filter(redacted).peekable();
    let mut end = 0;
    while let Some(found) = held.next() {
        // Some alphabets have the sign that parts the fields of a form, and most have not.
        for unbroken in [is_unbroken, is_unbroken_by_fields] {
            let before = bytes[end.min(found.start)..found.start].iter().rev();
            if let Some(length) = glued(before, unbroken) {
                add(found.start - length..found.start);
            }
        }
        end = end.max(found.end);
        let next = held.peek().map_or(bytes.len(), |next| next.start);
        if end < next {
            for unbroken in [is_unbroken, is_unbroken_by_fields] {
                if let Some(length) = glued(bytes[end..next].iter(), unbroken) {
                    add(end..end + length);
                }
            }
        }
    }
    out
}

/// How long a stretch without a break is, when a token may stand in it.
fn glued<'a>(bytes: impl Iterator<Item = &'a u8>, unbroken: fn(u8) -> bool) -> Option<usize> {
    let length = bytes
        .take(MOST + 1)
        .take_while(|byte| unbroken(**byte))
        .count();
    (LEAST..=MOST).contains(&length).then_some(length)
}

/// Whether a byte breaks no token: escapes and colours stand beside many, and in some.
const fn is_unbroken(byte: u8) -> bool {
    joins(byte) || matches!(byte, b'\\' | 0x1b)
}

/// The same, of tokens that may hold a `&`.
const fn is_unbroken_by_fields(byte: u8) -> bool {
    is_unbroken(byte) || byte == b'&'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::example::fill;

    fn found(template: &str) -> Vec<String> {
        let filled = fill(template, "glued", None).unwrap();
        let found = crate::builtin::scanner().scan(&filled.text, Surface::ToolResult);
        let told: Vec<_> = found.iter().map(|found| found.span).collect();
        assert_eq!(told, filled.marks, "{template}");
        found.iter().map(|found| found.rule.to_string()).collect()
    }

    #[test]
    fn a_token_whose_end_only_another_shows_is_found_with_it() {
        assert_eq!(
            found("x ⟦glpat-{alnum:20}⟧-⟦sk_live_{alnum:24}⟧ y"),
            ["secrets.gitlab-token", "secrets.stripe-key"]
        );
        assert_eq!(
            found("⟦figd_{alnum:40}⟧-⟦lsv2_sk_{hex:32}_{hex:10}⟧"),
            ["secrets.figma", "secrets.langsmith"]
        );
    }

    #[test]
    fn what_only_a_name_tells_is_not_looked_for_in_what_is_glued() {
        assert_eq!(
            found("curl -u a:0z9f1k8TbQx4DOPP=⟦dp.ct.{alnum:40}⟧"),
            ["secrets.doppler"]
        );
    }

    #[test]
    fn a_long_row_of_tokens_is_read_some_times_and_no_more() {
        let row = fill("{alnum:9}-glpat-", "row", None)
            .unwrap()
            .text
            .repeat(8_000);
        let found = crate::builtin::scanner().scan(&row, Surface::ToolResult);
        assert!(found.len() < 10, "{}", found.len());
    }
}
