//! Personal data: card numbers, IBANs, national ids, telephone numbers, e-mail addresses.

use super::pass::Pass;
use crate::rules::verify::{luhn, mod97};

/// Longest number that is looked at, in bytes.
const LONGEST: usize = 48;
/// Least digits of a number that is personal: a short international telephone number.
const LEAST_DIGITS: usize = 8;

/// Words before a number that say it counts something else.
static OTHER_NUMBERS: &[&str] = &[
    "order",
    "trace",
    "span",
    "tracking",
    "part",
    "sku",
    "_id",
    "offset",
    "partition",
    "ticket",
    "invoice",
];

/// Looks at the number around `at`; says up to where nothing else needs looking at.
pub(super) fn confirm(pass: &mut Pass<'_>, at: usize) -> usize {
    let bytes = pass.bytes;
    let (start, end) = number_around(bytes, at);
    if iban(pass, at) {
        return end;
    }
    let count = bytes[start..end]
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .count();
    let whole = count >= LEAST_DIGITS
        && end - start <= LONGEST
        && !(start > 0 && is_joint(bytes[start - 1]))
        && !bytes.get(end).is_some_and(|next| is_joint(*next));
    if whole {
        // The first to fit wins: no number is two things.
        let _kept = ssn(pass, start, end) || card(pass, start, end) || phone(pass, start, end);
    }
    end
}

/// The digits around `at` with what parts them, up to two separators in a row. It is the same number from each of its
/// digits, and looked at no further than a little more than the longest one.
fn number_around(bytes: &[u8], at: usize) -> (usize, usize) {
    let part = |index: usize| {
        bytes.get(index).is_some_and(|byte| {
            byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'+')
        })
    };
    let gap = |index: usize| {
        bytes
            .get(index)
            .is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.'))
    };
    let mut end = at;
    while end - at <= LONGEST && part(end) && !(gap(end) && gap(end + 1)) {
        end += 1;
    }
    while end > at && !bytes[end - 1].is_ascii_digit() {
        end -= 1;
    }
    let mut start = at;
    while start > 0
        && at - start <= LONGEST
        && part(start - 1)
        && !(start > 1 && gap(start - 1) && gap(start - 2))
    {
        start -= 1;
    }
    while start < at && !bytes[start].is_ascii_digit() && !matches!(bytes[start], b'+' | b'(') {
        start += 1;
    }
    (start, end)
}

const fn is_joint(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn digits(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(u8::is_ascii_digit).collect()
}

fn counts_something_else(bytes: &[u8], start: usize) -> bool {
    let before = bytes[start.saturating_sub(20)..start].to_ascii_lowercase();
    OTHER_NUMBERS
        .iter()
        .any(|word| memchr::memmem::find(&before, word.as_bytes()).is_some())
}

fn card(pass: &mut Pass<'_>, start: usize, end: usize) -> bool {
    let text = &pass.bytes[start..end];
    let number = digits(text);
    let prefix = |count: usize| {
        number[..count]
            .iter()
            .fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    if !(14..=19).contains(&number.len()) {
        return false;
    }
    let issuer = match number.len() {
        14 => matches!(prefix(2), 36 | 38) || matches!(prefix(3), 300..=305),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            number[0] == b'4'
                || matches!(prefix(2), 51..=55 | 65)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011)
                || matches!(prefix(3), 644..=649)
        }
        19 => number[0] == b'4' || prefix(2) == 62,
        _ => false,
    };
    let separators: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_digit())
        .collect();
    let one_kind = separators
        .iter()
        .all(|byte| Some(byte) == separators.first() && matches!(byte, b' ' | b'-'));
    let pieces: Vec<usize> = text
        .split(|byte| !byte.is_ascii_digit())
        .map(<[u8]>::len)
        .collect();
    let grouped = match pieces.as_slice() {
        [_] | [4, 6, 5] | [4, 6, 4] => true,
        [most @ .., last] => most.iter().all(|piece| *piece == 4) && *last <= 4,
        [] => false,
    };
    let zeros = number.iter().filter(|digit| **digit == b'0').count();
    if issuer
        && one_kind
        && grouped
        && luhn(&number)
        && zeros < 11
        && !counts_something_else(pass.bytes, start)
    {
        pass.detected("card", start, end);
        return true;
    }
    false
}

/// Three, two and four digits, in numbers that the Social Security Administration can issue.
fn ssn(pass: &mut Pass<'_>, start: usize, end: usize) -> bool {
    let text = &pass.bytes[start..end];
    let shaped = text.len() == 11
        && text[3] == text[6]
        && matches!(text[3], b'-' | b' ')
        && digits(text).len() == 9;
    if !shaped || text[0] == b'9' || text.starts_with(b"000") || text.starts_with(b"666") {
        return false;
    }
    if &text[4..6] == b"00" || &text[7..] == b"0000" {
        return false;
    }
    pass.detected("us-ssn", start, end);
    true
}

