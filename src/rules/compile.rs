//! Packs as written to rules and the literals that lead to them.

use std::collections::{BTreeMap, HashSet};

use super::allow::Allowed;
use super::alphabet::AUTHORITY;
use super::error::RuleError;
use super::lexicon;
use super::rule::{
    Assignment, Context, Detector, Form, Frame, Frames, Pattern, Phrases, Rule, Token, Word,
};
use super::shape::{self, Part, Shape};
use super::spec::{
    AllowSpec, ArmorSpec, AssignmentSpec, FrameSpec, PackSpec, RegexSpec, RuleSpec, UserinfoSpec,
    ValueSpec,
};
use super::tables::{Edge, Literal};
use super::verify;
use crate::call::Surface;
use crate::scan::FindingKind;

/// What may follow a name of three bytes beside which a value stands, and one that a value is given to.
const AFTER_NAME: &[u8] = b"=:\"' ]_-)\\|>,;&\t\n0123456789`([{./%AKPSTC<";
const AFTER_GIVEN: &[u8] = b"=:\"' ]_-)\\|>,;&\t\n0123456789`([{./%AKPSTC<?+\xef\xe3";
static ENDS_NAME: [bool; 256] = ends(AFTER_NAME);
static ENDS_GIVEN: [bool; 256] = ends(AFTER_GIVEN);

/// For each byte, whether it is one of these, told as the search tells them: without the bit of the case.
const fn ends(any: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut index = 0;
    while index < any.len() {
        table[(any[index] | 0x20) as usize] = true;
        table[(any[index] & !0x20) as usize] = true;
        index += 1;
    }
    table
}

/// Whether what follows the name at `[start, end)` may, when the name is so short that the search sees it at every other
/// place: what is found must not depend on the place. `given` says whether a value is given to it.
#[must_use]
pub fn ends_name(bytes: &[u8], start: usize, end: usize, given: bool) -> bool {
    let table = if given { &ENDS_GIVEN } else { &ENDS_NAME };
    end - start > 3 || bytes.get(end).is_none_or(|next| table[usize::from(*next)])
}

/// What may follow a word of three bytes in a phrase.
const AFTER_WORD: &[u8] = b" \t\n\r,.'\"_-";

/// Whether a text begins with a script whose words have no blanks between them: Chinese, Japanese, Thai, Lao, Khmer,
/// Burmese.
#[must_use]
#[inline]
pub const fn is_unspaced(text: &[u8]) -> bool {
    matches!(
        text,
        [0xe3..=0xe9, ..] | [0xe0, 0xb8..=0xbb, ..] | [0xe1, 0x80..=0x82 | 0x9e | 0x9f, ..]
    )
}

/// Rules with their literals, and where each came from.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The literals of all rules.
    pub literals: Vec<Literal>,
    /// For each rule, its file and what was written.
    pub specs: Vec<(String, RuleSpec)>,
    /// Hosts to which data may go.
    pub allowed: Vec<Allowed>,
}

/// Compiles packs; `packs` are files with their content as written.
///
/// # Errors
/// Everything that is wrong, in order.
pub fn compile(packs: Vec<(String, PackSpec)>) -> Result<Compiled, Vec<RuleError>> {
    let mut out = Compiled::default();
    let mut errors = Vec::new();
    let mut ids = HashSet::new();
    for (file, pack) in packs {
        for (index, spec) in pack.allow.iter().enumerate() {
            match allowed(spec, pack.kind) {
                Ok(held) => out.allowed.push(held),
                Err(message) => errors.push(RuleError {
                    kind: RuleError::FIELD,
                    file: file.clone(),
                    rule: String::new(),
                    message: format!("allow {}: {message}", index + 1),
                }),
            }
        }
        for spec in pack.rule {
            let error = |kind: &'static str, message: String| RuleError {
                kind,
                file: file.clone(),
                rule: spec.id.clone(),
                message,
            };
            if !ids.insert(spec.id.clone()) {
                errors.push(error(RuleError::DUPLICATE, String::from("the id is taken")));
                continue;
            }
            if let Err(message) = proven(&spec) {
                errors.push(error(RuleError::UNPROVEN, message));
            }
            if let Err(message) = named(&spec, pack.kind) {
                errors.push(error(RuleError::FIELD, message));
            }
            let index = out.rules.len() as u16;
            match form(&spec, index) {
                Ok((form, literals)) => {
                    out.rules.push(rule(&spec, pack.kind, form));
                    out.literals.extend(literals);
                    out.specs.push((file.clone(), spec));
                }
                Err((kind, message)) => errors.push(error(kind, message)),
            }
        }
    }
    if errors.is_empty() {
        Ok(out)
    } else {
        Err(errors)
    }
}

