//! Scales: found from numbers, and written.
//!
//! A scale has at most 11 significant bits, the precision of an f16, and times the largest level it
//! is finite. So both widths hold the same scales, every level times its scale is exact, and two
//! bytes a scale are saved where the numbers are of ordinary size. A scale that is made from a
//! largest magnitude is rounded *up*: no number is clipped, at a step at most 0.1% wider.

#![expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]

use super::grid::Grid;
use super::layout::{Granularity, ScaleLayout, ScaleWidth};
use super::simd::widest;
use super::{Number, max_magnitude_bits, refuse_latents};
use crate::error::Result;
use crate::message::Shape;

/// Bits of an f32's significand that a scale does not have: 24 - 11.
pub(super) const DROPPED_BITS: u32 = 0x1FFF;
/// The scales that an f16 holds without losing a bit: its normal numbers.
const F16_SCALES: std::ops::RangeInclusive<f32> = 6.103_515_6e-5..=65_504.0;
/// Numbers whose magnitudes are added up side by side. Fixed, since sums of floats depend on it.
const LANES: usize = 8;

/// The scales of a tensor, and the zero points beside them.
pub(crate) struct Scales {
    pub(super) values: Vec<f32>,
    pub(super) zeros: Vec<u8>,
    pub(super) layout: ScaleLayout,
}

impl Scales {
    /// Finds the scales of numbers.
    pub(super) fn of<T: Number>(
        latents: &[T],
        shape: &Shape,
        grid: Grid,
        granularity: Granularity,
    ) -> Result<Self> {
        let asymmetric = matches!(grid, Grid::Shifted { .. });
        let count = granularity.num_scales(shape) as usize;
        let mut scales = Self {
            values: Vec::with_capacity(count),
            zeros: Vec::with_capacity(if asymmetric { count } else { 0 }),
            layout: ScaleLayout { width: ScaleWidth::F16, granularity, asymmetric },
        };
        let are_within_reach = widest(
            #[inline(always)]
            || scales.find(latents, shape.row_len() as usize, grid),
        );
        if !are_within_reach {
            return Err(refuse_latents(latents, largest_magnitude(grid)));
        }
        scales.layout.width = narrowest(&scales.values);
        Ok(scales)
    }

    /// Finds all scales, unless a number is too large or not finite.
    #[inline(always)]
    fn find<T: Number>(&mut self, latents: &[T], row_len: usize, grid: Grid) -> bool {
        let len = match self.layout.granularity {
            Granularity::Row => row_len,
            Granularity::Tensor => latents.len(),
            Granularity::Group(size) => size as usize,
            Granularity::Channel => {
                let mut channel: Vec<T> = Vec::with_capacity(latents.len() / row_len);
                for index in 0..row_len {
                    channel.clear();
                    channel.extend(latents.iter().skip(index).step_by(row_len));
                    if !self.push(&channel, grid) {
                        return false;
                    }
                }
                return true;
            }
        };
        for block in latents.chunks_exact(len) {
            if !self.push(block, grid) {
                return false;
            }
        }
        true
    }

    #[inline(always)]
    fn push<T: Number>(&mut self, block: &[T], grid: Grid) -> bool {
        let Some((scale, zero)) = scale_of(block, grid) else { return false };
        self.values.push(scale);
        if self.layout.asymmetric {
            self.zeros.push(zero);
        }
        true
    }

    /// Appends the scales, then the zero points.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for &scale in &self.values {
            match self.layout.width {
                ScaleWidth::F16 => out.extend(narrow(scale).to_le_bytes()),
                ScaleWidth::F32 => out.extend(scale.to_le_bytes()),
            }
        }
        out.extend_from_slice(&self.zeros);
    }
}

/// The first `count` of `all` scales and zero points, as they stand; they may fit a narrower width
/// without the others.
pub(super) fn first(
    layout: ScaleLayout,
    all: usize,
    count: usize,
    raw: &[u8],
) -> (ScaleLayout, Vec<u8>) {
    let bytes = layout.width.bytes();
    let (scales, zeros) = raw.split_at_checked(all * bytes).unwrap_or_default();
    let scales = scales.get(..count * bytes).unwrap_or_default();
    let zeros = zeros.get(..count.min(zeros.len())).unwrap_or_default();
    let wide = scales.as_chunks().0.iter().map(|raw| f32::from_le_bytes(*raw));
    if layout.width == ScaleWidth::F16 || !wide.clone().all(is_narrow) {
        return (layout, [scales, zeros].concat());
    }
    let narrowed = wide.flat_map(|scale| narrow(scale).to_le_bytes());
    let layout = ScaleLayout { width: ScaleWidth::F16, ..layout };
    (layout, narrowed.chain(zeros.iter().copied()).collect())
}

