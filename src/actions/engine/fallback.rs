//! What a command does that the catalogue does not spell out: a program or subcommand that is not listed, words that no
//! effect is about.

use super::lookup::Found;
use super::program::Done;
use super::shell::Effects;
use super::target::Manner;
use super::{Engine, Situation, blank};
use crate::actions::action::{Action, Certainty};
use crate::actions::catalogue::entry::{Otherwise, Role, Selector};
use crate::actions::kinds::ActionKind;
use crate::actions::line::{Line, Truth, join};
use crate::actions::word::{Brought, Data, Word};
use crate::shell::command::Value;

impl Engine<'_> {
    pub(super) fn unlisted_program(
        &mut self,
        name: &str,
        words: &[Word],
        here: &Situation,
    ) -> Effects {
        let mut manner = Manner {
            attributes: vec!["unlisted"],
            ..Manner::of(ActionKind::ExecLocal, Role::Name, name)
        };
        let brought = self.brought_here(here).max(self.brought_tool(name));
        let brought = brought.max(self.brought_by_search(name, here));
        manner.attributes.extend(brought.map(Brought::attribute));
        let word = Word {
            value: Value::Exact(name.to_owned()),
            ..words[0].clone()
        };
        if let Some(data) = self.downloaded_program(words, here) {
            self.code_data("shell", &data, name, here);
            return Effects {
                output: Data::opaque(),
                interactive: false,
            };
        }
        let before = self.actions.len();
        self.act(&manner, &word, here);
        self.as_wrapper(words, here);
        self.written_by_option(words, before, here);
        self.may_remove(words, here);
        self.as_console(words, here);
        let mut output = Data::opaque();
        output.merge(&here.stdin);
        output.merge(&self.handed_credentials(words, here));
        for word in words {
            if let Some(data) = &word.data {
                output.merge(data);
            }
        }
        output.drop_text();
        Effects {
            output,
            interactive: false,
        }
    }

    /// What a parent does with whatever subcommand.
    pub(super) fn inherited(&mut self, found: &Found<'_>, words: &[Word], here: &Situation) {
        let entry = found.entry;
        if !entry.effects.iter().any(|effect| effect.inherit) {
            return;
        }
        let line = Line {
            entry,
            words,
            name_words: found.name_words,
            parsed: found.parsed.clone(),
            assignments: &here.assignments,
            stdin: &here.stdin,
            stdin_source: here.stdin_source,
            stdout: here.stdout,
            cwd: &here.cwd,
            origin: &here.origin,
            args: None,
        };
        let mut done = Done::default();
        for effect in entry.effects.iter().filter(|effect| effect.inherit) {
            if line.applies(effect) > Truth::No {
                self.effect(effect, &line, &found.by, here, &mut done);
            }
        }
    }

    pub(super) fn otherwise(
        &mut self,
        otherwise: Otherwise,
        at: usize,
        found: &Found<'_>,
        words: &[Word],
        here: &Situation,
    ) {
        match otherwise {
            Otherwise::Nothing | Otherwise::Own => {}
            Otherwise::Unknown => {
                let word = words.get(at).map_or("", |word| word.known().0);
                let reason = if at < words.len() {
                    format!("`{} {word}` is not in the catalogue", found.by)
                } else {
                    format!(
                        "what `{}` does with these words is not in the catalogue",
                        found.by
                    )
                };
                self.unknown(reason, &found.by, here);
            }
            Otherwise::Does(kind) => {
                let manner = Manner {
                    certainty: Certainty::Likely,
                    ..Manner::of(kind, Role::Name, &found.by)
                };
                if let Some(word) = join(words.get(at..).unwrap_or_default()) {
                    self.act(&manner, &word, here);
                } else {
                    self.push(
                        Action {
                            by: found.by.clone(),
                            ..blank(kind, here)
                        },
                        here,
                    );
                }
            }
        }
    }

    /// None of an entry's effects applied, and it says what that means.
    pub(super) fn no_effect(&mut self, line: &Line<'_>, by: &str, here: &Situation) {
        match line.entry.otherwise {
            Otherwise::Does(kind) => {
                let word = join(&line.select(&Selector::From(0)));
                let manner = Manner::of(kind, Role::Name, by);
                match word {
                    Some(word) => {
                        self.act(&manner, &word, here);
                    }
                    None => self.push(
                        Action {
                            by: by.to_owned(),
                            ..blank(kind, here)
                        },
                        here,
                    ),
                }
            }
            Otherwise::Unknown if line.words.len() > line.name_words => {
                let reason = format!("what `{by}` does with these words is not in the catalogue");
                self.unknown(reason, by, here);
            }
            Otherwise::Nothing if !line.entry.effects.is_empty() => {
                self.may_remove(line.words, here);
            }
            _ => {}
        }
    }
}
