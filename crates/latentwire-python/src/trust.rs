//! Seals, encryption and digests.

use std::sync::{Mutex, PoisonError};

use latentwire::trust::{
    self, Encryptor, EnvelopeKey, KeyId, Seal, SealKey, Sealer, SessionId, Verifier, VerifyKey,
};
use latentwire::{Packet, Resources};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::raise;
use crate::packet::{PyLimits, already_checked};
use crate::resources::ResourcesArgument;
use crate::route::PyRoute;

/// A key that seals.
#[pyclass(name = "SealKey", module = "latentwire._native", frozen)]
pub(crate) struct PySealKey(SealKey);

#[pymethods]
impl PySealKey {
    #[new]
    fn new(algorithm: &str, id: [u8; 8], key: [u8; 32]) -> PyResult<Self> {
        let id = KeyId(id);
        match algorithm {
            "hmac-sha-256" => Ok(Self(SealKey::hmac_sha256(id, key))),
            "blake3" => Ok(Self(SealKey::blake3(id, key))),
            "ed25519" => Ok(Self(SealKey::ed25519(id, key))),
            other => Err(no_algorithm(other)),
        }
    }

    fn verify_key(&self) -> PyVerifyKey {
        PyVerifyKey(self.0.verify_key())
    }
}

/// A key that seals are verified with.
#[pyclass(name = "VerifyKey", module = "latentwire._native", frozen)]
pub(crate) struct PyVerifyKey(VerifyKey);

#[pymethods]
impl PyVerifyKey {
    #[new]
    fn new(py: Python<'_>, algorithm: &str, id: [u8; 8], key: [u8; 32]) -> PyResult<Self> {
        let id = KeyId(id);
        match algorithm {
            "hmac-sha-256" => Ok(Self(VerifyKey::hmac_sha256(id, key))),
            "blake3" => Ok(Self(VerifyKey::blake3(id, key))),
            "ed25519" => VerifyKey::ed25519(id, key).map(Self).map_err(|error| raise(py, &error)),
            other => Err(no_algorithm(other)),
        }
    }

    /// The bytes of a public key; None for a shared one.
    fn public_bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.public_bytes().map(|bytes| PyBytes::new(py, &bytes))
    }
}

fn no_algorithm(name: &str) -> PyErr {
    PyValueError::new_err(format!(
        "no algorithm {name:?}; there are hmac-sha-256, blake3 and ed25519"
    ))
}

/// Seals packets of one session.
#[pyclass(name = "Sealer", module = "latentwire._native", frozen)]
pub(crate) struct PySealer(Guarded<Sealer>);

#[pymethods]
impl PySealer {
    #[new]
    fn new(py: Python<'_>, key: &PySealKey) -> PyResult<Self> {
        let sealer = Sealer::new(key.0.clone()).map_err(|error| raise(py, &error))?;
        Ok(Self(Guarded::new(sealer)))
    }

    #[getter]
    fn session<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.with(py, |sealer| sealer.session()).0)
    }

    fn seal<'py>(
        &self,
        py: Python<'py>,
        packet: &[u8],
        route: Option<PyRoute>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let made = self.0.with(py, |sealer| match &route {
            Some(route) => sealer.seal_on(packet, &route.borrowed()),
            None => sealer.seal(packet),
        });
        made.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| raise(py, &error))
    }
}

/// (algorithm, key id, session, sequence, is cut)
type Verified<'py> = (&'static str, Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64, bool);

/// Verifies seals and remembers what it has seen.
#[pyclass(name = "Verifier", module = "latentwire._native", frozen)]
pub(crate) struct PyVerifier(Guarded<Verifier>);

#[pymethods]
impl PyVerifier {
    #[new]
    fn new(
        keys: Vec<PyRef<'_, PyVerifyKey>>,
        max_sessions: Option<usize>,
        expecting_sessions: bool,
    ) -> Self {
        let mut verifier = Verifier::new(keys.iter().map(|key| key.0.clone()));
        if let Some(max_sessions) = max_sessions {
            verifier = verifier.with_max_sessions(max_sessions);
        }
        if expecting_sessions {
            verifier = verifier.expecting_sessions();
        }
        Self(Guarded::new(verifier))
    }

    fn expect(&self, py: Python<'_>, key_id: [u8; 8], session: [u8; 16]) -> PyResult<()> {
        let done = self.0.with(py, |verifier| verifier.expect(KeyId(key_id), SessionId(session)));
        done.map_err(|error| raise(py, &error))
    }

