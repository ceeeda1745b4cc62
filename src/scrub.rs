//! Keeps secrets out of everything that is derived from a call: targets, reasons, names.

use std::sync::Mutex;

use crate::actions::Action;
use crate::call::{Caller, Context, Surface};
use crate::facts::Left;
use crate::json::{StringRole, Value, pointer_push};
use crate::scan::{self, Finding, Scanner, Tagger};
use crate::span::ByteSpan;
use crate::text::{contains, into_text};

/// Shorter pieces of a secret are ordinary words, and shorter names hold none.
const MIN_PIECE: usize = 12;

/// What joins the parts of a tool's name.
const JOINT: &str = "__";
/// Longer texts are no names of tools.
const LONGEST_NAME: usize = 512;

/// Arguments that are longer, in bytes, are not searched for what is derived from them.
const MOST_SHOWN: usize = 2 * 1024;

/// Keeps secrets out of everything that is derived from the arguments: targets, reasons, names.
///
/// Derived strings are scanned themselves, and secrets that only their context gave away (`-p VALUE`) are replaced
/// wherever their bytes appear again. What stands word for word in arguments without a secret gives nothing away and is
/// left alone.
pub(crate) struct Scrubber<'a> {
    known: Vec<(String, String)>,
    /// Where the secrets stand, by argument, and their marks: what was read out of their bytes is all secret.
    places: Vec<(String, ByteSpan, String)>,
    /// Arguments in which nothing was found, as far as they are short: they are recorded as they are.
    shown: String,
    tagger: &'a dyn Tagger,
    scanner: &'a Scanner,
    quiet: &'a Quiet,
}

/// How many texts are remembered as [`Quiet`].
const MOST_QUIET: usize = 8;
/// Longer ones, in bytes, are not.
const LONGEST_QUIET: usize = 512;

/// The last texts of callers in which a guard's scanner found nothing: a folder, a run and an agent are named alike by
/// call after call.
#[derive(Debug, Default)]
pub(crate) struct Quiet(Mutex<Vec<String>>);

impl Quiet {
    /// Nobody waits for another thread here: a text that cannot be looked up is scanned.
    fn holds(&self, text: &str) -> bool {
        self.0
            .try_lock()
            .is_ok_and(|texts| texts.iter().any(|held| held == text))
    }

    fn add(&self, text: &str) {
        if text.len() <= LONGEST_QUIET
            && let Ok(mut texts) = self.0.try_lock()
        {
            if texts.len() >= MOST_QUIET {
                texts.remove(0);
            }
            texts.push(text.to_owned());
        }
    }
}

impl<'a> Scrubber<'a> {
    pub(crate) fn new(tagger: &'a dyn Tagger, scanner: &'a Scanner, quiet: &'a Quiet) -> Self {
        Self {
            known: Vec::new(),
            places: Vec::new(),
            shown: String::new(),
            tagger,
            scanner,
            quiet,
        }
    }

    pub(crate) fn of_call(
        args: &Value,
        findings: &[Finding],
        tagger: &'a dyn Tagger,
        scanner: &'a Scanner,
        quiet: &'a Quiet,
    ) -> Self {
        let mut known = Vec::new();
        let mut places = Vec::new();
        if findings.iter().any(|finding| finding.redact) {
            args.each_string(&mut |at, text, role| {
                if role == StringRole::Name {
                    return;
                }
                for finding in findings.iter().filter(|held| held.redact && held.at == at) {
                    let span = finding.span;
                    if let Some(value) = text.get(span.start()..span.end())
                        && value.len() >= 4
                    {
                        let mark = scan::mark_text(finding, value.as_bytes(), tagger);
                        known.push((value.to_owned(), mark.clone()));
                        // A key of several lines may be taken apart into words.
                        let pieces = value
                            .split_whitespace()
                            .filter(|piece| piece.len() >= MIN_PIECE && piece.len() < value.len());
                        known.extend(pieces.map(|piece| (piece.to_owned(), mark.clone())));
                        places.push((at.to_owned(), span, mark));
                    }
                }
            });
        }
        // Longest first, so that a value inside another does not break it up.
        known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        let shown = if findings.is_empty() {
            shown(args)
        } else {
            String::new()
        };
        Self {
            known,
            places,
            shown,
            tagger,
            scanner,
            quiet,
        }
    }

