//! Windows: the command language of `cmd.exe`, PowerShell, and the programs that both start.

pub(super) mod cmd;
mod cmd_words;
pub(super) mod cmdlets;
pub(super) mod native;
pub(super) mod powershell;

use crate::shell::command::Value;

/// Variables that have the same meaning on every Windows machine; the home directory is `~`.
pub(super) fn well_known(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "systemroot" | "windir" => "C:\\Windows",
        "systemdrive" | "homedrive" => "C:",
        "comspec" => "C:\\Windows\\System32\\cmd.exe",
        "programfiles" => "C:\\Program Files",
        "programfiles(x86)" => "C:\\Program Files (x86)",
        "programdata" | "allusersprofile" => "C:\\ProgramData",
        "userprofile" | "homepath" | "home" => "~",
        "appdata" => "~\\AppData\\Roaming",
        "localappdata" => "~\\AppData\\Local",
        "public" => "C:\\Users\\Public",
        "temp" | "tmp" => "~\\AppData\\Local\\Temp",
        "cd" | "pwd" => ".",
        "os" => "Windows_NT",
        "pathext" => ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
        _ => return None,
    })
}

/// The text that begins a value, as far as it is known.
pub(super) fn known(value: &Value) -> &str {
    match value {
        Value::Exact(text) | Value::Pattern(text) | Value::Prefix(text, _) => text,
        _ => "",
    }
}

/// A value with the glob characters of Windows told as a pattern.
pub(super) fn globbed(value: Value) -> Value {
    match value {
        Value::Exact(text) if text.contains(['*', '?']) => Value::Pattern(text),
        other => other,
    }
}
