//! The compiled form to what is evaluated: names become bits, patterns become automata. Refuses what it does not know.

use super::PolicyError;
use super::condition::{
    ActionCondition, ArgCondition, Base, CallCondition, FindingCondition, Globs, Range, TargetGlob,
    Targets, Under, Window, Words,
};
use super::glob::Glob;
use super::spec::{
    ActionSpec, ArgSpec, BlockSpec, DefaultSpec, FORMAT, FindingSpec, GlobsSpec, Layer, Mode,
    PolicySpec, RangeSpec, RuleSpec, SetSpec, TargetSpec, WindowSpec,
};
use crate::actions::ActionKind;
use crate::decision::Effect;

/// A policy as it is evaluated, without its digest.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) id: Box<str>,
    pub(super) observe: bool,
    /// By phase: pre, post, text.
    pub(super) defaults: [(Effect, Layer); 3],
    pub(super) rules: Vec<Rule>,
}

/// A rule as it is evaluated.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) id: Box<str>,
    pub(super) effect: Effect,
    /// What it says when it holds only because something is unknown.
    pub(super) if_unknown: Effect,
    pub(super) layer: Layer,
    pub(super) why: Box<str>,
    pub(super) safer: Option<Box<str>>,
    pub(super) until: Option<Box<str>>,
    pub(super) then: Box<[Box<str>]>,
    /// Positions of the permissions that answer this question.
    pub(super) overridden_by: Vec<usize>,
    pub(super) blocks: Vec<Block>,
}

/// Conditions that hold together.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Bit by position: pre, post, text.
    pub(super) phases: u8,
    /// Kinds of the action it speaks about; `None`: it speaks about no action.
    pub(super) kinds: Option<u128>,
    /// Families of the finding it speaks about; `None`: it speaks about no finding.
    pub(super) families: Option<u8>,
    pub(super) call: Box<[CallCondition]>,
    pub(super) action: Box<[ActionCondition]>,
    pub(super) finding: Box<[FindingCondition]>,
}

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
pub(super) fn compile(spec: PolicySpec) -> Result<Compiled, PolicyError> {
    if spec.format != FORMAT {
        return Err(PolicyError {
            kind: "policy_format",
            message: format!(
                "the policy is written in `{}`; this core reads `{FORMAT}`",
                spec.format
            ),
        });
    }
    let default = |default: &DefaultSpec| (default.effect, default.layer);
    let defaults = [
        default(&spec.default.pre),
        default(&spec.default.post),
        default(&spec.default.text),
    ];
    let mut overrides = Vec::new();
    let mut rules: Vec<Rule> = Vec::with_capacity(spec.rules.len());
    for (at, mut spec) in spec.rules.into_iter().enumerate() {
        if rules.last().is_some_and(|last| *last.id >= *spec.id) {
            return Err(invalid(format!(
                "rule `{}` is not in its place: rules are sorted by id, and no id comes twice",
                spec.id
            )));
        }
        for asked in std::mem::take(&mut spec.overrides) {
            overrides.push((at, asked));
        }
        rules.push(rule(spec)?);
    }
    for (at, asked) in overrides {
        connect(&mut rules, at, &asked)?;
    }
    Ok(Compiled {
        id: spec.id.into(),
        observe: spec.mode == Mode::Observe,
        defaults,
        rules,
    })
}

/// Lets the permission at `at` answer the question `asked`.
fn connect(rules: &mut [Rule], at: usize, asked: &str) -> Result<(), PolicyError> {
    let (id, effect, layer) = (rules[at].id.clone(), rules[at].effect, rules[at].layer);
    let Ok(question) = rules.binary_search_by(|rule| (*rule.id).cmp(asked)) else {
        return Err(invalid(format!(
            "rule `{id}` overrides `{asked}`, which is not in the policy"
        )));
    };
    if effect != Effect::Allow {
        return Err(invalid(format!(
            "rule `{id}` overrides `{asked}` but allows nothing"
        )));
    }
    if rules[question].effect != Effect::Ask {
        return Err(invalid(format!(
            "rule `{id}` overrides `{asked}`, which does not ask; only a question can be overridden"
        )));
    }
    if layer < rules[question].layer {
        return Err(invalid(format!(
            "rule `{id}` of layer `{}` overrides `{asked}` of layer `{}`, which outranks it",
            layer.as_str(),
            rules[question].layer.as_str()
        )));
    }
    rules[question].overridden_by.push(at);
    Ok(())
}

