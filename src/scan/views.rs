//! What a text says once decoded: each view is scanned like a text, and what is found is mapped back.
//!
//! Views are made only where something calls for one, and never of a view.

use super::exfiltration;
use super::pass::{Found, Pass};
use crate::rules::tables::{Edge, Hit, Literal};
use crate::rules::{Form, codec};
use crate::scan::FindingKind;
use crate::span::ByteSpan;
use crate::text::view::{View, ViewKind};
use crate::text::{escape, fold, run as runs};

/// The rule number of literals that call for a view.
pub(super) const RULE: usize = u16::MAX as usize;

/// What calls: an escape, an entity, a joint of string literals, a link.
const ESCAPE: u16 = 0;
const ENTITY: u16 = 1;
const JOINT: u16 = 2;
const LINK: u16 = 3;
const ADDRESS: u16 = 4;

/// The literals that call for a view.
pub(super) fn literals() -> Vec<Literal> {
    let hex: Vec<u8> = (b'0'..=b'9')
        .chain(b'a'..=b'f')
        .chain(b'A'..=b'F')
        .collect();
    let any: Vec<u8> = (b'!'..=b'~').collect();
    let mut out = Vec::new();
    let mut add = |text: &str, index: u16, follow: &[u8]| {
        out.push(Literal {
            bytes: text.as_bytes().to_vec(),
            any_case: false,
            rule: u16::MAX,
            index,
            follow: follow.to_vec(),
            edge: Edge::Any,
        });
    };
    add("\\u00", ESCAPE, b"");
    for digit in 3..=7 {
        add(&format!("\\x{digit}"), ESCAPE, &hex);
    }
    add("&#x", ENTITY, &hex);
    for digit in 4..=9 {
        add(&format!("&#{digit}"), ENTITY, b"0123456789");
    }
    add("&#1", ENTITY, b"0123456789");
    // Mail writes `=` so.
    add("=3D", ESCAPE, &any);
    add("&quot;", ENTITY, b"");
    add("&amp;", ENTITY, b"");
    for quote in ["\"", "'"] {
        for operator in [" + ", "+", " .. ", " . ", " & ", " || "] {
            add(&format!("{quote}{operator}{quote}"), JOINT, &any);
        }
    }
    add("](http", LINK, b"");
    add("<img", LINK, b"");
    add("<IMG", LINK, b"");
    for fetched in [
        "<iframe",
        "<embed",
        "<object",
        "<meta http-equiv",
        "url(http",
        "]: http",
    ] {
        add(fetched, LINK, b"");
    }
    for asks in ["nslookup ", "dig "] {
        add(asks, ADDRESS, &any);
    }
    add("://", ADDRESS, &any);
    out
}

/// How far each kind of view has been made, and the links that wait for the end of the pass.
#[derive(Debug, Default)]
pub(super) struct Calls {
    floors: [usize; 3],
    dense_until: usize,
    unbroken_until: usize,
    /// Starts of links; 32 bits each, because a text may be nothing but links.
    pub(super) links: Vec<u32>,
}

/// Whether the search sees a literal only because of where in the text it stands: what may follow the shortest ones it
/// looks at at every other place.
fn is_by_chance(bytes: &[u8], hit: Hit) -> bool {
    let graphic = |next: &u8| matches!(next | 0x20, b'!'..=b'~');
    hit.end - hit.start == 3 && !bytes.get(hit.end).is_some_and(graphic)
}

/// Makes the view that a literal calls for.
pub(super) fn call(pass: &mut Pass<'_>, hit: Hit) {
    if is_by_chance(pass.bytes, hit) {
        return;
    }
    let kind = match hit.index as u16 {
        ESCAPE => ViewKind::Escape,
        ENTITY => ViewKind::Entity,
        JOINT => ViewKind::Joined,
        LINK => {
            if let Ok(start) = u32::try_from(hit.start) {
                pass.calls.links.push(start);
            }
            return;
        }
        _ => return exfiltration::host(pass, hit.end),
    };
    let floor = pass.calls.floors[hit.index];
    if hit.start < floor {
        return;
    }
    let view = match (kind, ByteSpan::new(hit.start, hit.end)) {
        (ViewKind::Joined, Some(joint)) => escape::joined(pass.bytes, joint, floor).ok_or(hit.end),
        _ => escape::around(pass.bytes, hit.start, floor, kind),
    };
    match view {
        Ok(view) => {
            pass.calls.floors[hit.index] = view.source.end();
            scan(pass, &view);
        }
        Err(end) => pass.calls.floors[hit.index] = end,
    }
}

