//! Which call it is: of the text's own functions, of a library's, of a method of something.

use super::{canonical, cloud, flat, fold, is_decoder, is_environment, origin_of, sinks};
use crate::actions::code::value::{Kind, Origin, Val};
use crate::actions::code::walk::{Args, Walker};
use crate::actions::code::{Language, TargetRole};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

impl Walker<'_> {
    pub(in crate::actions::code) fn call(&mut self, callee: Val, args: Args, begin: usize) -> Val {
        let span = self.span_from(begin);
        match callee.kind {
            Kind::Name(name) => {
                if let Some((base, last)) = name.rsplit_once('.')
                    && sinks::find(self.language, &name).is_none()
                {
                    let (on, last) = (Val::name(base), last.to_owned());
                    if let Some(value) = self.own_call(&on, &last, &args, begin) {
                        return value;
                    }
                }
                self.named_call(&name, args, span)
            }
            Kind::Method(on, name) => {
                self.handed_on(&on, &args, span);
                if let Some(value) = self.own_call(&on, &name, &args, begin) {
                    return value;
                }
                self.method_call(*on, &name, args, span)
            }
            Kind::Computed => {
                self.unknown("a function whose name is computed", span);
                Val::opaque("").from(args.origin())
            }
            Kind::Text(Value::Exact(name), _)
                if matches!(self.language, Language::Php | Language::Perl) =>
            {
                self.named_call(&name, args, span)
            }
            Kind::Text(..) | Kind::Opaque(_) if self.language == Language::Php => {
                if callee.origin == Origin::Decoded || matches!(callee.kind, Kind::Text(..)) {
                    self.unknown("a function whose name is computed", span);
                }
                self.call_blindly(Origin::Code, &args)
            }
            Kind::Function(id) => self.call_function(id, None, args, begin),
            Kind::Class(class) => self.construct(class, args, begin),
            Kind::Instance(_) => {
                let called = ["__call__", "__invoke", "call"].iter();
                let mut called = called.filter_map(|name| self.own_method(&callee, name));
                match called.next() {
                    Some(id) => self.call_function(id, Some(callee.clone()), args, begin),
                    None => self.call_blindly(callee.origin, &args),
                }
            }
            Kind::Object(of, held) if matches!(of, "attrgetter" | "methodcaller" | "partial") => {
                let made = self.made_call(of, held, args, begin);
                made.unwrap_or_else(|| Val::opaque(""))
            }
            Kind::Object("git" | "docker", _) => callee,
            _ => self.call_blindly(callee.origin, &args),
        }
    }

    /// A call of something of which nobody knows what it is: it may be any function of the text.
    fn call_blindly(&mut self, origin: Origin, args: &Args) -> Val {
        self.called_blindly();
        Val::opaque("").from(origin).from(args.origin())
    }

    /// `answer.then(eval)`: what a method has goes to a function that takes it for code.
    fn handed_on(&mut self, on: &Val, args: &Args, span: Option<ByteSpan>) {
        for given in args.pos.iter().take(4) {
            if let Kind::Name(name) = &given.kind
                && matches!(sinks::find(self.language, name), Some(sinks::Does::Eval(_)))
            {
                let (language, name) = (self.language, name.clone());
                self.eval(language, Some(on), &name, span);
            }
        }
    }

    /// Whether a name is a program as a function of Python, `sh.rm("-rf", "x")`, which is then run.
    fn program_call(&mut self, name: &str, args: &Args, span: Option<ByteSpan>) -> bool {
        let modules = ["sh.", "plumbum.cmd."];
        let program = modules.iter().find_map(|module| name.strip_prefix(module));
        let Some(program) =
            program.filter(|program| self.language == Language::Python && !program.contains('.'))
        else {
            return false;
        };
        let mut words = vec![Value::Exact(program.to_owned())];
        words.extend(flat(&args.pos));
        self.argv(words, span);
        true
    }

    /// A call of a method that the text defines.
    fn own_call(&mut self, on: &Val, name: &str, args: &Args, begin: usize) -> Option<Val> {
        let given = || Args {
            pos: args.pos.clone(),
            named: args.named.clone(),
        };
        match &on.kind {
            Kind::Class(class) if name == "new" => {
                return Some(self.construct(*class, given(), begin));
            }
            // `f.call(x)`, `f.(x)`: `this` stands before the rest in JavaScript.
            Kind::Function(id)
                if matches!(
                    name,
                    "call" | "apply" | "bind" | "yield" | "invoke" | "__invoke"
                ) =>
            {
                let mut args = given();
                if self.language == Language::JavaScript && !args.pos.is_empty() {
                    args.pos.remove(0);
                    if name == "apply"
                        && let Some(Kind::List(items)) =
                            args.pos.first().map(|list| list.kind.clone())
                    {
                        args.pos = items;
                    }
                }
                if name == "bind" && args.pos.is_empty() {
                    return Some(on.clone());
                }
                return Some(self.call_function(*id, None, args, begin));
            }
            _ => {}
        }
        let id = match self.own_method(on, name) {
            Some(id) => id,
            // Perl calls a function of a package so, and every language one of a module.
            None if matches!(on.kind, Kind::Name(_) | Kind::Map(_) | Kind::Opaque(_))
                && sinks::find(self.language, &format!("?.{name}")).is_none() =>
            {
                self.own_function(name)?
            }
            None => return None,
        };
        Some(self.call_function(id, Some(on.clone()), given(), begin))
    }

    pub(super) fn named_call(&mut self, name: &str, args: Args, span: Option<ByteSpan>) -> Val {
        if let Some(id) = self.own_function(name) {
            let call = span.map_or(0, |span| span.start());
            let origin = args.origin().join(Origin::RunTime);
            return self
                .follow(id, None, args, call)
                .unwrap_or_else(|| Val::opaque("").from(origin));
        }
        if self.language == Language::Perl && name == "bless" {
            return args
                .pos
                .into_iter()
                .next()
                .unwrap_or_else(|| Val::opaque(""));
        }
        if let Some(does) = sinks::find(self.language, name) {
            // `setTimeout` takes code as well as a function.
            if matches!(does, sinks::Does::Eval(_)) {
                self.called_later(name, &args, span);
            }
            return self.apply(name, does, None, args, span);
        }
        if self.program_call(name, &args, span) {
            return Val::opaque("");
        }
        if let Some(value) = self.stands_for(name, &args, span) {
            return value;
        }
        if cloud::makes_client(self.language, name) {
            return Val::object(cloud::CLIENT, Vec::new());
        }
        if let Some(method) = cloud::command(self.language, name) {
            return self.cloud_call(Val::opaque("command"), method, &args, span);
        }
        if !name.contains('.') {
            for index in 0..self.stars.len().min(16) {
                let full = canonical(&format!("{}.{name}", self.stars[index]));
                if let Some(does) = sinks::find(self.language, &full) {
                    return self.apply(&full, does, None, args, span);
                }
                if let Some(value) = fold::call(self.language, &full, &args) {
                    return value;
                }
            }
        }
        if let Some(value) = fold::call(self.language, name, &args) {
            return value;
        }
        if self.language == Language::Ruby
            && let Some((base, "method")) = name.rsplit_once('.')
            && let Some(named) = args.pos.first().and_then(Val::exact)
        {
            let base = if base == "self" { "" } else { base };
            let full = format!("{base}.{named}");
            return Val::name(canonical(full.trim_start_matches('.')));
        }
        if self.language == Language::Ruby
            && let Some((function, "call" | "yield")) = name.rsplit_once('.')
            && sinks::find(self.language, function).is_some()
        {
            return self.named_call(function, args, span);
        }
        if self.language == Language::Ruby
            && let Some((base, "send" | "public_send" | "__send__" | "method")) =
                name.rsplit_once('.')
        {
            return self.attribute_call(base, args, span);
        }
        if self.language == Language::Mongo
            && let Some((base, last)) = name.rsplit_once('.')
            && let Some((kind, attributes)) = super::super::mongo::effect(last, &args)
        {
            let collection = base
                .strip_prefix("db.")
                .or(Some(base))
                .filter(|base| *base != "db");
            let target = collection.map(|name| Value::Exact(name.to_owned()));
            self.act(kind, target, TargetRole::Name, attributes, span);
            return Val::opaque("rows");
        }
        if self.language == Language::JavaScript
            && let Some((function, way @ ("call" | "apply" | "bind"))) = name.rsplit_once('.')
            && sinks::find(self.language, function).is_some()
        {
            return self.called_with_this(function, way, args, span);
        }
        if self.language == Language::Php
            && matches!(
                name.rsplit_once('.'),
                Some((_, "invoke" | "invokeArgs" | "__invoke"))
            )
            && let Some((function, _)) = name.rsplit_once('.')
            && sinks::find(self.language, function).is_some()
        {
            return self.named_call(function, args, span);
        }
        if let Some((base, last)) = name.rsplit_once('.')
            && let Some(value) = self.method_stands_for(&Val::name(base), last, &args, span)
        {
            return value;
        }
        // A method of something that a name stands for: `os.environ.get("X")` is in the table, `x.unlink()` is not.
        if let Some((base, last)) = name.rsplit_once('.') {
            if is_environment(base) {
                if matches!(
                    last,
                    "items" | "copy" | "values" | "to_h" | "to_a" | "inspect" | "each"
                ) {
                    return Val::opaque("").from(Origin::Environment);
                }
                return args
                    .pos
                    .first()
                    .and_then(Val::exact)
                    .map(str::to_owned)
                    .map_or_else(|| Val::opaque(""), |name| self.environment(&name, span));
            }
            let generic = format!("?.{last}");
            if let Some(does) = sinks::find(self.language, &generic) {
                return self.apply(&generic, does, Some(Val::opaque(base)), args, span);
            }
        }
        if self.language == Language::Php
            && let Some(value) = self.callback_by_name(&args, span)
        {
            return value;
        }
        self.called_later(name, &args, span);
        let mut origin = args.origin().join(Origin::RunTime);
        if is_decoder(name) {
            origin = origin.join(Origin::Decoded);
        }
        Val::opaque(name).from(origin)
    }

    pub(super) fn method_call(
        &mut self,
        on: Val,
        name: &str,
        args: Args,
        span: Option<ByteSpan>,
    ) -> Val {
        if let Kind::Text(Value::Pattern(_) | Value::Prefix(..), _) = &on.kind
            && matches!(name, "getPathname" | "getRealPath" | "getFilename")
        {
            return on;
        }
        // What was fetched is written into a file that was opened before.
        if let (Kind::Object("file", held), Origin::Downloaded(_)) = (&on.kind, args.origin())
            && matches!(name, "write" | "puts" | "print" | "end")
        {
            self.fetched_here(args.origin(), span);
            let file = held.first().cloned();
            self.path_act(ActionKind::FsWrite, file.as_ref(), vec!["append"], span);
            return Val::opaque("");
        }
        // A database that only lives as long as the process does.
        if let Kind::Object("cursor", held) = &on.kind
            && held.first().and_then(Val::exact) == Some(":memory:")
        {
            return on;
        }
        if let Kind::Object("file", held) = &on.kind
            && let Some(file) = held.first()
            && is_writing(name)
        {
            self.pour(file, args.pos.first(), span);
        }
        self.of_each(&on, name, &args, span);
        if let Some(value) = self.method_stands_for(&on, name, &args, span) {
            return value;
        }
        if let Kind::Object(of, held) = &on.kind {
            let full = format!("{of}.{name}");
            if let Some(does) = sinks::find(self.language, &full) {
                return self.apply(&full, does, Some(on), args, span);
            }
            if *of == "path"
                && let Some(value) = fold::path_method(held, name, &args)
            {
                return value;
            }
            if *of == cloud::CLIENT {
                return self.cloud_call(on, name, &args, span);
            }
            if *of == "cursor" || (*of == "ctypes") {
                return on;
            }
        }
        if matches!(name, "call" | "apply" | "bind")
            && self.language == Language::JavaScript
            && let Kind::Method(..) = &on.kind
        {
            return Val::opaque("").from(args.origin());
        }
        if self.language == Language::Mongo
            && let Some((kind, attributes)) = super::super::mongo::effect(name, &args)
        {
            self.act(kind, None, TargetRole::Name, attributes, span);
            return Val::opaque("rows");
        }
        if let Some(value) = fold::method(self.language, &on, name, &args) {
            return value;
        }
        let generic = format!("?.{name}");
        if let Some(does) = sinks::find(self.language, &generic) {
            return self.apply(&generic, does, Some(on), args, span);
        }
        if self.language == Language::Ruby
            && matches!(name, "send" | "public_send" | "__send__" | "method")
            && let Kind::Name(base) = &on.kind
        {
            let base = base.clone();
            return self.attribute_call(&base, args, span);
        }
        self.called_later(name, &args, span);
        let mut origin = origin_of(&on).join(args.origin()).join(Origin::RunTime);
        if is_decoder(name) && !matches!(on.kind, Kind::Opaque(_)) {
            origin = origin.join(Origin::Decoded);
        }
        Val::opaque("").from(origin)
    }
}

/// Methods of an open file that write their first argument into it.
fn is_writing(method: &str) -> bool {
    matches!(
        method,
        "write"
            | "writelines"
            | "write_all"
            | "print"
            | "puts"
            | "printf"
            | "say"
            | "println"
            | "<<"
            | "syswrite"
            | "end"
            | "writeFile"
    )
}
