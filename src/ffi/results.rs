//! Frozen results for Python. Lists are built when asked for: most callers read only the effect.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::{StoreError, failure};
use armorer_guard_core::json::Value;
use armorer_guard_core::{decision, scan};

/// A rule that determined a decision, and its sentence.
#[pyclass(frozen, get_all, module = "armorer_guard._core")]
pub(super) struct Reason {
    rule: String,
    effect: &'static str,
    layer: String,
    message: String,
    unknown: bool,
}

#[pymethods]
impl Reason {
    fn __repr__(&self) -> String {
        format!("Reason(rule={:?}, message={:?})", self.rule, self.message)
    }
}

/// A stricter rule that nearly matched.
#[pyclass(frozen, get_all, module = "armorer_guard._core")]
pub(super) struct Near {
    rule: String,
    effect: &'static str,
    missing: Vec<String>,
}

#[pymethods]
impl Near {
    fn __repr__(&self) -> String {
        format!("Near(rule={:?}, missing={:?})", self.rule, self.missing)
    }
}

/// Something the call would do.
#[pyclass(frozen, get_all, module = "armorer_guard._core")]
pub(super) struct Action {
    kind: &'static str,
    target: String,
    exact: bool,
    place: Option<&'static str>,
    host: Option<String>,
    attributes: Vec<String>,
    certainty: &'static str,
    on: Option<String>,
    by: String,
    at: String,
    start: Option<usize>,
    end: Option<usize>,
    reason: Option<String>,
    sentence: String,
}

#[pymethods]
impl Action {
    fn __repr__(&self) -> String {
        format!(
            "Action(kind={:?}, target={:?}, certainty={:?})",
            self.kind, self.target, self.certainty
        )
    }
}

impl From<&armorer_guard_core::actions::Action> for Action {
    fn from(action: &armorer_guard_core::actions::Action) -> Self {
        Self {
            kind: action.kind.as_str(),
            target: action.target.value.clone(),
            exact: action.target.exact,
            place: action
                .target
                .place
                .map(armorer_guard_core::actions::Place::as_str),
            host: action.target.host.clone(),
            attributes: action.attributes.clone(),
            certainty: action.certainty.as_str(),
            on: action.on.clone(),
            by: action.by.clone(),
            at: action.at.clone(),
            start: action.span.map(armorer_guard_core::span::ByteSpan::start),
            end: action.span.map(armorer_guard_core::span::ByteSpan::end),
            reason: action.reason.clone(),
            sentence: action.sentence(),
        }
    }
}

/// Something a text contains.
#[pyclass(frozen, get_all, module = "armorer_guard._core")]
pub(super) struct Finding {
    rule: String,
    kind: &'static str,
    severity: &'static str,
    confidence: u16,
    at: String,
    start: usize,
    end: usize,
    checksum: Option<&'static str>,
    view: Option<String>,
    redact: bool,
}

#[pymethods]
impl Finding {
    fn __repr__(&self) -> String {
        format!(
            "Finding(rule={:?}, start={}, end={})",
            self.rule, self.start, self.end
        )
    }
}

impl From<&scan::Finding> for Finding {
    fn from(finding: &scan::Finding) -> Self {
        Self {
            rule: finding.rule.to_string(),
            kind: finding.kind.as_str(),
            severity: finding.severity.as_str(),
            confidence: finding.confidence_pm,
            at: finding.at.clone(),
            start: finding.span.start(),
            end: finding.span.end(),
            checksum: finding.checksum.map(|checksum| match checksum {
                scan::Checksum::Valid => "valid",
                scan::Checksum::Mismatch => "mismatch",
            }),
            view: finding.view.as_deref().map(str::to_owned),
            redact: finding.redact,
        }
    }
}

fn findings_list<'py>(py: Python<'py>, findings: &[scan::Finding]) -> PyResult<Bound<'py, PyList>> {
    let items: Vec<Bound<'py, Finding>> = findings
        .iter()
        .map(|finding| Bound::new(py, Finding::from(finding)))
        .collect::<PyResult<_>>()?;
    PyList::new(py, items)
}

/// A JSON value as Python objects.
fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::Float(number) => number.into_pyobject(py)?.into_any(),
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item)?)?;
            }
            list.into_any()
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (name, item) in members {
                dict.set_item(name, to_python(py, item)?)?;
            }
            dict.into_any()
        }
    })
}

/// Findings of a text, and the text without them.
#[pyclass(frozen, module = "armorer_guard._core")]
pub(super) struct ScanResult {
    findings: Vec<scan::Finding>,
    redacted: Redacted,
}

/// A text without its secrets.
pub(super) enum Redacted {
    /// What was given, which has none: it is not copied.
    Same(Py<PyAny>),
    /// Another one, of a `str`.
    Text(Py<PyString>),
    /// Another one, of `bytes`.
    Bytes(Py<PyBytes>),
}

impl ScanResult {
    pub(super) const fn new(findings: Vec<scan::Finding>, redacted: Redacted) -> Self {
        Self { findings, redacted }
    }
}

