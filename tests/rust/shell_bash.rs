//! The grammar beside `bash -n`: both must accept or refuse the same texts, but for the disagreements that
//! `tests/data/shell/disagreements.txt` lists with their reasons.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use armorer_guard_core::shell::command::{Scope, Start, Why};
use armorer_guard_core::shell::resolve;

/// Texts from a file: separated by lines of `%%`.
fn texts(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/shell")
        .join(name);
    let all = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("no texts at {}: {error}", path.display()));
    all.split("\n%%\n")
        .map(|text| text.trim_end_matches('\n').to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Whether bash accepts a text; `None` when there is no bash.
fn bash_accepts(text: &str) -> Option<bool> {
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-n", "-c", "--", text])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .ok()?;
    // An error inside `[[ ]]` is told, but leaves the status at zero.
    let told = String::from_utf8_lossy(&output.stderr);
    Some(output.status.success() && !told.contains("expected") && !told.contains("syntax error"))
}

fn we_accept(text: &str) -> bool {
    let start = Start {
        cwd: None,
        home: None,
        user: None,
        scope: Rc::new(Scope::default()),
        workspace: None,
        usual: None,
    };
    !resolve(text, &start)
        .unresolved
        .iter()
        .any(|unresolved| unresolved.why == Why::Syntax)
}

/// Each text, and each text with one token dropped or doubled: the borders of the grammar. The operators inside
/// `[[ ]]` are left unchecked on purpose, so a text with it stands for itself alone.
fn variants(text: &str) -> Vec<String> {
    let tokens: Vec<&str> = text.split_inclusive([' ', ';', '\n']).collect();
    let mut all = vec![text.to_owned()];
    if text.contains("[[") {
        return all;
    }
    for index in 0..tokens.len() {
        let mut without = tokens.clone();
        without.remove(index);
        all.push(without.concat());
        let mut doubled = tokens.clone();
        doubled.insert(index, tokens[index]);
        all.push(doubled.concat());
    }
    all
}

#[test]
fn we_accept_what_bash_accepts() {
    if bash_accepts("true") != Some(true) {
        eprintln!("skipped: there is no bash to compare with");
        return;
    }
    let known: BTreeSet<String> = texts("disagreements.txt")
        .into_iter()
        .filter_map(|entry| entry.split_once('\n').map(|(_, text)| text.to_owned()))
        .collect();
    let mut compared = 0;
    let mut unexplained = Vec::new();
    for text in texts("accepted_or_refused.txt") {
        for variant in variants(&text) {
            compared += 1;
            let theirs = bash_accepts(&variant).expect("bash ran a moment ago");
            if theirs != we_accept(&variant) && !known.contains(variant.trim_end_matches('\n')) {
                unexplained.push((theirs, variant));
            }
        }
    }
    assert!(compared > 300, "only {compared} texts were compared");
    assert!(
        unexplained.is_empty(),
        "{} of {compared} texts judged differently (bash accepts, text): {unexplained:#?}",
        unexplained.len()
    );
}

#[test]
fn every_explained_disagreement_is_still_one() {
    if bash_accepts("true") != Some(true) {
        eprintln!("skipped: there is no bash to compare with");
        return;
    }
    for entry in texts("disagreements.txt") {
        let (reason, text) = entry.split_once('\n').expect("a reason, then the text");
        assert!(reason.starts_with("# "), "no reason before {text:?}");
        assert_ne!(
            bash_accepts(text),
            Some(we_accept(text)),
            "no longer a disagreement: {text:?}"
        );
    }
}
