//! The bytes of a packet: preamble, header, sections, checksum. `docs/spec/latentwire-v1.md` is
//! the authority; this module follows it, one file a part.

mod cursor;
mod header;
mod latents;
mod preamble;
mod read;
mod section;
mod write;

pub use latents::LatentsInfo;
pub use preamble::{MAGIC, Version};
pub use read::Packet;
pub use section::{LATENTS, MAX_TYPE, SectionInfo};
pub use write::{Compression, EncodeOptions};

#[cfg(test)]
mod tests;
