//! The only place that names pyo3: converts, releases the interpreter, calls, converts back.

mod again;
mod columns;
mod convert;
mod results;
mod runs;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use armorer_guard_core::call::{Call, Caller, RunMode, Surface, Text, ToolPin};
use armorer_guard_core::guard::{Guard as CoreGuard, Options};
use armorer_guard_core::json::Value;
use armorer_guard_core::record::about::about;
use armorer_guard_core::record::kinds::RunStart;
use armorer_guard_core::record::{Durability, Outcome, Unrecorded};
use armorer_guard_core::{builtin, edge, policy, scan as scanning, verify};
use convert::{to_text, to_value};
use results::{Action, Decision, Finding, Near, Reason, Redacted, ScanResult};

/// Only of what Rust allocates here; the interpreter keeps its own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pyo3::create_exception!(
    _core,
    GuardError,
    pyo3::exceptions::PyException,
    "Something the guard could not do. `kind` is stable, for programs; the message is for people."
);
pyo3::create_exception!(
    _core,
    InputError,
    GuardError,
    "The input is not a call or a text that can be judged."
);
pyo3::create_exception!(
    _core,
    StoreError,
    GuardError,
    "The record store could not do its work."
);
pyo3::create_exception!(_core, PolicyError, GuardError, "A policy cannot be used.");

/// An exception of ours with its `kind` set.
fn failure<E: pyo3::type_object::PyTypeInfo>(py: Python<'_>, kind: &str, message: &str) -> PyErr {
    let error = PyErr::from_type(py.get_type::<E>(), message.to_owned());
    match error.value(py).setattr("kind", kind) {
        Ok(()) => error,
        Err(problem) => problem,
    }
}

fn surface_of(py: Python<'_>, name: &str) -> PyResult<Surface> {
    Surface::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Surface::ALL.into_iter().map(Surface::as_str).collect();
        failure::<InputError>(
            py,
            "request_surface",
            &format!(
                "unknown surface `{name}`; expected one of {}",
                known.join(", ")
            ),
        )
    })
}

/// A word of a closed set.
fn word_of<T>(
    py: Python<'_>,
    name: &str,
    word: Option<&str>,
    known: &[&str],
    of: impl Fn(&str) -> Option<T>,
) -> PyResult<Option<T>> {
    word.map(|word| {
        of(word).ok_or_else(|| {
            failure::<InputError>(
                py,
                "request_unknown_word",
                &format!(
                    "unknown {name} `{word}`; expected one of {}",
                    known.join(", ")
                ),
            )
        })
    })
    .transpose()
}

/// Decides tool calls and texts. See `_core.pyi`.
#[pyclass(frozen, module = "armorer_guard._core")]
pub(crate) struct Guard {
    inner: CoreGuard,
    home: Option<PathBuf>,
    runtime: String,
    run_mode: Option<RunMode>,
}

#[pymethods]
impl Guard {
    #[new]
    #[pyo3(signature = (*, home=None, record=true, runtime="python", run_mode=None, own=None))]
    fn new(
        py: Python<'_>,
        home: Option<PathBuf>,
        record: bool,
        runtime: &str,
        run_mode: Option<&str>,
        own: Option<&str>,
    ) -> PyResult<Self> {
        let home = home.or_else(edge::guard_home);
        let known = RunMode::ALL.map(RunMode::as_str);
        let run_mode = word_of(py, "run_mode", run_mode, &known, RunMode::from_name)?;
        let mut inner = CoreGuard::open(&Options {
            home: home.clone(),
            record,
        })
        .with_durability(Durability::from_environment())
        .with_unrecorded(Unrecorded::from_environment());
        if let Some(own) = own {
            inner = inner
                .with_own(own)
                .map_err(|errors| failure::<PolicyError>(py, "policy_tools", &errors.join("; ")))?;
        }
        Ok(Self {
            run_mode: run_mode.or_else(edge::run_mode),
            inner,
            home,
            runtime: runtime.to_owned(),
        })
    }

