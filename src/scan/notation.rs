//! Where the value of a name stands, in whatever notation: `x=v`, `"x": "v"`, `x: string = 'v'`, `<x>v</x>`,
//! `key="x" value="v"`, `name: x` then `value: v`, `--x v`, `x is v`, a table's cells.

use super::operator::{self, GAP, Operator};
use crate::rules::alphabet::{ByteSet, NONE};
use crate::rules::codec;
use crate::rules::tables::Hit;
use crate::text::contains;

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
    "starting",
    "paginat",
    "pad",
];

/// What a token that is a UUID is of when it only makes sure that a request is carried out once.
static OF_A_REQUEST: &[&str] = &["request", "client", "lock", "change", "action", "call"];

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

/// The longest of them.
const LONGEST_SUFFIX: usize = "production".len();

/// Longest value without quotes, in bytes.
pub(super) const LONGEST_BARE: usize = 1_024;

/// The value given to the name at `hit`; of one without quotes, no more than `most` bytes.
pub(super) fn value(bytes: &[u8], hit: Hit, most: usize) -> Option<(usize, usize, Operator)> {
    if !name_starts(bytes, hit.start, hit.end) {
        return None;
    }
    let after_name = suffix(bytes, hit.end)?;
    let after_name = after_name + codec::colours(&bytes[after_name..]);
    let (mut at, operator) = operator::after(bytes, after_name, hit.start)?;
    if is_harmless(bytes, hit.start) {
        return None;
    }
    at += bytes[at..]
        .iter()
        .take(GAP)
        .take_while(|byte| **byte == b' ' || **byte == b'\t')
        .count();
    at += codec::colours(&bytes[at..]);
    at = content_starts(bytes, at);
    at += made_of(&bytes[at..bytes.len().min(at + LONGEST_LEAD)]);
    if let Some(value) = braced(bytes, at, operator) {
        return Some(value);
    }
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
        return quoted(bytes, (at, end), operator);
    }
    if bytes.get(at).is_some_and(|first| !first.is_ascii())
        && let Some(open) = OPENING
            .iter()
            .find(|open| bytes[at..].starts_with(open.as_bytes()))
    {
        at += open.len();
        at += usize::from(matches!(bytes.get(at), Some(b' ')));
    }
    let end = bare_end(bytes, at, operator, most);
    (at < end).then_some((at, end, operator))
}

/// What PowerShell makes a password of a text with, and the options that may come before the text.
const SECURE_STRING: &[u8] = b"ConvertTo-SecureString ";
static SECURE_OPTIONS: [&[u8]; 3] = [b"-String ", b"-AsPlainText ", b"-Force "];

/// How much of the text comes before what PowerShell makes a password of; 0 when it makes none.
fn secure_call(rest: &[u8]) -> usize {
    let begins = |at: usize, word: &[u8]| {
        rest.get(at..at + word.len())
            .is_some_and(|held| held.eq_ignore_ascii_case(word))
    };
    let open = usize::from(rest.first() == Some(&b'('));
    if !begins(open, SECURE_STRING) {
        return 0;
    }
    let mut at = open + SECURE_STRING.len();
    while let Some(option) = SECURE_OPTIONS.iter().find(|option| begins(at, option)) {
        at += option.len();
    }
    at
}

/// How much comes before a string as PHP dumps it: a line, `string(40) `; 0 when it is none.
fn dumped(rest: &[u8]) -> usize {
    let blanks = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let Some(length) = rest[blanks..].strip_prefix(b"string(") else {
        return 0;
    };
    let digits = length
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length[digits..].starts_with(b") \"") {
        blanks + b"string(".len() + digits + b") ".len()
    } else {
        0
    }
}

/// How much comes before the first line of a fence that a text begins with; 0 when it begins with none.
fn fenced(rest: &[u8]) -> usize {
    let lines = rest.iter().take_while(|byte| **byte == b'\n').count();
    let Some(info) = rest[lines..].strip_prefix(b"```") else {
        return 0;
    };
    match info.iter().position(|byte| *byte == b'\n') {
        Some(length) if lines <= 2 => lines + b"```".len() + length + 1,
        _ => 0,
    }
}

/// Longest beginning of a value that only says how it is written.
const LONGEST_LEAD: usize = 80;

