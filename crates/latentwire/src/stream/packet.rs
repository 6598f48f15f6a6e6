//! One packet of a stream: its bytes, its place, and what its preamble shows.

use super::entry::IndexEntry;
use super::frame::{Frame, MIN_PACKET, preamble_len};
use crate::error::Result;
use crate::limits::Limits;
use crate::message::MessageId;
use crate::wire::Packet;

/// Bits 0 and 1 of the flags: how the header is written.
const PROFILE_MASK: u8 = 0b11;
const SELF_CONTAINED: u8 = 0;
const COMPACT: u8 = 1;

/// How a packet names its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketId {
    /// A self-contained packet: unique, in order of time.
    Message(MessageId),
    /// A compact packet: a number that its two hosts have agreed to understand.
    Short(u32),
}

/// A packet whose frame has been verified: preamble, length and checksum. What is inside is
/// looked at by [`parse`](Self::parse), no sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPacket<'a> {
    offset: u64,
    bytes: &'a [u8],
    frame: Frame,
    checksum: u32,
}

impl<'a> StreamPacket<'a> {
    /// The fewest bytes that a packet has.
    pub const MIN_BYTES: u64 = MIN_PACKET as u64;

    /// Takes `bytes` that are one packet, the one at byte `offset` of a stream.
    pub fn new(offset: u64, bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let (frame, checksum) = Frame::of(bytes, limits)?;
        Ok(Self::verified(offset, bytes, frame, checksum))
    }

    pub(super) fn verified(offset: u64, bytes: &'a [u8], frame: Frame, checksum: u32) -> Self {
        Self { offset, bytes, frame, checksum }
    }

    /// Where it begins in the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The flags of its preamble, of which this module looks at the profile only.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.frame.flags
    }

    /// How it names its message; `None` if its profile does not show that.
    #[must_use]
    pub fn id(&self) -> Option<PacketId> {
        self.entry().id()
    }

    /// What an index says of it.
    #[must_use]
    pub fn entry(&self) -> IndexEntry {
        let Frame { flags, rest_len, .. } = self.frame;
        let mut id = [0; 16];
        let shown = id_len(flags, rest_len);
        let front = preamble_len(rest_len);
        if let (Some(to), Some(from)) = (id.get_mut(..shown), self.bytes.get(front..front + shown))
        {
            to.copy_from_slice(from);
        }
        IndexEntry { offset: self.offset, rest_len, checksum: self.checksum, flags, id }
    }

    /// Reads what is inside.
    pub fn parse(&self, limits: &Limits) -> Result<Packet<'a>> {
        Packet::parse(self.bytes, limits)
    }
}

/// Bytes of the id that a packet with this preamble shows: 0 if it shows none, or if it is too
/// short to hold one and its checksum.
pub(super) fn id_len(flags: u8, rest_len: u32) -> usize {
    let shown = match flags & PROFILE_MASK {
        SELF_CONTAINED => 16,
        COMPACT => 4,
        _ => 0,
    };
    if rest_len as usize >= shown + crate::checksum::LEN { shown } else { 0 }
}
