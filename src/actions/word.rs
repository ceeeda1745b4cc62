//! Words under evaluation, and the data that flows through a call. Leaves of the engine.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

/// Where something stands in the call.
#[derive(Debug, Clone)]
pub struct Origin {
    /// JSON Pointer of the argument.
    pub at: Rc<str>,
    /// The bytes of that argument; `None` when no part of it says so.
    pub span: Option<ByteSpan>,
    /// `Some(offset)` when the text stands there unchanged from that byte on.
    pub verbatim: Option<usize>,
}

impl Origin {
    /// An argument as a whole.
    #[must_use]
    pub const fn argument(at: Rc<str>, span: Option<ByteSpan>) -> Self {
        Self {
            at,
            span,
            verbatim: None,
        }
    }

    /// The place of the bytes `[start, end)` of the text that stands here.
    #[must_use]
    pub fn inside(&self, span: ByteSpan) -> Self {
        match self.verbatim {
            Some(offset) => Self {
                at: Rc::clone(&self.at),
                span: Some(span.shifted(offset)),
                verbatim: None,
            },
            None => Self {
                at: Rc::clone(&self.at),
                span: self.span,
                verbatim: None,
            },
        }
    }
}

/// A word of a command.
#[derive(Debug, Clone)]
pub struct Word {
    /// What it is known to be.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
    /// The output of commands that is part of it.
    pub data: Option<Rc<Data>>,
}

impl Word {
    /// A word that nobody wrote.
    #[must_use]
    pub fn made(value: Value, origin: Origin) -> Self {
        Self {
            value,
            origin,
            data: None,
        }
    }

    /// The text when it is known exactly.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        self.value.exact()
    }

    /// As much of the beginning as is known, and whether that is all.
    #[must_use]
    pub fn known(&self) -> (&str, bool) {
        known(&self.value)
    }

    /// The word without its first `from` bytes.
    #[must_use]
    pub fn tail(&self, from: usize) -> Self {
        if from == 0 {
            return self.clone();
        }
        let mut word = self.clone();
        word.value = tail(&self.value, from);
        word.origin.verbatim = self.origin.verbatim.map(|offset| offset + from);
        word
    }
}

fn tail(value: &Value, from: usize) -> Value {
    match value {
        Value::Exact(text) => Value::Exact(cut(text, from)),
        Value::Pattern(text) => Value::Pattern(cut(text, from)),
        Value::OneOf(texts) => Value::OneOf(texts.iter().map(|text| cut(text, from)).collect()),
        Value::Prefix(text, why) => {
            let rest = cut(text, from);
            if rest.is_empty() {
                Value::Unknown(why.clone())
            } else {
                Value::Prefix(rest, why.clone())
            }
        }
        Value::Unknown(why) => Value::Unknown(why.clone()),
        Value::Either(values) => {
            Value::Either(values.iter().map(|value| tail(value, from)).collect())
        }
    }
}

fn cut(text: &str, from: usize) -> String {
    text.get(from..).unwrap_or_default().to_owned()
}

/// As much of the beginning of a value as is known, and whether that is all.
#[must_use]
pub fn known(value: &Value) -> (&str, bool) {
    match value {
        Value::Exact(text) => (text, true),
        Value::Pattern(text) | Value::Prefix(text, _) => (text, false),
        Value::OneOf(texts) => (texts.first().map_or("", String::as_str), false),
        Value::Unknown(_) => ("", false),
        Value::Either(values) => match values.first() {
            Some(Value::Exact(text) | Value::Pattern(text) | Value::Prefix(text, _)) => {
                (text, false)
            }
            _ => ("", false),
        },
    }
}

/// Why something is not known, in words that follow "because" or stand by themselves.
#[must_use]
pub fn why_text(why: &Why) -> Cow<'static, str> {
    match why {
        Why::UnsetVariable(name) => {
            Cow::Owned(format!("the variable `{name}` is not set in the call"))
        }
        Why::PutIn(name) => Cow::Owned(format!("what stands for `{name}` is put in later")),
        Why::Parameter(name) => Cow::Owned(format!("the parameter `${name}` is not known")),
        Why::CommandOutput => Cow::Borrowed("the output of a command is not known beforehand"),
        Why::Expansion => Cow::Borrowed("an expansion could not be computed"),
        Why::RunTimeValue(name) => Cow::Owned(format!("`{name}` is only known when the call runs")),
        Why::Limit => Cow::Borrowed(LIMIT),
        Why::Syntax => Cow::Borrowed("the shell text has a syntax error"),
    }
}

