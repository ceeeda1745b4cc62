//! Words to the targets of actions: paths with their place, hosts with what is special about them, names.

use std::rc::Rc;

use super::leaving::{self, leak};
use super::wrapped::listed;
use super::{Engine, Situation, blank};
use crate::actions::action::{Action, Certainty, Place, Target};
use crate::actions::catalogue::entry::Role;
use crate::actions::kinds::ActionKind;
use crate::actions::special::{self, Operation, Special};
use crate::actions::word::{Data, Served, Sources, Word, add, why_text};
use crate::actions::{pattern, place, url};
use crate::shell::command::{Candidate, Value, Why};

/// How an effect is to be told of every target.
#[derive(Clone)]
pub struct Manner<'m> {
    /// The kind before the target is looked at.
    pub kind: ActionKind,
    /// What the words are.
    pub role: Role,
    /// Attributes.
    pub attributes: Vec<&'m str>,
    /// Upper bound.
    pub certainty: Certainty,
    /// Something below the target.
    pub within: bool,
    /// Whether content that is read flows on.
    pub carries: bool,
    /// The program.
    pub by: &'m str,
    /// For people.
    pub safer: Option<&'m str>,
}

impl<'m> Manner<'m> {
    /// A plain manner.
    pub const fn of(kind: ActionKind, role: Role, by: &'m str) -> Self {
        Self {
            kind,
            role,
            attributes: Vec::new(),
            certainty: Certainty::Certain,
            within: false,
            carries: true,
            by,
            safer: None,
        }
    }
}

/// A path as far as it is known.
struct Known {
    value: String,
    exact: bool,
    place: Place,
    /// The normalised path, for the rules; `None` when not even its beginning is known.
    path: Option<String>,
    wildcard: bool,
    reason: Option<String>,
    /// Nothing in the call sets the variable that holds it.
    from_environment: bool,
}

