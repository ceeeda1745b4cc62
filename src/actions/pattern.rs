//! Matching by pattern: `*` any text, `?` any one character, `[a-z]` one of a class. A leaf.

/// Whether the pattern matches the whole text. Linear memory, at most `pattern × text` steps.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let same = |one: u8, other: u8| one.eq_ignore_ascii_case(&other);
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    may_match(pattern, text, same) && walk(pattern, text, same)
}

/// Whether the first and the last byte let a pattern match: most are dismissed by them.
fn may_match(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let first = match (pattern.first(), text.first()) {
        (Some(b'*' | b'?' | b'['), _) => true,
        (Some(one), Some(other)) => same(*one, *other),
        (one, other) => one.is_none() == other.is_none(),
    };
    first
        && match (pattern.last(), text.last()) {
            (Some(b'*' | b'?' | b']'), _) => true,
            (Some(one), Some(other)) => same(*one, *other),
            (one, other) => one.is_none() == other.is_none(),
        }
}

/// As [`matches`], letter case counts and `*` and `?` do not match `/`; `**/` matches any number of components, also
/// none, and `/**` anything below or nothing.
#[must_use]
pub fn matches_path(pattern: &str, path: &str) -> bool {
    // Most patterns name one file, or one below any folder.
    if !has_wildcard(pattern) {
        return pattern == path;
    }
    if let Some(rest) = pattern.strip_prefix("**/")
        && !has_wildcard(rest)
    {
        return path
            .strip_suffix(rest)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'));
    }
    if let Some(rest) = pattern.strip_prefix("**/")
        && !rest.contains('/')
    {
        return component(rest, path.rsplit('/').next().unwrap_or(path));
    }
    apart(pattern, path, components)
}

/// What `with` says about the components of two paths.
pub(super) fn apart<R>(one: &str, other: &str, with: impl FnOnce(&[&str], &[&str]) -> R) -> R {
    let (mut some, mut others) = ([""; SHALLOW], [""; SHALLOW]);
    if let (Some(one), Some(other)) = (split(one, &mut some), split(other, &mut others)) {
        return with(one, other);
    }
    let one: Vec<&str> = one.split('/').collect();
    let other: Vec<&str> = other.split('/').collect();
    with(&one, &other)
}

/// How many components a path has that is taken apart without asking for memory.
const SHALLOW: usize = 16;

