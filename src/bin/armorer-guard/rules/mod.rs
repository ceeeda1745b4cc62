//! `armorer-guard rules`: what the rules are, whether a pack will do, and why a text is found or not.

pub(crate) mod options;
pub(crate) mod set;

use std::path::PathBuf;

use armorer_guard_core::call::Surface;
use armorer_guard_core::explain::visible;
use armorer_guard_core::home_packs;
use armorer_guard_core::rules::Rule;
use armorer_guard_core::rules::book::Page;
use armorer_guard_core::scan::why::{self, Near};
use armorer_guard_core::scan::{Checksum, Finding, FindingKind, packs};
use armorer_guard_core::sweep::select::covers;
use serde::Serialize;

use crate::input::{invite, read_all};
use crate::output::{answer, complain};
use options::{Action, Options};
use set::RuleSet;

const REFUSED: u8 = 1;
const ERROR: u8 = 2;

/// Runs the command and returns the exit status.
pub(crate) fn run(options: &Options) -> u8 {
    if let Action::Check { files } = &options.action {
        return check(files, options.json);
    }
    let Some(rules) = RuleSet::open_or_complain(&options.packs, None) else {
        return ERROR;
    };
    match &options.action {
        Action::List { kind } => list(&rules, *kind, options.json),
        Action::Show { ids } => show(&rules, ids, options.json),
        Action::Check { .. } => ERROR,
        Action::Why { text, surface } => match text {
            Some(text) => explain(&rules, text, *surface, options.json),
            None => {
                invite();
                match read_all() {
                    Ok(text) => explain(&rules, &text, *surface, options.json),
                    Err(error) => {
                        complain(&format!("{} [{}]", error.message, error.kind), None);
                        ERROR
                    }
                }
            }
        },
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    rules: Vec<RuleMembers<'a>>,
}

#[derive(Serialize)]
struct RuleMembers<'a> {
    id: &'a str,
    name: &'a str,
    kind: &'static str,
    severity: &'static str,
    pack: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    whole: Option<WholeMembers<'a>>,
}

#[derive(Serialize)]
struct WholeMembers<'a> {
    description: &'a str,
    tier: &'a str,
    form: &'a str,
    looks_for: &'a [String],
    checksum: Option<&'a str>,
    confidence_pm: u16,
    redact: bool,
    surfaces: Vec<&'static str>,
    references: &'a [String],
    examples: &'a [String],
    near_misses: &'a [String],
}

fn members<'a>(page: &'a Page, rule: &Rule, whole: bool) -> RuleMembers<'a> {
    RuleMembers {
        id: &page.id,
        name: &page.name,
        kind: rule.kind.as_str(),
        severity: rule.severity.as_str(),
        pack: &page.pack,
        whole: whole.then(|| WholeMembers {
            description: &page.description,
            tier: &page.tier,
            form: &page.form,
            looks_for: &page.looks_for,
            checksum: page.checksum.as_deref(),
            confidence_pm: rule.confidence_pm,
            redact: rule.redact,
            surfaces: surfaces(rule),
            references: &page.references,
            examples: &page.examples,
            near_misses: &page.near_misses,
        }),
    }
}

fn surfaces(rule: &Rule) -> Vec<&'static str> {
    Surface::ALL
        .into_iter()
        .filter(|surface| rule.speaks(*surface))
        .map(Surface::as_str)
        .collect()
}

fn list(rules: &RuleSet, kind: Option<FindingKind>, json: bool) -> u8 {
    let pages = rules.pages();
    let held: Vec<(&Page, &Rule)> = pages
        .iter()
        .filter_map(|page| rules.rule(&page.id).map(|rule| (page, rule)))
        .filter(|(_, rule)| kind.is_none_or(|kind| rule.kind == kind))
        .collect();
    let listed = Listed {
        rules: held
            .iter()
            .map(|(page, rule)| members(page, rule, false))
            .collect(),
    };
    answer(json, &listed, &|| {
        let mut out = String::new();
        let width = held
            .iter()
            .map(|(page, _)| page.id.len())
            .max()
            .unwrap_or(0);
        for group in held.chunk_by(|(left, _), (right, _)| left.pack == right.pack) {
            let (first, rule) = group[0];
            out.push_str(&format!("{} ({})\n", first.pack, rule.kind.as_str()));
            for (page, rule) in group {
                out.push_str(&format!(
                    "  {:width$}  {:8}  {}\n",
                    page.id,
                    rule.severity.as_str(),
                    visible(&page.name)
                ));
            }
        }
        out.push_str(&format!("{} rules\n", held.len()));
        out
    })
}

fn show(rules: &RuleSet, ids: &[String], json: bool) -> u8 {
    let pages = rules.pages();
    let mut held: Vec<(&Page, &Rule)> = Vec::new();
    for id in ids {
        let before = held.len();
        held.extend(
            pages
                .iter()
                .filter(|page| covers(id, &page.id))
                .filter_map(|page| rules.rule(&page.id).map(|rule| (page, rule))),
        );
        if held.len() == before {
            complain(
                &format!("no rule or family is named `{}`", visible(id)),
                Some("`armorer-guard rules list` shows them"),
            );
            return ERROR;
        }
    }
    let listed = Listed {
        rules: held
            .iter()
            .map(|(page, rule)| members(page, rule, true))
            .collect(),
    };
    answer(json, &listed, &|| {
        let shown: Vec<String> = held.iter().map(|(page, rule)| whole(page, rule)).collect();
        shown.join("\n")
    })
}

