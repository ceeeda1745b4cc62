//! What the shell knows at a point of the text: variables, functions, aliases, positional parameters, directories.
//!
//! Every change is noted in a journal, so that a subshell is undone and the ends of branches are compared at a cost
//! of what changed, not of what is known.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::command::{Scope, Start, Value, Why};
use super::draft::either;
use super::join::join;
use super::syntax::tree::{Function, Tree};
use crate::span::ByteSpan;

/// How many entries all snapshots of the scope may copy together. A real text stays far below; past it a command's
/// scope is empty, which makes every variable unknown.
const MAX_SNAPSHOT_ENTRIES: usize = 400_000;
/// A scope with as many variables is searched name by name rather than read.
const FEW: usize = 64;

/// In how many folders besides the one that it moved to a shell may still stand.
pub const MAX_STAYED: usize = 4;

/// Where a text lies in the one that was given.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// At this offset, byte for byte.
    At(usize),
    /// Somewhere in here, changed by quoting or expansion.
    Inside(ByteSpan),
}

/// A parsed text.
#[derive(Debug)]
pub struct Text {
    /// What was parsed.
    pub source: String,
    /// Its tree.
    pub tree: Tree,
    /// Where it comes from.
    pub place: Place,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// Known not to be set.
    Unset,
    /// One value.
    Scalar(Value),
    /// An indexed array.
    Indexed(Vec<Value>),
    /// An associative array.
    Associative(Vec<(String, Value)>),
}

/// A variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its value.
    pub bound: Bound,
    /// `declare -i`: assignments are arithmetic.
    pub integer: bool,
    /// `declare -n`: the value is another variable's name.
    pub reference: bool,
    /// `declare -u` or `-l`.
    pub case: Option<bool>,
    /// `readonly`: what else it is given is refused.
    pub fixed: bool,
}

impl Variable {
    /// A plain variable with that value.
    pub const fn plain(bound: Bound) -> Self {
        Self {
            bound,
            integer: false,
            reference: false,
            case: None,
            fixed: false,
        }
    }
}

/// A function that can be called.
#[derive(Debug, Clone)]
pub enum Callable {
    /// Defined in the text at hand.
    Parsed(Rc<Text>, Rc<Function>),
    /// Defined in an enclosing text: its source.
    Source(String),
}

impl Callable {
    /// Longer sources are not put together.
    const LONGEST: usize = 64 * 1024;

    /// Its text.
    pub fn source(&self) -> &str {
        match self {
            Self::Parsed(text, function) => function.body_span.of(&text.source),
            Self::Source(source) => source,
        }
    }

    /// What does either: both, one after the other.
    fn or(&self, other: &Self) -> Self {
        let (first, second) = (self.source(), other.source());
        if first == second || first.len() + second.len() > Self::LONGEST {
            return other.clone();
        }
        Self::Source(format!("{first}\n{second}"))
    }
}

/// A function, and its entry of a scope once somebody asked for it.
type Kept = (Callable, Option<Rc<(String, String)>>);

enum Undo {
    Variable(Rc<str>, Option<Slot>),
    Function(Rc<str>, Option<Kept>),
    Positional(Option<Vec<Value>>),
    Directories(Directories),
}

/// The working directory and what `cd -` and `popd` return to.
#[derive(Debug, Clone, PartialEq)]
pub struct Directories {
    /// Now.
    pub cwd: Value,
    /// Before.
    pub old: Option<Value>,
    /// Pushed ones, the newest last.
    pub stack: Vec<Value>,
    /// Where the shell still stands if moves failed that nobody checked.
    pub stayed: Vec<Value>,
}

/// What a branch changed.
#[derive(Default)]
pub struct Changes {
    variables: Vec<(Rc<str>, Option<Variable>)>,
    functions: Vec<(Rc<str>, Option<Callable>)>,
    positional: Option<Option<Vec<Value>>>,
    directories: Option<Directories>,
}

/// Whether none of some branches may have run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Otherwise {
    /// One of them did.
    Never,
    /// The author expects that one did: what they set for the first time is set, and what they set anew may be what it was.
    Hardly,
    /// Perhaps.
    Perhaps,
}

impl Otherwise {
    /// Without doubt, or with all of it.
    pub const fn of(doubted: bool) -> Self {
        if doubted { Self::Perhaps } else { Self::Never }
    }
}

/// A variable, and its entries of a scope once somebody asked for them.
struct Slot {
    variable: Variable,
    entries: Option<Vec<Rc<(String, Value)>>>,
}

impl Slot {
    const fn new(variable: Variable) -> Self {
        Self {
            variable,
            entries: None,
        }
    }
}

