//! Reading fields one after another, never past the end of the part that holds them.

use crate::error::{Error, ErrorKind, Result};
use crate::message::{Fingerprint, MAX_NAME_BYTES};

/// The most bytes that a varint of 32 bits takes.
const MAX_VARINT_BYTES: u32 = 5;

/// A place in `packet`, and the end of the part that is being read.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    packet: &'a [u8],
    at: usize,
    end: usize,
    overrun: ErrorKind,
}

impl<'a> Cursor<'a> {
    /// Reads bytes that have just arrived: running out of them means that more must follow.
    pub(crate) fn arriving(packet: &'a [u8]) -> Self {
        Self { packet, at: 0, end: packet.len(), overrun: ErrorKind::PacketTruncated }
    }

    /// Reads on up to `end`, inside bytes that are known to be whole: running out means a lie.
    pub(crate) fn within(self, end: usize) -> Self {
        Self { end, overrun: ErrorKind::FieldOverrun, ..self }
    }

    /// Reads on at `at`.
    pub(crate) fn jump(self, at: usize) -> Self {
        Self { at, ..self }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn remaining(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let taken = self
            .at
            .checked_add(len)
            .filter(|&stop| stop <= self.end)
            .and_then(|stop| self.packet.get(self.at..stop))
            .ok_or_else(|| {
                let expected = format!("{len} bytes");
                Error::at(self.overrun, self.at, expected, format!("{} left", self.remaining()))
            })?;
        self.at += len;
        Ok(taken)
    }

    /// What is left, all of it.
    #[cfg(feature = "trust")]
    pub(crate) fn rest(self) -> &'a [u8] {
        self.packet.get(self.at..self.end).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn fingerprint(&mut self) -> Result<Fingerprint> {
        self.array().map(Fingerprint)
    }

    /// Seven bits a byte, lowest first, the top bit set on all bytes but the last.
    pub(crate) fn varint(&mut self) -> Result<u32> {
        let start = self.at;
        let mut value = 0_u64;
        for index in 0..MAX_VARINT_BYTES {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                if byte == 0 && index > 0 {
                    let expected = "a last byte above zero";
                    let kind = ErrorKind::VarintNotMinimal;
                    return Err(Error::at(kind, start, expected, format!("{} bytes", index + 1)));
                }
                return u32::try_from(value).map_err(|_| {
                    let expected = "at most 2^32 - 1";
                    Error::at(ErrorKind::VarintOverflow, start, expected, value.to_string())
                });
            }
        }
        let expected = "at most 5 bytes";
        Err(Error::at(ErrorKind::VarintOverflow, start, expected, "more"))
    }

    /// One byte of length, then so many bytes of UTF-8 without control characters.
    pub(crate) fn text(&mut self, may_be_empty: bool) -> Result<&'a str> {
        let start = self.at;
        let len = self.byte()?;
        let text = std::str::from_utf8(self.take(len.into())?).ok();
        text.filter(|text| is_name(text, may_be_empty)).ok_or_else(|| {
            let found = text.map_or("other bytes".into(), |text| format!("{text:?}"));
            Error::at(ErrorKind::HeaderName, start, name_rule(may_be_empty), found)
        })
    }
}

/// Whether `text` may stand as a name: control characters could rewrite the terminal or the log
/// of whoever prints it.
pub(crate) fn is_name(text: &str, may_be_empty: bool) -> bool {
    text.len() <= MAX_NAME_BYTES
        && (may_be_empty || !text.is_empty())
        && !text.chars().any(char::is_control)
}

pub(crate) fn name_rule(may_be_empty: bool) -> &'static str {
    if may_be_empty {
        "at most 255 bytes of UTF-8 without control characters"
    } else {
        "1 to 255 bytes of UTF-8 without control characters"
    }
}

/// Appends `value` as a varint, in as few bytes as it takes.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes that [`put_varint`] appends for `value`.
pub(crate) fn varint_len(value: u32) -> usize {
    let bits = u32::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