fn allowed(spec: &AllowSpec, kind: FindingKind) -> Result<Allowed, String> {
    if kind != FindingKind::Exfiltration {
        return Err(String::from(
            "hosts to which data may go belong into a pack of kind `exfiltration`",
        ));
    }
    Allowed::compile(spec)
}

fn proven(spec: &RuleSpec) -> Result<(), String> {
    for (what, count, least) in [
        ("examples", spec.examples.len(), 1),
        ("near_misses", spec.near_misses.len(), 1),
        ("references", spec.references.len(), 1),
    ] {
        if count < least {
            return Err(format!("`{what}` is empty, at least one is needed"));
        }
    }
    if let Some(link) = spec
        .references
        .iter()
        .find(|link| !link.starts_with("https://"))
    {
        return Err(format!("reference `{link}` is no https address"));
    }
    Ok(())
}

fn prefix(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Secret => "secrets.",
        FindingKind::Pii => "pii.",
        FindingKind::HiddenText => "hidden_text.",
        FindingKind::Injection => "injection.",
        FindingKind::Exfiltration => "exfiltration.",
    }
}

fn named(spec: &RuleSpec, kind: FindingKind) -> Result<(), String> {
    let expected = prefix(kind);
    let name = spec.id.strip_prefix(expected).unwrap_or_default();
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(good) {
        return Err(format!(
            "the id is to be `{expected}` and a name of lower-case letters, digits and hyphens"
        ));
    }
    if spec.name.trim().is_empty() || spec.description.trim().is_empty() {
        return Err(String::from(
            "`name` and `description` are for people and may not be empty",
        ));
    }
    if spec.confidence.is_some_and(|value| value > 1_000) {
        return Err(String::from("`confidence` is in per mille, at most 1000"));
    }
    Ok(())
}

fn rule(spec: &RuleSpec, kind: FindingKind, form: Form) -> Rule {
    let surfaces = spec.surfaces.as_deref().unwrap_or(&Surface::ALL);
    Rule {
        id: spec.id.clone(),
        kind,
        severity: spec.severity,
        confidence_pm: spec.confidence.unwrap_or(match &form {
            Form::Token(_) | Form::Armor(_) => 950,
            Form::Userinfo(_) => 900,
            Form::Context(_) => 850,
            Form::Regex(_)
            | Form::Detector(_)
            | Form::Phrase(_)
            | Form::Frame(_)
            | Form::Number(_) => 800,
            Form::Assignment(_) => 700,
        }),
        redact: spec.redact.unwrap_or(kind == FindingKind::Secret),
        surfaces: surfaces
            .iter()
            .fold(0, |bits, surface| bits | 1 << (*surface as u8)),
        form,
    }
}

