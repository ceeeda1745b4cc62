//! What calls do: names resolved to the table of sinks, arguments to targets, and values that calls give.

use super::fold;
use super::sinks::{self, At, Does};
use super::value::{Kind, Origin, Val, concat};
use super::walk::{Args, Walker, at_run_time};
use super::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

/// Longer dotted names are cut: no library has them.
const MAX_NAME_BYTES: usize = 200;

/// The environment as each language calls it.
const ENVIRONMENTS: &[&str] = &[
    "os.environ",
    "os.environb",
    "process.env",
    "ENV",
    "Bun.env",
    "Deno.env",
];

/// Whole values whose printing shows every variable.
fn is_environment(name: &str) -> bool {
    ENVIRONMENTS.contains(&name)
}

/// The worst origin of a value, with names that stand for the environment.
pub(super) fn origin_of(value: &Val) -> Origin {
    match &value.kind {
        Kind::Name(name) if is_environment(name) => Origin::Environment,
        Kind::Map(entries) => entries
            .iter()
            .fold(value.origin.clone(), |origin, (_, value)| {
                origin.join(origin_of(value))
            }),
        Kind::List(items) => items.iter().fold(value.origin.clone(), |origin, item| {
            origin.join(origin_of(item))
        }),
        _ => value.origin.clone(),
    }
}

/// One spelling for modules that have several.
pub(super) fn canonical(name: &str) -> String {
    let mut name = name;
    for prefix in [
        "node:",
        "builtins.",
        "__builtins__.",
        "__builtin__.",
        "globalThis.",
        "global.",
        "window.",
        "CORE.GLOBAL.",
        "Kernel.Kernel.",
    ] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    for (from, to) in [
        ("fs/promises", "fs"),
        ("fs.promises", "fs"),
        ("fs-extra", "fs"),
        ("graceful-fs", "fs"),
        ("original-fs", "fs"),
        ("dns/promises", "dns"),
        ("dns.promises", "dns"),
        ("socket.socket", "socket.socket"),
        ("process.mainModule.require", "require"),
        ("jsonlib", "jsonlib"),
    ] {
        if let Some(rest) = name.strip_prefix(from)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return format!("{to}{rest}");
        }
    }
    name.chars().take(MAX_NAME_BYTES).collect()
}

/// Names that every text knows without an import.
pub(super) fn constant(language: Language, name: &str) -> Val {
    match (language, name) {
        (Language::JavaScript, "__dirname" | "__filename") | (Language::Python, "__file__") => {
            Val::text(".")
        }
        (Language::Php, "__DIR__" | "__FILE__") => Val::text("."),
        (Language::Php, "DIRECTORY_SEPARATOR") => Val::text("/"),
        (Language::Perl | Language::Ruby, "__FILE__") => Val::text("."),
        (Language::Ruby, "ARGV" | "STDIN" | "$stdin") | (Language::Lua, "arg") => Val::opaque(name),
        (Language::Php, "PHP_BINARY") => Val::text("php"),
        _ => Val::name(canonical(name.trim_start_matches("::"))),
    }
}

/// Attributes that are known values.
fn known_attribute(name: &str) -> Option<Val> {
    Some(match name {
        "sys.executable" => Val::text("python3"),
        "process.execPath" | "process.argv0" => Val::text("node"),
        "RbConfig.ruby" => Val::text("ruby"),
        "os.sep" | "os.path.sep" | "path.sep" | "File.SEPARATOR" => Val::text("/"),
        "os.curdir" => Val::text("."),
        "os.pardir" => Val::text(".."),
        "os.linesep" | "os.EOL" => Val::text("\n"),
        "os.devnull" | "os.devNull" | "File.NULL" => Val::text("/dev/null"),
        "string.ascii_lowercase" => Val::text("abcdefghijklmnopqrstuvwxyz"),
        "string.ascii_uppercase" => Val::text("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "string.ascii_letters" => Val::text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "string.digits" => Val::text("0123456789"),
        "process.env.HOME" | "process.env.USERPROFILE" => Val::text("~"),
        _ => return None,
    })
}

/// Whether the name of an environment variable says that it holds a credential.
pub(in crate::actions) fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    [
        "SECRET",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "CREDENTIAL",
        "PASSPHRASE",
        "AUTH_KEY",
        "DATABASE_URL",
        "_PAT",
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
    ]
    .iter()
    .any(|word| upper.contains(word))
        && !upper.ends_with("_FILE")
        && !upper.ends_with("_PATH")
}

