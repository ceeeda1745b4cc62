//! Python values to JSON values, walked directly: no text in between.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::{InputError, failure};
use armorer_guard_core::json::{MAX_DEPTH, Value};

/// The text of a Python string. Unpaired surrogates, which UTF-8 cannot hold, become U+FFFD so that the rest is judged.
pub(super) fn to_text(text: &Bound<'_, PyString>) -> PyResult<String> {
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Ok(text.to_string_lossy().into_owned()),
    }
}

/// A JSON value with the same content.
///
/// # Errors
/// `InputError` for what JSON cannot hold (NaN, other types, names that are not strings) and for nesting deeper than
/// [`MAX_DEPTH`], which also ends reference cycles.
pub(super) fn to_value(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    convert(value, 0)
}

fn convert(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    let py = value.py();
    if depth > MAX_DEPTH {
        return Err(failure::<InputError>(
            py,
            "json_too_deep",
            "the arguments are nested more than 127 levels deep",
        ));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return to_text(text).map(Value::String);
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let mut members = Vec::with_capacity(dict.len());
        for (name, item) in dict.iter() {
            let Ok(name) = name.cast::<PyString>() else {
                return Err(failure::<InputError>(
                    py,
                    "request_args",
                    &format!(
                        "a member name is a string, not `{}`",
                        name.get_type().name()?
                    ),
                ));
            };
            members.push((to_text(name)?, convert(&item, depth + 1)?));
        }
        return Ok(Value::Object(members));
    }
    if let Ok(list) = value.cast::<PyList>() {
        return list
            .iter()
            .map(|item| convert(&item, depth + 1))
            .collect::<PyResult<_>>()
            .map(Value::Array);
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return integer(value);
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let number = number.value();
        return if number.is_finite() {
            Ok(Value::Float(number))
        } else {
            Err(failure::<InputError>(
                py,
                "json_number_out_of_range",
                "a number is not finite, which JSON cannot hold",
            ))
        };
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple
            .iter()
            .map(|item| convert(&item, depth + 1))
            .collect::<PyResult<_>>()
            .map(Value::Array);
    }
    Err(failure::<InputError>(
        py,
        "request_args",
        &format!(
            "an argument is JSON-like (dict, list, str, int, float, bool, None), not `{}`",
            value.get_type().name()?
        ),
    ))
}

/// Integers beyond 64 bits become the nearest double, as a JSON reader would make them.
fn integer(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(Value::Int(number));
    }
    match value.extract::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Float(number)),
        _ => Err(failure::<InputError>(
            value.py(),
            "json_number_out_of_range",
            "a number is beyond the range of a double",
        )),
    }
}
