//! From the payload of a latent section to its numbers or indices.

use std::borrow::Cow;

use half::bf16;

use super::latents::{Format, LatentsInfo, check_elements};
use crate::codec::{self, Encoding, Layout, Source, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::resources::Resources;

impl LatentsInfo {
    /// Decodes the numbers of `packet`, the packet that this was read from. Indices into a codebook
    /// are not numbers: see [`Self::decode_codes`].
    pub fn decode(&self, packet: &[u8], limits: &Limits) -> Result<Vec<f32>> {
        self.decode_with(packet, &Resources::default(), limits)
    }

    /// The same with what the lossless stage may need.
    pub fn decode_with(
        &self,
        packet: &[u8],
        resources: &Resources<'_>,
        limits: &Limits,
    ) -> Result<Vec<f32>> {
        let (layout, mut source) = self.numbers(packet, resources, limits)?;
        let mut numbers = vec![0.0; self.shape.num_elements() as usize];
        codec::read(layout, &self.shape, &mut source, &mut numbers).map(|()| numbers)
    }

    /// The same into `numbers`, of which there must be as many as the shape says. What they are after
    /// an error is of no use.
    ///
    /// ```
    /// use latentwire::{EncodeOptions, Limits, Message, Packet, Resources};
    ///
    /// fn last_row(packet: &[u8], row: &mut [f32]) -> latentwire::Result<()> {
    ///     let limits = Limits::default();
    ///     let packet = Packet::parse(packet, &limits)?;
    ///     let Some(info) = packet.latents().last() else { return Ok(()) };
    ///     info.decode_into(packet.as_bytes(), &Resources::default(), &limits, row)
    /// }
    /// ```
    pub fn decode_into(
        &self,
        packet: &[u8],
        resources: &Resources<'_>,
        limits: &Limits,
        numbers: &mut [f32],
    ) -> Result<()> {
        let (layout, mut source) = self.numbers(packet, resources, limits)?;
        self.check_room(numbers.len())?;
        codec::read(layout, &self.shape, &mut source, numbers)
    }

    /// The numbers of a tensor that is written in bf16, as they are: see [`Self::decode_into`].
    pub fn decode_bf16_into(
        &self,
        packet: &[u8],
        resources: &Resources<'_>,
        limits: &Limits,
        numbers: &mut [bf16],
    ) -> Result<()> {
        let (layout, mut source) = self.numbers(packet, resources, limits)?;
        if layout.encoding != Encoding::Bf16 {
            let (kind, found) = (ErrorKind::LatentsEncoding, layout.encoding.name());
            return Err(Error::at(kind, self.payload_offset, "numbers in bf16", found));
        }
        self.check_room(numbers.len())?;
        codec::read_bf16(&mut source, numbers)
    }

    /// The payload of numbers, to be decoded.
    fn numbers<'a>(
        &self,
        packet: &'a [u8],
        resources: &Resources<'a>,
        limits: &Limits,
    ) -> Result<(Layout, Source<'a>)> {
        let Format::Numbers(layout) = self.format else {
            let (kind, expected) = (ErrorKind::LatentsEncoding, "numbers");
            return Err(Error::at(kind, self.payload_offset, expected, "indices of a codebook"));
        };
        Ok((layout, self.source(packet, resources, limits)?))
    }

    fn check_room(&self, found: usize) -> Result<()> {
        if found as u64 == self.shape.num_elements() {
            return Ok(());
        }
        let expected =
            format!("room for the {} latents of {:?}", self.shape.num_elements(), self.shape);
        Err(Error::nowhere(ErrorKind::MessageShape, expected, found.to_string()))
    }

    /// The numbers of `packet`, borrowed where they stand there as a machine holds them: f32, stored, at
    /// an address that an f32 may have, on a little-endian machine. Decoded otherwise.
    pub fn view<'a>(&self, packet: &'a [u8], limits: &Limits) -> Result<Cow<'a, [f32]>> {
        let is_plain = matches!(
            (self.format, self.stage),
            (Format::Numbers(Layout { encoding: Encoding::F32, .. }), Stage::Stored)
        );
        if cfg!(target_endian = "little")
            && is_plain
            && let Ok(numbers) = bytemuck::try_cast_slice(self.payload(packet))
        {
            check_elements(self.shape.num_elements(), self.payload_offset, limits)?;
            codec::check_finite(numbers, 0, Some(self.payload_offset), Encoding::F32)?;
            return Ok(Cow::Borrowed(numbers));
        }
        self.decode(packet, limits).map(Cow::Owned)
    }

    /// Decodes the indices of `packet`, the packet that this was read from.
    pub fn decode_codes(&self, packet: &[u8], limits: &Limits) -> Result<Vec<u16>> {
        self.decode_codes_with(packet, &Resources::default(), limits)
    }

    /// The same with what the lossless stage may need.
    pub fn decode_codes_with(
        &self,
        packet: &[u8],
        resources: &Resources<'_>,
        limits: &Limits,
    ) -> Result<Vec<u16>> {
        let (size, mut source) = self.codes(packet, resources, limits)?;
        let mut codes = vec![0; self.shape.num_elements() as usize];
        codec::codes::read(size, &self.shape, &mut source, &mut codes).map(|()| codes)
    }

    /// The same into `codes`: see [`Self::decode_into`].
    pub fn decode_codes_into(
        &self,
        packet: &[u8],
        resources: &Resources<'_>,
        limits: &Limits,
        codes: &mut [u16],
    ) -> Result<()> {
        let (size, mut source) = self.codes(packet, resources, limits)?;
        self.check_room(codes.len())?;
        codec::codes::read(size, &self.shape, &mut source, codes)
    }

    /// The payload of indices into a codebook of so many entries, to be decoded.
    fn codes<'a>(
        &self,
        packet: &'a [u8],
        resources: &Resources<'a>,
        limits: &Limits,
    ) -> Result<(u32, Source<'a>)> {
        let Format::Codes { size, .. } = self.format else {
            let (kind, expected) = (ErrorKind::LatentsEncoding, "indices of a codebook");
            return Err(Error::at(kind, self.payload_offset, expected, "numbers"));
        };
        Ok((size, self.source(packet, resources, limits)?))
    }

    /// The payload as it is decoded. Nothing is allocated by its length before the limits allow it.
    fn source<'a>(
        &self,
        packet: &'a [u8],
        resources: &Resources<'a>,
        limits: &Limits,
    ) -> Result<Source<'a>> {
        let raw_len = self.checked_raw_len(limits)?;
        let (payload, at) = (self.payload(packet), self.payload_offset);
        match self.stage {
            Stage::Stored => Ok(Source::stored(payload, Some(at))),
            Stage::Zstd => Source::zstd(payload, raw_len, at, None),
            Stage::ZstdDictionary => {
                let dictionary = resources.dictionary(self.resource, at)?;
                Source::zstd(payload, raw_len, at, Some(dictionary.as_bytes()))
            }
            Stage::Entropy => {
                let tables = resources.tables(self.resource, at)?;
                self.format.symbols(&self.shape).open(payload, tables, at).map(Source::coded)
            }
        }
    }

    /// The payload without its lossless stage.
    pub(crate) fn raw<'a>(
        &self,
        packet: &'a [u8],
        resources: &Resources<'_>,
        limits: &Limits,
    ) -> Result<Cow<'a, [u8]>> {
        let raw_len = self.checked_raw_len(limits)?;
        let (payload, at) = (self.payload(packet), self.payload_offset);
        let raw = match self.stage {
            Stage::Stored => return Ok(payload.into()),
            Stage::Zstd => codec::lossless::restore(payload, raw_len, at)?,
            Stage::ZstdDictionary => {
                let dictionary = resources.dictionary(self.resource, at)?;
                codec::lossless::restore_with(payload, raw_len, at, Some(dictionary.as_bytes()))?
            }
            Stage::Entropy => {
                let tables = resources.tables(self.resource, at)?;
                self.format.symbols(&self.shape).restore(payload, raw_len, tables, at)?
            }
        };
        Ok(raw.into())
    }

    /// Whether the limits allow the payload to be decoded; it is refused otherwise.
    pub fn check_limits(&self, limits: &Limits) -> Result<()> {
        self.checked_raw_len(limits).map(|_| ())
    }

    /// The length of the payload without its lossless stage, if the limits allow it.
    fn checked_raw_len(&self, limits: &Limits) -> Result<usize> {
        check_elements(self.shape.num_elements(), self.payload_offset, limits)?;
        let found = self.raw_length();
        usize::try_from(found).ok().filter(|&len| len <= limits.decompressed_bytes()).ok_or_else(
            || {
                let expected = format!("at most {} bytes", limits.decompressed_bytes());
                let kind = ErrorKind::LimitDecompressed;
                Error::at(kind, self.payload_offset, expected, found.to_string())
            },
        )
    }
}
