//! Words to arguments: the expansions in bash's order, word splitting, and what becomes of quotes.

use std::rc::Rc;

use super::ansi;
use super::assign::array_value;
use super::brace::{self, Piece};
use super::command::{Argument, Value, Why};
use super::draft::Draft;
use super::env::{Bound, Place};
use super::redirect::strip_tabs;
use super::syntax::tree::{Part, Slice, Word};
use super::walk::Walker;

/// What a word is expanded for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Arguments: split and globbed.
    Fields,
    /// One value, globs literal: an assignment, a redirect's target.
    Single,
    /// One value, globs kept: a pattern.
    Pattern,
}

/// Fields in the making.
pub(super) struct Gather {
    mode: Mode,
    done: Vec<(Draft, Vec<usize>)>,
    current: Draft,
    /// Something quoted or literal was seen: the field stays even when it is empty.
    present: bool,
    /// Commands whose output is part of the current field.
    from: Vec<usize>,
    /// Where tabs at line starts are dropped: at the start of this text, and after every newline.
    strip_tabs: Option<usize>,
}

impl Gather {
    const fn new(mode: Mode, current: Draft) -> Self {
        Self {
            mode,
            done: Vec::new(),
            current,
            present: false,
            from: Vec::new(),
            strip_tabs: None,
        }
    }

    /// Ends the current field, if there is one.
    fn end_field(&mut self) {
        if self.present || !self.current.is_empty() {
            let draft = std::mem::take(&mut self.current);
            self.done.push((draft, std::mem::take(&mut self.from)));
        }
        self.present = false;
    }

    fn text(&mut self, text: &str) {
        self.current.push(text);
        self.present = true;
    }

    /// Notes commands whose output is part of the field.
    pub(super) fn fed_by(&mut self, from: Vec<usize>) {
        self.from.extend(from);
    }

    /// The field stays even when it is empty.
    pub(super) const fn mark_present(&mut self) {
        self.present = true;
    }
}

