//! Whatever the text, its analysis ends, and every position in it is one of the text.
//!
//! Seeds from `tests/data/fuzz/code` are cut, repeated and mixed deterministically, so that a failure repeats.
//! `ARMORER_GUARD_FUZZ_ROUNDS=100000 cargo test --release --test code_total` runs for longer.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use std::path::Path;
use std::time::{Duration, Instant};

use armorer_guard_core::actions::code::{Language, MAX_CODE_BYTES, What, analyse};
use armorer_guard_core::shell::command::Value;

/// Pieces that open, close or escape something in some language.
const PIECES: [&str; 58] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "`",
    "\\",
    "\n",
    "\r\n",
    ";",
    ",",
    ".",
    ":",
    "::",
    "->",
    "=>",
    "=",
    "+",
    "$",
    "${",
    "$(",
    "#{",
    "@",
    "@{",
    "@(",
    "%",
    "%{",
    "<<",
    "<<EOT\n",
    "<<<",
    "/*",
    "*/",
    "--",
    "#",
    "//",
    "|",
    "||",
    "&",
    "&&",
    "^",
    "~",
    "é",
    "\u{1F600}",
    "\0",
    "if ",
    "for x in ",
    "end ",
    "lambda ",
    "function ",
    "eval ",
    "E'",
    "$$",
    "0x",
    "s/",
    "qw(",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

fn seeds() -> Vec<(String, Language)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz/code");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let prefix = name.split('-').next().unwrap();
            let language = Language::ALL
                .iter()
                .find(|(known, _)| *known == prefix)
                .unwrap()
                .1;
            (std::fs::read_to_string(path).unwrap(), language)
        })
        .collect()
}

/// Every span lies in the text on character boundaries, and what is said to stand there does.
fn check(language: Language, text: &str) {
    for effect in analyse(language, text) {
        let (start, end) = (effect.span.start(), effect.span.end());
        assert!(
            text.get(start..end).is_some(),
            "{language:?}: {start}..{end} is no part of {text:?}"
        );
        if let What::Shell {
            text: value,
            verbatim_at: Some(at),
        }
        | What::Code {
            text: value,
            verbatim_at: Some(at),
            ..
        } = &effect.what
            && let Value::Exact(value) = value
        {
            assert!(
                text.get(*at..)
                    .is_some_and(|rest| rest.starts_with(value.as_str())),
                "{language:?}: {value:?} does not stand at {at} of {text:?}"
            );
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[test]
fn every_seed_is_answered_and_told_where_it_says_so() {
    let mut seen = std::collections::BTreeSet::new();
    for (text, language) in seeds() {
        assert!(
            !analyse(language, &text).is_empty(),
            "{language:?} finds nothing in its seed"
        );
        check(language, &text);
        seen.insert(language);
    }
    assert_eq!(seen.len(), Language::ALL.len(), "every language has a seed");
}

#[test]
fn any_cut_mix_or_repetition_is_answered() {
    let rounds: usize = std::env::var("ARMORER_GUARD_FUZZ_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3_000);
    let seeds = seeds();
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for _ in 0..rounds {
        let (seed, language) = &seeds[random.below(seeds.len())];
        let mut text = seed.clone();
        for _ in 0..=random.below(6) {
            let at = floor(&text, random.below(text.len() + 1));
            match random.below(4) {
                0 => text.truncate(at),
                1 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
                2 => {
                    let other = &seeds[random.below(seeds.len())].0;
                    let from = floor(other, random.below(other.len() + 1));
                    text.insert_str(at, &other[from..]);
                }
                _ => {
                    let to = floor(&text, (at + random.below(12)).min(text.len()));
                    text.replace_range(at..to.max(at), "");
                }
            }
        }
        check(*language, &text);
        // The dialect comes from outside; it may be the wrong one.
        check(Language::ALL[random.below(Language::ALL.len())].1, &text);
    }
}

#[test]
fn work_is_bounded_on_hostile_text() {
    let mut units: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    for unit in [
        "f(",
        "a.b(",
        "x=x+x;",
        "x = x + x\n",
        "{x:",
        "[x for x in ",
        "'a'+",
        "\"${",
        "f\"{",
        "(DELETE ",
        "SELECT load_file(",
        "WITH a AS (",
        "not ",
        "1=1 OR (",
        "if x: ",
        "else if (x) ",
        "x||",
        "a?b:",
        "\\g",
        "go\n",
        "%a%",
        "$a|%{",
        "<<A;",
        "q(",
        "@(",
        "if exist a (",
        "for %a in (b) do ",
        "map{",
        "s/a/b/e;",
        "execute \"",
        "g/a/",
        "(a ",
        "-> {",
        "x => x => ",
        "\"a\" & ",
        "=begin\n",
        "[[",
        "--[[",
    ] {
        units.push(unit.to_owned());
    }
    let mut slow = Vec::new();
    for (name, language) in Language::ALL {
        for unit in &units {
            let text = unit.repeat(6 * 1024 / unit.len());
            let started = Instant::now();
            check(language, &text);
            // Many times what linear work takes in a debug build on a busy machine.
            if started.elapsed() > Duration::from_millis(1_500) {
                slow.push(format!("{name} takes {:?} for {unit:?}", started.elapsed()));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn too_long_code_is_unknown() {
    let text = "x".repeat(MAX_CODE_BYTES + 1);
    for (_, language) in Language::ALL {
        let effects = analyse(language, &text);
        assert_eq!(effects.len(), 1);
        assert_eq!(
            effects[0].what,
            What::Unknown {
                reason: String::from("analysis limit")
            }
        );
    }
}
