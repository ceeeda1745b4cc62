//! Functions, blocks and classes of the script: what they do with what they are given.
//!
//! A block is read where it stands, and once more at every call. What stood in the definition is forgotten when all
//! that names it was followed so. All that is read again comes out of one budget.

use super::{Reader, Words, is_word_byte};
use crate::actions::code::frames::Frames;
use crate::actions::code::value::{Kind, Val, either};
use crate::shell::command::Value;
use std::collections::{BTreeSet, HashMap};

/// Calls that are followed one inside of the other.
const MAX_CALLS: usize = 8;

/// How often a block may be on the way when it is called once more.
const MAX_RECURSION: usize = 2;

/// Bytes that calls may read again, beyond as many as the text has.
const SPARE_BYTES: usize = 64 * 1024;

/// Blocks that are kept.
const MAX_BLOCKS: usize = 1_000;

/// A block in braces.
#[derive(Debug)]
struct Block {
    /// Under which name it is called; empty for one that has none.
    name: String,
    from: usize,
    /// The byte after its closing brace, once it was read.
    to: Option<usize>,
    /// Its parameters, and where their defaults stand.
    parameters: Vec<(String, Option<(usize, usize)>)>,
    followed: BTreeSet<usize>,
    unfollowed: bool,
}

/// What a script has defined so far.
#[derive(Debug, Default)]
pub(super) struct Defined {
    blocks: Vec<Block>,
    functions: HashMap<String, usize>,
    methods: HashMap<String, usize>,
    classes: BTreeSet<String>,
    fields: HashMap<String, Val>,
    /// Definitions of blocks.
    pub frames: Frames,
    /// The blocks that are being read, innermost last.
    reading: Vec<usize>,
    active: Vec<usize>,
    budget: usize,
}

impl Defined {
    pub fn new(bytes: usize) -> Self {
        Self {
            budget: SPARE_BYTES + bytes,
            ..Self::default()
        }
    }
}

impl<'a> Reader<'a> {
    /// A block whose opening brace was passed: its number, and the value of its last statement.
    pub(super) fn read_block(
        &mut self,
        name: &str,
        parameters: Vec<(String, Option<(usize, usize)>)>,
    ) -> (Option<usize>, Val) {
        let from = self.at;
        let known = self
            .defined
            .blocks
            .iter()
            .rposition(|block| block.from == from);
        let id = match known {
            Some(id) => Some(id),
            None if self.defined.blocks.len() < MAX_BLOCKS => {
                self.defined.blocks.push(Block {
                    name: name.to_owned(),
                    from,
                    to: None,
                    parameters,
                    followed: BTreeSet::new(),
                    unfollowed: false,
                });
                Some(self.defined.blocks.len() - 1)
            }
            None => None,
        };
        let outer = id.map(|id| {
            self.defined.reading.push(id);
            self.defined.frames.enter(id)
        });
        let last = self.script_apart();
        if let (Some(id), Some(outer)) = (id, outer) {
            self.defined.reading.pop();
            self.defined.frames.leave(outer);
            if let Some(block) = self.defined.blocks.get_mut(id) {
                block.to = Some(self.at);
            }
        }
        (id, last)
    }

    /// `function NAME (…) { … }`, after the keyword.
    pub(super) fn function_here(&mut self, outer: bool) {
        self.blanks(false);
        let name_at = self.at;
        while self.at < self.end
            && (is_word_byte(self.bytes[self.at]) || matches!(self.bytes[self.at], b'-' | b':'))
        {
            self.at += 1;
        }
        let written = &self.text[name_at..self.at];
        // `function global:f`
        let name = written
            .rsplit(':')
            .next()
            .unwrap_or(written)
            .to_ascii_lowercase();
        let behind = self.bytes.get(self.at..).unwrap_or_default();
        let called = !name.is_empty()
            && (self.defined.functions.contains_key(&name)
                || behind
                    .windows(name.len())
                    .any(|part| part.eq_ignore_ascii_case(name.as_bytes())));
        self.blanks(true);
        let parameters = if self.peek(0) == b'(' {
            self.parameters_here()
        } else {
            Vec::new()
        };
        self.certain = outer && called;
        self.blanks(true);
        if self.peek(0) != b'{' {
            return;
        }
        self.at += 1;
        // What is called while its body is read is the same function.
        let (id, _) = self.read_block(&name, parameters);
        if let Some(id) = id
            && self.defined.functions.len() < MAX_BLOCKS
        {
            self.defined.functions.insert(name, id);
        }
    }