/// The reason of everything that is over the budget.
pub const LIMIT: &str = "analysis limit";

/// A text that flows.
#[derive(Debug, Clone)]
pub struct FlowText {
    /// What it is known to be.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// What a value may be, one by one.
fn single(value: &Value) -> Vec<Value> {
    match value {
        Value::Either(values) => values.clone(),
        Value::OneOf(texts) => texts.iter().cloned().map(Value::Exact).collect(),
        one => vec![one.clone()],
    }
}

impl FlowText {
    /// Longer texts are kept by themselves.
    const LONGEST: usize = 256 * 1024;
    /// How many texts that are not known as one are judged.
    const MOST: usize = 8;

    /// Both, one behind the other.
    fn joined(mut self: Box<Self>, other: &Self) -> Box<Self> {
        self.origin.verbatim = None;
        match (&mut self.value, &other.value) {
            (Value::Exact(text), Value::Exact(more)) if text == more => {}
            (Value::Exact(text), Value::Exact(more)) if text.len() + more.len() < Self::LONGEST => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(more);
            }
            // What is not known as one text is judged as any of them.
            (held, more) => {
                let mut any = single(held);
                any.extend(single(more));
                any.dedup();
                *held = if any.len() <= Self::MOST {
                    Value::Either(any)
                } else {
                    Value::Unknown(Why::Limit)
                };
            }
        }
        self
    }
}

/// What is known of data that flows from one command to another. Most of it comes from nowhere that matters, and what
/// does is kept apart: data is made, moved and dropped for each effect of each command.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Whether anything flows.
    pub some: bool,
    /// It was decoded or computed on its way.
    pub decoded: bool,
    /// All of it is code by which programs set a shell up for themselves.
    pub setup: bool,
    /// Programs made some of it out of texts that stand in the call.
    pub made: bool,
    /// The text, when it stands in the call.
    pub text: Option<Box<FlowText>>,
    sources: Option<Box<Sources>>,
}

/// Who brought data from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// This call, from that URL.
    Now(Rc<str>),
    /// An earlier call of the run, into that file; from that host, where it is known.
    Earlier {
        /// Where it lay then.
        file: Rc<str>,
        /// Who served it.
        host: Option<Rc<str>>,
        /// Nobody: the call wrote it itself, and it would do something grave.
        written: bool,
    },
}

impl Served {
    /// The host that served it.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        match self {
            Self::Now(url) => super::url::classify(url).host,
            Self::Earlier { host, .. } => host.as_deref().map(str::to_owned),
        }
    }
}

/// When data was brought from the network: what was in this very call can have been looked at by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Brought {
    /// By nobody: an earlier call of the run wrote what would do something grave.
    Written,
    /// By an earlier call of the run.
    Earlier,
    /// By this call.
    Now,
}

impl Brought {
    /// The attribute of what runs it.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Written => "laden",
            Self::Earlier => "fetched",
            Self::Now => "downloaded",
        }
    }
}

/// Where data comes from, and what it holds besides its text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Where it was downloaded from.
    pub served: Vec<Served>,
    /// Credentials in it.
    pub secrets: Vec<Rc<str>>,
    /// Files of this machine in it.
    pub files: Vec<Rc<str>>,
    /// Folders whose file names it lists.
    pub folders: Vec<Rc<str>>,
    /// Names of processes whose numbers it lists.
    pub processes: Vec<Rc<str>>,
    /// Variables of the environment in it whose names say that they hold credentials.
    pub variables: Vec<Rc<str>>,
    /// What is known of the text that code prints; it may print more.
    pub printed: Option<Box<FlowText>>,
}

const NO_SOURCES: &Sources = &Sources {
    served: Vec::new(),
    secrets: Vec::new(),
    files: Vec::new(),
    folders: Vec::new(),
    processes: Vec::new(),
    variables: Vec::new(),
    printed: None,
};

impl Deref for Data {
    type Target = Sources;

    fn deref(&self) -> &Sources {
        self.sources.as_deref().unwrap_or(NO_SOURCES)
    }
}

impl DerefMut for Data {
    fn deref_mut(&mut self) -> &mut Sources {
        self.sources.get_or_insert_default()
    }
}

/// How many sources of data are kept apart.
const MAX_SOURCES: usize = 32;