impl Engine<'_> {
    /// Adds the actions of one word and returns what is read by them.
    pub fn act(&mut self, manner: &Manner<'_>, word: &Word, here: &Situation) -> Data {
        match manner.role {
            Role::Path => self.paths(manner, word, here),
            Role::Local => {
                if is_remote(word.known().0) {
                    Data::default()
                } else {
                    self.paths(manner, word, here)
                }
            }
            Role::Remote => {
                if is_remote(word.known().0) {
                    self.hosts(manner, word, here)
                } else {
                    Data::default()
                }
            }
            Role::Url | Role::Host => self.hosts(manner, word, here),
            Role::Name => self.names(manner, word, here),
        }
    }

    /// A path in the plain manner.
    pub fn path(&mut self, kind: ActionKind, word: &Word, by: &str, here: &Situation) -> Data {
        self.paths(&Manner::of(kind, Role::Path, by), word, here)
    }

    fn action(&self, manner: &Manner<'_>, word: &Word, here: &Situation) -> Action {
        // A command speaks as a whole; an argument of a tool by itself.
        let origin = if here.origin.span.is_some() {
            &here.origin
        } else {
            &word.origin
        };
        Action {
            attributes: manner
                .attributes
                .iter()
                .map(|attribute| (*attribute).to_owned())
                .collect(),
            certainty: here.certainty.min(manner.certainty),
            by: manner.by.to_owned(),
            at: origin.at.as_ref().to_owned(),
            span: origin.span,
            safer: manner.safer.map(str::to_owned),
            ..blank(manner.kind, here)
        }
    }

    fn paths(&mut self, manner: &Manner<'_>, word: &Word, here: &Situation) -> Data {
        let mut data = Data::default();
        if manner.kind == ActionKind::ExecLocal
            && let (text, _) = word.known()
            && (text.starts_with("http://") || text.starts_with("https://"))
        {
            self.remote_code(&Data::of_url(Rc::from(text)), manner.by, here);
            return data;
        }
        // What a command listed lies in the folders that it looked into.
        let folders: Vec<Value> = match (&word.value, &word.data) {
            (Value::Unknown(Why::CommandOutput | Why::RunTimeValue(_)), Some(from)) => from
                .folders
                .iter()
                .map(|folder| listed(folder, false, "what is listed"))
                .collect(),
            _ => Vec::new(),
        };
        let candidates: Vec<Candidate<'_>> = if folders.is_empty() {
            word.value.candidates()
        } else {
            folders.iter().flat_map(Value::candidates).collect()
        };
        let several = candidates.len() > 1;
        for candidate in candidates {
            let skipped = matches!(candidate, Candidate::Exact("" | "-"));
            if skipped {
                continue;
            }
            let known = self.known_path(candidate, manner.within, here);
            data.merge(&self.one_path(manner, known, several, word, here));
        }
        data
    }

    fn one_path(
        &mut self,
        manner: &Manner<'_>,
        mut known: Known,
        several: bool,
        word: &Word,
        here: &Situation,
    ) -> Data {
        use ActionKind as K;
        let mut action = self.action(manner, word, here);
        let changes = !matches!(manner.kind, K::FsRead | K::CredentialRead | K::ExecLocal);
        if known.place == Place::Null {
            if matches!(manner.kind, K::FsRead | K::FsWrite | K::CredentialRead) {
                return Data::default();
            }
            known.place = Place::Device;
        }
        let operation = match manner.kind {
            K::FsRead if action.has("recursive") && (known.exact || known.wildcard && !several) => {
                Some(Operation::Everything)
            }
            K::FsRead if !manner.carries => None,
            K::FsRead => Some(Operation::Read),
            K::FsWrite => Some(Operation::Write),
            K::FsDelete | K::FsDestroy => Some(Operation::Delete),
            _ => None,
        };
        let mut partly = false;
        if let (Some(path), Some(operation)) = (&known.path, operation) {
            let special = special::look_up(
                &self.catalogue.places,
                path,
                known.wildcard,
                operation,
                self.context,
            );
            // A setting that is removed is a file that is gone: what it means is said by its place.
            let settles = |special: &Special<'_>| match operation {
                Operation::Delete => special.kind != K::SystemConfig,
                // What others are handed as a whole, though its content goes nowhere.
                Operation::Everything => manner.carries || special.partly,
                _ => true,
            };
            if let Some(special) = special.filter(settles) {
                action.kind = special.kind;
                partly = special.partly;
                action
                    .attributes
                    .extend(special.attributes.iter().map(|name| (*name).to_owned()));
            }
        }
        if changes && manner.kind != K::ExecHijack && self.is_guards(&known, manner.kind) {
            action.kind = K::AgentGuard;
        }
        // An image of a disk is a file of the project.
        if action.kind == K::DiskWrite
            && matches!(known.place, Place::Workspace | Place::Temp | Place::Cache)
        {
            action.kind = K::FsWrite;
        }
        if known.place == Place::Device && matches!(action.kind, K::FsWrite | K::FsDestroy) {
            action.kind = K::DiskWrite;
        }
        if known.wildcard {
            action.attributes.push(String::from("wildcard"));
            // `/srv/**/*`: however deep it lies.
            if matches!(action.kind, K::FsDelete | K::FsDestroy)
                && known.value.contains("**")
                && !action.has("recursive")
            {
                action.attributes.push(String::from("recursive"));
            }
        }
        let handed = match manner.kind {
            K::FsWrite | K::FsPermission => true,
            K::FsDelete => !action.has("recursive"),
            _ => false,
        };
        if (manner.within || !known.exact && action.has("recursive"))
            && action.kind == K::FsWrite
            && match known.place {
                Place::System => place::holds_programs(&known.value),
                Place::Home => place::holds_lasting(&known.value),
                _ => false,
            }
        {
            action.attributes.push(String::from("unpacked"));
        }
        if known.from_environment && handed {
            action.attributes.push(String::from("from_environment"));
        }
        if several || known.reason.is_some() {
            action.certainty = action.certainty.min(Certainty::Likely);
        }
        if is_share(word.known().0) {
            match action.kind {
                K::ExecLocal => action.kind = K::ExecRemoteCode,
                K::FsWrite => {
                    action.kind = K::NetSend;
                    action.attributes.push(String::from("upload"));
                }
                _ => {}
            }
        }
        if action.kind == K::ExecLocal && known.place == Place::Workspace {
            action.attributes.push(String::from("project"));
        }
        action.reason = known.reason;
        action.target = Target {
            value: known.value,
            exact: known.exact,
            place: Some(known.place),
            host: None,
        };
        let mut data = self.read_data(&action, known.path.as_deref(), manner.carries, here);
        if partly {
            // A backup of a home is no copy of a key.
            let held: &mut Sources = &mut data;
            held.files.append(&mut held.secrets);
        }
        self.push(action, here);
        data
    }

    /// What flows out of a file that is read.
    fn read_data(
        &self,
        action: &Action,
        path: Option<&str>,
        carries: bool,
        here: &Situation,
    ) -> Data {
        let mut data = Data::default();
        if !carries {
            return data;
        }
        let source: Rc<str> = Rc::from(action.target.value.as_str());
        match action.kind {
            ActionKind::CredentialRead => {
                data.some = true;
                add(&mut data.secrets, &source);
            }
            ActionKind::FsRead => {
                data.some = true;
                add(&mut data.files, &source);
            }
            _ => return data,
        }
        if here.on.is_none()
            && let Some(written) = path.and_then(|path| self.written_as(path))
        {
            // The call itself wrote it, so it is no file of this machine that leaks.
            let own = action.kind == ActionKind::CredentialRead;
            if !own {
                data = Data::default();
            }
            data.merge(written);
        }
        data
    }

    /// Whether a path belongs to the guard; for what removes things also the folder that holds it, unless that means
    /// more by itself.
    fn is_guards(&self, known: &Known, kind: ActionKind) -> bool {
        let removes = matches!(
            kind,
            ActionKind::FsDelete | ActionKind::FsDestroy | ActionKind::FsPermission
        );
        known
            .path
            .as_deref()
            .zip(self.context.guard_home.as_deref())
            .is_some_and(|(path, home)| {
                place::below(path, home).is_some()
                    || (removes
                        && known.place == Place::Home
                        && place::below(home, path).is_some_and(|rest| !rest.contains('/')))
            })
    }

    fn known_path(&self, candidate: Candidate<'_>, within: bool, here: &Situation) -> Known {
        let (text, exact, wildcard, why) = match candidate {
            Candidate::Exact(text) => (text, !within, false, None),
            Candidate::Pattern(text) => (text, false, true, None),
            Candidate::Prefix(text, why) => (text, false, false, Some(why)),
        };
        let reason = why.map(|why| why_text(why).into_owned());
        let from_environment = why.is_some_and(is_from_outside);
        let path = if text.is_empty() {
            None
        } else {
            self.absolute(text, here)
        };
        let Some(path) = path else {
            let unknown = self.unknown_path(text, why, exact, wildcard, here);
            // Who logs in somewhere stands at home.
            let at_home = here.on.is_some() && text.starts_with('.') && !text.starts_with("..");
            return Known {
                path: at_home
                    .then(|| self.absolute(&format!("~/{text}"), here))
                    .flatten(),
                from_environment: from_environment && unknown.place == Place::Unknown,
                ..unknown
            };
        };
        let place = if here.on.is_some() {
            Place::Remote
        } else {
            let by_rule = special::place_of(&self.catalogue.places, &path, self.context);
            let by_path = if let Some(why) = why {
                self.place_of_beginning(text, &path, why)
            } else if wildcard {
                place::classify_pattern(&path, self.context)
            } else if within {
                place::classify_within(&path, self.context)
            } else {
                place::classify(&path, self.context)
            };
            // A cache inside of the workspace is still the workspace.
            match by_rule {
                Some(rule) if !matches!(by_path, Place::Workspace | Place::WorkspaceRoot) => rule,
                _ => by_path,
            }
        };
        let mut value = path.clone();
        if why.is_some() && text.ends_with('/') && !value.ends_with('/') {
            value.push('/');
        }
        if within && value != "/" {
            value.push('/');
        }
        Known {
            value,
            exact,
            place,
            path: Some(path),
            wildcard,
            reason,
            from_environment: from_environment && place == Place::Unknown,
        }
    }

    /// Where something lies of which only the beginning is known: the folder itself, when nothing follows it. What was
    /// found in a folder is not the folder, and below the root it may be anywhere.
    fn place_of_beginning(&self, text: &str, path: &str, why: &Why) -> Place {
        if text.ends_with('/') {
            return match why {
                Why::RunTimeValue(_) if path == "/" => Place::Unknown,
                Why::RunTimeValue(_) => place::classify_within(path, self.context),
                _ => place::classify(path, self.context),
            };
        }
        let folder = match path.rsplit_once('/') {
            None | Some(("", _)) => "/",
            Some((folder, _)) => folder,
        };
        if folder == "/" {
            return Place::Unknown;
        }
        place::classify_within(folder, self.context)
    }

    /// Whether something of which only the beginning is known lies in the workspace.
    pub(super) fn begins_in_workspace(&self, text: &str, here: &Situation) -> bool {
        let why = Why::CommandOutput;
        here.on.is_none()
            && self
                .absolute(text, here)
                .is_some_and(|path| self.place_of_beginning(text, &path, &why) == Place::Workspace)
    }

    /// Where something relative lies when only the beginning of the working directory is known: `cd $(mktemp -d)`.
    fn place_below(&self, here: &Situation, text: &str) -> Option<Place> {
        let (Value::Prefix(beginning, why), None) = (&*here.cwd, &here.on) else {
            return None;
        };
        let relative = !text.is_empty() && !text.starts_with(['/', '~']) && !text.contains("..");
        relative.then(|| self.place_of_beginning(beginning, beginning, why))
    }

    fn unknown_path(
        &self,
        text: &str,
        why: Option<&Why>,
        exact: bool,
        wildcard: bool,
        here: &Situation,
    ) -> Known {
        let cwd_why = match &*here.cwd {
            Value::Unknown(why) | Value::Prefix(_, why) => Some(why),
            _ => None,
        };
        let below = self.place_below(here, text);
        let place = if here.on.is_some() {
            Place::Remote
        } else if let Some(below) = below {
            below
        } else if !text.is_empty() && self.context.cwd.is_none() && !text.contains("..") {
            // Nobody said where the call runs: what is relative lies there, and that is the workspace.
            Place::Workspace
        } else {
            Place::Unknown
        };
        let reason = why
            .or(if place == Place::Unknown {
                cwd_why
            } else {
                None
            })
            .map(|why| why_text(why).into_owned());
        Known {
            value: text.to_owned(),
            exact: exact && place != Place::Unknown && below.is_none(),
            place,
            path: None,
            wildcard,
            reason,
            from_environment: false,
        }
    }

    fn hosts(&mut self, manner: &Manner<'_>, word: &Word, here: &Situation) -> Data {
        let mut data = Data::default();
        let candidates = word.value.candidates();
        let several = candidates.len() > 1;
        for candidate in candidates {
            let (text, exact, why) = match candidate {
                Candidate::Exact("") => continue,
                Candidate::Exact(text) => (text, true, None),
                Candidate::Pattern(text) => (text, false, None),
                Candidate::Prefix(text, why) => (text, false, Some(why)),
            };
            data.merge(&self.one_host(manner, text, exact, why, several, word, here));
        }
        data
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one candidate of a word, as it was taken apart"
    )]
    fn one_host(
        &mut self,
        manner: &Manner<'_>,
        text: &str,
        exact: bool,
        why: Option<&Why>,
        several: bool,
        word: &Word,
        here: &Situation,
    ) -> Data {
        let is_port = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let facts = if manner.role == Role::Remote {
            remote_facts(text)
        } else if manner.role == Role::Host && is_port {
            url::UrlFacts::default()
        } else {
            url::classify(text)
        };
        if facts.has("file_scheme") && manner.kind == ActionKind::NetFetch {
            let mut file = Manner {
                kind: ActionKind::FsRead,
                role: Role::Path,
                ..manner.clone()
            };
            file.attributes.push("file_scheme");
            let path = Word {
                value: Value::Exact(facts.path.clone()),
                ..word.clone()
            };
            return self.paths(&file, &path, here);
        }
        let mut action = self.action(manner, word, here);
        let of_url =
            |name: &str| manner.role == Role::Url || !matches!(name, "plain_http" | "userinfo");
        action.attributes.extend(
            facts
                .attributes
                .iter()
                .filter(|name| of_url(name))
                .map(|name| (*name).to_owned()),
        );
        action.target = Target {
            value: text.to_owned(),
            exact,
            place: None,
            host: facts.host.clone().filter(|host| !host.is_empty()),
        };
        if several || !exact {
            action.certainty = action.certainty.min(Certainty::Likely);
        }
        action.reason = why.map(|why| why_text(why).into_owned());
        leak(&mut action, manner, why, word, self.context);
        let mut data = Data::default();
        if action.kind == ActionKind::NetFetch && manner.carries {
            data.some = true;
            add(&mut data.served, &Served::Now(Rc::from(text)));
            if facts.has("metadata") {
                add(&mut data.secrets, &Rc::from(text));
            }
        }
        self.push(action, here);
        data
    }

    fn names(&mut self, manner: &Manner<'_>, word: &Word, here: &Situation) -> Data {
        let mut data = Data::default();
        // `kill $(pgrep NAME)`: the numbers stand for processes of that name.
        let listed: Vec<Value> = if manner.kind == ActionKind::ProcessKill && word.exact().is_none()
        {
            let named = |names: &[Rc<str>]| {
                let names = names.iter().filter(|name| name.as_ref() != "*");
                names
                    .map(|name| Value::Exact(name.as_ref().to_owned()))
                    .collect::<Vec<_>>()
            };
            let flowing = word
                .data
                .as_ref()
                .map_or_else(Vec::new, |from| named(&from.processes));
            // In a loop the numbers go through a variable.
            if flowing.is_empty() {
                named(&self.processes)
            } else {
                flowing
            }
        } else {
            Vec::new()
        };
        let candidates: Vec<Candidate<'_>> = if listed.is_empty() {
            word.value.candidates()
        } else {
            listed.iter().flat_map(Value::candidates).collect()
        };
        let several = candidates.len() > 1;
        // `docker stop $(docker ps -q)`: what was listed are all that there are.
        let stops_all = matches!(
            manner.kind,
            ActionKind::ProcessKill | ActionKind::ContainerRun | ActionKind::ContainerDelete
        ) && listed.is_empty()
            && word
                .data
                .as_ref()
                .is_some_and(|from| from.processes.iter().any(|name| name.as_ref() == "*"));
        for candidate in candidates {
            let (text, exact, why) = match candidate {
                Candidate::Exact("") if several => continue,
                Candidate::Exact(text) => (text, true, None),
                Candidate::Pattern(text) => (text, false, None),
                Candidate::Prefix(text, why) => (text, false, Some(why)),
            };
            let mut action = self.action(manner, word, here);
            action.target = Target {
                value: one_line(text),
                exact,
                ..Target::default()
            };
            if several || !exact {
                action.certainty = action.certainty.min(Certainty::Likely);
            }
            action.reason = why.map(|why| why_text(why).into_owned());
            if action.kind == ActionKind::ContainerRun && why.is_some_and(is_from_outside) {
                action.attributes.push(String::from("from_environment"));
            }
            let pattern_of_all =
                manner.kind == ActionKind::ProcessKill && matches!(text, "*" | "*.exe");
            if stops_all && why.is_some() || pattern_of_all {
                action.attributes.push(String::from("everything"));
            }
            match action.kind {
                ActionKind::CredentialRead => {
                    data.some = true;
                    add(&mut data.secrets, &Rc::from(text));
                }
                ActionKind::FsRead | ActionKind::DbRead if manner.carries => {
                    leaving::held(&action, &mut data);
                }
                _ => {}
            }
            self.push(action, here);
        }
        data
    }
}

