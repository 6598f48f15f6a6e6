//! Packets appended to a file or a pipe, whole or not at all.

use std::io::{ErrorKind, Write};

use super::entry::IndexEntry;
use super::error::StreamError;
use super::packet::StreamPacket;
use crate::limits::Limits;

/// Appends whole packets to a stream, and counts them.
///
/// Each packet is given to the stream by itself and unbuffered. If that fails half-way, the stream
/// ends in a torn packet; the writer then refuses further ones, which nobody would find behind it,
/// until the owner has cut the stream at [`offset`](Self::offset) and made another writer.
#[derive(Debug)]
pub struct PacketWriter<W> {
    inner: W,
    offset: u64,
    packets: u64,
    torn: bool,
}

impl<W: Write> PacketWriter<W> {
    /// Writes to a stream that is empty.
    pub fn new(stream: W) -> Self {
        Self::resume(stream, 0)
    }

    /// Writes to `stream`, which stands at its end after `offset` bytes of whole packets:
    /// [`Tail::end`](super::Tail) of an existing one.
    pub fn resume(stream: W, offset: u64) -> Self {
        Self { inner: stream, offset, packets: 0, torn: false }
    }

    /// Appends `packet`, and gives what an index needs to know of it.
    ///
    /// Refuses bytes that are not exactly one framed packet before anything is written.
    pub fn append(&mut self, packet: &[u8]) -> Result<IndexEntry, StreamError> {
        if self.torn {
            return Err(StreamError::Torn { offset: self.offset });
        }
        // Limits are for those who read what strangers wrote.
        let limits = Limits::default().with_total_bytes(usize::MAX);
        let entry = StreamPacket::new(self.offset, packet, &limits)
            .map_err(StreamError::packet(self.offset))?
            .entry();
        let mut rest = packet;
        while !rest.is_empty() {
            let written = match self.inner.write(rest) {
                Ok(0) => Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other,
            };
            let place = self.offset + (packet.len() - rest.len()) as u64;
            rest = written
                .map(|written| rest.get(written..).unwrap_or_default())
                .map_err(StreamError::io(place))?;
            self.torn = !rest.is_empty();
        }
        self.offset = entry.end();
        self.packets += 1;
        Ok(entry)
    }

    /// Packets that this writer has appended.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The length of the stream up to its last whole packet.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether a write has failed and left part of a packet at [`offset`](Self::offset).
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// Flushes the stream.
    pub fn flush(&mut self) -> Result<(), StreamError> {
        self.inner.flush().map_err(StreamError::io(self.offset))
    }

    /// The stream, for what only its owner can do, such as waiting for the disk.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The stream.
    pub fn into_inner(self) -> W {
        self.inner
    }
}
