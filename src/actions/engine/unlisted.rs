//! Programs that the catalogue does not know, or that are not what their name looks like: what can be said of them all
//! the same.

use super::leaving::carry;
use super::lookup::base_name;
use super::target::Manner;
use super::{Engine, Situation};
use crate::actions::action::{Action, Certainty};
use crate::actions::catalogue::entry::{Act, Role};
use crate::actions::kinds::ActionKind;
use crate::actions::line::Line;
use crate::actions::special::{self, Operation};
use crate::actions::word::{Brought, Data, Origin, Word};
use crate::shell::command::Value;
use crate::text::fold;

impl Engine<'_> {
    /// What removes folders by force takes these words, whatever its name turns out to be.
    pub(super) fn as_removal(&mut self, words: &[Word], here: &Situation) {
        let is_flag = |word: &Word| {
            word.exact().is_some_and(|text| {
                text.starts_with('-')
                    && text.contains(['r', 'R'])
                    && text.contains('f')
                    && text.len() < 6
            })
        };
        if !words.get(1).is_some_and(is_flag) || words.len() < 3 {
            return;
        }
        let mut removal = words.to_vec();
        removal[0].value = Value::Exact(String::from("rm"));
        self.read_as(&removal, here);
    }

    /// Words with characters that look like a slash, a dash or a tilde are read as those, too: an editor or a terminal
    /// may make them so.
    pub(super) fn as_ascii(&mut self, words: &[Word], here: &Situation) {
        let plain = |word: &Word| {
            word.exact()
                .filter(|text| !text.is_ascii() && text.contains(|one| as_syntax(one).is_some()))
                .map(|text| {
                    text.chars()
                        .map(|one| as_syntax(one).unwrap_or(one))
                        .collect()
                })
        };
        if !words.iter().skip(1).any(|word| plain(word).is_some()) {
            return;
        }
        let read: Vec<Word> = words
            .iter()
            .map(|word| match plain(word) {
                Some(text) => Word::made(Value::Exact(text), word.origin.clone()),
                None => word.clone(),
            })
            .collect();
        self.read_as(&read, here);
    }

    /// Words that may be another command than what stands there: of what that one would do, what cannot be taken back.
    fn read_as(&mut self, words: &[Word], here: &Situation) {
        let deeper = possibly(here);
        if self.afford(0, &deeper) {
            let before = self.actions.len();
            self.argv(words, &deeper);
            self.keep_worst(before);
        }
    }

    /// Where Windows looks first: a program of the working directory that the call downloaded.
    pub(super) fn downloaded_program(&self, words: &[Word], here: &Situation) -> Option<Data> {
        let name = words.first()?.exact()?.replace('\\', "/");
        let path = self.absolute(&name, here)?;
        let data = self.written(&path)?;
        (!data.served.is_empty()).then(|| data.clone())
    }

    /// When a program of that name was brought from the network to where programs are looked for, if one was.
    pub(super) fn brought_tool(&self, name: &str) -> Option<Brought> {
        if name.contains('/') {
            return None;
        }
        let is_it = |(path, _): &&(String, Data)| {
            path.rsplit_once('/').is_some_and(|(folder, file)| {
                file == name && (folder.ends_with("/bin") || folder.ends_with("/sbin"))
            })
        };
        let tools = self.files.iter().filter(is_it);
        tools.filter_map(|(_, data)| data.brought()).max()
    }

    /// What a program that nobody knows is told: `!command` stands for a shell in many of them.
    pub(super) fn as_console(&mut self, words: &[Word], here: &Situation) {
        const MOST: usize = 8;
        let told = here.stdin.text.as_ref().and_then(|text| text.value.exact());
        let lines = told.into_iter().flat_map(str::lines).map(str::trim_start);
        let given = words.iter().skip(1).filter_map(Word::exact);
        let codes: Vec<String> = lines
            .chain(given)
            .filter_map(|text| text.strip_prefix('!'))
            .map(|code| code.trim_start().to_owned())
            .filter(|code| code.contains(' '))
            .take(MOST)
            .collect();
        for code in codes {
            self.doubtful_code(&code, &words[0], here);
        }
    }

    /// A program that nobody knows may run what is given to it: `newtool rm -rf /`, `newtool -c 'rm -rf /'`. Only what
    /// cannot be taken back is said, because most words after an unknown name are something else.
    pub(super) fn as_wrapper(&mut self, words: &[Word], here: &Situation) {
        const LOOKED_AT: usize = 10;
        let deeper = possibly(here);
        for at in 1..words.len().min(LOOKED_AT) {
            let Some(text) = words[at].exact() else {
                continue;
            };
            let before = self.actions.len();
            let code = words[at - 1]
                .exact()
                .is_some_and(|option| CODE_OPTIONS.contains(&option));
            if code && text.contains(' ') {
                if !self.afford(text.len(), &deeper) {
                    return;
                }
                self.code_and_quoted(text, &words[at].origin, &deeper);
            } else if self.catalogue.commands.find(base_name(text)).is_some()
                && at + 1 < words.len()
            {
                if !self.afford(0, &deeper) {
                    return;
                }
                self.argv(&words[at..], &deeper);
            } else {
                continue;
            }
            self.keep_worst(before);
            if self.actions.len() > before {
                return;
            }
        }
    }

    /// What words of a program that is known hold besides what its entry says: `!command` for a shell, the value of an
    /// option that is called like code, a command behind `--`. Only what cannot be taken back is said.
    pub(super) fn hidden_code(&mut self, line: &Line<'_>, here: &Situation) {
        const LOOKED_AT: usize = 24;
        let entry = line.entry;
        if line.args.is_some() || is_text_tool(entry.name) {
            return;
        }
        // What an entry says that it runs is told by itself.
        let runs = || {
            entry
                .effects
                .iter()
                .any(|effect| matches!(effect.act, Act::Argv | Act::Code(_)))
        };
        let words = line.words;
        let mut separated = false;
        for at in line.name_words..words.len().min(LOOKED_AT) {
            let Some(text) = words[at].exact() else {
                continue;
            };
            let attached = text.split_once('=');
            let (option, value) =
                attached.map_or((text, None), |(name, value)| (name, Some(value)));
            if separated && self.catalogue.commands.find(base_name(text)).is_some() && !runs() {
                if at + 1 < words.len() {
                    self.read_as(&words[at..], here);
                }
                return;
            }
            separated = text == "--";
            if let Some(code) = text.strip_prefix('!').filter(|code| code.contains(' ')) {
                self.doubtful_code(code, &words[at], here);
            } else if is_code_option(option) && !runs() {
                let next = words.get(at + 1).and_then(Word::exact);
                if let Some(code) = value.or(next).filter(|code| code.contains(' ')) {
                    self.doubtful_code(code, &words[at], here);
                }
            }
        }
    }

    /// Whoever writes where an option says writes there, whatever else it does: `--log-file ~/.bashrc`. Only what stays,
    /// or is nobody's to write, is said, and nothing that an action from `before` on tells already.
    pub(super) fn written_by_option(&mut self, words: &[Word], before: usize, here: &Situation) {
        const LOOKED_AT: usize = 24;
        for at in 1..words.len().min(LOOKED_AT) {
            let Some(text) = words[at].exact() else {
                continue;
            };
            let (option, attached) = text
                .split_once('=')
                .map_or((text, None), |(name, _)| (name, Some(name.len() + 1)));
            if !is_output_option(option) {
                continue;
            }
            let word = match attached {
                Some(from) => words[at].tail(from),
                None => match words.get(at + 1) {
                    Some(next) => next.clone(),
                    None => return,
                },
            };
            let Some(path) = word.exact().and_then(|path| self.absolute(path, here)) else {
                continue;
            };
            let write = Operation::Write;
            let stays = special::look_up(&self.catalogue.places, &path, false, write, self.context)
                .is_some_and(|special| is_lasting(special.kind));
            let told = self.actions[before.min(self.actions.len())..]
                .iter()
                .filter(|action| action.kind != ActionKind::FsRead)
                .any(|action| action.target.value == path);
            if stays && !told && here.on.is_none() {
                self.path(ActionKind::FsWrite, &word, "", &possibly(here));
            }
        }
    }

    /// The same of a line whose entry says nothing of that option.
    pub(super) fn written_by_line(&mut self, line: &Line<'_>, before: usize, here: &Situation) {
        let long = |word: &Word| word.exact().is_some_and(|text| text.starts_with("--"));
        let named = line.args.is_none() && line.words.iter().any(long);
        if named && !is_text_tool(line.entry.name) {
            self.written_by_option(line.words, before, here);
        }
    }

    /// `newcloud apps delete web`, `newtool --nuke`: what it removes nobody here can say.
    pub(super) fn may_remove(&mut self, words: &[Word], here: &Situation) {
        const LOOKED_AT: usize = 5;
        const ONLY_SAID: [&str; 8] = [
            "--dry-run",
            "--dryrun",
            "--simulate",
            "--what-if",
            "--whatif",
            "--help",
            "-h",
            "--preview",
        ];
        let mut exact = words.iter().filter_map(Word::exact);
        if exact.any(|text| ONLY_SAID.contains(&text)) {
            return;
        }
        let said = words
            .iter()
            .skip(1)
            .take(LOOKED_AT)
            .filter_map(Word::exact)
            .find(|text| is_removal(text));
        if let (Some(word), Some(program)) = (said, words.first().and_then(Word::exact)) {
            let name = base_name(program);
            let reason = format!("what `{name} {word}` removes is not in the catalogue");
            let name = name.to_owned();
            self.unknown(reason, &name, here);
        }
    }

    /// A program that nobody knows reads the files that it is given; where it is given a host as well, they go there.
    pub(super) fn handed_credentials(&mut self, words: &[Word], here: &Situation) -> Data {
        const LOOKED_AT: usize = 12;
        let mut data = Data::default();
        for word in words.iter().skip(1).take(LOOKED_AT) {
            let is_path = |text: &str| text.contains('/') && !text.contains("://");
            let Some(path) = word
                .exact()
                .map(|text| text.trim_start_matches('@'))
                .filter(|text| is_path(text) && !text.starts_with('-'))
                .and_then(|text| self.absolute(text, here))
            else {
                continue;
            };
            let read = Operation::Read;
            let special =
                special::look_up(&self.catalogue.places, &path, false, read, self.context);
            if special.is_some_and(|special| special.kind == ActionKind::CredentialRead) {
                data.merge(&self.path(ActionKind::FsRead, word, "", here));
            }
        }
        if data.secrets.is_empty() {
            return data;
        }
        let host = words.iter().skip(1).find_map(|word| {
            let text = word.exact()?;
            let remote = text
                .split_once(':')
                .is_some_and(|(host, _)| host.contains('.') && !host.contains('/'));
            let named = text.contains('.') && !text.contains('/') && !text.starts_with(['-', '.']);
            (text.contains("://") || remote || named).then(|| text.to_owned())
        });
        if let Some(host) = host {
            let before = self.actions.len();
            let word = Word::made(Value::Exact(host), here.origin.clone());
            let manner = Manner::of(ActionKind::NetSend, Role::Host, "");
            self.act(&manner, &word, here);
            for action in self.actions.iter_mut().skip(before) {
                carry(action, &data, self.context);
            }
        }
        data
    }

    /// Text that may be code of a shell, or hold some between quotes.
    fn doubtful_code(&mut self, text: &str, word: &Word, here: &Situation) {
        let deeper = possibly(here);
        if !self.afford(text.len(), &deeper) {
            return;
        }
        let before = self.actions.len();
        let origin = Origin {
            verbatim: None,
            ..word.origin.clone()
        };
        self.code_and_quoted(text, &origin, &deeper);
        self.keep_worst(before);
    }

    /// A text as code of a shell, and what stands in it between quotes.
    fn code_and_quoted(&mut self, text: &str, origin: &Origin, here: &Situation) {
        self.shell_text(text, origin, here);
        for literal in literals(text) {
            self.shell_text(literal, origin, here);
        }
    }

    /// Of the actions from `before` on only those that cannot be taken back.
    pub(super) fn keep_worst(&mut self, before: usize) {
        let mut at = 0;
        self.actions.retain(|action| {
            at += 1;
            at <= before || is_worst(action)
        });
    }
}

