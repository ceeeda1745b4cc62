//! A decision in words: for the model that asked, and for the person at the terminal. Pure; prints nothing.
//!
//! Everything said comes from the redacted facts, and nothing that is quoted can move a cursor, hide or turn text.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::actions::Action;
use crate::decision::{Decision, Effect};
use crate::json::Value;

/// Longest quotation from a call, in characters: a target may be a megabyte.
const MAX_QUOTED: usize = 300;
/// Longest quotation of what an action was read from, in characters.
const MAX_EVIDENCE: usize = 80;
/// Longest sentence of a rule, in characters: it may quote the records that led to it.
const MAX_MESSAGE: usize = 1200;
/// How many reasons, actions or findings are listed before the rest is only counted.
const MAX_LISTED: usize = 5;

/// What the model is told, and through it the person: why, what may be done instead, where it is written down.
#[must_use]
pub fn reason(decision: &Decision) -> String {
    let effect = decision.verdict.effect;
    let mut out = String::from(match effect {
        Effect::Allow => "armorer-guard allowed this",
        Effect::Ask => "armorer-guard wants a person to confirm this",
        Effect::Deny => "armorer-guard denied this",
    });
    out.push_str(": ");
    push_messages(decision, &mut out);
    for safer in safer(decision) {
        let _ = write!(out, " Safer: {}.", sentence(safer));
    }
    if effect == Effect::Deny {
        out.push_str(
            " Do not try to reach the same effect another way: choose a different step, or tell the person what you \
             need and why.",
        );
    }
    let _ = if decision.recorded() {
        write!(
            out,
            " (decision {}; `armorer-guard records show {}` tells more)",
            decision.id, decision.id
        )
    } else {
        write!(out, " (decision {}, not recorded)", decision.id)
    };
    out
}

/// What a person is told about a call that may go on although the guard could not do all of its work.
#[must_use]
pub fn gap(decision: &Decision) -> String {
    let mut out = String::from("armorer-guard let this pass without a record: ");
    push_messages(decision, &mut out);
    out
}

fn push_messages(decision: &Decision, out: &mut String) {
    let determining = &decision.verdict.determining;
    if determining.is_empty() {
        out.push_str("no rule of the policy gives a reason");
    }
    for (index, rule) in determining.iter().take(MAX_LISTED).enumerate() {
        if index > 0 {
            out.push_str("; ");
        }
        out.push_str(cut(&rule.message, MAX_MESSAGE).trim_end_matches('.'));
        let _ = write!(out, " [{}]", visible(&rule.rule));
    }
    if determining.len() > MAX_LISTED {
        let _ = write!(out, "; and {} more rules", determining.len() - MAX_LISTED);
    }
    out.push('.');
}

fn safer(decision: &Decision) -> Vec<&str> {
    let mut held: Vec<&str> = Vec::new();
    for action in &decision.facts.actions {
        if let Some(safer) = action.safer.as_deref()
            && !held.contains(&safer)
        {
            held.push(safer);
        }
    }
    held.truncate(MAX_LISTED);
    held
}

/// How a person is shown a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

/// A decision for a terminal: the answer first, then why, what was replaced, how to go on, where it is recorded.
#[must_use]
pub fn human(decision: &Decision, style: Style) -> String {
    let effect = decision.verdict.effect;
    let facts = &decision.facts;
    let mut out = String::new();
    let (word, colour) = match effect {
        Effect::Allow => ("ALLOW", "32"),
        Effect::Ask => ("ASK", "33"),
        Effect::Deny => ("DENY", "31"),
    };
    let _ = match style {
        Style::Plain => write!(out, "{word:<6}"),
        Style::Coloured => write!(out, "\x1b[1;{colour}m{word:<6}\x1b[0m"),
    };
    if facts.actions.is_empty() {
        out.push_str(if facts.tool.is_empty() {
            "a text"
        } else {
            "would change nothing outside its own process"
        });
        out.push('\n');
    }
    for (index, action) in facts.actions.iter().take(MAX_LISTED).enumerate() {
        let indent = if index == 0 { "" } else { "      " };
        let evidence = evidence(decision, action).unwrap_or_default();
        let _ = writeln!(out, "{indent}{}{evidence}", sentence(&action.sentence()));
    }
    if facts.actions.len() > MAX_LISTED {
        let _ = writeln!(
            out,
            "      and {} more actions",
            facts.actions.len() - MAX_LISTED
        );
    }
    for rule in decision.verdict.determining.iter().take(MAX_LISTED) {
        line(
            &mut out,
            "why",
            &format!(
                "{} [{}]",
                cut(&rule.message, MAX_MESSAGE),
                visible(&rule.rule)
            ),
        );
    }
    let said = decision.verdict.determining.iter().map(|rule| rule.effect);
    if let Some(said) = said.max().filter(|said| *said > effect) {
        let would = if said == Effect::Deny {
            "deny this"
        } else {
            "ask a person"
        };
        let observed = format!("the policy only observes; enforced, it would {would}");
        line(&mut out, "mode", &observed);
    }
    push_findings(decision, &mut out);
    for safer in safer(decision) {
        line(&mut out, "safer", &sentence(safer));
    }
    match effect {
        Effect::Allow => {}
        Effect::Ask => line(
            &mut out,
            "next",
            "a person confirms it where the agent runs, or a rule of the policy allows it",
        ),
        Effect::Deny => line(
            &mut out,
            "next",
            "do it yourself outside of the agent if it is meant, or change the rule: nothing overrides a denial",
        ),
    }
    let recorded = if decision.recorded() {
        format!("{} in run {}", decision.id, decision.run)
    } else {
        format!("{} is not recorded", decision.id)
    };
    line(&mut out, "record", &recorded);
    out
}

