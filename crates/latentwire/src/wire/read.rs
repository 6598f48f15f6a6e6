//! From bytes to a checked packet, and from there to a message.

use std::borrow::Cow;
use std::collections::HashSet;

use super::cursor::Cursor;
use super::frame;
use super::header::{self, Address};
use super::latents::{Format, LatentsInfo};
use super::preamble::{Profile, Version};
use super::section::{self, LATENTS, SEAL, SectionInfo};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::message::{Header, Latents, Message, Section, Values};
use crate::resources::{Resources, named_by};
use crate::route::Route;

/// Checked bytes of one message. Everything but the payload of the latents has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    version: Version,
    address: Address<'a>,
    sections: Vec<SectionInfo>,
    latents: Vec<LatentsInfo>,
}

impl<'a> Packet<'a> {
    /// Reads one packet that fills `bytes` exactly.
    ///
    /// The order is the specification's: preamble, total length, checksum, and only then
    /// whatever a length inside the packet says.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let (preamble, mut cursor) = frame::read(bytes, limits)?;
        let profile = preamble.profile()?;
        let is_compact = profile != Profile::SelfContained;
        let address = if is_compact {
            header::read_compact(&mut cursor)?
        } else {
            Address::SelfContained(header::read(&mut cursor)?)
        };
        let reading = Reading { bytes, limits, is_compact };
        let (sections, latents) = if profile == (Profile::Compact { is_bare: true }) {
            reading.bare(cursor)?
        } else {
            reading.sections(&mut cursor)?
        };
        let packet = Self { bytes, version: preamble.version, address, sections, latents };
        packet.check_frame(profile, preamble.flags_at())?;
        Ok(packet)
    }

    /// A compact packet leaves out the frame of its latents exactly if it can.
    fn check_frame(&self, profile: Profile, flags_at: usize) -> Result<()> {
        let can_be_bare = match (self.sections.as_slice(), self.latents.as_slice()) {
            ([_], [latents]) => latents.name(self.bytes).is_empty(),
            _ => false,
        };
        match profile {
            Profile::Compact { is_bare } if is_bare != can_be_bare => {
                let (expected, found) = if is_bare {
                    ("a frame around latents with a name", "none")
                } else {
                    ("no frame around the only section", "one")
                };
                Err(Error::at(ErrorKind::PreambleBare, flags_at, expected, found))
            }
            _ => Ok(()),
        }
    }

    /// The version that the packet was written in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whose message it is, in full or by a route.
    #[must_use]
    pub fn address(&self) -> &Address<'a> {
        &self.address
    }

    /// Who speaks to whom, and in which space; `None` in a compact packet, whose route says it.
    #[must_use]
    pub fn header(&self) -> Option<&Header<'a>> {
        self.address.header()
    }

    /// Where every section lies, in the order of the packet.
    #[must_use]
    pub fn sections(&self) -> &[SectionInfo] {
        &self.sections
    }

    /// How every latent tensor is encoded, and where; there is at least one.
    #[must_use]
    pub fn latents(&self) -> &[LatentsInfo] {
        &self.latents
    }

    /// The bytes that were read.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Decodes the payloads of a packet that says and holds everything, and gives the message.
    pub fn decode(&self, limits: &Limits) -> Result<Message<'a>> {
        self.decode_with(&Resources::default(), limits)
    }

    /// Decodes the payloads and gives the whole message; a compact packet must be of `route`.
    pub fn decode_on<'r>(&self, route: &Route<'r>, limits: &Limits) -> Result<Message<'r>>
    where
        'a: 'r,
    {
        self.decode_with(&Resources::default().with_route(route), limits)
    }

    /// Decodes the payloads and gives the whole message. What the packet only names must be among
    /// `resources`; a compact packet must be of their route.
    pub fn decode_with<'r>(&self, resources: &Resources<'r>, limits: &Limits) -> Result<Message<'r>>
    where
        'a: 'r,
    {
        let route = resources.route();
        let header = self.header_on(route)?;
        let tensors = self.latents.iter().map(|info| {
            let values = match info.format {
                Format::Numbers(_) => {
                    Values::Numbers(info.decode_with(self.bytes, resources, limits)?.into())
                }
                Format::Codes { codebook, size } => Values::Codes {
                    codebook: named_by(codebook, route, |route| route.codebook, "a codebook")?,
                    size,
                    codes: Cow::Owned(info.decode_codes_with(self.bytes, resources, limits)?),
                },
            };
            Ok(Latents { name: info.name(self.bytes), shape: info.shape, values })
        });
        let others =
            self.sections.iter().filter(|info| !matches!(info.section_type, LATENTS | SEAL));
        Ok(Message {
            header,
            latents: tensors.collect::<Result<_>>()?,
            sections: others
                .map(|info| Section {
                    section_type: info.section_type,
                    body: info.body(self.bytes),
                })
                .collect(),
        })
    }

    /// The header in full, looked up in `route` if this packet has none.
    pub(crate) fn header_on<'r>(&self, route: Option<&Route<'r>>) -> Result<Header<'r>>
    where
        'a: 'r,
    {
        match (self.address, route) {
            (Address::SelfContained(header), _) => Ok(header),
            (Address::Compact { message_number, route: id }, Some(route)) if route.id == id => {
                Ok(route.header(message_number))
            }
            (Address::Compact { route: id, .. }, other) => {
                let expected = other
                    .map_or("a self-contained packet, or its route".into(), |route| {
                        format!("route {}", route.id)
                    });
                let found = format!("a compact packet of route {id}");
                Err(Error::nowhere(ErrorKind::HeaderRoute, expected, found))
            }
        }
    }
}