    #[pyo3(signature = (tool, args, *, cwd=None, run=None, workspace=None, agent=None, call_id=None, pin=None, definition=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python signature")]
    fn check(
        &self,
        py: Python<'_>,
        tool: &Bound<'_, PyString>,
        args: &Bound<'_, PyAny>,
        cwd: Option<PathBuf>,
        run: Option<String>,
        workspace: Option<PathBuf>,
        agent: Option<String>,
        call_id: Option<String>,
        pin: Option<&str>,
        definition: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Decision> {
        let cwd = match cwd {
            Some(cwd) => Some(cwd),
            None => std::env::current_dir().ok(),
        };
        let call = Call {
            tool: to_text(tool)?,
            args: to_value(args)?,
            pin: word_of(
                py,
                "pin",
                pin,
                &ToolPin::ALL.map(ToolPin::as_str),
                ToolPin::from_name,
            )?,
            definition: definition.map(to_value).transpose()?.map(|definition| {
                armorer_guard_core::record::tools::definition_digest(&definition)
            }),
            context: edge::context(cwd, workspace, self.home.clone()),
            caller: Caller {
                run,
                runtime: self.runtime.clone(),
                call_id,
                agent,
                run_mode: self.run_mode,
                ..Caller::default()
            },
        };
        let decision = py.detach(|| self.inner.check(call));
        Ok(Decision::new(decision))
    }

    #[pyo3(signature = (text, *, surface="tool_result", run=None))]
    fn check_text(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyAny>,
        surface: &str,
        run: Option<String>,
    ) -> PyResult<Decision> {
        let text = Text {
            bytes: to_bytes(text)?,
            surface: surface_of(py, surface)?,
            caller: Caller {
                run,
                runtime: self.runtime.clone(),
                run_mode: self.run_mode,
                ..Caller::default()
            },
        };
        let decision = py.detach(|| self.inner.check_text(text));
        Ok(Decision::new(decision))
    }

    #[pyo3(signature = (decision, result="ok", *, duration_ms=None, output=None, spend=None))]
    fn outcome(
        &self,
        py: Python<'_>,
        decision: &Decision,
        result: &str,
        duration_ms: Option<u64>,
        output: Option<&Bound<'_, PyAny>>,
        spend: Option<BTreeMap<String, u64>>,
    ) -> PyResult<String> {
        let result = record_result(py, result)?;
        let spend = spent(py, spend.unwrap_or_default())?;
        let output = output.map(to_bytes).transpose()?;
        let of = decision.inner();
        // Where nothing can be scanned, nothing is recorded either, and the error says so.
        let findings = output.as_deref().map_or_else(Vec::new, |output| {
            py.detach(|| self.inner.scan(output, Surface::ToolResult))
                .map_or_else(|_| Vec::new(), |(findings, _)| findings)
        });
        let outcome = Outcome {
            run: of.run.clone(),
            of: Some(of.id.clone()),
            call_id: of.facts.caller.call_id.clone(),
            tool: of.facts.tool.clone(),
            result,
            duration_ms,
            output_bytes: output.as_ref().map(|output| output.len() as u64),
            output_digest: output.as_deref().map(armorer_guard_core::record::digest),
            findings,
            spend,
            adapter: self.runtime.clone(),
            answers_marked: false,
        };
        py.detach(|| self.inner.outcome(&outcome))
            .map(|appended| appended.id)
            .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
    }

    #[pyo3(signature = (run=None, *, model=None, provider=None, version=None, tools=None, trigger=None, parent=None, cwd=None, workspace=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python signature")]
    fn begin(
        &self,
        py: Python<'_>,
        run: Option<String>,
        model: Option<String>,
        provider: Option<String>,
        version: Option<String>,
        tools: Option<Vec<Bound<'_, PyAny>>>,
        trigger: Option<&str>,
        parent: Option<&str>,
        cwd: Option<PathBuf>,
        workspace: Option<PathBuf>,
    ) -> PyResult<bool> {
        let told = RunStart {
            session: run,
            model,
            provider,
            version,
            parent_run: parent.map(|name| self.inner.run_id(&self.runtime, Some(name))),
            ..RunStart::default()
        };
        runs::begin(py, self, told, tools, trigger, cwd, workspace)
    }

    const fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        runs::leave(py, self, !kind.is_none()).map(|()| false)
    }

    /// Digest of the policy in force.
    #[getter]
    fn policy_digest(&self, py: Python<'_>) -> PyResult<String> {
        self.inner
            .policy()
            .map(|policy| policy.digest().to_owned())
            .map_err(|error| failure::<PolicyError>(py, error.kind, &error.message))
    }

    /// Where store, policy and keys live.
    #[getter]
    fn home(&self) -> Option<PathBuf> {
        self.home.clone()
    }
}

