//! What the policies that ship say, on hand-made facts.

use super::*;

#[test]
fn the_default_policy_lets_work_flow_and_keeps_harm_out() {
    let policy = crate::builtin::policy().expect("it can be read");
    let with = |kind: ActionKind, place: Option<Place>, attributes: &[&str]| {
        let attributes = attributes.iter().map(|name| String::from(*name)).collect();
        decide(
            &facts(vec![Action {
                attributes,
                ..action(kind, "/x", place)
            }]),
            policy,
        )
        .effect
    };
    use ActionKind as K;
    for (kind, place, attributes, effect) in [
        (K::FsRead, Some(Place::System), &[][..], Effect::Allow),
        (K::FsWrite, Some(Place::Workspace), &[], Effect::Allow),
        (K::FsWrite, Some(Place::Home), &[], Effect::Ask),
        (
            K::FsDelete,
            Some(Place::Workspace),
            &["force", "recursive"],
            Effect::Allow,
        ),
        (K::FsDelete, Some(Place::Root), &["recursive"], Effect::Deny),
        (K::FsDelete, Some(Place::HomeRoot), &[], Effect::Deny),
        (
            K::FsDelete,
            Some(Place::Unknown),
            &["recursive"],
            Effect::Ask,
        ),
        (
            K::FsDelete,
            Some(Place::WorkspaceRoot),
            &["recursive"],
            Effect::Deny,
        ),
        (K::FsDestroy, Some(Place::System), &[], Effect::Deny),
        (K::ExecLocal, None, &[], Effect::Allow),
        (K::ExecRemoteCode, None, &[], Effect::Deny),
        (K::ExecDynamic, None, &[], Effect::Deny),
        (K::ExecPrivileged, None, &[], Effect::Ask),
        (K::NetFetch, None, &[], Effect::Allow),
        (K::NetFetch, None, &["metadata"], Effect::Deny),
        (K::NetSend, None, &["secret"], Effect::Deny),
        (K::NetSend, None, &["local_data"], Effect::Ask),
        (K::NetSend, None, &["loopback"], Effect::Allow),
        (K::VcsWrite, None, &[], Effect::Allow),
        (K::VcsPush, None, &[], Effect::Allow),
        (K::VcsPush, None, &["protected_branch"], Effect::Ask),
        (
            K::VcsPush,
            None,
            &["force", "protected_branch"],
            Effect::Deny,
        ),
        (K::VcsDiscard, None, &[], Effect::Ask),
        (K::PackageInstall, None, &[], Effect::Allow),
        (K::PackageInstall, None, &["system"], Effect::Allow),
        (K::PackageInstall, None, &["from_url"], Effect::Ask),
        (K::PackagePublish, None, &[], Effect::Ask),
        (K::DbRead, None, &[], Effect::Allow),
        (K::DbDelete, None, &["no_where"], Effect::Deny),
        (K::DbDrop, None, &[], Effect::Deny),
        (K::CloudDeploy, None, &[], Effect::Ask),
        (K::CloudDelete, None, &["protected"], Effect::Deny),
        (K::CredentialRead, Some(Place::Workspace), &[], Effect::Ask),
        (K::CredentialRead, Some(Place::System), &[], Effect::Deny),
        (K::AgentGuard, None, &[], Effect::Deny),
        (K::PersistSchedule, None, &[], Effect::Deny),
        (K::SystemPower, None, &[], Effect::Deny),
        (K::McpCall, None, &[], Effect::Ask),
        (K::Unknown, None, &[], Effect::Ask),
    ] {
        assert_eq!(
            with(kind, place, attributes),
            effect,
            "{kind:?} {place:?} {attributes:?}"
        );
    }
}

#[test]
fn a_secret_that_would_leave_is_denied_and_a_mistyped_one_never_is() {
    let policy = crate::builtin::policy().expect("it can be read");
    let mut call = facts(vec![action(ActionKind::NetSend, "https://x.io/", None)]);
    for (severity, checksum, effect) in [
        (Severity::Critical, Some(Checksum::Valid), Effect::Deny),
        (Severity::High, None, Effect::Deny),
        (Severity::Critical, Some(Checksum::Mismatch), Effect::Ask),
        (Severity::Medium, None, Effect::Ask),
    ] {
        call.findings = vec![finding(FindingKind::Secret, severity, checksum)];
        let verdict = decide(&call, policy);
        assert_eq!(verdict.effect, effect, "{severity:?} {checksum:?}");
        assert_eq!(verdict.obligations, ["redact", "warn"]);
    }
    call.actions = vec![action(
        ActionKind::FsWrite,
        "/w/p/x",
        Some(Place::Workspace),
    )];
    assert_eq!(decide(&call, policy).effect, Effect::Allow);
}

