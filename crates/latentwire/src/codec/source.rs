//! A raw payload as it is decoded: its bytes and codes one after another.
//!
//! What is large and under a lossless stage is restored piece by piece, so that decoding takes no
//! memory for the payload beside the numbers that come out of it.

use std::borrow::Cow;

#[cfg(feature = "zstd")]
use super::frame::Frame;
use super::simd::widest;
use super::symbols::Coded;
use super::{fault, lossless, packing};
use crate::error::{ErrorKind, Result};

/// The most numbers that are decoded at a time. A multiple of eight, so that whole pieces of a row
/// end with a byte.
pub(super) const PIECE: usize = 4096;
/// A payload of up to so many bytes is restored as a whole, which is faster.
#[cfg(feature = "zstd")]
const SMALL: usize = 1 << 16;

/// Where the bytes of a raw payload come from.
pub(crate) struct Source<'a> {
    origin: Origin<'a>,
    /// Where the payload lies in the packet, if it lies there as it is.
    base: Option<usize>,
    /// What was taken last, where it lies nowhere else.
    bytes: Vec<u8>,
    symbols: Vec<u8>,
}

enum Origin<'a> {
    Held {
        raw: Cow<'a, [u8]>,
        next: usize,
    },
    #[cfg(feature = "zstd")]
    Frame(Box<Frame<'a>>),
    Coded(Box<Coded<'a>>),
}

impl<'a> Source<'a> {
    fn of(origin: Origin<'a>, base: Option<usize>) -> Self {
        Self { origin, base, bytes: Vec::new(), symbols: Vec::new() }
    }

    /// A stored payload, which lies at byte `base` of its packet, if in one.
    pub(crate) fn stored(raw: &'a [u8], base: Option<usize>) -> Self {
        Self::of(Origin::Held { raw: raw.into(), next: 0 }, base)
    }

    /// A payload of `raw_len` bytes as a zstd frame, which lies at byte `at` of its packet.
    pub(crate) fn zstd(
        frame: &'a [u8],
        raw_len: usize,
        at: usize,
        dictionary: Option<&[u8]>,
    ) -> Result<Self> {
        #[cfg(feature = "zstd")]
        if raw_len > SMALL {
            let frame = Frame::open(frame, raw_len, at, dictionary)?;
            return Ok(Self::of(Origin::Frame(Box::new(frame)), None));
        }
        let raw = lossless::restore_with(frame, raw_len, at, dictionary)?;
        Ok(Self::of(Origin::Held { raw: raw.into(), next: 0 }, None))
    }

    /// A payload under the entropy coder.
    pub(crate) fn coded(payload: Coded<'a>) -> Self {
        Self::of(Origin::Coded(Box::new(payload)), None)
    }

    /// Where the payload lies in the packet, if it lies there as it is.
    pub(super) fn base(&self) -> Option<usize> {
        self.base
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<&[u8]> {
        self.origin.take(len, self.base, &mut self.bytes)
    }

    /// The next `count` codes, in 1, 2, 4 or 8 bits, and what is left over in the last byte that they
    /// take: rows that end with a byte, or a piece of a row, a whole number of eights or its end.
    pub(super) fn symbols(&mut self, count: usize, bits: u32) -> Result<(&[u8], u8)> {
        if let Origin::Coded(payload) = &mut self.origin {
            self.symbols.resize(count, 0);
            payload.fill(&mut self.symbols)?;
            return Ok((&self.symbols, 0));
        }
        let packed =
            self.origin.take((count * bits as usize).div_ceil(8), self.base, &mut self.bytes)?;
        if bits == 8 {
            return Ok((packed, 0));
        }
        self.symbols.resize(count, 0);
        widest(
            #[inline(always)]
            || packing::unpack(packed, bits, &mut self.symbols),
        );
        Ok((&self.symbols, packing::padding(packed, count, bits)))
    }

    /// The same for indices of up to 16 bits.
    pub(super) fn indices(&mut self, bits: u32, indices: &mut [u16]) -> Result<u32> {
        if let Origin::Coded(payload) = &mut self.origin {
            self.symbols.resize(indices.len(), 0);
            payload.fill(&mut self.symbols)?;
            for (index, &symbol) in indices.iter_mut().zip(&self.symbols) {
                *index = symbol.into();
            }
            return Ok(0);
        }
        let packed = self.take((indices.len() * bits as usize).div_ceil(8))?;
        Ok(packing::unpack_indices(packed, bits, indices))
    }

    /// Checks that the payload ends where it should. What is wrong with its lossless stage comes
    /// before what was `found` wrong with its numbers, however far they have been read.
    pub(super) fn finish(&mut self, found: Result<()>) -> Result<()> {
        let is_known = found.as_ref().is_err_and(|error| {
            let of_stage = [ErrorKind::LatentsCompressed, ErrorKind::LatentsEntropy];
            of_stage.contains(&error.kind())
        });
        if !is_known {
            match &mut self.origin {
                Origin::Held { .. } => {}
                #[cfg(feature = "zstd")]
                Origin::Frame(frame) => frame.finish()?,
                Origin::Coded(payload) => payload.finish()?,
            }
        }
        found
    }
}

impl Origin<'_> {
    #[cfg_attr(
        not(feature = "zstd"),
        expect(unused_variables, clippy::ptr_arg, reason = "only a frame has to be restored")
    )]
    fn take<'s>(
        &'s mut self,
        len: usize,
        base: Option<usize>,
        bytes: &'s mut Vec<u8>,
    ) -> Result<&'s [u8]> {
        match self {
            Self::Held { raw, next } => {
                let rest = raw.get(*next..).unwrap_or_default();
                let taken = rest.get(..len).ok_or_else(|| {
                    let (expected, found) = (format!("{len} more bytes"), rest.len().to_string());
                    fault(ErrorKind::LatentsLength, base, *next, expected, found)
                })?;
                *next += len;
                Ok(taken)
            }
            #[cfg(feature = "zstd")]
            Self::Frame(frame) => {
                bytes.resize(len, 0);
                frame.fill(bytes)?;
                Ok(bytes)
            }
            Self::Coded(payload) => Ok(payload.take_front(len)),
        }
    }
}