    fn add_key(&self, py: Python<'_>, key: &PyVerifyKey) {
        let key = key.0.clone();
        self.0.with(py, |verifier| verifier.add_key(key));
    }

    fn remove_key(&self, py: Python<'_>, key_id: [u8; 8]) {
        self.0.with(py, |verifier| verifier.remove_key(KeyId(key_id)));
    }

    fn verify<'py>(
        &self,
        py: Python<'py>,
        packet: &[u8],
        route: Option<PyRoute>,
        limits: PyLimits,
    ) -> PyResult<Verified<'py>> {
        let route = route.as_ref().map(PyRoute::borrowed);
        let found = self.0.with(py, |verifier| match &route {
            Some(route) => verifier.verify_on(packet, route, &limits.0),
            None => verifier.verify(packet, &limits.0),
        });
        let found = found.map_err(|error| raise(py, &error))?;
        Ok((
            found.algorithm().name(),
            PyBytes::new(py, &found.key_id().0),
            PyBytes::new(py, &found.session().0),
            found.sequence(),
            found.is_cut(),
        ))
    }
}

/// What the seal of a packet says, which nobody has verified: (algorithm, key id, session, sequence,
/// whether it was cut since); None if there is no seal.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "a row of the stub, spelled out")]
pub(crate) fn read_seal<'py>(
    py: Python<'py>,
    packet: &[u8],
) -> PyResult<Option<(&'static str, Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64, bool)>> {
    let read = || Packet::parse(packet, &already_checked()).and_then(|parsed| Seal::of(&parsed));
    let seal = py.detach(read).map_err(|error| raise(py, &error))?;
    Ok(seal.map(|seal| {
        let (key_id, session) = (seal.key_id(), seal.session());
        (
            seal.algorithm().name(),
            PyBytes::new(py, &key_id.0),
            PyBytes::new(py, &session.0),
            seal.sequence(),
            seal.is_cut(),
        )
    }))
}

/// Encrypts packets of one session.
#[pyclass(name = "Encryptor", module = "latentwire._native", frozen)]
pub(crate) struct PyEncryptor(Guarded<Encryptor>);

#[pymethods]
impl PyEncryptor {
    #[new]
    fn new(py: Python<'_>, id: [u8; 8], key: [u8; 32]) -> PyResult<Self> {
        let made = Encryptor::new(EnvelopeKey::new(KeyId(id), key));
        Ok(Self(Guarded::new(made.map_err(|error| raise(py, &error))?)))
    }

    fn encrypt<'py>(&self, py: Python<'py>, packet: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let encrypted = self.0.with(py, |encryptor| encryptor.encrypt(packet));
        encrypted.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| raise(py, &error))
    }
}

/// The packet inside an encrypted one.
#[pyfunction]
pub(crate) fn decrypt<'py>(
    py: Python<'py>,
    packet: &[u8],
    id: [u8; 8],
    key: [u8; 32],
    limits: PyLimits,
) -> PyResult<Bound<'py, PyBytes>> {
    let key = EnvelopeKey::new(KeyId(id), key);
    let opened = py.detach(|| trust::decrypt(packet, &key, &limits.0));
    opened.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| raise(py, &error))
}

/// 16 bytes that name the content of a packet.
#[pyfunction]
pub(crate) fn digest<'py>(
    py: Python<'py>,
    packet: &[u8],
    resources: ResourcesArgument,
    limits: PyLimits,
) -> PyResult<Bound<'py, PyBytes>> {
    let read = |resources: &Resources<'_>| {
        Packet::parse(packet, &limits.0)?.digest_with(resources, &limits.0)
    };
    let found = py.detach(|| resources.with(read));
    found.map(|digest| PyBytes::new(py, &digest.0)).map_err(|error| raise(py, &error))
}

/// The packet cut to its first rows under the seal that it has.
#[pyfunction]
pub(crate) fn truncate_sealed<'py>(
    py: Python<'py>,
    packet: &[u8],
    rows: u32,
) -> PyResult<Bound<'py, PyBytes>> {
    let limits = already_checked();
    let cut = py.detach(|| Packet::parse(packet, &limits)?.truncate_sealed(rows, &limits));
    cut.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| raise(py, &error))
}

/// A value of the crate that threads use one after another.
struct Guarded<T>(Mutex<T>);

impl<T: Send> Guarded<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Uses the value. Python is let go of before the lock is asked for, and the lock before Python is
    /// taken back: who holds one of them never waits for the other.
    fn with<R: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut T) -> R + Send) -> R {
        py.detach(|| {
            // A panic while the lock was held has not left anything half done: the crate's values are
            // changed last.
            work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}
