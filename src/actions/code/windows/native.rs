//! Programs and built-in commands of Windows, by their words.

mod programs;

pub(in crate::actions::code) use programs::decode_utf16;
use programs::on_programs;

use super::{globbed, known};
use crate::actions::code::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::actions::place::last_component;
use crate::shell::command::Value;

/// What a command does; `None` when the program is not one of Windows' own.
pub(in crate::actions::code) fn effects(words: &[Value]) -> Option<Vec<What>> {
    let program = program_name(known(words.first()?));
    let call = Call { words };
    if call.flag("/?") || call.flag("-?") {
        return Some(Vec::new());
    }
    [on_files, on_system, on_rights, on_programs]
        .iter()
        .find_map(|room| room(&program, &call))
        .or_else(|| idle(&program).then(Vec::new))
}

/// What removes, copies, reads or makes files and folders.
fn on_files(program: &str, call: &Call<'_>) -> Option<Vec<What>> {
    Some(match program {
        "del" | "erase" => call.paths(
            ActionKind::FsDelete,
            &call.chosen(&[("/s", "recursive"), ("/q", "force"), ("/f", "force")]),
        ),
        "rd" | "rmdir" => call.paths(
            ActionKind::FsDelete,
            &call.chosen(&[("/s", "recursive"), ("/q", "force")]),
        ),
        "deltree" => call.paths(ActionKind::FsDelete, &["recursive"]),
        "format" => vec![named(ActionKind::DiskWrite, call.first())],
        "diskpart" => vec![named(ActionKind::DiskWrite, call.first())],
        "cipher" => wipe(call),
        "sdelete" | "sdelete64" => call.paths(ActionKind::FsDestroy, &["force"]),
        "fsutil" => fsutil(call),
        "vssadmin" | "wbadmin" if call.has("delete") || call.has("resize") => {
            vec![named(ActionKind::DiskWrite, text("volume shadow copies"))]
        }
        "robocopy" => robocopy(call),
        "copy" | "xcopy" => copy(call, false),
        "move" | "ren" | "rename" => copy(call, true),
        "type" | "more" | "dir" | "tree" | "findstr" | "fc" | "comp" => {
            if matches!(program, "type" | "more") {
                call.paths(ActionKind::FsRead, &[])
            } else {
                Vec::new()
            }
        }
        "md" | "mkdir" => call.paths(ActionKind::FsWrite, &["create"]),
        "mklink" => match call.operands().as_slice() {
            [link, target, ..] => vec![What::Argv {
                words: vec![
                    text("ln"),
                    text("-s"),
                    text(&known(target).replace('\\', "/")),
                    text(&known(link).replace('\\', "/")),
                ],
            }],
            _ => Vec::new(),
        },
        "manage-bde" if call.flag("-off") || call.flag("-lock") => {
            vec![named(ActionKind::DiskWrite, call.first())]
        }
        _ => return None,
    })
}

/// What changes the machine: settings, services, accounts, logs, power.
fn on_system(program: &str, call: &Call<'_>) -> Option<Vec<What>> {
    Some(match program {
        "wmic" => wmic(call),
        "bcdedit" | "bootsect" | "bootrec" => {
            if call.words.len() > 1 && !call.flag("/enum") {
                vec![named(ActionKind::SystemKernel, text("boot configuration"))]
            } else {
                Vec::new()
            }
        }
        // From then on another program opens files of that kind.
        "assoc" | "ftype"
            if call
                .words
                .iter()
                .skip(1)
                .any(|word| known(word).contains('=')) =>
        {
            vec![named(ActionKind::ExecHijack, call.first())]
        }
        "doskey" => macros(call),
        "reg" => registry(call),
        "regedit" => vec![named(ActionKind::SystemConfig, call.first())],
        "schtasks" => scheduled(call),
        "at" if call.words.len() > 1 => vec![named(ActionKind::PersistSchedule, call.first())],
        "net" | "net1" => net(call),
        "sc" => service(call),
        "wevtutil" => match call.word(1).as_str() {
            "cl" | "clear-log" => vec![named(ActionKind::SystemLog, call.get(2))],
            "sl" | "set-log" => vec![named(ActionKind::SystemConfig, call.get(2))],
            _ => Vec::new(),
        },
        "auditpol" if call.flag("/clear") || call.flag("/remove") || call.flag("/set") => {
            vec![named(ActionKind::SystemLog, text("audit policy"))]
        }
        "netsh" => netsh(call),
        "shutdown" => vec![named(ActionKind::SystemPower, text("this machine"))],
        "logoff" | "tsdiscon" => vec![named(ActionKind::SystemPower, text("the session"))],
        "gpupdate" | "secedit" => vec![named(ActionKind::SystemConfig, text("security policy"))],
        "pnputil" | "driverquery" if call.flag("/delete-driver") || call.flag("/add-driver") => {
            vec![named(ActionKind::SystemKernel, call.last())]
        }
        _ => return None,
    })
}

