//! What one command does: finds its entry, tells its words apart, applies the effects whose conditions hold.

use std::rc::Rc;

use super::files::Poured;
use super::leaving::carry;
use super::lookup::{Found, base_name, find};
use super::prints::shows;
use super::shell::Effects;
use super::target::Manner;
use super::trace::Cause;
use super::wrapped::{Names, arguments, names_of, names_options};
use super::{Engine, MAX_DEPTH, Situation, blank};
use crate::actions::action::{Action, Certainty, Place, Target};
use crate::actions::argv::assignment_name;
use crate::actions::catalogue::effects::Idle;
use crate::actions::catalogue::entry::{Act, Effect, Otherwise, Role, Selector};
use crate::actions::kinds::ActionKind;
use crate::actions::line::{Line, Source, Truth};
use crate::actions::pattern;
use crate::actions::place;
use crate::actions::word::{Brought, Data, Word};
use crate::shell::command::{Candidate, Value, Why};

/// How the reason begins when nobody can say which program it is.
pub(super) const COMPUTED_PROGRAM: &str = "the program is computed";

/// What is said of programs that an option names.
const BY_OPTION: &str = "by_option";

/// What the effects of one command have done so far.
#[derive(Default)]
pub(super) struct Done {
    /// How many actions there were before.
    first: usize,
    /// What was read, with everything that flows into the command.
    data: Data,
    /// What its words hold.
    handed: Data,
    /// Variables with credentials that log in.
    logs_in: Vec<Rc<str>>,
    /// What commands inside of it wrote.
    inner: Data,
    /// Positions of actions that send.
    sends: Vec<usize>,
    /// Files that are written.
    writes: Vec<Word>,
    interactive: bool,
    applied: bool,
    /// A command inside of it was run.
    ran: bool,
    /// It runs something with more rights itself, and is not only around what does.
    raised: bool,
}

impl Done {
    /// Takes an effect that was about nothing.
    fn pass(&mut self, idle: Idle) {
        if idle != Idle::Out {
            self.inner = std::mem::take(&mut self.inner).beside(Data::default());
        }
        self.applied |= idle == Idle::Counted;
    }
}

