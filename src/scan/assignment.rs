//! Values given to a telling name: whether one is a secret, by its looks and its place.

use std::ops::Range;

use super::column;
use super::mark;
use super::naming;
use super::notation::{LONGEST_BARE, of_a_request, value};
use super::operator::{GAP, LEAST_IN_COLUMN, Operator, flag};
use super::pass::Pass;
use super::plausible;
use super::userinfo;
use crate::rules::Rule;
use crate::rules::alphabet::{ByteSet, HEX};
use crate::rules::codec;
use crate::rules::compile::ends_name;
use crate::rules::rule::Assignment;
use crate::rules::tables::Hit;
use crate::text::contains;

/// What a machine makes.
const OPAQUE: ByteSet = crate::rules::alphabet::BASE64URL.with_all(b"+/=.~");
/// Least bits per byte of an opaque value.
const OPAQUE_ENTROPY: f32 = 3.0;
const HEX_ENTROPY: f32 = 2.6;

/// Longest reference in which another name is looked for.
const LONGEST_REFERENCE: usize = 96;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Assignment, hit: Hit) {
    if hit.start < pass.reach(hit.rule) || !ends_name(pass.bytes, hit.start, hit.end, true) {
        return;
    }
    if let Some((values, accounts)) = column::below(pass, hit) {
        for range in values {
            if is_kept_in_table(pass.bytes, form, &range, accounts)
                && pass.is_apart(range.start, (range.start, range.end))
            {
                pass.found(hit.rule, rule, (range.start, range.end), None);
            }
        }
    }
    // Of two that are given, only the first is read here.
    let most = if form.pair {
        LONGEST_PAIR
    } else {
        LONGEST_BARE
    };
    let Some((start, end, operator)) = value(pass.bytes, hit, most) else {
        return;
    };
    if form.pair {
        return pair(pass, rule, form, hit, start, end);
    }
    // `gh secret set NAME -bx`: an option, and its value glued to it.
    let start = match &pass.bytes[start..end] {
        [b'-', letter, ..] if operator == Operator::Cell && letter.is_ascii_alphabetic() => {
            start + 2
        }
        _ => start,
    };
    let text = &pass.bytes[start..end];
    // What is only beside a name may be a name with its own value, and so may a reference: `${PASSWORD:-x}`,
    // `env.PASSWORD || x`.
    let refers = || {
        text.len() <= LONGEST_REFERENCE && (text.starts_with(b"${") || naming::is_name(text))
            || is_list(text)
    };
    // What is given to it far behind hides no name between, nor one in it; and what stands in a value is no name once that
    // is redacted.
    // Between a name and the words that say what it is may stand another name: `pass it on, password: x`.
    let is_said = operator == Operator::Said;
    if operator != Operator::Cell
        && !is_said
        && start <= hit.end + GAP
        && !pass.is_in_value(hit.start, hit.end)
        && !*pass
            .values
            .of(pass.bytes, (start, end))
            .refers
            .get_or_insert_with(refers)
    {
        pass.looked(hit.rule, end);
    }
    if text.len() < usize::from(form.min) || text.len() > usize::from(form.max) {
        return;
    }
    // Told at once: nearly every word after a name is a word.
    if operator == Operator::Cell
        && text.len() < LEAST_CELL
        && !(form.password && text.len() >= LEAST_IN_COLUMN && in_column(pass.bytes, start))
    {
        return;
    }
    let bare = !start
        .checked_sub(1)
        .is_some_and(|at| matches!(pass.bytes[at], b'"' | b'\'' | b'`'));
    // Its looks first, which nearly nothing has.
    let looks = if operator == Operator::Cell {
        // Nothing says that it is a value but its looks.
        (text.len() >= LEAST_CELL && is_opaque(text) && !is_plain_hex(text)
            || form.password && in_column(pass.bytes, start) && is_made_up(text))
            && may_be_secret(text, bare, form.password)
            && !names_another(text)
    } else {
        let kind = usize::from(form.password) * 2 + usize::from(bare);
        let known = pass.values.of(pass.bytes, (start, end));
        *known.looks[kind].get_or_insert_with(|| looks_secret(text, bare, form.password))
            && (form.password || !plausible::is_digest(pass.bytes, start))
    };
    let good = looks
        && !(bare && is_opened(pass.bytes, end))
        && !is_verdict(pass.bytes, hit, text)
        && !(naming::is_uuid(text)
            && (in_cell(pass.bytes, start) || of_a_request(pass.bytes, hit.start)))
        // `(password, plaintextSHA256)`, `fn pass() -> OnePass`: what is beside a name without a sign may be another.
        && (!matches!(operator, Operator::Beside | Operator::Said)
            || stands_out(pass.bytes, hit.start, text, bare));
    if good
        && (pass.is_unmarked(hit.start, end)
            || is_told_without_marks(pass.bytes, hit, (end, operator), most))
    {
        if is_said {
            pass.looked(hit.rule, end);
        }
        pass.found(hit.rule, rule, (start, end), None);
    }
}

