//! Tool calls that are no command line: by the catalogue of tools, else by the words of the name and by arguments.

use std::rc::Rc;

use super::{Engine, Situation, blank};
use crate::actions::action::{Action, Target};
use crate::actions::argv::Parsed;
use crate::actions::catalogue::entry::Entry;
use crate::actions::catalogue::tools::{self, Also};
use crate::actions::kinds::ActionKind;
use crate::actions::line::{Line, Source};
use crate::actions::word::Data;
use crate::json;
use crate::shell::command::Value;

/// The name of an MCP tool: `mcp__server__tool`.
#[must_use]
pub fn server_of(tool: &str) -> Option<(&str, &str)> {
    let (server, tool) = tool.strip_prefix("mcp__")?.split_once("__")?;
    (!server.is_empty() && !tool.is_empty()).then_some((server, tool))
}

/// The words of a tool's name, in lower case: `deleteFile`, `delete_file` and `delete-file` alike.
#[must_use]
pub fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    let mut open = false;
    for character in name.chars() {
        if !character.is_alphanumeric() {
            open = false;
            lower_before = false;
            continue;
        }
        if !open || (character.is_uppercase() && lower_before) {
            words.push(String::new());
            open = true;
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        lower_before = character.is_lowercase() || character.is_numeric();
    }
    words
}

impl Engine<'_> {
    /// Evaluates a call of a tool.
    pub fn tool(&mut self, tool: &str, args: &json::Value) {
        let here = self.outset("");
        let catalogue = self.catalogue;
        let mcp = server_of(tool);
        let name = mcp.map_or(tool, |(_, name)| name);
        let own = self.own.and_then(|own| own.tool(tool));
        if let Some(entry) = own {
            let told = self.tool_effects(entry, tool, args, &here);
            // What ships about a tool of ours still holds; of a server's tool and of any other the user knows better.
            if told && (mcp.is_some() || catalogue.tools.find(&tools::normal(name)).is_none()) {
                return;
            }
        }
        // Whose tool it is says more than a name that many have: `command` of a database is no shell.
        if mcp.is_some() && self.guesses(tool, args, true, &here) {
            return;
        }
        let known = catalogue.tools.find(&tools::normal(name));
        // A foreign server's tool is not harmless because ours of that name is.
        if let Some(entry) = known.filter(|entry| mcp.is_none() || !entry.effects.is_empty()) {
            let before = self.actions.len();
            let told = self.tool_effects(entry, tool, args, &here);
            if !told && mcp.is_none() {
                // `Bash` without a command: it is not what we know, so nothing is proven of it.
                let reason = format!("the call has none of the arguments that `{tool}` acts on");
                self.unknown(reason, tool, &here);
            }
            self.tool_writes(before, args, &here);
            if self.actions.len() > before || mcp.is_none() {
                return;
            }
        }
        let taken = self.guesses(tool, args, false, &here);
        if !taken {
            let kind = if mcp.is_some() {
                ActionKind::McpCall
            } else {
                ActionKind::ToolCall
            };
            let action = Action {
                target: Target::named(tool),
                by: tool.to_owned(),
                ..blank(kind, &here)
            };
            self.push(action, &here);
        }
    }

    /// Tells what the words of its name and its arguments say; whether that says what it is. `of_server`: only what is
    /// said of the tools of such servers.
    fn guesses(
        &mut self,
        tool: &str,
        args: &json::Value,
        of_server: bool,
        here: &Situation,
    ) -> bool {
        let mcp = server_of(tool);
        let words = words_of(mcp.map_or(tool, |(_, name)| name));
        let server = mcp.map_or_else(Vec::new, |(server, _)| words_of(server));
        let among = |held: &[&str], words: &[String]| {
            held.is_empty() || held.iter().any(|word| words.iter().any(|own| own == word))
        };
        let mut taken = false;
        for guess in self.catalogue.guesses() {
            let fits = guess.servers.is_empty() != of_server
                && among(&guess.words, &words)
                && among(&guess.and_words, &words)
                && among(&guess.servers, &server)
                && (guess.args.is_empty()
                    || guess.args.iter().any(|name| args.get(name).is_some()));
            if !fits || (taken && guess.also != Some(Also::Always)) {
                continue;
            }
            let before = self.actions.len();
            self.tool_effects(&guess.entry, tool, args, here);
            self.tool_writes(before, args, here);
            taken |= guess.also.is_none() && self.actions.len() > before;
        }
        taken
    }

    /// Whether the arguments hold anything that an effect of the tool is about; also when it has none.
    fn tool_effects(
        &mut self,
        entry: &Entry<'static>,
        by: &str,
        args: &json::Value,
        here: &Situation,
    ) -> bool {
        let stdin = Data::default();
        let mut here = here.clone();
        let outset = Rc::clone(&here.cwd);
        let origin = here.origin.clone();
        let line = |cwd| Line {
            entry,
            words: &[],
            name_words: 0,
            parsed: Parsed::default(),
            assignments: &[],
            stdin: &stdin,
            stdin_source: Source::Outside,
            stdout: Source::Outside,
            cwd,
            origin: &origin,
            args: Some(args),
        };
        if let Some(selector) = &entry.chdir
            && let Some(folder) = line(&outset).select(selector).pop()
            && let Some(path) = folder.exact().and_then(|path| self.absolute(path, &here))
        {
            here.cwd = Rc::new(Value::Exact(path));
        }
        let cwd = Rc::clone(&here.cwd);
        let line = line(&cwd);
        self.effects(&line, by, &here);
        entry.effects.is_empty()
            || entry.effects.iter().any(|effect| {
                let selector = effect.to.as_ref();
                selector.is_none_or(|selector| !line.select(selector).is_empty())
            })
    }

    /// A patch: files it adds, changes, moves and deletes, in the formats of `apply_patch` and of unified diffs.
    pub fn patch(&mut self, text: &str, by: &str, here: &Situation) {
        const HEADERS: [(&str, ActionKind); 5] = [
            ("*** Add File: ", ActionKind::FsWrite),
            ("*** Update File: ", ActionKind::FsWrite),
            ("*** Move to: ", ActionKind::FsWrite),
            ("*** Delete File: ", ActionKind::FsDelete),
            ("+++ ", ActionKind::FsWrite),
        ];
        let mut old = "";
        let mut added: Vec<(String, String, usize)> = Vec::new();
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("--- ") {
                old = path;
            }
            let Some((mut path, mut kind)) = HEADERS
                .into_iter()
                .find_map(|(header, kind)| Some((line.strip_prefix(header)?, kind)))
            else {
                if let (Some(line), Some((_, text, _))) = (line.strip_prefix('+'), added.last_mut())
                {
                    text.push_str(line);
                    text.push('\n');
                }
                continue;
            };
            if line.starts_with("+++ ") {
                path = path.split('\t').next().unwrap_or(path);
                if path.trim() == "/dev/null" {
                    path = old.split('\t').next().unwrap_or(old);
                    kind = ActionKind::FsDelete;
                }
                path = path
                    .strip_prefix("a/")
                    .or_else(|| path.strip_prefix("b/"))
                    .unwrap_or(path);
            }
            let word = crate::actions::word::Word::made(
                Value::Exact(path.trim().to_owned()),
                here.origin.clone(),
            );
            let before = self.actions.len();
            self.path(kind, &word, by, here);
            added.push((path.trim().to_owned(), String::new(), before));
        }
        for (path, text, before) in added {
            self.written_for_later(&path, &text, before, &here.origin, here);
        }
    }
}
