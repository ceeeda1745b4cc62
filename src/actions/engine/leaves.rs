//! What a command that was applied means as a whole: what only looks, and which credentials leave with it.

use std::rc::Rc;

use super::leaving::carry;
use super::owner::{self, Belongs};
use super::target::Manner;
use super::{Engine, Situation};
use crate::actions::action::Action;
use crate::actions::catalogue::entry::Role;
use crate::actions::kinds::ActionKind;
use crate::actions::line::Line;
use crate::actions::place;
use crate::actions::special::{self, Operation};
use crate::actions::url;
use crate::actions::word::{Data, Word};
use crate::shell::command::Value;

impl Engine<'_> {
    /// A command that runs elsewhere and only reads there.
    pub(super) fn looks_elsewhere(&mut self, first: usize) {
        let own = self.actions.get_mut(first..).unwrap_or_default();
        if let Some((action, inner)) = own.split_first_mut()
            && action.kind == ActionKind::ExecElsewhere
            && action.attributes.is_empty()
            // A shell or an interpreter of which nothing is said waits for whoever types.
            && !inner.is_empty()
            && inner.iter().all(|action| {
                matches!(action.kind, ActionKind::FsRead | ActionKind::DbRead)
                    || (action.kind == ActionKind::NetFetch && action.has("loopback"))
            })
        {
            action.attributes.push(String::from("harmless"));
        }
    }

    /// Whether version control takes a credential along: words name a file, or a folder with one, into which the call
    /// copied it, or what is pushed is a file of credentials that was added by force.
    pub(super) fn records_secret(
        &mut self,
        kind: ActionKind,
        line: &Line<'_>,
        here: &Situation,
    ) -> bool {
        match kind {
            ActionKind::VcsWrite => {
                self.forced |= line.entry.name == "git add" && self.adds_credential(line, here);
                self.records_copy(line, here)
            }
            ActionKind::VcsPush => self.forced,
            _ => false,
        }
    }

    /// `git add -f .env`.
    fn adds_credential(&self, line: &Line<'_>, here: &Situation) -> bool {
        let mut words = line
            .words
            .iter()
            .skip(line.name_words)
            .filter_map(Word::exact);
        let forced = |text: &str| {
            text == "--force"
                || text.starts_with('-') && !text.starts_with("--") && text.contains('f')
        };
        words.clone().any(forced)
            && words.any(|text| {
                let path = self.absolute(text, here).unwrap_or_default();
                let places = &self.catalogue.places;
                special::look_up(places, &path, false, Operation::Read, self.context)
                    .is_some_and(|special| special.kind == ActionKind::CredentialRead)
            })
    }

    fn records_copy(&self, line: &Line<'_>, here: &Situation) -> bool {
        let copies = || {
            self.files
                .iter()
                .filter(|(_, data)| !data.secrets.is_empty())
        };
        if here.on.is_some() || copies().next().is_none() {
            return false;
        }
        let everything = ["-A", "--all"];
        line.words.iter().skip(line.name_words).any(|word| {
            let Some(text) = word.exact() else {
                return false;
            };
            let text = if everything.contains(&text) {
                "."
            } else {
                text
            };
            !text.starts_with('-')
                && self.absolute(text, here).is_some_and(|path| {
                    copies().any(|(held, _)| place::below(held, &path).is_some())
                })
        })
    }

    /// What another user's rights are used for: looking, installing packages from the sources that the machine has, or
    /// starting a service that is there. Anything else beside it, and nothing is said.
    pub(super) fn rights_used(&mut self, first: usize) {
        let own = self.actions.get_mut(first..).unwrap_or_default();
        let Some((raised, inner)) = own.split_first_mut() else {
            return;
        };
        let program = raised.target.value.as_str();
        if raised.kind != ActionKind::ExecPrivileged || !raised.target.exact {
            return;
        }
        let installs = |action: &Action| {
            action.kind == ActionKind::PackageInstall
                && action.target.exact
                && action.attributes == ["system"]
                && action.target.value != UPGRADES
                && names_package(&action.target.value)
        };
        let starts = |action: &Action| {
            action.kind == ActionKind::SystemService
                && action.target.exact
                && action.attributes == ["starts"]
        };
        let used = if inner.is_empty() && LOOKS.contains(&program) {
            "harmless"
        } else if inner.is_empty() {
            return;
        } else if INSTALLERS.contains(&program) && inner.iter().all(installs) {
            "packages"
        } else if inner.iter().all(starts) {
            "starts"
        } else {
            return;
        };
        raised.attributes.push(String::from(used));
    }

    /// A credential in a header, in an agent's name or in the address of a page goes along with a request that only
    /// fetches.
    pub(super) fn told_in_passing(&mut self, first: usize, handed: &Data) {
        if handed.secrets.is_empty() {
            return;
        }
        for action in self.actions.iter_mut().skip(first) {
            let page = action.kind == ActionKind::BrowserAct && action.target.value.contains("://");
            if action.kind == ActionKind::NetFetch || page {
                action.kind = ActionKind::NetSend;
                carry(action, handed, self.context);
            }
        }
    }

    /// A client that is handed a credential, in a word or on its input, and told which host to talk to: what it does
    /// with both is not in its entry, and the credential goes there. A password that logs in goes where it belongs.
    pub(super) fn told_to_host(&mut self, line: &Line<'_>, first: usize, here: &Situation) {
        if line.args.is_some() || here.on.is_some() {
            return;
        }
        let sends = |action: &Action| {
            matches!(
                action.kind,
                ActionKind::NetSend
                    | ActionKind::NetFetch
                    | ActionKind::NetTunnel
                    | ActionKind::MessageSend
                    | ActionKind::ExecElsewhere
                    | ActionKind::VcsPush
                    | ActionKind::SystemConfig
                    | ActionKind::CloudWrite
                    | ActionKind::PackagePublish
            )
        };
        if self
            .actions
            .get(first..)
            .is_none_or(|own| own.iter().any(sends))
        {
            return;
        }
        let mut handed = Data::default();
        let mut host: Option<&Word> = None;
        let mut before = "";
        for word in line.words.iter().skip(line.name_words) {
            let (text, _) = word.known();
            let option = std::mem::replace(&mut before, text);
            if let Some(data) = &word.data
                && !data.secrets.is_empty()
                && !text.starts_with('-')
                && !logs_in_with(option)
                && !text.contains("://")
            {
                handed.merge(data);
            }
            if text.contains("://") && !text.starts_with("http") && !text.starts_with("file:")
                || names_host_option(option) && text.contains('.') && !text.starts_with(['/', '.'])
            {
                host = Some(word);
            }
        }
        if !line.stdin.secrets.is_empty() {
            handed.merge(line.stdin);
        }
        let Some(host) = host.filter(|_| !handed.secrets.is_empty()) else {
            return;
        };
        let word = Word {
            data: None,
            ..host.clone()
        };
        let at = self.actions.len();
        self.act(
            &Manner::of(ActionKind::NetSend, Role::Host, ""),
            &word,
            here,
        );
        for action in self.actions.iter_mut().skip(at) {
            carry(action, &handed, self.context);
        }
    }

    /// Packages that come from where an option says, over HTTP: whoever is on the way decides what is installed. Managers
    /// of the system check signatures, and say themselves when they do not.
    pub(super) fn installs_from(&mut self, line: &Line<'_>, first: usize, here: &Situation) {
        let installs =
            |action: &Action| action.kind == ActionKind::PackageInstall && !action.has("system");
        let Some(by) = self
            .actions
            .get(first..)
            .and_then(|own| own.iter().find(|action| installs(action)))
            .map(|action| action.by.clone())
        else {
            return;
        };
        let mut before = "";
        let mut found: Option<(Word, String)> = None;
        for word in line.words.iter().skip(1) {
            let Some(text) = word.exact() else {
                before = "";
                continue;
            };
            let (option, value) = text.split_once('=').unwrap_or((before, text));
            before = text;
            if value.starts_with("http://") && names_source(option) {
                found = Some((word.clone(), value.to_owned()));
            }
        }
        let Some((word, url)) = found else { return };
        let facts = url::classify(&url);
        if facts.has("loopback") || facts.has("private_host") {
            return;
        }
        let attributes = vec!["from_url", "unverified"];
        let manner = Manner {
            attributes,
            ..Manner::of(ActionKind::PackageInstall, Role::Name, &by)
        };
        let source = Word::made(Value::Exact(url), word.origin.clone());
        self.act(&manner, &source, here);
    }

    /// Names that are added for this machine itself, in the file of hosts, lead nobody anywhere.
    pub(super) fn names_this_machine(&mut self, first: usize, data: &Data) {
        let text = data.text.as_ref().and_then(|text| text.value.exact());
        let own = |line: &str| {
            let address = line.split_whitespace().next().unwrap_or("#");
            address.starts_with("127.") || address == "::1" || address.starts_with('#')
        };
        if !text.is_some_and(|text| text.lines().all(own)) {
            return;
        }
        for action in self.actions.iter_mut().skip(first) {
            if action.kind == ActionKind::SystemNetwork
                && action.target.value.ends_with("/etc/hosts")
                && action.has("append")
            {
                action.attributes.push(String::from("loopback"));
                action.attributes.sort_unstable();
            }
        }
    }

    /// Credentials in variables leave with what is sent: those that are somebody's go to them alone, and of the others
    /// a person is asked.
    pub(super) fn sends_variables(
        &mut self,
        first: usize,
        data: &Data,
        handed: &Data,
        logs_in: &[Rc<str>],
    ) {
        if data.variables.is_empty() && handed.secrets.is_empty() && logs_in.is_empty() {
            return;
        }
        for action in self.actions.iter_mut().skip(first) {
            if action.kind == ActionKind::VcsWrite && !handed.secrets.is_empty() {
                // A message is shown to everybody who can see the repository.
                action.attributes.push(String::from("secret"));
            }
            let address = match action.kind {
                ActionKind::NetFetch | ActionKind::NetSend => Some(action.target.value.as_str()),
                ActionKind::VcsConfig | ActionKind::VcsPush => {
                    owner::address_of(&action.target.value)
                }
                _ => None,
            };
            let known = |address: &&str| action.target.exact || owner::names_host(address);
            let Some(address) = address.filter(known).filter(|_| !action.has("loopback")) else {
                continue;
            };
            let logs_in_there = owner::logs_in(address);
            let host = url::classify(address).host.unwrap_or_default();
            let told = |name: &Rc<str>| owner::belongs(name, &host);
            let elsewhere = |name: &&Rc<str>| told(name) == Belongs::Elsewhere;
            let gone = data.variables.iter().find(elsewhere);
            let shown = handed
                .variables
                .iter()
                .find(|name| !logs_in_there && told(name) != Belongs::Here);
            // A password without an owner's name logs in wherever somebody says that it does.
            let doubtful =
                |name: &&Rc<str>| matches!(told(name), Belongs::Elsewhere | Belongs::Unclear);
            let shown = gone
                .or(shown)
                .or_else(|| logs_in.iter().find(doubtful))
                .map(|name| format!("carries the variable `{name}`"));
            if gone.is_some() && !action.has("secret") {
                action.attributes.push(String::from("secret"));
                action.attributes.sort_unstable();
                action.reason.clone_from(&shown);
            }
            if action.kind == ActionKind::NetFetch && shown.is_some() {
                action.kind = ActionKind::NetSend;
                action.reason = shown;
            }
        }
    }
}

