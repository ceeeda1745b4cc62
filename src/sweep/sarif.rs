//! The report as SARIF 2.1.0 (OASIS, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), for code hosts and editors.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Component, Path, Prefix};

use serde::Serialize;

use super::report::Located;
use crate::scan::{Checksum, Severity};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a report says of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// A few words.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// A page that describes what is found.
    pub reference: Option<String>,
}

/// A finding with the file it lies in.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Relative to the working directory, or absolute.
    pub path: &'a Path,
    /// The finding.
    pub located: &'a Located,
}

/// Something that could not be scanned.
#[derive(Debug)]
pub struct Failed<'a> {
    /// The file.
    pub path: &'a Path,
    /// Why.
    pub message: &'a str,
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    invocations: [Invocation<'a>; 1],
    column_kind: &'static str,
    results: Vec<Outcome<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'a str>,
    properties: DescriptorProperties,
}

#[derive(Serialize)]
struct DescriptorProperties {
    tags: [&'static str; 2],
    /// What code hosts sort by, 0.0 to 10.0.
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    level: &'static str,
    message: Message<'a>,
    locations: [Location; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: OwnedMessage,
    locations: [Location; 1],
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct OwnedMessage {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
    byte_offset: usize,
    byte_length: usize,
}

#[derive(Serialize)]
struct Properties<'a> {
    severity: &'static str,
    confidence_pm: u16,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<&'a str>,
}

/// The report's bytes, one line.
#[must_use]
pub fn write(
    entries: &[Entry<'_>],
    failed: &[Failed<'_>],
    texts: &BTreeMap<&str, RuleText>,
) -> Vec<u8> {
    let mut severities: BTreeMap<&str, (&'static str, Severity)> = BTreeMap::new();
    for entry in entries {
        let finding = &entry.located.finding;
        severities.insert(&finding.rule, (finding.kind.as_str(), finding.severity));
    }
    let index: BTreeMap<&str, usize> = severities.keys().copied().zip(0..).collect();
    let rules = severities
        .iter()
        .map(|(id, (kind, severity))| descriptor(id, kind, *severity, texts.get(id)))
        .collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "armorer-guard",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules,
                },
            },
            invocations: [Invocation {
                execution_successful: failed.is_empty(),
                tool_execution_notifications: failed.iter().map(notification).collect(),
            }],
            column_kind: "unicodeCodePoints",
            results: entries
                .iter()
                .map(|entry| outcome(entry, &index, texts))
                .collect(),
        }],
    };
    // INVARIANT: strings and numbers only, and a vector takes every write.
    let mut bytes = serde_json::to_vec(&log).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn descriptor<'a>(
    id: &'a str,
    kind: &'static str,
    severity: Severity,
    text: Option<&'a RuleText>,
) -> Descriptor<'a> {
    Descriptor {
        id,
        short_description: text.map(|text| Message { text: &text.name }),
        full_description: text.map(|text| Message {
            text: &text.description,
        }),
        help_uri: text.and_then(|text| text.reference.as_deref()),
        properties: DescriptorProperties {
            tags: ["security", kind],
            security_severity: match severity {
                Severity::Low => "3.0",
                Severity::Medium => "5.5",
                Severity::High => "8.0",
                Severity::Critical => "9.5",
            },
        },
    }
}

fn notification<'a>(failed: &Failed<'a>) -> Notification<'a> {
    Notification {
        level: "error",
        message: Message {
            text: failed.message,
        },
        locations: [location(failed.path, None)],
    }
}

fn outcome<'a>(
    entry: &Entry<'a>,
    index: &BTreeMap<&str, usize>,
    texts: &BTreeMap<&str, RuleText>,
) -> Outcome<'a> {
    let Located {
        finding,
        start,
        end,
    } = entry.located;
    let rule: &str = &finding.rule;
    Outcome {
        rule_id: rule,
        rule_index: index.get(rule).copied().unwrap_or_default(),
        level: match finding.severity {
            Severity::Low => "note",
            Severity::Medium => "warning",
            Severity::High | Severity::Critical => "error",
        },
        message: OwnedMessage {
            text: match texts.get(rule) {
                Some(text) => format!("{} ({rule})", text.name),
                None => rule.to_owned(),
            },
        },
        locations: [location(
            entry.path,
            Some(Region {
                start_line: start.line,
                start_column: start.column,
                end_line: end.line,
                end_column: end.column,
                byte_offset: finding.span.start(),
                byte_length: finding.span.len(),
            }),
        )],
        properties: Properties {
            severity: finding.severity.as_str(),
            confidence_pm: finding.confidence_pm,
            kind: finding.kind.as_str(),
            checksum: finding.checksum,
            view: finding.view.as_deref(),
        },
    }
}

