//! What an index holds of a line: the members that records are looked up by, read past everything else.
//!
//! A reader's shortcut, and none of the writer's business: it knows lines as this version writes them. Whatever else a
//! line is (moved to objects, of another shape, no record at all) is said to be [`Read::Other`], and the caller reads it
//! with more patience. It verifies nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{MAX_LINE, clock};

/// A line of a block: where it stands, and what it says.
#[derive(Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Bytes from the beginning of the block.
    pub at: usize,
    /// Bytes, without the newline.
    pub length: usize,
    /// What it says.
    pub read: Read<'a>,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// A record as this version writes them.
    Known(Columns<'a>),
    /// Something that must be read with more patience.
    Other,
    /// Longer than any record.
    TooLong,
}

/// The members of a record that an index holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns<'a> {
    /// What many records have in common, as canonical JSON: see [`Shape`].
    pub shape: String,
    /// The effect of a decision.
    pub effect: Option<Effect>,
    /// Id of the record.
    pub id: Cow<'a, str>,
    /// Microseconds since 1970.
    pub ts: i64,
    /// What the runtime did: of an outcome its own member, of a decision that of the last outcome in the block.
    pub enforced: Option<Cow<'a, str>>,
    /// How the call ended; as `enforced`.
    pub result: Option<Cow<'a, str>>,
    /// Of an outcome: the decision it closes.
    pub closes: Option<Cow<'a, str>>,
    /// Whether the decision that it closes stands in the same block and knows it already.
    pub settled: bool,
    /// Whether it is an outcome.
    pub outcome: bool,
}

/// Effects that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The call may run.
    Allow,
    /// A person is asked.
    Ask,
    /// The call may not run.
    Deny,
}

impl Effect {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// Kind, tool, effect, runtime, agent, policy, rules, actions, findings, labels; an array when it is written.
type Shape<'s> = (
    &'s str,
    Option<&'s str>,
    Option<&'s str>,
    Option<&'s str>,
    Option<&'s str>,
    Option<&'s str>,
    Vec<&'s str>,
    Vec<&'s str>,
    Vec<&'s str>,
    Vec<&'s str>,
);

/// Borrowed where the JSON has no escapes. A type of its own, because serde does not borrow through an `Option<Cow>`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    ts: Cow<'a, str>,
    #[serde(borrow)]
    subject: Option<Subject<'a>>,
    #[serde(borrow)]
    facts: Option<Facts<'a>>,
    #[serde(borrow)]
    verdict: Option<Verdict<'a>>,
    #[serde(borrow)]
    policy: Option<Policy<'a>>,
    #[serde(borrow)]
    answer: Option<Answer<'a>>,
    #[serde(borrow)]
    enforced: Option<Text<'a>>,
    #[serde(borrow)]
    result: Option<Text<'a>>,
    #[serde(borrow)]
    of: Option<Text<'a>>,
    blobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(borrow)]
    tool: Option<Text<'a>>,
    #[serde(borrow, default, rename = "class")]
    actions: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Facts<'a> {
    #[serde(borrow)]
    caller: Option<Caller<'a>>,
    #[serde(borrow, default)]
    findings: Vec<Finding<'a>>,
    #[serde(borrow)]
    state: Option<State<'a>>,
}

#[derive(Deserialize)]
struct Caller<'a> {
    #[serde(borrow)]
    runtime: Option<Text<'a>>,
    #[serde(borrow)]
    agent: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Finding<'a> {
    #[serde(borrow)]
    rule: Text<'a>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow, default)]
    labels: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Verdict<'a> {
    effect: Effect,
    #[serde(borrow, default)]
    rules: Vec<Rule<'a>>,
}

#[derive(Deserialize)]
struct Rule<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

#[derive(Deserialize)]
struct Policy<'a> {
    #[serde(borrow)]
    digest: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    to: Option<Text<'a>>,
}

