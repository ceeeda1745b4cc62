//! The log: what an append costs, how that grows, and what writers at the same moment cost each other.
//!
//! `cargo bench --bench records -- append 100000` appends so many notes of a few hundred bytes to one run, chained and not
//! synced, and prints one JSON line: the least, the median and the 99th percentile in nanoseconds of thread time, the
//! medians of the first and the last tenth, and the yardstick measured between them. Under callgrind, the difference
//! between two counts divided by the difference of the numbers is the cost of one. `-- decisions` does the same with
//! decisions, so that making the record and keeping up with what the run has seen counts too.
//!
//! `-- writers 16 40` starts sixteen processes that live for one append each, forty times, and lets them write at the same
//! moment: to a run each, and to one run. What the second takes longer is what writers wait for each other.
//!
//! `-- threads 8 50` lets threads of one process append to one run, each append synced, and one thread as many.
//!
//! `-- yardstick` measures the machine alone, for programs in other languages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measuring program"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[path = "kernel/mod.rs"]
mod kernel;

use armorer_guard_core::call::{Call, Caller, Context};
use armorer_guard_core::decision::Decision;
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::json::Value;
use armorer_guard_core::record::{Durability, Store};

const COMMAND: &str = "cd packages/server && npm run build -- --mode production 2>&1 | tee build.log && \
     git add -A && git commit -m 'server: build once more'";
/// How far ahead the moment is fixed at which writers write.
const LEAD: Duration = Duration::from_millis(60);

/// A decision as the guard takes it, so that the record is as long as records are.
fn decided(run: &str) -> Decision {
    let guard = Guard::open(&Options {
        home: None,
        record: false,
    });
    let mut decision = guard.check(Call {
        tool: String::from("Bash"),
        args: Value::Object(vec![(String::from("command"), Value::from(COMMAND))]),
        pin: None,
        definition: None,
        context: Context {
            cwd: Some(String::from("/home/user/project")),
            workspace: Some(String::from("/home/user/project")),
            home: Some(String::from("/home/user")),
            user: Some(String::from("user")),
            guard_home: None,
        },
        caller: Caller {
            run: Some(String::from("bench")),
            runtime: String::from("bench"),
            call_id: Some(String::from("toolu_01")),
            ..Caller::default()
        },
    });
    run.clone_into(&mut decision.run);
    decision
}

fn append(store: &Store, decision: &Decision) {
    store
        .append_decision(decision, &[], "allow")
        .expect("the record can be appended");
}

/// A home that is gone when the measuring is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("armorer-guard-bench-records-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Appends to one run, one after the other.
fn appending(mode: &str, count: usize) {
    let home = Scratch::new();
    let store = Store::open(&home.0)
        .expect("a store can be made")
        .with_durability(Durability::Fast);
    let mut decision = decided(&store.run_id("bench", Some("bench")));
    append(&store, &decision);
    let note = Value::Object(vec![(String::from("note"), Value::from(COMMAND.repeat(3)))]);
    let mut nanoseconds = Vec::with_capacity(count);
    let mut yardstick = u64::MAX;
    for round in 0..count {
        decision.id = armorer_guard_core::record::new_id();
        nanoseconds.push(kernel::timed(|| {
            if mode == "decisions" {
                append(&store, &decision);
            } else {
                store
                    .append_event("note", &note, Some(&decision.run), "bench")
                    .expect("the note can be appended");
            }
        }));
        if round % 64 == 0 {
            yardstick = yardstick.min(kernel::measure_yardstick());
        }
    }
    let tenth = (count / 10).max(1);
    let [_, first, _] = kernel::spread(nanoseconds[..tenth.min(count)].to_vec());
    let [_, last, _] = kernel::spread(nanoseconds[count - tenth.min(count)..].to_vec());
    let [min, p50, p99] = kernel::spread(nanoseconds);
    println!(
        "{}",
        serde_json::json!({
            "mode": mode, "rounds": count, "min_ns": min, "p50_ns": p50, "p99_ns": p99,
            "first_p50_ns": first, "last_p50_ns": last, "yardstick_ns": yardstick,
        })
    );
}

/// What a short-lived writer does: open the store, wait for the moment, append once, say how long that took.
fn write_once(home: &Path, run: &str, moment_us: u64) {
    let store = Store::open(home)
        .expect("the store can be opened")
        .with_durability(Durability::Fast);
    let decision = decided(&store.run_id("bench", Some(run)));
    let moment = UNIX_EPOCH + Duration::from_micros(moment_us);
    if let Ok(left) = moment.duration_since(SystemTime::now()) {
        std::thread::sleep(left);
    }
    let started = Instant::now();
    append(&store, &decision);
    println!("{}", started.elapsed().as_nanos());
}

