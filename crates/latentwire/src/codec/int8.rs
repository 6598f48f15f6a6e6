//! int8: a row is its scale times integers from -127 to 127.
//!
//! The scale is the row's largest magnitude over 127, rounded *up* to 11 significant bits, the
//! precision of an f16: at most 0.1% above the best symmetric scale, which costs less than
//! 0.01 dB, and it saves two bytes a row against a full f32. Rounding up means that no number is
//! clipped; quantizing with the rounded scale means that rounding it adds no error of its own;
//! and since both widths hold the same scales, what a row decodes to does not depend on the other
//! rows of its message. Times 127 the scale is still exact, so decoded latents encode to the very
//! bytes they came from.

use super::{NOT_FINITE, ScaleWidth, fault, grow, max_magnitude_bits, refuse_latents};
use crate::error::{ErrorKind, Result};

/// The largest code.
const TOP: u8 = 127;
/// Bits of an f32's significand that a scale does not have: 24 - 11.
const DROPPED_BITS: u32 = 0x1FFF;
/// The largest scale: the last one of 11 bits whose 127-fold is finite.
const LARGEST_SCALE: f32 = f32::from_bits(0x7C01_0000);
/// The largest latent: its row has the largest scale.
const LARGEST: f32 = LARGEST_SCALE * TOP as f32;
const _: () = assert!(LARGEST.is_finite());
/// The scales that an f16 holds without losing a bit: its normal numbers.
const F16_SCALES: std::ops::RangeInclusive<f32> = 6.103_515_6e-5..=65_504.0;
/// 1.5 * 2^23: added to a number of magnitude below 2^22 it rounds it to nearest even, and leaves
/// the integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// The scales of a message's rows.
pub(crate) struct Scales {
    rows: Vec<f32>,
    width: ScaleWidth,
}

impl Scales {
    pub(super) fn of(latents: &[f32], row_len: usize) -> Result<Self> {
        let mut rows = Vec::with_capacity(latents.len() / row_len);
        for (index, row) in latents.chunks_exact(row_len).enumerate() {
            let bits = max_magnitude_bits(row);
            if bits > LARGEST.to_bits() {
                // A NaN or an infinity further on outweighs a number that is only too large.
                let (rest, first) = match bits {
                    NOT_FINITE.. => (row, index * row_len),
                    _ => (latents, 0),
                };
                return Err(refuse_latents(rest, first, LARGEST));
            }
            rows.push(scale_for(f32::from_bits(bits)));
        }
        let all_narrow = rows.iter().copied().all(is_narrow);
        let width = if all_narrow { ScaleWidth::F16 } else { ScaleWidth::F32 };
        Ok(Self { rows, width })
    }

    pub(super) fn width(&self) -> ScaleWidth {
        self.width
    }
}

/// The scale of a row whose largest magnitude is `largest`; zero if it would not be a normal
/// number, since those are not the same on every machine.
fn scale_for(largest: f32) -> f32 {
    let scale = largest / f32::from(TOP);
    if scale < f32::MIN_POSITIVE {
        return 0.0;
    }
    f32::from_bits((scale.to_bits() + DROPPED_BITS) & !DROPPED_BITS)
}

/// What to multiply a row with to get its codes.
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

pub(super) fn write(scales: &Scales, latents: &[f32], row_len: usize, out: &mut Vec<u8>) {
    for &scale in &scales.rows {
        match scales.width {
            ScaleWidth::F16 => out.extend(half::f16::from_f32(scale).to_le_bytes()),
            ScaleWidth::F32 => out.extend(scale.to_le_bytes()),
        }
    }
    let codes = grow(out, latents.len());
    let rows = codes.chunks_exact_mut(row_len).zip(latents.chunks_exact(row_len));
    for ((codes, row), &scale) in rows.zip(&scales.rows) {
        let inverse = inverse(scale);
        for (code, &value) in codes.iter_mut().zip(row) {
            *code = (value * inverse + ROUNDER).to_bits() as u8;
        }
    }
}

pub(super) fn read(
    width: ScaleWidth,
    raw: &[u8],
    row_len: usize,
    latents: &mut [f32],
    base: Option<usize>,
) -> Result<()> {
    let num_rows = latents.len() / row_len;
    let (scales, codes) = raw.split_at_checked(num_rows * width.bytes()).unwrap_or_default();
    let rows = latents.chunks_exact_mut(row_len).zip(codes.chunks_exact(row_len));
    // Wide scales are for messages that need them; elsewhere they would be a second way to write.
    let mut needs_width = width == ScaleWidth::F16;
    for (index, ((row, codes), scale)) in rows.zip(scales.chunks_exact(width.bytes())).enumerate() {
        let scale = read_scale(scale).ok_or_else(|| {
            let expected = "zero or a positive normal number of 11 bits whose 127-fold is finite";
            let found = format!("bytes {scale:02x?}");
            fault(ErrorKind::LatentsScale, base, index * width.bytes(), expected, found)
        })?;
        needs_width |= !is_narrow(scale);
        // One reduction finds a code of -128, a scale larger than its row needs, and codes under
        // a scale of zero: each would be a second way to write a row.
        let largest = codes.iter().fold(0, |max, &code| max.max((code as i8).unsigned_abs()));
        let expected = if scale == 0.0 { 0 } else { TOP };
        if largest != expected {
            let at = scales.len() + index * row_len;
            let (expected, found) = (format!("largest code {expected}"), largest.to_string());
            return Err(fault(ErrorKind::LatentsQuantum, base, at, expected, found));
        }
        for (value, &code) in row.iter_mut().zip(codes) {
            *value = f32::from(code as i8) * scale;
        }
    }
    if needs_width {
        return Ok(());
    }
    let expected = "scales in f16, which holds all of them";
    Err(fault(ErrorKind::LatentsScale, base, 0, expected, "scales in f32"))
}

/// Whether an f16 holds `scale` without losing a bit.
fn is_narrow(scale: f32) -> bool {
    scale == 0.0 || F16_SCALES.contains(&scale)
}

fn read_scale(bytes: &[u8]) -> Option<f32> {
    let (scale, normal) = match *bytes {
        [a, b] => {
            let scale = half::f16::from_le_bytes([a, b]);
            (scale.to_f32(), scale.is_normal())
        }
        [a, b, c, d] => {
            let scale = f32::from_le_bytes([a, b, c, d]);
            (scale, scale.is_normal() && scale.to_bits() & DROPPED_BITS == 0)
        }
        _ => return None,
    };
    let usable = normal && scale > 0.0 && scale <= LARGEST_SCALE;
    (usable || scale.to_bits() == 0).then_some(scale)
}

/// Writing and reading in one, without the bytes between.
pub(super) fn round(scales: &Scales, latents: &mut [f32], row_len: usize) {
    for (row, &scale) in latents.chunks_exact_mut(row_len).zip(&scales.rows) {
        let inverse = inverse(scale);
        for value in row {
            *value = (*value * inverse + ROUNDER - ROUNDER) * scale;
        }
    }
}
