//! What a shell text would execute: the result of resolution. A leaf, read by `actions`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::span::ByteSpan;

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A variable that nothing in the text sets.
    UnsetVariable(String),
    /// What make or a template engine puts into the text before a shell sees it: the variable or expression.
    PutIn(String),
    /// A positional or special parameter (`$1`, `$@`, `$?`).
    Parameter(String),
    /// The output of a command that cannot be computed.
    CommandOutput,
    /// An arithmetic or parameter form that was not folded.
    Expansion,
    /// A loop variable, a `read`, or something set under a condition.
    RunTimeValue(String),
    /// Over the analysis budget.
    Limit,
    /// A syntax error; the rest of the text is unknown.
    Syntax,
}

/// What a word is known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Exactly this.
    Exact(String),
    /// One of these (2 to 8).
    OneOf(Vec<String>),
    /// A glob pattern after the other expansions: `/etc/*`. A `*`, `?`, `[` or backslash that is literal in it is
    /// written with a backslash before it.
    Pattern(String),
    /// Begins like this; the rest is unknown for that reason.
    Prefix(String, Why),
    /// Nothing is known of its beginning.
    Unknown(Why),
    /// One of these (2 to 8), none of which is itself [`Value::OneOf`] or [`Value::Either`].
    ///
    /// A variable that nothing in the text sets may be empty as well as anything: `"$X/"` is `Exact("/")` or
    /// `Unknown(UnsetVariable("X"))`, in this order. What must be judged is in [`Value::candidates`].
    Either(Vec<Value>),
}

/// One of the things a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate<'a> {
    /// Exactly this. The empty text also stands for an unquoted word that vanishes.
    Exact(&'a str),
    /// As [`Value::Pattern`].
    Pattern(&'a str),
    /// Begins like this (perhaps with nothing known); the rest is unknown for that reason.
    Prefix(&'a str, &'a Why),
}

impl Value {
    /// Everything this value may be: each must be judged, and the worst counts.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate<'_>> {
        match self {
            Self::Exact(text) => vec![Candidate::Exact(text)],
            Self::OneOf(texts) => texts.iter().map(|text| Candidate::Exact(text)).collect(),
            Self::Pattern(text) => vec![Candidate::Pattern(text)],
            Self::Prefix(text, why) => vec![Candidate::Prefix(text, why)],
            Self::Unknown(why) => vec![Candidate::Prefix("", why)],
            Self::Either(values) => values.iter().flat_map(Self::candidates).collect(),
        }
    }

    /// The text when it is known exactly.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(text) => Some(text),
            _ => None,
        }
    }
}

/// A word after expansion: one element of argv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// What it is known to be.
    pub value: Value,
    /// The word in the source it comes from.
    pub span: ByteSpan,
    /// `Some(offset)` when the value's bytes stand in the source unchanged, starting there:
    /// a nested script inside it then has exact spans.
    pub verbatim_at: Option<usize>,
    /// Commands whose output is part of this word, as indices into [`Resolution::commands`]. For a process
    /// substitution, whose value is `Prefix("/dev/fd/", CommandOutput)`, the commands at its other end.
    pub from: Vec<usize>,
}

/// `NAME=value`, before a command or by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Variable name.
    pub name: String,
    /// What it becomes.
    pub value: Value,
    /// Where it stands.
    pub span: ByteSpan,
}

/// What a redirect does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `>`, `>|`, `&>`
    Write,
    /// `>>`, `&>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `2>&1`, `<&3`: no file.
    Duplicate,
    /// `>&3`, where 3 leads to a file: what is written lies behind what else is written there. Where it stands is
    /// the redirect that opened the file.
    Through,
}

impl RedirectKind {
    /// Whether what is written lies in the file.
    #[must_use]
    pub const fn opens_to_write(self) -> bool {
        matches!(self, Self::Write | Self::Append | Self::Through)
    }
}

/// A redirect to or from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// What it does.
    pub kind: RedirectKind,
    /// The descriptor; `&>` counts as 1.
    pub fd: u32,
    /// The file.
    pub target: Value,
    /// Where it stands.
    pub span: ByteSpan,
}

