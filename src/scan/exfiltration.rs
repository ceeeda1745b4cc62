//! Shapes that carry data out: pictures and links whose address holds data, long labels of a host name.

use super::naming;
use super::pass::Pass;
use super::plausible;
use crate::rules::alphabet::BASE64URL;
use crate::scan::FindingKind;

/// Longest address that is looked at, in bytes.
const LONGEST: usize = 4_096;
/// Least bytes of data in the address of a picture, which is fetched without anybody's doing, and of a link.
const PICTURE_DATA: usize = 20;
const LINK_DATA: usize = 64;
/// Least bytes of a label that is data and not a name.
const LABEL: usize = 32;

pub(super) fn run(pass: &mut Pass<'_>) {
    let links = std::mem::take(&mut pass.calls.links);
    if links.is_empty() {
        return;
    }
    let mut secrets: Vec<(usize, usize)> = pass
        .out
        .iter()
        .filter(|found| found.confidence_pm >= 500)
        .filter(|found| {
            pass.tables
                .rule(found.rule)
                .is_some_and(|rule| rule.kind == FindingKind::Secret)
        })
        .map(|found| (found.start, found.end))
        .collect();
    secrets.sort_unstable();
    let mut floor = 0;
    for start in links {
        let start = start as usize;
        if start >= floor {
            floor = link(pass, &secrets, start);
        }
    }
}

/// A link or what is fetched, in markdown, HTML or CSS; says where it ends.
fn link(pass: &mut Pass<'_>, secrets: &[(usize, usize)], start: usize) -> usize {
    match pass.bytes[start] {
        b'<' => element(pass, secrets, start),
        b'u' => {
            let end = address_end(pass.bytes, start + 4, pass.bytes.len().min(start + LONGEST));
            tell(
                pass,
                secrets,
                "html-image",
                (start + 4, end),
                (start, end),
                LINK_DATA,
            );
            end
        }
        _ if pass.bytes[start..].starts_with(b"]: ") => {
            let end = address_end(pass.bytes, start + 3, pass.bytes.len().min(start + LONGEST));
            tell(
                pass,
                secrets,
                "markdown-link",
                (start + 3, end),
                (start + 3, end),
                LINK_DATA,
            );
            end
        }
        _ => bracketed(pass, secrets, start),
    }
}

/// Tells what the address `[from, to)` carries.
fn tell(
    pass: &mut Pass<'_>,
    secrets: &[(usize, usize)],
    detector: &str,
    (from, to): (usize, usize),
    (start, end): (usize, usize),
    least: usize,
) {
    let carried = match carries(pass.bytes, secrets, from, to, least) {
        // A page's template, which its server fills.
        Carried::Data if is_template(&pass.bytes[from..to]) => Carried::Nothing,
        carried => carried,
    };
    if is_told(pass, detector, carried, from) {
        pass.detected(detector, start, end);
    }
}

/// An HTML element that fetches its address.
fn element(pass: &mut Pass<'_>, secrets: &[(usize, usize)], start: usize) -> usize {
    let bytes = pass.bytes;
    let end = start + 4;
    let limit = bytes.len().min(end + LONGEST);
    let close = memchr::memchr(b'>', &bytes[end..limit]).map_or(limit, |offset| end + offset + 1);
    let picture = bytes[start..end].eq_ignore_ascii_case(b"<img");
    let source = |held: &[u8]| held.eq_ignore_ascii_case(b"src");
    let from = match bytes[end..close].windows(3).position(source) {
        Some(source) => end + source,
        None if picture => return close,
        None => end,
    };
    if let Some(offset) = memchr::memmem::find(&bytes[from..close], b"://") {
        let stop = address_end(bytes, from + offset, close);
        let least = if picture { PICTURE_DATA } else { LINK_DATA };
        tell(
            pass,
            secrets,
            "html-image",
            (from + offset, stop),
            (start, close),
            least,
        );
    }
    close
}

/// A markdown link or picture.
fn bracketed(pass: &mut Pass<'_>, secrets: &[(usize, usize)], start: usize) -> usize {
    let bytes = pass.bytes;
    let from = start + 2;
    let limit = bytes.len().min(start + 4 + LONGEST);
    let close =
        memchr::memchr2(b')', b'\n', &bytes[from..limit]).map_or(limit, |offset| from + offset);
    let low = start.saturating_sub(512);
    let open = opening(&bytes[low..start]).map_or(start, |at| low + at);
    let picture = open > 0 && bytes[open] == b'[' && bytes[open - 1] == b'!';
    let least = if picture { PICTURE_DATA } else { LINK_DATA };
    let name = if picture {
        "markdown-image"
    } else {
        "markdown-link"
    };
    if is_told(
        pass,
        name,
        carries(bytes, secrets, from, close, least),
        from,
    ) {
        let begin = if picture { open - 1 } else { open };
        pass.detected(name, begin, (close + 1).min(bytes.len()));
    }
    close
}