fn rule(spec: RuleSpec) -> Result<Rule, PolicyError> {
    let id = spec.id;
    let if_unknown = spec.unknown.unwrap_or(spec.effect);
    if if_unknown != spec.effect && (spec.effect, if_unknown) != (Effect::Deny, Effect::Ask) {
        return Err(invalid(format!(
            "rule `{id}`: `unknown` may only turn `deny` into `ask`"
        )));
    }
    if spec.when.is_empty() {
        return Err(invalid(format!("rule `{id}` has no conditions")));
    }
    let mut blocks = Vec::with_capacity(spec.when.len());
    for block_spec in spec.when {
        let block = block(block_spec, spec.effect)
            .map_err(|error| invalid(format!("rule `{id}`: {error}")))?;
        // More findings must never make a call more allowed.
        if spec.effect == Effect::Allow && block.kinds.is_some() && block.families.is_some() {
            return Err(invalid(format!(
                "rule `{id}` allows, so it may speak about actions or about findings, not about both"
            )));
        }
        blocks.push(block);
    }
    Ok(Rule {
        effect: spec.effect,
        if_unknown,
        layer: spec.layer,
        why: spec.why.into(),
        safer: spec.safer.map(Into::into),
        until: spec.until.map(Into::into),
        then: words(spec.then),
        overridden_by: Vec::new(),
        blocks,
        id: id.into(),
    })
}

/// Patterns that may be given, and the condition they are.
type Named<C> = (Option<GlobsSpec>, fn(Globs) -> C);

fn block(spec: BlockSpec, effect: Effect) -> Result<Block, String> {
    let mut call = Vec::new();
    if !spec.surface.is_empty() {
        let set = spec
            .surface
            .iter()
            .fold(0, |set, surface| set | 1 << *surface as u8);
        call.push(CallCondition::Surface(set));
    }
    let named: [Named<CallCondition>; 5] = [
        (spec.tool, CallCondition::Tool),
        (spec.server, CallCondition::Server),
        (spec.runtime, CallCondition::Runtime),
        (spec.agent, CallCondition::Agent),
        (spec.host_mode, CallCondition::HostMode),
    ];
    for (patterns, condition) in named {
        if let Some(patterns) = patterns {
            call.push(condition(globs(&patterns)?));
        }
    }
    if let Some(bounds) = spec.depth {
        call.push(CallCondition::Depth(range(&bounds)));
    }
    for (pointer, condition) in spec.arg {
        call.push(CallCondition::Arg(pointer.into(), arg(condition)?));
    }
    if let Some(set) = spec.label {
        call.push(CallCondition::Label(set_words(set)));
    }
    for (name, bounds) in spec.counter {
        call.push(CallCondition::Counter(name.into(), range(&bounds)));
    }
    if let Some(hours) = spec.time {
        call.push(CallCondition::Time(window(&hours)?));
    }
    let phases = if spec.phase.is_empty() {
        u8::MAX
    } else {
        spec.phase
            .iter()
            .fold(0, |set, phase| set | 1 << *phase as u8)
    };
    let mut block = Block {
        phases,
        kinds: None,
        families: None,
        call: call.into(),
        action: Box::default(),
        finding: Box::default(),
    };
    if let Some(spec) = spec.action {
        block.kinds = Some(kinds(&spec.kind, effect)?);
        block.action = action(spec)?;
    }
    if let Some(spec) = spec.finding {
        block.families = Some(if spec.kind.is_empty() {
            u8::MAX
        } else {
            spec.kind
                .iter()
                .fold(0, |set, family| set | 1 << *family as u8)
        });
        block.finding = finding(spec)?;
    }
    Ok(block)
}

/// The kinds that patterns name. A permission never covers what was not understood unless it says `unknown` itself.
fn kinds(patterns: &[String], effect: Effect) -> Result<u128, String> {
    let unknown = ActionKind::Unknown.bit();
    if patterns.is_empty() {
        return Ok(if effect == Effect::Allow {
            !unknown
        } else {
            u128::MAX
        });
    }
    let mut set = 0;
    for pattern in patterns {
        let mut found = 0;
        if let Some(kind) = ActionKind::from_name(pattern) {
            found = kind.bit();
        } else {
            let glob = name_glob(pattern)?;
            for kind in ActionKind::ALL {
                if glob.matches(kind.as_str()) {
                    found |= kind.bit();
                }
            }
            if effect == Effect::Allow {
                found &= !unknown;
            }
        }
        if found == 0 {
            return Err(format!("no action is of kind `{pattern}`"));
        }
        set |= found;
    }
    Ok(set)
}

