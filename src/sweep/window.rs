//! Windows over a stream, cut so that their findings together are those of the whole.
//!
//! A window sees some bytes before and after those it answers for, and ends where no finding is cut in two, at the end
//! of a line when there is one. The result equals that of the whole input wherever a finding and what gives it away lie
//! within [`Limits::behind`] and [`Limits::ahead`] of each other. Input that fits into one window is taken whole.

use std::io::{self, Read, Write};
use std::ops::Range;

use super::Finder;
use crate::call::Surface;
use crate::scan::{self, Finding, Mark, Tagger};
use crate::span::ByteSpan;

/// How much is looked at, in bytes. `behind + ahead` must be less than half of `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most that is held and scanned at once.
    pub window: usize,
    /// Context kept before what a window answers for.
    pub behind: usize,
    /// Context wanted after it.
    pub ahead: usize,
}

impl Limits {
    /// For files and pipes. Context rules look some hundred bytes around, the longest private keys have 16 KiB.
    pub const FILES: Self = Self {
        window: 4 << 20,
        behind: 128 << 10,
        ahead: 256 << 10,
    };
    /// For streams that must be passed on line by line.
    pub const LIVE: Self = Self {
        window: 1 << 20,
        behind: 16 << 10,
        ahead: 64 << 10,
    };
}

/// When a window is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// When it is full, or the input has ended.
    Full,
    /// After every read that ends a line, unless a key block is open: what a later line would give away is not waited
    /// for.
    Lines,
}

/// How a stream is swept.
#[derive(Clone, Copy)]
pub struct Sweep<'a> {
    /// What finds.
    pub finder: &'a dyn Finder,
    /// Where the text comes from.
    pub surface: Surface,
    /// How much is looked at.
    pub limits: Limits,
    /// When.
    pub pace: Pace,
}

/// A part of the input with its findings. Positions are those in `bytes`.
#[derive(Debug)]
pub struct Window<'a> {
    /// What was scanned.
    pub bytes: &'a [u8],
    /// Where `bytes` starts in the input.
    pub base: usize,
    /// What this window answers for; the next one starts at its end.
    pub settled: Range<usize>,
    /// The findings in it.
    pub findings: Vec<Finding>,
    /// All that was found in `bytes`, context included.
    pub seen: &'a [Finding],
}

/// Which side of a sweep failed.
#[derive(Debug)]
pub enum SweepError {
    /// The input could not be read.
    Read(io::Error),
    /// What was done with a window failed.
    Window(io::Error),
}

