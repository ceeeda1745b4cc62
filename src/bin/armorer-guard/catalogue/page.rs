//! What is written about one program or subcommand.

use armorer_guard_core::actions::catalogue::entry::{
    Act, Arity, Condition, Effect, Entry, Selector, Test,
};
use armorer_guard_core::actions::catalogue::options::Listed;
use armorer_guard_core::actions::catalogue::source::{Source, Written};
use armorer_guard_core::actions::catalogue::spec::CommandSpec;
use armorer_guard_core::actions::engine::entry_of;
use armorer_guard_core::explain::visible;
use serde::Serialize;

use super::ERROR;
use super::known::{Known, POLICY, place};
use crate::output::{answer, complain};

/// Everything about an entry.
#[derive(Serialize)]
struct Page<'s> {
    name: &'s str,
    summary: &'s str,
    file: &'s str,
    line: Option<usize>,
    aliases: &'s [String],
    harmless: bool,
    harmless_when: Vec<String>,
    options: Vec<OptionMembers<'s>>,
    effects: Vec<EffectMembers<'s>>,
    unlisted: Option<&'s str>,
    otherwise: Option<&'s str>,
    subcommands: Vec<Below<'s>>,
    examples: Vec<Example<'s>>,
}

#[derive(Serialize)]
struct OptionMembers<'s> {
    spellings: Vec<&'s str>,
    value: &'static str,
    inherited: bool,
    changes: Vec<String>,
}

/// An effect as it is written.
#[derive(Serialize)]
pub(super) struct EffectMembers<'s> {
    does: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'s str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    only: &'s [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    except: &'s [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'s str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    when: &'s [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unless: &'s [String],
    #[serde(rename = "with", skip_serializing_if = "<[String]>::is_empty")]
    attributes: &'s [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    certainty: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safer: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'s str>,
}

#[derive(Serialize)]
struct Below<'s> {
    name: &'s str,
    summary: &'s str,
}

#[derive(Serialize)]
struct Example<'s> {
    line: &'s str,
    actions: &'s [String],
}

pub(super) fn show(words: &[String], json: bool) -> u8 {
    let Some(known) = Known::open_or_complain() else {
        return ERROR;
    };
    let words: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split(' '))
        .filter(|word| !word.is_empty())
        .collect();
    let Some(entry) = known.entry(|commands| entry_of(commands, &words)) else {
        complain(
            &format!("`{}` is not in the catalogue", visible(&words.join(" "))),
            Some(
                "such a program is `exec.local` with the attribute `unlisted`; `armorer-guard catalogue list` shows what is known",
            ),
        );
        return ERROR;
    };
    let page = page(&known.source, entry);
    answer(json, &page, &|| page.text())
}

fn page<'s>(source: &'s Source, entry: &'s Entry<'static>) -> Page<'s> {
    let written = source.entry(entry.name).filter(|_| entry.file != POLICY);
    let spec: Option<&CommandSpec> = written.map(|(_, spec)| spec);
    let own = spec.map_or(0, own_options);
    let effects = source.effects(entry.name);
    let names: Vec<String> = effects.iter().map(|written| does(*written)).collect();
    Page {
        name: entry.name,
        summary: entry.summary,
        file: match written {
            Some((file, _)) => file,
            None if entry.file == POLICY => POLICY,
            None => "",
        },
        line: written.and_then(|_| source.line(entry.name)),
        aliases: spec.map_or(&[], |spec| &spec.aliases),
        harmless: spec.is_some_and(|spec| spec.harmless),
        harmless_when: harmless_when(entry, spec),
        options: entry
            .options
            .iter()
            .map(|option| (option, spellings(option)))
            .filter(|(_, spellings)| !matches!(spellings.as_slice(), ["--help" | "--version"]))
            .map(|(option, spellings)| OptionMembers {
                spellings,
                value: match option.arity {
                    Arity::Flag => "none",
                    Arity::Value => "value",
                    Arity::Attached => "attached",
                    Arity::Pair => "pair",
                    Arity::Block => "block",
                },
                inherited: option.number >= own,
                changes: changes(entry, option.number, &names),
            })
            .collect(),
        effects: effects
            .iter()
            .map(|written| members(*written, entry.name))
            .collect(),
        unlisted: spec.and_then(|spec| spec.unlisted.as_deref()),
        otherwise: spec.and_then(|spec| spec.otherwise.as_deref()),
        subcommands: source
            .below(entry.name)
            .map(|entry| Below {
                name: &entry.name,
                summary: &entry.summary,
            })
            .collect(),
        examples: spec
            .iter()
            .flat_map(|spec| &spec.examples)
            .map(|(line, actions)| Example { line, actions })
            .collect(),
    }
}

