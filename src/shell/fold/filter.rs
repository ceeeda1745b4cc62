//! Line and character filters: `rev`, `tac`, `tr`, `cut`, `head`, `tail`, simple `sed`, and `seq`.

/// Every line reversed.
pub(super) fn rev(input: &str) -> String {
    let mut result = String::with_capacity(input.len());
    for line in input.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        result.extend(body.chars().rev());
        result.push_str(&line[body.len()..]);
    }
    result
}

/// The lines in reverse order.
pub(super) fn tac(input: &str) -> String {
    input.split_inclusive('\n').rev().collect()
}

/// `tr set1 set2`, `tr -d set`, `tr -s set`, `-c` for any of them.
pub(super) fn tr(arguments: &[&str], input: &str) -> Option<String> {
    let (mut delete, mut squeeze, mut complement) = (false, false, false);
    let mut sets = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('-') {
            Some(letters) if !letters.is_empty() && sets.is_empty() => {
                for letter in letters.chars() {
                    match letter {
                        'd' => delete = true,
                        's' => squeeze = true,
                        'c' | 'C' => complement = true,
                        _ => return None,
                    }
                }
            }
            _ => sets.push(set(argument)?),
        }
    }
    let (from, to) = match sets.as_slice() {
        [from] if delete || squeeze => (from, None),
        [from, to] if !delete => (from, Some(to)),
        _ => return None,
    };
    if complement && to.is_some() && to.is_some_and(Vec::is_empty) {
        return None;
    }
    let mut result = String::with_capacity(input.len());
    let mut last = None;
    for character in input.chars() {
        let position = from.iter().rposition(|member| *member == character);
        let selected = position.is_some() != complement;
        if !selected {
            result.push(character);
            last = None;
            continue;
        }
        if delete {
            continue;
        }
        let mapped = match to {
            Some(to) => {
                let index = position.unwrap_or(usize::MAX).min(to.len().checked_sub(1)?);
                to[index]
            }
            None => character,
        };
        if squeeze && last == Some(mapped) {
            continue;
        }
        result.push(mapped);
        last = Some(mapped);
    }
    Some(result)
}

/// A set of `tr`: characters, escapes, ranges, classes.
fn set(text: &str) -> Option<Vec<char>> {
    let mut members = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(class) = rest.strip_prefix("[:") {
            let end = class.find(":]")?;
            members.extend(class_members(&class[..end])?);
            rest = &class[end + 2..];
            continue;
        }
        let (from, used) = member(rest)?;
        rest = &rest[used..];
        if let Some(after) = rest.strip_prefix('-')
            && !after.is_empty()
        {
            let (to, used) = member(after)?;
            rest = &after[used..];
            if to < from || u32::from(to) - u32::from(from) > 256 {
                return None;
            }
            members.extend(from..=to);
        } else {
            members.push(from);
        }
        let _ = first;
    }
    Some(members)
}

fn member(text: &str) -> Option<(char, usize)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    if first != '\\' {
        return Some((first, first.len_utf8()));
    }
    let Some(second) = characters.next() else {
        return Some(('\\', 1));
    };
    if second.is_digit(8) {
        let digits = text[1..]
            .bytes()
            .take(3)
            .take_while(|byte| matches!(byte, b'0'..=b'7'))
            .count();
        let code = u32::from_str_radix(&text[1..=digits], 8).ok()?;
        return Some((char::from_u32(code)?, 1 + digits));
    }
    let character = match second {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        other => other,
    };
    Some((character, 1 + second.len_utf8()))
}

fn class_members(class: &str) -> Option<Vec<char>> {
    let holds: fn(&char) -> bool = match class {
        "alpha" => char::is_ascii_alphabetic,
        "digit" => char::is_ascii_digit,
        "alnum" => char::is_ascii_alphanumeric,
        "upper" => char::is_ascii_uppercase,
        "lower" => char::is_ascii_lowercase,
        "punct" => char::is_ascii_punctuation,
        "cntrl" => char::is_ascii_control,
        "space" => |character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}'),
        "blank" => |character| matches!(character, ' ' | '\t'),
        "xdigit" => char::is_ascii_hexdigit,
        _ => return None,
    };
    Some(('\0'..='\u{7f}').filter(holds).collect())
}

