//! Personal data that is a number: card numbers, IBANs, national ids, telephone numbers.

use std::ops::Range;

use super::mark;
use super::pass::Pass;
use crate::rules::alphabet::{ByteSet, NONE};
use crate::rules::verify::{luhn, mod97};
use crate::rules::{Form, number};
use crate::text::find;

/// Longest number that is looked at, in bytes.
const LONGEST: usize = 48;
/// Least digits of a number that is personal: a short international telephone number.
const LEAST_DIGITS: usize = 8;
/// Least digits of one that is issued by a state, if no letters belong to it, and its greatest length in bytes.
const LEAST_ISSUED: usize = 8;
const LONGEST_ISSUED: usize = 28;
/// Most groups of digits at which such a number is looked for in one row of them.
const MOST_GROUPS: usize = 8;
/// How far before a number its name may stand, and how far after it, in bytes.
const NAME_BEFORE: usize = 64;
const NAME_AFTER: usize = 24;

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
    let row = match &pass.issued.row {
        row if row.contains(&at) => row.clone(),
        _ => row_around(bytes, at),
    };
    pass.issued.row = row.clone();
    // A row that is longer than any number holds several, each of them looked at by itself.
    let is_long = row.len() > LONGEST;
    let Range { start, end } = if is_long {
        group_around(bytes, row, at)
    } else {
        row
    };
    // Behind one that was found another begins.
    let start = match pass.issued.found_to {
        to if to > start => {
            to + bytes[to..at]
                .iter()
                .take_while(|byte| !byte.is_ascii_digit())
                .count()
        }
        _ => start,
    };
    if is_date(&bytes[start..end]) {
        return end;
    }
    if let Some(after) = iban(pass, at) {
        // What stands behind it in the same row is another number.
        pass.issued.found_to = after;
        return after;
    }
    let count = count_digits(&bytes[start..end]);
    let whole = count >= LEAST_DIGITS
        && end - start <= LONGEST
        && !(start > 0 && is_joint(bytes[start - 1]))
        && !bytes.get(end).is_some_and(|next| is_joint(*next));
    // The first to fit wins: no number is two things. Such numbers stand alone; in a long row they would be anything.
    if whole && !is_long && (ssn(pass, start, end) || card(pass, start, end)) {
        return end;
    }
    // Few digits are only a part of what letters stand beside.
    let mixed = || {
        let before = bytes[start.saturating_sub(LONGEST_ISSUED)..start]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let after = bytes[end..]
            .iter()
            .take(LONGEST_ISSUED)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'/')
            .count();
        before + after > 0 && before + after + (end - start) > number::LEAST
    };
    if end - start <= LONGEST
        && (count >= LEAST_ISSUED || mixed())
        && let Some(after) = issued(pass, start, end)
    {
        return after;
    }
    if whole && !is_long {
        phone(pass, start, end);
    }
    end
}

/// The numbers that states and their offices issue, from each place in `[start, end)` where one may begin; where the
/// first that holds ends.
fn issued(pass: &mut Pass<'_>, start: usize, end: usize) -> Option<usize> {
    let bytes = pass.bytes;
    let letters = bytes[start.saturating_sub(LONGEST_ISSUED)..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let first = start - letters;
    let groups = (start + 1..end).filter(|at| bytes[at - 1] == b' ' && bytes[*at].is_ascii_digit());
    // `2 55 08 2A 168 …`: groups with a letter among their digits.
    let mut back = Vec::new();
    let mut at = first;
    while let Some(end) = at.checked_sub(1)
        && bytes[end] == b' '
        && start - at < LONGEST_ISSUED
    {
        let length = bytes[..end]
            .iter()
            .rev()
            .take(8)
            .take_while(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            .count();
        if !bytes[end - length..end].iter().any(u8::is_ascii_digit) {
            break;
        }
        at = end - length;
        back.push(at);
    }
    back.into_iter()
        .rev()
        .chain(std::iter::once(first))
        .chain(groups.take(MOST_GROUPS))
        .find_map(|from| {
            // The number before this one may have begun at the same place, or have been found there.
            if from < pass.issued.found_to || pass.issued.has(from) {
                return None;
            }
            let end = issued_at(pass, from);
            match end {
                Some(end) => pass.issued.found_to = end,
                None => pass.issued.add(from),
            }
            end
        })
}

/// The last places from which no number was found that is issued; in a row of numbers each is come to several times.
#[derive(Debug, Default)]
pub(super) struct Tried {
    places: Vec<usize>,
    /// How many there were.
    count: usize,
    /// Up to where one was found.
    found_to: usize,
    /// The row of digits that was come to last.
    row: Range<usize>,
}

impl Tried {
    const KEPT: usize = 2 * MOST_GROUPS;

    fn has(&self, place: usize) -> bool {
        self.places.contains(&place)
    }

    fn add(&mut self, place: usize) {
        match self.places.get_mut(self.count % Self::KEPT) {
            Some(oldest) => *oldest = place,
            None => self.places.push(place),
        }
        self.count += 1;
    }
}

/// The class of each byte that a number has which is issued; 0 for all others.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'.' | b'/' | b'+') {
            classes[byte as usize] = number::class(byte);
        }
        byte += 1;
    }
    classes
};