/// What changes who may do what, or shows who logs in.
fn on_rights(program: &str, call: &Call<'_>) -> Option<Vec<What>> {
    Some(match program {
        "icacls" | "cacls" => permissions(call),
        "takeown" => {
            let attributes = call.chosen(&[("/r", "recursive")]);
            call.after("/f").map_or_else(Vec::new, |path| {
                vec![path_act(ActionKind::FsPermission, path, &attributes)]
            })
        }
        "attrib" => {
            let attributes = call.chosen(&[("/s", "recursive")]);
            if call
                .words
                .iter()
                .skip(1)
                .any(|word| known(word).starts_with(['+', '-']))
            {
                call.paths(ActionKind::FsPermission, &attributes)
            } else {
                Vec::new()
            }
        }
        "cmdkey" if call.flag("/list") => {
            vec![named(ActionKind::CredentialRead, text("credential store"))]
        }
        "vaultcmd" | "mimikatz" | "procdump" | "procdump64" | "lazagne" | "pypykatz" => {
            let memory = program != "vaultcmd";
            let attribute = if memory { "process_memory" } else { "store" };
            vec![marked(
                ActionKind::CredentialRead,
                text("credential store"),
                attribute,
            )]
        }
        _ => return None,
    })
}

/// Commands that look, or change only their own shell.
fn idle(program: &str) -> bool {
    matches!(
        program,
        "echo"
            | "rem"
            | "cls"
            | "title"
            | "color"
            | "pause"
            | "exit"
            | "ver"
            | "vol"
            | "where"
            | "whoami"
            | "hostname"
            | "ipconfig"
            | "systeminfo"
            | "tasklist"
            | "ping"
            | "tracert"
            | "nslookup"
            | "netstat"
            | "set"
            | "setlocal"
            | "endlocal"
            | "cd"
            | "chdir"
            | "pushd"
            | "popd"
            | "path"
            | "prompt"
            | "date"
            | "time"
            | "sort"
            | "find"
            | "clip"
            | "timeout"
            | "help"
            | "goto"
            | "shift"
            | "assoc"
            | "ftype"
            | "chcp"
            | "arp"
            | "route"
            | "getmac"
            | "choice"
            | "break"
            | "verify"
            | "vssadmin"
            | "auditpol"
            | "manage-bde"
            | "cmdkey"
            | "pnputil"
            | "driverquery"
            | "quser"
            | "query"
            | "wbadmin"
            | "at"
    )
}

/// The program's name without directory and extension, lower case.
pub(in crate::actions::code) fn program_name(path: &str) -> String {
    let base = last_component(path.trim_matches('"')).to_ascii_lowercase();
    for ending in [".exe", ".com", ".cmd", ".bat"] {
        if let Some(name) = base.strip_suffix(ending) {
            return name.to_owned();
        }
    }
    base
}

fn text(name: &str) -> Value {
    Value::Exact(name.to_owned())
}

pub(in crate::actions::code) fn named(kind: ActionKind, target: Value) -> What {
    What::Act {
        kind,
        target: Some(target),
        role: TargetRole::Name,
        attributes: Vec::new(),
    }
}

/// A key or value of the registry that is set.
pub(in crate::actions::code) fn setting(key: Value) -> What {
    let start = is_start_key(known(&key));
    What::Act {
        kind: if start {
            ActionKind::PersistStartup
        } else {
            ActionKind::SystemConfig
        },
        target: Some(key),
        role: TargetRole::Name,
        attributes: if start {
            vec!["startup_file"]
        } else {
            Vec::new()
        },
    }
}

