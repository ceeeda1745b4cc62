//! Runs what the call wrote before: scripts that it names or may name, modules that code loads, and code of which only is
//! known that commands of the call made it.

use super::languages::{language_of, name_of, unread};
use super::later::{Form, form_of};
use super::{Engine, Situation};
use crate::actions::action::{Action, Certainty};
use crate::actions::code::Language;
use crate::actions::kinds::ActionKind;
use crate::actions::line::Line;
use crate::actions::pattern;
use crate::actions::word::{Data, Word};
use crate::shell::command::Candidate;

impl Engine<'_> {
    /// A file that code runs, when the call wrote, downloaded or decoded it.
    pub(super) fn runs_written(
        &mut self,
        language: Language,
        file: &Word,
        by: &str,
        here: &Situation,
    ) {
        let path = file.exact().map(|path| path.replace('\\', "/"));
        if let Some(path) = path.and_then(|path| self.absolute(&path, here)) {
            self.run_held(name_of(language), &path, by, here);
        }
    }

    /// A module that code loads by its name, when a file that the call wrote is it.
    pub(super) fn load(
        &mut self,
        language: Language,
        name: &str,
        by: &str,
        here: &Situation,
    ) -> Data {
        let ends: &[&str] = match language {
            Language::Python => &[".py", "/__main__.py", "/__init__.py"],
            Language::JavaScript => &["", ".js", ".cjs", ".mjs", ".ts", "/index.js"],
            Language::Ruby => &["", ".rb"],
            Language::Perl => &["", ".pm", ".pl"],
            Language::Lua => &[".lua"],
            _ => &[],
        };
        let name = name.trim_start_matches("./").trim_start_matches("../");
        // Where modules are looked for is not followed: a file of that name is the one.
        let is_it = |held: &str| {
            ends.iter().any(|end| {
                let before = held
                    .strip_suffix(end)
                    .and_then(|held| held.strip_suffix(name));
                before.is_some_and(|before| {
                    before.is_empty() || before.ends_with('/') || name.starts_with('/')
                })
            })
        };
        let found = self.files.iter().find(|(held, _)| is_it(held));
        let found = found.map(|(held, _)| held.clone());
        // A module is run where it is loaded first.
        let is_new = |path: &String| {
            let ran = |(held, how): &(String, _)| held == path && *how >= here.certainty;
            !self.loaded.iter().any(ran)
        };
        if let Some(path) = found.filter(is_new) {
            self.loaded.push((path.clone(), here.certainty));
            self.run_held(name_of(language), &path, by, here);
        }
        Data::default()
    }

    /// As [`Self::load`], of a module that a command line names: `python3 -m a.b`.
    pub(super) fn load_by_name(
        &mut self,
        language: &str,
        name: &str,
        by: &str,
        here: &Situation,
    ) -> Data {
        match language_of(language) {
            Some(language) if !self.files.is_empty() && here.on.is_none() => {
                self.load(language, &name.replace('.', "/"), by, here)
            }
            _ => Data::default(),
        }
    }

    /// Runs what the call wrote and a word may name: `sh ./*`, `find . -exec sh {} +`.
    pub(super) fn runs_any(&mut self, language: &str, file: &Word, by: &str, here: &Situation) {
        const MOST: usize = 16;
        if self.files.is_empty() || file.exact().is_some() || here.on.is_some() {
            return;
        }
        let possible = Situation {
            certainty: here.certainty.min(Certainty::Possible),
            ..here.clone()
        };
        let mut found: Vec<String> = Vec::new();
        for candidate in file.value.candidates() {
            let named = match candidate {
                Candidate::Pattern(text) | Candidate::Prefix(text, _) if !text.is_empty() => text,
                _ => continue,
            };
            let Some(named) = self.absolute(named, here) else {
                continue;
            };
            let is_pattern = matches!(candidate, Candidate::Pattern(_));
            let fits = |held: &str| match is_pattern {
                true => pattern::matches_path(&named, held),
                false => held.starts_with(&named),
            };
            let held = self.files.iter().filter(|(held, _)| fits(held));
            found.extend(held.take(MOST).map(|(held, _)| held.clone()));
        }
        for path in found {
            self.run_held(language, &path, by, &possible);
        }
    }

    /// Runs what the call wrote to that path, if its name or first line says in which language.
    pub(super) fn run_script(&mut self, path: &str, by: &str, here: &Situation) {
        let Some(held) = self.written(path) else {
            return;
        };
        let text = held.text.as_ref().and_then(|text| text.value.exact());
        if let Some(Form::Script(language)) = form_of(path, text.unwrap_or_default()) {
            self.run_held(language, path, by, here);
        }
    }

    /// Runs what the call wrote to that path, if it did. Modules may load one another.
    fn run_held(&mut self, language: &str, path: &str, by: &str, here: &Situation) {
        let Some(data) = self.written(path).cloned() else {
            return;
        };
        let text = data.text.as_ref().and_then(|text| text.value.exact());
        let written = match form_of(path, text.unwrap_or_default()) {
            Some(Form::Script(written)) => written,
            _ => language,
        };
        let is_run = data.text.is_some() || !data.served.is_empty() || data.decoded || data.made;
        if is_run && !self.running.iter().any(|running| running == path) {
            self.running.push(path.to_owned());
            self.code_data(written, &data, by, here);
            self.made_code(written, &data, by, here);
            self.running.pop();
        }
    }

    /// A program that runs code of the project runs what the call wrote and its words name: `pytest test_x.py`.
    pub(super) fn runs_named(&mut self, line: &Line<'_>, first: usize, here: &Situation) {
        const MOST: usize = 16;
        if self.files.is_empty() || here.on.is_some() {
            return;
        }
        // What is run by its name already is not run once more.
        let runs = |action: &Action| {
            action.kind == ActionKind::ExecLocal
                && !action.has("by_option")
                && !action.has("as_served")
        };
        if !self.actions[first..].iter().any(runs) {
            return;
        }
        let likely = Situation {
            certainty: here.certainty.min(Certainty::Likely),
            ..here.clone()
        };
        for word in line.words.iter().skip(line.name_words).take(MOST) {
            let Some(path) = word.exact().and_then(|path| self.absolute(path, here)) else {
                continue;
            };
            // Functions of a test are given folders that nobody sees here.
            let before = self.actions.len();
            self.run_script(&path, line.entry.name, &likely);
            let of_script = self.actions.split_off(before);
            let is_given = |action: &Action| {
                let of_file = matches!(
                    action.kind,
                    ActionKind::FsRead | ActionKind::FsWrite | ActionKind::FsDelete
                );
                of_file && !action.target.exact && !action.has("recursive")
            };
            let told = of_script.into_iter().filter(|action| !is_given(action));
            self.actions.extend(told);
        }
    }

    /// Code that programs made out of texts of the call, in whatever way: nobody reads it there.
    pub(super) fn made_code(&mut self, language: &str, data: &Data, by: &str, here: &Situation) {
        let is_read = data.decoded || !data.served.is_empty() || !data.files.is_empty();
        if !data.made || is_read || unread(language) != ActionKind::ExecDynamic {
            return;
        }
        let possible = Situation {
            certainty: here.certainty.min(Certainty::Possible),
            ..here.clone()
        };
        let reason = String::from("the code is made by commands of the call");
        self.unknown_kind(ActionKind::ExecDynamic, reason, by, &possible);
    }
}
