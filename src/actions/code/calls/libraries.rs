//! Libraries whose calls stand for something else: for a program, a statement of SQL, another function, stored objects.

use super::{flat, origin_attributes};
use crate::actions::code::sinks::{self, Does};
use crate::actions::code::value::{Kind, Origin, Val};
use crate::actions::code::walk::{Args, Walker};
use crate::actions::code::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// Clients whose attributes lead to no other object: what is called of them is what is done.
pub(super) const FLAT: [&str; 3] = ["docker", "git", "cloud"];

impl Walker<'_> {
    /// A function of a library that is something else under another name; `None` when it is none of them.
    pub(super) fn stands_for(
        &mut self,
        name: &str,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Option<Val> {
        match name {
            "pip.main"
            | "pip._internal.main"
            | "pip._internal.cli.main.main"
            | "pip._internal.cli.main" => {
                let mut words = vec![Value::Exact(String::from("pip"))];
                words.extend(flat(&args.pos));
                self.argv(words, span);
            }
            "docker.from_env"
            | "docker.DockerClient"
            | "docker.APIClient"
            | "docker.Client"
            | "dockerode"
            | "podman.PodmanClient" => {
                return Some(Val::object("docker", Vec::new()));
            }
            "git.Repo"
            | "git.Repo.init"
            | "git.cmd.Git"
            | "git.Git"
            | "simple-git"
            | "simple-git.simpleGit"
            | "simple-git.default" => {
                return Some(Val::object("git", Vec::new()));
            }
            // Every process that there is, one after the other.
            "psutil.process_iter" => {
                let process = Val::object("process of the system", Vec::new());
                return Some(Val::list(vec![process]));
            }
            "psutil.Process" => {
                return Some(Val::object("process of the system", args.pos.clone()));
            }
            "fileinput.input" | "fileinput.FileInput" => {
                let (kind, attributes) = if args.option(&["inplace"]).is_some_and(Val::is_true) {
                    (ActionKind::FsWrite, vec!["truncate"])
                } else {
                    (ActionKind::FsRead, vec![])
                };
                let file = args.pos.first().or_else(|| args.option(&["files"]));
                for file in flat(file.map(std::slice::from_ref).unwrap_or_default()) {
                    self.act(kind, Some(file), TargetRole::Path, attributes.clone(), span);
                }
            }
            // What goes into a file that was opened.
            "fwrite" | "fputs" | "fs.writeSync" | "fs.write" | "os.write" => {
                if let Some(Kind::Object("file", held)) = args.pos.first().map(|file| &file.kind)
                    && let Some(file) = held.first().cloned()
                {
                    self.pour(&file, args.pos.get(1), span);
                }
            }
            "vars" if self.language == Language::Python => return args.pos.first().cloned(),
            "extract" if self.language == Language::Php => {
                if let Some(Kind::Map(entries)) = args.pos.first().map(|map| map.kind.clone()) {
                    for (name, value) in entries.into_iter().take(64) {
                        self.bind(&name, value);
                    }
                }
            }
            "Reflect.apply" | "Reflect.construct" => {
                let mut pos = args.pos.iter();
                let function = pos.next()?.clone();
                let pos = match pos.next_back().map(|list| &list.kind) {
                    Some(Kind::List(items)) => items.clone(),
                    _ => Vec::new(),
                };
                let named = Vec::new();
                return Some(self.call(function, Args { pos, named }, self.chain));
            }
            "operator.attrgetter" | "operator.methodcaller" => {
                let of = if name.ends_with("methodcaller") {
                    "methodcaller"
                } else {
                    "attrgetter"
                };
                return Some(Val::object(of, args.pos.clone()));
            }
            "functools.partial" | "functools.partialmethod" => {
                let mut held = args.pos.clone();
                if held.len() + args.named.len() < 2 {
                    return held.pop();
                }
                held.push(super::super::walk::map(args.named.clone()));
                return Some(Val::object("partial", held));
            }
            "Object.const_get"
            | "Kernel.const_get"
            | "Module.const_get"
            | "Object.qualified_const_get"
                if self.language == Language::Ruby =>
            {
                let name = args.pos.first()?.exact()?;
                return Some(Val::name(name.replace("::", ".")));
            }
            "ReflectionFunction" | "Closure.fromCallable" if self.language == Language::Php => {
                return Some(Val::name(args.pos.first()?.exact()?));
            }
            _ => {
                return self
                    .stored(name, args, span)
                    .or_else(|| self.sql_statement(name, args, span));
            }
        }
        Some(Val::opaque(""))
    }

    /// A method of something that a library made, which is something else under another name.
    pub(super) fn method_stands_for(
        &mut self,
        on: &Val,
        name: &str,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Option<Val> {
        match &on.kind {
            Kind::Object("docker", _) => return Some(self.container(on, name, args, span)),
            Kind::Object("git", _) => return Some(self.git(on, name, args, span)),
            Kind::Object("process of the system", held)
                if matches!(name, "kill" | "terminate" | "suspend" | "send_signal") =>
            {
                let one = held.first().map(Val::as_value);
                // Code that chooses among them says so.
                let chooses = self.counts("if") || self.counts("filter");
                let attributes = if one.is_some() || chooses {
                    vec![]
                } else {
                    vec!["all"]
                };
                self.act(
                    ActionKind::ProcessKill,
                    one,
                    TargetRole::Name,
                    attributes,
                    span,
                );
                return Some(Val::opaque(""));
            }
            Kind::Object("fabric", held) if matches!(name, "run" | "sudo" | "local") => {
                let host = held
                    .first()
                    .map_or_else(|| Value::Exact(String::from("host")), Val::as_value);
                let words = ["ssh"].map(|word| Value::Exact(word.to_owned()));
                let mut words = words.to_vec();
                words.push(host);
                words.extend(args.pos.first().map(Val::as_value));
                self.argv(words, span);
                return Some(Val::opaque(""));
            }
            // What is written to a request that was made goes where it was made for.
            Kind::Object("response", _) if matches!(name, "end" | "write" | "send") => {
                let attributes = origin_attributes(&args.origin());
                if let Origin::Downloaded(target) = &on.origin
                    && !attributes.is_empty()
                {
                    let target = Some(target.clone());
                    let (kind, role) = (ActionKind::NetSend, TargetRole::Url);
                    self.act(kind, target, role, attributes, span);
                    return Some(Val::opaque(""));
                }
            }
            // The function that makes functions out of text.
            Kind::Function(_) | Kind::Method(..) | Kind::Text(..) | Kind::List(_)
                if name == "constructor" && self.language == Language::JavaScript =>
            {
                let code = args
                    .pos
                    .last()
                    .filter(|code| matches!(code.kind, Kind::Text(..)));
                if code.is_some() {
                    return Some(self.eval(Language::JavaScript, code, "?.constructor", span));
                }
            }
            _ => {}
        }
        let made = matches!(on.kind, Kind::Object(..));
        let erased = (!made).then(|| self.erased(name, args, span)).flatten();
        erased.or_else(|| self.sql_statement(name, args, span))
    }

    /// What a value that a library made of functions does when it is called itself.
    pub(super) fn made_call(
        &mut self,
        of: &str,
        held: Vec<Val>,
        args: Args,
        begin: usize,
    ) -> Option<Val> {
        let mut held = held.into_iter();
        match of {
            "attrgetter" => {
                let name = held.next()?.exact()?.to_owned();
                let mut on = args.pos.into_iter().next()?;
                for part in name.split('.').take(8) {
                    on = self.attribute(on, part);
                }
                Some(on)
            }
            "methodcaller" => {
                let name = held.next()?.exact()?.to_owned();
                let on = args.pos.into_iter().next()?;
                let function = self.attribute(on, &name);
                let (pos, named) = (held.collect(), Vec::new());
                Some(self.call(function, Args { pos, named }, begin))
            }
            "partial" => {
                let function = held.next()?;
                let mut pos: Vec<Val> = held.collect();
                let mut named = match pos.pop().map(|named| named.kind) {
                    Some(Kind::Map(entries)) => entries,
                    _ => Vec::new(),
                };
                pos.extend(args.pos);
                named.extend(args.named);
                Some(self.call(function, Args { pos, named }, begin))
            }
            _ => None,
        }
    }

    /// Containers, as the words of `docker`.
    fn container(&mut self, on: &Val, name: &str, args: &Args, span: Option<ByteSpan>) -> Val {
        let runs = matches!(
            name,
            "run" | "create" | "create_container" | "createContainer" | "create_host_config"
        );
        if !runs {
            return on.clone();
        }
        let mut words: Vec<Value> = ["docker", "run"]
            .map(|word| Value::Exact(word.to_owned()))
            .into();
        let mut options: Vec<(&str, &Val)> = args
            .named
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let mut image = args
            .pos
            .first()
            .filter(|image| !matches!(image.kind, Kind::Map(_)));
        let maps = args.pos.iter().filter_map(|value| match &value.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        });
        for entries in maps {
            for (name, value) in entries {
                match &value.kind {
                    Kind::Map(inner) => {
                        options.extend(inner.iter().map(|(name, value)| (name.as_str(), value)));
                    }
                    _ => options.push((name, value)),
                }
            }
        }
        for (name, value) in options {
            match name {
                "image" | "Image" => image = Some(value),
                "privileged" | "Privileged" if value.is_true() => {
                    words.push(Value::Exact(String::from("--privileged")));
                }
                "pid_mode" | "PidMode" | "network_mode" | "NetworkMode" | "userns_mode" => {
                    let option = if name.to_ascii_lowercase().starts_with("pid") {
                        "--pid"
                    } else if name.to_ascii_lowercase().starts_with("user") {
                        "--userns"
                    } else {
                        "--network"
                    };
                    words.push(Value::Exact(option.to_owned()));
                    words.push(value.as_value());
                }
                "volumes" | "Binds" | "binds" | "mounts" => {
                    for volume in volumes(value) {
                        words.push(Value::Exact(String::from("-v")));
                        words.push(volume);
                    }
                }
                _ => {}
            }
        }
        words.push(image.map_or_else(|| Value::Exact(String::from("image")), Val::as_value));
        self.argv(words, span);
        on.clone()
    }

    /// Version control, as the words of `git`.
    fn git(&mut self, on: &Val, name: &str, args: &Args, span: Option<ByteSpan>) -> Val {
        if name == "git" {
            return on.clone();
        }
        let mut words = vec![Value::Exact(String::from("git"))];
        if !matches!(name, "raw" | "execute") {
            words.push(Value::Exact(name.replace('_', "-")));
        }
        words.extend(flat(&args.pos));
        for (option, value) in &args.named {
            let dashes = if option.len() == 1 { "-" } else { "--" };
            let option = format!("{dashes}{}", option.replace('_', "-"));
            match value.exact() {
                Some(text) => words.push(Value::Exact(format!("{option}={text}"))),
                None if value.is_true() => words.push(Value::Exact(option)),
                None => {}
            }
        }
        // `{'--force': null}`
        let maps = args.pos.iter().filter_map(|value| match &value.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        });
        for entries in maps {
            let flags = entries.iter().filter(|(name, _)| name.starts_with('-'));
            words.extend(flags.map(|(name, _)| Value::Exact(name.clone())));
        }
        self.argv(words, span);
        on.clone()
    }

    /// A statement of SQL that a client of whatever database is given.
    fn sql_statement(&mut self, name: &str, args: &Args, span: Option<ByteSpan>) -> Option<Val> {
        let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        let takes = [
            "query",
            "exec",
            "sql",
            "statement",
            "raw",
            "unsafe",
            "prepare",
            "batch",
            "command",
        ];
        let named = takes.iter().any(|part| last.contains(part))
            || matches!(
                last.as_str(),
                "run" | "all" | "do" | "perform" | "select_all" | "each"
            );
        // `pattern.exec(text)` looks for something.
        if !named || (last == "exec" && self.language == Language::Python) {
            return None;
        }
        let given = args.pos.iter().take(3);
        let text = given.clone().find(|text| is_statement(text)).or_else(|| {
            args.option(&["sql", "text", "statement", "query"])
                .filter(|text| is_statement(text))
        })?;
        let what = What::Code {
            language: Language::Sql,
            text: text.as_value(),
            verbatim_at: text.verbatim_at(),
        };
        self.push(what, span);
        Some(Val::object("cursor", Vec::new()))
    }

    /// Rows and tables that a mapper of objects removes without saying which.
    fn erased(&mut self, name: &str, args: &Args, span: Option<ByteSpan>) -> Option<Val> {
        let text = self.text_of(span);
        let chosen = [
            "where", "filter", "find", "first", "limit", "only", "get(", "by_", "pk=",
        ]
        .iter()
        .any(|part| text.contains(part));
        let bare = args.pos.is_empty() && args.named.is_empty();
        let (kind, attribute) = match (self.language, name) {
            (Language::Python, "delete") if text.contains(".objects") && !chosen => {
                (ActionKind::DbDelete, "no_where")
            }
            (Language::Python, "delete") if text.contains(".query(") && !chosen => {
                (ActionKind::DbDelete, "no_where")
            }
            (Language::Php, "delete" | "forceDelete")
                if (text.contains("table(") || text.contains("query()")) && !chosen =>
            {
                (ActionKind::DbDelete, "no_where")
            }
            (Language::Php, "truncate") => (ActionKind::DbDrop, "all"),
            (Language::Php, "drop" | "dropIfExists" | "dropAllTables" | "dropDatabaseIfExists")
                if text.contains("Schema") =>
            {
                (ActionKind::DbDrop, "all")
            }
            (Language::JavaScript, "del") if bare && !chosen => (ActionKind::DbDelete, "no_where"),
            (Language::JavaScript, "destroy")
                if args.option(&["truncate"]).is_some_and(Val::is_true)
                    || args.option(&["where"]).is_some_and(
                        |rows| matches!(&rows.kind, Kind::Map(entries) if entries.is_empty()),
                    ) =>
            {
                (ActionKind::DbDelete, "no_where")
            }
            (Language::JavaScript, "truncate") if bare => (ActionKind::DbDrop, "all"),
            (
                Language::JavaScript,
                "dropTable" | "dropTableIfExists" | "dropSchema" | "dropAllSchemas"
                | "dropAllTables",
            ) => (ActionKind::DbDrop, "all"),
            (Language::Ruby, "drop_table" | "drop_join_table") => (ActionKind::DbDrop, "all"),
            _ => return None,
        };
        let named = args.pos.first().and_then(Val::exact);
        let target = named.filter(|_| kind == ActionKind::DbDrop);
        let target = target.unwrap_or("rows of a model").to_owned();
        let role = TargetRole::Name;
        self.act(
            kind,
            Some(Value::Exact(target)),
            role,
            vec![attribute],
            span,
        );
        Some(Val::opaque("rows"))
    }

    /// Objects that are stored with the code that makes them.
    fn stored(&mut self, name: &str, args: &Args, span: Option<ByteSpan>) -> Option<Val> {
        let loads = match self.language {
            Language::Python => matches!(
                name,
                "pickle.load"
                    | "pickle.loads"
                    | "pickle.Unpickler"
                    | "_pickle.loads"
                    | "_pickle.load"
                    | "cPickle.load"
                    | "cPickle.loads"
                    | "dill.load"
                    | "dill.loads"
                    | "cloudpickle.load"
                    | "cloudpickle.loads"
                    | "joblib.load"
                    | "torch.load"
                    | "jsonpickle.decode"
                    | "pandas.read_pickle"
                    | "yaml.unsafe_load"
                    | "yaml.full_load"
                    | "shelve.open"
            ),
            Language::Ruby => matches!(name, "Marshal.load" | "YAML.unsafe_load"),
            Language::Php => name == "unserialize",
            Language::JavaScript => name == "node-serialize.unserialize",
            Language::Perl => matches!(name, "Storable.retrieve" | "Storable.thaw"),
            _ => false,
        };
        let from = args.pos.first().filter(|_| loads)?;
        match &from.origin {
            Origin::Downloaded(url) => {
                let url = url.clone();
                self.runs_download(url, span);
            }
            Origin::Decoded => self.unknown(super::super::DECODED_CODE, span),
            _ => match &from.kind {
                Kind::Object("file", held) => {
                    let path = held.first().cloned();
                    self.path_act(ActionKind::ExecLocal, path.as_ref(), vec![], span);
                }
                Kind::Text(..)
                    if matches!(name, "joblib.load" | "torch.load" | "pandas.read_pickle") =>
                {
                    self.path_act(ActionKind::ExecLocal, Some(from), vec![], span);
                }
                _ => {}
            },
        }
        Some(Val::opaque("object").from(args.origin()))
    }

    /// The function among the arguments that PHP's functions call, by its name, and what it is called with.
    pub(super) fn callback_by_name(&mut self, args: &Args, span: Option<ByteSpan>) -> Option<Val> {
        let acts = |value: &Val| match value
            .exact()
            .and_then(|name| sinks::find(self.language, name))
        {
            Some(does @ (Does::Shell(_) | Does::Eval(_) | Does::Act(..) | Does::RunFile(_))) => {
                Some((value.exact().unwrap_or_default().to_owned(), does))
            }
            _ => None,
        };
        let (at, (name, does)) = args
            .pos
            .iter()
            .take(4)
            .enumerate()
            .find_map(|(at, value)| Some((at, acts(value)?)))?;
        let others = args
            .pos
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at);
        let values: Vec<Val> = others
            .flat_map(|(_, value)| match &value.kind {
                Kind::List(items) => items.clone(),
                _ => vec![value.clone()],
            })
            .take(16)
            .collect();
        for value in values {
            let given = Args {
                pos: vec![value],
                named: Vec::new(),
            };
            self.apply(&name, does, None, given, span);
        }
        Some(Val::opaque(""))
    }
}

