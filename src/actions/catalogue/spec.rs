//! The catalogue as people write it: `rules/commands/*.toml`. `rules/commands/README.md` is the manual.
//!
//! Only shapes are declared here. What selectors and conditions mean is in `compile`, what they do in the engine.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A file of the catalogue: one family of programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// The entries, in any order; patterns are tried in file order.
    #[serde(default)]
    pub command: Vec<CommandSpec>,
}

/// How a program's words are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StyleSpec {
    /// `-rf`, `-ofile`, `-o file`, `--opt=value`, `--opt value`, unique prefixes of long options, `--` ends.
    #[default]
    Gnu,
    /// `-name value`, `-name=value`, `--name` the same as `-name`; no clusters (find, terraform, java, openssl).
    Long,
    /// `if=value` (dd). Declared as `if=` in `values`.
    KeyValue,
    /// `/f`, `/f:value`, `-f`, letters in either case (cmd programs).
    Slash,
    /// As `gnu`, and the first word is a cluster even without its dash (`tar xzf a`, `ps aux`).
    Old,
}

/// What happens with an option that the entry does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlistedOptionSpec {
    /// Taken for a flag without value; nothing is then `certain` any more.
    #[default]
    Accept,
    /// An `unknown` action is added.
    Unknown,
}

/// One program or subcommand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    /// `rm`, `git push`, `aws * delete-*`. A word with `*` is a pattern, tried after the exact names.
    pub name: String,
    /// Other full names of the same entry: `docker container rm` for `docker rm`. Children come along.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it does, in a few words for people.
    pub summary: String,
    /// How words are read; a subcommand takes its parent's when it says nothing.
    pub style: Option<StyleSpec>,
    /// Options end at the first operand (wrappers, interpreters).
    #[serde(default)]
    pub stop_at_operand: bool,
    /// Options without value; the spellings of one option in one string: `"-r -R --recursive"`.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Options with a value: `"-o --output"`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Options with a value only when it is attached: `-i.bak`, `--color=auto`.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Options followed by two words: `--arg name value`; the second is their value.
    #[serde(default)]
    pub pairs: Vec<String>,
    /// Options whose value is every word up to `;` or `+` (`find -exec`).
    #[serde(default)]
    pub blocks: Vec<String>,
    /// Of the options above, those after which everything is an operand (`python -c`).
    #[serde(default)]
    pub stops: Vec<String>,
    /// `-20` is an option, named `-#`.
    #[serde(default)]
    pub numeric: bool,
    /// Patterns of words that begin with `-` and yet are operands (`chmod -x`).
    #[serde(default)]
    pub dash_operands: Vec<String>,
    /// Leading `NAME=value` operands are assignments for the command that is run (`env`, `sudo`).
    #[serde(default)]
    pub assignments: bool,
    /// A parent's options stand before the subcommand only (`git -c`), so that a subcommand's words mean its own.
    #[serde(default)]
    pub options_first: bool,
    /// What an unlisted option means.
    #[serde(default)]
    pub unlisted_option: UnlistedOptionSpec,
    /// What an unlisted subcommand does: `unknown`, `nothing`, `self` (this entry's own effects) or an action kind.
    /// Only for entries with subcommands; `unknown` when not said.
    pub unlisted: Option<String>,
    /// What happens when no effect applies: `nothing` (as when not said), `unknown`, or an action kind.
    pub otherwise: Option<String>,
    /// Proven to do nothing outside its own process, whatever its words.
    #[serde(default)]
    pub harmless: bool,
    /// One of these holding proves the call harmless (`--dry-run`). `--help` and `--version` are always among them.
    #[serde(default)]
    pub harmless_when: Vec<String>,
    /// `--help` and `--version` prove nothing here.
    #[serde(default)]
    pub no_help: bool,
    /// Whether its output carries the content of what it reads (files, network, standard input). `false` for
    /// `wc`, `ls`, `sha256sum`.
    #[serde(default = "yes")]
    pub carries: bool,
    /// Whether what it reads is written, or shown, as it is: `cp`, `mv`, `cat`.
    #[serde(default)]
    pub copies: bool,
    /// Its output is made from its input by decoding when one of these holds (`base64 -d`).
    #[serde(default)]
    pub decodes_when: Vec<String>,
    /// Options that hold what logs in, as conditions: `-H=authorization*`. It is sent, and that is meant.
    #[serde(default)]
    pub authenticates: Vec<String>,
    /// Its output is code that sets a shell up for it when one of these holds (`direnv hook bash`): running it is
    /// running the program.
    #[serde(default)]
    pub setup_when: Vec<String>,
    /// Selects the directories whose file names it prints (`find`, `ls`); `xargs` continues with them.
    pub lists: Option<String>,
    /// When it prints them: all must hold (`grep -l`).
    #[serde(default)]
    pub lists_when: Vec<String>,
    /// Selects the names of processes whose numbers it prints (`pgrep`); `*` for all of them, to be filtered (`ps`).
    pub processes: Option<String>,
    /// Selects words that it prints, perhaps among other things: `date +TEXT`, `seq -f TEXT`.
    pub prints: Option<String>,
    /// Selects programs in a language of its own whose string literals it prints (`jq`).
    pub prints_strings: Option<String>,
    /// When it prints them: all must hold.
    #[serde(default)]
    pub prints_when: Vec<String>,
    /// Filters that everything passes, with the one value at which it does: `-name=*`. Given so, they are as good as not
    /// given.
    #[serde(default)]
    pub open: Vec<String>,
    /// Conditions under which such a filter still changes what is meant: where it may be turned round.
    #[serde(default)]
    pub open_unless: Vec<String>,
    /// Options may stand between the first operand and a `--` behind it (`kubectl exec POD -n x -- COMMAND`).
    #[serde(default)]
    pub separated: bool,
    /// Selects the directory it works in when that is not the shell's: `option -C`. Subcommands take it over.
    pub chdir: Option<String>,
    /// What it does.
    #[serde(default)]
    pub effect: Vec<EffectSpec>,
    /// Command lines with the actions they must give; `[]` is proven harmless.
    #[serde(default)]
    pub examples: BTreeMap<String, Vec<String>>,
}

