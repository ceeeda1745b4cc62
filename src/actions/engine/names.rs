//! What a program's name leads to that is not what it says.

use super::lookup::{base_name, is_deceptive};
use super::unlisted::{is_mixed, looks_like};
use super::{Engine, Situation};
use crate::actions::place;

impl Engine<'_> {
    /// The name of the known program that a path leads to: a link to it, or a copy that the call itself made.
    pub(super) fn copied_program(&self, name: &str, here: &Situation) -> Option<String> {
        const FOLDERS: [&str; 5] = [
            "/bin/",
            "/sbin/",
            "/usr/bin/",
            "/usr/sbin/",
            "/usr/local/bin/",
        ];
        if here.on.is_some()
            || !name.contains('/')
            || (self.links.is_empty() && self.files.is_empty())
        {
            return None;
        }
        let path = self.absolute(name, here)?;
        let source = if place::normalise(name, here.cwd.exact())? != path {
            // A link that the call made.
            path
        } else {
            let data = self.written(&path)?;
            let [file] = data.files.as_slice() else {
                return None;
            };
            if data.text.is_some() || !data.served.is_empty() {
                return None;
            }
            file.to_string()
        };
        let original = FOLDERS
            .iter()
            .find_map(|folder| source.strip_prefix(folder))
            .filter(|rest| !rest.contains('/') && *rest != base_name(name))?;
        self.catalogue.commands.find(original)?;
        Some(original.to_owned())
    }

    /// Why a program's name is not to be taken for what it looks like.
    pub(super) fn false_name(&self, name: &str) -> Option<String> {
        let base = base_name(name);
        if name.chars().any(is_deceptive) {
            return Some(String::from(
                "the program's name holds characters that cannot be seen",
            ));
        }
        if is_mixed(base) {
            return Some(String::from(
                "the program's name mixes letters of several scripts",
            ));
        }
        looks_like(base)
            .filter(|folded| self.catalogue.commands.find(folded).is_some())
            .map(|folded| format!("the program's name only looks like `{folded}`"))
    }
}