impl Walker<'_> {
    /// Expands a word to arguments.
    pub(super) fn fields(&mut self, word: &Word, into: &mut Vec<Argument>) {
        let span = self.span(word.span);
        if word.parts.is_empty() {
            let text = word.span.of(&self.text.source);
            let value = Value::Exact(text.to_owned());
            let length = text.len();
            self.spend(length, word.span);
            into.push(Argument {
                value,
                span,
                verbatim_at: self.verbatim(word.span),
                from: Vec::new(),
            });
            return;
        }
        let expanded = if word.braces {
            brace::expand(&word.parts, &self.text.source)
        } else {
            None
        };
        let verbatim_at = self.word_verbatim(word);
        let mut draft = Draft::default();
        draft.reserve(word.span.end - word.span.start);
        let mut gather = Gather::new(Mode::Fields, draft);
        match expanded {
            None => self.parts(&word.parts, &mut gather, false),
            Some(brace::Expansion { words, complete }) => {
                if !complete {
                    self.unresolved(Why::Limit, span);
                }
                for pieces in words {
                    for piece in pieces {
                        match piece {
                            Piece::Part(part) => self.part(part, &mut gather, false),
                            Piece::Text(text) => gather.text(&text),
                        }
                    }
                    gather.end_field();
                }
            }
        }
        gather.end_field();
        for (draft, from) in gather.done {
            let value = draft.finish();
            self.spend(weight(&value), word.span);
            into.push(Argument {
                value,
                span,
                verbatim_at,
                from,
            });
        }
    }

    /// `$(BIN)/tool` and `${{ env.BIN }}/tool` name a program, whatever the folder.
    pub(super) fn program_in_folder(&mut self, word: &Word, argument: &mut Argument) {
        let source = &self.text.source;
        let parts = match word.parts.as_slice() {
            [Part::Double(inner)] => inner.as_slice(),
            parts => parts,
        };
        let name: String = match parts {
            [Part::Command(_) | Part::Template(_), rest @ ..] => rest
                .iter()
                .map(|part| match part {
                    Part::Literal(slice) | Part::Quoted(slice) => Some(slice.of(source)),
                    _ => None,
                })
                .collect::<Option<String>>()
                .unwrap_or_default(),
            _ => return,
        };
        if name.starts_with('/')
            && let Value::Unknown(why @ Why::PutIn(_)) = &argument.value
        {
            argument.value = Value::Either(vec![Value::Exact(name), Value::Unknown(why.clone())]);
        }
    }

    /// Expands a word to one value, without splitting or globbing.
    pub(super) fn single(&mut self, word: &Word) -> Value {
        self.single_from(word).0
    }

    /// As [`Walker::single`], and the commands whose output is part of it.
    pub(super) fn single_from(&mut self, word: &Word) -> (Value, Vec<usize>) {
        self.whole_word(word, Mode::Single)
    }

    /// Expands a word to a pattern.
    pub(super) fn pattern(&mut self, word: &Word) -> Value {
        self.whole_word(word, Mode::Pattern).0
    }

    fn whole_word(&mut self, word: &Word, mode: Mode) -> (Value, Vec<usize>) {
        if word.parts.is_empty() {
            let text = word.span.of(&self.text.source).to_owned();
            self.spend(text.len(), word.span);
            return (Value::Exact(text), Vec::new());
        }
        let mut gather = Gather::new(mode, Draft::default());
        self.parts(&word.parts, &mut gather, false);
        let value = gather.current.finish();
        self.spend(weight(&value), word.span);
        (value, gather.from)
    }

    /// The body of a here-document that is expanded. `strip_tabs`: where the body starts, when its tabs go.
    pub(super) fn quoted_body(&mut self, parts: &[Part], strip_tabs: Option<usize>) -> Value {
        let mut gather = Gather::new(Mode::Single, Draft::default());
        gather.strip_tabs = strip_tabs;
        self.parts(parts, &mut gather, true);
        gather.current.finish()
    }

    /// Parts as inside double quotes, as one value.
    pub(super) fn quoted_parts(&mut self, parts: &[Part]) -> Value {
        self.quoted_body(parts, None)
    }

    /// Where a word's value stands unchanged in the source.
    pub(super) fn word_verbatim(&self, word: &Word) -> Option<usize> {
        match word.parts.as_slice() {
            [] => self.verbatim(word.span),
            [Part::Quoted(slice)] => self.verbatim(*slice),
            [Part::Double(inner)] => match inner.as_slice() {
                [Part::Quoted(slice)] => self.verbatim(*slice),
                _ => None,
            },
            _ => None,
        }
    }

    /// The unquoted word of `${x:-word}`: its literal text is split like an expansion, its quoted text is not.
    pub(super) fn operand_parts(&mut self, parts: &[Part], gather: &mut Gather) {
        for part in parts {
            if let Part::Literal(slice) = part {
                let value = Value::Exact(slice.of(&self.text.source).to_owned());
                self.add(&value, gather, false);
            } else {
                self.part(part, gather, false);
            }
        }
    }

    fn parts(&mut self, parts: &[Part], gather: &mut Gather, quoted: bool) {
        for part in parts {
            self.part(part, gather, quoted);
        }
    }

    fn part(&mut self, part: &Part, gather: &mut Gather, quoted: bool) {
        match part {
            Part::Literal(slice) | Part::Quoted(slice) => self.literal(*slice, gather),
            Part::Brace(_, slice) => self.literal(*slice, gather),
            Part::Ansi(slice) => {
                let text = ansi::decode(slice.of(&self.text.source));
                gather.text(&text);
            }
            Part::Double(inner) => {
                // `"$@"` without parameters is no field at all.
                if !matches!(inner.as_slice(), [part] if is_all_elements(part, &self.text.source)) {
                    gather.present = true;
                }
                self.parts(inner, gather, true);
            }
            Part::Glob(slice) => {
                let text = Rc::clone(&self.text);
                let text = slice.of(&text.source);
                if gather.mode == Mode::Single {
                    gather.text(text);
                } else {
                    gather.current.push_glob(text);
                    gather.present = true;
                }
            }
            Part::Tilde(slice) => {
                let value = self.tilde(*slice);
                gather.current.push_value(&value, false);
                gather.present = true;
            }
            Part::Variable(slice) => self.variable(*slice, gather, quoted),
            Part::Parameter(parameter) => self.parameter(parameter, gather, quoted),
            Part::Command(body) => {
                let made = self.made(body);
                let (range, output) = self.captured(body);
                let value = match made {
                    Some(value) => value,
                    None => {
                        gather.from.extend(range);
                        without_newlines(output)
                    }
                };
                self.add(&value, gather, quoted);
            }
            Part::Backquote(slice, in_double) => self.backquote(*slice, *in_double, gather, quoted),
            Part::Process(body, reads) => {
                let ends = self.process(body, *reads);
                gather.from.extend(ends);
                gather.current.push("/dev/fd/");
                gather.current.push_unknown(&Why::CommandOutput);
            }
            Part::Arithmetic(parts, slice) => {
                let value = self.arithmetic(parts, *slice);
                self.add(&value, gather, quoted);
            }
            Part::Array(elements) => {
                let bound = self.array(elements);
                gather.current.push_value(&array_value(&bound), false);
                gather.present = true;
            }
            Part::Template(slice) => {
                let text = Rc::clone(&self.text);
                let value = self.template(slice.of(&text.source));
                self.add(&value, gather, quoted);
            }
            Part::Bad => gather.current.push_unknown(&Why::Expansion),
        }
    }

    fn literal(&self, slice: Slice, gather: &mut Gather) {
        let text = slice.of(&self.text.source);
        if let Some(body) = gather.strip_tabs {
            let line_start = slice.start == body
                || self.text.source.as_bytes().get(slice.start.wrapping_sub(1)) == Some(&b'\n');
            gather.text(&strip_tabs(text, line_start));
        } else {
            gather.text(text);
        }
    }

    fn backquote(&mut self, slice: Slice, in_double: bool, gather: &mut Gather, quoted: bool) {
        let source = unescape_backquote(slice.of(&self.text.source), in_double);
        let place = Place::Inside(self.span(slice));
        let Some(text) = self.nested(source, place) else {
            gather.current.push_unknown(&Why::Limit);
            return;
        };
        let outer = std::mem::replace(&mut self.text, Rc::clone(&text));
        let (range, output) = self.captured(&text.tree.root);
        self.text = outer;
        gather.from.extend(range);
        let value = without_newlines(output);
        self.add(&value, gather, quoted);
    }

    /// Appends the result of an expansion: split into fields when it is unquoted.
    pub(super) fn add(&mut self, value: &Value, gather: &mut Gather, quoted: bool) {
        if quoted || gather.mode != Mode::Fields {
            let active = !quoted && gather.mode == Mode::Pattern;
            gather.current.push_value(value, active);
            gather.present |= quoted;
            return;
        }
        let separators = self.separators();
        match value {
            Value::Exact(text) => self.split(text, &separators, gather),
            Value::OneOf(texts) if texts.iter().any(|text| holds(text, &separators)) => {
                self.split_either(
                    texts
                        .iter()
                        .map(|text| Value::Exact(text.clone()))
                        .collect(),
                    gather,
                );
            }
            Value::Either(values)
                if values.iter().any(|value| match value {
                    Value::Exact(text) | Value::Pattern(text) | Value::Prefix(text, _) => {
                        holds(text, &separators)
                    }
                    _ => false,
                }) =>
            {
                self.split_either(values.clone(), gather);
            }
            Value::Prefix(text, why) if holds(text, &separators) => {
                self.split(text, &separators, gather);
                gather.current.push_unknown(why);
            }
            other => gather.current.push_value(other, true),
        }
    }

    /// The fields of each alternative side by side; where one has none it is empty.
    fn split_either(&mut self, values: Vec<Value>, gather: &mut Gather) {
        let mut columns: Vec<Vec<Value>> = Vec::new();
        let rows: Vec<Vec<Value>> = values
            .iter()
            .map(|value| {
                let mut inner = Gather::new(Mode::Fields, Draft::default());
                self.add(value, &mut inner, false);
                inner.end_field();
                inner
                    .done
                    .into_iter()
                    .map(|(draft, _)| draft.finish())
                    .collect()
            })
            .collect();
        let longest = rows.iter().map(Vec::len).max().unwrap_or_default();
        for index in 0..longest {
            columns.push(
                rows.iter()
                    .map(|row| {
                        row.get(index)
                            .cloned()
                            .unwrap_or_else(|| Value::Exact(String::new()))
                    })
                    .collect(),
            );
        }
        for (index, column) in columns.into_iter().enumerate() {
            if index > 0 {
                gather.end_field();
            }
            gather
                .current
                .push_value(&super::draft::either(column), false);
            gather.present = true;
        }
    }

    /// The characters of `IFS`.
    fn separators(&self) -> Option<String> {
        match self.env.variable("IFS").map(|variable| &variable.bound) {
            Some(Bound::Scalar(Value::Exact(text))) => Some(text.clone()),
            _ => None,
        }
    }

    /// Splits text at separators into fields; the first piece joins the field that is being made.
    fn split(&mut self, text: &str, separators: &Option<String>, gather: &mut Gather) {
        let set = separators.as_deref().unwrap_or(" \t\n");
        let is_separator = |character: char| set.contains(character);
        let is_blank = |character: char| matches!(character, ' ' | '\t' | '\n');
        let mut rest = text;
        while let Some(at) = rest.find(is_separator) {
            if at > 0 {
                gather.current.push_active(&rest[..at]);
            }
            let run = &rest[at..];
            // Blanks around one other separator belong to it.
            let mut consumed = 0;
            let mut hard = false;
            for character in run.chars() {
                if !is_separator(character) {
                    break;
                }
                if !is_blank(character) {
                    if hard {
                        break;
                    }
                    hard = true;
                }
                consumed += character.len_utf8();
            }
            if hard && at == 0 && gather.current.is_empty() {
                // A separator that is no blank delimits an empty field.
                gather.present = true;
            }
            gather.end_field();
            rest = &run[consumed..];
        }
        if !rest.is_empty() {
            gather.current.push_active(rest);
        }
    }

    /// `$name` and the special parameters.
    fn variable(&mut self, slice: Slice, gather: &mut Gather, quoted: bool) {
        let text = Rc::clone(&self.text);
        let name = slice.of(&text.source);
        match name {
            "@" | "*" => {
                let values = self.env.positional().map(<[Value]>::to_vec);
                match values {
                    Some(values) => self.list(&values, name == "@", gather, quoted),
                    None => {
                        let value = self.unset(Why::Parameter(name.to_owned()));
                        self.add(&value, gather, quoted);
                    }
                }
            }
            // The usual way to write a blank without one.
            _ => {
                let value = self.lookup(name);
                self.add(&value, gather, quoted);
            }
        }
    }

    /// The elements of an array or the positional parameters: `"$@"` keeps them apart, `"$*"` joins them.
    pub(super) fn list(
        &mut self,
        values: &[Value],
        apart: bool,
        gather: &mut Gather,
        quoted: bool,
    ) {
        let keep = gather.mode == Mode::Fields && (apart || !quoted);
        let joiner = match self.separators() {
            Some(set) if !apart => set.chars().next().map(String::from).unwrap_or_default(),
            _ => String::from(" "),
        };
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                if keep {
                    gather.end_field();
                } else {
                    gather.current.push(&joiner);
                }
            }
            self.add(value, gather, quoted);
            gather.present |= quoted;
            if self.is_stopped() {
                return;
            }
        }
    }

    /// `~`, `~name`, `~+`, `~-`.
    fn tilde(&mut self, slice: Slice) -> Value {
        let text = Rc::clone(&self.text);
        match &slice.of(&text.source)[1..] {
            "" => self.home(),
            "+" => self.env.cwd().clone(),
            "-" => self.lookup("OLDPWD"),
            "root" => Value::Exact(String::from("/root")),
            name if self.start.user.as_deref() == Some(name) && self.start.home.is_some() => {
                self.home()
            }
            name => Value::Exact(format!("~{name}")),
        }
    }

    /// The home directory; one that is not known stays `~`.
    pub(super) fn home(&self) -> Value {
        match self.env.variable("HOME").map(|variable| &variable.bound) {
            Some(Bound::Scalar(value)) => value.clone(),
            Some(_) => Value::Exact(String::new()),
            None => Value::Exact(self.start.home.clone().unwrap_or_else(|| String::from("~"))),
        }
    }
}