/// What is put into a container: `{"/": {…}}`, `["/:/h"]`.
fn volumes(value: &Val) -> Vec<Value> {
    match &value.kind {
        Kind::Map(entries) => entries
            .iter()
            .map(|(from, _)| Value::Exact(format!("{from}:/mnt")))
            .collect(),
        Kind::List(items) => items.iter().map(Val::as_value).collect(),
        _ => Vec::new(),
    }
}

/// Whether a text begins as a statement that changes a database does.
fn is_statement(text: &Val) -> bool {
    let head = match &text.kind {
        Kind::Text(Value::Exact(text) | Value::Prefix(text, _), _) => text.as_str(),
        Kind::Object("sql", held) => return held.first().is_some_and(is_statement),
        _ => return false,
    };
    let mut words = head.split_whitespace();
    let first = words.next().unwrap_or("").to_ascii_lowercase();
    let second = words.next().unwrap_or("").to_ascii_lowercase();
    match first.trim_start_matches('(') {
        "drop" | "alter" | "create" => matches!(
            second.as_str(),
            "table"
                | "database"
                | "schema"
                | "user"
                | "role"
                | "view"
                | "index"
                | "materialized"
                | "function"
                | "trigger"
                | "sequence"
                | "extension"
                | "type"
                | "tablespace"
                | "keyspace"
                | "or"
                | "temporary"
                | "temp"
                | "unique"
        ),
        "delete" => second == "from",
        "insert" | "replace" => second == "into",
        "grant" | "revoke" | "truncate" | "update" | "copy" | "exec" | "call" | "with" | "set" => {
            !second.is_empty()
        }
        _ => false,
    }
}
