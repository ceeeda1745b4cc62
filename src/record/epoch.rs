//! Epochs: a stretch of a run under one configuration. Whatever of it changes between two calls begins another one.

use serde::{Deserialize, Serialize};

use super::chain::{Locked, Search};
use super::error::StoreError;
use super::id;
use super::kinds::{Config, Model, RunStart};
use super::line::{Draft, Source};
use super::seen::Line;
use super::store::Store;
use super::tools::Tools;
use crate::decision::Decision;

/// What is known of the present epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Epoch {
    /// Its number, from 0.
    pub(super) number: u64,
    /// `sha256:…` of the policy in force.
    policy: Option<String>,
    /// The runtime's permission mode, as the main agent's calls bring it.
    host_mode: Option<String>,
    /// Whether the run had ended.
    stopped: bool,
}

#[derive(Serialize)]
struct Perms<'a> {
    host_mode: Option<&'a str>,
}

#[derive(Serialize)]
struct PolicyInForce<'a> {
    digest: &'a str,
    mode: &'static str,
}

/// What differs between two epochs.
#[derive(Default)]
pub(super) struct Change<'a> {
    policy: Option<&'a str>,
    /// Whether that policy only observes.
    observes: bool,
    host_mode: Option<&'a str>,
    model: Option<Model<'a>>,
    config: Option<&'a Config>,
    tools: Option<&'a Tools>,
}

impl Epoch {
    /// Takes the next record of the run.
    pub(super) fn take(&mut self, line: &mut Line<'_>) {
        self.stopped = line.kind == "run.stop";
        if let Some(number) = std::mem::take(&mut line.epoch).held() {
            self.number = number;
        }
        let policy = std::mem::take(&mut line.policy).held();
        if let Some(digest) = policy.and_then(|policy| policy.digest)
            && !digest.is_empty()
        {
            self.policy = Some(digest.into_owned());
        }
        let caller = line.facts.take().and_then(|facts| facts.caller);
        let said = caller
            .filter(|caller| caller.agent.is_none())
            .or_else(|| std::mem::take(&mut line.perms).held());
        if let Some(mode) = said.and_then(|said| said.host_mode) {
            self.host_mode = Some(mode.into_owned());
        }
    }
}

impl Store {
    /// The epoch a decision is made in. Where it is another one than that of the record before, that is staged first.
    pub(super) fn epoch_for(
        &self,
        log: &mut Locked<'_>,
        decision: &Decision,
        source: &Source,
    ) -> Result<u64, StoreError> {
        let caller = &decision.facts.caller;
        // A sub-agent may run under a mode of its own; that is no change of the run's.
        let mode = caller
            .host_mode
            .as_deref()
            .filter(|_| caller.agent.is_none());
        let policy = decision.verdict.policy_digest.as_str();
        if log.is_new() {
            log.set_epoch(Epoch {
                policy: (!policy.is_empty()).then(|| policy.to_owned()),
                host_mode: mode.map(str::to_owned),
                ..Epoch::default()
            });
            return Ok(0);
        }
        let mut epoch = log.epoch()?.clone();
        // What is not known has not changed, as far as anybody can say.
        let differs = |held: &Option<String>, now: &str| {
            held.as_deref().is_some_and(|held| held != now) && !now.is_empty()
        };
        let change = Change {
            policy: differs(&epoch.policy, policy).then_some(policy),
            observes: decision.verdict.observes,
            host_mode: mode.filter(|mode| differs(&epoch.host_mode, mode)),
            ..Change::default()
        };
        self.begin_epoch(log, &mut epoch, &change, &decision.run, source)?;
        if !policy.is_empty() {
            epoch.policy = Some(policy.to_owned());
        }
        if let Some(mode) = mode {
            epoch.host_mode = Some(mode.to_owned());
        }
        let number = epoch.number;
        log.set_epoch(epoch);
        Ok(number)
    }

