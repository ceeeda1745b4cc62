//! The words by which an action says how it is done. A closed set: the catalogue is refused when it uses another, and
//! policies are told which word nobody sets. `LANGUAGE.md` prints this table; a test holds both together.

/// Every attribute with what sets it, sorted by name.
pub const ATTRIBUTES: &[(&str, &str)] = &[
    (
        "admin",
        "gives the rights of an administrator, or acts with them",
    ),
    (
        "all",
        "does it to everything of its kind: every process, image, branch, database",
    ),
    ("append", "adds to the end of a file"),
    (
        "as_served",
        "the very file that was served is what runs, not one of an archive or a repository",
    ),
    (
        "authorized_keys",
        "the file that says which keys may log in",
    ),
    (
        "auto_approve",
        "answers the tool's own question in advance (`-auto-approve`, `--yes`)",
    ),
    (
        "by_option",
        "a program that another one runs because an option or a setting names it",
    ),
    ("ci", "a file that a build server runs"),
    (
        "create",
        "makes something new and changes nothing that was there",
    ),
    ("cron", "a table of scheduled commands"),
    ("database", "a whole database, or all that a store holds"),
    (
        "delete",
        "removes what it names, where the kind alone does not say so: a remote branch, a hook",
    ),
    ("dns", "the data is in the name that is looked up"),
    (
        "downloaded",
        "runs what came from the network in this call or lies where downloads do",
    ),
    ("empty", "leaves an empty file (`> file`, `truncate -s 0`)"),
    (
        "environment",
        "reads or prints environment variables, which hold credentials",
    ),
    (
        "everything",
        "everything that is found or listed, not what fits a name",
    ),
    ("exec", "makes a database or tool run programs"),
    ("executable", "makes a file executable"),
    (
        "fetched",
        "runs what an earlier call of this run brought from the network",
    ),
    (
        "file",
        "reads or writes a file through a database or another tool",
    ),
    (
        "file_scheme",
        "a `file:` URL: a file in the clothes of a fetch",
    ),
    ("force", "overrules a safeguard (`--force`, `-f`)"),
    (
        "force_with_lease",
        "overrules it only when nobody else has pushed",
    ),
    (
        "foreign_scheme",
        "a URL that is neither HTTP nor a file: `gopher:`, `dict:`, `jar:`, …",
    ),
    (
        "from_environment",
        "a path or image that a variable of the environment names, which this call does not set",
    ),
    (
        "from_path",
        "installs from a folder or archive of this machine",
    ),
    ("from_url", "installs from an address that is no registry"),
    ("git_hook", "a program that git runs by itself"),
    (
        "global",
        "for every project of this user, not this one alone",
    ),
    (
        "hard",
        "throws away changes that are not committed (`reset --hard`)",
    ),
    (
        "harmless",
        "another user's rights are used for looking alone",
    ),
    ("history", "the commands that a person typed"),
    ("host_mount", "gives a container files of the host"),
    (
        "host_namespace",
        "gives a container the host's processes, network or users",
    ),
    (
        "inward",
        "lets others reach this machine: a reverse tunnel, a share",
    ),
    (
        "laden",
        "runs a text of an earlier call of this run that would do something grave",
    ),
    (
        "later",
        "what a file that the call writes would do when it is run",
    ),
    ("local_data", "carries data of files of this machine"),
    ("loopback", "this machine itself"),
    ("metadata", "the address where clouds hand out credentials"),
    ("method_delete", "the HTTP method that takes something away"),
    (
        "method_write",
        "an HTTP method that changes something: POST, PUT, PATCH, DELETE",
    ),
    (
        "mirror",
        "makes the remote the same, deleting what is not here",
    ),
    ("no_where", "a statement that changes rows and names none"),
    ("outside", "outside of the workspace"),
    (
        "outside_data",
        "carries files from outside of the workspace",
    ),
    (
        "packages",
        "another user's rights are used for installing from the configured sources alone",
    ),
    ("plain_http", "over HTTP without TLS"),
    ("private_host", "a host of a private network"),
    ("privileged", "a container that may do what the host may"),
    ("process_memory", "the memory of a running process"),
    (
        "project",
        "what the project itself names: its manifest, its lock file, its scripts",
    ),
    (
        "protected",
        "what its platform protects from deletion, or what others depend on",
    ),
    (
        "protected_branch",
        "a branch that others build on: `main`, `master`, `release/*`, …",
    ),
    ("public", "can be read by everybody afterwards"),
    ("raw_ip", "an address instead of a name"),
    ("recursive", "with everything below it"),
    (
        "restarts",
        "starts a service again, or lets it read its settings again",
    ),
    ("schema", "a whole schema of a database"),
    ("secret", "is, carries or reads a credential"),
    ("service", "a service that the system starts by itself"),
    (
        "setgid",
        "a program that runs with its group's rights, whoever starts it",
    ),
    (
        "setuid",
        "a program that runs as its owner, whoever starts it",
    ),
    (
        "starts",
        "starts a service until the machine stops, and changes none",
    ),
    (
        "startup_file",
        "a file that a shell or a desktop runs when it starts",
    ),
    (
        "store",
        "a store of credentials: a keychain, a vault, a password manager",
    ),
    ("sudoers", "who may become root"),
    (
        "system",
        "of the operating system, not of this user or project",
    ),
    ("tags", "moves or deletes tags, which others take for fixed"),
    (
        "tautology",
        "a statement whose condition holds for every row",
    ),
    ("tls_off", "does not check who is at the other end"),
    ("truncate", "replaces what was in the file"),
    ("unlisted", "a program that the catalogue does not know"),
    (
        "unpacked",
        "an archive or a tree is put into a folder of the system itself",
    ),
    (
        "unverified",
        "does not check signature or sum of what it installs",
    ),
    ("upload", "sends a file"),
    ("user", "a user or role of a database"),
    ("userinfo", "a URL with a name or password in it"),
    (
        "version_control",
        "version control's own record of the project: `.git`",
    ),
    ("volumes", "deletes the data that containers keep"),
    ("wildcard", "the target is a pattern"),
    (
        "world_writable",
        "everybody on the machine may change it afterwards",
    ),
];

/// Whether an action may carry that word.
#[must_use]
pub fn is_known(name: &str) -> bool {
    ATTRIBUTES
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .is_ok()
}

/// What is wrong with a word that an entry of the catalogue wants to set; `None` when nothing is.
#[must_use]
pub fn problem(name: &str) -> Option<String> {
    (!is_known(name)).then(|| {
        format!("`{name}` is not an attribute; `src/actions/attributes.rs` lists them, with what sets each")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted_and_each_stands_once() {
        assert!(ATTRIBUTES.is_sorted_by(|one, other| one.0 < other.0));
        assert!(is_known("recursive") && !is_known("recursiv"));
    }
}