/// One level deeper, where nothing is more than possible.
fn possibly(here: &Situation) -> Situation {
    Situation {
        depth: here.depth + 1,
        certainty: Certainty::Possible,
        ..here.clone()
    }
}

/// Whether a name holds Latin letters beside Greek or Cyrillic ones: nobody writes so by accident.
pub(super) fn is_mixed(name: &str) -> bool {
    name.contains(|one: char| one.is_ascii_alphabetic())
        && name.contains(|one: char| matches!(one, '\u{370}'..='\u{52f}'))
}

/// The ASCII name that a name with other characters looks like.
pub(super) fn looks_like(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    name.chars()
        .map(|character| {
            if character.is_ascii() {
                return Some(character);
            }
            fold::compatibility(character)
                .or_else(|| fold::look_alike(character))
                .map(|byte| char::from(byte).to_ascii_lowercase())
        })
        .collect()
}

/// The character of shell words that another one looks like.
const fn as_syntax(character: char) -> Option<char> {
    Some(match character {
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{fe63}' => '-',
        '\u{ff5e}' | '\u{223c}' | '\u{02dc}' => '~',
        '\u{ff0a}' => '*',
        _ => return None,
    })
}

/// Options after which programs take code, as far as a name tells.
const CODE_OPTIONS: [&str; 12] = [
    "-c",
    "-e",
    "-x",
    "-g",
    "-r",
    "-exec",
    "--exec",
    "--eval",
    "--command",
    "--cmd",
    "--run",
    "-eval",
];