/// What a call cost, by units that are words of ours: they become names of counters and stand in records.
fn spent(py: Python<'_>, spend: BTreeMap<String, u64>) -> PyResult<BTreeMap<String, u64>> {
    const MOST: usize = 16;
    const LONGEST: usize = 64;
    let is_unit = |name: &String| {
        (1..=LONGEST).contains(&name.len())
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
            })
    };
    if spend.len() <= MOST && spend.keys().all(is_unit) {
        return Ok(spend);
    }
    Err(failure::<InputError>(
        py,
        "outcome_spend",
        "`spend` has at most 16 units, each of a-z, 0-9, `_`, `.` and `-`, such as `usd_micros`",
    ))
}

fn record_result(py: Python<'_>, name: &str) -> PyResult<&'static str> {
    const RESULTS: [&str; 5] = ["ok", "error", "timeout", "cancelled", "ambiguous"];
    RESULTS
        .into_iter()
        .find(|held| *held == name)
        .ok_or_else(|| {
            failure::<InputError>(
                py,
                "outcome_result",
                &format!(
                    "unknown result `{name}`; expected one of {}",
                    RESULTS.join(", ")
                ),
            )
        })
}

fn to_bytes(text: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    as_bytes(text).map(Cow::into_owned)
}

/// The bytes of a text, where they lie if they can be had there: a large one is not copied.
fn as_bytes<'a>(text: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(bytes) = text.cast::<PyBytes>() {
        return Ok(Cow::Borrowed(bytes.as_bytes()));
    }
    if let Ok(text) = text.cast::<PyString>() {
        return Ok(match text.to_str() {
            Ok(text) => Cow::Borrowed(text.as_bytes()),
            Err(_) => Cow::Owned(text.to_string_lossy().into_owned().into_bytes()),
        });
    }
    Err(failure::<InputError>(
        text.py(),
        "request_text",
        &format!("a text is str or bytes, not `{}`", text.get_type().name()?),
    ))
}

/// The bytes of a large text that is not ASCII: asked for in the usual way the interpreter would keep them beside it.
fn encoded(text: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    /// Length from which it matters, in characters.
    const LARGE: usize = 1 << 16;
    let Ok(held) = text.cast::<PyString>() else {
        return Ok(None);
    };
    if held.len()? < LARGE || held.call_method0("isascii")?.extract()? {
        return Ok(None);
    }
    // A lone surrogate has no bytes; what is done about it is done for every text.
    Ok(held
        .encode_utf8()
        .ok()
        .map(|bytes| bytes.as_bytes().to_vec()))
}

/// Finds and removes what a text should not contain.
#[pyfunction]
#[pyo3(signature = (text, *, surface="tool_result"))]
fn scan(py: Python<'_>, text: &Bound<'_, PyAny>, surface: &str) -> PyResult<ScanResult> {
    let surface = surface_of(py, surface)?;
    let encoded = encoded(text)?;
    // What is not UTF-8 is not given back as it came.
    let (bytes, whole) = match &encoded {
        Some(bytes) => (Cow::Borrowed(bytes.as_slice()), true),
        None => {
            let bytes = as_bytes(text)?;
            let whole = matches!(bytes, Cow::Borrowed(_));
            (bytes, whole)
        }
    };
    builtin::sound().map_err(|damaged| {
        failure::<GuardError>(py, builtin::Damaged::KIND, &damaged.to_string())
    })?;
    let (findings, pieces) = py.detach(|| {
        let findings = builtin::scanner().scan(&bytes, surface);
        let pieces = scanning::redactions(&bytes, &findings, &scanning::NoTags);
        (findings, pieces)
    });
    if whole && pieces.is_empty() {
        return Ok(ScanResult::new(
            findings,
            Redacted::Same(text.clone().unbind()),
        ));
    }
    let length = scanning::redacted_len(&bytes, &pieces);
    let redacted = if text.is_instance_of::<PyString>() {
        let mut out = vec![0; length];
        scanning::write_redacted(&bytes, &pieces, &mut out);
        // Before the text is made, so that there are never three of it.
        drop(bytes);
        drop(encoded);
        Redacted::Text(PyString::new(py, &String::from_utf8_lossy(&out)).unbind())
    } else {
        let redacted = PyBytes::new_with(py, length, |out| {
            scanning::write_redacted(&bytes, &pieces, out);
            Ok(())
        })?;
        Redacted::Bytes(redacted.unbind())
    };
    Ok(ScanResult::new(findings, redacted))
}

/// `policy::decide` on JSON documents: what explanation and replay hold the plain evaluator against.
#[pyfunction]
fn decide_json<'py>(py: Python<'py>, facts: &[u8], policy: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    again::decide_json(facts, policy)
        .map(|verdict| PyBytes::new(py, &verdict))
        .map_err(|error| failure::<PolicyError>(py, error.kind, &error.message))
}