/// Whether that is the class of digits or of letters.
const fn is_sign(class: u8) -> bool {
    class == number::class(b'0') || class == number::class(b'a')
}

fn issued_at(pass: &mut Pass<'_>, from: usize) -> Option<usize> {
    let bytes = pass.bytes;
    let joined = from.checked_sub(1).is_some_and(|before| {
        is_joint(bytes[before])
            || matches!(bytes[before], b'-' | b'.' | b'/' | b'+')
                && before > 0
                && bytes[before - 1].is_ascii_alphanumeric()
    });
    if joined {
        return None;
    }
    let tables = pass.tables;
    let mut name = number::EMPTY;
    let mut signs = 0;
    let mut named_by = (0, None);
    let mut named = ((usize::MAX, 0), false);
    for at in from..bytes.len().min(from + LONGEST_ISSUED) {
        let class = CLASSES[usize::from(bytes[at])];
        if class == 0 {
            return None;
        }
        name = number::add(name, class);
        signs += usize::from(is_sign(class));
        let end = at + 1;
        if signs < number::LEAST {
            continue;
        }
        let goes_on = match bytes.get(end) {
            Some(b'_') => true,
            Some(b'-' | b'.' | b'/') => bytes.get(end + 1).is_some_and(u8::is_ascii_digit),
            Some(next) => is_sign(CLASSES[usize::from(*next)]),
            None => false,
        };
        if goes_on {
            continue;
        }
        for (index, shape) in tables.numbers(name) {
            let Some(rule) = tables.rule(index) else {
                continue;
            };
            let Form::Number(form) = &rule.form else {
                continue;
            };
            let mut is_named = || {
                // A rule has several shapes, and asks about its words once.
                if let (held, told) = named
                    && held == (index, end)
                {
                    return told;
                }
                if named_by.0 != end {
                    named_by = (end, Some(Around::new(bytes, from, end)));
                }
                let words = named_by.1.as_ref().and_then(Option::as_ref);
                let told = words.is_some_and(|around| around.has_one_of(&form.words));
                named = ((index, end), told);
                told
            };
            // Its name first where it must have one: next to nearly no number stands any, and sums cost more.
            if let Some((shape, must)) = form.shapes.get(shape)
                && rule.speaks(pass.surface)
                && (!must || is_named())
                && shape.from(bytes, from, false, &mut pass.runs).is_some()
                && form.holds(&bytes[from..end])
                && (*must || is_named() || !counts_something_else(bytes, from))
                && (!must
                    || pass.is_unmarked(from, end)
                    || is_named_without_marks(bytes, (from, end), &form.words))
                && pass.told(index, rule, from, end)
            {
                return Some(end);
            }
        }
    }
    None
}

/// Whether a number is named by more than what a mark says, or what stands beyond one.
fn is_named_without_marks(bytes: &[u8], (start, end): (usize, usize), words: &[String]) -> bool {
    mark::room(bytes, &(start..end)).is_some_and(|room| {
        room.before.or(room.after).is_none() || {
            // What is glued to a mark is a part of what it stands for.
            let glued = |byte: &&u8| mark::joins(**byte) || !byte.is_ascii();
            let before = room.before.map_or(0, |mark| {
                mark + bytes[mark..start].iter().take_while(glued).count()
            });
            let after = room.after.map_or(bytes.len(), |mark| {
                mark - bytes[end..mark].iter().rev().take_while(glued).count()
            });
            let stretch = before..after;
            Around::within(bytes, start, end, stretch)
                .is_some_and(|around| around.has_one_of(words))
        }
    })
}

/// What stands before a number and right after it, made ready once for the words of all rules.
struct Around<'a> {
    sides: [Side<'a>; 2],
}

struct Side<'a> {
    text: &'a [u8],
    lower: Vec<u8>,
    has: ByteSet,
}