#[pymethods]
impl ScanResult {
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        findings_list(py, &self.findings)
    }

    #[getter]
    fn redacted<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let bytes = match &self.redacted {
            Redacted::Same(text) => match text.bind(py).cast::<PyString>() {
                Ok(text) => return text.clone(),
                Err(_) => text
                    .bind(py)
                    .cast::<PyBytes>()
                    .map_or_else(|_| b"".as_slice(), |bytes| bytes.as_bytes()),
            },
            Redacted::Text(text) => return text.bind(py).clone(),
            Redacted::Bytes(bytes) => bytes.as_bytes(py),
        };
        PyString::new(py, &String::from_utf8_lossy(bytes))
    }

    #[getter]
    fn redacted_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        match &self.redacted {
            Redacted::Same(text) => match text.bind(py).cast::<PyBytes>() {
                Ok(bytes) => bytes.clone(),
                Err(_) => PyBytes::new(
                    py,
                    self.redacted(py).to_str().unwrap_or_default().as_bytes(),
                ),
            },
            Redacted::Text(text) => {
                PyBytes::new(py, text.bind(py).to_str().unwrap_or_default().as_bytes())
            }
            Redacted::Bytes(bytes) => bytes.bind(py).clone(),
        }
    }

    fn __repr__(&self) -> String {
        format!("ScanResult(findings={})", self.findings.len())
    }
}

/// What was decided about a call or a text, and why.
#[pyclass(frozen, module = "armorer_guard._core")]
pub(super) struct Decision {
    inner: Arc<decision::Decision>,
}

impl Decision {
    pub(super) fn new(decision: decision::Decision) -> Self {
        Self {
            inner: Arc::new(decision),
        }
    }

    pub(super) fn inner(&self) -> &decision::Decision {
        &self.inner
    }
}

#[pymethods]
impl Decision {
    #[getter]
    fn effect(&self) -> &'static str {
        self.inner.verdict.effect.as_str()
    }

    #[getter]
    fn allowed(&self) -> bool {
        self.inner.verdict.effect == decision::Effect::Allow
    }

    #[getter]
    fn reasons<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items: Vec<Bound<'py, Reason>> = self
            .inner
            .verdict
            .determining
            .iter()
            .map(|rule| {
                Bound::new(
                    py,
                    Reason {
                        rule: rule.rule.clone(),
                        effect: rule.effect.as_str(),
                        layer: rule.layer.clone(),
                        message: rule.message.clone(),
                        unknown: rule.unknown,
                    },
                )
            })
            .collect::<PyResult<_>>()?;
        PyList::new(py, items)
    }

    #[getter]
    fn near<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items: Vec<Bound<'py, Near>> = self
            .inner
            .verdict
            .near
            .iter()
            .map(|near| {
                Bound::new(
                    py,
                    Near {
                        rule: near.rule.clone(),
                        effect: near.effect.as_str(),
                        missing: near.missing.clone(),
                    },
                )
            })
            .collect::<PyResult<_>>()?;
        PyList::new(py, items)
    }

    #[getter]
    fn actions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items: Vec<Bound<'py, Action>> = self
            .inner
            .facts
            .actions
            .iter()
            .map(|action| Bound::new(py, Action::from(action)))
            .collect::<PyResult<_>>()?;
        PyList::new(py, items)
    }

    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        findings_list(py, &self.inner.facts.findings)
    }

    #[getter]
    fn redacted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.inner.facts.args)
    }

    #[getter]
    fn obligations(&self) -> Vec<String> {
        self.inner.verdict.obligations.clone()
    }

    #[getter]
    fn id(&self) -> &str {
        &self.inner.id
    }

    #[getter]
    fn run(&self) -> &str {
        &self.inner.run
    }

    #[getter]
    fn recorded(&self) -> bool {
        self.inner.recorded()
    }

    #[getter]
    fn policy_digest(&self) -> &str {
        &self.inner.verdict.policy_digest
    }

    #[getter]
    fn facts_digest(&self) -> String {
        self.inner.facts_digest().unwrap_or_default()
    }

    #[getter]
    fn action_digest(&self) -> String {
        self.inner.action_digest()
    }

    /// Microseconds by stage.
    #[getter]
    fn timings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let timings = self.inner.timings;
        let dict = PyDict::new(py);
        dict.set_item("understand_us", timings.understand_us)?;
        dict.set_item("decide_us", timings.decide_us)?;
        dict.set_item("record_us", timings.record_us)?;
        dict.set_item("total_us", timings.total_us)?;
        Ok(dict)
    }

    /// The decision as the pydantic model of its record; imports pydantic on first use.
    #[getter]
    fn record<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let line = self.to_json(py)?;
        py.import("armorer_guard.records.models")?
            .getattr("DecisionRecord")?
            .call_method1("model_validate_json", (line,))
    }

    /// The record's line as it is stored; with `seq`, `prev` and `hash` null when it stands in no store.
    fn to_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        if let Some(line) = &self.inner.line {
            return Ok(PyBytes::new(py, line));
        }
        armorer_guard_core::record::kinds::unstored_decision(&self.inner, self.effect())
            .map(|line| PyBytes::new(py, &line))
            .map_err(|error| failure::<StoreError>(py, error.kind, &error.message))
    }

    fn __repr__(&self) -> String {
        format!(
            "Decision(effect={:?}, rules={:?}, id={:?})",
            self.effect(),
            self.inner
                .verdict
                .determining
                .iter()
                .map(|rule| rule.rule.as_str())
                .collect::<Vec<_>>(),
            self.inner.id
        )
    }
}
