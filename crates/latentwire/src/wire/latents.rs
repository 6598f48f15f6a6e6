//! The front of a latent section: encoding, lossless stage, scales, name and shape.
//!
//! Two bytes of bit fields, then only what they ask for. How long the payload is before its lossless
//! stage follows from the front, so no field says it and none can lie about it.

use super::cursor::{Cursor, is_name, name_rule, put_varint, varint_len};
use super::section::SectionInfo;
use crate::codec::{
    self, Encoding, Granularity, Layout, ScaleLayout, ScaleWidth, Stage, Symbols, index_bits,
    packed_len,
};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::message::{Fingerprint, MAX_RANK, Shape};

const ENCODING_MASK: u8 = 0b0001_1111;
const STAGE_SHIFT: u32 = 5;
/// The encoding of indices into a codebook, beside those of [`Encoding`].
const CODES: u8 = 9;
const RANK_MASK: u8 = 0b0000_0011;
const GRANULARITY_SHIFT: u32 = 2;
const GRANULARITY_MASK: u8 = 0b0000_1100;
const SCALE_F32_BIT: u8 = 0b0001_0000;
const ASYMMETRIC_BIT: u8 = 0b0010_0000;
/// Everything that says how an encoding's scales are laid out.
const SCALE_MASK: u8 = GRANULARITY_MASK | SCALE_F32_BIT | ASYMMETRIC_BIT;
const NAME_BIT: u8 = 0b0100_0000;
/// A longer front: later versions give it meaning.
const RESERVED_MASK: u8 = 0b1000_0000;
const MAX_CODEBOOK: u32 = 1 << 16;

/// What a payload holds and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Numbers.
    Numbers(Layout),
    /// Indices into a codebook.
    Codes {
        /// Names the codebook; `None` in a compact packet, whose route names it.
        codebook: Option<Fingerprint>,
        /// How many entries an index chooses from.
        size: u32,
    },
}

impl Format {
    /// The name used in text: that of the encoding, or `codes`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numbers(layout) => layout.encoding.name(),
            Self::Codes { .. } => "codes",
        }
    }

    /// How numbers are written, if it is numbers.
    #[must_use]
    pub const fn layout(self) -> Option<Layout> {
        match self {
            Self::Numbers(layout) => Some(layout),
            Self::Codes { .. } => None,
        }
    }

    /// Whether its codes are bytes at most, which an entropy coder takes as symbols.
    pub(crate) fn has_symbols(self) -> bool {
        match self {
            Self::Numbers(layout) => layout.scales.is_some(),
            Self::Codes { size, .. } => size <= 256,
        }
    }

    /// How its codes stand in a raw payload of that shape, as symbols.
    pub(crate) fn symbols(self, shape: &Shape) -> Symbols {
        match self {
            Self::Numbers(layout) => Symbols::of_numbers(layout, shape),
            Self::Codes { size, .. } => Symbols::of_codes(size, shape),
        }
    }

    /// Bytes of the payload before its lossless stage. Saturates; limits come first.
    pub(crate) fn raw_len(self, shape: &Shape) -> u64 {
        match self {
            Self::Numbers(layout) => layout.raw_len(shape),
            Self::Codes { size, .. } => {
                let row = packed_len(shape.row_len(), index_bits(size));
                shape.num_rows().saturating_mul(row)
            }
        }
    }
}

/// What a latent section says before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatentsInfo {
    /// The extents of the latents.
    pub shape: Shape,
    /// What the payload holds.
    pub format: Format,
    /// The lossless stage over the payload.
    pub stage: Stage,
    /// The first byte of the payload, counted from the start of the packet.
    pub payload_offset: usize,
    /// Bytes of the payload as it stands in the packet.
    pub payload_length: usize,
    /// Names what the lossless stage is undone with; `None` if it needs nothing, and in a compact
    /// packet, whose route names it.
    pub resource: Option<Fingerprint>,
    name: (usize, usize),
}

