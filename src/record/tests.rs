//! What the store promises, with every system call failing once.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::line::{Tail, read_tail};
use super::os::{Call, fault};
use super::*;
use crate as guard_core;
use crate::decision::Effect;
use crate::scan::{Finding, FindingKind, Severity, Tagger as _};

#[path = "../../tests/rust/record_fixture.rs"]
pub(super) mod fixture;

mod faults;
mod runs;
mod turns;

use fixture::{RUN, decision, marks};

fn home() -> PathBuf {
    scratch::path()
}

fn records(path: &std::path::Path) -> Vec<serde_json::Value> {
    let bytes = fs::read(path).unwrap();
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"));
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Follows a chain with nothing of the writer but its hash function; returns the kinds.
pub(super) fn follow(store: &Store, name: &str, path: &std::path::Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let mut prev = line::genesis(store.id(), name);
    let mut kinds = Vec::new();
    for (seq, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let record: serde_json::Value = serde_json::from_slice(text).unwrap();
        assert_eq!(record["seq"], seq);
        assert_eq!(record["prev"], prev);
        let hash = line::hash(&prev, &text[..text.len() - 83]);
        assert_eq!(record["hash"], hash);
        prev = hash;
        kinds.push(record["kind"].as_str().unwrap().to_owned());
    }
    kinds
}

pub(super) fn outcome(call_id: &str, result: &'static str) -> Outcome {
    Outcome {
        run: String::from(RUN),
        of: None,
        call_id: Some(call_id.to_owned()),
        tool: String::from("Bash"),
        result,
        duration_ms: Some(12),
        output_bytes: Some(3),
        output_digest: Some(digest(b"out")),
        findings: Vec::new(),
        spend: std::collections::BTreeMap::new(),
        adapter: String::from("claude-code-hook"),
        answers_marked: false,
    }
}

#[test]
fn a_new_run_is_named_in_the_journal_and_begins_with_what_is_known_of_it() {
    let store = Store::open(&home()).unwrap();
    let first = store
        .append_decision(
            &decision(Effect::Deny, "c1"),
            &marks(),
            "permissionDecision=deny",
        )
        .unwrap();
    let second = store
        .append_decision(
            &decision(Effect::Allow, "c2"),
            &[],
            "permissionDecision=allow",
        )
        .unwrap();
    assert_eq!((first.seq, second.seq), (1, 2));

    let run = records(&store.run_path(RUN));
    assert_eq!(run[0]["kind"], "run.start");
    assert_eq!(run[0]["input"]["session"], "session-1");
    assert_eq!(run[1]["hash"], first.hash);
    assert_eq!(run[2]["prev"], first.hash);
    assert_eq!(run[1]["verdict"]["unknown"], serde_json::json!([1]));
    let journal = records(&store.root().join("journal.jsonl"));
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0]["run"], RUN);
    assert_eq!(journal[0]["first"], run[0]["id"]);
    assert_eq!(follow(&store, RUN, &store.run_path(RUN)).len(), 3);
    assert_eq!(
        follow(&store, JOURNAL, &store.root().join("journal.jsonl")).len(),
        1
    );
}

#[test]
fn the_facts_in_the_record_are_the_facts_that_were_judged() {
    let store = Store::open(&home()).unwrap();
    let judged = decision(Effect::Allow, "c1");
    store.append_decision(&judged, &marks(), "allow").unwrap();
    let record = records(&store.run_path(RUN)).remove(1);
    let facts: crate::facts::Facts = serde_json::from_value(record["facts"].clone()).unwrap();
    assert_eq!(facts, judged.facts);
    assert_eq!(record["facts_digest"], facts_digest(&facts).unwrap());
    assert_eq!(
        record["redactions"][0]["tag"],
        marks()[0].tag.clone().unwrap()
    );
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = home();
    let store = Store::open(&home).unwrap();
    store
        .append_decision(&decision(Effect::Allow, "c"), &[], "allow")
        .unwrap();
    let mut waiting = vec![home];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let data = fs::metadata(&path).unwrap();
        let wanted = if data.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(
            data.permissions().mode() & 0o777,
            wanted,
            "{}",
            path.display()
        );
        if data.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        seen += 1;
    }
    assert!(seen >= 6);
}

