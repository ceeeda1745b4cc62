//! Objects of Kubernetes, in YAML or JSON: what of a host they take, and which rights they give.
//!
//! Not a reader of YAML: both notations write a key, a colon and a value, and that is all that is looked at. What is
//! in a string, a comment or a block of text looks the same; nothing that is said here is said of a file that is only
//! kept.

use super::{CodeEffect, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// Keys that give a pod a part of the host when they are true.
const SWITCHES: [(&str, &str); 4] = [
    ("hostPID", "host_namespace"),
    ("hostNetwork", "host_namespace"),
    ("hostIPC", "host_namespace"),
    ("privileged", "privileged"),
];

/// Folders of a host by which all of it can be had.
const HELD: [&str; 11] = [
    "/etc", "/root", "/proc", "/sys", "/dev", "/boot", "/home", "/usr", "/var", "/run", "/var/lib",
];

/// Roles that may do everything.
const ROLES: [&str; 2] = ["cluster-admin", "system:masters"];

/// What creating those objects does, besides that they come to be.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut effects = Vec::new();
    let mut mounted = false;
    let mut binds = false;
    for (key, value, at) in pairs(text) {
        let span = ByteSpan::new(at, at + key.len());
        let escape = |attribute: &'static str| What::Act {
            kind: ActionKind::ContainerEscape,
            target: Some(Value::Exact(key.to_owned())),
            role: TargetRole::Name,
            attributes: vec![attribute],
        };
        let switch = SWITCHES.iter().find(|(name, _)| *name == key);
        let what = match (switch, key) {
            (Some((_, attribute)), _) if value == "true" => escape(attribute),
            (None, "hostPath") => {
                mounted = true;
                // `hostPath: {path: /}`
                let path = value.trim_start_matches(['{', '"']);
                match path.strip_prefix("path") {
                    Some(rest) if holds_host(bare(rest.trim_start_matches(['"', ':', ' ']))) => {
                        escape("host_mount")
                    }
                    _ => continue,
                }
            }
            (None, "path") if mounted => {
                mounted = false;
                if !holds_host(value) {
                    continue;
                }
                escape("host_mount")
            }
            (None, "kind") => {
                binds |= value.ends_with("RoleBinding");
                continue;
            }
            (None, "name") if binds && ROLES.contains(&value) => What::Act {
                kind: ActionKind::CloudAccess,
                target: Some(Value::Exact(value.to_owned())),
                role: TargetRole::Name,
                attributes: vec!["admin"],
            },
            _ => continue,
        };
        if let Some(span) = span {
            effects.push(CodeEffect {
                what,
                span,
                certain: true,
            });
        }
    }
    effects
}

/// Whether who has that folder has the host.
fn holds_host(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.is_empty()
        || HELD.contains(&path)
        || path.ends_with("docker.sock")
        || path.ends_with("containerd.sock")
}

/// A scalar without what may stand around it.
fn bare(value: &str) -> &str {
    let value = value.trim();
    let end = value.find([',', '}', ']', '#']).unwrap_or(value.len());
    value[..end].trim().trim_matches(['"', '\''])
}

/// Keys with the scalars behind them, and where the keys stand.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str, usize)> {
    memchr::memchr_iter(b':', text.as_bytes()).filter_map(move |colon| {
        let before = text[..colon].trim_end_matches(['"', '\'']);
        let begin = before
            .rfind(|one: char| !one.is_ascii_alphanumeric())
            .map_or(0, |at| at + 1);
        let key = before.get(begin..).filter(|key| !key.is_empty())?;
        let rest = text.get(colon + 1..)?;
        let line = rest.split('\n').next().unwrap_or(rest);
        let value = if key == "hostPath" {
            line.trim()
        } else {
            bare(line)
        };
        Some((key, value, begin))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(ActionKind, String)> {
        analyse(text)
            .into_iter()
            .filter_map(|effect| match effect.what {
                What::Act {
                    kind,
                    target: Some(Value::Exact(target)),
                    ..
                } => Some((kind, target)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_takes_the_host_is_found_in_both_notations() {
        let escape = |key: &str| vec![(ActionKind::ContainerEscape, key.to_owned())];
        assert_eq!(kinds("spec:\n  hostPID: true\n"), escape("hostPID"));
        assert_eq!(kinds(r#"{"spec":{"hostIPC":true}}"#), escape("hostIPC"));
        assert_eq!(
            kinds("securityContext: {privileged: true}"),
            escape("privileged")
        );
        assert_eq!(
            kinds("volumes:\n- name: h\n  hostPath:\n    path: /\n"),
            escape("path")
        );
        assert_eq!(
            kinds(r#"{"hostPath":{"path":"/etc"}}"#),
            vec![
                (ActionKind::ContainerEscape, String::from("hostPath")),
                (ActionKind::ContainerEscape, String::from("path"))
            ]
        );
    }

    #[test]
    fn what_takes_nothing_of_the_host_is_left_alone() {
        assert_eq!(kinds("spec:\n  hostPID: false\n"), vec![]);
        assert_eq!(kinds("hostPath:\n  path: /srv/data\n"), vec![]);
        assert_eq!(kinds("readinessProbe:\n  httpGet:\n    path: /\n"), vec![]);
        assert_eq!(kinds("kind: Role\nname: cluster-admin"), vec![]);
    }

    #[test]
    fn who_may_do_everything_is_said() {
        assert_eq!(
            kinds("kind: ClusterRoleBinding\nroleRef:\n  name: cluster-admin\n"),
            vec![(ActionKind::CloudAccess, String::from("cluster-admin"))]
        );
    }
}
