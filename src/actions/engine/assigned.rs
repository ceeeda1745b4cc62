//! Settings files as the commands that would make the same settings, so that a file says what the command says: `.npmrc`
//! as `npm config set`, `.gitconfig` as `git config`. Reads no more of each format than names and values.

use std::borrow::Cow;

use super::scripts::{quoted, unquoted};
use crate::actions::place::last_component;

/// How settings stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grammar {
    /// `name = value` on a line.
    Lines,
    /// `name: value` on a line that is not indented.
    Pairs,
    /// `name = value` below `[section]`: `section.name`.
    Sections,
    /// As [`Grammar::Sections`], with `[section "part"]`: `section.part.name`.
    Git,
    /// TOML; a part of a file that is none, as [`Grammar::Sections`].
    Toml,
}

/// Settings of one program.
struct Kind {
    /// Names of files, or ends of their paths.
    files: &'static [&'static str],
    grammar: Grammar,
    /// The command, with `{name}` and `{value}` where those stand.
    command: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind {
        files: &[".npmrc"],
        grammar: Grammar::Lines,
        command: "npm config set {name} {value}",
    },
    Kind {
        files: &[".yarnrc.yml"],
        grammar: Grammar::Pairs,
        command: "yarn config set {name} {value}",
    },
    Kind {
        files: &["pip.conf", "pip.ini"],
        grammar: Grammar::Sections,
        command: "pip config set {name} {value}",
    },
    Kind {
        files: &[".gitconfig", ".gitconfig.local", "git/config"],
        grammar: Grammar::Git,
        command: "git config --global {name} {value}",
    },
    Kind {
        files: &[".cargo/config.toml", ".cargo/config"],
        grammar: Grammar::Toml,
        command: "cargo --config {name}={value} build",
    },
    Kind {
        files: &[".aws/config"],
        grammar: Grammar::Sections,
        command: "aws configure set {name} {value}",
    },
];

/// Whether a file holds settings that are read here.
pub(super) fn is_settings(path: &str) -> bool {
    kind_of(path).is_some()
}

fn kind_of(path: &str) -> Option<&'static Kind> {
    let path = path.trim_end_matches('/');
    KINDS.iter().find(|kind| {
        kind.files.iter().any(|file| {
            last_component(path) == *file
                || (file.contains('/')
                    && path
                        .strip_suffix(file)
                        .is_some_and(|before| before.is_empty() || before.ends_with(['/', '.'])))
        })
    })
}

/// The commands, as lines of a shell.
pub(super) fn commands(path: &str, text: &str) -> Vec<Cow<'static, str>> {
    let Some(kind) = kind_of(path) else {
        return Vec::new();
    };
    let whole = match kind.grammar {
        Grammar::Toml => text.parse().ok(),
        _ => None,
    };
    let mut settings = Vec::new();
    match whole {
        Some(table) => flatten("", &toml::Value::Table(table), &mut settings),
        None => by_line(kind.grammar, text, &mut settings),
    }
    let line = |(name, value): (String, String)| {
        let (before, rest) = kind.command.split_once("{name}")?;
        let (between, after) = rest.split_once("{value}")?;
        let (name, value) = (quoted(&name), quoted(&value));
        Some(Cow::Owned(format!("{before}{name}{between}{value}{after}")))
    };
    settings.into_iter().filter_map(line).collect()
}

/// Texts in a table by their whole names; a list is what it begins with.
fn flatten(name: &str, value: &toml::Value, settings: &mut Vec<(String, String)>) {
    match value {
        toml::Value::String(text) => settings.push((name.to_owned(), text.clone())),
        toml::Value::Array(list) => {
            if let Some(first) = list.first() {
                flatten(name, first, settings);
            }
        }
        toml::Value::Table(table) => {
            for (key, value) in table {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(&format!("{name}{dot}{key}"), value, settings);
            }
        }
        _ => {}
    }
}

