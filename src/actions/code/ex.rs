//! Commands of ed, ex and vim: shells they start, files they touch, code they run. Edits of the buffer are no effects.

use super::{CodeEffect, Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// What the commands would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut effects = Vec::new();
    let mut start = 0;
    // Lines that are put into the buffer, from where the command stands that does.
    let mut added: Option<(usize, String)> = None;
    for line in text.split_inclusive('\n') {
        let one = line.trim_end();
        match &mut added {
            Some((begin, lines)) if one == "." => {
                effects.extend(puts(*begin, start, std::mem::take(lines)));
                added = None;
            }
            Some((_, lines)) => lines.push_str(line),
            None if adds_lines(one) => added = Some((start, String::new())),
            None => commands(one, start, &mut effects),
        }
        start += line.len();
    }
    if let Some((begin, lines)) = added {
        effects.extend(puts(begin, start, lines));
    }
    effects
}

/// Whether lines follow that are put into the buffer, up to a dot.
fn adds_lines(line: &str) -> bool {
    matches!(
        without_range(line),
        "a" | "append" | "i" | "insert" | "c" | "change"
    )
}

/// Lines that come to stand in what is edited.
fn puts(begin: usize, end: usize, lines: String) -> Option<CodeEffect> {
    let (text, verbatim_at) = (Value::Exact(lines), None);
    Some(CodeEffect {
        what: What::Print { text, verbatim_at },
        span: ByteSpan::new(begin, end)?,
        certain: true,
    })
}

/// Commands of one line, separated by bars.
fn commands(line: &str, start: usize, effects: &mut Vec<CodeEffect>) {
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let command = rest.trim_start_matches([':', ' ', '\t', '|']);
        let begin = at + rest.len() - command.len();
        if command.is_empty() {
            return;
        }
        let body = without_range(command);
        let body_at = begin + command.len() - body.len();
        let takes_line = body.starts_with('!') || takes_bar(body);
        let end = if takes_line {
            line.len()
        } else {
            bar(line, body_at)
        };
        let one = line.get(body_at..end).unwrap_or("");
        if let Some(span) = ByteSpan::new(start + begin, start + end.max(begin + 1)) {
            for what in command_effects(one, start + body_at) {
                effects.push(CodeEffect {
                    what,
                    span,
                    certain: true,
                });
            }
        }
        at = end.max(begin + 1);
        while !line.is_char_boundary(at) {
            at += 1;
        }
    }
}

/// Commands that take the rest of the line, bars and all.
fn takes_bar(body: &str) -> bool {
    let (name, rest) = name_of(body);
    matches!(
        name,
        "normal"
            | "norm"
            | "python3"
            | "py3"
            | "python"
            | "py"
            | "perl"
            | "ruby"
            | "lua"
            | "terminal"
            | "term"
    ) || rest.trim_start_matches('!').trim_start().starts_with('!')
        || (matches!(name, "r" | "read" | "w" | "write") && rest.trim_start().starts_with('!'))
}

fn bar(line: &str, from: usize) -> usize {
    let mut quote = None;
    for (index, character) in line[from..].char_indices() {
        match (quote, character) {
            (None, '\'' | '"') if index > 0 => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, '|') => return from + index,
            _ => {}
        }
    }
    if quote.is_some() {
        // A quote that is no string: the first bar counts.
        return line[from..]
            .find('|')
            .map_or(line.len(), |found| from + found);
    }
    line.len()
}

/// Steps over `%`, `1,$`, `'<,'>`, `/pattern/`.
fn without_range(command: &str) -> &str {
    let mut rest = command;
    loop {
        rest = rest.trim_start_matches(|character: char| {
            character.is_ascii_digit()
                || matches!(
                    character,
                    '%' | '.' | '$' | ',' | ';' | '+' | '-' | ' ' | ':'
                )
        });
        if let Some(mark) = rest.strip_prefix('\'') {
            let mut characters = mark.chars();
            characters.next();
            rest = characters.as_str();
        } else if let Some(pattern) = rest.strip_prefix('/') {
            match pattern.find('/') {
                Some(close) => rest = &pattern[close + 1..],
                None => return rest,
            }
        } else {
            return rest;
        }
    }
}

