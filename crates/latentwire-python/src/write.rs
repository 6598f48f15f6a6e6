//! Writing: latents to the bytes of a packet, and latents to what a packet would deliver.

use std::borrow::Cow;

use latentwire::{
    Compression, EncodeOptions, Encoding, Fingerprint, Header, Message, MessageId, ModelRef,
    Section, Shape, SpaceRef,
};
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raise;

type ModelTuple = ([u8; 16], String, String);

/// A message id that sorts by time: UUID version 7.
#[pyfunction]
pub(crate) fn message_id(py: Python<'_>, unix_nanoseconds: u64, random: u64) -> Bound<'_, PyBytes> {
    PyBytes::new(py, &MessageId::v7(unix_nanoseconds, random).0)
}

/// Write one message as a packet. A `level` tries zstd and keeps whichever is smaller.
#[pyfunction]
#[pyo3(signature = (latents, *, message_id, sender, receiver, space, sections, encoding, level))]
#[allow(clippy::too_many_arguments, reason = "keyword-only in Python: one a field of the header")]
pub(crate) fn encode<'py>(
    py: Python<'py>,
    latents: PyReadonlyArrayDyn<'py, f32>,
    message_id: [u8; 16],
    sender: ModelTuple,
    receiver: Option<ModelTuple>,
    space: ([u8; 16], String),
    sections: Vec<(u16, Bound<'py, PyBytes>)>,
    encoding: &str,
    level: Option<i32>,
) -> PyResult<Bound<'py, PyBytes>> {
    let shape = Shape::new(latents.shape()).map_err(|error| raise(py, &error))?;
    let message = Message {
        header: Header {
            message_id: MessageId(message_id),
            sender: model_ref(&sender),
            receiver: receiver.as_ref().map(model_ref),
            space: SpaceRef { fingerprint: Fingerprint(space.0), name: &space.1 },
        },
        shape,
        latents: Cow::Borrowed(elements(&latents)?),
        sections: sections
            .iter()
            .map(|(section_type, body)| Section {
                section_type: *section_type,
                body: body.as_bytes(),
            })
            .collect(),
    };
    let compression = level.map_or(Compression::None, |level| Compression::Zstd { level });
    let options = EncodeOptions::default()
        .with_encoding(encoding_named(encoding)?)
        .with_compression(compression);
    let packet = py.detach(|| message.encode(&options)).map_err(|error| raise(py, &error))?;
    Ok(PyBytes::new(py, &packet))
}

/// What a receiver would decode of these latents; rows lie along the last axis.
#[pyfunction]
pub(crate) fn quantize_roundtrip<'py>(
    py: Python<'py>,
    latents: PyReadonlyArrayDyn<'py, f32>,
    encoding: &str,
) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let encoding = encoding_named(encoding)?;
    let row_len = latents.shape().last().copied().unwrap_or(0);
    let mut copy = elements(&latents)?.to_vec();
    py.detach(|| latentwire::quantize_roundtrip(&mut copy, row_len, encoding))
        .map_err(|error| raise(py, &error))?;
    numpy::PyArray1::from_vec(py, copy).reshape(latents.shape())
}

/// The numbers of an array, the last axis fastest.
fn elements<'a>(latents: &'a PyReadonlyArrayDyn<'_, f32>) -> PyResult<&'a [f32]> {
    // `as_slice` takes Fortran order as well, whose numbers lie in another order.
    if !latents.is_c_contiguous() {
        let strides = latents.strides();
        let text = format!("expected a C-contiguous array, found strides of {strides:?} bytes");
        return Err(PyValueError::new_err(text));
    }
    Ok(latents.as_slice()?)
}

fn model_ref((fingerprint, name, revision): &ModelTuple) -> ModelRef<'_> {
    ModelRef { fingerprint: Fingerprint(*fingerprint), name, revision }
}

fn encoding_named(name: &str) -> PyResult<Encoding> {
    Encoding::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Encoding::ALL.iter().map(|encoding| encoding.name()).collect();
        PyValueError::new_err(format!("no encoding {name:?}; there are {}", known.join(", ")))
    })
}