/// `cut -c list`, `cut -b list`, `cut -d x -f list`.
pub(super) fn cut(arguments: &[&str], input: &str) -> Option<String> {
    let mut delimiter = "\t";
    let mut list = None;
    let mut fields = false;
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let (flag, attached) = argument.split_at_checked(2)?;
        let mut value = || {
            if attached.is_empty() {
                rest.next()
            } else {
                Some(attached)
            }
        };
        match flag {
            "-c" | "-b" => list = Some(value()?),
            "-f" => {
                list = Some(value()?);
                fields = true;
            }
            "-d" => delimiter = value()?,
            _ => return None,
        }
    }
    let ranges: Vec<(usize, usize)> = list?
        .split(',')
        .map(|range| match range.split_once('-') {
            None => range.parse().ok().map(|number| (number, number)),
            Some(("", last)) => last.parse().ok().map(|last| (1, last)),
            Some((first, "")) => first.parse().ok().map(|first| (first, usize::MAX)),
            Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        })
        .collect::<Option<_>>()?;
    if ranges.len() > 16 {
        return None;
    }
    let chosen = |position: usize| {
        ranges
            .iter()
            .any(|(first, last)| *first <= position && position <= *last)
    };
    let mut result = String::with_capacity(input.len());
    for line in input.lines() {
        if !fields {
            result.extend(
                line.chars()
                    .enumerate()
                    .filter(|(index, _)| chosen(index + 1))
                    .map(|(_, character)| character),
            );
        } else if line.contains(delimiter) {
            let kept: Vec<&str> = line
                .split(delimiter)
                .enumerate()
                .filter(|(index, _)| chosen(index + 1))
                .map(|(_, piece)| piece)
                .collect();
            result.push_str(&kept.join(delimiter));
        } else {
            result.push_str(line);
        }
        result.push('\n');
    }
    Some(result)
}

/// `head` and `tail` with `-n` and `-c`.
pub(super) fn ends(arguments: &[&str], input: &str, head: bool) -> Option<String> {
    let (bytes, count) = match arguments {
        [] => (false, "10"),
        ["-n", count] => (false, *count),
        ["-c", count] => (true, *count),
        [flag] => {
            if let Some(count) = flag.strip_prefix("-n") {
                (false, count)
            } else if let Some(count) = flag.strip_prefix("-c") {
                (true, count)
            } else {
                (false, flag.strip_prefix('-')?)
            }
        }
        _ => return None,
    };
    let from_start = !head && count.starts_with('+');
    let except = head && count.starts_with('-');
    let number: usize = count.trim_start_matches(['+', '-']).parse().ok()?;
    if bytes {
        let length = input.len();
        let cut = match (head, from_start, except) {
            (true, _, false) => number.min(length),
            (true, _, true) => length.saturating_sub(number),
            (false, true, _) => number.saturating_sub(1).min(length),
            (false, false, _) => length.saturating_sub(number),
        };
        let (first, second) = input.split_at_checked(cut)?;
        return Some(String::from(if head { first } else { second }));
    }
    let lines: Vec<&str> = input.split_inclusive('\n').collect();
    let length = lines.len();
    let kept = match (head, from_start, except) {
        (true, _, false) => &lines[..number.min(length)],
        (true, _, true) => &lines[..length.saturating_sub(number)],
        (false, true, _) => &lines[number.saturating_sub(1).min(length)..],
        (false, false, _) => &lines[length.saturating_sub(number)..],
    };
    Some(kept.concat())
}

/// `sed s/text/text/g` where the expression has no special characters.
pub(super) fn sed(arguments: &[&str], input: &str) -> Option<String> {
    let script = match arguments {
        [script] | ["-e", script] => *script,
        _ => return None,
    };
    let body = script.strip_prefix('s')?;
    let separator = body
        .chars()
        .next()
        .filter(|separator| !separator.is_alphanumeric() && *separator != '\\')?;
    let mut pieces = body[separator.len_utf8()..].split(separator);
    let (pattern, with, flags) = (pieces.next()?, pieces.next()?, pieces.next()?);
    if pieces.next().is_some()
        || pattern.is_empty()
        || pattern.contains(['\\', '.', '*', '[', '^', '$'])
        || with.contains(['\\', '&'])
    {
        return None;
    }
    let mut result = String::with_capacity(input.len());
    for line in input.split_inclusive('\n') {
        match flags {
            "g" => result.push_str(&line.replace(pattern, with)),
            "" => result.push_str(&line.replacen(pattern, with, 1)),
            _ => return None,
        }
    }
    Some(result)
}

/// `seq last`, `seq first last`, `seq first step last`, short ones.
pub(super) fn seq(arguments: &[&str]) -> Option<String> {
    let numbers: Vec<i64> = arguments
        .iter()
        .map(|argument| argument.parse().ok())
        .collect::<Option<_>>()?;
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return None,
    };
    if step == 0 || last.abs_diff(first) / step.unsigned_abs() > 64 {
        return None;
    }
    let mut result = String::new();
    let mut number = first;
    while if step > 0 {
        number <= last
    } else {
        number >= last
    } {
        result.push_str(&number.to_string());
        result.push('\n');
        number += step;
    }
    Some(result)
}
