//! What stands in each kind of record. Members are written sorted whatever their order here; readers keep what they
//! do not know. What nobody told us is `null`, never left out, so that absence can be seen.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys::{KEY_ID, TAG_ALGORITHM};
use super::line::{Draft, Source};
use super::seen::Line;
use super::store::{Enforced, Outcome};
use super::tools::Tools;
use crate::actions::ActionKind;
use crate::builtin;
use crate::decision::{Decision, Effect, Labelled, Near};
use crate::facts::Fetched;
use crate::json::Value;
use crate::scan::{Finding, Mark};

/// The version of this program, as every record states it.
pub(super) const GUARD_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is known of a run when it begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunStart {
    /// The runtime: `claude-code`, `python`, `check`.
    pub runtime: String,
    /// The runtime's own name of the session.
    pub session: Option<String>,
    /// The agent inside the runtime.
    pub agent: Option<String>,
    /// Working directory of the first call.
    pub cwd: Option<String>,
    /// Root of the project.
    pub workspace: Option<String>,
    /// Login name.
    pub user: Option<String>,
    /// User id.
    pub uid: Option<u32>,
    /// The runtime's permission mode.
    pub host_mode: Option<String>,
    /// `sha256:…` of the policy in force.
    pub policy: Option<String>,
    /// Whether it only observes.
    pub observes: bool,
    /// The model, as the runtime names it.
    pub model: Option<String>,
    /// Who provides the model.
    pub provider: Option<String>,
    /// The runtime's configuration.
    pub config: Option<Config>,
    /// The version of the agent or its runtime.
    pub version: Option<String>,
    /// The tools that the agent can see.
    pub tools: Option<Tools>,
    /// What started the run: `human`, `schedule`, `agent`.
    pub trigger: Option<String>,
    /// Id of the run that started it.
    pub parent_run: Option<String>,
}

/// The configuration of a runtime: its files, by digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Config {
    /// `sha256:…` over paths and digests of the files.
    pub digest: String,
    /// The files that are there, in the order the runtime reads them.
    pub files: Vec<ConfigFile>,
}

/// One file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigFile {
    /// `sha256:…` of its bytes.
    pub digest: String,
    /// Where it lies.
    pub path: String,
}

impl Config {
    /// The configuration that those files hold.
    #[must_use]
    pub fn of(files: Vec<ConfigFile>) -> Self {
        let bytes = crate::json::to_canonical(&files).unwrap_or_default();
        Self {
            digest: super::digest(&bytes),
            files,
        }
    }
}

/// The model of a run.
#[derive(Serialize)]
pub(super) struct Model<'a> {
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
}

impl<'a> Model<'a> {
    /// The model of a run; `None` when nothing is known of it.
    pub(super) fn of(start: &'a RunStart) -> Option<Self> {
        let (model, provider) = (start.model.as_deref(), start.provider.as_deref());
        (model.is_some() || provider.is_some()).then_some(Self { model, provider })
    }
}

impl RunStart {
    pub(super) fn of(decision: &Decision, uid: Option<u32>) -> Self {
        let facts = &decision.facts;
        Self {
            runtime: facts.caller.runtime.clone(),
            session: facts.caller.run.clone(),
            agent: facts.caller.agent.clone(),
            cwd: facts.context.cwd.clone(),
            workspace: facts.context.workspace.clone(),
            user: facts.context.user.clone(),
            uid,
            host_mode: facts.caller.host_mode.clone(),
            policy: Some(decision.verdict.policy_digest.clone()),
            observes: decision.verdict.observes,
            ..Self::default()
        }
    }

