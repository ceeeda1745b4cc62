//! What leaves the machine with a request, and what is said of it.

use std::rc::Rc;

use super::owner::{self, Belongs};
use super::target::Manner;
use crate::actions::action::{Action, Place};
use crate::actions::catalogue::entry::Role;
use crate::actions::kinds::ActionKind;
use crate::actions::place;
use crate::actions::word::{Data, Word, add};
use crate::call::Context;
use crate::shell::command::Why;

/// How the name of what is no file and a person's own begins: a clipboard, a screen. Paths are absolute.
const PERSONAL: &str = "what a person has in ";
/// The same for everything that a database holds.
const DATABASE: &str = "everything in ";

/// What flows out of a read that is none of a file, where its attributes say that it matters whither.
pub(super) fn held(action: &Action, data: &mut Data) {
    let source = if action.kind == ActionKind::FsRead && action.has("outside") {
        format!("{PERSONAL}{}", action.target.value)
    } else if action.kind == ActionKind::DbRead && action.has("database") {
        format!("{DATABASE}{}", action.target.value)
    } else {
        return;
    };
    data.some = true;
    add(&mut data.files, &Rc::from(source));
}

/// Data inside of an address leaves with the request.
pub(super) fn leak(
    action: &mut Action,
    manner: &Manner<'_>,
    why: Option<&Why>,
    word: &Word,
    context: &Context,
) {
    let network = matches!(
        action.kind,
        ActionKind::NetFetch | ActionKind::NetSend | ActionKind::NetScan
    );
    if !network {
        return;
    }
    // An address that a file of the project lists is fetched, and not told to anybody.
    let listed = |data: &Data| {
        data.secrets.is_empty()
            && word.known().0.is_empty()
            && data
                .files
                .iter()
                .all(|file| place_of_file(file, context) == Place::Workspace)
    };
    let carried = word
        .data
        .as_deref()
        .filter(|data| data.is_local() && !listed(data));
    let variable = match why {
        Some(Why::UnsetVariable(name) | Why::PutIn(name))
            if owner::holds_credential(name) && !owner::logs_in(&action.target.value) =>
        {
            Some(name)
        }
        _ => None,
    };
    if carried.is_none() && variable.is_none() {
        return;
    }
    action.kind = ActionKind::NetSend;
    if manner.role == Role::Host {
        action.attributes.push(String::from("dns"));
    }
    if let Some(name) = variable {
        let host = action.target.host.as_deref().unwrap_or_default();
        let known = owner::names_host(&action.target.value);
        if !known || owner::belongs(name, host) != Belongs::Here {
            action.attributes.push(String::from("secret"));
        }
        action.reason = Some(format!("carries the variable `{name}`"));
    }
    if let Some(data) = carried {
        mark(action, data, context);
    }
}

/// Says of something that leaves the machine what it carries.
pub(super) fn carry(action: &mut Action, data: &Data, context: &Context) {
    if data.is_local() {
        mark(action, data, context);
    }
}

/// Attributes and reason of what flows out.
fn mark(action: &mut Action, data: &Data, context: &Context) {
    let (attribute, sources) = if data.secrets.is_empty() {
        ("local_data", &data.files)
    } else {
        ("secret", &data.secrets)
    };
    if !action.has(attribute) {
        action.attributes.push(attribute.to_owned());
    }
    let personal = data.files.iter().any(|file| {
        file.starts_with(PERSONAL)
            || matches!(
                place_of_file(file, context),
                Place::System | Place::Home | Place::HomeRoot | Place::Root
            )
    });
    if personal && !action.has("outside_data") {
        action.attributes.push(String::from("outside_data"));
    }
    let database = data.files.iter().any(|file| file.starts_with(DATABASE));
    if database && !action.has("database") {
        action.attributes.push(String::from("database"));
    }
    action.attributes.sort_unstable();
    if action.reason.is_none()
        && let Some(source) = sources.first()
    {
        action.reason = Some(format!("carries {source}"));
    }
}

/// Where a file lies of which `…` says that its name is not known.
fn place_of_file(file: &str, context: &Context) -> Place {
    match file.strip_suffix('…') {
        Some("" | "/") => Place::Root,
        Some(folder) => place::classify_within(folder.trim_end_matches('/'), context),
        None => place::classify(file, context),
    }
}
