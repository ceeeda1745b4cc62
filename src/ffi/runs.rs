//! Runs and the store as a whole: stopping, checkpoints, events, what is taken away on purpose.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::Serialize;

use super::convert::to_value;
use super::{Guard, InputError, StoreError, edge, failure};
use armorer_guard_core::json::to_canonical;
use armorer_guard_core::record::kinds::RunStart;
use armorer_guard_core::record::tools::Tools;
use armorer_guard_core::record::{self, STATES, Stopping};

/// A result as canonical JSON; `armorer_guard` reads it.
fn as_json<'py, T: Serialize>(
    py: Python<'py>,
    result: Result<T, record::StoreError>,
) -> PyResult<Bound<'py, PyBytes>> {
    let result = result.map_err(|error| failure::<StoreError>(py, error.kind, &error.message))?;
    to_canonical(&result)
        .map(|bytes| PyBytes::new(py, &bytes))
        .map_err(|error| {
            failure::<StoreError>(py, record::StoreError::CORRUPTED, &error.to_string())
        })
}

#[derive(Serialize)]
struct StoppedMembers<'a> {
    already: bool,
    checkpoint: Option<&'a record::Checkpoint>,
    id: &'a str,
    seal: &'a record::Seal,
    summary: &'a record::Summary,
}

/// Ends a run by its id or by its runtime's name; the guard's own run when neither is given.
#[pyfunction]
#[pyo3(signature = (guard, run=None, *, run_id=None, state="completed", by="person", reason=None))]
pub(super) fn stop_run<'py>(
    py: Python<'py>,
    guard: &Bound<'py, Guard>,
    run: Option<&str>,
    run_id: Option<String>,
    state: &str,
    by: &str,
    reason: Option<String>,
) -> PyResult<Bound<'py, PyBytes>> {
    const BY: [&str; 3] = ["runtime", "person", "guard"];
    let guard = guard.get();
    let stopping = Stopping {
        run: run_id.unwrap_or_else(|| guard.inner.run_id(&guard.runtime, run)),
        state: one_of(py, "state", state, &STATES)?,
        by: one_of(py, "by", by, &BY)?,
        reason,
        resumable: None,
        resume_cmd: None,
        outcomes_reported: false,
        adapter: guard.runtime.clone(),
    };
    let stopped = py.detach(|| guard.inner.stop(&stopping));
    as_json(
        py,
        stopped
            .as_ref()
            .map_err(Clone::clone)
            .map(|stopped| StoppedMembers {
                already: stopped.already,
                checkpoint: stopped.checkpoint.as_ref(),
                id: &stopped.id,
                seal: &stopped.seal,
                summary: &stopped.summary,
            }),
    )
}

/// Says what a run is, before its first call or in the middle of it; whether that was anything new.
pub(super) fn begin(
    py: Python<'_>,
    guard: &Guard,
    told: RunStart,
    tools: Option<Vec<Bound<'_, PyAny>>>,
    trigger: Option<&str>,
    cwd: Option<PathBuf>,
    workspace: Option<PathBuf>,
) -> PyResult<bool> {
    const TRIGGERS: [&str; 3] = ["human", "schedule", "agent"];
    let cwd = cwd.or_else(|| std::env::current_dir().ok());
    let place = edge::context(cwd, workspace, guard.home.clone());
    let tools = match tools {
        None => None,
        Some(tools) => {
            let tools = tools.iter().map(to_value).collect::<PyResult<_>>()?;
            let told = Tools::of_definitions(tools, &guard.runtime);
            Some(told.map_err(|what| failure::<InputError>(py, "request_value", &what))?)
        }
    };
    let trigger = trigger
        .map(|name| one_of(py, "trigger", name, &TRIGGERS))
        .transpose()?;
    let start = RunStart {
        runtime: guard.runtime.clone(),
        cwd: place.cwd,
        workspace: place.workspace,
        user: place.user,
        tools,
        trigger: trigger.map(str::to_owned),
        ..told
    };
    let run = guard.inner.run_id(&guard.runtime, start.session.as_deref());
    py.detach(|| guard.inner.configure(&run, start, &guard.runtime))
        .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
}