/// Whether a value looks like one that people choose, or that machines make, by its bytes alone.
fn looks_secret(text: &[u8], bare: bool, password: bool) -> bool {
    let looks = if password {
        is_password(text, bare)
    } else {
        is_opaque(text)
    };
    looks && may_be_secret(text, bare, password)
}

/// Whether a value stands for no other, and is no name and nothing else that opens nothing.
fn may_be_secret(text: &[u8], bare: bool, password: bool) -> bool {
    // Cut short by who shows it.
    !text.ends_with(b"...")
        && !plausible::is_placeholder(text)
        && !plausible::is_reference(text)
        && !is_expression(text, bare)
        && !is_something_else(text)
        && (password || !(naming::is_identifier(text) || naming::is_resource(text)))
        && !says_placeholder(text)
}

/// Whether the value of the name at `hit` is read the same when nothing stands beyond the marks around them.
fn is_told_without_marks(
    bytes: &[u8],
    hit: Hit,
    (end, operator): (usize, Operator),
    most: usize,
) -> bool {
    let place = hit.start..end;
    let Some(room) = mark::room(bytes, &place) else {
        return false;
    };
    // What is only beside a name is its value when nothing further behind is: how far that is no mark tells.
    let told_behind = |at: usize| operator == Operator::Beside && at < hit.end + mark::AFTER;
    if !room.is_free(bytes, &place) || room.after.is_some_and(told_behind) {
        return false;
    }
    room.before.is_none_or(|mark| {
        // What is glued to the mark belongs to what it stands for.
        let glued = bytes[mark..hit.start].iter();
        let from = mark + glued.take_while(|byte| mark::joins(**byte)).count();
        let hit = Hit {
            start: hit.start - from,
            end: hit.end - from,
            ..hit
        };
        let again = value(&bytes[from..], hit, most);
        again.is_some_and(|(_, to, same)| (from + to, same) == (end, operator))
    })
}

/// A number with its type, a file, rules of a form, a class, an account: values that open nothing.
fn is_something_else(text: &[u8]) -> bool {
    naming::is_typed_number(text)
        || naming::is_file(text)
        || naming::is_rules(text)
        || naming::is_style_class(text)
        || naming::is_account(text)
}

/// Whether what stands below a telling heading is a value; what may be a name only where the table says whose it is.
fn is_kept_in_table(bytes: &[u8], form: &Assignment, range: &Range<usize>, accounts: bool) -> bool {
    let text = &bytes[range.clone()];
    let bare = !matches!(bytes.get(range.start.wrapping_sub(1)), Some(b'"' | b'\''));
    let length = usize::from(form.min)..=usize::from(form.max);
    if !length.contains(&text.len()) {
        return false;
    }
    // Its looks first: a table of words has a cell in every row.
    let looks = if form.password {
        is_made_up(text)
            || accounts && (!naming::is_name(text) || is_long_word(text) || is_pass_phrase(text))
    } else {
        text.len() >= LEAST_CELL
            && is_opaque(text)
            && !is_plain_hex(text)
            && !naming::is_identifier(text)
            && !naming::is_resource(text)
    };
    looks
        && !plausible::is_placeholder(text)
        && !plausible::is_reference(text)
        && !text.ends_with(b"...")
        && !is_code(bytes, text, range.end, bare)
        && !is_something_else(text)
        && !naming::is_uuid(text)
        && !is_kept_hash(text)
        && (!form.password || is_password(text, bare))
}