/// Where the bracket stands that the one after `before` closes; a picture may stand between them.
fn opening(before: &[u8]) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in before.iter().enumerate().rev() {
        match byte {
            b'\n' => return None,
            b']' => depth += 1,
            b'[' if depth == 0 => return Some(at),
            b'[' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn is_template(address: &[u8]) -> bool {
    ["{{", "{%", "<%", "<?"]
        .iter()
        .any(|sign| memchr::memmem::find(address, sign.as_bytes()).is_some())
}

fn address_end(bytes: &[u8], start: usize, limit: usize) -> usize {
    bytes[start..limit]
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'>' | b')'))
        .map_or(limit, |offset| start + offset)
}

/// What an address carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carried {
    Nothing,
    Data,
    Secret,
}

/// Whether what an address carries is a finding: a secret wherever it goes, data unless it may go to the host.
fn is_told(pass: &Pass<'_>, detector: &str, carried: Carried, address: usize) -> bool {
    match carried {
        Carried::Nothing => false,
        Carried::Secret => true,
        Carried::Data => !goes_to(pass, detector, address),
    }
}

/// Whether the address at `start` has a host to which data may go.
fn goes_to(pass: &Pass<'_>, detector: &str, start: usize) -> bool {
    let rest = &pass.bytes[start..pass.bytes.len().min(start + 270)];
    let Some(after) = memchr::memmem::find(&rest[..rest.len().min(12)], b"://") else {
        return false;
    };
    let authority = rest[after + 3..]
        .split(|byte| matches!(byte, b'/' | b'?' | b'#' | b')' | b'"' | b'\\'))
        .next()
        .unwrap_or_default();
    may_go(pass, detector, authority)
}

fn may_go(pass: &Pass<'_>, detector: &str, authority: &[u8]) -> bool {
    pass.allowed
        .iter()
        .any(|held| held.holds(detector, authority))
}

/// Whether the address at `[start, end)` holds a secret, a hole to be filled, or data of `least` bytes.
fn carries(
    bytes: &[u8],
    secrets: &[(usize, usize)],
    start: usize,
    end: usize,
    least: usize,
) -> Carried {
    let address = &bytes[start..end];
    let first = secrets.partition_point(|(low, _)| *low < start);
    let secret = secrets.get(first).is_some_and(|(_, high)| *high <= end);
    if secret {
        return Carried::Secret;
    }
    let Some(query) = address.iter().position(|byte| *byte == b'?') else {
        return Carried::Nothing;
    };
    let data = address[query + 1..]
        .split(|byte| matches!(byte, b'&' | b'#'))
        .filter_map(|pair| {
            pair.iter()
                .position(|byte| *byte == b'=')
                .map(|at| &pair[at + 1..])
        })
        .any(|value| is_data(value, least));
    if data {
        Carried::Data
    } else {
        Carried::Nothing
    }
}

fn is_data(value: &[u8], least: usize) -> bool {
    let named = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ' | b'+' | b'%')
    };
    let inner = value
        .get(1..value.len().saturating_sub(1))
        .unwrap_or_default();
    let hole = value.len() > 2
        && inner
            .iter()
            .all(|byte| named(byte) || matches!(byte, b'{' | b'}'))
        && (value.starts_with(b"{") && value.ends_with(b"}")
            || value.starts_with(b"<") && value.ends_with(b">")
            || value.starts_with(b"[")
                && value.ends_with(b"]")
                && !value.starts_with(b"[redacted"));
    if hole {
        return true;
    }
    let encoded = value
        .iter()
        .filter(|byte| **byte == b'%' || **byte == b'+')
        .count();
    if value.len() >= least && encoded >= 4 {
        return true;
    }
    value.len() >= least
        && value
            .iter()
            .all(|byte| BASE64URL.has(*byte) || matches!(byte, b'+' | b'/' | b'='))
        && plausible::entropy(value) >= 3.5
        && !naming::is_name(value)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
}

/// A host name with labels that are data.
pub(super) fn host(pass: &mut Pass<'_>, start: usize) {
    let bytes = pass.bytes;
    let limit = bytes.len().min(start + 253);
    let end = bytes[start..limit]
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')))
        .map_or(limit, |offset| start + offset);
    let mut at = start;
    for label in bytes[start..end].split(|byte| *byte == b'.') {
        let data = label.len() >= LABEL
            && label.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
            && plausible::entropy(label) >= 3.2;
        if data && at + label.len() < end {
            if !may_go(pass, "dns-label", &bytes[start..end]) {
                pass.detected("dns-label", at, at + label.len());
            }
            return;
        }
        at += label.len() + 1;
    }
}
