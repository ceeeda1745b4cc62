//! Columns of tables: a heading that is a telling name, and the values below it.
//!
//! Tables are drawn with bars (markdown, wikis, what a database prints), written with separators (CSV, tabs), or said by a
//! statement (`INSERT INTO t (login, password) VALUES (…)`, `COPY t (…) FROM stdin`). A line break may be an escaped one.

use std::ops::Range;

use super::pass::Pass;
use crate::rules::tables::Hit;
use crate::text::mark;

/// Longest line of headings that is looked at, in bytes.
const LONGEST_HEADING: usize = 512;
/// How far below a heading its values are looked for: bytes, and rows.
const REACH: usize = 16 << 10;
const MOST_ROWS: usize = 256;
/// Most cells of a row.
const MOST_CELLS: usize = 32;
/// Longest name in a heading, in bytes.
const LONGEST_NAME: usize = 40;
/// Most columns of one table that a rule reads: a heading that says one name again and again is no table.
const MOST_COLUMNS: u8 = 4;

/// What separates the cells of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `|a|b|`; in the heading of some wikis `||a||b||`.
    Bars,
    /// A comma, a semicolon, a tab.
    Separated(u8),
    /// `(a, b) VALUES ('x', 'y'), …`
    Statement,
}

/// The headings of a table.
#[derive(Debug, Clone)]
struct Table {
    kind: Kind,
    headings: Vec<Range<usize>>,
    rows: usize,
    /// Whether another heading says whose the values are: a user, a host.
    accounts: bool,
}

/// What is known of the places that were looked at last: most names stand in no table.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The headings of a table, and where they stand.
    table: Option<(Range<usize>, Table)>,
    /// Where no name stands in the list of a statement, and where none in a line of headings.
    no_list: Range<usize>,
    no_line: Range<usize>,
    /// The string that the text is, where its name was put before it.
    string: Option<Range<usize>>,
    /// For rules that read a column: up to where, of which table, and how many of it.
    read: Vec<(usize, usize, usize, u8)>,
}

impl Seen {
    /// What is known of a text that begins with the name of the string that it is, which begins at `from`.
    pub(super) fn of_string(bytes: &[u8], from: usize) -> Self {
        let quote = from.checked_sub(1).and_then(|before| bytes.get(before));
        let quoted = matches!(quote, Some(b'"' | b'\'' | b'`')) && bytes.last() == quote;
        let end = bytes.len() - usize::from(quoted && bytes.len() > from);
        Self {
            string: (from > 0).then_some(from..end),
            ..Self::default()
        }
    }

    /// The table among whose headings the name at `hit` stands.
    fn table(&mut self, bytes: &[u8], begin: usize, hit: Hit) -> Option<&Table> {
        let known = self.table.as_ref();
        if !known.is_some_and(|(held, _)| held.contains(&hit.start)) {
            self.table = None;
            for (none, find) in [
                (&mut self.no_list, statement as Find),
                (&mut self.no_line, line_around as Find),
            ] {
                if self.table.is_some() || none.contains(&hit.start) {
                    continue;
                }
                match find(bytes, begin, hit) {
                    (held, Some(table)) => self.table = Some((held, table)),
                    (held, None) => *none = held,
                }
            }
        }
        self.table.as_ref().map(|(_, table)| table)
    }
}

/// Values below the heading that ends with the name at `hit`; whether the table says whose they are.
pub(super) fn below(pass: &mut Pass<'_>, hit: Hit) -> Option<(Vec<Range<usize>>, bool)> {
    let string = pass.columns.string.clone();
    let (begin, end) = string.map_or((0, pass.bytes.len()), |string| (string.start, string.end));
    if hit.start < begin || hit.end > end {
        return None;
    }
    let bytes = &pass.bytes[..end];
    // Nearly every name is told apart here: it ends no cell.
    let after = bytes[hit.end..]
        .iter()
        .take(4)
        .find(|byte| !is_dress(**byte))?;
    if !matches!(
        after,
        b'|' | b',' | b';' | b'\t' | b')' | b'\n' | b'\r' | b'n'
    ) {
        return None;
    }
    let seen = &mut pass.columns;
    let reading = seen.read.iter().find(|(rule, ..)| *rule == hit.rule);
    let reading = reading.copied().unwrap_or_default();
    if (reading.2..reading.1).contains(&hit.start) {
        return None;
    }
    let table = seen.table(bytes, begin, hit)?;
    let index = table
        .headings
        .iter()
        .position(|cell| cell.start <= hit.start && trimmed(bytes, cell).end == hit.end)?;
    let columns = if reading.2 == table.rows {
        reading.3
    } else {
        0
    };
    if columns >= MOST_COLUMNS {
        return None;
    }
    let (values, until) = table.column(bytes, index);
    let (accounts, rows) = (table.accounts, table.rows);
    seen.read.retain(|(rule, ..)| *rule != hit.rule);
    seen.read.push((hit.rule, until, rows, columns + 1));
    (!values.is_empty()).then_some((values, accounts))
}

