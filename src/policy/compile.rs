//! The compiled form to what is evaluated: names become bits, patterns become automata. Refuses what it does not know.

use serde::{Deserialize, Serialize};

use super::PolicyError;
use super::condition::{
    ActionCondition, ArgCondition, Base, CallCondition, FindingCondition, Globs, Range, TargetGlob,
    Targets, Under, Window, Words,
};
use super::glob::{Glob, MAX_TOKENS};
use super::packed::{self, fixed_struct};
use super::pool::{Pool, Span};
use super::spec::{
    ActionSpec, ArgSpec, BlockSpec, ChecksumSpec, DefaultSpec, FORMAT, FindingSpec, GlobsSpec,
    LabelSpec, Layer, Mode, PolicySpec, RangeSpec, RuleSpec, SetSpec, TargetSpec, Text, WindowSpec,
};
use crate::actions::ActionKind;
use crate::decision::Effect;

/// A policy as it is evaluated, without its digest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Compiled {
    pub(super) id: Span,
    pub(super) observe: bool,
    /// Whether the administrator said that it only observes: then nothing holds, not even what he denies.
    pub(super) observe_all: bool,
    /// By phase: pre, post, text.
    pub(super) defaults: [(Effect, Layer); 3],
    /// What the user's own tools and programs do, as JSON; empty where nothing is said.
    pub(super) own: Span,
    pub(super) rules: Vec<Rule>,
    pub(super) labels: Vec<LabelRule>,
    #[serde(with = "packed")]
    pub(super) blocks: Vec<Block>,
    /// What blocks ask of the facts before anything else, each once: a few of them dismiss most rules at once.
    #[serde(with = "packed")]
    pub(super) gates: Vec<Needs>,
    /// By gate: which rules have such a block, bit by position. See [`Compiled::index`].
    #[serde(skip)]
    pub(super) behind: Vec<Vec<u64>>,
    pub(super) pool: Pool,
}

impl Compiled {
    /// Says which rules are behind which gate: before the first decision, after rules were made or read.
    pub(super) fn index(&mut self) {
        let words = self.rules.len().div_ceil(64);
        let mut behind = vec![vec![0; words]; self.gates.len()];
        for (at, rule) in self.rules.iter().enumerate() {
            for block in rule.blocks.of(&self.blocks) {
                if let Some(rules) = behind.get_mut(usize::from(block.gate)) {
                    rules[at / 64] |= 1 << (at % 64);
                }
            }
        }
        self.behind = behind;
    }
}

/// A rule that gives labels, as it is evaluated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LabelRule {
    pub(super) id: Span,
    /// Words.
    pub(super) add: Span,
    /// Of the policy's blocks.
    pub(super) blocks: Span,
}

/// What facts must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// Bit by position: pre, post, text.
    pub(super) phases: u8,
    /// Kinds of the action a block speaks about; `None`: it speaks about no action.
    pub(super) kinds: Option<u128>,
    /// Families of the finding a block speaks about; `None`: it speaks about no finding.
    pub(super) families: Option<u8>,
}

fixed_struct!(Needs {
    phases: u8,
    kinds: Option<u128>,
    families: Option<u8>,
});

/// A rule as it is evaluated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) id: Span,
    pub(super) effect: Effect,
    /// What it says when it holds only because something is unknown.
    pub(super) if_unknown: Effect,
    pub(super) layer: Layer,
    pub(super) why: Span,
    pub(super) safer: Option<Span>,
    pub(super) until: Option<Span>,
    /// Words.
    pub(super) then: Span,
    /// Positions of the permissions that answer this question.
    pub(super) overridden_by: Vec<u32>,
    /// Of the policy's blocks.
    pub(super) blocks: Span,
}

/// Conditions that hold together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// Position among the gates.
    pub(super) gate: u16,
    /// Parts of the pool's lists.
    pub(super) call: Span,
    pub(super) action: Span,
    pub(super) finding: Span,
}

fixed_struct!(Block {
    gate: u16,
    call: Span,
    action: Span,
    finding: Span,
});

fn invalid(message: String) -> PolicyError {
    PolicyError {
        kind: "policy_invalid",
        message,
    }
}

