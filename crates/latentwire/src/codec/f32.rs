//! f32: the numbers themselves.

use super::grow;

pub(super) fn write(latents: &[f32], out: &mut Vec<u8>) {
    let raw = grow(out, latents.len() * 4);
    for (bytes, value) in raw.chunks_exact_mut(4).zip(latents) {
        bytes.copy_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    for (value, bytes) in latents.iter_mut().zip(raw.as_chunks().0) {
        *value = f32::from_le_bytes(*bytes);
    }
}
