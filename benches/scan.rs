//! How fast texts are scanned, beside a copy of the same bytes.
//!
//! `cargo bench --bench scan` prints one JSON line for each input: bytes per second, and that as a share of a memory
//! copy measured in turn with it (the smallest of many rounds of each, thread time), which other load does not move.
//!
//! `-- hostile` repeats every literal that is searched for, with what may follow it, and whatever else makes work, to
//! 64 KiB, prints the slowest and how their cost grows from 32 KiB, and fails when one is not linear or takes more
//! yardsticks than two milliseconds of the machine that the yardstick is told of.
//!
//! `-- once TEXT [TIMES]` scans 64 KiB of a repeated text once, for counting instructions, or so many times; `-- once
//! @FILE` a file as it is.
//! `-- shapes` prints the microseconds and yardsticks of every hostile text, one JSON line each: of one round, or the
//! least of some where it takes long.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measuring program"
)]

use std::hint::black_box;
use std::time::Duration;

#[path = "hostile/mod.rs"]
mod hostile;
#[path = "kernel/mod.rs"]
mod kernel;

use armorer_guard_core::builtin;
use armorer_guard_core::call::Surface;

const PROSE: &str = "The server starts once its configuration has been read, and answers after a moment. Logs go to \
     the standard output, one line each; what is older than a week is removed by the nightly job. ";
const CODE: &str = "fn main() {\n    let mut total = 0;\n    for (index, item) in items.iter().enumerate() {\n        \
     total += item.price * index; // the first one is free\n    }\n    println!(\"{total}\");\n}\n";
const LOG: &str = "2026-02-11T09:14:02.113Z INFO web-2 http.server: GET /v1/items?limit=10 status=200 dur_ms=87 \
     request=9f2c1ab7 agent=\"curl/8.5\"\n";
const CALL: &str = "{\"command\": \"cd packages/server && npm run build -- --mode production 2>&1 | tee build.log && \
     git add -A && git commit -m 'server: build once more'\", \"description\": \"Build the server for production and \
     commit what changed\", \"timeout\": 120000, \"cwd\": \"/home/user/project\"}\n";

fn repeated(part: &str, length: usize) -> Vec<u8> {
    part.bytes().cycle().take(length).collect()
}

fn token() -> String {
    // Not a literal, so that no scanner takes this file for a leak.
    format!("{}{}", "gh", "p_9fK2mQx7Rv4LtZs8WbNc3YhJd6GpVa1Te5Uo")
}

fn shortest(rounds: usize, mut work: impl FnMut()) -> Duration {
    let [least, ..] = kernel::spread((0..rounds).map(|_| kernel::timed(&mut work)).collect());
    Duration::from_nanos(least)
}

/// Two milliseconds of the machine that [`kernel::measure_yardstick`] is told of, in yardsticks.
const MOST_YARDSTICKS: f64 = 94.0;

fn repeats() -> bool {
    let scanner = builtin::scanner();
    let time = |part: &str, length: usize, rounds: usize| {
        let text = repeated(part, length);
        shortest(rounds, || {
            black_box(scanner.scan(black_box(&text), Surface::ToolResult));
        })
        .as_secs_f64()
    };
    let parts = hostile::parts(scanner.literals());
    let mut slow: Vec<(f64, &String)> = parts
        .iter()
        .map(|part| (time(part, 64 << 10, 1), part))
        .collect();
    slow.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut good = true;
    for (_, part) in slow.iter().take(30) {
        // Noise only ever adds: the smallest of more rounds, the yardstick in turn with them.
        let mut yardstick = u64::MAX;
        let mut measured = |length| {
            let mut least = f64::MAX;
            for _ in 0..5 {
                yardstick = yardstick.min(kernel::measure_yardstick());
                least = least.min(time(part, length, 3));
            }
            least
        };
        let (half, whole) = (measured(32 << 10), measured(64 << 10));
        let yardsticks = whole * 1e9 / yardstick as f64;
        let holds = whole <= half * 3.0 && yardsticks <= MOST_YARDSTICKS;
        good &= holds;
        let shown: String = part.chars().take(60).collect();
        println!(
            "{{\"hostile\":{shown:?},\"us\":{:.0},\"growth\":{:.2},\"yardsticks\":{yardsticks:.1},\"holds\":{holds}}}",
            whole * 1e6,
            whole / half,
        );
    }
    println!("{{\"repeats\":{},\"holds\":{good}}}", parts.len());
    good
}

