//! Programs of Windows that run something else: downloads that run, script hosts, shells.

use super::super::known;
use super::{Call, named, path_act, text, url_act};
use crate::actions::code::value::concat;
use crate::actions::code::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;

/// What runs something else.
pub(super) fn on_programs(program: &str, call: &Call<'_>) -> Option<Vec<What>> {
    Some(match program {
        "certutil" => certutil(call),
        "bitsadmin" => download(call),
        "mshta" | "regsvr32" | "rundll32" | "cmstp" | "msxsl" | "installutil" | "regasm"
        | "regsvcs" => script_host(call, program),
        "wscript" | "cscript" => script_host(call, program),
        "msiexec" => installer(call),
        "forfiles" => forfiles(call),
        "runas" => vec![named(ActionKind::ExecPrivileged, call.last())],
        "psexec" | "winrs" => vec![named(ActionKind::ExecElsewhere, call.first())],
        "powershell" | "pwsh" | "powershell_ise" => powershell(call),
        "cmd" => shell(call),
        _ => return None,
    })
}

fn certutil(call: &Call<'_>) -> Vec<What> {
    if let Some(url) = call.url() {
        let mut effects = vec![url_act(ActionKind::NetFetch, &url)];
        let file = call.last();
        if known(&file) != url {
            effects.push(path_act(ActionKind::FsWrite, file, &["create"]));
        }
        // A certificate tool that fetches a program is there to have it run.
        if is_program(&url) {
            effects.push(url_act(ActionKind::ExecRemoteCode, &url));
        }
        return effects;
    }
    if call.flag("-decode") || call.flag("-decodehex") || call.flag("/decode") {
        // The catalogue knows that what it writes was decoded.
        return vec![What::Argv {
            words: call.words.to_vec(),
        }];
    }
    if call.flag("-addstore") || call.flag("-delstore") {
        return vec![named(ActionKind::SystemConfig, text("certificate store"))];
    }
    Vec::new()
}