/// Nanoseconds of each of so many writers that write at the same moment.
fn at_once(home: &Path, writers: usize, shared: bool) -> Vec<u64> {
    let moment = SystemTime::now() + LEAD * u32::try_from(writers).unwrap_or(1) / 4;
    let moment_us = moment
        .duration_since(UNIX_EPOCH)
        .expect("the clock is right")
        .as_micros();
    let children: Vec<Child> = (0..writers)
        .map(|writer| {
            let run = if shared {
                String::from("shared")
            } else {
                format!("own-{writer}")
            };
            Command::new(std::env::current_exe().expect("this program has a path"))
                .args([
                    "once",
                    &home.to_string_lossy(),
                    &run,
                    &moment_us.to_string(),
                ])
                .stdout(Stdio::piped())
                .spawn()
                .expect("a writer can be started")
        })
        .collect();
    children
        .into_iter()
        .map(|child| {
            let said = child.wait_with_output().expect("a writer ends").stdout;
            String::from_utf8_lossy(&said)
                .trim()
                .parse()
                .expect("a writer says how long it took")
        })
        .collect()
}

/// Writers at the same moment: one, many with a run each, many with one run.
fn writing(writers: usize, rounds: usize) {
    let home = Scratch::new();
    // Every run is begun beforehand: beginning one is another thing than appending to it.
    at_once(&home.0, writers, false);
    at_once(&home.0, 1, true);
    let (mut alone, mut own, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    // The slowest of each round, whose median says what one usually waits, whatever else the machine does now and then.
    let (mut own_slowest, mut shared_slowest) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.extend(at_once(&home.0, 1, true));
        for (all, slowest, is_shared) in [
            (&mut own, &mut own_slowest, false),
            (&mut shared, &mut shared_slowest, true),
        ] {
            let found = at_once(&home.0, writers, is_shared);
            slowest.extend(found.iter().max());
            all.extend(found);
        }
    }
    let [alone, own, shared] = [alone, own, shared].map(kernel::spread);
    let [own_slowest, shared_slowest] = [own_slowest, shared_slowest].map(kernel::spread);
    println!(
        "{}",
        serde_json::json!({
            "mode": "writers", "writers": writers, "rounds": rounds,
            "alone_p50_ns": alone[1], "alone_p99_ns": alone[2],
            "own_p50_ns": own[1], "own_p99_ns": own[2],
            "shared_p50_ns": shared[1], "shared_p99_ns": shared[2],
            "own_slowest_ns": own_slowest[1], "shared_slowest_ns": shared_slowest[1],
            "yardstick_ns": kernel::measure_yardstick(),
        })
    );
}

/// Seconds that so many threads take for so many synced appends each, to one run.
fn synced(store: &Store, run: &str, threads: usize, each: usize) -> f64 {
    let decision = decided(&store.run_id("bench", Some(run)));
    append(store, &decision);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let mut decision = decision.clone();
            scope.spawn(move || {
                for _ in 0..each {
                    decision.id = armorer_guard_core::record::new_id();
                    append(store, &decision);
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}

/// Synced appends of one thread and of many.
fn syncing(threads: usize, each: usize) {
    let home = Scratch::new();
    let store = Store::open(&home.0)
        .expect("a store can be made")
        .with_durability(Durability::Strict);
    let alone = synced(&store, "alone", 1, each * threads);
    let many = synced(&store, "many", threads, each);
    println!(
        "{}",
        serde_json::json!({"mode": "threads", "threads": threads, "appends": each * threads,
            "alone_s": alone, "many_s": many})
    );
}

fn main() {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let number = |at: usize, default| {
        arguments
            .get(at)
            .and_then(|word| word.parse().ok())
            .unwrap_or(default)
    };
    match arguments.first().map_or("append", String::as_str) {
        "writers" => writing(number(1, 16), number(2, 40)),
        "threads" => syncing(number(1, 8), number(2, 50)),
        "once" => write_once(
            Path::new(&arguments[1]),
            &arguments[2],
            arguments[3].parse().expect("a moment in microseconds"),
        ),
        "yardstick" => {
            let least = (0..64).map(|_| kernel::measure_yardstick()).min();
            println!(
                "{}",
                serde_json::json!({"mode": "yardstick", "yardstick_ns": least})
            );
        }
        mode => appending(mode, number(1, 100_000)),
    }
}