impl<'a> Around<'a> {
    fn new(bytes: &'a [u8], start: usize, end: usize) -> Option<Self> {
        Self::within(bytes, start, end, 0..bytes.len())
    }

    /// The same, of what lies in a stretch of the text; `None` when there is no word at all.
    fn within(bytes: &'a [u8], start: usize, end: usize, stretch: Range<usize>) -> Option<Self> {
        let sides = [
            &bytes[start.saturating_sub(NAME_BEFORE).max(stretch.start)..start],
            &bytes[end..stretch.end.min(end + NAME_AFTER)],
        ];
        // Other numbers, mostly.
        let has_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        if !sides.iter().any(|text| text.iter().any(has_letter)) {
            return None;
        }
        Some(Self {
            sides: sides.map(|text| {
                let lower = text.to_ascii_lowercase();
                Side {
                    text,
                    has: NONE.with_all(&lower),
                    lower,
                }
            }),
        })
    }

    fn has_one_of(&self, words: &[String]) -> bool {
        words
            .iter()
            .any(|word| self.sides.iter().any(|side| side.has_word(word.as_bytes())))
    }
}

impl Side<'_> {
    /// Whether a word stands in the text, at the borders of camel case too: `nhsNumber`.
    fn has_word(&self, word: &[u8]) -> bool {
        let text = self.text;
        // Nearly no word of a list is there, and that is told from its letters.
        if !word.iter().all(|byte| self.has.has(*byte)) {
            return false;
        }
        let mut from = 0;
        while let Some(offset) = find(&self.lower[from..], word) {
            let at = from + offset;
            let end = at + word.len();
            from = end;
            let begins = at.checked_sub(1).is_none_or(|before| {
                !text[before].is_ascii_alphabetic()
                    || text[before].is_ascii_lowercase() && text[at].is_ascii_uppercase()
            });
            let ends = text.get(end).is_none_or(|next| {
                !next.is_ascii_alphabetic()
                    || next.is_ascii_uppercase() && text[end - 1].is_ascii_lowercase()
            });
            if begins && ends {
                return true;
            }
        }
        false
    }
}

/// What a byte is in a number.
const OTHER: u8 = 0;
const DIGIT: u8 = 1;
/// A separator of which one at a time may stand.
const GAP: u8 = 2;
/// A bracket or a sign.
const SIGN: u8 = 3;

static KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        kinds[digit as usize] = DIGIT;
        digit += 1;
    }
    kinds[b' ' as usize] = GAP;
    kinds[b'-' as usize] = GAP;
    kinds[b'.' as usize] = GAP;
    kinds[b'(' as usize] = SIGN;
    kinds[b')' as usize] = SIGN;
    kinds[b'+' as usize] = SIGN;
    kinds
};

/// Whether it begins with a date as logs write it.
fn is_date(text: &[u8]) -> bool {
    matches!(text, [b'1', b'9', ..] | [b'2', b'0', ..])
        && text.get(4) == Some(&b'-')
        && text.get(7) == Some(&b'-')
}

fn kind_at(bytes: &[u8], at: usize) -> u8 {
    bytes
        .get(at)
        .map_or(OTHER, |byte| KINDS[usize::from(*byte)])
}

/// The digits around `at` with what parts them, up to two separators in a row. It is the same from each of its digits,
/// however long it is.
fn row_around(bytes: &[u8], at: usize) -> Range<usize> {
    let (mut end, mut last) = (at, at);
    loop {
        match kind_at(bytes, end) {
            DIGIT => last = end + 1,
            OTHER => break,
            GAP if kind_at(bytes, end + 1) == GAP => break,
            _ => {}
        }
        end += 1;
    }
    let (mut start, mut first) = (at, at);
    while start > 0 {
        match kind_at(bytes, start - 1) {
            DIGIT => first = start - 1,
            OTHER => break,
            GAP if start > 1 && kind_at(bytes, start - 2) == GAP => break,
            SIGN if bytes[start - 1] != b')' => first = start - 1,
            _ => {}
        }
        start -= 1;
    }
    first..last
}

/// The digits around `at` in a row of them, up to the next blanks, brackets and signs.
fn group_around(bytes: &[u8], row: Range<usize>, at: usize) -> Range<usize> {
    let is_in = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'.');
    let before = &bytes[row.start..at];
    let after = &bytes[at..row.end];
    at - before.iter().rev().take_while(is_in).count()..at + after.iter().take_while(is_in).count()
}

const fn is_joint(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn count_digits(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).count()
}

fn digits(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(u8::is_ascii_digit).collect()
}