/// How many bytes a value holds.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Exact(text) | Value::Pattern(text) | Value::Prefix(text, _) => text.len(),
        Value::OneOf(texts) => texts.iter().map(String::len).sum(),
        Value::Either(values) => values.iter().map(weight).sum(),
        Value::Unknown(_) => 0,
    }
}

/// Whether a part is `$@` or `${name[@]}`.
fn is_all_elements(part: &Part, source: &str) -> bool {
    match part {
        Part::Variable(slice) => slice.of(source) == "@",
        Part::Parameter(parameter) => {
            parameter.name.of(source) == "@"
                || parameter
                    .index
                    .as_ref()
                    .is_some_and(|index| index.span.of(source) == "@")
        }
        _ => false,
    }
}

fn holds(text: &str, separators: &Option<String>) -> bool {
    let set = separators.as_deref().unwrap_or(" \t\n");
    text.contains(|character| set.contains(character))
}

/// Output as a substitution yields it: without the newlines at its end.
fn without_newlines(output: Value) -> Value {
    match output {
        Value::Exact(mut text) => {
            text.truncate(text.trim_end_matches('\n').len());
            text.retain(|character| character != '\0');
            Value::Exact(text)
        }
        Value::OneOf(texts) => super::draft::either(
            texts
                .into_iter()
                .map(|text| without_newlines(Value::Exact(text)))
                .collect(),
        ),
        Value::Either(values) => {
            super::draft::either(values.into_iter().map(without_newlines).collect())
        }
        other => other,
    }
}

/// Inside backquotes a backslash before `$`, a backquote or a backslash goes; in double quotes before `"` too.
fn unescape_backquote(text: &str, in_double: bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\'
            && let Some(next) = characters
                .next_if(|next| matches!(next, '$' | '`' | '\\') || (in_double && *next == '"'))
        {
            result.push(next);
            continue;
        }
        result.push(character);
    }
    result
}