type Formed = (Form, Vec<Literal>);
type Refused = (&'static str, String);

fn field(message: String) -> Refused {
    (RuleError::FIELD, message)
}

fn form(spec: &RuleSpec, rule: u16) -> Result<Formed, Refused> {
    let forms: [Option<Result<Formed, Refused>>; 10] = [
        spec.token.as_ref().map(|_| token(spec, rule)),
        spec.context.as_ref().map(|_| context(spec, rule)),
        spec.assignment.as_ref().map(|held| assignment(held, rule)),
        spec.userinfo.as_ref().map(|held| Ok(userinfo(held, rule))),
        spec.armor.as_ref().map(|held| Ok(armor(held, rule))),
        spec.phrase
            .as_ref()
            .map(|held| phrase(&held.patterns, rule)),
        spec.frame.as_ref().map(|held| frame(held, rule)),
        spec.regex.as_ref().map(|held| pattern(held, rule)),
        spec.number.as_ref().map(|held| {
            let number = held.compile().map_err(field)?;
            Ok((Form::Number(number), Vec::new()))
        }),
        spec.detector.as_ref().map(|held| {
            let name = held.name.clone();
            Ok((Form::Detector(Detector { name }), Vec::new()))
        }),
    ];
    let mut forms: Vec<_> = forms.into_iter().flatten().collect();
    let count = forms.len();
    match forms.pop() {
        Some(form) if count == 1 => form,
        _ => Err((
            RuleError::FORM,
            format!(
                "{count} forms; expected one of token, context, assignment, userinfo, armor, phrase, frame, regex, number, detector"
            ),
        )),
    }
}

fn assignment(held: &AssignmentSpec, rule: u16) -> Result<Formed, Refused> {
    // `access_token` is met as `token`; only what is written as one word is another name.
    let apart = ['_', '-', ' '];
    let names: Vec<String> = held
        .names
        .iter()
        .map(|name| match name.rsplit_once(apart) {
            Some((_, last)) if held.names.iter().any(|other| other == last) => {
                name.replace(apart, "")
            }
            _ => name.clone(),
        })
        .collect();
    let literals = words(&names, rule, AFTER_GIVEN, 3)?;
    let form = Assignment {
        password: held.value != ValueSpec::Opaque,
        pair: held.value == ValueSpec::Pair,
        min: held.min,
        max: held.max,
    };
    Ok((Form::Assignment(form), literals))
}

fn userinfo(held: &UserinfoSpec, rule: u16) -> Formed {
    // `<` of what stands for a user.
    let follow: Vec<u8> = AUTHORITY.with_all(b"<").bytes().collect();
    let literal = plain(b"://", false, rule, 0, &follow);
    (Form::Userinfo(held.schemes.clone()), vec![literal])
}

fn armor(held: &ArmorSpec, rule: u16) -> Formed {
    let literal = |(index, label): (usize, &String)| {
        plain(
            format!("BEGIN {label}-").as_bytes(),
            false,
            rule,
            index,
            b"",
        )
    };
    let literals = held.labels.iter().enumerate().map(literal).collect();
    (Form::Armor(held.labels.clone()), literals)
}

fn pattern(held: &RegexSpec, rule: u16) -> Result<Formed, Refused> {
    regex::bytes::RegexBuilder::new(&held.pattern)
        .unicode(false)
        .build()
        .map_err(|error| field(format!("the expression cannot be read: {error}")))?;
    let literals = held
        .literals
        .iter()
        .map(|literal| plain(literal.as_bytes(), held.any_case, rule, 0, b""))
        .collect();
    let form = Pattern {
        expression: held.pattern.clone(),
        before: held.before,
        after: held.after,
    };
    Ok((Form::Regex(form), literals))
}

fn plain(bytes: &[u8], any_case: bool, rule: u16, index: usize, follow: &[u8]) -> Literal {
    Literal {
        bytes: if any_case {
            bytes.to_ascii_lowercase()
        } else {
            bytes.to_vec()
        },
        any_case,
        rule,
        index: index as u16,
        follow: follow.to_vec(),
        edge: Edge::Any,
    }
}

fn shapes(texts: &[String]) -> Result<Vec<Shape>, Refused> {
    let mut out = Vec::new();
    for text in texts {
        out.extend(shape::parse(text).map_err(|problem| field(format!("shape {problem}")))?);
    }
    if out.is_empty() {
        return Err(field(String::from("`shapes` is empty")));
    }
    Ok(out)
}

fn checks(names: &[String], checksum: Option<&String>) -> Result<(Vec<u8>, Option<u8>), Refused> {
    let structures = names
        .iter()
        .map(|name| {
            verify::structure_named(name).ok_or_else(|| field(format!("no structure `{name}`")))
        })
        .collect::<Result<_, _>>()?;
    let checksum = checksum
        .map(|name| {
            verify::checksum_named(name).ok_or_else(|| field(format!("no checksum `{name}`")))
        })
        .transpose()?;
    Ok((structures, checksum))
}

/// The least entropy that a random value of these shapes has.
fn default_entropy(shapes: &[Shape]) -> f32 {
    let mut least = f32::MAX;
    for shape in shapes {
        let (mut count, mut widest) = (0, 0);
        for part in &shape.parts {
            if let Part::Run(alphabet, at_least, _) = part {
                count += usize::from(*at_least);
                widest = widest.max(alphabet.set().count());
            }
        }
        least = least.min(match (count, widest) {
            (0..12, _) => 0.0,
            (_, 0..11) => 1.5,
            (12..20, _) => 2.3,
            (_, 11..17) => 2.6,
            _ => 3.0,
        });
    }
    least
}

fn token(spec: &RuleSpec, rule: u16) -> Result<Formed, Refused> {
    let Some(held) = &spec.token else {
        return Err(field(String::new()));
    };
    let shapes = shapes(&held.shapes)?;
    let (require, checksum) = checks(&held.require, held.checksum.as_ref())?;
    let mut literals = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        let anchor = shape
            .anchor
            .map(usize::from)
            .and_then(|anchor| match &shape.parts[anchor] {
                Part::Literal(bytes) => Some((anchor, bytes)),
                Part::Run(..) => None,
            })
            .ok_or_else(|| field(format!("shape {} has no literal of three bytes", index + 1)))?;
        let follow: Vec<u8> = match shape.parts.get(anchor.0 + 1) {
            Some(Part::Literal(next)) => next[..1].to_vec(),
            Some(Part::Run(alphabet, ..)) => alphabet.set().bytes().collect(),
            None => Vec::new(),
        };
        let edge = if anchor.0 == 0 && !held.glued {
            Edge::Token
        } else {
            Edge::Any
        };
        literals.push(Literal {
            edge,
            ..plain(anchor.1, held.any_case, rule, index, &follow)
        });
    }
    let form = Token {
        entropy: held.entropy.unwrap_or_else(|| default_entropy(&shapes)),
        shapes,
        any_case: held.any_case,
        glued: held.glued,
        checksum,
        require,
        words: held.words.iter().flat_map(|word| joined(word)).collect(),
        command: held.command,
    };
    Ok((Form::Token(form), literals))
}

