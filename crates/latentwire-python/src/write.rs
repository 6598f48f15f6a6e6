//! Writing: latents to the bytes of a packet, and latents to what a packet would deliver.

use std::borrow::Cow;

use half::bf16;
use half::slice::HalfBitsSliceExt;
use latentwire::{
    Compression, EncodeOptions, Encoding, Fingerprint, Granularity, Header, Latents, Message,
    MessageId, Section, Shape, SpaceRef, Values,
};
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raise;
use crate::resources::Lossless;
use crate::route::{ModelTuple, PyRoute, model_ref};

/// Numbers: float32, or the bits of bfloat16.
#[derive(FromPyObject)]
pub(crate) enum NumbersArgument<'py> {
    #[pyo3(transparent)]
    Float32(PyReadonlyArrayDyn<'py, f32>),
    #[pyo3(transparent)]
    Bfloat16(PyReadonlyArrayDyn<'py, u16>),
}

impl NumbersArgument<'_> {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Float32(numbers) => numbers.shape(),
            Self::Bfloat16(bits) => bits.shape(),
        }
    }

    pub(crate) fn values(&self) -> PyResult<Values<'_>> {
        Ok(match self {
            Self::Float32(numbers) => Values::Numbers(elements(numbers)?.into()),
            Self::Bfloat16(bits) => Values::Bf16(elements(bits)?.reinterpret_cast::<bf16>().into()),
        })
    }
}

/// Numbers, or codes with their codebook and its size.
#[derive(FromPyObject)]
pub(crate) enum TensorArgument<'py> {
    #[pyo3(transparent)]
    Numbers(NumbersArgument<'py>),
    Codes(PyReadonlyArrayDyn<'py, u16>, [u8; 16], u32),
}

impl TensorArgument<'_> {
    fn latents<'a>(&'a self, py: Python<'_>, name: &'a str) -> PyResult<Latents<'a>> {
        let (shape, values) = match self {
            Self::Numbers(numbers) => (numbers.shape(), numbers.values()?),
            Self::Codes(codes, codebook, size) => {
                let values = Values::Codes {
                    codebook: Fingerprint(*codebook),
                    size: *size,
                    codes: Cow::Borrowed(elements(codes)?),
                };
                (codes.shape(), values)
            }
        };
        let shape = Shape::new(shape).map_err(|error| raise(py, &error))?;
        Ok(Latents { name, shape, values })
    }
}

/// (encoding, granularity, group, asymmetric, compression, zstd level)
#[derive(FromPyObject)]
pub(crate) struct OptionsArgument(String, String, u32, bool, String, i32);

impl OptionsArgument {
    /// The options, with the first of the tables or dictionaries where one is asked for.
    pub(crate) fn options<'a>(&self, lossless: &'a Lossless) -> PyResult<EncodeOptions<'a>> {
        let Self(encoding, granularity, group, asymmetric, compression, level) = self;
        let granularity = match granularity.as_str() {
            "row" => Granularity::Row,
            "tensor" => Granularity::Tensor,
            "channel" => Granularity::Channel,
            "group" => Granularity::Group(*group),
            other => {
                let text = format!("no scales by {other:?}; there are row, tensor, channel, group");
                return Err(PyValueError::new_err(text));
            }
        };
        let level = *level;
        let compression =
            match (compression.as_str(), &lossless.tables[..], &lossless.dictionaries[..]) {
                ("none", _, _) => Compression::None,
                ("zstd", _, []) => Compression::Zstd { level },
                ("zstd", _, [dictionary, ..]) => Compression::ZstdDictionary { level, dictionary },
                ("entropy", [tables, ..], _) => Compression::Entropy(tables),
                ("auto", tables, dictionaries) => Compression::Auto { level, dictionaries, tables },
                (other, _, _) => {
                    let text = format!("no compression {other:?} with what was given for it");
                    return Err(PyValueError::new_err(text));
                }
            };
        Ok(EncodeOptions::default()
            .with_encoding(encoding_named(encoding)?)
            .with_granularity(granularity)
            .with_asymmetric(*asymmetric)
            .with_compression(compression))
    }
}

/// Write one message as a packet; with a route, as a compact one.
#[pyfunction]
#[pyo3(signature = (tensors, *, message_id, sender, receiver, space, sections, options, lossless, route))]
#[allow(clippy::too_many_arguments, reason = "keyword-only in Python: one a field of the header")]
pub(crate) fn encode<'py>(
    py: Python<'py>,
    tensors: Vec<(String, TensorArgument<'py>)>,
    message_id: [u8; 16],
    sender: ModelTuple,
    receiver: Option<ModelTuple>,
    space: ([u8; 16], String),
    sections: Vec<(u16, Bound<'py, PyBytes>)>,
    options: OptionsArgument,
    lossless: Lossless,
    route: Option<PyRoute>,
) -> PyResult<Bound<'py, PyBytes>> {
    let latents = tensors.iter().map(|(name, tensor)| tensor.latents(py, name));
    let message = Message {
        header: Header {
            message_id: MessageId(message_id),
            sender: model_ref(&sender),
            receiver: receiver.as_ref().map(model_ref),
            space: SpaceRef { fingerprint: Fingerprint(space.0), name: &space.1 },
        },
        latents: latents.collect::<PyResult<_>>()?,
        sections: sections
            .iter()
            .map(|(section_type, body)| Section {
                section_type: *section_type,
                body: body.as_bytes(),
            })
            .collect(),
    };
    let options = options.options(&lossless)?;
    let packet = py
        .detach(|| match &route {
            Some(route) => message.encode_on(&route.borrowed(), &options),
            None => message.encode(&options),
        })
        .map_err(|error| raise(py, &error))?;
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
pub(crate) fn elements<'a, T: Element>(array: &'a PyReadonlyArrayDyn<'_, T>) -> PyResult<&'a [T]> {
    // `as_slice` takes Fortran order as well, whose numbers lie in another order.
    if !array.is_c_contiguous() {
        let strides = array.strides();
        let text = format!("expected a C-contiguous array, found strides of {strides:?} bytes");
        return Err(PyValueError::new_err(text));
    }
    Ok(array.as_slice()?)
}

fn encoding_named(name: &str) -> PyResult<Encoding> {
    Encoding::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Encoding::ALL.iter().map(|encoding| encoding.name()).collect();
        PyValueError::new_err(format!("no encoding {name:?}; there are {}", known.join(", ")))
    })
}
