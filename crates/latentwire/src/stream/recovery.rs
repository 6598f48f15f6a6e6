//! Packets from a stream that is damaged: everything that can still be read.

use std::io::Read;
use std::ops::Range;

use super::error::StreamError;
use super::frame::{Frame, MIN_PACKET, split};
use super::packet::StreamPacket;
use super::reader::peek;
use super::sums::RunningSums;
use super::window::Window;
use crate::error::{Error, Family, Result};
use crate::limits::Limits;
use crate::wire::MAGIC;

/// Bytes of a stream that are not part of a sound packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which bytes.
    pub range: Range<u64>,
    /// What a reader finds at the first of them.
    pub error: Error,
    /// Whether the stream simply ends inside the packet that begins there: what a crash while
    /// writing leaves behind. Cut off there, the stream is whole.
    pub torn: bool,
}

/// What comes next in a stream that may be damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered<'a> {
    /// A sound packet.
    Packet(StreamPacket<'a>),
    /// Bytes up to the next sound packet, or up to the end.
    Damage(Damage),
}

/// Reads all that is sound in a stream, in order, and tells what was passed over.
///
/// Behind damage it looks for the next place at which a packet begins whose length is within the
/// limits and whose checksum is right. Time grows with the length of the stream whatever is in it,
/// memory with the limit on a packet's bytes only.
#[derive(Debug)]
pub struct Recovery<R> {
    window: Window<R>,
    limits: Limits,
    handed_out: usize,
    search: Option<Search>,
}

impl<R: Read> Recovery<R> {
    /// Reads from the beginning of a stream.
    pub fn new(stream: R, limits: Limits) -> Self {
        Self::starting_at(0, stream, limits)
    }

    /// Reads from `stream`, which stands at byte `offset`.
    pub fn starting_at(offset: u64, stream: R, limits: Limits) -> Self {
        Self::of(Window::new(stream, offset), limits)
    }

    pub(super) fn of(window: Window<R>, limits: Limits) -> Self {
        Self { window, limits, handed_out: 0, search: None }
    }

    /// The next packet or damage, `None` at the end. Two damages never follow each other.
    ///
    /// The only errors are the stream's own; after one, the same call may be made again.
    pub fn next_part(&mut self) -> Result<Option<Recovered<'_>>, StreamError> {
        self.window.pass(std::mem::take(&mut self.handed_out));
        let offset = self.window.offset();
        if self.search.is_none() {
            match peek(&mut self.window, &self.limits)? {
                None => return Ok(None),
                Some(Ok((frame, checksum))) => {
                    self.handed_out = frame.total_len;
                    let bytes = self.window.bytes().get(..frame.total_len).unwrap_or_default();
                    let packet = StreamPacket::verified(offset, bytes, frame, checksum);
                    return Ok(Some(Recovered::Packet(packet)));
                }
                Some(Err(error)) => self.search = Some(Search::behind(offset, error)),
            }
        }
        if let Some(search) = &mut self.search {
            search.run(&mut self.window, &self.limits)?;
        }
        let end = self.window.offset();
        Ok(self.search.take().map(|search| Recovered::Damage(search.damage(end))))
    }

    /// Where the next part begins.
    pub fn offset(&self) -> u64 {
        self.window.offset() + self.handed_out as u64
    }
}

/// Looking for the next sound packet. Can be taken up again after an error of the stream's.
#[derive(Debug)]
struct Search {
    begin: u64,
    error: Error,
    sums: RunningSums,
    /// Whether it is known that no sound packet begins at the front of the window.
    refuted: bool,
    reached_end: bool,
}

impl Search {
    fn behind(begin: u64, error: Error) -> Self {
        Self { begin, error, sums: RunningSums::default(), refuted: true, reached_end: false }
    }

    /// Passes bytes until the window begins with a sound packet, or until the stream ends.
    fn run<R: Read>(&mut self, window: &mut Window<R>, limits: &Limits) -> Result<(), StreamError> {
        loop {
            if self.refuted {
                window.pass(1);
                self.refuted = false;
            }
            let bytes = window.bytes();
            let distance = find_magic(bytes);
            let candidate = bytes.len() > distance + (MAGIC.len() - 1);
            window.pass(distance);
            if candidate {
                if self.is_sound(window, limits)? {
                    return Ok(());
                }
                self.refuted = true;
            } else if !window.more(MAGIC.len())? {
                window.pass(MAGIC.len());
                self.reached_end = true;
                return Ok(());
            }
        }
    }

    /// Whether the packet that the front of `window` claims to be is there and sound.
    fn is_sound<R: Read>(
        &mut self,
        window: &mut Window<R>,
        limits: &Limits,
    ) -> Result<bool, StreamError> {
        window.fill(MIN_PACKET)?;
        let Ok(frame) = Frame::peek(window.bytes(), limits) else { return Ok(false) };
        window.fill(frame.total_len)?;
        let (offset, bytes) = (window.offset(), window.bytes());
        let Some(Ok((covered, stored))) = bytes.get(..frame.total_len).map(split) else {
            return Ok(false);
        };
        Ok(self.sums.crc(offset, bytes, covered.len()) == stored)
    }

    fn damage(self, end: u64) -> Damage {
        let torn = self.reached_end && self.error.kind().family() == Family::Truncated;
        Damage { range: self.begin..end, error: self.error, torn }
    }
}

/// Bytes before the first magic, or before what could become one when more bytes arrive.
fn find_magic(bytes: &[u8]) -> usize {
    let mut from = 0;
    while let Some(distance) =
        bytes.get(from..).and_then(|rest| rest.iter().position(|&byte| byte == MAGIC[0]))
    {
        from += distance;
        let begun = bytes.get(from..).unwrap_or_default();
        if MAGIC.iter().zip(begun).all(|(expected, found)| expected == found) {
            return from;
        }
        from += 1;
    }
    bytes.len()
}
