//! Follows what is run: shell text, code of other languages, script files, data that reaches an interpreter.

use std::rc::Rc;

use super::files::Poured;
use super::folders::Folders;
use super::languages::{
    is_bare_shell, language_of, name_of, reaches_out, shebang, shows_environment, unread,
};
use super::later::Form;
use super::leaving::carry;
use super::manifest::recipes;
use super::program::COMPUTED_PROGRAM;
use super::scripts;
use super::target::Manner;
use super::unlisted::literals;
use super::{Engine, Situation, blank};
use crate::actions::action::{Action, Certainty, Target};
use crate::actions::catalogue::entry::Role;
use crate::actions::code::{self, CodeEffect, Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::actions::line::why_of;
use crate::actions::url;
use crate::actions::word::{Brought, Data, Origin, Served, Word, why_text};
use crate::shell::command::{Candidate, Value, Why};
use crate::span::ByteSpan;

impl Engine<'_> {
    /// Code that is given as a word. Returns what it writes to standard output.
    pub fn code_word(&mut self, language: &str, word: &Word, by: &str, here: &Situation) -> Data {
        if let Some(data) = &word.data
            && word.exact().is_none()
        {
            if data.setup {
                return Data::opaque();
            }
            // A downloaded version number inside of known code is no downloaded code.
            if !data.served.is_empty() && word.known().0.trim().is_empty() {
                let data = Rc::clone(data);
                self.remote_code(&data, by, here);
                return Data::opaque();
            }
        }
        let mut output = Data::default();
        let before = self.actions.len();
        let candidates = word.value.candidates();
        let several = candidates.len() > 1;
        for candidate in candidates {
            let certainty = if several {
                here.certainty.min(Certainty::Likely)
            } else {
                here.certainty
            };
            let here = Situation {
                certainty,
                ..here.clone()
            };
            match candidate {
                Candidate::Exact(text) | Candidate::Pattern(text) => {
                    output.merge(&self.code_text(language, text, &word.origin, by, &here));
                }
                // A value put into an editing command says what is put in, not what is done.
                Candidate::Prefix(text, _) if language == "sed" && !text.trim().is_empty() => {}
                // Who starts the call says what stands in the middle of code that is read without it as well.
                Candidate::Prefix(
                    text,
                    Why::UnsetVariable(_) | Why::Parameter(_) | Why::PutIn(_),
                ) if several && language != "shell" && !text.trim().is_empty() => {}
                Candidate::Prefix(text, why) => {
                    // What is known of it is understood; the rest is said to be unknown.
                    if !several && !text.trim().is_empty() && language == "shell" {
                        output.merge(&self.code_text(language, text, &word.origin, by, &here));
                    }
                    let reason = why_text(why).into_owned();
                    let argument = matches!(
                        why,
                        Why::Parameter(_) | Why::UnsetVariable(_) | Why::PutIn(_)
                    );
                    let here = Situation {
                        // A value put into code of which the rest is known is the rule, more code the exception.
                        certainty: if language == "sed"
                            // Who starts the call says what stands there, and no text of it.
                            || matches!(why, Why::UnsetVariable(_) | Why::PutIn(_))
                            || ((language != "shell" || argument) && !text.trim().is_empty())
                        {
                            here.certainty.min(Certainty::Possible)
                        } else {
                            here.certainty
                        },
                        ..here
                    };
                    self.unknown_kind(unread(language), reason, by, &here);
                }
            }
        }
        self.sends_what_is_put_in(word, before);
        output
    }

    /// A credential that is put into code leaves with what the code asks for: `xargs -I{} sh -c 'curl HOST/{}'`.
    fn sends_what_is_put_in(&mut self, code: &Word, before: usize) {
        let Some(data) = code.data.as_ref().filter(|data| !data.secrets.is_empty()) else {
            return;
        };
        for action in self.actions.iter_mut().skip(before) {
            if matches!(action.kind, ActionKind::NetFetch | ActionKind::NetSend)
                && !action.has("loopback")
            {
                action.kind = ActionKind::NetSend;
                carry(action, data, self.context);
            }
        }
    }

    fn code_text(
        &mut self,
        language: &str,
        text: &str,
        origin: &Origin,
        by: &str,
        here: &Situation,
    ) -> Data {
        if text.trim().is_empty() {
            return Data::default();
        }
        let deeper = Situation {
            depth: here.depth + 1,
            ..here.clone()
        };
        let room = super::MAX_BYTES.saturating_sub(self.bytes);
        if !self.afford(text.len(), &deeper) {
            // What fits is read all the same: a long tail must not hide what stands before it.
            let head = &text[..text.floor_char_boundary(room)];
            if language == "shell" && head.len() < text.len() && deeper.depth < super::MAX_DEPTH {
                self.shell_text(head, origin, &deeper);
            }
            return Data::opaque();
        }
        if language == "shell" {
            return self.shell_text(text, origin, &deeper);
        }
        if language == "make" {
            let likely = Situation {
                certainty: here.certainty.min(Certainty::Likely),
                ..deeper
            };
            return self.shell_text(&recipes(text), origin, &likely);
        }
        if language == "checksums" {
            self.verified(text, &deeper);
            return Data::default();
        }
        if language == "patch" {
            self.patch(text, by, &deeper);
            return Data::default();
        }
        let form = match language {
            "notebook" => Some(Form::Notebook),
            "image" => Some(Form::Image),
            _ => None,
        };
        if let Some(form) = form {
            let mut output = Data::default();
            // Steps of an image are read as far as their words are known before it is built.
            let deeper = Situation {
                certainty: match form {
                    Form::Image => here.certainty.min(Certainty::Likely),
                    _ => here.certainty,
                },
                ..deeper
            };
            for piece in scripts::pieces(form, "", text) {
                let word = Word::made(Value::Exact(piece.text.into_owned()), origin.clone());
                output.merge(&self.code_word(piece.language, &word, by, &deeper));
            }
            return output;
        }
        let Some(known) = language_of(language) else {
            // What stands in quotes there may be a command all the same.
            let doubtful = Situation {
                certainty: here.certainty.min(Certainty::Possible),
                ..deeper.clone()
            };
            for literal in literals(text) {
                let before = self.actions.len();
                if self.afford(literal.len(), &doubtful) {
                    self.shell_text(literal, origin, &doubtful);
                }
                self.keep_worst(before);
            }
            let reason = String::from("nobody here reads that language");
            let by_word = if reaches_out(text) {
                &deeper
            } else {
                &doubtful
            };
            self.unknown_kind(ActionKind::ExecDynamic, reason, by, by_word);
            return Data::opaque();
        };
        let mut shown = Data::default();
        if shows_environment(language, text) {
            let manner = Manner {
                attributes: vec!["environment"],
                ..Manner::of(ActionKind::CredentialRead, Role::Name, by)
            };
            let word = Word::made(Value::Exact(String::from("environment")), origin.clone());
            shown = self.act(&manner, &word, &deeper);
        }
        let first = self.actions.len();
        let mut output = self.code_effects(known, text, origin, by, &deeper);
        self.fetched_and_run(first, by, &deeper);
        // A piece of code sends what it reads, as far as anybody can tell; a variable of the environment is what it
        // logs in with.
        output.secrets.retain(|secret| secret.contains(['/', '\\']));
        for action in self.actions.iter_mut().skip(first) {
            let sends = match action.kind {
                ActionKind::NetSend | ActionKind::MessageSend => true,
                ActionKind::NetFetch => !action.target.exact,
                _ => false,
            };
            if sends {
                carry(action, &output, self.context);
            }
        }
        output.merge(&shown);
        output
    }

    /// What a piece of code of a language that is read does, in its order, each where the code stands by then.
    fn code_effects(
        &mut self,
        language: Language,
        text: &str,
        origin: &Origin,
        by: &str,
        here: &Situation,
    ) -> Data {
        let mut output = Data::opaque();
        let mut printed = Printed::default();
        let mut request = Request {
            streams: language == Language::JavaScript && text.contains("createWriteStream"),
            ..Request::default()
        };
        let mut folders = Folders::of(here);
        for effect in code::analyse_given(language, text, &here.arguments) {
            match &effect.what {
                What::Enter { to, back } => folders.enter(to, *back, effect.certain, here, self),
                What::Leave => folders.leave(),
                What::Print { text, verbatim_at } => printed.add(text, *verbatim_at, origin),
                _ => {
                    let stored = request.stored(&effect);
                    for there in folders.each(here) {
                        output.merge(&self.code_effect(
                            language,
                            effect.clone(),
                            origin,
                            by,
                            &there,
                        ));
                        if let Some((file, data)) = &stored {
                            let file = slashed(file.clone());
                            let file = Word::made(file, origin.clone());
                            self.remember(&file, data, Poured::Whole, &there);
                        }
                    }
                }
            }
        }
        printed.show(&mut output);
        output
    }

    /// A piece of code that fetches something and runs code it computes runs what it fetched, as far as anybody can
    /// tell: what happens in between, in callbacks and streams, is not followed.
    fn fetched_and_run(&mut self, first: usize, by: &str, here: &Situation) {
        let of = self.actions.get(first..).unwrap_or_default();
        let computes = of.iter().any(|action| {
            matches!(action.kind, ActionKind::Unknown | ActionKind::ExecDynamic)
                && action.reason.as_deref().is_some_and(|reason| {
                    [code::COMPUTED_CODE, code::DECODED_CODE, code::READ_CODE].contains(&reason)
                })
        });
        let source = of
            .iter()
            .find(|action| action.kind == ActionKind::NetFetch && action.target.exact)
            .map(|action| Rc::<str>::from(action.target.value.as_str()));
        self.told_by_peer(first, here);
        if let Some(source) = source.filter(|_| computes) {
            let likely = Situation {
                certainty: here.certainty.min(Certainty::Likely),
                ..here.clone()
            };
            let data = Data::of_url(source);
            self.remote_code(&data, by, &likely);
        }
    }

    /// Code that is connected to a port of another host and runs programs that it does not name is told what to run.
    fn told_by_peer(&mut self, first: usize, here: &Situation) {
        let of = self.actions.get(first..).unwrap_or_default();
        let unnamed = of.iter().any(|action| {
            action.kind == ActionKind::ExecDynamic
                || action.kind == ActionKind::Unknown
                    && action
                        .reason
                        .as_deref()
                        .is_some_and(|reason| reason.starts_with(COMPUTED_PROGRAM))
        });
        let peer = of.iter().find(|action| {
            let address = action.target.value.as_str();
            matches!(action.kind, ActionKind::NetFetch | ActionKind::NetSend)
                && !address.contains("://")
                && address.contains(':')
                && !action.has("loopback")
        });
        if let Some(peer) = peer.filter(|_| unnamed) {
            let action = Action {
                kind: ActionKind::ExecRemoteShell,
                attributes: Vec::new(),
                certainty: peer.certainty.min(Certainty::Likely),
                ..peer.clone()
            };
            self.push(action, here);
        }
    }

    fn code_effect(
        &mut self,
        language: Language,
        effect: CodeEffect,
        origin: &Origin,
        by: &str,
        here: &Situation,
    ) -> Data {
        let place = origin.inside(effect.span);
        let here = Situation {
            origin: Origin {
                span: place.span.or(here.origin.span),
                ..place
            },
            certainty: if effect.certain {
                here.certainty
            } else {
                here.certainty.min(Certainty::Possible)
            },
            settled: here.settled && effect.certain,
            ..here.clone()
        };
        let text_origin = |verbatim_at: Option<usize>| Origin {
            verbatim: origin
                .verbatim
                .zip(verbatim_at)
                .map(|(base, offset)| base + offset),
            ..here.origin.clone()
        };
        match effect.what {
            What::Act {
                kind,
                target,
                role,
                attributes,
            } => {
                let manner = Manner {
                    attributes,
                    ..Manner::of(kind, role_of(role), by)
                };
                self.code_act(language, manner, target, &here)
            }
            What::Shell { text, verbatim_at } => {
                let word = Word::made(text, text_origin(verbatim_at));
                self.bare_shell(word.exact(), by, &here);
                self.code_word("shell", &word, by, &here)
            }
            What::Code {
                language,
                text,
                verbatim_at,
            } => {
                let computed = verbatim_at.is_none()
                    && matches!(text, Value::Exact(_))
                    && !matches!(language, Language::Cmd | Language::PowerShell);
                let word = Word::made(text, text_origin(verbatim_at));
                self.code_in_code(language, &word, computed, by, &here)
            }
            What::Argv { words } => self.code_argv(words, by, &here),
            What::Pour {
                file,
                text,
                verbatim_at,
            } => {
                let file = Word::made(slashed(file), here.origin.clone());
                let data = Data::of_text(text, text_origin(verbatim_at));
                self.pour(&file, &data, &here);
                Data::default()
            }
            What::Copy { from, to } => {
                let from = slashed(from);
                if let Some(from) = from.exact().and_then(|from| self.absolute(from, &here)) {
                    let to = Word::made(slashed(to), here.origin.clone());
                    self.copy(&from, &to, &here);
                }
                Data::default()
            }
            What::Load { name } => self.load(language, &name, by, &here),
            What::Enter { .. } | What::Leave | What::Print { .. } => Data::default(),
            // Code that hides itself is not asked about.
            What::Unknown { reason } if reason == code::DECODED_CODE => {
                self.unknown_kind(ActionKind::ExecDynamic, reason, by, &here);
                Data::default()
            }
            What::Unknown { reason } => {
                self.unknown(reason, by, &here);
                Data::default()
            }
        }
    }

    /// An action of a language's own library.
    fn code_act(
        &mut self,
        language: Language,
        mut manner: Manner<'_>,
        target: Option<Value>,
        here: &Situation,
    ) -> Data {
        let kind = manner.kind;
        let Some(value) = target else {
            let action = Action {
                attributes: manner
                    .attributes
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect(),
                by: manner.by.to_owned(),
                ..blank(kind, here)
            };
            self.push(action, here);
            return Data::default();
        };
        // Every process that this user may end, or the one that all others hang on.
        let all = matches!(value.exact(), Some("-1" | "1"));
        if kind == ActionKind::ProcessKill && all {
            manner.attributes.push("all");
        }
        let word = Word::made(value, here.origin.clone());
        if kind == ActionKind::ExecLocal && manner.role == Role::Path {
            self.runs_written(language, &word, manner.by, here);
        }
        if kind == ActionKind::PackageInstall
            && let Some(brought) = self.brought_as(&word, here)
        {
            manner.attributes.extend([brought.attribute(), "from_path"]);
        }
        let data = self.act(&manner, &word, here);
        if kind == ActionKind::FsWrite {
            let poured = if manner.attributes.contains(&"truncate") {
                Poured::Whole
            } else {
                Poured::More
            };
            self.remember(&word, &Data::opaque(), poured, here);
        }
        data
    }

    /// Text that code hands to an interpreter. What is put together and says nothing may be anything.
    fn code_in_code(
        &mut self,
        language: Language,
        word: &Word,
        computed: bool,
        by: &str,
        here: &Situation,
    ) -> Data {
        let before = self.actions.len();
        let output = self.code_word(name_of(language), word, by, here);
        if computed && self.actions.len() == before {
            let doubtful = Situation {
                certainty: here.certainty.min(Certainty::Likely),
                ..here.clone()
            };
            let reason = String::from("the code is put together when it runs");
            self.unknown_kind(ActionKind::ExecDynamic, reason, by, &doubtful);
        }
        output
    }

    /// A program that code runs without a shell.
    fn code_argv(&mut self, words: Vec<Value>, by: &str, here: &Situation) -> Data {
        let words: Vec<Word> = words
            .into_iter()
            .map(|value| Word::made(value, here.origin.clone()))
            .collect();
        let deeper = Situation {
            depth: here.depth + 1,
            ..here.clone()
        };
        if !self.afford(0, &deeper) {
            return Data::opaque();
        }
        if let [program] = words.as_slice() {
            self.bare_shell(program.exact(), by, here);
        }
        self.argv(&words, &deeper).output
    }

    /// A shell that code or another program starts and gives nothing to run: whoever is at its other end says what runs.
    pub fn bare_shell(&mut self, text: Option<&str>, by: &str, here: &Situation) {
        if text.is_some_and(is_bare_shell) && here.on.is_none() {
            let reason =
                String::from("a shell is opened, and what it will be told is not in the call");
            self.unknown_kind(ActionKind::ExecDynamic, reason, by, here);
        }
    }

    /// Data that an interpreter runs.
    pub fn code_data(&mut self, language: &str, data: &Data, by: &str, here: &Situation) -> Data {
        if matches!(language, "checksums" | "manifest") && data.text.is_none() {
            return Data::opaque();
        }
        if let Some(text) = &data.text {
            let word = Word {
                value: text.value.clone(),
                origin: text.origin.clone(),
                data: None,
            };
            return self.code_word(language, &word, by, here);
        }
        if data.setup {
            return Data::opaque();
        }
        if !data.served.is_empty() {
            self.remote_code(data, by, here);
        } else if !data.files.is_empty()
            && (!data.decoded || unread(language) == ActionKind::Unknown)
        {
            for file in data.files.clone() {
                let word = Word::made(Value::Exact(file.as_ref().to_owned()), here.origin.clone());
                self.local_code(&word, self.brought_to(&file), by, here);
            }
        } else if data.some {
            let reason = String::from(if data.decoded {
                "the code is decoded from data that could not be read"
            } else {
                "the code is the output of a command"
            });
            self.unknown_kind(unread(language), reason, by, here);
        }
        Data::opaque()
    }

    pub(super) fn remote_code(&mut self, data: &Data, by: &str, here: &Situation) {
        for served in &data.served {
            let source = match served {
                Served::Now(url) => url,
                Served::Earlier { file, written, .. } => {
                    self.earlier_code(file, *written, by, here);
                    continue;
                }
            };
            let facts = url::classify(source);
            let action = Action {
                target: Target {
                    value: source.as_ref().to_owned(),
                    exact: true,
                    place: None,
                    host: facts.host.clone(),
                },
                by: by.to_owned(),
                safer: Some(String::from(
                    "download it to a file, read it, then run it in a separate call",
                )),
                ..blank(ActionKind::ExecRemoteCode, here)
            };
            self.push(action, here);
        }
    }

    /// A file with code.
    pub fn script(&mut self, language: &str, file: &Word, by: &str, here: &Situation) -> Data {
        let (text, _) = file.known();
        if text.starts_with("https://") || text.starts_with("http://") {
            let served = Data::of_url(Rc::from(text));
            self.remote_code(&served, by, here);
            return Data::opaque();
        }
        if let Some(data) = &file.data {
            // `bash <(…)`: the file is what those commands write.
            let data = Rc::clone(data);
            // The output of a command that stands there otherwise is a file's name, and no code.
            let name = !file.known().0.starts_with("/dev/fd/")
                && data.served.is_empty()
                && !data.decoded
                && !data.setup;
            if file.exact().is_none() && !name {
                return self.code_data(language, &data, by, here);
            }
        }
        if let Some(text) = file.exact() {
            if matches!(text, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") {
                let stdin = Rc::clone(&here.stdin);
                return self.code_data(language, &stdin, by, here);
            }
            if text.starts_with("/dev/fd/") || text.starts_with("/proc/self/fd/") {
                let reason = String::from("the code comes from another descriptor");
                self.unknown_kind(ActionKind::ExecDynamic, reason, by, here);
                return Data::opaque();
            }
        }
        if let Some(mut located) = self.located(file, here) {
            let is_file = |held: &Data| held.text.is_some();
            if language == "python" && !self.written(&located.path).is_some_and(is_file) {
                // A folder is run by what lies in it.
                let main = format!("{}/__main__.py", located.path);
                if self.written(&main).is_some() {
                    located.path = main;
                }
            }
            if located.whole
                && let Some(data) = self.written(&located.path).cloned()
            {
                return self.written_script(language, file, &data, by, here);
            }
            if let Some(brought) = self.brought_to(&located.path) {
                self.local_code(file, Some(brought), by, here);
                return Data::opaque();
            }
        }
        // Objects that lie there run nothing by themselves.
        if language != "manifest" {
            self.runs_any(language, file, by, here);
            self.path(ActionKind::ExecLocal, file, by, here);
        }
        Data::opaque()
    }

    /// A script that the call wrote itself.
    fn written_script(
        &mut self,
        language: &str,
        file: &Word,
        data: &Data,
        by: &str,
        here: &Situation,
    ) -> Data {
        if data.text.is_some() {
            let by_name = file.exact().and_then(|path| Some(path.rsplit_once('.')?.1));
            // Windows goes by the name.
            let language = match by_name.map(str::to_ascii_lowercase).as_deref() {
                Some("ps1") => "powershell",
                Some("bat" | "cmd") => "cmd",
                _ => language,
            };
            let language = data
                .text
                .as_ref()
                .and_then(|text| shebang(text.value.exact()?))
                .unwrap_or(language);
            self.multiplies(language, data, by, here);
            let output = self.code_data(language, data, by, here);
            self.made_code(language, data, by, here);
            if !data.files.is_empty() {
                self.path(ActionKind::ExecLocal, file, by, here);
            }
            return output;
        }
        if !data.served.is_empty() || data.decoded {
            return self.code_data(language, data, by, here);
        }
        self.local_code(file, self.brought_with(data), by, here);
        self.made_code(language, data, by, here);
        Data::opaque()
    }

    /// A file of this machine that is run, which may have been brought.
    fn local_code(&mut self, file: &Word, brought: Option<Brought>, by: &str, here: &Situation) {
        let manner = Manner {
            attributes: brought.map(Brought::attribute).into_iter().collect(),
            ..Manner::of(ActionKind::ExecLocal, Role::Path, by)
        };
        self.act(&manner, file, here);
    }

    /// Files whose content the call itself states by a hash: whoever serves them decides nothing any more.
    fn verified(&mut self, text: &str, here: &Situation) {
        const HEX_DIGITS: usize = 64;
        for line in text.lines() {
            let Some((hash, name)) = line.trim().split_once(char::is_whitespace) else {
                continue;
            };
            let is_hash =
                hash.len() >= HEX_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let name = name.trim_start().trim_start_matches('*');
            if is_hash
                && let Some(path) = self.absolute(name, here)
                && let Some((_, data)) = self.files.iter_mut().find(|(held, _)| *held == path)
            {
                data.served.clear();
            }
        }
    }

    /// Why a word is not known, for people.
    pub fn reason_of(word: &Word) -> String {
        why_text(&why_of(&word.value)).into_owned()
    }
}