fn counts_something_else(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(20)..start];
    before.iter().enumerate().any(|(at, byte)| {
        // Nearly every letter begins none.
        matches!(byte | 0x20, b'o' | b't' | b's' | b'p' | b'i' | 0x7f)
            && OTHER_NUMBERS.iter().any(|word| {
                before
                    .get(at..at + word.len())
                    .is_some_and(|held| held.eq_ignore_ascii_case(word.as_bytes()))
            })
    })
}

/// Whether the number is one of a list of numbers: `1234, 5678, 9012`.
fn is_listed(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = bytes[..start].trim_ascii_end();
    let after = &bytes[end..bytes.len().min(end + 2)];
    before.len() < start
        && before.ends_with(b",")
        && before[..before.len() - 1]
            .last()
            .is_some_and(u8::is_ascii_digit)
        && matches!(after, [b',' | b']', rest @ ..] if rest.iter().all(u8::is_ascii_whitespace) || after[0] == b']')
}

fn card(pass: &mut Pass<'_>, start: usize, end: usize) -> bool {
    let text = &pass.bytes[start..end];
    if !(14..=19).contains(&count_digits(text)) {
        return false;
    }
    let number = digits(text);
    let prefix = |count: usize| {
        number[..count]
            .iter()
            .fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
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
        && !is_listed(pass.bytes, start, end)
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
        && count_digits(text) == 9;
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
    let count = count_digits(text);
    let international = text[0] == b'+'
        && (8..=15).contains(&count)
        && text
            .get(1)
            .is_some_and(|first| matches!(first, b'1'..=b'9'));
    let pieces = text
        .split(|byte| !byte.is_ascii_digit())
        .map(<[u8]>::len)
        .filter(|length| *length > 0);
    let american = count == 10
        && text.len() >= 12
        && pieces.eq([3, 3, 4])
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
const IBAN_LENGTHS: &[(&[u8; 2], u8)] = &[
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

/// The same by country, 0 where it has none: each letter counts from `A`.
static IBAN_LENGTH: [u8; 26 * 26] = {
    let mut lengths = [0; 26 * 26];
    let mut index = 0;
    while index < IBAN_LENGTHS.len() {
        let ([first, second], length) = IBAN_LENGTHS[index];
        lengths[(*first - b'A') as usize * 26 + (*second - b'A') as usize] = length;
        index += 1;
    }
    lengths
};

/// How long an IBAN is that begins with these letters; `None` when no country has them.
fn iban_length(first: u8, second: u8) -> Option<usize> {
    let letter = |byte: u8| Some(usize::from(byte.checked_sub(b'A').filter(|at| *at < 26)?));
    let length = *IBAN_LENGTH.get(letter(first)? * 26 + letter(second)?)?;
    (length > 0).then_some(usize::from(length))
}

/// Where the IBAN ends that a place stands in.
fn iban(pass: &mut Pass<'_>, at: usize) -> Option<usize> {
    let bytes = pass.bytes;
    let low = at.saturating_sub(LONGEST);
    let part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let first = at
        - bytes[low..at]
            .iter()
            .rev()
            .take_while(|byte| part(byte))
            .count();
    let first = first.max(pass.issued.found_to);
    if at < first + 2 {
        return None;
    }
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
        let Some(length) = iban_length(head[0], head[1]) else {
            continue;
        };
        let mut end = start;
        let mut count = 0;
        while count < length && bytes.get(end).is_some_and(part) {
            count += usize::from(bytes[end] != b' ');
            end += 1;
        }
        let whole = count == length && !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if whole && mod97(&bytes[start..end]) {
            pass.detected("iban", start, end);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::call::Surface;

    #[test]
    fn every_number_of_a_row_is_found() {
        let text = "529.982.247-25 529.982.247-25, 529.982.247-25";
        let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
        let places: Vec<usize> = found.iter().map(|found| found.span.start()).collect();
        assert_eq!(places, [0, 15, 31]);
    }

    #[test]
    fn a_number_in_a_row_longer_than_any_is_found_wherever_the_row_stands() {
        for row in [
            "09279481846499 (10000000146.8 86095742719 131052-308T/ end",
            "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 131052-308T",
            "(300) 300 300 300 300 300 300 300 300 300 300 300 300 300 131052-308T 300 300 300 300",
        ] {
            for before in 0..64 {
                let text = format!("{}\n{row}", "~".repeat(before));
                let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
                let found: Vec<_> = found
                    .iter()
                    .map(|held| &text[held.span.start()..held.span.end()])
                    .collect();
                assert_eq!(found, ["131052-308T"], "{before} before {row}");
            }
        }
    }
}