/// The whole lines of a block, and how many bytes they take. Outcomes close the decisions that stand in the same block.
#[must_use]
pub fn read_block(block: &[u8]) -> (Vec<Row<'_>>, usize) {
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(block.len() / 1_024);
    let mut decisions: HashMap<Cow<'_, str>, usize> = HashMap::new();
    let mut at = 0;
    for end in memchr::memchr_iter(b'\n', block) {
        let line = block.get(at..end).unwrap_or_default();
        let mut read = if line.len() >= MAX_LINE {
            Read::TooLong
        } else {
            columns(line).map_or(Read::Other, Read::Known)
        };
        if let Read::Known(found) = &mut read {
            if found.effect.is_some() {
                decisions.insert(found.id.clone(), rows.len());
            } else if found.outcome {
                settle(found, &mut rows, &decisions);
            }
        }
        rows.push(Row {
            at,
            length: line.len(),
            read,
        });
        at = end + 1;
    }
    (rows, at)
}

fn settle<'a>(
    outcome: &mut Columns<'a>,
    rows: &mut [Row<'a>],
    decisions: &HashMap<Cow<'a, str>, usize>,
) {
    let decision = outcome
        .closes
        .as_ref()
        .and_then(|id| decisions.get(id))
        .and_then(|&number| rows.get_mut(number));
    if let Some(Row {
        read: Read::Known(decision),
        ..
    }) = decision
    {
        decision.enforced.clone_from(&outcome.enforced);
        decision.result.clone_from(&outcome.result);
        outcome.settled = true;
    }
}

/// What one line says; `None` when it is not written as this version writes records.
fn columns<'a>(line: &'a [u8]) -> Option<Columns<'a>> {
    let line: Line<'a> = serde_json::from_str(std::str::from_utf8(line).ok()?).ok()?;
    let ts = clock::micros_of(&line.ts)?;
    // All other kinds are few, and so are records with members in objects: the caller reads them whole.
    if line.blobs.is_some() || !matches!(&*line.kind, "decision" | "outcome") {
        return None;
    }
    let shape = |effect: Option<Effect>| {
        let decided = effect.is_some();
        let facts = line.facts.as_ref().filter(|_| decided);
        let caller = facts.and_then(|facts| facts.caller.as_ref());
        let subject = line.subject.as_ref();
        let told = line.answer.as_ref().and_then(|answer| text(&answer.to));
        let shape: Shape<'_> = (
            &line.kind,
            subject.and_then(|subject| text(&subject.tool)),
            effect.map(Effect::as_str),
            caller
                .and_then(|caller| text(&caller.runtime))
                .filter(|name| !name.is_empty())
                .or(told.filter(|_| decided)),
            caller.and_then(|caller| text(&caller.agent)),
            line.policy
                .as_ref()
                .filter(|_| decided)
                .and_then(|policy| text(&policy.digest)),
            line.verdict
                .iter()
                .filter(|_| decided)
                .flat_map(|verdict| &verdict.rules)
                .map(|rule| &*rule.id.0)
                .collect(),
            subject
                .filter(|_| decided)
                .into_iter()
                .flat_map(|subject| texts(&subject.actions))
                .collect(),
            facts
                .into_iter()
                .flat_map(|facts| &facts.findings)
                .map(|finding| &*finding.rule.0)
                .collect(),
            facts
                .and_then(|facts| facts.state.as_ref())
                .into_iter()
                .flat_map(|state| texts(&state.labels))
                .collect(),
        );
        written(&shape)
    };
    let (shape, effect) = match &*line.kind {
        "decision" => {
            let effect = Some(line.verdict.as_ref()?.effect);
            (shape(effect)?, effect)
        }
        _ => (shape(None)?, None),
    };
    let outcome = line.kind == "outcome";
    let told = |member: Option<Text<'a>>| member.filter(|_| outcome).map(|text| text.0);
    Some(Columns {
        shape,
        effect,
        ts,
        enforced: told(line.enforced),
        result: told(line.result),
        closes: told(line.of),
        id: line.id,
        settled: false,
        outcome,
    })
}

fn written(shape: &impl Serialize) -> Option<String> {
    serde_json::to_string(shape).ok()
}

fn text<'s>(member: &'s Option<Text<'_>>) -> Option<&'s str> {
    member.as_ref().map(|text| &*text.0)
}