/// The end of a `with` block: the guard's own run ends, as crashed when an exception passes. A run in which nothing was
/// recorded has no end.
pub(super) fn leave(py: Python<'_>, guard: &Guard, crashed: bool) -> PyResult<()> {
    let stopping = Stopping {
        run: guard.inner.run_id(&guard.runtime, None),
        state: if crashed { "crashed" } else { "completed" },
        by: "runtime",
        reason: None,
        resumable: None,
        resume_cmd: None,
        outcomes_reported: false,
        adapter: guard.runtime.clone(),
    };
    match py.detach(|| guard.inner.stop(&stopping)) {
        // The exception that passes says more than that its run could not be closed.
        Err(error)
            if !crashed && ![record::StoreError::NO_RUN, "store_off"].contains(&error.kind) =>
        {
            Err(failure::<StoreError>(py, error.kind, &error.message))
        }
        _ => Ok(()),
    }
}

/// Signs the journal, after stating a run's log in it when one is given.
#[pyfunction]
#[pyo3(signature = (guard, run_id=None))]
pub(super) fn write_checkpoint<'py>(
    py: Python<'py>,
    guard: &Bound<'py, Guard>,
    run_id: Option<&str>,
) -> PyResult<Bound<'py, PyBytes>> {
    let guard = guard.get();
    let store = open(py, guard)?;
    as_json(py, py.detach(|| store.checkpoint(run_id, &guard.runtime)))
}

/// Uses another key for checkpoints from here on; its public form.
#[pyfunction]
pub(super) fn rotate_key(py: Python<'_>, guard: &Bound<'_, Guard>) -> PyResult<String> {
    let guard = guard.get();
    let store = open(py, guard)?;
    py.detach(|| store.rotate_key(&guard.runtime))
        .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
}

/// The public key of checkpoints (C2SP verifier key). Made when there is none.
#[pyfunction]
pub(super) fn public_key(py: Python<'_>, guard: &Bound<'_, Guard>) -> PyResult<String> {
    let store = open(py, guard.get())?;
    py.detach(|| store.public_key())
        .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
}

/// Removes the logs of runs that have ended.
#[pyfunction]
#[pyo3(signature = (guard, run_ids, *, reason=None, policy=None))]
pub(super) fn prune_runs<'py>(
    py: Python<'py>,
    guard: &Bound<'py, Guard>,
    run_ids: Vec<String>,
    reason: Option<&str>,
    policy: Option<&str>,
) -> PyResult<Bound<'py, PyBytes>> {
    let guard = guard.get();
    let store = open(py, guard)?;
    as_json(
        py,
        py.detach(|| store.prune(&run_ids, reason, policy, &guard.runtime)),
    )
}

/// Erases the payload of a run that has ended.
#[pyfunction]
#[pyo3(signature = (guard, run_id, *, reason=None))]
pub(super) fn forget_run<'py>(
    py: Python<'py>,
    guard: &Bound<'py, Guard>,
    run_id: &str,
    reason: Option<&str>,
) -> PyResult<Bound<'py, PyBytes>> {
    let guard = guard.get();
    let store = open(py, guard)?;
    as_json(
        py,
        py.detach(|| store.forget(run_id, reason, &guard.runtime)),
    )
}

/// Appends an event that no call brings, to the journal or to the log of a run; the id of its record.
#[pyfunction]
#[pyo3(signature = (guard, kind, members, *, run_id=None))]
pub(super) fn record_event(
    py: Python<'_>,
    guard: &Bound<'_, Guard>,
    kind: &str,
    members: &Bound<'_, PyDict>,
    run_id: Option<&str>,
) -> PyResult<String> {
    let guard = guard.get();
    let members = to_value(members.as_any())?;
    py.detach(|| guard.inner.event(kind, members, run_id, &guard.runtime))
        .map(|appended| appended.id)
        .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
}

fn open<'a>(py: Python<'_>, guard: &'a Guard) -> PyResult<&'a record::Store> {
    guard
        .inner
        .open_store()
        .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
}

fn one_of(
    py: Python<'_>,
    what: &str,
    name: &str,
    known: &[&'static str],
) -> PyResult<&'static str> {
    known
        .iter()
        .find(|held| **held == name)
        .copied()
        .ok_or_else(|| {
            failure::<InputError>(
                py,
                "request_value",
                &format!(
                    "unknown {what} `{name}`; expected one of {}",
                    known.join(", ")
                ),
            )
        })
}
