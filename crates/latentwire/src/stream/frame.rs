//! Where a packet ends, from its first bytes, and whether it arrived whole.
//!
//! This looks at the preamble and the checksum only. Flags and profile are passed over: they say
//! how the rest is read, not how long it is.

use crate::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::{MAGIC, Version};

/// The fewest bytes of a packet, and as many as a preamble takes at most: whoever waits for so
/// many waits neither in vain nor for too little.
pub(super) const MIN_PACKET: usize = 12;

/// The bytes before the length: magic, major and minor version, flags.
const LENGTH_AT: usize = 7;
const MAJOR_AT: usize = 4;
const FLAGS_AT: usize = 6;
const MAX_VARINT_BYTES: usize = 5;

/// What a preamble says that frames its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) flags: u8,
    /// Bytes after the preamble, checksum included, as the preamble says.
    pub(super) rest_len: u32,
    /// Bytes of the packet.
    pub(super) total_len: usize,
}

impl Frame {
    /// Reads the preamble at the front of `bytes`, which may go on after it or end too soon.
    pub(super) fn peek(bytes: &[u8], limits: &Limits) -> Result<Self> {
        for (at, expected) in MAGIC.into_iter().enumerate() {
            let found = byte(bytes, at)?;
            if found != expected {
                let (expected, found) = (format!("{expected:#04x}"), format!("{found:#04x}"));
                return Err(Error::at(ErrorKind::PreambleMagic, at, expected, found));
            }
        }
        let major = byte(bytes, MAJOR_AT)?;
        if major != Version::CURRENT.major {
            let expected = Version::CURRENT.major.to_string();
            return Err(Error::at(ErrorKind::PreambleMajor, MAJOR_AT, expected, major.to_string()));
        }
        let flags = byte(bytes, FLAGS_AT)?;
        let (rest_len, varint_len) = varint(bytes)?;
        let front = LENGTH_AT + varint_len;
        let total_len = usize::try_from(rest_len)
            .ok()
            .and_then(|rest| rest.checked_add(front))
            .filter(|&total| total <= limits.total_bytes())
            .ok_or_else(|| {
                let expected = format!("at most {} bytes", limits.total_bytes());
                let found = format!("{front} and {rest_len} more");
                Error::at(ErrorKind::LimitTotalBytes, LENGTH_AT, expected, found)
            })?;
        if total_len - front < checksum::LEN {
            let expected = format!("at least {} more bytes", checksum::LEN);
            let found = rest_len.to_string();
            return Err(Error::at(ErrorKind::PreambleLength, LENGTH_AT, expected, found));
        }
        Ok(Self { flags, rest_len, total_len })
    }

    /// The frame of `bytes` that are one packet and nothing else, and its checksum.
    pub(super) fn of(bytes: &[u8], limits: &Limits) -> Result<(Self, u32)> {
        let frame = Self::peek(bytes, limits)?;
        let (expected, found) = (format!("{} bytes", frame.total_len), bytes.len().to_string());
        if bytes.len() < frame.total_len {
            return Err(Error::at(ErrorKind::PacketTruncated, bytes.len(), expected, found));
        }
        if bytes.len() > frame.total_len {
            return Err(Error::at(
                ErrorKind::PacketTrailingBytes,
                frame.total_len,
                expected,
                found,
            ));
        }
        Ok((frame, verify(bytes)?))
    }
}

/// Bytes of the preamble of a packet with `rest_len` bytes after it.
pub(super) fn preamble_len(rest_len: u32) -> usize {
    let bits = u32::BITS - (rest_len | 1).leading_zeros();
    LENGTH_AT + bits.div_ceil(7) as usize
}

/// The checksum of a packet that is whole, if it is right.
pub(super) fn verify(packet: &[u8]) -> Result<u32> {
    let (covered, stored) = split(packet)?;
    let computed = checksum::of(covered);
    if computed != stored {
        let (expected, found) = (format!("{computed:#010x}"), format!("{stored:#010x}"));
        return Err(Error::at(ErrorKind::ChecksumMismatch, covered.len(), expected, found));
    }
    Ok(stored)
}

/// What the checksum of a packet covers, and the checksum as it is written there.
pub(super) fn split(packet: &[u8]) -> Result<(&[u8], u32)> {
    let (covered, stored) = packet.split_last_chunk().ok_or_else(|| cut_short(packet.len()))?;
    Ok((covered, u32::from_le_bytes(*stored)))
}

fn byte(bytes: &[u8], at: usize) -> Result<u8> {
    bytes.get(at).copied().ok_or_else(|| cut_short(bytes.len()))
}

#[cold]
fn cut_short(at: usize) -> Error {
    Error::at(ErrorKind::PacketTruncated, at, "a whole packet", "the end")
}

/// The length field: its value, and how many bytes it takes.
fn varint(bytes: &[u8]) -> Result<(u32, usize)> {
    let mut value = 0_u64;
    for index in 0..MAX_VARINT_BYTES {
        let byte = byte(bytes, LENGTH_AT + index)?;
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                let (expected, found) = ("a last byte above zero", format!("{} bytes", index + 1));
                return Err(Error::at(ErrorKind::VarintNotMinimal, LENGTH_AT, expected, found));
            }
            let value = u32::try_from(value).map_err(|_| {
                let (expected, found) = ("at most 2^32 - 1", value.to_string());
                Error::at(ErrorKind::VarintOverflow, LENGTH_AT, expected, found)
            })?;
            return Ok((value, index + 1));
        }
    }
    Err(Error::at(ErrorKind::VarintOverflow, LENGTH_AT, "at most 5 bytes", "more"))
}
