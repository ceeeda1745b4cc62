//! The compiled form to what is evaluated: names become bits, patterns become automata. Refuses what it does not know.

use super::PolicyError;
use super::compiled::{
    Block, ByPhase, Compiled, Draft, Head, Key, LabelRule, Needs, PinnedTool, Rule, Sign, Span,
};
use super::condition::{
    ActionCondition, ArgCondition, Base, Bundle, CallCondition, FindingCondition, Globs, Range,
    TargetGlob, Targets, Under, Window, Words,
};
use super::glob::{Ends, Glob, MAX_TOKENS};
use super::spec::{
    ActionSpec, ArgSpec, BlockSpec, ChecksumSpec, DefaultSpec, FORMAT, FindingSpec, GlobsSpec,
    LabelSpec, Layer, Mode, PolicySpec, RangeSpec, RuleSpec, SetSpec, TargetSpec, Text, WindowSpec,
};
use super::subjects::Wants;
use crate::actions::ActionKind;
use crate::decision::Effect;

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
pub(super) fn compile(spec: &PolicySpec<'_>, digest: &str) -> Result<Compiled, PolicyError> {
    if *spec.format != *FORMAT {
        return Err(PolicyError {
            kind: "policy_format",
            message: format!(
                "the policy is written in `{}`; this core reads `{FORMAT}`",
                spec.format
            ),
        });
    }
    let mut draft = Draft::default();
    for (at, rule_spec) in spec.rules.iter().enumerate() {
        if at > 0 && *spec.rules[at - 1].id >= *rule_spec.id {
            return Err(invalid(format!(
                "rule `{}` is not in its place: rules are sorted by id, and no id comes twice",
                rule_spec.id
            )));
        }
        let made = rule(rule_spec, &mut draft)?;
        draft.rules.push(made);
    }
    for (at, label) in spec.labels.iter().enumerate() {
        if at > 0 && *spec.labels[at - 1].id >= *label.id {
            return Err(invalid(format!(
                "label rule `{}` is not in its place: they are sorted by id, and no id comes twice",
                label.id
            )));
        }
        let made = label_rule(label, &mut draft)?;
        draft.labels.push(made);
    }
    answers(spec, &mut draft)?;
    let pins: Vec<PinnedTool> = spec
        .pins
        .iter()
        .map(|(tool, definition)| PinnedTool {
            tool: draft.keep(tool),
            definition: draft.keep(definition),
        })
        .collect();
    let by_phase = |default: &DefaultSpec| ByPhase {
        effect: default.effect,
        layer: default.layer,
    };
    let observe = spec.mode == Mode::Observe;
    let own = spec.own.as_ref().map(ToString::to_string);
    let head = Head {
        digest: draft.keep(digest),
        id: draft.keep(&spec.id),
        observe,
        observe_all: observe && spec.mode_layer == Some(Layer::Managed),
        pre: by_phase(&spec.default.pre),
        post: by_phase(&spec.default.post),
        text: by_phase(&spec.default.text),
        own: draft.keep(&own.unwrap_or_default()),
        pins: draft.pins.keep(&pins),
    };
    Ok(draft.finish(head))
}

