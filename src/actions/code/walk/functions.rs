//! Functions and classes that a text defines itself, and what they do where it calls them.
//!
//! A body is read where it stands, with parameters of which nothing is known, and once more at every call, with what
//! it is given. When every place that names a function was followed so, and nothing else can reach it, what stood in the
//! definition is forgotten: the calls said it better. A function without a name may be reached through whatever holds it.
//! All that is read again comes out of one budget; what it does not cover leaves the definition.
//!
//! Attributes of objects are told apart by their name alone, not by the object that has them.

use super::parameters::Parameter;
use super::{Args, End, Walker, bare};
use crate::actions::code::Language;
use crate::actions::code::frames::Frames;
use crate::actions::code::lex::{Tok, Token};
use crate::actions::code::value::{Kind, Origin, Val};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// Calls that are followed one inside of the other.
const MAX_CALLS: usize = 8;

/// How often a function may be on the way when it is called once more.
const MAX_RECURSION: usize = 2;

/// Tokens that calls may read again, beyond as many as the text has.
const SPARE_TOKENS: usize = 16_000;

/// Functions and classes that are kept; more are read where they stand alone.
const MAX_DEFINED: usize = 1_000;

/// Where Perl keeps what a function is given; no variable has that name without its sigil.
pub(super) const GIVEN: &str = "@_";

/// Where a body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// An expression from that token on.
    Expression(usize),
    /// Statements from that token to a closing brace.
    Braces(usize),
    /// Statements from that token to `end`.
    Words(usize),
    /// Statements between two tokens.
    Lines(usize, usize),
}

impl Body {
    fn from(self) -> usize {
        match self {
            Self::Expression(from)
            | Self::Braces(from)
            | Self::Words(from)
            | Self::Lines(from, _) => from,
        }
    }
}

/// A function as it is written.
#[derive(Debug)]
pub(super) struct Code<'a> {
    /// Under which name it is called; empty for one that has none yet.
    name: &'a str,
    tokens: Rc<Vec<Token>>,
    parameters: Rc<Vec<Parameter<'a>>>,
    body: Body,
    /// The token after it, once it was read.
    end: Option<usize>,
    /// Where calls of it stand that were followed.
    followed: BTreeSet<usize>,
    /// Whether a call of it could not be followed.
    unfollowed: bool,
    /// Whether it was read with what the list it is applied to has.
    with_element: bool,
}

/// A function as a value: its code, and what the functions around it were given.
#[derive(Debug)]
struct Function {
    code: usize,
    captured: Vec<(String, Val)>,
}

/// A class, or what groups functions in another way.
#[derive(Debug, Default)]
pub(super) struct Class<'a> {
    name: &'a str,
    methods: HashMap<&'a str, usize>,
    /// Attributes in the order of their declaration, for constructors that nobody writes.
    declared: Vec<&'a str>,
    bases: Vec<&'a str>,
}

/// What a text has defined so far.
#[derive(Debug, Default)]
pub(super) struct Defined<'a> {
    codes: Vec<Code<'a>>,
    functions: Vec<Function>,
    classes: Vec<Class<'a>>,
    /// Definitions that hold for the whole text, by name: the token after their keyword.
    pub ahead: HashMap<&'a str, usize>,
    /// Attributes of objects.
    fields: HashMap<String, Val>,
    /// The class whose body is being read.
    pub class: Option<usize>,
    /// Definitions of codes.
    pub frames: Frames,
    /// Calls that are being followed: the code, and the names of its parameters.
    active: Vec<(usize, Rc<Vec<Parameter<'a>>>)>,
    /// Tokens that may still be read again.
    pub budget: usize,
    /// What the function that is being followed gave back so far.
    returned: Option<Val>,
    /// What it handed to a block or a loop.
    yielded: Vec<Val>,
    /// The value of the last statement.
    pub last: Option<Val>,
    /// Decorators of the definition that follows.
    pub decorators: Vec<Val>,
    /// Whether something was called of which nobody knows what it is.
    blind: bool,
}

