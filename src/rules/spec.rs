//! A pack as people write it. `rules/secrets/README.md` teaches the format; this file is its grammar.
//!
//! Nothing here judges a text. Unknown keys are refused, so that a misspelt field is never a field without a reader.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::number::NumberSpec;
use crate::call::Surface;
use crate::scan::{FindingKind, Severity};

/// A file of rules of one family.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSpec {
    /// The family of every rule in the file.
    pub kind: FindingKind,
    /// The rules.
    #[serde(default)]
    pub rule: Vec<RuleSpec>,
    /// Hosts to which data may go; in packs of kind `exfiltration`.
    #[serde(default)]
    pub allow: Vec<AllowSpec>,
}

/// Hosts that detectors of shapes that carry data out pass over, unless a secret stands in the address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowSpec {
    /// Names of hosts, `*.` standing for every name below, with the port when one is written in the address.
    pub hosts: Vec<String>,
    /// Which detectors; all that look at hosts by default.
    pub detectors: Option<Vec<String>>,
    /// Why, for people.
    pub reason: String,
}

/// One rule with its proof.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// `family.name`: lower case letters, digits and hyphens; unique over all packs.
    pub id: String,
    /// What is found, for people: `GitHub personal access token`.
    pub name: String,
    /// One or two sentences: what it is, and what whoever holds it can do.
    pub description: String,
    /// How much a finding matters.
    pub severity: Severity,
    /// How sure a match is, in per mille; by default what its form deserves.
    pub confidence: Option<u16>,
    /// Whether redaction replaces what is found; by default for secrets only.
    pub redact: Option<bool>,
    /// Where the rule speaks; everywhere by default.
    pub surfaces: Option<Vec<Surface>>,
    /// How recognisable the format is.
    #[serde(default)]
    pub tier: Tier,
    /// Pages that describe the format.
    pub references: Vec<String>,
    /// Texts with exactly the marked findings.
    pub examples: Vec<String>,
    /// Texts as near to a match as can be, in which this rule finds nothing.
    pub near_misses: Vec<String>,

    /// A token with a distinctive literal.
    pub token: Option<TokenSpec>,
    /// A value that only a word before it gives away.
    pub context: Option<ContextSpec>,
    /// A value given to a telling name.
    pub assignment: Option<AssignmentSpec>,
    /// The password in a URL.
    pub userinfo: Option<UserinfoSpec>,
    /// A block between `BEGIN` and `END` lines.
    pub armor: Option<ArmorSpec>,
    /// Words in a row, over normalised text.
    pub phrase: Option<PhraseSpec>,
    /// Words of certain classes in one sentence, in any order.
    pub frame: Option<FrameSpec>,
    /// A regular expression, when nothing above fits.
    pub regex: Option<RegexSpec>,
    /// A number with check digits.
    pub number: Option<NumberSpec>,
    /// A detector that is code: Unicode tricks, numbers with check digits, exfiltration shapes.
    pub detector: Option<DetectorSpec>,
}

/// How recognisable a format is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Tier {
    /// By itself.
    A,
    /// With its structure or a word nearby.
    B,
    /// Only by where it stands.
    #[default]
    C,
}

/// A token with a distinctive literal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// Shapes, any of which will do. Each has a literal of three bytes at least.
    pub shapes: Vec<String>,
    /// Whether the case of the shapes' literals is ignored.
    #[serde(default)]
    pub any_case: bool,
    /// Whether the token may stand right after a letter, digit or `_`; only for literals nobody writes by chance.
    #[serde(default)]
    pub glued: bool,
    /// Least Shannon entropy of the token's variable part, in bits per byte.
    pub entropy: Option<f32>,
    /// Verifier of the token's own checksum. A mismatch is still found, with less confidence.
    pub checksum: Option<String>,
    /// Verifiers of its structure. What fails one is not found.
    #[serde(default)]
    pub require: Vec<String>,
    /// Words of which one must stand within 160 bytes before; for literals that are not distinctive alone.
    #[serde(default)]
    pub words: Vec<String>,
    /// Whether the word must stand in the same command of a shell: the token is an option of the program it names.
    #[serde(default)]
    pub command: bool,
}

