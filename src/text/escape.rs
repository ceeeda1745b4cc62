//! Escapes that hide plain characters: percent, `\u0041`, `\x41`, `&#65;`, string literals that are joined, and lines
//! that are broken.

use super::mark;
use super::view::{View, ViewKind};
use crate::rules::codec::hex_digit;
use crate::span::ByteSpan;

/// How far a view reaches to either side of what called for it, in bytes.
const REACH: usize = 4_096;
/// How far it reaches back, in bytes.
const BACK: usize = 512;
/// How much of the line before joined literals and escapes their view holds: what they are given to.
const LEAD: usize = 96;

/// Most lines that are put together.
const LINES: usize = 64;
/// Least length of a line that nothing but its length has broken, in bytes.
const FULL: usize = 60;

/// Characters that have a name in HTML and end a value.
static NAMED: [(&str, u8); 6] = [
    ("&quot;", b'"'),
    ("&amp;", b'&'),
    ("&apos;", b'\''),
    ("&lt;", b'<'),
    ("&gt;", b'>'),
    ("&nbsp;", b' '),
];

/// One escape at the start of `rest`: what it says, and how long it is.
fn one(kind: ViewKind, rest: &[u8]) -> Option<(u8, usize)> {
    let byte = |at: usize| Some(hex_digit(*rest.get(at)?)? << 4 | hex_digit(*rest.get(at + 1)?)?);
    let (value, length) = match kind {
        ViewKind::Percent if rest.first() == Some(&b'%') => (byte(1)?, 3),
        ViewKind::Escape if rest.starts_with(b"\\u00") => (byte(4)?, 6),
        ViewKind::Escape if rest.starts_with(b"\\x") => (byte(2)?, 4),
        ViewKind::Escape if rest.starts_with(b"=3D") => (b'=', 3),
        ViewKind::Entity if !rest.starts_with(b"&#") => {
            let (name, value) = NAMED
                .iter()
                .find(|(name, _)| rest.starts_with(name.as_bytes()))?;
            (*value, name.len())
        }
        ViewKind::Entity => {
            let close = rest.iter().take(8).position(|byte| *byte == b';')?;
            let digits = std::str::from_utf8(&rest[2..close]).ok()?;
            let value = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u8::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            (value, close + 1)
        }
        _ => return None,
    };
    value.is_ascii().then_some((value, length))
}

/// Whether an escape of any kind, or the soft break of a line, may begin with a byte.
const fn may_begin(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'=' | b'&')
}

/// The text around an escape at `at` with its escapes undone, not beyond blanks or `floor`.
///
/// # Errors
/// Where it ends, when nothing in it was hidden: nobody needs to look there again.
pub fn around(bytes: &[u8], at: usize, floor: usize, kind: ViewKind) -> Result<View, usize> {
    // An attribute of HTML holds whole objects, with blanks.
    let outside = |byte: &u8| match kind {
        ViewKind::Entity => matches!(byte, b'"' | b'\'' | b'\n' | b'<'),
        _ => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''),
    };
    let low = at.saturating_sub(BACK).max(floor).min(at);
    let start = bytes[low..at]
        .iter()
        .rposition(outside)
        .map_or(low, |before| low + before + 1);
    // Mail breaks its lines where it likes.
    let mail = kind == ViewKind::Escape && bytes[at..].starts_with(b"=3D");
    let high = bytes.len().min(at + REACH);
    let mut end = at;
    while end < high {
        if mail && let length @ 1.. = soft_break(&bytes[end..high]) {
            end += length;
        } else if outside(&bytes[end]) {
            break;
        } else {
            end += 1;
        }
    }
    // In an address nothing stands before what has a name in it.
    let lead = match kind {
        ViewKind::Percent => start,
        _ => lead(bytes, start, floor),
    };
    let mut view = View::mapped(kind, ByteSpan::new(lead, end).ok_or(end)?);
    view.push_plain(bytes, lead, start);
    let mut position = start;
    let mut undone = 0;
    while position < end {
        // Nearly everything is plain, and is taken as it stands.
        let plain = bytes[position..end].iter();
        let plain = plain.take_while(|byte| !may_begin(**byte)).count();
        view.push_plain(bytes, position, position + plain);
        position += plain;
        if position == end {
            break;
        }
        if mail && let length @ 1.. = soft_break(&bytes[position..end]) {
            position += length;
        } else if let Some((value, length)) = one(kind, &bytes[position..end]) {
            view.push(value, position, position + length);
            undone += usize::from(tells(kind, value));
            position += length;
        } else {
            view.push(bytes[position], position, position + 1);
            position += 1;
        }
    }
    if undone > 0 { Ok(view) } else { Err(end) }
}

