//! Programs that the catalogue does not know, or that are not what their name looks like: what can be said of them all
//! the same.

use super::lookup::base_name;
use super::{Engine, Situation};
use crate::actions::action::{Action, Certainty};
use crate::actions::kinds::ActionKind;
use crate::actions::word::{Data, Word};
use crate::shell::command::Value;
use crate::text::fold;

impl Engine<'_> {
    /// What removes folders by force takes these words, whatever its name turns out to be.
    pub(super) fn as_removal(&mut self, words: &[Word], here: &Situation) {
        let is_flag = |word: &Word| {
            word.exact().is_some_and(|text| {
                text.starts_with('-')
                    && text.contains(['r', 'R'])
                    && text.contains('f')
                    && text.len() < 6
            })
        };
        if !words.get(1).is_some_and(is_flag) || words.len() < 3 {
            return;
        }
        let mut removal = words.to_vec();
        removal[0].value = Value::Exact(String::from("rm"));
        self.read_as(&removal, here);
    }

    /// Words with characters that look like a slash, a dash or a tilde are read as those, too: an editor or a terminal
    /// may make them so.
    pub(super) fn as_ascii(&mut self, words: &[Word], here: &Situation) {
        let plain = |word: &Word| {
            word.exact()
                .filter(|text| !text.is_ascii() && text.contains(|one| as_syntax(one).is_some()))
                .map(|text| {
                    text.chars()
                        .map(|one| as_syntax(one).unwrap_or(one))
                        .collect()
                })
        };
        if !words.iter().skip(1).any(|word| plain(word).is_some()) {
            return;
        }
        let read: Vec<Word> = words
            .iter()
            .map(|word| match plain(word) {
                Some(text) => Word::made(Value::Exact(text), word.origin.clone()),
                None => word.clone(),
            })
            .collect();
        self.read_as(&read, here);
    }

    /// Words that may be another command than what stands there: of what that one would do, what cannot be taken back.
    fn read_as(&mut self, words: &[Word], here: &Situation) {
        let deeper = possibly(here);
        if self.afford(0, &deeper) {
            let before = self.actions.len();
            self.argv(words, &deeper);
            self.keep_worst(before);
        }
    }

    /// Where Windows looks first: a program of the working directory that the call downloaded.
    pub(super) fn downloaded_program(&self, words: &[Word], here: &Situation) -> Option<Data> {
        let name = words.first()?.exact()?.replace('\\', "/");
        let path = self.absolute(&name, here)?;
        let data = self.written(&path)?;
        (!data.urls.is_empty()).then(|| data.clone())
    }

    /// A program that nobody knows may run what is given to it: `newtool rm -rf /`, `newtool -c 'rm -rf /'`. Only what
    /// cannot be taken back is said, because most words after an unknown name are something else.
    pub(super) fn as_wrapper(&mut self, words: &[Word], here: &Situation) {
        const LOOKED_AT: usize = 10;
        let deeper = possibly(here);
        for at in 1..words.len().min(LOOKED_AT) {
            let Some(text) = words[at].exact() else {
                continue;
            };
            let before = self.actions.len();
            let code = words[at - 1]
                .exact()
                .is_some_and(|option| CODE_OPTIONS.contains(&option));
            if code && text.contains(' ') {
                if !self.afford(text.len(), &deeper) {
                    return;
                }
                let (text, origin) = (text.to_owned(), words[at].origin.clone());
                self.shell_text(&text, &origin, &deeper);
                for literal in literals(&text) {
                    self.shell_text(literal, &origin, &deeper);
                }
            } else if self.catalogue.commands.find(base_name(text)).is_some()
                && at + 1 < words.len()
            {
                if !self.afford(0, &deeper) {
                    return;
                }
                self.argv(&words[at..], &deeper);
            } else {
                continue;
            }
            self.keep_worst(before);
            if self.actions.len() > before {
                return;
            }
        }
    }

    /// Of the actions from `before` on only those that cannot be taken back.
    pub(super) fn keep_worst(&mut self, before: usize) {
        let mut at = 0;
        self.actions.retain(|action| {
            at += 1;
            at <= before || is_worst(action)
        });
    }
}

/// One level deeper, where nothing is more than possible.
fn possibly(here: &Situation) -> Situation {
    Situation {
        depth: here.depth + 1,
        certainty: Certainty::Possible,
        ..here.clone()
    }
}

/// Whether a name holds Latin letters beside Greek or Cyrillic ones: nobody writes so by accident.
pub(super) fn is_mixed(name: &str) -> bool {
    name.contains(|one: char| one.is_ascii_alphabetic())
        && name.contains(|one: char| matches!(one, '\u{370}'..='\u{52f}'))
}

/// The ASCII name that a name with other characters looks like.
pub(super) fn looks_like(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    name.chars()
        .map(|character| {
            if character.is_ascii() {
                return Some(character);
            }
            fold::compatibility(character)
                .or_else(|| fold::look_alike(character))
                .map(|byte| char::from(byte).to_ascii_lowercase())
        })
        .collect()
}

/// The character of shell words that another one looks like.
const fn as_syntax(character: char) -> Option<char> {
    Some(match character {
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{fe63}' => '-',
        '\u{ff5e}' | '\u{223c}' | '\u{02dc}' => '~',
        '\u{ff0a}' => '*',
        _ => return None,
    })
}

/// Options after which programs take code, as far as a name tells.
const CODE_OPTIONS: [&str; 12] = [
    "-c",
    "-e",
    "-x",
    "-g",
    "-r",
    "-exec",
    "--exec",
    "--eval",
    "--command",
    "--cmd",
    "--run",
    "-eval",
];

/// Whether an action cannot be taken back, whoever is asked.
fn is_worst(action: &Action) -> bool {
    match action.kind {
        ActionKind::FsDelete => action.has("recursive"),
        ActionKind::FsDestroy
        | ActionKind::DiskWrite
        | ActionKind::ExecRemoteCode
        | ActionKind::ExecRemoteShell
        | ActionKind::ProcessExhaust => true,
        _ => false,
    }
}

/// What stands between double or single quotes in code of whatever language.
pub(super) fn literals(code: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 16;
    ['"', '\'']
        .into_iter()
        .flat_map(move |quote| code.split(quote).skip(1).step_by(2))
        .filter(|literal| literal.contains(' '))
        .take(MOST)
}
