//! The catalogue in use: what ships, the files in the guard's home, and what the policy in force says about programs.

use armorer_guard_core::actions::Own;
use armorer_guard_core::actions::catalogue::entry::Entry;
use armorer_guard_core::actions::catalogue::source::Source;
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::{builtin, edge, home_commands};

use crate::output::complain;

/// What entries of the policy in force say they stand in.
pub(super) const POLICY: &str = "policy";

pub(super) struct Known {
    /// As it is written; what a policy says is not among it.
    pub(super) source: Source,
    /// What is added to what ships.
    pub(super) own: Option<&'static Own>,
}

impl Known {
    /// `None`, and what is wrong said, when the files in the guard's home cannot be used.
    pub(super) fn open_or_complain() -> Option<Self> {
        let home = edge::guard_home();
        let mut texts = builtin::catalogue_texts();
        match home.as_deref().map_or(Ok(None), home_commands::load) {
            Ok(Some(held)) => texts.extend(held.files),
            Ok(None) => {}
            Err(errors) => {
                told(&errors);
                return None;
            }
        }
        let guard = Guard::open(&Options {
            home,
            record: false,
        });
        Some(Self {
            source: Source::new(&texts),
            own: guard.own(),
        })
    }

    /// The compiled entry that `find` finds: in what ships, else in what is added.
    pub(super) fn entry(
        &self,
        find: impl Fn(
            &'static armorer_guard_core::actions::catalogue::Commands,
        ) -> Option<&'static Entry<'static>>,
    ) -> Option<&'static Entry<'static>> {
        find(&builtin::catalogue().commands).or_else(|| find(self.own?.commands()))
    }
}

/// Says what is wrong with files of a catalogue.
pub(super) fn told(errors: &[String]) {
    for error in errors {
        // A syntax error shows the line, and where in it; each line of that is made visible by itself.
        let shown: Vec<String> = error
            .lines()
            .map(|line| armorer_guard_core::explain::visible(line).into_owned())
            .collect();
        complain(&shown.join("\n"), None);
    }
}

/// Where an entry is written, as people find it.
pub(super) fn place(file: &str, line: Option<usize>) -> String {
    let file = if file.starts_with("commands/") {
        format!("rules/{file}")
    } else {
        file.to_owned()
    };
    match line {
        Some(line) => format!("{file}:{line}"),
        None => file,
    }
}