/// Puts together the token whose literal stands at `hit` and that is none, if lines break it.
pub(super) fn unbroken(pass: &mut Pass<'_>, hit: Hit) {
    if is_by_chance(pass.bytes, hit) {
        return;
    }
    if hit.start < pass.calls.unbroken_until {
        // A text that is nothing but beginnings of tokens.
        pass.refuse(hit.rule, pass.calls.unbroken_until);
        return;
    }
    let end = escape::token_end(pass.bytes, hit.end);
    pass.calls.unbroken_until = end;
    let ends_line = matches!(pass.bytes.get(end), Some(b'\n' | b'\r' | b'\\'));
    if ends_line
        && !pass.inner
        && let Some(view) = escape::unbroken(pass.bytes, hit.start)
    {
        pass.calls.unbroken_until = view.source.end();
        scan(pass, &view);
    }
}

/// Decodes the run that a block without blanks belongs to.
pub(super) fn dense(pass: &mut Pass<'_>, at: usize) {
    let floor = pass.calls.dense_until;
    if at < floor {
        return;
    }
    if let Some(span) = runs::around(pass.bytes, at, floor) {
        pass.calls.dense_until = span.end();
        if let Some(view) = runs::decode(pass.bytes, span) {
            scan(pass, &view);
        }
    }
}

/// Scans the views that no literal calls for.
pub(super) fn run(pass: &mut Pass<'_>) {
    percent(pass);
    if !pass.bytes.is_ascii() {
        unicode(pass);
    }
}

/// Percent signs before a plain letter or digit, which nobody writes but to hide something, and signs of base64.
fn percent(pass: &mut Pass<'_>) {
    let bytes = pass.bytes;
    let (mut floor, mut made) = (0, 0);
    while let Some(offset) = memchr::memchr(b'%', &bytes[floor..]) {
        let at = floor + offset;
        let plain = match bytes.get(at + 1..at + 3) {
            // A sign of base64 in the middle of a word.
            Some(b"2B" | b"2F" | b"3D" | b"2b" | b"2f" | b"3d") => {
                at > 0 && bytes[at - 1].is_ascii_alphanumeric()
            }
            code => code
                .and_then(codec::hex)
                .is_some_and(|byte| byte[0].is_ascii_alphanumeric()),
        };
        floor = at + 1;
        if plain && let Ok(view) = escape::around(bytes, at, made, ViewKind::Percent) {
            floor = view.source.end().max(at + 1);
            made = floor;
            scan(pass, &view);
        }
    }
}

fn unicode(pass: &mut Pass<'_>) {
    let mut from = 0;
    while let Some((view, next)) = fold::next(pass.bytes, from) {
        scan(pass, &view);
        from = next.max(from + 1);
    }
}

/// Least length of what a view shows, in bytes: no literal with a value is shorter, and no phrase.
const LEAST: usize = 4;

/// Scans a view and keeps what only it shows.
pub(super) fn scan(pass: &mut Pass<'_>, view: &View) {
    // Signs that stand alone: nothing that is found is as short.
    if view.bytes.len() < LEAST {
        return;
    }
    let inner = Pass::new(pass.tables, pass.allowed, &view.bytes, pass.surface, true).run();
    for found in inner {
        let decoded = matches!(view.kind, ViewKind::Base64 | ViewKind::Hex);
        let telling = pass.tables.rule(found.rule).is_some_and(|rule| {
            // Numbers and addresses in decoded data are not worth a mark that covers all of it, nor is what only a name
            // nearby gives away, unless all of it is text.
            !decoded
                || rule.kind == FindingKind::Secret
                    && (!matches!(rule.form, Form::Context(_)) || runs::is_plain_text(&view.bytes))
        });
        if telling
            && (view.kind == ViewKind::Entity || view.changed(found.start, found.end))
            && let Some(span) = view.original(found.start, found.end)
        {
            pass.out.push(Found {
                start: span.start(),
                end: span.end(),
                view: Some(view.kind),
                ..found
            });
        }
    }
}
