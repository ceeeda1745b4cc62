//! The straight line in process: one call in, one decision out.
//!
//! `cargo bench --bench line -- decide 2000` runs that many decisions and prints one JSON line with the least, the median
//! and the 99th percentile in nanoseconds, and the least of a yardstick that was measured between them; `recorded` stores
//! each; `understand` runs ordinary commands through the understanding alone and says how their least times spread;
//! `nothing` measures the harness. Under callgrind, the difference between two counts divided by the difference of the
//! numbers is the cost of one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measuring program"
)]

mod kernel;

use std::hint::black_box;

use armorer_guard_core::actions::understand;
use armorer_guard_core::builtin;
use armorer_guard_core::call::{Call, Caller, Context};
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::json::Value;
use kernel::timed;

/// As in the extension.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COMMAND: &str = "cd packages/server && npm run build -- --mode production 2>&1 | tee build.log && \
     git add -A && git commit -m 'server: build once more'";

/// Commands as agents run them all day, short and long.
const COMMANDS: [&str; 40] = [
    "ls -la",
    "pwd",
    "git status --short",
    "git diff --stat HEAD~1",
    "git log --oneline -n 20",
    "git add -A && git commit -m 'server: read the port from the environment'",
    "git checkout -b feature/port && git push -u origin feature/port",
    "git stash && git pull --rebase origin main && git stash pop",
    "npm install",
    "npm run build -- --mode production",
    "npm test 2>&1 | tail -n 40",
    "npx tsc --noEmit -p tsconfig.json",
    "cargo build --release 2>&1 | grep -E '^(warning|error)' | head -n 30",
    "cargo test --workspace -- --nocapture parser",
    "python -m pytest tests -q -x --maxfail=1",
    "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"version\"])' < package.json",
    "pip install -r requirements.txt",
    "uv run ruff check . --fix",
    "make -j4 test",
    "go test ./... -run TestParser -count=1",
    "cat src/main.rs | head -n 120",
    "sed -n '40,90p' src/server/routes.ts",
    "grep -rn 'TODO' src --include='*.ts' | sort | uniq -c | sort -rn | head",
    "rg -n 'fn parse' -g '*.rs' --max-count 3",
    "find . -name '*.test.ts' -not -path './node_modules/*' | wc -l",
    "mkdir -p build/out && cp -r static/* build/out/",
    "rm -rf build/tmp && mv build/out dist",
    "tar czf dist.tar.gz dist && ls -lh dist.tar.gz",
    "curl -s https://api.example.com/v1/health | jq '.status'",
    "wget -q https://example.com/data.csv -O data/data.csv",
    "docker compose up -d db && docker compose logs --tail=50 db",
    "docker build -t app:dev --build-arg NODE_ENV=development .",
    "kubectl get pods -n staging -o wide",
    "psql -h localhost -U app -d app -c 'SELECT id, name FROM users ORDER BY id LIMIT 10'",
    "for f in src/*.ts; do echo \"$f\"; wc -l < \"$f\"; done",
    "if [ -f .env ]; then echo found; else cp .env.example .env; fi",
    "export NODE_ENV=test; node scripts/seed.js --count 100 && node scripts/check.js",
    "cd packages/web && npm ci && npm run lint -- --max-warnings=0 && npm run build 2>&1 | tee build.log",
    "cat > config/local.json <<'EOF'\n{\n  \"port\": 8080,\n  \"debug\": true\n}\nEOF",
    "ps aux | grep node | grep -v grep | awk '{print $2}' | xargs -r kill",
];

fn call(command: &str) -> Call {
    Call {
        tool: String::from("Bash"),
        args: Value::Object(vec![
            (String::from("command"), Value::from(command)),
            (
                String::from("description"),
                Value::from("Build the server for production and commit what changed"),
            ),
            (String::from("timeout"), Value::Int(120_000)),
        ]),
        pin: None,
        definition: None,
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
    if mode == "understand" {
        return understanding(rounds);
    }
    let scratch = std::env::temp_dir().join(format!("armorer-guard-bench-{}", std::process::id()));
    let guard = Guard::open(&Options {
        home: (mode == "recorded").then(|| scratch.clone()),
        record: mode == "recorded",
    });
    let prepared = call(COMMAND);
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
    let mut yardstick = u64::MAX;
    for round in 0..rounds {
        let call = prepared.clone();
        nanoseconds.push(timed(|| {
            if mode == "nothing" {
                black_box(call);
            } else {
                black_box(guard.check(call));
            }
        }));
        if round % 16 == 0 {
            yardstick = yardstick.min(kernel::measure_yardstick());
        }
    }
    report(mode, rounds, nanoseconds, yardstick);
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch).expect("the scratch store can be removed");
    }
}

/// Parse, resolve and classify alone: the least time of each command over all rounds.
fn understanding(rounds: usize) {
    let calls: Vec<Call> = COMMANDS.into_iter().map(call).collect();
    let catalogue = builtin::catalogue();
    let mut least = vec![u64::MAX; calls.len()];
    let mut yardstick = u64::MAX;
    for _ in 0..=rounds {
        for (call, least) in calls.iter().zip(&mut least) {
            *least = (*least).min(timed(|| {
                black_box(understand(call, catalogue));
            }));
        }
        yardstick = yardstick.min(kernel::measure_yardstick());
    }
    report("understand", rounds, least, yardstick);
}

fn report(mode: &str, rounds: usize, nanoseconds: Vec<u64>, yardstick: u64) {
    let [min, p50, p99] = kernel::spread(nanoseconds);
    println!(
        "{}",
        serde_json::json!({
            "mode": mode, "rounds": rounds, "min_ns": min, "p50_ns": p50, "p99_ns": p99, "yardstick_ns": yardstick,
        })
    );
}
