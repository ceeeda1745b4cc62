//! What `rules` can be told.

use std::ffi::OsString;
#[cfg(unix)]
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use armorer_guard_core::call::Surface;
use armorer_guard_core::scan::FindingKind;
use lexopt::{Arg, Parser};

use crate::args::{self, Command, UsageError};

pub(crate) enum Action {
    List {
        kind: Option<FindingKind>,
    },
    Show {
        ids: Vec<String>,
    },
    Check {
        files: Vec<PathBuf>,
    },
    Why {
        /// Standard input when there is none.
        text: Option<Vec<u8>>,
        surface: Surface,
    },
}

pub(crate) struct Options {
    pub(crate) action: Action,
    pub(crate) packs: Vec<PathBuf>,
    pub(crate) json: bool,
}

pub(crate) fn help() -> String {
    String::from(HELP)
}

const HELP: &str = r"armorer-guard rules: list, show, check and explain detection rules

usage: armorer-guard rules list [--kind KIND] [OPTION...]
       armorer-guard rules show ID... [OPTION...]
       armorer-guard rules check [FILE...] [OPTION...]
       armorer-guard rules why [TEXT] [--surface NAME] [OPTION...]

  list              id, severity and name of every rule, by pack
  show              all that is written about a rule, or about each rule of a family (`pii`)
  check             hold packs (TOML files; by default those in `packs` of the guard's home) against the format and
                    their own examples, as the build does with ours
  why               which rules find something in a text (an argument, after `--` when it starts with a hyphen; else
                    standard input), and which nearly did but for a boundary, a length, a placeholder, too little
                    entropy, a word that must stand near, …; values are not shown

options:
  --kind KIND       only secret, pii, hidden_text, injection or exfiltration
  --surface NAME    where the text comes from: user, retrieved, tool_result (the default), tool_description, tool_args,
                    model_output
  --pack FILE       with the rules of this pack too, besides those in `packs` of the guard's home; may be given again
  --json            one JSON object instead of text for people: {rules: [...]}, for check {packs: [{file, rules}],
                    errors: [{kind, file, rule, message}]}, for why {findings: [{rule, kind, severity, confidence_pm,
                    start, end, checksum?, view?, redact}], near: [{rule, start, end, reason, message}]}
  -h, --help        show this

exit status: 0 done, 1 a pack is refused (check), 2 error
";

pub(crate) fn parse(mut parser: Parser) -> Result<Command, UsageError> {
    let mut name: Option<String> = None;
    let mut values: Vec<OsString> = Vec::new();
    let mut kind = None;
    let mut surface = None;
    let mut packs = Vec::new();
    let mut json = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(value) if name.is_none() => {
                name = Some(value.to_string_lossy().into_owned());
            }
            Arg::Value(value) => values.push(value),
            Arg::Long("kind") => kind = Some(finding_kind(&mut parser)?),
            Arg::Long("surface") => surface = Some(args::surface(&mut parser)?),
            Arg::Long("pack") => packs.push(parser.value()?.into()),
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(help)),
            other => return Err(args::unexpected(other, "rules")),
        }
    }
    let name = name.unwrap_or_default();
    let action = match name.as_str() {
        "list" => Action::List { kind },
        "show" => Action::Show {
            ids: values
                .iter()
                .map(|id| id.to_string_lossy().into_owned())
                .collect(),
        },
        "check" => Action::Check {
            files: values.iter().map(PathBuf::from).collect(),
        },
        "why" => Action::Why {
            text: values.pop().map(bytes),
            surface: surface.unwrap_or(Surface::ToolResult),
        },
        "" => {
            return Err(UsageError::new(
                "`rules` is told what to do with them",
                "one of list, show, check, why",
            ));
        }
        other => {
            return Err(UsageError::new(
                format!("`rules {other}` is nothing that can be done"),
                "one of list, show, check, why",
            ));
        }
    };
    let needs = matches!(&action, Action::Show { .. });
    let takes_none = matches!(&action, Action::List { .. } | Action::Why { .. });
    if needs && values.is_empty() {
        return Err(UsageError::new(
            format!("`rules {name}` says nothing of what"),
            "`armorer-guard rules --help` shows what it takes",
        ));
    }
    if takes_none && !values.is_empty() {
        return Err(UsageError::new(
            format!("`rules {name}` takes fewer arguments"),
            "put a text with blanks into quotes",
        ));
    }
    if kind.is_some() && !matches!(action, Action::List { .. })
        || surface.is_some() && !matches!(action, Action::Why { .. })
        || !packs.is_empty() && matches!(action, Action::Check { .. })
    {
        return Err(UsageError::new(
            format!("`rules {name}` does not take one of these options"),
            "`armorer-guard rules --help` shows what it takes",
        ));
    }
    Ok(Command::Rules(Options {
        action,
        packs,
        json,
    }))
}

#[cfg(unix)]
fn bytes(text: OsString) -> Vec<u8> {
    text.into_vec()
}

#[cfg(not(unix))]
fn bytes(text: OsString) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

fn finding_kind(parser: &mut Parser) -> Result<FindingKind, UsageError> {
    let name = args::text(parser, "--kind")?;
    FindingKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| {
            UsageError::new(
                format!("unknown kind `{name}`"),
                format!(
                    "one of {}",
                    FindingKind::ALL.map(FindingKind::as_str).join(", ")
                ),
            )
        })
}
