//! Descriptors: what each leads to that a redirect, an `exec` or a coprocess opened, and who reads and writes there.

use super::command::{Argument, RedirectKind, Stdin, Value, Why};
use super::env::Bound;
use super::redirect::{Process, Redirects};
use super::syntax::tree::{Node, Slice};
use super::walk::{MAX_TIED, Walker};
use crate::span::ByteSpan;

/// The first number that shells choose by themselves.
const FIRST_CHOSEN: u32 = 10;

/// How many commands all descriptors of a text may be tied to.
const MAX_TIES: usize = 16 * 1024;

/// What is written to a descriptor goes there.
#[derive(Debug, Clone)]
pub(super) enum Sink {
    /// Into a file, which that redirect opened.
    File(Value, ByteSpan),
    /// To the commands of a `>(..)` or of a coprocess.
    Commands(Vec<usize>),
}

/// A descriptor and where it leads; nowhere that is known when it neither reads nor writes.
#[derive(Debug, Clone)]
pub(super) struct Descriptor {
    fd: u32,
    reads: Option<Stdin>,
    writes: Option<Sink>,
    /// The first command for which it holds.
    since: usize,
}

impl Descriptor {
    pub(super) const fn closed(fd: u32) -> Self {
        Self {
            fd,
            reads: None,
            writes: None,
            since: 0,
        }
    }

    pub(super) fn reading(fd: u32, from: Stdin) -> Self {
        Self {
            reads: Some(from),
            ..Self::closed(fd)
        }
    }

    pub(super) fn writing(fd: u32, to: Sink) -> Self {
        Self {
            writes: Some(to),
            ..Self::closed(fd)
        }
    }

    /// What a redirect to or from a file opens.
    pub(super) fn file(fd: u32, kind: RedirectKind, file: &Value, span: ByteSpan) -> Self {
        let reads = matches!(kind, RedirectKind::Read | RedirectKind::ReadWrite);
        let writes = kind != RedirectKind::Read;
        Self {
            reads: reads.then(|| Stdin::File(file.clone())),
            writes: writes.then(|| Sink::File(file.clone(), span)),
            ..Self::closed(fd)
        }
    }
}

/// The number that a file by which a process reaches its descriptors stands for.
fn number_of_file(path: &str) -> Option<u32> {
    ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder))?
        .parse()
        .ok()
}