fn context(spec: &RuleSpec, rule: u16) -> Result<Formed, Refused> {
    let Some(held) = &spec.context else {
        return Err(field(String::new()));
    };
    let shapes = shapes(&held.shapes)?;
    let (require, checksum) = checks(&held.require, held.checksum.as_ref())?;
    let literals = words(&held.words, rule, AFTER_NAME, 3)?;
    let form = Context {
        entropy: held.entropy.unwrap_or_else(|| default_entropy(&shapes)),
        least: shapes
            .iter()
            .map(Shape::least_unbroken)
            .min()
            .unwrap_or_default() as u16,
        words: verify::structure_named("mnemonic").is_some_and(|held| require.contains(&held)),
        shapes,
        within: held.within,
        key_word: held.key_word,
        checksum,
        require,
    };
    Ok((Form::Context(form), literals))
}

/// The spellings of a word whose parts may be joined in any way.
fn joined(word: &str) -> Vec<String> {
    let lower = word.to_lowercase();
    if !lower.contains(['_', '-', ' ']) {
        return vec![lower];
    }
    ["", "_", "-", " ", "."]
        .iter()
        .map(|joint| lower.replace(['_', '-', ' '], joint))
        .collect()
}

/// A word of which only the ASCII letters are found in any case, with the others as they stand at the start of a
/// sentence and in a heading too.
fn cased(word: &str) -> Vec<String> {
    let mut out = vec![word.to_owned()];
    if !word.is_ascii() {
        let mut rest = word.chars();
        let first: String = rest
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        out.push(first + rest.as_str());
        out.push(word.to_uppercase());
        // What is left to the search is of one case.
        for held in &mut out {
            held.make_ascii_lowercase();
        }
        out.sort();
        out.dedup();
    }
    out
}

