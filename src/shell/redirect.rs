//! Redirects, here-documents and process substitutions: which stream goes where.

use std::rc::Rc;

use super::command::{Assignment, Command, Redirect, RedirectKind, Stdin, Stdout, Value, Why};
use super::descriptors::{Descriptor, Sink};
use super::draft::Draft;
use super::syntax::tree::{Part, Redir, RedirOp, Slice, Word};
use super::walk::{MAX_TIED, Walker};
use crate::span::ByteSpan;

/// What redirects amount to.
#[derive(Default)]
pub(super) struct Redirects {
    pub(super) files: Vec<Redirect>,
    pub(super) stdin: Option<Stdin>,
    /// Process substitutions used as files.
    pub(super) processes: Vec<Process>,
    /// Standard input is one of them.
    pub(super) from_process: bool,
    /// Where the descriptors lead that they open.
    pub(super) opened: Vec<Descriptor>,
}

/// A process substitution used as a file.
pub(super) struct Process {
    /// The descriptor that it is; `&>` counts as 1.
    pub(super) fd: u32,
    /// The commands at its far end.
    pub(super) ends: Vec<usize>,
    /// Whether it is read from.
    pub(super) reads: bool,
}

impl Process {
    /// Whether what is printed goes there.
    pub(super) const fn is_printed_to(&self) -> bool {
        self.fd == 1 && !self.reads
    }
}

impl Redirects {
    /// Whether what is printed goes into a process substitution.
    pub(super) fn print_to_process(&self) -> bool {
        self.processes.iter().any(Process::is_printed_to)
    }

    /// Whether what is printed is looked at by whoever reads it there.
    pub(super) fn want_output(&self) -> bool {
        writes_file(&self.files) || self.print_to_process()
    }

    fn reads_from(&mut self, fd: u32, stdin: Stdin) {
        if fd == 0 {
            self.stdin = Some(stdin.clone());
        }
        self.opened(Descriptor::reading(fd, stdin));
    }
}

