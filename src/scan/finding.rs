//! What a scan reports. A leaf.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::span::ByteSpan;

/// What family a finding belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A credential.
    Secret,
    /// Data about a person.
    Pii,
    /// Characters that a reader does not see, or that mislead.
    HiddenText,
    /// Instructions in data.
    Injection,
    /// A shape that carries data out.
    Exfiltration,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Secret,
        Self::Pii,
        Self::HiddenText,
        Self::Injection,
        Self::Exfiltration,
    ];

    /// A bit for sets of kinds.
    #[must_use]
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The name on the wire and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Pii => "pii",
            Self::HiddenText => "hidden_text",
            Self::Injection => "injection",
            Self::Exfiltration => "exfiltration",
        }
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a note.
    Low,
    /// Worth a look.
    Medium,
    /// Worth stopping for.
    High,
    /// Certain and harmful.
    Critical,
}

impl Severity {
    /// Every severity, least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name on the wire and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What an offline check of a token's own checksum said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksum {
    /// The token verifies: it was issued.
    Valid,
    /// It does not: documentation, truncated or typed by hand. Redacted all the same, never a reason to deny.
    Mismatch,
}

/// A match that survived confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// JSON Pointer of the argument it lies in; empty for a text by itself.
    pub at: String,
    /// Result of the token's own checksum, when its type has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// How sure the rule is, in per mille.
    pub confidence_pm: u16,
    /// The family.
    pub kind: FindingKind,
    /// Whether redaction replaces these bytes.
    pub redact: bool,
    /// Id of the rule: `secrets.github-pat`.
    pub rule: Cow<'static, str>,
    /// How much it matters.
    pub severity: Severity,
    /// The bytes of that text (UTF-8) which are the finding, exactly.
    pub span: ByteSpan,
    /// The view it was found in when not the text itself: `base64`, `unicode`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<Cow<'static, str>>,
}
