//! Functions that run programs, shell text, code and files.

use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::walk::{Args, Walker, at_run_time};
use crate::actions::code::{Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

impl Walker<'_> {
    pub(super) fn shell_of(&mut self, value: Option<&Val>, span: Option<ByteSpan>) -> Val {
        let value = value.cloned().unwrap_or_else(|| Val::opaque("argument"));
        if let Origin::Downloaded(url) = &value.origin {
            self.runs_download(url.clone(), span);
            return Val::opaque("");
        }
        match &value.kind {
            Kind::List(items) => {
                let text = joined_words(items);
                self.shell(text, None, span);
            }
            _ if value.origin == Origin::Decoded && value.exact().is_none() => {
                self.unknown("a command that is decoded when it runs", span);
            }
            _ => {
                let verbatim_at = value.verbatim_at();
                self.shell(value.as_value(), verbatim_at, span);
            }
        }
        Val::opaque("").from(Origin::RunTime)
    }

    pub(super) fn shell_or_words(
        &mut self,
        from: usize,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let mut values: Vec<Val> = Vec::new();
        for value in args.pos.get(from..).unwrap_or(&[]) {
            match &value.kind {
                Kind::List(items) => values.extend(items.iter().cloned()),
                // An environment before the command, options after it.
                Kind::Map(entries) if values.is_empty() => self.set_each(entries, span),
                Kind::Map(_) => {}
                _ => values.push(value.clone()),
            }
        }
        if values.len() == 1
            && args
                .pos
                .get(from)
                .is_some_and(|value| !matches!(value.kind, Kind::List(_)))
        {
            return self.shell_of(values.first(), span);
        }
        if values.is_empty() {
            return self.shell_of(None, span);
        }
        // Ruby's `["rm", "argv0"]` names a program and what it is called.
        let words = values.iter().map(Val::as_value).collect();
        self.argv(words, span);
        Val::opaque("").from(Origin::RunTime)
    }

    /// A variable that the programs which the code starts are given: what a shell's `export` would do.
    pub fn set_variable(&mut self, name: &str, value: &Val, span: Option<ByteSpan>) {
        let assigned = concat(Value::Exact(format!("{name}=")), &value.as_value());
        self.argv(vec![Value::Exact(String::from("export")), assigned], span);
    }

    /// Variables that a call sets: from a map, by names, as `NAME=value`, or as a name and a value.
    pub(super) fn set_variables(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) {
        let first = args.pos.get(index);
        match first.map(|first| &first.kind) {
            Some(Kind::Map(entries)) => self.set_each(entries, span),
            Some(Kind::Text(Value::Exact(text), _)) => {
                match (args.pos.get(index + 1), text.split_once('=')) {
                    (None, Some((name, value))) => self.set_variable(name, &Val::text(value), span),
                    (Some(value), _) => self.set_variable(text, value, span),
                    _ => {}
                }
            }
            _ => {}
        }
        self.set_each(&args.named, span);
    }

    pub(super) fn set_each(&mut self, values: &[(String, Val)], span: Option<ByteSpan>) {
        for (name, value) in values {
            self.set_variable(name, value, span);
        }
    }

    pub(super) fn run(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
        let command = args
            .pos
            .first()
            .or_else(|| args.option(&["args", "cmd", "command"]))
            .cloned()
            .unwrap_or_else(|| Val::opaque("argument"));
        let command = match command.kind {
            // `Deno.run({cmd: […]})`
            Kind::Map(entries) => entries
                .into_iter()
                .find(|(name, _)| name == "cmd")
                .map_or_else(|| Val::opaque("cmd"), |(_, value)| value),
            kind => Val {
                kind,
                origin: command.origin,
            },
        };
        let through_shell = args
            .option(&["shell"])
            .is_some_and(|shell| shell.is_true() || shell.exact().is_some());
        let uses_connection = args
            .option(&["stdin", "stdout", "stderr"])
            .is_some_and(|stream| matches!(&stream.kind, Kind::Opaque(_) | Kind::Object(..)));
        if uses_connection && !self.connections.is_empty() {
            self.redirected = true;
        }
        match &command.kind {
            Kind::List(items) if through_shell => {
                let first = items.first().cloned();
                self.shell_of(first.as_ref(), span)
            }
            Kind::List(items) => {
                let mut words: Vec<Value> = items.iter().map(Val::as_value).collect();
                if let Some(program) = args.option(&["executable"]).and_then(Val::exact)
                    && let Some(first) = words.first_mut()
                {
                    *first = Value::Exact(program.to_owned());
                }
                self.argv(words, span);
                Val::opaque("").from(Origin::RunTime)
            }
            Kind::Text(text, _) if !through_shell && is_one_word(text) => {
                let mut words = vec![text.clone()];
                if let Some(Kind::List(more)) = args.pos.get(1).map(|value| &value.kind) {
                    words.extend(more.iter().map(Val::as_value));
                }
                self.argv(words, span);
                Val::opaque("").from(Origin::RunTime)
            }
            Kind::Text(..) => self.shell_of(Some(&command), span),
            _ if through_shell => self.shell_of(Some(&command), span),
            _ => {
                self.argv(vec![command.as_value()], span);
                Val::opaque("").from(Origin::RunTime)
            }
        }
    }

    pub(super) fn spawn(&mut self, args: &Args, span: Option<ByteSpan>) -> Val {
        let program = args
            .pos
            .first()
            .or_else(|| args.option(&["command"]))
            .cloned()
            .unwrap_or_else(|| Val::opaque("argument"));
        let listed = args
            .option(&["args"])
            .or_else(|| args.pos.get(1))
            .map(|value| value.kind.clone());
        let mut words = vec![program.as_value()];
        match listed {
            Some(Kind::List(items)) => words.extend(items.iter().map(Val::as_value)),
            Some(Kind::Text(Value::Exact(text), _)) => words.extend(
                text.split_whitespace()
                    .map(|word| Value::Exact(word.to_owned())),
            ),
            Some(Kind::Map(_)) | None => {}
            Some(_) => words.push(at_run_time("arguments")),
        }
        if args
            .option(&["shell"])
            .is_some_and(|shell| shell.is_true() || shell.exact().is_some())
        {
            let text = words.iter().enumerate().fold(
                Value::Exact(String::new()),
                |text, (index, word)| {
                    let blank = Value::Exact(if index == 0 {
                        String::new()
                    } else {
                        String::from(" ")
                    });
                    concat(concat(text, &blank), word)
                },
            );
            self.shell(text, None, span);
        } else if let Kind::List(items) = &program.kind {
            let words = items.iter().map(Val::as_value).collect();
            self.argv(words, span);
        } else {
            self.argv(words, span);
        }
        Val::object("process", Vec::new())
    }

    pub(super) fn eval(
        &mut self,
        language: Language,
        code: Option<&Val>,
        name: &str,
        span: Option<ByteSpan>,
    ) -> Val {
        let Some(code) = code else {
            return Val::opaque("");
        };
        // Timers and `instance_eval` take functions; only text is code.
        let timer = matches!(
            name,
            "setTimeout" | "setInterval" | "timeit.timeit" | "load" | "assert"
        ) || name.starts_with("?.")
            || name.ends_with("_eval");
        match (&code.origin, code.exact()) {
            (_, Some(text)) => {
                let what = What::Code {
                    language,
                    text: Value::Exact(text.to_owned()),
                    verbatim_at: code.verbatim_at(),
                };
                self.push(what, span);
            }
            (Origin::Downloaded(url), _) => {
                self.runs_download(url.clone(), span);
            }
            (Origin::File(path), _) => {
                let path = path.exact().is_some().then(|| path.clone());
                self.act(ActionKind::ExecLocal, path, TargetRole::Path, vec![], span);
            }
            (Origin::Decoded, _) => self.unknown(super::super::DECODED_CODE, span),
            _ if timer && !matches!(code.kind, Kind::Text(..)) => {}
            _ if language == Language::R
                && matches!(code.kind, Kind::Opaque(_) | Kind::Name(_)) => {}
            _ => self.unknown(super::super::COMPUTED_CODE, span),
        }
        Val::opaque("")
    }

    pub(super) fn run_file(
        &mut self,
        file: Option<&Val>,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        match file {
            Some(file) if file.exact().is_some_and(|path| path.contains("://")) => {
                self.act(
                    ActionKind::ExecRemoteCode,
                    Some(file.as_value()),
                    TargetRole::Url,
                    vec![],
                    span,
                );
            }
            Some(file) => match &file.origin {
                Origin::Downloaded(url) => self.act(
                    ActionKind::ExecRemoteCode,
                    Some(url.clone()),
                    TargetRole::Url,
                    vec![],
                    span,
                ),
                _ => self.path_act(ActionKind::ExecLocal, Some(file), vec![], span),
            },
            None if args.named.is_empty() => {}
            None => self.path_act(ActionKind::ExecLocal, None, vec![], span),
        }
        Val::opaque("")
    }
}

fn is_one_word(text: &Value) -> bool {
    match text {
        Value::Exact(text) => {
            !text.contains(char::is_whitespace) && !text.contains([';', '|', '&', '$', '`', '>'])
        }
        _ => false,
    }
}

fn joined_words(items: &[Val]) -> Value {
    items
        .iter()
        .enumerate()
        .fold(Value::Exact(String::new()), |text, (index, item)| {
            let blank = Value::Exact(if index == 0 {
                String::new()
            } else {
                String::from(" ")
            });
            concat(concat(text, &blank), &item.as_value())
        })
}

pub(super) fn words_text(values: &[Val]) -> Value {
    joined_words(values)
}