/// `git remote add NAME ADDRESS` and then `git push NAME`: the project is sent to that address.
pub(super) fn pushes_by_name(actions: &mut [Action]) {
    let mut remotes: Vec<(String, String)> = Vec::new();
    for action in actions {
        let mut words = action.target.value.splitn(2, ' ');
        let (Some(name), rest) = (words.next(), words.next()) else {
            continue;
        };
        match action.kind {
            ActionKind::VcsConfig if action.by.starts_with("git remote") => {
                if let Some(address) = rest.filter(|rest| rest.contains([':', '/'])) {
                    remotes.push((name.to_owned(), address.to_owned()));
                }
            }
            ActionKind::VcsPush => {
                if let Some((_, address)) = remotes.iter().rev().find(|(held, _)| held == name) {
                    let behind = rest.map(|rest| format!(" {rest}")).unwrap_or_default();
                    action.target.value = format!("{address}{behind}");
                }
            }
            _ => {}
        }
    }
}

/// Whether a word is the name of a package, with or without a version, and neither a file nor a pattern.
fn names_package(word: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'.' | b'_' | b':' | b'=' | b'~' | b'-')
    };
    let file = [".deb", ".rpm", ".apk", ".ddeb"]
        .iter()
        .any(|end| word.ends_with(end));
    word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.bytes().all(plain)
        && !file
}