impl<'a> Defined<'a> {
    pub fn new(tokens: usize) -> Self {
        Self {
            budget: SPARE_TOKENS + tokens,
            ..Self::default()
        }
    }

    pub fn is_followed(&self) -> bool {
        !self.active.is_empty()
    }

    fn method(&self, class: usize, name: &str) -> Option<usize> {
        let mut class = self.classes.get(class);
        for _ in 0..4 {
            let held = class?;
            if let Some(id) = held.methods.get(name) {
                return Some(*id);
            }
            class = held.bases.iter().find_map(|base| {
                let mut classes = self.classes.iter();
                classes.find(|other| other.name == *base && !std::ptr::eq(*other, held))
            });
        }
        None
    }

    /// A method of that name of whatever class.
    fn any_method(&self, name: &str) -> Option<usize> {
        self.classes
            .iter()
            .rev()
            .find_map(|class| class.methods.get(name).copied())
    }
}

impl<'a> Walker<'a> {
    /// Keeps a function. Its body has not been read; `None` when there are too many.
    pub(super) fn define(
        &mut self,
        name: &'a str,
        parameters: Vec<Parameter<'a>>,
        body: Body,
    ) -> Option<usize> {
        let tokens = Rc::clone(&self.tokens);
        let known = self
            .defined
            .codes
            .iter()
            .rposition(|code| code.body == body && Rc::ptr_eq(&code.tokens, &tokens));
        if self.defined.functions.len() >= MAX_DEFINED {
            if let Some(code) = known.and_then(|code| self.defined.codes.get_mut(code)) {
                code.unfollowed = true;
            }
            return None;
        }
        let code = known.unwrap_or_else(|| {
            self.defined.codes.push(Code {
                name,
                tokens,
                parameters: Rc::new(parameters),
                body,
                end: None,
                followed: BTreeSet::new(),
                unfollowed: false,
                with_element: false,
            });
            self.defined.codes.len() - 1
        });
        let mut captured: Vec<(String, Val)> = Vec::new();
        let around: Vec<&'a str> = self
            .defined
            .active
            .iter()
            .flat_map(|(_, parameters)| parameters.iter().map(|parameter| parameter.name))
            .take(16)
            .collect();
        for name in around {
            if let Some(value) = self.vars.get(bare(name)).cloned() {
                self.copied += value.size();
                captured.push((bare(name).to_owned(), value));
            }
        }
        self.defined.functions.push(Function { code, captured });
        Some(self.defined.functions.len() - 1)
    }

