//! Why a rule did not find what it nearly did: for people who write rules and texts, never on the way of a call.
//!
//! Starts from the same search as a scan and asks the same questions one by one; the first answer that is no is told.

use serde::Serialize;

use super::token::WordsSeen;
use super::{Finding, Scanner, mark, notation, plausible};
use crate::call::Surface;
use crate::rules::rule::{Assignment, Context, Token};
use crate::rules::shape::{Matched, Part, Shape};
use crate::rules::tables::{Hit, Seen};
use crate::rules::{Form, Rule, Runs, verify};

/// Most near misses that are told.
const MOST: usize = 100;
/// How far before a token a word it needs may stand, and a user's information in a URL goes, in bytes.
const WORDS_WITHIN: usize = 160;
const AUTHORITY: usize = 512;

/// A place where a rule's literal stands, and why that is no finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Near {
    /// Id of the rule.
    pub rule: String,
    /// First byte of the literal.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// For programs: `surface`, `length`, `boundary`, `word`, `placeholder`, `reference`, `entropy`, `structure`,
    /// `digest`, `mark`, `published`, `weaker`, `form`.
    pub reason: &'static str,
    /// For people; without any value.
    pub message: String,
}

/// A reason with its sentence.
type No = (&'static str, String);

/// Where rules nearly found something in a text of which `findings` are the findings, in order.
#[must_use]
pub fn near(scanner: &Scanner, bytes: &[u8], surface: Surface, findings: &[Finding]) -> Vec<Near> {
    let mut out: Vec<Near> = Vec::new();
    for tables in &scanner.layers {
        let mut hits = Hits::default();
        tables.search(bytes, &mut hits);
        hits.0
            .sort_unstable_by_key(|hit| (hit.start, hit.rule, hit.index));
        for hit in hits.0 {
            let Some(rule) = tables.rule(hit.rule) else {
                continue;
            };
            let own = findings.iter().any(|finding| {
                // What stands right behind a name or a word is what the name leads to.
                finding.rule == rule.id
                    && finding.span.start() < hit.end + WORDS_WITHIN
                    && finding.span.end() > hit.start
            });
            if own
                || out
                    .iter()
                    .any(|held| held.rule == rule.id && held.start == hit.start)
            {
                continue;
            }
            let asked = Asked {
                bytes,
                surface,
                findings,
                rule,
                hit,
            };
            if let Some((reason, message)) = asked.no() {
                out.push(Near {
                    rule: rule.id.clone(),
                    start: hit.start,
                    end: hit.end,
                    reason,
                    message,
                });
            }
            if out.len() == MOST {
                return out;
            }
        }
    }
    out
}

#[derive(Default)]
struct Hits(Vec<Hit>);

impl Seen for Hits {
    const EVERY: bool = true;

    fn hit(&mut self, hit: Hit) {
        self.0.push(hit);
    }

    fn digits(&mut self, _: usize) {}

    fn dense(&mut self, _: usize) {}
}

struct Asked<'a> {
    bytes: &'a [u8],
    surface: Surface,
    findings: &'a [Finding],
    rule: &'a Rule,
    hit: Hit,
}

