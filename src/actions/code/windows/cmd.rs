//! The command language of `cmd.exe`: carets, percent variables, `&`, `|`, `if`, `for`, redirects.

use super::cmd_words::{after_condition, group, split, without_start_options, words};
use super::native;
use super::{known, well_known};
use crate::actions::code::value::concat;
use crate::actions::code::{CodeEffect, Language, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// `if` and `for` inside of each other, deeper than this, are no longer taken apart.
const MAX_DEPTH: usize = 8;

/// How many items of a list a loop is read for.
const MAX_ITEMS: usize = 8;

/// Expanded lines longer than this are cut.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// What a batch text would do.
pub(in crate::actions::code) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut reader = Reader {
        variables: HashMap::new(),
        effects: Vec::new(),
        certain: true,
        expanded: 0,
        lines: Rc::new(Vec::new()),
        labels: HashMap::new(),
        given: None,
        followed: 0,
        depth: 0,
    };
    let mut lines: Vec<(String, ByteSpan)> = Vec::new();
    let mut start = 0;
    let mut pending = String::new();
    let mut pending_start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if pending.is_empty() {
            pending_start = start;
        }
        start += line.len();
        // A caret at the end of a line takes in the next one.
        if let Some(head) = content.strip_suffix('^') {
            pending.push_str(head);
            continue;
        }
        pending.push_str(content);
        let whole = std::mem::take(&mut pending);
        if let Some(span) = ByteSpan::new(
            pending_start,
            pending_start + (start - pending_start).max(1),
        ) {
            lines.push((whole, span));
        }
    }
    if let (false, Some(span)) = (pending.is_empty(), ByteSpan::new(pending_start, text.len())) {
        lines.push((pending, span));
    }
    let lines = Rc::new(lines);
    reader.lines = Rc::clone(&lines);
    let wanted = called_labels(&lines);
    for (at, (line, _)) in lines.iter().enumerate() {
        if let Some(name) = label(line) {
            reader.labels.entry(name.to_ascii_lowercase()).or_insert(at);
        }
    }
    let mut ended = false;
    let mut called = false;
    for (line, span) in lines.iter() {
        if let Some(name) = label(line) {
            // Nobody comes here but by a call, which is followed.
            called = ended && wanted.contains(&name.to_ascii_lowercase());
        }
        if !called {
            reader.line(line, *span);
        }
        if !line.trim().is_empty() {
            ended = ends(line);
        }
    }
    reader.effects
}

struct Reader {
    variables: HashMap<String, String>,
    effects: Vec<CodeEffect>,
    certain: bool,
    expanded: usize,
    lines: Rc<Vec<(String, ByteSpan)>>,
    /// The line that each label is.
    labels: HashMap<String, usize>,
    /// What the lines that are read are called with.
    given: Option<Vec<String>>,
    /// Lines that calls have read again.
    followed: usize,
    /// Calls inside of each other.
    depth: usize,
}

impl Reader {
    /// `call :label ARGUMENTS`
    fn call(&mut self, text: &str, span: ByteSpan) {
        const MOST_LINES: usize = 4096;
        const DEEPEST: usize = 6;
        let mut words = words(text)
            .0
            .into_iter()
            .map(|word| known(&word).to_owned());
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let lines = Rc::clone(&self.lines);
        let Some(at) = self.labels.get(&name).copied() else {
            return;
        };
        if self.depth >= DEEPEST || self.followed >= MOST_LINES {
            let reason = String::from(crate::actions::code::LIMIT_REASON);
            self.push(What::Unknown { reason }, span);
            return;
        }
        self.depth += 1;
        let outer = self.given.replace(words.collect());
        for (line, span) in lines.iter().skip(at + 1) {
            self.followed += 1;
            if ends(line) || self.followed >= MOST_LINES {
                break;
            }
            self.line(line, *span);
        }
        self.given = outer;
        self.depth -= 1;
    }