fn once(part: &str, times: usize) {
    let text = match part.strip_prefix('@') {
        Some(path) => std::fs::read(path).unwrap(),
        None => repeated(part, 64 << 10),
    };
    for _ in 0..times {
        black_box(builtin::scanner().scan(black_box(&text), Surface::ToolResult));
    }
}

fn shapes() {
    let scanner = builtin::scanner();
    for part in hostile::parts(scanner.literals()) {
        let text = repeated(&part, 64 << 10);
        let mut yardstick = u64::MAX;
        let mut taken = u64::MAX;
        // Noise only ever adds, and what is far below the limit is below it with noise too.
        for _ in 0..4 {
            yardstick = yardstick.min(kernel::measure_yardstick());
            taken = taken.min(kernel::timed(|| {
                black_box(scanner.scan(black_box(&text), Surface::ToolResult));
            }));
            if (taken as f64) < yardstick as f64 * MOST_YARDSTICKS * 0.7 {
                break;
            }
        }
        println!(
            "{{\"us\":{},\"yardsticks\":{:.1},\"hostile\":{part:?}}}",
            taken / 1_000,
            taken as f64 / yardstick as f64
        );
    }
}

fn main() {
    if std::env::args().any(|word| word == "shapes") {
        return shapes();
    }
    if std::env::args().any(|word| word == "hostile") {
        std::process::exit(i32::from(!repeats()));
    }
    let mut words = std::env::args().skip_while(|word| word != "once").skip(1);
    if let Some(part) = words.next() {
        let times = words.next().and_then(|word| word.parse().ok());
        return once(&part, times.unwrap_or(1));
    }
    let scanner = builtin::scanner();
    let with_secret = CALL.replace("production 2>&1", &format!("{} 2>&1", token()));
    let mut inputs: Vec<(String, Vec<u8>)> = vec![
        (String::from("call_clean"), CALL.as_bytes().to_vec()),
        (String::from("call_secret"), with_secret.into_bytes()),
        (
            String::from("message_4k"),
            repeated(&[PROSE, CODE, LOG, CALL].concat(), 4_096),
        ),
    ];
    for (name, part) in [
        ("prose", PROSE),
        ("code", CODE),
        ("log", LOG),
        ("json", CALL),
    ] {
        inputs.push((format!("{name}_1m"), repeated(part, 1 << 20)));
    }
    let long = std::env::args().any(|word| word == "--long");
    if long {
        inputs.push((
            String::from("mixed_50m"),
            repeated(&[PROSE, CODE, LOG, CALL].concat(), 50 << 20),
        ));
    }
    for hostile in [
        "eyJ",
        "eyJ.",
        "password=",
        "password:",
        "://",
        "://a:b",
        "-----BEGIN PRIVATE KEY-----",
        "ghp_",
        "sk-",
        "%41",
        "\\u0041",
        "aws ",
        "api_key=\"",
        "1 ",
        "1234 ",
        "@a.b",
        "a@b.c",
        "ignore all ",
        "\" + \"",
        "](http",
        "<img",
        "QUJD",
        "41",
        "\u{200b}a",
        "\u{1b}[",
        "Basic QUJDREVG ",
        "bearer ",
        "а",
        "ｇ",
        "aA1-",
        "=",
        "[redacted:",
    ] {
        inputs.push((format!("hostile {hostile:?}"), repeated(hostile, 64 << 10)));
    }
    for (name, input) in inputs {
        let rounds = (6_000_000 / input.len()).clamp(5, 2_000);
        let mut target = vec![0_u8; input.len()];
        let mut scan = Duration::MAX;
        let mut copy = Duration::MAX;
        for _ in 0..3 {
            copy = copy.min(shortest(rounds, || {
                target.copy_from_slice(black_box(&input));
                black_box(&target);
            }));
            scan = scan.min(shortest(rounds, || {
                black_box(scanner.scan(black_box(&input), Surface::ToolResult));
            }));
        }
        let rate = input.len() as f64 / scan.as_secs_f64() / 1e9;
        println!(
            "{{\"input\":{name:?},\"bytes\":{},\"us\":{:.2},\"gb_per_s\":{rate:.3},\"of_memcpy\":{:.3}}}",
            input.len(),
            scan.as_secs_f64() * 1e6,
            copy.as_secs_f64() / scan.as_secs_f64().max(1e-12)
        );
    }
}
