//! Files that the call writes and another program runs later: what they would do that cannot be taken back is an action
//! of the call, with the attribute `later`. What they do to their own project is left to the call that runs them.

use std::rc::Rc;

use super::languages::shebang;
use super::scripts::{self, Piece};
use super::{Engine, Situation, assigned};
use crate::actions::action::{Action, Certainty, Place};
use crate::actions::kinds::ActionKind;
use crate::actions::place::last_component;
use crate::actions::word::{Data, LIMIT, Origin, Word};
use crate::json;
use crate::shell::command::Value;

/// How many commands of one file are read by themselves.
const MAX_PIECES: usize = 512;

/// How deep files may stand in one another that are read as what is run later.
const MAX_NESTED: u8 = 2;

/// The arguments of tools that hold what is written.
const TEXTS: [&str; 14] = [
    "content",
    "contents",
    "file_text",
    "new_string",
    "new_str",
    "new_source",
    "newText",
    "new_text",
    "newString",
    "code_edit",
    "replace",
    "replacement",
    "insert_text",
    "text",
];

/// The arguments of tools that say where.
const PATHS: [&str; 10] = [
    "file_path",
    "path",
    "filename",
    "notebook_path",
    "target_file",
    "absolute_path",
    "filepath",
    "filePath",
    "file",
    "uri",
];

/// Arguments that hold several writes.
const LISTS: [&str; 4] = ["edits", "files", "changes", "replacements"];

/// What is written in files of that form, and who runs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A program in that language.
    Script(&'static str),
    /// Recipes of make.
    Make,
    /// Recipes of just.
    Recipes,
    /// The steps of an image.
    Image,
    /// Settings in YAML that name commands.
    Steps,
    /// Settings in JSON that name commands.
    Settings,
    /// A unit of systemd, or a program of a desktop.
    Unit,
    /// A table of scheduled commands.
    Schedule,
    /// A notebook.
    Notebook,
    /// Settings of a program that has a command for them.
    Assigned,
}

impl Form {
    /// Whether another machine runs it, or a container that is made for it.
    const fn is_elsewhere(self) -> bool {
        matches!(self, Self::Image | Self::Steps)
    }
}