fn words(list: &[String], rule: u16, follow: &[u8], least: usize) -> Result<Vec<Literal>, Refused> {
    if list.is_empty() {
        return Err(field(String::from("no words")));
    }
    let mut out = Vec::new();
    for (index, word) in list.iter().enumerate() {
        if word.len() < least {
            return Err(field(format!("`{word}` is shorter than {least} bytes")));
        }
        for spelling in joined(word).iter().flat_map(|word| cased(word)) {
            out.push(plain(spelling.as_bytes(), true, rule, index, follow));
        }
    }
    Ok(out)
}

fn phrase(patterns: &[String], rule: u16) -> Result<Formed, Refused> {
    let mut phrases = Vec::new();
    let mut starts: Vec<(String, Vec<u16>)> = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let words: Vec<Word> = pattern.split_whitespace().flat_map(word).collect();
        if words.len() > 40 {
            return Err(field(format!("`{pattern}` has more than 40 words")));
        }
        let first = words
            .first()
            .filter(|first| !first.any.is_empty() && !first.optional)
            .ok_or_else(|| field(format!("`{pattern}` does not begin with a word")))?;
        for start in anchors(first, words.get(1))
            .iter()
            .flat_map(|start| cased(start))
        {
            match starts.iter_mut().find(|(held, _)| *held == start) {
                Some((_, of)) => of.push(index as u16),
                None => starts.push((start, vec![index as u16])),
            }
        }
        phrases.push(words);
    }
    let literals = starts
        .iter()
        .enumerate()
        .map(|(index, (start, _))| Literal {
            edge: if is_unspaced(start.as_bytes()) {
                Edge::Any
            } else {
                Edge::Words
            },
            ..plain(start.as_bytes(), true, rule, index, AFTER_WORD)
        })
        .collect();
    // The literal is the first word, or the first two; without blanks between words none is told apart.
    let starts: Vec<(usize, Vec<u16>)> = starts
        .into_iter()
        .map(|(start, of)| match is_unspaced(start.as_bytes()) {
            true => (usize::MAX, of),
            false => (start.split(' ').count(), of),
        })
        .collect();
    let form = Phrases::pack(&phrases, &starts).map_err(field)?;
    Ok((Form::Phrase(form), literals))
}

/// What stands between words that are written as one.
const JOINTS: [char; 4] = [' ', '-', '/', '.'];

/// The words of the classes of frames, one bit for each class.
fn frame_words(held: &FrameSpec) -> Result<BTreeMap<String, u32>, Refused> {
    let mut words: BTreeMap<String, u32> = BTreeMap::new();
    for (class, list) in held.classes.values().enumerate() {
        for word in list {
            let stem = word.strip_suffix('*');
            let text = stem.unwrap_or(word);
            let may_end = |stem: &str| {
                stem.len() >= lexicon::SHORTEST_STEM
                    && !stem.contains(JOINTS)
                    && !lexicon::is_pieced(stem.as_bytes())
            };
            if text.is_empty()
                || text.contains('*')
                || text != text.to_lowercase()
                || text.split(JOINTS).count() > 4
                || text.split(JOINTS).any(|word| word.len() > lexicon::LONGEST)
                || !stem.is_none_or(may_end)
            {
                return Err(field(format!(
                    "`{word}` is neither a word nor up to four words in lower case, nor the beginning of a word with `*`"
                )));
            }
            // `ai-agent` is two words, and so is `aws/credentials`.
            *words.entry(word.replace(JOINTS, " ")).or_default() |= 1 << class;
        }
    }
    Ok(words)
}

