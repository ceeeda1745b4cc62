//! Blocks between `-----BEGIN X-----` and `-----END X-----`: indented, escaped, quoted, on one line.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::mark;
use super::pass::Pass;
use crate::rules::Rule;
use crate::rules::tables::Hit;

/// Longest block, in bytes.
const LONGEST: usize = 32 * 1_024;
/// Least bytes of base64 in a block that is a key and not an illustration.
const LEAST_BODY: usize = 40;
/// Least bytes of its longest line.
const LEAST_LINE: usize = 24;

static NEXT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"-----BEGIN "));

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, labels: &[String], hit: Hit) {
    let bytes = pass.bytes;
    let Some(label) = labels.get(hit.index) else {
        return;
    };
    let dashes = bytes[..hit.start]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'-')
        .count();
    if dashes < 4 || hit.start < pass.reach(hit.rule) {
        return;
    }
    let start = hit.start - dashes.min(5);
    let limit = bytes.len().min(hit.end + LONGEST);
    // One that is not closed ends where the next begins: that may be a whole one, and must not be swallowed.
    let limit = NEXT
        .find(&bytes[hit.end..limit])
        .map_or(limit, |offset| hit.end + offset);
    pass.looked(hit.rule, hit.end);
    if limit - hit.end < LEAST_BODY {
        return;
    }
    let body = &bytes[hit.end..limit];
    let closing = format!("END {label}");
    let end = match memchr::memmem::find(body, closing.as_bytes()) {
        Some(offset) => {
            let after = hit.end + offset + closing.len();
            after
                + bytes[after..limit]
                    .iter()
                    .take(5)
                    .take_while(|byte| **byte == b'-')
                    .count()
        }
        // Cut off: everything that still looks like its body.
        None => hit.end + body.iter().take_while(|byte| in_body(**byte)).count(),
    };
    let end = member_end(bytes, start, end);
    pass.looked(hit.rule, end);
    // What marks say is no part of a key.
    let inner = &mark::without(&bytes[hit.end..end]);
    let encoded = inner
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .count();
    if encoded >= LEAST_BODY + closing.len() && is_random(inner) && has_line(inner) {
        pass.found(hit.rule, rule, (start, end), None);
    }
}

/// The value of a service account's `private_key` ends with an escaped line break, which belongs to it.
fn member_end(bytes: &[u8], start: usize, end: usize) -> usize {
    let before = &bytes[start.saturating_sub(24)..start];
    let rest = &bytes[end..bytes.len().min(end + 8)];
    let escapes = rest.iter().take_while(|byte| **byte == b'\\').count();
    let ends = rest.get(escapes) == Some(&b'n')
        && rest
            .get(escapes + 1)
            .is_some_and(|next| matches!(next, b'"' | b'\\'));
    if escapes > 0 && ends && memchr::memmem::find(before, b"private_key").is_some() {
        end + escapes + 1
    } else {
        end
    }
}

fn in_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte.is_ascii_whitespace()
        || matches!(byte, b'+' | b'/' | b'=' | b'\\' | b'-' | b':' | b',')
}

/// Whether there is a line of base64, and not only words.
fn has_line(body: &[u8]) -> bool {
    body.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')))
        .any(|run| run.len() >= LEAST_LINE)
}

/// Whether the body is not one letter again and again.
fn is_random(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in body.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|held| **held).count() >= 24
}
