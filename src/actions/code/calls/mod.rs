//! What calls do: names resolved to the table of sinks, arguments to targets, and values that calls give.
//!
//! Rooms: `dispatch` tells which call it is, `libraries` knows those whose calls stand for something else, `apply` looks a function up in the table of sinks, `run`, `files`, `network`, `cloud` and
//! `reflect` say what those do.

mod apply;
mod cloud;
mod dispatch;
mod files;
mod libraries;
mod network;
mod reflect;
mod run;

use super::value::{Kind, Origin, Val};
use super::walk::Walker;
use super::{Language, TargetRole, What, fold, sinks};
use crate::actions::kinds::ActionKind;
use crate::actions::place::last_component;
use crate::shell::command::Value;
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

/// The environment in another form: `ENV.to_h`, and what is made of that.
fn is_whole_environment(name: &str) -> bool {
    ENVIRONMENTS.iter().any(|environment| {
        name.strip_prefix(environment)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split('.').next())
            .is_some_and(|form| {
                matches!(
                    form,
                    "to_h" | "to_a" | "inspect" | "map" | "each" | "items" | "copy"
                )
            })
    })
}

/// The worst origin of a value, with names that stand for the environment.
pub(super) fn origin_of(value: &Val) -> Origin {
    match &value.kind {
        Kind::Name(name) if is_environment(name) || is_whole_environment(name) => {
            Origin::Environment
        }
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
        "stat.S_IRWXU" | "fs.constants.S_IRWXU" => Val::number(0o700),
        "stat.S_IRWXG" | "fs.constants.S_IRWXG" => Val::number(0o070),
        "stat.S_IRWXO" | "fs.constants.S_IRWXO" => Val::number(0o007),
        "stat.S_IWOTH" | "fs.constants.S_IWOTH" => Val::number(0o002),
        "stat.S_ISUID" => Val::number(0o4000),
        "stat.S_ISGID" => Val::number(0o2000),
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
    pub(super) fn attribute(&mut self, on: Val, name: &str) -> Val {
        let of_object = match &on.kind {
            Kind::Instance(_) | Kind::Class(_) => true,
            Kind::Name(base) => matches!(base.as_str(), "self" | "this"),
            Kind::Opaque(who) => who == "$this",
            _ => false,
        };
        if of_object {
            let bare = name.trim_start_matches('$');
            let held = self.field(bare);
            if let Some(value) = held {
                return value;
            }
            if matches!(on.kind, Kind::Instance(_) | Kind::Class(_)) {
                return method(on, name);
            }
        }
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
                        | "to_proc"
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
                if let Some(list) = self.arguments_named(&full) {
                    return list;
                }
                Val::name(full)
            }
            Kind::Computed => on,
            Kind::Map(entries) => match entries.iter().find(|(key, _)| key == name) {
                Some((_, value)) => value.clone(),
                None => method(on, name),
            },
            // Entries of folders: whatever they are asked for is their path.
            Kind::Text(Value::Pattern(_) | Value::Prefix(..), _)
                if name == "path" && self.language == Language::Python =>
            {
                on
            }
            Kind::Object("found", held) => match name {
                "name" | "fullname" => held.first().cloned().unwrap_or_else(|| Val::opaque(name)),
                _ => on,
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
            // `bucket.objects.all()`: whatever a client leads to is the client's.
            Kind::Method(client, _) if is_client(client) => method((**client).clone(), name),
            Kind::Object("git", _) if name == "git" => on,
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
            // `Dir["*.o"]` of Ruby.
            (Kind::Name(name), Kind::Text(Value::Exact(pattern), _))
                if name == "Dir" && self.language == Language::Ruby =>
            {
                Val::value(Value::Pattern(pattern.clone()))
            }
            (Kind::Name(name), _) if name == "sys.modules" => match index.exact() {
                Some(module) => Val::name(canonical(module)),
                None => computed(),
            },
            // `"$_SERVER[HOME]"`: no quotes inside of a text of PHP.
            (Kind::Name(name), Kind::Name(variable))
                if is_environment(name) && self.language == Language::Php =>
            {
                let variable = variable.clone();
                self.environment(&variable, None)
            }
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
        self.variable = Some((self.position(), name.to_owned()));
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

    /// Everything in the environment is printed or sent: credentials are among it.
    pub(super) fn reads_environment(&mut self, span: Option<ByteSpan>) {
        let attributes = vec!["environment"];
        self.act(
            ActionKind::CredentialRead,
            None,
            TargetRole::Name,
            attributes,
            span,
        );
    }

    /// What came from that address is run.
    pub(super) fn runs_download(&mut self, url: Value, span: Option<ByteSpan>) {
        self.act(
            ActionKind::ExecRemoteCode,
            Some(url),
            TargetRole::Url,
            vec![],
            span,
        );
    }

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
}

fn is_client(value: &Val) -> bool {
    matches!(&value.kind, Kind::Object(of, _) if libraries::FLAT.contains(of))
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

/// Functions that give the names in a directory, without the directory.
fn lists_names(name: &str) -> bool {
    matches!(
        name,
        "os.listdir" | "fs.readdir" | "fs.readdirSync" | "scandir" | "Dir.children" | "Dir.entries"
    )
}

/// What functions give that walk a folder: the paths in it; for some, the folder with the names in it.
fn listed_paths(name: &str, folder: &Val) -> Option<Val> {
    let within = |folder: &Val| {
        let folder = folder.exact()?.trim_end_matches('/');
        Some(Val::value(Value::Pattern(format!("{folder}/*"))))
    };
    match name {
        "os.scandir" | "Find.find" | "Deno.readDir" | "Deno.readDirSync" => within(folder),
        "os.walk" | "os.fwalk" => Some(Val::object("walk", vec![within(folder)?])),
        _ => None,
    }
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
    matches!(
        last_component(program).to_ascii_lowercase().as_str(),
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

/// What flows into a request, as attributes.
fn origin_attributes(origin: &Origin) -> Vec<&'static str> {
    match origin {
        Origin::Secret | Origin::Environment => vec!["secret"],
        Origin::File(_) => vec!["local_data"],
        _ => Vec::new(),
    }
}