/// What leads to a frame: the words of the class that is searched for.
fn frame_literals(words: &[String], rule: u16, index: usize) -> impl Iterator<Item = Literal> {
    words.iter().flat_map(move |word| {
        let stem = word.strip_suffix('*');
        let text = cased(stem.unwrap_or(word));
        text.into_iter().map(move |spelling| {
            let edge = match spelling.as_bytes() {
                held if lexicon::is_pieced(held) => Edge::Any,
                _ if stem.is_some() => Edge::Start,
                _ => Edge::Words,
            };
            Literal {
                edge,
                ..plain(spelling.as_bytes(), true, rule, index, AFTER_WORD)
            }
        })
    })
}

fn frame(held: &FrameSpec, rule: u16) -> Result<Formed, Refused> {
    if held.classes.len() > 32 {
        return Err(field(String::from("more than 32 classes")));
    }
    let words = frame_words(held)?;
    let (mut frames, mut literals) = (Vec::new(), Vec::new());
    for (index, pattern) in held.patterns.iter().enumerate() {
        let mut frame = Frame {
            needs: 0,
            unless: 0,
        };
        let mut anchors = None;
        for name in pattern.split(' ') {
            let (unless, name) = match name.strip_prefix('!') {
                Some(name) => (true, name),
                None => (false, name),
            };
            let (anchor, name) = match name.strip_suffix('@') {
                Some(name) => (true, name),
                None => (false, name),
            };
            let class = held.classes.keys().position(|known| known == name);
            let class = class.ok_or_else(|| field(format!("`{pattern}`: no class `{name}`")))?;
            if unless {
                frame.unless |= 1 << class;
            } else {
                frame.needs |= 1 << class;
            }
            if anchor {
                anchors = held.classes.get(name);
            }
        }
        let anchors = anchors.ok_or_else(|| {
            field(format!(
                "`{pattern}` has no class with `@`, whose words are searched for"
            ))
        })?;
        literals.extend(frame_literals(anchors, rule, index));
        frames.push(frame);
    }
    if let Some(short) = literals.iter().find(|literal| literal.bytes.len() < 4) {
        let short = String::from_utf8_lossy(&short.bytes);
        return Err(field(format!("`{short}` is too short to be searched for")));
    }
    // One search for a word that several patterns share: what is found does not depend on which asked.
    literals.sort_by(|left, right| left.bytes.cmp(&right.bytes));
    literals.dedup_by(|left, right| left.bytes == right.bytes);
    Ok((Form::Frame(Frames::new(words, frames)), literals))
}

/// Words shorter than this are in every sentence.
const SHORT: usize = 6;

/// What a phrase is searched by: its first word, with the second where the first is short and the second must follow,
/// because short words are in every sentence.
fn anchors(first: &Word, second: Option<&Word>) -> Vec<String> {
    let mut out = Vec::new();
    for start in &first.any {
        match second {
            Some(second)
                if start.len() < SHORT
                    && !is_unspaced(start.as_bytes())
                    && !second.optional
                    && !second.any.is_empty() =>
            {
                out.extend(second.any.iter().map(|next| format!("{start} {next}")));
            }
            _ => out.push(start.clone()),
        }
    }
    out
}

/// One element of a phrase; `*` is three words, each of which may be missing.
fn word(text: &str) -> Vec<Word> {
    if text == "*" {
        let any = Word {
            any: Vec::new(),
            optional: true,
        };
        return vec![any; 3];
    }
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    vec![Word {
        any: inner
            .unwrap_or(text)
            .split('|')
            .map(str::to_owned)
            .collect(),
        optional: inner.is_some(),
    }]
}
