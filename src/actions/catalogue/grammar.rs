//! The small languages inside an entry: selectors, conditions, templates, parts.
//!
//! Every reader says what is wrong in one sentence; options are checked against those the entry has.

use super::entry::{Arity, Condition, Count, Part, Piece, Role, Selector, Stream, Term, Test};
use super::options::Opt;
use super::words::Words;
use crate::actions::kinds::ActionKind;

/// The options that may be named: those of an entry, from one of its parents on.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a, 'o> {
    /// All of them.
    pub list: &'o [Opt<'a>],
    /// The first that may be named.
    pub base: usize,
}

/// The number of the option with that spelling.
fn option(spelling: &str, options: Options<'_, '_>) -> Result<u16, String> {
    options
        .list
        .iter()
        .skip(options.base)
        .position(|option| option.spellings.contains(&spelling))
        .and_then(|index| u16::try_from(options.base + index).ok())
        .ok_or_else(|| format!("`{spelling}` is not an option of the entry"))
}

/// Reads a selector.
///
/// # Errors
/// When it is not one, or names an option that the entry does not have.
pub fn selector<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Selector<'a>, String> {
    let alternatives = text
        .split(" | ")
        .map(|part| alternative(part.trim(), options))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(single(alternatives, Selector::First))
}

fn alternative<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Selector<'a>, String> {
    if let Some(joined) = text.strip_prefix("join ") {
        return Ok(Selector::Join(Box::new(union(joined, options)?)));
    }
    union(text, options)
}

fn union<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Selector<'a>, String> {
    if let Some((inner, folder)) = text.split_once(" under ") {
        return Ok(Selector::Under(
            Box::new(union(inner, options)?),
            Box::new(union(folder, options)?),
        ));
    }
    let parts = text
        .split(" + ")
        .map(|part| atom(part.trim(), options))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(single(parts, Selector::All))
}

fn single<'a>(
    mut parts: Vec<Selector<'a>>,
    many: impl FnOnce(Vec<Selector<'a>>) -> Selector<'a>,
) -> Selector<'a> {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            many(parts)
        }
        (_, None) => many(parts),
    }
}

fn atom<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Selector<'a>, String> {
    Ok(match text {
        "operands" => Selector::From(0),
        "last" => Selector::Last,
        "but last" => Selector::ButLast,
        "stdin" => Selector::Stdin,
        "cwd" => Selector::Cwd,
        "words" => Selector::Words,
        "variables" => Selector::Variables,
        _ => {
            if let Some(number) = text.strip_prefix("operands ") {
                let from = number.strip_suffix("..").ok_or_else(|| {
                    format!("`{text}` is not a selector: did you mean `{text}..`?")
                })?;
                Selector::From(ordinal(from)?)
            } else if let Some(number) = text.strip_prefix("operand ") {
                Selector::Operand(ordinal(number)?)
            } else if let Some(spelling) = text.strip_prefix("option ") {
                Selector::Option(option(spelling, options)?)
            } else if let Some(literal) = text.strip_prefix("text ") {
                Selector::Text(literal)
            } else if let Some(path) = text.strip_prefix("arg ") {
                Selector::Arg(argument_path(path))
            } else {
                return Err(format!("`{text}` is not a selector"));
            }
        }
    })
}

/// Operands are counted from 1 by people.
fn ordinal(text: &str) -> Result<u16, String> {
    text.trim()
        .parse::<u16>()
        .ok()
        .and_then(|number| number.checked_sub(1))
        .ok_or_else(|| format!("`{text}` is not a number from 1"))
}

/// `edits[].path` as its steps.
#[must_use]
pub fn argument_path(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    for step in path.split('.') {
        match step.strip_suffix("[]") {
            Some("") => steps.push(""),
            Some(name) => steps.extend([name, ""]),
            None => steps.push(step),
        }
    }
    steps
}

/// Reads a condition.
///
/// # Errors
/// When a term is not one, or names an option that the entry does not have.
pub fn condition<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Condition<'a>, String> {
    text.split(" | ")
        .map(|part| term(part.trim(), options))
        .collect()
}

