//! Shell patterns on known text, for `${x#p}`, `${x%p}` and `${x/p/r}`. Every search is bounded by a work budget.

/// Where a replacement looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The first match.
    First,
    /// Every match.
    Every,
    /// Only at the start.
    Start,
    /// Only at the end.
    End,
}

/// Text as a pattern that matches it alone.
pub fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The text a pattern matches alone, when it has no active characters.
pub fn literal(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' | '[' => return None,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    Some(text)
}

/// The same for file names of which only a glob is known, in the cases that are plain whatever they are: an ending that
/// stands in the glob (`${f%.in}`), the folder (`${f%/*}`), the last component (`${f##*/}`). `None`: it is not known.
pub fn trim_names(names: &str, pattern: &str, suffix: bool, longest: bool) -> Option<String> {
    let kept = match (pattern, suffix, longest) {
        ("/*", true, false) => names.rsplit_once('/')?.0.to_owned(),
        ("*/", false, true) => names.rsplit_once('/')?.1.to_owned(),
        (_, true, _) => {
            let ending = escape(&literal(pattern)?);
            let kept = names.strip_suffix(&ending)?;
            // The ending's first character would be half of an escape.
            let escapes = kept.bytes().rev().take_while(|byte| *byte == b'\\').count();
            (escapes % 2 == 0).then(|| kept.to_owned())?
        }
        _ => return None,
    };
    // A glob in which a bracket is cut apart is another one.
    let closed = kept.matches('[').count() <= kept.matches(']').count();
    (!kept.is_empty() && closed).then_some(kept)
}

/// The text without what the pattern matches at one end. `None`: over the budget.
pub fn trim<'a>(
    text: &'a str,
    pattern: &str,
    suffix: bool,
    longest: bool,
    work: &mut usize,
) -> Option<&'a str> {
    if let Some(literal) = literal(pattern) {
        let trimmed = if suffix {
            text.strip_suffix(literal.as_str())
        } else {
            text.strip_prefix(literal.as_str())
        };
        return Some(trimmed.unwrap_or(text));
    }
    let cuts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    // The longest suffix begins at the first cut, the longest prefix ends at the last.
    let mut cuts: Vec<usize> = cuts.collect();
    if suffix != longest {
        cuts.reverse();
    }
    for cut in cuts {
        let (head, tail) = text.split_at(cut);
        let piece = if suffix { tail } else { head };
        if matches(pattern, piece, work)? {
            return Some(if suffix { head } else { tail });
        }
    }
    Some(text)
}

