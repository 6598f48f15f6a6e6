//! f16: IEEE 754 binary16, rounded to nearest even.
//!
//! Written so that the compiler makes vectors of it on every machine: no branches, and what is not
//! finite is the caller's to refuse.

#![expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]

use super::simd::widest;
use super::{Number, grow};

/// The largest f32 that does not round to infinity.
pub(super) const LARGEST: f32 = 65_519.996;

/// The smallest normal number; below it numbers are multiples of 2^-24.
const SMALLEST_NORMAL: f32 = 1.0 / 16_384.0;
/// Its last place is that of the numbers below [`SMALLEST_NORMAL`]: added to one of them it rounds it.
const ROUNDER: f32 = 0.5;
/// Bits of an f32's fraction that ten bits do not have.
const DROPPED: u32 = 13;
/// What the exponent of an f32 is above that of an f16, at its place in an f32.
const REBIAS: u32 = (127 - 15) << 23;
/// The bits of everything that is not finite, without the sign.
const NOT_FINITE: u16 = 0x7C00;

/// `value` is finite and at most [`LARGEST`].
#[inline(always)]
fn narrow(value: f32) -> u16 {
    let sign = (value.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = value.abs();
    let bits = magnitude.to_bits();
    let half_up_to_even = (1 << (DROPPED - 1)) - 1 + ((bits >> DROPPED) & 1);
    let normal = bits.wrapping_sub(REBIAS).wrapping_add(half_up_to_even) >> DROPPED;
    let small = (magnitude + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits());
    sign | if magnitude < SMALLEST_NORMAL { small } else { normal } as u16
}

#[inline(always)]
fn widen(half: u16) -> f32 {
    // 2^112: what is missing to the exponent of an f32, for numbers below the normal ones as well.
    const RESCALE: f32 = f32::from_bits((127 + 112) << 23);
    let sign = u32::from(half & 0x8000) << 16;
    let magnitude = half & 0x7FFF;
    let bits = u32::from(magnitude) << DROPPED;
    let finite = (f32::from_bits(bits) * RESCALE).to_bits();
    let found = if magnitude < NOT_FINITE { finite } else { bits + 2 * REBIAS };
    f32::from_bits(found | sign)
}

pub(super) fn write<T: Number>(latents: &[T], out: &mut Vec<u8>) {
    let raw = grow(out, latents.len() * 2);
    widest(
        #[inline(always)]
        || {
            for (bytes, value) in raw.as_chunks_mut().0.iter_mut().zip(latents) {
                *bytes = narrow(value.wide()).to_le_bytes();
            }
        },
    );
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            for (value, bytes) in latents.iter_mut().zip(raw.as_chunks().0) {
                *value = widen(u16::from_le_bytes(*bytes));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Against an implementation that others made, with and without the processor's own.
    #[test]
    fn conversions_are_those_of_everybody() {
        for bits in 0..=u16::MAX {
            let (found, expected) = (widen(bits), half::f16::from_bits(bits).to_f32());
            assert_eq!(found.is_nan(), expected.is_nan(), "{bits:#06x}");
            assert!(found.is_nan() || found.to_bits() == expected.to_bits(), "{bits:#06x}");
        }
        // Every number that an f16 holds, what lies halfway to the next, and their neighbours.
        for bits in 0..0x7BFF_u16 {
            let number = half::f16::from_bits(bits).to_f32();
            let middle = f32::midpoint(number, half::f16::from_bits(bits + 1).to_f32());
            for near in [number, middle] {
                for value in [near, near.next_down(), near.next_up()] {
                    for value in [value, -value] {
                        let expected = half::f16::from_f32(value).to_bits();
                        assert_eq!(narrow(value), expected, "{value:e}");
                    }
                }
            }
        }
        assert_eq!(narrow(LARGEST), 0x7BFF);
    }
}