    /// Reads a body where it stands, with parameters of which nothing is known; the token after it is the next.
    pub(super) fn read_definition(
        &mut self,
        id: Option<usize>,
        parameters: &[Parameter<'a>],
        body: Body,
    ) {
        let code = id.and_then(|id| Some(self.defined.functions.get(id)?.code));
        let element = self.element.take();
        let given = element.is_some();
        let outer_frame = code.map(|code| self.defined.frames.enter(code));
        for parameter in parameters {
            // The first of them is what the list has, or a part of it.
            let value = element.clone().filter(|_| parameter.index == 0);
            let value = value.map(|value| match parameter.part {
                true => self.attribute(value, parameter.name),
                false => value,
            });
            match value {
                Some(value) => self.bind(parameter.name, value),
                None => {
                    self.vars.remove(bare(parameter.name));
                }
            }
        }
        let given_here = self.vars.remove(GIVEN);
        let class = self.defined.class.take();
        let returned = self.defined.returned.take();
        let yielded = std::mem::take(&mut self.defined.yielded);
        let last = self.defined.last.take();
        // What a body sets may be its own.
        self.doubted(|walker| walker.read_body(body));
        self.defined.returned = returned;
        self.defined.yielded = yielded;
        self.defined.last = last;
        self.defined.class = class;
        if let Some(given) = given_here {
            self.vars.insert(GIVEN.to_owned(), given);
        }
        if let Some(outer) = outer_frame {
            self.defined.frames.leave(outer);
        }
        let end = self.at;
        if let Some(code) = code.and_then(|code| self.defined.codes.get_mut(code)) {
            code.end = Some(end);
            code.with_element |= given;
        }
    }

    fn read_body(&mut self, body: Body) -> Val {
        self.at = body.from();
        match body {
            Body::Expression(_) => return self.expression(),
            Body::Braces(_) => self.statements(End::Brace),
            Body::Words(_) => self.statements(End::Word),
            Body::Lines(_, to) => {
                let stop = std::mem::replace(&mut self.stop, to);
                self.statements(End::Text);
                self.at = to;
                self.stop = stop;
            }
        }
        Val::opaque("")
    }

    /// What a call of a function of the text does, with what it is given; `None` when it cannot be followed.
    pub(in crate::actions::code) fn follow(
        &mut self,
        id: usize,
        this: Option<Val>,
        args: Args,
        call: usize,
    ) -> Option<Val> {
        let function = self.defined.functions.get(id)?;
        let (index, captured) = (function.code, function.captured.clone());
        let code = self.defined.codes.get(index)?;
        let (tokens, parameters, body) = (
            Rc::clone(&code.tokens),
            Rc::clone(&code.parameters),
            code.body,
        );
        let length = match code.end {
            Some(end) => end.saturating_sub(body.from()) + 1,
            None => return None,
        };
        let inside = self.defined.active.iter();
        let recursion = inside.filter(|(active, _)| *active == index).count();
        if self.defined.active.len() >= MAX_CALLS
            || recursion >= MAX_RECURSION
            || length > self.defined.budget
            || !self.enter()
        {
            if let Some(code) = self.defined.codes.get_mut(index) {
                code.unfollowed = true;
            }
            return None;
        }
        self.defined.budget -= length;
        let outer_tokens = std::mem::replace(&mut self.tokens, Rc::clone(&tokens));
        let outer_stop = std::mem::replace(&mut self.stop, tokens.len());
        let (at, chain) = (self.at, self.chain);
        let element = self.element.take();
        let outer_class = self.defined.class.take();
        let outer_returned = self.defined.returned.take();
        let outer_yielded = std::mem::take(&mut self.defined.yielded);
        let outer_last = self.defined.last.take();
        let certain = self.certain;
        let shadowed = self.give(&parameters, captured, this, args);
        self.defined.active.push((index, parameters));
        let value = self.doubted(|walker| walker.read_body(body));
        self.defined.active.pop();
        let yielded = std::mem::replace(&mut self.defined.yielded, outer_yielded);
        let returned = std::mem::replace(&mut self.defined.returned, outer_returned);
        let last = std::mem::replace(&mut self.defined.last, outer_last);
        for (name, value) in shadowed.into_iter().rev() {
            match value {
                Some(value) => self.vars.insert(name, value),
                None => self.vars.remove(&name),
            };
        }
        self.certain = certain;
        self.defined.class = outer_class;
        self.element = element;
        (self.at, self.chain) = (at, chain);
        self.stop = outer_stop;
        self.tokens = outer_tokens;
        self.leave();
        if let Some(code) = self.defined.codes.get_mut(index) {
            code.followed.insert(call);
        }
        if !yielded.is_empty() {
            return Some(Val::list(yielded));
        }
        let implicit = matches!(
            self.language,
            Language::Ruby | Language::Perl | Language::R | Language::Julia
        );
        Some(match (body, returned) {
            (Body::Expression(_), _) => value,
            (_, Some(returned)) => returned,
            (_, None) if implicit => last.unwrap_or_else(|| Val::opaque("")),
            (_, None) => Val::opaque(""),
        })
    }

    /// Binds parameters to what a call gives; what their names held before.
    fn give(
        &mut self,
        parameters: &[Parameter<'a>],
        captured: Vec<(String, Val)>,
        this: Option<Val>,
        args: Args,
    ) -> Vec<(String, Option<Val>)> {
        let mut shadowed: Vec<(String, Option<Val>)> = Vec::new();
        let mut put = |vars: &mut HashMap<String, Val>, name: &str, value: Val| {
            let before = vars.insert(name.to_owned(), value);
            shadowed.push((name.to_owned(), before));
        };
        for (name, value) in captured {
            put(&mut self.vars, &name, value);
        }
        let mut pos = args.pos;
        if let Some(this) = this {
            let takes = match self.language {
                Language::Python => parameters
                    .first()
                    .is_some_and(|first| matches!(first.name, "self" | "cls")),
                Language::Perl => true,
                _ => false,
            };
            if takes {
                pos.insert(0, this);
            } else {
                for name in ["this", "self"] {
                    put(&mut self.vars, name, this.clone());
                }
            }
        }
        if self.language == Language::Perl {
            put(&mut self.vars, GIVEN, Val::list(pos.clone()));
        }
        for parameter in parameters {
            let name = bare(parameter.name);
            let named = args
                .named
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone());
            let value = match (named, pos.get(parameter.index)) {
                (Some(value), _) => value,
                (None, Some(_)) if parameter.rest => {
                    Val::list(pos.get(parameter.index..).unwrap_or(&[]).to_vec())
                }
                (None, Some(value)) if parameter.part => {
                    let value = value.clone();
                    self.attribute(value, name)
                }
                (None, Some(value)) => value.clone(),
                (None, None) => match parameter.default {
                    Some(default) => {
                        self.at = default;
                        self.expression()
                    }
                    None => Val::opaque(name),
                },
            };
            self.copied += value.size();
            if parameter.field {
                self.set_field(name, value.clone());
            }
            put(&mut self.vars, name, value);
        }
        shadowed
    }

    /// Calls a function of the text; what is known of its answer when it cannot be followed comes from `args`.
    pub(in crate::actions::code) fn call_function(
        &mut self,
        id: usize,
        this: Option<Val>,
        args: Args,
        call: usize,
    ) -> Val {
        let origin = args.origin().join(Origin::RunTime);
        let call = self.start_of(call);
        self.follow(id, this, args, call)
            .unwrap_or_else(|| Val::opaque("").from(origin))
    }

    /// Makes an object of a class of the text.
    pub(in crate::actions::code) fn construct(
        &mut self,
        class: usize,
        args: Args,
        call: usize,
    ) -> Val {
        const MAKERS: [&str; 5] = [
            "__init__",
            "constructor",
            "initialize",
            "__construct",
            "new",
        ];
        const LATER: [&str; 4] = ["__destruct", "__del__", "__enter__", "__exit__"];
        let object = Val {
            kind: Kind::Instance(class),
            origin: Origin::Code,
        };
        let maker = MAKERS
            .iter()
            .find_map(|name| self.defined.method(class, name));
        match maker {
            Some(maker) => {
                self.call_function(maker, Some(object.clone()), args, call);
            }
            None => {
                let declared = self.defined.classes.get(class);
                let declared = declared.map_or_else(Vec::new, |class| class.declared.clone());
                for (name, value) in declared.iter().zip(args.pos) {
                    self.set_field(name, value);
                }
                for (name, value) in args.named {
                    self.set_field(&name, value);
                }
            }
        }
        for name in LATER {
            if let Some(method) = self.defined.method(class, name) {
                self.call_function(method, Some(object.clone()), Args::default(), call);
            }
        }
        object
    }

    /// A method that the text defines, by the object's class or, when that is not known, by its name alone.
    pub(in crate::actions::code) fn own_method(&self, on: &Val, name: &str) -> Option<usize> {
        match &on.kind {
            Kind::Instance(class) | Kind::Class(class) => self
                .defined
                .method(*class, name)
                .or_else(|| self.held_function(name)),
            Kind::Opaque(_) | Kind::Name(_) | Kind::Map(_) | Kind::Method(..) => self
                .held_function(name)
                .or_else(|| self.defined.any_method(name)),
            _ => None,
        }
    }

    /// A function that an attribute of that name was given.
    fn held_function(&self, name: &str) -> Option<usize> {
        match self.defined.fields.get(name)?.kind {
            Kind::Function(id) => Some(id),
            _ => None,
        }
    }

    /// The function of the text that has that name, also when its definition comes later.
    pub(in crate::actions::code) fn own_function(&mut self, name: &str) -> Option<usize> {
        match self.vars.get(bare(name)).map(|value| &value.kind) {
            Some(Kind::Function(id)) => return Some(*id),
            Some(_) => return None,
            None => {}
        }
        if let Some(ahead) = self.defined.ahead.remove(bare(name)) {
            return self.define_ahead(ahead);
        }
        None
    }

    /// Keeps a function whose definition comes later in the text, without reading its body.
    fn define_ahead(&mut self, begin: usize) -> Option<usize> {
        // Only the text itself has been looked through, not what stands inside of strings.
        let (at, tokens) = (self.at, Rc::clone(&self.tokens));
        self.tokens = Rc::clone(&self.whole);
        let stop = std::mem::replace(&mut self.stop, self.tokens.len());
        self.at = begin;
        let name = self.word();
        self.at += 1;
        let parameters = if self.is_op(self.at, "(") {
            self.read_parameters()
        } else {
            Vec::new()
        };
        let mut guard = 0;
        while !self.done() && !self.is_op(self.at, "{") && guard < 32 {
            self.at += 1;
            guard += 1;
        }
        let mut id = None;
        if self.is_op(self.at, "{") {
            let body = Body::Braces(self.at + 1);
            id = self.define(name, parameters, body);
            self.skip_balanced();
            let end = self.at;
            if let Some(code) = id.and_then(|id| Some(self.defined.functions.get(id)?.code))
                && let Some(code) = self.defined.codes.get_mut(code)
            {
                code.end = Some(end);
            }
        }
        self.stop = stop;
        self.tokens = tokens;
        self.at = at;
        if let Some(id) = id {
            self.vars.insert(name.to_owned(), Val::function(id));
        }
        id
    }

    /// Whether a function was read with the elements of the list that it is applied to.
    pub(in crate::actions::code) fn was_given_element(&self, id: usize) -> bool {
        let function = self.defined.functions.get(id);
        let code = function.and_then(|function| self.defined.codes.get(function.code));
        code.is_some_and(|code| code.with_element)
    }

    /// Whether a function takes anything.
    pub(in crate::actions::code) fn takes_arguments(&self, id: usize) -> bool {
        let function = self.defined.functions.get(id);
        let code = function.and_then(|function| self.defined.codes.get(function.code));
        code.is_some_and(|code| !code.parameters.is_empty()) || self.language == Language::Perl
    }

    /// Functions get a name when a variable is given them, or a list or a map that holds them.
    pub(super) fn name_function(&mut self, value: &Val, name: &'a str) {
        match &value.kind {
            Kind::Function(id) => {
                let function = self.defined.functions.get(*id);
                if let Some(code) = function.map(|function| function.code)
                    && let Some(code) = self.defined.codes.get_mut(code)
                    && code.name.is_empty()
                {
                    code.name = name;
                }
            }
            Kind::List(items) => {
                for item in items {
                    self.name_function(item, name);
                }
            }
            Kind::Map(entries) => {
                for (_, item) in entries {
                    self.name_function(item, name);
                }
            }
            _ => {}
        }
    }

    pub(super) fn set_field(&mut self, name: &str, value: Val) {
        self.copied += value.size();
        if self.defined.fields.len() >= MAX_DEFINED {
            return;
        }
        let both = |old: &Val| matches!((&old.kind, &value.kind), (Kind::Text(..), Kind::Text(..)));
        let value = match self.defined.fields.remove(name) {
            Some(old) if both(&old) => super::either(old, value),
            _ => value,
        };
        self.defined.fields.insert(name.to_owned(), value);
    }

    /// What an attribute of an object of the text holds.
    pub(in crate::actions::code) fn field(&mut self, name: &str) -> Option<Val> {
        let value = self.defined.fields.get(name)?.clone();
        self.copied += value.size();
        Some(value)
    }

    /// Begins a class; `None` when there are too many.
    pub(super) fn open_class(&mut self, name: &'a str, bases: Vec<&'a str>) -> Option<usize> {
        if self.defined.classes.len() >= MAX_DEFINED {
            return None;
        }
        self.defined.classes.push(Class {
            name,
            bases,
            ..Class::default()
        });
        Some(self.defined.classes.len() - 1)
    }

    /// Whether the function is one of a class whose body is being read, which then has it.
    pub(super) fn add_method(&mut self, name: &'a str, id: usize) -> bool {
        let class = self
            .defined
            .class
            .and_then(|class| self.defined.classes.get_mut(class));
        match class {
            Some(class) if !name.is_empty() => {
                class.methods.insert(name, id);
                true
            }
            _ => false,
        }
    }

    /// An attribute that the body of a class names.
    pub(super) fn declare(&mut self, name: &'a str, value: Option<Val>) {
        if let Some(class) = self
            .defined
            .class
            .and_then(|class| self.defined.classes.get_mut(class))
            && class.declared.len() < 64
        {
            class.declared.push(name);
            if let Some(value) = value {
                self.set_field(name, value);
            }
        }
    }

    /// What a function gives back.
    pub(super) fn gives_back(&mut self, word: &str) {
        let Some(value) = self.defined.last.take() else {
            return;
        };
        if word == "yield" {
            if self.defined.yielded.len() < 64 {
                self.defined.yielded.push(value);
            }
            return;
        }
        self.defined.returned = Some(match self.defined.returned.take() {
            Some(before) => super::either(before, value),
            None => value,
        });
    }

    /// The first of what a function was given, which is taken away; outside of one, of what the text was given.
    pub(super) fn shift_given(&mut self) -> Option<Val> {
        if !self.vars.contains_key(GIVEN) && self.defined.active.is_empty() {
            let first = !self.arguments.is_empty() && self.defined.frames.is_outside();
            return first.then(|| Val::value(self.arguments.remove(0)));
        }
        let list = self.vars.get_mut(GIVEN)?;
        match &mut list.kind {
            Kind::List(items) if !items.is_empty() => Some(items.remove(0)),
            _ => None,
        }
    }

    /// Something was called of which nobody knows what it is.
    pub(in crate::actions::code) fn called_blindly(&mut self) {
        self.defined.blind = true;
    }

    /// What a text did where it defined functions is forgotten when all calls of them were followed.
    pub(super) fn forget_followed(&mut self) {
        if self.defined.blind {
            return;
        }
        let is_followed = |code: &Code<'_>| {
            let named = self.counts.get(bare(code.name)).copied().unwrap_or(1);
            let uses = usize::try_from(named).unwrap_or(usize::MAX).max(2) - 1;
            let reached = if code.name.is_empty() {
                self.stays_in_its_call(code)
            } else {
                code.followed.len() >= uses
            };
            reached && !code.unfollowed
        };
        let gone: Vec<bool> = self.defined.codes.iter().map(is_followed).collect();
        let is_gone = |code: usize| gone.get(code) == Some(&true);
        self.defined.frames.forget(&mut self.effects, is_gone);
    }

    /// Whether a function without a name stands in a call that was followed, and in nothing that could hold it longer.
    fn stays_in_its_call(&self, code: &Code<'_>) -> bool {
        let body = code.body.from();
        let holds = |site: &usize| {
            let first = code.tokens.partition_point(|token| token.start < *site);
            let Some(before) = code.tokens.get(first..body) else {
                return false;
            };
            let mut open: Vec<&str> = Vec::new();
            for token in before {
                match (&token.tok, &self.source[token.start..token.end]) {
                    (Tok::Op, bracket @ ("(" | "[" | "{")) => open.push(bracket),
                    (Tok::Op, ")" | "]" | "}") if open.pop().is_some() => {}
                    (Tok::Newline, _) | (Tok::Op, ")" | "]" | "}" | ";" | "=") => return false,
                    _ => {}
                }
            }
            if let Body::Braces(_) = code.body {
                open.pop();
            }
            open.iter().all(|bracket| *bracket == "(")
        };
        code.followed.iter().any(holds)
    }

    /// Forgets all effects but the first so many.
    pub(super) fn forget_from(&mut self, before: usize) {
        self.defined.frames.truncate(&mut self.effects, before);
    }
}
