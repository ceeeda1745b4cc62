//! Words of a command line to options and operands, by what an entry says about them. Decides nothing.

use super::catalogue::entry::{Arity, Entry, Style};
use super::catalogue::options::Listed;
use super::word::Word;

/// A word from one of its bytes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Position among the words.
    pub word: usize,
    /// First byte that counts.
    pub from: usize,
}

/// What an option was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// No value.
    Nothing,
    /// A value.
    One(Slice),
    /// These words.
    Block(usize, usize),
}

/// Words told apart.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Options in order: number and value.
    pub options: Vec<(u16, Given)>,
    /// Operands in order.
    pub operands: Vec<usize>,
    /// Leading `NAME=value` operands.
    pub assignments: Vec<usize>,
    /// Words with options that the entry does not list.
    pub unlisted: Vec<usize>,
    /// Every later word is an operand.
    pub ended: bool,
}

/// Where reading stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After the last word.
    End,
    /// Before the first operand.
    Operand,
}

/// Reads words from `start` on into `parsed` and returns the position of the first word that was not read.
pub fn read(
    entry: &Entry<'static>,
    words: &[Word],
    start: usize,
    until: Until,
    parsed: &mut Parsed,
) -> usize {
    let mut reader = Reader {
        entry,
        words,
        at: start,
        first: start,
        parsed,
    };
    while reader.at < words.len() {
        if !reader.step(until) {
            break;
        }
    }
    reader.at
}

struct Reader<'r> {
    entry: &'r Entry<'static>,
    words: &'r [Word],
    at: usize,
    first: usize,
    parsed: &'r mut Parsed,
}

impl<'r> Reader<'r> {
    /// Reads one word and what belongs to it; `false` before an operand that is not to be read.
    fn step(&mut self, until: Until) -> bool {
        let words = self.words;
        let word = &words[self.at];
        let (text, whole) = word.known();
        if !self.parsed.ended {
            if whole && text == "--" && self.entry.style != Style::KeyValue {
                self.parsed.ended = true;
                self.at += 1;
                return true;
            }
            if self.is_option(word, text) {
                self.option(text);
                return true;
            }
        }
        if until == Until::Operand {
            return false;
        }
        self.operand(text, whole);
        true
    }

    fn operand(&mut self, text: &str, whole: bool) {
        let assigns = self.entry.assignments
            && self.parsed.operands.is_empty()
            && assignment_name(text).is_some();
        if assigns {
            self.parsed.assignments.push(self.at);
            self.at += 1;
            return;
        }
        // `kubectl exec pod -- command`, `find` blocks aside: the separator after the first operand says nothing.
        let separator =
            whole && text == "--" && self.entry.stop_at_operand && self.parsed.operands.len() == 1;
        if !separator {
            self.parsed.operands.push(self.at);
        }
        if self.entry.stop_at_operand && !self.is_separated() {
            self.parsed.ended = true;
        }
        self.at += 1;
    }

    /// Whether a `--` still has to come before the command that is run.
    fn is_separated(&self) -> bool {
        self.entry.separated
            && self
                .words
                .iter()
                .skip(self.at + 1)
                .any(|word| word.exact() == Some("--"))
    }

    fn is_option(&self, word: &Word, text: &str) -> bool {
        if self
            .entry
            .dash_operands
            .iter()
            .any(|pattern| super::pattern::component(pattern, text))
        {
            return false;
        }
        match self.entry.style {
            Style::Gnu => text.len() > 1 && text.starts_with('-'),
            Style::Long => {
                (text.len() > 1 && text.starts_with('-'))
                    || (word.exact().is_some() && !text.is_empty() && self.find(text).is_some())
            }
            Style::KeyValue => {
                key(text).is_some_and(|key| self.find(key).is_some()) || text.starts_with("--")
            }
            Style::Slash => text.len() > 1 && text.starts_with(['/', '-']),
            Style::Old => {
                (text.len() > 1 && text.starts_with('-'))
                    || (self.at == self.first
                        && self.parsed.operands.is_empty()
                        && !text.is_empty())
            }
        }
    }

    fn find(&self, spelling: &str) -> Option<Listed> {
        self.entry.options.find(spelling, self.entry.reach)
    }

    fn option(&mut self, text: &'r str) {
        match self.entry.style {
            Style::KeyValue if !text.starts_with("--") => {
                let length = key(text).map_or(text.len(), str::len);
                match self.find(&text[..length]) {
                    Some(option) => self.give(option, Some(length)),
                    None => self.unlisted(),
                }
            }
            Style::Long | Style::KeyValue => self.long_style(text),
            Style::Slash => self.slash(text),
            Style::Old if !text.starts_with('-') => self.old(text),
            Style::Gnu | Style::Old => {
                if text.starts_with("--") {
                    self.long(text);
                } else {
                    self.cluster(text);
                }
            }
        }
    }

