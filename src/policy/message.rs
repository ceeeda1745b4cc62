//! The sentence of a rule: what the call would do, and why that gets this answer. Pure; quotes redacted facts only.

use std::fmt::Write as _;

use super::compiled::{Compiled, Rule, Texts as _};
use crate::actions::place::below;
use crate::decision::Effect;
use crate::facts::Facts;
use crate::scan::Finding;

/// Longest quotation from a call, in bytes: a target may be a megabyte.
const MAX_QUOTED: usize = 400;

/// Bytes of an ordinary sentence of a rule.
const ROOM: usize = 224;

/// Longest quotation of what gave a run its label.
const MAX_SOURCE: usize = 160;

/// What a rule says about actions and findings at these positions.
pub(super) fn of_rule(
    rule: &Rule,
    compiled: &Compiled,
    facts: &Facts,
    actions: &[usize],
    findings: &[usize],
    unknown: bool,
) -> String {
    let why = compiled.text(rule.why);
    let about = About {
        facts,
        actions,
        findings,
    };
    let mut out = String::with_capacity(ROOM);
    let names = memchr::memchr(b'{', why.as_bytes()).map(|first| &why[first..]);
    if names.is_some_and(|names| names.contains("{sentence}")) {
        about.fill(why, &mut out);
    } else {
        about.sentence(&mut out);
        if !why.is_empty() {
            out.push_str(if unknown {
                ": too little is known to rule out that "
            } else {
                ": "
            });
            about.fill(why, &mut out);
        }
    }
    if let Some(safer) = rule.safer {
        out.push_str("; safer: ");
        about.fill(compiled.text(safer), &mut out);
    }
    out
}

/// What a default says.
pub(super) fn of_default(facts: &Facts, effect: Effect, actions: &[usize]) -> String {
    let about = About {
        facts,
        actions,
        findings: &[],
    };
    let mut out = String::new();
    about.sentence(&mut out);
    out.push_str(match effect {
        Effect::Allow => ": the policy allows what no rule speaks against",
        Effect::Ask => ": no rule of the policy allows that, so a person is asked",
        Effect::Deny => ": no rule of the policy allows that",
    });
    out
}

/// What a label comes from.
pub(super) fn of_label(facts: &Facts, actions: &[usize], findings: &[usize]) -> String {
    let about = About {
        facts,
        actions,
        findings,
    };
    let mut out = String::new();
    about.sentence(&mut out);
    out
}

/// What a grant says.
pub(super) fn of_grant(
    facts: &Facts,
    actions: &[usize],
    findings: &[usize],
    grants: &[String],
) -> String {
    let mut out = of_label(facts, actions, findings);
    out.push_str(": a person allowed it (grant ");
    out.push_str(&grants.join(", "));
    out.push(')');
    out
}

struct About<'a> {
    facts: &'a Facts,
    actions: &'a [usize],
    findings: &'a [usize],
}