impl LatentsInfo {
    /// Reads the front of the section at `cursor`, which ends where the section does. The tensors
    /// before it have `elements_before` numbers.
    pub(crate) fn read(
        mut cursor: Cursor<'_>,
        section: &SectionInfo,
        is_compact: bool,
        elements_before: u64,
        limits: &Limits,
    ) -> Result<Self> {
        let at = cursor.at();
        let kind = cursor.byte()?;
        let encoding = kind & ENCODING_MASK;
        let numbers = Encoding::from_code(encoding);
        if numbers.is_none() && encoding != CODES {
            let expected = "an encoding from 1 (f32) to 9 (codes)";
            return Err(Error::at(ErrorKind::LatentsEncoding, at, expected, encoding.to_string()));
        }
        let stage = Stage::from_code(kind >> STAGE_SHIFT).ok_or_else(|| {
            let found = (kind >> STAGE_SHIFT).to_string();
            Error::at(ErrorKind::LatentsStage, at, Stage::CODES, found)
        })?;
        let form = cursor.byte()?;
        check_form(form, numbers, at + 1)?;
        let name = if form & NAME_BIT == 0 { (at, 0) } else { read_name(&mut cursor)? };
        let shape_at = cursor.at();
        let shape = read_shape(&mut cursor, usize::from(form & RANK_MASK) + 1)?;
        check_elements(elements_before.saturating_add(shape.num_elements()), shape_at, limits)?;
        let format = match numbers {
            None => read_codebook(&mut cursor, is_compact)?,
            Some(encoding) => Format::Numbers(Layout {
                encoding,
                scales: if encoding.has_scales() {
                    Some(read_scales(&mut cursor, form, &shape)?)
                } else {
                    None
                },
            }),
        };
        let resource =
            if stage.needs_resource() && !is_compact { Some(cursor.fingerprint()?) } else { None };
        let info = Self {
            shape,
            format,
            stage,
            payload_offset: cursor.at(),
            payload_length: section.end().saturating_sub(cursor.at()),
            resource,
            name,
        };
        info.check_stage(at)?;
        Ok(info)
    }

    /// The name of the tensor in the packet that this was read from; empty if it has none.
    #[must_use]
    pub fn name<'a>(&self, packet: &'a [u8]) -> &'a str {
        let (at, len) = self.name;
        packet.get(at..at + len).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// The payload in the packet that this was read from, as it stands.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        let stop = self.payload_offset.saturating_add(self.payload_length);
        packet.get(self.payload_offset..stop).unwrap_or_default()
    }

    /// Bytes of the payload before its lossless stage.
    #[must_use]
    pub fn raw_length(&self) -> u64 {
        self.format.raw_len(&self.shape)
    }

    /// An entropy coder takes codes that are bytes at most.
    fn check_stage(&self, at: usize) -> Result<()> {
        if self.stage != Stage::Entropy || self.format.has_symbols() {
            return Ok(());
        }
        let expected = "quantized numbers, or indices into at most 256 entries";
        Err(Error::at(ErrorKind::LatentsStage, at, expected, self.format.name()))
    }

    /// The payload has the length that the shape gives it, or less if it is compressed: a
    /// lossless stage that does not help is not written.
    pub(crate) fn check_length(&self) -> Result<()> {
        let (found, raw_length) = (self.payload_length as u64, self.raw_length());
        let (fits, relation) = match self.stage {
            Stage::Stored => (found == raw_length, "exactly"),
            _ => (found < raw_length, "fewer than"),
        };
        if fits {
            return Ok(());
        }
        let expected = format!("{relation} {raw_length} bytes for {:?}", self.shape);
        let kind = ErrorKind::LatentsLength;
        Err(Error::at(kind, self.payload_offset, expected, found.to_string()))
    }
}

fn check_form(form: u8, numbers: Option<Encoding>, at: usize) -> Result<()> {
    let has_scales = numbers.is_some_and(Encoding::has_scales);
    let refuse =
        |kind, expected: &'static str| Err(Error::at(kind, at, expected, format!("{form:#010b}")));
    if !has_scales && form & SCALE_MASK != 0 {
        return refuse(ErrorKind::LatentsScaleBits, "bits 2 to 5 clear");
    }
    if form & RESERVED_MASK != 0 {
        return refuse(ErrorKind::LatentsLayout, "bit 7 clear");
    }
    if numbers == Some(Encoding::Sign) && form & ASYMMETRIC_BIT != 0 {
        return refuse(ErrorKind::LatentsLayout, "bit 5 clear");
    }
    Ok(())
}

fn read_name(cursor: &mut Cursor<'_>) -> Result<(usize, usize)> {
    let at = cursor.at();
    let len = usize::from(cursor.byte()?);
    let text = std::str::from_utf8(cursor.take(len)?).ok();
    if text.is_some_and(|text| is_name(text, false)) {
        return Ok((at + 1, len));
    }
    let found = text.map_or("other bytes".into(), |text| format!("{text:?}"));
    Err(Error::at(ErrorKind::LatentsName, at, name_rule(false), found))
}

fn read_shape(cursor: &mut Cursor<'_>, rank: usize) -> Result<Shape> {
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
    Shape::from_wire(extents).ok_or_else(|| {
        let expected = "fewer than 2^64 elements";
        Error::at(ErrorKind::LimitElements, shape_at, expected, "2^64 or more")
    })
}