/// An action on something by its name, with what is said of it.
fn marked(kind: ActionKind, target: Value, attribute: &'static str) -> What {
    What::Act {
        kind,
        target: Some(target),
        role: TargetRole::Name,
        attributes: vec![attribute],
    }
}

pub(in crate::actions::code) fn path_act(
    kind: ActionKind,
    target: Value,
    attributes: &[&'static str],
) -> What {
    let target = globbed(target);
    let mut attributes = attributes.to_vec();
    if kind == ActionKind::FsDelete && matches!(target, Value::Pattern(_)) {
        attributes.push("wildcard");
    }
    attributes.sort_unstable();
    attributes.dedup();
    What::Act {
        kind,
        target: Some(target),
        role: TargetRole::Path,
        attributes,
    }
}

fn url_act(kind: ActionKind, url: &str) -> What {
    What::Act {
        kind,
        target: Some(text(url)),
        role: TargetRole::Url,
        attributes: crate::actions::url::classify(url).attributes,
    }
}

struct Call<'a> {
    words: &'a [Value],
}

impl Call<'_> {
    fn get(&self, index: usize) -> Value {
        self.words.get(index).cloned().unwrap_or_else(|| text(""))
    }

    fn word(&self, index: usize) -> String {
        self.words.get(index).map_or("", known).to_ascii_lowercase()
    }

    /// The first word that is no flag.
    fn first(&self) -> Value {
        self.words
            .iter()
            .skip(1)
            .find(|word| !known(word).starts_with('/'))
            .cloned()
            .unwrap_or_else(|| text(""))
    }

    fn last(&self) -> Value {
        self.words.last().cloned().unwrap_or_else(|| text(""))
    }

    /// `/s`, also inside of `/s/q`.
    fn flag(&self, flag: &str) -> bool {
        self.words.iter().skip(1).any(|word| {
            let word = known(word).to_ascii_lowercase();
            word == flag
                || (word.starts_with('/')
                    && word.split_inclusive('/').count() > 2
                    && word[1..].split('/').any(|part| format!("/{part}") == flag))
        })
    }

    fn has(&self, name: &str) -> bool {
        (1..self.words.len()).any(|index| self.word(index) == name)
    }

    fn after(&self, flag: &str) -> Option<Value> {
        let index = (1..self.words.len()).find(|index| self.word(*index) == flag)?;
        self.words.get(index + 1).cloned()
    }

    fn chosen(&self, flags: &[(&str, &'static str)]) -> Vec<&'static str> {
        flags
            .iter()
            .filter(|(flag, _)| self.flag(flag))
            .map(|(_, attribute)| *attribute)
            .collect()
    }

    fn operands(&self) -> Vec<Value> {
        self.words
            .iter()
            .skip(1)
            .filter(|word| {
                let word = known(word);
                !(word.starts_with('/') || word.len() == 2 && word.starts_with(['+', '-']))
            })
            .cloned()
            .collect()
    }

    fn paths(&self, kind: ActionKind, attributes: &[&'static str]) -> Vec<What> {
        self.operands()
            .into_iter()
            .map(|path| path_act(kind, path, attributes))
            .collect()
    }

    fn url(&self) -> Option<String> {
        self.words.iter().skip(1).find_map(|word| {
            let word = known(word);
            let at = word.to_ascii_lowercase().find("http")?;
            word[at..]
                .contains("://")
                .then(|| word[at..].trim_end_matches([')', '"', '\'']).to_owned())
        })
    }
}

fn wipe(call: &Call<'_>) -> Vec<What> {
    let path = call.words.iter().skip(1).find_map(|word| {
        let word = known(word);
        word.get(..3)
            .filter(|flag| flag.eq_ignore_ascii_case("/w:"))
            .map(|_| word[3..].to_owned())
    });
    match path {
        Some(path) => vec![path_act(ActionKind::FsDestroy, Value::Exact(path), &[])],
        None => Vec::new(),
    }
}

fn fsutil(call: &Call<'_>) -> Vec<What> {
    match (call.word(1).as_str(), call.word(2).as_str()) {
        ("file", "setzerodata" | "createnew" | "seteof" | "setvaliddata") => {
            vec![named(ActionKind::DiskWrite, call.last())]
        }
        ("usn", "deletejournal") => vec![named(ActionKind::SystemLog, text("the change journal"))],
        ("volume", "dismount") => vec![named(ActionKind::DiskWrite, call.last())],
        ("behavior" | "8dot3name" | "repair", "set") => {
            vec![named(ActionKind::SystemConfig, text("the file system"))]
        }
        _ => Vec::new(),
    }
}

fn wmic(call: &Call<'_>) -> Vec<What> {
    if call.has("shadowcopy") && call.has("delete") {
        return vec![named(ActionKind::FsDestroy, text("volume shadow copies"))];
    }
    if call.has("process") && call.has("call") && call.has("create") {
        return vec![What::Code {
            language: Language::Cmd,
            text: call.last(),
            verbatim_at: None,
        }];
    }
    if call.has("process") && (call.has("delete") || call.has("terminate")) {
        return vec![named(ActionKind::ProcessKill, call.last())];
    }
    if call.has("product") && call.has("uninstall") {
        return vec![named(ActionKind::PackageRemove, call.last())];
    }
    if call.has("call") || call.has("set") || call.has("delete") || call.has("create") {
        return vec![named(ActionKind::SystemConfig, call.first())];
    }
    Vec::new()
}

/// `doskey NAME=COMMAND`: the command runs when somebody types the name.
fn macros(call: &Call<'_>) -> Vec<What> {
    let words: Vec<&str> = call.words.iter().skip(1).map(known).collect();
    let line = words.join(" ");
    match line.split_once('=') {
        Some((name, command)) if !name.starts_with('/') => vec![What::Code {
            language: Language::Cmd,
            text: Value::Exact(command.to_owned()),
            verbatim_at: None,
        }],
        _ => Vec::new(),
    }
}

/// Keys under which Windows starts programs by itself.
pub(in crate::actions::code) fn is_start_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('/', "\\");
    [
        "\\currentversion\\run",
        "\\policies\\explorer\\run",
        "\\winlogon",
        "\\image file execution options",
        "\\appinit_dlls",
        "\\shell\\open\\command",
        "\\services\\",
        "\\active setup",
        "\\userinitmprlogonscript",
    ]
    .iter()
    .any(|part| key.contains(part))
}

fn registry(call: &Call<'_>) -> Vec<What> {
    match call.word(1).as_str() {
        "add" | "import" | "copy" | "restore" | "load" => {
            vec![setting(call.get(2))]
        }
        "delete" => vec![What::Act {
            kind: ActionKind::SystemConfig,
            target: Some(call.get(2)),
            role: TargetRole::Name,
            attributes: if call.flag("/v") {
                vec!["delete"]
            } else {
                vec!["delete", "recursive"]
            },
        }],
        "unload" => vec![named(ActionKind::SystemConfig, call.get(2))],
        "save" | "export" => {
            let key = call.get(2);
            let hive = known(&key).to_ascii_lowercase();
            if hive.ends_with("sam") || hive.ends_with("security") || hive.ends_with("system") {
                vec![named(ActionKind::CredentialRead, key)]
            } else {
                vec![path_act(ActionKind::FsWrite, call.get(3), &["create"])]
            }
        }
        _ => Vec::new(),
    }
}

fn scheduled(call: &Call<'_>) -> Vec<What> {
    let name = || call.after("/tn").unwrap_or_else(|| call.first());
    if call.flag("/create") || call.flag("/change") {
        let mut effects = vec![named(ActionKind::PersistSchedule, name())];
        if let Some(command) = call.after("/tr") {
            effects.push(What::Code {
                language: Language::Cmd,
                text: command,
                verbatim_at: None,
            });
        }
        return effects;
    }
    if call.flag("/delete") || call.flag("/end") {
        return vec![named(ActionKind::SystemConfig, name())];
    }
    if call.flag("/run") {
        vec![named(ActionKind::ExecLocal, name())]
    } else {
        Vec::new()
    }
}

fn net(call: &Call<'_>) -> Vec<What> {
    match call.word(1).as_str() {
        "user" | "localgroup" | "group" | "accounts"
            if call.words.len() > 3 || call.flag("/delete") || call.flag("/add") =>
        {
            vec![named(ActionKind::SystemAccount, call.get(2))]
        }
        "stop" | "start" | "pause" | "continue" if call.words.len() > 2 => {
            vec![named(ActionKind::SystemService, call.get(2))]
        }
        "share" if call.words.len() > 2 => vec![named(ActionKind::SystemNetwork, call.get(2))],
        "use" if call.words.len() > 2 => vec![named(ActionKind::NetFetch, call.last())],
        _ => Vec::new(),
    }
}

fn service(call: &Call<'_>) -> Vec<What> {
    let base = if call.word(1).starts_with("\\\\") {
        2
    } else {
        1
    };
    match call.word(base).as_str() {
        "create" => vec![marked(
            ActionKind::PersistStartup,
            call.get(base + 1),
            "service",
        )],
        "stop" | "delete" | "config" | "start" | "pause" | "failure" | "sdset" | "control"
        | "triggerinfo" => {
            vec![named(ActionKind::SystemService, call.get(base + 1))]
        }
        _ => Vec::new(),
    }
}

fn permissions(call: &Call<'_>) -> Vec<What> {
    let changes = [
        "/grant",
        "/deny",
        "/remove",
        "/setowner",
        "/reset",
        "/inheritance",
        "/grant:r",
        "/setintegritylevel",
        "/restore",
        "/g",
        "/e",
        "/p",
    ];
    let changed = call.words.iter().skip(1).any(|word| {
        let word = known(word).to_ascii_lowercase();
        changes
            .iter()
            .any(|flag| word == *flag || word.starts_with(&format!("{flag}:")))
    });
    if !changed {
        return Vec::new();
    }
    let mut attributes = call.chosen(&[("/t", "recursive")]);
    if call.words.iter().any(|word| {
        let word = known(word).to_ascii_lowercase();
        word.split_once(':').is_some_and(|(who, rights)| {
            // Reading and running changes nothing for those who own it.
            matches!(who, "everyone" | "*s-1-1-0") && !matches!(rights, "r" | "(r)" | "rx" | "(rx)")
        })
    }) {
        attributes.push("world_writable");
    }
    vec![path_act(
        ActionKind::FsPermission,
        call.first(),
        &attributes,
    )]
}

fn netsh(call: &Call<'_>) -> Vec<What> {
    if call.has("wlan") && call.has("key=clear") {
        let target = text("wireless networks");
        return vec![marked(ActionKind::CredentialRead, target, "store")];
    }
    let changing = ["set", "add", "delete", "reset", "import", "off"]
        .iter()
        .any(|verb| call.has(verb));
    if !changing {
        return Vec::new();
    }
    if call.has("portproxy") {
        return vec![marked(ActionKind::NetTunnel, text("port proxy"), "inward")];
    }
    vec![named(
        ActionKind::SystemNetwork,
        text(if call.has("advfirewall") || call.has("firewall") {
            "firewall"
        } else {
            "network"
        }),
    )]
}

fn robocopy(call: &Call<'_>) -> Vec<What> {
    let operands = call.operands();
    let (Some(source), Some(target)) = (operands.first(), operands.get(1)) else {
        return Vec::new();
    };
    let mut effects = vec![path_act(ActionKind::FsRead, source.clone(), &[])];
    if call.flag("/mir") || call.flag("/purge") {
        effects.push(path_act(
            ActionKind::FsDelete,
            target.clone(),
            &["recursive"],
        ));
    }
    if call.flag("/mov") || call.flag("/move") {
        effects.push(path_act(
            ActionKind::FsDelete,
            source.clone(),
            &["recursive"],
        ));
    }
    effects.push(path_act(ActionKind::FsWrite, target.clone(), &[]));
    effects
}

fn copy(call: &Call<'_>, moves: bool) -> Vec<What> {
    let operands = call.operands();
    let (Some(source), Some(target)) = (operands.first(), operands.get(1)) else {
        return Vec::new();
    };
    let kind = if moves {
        ActionKind::FsDelete
    } else {
        ActionKind::FsRead
    };
    vec![
        path_act(kind, source.clone(), &[]),
        path_act(ActionKind::FsWrite, target.clone(), &[]),
    ]
}