fn push_findings(decision: &Decision, out: &mut String) {
    let facts = &decision.facts;
    for finding in facts.findings.iter().take(MAX_LISTED) {
        let place = if finding.at.is_empty() {
            String::new()
        } else {
            format!(" in {}", sentence(&finding.at))
        };
        let what = if finding.redact { ", redacted" } else { "" };
        line(
            out,
            "found",
            &format!(
                "{} ({}, {}){place} at bytes {}..{}{what}",
                visible(&finding.rule),
                finding.kind.as_str(),
                finding.severity.as_str(),
                finding.span.start(),
                finding.span.end(),
            ),
        );
    }
    if facts.findings.len() > MAX_LISTED {
        line(
            out,
            "found",
            &format!("{} more", facts.findings.len() - MAX_LISTED),
        );
    }
}

/// The words of the call that say so, and where they stand. Without the words where something in the argument was
/// replaced: positions count bytes of the call as it was given.
fn evidence(decision: &Decision, action: &Action) -> Option<String> {
    let span = action.span?;
    let facts = &decision.facts;
    let bytes = format!("bytes {}-{}", span.start(), span.end());
    let replaced = facts
        .findings
        .iter()
        .any(|finding| finding.redact && finding.at == action.at);
    let quoted = facts
        .args
        .pointer(&action.at)
        .and_then(Value::as_str)
        .filter(|_| !replaced)
        .and_then(|text| text.get(span.start()..span.end()));
    Some(match quoted {
        Some(text) => {
            let shown = match text.char_indices().nth(MAX_EVIDENCE) {
                None => visible(text),
                Some((end, _)) => Cow::Owned(format!("{}…", visible(&text[..end]))),
            };
            format!(": \"{shown}\", {bytes}")
        }
        None => format!(", {bytes}"),
    })
}

fn line(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "      {label:<7}{text}");
}

/// A sentence that quotes a call: made visible, and cut when it is long.
fn sentence(text: &str) -> Cow<'_, str> {
    cut(text, MAX_QUOTED)
}

/// A text made visible, of at most so many characters of the original.
fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => visible(text),
        Some((end, _)) => Cow::Owned(format!("{}…", visible(&text[..end]))),
    }
}

/// Writes characters that a terminal would act on, or that a reader would not see, as escapes.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            hidden if is_hidden(hidden) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(hidden));
            }
            shown => out.push(shown),
        }
    }
    Cow::Owned(out)
}

