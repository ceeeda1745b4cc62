//! Fuzz targets for every parser, on the stable toolchain.
//!
//! Seeds from `tests/data/fuzz/TARGET` are mutated deterministically: the same rounds give the same inputs, so a
//! failure repeats. `ARMORER_GUARD_FUZZ_ROUNDS=1000000 cargo test --release --test fuzz` runs for longer, and
//! `ARMORER_GUARD_FUZZ_START=7` along another way. What broke once becomes a seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod mutate;
mod targets;

use std::path::Path;

use mutate::Mutator;

fn fuzz(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/fuzz")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("no seeds at {}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    for seed in &seeds {
        target(seed);
    }
    let rounds: u64 = std::env::var("ARMORER_GUARD_FUZZ_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(4_000);
    let start = std::env::var("ARMORER_GUARD_FUZZ_START")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0x9e37_79b9_7f4a_7c15);
    let mut mutator = Mutator::new(start);
    for round in 0..rounds {
        let input = mutator.next(&seeds);
        // A panic inside the target would not name its input.
        if std::panic::catch_unwind(|| target(&input)).is_err() {
            let kept = std::env::temp_dir().join(format!("armorer-guard-fuzz-{name}-{round}"));
            std::fs::write(&kept, &input).unwrap();
            panic!(
                "target {name} failed in round {round}; the input is in {}",
                kept.display()
            );
        }
    }
}

#[test]
fn shell_grammar() {
    fuzz("shell", targets::shell);
}

#[test]
fn code_of_other_languages() {
    fuzz("code", targets::code);
}

#[test]
fn urls() {
    fuzz("url", targets::url);
}

#[test]
fn scanner() {
    fuzz("scan", targets::scan);
}

#[test]
fn hook_input() {
    fuzz("hook", targets::hook);
}

#[test]
fn record_reader() {
    fuzz("record", targets::record);
}

#[test]
fn files_that_are_run_later() {
    fuzz("files", targets::files);
}

#[test]
fn whole_line() {
    fuzz("shell", targets::line);
}