/// Variables by name.
type Variables = BTreeMap<Rc<str>, Slot>;

/// The state.
pub struct Env {
    /// Read from the scope when one of its names is asked for: few texts do, and every text has a scope.
    variables: LazyCell<Variables, Box<dyn FnOnce() -> Variables>>,
    /// What they are read from, while nothing has changed them.
    outer: Option<Rc<Scope>>,
    functions: BTreeMap<Rc<str>, Kept>,
    positional: Option<Vec<Value>>,
    directories: Directories,
    /// Where the text begins.
    outset: Value,
    /// `$0`
    pub zero: Value,
    journal: Vec<Undo>,
    snapshot: Option<Rc<Scope>>,
    copied: usize,
    /// Steps of assignment and undoing, for the budget.
    pub steps: usize,
}

impl Env {
    /// The state at the start.
    pub fn new(start: &Start) -> Self {
        let cwd = start.cwd.as_ref().map_or_else(
            || Value::Prefix(String::from("/"), Why::RunTimeValue(String::from("PWD"))),
            |cwd| Value::Exact(cwd.clone()),
        );
        let scope = Rc::clone(&start.scope);
        let mut env = Self {
            variables: LazyCell::new(Box::new(move || variables_of(&scope))),
            outer: Some(Rc::clone(&start.scope)),
            functions: BTreeMap::new(),
            positional: None,
            outset: cwd.clone(),
            directories: Directories {
                cwd,
                old: None,
                stack: Vec::new(),
                stayed: Vec::new(),
            },
            zero: Value::Exact(String::from("bash")),
            journal: Vec::new(),
            snapshot: None,
            copied: 0,
            steps: 0,
        };
        env.load_parameters(&start.scope);
        env.snapshot = Some(Rc::clone(&start.scope));
        env
    }

    /// What of a scope is no variable: positional parameters and functions.
    fn load_parameters(&mut self, scope: &Scope) {
        let mut positional: Vec<Value> = Vec::new();
        let mut known = false;
        let mut count = None;
        let parameters = scope
            .variables
            .iter()
            .filter(|entry| is_parameter(&entry.0));
        for entry in parameters {
            let (name, value) = &**entry;
            if name == "#" {
                known = true;
                count = value.exact().and_then(|text| text.parse::<usize>().ok());
            } else if name == "0" {
                self.zero = value.clone();
            } else if let Ok(number) = name.parse::<usize>() {
                known = true;
                if (1..=4096).contains(&number) {
                    if positional.len() < number {
                        positional.resize(number, Value::Exact(String::new()));
                    }
                    positional[number - 1] = value.clone();
                }
            }
        }
        if let Some(count) = count {
            positional.truncate(count);
        }
        if known {
            self.positional = Some(positional);
        }
        for entry in &scope.functions {
            let (name, source) = &**entry;
            let kept = (Callable::Source(source.clone()), Some(Rc::clone(entry)));
            self.functions.insert(Rc::from(name.as_str()), kept);
        }
    }

    /// What is known of a name. A name that the scope does not have is not looked for in what would be read from it.
    fn slot(&self, name: &str) -> Option<&Slot> {
        let begins = |entry: &Rc<(String, Value)>| {
            let rest = entry.0.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        match &self.outer {
            Some(scope) if scope.variables.len() <= FEW && !scope.variables.iter().any(begins) => {
                None
            }
            _ => self.variables.get(name),
        }
    }

    /// The variables, to change them.
    fn variables_mut(&mut self) -> &mut Variables {
        self.outer = None;
        &mut self.variables
    }

    /// A variable, references followed.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        let mut found = &self.slot(name)?.variable;
        for _ in 0..4 {
            match &found.bound {
                Bound::Scalar(Value::Exact(target)) if found.reference && target != name => {
                    found = &self.slot(target)?.variable;
                }
                _ => break,
            }
        }
        Some(found)
    }

    /// The name a reference leads to, or the name itself.
    pub fn target<'a>(&'a self, name: &'a str) -> &'a str {
        match self.slot(name).map(|slot| &slot.variable) {
            Some(Variable {
                bound: Bound::Scalar(Value::Exact(target)),
                reference: true,
                ..
            }) => target,
            _ => name,
        }
    }

    /// Sets or removes a variable's entry.
    pub fn set_variable(&mut self, name: &str, variable: Option<Variable>) {
        self.steps += 1;
        let variables = self.variables_mut();
        let key: Rc<str> = match variables.get_key_value(name) {
            Some((key, _)) => Rc::clone(key),
            None => Rc::from(name),
        };
        let old = match variable {
            Some(variable) => variables.insert(Rc::clone(&key), Slot::new(variable)),
            None => variables.remove(&key),
        };
        self.journal.push(Undo::Variable(key, old));
        self.snapshot = None;
    }

