//! What a scan says: findings as they come for people, all at once for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use armorer_guard_core::explain::{Style, visible};
use armorer_guard_core::sweep::report::Located;
use armorer_guard_core::sweep::sarif;
use armorer_guard_core::wire::write_line;
use serde::{Serialize, Serializer};

use super::file::Outcome;
use super::options::{Format, Options};
use super::walk::Skip;
use crate::output::{complain, style};
use crate::progress::{Progress, size};
use crate::rules::set::RuleSet;
use crate::whole;

pub(super) struct Report {
    out: Out,
    format: Format,
    style: Style,
    update: bool,
    /// Kept for the end; for people only counted.
    findings: Vec<(PathBuf, Located)>,
    errors: Vec<(PathBuf, String)>,
    skipped: Vec<(PathBuf, Skip)>,
    skips: BTreeMap<Skip, usize>,
    found: usize,
    with_findings: usize,
    files: usize,
    bytes: u64,
    known: usize,
}

enum Out {
    Standard(io::Stdout),
    /// Kept for the end: a file begun now could lie in the way of the walk.
    File(PathBuf, Vec<u8>),
}

impl Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.write_all(bytes).and_then(|()| out.flush()),
            Self::File(_, held) => held.write_all(bytes),
        }
    }

    fn finish(&self) -> io::Result<()> {
        match self {
            Self::Standard(_) => Ok(()),
            Self::File(path, held) => whole::write(path, held),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(serialize_with = "all_members")]
    findings: &'a [(PathBuf, Located)],
    errors: Vec<ErrorMembers<'a>>,
    skipped: Vec<SkipMembers<'a>>,
    files: usize,
    bytes: u64,
    known: usize,
}

#[derive(Serialize)]
struct ErrorMembers<'a> {
    path: std::borrow::Cow<'a, str>,
    message: &'a str,
}

#[derive(Serialize)]
struct SkipMembers<'a> {
    path: std::borrow::Cow<'a, str>,
    reason: Skip,
}

