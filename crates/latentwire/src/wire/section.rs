//! The frame of a section: a tag that says its type and whether it must be understood, a length.

use super::cursor::{Cursor, put_varint, varint_len};
use crate::error::{Error, ErrorKind, Result};

/// The latents of the message. Critical.
pub const LATENTS: u16 = 1;
/// The highest type there can be: with the critical bit it fills a tag of two bytes.
pub const MAX_TYPE: u16 = 0x1FFF;

const CRITICAL_BIT: u32 = 1;

/// Where a section lies in its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SectionInfo {
    /// Its type: 1 to 8191.
    pub section_type: u16,
    /// Whether a reader that does not know the type must refuse the packet.
    pub critical: bool,
    /// The first byte of its body, counted from the start of the packet.
    pub offset: usize,
    /// Bytes of its body.
    pub length: usize,
}

impl SectionInfo {
    /// One past the last byte of its body.
    #[must_use]
    pub fn end(&self) -> usize {
        self.offset.saturating_add(self.length)
    }

    /// Its body in the packet that it was read from.
    #[must_use]
    pub fn body<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(self.offset..self.end()).unwrap_or_default()
    }
}

/// Reads a section's frame and steps over its body.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<SectionInfo> {
    let tag_at = cursor.at();
    let tag = cursor.varint()?;
    let section_type = u16::try_from(tag >> 1)
        .ok()
        .filter(|section_type| (1..=MAX_TYPE).contains(section_type))
        .ok_or_else(|| {
            let found = (tag >> 1).to_string();
            Error::at(ErrorKind::SectionType, tag_at, "a type from 1 to 8191", found)
        })?;
    let length = cursor.varint()? as usize;
    let offset = cursor.at();
    cursor.take(length)?;
    Ok(SectionInfo { section_type, critical: tag & CRITICAL_BIT != 0, offset, length })
}

/// Appends a section's frame; its body is to follow.
pub(crate) fn write_frame(out: &mut Vec<u8>, section_type: u16, critical: bool, length: u32) {
    put_varint(out, tag(section_type, critical));
    put_varint(out, length);
}

/// Bytes of a section, frame and body.
pub(crate) fn framed_len(section_type: u16, length: u32) -> usize {
    varint_len(tag(section_type, false)) + varint_len(length) + length as usize
}

fn tag(section_type: u16, critical: bool) -> u32 {
    u32::from(section_type) << 1 | u32::from(critical)
}
