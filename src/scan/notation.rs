//! Where the value of a name stands, in whatever notation: `x=v`, `"x": "v"`, `x: string = 'v'`, `<x>v</x>`,
//! `key="x" value="v"`, `name: x` then `value: v`, `--x v`, `x is v`, a table's cells.

use super::operator::{self, GAP, Operator};
use crate::rules::tables::Hit;

/// Names of which a part says that the value opens nothing.
static HARMLESS: &[&str] = &[
    "page",
    "next",
    "continuation",
    "cursor",
    "sync",
    "resume",
    "public",
    "cache",
    "sort",
    "partition",
    "primary",
    "foreign",
    "idempotency",
    "invalid",
    "encrypted",
    "sealed",
    "hash",
    "csrf_field",
    "stop",
    "pad",
];

/// The shortest of them.
const LEAST_HARMLESS: usize = 3;

/// What may come between a name and its operator and still leave it the same name.
static SUFFIXES: &[&str] = &[
    "prod",
    "production",
    "dev",
    "test",
    "stage",
    "staging",
    "live",
    "value",
    "text",
    "string",
    "new",
    "old",
    "main",
    "default",
    "raw",
    "plain",
];

/// The value given to the name at `hit`.
pub(super) fn value(bytes: &[u8], hit: Hit) -> Option<(usize, usize, Operator)> {
    if !name_starts(bytes, hit.start, hit.end) {
        return None;
    }
    let after_name = suffix(bytes, hit.end)?;
    let (mut at, operator) = operator::after(bytes, after_name, hit.start)?;
    if is_harmless(bytes, hit.start) {
        return None;
    }
    at += bytes[at..]
        .iter()
        .take(GAP)
        .take_while(|byte| **byte == b' ' || **byte == b'\t')
        .count();
    at = content_starts(bytes, at);
    let mut escapes = 0;
    while bytes.get(at) == Some(&b'\\') {
        escapes += 1;
        at += 1;
    }
    let quote = match bytes.get(at) {
        Some(quote @ (b'"' | b'\'' | b'`')) => Some(*quote),
        _ if escapes > 0 => return None,
        _ => None,
    };
    if let Some(quote) = quote {
        while bytes.get(at) == Some(&quote) {
            at += 1;
        }
        let end = quoted_end(bytes, at, quote, escapes);
        return (at < end).then_some((at, end, operator));
    }
    if let Some(open) = OPENING
        .iter()
        .find(|open| bytes[at..].starts_with(open.as_bytes()))
    {
        at += open.len();
        at += usize::from(matches!(bytes.get(at), Some(b' ')));
    }
    let end = bare_end(bytes, at, operator);
    (at < end).then_some((at, end, operator))
}

/// What PowerShell makes a password of a text with.
const SECURE_STRING: &[u8] = b"ConvertTo-SecureString ";

fn starts_call(rest: &[u8]) -> bool {
    rest.get(..SECURE_STRING.len())
        .is_some_and(|held| held.eq_ignore_ascii_case(SECURE_STRING))
}

/// Where the value begins after what only says how it is written: a string's prefix, a block's sign, a type, an anchor.
fn content_starts(bytes: &[u8], at: usize) -> usize {
    let limit = bytes.len().min(at + GAP);
    let rest = &bytes[at..limit];
    let quoted = matches!(rest.get(1), Some(b'"' | b'\''));
    match rest {
        [b'b' | b'r' | b'f' | b'u' | b'@' | b'$' | b'L', ..] if quoted => at + 1,
        _ if rest.starts_with(b"<![CDATA[") => at + b"<![CDATA[".len(),
        _ if starts_call(rest) => at + SECURE_STRING.len(),
        // `!!str x`, `&anchor x`
        [b'&', first, ..] | [b'!', b'!', first, ..] if first.is_ascii_alphabetic() => {
            let word = rest.iter().position(|byte| *byte == b' ');
            word.map_or(at, |length| at + length + 1)
        }
        // `>-`, `|` and the value on the next line.
        [b'>' | b'|', ..] => {
            let style = rest
                .iter()
                .take_while(|byte| matches!(byte, b'>' | b'|' | b'+' | b'-' | b'0'..=b'9'));
            let style = style.count();
            let lines = rest[style..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let broken = rest[style..style + lines].contains(&b'\n');
            if style <= 3 && broken {
                at + style + lines
            } else {
                at
            }
        }
        _ => at,
    }
}

/// Whether what stands before the name in the same word says that the value opens nothing.
fn is_harmless(bytes: &[u8], start: usize) -> bool {
    let low = start.saturating_sub(32);
    let length = bytes[low..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let own = &bytes[start - length..start];
    let before = &bytes[low..start - length];
    // `Next page token: x`; and the last part of an address of a resource that keeps a secret.
    let paged = before.strip_suffix(b" ").is_some_and(|before| {
        before.len() >= 4 && before[before.len() - 4..].eq_ignore_ascii_case(b"page")
    });
    // `checksum/secret: x`: of what the name names. `/etc/passwd: x`: a line of that file.
    if before.ends_with(b"checksum/") || before.ends_with(b"/etc/") {
        return true;
    }
    if paged || length == 0 && before.ends_with(b":") && in_resource_name(bytes, start) {
        return true;
    }
    length >= LEAST_HARMLESS
        && HARMLESS.iter().any(|word| {
            own.windows(word.len())
                .any(|held| held.eq_ignore_ascii_case(word.as_bytes()))
        })
}

/// `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name`
fn in_resource_name(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(96)..start];
    let word = before
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'>' | b'='))
        .map_or(before, |at| &before[at + 1..]);
    word.starts_with(b"arn:")
}