impl Sweep<'_> {
    /// Reads `input` to its end and hands out every window in order; tells how many bytes there were. `buffer` is
    /// working memory that may serve many inputs.
    ///
    /// # Errors
    /// [`SweepError`]; windows handed out before it stand.
    pub fn run(
        &self,
        input: &mut dyn Read,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&Window<'_>) -> io::Result<()>,
    ) -> Result<usize, SweepError> {
        buffer.clear();
        let mut base = 0;
        let mut from = 0;
        loop {
            let ended = self.fill(input, buffer).map_err(SweepError::Read)?;
            let len = buffer.len();
            let Some(limit) = self.limit(buffer, from, ended) else {
                if ended {
                    return Ok(base + len);
                }
                continue;
            };
            let seen = self.finder.find(buffer, self.surface);
            let to = if limit == len && ended {
                len
            } else {
                cut(buffer, from, limit, &seen)
            };
            each(&Window {
                bytes: buffer,
                base,
                settled: from..to,
                findings: clipped(&seen, from, to),
                seen: &seen,
            })
            .map_err(SweepError::Window)?;
            if ended && to == len {
                return Ok(base + len);
            }
            let start = context_start(buffer, to, self.limits.behind);
            buffer.drain(..start);
            base += start;
            from = to - start;
        }
    }

    /// Reads until the window is full (by lines: until something came); `true` at the end of the input.
    fn fill(&self, input: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<bool> {
        /// How much a small input may grow before room for a whole window is made.
        const SMALL: usize = 256 << 10;
        let window = self.limits.window;
        match self.pace {
            Pace::Full => {
                for size in [SMALL.min(window), window] {
                    let wanted = size.saturating_sub(buffer.len());
                    if wanted == 0 {
                        continue;
                    }
                    if size == window {
                        buffer.reserve_exact(wanted);
                    }
                    if input.take(wanted as u64).read_to_end(buffer)? < wanted {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Pace::Lines => {
                let held = buffer.len();
                let room = window.saturating_sub(held).min(64 << 10);
                buffer.resize(held + room, 0);
                let got = loop {
                    match input.read(&mut buffer[held..]) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        other => break other,
                    }
                };
                buffer.truncate(held + got.as_ref().copied().unwrap_or(0));
                Ok(got? == 0)
            }
        }
    }

    /// Up to where a window taken now may answer; `None` when it is too early for one.
    fn limit(&self, buffer: &[u8], from: usize, ended: bool) -> Option<usize> {
        let len = buffer.len();
        let limit = if ended {
            len
        } else if len >= self.limits.window {
            len - self.limits.ahead
        } else if self.pace == Pace::Lines {
            let line = from + memchr::memrchr(b'\n', &buffer[from..])? + 1;
            open_block(buffer, len.saturating_sub(self.limits.ahead))
                .map_or(line, |block| block.min(line))
        } else {
            return None;
        };
        (limit > from).then_some(limit)
    }
}

/// Where a `-----BEGIN` after `since` stands that has no `-----END` yet.
fn open_block(buffer: &[u8], since: usize) -> Option<usize> {
    let begin = since + memchr::memmem::rfind(&buffer[since..], b"-----BEGIN ")?;
    memchr::memmem::find(&buffer[begin..], b"-----END ")
        .is_none()
        .then_some(begin)
}

/// The place nearest before `limit`, after `from`, at which no finding is cut in two.
fn cut(bytes: &[u8], from: usize, limit: usize, findings: &[Finding]) -> usize {
    let blocks = merged(findings, from, limit);
    let block_over = |place: usize| {
        let before = blocks.partition_point(|block| block.start < place);
        blocks[..before].last().filter(|block| block.end > place)
    };
    // Not further back than half: what is given up is scanned again.
    let floor = from + (limit - from) / 2;
    for separators in [[b'\n'; 3], [b' ', b'\t', b'\r']] {
        let [one, two, three] = separators;
        let mut end = limit;
        while let Some(found) = bytes
            .get(floor..end)
            .and_then(|near| memchr::memrchr3(one, two, three, near))
        {
            let place = floor + found + 1;
            match block_over(place) {
                None => return place,
                Some(block) => end = block.start,
            }
        }
    }
    let place = block_over(limit).map_or(limit, |block| block.start);
    // A finding that is longer than a window can hold is handed on in pieces.
    let place = if place > from { place } else { limit };
    let character = (place.saturating_sub(3)..=place)
        .rev()
        .find(|at| bytes.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80))
        .filter(|at| *at > from && block_over(*at).is_none());
    character.unwrap_or(place)
}

/// What findings cover together, where that reaches into `from..limit` or across its end.
fn merged(findings: &[Finding], from: usize, limit: usize) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for span in findings.iter().map(|finding| finding.span) {
        if span.end() <= from || span.start() >= limit {
            continue;
        }
        match blocks.last_mut() {
            Some(block) if span.start() < block.end => block.end = block.end.max(span.end()),
            _ => blocks.push(span.start()..span.end()),
        }
    }
    blocks
}

fn clipped(findings: &[Finding], from: usize, to: usize) -> Vec<Finding> {
    findings
        .iter()
        .filter_map(|finding| {
            let span = ByteSpan::new(finding.span.start().max(from), finding.span.end().min(to))?;
            Some(Finding {
                span,
                ..finding.clone()
            })
        })
        .collect()
}

/// Where windows start: at multiples of this many bytes of the input, because a search that looks at blocks must see the
/// same blocks as in the whole.
const ALIGNED: usize = 64;