impl Engine<'_> {
    /// What a file with that new text would do when it is run; nobody has to be asked to run it when it is loaded by
    /// itself, so then the write itself says that it fetches what it runs.
    pub(super) fn written_for_later(
        &mut self,
        path: &str,
        text: &str,
        before: usize,
        origin: &Origin,
        here: &Situation,
    ) {
        if self.nested >= MAX_NESTED || here.on.is_some() || text.trim().is_empty() {
            return;
        }
        let Some(form) = form_of(path, text) else {
            self.notes_laden(path, text, here);
            return;
        };
        let deeper = Situation {
            depth: here.depth + 1,
            ..here.clone()
        };
        if !self.afford(text.len(), &deeper) {
            return;
        }
        let mut found: Vec<Action> = Vec::new();
        let pieces = scripts::pieces(form, path, text);
        let mut limited = pieces.len() > MAX_PIECES;
        // The pieces are what was taken for the text, and all of them have one budget: that of the call.
        let (mut bytes, mut words) = (self.bytes.saturating_sub(text.len()), self.words);
        for Piece { language, text } in pieces.into_iter().take(MAX_PIECES) {
            let mut inner = self.for_later();
            (inner.bytes, inner.words) = (bytes, words);
            let at = Situation {
                origin: origin.clone(),
                depth: deeper.depth,
                ..inner.outset("")
            };
            let word = Word::made(Value::Exact(text.into_owned()), origin.clone());
            inner.code_word(language, &word, "", &at);
            (bytes, words) = (inner.bytes, inner.words);
            let graves = graves(&inner.actions, form);
            found.extend(graves.into_iter().cloned());
            if inner.limited || inner.actions.iter().any(is_limit) {
                limited = true;
                break;
            }
        }
        self.bytes = self.bytes.max(bytes);
        self.words = words;
        // What was not read is not taken for harmless.
        if limited {
            self.over_limit(here);
        }
        let foreign = found.iter().any(|action| {
            matches!(
                action.kind,
                ActionKind::ExecRemoteCode | ActionKind::ExecRemoteShell
            )
        });
        if foreign {
            self.fetches_by_itself(path, before);
        }
        for mut action in found {
            action.certainty = action.certainty.min(Certainty::Likely);
            action.attributes.push(String::from("later"));
            self.push(action, here);
        }
    }

    /// As [`Self::written_for_later`], of data that flows into a file.
    pub(super) fn data_for_later(
        &mut self,
        file: &Word,
        data: &Data,
        before: usize,
        here: &Situation,
    ) {
        let text = data.text.as_ref().and_then(|text| text.value.exact());
        if let (Some(path), Some(text)) = (file.exact(), text) {
            self.written_for_later(path, text, before, &here.origin, here);
        }
    }

    /// A file that is loaded without anybody's doing, and that fetches what it runs, is a hook of whoever serves it.
    fn fetches_by_itself(&mut self, path: &str, before: usize) {
        let loads = is_loaded(path);
        for action in &mut self.actions[before..] {
            let hook = match action.kind {
                ActionKind::PersistHook => !action.has("ci"),
                ActionKind::PersistStartup => true,
                ActionKind::FsWrite => {
                    loads && last_component(&action.target.value) == last_component(path)
                }
                _ => false,
            };
            if hook {
                if action.kind == ActionKind::FsWrite {
                    action.kind = ActionKind::PersistHook;
                }
                action.attributes.push(String::from("downloaded"));
                action.attributes.sort_unstable();
                action.attributes.dedup();
            }
        }
    }

    /// As [`Self::written_for_later`], of a tool that writes files.
    pub(super) fn tool_writes(&mut self, before: usize, args: &json::Value, here: &Situation) {
        let writes = |action: &Action| {
            matches!(
                action.kind,
                ActionKind::FsWrite
                    | ActionKind::PersistHook
                    | ActionKind::PersistStartup
                    | ActionKind::PersistSchedule
                    | ActionKind::SystemConfig
                    | ActionKind::VcsConfig
                    | ActionKind::VcsPush
                    | ActionKind::VcsWrite
            )
        };
        if !self.actions[before..].iter().any(writes) {
            return;
        }
        self.texts_of(args, "", None, before, here);
        for name in LISTS {
            if let Some(json::Value::Array(several)) = args.get(name) {
                for (number, one) in several.iter().enumerate() {
                    let at = format!("/{name}/{number}");
                    self.texts_of(one, &at, path_of(args), before, here);
                }
            }
        }
    }

    /// The texts that an object of arguments holds for the file that it names, or that its list belongs to.
    fn texts_of(
        &mut self,
        args: &json::Value,
        at: &str,
        otherwise: Option<&str>,
        before: usize,
        here: &Situation,
    ) {
        let Some(path) = path_of(args).or(otherwise) else {
            return;
        };
        for name in TEXTS {
            if let Some(text) = args.get(name).and_then(json::Value::as_str) {
                let origin = Origin::argument(Rc::from(format!("{at}/{name}")), None);
                self.replaces(path, text, before, &origin, here);
                self.written_for_later(path, text, before, &origin, here);
            }
        }
    }
}

/// Whether an action says that something was not read to its end.
fn is_limit(action: &Action) -> bool {
    action.kind == ActionKind::Unknown && action.reason.as_deref() == Some(LIMIT)
}

fn path_of(args: &json::Value) -> Option<&str> {
    PATHS
        .into_iter()
        .find_map(|name| args.get(name).and_then(json::Value::as_str))
}

/// Of what a text would do: what nobody takes back, and what gives the machine or its secrets away. What depends on a
/// variable that only whoever starts it knows is not said.
pub(super) fn graves(actions: &[Action], form: Form) -> Vec<&Action> {
    let doubtful = |action: &Action| {
        actions.iter().any(|other| {
            other.span == action.span && other.kind == action.kind && other.reason.is_some()
        })
    };
    actions
        .iter()
        .filter(|action| is_grave(action, form) && (is_fixed(action) || !doubtful(action)))
        .collect()
}