    /// `($a, [int]$b = 1)`: the names in brackets here, which are passed.
    pub(super) fn parameters_here(&mut self) -> Vec<(String, Option<(usize, usize)>)> {
        let mut out: Vec<(String, Option<(usize, usize)>)> = Vec::new();
        self.at += 1;
        let (mut depth, mut fresh) = (0usize, true);
        while self.at < self.end {
            match self.bytes[self.at] {
                b'#' | b'<' if self.peek(1) == b'#' || self.bytes[self.at] == b'#' => {
                    let before = self.at;
                    self.blanks(true);
                    if self.at == before {
                        self.at += 1;
                    }
                    continue;
                }
                b'\'' | b'"' => {
                    let quote = self.bytes[self.at];
                    let rest = &self.bytes[self.at + 1..self.end];
                    let close = memchr::memchr(quote, rest);
                    self.at = close.map_or(self.end, |close| self.at + close + 2);
                    continue;
                }
                b'(' | b'{' | b'[' => depth += 1,
                b')' if depth == 0 => {
                    self.at += 1;
                    break;
                }
                b')' | b'}' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => fresh = true,
                b'$' if depth == 0 && fresh => {
                    fresh = false;
                    let name = self.variable_name().to_ascii_lowercase();
                    if out.len() < 32 {
                        out.push((name, None));
                    }
                    continue;
                }
                b'=' if depth == 0 => {
                    let from = self.at + 1;
                    if let Some((_, default)) = out.last_mut() {
                        *default = Some((from, self.end));
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        out
    }

    /// `param(…)` at the head of a block gives it its parameters.
    pub(super) fn parameters_of_block(&mut self) {
        let parameters = self.parameters_here();
        if let Some(block) = self
            .defined
            .reading
            .last()
            .and_then(|id| self.defined.blocks.get_mut(*id))
        {
            block.parameters = parameters;
        }
    }

    /// Calls a function of the script; `None` when there is none of that name.
    pub(super) fn own_command(&mut self, name: &str, words: &Words, start: usize) -> Option<Val> {
        let lower = name.to_ascii_lowercase();
        let id = *self.defined.functions.get(&lower)?;
        Some(self.call_block(id, words, start))
    }

    /// The block that a value is.
    pub(super) fn block_of(value: &Val) -> Option<usize> {
        match &value.kind {
            Kind::Object("block", held) => match held.get(1).map(|id| &id.kind) {
                Some(Kind::Number(id)) => usize::try_from(*id).ok(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Reads a block once more with what a command line gives it.
    pub(super) fn call_block(&mut self, id: usize, words: &Words, start: usize) -> Val {
        let named = words
            .parameters
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (name.clone(), value.clone()));
        let named = named.collect();
        self.follow(id, named, words.values.clone(), None, start)
    }

    /// Reads a block that stands elsewhere once more, where it is applied to what comes through the pipe.
    pub(super) fn applied(&mut self, words: &Words, start: usize) {
        let given = words
            .value(&["process", "begin", "end"])
            .or_else(|| words.values.first());
        let Some(id) = given.and_then(Self::block_of) else {
            return;
        };
        if self
            .defined
            .blocks
            .get(id)
            .is_some_and(|block| block.from < start)
        {
            self.call_with(id, Vec::new(), start);
        }
    }

    /// Reads a block once more with values in their order.
    pub(super) fn call_with(&mut self, id: usize, values: Vec<Val>, start: usize) -> Val {
        self.follow(id, Vec::new(), values, None, start)
    }

    fn follow(
        &mut self,
        id: usize,
        named: Vec<(String, Option<Val>)>,
        values: Vec<Val>,
        this: Option<Val>,
        start: usize,
    ) -> Val {
        let Some(block) = self.defined.blocks.get(id) else {
            return Val::opaque("");
        };
        let (from, parameters) = (block.from, block.parameters.clone());
        let recursion = self
            .defined
            .active
            .iter()
            .filter(|active| **active == id)
            .count();
        let length = block.to.map(|to| to.saturating_sub(from) + 1);
        let affordable = length.filter(|length| *length <= self.defined.budget);
        let (Some(length), true) = (
            affordable,
            self.defined.active.len() < MAX_CALLS && recursion < MAX_RECURSION && self.enter(),
        ) else {
            if let Some(block) = self.defined.blocks.get_mut(id) {
                block.unfollowed = true;
            }
            return Val::opaque("");
        };
        self.defined.budget -= length;
        let (at, end, certain) = (self.at, self.end, self.certain);
        // A function that was defined earlier may stand behind what is being read.
        self.end = self.text.len();
        let mut shadowed: Vec<(String, Option<Val>)> = Vec::new();
        let mut put = |variables: &mut HashMap<String, Val>, name: &str, value: Val| {
            let before = variables.insert(name.to_owned(), value);
            shadowed.push((name.to_owned(), before));
        };
        let mut rest = values.into_iter();
        for (name, default) in parameters {
            let given = named
                .iter()
                .find(|(given, _)| name.starts_with(given.as_str()));
            let value = match (given, default) {
                (Some((_, Some(value))), _) => value.clone(),
                // A switch.
                (Some((_, None)), _) => match rest.next() {
                    Some(value) => value,
                    None => Val::name("true"),
                },
                (None, default) => match (rest.next(), default) {
                    (Some(value), _) => value,
                    (None, Some((from, to))) => {
                        self.at = from;
                        self.end = to;
                        self.blanks(true);
                        // A comma separates parameters here.
                        let value = self.unary();
                        self.end = self.text.len();
                        value
                    }
                    (None, None) => Val::opaque(&name),
                },
            };
            self.copied += value.size();
            put(&mut self.variables, &name, value);
        }
        put(&mut self.variables, "args", Val::list(rest.collect()));
        if let Some(this) = this {
            put(&mut self.variables, "this", this);
        }
        self.defined.active.push(id);
        self.defined.reading.push(id);
        self.at = from;
        let last = self.script_apart();
        self.defined.reading.pop();
        self.defined.active.pop();
        for (name, value) in shadowed.into_iter().rev() {
            match value {
                Some(value) => self.variables.insert(name, value),
                None => self.variables.remove(&name),
            };
        }
        (self.at, self.end, self.certain) = (at, end, certain);
        self.depth -= 1;
        if let Some(block) = self.defined.blocks.get_mut(id) {
            block.followed.insert(start);
        }
        last
    }

    /// A block gets a name when a variable is given it.
    pub(super) fn name_block(&mut self, value: &Val, name: &str) {
        if let Some(block) = Self::block_of(value).and_then(|id| self.defined.blocks.get_mut(id))
            && block.name.is_empty()
        {
            block.name = name.to_ascii_lowercase();
        }
    }

    /// `class NAME { … }`, after the keyword.
    pub(super) fn class_here(&mut self) {
        self.blanks(true);
        let name_at = self.at;
        while self.at < self.end && is_word_byte(self.bytes[self.at]) {
            self.at += 1;
        }
        let name = self.text[name_at..self.at].to_ascii_lowercase();
        while self.at < self.end && self.bytes[self.at] != b'{' {
            self.at += 1;
        }
        self.at += 1;
        if self.defined.classes.len() < MAX_BLOCKS {
            self.defined.classes.insert(name);
        }
        loop {
            self.blanks(true);
            if self.at >= self.end {
                return;
            }
            let before = self.at;
            match self.bytes[self.at] {
                b'}' => {
                    self.at += 1;
                    return;
                }
                b'[' => {
                    let rest = &self.bytes[self.at..self.end];
                    let close = memchr::memchr(b']', rest);
                    self.at = close.map_or(self.end, |close| self.at + close + 1);
                }
                b'$' => {
                    let name = self.variable_name();
                    self.blanks(false);
                    if self.peek(0) == b'=' {
                        self.at += 1;
                        self.blanks(true);
                        let value = self.statement();
                        self.set_field(&name, value);
                    }
                }
                byte if is_word_byte(byte) => self.member_here(),
                _ => self.step_over(),
            }
            if self.at == before {
                self.step_over();
            }
        }
    }

    fn member_here(&mut self) {
        let name_at = self.at;
        while self.at < self.end && is_word_byte(self.bytes[self.at]) {
            self.at += 1;
        }
        let name = self.text[name_at..self.at].to_ascii_lowercase();
        self.blanks(true);
        if self.peek(0) != b'(' {
            return;
        }
        let parameters = self.parameters_here();
        while self.at < self.end && !matches!(self.bytes[self.at], b'{' | b'}' | b';') {
            self.at += 1;
        }
        if self.peek(0) != b'{' {
            return;
        }
        self.at += 1;
        let (id, _) = self.read_block(&name, parameters);
        if let Some(id) = id
            && self.defined.methods.len() < MAX_BLOCKS
        {
            self.defined.methods.insert(name, id);
        }
    }

    pub(super) fn set_field(&mut self, name: &str, value: Val) {
        let key = name.to_ascii_lowercase();
        self.copied += value.size();
        if self.defined.fields.len() >= MAX_BLOCKS {
            return;
        }
        let both = |old: &Val| {
            matches!(
                (&old.kind, &value.kind),
                (
                    Kind::Text(Value::Exact(_), _),
                    Kind::Text(Value::Exact(_), _)
                )
            )
        };
        let value = match self.defined.fields.remove(&key) {
            Some(old) if both(&old) => either(old, value),
            _ => value,
        };
        self.defined.fields.insert(key, value);
    }

    /// What an attribute of an object of the script's own classes holds.
    pub(super) fn field(&self, name: &str) -> Option<Val> {
        self.defined.fields.get(name).cloned()
    }

    /// A method, or the constructor, of a class of the script.
    pub(super) fn own_method(
        &mut self,
        on: &Val,
        name: &str,
        args: &[Val],
        start: usize,
    ) -> Option<Val> {
        let object = Val::object("instance", Vec::new());
        if let Kind::Name(class) = &on.kind
            && self.defined.classes.contains(class)
            && name == "new"
        {
            let class = class.clone();
            if let Some(maker) = self.defined.methods.get(&class).copied() {
                self.follow(
                    maker,
                    Vec::new(),
                    args.to_vec(),
                    Some(object.clone()),
                    start,
                );
            }
            return Some(object);
        }
        let own = match &on.kind {
            Kind::Name(class) => self.defined.classes.contains(class),
            Kind::Object("instance", _) | Kind::Opaque(_) => true,
            _ => false,
        };
        let id = self.defined.methods.get(name).copied().filter(|_| own)?;
        let this = Some(object);
        Some(self.follow(id, Vec::new(), args.to_vec(), this, start))
    }

    /// Whether a name is that of a class of the script.
    pub(super) fn is_class(&self, name: &str) -> bool {
        self.defined.classes.contains(name)
    }

    /// What stood in definitions is forgotten when all that names them was followed.
    pub(super) fn forget_followed(&mut self) {
        if self
            .defined
            .blocks
            .iter()
            .all(|block| block.followed.is_empty())
        {
            return;
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        let is_name = |character: char| {
            character.is_ascii_alphanumeric()
                || character == '_'
                || character == '-'
                || !character.is_ascii()
        };
        for word in self.text.split(|character: char| !is_name(character)) {
            if !word.is_empty() {
                *counts.entry(word.to_ascii_lowercase()).or_default() += 1;
            }
        }
        let is_followed = |block: &Block| {
            let uses = counts.get(&block.name).copied().unwrap_or(1).max(2) - 1;
            !block.unfollowed && block.followed.len() >= uses
        };
        let gone: Vec<bool> = self.defined.blocks.iter().map(is_followed).collect();
        let is_gone = |block: usize| gone.get(block) == Some(&true);
        self.defined.frames.forget(&mut self.effects, is_gone);
    }

    /// Forgets all effects but the first so many.
    pub(super) fn forget_from(&mut self, before: usize) {
        self.defined.frames.truncate(&mut self.effects, before);
    }
}