impl Table {
    /// The values of a column, and where its last row ends.
    fn column(&self, bytes: &[u8], index: usize) -> (Vec<Range<usize>>, usize) {
        let limit = bytes.len().min(self.rows + REACH);
        let (mut at, mut values) = (self.rows, Vec::new());
        for _ in 0..MOST_ROWS {
            let (row, next) = match self.kind {
                Kind::Statement => match tuple(bytes, at, limit) {
                    Some(found) => found,
                    None => break,
                },
                _ => line(bytes, at, limit),
            };
            if row.is_empty() && next >= limit {
                break;
            }
            let is_row = match self.kind {
                Kind::Bars if is_rule(&bytes[row.clone()]) => {
                    at = next;
                    continue;
                }
                Kind::Bars => bytes[row.clone()].contains(&b'|'),
                _ => !row.is_empty(),
            };
            if !is_row {
                break;
            }
            let cells = match self.kind {
                Kind::Bars => cells(bytes, &within_bars(bytes, row), b"|"),
                Kind::Separated(sign) => cells(bytes, &row, &[sign]),
                Kind::Statement => cells(bytes, &row, b","),
            };
            let same = match self.kind {
                Kind::Bars => cells.len() > index,
                _ => cells.len() == self.headings.len(),
            };
            if !same {
                break;
            }
            if let Some(cell) = cells.get(index) {
                values.push(value(bytes, cell));
            }
            at = next;
        }
        (values, at)
    }
}

/// What may stand around the text of a cell.
const fn is_dress(byte: u8) -> bool {
    matches!(byte, b' ' | b'"' | b'\'' | b'`' | b'*' | b'\\')
}

fn trimmed(bytes: &[u8], cell: &Range<usize>) -> Range<usize> {
    let held = &bytes[cell.clone()];
    let lead = held.iter().take_while(|byte| is_dress(**byte)).count();
    let rest = &held[lead..];
    let tail = rest
        .iter()
        .rev()
        .take_while(|byte| is_dress(**byte))
        .count();
    cell.start + lead..cell.end - tail
}

/// The text of a cell of a row: `N'x'` is a string too, and `{{x}}` is how wikis write code.
fn value(bytes: &[u8], cell: &Range<usize>) -> Range<usize> {
    let held = &bytes[cell.clone()];
    let end = match string_end(held) {
        // `x"}`: the table ends with the string that it stands in.
        0 => memchr::memchr(b'"', held)
            .filter(|place| matches!(held.get(place + 1), None | Some(b'}' | b']' | b',' | b')'))),
        length => Some(length),
    };
    let mut found = trimmed(
        bytes,
        &(cell.start..end.map_or(cell.end, |end| cell.start + end)),
    );
    if bytes[found.clone()].starts_with(b"N'") {
        found.start += 2;
    }
    let held = &bytes[found.clone()];
    if held.len() > 4 && held.starts_with(b"{{") && held.ends_with(b"}}") && !held.contains(&b' ') {
        found = found.start + 2..found.end - 2;
    }
    found
}

/// The line at `at` without its break, and where the next one begins. An escaped break is one too.
fn line(bytes: &[u8], at: usize, limit: usize) -> (Range<usize>, usize) {
    let rest = &bytes[at.min(limit)..limit];
    let mut from = 0;
    while let Some(offset) = memchr::memchr2(b'\n', b'\\', &rest[from..]) {
        let place = from + offset;
        let taken = match &rest[place..] {
            [b'\n', ..] => 1,
            [b'\\', b'n', ..] => 2,
            [b'\\', b'r', b'\\', b'n', ..] => 4,
            _ => {
                from = place + 1;
                continue;
            }
        };
        let end = place - usize::from(place > 0 && rest[place - 1] == b'\r');
        return (at..at + end, at + place + taken);
    }
    (at..limit, limit)
}