/// How long the soft break of a line is that a text begins with and a token goes on after; 0 when there is none.
fn soft_break(rest: &[u8]) -> usize {
    let length = match rest {
        [b'=', b'\n', ..] => 2,
        [b'=', b'\r', b'\n', ..] => 3,
        _ => return 0,
    };
    if rest.get(length).is_some_and(|next| in_token(*next)) {
        length
    } else {
        0
    }
}

/// Where what a view holds of the line before `start` begins; a mark of redaction is held as a whole.
fn lead(bytes: &[u8], start: usize, floor: usize) -> usize {
    let low = start.saturating_sub(LEAD).max(floor).min(start);
    let low = super::row_start(bytes, low, floor);
    let low = mark::whole_from(bytes, low, start).max(floor).min(start);
    bytes[low..start]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(low, |before| low + before + 1)
}

/// Whether an escape of this byte hides something: a letter or a digit, in addresses also the signs of base64.
fn tells(kind: ViewKind, value: u8) -> bool {
    match kind {
        ViewKind::Percent => value.is_ascii_alphanumeric() || matches!(value, b'+' | b'/' | b'='),
        ViewKind::Entity => true,
        _ => value.is_ascii_alphanumeric() || value == b'=',
    }
}

const fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~')
}

/// Where the run of a token's bytes around `at` ends.
#[must_use]
pub fn token_end(bytes: &[u8], at: usize) -> usize {
    let length = bytes[at..].iter().position(|byte| !in_token(*byte));
    length.map_or(bytes.len(), |length| at + length)
}

/// Where the next line begins, when the one that a token's bytes end at `end` of is broken there: softly as in mail
/// (`=`) or shells (`\`), or because it is full.
fn broken(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let soft = bytes[..end].ends_with(b"=");
    let escaped = bytes.get(end) == Some(&b'\\');
    let at = end + usize::from(escaped);
    let next = match bytes.get(at..at + 2) {
        Some([b'\n', _]) => at + 1,
        Some(b"\r\n") => at + 2,
        _ => return None,
    };
    let full = || {
        let low = end.saturating_sub(FULL);
        // How long a line was in which a mark stands is not known.
        end >= FULL
            && !bytes[low..end].contains(&b'\n')
            && mark::last(bytes, end, FULL).is_none_or(|mark| mark.end <= low)
    };
    if !bytes.get(next).is_some_and(|first| in_token(*first)) || !(soft || escaped || full()) {
        return None;
    }
    Some((end - usize::from(soft), next))
}

/// Where the token around `at` begins, over the lines before it that are broken.
fn token_start(bytes: &[u8], at: usize) -> usize {
    let mut start = at;
    for _ in 0..LINES {
        let low = start.saturating_sub(BACK);
        start -= bytes[low..start]
            .iter()
            .rev()
            .take_while(|byte| in_token(**byte))
            .count();
        let line = bytes[..start]
            .strip_suffix(b"\n")
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let end = line.map(|line| line.strip_suffix(b"\\").unwrap_or(line).len());
        match end.and_then(|end| broken(bytes, end)) {
            Some((before, next)) if next == start && at - before < REACH => start = before,
            _ => break,
        }
    }
    start
}

/// The token that `at` belongs to, put together from the lines it is broken into; `None` when it is not.
#[must_use]
pub fn unbroken(bytes: &[u8], at: usize) -> Option<View> {
    let start = token_start(bytes, at);
    // Nearly every token ends where its line does, and nothing is made of it.
    broken(bytes, token_end(bytes, start))?;
    let mut view = View::mapped(ViewKind::Joined, ByteSpan::new(start, bytes.len())?);
    let mut from = start;
    let mut after = 0;
    loop {
        let end = token_end(bytes, from);
        // Counted from `at`: a view that ends there, after all the lines before it, would be made again for the next line.
        let next = broken(bytes, end).filter(|_| after < LINES && end.saturating_sub(at) < REACH);
        let mut place = from;
        let to = next.map_or(end, |(to, _)| to);
        while place < to {
            let quoted = match bytes.get(place..place + 3) {
                Some(b"=3D") if from > start || next.is_some() => 3,
                _ => 1,
            };
            view.push(bytes[place], place, place + quoted);
            place += quoted;
        }
        let Some((_, following)) = next else {
            view.source = ByteSpan::new(start, end)?;
            return (from > start).then_some(view);
        };
        after += usize::from(following > at);
        from = following;
    }
}

