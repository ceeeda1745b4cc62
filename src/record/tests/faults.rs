//! What the guard answers while the store fails: a call without a record is never let through unsaid.

use super::*;
use crate::call::{Call as ToolCall, Caller, Context};
use crate::guard::{Guard, Options};
use crate::json::Value;

fn options(home: &std::path::Path) -> Options {
    Options {
        home: Some(home.to_owned()),
        record: true,
    }
}

fn run(guard: &Guard, command: &str, session: &str) -> crate::decision::Decision {
    guard.check(ToolCall {
        tool: String::from("Bash"),
        args: Value::Object(vec![(String::from("command"), Value::from(command))]),
        pin: None,
        definition: None,
        context: Context {
            cwd: Some(String::from("/work")),
            ..Context::default()
        },
        caller: Caller {
            run: Some(session.to_owned()),
            runtime: String::from("test"),
            ..Caller::default()
        },
    })
}

/// Every system call of the store fails once, before each of its uses: with a new home and one that is in use, with a
/// guard that is opened while it fails and one that was open before.
#[test]
fn a_call_that_is_not_recorded_is_denied_unless_it_only_reads_and_is_said_later() {
    let mut unrecorded = 0;
    for call in Call::ALL {
        for command in ["make install", "cat README.md"] {
            for used in [false, true] {
                for opened in [false, true] {
                    for skip in 0..24 {
                        let home = home();
                        if used {
                            assert!(run(&Guard::open(&options(&home)), "ls", "s").recorded());
                        }
                        let before = opened.then(|| Guard::open(&options(&home)));
                        fault::set(Some((call, skip)));
                        let guard = before.unwrap_or_else(|| Guard::open(&options(&home)));
                        let guard = guard.with_durability(Durability::Strict);
                        let answer = run(&guard, command, "s");
                        let fired = !fault::is_waiting();
                        fault::set(None);
                        let said = format!("{call:?} {skip} {command} used={used} opened={opened}");
                        let told: Vec<&str> = answer
                            .verdict
                            .determining
                            .iter()
                            .map(|rule| rule.rule.as_str())
                            .collect();
                        assert_eq!(told.contains(&"error.store"), !answer.recorded(), "{said}");
                        if !answer.recorded() {
                            unrecorded += 1;
                            let effect = if command == "cat README.md" {
                                Effect::Allow
                            } else {
                                Effect::Deny
                            };
                            assert_eq!(answer.verdict.effect, effect, "{said}");
                            assert!(answer.verdict.obligations.iter().any(|one| one == "gap"));
                        }
                        check_what_was_said(&home, &guard, &answer, &said);
                        fs::remove_dir_all(&home).unwrap();
                        if !fired {
                            break;
                        }
                    }
                }
            }
        }
    }
    assert!(unrecorded >= 60, "{unrecorded}");
}

/// The next calls are recorded, every acknowledged decision is in the log, and the journal says what is not.
fn check_what_was_said(
    home: &std::path::Path,
    guard: &Guard,
    answer: &crate::decision::Decision,
    said: &str,
) {
    let next = [
        run(&Guard::open(&options(home)), "ls", "s"),
        run(guard, "ls", "s"),
    ];
    assert!(next[0].recorded(), "{said}");
    let store = Store::open(home).unwrap();
    follow(&store, &answer.run, &store.run_path(&answer.run));
    let journal = store.root().join("journal.jsonl");
    follow(&store, JOURNAL, &journal);
    let stored: Vec<String> = records(&store.run_path(&answer.run))
        .into_iter()
        .filter(|record| record["kind"] == "decision")
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect();
    for one in next.iter().chain([answer]) {
        assert_eq!(stored.contains(&one.id), one.recorded(), "{said}");
    }
    let gaps: u64 = records(&journal)
        .iter()
        .filter_map(|record| record["gap"]["count"].as_u64())
        .sum();
    let lost = [answer, &next[1]].into_iter().filter(|one| !one.recorded());
    assert_eq!(gaps, lost.count() as u64, "{said}");
}