#[cfg(unix)]
#[test]
fn a_store_that_is_not_ours_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let real = home();
    Store::open(&real).unwrap();
    let linked = home();
    fs::create_dir_all(&linked).unwrap();
    std::os::unix::fs::symlink(real.join("store"), linked.join("store")).unwrap();
    assert_eq!(Store::open(&linked).unwrap_err().kind, StoreError::FOREIGN);

    let open = home();
    Store::open(&open).unwrap();
    fs::set_permissions(open.join("store"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(Store::open(&open).unwrap_err().kind, StoreError::FOREIGN);

    let odd = home();
    Store::open(&odd).unwrap();
    fs::write(odd.join("store/id"), "no id").unwrap();
    assert_eq!(Store::open(&odd).unwrap_err().kind, StoreError::CORRUPTED);
}

#[test]
fn a_run_id_cannot_name_another_file() {
    let store = Store::open(&home()).unwrap();
    let mut wrong = decision(Effect::Allow, "c");
    wrong.run = String::from("../journal");
    let error = store.append_decision(&wrong, &[], "allow").unwrap_err();
    assert_eq!(error.kind, StoreError::BAD_RUN);
}

#[test]
fn an_outcome_closes_the_decision_of_its_call() {
    let store = Store::open(&home()).unwrap();
    let denied = decision(Effect::Deny, "denied");
    let allowed = decision(Effect::Allow, "allowed \"x\"\n");
    for one in [&denied, &allowed] {
        store.append_decision(one, &[], "x").unwrap();
    }
    for index in 0..300 {
        let other = decision(Effect::Allow, &format!("other-{index}"));
        store.append_decision(&other, &[], "x").unwrap();
    }
    for (call, result, of, enforced) in [
        ("denied", "ok", Some(&denied.id), "overridden"),
        ("denied", "cancelled", Some(&denied.id), "enforced"),
        ("denied", "error", Some(&denied.id), "unknown"),
        ("allowed \"x\"\n", "ok", Some(&allowed.id), "enforced"),
        ("never seen", "ok", None, "bypassed"),
    ] {
        store.append_outcome(&outcome(call, result)).unwrap();
        let record = records(&store.run_path(RUN)).pop().unwrap();
        assert_eq!(record["kind"], "outcome");
        assert_eq!(record["of"].as_str(), of.map(String::as_str), "{call}");
        assert_eq!(record["enforced"], enforced);
    }
    let mut given = outcome("x", "ok");
    given.of = Some(denied.id.clone());
    store.append_outcome(&given).unwrap();
    assert_eq!(
        records(&store.run_path(RUN)).pop().unwrap()["enforced"],
        "overridden"
    );
    given.of = Some(new_id());
    store.append_outcome(&given).unwrap();
    assert_eq!(
        records(&store.run_path(RUN)).pop().unwrap()["enforced"],
        "unknown"
    );
}

#[test]
fn a_verdict_too_long_for_a_line_leaves_its_effect_there() {
    let store = Store::open(&home()).unwrap();
    let mut denied = decision(Effect::Deny, "denied");
    denied.verdict.determining[0].actions = (0..20_000).collect();
    store.append_decision(&denied, &[], "x").unwrap();
    let stored = records(&store.run_path(RUN)).pop().unwrap();
    assert_eq!(stored["verdict"]["effect"], "deny");
    assert!(stored["verdict"]["$blob"].is_string());
    assert_eq!(
        stored["blobs"],
        serde_json::json!(["/facts/args", "/verdict"])
    );

    store.append_outcome(&outcome("denied", "ok")).unwrap();
    let closed = records(&store.run_path(RUN)).pop().unwrap();
    assert_eq!(closed["of"], denied.id.as_str());
    assert_eq!(closed["enforced"], "overridden");
}

#[test]
fn an_outcome_in_a_run_nobody_began_begins_it() {
    let store = Store::open(&home()).unwrap();
    store.append_outcome(&outcome("c", "ok")).unwrap();
    assert_eq!(
        follow(&store, RUN, &store.run_path(RUN)),
        ["run.start", "outcome"]
    );
}

#[test]
fn two_stores_on_one_directory_continue_each_other() {
    let home = home();
    let stores = [Store::open(&home).unwrap(), Store::open(&home).unwrap()];
    assert_eq!(stores[0].id(), stores[1].id());
    for index in 0..40 {
        stores[index % 2]
            .append_decision(&decision(Effect::Allow, "c"), &[], "allow")
            .unwrap();
    }
    assert_eq!(follow(&stores[0], RUN, &stores[0].run_path(RUN)).len(), 41);
}

#[test]
fn threads_share_a_store() {
    let store = Store::open(&home()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for index in 0..50 {
                    let mut one = decision(Effect::Allow, "c");
                    one.run = store.run_id("test", Some(&format!("{}", (thread + index) % 3)));
                    store.append_decision(&one, &[], "allow").unwrap();
                }
            });
        }
    });
    let mut count = 0;
    for name in ["0", "1", "2"] {
        let run = store.run_id("test", Some(name));
        let kinds = follow(&store, &run, &store.run_path(&run));
        count += kinds.iter().filter(|kind| *kind == "decision").count();
    }
    assert_eq!(count, 200);
    assert_eq!(
        follow(&store, JOURNAL, &store.root().join("journal.jsonl")).len(),
        3
    );
}

