//! Reading: bytes to a checked packet, a packet to its latents.

use latentwire::{Fingerprint, LatentsInfo, Limits, ModelRef, Packet, SectionInfo};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raise;

/// (fingerprint, name, revision)
type ModelTuple<'py> = (Bound<'py, PyBytes>, String, String);

/// A packet whose frame, header and sections have been verified; its latents have not been read.
#[pyclass(name = "Packet", module = "latentwire._native", frozen)]
pub(crate) struct PyPacket {
    bytes: Py<PyBytes>,
    version: (u8, u8),
    message_id: [u8; 16],
    sender: OwnedModel,
    receiver: Option<OwnedModel>,
    space: (Fingerprint, String),
    latents: LatentsInfo,
    sections: Vec<SectionInfo>,
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

#[pymethods]
impl PyPacket {
    /// Verify `data` and read everything but the latents. The bytes object is kept, not copied.
    #[staticmethod]
    fn parse(py: Python<'_>, data: Bound<'_, PyBytes>, limits: PyLimits) -> PyResult<Self> {
        let bytes = data.as_bytes();
        let packet =
            py.detach(|| Packet::parse(bytes, &limits.0)).map_err(|error| raise(py, &error))?;
        let (header, version) = (packet.header(), packet.version());
        Ok(Self {
            version: (version.major, version.minor),
            message_id: header.message_id.0,
            sender: OwnedModel::of(&header.sender),
            receiver: header.receiver.as_ref().map(OwnedModel::of),
            space: (header.space.fingerprint, header.space.name.to_owned()),
            latents: *packet.latents(),
            sections: packet.sections().to_vec(),
            bytes: data.unbind(),
        })
    }

    /// Decode the latents: float32, of the packet's shape.
    fn decode<'py>(
        &self,
        py: Python<'py>,
        limits: PyLimits,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let bytes = self.bytes.as_bytes(py);
        let latents = py
            .detach(|| self.latents.decode(bytes, &limits.0))
            .map_err(|error| raise(py, &error))?;
        PyArray1::from_vec(py, latents).reshape(self.shape())
    }

    #[getter]
    fn data(&self, py: Python<'_>) -> Py<PyBytes> {
        self.bytes.clone_ref(py)
    }

    #[getter]
    fn version(&self) -> (u8, u8) {
        self.version
    }

    #[getter]
    fn message_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.message_id)
    }

    #[getter]
    fn sender<'py>(&self, py: Python<'py>) -> ModelTuple<'py> {
        self.sender.tuple(py)
    }

    #[getter]
    fn receiver<'py>(&self, py: Python<'py>) -> Option<ModelTuple<'py>> {
        self.receiver.as_ref().map(|model| model.tuple(py))
    }

    #[getter]
    fn space<'py>(&self, py: Python<'py>) -> (Bound<'py, PyBytes>, String) {
        (PyBytes::new(py, &self.space.0.0), self.space.1.clone())
    }

    #[getter]
    fn encoding(&self) -> &'static str {
        self.latents.layout.encoding.name()
    }

    #[getter]
    fn compression(&self) -> &'static str {
        self.latents.stage.name()
    }

    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.latents.shape.extents().iter().map(|&extent| extent as usize).collect()
    }

    #[getter]
    fn payload(&self) -> (usize, usize) {
        (self.latents.payload_offset, self.latents.payload_length)
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

/// (total bytes, elements, sections, decompressed bytes)
pub(crate) struct PyLimits(Limits);

impl<'py> FromPyObject<'_, 'py> for PyLimits {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (total_bytes, elements, sections, decompressed_bytes) = object.extract()?;
        Ok(Self(
            Limits::default()
                .with_total_bytes(total_bytes)
                .with_elements(elements)
                .with_sections(sections)
                .with_decompressed_bytes(decompressed_bytes),
        ))
    }
}
