//! What `catalogue` can be told.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::args::{self, Command, UsageError};

pub(crate) enum Action {
    List,
    /// A program, and words of a subcommand.
    Entry(Vec<String>),
    /// A command line: its words, or one shell text.
    Line {
        words: Vec<String>,
        cwd: Option<PathBuf>,
    },
    Check {
        /// None: those in the guard's home.
        files: Vec<PathBuf>,
        /// What ships instead.
        all: bool,
    },
}

pub(crate) struct Options {
    pub(crate) action: Action,
    pub(crate) json: bool,
}

pub(crate) fn help() -> String {
    String::from(HELP)
}

const HELP: &str = r"armorer-guard catalogue: what is known about a command and why; whether a catalogue of your own will do

usage: armorer-guard catalogue list [--json]
       armorer-guard catalogue show NAME [SUBCOMMAND...] [--json]
       armorer-guard catalogue show [--cwd DIR] [--json] -- COMMAND [ARGUMENT...]
       armorer-guard catalogue check [FILE...] [--all] [--json]

Files of your own lie in `commands` of the guard's home; `list` and `show` know them, and what the policy in force says
about programs.

  list              every entry with its summary, by file
  show              what is written about a program or subcommand: what it does and when, its options and what they
                    change, the forms that are proven harmless, subcommands, examples, where it is written
  show --           what this very command line would do, and which entry, effect and option says so; one argument
                    with spaces in it is a shell text. Nothing is run
  check             hold files against the format and every example, as the build does with ours; they are taken
                    together with ours, so that a subcommand can be added to a program we know; without a FILE those
                    in the guard's home, which describe other programs than ours

options:
  --cwd DIR         where the command line would run; the default is the working directory
  --all             check what ships
  --json            one JSON object instead of text for people: for list {entries: [{name, summary, file}]}, for show
                    {name, summary, file, line, aliases, harmless, harmless_when, options, effects, unlisted, otherwise,
                    subcommands, examples}, for show -- {actions: [{sentence, action, because}], proofs}, for check
                    {files: [{file, entries, examples}], errors: [message],
                    notes: [message]}
  -h, --help        show this

exit status: 0 done, 1 a file is refused (check), 2 error
";

pub(crate) fn parse(mut parser: Parser) -> Result<Command, UsageError> {
    let mut words: Vec<String> = Vec::new();
    let mut line: Option<Vec<String>> = None;
    let mut cwd = None;
    let mut json = false;
    let mut all = false;
    // Everything after `--` belongs to the line, its options too.
    loop {
        if let Some(mut raw) = parser.try_raw_args()
            && raw.peek().is_some_and(|word| word == "--")
        {
            raw.next();
            line = Some(
                raw.map(|word| word.to_string_lossy().into_owned())
                    .collect(),
            );
            break;
        }
        match parser.next()? {
            None => break,
            Some(Arg::Value(value)) => words.push(value.to_string_lossy().into_owned()),
            Some(Arg::Long("cwd")) => cwd = Some(args::directory(&mut parser, "--cwd")?),
            Some(Arg::Long("all")) => all = true,
            Some(Arg::Long("json")) => json = true,
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Command::Help(help)),
            Some(other) => return Err(args::unexpected(other, "catalogue")),
        }
    }
    let name = if words.is_empty() {
        String::new()
    } else {
        words.remove(0)
    };
    let action = match (name.as_str(), line) {
        ("list", None) if words.is_empty() => Action::List,
        ("show", Some(line)) if words.is_empty() && !line.is_empty() => Action::Line {
            words: line,
            cwd: cwd.take(),
        },
        ("show", None) if !words.is_empty() => Action::Entry(words),
        ("show", _) => {
            return Err(UsageError::new(
                "`catalogue show` takes the name of a program, or a command line after `--`",
                "`armorer-guard catalogue show git push`, `armorer-guard catalogue show -- git push --force`",
            ));
        }
        ("check", line) => {
            words.extend(line.unwrap_or_default());
            if all && !words.is_empty() {
                return Err(UsageError::new(
                    "`catalogue check` takes files, or `--all` for what ships, not both",
                    "`armorer-guard catalogue --help` says what is checked",
                ));
            }
            Action::Check {
                files: words.iter().map(PathBuf::from).collect(),
                all,
            }
        }
        ("", _) => {
            return Err(UsageError::new(
                "`catalogue` is told what to do with it",
                "one of list, show, check",
            ));
        }
        ("list", _) => {
            return Err(UsageError::new(
                "`catalogue list` takes nothing more",
                "`armorer-guard catalogue show NAME` tells about one entry",
            ));
        }
        (other, _) => {
            return Err(UsageError::new(
                format!("`catalogue {other}` is nothing that can be done"),
                "one of list, show, check",
            ));
        }
    };
    if all && !matches!(action, Action::Check { .. }) {
        return Err(UsageError::new(
            "`--all` goes with `check`",
            "`catalogue list` shows every entry",
        ));
    }
    if cwd.is_some() {
        return Err(UsageError::new(
            "`--cwd` goes with a command line after `--`",
            "`armorer-guard catalogue show --cwd DIR -- rm -r build`",
        ));
    }
    Ok(Command::Catalogue(Options { action, json }))
}
