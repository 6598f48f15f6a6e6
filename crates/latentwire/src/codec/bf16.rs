//! bf16: the upper half of an f32, rounded to nearest even.

#![expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]

use super::simd::widest;
use super::source::{PIECE, Source};
use super::{Encoding, Number, check_finite, grow};
use crate::error::Result;

/// The largest f32 that does not round to infinity.
pub(super) const LARGEST: f32 = f32::from_bits(0x7F7F_7FFF);

/// `value` is finite and at most [`LARGEST`]: neither a NaN's payload nor a carry into infinity
/// has to be thought of.
#[inline(always)]
fn narrow(value: f32) -> u16 {
    let bits = value.to_bits();
    let half_up_to_even = 0x7FFF + ((bits >> 16) & 1);
    (bits.wrapping_add(half_up_to_even) >> 16) as u16
}

#[inline(always)]
fn widen(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

pub(super) fn write<T: Number>(latents: &[T], out: &mut Vec<u8>) {
    let raw = grow(out, latents.len() * 2);
    widest(
        #[inline(always)]
        || {
            for (bytes, &value) in raw.as_chunks_mut().0.iter_mut().zip(latents) {
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

/// Reads a raw payload of bf16 as they are.
pub(super) fn read_exact(source: &mut Source<'_>, numbers: &mut [half::bf16]) -> Result<()> {
    let base = source.base();
    for (index, piece) in numbers.chunks_mut(PIECE).enumerate() {
        let raw = source.take(piece.len() * 2)?;
        for (number, bytes) in piece.iter_mut().zip(raw.as_chunks().0) {
            *number = half::bf16::from_le_bytes(*bytes);
        }
        check_finite(piece, index * PIECE, base, Encoding::Bf16)?;
    }
    Ok(())
}

pub(super) fn round(latents: &mut [f32]) {
    for value in latents {
        *value = widen(narrow(*value));
    }
}