/// `$2b$12$…`, or as many hexadecimal digits as a digest has: how tables keep passwords.
fn is_kept_hash(text: &[u8]) -> bool {
    text.starts_with(b"$") && text.iter().filter(|byte| **byte == b'$').count() >= 3
        || text.len() >= 32 && is_plain_hex(text)
}

/// `Winter-Bronze7605`: words with a number that is no version.
fn is_long_word(text: &[u8]) -> bool {
    text.len() >= 10
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
}

/// Longest name of whom a password belongs to, in bytes.
const LONGEST_USER: usize = 64;
/// How much of what may be such a pair is looked at for the name, in bytes: signs at its end are no part of it.
const LONGEST_PAIR: usize = 4 * LONGEST_USER;

/// `Credentials: svc / x`, `login: svc:x`: the second of two is the password.
fn pair(pass: &mut Pass<'_>, rule: &Rule, form: &Assignment, hit: Hit, start: usize, end: usize) {
    let held = &pass.bytes[start..end];
    let user = held
        .iter()
        .take(LONGEST_USER)
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'\\')
        })
        .count();
    let rest = &pass.bytes[start + user..];
    let joint = [" / ", "/", ":", " : ", " | "]
        .iter()
        .find(|joint| rest.starts_with(joint.as_bytes()));
    let (Some(joint), true) = (joint, user > 0) else {
        return;
    };
    let from = start + user + joint.len();
    let length = pass.bytes[from..]
        .iter()
        .take(usize::from(form.max) + 1)
        .take_while(|byte| {
            byte.is_ascii_graphic()
                && !matches!(
                    byte,
                    b'"' | b'\'' | b'`' | b'<' | b'>' | b',' | b')' | b'|' | b'\\'
                )
        })
        .count();
    let text = &pass.bytes[from..from + length];
    let text = text.strip_suffix(b".").unwrap_or(text);
    let length = usize::from(form.min)..=usize::from(form.max);
    let known = pass.values.of(pass.bytes, (from, from + text.len()));
    if length.contains(&text.len())
        && !is_opened(pass.bytes, from + text.len())
        && *known.second.get_or_insert_with(|| is_second(text))
        && pass.is_apart(hit.start, (from, from + text.len()))
    {
        let end = from + text.len();
        pass.looked(hit.rule, end);
        pass.found(hit.rule, rule, (from, end), None);
    }
}

/// Whether the second of two looks like a password, by its bytes alone.
fn is_second(text: &[u8]) -> bool {
    is_password(text, true)
        && !plausible::is_placeholder(text)
        && !plausible::is_reference(text)
        && !is_expression(text, true)
        && !is_something_else(text)
        && !naming::is_uuid(text)
        && !is_plain_hex(text)
        && (!naming::is_name(text) || is_long_word(text) || is_pass_phrase(text))
}

/// `Server=x;Password=y;`: a value that is a list of names with values.
fn is_list(text: &[u8]) -> bool {
    text.contains(&b';') && text.contains(&b'=')
}