/// The two string literals around a joint (`" + "`) and those joined to them, as one, with the line before them.
#[must_use]
pub fn joined(bytes: &[u8], joint: ByteSpan, floor: usize) -> Option<View> {
    let quote = bytes[joint.start()];
    let low = joint
        .start()
        .saturating_sub(REACH)
        .max(floor)
        .min(joint.start());
    let start = bytes[low..joint.start()]
        .iter()
        .rposition(|byte| *byte == quote || *byte == b'\n')
        .map_or(low, |before| low + before + 1);
    let high = bytes.len().min(joint.end() + REACH);
    let operator = &bytes[joint.start()..joint.end()];
    let lead = lead(bytes, start, floor);
    let mut view = View::mapped(ViewKind::Joined, ByteSpan::new(lead, high)?);
    view.push_plain(bytes, lead, start);
    // A joint begins with the quote, and nothing else that is no part of the literals is left out.
    let mut position = start;
    while position < high {
        let plain = memchr::memchr2(quote, b'\n', &bytes[position..high]);
        let plain = plain.map_or(high, |offset| position + offset);
        view.push_plain(bytes, position, plain);
        position = plain;
        if !bytes[position..high].starts_with(operator) {
            break;
        }
        position += operator.len();
    }
    view.source = ByteSpan::new(lead, position)?;
    Some(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_every_byte_knows_where_it_stood() {
        let text = b"x %67ld%74 y";
        let view = around(text, 2, 0, ViewKind::Percent).unwrap();
        assert_eq!(view.bytes, b"gldt");
        assert_eq!(view.original(0, 4), ByteSpan::new(2, 10));
        assert_eq!(view.original(1, 3), ByteSpan::new(5, 7));
        let view = around(b"\"\\u0067\\x6c&\"", 1, 0, ViewKind::Escape).unwrap();
        assert_eq!(view.bytes, b"\"gl&");
        let text = b"x\nNAME=3Dab=\r\ncd=3D=\nef ";
        let view = around(text, 6, 0, ViewKind::Escape).unwrap();
        assert_eq!(view.bytes, b"NAME=abcd=ef");
        assert_eq!(view.original(5, 12), ByteSpan::new(9, text.len() - 1));
        let view = around(b"&#103;&#x6C;d", 0, 0, ViewKind::Entity).unwrap();
        assert_eq!(view.bytes, b"gld");
        let text = b"x={&quot;k&quot;: &quot;v&quot;}\n";
        let view = around(text, 3, 0, ViewKind::Entity).unwrap();
        assert_eq!(view.bytes, b"x={\"k\": \"v\"}");
        let view = around(b"k=ab%2Bcd%3D&x", 4, 0, ViewKind::Percent).unwrap();
        assert_eq!(view.bytes, b"k=ab+cd=&x");
        assert!(around(b"100%20more", 3, 0, ViewKind::Percent).is_err());
    }

    #[test]
    fn lines_are_put_together_where_they_are_broken_and_not_else() {
        let joined =
            |text: &[u8]| unbroken(text, 4).map(|view| String::from_utf8(view.bytes).unwrap());
        assert_eq!(joined(b"key ab=\ncd=3D=3D\n").as_deref(), Some("abcd=="));
        assert_eq!(joined(b"key ab\\\ncd ").as_deref(), Some("abcd"));
        let full = format!("key {}\r\nxyz.", "a".repeat(70));
        assert_eq!(
            joined(full.as_bytes()),
            Some(format!("{}xyz.", "a".repeat(70)))
        );
        for whole in [b"key ab\ncd".as_slice(), b"key ab= cd", b"key ab=\n cd"] {
            assert_eq!(joined(whole), None);
        }
        let view = unbroken(b"key ab=\ncd.", 4).unwrap();
        assert_eq!(view.original(1, 3), ByteSpan::new(5, 9));
    }

    #[test]
    fn however_many_broken_lines_stand_before_a_place_as_many_are_put_together_after_it() {
        let text = "abcd=\n".repeat(300);
        let mut at = 0;
        let mut views = 0;
        while at + 12 < text.len() {
            let view = unbroken(text.as_bytes(), at).unwrap();
            let end = view.source.end();
            assert!(end >= text.len() - 6 || end - at >= LINES * 6 - 6, "{at}");
            (at, views) = (end, views + 1);
        }
        assert!(views <= 6, "{views}");
    }

    #[test]
    fn literals_are_joined() {
        let text = b"k = \"ab\" + \"cd\" + \"ef\";";
        let view = joined(text, ByteSpan::new(7, 12).unwrap(), 0).unwrap();
        assert_eq!(view.bytes, b"k = \"abcdef");
        assert_eq!(view.original(5, 11), ByteSpan::new(5, 21));
    }
}