fn read_scales(cursor: &mut Cursor<'_>, form: u8, shape: &Shape) -> Result<ScaleLayout> {
    let granularity = match (form & GRANULARITY_MASK) >> GRANULARITY_SHIFT {
        0 => Granularity::Row,
        1 => Granularity::Tensor,
        2 => Granularity::Channel,
        _ => {
            let at = cursor.at();
            let size = cursor.varint()?;
            if !codec::is_group(size, shape.row_len()) {
                let expected = format!("a part of {}, the length of a row", shape.row_len());
                return Err(Error::at(ErrorKind::LatentsGroup, at, expected, size.to_string()));
            }
            Granularity::Group(size)
        }
    };
    let is_wide = form & SCALE_F32_BIT != 0;
    Ok(ScaleLayout {
        width: if is_wide { ScaleWidth::F32 } else { ScaleWidth::F16 },
        granularity,
        asymmetric: form & ASYMMETRIC_BIT != 0,
    })
}

fn read_codebook(cursor: &mut Cursor<'_>, is_compact: bool) -> Result<Format> {
    let at = cursor.at();
    let size = cursor.varint()?;
    if !is_codebook(size) {
        let expected = "2 to 65,536 entries";
        return Err(Error::at(ErrorKind::LatentsCodebook, at, expected, size.to_string()));
    }
    let codebook = if is_compact { None } else { Some(cursor.fingerprint()?) };
    Ok(Format::Codes { codebook, size })
}

/// Whether a codebook can have so many entries.
pub(crate) fn is_codebook(size: u32) -> bool {
    (2..=MAX_CODEBOOK).contains(&size)
}

pub(crate) fn check_elements(found: u64, at: usize, limits: &Limits) -> Result<()> {
    if found <= limits.elements() as u64 {
        return Ok(());
    }
    let expected = format!("at most {} elements", limits.elements());
    Err(Error::at(ErrorKind::LimitElements, at, expected, found.to_string()))
}

/// The front of a latent section that is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Front<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: Shape,
    pub(crate) format: Format,
    pub(crate) stage: Stage,
    /// What the stage is undone with, where the header does not say it.
    pub(crate) resource: Option<Fingerprint>,
}

impl Front<'_> {
    /// Appends the front; its payload is to follow.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let scales = self.format.layout().and_then(|layout| layout.scales);
        let extents = self.shape.extents();
        let encoding = self.format.layout().map_or(CODES, |layout| layout.encoding.code());
        out.push(encoding | self.stage.code() << STAGE_SHIFT);
        let name_bit = if self.name.is_empty() { 0 } else { NAME_BIT };
        out.push((extents.len() - 1) as u8 | scales.map_or(0, scale_bits) | name_bit);
        if !self.name.is_empty() {
            out.push(self.name.len() as u8);
            out.extend_from_slice(self.name.as_bytes());
        }
        for &extent in extents {
            put_varint(out, extent);
        }
        if let Some(ScaleLayout { granularity: Granularity::Group(size), .. }) = scales {
            put_varint(out, size);
        }
        if let Format::Codes { codebook, size } = self.format {
            put_varint(out, size);
            out.extend(codebook.iter().flat_map(|codebook| codebook.0));
        }
        out.extend(self.resource.iter().flat_map(|resource| resource.0));
    }

    /// Bytes that [`Self::write`] appends.
    pub(crate) fn len(&self) -> usize {
        let name = if self.name.is_empty() { 0 } else { 1 + self.name.len() };
        let extents: usize = self.shape.extents().iter().map(|&extent| varint_len(extent)).sum();
        let rest = match self.format {
            Format::Numbers(Layout {
                scales: Some(ScaleLayout { granularity: Granularity::Group(size), .. }),
                ..
            }) => varint_len(size),
            Format::Numbers(_) => 0,
            Format::Codes { codebook, size } => varint_len(size) + codebook.map_or(0, |_| 16),
        };
        2 + name + extents + rest + self.resource.map_or(0, |_| 16)
    }
}

fn scale_bits(scales: ScaleLayout) -> u8 {
    let granularity = match scales.granularity {
        Granularity::Row => 0,
        Granularity::Tensor => 1,
        Granularity::Channel => 2,
        Granularity::Group(_) => 3,
    };
    let width = match scales.width {
        ScaleWidth::F16 => 0,
        ScaleWidth::F32 => SCALE_F32_BIT,
    };
    let zero_points = if scales.asymmetric { ASYMMETRIC_BIT } else { 0 };
    granularity << GRANULARITY_SHIFT | width | zero_points
}