/// Whether the name of a long option says that its value is code or a program: `--run_under`, `--init-hook`, `--pipe`.
fn is_code_option(option: &str) -> bool {
    const PARTS: [&str; 13] = [
        "exec",
        "eval",
        "hook",
        "run_under",
        "run-under",
        "pipe",
        "pager",
        "launcher",
        "wrapper",
        "callback",
        "command",
        "on-download",
        "script",
    ];
    let Some(name) = option.strip_prefix("--") else {
        return false;
    };
    PARTS.iter().any(|part| name.contains(part))
}

/// Whether a word says that something is removed for good: `delete`, `apps:destroy`, `delete-all`, `--wipe`.
fn is_removal(word: &str) -> bool {
    const VERBS: [&str; 10] = [
        "delete",
        "destroy",
        "purge",
        "wipe",
        "nuke",
        "terminate",
        "erase",
        "obliterate",
        "deprovision",
        "decommission",
    ];
    if let Some(option) = word.strip_prefix("--") {
        return matches!(
            option,
            "nuke"
                | "wipe"
                | "purge"
                | "destroy"
                | "erase"
                | "delete-all"
                | "remove-all"
                | "wipe-all"
        );
    }
    !word.contains(['/', ' ', '.', '='])
        && word
            .split([':', '-', '_'])
            .any(|part| VERBS.contains(&part))
}

