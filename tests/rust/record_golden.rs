//! The golden store below `tests/data/records/golden`: the writer must reproduce it byte for byte, and so must the
//! reader of the other language. Set `ARMORER_UPDATE_GOLDEN=1` to write it anew, and read the difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

use armorer_guard_core as guard_core;
use guard_core::decision::Effect;
use guard_core::json::{Value, parse};
use guard_core::record::kinds::{RunStart, write_decision, write_outcome};
use guard_core::record::line::{Draft, Place, Source, genesis};
use guard_core::record::{Enforced, Outcome, Stamp, rfc3339_micros};

#[path = "record_fixture.rs"]
mod fixture;

use fixture::{RUN, decision, marks};

const STORE: &str = "000102030405060708090a0b0c0d0e0f";

struct Writer {
    chain: &'static str,
    place: Place,
    out: Vec<u8>,
}

impl Writer {
    fn new(chain: &'static str) -> Self {
        Self {
            chain,
            place: Place {
                seq: 0,
                prev: genesis(STORE, chain),
            },
            out: Vec::new(),
        }
    }

    fn record(&mut self, kind: &str, fill: impl FnOnce(&mut Draft)) -> String {
        let seq = self.place.seq;
        let family = if self.chain == RUN { 1 } else { 2 };
        let id = format!("019ab000-0000-7000-8000-{family:04}{seq:08}");
        let source = Source {
            adapter: String::from("claude-code-hook"),
            adapter_v: String::from("0.1.0"),
            pid: 8121,
            ppid: Some(8090),
            uid: Some(1000),
        };
        let mut draft = Draft::new(kind, id.clone(), STORE, RUN, &source).unwrap();
        fill(&mut draft);
        let time = std::time::UNIX_EPOCH
            + std::time::Duration::from_micros(1_795_340_467_123_456 + seq * 1_500);
        let stamp = Stamp {
            ts: rfc3339_micros(time),
            mono: 88_112_233_445 + seq * 1_500_000,
            boot: Some(String::from("b1b2c3d4-0000-4000-8000-000000000000")),
        };
        let hash = draft.seal(&self.place, &stamp, &mut self.out).unwrap();
        self.place = Place {
            seq: seq + 1,
            prev: hash,
        };
        id
    }
}

fn value(text: &str) -> Value {
    parse(text.as_bytes()).unwrap()
}

fn golden() -> Vec<(PathBuf, Vec<u8>)> {
    let mut run = Writer::new(RUN);
    let first = run.record("run.start", |draft| {
        let start = RunStart {
            runtime: String::from("claude-code"),
            session: Some(String::from("session-1")),
            cwd: Some(String::from("/work/project")),
            workspace: Some(String::from("/work/project")),
            user: Some(String::from("u")),
            uid: Some(1000),
            host_mode: Some(String::from("default")),
            policy: Some(guard_core::record::digest(b"{}")),
            ..RunStart::default()
        };
        start.write(draft).unwrap();
        // What depends on this build and this machine is fixed.
        let fixed = value(r#"{"arch":"x86_64","guard_v":"0.1.0","os":"linux"}"#);
        draft.replace("runtime", &fixed).unwrap();
    });
    let mut denied = String::new();
    for (effect, call) in [(Effect::Deny, "toolu_01"), (Effect::Allow, "toolu_02")] {
        let id = run.record("decision", |draft| {
            write_decision(
                draft,
                &decision(effect, call),
                &marks(),
                &format!("permissionDecision={}", effect.as_str()),
            )
            .unwrap();
            let fixed =
                value(r#"[{"at":"/command","conf_pm":990,"id":"secrets.example","v":"0.1.0"}]"#);
            draft.replace("detectors", &fixed).unwrap();
        });
        if effect == Effect::Deny {
            denied = id;
        }
    }
    run.record("outcome", |draft| {
        let outcome = Outcome {
            run: String::from(RUN),
            of: None,
            call_id: Some(String::from("toolu_01")),
            tool: String::from("Bash"),
            result: "ok",
            duration_ms: Some(12),
            output_bytes: Some(3),
            output_digest: Some(guard_core::record::digest(b"out")),
            findings: Vec::new(),
            adapter: String::from("claude-code-hook"),
            answers_marked: false,
        };
        write_outcome(draft, &outcome, Some(&denied), Enforced::Overridden).unwrap();
    });
    run.record("recovery", |draft| {
        let recovery = r#"{"bytes":3,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "moved_to":"x.torn","offset":9,"reason":"torn_tail"}"#;
        draft.set("recovery", &value(recovery)).unwrap();
    });
    run.record("not.yet.known", |draft| {
        draft
            .set(
                "later",
                &value(r#"{"é":[1e21,0.1,-0.0,"\u0001\"\\"],"a":null}"#),
            )
            .unwrap();
    });

    let mut journal = Writer::new("journal");
    journal.record("run.start", |draft| {
        draft.set("first", &first).unwrap();
        draft.set("agent", "claude-code").unwrap();
        draft
            .set("policy", &guard_core::record::digest(b"{}"))
            .unwrap();
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/records/golden/store");
    vec![
        (root.join("id"), format!("{STORE}\n").into_bytes()),
        (root.join("runs").join(format!("{RUN}.jsonl")), run.out),
        (root.join("journal.jsonl"), journal.out),
    ]
}

#[test]
fn the_writer_reproduces_the_golden_store() {
    for (path, bytes) in golden() {
        if std::env::var_os("ARMORER_UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let held = fs::read(&path).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&held),
            String::from_utf8_lossy(&bytes),
            "{}",
            path.display()
        );
    }
}
