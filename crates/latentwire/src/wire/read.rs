//! From bytes to a checked packet, and from there to a message.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::latents::LatentsInfo;
use super::preamble::{Preamble, Version};
use super::section::{self, SectionInfo};
use super::{LATENTS, header};
use crate::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::message::{Header, Message, Section};

/// Checked bytes of one message. Everything but the payload of the latents has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    version: Version,
    header: Header<'a>,
    sections: Vec<SectionInfo>,
    latents: LatentsInfo,
}

impl<'a> Packet<'a> {
    /// Reads one packet that fills `bytes` exactly.
    ///
    /// The order is the specification's: preamble, total length, checksum, and only then
    /// whatever a length inside the packet says.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let mut cursor = Cursor::arriving(bytes);
        let preamble = Preamble::read(&mut cursor, limits)?;
        let total_len = preamble.total_len;
        if bytes.len() < total_len {
            let (expected, found) = (format!("{total_len} bytes"), bytes.len().to_string());
            return Err(Error::at(ErrorKind::PacketTruncated, bytes.len(), expected, found));
        }
        if bytes.len() > total_len {
            let (expected, found) = (format!("{total_len} bytes"), bytes.len().to_string());
            return Err(Error::at(ErrorKind::PacketTrailingBytes, total_len, expected, found));
        }
        let body_end = verify_checksum(bytes)?;
        preamble.check_flags()?;

        let mut cursor = cursor.within(body_end);
        let header = header::read(&mut cursor)?;
        let (sections, latents) = read_sections(&mut cursor, limits)?;
        Ok(Self { bytes, version: preamble.version, header, sections, latents })
    }

    /// The version that the packet was written in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Who speaks to whom, and in which space.
    #[must_use]
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// Where every section lies, in the order of the packet.
    #[must_use]
    pub fn sections(&self) -> &[SectionInfo] {
        &self.sections
    }

    /// How the latents are encoded, and where.
    #[must_use]
    pub fn latents(&self) -> &LatentsInfo {
        &self.latents
    }

    /// The bytes that were read.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Decodes the payload and gives the whole message.
    pub fn decode(&self, limits: &Limits) -> Result<Message<'a>> {
        let carried = self.sections.iter().filter(|info| info.section_type != LATENTS);
        Ok(Message {
            header: self.header,
            shape: self.latents.shape,
            latents: Cow::Owned(self.latents.decode(self.bytes, limits)?),
            sections: carried
                .map(|info| Section {
                    section_type: info.section_type,
                    body: info.body(self.bytes),
                })
                .collect(),
        })
    }
}

/// Checks the last four bytes against all before them and returns where they begin.
fn verify_checksum(bytes: &[u8]) -> Result<usize> {
    let Some((covered, stored)) = bytes.split_last_chunk::<{ checksum::LEN }>() else {
        let expected = format!("{} bytes", checksum::LEN);
        return Err(Error::at(ErrorKind::PacketTruncated, bytes.len(), expected, "fewer"));
    };
    let (stored, computed) = (u32::from_le_bytes(*stored), checksum::of(covered));
    if stored == computed {
        return Ok(covered.len());
    }
    let (expected, found) = (format!("{computed:#010x}"), format!("{stored:#010x}"));
    Err(Error::at(ErrorKind::ChecksumMismatch, covered.len(), expected, found))
}

fn read_sections(
    cursor: &mut Cursor<'_>,
    limits: &Limits,
) -> Result<(Vec<SectionInfo>, LatentsInfo)> {
    let mut sections: Vec<SectionInfo> = Vec::new();
    let mut latents = None;
    while cursor.remaining() > 0 {
        let at = cursor.at();
        if sections.len() >= limits.sections() {
            let expected = format!("at most {}", limits.sections());
            return Err(Error::at(ErrorKind::LimitSections, at, expected, "one more"));
        }
        let start = *cursor;
        let info = section::read(cursor)?;
        let previous = sections.last().map_or(0, |last| last.section_type);
        if info.section_type < previous {
            let expected = format!("type {previous} or above");
            let found = info.section_type.to_string();
            return Err(Error::at(ErrorKind::SectionOrder, at, expected, found));
        }
        match (info.section_type, info.critical) {
            (LATENTS, false) => {
                let found = "type 1 marked ancillary";
                let kind = ErrorKind::SectionCriticality;
                return Err(Error::at(kind, at, "latents marked critical", found));
            }
            (LATENTS, true) => {
                let body = start.jump(info.offset).within(info.end());
                let read = LatentsInfo::read(body, &info, limits)?;
                if latents.replace(read).is_some() {
                    let kind = ErrorKind::SectionDuplicate;
                    return Err(Error::at(kind, at, "one latent section", "another"));
                }
            }
            (unknown, true) => {
                let (expected, found) = ("type 1 (latents)", format!("type {unknown}"));
                return Err(Error::at(ErrorKind::SectionUnknown, at, expected, found));
            }
            (_, false) => {}
        }
        sections.push(info);
    }
    let latents = latents.ok_or_else(|| {
        let found = format!("{} other sections", sections.len());
        Error::at(ErrorKind::SectionMissing, cursor.at(), "a latent section", found)
    })?;
    Ok((sections, latents))
}