#[test]
fn more_runs_than_are_kept_open() {
    let store = Store::open(&home()).unwrap();
    for round in 0..2 {
        for index in 0..80 {
            let mut one = decision(Effect::Allow, "c");
            one.run = store.run_id("test", Some(&format!("{index}")));
            assert_eq!(
                store.append_decision(&one, &[], "allow").unwrap().seq,
                1 + round
            );
        }
    }
}

#[test]
fn a_torn_line_is_moved_aside_and_said() {
    for long_lived in [false, true] {
        let home = home();
        let mut store = Store::open(&home).unwrap();
        store
            .append_decision(&decision(Effect::Allow, "c"), &[], "allow")
            .unwrap();
        let path = store.run_path(RUN);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"action_digest\":\"sha2");
        fs::write(&path, &bytes).unwrap();
        if !long_lived {
            store = Store::open(&home).unwrap();
        }
        store
            .append_decision(&decision(Effect::Allow, "d"), &[], "allow")
            .unwrap();
        let kinds = follow(&store, RUN, &path);
        assert_eq!(kinds, ["run.start", "decision", "recovery", "decision"]);
        let recovery = records(&path)[2]["recovery"].clone();
        assert_eq!(recovery["reason"], "torn_tail");
        let moved = store
            .root()
            .join("recovery")
            .join(recovery["moved_to"].as_str().unwrap());
        assert_eq!(fs::read(moved).unwrap(), b"{\"action_digest\":\"sha2");
    }
}

#[test]
fn any_cut_of_a_log_is_mended_by_the_next_append() {
    let model = Store::open(&home()).unwrap();
    for call in ["a", "b"] {
        model
            .append_decision(&decision(Effect::Allow, call), &[], "allow")
            .unwrap();
    }
    let whole = fs::read(model.run_path(RUN)).unwrap();
    let home = home();
    Store::open(&home).unwrap();
    fs::write(home.join("store/id"), format!("{}\n", model.id())).unwrap();
    let path = Store::open(&home).unwrap().run_path(RUN);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Every length near the joints, and a sample between: the whole is repeated for every byte in the reader's test.
    for cut in (0..whole.len()).filter(|cut| {
        cut % 17 == 0
            || whole[*cut] == b'\n'
            || cut.checked_sub(1).is_some_and(|at| whole[at] == b'\n')
    }) {
        fs::write(&path, &whole[..cut]).unwrap();
        let store = Store::open(&home).unwrap();
        store
            .append_decision(&decision(Effect::Allow, "z"), &[], "allow")
            .unwrap();
        let kinds = follow(&store, RUN, &path);
        let kept = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let torn = cut > 0 && whole[cut - 1] != b'\n';
        let mut expected = vec!["run.start", "decision", "decision"][..kept].to_vec();
        if torn {
            expected.push("recovery");
        }
        if kept == 0 {
            expected.push("run.start");
        }
        expected.push("decision");
        assert_eq!(kinds, expected, "cut at {cut}");
    }
}

