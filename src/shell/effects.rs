//! What builtins change for the commands after them: directories, variables, functions, aliases, parameters.

use super::command::{Stdin, Value, Why};
use super::env::{Bound, Callable, Variable};
use super::fold;
use super::syntax::tree::{Part, Simple};
use super::walk::Walker;

impl Walker<'_> {
    /// Applies what the command at `index` changes in this shell. `separators`: the `IFS` that holds for it alone.
    pub(super) fn effects(&mut self, index: usize, simple: &Simple, separators: Option<Value>) {
        let Some(program) = self.out.commands[index].words.first() else {
            return;
        };
        let Value::Exact(program) = &program.value else {
            return;
        };
        // `builtin cd` and `command cd` are `cd`.
        let mut skip = 1;
        let mut name = program.as_str();
        if matches!(name, "builtin" | "command") {
            match self.out.commands[index]
                .words
                .get(1)
                .map(|word| &word.value)
            {
                Some(Value::Exact(inner)) if !inner.starts_with('-') => {
                    name = inner;
                    skip = 2;
                }
                _ => return,
            }
        }
        if !is_builtin(name) {
            return;
        }
        let name = name.to_owned();
        let arguments: Vec<Value> = self.out.commands[index].words[skip..]
            .iter()
            .map(|word| word.value.clone())
            .collect();
        match name.as_str() {
            "cd" => self.change_directory(index, &arguments),
            "pushd" => self.push_directory(index, &arguments),
            "popd" => self.pop_directory(),
            "export" | "readonly" | "declare" | "typeset" | "local" => {
                self.declare(&name, &arguments, simple, skip);
                self.fix(&name, &arguments);
            }
            "return" => self.left.call |= !self.calls.is_empty(),
            "break" | "continue" => self.left.turn = true,
            "unset" => self.unset_names(&arguments),
            "set" => {
                self.strict(&arguments);
                self.set(&arguments);
            }
            "shift" => self.shift(&arguments),
            "read" => self.read(&arguments, index, separators),
            "mapfile" | "readarray" => self.map_file(&arguments, index),
            "printf" => self.print_to_variable(&arguments, simple),
            "alias" => self.define_aliases(&arguments),
            "unalias" => {
                for name in arguments.iter().filter_map(Value::exact) {
                    if name == "-a" {
                        continue;
                    }
                    self.env.set_function(&format!("{name}="), None);
                }
            }
            "let" => {
                for argument in &arguments {
                    self.arithmetic_value(argument, simple.span);
                }
            }
            "getopts" => self.get_options(&arguments),
            "eval" => self.eval(index, &arguments),
            "source" | "." => {
                let dashes = usize::from(arguments.first().and_then(Value::exact) == Some("--"));
                self.source(index, skip + dashes);
            }
            _ => {}
        }
    }

    fn run_time(&mut self, name: &str) {
        if is_variable_name(name) {
            self.env
                .bind_scalar(name, Value::Unknown(Why::RunTimeValue(name.to_owned())));
        }
    }

    /// `export`, `readonly`, `declare`, `typeset`, `local`.
    fn declare(&mut self, program: &str, arguments: &[Value], simple: &Simple, skip: usize) {
        let mut flags = String::new();
        for argument in arguments.iter().filter_map(Value::exact) {
            if let Some(letters) = argument.strip_prefix('-') {
                flags.push_str(letters);
            }
        }
        if flags.contains(['f', 'F']) && program != "local" {
            return;
        }
        let local = program == "local"
            || (matches!(program, "declare" | "typeset") && !flags.contains('g'));
        // The words as written carry arrays and unsplit values; words that expansion made are taken as they are.
        for word in simple.words.iter().skip(skip) {
            if let [Part::Literal(head), Part::Array(elements)] = word.parts.as_slice() {
                let head = head.of(&self.text.source).to_owned();
                let head = head.trim_end_matches('=');
                let append = head.ends_with('+');
                let name = head.trim_end_matches('+').to_owned();
                self.hide(&name, local);
                self.attributes(&name, &flags);
                let bound = self.array(elements);
                self.store_array(&name, bound, append);
            }
        }
        for argument in arguments {
            let (name, value, append) = match split_assignment(argument) {
                Some(parts) => parts,
                None => {
                    let Some(name) = argument.exact().filter(|name| is_variable_name(name)) else {
                        continue;
                    };
                    let name = name.to_owned();
                    if local && !self.locals.is_empty() {
                        self.hide(&name, local);
                        self.env
                            .set_variable(&name, Some(Variable::plain(Bound::Unset)));
                    }
                    if self.attributes(&name, &flags) && self.env.variable(&name).is_none() {
                        self.env
                            .set_variable(&name, Some(Variable::plain(Bound::Unset)));
                        self.attributes(&name, &flags);
                    }
                    continue;
                }
            };
            let is_array = simple.words.iter().any(|word| {
                matches!(word.parts.as_slice(), [Part::Literal(head), Part::Array(..)]
                    if head.of(&self.text.source).trim_end_matches(['=', '+']) == name)
            });
            if is_array {
                continue;
            }
            self.hide(&name, local);
            if flags.contains(['i', 'n', 'u', 'l']) {
                let bound = self
                    .env
                    .variable(&name)
                    .map_or(Bound::Unset, |variable| variable.bound.clone());
                self.env.set_variable(&name, Some(Variable::plain(bound)));
                self.attributes(&name, &flags);
            }
            if flags.contains('n') {
                if let Some(variable) = self.env.variable(&name).cloned() {
                    self.env.set_variable(
                        &name,
                        Some(Variable {
                            bound: Bound::Scalar(value),
                            reference: true,
                            ..variable
                        }),
                    );
                }
                continue;
            }
            self.store(&name, None, value, append, simple.span);
        }
    }

    /// `readonly`, `declare -r`: what is named keeps what it holds.
    fn fix(&mut self, program: &str, arguments: &[Value]) {
        let is_flag = |flags: &str| flags.starts_with('-') && flags.contains('r');
        let mut given = arguments.iter().filter_map(Value::exact);
        if program != "readonly" && !given.any(is_flag) {
            return;
        }
        for argument in arguments.iter().filter_map(Value::exact) {
            let name = argument.split_once('=').map_or(argument, |(name, _)| name);
            self.env.fix(name.trim_end_matches('+'));
        }
    }

    /// Remembers what a local variable hides, for the function's end.
    fn hide(&mut self, name: &str, local: bool) {
        if !local || self.locals.is_empty() {
            return;
        }
        let old = self.env.variable(name).cloned();
        if let Some(hidden) = self.locals.last_mut()
            && !hidden.iter().any(|(other, _)| other == name)
        {
            hidden.push((name.to_owned(), old));
        }
    }

    /// Gives a variable the attributes of `declare`'s flags; whether there were any.
    fn attributes(&mut self, name: &str, flags: &str) -> bool {
        let integer = flags.contains('i');
        let case = if flags.contains('u') {
            Some(true)
        } else if flags.contains('l') {
            Some(false)
        } else {
            None
        };
        if !integer && case.is_none() {
            return false;
        }
        if let Some(variable) = self.env.variable(name).cloned() {
            self.env.set_variable(
                name,
                Some(Variable {
                    integer,
                    case,
                    ..variable
                }),
            );
        }
        true
    }

    fn unset_names(&mut self, arguments: &[Value]) {
        let functions = arguments.first().and_then(Value::exact) == Some("-f");
        for name in arguments.iter().filter_map(Value::exact) {
            if name.starts_with('-') {
                continue;
            }
            if !functions && is_variable_name(name) && !self.env.is_fixed(name) {
                self.env
                    .set_variable(name, Some(Variable::plain(Bound::Unset)));
            }
            if functions || self.env.variable(name).is_none() {
                self.env.set_function(name, None);
            }
        }
    }

    fn set(&mut self, arguments: &[Value]) {
        let mut rest = arguments;
        while let Some(first) = rest.first() {
            match first.exact() {
                Some("--") => {
                    self.env.set_positional(Some(rest[1..].to_vec()));
                    return;
                }
                Some("-o" | "+o") => rest = rest.get(2..).unwrap_or_default(),
                Some(text) if text.len() > 1 && text.starts_with(['-', '+']) => rest = &rest[1..],
                _ => {
                    self.env.set_positional(Some(rest.to_vec()));
                    return;
                }
            }
        }
    }

    fn shift(&mut self, arguments: &[Value]) {
        let count = match arguments.first() {
            None => Some(1),
            Some(value) => value.exact().and_then(|text| text.parse::<usize>().ok()),
        };
        let Some(values) = self.env.positional() else {
            return;
        };
        let values = count.map(|count| values.get(count..).unwrap_or_default().to_vec());
        self.env.set_positional(values);
    }

    /// `read`: the variables it names, from known input when there is some.
    fn read(&mut self, arguments: &[Value], index: usize, separators: Option<Value>) {
        let mut names = Vec::new();
        let mut array = None;
        let mut plain = true;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.exact() {
                Some("-a") => array = rest.next().and_then(Value::exact),
                Some("-r" | "-s" | "-rs" | "-sr") => {}
                Some("-ra") => array = rest.next().and_then(Value::exact),
                Some("-d" | "-i" | "-n" | "-N" | "-p" | "-t" | "-u") => {
                    plain = false;
                    rest.next();
                }
                Some(flag) if flag.starts_with('-') => plain = false,
                Some(name) => names.push(name),
                None => {}
            }
        }
        let line = self.out.commands[index]
            .known_stdin()
            .filter(|_| plain)
            .and_then(Value::exact)
            .map(|text| text.lines().next().unwrap_or_default().to_owned());
        if line.is_some() {
            self.take_line(index);
        }
        let Some(line) = line else {
            if names.is_empty() && array.is_none() {
                names.push("REPLY");
            }
            for name in names.into_iter().chain(array) {
                self.run_time(name);
            }
            return;
        };
        let separators = match separators.unwrap_or_else(|| self.lookup("IFS")) {
            Value::Exact(text) => text,
            _ => String::from(" \t\n"),
        };
        let is_separator = |character: char| separators.contains(character);
        if let Some(array) = array {
            let values = line
                .split(is_separator)
                .filter(|piece| !piece.is_empty())
                .map(|piece| Value::Exact(piece.to_owned()))
                .collect();
            self.env.bind(array, Bound::Indexed(values));
            return;
        }
        if names.is_empty() {
            self.env.bind_scalar("REPLY", Value::Exact(line));
            return;
        }
        let mut rest = line.as_str();
        for (position, name) in names.iter().enumerate() {
            rest = rest.trim_start_matches(is_separator);
            let piece = if position + 1 == names.len() {
                rest.trim_end_matches(is_separator)
            } else {
                let end = rest.find(is_separator).unwrap_or(rest.len());
                let piece = &rest[..end];
                rest = &rest[end..];
                piece
            };
            if is_variable_name(name) {
                self.env.bind_scalar(name, Value::Exact(piece.to_owned()));
            }
        }
    }

    /// A line that is read is gone for whoever reads next.
    fn take_line(&mut self, index: usize) {
        if self.out.commands[index].stdin != Stdin::Inherited {
            return;
        }
        if let Some(Value::Exact(text)) = &mut self.input {
            let end = text.find('\n').map_or(text.len(), |at| at + 1);
            text.drain(..end);
        }
    }

    /// `getopts OPTIONS NAME`: every option that the known parameters hold, whichever round of the loop it is.
    fn get_options(&mut self, arguments: &[Value]) {
        let name = arguments.get(1).and_then(Value::exact).map(str::to_owned);
        let given = match (arguments.get(2..), self.env.positional()) {
            (Some(own), _) if !own.is_empty() => Some(own.to_vec()),
            (_, held) => held.map(<[Value]>::to_vec),
        };
        let found = arguments
            .first()
            .and_then(Value::exact)
            .zip(given)
            .and_then(|(options, given)| options_of(options, &given));
        let Some((letters, values, next)) = found else {
            for name in name.iter().map(String::as_str).chain(["OPTARG", "OPTIND"]) {
                self.run_time(name);
            }
            return;
        };
        let either = |texts: Vec<String>| {
            let texts = if texts.is_empty() {
                vec![String::new()]
            } else {
                texts
            };
            super::draft::either(texts.into_iter().map(Value::Exact).collect())
        };
        if let Some(name) = name.filter(|name| is_variable_name(name)) {
            self.env.bind_scalar(&name, either(letters));
        }
        self.env.bind_scalar("OPTARG", either(values));
        self.env
            .bind_scalar("OPTIND", Value::Exact(next.to_string()));
    }

    fn map_file(&mut self, arguments: &[Value], index: usize) {
        let trim = arguments
            .iter()
            .filter_map(Value::exact)
            .any(|flag| flag == "-t");
        let name = arguments
            .iter()
            .filter_map(Value::exact)
            .rfind(|name| is_variable_name(name))
            .unwrap_or("MAPFILE");
        let values = match self.out.commands[index].known_stdin() {
            Some(Value::Exact(text)) => text
                .split_inclusive('\n')
                .map(|line| {
                    let line = if trim {
                        line.trim_end_matches('\n')
                    } else {
                        line
                    };
                    Value::Exact(line.to_owned())
                })
                .collect(),
            _ => vec![Value::Unknown(Why::RunTimeValue(name.to_owned()))],
        };
        self.env.bind(name, Bound::Indexed(values));
    }

    /// `printf -v name`.
    fn print_to_variable(&mut self, arguments: &[Value], simple: &Simple) {
        if arguments.first().and_then(Value::exact) != Some("-v") {
            return;
        }
        let Some(name) = arguments.get(1).and_then(Value::exact).map(str::to_owned) else {
            return;
        };
        let value = fold::printf(&arguments[2..]);
        if let Some((name, index)) = name.strip_suffix(']').and_then(|name| name.split_once('['))
            && is_variable_name(name)
        {
            let index = Value::Exact(index.to_owned());
            self.store(name, Some(&index), value, false, simple.span);
        } else if is_variable_name(&name) {
            self.store(&name, None, value, false, simple.span);
        }
    }

    fn define_aliases(&mut self, arguments: &[Value]) {
        for argument in arguments {
            if let Some((name, Value::Exact(text), false)) = split_at_equals(argument) {
                self.env
                    .set_function(&format!("{name}="), Some(Callable::Source(text)));
            }
        }
    }
}

