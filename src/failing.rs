//! What is answered when the guard itself cannot work: strictly, and said. What writes, executes or sends is denied, a pure
//! read is allowed with a gap that is noted.

use crate::actions::ActionKind;
use crate::builtin::Damaged;
use crate::call::{Call, Caller, Context};
use crate::decision::{Decision, Determining, Effect, Verdict};
use crate::facts::Facts;
use crate::json::Value;
use crate::policy::PolicyError;
use crate::record::{StoreError, Unrecorded};

/// Whether nothing but reading would happen: what a guard that cannot work still lets through.
fn only_reads(facts: &Facts) -> bool {
    facts.actions.iter().all(|action| {
        matches!(
            action.kind,
            ActionKind::FsRead | ActionKind::DbRead | ActionKind::CloudRead
        )
    })
}

fn guard_failure(facts: &Facts, rule: &str, what: &str) -> Determining {
    let (effect, message) = if only_reads(facts) {
        (
            Effect::Allow,
            format!("{what}; only reads, so it is allowed and the gap is noted"),
        )
    } else {
        (
            Effect::Deny,
            format!(
                "{what}; what changes, runs or sends something is denied until that is repaired"
            ),
        )
    };
    Determining {
        rule: rule.to_owned(),
        effect,
        layer: "builtin".into(),
        message,
        actions: Vec::new(),
        findings: Vec::new(),
        unknown: false,
    }
}

/// What is answered should a judgement be missing.
pub(crate) const fn unjudged() -> Verdict {
    Verdict {
        effect: Effect::Deny,
        determining: Vec::new(),
        near: Vec::new(),
        obligations: Vec::new(),
        labels: Vec::new(),
        grants: Vec::new(),
        observes: false,
        policy_digest: String::new(),
    }
}

/// A call of which nothing is known and nothing may be kept: secrets in it would not be seen.
pub(crate) fn withheld(call: Call) -> Call {
    Call {
        tool: String::new(),
        args: Value::Null,
        pin: None,
        definition: None,
        context: Context::default(),
        caller: nobody(call.caller),
    }
}

/// A caller of whom only the runtime is said, whose name is ours.
pub(crate) fn nobody(caller: Caller) -> Caller {
    Caller {
        runtime: caller.runtime,
        ..Caller::default()
    }
}

/// Of a text too nothing is known then, so reading one is not let through either.
pub(crate) fn without_tables(tables: Result<(), Damaged>) -> Verdict {
    let what = tables.map_or_else(|damaged| damaged.to_string(), |()| String::new());
    without(Determining {
        rule: String::from("error.tables"),
        effect: Effect::Deny,
        layer: "builtin".into(),
        message: format!("{what}; everything is denied until then"),
        actions: Vec::new(),
        findings: Vec::new(),
        unknown: true,
    })
}

pub(crate) fn without_policy(facts: &Facts, error: &PolicyError) -> Verdict {
    without(guard_failure(
        facts,
        "error.policy",
        &format!(
            "the active policy cannot be used ({}: {})",
            error.kind, error.message
        ),
    ))
}

fn without(determining: Determining) -> Verdict {
    Verdict {
        effect: determining.effect,
        determining: vec![determining],
        ..unjudged()
    }
}

/// Without the person's own files a decision is stricter: what they would have said is not known.
pub(crate) fn without_files(
    facts: &Facts,
    verdict: &mut Verdict,
    rule: &str,
    files: &str,
    why: &str,
) {
    let what = format!("the {files} in the guard's home cannot be used ({why})");
    stricter(verdict, guard_failure(facts, rule, &what));
}

/// Adds what failed to what decided; where it is stricter than that, it decides alone.
fn stricter(verdict: &mut Verdict, failure: Determining) {
    if failure.effect > verdict.effect {
        verdict.effect = failure.effect;
        verdict.determining = vec![failure];
    } else {
        verdict.determining.push(failure);
    }
}

/// A decision that could not be recorded is stricter, unless the person wants it otherwise: it stays a denial, and
/// everything but a read becomes one.
pub(crate) fn without_store(decision: &mut Decision, error: &StoreError, unrecorded: Unrecorded) {
    let what = format!(
        "the decision could not be recorded ({}: {})",
        error.kind, error.message
    );
    let mut failure = guard_failure(&decision.facts, "error.store", &what);
    match unrecorded {
        Unrecorded::DenyChanges => {}
        Unrecorded::Deny => {
            failure.effect = Effect::Deny;
            failure.message = format!("{what}; everything is denied until that is repaired");
        }
        Unrecorded::Decide => {
            failure.effect = Effect::Allow;
            failure.message = format!("{what}; it holds all the same, and the gap is noted");
        }
    }
    stricter(&mut decision.verdict, failure);
    decision.verdict.obligations.push(String::from("gap"));
    decision.verdict.obligations.sort();
    decision.verdict.obligations.dedup();
}
