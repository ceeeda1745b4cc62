//! What cmdlets do: one room for each kind of them.

use super::values::{flat, flows};
use super::{Reader, Words};
use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::windows::cmdlets::Does;
use crate::actions::code::windows::native::{self, named, path_act};
use crate::actions::code::windows::{globbed, known};
use crate::actions::code::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::{Value, Why};

impl Reader<'_> {
    pub(super) fn cmdlet(
        &mut self,
        name: &str,
        does: Does,
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) -> Val {
        if words.switch("whatif") && !matches!(does, Does::Nothing | Does::Pass) {
            return Val::opaque("");
        }
        match does {
            Does::Nothing => match name {
                "get-item" | "get-process" | "get-service" => {
                    subject(words, input).unwrap_or_else(|| Val::opaque(EVERYTHING))
                }
                "set-location" | "push-location" | "pop-location" => {
                    self.moves(name, words, input, start);
                    Val::opaque("")
                }
                _ => Val::opaque(""),
            },
            Does::Pass => {
                if matches!(name, "foreach-object" | "where-object") {
                    self.applied(words, start);
                }
                self.pass(name, words, input, start)
            }
            Does::Path(kind, attributes) => {
                self.on_paths(name, kind, attributes, words, input, start);
                Val::opaque("")
            }
            Does::Name(kind) => {
                if matches!(name, "invoke-cimmethod" | "invoke-wmimethod") {
                    self.process_create(words, start);
                }
                self.on_name(name, kind, words, input, start)
            }
            Does::Read => self.read(words, input, start),
            Does::List if name == "get-item" => self.item(words, start),
            Does::List => self.list(words, start),
            Does::Copy => self.transfer(ActionKind::FsRead, words, input, start),
            Does::Move => self.transfer(ActionKind::FsWrite, words, input, start),
            Does::Request => self.request(name, words, input, start),
            Does::Invoke => {
                let code = words
                    .given(&["command"], 0)
                    .cloned()
                    .or_else(|| input.cloned())
                    .unwrap_or_else(|| Val::opaque(""));
                self.invoke(&code, start);
                Val::opaque("")
            }
            Does::Command => self.invoke_command(words, start),
            Does::Start => self.start_process(words, start),
            Does::Object => {
                let kind = words
                    .given(&["typename", "comobject"], 0)
                    .and_then(Val::exact)
                    .unwrap_or("")
                    .to_owned();
                let rest: Vec<Val> = words
                    .given(&["argumentlist"], 1)
                    .map(flat)
                    .unwrap_or_default();
                let class = kind.to_ascii_lowercase();
                if self.is_class(&class)
                    && let Some(object) = self.own_method(&Val::name(class), "new", &rest, start)
                {
                    return object;
                }
                self.object(&kind, &rest, start)
            }
            Does::Property => self.item_property(name, words, input, start),
            Does::Type => self.add_type(words, start),
            Does::Query => {
                if let Some(query) = words.given(&["query", "q"], 0) {
                    let what = What::Code {
                        language: Language::Sql,
                        text: query.as_value(),
                        verbatim_at: None,
                    };
                    self.push(what, start);
                }
                Val::opaque("rows")
            }
        }
    }

    /// A cmdlet whose output is its input, or a part of it.
    fn pass(&mut self, name: &str, words: &Words, input: Option<&Val>, start: usize) -> Val {
        match name {
            "join-path" => {
                let base = words
                    .given(&["path"], 0)
                    .cloned()
                    .unwrap_or_else(|| Val::opaque(""));
                let child = words
                    .value(&["childpath"])
                    .or_else(|| words.values.last())
                    .cloned()
                    .unwrap_or_else(|| Val::opaque(""));
                Val::value(concat(
                    concat(base.as_value(), &Value::Exact(String::from("\\"))),
                    &child.as_value(),
                ))
            }
            "foreach-object" => {
                let by_name = words.given(&["membername"], 0);
                match (by_name.and_then(Val::exact), input) {
                    (Some(method), Some(input)) if method.eq_ignore_ascii_case("delete") => {
                        self.push(path_act(ActionKind::FsDelete, input.as_value(), &[]), start);
                        Val::opaque("")
                    }
                    _ => words
                        .values
                        .first()
                        .filter(|value| matches!(value.kind, Kind::Text(..)))
                        .cloned()
                        .unwrap_or_else(|| input.cloned().unwrap_or_else(|| Val::opaque(""))),
                }
            }
            // What fits a condition is not everything any more.
            "where-object" if matches!(input.map(|input| &input.kind), Some(Kind::Opaque(who)) if who == EVERYTHING) => {
                Val::opaque("")
            }
            "write-output" | "out-string" => {
                subject(words, input).unwrap_or_else(|| Val::opaque(""))
            }
            _ => input
                .cloned()
                .or_else(|| words.values.first().cloned())
                .unwrap_or_else(|| Val::opaque("")),
        }
    }

    /// A cmdlet that does one thing to what it names.
    fn on_name(
        &mut self,
        name: &str,
        kind: ActionKind,
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) -> Val {
        let target = subject(words, input).map(|value| value.as_value());
        let everything =
            matches!(&target, Some(Value::Unknown(Why::RunTimeValue(who))) if who == EVERYTHING);
        let target = match (name, target) {
            (name, Some(Value::Unknown(_)) | None) => Value::Exact(name.to_owned()),
            (_, Some(target)) => target,
        };
        if name == "set-executionpolicy"
            && words
                .value(&["scope"])
                .and_then(Val::exact)
                .is_some_and(|scope| scope.eq_ignore_ascii_case("process"))
        {
            return Val::opaque("");
        }
        // Without these the machine ends.
        let vital = target.exact().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            let name = name.strip_suffix(".exe").unwrap_or(&name);
            [
                "lsass", "csrss", "wininit", "winlogon", "services", "smss", "svchost",
            ]
            .contains(&name)
        });
        let everything = everything || vital || target.exact() == Some("*");
        if kind == ActionKind::ProcessKill && everything {
            self.push(
                What::Act {
                    kind,
                    target: Some(Value::Exact(String::from("every process"))),
                    role: TargetRole::Name,
                    attributes: vec!["all"],
                },
                start,
            );
            return Val::opaque("");
        }
        let target = match name {
            "set-executionpolicy" | "disable-computerrestore" => {
                Value::Exact(format!("{name} {}", known(&target)))
            }
            _ => target,
        };
        let attributes: Vec<&'static str> = match kind {
            // What they name is gone with all that is in it.
            ActionKind::CloudDelete => vec!["protected"],
            ActionKind::PersistStartup => vec!["service"],
            ActionKind::MessageSend => self.attached(words, start),
            _ => Vec::new(),
        };
        if kind == ActionKind::PackageInstall
            && let Some(source) = words.value(&["repository", "source", "proxy"])
            && source.exact().is_some_and(|source| source.contains("://"))
        {
            self.push(
                What::Act {
                    kind,
                    target: Some(source.as_value()),
                    role: TargetRole::Name,
                    attributes: vec!["from_url"],
                },
                start,
            );
        }
        self.push(
            What::Act {
                kind,
                target: Some(target),
                role: TargetRole::Name,
                attributes,
            },
            start,
        );
        Val::opaque("")
    }

    /// What goes along with a message.
    fn attached(&mut self, words: &Words, start: usize) -> Vec<&'static str> {
        let mut attributes = Vec::new();
        for file in words.value(&["attachments"]).map(flat).unwrap_or_default() {
            self.push(path_act(ActionKind::FsRead, file.as_value(), &[]), start);
            attributes.push("local_data");
        }
        if let Some(body) = words.value(&["body", "message"]) {
            attributes.extend(flows(&body.origin));
        }
        attributes.sort_unstable();
        attributes.dedup();
        attributes
    }

    /// Files whose contents it gives.
    fn read(&mut self, words: &Words, input: Option<&Val>, start: usize) -> Val {
        let value = subject(words, input).unwrap_or_else(|| Val::opaque("path"));
        for path in flat(&value) {
            let variable = path
                .exact()
                .and_then(|path| path.get(..4))
                .is_some_and(|drive| drive.eq_ignore_ascii_case("env:"));
            if !variable {
                self.push(path_act(ActionKind::FsRead, path.as_value(), &[]), start);
            }
        }
        Val::opaque("contents").from(Origin::File(value.as_value()))
    }

    /// From one path to another; `kind` is what happens to the first.
    fn transfer(
        &mut self,
        kind: ActionKind,
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) -> Val {
        let from = words
            .given(&["path", "literalpath"], 0)
            .cloned()
            .or_else(|| input.cloned());
        let position = if words.value(&["path", "literalpath"]).is_some()
            || (words.values.len() < 2 && input.is_some())
        {
            0
        } else {
            1
        };
        let to = words
            .given(&["destination", "destinationpath", "newname"], position)
            .cloned();
        let moved = from.as_ref().zip(to.as_ref());
        let moved = moved.map(|(from, to)| (from.as_value(), to.as_value()));
        if let Some(from) = from {
            let whole = kind == ActionKind::FsRead
                && (words.switch("recurse") || words.value(&["destinationpath"]).is_some());
            let attributes: &[&'static str] = if whole { &["recursive"] } else { &[] };
            self.push(path_act(kind, from.as_value(), attributes), start);
        }
        if let Some(to) = to {
            self.push(path_act(ActionKind::FsWrite, to.as_value(), &[]), start);
        }
        if let Some((from, to)) = moved {
            self.push(What::Copy { from, to }, start);
        }
        Val::opaque("")
    }

    /// `Invoke-CimMethod Win32_Process -MethodName Create`: a command line is run.
    fn process_create(&mut self, words: &Words, start: usize) {
        let map = |value: &&Val| matches!(value.kind, Kind::Map(_));
        let given = words
            .value(&["arguments", "argumentlist"])
            .or_else(|| words.values.iter().find(map));
        let Some(given) = given else {
            return;
        };
        let line = match &given.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case("commandline"))
                .map(|(_, line)| line.as_value()),
            _ => Some(given.as_value()),
        };
        if let Some(text) = line {
            let what = What::Code {
                language: Language::Cmd,
                text,
                verbatim_at: None,
            };
            self.push(what, start);
        }
    }

    /// `Invoke-Command`: a block or a file, here or on another machine.
    fn invoke_command(&mut self, words: &Words, start: usize) -> Val {
        if let Some(host) = words.value(&["computername", "cn", "session", "vmname", "hostname"]) {
            let host = host.as_value();
            self.push(
                What::Act {
                    kind: ActionKind::ExecElsewhere,
                    target: Some(host),
                    role: TargetRole::Host,
                    attributes: Vec::new(),
                },
                start,
            );
        }
        if let Some(file) = words.value(&["filepath"]) {
            let file = file.as_value();
            self.push(path_act(ActionKind::ExecLocal, file, &[]), start);
        }
        let block = words.value(&["scriptblock"]).or_else(|| {
            words
                .values
                .iter()
                .find(|value| matches!(value.kind, Kind::Object("code", _)))
        });
        let given = words.value(&["scriptblock"]).or_else(|| {
            let mut values = words.values.iter();
            values.find(|value| Self::block_of(value).is_some())
        });
        if let Some(id) = given.and_then(Self::block_of)
            && let Some(list) = words.value(&["argumentlist", "args"])
        {
            let values = flat(list);
            self.call_with(id, values, start);
        }
        if let Some(code) = block
            .filter(|value| !matches!(value.kind, Kind::Object("block", _)))
            .cloned()
        {
            self.invoke(&code, start);
        }
        Val::opaque("")
    }

    /// `Start-Process`: a program with its arguments in one text or in several.
    fn start_process(&mut self, words: &Words, start: usize) -> Val {
        let program = words
            .given(&["filepath", "path"], 0)
            .cloned()
            .unwrap_or_else(|| Val::opaque("program"));
        if words
            .value(&["verb"])
            .and_then(Val::exact)
            .is_some_and(|verb| verb.eq_ignore_ascii_case("runas"))
        {
            self.push(named(ActionKind::ExecPrivileged, program.as_value()), start);
        }
        let mut argv = vec![program.as_value()];
        if let Some(arguments) = words.given(&["argumentlist", "args"], 1) {
            for argument in flat(arguments) {
                match argument.exact() {
                    Some(text) => argv.extend(
                        text.split_whitespace()
                            .map(|word| Value::Exact(word.to_owned())),
                    ),
                    None => argv.push(argument.as_value()),
                }
            }
        }
        if program
            .exact()
            .is_some_and(|program| program.contains("://"))
        {
            let target = program.as_value();
            self.push(
                What::Act {
                    kind: ActionKind::BrowserAct,
                    target: Some(target),
                    role: TargetRole::Url,
                    attributes: Vec::new(),
                },
                start,
            );
        } else {
            self.program(argv, start);
        }
        Val::opaque("")
    }

    /// A property of a file or of a key in the registry.
    fn item_property(
        &mut self,
        name: &str,
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) -> Val {
        let key = words
            .given(&["path", "literalpath"], 0)
            .cloned()
            .or_else(|| input.cloned())
            .unwrap_or_else(|| Val::opaque(""));
        let value = key.as_value();
        let path = known(&value).to_ascii_lowercase();
        let registry = path.starts_with("hk") || path.starts_with("registry::");
        if !registry && !path.is_empty() && !matches!(value, Value::Unknown(_)) {
            self.push(path_act(ActionKind::FsPermission, value, &[]), start);
        } else {
            let setting = if name.starts_with("remove") {
                named(ActionKind::SystemConfig, value)
            } else {
                native::setting(value)
            };
            self.push(setting, start);
        }
        Val::opaque("")
    }

    /// `Add-Type`: code that is compiled and loaded.
    fn add_type(&mut self, words: &Words, start: usize) -> Val {
        let source = words.given(
            &["typedefinition", "memberdefinition", "path", "literalpath"],
            0,
        );
        if let Some(Origin::Downloaded(url)) = source.map(|source| &source.origin) {
            let url = url.clone();
            self.remote_code(url, start);
            return Val::opaque("");
        }
        if source.is_some() && words.value(&["assemblyname"]).is_none() {
            self.push(
                What::Unknown {
                    reason: String::from("compiled code is loaded"),
                },
                start,
            );
        }
        Val::opaque("")
    }

    /// Moves to another folder, or back to one.
    fn moves(&mut self, name: &str, words: &Words, input: Option<&Val>, start: usize) {
        if name == "pop-location" {
            return self.push(What::Leave, start);
        }
        let given = words.given(&["path", "literalpath", "lp", "pspath"], 0);
        let to = match given.or(input).map(Val::as_value) {
            // `cd -` and `cd +`: some folder that the script was in before.
            Some(Value::Exact(to)) if matches!(to.as_str(), "-" | "+") => {
                Value::Unknown(Why::RunTimeValue(to))
            }
            Some(to) => to,
            None => return,
        };
        let back = name == "push-location";
        self.push(What::Enter { to, back }, start);
    }

    fn on_paths(
        &mut self,
        name: &str,
        kind: ActionKind,
        attributes: &[&'static str],
        words: &Words,
        input: Option<&Val>,
        start: usize,
    ) {
        let mut attributes = attributes.to_vec();
        if kind == ActionKind::FsDelete {
            if words.switch("recurse") {
                attributes.push("recursive");
            }
            if words.switch("force") {
                attributes.push("force");
            }
        }
        if kind == ActionKind::FsWrite && words.switch("append") {
            attributes = vec!["append"];
        }
        let writes = matches!(
            name,
            "set-content"
                | "add-content"
                | "out-file"
                | "export-csv"
                | "export-clixml"
                | "tee-object"
                | "start-transcript"
                | "new-item"
                | "set-item"
                | "set-acl"
        );
        let given = words
            .given(&["path", "literalpath", "filepath", "lp", "pspath"], 0)
            .cloned();
        let given = match given {
            Some(given) => Some(given),
            None if writes => words.value(&["name"]).cloned(),
            None => input.cloned(),
        };
        let given = given.unwrap_or_else(|| Val::opaque("path"));
        if kind == ActionKind::ExecLocal
            && let Origin::Downloaded(url) = &given.origin
        {
            let url = url.clone();
            return self.remote_code(url, start);
        }
        for path in flat(&given) {
            let value = path.as_value();
            let lower = known(&value).to_ascii_lowercase();
            let drive = lower.split(':').next().unwrap_or("");
            if lower.contains(':')
                && matches!(
                    drive,
                    "hklm"
                        | "hkcu"
                        | "hkcr"
                        | "hku"
                        | "hkcc"
                        | "registry"
                        | "cert"
                        | "env"
                        | "wsman"
                        | "microsoft.powershell.core\\registry"
                )
            {
                if drive == "env" && kind != ActionKind::FsDelete {
                    continue;
                }
                let setting = if kind == ActionKind::FsDelete {
                    What::Act {
                        kind: ActionKind::SystemConfig,
                        target: Some(value),
                        role: TargetRole::Name,
                        attributes: if lower.ends_with('*') || attributes.contains(&"recursive") {
                            vec!["delete", "recursive"]
                        } else {
                            vec!["delete"]
                        },
                    }
                } else {
                    native::setting(value)
                };
                self.push(setting, start);
            } else if lower.contains(':') && matches!(drive, "alias" | "function" | "variable") {
            } else {
                let text = match name {
                    "set-content" | "add-content" | "new-item" => {
                        words.given(&["value"], 1).or(input)
                    }
                    "out-file" | "tee-object" => words.value(&["inputobject"]).or(input),
                    _ => None,
                };
                self.push(path_act(kind, value.clone(), &attributes), start);
                self.pour(value, text, start);
            }
        }
    }

    /// Text that goes into a file, as far as it is known.
    pub(super) fn pour(&mut self, file: Value, text: Option<&Val>, start: usize) {
        let lines = text.map(flat).unwrap_or_default();
        let mut out = Value::Exact(String::new());
        for line in &lines {
            out = concat(
                concat(out, &line.as_value()),
                &Value::Exact(String::from("\n")),
            );
        }
        if !lines.is_empty() && !matches!(out, Value::Unknown(_)) {
            let verbatim_at = None;
            self.push(
                What::Pour {
                    file,
                    text: out,
                    verbatim_at,
                },
                start,
            );
        }
    }

    /// `Get-Item`: the file or folder itself.
    fn item(&mut self, words: &Words, start: usize) -> Val {
        let path = words.given(&["path", "literalpath"], 0).cloned();
        match path.filter(|path| {
            path.exact()
                .is_some_and(|path| !path.contains(':') || path.get(1..2) == Some(":"))
        }) {
            Some(path) => {
                self.push(path_act(ActionKind::FsRead, path.as_value(), &[]), start);
                Val::object("item", vec![path])
            }
            None => self.list(words, start),
        }
    }

    pub(super) fn list(&mut self, words: &Words, start: usize) -> Val {
        let path = words
            .given(&["path", "literalpath"], 0)
            .cloned()
            .unwrap_or_else(|| Val::text("."));
        let value = path.as_value();
        let lower = known(&value).to_ascii_lowercase();
        if lower.starts_with("env:") {
            self.push(
                What::Act {
                    kind: ActionKind::CredentialRead,
                    target: None,
                    role: TargetRole::Name,
                    attributes: vec!["environment"],
                },
                start,
            );
            return Val::opaque("").from(Origin::Environment);
        }
        if lower.contains(':')
            && (lower.starts_with("hk")
                || lower.starts_with("cert")
                || lower.starts_with("registry"))
        {
            return path;
        }
        self.push(path_act(ActionKind::FsRead, value.clone(), &[]), start);
        let filter = words
            .given(&["filter", "include"], 1)
            .and_then(Val::exact)
            .unwrap_or("*")
            .to_owned();
        let listed = match value {
            Value::Exact(text) if !text.contains(['*', '?']) => {
                let separator = if text.ends_with(['\\', '/']) {
                    ""
                } else if text.contains('/') {
                    "/"
                } else {
                    "\\"
                };
                let deep = match (words.switch("recurse"), separator) {
                    (false, _) => "",
                    (true, "/") => "**/",
                    (true, _) if text.ends_with('/') => "**/",
                    (true, _) => "**\\",
                };
                Value::Pattern(format!("{text}{separator}{deep}{filter}"))
            }
            other => globbed(other),
        };
        Val::value(listed)
    }

    fn request(&mut self, name: &str, words: &Words, input: Option<&Val>, start: usize) -> Val {
        let target = words
            .given(&["uri", "source", "url"], 0)
            .cloned()
            .or_else(|| input.cloned())
            .unwrap_or_else(|| Val::opaque("url"));
        let method = words
            .value(&["method", "custommethod"])
            .and_then(Val::exact)
            .unwrap_or("")
            .to_ascii_lowercase();
        let mut attributes = Vec::new();
        let writes = matches!(method.as_str(), "post" | "put" | "patch" | "delete");
        if writes {
            attributes.push("method_write");
        }
        if words.switch("skipcertificatecheck") {
            attributes.push("tls_off");
        }
        // What comes through the pipe is the body of a request whose address is given.
        let named = words.given(&["uri", "source", "url"], 0).is_some();
        let piped = input.filter(|_| named && writes);
        // `-Body {$_}` is what comes through the pipe, too.
        let body = words
            .value(&["body", "form"])
            .filter(|body| {
                !matches!(body.kind, Kind::Object("block" | "code", _)) || piped.is_none()
            })
            .or(piped);
        if let Some(body) = body {
            attributes.extend(flows(&body.origin));
        }
        if let Some(file) = words.value(&["infile"]) {
            let file = file.as_value();
            self.push(path_act(ActionKind::FsRead, file, &[]), start);
            attributes.push("local_data");
            attributes.push("upload");
        }
        let kind = if writes || body.is_some() || words.value(&["infile"]).is_some() {
            ActionKind::NetSend
        } else {
            ActionKind::NetFetch
        };
        let response = self.fetch(&target, kind, &attributes, start);
        let second = words.values.get(1).filter(|_| name == "start-bitstransfer");
        if let Some(file) = words.value(&["outfile", "destination"]).or(second) {
            let file = file.as_value();
            self.push(path_act(ActionKind::FsWrite, file, &["create"]), start);
        }
        response
    }
}

/// What a cmdlet gives that lists and is told no name.
const EVERYTHING: &str = "everything of that kind";

/// What a cmdlet is about: what it is given by name, by position, or through the pipe.
fn subject(words: &Words, input: Option<&Val>) -> Option<Val> {
    const NAMES: [&str; 14] = [
        "path",
        "literalpath",
        "filepath",
        "lp",
        "name",
        "uri",
        "inputobject",
        "id",
        "driveletter",
        "number",
        "destinationpath",
        "taskname",
        "identity",
        "logname",
    ];
    words
        .value(&NAMES)
        .or_else(|| words.values.first())
        .cloned()
        .or_else(|| input.cloned())
}
