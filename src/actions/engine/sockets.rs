//! Connections that bash itself opens (`/dev/tcp/HOST/PORT`), and what goes over them.

use std::rc::Rc;

use super::files::Poured;
use super::leaving::carry;
use super::{Engine, Situation, blank};
use crate::actions::action::{Action, Target};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::actions::word::Data;
use crate::shell::command::{Candidate, Redirect, Value};

/// Files by which bash opens a connection: `/dev/tcp/HOST/PORT`.
const SOCKETS: [&str; 2] = ["/dev/tcp/", "/dev/udp/"];

impl Engine<'_> {
    /// `COMMAND >&3`, where the call connected a descriptor before: what is read goes to that host.
    pub(super) fn over_descriptor(&mut self, redirect: &Redirect, output: &Data, here: &Situation) {
        let number = redirect
            .target
            .exact()
            .and_then(|number| number.parse().ok());
        if let Some(number) = number.filter(|_| redirect.fd == 1) {
            self.poured_over(number, output, here);
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

    /// What a command writes to a descriptor is in the file that `exec` opened under that number.
    pub(super) fn poured_over(&mut self, number: u32, output: &Data, here: &Situation) {
        let file = self
            .descriptors
            .iter()
            .rev()
            .find(|(held, _)| *held == number);
        if let Some(file) = file.map(|(_, file)| file.clone()) {
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
