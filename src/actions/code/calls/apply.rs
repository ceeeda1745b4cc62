//! What a function that is known does.

use super::files::{is_address, mode_attributes};
use super::network::host_port;
use super::run::words_text;
use super::{canonical, computed, flat, listed_paths, lists_names, origin_attributes};
use crate::actions::code::sinks::{At, Does};
use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::walk::{Args, Walker, at_run_time};
use crate::actions::code::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

impl Walker<'_> {
    pub(super) fn apply(
        &mut self,
        name: &str,
        does: Does,
        this: Option<Val>,
        args: Args,
        span: Option<ByteSpan>,
    ) -> Val {
        match does {
            Does::Act(kind, at, role, attributes) => {
                let given =
                    self.apply_act(name, kind, at, role, attributes, this.as_ref(), &args, span);
                match kind {
                    ActionKind::CredentialRead => given.from(Origin::Secret),
                    _ => given,
                }
            }
            Does::Copy => self.transfer(ActionKind::FsRead, &args, span),
            Does::Move => self.transfer(ActionKind::FsDelete, &args, span),
            Does::Shell(index) => {
                let value = args
                    .pos
                    .get(index)
                    .or_else(|| args.option(&["command", "cmd", "args"]));
                self.run_there(&args, span, |walker| walker.shell_of(value, span))
            }
            Does::ShellOrWords(from) => self.run_there(&args, span, |walker| {
                walker.shell_or_words(from, &args, span)
            }),
            Does::Run => self.run_there(&args, span, |walker| walker.run(&args, span)),
            Does::Spawn => self.run_there(&args, span, |walker| walker.spawn(&args, span)),
            Does::Words(from) => {
                let words = flat(args.pos.get(from..).unwrap_or(&[]));
                self.run_there(&args, span, |walker| {
                    walker.argv(words, span);
                    Val::opaque("")
                })
            }
            Does::Exec(from) => self.exec(from, &args, span),
            Does::Eval(index) => {
                let code = args.pos.get(index).or_else(|| args.pos.last());
                self.eval(self.language, code, name, span)
            }
            Does::Foreign(language, index) => self.foreign(language, index, this, &args, span),
            Does::Open(path, mode) => self.open(name, this, path, mode, &args, span),
            Does::OpenOrPipe => self.open_or_pipe(&args, span),
            Does::Request(index) => self.download(name, index, &args, span),
            Does::Send(index) => self.request(name, args.pos.get(index), None, true, &args, span),
            Does::Http(method, url) => {
                let (url, method) = (args.pos.get(url), args.pos.get(method));
                self.request(name, url, method, false, &args, span)
            }
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
            Does::Write => self.write_out(&args, span),
            Does::Upload(index) => self.upload(index, &args, span),
            Does::Body(index) => self.body(index, &args, span),
            Does::Unpack(index) => self.unpack(index, &args, span),
            Does::Link => self.link(this.as_ref(), &args, span),
            Does::Mongo(method) => {
                if let Some((kind, attributes)) = crate::actions::code::mongo::effect(method, &args)
                {
                    self.act(kind, None, TargetRole::Name, attributes, span);
                }
                Val::opaque("rows")
            }
            Does::Import => {
                if let Some(module) = args.pos.first().and_then(Val::exact) {
                    self.loads(module);
                }
                imported(name, &args)
            }
            Does::Attribute => self.reflect(name, args, span),
            Does::Environment(index) => self.one_variable(index, &args, span),
            Does::SetVariable(index) => {
                self.set_variables(index, &args, span);
                Val::opaque("")
            }
            Does::Show => {
                self.print(&args, span);
                if matches!(args.origin(), Origin::Environment) {
                    self.reads_environment(span);
                }
                Val::opaque("")
            }
            Does::Enter(index) => {
                if let Some(to) = args.pos.get(index).map(Val::as_value) {
                    // A block that may be given is where it ends; then the code is back.
                    let certain = self.certain;
                    let for_good = name != "contextlib.chdir" && self.language != Language::Ruby;
                    self.certain &= for_good;
                    self.push(What::Enter { to, back: false }, span);
                    self.certain = certain;
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
            // `new Worker(code, {eval: true})`
            Does::RunFile(index) if args.option(&["eval"]).is_some_and(Val::is_true) => {
                self.eval(self.language, args.pos.get(index), name, span)
            }
            Does::RunFile(index) => self.run_file(args.pos.get(index), &args, span),
        }
    }

    /// Runs a program in the folder that an option names (`cwd=` of Python, `{cwd: …}` of JavaScript, `chdir:` of Ruby),
    /// with the variables that another one gives.
    fn run_there(
        &mut self,
        args: &Args,
        span: Option<ByteSpan>,
        run: impl FnOnce(&mut Self) -> Val,
    ) -> Val {
        if let Some(Kind::Map(variables)) = args.option(&["env"]).map(|given| &given.kind) {
            self.set_each(variables, span);
        }
        let Some(to) = args.option(&["cwd", "chdir"]).map(Val::as_value) else {
            return run(self);
        };
        self.push(What::Enter { to, back: true }, span);
        let answer = run(self);
        self.push(What::Leave, span);
        answer
    }

    /// From the first path to the second; `kind` is what happens to the first.
    fn transfer(&mut self, kind: ActionKind, args: &Args, span: Option<ByteSpan>) -> Val {
        let from = args.pos.first();
        let address = from
            .and_then(Val::exact)
            .is_some_and(|from| from.contains("://"));
        if address && kind == ActionKind::FsRead {
            // `copy(URL, FILE)` of PHP.
            self.request("copy", from, None, false, &Args::default(), span);
        } else {
            self.path_act(kind, from, vec![], span);
        }
        let to = args.pos.get(1);
        self.path_act(ActionKind::FsWrite, to, vec![], span);
        if let (Some(from), Some(to)) = (from, to) {
            let (from, to) = (from.as_value(), to.as_value());
            self.push(What::Copy { from, to }, span);
        }
        Val::opaque("")
    }

    /// A program, and its argv from that argument on, whose first word is another name for the program.
    fn exec(&mut self, from: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let mut words = flat(args.pos.get(from - 1..from).unwrap_or(&[]));
        let argv = flat(args.pos.get(from..).unwrap_or(&[]));
        words.extend(argv.into_iter().skip(1));
        self.argv(words, span);
        Val::opaque("")
    }

    /// An argument that is code of another language.
    fn foreign(
        &mut self,
        language: Language,
        index: usize,
        this: Option<Val>,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
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

    /// A request whose answer some functions store in the file that they are given next.
    fn download(&mut self, name: &str, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let stores = ["urlretrieve", "getstore", "mirror"]
            .iter()
            .any(|ending| name.ends_with(ending));
        let answer = self.request(name, args.pos.get(index), None, false, args, span);
        if stores && let Some(file) = args.pos.get(index + 1) {
            self.path_act(ActionKind::FsWrite, Some(file), vec!["create"], span);
        }
        answer
    }

    /// What is written to a connection.
    fn write_out(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
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

    /// What a request that was made before is given to send.
    fn body(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let flows = args.pos.get(index).map(super::origin_of);
        let attributes = origin_attributes(&flows.unwrap_or(Origin::Code));
        if let Some(Origin::Downloaded(target)) = args.pos.first().map(|made| made.origin.clone())
            && !attributes.is_empty()
        {
            let target = Some(target);
            self.act(
                ActionKind::NetSend,
                target,
                TargetRole::Url,
                attributes,
                span,
            );
        }
        Val::opaque("")
    }

    /// What an archive holds comes to lie below a folder.
    fn unpack(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let folder = args
            .pos
            .get(index)
            .or_else(|| args.option(&["path", "extract_dir", "cwd", "dir"]));
        let below = match folder.map(Val::as_value) {
            Some(Value::Exact(folder)) => format!("{}/", folder.trim_end_matches('/')),
            Some(_) => return Val::opaque(""),
            None => String::from("./"),
        };
        let below = Value::Prefix(below, Why::RunTimeValue(String::from("archive")));
        let (kind, role) = (ActionKind::FsWrite, TargetRole::Path);
        self.act(kind, Some(below), role, vec!["unpacked"], span);
        Val::opaque("")
    }

    /// A link, made as `ln` makes it.
    fn link(&mut self, this: Option<&Val>, args: &Args, span: Option<ByteSpan>) -> Val {
        let (from, to) = match this {
            Some(this) => (args.pos.first(), Some(this)),
            None => (args.pos.first(), args.pos.get(1)),
        };
        let (Some(from), Some(to)) = (from, to) else {
            return Val::opaque("");
        };
        let words = vec![
            Value::Exact(String::from("ln")),
            Value::Exact(String::from("-s")),
            from.as_value(),
            to.as_value(),
        ];
        self.argv(words, span);
        Val::opaque("")
    }

    /// A file that a client takes along by its name.
    pub(super) fn upload(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let file = args
            .option(&[
                "path_or_fileobj",
                "folder_path",
                "file_path",
                "local_path",
                "localpath",
                "file_name",
                "filename",
                "Filename",
                "file",
                "document",
                "path",
            ])
            .or_else(|| args.pos.get(index));
        let Some(file) = file.filter(|file| matches!(file.kind, Kind::Text(..))) else {
            return self.write_out(args, span);
        };
        self.path_act(ActionKind::FsRead, Some(file), vec![], span);
        let host = self.connections.last().map(|(host, _)| host.clone());
        let role = TargetRole::Host;
        self.act(ActionKind::NetSend, host, role, vec!["local_data"], span);
        Val::opaque("")
    }

    /// One variable of the environment, or all of them.
    fn one_variable(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        match args.pos.get(index).and_then(Val::exact) {
            Some(variable) => {
                let variable = variable.to_owned();
                self.environment(&variable, span)
            }
            None if args.pos.is_empty() => Val::opaque("").from(Origin::Environment),
            None => Val::opaque(""),
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
        if kind == ActionKind::FsWrite {
            self.fetched_here(args.origin(), span);
        }
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
                    all.push(match self.language {
                        Language::Perl => self.lookup("$_"),
                        _ => Val::opaque("_"),
                    });
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
                if is_address(&target) && role == TargetRole::Path && kind == ActionKind::FsRead {
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
                    } else if let Some(listed) = listed_paths(name, &target) {
                        listed
                    } else {
                        self.contents(&target)
                    };
                }
                self.act(kind, Some(value), role, attributes.clone(), span);
                let pours = kind == ActionKind::FsWrite
                    && attributes
                        .iter()
                        .any(|how| matches!(*how, "truncate" | "append"));
                if pours {
                    let text = match at {
                        At::Arg(0) => args.pos.get(1),
                        _ => args.pos.first(),
                    };
                    let text = text.or_else(|| args.option(&["data", "content", "text"]));
                    self.pour(&target, text, span);
                    if name == "fs.createWriteStream" {
                        result = Val::object("file", vec![target.clone()]);
                    }
                } else if matches!(name, "path.rename" | "path.replace")
                    && let Some(from) = this
                {
                    let (from, to) = (from.as_value(), target.as_value());
                    self.push(What::Copy { from, to }, span);
                }
            }
        }
        result
    }

    /// What is printed to a file that was opened: `print(x, file=f)` of Python, `print F x` of Perl, which says the name
    /// of its file nowhere else.
    fn print(&mut self, args: &Args, span: Option<ByteSpan>) {
        let file = match args.option(&["file"]).map(|file| &file.kind) {
            Some(Kind::Object("file", held)) => held.first().cloned(),
            _ if self.to_handle => self.opened.clone(),
            _ => None,
        };
        self.to_handle = false;
        if let Some(file) = file {
            return self.pour(&file, args.pos.last(), span);
        }
        let verbatim_at = match args.pos.as_slice() {
            [one] => one.verbatim_at(),
            _ => None,
        };
        let text = words_text(&args.pos);
        self.push(What::Print { text, verbatim_at }, span);
    }

    /// Text that goes into a file, as far as it is known.
    pub(super) fn pour(&mut self, file: &Val, text: Option<&Val>, span: Option<ByteSpan>) {
        let Some(text) = text else {
            return;
        };
        if let (Origin::File(from), None) = (&text.origin, text.exact()) {
            let (from, to) = (from.clone(), file.as_value());
            return self.push(What::Copy { from, to }, span);
        }
        let verbatim_at = text.verbatim_at();
        let text = match &text.kind {
            Kind::List(items) => operate_lines(items),
            _ => text.as_value(),
        };
        if !matches!(text, Value::Unknown(_)) {
            let file = file.as_value();
            self.push(
                What::Pour {
                    file,
                    text,
                    verbatim_at,
                },
                span,
            );
        }
    }

    /// What reading a path gives: the names in a directory, or contents.
    fn contents(&mut self, path: &Val) -> Val {
        Val::opaque("contents")
            .from(Origin::File(path.as_value()))
            .from(path.origin.clone())
    }

    /// What was fetched before is what a file gets here: said once more, where the file is named.
    pub(super) fn fetched_here(&mut self, origin: Origin, span: Option<ByteSpan>) {
        let Origin::Downloaded(url) = origin else {
            return;
        };
        if !matches!(&url, Value::Exact(url) if url.contains("://")) {
            return;
        }
        let attributes = url
            .exact()
            .map(|url| crate::actions::url::classify(url).attributes);
        let (kind, role) = (ActionKind::NetFetch, TargetRole::Url);
        self.act(kind, Some(url), role, attributes.unwrap_or_default(), span);
    }

    pub(super) fn path_act(
        &mut self,
        kind: ActionKind,
        path: Option<&Val>,
        attributes: Vec<&'static str>,
        span: Option<ByteSpan>,
    ) {
        let value = path.map_or_else(|| at_run_time("argument"), Val::as_value);
        self.act(kind, Some(value), TargetRole::Path, attributes, span);
    }
}

/// Lines that are written one after the other.
fn operate_lines(items: &[Val]) -> Value {
    let lines = items.iter().map(Val::as_value);
    lines.fold(Value::Exact(String::new()), |text, line| {
        concat(text, &line)
    })
}

/// The library that a call loads.
fn imported(name: &str, args: &Args) -> Val {
    match args.pos.first().and_then(Val::exact) {
        // `__import__('a.b')` gives `a`.
        Some(module) if name.ends_with("__import__") => {
            Val::name(canonical(module.split('.').next().unwrap_or(module)))
        }
        Some(module) => Val::name(canonical(module)),
        None => computed(),
    }
}
