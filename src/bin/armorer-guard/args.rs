//! The command line. Options of commands that run in Python are passed through unread.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use armorer_guard_core::call::Surface;
use armorer_guard_core::sweep::select::Selection;
use lexopt::{Arg, Parser};

use crate::{catalogue, help, hook, redact, rules, scan};

/// What is to be done.
pub(crate) enum Command {
    Check(CheckOptions),
    Hook(HookOptions),
    Redact(redact::options::Options),
    Scan(scan::options::Options),
    Rules(rules::options::Options),
    Catalogue(catalogue::options::Options),
    /// The command and its arguments, for the Python command line.
    Python(Vec<OsString>),
    /// A text to print.
    Help(fn() -> String),
}

/// How standard input is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// A call when it looks like one, else a text.
    Auto,
    Text,
    Call,
    JsonLines,
}

/// Options of `check`.
pub(crate) struct CheckOptions {
    pub(crate) format: InputFormat,
    pub(crate) json: bool,
    pub(crate) surface: Surface,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) run: Option<String>,
    pub(crate) record: bool,
    pub(crate) home: Option<PathBuf>,
}

/// Options of `hook`.
pub(crate) struct HookOptions {
    pub(crate) runtime: String,
    pub(crate) home: Option<PathBuf>,
    pub(crate) deadline: Duration,
}

/// A command line that asks for nothing we do.
pub(crate) struct UsageError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl UsageError {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self {
            message: error.to_string(),
            hint: None,
        }
    }
}

/// Reads the command line without the program's own name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut arguments = arguments.into_iter();
    let Some(first) = arguments.next() else {
        return Ok(Command::Help(help::overview));
    };
    let rest: Vec<OsString> = arguments.collect();
    match first.to_str() {
        Some("check") => check(Parser::from_args(rest)),
        Some("hook") => hook(Parser::from_args(rest)),
        Some("redact") => redact::options::parse(Parser::from_args(rest)),
        Some("scan") => scan::options::parse(Parser::from_args(rest)),
        Some("rules") => rules::options::parse(Parser::from_args(rest)),
        Some("catalogue") => catalogue::options::parse(Parser::from_args(rest)),
        Some("help") => help_about(&rest),
        Some("-h" | "--help") => Ok(Command::Help(help::overview)),
        Some("-V" | "--version") => Ok(Command::Help(help::version)),
        Some(name) if help::is_python_command(name) => Ok(Command::Python(
            std::iter::once(first).chain(rest).collect(),
        )),
        Some(name) if name.starts_with('-') => Err(UsageError::new(
            format!("unknown option `{name}`"),
            "a command comes first; `armorer-guard --help` lists them",
        )),
        _ => {
            let name = first.to_string_lossy();
            Err(UsageError::new(
                format!("unknown command `{name}`"),
                help::closest_command(&name).map_or_else(
                    || String::from("`armorer-guard --help` lists the commands"),
                    |closest| format!("did you mean `armorer-guard {closest}`?"),
                ),
            ))
        }
    }
}

fn help_about(rest: &[OsString]) -> Result<Command, UsageError> {
    match rest.first().and_then(|topic| topic.to_str()) {
        Some("check") => Ok(Command::Help(help::check)),
        Some("hook") => Ok(Command::Help(help::hook)),
        Some("redact") => Ok(Command::Help(redact::options::help)),
        Some("scan") => Ok(Command::Help(scan::options::help)),
        Some("rules") => Ok(Command::Help(rules::options::help)),
        Some("catalogue") => Ok(Command::Help(catalogue::options::help)),
        Some(name) if help::is_python_command(name) => {
            Ok(Command::Python(vec![name.into(), "--help".into()]))
        }
        Some(name) => parse([OsString::from(name)]),
        None => Ok(Command::Help(help::overview)),
    }
}