fn phone(pass: &mut Pass<'_>, start: usize, end: usize) -> bool {
    let text = &pass.bytes[start..end];
    let count = digits(text).len();
    let international = text[0] == b'+'
        && (8..=15).contains(&count)
        && text
            .get(1)
            .is_some_and(|first| matches!(first, b'1'..=b'9'));
    let pieces: Vec<usize> = text
        .split(|byte| !byte.is_ascii_digit())
        .filter(|piece| !piece.is_empty())
        .map(<[u8]>::len)
        .collect();
    let american = pieces == [3, 3, 4]
        && text.len() >= 12
        && !text.contains(&b'+')
        && matches!(
            text.iter().find(|byte| byte.is_ascii_digit()),
            Some(b'2'..=b'9')
        );
    let separated = international
        && (text
            .iter()
            .any(|byte| matches!(byte, b' ' | b'-' | b'.' | b'('))
            || count >= 10);
    if separated || american {
        pass.detected("phone", start, end);
        return true;
    }
    false
}

/// Lengths of IBANs by country (ISO 13616 registry).
static IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

fn iban(pass: &mut Pass<'_>, at: usize) -> bool {
    let bytes = pass.bytes;
    let low = at.saturating_sub(LONGEST);
    let part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let first = at
        - bytes[low..at]
            .iter()
            .rev()
            .take_while(|byte| part(byte))
            .count();
    for start in first..at {
        if start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] == b'_') {
            continue;
        }
        let Some(head) = bytes.get(start..start + 4) else {
            break;
        };
        if !head[2..].iter().all(u8::is_ascii_digit) {
            continue;
        }
        let Some((_, length)) = IBAN_LENGTHS
            .iter()
            .find(|(country, _)| head.starts_with(*country))
        else {
            continue;
        };
        let mut end = start;
        let mut count = 0;
        while count < *length && bytes.get(end).is_some_and(part) {
            count += usize::from(bytes[end] != b' ');
            end += 1;
        }
        let whole = count == *length && !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if whole && mod97(&bytes[start..end]) {
            pass.detected("iban", start, end);
            return true;
        }
    }
    false
}

/// Addresses around every `@`.
pub(super) fn emails(pass: &mut Pass<'_>) {
    let bytes = pass.bytes;
    if pass.tables.detector("email").is_none() {
        return;
    }
    let mut floor = 0;
    for at in memchr::memchr_iter(b'@', bytes) {
        let local = bytes[floor.max(at.saturating_sub(64))..at]
            .iter()
            .rev()
            .take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
            })
            .count();
        let domain = bytes[at + 1..]
            .iter()
            .take(253)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            .count();
        let (start, end) = (at - local, at + 1 + domain);
        floor = at + 1;
        if local > 0 && is_address(bytes, start, at, end) {
            let trimmed = end
                - bytes[at + 1..end]
                    .iter()
                    .rev()
                    .take_while(|byte| matches!(byte, b'.' | b'-'))
                    .count();
            pass.detected("email", start, trimmed);
        }
    }
}

fn is_address(bytes: &[u8], start: usize, at: usize, end: usize) -> bool {
    let local = &bytes[start..at];
    let machine = ["git", "noreply", "no-reply", "user", "root", "localhost"];
    if machine.iter().any(|name| name.as_bytes() == local) || !local[0].is_ascii_alphanumeric() {
        return false;
    }
    if start > 0
        && matches!(bytes[start - 1], b'/' | b':' | b'@' | b'=')
        && memchr::memmem::find(&bytes[start.saturating_sub(64)..start], b"://").is_some()
    {
        return false;
    }
    let domain = bytes[at + 1..end].trim_ascii_end();
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    let labels: Vec<&[u8]> = domain.split(|byte| *byte == b'.').collect();
    let top = labels.last().copied().unwrap_or_default();
    labels.len() >= 2
        && labels
            .iter()
            .all(|label| !label.is_empty() && !label.starts_with(b"-"))
        && (2..=12).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_versions_remotes_and_credentials() {
        let found = |text: &str| {
            let at = text.find('@').unwrap_or_default();
            let bytes = text.as_bytes();
            let start = bytes[..at]
                .iter()
                .rposition(|byte| *byte == b' ')
                .map_or(0, |before| before + 1);
            let end = bytes[at..]
                .iter()
                .position(|byte| *byte == b' ')
                .map_or(text.len(), |after| at + after);
            is_address(bytes, start, at, end)
        };
        assert!(found("to ann.lee+x@mail.example.org now"));
        for text in [
            "git@github.com",
            "checkout@v4.2",
            "a@b",
            "x@.com",
            "x@a..com",
        ] {
            assert!(!found(text), "{text}");
        }
    }
}
