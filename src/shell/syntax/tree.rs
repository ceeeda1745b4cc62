//! The syntax tree. Nodes point into the source by byte offsets, so a tree owns no text and borrows none.

use std::rc::Rc;

/// A half-open range of bytes in the source that was parsed; may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slice {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl Slice {
    /// The range between two offsets.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The text it covers; empty when it does not lie in `source`.
    pub fn of(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

/// A word of the source. No parts: the source text is the word, literally.
#[derive(Debug, Clone, Default)]
pub struct Word {
    /// Where it stands.
    pub span: Slice,
    /// What it consists of.
    pub parts: Vec<Part>,
    /// Holds an unquoted `{`.
    pub braces: bool,
}

/// A part of a word.
#[derive(Debug, Clone)]
pub enum Part {
    /// Unquoted text that stands for itself.
    Literal(Slice),
    /// Quoted text that stands for itself: `'..'`, a character after a backslash, literal text in `".."`.
    Quoted(Slice),
    /// The inside of `$'..'`.
    Ansi(Slice),
    /// `".."`
    Double(Vec<Part>),
    /// Unquoted `*`, `?`, `[` or the characters of an extended pattern.
    Glob(Slice),
    /// An unquoted `{`, `,` or `}` of a possible brace expansion.
    Brace(u8, Slice),
    /// `~` or `~name` at a place where it is expanded.
    Tilde(Slice),
    /// `$name`, `$1`, `$@`: the name.
    Variable(Slice),
    /// `${..}`
    Parameter(Box<Parameter>),
    /// `$(..)` or backquotes whose inside needs no unescaping.
    Command(Rc<Node>),
    /// Backquotes with backslashes inside: parsed when met. Says whether it stands in double quotes.
    Backquote(Slice, bool),
    /// `<(..)` (true) or `>(..)` (false).
    Process(Rc<Node>, bool),
    /// `$((..))` or `$[..]`: the expression.
    Arithmetic(Vec<Part>, Slice),
    /// `(..)` after `name=` in an argument of a declaration.
    Array(Vec<Element>),
    /// The inside of `${{ .. }}`, which is no shell: whoever wrote the text has a template engine put a value there.
    Template(Slice),
    /// A form that is an error when it is expanded.
    Bad,
}

/// `${..}`
#[derive(Debug, Clone)]
pub struct Parameter {
    /// All of it.
    pub span: Slice,
    /// The name.
    pub name: Slice,
    /// `${!name}`
    pub indirect: bool,
    /// `${#name}`
    pub length: bool,
    /// `[..]`
    pub index: Option<Word>,
    /// What is done to the value.
    pub operator: Operator,
}

/// What `${name..}` does to the value.
#[derive(Debug, Clone)]
pub enum Operator {
    /// Nothing.
    None,
    /// `-`, `=`, `+`, `?`, with or without colon.
    Default {
        /// `-`, `=`, `+` or `?`.
        kind: u8,
        /// Whether empty counts as unset.
        colon: bool,
        /// The word after it.
        word: Word,
    },
    /// `#`, `##`, `%`, `%%`.
    Trim {
        /// From the end.
        suffix: bool,
        /// The longest match.
        longest: bool,
        /// What is removed.
        pattern: Word,
    },
    /// `/`, `//`, `/#`, `/%`: the mode is `1`, `/`, `#` or `%`.
    Replace {
        /// Which matches.
        mode: u8,
        /// What is replaced.
        pattern: Word,
        /// By what.
        with: Word,
    },
    /// `:offset:length`
    Substring {
        /// The first expression.
        offset: Word,
        /// The second.
        length: Option<Word>,
    },
    /// `^`, `^^`, `,`, `,,`.
    Case {
        /// Upper case.
        upper: bool,
        /// Every character.
        all: bool,
    },
    /// `@Q` and kin.
    Transform(u8),
    /// `${!prefix*}`
    Names,
}

/// `NAME=value`, `NAME[i]=value`, `NAME+=value`, `NAME=(..)`.
#[derive(Debug, Clone)]
pub struct Assign {
    /// All of it.
    pub span: Slice,
    /// The name.
    pub name: Slice,
    /// The subscript.
    pub index: Option<Word>,
    /// `+=`
    pub append: bool,
    /// The value.
    pub value: Assigned,
}

/// The right side of an assignment.
#[derive(Debug, Clone)]
pub enum Assigned {
    /// A word.
    Scalar(Word),
    /// `(..)`
    Array(Vec<Element>),
}

/// An element of an array literal.
#[derive(Debug, Clone)]
pub struct Element {
    /// `[key]=`
    pub key: Option<Word>,
    /// The value.
    pub value: Word,
}

/// A redirect as written.
#[derive(Debug, Clone)]
pub struct Redir {
    /// Operator and target.
    pub span: Slice,
    /// The descriptor before it.
    pub fd: Option<u32>,
    /// The variable before it that gets the descriptor: `{name}>`.
    pub name: Option<Slice>,
    /// What it does.
    pub op: RedirOp,
    /// The target; for a here-document the delimiter.
    pub target: Word,
}

/// The operator of a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirOp {
    /// `<`
    Read,
    /// `>`, `>|`
    Write,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `&>`, `>&` with a file
    Both,
    /// `&>>`
    BothAppend,
    /// `<&`, `>&` with a descriptor
    Duplicate,
    /// `<<`, `<<-`: index of the here-document.
    Here(usize),
    /// `<<<`
    HereString,
}

