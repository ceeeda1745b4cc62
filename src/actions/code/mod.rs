//! Code of other languages, given inside a tool call, to what it would do.
//!
//! Reads text and says which effects stand in it: sinks with their folded arguments, text handed to a shell, code
//! handed to another interpreter, and what cannot be read. Decides nothing about places or policy: a path is told as
//! far as it is known, and `actions` says where it lies. Pure and total: any text has an answer, in bounded work.
//!
//! The table of sinks is constant data in [`sinks`], not a file compiled at build time: the build script uses
//! this module to check the catalogue, so a table in its output would need itself, and standard libraries are a closed
//! world that no user extends.

mod applescript;
mod awk;
mod calls;
mod compiled;
mod ex;
mod fold;
mod frames;
mod lex;
mod lisp;
mod m4;
mod manifest;
mod mongo;
mod redis;
mod sed;
mod sinks;
mod sql;
mod transfer;
mod value;
mod walk;
mod windows;

pub(in crate::actions) use calls::is_secret_name;

use super::kinds::ActionKind;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

/// The longest code that is analysed; beyond it the answer is one `unknown`.
pub const MAX_CODE_BYTES: usize = 256 * 1024;

/// Why nothing more is said about too long or too deep code.
pub const LIMIT_REASON: &str = "analysis limit";

/// A language that code in a tool call can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Python 3, and what is common with Python 2.
    Python,
    /// JavaScript and TypeScript, as node, deno and bun run it.
    JavaScript,
    /// Perl 5.
    Perl,
    /// Ruby.
    Ruby,
    /// PHP, with or without its opening tag.
    Php,
    /// Lua.
    Lua,
    /// R.
    R,
    /// Julia.
    Julia,
    /// Emacs Lisp.
    Elisp,
    /// AppleScript, as `osascript` runs it.
    AppleScript,
    /// awk.
    Awk,
    /// sed.
    Sed,
    /// Commands of ed, ex and vim.
    Ex,
    /// SQL of any dialect, with the meta commands of psql, sqlite3, mysql and sqlcmd.
    Sql,
    /// m4.
    M4,
    /// The MongoDB shell.
    Mongo,
    /// Redis commands, one a line.
    Redis,
    /// Commands of ftp, sftp and lftp.
    Ftp,
    /// Configuration files of curl.
    Curl,
    /// Objects of Kubernetes, in YAML or JSON.
    Manifest,
    /// Windows PowerShell and PowerShell 7.
    PowerShell,
    /// The command language of `cmd.exe` and batch files.
    Cmd,
    /// C and C++.
    C,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Java, Kotlin and Scala.
    Java,
    /// C#.
    CSharp,
}

impl Language {
    /// Every language that is read here, by its name in the catalogue.
    pub const ALL: [(&'static str, Self); 27] = [
        ("python", Self::Python),
        ("javascript", Self::JavaScript),
        ("perl", Self::Perl),
        ("ruby", Self::Ruby),
        ("php", Self::Php),
        ("lua", Self::Lua),
        ("r", Self::R),
        ("julia", Self::Julia),
        ("elisp", Self::Elisp),
        ("applescript", Self::AppleScript),
        ("awk", Self::Awk),
        ("sed", Self::Sed),
        ("ex", Self::Ex),
        ("sql", Self::Sql),
        ("m4", Self::M4),
        ("mongo", Self::Mongo),
        ("redis", Self::Redis),
        ("ftp", Self::Ftp),
        ("curl", Self::Curl),
        ("manifest", Self::Manifest),
        ("powershell", Self::PowerShell),
        ("cmd", Self::Cmd),
        ("c", Self::C),
        ("go", Self::Go),
        ("rust", Self::Rust),
        ("java", Self::Java),
        ("csharp", Self::CSharp),
    ];
}

/// What the target of an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetRole {
    /// A path. A leading `~` stands for the home directory, whatever the language calls it.
    Path,
    /// A URL.
    Url,
    /// A host, perhaps with a port.
    Host,
    /// Anything else: a table, a database, a variable, an account, a service.
    Name,
}

/// Something that a code text would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An action of the language's own library.
    Act {
        /// What is done.
        kind: ActionKind,
        /// To what; `None` when the action has no target of its own.
        target: Option<Value>,
        /// What the target is.
        role: TargetRole,
        /// Attributes of the action, sorted, no duplicates.
        attributes: Vec<&'static str>,
    },
    /// Text handed to a POSIX shell.
    Shell {
        /// The text.
        text: Value,
        /// Where its bytes stand unchanged in the code.
        verbatim_at: Option<usize>,
    },
    /// A program run without a shell.
    Argv {
        /// The program and its arguments.
        words: Vec<Value>,
    },
    /// Text handed to an interpreter of that language.
    Code {
        /// The language.
        language: Language,
        /// The text.
        text: Value,
        /// Where its bytes stand unchanged in the code.
        verbatim_at: Option<usize>,
    },
    /// Text goes into a file, which an action said before is written.
    Pour {
        /// The file.
        file: Value,
        /// What goes into it.
        text: Value,
        /// Where its bytes stand unchanged in the code.
        verbatim_at: Option<usize>,
    },
    /// Text is printed to whoever reads the output.
    Print {
        /// What is printed.
        text: Value,
        /// Where its bytes stand unchanged in the code.
        verbatim_at: Option<usize>,
    },
    /// What a file holds comes to lie in another one as well, which actions said before are read and written.
    Copy {
        /// The file, or folder.
        from: Value,
        /// Where it goes.
        to: Value,
    },
    /// A module of that language is loaded by its name, or its path without an ending: a file that the call wrote may be
    /// it. Tells nothing of others.
    Load {
        /// The name, with `/` between its parts.
        name: String,
    },
    /// From here on the code stands in another folder.
    Enter {
        /// That folder, as seen from where the code stood.
        to: Value,
        /// Whether [`What::Leave`] goes back to where it stood.
        back: bool,
    },
    /// The code stands again where it stood before the last [`What::Enter`] that is gone back from.
    Leave,
    /// Something that cannot be read.
    Unknown {
        /// Why, in words for people.
        reason: String,
    },
}

