//! Reading: bytes to a checked packet, a packet to its latents, and one packet to another.

use half::bf16;
use half::slice::HalfBitsSliceExt;
use latentwire::{
    Address, Encoding, Fingerprint, Format, Granularity, Header, LatentsInfo, Limits, ModelRef,
    Packet, Resources, SectionInfo,
};
use numpy::npyffi::{PY_ARRAY_API, npy_intp};
use numpy::{Element, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raise;
use crate::resources::ResourcesArgument;
use crate::route::PyRoute;

/// (fingerprint, name, revision)
type ModelTuple<'py> = (Bound<'py, PyBytes>, String, String);
/// (message id, sender, receiver, (space's fingerprint, space's name))
type HeaderTuple<'py> =
    (Bound<'py, PyBytes>, ModelTuple<'py>, Option<ModelTuple<'py>>, (Bound<'py, PyBytes>, String));
/// (name, array, None) of numbers, (name, array, (codebook, size)) of codes
type Tensor<'py> = (String, Bound<'py, PyAny>, Option<(Bound<'py, PyBytes>, u32)>);

/// A packet whose frame, header and sections have been verified; its latents have not been read.
#[pyclass(name = "Packet", module = "latentwire._native", frozen)]
pub(crate) struct PyPacket {
    bytes: Py<PyBytes>,
    version: (u8, u8),
    address: OwnedAddress,
    latents: Vec<LatentsInfo>,
    sections: Vec<SectionInfo>,
}

enum OwnedAddress {
    SelfContained {
        message_id: [u8; 16],
        sender: OwnedModel,
        receiver: Option<OwnedModel>,
        space: (Fingerprint, String),
    },
    Compact {
        message_number: u32,
        route: u32,
    },
}

struct OwnedModel {
    fingerprint: Fingerprint,
    name: String,
    revision: String,
}

impl OwnedModel {
    fn of(model: &ModelRef<'_>) -> Self {
        Self {
            fingerprint: model.fingerprint,
            name: model.name.to_owned(),
            revision: model.revision.to_owned(),
        }
    }

    fn tuple<'py>(&self, py: Python<'py>) -> ModelTuple<'py> {
        (PyBytes::new(py, &self.fingerprint.0), self.name.clone(), self.revision.clone())
    }
}

impl OwnedAddress {
    fn of(address: &Address<'_>) -> Self {
        match address {
            Address::SelfContained(Header { message_id, sender, receiver, space }) => {
                Self::SelfContained {
                    message_id: message_id.0,
                    sender: OwnedModel::of(sender),
                    receiver: receiver.as_ref().map(OwnedModel::of),
                    space: (space.fingerprint, space.name.to_owned()),
                }
            }
            Address::Compact { message_number, route } => {
                Self::Compact { message_number: *message_number, route: *route }
            }
        }
    }
}

#[pymethods]
impl PyPacket {
    /// Verify `data` and read everything but the latents. The bytes object is kept, not copied.
    #[staticmethod]
    fn parse(py: Python<'_>, data: Bound<'_, PyBytes>, limits: PyLimits) -> PyResult<Self> {
        let bytes = data.as_bytes();
        let packet =
            py.detach(|| Packet::parse(bytes, &limits.0)).map_err(|error| raise(py, &error))?;
        let version = packet.version();
        Ok(Self {
            version: (version.major, version.minor),
            address: OwnedAddress::of(packet.address()),
            latents: packet.latents().to_vec(),
            sections: packet.sections().to_vec(),
            bytes: data.unbind(),
        })
    }