    fn long(&mut self, text: &str) {
        let (name, attached) = match text.find('=') {
            Some(at) => (&text[..at], Some(at + 1)),
            None => (text, None),
        };
        match self.find(name).or_else(|| self.find_prefix(name)) {
            Some(option) => self.give(option, attached),
            None => self.unlisted(),
        }
    }

    /// The only long option that begins so.
    fn find_prefix(&self, name: &str) -> Option<Listed> {
        if name.len() < 4 || !name.starts_with("--") {
            return None;
        }
        let mut fitting = self
            .entry
            .options
            .iter()
            .take(self.entry.reach)
            .filter(|option| {
                option
                    .spellings()
                    .any(|spelling| spelling.starts_with(name.as_bytes()))
            });
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }

    fn long_style(&mut self, text: &str) {
        let (name, attached) = match text.find('=') {
            Some(at) => (&text[..at], Some(at + 1)),
            None => (text, None),
        };
        let twin = match name.strip_prefix("--") {
            Some(rest) => format!("-{rest}"),
            None => format!("-{name}"),
        };
        let whole = self.find(text).map(|option| (option, None));
        match whole
            .or_else(|| self.find(name).map(|option| (option, attached)))
            .or_else(|| self.find(&twin).map(|option| (option, attached)))
        {
            Some((option, attached)) => self.give(option, attached),
            None if self.entry.numeric && is_number(name) => self.number(),
            None => self.unlisted(),
        }
    }

    fn slash(&mut self, text: &str) {
        let (name, attached) = match text.find([':', '=']) {
            Some(at) => (&text[..at], Some(at + 1)),
            None => (text, None),
        };
        // A shell on Windows makes paths of `/x`, so `//x` is written for it.
        let skipped = usize::from(name.starts_with("//"));
        let same = |one: &[u8]| {
            let other = &name.as_bytes()[skipped..];
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| {
                    one.eq_ignore_ascii_case(other)
                        || matches!((one, other), (b'/', b'-') | (b'-', b'/'))
                })
        };
        match self
            .entry
            .options
            .iter()
            .find(|option| option.spellings().any(same))
        {
            Some(option) => self.give(option, attached),
            None => self.unlisted(),
        }
    }

    /// `-abc`: each letter an option, until one takes the rest as its value.
    fn cluster(&mut self, text: &str) {
        if let Some(option) = self.find(text) {
            self.give(option, None);
            return;
        }
        if let Some(at) = text.find('=')
            && at > 2
            && let Some(option) = self.find(&text[..at])
        {
            self.give(option, Some(at + 1));
            return;
        }
        if self.entry.numeric && is_number(text) {
            self.number();
            return;
        }
        let word = self.at;
        let mut known = true;
        let mut spelling = [b'-', 0, 0, 0, 0];
        for (at, letter) in text.char_indices().skip(1) {
            let length = letter.encode_utf8(&mut spelling[1..]).len();
            let found = std::str::from_utf8(&spelling[..=length])
                .ok()
                .and_then(|spelling| self.find(spelling));
            let next = at + letter.len_utf8();
            match found {
                Some(option) if option.arity == Arity::Flag => {
                    self.push(option, Given::Nothing);
                }
                Some(option) => {
                    let rest = (next < text.len() || !self.words[word].known().1).then_some(next);
                    self.note(word, known);
                    self.give(option, rest);
                    return;
                }
                None => known = false,
            }
        }
        self.note(word, known);
        self.at = word + 1;
    }

    fn note(&mut self, word: usize, known: bool) {
        if !known {
            self.parsed.unlisted.push(word);
        }
    }

    /// `tar xzf a`: letters whose values are the next words, in order.
    fn old(&mut self, text: &str) {
        let word = self.at;
        self.at += 1;
        let mut known = true;
        for letter in text.chars() {
            match self.find(&format!("-{letter}")) {
                Some(option) if matches!(option.arity, Arity::Value | Arity::Pair) => {
                    let given = self.next_word();
                    self.push(option, given);
                }
                Some(option) => self.push(option, Given::Nothing),
                None => known = false,
            }
        }
        self.note(word, known);
    }

    fn unlisted(&mut self) {
        self.parsed.unlisted.push(self.at);
        self.at += 1;
    }

    fn number(&mut self) {
        if let Some(option) = self.find("-#") {
            self.push(
                option,
                Given::One(Slice {
                    word: self.at,
                    from: 1,
                }),
            );
        }
        self.at += 1;
    }

    fn push(&mut self, option: Listed, given: Given) {
        if let Ok(number) = u16::try_from(option.number) {
            self.parsed.options.push((number, given));
        }
        if option.stops {
            self.parsed.ended = true;
        }
    }

    fn next_word(&mut self) -> Given {
        if self.at < self.words.len() {
            self.at += 1;
            Given::One(Slice {
                word: self.at - 1,
                from: 0,
            })
        } else {
            Given::Nothing
        }
    }

    /// What was read as a value may be an option with a value of its own: whether the one before takes any differs between
    /// the programs of an entry and their versions (`vim -l -c CODE`, `nvim -l FILE`). Then it counts as that as well.
    fn may_be_option(&mut self) {
        let Some(word) = self.at.checked_sub(1).and_then(|at| self.words.get(at)) else {
            return;
        };
        let text = word.exact().unwrap_or_default();
        if self.at < self.words.len()
            && text.len() > 1
            && text.starts_with('-')
            && let Some(option) = self.find(text)
            && option.arity == Arity::Value
            && let Ok(number) = u16::try_from(option.number)
        {
            let value = Slice {
                word: self.at,
                from: 0,
            };
            self.parsed.options.push((number, Given::One(value)));
        }
    }

    /// Records the option that stands at the present word, with the value from byte `attached` on or the words after.
    fn give(&mut self, option: Listed, attached: Option<usize>) {
        let word = self.at;
        self.at += 1;
        let given = match (option.arity, attached) {
            (Arity::Block, _) => {
                let start = self.at;
                while self.at < self.words.len()
                    && !matches!(self.words[self.at].exact(), Some(";" | "+"))
                {
                    self.at += 1;
                }
                let end = self.at;
                self.at = (self.at + 1).min(self.words.len());
                Given::Block(start, end)
            }
            (_, Some(from)) => Given::One(Slice { word, from }),
            (Arity::Value, None) => {
                let given = self.next_word();
                self.may_be_option();
                given
            }
            (Arity::Pair, None) => {
                self.next_word();
                self.next_word()
            }
            (Arity::Flag | Arity::Attached, None) => Given::Nothing,
        };
        self.push(option, given);
    }
}