    /// Stages `run.epoch` when something changed, or a run that had ended goes on.
    fn begin_epoch(
        &self,
        log: &mut Locked<'_>,
        epoch: &mut Epoch,
        change: &Change<'_>,
        run: &str,
        source: &Source,
    ) -> Result<bool, StoreError> {
        let changed: Vec<&str> = [
            ("config", change.config.is_some()),
            ("model", change.model.is_some()),
            ("perms", change.host_mode.is_some()),
            ("policy", change.policy.is_some()),
            ("tools", change.tools.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect();
        if changed.is_empty() && !epoch.stopped {
            return Ok(false);
        }
        epoch.number += 1;
        let mut draft: Draft = self.draft("run.epoch", id::new_id(), run, source)?;
        draft.set("epoch", &epoch.number)?;
        let resumed = std::mem::take(&mut epoch.stopped);
        draft.set("reason", if resumed { "resumed" } else { "changed" })?;
        draft.set("changed", &changed)?;
        draft.set("model", &change.model)?;
        draft.set("config", &change.config)?;
        draft.set("tools", &change.tools)?;
        let perms = change.host_mode.map(|mode| Perms {
            host_mode: Some(mode),
        });
        draft.set("perms", &perms)?;
        let policy = change.policy.map(|digest| PolicyInForce {
            digest,
            mode: if change.observes {
                "observe"
            } else {
                "enforce"
            },
        });
        draft.set("policy", &policy)?;
        self.shrink(&mut draft, Vec::new(), None)?;
        log.push(draft)?;
        Ok(true)
    }

    /// Records what a runtime says about a run by itself: that it begins, or that its configuration is another one now.
    /// Nothing is written when that is known.
    ///
    /// # Errors
    /// [`StoreError`]; the log is then as it was.
    pub fn configure(
        &self,
        run: &str,
        start: &RunStart,
        adapter: &str,
    ) -> Result<bool, StoreError> {
        let source = self.source(adapter);
        let start = &RunStart {
            uid: start.uid.or(source.uid),
            ..start.clone()
        };
        let chain = self.chain(run)?;
        let mut chain = chain.turn();
        let mut log = chain.lock(&source)?;
        if log.is_new() {
            log.set_epoch(Epoch {
                policy: start.policy.clone(),
                host_mode: start.host_mode.clone(),
                ..Epoch::default()
            });
            self.begin(log, None, start, run, &source, self.syncs())?;
            return Ok(true);
        }
        let mut epoch = log.epoch()?.clone();
        let held = last_configuration(&log)?;
        let differs = |held: &Option<String>, now: &Option<String>| now.is_some() && held != now;
        let change = Change {
            observes: false,
            policy: start
                .policy
                .as_deref()
                .filter(|_| differs(&epoch.policy, &start.policy)),
            host_mode: start
                .host_mode
                .as_deref()
                .filter(|_| differs(&epoch.host_mode, &start.host_mode)),
            model: Model::of(start).filter(|_| {
                differs(&held.model, &start.model) || differs(&held.provider, &start.provider)
            }),
            config: start
                .config
                .as_ref()
                .filter(|now| held.config.as_deref() != Some(&now.digest)),
            tools: start.tools.as_ref().filter(|now| {
                let held = held.tools.as_deref();
                held != Some(&now.digest) && held != Some(&now.object_digest())
            }),
        };
        let began = self.begin_epoch(&mut log, &mut epoch, &change, run, &source)?;
        if let Some(mode) = &start.host_mode {
            epoch.host_mode = Some(mode.clone());
        }
        if let Some(policy) = &start.policy {
            epoch.policy = Some(policy.clone());
        }
        log.set_epoch(epoch);
        log.commit_staged(self.syncs())?;
        Ok(began)
    }
}

/// What a run was last said to be configured with.
#[derive(Default)]
struct Configured {
    model: Option<String>,
    provider: Option<String>,
    /// Digest of the configuration, and of the tools.
    config: Option<String>,
    tools: Option<String>,
}

fn last_configuration(log: &Locked<'_>) -> Result<Configured, StoreError> {
    #[derive(Deserialize)]
    struct Line {
        kind: String,
        #[serde(default)]
        model: Option<ModelSeen>,
        #[serde(default)]
        config: Option<Digest>,
        #[serde(default)]
        tools: Option<Digest>,
    }
    #[derive(Deserialize, Default)]
    struct ModelSeen {
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        provider: Option<String>,
    }
    /// Of what was moved to an object, that one's.
    #[derive(Deserialize)]
    struct Digest {
        #[serde(default, alias = "$blob")]
        digest: Option<String>,
    }
    let mut held = Configured::default();
    let finder = memchr::memmem::Finder::new(b"\"kind\":\"run.");
    let done = log.search_back(u64::MAX, |line| {
        finder.find(line)?;
        let found: Line = serde_json::from_slice(line).ok()?;
        if found.kind != "run.start" && found.kind != "run.epoch" {
            return None;
        }
        let model = found.model.unwrap_or_default();
        held.model = held.model.take().or(model.model);
        held.provider = held.provider.take().or(model.provider);
        let digest = |seen: Option<Digest>| seen.and_then(|seen| seen.digest);
        held.config = held.config.take().or_else(|| digest(found.config));
        held.tools = held.tools.take().or_else(|| digest(found.tools));
        (found.kind == "run.start").then_some(())
    })?;
    debug_assert!(!matches!(done, Search::GivenUp));
    Ok(held)
}