impl Walker<'_> {
    // ---- attributes and elements

    pub(super) fn attribute(&mut self, on: Val, name: &str) -> Val {
        match &on.kind {
            Kind::Name(base) => {
                if is_environment(base) && !is_method_of_maps(name) {
                    return self.environment(name, None);
                }
                if matches!(
                    name,
                    "default"
                        | "__dict__"
                        | "class"
                        | "__call__"
                        | "__wrapped__"
                        | "exports"
                        | "func"
                ) && !base.is_empty()
                {
                    return on;
                }
                if base.len() > MAX_NAME_BYTES {
                    return Val::opaque("");
                }
                let full = canonical(&format!("{base}.{name}"));
                if let Some(value) = known_attribute(&full) {
                    return value;
                }
                Val::name(full)
            }
            Kind::Computed => on,
            Kind::Map(entries) => match entries.iter().find(|(key, _)| key == name) {
                Some((_, value)) => value.clone(),
                None => method(on, name),
            },
            Kind::Object("path", args) => match name {
                "parent" | "dirname" if self.language == Language::Python => fold::parent(args),
                _ => method(on, name),
            },
            Kind::Object("ctypes" | "ffi", _) => Val::name(format!(
                "{}.{name}",
                if matches!(on.kind, Kind::Object("ffi", _)) {
                    "ffi"
                } else {
                    "ctypes"
                }
            )),
            _ => method(on, name),
        }
    }

    pub(super) fn element_at(&mut self, value: Val, index: &Val) -> Val {
        match (&value.kind, &index.kind) {
            (Kind::List(items), Kind::Number(number)) => {
                let position = if *number < 0 {
                    usize::try_from(number.unsigned_abs())
                        .ok()
                        .and_then(|back| items.len().checked_sub(back))
                } else {
                    usize::try_from(*number).ok()
                };
                position
                    .and_then(|position| items.get(position))
                    .cloned()
                    .unwrap_or_else(|| Val::opaque(""))
            }
            (Kind::Text(Value::Exact(text), _), Kind::Number(_)) => {
                let text = text.clone();
                fold::character(&text, index).unwrap_or_else(|| Val::opaque(""))
            }
            (Kind::Name(name), Kind::Number(number)) if name.ends_with("argv") => {
                Val::opaque(&number.to_string()).from(Origin::RunTime)
            }
            (Kind::Opaque(name), Kind::Number(number))
                if name.ends_with("ARGV") || name == "arg" || name.ends_with("argv") =>
            {
                Val::opaque(&(number + 1).to_string())
            }
            (Kind::Name(name), _) if name == "sys.modules" => match index.exact() {
                Some(module) => Val::name(canonical(module)),
                None => computed(),
            },
            (Kind::Name(name), _) if is_environment(name) => match index.exact() {
                Some(variable) => {
                    let variable = variable.to_owned();
                    self.environment(&variable, None)
                }
                None => Val::opaque(""),
            },
            (Kind::Name(_), _) => match index.exact() {
                Some(key) => {
                    let key = key.to_owned();
                    self.attribute(value, &key)
                }
                None if matches!(index.kind, Kind::Number(_)) => Val::opaque("").from(value.origin),
                None => computed(),
            },
            (Kind::Map(entries), _) => {
                let found = index
                    .exact()
                    .and_then(|key| entries.iter().find(|(name, _)| name == key));
                found.map_or_else(
                    || Val::opaque("").from(value.origin.clone()),
                    |(_, value)| value.clone(),
                )
            }
            (Kind::Object(..) | Kind::Method(..), _) if index.exact().is_some() => {
                let key = index.exact().unwrap_or("").to_owned();
                self.attribute(value, &key)
            }
            (Kind::Text(Value::Pattern(_) | Value::Prefix(..), _), _) => value,
            _ => Val::opaque("").from(value.origin),
        }
    }

    /// Reads one variable of the environment.
    fn environment(&mut self, name: &str, span: Option<ByteSpan>) -> Val {
        if matches!(name, "HOME" | "USERPROFILE") {
            return Val::text("~");
        }
        if matches!(name, "TMPDIR" | "TEMP" | "TMP") {
            return Val::text("/tmp");
        }
        if matches!(name, "PWD") {
            return Val::text(".");
        }
        if !is_secret_name(name) {
            return Val::opaque(name);
        }
        let span = span.or_else(|| self.span_from(self.chain));
        self.act(
            ActionKind::CredentialRead,
            Some(Value::Exact(name.to_owned())),
            TargetRole::Name,
            vec!["environment"],
            span,
        );
        Val::opaque(name).from(Origin::Secret)
    }

    // ---- effects

    pub(super) fn act(
        &mut self,
        kind: ActionKind,
        target: Option<Value>,
        role: TargetRole,
        mut attributes: Vec<&'static str>,
        span: Option<ByteSpan>,
    ) {
        if kind == ActionKind::FsDelete && matches!(target, Some(Value::Pattern(_))) {
            attributes.push("wildcard");
        }
        attributes.sort_unstable();
        attributes.dedup();
        self.push(
            What::Act {
                kind,
                target,
                role,
                attributes,
            },
            span,
        );
    }

    pub(super) fn shell(
        &mut self,
        text: Value,
        verbatim_at: Option<usize>,
        span: Option<ByteSpan>,
    ) {
        if let Value::Exact(text) = &text
            && is_shell(text.split_whitespace().next().unwrap_or(""))
        {
            self.started_shell = true;
        }
        self.push(What::Shell { text, verbatim_at }, span);
    }

    fn argv(&mut self, words: Vec<Value>, span: Option<ByteSpan>) {
        if let Some(Value::Exact(program)) = words.first()
            && is_shell(program)
        {
            self.started_shell = true;
        }
        self.push(What::Argv { words }, span);
    }

    /// A connection whose ends become a shell's gives that shell away.
    pub(super) fn remote_shell(&mut self) {
        if !(self.redirected || self.started_shell) {
            return;
        }
        let Some((host, span)) = self.connections.first().cloned() else {
            return;
        };
        if !self.started_shell && !self.redirected {
            return;
        }
        self.act(
            ActionKind::ExecRemoteShell,
            Some(host),
            TargetRole::Host,
            Vec::new(),
            Some(span),
        );
    }

    // ---- calls

    pub(super) fn call(&mut self, callee: Val, args: Args, begin: usize) -> Val {
        let span = self.span_from(begin);
        match callee.kind {
            Kind::Name(name) => self.named_call(&name, args, span),
            Kind::Method(on, name) => self.method_call(*on, &name, args, span),
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
                Val::opaque("").from(args.origin())
            }
            Kind::Object("function", _) => Val::opaque(""),
            _ => Val::opaque("").from(callee.origin).from(args.origin()),
        }
    }

    fn named_call(&mut self, name: &str, args: Args, span: Option<ByteSpan>) -> Val {
        if let Some(does) = sinks::find(self.language, name) {
            return self.apply(name, does, None, args, span);
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
            && let Some((base, "send" | "public_send" | "__send__" | "method")) =
                name.rsplit_once('.')
        {
            return self.attribute_call(base, args, span);
        }
        if self.language == Language::Mongo
            && let Some((base, last)) = name.rsplit_once('.')
            && let Some((kind, attributes)) = super::mongo::effect(last, &args)
        {
            let collection = base
                .strip_prefix("db.")
                .or(Some(base))
                .filter(|base| *base != "db");
            let target = collection.map(|name| Value::Exact(name.to_owned()));
            self.act(kind, target, TargetRole::Name, attributes, span);
            return Val::opaque("rows");
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
        let mut origin = args.origin().join(Origin::RunTime);
        if is_decoder(name) {
            origin = origin.join(Origin::Decoded);
        }
        Val::opaque(name).from(origin)
    }

    fn method_call(&mut self, on: Val, name: &str, args: Args, span: Option<ByteSpan>) -> Val {
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
            && let Some((kind, attributes)) = super::mongo::effect(name, &args)
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
        let mut origin = origin_of(&on).join(args.origin()).join(Origin::RunTime);
        if is_decoder(name) && !matches!(on.kind, Kind::Opaque(_)) {
            origin = origin.join(Origin::Decoded);
        }
        Val::opaque("").from(origin)
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each thing that a call does"
    )]
    fn apply(
        &mut self,
        name: &str,
        does: Does,
        this: Option<Val>,
        args: Args,
        span: Option<ByteSpan>,
    ) -> Val {
        match does {
            Does::Act(kind, at, role, attributes) => {
                self.apply_act(name, kind, at, role, attributes, this.as_ref(), &args, span)
            }
            Does::Copy => {
                self.path_act(ActionKind::FsRead, args.pos.first(), vec![], span);
                self.path_act(ActionKind::FsWrite, args.pos.get(1), vec![], span);
                Val::opaque("")
            }
            Does::Move => {
                self.path_act(ActionKind::FsWrite, args.pos.first(), vec![], span);
                self.path_act(ActionKind::FsWrite, args.pos.get(1), vec![], span);
                Val::opaque("")
            }
            Does::Shell(index) => {
                let value = args
                    .pos
                    .get(index)
                    .or_else(|| args.option(&["command", "cmd", "args"]));
                self.shell_of(value, span)
            }
            Does::ShellOrWords(from) => self.shell_or_words(from, &args, span),
            Does::Run => self.run(&args, span),
            Does::Spawn => self.spawn(&args, span),
            Does::Words(from) => {
                let words = flat(args.pos.get(from..).unwrap_or(&[]));
                self.argv(words, span);
                Val::opaque("")
            }
            Does::Exec(from) => {
                let mut words = flat(args.pos.get(from - 1..from).unwrap_or(&[]));
                words.extend(
                    flat(args.pos.get(from..).unwrap_or(&[]))
                        .into_iter()
                        .skip(1),
                );
                self.argv(words, span);
                Val::opaque("")
            }
            Does::Eval(index) => self.eval(
                self.language,
                args.pos.get(index).or_else(|| args.pos.last()),
                name,
                span,
            ),
            Does::Foreign(language, index) => {
                let code = args
                    .pos
                    .get(index)
                    .cloned()
                    .unwrap_or_else(|| Val::opaque("code"));
                let text = match code.kind {
                    // `redis.call("FLUSHALL")`: the words of a command.
                    _ if language == Language::Redis => words_text(&args.pos),
                    _ => code.as_value(),
                };
                let verbatim_at = code.verbatim_at().filter(|_| language != Language::Redis);
                if let Value::Unknown(_) = text {
                    self.unknown("a statement that is computed", span);
                } else {
                    self.push(
                        What::Code {
                            language,
                            text,
                            verbatim_at,
                        },
                        span,
                    );
                }
                this.unwrap_or_else(|| Val::object("cursor", Vec::new()))
            }
            Does::Open(path, mode) => self.open(name, this, path, mode, &args, span),
            Does::OpenOrPipe => self.open_or_pipe(&args, span),
            Does::Request(index) => {
                self.request(name, args.pos.get(index), None, false, &args, span)
            }
            Does::Send(index) => self.request(name, args.pos.get(index), None, true, &args, span),
            Does::Http(method, url) => self.request(
                name,
                args.pos.get(url),
                args.pos.get(method),
                false,
                &args,
                span,
            ),
            Does::Connect(index) => self.connect(index, &args, span),
            Does::Listen => {
                let target = args.pos.iter().find_map(host_port).map(Value::Exact);
                self.act(
                    ActionKind::NetListen,
                    target,
                    TargetRole::Host,
                    vec![],
                    span,
                );
                Val::object("server", Vec::new())
            }
            Does::Redirect => {
                self.redirected = true;
                Val::opaque("")
            }
            Does::Write => {
                let host = self.connections.last().map(|(host, _)| host.clone());
                let attributes = origin_attributes(&args.origin());
                if !attributes.is_empty() || host.is_some() {
                    self.act(
                        ActionKind::NetSend,
                        host,
                        TargetRole::Host,
                        attributes,
                        span,
                    );
                }
                Val::opaque("")
            }
            Does::Import => match args.pos.first().and_then(Val::exact) {
                Some(module) => Val::name(canonical(module)),
                None => computed(),
            },
            Does::Attribute => self.reflect(name, args, span),
            Does::Environment(index) => match args.pos.get(index).and_then(Val::exact) {
                Some(variable) => {
                    let variable = variable.to_owned();
                    self.environment(&variable, span)
                }
                None if args.pos.is_empty() => Val::opaque("").from(Origin::Environment),
                None => Val::opaque(""),
            },
            Does::Show => {
                if matches!(args.origin(), Origin::Environment) {
                    self.act(
                        ActionKind::CredentialRead,
                        None,
                        TargetRole::Name,
                        vec!["environment"],
                        span,
                    );
                }
                Val::opaque("")
            }
            Does::Unreadable(reason) => {
                self.unknown(reason, span);
                Val::opaque("")
            }
            Does::Make(what) => {
                let mut held = args.pos;
                held.extend(args.named.into_iter().map(|(_, value)| value));
                Val::object(what, held)
            }
            Does::RunFile(index) => self.run_file(args.pos.get(index), &args, span),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a row and of its call"
    )]
    fn apply_act(
        &mut self,
        name: &str,
        kind: ActionKind,
        at: At,
        role: TargetRole,
        attributes: &[&'static str],
        this: Option<&Val>,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let mut attributes = attributes.to_vec();
        if kind == ActionKind::FsDelete {
            for (option, attribute) in [
                ("recursive", "recursive"),
                ("force", "force"),
                ("ignore_errors", "force"),
            ] {
                if args.option(&[option]).is_some_and(Val::is_true) {
                    attributes.push(attribute);
                }
            }
        }
        if kind == ActionKind::FsWrite
            && args
                .pos
                .iter()
                .any(|value| matches!(&value.kind, Kind::Name(name) if name == "FILE_APPEND"))
        {
            attributes = vec!["append"];
        }
        if kind == ActionKind::FsPermission {
            attributes.extend(args.pos.iter().flat_map(mode_attributes));
        }
        let targets: Vec<Val> = match at {
            At::Nothing => {
                self.act(kind, None, role, attributes, span);
                return Val::opaque("");
            }
            At::This => vec![this.cloned().unwrap_or_else(|| Val::opaque(""))],
            At::Arg(index) => {
                let named = args.option(&[
                    "path",
                    "file",
                    "filename",
                    "name",
                    "src",
                    "x",
                    "con",
                    "description",
                ]);
                vec![
                    args.pos
                        .get(index)
                        .or(named)
                        .cloned()
                        .unwrap_or_else(|| Val::opaque("argument")),
                ]
            }
            At::From(index) => {
                let mut all = Vec::new();
                for value in args.pos.get(index..).unwrap_or(&[]) {
                    match &value.kind {
                        Kind::List(items) => all.extend(items.iter().cloned()),
                        Kind::Map(_) => {}
                        _ => all.push(value.clone()),
                    }
                }
                if all.is_empty() {
                    all.push(Val::opaque("_"));
                }
                all
            }
        };
        let mut result = Val::opaque("");
        for target in targets {
            let several = match &target.kind {
                Kind::List(items) => items.clone(),
                _ => vec![target],
            };
            for target in several {
                if target.exact().is_some_and(|path| path.contains("://"))
                    && role == TargetRole::Path
                    && kind == ActionKind::FsRead
                {
                    result = self.request(name, Some(&target), None, false, args, span);
                    continue;
                }
                // Descriptors and open files are no paths.
                let open_file = matches!(
                    target.kind,
                    Kind::Number(_) | Kind::Object("file" | "connection" | "socket", _)
                ) && role == TargetRole::Path;
                if open_file {
                    continue;
                }
                let value = target.as_value();
                if kind == ActionKind::FsRead {
                    result = if lists_names(name) {
                        Val::value(Value::Pattern(String::from("*")))
                    } else {
                        self.contents(&target)
                    };
                }
                self.act(kind, Some(value), role, attributes.clone(), span);
            }
        }
        result
    }

    /// What reading a path gives: the names in a directory, or contents.
    fn contents(&mut self, path: &Val) -> Val {
        Val::opaque("contents")
            .from(Origin::File)
            .from(path.origin.clone())
    }

    fn path_act(
        &mut self,
        kind: ActionKind,
        path: Option<&Val>,
        attributes: Vec<&'static str>,
        span: Option<ByteSpan>,
    ) {
        let value = path.map_or_else(|| at_run_time("argument"), Val::as_value);
        self.act(kind, Some(value), TargetRole::Path, attributes, span);
    }

    fn shell_of(&mut self, value: Option<&Val>, span: Option<ByteSpan>) -> Val {
        let value = value.cloned().unwrap_or_else(|| Val::opaque("argument"));
        if let Origin::Downloaded(url) = &value.origin {
            self.act(
                ActionKind::ExecRemoteCode,
                Some(url.clone()),
                TargetRole::Url,
                vec![],
                span,
            );
            return Val::opaque("");
        }
        match &value.kind {
            Kind::List(items) => {
                let text = joined_words(items);
                self.shell(text, None, span);
            }
            _ if value.origin == Origin::Decoded && value.exact().is_none() => {
                self.unknown("a command that is decoded when it runs", span);
            }
            _ => {
                let verbatim_at = value.verbatim_at();
                self.shell(value.as_value(), verbatim_at, span);
            }
        }
        Val::opaque("").from(Origin::RunTime)
    }

    fn shell_or_words(&mut self, from: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let mut values: Vec<Val> = Vec::new();
        for value in args.pos.get(from..).unwrap_or(&[]) {
            match &value.kind {
                Kind::List(items) => values.extend(items.iter().cloned()),
                // An environment before the command, options after it.
                Kind::Map(_) => {}
                _ => values.push(value.clone()),
            }
        }
        if values.len() == 1
            && args
                .pos
                .get(from)
                .is_some_and(|value| !matches!(value.kind, Kind::List(_)))
        {
            return self.shell_of(values.first(), span);
        }
        if values.is_empty() {
            return self.shell_of(None, span);
        }
        // Ruby's `["rm", "argv0"]` names a program and what it is called.
        let words = values.iter().map(Val::as_value).collect();
        self.argv(words, span);
        Val::opaque("").from(Origin::RunTime)
    }

    fn run(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
        let command = args
            .pos
            .first()
            .or_else(|| args.option(&["args", "cmd", "command"]))
            .cloned()
            .unwrap_or_else(|| Val::opaque("argument"));
        let command = match command.kind {
            // `Deno.run({cmd: […]})`
            Kind::Map(entries) => entries
                .into_iter()
                .find(|(name, _)| name == "cmd")
                .map_or_else(|| Val::opaque("cmd"), |(_, value)| value),
            kind => Val {
                kind,
                origin: command.origin,
            },
        };
        let through_shell = args
            .option(&["shell"])
            .is_some_and(|shell| shell.is_true() || shell.exact().is_some());
        let uses_connection = args
            .option(&["stdin", "stdout", "stderr"])
            .is_some_and(|stream| matches!(&stream.kind, Kind::Opaque(_) | Kind::Object(..)));
        if uses_connection && !self.connections.is_empty() {
            self.redirected = true;
        }
        match &command.kind {
            Kind::List(items) if through_shell => {
                let first = items.first().cloned();
                self.shell_of(first.as_ref(), span)
            }
            Kind::List(items) => {
                let mut words: Vec<Value> = items.iter().map(Val::as_value).collect();
                if let Some(program) = args.option(&["executable"]).and_then(Val::exact)
                    && let Some(first) = words.first_mut()
                {
                    *first = Value::Exact(program.to_owned());
                }
                self.argv(words, span);
                Val::opaque("").from(Origin::RunTime)
            }
            Kind::Text(text, _) if !through_shell && is_one_word(text) => {
                let mut words = vec![text.clone()];
                if let Some(Kind::List(more)) = args.pos.get(1).map(|value| &value.kind) {
                    words.extend(more.iter().map(Val::as_value));
                }
                self.argv(words, span);
                Val::opaque("").from(Origin::RunTime)
            }
            Kind::Text(..) => self.shell_of(Some(&command), span),
            _ if through_shell => self.shell_of(Some(&command), span),
            _ => {
                self.argv(vec![command.as_value()], span);
                Val::opaque("").from(Origin::RunTime)
            }
        }
    }

    fn spawn(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
        let program = args
            .pos
            .first()
            .or_else(|| args.option(&["command"]))
            .cloned()
            .unwrap_or_else(|| Val::opaque("argument"));
        let listed = args
            .option(&["args"])
            .or_else(|| args.pos.get(1))
            .map(|value| value.kind.clone());
        let mut words = vec![program.as_value()];
        match listed {
            Some(Kind::List(items)) => words.extend(items.iter().map(Val::as_value)),
            Some(Kind::Text(Value::Exact(text), _)) => words.extend(
                text.split_whitespace()
                    .map(|word| Value::Exact(word.to_owned())),
            ),
            Some(Kind::Map(_)) | None => {}
            Some(_) => words.push(at_run_time("arguments")),
        }
        if args
            .option(&["shell"])
            .is_some_and(|shell| shell.is_true() || shell.exact().is_some())
        {
            let text = words.iter().enumerate().fold(
                Value::Exact(String::new()),
                |text, (index, word)| {
                    let blank = Value::Exact(if index == 0 {
                        String::new()
                    } else {
                        String::from(" ")
                    });
                    concat(concat(text, &blank), word)
                },
            );
            self.shell(text, None, span);
        } else if let Kind::List(items) = &program.kind {
            let words = items.iter().map(Val::as_value).collect();
            self.argv(words, span);
        } else {
            self.argv(words, span);
        }
        Val::object("process", Vec::new())
    }

    fn eval(
        &mut self,
        language: Language,
        code: Option<&Val>,
        name: &str,
        span: Option<ByteSpan>,
    ) -> Val {
        let Some(code) = code else {
            return Val::opaque("");
        };
        // Timers and `instance_eval` take functions; only text is code.
        let timer = matches!(
            name,
            "setTimeout" | "setInterval" | "timeit.timeit" | "load" | "assert"
        ) || name.starts_with("?.")
            || name.ends_with("_eval");
        match (&code.origin, code.exact()) {
            (_, Some(text)) => {
                let what = What::Code {
                    language,
                    text: Value::Exact(text.to_owned()),
                    verbatim_at: code.verbatim_at(),
                };
                self.push(what, span);
            }
            (Origin::Downloaded(url), _) => {
                self.act(
                    ActionKind::ExecRemoteCode,
                    Some(url.clone()),
                    TargetRole::Url,
                    vec![],
                    span,
                );
            }
            (Origin::File, _) => {
                self.act(ActionKind::ExecLocal, None, TargetRole::Path, vec![], span)
            }
            (Origin::Decoded, _) => self.unknown("code that is decoded when it runs", span),
            _ if timer && !matches!(code.kind, Kind::Text(..)) => {}
            _ if language == Language::R
                && matches!(code.kind, Kind::Opaque(_) | Kind::Name(_)) => {}
            _ => self.unknown("code that is computed when it runs", span),
        }
        Val::opaque("")
    }

    fn run_file(&mut self, file: Option<&Val>, args: &Args, span: Option<ByteSpan>) -> Val {
        match file {
            Some(file) if file.exact().is_some_and(|path| path.contains("://")) => {
                self.act(
                    ActionKind::ExecRemoteCode,
                    Some(file.as_value()),
                    TargetRole::Url,
                    vec![],
                    span,
                );
            }
            Some(file) => match &file.origin {
                Origin::Downloaded(url) => self.act(
                    ActionKind::ExecRemoteCode,
                    Some(url.clone()),
                    TargetRole::Url,
                    vec![],
                    span,
                ),
                _ => self.path_act(ActionKind::ExecLocal, Some(file), vec![], span),
            },
            None if args.named.is_empty() => {}
            None => self.path_act(ActionKind::ExecLocal, None, vec![], span),
        }
        Val::opaque("")
    }

    fn open(
        &mut self,
        name: &str,
        this: Option<Val>,
        path: usize,
        mode: usize,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let path = match this {
            Some(this) if path == 9 => this,
            _ => args
                .pos
                .get(path)
                .or_else(|| args.option(&["file", "path", "filename", "description"]))
                .cloned()
                .unwrap_or_else(|| Val::opaque("argument")),
        };
        let mode = args
            .pos
            .get(mode)
            .or_else(|| args.option(&["mode", "flags", "open"]));
        if path.exact().is_some_and(|path| path.contains("://"))
            && !path.exact().is_some_and(|path| path.starts_with("php://"))
        {
            return self.request(name, Some(&path), None, false, args, span);
        }
        if let Some(filter) = path.exact().filter(|path| path.starts_with("php://")) {
            let inner = filter
                .rsplit("resource=")
                .next()
                .filter(|_| filter.contains("resource="))
                .map(Val::text);
            if let Some(inner) = inner {
                self.path_act(ActionKind::FsRead, Some(&inner), vec![], span);
            }
            return Val::opaque("");
        }
        if matches!(path.kind, Kind::Number(_)) {
            return Val::opaque("");
        }
        let text = mode.and_then(Val::exact).unwrap_or("");
        let unknown_mode = mode.is_some_and(|mode| mode.exact().is_none())
            && matches!(name, "os.open" | "sysopen" | "fs.openSync" | "fs.open");
        let read_only = mode
            .is_some_and(|mode| matches!(&mode.kind, Kind::Name(flag) if flag.ends_with("RDONLY")));
        let attributes = if text.contains('a') || text.contains(">>") {
            Some(vec!["append"])
        } else if text.contains('w') || text.contains('>') {
            Some(vec!["truncate"])
        } else if text.contains('x') {
            Some(vec!["create"])
        } else if text.contains('+') || (unknown_mode && !read_only) {
            Some(vec![])
        } else {
            None
        };
        match attributes {
            Some(attributes) => {
                self.path_act(ActionKind::FsWrite, Some(&path), attributes, span);
                Val::object("file", vec![path])
            }
            None => {
                self.path_act(ActionKind::FsRead, Some(&path), vec![], span);
                Val::object("file", vec![path]).from(Origin::File)
            }
        }
    }

    /// Perl's and Ruby's `open`, where a bar makes the file a program.
    fn open_or_pipe(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
        let (mode, rest) = if self.language == Language::Ruby {
            (args.pos.first(), args.pos.get(1..).unwrap_or(&[]))
        } else {
            (args.pos.get(1), args.pos.get(2..).unwrap_or(&[]))
        };
        let Some(mode) = mode else {
            return Val::opaque("");
        };
        let text = mode.exact().unwrap_or("").trim();
        if self.language == Language::Perl && !rest.is_empty() {
            if text.starts_with("-|") || text.starts_with("|-") {
                let inner = Args {
                    pos: rest.to_vec(),
                    named: Vec::new(),
                };
                return self.shell_or_words(0, &inner, span);
            }
            if text.contains('&') {
                self.redirected |= !self.connections.is_empty();
                return Val::opaque("");
            }
            let inner = Args {
                pos: vec![rest[0].clone(), Val::text(text)],
                named: Vec::new(),
            };
            return self.open("open", None, 0, 1, &inner, span);
        }
        if let Some(command) = text.strip_prefix('|') {
            self.shell(Value::Exact(command.trim().to_owned()), None, span);
            return Val::opaque("");
        }
        if let Some(command) = text
            .strip_suffix('|')
            .filter(|_| self.language == Language::Perl)
        {
            self.shell(Value::Exact(command.trim().to_owned()), None, span);
            return Val::opaque("");
        }
        if let Kind::Text(Value::Prefix(begin, why), _) = &mode.kind
            && let Some(command) = begin.trim_start().strip_prefix('|')
        {
            self.shell(Value::Prefix(command.to_owned(), why.clone()), None, span);
            return Val::opaque("");
        }
        if self.language == Language::Ruby {
            return self.open("open", None, 0, 1, args, span);
        }
        if text.contains(">&") || text.contains("<&") {
            self.redirected |= !self.connections.is_empty();
            return Val::opaque("");
        }
        let file = text.trim_start_matches(['<', '>', '+', ' ']);
        let sign = &text[..text.len() - file.len()];
        let inner = if mode.exact().is_some() {
            Args {
                pos: vec![Val::text(file), Val::text(sign)],
                named: Vec::new(),
            }
        } else {
            // What is not known may begin with a sign or end with a bar.
            Args {
                pos: vec![mode.clone(), Val::text("+")],
                named: Vec::new(),
            }
        };
        self.open("open", None, 0, 1, &inner, span)
    }

    fn request(
        &mut self,
        name: &str,
        url: Option<&Val>,
        method: Option<&Val>,
        sends: bool,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let option = args.option(&["url", "uri", "URL"]);
        let parts = args.option(&["hostname", "host"]).map(|host| {
            let path = args
                .option(&["path"])
                .map_or_else(|| Value::Exact(String::new()), Val::as_value);
            let scheme = if name.starts_with("https") {
                "https://"
            } else {
                "http://"
            };
            let host = concat(Value::Exact(scheme.to_owned()), &host.as_value());
            Val::value(concat(host, &path))
        });
        let object = url.and_then(|url| match &url.kind {
            Kind::Object("request", held) => Some(held.clone()),
            Kind::Map(_) => None,
            _ => Some(vec![url.clone()]),
        });
        let data_in_request = object.as_ref().is_some_and(|held| held.len() > 1);
        let url = object
            .and_then(|held| held.into_iter().next())
            .or_else(|| option.cloned())
            .or(parts)
            .unwrap_or_else(|| Val::opaque("url"));
        let target = url.as_value();
        let known = match &target {
            Value::Exact(text) | Value::Prefix(text, _) => text.clone(),
            _ => String::new(),
        };
        let mut attributes: Vec<&'static str> = if known.is_empty() {
            Vec::new()
        } else {
            url::classify(&known).attributes
        };
        let method = method
            .or_else(|| args.option(&["method", "type"]))
            .and_then(Val::exact)
            .unwrap_or("")
            .to_ascii_uppercase();
        let writes = sends || matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
        let body = args.option(&[
            "data", "json", "files", "body", "content", "form", "params", "headers",
        ]);
        let carries = writes
            || data_in_request
            || args
                .option(&["data", "json", "files", "body", "content", "form"])
                .is_some();
        if writes {
            attributes.push("method_write");
        }
        if args.option(&["files"]).is_some() {
            attributes.push("upload");
        }
        let insecure = args.option(&["verify", "rejectUnauthorized", "ssl"]).is_some_and(|value| matches!(&value.kind, Kind::Name(name) if matches!(name.as_str(), "False" | "false")));
        if insecure {
            attributes.push("tls_off");
        }
        let origin = args
            .origin()
            .join(url.origin.clone())
            .join(body.map_or(Origin::Code, origin_of));
        let flows = origin_attributes(&origin);
        let sends_data = carries || !flows.is_empty();
        attributes.extend(flows);
        if matches!(origin, Origin::Environment) {
            self.act(
                ActionKind::CredentialRead,
                None,
                TargetRole::Name,
                vec!["environment"],
                span,
            );
        }
        if attributes.contains(&"file_scheme") {
            let path = url::classify(&known).path;
            self.act(
                ActionKind::FsRead,
                Some(Value::Exact(path)),
                TargetRole::Path,
                vec![],
                span,
            );
        }
        let kind = if sends_data {
            ActionKind::NetSend
        } else {
            ActionKind::NetFetch
        };
        self.act(
            kind,
            Some(target.clone()),
            TargetRole::Url,
            attributes,
            span,
        );
        Val {
            kind: Kind::Object("response", Vec::new()),
            origin: Origin::Downloaded(target),
        }
    }

    fn connect(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let named = args.option(&["PeerAddr", "PeerHost", "host", "hostname", "address"]);
        let port = args.option(&["PeerPort", "port"]);
        let target = match (named, args.pos.get(index)) {
            (Some(host), _) => {
                let port = port
                    .map(Val::as_value)
                    .and_then(|port| port.exact().map(str::to_owned));
                match (host.exact(), port) {
                    (Some(host), Some(port)) => Value::Exact(format!("{host}:{port}")),
                    _ => host.as_value(),
                }
            }
            (None, Some(first)) => match host_port(first) {
                // `connect(4444, "host")`
                Some(port) if matches!(first.kind, Kind::Number(_)) => {
                    let host = args
                        .pos
                        .get(index + 1)
                        .and_then(Val::exact)
                        .unwrap_or("127.0.0.1");
                    Value::Exact(format!("{host}:{port}"))
                }
                Some(host) => match args.pos.get(index + 1).map(|port| &port.kind) {
                    Some(Kind::Number(port)) if !host.contains(':') => {
                        Value::Exact(format!("{host}:{port}"))
                    }
                    _ => Value::Exact(host),
                },
                None => first.as_value(),
            },
            (None, None) => Value::Unknown(Why::RunTimeValue(String::from("host"))),
        };
        let mut attributes = Vec::new();
        if let Value::Exact(host) = &target {
            attributes = url::classify(host).attributes;
            attributes.retain(|attribute| *attribute != "plain_http");
        }
        self.act(
            ActionKind::NetFetch,
            Some(target.clone()),
            TargetRole::Host,
            attributes,
            span,
        );
        if let Some(span) = span {
            self.connections.push((target.clone(), span));
        }
        Val {
            kind: Kind::Object("connection", Vec::new()),
            origin: Origin::Downloaded(target),
        }
    }

    /// `getattr`, `send`, `call_user_func`, `do.call`.
    fn reflect(&mut self, name: &str, mut args: Args, span: Option<ByteSpan>) -> Val {
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
                    _ => Val::opaque(""),
                },
            };
        }
        if args.pos.is_empty() {
            return Val::opaque("");
        }
        let function = args.pos.remove(0);
        let function = match function.kind {
            Kind::Text(Value::Exact(name), _) | Kind::Name(name) => name,
            Kind::Text(..) => {
                self.unknown("a function whose name is computed", span);
                return Val::opaque("");
            }
            _ => return Val::opaque(""),
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

    /// Ruby's `Kernel.send(:system, …)`.
    fn attribute_call(&mut self, base: &str, mut args: Args, span: Option<ByteSpan>) -> Val {
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
                Val::opaque("")
            }
        }
    }
}