/// Compiles a policy.
///
/// # Errors
/// [`PolicyError`] with the rule and what is wrong with it.
pub(super) fn compile(spec: &PolicySpec<'_>) -> Result<Compiled, PolicyError> {
    if *spec.format != *FORMAT {
        return Err(PolicyError {
            kind: "policy_format",
            message: format!(
                "the policy is written in `{}`; this core reads `{FORMAT}`",
                spec.format
            ),
        });
    }
    let default = |default: &DefaultSpec| (default.effect, default.layer);
    let mut pool = Pool::default();
    let mut compiled = Compiled {
        id: pool.keep(&spec.id),
        observe: spec.mode == Mode::Observe,
        observe_all: spec.mode == Mode::Observe && spec.mode_layer == Some(Layer::Managed),
        defaults: [
            default(&spec.default.pre),
            default(&spec.default.post),
            default(&spec.default.text),
        ],
        own: spec
            .own
            .as_ref()
            .map_or_else(Span::default, |own| pool.keep(&own.to_string())),
        rules: Vec::with_capacity(spec.rules.len()),
        labels: Vec::with_capacity(spec.labels.len()),
        blocks: Vec::with_capacity(spec.rules.len() * 2),
        gates: Vec::new(),
        behind: Vec::new(),
        pool,
    };
    for (at, rule_spec) in spec.rules.iter().enumerate() {
        if at > 0 && *spec.rules[at - 1].id >= *rule_spec.id {
            return Err(invalid(format!(
                "rule `{}` is not in its place: rules are sorted by id, and no id comes twice",
                rule_spec.id
            )));
        }
        let made = rule(rule_spec, &mut compiled)?;
        compiled.rules.push(made);
    }
    for (at, label) in spec.labels.iter().enumerate() {
        if at > 0 && *spec.labels[at - 1].id >= *label.id {
            return Err(invalid(format!(
                "label rule `{}` is not in its place: they are sorted by id, and no id comes twice",
                label.id
            )));
        }
        let made = label_rule(label, &mut compiled)?;
        compiled.labels.push(made);
    }
    for at in 0..spec.rules.len() {
        for asked in &spec.rules[at].overrides {
            let question = overridden(&spec.rules, at, asked)?;
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            compiled.rules[question].overridden_by.push(at);
        }
    }
    compiled.index();
    Ok(compiled)
}

