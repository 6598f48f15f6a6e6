//! The front of the latent section: encoding, lossless stage, scales and shape.
//!
//! Two bytes of bit fields and one varint an axis. How long the payload is before its lossless
//! stage follows from them, so no field says it and none can lie about it.

use super::cursor::{Cursor, put_varint, varint_len};
use super::section::SectionInfo;
use crate::codec::{self, Encoding, Layout, ScaleWidth, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::message::{MAX_RANK, Shape};

const ENCODING_MASK: u8 = 0b0001_1111;
const STAGE_SHIFT: u32 = 5;
const RANK_MASK: u8 = 0b0000_0011;
const SCALE_F32_BIT: u8 = 0b0001_0000;
/// Everything that says how an encoding's scales are laid out.
const SCALE_MASK: u8 = 0b0011_1100;
/// Scale granularity and asymmetry, names and a longer front: later versions give them meaning.
const RESERVED_MASK: u8 = 0b1110_1100;

/// What the latent section says before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatentsInfo {
    /// The extents of the latents.
    pub shape: Shape,
    /// How numbers are written, and how wide their scales are.
    pub layout: Layout,
    /// The lossless stage over the payload.
    pub stage: Stage,
    /// The first byte of the payload, counted from the start of the packet.
    pub payload_offset: usize,
    /// Bytes of the payload as it stands in the packet.
    pub payload_length: usize,
}

impl LatentsInfo {
    pub(crate) fn read(
        mut cursor: Cursor<'_>,
        section: &SectionInfo,
        limits: &Limits,
    ) -> Result<Self> {
        let at = cursor.at();
        let [kind, form] = cursor.array()?;
        let encoding = Encoding::from_code(kind & ENCODING_MASK).ok_or_else(|| {
            let found = (kind & ENCODING_MASK).to_string();
            Error::at(ErrorKind::LatentsEncoding, at, Encoding::CODES, found)
        })?;
        let stage = Stage::from_code(kind >> STAGE_SHIFT).ok_or_else(|| {
            let found = (kind >> STAGE_SHIFT).to_string();
            Error::at(ErrorKind::LatentsStage, at, Stage::CODES, found)
        })?;
        let refuse_form = |error_kind, expected: &'static str| {
            Err(Error::at(error_kind, at + 1, expected, format!("{form:#010b}")))
        };
        if !encoding.has_scales() && form & SCALE_MASK != 0 {
            return refuse_form(ErrorKind::LatentsScaleBits, "bits 2 to 5 clear");
        }
        if form & RESERVED_MASK != 0 {
            return refuse_form(ErrorKind::LatentsLayout, "bits 2, 3, 5, 6 and 7 clear");
        }
        let shape = read_shape(&mut cursor, usize::from(form & RANK_MASK) + 1, limits)?;
        let is_wide = form & SCALE_F32_BIT != 0;
        let width = if is_wide { ScaleWidth::F32 } else { ScaleWidth::F16 };
        let info = Self {
            shape,
            layout: Layout { encoding, scales: encoding.has_scales().then_some(width) },
            stage,
            payload_offset: cursor.at(),
            payload_length: section.end().saturating_sub(cursor.at()),
        };
        info.check_length()?;
        Ok(info)
    }

    /// Bytes of the payload before its lossless stage.
    #[must_use]
    pub fn raw_length(&self) -> u64 {
        self.layout.raw_len(&self.shape)
    }

    /// Decodes the latents of `packet`, the packet that this was read from.
    pub fn decode(&self, packet: &[u8], limits: &Limits) -> Result<Vec<f32>> {
        check_elements(self.shape.num_elements(), self.payload_offset, limits)?;
        let raw_len = usize::try_from(self.raw_length())
            .ok()
            .filter(|&len| len <= limits.decompressed_bytes())
            .ok_or_else(|| {
                let expected = format!("at most {} bytes", limits.decompressed_bytes());
                let found = self.raw_length().to_string();
                Error::at(ErrorKind::LimitDecompressed, self.payload_offset, expected, found)
            })?;
        let stop = self.payload_offset.saturating_add(self.payload_length);
        let payload = packet.get(self.payload_offset..stop).unwrap_or_default();
        match self.stage {
            Stage::Stored => {
                codec::decode(self.layout, &self.shape, payload, Some(self.payload_offset))
            }
            Stage::Zstd => {
                let raw = codec::lossless::restore(payload, raw_len, self.payload_offset)?;
                codec::decode(self.layout, &self.shape, &raw, None)
            }
        }
    }

    /// The payload has the length that the shape gives it, or less if it is compressed: a
    /// lossless stage that does not help is not written.
    fn check_length(&self) -> Result<()> {
        let (found, raw_length) = (self.payload_length as u64, self.raw_length());
        let (fits, relation) = match self.stage {
            Stage::Stored => (found == raw_length, "exactly"),
            Stage::Zstd => (found < raw_length, "fewer than"),
        };
        if fits {
            return Ok(());
        }
        let expected = format!("{relation} {raw_length} bytes for {:?}", self.shape);
        let kind = ErrorKind::LatentsLength;
        Err(Error::at(kind, self.payload_offset, expected, found.to_string()))
    }
}

fn read_shape(cursor: &mut Cursor<'_>, rank: usize, limits: &Limits) -> Result<Shape> {
    let shape_at = cursor.at();
    let mut all = [1; MAX_RANK];
    let extents = all.get_mut(..rank).unwrap_or_default();
    for extent in extents.iter_mut() {
        let extent_at = cursor.at();
        *extent = cursor.varint()?;
        if *extent == 0 {
            return Err(Error::at(ErrorKind::LatentsExtent, extent_at, "at least 1", "0"));
        }
    }
    let shape = Shape::from_wire(extents).ok_or_else(|| {
        let expected = format!("at most {} elements", limits.elements());
        Error::at(ErrorKind::LimitElements, shape_at, expected, "2^64 or more")
    })?;
    check_elements(shape.num_elements(), shape_at, limits)?;
    Ok(shape)
}

fn check_elements(found: u64, at: usize, limits: &Limits) -> Result<()> {
    if found <= limits.elements() as u64 {
        return Ok(());
    }
    let expected = format!("at most {} elements", limits.elements());
    Err(Error::at(ErrorKind::LimitElements, at, expected, found.to_string()))
}

/// Appends the front of a latent section; its payload is to follow.
pub(crate) fn write(out: &mut Vec<u8>, layout: Layout, stage: Stage, shape: &Shape) {
    let extents = shape.extents();
    let width_bit = match layout.scales {
        Some(ScaleWidth::F32) => SCALE_F32_BIT,
        Some(ScaleWidth::F16) | None => 0,
    };
    out.push(layout.encoding.code() | stage.code() << STAGE_SHIFT);
    out.push((extents.len() - 1) as u8 | width_bit);
    for &extent in extents {
        put_varint(out, extent);
    }
}

/// Bytes that [`write()`] appends.
pub(crate) fn front_len(shape: &Shape) -> usize {
    2 + shape.extents().iter().map(|&extent| varint_len(extent)).sum::<usize>()
}