/// A compiled policy as a table of this build, and the name of that form.
#[pyfunction]
fn policy_table<'py>(
    py: Python<'py>,
    policy: &[u8],
) -> PyResult<(&'static str, Bound<'py, PyBytes>)> {
    policy::table(policy)
        .map(|(form, table)| (form, PyBytes::new(py, &table)))
        .map_err(|error| failure::<PolicyError>(py, error.kind, &error.message))
}

/// What is wrong with a user's own tools and programs, examples included; each as one sentence.
#[pyfunction]
fn check_own(py: Python<'_>, own: &str) -> Vec<String> {
    py.detach(|| {
        let catalogue = builtin::catalogue();
        armorer_guard_core::actions::Own::compile(own, &[], catalogue)
            .and_then(|compiled| compiled.check(catalogue))
            .err()
            .unwrap_or_default()
    })
}

/// Canonical bytes of a policy that ships.
#[pyfunction]
fn builtin_policy<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
    builtin::named_policy_text(name)
        .map(|text| PyBytes::new(py, text))
        .ok_or_else(|| {
            failure::<PolicyError>(
                py,
                "policy_unknown",
                &format!("no built-in policy is called `{name}`"),
            )
        })
}

/// The names of tools that agent runtimes bring. None can be told of a core that cannot read its own.
#[pyfunction]
fn tool_names() -> Vec<String> {
    builtin::tool_names().unwrap_or_default()
}

/// The rules that a finding of the packs that ship can name.
#[pyfunction]
fn finding_rules() -> Vec<String> {
    builtin::scanner()
        .rules()
        .map(|rule| rule.id.as_str().to_owned())
        .collect()
}

/// Appends what a person changed about the guard itself to the journal; returns the record's id.
#[pyfunction]
fn record_change(
    py: Python<'_>,
    home: PathBuf,
    kind: &str,
    members: &Bound<'_, PyAny>,
) -> PyResult<String> {
    let members = to_value(members)?;
    let guard = CoreGuard::open(&Options {
        home: Some(home),
        record: true,
    });
    py.detach(|| guard.event(kind, members, None, "cli"))
        .map(|appended| appended.id)
        .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
}

/// Canonical bytes (RFC 8785) of a JSON-like value.
#[pyfunction]
fn canonical_json<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let value: Value = to_value(value)?;
    Ok(PyBytes::new(
        py,
        &armorer_guard_core::json::canonical(&value),
    ))
}

/// An action as a record holds it, in plain words; `None` for what this core does not know as an action.
#[pyfunction]
fn action_sentence(action: &[u8]) -> Option<String> {
    serde_json::from_slice::<armorer_guard_core::actions::Action>(action)
        .ok()
        .map(|action| action.sentence())
}

/// Id, words, how many actions there are besides, and rules.
type Told<'a> = (Cow<'a, str>, String, usize, Vec<Cow<'a, str>>);

/// What a list says of a decision. See `_core.pyi`.
#[pyfunction]
fn about_decision(line: &[u8]) -> Option<Told<'_>> {
    about(line).map(|about| (about.id, about.sentence, about.others, about.rules))
}

/// How far plain lines of a chain can be followed. See `_core.pyi`.
#[pyfunction]
fn follow_plain<'py>(
    py: Python<'py>,
    block: &[u8],
    begin: usize,
    prev: &[u8],
    stamp: &[u8],
    most: u64,
) -> (usize, u64, Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
    let lines = block.get(begin..).unwrap_or_default();
    let found = py.detach(|| verify::follow_plain(lines, prev, stamp, most));
    let (prev, stamp) = (
        PyBytes::new(py, &found.prev),
        PyBytes::new(py, &found.stamp),
    );
    (begin + found.length, found.lines, prev, stamp)
}

/// The Rust core of `armorer_guard`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::{
        Action, Decision, Finding, Guard, GuardError, InputError, Near, PolicyError, Reason,
        ScanResult, StoreError, builtin_policy, canonical_json, check_own, decide_json,
        finding_rules, policy_table, record_change, scan, tool_names,
    };

    #[pymodule_export]
    use super::{
        about_decision, action_sentence, again::understand_again, columns::index_rows, follow_plain,
    };

    #[pymodule_export]
    use super::runs::{
        forget_run, prune_runs, public_key, record_event, rotate_key, stop_run, write_checkpoint,
    };

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