    /// Decode every tensor: float32 arrays, or uint16 arrays of codes, each of its own shape. The
    /// codebook of codes in a compact packet is empty: its route names it.
    fn decode<'py>(
        &self,
        py: Python<'py>,
        resources: ResourcesArgument,
        limits: PyLimits,
    ) -> PyResult<Vec<Tensor<'py>>> {
        let bytes = self.bytes.as_bytes(py);
        resources.with(|resources| {
            let tensors = self.latents.iter();
            tensors.map(|info| tensor(py, info, bytes, resources, &limits.0)).collect()
        })
    }

    /// Decode every tensor that is written in bf16: uint16 arrays of its bits.
    fn decode_bfloat16<'py>(
        &self,
        py: Python<'py>,
        resources: ResourcesArgument,
        limits: PyLimits,
    ) -> PyResult<Vec<(String, Bound<'py, PyArrayDyn<u16>>)>> {
        let (bytes, limits) = (self.bytes.as_bytes(py), &limits.0);
        let is_bf16 = |info: &&LatentsInfo| {
            info.format.layout().is_some_and(|layout| layout.encoding == Encoding::Bf16)
        };
        let read = |info: &LatentsInfo| {
            info.check_limits(limits).map_err(|error| raise(py, &error))?;
            let bits = new_array(py, info)?;
            resources.with(|resources| {
                fill(py, &bits, |bits: &mut [u16]| {
                    let numbers = bits.reinterpret_cast_mut::<bf16>();
                    info.decode_bf16_into(bytes, resources, limits, numbers)
                })
            })?;
            Ok((info.name(bytes).to_owned(), bits))
        };
        self.latents.iter().filter(is_bf16).map(read).collect()
    }

    /// The packet with at most the first `rows` of every tensor.
    fn truncate<'py>(
        &self,
        py: Python<'py>,
        rows: u32,
        resources: ResourcesArgument,
        limits: PyLimits,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.rewrite(py, |packet| {
            resources.with(|resources| packet.truncate_with(rows, resources, &limits.0))
        })
    }

    /// The packet in the compact profile.
    fn to_compact<'py>(&self, py: Python<'py>, route: PyRoute) -> PyResult<Bound<'py, PyBytes>> {
        self.rewrite(py, |packet| packet.to_compact(&route.borrowed()))
    }

    /// The packet in the self-contained profile.
    fn to_self_contained<'py>(
        &self,
        py: Python<'py>,
        route: PyRoute,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.rewrite(py, |packet| packet.to_self_contained(&route.borrowed()))
    }

    #[getter]
    fn data(&self, py: Python<'_>) -> Py<PyBytes> {
        self.bytes.clone_ref(py)
    }

    #[getter]
    fn version(&self) -> (u8, u8) {
        self.version
    }

    /// The header in full; None in a compact packet.
    #[getter]
    fn header<'py>(&self, py: Python<'py>) -> Option<HeaderTuple<'py>> {
        match &self.address {
            OwnedAddress::SelfContained { message_id, sender, receiver, space } => Some((
                PyBytes::new(py, message_id),
                sender.tuple(py),
                receiver.as_ref().map(|model| model.tuple(py)),
                (PyBytes::new(py, &space.0.0), space.1.clone()),
            )),
            OwnedAddress::Compact { .. } => None,
        }
    }

    /// (message number, route) of a compact packet.
    #[getter]
    fn route(&self) -> Option<(u32, u32)> {
        match self.address {
            OwnedAddress::SelfContained { .. } => None,
            OwnedAddress::Compact { message_number, route } => Some((message_number, route)),
        }
    }

    /// (name, shape, encoding, compression, scales, payload offset, payload length) of every tensor;
    /// scales are (width, granularity, group, asymmetric) or None.
    #[getter]
    #[expect(clippy::type_complexity, reason = "a row of the stub, spelled out")]
    fn tensors(
        &self,
        py: Python<'_>,
    ) -> Vec<(
        String,
        Vec<usize>,
        &'static str,
        &'static str,
        Option<(&'static str, &'static str, u32, bool)>,
        usize,
        usize,
    )> {
        let bytes = self.bytes.as_bytes(py);
        self.latents
            .iter()
            .map(|info| {
                let scales = match info.format {
                    Format::Numbers(layout) => layout.scales,
                    Format::Codes { .. } => None,
                };
                let scales = scales.map(|scales| {
                    let group = match scales.granularity {
                        Granularity::Group(size) => size,
                        _ => 0,
                    };
                    let granularity = scales.granularity.name();
                    (scales.width.name(), granularity, group, scales.asymmetric)
                });
                (
                    info.name(bytes).to_owned(),
                    info.shape.extents().iter().map(|&extent| extent as usize).collect(),
                    info.format.name(),
                    info.stage.name(),
                    scales,
                    info.payload_offset,
                    info.payload_length,
                )
            })
            .collect()
    }

    /// (type, critical, offset, length) of every section.
    #[getter]
    fn sections(&self) -> Vec<(u16, bool, usize, usize)> {
        self.sections
            .iter()
            .map(|info| (info.section_type, info.critical, info.offset, info.length))
            .collect()
    }
}

