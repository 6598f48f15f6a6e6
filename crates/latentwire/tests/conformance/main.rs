//! Vectors of every released version, read by this one.

#![allow(clippy::indexing_slicing, reason = "a manifest without a key is a failure of the test")]

#[allow(dead_code, reason = "the generator of the vectors uses more of it")]
#[path = "../../examples/conformance/description.rs"]
mod description;

mod findings;
mod manifest;
mod packets;
#[cfg(feature = "trust")]
mod sealed;
mod shared;
mod streams;