/// The spellings of an option, dashes included.
pub(super) fn spellings(option: Listed) -> Vec<&'static str> {
    option
        .spellings()
        .filter_map(|spelling| std::str::from_utf8(spelling).ok())
        .collect()
}

fn own_options(spec: &CommandSpec) -> usize {
    [
        &spec.flags,
        &spec.values,
        &spec.optional,
        &spec.pairs,
        &spec.blocks,
    ]
    .iter()
    .map(|list| list.len())
    .sum::<usize>()
        + usize::from(spec.numeric)
}

/// The conditions that prove the entry harmless: those that are written, then `--help` and `--version`.
pub(super) fn harmless_when(entry: &Entry<'_>, spec: Option<&CommandSpec>) -> Vec<String> {
    let mut held: Vec<String> = spec.map_or_else(Vec::new, |spec| spec.harmless_when.clone());
    for condition in entry.harmless_when.iter().skip(held.len()) {
        held.extend(condition.iter().filter_map(|term| match &term.test {
            Test::Option(number, _) => {
                let option = entry.options.get(usize::from(*number))?;
                Some((*spellings(option).first()?).to_owned())
            }
            _ => None,
        }));
    }
    held
}

pub(super) fn does(written: Written<'_>) -> String {
    let effect = written.effect;
    match (&effect.kind, effect.run, &effect.language) {
        (Some(kind), _, _) => kind.clone(),
        (None, Some(run), Some(language)) => format!("runs {} ({language})", run.as_str()),
        (None, Some(run), None) => format!("runs {}", run.as_str()),
        (None, None, _) => String::from("nothing"),
    }
}

pub(super) fn members<'s>(written: Written<'s>, name: &str) -> EffectMembers<'s> {
    let effect = written.effect;
    EffectMembers {
        does: does(written),
        to: effect.to.as_deref(),
        only: &effect.only,
        except: &effect.except,
        part: effect.part.as_deref(),
        when: &effect.when,
        unless: &effect.unless,
        attributes: &effect.attributes,
        certainty: effect.certainty.as_deref(),
        on: effect.on.as_deref(),
        safer: effect.safer.as_deref(),
        from: (written.entry != name).then_some(written.entry),
    }
}

/// What an option takes part in.
fn changes(entry: &Entry<'_>, number: usize, names: &[String]) -> Vec<String> {
    let is = |option: &u16| usize::from(*option) == number;
    let asks = |condition: &Condition<'_>| {
        condition
            .iter()
            .any(|term| matches!(&term.test, Test::Option(option, _) if is(option)))
    };
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !found.contains(&text) {
            found.push(text);
        }
    };
    if entry.harmless_when.iter().any(asks) {
        add(String::from("harmless"));
    }
    for (effect, name) in entry.effects.iter().zip(names) {
        if selects(effect, &is) {
            add(format!("says what {name} is about"));
        }
        if effect.when.iter().any(asks) {
            add(name.clone());
        }
        if effect.unless.iter().any(asks) {
            add(format!("no {name}"));
        }
        for (attribute, condition) in &effect.attributes {
            if condition.as_ref().is_some_and(asks) {
                add(format!("{name} ({attribute})"));
            }
        }
        if matches!(effect.act, Act::Code(_)) && selects(effect, &is) {
            add(String::from("its value is code"));
        }
    }
    found
}