fn computed() -> Val {
    Val {
        kind: Kind::Computed,
        origin: Origin::RunTime,
    }
}

fn method(on: Val, name: &str) -> Val {
    if let Kind::Method(_, _) = &on.kind {
        // A chain of attributes of something unknown: the last counts.
        return Val {
            kind: Kind::Method(
                Box::new(Val::opaque("").from(on.origin.clone())),
                name.to_owned(),
            ),
            origin: on.origin,
        };
    }
    let origin = on.origin.clone();
    Val {
        kind: Kind::Method(Box::new(on), name.chars().take(MAX_NAME_BYTES).collect()),
        origin,
    }
}

fn is_method_of_maps(name: &str) -> bool {
    matches!(
        name,
        "get"
            | "copy"
            | "items"
            | "keys"
            | "values"
            | "pop"
            | "setdefault"
            | "update"
            | "fetch"
            | "key?"
            | "to_h"
            | "each"
            | "delete"
            | "toObject"
            | "set"
            | "has"
            | "inspect"
            | "to_a"
            | "dig"
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

/// Functions that give the names in a directory, without the directory.
fn lists_names(name: &str) -> bool {
    matches!(
        name,
        "os.listdir" | "fs.readdir" | "fs.readdirSync" | "scandir" | "Dir.children" | "Dir.entries"
    )
}

/// Functions whose result is something else than what stands in the text.
fn is_decoder(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    [
        "b64",
        "base64",
        "decompress",
        "inflate",
        "gunzip",
        "unhex",
        "decrypt",
        "rot13",
        "a85",
        "b85",
        "b32",
        "unzip",
        "unserialize",
        "fromcharcode",
    ]
    .iter()
    .any(|word| last.contains(word))
        || matches!(
            last.as_str(),
            "atob"
                | "unpack"
                | "gzuncompress"
                | "gzinflate"
                | "decode64"
                | "strict_decode64"
                | "mimedecode"
                | "a2b_base64"
                | "a2b_hex"
        )
}

pub(super) fn is_shell(program: &str) -> bool {
    let base = program.rsplit(['/', '\\']).next().unwrap_or(program);
    matches!(
        base.to_ascii_lowercase().as_str(),
        "sh" | "bash"
            | "dash"
            | "zsh"
            | "ksh"
            | "ash"
            | "csh"
            | "tcsh"
            | "fish"
            | "cmd"
            | "cmd.exe"
            | "powershell"
            | "powershell.exe"
            | "pwsh"
    )
}

fn is_one_word(text: &Value) -> bool {
    match text {
        Value::Exact(text) => {
            !text.contains(char::is_whitespace) && !text.contains([';', '|', '&', '$', '`', '>'])
        }
        _ => false,
    }
}

fn flat(values: &[Val]) -> Vec<Value> {
    let mut words = Vec::new();
    for value in values {
        match &value.kind {
            Kind::List(items) => words.extend(items.iter().map(Val::as_value)),
            Kind::Map(_) => {}
            _ => words.push(value.as_value()),
        }
    }
    words
}

fn joined_words(items: &[Val]) -> Value {
    items
        .iter()
        .enumerate()
        .fold(Value::Exact(String::new()), |text, (index, item)| {
            let blank = Value::Exact(if index == 0 {
                String::new()
            } else {
                String::from(" ")
            });
            concat(concat(text, &blank), &item.as_value())
        })
}

fn words_text(values: &[Val]) -> Value {
    joined_words(values)
}

/// What flows into a request, as attributes.
fn origin_attributes(origin: &Origin) -> Vec<&'static str> {
    match origin {
        Origin::Secret | Origin::Environment => vec!["secret"],
        Origin::File => vec!["local_data"],
        _ => Vec::new(),
    }
}

fn mode_attributes(value: &Val) -> Vec<&'static str> {
    let mut attributes = Vec::new();
    let mode = match &value.kind {
        Kind::Number(mode) => *mode,
        Kind::Text(Value::Exact(text), _) => {
            if text.contains("o+w") || text.contains("a+w") || text.contains("a=rwx") {
                attributes.push("world_writable");
            }
            if text.contains("+s") {
                attributes.push("setuid");
            }
            i64::from_str_radix(text, 8).unwrap_or(0)
        }
        _ => 0,
    };
    if mode & 0o002 != 0 && mode <= 0o7777 {
        attributes.push("world_writable");
    }
    if mode & 0o6000 != 0 && mode <= 0o7777 {
        attributes.push("setuid");
    }
    attributes
}

/// `host`, `host:port`, `(host, port)`, a port.
fn host_port(value: &Val) -> Option<String> {
    match &value.kind {
        Kind::Text(Value::Exact(text), _) => {
            Some(text.rsplit("://").next().unwrap_or(text).to_owned())
        }
        Kind::Number(port) => Some(port.to_string()),
        Kind::List(items) => {
            let host = items.first()?.exact()?;
            match items.get(1).map(|port| &port.kind) {
                Some(Kind::Number(port)) => Some(format!("{host}:{port}")),
                _ => Some(host.to_owned()),
            }
        }
        Kind::Object("address", held) => {
            let host = held.iter().find_map(Val::exact)?;
            match held.first().map(|port| &port.kind) {
                Some(Kind::Number(port)) => Some(format!("{host}:{port}")),
                _ => Some(host.to_owned()),
            }
        }
        Kind::Object("host", held) => held.first()?.exact().map(str::to_owned),
        _ => None,
    }
}
