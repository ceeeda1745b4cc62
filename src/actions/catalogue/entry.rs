//! The compiled form of an entry. Strings are borrowed from the table: decoding one allocates little.

use serde::{Deserialize, Serialize};

use super::effects::Effects;
use super::options::Options;
use super::words::Words;
use crate::actions::action::Certainty;
use crate::actions::kinds::ActionKind;

/// How a program's words are told apart; see `StyleSpec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// Clusters of short options, long options with unique prefixes.
    Gnu,
    /// Options are words with one dash.
    Long,
    /// `name=value`.
    KeyValue,
    /// `/f`.
    Slash,
    /// As `Gnu`, and the first word is a cluster without its dash.
    Old,
}

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Nothing.
    Flag,
    /// A value, attached or as the next word.
    Value,
    /// A value only when attached.
    Attached,
    /// Two words; the second is the value.
    Pair,
    /// All words up to `;` or `+`.
    Block,
}

impl Arity {
    /// The arity that is stored as that number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Flag,
            1 => Self::Value,
            2 => Self::Attached,
            3 => Self::Pair,
            4 => Self::Block,
            _ => return None,
        })
    }
}

/// Words that an effect is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Selector<'a> {
    /// Operands from this one (counted from 0) on.
    From(u16),
    /// One operand, counted from 0.
    Operand(u16),
    /// The last of at least two operands.
    Last,
    /// The operands without [`Selector::Last`].
    ButLast,
    /// The values of that option.
    Option(u16),
    /// This text.
    Text(&'a str),
    /// Standard input.
    Stdin,
    /// The working directory.
    Cwd,
    /// Every word after the name.
    Words,
    /// Names of variables that operands hold and nothing in the call sets.
    Variables,
    /// An argument of a tool call: member names; `""` stands for every item of a list.
    Arg(#[serde(borrow)] Vec<&'a str>),
    /// The last components of what the first selects, in the folder that the second selects.
    Under(Box<Selector<'a>>, Box<Selector<'a>>),
    /// All values as one, with spaces between.
    Join(Box<Selector<'a>>),
    /// Everything that these select.
    All(Vec<Selector<'a>>),
    /// What the first of these selects that selects anything.
    First(Vec<Selector<'a>>),
}

/// What a number of operands is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    /// Exactly.
    Is(u16),
    /// More.
    Over(u16),
    /// Fewer.
    Under(u16),
}

/// Where standard input comes from, or output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// Another command.
    Piped,
    /// A here-document or here-string.
    Text,
    /// A file.
    File,
    /// Any of the three.
    Given,
    /// None of the three.
    None,
}

/// Something that holds of a command line or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Test<'a> {
    /// The option is given; with patterns, one of its values matches one of them.
    Option(u16, #[serde(borrow)] Words<'a>),
    /// Number of operands.
    Operands(Count),
    /// One operand, counted from 0, matches.
    Operand(u16, Words<'a>),
    /// Any operand matches.
    AnyOperand(Words<'a>),
    /// The last operand matches.
    LastOperand(Words<'a>),
    /// Any word matches.
    Word(Words<'a>),
    /// Standard input.
    Stdin(Stream),
    /// Standard output.
    Stdout(Stream),
    /// An assignment before the command; with patterns, its value matches.
    Env(&'a str, Words<'a>),
    /// An argument of a tool call; with patterns, its text matches.
    Arg(Vec<&'a str>, Words<'a>),
}

/// A test or its opposite.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Term<'a> {
    /// The test.
    #[serde(borrow)]
    pub test: Test<'a>,
    /// Whether it must not hold.
    pub negated: bool,
}

/// Holds when any of its terms does.
pub type Condition<'a> = Vec<Term<'a>>;

/// What the values of a selector are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A path of this machine.
    Path,
    /// A URL or bare host.
    Url,
    /// A host.
    Host,
    /// `host:path` or URL; other values are skipped.
    Remote,
    /// A path; values that are `host:path` or a URL are skipped.
    Local,
    /// Anything else.
    Name,
}

/// The part of a value that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part<'a> {
    /// After the first occurrence.
    After(&'a str),
    /// After the last occurrence.
    AfterLast(&'a str),
    /// Before the first occurrence.
    Before(&'a str),
    /// What follows this beginning.
    Strip(&'a str),
    /// The last component of a path or URL, without `.git` and query.
    Stem,
}

/// What an effect is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Act<'a> {
    /// An action of that kind.
    Do(ActionKind),
    /// The words are a command.
    Argv,
    /// The words are code of that language.
    Code(&'a str),
    /// The words are files with code of that language.
    Script(&'a str),
    /// The words are assignments that stay in force.
    Assign,
    /// A link to the first word.
    Link,
    /// The words are names of modules of that language.
    Module(&'a str),
}

/// A piece of a template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What is selected.
    Value(#[serde(borrow)] Selector<'a>),
}

/// One thing a program does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Effect<'a> {
    /// What.
    #[serde(borrow)]
    pub act: Act<'a>,
    /// To what.
    pub to: Option<Selector<'a>>,
    /// What the selected values are.
    pub role: Role,
    /// Only values that match.
    pub only: Words<'a>,
    /// No values that match.
    pub except: Words<'a>,
    /// The part of each value.
    pub part: Option<Part<'a>>,
    /// Something below the target.
    pub within: bool,
    /// Not when unknown words decide.
    pub sure: bool,
    /// All must hold.
    pub when: Vec<Condition<'a>>,
    /// None may hold.
    pub unless: Vec<Condition<'a>>,
    /// Attributes and their conditions.
    pub attributes: Vec<(&'a str, Option<Condition<'a>>)>,
    /// Also for subcommands.
    pub inherit: bool,
    /// Upper bound.
    pub certainty: Certainty,
    /// Whether what is read flows on.
    pub carries: bool,
    /// Where it happens; empty: here.
    pub on: Vec<Piece<'a>>,
    /// Words added at the end of a command.
    pub append: Option<Selector<'a>>,
    /// A word and what stands for it.
    pub replace: Option<(Selector<'a>, Selector<'a>)>,
    /// For people.
    pub safer: Option<&'a str>,
}

impl Effect<'_> {
    /// Whether it runs what an option names, which happens in a dry run too: `rsync -n -e COMMAND`.
    pub fn runs_by_option(&self) -> bool {
        !matches!(self.act, Act::Do(_))
            && self.attributes.iter().any(|(name, _)| *name == "by_option")
    }
}

/// What happens in a case that the entry does not spell out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Otherwise {
    /// Nothing.
    Nothing,
    /// It is not known.
    Unknown,
    /// The entry's own effects.
    Own,
    /// An action of that kind, with the words as target.
    Does(ActionKind),
}

/// A program or subcommand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// Full name.
    pub name: &'a str,
    /// For people.
    pub summary: &'a str,
    /// The file it was written in.
    pub file: &'a str,
    /// How words are read.
    pub style: Style,
    /// Options end at the first operand.
    pub stop_at_operand: bool,
    /// `-20` is an option.
    pub numeric: bool,
    /// Leading `NAME=value` operands are assignments.
    pub assignments: bool,
    /// An unlisted option adds an `unknown`.
    pub strict: bool,
    /// How many of the options may stand here; the others were given to a parent.
    pub reach: usize,
    /// Options, inherited ones included; its own come first.
    #[serde(borrow)]
    pub options: Options<'a>,
    /// Words with a dash that are operands.
    pub dash_operands: Words<'a>,
    /// Whether subcommands exist.
    pub parent: bool,
    /// Subcommands with patterns: the words after this entry's, and the number of the entry.
    pub patterns: Vec<(Vec<&'a str>, u32)>,
    /// A word that is no subcommand.
    pub unlisted: Otherwise,
    /// No effect applies.
    pub otherwise: Otherwise,
    /// One of these proves that nothing happens.
    pub harmless_when: Vec<Condition<'a>>,
    /// How many of these, the last ones, prove it only where there are no operands.
    pub harmless_alone: usize,
    /// Output carries what is read.
    pub carries: bool,
    /// What is read is written, or shown, as it is.
    pub copies: bool,
    /// Output is decoded input.
    pub decodes_when: Vec<Condition<'a>>,
    /// Options whose values log in.
    pub authenticates: Vec<Condition<'a>>,
    /// Output is code that sets a shell up.
    pub setup_when: Vec<Condition<'a>>,
    /// Directories whose file names are printed.
    pub lists: Option<Selector<'a>>,
    /// When it prints them.
    pub lists_when: Vec<Condition<'a>>,
    /// Names of processes whose numbers are printed.
    pub processes: Option<Selector<'a>>,
    /// Words that it prints, perhaps among other things.
    pub prints: Option<Selector<'a>>,
    /// Programs in a language of its own whose string literals it prints.
    pub prints_strings: Option<Selector<'a>>,
    /// When it prints them.
    pub prints_when: Vec<Condition<'a>>,
    /// Filters with the value at which everything passes them.
    pub open: Vec<(u16, &'a str)>,
    /// When they count all the same.
    pub open_unless: Vec<Condition<'a>>,
    /// Options may stand between the first operand and a `--` behind it.
    pub separated: bool,
    /// The directory it works in when that is not the shell's.
    pub chdir: Option<Selector<'a>>,
    /// What it does.
    pub effects: Effects<'a>,
}