/// Whether a text without quotes opens something: a call, an index, a block.
fn has_brackets(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{'))
}

/// Whether a value is an expression, a path, an address or a name; without quotes, what follows it says so too.
fn is_code(bytes: &[u8], text: &[u8], end: usize, bare: bool) -> bool {
    bare && is_opened(bytes, end) || is_expression(text, bare)
}

/// Whether what ends there is called, or looked up in.
fn is_opened(bytes: &[u8], end: usize) -> bool {
    matches!(bytes.get(end), Some(b'(' | b'['))
}

/// Whether a value is an expression, a path, an address or a name by itself.
fn is_expression(text: &[u8], bare: bool) -> bool {
    if bare && (has_brackets(text) || contains(text, b"::") || naming::is_constant(text)) {
        return true;
    }
    if text.starts_with(b"/") && !text.contains(&b'+') && !text.contains(&b'=')
        || text.starts_with(b"./")
        || text.starts_with(b"~/")
        || text.get(1..3) == Some(b":\\")
        || contains(text, b"://")
    {
        return text.len() < 40 || text.iter().filter(|byte| **byte == b'/').count() > 2;
    }
    // `form.password.data`: names joined by dots.
    let dotted = text.contains(&b'.')
        && text.split(|byte| *byte == b'.').all(|word| {
            !word.is_empty()
                && word.len() < 32
                && word[0].is_ascii_alphabetic()
                && word
                    .iter()
                    .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        });
    dotted || text.contains(&b' ') && text.split(|byte| *byte == b' ').count() > 4
}

/// Least length of a value that only its looks give away.
const LEAST_CELL: usize = 20;

/// Whether it is a password by its looks alone: letters of both cases and digits, mixed, and no name.
fn is_made_up(text: &[u8]) -> bool {
    text.len() >= LEAST_IN_COLUMN
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(u8::is_ascii_lowercase)
        && text.iter().any(u8::is_ascii_digit)
        && !naming::is_name(text)
        && !is_algorithm(text)
}

/// Whether what stands beside a name, after a comma or an arrow, is a value: given to an option, or no name and random.
fn stands_out(bytes: &[u8], start: usize, text: &[u8], bare: bool) -> bool {
    if has_sign(text) || !bare && is_shouted(bytes, start) && is_long_word(text) {
        return true;
    }
    if naming::is_name(text) || bare && naming::is_identifier(text) {
        return is_pass_phrase(text);
    }
    flag(bytes, start) || is_made_up(text) || text.len() >= 12 && is_opaque(text)
}

/// `3mber*790`: signs that policies ask for and names never have, with digits.
fn has_sign(text: &[u8]) -> bool {
    text.len() >= LEAST_IN_COLUMN
        && text.iter().any(u8::is_ascii_digit)
        && text
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .count()
            >= 4
        && text
            .iter()
            .any(|byte| matches!(byte, b'!' | b'#' | b'%' | b'^' | b'*'))
}

/// `define('DB_PASSWORD', 'x')`, `LOGIN PASSWORD 'x'`: whether a name is written as settings and statements are.
fn is_shouted(bytes: &[u8], start: usize) -> bool {
    matches!(bytes.get(start..start + 2), Some([first, second]) if first.is_ascii_uppercase() && second.is_ascii_uppercase())
}

/// `falcon-ember-meadow-4168`: words that were drawn, and a number that policies ask for.
fn is_pass_phrase(text: &[u8]) -> bool {
    let mut pieces = text.split(|byte| *byte == b'-');
    let number = pieces.next_back().unwrap_or_default();
    let (mut words, mut plain) = (0, true);
    for piece in pieces {
        words += 1;
        plain &= (3..=10).contains(&piece.len()) && piece.iter().all(u8::is_ascii_lowercase);
    }
    words >= 3 && plain && number.len() >= 3 && number.iter().all(u8::is_ascii_digit)
}

/// Whether what begins at `start` is the next cell of a row or of a table, and not the next word of a sentence.
fn in_column(bytes: &[u8], start: usize) -> bool {
    matches!(bytes[..start], [.., b',' | b';' | b'\t'] | [.., b' ', b' '])
}

/// Whether what begins at `start` is a cell of a table that is drawn with bars: ids stand there beside names.
fn in_cell(bytes: &[u8], start: usize) -> bool {
    let before = bytes[start.saturating_sub(32)..start].trim_ascii_end();
    before.ends_with(b"|")
}

/// `ssl_version=3`: the next argument, with its own name.
fn names_another(text: &[u8]) -> bool {
    text.iter()
        .position(|byte| *byte == b'=')
        .is_some_and(|at| at > 0 && text[at..].iter().any(|byte| *byte != b'='))
}

/// Whether it is base64 of a text that says it stands for a value: `bm90IG15…`, "not my real password".
fn says_placeholder(text: &[u8]) -> bool {
    text.len().is_multiple_of(4)
        && codec::base64(text).is_some_and(|plain| {
            plain
                .iter()
                .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
                && plausible::is_placeholder(&plain)
        })
}

/// Whether it is a hash or an id rather than anything else.
fn is_plain_hex(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

/// Whether the name is the verdict of a test: `PASS: TestLogin/2`, `--- PASS: TestLogin/ipv6+zone`, `PASS: x86-64 nops`.
fn is_verdict(bytes: &[u8], hit: Hit, text: &[u8]) -> bool {
    let before = &bytes[hit.start.saturating_sub(4)..hit.start];
    let alone = before
        .last()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'));
    alone
        && &bytes[hit.start..hit.end] == b"PASS"
        && (before == b"--- "
            || before.last().is_none_or(|byte| *byte == b'\n')
                && pass_line(&bytes[hit.end..])
                && !is_made_up(text)
            || naming::is_identifier(text)
                && text.iter().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.')
                }))
}

