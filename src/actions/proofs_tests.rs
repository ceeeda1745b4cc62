//! What proves that a program does nothing, and what does not although it looks so.

use super::tests::told;

fn deletes(command: &str) -> bool {
    told(command)
        .iter()
        .any(|action| action.starts_with("fs.delete") && action.contains("/srv/gone"))
}

#[test]
fn help_behind_the_files_that_a_program_changes_is_one_of_them_elsewhere() {
    for command in [
        "rm -r /srv/gone --help",
        "rm -r /srv/gone --version",
        "find . -exec rm -r /srv/gone --help \\;",
        "docker run -v /srv:/srv alpine sh -c 'rm -r /srv/gone --help'",
        "tclsh --help <<< 'exec rm -r /srv/gone'",
    ] {
        let told = told(command);
        assert!(
            deletes(command) || told.iter().any(|action| action.starts_with("exec.")),
            "{command}: {told:?}"
        );
    }
    for command in [
        "rm --help",
        "cp --version",
        "tee --help",
        "npm install x --help",
        "kubectl delete pod x --help",
        "vercel deploy --help",
    ] {
        assert_eq!(told(command), [] as [&str; 0], "{command}");
    }
}

#[test]
fn what_an_option_makes_a_program_run_is_run_in_a_dry_run_too() {
    for command in [
        "rsync -n -e 'rm -r /srv/gone' a h.example:b",
        "rsync --dry-run --rsh='rm -r /srv/gone' a h.example:b",
        "restic -n --password-command 'rm -r /srv/gone' backup .",
        "git push -n --receive-pack='rm -r /srv/gone' origin",
        "git send-email --dry-run --to-cmd='rm -r /srv/gone' x.patch",
        "make -q --eval='a:;rm -r /srv/gone' a",
        "just -n --command rm -r /srv/gone",
    ] {
        assert!(deletes(command), "{command}: {:?}", told(command));
    }
    for command in [
        "rsync -n a h.example:b",
        "restic -n backup .",
        "git push -n origin",
        "make -q",
        "just -n deploy",
    ] {
        assert_eq!(told(command), [] as [&str; 0], "{command}");
    }
}

#[test]
fn a_flag_of_one_program_is_not_the_proof_of_another_that_shares_its_entry() {
    for command in [
        "sudo -k rm -r /srv/gone",
        "/usr/bin/time -v rm -r /srv/gone",
        "time -f %e rm -r /srv/gone",
        "chrt -v -f 10 rm -r /srv/gone",
        "setarch -v x86_64 rm -r /srv/gone",
        "setsid -c rm -r /srv/gone",
        "chronic -v rm -r /srv/gone",
        "valgrind -s rm -r /srv/gone",
        "nu -n -c 'rm -r /srv/gone'",
        "proxychains4 -f p.conf rm -r /srv/gone",
        "bun exec 'rm -r /srv/gone'",
        "gpg-agent --daemon rm -r /srv/gone",
        "envchain ns rm -r /srv/gone",
        "xdotool getmouselocation exec rm -r /srv/gone",
    ] {
        assert!(deletes(command), "{command}: {:?}", told(command));
    }
    for command in ["command -v rm", "sudo -k", "sudo -l", "bash -n x.sh"] {
        assert_eq!(told(command), [] as [&str; 0], "{command}");
    }
}

#[test]
fn an_option_where_a_value_is_expected_counts_as_both() {
    for command in [
        "vim -l -c ':!rm -r /srv/gone' -c q",
        "man -l -P 'rm -r /srv/gone' x.1",
        "node -p -e 'require(\"child_process\").execSync(\"rm -r /srv/gone\")'",
    ] {
        assert!(deletes(command), "{command}: {:?}", told(command));
    }
}
