//! fp8: OCP FP8 E4M3 (<https://www.opencompute.org/documents/ocp-8-bit-floating-point-specification-ofp8-revision-1-0-2023-12-01-pdf-1>),
//! rounded to nearest even. It has no infinities and two NaNs, which are not written.

use super::grow;

/// The largest f32 that does not round beyond 448, the largest number of the format.
pub(super) const LARGEST: f32 = 464.0;

/// The smallest normal number; below it numbers are multiples of [`STEP`].
const SMALLEST_NORMAL: f32 = 1.0 / 64.0;
/// The smallest number above zero.
const STEP: f32 = 1.0 / 512.0;
/// 1.5 * 2^23: added to a small number it rounds it to the nearest even integer.
const ROUNDER: f32 = 12_582_912.0;
/// Bits of an f32's fraction that three bits do not have.
const DROPPED: u32 = 20;
/// What the exponent of an f32 is above that of an fp8, at the place it has in an fp8.
const REBIAS: u32 = (127 - 7) << 3;

/// `value` is finite and at most [`LARGEST`].
fn narrow(value: f32) -> u8 {
    let sign = (value.to_bits() >> 24) as u8 & 0x80;
    let magnitude = value.abs();
    if magnitude < SMALLEST_NORMAL {
        // Eight steps are the smallest normal number, whose code is 8.
        return sign | (magnitude / STEP + ROUNDER).to_bits() as u8;
    }
    let bits = magnitude.to_bits();
    let half_up_to_even = (1 << (DROPPED - 1)) - 1 + ((bits >> DROPPED) & 1);
    sign | (((bits + half_up_to_even) >> DROPPED) - REBIAS) as u8
}

/// The number of every code; NaN for `7F` and `FF`.
const NUMBERS: [f32; 256] = {
    let mut numbers = [0.0; 256];
    let mut code = 0_u32;
    while code < 256 {
        let (exponent, fraction) = (code >> 3 & 0xF, code & 0x7);
        let magnitude = match (exponent, fraction) {
            (15, 7) => f32::NAN,
            (0, fraction) => fraction as f32 * STEP,
            _ => f32::from_bits(((code & 0x7F) + REBIAS) << DROPPED),
        };
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            numbers[code as usize] = if code < 128 { magnitude } else { -magnitude };
        }
        code += 1;
    }
    numbers
};

fn widen(code: u8) -> f32 {
    // The table has a place for every u8.
    NUMBERS.get(usize::from(code)).copied().unwrap_or(f32::NAN)
}

pub(super) fn write(latents: &[f32], out: &mut Vec<u8>) {
    for (code, &value) in grow(out, latents.len()).iter_mut().zip(latents) {
        *code = narrow(value);
    }
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    for (value, &code) in latents.iter_mut().zip(raw) {
        *value = widen(code);
    }
}

pub(super) fn round(latents: &mut [f32]) {
    for value in latents {
        *value = widen(narrow(*value));
    }
}
