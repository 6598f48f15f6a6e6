//! The bytes of a packet: preamble, header, sections, checksum. `docs/spec/latentwire-v1.md` is
//! the authority; this module follows it, one file a part.

mod convert;
pub(crate) mod cursor;
mod decode;
mod draft;
pub(crate) mod frame;
mod header;
mod latents;
pub(crate) mod preamble;
mod read;
#[cfg(feature = "trust")]
mod sealed;
mod section;
mod stage;
mod truncate;
mod write;

pub use header::Address;
pub use latents::{Format, LatentsInfo};
pub use preamble::{MAGIC, Version};
pub use read::Packet;
pub use section::{
    ANSWER_SPACE, LATENTS, LITERALS, MAX_TYPE, METADATA, SEAL, SectionInfo, TEXT, TRACE,
};
pub use write::{Compression, EncodeOptions};

#[cfg(test)]
mod tests;
