//! E-mail addresses.

use super::pass::Pass;

/// Addresses around every `@`.
pub(super) fn emails(pass: &mut Pass<'_>) {
    let bytes = pass.bytes;
    if memchr::memchr(b'@', bytes).is_none() || pass.tables.detector("email").is_none() {
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
    if !local[0].is_ascii_alphanumeric() || machine.iter().any(|name| name.as_bytes() == local) {
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
    let Some(dot) = memchr::memrchr(b'.', domain) else {
        return false;
    };
    let top = &domain[dot + 1..];
    // `icon@2x.png`
    let file = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "json", "html",
    ];
    if file
        .iter()
        .any(|end| top.eq_ignore_ascii_case(end.as_bytes()))
    {
        return false;
    }
    (2..=12).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
        && domain
            .split(|byte| *byte == b'.')
            .all(|label| !label.is_empty() && !label.starts_with(b"-"))
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
            "icon@2x.png",
        ] {
            assert!(!found(text), "{text}");
        }
    }
}