/// The option letters that parameters hold, their values, and the number of the first parameter that is neither; `None`
/// when one of them is not known.
fn options_of(options: &str, given: &[Value]) -> Option<(Vec<String>, Vec<String>, usize)> {
    let takes_value = |letter: char| {
        options
            .split_once(letter)
            .is_some_and(|(_, rest)| rest.starts_with(':'))
    };
    let (mut letters, mut values) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(word) = given.get(at) {
        let text = word.exact()?;
        if text == "--" {
            at += 1;
            break;
        }
        let Some(cluster) = text.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            break;
        };
        at += 1;
        for (position, letter) in cluster.char_indices() {
            letters.push(letter.to_string());
            if takes_value(letter) {
                let rest = &cluster[position + letter.len_utf8()..];
                if rest.is_empty() {
                    values.push(given.get(at)?.exact()?.to_owned());
                    at += 1;
                } else {
                    values.push(rest.to_owned());
                }
                break;
            }
        }
    }
    Some((letters, values, at + 1))
}

/// Builtins that change the shell's state.
fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "cd" | "pushd"
            | "popd"
            | "export"
            | "readonly"
            | "declare"
            | "typeset"
            | "local"
            | "unset"
            | "set"
            | "shift"
            | "read"
            | "mapfile"
            | "readarray"
            | "printf"
            | "alias"
            | "unalias"
            | "let"
            | "getopts"
            | "eval"
            | "source"
            | "."
            | "return"
            | "break"
            | "continue"
    )
}

