//! Clients of clouds and clusters: thousands of methods, whose names begin with what they do.

use crate::actions::code::value::{Kind, Val};
use crate::actions::code::walk::{Args, Walker};
use crate::actions::code::{Language, TargetRole, sinks};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// What a client is called as an object.
pub(super) const CLIENT: &str = "cloud";

/// Verbs that take something away.
const DELETES: [&str; 10] = [
    "delete",
    "terminate",
    "destroy",
    "remove",
    "purge",
    "drop",
    "deregister",
    "empty",
    "release",
    "reset",
];

/// Verbs that change something.
const WRITES: [&str; 24] = [
    "create", "put", "update", "modify", "attach", "detach", "start", "stop", "reboot", "run",
    "invoke", "publish", "upload", "copy", "restore", "enable", "disable", "schedule", "set",
    "add", "patch", "replace", "scale", "execute",
];

/// Parts of names by which it is somebody's rights that change.
const RIGHTS: [&str; 8] = [
    "policy",
    "accesskey",
    "loginprofile",
    "role",
    "permission",
    "acl",
    "usertogroup",
    "ingress",
];

/// Parts of names of what takes a lot along when it goes.
const WHOLE: [&str; 12] = [
    "bucket",
    "table",
    "dbinstance",
    "dbcluster",
    "cluster",
    "stack",
    "namespace",
    "project",
    "snapshot",
    "filesystem",
    "vault",
    "hostedzone",
];

/// Methods that give out secrets.
const SECRETS: [&str; 6] = [
    "getsecretvalue",
    "accesssecretversion",
    "readnamespacedsecret",
    "getpassworddata",
    "getauthorizationtoken",
    "getsecret",
];

/// Whether calling that name makes a client.
pub(super) fn makes_client(language: Language, name: &str) -> bool {
    let within = |prefix: &str| name.strip_prefix(prefix);
    match language {
        Language::Python => {
            matches!(
                within("boto3."),
                Some("client" | "resource" | "Session" | "session.Session")
            ) || (within("google.cloud.").is_some() && name.ends_with("Client"))
                || (within("azure.").is_some() && name.ends_with("Client"))
                || (within("kubernetes.client.").is_some() && name.ends_with("Api"))
        }
        Language::JavaScript => {
            within("AWS.").is_some()
                || within("aws-sdk.").is_some()
                || within("@google-cloud/").is_some()
        }
        Language::Ruby => within("Aws::").is_some() && name.ends_with(".new"),
        _ => false,
    }
}

/// The kind and the attributes of what a method does; `None` when it only looks, or leads to another object.
fn effect(method: &str) -> Option<(ActionKind, Vec<&'static str>)> {
    let plain: String = method
        .chars()
        .filter(|one| *one != '_')
        .map(|one| one.to_ascii_lowercase())
        .collect();
    let holds = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
    let begins = |verbs: &[&str]| verbs.iter().any(|verb| plain.starts_with(verb));
    // What takes long, as Azure calls it: what it is called for is a whole resource.
    if let Some(begun) = plain.strip_prefix("begin")
        && DELETES.iter().any(|verb| begun.starts_with(verb))
    {
        return Some((ActionKind::CloudDelete, vec!["protected"]));
    }
    if SECRETS.contains(&plain.as_str()) {
        return Some((ActionKind::CredentialRead, vec!["store"]));
    }
    if begins(&DELETES) {
        let attributes = if holds(&WHOLE) {
            vec!["protected"]
        } else {
            Vec::new()
        };
        return Some((ActionKind::CloudDelete, attributes));
    }
    if begins(&WRITES) {
        let kind = if holds(&RIGHTS) {
            ActionKind::CloudAccess
        } else {
            ActionKind::CloudWrite
        };
        return Some((kind, Vec::new()));
    }
    None
}

/// The method that a command object of the AWS SDK for JavaScript stands for: `DeleteBucketCommand`.
pub(super) fn command(language: Language, name: &str) -> Option<&str> {
    let last = name.rsplit(['.', '/']).next().unwrap_or(name);
    let method = last.strip_suffix("Command")?;
    let named = method.starts_with(|one: char| one.is_ascii_uppercase());
    (language == Language::JavaScript && named && effect(method).is_some()).then_some(method)
}

impl Walker<'_> {
    /// A method of a client, or of what one gave.
    pub(super) fn cloud_call(
        &mut self,
        on: Val,
        method: &str,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let generic = format!("?.{method}");
        if let Some(sinks::Does::Upload(index)) = sinks::find(self.language, &generic) {
            self.upload(index, args, span);
        }
        if let Some((kind, mut attributes)) = effect(method) {
            // `bucket.objects.all().delete()`
            if kind == ActionKind::CloudDelete && self.text_of(span).contains(".all()") {
                attributes = vec!["protected"];
            }
            let named = args.named.iter().map(|(_, value)| value);
            let inner = args.pos.iter().filter_map(|value| match &value.kind {
                Kind::Map(entries) => entries.first().map(|(_, value)| value),
                _ => None,
            });
            let about = args
                .pos
                .iter()
                .chain(named)
                .chain(inner)
                .find_map(Val::exact);
            let target = match about {
                Some(about) => format!("{method} {about}"),
                None => method.to_owned(),
            };
            let target = Some(Value::Exact(target));
            self.act(kind, target, TargetRole::Name, attributes, span);
        }
        on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_told_by_their_verbs() {
        let kind = |method: &str| effect(method).map(|(kind, _)| kind);
        assert_eq!(kind("terminate_instances"), Some(ActionKind::CloudDelete));
        assert_eq!(kind("deleteBucket"), Some(ActionKind::CloudDelete));
        assert_eq!(kind("put_user_policy"), Some(ActionKind::CloudAccess));
        assert_eq!(kind("run_instances"), Some(ActionKind::CloudWrite));
        assert_eq!(kind("get_secret_value"), Some(ActionKind::CredentialRead));
        assert_eq!(kind("describe_instances"), None);
        assert_eq!(kind("objects"), None);
        assert_eq!(
            effect("delete_bucket"),
            Some((ActionKind::CloudDelete, vec!["protected"]))
        );
    }

    #[test]
    fn a_command_object_is_what_it_is_called() {
        let of = |name| command(Language::JavaScript, name);
        assert_eq!(
            of("@aws-sdk/client-s3.DeleteBucketCommand"),
            Some("DeleteBucket")
        );
        assert_eq!(of("ListBucketsCommand"), None);
        assert_eq!(of("Command"), None);
    }
}
