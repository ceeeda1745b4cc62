//! Conditions on one action.

use super::{Globs, Spot, Targets, Truth, Words};
use crate::actions::{Action, ActionKind, Place};
use crate::policy::compiled::Compiled;
use crate::policy::packed::fixed_enum;
use crate::policy::subjects::Subject;

/// A condition on one action. The kind is not among them: it selects the actions a block speaks about.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) enum ActionCondition {
    Target(Targets),
    /// Bit by position in the vocabulary.
    Place(u16),
    Host(Globs),
    Has(Words),
    Certainty(u8),
    Exact(bool),
    Remote(bool),
    On(Globs),
    By(Globs),
}

fixed_enum!(ActionCondition {
    0 => Target(targets: Targets),
    1 => Place(set: u16),
    2 => Host(globs: Globs),
    3 => Has(words: Words),
    4 => Certainty(set: u8),
    5 => Exact(exact: bool),
    6 => Remote(remote: bool),
    7 => On(globs: Globs),
    8 => By(globs: Globs),
});

impl ActionCondition {
    pub(in crate::policy) const fn name(&self) -> &'static str {
        match self {
            Self::Target(_) => "action.target",
            Self::Place(_) => "action.place",
            Self::Host(_) => "action.host",
            Self::Has(_) => "action.has",
            Self::Certainty(_) => "action.certainty",
            Self::Exact(_) => "action.exact",
            Self::Remote(_) => "action.remote",
            Self::On(_) => "action.on",
            Self::By(_) => "action.by",
        }
    }

    pub(in crate::policy) fn holds(
        self,
        action: &Action,
        spot: &Spot<'_>,
        compiled: &Compiled,
    ) -> Truth {
        let not_understood = action.kind == ActionKind::Unknown;
        match self {
            Self::Target(targets) => targets.hold(action, spot, compiled),
            Self::Place(set) => place(set, action),
            Self::Host(globs) => match &action.target.host {
                Some(host) => globs.fit(host, compiled).into(),
                None if not_understood || !action.target.exact || has_host(action.kind) => {
                    Truth::Unknown
                }
                None => Truth::No,
            },
            Self::Has(words) => {
                let absent = if not_understood {
                    Truth::Unknown
                } else {
                    Truth::No
                };
                words.fit(&action.attributes, absent, compiled)
            }
            Self::Certainty(set) => (set & (1 << action.certainty as u8) != 0).into(),
            Self::Exact(exact) => (action.target.exact == exact).into(),
            Self::Remote(remote) => (action.on.is_some() == remote).into(),
            Self::On(globs) => globs.fit_option(action.on.as_deref(), compiled),
            Self::By(globs) => globs.fit(&action.by, compiled).into(),
        }
    }
}

/// Where an action is done: `None` where that is not known, `Some(None)` where it is done in no place.
fn known_place(action: &Action) -> Option<Option<Place>> {
    match action.target.place {
        _ if action.kind == ActionKind::Unknown => None,
        Some(Place::Unknown) => None,
        None if is_path(action.kind) => None,
        place => Some(place),
    }
}

fn place(set: u16, action: &Action) -> Truth {
    let holds = |place: Place| set & (1 << place as u16) != 0;
    match known_place(action) {
        Some(place) => place.is_some_and(holds).into(),
        None if holds(Place::Unknown) => Truth::Yes,
        None => Truth::Unknown,
    }
}

/// What blocks that may speak about an action have in common: its kind, and three that each are a condition of its own;
/// where nothing is ruled out because it is not known, that is the kind again.
pub(in crate::policy) fn subjects(action: &Action) -> (Subject, [Subject; 3]) {
    let kind = Subject::Kind(action.kind);
    let place = match known_place(action) {
        Some(Some(place)) => Subject::Place(place),
        Some(None) => Subject::Anywhere,
        None => kind,
    };
    let is_bare = action.kind != ActionKind::Unknown && action.attributes.is_empty();
    let bare = if is_bare {
        Subject::WithoutAttribute
    } else {
        kind
    };
    (kind, [Subject::Certainty(action.certainty), place, bare])
}

/// Whether the target of such an action is a path.
const fn is_path(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::FsRead
            | ActionKind::FsWrite
            | ActionKind::FsDelete
            | ActionKind::FsDestroy
            | ActionKind::FsPermission
    )
}

/// Whether the target of such an action is a host.
const fn has_host(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::NetFetch
            | ActionKind::NetSend
            | ActionKind::NetScan
            | ActionKind::NetTunnel
            | ActionKind::ExecRemoteCode
            | ActionKind::ExecRemoteShell
    )
}
