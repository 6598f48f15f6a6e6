//! Payload codecs: latents as finite `f32` to bytes and back, one encoding a file.
//!
//! A codec sees rows of numbers and a payload, and knows neither packets nor versions.

mod bf16;
mod f16;
mod f32;
mod int8;
pub(crate) mod lossless;

use crate::error::{Error, ErrorKind, Result};
use crate::message::Shape;

/// How the numbers of a payload are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// IEEE 754 binary32. Exact.
    F32,
    /// IEEE 754 binary16, rounded to nearest even.
    F16,
    /// The upper half of a binary32, rounded to nearest even.
    Bf16,
    /// Integers from -127 to 127 and one scale a row.
    Int8,
}

impl Encoding {
    /// Every encoding that this crate reads and writes.
    pub const ALL: &[Self] = &[Self::F32, Self::F16, Self::Bf16, Self::Int8];
    pub(crate) const CODES: &str = "1 (f32), 2 (f16), 3 (bf16) or 4 (int8)";

    /// The name used in text, for example `int8`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// The encoding of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.name() == name)
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::F32 => 1,
            Self::F16 => 2,
            Self::Bf16 => 3,
            Self::Int8 => 4,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.code() == code)
    }

    pub(crate) const fn has_scales(self) -> bool {
        matches!(self, Self::Int8)
    }

    const fn bytes_per_element(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Int8 => 1,
        }
    }
}

/// How wide a scale is written. Both hold 11 significant bits; the wide one reaches further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScaleWidth {
    /// Two bytes.
    F16,
    /// Four bytes.
    F32,
}

impl ScaleWidth {
    const fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// The lossless stage over a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The payload stands as it is.
    Stored,
    /// One zstd frame.
    Zstd,
}

impl Stage {
    pub(crate) const CODES: &str = "0 (stored) or 1 (zstd)";

    /// The name used in text: `none` or `zstd`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "none",
            Self::Zstd => "zstd",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Stored, Self::Zstd].into_iter().find(|stage| stage.code() == code)
    }
}

/// What it takes to read a payload, beside its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// How numbers are written.
    pub encoding: Encoding,
    /// How wide the scales are; `None` if the encoding has none.
    pub scales: Option<ScaleWidth>,
}

impl Layout {
    /// Bytes of the payload before its lossless stage. Saturates; limits come first.
    pub(crate) fn raw_len(self, shape: &Shape) -> u64 {
        let scale_bytes = self.scales.map_or(0, ScaleWidth::bytes) as u64;
        let scales = shape.num_rows().saturating_mul(scale_bytes);
        let values = shape.num_elements().saturating_mul(self.encoding.bytes_per_element());
        scales.saturating_add(values)
    }
}

/// Latents that have been checked for an encoding and can be written without a failure.
pub(crate) enum Plan {
    F32,
    F16,
    Bf16,
    Int8(int8::Scales),
}

/// Checks that `latents` can be written, and finds their scales.
pub(crate) fn plan(encoding: Encoding, latents: &[f32], row_len: usize) -> Result<Plan> {
    match encoding {
        Encoding::F32 => check_magnitude(latents, f32::MAX).map(|()| Plan::F32),
        Encoding::F16 => check_magnitude(latents, f16::LARGEST).map(|()| Plan::F16),
        Encoding::Bf16 => check_magnitude(latents, bf16::LARGEST).map(|()| Plan::Bf16),
        Encoding::Int8 => int8::Scales::of(latents, row_len).map(Plan::Int8),
    }
}

impl Plan {
    pub(crate) fn layout(&self) -> Layout {
        let (encoding, scales) = match self {
            Self::F32 => (Encoding::F32, None),
            Self::F16 => (Encoding::F16, None),
            Self::Bf16 => (Encoding::Bf16, None),
            Self::Int8(scales) => (Encoding::Int8, Some(scales.width())),
        };
        Layout { encoding, scales }
    }

    /// Appends the payload of the latents that this plan was made for.
    pub(crate) fn write(&self, latents: &[f32], row_len: usize, out: &mut Vec<u8>) {
        match self {
            Self::F32 => f32::write(latents, out),
            Self::F16 => f16::write(latents, out),
            Self::Bf16 => bf16::write(latents, out),
            Self::Int8(scales) => int8::write(scales, latents, row_len, out),
        }
    }
}

