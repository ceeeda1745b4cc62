//! What `--help` says, and the names of the commands.

use armorer_guard_core::builtin;

/// Commands that run in this program.
const NATIVE: [(&str, &str); 7] = [
    (
        "check",
        "judge a text, a tool call or a stream of them on standard input",
    ),
    ("hook", "answer a hook of an agent runtime"),
    ("scan", "find secrets in files and directories"),
    ("redact", "replace secrets in files and pipes"),
    ("rules", "list, show, check and explain detection rules"),
    (
        "catalogue",
        "show what is known about a command, and check a catalogue",
    ),
    ("help", "say more about a command"),
];

/// Commands that run in Python; a test holds the names against the Python command line's own.
const PYTHON: [(&str, &str); 11] = [
    ("pending", "list the questions that agents wait for"),
    ("approve", "allow what an agent was asked about"),
    ("deny", "answer such a question with no"),
    ("grants", "list what was allowed and still holds"),
    ("revoke", "take back what was allowed"),
    ("records", "list, show and verify what runs left behind"),
    ("runs", "end a run and seal its record"),
    (
        "replay",
        "decide again from the record, under the same or another policy",
    ),
    ("policy", "write, check, try, explain and activate policies"),
    ("mode", "enforce what is decided, or only observe"),
    (
        "demo",
        "show the main job on real input, in a scratch store",
    ),
];

pub(crate) fn is_python_command(name: &str) -> bool {
    PYTHON.iter().any(|(held, _)| *held == name)
}

/// The command whose name is nearest, when one is near.
pub(crate) fn closest_command(name: &str) -> Option<&'static str> {
    NATIVE
        .iter()
        .chain(&PYTHON)
        .map(|(held, _)| (distance(held, name), *held))
        .min()
        .filter(|(distance, held)| *distance <= held.len() / 2)
        .map(|(_, held)| held)
}

/// How many letters must be changed, added or dropped to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in to.bytes().enumerate() {
            let cost = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = cost.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

pub(crate) fn version() -> String {
    String::from(concat!("armorer-guard ", env!("CARGO_PKG_VERSION"), "\n"))
}

pub(crate) fn overview() -> String {
    let mut out = String::from(
        "armorer-guard: judges what AI agents are about to do, and records every decision\n\n\
         usage: armorer-guard COMMAND [OPTION...]\n\ncommands:\n",
    );
    for (name, what) in NATIVE.iter().chain(&PYTHON) {
        out.push_str(&format!("  {name:<10}{what}\n"));
    }
    out.push_str(
        "\noptions:\n\
         \x20 -h, --help     show this, or with a command what it takes\n\
         \x20 -V, --version  show the version\n\n\
         environment:\n\
         \x20 ARMORER_GUARD_HOME    where records, policy and keys are kept\n\
         \x20                       (default: $XDG_STATE_HOME/armorer-guard, ~/.local/state/armorer-guard)\n\
         \x20 ARMORER_GUARD_UNRECORDED  what is answered while the record cannot be written: `deny`,\n\
         \x20                       `deny-changes` (default: what only reads passes), `decide` (as the policy says)\n\
         \x20 ARMORER_GUARD_DURABILITY  what is on the disk before the answer: `fast`, `balanced` (default), `strict`\n\
         \x20 ARMORER_GUARD_PYTHON  the Python of commands that need one\n\
         \x20 NO_COLOR              never use colours\n",
    );
    out
}

pub(crate) fn check() -> String {
    String::from(
        r#"armorer-guard check: judge a text, a tool call or a stream of them on standard input

usage: armorer-guard check [OPTION...] < INPUT

input:
  (none)            a call when it is a JSON object with `tool` or `text`, else a plain text
  --text            a plain text; any bytes will do
  --call            one JSON request
  --jsonl           one JSON request a line; each is answered in order, blank lines are skipped

  a request is   {"id": ANY, "tool": "Bash", "args": {"command": "ls"}, "cwd": "/abs", "run": "NAME"}
  or             {"id": ANY, "text": "...", "surface": "tool_result", "run": "NAME"}
  with `workspace` (absolute path), `agent` (name), `run_mode` (interactive, headless) and, for a tool, `pin` (ok, new,
  changed, shadowed) where known; a member that is not known is an error.

output:
  --json            one JSON answer a line, instead of text for people; always so with --jsonl
                    {"id", "effect", "reasons", "actions", "findings", "redacted", "decision", "run", "recorded",
                    "elapsed_us"}, or {"id", "error": {"kind", "message"}};
                    positions count bytes of the UTF-8 of the string that `at` points at

options:
  --surface NAME    where a text comes from, when it does not say: user, retrieved, tool_result (the default),
                    tool_description, tool_args, model_output
  --cwd DIR         where calls happen that do not say; the default is the working directory
  --run NAME        the run that decisions belong to; without it, one for this process
  --no-record       leave no record
  --home DIR        where records, policy and keys are kept
  -h, --help        show this

exit status: 0 allow, 10 ask, 20 deny, 2 error (nothing was judged, or nobody got the answer)
with --jsonl: 2 when a line was answered with an error, else that of the strictest answer
"#,
    )
}

pub(crate) fn hook() -> String {
    let mut out = String::from(
        r"armorer-guard hook: answer a hook of an agent runtime

usage: armorer-guard hook RUNTIME [OPTION...] < EVENT

Reads one event as JSON, records what is decided, and answers as the runtime expects. An allowed call is answered with
no decision, so that the runtime's own permission prompts stay in force. What cannot be judged is denied.

runtimes:
",
    );
    for entry in builtin::runtimes()
        .map(|index| index.entries)
        .unwrap_or_default()
    {
        out.push_str(&format!(
            "  {:<20}{} (tried with {})\n",
            entry.names.join(", "),
            entry.title,
            entry.tested
        ));
    }
    out.push_str(
        r"
options:
  --home DIR        where records, policy and keys are kept
  --deadline-ms N   deny when there is no answer after so long (default 8000); must be less than the runtime waits
  -h, --help        show this
",
    );
    out
}

pub(crate) fn known_runtimes() -> String {
    let names: Vec<&str> = builtin::runtimes()
        .map(|index| {
            index
                .entries
                .iter()
                .filter_map(|entry| entry.names.first().copied())
                .collect()
        })
        .unwrap_or_default();
    format!("known runtimes: {}", names.join(", "))
}
