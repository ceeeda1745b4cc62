//! A command that another one runs: its words, with what is put into and after them, and the parameters of code.

use std::rc::Rc;

use super::lookup::base_name;
use super::{Engine, Situation};
use crate::actions::catalogue::entry::{Act, Effect, Selector};
use crate::actions::line::{Line, Truth};
use crate::actions::pattern;
use crate::actions::word::{Origin, Word};
use crate::shell::command::{Value, Why};

impl Engine<'_> {
    /// `sh -c CODE ZERO ARGUMENTS..`: the code with its parameters, which `append` selects.
    pub(super) fn parameters(
        &mut self,
        effect: &Effect<'_>,
        line: &Line<'_>,
        here: &Situation,
    ) -> Option<Situation> {
        let words = line.select(effect.append.as_ref()?);
        let (zero, arguments) = words.split_first()?;
        for (number, word) in words.iter().enumerate() {
            if let Some(data) = &word.data
                && self.variables.len() < super::MAX_FILES
            {
                self.variables.push((number.to_string(), Rc::clone(data)));
            }
        }
        let arguments = arguments.iter().map(|word| word.value.clone()).collect();
        let scope = here.scope.with_parameters(zero.value.clone(), arguments);
        Some(Situation {
            scope: Rc::new(scope),
            ..here.clone()
        })
    }

    /// Whether one word holds a whole command: a program that is known and its arguments.
    pub(super) fn is_line(&self, word: &Word) -> bool {
        word.exact()
            .and_then(|text| text.trim_start().split_once(char::is_whitespace))
            .is_some_and(|(name, rest)| {
                !rest.trim().is_empty()
                    && !name.contains(['=', '"', '\''])
                    && self.catalogue.commands.find(base_name(name)).is_some()
            })
    }

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
            let found = if matches!(by, Selector::Stdin) {
                Names::Lines
            } else {
                names_of(effect, line)
            };
            let with = self.inserted(by, line, found, here);
            let mut replaced = Vec::with_capacity(words.len() + with.len());
            for word in words {
                let text = match &word.value {
                    Value::Exact(text) | Value::Pattern(text) => Some(text.as_str()),
                    _ => None,
                };
                match text {
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
            words.extend(self.inserted(selector, line, names_of(effect, line), here));
        }
        words
    }

    /// Words that another selector puts in; for standard input the names that come from there.
    fn inserted(
        &self,
        selector: &Selector<'_>,
        line: &Line<'_>,
        found: Names,
        here: &Situation,
    ) -> Vec<Word> {
        if !matches!(selector, Selector::Stdin) {
            let mut words = line.select(selector);
            if line.entry.lists.is_some() && !names_files(selector) {
                // `find DIR -exec`: what is found lies below, not the folder itself alone.
                for word in &mut words {
                    if let Some(path) = word.exact().and_then(|text| self.absolute(text, here)) {
                        word.value = listed(&path, found == Names::All, "what is found");
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
            let name = |name: &str| made(Value::Exact(name.to_owned()));
            return match found {
                Names::Lines => text.lines().map(|line| name(line.trim_start())).collect(),
                _ => text.split_whitespace().map(name).collect(),
            };
        }
        if line.stdin.folders.is_empty() {
            let why = Why::RunTimeValue(String::from("standard input"));
            return vec![Word {
                data: line.stdin.some.then(|| Rc::new(line.stdin.clone())),
                ..made(Value::Unknown(why))
            }];
        }
        line.stdin
            .folders
            .iter()
            .map(|folder| made(listed(folder, false, "standard input")))
            .collect()
    }
}

/// Whether a selector says which files they are, and not only where they lie.
fn names_files(selector: &Selector<'_>) -> bool {
    match selector {
        Selector::Under(..) => true,
        Selector::First(several) | Selector::All(several) => several.iter().all(names_files),
        _ => false,
    }
}

/// Whether a selector selects values of options alone.
pub(super) fn names_options(selector: &Selector<'_>) -> bool {
    match selector {
        Selector::Option(_) => true,
        Selector::First(several) | Selector::All(several) => several.iter().all(names_options),
        _ => false,
    }
}

/// How names are put into a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those that fit something.
    Some,
    /// Everything there is.
    All,
    /// One from each line of the input.
    Lines,
}

/// Whether a command is run on everything that is found: its effect says when.
pub(super) fn names_of(effect: &Effect<'_>, line: &Line<'_>) -> Names {
    let everything = effect.attributes.iter().any(|(name, condition)| {
        *name == "everything"
            && condition
                .as_ref()
                .is_none_or(|condition| line.any(condition) == Truth::Yes)
    });
    if everything { Names::All } else { Names::Some }
}

/// A name of which only the folder is known: everything in it, or something.
pub(super) fn listed(folder: &str, all: bool, source: &str) -> Value {
    let slash = if folder.ends_with('/') { "" } else { "/" };
    if pattern::has_wildcard(folder) {
        Value::Pattern(folder.to_owned())
    } else if all {
        Value::Pattern(format!("{folder}{slash}*"))
    } else {
        let why = Why::RunTimeValue(source.to_owned());
        Value::Prefix(format!("{folder}{slash}"), why)
    }
}

/// A word in which a part is replaced by another word. What is not known of that one is shown as `…`: the rest of the
/// text, which may be code, is still understood.
fn inside(word: &Word, text: &str, placeholder: &str, insert: &Word) -> Word {
    let (known, whole) = insert.known();
    let rest = if whole { "" } else { "…" };
    // A credential that is put in is in the word from then on.
    let data = match (&word.data, &insert.data) {
        (held, Some(put)) if !put.secrets.is_empty() => {
            let mut both = held.as_deref().cloned().unwrap_or_default();
            both.merge(put);
            Some(Rc::new(both))
        }
        (held, _) => held.clone(),
    };
    Word {
        value: Value::Exact(text.replace(placeholder, &format!("{known}{rest}"))),
        origin: Origin {
            verbatim: None,
            ..word.origin.clone()
        },
        data,
    }
}

/// Code of another language with what stands behind it on its command line.
pub(super) fn arguments(
    effect: &Effect<'_>,
    line: &Line<'_>,
    here: &Situation,
) -> Option<Situation> {
    let (Act::Code(language) | Act::Script(language)) = &effect.act else {
        return None;
    };
    if *language == "shell" {
        return None;
    }
    let behind = match effect.to.as_ref()? {
        Selector::Operand(at) => at.saturating_add(1),
        // `python - ARGUMENTS`
        Selector::Stdin => 1,
        _ => 0,
    };
    let words = line.select(&Selector::From(behind));
    // `node FILE` counts the file, `node -e CODE` has none.
    let file = *language == "javascript" && behind > 0;
    let file = file.then(|| Value::Exact(String::from(".")));
    Some(Situation {
        arguments: file
            .into_iter()
            .chain(words.into_iter().map(|word| word.value))
            .collect(),
        ..here.clone()
    })
}
