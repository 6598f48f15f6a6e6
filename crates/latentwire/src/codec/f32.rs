//! f32: the numbers themselves.

use super::{Number, grow};

pub(super) fn write<T: Number>(latents: &[T], out: &mut Vec<u8>) {
    let raw = grow(out, latents.len() * 4);
    for (bytes, value) in raw.as_chunks_mut().0.iter_mut().zip(latents) {
        *bytes = value.wide().to_le_bytes();
    }
}

pub(super) fn read(raw: &[u8], latents: &mut [f32]) {
    for (value, bytes) in latents.iter_mut().zip(raw.as_chunks().0) {
        *value = f32::from_le_bytes(*bytes);
    }
}
