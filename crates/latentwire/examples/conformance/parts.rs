//! A self-contained packet taken apart, to be put together otherwise.

use latentwire::{Limits, Packet, SEAL};

use crate::Failure;
use crate::bytes::{summed, varint};

/// Where the fields of a preamble stand.
const MINOR: usize = 5;
const FLAGS: usize = 6;
const LENGTH: usize = 7;

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) minor: u8,
    pub(crate) header: Vec<u8>,
    pub(crate) sections: Vec<Part>,
}

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) section_type: u16,
    pub(crate) critical: bool,
    pub(crate) body: Vec<u8>,
}

impl Parts {
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Failure> {
        let packet = Packet::parse(bytes, &Limits::default())?;
        let sections = packet.sections().iter().map(|info| Part {
            section_type: info.section_type,
            critical: info.critical,
            body: info.body(bytes).to_vec(),
        });
        let sections: Vec<_> = sections.collect();
        let first = packet.sections().first().zip(sections.first());
        let header_end = first.map_or(0, |(info, part)| info.offset - part.frame().len());
        let (_, content) = split_preamble(bytes)?;
        let header_at = bytes.len() - content.len();
        let header = bytes.get(header_at..header_end).unwrap_or_default().to_vec();
        Ok(Self { minor: packet.version().minor, header, sections })
    }

    pub(crate) fn join(&self) -> Vec<u8> {
        let sections = self.sections.iter().flat_map(|part| [part.frame(), part.body.clone()]);
        let content = [self.header.clone()].into_iter().chain(sections).flatten();
        packet(self.minor, 0, &content.collect::<Vec<_>>())
    }

    /// The same with one thing changed, put together.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.join()
    }

    /// The body of the first section of a type, which the packet has.
    pub(crate) fn body(&mut self, section_type: u16) -> &mut Vec<u8> {
        let part = self.sections.iter_mut().find(|part| part.section_type == section_type);
        &mut part.expect("a section of this type").body
    }

    /// Adds a seal, or replaces the one that there is.
    pub(crate) fn seal(&mut self, body: Vec<u8>) {
        self.sections.retain(|part| part.section_type != SEAL);
        let at = self.sections.partition_point(|part| part.section_type < SEAL);
        self.sections.insert(at, Part { section_type: SEAL, critical: true, body });
    }
}

impl Part {
    /// Tag and length.
    pub(crate) fn frame(&self) -> Vec<u8> {
        let tag = usize::from(self.section_type) << 1 | usize::from(self.critical);
        [varint(tag), varint(self.body.len())].concat()
    }
}

/// A packet of what stands between length and checksum.
pub(crate) fn packet(minor: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    let front = [&b"\x89LWP\x01"[..], &[minor, flags], &varint(content.len() + 4)].concat();
    summed(&[&front, content, &[0; 4]].concat())
}

/// The flags of a packet, and what follows its length.
pub(crate) fn split_preamble(bytes: &[u8]) -> Result<(u8, &[u8]), Failure> {
    let rest = bytes.get(LENGTH..).ok_or("a packet without a length")?;
    let length = rest.iter().position(|byte| byte & 0x80 == 0).ok_or("a length without an end")?;
    let flags = bytes.get(FLAGS).copied().unwrap_or_default();
    Ok((flags, rest.get(length + 1..).unwrap_or_default()))
}

/// The minor version of a packet.
pub(crate) fn minor(bytes: &[u8]) -> u8 {
    bytes.get(MINOR).copied().unwrap_or_default()
}