/// A request and the file that its answer is stored in, which the same piece of code names.
#[derive(Default)]
struct Request {
    /// What is fetched flows through streams that callbacks join: where it ends is not followed, so that any file that is
    /// opened may be where.
    streams: bool,
    fetched: Option<(ByteSpan, Data)>,
    written: Option<(ByteSpan, Value)>,
}

impl Request {
    /// The file that an effect, with one before it, stores an answer in, and where that comes from.
    fn stored(&mut self, effect: &CodeEffect) -> Option<(Value, Data)> {
        let What::Act {
            kind,
            target: Some(target),
            ..
        } = &effect.what
        else {
            return None;
        };
        match (kind, target) {
            (ActionKind::NetFetch, Value::Exact(url)) => {
                let data = Data::of_url(Rc::from(url.as_str()));
                self.fetched = Some((effect.span, data));
            }
            (ActionKind::FsWrite, _) => self.written = Some((effect.span, target.clone())),
            _ => return None,
        }
        let (asked, data) = self.fetched.as_ref()?;
        let (put, file) = self.written.as_ref()?;
        (self.streams || asked == put).then(|| (file.clone(), data.clone()))
    }
}

/// What a piece of code prints.
#[derive(Default)]
struct Printed {
    text: Option<Data>,
    /// Some of it is not known.
    more: bool,
}

