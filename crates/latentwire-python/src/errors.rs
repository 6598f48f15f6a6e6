//! The crate's errors as the exceptions of `latentwire.errors`: one class a family.

use latentwire::{Error, Family};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule};

/// The Python class that stands for a family.
const fn class_name(family: Family) -> &'static str {
    match family {
        Family::Truncated => "TruncatedPacketError",
        Family::Checksum => "ChecksumError",
        Family::UnsupportedVersion => "UnsupportedVersionError",
        Family::UnsupportedFeature => "UnsupportedFeatureError",
        Family::Malformed => "MalformedPacketError",
        Family::LimitExceeded => "LimitExceededError",
        Family::InvalidMessage => "InvalidMessageError",
        _ => "WireError",
    }
}

/// What the reader of an error can do about it.
const fn hint(family: Family) -> Option<&'static str> {
    match family {
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
    build(py, error).unwrap_or_else(|failure| failure)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static TREE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let tree =
        TREE.get_or_try_init(py, || py.import("latentwire.errors").map(Bound::unbind))?.bind(py);
    let family = error.kind().family();
    let details = PyDict::new(py);
    details.set_item("id", error.kind().id())?;
    details.set_item("offset", error.offset())?;
    details.set_item("hint", hint(family))?;
    let class = tree.getattr(class_name(family))?;
    Ok(PyErr::from_value(class.call((error.to_string(),), Some(&details))?))
}