/// All that is written about a rule, for people.
fn whole(page: &Page, rule: &Rule) -> String {
    let mut out = format!("{}: {}\n", page.id, visible(&page.name));
    let mut line = |label: &str, text: &str| {
        out.push_str(&format!("  {label:12}{}\n", visible(text)));
    };
    line("", &page.description);
    line("kind", rule.kind.as_str());
    line("severity", rule.severity.as_str());
    line("confidence", &format!("{} per mille", rule.confidence_pm));
    line("redacted", if rule.redact { "yes" } else { "no" });
    let surfaces = surfaces(rule);
    if surfaces.len() < Surface::ALL.len() {
        line("speaks of", &surfaces.join(", "));
    }
    line("pack", &page.pack);
    line("form", &format!("{}, tier {}", page.form, page.tier));
    for text in &page.looks_for {
        line("looks for", text);
    }
    if let Some(checksum) = &page.checksum {
        line("checksum", checksum);
    }
    for (label, texts) in [
        ("found in", &page.examples),
        ("not in", &page.near_misses),
        ("see", &page.references),
    ] {
        for text in texts {
            line(label, text);
        }
    }
    out
}

#[derive(Serialize)]
struct Checked {
    packs: Vec<PackMembers>,
    errors: Vec<ErrorMembers>,
}

#[derive(Serialize)]
struct PackMembers {
    file: String,
    rules: usize,
    /// Hosts to which data may go.
    hosts: usize,
}

#[derive(Serialize)]
struct ErrorMembers {
    kind: &'static str,
    file: String,
    rule: String,
    message: String,
}

fn check(files: &[PathBuf], json: bool) -> u8 {
    let mut counts = Vec::new();
    let files = if files.is_empty() {
        set::at_home(None)
    } else {
        Ok(files.to_vec())
    };
    if files.as_ref().is_ok_and(Vec::is_empty) {
        complain(
            "`rules check` says nothing of what",
            Some("name packs, or put them into `packs` of the guard's home"),
        );
        return ERROR;
    }
    let outcome = files.and_then(|files| set::read(&files)).and_then(|packs| {
        counts = packs
            .iter()
            .map(|(file, pack)| PackMembers {
                file: file.clone(),
                rules: pack.rule.len(),
                hosts: pack.allow.iter().map(|allow| allow.hosts.len()).sum(),
            })
            .collect();
        home_packs::refuse_taken(&packs)?;
        packs::compile(packs).map(|_| ())
    });
    let errors = outcome.err().unwrap_or_default();
    let refused = !errors.is_empty();
    if !json {
        set::told(&errors);
        if refused {
            return REFUSED;
        }
    }
    let checked = Checked {
        packs: counts,
        errors: errors
            .into_iter()
            .map(|error| ErrorMembers {
                kind: error.kind,
                file: error.file,
                rule: error.rule,
                message: error.message,
            })
            .collect(),
    };
    let written = answer(json, &checked, &|| {
        checked
            .packs
            .iter()
            .map(|pack| {
                let hold = match pack.rules {
                    1 => String::from("1 rule holds"),
                    rules => format!("{rules} rules hold"),
                };
                let hosts = match pack.hosts {
                    0 => String::new(),
                    1 => String::from(", data may go to 1 host"),
                    hosts => format!(", data may go to {hosts} hosts"),
                };
                format!("{}: {hold}{hosts}\n", visible(&pack.file))
            })
            .collect()
    });
    if refused { REFUSED } else { written }
}

#[derive(Serialize)]
struct Explained<'a> {
    findings: &'a [Finding],
    near: &'a [Near],
}

fn explain(rules: &RuleSet, text: &[u8], surface: Surface, json: bool) -> u8 {
    let scanner = rules.scanner();
    let findings = scanner.scan(text, surface);
    let near = why::near(scanner, text, surface, &findings);
    let explained = Explained {
        findings: &findings,
        near: &near,
    };
    answer(json, &explained, &|| {
        let mut out = String::new();
        for finding in &findings {
            out.push_str(&format!(
                "found  {} ({}) at bytes {}..{}{}\n",
                finding.rule,
                finding.severity.as_str(),
                finding.span.start(),
                finding.span.end(),
                how(finding)
            ));
        }
        for held in &near {
            out.push_str(&format!(
                "near   {} at bytes {}..{}: {}\n",
                held.rule,
                held.start,
                held.end,
                visible(&held.message)
            ));
        }
        if out.is_empty() {
            out.push_str("no rule finds anything, and none is near\n");
        }
        out
    })
}

/// What else is known of a finding.
fn how(finding: &Finding) -> String {
    let mut out = format!(", {} per mille sure", finding.confidence_pm);
    match finding.checksum {
        Some(Checksum::Valid) => out.push_str(", its checksum is right"),
        Some(Checksum::Mismatch) => out.push_str(", its checksum is wrong"),
        None => {}
    }
    if let Some(view) = &finding.view {
        out.push_str(&format!(", in {view}"));
    }
    out
}
