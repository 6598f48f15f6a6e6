//! The frame of a section: a tag that says its type and whether it must be understood, a length.

use super::cursor::{Cursor, put_varint, varint_len};
use crate::error::{Error, ErrorKind, Result};

/// The latents of the message. Critical.
pub const LATENTS: u16 = 1;
/// Spans of the source that must arrive exactly.
pub const LITERALS: u16 = 2;
/// Text beside the latents.
pub const TEXT: u16 = 3;
/// What answers the sender expects.
pub const ANSWER_SPACE: u16 = 4;
/// Typed values by key.
pub const METADATA: u16 = 5;
/// W3C trace context.
pub const TRACE: u16 = 6;
/// Authenticates the packet. Critical.
pub const SEAL: u16 = 7;
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

/// Refuses a section that may not stand after one of type `previous`, or not so marked.
pub(crate) fn check_place(info: &SectionInfo, previous: u16, at: usize) -> Result<()> {
    let SectionInfo { section_type, critical, .. } = *info;
    let refuse = |kind, expected: String, found: String| Err(Error::at(kind, at, expected, found));
    if section_type < previous {
        let expected = format!("type {previous} or above");
        return refuse(ErrorKind::SectionOrder, expected, section_type.to_string());
    }
    let must_be_critical = matches!(section_type, LATENTS | SEAL);
    if section_type <= SEAL && critical != must_be_critical {
        let marked = |critical| if critical { "critical" } else { "ancillary" };
        let expected = format!("type {section_type} marked {}", marked(must_be_critical));
        return refuse(ErrorKind::SectionCriticality, expected, marked(critical).into());
    }
    if section_type == previous && (LATENTS + 1..=SEAL).contains(&section_type) {
        let expected = "one section of its type".into();
        return refuse(
            ErrorKind::SectionDuplicate,
            expected,
            format!("another of type {section_type}"),
        );
    }
    if section_type > SEAL && critical {
        let expected = "a known type, 1 (latents) to 7 (seal)".into();
        return refuse(ErrorKind::SectionUnknown, expected, format!("type {section_type}"));
    }
    Ok(())
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