/// The position of the question `asked` that the rule at `at` answers.
fn overridden(rules: &[RuleSpec<'_>], at: usize, asked: &str) -> Result<usize, PolicyError> {
    let permission = &rules[at];
    let id = &permission.id;
    let Ok(position) = rules.binary_search_by(|rule| (*rule.id).cmp(asked)) else {
        return Err(invalid(format!(
            "rule `{id}` overrides `{asked}`, which is not in the policy"
        )));
    };
    let question = &rules[position];
    if permission.effect != Effect::Allow {
        return Err(invalid(format!(
            "rule `{id}` overrides `{asked}` but allows nothing"
        )));
    }
    if question.effect != Effect::Ask {
        return Err(invalid(format!(
            "rule `{id}` overrides `{asked}`, which does not ask; only a question can be overridden"
        )));
    }
    if permission.layer < question.layer {
        return Err(invalid(format!(
            "rule `{id}` of layer `{}` overrides `{asked}` of layer `{}`, which outranks it",
            permission.layer.as_str(),
            question.layer.as_str()
        )));
    }
    Ok(position)
}

fn label_rule(spec: &LabelSpec<'_>, compiled: &mut Compiled) -> Result<LabelRule, PolicyError> {
    let id = &spec.id;
    if spec.when.is_empty() || spec.add.is_empty() {
        return Err(invalid(format!(
            "label rule `{id}` has no conditions, or adds no label"
        )));
    }
    let start = compiled.blocks.len();
    for block_spec in &spec.when {
        let refuse = |error| invalid(format!("label rule `{id}`: {error}"));
        // What is unknown counts against the call, as in a question.
        let needs = needs(block_spec, Effect::Ask).map_err(refuse)?;
        let gate = gate(needs, compiled).map_err(refuse)?;
        let block = block(block_spec, gate, &mut compiled.pool).map_err(refuse)?;
        compiled.blocks.push(block);
    }
    Ok(LabelRule {
        id: compiled.pool.keep(id),
        add: words(&spec.add, &mut compiled.pool),
        blocks: Span::since(start, compiled.blocks.len()),
    })
}

fn rule(spec: &RuleSpec<'_>, compiled: &mut Compiled) -> Result<Rule, PolicyError> {
    let id = &spec.id;
    let if_unknown = spec.unknown.unwrap_or(spec.effect);
    if if_unknown != spec.effect && (spec.effect, if_unknown) != (Effect::Deny, Effect::Ask) {
        return Err(invalid(format!(
            "rule `{id}`: `unknown` may only turn `deny` into `ask`"
        )));
    }
    if spec.when.is_empty() {
        return Err(invalid(format!("rule `{id}` has no conditions")));
    }
    let start = compiled.blocks.len();
    for block_spec in &spec.when {
        let refuse = |error| invalid(format!("rule `{id}`: {error}"));
        let needs = needs(block_spec, spec.effect).map_err(refuse)?;
        // More findings must never make a call more allowed.
        if spec.effect == Effect::Allow && needs.kinds.is_some() && needs.families.is_some() {
            return Err(invalid(format!(
                "rule `{id}` allows, so it may speak about actions or about findings, not about both"
            )));
        }
        let gate = gate(needs, compiled).map_err(refuse)?;
        let block = block(block_spec, gate, &mut compiled.pool).map_err(refuse)?;
        compiled.blocks.push(block);
    }
    let pool = &mut compiled.pool;
    Ok(Rule {
        id: pool.keep(id),
        effect: spec.effect,
        if_unknown,
        layer: spec.layer,
        why: pool.keep(&spec.why),
        safer: spec.safer.as_ref().map(|text| pool.keep(text)),
        until: spec.until.as_ref().map(|text| pool.keep(text)),
        then: words(&spec.then, pool),
        overridden_by: Vec::new(),
        blocks: Span::since(start, compiled.blocks.len()),
    })
}

/// Bits by position in a vocabulary.
fn bits<T: Copy>(items: &[T], position: impl Fn(T) -> u8) -> u16 {
    items.iter().fold(0, |set, item| set | 1 << position(*item))
}

/// As [`bits`], for vocabularies of up to eight words; no word at all is every word.
fn bits_or_all<T: Copy>(items: &[T], position: impl Fn(T) -> u8) -> u8 {
    if items.is_empty() {
        u8::MAX
    } else {
        bits(items, position).to_le_bytes()[0]
    }
}

/// Patterns that may be given, and the condition they are.
type Named<'a, C> = (&'a Option<GlobsSpec<'a>>, fn(Globs) -> C);

fn needs(spec: &BlockSpec<'_>, effect: Effect) -> Result<Needs, String> {
    Ok(Needs {
        phases: bits_or_all(&spec.phase, |phase| phase as u8),
        kinds: match &spec.action {
            Some(spec) => Some(kinds(&spec.kind, effect)?),
            None => None,
        },
        families: spec
            .finding
            .as_ref()
            .map(|spec| bits_or_all(&spec.kind, |family| family as u8)),
    })
}

/// The position of the gate with those needs.
fn gate(needs: Needs, compiled: &mut Compiled) -> Result<u16, String> {
    let held = compiled.gates.iter().position(|gate| *gate == needs);
    let at = held.unwrap_or_else(|| {
        compiled.gates.push(needs);
        compiled.gates.len() - 1
    });
    u16::try_from(at).map_err(|_| String::from("the policy has too many different blocks"))
}

fn block(spec: &BlockSpec<'_>, gate: u16, pool: &mut Pool) -> Result<Block, String> {
    let mut block = Block {
        gate,
        call: call(spec, pool)?,
        action: Span::default(),
        finding: Span::default(),
    };
    if let Some(spec) = &spec.action {
        block.action = action(spec, pool)?;
    }
    if let Some(spec) = &spec.finding {
        block.finding = finding(spec, pool)?;
    }
    Ok(block)
}

fn call(spec: &BlockSpec<'_>, pool: &mut Pool) -> Result<Span, String> {
    let start = pool.call.len();
    if !spec.surface.is_empty() {
        let set = bits_or_all(&spec.surface, |surface| surface as u8);
        pool.call.push(CallCondition::Surface(set));
    }
    if !spec.pin.is_empty() {
        let set = bits_or_all(&spec.pin, |pin| pin as u8);
        pool.call.push(CallCondition::Pin(set));
    }
    if !spec.run_mode.is_empty() {
        let set = bits_or_all(&spec.run_mode, |mode| mode as u8);
        pool.call.push(CallCondition::RunMode(set));
    }
    let named: [Named<'_, CallCondition>; 6] = [
        (&spec.tool, CallCondition::Tool),
        (&spec.server, CallCondition::Server),
        (&spec.runtime, CallCondition::Runtime),
        (&spec.agent, CallCondition::Agent),
        (&spec.host_mode, CallCondition::HostMode),
        (&spec.principal, CallCondition::Principal),
    ];
    for (patterns, condition) in named {
        if let Some(patterns) = patterns {
            let globs = globs(&patterns.any, &patterns.none, pool)?;
            pool.call.push(condition(globs));
        }
    }
    if let Some(bounds) = &spec.depth {
        pool.call.push(CallCondition::Depth(range(bounds)));
    }
    for (pointer, condition) in &spec.arg {
        let condition = arg(condition, pool)?;
        let every = pointer.split('/').any(|step| step == "*");
        let pointer = pool.keep(pointer);
        pool.call.push(if every {
            CallCondition::EveryArg(pointer, condition)
        } else {
            CallCondition::Arg(pointer, condition)
        });
    }
    if let Some(set) = &spec.label {
        let words = set_words(set, pool);
        pool.call.push(CallCondition::Label(words));
    }
    for (name, bounds) in &spec.counter {
        let name = pool.keep(name);
        pool.call.push(CallCondition::Counter(name, range(bounds)));
    }
    if let Some(hours) = &spec.time {
        pool.call.push(CallCondition::Time(window(hours)?));
    }
    Ok(Span::since(start, pool.call.len()))
}

/// The kinds that patterns name. A permission never covers what was not understood unless it says `unknown` itself.
fn kinds(patterns: &[Text<'_>], effect: Effect) -> Result<u128, String> {
    let unknown = ActionKind::Unknown.bit();
    let every = if effect == Effect::Allow {
        !unknown
    } else {
        u128::MAX
    };
    if patterns.is_empty() {
        return Ok(every);
    }
    let mut set = 0;
    for pattern in patterns {
        let found = ActionKind::from_name(pattern).map_or_else(
            || Ok(kinds_like(pattern)? & every),
            |kind| Ok::<u128, String>(kind.bit()),
        )?;
        if found == 0 {
            return Err(format!("no action is of kind `{pattern}`"));
        }
        set |= found;
    }
    Ok(set)
}

fn kinds_like(pattern: &str) -> Result<u128, String> {
    let mut pool = Pool::default();
    let glob = Glob::name(pattern, &mut pool).ok_or_else(|| too_long(pattern))?;
    Ok(ActionKind::ALL
        .iter()
        .filter(|kind| glob.matches(kind.as_str(), &pool))
        .fold(0, |set, kind| set | kind.bit()))
}

fn action(spec: &ActionSpec<'_>, pool: &mut Pool) -> Result<Span, String> {
    let start = pool.action.len();
    if !spec.place.is_empty() {
        let set = bits(&spec.place, |place| place as u8);
        pool.action.push(ActionCondition::Place(set));
    }
    if let Some(set) = &spec.has {
        let words = set_words(set, pool);
        pool.action.push(ActionCondition::Has(words));
    }
    if !spec.certainty.is_empty() {
        let set = bits_or_all(&spec.certainty, |certainty| certainty as u8);
        pool.action.push(ActionCondition::Certainty(set));
    }
    if let Some(exact) = spec.exact {
        pool.action.push(ActionCondition::Exact(exact));
    }
    if let Some(remote) = spec.remote {
        pool.action.push(ActionCondition::Remote(remote));
    }
    let named: [Named<'_, ActionCondition>; 3] = [
        (&spec.on, ActionCondition::On),
        (&spec.host, ActionCondition::Host),
        (&spec.by, ActionCondition::By),
    ];
    for (patterns, condition) in named {
        if let Some(patterns) = patterns {
            let globs = globs(&patterns.any, &patterns.none, pool)?;
            pool.action.push(condition(globs));
        }
    }
    if let Some(patterns) = &spec.target {
        let targets = targets(patterns, pool)?;
        pool.action.push(ActionCondition::Target(targets));
    }
    Ok(Span::since(start, pool.action.len()))
}

fn finding(spec: &FindingSpec<'_>, pool: &mut Pool) -> Result<Span, String> {
    let start = pool.finding.len();
    if let Some(least) = spec.severity {
        pool.finding.push(FindingCondition::Severity(least));
    }
    if !spec.checksum.is_empty() {
        let set = bits_or_all(&spec.checksum, |checksum| match checksum {
            ChecksumSpec::Valid => 0,
            ChecksumSpec::Mismatch => 1,
            ChecksumSpec::None => 2,
        });
        pool.finding.push(FindingCondition::Checksum(set));
    }
    if let Some(bounds) = &spec.confidence_pm {
        pool.finding
            .push(FindingCondition::Confidence(range(bounds)));
    }
    if let Some(patterns) = &spec.rule {
        let globs = globs(&patterns.any, &patterns.none, pool)?;
        pool.finding.push(FindingCondition::Rule(globs));
    }
    Ok(Span::since(start, pool.finding.len()))
}

fn too_long(pattern: &str) -> String {
    let start: String = pattern.chars().take(40).collect();
    format!("the pattern that begins with `{start}` has more than {MAX_TOKENS} parts")
}

fn globs(any: &[Text<'_>], none: &[Text<'_>], pool: &mut Pool) -> Result<Globs, String> {
    let mut list = |patterns: &[Text<'_>]| -> Result<Span, String> {
        let start = pool.globs.len();
        for pattern in patterns {
            let glob = Glob::name(pattern, pool).ok_or_else(|| too_long(pattern))?;
            pool.globs.push(glob);
        }
        Ok(Span::since(start, pool.globs.len()))
    };
    Ok(Globs {
        any: list(any)?,
        none: list(none)?,
    })
}

fn targets(spec: &TargetSpec<'_>, pool: &mut Pool) -> Result<Targets, String> {
    Ok(Targets {
        any: target_globs(&spec.any, pool)?,
        under: folders(&spec.under, pool)?,
        none: target_globs(&spec.none, pool)?,
        outside: folders(&spec.outside, pool)?,
    })
}

fn target_globs(patterns: &[Text<'_>], pool: &mut Pool) -> Result<Span, String> {
    let start = pool.target_globs.len();
    for pattern in patterns {
        let (base, rest) = based(pattern)?;
        // What does not look like a path is a name, in which `*` crosses every character: `origin/*`, `*.prod`.
        let is_path = base.is_some() || rest.starts_with('/') || rest.starts_with("**/");
        let glob = if is_path {
            Glob::path(rest, pool)
        } else {
            Glob::name(rest, pool)
        };
        let glob = glob.ok_or_else(|| too_long(pattern))?;
        pool.target_globs.push(TargetGlob { base, glob });
    }
    Ok(Span::since(start, pool.target_globs.len()))
}

fn folders(paths: &[Text<'_>], pool: &mut Pool) -> Result<Span, String> {
    let start = pool.unders.len();
    for path in paths {
        let (base, rest) = based(path)?;
        let rest = pool.keep(rest.trim_end_matches('/'));
        pool.unders.push(Under { base, rest });
    }
    Ok(Span::since(start, pool.unders.len()))
}

/// The variable a pattern begins with, and the rest.
fn based(pattern: &str) -> Result<(Option<Base>, &str), String> {
    for (name, base) in [
        ("${workspace}", Base::Workspace),
        ("${home}", Base::Home),
        ("${cwd}", Base::Cwd),
        ("${guard_home}", Base::GuardHome),
    ] {
        if let Some(rest) = pattern.strip_prefix(name) {
            return Ok((Some(base), rest));
        }
    }
    if pattern.contains("${") {
        return Err(format!("`{pattern}` holds a variable that nobody sets"));
    }
    Ok((None, pattern))
}

fn arg(spec: &ArgSpec<'_>, pool: &mut Pool) -> Result<ArgCondition, String> {
    let text = if spec.any.is_empty() && spec.none.is_empty() {
        None
    } else {
        Some(globs(&spec.any, &spec.none, pool)?)
    };
    Ok(ArgCondition {
        exists: spec.exists,
        text,
    })
}

fn words(words: &[Text<'_>], pool: &mut Pool) -> Span {
    pool.keep_words(words.iter().map(|word| &**word))
}

fn set_words(spec: &SetSpec<'_>, pool: &mut Pool) -> Words {
    Words {
        any: words(&spec.any, pool),
        all: words(&spec.all, pool),
        none: words(&spec.none, pool),
    }
}

fn range(spec: &RangeSpec) -> Range {
    Range {
        gte: spec.gte.unwrap_or(0),
        lte: spec.lte.unwrap_or(u64::MAX),
    }
}

fn window(spec: &WindowSpec) -> Result<Window, String> {
    if spec.days.iter().any(|day| *day > 6) || spec.from_min > 1440 || spec.to_min > 1440 {
        return Err(String::from(
            "a day is 0 to 6, a minute of the day 0 to 1440",
        ));
    }
    Ok(Window {
        days: spec.days.iter().fold(0, |set, day| set | 1 << day),
        from_min: i64::from(spec.from_min),
        to_min: i64::from(spec.to_min),
        offset_min: i64::from(spec.offset_min),
        outside: spec.outside,
    })
}
