//! A route as Python passes it.

use latentwire::{Fingerprint, ModelRef, Route, SpaceRef};
use pyo3::prelude::*;

/// (fingerprint, name, revision)
pub(crate) type ModelTuple = ([u8; 16], String, String);

/// (id, message prefix, sender, receiver, (space's fingerprint, space's name), codebook, dictionary,
/// tables)
#[derive(FromPyObject)]
pub(crate) struct PyRoute(
    u32,
    [u8; 12],
    ModelTuple,
    Option<ModelTuple>,
    ([u8; 16], String),
    Option<[u8; 16]>,
    Option<[u8; 16]>,
    Option<[u8; 16]>,
);

impl PyRoute {
    pub(crate) fn borrowed(&self) -> Route<'_> {
        let Self(
            id,
            message_prefix,
            sender,
            receiver,
            (fingerprint, name),
            codebook,
            dictionary,
            tables,
        ) = self;
        Route {
            id: *id,
            message_prefix: *message_prefix,
            sender: model_ref(sender),
            receiver: receiver.as_ref().map(model_ref),
            space: SpaceRef { fingerprint: Fingerprint(*fingerprint), name },
            codebook: codebook.map(Fingerprint),
            dictionary: dictionary.map(Fingerprint),
            tables: tables.map(Fingerprint),
        }
    }
}

pub(crate) fn model_ref((fingerprint, name, revision): &ModelTuple) -> ModelRef<'_> {
    ModelRef { fingerprint: Fingerprint(*fingerprint), name, revision }
}