/// Where the context before `to` starts: after a line feed or a blank near there as far as [`ALIGNED`] lets it, so that
/// no token is taken for what its rest looks like. `buffer` starts at an aligned place itself.
fn context_start(buffer: &[u8], to: usize, behind: usize) -> usize {
    let earliest = to.saturating_sub(behind).next_multiple_of(ALIGNED);
    if earliest == 0 || earliest >= to {
        return to.min(earliest) / ALIGNED * ALIGNED;
    }
    let near = &buffer[earliest..to.min(earliest + behind / 2)];
    memchr::memchr(b'\n', near)
        .or_else(|| memchr::memchr3(b' ', b'\t', b'\r', near))
        .map_or(earliest, |found| (earliest + found + 1) / ALIGNED * ALIGNED)
}

impl Window<'_> {
    /// Writes what this window answers for, redacted; tells what was replaced, with positions in the input.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn redact(&self, tagger: &dyn Tagger, out: &mut dyn Write) -> io::Result<Vec<Mark>> {
        if !self.findings.iter().any(|finding| finding.redact) {
            out.write_all(&self.bytes[self.settled.clone()])?;
            return Ok(Vec::new());
        }
        // With its context, because redaction may look at what stands around; only the spans change, so the context has
        // its old length.
        let (text, mut marks) = scan::redact(self.bytes, &self.findings, tagger);
        let after = self.bytes.len() - self.settled.end;
        let end = text.len().saturating_sub(after);
        let settled = text
            .get(self.settled.start..end)
            .ok_or_else(|| io::Error::other("redaction changed bytes outside of what was found"))?;
        out.write_all(settled)?;
        for mark in &mut marks {
            mark.span = mark.span.shifted(self.base);
        }
        Ok(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::rules::example;
    use crate::scan::{FindingKind, Severity};

    /// Finds `K` with up to eight hexadecimal digits, what follows `pw=` after a `user` at most 20 bytes before, and
    /// blocks between `<<` and `>>`.
    struct Toy;

    fn finding(rule: &'static str, start: usize, end: usize) -> Finding {
        Finding {
            rule: rule.into(),
            kind: FindingKind::Secret,
            severity: Severity::High,
            confidence_pm: 900,
            at: String::new(),
            span: ByteSpan::new(start, end).unwrap(),
            checksum: None,
            view: None,
            redact: true,
        }
    }

    impl Finder for Toy {
        fn find(&self, bytes: &[u8], _surface: Surface) -> Vec<Finding> {
            let mut found = Vec::new();
            for start in 0..bytes.len() {
                let rest = &bytes[start..];
                let run = |rest: &[u8]| {
                    rest.iter()
                        .take(8)
                        .take_while(|byte| byte.is_ascii_hexdigit())
                        .count()
                };
                if rest[0] == b'K' && run(&rest[1..]) > 3 {
                    found.push(finding("toy.key", start, start + 1 + run(&rest[1..])));
                }
                let before = &bytes[start.saturating_sub(20)..start];
                if rest.starts_with(b"pw=")
                    && run(&rest[3..]) > 0
                    && memchr::memmem::find(before, b"user").is_some()
                {
                    found.push(finding(
                        "toy.password",
                        start + 3,
                        start + 3 + run(&rest[3..]),
                    ));
                }
                if rest.starts_with(b"<<")
                    && let Some(len) = memchr::memmem::find(&rest[..rest.len().min(30)], b">>")
                {
                    found.push(finding("toy.block", start, start + len + 2));
                }
            }
            found
        }
    }

    const SMALL: Limits = Limits {
        window: 500,
        behind: 128,
        ahead: 40,
    };

    fn swept(input: &[u8], limits: Limits, pace: Pace) -> (Vec<Finding>, Vec<u8>, usize) {
        let sweep = Sweep {
            finder: &Toy,
            surface: Surface::ToolResult,
            limits,
            pace,
        };
        let mut found = Vec::new();
        let mut passed = Vec::new();
        let mut most = 0;
        let mut buffer = Vec::new();
        let len = sweep
            .run(&mut &*input, &mut buffer, &mut |window| {
                assert_eq!(window.base + window.settled.start, passed.len());
                assert_eq!(window.base % ALIGNED, 0);
                most = most.max(window.bytes.len());
                passed.extend_from_slice(&window.bytes[window.settled.clone()]);
                found.extend(window.findings.iter().map(|held| Finding {
                    span: held.span.shifted(window.base),
                    ..held.clone()
                }));
                Ok(())
            })
            .unwrap();
        assert_eq!(len, input.len());
        assert!(most <= limits.window, "{most}");
        (found, passed, most)
    }

    /// Texts of pieces that findings are made of, in any order; the same ones every time.
    fn texts() -> impl Iterator<Item = Vec<u8>> {
        const PIECES: [&[u8]; 12] = [
            b"K",
            b"0123",
            b"abcdef",
            b" ",
            b"\n",
            b"user",
            b"pw=",
            b"<<",
            b">>",
            b"plain words ",
            "\u{e9}\u{1f511}".as_bytes(),
            b"\xff\x00",
        ];
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        (0..300).map(move |_| {
            let mut text = Vec::new();
            while text.len() < 3000 {
                text.extend_from_slice(PIECES[dice.below(PIECES.len())]);
            }
            text
        })
    }

    #[test]
    fn windows_find_exactly_what_the_whole_has() {
        let mut total = 0;
        for text in texts() {
            let whole = Toy.find(&text, Surface::ToolResult);
            let (found, passed, _) = swept(&text, SMALL, Pace::Full);
            assert_eq!(found, whole, "{}", String::from_utf8_lossy(&text));
            assert_eq!(passed, text);
            total += whole.len();
        }
        assert!(total > 10_000, "{total}");
    }

    #[test]
    fn a_finding_longer_than_a_window_is_handed_on_in_pieces_without_a_gap() {
        struct All;
        impl Finder for All {
            fn find(&self, bytes: &[u8], _: Surface) -> Vec<Finding> {
                vec![finding("toy.all", 0, bytes.len())]
            }
        }
        let sweep = Sweep {
            finder: &All,
            surface: Surface::ToolResult,
            limits: SMALL,
            pace: Pace::Full,
        };
        let mut end = 0;
        sweep
            .run(
                &mut [b'x'; 5000].as_slice(),
                &mut Vec::new(),
                &mut |window| {
                    for held in &window.findings {
                        assert_eq!(held.span.start() + window.base, end);
                        end = held.span.end() + window.base;
                    }
                    Ok(())
                },
            )
            .unwrap();
        assert_eq!(end, 5000);
    }

    #[test]
    fn by_lines_every_line_is_passed_on_at_once_but_a_key_block_is_kept_together() {
        /// Gives one line a read.
        struct Slow<'a>(std::slice::Split<'a, u8, fn(&u8) -> bool>);
        impl Read for Slow<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let Some(line) = self.0.next().filter(|line| !line.is_empty()) else {
                    return Ok(0);
                };
                into[..line.len()].copy_from_slice(line);
                into[line.len()] = b'\n';
                Ok(line.len() + 1)
            }
        }
        let text = b"one\ntwo\n-----BEGIN X-----\nabc\n-----END X-----\nthree\n";
        let sweep = Sweep {
            finder: &Toy,
            surface: Surface::ToolResult,
            limits: SMALL,
            pace: Pace::Lines,
        };
        let mut passed = Vec::new();
        sweep
            .run(
                &mut Slow(text.split(|byte| *byte == b'\n')),
                &mut Vec::new(),
                &mut |window| {
                    passed.push(
                        String::from_utf8_lossy(&window.bytes[window.settled.clone()]).into_owned(),
                    );
                    Ok(())
                },
            )
            .unwrap();
        assert_eq!(
            passed,
            [
                "one\n",
                "two\n",
                "-----BEGIN X-----\nabc\n-----END X-----\n",
                "three\n"
            ]
        );
    }

    #[test]
    fn without_any_separator_the_cut_is_between_characters_and_the_work_is_linear() {
        let text = "\u{20ac}".repeat(5000).into_bytes();
        let sweep = Sweep {
            finder: &Toy,
            surface: Surface::ToolResult,
            limits: SMALL,
            pace: Pace::Full,
        };
        let mut windows = 0;
        sweep
            .run(&mut text.as_slice(), &mut Vec::new(), &mut |window| {
                windows += 1;
                assert!(std::str::from_utf8(&window.bytes[window.settled.clone()]).is_ok());
                Ok(())
            })
            .unwrap();
        assert!(windows <= text.len() / (SMALL.window / 2), "{windows}");
    }

    #[test]
    fn what_fails_is_said_by_side() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let sweep = Sweep {
            finder: &Toy,
            surface: Surface::ToolResult,
            limits: SMALL,
            pace: Pace::Full,
        };
        let read = sweep.run(&mut Broken, &mut Vec::new(), &mut |_| Ok(()));
        assert!(matches!(read, Err(SweepError::Read(_))));
        let window = sweep.run(&mut b"text".as_slice(), &mut Vec::new(), &mut |_| {
            Err(io::Error::other("full"))
        });
        assert!(matches!(window, Err(SweepError::Window(_))));
    }

    /// A megabyte of examples and near misses of every rule, in no order, with words in between; when `damaged`, every
    /// other one is cut or has a byte changed.
    fn carriers(damaged: bool) -> Vec<u8> {
        let mut texts = Vec::new();
        for page in crate::builtin::book() {
            for (index, template) in page.examples.iter().chain(&page.near_misses).enumerate() {
                let seed = format!("{} {index}", page.id);
                let filled = example::fill(template, &seed, page.checksum.as_deref());
                texts.push(filled.unwrap().text);
            }
        }
        let mut dice = Dice(11);
        let mut random = |below: usize| dice.below(below);
        let mut out = Vec::new();
        while out.len() < 1 << 20 {
            let mut text = texts[random(texts.len())].clone();
            let at = random(text.len());
            match random(4) {
                0 if damaged => text.truncate(at),
                1 if damaged => text[at] = random(256) as u8,
                _ => {}
            }
            out.extend_from_slice(&text);
            out.extend_from_slice([b"\n".as_slice(), b" ", b"\n\n", b" and then "][random(4)]);
            out.extend(std::iter::repeat_n(b'.', random(90)));
            out.push(b'\n');
        }
        out
    }

    #[test]
    fn the_rules_that_ship_find_and_replace_in_windows_what_they_do_in_the_whole() {
        let scanner = crate::builtin::scanner();
        let sweep = Sweep {
            finder: scanner,
            surface: Surface::ToolResult,
            limits: Limits {
                window: 150 << 10,
                behind: 36 << 10,
                ahead: 40 << 10,
            },
            pace: Pace::Full,
        };
        for text in [carriers(false), carriers(true)] {
            let (mut found, mut redacted) = (Vec::new(), Vec::new());
            sweep
                .run(&mut text.as_slice(), &mut Vec::new(), &mut |window| {
                    window.redact(&scan::NoTags, &mut redacted)?;
                    found.extend(window.findings.iter().map(|held| Finding {
                        span: held.span.shifted(window.base),
                        ..held.clone()
                    }));
                    Ok(())
                })
                .unwrap();
            // Notes are limited in each text, so only what is replaced can be the same.
            let mut whole = scanner.scan(&text, Surface::ToolResult);
            whole.retain(|held| held.redact);
            found.retain(|held| held.redact);
            assert!(whole.len() > 1000, "{}", whole.len());
            let differs = found
                .iter()
                .zip(&whole)
                .position(|(one, other)| one != other);
            assert_eq!(differs.map(|at| (&found[at], &whole[at])), None);
            assert_eq!(found.len(), whole.len());
            assert!(redacted == scan::redact(&text, &whole, &scan::NoTags).0);
        }
    }
}