/// One effect of a code text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeEffect {
    /// What happens.
    pub what: What,
    /// The bytes of the code text that say so.
    pub span: ByteSpan,
    /// Whether it happens whenever the code runs: not in a branch, a loop or a function that may not run.
    pub certain: bool,
}

/// Why code that code makes up as it runs is not known.
pub const COMPUTED_CODE: &str = "code that is computed when it runs";
/// Why code that is read as a text, and not run as a script, is not known.
pub const READ_CODE: &str = "code that is read from a file when it runs";
/// Why code that is decoded as it runs is not known.
pub const DECODED_CODE: &str = "code that is decoded when it runs";

/// What a code text would do, in source order. Empty: nothing outside of its own process.
#[must_use]
pub fn analyse(language: Language, text: &str) -> Vec<CodeEffect> {
    analyse_given(language, text, &[])
}

/// The same with the arguments that stand behind the code on its command line.
#[must_use]
pub fn analyse_given(language: Language, text: &str, given: &[Value]) -> Vec<CodeEffect> {
    let Some(whole) = ByteSpan::new(0, text.len()) else {
        return Vec::new();
    };
    if text.len() > MAX_CODE_BYTES {
        return vec![unknown(LIMIT_REASON, whole)];
    }
    let mut effects = effects(language, text, given);
    if multiplies(text) {
        effects.push(CodeEffect {
            what: What::Act {
                kind: ActionKind::ProcessExhaust,
                target: None,
                role: TargetRole::Name,
                attributes: Vec::new(),
            },
            span: whole,
            certain: true,
        });
    }
    effects
}

/// Whether short code does little more than start copies of itself without end. Longer code has reasons to do so.
fn multiplies(text: &str) -> bool {
    const LONGEST: usize = 120;
    // What waits between two of them is a watch.
    const COPIES: [&str; 7] = [
        "fork",
        "start-process",
        "start-job",
        "spawn(",
        "popen(",
        "process(target",
        "thread(target",
    ];
    // What goes on for as long as copies can be made.
    const CHAINED: [&str; 10] = [
        "forkwhile",
        "fork()while",
        "fork;while",
        "whilefork",
        "while(fork",
        "whileos.fork()",
        "while(os.fork()",
        "whilepcntl_fork",
        "while(pcntl_fork",
        "fork()for1..",
    ];
    const ENDLESS: [&str; 10] = [
        "initer(int,1)",
        "while1",
        "while(1)",
        "whiletrue",
        "while(true)",
        "for(;;)",
        "loop{",
        "loopdo",
        "until0",
        "while($true)",
    ];
    let starts = ["fork", "tart-", "spawn(", "Popen(", "%0", "(target"];
    if text.len() > LONGEST || !starts.iter().any(|start| text.contains(start)) {
        return false;
    }
    let dense: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    // A batch file names itself so.
    if dense.contains("%0|%0") || (dense.contains("start%0") && dense.contains("goto")) {
        return true;
    }
    let endless = COPIES.iter().any(|form| dense.contains(form))
        && ENDLESS.iter().any(|form| dense.contains(form));
    (endless || CHAINED.iter().any(|form| dense.contains(form)))
        && !["sleep", "wait"].iter().any(|form| dense.contains(form))
}

/// What the language's own analysis finds.
fn effects(language: Language, text: &str, given: &[Value]) -> Vec<CodeEffect> {
    match language {
        Language::Sql => sql::analyse(text),
        Language::Python
        | Language::JavaScript
        | Language::Perl
        | Language::Ruby
        | Language::Php
        | Language::Lua
        | Language::R
        | Language::Julia
        | Language::Mongo => walk::analyse(language, text, given),
        Language::Awk => awk::analyse(text),
        Language::Sed => sed::analyse(text),
        Language::Ex => ex::analyse(text),
        Language::Elisp => lisp::analyse(text),
        Language::AppleScript => applescript::analyse(text),
        Language::M4 => m4::analyse(text),
        Language::Redis => redis::analyse(text),
        Language::Ftp => transfer::commands(text),
        Language::Curl => transfer::configuration(text),
        Language::Manifest => manifest::analyse(text),
        Language::PowerShell => windows::powershell::analyse(text, given),
        Language::Cmd => windows::cmd::analyse(text),
        Language::C | Language::Go | Language::Rust | Language::Java | Language::CSharp => {
            compiled::analyse(language, text)
        }
    }
}

/// An `unknown` that is certain to happen.
fn unknown(reason: &str, span: ByteSpan) -> CodeEffect {
    CodeEffect {
        what: What::Unknown {
            reason: reason.to_owned(),
        },
        span,
        certain: true,
    }
}

/// A value of which nothing is known but who holds it.
fn run_time(name: &str) -> Value {
    Value::Unknown(Why::RunTimeValue(name.to_owned()))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod listing_tests;

#[cfg(test)]
mod windows_tests;

#[cfg(test)]
mod functions_tests;

#[cfg(test)]
mod libraries_tests;
