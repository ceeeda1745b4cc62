//! The password in a URL: `postgres://user:password@host`.

use super::pass::Pass;
use super::plausible;
use crate::rules::Rule;
use crate::rules::tables::Hit;

/// Longest user information that is looked at, in bytes.
const LONGEST: usize = 512;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, schemes: &[String], hit: Hit) {
    let bytes = pass.bytes;
    if hit.start < pass.reach(hit.rule) || !scheme_matches(bytes, hit.start, schemes) {
        return;
    }
    let limit = bytes.len().min(hit.end + LONGEST);
    let stop = bytes[hit.end..limit]
        .iter()
        .position(|byte| ends_authority(*byte))
        .map_or(limit, |offset| hit.end + offset);
    pass.looked(hit.rule, stop);
    let authority = &bytes[hit.end..stop];
    let Some(host) = authority.iter().rposition(|byte| *byte == b'@') else {
        return;
    };
    let Some(colon) = authority[..host].iter().position(|byte| *byte == b':') else {
        return;
    };
    let (start, end) = (hit.end + colon + 1, hit.end + host);
    let Some(password) = bytes.get(start..end).filter(|text| text.len() >= 4) else {
        return;
    };
    let user = &authority[..colon];
    if plausible::is_reference(password)
        || plausible::is_placeholder(password)
        || stands_for(password, user)
    {
        return;
    }
    pass.found(hit.rule, rule, (start, end), None);
}

fn scheme_matches(bytes: &[u8], end: usize, schemes: &[String]) -> bool {
    let from = end.saturating_sub(24);
    let start = bytes[from..end]
        .iter()
        .rposition(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
        .map_or(from, |before| from + before + 1);
    let scheme = bytes[start..end].to_ascii_lowercase();
    if scheme.is_empty() {
        return false;
    }
    schemes.iter().any(|known| match known.strip_suffix('*') {
        Some(head) => scheme.starts_with(head.as_bytes()),
        None => scheme == known.as_bytes(),
    })
}

const fn ends_authority(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || byte < b' '
        || matches!(
            byte,
            b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'?' | b'#' | b'(' | b')' | b','
        )
}

/// `user:password@`, `postgres:postgres@`: words that stand for values.
fn stands_for(password: &[u8], user: &[u8]) -> bool {
    let lower = password.to_ascii_lowercase();
    lower == user.to_ascii_lowercase()
        || [
            "pass",
            "password",
            "passwd",
            "pwd",
            "secret",
            "token",
            "user",
            "admin",
            "root",
            "test",
            "mypass",
            "mypassword",
            "postgres",
            "guest",
            "pass123",
            "password123",
        ]
        .iter()
        .any(|word| word.as_bytes() == lower)
}