    /// What `%1`, `%~f1` or `%*` stands for, and how long that is behind the sign.
    fn parameter(&self, after: &str) -> Option<(String, usize)> {
        let rest = after.strip_prefix('~').unwrap_or(after);
        let letters = if rest.len() < after.len() {
            rest.bytes().take_while(u8::is_ascii_alphabetic).count()
        } else {
            0
        };
        let digit = rest[letters..].chars().next()?;
        let length = after.len() - rest.len() + letters + 1;
        let unknown = || String::from("%?%");
        let value = match (digit, &self.given) {
            ('0', _) => String::from("."),
            ('1'..='9', Some(given)) => {
                let index = usize::try_from(digit.to_digit(10)?).ok()?;
                given.get(index - 1).cloned().unwrap_or_default()
            }
            ('*', Some(given)) => given.join(" "),
            ('1'..='9' | '*', None) => unknown(),
            _ => return None,
        };
        Some((value, length))
    }

    fn line(&mut self, line: &str, span: ByteSpan) {
        let trimmed = line.trim_start_matches([' ', '\t', '@']);
        let lower = trimmed.get(..4).unwrap_or("").to_ascii_lowercase();
        if trimmed.starts_with("::")
            || lower == "rem "
            || trimmed.eq_ignore_ascii_case("rem")
            || (trimmed.starts_with(':') && !trimmed.contains('&'))
        {
            return;
        }
        // Variables of one line are expanded before it runs, unless it sets them: both readings are one here.
        self.commands(line, span, 0);
    }

    fn commands(&mut self, line: &str, span: ByteSpan, depth: usize) {
        let trimmed = line.trim_start_matches([' ', '\t', '@']);
        // `(…) else …`: what is in parentheses stands by itself.
        if depth <= MAX_DEPTH
            && let Some((inside, rest)) = group(trimmed)
        {
            self.commands(inside, span, depth + 1);
            self.commands(rest, span, depth + 1);
            return;
        }
        let mut said = None;
        for (piped, part) in split(line) {
            if piped {
                self.piped(said.take(), part, span);
            }
            said = Some(part);
            self.command(part, span, depth);
        }
    }

    /// `echo text | cmd`: what one command writes is what an interpreter without words of its own runs.
    fn piped(&mut self, from: Option<&str>, into: &str, span: ByteSpan) {
        let (Some(from), Some(language)) = (from, interpreter(into)) else {
            return;
        };
        let expanded = self.expand(from.trim_start_matches([' ', '\t', '@', '(']));
        let text = without_carets(&expanded);
        let (word, rest) = text
            .split_once([' ', '.', '\t'])
            .unwrap_or((text.as_ref(), ""));
        let what = match word.to_ascii_lowercase().as_str() {
            "echo" => What::Code {
                language,
                text: Value::Exact(rest.trim().replace('^', "")),
                verbatim_at: None,
            },
            "type" => native::path_act(
                ActionKind::ExecLocal,
                Value::Exact(rest.trim().trim_matches('"').to_owned()),
                &[],
            ),
            _ => What::Unknown {
                reason: String::from(crate::actions::code::COMPUTED_CODE),
            },
        };
        self.push(what, span);
    }

    fn command(&mut self, part: &str, span: ByteSpan, depth: usize) {
        let part = part
            .trim_start_matches([' ', '\t', '@', '(', ',', ';', '='])
            .trim_end_matches([' ', '\t', ')']);
        if part.is_empty() {
            return;
        }
        if depth > MAX_DEPTH {
            self.push(
                What::Unknown {
                    reason: String::from(crate::actions::code::LIMIT_REASON),
                },
                span,
            );
            return;
        }
        let expanded = self.expand(part);
        let text = without_carets(&expanded);
        let text = text.as_ref();
        let word = text
            .split([' ', '\t', '/', '('])
            .next()
            .unwrap_or("")
            .to_ascii_lowercase();
        match word.as_str() {
            "set" => self.set(text),
            "rem" => {}
            "if" | "else" => {
                let certain = self.certain;
                self.certain = false;
                if let Some(inner) = after_condition(text) {
                    self.commands(inner, span, depth + 1);
                }
                self.certain = certain;
            }
            "for" => self.for_loop(text, span, depth),
            "call" | "start" => {
                let inner = text[word.len()..].trim_start();
                // `start "title" /b command`
                let inner = if word == "start" {
                    without_start_options(inner)
                } else {
                    inner
                };
                match inner.strip_prefix(':') {
                    Some(label) => self.call(label, span),
                    None => self.commands(inner, span, depth + 1),
                }
            }
            _ => self.simple(text, span),
        }
    }

