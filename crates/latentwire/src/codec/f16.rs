//! f16: IEEE 754 binary16, rounded to nearest even.

use half::slice::HalfFloatSliceExt;

use super::grow;

/// The largest f32 that does not round to infinity.
pub(super) const LARGEST: f32 = 65_519.996;

/// Numbers converted at a time: `half` picks the machine's instructions once for each.
const CHUNK: usize = 256;

pub(super) fn write(latents: &[f32], out: &mut Vec<u8>) {
    let raw = grow(out, latents.len() * 2);
    let mut buffer = [half::f16::ZERO; CHUNK];
    for (bytes, values) in raw.chunks_mut(CHUNK * 2).zip(latents.chunks(CHUNK)) {
        let Some(halves) = buffer.get_mut(..values.len()) else { return };
        halves.convert_from_f32_slice(values);
        for (pair, half) in bytes.chunks_exact_mut(2).zip(halves) {
            pair.copy_from_slice(&half.to_le_bytes());
        }
    }
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    let mut buffer = [half::f16::ZERO; CHUNK];
    for (bytes, values) in raw.chunks(CHUNK * 2).zip(latents.chunks_mut(CHUNK)) {
        let Some(halves) = buffer.get_mut(..values.len()) else { return };
        for (half, pair) in halves.iter_mut().zip(bytes.as_chunks().0) {
            *half = half::f16::from_le_bytes(*pair);
        }
        halves.convert_to_f32_slice(values);
    }
}

pub(super) fn round(latents: &mut [f32]) {
    let mut buffer = [half::f16::ZERO; CHUNK];
    for values in latents.chunks_mut(CHUNK) {
        let Some(halves) = buffer.get_mut(..values.len()) else { return };
        halves.convert_from_f32_slice(values);
        halves.convert_to_f32_slice(values);
    }
}