/// The text with matches replaced. `None`: over the budget.
pub fn replace(
    text: &str,
    pattern: &str,
    with: &str,
    anchor: Anchor,
    work: &mut usize,
) -> Option<String> {
    if pattern.is_empty() {
        return Some(text.to_owned());
    }
    if let Some(literal) = literal(pattern) {
        let literal = literal.as_str();
        return Some(match anchor {
            Anchor::Every => text.replace(literal, with),
            Anchor::First => text.replacen(literal, with, 1),
            Anchor::Start => text
                .strip_prefix(literal)
                .map_or_else(|| text.to_owned(), |rest| format!("{with}{rest}")),
            Anchor::End => text
                .strip_suffix(literal)
                .map_or_else(|| text.to_owned(), |rest| format!("{rest}{with}")),
        });
    }
    if anchor == Anchor::End {
        let rest = trim(text, pattern, true, true, work)?;
        return Some(if rest.len() == text.len() {
            text.to_owned()
        } else {
            format!("{rest}{with}")
        });
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let matched = longest_prefix(pattern, rest, work)?;
        match matched {
            Some(length) if length > 0 => {
                result.push_str(with);
                rest = &rest[length..];
                if anchor != Anchor::Every {
                    break;
                }
            }
            _ => {
                if anchor == Anchor::Start {
                    break;
                }
                let Some(character) = rest.chars().next() else {
                    break;
                };
                result.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    result.push_str(rest);
    Some(result)
}

/// The longest start of the text that the pattern matches.
fn longest_prefix(pattern: &str, text: &str, work: &mut usize) -> Option<Option<usize>> {
    let mut ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    ends.push(text.len());
    for end in ends.into_iter().rev() {
        if matches(pattern, &text[..end], work)? {
            return Some(Some(end));
        }
    }
    Some(None)
}

/// Whether the pattern matches all of the text. `None`: over the budget.
pub fn matches(pattern: &str, text: &str, work: &mut usize) -> Option<bool> {
    let (mut rest, mut left) = (pattern, text);
    // Where to go on when a match fails: after the last star, one character further on.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        // A bracket expression is read through for every character.
        let cost = if rest.starts_with('[') {
            1 + rest.len() / 8
        } else {
            1
        };
        *work = work.checked_sub(cost)?;
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            retry = Some((after, left));
            if after.is_empty() {
                return Some(true);
            }
            continue;
        }
        let step = if rest.is_empty() {
            if left.is_empty() {
                return Some(true);
            }
            None
        } else {
            one(rest, left)
        };
        if let Some((pattern_used, text_used)) = step {
            rest = &rest[pattern_used..];
            left = &left[text_used..];
            continue;
        }
        let Some((after, from)) = retry else {
            return Some(false);
        };
        let Some(skipped) = from.chars().next() else {
            return Some(false);
        };
        let from = &from[skipped.len_utf8()..];
        retry = Some((after, from));
        (rest, left) = (after, from);
    }
}

/// Matches one element of the pattern against one character: how much of each it used.
fn one(pattern: &str, text: &str) -> Option<(usize, usize)> {
    let character = text.chars().next()?;
    let length = character.len_utf8();
    let first = pattern.chars().next()?;
    match first {
        '?' => Some((1, length)),
        '[' => {
            let (matched, used) = bracket(pattern, character)?;
            matched.then_some((used, length))
        }
        '\\' => {
            let escaped = pattern[1..].chars().next()?;
            (escaped == character).then_some((1 + escaped.len_utf8(), length))
        }
        other => (other == character).then_some((other.len_utf8(), length)),
    }
}

/// `[..]`: whether it holds the character, and its length. Without an end it is a literal bracket.
fn bracket(pattern: &str, character: char) -> Option<(bool, usize)> {
    let inner = &pattern[1..];
    let negated = inner.starts_with(['!', '^']);
    let start = 1 + usize::from(negated);
    let mut found = false;
    let mut characters = pattern[start..].char_indices().peekable();
    let mut first = true;
    while let Some((at, member)) = characters.next() {
        let here = start + at;
        if member == ']' && !first {
            return Some((found != negated, here + 1));
        }
        first = false;
        if member == '['
            && let Some(class) = pattern[here..].strip_prefix("[:")
            && let Some(end) = class.find(":]")
        {
            found |= in_class(&class[..end], character);
            let stop = here + 2 + end + 2;
            while characters.next_if(|(at, _)| start + at < stop).is_some() {}
            continue;
        }
        let member = if member == '\\' {
            characters.next().map_or(member, |(_, escaped)| escaped)
        } else {
            member
        };
        let mut ahead = characters.clone();
        if ahead.next().is_some_and(|(_, dash)| dash == '-')
            && let Some((_, last)) = ahead.next()
            && last != ']'
        {
            found |= member <= character && character <= last;
            characters = ahead;
        } else {
            found |= member == character;
        }
    }
    (character == '[').then_some((true, 1))
}

fn in_class(class: &str, character: char) -> bool {
    match class {
        "alpha" => character.is_alphabetic(),
        "digit" => character.is_ascii_digit(),
        "alnum" => character.is_alphanumeric(),
        "upper" => character.is_uppercase(),
        "lower" => character.is_lowercase(),
        "space" => character.is_whitespace(),
        "blank" => matches!(character, ' ' | '\t'),
        "punct" => character.is_ascii_punctuation(),
        "xdigit" => character.is_ascii_hexdigit(),
        _ => false,
    }
}