/// What is installed when nothing is named.
const UPGRADES: &str = "upgrades";

/// Programs that install packages, signed by whoever the machine trusts for them, and take nothing else for an operand.
const INSTALLERS: [&str; 5] = ["apt", "apt-get", "aptitude", "dnf", "yum"];

/// Programs of which nothing more is to be said, when nothing is said about what they do: none of them is a door to
/// something else.
const LOOKS: [&str; 28] = [
    "apt",
    "apt-get",
    "apk",
    "dnf",
    "yum",
    "pacman",
    "zypper",
    "dpkg",
    "rpm",
    "snap",
    "systemctl",
    "service",
    "journalctl",
    "docker",
    "podman",
    "true",
    "test",
    "id",
    "whoami",
    "ss",
    "lsof",
    "netstat",
    "lsblk",
    "blkid",
    "lspci",
    "lsusb",
    "dmidecode",
    "iptables",
];

/// Whether the name of an option says where packages come from: `--index-url`, `-Source`, `--registry`.
fn names_source(option: &str) -> bool {
    const PARTS: [&str; 12] = [
        "registry",
        "index",
        "source",
        "server",
        "repo",
        "mirror",
        "find-links",
        "channel",
        "feed",
        "catalog",
        "resolver",
        "remote",
    ];
    let name = option.trim_start_matches('-').to_ascii_lowercase();
    option.starts_with('-')
        && (matches!(name.as_str(), "i" | "s" | "f" | "c" | "r")
            || PARTS.iter().any(|part| name.contains(part)))
}

/// Whether the value of that option is what a client logs in with.
fn logs_in_with(option: &str) -> bool {
    matches!(
        option,
        "-p" | "-W" | "-a" | "-P" | "-w" | "-k" | "-i" | "-E" | "-u" | "-U"
    ) || [
        "pass",
        "token",
        "auth",
        "user",
        "key",
        "secret",
        "cert",
        "credential",
    ]
    .iter()
    .any(|part| option.starts_with("--") && option.contains(part))
}

/// Whether the value of that option is the host that a client talks to.
fn names_host_option(option: &str) -> bool {
    matches!(
        option,
        "-h" | "-H"
            | "--host"
            | "--hostname"
            | "--server"
            | "--bootstrap-server"
            | "--broker-list"
            | "--broker"
            | "--brokers"
            | "-b"
            | "-s"
            | "--url"
            | "--uri"
            | "--endpoint"
            | "--address"
            | "--target"
            | "--remote"
    )
}
