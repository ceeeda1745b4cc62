//! Lines of a log as rows of an index.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use armorer_guard_core::record::columns::{Columns, Effect, Read, read_block};

/// What the rows of a block amount to.
#[derive(Default)]
struct Counts {
    allow: u64,
    ask: u64,
    deny: u64,
    outcomes: u64,
    odd: u64,
    began: Option<i64>,
    last: Option<i64>,
}

impl Counts {
    fn add(&mut self, found: &Columns<'_>) {
        match found.effect {
            Some(Effect::Allow) => self.allow += 1,
            Some(Effect::Ask) => self.ask += 1,
            Some(Effect::Deny) => self.deny += 1,
            None => {}
        }
        if found.outcome {
            self.outcomes += 1;
            let ended = found.enforced.as_deref();
            self.odd += u64::from(matches!(
                ended,
                Some("overridden" | "bypassed" | "failed_open")
            ));
        }
        if found.ts != 0 {
            self.began = Some(self.began.map_or(found.ts, |began| began.min(found.ts)));
            self.last = Some(self.last.map_or(found.ts, |last| last.max(found.ts)));
        }
    }

    /// In the order of `_core.pyi`.
    const fn told(self) -> (u64, u64, u64, u64, u64, Option<i64>, Option<i64>) {
        (
            self.allow,
            self.ask,
            self.deny,
            self.outcomes,
            self.odd,
            self.began,
            self.last,
        )
    }
}

/// What the runtime did, and how the call ended.
type Ending<'a> = (Option<&'a str>, Option<&'a str>);

/// Columns of the table.
const WIDTH: usize = 11;

/// The whole lines of *block* as rows of the table `record`. See `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (block, *, first, chain, line, at, shapes, ending))]
#[expect(clippy::too_many_arguments, reason = "Python names each of them")]
pub(super) fn index_rows<'py>(
    py: Python<'py>,
    block: &[u8],
    first: u64,
    chain: &Bound<'py, PyAny>,
    line: u64,
    at: u64,
    shapes: &Bound<'py, PyDict>,
    ending: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let (read, length) = py.detach(|| read_block(block));
    let mut numbers: HashMap<&str, Bound<'py, PyAny>> = HashMap::new();
    let mut endings: HashMap<Ending<'_>, Bound<'py, PyAny>> = HashMap::new();
    let mut counts = Counts::default();
    let mut values = Vec::with_capacity(read.len() * WIDTH);
    let (others, open) = (PyList::empty(py), PyList::empty(py));
    for (position, row) in (0_u64..).zip(&read) {
        let (number, stands) = (line + position, at + row.at as u64);
        match &row.read {
            Read::TooLong => {}
            Read::Other => {
                let text = block.get(row.at..row.at + row.length).unwrap_or_default();
                others.append((first + position, number, stands, PyBytes::new(py, text)))?;
            }
            Read::Known(found) => {
                let ended = (found.enforced.as_deref(), found.result.as_deref());
                let ended = once(&mut endings, ended, |ended| ending.call1(ended))?;
                let shape = once(&mut numbers, &*found.shape, |shape| {
                    shape_number(shapes, shape)
                })?;
                counts.add(found);
                let closes = found.closes.as_deref();
                if found.outcome && !found.settled && closes.is_some() {
                    open.append((&ended, closes))?;
                }
                values.extend([
                    (first + position).into_pyobject(py)?.into_any(),
                    chain.clone(),
                    number.into_pyobject(py)?.into_any(),
                    stands.into_pyobject(py)?.into_any(),
                    row.length.into_pyobject(py)?.into_any(),
                    shape,
                    PyString::new(py, &found.id).into_any(),
                    tail(&found.id).into_pyobject(py)?,
                    found.ts.into_pyobject(py)?.into_any(),
                    ended,
                    closes.into_pyobject(py)?,
                ]);
            }
        }
    }
    let records = PyList::new(py, values)?;
    (length, read.len(), records, others, open, counts.told()).into_pyobject(py)
}

/// What is known of a key, or else what is said of it when it is asked for the first time.
fn once<'py, K: Copy + Eq + Hash>(
    known: &mut HashMap<K, Bound<'py, PyAny>>,
    key: K,
    ask: impl FnOnce(K) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match known.entry(key) {
        Entry::Occupied(found) => found.get().clone(),
        Entry::Vacant(free) => free.insert(ask(key)?).clone(),
    })
}

/// The number of a shape; a new one gets the next.
fn shape_number<'py>(shapes: &Bound<'py, PyDict>, shape: &str) -> PyResult<Bound<'py, PyAny>> {
    if let Some(known) = shapes.get_item(shape)? {
        return Ok(known);
    }
    let number = (shapes.len() + 1).into_pyobject(shapes.py())?.into_any();
    shapes.set_item(shape, &number)?;
    Ok(number)
}

/// The number that the last eight digits of an id are: what people find a record by.
fn tail(id: &str) -> Option<u32> {
    let digits = id.get(id.len().checked_sub(8)?..)?;
    let plain = digits
        .bytes()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    plain
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}
