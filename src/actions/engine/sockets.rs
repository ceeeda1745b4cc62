//! Connections that bash itself opens (`/dev/tcp/HOST/PORT`), and what goes over them.

use std::ops::Range;
use std::rc::Rc;

use super::files::Poured;
use super::leaving::carry;
use super::{Engine, MAX_FILES, Situation, blank};
use crate::actions::action::{Action, Target};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::actions::word::{Data, Word};
use crate::shell::command::{Candidate, Redirect, Value};

/// Files by which bash opens a connection: `/dev/tcp/HOST/PORT`.
const SOCKETS: [&str; 2] = ["/dev/tcp/", "/dev/udp/"];

impl Engine<'_> {
    /// `COMMAND >&3`, where the call connected a descriptor before: what is read goes to that host.
    pub(super) fn over_descriptor(
        &mut self,
        redirect: &Redirect,
        words: &[Word],
        output: &Data,
        here: &Situation,
    ) {
        let number = redirect
            .target
            .exact()
            .and_then(|number| number.parse().ok());
        if let Some(number) = number.filter(|_| redirect.fd == 1) {
            self.poured_over(number, output, here);
            if is_exec(words) {
                let mut held = self.descriptors.iter().rev();
                let held = held.find(|(held, _)| *held == number);
                let file = held.and_then(|(_, file)| file.clone());
                self.opens(redirect.fd, file);
            }
        }
        if redirect.fd == 1
            && output.is_local()
            && let Some(host) = self.socket.clone()
        {
            let mut action = at_host(ActionKind::NetSend, &host, here);
            carry(&mut action, output, self.context);
            self.push(action, here);
        }
    }

    /// `COMMAND >&3`, where 3 leads to a file: what is written lies there.
    pub(super) fn through_descriptor(
        &mut self,
        redirect: &Redirect,
        words: &[Word],
        output: &Data,
        here: &Situation,
    ) {
        if socket(&redirect.target).is_some() {
            return self.over_descriptor(redirect, words, output, here);
        }
        let file = Word::made(redirect.target.clone(), here.origin.clone());
        if redirect.fd == 1 {
            // The file was opened before, whoever is said to have opened it.
            if let Some(located) = self.located(&file, here) {
                self.flows_on(&located.path, redirect.span);
            }
            self.pour(&file, output, here);
        }
        if is_exec(words) {
            self.opens(redirect.fd, Some(file));
        }
    }

    /// Remembers where a descriptor leads for what follows.
    pub(super) fn opens(&mut self, number: u32, file: Option<Word>) {
        if self.descriptors.len() < MAX_FILES {
            self.descriptors.push((number, file));
        }
    }

    /// The files that a command finds open, for as long as it runs; where they are noted.
    pub(super) fn inherits(&mut self, redirects: &[Redirect], here: &Situation) -> Range<usize> {
        let before = self.descriptors.len();
        for redirect in redirects.iter().filter(|redirect| redirect.fd > 2) {
            if redirect.kind.opens_to_write() {
                let file = Word::made(redirect.target.clone(), here.origin.clone());
                self.opens(redirect.fd, Some(file));
            }
        }
        before..self.descriptors.len()
    }

    /// Forgets what [`Self::inherits`] noted.
    pub(super) fn disinherits(&mut self, noted: Range<usize>) {
        if noted.end <= self.descriptors.len() {
            self.descriptors.drain(noted);
        }
    }

    /// What a command writes to a descriptor is in the file that `exec` opened under that number.
    pub(super) fn poured_over(&mut self, number: u32, output: &Data, here: &Situation) {
        let file = self
            .descriptors
            .iter()
            .rev()
            .find(|(held, _)| *held == number);
        if let Some((_, Some(file))) = file.cloned() {
            self.remember(&file, output, Poured::More, here);
        }
    }

    /// A shell's output goes into a command that speaks to the network: it is a remote party's shell.
    pub(super) fn remote_shell_over(&mut self, before: usize, here: &Situation) {
        let peer = self.actions[before..].iter().find(|action| {
            matches!(
                action.kind,
                ActionKind::NetSend
                    | ActionKind::NetFetch
                    | ActionKind::NetListen
                    | ActionKind::NetTunnel
            )
        });
        if let Some(peer) = peer {
            let action = Action {
                kind: ActionKind::ExecRemoteShell,
                attributes: Vec::new(),
                ..peer.clone()
            };
            self.push(action, here);
        }
    }

    pub(super) fn connect(&mut self, kind: ActionKind, host: &str, here: &Situation) {
        let action = at_host(kind, host, here);
        self.push(action, here);
    }
}

/// Whether a command is there for its redirects, which hold from then on.
pub(super) fn is_exec(words: &[Word]) -> bool {
    matches!(words, [word] if word.exact() == Some("exec"))
}

/// An action towards a host that bash itself connects to.
pub(super) fn at_host(kind: ActionKind, host: &str, here: &Situation) -> Action {
    let facts = url::classify(host);
    Action {
        target: Target {
            value: host.to_owned(),
            exact: true,
            place: None,
            host: facts.host.clone(),
        },
        attributes: facts
            .attributes
            .iter()
            .filter(|attribute| **attribute != "plain_http")
            .map(|attribute| (*attribute).to_owned())
            .collect(),
        by: String::from("/dev/tcp"),
        ..blank(kind, here)
    }
}

/// The peer, when a file is bash's way to open a connection.
pub(super) fn socket(file: &Value) -> Option<Rc<str>> {
    file.candidates().into_iter().find_map(|candidate| {
        let (Candidate::Exact(text) | Candidate::Pattern(text) | Candidate::Prefix(text, _)) =
            candidate;
        let rest = SOCKETS
            .into_iter()
            .find_map(|socket| text.strip_prefix(socket))?;
        Some(Rc::from(rest.replacen('/', ":", 1)))
    })
}