    pub(crate) fn scrub(&self, text: String) -> String {
        if text.is_empty() || contains(self.shown.as_bytes(), text.as_bytes()) {
            return text;
        }
        let mut text = text;
        for (value, mark) in &self.known {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), mark);
            }
        }
        self.scrub_parts(self.scrub_whole(text))
    }

    /// `mcp__server__tool`: to the scanner an underscore before a token is part of a longer word, so that what follows
    /// each joint of such a name is read by itself too.
    fn scrub_parts(&self, text: String) -> String {
        match text.split_once(JOINT) {
            None => text,
            Some((head, rest)) if text.len() <= LONGEST_NAME => {
                let rest = self.scrub_parts(self.scrub_whole(rest.to_owned()));
                format!("{head}{JOINT}{rest}")
            }
            // No name: each part once, so that the work grows with the text.
            Some(_) => {
                let parts: Vec<String> = text
                    .split(JOINT)
                    .map(|part| self.scrub_whole(part.to_owned()))
                    .collect();
                parts.join(JOINT)
            }
        }
    }

    fn scrub_whole(&self, text: String) -> String {
        if text.len() < 4 {
            return text;
        }
        let findings = self.scanner.scan(text.as_bytes(), Surface::ToolArgs);
        if findings.iter().any(|finding| finding.redact) {
            into_text(scan::redact(text.as_bytes(), &findings, self.tagger).0)
        } else {
            text
        }
    }

    pub(crate) fn scrub_option(&self, text: Option<String>) -> Option<String> {
        text.map(|text| self.scrub(text))
    }

    /// What call after call says alike: as [`Scrubber::scrub`].
    fn scrub_steady(&self, text: Option<String>) -> Option<String> {
        let text = text?;
        // Secrets of this very call may stand in it.
        if !self.known.is_empty() {
            return Some(self.scrub(text));
        }
        if self.quiet.holds(&text) {
            return Some(text);
        }
        let scrubbed = self.scrub(text.clone());
        if scrubbed == text {
            self.quiet.add(&text);
        }
        Some(scrubbed)
    }

    /// A JSON Pointer, step by step: names of members are the caller's text too. What follows a tilde that RFC 6901 does
    /// not know is the scanner's own remark (`~#`: in the name itself) and stays.
    pub(crate) fn scrub_pointer(&self, pointer: &str) -> String {
        let remark = pointer
            .match_indices('~')
            .map(|(at, _)| at)
            .find(|at| !matches!(pointer.as_bytes().get(at + 1), Some(b'0' | b'1')))
            .unwrap_or(pointer.len());
        let (pointer, remark) = pointer.split_at(remark);
        let mut out = String::with_capacity(pointer.len() + remark.len());
        for step in pointer.split('/').skip(1) {
            if step.len() < MIN_PIECE {
                out.push('/');
                out.push_str(step);
            } else {
                let name = step.replace("~1", "/").replace("~0", "~");
                pointer_push(&mut out, &self.scrub(name));
            }
        }
        out.push_str(remark);
        out
    }

    pub(crate) fn scrub_finding(&self, finding: Finding) -> Finding {
        Finding {
            at: self.scrub_pointer(&finding.at),
            ..finding
        }
    }

    pub(crate) fn scrub_action(&self, mut action: Action) -> Action {
        let inside = action.span.and_then(|span| {
            self.places.iter().find(|(at, secret, _)| {
                *at == action.at && secret.start() <= span.start() && span.end() <= secret.end()
            })
        });
        if let Some((.., mark)) = inside {
            action.target.value.clone_from(mark);
            action.target.host = None;
            action.on = None;
            action.by.clone_from(mark);
            action.reason = action.reason.map(|_| mark.clone());
        }
        action.at = self.scrub_pointer(&action.at);
        action.target.value = self.scrub(action.target.value);
        action.target.host = self.scrub_option(action.target.host);
        action.on = self.scrub_option(action.on);
        action.by = self.scrub(action.by);
        action.reason = self.scrub_option(action.reason);
        action.safer = self.scrub_option(action.safer);
        action
    }

    pub(crate) fn scrub_actions(&self, actions: Vec<Action>) -> Vec<Action> {
        let scrubbed = actions.into_iter().map(|action| self.scrub_action(action));
        scrubbed.collect()
    }

    /// A path that holds a secret would not be found again by its mark: the folder that it lies in is remembered instead.
    pub(crate) fn scrub_left(&self, mut left: Left) -> Left {
        for file in &mut left.fetched {
            while self.scrub(file.path.clone()) != file.path {
                let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                file.path = String::from(if folder.is_empty() { "/" } else { folder });
            }
            file.host = self.scrub_option(file.host.take());
        }
        for path in &mut left.replaced {
            *path = self.scrub(std::mem::take(path));
        }
        left
    }

    pub(crate) fn scrub_context(&self, context: Context) -> Context {
        Context {
            cwd: self.scrub_steady(context.cwd),
            workspace: self.scrub_steady(context.workspace),
            ..context
        }
    }

    pub(crate) fn scrub_caller(&self, caller: Caller) -> Caller {
        Caller {
            run: self.scrub_steady(caller.run),
            runtime: caller.runtime,
            call_id: self.scrub_option(caller.call_id),
            agent: self.scrub_steady(caller.agent),
            depth: caller.depth,
            host_mode: self.scrub_option(caller.host_mode),
            run_mode: caller.run_mode,
        }
    }
}

