//! Names that are looked up when the code runs.

use super::computed;
use crate::actions::code::Language;
use crate::actions::code::sinks::{self, Does};
use crate::actions::code::value::{Kind, Val};
use crate::actions::code::walk::{Args, Walker, element_of};
use crate::shell::command::Value;
use crate::span::ByteSpan;

impl Walker<'_> {
    /// `getattr`, `send`, `call_user_func`, `do.call`.
    pub(super) fn reflect(&mut self, name: &str, mut args: Args, span: Option<ByteSpan>) -> Val {
        if name == "getattr" {
            let attribute = args.pos.get(1).and_then(Val::exact).map(str::to_owned);
            let on = args
                .pos
                .into_iter()
                .next()
                .unwrap_or_else(|| Val::opaque(""));
            return match attribute {
                Some(attribute) => self.attribute(on, &attribute),
                None => match &on.kind {
                    // Of a module it may be anything; of other objects it is everyday code.
                    Kind::Name(module) if is_dangerous_module(module) => computed(),
                    Kind::Computed => on,
                    _ => {
                        self.called_blindly();
                        Val::opaque("")
                    }
                },
            };
        }
        if name == "setattr" {
            self.set_attribute(args, span);
            return Val::opaque("");
        }
        if args.pos.is_empty() {
            return Val::opaque("");
        }
        if self.own_called_later(name, &args, span) {
            return Val::opaque("");
        }
        let named = args.pos.first().and_then(Val::exact);
        if self.language == Language::Php
            && named.is_none_or(|name| sinks::find(self.language, name).is_none())
            && let Some(value) = self.callback_by_name(&args, span)
        {
            return value;
        }
        let function = args.pos.remove(0);
        let function = match function.kind {
            Kind::Text(Value::Exact(name), _) | Kind::Name(name) => name,
            Kind::Text(..) => {
                self.unknown("a function whose name is computed", span);
                self.called_blindly();
                return Val::opaque("");
            }
            _ => {
                self.called_blindly();
                return Val::opaque("");
            }
        };
        // Arguments may come as one list.
        if matches!(name, "call_user_func_array" | "do.call" | "array_map")
            && let Some(Kind::List(items)) = args.pos.first().map(|first| first.kind.clone())
        {
            args.pos = items;
        }
        if sinks::find(self.language, &function) == Some(Does::Attribute) {
            return Val::opaque("");
        }
        if matches!(name, "get" | "match.fun" | "method") {
            return Val::name(function);
        }
        self.named_call(&function, args, span)
    }

    /// `submit(os.system, "x")`, `Thread(target=os.remove, args=("x",))`: a function, and what others call it with.
    pub(super) fn called_later(&mut self, by: &str, args: &Args, span: Option<ByteSpan>) {
        if self.own_called_later(by, args, span) {
            return;
        }
        let is_known = |value: &Val| match &value.kind {
            Kind::Name(name) => sinks::find(self.language, name).map(|does| (name.clone(), does)),
            _ => None,
        };
        let given = args
            .option(&["target", "func", "function"])
            .and_then(is_known);
        let (function, place) = match given {
            Some(function) => (function, None),
            None => {
                let mut among = args.pos.iter().take(4).enumerate();
                let found = among.find_map(|(at, value)| Some((is_known(value)?, Some(at))));
                let Some(found) = found else {
                    let unknown = |value: &Val| matches!(value.kind, Kind::Opaque(_));
                    if applies_to_each(by) && args.pos.first().is_some_and(unknown) {
                        self.called_blindly();
                    }
                    return;
                };
                found
            }
        };
        let (name, does) = function;
        let acts = !matches!(
            does,
            Does::Make(_) | Does::Import | Does::Attribute | Does::Environment(_) | Does::Show
        );
        let after = place
            .and_then(|at| args.pos.get(at + 1..))
            .unwrap_or_default();
        // `setTimeout(f, 100, x)`
        let waits = usize::from(matches!(by, "setTimeout" | "setInterval"));
        let listed = |value: &Val| match &value.kind {
            Kind::List(items) => items.clone(),
            _ => vec![value.clone()],
        };
        let last = by.rsplit('.').next().unwrap_or(by);
        if applies_to_each(last) {
            let before = place.and_then(|at| args.pos.get(..at)).unwrap_or_default();
            let lists = before.iter().chain(after);
            // A text is a list of one in R.
            let alone = self.language == Language::R;
            let elements: Vec<Val> = lists
                .map(|list| match &list.kind {
                    Kind::Text(Value::Exact(_), _) if alone => list.clone(),
                    _ => element_of(list, ""),
                })
                .filter(|element| !matches!(element.kind, Kind::Opaque(_)))
                .take(4)
                .collect();
            if acts && !elements.is_empty() {
                let given = Args {
                    pos: elements,
                    named: args.named.clone(),
                };
                self.apply(&name, does, None, given, span);
            }
            return;
        }
        let pos = match (
            after.get(waits..).unwrap_or_default(),
            args.option(&["args"]),
        ) {
            ([], Some(list)) => listed(list),
            ([list], _) if by.ends_with("Timer") => listed(list),
            (after, _) => after.to_vec(),
        };
        if acts && !pos.is_empty() {
            let args = Args {
                pos,
                ..Args::default()
            };
            self.apply(&name, does, None, args, span);
        }
    }

    /// The same with a function of the text: whether one was among the arguments.
    fn own_called_later(&mut self, by: &str, args: &Args, span: Option<ByteSpan>) -> bool {
        let own = |value: &Val| match value.kind {
            Kind::Function(id) => Some(id),
            _ => None,
        };
        let given = args
            .option(&["target", "func", "function", "FUN"])
            .and_then(own);
        let among = args.pos.iter().take(4).enumerate();
        let found = given.map(|id| (None, id)).or_else(|| {
            let mut among = among;
            among.find_map(|(at, value)| Some((Some(at), own(value)?)))
        });
        let Some((place, id)) = found else {
            return false;
        };
        let call = span.map_or(0, |span| span.start());
        if self.was_given_element(id) {
            return true;
        }
        let others: Vec<Val> = match place {
            Some(at) => {
                let after = args.pos.get(at + 1..).unwrap_or_default();
                let waits = usize::from(matches!(by, "setTimeout" | "setInterval"));
                after.iter().skip(waits).cloned().collect()
            }
            None => Vec::new(),
        };
        let listed = |value: &Val| match &value.kind {
            Kind::List(items) => items.clone(),
            _ => vec![value.clone()],
        };
        let last = by.rsplit('.').next().unwrap_or(by);
        let mut pos = match args.option(&["args"]) {
            Some(list) if others.is_empty() => listed(list),
            _ if applies_to_each(last) => {
                let before = place.and_then(|at| args.pos.get(..at)).unwrap_or_default();
                let lists = others.iter().chain(before);
                let elements = lists.map(|list| element_of(list, ""));
                elements
                    .filter(|element| !matches!(element.kind, Kind::Opaque(_)))
                    .collect()
            }
            _ => match others.as_slice() {
                [list] if by.ends_with("Timer") => listed(list),
                others => others.to_vec(),
            },
        };
        pos.truncate(16);
        if pos.is_empty() && self.takes_arguments(id) {
            return true;
        }
        let named = args
            .option(&["kwargs"])
            .map_or_else(Vec::new, |named| match &named.kind {
                Kind::Map(entries) => entries.clone(),
                _ => Vec::new(),
            });
        self.follow(id, None, Args { pos, named }, call);
        true
    }

    /// `f.call(this, x)`, `f.apply(this, [x])`, `f.bind(this, x)`: with `this` before what the function is given.
    pub(super) fn called_with_this(
        &mut self,
        function: &str,
        way: &str,
        args: Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let mut pos: Vec<Val> = args.pos.into_iter().skip(1).collect();
        if way == "bind" && pos.is_empty() {
            return Val::name(function);
        }
        if way == "apply"
            && let Some(Kind::List(items)) = pos.first().map(|list| list.kind.clone())
        {
            pos = items;
        }
        let named = args.named;
        self.named_call(function, Args { pos, named }, span)
    }

    /// What is done to every element of a list: by a method whose name is given, `list.each(&:delete)`, or by a function,
    /// `list.forEach(fs.unlinkSync)`.
    pub(super) fn of_each(&mut self, list: &Val, by: &str, args: &Args, span: Option<ByteSpan>) {
        let given = args.pos.first();
        match self.language {
            Language::Ruby if matches!(by, "each" | "map" | "each_entry") => {
                let element = element_of(list, "");
                if let Some(method) = given.and_then(Val::exact)
                    && !matches!(element.kind, Kind::Opaque(_))
                {
                    self.method_call(element, method, Args::default(), span);
                } else if let Some(Kind::Name(function)) = given.map(|given| &given.kind)
                    && let Some(does) = sinks::find(self.language, function)
                {
                    let element = Args {
                        pos: vec![element_of(list, "")],
                        ..Args::default()
                    };
                    self.apply(&function.clone(), does, None, element, span);
                }
            }
            Language::JavaScript
                if matches!(
                    by,
                    "forEach" | "map" | "flatMap" | "filter" | "some" | "every"
                ) =>
            {
                if let Some(Kind::Name(function)) = given.map(|given| &given.kind)
                    && let Some(does) = sinks::find(self.language, function)
                {
                    let element = Args {
                        pos: vec![element_of(list, "")],
                        ..Args::default()
                    };
                    self.apply(&function.clone(), does, None, element, span);
                }
            }
            _ => {}
        }
        if let Some(Kind::Function(id)) = given.map(|given| &given.kind)
            && applies_to_each(by)
            && !self.was_given_element(*id)
        {
            let element = element_of(list, "");
            if !matches!(element.kind, Kind::Opaque(_)) {
                let pos = vec![element];
                let named = Vec::new();
                let call = span.map_or(0, |span| span.start());
                self.follow(*id, None, Args { pos, named }, call);
            }
        }
    }

    /// `setattr(builtins, 'x', os.system)`: from then on the function has that name as well.
    fn set_attribute(&mut self, mut args: Args, span: Option<ByteSpan>) {
        let Some(value) = (args.pos.len() == 3).then(|| args.pos.remove(2)) else {
            return;
        };
        match (&value.kind, args.pos.get(1).and_then(Val::exact)) {
            (Kind::Name(_) | Kind::Computed, Some(name)) => {
                let name = name.to_owned();
                self.bind(&name, value);
            }
            (Kind::Computed, None) => self.unknown("a function whose name is computed", span),
            _ => {}
        }
    }

    /// Ruby's `Kernel.send(:system, …)`.
    pub(super) fn attribute_call(
        &mut self,
        base: &str,
        mut args: Args,
        span: Option<ByteSpan>,
    ) -> Val {
        if args.pos.is_empty() {
            return Val::opaque("");
        }
        match args.pos.remove(0).exact() {
            Some(name) => {
                let full = if matches!(base, "Object" | "self") {
                    name.to_owned()
                } else {
                    format!("{base}.{name}")
                };
                self.named_call(&full, args, span)
            }
            None => {
                if is_dangerous_module(base) {
                    self.unknown("a function whose name is computed", span);
                }
                self.called_blindly();
                Val::opaque("")
            }
        }
    }
}

/// Whether a function calls another one with every element of a list.
fn applies_to_each(name: &str) -> bool {
    matches!(
        name,
        "map"
            | "imap"
            | "imap_unordered"
            | "starmap"
            | "forEach"
            | "each"
            | "foreach"
            | "filter"
            | "flatMap"
            | "some"
            | "every"
            | "array_map"
            | "array_walk"
            | "array_filter"
            | "sapply"
            | "lapply"
            | "vapply"
            | "Map"
            | "walk"
            | "each_entry"
            | "select"
            | "pmap"
            | "broadcast"
            | "mapM_"
    )
}

/// Modules of which a computed name may be anything.
fn is_dangerous_module(name: &str) -> bool {
    matches!(
        name.split('.').next().unwrap_or(""),
        "os" | "posix"
            | "subprocess"
            | "shutil"
            | "builtins"
            | "__builtins__"
            | "__builtin__"
            | "pty"
            | "importlib"
            | "ctypes"
            | "child_process"
            | "fs"
            | "process"
            | "Kernel"
            | "Object"
            | "FileUtils"
            | "IO"
            | "sys"
            | "globalThis"
            | "global"
    )
}
