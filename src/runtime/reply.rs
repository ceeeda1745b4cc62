//! Replies as templates: JSON with a place for the reason, so that nothing is assembled by hand at run time.

use serde::{Deserialize, Serialize};

/// What stands for the reason in a template.
pub(super) const REASON: &str = "${reason}";

/// A reply before the reason is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTemplate<'a> {
    /// Exit status of the hook.
    pub exit: u8,
    /// Pieces of the JSON for standard output; the reason goes between them.
    #[serde(borrow)]
    pub stdout: Vec<&'a str>,
    /// Whether the reason is said on standard error too.
    pub stderr: bool,
}

/// What the hook writes, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// One JSON value and a line feed, or nothing.
    pub stdout: Vec<u8>,
    /// The reason and a line feed, or nothing.
    pub stderr: Vec<u8>,
    /// Exit status.
    pub exit: u8,
}

impl ReplyTemplate<'_> {
    /// The reply with that reason.
    #[must_use]
    pub fn fill(&self, reason: &str) -> Reply {
        let mut stdout = Vec::with_capacity(256 + reason.len() * self.stdout.len());
        for (index, piece) in self.stdout.iter().enumerate() {
            if index > 0 {
                push_escaped(reason, &mut stdout);
            }
            stdout.extend_from_slice(piece.as_bytes());
        }
        if !stdout.is_empty() {
            stdout.push(b'\n');
        }
        let mut stderr = Vec::new();
        if self.stderr {
            stderr.extend_from_slice(reason.as_bytes());
            stderr.push(b'\n');
        }
        Reply {
            stdout,
            stderr,
            exit: self.exit,
        }
    }

    /// Whether the reason is said at all.
    #[must_use]
    pub fn says_reason(&self) -> bool {
        self.stderr || self.stdout.len() > 1
    }

    /// Whether the reply says nothing but its exit status and an empty object: a host that never sees it loses nothing.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.exit == 0 && matches!(self.stdout.as_slice(), [] | ["{}"])
    }
}

/// The inside of a JSON string, in ASCII: no client may stumble over what a reason quotes.
fn push_escaped(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let mut rest = text;
    loop {
        let plain = rest.bytes().take_while(is_plain).count();
        let (before, after) = rest.split_at(plain);
        out.extend_from_slice(before.as_bytes());
        let mut characters = after.chars();
        let Some(character) = characters.next() else {
            return;
        };
        rest = characters.as_str();
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    out.extend_from_slice(b"\\u");
                    for shift in [12, 8, 4, 0] {
                        out.push(HEX[usize::from(*unit >> shift & 15)]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Value, parse};

    #[test]
    fn a_reason_of_any_characters_comes_back_as_itself() {
        let template = ReplyTemplate {
            exit: 2,
            stdout: vec!["{\"a\":\"", "\",\"b\":\"! ", "\"}"],
            stderr: true,
        };
        let reason = "say \"no\" to \\ and\n\t\u{0}\u{7f}\u{e9}\u{202e}\u{1f600}";
        let reply = template.fill(reason);
        assert!(reply.stdout.is_ascii());
        assert_eq!(
            parse(&reply.stdout).unwrap(),
            Value::Object(vec![
                (String::from("a"), reason.into()),
                (String::from("b"), format!("! {reason}").into()),
            ])
        );
        assert_eq!(reply.stderr, format!("{reason}\n").into_bytes());
        assert_eq!(reply.exit, 2);
    }

    #[test]
    fn only_an_empty_object_and_exit_zero_is_silent() {
        let template = |exit, piece| ReplyTemplate {
            exit,
            stdout: vec![piece],
            stderr: false,
        };
        assert!(template(0, "{}").is_silent());
        assert!(!template(2, "{}").is_silent());
        assert!(!template(0, "{\"a\":1}").is_silent());
    }

    #[test]
    fn a_reply_that_is_the_same_for_every_reason_says_none() {
        let template = |stdout: &[&'static str], stderr| ReplyTemplate {
            exit: 0,
            stdout: stdout.to_vec(),
            stderr,
        };
        assert!(!template(&["{}"], false).says_reason());
        assert!(!template(&[], false).says_reason());
        assert!(template(&["{}"], true).says_reason());
        assert!(template(&["{\"a\":\"", "\"}"], false).says_reason());
    }
}
