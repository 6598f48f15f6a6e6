//! Entropy tables and dictionaries: what both ends have and packets only name.

use latentwire::{Dictionary, EntropyAxis, EntropyTables, Latents, Resources, Shape};
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
        let axis = EntropyAxis::from_name(axis).ok_or_else(|| {
            let known: Vec<_> = EntropyAxis::ALL.iter().map(|axis| axis.name()).collect();
            PyValueError::new_err(format!("no axis {axis:?}; there are {}", known.join(", ")))
        })?;
        let [_, extents @ ..] = latents.shape() else {
            return Err(PyValueError::new_err("expected latents of at least two axes"));
        };
        let shape = Shape::new(extents).map_err(|error| raise(py, &error))?;
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

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        EntropyTables::from_bytes(data).map(Self).map_err(|error| raise(py, &error))
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

/// A zstd dictionary.
#[pyclass(name = "Dictionary", module = "latentwire._native", frozen)]
pub(crate) struct PyDictionary(pub(crate) Dictionary);

#[pymethods]
impl PyDictionary {
    #[new]
    fn new(data: Vec<u8>) -> Self {
        Self(Dictionary::new(data))
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
