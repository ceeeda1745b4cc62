//! Properties and methods of objects and types, and objects that are made.

use super::Reader;
use super::values::{decoded, end_of, endpoint, flows, is_true, operate};
use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::windows::known;
use crate::actions::code::windows::native::{self, named, path_act};
use crate::actions::code::{Language, TargetRole, What, fold};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

/// A key of the registry below another one.
fn key_below(parts: &[Val]) -> Val {
    let mut out = Value::Exact(String::new());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out = concat(out, &Value::Exact(String::from("\\")));
        }
        out = concat(out, &part.as_value());
    }
    Val::value(out)
}

/// Methods that empty a log of events, whatever object has them.
fn is_clearing(method: &str) -> bool {
    matches!(method, "clearlog" | "cleareventlog")
}

fn event_log() -> Value {
    Value::Exact(String::from("event log"))
}

impl Reader<'_> {
    pub(super) fn property(&mut self, on: Val, name: &str) -> Val {
        let of_object = match &on.kind {
            Kind::Object("instance", _) => true,
            Kind::Name(class) => self.is_class(class),
            Kind::Opaque(who) => who.eq_ignore_ascii_case("this"),
            _ => false,
        };
        if of_object && let Some(value) = self.field(name) {
            return value;
        }
        match &on.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map_or_else(|| Val::opaque(""), |(_, value)| value.clone()),
            Kind::Object("item", held) if matches!(name, "fullname" | "pspath" | "name") => {
                held.first().cloned().unwrap_or_else(|| Val::opaque(name))
            }
            // Where what was typed is kept.
            _ if name == "historysavepath" => Val::text(
                "~/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt",
            ),
            Kind::Name(base) => Val::name(format!("{base}.{name}")),
            Kind::Text(Value::Exact(text), _) if name == "length" => {
                i64::try_from(text.len()).map_or_else(|_| Val::opaque(""), Val::number)
            }
            Kind::Text(Value::Pattern(_) | Value::Prefix(..), _)
                if matches!(name, "fullname" | "name" | "pspath" | "path") =>
            {
                on
            }
            // `$PROFILE.AllUsersAllHosts`: one of the profiles, too.
            Kind::Text(..) if name.ends_with("allhosts") || name.ends_with("currenthost") => on,
            _ => Val::opaque("").from(on.origin),
        }
    }

    pub(super) fn method(&mut self, on: Val, name: &str, args: &[Val], start: usize) -> Val {
        if let Some(value) = self.own_method(&on, name, args, start) {
            return value;
        }
        if let Some(block) = Self::block_of(&on)
            && matches!(name, "invoke" | "invokereturnasis")
        {
            return self.call_with(block, args.to_vec(), start);
        }
        if let Kind::Name(base) = &on.kind {
            let base = base.clone();
            return self.static_method(&base, name, args, start);
        }
        let url = args.first().cloned().unwrap_or_else(|| Val::opaque("url"));
        match (&on.kind, name) {
            (Kind::Object("registry", held), "setvalue" | "deletevalue") => {
                let key = held
                    .first()
                    .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value);
                self.push(native::setting(key), start);
                return Val::opaque("");
            }
            (Kind::Object("registry", held), "opensubkey" | "createsubkey") => {
                let below = held.iter().chain(args.first()).cloned().collect::<Vec<_>>();
                return Val::object("registry", vec![key_below(&below)]);
            }
            (Kind::Object("registry", held), "deletesubkey" | "deletesubkeytree") => {
                let below = held.iter().chain(args.first()).cloned().collect::<Vec<_>>();
                let key = key_below(&below).as_value();
                self.push(native::setting(key), start);
                return Val::opaque("");
            }
            // What reflection found, called.
            (Kind::Object("member", held), "invoke") => {
                let function = held.first().map(|base| &base.kind).cloned();
                let member = held
                    .get(1)
                    .and_then(Val::exact)
                    .map(str::to_ascii_lowercase);
                let given = match args.last().map(|list| &list.kind) {
                    Some(Kind::List(items)) => items.clone(),
                    _ => args.get(1..).unwrap_or_default().to_vec(),
                };
                if let (Some(Kind::Name(base)), Some(member)) = (function, member) {
                    return self.static_method(&base, &member, &given, start);
                }
            }
            (
                Kind::Object("webclient", _),
                "downloadstring"
                | "downloaddata"
                | "openread"
                | "getstringasync"
                | "getasync"
                | "getbytearrayasync"
                | "downloadstringtaskasync",
            ) => {
                return self.fetch(&url, ActionKind::NetFetch, &[], start);
            }
            (
                Kind::Object("webclient", _),
                "downloadfile" | "downloadfileasync" | "downloadfiletaskasync",
            ) => {
                let response = self.fetch(&url, ActionKind::NetFetch, &[], start);
                if let Some(file) = args.get(1) {
                    self.push(
                        path_act(ActionKind::FsWrite, file.as_value(), &["create"]),
                        start,
                    );
                }
                return response;
            }
            (
                Kind::Object("webclient", _),
                "uploadstring" | "uploadfile" | "uploaddata" | "uploadvalues" | "postasync"
                | "putasync",
            ) => {
                let origin = args
                    .iter()
                    .fold(Origin::Code, |origin, arg| origin.join(arg.origin.clone()));
                let mut attributes = vec!["method_write"];
                if name == "uploadfile" {
                    attributes.push("local_data");
                    if let Some(file) = args.last() {
                        self.push(path_act(ActionKind::FsRead, file.as_value(), &[]), start);
                    }
                }
                attributes.extend(flows(&origin));
                return self.fetch(&url, ActionKind::NetSend, &attributes, start);
            }
            (Kind::Object("webrequest", held), _) => {
                let target = held.first().cloned().unwrap_or_else(|| Val::opaque("url"));
                return self.fetch(&target, ActionKind::NetFetch, &[], start);
            }
            (Kind::Object("socket", held), _) => {
                let host = args
                    .first()
                    .or_else(|| held.first())
                    .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value);
                if name == "connect" {
                    let host = endpoint(args);
                    self.connect(host, start);
                } else if name == "getstream" {
                    let host = if held.is_empty() {
                        host
                    } else {
                        endpoint(held)
                    };
                    let mut end = self.at.max(start + 1).min(self.text.len());
                    while !self.text.is_char_boundary(end) {
                        end += 1;
                    }
                    self.socket = ByteSpan::new(start, end).map(|span| (host, span));
                }
                return Val::object("stream", Vec::new());
            }
            (Kind::Object("code" | "block", _), "invoke" | "invokereturnasis") => {
                return self.invoke_value(on, None, start);
            }
            (Kind::Object("shell", _), "run" | "exec" | "shellexecute") => {
                let mut text = args
                    .first()
                    .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value);
                if name == "shellexecute"
                    && let Some(more) = args.get(1)
                {
                    text = concat(text, &Value::Exact(String::from(" ")));
                    text = concat(text, &more.as_value());
                }
                self.push(
                    What::Code {
                        language: Language::Cmd,
                        text,
                        verbatim_at: None,
                    },
                    start,
                );
                return Val::opaque("");
            }
            (Kind::Text(Value::Pattern(_), _), "delete") => {
                self.push(path_act(ActionKind::FsDelete, on.as_value(), &[]), start);
                return Val::opaque("");
            }
            (Kind::Object("item", held), "delete") => {
                let recursive: &[&'static str] = if args.first().is_some_and(is_true) {
                    &["recursive"]
                } else {
                    &[]
                };
                if let Some(path) = held.first() {
                    let path = path.as_value();
                    self.push(path_act(ActionKind::FsDelete, path, recursive), start);
                }
                return Val::opaque("");
            }
            (Kind::Object("files", _), "deletefolder" | "deletefile") => {
                let path = url.as_value();
                let whole: &[&'static str] = if name == "deletefolder" {
                    &["recursive"]
                } else {
                    &[]
                };
                self.push(path_act(ActionKind::FsDelete, path, whole), start);
                return Val::opaque("");
            }
            // `([wmiclass]'Win32_Process').Create('…')`
            (Kind::Object("wmi", _), "create") if !args.is_empty() => {
                let code = What::Code {
                    language: Language::Cmd,
                    text: args[0].as_value(),
                    verbatim_at: args[0].verbatim_at(),
                };
                self.push(code, start);
                return Val::opaque("");
            }
            (Kind::Object("eventlog", held), "clear") => {
                let log = held.first().map_or_else(event_log, Val::as_value);
                self.push(named(ActionKind::SystemLog, log), start);
                return Val::opaque("");
            }
            (Kind::Object("wmi", _), "delete" | "terminate") => {
                self.push(
                    named(
                        ActionKind::SystemConfig,
                        Value::Exact(String::from("management object")),
                    ),
                    start,
                );
                return Val::opaque("");
            }
            _ => {}
        }
        if let Kind::Text(Value::Exact(text), _) = &on.kind {
            let argument = |index: usize| args.get(index).and_then(Val::exact);
            let folded = match name {
                "replace" => match (argument(0), argument(1)) {
                    (Some(from), Some(to))
                        if !from.is_empty()
                            && text.len().saturating_mul(to.len().max(1)) < 1 << 18 =>
                    {
                        Some(Val::text(text.replace(from, to)))
                    }
                    _ => None,
                },
                "tolower" | "tolowerinvariant" => Some(Val::text(text.to_lowercase())),
                "toupper" | "toupperinvariant" => Some(Val::text(text.to_uppercase())),
                "trim" | "tostring" | "trimend" | "trimstart" => Some(Val::text(text.trim())),
                "tochararray" => Some(Val::list(
                    text.chars()
                        .take(4096)
                        .map(|character| Val::text(character.to_string()))
                        .collect(),
                )),
                "split" => argument(0).map(|separator| {
                    Val::list(
                        text.split(|character| separator.contains(character))
                            .take(4096)
                            .map(Val::text)
                            .collect(),
                    )
                }),
                "substring" => Some(fold::slice(&on, &[args.first().cloned(), end_of(args)])),
                "insert" => None,
                _ => None,
            };
            if let Some(value) = folded {
                return value;
            }
        }
        if is_clearing(name) {
            let log = args.first().map_or_else(event_log, Val::as_value);
            self.push(named(ActionKind::SystemLog, log), start);
            return Val::opaque("");
        }
        if name == "invokescript" {
            if let Some(code) = args.first() {
                let code = code.clone();
                self.invoke(&code, start);
            }
            return Val::opaque("");
        }
        let origin = args.iter().fold(on.origin.clone(), |origin, arg| {
            origin.join(arg.origin.clone())
        });
        Val::opaque("").from(origin)
    }

    fn static_method(&mut self, base: &str, name: &str, args: &[Val], start: usize) -> Val {
        let value = |index: usize| {
            args.get(index)
                .map_or_else(|| Value::Unknown(Why::Expansion), Val::as_value)
        };
        let short = base.strip_prefix("system.").unwrap_or(base);
        match (short, name) {
            ("io.file", "delete") => {
                self.push(path_act(ActionKind::FsDelete, value(0), &[]), start)
            }
            ("io.directory", "delete") => {
                let attributes: &[&'static str] = if args.get(1).is_some_and(is_true) {
                    &["recursive"]
                } else {
                    &[]
                };
                self.push(path_act(ActionKind::FsDelete, value(0), attributes), start);
            }
            (
                "io.file",
                "writealltext" | "writeallbytes" | "writealllines" | "create" | "openwrite",
            ) => {
                self.push(
                    path_act(ActionKind::FsWrite, value(0), &["truncate"]),
                    start,
                );
                self.pour(value(0), args.get(1), start);
            }
            ("io.file", "appendalltext" | "appendalllines") => {
                self.push(path_act(ActionKind::FsWrite, value(0), &["append"]), start);
                self.pour(value(0), args.get(1), start);
            }
            ("io.file" | "io.directory", "move") => {
                self.push(path_act(ActionKind::FsWrite, value(0), &[]), start);
                self.push(path_act(ActionKind::FsWrite, value(1), &[]), start);
                let (from, to) = (value(0), value(1));
                self.push(What::Copy { from, to }, start);
            }
            ("io.file", "copy") => {
                self.push(path_act(ActionKind::FsRead, value(0), &[]), start);
                self.push(path_act(ActionKind::FsWrite, value(1), &[]), start);
                let (from, to) = (value(0), value(1));
                self.push(What::Copy { from, to }, start);
            }
            ("io.directory", "setcurrentdirectory") => {
                let (to, back) = (value(0), false);
                self.push(What::Enter { to, back }, start);
            }
            ("io.compression.zipfile", "extracttodirectory") => {
                self.push(path_act(ActionKind::FsRead, value(0), &[]), start);
                self.push(
                    path_act(ActionKind::FsWrite, value(1), &["unpacked"]),
                    start,
                );
            }
            ("io.directory", "createdirectory") => {
                self.push(path_act(ActionKind::FsWrite, value(0), &["create"]), start)
            }
            ("io.file", "readalltext" | "readallbytes" | "readalllines" | "openread") => {
                self.push(path_act(ActionKind::FsRead, value(0), &[]), start);
                return Val::opaque("").from(Origin::File(value(0)));
            }
            ("io.directory", "getfiles" | "getdirectories" | "enumeratefiles") => {
                let pattern = concat(
                    concat(value(0), &Value::Exact(String::from("\\"))),
                    &Value::Pattern(String::from("*")),
                );
                return Val::value(pattern);
            }
            ("io.path", "combine") => {
                return Val::value(args.iter().skip(1).fold(value(0), |path, part| {
                    concat(
                        concat(path, &Value::Exact(String::from("\\"))),
                        &part.as_value(),
                    )
                }));
            }
            ("environment", "getenvironmentvariables") => {
                self.push(
                    What::Act {
                        kind: ActionKind::CredentialRead,
                        target: Some(Value::Exact(String::from("environment"))),
                        role: TargetRole::Name,
                        attributes: vec!["environment"],
                    },
                    start,
                );
                return Val::opaque("").from(Origin::Environment);
            }
            ("io.path", "gettemppath") => return Val::text("~\\AppData\\Local\\Temp"),
            ("convert", "frombase64string") => {
                return match args.first().and_then(Val::exact) {
                    Some(text) => Val::object("bytes", vec![Val::text(text)]),
                    None => Val::opaque("").from(Origin::Decoded),
                };
            }
            (
                "text.encoding.utf8"
                | "text.encoding.ascii"
                | "text.encoding.unicode"
                | "text.encoding.default"
                | "text.encoding.utf7",
                "getstring",
            ) => {
                return decoded(args.first(), short.ends_with("unicode"));
            }
            ("convert", "toint32" | "toint16" | "tobyte" | "tochar") => {
                let radix = args.get(1).and_then(|radix| match radix.kind {
                    Kind::Number(radix) => u32::try_from(radix)
                        .ok()
                        .filter(|radix| (2..=36).contains(radix)),
                    _ => None,
                });
                let number = args
                    .first()
                    .and_then(Val::exact)
                    .and_then(|text| i64::from_str_radix(text, radix.unwrap_or(10)).ok());
                return number.map_or_else(|| Val::opaque(""), Val::number);
            }
            ("string", "join") => {
                return args
                    .get(1)
                    .map_or_else(|| Val::opaque(""), |list| operate(list, "join", &args[..1]));
            }
            ("string", "concat") => {
                return operate(&Val::list(args.to_vec()), "join", &[Val::text("")]);
            }
            ("string", "format") => {
                return args.first().map_or_else(
                    || Val::opaque(""),
                    |format| operate(format, "f", args.get(1..).unwrap_or(&[])),
                );
            }
            ("regex", "unescape" | "escape") => {
                return args.first().cloned().unwrap_or_else(|| Val::opaque(""));
            }
            ("array", "reverse") => return Val::opaque(""),
            ("scriptblock", "create") => return Val::object("code", args.to_vec()),
            ("powershell", "create") => return Val::object("shell", Vec::new()),
            ("diagnostics.process", "start") => {
                let mut words = vec![value(0)];
                words.extend(
                    args.get(1)
                        .and_then(Val::exact)
                        .into_iter()
                        .flat_map(str::split_whitespace)
                        .map(|word| Value::Exact(word.to_owned())),
                );
                self.program(words, start);
            }
            ("activator", "createinstance") => {
                return self.object(
                    value(0).exact().unwrap_or("").to_owned().as_str(),
                    args.get(1..).unwrap_or(&[]),
                    start,
                );
            }
            ("reflection.assembly", "load" | "loadfile" | "loadfrom" | "unsafeloadfrom")
                if matches!(
                    args.first().map(|code| &code.origin),
                    Some(Origin::Downloaded(_))
                ) =>
            {
                if let Some(Origin::Downloaded(url)) = args.first().map(|code| code.origin.clone())
                {
                    self.remote_code(url, start);
                }
            }
            ("reflection.assembly", "load" | "loadfile" | "loadfrom" | "unsafeloadfrom")
            | ("runtime.interopservices.marshal", _) => self.push(
                What::Unknown {
                    reason: String::from("compiled code is loaded"),
                },
                start,
            ),
            ("reflection.assembly", _) => {}
            (_, name) if is_clearing(name) => {
                let log = args.first().map_or_else(event_log, Val::as_value);
                self.push(named(ActionKind::SystemLog, log), start);
            }
            ("environment", "setenvironmentvariable") if args.len() == 2 => {
                self.set_variable(known(&value(0)), &value(1), start);
            }
            ("environment", "setenvironmentvariable") if args.len() > 2 => {
                // As `setx` does.
                let setx = Value::Exact(String::from("setx"));
                self.program(vec![setx, value(0), value(1)], start);
            }
            ("environment", "getenvironmentvariable") => {
                let variable = value(0);
                return self.lookup(&format!("env:{}", known(&variable)));
            }
            ("environment", "getfolderpath") => return Val::text("~"),
            (_, "getmethod") if !base.is_empty() => {
                let mut held = vec![Val::name(base)];
                held.extend(args.first().cloned());
                return Val::object("member", held);
            }
            (_, "invokemember") => {
                let member = args
                    .first()
                    .and_then(Val::exact)
                    .map(str::to_ascii_lowercase);
                let given = match args.last().map(|list| &list.kind) {
                    Some(Kind::List(items)) => items.clone(),
                    _ => Vec::new(),
                };
                if let Some(member) = member.filter(|member| member != "invokemember") {
                    return self.static_method(base, &member, &given, start);
                }
            }
            (
                "microsoft.win32.registry.currentuser"
                | "microsoft.win32.registry.localmachine"
                | "microsoft.win32.registry.users",
                "opensubkey" | "createsubkey" | "deletesubkey" | "deletesubkeytree",
            ) => {
                let hive = match short.rsplit('.').next() {
                    Some("currentuser") => "HKCU:",
                    Some("localmachine") => "HKLM:",
                    _ => "HKU:",
                };
                let hive = Val::object("registry", vec![Val::text(hive)]);
                return self.method(hive, name, args, start);
            }
            ("microsoft.win32.registry", "setvalue") => {
                self.push(native::setting(value(0)), start);
            }
            ("diagnostics.eventlog", "delete" | "deleteeventsource") => {
                self.push(named(ActionKind::SystemLog, value(0)), start)
            }
            ("net.dns", "gethostentry" | "gethostaddresses" | "resolve") => {
                self.connect(value(0), start)
            }
            ("net.webrequest", "create" | "createhttp") | ("net.http.httpclient", _) => {
                return Val::object("webrequest", args.to_vec());
            }
            (base, "new") => return self.object(base, args, start),
            _ => {}
        }
        let origin = args.iter().fold(Origin::RunTime, |origin, arg| {
            origin.join(arg.origin.clone())
        });
        Val::opaque("").from(origin)
    }

    fn connect(&mut self, host: Value, start: usize) {
        let attributes = url::classify(known(&host))
            .attributes
            .into_iter()
            .filter(|attribute| *attribute != "plain_http")
            .collect();
        self.push(
            What::Act {
                kind: ActionKind::NetFetch,
                target: Some(host),
                role: TargetRole::Host,
                attributes,
            },
            start,
        );
    }

    pub(super) fn fetch(
        &mut self,
        target: &Val,
        kind: ActionKind,
        more: &[&'static str],
        start: usize,
    ) -> Val {
        let value = target.as_value();
        let mut attributes = if known(&value).is_empty() {
            Vec::new()
        } else {
            url::classify(known(&value)).attributes
        };
        attributes.extend_from_slice(more);
        attributes.extend(flows(&target.origin));
        attributes.sort_unstable();
        attributes.dedup();
        let kind = if attributes.contains(&"secret") || attributes.contains(&"local_data") {
            ActionKind::NetSend
        } else {
            kind
        };
        self.push(
            What::Act {
                kind,
                target: Some(value.clone()),
                role: TargetRole::Url,
                attributes,
            },
            start,
        );
        Val {
            kind: Kind::Opaque(String::from("response")),
            origin: Origin::Downloaded(value),
        }
    }

    pub(super) fn object(&mut self, name: &str, args: &[Val], start: usize) -> Val {
        let lower = name.to_ascii_lowercase();
        let short = lower.strip_prefix("system.").unwrap_or(&lower);
        match short {
            "net.webclient" | "net.http.httpclient" => Val::object("webclient", Vec::new()),
            "net.sockets.tcpclient"
            | "net.sockets.udpclient"
            | "net.sockets.socket"
            | "net.websockets.clientwebsocket" => {
                if !args.is_empty() && short != "net.sockets.socket" {
                    let host = endpoint(args);
                    self.connect(host, start);
                }
                Val::object("socket", args.to_vec())
            }
            "net.sockets.tcplistener" | "net.httplistener" => {
                self.push(
                    What::Act {
                        kind: ActionKind::NetListen,
                        target: None,
                        role: TargetRole::Host,
                        attributes: Vec::new(),
                    },
                    start,
                );
                Val::opaque("")
            }
            "diagnostics.process" | "diagnostics.processstartinfo" => {
                self.runs = true;
                if let Some(program) = args.first() {
                    self.program(vec![program.as_value()], start);
                }
                Val::object("process", Vec::new())
            }
            "wscript.shell" | "shell.application" | "shell.users" => {
                Val::object("shell", Vec::new())
            }
            "diagnostics.eventlog" => Val::object("eventlog", args.to_vec()),
            "io.directoryinfo" | "io.fileinfo" => Val::object("item", args.to_vec()),
            "scripting.filesystemobject" => Val::object("files", Vec::new()),
            "msxml2.xmlhttp" | "winhttp.winhttprequest.5.1" | "internetexplorer.application" => {
                Val::object("webclient", Vec::new())
            }
            _ => Val::opaque(name),
        }
    }
}
