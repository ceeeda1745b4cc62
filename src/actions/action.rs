//! One thing a call would do. A leaf: facts, policy and records read it.

use serde::{Deserialize, Serialize};

use super::kinds::ActionKind;
use crate::span::ByteSpan;

/// How sure we are that the action happens when the call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It may happen: a branch, a loop body, a name that could be shadowed.
    Possible,
    /// It happens, but the target is only partly known.
    Likely,
    /// It happens, on that target.
    Certain,
}

impl Certainty {
    /// The name on the wire and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// What kind of place a file-system target is, computed once so that policy needs no path logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Inside the workspace.
    Workspace,
    /// The workspace's own root, or everything in it.
    WorkspaceRoot,
    /// A directory that contains the workspace.
    WorkspaceParent,
    /// A scratch place (`/tmp`, `/var/tmp`, `$TMPDIR`).
    Temp,
    /// A package manager's or tool's cache below the home directory, which can be rebuilt.
    Cache,
    /// Inside the user's home, outside the workspace.
    Home,
    /// The home directory itself, or everything in it; also other people's.
    HomeRoot,
    /// A system directory (`/etc`, `/usr`, `/boot`, `/var/lib`, …).
    System,
    /// The file system's root, or everything in it.
    Root,
    /// A device file that stores data or controls hardware.
    Device,
    /// `/dev/null`, `/dev/stdout` and their kind: writing there changes nothing.
    Null,
    /// An absolute path that is none of these.
    Outside,
    /// Not a path of this machine (another host, a container).
    Remote,
    /// The path is not known well enough.
    Unknown,
}

impl Place {
    /// Every place, in the order of declaration.
    pub const ALL: [Self; 14] = [
        Self::Workspace,
        Self::WorkspaceRoot,
        Self::WorkspaceParent,
        Self::Temp,
        Self::Cache,
        Self::Home,
        Self::HomeRoot,
        Self::System,
        Self::Root,
        Self::Device,
        Self::Null,
        Self::Outside,
        Self::Remote,
        Self::Unknown,
    ];

    /// The name used in policies and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::WorkspaceRoot => "workspace_root",
            Self::WorkspaceParent => "workspace_parent",
            Self::Temp => "temp",
            Self::Cache => "cache",
            Self::Home => "home",
            Self::HomeRoot => "home_root",
            Self::System => "system",
            Self::Root => "root",
            Self::Device => "device",
            Self::Null => "null",
            Self::Outside => "outside",
            Self::Remote => "remote",
            Self::Unknown => "unknown",
        }
    }

    /// The place with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == name)
    }
}

/// What an action is done to. Members stand in the order of canonical JSON, in which they need not be sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Target {
    /// Whether `value` is the whole truth. `false`: a prefix, a pattern or nothing is known.
    pub exact: bool,
    /// Host of a network target, lower case, without port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where a path lies; `None` for what is not a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The resolved value (absolute path, host, table, branch), as much of it as is known.
    pub value: String,
}

impl Target {
    /// A target that is known exactly and is no path.
    #[must_use]
    pub fn named(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            exact: true,
            ..Self::default()
        }
    }
}

/// Something the call would do: `kind` + target + attributes + how it was derived. Members stand in the order of canonical
/// JSON, in which they need not be sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// JSON Pointer of the argument it was read from: `/command`.
    pub at: String,
    /// How: `recursive`, `force`, `append`, `secret`, `metadata`, `tls_off`, … Sorted, no duplicates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// The program or tool that does it: `rm`, `git push`, `Write`.
    pub by: String,
    /// How sure we are.
    pub certainty: Certainty,
    /// What is done.
    pub kind: ActionKind,
    /// Where it happens when not here: `ssh:host`, `docker:web`, `kubectl:pod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Why it could not be known better; set for `unknown` and for inexact targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A safer way to get what was probably wanted, said when the action is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safer: Option<String>,
    /// The bytes of that argument that say so; `None` when the whole call does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<ByteSpan>,
    /// To what.
    pub target: Target,
}

impl Action {
    /// Whether the action carries that attribute.
    #[must_use]
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|held| held == attribute)
    }

    /// One plain sentence: `would delete /home/u (recursive)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut out = String::with_capacity(96);
        self.push_sentence(&mut out);
        out
    }

    /// Appends [`Action::sentence`].
    pub fn push_sentence(&self, out: &mut String) {
        out.push_str(if self.has("later") {
            "would later "
        } else {
            "would "
        });
        out.push_str(self.kind.verb());
        if !self.target.value.is_empty() {
            out.push(' ');
            out.push_str(&self.target.value);
            if !self.target.exact {
                out.push('…');
            }
        } else if !self.target.exact && self.kind != ActionKind::Unknown {
            out.push_str(" something that could not be determined");
        }
        if !self.attributes.is_empty() {
            out.push_str(" (");
            out.push_str(&self.attributes.join(", "));
            out.push(')');
        }
        if let Some(on) = &self.on {
            out.push_str(" on ");
            out.push_str(on);
        }
        if let Some(reason) = &self.reason {
            out.push_str(if self.kind == ActionKind::Unknown {
                " "
            } else {
                "; "
            });
            out.push_str(reason);
        }
    }
}
