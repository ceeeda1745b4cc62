//! m4: text with macros, some of which run shell commands or read files.
//!
//! Only the macros that leave the process are looked for; what others expand to is not computed.

use super::{CodeEffect, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// Macros that hand their first argument to a shell.
const SHELLS: [&str; 2] = ["syscmd", "esyscmd"];

/// Macros that read the file that their first argument names.
const READS: [&str; 3] = ["include", "sinclude", "undivert"];

/// What a text would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut effects = Vec::new();
    for (start, name) in names(text) {
        let shell = SHELLS.contains(&name);
        if !shell && !READS.contains(&name) {
            continue;
        }
        let end = start + name.len();
        let argument = text[end..]
            .strip_prefix('(')
            .and_then(first_argument)
            .filter(|_| !text.contains("changequote"));
        let what = match argument {
            Some(text) if shell => What::Shell {
                text: Value::Exact(text),
                verbatim_at: None,
            },
            Some(file) => What::Act {
                kind: ActionKind::FsRead,
                target: Some(Value::Exact(file)),
                role: TargetRole::Path,
                attributes: Vec::new(),
            },
            // `define(`x', defn(`syscmd'))`: it will be called by another name, or with other quotes.
            None if shell => What::Unknown {
                reason: format!("what `{name}` is given is computed"),
            },
            None => continue,
        };
        if let Some(span) = ByteSpan::new(start, end) {
            effects.push(CodeEffect {
                what,
                span,
                certain: true,
            });
        }
    }
    effects
}

/// The names in a text, and where they stand. Those in comments do nothing.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_name = |one: char| one.is_ascii_alphanumeric() || one == '_';
    text.split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line.split('#').next().unwrap_or(line)))
        })
        .flat_map(move |(start, line)| {
            let mut rest = line;
            std::iter::from_fn(move || {
                let begin = rest.find(is_name)?;
                let word = &rest[begin..];
                let end = word.find(|one| !is_name(one)).unwrap_or(word.len());
                let at = start + (line.len() - word.len());
                rest = &word[end..];
                Some((at, &word[..end]))
            })
        })
}

/// The first argument of a macro, behind its parenthesis, without one level of quotes.
fn first_argument(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut quotes, mut groups) = (0_usize, 0_usize);
    for character in text.trim_start().chars() {
        match character {
            '`' => {
                quotes += 1;
                if quotes == 1 {
                    continue;
                }
            }
            '\'' if quotes > 0 => {
                quotes -= 1;
                if quotes == 0 {
                    continue;
                }
            }
            '(' if quotes == 0 => groups += 1,
            ')' if quotes == 0 && groups > 0 => groups -= 1,
            ')' | ',' if quotes == 0 && groups == 0 => return Some(out),
            _ => {}
        }
        out.push(character);
    }
    None
}
