//! Scales as they are read: everything is refused that no writer makes.
//!
//! Scales stand before the codes, and there may be as many of them as numbers. So that reading takes
//! no memory for them, each waits for its codes where the first of its numbers will stand, with its
//! zero point in the bits of an f32 that a scale does not have.

use super::fault;
use super::grid::Grid;
use super::layout::{Granularity, ScaleLayout, ScaleWidth};
use super::scales::{DROPPED_BITS, is_narrow, largest_scale, widen};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Shape;

/// Scales that have been read, and their zero points: one of the whole tensor, or many that wait in
/// the place of the numbers.
pub(super) struct Waiting {
    pub(super) whole: (f32, u8),
    width_fault: Option<Error>,
}

/// Scales read at a time.
const CHUNK: usize = 256;

/// Reads scales and zero points from the front of `source`, to wait in `latents`.
pub(super) fn read(
    layout: ScaleLayout,
    grid: Grid,
    shape: &Shape,
    source: &mut Source<'_>,
    latents: &mut [f32],
) -> Result<Waiting> {
    let ScaleLayout { width, granularity, asymmetric } = layout;
    let (bytes, base) = (width.bytes(), source.base());
    let count = granularity.num_scales(shape) as usize;
    let largest = largest_scale(grid);
    let mut are_narrow = true;
    for first in (0..count).step_by(CHUNK) {
        let chunk = source.take(CHUNK.min(count - first) * bytes)?;
        let places = places(granularity, shape, latents, first);
        let fault_at = match width {
            ScaleWidth::F16 => {
                put(chunk.as_chunks().0, places, |raw| widen(u16::from_le_bytes(raw)))
            }
            ScaleWidth::F32 => put(chunk.as_chunks().0, places, |raw| {
                let scale = f32::from_le_bytes(raw);
                are_narrow &= is_narrow(scale);
                let is_usable = scale.is_normal() && scale > 0.0 && scale <= largest;
                let is_short = scale.to_bits() & DROPPED_BITS == 0;
                (scale.to_bits() == 0 || (is_usable && is_short)).then_some(scale)
            }),
        };
        if let Some(index) = fault_at {
            let raw = chunk.get(index * bytes..(index + 1) * bytes).unwrap_or_default();
            let expected = "zero or a positive normal number of 11 bits, finite times the largest \
                            code";
            let (at, found) = ((first + index) * bytes, format!("bytes {raw:02x?}"));
            return Err(fault(ErrorKind::LatentsScale, base, at, expected, found));
        }
    }
    for first in (0..if asymmetric { count } else { 0 }).step_by(CHUNK) {
        let chunk = source.take(CHUNK.min(count - first))?;
        let places = places(granularity, shape, latents, first);
        for (index, (&zero, place)) in chunk.iter().zip(places).enumerate() {
            let top = if *place == 0.0 { 0 } else { grid.top() };
            if zero > top {
                let at = count * bytes + first + index;
                let (expected, found) = (format!("at most {top}"), zero.to_string());
                return Err(fault(ErrorKind::LatentsZeroPoint, base, at, expected, found));
            }
            *place = f32::from_bits(place.to_bits() | u32::from(zero));
        }
    }
    let is_too_wide = width == ScaleWidth::F32 && are_narrow;
    let width_fault = is_too_wide.then(|| {
        let expected = "scales in f16, which holds all of them";
        fault(ErrorKind::LatentsScale, base, 0, expected, "scales in f32")
    });
    Ok(Waiting { whole: latents.first().copied().map_or((0.0, 0), taken), width_fault })
}

impl Waiting {
    /// Refuses wide scales that narrow ones could have held: a second way to write.
    pub(super) fn check_width(self) -> Result<()> {
        self.width_fault.map_or(Ok(()), Err)
    }
}

/// Puts scales where they wait, and gives the index of one that no writer writes.
fn put<'a, const N: usize>(
    raw: &[[u8; N]],
    places: impl Iterator<Item = &'a mut f32>,
    mut read: impl FnMut([u8; N]) -> Option<f32>,
) -> Option<usize> {
    for (index, (raw, place)) in raw.iter().zip(places).enumerate() {
        let Some(scale) = read(*raw) else { return Some(index) };
        *place = scale;
    }
    None
}

/// Where scales wait, from scale `first` on.
fn places<'a>(
    granularity: Granularity,
    shape: &Shape,
    latents: &'a mut [f32],
    first: usize,
) -> impl Iterator<Item = &'a mut f32> {
    let row_len = shape.row_len() as usize;
    let (start, step) = match granularity {
        Granularity::Row => (first * row_len, row_len),
        Granularity::Tensor => (0, row_len),
        // Every row needs them: they wait in the last one.
        Granularity::Channel => (latents.len().saturating_sub(row_len) + first, 1),
        Granularity::Group(size) => (first * size as usize, size as usize),
    };
    latents.get_mut(start..).unwrap_or_default().iter_mut().step_by(step.max(1))
}

/// The scale and the zero point that wait in a place.
#[inline]
pub(super) fn taken(waiting: f32) -> (f32, u8) {
    let bits = waiting.to_bits();
    (f32::from_bits(bits & !DROPPED_BITS), bits as u8)
}