/// Whether the name begins a word: `DB_PASSWORD`, `dbPassword`, `password`, not `compass`.
fn name_starts(bytes: &[u8], start: usize, end: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|at| bytes[at]) else {
        return true;
    };
    let first = bytes[start];
    if before.is_ascii_lowercase() && first.is_ascii_lowercase() {
        // `\npassword=` and lower-case compounds: `dbpassword`, but then the name must be long enough to be one.
        return start >= 2 && bytes[start - 2] == b'\\' || end - start >= 6;
    }
    if before.is_ascii_uppercase() && first.is_ascii_uppercase() {
        return end - start >= 6;
    }
    true
}

/// Where a name ends after an admissible suffix; `None` when it is another name: `password_hash`.
fn suffix(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes[at..]
        .iter()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let rest = &bytes[at..at + length];
    let word = rest
        .strip_prefix(b"_")
        .or(rest.strip_prefix(b"-"))
        .unwrap_or(rest);
    let good = word.iter().all(u8::is_ascii_digit)
        || SUFFIXES
            .iter()
            .any(|suffix| word.eq_ignore_ascii_case(suffix.as_bytes()));
    good.then_some(at + length)
}
/// What opens a value where quotation marks are others.
static OPENING: [&str; 4] = ["「", "『", "“", "«"];

fn quoted_end(bytes: &[u8], start: usize, quote: u8, escapes: usize) -> usize {
    let limit = bytes.len().min(start + 4_096);
    let mut at = start;
    while at < limit {
        match bytes[at] {
            b'\n' => return at,
            byte if byte == quote => return at,
            b'\\' => {
                let run = bytes[at..limit]
                    .iter()
                    .take_while(|byte| **byte == b'\\')
                    .count();
                if escapes > 0 && run <= escapes && bytes.get(at + run) == Some(&quote) {
                    return at;
                }
                if escapes > 0
                    && run <= escapes
                    && matches!(bytes.get(at + run), Some(b'n' | b'r' | b't'))
                {
                    return at;
                }
                at += run + 1;
            }
            _ => at += 1,
        }
    }
    limit
}

fn bare_end(bytes: &[u8], start: usize, operator: Operator) -> usize {
    let limit = bytes.len().min(start + 1_024);
    let mut end = start;
    while end < limit {
        let byte = bytes[end];
        if byte.is_ascii_whitespace()
            || !byte.is_ascii()
            || byte < b' '
            || matches!(
                byte,
                b'"' | b'\''
                    | b'`'
                    | b';'
                    | b','
                    | b'&'
                    | b'<'
                    | b'>'
                    | b'|'
                    | b')'
                    | b'}'
                    | b']'
                    | b'\\'
            )
        {
            break;
        }
        end += 1;
    }
    if matches!(operator, Operator::Prose | Operator::Said) {
        while end > start && matches!(bytes[end - 1], b'.' | b'!' | b'?' | b':') {
            end -= 1;
        }
    } else {
        while end > start && matches!(bytes[end - 1], b'.' | b':') {
            end -= 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str, name: &str) -> Option<String> {
        let start = text.find(name)?;
        let hit = Hit {
            rule: 0,
            index: 0,
            start,
            end: start + name.len(),
        };
        value(text.as_bytes(), hit).map(|(start, end, _)| text[start..end].to_owned())
    }

    #[test]
    fn a_value_is_read_whole_in_every_notation_and_not_further() {
        for text in [
            "password=v4lue",
            "PASSWORD: v4lue\n",
            "\"password\": \"v4lue\",",
            "{\\\"password\\\": \\\"v4lue\\\"}",
            "password := 'v4lue'",
            "password: string = \"v4lue\";",
            "os.environ[\"password\"] = \"v4lue\"",
            "<password>v4lue</password>",
            "<x:db_password>v4lue</x:db_password>",
            "<string name=\"password\">v4lue</string>",
            "<add key=\"password\" value=\"v4lue\" />",
            "- name: password\n  value: v4lue\n",
            "| password | v4lue |",
            "--db-password v4lue -v",
            "the password is v4lue. Please",
            "?a=1&password=v4lue&b=2",
            "a=1;password=v4lue;b=2",
            "echo password=v4lue\\n",
            "password=v4lue」です",
            "password => `v4lue`",
            "db_password_prod=v4lue",
            "ENV['password'] ||= 'v4lue'",
            "ENV DB_password v4lue\n",
            "setx password \"v4lue\"",
            "passwordは「v4lue」です",
            "password：v4lue",
            "name,value\nDB_password,v4lue\n",
            "password%3Dv4lue",
            "private const string password = @\"v4lue\";",
            "<password><![CDATA[v4lue]]></password>",
            "password: >-\n    v4lue\n",
            "password: &db \"v4lue\"",
            "password: !!str v4lue\n",
            "\"password\": {\n  \"value\": \"v4lue\"",
            "{\"name\": \"password\", \"value\": \"v4lue\"}",
            "<string name=\"password\" translatable=\"false\">v4lue</string>",
            "fastcgi_param  password  v4lue;",
            "WITH password 'v4lue';",
            "the password for the new database is v4lue.",
            "password      v4lue\n",
        ] {
            let lower = text.replace("PASSWORD", "password");
            assert_eq!(
                given(&lower, "password").as_deref(),
                Some("v4lue"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_that_is_another_or_has_no_value_gives_none() {
        for (text, name) in [
            ("password_hash=v4lue", "password"),
            ("passwords expire", "password"),
            ("password == other", "password"),
            ("if password > v4lue", "password"),
            ("a compass: v4lue", "pass"),
            ("next_page_token=v4lue", "token"),
            ("fn password() -> Another", "password"),
            ("public_key_secret", "secret"),
            ("password", "password"),
            ("password::new(x)", "password"),
        ] {
            assert_eq!(given(text, name), None, "{text}");
        }
    }
}
