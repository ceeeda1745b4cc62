//! How findings in files are told: to people a line each, to programs as JSON. Never with a value.

use std::fmt::Write as _;

use serde::Serialize;

use super::place::Place;
use super::window::Window;
use crate::explain::{Style, visible};
use crate::scan::{Checksum, Finding, Severity};
use crate::span::ByteSpan;

/// A finding with its place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The finding; its span counts from the start of the file.
    pub finding: Finding,
    /// Where it starts.
    pub start: Place,
    /// The place after its last character.
    pub end: Place,
}

/// Follows the windows of one file and tells where things lie.
#[derive(Debug, Default)]
pub struct Locator {
    here: Place,
}

impl Locator {
    /// Start and end of spans in `bytes` of the next window, which must continue the one before. The spans lie in what the
    /// window answers for, and are sorted by start.
    pub fn places(
        &mut self,
        window: &Window<'_>,
        spans: impl IntoIterator<Item = ByteSpan>,
    ) -> Vec<(Place, Place)> {
        let mut at = window.settled.start;
        let mut places = Vec::new();
        for span in spans {
            // Sorted by start, so nothing is counted twice.
            self.here = self.here.after(&window.bytes[at..span.start().max(at)]);
            at = at.max(span.start());
            places.push((
                self.here,
                self.here.after(&window.bytes[span.start()..span.end()]),
            ));
        }
        self.here = self.here.after(&window.bytes[at..window.settled.end]);
        places
    }

    /// The findings of the next window.
    pub fn locate(&mut self, window: &Window<'_>) -> Vec<Located> {
        let places = self.places(window, window.findings.iter().map(|finding| finding.span));
        window
            .findings
            .iter()
            .zip(places)
            .map(|(finding, (start, end))| Located {
                finding: Finding {
                    span: finding.span.shifted(window.base),
                    ..finding.clone()
                },
                start,
                end,
            })
            .collect()
    }
}

/// A finding as JSON shows it.
#[derive(Debug, Serialize)]
pub struct FindingMembers<'a> {
    rule: &'a str,
    kind: &'static str,
    severity: &'static str,
    confidence_pm: u16,
    path: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: usize,
    end: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<&'a str>,
    redact: bool,
}

impl Located {
    /// The finding as JSON shows it.
    #[must_use]
    pub fn members<'a>(&'a self, path: &'a str) -> FindingMembers<'a> {
        let finding = &self.finding;
        FindingMembers {
            rule: &finding.rule,
            kind: finding.kind.as_str(),
            severity: finding.severity.as_str(),
            confidence_pm: finding.confidence_pm,
            path,
            line: self.start.line,
            column: self.start.column,
            end_line: self.end.line,
            end_column: self.end.column,
            start: finding.span.start(),
            end: finding.span.end(),
            checksum: finding.checksum,
            view: finding.view.as_deref(),
            redact: finding.redact,
        }
    }

    /// One line for people: `path:line:column: severity rule`.
    #[must_use]
    pub fn line(&self, path: &str, style: Style) -> String {
        let Self { finding, start, .. } = self;
        let severity = finding.severity;
        let mut out = format!("{}:{}:{}: ", visible(path), start.line, start.column);
        let _ = match style {
            Style::Plain => write!(out, "{}", severity.as_str()),
            Style::Coloured => {
                let colour = match severity {
                    Severity::Low => "36",
                    Severity::Medium => "33",
                    Severity::High => "31",
                    Severity::Critical => "1;31",
                };
                write!(out, "\x1b[{colour}m{}\x1b[0m", severity.as_str())
            }
        };
        let _ = write!(out, " {}", visible(&finding.rule));
        match finding.checksum {
            Some(Checksum::Valid) => out.push_str(" (its checksum is right)"),
            Some(Checksum::Mismatch) => out.push_str(" (its checksum is wrong: not a live one)"),
            None => {}
        }
        if let Some(view) = &finding.view {
            let _ = write!(out, " (in {})", visible(view));
        }
        out.push('\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::FindingKind;

    fn finding(start: usize, end: usize) -> Finding {
        Finding {
            rule: "secrets.toy".into(),
            kind: FindingKind::Secret,
            severity: Severity::High,
            confidence_pm: 900,
            at: String::new(),
            span: ByteSpan::new(start, end).unwrap(),
            checksum: Some(Checksum::Mismatch),
            view: Some("base64".into()),
            redact: true,
        }
    }

    fn located() -> Vec<Located> {
        let mut locator = Locator::default();
        let first = Window {
            bytes: b"one\ntwo KEY x\n--",
            base: 0,
            settled: 0..14,
            findings: vec![finding(8, 11), finding(8, 13)],
            seen: &[],
        };
        let second = Window {
            bytes: b"x\n--KEY\nKEY",
            base: 12,
            settled: 2..8,
            findings: vec![finding(4, 8)],
            seen: &[],
        };
        let mut all = locator.locate(&first);
        all.extend(locator.locate(&second));
        all
    }

    #[test]
    fn places_go_on_from_window_to_window_and_overlaps_do_not_count_twice() {
        let places: Vec<_> = located()
            .iter()
            .map(|held| {
                (
                    held.finding.span.start(),
                    (held.start.line, held.start.column),
                    (held.end.line, held.end.column),
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                (8, (2, 5), (2, 8)),
                (8, (2, 5), (2, 10)),
                (16, (3, 3), (4, 1))
            ]
        );
    }

    #[test]
    fn people_read_place_severity_and_rule() {
        let held = &located()[0];
        assert_eq!(
            held.line("src/a\u{1b}.py", Style::Plain),
            "src/a\\u{1b}.py:2:5: high secrets.toy (its checksum is wrong: not a live one) (in base64)\n"
        );
        assert!(
            held.line("a", Style::Coloured)
                .starts_with("a:2:5: \x1b[31mhigh\x1b[0m ")
        );
    }

    #[test]
    fn programs_read_every_member() {
        let held = &located()[0];
        assert_eq!(
            serde_json::to_string(&held.members("a")).unwrap(),
            r#"{"rule":"secrets.toy","kind":"secret","severity":"high","confidence_pm":900,"path":"a","line":2,"column":5,"end_line":2,"end_column":8,"start":8,"end":11,"checksum":"mismatch","view":"base64","redact":true}"#
        );
    }
}
