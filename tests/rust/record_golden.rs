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
use guard_core::record::merkle::Tree;
use guard_core::record::note::{self, SigningKey};
use guard_core::record::{Checkpoint, Enforced, Outcome, Seal, Stamp, Summary, rfc3339_micros};

#[path = "record_fixture.rs"]
mod fixture;

use fixture::{RUN, decision, marks};

const STORE: &str = "000102030405060708090a0b0c0d0e0f";

struct Writer {
    chain: &'static str,
    place: Place,
    tree: Tree,
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
            tree: Tree::default(),
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
        self.tree.push(&raw(&hash));
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
            spend: std::collections::BTreeMap::new(),
            adapter: String::from("claude-code-hook"),
            answers_marked: false,
        };
        write_outcome(draft, &outcome, Some(&denied), Enforced::Overridden, &[]).unwrap();
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

/// The bytes that a hash is written for.
fn raw(hash: &str) -> Vec<u8> {
    hash.as_bytes()["sha256:".len()..]
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A run that ended, a second one that was removed, and what the journal says of them: every kind that closes, seals,
/// signs or takes away.
fn sealed() -> Vec<(PathBuf, Vec<u8>)> {
    let key = SigningKey::from_seed(&[7; 32], STORE);
    let mut run = Writer::new(RUN);
    let first = run.record("run.start", |draft| {
        let start = RunStart {
            runtime: String::from("claude-code"),
            session: Some(String::from("session-1")),
            model: Some(String::from("m-1")),
            ..RunStart::default()
        };
        start.write(draft).unwrap();
        let fixed = value(r#"{"arch":"x86_64","guard_v":"0.1.0","os":"linux"}"#);
        draft.replace("runtime", &fixed).unwrap();
    });
    run.record("run.epoch", |draft| {
        for (name, members) in [
            ("epoch", "1"),
            ("reason", r#""changed""#),
            ("changed", r#"["perms"]"#),
            ("model", "null"),
            ("config", "null"),
            ("tools", "null"),
            ("perms", r#"{"host_mode":"plan"}"#),
            ("policy", "null"),
        ] {
            draft.set(name, &value(members)).unwrap();
        }
    });
    run.record("run.stop", |draft| {
        let stop = r#"{"by":"runtime","in_flight":[],"reason":"logout","resumable":null,"resume_cmd":null,"signals":[],
            "state":"completed","terminal":true}"#;
        draft.set("epoch", &1).unwrap();
        draft.set("stop", &value(stop)).unwrap();
        draft.set("summary", &Summary::default()).unwrap();
    });
    let seal = Seal {
        count: 3,
        bytes: run.out.len() as u64,
        head: run.place.prev.clone(),
        root: Some(format!("sha256:{}", hex(&run.tree.root()))),
    };
    let mut journal = Writer::new("journal");
    journal.record("run.start", |draft| {
        draft.set("first", &first).unwrap();
        draft.set("agent", "claude-code").unwrap();
        draft.set("policy", &()).unwrap();
    });
    journal.record("run.stop", |draft| {
        draft.set("state", "completed").unwrap();
        draft.set("seal", &seal).unwrap();
    });
    journal.record("key.rotate", |draft| {
        let members = format!(
            r#"{{"alg":"ed25519","id":"{}","previous":null,"public":"{}","statement":null,"use":"checkpoint"}}"#,
            key.id(),
            key.public()
        );
        draft.set("key", &value(&members)).unwrap();
    });
    let (size, root) = (journal.tree.size(), journal.tree.root());
    let checkpoint = Checkpoint {
        key: key.id(),
        note: key.sign(&note::checkpoint_text(STORE, size, &root)),
        root: note::base64(&root),
        size,
    };
    journal.record("checkpoint", |draft| {
        draft.set("checkpoint", &checkpoint).unwrap();
        draft.set("seal", &()).unwrap();
    });
    journal.record("anchor", |draft| {
        let members = format!(
            r#"{{"kind":"trailer","root":"{}","size":{size},"where":null}}"#,
            checkpoint.root
        );
        draft.set("anchor", &value(&members)).unwrap();
    });
    journal.record("prune", |draft| {
        let zeros = format!("sha256:{}", "0".repeat(64));
        let members = format!(
            r#"{{"policy":"before 90d","reason":null,"runs":[{{"bytes":9,"count":1,"first_ts":null,"head":"{zeros}",
                "last_ts":null,"root":"{zeros}","run":"11111111-2222-8333-8444-555555555555"}}]}}"#
        );
        draft.set("prune", &value(&members)).unwrap();
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/records/sealed/store");
    vec![
        (root.join("id"), format!("{STORE}\n").into_bytes()),
        (root.join("runs").join(format!("{RUN}.jsonl")), run.out),
        (root.join("journal.jsonl"), journal.out),
        (root.join("checkpoint"), checkpoint.note.into_bytes()),
    ]
}

#[test]
fn the_writer_reproduces_the_golden_stores() {
    for (path, bytes) in golden().into_iter().chain(sealed()) {
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