fn name_of(body: &str) -> (&str, &str) {
    let end = body
        .find(|character: char| !character.is_ascii_alphanumeric())
        .unwrap_or(body.len());
    // `py3` ends in a digit, `r5` does not name a command.
    body.split_at(end)
}

fn command_effects(body: &str, at: usize) -> Vec<What> {
    if let Some(command) = body.strip_prefix('!') {
        return vec![shell(command, at + 1)];
    }
    let (name, rest) = name_of(body);
    let rest_at = at + name.len();
    let argument = rest.trim_start_matches('!').trim_start();
    let argument_at = rest_at + rest.len() - argument.len();
    match name {
        "silent" | "sil" | "verbose" | "keepalt" | "noautocmd" | "execute" | "exe" | "exec"
        | "tabnew" | "argdo" | "bufdo" | "windo" | "g" | "global" | "v"
            if nested(name, rest).is_some() =>
        {
            let inner = nested(name, rest).unwrap_or("");
            // One level: what an `execute` builds is itself a command.
            if matches!(name, "execute" | "exe" | "exec") {
                let text = inner.trim().trim_matches(['"', '\'']);
                return vec![What::Code {
                    language: Language::Ex,
                    text: Value::Exact(text.to_owned()),
                    verbatim_at: None,
                }];
            }
            let inner_at = rest_at + rest.len() - inner.len();
            let trimmed = inner.trim_start_matches([':', ' ']);
            if let Some(command) = trimmed.strip_prefix('!') {
                return vec![shell(command, inner_at + inner.len() - trimmed.len() + 1)];
            }
            vec![What::Code {
                language: Language::Ex,
                text: Value::Exact(trimmed.to_owned()),
                verbatim_at: Some(inner_at + inner.len() - trimmed.len()),
            }]
        }
        "sh" | "she" | "shell" => vec![program("sh")],
        "terminal" | "term" | "ter" if argument.is_empty() => vec![program("sh")],
        "terminal" | "term" | "ter" => vec![shell(argument, argument_at)],
        "r" | "re" | "read" | "w" | "wr" | "write" | "e" | "edit" | "f" | "file" | "sav"
        | "saveas" | "wq" | "x" | "up" | "update" => file(name, rest, argument, argument_at),
        "so" | "source" | "luafile" | "pyfile" | "py3file" | "rubyfile" | "perlfile"
            if !argument.is_empty() =>
        {
            vec![path(ActionKind::ExecLocal, argument, &[])]
        }
        "python" | "python3" | "py" | "py3" | "pyx" | "pythonx" => {
            vec![code(Language::Python, argument, argument_at)]
        }
        "perl" | "perldo" => vec![code(Language::Perl, argument, argument_at)],
        "ruby" | "rubydo" => vec![code(Language::Ruby, argument, argument_at)],
        "lua" | "luado" => vec![code(Language::Lua, argument, argument_at)],
        "set" | "se" | "setlocal" if argument.contains("shell=") || argument.contains("sh=") => {
            let program = argument.split('=').nth(1).unwrap_or("");
            vec![What::Argv {
                words: vec![Value::Exact(program.to_owned())],
            }]
        }
        "normal" | "norm" => match argument.find(":!") {
            Some(found) => vec![shell(
                argument[found + 2..].trim_end_matches("\\<CR>"),
                argument_at + found + 2,
            )],
            None => Vec::new(),
        },
        "make" | "mak" => vec![program("make")],
        "grep" | "gr" => Vec::new(),
        "call" | "cal" | "let" | "echo" | "ec" | "echom" | "eval" | "return" | "if" | "autocmd"
        | "au" => functions(rest, rest_at),
        _ => Vec::new(),
    }
}

/// What a command that runs another command runs.
fn nested<'a>(name: &str, rest: &'a str) -> Option<&'a str> {
    if matches!(name, "g" | "global" | "v") {
        let pattern = rest.trim_start_matches('!');
        let delimiter = pattern
            .chars()
            .next()
            .filter(|sign| sign.is_ascii_punctuation())?;
        let mut parts = pattern.splitn(3, delimiter);
        parts.next();
        parts.next();
        return parts.next().filter(|command| !command.is_empty());
    }
    let inner = rest.trim_start_matches('!');
    (!inner.trim().is_empty()).then_some(inner)
}