impl About<'_> {
    /// The first thing spoken about in words, and how many more there are.
    fn sentence(&self, out: &mut String) {
        let actions = self
            .actions
            .iter()
            .filter_map(|at| self.facts.actions.get(*at));
        let findings = self
            .findings
            .iter()
            .filter_map(|at| self.facts.findings.get(*at));
        let first = actions.clone().next();
        if let Some(action) = first {
            let start = out.len();
            action.push_sentence(out);
            out.truncate(start + quoted(&out[start..]).len());
        }
        let mut findings = findings.peekable();
        if let Some(finding) = findings.peek() {
            out.push_str(if first.is_some() { ", and " } else { "" });
            push_finding(finding, out);
        } else if first.is_none() {
            if self.facts.tool.is_empty() {
                out.push_str("is a text");
            } else {
                let _ = write!(out, "calls `{}`", quoted(&self.facts.tool));
            }
        }
        let more = (self.actions.len().max(self.findings.len())).saturating_sub(1);
        if more > 0 {
            let _ = write!(out, " (and {more} more)");
        }
    }

    /// Writes a template. A name in braces that is not known stays as it is.
    fn fill(&self, template: &str, out: &mut String) {
        let mut rest = template;
        while let Some(open) = memchr::memchr(b'{', rest.as_bytes()) {
            let (before, after) = rest.split_at(open);
            out.push_str(before);
            let Some(close) = after.find('}') else {
                out.push_str(after);
                return;
            };
            if !self.value(&after[1..close], out) {
                out.push_str(&after[..=close]);
            }
            rest = &after[close + 1..];
        }
        out.push_str(rest);
    }

    /// Who served what an action runs, when, and in which record: of the files that the run brought from the network the
    /// one that holds its target, else the first of that host.
    fn push_fetched(&self, out: &mut String) {
        let files = &self.facts.state.fetched;
        let action = self
            .actions
            .first()
            .and_then(|at| self.facts.actions.get(*at));
        let holding = action.and_then(|action| {
            let target = action.target.value.as_str();
            files
                .iter()
                .find(|file| below(target, &file.path).is_some())
        });
        let host = action.and_then(|action| action.target.host.as_deref());
        let of_host = || files.iter().find(|file| file.host.as_deref() == host);
        let Some(file) = holding.or_else(of_host).or(files.first()) else {
            out.push_str("before");
            return;
        };
        if !file.written {
            let host = file.host.as_deref().unwrap_or("somewhere");
            let _ = write!(out, "from {}, ", quoted_to(host, MAX_SOURCE));
        }
        let _ = write!(out, "{}, record {}", file.at, file.record);
    }

    fn value(&self, name: &str, out: &mut String) -> bool {
        let action = self
            .actions
            .first()
            .and_then(|at| self.facts.actions.get(*at));
        let finding = self
            .findings
            .first()
            .and_then(|at| self.facts.findings.get(*at));
        let known = |text: Option<&str>| {
            quoted(
                text.filter(|text| !text.is_empty())
                    .unwrap_or("something unknown"),
            )
            .to_owned()
        };
        let text = match name {
            "sentence" => {
                self.sentence(out);
                return true;
            }
            "target" => known(action.map(|action| action.target.value.as_str())),
            "host" => known(action.and_then(|action| action.target.host.as_deref())),
            "by" => known(action.map(|action| action.by.as_str())),
            "kind" => known(action.map(|action| action.kind.as_str())),
            "finding" => known(finding.map(|finding| &*finding.rule)),
            "tool" => known(Some(&self.facts.tool)),
            "fetched" => {
                self.push_fetched(out);
                return true;
            }
            _ => {
                let Some(label) = name.strip_prefix("label.") else {
                    return false;
                };
                let source = self
                    .facts
                    .state
                    .sources
                    .iter()
                    .find(|source| source.label == label);
                match source {
                    Some(source) => {
                        out.push_str(quoted_to(&source.message, MAX_SOURCE));
                        let _ = write!(out, ", {}, record {}", source.at, source.record);
                    }
                    None => out.push_str("before"),
                }
                return true;
            }
        };
        out.push_str(&text);
        true
    }
}

fn push_finding(finding: &Finding, out: &mut String) {
    use crate::scan::FindingKind;
    out.push_str(match finding.kind {
        FindingKind::Secret => "holds a secret",
        FindingKind::Pii => "holds personal data",
        FindingKind::HiddenText => "holds text that a reader does not see",
        FindingKind::Injection => "holds instructions to the model",
        FindingKind::Exfiltration => "holds something that carries data out",
    });
    let _ = write!(out, " ({})", finding.rule);
    if !finding.at.is_empty() {
        let _ = write!(out, " in {}", quoted(&finding.at));
    }
}

/// As much of a quotation as is shown.
fn quoted(text: &str) -> &str {
    quoted_to(text, MAX_QUOTED)
}

/// The beginning of a quotation, in bytes.
fn quoted_to(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