impl Asked<'_> {
    /// Why nothing is found; `None` when the rule is too far from finding something to be worth a word.
    fn no(&self) -> Option<No> {
        if !self.rule.speaks(self.surface) {
            let surface = self.surface.as_str();
            return Some(("surface", format!("it does not speak about `{surface}`")));
        }
        match &self.rule.form {
            Form::Token(form) => Some(self.token(form)),
            Form::Context(form) => self.context(form),
            Form::Assignment(form) => self.assignment(form),
            Form::Userinfo(_) => self.userinfo(),
            Form::Armor(_) => Some(self.found_elsewhere(self.hit.start, self.hit.end, || {
                let message = "its block does not end, or is too short or too plain to be a key";
                ("form", String::from(message))
            })),
            Form::Regex(_) => Some(self.found_elsewhere(self.hit.start, self.hit.end, || {
                let message = "the expression does not match around it, or matches a placeholder";
                ("form", String::from(message))
            })),
            Form::Phrase(_) | Form::Frame(_) | Form::Number(_) | Form::Detector(_) => None,
        }
    }

    fn token(&self, form: &Token) -> No {
        let Some(shape) = form.shapes.get(self.hit.index) else {
            return ("form", String::from("the rule has no such shape"));
        };
        let Some(matched) = shape.at_anchor(
            self.bytes,
            self.hit.start,
            form.any_case,
            &mut Runs::default(),
        ) else {
            return self.wrong_shape(shape);
        };
        if !form.glued && !shape.clean_start(self.bytes, matched.start) {
            return (
                "boundary",
                String::from("a letter, a digit or `_` stands right before it"),
            );
        }
        let seen = || WordsSeen::new(form).before(self.bytes, matched.start, form);
        if !form.words.is_empty() && seen().is_none() {
            let words = form.words.join("`, `");
            return (
                "word",
                format!("none of `{words}` stands within {WORDS_WITHIN} bytes before it"),
            );
        }
        self.value(shape, &matched, form.entropy, &form.require)
            .unwrap_or_else(|| self.dropped(&matched))
    }

    /// What is wrong around the literal of a shape that does not match.
    fn wrong_shape(&self, shape: &Shape) -> No {
        let literal =
            String::from_utf8_lossy(&self.bytes[self.hit.start..self.hit.end]).into_owned();
        let anchor = shape.anchor.map_or(0, usize::from);
        let mut at = self.hit.end;
        for part in shape.parts.iter().skip(anchor + 1) {
            match part {
                Part::Literal(next) => {
                    if self.bytes.get(at..at + next.len()) != Some(next) {
                        let next = String::from_utf8_lossy(next);
                        return ("length", format!("`{next}` does not follow where it must"));
                    }
                    at += next.len();
                }
                Part::Run(alphabet, least, most) => {
                    let set = alphabet.set();
                    let rest = self.bytes.get(at..).unwrap_or_default();
                    let fits = rest.iter().take_while(|byte| set.has(**byte)).count();
                    if fits < usize::from(*least) {
                        let wanted = counted(*least, *most);
                        return (
                            "length",
                            format!("after `{literal}` come {fits} of {wanted} bytes that fit"),
                        );
                    }
                    at += fits.min(usize::from(*most));
                }
            }
        }
        let longer = self
            .bytes
            .get(at)
            .is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
        if longer {
            return ("length", String::from("it goes on where it should end"));
        }
        (
            "length",
            format!("what stands around `{literal}` does not have the shape"),
        )
    }

    /// What is wrong with a value of the right shape.
    fn value(&self, shape: &Shape, matched: &Matched, entropy: f32, require: &[u8]) -> Option<No> {
        let variable = shape.variable(self.bytes, matched);
        if plausible::is_placeholder(&variable) {
            return Some(("placeholder", String::from("the value is a placeholder")));
        }
        let bits = plausible::entropy(&variable);
        if bits < entropy {
            return Some((
                "entropy",
                format!("the value has {bits:.1} bits per byte, at least {entropy:.1} are needed"),
            ));
        }
        let token = verify::Token {
            bytes: self.bytes,
            shape,
            matched,
        };
        require
            .iter()
            .any(|structure| !verify::has_structure(*structure, &token))
            .then(|| {
                (
                    "structure",
                    String::from("the value is not built as it must be"),
                )
            })
    }

    /// Why a value that passed every question is no finding.
    fn dropped(&self, matched: &Matched) -> No {
        let (start, end) = (matched.secret_start, matched.secret_end);
        if mark::holds(self.bytes, start, end) {
            return ("mark", String::from("it lies in a mark of redaction"));
        }
        if self
            .bytes
            .get(start..end)
            .is_some_and(plausible::is_published)
        {
            return (
                "published",
                String::from("it is an example that everybody prints"),
            );
        }
        self.found_elsewhere(start, end, || {
            ("form", String::from("another match of the rule covers it"))
        })
    }

    /// The finding of a surer rule there, or else another reason.
    fn found_elsewhere(&self, start: usize, end: usize, otherwise: impl FnOnce() -> No) -> No {
        let other = self
            .findings
            .iter()
            .find(|finding| finding.span.start() < end && finding.span.end() > start);
        match other {
            Some(other) => ("weaker", format!("`{}` is surer here", other.rule)),
            None => otherwise(),
        }
    }

    fn context(&self, form: &Context) -> Option<No> {
        let limit = self
            .bytes
            .len()
            .min(self.hit.end + usize::from(form.within));
        let mut runs = Runs::default();
        for at in self.hit.end..limit {
            for shape in &form.shapes {
                let Some(matched) = shape.from(self.bytes, at, false, &mut runs) else {
                    continue;
                };
                if !shape.clean_start(self.bytes, at) {
                    continue;
                }
                if plausible::is_digest(self.bytes, at) {
                    return Some((
                        "digest",
                        String::from("a word before the value says that it is a digest"),
                    ));
                }
                let no = self
                    .value(shape, &matched, form.entropy, &form.require)
                    .unwrap_or_else(|| {
                        self.found_elsewhere(matched.start, matched.end, || {
                            let message = "the name is a part of another word, or no word such as `key` stands near";
                            ("word", String::from(message))
                        })
                    });
                return Some(no);
            }
        }
        // A word alone is too far from a finding, unless something long stands behind it.
        let long = self.bytes[self.hit.end..limit]
            .split(|byte| {
                !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/'))
            })
            .any(|run| run.len() >= 16);
        long.then(|| {
            (
                "length",
                format!(
                    "no value of the right length and alphabet stands within {} bytes",
                    form.within
                ),
            )
        })
    }

    fn assignment(&self, form: &Assignment) -> Option<No> {
        let (start, end, _) = notation::value(self.bytes, self.hit, notation::LONGEST_BARE)?;
        let text = self.bytes.get(start..end)?;
        let (least, most) = (form.min, form.max);
        if !(usize::from(least)..=usize::from(most)).contains(&text.len()) {
            let message = format!(
                "the value has {} of {} bytes",
                text.len(),
                counted(least, most)
            );
            return Some(("length", message));
        }
        if plausible::is_reference(text) {
            return Some((
                "reference",
                String::from("the value is a reference to one that is kept elsewhere"),
            ));
        }
        if plausible::is_placeholder(text) {
            return Some(("placeholder", String::from("the value is a placeholder")));
        }
        Some(self.found_elsewhere(start, end, || {
            let message = if form.password {
                "the value looks like code, a word, a number or a setting, not like a chosen password"
            } else {
                "the value looks like code, a word or a number, not like a random one"
            };
            ("form", String::from(message))
        }))
    }

    fn userinfo(&self) -> Option<No> {
        let limit = self.bytes.len().min(self.hit.end + AUTHORITY);
        let authority = self.bytes[self.hit.end..limit]
            .split(|byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>')
            })
            .next()?;
        let host = authority.iter().rposition(|byte| *byte == b'@')?;
        let colon = authority[..host].iter().position(|byte| *byte == b':')?;
        let password = &authority[colon + 1..host];
        if plausible::is_reference(password) {
            return Some((
                "reference",
                String::from("the password is a reference to one that is kept elsewhere"),
            ));
        }
        if plausible::is_placeholder(password) {
            return Some(("placeholder", String::from("the password is a placeholder")));
        }
        let (start, end) = (self.hit.end + colon + 1, self.hit.end + host);
        Some(self.found_elsewhere(start, end, || {
            let message = "the scheme is another, or the password is too short or a placeholder";
            ("form", String::from(message))
        }))
    }
}

fn counted(least: u16, most: u16) -> String {
    if least == most {
        least.to_string()
    } else {
        format!("{least} to {most}")
    }
}