fn action(spec: ActionSpec) -> Result<Box<[ActionCondition]>, String> {
    let mut conditions = Vec::new();
    if !spec.place.is_empty() {
        let set = spec
            .place
            .iter()
            .fold(0, |set, place| set | 1 << *place as u16);
        conditions.push(ActionCondition::Place(set));
    }
    if let Some(set) = spec.has {
        conditions.push(ActionCondition::Has(set_words(set)));
    }
    if !spec.certainty.is_empty() {
        let set = spec
            .certainty
            .iter()
            .fold(0, |set, certainty| set | 1 << *certainty as u8);
        conditions.push(ActionCondition::Certainty(set));
    }
    if let Some(exact) = spec.exact {
        conditions.push(ActionCondition::Exact(exact));
    }
    if let Some(remote) = spec.remote {
        conditions.push(ActionCondition::Remote(remote));
    }
    let named: [Named<ActionCondition>; 3] = [
        (spec.on, ActionCondition::On),
        (spec.host, ActionCondition::Host),
        (spec.by, ActionCondition::By),
    ];
    for (patterns, condition) in named {
        if let Some(patterns) = patterns {
            conditions.push(condition(globs(&patterns)?));
        }
    }
    if let Some(patterns) = spec.target {
        conditions.push(ActionCondition::Target(targets(&patterns)?));
    }
    Ok(conditions.into())
}

fn finding(spec: FindingSpec) -> Result<Box<[FindingCondition]>, String> {
    let mut conditions = Vec::new();
    if let Some(least) = spec.severity {
        conditions.push(FindingCondition::Severity(least));
    }
    if !spec.checksum.is_empty() {
        conditions.push(FindingCondition::Checksum(spec.checksum.into()));
    }
    if let Some(bounds) = spec.confidence_pm {
        conditions.push(FindingCondition::Confidence(range(&bounds)));
    }
    if let Some(patterns) = spec.rule {
        conditions.push(FindingCondition::Rule(globs(&patterns)?));
    }
    Ok(conditions.into())
}

fn name_glob(pattern: &str) -> Result<Glob, String> {
    Glob::name(pattern).ok_or_else(|| too_long(pattern))
}

fn too_long(pattern: &str) -> String {
    let start: String = pattern.chars().take(40).collect();
    format!(
        "the pattern that begins with `{start}` has more than {} parts",
        super::glob::MAX_TOKENS
    )
}

fn globs(spec: &GlobsSpec) -> Result<Globs, String> {
    let all = |patterns: &[String]| -> Result<_, String> {
        patterns.iter().map(|pattern| name_glob(pattern)).collect()
    };
    Ok(Globs {
        any: all(&spec.any)?,
        none: all(&spec.none)?,
    })
}

fn targets(spec: &TargetSpec) -> Result<Targets, String> {
    let globs = |patterns: &[String]| {
        patterns
            .iter()
            .map(|pattern| {
                let (base, rest) = based(pattern)?;
                let glob = Glob::path(rest).ok_or_else(|| too_long(pattern))?;
                Ok(TargetGlob { base, glob })
            })
            .collect::<Result<_, String>>()
    };
    let folders = |paths: &[String]| {
        paths
            .iter()
            .map(|path| {
                let (base, rest) = based(path)?;
                let rest = rest.trim_end_matches('/').into();
                Ok(Under { base, rest })
            })
            .collect::<Result<_, String>>()
    };
    Ok(Targets {
        any: globs(&spec.any)?,
        under: folders(&spec.under)?,
        none: globs(&spec.none)?,
        outside: folders(&spec.outside)?,
    })
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

fn arg(spec: ArgSpec) -> Result<ArgCondition, String> {
    let text = if spec.any.is_empty() && spec.none.is_empty() {
        None
    } else {
        Some(globs(&GlobsSpec {
            any: spec.any,
            none: spec.none,
        })?)
    };
    Ok(ArgCondition {
        exists: spec.exists,
        text,
    })
}

fn words(words: Vec<String>) -> Box<[Box<str>]> {
    words.into_iter().map(Into::into).collect()
}

fn set_words(spec: SetSpec) -> Words {
    Words {
        any: words(spec.any),
        all: words(spec.all),
        none: words(spec.none),
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