fn shell(text: &str, at: usize) -> What {
    let command = text.trim_start_matches([' ', '\t', '!']);
    let verbatim_at = Some(at + text.len() - command.len());
    What::Shell {
        text: Value::Exact(command.trim_end().to_owned()),
        verbatim_at,
    }
}

fn program(name: &str) -> What {
    What::Argv {
        words: vec![Value::Exact(name.to_owned())],
    }
}

fn code(language: Language, text: &str, at: usize) -> What {
    What::Code {
        language,
        text: Value::Exact(text.to_owned()),
        verbatim_at: Some(at),
    }
}

fn path(kind: ActionKind, path: &str, attributes: &[&'static str]) -> What {
    What::Act {
        kind,
        target: Some(Value::Exact(path.to_owned())),
        role: TargetRole::Path,
        attributes: attributes.to_vec(),
    }
}

fn file(name: &str, rest: &str, argument: &str, at: usize) -> Vec<What> {
    // `r !cmd` and `w !cmd`; `w!file` forces.
    let reads = matches!(name, "r" | "re" | "read" | "e" | "edit");
    let spaced = rest.trim_start();
    if let Some(command) = spaced
        .strip_prefix('!')
        .filter(|_| rest.starts_with(' ') || name.starts_with('r'))
    {
        let command_at = (at + argument.len()).saturating_sub(command.len());
        return vec![shell(command, command_at)];
    }
    if argument.is_empty() {
        return Vec::new();
    }
    if reads {
        return vec![path(ActionKind::FsRead, argument, &[])];
    }
    match argument.strip_prefix(">>") {
        Some(file) => vec![path(ActionKind::FsWrite, file.trim(), &["append"])],
        None => vec![path(ActionKind::FsWrite, argument, &["truncate"])],
    }
}

/// `system('…')`, `delete('…')`, `writefile(…, '…')` in an expression.
fn functions(text: &str, at: usize) -> Vec<What> {
    let mut effects = Vec::new();
    for (name, offset) in [
        ("system(", 7),
        ("systemlist(", 11),
        ("termopen(", 9),
        ("jobstart(", 9),
        ("job_start(", 10),
        ("delete(", 7),
        ("writefile(", 10),
    ] {
        let Some(found) = text.find(name) else {
            continue;
        };
        let before = text[..found].chars().next_back();
        if before.is_some_and(|character| character.is_ascii_alphanumeric() || character == '_') {
            continue;
        }
        let from = found + offset;
        let strings = quoted(&text[from..]);
        // `delete($HOME, "rf")`: the path is no string.
        if name == "delete("
            && let Some(value) = variable(&text[from..])
        {
            let whole = strings
                .first()
                .is_some_and(|(flags, _)| flags.contains('r'));
            effects.push(path(
                ActionKind::FsDelete,
                value,
                if whole { &["recursive"] } else { &[] },
            ));
            continue;
        }
        let chosen = if name == "writefile(" {
            strings.last()
        } else {
            strings.first()
        };
        let Some((string, string_at)) = chosen else {
            effects.push(What::Unknown {
                reason: String::from("a command that is computed"),
            });
            continue;
        };
        effects.push(match name {
            "delete(" => {
                let whole = strings.get(1).is_some_and(|(flags, _)| flags.contains('r'));
                path(
                    ActionKind::FsDelete,
                    string,
                    if whole { &["recursive"] } else { &[] },
                )
            }
            "writefile(" => path(ActionKind::FsWrite, string, &["truncate"]),
            _ => shell(string, at + from + string_at),
        });
    }
    effects
}

/// The path that a variable of the environment or a call at the start of an argument stands for.
fn variable(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    if text.starts_with("$HOME")
        || text.starts_with("expand('~')")
        || text.starts_with("expand(\"~\")")
    {
        return Some("~");
    }
    (text.starts_with("getcwd(") || text.starts_with("$PWD")).then_some(".")
}

fn quoted(text: &str) -> Vec<(&str, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < 16 {
        let Some(open) = text[at..].find(['\'', '"']).map(|found| at + found) else {
            break;
        };
        let quote = text.as_bytes()[open];
        let Some(close) =
            memchr::memchr(quote, &text.as_bytes()[open + 1..]).map(|found| open + 1 + found)
        else {
            break;
        };
        out.push((&text[open + 1..close], open + 1));
        at = close + 1;
    }
    out
}