/// Whether a text is the name of a variable.
pub(super) fn is_variable_name(text: &str) -> bool {
    text.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `name=value` or `name+=value` with a variable's name.
fn split_assignment(argument: &Value) -> Option<(String, Value, bool)> {
    split_at_equals(argument).filter(|(name, _, _)| is_variable_name(name))
}

/// The name before `=`, the value after it, and whether it was `+=`.
fn split_at_equals(argument: &Value) -> Option<(String, Value, bool)> {
    let head = |text: &str| {
        let (name, value) = text.split_once('=')?;
        let append = name.ends_with('+');
        Some((
            name.trim_end_matches('+').to_owned(),
            value.to_owned(),
            append,
        ))
    };
    match argument {
        Value::Exact(text) | Value::Pattern(text) => {
            let (name, value, append) = head(text)?;
            Some((name, Value::Exact(value), append))
        }
        Value::Prefix(text, why) => {
            let (name, value, append) = head(text)?;
            let value = if value.is_empty() {
                Value::Unknown(why.clone())
            } else {
                Value::Prefix(value, why.clone())
            };
            Some((name, value, append))
        }
        Value::OneOf(texts) => {
            let parts: Option<Vec<_>> = texts.iter().map(|text| head(text)).collect();
            let parts = parts?;
            let (name, _, append) = parts.first()?.clone();
            let values = parts
                .into_iter()
                .map(|(_, value, _)| Value::Exact(value))
                .collect();
            Some((name, super::draft::either(values), append))
        }
        Value::Either(values) => {
            let parts: Option<Vec<_>> = values.iter().map(split_at_equals).collect();
            let parts = parts?;
            let (name, _, append) = parts.first()?.clone();
            let values = parts.into_iter().map(|(_, value, _)| value).collect();
            Some((name, super::draft::either(values), append))
        }
        Value::Unknown(_) => None,
    }
}
