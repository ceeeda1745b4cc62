//! Variables that a text sets or reads into: what flows into them, and what setting them does.

use std::rc::Rc;

use super::shell::Flow;
use super::{Engine, MAX_FILES, Situation, blank, owner};
use crate::actions::action::{Action, Certainty, Place, Target};
use crate::actions::environment::{self, VariableEffect};
use crate::actions::kinds::ActionKind;
use crate::actions::place;
use crate::actions::word::{Data, Origin, Word};
use crate::shell::command::{Assignment, Candidate, Value, Why};
use crate::span::ByteSpan;

impl Engine<'_> {
    /// Assignments before a command, or by themselves.
    pub(super) fn assignments(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        origin: &Origin,
        here: &mut Situation,
    ) {
        if assignments.is_empty() {
            return;
        }
        let named: Vec<(String, Word)> = assignments
            .iter()
            .map(|assignment| {
                let mut word = Word::made(assignment.value.clone(), origin.inside(assignment.span));
                // `BASH_ENV=<(commands)`: the file is what those commands write.
                if word.known().0.starts_with("/dev/fd/") {
                    let held = self.variables.iter().rev();
                    let mut held = held.filter(|(name, _)| *name == assignment.name);
                    word.data = held.next().map(|(_, data)| Rc::clone(data));
                }
                (assignment.name.clone(), word)
            })
            .collect();
        let before = self.actions.len();
        for (name, word) in &named {
            self.variable(name, word, here);
        }
        if records(words) {
            for action in self.actions.iter_mut().skip(before) {
                if action.kind == ActionKind::AgentBypass {
                    action.attributes.push(String::from("version_control"));
                }
            }
        }
        if !words.is_empty() {
            here.assignments = Rc::from(named);
        }
    }

    /// Variables that a builtin fills from standard input.
    pub(super) fn reads_into(&mut self, words: &[Word], here: &Situation) {
        let reads = matches!(
            words.first().and_then(Word::exact),
            Some("read" | "mapfile" | "readarray")
        );
        if !reads || !here.stdin.some {
            return;
        }
        let mut data = Data::clone(&here.stdin);
        data.drop_text();
        let data = Rc::new(data);
        let names = words[1..].iter().filter_map(Word::exact);
        for name in names.filter(|name| !name.starts_with('-')) {
            if self.variables.len() < MAX_FILES {
                self.variables.push((name.to_owned(), Rc::clone(&data)));
            }
        }
    }

    /// Variables that the output of commands is put into: `x=$(cat file)`.
    pub(super) fn captures(&mut self, assignments: &[Assignment], flow: &Flow<'_>) {
        for assignment in assignments {
            let mut data = Data::default();
            self.merge_variables(assignment.span, flow, &mut data);
            for (span, index) in &flow.captured {
                if assignment.span.contains(*span)
                    && let Some(output) = flow.outputs.get(*index)
                {
                    data.merge(output);
                }
            }
            data.drop_text();
            if assignment.value.exact().is_none() {
                credentials(&assignment.value, assignment.span, flow, &mut data);
            }
            if data.some && self.variables.len() < MAX_FILES {
                self.variables
                    .push((assignment.name.clone(), Rc::new(data)));
            }
        }
    }

    /// What the variables hold that stand in that part of the text.
    pub(super) fn merge_variables(&self, span: ByteSpan, flow: &Flow<'_>, data: &mut Data) {
        if self.variables.is_empty() {
            return;
        }
        let Some(text) = flow.source.get(span.start()..span.end()) else {
            return;
        };
        for (at, _) in text.match_indices('$') {
            let rest = text[at + 1..].trim_start_matches(['{', '!', '#']);
            let end = rest
                .find(|character: char| character != '_' && !character.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            let held = self
                .variables
                .iter()
                .rev()
                .find(|(name, _)| *name == rest[..end]);
            if let Some((_, held)) = held {
                data.merge(held);
            }
        }
    }

    /// What setting a variable does.
    pub(super) fn variable(&mut self, name: &str, value: &Word, here: &Situation) {
        self.imported_function(name, value, here);
        let Some(known) = environment::look_up(&self.catalogue.variables, name) else {
            return;
        };
        let (text, whole) = value.known();
        if (whole && text.is_empty()) || known.excepts(text) {
            return;
        }
        let at = Situation {
            origin: value.origin.clone(),
            ..here.clone()
        };
        let plain = |kind| Action {
            target: Target {
                value: format!("{name}={text}"),
                exact: whole,
                ..Target::default()
            },
            by: name.to_owned(),
            ..blank(kind, &at)
        };
        // The name of such a file is expanded first: `ENV='$(command)'`.
        let expands =
            known.effect == VariableEffect::Script && (text.contains("$(") || text.contains('`'));
        let effect = if expands {
            VariableEffect::Prompt
        } else {
            known.effect
        };
        match effect {
            VariableEffect::Hijack => {
                let action = plain(ActionKind::ExecHijack);
                self.push(action, here);
            }
            VariableEffect::SearchPath | VariableEffect::ModulePath => {
                let own = |entry: &str| {
                    !entry.starts_with(['/', '~'])
                        && (effect == VariableEffect::ModulePath || entry != ".")
                };
                if text
                    .split(':')
                    .any(|entry| !own(entry) && self.is_foreign(entry, here))
                {
                    let action = plain(ActionKind::ExecHijack);
                    self.push(action, here);
                }
            }
            VariableEffect::Insecure => {
                let action = plain(ActionKind::NetInsecure);
                self.push(action, here);
            }
            VariableEffect::Bypass => {
                let action = plain(ActionKind::AgentBypass);
                self.push(action, here);
            }
            VariableEffect::Shell | VariableEffect::Editor | VariableEffect::Prompt => {
                if whole {
                    let text = match effect {
                        VariableEffect::Editor => format!("{text} \"$1\""),
                        VariableEffect::Prompt => {
                            format!(": \"{}\"", text.replace('"', "\\\""))
                        }
                        _ => text.to_owned(),
                    };
                    // An editor is given the file that it edits, whatever the parameters around it are.
                    let scope = match effect {
                        VariableEffect::Editor => {
                            let file = Why::RunTimeValue(String::from("the edited file"));
                            let zero = Value::Exact(String::from("sh"));
                            Rc::new(at.scope.with_parameters(zero, vec![Value::Unknown(file)]))
                        }
                        _ => Rc::clone(&at.scope),
                    };
                    let deeper = Situation {
                        depth: here.depth + 1,
                        certainty: here.certainty.min(Certainty::Likely),
                        scope,
                        ..at
                    };
                    if self.afford(text.len(), &deeper) {
                        let before = self.actions.len();
                        self.shell_text(&text, &value.origin, &deeper);
                        self.named_by_option(before);
                    }
                }
            }
            VariableEffect::Script => {
                if self.is_foreign(text, here) {
                    let action = plain(ActionKind::ExecHijack);
                    self.push(action, here);
                }
                self.script("shell", value, name, &at);
            }
        }
    }

    /// Whether anybody could have put programs into that entry of a search path.
    fn is_foreign(&self, entry: &str, here: &Situation) -> bool {
        if !entry.starts_with(['/', '~']) {
            return entry == "." || entry.starts_with("./");
        }
        self.absolute(entry, here)
            .is_some_and(|path| place::classify(&path, self.context) == Place::Temp)
    }
}

/// Variables that a word holds and nothing in the call sets, whose names say that they are credentials.
pub(super) fn credentials(value: &Value, span: ByteSpan, flow: &Flow<'_>, data: &mut Data) {
    if let Some(text) = flow.source.get(span.start()..span.end()) {
        owner::variables(text, &mut data.variables);
    }
    // What a variable was set to may be another one.
    for candidate in value.candidates() {
        if let Candidate::Prefix(_, Why::UnsetVariable(name) | Why::PutIn(name)) = candidate
            && owner::holds_credential(name)
        {
            crate::actions::word::add(&mut data.variables, &Rc::from(name.as_str()));
        }
    }
    data.some |= !data.variables.is_empty();
}

/// Whether a command line is one of version control at which a project's checks run.
fn records(words: &[Word]) -> bool {
    let word = |at: usize| words.get(at).and_then(Word::exact);
    word(0) == Some("git")
        && matches!(
            word(1),
            Some("commit" | "push" | "merge" | "rebase" | "am" | "cherry-pick")
        )
}
