//! What a guard does about a run as a whole: how it begins, how its configuration changes, how it ends.

use crate::guard::Guard;
use crate::json::Value;
use crate::record::kinds::RunStart;
use crate::record::{Appended, Stopped, Stopping, StoreError};
use crate::scrub::Scrubber;

/// How many parts of an event are looked at; what is deeper than records ever are is refused.
const MOST_PARTS: usize = 100_000;

impl Guard {
    /// Ends a run: what is open is closed, the log is sealed and the journal signed.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be recorded, also when this guard records nothing.
    pub fn stop(&self, stopping: &Stopping) -> Result<Stopped, StoreError> {
        let scrubber = self.scrubber();
        let stopping = Stopping {
            reason: scrubber.scrub_option(stopping.reason.clone()),
            resume_cmd: scrubber.scrub_option(stopping.resume_cmd.clone()),
            ..stopping.clone()
        };
        self.open_store()?.stop(&stopping)
    }

    /// Marks that an answer was given, for runtimes that may run a call without waiting for one.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be marked.
    pub fn told(&self, run: &str, decision: &str) -> Result<(), StoreError> {
        self.open_store()?.told(run, decision)
    }

    /// Records that a run begins, or that its configuration is another one now.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be recorded.
    pub fn configure(&self, run: &str, start: RunStart, adapter: &str) -> Result<bool, StoreError> {
        let scrubber = self.scrubber();
        let start = RunStart {
            session: scrubber.scrub_option(start.session),
            agent: scrubber.scrub_option(start.agent),
            cwd: scrubber.scrub_option(start.cwd),
            workspace: scrubber.scrub_option(start.workspace),
            host_mode: scrubber.scrub_option(start.host_mode),
            model: scrubber.scrub_option(start.model),
            provider: scrubber.scrub_option(start.provider),
            version: scrubber.scrub_option(start.version),
            tools: start
                .tools
                .map(|tools| tools.scrubbed(|text| scrubber.scrub(text))),
            policy: self.policy().ok().map(|policy| policy.digest().to_owned()),
            observes: self.policy().is_ok_and(crate::policy::Policy::observes),
            ..start
        };
        self.open_store()?.configure(run, &start, adapter)
    }

    /// Appends an event that no call brings: an approval, a grant, an activation, an installation, a remark. It goes to
    /// the log of `run`, or to the journal. Every text in it is redacted like the texts of a call.
    ///
    /// # Errors
    /// [`StoreError`]; `store_bad_event` for a kind or a member that records do not have.
    pub fn event(
        &self,
        kind: &str,
        members: Value,
        run: Option<&str>,
        adapter: &str,
    ) -> Result<Appended, StoreError> {
        let mut left = MOST_PARTS;
        let members = scrubbed(&self.scrubber(), members, &mut left);
        self.open_store()?
            .append_event(kind, &members, run, adapter)
    }
}

fn scrubbed(scrubber: &Scrubber<'_>, value: Value, left: &mut usize) -> Value {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return Value::Null;
    }
    match value {
        Value::String(text) => Value::String(scrubber.scrub(text)),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| scrubbed(scrubber, item, left))
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (scrubber.scrub(name), scrubbed(scrubber, value, left)))
                .collect(),
        ),
        other => other,
    }
}