impl Walker<'_> {
    /// Evaluates redirects in order.
    pub(super) fn redirects(&mut self, redirs: &[Redir]) -> Redirects {
        let mut result = Redirects::default();
        for redir in redirs {
            let reads = matches!(
                redir.op,
                RedirOp::Read | RedirOp::ReadWrite | RedirOp::Here(_) | RedirOp::HereString
            );
            let fd = match redir.name {
                Some(name) => {
                    let closes = redir.target.span.of(&self.text.source) == "-";
                    self.descriptor_number(name, closes)
                }
                None => redir.fd.unwrap_or(u32::from(!reads)),
            };
            match redir.op {
                RedirOp::Here(index) => {
                    let stdin = self.heredoc(index, redir.target.span);
                    result.reads_from(fd, stdin);
                }
                RedirOp::HereString => {
                    let mut body = Draft::default();
                    let value = self.single(&redir.target);
                    body.push_value(&value, false);
                    body.push("\n");
                    let stdin = Stdin::Text {
                        body: body.finish(),
                        span: self.span(redir.target.span),
                        verbatim_at: self.word_verbatim(&redir.target),
                    };
                    result.reads_from(fd, stdin);
                }
                op => self.redirect_to(redir, op, fd, &mut result),
            }
        }
        // What is opened under a name stays open, whoever it was opened for.
        if redirs.iter().any(|redir| redir.name.is_some()) {
            self.open(result.opened.clone());
        }
        result
    }

    /// A redirect to or from something that is named.
    fn redirect_to(&mut self, redir: &Redir, op: RedirOp, fd: u32, result: &mut Redirects) {
        let span = self.span(redir.span);
        let process = process_end(&redir.target);
        let (target, from) = self.single_from(&redir.target);
        if let Some(reads) = process {
            let end = if reads {
                Descriptor::reading(fd, Stdin::Pipe(from.clone()))
            } else {
                Descriptor::writing(fd, Sink::Commands(from.clone()))
            };
            result.opened(end);
            result.processes.push(Process {
                fd,
                ends: from,
                reads,
            });
            if reads && fd == 0 {
                result.from_process = true;
            }
            return;
        }
        let kind = match op {
            RedirOp::Duplicate => RedirectKind::Duplicate,
            RedirOp::Read => RedirectKind::Read,
            RedirOp::ReadWrite => RedirectKind::ReadWrite,
            RedirOp::Append | RedirOp::BothAppend => RedirectKind::Append,
            _ => RedirectKind::Write,
        };
        let named = self.descriptor_named(&target, result);
        // `>& word` is told by what the word comes to.
        let is_number = |text: &str| {
            let digits = text.strip_suffix('-').unwrap_or(text);
            digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let duplicates = match op {
            RedirOp::Duplicate => fd != 1 || target.exact().is_none_or(is_number),
            _ => named.is_some() && (op != RedirOp::Both || target.exact().is_some_and(is_number)),
        };
        if !duplicates {
            let kind = match kind {
                RedirectKind::Duplicate => RedirectKind::Write,
                kind => kind,
            };
            let file = Descriptor::file(fd, kind, &target, span);
            if fd == 0 {
                result.stdin = Some(Stdin::File(target.clone()));
            }
            result.opened(file);
            result.files.push(Redirect {
                kind,
                fd,
                target,
                span,
            });
            return;
        }
        let through = named.as_ref().and_then(Descriptor::file_written);
        let through = through.filter(|_| fd != 0);
        result.files.push(match through {
            Some((file, span)) => Redirect {
                kind: RedirectKind::Through,
                fd,
                target: file.clone(),
                span,
            },
            None => Redirect {
                kind: RedirectKind::Duplicate,
                fd,
                target,
                span,
            },
        });
        result.duplicate(fd, named);
    }

    fn heredoc(&mut self, index: usize, delimiter: Slice) -> Stdin {
        let text = Rc::clone(&self.text);
        let Some(doc) = text.tree.heredocs.get(index) else {
            return Stdin::Inherited;
        };
        let empty = doc.body.start == doc.body.end;
        let span = self.span(if empty { delimiter } else { doc.body });
        let mut verbatim_at = None;
        let body = if doc.parts.is_empty() && !doc.strip_tabs {
            verbatim_at = if empty { None } else { self.verbatim(doc.body) };
            Value::Exact(doc.body.of(&text.source).to_owned())
        } else if doc.parts.is_empty() {
            Value::Exact(strip_tabs(doc.body.of(&text.source), true))
        } else {
            self.quoted_body(&doc.parts, doc.strip_tabs.then_some(doc.body.start))
        };
        self.spend(doc.body.end - doc.body.start, delimiter);
        Stdin::Text {
            body,
            span,
            verbatim_at,
        }
    }

    /// Walks commands to which redirects apply together: a compound command, a function call.
    pub(super) fn redirected(
        &mut self,
        mut redirects: Redirects,
        want: bool,
        walk: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let start = self.out.commands.len();
        let input = match &redirects.stdin {
            Some(Stdin::Text { body, .. }) => Some(body.clone()),
            Some(_) => None,
            None if redirects.from_process => self.process_output(&redirects.processes),
            None => self.input.clone(),
        };
        let outer = std::mem::replace(&mut self.input, input);
        let opened = std::mem::take(&mut redirects.opened);
        let output = self.with_descriptors(opened, walk);
        self.input = outer;
        let end = self.out.commands.len();
        let to_file = writes_file(&redirects.files);
        let to_process = redirects.print_to_process();
        let mut tied = 0_usize;
        for index in start..end {
            let writes = self.writes_on(index);
            let reads = self.out.commands[index].stdin == Stdin::Inherited;
            if tied >= MAX_TIED {
                let span = self.out.commands[index].span;
                self.unresolved(Why::Limit, span);
                break;
            }
            let command = &mut self.out.commands[index];
            if reads && let Some(stdin) = &redirects.stdin {
                command.stdin = stdin.clone();
                tied += 1;
            }
            if writes && !redirects.files.is_empty() && command.stdout == Stdout::Inherited {
                let files = redirects.files.iter().filter(|one| one.fd != 0);
                // What the command itself writes to a descriptor comes behind its being opened.
                let (others, standard): (Vec<_>, Vec<_>) =
                    files.cloned().partition(|one| one.fd > 2);
                command.redirects.splice(0..0, others);
                command.redirects.extend(standard);
                tied += 1;
            }
        }
        for process in &redirects.processes {
            for index in start..end {
                let free = if process.reads {
                    self.out.commands[index].stdin == Stdin::Inherited
                } else {
                    self.writes_on(index)
                };
                if free {
                    self.tie_process(process, index);
                }
            }
        }
        if (start == end || tied == 0) && !redirects.files.is_empty() {
            // Nothing inside could carry them, but the files are opened all the same.
            let span = redirects.files[0].span;
            let stdin = redirects.stdin.unwrap_or(Stdin::Inherited);
            self.emit_wordless(span, Vec::new(), redirects.files, stdin);
        }
        if to_process && want {
            // What the far end prints instead is told by its own commands.
            Value::Unknown(Why::CommandOutput)
        } else if to_file || !want {
            Value::Exact(String::new())
        } else {
            output
        }
    }

    /// A command without words: it assigns, and its files are opened.
    pub(super) fn emit_wordless(
        &mut self,
        span: ByteSpan,
        assignments: Vec<Assignment>,
        redirects: Vec<Redirect>,
        stdin: Stdin,
    ) {
        let scope = self.scope(span);
        self.emit(Command {
            span,
            assignments,
            words: Vec::new(),
            redirects,
            stdin,
            piped: None,
            stdout: Stdout::Inherited,
            output: None,
            cwd: self.env.cwd().clone(),
            stayed: self.env.directories().stayed.clone(),
            certain: self.certain,
            settled: self.certain && self.settled,
            scope,
        });
    }

    /// The text that process substitutions at standard input carry, when computed.
    pub(super) fn process_output(&self, processes: &[Process]) -> Option<Value> {
        let process = processes.iter().rev().find(|process| process.reads)?;
        self.printed_by(&process.ends)
    }

    /// The text that commands print, when computed.
    pub(super) fn printed_by(&self, commands: &[usize]) -> Option<Value> {
        let mut text = Draft::default();
        for index in commands {
            text.push_value(self.out.commands[*index].output.as_ref()?, false);
        }
        Some(text.finish())
    }

    /// Ties a command to a process substitution that a redirect of it names. What other descriptors carry than those
    /// of standard input and output is not known, so its far end reads what it read before.
    pub(super) fn tie_process(&mut self, process: &Process, command: usize) {
        if process.reads {
            self.tie(&process.ends, command, true);
            self.out.commands[command].stdin = Stdin::Pipe(process.ends.clone());
        } else if process.is_printed_to() {
            self.tie(&process.ends, command, false);
            self.out.commands[command].stdout = Stdout::Pipe(process.ends.clone());
        }
    }

    /// Ties the far ends of a process substitution to the command that uses it.
    pub(super) fn tie(&mut self, ends: &[usize], command: usize, reads: bool) {
        for end in ends {
            let end = &mut self.out.commands[*end];
            if reads {
                match &mut end.stdout {
                    Stdout::Pipe(readers) => readers.push(command),
                    other => *other = Stdout::Pipe(vec![command]),
                }
            } else {
                match &mut end.stdin {
                    Stdin::Pipe(writers) => writers.push(command),
                    other => *other = Stdin::Pipe(vec![command]),
                }
            }
        }
    }
}

/// Whether standard output goes to a file.
pub(super) fn writes_file(redirects: &[Redirect]) -> bool {
    redirects
        .iter()
        .any(|redirect| redirect.fd == 1 && redirect.kind.opens_to_write())
}

/// For a word that is a process substitution: whether it is read from.
pub(super) fn process_end(word: &Word) -> Option<bool> {
    word.parts.iter().find_map(|part| match part {
        Part::Process(_, reads) => Some(*reads),
        _ => None,
    })
}

/// A here-document's text without the tabs at the start of its lines.
pub(super) fn strip_tabs(text: &str, mut line_start: bool) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        if line_start && character == '\t' {
            continue;
        }
        line_start = character == '\n';
        result.push(character);
    }
    result
}
