//! A move of the shell that may fail leaves it where it was: what takes all of a folder may take that one.

use super::tests::told;

/// Whether a command may remove all that lies in a folder.
fn removes(command: &str, folder: &str) -> bool {
    let all = format!("{folder}/*…");
    told(command)
        .iter()
        .any(|action| action.split(' ').nth(1) == Some(all.as_str()))
}

#[test]
fn a_move_that_nobody_checks_may_have_failed() {
    for command in [
        "cd /usr; cd /srv/nope; rm -rf *",
        "cd /usr\ncd /srv/nope\nrm -rf ./*",
        "cd /usr; cd nope/deep; rm -rf *",
        "cd /usr; pushd /srv/nope; rm -rf *",
        "cd /usr; cd -P /srv/nope 2>/dev/null; rm -rf *",
        "cd /usr; cd /srv/a; cd /srv/b; rm -rf *",
        "(cd /usr; cd /srv/nope; rm -rf *)",
        "cd /usr; f() { cd /srv/nope; rm -rf *; }; f",
        "cd /usr; cd /srv/nope && ls; rm -rf *",
        "cd /usr; cd /srv/nope || true; rm -rf *",
        "cd /usr; cd /srv/nope || echo no; rm -rf *",
        "cd /usr; if cd /srv/nope; then ls; fi; rm -rf *",
        "cd /usr; if ! cd /srv/nope; then ls; fi; rm -rf *",
        "cd /usr; ls; cd /srv/nope; ls && rm -rf *",
        "set -e; set +e; cd /usr; cd /srv/nope; rm -rf *",
        "eval 'cd /usr; cd /srv/nope'; rm -rf *",
    ] {
        assert!(removes(command, "/usr"), "{command}: {:?}", told(command));
    }
    for (command, wanted) in [
        ("cd /usr; cd /srv/nope; find . -delete", "fs.delete /usr "),
        (
            "cd /usr; cd /srv/nope; chmod -R 777 .",
            "fs.permission /usr ",
        ),
    ] {
        assert!(
            told(command)
                .iter()
                .any(|action| action.starts_with(wanted)),
            "{command}: {:?}",
            told(command)
        );
    }
}

#[test]
fn a_move_that_is_checked_or_cannot_fail_was_made() {
    for command in [
        "cd /usr; cd /srv/nope && rm -rf *",
        "cd /usr && cd /srv/nope && rm -rf *",
        "cd /usr; cd /srv/nope || exit 1; rm -rf *",
        "cd /usr; cd /srv/nope || { echo no; return 1; }; rm -rf *",
        "cd /usr; die() { echo no; exit 1; }; cd /srv/nope || die no; rm -rf *",
        "cd /usr; cd /srv/nope && ls || exit; rm -rf *",
        "cd /usr; if cd /srv/nope; then rm -rf *; fi",
        "cd /usr; if ! cd /srv/nope; then exit 1; fi; rm -rf *",
        "cd /usr; if cd /srv/nope; then ls; else exit 1; fi; rm -rf *",
        "set -e; cd /usr; cd /srv/nope; rm -rf *",
        "set -euo pipefail; cd /usr; cd /srv/nope; rm -rf *",
        "set -o errexit; cd /usr; cd /srv/nope; rm -rf *",
        "#!/bin/bash -e\ncd /usr; cd /srv/nope; rm -rf *",
        "mkdir -p /srv/nope; cd /usr; cd /srv/nope; rm -rf *",
        "cd /usr; mkdir -p nope/deep; cd nope; rm -rf *",
        "cd /usr; git clone https://h.example/a /srv/nope; cd /srv/nope; rm -rf *",
        "cd /usr; cd /srv; rm -rf *",
        "cd /usr/lib; ls; cd /home/u/p; rm -rf *",
        "cd /usr; cd - ; rm -rf *",
        "(cd /usr; ls); cd /srv/nope; rm -rf *",
        "cd /usr; cd /srv/nope; rm -rf build",
        "cd /usr; cd /srv/nope; rm -f *.o",
    ] {
        assert!(!removes(command, "/usr"), "{command}: {:?}", told(command));
    }
    // Where the text begins is no place that it moved to, and what people work in is taken for what it is.
    for (command, folder) in [
        ("cd build; rm -rf *", "/home/u/p"),
        ("cd /srv/app; cd build; rm -rf *", "/srv/app"),
    ] {
        assert!(!removes(command, folder), "{command}: {:?}", told(command));
    }
}
