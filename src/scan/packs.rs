//! Packs from files to tables: read, compiled, held against their own examples. Ours at build time, a user's at run time.

use std::borrow::Cow;
use std::path::Path;

use super::{Finding, Scanner, views};
use crate::call::Surface;
use crate::rules::compile::{self, Compiled};
use crate::rules::example::{self, Filled};
use crate::rules::spec::{PackSpec, RuleSpec};
use crate::rules::{RuleError, Tables, layout};
use crate::span::ByteSpan;

/// Reads every pack (`*.toml`) in the folders, in order of their names.
///
/// # Errors
/// Every file that cannot be read.
pub fn read(folders: &[&Path]) -> Result<Vec<(String, PackSpec)>, Vec<RuleError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for folder in folders {
        match std::fs::read_dir(folder) {
            Ok(entries) => files.extend(
                entries
                    .filter_map(Result::ok)
                    .map(|entry| entry.path())
                    .filter(|path| {
                        path.extension()
                            .is_some_and(|extension| extension == "toml")
                    }),
            ),
            Err(error) => errors.push(RuleError::unreadable(folder, &error.to_string())),
        }
    }
    files.sort();
    let mut packs = Vec::new();
    for path in files {
        match std::fs::read_to_string(&path) {
            Ok(text) => match parse(&text) {
                Ok(pack) => packs.push((path.display().to_string(), pack)),
                Err(message) => errors.push(RuleError::unreadable(&path, &message)),
            },
            Err(error) => errors.push(RuleError::unreadable(&path, &error.to_string())),
        }
    }
    if errors.is_empty() {
        Ok(packs)
    } else {
        Err(errors)
    }
}

/// Reads one pack.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn parse(text: &str) -> Result<PackSpec, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().replace('\n', " "))
}

/// Compiles packs and holds every rule against its examples.
///
/// # Errors
/// Everything that is wrong, in order.
pub fn compile(packs: Vec<(String, PackSpec)>) -> Result<Vec<u8>, Vec<RuleError>> {
    let mut compiled = compile::compile(packs)?;
    compiled.literals.extend(views::literals());
    let whole = |message: String| {
        vec![RuleError {
            kind: RuleError::FIELD,
            file: String::from("packs"),
            rule: String::new(),
            message,
        }]
    };
    let bytes =
        layout::build(&compiled.rules, &compiled.literals, &compiled.allowed).map_err(whole)?;
    let scanner = Scanner::from_tables(Cow::Owned(bytes.clone()))
        .ok_or_else(|| whole(String::from("the tables that were built cannot be opened")))?;
    let errors = check(&scanner, &compiled);
    if errors.is_empty() {
        Ok(bytes)
    } else {
        Err(errors)
    }
}

/// Compiles a user's packs.
///
/// # Errors
/// Everything that is wrong, in order.
pub fn load(packs: Vec<(String, PackSpec)>) -> Result<Tables, Vec<RuleError>> {
    let bytes = compile(packs)?;
    Tables::open(Cow::Owned(bytes)).ok_or_else(Vec::new)
}

fn check(scanner: &Scanner, compiled: &Compiled) -> Vec<RuleError> {
    let mut errors = Vec::new();
    for (file, spec) in &compiled.specs {
        let mut refuse = |kind: &'static str, message: String| {
            errors.push(RuleError {
                kind,
                file: file.clone(),
                rule: spec.id.clone(),
                message,
            });
        };
        for (index, template) in spec.examples.iter().enumerate() {
            if let Err(message) = example_holds(scanner, spec, template, index) {
                refuse(
                    RuleError::EXAMPLE_MISSED,
                    format!("example {}: {message}", index + 1),
                );
            }
        }
        for (index, template) in spec.near_misses.iter().enumerate() {
            if let Err(message) = near_miss_holds(scanner, spec, template, index) {
                refuse(
                    RuleError::NEAR_MISS_FOUND,
                    format!("near miss {}: {message}", index + 1),
                );
            }
        }
    }
    errors
}

fn filled(spec: &RuleSpec, template: &str, what: &str, index: usize) -> Result<Filled, String> {
    let checksum = spec
        .token
        .as_ref()
        .and_then(|held| held.checksum.as_deref())
        .or_else(|| {
            spec.context
                .as_ref()
                .and_then(|held| held.checksum.as_deref())
        });
    example::fill(template, &format!("{} {what} {index}", spec.id), checksum)
}

fn surface(spec: &RuleSpec) -> Surface {
    let named = spec
        .surfaces
        .as_ref()
        .and_then(|held| held.first())
        .copied();
    named.unwrap_or(Surface::ToolResult)
}

fn example_holds(
    scanner: &Scanner,
    spec: &RuleSpec,
    template: &str,
    index: usize,
) -> Result<(), String> {
    let filled = filled(spec, template, "example", index)?;
    if filled.marks.is_empty() {
        return Err(String::from(
            "nothing is marked, expected `⟦…⟧` around what is found",
        ));
    }
    let findings = scanner.scan(&filled.text, surface(spec));
    let own: Vec<ByteSpan> = findings
        .iter()
        .filter(|finding| finding.rule == spec.id)
        .map(|finding| finding.span)
        .collect();
    if own == filled.marks {
        return Ok(());
    }
    Err(format!(
        "expected {} in `{}`, found {}",
        spans(&filled.marks),
        String::from_utf8_lossy(&filled.text).escape_debug(),
        said(&findings)
    ))
}

fn near_miss_holds(
    scanner: &Scanner,
    spec: &RuleSpec,
    template: &str,
    index: usize,
) -> Result<(), String> {
    let filled = filled(spec, template, "near miss", index)?;
    let findings = scanner.scan(&filled.text, surface(spec));
    match findings.iter().find(|finding| finding.rule == spec.id) {
        None => Ok(()),
        Some(finding) => Err(format!(
            "found at {} in `{}`",
            spans(&[finding.span]),
            String::from_utf8_lossy(&filled.text).escape_debug()
        )),
    }
}

fn spans(list: &[ByteSpan]) -> String {
    let each: Vec<String> = list
        .iter()
        .map(|span| format!("{}..{}", span.start(), span.end()))
        .collect();
    each.join(", ")
}

fn said(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::from("nothing");
    }
    let each: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} at {}", finding.rule, spans(&[finding.span])))
        .collect();
    each.join(", ")
}