/// `\\\\HOST\\SHARE\\FILE`: a file of another machine of a Windows network.
fn is_share(text: &str) -> bool {
    text.strip_prefix(r"\\")
        .and_then(|rest| rest.split('\\').next())
        .is_some_and(|host| {
            let near = [
                "",
                ".",
                "?",
                "localhost",
                "127.0.0.1",
                "wsl$",
                "wsl.localhost",
            ];
            !near.contains(&host.to_ascii_lowercase().as_str())
        })
}

/// Whether who starts the call decides it, and nothing in its text.
const fn is_from_outside(why: &Why) -> bool {
    matches!(
        why,
        Why::UnsetVariable(_) | Why::Parameter(_) | Why::PutIn(_)
    )
}

/// `[user@]host:path` or a URL: what scp and rsync take for another machine.
#[must_use]
pub fn is_remote(text: &str) -> bool {
    if text.contains("://") {
        return !text.starts_with("file://");
    }
    let Some((host, _)) = text.split_once(':') else {
        return false;
    };
    // A drive letter or a path with a colon in a later component is local.
    host.len() > 1 && !host.contains('/') && !host.is_empty() && !pattern::has_wildcard(host)
}

fn remote_facts(text: &str) -> url::UrlFacts {
    if text.contains("://") {
        return url::classify(text);
    }
    let host = text.split_once(':').map_or(text, |(host, _)| host);
    url::classify(&format!("ssh://{host}"))
}

/// Targets are shown on one line, and not endlessly.
fn one_line(text: &str) -> String {
    const SHOWN: usize = 400;
    let mut end = text.len().min(SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = String::with_capacity(end + 3);
    for character in text[..end].chars() {
        out.push(if character.is_control() {
            ' '
        } else {
            character
        });
    }
    if end < text.len() {
        out.push('…');
    }
    out
}