/// Where a command's standard input comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdin {
    /// From outside the text.
    Inherited,
    /// From other commands' output, as indices into [`Resolution::commands`] (a pipe from a group has several).
    Pipe(Vec<usize>),
    /// From a here-document or here-string with this body.
    Text {
        /// The body after expansion.
        body: Value,
        /// Where the body stands.
        span: ByteSpan,
        /// As [`Argument::verbatim_at`].
        verbatim_at: Option<usize>,
    },
    /// From a file.
    File(Value),
}

/// Where a command's standard output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdout {
    /// To whoever started the text.
    Inherited,
    /// Into other commands, as indices into [`Resolution::commands`].
    Pipe(Vec<usize>),
    /// Into a word or an assignment (`$(…)`).
    Captured,
}

/// Variables and functions known at a point of the text. Shared, never changed once shared; its entries are shared
/// with the scopes before and after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Variables, sorted by name. An array has an entry `name[key]` for each element; positional parameters, when
    /// known, are `0`, `1`, and so on, and `#` says how many there are.
    pub variables: Vec<Rc<(String, Value)>>,
    /// Bodies of functions and texts of aliases, as source text, sorted by name. The name of an alias ends in `=`
    /// here.
    pub functions: Vec<Rc<(String, String)>>,
}

impl Scope {
    /// What a variable holds.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Value> {
        let by_name = |held: &Rc<(String, Value)>| held.0.as_str().cmp(name);
        let at = self.variables.binary_search_by(by_name).ok()?;
        self.variables.get(at).map(|entry| &entry.1)
    }

    /// The same scope with the variables of a later one that nothing has set so far.
    #[must_use]
    pub fn completed(&self, later: &Self) -> Self {
        let mut scope = self.clone();
        for entry in &later.variables {
            let at = scope
                .variables
                .binary_search_by(|held| held.0.as_str().cmp(entry.0.as_str()));
            if let Err(at) = at {
                scope.variables.insert(at, Rc::clone(entry));
            }
        }
        scope
    }

    /// The same scope for a text with parameters of its own: `bash -c text zero arguments..`.
    #[must_use]
    pub fn with_parameters(&self, zero: Value, arguments: Vec<Value>) -> Self {
        let is_parameter =
            |name: &str| name == "#" || name.bytes().all(|byte| byte.is_ascii_digit());
        let mut scope = self.clone();
        scope.variables.retain(|entry| !is_parameter(&entry.0));
        let count = Value::Exact(arguments.len().to_string());
        scope.variables.push(Rc::new((String::from("#"), count)));
        for (index, value) in std::iter::once(zero).chain(arguments).enumerate() {
            scope.variables.push(Rc::new((index.to_string(), value)));
        }
        scope.variables.sort_by(|left, right| left.0.cmp(&right.0));
        scope
    }
}

/// One simple command that would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// From its first to its last byte in the source.
    pub span: ByteSpan,
    /// Assignments that hold for this command only (or, with no words, from here on).
    pub assignments: Vec<Assignment>,
    /// argv, the program first; empty for assignments or redirects alone.
    pub words: Vec<Argument>,
    /// Redirects to files, in order. Here-documents are in `stdin`.
    pub redirects: Vec<Redirect>,
    /// Standard input.
    pub stdin: Stdin,
    /// What arrives through the pipe on standard input, as far as it can be computed. See [`Command::known_stdin`].
    pub piped: Option<Value>,
    /// Standard output.
    pub stdout: Stdout,
    /// What it writes to standard output, as far as it can be computed. Looked at only where somebody reads it: in a
    /// pipe, a substitution, or a redirect to a file.
    pub output: Option<Value>,
    /// Working directory at that point.
    pub cwd: Value,
    /// The working directory instead, if moves before it failed and the text did not look.
    pub stayed: Vec<Value>,
    /// Runs whenever the text runs: not behind `||`, in a branch or in a loop body. (`&&` counts as certain:
    /// the author expects it to be reached.)
    pub certain: bool,
    /// Has run when the next one begins: it is certain, not behind `&&`, and not in the background.
    pub settled: bool,
    /// What is known at that point, for `eval` and nested shells.
    pub scope: Rc<Scope>,
}

impl Command {
    /// `trap CODE EXIT`: the code runs when everything else has run.
    #[must_use]
    pub fn is_trap_at_exit(&self) -> bool {
        let mut words = self.words.iter().map(|word| word.value.exact());
        words.next() == Some(Some("trap"))
            && words.next().is_some()
            && words.len() > 0
            && words.all(|word| matches!(word, Some("EXIT" | "0")))
    }

