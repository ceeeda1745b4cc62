//! How fast texts are scanned, beside a copy of the same bytes.
//!
//! `cargo bench --bench scan` prints one JSON line for each input: bytes per second, and that as a share of a memory
//! copy measured in turn with it (the smallest of many rounds of each, thread time), which other load does not move.
//!
//! `-- hostile` repeats every literal that is searched for, with what may follow it, and whatever else makes work, to
//! 64 KiB, prints the slowest and how their cost grows from 32 KiB, and fails when one is not linear or takes more
//! yardsticks than two milliseconds of the machine that the yardstick is told of.
//!
//! `-- once TEXT` scans 64 KiB of a repeated text once, for counting instructions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measuring program"
)]

use std::hint::black_box;
use std::time::Duration;

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

/// What makes work without being a literal: numbers, addresses, escapes, invisible characters, scripts.
const LABOUR: [&str; 109] = [
    "1 ",
    "1234 ",
    "12345678 ",
    "4539 ",
    "DE89",
    "+1 ",
    "536-22-8150 ",
    "1-2-3-4-",
    "2026-11-22T",
    "@a.b",
    "a@b.c",
    "x@y.zz ",
    "%41",
    "abcdefgh%41",
    "\\u0041",
    "\\x41",
    "&#x41;",
    "\" + \"",
    "](http",
    "<img",
    "QUJD",
    "41",
    "AAAA",
    "aA1-",
    "=",
    "[redacted:",
    "Basic QUJDREVG ",
    "\u{200b}a",
    "\u{200b}\u{200c}",
    "\u{200b}",
    "\u{e0041}",
    "\u{fe01}",
    "\u{202e}",
    "\u{1b}[",
    "\u{430}",
    "\u{ff47}",
    "\u{3000}",
    "\u{e4}",
    "\u{65e5}\u{672c}",
    "postgres://a:b@",
    "https://user:pw@h/",
    "https://user:p4ssw9rd@h/",
    // Encodings in encodings.
    "%2541",
    "%25252541",
    "\\\\u0041",
    "\\\\\\\\x41",
    "&amp;#x41;",
    "VVZWV1JVUQ==\n",
    "NDE0MjQz",
    // Quotes, and quotes that are escaped.
    "\"",
    "'\"`",
    "\\\"",
    "\\\\\\\"",
    "\"\"\"",
    "password='\\''",
    // What takes no room.
    "\u{200b}\u{200c}\u{200d}\u{feff}",
    "a\u{200d}b",
    "\u{2060}\u{200b}g",
    "\u{fe00}\u{fe01}a",
    // Blocks that nearly are keys.
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7Zf3Xk1Qw9\n",
    "-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\\nMII\\n-----END RSA PRIVATE KEY-----",
    "-----",
    "MIIEpAIBAAKCAQEA7Zf3Xk1Qw9Bv\n",
    // What is put together from broken lines, and what is named in HTML and mail.
    "ghp_AAAAAAAAAAAAAAAAAAAA=\n",
    "sk-aA1\\\n",
    "ghp_aA1bB2cC3dD4eE5fF6gG7hH8iI9jJ0kK1lL2mM3nN4oO5pP6qQ7rR8sS9\n",
    "&quot;",
    "&amp;password&amp;",
    "a%2B",
    "=3D",
    // Words that say something about a value that does not come.
    "password for the new one ",
    "password: >-\n",
    "password: &a ",
    "\"password\": {",
    "<password><![CDATA[",
    // Scripts without blanks, and commands.
    "\u{5ffd}\u{7565}\u{6240}\u{6709}",
    "mysql -pa1 ",
    "docker login -p ",
    "echo a | ",
    // Colours, and what they stand between.
    "\u{1b}[1;33m",
    "\\u001b[33m",
    "password\u{1b}[0m=\u{1b}[33m",
    // What may stand between a name and its value, and the value does not come.
    "password string ",
    "password?: ",
    "password: [[[",
    "password REG_SZ ",
    "\"password\", default=",
    "password: Some(",
    "password={",
    "password { get;",
    "password: Type: ",
    "</td><td>password</td><td>",
    "name=\"password\"\r\n\r\n",
    "git config --x password ",
    "\"AWS::password\"::",
    // Soft breaks, and what PowerShell takes for a command.
    "=3Da=\n",
    "ZQBjAGgAbwAgADEA",
    // What is not ASCII, and is not text.
    "\u{e9}password=\u{e9}",
    // Headings of tables, and rows that are headings too.
    "password|",
    "user,password\n",
    "| a | password |\n|---|---|\n",
    "(a, password) values ('a', 'b'), ",
    // Words of sentences, and words that a token needs before it.
    "disregard the rules you were told ",
    "wallet alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo ",
    "<<< =token-",
    "---p ' ",
    "credentials: a / b",
];

/// Texts that are nothing but what the scan stops at.
fn hostile(literals: &mut dyn Iterator<Item = &[u8]>) -> Vec<String> {
    let mut parts: Vec<String> = LABOUR.map(String::from).to_vec();
    for literal in literals {
        let literal = String::from_utf8_lossy(literal);
        for after in ["", " ", "=", ": ", "=\"", "-", "A", "a1"] {
            parts.push(format!("{literal}{after}"));
        }
        parts.push(format!("--{literal} "));
        parts.push(format!("-----{literal}-----"));
    }
    // One after the other, so that no rule has its own repeated.
    let own: Vec<String> = parts.iter().step_by(13).cloned().collect();
    for pair in own.windows(2).step_by(2) {
        parts.push(pair.concat());
    }
    for many in own.chunks(16) {
        parts.push(many.concat());
    }
    parts.sort();
    parts.dedup();
    parts
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
    let parts = hostile(&mut scanner.literals());
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

fn once(part: &str) {
    let text = repeated(part, 64 << 10);
    black_box(builtin::scanner().scan(black_box(&text), Surface::ToolResult));
}

fn main() {
    if std::env::args().any(|word| word == "hostile") {
        std::process::exit(i32::from(!repeats()));
    }
    if let Some(part) = std::env::args().skip_while(|word| word != "once").nth(1) {
        return once(&part);
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
