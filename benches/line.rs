//! The straight line in process: one call in, one decision out.
//!
//! `cargo bench --bench line -- decide 2000` runs that many decisions and prints one JSON line with the median and the
//! 99th percentile in nanoseconds; `recorded` stores each; `nothing` measures the harness. Under callgrind, the
//! difference between two counts divided by the difference of the numbers is the cost of one decision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measuring program"
)]

use std::time::Instant;

use armorer_guard_core::call::{Call, Caller, Context};
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::json::Value;

const COMMAND: &str = "cd packages/server && npm run build -- --mode production 2>&1 | tee build.log && \
     git add -A && git commit -m 'server: build once more'";

fn call() -> Call {
    Call {
        tool: String::from("Bash"),
        args: Value::Object(vec![
            (String::from("command"), Value::from(COMMAND)),
            (
                String::from("description"),
                Value::from("Build the server for production and commit what changed"),
            ),
            (String::from("timeout"), Value::Int(120_000)),
        ]),
        pin: None,
        context: Context {
            cwd: Some(String::from("/home/user/project")),
            workspace: Some(String::from("/home/user/project")),
            home: Some(String::from("/home/user")),
            user: Some(String::from("user")),
            guard_home: Some(String::from("/home/user/.local/state/armorer-guard")),
        },
        caller: Caller {
            run: Some(String::from("bench")),
            runtime: String::from("bench"),
            call_id: Some(String::from("toolu_01")),
            ..Caller::default()
        },
    }
}

fn main() {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let mode = arguments.first().map_or("decide", String::as_str);
    let rounds: usize = arguments
        .get(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(2_000);
    let scratch = std::env::temp_dir().join(format!("armorer-guard-bench-{}", std::process::id()));
    let guard = Guard::open(&Options {
        home: (mode == "recorded").then(|| scratch.clone()),
        record: mode == "recorded",
    });
    let prepared = call();
    // The first decision decodes tables and opens files; it is the cold figure's business, not this one's.
    let first = guard.check(prepared.clone());
    assert_eq!(
        first.verdict.effect.as_str(),
        "allow",
        "the benchmark's call is ordinary work: {:?}",
        first.verdict
    );
    assert_eq!(first.recorded(), mode == "recorded");

    let mut nanoseconds = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        if mode == "nothing" {
            std::hint::black_box(prepared.clone());
        } else {
            std::hint::black_box(guard.check(prepared.clone()));
        }
        nanoseconds.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    nanoseconds.sort_unstable();
    let at = |per_mille: usize| nanoseconds[(nanoseconds.len() - 1) * per_mille / 1000];
    println!(
        "{}",
        serde_json::json!({"mode": mode, "rounds": rounds, "min_ns": at(0), "p50_ns": at(500), "p99_ns": at(990)})
    );
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch).expect("the scratch store can be removed");
    }
}