/// Where the line that holds `at` begins, in a text that begins at `begin`.
fn line_start(bytes: &[u8], begin: usize, at: usize) -> Option<usize> {
    let low = at.saturating_sub(LONGEST_HEADING).max(begin);
    let before = &bytes[low..at];
    let raw = memchr::memrchr(b'\n', before).map(|place| place + 1);
    let lowest = raw.unwrap_or_default();
    let escaped = memchr::memrchr_iter(b'\\', &before[lowest..])
        .map(|place| lowest + place + 1)
        .find(|place| before.get(*place) == Some(&b'n'));
    match escaped.map(|place| place + 1).or(raw) {
        Some(place) => Some(low + place),
        None if low == begin => Some(low + opening(before)),
        None => None,
    }
}

/// How much of a text comes before the table that it begins with as a string: `{"content": "`. What is said to be a folder
/// may be one too, with a slash before it.
fn opening(before: &[u8]) -> usize {
    memchr::memmem::rfind(before, b": \"")
        .map(|place| place + 3)
        .or_else(|| memchr::memmem::rfind(before, b":\"").map(|place| place + 2))
        .unwrap_or_else(|| usize::from(before.first() == Some(&b'/')))
}

/// A table and where its headings stand, or where none does.
type Around = (Range<usize>, Option<Table>);
type Find = fn(&[u8], usize, Hit) -> Around;

/// The line of headings that the name stands in.
fn line_around(bytes: &[u8], begin: usize, hit: Hit) -> Around {
    let limit = bytes.len().min(hit.end + LONGEST_HEADING);
    let Some(start) = line_start(bytes, begin, hit.start) else {
        // Nor does any behind it in the same line.
        let (rest, _) = line(bytes, hit.start, limit);
        return (rest, None);
    };
    let (held, rows) = line(bytes, start, limit);
    let ends = rows > held.end && held.len() <= LONGEST_HEADING;
    let table = [b'|', b'\t', b';', b',']
        .into_iter()
        .find(|sign| bytes[held.clone()].contains(sign))
        .filter(|_| ends)
        .and_then(|sign| headings(bytes, &held, sign, rows));
    (held, table)
}

fn headings(bytes: &[u8], held: &Range<usize>, sign: u8, rows: usize) -> Option<Table> {
    let bars = sign == b'|';
    let cells = if bars {
        let inner = within_bars(bytes, held.clone());
        let twice = bytes[inner.start.saturating_sub(2)..inner.start] == *b"||";
        let framed = inner.start > held.start && bytes[inner.start - 1] == b'|';
        let (next, _) = line(bytes, rows, bytes.len().min(rows + LONGEST_HEADING));
        if !framed && !is_rule(&bytes[next]) {
            return None;
        }
        cells(bytes, &inner, if twice { b"||" } else { b"|" })
    } else {
        cells(bytes, held, &[sign])
    };
    let plain = |cell: &Range<usize>| {
        bars || !bytes[cell.clone()].starts_with(b" ") || bytes[cell.clone()].starts_with(b" \"")
    };
    let kind = if bars {
        Kind::Bars
    } else {
        Kind::Separated(sign)
    };
    (cells.len() > 1 && cells.iter().all(plain)).then_some(())?;
    named(bytes, kind, cells, rows)
}

/// A table whose headings all are names.
fn named(bytes: &[u8], kind: Kind, cells: Vec<Range<usize>>, rows: usize) -> Option<Table> {
    let names = || cells.iter().map(|cell| &bytes[trimmed(bytes, cell)]);
    let named = names()
        .all(|name| name.len() <= LONGEST_NAME && name.iter().all(|byte| is_name_byte(*byte)))
        && !names().any(mark::stands_in);
    let accounts = named && names().any(says_whose);
    named.then_some(Table {
        kind,
        headings: cells,
        rows,
        accounts,
    })
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || !byte.is_ascii()
        || matches!(
            byte,
            b' ' | b'_' | b'-' | b'.' | b'#' | b'/' | b'(' | b')' | b':'
        )
}

/// Headings beside which a password is somebody's.
static WHOSE: [&[u8]; 14] = [
    b"user",
    b"login",
    b"account",
    b"mail",
    b"host",
    b"server",
    b"benutzer",
    b"usuario",
    b"usu\xc3\xa1rio",
    b"utilisateur",
    b"konto",
    b"url",
    b"service",
    b"system",
];

fn says_whose(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    WHOSE
        .iter()
        .any(|word| memchr::memmem::find(&lower, word).is_some())
}

/// A row without the bars at its sides.
fn within_bars(bytes: &[u8], row: Range<usize>) -> Range<usize> {
    let held = &bytes[row.clone()];
    let lead = held
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'>'))
        .count();
    let bars = held[lead..]
        .iter()
        .take(2)
        .take_while(|byte| **byte == b'|');
    let bars = bars.count();
    let tail = held[lead + bars..]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'|'))
        .count();
    // `| | x |`: the first cell is empty.
    row.start + lead + bars..row.end - tail
}