/// `: ` and no quotes: a line of a test's report.
fn pass_line(after: &[u8]) -> bool {
    matches!(after, [b':', b' ', next, ..] if !matches!(next, b'"' | b'\'' | b'`'))
}

/// Random, of one alphabet, and not a number or a word.
fn is_opaque(text: &[u8]) -> bool {
    if !text.iter().all(|byte| OPAQUE.has(*byte)) {
        return false;
    }
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    if digits == 0 || letters == 0 || naming::is_name(text) {
        return false;
    }
    let body = text
        .strip_suffix(b"==")
        .or(text.strip_suffix(b"="))
        .unwrap_or(text);
    if body.iter().all(|byte| HEX.has(*byte)) {
        return plausible::entropy(body) >= HEX_ENTROPY;
    }
    plausible::entropy(body) >= OPAQUE_ENTROPY
}

/// Chosen by a person: more than a word, less than a sentence.
fn is_password(text: &[u8], bare: bool) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    let symbols = text
        .iter()
        .filter(|byte| byte.is_ascii_punctuation())
        .count();
    if letters == 0 && symbols == 0 || text.contains(&b' ') {
        return false;
    }
    if digits == 0 {
        let marked = text
            .iter()
            .any(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&'));
        let mixed = text.iter().any(u8::is_ascii_uppercase)
            && text.iter().any(u8::is_ascii_lowercase)
            && symbols <= 4;
        let marked = letters >= 4 && marked && (!bare || mixed && text.len() >= 8);
        return (marked || is_jumbled(text)) && !userinfo::stands_for(text, b"");
    }
    letters > 0 && !is_algorithm(text) && !userinfo::stands_for(text, b"")
}

/// Letters that change case too often to be words: `camelCase` changes it twice in five letters at most.
fn is_jumbled(text: &[u8]) -> bool {
    let changes = text
        .windows(2)
        .filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase())
        .count();
    text.len() >= 10
        && text.iter().all(u8::is_ascii_alphabetic)
        && changes * 5 >= text.len() * 2
        && plausible::entropy(text) >= 3.0
}

/// `sha256WithRSAEncryption`, `aes-256-gcm`, `600000ms`: a setting of how passwords are kept.
fn is_algorithm(text: &[u8]) -> bool {
    // Nearly every letter begins none.
    let may = |first: &u8| {
        matches!(
            first | 0x20,
            b's' | b'm' | b'a' | b'h' | b'r' | b'e' | b'p' | b'b' | b'u'
        )
    };
    if !text.first().is_some_and(may) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    [
        "sha1", "sha2", "sha5", "sha-", "md5", "aes-", "aes1", "aes2", "hs256", "rs256", "es256",
        "pbkdf2", "scram-", "argon2", "bcrypt", "base64", "utf-8", "ed25519",
    ]
    .iter()
    .any(|name| lower.starts_with(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::call::Surface;

    #[test]
    fn a_name_between_another_and_the_words_that_say_what_it_is_has_its_own_value() {
        for text in [
            "pass word password is x1y2z3w4.",
            "pass it password: x1y2z3w4",
            "the pass for the new password is x1y2z3w4",
            "password password is x1y2z3w4 and that is all",
        ] {
            let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
            let found: Vec<_> = found
                .iter()
                .map(|held| &text[held.span.start()..held.span.end()])
                .collect();
            assert_eq!(found, ["x1y2z3w4"], "{text}");
        }
    }
}