    /// What this record cannot see, each as a sentence.
    fn gaps(&self) -> Vec<&'static str> {
        let mut gaps = Vec::new();
        if self.version.is_none() {
            gaps.push("the version of the agent is not reported");
        }
        match (&self.model, &self.provider) {
            (None, None) => gaps.push("model and provider are not reported"),
            (None, Some(_)) => gaps.push("the model is not reported"),
            (Some(_), None) => gaps.push("the provider of the model is not reported"),
            (Some(_), Some(_)) => {}
        }
        if self.config.is_none() {
            gaps.push("the configuration of the agent is not seen");
        }
        match &self.tools {
            None => gaps.push("the set of tools is not seen, only the tools that were called"),
            Some(tools) if tools.count.is_none() => gaps.push(
                "of the tools only the configured servers are seen, and the tools that were called",
            ),
            Some(_) => {}
        }
        gaps.push("what the calls changed is not observed");
        if self.host_mode.is_none() {
            gaps.push("the permission mode of the runtime is not reported");
        }
        if self.policy.is_none() {
            gaps.push("the run was first seen by a call that nobody had decided");
        }
        gaps
    }

    /// Sets the members of a `run.start` record.
    ///
    /// # Errors
    /// As [`Draft::set`].
    pub fn write(&self, draft: &mut Draft) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Agent<'a> {
            exe: (),
            name: &'a str,
            sub: Option<&'a str>,
            version: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Runtime {
            arch: &'static str,
            guard_v: &'static str,
            os: &'static str,
        }
        #[derive(Serialize)]
        struct Perms<'a> {
            host_mode: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct PolicyInForce<'a> {
            digest: Option<&'a str>,
            mode: &'static str,
        }
        #[derive(Serialize)]
        struct Input<'a> {
            cwd: Option<&'a str>,
            parent_run: Option<&'a str>,
            principal: Principal<'a>,
            session: Option<&'a str>,
            trigger: Option<&'a str>,
            workspace: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Principal<'a> {
            uid: Option<u32>,
            user: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Coverage {
            gaps: Vec<&'static str>,
        }
        draft.set("epoch", &0)?;
        draft.set(
            "agent",
            &Agent {
                exe: (),
                name: &self.runtime,
                sub: self.agent.as_deref(),
                version: self.version.as_deref(),
            },
        )?;
        draft.set(
            "runtime",
            &Runtime {
                arch: std::env::consts::ARCH,
                guard_v: GUARD_VERSION,
                os: std::env::consts::OS,
            },
        )?;
        draft.set("model", &Model::of(self))?;
        draft.set("config", &self.config)?;
        draft.set("tools", &self.tools)?;
        draft.set(
            "perms",
            &Perms {
                host_mode: self.host_mode.as_deref(),
            },
        )?;
        draft.set(
            "policy",
            &PolicyInForce {
                digest: self.policy.as_deref(),
                mode: if self.observes { "observe" } else { "enforce" },
            },
        )?;
        draft.set(
            "input",
            &Input {
                cwd: self.cwd.as_deref(),
                parent_run: self.parent_run.as_deref(),
                principal: Principal {
                    uid: self.uid,
                    user: self.user.as_deref(),
                },
                session: self.session.as_deref(),
                trigger: self.trigger.as_deref(),
                workspace: self.workspace.as_deref(),
            },
        )?;
        draft.set("coverage", &Coverage { gaps: self.gaps() })
    }
}

/// A finding that determined nothing is in the facts already; here stands who found it and how sure it was.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Detector<'a> {
    at: &'a str,
    conf_pm: u16,
    id: &'a str,
    v: &'a str,
}

#[derive(Serialize)]
struct Rule<'a> {
    actions: &'a [usize],
    effect: Effect,
    findings: &'a [usize],
    id: &'a str,
    layer: &'a str,
    message: &'a str,
    unknown: bool,
}

#[derive(Serialize)]
struct NearMiss<'a> {
    effect: Effect,
    id: &'a str,
    missing: &'a [Cow<'static, str>],
}

/// A label that a call leaves on its run, as outcomes state it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftLabel {
    label: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    rule: String,
}

/// What a call leaves that nobody had decided: what it brought in was judged by nobody.
pub(super) fn unjudged(outcome: &Outcome) -> Vec<LeftLabel> {
    if outcome.output_bytes.unwrap_or_default() == 0 {
        return Vec::new();
    }
    vec![LeftLabel {
        label: String::from("untrusted"),
        message: String::from("reads the answer of a call that nobody had decided"),
        rule: String::from("default.bypassed"),
    }]
}

/// A label without what it was about, for a line that has no room for more.
pub(super) fn short_label(label: &Labelled) -> Value {
    Value::Object(vec![
        (String::from("label"), Value::from(label.label.as_str())),
        (
            String::from("message"),
            Value::from("a call whose record was too long for one line"),
        ),
        (String::from("rule"), Value::from(label.rule.as_str())),
    ])
}

#[derive(Serialize)]
struct VerdictMembers<'a> {
    effect: Effect,
    #[serde(skip_serializing_if = "<[Labelled]>::is_empty")]
    labels: &'a [Labelled],
    mode: &'static str,
    near: Vec<NearMiss<'a>>,
    obligations: &'a [String],
    rules: Vec<Rule<'a>>,
    /// Indices of the actions that could not be understood.
    unknown: Vec<usize>,
}