/// Where the value begins after what only says how it is written: a string's prefix, a block's sign, a type, an anchor.
fn content_starts(bytes: &[u8], at: usize) -> usize {
    let limit = bytes.len().min(at + LONGEST_LEAD);
    let rest = &bytes[at..limit];
    let called = match rest.first() {
        Some(b'(' | b'C' | b'c') => secure_call(rest),
        _ => 0,
    };
    if called > 0 {
        return at + called;
    }
    let rest = &rest[..rest.len().min(GAP)];
    let quoted = matches!(rest.get(1), Some(b'"' | b'\''));
    match rest {
        [b'b' | b'r' | b'f' | b'u' | b'@' | b'$' | b'L' | b'N', ..] if quoted => at + 1,
        _ if rest.starts_with(b"<![CDATA[") => at + b"<![CDATA[".len(),
        // `**Password:** x`
        _ if rest.starts_with(b"** ") => at + b"** ".len(),
        // On a line of its own, in a fence.
        [b'\n', ..] => at + fenced(rest).max(dumped(rest)),
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
    let said = match before.last() {
        // `Next page token: x`
        Some(b' ') => before
            .len()
            .checked_sub(b"page ".len())
            .is_some_and(|from| before[from..].eq_ignore_ascii_case(b"page ")),
        // `git config user.signingkey x`: the id of a key.
        Some(b'.') => before.ends_with(b"user.") && bytes[start..].starts_with(b"signingkey"),
        // `checksum/secret: x`: of what the name names. `/etc/passwd: x`: a line of that file.
        Some(b'/') => before.ends_with(b"checksum/") || before.ends_with(b"/etc/"),
        // The last part of an address of a resource that keeps a secret; a type.
        Some(b':') => {
            length == 0 && in_resource_name(bytes, start)
                || before.ends_with(b"::") && in_type_name(bytes, start)
        }
        _ => false,
    };
    said || length >= LEAST_HARMLESS && holds_harmless(own)
}

/// Which of the harmless words begin with a letter: nearly none does.
static HARMLESS_BY: [u32; 256] = {
    let mut by = [0; 256];
    let mut index = 0;
    while index < HARMLESS.len() {
        by[HARMLESS[index].as_bytes()[0] as usize] |= 1 << index;
        index += 1;
    }
    by
};

/// Whether one of the harmless words stands in a part of a name.
fn holds_harmless(own: &[u8]) -> bool {
    own.iter().enumerate().any(|(at, byte)| {
        let mut held = HARMLESS_BY[usize::from(byte.to_ascii_lowercase())];
        std::iter::from_fn(|| {
            let index = held.trailing_zeros() as usize;
            held &= held.wrapping_sub(1);
            HARMLESS.get(index)
        })
        .any(|word| {
            own.get(at..at + word.len())
                .is_some_and(|held| held.eq_ignore_ascii_case(word.as_bytes()))
        })
    })
}

/// Whether the name at `start` is that of a token of a request: `ClientRequestToken`, `--lock-token`.
pub(super) fn of_a_request(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(16)..start];
    let before = before
        .strip_suffix(b"_")
        .or(before.strip_suffix(b"-"))
        .unwrap_or(before);
    let ends = |word: &str| {
        before
            .len()
            .checked_sub(word.len())
            .is_some_and(|from| before[from..].eq_ignore_ascii_case(word.as_bytes()))
    };
    let token = bytes.get(start..start + b"token".len());
    token.is_some_and(|name| name.eq_ignore_ascii_case(b"token"))
        && OF_A_REQUEST.iter().any(|word| ends(word))
        && !ends("unlock")
}

/// `"AWS::IAM::AccessKey": x`: a key that is the name of a type says what else is known of the type.
fn in_type_name(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(64)..start];
    let length = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
        .count();
    let (rest, own) = before.split_at(before.len() - length);
    matches!(rest.last(), Some(b'"' | b'\'')) && contains(own, b"::")
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
    /// Most digits and what joins them.
    const LONGEST: usize = 24;
    let letters = bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
    let most = if letters { LONGEST_SUFFIX + 2 } else { LONGEST };
    let length = bytes[at..]
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    let rest = &bytes[at..at + length];
    let word = rest
        .strip_prefix(b"_")
        .or(rest.strip_prefix(b"-"))
        .unwrap_or(rest);
    let good = word.iter().all(u8::is_ascii_digit)
        || word.len() <= LONGEST_SUFFIX
            && SUFFIXES
                .iter()
                .any(|suffix| word.eq_ignore_ascii_case(suffix.as_bytes()));
    good.then_some(at + length)
}
/// What makes a value of a literal and is none by itself.
static MADE_BY: [&str; 24] = [
    "Some",
    "Just",
    "Ok",
    "String::from",
    "Secret",
    "SecretStr",
    "SecretString",
    "Secret::new",
    "SecretBox::new",
    "SecretString::new",
    "SecretString::from",
    "Zeroizing::new",
    "field",
    "Field",
    "Optional.of",
    "Buffer.from",
    "pulumi.secret",
    "SecretValue.unsafePlainText",
    "str",
    "bytes",
    "string",
    "[]byte",
    "aws.String",
    "pulumi.String",
];

