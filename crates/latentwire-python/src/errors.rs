//! The crate's errors as the exceptions of `latentwire.errors`: one class a family.

use latentwire::{Error, ErrorKind, Family};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule};

/// The Python class that stands for a family.
pub(crate) const fn class_name(family: Family) -> &'static str {
    match family {
        Family::Truncated => "TruncatedPacketError",
        Family::Checksum => "ChecksumError",
        Family::UnsupportedVersion => "UnsupportedVersionError",
        Family::UnsupportedFeature => "UnsupportedFeatureError",
        Family::Malformed => "MalformedPacketError",
        Family::Untrusted => "UntrustedPacketError",
        Family::LimitExceeded => "LimitExceededError",
        Family::InvalidMessage => "InvalidMessageError",
        _ => "WireError",
    }
}

/// What the reader of an error can do about it.
pub(crate) const fn hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::LimitSessions => {
            return Some("pass a larger max_sessions to the Verifier, or replace the key");
        }
        ErrorKind::LatentsResource => {
            return Some(
                "pass what its writer used: resources=Resources(...), or --tables and --dictionary; \
                 hosts have none",
            );
        }
        _ => {}
    }
    match kind.family() {
        Family::Truncated | Family::Checksum => Some("send the packet again"),
        Family::UnsupportedVersion | Family::UnsupportedFeature => {
            Some("upgrade latentwire on the side that reads")
        }
        Family::LimitExceeded => Some("pass larger Limits if you trust where the packet is from"),
        _ => None,
    }
}

/// The exception for `error`.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let family = error.kind().family();
    let offset = error.offset().map(|offset| offset as u64);
    let text = error.to_string();
    exception(py, class_name(family), &text, error.kind().id(), offset, hint(error.kind()))
}

/// A `WireError` of the named class.
pub(crate) fn exception(
    py: Python<'_>,
    class: &str,
    text: &str,
    id: &str,
    offset: Option<u64>,
    hint: Option<&str>,
) -> PyErr {
    static TREE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let build = || {
        let tree =
            TREE.get_or_try_init(py, || py.import("latentwire.errors").map(Bound::unbind))?;
        let details = PyDict::new(py);
        details.set_item("id", id)?;
        details.set_item("offset", offset)?;
        details.set_item("hint", hint)?;
        let class = tree.bind(py).getattr(class)?;
        Ok(PyErr::from_value(class.call((text,), Some(&details))?))
    };
    build().unwrap_or_else(|failure: PyErr| failure)
}
