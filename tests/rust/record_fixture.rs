//! Decisions built by hand. The module that includes this names the core crate `guard_core`.

use super::guard_core::actions::{Action, ActionKind, Certainty, Place, Target};
use super::guard_core::call::{Caller, Context, Surface};
use super::guard_core::decision::{Decision, Determining, Effect, Near, Timings, Verdict};
use super::guard_core::facts::{Facts, Left, Phase, RunState};
use super::guard_core::json::Value;
use super::guard_core::record;
use super::guard_core::scan::{Finding, FindingKind, Mark, Severity};
use super::guard_core::span::ByteSpan;

/// The run every fixture belongs to.
pub const RUN: &str = "28308659-b352-8427-8898-e4670ea8ee16";

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// A decision on a shell command that deletes and carries a redacted token.
pub fn decision(effect: Effect, call_id: &str) -> Decision {
    let args = Value::Object(vec![
        (
            String::from("command"),
            Value::from(
                "rm -rf build && curl -H 'Authorization: [redacted:secrets.example]' https://x.example/é",
            ),
        ),
        (String::from("timeout"), Value::Float(1.5)),
    ]);
    let facts = Facts {
        phase: Phase::Pre,
        tool: String::from("Bash"),
        server: None,
        pin: None,
        sends: None,
        surface: Surface::ToolArgs,
        actions: vec![
            Action {
                kind: ActionKind::FsRead,
                target: Target {
                    value: String::from("/work/project/build"),
                    exact: true,
                    place: Some(Place::Workspace),
                    host: None,
                },
                attributes: vec![String::from("recursive")],
                certainty: Certainty::Certain,
                on: None,
                by: String::from("rm"),
                at: String::from("/command"),
                span: ByteSpan::new(0, 12),
                reason: None,
                safer: None,
            },
            Action {
                kind: ActionKind::Unknown,
                target: Target::default(),
                attributes: Vec::new(),
                certainty: Certainty::Possible,
                on: None,
                by: String::from("curl"),
                at: String::from("/command"),
                span: None,
                reason: text("the header is computed"),
                safer: None,
            },
        ],
        findings: vec![Finding {
            rule: "secrets.example".into(),
            kind: FindingKind::Secret,
            severity: Severity::High,
            confidence_pm: 990,
            at: String::from("/command"),
            span: ByteSpan::new(41, 66).unwrap(),
            checksum: None,
            view: None,
            redact: true,
        }],
        args,
        context: Context {
            cwd: text("/work/project"),
            workspace: text("/work/project"),
            home: text("/home/u"),
            user: text("u"),
            guard_home: None,
        },
        caller: Caller {
            run: text("session-1"),
            runtime: String::from("claude-code"),
            call_id: text(call_id),
            agent: None,
            depth: 0,
            host_mode: text("default"),
            run_mode: None,
        },
        state: RunState::default(),
        now: String::from("2026-11-22T09:41:07.123456Z"),
    };
    Decision {
        left: Left::default(),
        id: record::new_id(),
        run: String::from(RUN),
        action: None,
        facts,
        verdict: Verdict {
            effect,
            determining: vec![Determining {
                rule: String::from("example.rule"),
                effect,
                layer: "builtin".into(),
                message: String::from("would read /work/project/build (recursive)"),
                actions: vec![0],
                findings: vec![0],
                unknown: false,
            }],
            near: vec![Near {
                rule: String::from("example.near"),
                effect: Effect::Deny,
                missing: ["place".into()],
            }],
            obligations: vec![String::from("redact")],
            labels: Vec::new(),
            grants: Vec::new(),
            observes: false,
            policy_digest: record::digest(b"{}"),
        },
        definition: None,
        commands: None,
        marks: Vec::new(),
        packs: None,
        line: Some(Vec::new()),
        timings: Timings {
            understand_us: 120,
            decide_us: 3,
            record_us: 0,
            total_us: 0,
        },
    }
}

/// What redaction replaced in [`decision`].
pub fn marks() -> Vec<Mark> {
    vec![Mark {
        class: String::from("secrets.example"),
        tag: text("00112233445566778899aabbccddeeff"),
        len: 25,
        at: String::from("/command"),
        span: ByteSpan::new(41, 66).unwrap(),
    }]
}
