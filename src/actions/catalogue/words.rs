//! A list of words that is stored and read as one text: entries hold hundreds of patterns, and a hook that lives for a
//! millisecond asks a few of them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest word, in bytes: from the next number on there are no characters.
const LONGEST: usize = 0xD7FF;

/// Words in their order. Before each stands the character whose number is the length of the word in bytes.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words<'a>(#[serde(borrow)] Cow<'a, str>);

impl fmt::Debug for Words<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// The words in their stored form.
pub(super) fn each(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let length = rest.chars().next()?;
        let (word, after) = rest
            .get(length.len_utf8()..)?
            .split_at_checked(length as usize)?;
        rest = after;
        Some(word)
    })
}

impl Words<'_> {
    /// No words.
    pub const NONE: Self = Self(Cow::Borrowed(""));

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        each(&self.0)
    }

    /// Whether one of them is that word.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.iter().any(|held| held == word)
    }
}

impl<'w> FromIterator<&'w str> for Words<'_> {
    /// A word that is too long for the form is cut where a character begins: no pattern of a pack is, which are lines.
    fn from_iter<I: IntoIterator<Item = &'w str>>(words: I) -> Self {
        let mut text = String::new();
        for word in words {
            let word = &word[..word.floor_char_boundary(LONGEST)];
            text.extend(char::from_u32(word.len() as u32));
            text.push_str(word);
        }
        Self(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        let long = "ä".repeat(300);
        for list in [
            &[][..],
            &[""],
            &["", ""],
            &["a", "", "*.rs", "äöü"],
            &[long.as_str(), "x"],
        ] {
            let words: Words<'_> = list.iter().copied().collect();
            assert_eq!(words.iter().collect::<Vec<_>>(), list);
            assert_eq!(words.is_empty(), list.is_empty());
            assert!(list.iter().all(|word| words.contains(word)));
            assert!(!words.contains("b"));
            let stored = postcard::to_allocvec(&words).unwrap();
            assert_eq!(postcard::from_bytes::<Words<'_>>(&stored).unwrap(), words);
        }
    }
}