/// Whether an action does not depend on the files of whoever starts it.
const fn is_fixed(action: &Action) -> bool {
    !matches!(
        action.kind,
        ActionKind::FsDelete | ActionKind::FsDestroy | ActionKind::DiskWrite
    )
}

fn is_grave(action: &Action, form: Form) -> bool {
    use ActionKind as K;
    let here = !form.is_elsewhere() && action.on.is_none();
    let known = action.target.exact || action.has("wildcard");
    match action.kind {
        K::ExecRemoteCode => names_host(action),
        K::ExecRemoteShell => true,
        K::NetSend | K::MessageSend => {
            let variable = action.reason.as_deref();
            action.has("secret")
                && !action.has("loopback")
                && names_host(action)
                && !variable.is_some_and(|reason| reason.starts_with("carries the variable"))
        }
        K::FsDelete | K::FsDestroy => {
            here && known && (action.has("recursive") || action.has("wildcard")) && is_vital(action)
        }
        K::DiskWrite => here && known && is_disk(&action.target.value),
        // What a setting lets others load or run, and what it runs itself from where anybody may put it.
        K::ExecHijack | K::PersistHook => form == Form::Assigned,
        K::ExecLocal => {
            let assigned = form == Form::Assigned && action.target.place == Some(Place::Temp);
            assigned || action.has("as_served")
        }
        // Who starts the containers of a project is asked for nothing.
        K::ContainerEscape => form == Form::Script("manifest"),
        _ => false,
    }
}

/// Whether a target is somebody's address, and no word of a text that was misread.
fn names_host(action: &Action) -> bool {
    let target = action.target.value.as_str();
    let address = target.contains("://") || target.contains('.') && !target.starts_with(['.', '/']);
    address && !target.contains(char::is_whitespace) && !target.ends_with(['.', ','])
}

/// Whether a device holds file systems.
fn is_disk(path: &str) -> bool {
    const DISKS: [&str; 11] = [
        "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/", "md", "dm-",
    ];
    path.strip_prefix("/dev/")
        .is_some_and(|name| DISKS.iter().any(|disk| name.starts_with(disk)))
}

/// Whether the machine or its user could not go on without it.
fn is_vital(action: &Action) -> bool {
    const VITAL: [&str; 5] = ["/usr/bin", "/usr/lib", "/var/lib", "/etc/ssh", "/boot/efi"];
    let path = action.target.value.trim_end_matches(['*', '/']);
    match action.target.place {
        Some(Place::Root | Place::HomeRoot) => true,
        Some(Place::System) => path.matches('/').count() < 2 || VITAL.contains(&path),
        _ => false,
    }
}

/// Whether tools load a file of that name by themselves, as a part of something else.
fn is_loaded(path: &str) -> bool {
    const LOADED: [&str; 6] = [
        "conftest.py",
        "setup.py",
        "noxfile.py",
        "fabfile.py",
        "tasks.py",
        "sitecustomize.py",
    ];
    LOADED.contains(&last_component(path))
}