/// Reads a raw payload that has the length of its layout and shape, which the caller has held
/// against the limits. `base` is where it lies in the packet, if it lies there.
pub(crate) fn decode(
    layout: Layout,
    shape: &Shape,
    raw: &[u8],
    base: Option<usize>,
) -> Result<Vec<f32>> {
    if raw.len() as u64 != layout.raw_len(shape) {
        let expected = format!("{} bytes", layout.raw_len(shape));
        let found = raw.len().to_string();
        return Err(fault(ErrorKind::LatentsLength, base, 0, expected, found));
    }
    let mut latents = vec![0.0; shape.num_elements() as usize];
    match (layout.encoding, layout.scales) {
        (Encoding::F32, _) => f32::read(raw, &mut latents),
        (Encoding::F16, _) => f16::read(raw, &mut latents),
        (Encoding::Bf16, _) => bf16::read(raw, &mut latents),
        (Encoding::Int8, scales) => {
            let width = scales.unwrap_or(ScaleWidth::F16);
            int8::read(width, raw, shape.row_len() as usize, &mut latents, base)?;
            return Ok(latents);
        }
    }
    match first_not_finite(&latents) {
        None => Ok(latents),
        Some(index) => {
            let at = index.saturating_mul(layout.encoding.bytes_per_element() as usize);
            let found = latents.get(index).map(ToString::to_string).unwrap_or_default();
            Err(fault(ErrorKind::LatentsValue, base, at, "a finite number", found))
        }
    }
}

/// Replaces `latents` by exactly what a receiver would decode, row by row of `row_len` numbers.
///
/// What comes out for a row does not depend on the other rows, so rows of many messages may be
/// given at once. This is the codec itself, not a model of it: training through it trains for
/// what is sent.
///
/// ```
/// let mut row = [0.1, -0.5, 1.0];
/// latentwire::quantize_roundtrip(&mut row, 3, latentwire::Encoding::Int8)?;
/// assert!((row[0] - 0.1).abs() <= 1.0 / 127.0 / 2.0 * 1.001);
/// # Ok::<(), latentwire::Error>(())
/// ```
pub fn quantize_roundtrip(latents: &mut [f32], row_len: usize, encoding: Encoding) -> Result<()> {
    if row_len == 0 || !latents.len().is_multiple_of(row_len) {
        let expected = "whole rows of at least one number";
        let found = format!("{} numbers in rows of {row_len}", latents.len());
        return Err(Error::nowhere(ErrorKind::MessageShape, expected, found));
    }
    match plan(encoding, latents, row_len)? {
        Plan::F32 => {}
        Plan::F16 => f16::round(latents),
        Plan::Bf16 => bf16::round(latents),
        Plan::Int8(scales) => int8::round(&scales, latents, row_len),
    }
    Ok(())
}

/// The bits of a number without its sign: they order magnitudes as integers, and everything from
/// [`NOT_FINITE`] up is an infinity or no number. Integers reduce in SIMD where floats may not.
fn magnitude_bits(value: f32) -> u32 {
    value.to_bits() & 0x7FFF_FFFF
}

const NOT_FINITE: u32 = 0x7F80_0000;

/// The largest magnitude of `values`, as bits.
fn max_magnitude_bits(values: &[f32]) -> u32 {
    // Compared as i32: baseline x86-64 has no unsigned 32-bit maximum, and no sign is left.
    let max = values.iter().fold(0_i32, |max, &value| max.max(magnitude_bits(value) as i32));
    max as u32
}

fn first_not_finite(values: &[f32]) -> Option<usize> {
    if max_magnitude_bits(values) < NOT_FINITE {
        return None;
    }
    values.iter().position(|value| !value.is_finite())
}

/// Refuses numbers that are not finite or beyond `largest`.
fn check_magnitude(latents: &[f32], largest: f32) -> Result<()> {
    if max_magnitude_bits(latents) <= largest.to_bits() {
        return Ok(());
    }
    Err(refuse_latents(latents, 0, largest))
}

/// The error for the first of `latents` that is not finite or beyond `largest`; they begin at
/// element `first` of the message.
#[cold]
fn refuse_latents(latents: &[f32], first: usize, largest: f32) -> Error {
    let culprit = latents
        .iter()
        .enumerate()
        .find(|(_, value)| !value.is_finite())
        .or_else(|| latents.iter().enumerate().find(|(_, value)| value.abs() > largest));
    let (index, value) = culprit.map_or((0, f32::NAN), |(index, &value)| (index, value));
    let found = format!("{value:e} at element {}", first + index);
    if value.is_finite() {
        let expected = format!("magnitudes up to {largest:e}");
        Error::nowhere(ErrorKind::MessageTooLarge, expected, found)
    } else {
        Error::nowhere(ErrorKind::MessageNotFinite, "finite numbers", found)
    }
}

/// A finding at byte `at` of a raw payload.
#[cold]
fn fault(
    kind: ErrorKind,
    base: Option<usize>,
    at: usize,
    expected: impl Into<std::borrow::Cow<'static, str>>,
    found: impl Into<std::borrow::Cow<'static, str>>,
) -> Error {
    match base {
        Some(base) => Error::at(kind, base.saturating_add(at), expected, found),
        None => Error::nowhere(kind, expected, format!("{} in the restored payload", found.into())),
    }
}

/// Grows `out` by `len` bytes and gives them to be written.
fn grow(out: &mut Vec<u8>, len: usize) -> &mut [u8] {
    let start = out.len();
    out.resize(start + len, 0);
    out.get_mut(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