fn selects(effect: &Effect<'_>, is: &dyn Fn(&u16) -> bool) -> bool {
    fn names(selector: &Selector<'_>, is: &dyn Fn(&u16) -> bool) -> bool {
        match selector {
            Selector::Option(option) => is(option),
            Selector::Under(one, other) => names(one, is) || names(other, is),
            Selector::Join(inner) => names(inner, is),
            Selector::All(parts) | Selector::First(parts) => {
                parts.iter().any(|part| names(part, is))
            }
            _ => false,
        }
    }
    effect
        .to
        .as_ref()
        .is_some_and(|selector| names(selector, is))
}

impl EffectMembers<'_> {
    /// One line that says what, and one for each condition.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut first = self.does.clone();
        if let Some(to) = self.to {
            first.push_str(&format!(" of {to}"));
        }
        if let Some(on) = self.on {
            first.push_str(&format!(", on {on}"));
        }
        if let Some(certainty) = self.certainty {
            first.push_str(&format!(", {certainty} at most"));
        }
        if let Some(from) = self.from {
            first.push_str(&format!(" (as every `{from}`)"));
        }
        let mut lines = vec![first];
        for (label, patterns) in [("only", self.only), ("except", self.except)] {
            if !patterns.is_empty() {
                lines.push(format!("  {label} {}", patterns.join(", ")));
            }
        }
        lines.extend(self.part.map(|part| format!("  what stands {part}")));
        lines.extend(self.when.iter().map(|text| format!("  when {text}")));
        lines.extend(self.unless.iter().map(|text| format!("  unless {text}")));
        lines.extend(
            self.attributes
                .iter()
                .map(|text| match text.split_once(": ") {
                    Some((name, condition)) => format!("  ({name}) when {condition}"),
                    None => format!("  ({text})"),
                }),
        );
        lines.extend(self.safer.map(|safer| format!("  safer: {safer}")));
        lines
    }
}

impl Page<'_> {
    fn text(&self) -> String {
        let mut out = format!("{}: {}\n", self.name, self.summary);
        let mut line = |label: &str, text: &str| {
            out.push_str(format!("  {label:<12}{text}").trim_end());
            out.push('\n');
        };
        line("written in", &place(self.file, self.line));
        if !self.aliases.is_empty() {
            line("also", &self.aliases.join(", "));
        }
        if self.harmless {
            line("harmless", "whatever its words");
        } else {
            line(
                "harmless",
                &format!("with {}", self.harmless_when.join(", or ")),
            );
        }
        for (number, effect) in self.effects.iter().enumerate() {
            for (at, text) in effect.lines().iter().enumerate() {
                line(if number == 0 && at == 0 { "does" } else { "" }, text);
            }
        }
        if let Some(otherwise) = self.otherwise {
            line("otherwise", otherwise);
        }
        for (at, option) in self
            .options
            .iter()
            .filter(|option| !option.inherited)
            .enumerate()
        {
            let value = match option.value {
                "value" => " VALUE",
                "attached" => "[=VALUE]",
                "pair" => " NAME VALUE",
                "block" => " WORDS ;",
                _ => "",
            };
            let spelled = format!("{}{value}", option.spellings.join(" "));
            let changes = if option.changes.is_empty() {
                String::new()
            } else {
                format!("  {}", option.changes.join("; "))
            };
            line(
                if at == 0 { "options" } else { "" },
                &format!("{spelled:<32}{changes}"),
            );
        }
        let inherited: Vec<String> = self
            .options
            .iter()
            .filter(|option| option.inherited)
            .map(|option| option.spellings.join(" "))
            .collect();
        if !inherited.is_empty() {
            line("and", &format!("{} of its parents", inherited.join(", ")));
        }
        for (at, below) in self.subcommands.iter().enumerate() {
            line(
                if at == 0 { "subcommands" } else { "" },
                &format!("{}: {}", below.name, below.summary),
            );
        }
        if let Some(unlisted) = self.unlisted {
            line("others", &format!("any other subcommand is: {unlisted}"));
        }
        for (at, example) in self.examples.iter().enumerate() {
            let actions = if example.actions.is_empty() {
                String::from("nothing")
            } else {
                example.actions.join(", ")
            };
            line(
                if at == 0 { "examples" } else { "" },
                &format!("{}  →  {actions}", visible(example.line)),
            );
        }
        out
    }
}