fn all_members<S: Serializer>(
    findings: &&[(PathBuf, Located)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeSeq as _;
    let mut list = serializer.serialize_seq(Some(findings.len()))?;
    for (path, located) in *findings {
        list.serialize_element(&located.members(&path.to_string_lossy()))?;
    }
    list.end()
}

impl Report {
    pub(super) fn start(options: &Options) -> Self {
        let (out, style) = match &options.output {
            None => {
                let out = io::stdout();
                let style = style(&out);
                (Out::Standard(out), style)
            }
            Some(path) => (Out::File(path.clone(), Vec::new()), Style::Plain),
        };
        Self {
            style,
            out,
            format: options.format,
            update: options.update_baseline,
            findings: Vec::new(),
            errors: Vec::new(),
            skipped: Vec::new(),
            skips: BTreeMap::new(),
            found: 0,
            with_findings: 0,
            files: 0,
            bytes: 0,
            known: 0,
        }
    }

    /// Findings that were told.
    pub(super) const fn found(&self) -> usize {
        self.found
    }

    /// Files that were scanned.
    pub(super) const fn files(&self) -> usize {
        self.files
    }

    /// What could not be scanned.
    pub(super) const fn errors(&self) -> usize {
        self.errors.len()
    }

    /// The next outcome, of whose findings `known` were taken out.
    pub(super) fn add(
        &mut self,
        outcome: Outcome,
        known: usize,
        progress: &mut Progress,
    ) -> io::Result<()> {
        let Outcome {
            path,
            result,
            error,
        } = outcome;
        self.known += known;
        if let Some(error) = error {
            progress.clear();
            complain(
                &format!(
                    "`{}` cannot be read: {error}",
                    visible(&path.to_string_lossy())
                ),
                None,
            );
            self.errors.push((path.clone(), error));
        } else if result.is_ok() {
            self.files += 1;
        }
        let scanned = match result {
            Ok(scanned) => scanned,
            Err(skip) => {
                *self.skips.entry(skip).or_default() += 1;
                if self.format == Format::Json {
                    self.skipped.push((path, skip));
                }
                return Ok(());
            }
        };
        self.bytes += scanned.bytes;
        self.found += scanned.located.len();
        self.with_findings += usize::from(!scanned.located.is_empty());
        if scanned.located.is_empty() {
            return Ok(());
        }
        if self.format != Format::Human {
            self.findings.extend(
                scanned
                    .located
                    .into_iter()
                    .map(|(located, _)| (path.clone(), located)),
            );
            return Ok(());
        }
        progress.clear();
        let name = path.to_string_lossy();
        let lines: String = scanned
            .located
            .iter()
            .map(|(located, _)| located.line(&name, self.style))
            .collect();
        self.out.write(lines.as_bytes())
    }

    /// Writes what comes at the end.
    pub(super) fn finish(&mut self, rules: &RuleSet) -> io::Result<()> {
        match self.format {
            Format::Human => {
                let _ = io::stderr().write_all(self.summary().as_bytes());
            }
            Format::Json => {
                let document = self.document();
                self.out.write(&document)?;
            }
            Format::Sarif => {
                let report = self.sarif(rules);
                self.out.write(&report)?;
            }
        }
        self.out.finish()
    }

    fn document(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_line(
            &Document {
                findings: &self.findings,
                errors: self
                    .errors
                    .iter()
                    .map(|(path, message)| ErrorMembers {
                        path: path.to_string_lossy(),
                        message,
                    })
                    .collect(),
                skipped: self
                    .skipped
                    .iter()
                    .map(|(path, reason)| SkipMembers {
                        path: path.to_string_lossy(),
                        reason: *reason,
                    })
                    .collect(),
                files: self.files,
                bytes: self.bytes,
                known: self.known,
            },
            &mut bytes,
        );
        bytes
    }

    fn sarif(&self, rules: &RuleSet) -> Vec<u8> {
        let entries: Vec<sarif::Entry<'_>> = self
            .findings
            .iter()
            .map(|(path, located)| sarif::Entry { path, located })
            .collect();
        let failed: Vec<sarif::Failed<'_>> = self
            .errors
            .iter()
            .map(|(path, message)| sarif::Failed { path, message })
            .collect();
        let pages = rules.pages();
        let texts = pages
            .iter()
            .map(|page| {
                let text = sarif::RuleText {
                    name: page.name.clone(),
                    description: page.description.clone(),
                    reference: page.references.first().cloned(),
                };
                (page.id.as_str(), text)
            })
            .collect();
        sarif::write(&entries, &failed, &texts)
    }

    /// One line for people.
    fn summary(&self) -> String {
        let count = |number: usize, one: &str, many: &str| {
            format!("{number} {}", if number == 1 { one } else { many })
        };
        let mut out = if self.update {
            format!(
                "the baseline knows {}",
                count(self.known, "finding", "findings")
            )
        } else {
            let mut out = count(self.found, "finding", "findings");
            if self.found > 0 {
                out.push_str(&format!(
                    " in {}",
                    count(self.with_findings, "file", "files")
                ));
            }
            if self.known > 0 {
                out.push_str(&format!(", {} known", self.known));
            }
            out
        };
        out.push_str(&format!(
            "; scanned {}, {}",
            count(self.files, "file", "files"),
            size(self.bytes)
        ));
        if !self.skips.is_empty() {
            let skips: Vec<String> = self
                .skips
                .iter()
                .map(|(skip, number)| format!("{number} {}", skip.words()))
                .collect();
            out.push_str(&format!("; skipped {}", skips.join(", ")));
        }
        if !self.errors.is_empty() {
            out.push_str(&format!(
                "; {}",
                count(self.errors.len(), "error", "errors")
            ));
        }
        out.push('\n');
        out
    }
}
