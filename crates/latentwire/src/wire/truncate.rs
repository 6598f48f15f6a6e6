//! Cutting a packet to its first rows: latents are ordered by importance, so what is left is a
//! message too. Codes and scales are moved as they are; no number is computed again.

use super::draft::{Draft, Payload, Tensor};
use super::latents::{Format, Front, LatentsInfo};
use super::read::Packet;
use super::section::SEAL;
use super::stage;
use super::write::{Compression, ZSTD_LEVEL};
use crate::codec::{self, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::resources::Resources;

impl Packet<'_> {
    /// The packet with at most the first `rows` along the first axis of every tensor.
    ///
    /// A payload under a lossless stage is restored, cut and put under it again. A seal is left out:
    /// it would not hold any more.
    pub fn truncate(&self, rows: u32, limits: &Limits) -> Result<Vec<u8>> {
        self.truncate_with(rows, &Resources::default(), limits)
    }

    /// The same with what the lossless stage may need.
    pub fn truncate_with(
        &self,
        rows: u32,
        resources: &Resources<'_>,
        limits: &Limits,
    ) -> Result<Vec<u8>> {
        let tensors = self.latents().iter().map(|info| self.cut(info, rows, resources, limits));
        let mut sections = self.pieces();
        sections.retain(|piece| piece.section_type != SEAL);
        let tensors = tensors.collect::<Result<_>>()?;
        Draft { address: *self.address(), tensors, sections }.write()
    }

    fn cut(
        &self,
        info: &LatentsInfo,
        rows: u32,
        resources: &Resources<'_>,
        limits: &Limits,
    ) -> Result<Tensor<'_>> {
        let front = self.front(info);
        // Latents of one axis are one row.
        let first = match info.shape.extents() {
            [first, _, ..] => *first,
            _ => 1,
        };
        if rows >= first && rows > 0 {
            let payload = Payload::Bytes(info.payload(self.as_bytes()).into());
            return Ok(Tensor { front, payload });
        }
        let shape = info.shape.with_first(rows).ok_or_else(|| {
            let expected = "at least 1 row of latents that have rows";
            let found = format!("{rows} of {:?}", info.shape);
            Error::nowhere(ErrorKind::MessageRows, expected, found)
        })?;
        let raw = info.raw(self.as_bytes(), resources, limits)?;
        let (format, cut) = match info.format {
            Format::Numbers(layout) => {
                let (layout, cut) = codec::first_rows(layout, &info.shape, &shape, &raw);
                (Format::Numbers(layout), cut)
            }
            Format::Codes { .. } => {
                let kept = info.format.raw_len(&shape) as usize;
                (info.format, raw.get(..kept).unwrap_or_default().to_vec())
            }
        };
        let at = info.payload_offset;
        let compression = match info.stage {
            Stage::Stored => Compression::None,
            Stage::Zstd => Compression::Zstd { level: ZSTD_LEVEL },
            Stage::ZstdDictionary => Compression::ZstdDictionary {
                level: ZSTD_LEVEL,
                dictionary: resources.dictionary(info.resource, at)?,
            },
            Stage::Entropy => Compression::Entropy(resources.tables(info.resource, at)?),
        };
        let staged = stage::apply(compression, &cut, format, &shape, None)?;
        let front = Front { shape, format, stage: Stage::Stored, resource: None, ..front };
        let is_compact = self.header().is_none();
        Ok(Tensor { front, payload: Payload::Bytes(cut.into()) }.staged(staged, is_compact))
    }
}
