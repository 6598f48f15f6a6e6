//! `latentwire._native`: the packet format for Python. Conversions only; the crate `latentwire`
//! knows the format, and `latentwire.message` is what people use.

#![expect(
    clippy::needless_pass_by_value,
    reason = "functions of the binding own what Python hands them"
)]

mod batch;
mod encoder;
mod errors;
mod new_bytes;
mod packet;
mod resources;
mod route;
mod sections;
mod stream;
mod trust;
mod write;

/// Private: import `latentwire.message` instead.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use latentwire::{Limits, Version};
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::batch::decode_many;
    #[pymodule_export]
    use super::encoder::{PyPacketEncoder, new_message_id};
    #[pymodule_export]
    use super::packet::PyPacket;
    #[pymodule_export]
    use super::resources::{PyDictionary, PyEntropyTables};
    #[pymodule_export]
    use super::sections::{
        check_literals, decode_answer_space, decode_literals, decode_metadata, decode_text,
        decode_trace, encode_choices, encode_free_text, encode_literals, encode_metadata,
        encode_schema, encode_text, encode_trace,
    };
    #[pymodule_export]
    use super::stream::{PyPacketReader, PyStreamIndex};
    #[pymodule_export]
    use super::trust::{
        PyEncryptor, PySealKey, PySealer, PyVerifier, PyVerifyKey, decrypt, digest, read_seal,
        truncate_sealed,
    };
    #[pymodule_export]
    use super::write::{encode, quantize_roundtrip};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let limits = Limits::default();
        let Version { major, minor } = Version::CURRENT;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("FORMAT_VERSION", (major, minor))?;
        module.add(
            "DEFAULT_LIMITS",
            (
                limits.total_bytes(),
                limits.elements(),
                limits.sections(),
                limits.decompressed_bytes(),
                limits.items(),
            ),
        )
    }
}
