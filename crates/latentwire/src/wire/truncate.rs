//! Cutting a packet to its first rows: latents are ordered by importance, so what is left is a
//! message too. Codes and scales are moved as they are; no number is computed again.

use super::draft::{Draft, Payload, Tensor};
use super::latents::{Format, Front, LatentsInfo};
use super::read::Packet;
use super::section::SEAL;
use crate::codec::{self, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// The level at which a payload that was compressed is compressed again.
const ZSTD_LEVEL: i32 = 9;

impl Packet<'_> {
    /// The packet with at most the first `rows` along the first axis of every tensor.
    ///
    /// A payload under zstd is restored, cut and compressed again. A seal is left out: it would not
    /// hold any more.
    pub fn truncate(&self, rows: u32, limits: &Limits) -> Result<Vec<u8>> {
        let tensors = self.latents().iter().map(|info| self.cut(info, rows, limits));
        let mut sections = self.pieces();
        sections.retain(|piece| piece.section_type != SEAL);
        let tensors = tensors.collect::<Result<_>>()?;
        Draft { address: *self.address(), tensors, sections }.write()
    }

    fn cut(&self, info: &LatentsInfo, rows: u32, limits: &Limits) -> Result<Tensor<'_>> {
        let front = self.front(info);
        // Latents of one axis are one row.
        let first = match info.shape.extents() {
            [first, _, ..] => *first,
            _ => 1,
        };
        if rows >= first && rows > 0 {
            let payload = Payload::Given(info.payload(self.as_bytes()));
            return Ok(Tensor { front, payload });
        }
        let shape = info.shape.with_first(rows).ok_or_else(|| {
            let expected = "at least 1 row of latents that have rows";
            let found = format!("{rows} of {:?}", info.shape);
            Error::nowhere(ErrorKind::MessageRows, expected, found)
        })?;
        let (raw, _) = info.raw(self.as_bytes(), limits)?;
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
        let front = Front { shape, format, stage: Stage::Stored, ..front };
        let tensor = Tensor { front, payload: Payload::Made(cut) };
        match info.stage {
            Stage::Stored => Ok(tensor),
            Stage::Zstd => tensor.compressed(ZSTD_LEVEL),
        }
    }
}