    fn simple(&mut self, text: &str, span: ByteSpan) {
        let (words, redirects) = words(text);
        let echoed = echoed(&words);
        for (append, file) in redirects {
            let lower = known(&file).to_ascii_lowercase();
            if matches!(lower.as_str(), "nul" | "con" | "nul:" | "&1" | "&2" | "") {
                continue;
            }
            self.push(
                native::path_act(
                    ActionKind::FsWrite,
                    file.clone(),
                    &[if append { "append" } else { "truncate" }],
                ),
                span,
            );
            if let Some(text) = echoed.clone() {
                let verbatim_at = None;
                self.push(
                    What::Pour {
                        file,
                        text,
                        verbatim_at,
                    },
                    span,
                );
            }
        }
        if words.is_empty() || self.moves(&words, span) {
            return;
        }
        let effects = native::effects(&words).unwrap_or_else(|| vec![What::Argv { words }]);
        for what in effects {
            self.push(what, span);
        }
    }

    /// Whether a command moves to another folder or drive, and does so.
    fn moves(&mut self, words: &[Value], span: ByteSpan) -> bool {
        let [program, rest @ ..] = words else {
            return false;
        };
        let program = known(program).to_ascii_lowercase();
        match program.as_str() {
            "popd" => self.push(What::Leave, span),
            "pushd" => self.enter(rest, true, span),
            "cd" | "chdir" => self.enter(rest, false, span),
            // `cd..`, `cd\windows`: no blank is needed there.
            _ if let Some(to) = program
                .strip_prefix("chdir")
                .or_else(|| program.strip_prefix("cd"))
                .filter(|to| to.starts_with(['.', '\\', '/'])) =>
            {
                let to = Value::Exact(to.to_owned());
                self.enter(&[to], false, span);
            }
            _ if program.len() == 2 && program.ends_with(':') && rest.is_empty() => {
                let root = Value::Exact(format!("{program}/"));
                self.enter(&[root], false, span);
            }
            _ => return false,
        }
        true
    }

    /// Moves to what follows `cd`: all of it is one path, quoted or not.
    fn enter(&mut self, words: &[Value], back: bool, span: ByteSpan) {
        let words = match words {
            [option, rest @ ..] if known(option).eq_ignore_ascii_case("/d") => rest,
            _ => words,
        };
        let mut words = words.iter().cloned();
        let Some(first) = words.next() else {
            return;
        };
        let blank = Value::Exact(String::from(" "));
        let to = words.fold(first, |path, word| concat(concat(path, &blank), &word));
        self.push(What::Enter { to, back }, span);
    }

    fn push(&mut self, what: What, span: ByteSpan) {
        self.effects.push(CodeEffect {
            what,
            span,
            certain: self.certain,
        });
    }

    fn set(&mut self, text: &str) {
        let rest = text[3..].trim_start().trim_matches('"');
        let rest = rest
            .strip_prefix("/p")
            .or_else(|| rest.strip_prefix("/a"))
            .unwrap_or(rest)
            .trim_start();
        if let Some((name, value)) = rest.split_once('=')
            && self.variables.len() < 4096
        {
            self.variables.insert(
                name.trim().to_ascii_lowercase(),
                value.trim_end_matches('"').to_owned(),
            );
        }
    }