/// How much of a text comes before the literal that a call makes a value of: `Some("`, `field(default="`, `(` and a line.
fn made_of(rest: &[u8]) -> usize {
    // Nearly every value begins otherwise.
    let may = |first: &u8| matches!(first, b'(' | b'[' | b'a'..=b'z' | b'A'..=b'Z');
    if !rest.first().is_some_and(may) {
        return 0;
    }
    let Some(open) = memchr::memchr(b'(', rest) else {
        return 0;
    };
    let name = &rest[..open];
    if !name.is_empty() && !MADE_BY.iter().any(|known| known.as_bytes() == name) {
        return 0;
    }
    let mut at = open + 1;
    at += rest[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    if rest[at..].starts_with(b"default=") {
        at += b"default=".len();
    }
    match rest.get(at) {
        Some(b'"' | b'\'') => at,
        _ => 0,
    }
}

/// `Pwd={x};`, `pwd=[x]`: braces as connection strings quote with, and brackets as logs do.
fn braced(bytes: &[u8], at: usize, operator: Operator) -> Option<(usize, usize, Operator)> {
    /// Longest value in braces, in bytes.
    const LONGEST: usize = 128;
    if at == 0 || bytes[at - 1] != b'=' {
        return None;
    }
    let rest = &bytes[at..bytes.len().min(at + 1 + LONGEST)];
    let plain = |byte: &u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'{' | b'[' | b'"' | b'\'' | b'$' | b',')
    };
    let (open, rest) = rest.split_first()?;
    if *open == b'[' {
        // `password=[x]`, as logs write it; a list has more in it, and looks must say that it is a value.
        let close = memchr::memchr(b']', rest).filter(|close| *close > 0)?;
        let ends = rest.get(close + 1).is_none_or(u8::is_ascii_whitespace);
        return (ends && rest[..close].iter().all(plain)).then_some((
            at + 1,
            at + 1 + close,
            Operator::Beside,
        ));
    }
    if *open != b'{' {
        return None;
    }
    let close = memchr::memchr(b'}', rest)?;
    (rest.get(close + 1) == Some(&b';') && rest[..close].iter().all(plain)).then_some((
        at + 1,
        at + 1 + close,
        operator,
    ))
}

/// What opens a value where quotation marks are others.
static OPENING: [&str; 4] = ["「", "『", "“", "«"];

/// The value in a string's `[at, end)`: another string in it, or nothing, when the quote was the end of one.
fn quoted(
    bytes: &[u8],
    (at, end): (usize, usize),
    operator: Operator,
) -> Option<(usize, usize, Operator)> {
    let held = &bytes[at..end];
    match held {
        // `print("password:", "x")`
        [b',', b' '] => {
            let start = end + 1;
            let quote = *bytes.get(end)?;
            let end = quoted_end(bytes, start, quote, 0);
            (start < end).then_some((start, end, Operator::Beside))
        }
        // `prompt("Password: ").trim()`
        [b')' | b';', ..] | [b',', b' ', ..] => None,
        // `"\"x\""`, `'"x"'`
        [b'\\', b'"', .., b'\\', b'"'] if held.len() > 4 => Some((at + 2, end - 2, operator)),
        [b'"', .., b'"'] | [b'\'', .., b'\''] if held.len() > 2 => {
            Some((at + 1, end - 1, operator))
        }
        [] => None,
        _ => Some((at, end, operator)),
    }
}

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

/// What a value without quotes is made of.
const BARE: ByteSet = NONE
    .with(b'!', b'~')
    .without(b"\"'`;,&<>|)}]\\")
    // A control character that ends nothing.
    .with(0x7f, 0x7f);

/// The same, told by one look.
static IN_BARE: [bool; 256] = BARE.table();

/// Whether a byte may stand in a value without quotes.
pub(super) const fn is_bare(byte: u8) -> bool {
    IN_BARE[byte as usize]
}

