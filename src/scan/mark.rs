//! Marks of redaction in a text that is read again.
//!
//! What a mark stands for is not known any more: how long it was, what it ended, which word it held. So a mark is opaque.
//! What tells a value must stand on the same side of every mark as the value, and what is glued to one was part of what
//! was taken. Then a redacted text says nothing that the text before did not say, and a second redaction finds nothing.
//! Tokens with a literal of their own need nothing beside them, and are found wherever they stand.

use std::ops::Range;

use super::notation::is_bare;
use crate::text::mark::{self, FINDER, LONGEST, WORD, name_and_tag};
pub(super) use crate::text::mark::{last, without};

/// How far before what tells a value a reading looks, and how far after a name.
const BEFORE: usize = 160;
pub(super) const AFTER: usize = 208;

/// Whether `[start, end)` lies inside a mark.
///
/// Only the mark itself protects: a real token glued to the word would be found.
pub(super) fn holds(bytes: &[u8], start: usize, end: usize) -> bool {
    let from = start.saturating_sub(LONGEST);
    let reach = &bytes[from..end.min(bytes.len())];
    let Some(first) = FINDER.find(reach) else {
        return false;
    };
    let word = memchr::memmem::rfind(&bytes[from..start.max(from)], WORD).unwrap_or(first);
    name_and_tag(bytes, from + word).is_some_and(|last| end <= last + 1)
}

/// The stretch without marks around a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    /// Where the last mark before it ends, and where the next one begins, as far as readings look.
    pub(super) before: Option<usize>,
    pub(super) after: Option<usize>,
}

/// The room that `place` stands in; `None` when a mark stands in it, or it in a mark.
pub(super) fn room(bytes: &[u8], place: &Range<usize>) -> Option<Room> {
    let mut room = Room {
        before: None,
        after: None,
    };
    let to = bytes.len().min(place.end + AFTER);
    let mut at = place.start.saturating_sub(BEFORE + LONGEST);
    while let Some(offset) = FINDER.find(&bytes[at..to]) {
        let word = at + offset;
        at = word + WORD.len();
        let Some(mark) = mark::at(bytes, word) else {
            continue;
        };
        if mark.end <= place.start {
            room.before = Some(mark.end);
        } else if mark.start >= place.end {
            room.after = Some(mark.start);
            break;
        } else {
            return None;
        }
    }
    Some(room)
}

/// Whether the value at `[start, end)` and all that tells it, from `from` on, stand in one room, and neither is glued to
/// a mark.
pub(super) fn is_apart(bytes: &[u8], from: usize, (start, end): (usize, usize)) -> bool {
    let place = from.min(start)..end;
    room(bytes, &place).is_some_and(|room| room.is_free(bytes, &place))
}

/// Whether what stands on both sides of a byte is one word.
pub(super) const fn joins(byte: u8) -> bool {
    is_bare(byte) || byte == b')'
}

impl Room {
    /// Whether something ends the word of `place` before a mark does.
    pub(super) fn is_free(&self, bytes: &[u8], place: &Range<usize>) -> bool {
        let free = |between: &[u8]| !between.iter().all(|byte| joins(*byte));
        self.before.is_none_or(|at| free(&bytes[at..place.start]))
            && self.after.is_none_or(|at| free(&bytes[place.end..at]))
    }
}

/// Whether what stands at `[start, end)` lies in a mark or is glued to one.
fn is_glued(bytes: &[u8], start: usize, end: usize) -> bool {
    // Nearly everywhere told from the bytes beside it: a mark ends with a bracket or what a word may hold.
    let touched = start
        .checked_sub(1)
        .is_some_and(|before| joins(bytes[before]) || bytes[before] == b']')
        || bytes.get(end).is_some_and(|next| joins(*next));
    touched && !is_apart(bytes, start, (start, end))
}

/// The same, or whether what ends with a digit is a number of a row in which a mark stands; `issued` is always one.
pub(super) fn is_glued_or_in_row(bytes: &[u8], start: usize, end: usize, issued: bool) -> bool {
    let last = end.checked_sub(1).and_then(|last| bytes.get(last));
    is_glued(bytes, start, end)
        || (issued || last.is_some_and(u8::is_ascii_digit)) && is_in_row(bytes, start, end)
}

/// Whether a place lies in a mark and is not where it begins.
pub(super) fn contains(bytes: &[u8], place: usize) -> bool {
    last(bytes, place, 0).is_some_and(|mark| mark.contains(&place))
}

/// How far the row of numbers is looked at that a number stands in, in bytes.
const ROW: usize = 512;

