//! The words of a command that another one runs: what is put into and after them.

use std::rc::Rc;

use super::{Engine, Situation};
use crate::actions::catalogue::entry::{Effect, Selector};
use crate::actions::line::Line;
use crate::actions::word::{Origin, Word};
use crate::shell::command::{Value, Why};

impl Engine<'_> {
    /// The words of a command that another one runs, with what is put into and after them.
    pub(super) fn wrapped(
        &mut self,
        effect: &Effect<'_>,
        mut words: Vec<Word>,
        line: &Line<'_>,
        here: &Situation,
    ) -> Vec<Word> {
        if let Some((placeholder, by)) = &effect.replace
            && let Some(placeholder) = line.select(placeholder).pop()
            && let Some(placeholder) = placeholder.exact().filter(|text| !text.is_empty())
        {
            let with = self.inserted(by, line, here);
            let mut replaced = Vec::with_capacity(words.len() + with.len());
            for word in words {
                match word.exact() {
                    Some(text) if text == placeholder => replaced.extend(with.iter().cloned()),
                    Some(text) if text.contains(placeholder) => {
                        replaced.extend(
                            with.iter()
                                .map(|insert| inside(&word, text, placeholder, insert)),
                        );
                    }
                    _ => replaced.push(word),
                }
            }
            words = replaced;
        }
        if let Some(selector) = &effect.append
            && !words.is_empty()
        {
            words.extend(self.inserted(selector, line, here));
        }
        words
    }

    /// Words that another selector puts in; for standard input the names that come from there.
    fn inserted(&self, selector: &Selector<'_>, line: &Line<'_>, here: &Situation) -> Vec<Word> {
        if !matches!(selector, Selector::Stdin) {
            let mut words = line.select(selector);
            if line.entry.lists.is_some() {
                // `find DIR -exec`: what is found lies below, not the folder itself alone.
                for word in &mut words {
                    if let Some(path) = word.exact().and_then(|text| self.absolute(text, here)) {
                        let path = if path.ends_with('/') {
                            path
                        } else {
                            format!("{path}/")
                        };
                        word.value =
                            Value::Prefix(path, Why::RunTimeValue(String::from("what is found")));
                    }
                }
            }
            return words;
        }
        let made = |value| Word {
            value,
            origin: here.origin.clone(),
            data: None,
        };
        if let Some(text) = line.stdin.text.as_ref().and_then(|text| text.value.exact()) {
            return text
                .split_whitespace()
                .map(|name| made(Value::Exact(name.to_owned())))
                .collect();
        }
        let why = || Why::RunTimeValue(String::from("standard input"));
        if line.stdin.folders.is_empty() {
            return vec![Word {
                data: line.stdin.some.then(|| Rc::new(line.stdin.clone())),
                ..made(Value::Unknown(why()))
            }];
        }
        line.stdin
            .folders
            .iter()
            .map(|folder| {
                let folder = if folder.ends_with('/') {
                    folder.as_ref().to_owned()
                } else {
                    format!("{folder}/")
                };
                made(Value::Prefix(folder, why()))
            })
            .collect()
    }
}

/// A word in which a part is replaced by another word. What is not known of that one is shown as `…`: the rest of the
/// text, which may be code, is still understood.
fn inside(word: &Word, text: &str, placeholder: &str, insert: &Word) -> Word {
    let (known, whole) = insert.known();
    let rest = if whole { "" } else { "…" };
    Word {
        value: Value::Exact(text.replace(placeholder, &format!("{known}{rest}"))),
        origin: Origin {
            verbatim: None,
            ..word.origin.clone()
        },
        data: word.data.clone(),
    }
}