/// Reads a filter with the value at which everything passes it: `-name=*`. The value is literal.
///
/// # Errors
/// When the entry has no such option, or one without a value.
pub fn open_filter<'a>(text: &'a str, options: Options<'_, '_>) -> Result<(u16, &'a str), String> {
    let (spelling, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` names no value: `-name=*`"))?;
    let index = option(spelling, options)?;
    let takes_value = options
        .list
        .get(usize::from(index))
        .is_some_and(|option| option.arity == Arity::Value);
    if takes_value {
        Ok((index, value))
    } else {
        Err(format!("`{spelling}` takes no value that could be open"))
    }
}

fn term<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Term<'a>, String> {
    let (negated, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let test = match plain_test(text)? {
        Some(test) => test,
        None => option_test(text, options)?,
    };
    Ok(Term { test, negated })
}

fn plain_test(text: &str) -> Result<Option<Test<'_>>, String> {
    if let Some(patterns) = text.strip_prefix("operands=~") {
        return Ok(Some(Test::AnyOperand(patterns_of(patterns))));
    }
    if let Some(rest) = text.strip_prefix("operands") {
        let number = |rest: &str| {
            rest.trim()
                .parse::<u16>()
                .map_err(|_| format!("`{text}` has no number"))
        };
        return match rest.split_at_checked(1) {
            Some(("=", rest)) => Ok(Some(Test::Operands(Count::Is(number(rest)?)))),
            Some((">", rest)) => Ok(Some(Test::Operands(Count::Over(number(rest)?)))),
            Some(("<", rest)) => Ok(Some(Test::Operands(Count::Under(number(rest)?)))),
            _ => Err(format!("`{text}` is not a condition")),
        };
    }
    if let Some(rest) = text.strip_prefix("operand ") {
        let (number, patterns) = rest
            .split_once('=')
            .ok_or_else(|| format!("`{text}` has no pattern"))?;
        return Ok(Some(Test::Operand(
            ordinal(number)?,
            patterns_of(patterns.strip_prefix('~').unwrap_or(patterns)),
        )));
    }
    let named = |rest: &'_ str| -> (usize, bool) {
        rest.find('=').map_or((rest.len(), false), |at| (at, true))
    };
    if let Some(patterns) = text.strip_prefix("last=~") {
        return Ok(Some(Test::LastOperand(patterns_of(patterns))));
    }
    if let Some(patterns) = text.strip_prefix("word=") {
        return Ok(Some(Test::Word(patterns_of(
            patterns.strip_prefix('~').unwrap_or(patterns),
        ))));
    }
    if let Some(name) = text.strip_prefix("stdin=") {
        return Ok(Some(Test::Stdin(stream(name)?)));
    }
    if let Some(name) = text.strip_prefix("stdout=") {
        return Ok(Some(Test::Stdout(stream(name)?)));
    }
    if let Some(rest) = text.strip_prefix("env ") {
        let (at, valued) = named(rest);
        let patterns = if valued {
            patterns_of(&rest[at + 1..])
        } else {
            Words::default()
        };
        return Ok(Some(Test::Env(&rest[..at], patterns)));
    }
    if let Some(rest) = text.strip_prefix("arg ") {
        let (at, valued) = named(rest);
        let patterns = if valued {
            patterns_of(&rest[at + 1..])
        } else {
            Words::default()
        };
        return Ok(Some(Test::Arg(argument_path(&rest[..at]), patterns)));
    }
    Ok(None)
}

fn option_test<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Test<'a>, String> {
    if let Ok(index) = option(text, options) {
        return Ok(Test::Option(index, Words::default()));
    }
    for (at, _) in text.match_indices('=') {
        for (spelling, patterns) in [
            (&text[..=at], &text[at + 1..]),
            (&text[..at], &text[at + 1..]),
        ] {
            if let Ok(index) = option(spelling, options) {
                return Ok(Test::Option(index, patterns_of(patterns)));
            }
        }
    }
    Err(format!(
        "`{text}` is not a condition: no option of the entry is spelled so"
    ))
}

fn patterns_of(text: &str) -> Words<'_> {
    text.split(',').collect()
}

fn stream(name: &str) -> Result<Stream, String> {
    Ok(match name {
        "piped" => Stream::Piped,
        "text" => Stream::Text,
        "file" => Stream::File,
        "given" => Stream::Given,
        "none" => Stream::None,
        _ => {
            return Err(format!("`{name}` is not piped, text, file, given or none"));
        }
    })
}

/// Reads `after =`, `after last :`, `before :`, `strip @`, `stem`.
///
/// # Errors
/// When it is none of these.
pub fn part(text: &str) -> Result<Part<'_>, String> {
    if text == "stem" {
        return Ok(Part::Stem);
    }
    let after = |word: &str| text.strip_prefix(word).filter(|rest| !rest.is_empty());
    if let Some(separator) = after("after last ") {
        Ok(Part::AfterLast(separator))
    } else if let Some(separator) = after("after ") {
        Ok(Part::After(separator))
    } else if let Some(separator) = after("before ") {
        Ok(Part::Before(separator))
    } else if let Some(beginning) = after("strip ") {
        Ok(Part::Strip(beginning))
    } else {
        Err(format!("`{text}` is not a part such as `after =`"))
    }
}

/// Reads a template such as `ssh:{operand 1}`.
///
/// # Errors
/// When a brace stays open, or holds no selector.
pub fn template<'a>(text: &'a str, options: Options<'_, '_>) -> Result<Vec<Piece<'a>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let (inner, after) = after
            .split_once('}')
            .ok_or_else(|| format!("`{text}` has an open brace"))?;
        pieces.push(Piece::Value(selector(inner, options)?));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// What the targets of a kind are when an effect does not say.
#[must_use]
pub const fn role_of(kind: ActionKind) -> Role {
    use ActionKind as K;
    match kind {
        K::FsRead
        | K::FsWrite
        | K::FsDelete
        | K::FsDestroy
        | K::FsPermission
        | K::DiskWrite
        | K::CredentialRead
        | K::PersistStartup
        | K::PersistHook
        | K::PersistAccess
        | K::SystemLog
        | K::ExecLocal
        | K::ExecHijack => Role::Path,
        K::NetFetch | K::NetSend => Role::Url,
        K::NetListen | K::NetScan | K::NetTunnel | K::NetInsecure | K::ExecRemoteShell => {
            Role::Host
        }
        _ => Role::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Arity;
    use super::*;

    fn list() -> Vec<Opt<'static>> {
        [vec!["-o", "--output"], vec!["of="], vec!["-X"]]
            .into_iter()
            .map(|spellings| Opt {
                spellings,
                arity: Arity::Value,
                stops: false,
            })
            .collect()
    }

    fn options<'o>(list: &'o [Opt<'static>]) -> Options<'static, 'o> {
        Options { list, base: 0 }
    }

    #[test]
    fn alternatives_bind_looser_than_unions_and_joins() {
        let read = selector(
            "join operands 2.. + option -o | text origin",
            options(&list()),
        )
        .unwrap();
        assert_eq!(
            format!("{read:?}"),
            "First([Join(All([From(1), Option(0)])), Text(\"origin\")])"
        );
    }

    #[test]
    fn a_condition_names_its_option_by_any_spelling() {
        let read = condition("!--output | -X=POST,PUT* | of=/dev/*", options(&list())).unwrap();
        assert_eq!(
            format!("{read:?}"),
            "[Term { test: Option(0, []), negated: true }, \
             Term { test: Option(2, [\"POST\", \"PUT*\"]), negated: false }, \
             Term { test: Option(1, [\"/dev/*\"]), negated: false }]"
        );
        assert!(condition("--otput", options(&list())).is_err());
    }

    #[test]
    fn an_open_brace_and_an_operand_zero_are_refused() {
        assert!(template("ssh:{operand 1", options(&list())).is_err());
        assert!(selector("operand 0", options(&list())).is_err());
    }
}