/// The components of a path; `None` when there is no room for them.
fn split<'a, 'r>(path: &'a str, room: &'r mut [&'a str; SHALLOW]) -> Option<&'r [&'a str]> {
    let (mut count, mut start) = (0, 0);
    for (at, byte) in path.bytes().enumerate() {
        if byte == b'/' {
            *room.get_mut(count)? = path.get(start..at)?;
            (count, start) = (count + 1, at + 1);
        }
    }
    *room.get_mut(count)? = path.get(start..)?;
    room.get(..=count)
}

fn components(pattern: &[&str], path: &[&str]) -> bool {
    // The usual two-pointer walk with one point of return: `**` never needs more than the last one.
    let (mut at, mut against) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if against == path.len() {
            return pattern[at..].iter().all(|rest| *rest == "**");
        }
        match pattern.get(at) {
            Some(&"**") => {
                back = Some((at + 1, against));
                at += 1;
            }
            Some(part) if component(part, path[against]) => {
                at += 1;
                against += 1;
            }
            _ => match back {
                Some((resume, from)) => {
                    at = resume;
                    against = from + 1;
                    back = Some((resume, from + 1));
                }
                None => return false,
            },
        }
    }
}

/// Whether the text has a wildcard of the shell.
#[must_use]
pub fn has_wildcard(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Whether a component stands for everything in a folder, or for everything hidden in it.
#[must_use]
pub fn is_catch_all(component: &str) -> bool {
    matches!(
        component,
        "*" | "**"
            | ".*"
            | ".?*"
            | ".??*"
            | "..?*"
            | "?*"
            | "*?"
            | "*.*"
            | ".[!.]*"
            | ".[^.]*"
            | "[!.]*"
            | "[^.]*"
            | "[!.]?*"
            | ".[!.]?*"
    )
}

/// Whether one component matches, letter case counts.
#[must_use]
pub fn component(pattern: &str, text: &str) -> bool {
    let same = |one: u8, other: u8| one == other;
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    may_match(pattern, text, same) && walk(pattern, text, same)
}

fn walk(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut at, mut against) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while against < text.len() {
        // A bracket that opens a class stands for nothing else.
        let class = match pattern.get(at) {
            Some(b'[') => class_end(pattern, at),
            _ => None,
        };
        let fits = class.is_none_or(|end| in_class(&pattern[at + 1..end], text[against]));
        match pattern.get(at).filter(|_| fits) {
            Some(b'*') => {
                back = Some((at + 1, against));
                at += 1;
            }
            Some(b'?') => {
                at += 1;
                against += 1;
            }
            Some(b'[') if class.is_some() => {
                at = class.unwrap_or(at) + 1;
                against += 1;
            }
            Some(byte) if same(*byte, text[against]) => {
                at += 1;
                against += 1;
            }
            _ => match back {
                Some((resume, from)) => {
                    at = resume;
                    against = from + 1;
                    back = Some((resume, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Where the class that opens at `open` is closed.
fn class_end(pattern: &[u8], open: usize) -> Option<usize> {
    // A bracket right after the opening one, or after its negation, is a member of the class.
    let first = match pattern.get(open + 1) {
        Some(b'!' | b'^') => open + 3,
        _ => open + 2,
    };
    let found = pattern
        .get(first..)?
        .iter()
        .position(|byte| *byte == b']')?;
    Some(first + found)
}

/// Whether a byte is a member of a class, given without its brackets. Any part of a longer character is: what it stands
/// for is not looked at.
fn in_class(class: &[u8], byte: u8) -> bool {
    if !byte.is_ascii() || class.starts_with(b"[:") {
        return true;
    }
    let (negated, members) = match class.first() {
        Some(b'!' | b'^') => (true, &class[1..]),
        _ => (false, class),
    };
    let mut found = false;
    let mut at = 0;
    while at < members.len() {
        if members.get(at + 1) == Some(&b'-') && at + 2 < members.len() {
            found |= (members[at]..=members[at + 2]).contains(&byte);
            at += 3;
        } else {
            found |= members[at] == byte;
            at += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_case_is_ignored() {
        let matched = [
            ("", ""),
            ("*", ""),
            ("del*", "DELETE"),
            ("*:main", "HEAD:main"),
            ("a*b*c", "aXbYbZc"),
            ("a?c", "abc"),
            ("[0-9]*", "1x"),
            ("[!a]x", "bx"),
            ("*[*]*", "a*b"),
            ("[", "["),
        ];
        let missed = [
            ("", "a"),
            ("del*", "undelete"),
            ("a?c", "ac"),
            ("a*b", "abc"),
            ("[0-9]*", "rm"),
            ("[!a]x", "ax"),
            ("[0-9]*", "[x"),
            ("*[*]*", "[a]"),
        ];
        assert!(matched.iter().all(|(pattern, text)| matches(pattern, text)));
        assert!(!missed.iter().any(|(pattern, text)| matches(pattern, text)));
    }

    #[test]
    fn what_is_told_at_once_is_what_the_walk_finds() {
        let parts = ["", "a", "b", "ab", "*", "**", "?", "a*", "[ab]"];
        let joined = |depth: u32| {
            (0..parts.len().pow(depth)).map(move |mut number| {
                let chosen: Vec<&str> = (0..depth)
                    .map(|_| {
                        let part = parts[number % parts.len()];
                        number /= parts.len();
                        part
                    })
                    .collect();
                chosen.join("/")
            })
        };
        let deep = "/a".repeat(SHALLOW);
        let paths = [
            "",
            "/",
            "a",
            "a/b",
            "/a/b",
            "a/b/",
            "b/a/b",
            "ab",
            "a//b",
            deep.as_str(),
        ];
        for pattern in (1..=3).flat_map(joined) {
            for path in paths {
                let apart: [Vec<&str>; 2] =
                    [pattern.as_str(), path].map(|text| text.split('/').collect());
                assert_eq!(
                    matches_path(&pattern, path),
                    components(&apart[0], &apart[1]),
                    "{pattern} {path}"
                );
            }
        }
    }

    #[test]
    fn in_paths_a_star_stays_in_its_component_and_two_cross_any() {
        let matched = [
            ("/etc/*", "/etc/passwd"),
            ("**/.env", "/w/a/.env"),
            ("/w/**", "/w/a/b"),
            ("/w/**", "/w"),
            ("/**/id_*", "/home/u/.ssh/id_rsa"),
            ("**/.git/hooks/*", "/w/.git/hooks/pre-commit"),
        ];
        let missed = [
            ("/etc/*", "/etc/ssh/x"),
            ("**/.env", "/w/.envrc"),
            ("/w/**", "/wx"),
        ];
        assert!(
            matched
                .iter()
                .all(|(pattern, path)| matches_path(pattern, path))
        );
        assert!(
            !missed
                .iter()
                .any(|(pattern, path)| matches_path(pattern, path))
        );
    }
}
