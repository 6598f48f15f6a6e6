//! The sections beside the latents: bodies to plain Python values and back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use latentwire::Error;
use latentwire::sections::{
    AnswerSpace, Literal, LiteralKind, Literals, Metadata, Text, Trace, Value,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString};

use crate::errors::raise;
use crate::packet::PyLimits;

/// What was written, as Python takes it.
fn written(py: Python<'_>, body: latentwire::Result<Vec<u8>>) -> PyResult<Bound<'_, PyBytes>> {
    body.map(|body| PyBytes::new(py, &body)).map_err(|error| raise(py, &error))
}

fn refuse(py: Python<'_>) -> impl Fn(Error) -> PyErr {
    move |error| raise(py, &error)
}

/// (kind, position, text)
type LiteralTuple = (String, u32, String);

fn literals(tuples: &[LiteralTuple]) -> PyResult<Literals<'_>> {
    let literals = tuples.iter().map(|(kind, position, text)| {
        Ok(Literal { kind: kind_named(kind)?, position: *position, text })
    });
    literals.collect::<PyResult<_>>().map(Literals)
}

#[pyfunction]
pub(crate) fn encode_literals(
    py: Python<'_>,
    tuples: Vec<LiteralTuple>,
) -> PyResult<Bound<'_, PyBytes>> {
    written(py, literals(&tuples)?.encode())
}

/// Refuse literals that do not stand in `source` where they say.
#[pyfunction]
pub(crate) fn check_literals(
    py: Python<'_>,
    tuples: Vec<LiteralTuple>,
    source: &str,
) -> PyResult<()> {
    literals(&tuples)?.check_against(source).map_err(refuse(py))
}

#[pyfunction]
pub(crate) fn decode_literals(
    py: Python<'_>,
    body: Bound<'_, PyBytes>,
    offset: usize,
    limits: PyLimits,
) -> PyResult<Vec<(&'static str, u32, String)>> {
    let read = Literals::decode(body.as_bytes(), offset, &limits.0).map_err(refuse(py))?;
    let tuple =
        |literal: &Literal<'_>| (literal.kind.name(), literal.position, literal.text.to_owned());
    Ok(read.0.iter().map(tuple).collect())
}

/// The text; with a `level`, as zstd if that is shorter.
#[pyfunction]
pub(crate) fn encode_text<'py>(
    py: Python<'py>,
    text: &str,
    level: Option<i32>,
) -> PyResult<Bound<'py, PyBytes>> {
    let text = Text(Cow::Borrowed(text));
    let body = py.detach(|| match level {
        Some(level) => text.encode_compressed(level),
        None => text.encode(),
    });
    written(py, body)
}

#[pyfunction]
pub(crate) fn decode_text(
    py: Python<'_>,
    body: Bound<'_, PyBytes>,
    offset: usize,
    limits: PyLimits,
) -> PyResult<String> {
    let bytes = body.as_bytes();
    py.detach(|| Text::decode(bytes, offset, &limits.0).map(|text| text.0.into_owned()))
        .map_err(refuse(py))
}

#[pyfunction]
pub(crate) fn encode_choices(py: Python<'_>, choices: Vec<String>) -> PyResult<Bound<'_, PyBytes>> {
    written(py, AnswerSpace::Choices(choices.iter().map(String::as_str).collect()).encode())
}

#[pyfunction]
pub(crate) fn encode_schema<'py>(py: Python<'py>, schema: &str) -> PyResult<Bound<'py, PyBytes>> {
    written(py, AnswerSpace::Schema(schema).encode())
}

/// Free text; 0 tokens are no bound.
#[pyfunction]
pub(crate) fn encode_free_text(py: Python<'_>, max_tokens: u32) -> PyResult<Bound<'_, PyBytes>> {
    written(py, AnswerSpace::Free { max_tokens: NonZeroU32::new(max_tokens) }.encode())
}

/// A list of choices, a schema or a number of tokens, of which 0 is no bound.
#[pyfunction]
pub(crate) fn decode_answer_space<'py>(
    py: Python<'py>,
    body: Bound<'py, PyBytes>,
    offset: usize,
    limits: PyLimits,
) -> PyResult<Bound<'py, PyAny>> {
    match AnswerSpace::decode(body.as_bytes(), offset, &limits.0).map_err(refuse(py))? {
        AnswerSpace::Choices(choices) => choices.into_bound_py_any(py),
        AnswerSpace::Schema(schema) => schema.into_bound_py_any(py),
        AnswerSpace::Free { max_tokens } => {
            max_tokens.map_or(0, NonZeroU32::get).into_bound_py_any(py)
        }
        _ => Err(PyValueError::new_err("an answer space that this binding does not know")),
    }
}

#[pyfunction]
pub(crate) fn encode_metadata<'py>(
    py: Python<'py>,
    entries: Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let entries: Vec<_> = entries.iter().collect();
    let entries: PyResult<BTreeMap<_, _>> = entries
        .iter()
        .map(|(key, value)| Ok((key.cast::<PyString>()?.to_str()?, value_of(value)?)))
        .collect();
    written(py, Metadata(entries?).encode())
}

#[pyfunction]
pub(crate) fn decode_metadata<'py>(
    py: Python<'py>,
    body: Bound<'py, PyBytes>,
    offset: usize,
    limits: PyLimits,
) -> PyResult<Bound<'py, PyDict>> {
    let entries = PyDict::new(py);
    for (key, value) in Metadata::decode(body.as_bytes(), offset, &limits.0).map_err(refuse(py))?.0
    {
        let value = match value {
            Value::Null => py.None().into_bound(py),
            Value::Bool(value) => value.into_bound_py_any(py)?,
            Value::Integer(value) => value.into_bound_py_any(py)?,
            Value::Float(value) => value.into_bound_py_any(py)?,
            Value::Text(text) => text.into_bound_py_any(py)?,
            Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
            _ => return Err(PyValueError::new_err("a value that this binding does not know")),
        };
        entries.set_item(key, value)?;
    }
    Ok(entries)
}

#[pyfunction]
pub(crate) fn encode_trace<'py>(
    py: Python<'py>,
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
    state: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    written(py, Trace { trace_id, parent_id, flags, state }.encode())
}

/// (trace id, parent id, flags, tracestate)
#[pyfunction]
pub(crate) fn decode_trace<'py>(
    py: Python<'py>,
    body: Bound<'py, PyBytes>,
    offset: usize,
    limits: PyLimits,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u8, String)> {
    let Trace { trace_id, parent_id, flags, state } =
        Trace::decode(body.as_bytes(), offset, &limits.0).map_err(refuse(py))?;
    Ok((PyBytes::new(py, &trace_id), PyBytes::new(py, &parent_id), flags, state.to_owned()))
}

fn kind_named(name: &str) -> PyResult<LiteralKind> {
    LiteralKind::from_name(name).ok_or_else(|| {
        let known: Vec<_> = LiteralKind::ALL.iter().map(|kind| kind.name()).collect();
        PyValueError::new_err(format!("no kind {name:?}; there are {}", known.join(", ")))
    })
}

/// A value by the type that Python gave it; a bool is asked for first, since it is an int there.
fn value_of<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Value<'a>> {
    if value.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = value.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if let Ok(value) = value.cast::<PyInt>() {
        Ok(Value::Integer(value.extract()?))
    } else if let Ok(value) = value.cast::<PyFloat>() {
        Ok(Value::Float(value.extract()?))
    } else if let Ok(value) = value.cast::<PyString>() {
        Ok(Value::Text(value.to_str()?))
    } else {
        Ok(Value::Bytes(value.cast::<PyBytes>()?.as_bytes()))
    }
}
