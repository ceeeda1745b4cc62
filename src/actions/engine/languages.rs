//! Languages of code: their names in the catalogue, and what can be said of a text before it is read. A leaf.

use crate::actions::code::Language;
use crate::actions::kinds::ActionKind;

/// The language a script asks for in its first line.
pub(super) fn shebang(text: &str) -> Option<&'static str> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-'))?;
    }
    let name = program.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    Some(match name {
        "python" => "python",
        "node" | "deno" | "bun" => "javascript",
        "perl" => "perl",
        "ruby" => "ruby",
        "php" => "php",
        "lua" => "lua",
        "awk" | "gawk" | "mawk" => "awk",
        "sed" => "sed",
        "pwsh" => "powershell",
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" => "shell",
        _ => "other",
    })
}

/// Whether code of a language that nobody here reads has a word in it by which code leaves its own process.
pub(super) fn reaches_out(text: &str) -> bool {
    // Words of those that only print, compute or read a clock.
    const HARMLESS: [&str; 12] = [
        "system.out",
        "system.err",
        "system.nanotime",
        "system.currenttimemillis",
        "groovysystem",
        "using system;",
        "import java.util",
        "import java.math",
        "import java.time",
        "import java.text",
        "import scala.collection",
        "write-line",
    ];
    const WORDS: [&str; 26] = [
        "system", "shell", "exec", "spawn", "popen", "process", "command", "cmd", "eval", "load",
        "require", "import", "open", "file", "delete", "remove", "unlink", "rmdir", "write",
        "socket", "http", "connect", "url", "fetch", "call", "/",
    ];
    let mut lower = text.to_ascii_lowercase();
    for harmless in HARMLESS {
        if lower.contains(harmless) {
            lower = lower.replace(harmless, " ");
        }
    }
    WORDS.iter().any(|word| lower.contains(word))
}

/// Whether code takes the whole environment, and not one variable of it.
pub(super) fn shows_environment(language: &str, text: &str) -> bool {
    let (name, one): (&str, &[&str]) = match language {
        "javascript" => ("process.env", &[".", "[", "?"]),
        "ruby" => ("ENV", &["[", ".fetch", ".key", "."]),
        "awk" => ("in ENVIRON", &["["]),
        "perl" => ("%ENV", &[]),
        _ => return false,
    };
    let whole = [
        "ENV.to_h",
        "ENV.each",
        "ENV.map",
        "ENV.inspect",
        "ENV.sort",
        "ENV.to_a",
    ];
    if language == "ruby" && whole.iter().any(|all| text.contains(all)) {
        return true;
    }
    text.match_indices(name).any(|(at, _)| {
        let is_name = |one: char| one.is_ascii_alphanumeric() || one == '_';
        let ahead = text[..at].trim_end_matches('.').trim_end();
        // What a program is started with is no reading: `{env: {...process.env, X: 'y'}}`.
        let is_handed = |mark: &str| {
            let ahead = ahead.strip_suffix('{').unwrap_or(ahead).trim_end();
            ahead
                .strip_suffix(mark)
                .is_some_and(|ahead| ahead.trim_end().ends_with("env"))
        };
        if is_handed(":") {
            return false;
        }
        let before = text[..at].chars().next_back();
        let rest = &text[at + name.len()..];
        !before.is_some_and(is_name)
            && !rest.starts_with(is_name)
            && !one.iter().any(|part| rest.trim_start().starts_with(part))
            && (language == "awk" || language == "perl" || text.len() < 200)
    })
}

/// Whether a command line is a shell's name with nothing but flags.
pub(super) fn is_bare_shell(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let name = words.next().and_then(|word| word.rsplit('/').next());
    matches!(
        name,
        Some("sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish" | "csh" | "tcsh")
    ) && words.all(|word| matches!(word, "-i" | "-p" | "-l" | "-il" | "-li" | "--login"))
}

/// What it is to run text that cannot be read: queries change data, everything else may do anything.
pub(super) fn unread(language: &str) -> ActionKind {
    match language {
        "sql" | "mongo" | "redis" | "ftp" | "curl" | "manifest" => ActionKind::Unknown,
        _ => ActionKind::ExecDynamic,
    }
}

pub(super) fn language_of(name: &str) -> Option<Language> {
    Language::ALL
        .into_iter()
        .find_map(|(held, language)| (held == name).then_some(language))
}

pub(super) fn name_of(language: Language) -> &'static str {
    Language::ALL
        .into_iter()
        .find_map(|(name, held)| (held == language).then_some(name))
        .unwrap_or("other")
}