const fn yes() -> bool {
    true
}

/// What the values of a selector are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleSpec {
    /// A path of this machine, resolved against the working directory and given a place.
    Path,
    /// A URL, or a bare host as curl would take it.
    Url,
    /// `host`, `host:port`, `user@host`.
    Host,
    /// `[user@]host:path`, or a URL (scp, rsync). Values that are neither are skipped.
    Remote,
    /// A path of this machine; values that are `[user@]host:path` or a URL are skipped.
    Local,
    /// Anything else: a branch, a table, a package.
    Name,
}

/// How selected words are evaluated further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSpec {
    /// They are a command: program and arguments.
    Argv,
    /// They are shell text.
    Shell,
    /// They are code of `language`.
    Code,
    /// A file with code of `language` (shell when not said).
    Script,
    /// They are `NAME=value` assignments that stay in force (`export`).
    Assign,
    /// A link to the first of them is made; `append` selects its name.
    Link,
    /// The name of a module of `language`, which is loaded.
    Module,
}

impl RunSpec {
    /// The name used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Argv => "argv",
            Self::Shell => "shell",
            Self::Code => "code",
            Self::Script => "script",
            Self::Assign => "assign",
            Self::Link => "link",
            Self::Module => "module",
        }
    }
}

/// One thing the program does, under conditions. Exactly one of `do` and `run` is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectSpec {
    /// The action kind: `fs.delete`.
    #[serde(rename = "do")]
    pub kind: Option<String>,
    /// Further evaluation.
    pub run: Option<RunSpec>,
    /// Language of `code` and `script`: `python`, `javascript`, `sql`, …
    pub language: Option<String>,
    /// What it is done to: a selector. Nothing: an action without target.
    pub to: Option<String>,
    /// What the selected values are; when not said, by kind (`fs.*` path, `net.*` url, `exec.local` path, else name).
    pub role: Option<RoleSpec>,
    /// Only values that match one of these patterns (before `part`).
    #[serde(default)]
    pub only: Vec<String>,
    /// No value that matches one of these patterns (before `part`).
    #[serde(default)]
    pub except: Vec<String>,
    /// The part of a value that counts: `after =`, `before :`, `after last :`, `strip @`; values without it are skipped.
    pub part: Option<String>,
    /// Something below the target, not the target itself (`find DIR -name x -delete`).
    #[serde(default)]
    pub within: bool,
    /// All of these must hold.
    #[serde(default)]
    pub when: Vec<String>,
    /// None of these may hold.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Applies only when it is certain that the conditions hold, not when unknown words may make them hold.
    #[serde(default)]
    pub sure: bool,
    /// Attributes: `recursive` always, `recursive: -r | -R` under a condition.
    #[serde(default, rename = "with")]
    pub attributes: Vec<String>,
    /// Applies to every subcommand too.
    #[serde(default)]
    pub inherit: bool,
    /// Never more certain than this: `likely` or `possible`.
    pub certainty: Option<String>,
    /// Whether what this effect reads flows into the program's output, files and sends.
    #[serde(default = "yes")]
    pub carries: bool,
    /// Where it happens when not here: `ssh:{operand 1}`.
    pub on: Option<String>,
    /// For `run`: words added at the end: a selector, or `stdin` (names read from standard input).
    pub append: Option<String>,
    /// For `run`: this word stands for …
    pub replace: Option<String>,
    /// … what this selector selects, or `stdin`.
    pub by: Option<String>,
    /// For people, when the action is denied.
    pub safer: Option<String>,
}