    /// Gives a variable a value, keeping its attributes.
    pub fn bind(&mut self, name: &str, bound: Bound) {
        let target = self.target(name).to_owned();
        let mut variable = Variable::plain(bound);
        if self.is_fixed(&target) {
            return;
        }
        if let Some(slot) = self.slot(&target) {
            variable.integer = slot.variable.integer;
            variable.case = slot.variable.case;
        }
        if let (Some(upper), Bound::Scalar(value)) = (variable.case, &mut variable.bound) {
            *value = map_text(value, &|text| {
                if upper {
                    text.to_uppercase()
                } else {
                    text.to_lowercase()
                }
            });
        }
        self.set_variable(&target, Some(variable));
    }

    /// Whether a variable keeps what it holds.
    pub fn is_fixed(&self, name: &str) -> bool {
        self.slot(name).is_some_and(|slot| slot.variable.fixed)
    }

    /// Has a variable keep what it holds.
    pub fn fix(&mut self, name: &str) {
        let held = self.slot(name).map(|slot| slot.variable.clone());
        if let Some(held) = held {
            self.set_variable(
                name,
                Some(Variable {
                    fixed: true,
                    ..held
                }),
            );
        }
    }

    /// Gives a variable one value.
    pub fn bind_scalar(&mut self, name: &str, value: Value) {
        self.bind(name, Bound::Scalar(value));
    }

