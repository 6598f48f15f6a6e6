//! Payload codecs: latents as finite `f32` to bytes and back, one encoding a file.
//!
//! A codec sees rows of numbers and a payload, and knows neither packets nor versions.

mod bf16;
pub(crate) mod codes;
mod f16;
mod f32;
mod fp8;
#[cfg(feature = "zstd")]
mod frame;
mod grid;
mod layout;
pub(crate) mod lossless;
mod number;
mod packing;
mod quantized;
mod rows;
mod scales;
mod simd;
mod source;
mod symbols;
mod waiting;

pub(crate) use codes::index_bits;
pub(crate) use layout::packed_len;
pub use layout::{Encoding, Granularity, Layout, ScaleLayout, ScaleWidth};
pub(crate) use number::Number;
pub(crate) use source::Source;
pub(crate) use symbols::Symbols;

use self::grid::Grid;
use self::quantized::Quantized;
use self::source::PIECE;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Shape;

/// How numbers are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Choice {
    pub(crate) encoding: Encoding,
    pub(crate) granularity: Granularity,
    pub(crate) asymmetric: bool,
}

impl Choice {
    /// An encoding with scales by row, symmetric.
    pub(crate) const fn plain(encoding: Encoding) -> Self {
        Self { encoding, granularity: Granularity::Row, asymmetric: false }
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
    /// One zstd frame that needs a dictionary.
    ZstdDictionary,
    /// Codes under an entropy coder, whose models both ends have.
    Entropy,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Stored, Self::Zstd, Self::ZstdDictionary, Self::Entropy];
    pub(crate) const CODES: &str =
        "0 (stored), 1 (zstd), 2 (zstd with a dictionary) or 3 (entropy)";

    /// The name used in text: `none`, `zstd`, `zstd-dictionary` or `entropy`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "none",
            Self::Zstd => "zstd",
            Self::ZstdDictionary => "zstd-dictionary",
            Self::Entropy => "entropy",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
            Self::ZstdDictionary => 2,
            Self::Entropy => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// Whether it is undone with something that a packet names and does not carry.
    #[must_use]
    pub const fn needs_resource(self) -> bool {
        matches!(self, Self::ZstdDictionary | Self::Entropy)
    }
}

/// Latents that have been checked for an encoding and can be written without a failure.
pub(crate) enum Plan {
    F32,
    F16,
    Bf16,
    Fp8,
    Quantized(Encoding, Quantized),
}

/// Checks that `latents` can be written, and finds their scales.
pub(crate) fn plan<T: Number>(choice: Choice, latents: &[T], shape: &Shape) -> Result<Plan> {
    let Choice { encoding, granularity, asymmetric } = choice;
    if let Granularity::Group(size) = granularity
        && !is_group(size, shape.row_len())
    {
        let expected = format!("a part of {}, the length of a row", shape.row_len());
        return Err(Error::nowhere(ErrorKind::MessageGroup, expected, size.to_string()));
    }
    if encoding.has_scales() {
        let Some(grid) = Grid::of(encoding, asymmetric) else {
            let expected = "an encoding with zero points: int8, int4 or int2";
            return Err(Error::nowhere(ErrorKind::MessageLayout, expected, encoding.name()));
        };
        return Quantized::plan(latents, shape, grid, encoding.bits(), granularity)
            .map(|quantized| Plan::Quantized(encoding, quantized));
    }
    if asymmetric || granularity != Granularity::Row {
        let expected = "an encoding with scales: int8, int4, int2 or sign";
        return Err(Error::nowhere(ErrorKind::MessageLayout, expected, encoding.name()));
    }
    let (largest, plan) = match encoding {
        Encoding::F16 => (f16::LARGEST, Plan::F16),
        Encoding::Bf16 => (bf16::LARGEST, Plan::Bf16),
        Encoding::Fp8 => (fp8::LARGEST, Plan::Fp8),
        _ => (f32::MAX, Plan::F32),
    };
    check_magnitude(latents, largest).map(|()| plan)
}

/// How many different codes an encoding has; `None` if it has none.
pub(crate) fn alphabet(encoding: Encoding, asymmetric: bool) -> Option<usize> {
    Grid::of(encoding, asymmetric).map(|grid| grid.alphabet().into())
}

/// Whether rows of `row_len` can have a scale for every `size` numbers. A group as long as the row
/// would be a second way to write scales by row.
pub(crate) fn is_group(size: u32, row_len: u32) -> bool {
    size > 0 && size < row_len && row_len.is_multiple_of(size)
}

impl Plan {
    pub(crate) fn layout(&self) -> Layout {
        let (encoding, scales) = match self {
            Self::F32 => (Encoding::F32, None),
            Self::F16 => (Encoding::F16, None),
            Self::Bf16 => (Encoding::Bf16, None),
            Self::Fp8 => (Encoding::Fp8, None),
            Self::Quantized(encoding, quantized) => (*encoding, Some(quantized.scale_layout())),
        };
        Layout { encoding, scales }
    }

    /// Appends the payload of the latents that this plan was made for.
    pub(crate) fn write<T: Number>(&self, latents: &[T], row_len: usize, out: &mut Vec<u8>) {
        match self {
            Self::F32 => f32::write(latents, out),
            Self::F16 => f16::write(latents, out),
            Self::Bf16 => bf16::write(latents, out),
            Self::Fp8 => fp8::write(latents, out),
            Self::Quantized(_, quantized) => quantized.write(latents, row_len, out),
        }
    }
}