#[test]
fn a_text_from_outside_that_gives_orders_labels_the_run() {
    let policy = crate::builtin::policy().expect("it can be read");
    let text = Facts {
        phase: Phase::Text,
        tool: String::new(),
        surface: Surface::ToolResult,
        findings: vec![finding(FindingKind::Injection, Severity::High, None)],
        ..facts(Vec::new())
    };
    let verdict = decide(&text, policy);

    assert_eq!(verdict.effect, Effect::Allow);
    assert_eq!(verdict.obligations, ["label:untrusted", "warn"]);
}

#[test]
fn a_run_that_read_a_secret_and_foreign_text_sends_nothing() {
    let policy = crate::builtin::policy().expect("it can be read");
    let mut call = facts(vec![action(ActionKind::NetSend, "https://x.io/", None)]);
    call.state.labels = vec![String::from("secret"), String::from("untrusted")];

    assert_eq!(
        answer(&call, policy),
        (Effect::Deny, vec!["leak.trifecta".into()])
    );
}

mod disk {
    use super::super::*;
    use std::fs;
    use std::path::PathBuf;

    fn home() -> PathBuf {
        let path = crate::record::scratch::folder();
        fs::create_dir_all(path.join("policy")).expect("a folder");
        path
    }

    fn activate(home: &std::path::Path, text: &[u8], digest: &str) {
        let name = &digest["sha256:".len()..];
        let folder = home.join("store/objects").join(&name[..2]);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), text).expect("written");
        fs::write(
            home.join("policy/active.json"),
            format!(r#"{{"digest":"{digest}","format":"armorer-active/1"}}"#),
        )
        .expect("written");
    }

    #[test]
    fn what_was_activated_is_loaded_and_nothing_is_no_error() {
        let home = home();
        assert!(load_active(&home).expect("nothing there").is_none());
        let text = crate::builtin::policy_text();
        activate(&home, text, &digest_of(text));

        let loaded = load_active(&home).expect("usable").expect("there");
        assert_eq!(loaded.digest(), digest_of(text));
        fs::remove_dir_all(home).expect("removed");
    }

    #[test]
    fn a_table_is_taken_only_when_it_is_sound_and_of_this_build() {
        let home = home();
        let text = crate::builtin::policy_text();
        let digest = digest_of(text);
        let (form, table) = table(text).expect("usable");
        let (name, crc32) = (digest_of(&table), crc32fast::hash(&table));
        let point = |form: &str, kept: &[u8]| {
            activate(&home, text, &digest);
            let folder = home.join("store/objects").join(&name[7..9]);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(&name[7..]), kept).expect("written");
            fs::write(
                home.join("policy/active.json"),
                format!(
                    r#"{{"digest":"{digest}","format":"armorer-active/1","table":{{"crc32":{crc32},"digest":"{name}","form":"{form}"}}}}"#
                ),
            )
            .expect("written");
            load_active(&home).map(|policy| policy.expect("there").digest().to_owned())
        };
        let object = home
            .join("store/objects")
            .join(&digest[7..9])
            .join(&digest[7..]);

        assert_eq!(point(form, &table), Ok(digest.clone()));
        // Sound and its own: the text is not even read.
        fs::remove_file(&object).expect("removed");
        assert!(load_active(&home).is_ok());
        // Damaged, or another build's: the text is.
        assert_eq!(point(form, &table[1..]), Ok(digest.clone()));
        assert_eq!(point("sha256:00", &table), Ok(digest.clone()));
        fs::remove_file(&object).expect("removed");
        assert_eq!(
            load_active(&home).map(|_| ()).map_err(|error| error.kind),
            Err("policy_missing")
        );
        fs::remove_dir_all(home).expect("removed");
    }

    #[test]
    fn whatever_is_broken_is_an_error() {
        let home = home();
        let text = crate::builtin::policy_text();
        let digest = digest_of(text);
        let kind =
            |home: &std::path::Path| load_active(home).map(|_| ()).map_err(|error| error.kind);

        activate(&home, &text[..text.len() / 2], &digest);
        assert_eq!(kind(&home), Err("policy_digest_mismatch"));
        activate(&home, b"{}", &digest_of(b"{}"));
        assert_eq!(kind(&home), Err("policy_invalid"));
        activate(&home, text, &digest);
        let object = home
            .join("store/objects")
            .join(&digest[7..9])
            .join(&digest[7..]);
        fs::remove_file(object).expect("removed");
        assert_eq!(kind(&home), Err("policy_missing"));
        for pointer in [
            "",
            "{",
            "[]",
            r#"{"digest":"sha256:../../x","format":"armorer-active/1"}"#,
        ] {
            fs::write(home.join("policy/active.json"), pointer).expect("written");
            assert_eq!(kind(&home), Err("policy_pointer"), "{pointer}");
        }
        fs::remove_file(home.join("policy/active.json")).expect("removed");
        fs::create_dir(home.join("policy/active.json")).expect("a folder");
        assert_eq!(kind(&home), Err("policy_unreadable"));
        fs::remove_dir_all(home).expect("removed");
    }
}