impl PyPacket {
    /// Another packet made of this one.
    fn rewrite<'py>(
        &self,
        py: Python<'py>,
        make: impl FnOnce(&Packet<'_>) -> latentwire::Result<Vec<u8>> + Send,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.bytes.as_bytes(py);
        let bytes = py
            .detach(|| make(&Packet::parse(bytes, &already_checked())?))
            .map_err(|error| raise(py, &error))?;
        Ok(PyBytes::new(py, &bytes))
    }
}

fn tensor<'py>(
    py: Python<'py>,
    info: &LatentsInfo,
    bytes: &[u8],
    resources: &Resources<'_>,
    limits: &Limits,
) -> PyResult<Tensor<'py>> {
    let name = info.name(bytes).to_owned();
    let refuse = |error| raise(py, &error);
    info.check_limits(limits).map_err(refuse)?;
    if let Format::Codes { codebook, size } = info.format {
        let codes = new_array(py, info)?;
        fill(py, &codes, |codes| info.decode_codes_into(bytes, resources, limits, codes))?;
        let codebook = codebook.as_ref().map_or(&[][..], |codebook| &codebook.0);
        return Ok((name, codes.into_any(), Some((PyBytes::new(py, codebook), size))));
    }
    let numbers = new_array(py, info)?;
    fill(py, &numbers, |numbers| info.decode_into(bytes, resources, limits, numbers))?;
    Ok((name, numbers.into_any(), None))
}

/// An array of zeros that has the shape of a tensor; `MemoryError` if there is no room for it.
pub(crate) fn new_array<'py, T: Element>(
    py: Python<'py>,
    info: &LatentsInfo,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    let extents = info.shape.extents().iter().map(|&extent| npy_intp::try_from(extent));
    let mut extents = extents.collect::<Result<Vec<_>, _>>()?;
    let num_axes = extents.len().try_into()?;
    // SAFETY: Python is held. There are `num_axes` extents, which NumPy only reads; the descriptor is a
    // new reference, which it takes. What comes back is null or a new reference to an array of this
    // descriptor, in C order.
    #[expect(unsafe_code, reason = "`PyArrayDyn::zeros` panics where there is no room")]
    unsafe {
        let descriptor = T::get_dtype(py).into_dtype_ptr();
        let pointer = PY_ARRAY_API.PyArray_Zeros(py, num_axes, extents.as_mut_ptr(), descriptor, 0);
        Ok(Bound::from_owned_ptr_or_err(py, pointer)?.cast_into_unchecked())
    }
}

fn fill<T: Element>(
    py: Python<'_>,
    array: &Bound<'_, PyArrayDyn<T>>,
    decode: impl FnOnce(&mut [T]) -> latentwire::Result<()> + Send,
) -> PyResult<()> {
    let mut contents = array.readwrite();
    let contents = contents.as_slice_mut()?;
    py.detach(|| decode(contents)).map_err(|error| raise(py, &error))
}

/// For bytes that have passed the caller's limits already.
pub(crate) fn already_checked() -> Limits {
    Limits::default()
        .with_total_bytes(usize::MAX)
        .with_elements(usize::MAX)
        .with_sections(usize::MAX)
        .with_decompressed_bytes(usize::MAX)
}

/// (total bytes, elements, sections, decompressed bytes, items)
pub(crate) struct PyLimits(pub(crate) Limits);

impl<'py> FromPyObject<'_, 'py> for PyLimits {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (total_bytes, elements, sections, decompressed_bytes, items) = object.extract()?;
        Ok(Self(
            Limits::default()
                .with_total_bytes(total_bytes)
                .with_elements(elements)
                .with_sections(sections)
                .with_decompressed_bytes(decompressed_bytes)
                .with_items(items),
        ))
    }
}
