//! What `scan` can be told.

use std::path::PathBuf;

use armorer_guard_core::sweep::select::severity;
use lexopt::{Arg, Parser};

use crate::args::{self, Command, Sought, UsageError};

/// How the findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
    Sarif,
}

pub(crate) struct Options {
    /// `-` is standard input.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) files: FileOptions,
    pub(crate) sought: Sought,
    pub(crate) format: Format,
    pub(crate) output: Option<PathBuf>,
    pub(crate) baseline: Option<PathBuf>,
    pub(crate) update_baseline: bool,
    pub(crate) threads: usize,
}

/// Which files are scanned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileOptions {
    pub(crate) hidden: bool,
    pub(crate) ignore_files: bool,
    pub(crate) binary: bool,
    /// In bytes.
    pub(crate) max_size: Option<u64>,
}

pub(crate) fn help() -> String {
    String::from(HELP)
}

const HELP: &str = r"armorer-guard scan: find secrets, and what else the rules describe, in files and directories

usage: armorer-guard scan [OPTION...] [PATH...]

Scans the files below each PATH (by default the working directory); `-` is standard input. Findings come in the order of
the paths, whatever number of threads works. Values are never shown.

files:
  --hidden          also files and directories whose names start with a dot
  --no-ignore       also what .gitignore and .ignore exclude; they are respected without a git repository too
  --binary          also binary files; else what has a zero byte in its first 8 KiB is skipped, and counted
                    (UTF-16 with a byte order mark is text)
  --max-size SIZE   skip and count larger files: 500k, 10M, 1G; by default there is no limit
  --threads N       by default one for each core
  Symbolic links and special files below a PATH are not followed but skipped and counted; a PATH itself is always
  scanned as what it leads to, hidden and ignored or not.

findings:
  --rule NAME       only of this rule or family (`secrets`); may be given again
  --exclude-rule NAME
                    not of this rule or family; may be given again
  --pack FILE       with the rules of this pack too, besides those in `packs` of the guard's home; may be given again
  --min-severity S  low (the default), medium, high or critical
  --surface NAME    where the texts come from: user, retrieved, tool_result (the default), tool_description, tool_args,
                    model_output; some rules speak about some only
  --baseline FILE   do not show what FILE knows. It holds rule, path and a keyed check for each known finding: 20 bits
                    over values that no one could guess, over others only the line around them with the value left
                    out; so that no value can be found by trying, though the key lies in the file
  --update-baseline write what this scan finds to the baseline (also a first one) and show nothing of it

output:
  (none)            `path:line:column: severity rule` on standard output; what was skipped on standard error
  --json            one JSON object: {findings: [{rule, kind, severity, confidence_pm, path, line, column, end_line,
                    end_column, start, end, checksum?, view?, redact}], errors: [{path, message}],
                    skipped: [{path, reason}], files, bytes, known}
  --sarif           SARIF 2.1.0
  -o, --output FILE into FILE, which is replaced whole or not at all
                    lines and columns count from 1, columns in characters; start and end in bytes

exit status: 0 nothing found (or everything known), 1 something found, 2 error: something could not be read, or the
findings not be written; what else was found is still told
";

pub(crate) fn parse(mut parser: Parser) -> Result<Command, UsageError> {
    let mut options = Options {
        paths: Vec::new(),
        files: FileOptions {
            hidden: false,
            ignore_files: true,
            binary: false,
            max_size: None,
        },
        sought: Sought::everything(),
        format: Format::Human,
        output: None,
        baseline: None,
        update_baseline: false,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(path) => options.paths.push(path.into()),
            Arg::Long("hidden") => options.files.hidden = true,
            Arg::Long("no-ignore") => options.files.ignore_files = false,
            Arg::Long("binary") => options.files.binary = true,
            Arg::Long("max-size") => options.files.max_size = Some(size(&mut parser)?),
            Arg::Long("threads") => options.threads = threads(&mut parser)?,
            Arg::Long(name) if Sought::takes(name) => {
                let name = name.to_owned();
                options.sought.take(&name, &mut parser)?;
            }
            Arg::Long("min-severity") => {
                let name = args::text(&mut parser, "--min-severity")?;
                let least = severity(&name).ok_or_else(|| {
                    UsageError::new(
                        format!("unknown severity `{name}`"),
                        "one of low, medium, high, critical",
                    )
                })?;
                options.sought.selection.least = Some(least);
            }
            Arg::Long("baseline") => options.baseline = Some(parser.value()?.into()),
            Arg::Long("update-baseline") => options.update_baseline = true,
            Arg::Long("json") => tell(&mut options, Format::Json)?,
            Arg::Long("sarif") => tell(&mut options, Format::Sarif)?,
            Arg::Short('o') | Arg::Long("output") => options.output = Some(parser.value()?.into()),
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(help)),
            other => return Err(args::unexpected(other, "scan")),
        }
    }
    if options.update_baseline && options.baseline.is_none() {
        return Err(UsageError::new(
            "`--update-baseline` needs `--baseline FILE`",
            "name the file to write",
        ));
    }
    if options.paths.is_empty() {
        options.paths.push(".".into());
    }
    Ok(Command::Scan(options))
}

fn tell(options: &mut Options, format: Format) -> Result<(), UsageError> {
    if options.format != Format::Human && options.format != format {
        return Err(UsageError::new(
            "`--json` and `--sarif` exclude each other",
            "scan twice to have both",
        ));
    }
    options.format = format;
    Ok(())
}

fn threads(parser: &mut Parser) -> Result<usize, UsageError> {
    let given = args::text(parser, "--threads")?;
    given
        .parse()
        .ok()
        .filter(|threads| (1..=256).contains(threads))
        .ok_or_else(|| {
            UsageError::new(
                format!("`--threads {given}` is not a number from 1 to 256"),
                "leave it away to have one for each core",
            )
        })
}

fn size(parser: &mut Parser) -> Result<u64, UsageError> {
    let given = args::text(parser, "--max-size")?;
    let digits = given.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: Option<u64> = match given[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    digits
        .parse::<u64>()
        .ok()
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .ok_or_else(|| {
            UsageError::new(
                format!("`--max-size {given}` is not a size"),
                "write 500k, 10M or 1G",
            )
        })
}