fn texts<'s>(members: &'s [Text<'_>]) -> impl Iterator<Item = &'s str> {
    members.iter().map(|text| &*text.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(line: &str) -> Columns<'_> {
        columns(line.as_bytes()).expect("a record")
    }

    const DECISION: &str = r#"{"answer":{"form":"deny","to":"check"},"facts":{"args":{"a":[1.5e300,null]},"caller":{"agent":"ma\"in","runtime":"check"},"findings":[{"rule":"f.x"}],"state":{"labels":["untrusted"]}},"id":"d1","kind":"decision","policy":{"digest":"sha256:1"},"subject":{"class":["fs.read","net.send"],"tool":"Bash"},"ts":"2026-11-22T09:41:07.123456Z","verdict":{"effect":"deny","rules":[{"id":"r.one"},{"id":"r.two"}]}}"#;
    const OUTCOME: &str = r#"{"enforced":"overridden","id":"o1","kind":"outcome","of":"d1","result":"ok","subject":{"tool":"Bash"},"ts":"2026-11-22T09:41:08.000000Z"}"#;

    #[test]
    fn a_decision_is_told_by_what_it_is_looked_up_by() {
        assert_eq!(
            known(DECISION),
            Columns {
                shape: r#"["decision","Bash","deny","check","ma\"in","sha256:1",["r.one","r.two"],["fs.read","net.send"],["f.x"],["untrusted"]]"#.to_owned(),
                effect: Some(Effect::Deny),
                id: "d1".into(),
                ts: 1_795_340_467_123_456,
                enforced: None,
                result: None,
                closes: None,
                settled: false,
                outcome: false,
            }
        );
    }

    #[test]
    fn an_outcome_closes_the_decision_of_its_block() {
        let block = format!("{DECISION}\n{OUTCOME}\n{{\"torn");
        let (rows, read) = read_block(block.as_bytes());
        let ended: Vec<_> = rows
            .iter()
            .map(|row| match &row.read {
                Read::Known(found) => (
                    found.enforced.as_deref(),
                    found.result.as_deref(),
                    found.settled,
                ),
                _ => panic!("not a record"),
            })
            .collect();

        assert_eq!(
            ended,
            [
                (Some("overridden"), Some("ok"), false),
                (Some("overridden"), Some("ok"), true)
            ]
        );
        assert_eq!(read, DECISION.len() + OUTCOME.len() + 2);
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_the_patient() {
        for line in [
            "",
            "[]",
            "{}",
            "\u{feff}{}",
            r#"{"kind":"note","id":"x","ts":"2026-02-30T00:00:00.000000Z"}"#,
            r#"{"kind":"note","id":"x","ts":"2026-02-03 00:00:00.000000Z"}"#,
            r#"{"kind":"note","id":3,"ts":"2026-02-03T00:00:00.000000Z"}"#,
            r#"{"kind":"note","kind":"note","id":"x","ts":"2026-02-03T00:00:00.000000Z"}"#,
            r#"{"kind":"note","id":"\ud800","ts":"2026-02-03T00:00:00.000000Z"}"#,
            r#"{"kind":"decision","id":"x","ts":"2026-02-03T00:00:00.000000Z"}"#,
            r#"{"kind":"decision","id":"x","ts":"2026-02-03T00:00:00.000000Z","verdict":{"effect":"maybe"}}"#,
            r#"{"kind":"note","id":"x","ts":"2026-02-03T00:00:00.000000Z","blobs":["/facts"]}"#,
            r#"{"kind":"run.start","id":"x","ts":"2026-02-03T00:00:00.000000Z"}"#,
        ] {
            assert_eq!(columns(line.as_bytes()), None, "{line}");
        }
        assert_eq!(columns(b"{\"kind\":\"note\",\"id\":\"x\",\"ts\":\"2026-02-03T00:00:00.000000Z\",\"note\":\"\xff\"}"), None);
        let long = format!("{}\n", "x".repeat(MAX_LINE));
        assert_eq!(
            read_block(long.as_bytes()).0.first().map(|row| &row.read),
            Some(&Read::TooLong)
        );
    }

    #[test]
    fn times_are_counted_over_leap_days() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2000-02-29T23:59:59.999999Z", 951_868_799_999_999),
            ("2100-03-01T00:00:00.000001Z", 4_107_542_400_000_001),
        ] {
            assert_eq!(clock::micros_of(text), Some(expected), "{text}");
        }
        assert_eq!(clock::micros_of("1969-12-31T23:59:59.999999Z"), None);
        assert_eq!(clock::micros_of("2026-01-01T00:00:60.000000Z"), None);
    }
}