    fn for_loop(&mut self, text: &str, span: ByteSpan, depth: usize) {
        let lower = text.to_ascii_lowercase();
        let (Some(open), Some(body)) = (
            lower.find('('),
            lower
                .find(" do ")
                .map(|at| at + 4)
                .or_else(|| lower.find(")do ").map(|at| at + 4)),
        ) else {
            self.push(
                What::Unknown {
                    reason: String::from("a `for` that cannot be read"),
                },
                span,
            );
            return;
        };
        let close = text[open..]
            .rfind(") do")
            .or_else(|| text[open..].rfind(")do"))
            .map_or(body, |found| open + found);
        let list = text.get(open + 1..close).unwrap_or("").trim();
        let variable = lower[..open]
            .rfind('%')
            .and_then(|at| text[at + 1..].chars().next());
        // `for /f %i in ('command')` runs the command; the other lists name files.
        if lower.contains("/f")
            && let Some(command) = list.strip_prefix(['\'', '`'])
        {
            self.commands(command.trim_end_matches(['\'', '`']), span, depth + 1);
        }
        let certain = self.certain;
        let listing = lower[..open].contains("/f") || lower[..open].contains("/l");
        let items: Vec<&str> = match (variable, listing) {
            (Some(_), false) => list
                .split([' ', '\t', ',', ';'])
                .filter(|item| !item.is_empty())
                .take(MAX_ITEMS)
                .collect(),
            _ => vec![list],
        };
        for item in items {
            let mut inner = text[body..].to_owned();
            let Some(variable) = variable else {
                self.commands(&inner, span, depth + 1);
                continue;
            };
            let mut value = item.to_owned();
            let files = lower[..open].contains("/r") || lower[..open].contains("/d");
            if listing {
                value = listed(list).unwrap_or_else(|| String::from("%?%"));
            }
            if files {
                let options = &lower[..open];
                let place = options
                    .find("/r")
                    .or_else(|| options.find("/d"))
                    .and_then(|at| text[at + 2..open].split_whitespace().next())
                    .unwrap_or("");
                if !place.starts_with('%') && !place.is_empty() {
                    value = format!("{}\\{value}", place.trim_end_matches('\\'));
                }
            }
            for sign in ["%%", "%"] {
                for form in ["~f", "~dpnx", "~", ""] {
                    inner = inner.replace(&format!("{sign}{form}{variable}"), &value);
                }
            }
            self.certain = certain && !value.starts_with('%');
            inner.truncate(floor(&inner, MAX_LINE_BYTES));
            self.commands(&inner, span, depth + 1);
            self.certain = certain;
        }
    }

    /// Expands `%x%`, `!x!`, `%x:~a,b%`, `%x:a=b%`. What is not known stays as `%?%`.
    fn expand(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = rest.find(['%', '!']) {
            out.push_str(&rest[..found]);
            let sign = &rest[found..=found];
            let after = &rest[found + 1..];
            if sign == "%"
                && let Some((value, length)) = self.parameter(after)
            {
                out.push_str(&value);
                rest = &after[length..];
                if out.len() > MAX_LINE_BYTES {
                    break;
                }
                continue;
            }
            let close = after
                .bytes()
                .take(256)
                .position(|byte| byte == sign.as_bytes()[0]);
            let name = close.map(|close| &after[..close]);
            match name {
                Some(name) if !name.is_empty() && !name.contains([' ', '"', '&', '|']) => {
                    out.push_str(&self.variable(name));
                    rest = &after[name.len() + 1..];
                }
                _ => {
                    out.push_str(sign);
                    rest = after;
                }
            }
            if out.len() > MAX_LINE_BYTES {
                break;
            }
        }
        out.push_str(rest);
        out.truncate(floor(&out, MAX_LINE_BYTES));
        self.expanded += out.len();
        out
    }

    fn variable(&self, name: &str) -> String {
        let (base, form) = match name.split_once(':') {
            Some((base, form)) => (base, Some(form)),
            None => (name, None),
        };
        let held = self
            .variables
            .get(&base.to_ascii_lowercase())
            .map(String::as_str)
            .or_else(|| well_known(base));
        let Some(held) = held else {
            return String::from("%?%");
        };
        let Some(form) = form else {
            return held.to_owned();
        };
        if let Some(slice) = form.strip_prefix('~') {
            let mut parts = slice.split(',').map(|part| part.trim().parse::<i64>().ok());
            return sliced(
                held,
                parts.next().flatten().unwrap_or(0),
                parts.next().flatten(),
            );
        }
        match form.split_once('=') {
            Some((from, to)) if !from.is_empty() => {
                let from = from.trim_start_matches('*');
                if from.is_empty() || held.len().saturating_mul(to.len().max(1)) > MAX_LINE_BYTES {
                    held.to_owned()
                } else {
                    held.replace(from, to)
                }
            }
            _ => held.to_owned(),
        }
    }
}