fn bare_end(bytes: &[u8], start: usize, operator: Operator, most: usize) -> usize {
    let limit = bytes.len().min(start + most);
    let mut end = start;
    while end < limit && IN_BARE[usize::from(bytes[end])] {
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
        value(text.as_bytes(), hit, LONGEST_BARE).map(|(start, end, _)| text[start..end].to_owned())
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
            "    password    REG_SZ    v4lue\r\n",
            "  password?: string = 'v4lue',",
            "    password: str = field(default=\"v4lue\")",
            "password = (\n    \"v4lue\"\n)",
            "password: Some(\"v4lue\".to_string()),",
            "std::string password{\"v4lue\"};",
            "char password[] = \"v4lue\";",
            "static char password[32] = \"v4lue\";",
            "Driver={SQL};Uid=app;password={v4lue};",
            "form-data; name=\"password\"\r\n\r\nv4lue\r\n--b",
            "**password:** v4lue\n",
            "> process.env.password\n'v4lue'\n",
            "In [3]: os.environ[\"password\"]\nOut[3]: 'v4lue'\n",
            "pry> ENV[\"password\"]\n=> \"v4lue\"\n",
            "{\"key\": \"password\", \"secured\": false, \"value\": \"v4lue\"}",
            "[\"password\"]=>\n  string(40) \"v4lue\"\n",
            "name;value\npassword;v4lue;prod",
            "<tr><td>password</td><td>v4lue</td></tr>",
            "<dt>password</dt>\n<dd>v4lue</dd>",
            "password:: v4lue\n",
            "assert settings.password == \"v4lue\"",
            "print(\"password:\", \"v4lue\")",
            "public string password { get; set; } = \"v4lue\";",
            "buildConfigField(\"String\", \"password\", \"\\\"v4lue\\\"\")",
            "static password: &'static str = \"v4lue\";",
            "$ENV{password} = 'v4lue';",
            "password: Final[str] = \"v4lue\"",
            "password: v4lue, user = \"bob\"",
            "    password: str | None = 'v4lue'",
            "var password: String? = \"v4lue\"",
            "config.set_password(\"v4lue\")",
            "password:\n  Type: String\n  Default: v4lue\n",
            "{\"password\": {\"Type\": \"String\", \"Default\": \"v4lue\"}}",
            "password:\n  type: string\n  value: \"v4lue\"\n",
            "secret set --vault-name kv --name password --value v4lue\n",
            "password=[v4lue] port=[80]",
            "set the password to v4lue and go",
            "{password, \"v4lue\"},",
            "Const password As String = \"v4lue\"",
            "setEnv \"password\" \"v4lue\"",
            "git config --global mail.password v4lue\n",
            "npm config set //x/:_password v4lue\n",
            "the password:\n```\nv4lue\n```\n",
            "param password string = 'v4lue'",
            "var password string = \"v4lue\"",
            "DECLARE @password NVARCHAR(50) = 'v4lue';",
            "add_argument(\"--password\", type=str, default=\"v4lue\")",
            "set -gx password v4lue\n",
            "command=\"set -gx password v4lue\"",
            "content=\"ENV password v4lue\"",
            "$password = ConvertTo-SecureString -String \"v4lue\" -AsPlainText",
            "$password = (ConvertTo-SecureString -AsPlainText -Force 'v4lue')",
            "\u{1b}[32mpassword\u{1b}[0m=\u{1b}[1;33mv4lue\u{1b}[0m\n",
            "\\u001b[32mpassword\\u001b[0m: v4lue\\u001b[0m",
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
    fn the_next_word_is_a_value_only_when_it_is_long_enough_to_look_like_one() {
        let text = "password      v4lue-v4lue\n";
        assert_eq!(given(text, "password").as_deref(), Some("v4lue-v4lue"));
        assert_eq!(given("password      v4lue\n", "password"), None);
        assert_eq!(
            given("password is v4lue", "password").as_deref(),
            Some("v4lue")
        );
    }

    #[test]
    fn a_name_that_is_another_or_has_no_value_gives_none() {
        for (text, name) in [
            ("password_hash=v4lue", "password"),
            ("passwords expire", "password"),
            ("password == other", "password"),
            ("prompt(\"password: \").trim()", "password"),
            ("if (x) {password} = v4lue", "password"),
            ("if password > v4lue", "password"),
            ("a compass: v4lue", "pass"),
            ("next_page_token=v4lue", "token"),
            ("fn password() -> Another", "password"),
            ("public_key_secret", "secret"),
            ("password", "password"),
            ("password::new(x)", "password"),
            ("mongodb://<user>:<password>@v4lue", "password"),
            ("\"AWS::IAM::password\": \"v4lue\"", "password"),
            ("--starting-token v4lue", "token"),
            ("`password` {", "password"),
        ] {
            assert_eq!(given(text, name), None, "{text}");
        }
    }
}