/// Reads a raw payload into the place of its numbers, of which the caller has made as many as the
/// shape says.
pub(crate) fn read(
    layout: Layout,
    shape: &Shape,
    source: &mut Source<'_>,
    latents: &mut [f32],
) -> Result<()> {
    let grid = layout.scales.and_then(|scales| Grid::of(layout.encoding, scales.asymmetric));
    let found = match (layout.scales, grid) {
        (Some(scales), Some(grid)) => rows::read(layout, scales, grid, shape, source, latents),
        _ => read_numbers(layout.encoding, source, latents),
    };
    source.finish(found)
}

fn read_numbers(encoding: Encoding, source: &mut Source<'_>, latents: &mut [f32]) -> Result<()> {
    let (base, bytes_each) = (source.base(), encoding.bits() as usize / 8);
    for (index, piece) in latents.chunks_mut(PIECE).enumerate() {
        let raw = source.take(piece.len() * bytes_each)?;
        match encoding {
            Encoding::F16 => f16::read(raw, piece),
            Encoding::Bf16 => bf16::read(raw, piece),
            Encoding::Fp8 => fp8::read(raw, piece),
            _ => f32::read(raw, piece),
        }
        check_finite(piece, index * PIECE, base, encoding)?;
    }
    Ok(())
}

/// Reads a raw payload in bf16 as it is.
pub(crate) fn read_bf16(source: &mut Source<'_>, numbers: &mut [half::bf16]) -> Result<()> {
    let found = bf16::read_exact(source, numbers);
    source.finish(found)
}

/// Refuses numbers that no writer writes; they begin with number `first` of a payload at `base`.
pub(crate) fn check_finite<T: Number>(
    numbers: &[T],
    first: usize,
    base: Option<usize>,
    encoding: Encoding,
) -> Result<()> {
    let Some(index) = first_not_finite(numbers) else { return Ok(()) };
    let at = (first + index).saturating_mul(encoding.bits() as usize / 8);
    let found = numbers.get(index).map_or(f32::NAN, |number| number.wide()).to_string();
    Err(fault(ErrorKind::LatentsValue, base, at, "a finite number", found))
}

/// The raw payload of the first rows of `raw`, a whole one: `kept` is `shape` with a smaller first
/// extent. Scales may fit a narrower width without the rows that are gone.
pub(crate) fn first_rows(
    layout: Layout,
    shape: &Shape,
    kept: &Shape,
    raw: &[u8],
) -> (Layout, Vec<u8>) {
    let codes_len = (kept.num_rows() * layout.row_bytes(kept)) as usize;
    let (scales, codes) =
        raw.split_at_checked(layout.scale_bytes(shape) as usize).unwrap_or_default();
    let codes = codes.get(..codes_len).unwrap_or_default();
    let Some(scale_layout) = layout.scales else {
        return (layout, codes.to_vec());
    };
    let (all, count) =
        (scale_layout.granularity.num_scales(shape), scale_layout.granularity.num_scales(kept));
    let (scale_layout, mut out) = scales::first(scale_layout, all as usize, count as usize, scales);
    out.extend_from_slice(codes);
    (Layout { scales: Some(scale_layout), ..layout }, out)
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
    if latents.is_empty() {
        return Ok(());
    }
    let shape = Shape::new(&[latents.len() / row_len, row_len])?;
    match plan(Choice::plain(encoding), latents, &shape)? {
        Plan::F32 => {}
        Plan::F16 => f16::round(latents),
        Plan::Bf16 => bf16::round(latents),
        Plan::Fp8 => fp8::round(latents),
        Plan::Quantized(_, quantized) => quantized.round(latents, row_len),
    }
    Ok(())
}

/// The bits of a number without its sign: they order magnitudes as integers, and everything from
/// [`NOT_FINITE`] up is an infinity or no number. Integers reduce in SIMD where floats may not.
#[inline]
fn magnitude_bits(value: f32) -> u32 {
    value.to_bits() & 0x7FFF_FFFF
}

const NOT_FINITE: u32 = 0x7F80_0000;

/// The largest magnitude of `values`, as bits.
#[expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]
#[inline(always)]
fn max_magnitude_bits<T: Number>(values: &[T]) -> u32 {
    // Compared as i32: baseline x86-64 has no unsigned 32-bit maximum, and no sign is left.
    values.iter().fold(0_i32, |max, &value| max.max(magnitude_bits(value.wide()) as i32)) as u32
}

fn first_not_finite<T: Number>(values: &[T]) -> Option<usize> {
    let largest = simd::widest(
        #[inline(always)]
        || max_magnitude_bits(values),
    );
    if largest < NOT_FINITE {
        None
    } else {
        values.iter().position(|value| !value.wide().is_finite())
    }
}

/// Refuses numbers that are not finite or beyond `largest`.
fn check_magnitude<T: Number>(latents: &[T], largest: f32) -> Result<()> {
    let found = simd::widest(
        #[inline(always)]
        || max_magnitude_bits(latents),
    );
    if found <= largest.to_bits() { Ok(()) } else { Err(refuse_latents(latents, largest)) }
}

/// The error for the first of `latents` that is not finite or, if all are, beyond `largest`.
#[cold]
fn refuse_latents<T: Number>(latents: &[T], largest: f32) -> Error {
    let numbers = || latents.iter().map(|value| value.wide()).enumerate();
    let culprit = numbers()
        .find(|(_, value)| !value.is_finite())
        .or_else(|| numbers().find(|(_, value)| value.abs() > largest));
    let (index, value) = culprit.unwrap_or((0, f32::NAN));
    let found = format!("{value:e} at element {index}");
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
