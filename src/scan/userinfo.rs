//! The password in a URL: `postgres://user:password@host`.

use super::pass::Pass;
use super::plausible;
use crate::rules::Rule;
use crate::rules::alphabet::AUTHORITY;
use crate::rules::codec;
use crate::rules::tables::Hit;

/// Longest user information that is looked at, in bytes.
const LONGEST: usize = 512;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, schemes: &[String], hit: Hit) {
    let bytes = pass.bytes;
    // What was read may end with the colon of the next address.
    if hit.end <= pass.reach(hit.rule) || !scheme_matches(bytes, hit.start, schemes) {
        return;
    }
    let limit = bytes.len().min(hit.end + LONGEST);
    let stop = bytes[hit.end..limit]
        .iter()
        .position(|byte| !AUTHORITY.has(*byte))
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
        || !pass.is_apart(hit.start, (start, end))
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
    let scheme = &bytes[start..end];
    !scheme.is_empty()
        && schemes.iter().any(|known| match known.strip_suffix('*') {
            Some(head) => scheme
                .get(..head.len())
                .is_some_and(|held| held.eq_ignore_ascii_case(head.as_bytes())),
            None => scheme.eq_ignore_ascii_case(known.as_bytes()),
        })
}

/// `user:password@`, `postgres:postgres@`: words that stand for values.
pub(super) fn stands_for(password: &[u8], user: &[u8]) -> bool {
    let lower = password.to_ascii_lowercase();
    let plain = plainly(&lower);
    // `cvs://:pserver:anoncvs@host`: how to connect and as whom, without a password.
    lower == user.to_ascii_lowercase()
        || user.is_empty() && lower.starts_with(b"pserver:")
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
            "opensesame",
            "xyzzy",
        ]
        .iter()
        .any(|word| word.as_bytes() == lower || word.as_bytes() == plain)
        || is_joke(&lower)
}

/// `hunter2`, `Passw0rd!`, `letmein1`: what every list of bad passwords begins with, however it ends.
fn is_joke(lower: &[u8]) -> bool {
    let letters = lower
        .iter()
        .rposition(u8::is_ascii_alphabetic)
        .map_or(0, |last| last + 1);
    if lower.len() > letters + 4 {
        return false;
    }
    let plain = plainly(&lower[..letters]);
    [
        "password",
        "passphrase",
        "hunter",
        "letmein",
        "changeit",
        "test",
    ]
    .iter()
    .any(|word| word.as_bytes() == plain)
}

/// The letters of a word in which signs stand for some, or are escaped: `p@ssw0rd`, `pa%2Fssword`.
fn plainly(lower: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(lower.len());
    let mut at = 0;
    while at < lower.len() {
        let escaped = (lower[at] == b'%')
            .then(|| lower.get(at + 1..at + 3).and_then(codec::hex))
            .flatten();
        let byte = match &escaped {
            Some(byte) => byte[0],
            None => lower[at],
        };
        at += if escaped.is_some() { 3 } else { 1 };
        out.push(match byte {
            b'@' | b'4' => b'a',
            b'0' => b'o',
            b'3' => b'e',
            b'1' | b'!' => b'i',
            b'$' | b'5' => b's',
            other => other,
        });
    }
    out.retain(u8::is_ascii_alphabetic);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Surface;

    #[test]
    fn words_that_stand_for_passwords_are_seen_through_signs_and_escapes() {
        for (password, user) in [
            ("p@ssw0rd", "jane"),
            ("pa%2Fssword", "user"),
            ("My%20Pass", "My%20User"),
            ("secr3t", "x"),
            ("pass123", "x"),
            ("jane", "Jane"),
            ("pserver:anoncvs", ""),
            ("hunter2", "x"),
            ("Passw0rd!", "x"),
            ("letmein2024", "x"),
            ("test123", "x"),
        ] {
            assert!(
                stands_for(password.as_bytes(), user.as_bytes()),
                "{password}"
            );
        }
        for password in [
            "Tr0ub4dor",
            "k7Gh2mQp9XvR",
            "p@ssw0rd-of-2019",
            "pserver",
            "hunter-4168-ember",
        ] {
            assert!(!stands_for(password.as_bytes(), b"x"), "{password}");
        }
    }

    #[test]
    fn a_user_may_begin_with_whatever_ends_no_authority_wherever_it_stands() {
        for byte in AUTHORITY.bytes() {
            for before in 0..4 {
                let mut text = " ".repeat(before).into_bytes();
                text.extend_from_slice(b"redis://");
                text.push(byte);
                text.extend_from_slice(b"u:pw1x345@h");
                let found = crate::builtin::scanner().scan(&text, Surface::ToolResult);
                assert!(
                    found
                        .iter()
                        .any(|found| found.rule == "secrets.url-password"),
                    "{}",
                    text.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn an_address_in_the_place_of_a_password_is_looked_at_itself() {
        let text = b"redis://u:redis://v:pw1x345@h";
        let found = crate::builtin::scanner().scan(text, Surface::ToolResult);
        let passwords: Vec<&[u8]> = found
            .iter()
            .filter(|found| found.rule == "secrets.url-password")
            .map(|found| &text[found.span.start()..found.span.end()])
            .collect();
        assert_eq!(passwords, [b"pw1x345"]);
    }
}