/// Says of each question which permissions answer it.
fn answers(spec: &PolicySpec<'_>, draft: &mut Draft) -> Result<(), PolicyError> {
    let mut answers: Vec<(usize, u32)> = Vec::new();
    for at in 0..spec.rules.len() {
        for asked in &spec.rules[at].overrides {
            let question = overridden(&spec.rules, at, asked)?;
            answers.push((question, u32::try_from(at).unwrap_or(u32::MAX)));
        }
    }
    answers.sort_unstable();
    for same in answers.chunk_by(|one, other| one.0 == other.0) {
        let permissions: Vec<u32> = same.iter().map(|(_, at)| *at).collect();
        if let Some((question, _)) = same.first() {
            draft.rules[*question].overridden_by = draft.numbers.keep(&permissions);
        }
    }
    Ok(())
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

fn label_rule(spec: &LabelSpec<'_>, draft: &mut Draft) -> Result<LabelRule, PolicyError> {
    let id = &spec.id;
    if spec.when.is_empty() || spec.add.is_empty() {
        return Err(invalid(format!(
            "label rule `{id}` has no conditions, or adds no label"
        )));
    }
    let start = draft.blocks.len();
    for block_spec in &spec.when {
        let refuse = |error| invalid(format!("label rule `{id}`: {error}"));
        // What is unknown counts against the call, as in a question.
        let needs = needs(block_spec, Effect::Ask).map_err(refuse)?;
        let gate = gate(needs, draft).map_err(refuse)?;
        let owner = draft.rules.len() + draft.labels.len();
        let block = block(block_spec, gate, owner, draft).map_err(refuse)?;
        draft.blocks.push(block);
    }
    Ok(LabelRule {
        id: draft.keep(id),
        add: words(&spec.add, draft),
        blocks: Span::since(start, draft.blocks.len()),
    })
}

fn rule(spec: &RuleSpec<'_>, draft: &mut Draft) -> Result<Rule, PolicyError> {
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
    let start = draft.blocks.len();
    for block_spec in &spec.when {
        let refuse = |error| invalid(format!("rule `{id}`: {error}"));
        let needs = needs(block_spec, spec.effect).map_err(refuse)?;
        // More findings must never make a call more allowed.
        if spec.effect == Effect::Allow && needs.kinds.is_some() && needs.families.is_some() {
            return Err(invalid(format!(
                "rule `{id}` allows, so it may speak about actions or about findings, not about both"
            )));
        }
        let gate = gate(needs, draft).map_err(refuse)?;
        let block = block(block_spec, gate, draft.rules.len(), draft).map_err(refuse)?;
        draft.blocks.push(block);
    }
    Ok(Rule {
        id: draft.keep(id),
        effect: spec.effect,
        if_unknown,
        layer: spec.layer,
        why: draft.keep(&spec.why),
        safer: spec.safer.as_ref().map(|text| draft.keep(text)),
        until: spec.until.as_ref().map(|text| draft.keep(text)),
        then: words(&spec.then, draft),
        overridden_by: Span::default(),
        blocks: Span::since(start, draft.blocks.len()),
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
fn gate(needs: Needs, draft: &mut Draft) -> Result<u16, String> {
    let held = draft.gates.iter().position(|gate| *gate == needs);
    let at = held.unwrap_or_else(|| {
        draft.gates.push(needs);
        draft.gates.len() - 1
    });
    u16::try_from(at).map_err(|_| String::from("the policy has too many different blocks"))
}

fn block(
    spec: &BlockSpec<'_>,
    gate: u16,
    owner: usize,
    draft: &mut Draft,
) -> Result<(Block, Wants), String> {
    let mut block = Block {
        gate,
        owner: u32::try_from(owner).unwrap_or(u32::MAX),
        call: call(spec, draft)?,
        action: Span::default(),
        finding: Span::default(),
        sign: Sign::default(),
        or: Sign::default(),
    };
    if let Some(spec) = &spec.action {
        block.action = action(spec, draft)?;
    }
    if let Some(spec) = &spec.finding {
        block.finding = finding(spec, draft)?;
    }
    (block.sign, block.or) = signs(&block, draft);
    Ok((block, wants(&block, draft)))
}

/// What of a block's conditions on an action needs no look at texts.
fn wants(block: &Block, draft: &Draft) -> Wants {
    let mut wants = Wants {
        places: None,
        certainties: u8::MAX,
        attribute: false,
    };
    for id in block.action.of(&draft.numbers.list) {
        match draft.action.list.get(*id as usize) {
            Some(ActionCondition::Place(set)) => wants.places = Some(*set),
            Some(ActionCondition::Certainty(set)) => wants.certainties = *set,
            Some(ActionCondition::Has(words)) => wants.attribute = words.wants_one(),
            _ => {}
        }
    }
    wants
}

/// The text whose ends tell most, and how it must begin and end; the second is what a target may be in place of the first.
fn signs(block: &Block, draft: &Draft) -> (Sign, Sign) {
    let names = |key: Key, globs: Globs| {
        let globs = globs.any.of(&draft.globs.list);
        let ends = globs.iter().map(|glob| glob.ends).reduce(Ends::shared)?;
        Some((Sign { key, ends }, Sign::default()))
    };
    let on_call = block.call.of(&draft.numbers.list).iter();
    let on_call = on_call.filter_map(|id| match draft.call.list.get(*id as usize)? {
        CallCondition::Tool(globs) => names(Key::Tool, *globs),
        _ => None,
    });
    let on_action = block.action.of(&draft.numbers.list).iter();
    let on_action = on_action.filter_map(|id| match draft.action.list.get(*id as usize)? {
        ActionCondition::By(globs) => names(Key::By, *globs),
        ActionCondition::Target(targets) if targets.under.is_empty() => {
            signs_of_targets(targets.any.of(&draft.bundles.list))
        }
        _ => None,
    });
    // Of two, the one that tells less says how much both tell.
    let weight = |(sign, or): &(Sign, Sign)| match or.key {
        Key::Nothing => sign.ends.weight(),
        _ => sign.ends.weight().min(or.ends.weight()),
    };
    on_call
        .chain(on_action)
        .filter(|signs| weight(signs) > 0)
        .max_by_key(weight)
        .unwrap_or_default()
}

/// How targets must begin and end that fit one of some patterns: for each base that a pattern begins with, of which there
/// may be two.
fn signs_of_targets(bundles: &[Bundle]) -> Option<(Sign, Sign)> {
    let mut signs: Vec<Sign> = Vec::new();
    for bundle in bundles {
        let (key, ends) = bundle.sign();
        match signs.iter_mut().find(|sign| sign.key == key) {
            Some(sign) => sign.ends = sign.ends.shared(ends),
            None => signs.push(Sign { key, ends }),
        }
    }
    match *signs.as_slice() {
        [sign] => Some((sign, Sign::default())),
        [sign, or] => Some((sign, or)),
        _ => None,
    }
}

fn call(spec: &BlockSpec<'_>, draft: &mut Draft) -> Result<Span, String> {
    let mut ids = Vec::new();
    if !spec.surface.is_empty() {
        let set = bits_or_all(&spec.surface, |surface| surface as u8);
        ids.push(draft.call.number(CallCondition::Surface(set)));
    }
    if !spec.pin.is_empty() {
        let set = bits_or_all(&spec.pin, |pin| pin as u8);
        ids.push(draft.call.number(CallCondition::Pin(set)));
    }
    if !spec.run_mode.is_empty() {
        let set = bits_or_all(&spec.run_mode, |mode| mode as u8);
        ids.push(draft.call.number(CallCondition::RunMode(set)));
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
            let globs = globs(&patterns.any, &patterns.none, draft)?;
            ids.push(draft.call.number(condition(globs)));
        }
    }
    if let Some(bounds) = &spec.depth {
        ids.push(draft.call.number(CallCondition::Depth(range(bounds))));
    }
    for (pointer, condition) in &spec.arg {
        let condition = arg(condition, draft)?;
        let every = pointer.split('/').any(|step| step == "*");
        let pointer = draft.keep(pointer);
        ids.push(draft.call.number(if every {
            CallCondition::EveryArg(pointer, condition)
        } else {
            CallCondition::Arg(pointer, condition)
        }));
    }
    if let Some(set) = &spec.label {
        let words = set_words(set, draft);
        ids.push(draft.call.number(CallCondition::Label(words)));
    }
    for (name, bounds) in &spec.counter {
        let name = draft.keep(name);
        ids.push(
            draft
                .call
                .number(CallCondition::Counter(name, range(bounds))),
        );
    }
    if let Some(bounds) = &spec.sends {
        ids.push(draft.call.number(CallCondition::Sends(range(bounds))));
    }
    if let Some(hours) = &spec.time {
        ids.push(draft.call.number(CallCondition::Time(window(hours)?)));
    }
    Ok(draft.numbers.keep(&ids))
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
    let mut draft = Draft::default();
    let glob = Glob::name(pattern, &mut draft).ok_or_else(|| too_long(pattern))?;
    Ok(ActionKind::ALL
        .iter()
        .filter(|kind| glob.matches(kind.as_str(), &draft))
        .fold(0, |set, kind| set | kind.bit()))
}

/// The cheapest first, for what comes after a condition that does not hold is not asked.
fn action(spec: &ActionSpec<'_>, draft: &mut Draft) -> Result<Span, String> {
    let mut ids = Vec::new();
    if !spec.place.is_empty() {
        let set = bits(&spec.place, |place| place as u8);
        ids.push(draft.action.number(ActionCondition::Place(set)));
    }
    if !spec.certainty.is_empty() {
        let set = bits_or_all(&spec.certainty, |certainty| certainty as u8);
        ids.push(draft.action.number(ActionCondition::Certainty(set)));
    }
    if let Some(exact) = spec.exact {
        ids.push(draft.action.number(ActionCondition::Exact(exact)));
    }
    if let Some(remote) = spec.remote {
        ids.push(draft.action.number(ActionCondition::Remote(remote)));
    }
    if let Some(set) = &spec.has {
        let words = set_words(set, draft);
        ids.push(draft.action.number(ActionCondition::Has(words)));
    }
    let named: [Named<'_, ActionCondition>; 3] = [
        (&spec.on, ActionCondition::On),
        (&spec.host, ActionCondition::Host),
        (&spec.by, ActionCondition::By),
    ];
    for (patterns, condition) in named {
        if let Some(patterns) = patterns {
            let globs = globs(&patterns.any, &patterns.none, draft)?;
            ids.push(draft.action.number(condition(globs)));
        }
    }
    if let Some(patterns) = &spec.target {
        let targets = targets(patterns, draft)?;
        ids.push(draft.action.number(ActionCondition::Target(targets)));
    }
    Ok(draft.numbers.keep(&ids))
}

fn finding(spec: &FindingSpec<'_>, draft: &mut Draft) -> Result<Span, String> {
    let mut ids = Vec::new();
    if let Some(least) = spec.severity {
        ids.push(draft.finding.number(FindingCondition::Severity(least)));
    }
    if !spec.checksum.is_empty() {
        let set = bits_or_all(&spec.checksum, |checksum| match checksum {
            ChecksumSpec::Valid => 0,
            ChecksumSpec::Mismatch => 1,
            ChecksumSpec::None => 2,
        });
        ids.push(draft.finding.number(FindingCondition::Checksum(set)));
    }
    if let Some(bounds) = &spec.confidence_pm {
        ids.push(
            draft
                .finding
                .number(FindingCondition::Confidence(range(bounds))),
        );
    }
    if let Some(patterns) = &spec.rule {
        let globs = globs(&patterns.any, &patterns.none, draft)?;
        ids.push(draft.finding.number(FindingCondition::Rule(globs)));
    }
    Ok(draft.numbers.keep(&ids))
}

fn too_long(pattern: &str) -> String {
    let start: String = pattern.chars().take(40).collect();
    format!("the pattern that begins with `{start}` has more than {MAX_TOKENS} parts")
}

fn globs(any: &[Text<'_>], none: &[Text<'_>], draft: &mut Draft) -> Result<Globs, String> {
    let mut list = |patterns: &[Text<'_>]| -> Result<Span, String> {
        let mut glob = |pattern| Glob::name(pattern, draft).ok_or_else(|| too_long(pattern));
        let globs: Vec<Glob> = patterns
            .iter()
            .map(|pattern| glob(pattern))
            .collect::<Result<_, _>>()?;
        Ok(draft.globs.keep(&globs))
    };
    Ok(Globs {
        any: list(any)?,
        none: list(none)?,
    })
}

fn targets(spec: &TargetSpec<'_>, draft: &mut Draft) -> Result<Targets, String> {
    Ok(Targets {
        any: target_globs(&spec.any, draft)?,
        under: folders(&spec.under, draft)?,
        none: target_globs(&spec.none, draft)?,
        outside: folders(&spec.outside, draft)?,
    })
}

fn target_globs(patterns: &[Text<'_>], draft: &mut Draft) -> Result<Span, String> {
    let mut globs = Vec::new();
    for pattern in patterns {
        let (base, rest) = based(pattern)?;
        // What does not look like a path is a name, in which `*` crosses every character: `origin/*`, `*.prod`.
        let is_path = base != Base::Nothing || rest.starts_with('/') || rest.starts_with("**/");
        let glob = if is_path {
            Glob::path(rest, draft)
        } else {
            Glob::name(rest, draft)
        };
        let glob = glob.ok_or_else(|| too_long(pattern))?;
        globs.push(TargetGlob { base, glob });
    }
    Ok(Bundle::all(globs, draft))
}

fn folders(paths: &[Text<'_>], draft: &mut Draft) -> Result<Span, String> {
    let mut unders = Vec::new();
    for path in paths {
        let (base, rest) = based(path)?;
        let rest = draft.keep(rest.trim_end_matches('/'));
        unders.push(Under { base, rest });
    }
    Ok(draft.unders.keep(&unders))
}

/// The variable a pattern begins with, and the rest.
fn based(pattern: &str) -> Result<(Base, &str), String> {
    for (name, base) in [
        ("${workspace}", Base::Workspace),
        ("${home}", Base::Home),
        ("${cwd}", Base::Cwd),
        ("${guard_home}", Base::GuardHome),
    ] {
        if let Some(rest) = pattern.strip_prefix(name) {
            return Ok((base, rest));
        }
    }
    if pattern.contains("${") {
        return Err(format!("`{pattern}` holds a variable that nobody sets"));
    }
    Ok((Base::Nothing, pattern))
}

fn arg(spec: &ArgSpec<'_>, draft: &mut Draft) -> Result<ArgCondition, String> {
    let text = if spec.any.is_empty() && spec.none.is_empty() {
        None
    } else {
        Some(globs(&spec.any, &spec.none, draft)?)
    };
    Ok(ArgCondition {
        exists: spec.exists,
        text,
    })
}

fn words(words: &[Text<'_>], draft: &mut Draft) -> Span {
    draft.keep_words(words.iter().map(|word| &**word))
}

fn set_words(spec: &SetSpec<'_>, draft: &mut Draft) -> Words {
    Words {
        any: words(&spec.any, draft),
        all: words(&spec.all, draft),
        none: words(&spec.none, draft),
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