#[test]
fn a_living_writer_says_when_its_log_was_shortened() {
    let store = Store::open(&home()).unwrap();
    for call in ["a", "b", "c"] {
        store
            .append_decision(&decision(Effect::Allow, call), &[], "allow")
            .unwrap();
    }
    let path = store.run_path(RUN);
    let bytes = fs::read(&path).unwrap();
    let second = memchr::memchr_iter(b'\n', &bytes).nth(1).unwrap() + 1;
    fs::write(&path, &bytes[..second]).unwrap();
    store
        .append_decision(&decision(Effect::Allow, "d"), &[], "allow")
        .unwrap();
    assert_eq!(
        follow(&store, RUN, &path),
        ["run.start", "decision", "gap", "decision"]
    );
    assert_eq!(records(&path)[2]["gap"]["expected_seq"], 3);
}

#[test]
fn a_log_that_was_replaced_is_opened_anew() {
    let store = Store::open(&home()).unwrap();
    store
        .append_decision(&decision(Effect::Allow, "a"), &[], "allow")
        .unwrap();
    let path = store.run_path(RUN);
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    store
        .append_decision(&decision(Effect::Allow, "b"), &[], "allow")
        .unwrap();
    assert_eq!(follow(&store, RUN, &path).len(), 3);
}

/// Readers look at logs that are at rest only when the directory has changed.
#[test]
fn who_writes_to_a_log_that_is_at_rest_says_so_first() {
    let home = home();
    let store = Store::open(&home).unwrap();
    let path = store.run_path(RUN);
    let write = |store: &Store| {
        let one = decision(Effect::Allow, "a");
        store.append_decision(&one, &[], "x").unwrap();
    };
    write(&store);
    let runs = fs::File::open(path.parent().unwrap()).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    let changed = || runs.metadata().unwrap().modified().unwrap();
    for store in [&store, &Store::open(&home).unwrap()] {
        let log = fs::File::options().append(true).open(&path).unwrap();
        log.set_modified(long_ago).unwrap();
        runs.set_modified(long_ago).unwrap();
        store.state(RUN).unwrap();
        assert_eq!(changed(), long_ago);
        write(store);
        assert_ne!(changed(), long_ago);
        runs.set_modified(long_ago).unwrap();
        write(store);
        assert_eq!(changed(), long_ago);
    }
}

#[test]
fn what_does_not_fit_into_a_line_lies_beside_it() {
    let store = Store::open(&home()).unwrap();
    let mut large = decision(Effect::Allow, "c");
    large.facts.args = crate::json::Value::from("x".repeat(200_000));
    large.facts.caller.runtime = "r".repeat(300);
    store.append_decision(&large, &[], "allow").unwrap();
    let record = records(&store.run_path(RUN)).remove(1);
    assert_eq!(record["blobs"], serde_json::json!(["/facts/args"]));
    let name = record["facts"]["args"]["$blob"].as_str().unwrap();
    let hex = name.strip_prefix("sha256:").unwrap();
    let held = fs::read(store.root().join("objects").join(&hex[..2]).join(hex)).unwrap();
    assert_eq!(held, crate::json::canonical(&large.facts.args));
    assert_eq!(digest(&held), name);

    large.id = new_id();
    large.facts.tool = "t".repeat(100_000);
    let action = large.facts.actions[0].clone();
    large.facts.actions = vec![action; 1_000];
    store.append_decision(&large, &[], "allow").unwrap();
    let record = records(&store.run_path(RUN)).remove(2);
    assert_eq!(
        record["blobs"],
        serde_json::json!(["/facts/args", "/facts", "/subject"])
    );
    assert_eq!(follow(&store, RUN, &store.run_path(RUN)).len(), 3);
}

#[test]
fn a_lock_that_is_held_for_too_long_is_an_answer_not_a_hang() {
    let home = home();
    let store = Store::open(&home)
        .unwrap()
        .with_patience(std::time::Duration::from_millis(30));
    store
        .append_decision(&decision(Effect::Allow, "a"), &[], "allow")
        .unwrap();
    let other = fs::File::open(store.run_path(RUN)).unwrap();
    other.lock().unwrap();
    let error = store
        .append_decision(&decision(Effect::Allow, "b"), &[], "allow")
        .unwrap_err();
    assert_eq!(error.kind, StoreError::BUSY);
    other.unlock().unwrap();
    store
        .append_decision(&decision(Effect::Allow, "b"), &[], "allow")
        .unwrap();
    assert_eq!(follow(&store, RUN, &store.run_path(RUN)).len(), 3);
}