    /// The text on standard input when it can be computed: a here-document, a here-string, or what the pipe carries.
    #[must_use]
    pub const fn known_stdin(&self) -> Option<&Value> {
        match &self.stdin {
            Stdin::Text { body, .. } => Some(body),
            _ => self.piped.as_ref(),
        }
    }
}

/// Something that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The reason.
    pub why: Why,
    /// Where.
    pub span: ByteSpan,
}

/// Everything a shell text would execute, in source order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The simple commands, substitutions included, a command after those that feed its words.
    pub commands: Vec<Command>,
    /// What could not be followed: syntax errors, budget, unparsable parts.
    pub unresolved: Vec<Unresolved>,
    /// Calls of a function from within itself, which are not followed: `:(){ :|:& };:`.
    pub recursive_functions: Vec<ByteSpan>,
    /// Loops that start something in the background in each of endless or very many rounds.
    pub endless: Vec<ByteSpan>,
    /// What holds when everything has run, where something runs then.
    pub end: Option<End>,
    /// The commands of each `>(..)`, which stand before those that write to them; one inside of another before that one.
    pub outlets: Vec<Range<usize>>,
}

/// What holds when everything has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// What is known.
    pub scope: Rc<Scope>,
    /// Working directory.
    pub cwd: Value,
}

/// What variables hold, and what commands print, nearly everywhere: names or command lines with their values, sorted.
/// In values `.` is the workspace, and `~` at the beginning the home directory.
pub type Usual = Arc<[(&'static str, &'static str)]>;

/// Such a list that is searched where it lies: few texts ask it, and for one name.
///
/// One text: before each name stands [`NAME`], before its value [`VALUE`], and behind all of them one more [`NAME`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Listed(#[serde(borrow)] Cow<'static, str>);

const NAME: u8 = 1;
const VALUE: u8 = 2;

impl Listed {
    /// The list of those names, which are sorted, and values; `None` where one holds what parts them.
    #[must_use]
    pub fn of(list: &[(&str, &str)]) -> Option<Self> {
        let mut text = String::new();
        for (name, value) in list {
            let parting = |byte: u8| matches!(byte, NAME | VALUE);
            if name.bytes().chain(value.bytes()).any(parting) {
                return None;
            }
            text.push(char::from(NAME));
            text.push_str(name);
            text.push(char::from(VALUE));
            text.push_str(value);
        }
        text.push(char::from(NAME));
        Some(Self(Cow::Owned(text)))
    }

    fn find(&self, name: &str) -> Option<&str> {
        let bytes = self.0.as_bytes();
        // Both where a name begins, or behind the last value.
        let (mut low, mut high) = (0, bytes.len().saturating_sub(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let start = low + memchr::memrchr(NAME, bytes.get(low..=middle)?)?;
            let end = middle + 1 + memchr::memchr(NAME, bytes.get(middle + 1..)?)?;
            let value = start + memchr::memchr(VALUE, bytes.get(start..end)?)?;
            match bytes.get(start + 1..value)?.cmp(name.as_bytes()) {
                Ordering::Equal => return self.0.get(value + 1..end),
                Ordering::Less => low = end,
                Ordering::Greater => high = start,
            }
        }
        None
    }
}

/// What resolution may assume about the place the text runs in.
#[derive(Debug, Clone)]
pub struct Start {
    /// Working directory, when known.
    pub cwd: Option<String>,
    /// Home directory, when known: `~` and `$HOME`.
    pub home: Option<String>,
    /// Login name, when known: `$USER`.
    pub user: Option<String>,
    /// Variables and functions from an enclosing text.
    pub scope: Rc<Scope>,
    /// The workspace, when known.
    pub workspace: Option<String>,
    /// What is taken for granted when the text does not say it; `None` where nothing is.
    pub usual: Option<Arc<Listed>>,
}

impl Start {
    /// The usual value of a variable, or the usual output of a command line.
    #[must_use]
    pub fn usual(&self, name: &str) -> Option<String> {
        let value = self.usual.as_ref()?.find(name)?;
        if let Some(rest) = value.strip_prefix('.')
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let workspace = self.workspace.as_deref().unwrap_or(".");
            return Some(format!("{workspace}{rest}"));
        }
        Some(match value.strip_prefix('~') {
            Some(rest) => format!("{}{rest}", self.home.as_deref()?),
            None => value.to_owned(),
        })
    }
}