#[derive(Serialize)]
struct RedactionMark<'a> {
    alg: Option<&'static str>,
    at: &'a str,
    class: &'a str,
    kid: Option<&'static str>,
    len: usize,
    span: [usize; 2],
    tag: Option<&'a str>,
}

/// Sets the members of a `decision` record.
///
/// # Errors
/// As [`Draft::set`].
pub fn write_decision(
    draft: &mut Draft,
    decision: &Decision,
    marks: &[Mark],
    answer: &str,
) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct CallMembers<'a> {
        agent: Option<&'a str>,
        depth: u32,
        id: Option<&'a str>,
        parent: (),
    }
    #[derive(Serialize)]
    struct Subject<'a> {
        class: &'a BTreeSet<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        def_digest: Option<&'a str>,
        /// What the call brings from the network.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        fetched: &'a [Fetched],
        /// What earlier calls brought, where the call puts something else in its place.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        replaced: &'a [String],
        /// Bytes that the call sends away, as far as they are known.
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_bytes: Option<u64>,
        server: Option<&'a str>,
        surface: &'static str,
        tool: &'a str,
    }
    #[derive(Serialize)]
    struct PolicyUsed<'a> {
        /// The person's own commands, by which the call was understood.
        #[serde(skip_serializing_if = "Option::is_none")]
        commands: Option<&'a str>,
        digest: &'a str,
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        form: &'a str,
        to: &'a str,
    }
    #[derive(Serialize)]
    struct Spent {
        decide_us: u64,
        understand_us: u64,
    }
    /// The grants that this call was allowed by; each is used up by one.
    #[derive(Serialize)]
    struct Approval<'a> {
        grants: &'a [String],
    }
    let facts = &decision.facts;
    let kinds: BTreeSet<&'static str> = facts
        .actions
        .iter()
        .map(|action| action.kind.as_str())
        .collect();
    draft.set(
        "call",
        &CallMembers {
            agent: facts.caller.agent.as_deref(),
            depth: facts.caller.depth,
            id: facts.caller.call_id.as_deref(),
            parent: (),
        },
    )?;
    draft.set("epoch", &0)?;
    draft.set(
        "subject",
        &Subject {
            class: &kinds,
            def_digest: decision.definition.as_deref(),
            fetched: &decision.left.fetched,
            replaced: &decision.left.replaced,
            sent_bytes: facts.sends.map(|sends| sends.bytes),
            server: facts.server.as_deref(),
            surface: facts.surface.as_str(),
            tool: &facts.tool,
        },
    )?;
    draft.set("action_digest", &decision.action_digest())?;
    draft.set("facts", facts)?;
    let digest = super::id::digest(draft.member("facts").unwrap_or_default());
    draft.set("facts_digest", &digest)?;
    draft.set(
        "policy",
        &PolicyUsed {
            commands: decision.commands.as_deref(),
            digest: &decision.verdict.policy_digest,
        },
    )?;
    draft.set("verdict", &verdict_members(decision))?;
    draft.set("detectors", &detectors(decision))?;
    draft.set("redactions", &redactions(marks))?;
    draft.set(
        "answer",
        &Answer {
            form: answer,
            to: &facts.caller.runtime,
        },
    )?;
    if decision.verdict.grants.is_empty() {
        draft.set("approval", &())?;
    } else {
        draft.set(
            "approval",
            &Approval {
                grants: &decision.verdict.grants,
            },
        )?;
    }
    draft.set(
        "t",
        &Spent {
            decide_us: decision.timings.decide_us,
            understand_us: decision.timings.understand_us,
        },
    )?;
    draft.seen = Some(Box::new(Line::of_decision(decision, kinds)));
    Ok(())
}

/// The record of a decision that stands in no store, as JSON.
///
/// # Errors
/// As [`Draft::set`].
pub fn unstored_decision(decision: &Decision, answer: &str) -> Result<Vec<u8>, StoreError> {
    let source = source(
        &decision.facts.caller.runtime,
        super::os::parent_id(),
        super::os::user_id(),
    );
    let mut draft = Draft::new("decision", decision.id.clone(), "", &decision.run, &source)?;
    write_decision(&mut draft, decision, &decision.marks, answer)?;
    draft.without_place(&super::Stamp::now())
}

