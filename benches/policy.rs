//! The policy alone: deciding under the built-in one and under 200 rules, loading, and decoding the built-in table.
//!
//! `cargo bench --bench policy` prints one JSON line for each figure, in nanoseconds, with the least of a yardstick that
//! was measured between. `-- decide 1000` and `-- load 100` do only that, as often as said: under callgrind, the difference
//! between two counts divided by the difference of the numbers is the cost of one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measuring program"
)]

mod kernel;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use armorer_guard_core::builtin;
use armorer_guard_core::facts::Facts;
use armorer_guard_core::policy::{Policy, decide, load_active, table};
use armorer_guard_core::record;

/// As in the extension.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FACTS: &str = r#"{"phase":"pre","tool":"Bash","surface":"tool_args","actions":[
{"kind":"fs.write","target":{"value":"/home/u/p/build.log","exact":true,"place":"workspace"},"certainty":"certain","by":"tee","at":"/command"},
{"kind":"exec.local","target":{"value":"npm run build","exact":true},"certainty":"certain","by":"npm","at":"/command"},
{"kind":"vcs.write","target":{"value":"/home/u/p","exact":true},"certainty":"certain","by":"git commit","at":"/command"}],
"findings":[],"args":{"command":"npm run build | tee build.log && git commit -am x"},
"context":{"cwd":"/home/u/p","workspace":"/home/u/p","home":"/home/u","user":"u","guard_home":null},
"caller":{"run":null,"runtime":"bench","call_id":null,"agent":null,"depth":0,"host_mode":null},
"state":{"labels":[],"counters":[]},"now":"2026-11-25T10:00:00.000000Z"}"#;

/// The built-in policy and as many rules as make 200, of the shapes that people write.
fn large() -> Vec<u8> {
    let text = std::str::from_utf8(builtin::policy_text()).expect("UTF-8");
    let mut rules = String::new();
    let own = Policy::from_compiled(builtin::policy_text())
        .expect("usable")
        .rules();
    for number in own..200 {
        let when = match number % 4 {
            0 => format!(
                r#"{{"action":{{"kind":["fs.*"],"target":{{"any":["${{workspace}}/gen{number}/**","**/*.k{number}"]}}}}}}"#
            ),
            1 => format!(
                r#"{{"action":{{"kind":["net.*"],"host":{{"any":["*.h{number}.example"]}}}}}}"#
            ),
            2 => format!(r#"{{"tool":{{"any":["mcp__s{number}__*"]}},"phase":["pre"]}}"#),
            _ => r#"{"action":{"kind":["exec.*","vcs.*"],"by":{"any":["kubectl*"]}},"label":{"any":["secret"]}}"#.to_owned(),
        };
        let _ = write!(
            rules,
            r#",{{"id":"zz.{number:03}","effect":"deny","layer":"user","file":"b","line":1,"why":"because","when":[{when}]}}"#
        );
    }
    let end = text.rfind("]}").expect("the end of the rules");
    format!("{}{rules}{}", &text[..end], &text[end..]).into_bytes()
}

fn measure(name: &str, rounds: usize, mut act: impl FnMut()) {
    let mut yardstick = u64::MAX;
    let nanoseconds = (0..rounds)
        .map(|round| {
            if round % 64 == 0 {
                yardstick = yardstick.min(kernel::measure_yardstick());
            }
            kernel::timed(&mut act)
        })
        .collect();
    let [min, p50, p99] = kernel::spread(nanoseconds);
    println!(
        "{}",
        serde_json::json!({"what": name, "min_ns": min, "p50_ns": p50, "p99_ns": p99, "yardstick_ns": yardstick})
    );
}

/// Puts a policy in force in a home of its own, with a table of that form.
fn activate(home: &Path, policy: &Policy, text: &[u8], (form, table): (&str, &[u8])) {
    let digest = record::digest(table);
    for (digest, bytes) in [(policy.digest(), text), (digest.as_str(), table)] {
        let name = &digest["sha256:".len()..];
        let folder = home.join("store/objects").join(&name[..2]);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), bytes).expect("written");
    }
    std::fs::create_dir_all(home.join("policy")).expect("a folder");
    let pointer = format!(
        r#"{{"digest":"{}","format":"armorer-active/1","table":{{"crc32":{},"digest":"{digest}","form":"{form}"}}}}"#,
        policy.digest(),
        crc32fast::hash(table)
    );
    std::fs::write(home.join("policy/active.json"), pointer).expect("written");
}

fn main() {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let facts: Facts = serde_json::from_str(FACTS).expect("facts");
    let large = large();
    let policy = Policy::from_compiled(&large).expect("a policy");
    assert_eq!(policy.rules(), 200);
    let home = std::env::temp_dir().join(format!("armorer-policy-bench-{}", std::process::id()));
    let (form, stored) = table(&large).expect("usable");
    activate(&home, &policy, &large, (form, &stored));
    let judge = |policy| {
        black_box(decide(black_box(&facts), policy));
    };
    let load = || assert!(load_active(&home).expect("usable").is_some());
    if let [what, rounds] = arguments.as_slice() {
        for _ in 0..rounds.parse::<u32>().expect("a number") {
            match what.as_str() {
                "decide" => judge(&policy),
                _ => load(),
            }
        }
    } else {
        let shipped = builtin::policy().expect("usable");
        for policy in [shipped, &policy] {
            assert_eq!(decide(&facts, policy).effect.as_str(), "allow");
            measure(&format!("decide, {} rules", policy.rules()), 20_000, || {
                judge(policy);
            });
        }
        let (bytes, text) = builtin::policy_table();
        measure("decode the built-in table", 2_000, || {
            black_box(Policy::from_table(bytes, text).expect("usable"));
        });
        measure("read 200 rules from memory", 2_000, || {
            black_box(Policy::from_compiled(&large).expect("usable"));
        });
        measure("load 200 active rules from their table", 2_000, load);
        activate(&home, &policy, &large, ("another", &stored));
        measure("load 200 active rules from their text", 2_000, load);
    }
    std::fs::remove_dir_all(&home).expect("removed");
}