    /// All names that begin so.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.variables
            .range::<str, _>((
                std::ops::Bound::Included(prefix),
                std::ops::Bound::Unbounded,
            ))
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, _)| name.to_string())
            .collect()
    }

    /// A function by name, or an alias by name and `=`.
    pub fn function(&self, name: &str) -> Option<&Callable> {
        if self.functions.is_empty() {
            return None;
        }
        self.functions.get(name).map(|(callable, _)| callable)
    }

    /// Whether there is any function or alias.
    pub fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Sets or removes a function or alias.
    pub fn set_function(&mut self, name: &str, callable: Option<Callable>) {
        self.steps += 1;
        let key: Rc<str> = Rc::from(name);
        let old = match callable {
            Some(callable) => self.functions.insert(Rc::clone(&key), (callable, None)),
            None => self.functions.remove(&key),
        };
        self.journal.push(Undo::Function(key, old));
        self.snapshot = None;
    }

    /// The positional parameters, when known.
    pub fn positional(&self) -> Option<&[Value]> {
        self.positional.as_deref()
    }

    /// Replaces the positional parameters; gives back what they were.
    pub fn set_positional(&mut self, values: Option<Vec<Value>>) -> Option<Vec<Value>> {
        let old = std::mem::replace(&mut self.positional, values);
        self.journal.push(Undo::Positional(old.clone()));
        self.snapshot = None;
        old
    }

    /// The working directory.
    pub const fn cwd(&self) -> &Value {
        &self.directories.cwd
    }

    /// Where the text began.
    pub const fn outset(&self) -> &Value {
        &self.outset
    }

    /// Says where the shell may still stand.
    pub fn set_stayed(&mut self, stayed: Vec<Value>) {
        if self.directories.stayed != stayed {
            let directories = Directories {
                stayed,
                ..self.directories.clone()
            };
            self.set_directories(directories);
        }
    }

    /// All directories.
    pub const fn directories(&self) -> &Directories {
        &self.directories
    }

    /// Replaces them.
    pub fn set_directories(&mut self, directories: Directories) {
        let old = std::mem::replace(&mut self.directories, directories);
        self.journal.push(Undo::Directories(old));
    }

    /// A point to go back to.
    pub const fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Undoes everything since the mark.
    pub fn rollback(&mut self, mark: usize) {
        while self.journal.len() > mark {
            let Some(undo) = self.journal.pop() else {
                return;
            };
            self.steps += 1;
            match undo {
                Undo::Variable(name, old) => {
                    self.snapshot = None;
                    match old {
                        Some(variable) => self.variables_mut().insert(name, variable),
                        None => self.variables_mut().remove(&name),
                    };
                }
                Undo::Function(name, old) => {
                    self.snapshot = None;
                    match old {
                        Some(callable) => self.functions.insert(name, callable),
                        None => self.functions.remove(&name),
                    };
                }
                Undo::Positional(old) => {
                    self.snapshot = None;
                    self.positional = old;
                }
                Undo::Directories(old) => self.directories = old,
            }
        }
    }

    /// Undoes everything since the mark, and says what it had made of the state.
    pub fn take_changes(&mut self, mark: usize) -> Changes {
        let mut changes = Changes::default();
        for undo in &self.journal[mark..] {
            match undo {
                Undo::Variable(name, _) => changes.variables.push((Rc::clone(name), None)),
                Undo::Function(name, _) => changes.functions.push((Rc::clone(name), None)),
                Undo::Positional(_) => changes.positional = Some(self.positional.clone()),
                Undo::Directories(_) => changes.directories = Some(self.directories.clone()),
            }
        }
        changes.variables.sort_by(|a, b| a.0.cmp(&b.0));
        changes.variables.dedup_by(|a, b| a.0 == b.0);
        for (name, variable) in &mut changes.variables {
            *variable = self.slot(name).map(|slot| slot.variable.clone());
        }
        for (name, callable) in &mut changes.functions {
            *callable = self
                .functions
                .get(name)
                .map(|(callable, _)| callable.clone());
        }
        self.rollback(mark);
        changes
    }

    /// Continues after what may not have run, which began at the mark.
    pub fn reconsider(&mut self, mark: usize, doubt: Otherwise) {
        let first = |undo: &Undo| match undo {
            Undo::Variable(_, old) => old.is_none(),
            Undo::Function(_, old) => old.is_none(),
            Undo::Positional(old) => old.is_none(),
            Undo::Directories(old) => old.cwd == self.outset,
        };
        let stays = doubt == Otherwise::Hardly && self.journal[mark..].iter().all(first);
        if self.journal.len() > mark && !stays {
            let changes = self.take_changes(mark);
            self.merge(vec![changes], doubt);
        }
    }

    /// Continues after branches of which one ran, or none.
    pub fn merge(&mut self, branches: Vec<Changes>, otherwise: Otherwise) {
        let mut names: Vec<Rc<str>> = branches
            .iter()
            .flat_map(|changes| changes.variables.iter().map(|(name, _)| Rc::clone(name)))
            .collect();
        names.sort();
        names.dedup();
        for name in names {
            let old = self.slot(&name).map(|slot| slot.variable.clone());
            let mut outcomes: Vec<Option<Variable>> = branches
                .iter()
                .map(|changes| {
                    match changes
                        .variables
                        .binary_search_by(|(other, _)| other.cmp(&name))
                    {
                        Ok(at) => changes.variables[at].1.clone(),
                        Err(_) => old.clone(),
                    }
                })
                .collect();
            let was_set = old.as_ref().is_some_and(|old| old.bound != Bound::Unset);
            if otherwise == Otherwise::Perhaps || (otherwise == Otherwise::Hardly && was_set) {
                outcomes.push(old);
            }
            let joined = join(&name, outcomes);
            self.set_variable(&name, joined);
        }
        let mut directories: Vec<Directories> = branches
            .iter()
            .filter_map(|changes| changes.directories.clone())
            .collect();
        if !directories.is_empty() {
            let stayed = match otherwise {
                Otherwise::Never => false,
                Otherwise::Hardly => self.directories.cwd != self.outset,
                Otherwise::Perhaps => true,
            };
            if stayed || directories.len() < branches.len() {
                directories.push(self.directories.clone());
            }
            let cwd = either(
                directories
                    .iter()
                    .map(|directories| directories.cwd.clone())
                    .collect(),
            );
            let mut first = directories.swap_remove(0);
            for other in directories.into_iter().flat_map(|other| other.stayed) {
                if !first.stayed.contains(&other) && first.stayed.len() < MAX_STAYED {
                    first.stayed.push(other);
                }
            }
            first.cwd = cwd;
            self.set_directories(first);
        }
        for changes in branches {
            // A function that a branch defines may be called afterwards, and so may the one of that name before.
            for (name, callable) in changes.functions {
                if let Some(callable) = callable {
                    let callable = match self.function(&name) {
                        Some(before) => before.or(&callable),
                        None => callable,
                    };
                    self.set_function(&name, Some(callable));
                }
            }
            if let Some(positional) = changes.positional
                && positional != self.positional
            {
                self.set_positional(None);
            }
        }
    }

    /// The scope as others see it; shared as long as nothing changes. `None`: over the budget.
    pub fn scope(&mut self) -> Option<Rc<Scope>> {
        if let Some(scope) = &self.snapshot {
            return Some(Rc::clone(scope));
        }
        let entries = self.variables.len() + self.functions.len();
        self.copied += entries;
        let within = self.copied <= MAX_SNAPSHOT_ENTRIES;
        let scope = if within {
            Rc::new(self.render())
        } else {
            Rc::default()
        };
        self.snapshot = Some(Rc::clone(&scope));
        within.then_some(scope)
    }

    fn render(&mut self) -> Scope {
        let mut scope = Scope::default();
        if let Some(values) = &self.positional {
            let count = Value::Exact(values.len().to_string());
            scope.variables.push(Rc::new((String::from("#"), count)));
            scope
                .variables
                .push(Rc::new((String::from("0"), self.zero.clone())));
            for (index, value) in values.iter().enumerate() {
                scope
                    .variables
                    .push(Rc::new(((index + 1).to_string(), value.clone())));
            }
        }
        for (name, slot) in &mut *self.variables {
            let entries = slot
                .entries
                .get_or_insert_with(|| rendered(name, &slot.variable));
            scope.variables.extend(entries.iter().map(Rc::clone));
        }
        for (name, (callable, entry)) in &mut self.functions {
            let entry = entry
                .get_or_insert_with(|| Rc::new((name.to_string(), callable.source().to_owned())));
            scope.functions.push(Rc::clone(entry));
        }
        scope
    }
}