/// How a file is written that something will run; `None` when nothing runs it by its name or its first line.
pub(super) fn form_of(path: &str, text: &str) -> Option<Form> {
    const ENDS: [(&str, Form); 44] = [
        ("sh", Form::Script("shell")),
        ("py", Form::Script("python")),
        ("js", Form::Script("javascript")),
        ("mjs", Form::Script("javascript")),
        ("cjs", Form::Script("javascript")),
        ("ts", Form::Script("javascript")),
        ("pl", Form::Script("perl")),
        ("rb", Form::Script("ruby")),
        ("php", Form::Script("php")),
        ("lua", Form::Script("lua")),
        ("c", Form::Script("c")),
        ("cc", Form::Script("c")),
        ("cpp", Form::Script("c")),
        ("go", Form::Script("go")),
        ("rs", Form::Script("rust")),
        ("java", Form::Script("java")),
        ("kt", Form::Script("java")),
        ("kts", Form::Script("java")),
        ("scala", Form::Script("java")),
        ("cs", Form::Script("csharp")),
        ("bash", Form::Script("shell")),
        ("zsh", Form::Script("shell")),
        ("ksh", Form::Script("shell")),
        ("bats", Form::Script("shell")),
        ("command", Form::Script("shell")),
        ("ps1", Form::Script("powershell")),
        ("psm1", Form::Script("powershell")),
        ("bat", Form::Script("cmd")),
        ("cmd", Form::Script("cmd")),
        ("mk", Form::Make),
        ("just", Form::Recipes),
        ("dockerfile", Form::Image),
        ("containerfile", Form::Image),
        ("service", Form::Unit),
        ("desktop", Form::Unit),
        ("socket", Form::Unit),
        ("cron", Form::Schedule),
        ("crontab", Form::Schedule),
        ("tf", Form::Settings),
        ("ipynb", Form::Notebook),
        ("pth", Form::Script("python")),
        ("envrc", Form::Script("shell")),
        ("bashrc", Form::Script("shell")),
        ("zshrc", Form::Script("shell")),
    ];
    const NAMES: [(&str, Form); 31] = [
        ("docker-compose.yml", Form::Script("manifest")),
        ("docker-compose.yaml", Form::Script("manifest")),
        ("docker-compose.override.yml", Form::Script("manifest")),
        ("compose.yml", Form::Script("manifest")),
        ("compose.yaml", Form::Script("manifest")),
        ("Makefile", Form::Make),
        ("makefile", Form::Make),
        ("GNUmakefile", Form::Make),
        ("justfile", Form::Recipes),
        ("Justfile", Form::Recipes),
        (".justfile", Form::Recipes),
        ("Dockerfile", Form::Image),
        ("Containerfile", Form::Image),
        ("package.json", Form::Settings),
        ("composer.json", Form::Settings),
        ("deno.json", Form::Settings),
        ("deno.jsonc", Form::Settings),
        ("tasks.json", Form::Settings),
        ("devcontainer.json", Form::Settings),
        (".devcontainer.json", Form::Settings),
        ("crontab", Form::Schedule),
        ("Procfile", Form::Steps),
        ("Taskfile.yml", Form::Steps),
        ("Taskfile.yaml", Form::Steps),
        ("action.yml", Form::Steps),
        ("action.yaml", Form::Steps),
        (".gitlab-ci.yml", Form::Steps),
        (".travis.yml", Form::Steps),
        (".drone.yml", Form::Steps),
        ("azure-pipelines.yml", Form::Steps),
        ("bitbucket-pipelines.yml", Form::Steps),
    ];
    const HOOKS: [&str; 3] = ["/hooks/", ".husky/", ".githooks/"];
    const PIPELINES: [&str; 4] = [
        ".github/workflows/",
        ".circleci/",
        ".buildkite/",
        ".woodpecker/",
    ];
    if let Some(language) = shebang(text).filter(|language| *language != "other") {
        return Some(Form::Script(language));
    }
    if assigned::is_settings(path) {
        return Some(Form::Assigned);
    }
    let name = last_component(path);
    if let Some((_, form)) = NAMES.iter().find(|(held, _)| *held == name) {
        return Some(*form);
    }
    if let Some((_, end)) = name.rsplit_once('.')
        && let Some((_, form)) = ENDS.iter().find(|(held, _)| held.eq_ignore_ascii_case(end))
    {
        return Some(*form);
    }
    if name.starts_with("Dockerfile.") || name.starts_with("Makefile.") {
        let image = name.starts_with('D');
        return Some(if image { Form::Image } else { Form::Make });
    }
    if PIPELINES.iter().any(|folder| path.contains(folder)) {
        return Some(Form::Steps);
    }
    let hook = HOOKS.iter().any(|folder| path.contains(folder));
    (hook && !name.contains('.')).then_some(Form::Script("shell"))
}
