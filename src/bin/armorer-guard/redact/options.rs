//! What `redact` can be told.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::args::{self, Command, Sought, UsageError};

/// Where the redacted text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    StandardOutput,
    File(PathBuf),
    InPlace,
    /// Nowhere: it is only told whether something would be replaced.
    Check,
}

/// Where the report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReportTo {
    Nowhere,
    StandardError,
    File(PathBuf),
}

pub(crate) struct Options {
    /// `-` is standard input.
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) target: Target,
    pub(crate) report: ReportTo,
    pub(crate) lines: bool,
    pub(crate) personal: bool,
    pub(crate) sought: Sought,
    pub(crate) tags: bool,
    pub(crate) home: Option<PathBuf>,
}

pub(crate) fn help() -> String {
    String::from(HELP)
}

const HELP: &str = r"armorer-guard redact: replace secrets in files and pipes by marks, and change nothing else

usage: armorer-guard redact [OPTION...] [FILE...]

Reads FILEs, or standard input when there is none or for `-`, and writes them to standard output. Any bytes will do, and
any length: what is longer than 4 MiB is taken in overlapping windows with the result of the whole, unless a secret and
what gives it away lie more than 128 KiB apart. UTF-16 with a byte order mark stays UTF-16.

output:
  (none)            to standard output, one after the other
  -o, --output FILE into FILE, which is replaced whole or not at all
  -i, --in-place    back into each FILE, whole or not at all; a file without secrets is not touched
  --check           nowhere; only tell by the exit status whether something would be replaced
  --lines           pass on every line as it comes, for logs that are watched; a secret that only a later line gives
                    away is then found too late, except in a key block

report:
  --json            on standard error, one JSON object a line: {rule, path, line, column, start, end, tag}
                    for every replacement, {error, path} for what failed, at last a {summary}
  --report FILE     the same into FILE
                    positions are those in the input, in bytes (for UTF-16: of the same text in UTF-8)

options:
  --rule NAME       replace only what this rule or family (`secrets`) finds; may be given again
  --exclude-rule NAME
                    leave what this rule or family finds; may be given again
  --pack FILE       with the rules of this pack too, besides those in `packs` of the guard's home; may be given again
  --pii             replace personal data too
  --surface NAME    where the text comes from: user, retrieved, tool_result (the default), tool_description, tool_args,
                    model_output
  --no-tags         marks without tags; a tag is the same for the same value, and made with the key of the store that
                    `check` and `hook` keep; without a store there is none
  --home DIR        where that store is
  -h, --help        show this

exit status: 0 done, whether something was replaced or not; with --check 1 when something would be; 2 error: something
was not read, or not written whole
";

pub(crate) fn parse(mut parser: Parser) -> Result<Command, UsageError> {
    let mut options = Options {
        inputs: Vec::new(),
        target: Target::StandardOutput,
        report: ReportTo::Nowhere,
        lines: false,
        personal: false,
        sought: Sought::everything(),
        tags: true,
        home: None,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(path) => options.inputs.push(path.into()),
            Arg::Short('o') | Arg::Long("output") => {
                let path = PathBuf::from(parser.value()?);
                aim(&mut options, Target::File(path))?;
            }
            Arg::Short('i') | Arg::Long("in-place") => aim(&mut options, Target::InPlace)?,
            Arg::Long("check") => aim(&mut options, Target::Check)?,
            Arg::Long("json") => tell(&mut options, ReportTo::StandardError)?,
            Arg::Long("report") => {
                let path = PathBuf::from(parser.value()?);
                tell(&mut options, ReportTo::File(path))?;
            }
            Arg::Long("lines") => options.lines = true,
            Arg::Long("pii") => options.personal = true,
            Arg::Long(name) if Sought::takes(name) => {
                let name = name.to_owned();
                options.sought.take(&name, &mut parser)?;
            }
            Arg::Long("no-tags") => options.tags = false,
            Arg::Long("home") => options.home = Some(args::directory(&mut parser, "--home")?),
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(help)),
            other => return Err(args::unexpected(other, "redact")),
        }
    }
    let stdin = options
        .inputs
        .iter()
        .filter(|path| args::is_stdin(path))
        .count();
    if options.target == Target::InPlace && (stdin > 0 || options.inputs.is_empty()) {
        return Err(UsageError::new(
            "`--in-place` takes files, and standard input is none",
            "name the files, or leave `--in-place` away to write to standard output",
        ));
    }
    if stdin > 1 {
        return Err(UsageError::new(
            "standard input can be read once only",
            "give `-` once",
        ));
    }
    if options.inputs.is_empty() {
        options.inputs.push("-".into());
    }
    Ok(Command::Redact(options))
}

fn aim(options: &mut Options, target: Target) -> Result<(), UsageError> {
    if options.target != Target::StandardOutput && options.target != target {
        return Err(UsageError::new(
            "`--output`, `--in-place` and `--check` exclude each other",
            "`armorer-guard redact --help` says what each does",
        ));
    }
    options.target = target;
    Ok(())
}

fn tell(options: &mut Options, report: ReportTo) -> Result<(), UsageError> {
    if options.report != ReportTo::Nowhere && options.report != report {
        return Err(UsageError::new(
            "there is one report: on standard error with `--json`, or in a file with `--report`",
            "leave one of them away",
        ));
    }
    options.report = report;
    Ok(())
}