/// Control characters, and the format characters that hide or turn text (Unicode category Cf, and fillers).
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::{ActionKind, Certainty, Target};
    use crate::call::{Caller, Context, Surface};
    use crate::decision::{Determining, Timings, Verdict};
    use crate::facts::{Facts, Phase, RunState};
    use crate::scan::{Finding, FindingKind, Severity};
    use crate::span::ByteSpan;

    fn denied() -> Decision {
        Decision {
            left: crate::facts::Left::default(),
            id: String::from("D1"),
            run: String::from("R1"),
            facts: Facts {
                phase: Phase::Pre,
                tool: String::from("Bash"),
                server: None,
                pin: None,
                sends: None,
                surface: Surface::ToolArgs,
                actions: vec![Action {
                    kind: ActionKind::FsDelete,
                    target: Target::named("/home/u"),
                    attributes: vec![String::from("recursive")],
                    certainty: Certainty::Certain,
                    on: None,
                    by: String::from("rm"),
                    at: String::from("/command"),
                    span: ByteSpan::new(0, 8),
                    reason: None,
                    safer: Some(String::from("name the files")),
                }],
                findings: vec![Finding {
                    rule: "secrets.x".into(),
                    kind: FindingKind::Secret,
                    severity: Severity::High,
                    confidence_pm: 990,
                    at: String::from("/command"),
                    span: ByteSpan::new(3, 7).unwrap(),
                    checksum: None,
                    view: None,
                    redact: true,
                }],
                args: Value::Null,
                context: Context::default(),
                caller: Caller::default(),
                state: RunState::default(),
                now: String::new(),
            },
            verdict: Verdict {
                effect: Effect::Deny,
                determining: vec![Determining {
                    rule: String::from("home.delete"),
                    effect: Effect::Deny,
                    layer: "builtin".into(),
                    message: String::from("deletes your home\u{1b}[2J directory."),
                    actions: vec![0],
                    findings: vec![],
                    unknown: false,
                }],
                near: vec![],
                obligations: vec![],
                labels: vec![],
                grants: vec![],
                observes: false,
                policy_digest: String::new(),
            },
            action: None,
            marks: Vec::new(),
            packs: None,
            definition: None,
            commands: None,
            line: Some(Vec::new()),
            timings: Timings::default(),
        }
    }

    #[test]
    fn a_person_reads_answer_reason_finding_and_record() {
        assert_eq!(
            human(&denied(), Style::Plain),
            "DENY  would delete /home/u (recursive), bytes 0-8\n      \
             why    deletes your home\\u{1b}[2J directory. [home.delete]\n      \
             found  secrets.x (secret, high) in /command at bytes 3..7, redacted\n      \
             safer  name the files\n      \
             next   do it yourself outside of the agent if it is meant, or change the rule: nothing overrides a denial\n      \
             record D1 in run R1\n"
        );
    }

    #[test]
    fn what_is_only_observed_is_not_taken_for_allowed() {
        let mut decision = denied();
        decision.verdict.effect = Effect::Allow;
        let said = "\n      mode   the policy only observes; enforced, it would deny this\n";
        assert!(human(&decision, Style::Plain).contains(said));
        assert!(!human(&denied(), Style::Plain).contains("observes"));
    }

    #[test]
    fn an_action_quotes_what_says_so_but_nothing_beside_what_was_replaced() {
        let mut decision = denied();
        let args = Value::Object(vec![(
            String::from("command"),
            Value::String(String::from("rm -rf ~; ls")),
        )]);
        decision.facts.args = args;
        let first = |decision: &Decision| {
            let text = human(decision, Style::Plain);
            text.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(
            first(&decision),
            "DENY  would delete /home/u (recursive), bytes 0-8"
        );
        decision.facts.findings.clear();
        assert_eq!(
            first(&decision),
            "DENY  would delete /home/u (recursive): \"rm -rf ~\", bytes 0-8"
        );
    }

    #[test]
    fn a_model_reads_why_and_what_it_may_do() {
        assert_eq!(
            reason(&denied()),
            "armorer-guard denied this: deletes your home\\u{1b}[2J directory [home.delete]. Safer: name the files. \
             Do not try to reach the same effect another way: choose a different step, or tell the person what you \
             need and why. (decision D1; `armorer-guard records show D1` tells more)"
        );
    }

    #[test]
    fn what_was_not_recorded_says_so() {
        let mut decision = denied();
        decision.line = None;
        assert!(human(&decision, Style::Plain).ends_with("      record D1 is not recorded\n"));
        assert!(reason(&decision).ends_with("(decision D1, not recorded)"));
    }

    #[test]
    fn nothing_quoted_acts_on_a_terminal_and_plain_text_is_not_copied() {
        assert_eq!(
            visible("a\u{202e}b\u{0}\u{9b}é"),
            "a\\u{202e}b\\u{0}\\u{9b}é"
        );
        assert!(matches!(visible("plain é"), Cow::Borrowed("plain é")));
    }

    #[test]
    fn long_quotations_are_cut_between_characters() {
        let long = "é".repeat(MAX_QUOTED + 1);
        assert_eq!(sentence(&long), format!("{}…", "é".repeat(MAX_QUOTED)));
    }
}