/// What a command in a loop lists: `'dir /b /s FOLDER'` all that is in the folder.
fn listed(command: &str) -> Option<String> {
    let command = command.trim_matches(['\'', '`', ' ']);
    let mut words = command.split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("dir") {
        return None;
    }
    let folder = words.find(|word| !word.starts_with('/')).unwrap_or(".");
    let folder = folder.trim_matches('"').trim_end_matches('\\');
    let all = if folder.contains('*') { "" } else { "\\*" };
    Some(format!("{folder}{all}"))
}

/// The name of the label that a line is.
fn label(line: &str) -> Option<&str> {
    let name = line.trim_start().strip_prefix(':')?;
    let name = name.split_whitespace().next()?;
    (!name.starts_with(':')).then_some(name)
}

/// The labels that calls name.
fn called_labels(lines: &[(String, ByteSpan)]) -> HashSet<String> {
    let mut found = HashSet::new();
    for (line, _) in lines {
        let lower = line.to_ascii_lowercase();
        for (at, call) in lower.match_indices("call") {
            let rest = lower[at + call.len()..].trim_start();
            let name = rest
                .strip_prefix(':')
                .and_then(|rest| rest.split_whitespace().next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

/// Whether a line ends what was called.
fn ends(line: &str) -> bool {
    let lower = line.trim().trim_start_matches('@').to_ascii_lowercase();
    let mut words = lower.split_whitespace();
    matches!(
        (words.next(), words.next()),
        (Some("goto"), Some(":eof" | "eof"))
            | (Some("exit"), Some("/b") | None)
            | (Some("goto:eof"), _)
    )
}

/// A text whose first word has no carets: `s^e^t` is `set`.
fn without_carets(text: &str) -> Cow<'_, str> {
    let end = text.find([' ', '\t', '"', '/', '(']).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    if head.contains('^') {
        Cow::Owned(format!("{}{rest}", head.replace('^', "")))
    } else {
        Cow::Borrowed(text)
    }
}

fn floor(text: &str, limit: usize) -> usize {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

fn sliced(text: &str, from: i64, length: Option<i64>) -> String {
    let characters: Vec<char> = text.chars().collect();
    let count = i64::try_from(characters.len()).unwrap_or(i64::MAX);
    let begin = if from < 0 {
        (count + from).max(0)
    } else {
        from.min(count)
    };
    let end = match length {
        None => count,
        Some(length) if length < 0 => count.saturating_add(length).max(begin),
        Some(length) => begin.saturating_add(length).min(count),
    };
    let (begin, end) = (
        usize::try_from(begin).unwrap_or(0),
        usize::try_from(end).unwrap_or(0),
    );
    characters
        .get(begin..end)
        .map(|part| part.iter().collect())
        .unwrap_or_default()
}

/// Commands between `&`, `&&`, `||`, `|` outside of quotes. Parentheses of a `for` list stay with it.
/// The interpreter that a command starts, when it is given nothing to run but what comes in.
fn interpreter(command: &str) -> Option<Language> {
    let mut words = command.split_whitespace();
    let language = match native::program_name(words.next()?).as_str() {
        "cmd" => Language::Cmd,
        "powershell" | "pwsh" => Language::PowerShell,
        _ => return None,
    };
    let idle = |word: &str| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "-" | "/q" | "/d" | "-nop" | "-noprofile" | "-noninteractive" | "-command" | "-c"
        )
    };
    words.all(idle).then_some(language)
}

/// The text that `echo` prints.
fn echoed(words: &[Value]) -> Option<Value> {
    let [program, rest @ ..] = words else {
        return None;
    };
    if !known(program).eq_ignore_ascii_case("echo") {
        return None;
    }
    let blank = Value::Exact(String::from(" "));
    rest.iter()
        .cloned()
        .reduce(|text, word| concat(concat(text, &blank), &word))
}
