//! Walks the commands of a shell text: standard streams, redirects, assignments, and what flows between commands.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ends::Outlets;
use super::files::Poured;
use super::leaving::carry;
use super::lookup::base_name;
use super::picks::picks_processes;
use super::prints::shows;
use super::sockets::{at_host, is_exec, socket};
use super::variables::credentials;
use super::{Engine, MAX_WORDS, Situation, blank};
use crate::actions::action::{Action, Certainty, Target};
use crate::actions::catalogue::entry::{Effect, Selector};
use crate::actions::kinds::ActionKind;
use crate::actions::line::Source;
use crate::actions::word::{Data, FlowText, Origin, Word, why_text};
use crate::shell;
use crate::shell::command::{
    Command, End, Redirect, RedirectKind, Resolution, Start, Stdin, Stdout, Value,
};
use crate::span::ByteSpan;

/// What is kept of each command of a text.
#[derive(Default)]
pub(super) struct Flow<'t> {
    /// The text.
    pub(super) source: &'t str,
    /// Commands whose output is part of a word or an assignment, by where they stand.
    pub(super) captured: Vec<(ByteSpan, usize)>,
    /// What each command wrote to its standard output.
    pub(super) outputs: Vec<Rc<Data>>,
    /// Whether what each command writes there is printed.
    shown: Vec<bool>,
    /// Commands that a shell without a known text writes to.
    from_shell: Vec<usize>,
    /// The command that is evaluated now.
    pub(super) own: usize,
    /// Whether any command writes to a `>(..)`.
    pub(super) has_outlets: bool,
    /// What commands wrote there, by who wrote it.
    pub(super) given: BTreeMap<usize, Data>,
}

/// What one command did, besides its actions.
#[derive(Default)]
pub struct Effects {
    /// What it wrote to standard output.
    pub output: Data,
    /// It is a shell that takes commands from standard input.
    pub interactive: bool,
}