impl Walker<'_> {
    /// Where a descriptor leads, which this command or one before it opened.
    pub(super) fn descriptor(&self, fd: u32, own: &Redirects) -> Option<Descriptor> {
        let by_number = |held: &&Descriptor| held.fd == fd;
        let mut opened = own.opened.iter().rev();
        opened
            .find(by_number)
            .or_else(|| self.descriptors.iter().rev().find(by_number))
            .cloned()
    }

    /// As [`Self::descriptor`], of a number or of a file that stands for one.
    pub(super) fn descriptor_named(&self, target: &Value, own: &Redirects) -> Option<Descriptor> {
        let text = target.exact()?;
        let number = text.trim_end_matches('-').parse().ok();
        self.descriptor(number.or_else(|| number_of_file(text))?, own)
    }

    /// The number before a redirect: as written, or of the variable that is named there, which may get a new one.
    pub(super) fn descriptor_number(&mut self, name: Slice, closes: bool) -> u32 {
        let name = name.of(&self.text.source).to_owned();
        if closes {
            let held = match self.env.variable(&name).map(|variable| &variable.bound) {
                Some(Bound::Scalar(value)) => value.exact().and_then(|text| text.parse().ok()),
                _ => None,
            };
            return held.unwrap_or(FIRST_CHOSEN);
        }
        let number = FIRST_CHOSEN.saturating_add(self.chosen);
        self.chosen = self.chosen.saturating_add(1);
        self.env
            .bind_scalar(&name, Value::Exact(number.to_string()));
        number
    }

    /// Words that stand for a descriptor, `/dev/fd/3`, are what it leads to: a file, or a process substitution.
    pub(super) fn follow_descriptors(
        &self,
        words: &mut [Argument],
        own: &Redirects,
    ) -> Vec<(Vec<usize>, bool)> {
        let mut ties = Vec::new();
        for word in words.iter_mut().skip(1) {
            let number = word.value.exact().and_then(number_of_file);
            let Some(held) = number.and_then(|number| self.descriptor(number, own)) else {
                continue;
            };
            let (ends, reads) = match (held.reads, held.writes) {
                (Some(Stdin::File(file)), _) | (_, Some(Sink::File(file, _))) => {
                    word.value = file;
                    word.verbatim_at = None;
                    continue;
                }
                (Some(Stdin::Pipe(ends)), _) => (ends, true),
                (_, Some(Sink::Commands(ends))) => (ends, false),
                _ => continue,
            };
            word.value = Value::Prefix(String::from("/dev/fd/"), Why::CommandOutput);
            word.verbatim_at = None;
            word.from.clone_from(&ends);
            ties.push((ends, reads));
        }
        ties
    }

    /// Has descriptors hold for the commands that follow.
    pub(super) fn open(&mut self, opened: Vec<Descriptor>) {
        let since = self.out.commands.len();
        for descriptor in opened {
            // What leads nowhere matters only where it led somewhere.
            let idle = descriptor.reads.is_none() && descriptor.writes.is_none();
            if idle && !self.descriptors.iter().any(|held| held.fd == descriptor.fd) {
                continue;
            }
            if self.descriptors.len() >= MAX_TIED {
                self.too_many();
                return;
            }
            self.descriptors.push(Descriptor {
                since,
                ..descriptor
            });
        }
    }

    /// Says that more is open, or led elsewhere, than is followed.
    fn too_many(&mut self) {
        let last = self.out.commands.last();
        let span = last.map_or(self.whole, |last| last.span);
        self.unresolved(Why::Limit, span);
    }

    /// Walks something that has standard streams of its own and shares no descriptor that it opens.
    pub(super) fn apart<T>(&mut self, standard: &[u32], walk: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.descriptors.len();
        self.open(standard.iter().copied().map(Descriptor::closed).collect());
        let result = walk(self);
        self.close(mark);
        result
    }

    /// Leaves what descriptors hold for that were opened since the mark: commands that print go where `exec` sent them,
    /// and those that read have what `exec` gave them.
    pub(super) fn close(&mut self, mark: usize) {
        let opened = self.descriptors.split_off(mark.min(self.descriptors.len()));
        let mut end = [self.out.commands.len(); 2];
        for descriptor in opened.into_iter().rev() {
            let Some(end) = end.get_mut(descriptor.fd as usize) else {
                continue;
            };
            let range = descriptor.since..*end;
            *end = descriptor.since;
            self.ties = self.ties.saturating_add(range.len());
            if self.ties > MAX_TIES {
                self.too_many();
                return;
            }
            match (descriptor.fd, &descriptor.reads, &descriptor.writes) {
                (0, Some(stdin), _) if !is_outside(stdin) => {
                    for index in range {
                        if self.out.commands[index].stdin == Stdin::Inherited {
                            self.out.commands[index].stdin = stdin.clone();
                        }
                    }
                }
                (1, _, Some(Sink::Commands(ends))) => {
                    for index in range {
                        if self.writes_on(index) {
                            self.tie(ends, index, false);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Walks commands for which descriptors hold that no other has.
    pub(super) fn with_descriptors<T>(
        &mut self,
        opened: Vec<Descriptor>,
        walk: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mark = self.descriptors.len();
        self.open(opened);
        let own = self.descriptors.len();
        let result = walk(self);
        // What `exec` opened inside of them stays open.
        self.descriptors
            .drain(mark..own.min(self.descriptors.len()));
        result
    }

    /// A coprocess: its commands read what is written to one descriptor, and what they print is read from another.
    pub(super) fn coprocess(&mut self, name: Option<Slice>, body: &Node) {
        let start = self.out.commands.len();
        let mark = self.env.mark();
        self.apart(&[0, 1], |walker| walker.node(body, true));
        self.env.rollback(mark);
        let all = start..self.out.commands.len();
        let mut readers: Vec<usize> = all
            .clone()
            .filter(|index| self.out.commands[*index].stdin == Stdin::Inherited)
            .collect();
        let writers = all.clone().filter(|index| self.writes_on(*index));
        let writers: Vec<usize> = writers.take(MAX_TIED).collect();
        // Nobody may write to it, or in a way that is not followed.
        for index in &readers {
            self.out.commands[*index].stdin = Stdin::Pipe(Vec::new());
        }
        readers.truncate(MAX_TIED);
        if !all.is_empty() {
            self.out.outlets.push(all);
        }
        let name = name.map_or_else(
            || String::from("COPROC"),
            |name| name.of(&self.text.source).to_owned(),
        );
        let numbers = [self.chosen, self.chosen.saturating_add(1)];
        self.chosen = self.chosen.saturating_add(2);
        let [reads, writes] = numbers.map(|number| FIRST_CHOSEN.saturating_add(number));
        let values = [reads, writes].map(|number| Value::Exact(number.to_string()));
        self.env.bind(&name, Bound::Indexed(values.to_vec()));
        self.open(vec![
            Descriptor::reading(reads, Stdin::Pipe(writers)),
            Descriptor::writing(writes, Sink::Commands(readers)),
        ]);
    }
}

impl Redirects {
    /// Has a descriptor lead where another leads: `4>&3`.
    pub(super) fn duplicate(&mut self, fd: u32, from: Option<Descriptor>) {
        let from = from.unwrap_or(Descriptor::closed(fd));
        if fd == 0
            && let Some(stdin) = &from.reads
        {
            self.stdin = Some(stdin.clone());
        }
        if let Some(Sink::Commands(ends)) = &from.writes {
            self.processes.push(Process {
                fd,
                ends: ends.clone(),
                reads: false,
            });
        }
        self.opened(Descriptor { fd, ..from });
    }

    /// Remembers what a descriptor leads to.
    pub(super) fn opened(&mut self, descriptor: Descriptor) {
        if self.opened.len() < MAX_TIED {
            self.opened.push(descriptor);
        }
    }
}

impl Descriptor {
    /// The file that what is written goes into, and the redirect that opened it.
    pub(super) const fn file_written(&self) -> Option<(&Value, ByteSpan)> {
        match &self.writes {
            Some(Sink::File(file, span)) => Some((file, *span)),
            _ => None,
        }
    }
}

/// Whether standard input comes from nowhere in the text: a terminal, or nothing.
fn is_outside(stdin: &Stdin) -> bool {
    matches!(stdin, Stdin::File(file) if matches!(file.exact(), Some("/dev/null" | "/dev/tty")))
}
