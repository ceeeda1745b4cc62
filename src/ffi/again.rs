//! Understanding and deciding a recorded call once more, with the core of today.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{InputError, PolicyError, StoreError, failure};
use armorer_guard_core::call::{Call, Text};
use armorer_guard_core::facts::{Facts, Phase};
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::home_commands::{self, HomeCommands};
use armorer_guard_core::json::Value;
use armorer_guard_core::policy::{self, Policy, decide_facts_json};

/// A compiled policy, and the bytes it was made from.
type Held = (Vec<u8>, Arc<Policy>);

/// Decides under a policy. The last one is held: a replay decides thousands of times under the same, and reading it
/// takes longer than deciding.
pub(super) fn decide_json(facts: &[u8], policy: &[u8]) -> Result<Vec<u8>, policy::PolicyError> {
    static LAST: Mutex<Option<Held>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let held = match &*last {
        Some((bytes, held)) if bytes == policy => Arc::clone(held),
        _ => {
            let made = Arc::new(Policy::from_compiled(policy)?);
            *last = Some((policy.to_vec(), Arc::clone(&made)));
            made
        }
    };
    drop(last);
    decide_facts_json(facts, &held)
}

/// The facts that today's core makes of the call or text in recorded facts. See `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (facts, *, own="", commands=None))]
pub(super) fn understand_again<'py>(
    py: Python<'py>,
    facts: &[u8],
    own: &str,
    commands: Option<&[u8]>,
) -> PyResult<Bound<'py, PyBytes>> {
    let recorded: Facts = serde_json::from_slice(facts)
        .map_err(|error| failure::<InputError>(py, "facts_form", &error.to_string()))?;
    let guard = guard(own, commands)
        .map_err(|errors| failure::<PolicyError>(py, "policy_tools", &errors.join("; ")))?;
    let again = py.detach(|| understood(&guard, recorded)).ok_or_else(|| {
        failure::<InputError>(py, "facts_form", "the text in the facts is no string")
    })?;
    armorer_guard_core::json::to_canonical(&again)
        .map(|bytes| PyBytes::new(py, &bytes))
        .map_err(|error| failure::<StoreError>(py, "facts_form", &error.to_string()))
}

/// A guard of no home, which understands by what a policy and a person's files said then.
fn guard(own: &str, commands: Option<&[u8]>) -> Result<Guard, Vec<String>> {
    let guard = Guard::open(&Options {
        record: false,
        ..Options::default()
    });
    let commands = match commands {
        Some(text) => {
            let files = home_commands::kept(text).map_err(|error| vec![error])?;
            Some(HomeCommands::of(files).map_err(|error| vec![error])?)
        }
        None => None,
    };
    if own.is_empty() && commands.is_none() {
        return Ok(guard);
    }
    guard.with_commands(commands).with_own(own)
}

fn understood(guard: &Guard, recorded: Facts) -> Option<Facts> {
    let caller = recorded.caller.clone();
    let decision = if recorded.phase == Phase::Text {
        let Value::String(text) = recorded.args else {
            return None;
        };
        guard.check_text(Text {
            bytes: text.into_bytes(),
            surface: recorded.surface,
            caller,
        })
    } else {
        let call = Call {
            tool: recorded.tool,
            args: recorded.args,
            pin: recorded.pin,
            definition: None,
            context: recorded.context,
            caller,
        };
        guard.check_after(call, &recorded.state.fetched)
    };
    // What a function of the call is not stays as it was recorded.
    Some(Facts {
        phase: recorded.phase,
        state: recorded.state,
        sends: recorded.sends,
        now: recorded.now,
        ..decision.facts
    })
}
