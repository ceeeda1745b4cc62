//! What the state of a run promises: it is the fold of the log, whatever happened to the file beside it.

use std::fs;
use std::path::PathBuf;

use super::tests::fixture::{RUN, decision};
use super::{Asked, Judge, Judged, State, Store, scratch};
use crate::decision::{Decision, Effect, Labelled};
use crate::dice::Dice;

fn state_file(store: &Store) -> PathBuf {
    store.root().join("state").join(RUN)
}

/// The fold of the log, with no help.
fn folded(store: &Store) -> State {
    let mut state = State::default();
    for line in fs::read(store.run_path(RUN))
        .unwrap()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        state.take(line);
    }
    state
}

fn labelled(effect: Effect, call: &str, label: &str) -> Decision {
    let mut made = decision(effect, call);
    if !label.is_empty() {
        made.verdict.labels.push(Labelled {
            label: label.to_owned(),
            rule: String::from("label.x"),
            message: format!("reads something at {call}"),
            actions: vec![0],
            findings: Vec::new(),
        });
    }
    made
}

#[test]
fn the_state_is_the_fold_of_the_log_whatever_happens_to_its_file() {
    let home = scratch::path();
    let mut store = Store::open(&home).unwrap();
    let mut dice = Dice(7);
    let mut seen_labels = 0;
    for step in 0..160 {
        // Another process, that knows nothing.
        if dice.below(3) == 0 {
            store = Store::open(&home).unwrap();
        }
        let file = state_file(&store);
        match dice.below(8) {
            0 => {
                let _ = fs::remove_file(&file);
            }
            1 => {
                if let Ok(mut bytes) = fs::read(&file) {
                    let at = dice.below(bytes.len());
                    bytes[at] ^= 1 << dice.below(8);
                    fs::write(&file, bytes).unwrap();
                }
            }
            2 => {
                if let Ok(bytes) = fs::read(&file) {
                    let len = dice.below(bytes.len() + 1);
                    fs::write(&file, &bytes[..len]).unwrap();
                }
            }
            // An old one comes back.
            3 => {
                let kept = home.join("kept");
                let _ = fs::copy(&kept, &file);
                let _ = fs::copy(&file, &kept);
            }
            _ => {}
        }
        let effect = [Effect::Allow, Effect::Ask, Effect::Deny][dice.below(3)];
        let label = ["", "", "", "secret", "untrusted", "own"][dice.below(6)];
        let made = labelled(effect, &format!("c{step}"), label);
        let before = folded_or_none(&store);
        let mut judge = Watching::new(&made, |state| {
            assert_eq!(*state, before, "at step {step}");
        });
        store.decide(RUN, "claude-code", &mut judge).unwrap();
        let after = store.state(RUN).unwrap();
        assert_eq!(after, folded(&store), "after step {step}");
        let labels = after.seen([].into_iter(), None, "").labels.len();
        assert!(labels >= seen_labels, "labels never go");
        seen_labels = labels;
    }
    assert_eq!(seen_labels, 3);
}

fn folded_or_none(store: &Store) -> State {
    if store.run_path(RUN).exists() {
        folded(store)
    } else {
        State::default()
    }
}

#[test]
fn a_state_of_another_log_is_not_believed() {
    let store = Store::open(&scratch::path()).unwrap();
    for call in ["a", "b"] {
        store
            .append_decision(&labelled(Effect::Allow, call, "secret"), &[], "x")
            .unwrap();
    }
    let other = Store::open(&scratch::path()).unwrap();
    other
        .append_decision(&labelled(Effect::Allow, "a", ""), &[], "x")
        .unwrap();
    fs::create_dir_all(state_file(&other).parent().unwrap()).unwrap();
    fs::copy(state_file(&store), state_file(&other)).unwrap();
    let seen = Store::open(other.root().parent().unwrap())
        .unwrap()
        .state(RUN)
        .unwrap();
    assert!(seen.seen([].into_iter(), None, "").labels.is_empty());
}

#[test]
fn who_appends_remembers_what_the_log_says_and_not_what_it_had_no_room_for() {
    let store = Store::open(&scratch::path()).unwrap();
    for (call, label) in [("a", ""), ("b", "secret")] {
        let mut made = labelled(Effect::Allow, call, label);
        for held in &mut made.verdict.labels {
            held.message = "long ".repeat(20_000);
        }
        store.append_decision(&made, &[], "x").unwrap();
    }
    let remembered = store.state(RUN).unwrap();
    assert_eq!(remembered, folded(&store));
    let labels = remembered.seen([].into_iter(), None, "").sources;
    assert_eq!(labels.len(), 1);
    assert!(labels[0].message.len() < 100, "{}", labels[0].message);
}

#[test]
fn a_file_that_cannot_be_written_costs_nothing_but_time() {
    let store = Store::open(&scratch::path()).unwrap();
    fs::create_dir_all(store.root()).unwrap();
    // A file stands where the directory should.
    fs::write(store.root().join("state"), b"").unwrap();
    for call in ["a", "b"] {
        store
            .append_decision(&labelled(Effect::Allow, call, "secret"), &[], "x")
            .unwrap();
    }
    let cold = Store::open(store.root().parent().unwrap()).unwrap();
    assert_eq!(cold.state(RUN).unwrap(), folded(&cold));
}

