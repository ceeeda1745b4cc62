//! What a list says of a decision: the words for its decisive action, and the rules that decided.
//!
//! As [`super::columns`] a reader's shortcut: it knows decisions as this version writes them, and leaves all other lines
//! to a reader with more patience.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::actions::Action;

/// What a list says of a decision.
#[derive(Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// Id of the record.
    pub id: Cow<'a, str>,
    /// The action that the first rule spoke about, or else the first of all, in plain words.
    pub sentence: String,
    /// How many other actions there are.
    pub others: usize,
    /// Ids of the rules that decided.
    pub rules: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    facts: Facts,
    #[serde(borrow)]
    verdict: Verdict<'a>,
    blobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Facts {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Verdict<'a> {
    #[serde(borrow)]
    rules: Vec<Rule<'a>>,
}

#[derive(Deserialize)]
struct Rule<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    actions: Vec<u32>,
}

/// Reads a line; `None` when it is no decision about actions, or not written as this version writes it.
#[must_use]
pub fn about(line: &[u8]) -> Option<About<'_>> {
    let line: Line<'_> = serde_json::from_str(std::str::from_utf8(line).ok()?).ok()?;
    if line.kind != "decision" || line.blobs.is_some() {
        return None;
    }
    let actions = line.facts.actions;
    let named = |rule: &Rule<'_>| actions.get(*rule.actions.first()? as usize);
    let decisive = line.verdict.rules.iter().find_map(named);
    Some(About {
        id: line.id,
        sentence: decisive.or_else(|| actions.first())?.sentence(),
        others: actions.len() - 1,
        rules: line.verdict.rules.into_iter().map(|rule| rule.id).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECISION: &str = r#"{"facts":{"actions":[{"at":"","by":"Read","certainty":"certain","kind":"fs.read","target":{"exact":true,"value":"/a"}},{"at":"","by":"rm","certainty":"certain","kind":"fs.delete","target":{"exact":true,"value":"/b"}}]},"id":"d1","kind":"decision","verdict":{"rules":[{"actions":[],"id":"r.one"},{"actions":[7],"id":"r.two"},{"actions":[1,0],"id":"r.three"}]}}"#;

    #[test]
    fn a_list_says_what_the_first_rule_spoke_about() {
        assert_eq!(
            about(DECISION.as_bytes()),
            Some(About {
                id: "d1".into(),
                sentence: "would delete /b".to_owned(),
                others: 1,
                rules: vec!["r.one".into(), "r.two".into(), "r.three".into()],
            })
        );
        let other = DECISION.replace("[1,0]", "[]");
        let said = about(other.as_bytes()).map(|about| about.sentence);
        assert_eq!(said.as_deref(), Some("would read /a"));
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_the_patient() {
        for (from, to) in [
            (r#""kind":"decision""#, r#""kind":"outcome""#),
            (r#""kind":"fs.read""#, r#""kind":"fs.later""#),
            (r#""id":"d1""#, r#""id":"d1","blobs":["/facts/args"]"#),
            (r#""id":"r.one""#, r#""id":null"#),
            ("[1,0]", "[-1]"),
            ("[1,0]", "null"),
            ("}}", "}"),
        ] {
            let line = DECISION.replacen(from, to, 1);
            assert_ne!(line, DECISION, "{from}");
            assert_eq!(about(line.as_bytes()), None, "{to}");
        }
        assert_eq!(
            about(br#"{"facts":{"actions":[]},"id":"d","kind":"decision","verdict":{"rules":[]}}"#),
            None
        );
    }
}
