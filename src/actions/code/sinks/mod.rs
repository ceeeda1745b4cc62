//! What the functions of standard libraries do: one table for each language.
//!
//! A row names functions by their dotted name and says what a call of them does with which argument. Names that begin
//! with `?.` are methods of values whose type is not known.

mod compiled;
mod javascript;
mod others;
mod perl;
mod php;
mod python;
mod ruby;

use super::{Language, TargetRole};
use crate::actions::kinds::ActionKind;

/// Which arguments an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::actions::code) enum At {
    /// That argument.
    Arg(usize),
    /// Every argument from that one on, lists taken apart.
    From(usize),
    /// The value that the method belongs to.
    This,
    /// None: the action has no target.
    Nothing,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::actions::code) enum Does {
    /// An action.
    Act(ActionKind, At, TargetRole, &'static [&'static str]),
    /// Two actions: the first argument is read, the second written.
    Copy,
    /// Both arguments are written.
    Move,
    /// That argument is text for a shell.
    Shell(usize),
    /// One argument is text for a shell, more are the words of a program.
    ShellOrWords(usize),
    /// A list is the words of a program; text goes to a shell when the option `shell` says so or it has blanks.
    Run,
    /// A program, then a list of its arguments; the option `shell` joins them.
    Spawn,
    /// The words of a program, one an argument, from that one on.
    Words(usize),
    /// A program and its whole argv as a list.
    Exec(usize),
    /// That argument is code of the language itself.
    Eval(usize),
    /// That argument is code of another language.
    Foreign(Language, usize),
    /// Opens a file: path and mode.
    Open(usize, usize),
    /// Opens a file or, behind a bar, a program (Perl, Ruby).
    OpenOrPipe,
    /// Requests a URL; sends when there is data among the arguments.
    Request(usize),
    /// Sends to a URL.
    Send(usize),
    /// A method, then a URL.
    Http(usize, usize),
    /// Connects to a host: one argument (perhaps a pair) or host and port.
    Connect(usize),
    /// Listens on a port.
    Listen,
    /// Makes standard streams of something else.
    Redirect,
    /// Sends through what a connection made.
    Write,
    /// Sends the file that the argument names to whom a client was made for.
    Upload(usize),
    /// Gives a request that was made, the first argument, what it sends.
    Body(usize),
    /// Unpacks an archive into the folder that the argument names, or into the current one.
    Unpack(usize),
    /// Makes a second name for the first argument, or, as a method of a path, that path.
    Link,
    /// A method of MongoDB's shell under another name.
    Mongo(&'static str),
    /// Loads a library by its name.
    Import,
    /// Gets an attribute by its name.
    Attribute,
    /// Reads one environment variable.
    Environment(usize),
    /// Sets variables of the environment, from that argument on.
    SetVariable(usize),
    /// Shows a value to whoever reads the output.
    Show,
    /// Moves to the folder that the argument names, for as long as a block that is given runs, or for good.
    Enter(usize),
    /// Cannot be read, for that reason.
    Unreadable(&'static str),
    /// Makes something that later calls use.
    Make(&'static str),
    /// Loads code from a file or a URL and runs it.
    RunFile(usize),
}

pub(in crate::actions::code) type Row = (&'static str, Does);

/// What a call of that function does; `None` when it is not in the table.
pub(in crate::actions::code) fn find(language: Language, name: &str) -> Option<Does> {
    let table: &[&[Row]] = match language {
        Language::Python => &[python::TABLE],
        Language::JavaScript | Language::Mongo => &[javascript::TABLE],
        Language::Perl => &[perl::TABLE],
        Language::Ruby => &[ruby::TABLE],
        Language::Php => &[php::TABLE],
        Language::Lua => &[others::LUA],
        Language::R => &[others::R],
        Language::Julia => &[others::JULIA],
        Language::C => &[compiled::C],
        Language::Go => &[compiled::GO],
        Language::Rust => &[compiled::RUST],
        Language::Java => &[compiled::JAVA],
        Language::CSharp => &[compiled::CSHARP],
        _ => &[],
    };
    // PHP knows no case in function names.
    let found = |row: &&Row| {
        row.0 == name || (language == Language::Php && row.0.eq_ignore_ascii_case(name))
    };
    table
        .iter()
        .find_map(|rows| rows.iter().find(found))
        .map(|row| row.1)
}

/// Whether that language's table has functions of a module of that name.
pub(in crate::actions::code) fn is_module(language: Language, name: &str) -> bool {
    let table = match language {
        Language::Python => python::TABLE,
        _ => return false,
    };
    let of = |row: &Row| row.0.as_bytes().get(name.len()) == Some(&b'.') && row.0.starts_with(name);
    table.iter().any(of)
}

const fn delete(at: At) -> Does {
    Does::Act(ActionKind::FsDelete, at, TargetRole::Path, &[])
}

const fn delete_tree(at: At) -> Does {
    Does::Act(ActionKind::FsDelete, at, TargetRole::Path, &["recursive"])
}

const fn delete_tree_forced(at: At) -> Does {
    Does::Act(
        ActionKind::FsDelete,
        at,
        TargetRole::Path,
        &["force", "recursive"],
    )
}

const fn write(at: At) -> Does {
    Does::Act(ActionKind::FsWrite, at, TargetRole::Path, &["truncate"])
}

const fn append(at: At) -> Does {
    Does::Act(ActionKind::FsWrite, at, TargetRole::Path, &["append"])
}

const fn create(at: At) -> Does {
    Does::Act(ActionKind::FsWrite, at, TargetRole::Path, &["create"])
}

const fn read(at: At) -> Does {
    Does::Act(ActionKind::FsRead, at, TargetRole::Path, &[])
}

const fn permission(at: At) -> Does {
    Does::Act(ActionKind::FsPermission, at, TargetRole::Path, &[])
}

const fn destroy(at: At) -> Does {
    Does::Act(ActionKind::FsDestroy, at, TargetRole::Path, &["truncate"])
}

const fn kill(at: At) -> Does {
    Does::Act(ActionKind::ProcessKill, at, TargetRole::Name, &[])
}