/// Settings that stand on a line each, and what goes on below it.
fn by_line(grammar: Grammar, text: &str, settings: &mut Vec<(String, String)>) {
    let mark = if grammar == Grammar::Pairs { ':' } else { '=' };
    let mut section = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut line = Cow::Borrowed(line.trim_end());
        while line.ends_with('\\') {
            let whole = line.to_mut();
            whole.pop();
            whole.push_str(lines.next().unwrap_or_default().trim());
        }
        let indented = line.starts_with(char::is_whitespace);
        let mut rest = line.trim_start();
        if rest.starts_with(['#', ';']) || (grammar == Grammar::Pairs && indented) {
            continue;
        }
        if !matches!(grammar, Grammar::Lines | Grammar::Pairs)
            && let Some((name, after)) =
                rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            section = named(name);
            rest = after.trim_start();
        }
        let Some((name, value)) = rest.split_once(mark) else {
            continue;
        };
        let mut value = unquoted(value.trim());
        if value.is_empty() {
            let below =
                lines.next_if(|next| next.starts_with(char::is_whitespace) && !next.contains(mark));
            value = below.map_or("", |below| unquoted(below.trim()));
        }
        let name = name.trim();
        if !name.is_empty() && !value.is_empty() {
            let dot = if section.is_empty() { "" } else { "." };
            settings.push((format!("{section}{dot}{name}"), value.to_owned()));
        }
    }
}

/// The name of a section: `remote "origin"` as `remote.origin`.
fn named(section: &str) -> String {
    match section.split_once('"') {
        Some((outer, inner)) => format!(
            "{}.{}",
            outer.trim(),
            inner.trim_end().trim_end_matches('"')
        ),
        None => section.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_the_commands_that_make_them() {
        for (path, text, lines) in [
            (
                "/w/.npmrc",
                "# x\n@o:registry = https://a.example\n\nscript-shell=/tmp/x\n",
                vec![
                    "npm config set '@o:registry' 'https://a.example'",
                    "npm config set 'script-shell' '/tmp/x'",
                ],
            ),
            (
                "/h/.gitconfig",
                "[core]\n\tsshCommand = \"/tmp/x y\"\n[url \"https://a/\"]\n  insteadOf = https://b/\n",
                vec![
                    "git config --global 'core.sshCommand' '/tmp/x y'",
                    "git config --global 'url.https://a/.insteadOf' 'https://b/'",
                ],
            ),
            (
                "/w/.yarnrc.yml",
                "yarnPath: .yarn/x.cjs\nnpmScopes:\n  o: x\n",
                vec!["yarn config set 'yarnPath' '.yarn/x.cjs'"],
            ),
            (
                "/w/.cargo/config.toml",
                "[build]\nrustc-wrapper = 'x'",
                vec!["cargo --config 'build.rustc-wrapper'='x' build"],
            ),
            (
                "/h/.aws/config",
                "[profile a]\ncredential_process = it's",
                vec![r"aws configure set 'profile a.credential_process' 'it'\''s'"],
            ),
            (
                "/w/.cargo/config.toml",
                "build = { rustc-wrapper = '/tmp/x' }\n[target.a]\nrunner = ['/tmp/y', 'z']",
                vec![
                    "cargo --config 'build.rustc-wrapper'='/tmp/x' build",
                    "cargo --config 'target.a.runner'='/tmp/y' build",
                ],
            ),
            (
                "/w/.cargo/config.toml",
                "rustc-wrapper = '/tmp/x'\n]",
                vec!["cargo --config 'rustc-wrapper'='/tmp/x' build"],
            ),
            (
                "/h/.gitconfig",
                "[core] pager = /tmp/x \\\n  -a\n",
                vec!["git config --global 'core.pager' '/tmp/x -a'"],
            ),
            (
                "/h/pip.conf",
                "[global]\nindex-url =\n    https://a.example\n",
                vec!["pip config set 'global.index-url' 'https://a.example'"],
            ),
            ("/h/.npmrc", "a={name}", vec!["npm config set 'a' '{name}'"]),
            ("/w/cargo/config", "[build]\nrustc = '/tmp/x'", vec![]),
            ("/w/README.md", "registry=https://a.example", vec![]),
        ] {
            assert_eq!(commands(path, text), lines, "{path}");
            assert_eq!(is_settings(path), !lines.is_empty(), "{path}");
        }
    }
}