fn key(text: &str) -> Option<&str> {
    text.find('=').map(|at| &text[..=at])
}

fn is_number(text: &str) -> bool {
    text.len() > 1 && text.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

/// The name in `NAME=value`.
#[must_use]
pub fn assignment_name(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('=')?;
    // How bash hands functions on: `BASH_FUNC_name%%=() { ..; }`.
    if name.starts_with("BASH_FUNC_") && name.ends_with("%%") {
        return Some(name);
    }
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut bytes = name.bytes();
    let first = bytes.next()?;
    let plain = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    (plain(first) && !first.is_ascii_digit() && bytes.all(plain)).then_some(name)
}

/// Options that a parent was given, in the numbering of its subcommand: a subcommand's list ends with its parent's.
pub fn hand_down(parent: &Entry<'_>, child: &Entry<'_>, parsed: &mut Parsed) {
    if parsed.options.is_empty() {
        return;
    }
    let (before, after) = (parent.options.len(), child.options.len());
    parsed.options.retain_mut(|(number, _)| {
        let from_end = before.saturating_sub(usize::from(*number));
        let position = after.checked_sub(from_end);
        let Some(given) = parent.options.get(usize::from(*number)) else {
            return false;
        };
        let same = |option: &Listed| option.is_spelled_as(given);
        // A subcommand that is an alias of another program's has that program's options, and may know this one too.
        let known = position
            .filter(|position| {
                child
                    .options
                    .get(*position)
                    .is_some_and(|option| same(&option))
            })
            .or_else(|| child.options.iter().position(|option| same(&option)));
        match known.map(u16::try_from) {
            Some(Ok(position)) => {
                *number = position;
                true
            }
            _ => false,
        }
    });
}

/// The values of an option.
pub fn values<'w>(
    parsed: &'w Parsed,
    words: &'w [Word],
    option: u16,
) -> impl Iterator<Item = Word> + 'w {
    parsed
        .options
        .iter()
        .filter(move |(number, _)| *number == option)
        .flat_map(move |(_, given)| match *given {
            Given::Nothing => Vec::new(),
            Given::One(Slice { word, from }) => words
                .get(word)
                .map(|word| word.tail(from))
                .into_iter()
                .collect(),
            Given::Block(start, end) => words.get(start..end).unwrap_or_default().to_vec(),
        })
}