impl Engine<'_> {
    /// Evaluates a shell text and returns what it writes to standard output.
    pub fn shell_text(&mut self, text: &str, origin: &Origin, situation: &Situation) -> Data {
        let remote = situation.on.is_some();
        let start = Start {
            cwd: situation.cwd.exact().map(str::to_owned),
            home: (!remote).then(|| self.context.home.clone()).flatten(),
            user: (!remote).then(|| self.context.user.clone()).flatten(),
            scope: Rc::clone(&situation.scope),
            workspace: (!remote).then(|| self.context.workspace.clone()).flatten(),
            usual: (!remote).then(|| self.catalogue.usual()),
        };
        let resolution = shell::resolve(text, &start);
        self.resolution(text, resolution, origin, situation)
    }

    fn resolution(
        &mut self,
        source: &str,
        resolution: Resolution,
        origin: &Origin,
        situation: &Situation,
    ) -> Data {
        let mut flow = Flow {
            source,
            ..Flow::default()
        };
        let mut output = Data::default();
        flow.outputs = vec![Rc::default(); resolution.commands.len()];
        flow.shown = self.shown(&resolution.commands);
        let mut outlets = Outlets::of(&resolution.commands, resolution.outlets);
        flow.has_outlets = !outlets.is_empty();
        let end = resolution.end.as_ref();
        for (index, command) in resolution.commands.into_iter().enumerate() {
            let Some(command) = outlets.put_off(index, command) else {
                continue;
            };
            // Behind it what stands at the far end of what it wrote to, and of what that wrote to.
            let mut due = Vec::new();
            let mut next = Some((index, command));
            let mut within = true;
            while within && let Some((index, command)) = next {
                within = self.one_of(
                    index,
                    command,
                    end,
                    origin,
                    situation,
                    &mut flow,
                    &mut output,
                );
                due.extend(outlets.behind(index, &flow));
                next = due.pop();
            }
            if !within {
                break;
            }
        }
        for unresolved in resolution.unresolved {
            let here = Situation {
                origin: origin.inside(unresolved.span),
                ..situation.clone()
            };
            self.unknown(why_text(&unresolved.why).into_owned(), "shell", &here);
        }
        let recursive = resolution
            .recursive_functions
            .into_iter()
            .map(|span| (span, "a function that calls itself"));
        let endless = resolution
            .endless
            .into_iter()
            .map(|span| (span, "processes that a loop starts without end"));
        for (span, what) in recursive.chain(endless) {
            let here = Situation {
                origin: origin.inside(span),
                ..situation.clone()
            };
            let action = Action {
                target: Target::named(what),
                by: String::from("shell"),
                ..blank(ActionKind::ProcessExhaust, &here)
            };
            self.push(action, &here);
        }
        output
    }

    /// Evaluates one command of a text; whether that was within the budget.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a text knows, and where it stands"
    )]
    fn one_of(
        &mut self,
        index: usize,
        command: Command,
        end: Option<&End>,
        origin: &Origin,
        situation: &Situation,
        flow: &mut Flow<'_>,
        output: &mut Data,
    ) -> bool {
        self.words += command.words.len() + 1;
        if self.words > MAX_WORDS {
            self.over_limit(situation);
            return false;
        }
        flow.own = index;
        flow.given.remove(&index);
        let inherited = matches!(command.stdout, Stdout::Inherited);
        if matches!(command.stdout, Stdout::Captured) {
            flow.captured.push((command.span, index));
        }
        let before = self.actions.len();
        let written = match end.filter(|_| command.is_trap_at_exit()) {
            Some(end) => self.at_exit(command, end, origin, situation, flow),
            None => self.where_it_stands(command, origin, situation, flow),
        };
        if flow.from_shell.contains(&index) {
            self.remote_shell_over(before, situation);
        }
        if inherited {
            output.merge(&written);
        }
        flow.outputs[index] = Rc::new(written);
        true
    }

    /// Which commands' output is printed, if only after a filter without arguments that passes it on: `echo x | cat`.
    fn shown(&self, commands: &[Command]) -> Vec<bool> {
        let mut shown = vec![false; commands.len()];
        for (index, command) in commands.iter().enumerate().rev() {
            let printed = match &command.stdout {
                Stdout::Inherited => true,
                Stdout::Captured => false,
                Stdout::Pipe(targets) => targets.iter().any(|target| {
                    shown.get(*target) == Some(&true)
                        && commands
                            .get(*target)
                            .is_some_and(|next| self.passes_on(next))
                }),
            };
            if let Some(held) = shown.get_mut(index) {
                *held = printed;
            }
        }
        shown
    }

    fn passes_on(&self, command: &Command) -> bool {
        let [program] = command.words.as_slice() else {
            return false;
        };
        command.redirects.is_empty()
            && program
                .value
                .exact()
                .and_then(|name| self.catalogue.commands.find(base_name(name)))
                .is_some_and(|entry| {
                    // Nothing of it applies without an operand: it only passes on.
                    let idle = |effect: &Effect<'_>| {
                        matches!(effect.to, Some(Selector::From(_) | Selector::Operand(_)))
                    };
                    entry.carries && entry.effects.iter().all(idle)
                })
    }

    /// Code that runs when everything has run: with what is known then, and with what was known where it was said.
    fn at_exit(
        &mut self,
        mut command: Command,
        end: &End,
        origin: &Origin,
        situation: &Situation,
        flow: &mut Flow<'_>,
    ) -> Data {
        let last = Command {
            cwd: end.cwd.clone(),
            scope: Rc::clone(&end.scope),
            ..command.clone()
        };
        command.scope = Rc::new(command.scope.completed(&end.scope));
        self.where_it_stands(command, origin, situation, flow);
        self.where_it_stands(last, origin, situation, flow)
    }

    pub(super) fn command(
        &mut self,
        command: Command,
        origin: &Origin,
        situation: &Situation,
        flow: &mut Flow<'_>,
    ) -> Data {
        let mut here = Situation {
            origin: origin.inside(command.span),
            certainty: if command.certain {
                situation.certainty
            } else {
                situation.certainty.min(Certainty::Possible)
            },
            settled: situation.settled && command.settled,
            cwd: Rc::new(command.cwd),
            scope: command.scope,
            ..situation.clone()
        };
        self.standard_input(
            &command.stdin,
            command.piped,
            &command.redirects,
            &mut here,
            origin,
            flow,
        );
        here.stdout = match &command.stdout {
            Stdout::Inherited => situation.stdout,
            Stdout::Pipe(_) if flow.shown.get(flow.own) == Some(&true) => situation.stdout,
            Stdout::Pipe(_) => Source::Pipe,
            Stdout::Captured => Source::Text,
        };
        let words: Vec<Word> = command
            .words
            .into_iter()
            .map(|argument| {
                let mut data = Data::default();
                for index in &argument.from {
                    if let Some(output) = flow.outputs.get(*index) {
                        data.merge(output);
                    }
                }
                self.merge_variables(argument.span, flow, &mut data);
                if argument.value.exact().is_none() {
                    credentials(&argument.value, argument.span, flow, &mut data);
                }
                Word {
                    value: argument.value,
                    origin: Origin {
                        at: Rc::clone(&origin.at),
                        span: origin.inside(argument.span).span,
                        verbatim: origin
                            .verbatim
                            .zip(argument.verbatim_at)
                            .map(|(base, offset)| base + offset),
                    },
                    data: data.some.then(|| Rc::new(data)),
                }
            })
            .collect();
        let writes = command
            .redirects
            .iter()
            .any(|redirect| redirect.kind != RedirectKind::Read && redirect.fd == 1);
        if writes {
            here.stdout = Source::File;
        }
        self.captures(&command.assignments, flow);
        self.reads_into(&words, &here);
        self.picks(&words, &mut here);
        if let Some(name) = picks_processes(&words, &mut here) {
            crate::actions::word::add(&mut self.processes, &name);
        }
        self.assignments(&command.assignments, &words, origin, &mut here);
        self.handed = Data::nothing();
        let noted = self.inherits(&command.redirects, &here);
        let mut effects = self.argv(&words, &here);
        self.disinherits(noted);
        if let Some(value @ Value::Exact(_)) = command.output {
            effects.output.some = true;
            effects.output.made = false;
            effects.output.text = Some(Box::new(FlowText {
                value,
                origin: here.origin.clone(),
            }));
        }
        if effects.output.text.is_none()
            && let Some(text) = self.passed_on(&words, &here.stdin)
        {
            effects.output.made = false;
            effects.output.text = Some(Box::new(FlowText {
                value: Value::Exact(text),
                origin: here.origin.clone(),
            }));
        }
        // Words of the call, whose output nobody asked for here: `bash -c 'echo …' > x`.
        if words.len() > 1 {
            shows(&words, &mut effects.output, &here);
        }
        // `$(< file)`: the shell prints it.
        if words.is_empty()
            && matches!(command.stdout, Stdout::Captured)
            && here.stdin_source == Source::File
        {
            effects.output.merge(&here.stdin);
        }
        if effects.interactive
            && let Stdout::Pipe(targets) = &command.stdout
        {
            flow.from_shell.extend(targets);
        }
        self.gives(&words, &command.stdout, &effects, &here, flow);
        for redirect in &command.redirects {
            self.redirect(redirect, &words, &effects, &here);
        }
        let is_printed = !self.descriptors.is_empty()
            && command.stdout == Stdout::Inherited
            && !command.redirects.iter().any(|redirect| redirect.fd == 1);
        if is_printed {
            self.poured_over(1, &effects.output, &here);
        }
        if writes {
            Data::default()
        } else {
            effects.output
        }
    }

    fn standard_input(
        &mut self,
        stdin: &Stdin,
        piped: Option<Value>,
        redirects: &[Redirect],
        here: &mut Situation,
        origin: &Origin,
        flow: &Flow<'_>,
    ) {
        match stdin {
            Stdin::Inherited => {}
            Stdin::Pipe(from) => {
                let mut data = Data::default();
                for index in from {
                    if let Some(output) = flow.arriving_from(*index) {
                        data.merge(output);
                    }
                }
                data.some = true;
                if let Some(value @ Value::Exact(_)) = piped {
                    data.text = Some(Box::new(FlowText {
                        value,
                        origin: here.origin.clone(),
                    }));
                }
                here.stdin = Rc::new(data);
                here.stdin_source = Source::Pipe;
            }
            Stdin::Text {
                body,
                span,
                verbatim_at,
            } => {
                let place = Origin {
                    at: Rc::clone(&origin.at),
                    span: origin.inside(*span).span,
                    verbatim: origin
                        .verbatim
                        .zip(*verbatim_at)
                        .map(|(base, offset)| base + offset),
                };
                let mut data = Data::of_text(body.clone(), place);
                let mut held = Data::default();
                self.merge_variables(*span, flow, &mut held);
                for (captured, index) in &flow.captured {
                    if span.contains(*captured)
                        && let Some(output) = flow.outputs.get(*index)
                    {
                        held.merge(output);
                    }
                }
                if held.some {
                    held.text = data.text.take();
                    data = held;
                }
                here.stdin = Rc::new(data);
                here.stdin_source = Source::Text;
            }
            Stdin::File(value) => {
                let read = redirects
                    .iter()
                    .any(|redirect| redirect.kind == RedirectKind::Read && redirect.fd == 0);
                if !read {
                    here.stdin = Rc::new(self.read_file(value, here));
                }
                here.stdin_source = Source::File;
            }
        }
        for redirect in redirects {
            if redirect.kind == RedirectKind::Read {
                let data = self.read_file(&redirect.target, here);
                if redirect.fd == 0 {
                    let nothing = redirect.target.exact() == Some("/dev/null");
                    here.stdin = Rc::new(if nothing { Data::default() } else { data });
                    here.stdin_source = if nothing {
                        Source::Outside
                    } else {
                        Source::File
                    };
                }
            }
        }
    }

    /// A file that a redirect reads.
    fn read_file(&mut self, file: &Value, here: &Situation) -> Data {
        if let Some(host) = socket(file) {
            self.connect(ActionKind::NetFetch, &host, here);
            return Data::of_url(host);
        }
        let word = Word::made(file.clone(), here.origin.clone());
        let mut data = self.path(ActionKind::FsRead, &word, "<", here);
        data.some = true;
        data
    }

    /// A redirect that writes.
    fn redirect(
        &mut self,
        redirect: &Redirect,
        words: &[Word],
        effects: &Effects,
        here: &Situation,
    ) {
        let attribute = match redirect.kind {
            RedirectKind::Read => return,
            RedirectKind::Duplicate => {
                return self.over_descriptor(redirect, words, &effects.output, here);
            }
            RedirectKind::Through => {
                return self.through_descriptor(redirect, words, &effects.output, here);
            }
            RedirectKind::Append => "append",
            RedirectKind::Write | RedirectKind::ReadWrite => "truncate",
        };
        if let Some(host) = socket(&redirect.target) {
            // The program's output and, as a rule, its input are the connection.
            if effects.interactive {
                let mut action = at_host(ActionKind::ExecRemoteShell, &host, here);
                action.by = program_name(words);
                self.push(action, here);
            } else {
                let mut action = at_host(ActionKind::NetSend, &host, here);
                carry(&mut action, &effects.output, self.context);
                self.push(action, here);
            }
            if words.first().and_then(Word::exact) == Some("exec") {
                self.socket = Some(host);
            }
            return;
        }
        let word = Word::made(redirect.target.clone(), here.origin.clone());
        let by = match redirect.kind {
            RedirectKind::Append => ">>",
            RedirectKind::ReadWrite => "<>",
            _ => ">",
        };
        let attributes: &[&'static str] = match redirect.kind {
            RedirectKind::ReadWrite => &[],
            _ => &[attribute],
        };
        let empties = redirect.kind == RedirectKind::Write
            && redirect.fd == 1
            && writes_nothing(words, effects);
        let attributes: &[&'static str] = if empties {
            &["empty", "truncate"]
        } else {
            attributes
        };
        let mut written = if redirect.fd == 1 {
            effects.output.clone()
        } else {
            Data::opaque()
        };
        written.some = true;
        if is_exec(words) {
            self.opens(redirect.fd, Some(word.clone()));
        }
        let poured = match redirect.kind {
            RedirectKind::Append | RedirectKind::ReadWrite => Poured::More,
            _ => Poured::Through(redirect.span),
        };
        self.write_file(&word, by, attributes, &written, poured, here);
    }

    /// Writes a file and remembers what flowed into it.
    pub(super) fn write_file(
        &mut self,
        file: &Word,
        by: &str,
        attributes: &[&'static str],
        data: &Data,
        poured: Poured,
        here: &Situation,
    ) {
        let before = self.actions.len();
        self.path(ActionKind::FsWrite, file, by, here);
        let brought = data.brought();
        for action in &mut self.actions[before..] {
            action
                .attributes
                .extend(attributes.iter().map(|attribute| (*attribute).to_owned()));
            // What another program will run by itself is decided by whoever serves it.
            let runs = matches!(
                action.kind,
                ActionKind::PersistHook | ActionKind::PersistStartup
            );
            if runs && let Some(brought) = brought {
                action.attributes.push(brought.attribute().to_owned());
            }
            action.attributes.sort_unstable();
            action.attributes.dedup();
        }
        self.names_this_machine(before, data);
        self.data_for_later(file, data, before, here);
        self.remember(file, data, poured, here);
    }
}

fn program_name(words: &[Word]) -> String {
    words
        .first()
        .map_or("", |word| word.known().0)
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Whether a command is there for its redirect alone: `: > file`, `> file`, `echo "" > file`.
fn writes_nothing(words: &[Word], effects: &Effects) -> bool {
    let blank = |text: &FlowText| {
        text.value
            .exact()
            .is_some_and(|text| text.trim().is_empty())
    };
    words.is_empty()
        || matches!(words.first().and_then(Word::exact), Some(":" | "true"))
        || effects.output.text.as_deref().is_some_and(blank)
}