/// What the sections are read with.
struct Reading<'a> {
    bytes: &'a [u8],
    limits: &'a Limits,
    is_compact: bool,
}

/// The fronts of the tensors that were read, and what the next one is checked against.
#[derive(Default)]
struct Tensors<'a> {
    infos: Vec<LatentsInfo>,
    /// Of all of them. Saturates; limits come first.
    num_elements: u64,
    /// Empty while there is but one, as in most packets: its name is found without.
    names: HashSet<&'a str>,
}

impl<'a> Reading<'a> {
    /// One latent section without a frame, from `cursor` to the checksum.
    fn bare(&self, cursor: Cursor<'_>) -> Result<(Vec<SectionInfo>, Vec<LatentsInfo>)> {
        let (offset, length) = (cursor.at(), cursor.remaining());
        let section = SectionInfo { section_type: LATENTS, critical: true, offset, length };
        let mut tensors = Tensors::default();
        self.add(&mut tensors, cursor, &section, offset)?;
        Ok((vec![section], tensors.infos))
    }

    /// Sections up to the checksum.
    fn sections(&self, cursor: &mut Cursor<'_>) -> Result<(Vec<SectionInfo>, Vec<LatentsInfo>)> {
        let mut sections: Vec<SectionInfo> = Vec::new();
        let mut tensors = Tensors::default();
        while cursor.remaining() > 0 {
            let at = cursor.at();
            if sections.len() >= self.limits.sections() {
                let expected = format!("at most {}", self.limits.sections());
                return Err(Error::at(ErrorKind::LimitSections, at, expected, "one more"));
            }
            let start = *cursor;
            let info = section::read(cursor)?;
            let previous = sections.last().map_or(0, |last| last.section_type);
            section::check_place(&info, previous, at)?;
            if info.section_type == LATENTS {
                let body = start.jump(info.offset).within(info.end());
                self.add(&mut tensors, body, &info, at)?;
            }
            sections.push(info);
        }
        if tensors.infos.is_empty() {
            let found = format!("{} other sections", sections.len());
            let kind = ErrorKind::SectionMissing;
            return Err(Error::at(kind, cursor.at(), "a latent section", found));
        }
        Ok((sections, tensors.infos))
    }

    /// Reads the front of one more tensor, whose section begins at `at`.
    fn add(
        &self,
        tensors: &mut Tensors<'a>,
        body: Cursor<'_>,
        section: &SectionInfo,
        at: usize,
    ) -> Result<()> {
        let Tensors { infos, num_elements, names } = tensors;
        let info = LatentsInfo::read(body, section, self.is_compact, *num_elements, self.limits)?;
        info.check_length()?;
        let name = info.name(self.bytes);
        if let [first] = infos.as_slice() {
            names.insert(first.name(self.bytes));
        }
        if !infos.is_empty() && !names.insert(name) {
            let expected = "tensors of different names";
            let kind = ErrorKind::SectionDuplicate;
            return Err(Error::at(kind, at, expected, format!("{name:?} again")));
        }
        if name.is_empty() && !infos.is_empty() {
            let expected = "the tensor without a name before those with one";
            return Err(Error::at(ErrorKind::SectionOrder, at, expected, "it after another"));
        }
        *num_elements = num_elements.saturating_add(info.shape.num_elements());
        infos.push(info);
        Ok(())
    }
}