/// `#`, `0`, `1`, …: what a scope says of positional parameters.
fn is_parameter(name: &str) -> bool {
    match name.as_bytes() {
        b"#" => true,
        // Most names begin with a letter.
        [b'0'..=b'9', ..] => name.parse::<usize>().is_ok(),
        _ => false,
    }
}

/// The variables of a scope.
fn variables_of(scope: &Scope) -> Variables {
    let mut variables = Variables::new();
    for entry in &scope.variables {
        let (name, value) = &**entry;
        if is_parameter(name) {
            continue;
        }
        let element = name.strip_suffix(']').and_then(|name| name.split_once('['));
        if let Some((array, key)) = element {
            load_element(&mut variables, array, key, value);
        } else {
            let slot = Slot {
                variable: Variable::plain(Bound::Scalar(value.clone())),
                entries: Some(vec![Rc::clone(entry)]),
            };
            variables.insert(Rc::from(name.as_str()), slot);
        }
    }
    variables
}

/// An element of an array.
fn load_element(variables: &mut Variables, array: &str, key: &str, value: &Value) {
    let variable = &mut variables
        .entry(Rc::from(array))
        .or_insert_with(|| Slot::new(Variable::plain(Bound::Indexed(Vec::new()))))
        .variable;
    if let Bound::Scalar(_) | Bound::Unset = variable.bound {
        variable.bound = Bound::Indexed(Vec::new());
    }
    match (&mut variable.bound, key.parse::<usize>()) {
        (Bound::Indexed(values), Ok(index)) if index <= values.len() => {
            if index == values.len() {
                values.push(value.clone());
            } else {
                values[index] = value.clone();
            }
        }
        (Bound::Associative(entries), _) => entries.push((key.to_owned(), value.clone())),
        (bound, _) => {
            let mut entries: Vec<(String, Value)> = match bound {
                Bound::Indexed(values) => std::mem::take(values)
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| (index.to_string(), value))
                    .collect(),
                _ => Vec::new(),
            };
            entries.push((key.to_owned(), value.clone()));
            *bound = Bound::Associative(entries);
        }
    }
}

/// A variable as entries of a scope.
fn rendered(name: &str, variable: &Variable) -> Vec<Rc<(String, Value)>> {
    let entry = |name: String, value: &Value| Rc::new((name, value.clone()));
    match &variable.bound {
        Bound::Unset => vec![entry(name.to_owned(), &Value::Exact(String::new()))],
        Bound::Scalar(value) => vec![entry(name.to_owned(), value)],
        Bound::Indexed(values) => values
            .iter()
            .enumerate()
            .map(|(index, value)| entry(format!("{name}[{index}]"), value))
            .collect(),
        Bound::Associative(entries) => entries
            .iter()
            .map(|(key, value)| entry(format!("{name}[{key}]"), value))
            .collect(),
    }
}

/// The value with a function applied to what is known of it; what is not known exactly keeps nothing.
pub fn map_text(value: &Value, apply: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Exact(text) => Value::Exact(apply(text)),
        Value::OneOf(texts) => either(texts.iter().map(|text| Value::Exact(apply(text))).collect()),
        Value::Either(values) => {
            either(values.iter().map(|value| map_text(value, apply)).collect())
        }
        Value::Prefix(_, why) | Value::Unknown(why) => Value::Unknown(why.clone()),
        Value::Pattern(_) => Value::Unknown(Why::Expansion),
    }
}
