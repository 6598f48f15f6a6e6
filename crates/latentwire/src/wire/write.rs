//! From a message to its one packet.

use super::cursor::varint_len;
use super::{LATENTS, MAX_TYPE, header, latents, preamble, section};
use crate::checksum;
use crate::codec::{self, Encoding, Layout, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Message, Section};

/// Whether to try a lossless stage over the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Store the payload as it is.
    #[default]
    None,
    /// Try zstd at this level (1 to 22) and keep whichever is smaller.
    Zstd {
        /// 1 is fastest, 22 smallest.
        level: i32,
    },
}

/// How to write a message.
///
/// ```
/// use latentwire::{Compression, EncodeOptions, Encoding};
///
/// let options = EncodeOptions::default();
/// assert_eq!((options.encoding(), options.compression()), (Encoding::Int8, Compression::None));
/// let exact = options.with_encoding(Encoding::F32);
/// assert_eq!(exact.encoding(), Encoding::F32);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeOptions {
    encoding: Encoding,
    compression: Compression,
}

impl Default for EncodeOptions {
    /// int8, stored.
    fn default() -> Self {
        Self { encoding: Encoding::Int8, compression: Compression::None }
    }
}

impl EncodeOptions {
    /// How the numbers are written.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The same options with another encoding.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Whether a lossless stage is tried.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// The same options with another lossless stage.
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }
}

impl Message<'_> {
    /// Writes the message. The same message and options give the same bytes on every platform.
    pub fn encode(&self, options: &EncodeOptions) -> Result<Vec<u8>> {
        header::check(&self.header)?;
        let sections = self.sections_in_order()?;
        if self.shape.num_elements() != self.latents.len() as u64 {
            let expected = format!("{} latents for {:?}", self.shape.num_elements(), self.shape);
            let found = self.latents.len().to_string();
            return Err(Error::nowhere(ErrorKind::MessageShape, expected, found));
        }
        let row_len = self.shape.row_len() as usize;
        let plan = codec::plan(options.encoding, &self.latents, row_len)?;
        let compressed = match options.compression {
            Compression::None => None,
            Compression::Zstd { level } => {
                let mut raw = Vec::new();
                plan.write(&self.latents, row_len, &mut raw);
                codec::lossless::compress(&raw, level)?
            }
        };
        let payload_len = compressed.as_ref().map_or_else(
            || plan.layout().raw_len(&self.shape),
            |compressed| compressed.len() as u64,
        );
        let (body_len, rest_len) = self.lengths(&sections, payload_len)?;

        let mut out = Vec::with_capacity(preamble::MAX_LEN + rest_len as usize);
        preamble::write(&mut out, rest_len);
        header::write(&mut out, &self.header);
        section::write_frame(&mut out, LATENTS, true, body_len);
        let mut write_front = |layout: Layout, stage| {
            latents::write(&mut out, layout, stage, &self.shape);
        };
        if let Some(compressed) = compressed {
            write_front(plan.layout(), Stage::Zstd);
            out.extend_from_slice(&compressed);
        } else {
            write_front(plan.layout(), Stage::Stored);
            plan.write(&self.latents, row_len, &mut out);
        }
        for carried in sections {
            let length = carried.body.len() as u32;
            section::write_frame(&mut out, carried.section_type, false, length);
            out.extend_from_slice(carried.body);
        }
        let checksum = checksum::of(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(out)
    }

    /// The carried sections as they are to stand: by type, those of one type in their own order.
    fn sections_in_order(&self) -> Result<Vec<Section<'_>>> {
        let mut sections = self.sections.clone();
        sections.sort_by_key(|section| section.section_type);
        let misplaced = sections
            .iter()
            .find(|section| !(LATENTS + 1..=MAX_TYPE).contains(&section.section_type));
        if let Some(section) = misplaced {
            let (expected, found) = ("a type from 2 to 8191", section.section_type.to_string());
            return Err(Error::nowhere(ErrorKind::MessageSection, expected, found));
        }
        Ok(sections)
    }

    /// Bytes of the latent section's body, and of everything after the preamble.
    fn lengths(&self, sections: &[Section<'_>], payload_len: u64) -> Result<(u32, u32)> {
        let too_long = |found: u64| {
            let expected = "at most 2^32 - 1 bytes after the preamble";
            Error::nowhere(ErrorKind::MessageSize, expected, found.to_string())
        };
        let narrow = |len: u64| u32::try_from(len).map_err(|_| too_long(len));
        let body_len = narrow(latents::front_len(&self.shape) as u64 + payload_len)?;
        let mut rest = header::len(&self.header) as u64
            + section::framed_len(LATENTS, body_len) as u64
            + checksum::LEN as u64;
        for carried in sections {
            let length = narrow(carried.body.len() as u64)?;
            rest += section::framed_len(carried.section_type, length) as u64;
        }
        let rest_len = narrow(rest)?;
        debug_assert!(varint_len(rest_len) + 7 <= preamble::MAX_LEN);
        Ok((body_len, rest_len))
    }
}