impl Printed {
    fn add(&mut self, text: &Value, verbatim_at: Option<usize>, origin: &Origin) {
        if matches!(text, Value::Unknown(_)) {
            self.more = true;
            return;
        }
        self.more |= text.exact().is_none();
        // What is known of it; that there is more is said by itself.
        let text = match text {
            Value::Prefix(known, _) => &Value::Exact(known.clone()),
            other => other,
        };
        let origin = Origin {
            verbatim: origin
                .verbatim
                .zip(verbatim_at)
                .map(|(base, offset)| base + offset),
            ..origin.clone()
        };
        let line = Data::of_text(text.clone(), origin);
        match &mut self.text {
            Some(held) => held.followed_by(&line),
            none => *none = Some(line),
        }
    }

    /// Code whose printing is not seen prints all the same.
    fn show(self, output: &mut Data) {
        output.made = self.more || self.text.is_none();
        if let Some(text) = self.text.and_then(|data| data.text) {
            output.printed = Some(text);
        }
    }
}

/// A path of Windows as paths are compared here.
fn slashed(path: Value) -> Value {
    match path {
        Value::Exact(path) => Value::Exact(path.replace('\\', "/")),
        other => other,
    }
}

fn role_of(role: TargetRole) -> Role {
    match role {
        TargetRole::Path => Role::Path,
        TargetRole::Url => Role::Url,
        TargetRole::Host => Role::Host,
        TargetRole::Name => Role::Name,
    }
}