#[test]
fn of_calls_at_the_same_moment_each_sees_those_before_it() {
    let home = scratch::path();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let home = &home;
            scope.spawn(move || {
                let store = Store::open(home).unwrap();
                for call in 0..12 {
                    let name = format!("t{thread}-{call}");
                    let made = labelled(Effect::Allow, &name, &name);
                    let mut calls = 0;
                    let mut judge = Watching::new(&made, |state| {
                        let labels = state.seen([].into_iter(), None, "").labels.len();
                        calls = calls_in(state);
                        assert_eq!(labels as u64, calls);
                    });
                    let appended = store.decide(RUN, "claude-code", &mut judge).unwrap();
                    assert_eq!(
                        appended.seq,
                        calls + 1,
                        "as many as were recorded before it"
                    );
                }
            });
        }
    });
    let store = Store::open(&home).unwrap();
    assert_eq!(
        store
            .state(RUN)
            .unwrap()
            .seen([].into_iter(), None, "")
            .labels
            .len(),
        48
    );
}

#[test]
fn what_comes_between_a_decision_and_its_lock_is_seen() {
    for long_lived in [false, true] {
        let home = scratch::path();
        let other = Store::open(&home).unwrap();
        let append = |call: &str| {
            let made = labelled(Effect::Allow, call, "");
            other.append_decision(&made, &[], "allow").unwrap()
        };
        append("a");
        let store = Store::open(&home).unwrap();
        if long_lived {
            let made = labelled(Effect::Allow, "b", "");
            store.append_decision(&made, &[], "allow").unwrap();
        }
        let made = labelled(Effect::Allow, "c", "");
        let mut seen = Vec::new();
        let mut judge = Watching::new(&made, |state| {
            if seen.is_empty() {
                append("d");
            }
            seen.push(calls_in(state));
        });
        let appended = store.decide(RUN, "claude-code", &mut judge).unwrap();
        let before = 1 + u64::from(long_lived);
        assert_eq!(seen, [before, before + 1]);
        assert_eq!(appended.seq, before + 2);
        assert_eq!(store.state(RUN).unwrap(), folded(&store));
    }
}

#[test]
fn a_record_that_is_taken_back_before_the_lock_is_not_continued() {
    let home = scratch::path();
    let other = Store::open(&home).unwrap();
    other
        .append_decision(&labelled(Effect::Allow, "a", ""), &[], "allow")
        .unwrap();
    let path = other.run_path(RUN);
    let rest = fs::read(&path).unwrap().len();
    // By a process of its own, which leaves what it knows beside the log.
    let last = Store::open(&home)
        .unwrap()
        .append_decision(&labelled(Effect::Allow, "b", ""), &[], "allow")
        .unwrap();
    let made = labelled(Effect::Allow, "c", "");
    let mut asked = 0;
    let mut judge = Watching::new(&made, |_| {
        asked += 1;
        if asked == 1 {
            // As when it could not be synced; the record that another process writes then is as long.
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_len(rest as u64).unwrap();
            let again = labelled(Effect::Allow, "d", "");
            let again = Store::open(&home)
                .unwrap()
                .append_decision(&again, &[], "allow")
                .unwrap();
            assert_eq!(again.line.len(), last.line.len());
        }
    });
    Store::open(&home)
        .unwrap()
        .decide(RUN, "claude-code", &mut judge)
        .unwrap();
    assert_eq!(asked, 2);
    let kinds = super::tests::follow(&other, RUN, &path);
    assert_eq!(kinds, ["run.start", "decision", "decision", "decision"]);
}

/// A decision that was taken, and somebody who looks when it is asked for.
struct Watching<'a, F> {
    made: &'a Decision,
    look: F,
}

impl<'a, F: FnMut(&State)> Watching<'a, F> {
    fn new(made: &'a Decision, look: F) -> Self {
        Self { made, look }
    }
}

impl<F: FnMut(&State)> Judge for Watching<'_, F> {
    fn judge(&mut self, state: &State) -> bool {
        (self.look)(state);
        true
    }

    fn judged(&self) -> Judged<'_> {
        Judged {
            decision: self.made,
            marks: &[],
            answer: "allow",
        }
    }
}

fn calls_in(state: &State) -> u64 {
    state.seen(["calls"].into_iter(), None, "").counters[0].1
}

#[test]
fn what_was_denied_and_ran_all_the_same_leaves_its_labels() {
    let store = Store::open(&scratch::path()).unwrap();
    store
        .append_decision(&labelled(Effect::Deny, "c1", "secret"), &[], "x")
        .unwrap();
    let labels = |store: &Store| {
        store
            .state(RUN)
            .unwrap()
            .seen([].into_iter(), None, "")
            .labels
    };
    assert!(labels(&store).is_empty());
    store
        .append_outcome(&super::tests::outcome("c1", "ok"))
        .unwrap();
    assert_eq!(labels(&store), ["secret"]);
    store
        .append_outcome(&super::tests::outcome("c9", "ok"))
        .unwrap();
    assert_eq!(
        labels(&store),
        ["secret", "untrusted"],
        "nobody had decided that call"
    );
}

#[test]
fn a_run_without_a_log_has_seen_nothing_and_gets_none() {
    let store = Store::open(&scratch::path()).unwrap();
    assert_eq!(store.state(RUN).unwrap(), State::default());
    assert!(!store.run_path(RUN).exists());
    let asked = Asked {
        action: "a",
        cwd: None,
        policy: "p",
        now: "",
        is_still: |_, _| false,
    };
    assert!(
        State::default()
            .seen([].into_iter(), Some(asked), "")
            .grants
            .is_empty()
    );
}
