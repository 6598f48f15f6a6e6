//! Entropy tables and dictionaries: what both ends have and packets only name.

use latentwire::{
    Dictionary, EncodeOptions, EntropyAxis, EntropyTables, Fingerprint, Latents, Resources, Shape,
    Values,
};
use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raise;
use crate::route::PyRoute;
use crate::write::{OptionsArgument, elements};

/// Static models of quantized latents.
#[pyclass(name = "EntropyTables", module = "latentwire._native", frozen)]
pub(crate) struct PyEntropyTables(pub(crate) EntropyTables);

#[pymethods]
impl PyEntropyTables {
    /// Fit to the codes of `latents` [N, K, D], N messages, as `options` write them.
    #[staticmethod]
    fn fit(
        py: Python<'_>,
        latents: PyReadonlyArrayDyn<'_, f32>,
        options: OptionsArgument,
        axis: &str,
    ) -> PyResult<Self> {
        let (axis, shape) = (axis_named(axis)?, shape_of_one(py, latents.shape())?);
        let nothing = Lossless::default();
        let (numbers, options) = (elements(&latents)?, options.options(&nothing)?);
        let fitted = py.detach(|| {
            let messages = numbers.chunks_exact(shape.num_elements() as usize);
            let symbols = messages.map(|numbers| options.symbols(&Latents::new(shape, numbers)));
            let symbols = symbols.collect::<latentwire::Result<Vec<_>>>()?;
            let row_len = shape.row_len() as usize;
            // Without codes, symbols were refused above.
            let alphabet = options.alphabet().unwrap_or(0);
            EntropyTables::fit(symbols.iter().map(Vec::as_slice), row_len, alphabet, axis)
        });
        fitted.map(Self).map_err(|error| raise(py, &error))
    }

    /// Fit to `codes` [N, ...], N messages, into a codebook of `size` entries.
    #[staticmethod]
    fn fit_codes(
        py: Python<'_>,
        codes: PyReadonlyArrayDyn<'_, u16>,
        size: u32,
        axis: &str,
    ) -> PyResult<Self> {
        let (axis, shape) = (axis_named(axis)?, shape_of_one(py, codes.shape())?);
        let codes = elements(&codes)?;
        let fitted = py.detach(|| {
            let messages = codes.chunks_exact(shape.num_elements() as usize);
            let symbols = messages.map(|codes| {
                let (codebook, codes) = (Fingerprint([0; 16]), codes.into());
                let values = Values::Codes { codebook, size, codes };
                EncodeOptions::default().symbols(&Latents { name: "", shape, values })
            });
            let symbols = symbols.collect::<latentwire::Result<Vec<_>>>()?;
            let (row_len, alphabet) = (shape.row_len() as usize, size as usize);
            EntropyTables::fit(symbols.iter().map(Vec::as_slice), row_len, alphabet, axis)
        });
        fitted.map(Self).map_err(|error| raise(py, &error))
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| EntropyTables::from_bytes(data)).map(Self).map_err(|error| raise(py, &error))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.fingerprint().0)
    }

    #[getter]
    fn alphabet(&self) -> usize {
        self.0.alphabet()
    }

    #[getter]
    fn axis(&self) -> &'static str {
        self.0.axis().name()
    }
}

fn axis_named(name: &str) -> PyResult<EntropyAxis> {
    EntropyAxis::from_name(name).ok_or_else(|| {
        let known: Vec<_> = EntropyAxis::ALL.iter().map(|axis| axis.name()).collect();
        PyValueError::new_err(format!("no axis {name:?}; there are {}", known.join(", ")))
    })
}

/// The shape of each of the messages that an array holds.
fn shape_of_one(py: Python<'_>, extents: &[usize]) -> PyResult<Shape> {
    let [_, extents @ ..] = extents else {
        return Err(PyValueError::new_err("expected latents of at least two axes"));
    };
    Shape::new(extents).map_err(|error| raise(py, &error))
}

/// A zstd dictionary.
#[pyclass(name = "Dictionary", module = "latentwire._native", frozen)]
pub(crate) struct PyDictionary(pub(crate) Dictionary);

#[pymethods]
impl PyDictionary {
    #[new]
    fn new(py: Python<'_>, data: Vec<u8>) -> Self {
        Self(py.detach(|| Dictionary::new(data)))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.fingerprint().0)
    }
}

/// Tables and dictionaries as the crate takes them: side by side.
#[derive(Default)]
pub(crate) struct Lossless {
    pub(crate) tables: Vec<EntropyTables>,
    pub(crate) dictionaries: Vec<Dictionary>,
}

impl Lossless {
    pub(crate) fn resources(&self) -> Resources<'_> {
        Resources::default().with_tables(&self.tables).with_dictionaries(&self.dictionaries)
    }
}

/// (tables, dictionaries)
impl<'py> FromPyObject<'_, 'py> for Lossless {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (tables, dictionaries): (
            Vec<PyRef<'py, PyEntropyTables>>,
            Vec<PyRef<'py, PyDictionary>>,
        ) = object.extract()?;
        Ok(Self {
            tables: tables.iter().map(|tables| tables.0.clone()).collect(),
            dictionaries: dictionaries.iter().map(|dictionary| dictionary.0.clone()).collect(),
        })
    }
}

/// What a packet is read with beside its bytes: (route, tables, dictionaries).
pub(crate) struct ResourcesArgument {
    pub(crate) route: Option<PyRoute>,
    pub(crate) lossless: Lossless,
}

impl<'py> FromPyObject<'_, 'py> for ResourcesArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (route, lossless) = object.extract()?;
        Ok(Self { route, lossless })
    }
}

impl ResourcesArgument {
    pub(crate) fn with<R>(&self, work: impl FnOnce(&Resources<'_>) -> R) -> R {
        let resources = self.lossless.resources();
        match &self.route {
            Some(route) => work(&resources.with_route(&route.borrowed())),
            None => work(&resources),
        }
    }
}