/// A here-document.
#[derive(Debug, Clone, Default)]
pub struct Heredoc {
    /// The body.
    pub body: Slice,
    /// Leading tabs are removed (`<<-`).
    pub strip_tabs: bool,
    /// Parts, when the body is expanded; none: the body stands for itself.
    pub parts: Vec<Part>,
}

/// A simple command.
#[derive(Debug, Clone, Default)]
pub struct Simple {
    /// From its first to its last byte.
    pub span: Slice,
    /// Assignments before the program.
    pub assigns: Vec<Assign>,
    /// Program and arguments.
    pub words: Vec<Word>,
    /// Redirects.
    pub redirs: Vec<Redir>,
}

/// How a member of an and-or list hangs on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is the first.
    First,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// A function definition.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: Slice,
    /// What it runs.
    pub body: Node,
    /// The body in the source.
    pub body_span: Slice,
}

/// An arm of `case`.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Patterns.
    pub patterns: Vec<Word>,
    /// What runs.
    pub body: Node,
}

/// A command of any kind.
#[derive(Debug, Clone)]
pub enum Node {
    /// Program with arguments, or assignments and redirects alone.
    Simple(Box<Simple>),
    /// Two or more joined by `|`.
    Pipeline(Vec<Node>),
    /// Two or more joined by `&&` and `||`.
    AndOr(Vec<(Link, Node)>),
    /// `! a | b`
    Negated(Box<Node>),
    /// One after the other.
    List(Vec<Node>),
    /// `&`
    Background(Box<Node>),
    /// `coproc`, with its name
    Coprocess(Option<Slice>, Box<Node>),
    /// `( )`
    Subshell(Box<Node>),
    /// `{ }`
    Group(Box<Node>),
    /// Conditions with what they lead to, and what runs otherwise.
    If(Vec<(Node, Node)>, Option<Box<Node>>),
    /// Condition and body; whether it runs until the condition holds.
    While(Box<Node>, Box<Node>, bool),
    /// Variable, words (none: the positional parameters), body.
    For(Slice, Option<Vec<Word>>, Box<Node>),
    /// The three expressions as one text, and the body.
    ForArithmetic(Vec<Part>, Box<Node>),
    /// `select`: as [`Node::For`], but a person chooses.
    Select(Slice, Option<Vec<Word>>, Box<Node>),
    /// Subject and arms.
    Case(Word, Vec<Arm>),
    /// `[[ ]]`: its words.
    Test(Vec<Word>),
    /// `(( ))`
    Arithmetic(Vec<Part>, Slice),
    /// A definition.
    Function(Rc<Function>),
    /// A compound command with redirects.
    Redirected(Box<Node>, Vec<Redir>),
}

/// Why parsing could not go on as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Where it was noticed.
    pub at: usize,
    /// Over the nesting budget, and not an error of the text.
    pub limit: bool,
}

/// A parsed text.
#[derive(Debug, Clone)]
pub struct Tree {
    /// What runs.
    pub root: Rc<Node>,
    /// Here-documents by index.
    pub heredocs: Vec<Heredoc>,
    /// Errors in the order they were noticed.
    pub troubles: Vec<Trouble>,
    /// How many steps the parser took; linear in the text.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "what the test of linearity counts")
    )]
    pub steps: usize,
}