fn check(mut parser: Parser) -> Result<Command, UsageError> {
    let mut options = CheckOptions {
        format: InputFormat::Auto,
        json: false,
        surface: Surface::ToolResult,
        cwd: None,
        run: None,
        record: true,
        home: None,
    };
    while let Some(argument) = parser.next()? {
        let format = match argument {
            Arg::Long("text") => InputFormat::Text,
            Arg::Long("call") => InputFormat::Call,
            Arg::Long("jsonl") => InputFormat::JsonLines,
            Arg::Long("json") => {
                options.json = true;
                continue;
            }
            Arg::Long("surface") => {
                options.surface = surface(&mut parser)?;
                continue;
            }
            Arg::Long("cwd") => {
                options.cwd = Some(directory(&mut parser, "--cwd")?);
                continue;
            }
            Arg::Long("run") => {
                options.run = Some(text(&mut parser, "--run")?);
                continue;
            }
            Arg::Long("no-record") => {
                options.record = false;
                continue;
            }
            Arg::Long("home") => {
                options.home = Some(directory(&mut parser, "--home")?);
                continue;
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(help::check)),
            other => return Err(unexpected(other, "check")),
        };
        if options.format != InputFormat::Auto && options.format != format {
            return Err(UsageError::new(
                "`--text`, `--call` and `--jsonl` exclude each other",
                "`armorer-guard check --help` says what each reads",
            ));
        }
        options.format = format;
    }
    Ok(Command::Check(options))
}

fn hook(mut parser: Parser) -> Result<Command, UsageError> {
    let mut runtime = None;
    let mut home = None;
    let mut deadline = hook::DEADLINE;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(name) if runtime.is_none() => {
                runtime = Some(name.to_string_lossy().into_owned());
            }
            Arg::Long("home") => home = Some(directory(&mut parser, "--home")?),
            Arg::Long("deadline-ms") => {
                let given = text(&mut parser, "--deadline-ms")?;
                deadline = given
                    .parse()
                    .ok()
                    .filter(|milliseconds| (1..=600_000).contains(milliseconds))
                    .map(Duration::from_millis)
                    .ok_or_else(|| {
                        UsageError::new(
                            format!("`--deadline-ms {given}` is not a number from 1 to 600000"),
                            "take less than the hook's time-out in the runtime's configuration",
                        )
                    })?;
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(help::hook)),
            other => return Err(unexpected(other, "hook")),
        }
    }
    let runtime = runtime.ok_or_else(|| {
        UsageError::new("`hook` takes the name of a runtime", help::known_runtimes())
    })?;
    Ok(Command::Hook(HookOptions {
        runtime,
        home,
        deadline,
    }))
}

pub(crate) fn unexpected(argument: Arg<'_>, command: &str) -> UsageError {
    UsageError {
        message: argument.unexpected().to_string(),
        hint: Some(format!(
            "`armorer-guard {command} --help` lists the options"
        )),
    }
}

/// What is looked for, with which rules and in what: the options that `scan` and `redact` share.
pub(crate) struct Sought {
    pub(crate) selection: Selection,
    pub(crate) packs: Vec<PathBuf>,
    pub(crate) surface: Surface,
}

impl Sought {
    /// Everything that the rules that are always there find in what a tool returned.
    pub(crate) fn everything() -> Self {
        Self {
            selection: Selection::default(),
            packs: Vec::new(),
            surface: Surface::ToolResult,
        }
    }

    /// Whether [`Sought::take`] knows the option.
    pub(crate) fn takes(option: &str) -> bool {
        matches!(option, "rule" | "exclude-rule" | "pack" | "surface")
    }

    pub(crate) fn take(&mut self, option: &str, parser: &mut Parser) -> Result<(), UsageError> {
        match option {
            "rule" => self.selection.only.push(text(parser, "--rule")?),
            "exclude-rule" => self.selection.except.push(text(parser, "--exclude-rule")?),
            "pack" => self.packs.push(parser.value()?.into()),
            _ => self.surface = surface(parser)?,
        }
        Ok(())
    }
}

pub(crate) fn surface(parser: &mut Parser) -> Result<Surface, UsageError> {
    let name = text(parser, "--surface")?;
    Surface::from_name(&name).ok_or_else(|| {
        UsageError::new(
            format!("unknown surface `{name}`"),
            format!("one of {}", Surface::ALL.map(Surface::as_str).join(", ")),
        )
    })
}

pub(crate) fn text(parser: &mut Parser, option: &str) -> Result<String, UsageError> {
    parser.value()?.into_string().map_err(|_| UsageError {
        message: format!("the value of `{option}` is not UTF-8"),
        hint: None,
    })
}

pub(crate) fn directory(parser: &mut Parser, option: &str) -> Result<PathBuf, UsageError> {
    let given = PathBuf::from(parser.value()?);
    std::path::absolute(&given).map_err(|error| UsageError {
        message: format!("the value of `{option}` is not a directory: {error}"),
        hint: None,
    })
}

/// Whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
