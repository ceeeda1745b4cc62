//! What one command line would do, and which part of the catalogue says so.

use std::path::PathBuf;

use armorer_guard_core::actions::Action;
use armorer_guard_core::actions::engine::trace::{self, Cause, Step};
use armorer_guard_core::builtin;
use armorer_guard_core::call::{Call, Caller};
use armorer_guard_core::edge;
use armorer_guard_core::explain::visible;
use armorer_guard_core::json::Value;
use serde::Serialize;

use super::known::{Known, POLICY, place};
use super::{ERROR, page};
use crate::output::answer;

#[derive(Serialize)]
struct Shown<'a> {
    actions: Vec<ActionMembers<'a>>,
    proofs: Vec<Because>,
}

#[derive(Serialize)]
struct ActionMembers<'a> {
    sentence: String,
    action: &'a Action,
    because: Option<Because>,
}

/// What in the catalogue says so.
#[derive(Serialize)]
struct Because {
    by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    entry: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    says: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    given: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holds: Vec<String>,
}

pub(super) fn show(words: &[String], cwd: Option<PathBuf>, json: bool) -> u8 {
    let command = match words {
        [text] => Value::String(text.clone()),
        words => Value::Array(words.iter().cloned().map(Value::String).collect()),
    };
    let cwd = cwd.or_else(|| std::env::current_dir().ok());
    let call = Call {
        tool: String::from("Bash"),
        args: Value::Object(vec![(String::from("command"), command)]),
        context: edge::context(cwd, None, edge::guard_home()),
        caller: Caller::default(),
        pin: None,
        definition: None,
    };
    let Some(known) = Known::open_or_complain() else {
        return ERROR;
    };
    let traced = trace::understand(&call, builtin::catalogue(), known.own);
    let shown = Shown {
        actions: traced
            .actions
            .iter()
            .map(|(action, step)| ActionMembers {
                sentence: action.sentence(),
                action,
                because: step
                    .and_then(|at| traced.steps.get(at))
                    .map(|step| because(&known, step)),
            })
            .collect(),
        proofs: traced
            .steps
            .iter()
            .filter(|step| matches!(step.cause, Cause::Harmless { .. }))
            .map(|step| because(&known, step))
            .collect(),
    };
    answer(json, &shown, &|| text(&shown))
}

fn because(known: &Known, step: &Step) -> Because {
    let source = &known.source;
    let entry = known.entry(|commands| commands.find(&step.entry));
    let of_policy = entry.is_some_and(|entry| entry.file == POLICY);
    let written = source.entry(&step.entry).filter(|_| !of_policy);
    let mut made = Because {
        by: step.by.clone(),
        entry: step.entry.clone(),
        place: None,
        says: String::new(),
        given: Vec::new(),
        holds: Vec::new(),
    };
    let mut stands_in = step.entry.as_str();
    match &step.cause {
        Cause::Effect { number, held } => {
            if of_policy {
                made.says = String::from("what the policy in force says about it");
            } else if let Some(effect) = source.effects(&step.entry).get(*number) {
                stands_in = effect.entry;
                made.says = page::members(*effect, &step.entry).lines().remove(0);
                for (text, held) in effect.effect.when.iter().zip(held) {
                    made.holds.push(terms(text, held));
                }
            }
        }
        Cause::Harmless { number, held } => {
            let proofs = entry.map_or_else(Vec::new, |entry| {
                page::harmless_when(entry, written.map(|(_, spec)| spec))
            });
            made.says = String::from("proven to do nothing outside its own process");
            made.holds
                .extend(proofs.get(*number).map(|text| terms(text, held)));
        }
        Cause::Unlisted => made.says = String::from("the word after it is none of its subcommands"),
        Cause::Otherwise => made.says = String::from("none of its effects is about these words"),
        Cause::NoEntry => made.says = String::from("the program is not in the catalogue"),
    }
    made.place = if of_policy {
        Some(String::from(POLICY))
    } else {
        source
            .entry(stands_in)
            .map(|(file, _)| place(file, source.line(stands_in)))
    };
    if let Some(entry) = entry {
        for number in &step.options {
            if let Some(option) = entry.options.get(usize::from(*number)) {
                let spelled = page::spellings(option).join(" ");
                if !made.given.contains(&spelled) {
                    made.given.push(spelled);
                }
            }
        }
    }
    made
}

/// The terms of a condition that hold.
fn terms(condition: &str, held: &[usize]) -> String {
    let parts: Vec<&str> = condition.split(" | ").collect();
    let held: Vec<&str> = held
        .iter()
        .filter_map(|at| parts.get(*at).copied())
        .collect();
    if held.is_empty() {
        condition.to_owned()
    } else {
        held.join(" and ")
    }
}

fn text(shown: &Shown<'_>) -> String {
    let mut out = String::new();
    if shown.actions.is_empty() {
        out.push_str("would change nothing outside its own process\n");
    }
    for held in &shown.actions {
        out.push_str(&format!("{}\n", visible(&held.sentence)));
        match &held.because {
            Some(because) => because.tell(&mut out),
            None => out.push_str(&format!("  by        {}\n", visible(&held.action.by))),
        }
    }
    for proof in &shown.proofs {
        proof.tell(&mut out);
    }
    out
}

impl Because {
    fn tell(&self, out: &mut String) {
        let mut line =
            |label: &str, text: &str| out.push_str(&format!("  {label:<10}{}\n", visible(text)));
        let by = match &self.place {
            Some(place) => format!("{} ({place})", self.by),
            None => self.by.clone(),
        };
        line("by", &by);
        line("says", &self.says);
        if !self.given.is_empty() {
            line("given", &self.given.join(", "));
        }
        for held in &self.holds {
            line("because", held);
        }
    }
}