#[test]
fn secrets_are_tagged_and_personal_data_is_not() {
    let store = Store::open(&home()).unwrap();
    let mut finding = Finding {
        rule: "secrets.example".into(),
        kind: FindingKind::Secret,
        severity: Severity::High,
        confidence_pm: 1000,
        at: String::new(),
        span: crate::span::ByteSpan::new(0, 1).unwrap(),
        checksum: None,
        view: None,
        redact: true,
    };
    let value = b"k7Gh2mQp9XvR4tLs8WzB";
    assert_eq!(store.tag(&finding, value).map(|tag| tag.len()), Some(32));
    finding.kind = FindingKind::Pii;
    assert_eq!(store.tag(&finding, value), None);
}

/// After any single failure of any system call, the append either happened or left the chain as it was, the call says
/// which, and the next append works.
#[test]
fn a_failing_system_call_never_makes_the_log_lie() {
    let mut failed = 0;
    for call in Call::ALL {
        for torn in [false, true] {
            for begun in [false, true] {
                for skip in 0..12 {
                    let home = home();
                    let store = Store::open(&home)
                        .unwrap()
                        .with_durability(Durability::Strict);
                    let path = store.run_path(RUN);
                    let mut acknowledged = Vec::new();
                    if begun {
                        acknowledged.push(
                            store
                                .append_decision(&decision(Effect::Allow, "a"), &[], "x")
                                .unwrap()
                                .hash,
                        );
                    }
                    if torn {
                        fs::create_dir_all(path.parent().unwrap()).unwrap();
                        let mut bytes = fs::read(&path).unwrap_or_default();
                        bytes.extend_from_slice(b"{\"torn");
                        fs::write(&path, bytes).unwrap();
                    }
                    let cold = Store::open(&home)
                        .unwrap()
                        .with_durability(Durability::Strict);
                    fault::set(Some((call, skip)));
                    let done = cold.append_decision(&decision(Effect::Allow, "b"), &[], "x");
                    let fired = !fault::is_waiting();
                    fault::set(None);
                    failed += usize::from(done.is_err());
                    assert!(fired || done.is_ok());
                    if let Ok(done) = done {
                        acknowledged.push(done.hash);
                    }
                    acknowledged.push(
                        cold.append_decision(&decision(Effect::Allow, "c"), &[], "x")
                            .unwrap()
                            .hash,
                    );
                    follow(&cold, RUN, &path);
                    let journal = cold.root().join("journal.jsonl");
                    assert_eq!(
                        follow(&cold, JOURNAL, &journal).first().map(String::as_str),
                        Some("run.start")
                    );
                    let decisions: Vec<String> = records(&path)
                        .into_iter()
                        .filter(|record| record["kind"] == "decision")
                        .map(|record| record["hash"].as_str().unwrap().to_owned())
                        .collect();
                    assert_eq!(
                        decisions, acknowledged,
                        "{call:?} {skip} torn={torn} begun={begun}"
                    );
                    fs::remove_dir_all(&home).unwrap();
                    if !fired {
                        break;
                    }
                }
            }
        }
    }
    assert!(failed >= 30, "{failed}");
}

#[test]
fn a_failure_has_a_kind_and_names_the_file_only() {
    let store = Store::open(&home()).unwrap();
    store
        .append_decision(&decision(Effect::Allow, "a"), &[], "x")
        .unwrap();
    fault::set(Some((Call::ShortWrite, 0)));
    let error = store
        .append_decision(&decision(Effect::Allow, "b"), &[], "x")
        .unwrap_err();
    fault::set(None);
    assert_eq!(error.kind, StoreError::FULL);
    assert!(error.message.starts_with("cannot append to `"), "{error}");
    let bytes = fs::read(store.run_path(RUN)).unwrap();
    assert!(matches!(read_tail(&bytes, true), Tail::End { good, .. } if good == bytes.len()));
}
