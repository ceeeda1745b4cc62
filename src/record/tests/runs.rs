//! Runs as a whole: how they end, what the journal keeps of them, what is taken away.

use super::*;
use crate::record::gaps::Gaps;
use crate::record::kinds::{Config, ConfigFile, RunStart};
use crate::record::{Stopping, Summary};

fn stopping() -> Stopping {
    Stopping {
        run: String::from(RUN),
        state: "completed",
        by: "runtime",
        reason: Some(String::from("logout")),
        resumable: None,
        resume_cmd: None,
        outcomes_reported: true,
        adapter: String::from("claude-code-hook"),
    }
}

fn journal(store: &Store) -> Vec<serde_json::Value> {
    let path = store.root().join("journal.jsonl");
    follow(store, JOURNAL, &path);
    records(&path)
}

fn decided(store: &Store, effect: Effect, call: &str) -> String {
    let decision = decision(effect, call);
    store.append_decision(&decision, &[], "x").unwrap();
    decision.id
}

#[test]
fn a_run_ends_with_a_summary_and_the_journal_states_its_length() {
    let store = Store::open(&home()).unwrap();
    for (effect, call) in [
        (Effect::Allow, "done"),
        (Effect::Allow, "open"),
        (Effect::Ask, "asked"),
        (Effect::Deny, "denied"),
        (Effect::Deny, "ran"),
    ] {
        decided(&store, effect, call);
    }
    for (call, result) in [("done", "error"), ("ran", "ok"), ("nobody", "timeout")] {
        store.append_outcome(&outcome(call, result)).unwrap();
    }
    let stopped = store.stop(&stopping()).unwrap();
    let path = store.run_path(RUN);
    let lines = records(&path);
    assert_eq!(
        follow(&store, RUN, &path)[9..],
        ["outcome", "outcome", "outcome", "run.stop"]
    );
    let closed: Vec<_> = lines[9..12]
        .iter()
        .map(|line| {
            (
                line["enforced"].as_str().unwrap(),
                line["result"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        closed,
        [
            ("unknown", "ambiguous"),
            ("unknown", "ambiguous"),
            ("not_attempted", "cancelled"),
        ]
    );
    let Summary {
        decisions,
        ambiguous,
        not_attempted,
        overridden,
        bypassed,
        errors,
        timeouts,
        outcomes,
        retries,
        ..
    } = stopped.summary;
    assert_eq!((decisions.allow, decisions.ask, decisions.deny), (2, 1, 2));
    assert_eq!(
        (ambiguous, not_attempted, overridden, bypassed),
        (2, 1, 1, 1)
    );
    assert_eq!((errors, timeouts, outcomes, retries), (1, 1, 3, 4));
    let stop = &lines[12];
    assert_eq!(stop["stop"]["in_flight"].as_array().unwrap().len(), 2);
    assert_eq!(stop["stop"]["reason"], "logout");
    assert_eq!(stop["summary"]["ambiguous"], 2);

    let named = journal(&store);
    let kinds: Vec<_> = named
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["run.start", "run.stop", "key.rotate", "checkpoint"]);
    let seal = &named[1]["seal"];
    assert_eq!(seal["count"], 13);
    assert_eq!(seal["bytes"], fs::metadata(&path).unwrap().len());
    assert_eq!(seal["head"], stop["hash"]);
    let mut tree = crate::record::merkle::Tree::default();
    for line in &lines {
        tree.push(&crate::record::id::raw_hash(line["hash"].as_str().unwrap()).unwrap());
    }
    assert_eq!(
        seal["root"],
        format!("sha256:{}", crate::record::id::hex(&tree.root()))
    );
    assert_eq!(named[3]["checkpoint"]["size"], 3);

    let again = store.stop(&stopping()).unwrap();
    assert!(again.already && again.id == stopped.id && again.seal == stopped.seal);
    assert_eq!((records(&path).len(), journal(&store).len()), (13, 4));
}

#[test]
fn a_run_nobody_began_has_no_end_and_no_file() {
    let store = Store::open(&home()).unwrap();
    assert_eq!(
        store.stop(&stopping()).unwrap_err().kind,
        StoreError::NO_RUN
    );
    assert!(!store.run_path(RUN).exists());
}

#[test]
fn silence_of_a_runtime_that_reports_nothing_means_nothing() {
    let store = Store::open(&home()).unwrap();
    decided(&store, Effect::Allow, "a");
    let mut stopping = stopping();
    stopping.outcomes_reported = false;
    let stopped = store.stop(&stopping).unwrap();
    assert_eq!(
        (stopped.summary.unreported, stopped.summary.ambiguous),
        (1, 0)
    );
    assert_eq!(
        follow(&store, RUN, &store.run_path(RUN)),
        ["run.start", "decision", "run.stop"]
    );
}

#[test]
fn what_ran_against_an_answer_nobody_gave_has_failed_open() {
    let store = Store::open(&home()).unwrap();
    for (effect, told, result, enforced) in [
        (Effect::Deny, true, "ok", "overridden"),
        (Effect::Deny, false, "ok", "failed_open"),
        (Effect::Ask, true, "ok", "enforced"),
        (Effect::Ask, false, "error", "failed_open"),
        (Effect::Ask, false, "cancelled", "enforced"),
        (Effect::Deny, false, "error", "unknown"),
        (Effect::Allow, false, "ok", "enforced"),
    ] {
        let call = format!("{effect:?} {told} {result}");
        let id = decided(&store, effect, &call);
        if told {
            store.told(RUN, &id).unwrap();
        }
        let mut ran = outcome(&call, result);
        ran.answers_marked = true;
        store.append_outcome(&ran).unwrap();
        let last = records(&store.run_path(RUN)).pop().unwrap();
        assert_eq!(last["enforced"], enforced, "{call}");
    }
    assert_eq!(store.stop(&stopping()).unwrap().summary.failed_open, 2);
}

#[test]
fn another_policy_or_mode_begins_an_epoch_that_decisions_cite() {
    let home = home();
    for cold in [false, true] {
        let mut store = Store::open(&home).unwrap();
        let mut one = decision(Effect::Allow, "c");
        one.run = store.run_id("test", Some(if cold { "cold" } else { "warm" }));
        let mut seen = Vec::new();
        for (policy, mode, agent) in [
            ("p1", Some("default"), None),
            ("p1", Some("default"), None),
            ("p1", None, None),
            ("p2", Some("default"), None),
            ("p2", Some("plan"), Some("sub")),
            ("p2", Some("bypassPermissions"), None),
            ("", Some("bypassPermissions"), None),
            ("p2", Some("bypassPermissions"), None),
        ] {
            if cold {
                store = Store::open(&home).unwrap();
            }
            one.id = new_id();
            one.verdict.policy_digest = if policy.is_empty() {
                String::new()
            } else {
                digest(policy.as_bytes())
            };
            one.facts.caller.host_mode = mode.map(str::to_owned);
            one.facts.caller.agent = agent.map(str::to_owned);
            store.append_decision(&one, &[], "x").unwrap();
            seen.push(records(&store.run_path(&one.run)).pop().unwrap()["epoch"].clone());
        }
        assert_eq!(seen, [0, 0, 0, 1, 1, 2, 2, 2], "cold={cold}");
        let changed: Vec<_> = records(&store.run_path(&one.run))
            .iter()
            .filter(|line| line["kind"] == "run.epoch")
            .map(|line| (line["epoch"].clone(), line["changed"].clone()))
            .collect();
        assert_eq!(
            serde_json::json!(changed),
            serde_json::json!([[1, ["policy"]], [2, ["perms"]]])
        );
        let mut stopping = stopping();
        stopping.run = one.run.clone();
        store.stop(&stopping).unwrap();
        one.id = new_id();
        store.append_decision(&one, &[], "x").unwrap();
        let lines = records(&store.run_path(&one.run));
        let epoch = &lines[lines.len() - 2];
        assert_eq!(epoch["reason"], "resumed");
        assert_eq!(lines[lines.len() - 1]["epoch"], 3);
    }
}

#[test]
fn a_runtime_says_its_configuration_and_what_changed_of_it() {
    let store = Store::open(&home()).unwrap();
    let config = |content: &[u8]| {
        Some(Config::of(vec![ConfigFile {
            digest: digest(content),
            path: String::from("~/.x"),
        }]))
    };
    let start = |model: Option<&str>, config| RunStart {
        runtime: String::from("claude-code"),
        model: model.map(str::to_owned),
        config,
        ..RunStart::default()
    };
    for (given, written) in [
        (start(Some("m1"), config(b"1")), true),
        (start(Some("m1"), config(b"1")), false),
        (start(None, None), false),
        (start(Some("m2"), config(b"1")), true),
        (start(None, config(b"2")), true),
        (start(Some("m2"), config(b"2")), false),
    ] {
        assert_eq!(store.configure(RUN, &given, "hook").unwrap(), written);
    }
    let lines = records(&store.run_path(RUN));
    assert_eq!(
        follow(&store, RUN, &store.run_path(RUN)),
        ["run.start", "run.epoch", "run.epoch"]
    );
    assert_eq!(lines[0]["model"]["model"], "m1");
    assert_eq!(lines[1]["changed"], serde_json::json!(["model"]));
    assert_eq!(lines[2]["changed"], serde_json::json!(["config"]));
    assert_eq!(lines[2]["model"], serde_json::Value::Null);
    assert_eq!(journal(&store).len(), 1);
}

#[test]
fn what_could_not_be_recorded_is_said_once_the_store_works() {
    let home = home();
    let error = StoreError {
        kind: StoreError::FULL,
        message: String::new(),
    };
    for _ in 0..3 {
        // Each in a process of its own.
        Gaps::new(&home).remember(&error, Effect::Deny);
    }
    let store = Store::open(&home).unwrap();
    decided(&store, Effect::Allow, "a");
    decided(&store, Effect::Allow, "b");
    let said = journal(&store);
    let gap = &said[1]["gap"];
    assert_eq!(
        (said.len(), &gap["reason"], &gap["count"]),
        (2, &"unrecorded".into(), &3.into())
    );
    assert_eq!(gap["errors"]["store_full"], 3);
    assert_eq!(gap["answered"], serde_json::json!({"deny": 3}));
    assert!(!home.join("gaps").exists());
}

#[test]
fn the_journal_states_the_length_of_a_long_run_now_and_then() {
    let store = Store::open(&home())
        .unwrap()
        .with_durability(Durability::Fast);
    let one = decision(Effect::Allow, "c");
    for _ in 0..1_001 {
        store.append_decision(&one, &[], "x").unwrap();
    }
    let said = journal(&store);
    assert_eq!(said[1]["kind"], "checkpoint");
    assert_eq!(said[1]["seal"]["count"], 1_001);
    assert_eq!(said[1]["run"], RUN);
    assert_eq!(said[3]["checkpoint"]["size"], 3);
}

#[test]
fn a_key_vouches_for_the_next() {
    let home = home();
    let store = Store::open(&home).unwrap();
    let first = store.public_key().unwrap();
    let second = store.rotate_key("test").unwrap();
    let third = Store::open(&home).unwrap().rotate_key("test").unwrap();
    assert_eq!(store.public_key().unwrap(), third);
    let keys: Vec<_> = journal(&store)
        .into_iter()
        .filter(|line| line["kind"] == "key.rotate")
        .map(|line| line["key"].clone())
        .collect();
    assert_eq!(
        keys.iter()
            .map(|key| key["public"].clone())
            .collect::<Vec<_>>(),
        [first.as_str(), second.as_str(), third.as_str()]
    );
    assert_eq!(keys[1]["previous"], keys[0]["id"]);
    assert!(keys[2]["statement"].as_str().unwrap().starts_with(&third));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(home.join("keys/signing"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!home.join("keys/signing.next").exists());
}

#[test]
fn an_event_is_one_that_records_have() {
    let store = Store::open(&home()).unwrap();
    let members = crate::json::parse(br#"{"mode":"observe","reason":"trial"}"#).unwrap();
    store
        .append_event("mode.change", &members, None, "cli")
        .unwrap();
    assert_eq!(journal(&store)[0]["mode"], "observe");
    for (kind, members) in [
        ("decision", "{}"),
        ("note", r#"{"seq":1}"#),
        ("note", "[]"),
        ("mode.change", r#"{"hash":"x"}"#),
    ] {
        let members = crate::json::parse(members.as_bytes()).unwrap();
        let error = store.append_event(kind, &members, None, "cli").unwrap_err();
        assert_eq!(error.kind, StoreError::BAD_EVENT);
    }
    let note = crate::json::parse(br#"{"note":"x"}"#).unwrap();
    let error = store
        .append_event("note", &note, Some(RUN), "cli")
        .unwrap_err();
    assert_eq!(error.kind, StoreError::NO_RUN);
    decided(&store, Effect::Allow, "a");
    store.append_event("note", &note, Some(RUN), "cli").unwrap();
    assert_eq!(
        follow(&store, RUN, &store.run_path(RUN)),
        ["run.start", "decision", "note"]
    );
}

/// A store with two runs that have ended; both hold an object of their own, and one that both name.
fn two_runs(home: &std::path::Path) -> (Store, [String; 2]) {
    let store = Store::open(home).unwrap();
    let runs = ["one", "two"].map(|name| store.run_id("test", Some(name)));
    for run in &runs {
        for args in ["x".repeat(70_000), run.repeat(3_000)] {
            let mut large = decision(Effect::Allow, "c");
            large.run.clone_from(run);
            large.facts.args = crate::json::Value::from(args);
            store.append_decision(&large, &[], "x").unwrap();
        }
        store
            .stop(&Stopping {
                run: run.clone(),
                ..stopping()
            })
            .unwrap();
    }
    (store, runs)
}

fn objects(store: &Store) -> usize {
    let folder = store.root().join("objects");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| fs::read_dir(entry.unwrap().path()).unwrap().count())
        .sum()
}

#[test]
fn a_run_that_is_forgotten_keeps_its_hashes_and_nothing_else() {
    let (store, [run, _]) = two_runs(&home());
    let path = store.run_path(&run);
    let before = records(&path);
    fs::write(store.root().join("index.sqlite"), "x").unwrap();
    store.told(&run, "d").unwrap();
    assert_eq!(objects(&store), 3);
    let done = store.forget(&run, Some("asked"), "cli").unwrap();
    let after = records(&path);
    assert_eq!(after.len(), before.len());
    for (stub, whole) in after.iter().zip(&before) {
        for name in ["hash", "prev", "seq", "kind", "id", "ts"] {
            assert_eq!(stub[name], whole[name]);
        }
        assert_eq!(
            (&stub["forgotten"], stub.as_object().unwrap().len()),
            (&true.into(), 10)
        );
    }
    assert_eq!((done.objects.len(), objects(&store)), (1, 2));
    assert!(!store.root().join("index.sqlite").exists());
    assert!(!store.root().join(format!("runs/{run}.answers")).exists());
    assert_eq!(done.stub.digest, digest(&fs::read(&path).unwrap()));

    // It may go on: what follows continues the hash that the last record had.
    let mut more = decision(Effect::Allow, "c");
    more.run = run;
    let appended = store.append_decision(&more, &[], "x").unwrap();
    let lines = records(&path);
    assert_eq!(
        lines[lines.len() - 2]["prev"],
        before[before.len() - 1]["hash"]
    );
    assert_eq!(appended.seq, before.len() as u64 + 1);
}

#[test]
fn a_run_that_is_pruned_is_named_and_gone() {
    let (store, runs) = two_runs(&home());
    decided(&store, Effect::Allow, "open");
    let error = store
        .prune(&[runs[0].clone(), String::from(RUN)], None, None, "cli")
        .unwrap_err();
    assert_eq!(error.kind, StoreError::NOT_SEALED);
    assert_eq!(
        store.forget(RUN, None, "cli").unwrap_err().kind,
        StoreError::NOT_SEALED
    );
    assert!(store.run_path(&runs[0]).exists());
    let seal = journal(&store)[1]["seal"].clone();
    store
        .prune(&runs[..1], Some("old"), Some("older than 1d"), "cli")
        .unwrap();
    assert!(!store.run_path(&runs[0]).exists());
    assert_eq!(objects(&store), 2);
    let said = journal(&store);
    let pruned = &said[said.len() - 2]["prune"];
    assert_eq!(pruned["runs"][0]["head"], seal["head"]);
    assert_eq!(pruned["runs"][0]["root"], seal["root"]);
}

/// After any single failure of any system call, ending or forgetting a run can be asked for again and is then done, and
/// no chain is broken on the way.
#[test]
fn ending_and_forgetting_survive_a_failing_system_call() {
    let mut failed = 0;
    for call in Call::ALL {
        for forget in [false, true] {
            for skip in 0..16 {
                let home = home();
                let store = Store::open(&home).unwrap();
                decided(&store, Effect::Allow, "a");
                if forget {
                    store.stop(&stopping()).unwrap();
                }
                let act = |store: &Store| {
                    if forget {
                        store.forget(RUN, None, "cli").map(drop)
                    } else {
                        store.stop(&stopping()).map(drop)
                    }
                };
                let cold = Store::open(&home).unwrap();
                fault::set(Some((call, skip)));
                let done = act(&cold);
                let fired = !fault::is_waiting();
                fault::set(None);
                failed += usize::from(done.is_err());
                journal(&cold);
                act(&cold).unwrap();
                let said = journal(&cold);
                let lines = records(&cold.run_path(RUN));
                let head = lines.last().unwrap()["hash"].clone();
                assert!(said.iter().any(|line| line["seal"]["head"] == head));
                assert_eq!(
                    lines
                        .iter()
                        .filter(|line| line["kind"] == "run.stop")
                        .count(),
                    1,
                    "{call:?} {skip}"
                );
                assert_eq!(forget, lines[0]["forgotten"] == true);
                fs::remove_dir_all(&home).unwrap();
                if !fired {
                    break;
                }
            }
        }
    }
    assert!(failed >= 20, "{failed}");
}