impl Engine<'_> {
    /// Evaluates a command: a program and its arguments.
    pub fn argv(&mut self, words: &[Word], here: &Situation) -> Effects {
        let Some(first) = words.first() else {
            return Effects::default();
        };
        let candidates = first.value.candidates();
        if let [Candidate::Exact(name)] = candidates.as_slice() {
            let name = (*name).to_owned();
            return self.program(&name, words, here);
        }
        // Its name is known, and whoever starts the call says in which folder it lies: `"$VENV/bin/python" -m pytest`.
        if let [
            Candidate::Exact(name),
            Candidate::Prefix("", Why::UnsetVariable(_) | Why::Parameter(_) | Why::PutIn(_)),
        ] = candidates.as_slice()
            && name.starts_with('/')
            && !name.ends_with('/')
        {
            let name = (*name).to_owned();
            let likely = Situation {
                certainty: here.certainty.min(Certainty::Likely),
                ..here.clone()
            };
            return self.program(&name, words, &likely);
        }
        // A build names its tools by variables that are called like them: `$(XMLTO) -m x`.
        if let [Candidate::Prefix("", Why::PutIn(name))] = candidates.as_slice() {
            let name = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
            let likely = Situation {
                certainty: here.certainty.min(Certainty::Likely),
                ..here.clone()
            };
            self.as_removal(words, &likely);
            return self.program(&name, words, &likely);
        }
        let mut effects = Effects::default();
        let doubtful = Situation {
            certainty: here.certainty.min(Certainty::Possible),
            ..here.clone()
        };
        for candidate in candidates {
            match candidate {
                // An unset variable that vanishes leaves the next word as the program.
                Candidate::Exact("") => {
                    let deeper = Situation {
                        depth: here.depth + 1,
                        ..doubtful.clone()
                    };
                    if deeper.depth >= MAX_DEPTH {
                        self.over_limit(&deeper);
                        continue;
                    }
                    let one = self.argv(&words[1..], &deeper);
                    effects.output.merge(&one.output);
                }
                Candidate::Exact(name) => {
                    let name = name.to_owned();
                    let one = self.program(&name, words, &doubtful);
                    effects.output.merge(&one.output);
                }
                Candidate::Pattern(name) => {
                    let name = name.to_owned();
                    effects
                        .output
                        .merge(&self.program_pattern(&name, words, &doubtful));
                }
                Candidate::Prefix(name, _) => {
                    let name = name.to_owned();
                    self.computed_program(&name, first, here);
                    self.as_removal(words, here);
                    effects.output.some = true;
                }
            }
        }
        effects
    }

    /// A shell that talks to the host that a descriptor was connected to.
    fn remote_shell(&mut self, host: &str, by: &str, here: &Situation) {
        let action = Action {
            target: Target::named(host),
            by: by.to_owned(),
            ..blank(ActionKind::ExecRemoteShell, here)
        };
        self.push(action, here);
    }

    /// The program's name is only known when the call runs.
    fn computed_program(&mut self, name: &str, word: &Word, here: &Situation) {
        if let Some(host) = self.socket.clone() {
            self.remote_shell(&host, name, here);
            return;
        }
        if let Some(data) = &word.data
            && !data.served.is_empty()
        {
            let data = Rc::clone(data);
            self.code_data("shell", &data, name, here);
            return;
        }
        // `build/$TARGET/tool`: one of the project's own programs, whichever it is.
        if name.contains('/') && self.begins_in_workspace(name, here) {
            self.path(ActionKind::ExecLocal, word, base_name(name), here);
            return;
        }
        let reason = format!("{COMPUTED_PROGRAM}: {}", Self::reason_of(word));
        self.unknown(reason, name, here);
    }

    /// A program named by a pattern: what the shell would find is unknown, but the programs we know that fit are not.
    fn program_pattern(&mut self, name: &str, words: &[Word], here: &Situation) -> Data {
        const MOST: usize = 8;
        let base = name.rsplit('/').next().unwrap_or(name);
        let fitting: Vec<&'static str> = self
            .catalogue
            .commands
            .table()
            .names()
            .map(|(held, _)| held)
            .filter(|held| !held.contains(' ') && pattern::component(base, held))
            .take(MOST + 1)
            .collect();
        let folder = name.rsplit_once('/').map(|(folder, _)| folder);
        let in_project = folder
            .and_then(|folder| self.absolute(folder, here))
            .is_some_and(|folder| {
                matches!(
                    place::classify(&folder, self.context),
                    Place::Workspace | Place::WorkspaceRoot
                )
            });
        if in_project || (fitting.is_empty() && folder.is_none()) {
            let role = if in_project { Role::Path } else { Role::Name };
            let manner = Manner::of(ActionKind::ExecLocal, role, base);
            self.act(&manner, &words[0], here);
            return Data::opaque();
        }
        let mut output = Data::opaque();
        if fitting.len() <= MOST {
            for held in &fitting {
                output.merge(&self.program(held, words, here).output);
            }
        }
        self.as_removal(words, here);
        self.unknown(format!("the program is a pattern: {name}"), name, here);
        output
    }

    fn program(&mut self, name: &str, words: &[Word], here: &Situation) -> Effects {
        if let Some(host) = &self.socket
            && matches!(base_name(name), "sh" | "bash" | "zsh" | "dash" | "ksh")
            && words.len() < 3
        {
            let host = Rc::clone(host);
            self.remote_shell(&host, name, here);
        }
        let base = base_name(name);
        self.run_by_search(name, words, here);
        let copied = self.copied_program(name, here);
        if let Some(reason) = self.false_name(name) {
            self.unknown_kind(ActionKind::ExecDynamic, reason, base, here);
            return Effects::default();
        }
        self.as_ascii(words, here);
        let beside = [".exe", ".bat", ".cmd", ".com", ".ps1"]
            .iter()
            .any(|ending| name.ends_with(ending));
        let base = copied.as_deref().unwrap_or(base);
        if copied.is_none() && (beside || name.contains(['/', '\\'])) && here.on.is_none() {
            let path = self.absolute(&name.replace('\\', "/"), here);
            let place = path
                .as_deref()
                .map_or(Place::Unknown, |path| place::classify(path, self.context));
            let written = path
                .as_deref()
                .is_some_and(|path| self.written(path).is_some());
            let own = written
                || (!beside || name.contains(['/', '\\']))
                    && !matches!(place, Place::System | Place::Outside | Place::Unknown);
            let bare = beside && !name.contains(['/', '\\']);
            if own || (!bare && self.catalogue.commands.find(base).is_none()) {
                let known = !written && self.catalogue.commands.find(base).is_some();
                // What the call wrote is found by its path, however Windows spells it.
                let file = if written && name.contains('\\') {
                    let path = Value::Exact(name.replace('\\', "/"));
                    Word::made(path, words[0].origin.clone())
                } else {
                    words[0].clone()
                };
                let mut output = self.script("shell", &file, base, here);
                // What the project's own program prints is as good as what it does.
                output.setup = !written && place == Place::Workspace && !here.stdin.some;
                if !known {
                    return Effects {
                        output,
                        interactive: false,
                    };
                }
            }
        }
        let found = find(&self.catalogue.commands, base, words)
            .or_else(|| find(self.own?.commands(), base, words));
        let Some(found) = found else {
            let before = self.actions.len();
            let effects = self.unlisted_program(base, words, here);
            self.trace("", base, Cause::NoEntry, before, here);
            return effects;
        };
        self.apply(found, words, here)
    }

    /// Whether the working directory holds more than one project.
    fn is_outside(&self, here: &Situation) -> bool {
        here.on.is_none()
            && here.cwd.exact().is_some_and(|cwd| {
                matches!(
                    place::classify(cwd, self.context),
                    Place::Root | Place::HomeRoot | Place::System | Place::WorkspaceParent
                )
            })
    }

    fn apply(&mut self, found: Found<'_>, words: &[Word], here: &Situation) -> Effects {
        let mut here = here.clone();
        if let Some((at, otherwise)) = found.unlisted {
            match otherwise {
                Otherwise::Own => {}
                _ => {
                    self.inherited(&found, words, &here);
                    let before = self.actions.len();
                    self.otherwise(otherwise, at, &found, words, &here);
                    self.trace(found.entry.name, &found.by, Cause::Unlisted, before, &here);
                    return Effects {
                        output: Data::opaque(),
                        interactive: false,
                    };
                }
            }
        }
        let entry = found.entry;
        let assignments: Vec<(String, Word)> = here
            .assignments
            .iter()
            .cloned()
            .chain(found.parsed.assignments.iter().filter_map(|at| {
                let word = words.get(*at)?;
                let (text, _) = word.known();
                let name = assignment_name(text)?;
                Some((name.to_owned(), word.tail(text.find('=')? + 1)))
            }))
            .collect();
        for (name, word) in assignments.iter().skip(here.assignments.len()) {
            self.variable(name, word, &here);
        }
        let parsed_assignments = !found.parsed.assignments.is_empty();
        if parsed_assignments {
            here.assignments = Rc::from(assignments.clone());
        }
        let stdin = Rc::clone(&here.stdin);
        let cwd = Rc::clone(&here.cwd);
        let mut line = Line {
            entry,
            words,
            name_words: found.name_words,
            parsed: found.parsed,
            assignments: &assignments,
            stdin: &stdin,
            stdin_source: here.stdin_source,
            stdout: here.stdout,
            cwd: &cwd,
            origin: &here.origin.clone(),
            args: None,
        };
        line.leave_open_filters();
        if let Some(selector) = &entry.chdir
            && let Some(folder) = line.select(selector).pop()
        {
            here.cwd = Rc::new(self.folder(&folder.value, &here));
            let moved = Rc::clone(&here.cwd);
            let line = Line {
                cwd: &moved,
                ..line
            };
            return self.effects(&line, &found.by, &here);
        }
        self.effects(&line, &found.by, &here)
    }

    /// Applies the effects of an entry to a line.
    pub fn effects(&mut self, line: &Line<'_>, by: &str, here: &Situation) -> Effects {
        let entry = line.entry;
        self.hidden_code(line, here);
        let harmless = line.harmless().is_some();
        if harmless {
            self.trace_harmless(line, by, here);
            if !entry.effects.iter().any(|effect| effect.runs_by_option()) {
                return Effects {
                    output: Data::opaque(),
                    interactive: false,
                };
            }
        }
        let mut done = Done {
            first: self.actions.len(),
            ..Done::default()
        };
        for (position, word) in line.words.iter().enumerate() {
            if let Some(data) = &word.data {
                if line.authenticates(position) {
                    done.logs_in.extend(data.variables.iter().cloned());
                } else {
                    done.data.merge(data);
                }
            }
        }
        if !done.data.secrets.is_empty() || !done.data.variables.is_empty() {
            done.handed = done.data.clone();
        }
        done.data.merge(line.stdin);
        done.data.drop_text();
        let certainty = if line.parsed.unlisted.is_empty() {
            here.certainty
        } else {
            here.certainty.min(Certainty::Likely)
        };
        if entry.strict
            && let Some(word) = line
                .parsed
                .unlisted
                .first()
                .and_then(|at| line.words.get(*at))
        {
            let reason = format!(
                "the option `{}` of `{by}` is not in the catalogue",
                word.known().0
            );
            self.unknown(reason, by, here);
        }
        let mut bounded = here.clone();
        for (number, gated) in entry.effects.gated().enumerate() {
            if let Some(idle) = self.idle(gated, line) {
                done.pass(idle);
                continue;
            }
            let effect = gated.get();
            if harmless && !effect.runs_by_option() {
                continue;
            }
            let truth = line.applies(effect);
            if truth == Truth::No || (effect.sure && truth != Truth::Yes) {
                continue;
            }
            let before = self.actions.len();
            let bound = match truth {
                Truth::Maybe => Certainty::Possible,
                _ => effect.certainty,
            };
            bounded.certainty = certainty.min(bound);
            self.effect(effect, line, by, &bounded, &mut done);
            self.trace_effect(line, by, number, before, &bounded);
        }
        self.written_by_line(line, done.first, here);
        let silent = self.actions.len() == done.first;
        if !harmless && (!done.applied || silent && entry.otherwise == Otherwise::Nothing) {
            let before = self.actions.len();
            self.no_effect(line, by, here);
            self.trace(entry.name, by, Cause::Otherwise, before, here);
        }
        self.settle(line, done, here)
    }

    /// What was read flows into what is sent and written, and into the output.
    fn settle(&mut self, line: &Line<'_>, done: Done, here: &Situation) -> Effects {
        let entry = line.entry;
        let mut data = done.data;
        data.drop_text();
        data.merge(&done.inner);
        data.drop_text();
        let shown = self.shown_together(line, done.first);
        data.made &= shown.is_none();
        if done.ran && done.raised && !done.interactive {
            self.rights_used(done.first);
        }
        if done.ran && !done.interactive {
            self.looks_elsewhere(done.first);
        }
        for at in done.sends {
            if let Some(action) = self.actions.get_mut(at) {
                carry(action, &data, self.context);
            }
        }
        if !data.secrets.is_empty() {
            // Whoever connects gets it.
            for action in self.actions.iter_mut().skip(done.first) {
                if action.kind == ActionKind::NetListen {
                    carry(action, &data, self.context);
                }
            }
        }
        self.told_in_passing(done.first, &done.handed);
        self.installs_from(line, done.first, here);
        self.told_to_host(line, done.first, here);
        self.sends_variables(done.first, &data, &done.handed, &done.logs_in);
        if !data.secrets.is_empty() {
            // A copy beyond the workspace is where others look for it.
            for action in self.actions[done.first..].iter_mut() {
                if action.kind == ActionKind::FsWrite
                    && is_for_others(&action.target)
                    && !action.has("secret")
                {
                    action.attributes.push(String::from("secret"));
                    action.attributes.sort_unstable();
                }
            }
        }
        let decodes = !entry.decodes_when.is_empty() && line.all(&entry.decodes_when) > Truth::No;
        data.decoded |= decodes;
        let mut output = if entry.carries {
            data.clone()
        } else {
            // What it runs prints for itself.
            let mut output = Data::opaque();
            output.merge(&done.inner);
            output
        };
        output.some = true;
        // What went through a program may be a part of what was listed.
        for folder in &mut output.folders {
            if let Some(parent) = folder.strip_suffix("/*") {
                *folder = Rc::from(if parent.is_empty() { "/" } else { parent });
            }
        }
        if let Some(selector) = &entry.processes {
            output.processes.clear();
            for word in line.select(selector) {
                let name = Rc::from(word.known().0);
                crate::actions::word::add(&mut output.processes, &name);
                crate::actions::word::add(&mut self.processes, &name);
            }
        }
        output.setup = entry
            .setup_when
            .iter()
            .any(|condition| line.any(condition) == Truth::Yes);
        if let Some(selector) = &entry.lists
            && line.all(&entry.lists_when) > Truth::No
        {
            // What would be run on everything that is found is told of everything as well.
            let everything = entry.effects.iter().any(|effect| {
                let all = |(name, _): &(&str, _)| *name == "everything";
                effect.attributes.iter().any(all) && line.applies(effect) == Truth::Yes
            });
            for word in line.select(selector) {
                let (text, _) = word.known();
                // Signs in quotes stand for nothing else.
                let quoted = word.exact().is_some_and(pattern::has_wildcard)
                    && line.words.iter().any(|given| given.value == word.value);
                if text.is_empty() || quoted {
                    continue;
                }
                let mut path = self.absolute(text, here).unwrap_or_else(|| text.to_owned());
                let whole = matches!(
                    place::classify(&path, self.context),
                    Place::Root | Place::HomeRoot
                );
                if everything && whole && here.on.is_none() {
                    path.push_str(if path.ends_with('/') { "*" } else { "/*" });
                }
                crate::actions::word::add(&mut output.folders, &Rc::from(path));
            }
        }
        if !decodes && !done.writes.is_empty() {
            self.names_this_machine(done.first, line.stdin);
        }
        for file in &done.writes {
            let mut flowing = data.clone();
            flowing.some = true;
            // What a program makes of a text under another name is its own business: `cc -o x x.c`.
            flowing.made &= entry.copies;
            // `tee x <<EOF`: what is written stands in the call, if nothing else flows in.
            if !decodes && flowing.files.is_empty() && flowing.served.is_empty() {
                flowing.text.clone_from(&line.stdin.text);
                flowing.made &= flowing.text.is_none();
            }
            self.data_for_later(file, &flowing, done.first, here);
            self.remember(file, &flowing, Poured::More, here);
        }
        self.runs_named(line, done.first, here);
        if entry.copies {
            self.copies(done.first, &done.writes, here);
            output.text = shown;
        }
        if done.inner.text.is_some() {
            output.made = done.inner.made;
            output.text = done.inner.text;
        }
        self.prints(line, &mut output, here);
        Effects {
            output,
            interactive: done.interactive,
        }
    }

    pub(super) fn effect(
        &mut self,
        effect: &Effect<'_>,
        line: &Line<'_>,
        by: &str,
        here: &Situation,
        done: &mut Done,
    ) {
        let elsewhere;
        let here = if effect.on.is_empty() {
            here
        } else {
            elsewhere = Situation {
                on: Some(Rc::from(line.fill(&effect.on))),
                cwd: Rc::new(Value::Unknown(Why::RunTimeValue(String::from(
                    "remote working directory",
                )))),
                ..here.clone()
            };
            &elsewhere
        };
        let words = match &effect.to {
            Some(selector) => line.targets(effect, selector),
            None => Vec::new(),
        };
        let before = self.actions.len();
        let inner = std::mem::take(&mut done.inner);
        self.effect_on(effect, &words, line, by, here, done);
        done.inner = inner.beside(std::mem::take(&mut done.inner).over_ssh(here.on.as_deref()));
        if effect.attributes.iter().any(|(name, _)| *name == BY_OPTION) {
            self.named_by_option(before);
        }
    }

    /// Programs that run because an option or a setting of another one names them.
    pub(super) fn named_by_option(&mut self, before: usize) {
        for action in self.actions.iter_mut().skip(before) {
            if action.kind == ActionKind::ExecLocal && !action.has(BY_OPTION) {
                action.attributes.push(String::from(BY_OPTION));
                action.attributes.sort_unstable();
            }
        }
    }

    fn effect_on(
        &mut self,
        effect: &Effect<'_>,
        words: &[Word],
        line: &Line<'_>,
        by: &str,
        here: &Situation,
        done: &mut Done,
    ) {
        let reads_stdin = matches!(effect.to, Some(Selector::Stdin));
        let with_arguments = arguments(effect, line, here);
        let here = with_arguments.as_ref().unwrap_or(here);
        match &effect.act {
            Act::Do(kind) => self.simple_effect(*kind, effect, words, line, by, here, done),
            Act::Argv => {
                let words = self.wrapped(effect, words.to_vec(), line, here);
                if words.is_empty() {
                    return;
                }
                done.applied = true;
                if let [line_of_words] = words.as_slice()
                    && self.is_line(line_of_words)
                {
                    let line_of_words = line_of_words.clone();
                    done.inner
                        .merge(&self.code_word("shell", &line_of_words, by, here));
                    return;
                }
                let deeper = Situation {
                    depth: here.depth + 1,
                    ..here.clone()
                };
                if self.afford(0, &deeper) {
                    done.ran = true;
                    let before = self.actions.len();
                    let mut inner = self.argv(&words, &deeper);
                    shows(&words, &mut inner.output, &deeper);
                    if names_of(effect, line) == Names::All {
                        // Among everything in a project there are credentials, too, and nobody asked for them.
                        let whole = [Some(Place::HomeRoot), Some(Place::Root), Some(Place::Home)];
                        for action in self.actions.iter_mut().skip(before) {
                            if action.kind == ActionKind::CredentialRead
                                && action.has("wildcard")
                                && !whole.contains(&action.target.place)
                            {
                                action.kind = ActionKind::FsRead;
                                action.attributes.retain(|name| name != "store");
                            }
                        }
                    }
                    done.inner.merge(&inner.output);
                    done.interactive |= inner.interactive;
                }
            }
            Act::Code(language) => {
                done.applied = true;
                if reads_stdin {
                    // Nothing is known to come: whoever is at the other end types.
                    done.interactive |= *language == "shell" && line.stdin.text.is_none();
                    let stdin = line.stdin.clone();
                    // What it runs has only what is left of the stream.
                    let drained = Situation {
                        stdin: Rc::new(Data::default()),
                        stdin_source: Source::Outside,
                        ..here.clone()
                    };
                    done.inner
                        .merge(&self.code_data(language, &stdin, by, &drained));
                } else {
                    let own = self
                        .parameters(effect, line, here)
                        .or_else(|| match &effect.to {
                            Some(Selector::Operand(text))
                                if *language == "shell" && line.entry.stop_at_operand =>
                            {
                                Some(with_parameters(here, line, *text, by))
                            }
                            _ => None,
                        });
                    let here = own.as_ref().unwrap_or(here);
                    for word in words {
                        if *language == "shell" && effect.to.as_ref().is_some_and(names_options) {
                            self.bare_shell(word.exact(), by, here);
                        }
                        done.inner.merge(&self.code_word(language, word, by, here));
                    }
                }
            }
            Act::Script(language) => {
                for word in words {
                    done.applied = true;
                    done.inner.merge(&self.script(language, word, by, here));
                }
            }
            Act::Module(language) => {
                for name in words.iter().filter_map(Word::exact) {
                    done.applied = true;
                    done.inner
                        .merge(&self.load_by_name(language, name, by, here));
                }
            }
            Act::Link => {
                done.applied = true;
                if let Some(selector) = &effect.append {
                    self.link(words.first(), &line.select(selector), here);
                }
            }
            Act::Assign => {
                done.applied = true;
                for word in words {
                    let (text, _) = word.known();
                    if let Some(name) = assignment_name(text) {
                        let name = name.to_owned();
                        let value = word.tail(text.find('=').map_or(0, |at| at + 1));
                        self.variable(&name, &value, here);
                    }
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one effect in its surroundings")]
    fn simple_effect(
        &mut self,
        kind: ActionKind,
        effect: &Effect<'_>,
        words: &[Word],
        line: &Line<'_>,
        by: &str,
        here: &Situation,
        done: &mut Done,
    ) {
        let manner = Manner {
            kind,
            role: effect.role,
            attributes: effect
                .attributes
                .iter()
                .filter(|(_, condition)| {
                    condition
                        .as_ref()
                        .is_none_or(|condition| line.any(condition) > Truth::No)
                })
                .map(|(name, _)| *name)
                .collect(),
            certainty: effect.certainty,
            within: effect.within,
            carries: effect.carries && line.entry.carries,
            by,
            safer: effect.safer,
        };
        let mut manner = manner;
        let runs = matches!(kind, ActionKind::ExecLocal | ActionKind::PackageInstall);
        let brought = self.brought_by(&manner, words, line, here);
        manner.attributes.extend(brought.map(Brought::attribute));
        if runs && manner.role == Role::Name {
            self.written_manifest(kind, line, here);
        }
        if self.records_secret(kind, line, here) {
            manner.attributes.push("secret");
        }
        if kind == ActionKind::VcsDiscard && self.is_outside(here) {
            manner.attributes.push("outside");
        }
        done.raised |= kind == ActionKind::ExecPrivileged;
        let before = self.actions.len();
        if effect.to.is_none() {
            done.applied = true;
            self.push(
                Action {
                    attributes: manner
                        .attributes
                        .iter()
                        .map(|name| (*name).to_owned())
                        .collect(),
                    by: by.to_owned(),
                    safer: effect.safer.map(str::to_owned),
                    ..blank(kind, here)
                },
                here,
            );
        }
        for word in words {
            done.applied = true;
            let read = self.act(&manner, word, here);
            done.data.merge(&read);
            done.data.drop_text();
            if kind == ActionKind::FsWrite {
                done.writes.push(word.clone());
            }
        }
        let sends = |kind: ActionKind| {
            matches!(
                kind,
                ActionKind::NetSend | ActionKind::MessageSend | ActionKind::PackagePublish
            )
        };
        done.sends
            .extend((before..self.actions.len()).filter(|at| sends(self.actions[*at].kind)));
    }
}

/// What holds in a new shell whose text is that operand: the next is its name, those behind it are its parameters.
fn with_parameters(here: &Situation, line: &Line<'_>, text: u16, by: &str) -> Situation {
    let mut behind = line.select(&Selector::From(text + 1)).into_iter();
    let zero = behind
        .next()
        .map_or_else(|| Value::Exact(by.to_owned()), |word| word.value);
    let arguments = behind.map(|word| word.value).collect();
    Situation {
        scope: Rc::new(here.scope.with_parameters(zero, arguments)),
        ..here.clone()
    }
}

/// Whether others look for files there: beyond the workspace and the system's own folders, or where a server shows them.
fn is_for_others(target: &Target) -> bool {
    const SHOWN: [&str; 4] = ["/var/www/", "/usr/share/nginx/html/", "/var/ftp/", "/srv/"];
    target.place == Some(Place::Outside)
        || SHOWN.iter().any(|folder| target.value.starts_with(folder))
}
