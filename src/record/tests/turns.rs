//! Threads that append to one log at the same moment share a sync, and nobody is answered before it.

use std::sync::Barrier;

use super::*;
use crate::actions::ActionKind;
use crate::decision::Decision;

const THREADS: usize = 8;

/// A store with a run that has begun.
fn begun(durability: Durability) -> (PathBuf, Store, PathBuf) {
    let home = home();
    let store = Store::open(&home).unwrap().with_durability(durability);
    store
        .append_decision(&decision(Effect::Allow, "first"), &[], "allow")
        .unwrap();
    let path = store.run_path(RUN);
    (home, store, path)
}

/// What each thread gets that appends one of these decisions, all of them waiting for the log at the same moment.
fn at_once(
    store: &Store,
    decisions: &[Decision],
    prepare: impl Fn(usize) + Sync,
) -> Vec<Result<Appended, StoreError>> {
    let queue = store.chain(RUN).unwrap();
    let held = queue.turn();
    std::thread::scope(|scope| {
        let threads: Vec<_> = decisions
            .iter()
            .enumerate()
            .map(|(number, one)| {
                let prepare = &prepare;
                scope.spawn(move || {
                    prepare(number);
                    let done = store.append_decision(one, &[], "allow");
                    fault::set(None);
                    done
                })
            })
            .collect();
        while queue.waiting() < decisions.len() {
            std::thread::yield_now();
        }
        drop(held);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn decisions() -> Vec<Decision> {
    (0..THREADS)
        .map(|number| decision(Effect::Allow, &number.to_string()))
        .collect()
}

fn stored(path: &std::path::Path) -> Vec<String> {
    records(path)
        .into_iter()
        .map(|record| record["hash"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn threads_that_wait_for_a_log_share_one_sync() {
    let (_home, store, path) = begun(Durability::Strict);
    let (before, _) = fault::synced(&path);
    let done = at_once(&store, &decisions(), |_| {});
    let (after, safe) = fault::synced(&path);
    assert_eq!(after - before, 1);
    assert_eq!(safe, fs::metadata(&path).unwrap().len());
    let stored = stored(&path);
    for one in done {
        assert!(stored.contains(&one.unwrap().hash));
    }
    assert_eq!(follow(&store, RUN, &path).len(), THREADS + 2);
}

#[test]
fn a_shared_sync_that_fails_takes_back_every_record_it_was_for() {
    let (home, store, path) = begun(Durability::Strict);
    let before = fs::read(&path).unwrap();
    let done = at_once(&store, &decisions(), |_| {
        fault::set(Some((Call::Sync, 0)));
    });
    assert!(done.iter().all(Result::is_err), "{done:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    // This process and another one go on.
    for store in [store, Store::open(&home).unwrap()] {
        store
            .append_decision(&decision(Effect::Allow, "next"), &[], "allow")
            .unwrap();
    }
    let store = Store::open(&home).unwrap();
    let kinds = follow(&store, RUN, &path);
    assert_eq!(kinds, ["run.start", "decision", "decision", "decision"]);
}

/// What needs no sync itself but stands behind records that wait for one waits with them.
#[test]
fn what_stands_behind_an_unsynced_record_goes_with_it() {
    let (_home, store, path) = begun(Durability::Balanced);
    let before = fs::read(&path).unwrap();
    let mut decisions = decisions();
    for one in decisions.iter_mut().step_by(2) {
        one.facts.actions[0].kind = ActionKind::FsDelete;
    }
    let done = at_once(&store, &decisions, |_| fault::set(Some((Call::Sync, 0))));
    let kept: Vec<String> = done
        .into_iter()
        .filter_map(|one| one.ok().map(|appended| appended.hash))
        .collect();
    // Those that came before the first that must be synced wait for nothing.
    assert!(kept.len() <= THREADS / 2);
    let stored = stored(&path);
    assert_eq!(stored.len(), kept.len() + 2);
    assert!(kept.iter().all(|hash| stored.contains(hash)));
    assert!(fs::read(&path).unwrap().starts_with(&before));
    follow(&store, RUN, &path);
}

/// Every second one fails before it has written anything, and the others are synced all the same.
#[test]
fn who_cannot_write_does_not_keep_the_others_waiting() {
    for call in [Call::Stat, Call::Write, Call::ShortWrite] {
        let (_home, store, path) = begun(Durability::Strict);
        let done = at_once(&store, &decisions(), |number| {
            if number % 2 == 0 {
                fault::set(Some((call, 0)));
            }
        });
        let stored = stored(&path);
        for (number, one) in done.iter().enumerate() {
            assert_eq!(one.is_err(), number % 2 == 0, "{call:?} {done:?}");
            assert!(one.as_ref().map_or(true, |one| stored.contains(&one.hash)));
        }
        assert_eq!(follow(&store, RUN, &path).len(), THREADS / 2 + 2);
        let (_, safe) = fault::synced(&path);
        assert_eq!(safe, fs::metadata(&path).unwrap().len());
    }
}

#[test]
fn every_record_is_on_the_disk_before_it_is_answered() {
    let (_home, store, path) = begun(Durability::Strict);
    let ready = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for one in decisions() {
            let (store, path, ready) = (&store, &path, &ready);
            scope.spawn(move || {
                for _ in 0..25 {
                    ready.wait();
                    let done = store.append_decision(&one, &[], "allow").unwrap();
                    let (_, safe) = fault::synced(path);
                    let bytes = fs::read(path).unwrap();
                    // Its line ends so, and no other.
                    let end = format!("\"hash\":\"{}\"}}\n", done.hash);
                    let at = memchr::memmem::find(&bytes, end.as_bytes()).unwrap();
                    assert!((at + end.len()) as u64 <= safe, "{at} {safe}");
                }
            });
        }
    });
    assert_eq!(follow(&store, RUN, &path).len(), THREADS * 25 + 2);
}

/// More threads than share a sync: other processes get their turn in between.
#[test]
fn no_more_than_so_many_share_one_sync() {
    let (_home, store, path) = begun(Durability::Strict);
    let (before, _) = fault::synced(&path);
    let many: Vec<Decision> = (0..40)
        .map(|number| decision(Effect::Allow, &number.to_string()))
        .collect();
    let done = at_once(&store, &many, |_| {});
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(fault::synced(&path).0 - before, 2);
    assert_eq!(follow(&store, RUN, &path).len(), 42);
}
