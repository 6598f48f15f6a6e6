//! bf16: the upper half of an f32, rounded to nearest even.

use super::grow;

/// The largest f32 that does not round to infinity.
pub(super) const LARGEST: f32 = f32::from_bits(0x7F7F_7FFF);

/// `value` is finite and at most [`LARGEST`]: neither a NaN's payload nor a carry into infinity
/// has to be thought of.
fn narrow(value: f32) -> u16 {
    let bits = value.to_bits();
    let half_up_to_even = 0x7FFF + ((bits >> 16) & 1);
    (bits.wrapping_add(half_up_to_even) >> 16) as u16
}

fn widen(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

pub(super) fn write(latents: &[f32], out: &mut Vec<u8>) {
    let raw = grow(out, latents.len() * 2);
    for (bytes, &value) in raw.chunks_exact_mut(2).zip(latents) {
        bytes.copy_from_slice(&narrow(value).to_le_bytes());
    }
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    for (value, bytes) in latents.iter_mut().zip(raw.as_chunks().0) {
        *value = widen(u16::from_le_bytes(*bytes));
    }
}

pub(super) fn round(latents: &mut [f32]) {
    for value in latents {
        *value = widen(narrow(*value));
    }
}
