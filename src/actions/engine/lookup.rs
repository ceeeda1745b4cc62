//! From the words of a command to the entry that tells what it means.

use std::rc::Rc;

use crate::actions::argv::{self, Parsed, Until};
use crate::actions::catalogue::Commands;
use crate::actions::catalogue::entry::{Entry, Otherwise};
use crate::actions::pattern;
use crate::actions::place::last_component;
use crate::actions::word::{Origin, Word};
use crate::shell::command::Value;

/// How many words a pattern of subcommands may look at.
const MAX_SUBCOMMANDS: usize = 6;

/// An entry and how the words were told apart by it.
pub struct Found<'e> {
    /// The entry.
    pub entry: &'e Entry<'static>,
    /// Options and operands.
    pub parsed: Parsed,
    /// How many words its name has.
    pub name_words: usize,
    /// The name as it was given.
    pub by: String,
    /// The word that is no subcommand, with what is to be done about it.
    pub unlisted: Option<(usize, Otherwise)>,
}

/// Characters that make a name look like another one, or like several words.
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    (character.is_whitespace() && !matches!(character, ' '))
        || character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The last component of a program's path, without the ending that Windows needs.
#[must_use]
pub fn base_name(name: &str) -> &str {
    // `^rm`: how Nushell says that the program is meant, and not what it has itself.
    let base = last_component(name.strip_prefix('^').unwrap_or(name));
    let split = base
        .len()
        .checked_sub(4)
        .filter(|at| base.is_char_boundary(*at));
    match split {
        Some(at) if at > 0 => match base[at..].to_ascii_lowercase().as_str() {
            ".exe" | ".cmd" | ".bat" | ".com" => &base[..at],
            _ => base,
        },
        _ => base,
    }
}

/// The entry for a command: the program's, or that of the deepest subcommand which its words name.
#[must_use]
pub fn find<'e>(commands: &'e Commands, program: &str, words: &[Word]) -> Option<Found<'e>> {
    let root = commands.find(program)?;
    let mut path = program.to_owned();
    let mut found = Found {
        entry: root,
        parsed: Parsed::default(),
        name_words: 1,
        by: path.clone(),
        unlisted: None,
    };
    let mut at = 1;
    let mut own = false;
    while found.entry.parent && !own {
        at = argv::read(found.entry, words, at, Until::Operand, &mut found.parsed);
        let Some(word) = words.get(at) else { break };
        let exact = word.exact();
        let child = exact.and_then(|text| {
            path.truncate(found.by.len());
            path.push(' ');
            path.push_str(text);
            commands.find(&path)
        });
        if let Some(child) = child {
            descend(&mut found, child, &path, &mut at, 1, words);
        } else if let Some((child, count, name)) = by_pattern(commands, &found, words, at) {
            let path = format!("{} {name}", found.by);
            descend(&mut found, child, &path, &mut at, count, words);
            break;
        } else {
            match found.entry.unlisted {
                Otherwise::Own => own = true,
                otherwise => {
                    found.unlisted = Some((at, otherwise));
                    return Some(found);
                }
            }
        }
        path.clone_from(&found.by);
    }
    argv::read(found.entry, words, at, Until::End, &mut found.parsed);
    Some(found)
}

/// The entry that those words of a program and its subcommands name, exactly or by pattern.
#[must_use]
pub fn entry_of<'e>(commands: &'e Commands, names: &[&str]) -> Option<&'e Entry<'static>> {
    let words: Vec<Word> = names
        .iter()
        .map(|name| {
            Word::made(
                Value::Exact((*name).to_owned()),
                Origin::argument(Rc::from(""), None),
            )
        })
        .collect();
    let found = find(commands, base_name(names.first()?), &words)?;
    (found.unlisted.is_none() && found.name_words == words.len()).then_some(found.entry)
}

fn descend<'e>(
    found: &mut Found<'e>,
    child: &'e Entry<'static>,
    path: &str,
    at: &mut usize,
    count: usize,
    words: &[Word],
) {
    for step in 0..count {
        if step > 0 {
            *at = argv::read(found.entry, words, *at, Until::Operand, &mut found.parsed);
        }
        *at += 1;
    }
    argv::hand_down(found.entry, child, &mut found.parsed);
    found.parsed.ended = false;
    found.entry = child;
    found.by = path.to_owned();
    found.name_words = *at;
}

/// The first subcommand by pattern that the next operands match.
fn by_pattern<'e>(
    commands: &'e Commands,
    found: &Found<'_>,
    words: &[Word],
    start: usize,
) -> Option<(&'e Entry<'static>, usize, String)> {
    if found.entry.patterns.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    let mut scratch = found.parsed.clone();
    let mut at = start;
    while names.len() < MAX_SUBCOMMANDS {
        at = argv::read(found.entry, words, at, Until::Operand, &mut scratch);
        match words.get(at).and_then(Word::exact) {
            Some(text) => names.push(text),
            None => break,
        }
        at += 1;
    }
    found.entry.patterns.iter().find_map(|(pattern, number)| {
        let fits = pattern.len() <= names.len()
            && pattern
                .iter()
                .zip(&names)
                .all(|(pattern, name)| pattern::matches(pattern, name));
        let number = usize::try_from(*number).ok()?;
        fits.then_some(())?;
        Some((
            commands.get(number)?,
            pattern.len(),
            names[..pattern.len()].join(" "),
        ))
    })
}
