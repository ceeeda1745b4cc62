//! Exact redaction: the bytes of findings are replaced by marks, every other byte stays.

use super::Finding;
use crate::json::Value;
use crate::json::pointer_push;
use crate::span::ByteSpan;
use crate::text::{into_text, mark};

/// What follows the pointer of a member when a finding lies in its name: no pointer of a value ends so (RFC 6901
/// allows a tilde only before `0` and `1`).
pub(super) const NAME: &str = "~#";

/// Makes the tag of a redacted value, so that equal values can be recognised without knowing them.
pub trait Tagger {
    /// Lower-case hexadecimal tag, or `None` when the value is too guessable or there is no key.
    fn tag(&self, finding: &Finding, value: &[u8]) -> Option<String>;
}

/// Tags nothing: for texts that are redacted without a store.
pub struct NoTags;

impl Tagger for NoTags {
    fn tag(&self, _finding: &Finding, _value: &[u8]) -> Option<String> {
        None
    }
}

/// What redaction replaced, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Rule id, which names the class.
    pub class: String,
    /// Keyed tag.
    pub tag: Option<String>,
    /// How many bytes were replaced.
    pub len: usize,
    /// JSON Pointer of the string.
    pub at: String,
    /// Where it stood in that string.
    pub span: ByteSpan,
}

/// Replaces exactly the spans of findings that redact; every other byte stays.
#[must_use]
pub fn redact(bytes: &[u8], findings: &[Finding], tagger: &dyn Tagger) -> (Vec<u8>, Vec<Mark>) {
    let mut marks = Vec::new();
    let out = replace(bytes, findings.iter(), tagger, &mut marks);
    (out, marks)
}

fn replace<'a>(
    bytes: &[u8],
    findings: impl Iterator<Item = &'a Finding>,
    tagger: &dyn Tagger,
    marks: &mut Vec<Mark>,
) -> Vec<u8> {
    let pieces = pieces(bytes, findings, tagger, Some(marks));
    let mut out = vec![0; redacted_len(bytes, &pieces)];
    write_redacted(bytes, &pieces, &mut out);
    out
}

/// What stands in the place of a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    span: ByteSpan,
    text: String,
}

/// What redaction puts into the place of what, in order, without making the text: for texts so large that one more of
/// them matters.
#[must_use]
pub fn redactions(bytes: &[u8], findings: &[Finding], tagger: &dyn Tagger) -> Vec<Piece> {
    pieces(bytes, findings.iter(), tagger, None)
}

/// How long the redacted text is, in bytes.
#[must_use]
pub fn redacted_len(bytes: &[u8], pieces: &[Piece]) -> usize {
    pieces.iter().fold(bytes.len(), |length, piece| {
        length + piece.text.len() - piece.span.len()
    })
}

/// Writes the redacted text; `out` has the length that [`redacted_len`] tells.
pub fn write_redacted(bytes: &[u8], pieces: &[Piece], mut out: &mut [u8]) {
    let mut put = |part: &[u8]| {
        if let Some((place, rest)) = std::mem::take(&mut out).split_at_mut_checked(part.len()) {
            place.copy_from_slice(part);
            out = rest;
        }
    };
    let mut at = 0;
    for piece in pieces {
        put(&bytes[at..piece.span.start()]);
        put(piece.text.as_bytes());
        at = piece.span.end();
    }
    put(&bytes[at..]);
}

fn pieces<'a>(
    bytes: &[u8],
    findings: impl Iterator<Item = &'a Finding>,
    tagger: &dyn Tagger,
    mut marks: Option<&mut Vec<Mark>>,
) -> Vec<Piece> {
    let mut held: Vec<&Finding> = findings
        .filter(|finding| finding.redact && finding.span.end() <= bytes.len())
        .collect();
    held.sort_by_key(|finding| (finding.span.start(), std::cmp::Reverse(finding.span.end())));
    let mut out = Vec::with_capacity(held.len());
    let mut rest = held.into_iter().peekable();
    while let Some(finding) = rest.next() {
        // Findings that overlap become one mark, of the first.
        let mut span = finding.span;
        while let Some(next) = rest.next_if(|next| next.span.start() < span.end()) {
            span = span.join(next.span);
        }
        let value = &bytes[span.start()..span.end()];
        let tag = tagger.tag(finding, value);
        out.push(Piece {
            span,
            text: text(finding, tag.as_deref(), breaks(bytes, span)),
        });
        if let Some(marks) = marks.as_deref_mut() {
            marks.push(Mark {
                class: finding.rule.clone().into_owned(),
                tag,
                len: value.len(),
                at: finding.at.clone(),
                span,
            });
        }
    }
    out
}