impl Data {
    /// Nothing flows.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            some: false,
            decoded: false,
            setup: false,
            made: false,
            text: None,
            sources: None,
        }
    }

    /// Output of which nothing more is known.
    #[must_use]
    pub fn opaque() -> Self {
        Self {
            some: true,
            ..Self::default()
        }
    }

    /// What was downloaded from there.
    #[must_use]
    pub fn of_url(url: Rc<str>) -> Self {
        Self {
            sources: Some(Box::new(Sources {
                served: vec![Served::Now(url)],
                ..Sources::default()
            })),
            ..Self::opaque()
        }
    }

    /// Whether anything is known of it.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.some && (self.text.is_some() || self.sources.is_some() || self.decoded || self.made)
    }

    /// A text that stands in the call.
    #[must_use]
    pub fn of_text(value: Value, origin: Origin) -> Self {
        Self {
            some: true,
            text: Some(Box::new(FlowText { value, origin })),
            ..Self::default()
        }
    }

    /// Adds what flows from another source.
    pub fn merge(&mut self, other: &Self) {
        if !other.some {
            return;
        }
        // Two texts in one stream are not known as one.
        self.made |= self.some && (self.text.is_some() || other.text.is_some());
        self.text = match (self.some, self.text.take(), &other.text) {
            (false, _, text) => text.clone(),
            _ => None,
        };
        self.setup = other.setup && (self.setup || !self.some);
        self.some = true;
        if let Some(others) = &other.sources {
            match &mut self.sources {
                Some(own) => own.merge(others),
                none => *none = Some(others.clone()),
            }
        }
        self.decoded |= other.decoded;
        self.made |= other.made;
    }

    /// What a program makes of it is not its text any more.
    pub fn drop_text(&mut self) {
        self.made |= self.text.take().is_some();
    }

    /// As it lies in a file: what is known to be printed is in it.
    #[must_use]
    pub fn stored(mut self) -> Self {
        if self.text.is_none() && self.printed.is_some() {
            self.text = self.printed.take();
        }
        self
    }

    /// Adds what is written behind it. What is known of either is known of both, unless the other is code of somebody
    /// else.
    pub fn followed_by(&mut self, other: &Self) {
        let foreign = |data: &Self| !data.served.is_empty() || data.decoded;
        let text = match (self.text.take(), &other.text) {
            (Some(first), Some(second)) => Some(first.joined(second)),
            (Some(text), None) => (!foreign(other)).then_some(text),
            (None, Some(text)) => (!foreign(self)).then(|| text.clone()),
            (None, None) => None,
        };
        let made = self.made || other.made;
        self.merge(other);
        self.text = text;
        self.made = made;
    }

    /// What comes back from another host is what that host says: its files are none of this machine.
    #[must_use]
    pub fn over_ssh(mut self, from: Option<&str>) -> Self {
        if let Some(host) = from.and_then(|on| on.strip_prefix("ssh:")) {
            self.text = None;
            if self.some {
                self.files.clear();
                add(
                    &mut self.served,
                    &Served::Now(Rc::from(format!("ssh://{host}"))),
                );
            }
        }
        self
    }

    /// Both, one after the other.
    #[must_use]
    pub fn beside(mut self, other: Self) -> Self {
        if !self.some {
            return other;
        }
        self.merge(&other);
        self
    }

    /// When some of it was brought from the network, if it was: the latest.
    #[must_use]
    pub fn brought(&self) -> Option<Brought> {
        let when = |served: &Served| match served {
            Served::Now(_) => Brought::Now,
            Served::Earlier { written: true, .. } => Brought::Written,
            Served::Earlier { .. } => Brought::Earlier,
        };
        self.served.iter().map(when).max()
    }

    /// Whether it holds something that should not leave the machine unnoticed.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.secrets.is_empty() || !self.files.is_empty()
    }
}

impl Sources {
    fn merge(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.secrets, &other.secrets),
            (&mut self.files, &other.files),
            (&mut self.folders, &other.folders),
            (&mut self.processes, &other.processes),
            (&mut self.variables, &other.variables),
        ] {
            for held in others {
                add(own, held);
            }
        }
        for held in &other.served {
            add(&mut self.served, held);
        }
        if let Some(printed) = &other.printed {
            self.printed = Some(match self.printed.take() {
                Some(own) => own.joined(printed),
                None => printed.clone(),
            });
        }
    }
}

/// Adds a source once.
pub fn add<T: Clone + PartialEq>(sources: &mut Vec<T>, source: &T) {
    if sources.len() < MAX_SOURCES && !sources.contains(source) {
        sources.push(source.clone());
    }
}
