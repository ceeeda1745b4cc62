//! Patterns over names, hosts and paths. Linear in the text: a pattern has at most [`MAX_TOKENS`] parts, and each
//! character of the text moves a set of states once.

/// Most parts a pattern may have; the compiler says so to the author, the core refuses more.
pub const MAX_TOKENS: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// `?`: one character (of a path: not `/`).
    One,
    /// `*`: any characters (of a path: not `/`).
    Many,
    /// `**`: any characters.
    All,
    /// `**/` in a path: any number of whole directories, also none.
    Folders,
}

/// A compiled pattern: `*`, `?`, and in paths `**` and `**/`. Nothing else is special.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    tokens: Box<[Token]>,
    /// The characters before the first wildcard.
    literal: Box<str>,
    path: bool,
}

impl Glob {
    /// A pattern over names: `*` matches any characters.
    #[must_use]
    pub fn name(pattern: &str) -> Option<Self> {
        Self::parse(pattern, false)
    }

    /// A pattern over paths: `*` and `?` stop at `/`, `**` does not.
    #[must_use]
    pub fn path(pattern: &str) -> Option<Self> {
        Self::parse(pattern, true)
    }

    fn parse(pattern: &str, path: bool) -> Option<Self> {
        let wild = pattern.find(['*', '?']).unwrap_or(pattern.len());
        let mut tokens = Vec::new();
        let mut rest = pattern[wild..].chars().peekable();
        while let Some(char) = rest.next() {
            let token = match char {
                '?' => Token::One,
                '*' => {
                    let mut doubled = false;
                    while rest.next_if_eq(&'*').is_some() {
                        doubled = true;
                    }
                    if !path {
                        Token::All
                    } else if !doubled {
                        Token::Many
                    } else if rest.next_if_eq(&'/').is_some() {
                        Token::Folders
                    } else {
                        Token::All
                    }
                }
                other => Token::Char(other),
            };
            tokens.push(token);
        }
        (tokens.len() <= MAX_TOKENS).then(|| Self {
            tokens: tokens.into_boxed_slice(),
            literal: pattern[..wild].into(),
            path,
        })
    }

    /// The characters before the first wildcard.
    #[must_use]
    pub fn literal(&self) -> &str {
        &self.literal
    }

    /// Whether the whole text fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(&*self.literal) else {
            return false;
        };
        match *self.tokens {
            [] => rest.is_empty(),
            [Token::All] => true,
            [Token::Many] => !rest.contains('/'),
            _ => self.walk(rest),
        }
    }

    fn walk(&self, text: &str) -> bool {
        let mut states = States::default();
        self.enter(0, &mut states);
        for char in text.chars() {
            let mut next = States::default();
            let within = !self.path || char != '/';
            for at in states.iter() {
                match self.tokens.get(at) {
                    Some(Token::Char(held)) if *held == char => self.enter(at + 1, &mut next),
                    Some(Token::One) if within => self.enter(at + 1, &mut next),
                    Some(Token::Many) if within => self.enter(at, &mut next),
                    Some(Token::All) => self.enter(at, &mut next),
                    Some(Token::Folders) => {
                        next.insert(at);
                        if char == '/' {
                            self.enter(at + 1, &mut next);
                        }
                    }
                    _ => {}
                }
            }
            if next.is_empty() {
                return false;
            }
            states = next;
        }
        states.holds(self.tokens.len())
    }

    /// Adds a state and those that need no character to be reached from it.
    fn enter(&self, mut at: usize, states: &mut States) {
        loop {
            states.insert(at);
            match self.tokens.get(at) {
                // A run of folders begins at a boundary only: `enter` is how a pattern comes to stand on it.
                Some(Token::Many | Token::All | Token::Folders) => at += 1,
                _ => return,
            }
        }
    }
}

/// A set of positions in a pattern.
#[derive(Debug, Clone, Copy, Default)]
struct States([u64; 4]);

impl States {
    const fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    const fn holds(self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, bits)| {
            std::iter::successors((bits != 0).then_some(bits), |bits| {
                let rest = bits & (bits - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_pattern_crosses_every_character() {
        for (pattern, text, fits) in [
            ("fs.*", "fs.delete", true),
            ("fs.*", "vcs.push", false),
            ("*.acme.dev", "a.b.acme.dev", true),
            ("*.acme.dev", "acme.dev", false),
            ("*", "", true),
            ("mcp__*__delete_?", "mcp__x__y__delete_é", true),
            ("a?", "a", false),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
        ] {
            let glob = Glob::name(pattern).expect("short");
            assert_eq!(glob.matches(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_path_pattern_knows_directories() {
        for (pattern, text, fits) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a", false),
            ("/a/**/c", "/a/c", true),
            ("/a/**/c", "/a/b/b/c", true),
            ("/a/**/c", "/a/bc", false),
            ("**/.env", "/x/.env", true),
            ("**/.env", ".env", true),
            ("**/.env", "/x/y.env", false),
            ("**/*.pem", "/x/y/k.pem", true),
            ("/a/?", "/a//", false),
            ("**/a/**/b", "/x/a/a/c/b", true),
        ] {
            let glob = Glob::path(pattern).expect("short");
            assert_eq!(glob.matches(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_too_many_parts_is_refused() {
        assert!(Glob::name(&"?".repeat(MAX_TOKENS)).is_some());
        assert!(Glob::name(&"?".repeat(MAX_TOKENS + 1)).is_none());
        assert!(Glob::name(&"a".repeat(100_000)).is_some());
    }
}