/// The narrowest width that holds all of `scales`.
pub(super) fn narrowest(scales: &[f32]) -> ScaleWidth {
    if scales.iter().copied().all(is_narrow) { ScaleWidth::F16 } else { ScaleWidth::F32 }
}

pub(super) fn is_narrow(scale: f32) -> bool {
    scale.to_bits() == 0 || (F16_SCALES.contains(&scale) && scale.to_bits() & DROPPED_BITS == 0)
}

/// The scale of a block and its zero point; `None` if a number is too large or not finite.
#[inline(always)]
fn scale_of<T: Number>(block: &[T], grid: Grid) -> Option<(f32, u8)> {
    let magnitude = max_magnitude_bits(block);
    if magnitude > largest_magnitude(grid).to_bits() {
        return None;
    }
    Some(match grid {
        Grid::Sign => (mean_magnitude(block), 0),
        Grid::Shifted { top } => span(block, top),
        _ => (up(f32::from_bits(magnitude) / f32::from(grid.top())), 0),
    })
}

/// Rounds up to 11 bits; zero if the result would not be a normal number, since those are not the
/// same on every machine.
#[inline(always)]
fn up(scale: f32) -> f32 {
    if scale < f32::MIN_POSITIVE {
        return 0.0;
    }
    f32::from_bits((scale.to_bits() + DROPPED_BITS) & !DROPPED_BITS)
}

/// The mean magnitude of a block, to 11 bits: among all scales the one whose signs are nearest.
#[inline(always)]
fn mean_magnitude<T: Number>(block: &[T]) -> f32 {
    let mut sums = [0.0_f64; LANES];
    for lanes in block.chunks(LANES) {
        for (sum, &value) in sums.iter_mut().zip(lanes) {
            *sum += f64::from(value.wide().abs());
        }
    }
    let mean = (sums.iter().sum::<f64>() / block.len() as f64) as f32;
    if mean < f32::MIN_POSITIVE {
        return 0.0;
    }
    let half_up_to_even = (DROPPED_BITS >> 1) + ((mean.to_bits() >> 13) & 1);
    f32::from_bits((mean.to_bits() + half_up_to_even) & !DROPPED_BITS)
}

/// The scale and the zero point that span a block, zero included.
#[inline(always)]
fn span<T: Number>(block: &[T], top: u8) -> (f32, u8) {
    let numbers = block.iter().map(|value| value.wide());
    let (low, high) = numbers.fold((0.0_f32, 0.0_f32), |(low, high), x| (low.min(x), high.max(x)));
    let steps = f32::from(top);
    let scale = up(high / steps - low / steps);
    if scale == 0.0 {
        return (0.0, 0);
    }
    // Neither sign nor size can leave 0 to `top`: -low / scale is within it.
    let zero = (-low * (1.0 / scale)).round_ties_even();
    (scale, zero.min(steps) as u8)
}

/// The largest scale whose product with the largest level is finite.
#[inline(always)]
pub(super) fn largest_scale(grid: Grid) -> f32 {
    f32::from_bits((f32::MAX / f32::from(grid.top())).to_bits() & !DROPPED_BITS)
}

/// The largest number that can be written: it has the largest scale. A span has two ends.
#[inline(always)]
fn largest_magnitude(grid: Grid) -> f32 {
    let whole = largest_scale(grid) * f32::from(grid.top());
    if matches!(grid, Grid::Shifted { .. }) { whole / 2.0 } else { whole }
}

/// What turns an f16 scale's exponent into that of an f32.
const REBIAS: u32 = (127 - 15) << 23;

/// The scale in an f16, if a writer writes it: zero or a positive normal number.
pub(super) fn widen(half: u16) -> Option<f32> {
    match half {
        0 => Some(0.0),
        0x0400..0x7C00 => Some(f32::from_bits((u32::from(half) << 13) + REBIAS)),
        _ => None,
    }
}

/// The f16 that holds a narrow scale.
fn narrow(scale: f32) -> u16 {
    if scale == 0.0 { 0 } else { ((scale.to_bits() - REBIAS) >> 13) as u16 }
}
