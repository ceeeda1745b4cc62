//! Every note in a text, where one scan stops at a limit.
//!
//! A scan reports at most some findings of each kind that is not redacted: a call needs no more. A report on files, and
//! redaction that was asked to replace personal data, must not stop there. So a text that reaches the limit is scanned
//! again in halves until no part does.

use super::Finder;
use crate::call::Surface;
use crate::scan::{Finding, FindingKind, MOST_NOTES};

/// Finds all that the finder inside finds, without its limit.
#[derive(Clone, Copy)]
pub struct Complete<'a> {
    /// What finds.
    pub finder: &'a dyn Finder,
}

/// Parts are not halved below this many bytes: so many notes as the limit do not fit into them.
const LEAST: usize = 2 << 10;
/// Context on both sides of a part.
const MARGIN: usize = 512;

impl Finder for Complete<'_> {
    fn find(&self, bytes: &[u8], surface: Surface) -> Vec<Finding> {
        let mut found = self.finder.find(bytes, surface);
        let kinds = stopped(&found);
        if kinds.is_empty() {
            return found;
        }
        let again = |finding: &Finding| !finding.redact && kinds.contains(&finding.kind);
        found.retain(|finding| !again(finding));
        let mut parts = vec![(0_usize, bytes.len())];
        while let Some((start, end)) = parts.pop() {
            // Aligned as windows are.
            let from = start.saturating_sub(MARGIN) / 64 * 64;
            let to = bytes.len().min(end + MARGIN);
            let notes = self.finder.find(&bytes[from..to], surface);
            if end - start > LEAST && !stopped(&notes).is_empty() {
                let middle = start + (end - start) / 2;
                parts.extend([(middle, end), (start, middle)]);
                continue;
            }
            found.extend(notes.into_iter().filter_map(|mut note| {
                note.span = note.span.shifted(from);
                (again(&note) && (start..end).contains(&note.span.start())).then_some(note)
            }));
        }
        found.sort_by(|left, right| {
            let key = |held: &Finding| (held.span.start(), held.rule.clone(), held.span.end());
            key(left).cmp(&key(right))
        });
        found
    }
}

/// The kinds whose notes reach the limit.
fn stopped(found: &[Finding]) -> Vec<FindingKind> {
    FindingKind::ALL
        .into_iter()
        .filter(|kind| {
            let notes = found
                .iter()
                .filter(|held| held.kind == *kind && !held.redact);
            notes.count() >= MOST_NOTES
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Severity;
    use crate::span::ByteSpan;

    /// Finds `<` up to `>` as a note up to the limit, and every `K` as a secret.
    struct Limited;

    impl Finder for Limited {
        fn find(&self, bytes: &[u8], _: Surface) -> Vec<Finding> {
            let finding = |kind, start, end| Finding {
                rule: "toy".into(),
                kind,
                severity: Severity::Low,
                confidence_pm: 500,
                at: String::new(),
                span: ByteSpan::new(start, end).unwrap(),
                checksum: None,
                view: None,
                redact: kind == FindingKind::Secret,
            };
            let mut notes = 0;
            let mut found = Vec::new();
            for (start, byte) in bytes.iter().enumerate() {
                if *byte == b'K' {
                    found.push(finding(FindingKind::Secret, start, start + 1));
                } else if *byte == b'<'
                    && let Some(len) = bytes[start..].iter().take(40).position(|end| *end == b'>')
                    && notes < MOST_NOTES
                {
                    notes += 1;
                    found.push(finding(FindingKind::Pii, start, start + len + 1));
                }
            }
            found
        }
    }

    #[test]
    fn no_note_is_left_out_and_none_comes_twice() {
        let text = b"<someone> K <x> and then some words between ".repeat(4000);
        assert!(Limited.find(&text, Surface::User).len() < 6000);
        let found = Complete { finder: &Limited }.find(&text, Surface::User);
        let starts: Vec<usize> = found.iter().map(|held| held.span.start()).collect();
        let expected: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(|(_, byte)| matches!(byte, b'<' | b'K'))
            .map(|(at, _)| at)
            .collect();
        assert_eq!(starts, expected);
    }
}
