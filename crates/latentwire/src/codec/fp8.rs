//! fp8: OCP FP8 E4M3 (<https://www.opencompute.org/documents/ocp-8-bit-floating-point-specification-ofp8-revision-1-0-2023-12-01-pdf-1>),
//! rounded to nearest even. It has no infinities and two NaNs, which are not written.

#![expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]

use super::simd::widest;
use super::{Number, grow};

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
#[inline(always)]
fn narrow(value: f32) -> u8 {
    let sign = (value.to_bits() >> 24) as u8 & 0x80;
    let magnitude = value.abs();
    let bits = magnitude.to_bits();
    let half_up_to_even = (1 << (DROPPED - 1)) - 1 + ((bits >> DROPPED) & 1);
    let normal = (bits.wrapping_add(half_up_to_even) >> DROPPED).wrapping_sub(REBIAS);
    // Eight steps are the smallest normal number, whose code is 8.
    let small = (magnitude / STEP + ROUNDER).to_bits();
    sign | if magnitude < SMALLEST_NORMAL { small } else { normal } as u8
}

#[inline(always)]
fn widen(code: u8) -> f32 {
    // 2^120: what is missing to the exponent of an f32, for numbers below the normal ones as well.
    const RESCALE: f32 = f32::from_bits((127 + 120) << 23);
    let sign = u32::from(code & 0x80) << 24;
    let magnitude = code & 0x7F;
    let finite = (f32::from_bits(u32::from(magnitude) << DROPPED) * RESCALE).to_bits();
    let found = if magnitude == 0x7F { f32::NAN.to_bits() } else { finite };
    f32::from_bits(found | sign)
}

pub(super) fn write<T: Number>(latents: &[T], out: &mut Vec<u8>) {
    let codes = grow(out, latents.len());
    widest(
        #[inline(always)]
        || {
            for (code, &value) in codes.iter_mut().zip(latents) {
                *code = narrow(value.wide());
            }
        },
    );
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            for (value, &code) in latents.iter_mut().zip(raw) {
                *value = widen(code);
            }
        },
    );
}

pub(super) fn round(latents: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            for value in latents {
                *value = widen(narrow(*value));
            }
        },
    );
}