fn verdict_members(decision: &Decision) -> VerdictMembers<'_> {
    let verdict = &decision.verdict;
    VerdictMembers {
        effect: verdict.effect,
        labels: &verdict.labels,
        mode: if verdict.observes {
            "observe"
        } else {
            "enforce"
        },
        near: verdict.near.iter().map(near_miss).collect(),
        obligations: &verdict.obligations,
        rules: verdict
            .determining
            .iter()
            .map(|rule| Rule {
                actions: &rule.actions,
                effect: rule.effect,
                findings: &rule.findings,
                id: &rule.rule,
                layer: &rule.layer,
                message: &rule.message,
                unknown: rule.unknown,
            })
            .collect(),
        unknown: decision
            .facts
            .actions
            .iter()
            .enumerate()
            .filter(|(_, action)| action.kind == ActionKind::Unknown)
            .map(|(index, _)| index)
            .collect(),
    }
}

fn near_miss(near: &Near) -> NearMiss<'_> {
    NearMiss {
        effect: near.effect,
        id: &near.rule,
        missing: &near.missing,
    }
}

/// What found something, and which version of it: the guard's own, or the digest of the person's packs.
fn detectors(decision: &Decision) -> Vec<Detector<'_>> {
    let version = |finding: &Finding| match &decision.packs {
        Some(packs)
            if !builtin::scanner()
                .rules()
                .any(|rule| rule.id == finding.rule) =>
        {
            packs
        }
        _ => GUARD_VERSION,
    };
    let mut list: Vec<Detector<'_>> = decision
        .facts
        .findings
        .iter()
        .map(|finding| Detector {
            at: &finding.at,
            conf_pm: finding.confidence_pm,
            id: &finding.rule,
            v: version(finding),
        })
        .collect();
    list.sort();
    list.dedup();
    list
}

fn redactions(marks: &[Mark]) -> Vec<RedactionMark<'_>> {
    marks
        .iter()
        .map(|mark| RedactionMark {
            alg: mark.tag.as_ref().map(|_| TAG_ALGORITHM),
            at: &mark.at,
            class: &mark.class,
            kid: mark.tag.as_ref().map(|_| KEY_ID),
            len: mark.len,
            span: [mark.span.start(), mark.span.end()],
            tag: mark.tag.as_deref(),
        })
        .collect()
}

/// Sets the members of an `outcome` record.
///
/// # Errors
/// As [`Draft::set`].
pub fn write_outcome(
    draft: &mut Draft,
    outcome: &Outcome,
    of: Option<&str>,
    enforced: Enforced,
    labels: &[LeftLabel],
) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct CallMembers<'a> {
        id: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct Subject<'a> {
        tool: &'a str,
    }
    #[derive(Serialize)]
    struct Output<'a> {
        bytes: Option<u64>,
        digest: Option<&'a str>,
        findings: &'a [Finding],
    }
    draft.set("of", &of)?;
    draft.set(
        "call",
        &CallMembers {
            id: outcome.call_id.as_deref(),
        },
    )?;
    draft.set(
        "subject",
        &Subject {
            tool: &outcome.tool,
        },
    )?;
    draft.set("enforced", enforced.as_str())?;
    draft.set("result", outcome.result)?;
    draft.set("dur_ms", &outcome.duration_ms)?;
    draft.set(
        "output",
        &Output {
            bytes: outcome.output_bytes,
            digest: outcome.output_digest.as_deref(),
            findings: &outcome.findings,
        },
    )?;
    if !labels.is_empty() {
        draft.set("labels", labels)?;
    }
    if !outcome.spend.is_empty() {
        draft.set("spend", &outcome.spend)?;
    }
    draft.set("effects", &())
}

/// The source of a record that this process writes.
pub(super) fn source(adapter: &str, ppid: Option<u32>, uid: Option<u32>) -> Source {
    /// Longer names of adapters are cut: the envelope must fit into every line.
    const LONGEST: usize = 128;
    let end = (0..=adapter.len().min(LONGEST))
        .rev()
        .find(|at| adapter.is_char_boundary(*at))
        .unwrap_or_default();
    Source {
        adapter: adapter[..end].to_owned(),
        adapter_v: GUARD_VERSION.to_owned(),
        pid: std::process::id(),
        ppid,
        uid,
    }
}