/// `|---|:--:|`, `-----+----`: what stands between the headings of a table and its rows.
fn is_rule(row: &[u8]) -> bool {
    row.contains(&b'-')
        && row
            .iter()
            .all(|byte| matches!(byte, b'-' | b'+' | b'|' | b':' | b' ' | b'=' | b'>' | b'\r'))
}

/// The cells of a row; a separator in a string is none.
fn cells(bytes: &[u8], row: &Range<usize>, sign: &[u8]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = row.start;
    while out.len() < MOST_CELLS {
        let rest = &bytes[start..row.end];
        let from = string_end(rest);
        let found = memchr::memmem::find(&rest[from..], sign);
        let Some(offset) = found else {
            out.push(start..row.end);
            break;
        };
        let end = start + from + offset;
        out.push(start..end);
        start = end + sign.len();
    }
    out
}

/// How long the string is that a cell begins with; 0 when it begins with none.
fn string_end(rest: &[u8]) -> usize {
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let kind = usize::from(rest[blanks..].starts_with(b"N'"));
    let escapes = rest[blanks + kind..]
        .iter()
        .take_while(|byte| **byte == b'\\')
        .count();
    let open = blanks + kind + escapes;
    let Some(quote @ (b'"' | b'\'')) = rest.get(open) else {
        return 0;
    };
    let mut at = open + 1;
    while let Some(offset) = memchr::memchr(*quote, &rest[at..]) {
        let place = at + offset;
        // Twice is one in the string; an escaped one may stand before the end of the string around.
        if escapes == 0 && rest.get(place + 1) == Some(quote) {
            at = place + 2;
            continue;
        }
        return place + 1;
    }
    0
}

/// `(host, login, password) VALUES (`, `(…) FROM stdin;`: the headings that a statement says.
fn statement(bytes: &[u8], begin: usize, hit: Hit) -> Around {
    let is_list = |byte: &u8| {
        is_name_byte(*byte) && !matches!(byte, b'(' | b')' | b'/' | b':' | b'#')
            || matches!(byte, b',' | b'`' | b'"' | b'[' | b']' | b'\n' | b'\\')
    };
    let low = hit.start.saturating_sub(LONGEST_HEADING).max(begin);
    let high = bytes.len().min(hit.end + LONGEST_HEADING);
    let close = bytes[hit.end..high].iter().position(|byte| !is_list(byte));
    let end = close.map_or(high, |close| hit.end + close);
    let none = (hit.start..end.max(hit.end), None);
    if bytes.get(end) != Some(&b')') || close.is_none() {
        return none;
    }
    let open = bytes[low..hit.start]
        .iter()
        .rposition(|byte| !is_list(byte))
        .filter(|open| bytes[low + open] == b'(');
    let Some(open) = open else {
        return none;
    };
    let rest = &bytes[end + 1..bytes.len().min(end + 40)];
    let blanks = rest.iter().take_while(|byte| is_break(**byte)).count();
    let word = |word: &[u8]| {
        rest[blanks..]
            .get(..word.len())
            .is_some_and(|held| held.eq_ignore_ascii_case(word))
    };
    let at = end + 1 + blanks;
    let (kind, rows) = if word(b"values") {
        (Kind::Statement, at + b"values".len())
    } else if word(b"from stdin") {
        let (_, next) = line(bytes, at, bytes.len().min(at + 80));
        (Kind::Separated(b'\t'), next)
    } else {
        return none;
    };
    let held = low + open + 1..end;
    let cells = cells(bytes, &held, b",");
    let table = named(bytes, kind, cells, rows);
    (held, table)
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'\\' | b'n')
}