/// Every string of arguments, one under the other; nothing when that would be long.
fn shown(args: &Value) -> String {
    let mut shown = String::new();
    let mut length = 0_usize;
    args.each_string(&mut |_, text, role| {
        if role == StringRole::Value {
            length = length.saturating_add(text.len() + 1);
            if length <= MOST_SHOWN {
                shown.push_str(text);
                shown.push('\n');
            }
        }
    });
    if length > MOST_SHOWN {
        shown.clear();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;
    use crate::scan::NoTags;

    fn args(command: &str) -> Value {
        Value::Object(vec![(String::from("command"), Value::from(command))])
    }

    fn scrubbed(args: &Value, text: &str) -> String {
        let findings = builtin::scanner().scan_value(args, Surface::ToolArgs);
        Scrubber::of_call(
            args,
            &findings,
            &NoTags,
            builtin::scanner(),
            &Quiet::default(),
        )
        .scrub(text.to_owned())
    }

    /// In two pieces, so that no file holds it whole.
    fn token() -> String {
        format!("{}{}", "AKIA", "QY3H7PLMZ2XWN5VB")
    }

    #[test]
    fn what_is_put_together_is_scanned_though_no_argument_holds_it() {
        let token = token();
        let apart = format!("echo {}\"{}\"", &token[..6], &token[6..]);
        assert_eq!(scrubbed(&args(&apart), "echo"), "echo");
        let target = scrubbed(&args(&apart), &format!("/tmp/{token}"));
        assert!(!target.contains(&token), "{target}");
    }

    #[test]
    fn what_arguments_with_a_secret_hold_is_scanned_again() {
        let token = token();
        let target = scrubbed(&args(&format!("touch {token}")), &token);
        assert!(!target.contains(&token), "{target}");
    }

    #[test]
    fn long_arguments_are_not_searched() {
        let long = args(&"word ".repeat(MOST_SHOWN));
        assert!(shown(&long).is_empty());
        assert_eq!(shown(&args("ls -la")), "ls -la\n");
    }
}