/// A value that only a word before it gives away.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextSpec {
    /// Words that name the provider, lower case, four bytes at least; matched in any case, `_`, `-` or space in them
    /// standing for any of the three or nothing.
    pub words: Vec<String>,
    /// Shapes of the value, any of which will do.
    pub shapes: Vec<String>,
    /// How far after the word the value may start, in bytes.
    #[serde(default = "default_within")]
    pub within: u16,
    /// Whether a word such as `key`, `token` or `secret` must stand between the start of the word and the value.
    #[serde(default = "yes")]
    pub key_word: bool,
    /// Least Shannon entropy of the value, in bits per byte; by default what its alphabet deserves.
    pub entropy: Option<f32>,
    /// Verifier of the value's own checksum.
    pub checksum: Option<String>,
    /// Verifiers of its structure.
    #[serde(default)]
    pub require: Vec<String>,
}

/// A value given to a telling name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentSpec {
    /// Ends of names, lower case, three bytes at least; matched in any case, `_`, `-` or space in them standing for
    /// any of the three or nothing. `password` also covers `DB_PASSWORD`, `dbPassword` and `password_1`.
    pub names: Vec<String>,
    /// What counts as a value.
    pub value: ValueSpec,
    /// Least length of the value in bytes.
    pub min: u16,
    /// Greatest length of the value in bytes.
    #[serde(default = "default_longest")]
    pub max: u16,
}

/// What counts as the value of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueSpec {
    /// Made by a machine: one alphabet, random.
    Opaque,
    /// Chosen by a person: anything that is not a placeholder, a reference, code or a plain word.
    Password,
    /// The same after who it belongs to: `user / password`, `user:password`.
    Pair,
}

/// The password in a URL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserinfoSpec {
    /// Schemes without `://`, a trailing `*` standing for any ending; `["*"]` for any scheme.
    pub schemes: Vec<String>,
}

/// A block between `BEGIN` and `END` lines, in any dress (indented, escaped, on one line).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmorSpec {
    /// What stands after `BEGIN `, without the dashes.
    pub labels: Vec<String>,
}

/// Words in a row, over text folded in case, compatibility forms, look-alikes and invisible characters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhraseSpec {
    /// Patterns. Words are separated by one space; `a|b` is either, `(word)` may be missing, `*` stands for up to three
    /// words. The first word's alternatives and the rest are lower case.
    pub patterns: Vec<String>,
}

/// Words of certain classes in one sentence, in any order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameSpec {
    /// Classes by name: words, or pairs of words, lower case.
    pub classes: BTreeMap<String, Vec<String>>,
    /// Names of classes, all of which the sentence holds, separated by blanks. The words of the one with `@` are searched
    /// for; of one with `!` the sentence must hold none.
    pub patterns: Vec<String>,
}

/// A regular expression over bytes, ASCII classes, no look-around.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegexSpec {
    /// Literals of three bytes at least, one of which is in every match; the expression is tried on the bytes around it.
    pub literals: Vec<String>,
    /// Whether the case of the literals is ignored.
    #[serde(default)]
    pub any_case: bool,
    /// The expression; its group `secret` is what is found, or all of it.
    pub pattern: String,
    /// Bytes of context before the literal.
    #[serde(default = "default_window")]
    pub before: u16,
    /// Bytes of context after the literal.
    #[serde(default = "default_window")]
    pub after: u16,
}

/// A detector that is code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSpec {
    /// Its name; see `src/rules/compile.rs`.
    pub name: String,
}

const fn default_within() -> u16 {
    160
}

const fn default_longest() -> u16 {
    512
}

const fn default_window() -> u16 {
    200
}

const fn yes() -> bool {
    true
}
