//! What an index knows of one packet, and reading the packet by it.

use std::io::{Read, Seek, SeekFrom};

use super::error::{IndexFinding, StreamError};
use super::frame::{Frame, MIN_PACKET, preamble_len};
use super::packet::{PacketId, StreamPacket, id_len};
use crate::checksum;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::message::MessageId;

/// One packet of a stream: where it lies, what frames it, and the id that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexEntry {
    pub(super) offset: u64,
    /// As the packet's preamble says it: bytes after the preamble.
    pub(super) rest_len: u32,
    pub(super) checksum: u32,
    pub(super) flags: u8,
    /// Filled up with zeros.
    pub(super) id: [u8; 16],
}

impl IndexEntry {
    /// Where the packet begins in its stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of the packet.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "no packet is empty")]
    pub fn len(&self) -> u64 {
        preamble_len(self.rest_len) as u64 + u64::from(self.rest_len)
    }

    /// Where the packet ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len())
    }

    /// The checksum that the packet ends with.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The flags of its preamble.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// How the packet names its message; `None` if its profile does not show that.
    #[must_use]
    pub fn id(&self) -> Option<PacketId> {
        let [a, b, c, d, ..] = self.id;
        match id_len(self.flags, self.rest_len) {
            16 => Some(PacketId::Message(MessageId(self.id))),
            4 => Some(PacketId::Short(u32::from_le_bytes([a, b, c, d]))),
            _ => None,
        }
    }

    /// Reads the packet into `buffer`, whatever was in it, and checks that it is the one that was
    /// indexed: another sound packet in its place is [`IndexFinding::Stale`].
    pub fn read_from<'b>(
        &self,
        stream: &mut (impl Read + Seek),
        limits: &Limits,
        buffer: &'b mut Vec<u8>,
    ) -> Result<StreamPacket<'b>, StreamError> {
        if self.len() > limits.total_bytes() as u64 {
            let expected = format!("at most {} bytes", limits.total_bytes());
            let error = Error::at(ErrorKind::LimitTotalBytes, 0, expected, self.len().to_string());
            return Err(StreamError::packet(self.offset)(error));
        }
        buffer.clear();
        stream.seek(SeekFrom::Start(self.offset)).map_err(StreamError::io(self.offset))?;
        // Grows as bytes arrive: an index is no more to be believed than a preamble.
        stream
            .by_ref()
            .take(self.len())
            .read_to_end(buffer)
            .map_err(StreamError::io(self.offset))?;
        self.check(buffer, limits)
    }

    /// Checks that `bytes` are the packet that was indexed.
    ///
    /// Bytes that begin as that packet does but are not sound are an error of the packet's, as
    /// anywhere; others are [`IndexFinding::Stale`].
    pub fn check<'b>(
        &self,
        bytes: &'b [u8],
        limits: &Limits,
    ) -> Result<StreamPacket<'b>, StreamError> {
        self.check_preamble(bytes)?;
        let packet = StreamPacket::new(self.offset, bytes, limits)
            .map_err(StreamError::packet(self.offset))?;
        if packet.entry() == *self {
            return Ok(packet);
        }
        let expected = format!("a packet with the checksum {:#010x}", self.checksum);
        let found = format!("one with {:#010x}", packet.entry().checksum);
        Err(StreamError::index(IndexFinding::Stale, self.offset, expected, found))
    }

    /// Checks what frames the packet in `stream`, its preamble and its checksum, without reading
    /// what lies between.
    pub(super) fn check_frame(&self, stream: &mut (impl Read + Seek)) -> Result<(), StreamError> {
        let mut front = [0; MIN_PACKET];
        read_at(stream, self.offset, &mut front)?;
        self.check_preamble(&front)?;
        let (mut stored, at) = ([0; checksum::LEN], self.end() - checksum::LEN as u64);
        read_at(stream, at, &mut stored)?;
        let found = u32::from_le_bytes(stored);
        if found == self.checksum {
            return Ok(());
        }
        let (expected, found) = (format!("{:#010x}", self.checksum), format!("{found:#010x}"));
        Err(StreamError::index(IndexFinding::Stale, at, expected, found))
    }

    fn check_preamble(&self, front: &[u8]) -> Result<(), StreamError> {
        let any_length = Limits::default().with_total_bytes(usize::MAX);
        let expected = format!("a packet of {} bytes", self.len());
        let found = match Frame::peek(front, &any_length) {
            Ok(Frame { flags, rest_len, .. }) => {
                if (flags, rest_len) == (self.flags, self.rest_len) {
                    return Ok(());
                }
                format!("one with {rest_len} bytes after its preamble and flags {flags:#010b}")
            }
            Err(error) => error.to_string(),
        };
        Err(StreamError::index(IndexFinding::Stale, self.offset, expected, found))
    }
}

/// Fills `bytes` from `stream`; a stream that ends before is not the one that was indexed.
fn read_at(
    stream: &mut (impl Read + Seek),
    offset: u64,
    bytes: &mut [u8],
) -> Result<(), StreamError> {
    stream.seek(SeekFrom::Start(offset)).map_err(StreamError::io(offset))?;
    stream.read_exact(bytes).map_err(|source| {
        if source.kind() == std::io::ErrorKind::UnexpectedEof {
            let expected = format!("{} bytes", bytes.len());
            return StreamError::index(IndexFinding::Stale, offset, expected, "the end");
        }
        StreamError::io(offset)(source)
    })
}