/// Whether an address ends like that of a program.
fn is_program(url: &str) -> bool {
    const ENDINGS: [&str; 10] = [
        ".exe", ".dll", ".ps1", ".bat", ".cmd", ".vbs", ".hta", ".js", ".msi", ".scr",
    ];
    let lower = url.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

fn download(call: &Call<'_>) -> Vec<What> {
    let mut effects: Vec<What> = Vec::new();
    if let Some(url) = call.url() {
        effects.push(url_act(ActionKind::NetFetch, &url));
        if is_program(&url) {
            effects.push(url_act(ActionKind::ExecRemoteCode, &url));
        }
    }
    if call.flag("/setnotifycmdline") {
        effects.push(named(ActionKind::PersistStartup, call.first()));
    }
    if !effects.is_empty() {
        effects.push(path_act(ActionKind::FsWrite, call.last(), &["create"]));
    }
    effects
}

fn script_host(call: &Call<'_>, program: &str) -> Vec<What> {
    if let Some(url) = call.url() {
        return vec![url_act(ActionKind::ExecRemoteCode, &url)];
    }
    let all: Vec<&str> = call.words.iter().skip(1).map(known).collect();
    let joined = all.join(" ");
    let lower = joined.to_ascii_lowercase();
    if lower.contains("minidump") {
        return vec![What::Act {
            kind: ActionKind::CredentialRead,
            target: Some(text("memory of a process")),
            role: TargetRole::Name,
            attributes: vec!["process_memory"],
        }];
    }
    if lower.contains("javascript:") || lower.contains("vbscript:") {
        let code = text(&format!("script in the arguments of `{program}`"));
        return vec![named(ActionKind::ExecDynamic, code)];
    }
    if joined.is_empty() {
        return Vec::new();
    }
    if let Some(at) = all
        .iter()
        .position(|word| word.to_ascii_lowercase().contains("shellexec_rundll"))
    {
        return vec![What::Argv {
            words: call.words.get(at + 2..).unwrap_or(&[]).to_vec(),
        }];
    }
    let file = call.first();
    let file = match &file {
        Value::Exact(path) => Value::Exact(path.split(',').next().unwrap_or(path).to_owned()),
        other => other.clone(),
    };
    vec![path_act(ActionKind::ExecLocal, file, &[])]
}

fn installer(call: &Call<'_>) -> Vec<What> {
    if let Some(url) = call.url() {
        return vec![url_act(ActionKind::ExecRemoteCode, &url)];
    }
    if call.flag("/x") || call.flag("/uninstall") {
        return vec![named(ActionKind::PackageRemove, call.first())];
    }
    vec![named(ActionKind::PackageInstall, call.first())]
}

fn forfiles(call: &Call<'_>) -> Vec<What> {
    let place = call
        .after("/p")
        .map_or_else(|| String::from("."), |path| known(&path).to_owned());
    let Some(command) = call.after("/c") else {
        return Vec::new();
    };
    // Each file found stands in for `@path`.
    let deep = if call.flag("/s") { "**\\" } else { "" };
    let files = format!("{}\\{deep}*", place.trim_end_matches('\\'));
    let text = known(&command)
        .replace("@path", &files)
        .replace("@file", &files);
    vec![What::Code {
        language: Language::Cmd,
        text: Value::Exact(text),
        verbatim_at: None,
    }]
}

fn shell(call: &Call<'_>) -> Vec<What> {
    let at = (1..call.words.len())
        .find(|index| matches!(call.word(*index).get(..2), Some("/c" | "/k" | "/r")));
    let Some(at) = at else {
        return Vec::new();
    };
    let first = known(&call.get(at)).get(2..).unwrap_or("").to_owned();
    let rest = call.words.get(at + 1..).unwrap_or(&[]);
    let single = rest.len() == 1 && first.is_empty();
    let mut text = Value::Exact(first);
    for word in rest {
        let blank = if known(&text).is_empty() { "" } else { " " };
        text = concat(text, &Value::Exact(blank.to_owned()));
        // Words that were quoted keep their blanks.
        let word = match word {
            Value::Exact(inner) if !single && inner.contains(' ') => {
                Value::Exact(format!("\"{inner}\""))
            }
            other => other.clone(),
        };
        text = concat(text, &word);
    }
    vec![What::Code {
        language: Language::Cmd,
        text,
        verbatim_at: None,
    }]
}

/// The arguments of `powershell.exe`: switches may be cut short, what follows the last one is code.
fn powershell(call: &Call<'_>) -> Vec<What> {
    let mut index = 1;
    while index < call.words.len() {
        let word = call.word(index);
        let Some(name) = word.strip_prefix(['-', '/']) else {
            break;
        };
        if name.is_empty() {
            // `… | powershell -`
            return vec![named(ActionKind::ExecDynamic, text("standard input"))];
        }
        let means = |full: &str, least: usize| name.len() >= least && full.starts_with(name);
        if means("encodedcommand", 1) || name == "ec" {
            return vec![
                encoded(&call.get(index + 1)),
                named(ActionKind::ExecDynamic, text("encoded command")),
            ];
        }
        if means("command", 1) {
            index += 1;
            break;
        }
        if means("file", 1) {
            return vec![path_act(ActionKind::ExecLocal, call.get(index + 1), &[])];
        }
        let takes_value = means("executionpolicy", 2)
            || name == "ep"
            || means("windowstyle", 1)
            || means("version", 1)
            || means("inputformat", 2)
            || means("outputformat", 1)
            || means("configurationname", 6)
            || means("psconsolefile", 1)
            || means("workingdirectory", 2)
            || name == "wd";
        index += if takes_value { 2 } else { 1 };
    }
    let rest = call.words.get(index..).unwrap_or(&[]);
    if rest.is_empty() {
        return Vec::new();
    }
    let mut code = Value::Exact(String::new());
    for (position, word) in rest.iter().enumerate() {
        if position > 0 {
            code = concat(code, &text(" "));
        }
        code = concat(code, word);
    }
    vec![What::Code {
        language: Language::PowerShell,
        text: code,
        verbatim_at: None,
    }]
}

/// Base64 of UTF-16, as `-EncodedCommand` takes it.
fn encoded(value: &Value) -> What {
    match value.exact().and_then(decode_utf16) {
        Some(code) if !code.trim().is_empty() => What::Code {
            language: Language::PowerShell,
            text: Value::Exact(code),
            verbatim_at: None,
        },
        _ => What::Unknown {
            reason: String::from("an encoded command that cannot be decoded"),
        },
    }
}

pub(in crate::actions::code) fn decode_utf16(text: &str) -> Option<String> {
    let bytes = crate::actions::code::fold::base64(text)?;
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).ok()
}