/// Whether a bracket would mean something here: at the start of a YAML value, or in the authority of a URL.
fn breaks(bytes: &[u8], span: ByteSpan) -> bool {
    match bytes.get(span.end()) {
        Some(b'@') => return true,
        // Without brackets what follows would belong to the mark.
        Some(next) if mark::goes_on(*next) => return false,
        _ => {}
    }
    let before = &bytes[span.start().saturating_sub(16)..span.start()];
    let Some(last) = before.last() else {
        return false;
    };
    if !matches!(last, b' ' | b'\t' | b'\n') {
        return false;
    }
    before
        .trim_ascii_end()
        .last()
        .is_none_or(|byte| matches!(byte, b':' | b'-' | b',' | b'[' | b'{' | b'?' | b'|' | b'>'))
}

fn text(finding: &Finding, tag: Option<&str>, bare: bool) -> String {
    let joint = if tag.is_some() { ":" } else { "" };
    let inner = format!(
        "redacted:{}{joint}{}",
        finding.rule,
        tag.unwrap_or_default()
    );
    if bare { inner } else { format!("[{inner}]") }
}

/// The mark that stands for a value.
#[must_use]
pub fn mark_text(finding: &Finding, value: &[u8], tagger: &dyn Tagger) -> String {
    text(finding, tagger.tag(finding, value).as_deref(), false)
}

/// As [`redact`], for every string and member name of a value; the structure stays.
#[must_use]
pub fn redact_value(
    value: &Value,
    findings: &[Finding],
    tagger: &dyn Tagger,
) -> (Value, Vec<Mark>) {
    let mut marks = Vec::new();
    if !findings.iter().any(|finding| finding.redact) {
        return (value.clone(), marks);
    }
    let mut held: Vec<&Finding> = findings.iter().filter(|finding| finding.redact).collect();
    held.sort_by(|left, right| left.at.cmp(&right.at));
    let mut redactor = Redactor {
        findings: held,
        tagger,
        marks: &mut marks,
        pointer: String::with_capacity(64),
    };
    let out = redactor.value(value);
    (out, marks)
}

struct Redactor<'a> {
    /// Sorted by pointer.
    findings: Vec<&'a Finding>,
    tagger: &'a dyn Tagger,
    marks: &'a mut Vec<Mark>,
    pointer: String,
}

impl<'a> Redactor<'a> {
    /// The findings of the string at the current pointer, and those of the member name there.
    fn here(&self, text: &str) -> Vec<&'a Finding> {
        let first = self.findings.partition_point(|held| held.at < self.pointer);
        self.findings[first..]
            .iter()
            .take_while(|held| held.at == self.pointer)
            .copied()
            .filter(|held| {
                text.is_char_boundary(held.span.start()) && text.is_char_boundary(held.span.end())
            })
            .collect()
    }

    fn string(&mut self, text: &str, findings: &[&'a Finding]) -> String {
        if findings.is_empty() {
            return text.to_owned();
        }
        let bytes = replace(
            text.as_bytes(),
            findings.iter().copied(),
            self.tagger,
            self.marks,
        );
        into_text(bytes)
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let here = self.here(text);
                Value::String(self.string(text, &here))
            }
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let length = self.pointer.len();
                    pointer_push(&mut self.pointer, &index.to_string());
                    out.push(self.value(item));
                    self.pointer.truncate(length);
                }
                Value::Array(out)
            }
            Value::Object(members) => {
                let mut out: Vec<(String, Value)> = Vec::with_capacity(members.len());
                for (name, member) in members {
                    let length = self.pointer.len();
                    pointer_push(&mut self.pointer, name);
                    let name = self.name(name, &out);
                    out.push((name, self.value(member)));
                    self.pointer.truncate(length);
                }
                Value::Object(out)
            }
            other => other.clone(),
        }
    }

    /// A member's name without secrets; still unique in its object.
    fn name(&mut self, name: &str, before: &[(String, Value)]) -> String {
        let length = self.pointer.len();
        self.pointer.push_str(NAME);
        let here = self.here(name);
        self.pointer.truncate(length);
        let mut out = self.string(name, &here);
        while !here.is_empty() && before.iter().any(|(held, _)| *held == out) {
            out.push('\'');
        }
        out
    }
}