/// The inside of the next `('x', 'y')` of a statement, and where it ends.
fn tuple(bytes: &[u8], at: usize, limit: usize) -> Option<(Range<usize>, usize)> {
    let rest = &bytes[at.min(limit)..limit];
    let open = rest
        .iter()
        .position(|byte| !is_break(*byte) && *byte != b',')?;
    if rest[open] != b'(' {
        return None;
    }
    let start = at + open + 1;
    let mut place = start;
    loop {
        let held = &bytes[place..limit];
        place += string_end(held);
        let stop = bytes[place..limit]
            .iter()
            .position(|byte| matches!(byte, b',' | b')' | b'(' | b';'))?;
        place += stop;
        match bytes[place] {
            b',' => place += 1,
            b')' => return Some((start..place, place + 1)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Surface;

    fn column(text: &str, name: &str) -> Vec<String> {
        column_of_string(text, 0, name)
    }

    /// The column of a string that begins at `from`, after its name.
    fn column_of_string(text: &str, from: usize, name: &str) -> Vec<String> {
        let tables = &crate::builtin::scanner().layers[0];
        let mut pass = Pass::new(tables, &[], text.as_bytes(), Surface::ToolArgs, false);
        pass.columns = Seen::of_string(text.as_bytes(), from);
        let start = text.find(name).unwrap_or_default();
        let hit = Hit {
            rule: 0,
            index: 0,
            start,
            end: start + name.len(),
        };
        let (values, _) = below(&mut pass, hit).unwrap_or_default();
        values
            .into_iter()
            .map(|range| text[range].to_owned())
            .collect()
    }

    #[test]
    fn a_string_with_its_name_before_it_is_a_table_as_well() {
        for table in [
            "||user||password||host||\n|ana|one|db|\n|bo|two|db|\n",
            "| user | password |\n|---|:--:|\n| ana | one |\n| bo | two |",
            "id,password\n1,one\n2,two",
            "/id,password,url\n1,one,https://a\n2,two,https://b\n",
            "\"id\",\"password\"\n\"1\",\"one\"\n\"2\",\"two\"",
        ] {
            for (before, after) in [
                ("er=\"", "\""),
                ("command='", "'"),
                ("x=`", "`"),
                ("er=", ""),
            ] {
                let text = format!("{before}{table}{after}");
                let found = column_of_string(&text, before.len(), "password");
                assert_eq!(found, ["one", "two"], "{text}");
            }
            assert_eq!(
                column(&format!("/{table}"), "password"),
                ["one", "two"],
                "{table}"
            );
        }
    }

    #[test]
    fn a_column_is_read_in_every_kind_of_table() {
        for text in [
            "||user||password||host||\n|ana|one|db|\n|bo|two|db|\n",
            "|| user || password ||\n| ana | {{one}} |\n| bo | two |",
            "| user | password |\n|---|:--:|\n| ana | `one` |\n| bo | two |\n\nmore",
            " id | password\n----+----------\n  1 | one\n  2 | two\n(2 rows)",
            "+----+----------+\n| id | password |\n+----+----------+\n|  1 | one |\n|  2 | two |\n+----+---+",
            "id,password,url\n1,one,https://a\n2,two,https://b\n",
            "\"id\",\"password\"\r\n\"1,5\",\"one\"\r\n\"2\",\"two\"\r\n",
            "id;password\n1;one\n2;two",
            "id\tpassword\n1\tone\n2\ttwo\n",
            "{\"content\": \"id,password\\n1,one\\n2,two\\n\"}",
            "{\"x\": \"\\\"id\\\",\\\"password\\\"\\n\\\"1\\\",\\\"one\\\"\\n\\\"2\\\",\\\"two\\\"\"}",
            "INSERT INTO t (id, password) VALUES (1, 'one'), (2, 'two');",
            "insert into t (`id`, `password`)\nvalues\n  ('a, b', N'one'),\n  ('it''s', 'two')",
            "COPY public.t (id, password) FROM stdin;\n1\tone\n2\ttwo\n\\.\n",
            "{\"content\": \"id,password\\n1,one\\n2,two\"}",
        ] {
            let found = column(text, "password");
            assert_eq!(found, ["one", "two"], "{text}");
        }
    }

    #[test]
    fn what_is_no_table_has_no_column() {
        for text in [
            "the user, password, and host\nare read, in turn, here",
            "user||password\nnext || line",
            "login(user, password)\nreturn a, b",
            "f(user,password) values\n",
            "id,password\n",
            "INSERT INTO t (id, password) SELECT id, pw FROM u",
        ] {
            assert_eq!(column(text, "password"), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn rows_are_not_taken_for_headings_again() {
        let tables = &crate::builtin::scanner().layers[0];
        let text = "name|password\n".repeat(64);
        let text = format!("| a | password |\n|---|---|\n{text}");
        let mut pass = Pass::new(tables, &[], text.as_bytes(), Surface::ToolResult, false);
        let mut read = 0;
        for (start, name) in text.match_indices("password") {
            let hit = Hit {
                rule: 0,
                index: 0,
                start,
                end: start + name.len(),
            };
            read += usize::from(below(&mut pass, hit).is_some());
        }
        assert_eq!(read, 1);
    }
}
