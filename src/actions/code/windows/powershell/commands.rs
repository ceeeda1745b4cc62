//! Commands to effects: functions and aliases of the text, programs, cmdlets.

use super::{Reader, Words};
use crate::actions::code::What;
use crate::actions::code::value::{Origin, Val, concat};
use crate::actions::code::windows::cmdlets;
use crate::actions::code::windows::known;
use crate::actions::code::windows::native;
use crate::shell::command::Value;

impl Reader<'_> {
    pub(super) fn program(&mut self, words: Vec<Value>, start: usize) {
        if words
            .first()
            .is_some_and(|program| crate::actions::code::calls::is_shell(known(program)))
        {
            self.runs = true;
        }
        match native::effects(&words) {
            Some(effects) => effects.into_iter().for_each(|what| self.push(what, start)),
            None => self.push(What::Argv { words }, start),
        }
    }

    /// A variable that programs which the script starts are given: what a shell's `export` would do.
    pub(super) fn set_variable(&mut self, name: &str, value: &Value, start: usize) {
        let assigned = concat(Value::Exact(format!("{name}=")), value);
        let words = vec![Value::Exact(String::from("export")), assigned];
        self.push(What::Argv { words }, start);
    }

    pub(super) fn command(
        &mut self,
        name: &str,
        words: Words,
        input: Option<&Val>,
        start: usize,
    ) -> Val {
        if let Some(value) = self.own_command(name, &words, start) {
            return value;
        }
        let given = self.aliases.get(&name.to_ascii_lowercase()).cloned();
        let name = given.as_deref().unwrap_or(name);
        let full = cmdlets::resolve(name);
        if matches!(full.as_str(), "set-alias" | "new-alias") && self.aliases.len() < 256 {
            let named = words.value(&["name"]).or_else(|| words.values.first());
            let meant = words.value(&["value"]).or_else(|| words.values.last());
            if let (Some(named), Some(meant)) = (
                named.and_then(Val::exact).map(str::to_ascii_lowercase),
                meant.and_then(Val::exact),
            ) {
                self.aliases.insert(named, meant.to_owned());
            }
        }
        // `rm -rf` is not how the cmdlet is called: the program of that name is meant.
        let posix = words
            .parameters
            .iter()
            .any(|(given, _)| matches!(given.as_str(), "rf" | "fr"))
            || (name == "curl"
                && words.parameters.iter().any(|(given, _)| {
                    matches!(given.as_str(), "s" | "fssl" | "sl" | "o" | "d" | "x")
                }));
        if posix && !name.contains('-') {
            let mut argv = vec![Value::Exact(name.to_owned())];
            argv.extend(words.argv);
            self.push(What::Argv { words: argv }, start);
            return Val::opaque("");
        }
        match cmdlets::find(&full) {
            Some(Ok(does)) => self.cmdlet(&full, does, &words, input, start),
            Some(Err(reason)) => {
                self.push(What::Unknown { reason }, start);
                Val::opaque("")
            }
            None => {
                let mut argv = vec![Value::Exact(name.to_owned())];
                argv.extend(words.argv);
                self.program(argv, start);
                Val::opaque("").from(words.values.iter().fold(Origin::RunTime, |origin, value| {
                    origin.join(value.origin.clone())
                }))
            }
        }
    }
}