fn location(path: &Path, region: Option<Region>) -> Location {
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(path) },
            region,
        },
    }
}

/// The path as a URI reference (RFC 3986): relative ones stay relative.
fn uri(path: &Path) -> String {
    let mut out = String::new();
    for component in path.components() {
        match component {
            Component::Prefix(prefix) => {
                out.push_str("file:///");
                match prefix.kind() {
                    Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => {
                        out.push(char::from(letter));
                        out.push(':');
                    }
                    _ => push_encoded(prefix.as_os_str().as_encoded_bytes(), &mut out),
                }
            }
            Component::RootDir if out.is_empty() => out.push_str("file:///"),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir => push_segment(b"..", &mut out),
            Component::Normal(name) => push_segment(name.as_encoded_bytes(), &mut out),
        }
    }
    out
}

fn push_segment(name: &[u8], out: &mut String) {
    if !(out.is_empty() || out.ends_with('/')) {
        out.push('/');
    }
    push_encoded(name, out);
}

fn push_encoded(name: &[u8], out: &mut String) {
    for byte in name {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scan::{Finding, FindingKind};
    use crate::span::ByteSpan;
    use crate::sweep::place::Place;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri(Path::new("src/a b#\u{e9}.py")), "src/a%20b%23%C3%A9.py");
        assert_eq!(uri(Path::new("./a:b/../c")), "a%3Ab/../c");
        #[cfg(unix)]
        assert_eq!(uri(Path::new("/etc/passwd")), "file:///etc/passwd");
    }

    #[test]
    fn a_report_is_whole() {
        let located = Located {
            finding: Finding {
                rule: "secrets.toy".into(),
                kind: FindingKind::Secret,
                severity: Severity::Critical,
                confidence_pm: 990,
                at: String::new(),
                span: ByteSpan::new(7, 11).unwrap(),
                checksum: Some(Checksum::Valid),
                view: None,
                redact: true,
            },
            start: Place { line: 2, column: 3 },
            end: Place { line: 2, column: 7 },
        };
        let texts = BTreeMap::from([(
            "secrets.toy",
            RuleText {
                name: String::from("Toy key"),
                description: String::from("Opens the toy box."),
                reference: Some(String::from("https://toys.example/keys")),
            },
        )]);
        let bytes = write(
            &[Entry {
                path: Path::new("src/a.py"),
                located: &located,
            }],
            &[Failed {
                path: Path::new("b"),
                message: "permission denied",
            }],
            &texts,
        );
        let got: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let at = |uri: &str| json!({"artifactLocation": {"uri": uri}});
        assert_eq!(
            got,
            json!({
                "$schema": SCHEMA,
                "version": "2.1.0",
                "runs": [{
                    "tool": {"driver": {
                        "name": "armorer-guard",
                        "semanticVersion": env!("CARGO_PKG_VERSION"),
                        "rules": [{
                            "id": "secrets.toy",
                            "shortDescription": {"text": "Toy key"},
                            "fullDescription": {"text": "Opens the toy box."},
                            "helpUri": "https://toys.example/keys",
                            "properties": {"tags": ["security", "secret"], "security-severity": "9.5"},
                        }],
                    }},
                    "invocations": [{
                        "executionSuccessful": false,
                        "toolExecutionNotifications": [{
                            "level": "error",
                            "message": {"text": "permission denied"},
                            "locations": [{"physicalLocation": at("b")}],
                        }],
                    }],
                    "columnKind": "unicodeCodePoints",
                    "results": [{
                        "ruleId": "secrets.toy",
                        "ruleIndex": 0,
                        "level": "error",
                        "message": {"text": "Toy key (secrets.toy)"},
                        "locations": [{"physicalLocation": {
                            "artifactLocation": {"uri": "src/a.py"},
                            "region": {
                                "startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 7,
                                "byteOffset": 7, "byteLength": 4,
                            },
                        }}],
                        "properties": {
                            "severity": "critical", "confidence_pm": 990, "kind": "secret", "checksum": "valid",
                        },
                    }],
                }],
            })
        );
    }
}