/// Whether a mark stands in the row of numbers that one belongs to: where each begins is told from all before it. What
/// marks of addresses stand for is no part of such a row.
fn is_in_row(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    // A letter between digits is a part of a number.
    let in_row = |at: &usize| match bytes[*at] {
        b'0'..=b'9' | b' ' | b'-' | b'.' | b'(' | b')' | b'+' | b'/' => true,
        b'A'..=b'Z' => *at > 0 && is_digit(at - 1) && is_digit(at + 1),
        _ => false,
    };
    let before = (0..start).rev().take(ROW);
    let from = start - before.take_while(in_row).count();
    let after = (end..bytes.len()).take(ROW);
    let to = end + after.take_while(in_row).count();
    let may = |mark: &Range<usize>| !bytes[mark.clone()].ends_with(b"pii.email]");
    let next = to + usize::from(bytes.get(to) == Some(&b'['));
    bytes[next..].starts_with(WORD) && mark::at(bytes, next).is_some_and(|mark| may(&mark))
        || mark::last(bytes, from, 0).is_some_and(|mark| mark.end == from && may(&mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Surface;
    use crate::rules::example::fill;
    use crate::scan::{Finding, NoTags, Tagger, redact};

    struct Tag;

    impl Tagger for Tag {
        fn tag(&self, _finding: &Finding, _value: &[u8]) -> Option<String> {
            Some(String::from("0123456789abcdef"))
        }
    }

    fn redacted(text: &[u8], tagger: &dyn Tagger) -> Vec<u8> {
        let found = crate::builtin::scanner().scan(text, Surface::ToolResult);
        redact(text, &found, tagger).0
    }

    fn changes_nothing_again(templates: &[&str]) {
        for (index, template) in templates.iter().enumerate() {
            let text = fill(template, &index.to_string(), None).unwrap().text;
            for tagger in [&NoTags as &dyn Tagger, &Tag] {
                let once = redacted(&text, tagger);
                assert_ne!(once, text, "{template}");
                let twice = redacted(&once, tagger);
                assert_eq!(
                    twice.escape_ascii().to_string(),
                    once.escape_ascii().to_string()
                );
            }
        }
    }

    #[test]
    fn nothing_is_told_by_what_a_mark_says_or_by_what_is_beyond_it() {
        let argument = format!(
            "--pass\",pe=st:secrets.{}x:00ff] redis://]}}:2345@h r, default=\"",
            "x:s.".repeat(25)
        );
        changes_nothing_again(&[
            "sk_live_{alnum:24} datadog-{hex:32}",
            "datadog sk_live_{alnum:24} {hex:32}",
            "sk_live_{alnum:24}\nredacted:heroku\\{uuid}",
            "net user p A2BT8X heroku\\{uuid}",
            "----BEGIN RSA PRIVATE KEY-4142434445464748password=494a4-\nEND RSA PRIVATE KEY",
            "|APIKEY| {alnum:16}\nc|u+s9x{alnum:14}1J",
            "s://:2345@----BEGIN PRIVATE KEY-4445464748494a4b4c4d4e4f5041111111111VATEKEY- 4111 1111 1111 1111",
            // What stands in a default, and before it.
            "pass\",ex:s.x:00ff] redis://]}:2345@h r, {alpha:90}default=\"pwd</key><string>975ad0 ",
            // Part of a mark before what is written with characters that take no room.
            "sk_live_{alnum:24}\nxxxxxxxxxxxxxx {alpha:80} heroku\\2029787d-d743-a74\u{200d}1-6c45-f0d9c1bed0da",
            // How far behind a name its default stands.
            &argument,
        ]);
    }

    #[test]
    fn in_a_chain_of_addresses_each_is_looked_at_wherever_the_chain_begins() {
        for links in 1..8 {
            let chain = "8Xredis://".repeat(links);
            let text = format!("net user p A2BT8Xredis://{chain}u:pw12345@h x");
            changes_nothing_again(&[&text]);
            let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
            let told = found.iter().any(|held| held.rule == "secrets.url-password");
            assert!(told, "{text}");
        }
    }

    #[test]
    fn what_is_glued_to_a_mark_was_part_of_what_it_stands_for() {
        changes_nothing_again(&[
            "DATADOG_TOKEN=sk_live_{alnum:24}:APIKEY=z10{hex:13}",
            "Y://sk_live_{alnum:24}}@",
            "sshpass -p'v8 -p 'eChRB7'",
            "curl -u a:1DOPP=dp.ct.{alnum:40}",
            "Bearer n1LANGSMITH_API_KEY=lsv2_sk_{hex:32}_{hex:10}",
            "lsv2_sk_{hex:32}_{hex:10})536-22-8150",
            "pwd: x975ad0 529.982.247-25 29.982.24729.982.24729.982.24729",
            " ----BEGIN PRIVATE KEY-{base64:64}END PRIVATE KEY-machine h login upassword S: Ab#V7dNCSn",
        ]);
    }

    #[test]
    fn what_a_mark_ends_is_read_before_it_stands_there() {
        changes_nothing_again(&[
            // What is glued to a token, and has signs that part other words.
            "x django-insecure-{alnum:20}&{alnum:29}-dapi{hex:32} y",
            "x django-insecure-{alnum:20}&{alnum:29}&django-insecure-{alnum:50}.",
            // Rows of numbers: behind an account, longer than what is looked at, with letters at their ends.
            "no. 9 (DE89 3704 0044 0532 0130 00 131052-308T",
            "86095742719 (22491306422929 (DE89 3704 0044 0532 0130 00 Y2345670Y x",
            "54362315-K DE89 3704 0044 0532 0130 00 245 983 104) 44052419800101003X 44052419800101003X-19811218-9876.1",
            "no. 11010519491231002X) 2 55 08 14 168 025 381507650/09279481846499 (10000000146.8 86095742719 131052-308T/ end",
            // A number whose place another one takes that the mark hides.
            "call 4539578763621486/811218-9876 (19811218-9876 +",
            "x19811218-9876 54362315K  HEGG560427MVZRRL04/HEGG560427MVZRRL04 4539 5787 6362 1486 x",
            "17.07.30-033.84.HEGG560427MVZRRL04 (811218-9876 (131052-308T  209423-010594A9021",
            "no. 11010519491231002X) 2 55 08 14 168 025 38150~650/09279481846499 (10000000146.8 86095742719 131052-308T/ x",
            "call 11010519491231002X) 536-22-81) 010594A9021-756.9) 756.9217.0769.85 245983104 +19811218-9876/639698 +8/x",
            // A token without a digit.
            "heroku/gldt-{alpha:20}-figd_{alnum:40}=",
            // A name in a value does not hide the name behind it.
            "password=secr3t-REPLICATE_API_TOKEN: r8_[api_key\": \"u+{alnum:3}_6e35bVDn_D\"",
            // The name of a number, glued to what a mark stands for.
            "N=pat-na1-{uuid}\u{30de}\u{30a4}\u{30ca}\u{30f3}\u{30d0}\u{30fc} 5827 1936 4020: ",
            // Letters of a mark without brackets are none of a token.
            "token: ops_eyJ{base64url:250}+{base64:25}+ASb{base64:6}= x",
            // How long a line is.
            "mosquitto_pub -h mq -u sensor -P {alnum:14} -t a -m b\n{alnum:51}JQQJ99{alnum:18}{upper:4}{alnum:4}\\x",
        ]);
    }

    #[test]
    fn what_is_found_in_a_long_row_of_numbers_does_not_depend_on_its_place() {
        let row = "no. 11010519492 55 08 14 168 025 381507650/09279481846499 (10000000146.8 86095742719 131052-308T/ x";
        let found = |before: usize| -> Vec<(String, usize)> {
            let text = format!("{}\n{row}", "~".repeat(before));
            let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
            found
                .iter()
                .map(|held| (held.rule.to_string(), held.span.start() - before))
                .collect()
        };
        for before in 1..32 {
            assert_eq!(found(before), found(0), "{before}");
        }
    }

    #[test]
    fn a_number_behind_an_account_in_the_same_row_is_found() {
        let text = "DE89 3704 0044 0532 0130 00 131052-308T";
        let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
        let found: Vec<_> = found.iter().map(|held| (&*held.rule, held.span)).collect();
        let span = |start, end| crate::span::ByteSpan::new(start, end).unwrap();
        assert_eq!(
            found,
            [("pii.iban", span(0, 27)), ("pii.fi-hetu", span(28, 39))]
        );
    }

    #[test]
    fn what_stands_apart_from_a_mark_is_found_beside_it() {
        let token = format!("{}{}", "gh", "o_16C7e42F292c6912E7710c838347Ae4H2Y7G");
        for (text, value) in [
            (
                "user: [redacted:pii.email], password: \"v4lue-9K\"",
                "v4lue-9K",
            ),
            (
                "a=[redacted:secrets.api-key]&password=v4lue9K&b=1",
                "v4lue9K",
            ),
            (
                "password=[redacted:secrets.password:0123]\npassword=v4lue9K",
                "v4lue9K",
            ),
            (
                "- redacted:secrets.password\n- password: v4lue9K",
                "v4lue9K",
            ),
            (
                "password: v4lue9K\ntoken: redacted:secrets.api-key",
                "v4lue9K",
            ),
            ("[redacted:pii.email] 529.982.247-25", "529.982.247-25"),
            (&format!("[redacted:secrets.jwt]{token}"), &token),
            (&format!("{token}[redacted:secrets.jwt]"), &token),
        ] {
            let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
            let found: Vec<_> = found
                .iter()
                .map(|found| &text[found.span.start()..found.span.end()])
                .collect();
            assert_eq!(found, [value], "{text}");
        }
    }

    #[test]
    fn a_room_ends_where_marks_begin() {
        let text =
            b"[redacted:secrets.a] x [redacted:secrets.b:01] y redacted:other z redacted:pii.c";
        let at = |byte: u8| text.iter().position(|held| *held == byte).unwrap();
        let of = |byte: u8| room(text, &(at(byte)..at(byte) + 1));
        let place = |before: Option<usize>, after: Option<usize>| Some(Room { before, after });
        assert_eq!(of(b'x'), place(Some(20), Some(23)));
        assert_eq!(of(b'y'), place(Some(46), Some(66)));
        assert_eq!(of(b'z'), place(Some(46), Some(66)));
        assert_eq!(room(text, &(21..50)), None);
        assert_eq!(room(text, &(3..5)), None);
    }
}
