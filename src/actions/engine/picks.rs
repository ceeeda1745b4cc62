//! Filters that leave a part of what was listed: variables of the environment, processes.

use std::rc::Rc;

use super::{Engine, Situation};
use crate::actions::kinds::ActionKind;
use crate::actions::word::{Data, Word};

impl Engine<'_> {
    /// `env | grep -i path`: of the environment only what was asked for is seen.
    pub(super) fn picks(&mut self, words: &[Word], here: &mut Situation) {
        let is_grep = matches!(
            words.first().and_then(Word::exact),
            Some("grep" | "egrep" | "fgrep" | "rg")
        );
        if !is_grep
            || here
                .stdin
                .secrets
                .iter()
                .any(|held| &**held != "environment")
        {
            return;
        }
        let mut patterns = words[1..].iter();
        let plain = patterns.clone().all(|word| {
            word.exact()
                .is_some_and(|text| !text.starts_with('-') || is_shown(text))
        }) && patterns.any(|word| word.exact().is_some_and(is_innocent))
            && words[1..]
                .iter()
                .filter_map(Word::exact)
                .filter(|text| !text.starts_with('-'))
                .all(is_innocent);
        let dumped = self.actions.iter().rposition(|action| {
            action.kind == ActionKind::CredentialRead && action.target.value == "environment"
        });
        if plain && let Some(at) = dumped {
            self.actions.remove(at);
            here.stdin = Rc::new(Data::opaque());
        }
    }
}

/// `ps aux | grep NAME`: of all processes only those of that name go on.
pub(super) fn picks_processes(words: &[Word], here: &mut Situation) -> Option<Rc<str>> {
    if here.stdin.processes.is_empty() {
        return None;
    }
    let (program, rest) = words.split_first()?;
    let mut operands = rest
        .iter()
        .filter_map(Word::exact)
        .filter(|text| !text.starts_with('-'));
    // What is left out says nothing of what is left.
    let inverted = |word: &Word| {
        word.exact().is_some_and(|text| {
            text == "--invert-match"
                || text.starts_with('-') && !text.starts_with("--") && text.contains('v')
        })
    };
    if rest.iter().any(inverted) {
        return None;
    }
    let name = match program.exact()? {
        "grep" | "egrep" | "fgrep" | "rg" => operands.next()?,
        "awk" | "gawk" | "mawk" => operands.next()?.strip_prefix('/')?.split_once('/')?.0,
        _ => return None,
    };
    // `[n]ame` is how a search leaves itself out.
    let name: Rc<str> = Rc::from(name.replace(['[', ']'], ""));
    let mut data = Data::clone(&here.stdin);
    data.processes = vec![Rc::clone(&name)];
    here.stdin = Rc::new(data);
    Some(name)
}

/// Options of grep that say how, and not what else.
fn is_shown(option: &str) -> bool {
    option
        .trim_start_matches('-')
        .bytes()
        .all(|letter| matches!(letter, b'i' | b'E' | b'F' | b'n' | b'q' | b'o' | b'w'))
}

/// Whether a pattern asks for variables by names that hold no credentials.
fn is_innocent(pattern: &str) -> bool {
    const TELLING: [&str; 12] = [
        "KEY", "TOKEN", "SECRET", "PASS", "PWD", "CRED", "AUTH", "PRIV", "AWS", "GITHUB", "API",
        "=",
    ];
    let upper = pattern.to_ascii_uppercase();
    let letters = upper.bytes().filter(u8::is_ascii_alphabetic).count();
    letters >= 2
        && !upper.contains(['*', '.', '[', '|', '?', '\\'])
        && !TELLING.iter().any(|part| upper.contains(part))
}
