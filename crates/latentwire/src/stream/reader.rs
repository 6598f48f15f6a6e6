//! Packets one after the other, from a file or a pipe.

use std::io::Read;

use super::error::StreamError;
use super::frame::{Frame, MIN_PACKET, verify};
use super::packet::StreamPacket;
use super::recovery::Recovery;
use super::window::Window;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// Reads packets from a stream, in order, and stops at the first that is not sound.
///
/// It holds one packet at a time, and never waits for a byte that does not belong to the next
/// packet; where more has arrived, it reads ahead. A stream that ends inside a packet is refused
/// with a finding of the family [`Truncated`](crate::Family::Truncated), where that packet begins;
/// whatever else is no packet has another family.
#[derive(Debug)]
pub struct PacketReader<R> {
    window: Window<R>,
    limits: Limits,
    /// Bytes of the packet that was handed out last, which are passed with the next call.
    handed_out: usize,
}

impl<R: Read> PacketReader<R> {
    /// Reads from `stream`, which stands at the beginning of a packet.
    pub fn new(stream: R, limits: Limits) -> Self {
        Self::starting_at(0, stream, limits)
    }

    /// Reads from `stream`, which stands at byte `offset`, the beginning of a packet.
    pub fn starting_at(offset: u64, stream: R, limits: Limits) -> Self {
        Self { window: Window::new(stream, offset), limits, handed_out: 0 }
    }

    /// The next packet, or `None` where the stream ends after a whole one.
    ///
    /// An error of the stream's is not the end: the same call may be made again. A packet that is
    /// not sound stays where it is; [`recover`](Self::recover) passes over it.
    pub fn next_packet(&mut self) -> Result<Option<StreamPacket<'_>>, StreamError> {
        self.window.pass(std::mem::take(&mut self.handed_out));
        let Some(frame) = peek(&mut self.window, &self.limits)? else { return Ok(None) };
        let offset = self.window.offset();
        let (frame, checksum) = frame.map_err(StreamError::packet(offset))?;
        self.handed_out = frame.total_len;
        let bytes = self.window.bytes().get(..frame.total_len).unwrap_or_default();
        Ok(Some(StreamPacket::verified(offset, bytes, frame, checksum)))
    }

    /// Where the next packet begins.
    pub fn offset(&self) -> u64 {
        self.window.offset() + self.handed_out as u64
    }

    /// Reads on from there, passing over damage.
    pub fn recover(mut self) -> Recovery<R> {
        self.window.pass(self.handed_out);
        Recovery::of(self.window, self.limits)
    }

    /// The stream, which may have been read beyond [`offset`](Self::offset).
    pub fn into_inner(self) -> R {
        self.window.into_inner()
    }
}

/// The sound packet at the front of `window`, which is filled with all of it, or what is wrong
/// with it; `None` at the end of the stream.
pub(super) fn peek<R: Read>(
    window: &mut Window<R>,
    limits: &Limits,
) -> Result<Option<Result<(Frame, u32)>>, StreamError> {
    window.fill(MIN_PACKET)?;
    if window.bytes().is_empty() {
        return Ok(None);
    }
    let frame = match Frame::peek(window.bytes(), limits) {
        Ok(frame) => frame,
        Err(error) => return Ok(Some(Err(error))),
    };
    window.fill(frame.total_len)?;
    let Some(packet) = window.bytes().get(..frame.total_len) else {
        let held = window.bytes().len();
        let (expected, found) = (format!("{} bytes", frame.total_len), held.to_string());
        return Ok(Some(Err(Error::at(ErrorKind::PacketTruncated, held, expected, found))));
    };
    Ok(Some(verify(packet).map(|checksum| (frame, checksum))))
}