/// Whether the name of a long option says that something is written where its value says.
fn is_output_option(option: &str) -> bool {
    const PARTS: [&str; 12] = [
        "out", "save", "write", "dump", "export", "log-", "logfile", "trace", "record", "dest",
        "report", "stderr",
    ];
    option
        .strip_prefix("--")
        .is_some_and(|name| name == "log" || PARTS.iter().any(|part| name.contains(part)))
}

/// Whether what is written so stays: it starts by itself, lets somebody in, or says what an agent may do.
const fn is_lasting(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::PersistStartup
            | ActionKind::PersistSchedule
            | ActionKind::PersistAccess
            | ActionKind::SystemAccount
            | ActionKind::AgentConfig
            | ActionKind::AgentGuard
    )
}

/// Programs whose words are text that they print, look for or keep.
fn is_text_tool(name: &str) -> bool {
    const TOOLS: [&str; 16] = [
        "echo", "printf", "grep", "rg", "ack", "ag", "git", "gh", "glab", "hg", "jq", "sed",
        "test", "find", "expr", "logger",
    ];
    let first = name.split(' ').next().unwrap_or(name);
    TOOLS.contains(&first)
}

/// Whether an action cannot be taken back, whoever is asked.
fn is_worst(action: &Action) -> bool {
    match action.kind {
        ActionKind::FsDelete => action.has("recursive"),
        ActionKind::FsDestroy
        | ActionKind::DiskWrite
        | ActionKind::ExecRemoteCode
        | ActionKind::ExecRemoteShell
        | ActionKind::ProcessExhaust => true,
        _ => false,
    }
}

/// What stands between double or single quotes in code of whatever language.
pub(super) fn literals(code: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 16;
    ['"', '\'']
        .into_iter()
        .flat_map(move |quote| code.split(quote).skip(1).step_by(2))
        .filter(|literal| literal.contains(' '))
        .take(MOST)
}
