//! Scales: found from numbers, written, and read back with everything refused that no writer makes.
//!
//! A scale has at most 11 significant bits, the precision of an f16, and times the largest level it
//! is finite. So both widths hold the same scales, every level times its scale is exact, and two
//! bytes a scale are saved where the numbers are of ordinary size. A scale that is made from a
//! largest magnitude is rounded *up*: no number is clipped, at a step at most 0.1% wider.

use super::grid::Grid;
use super::layout::{Granularity, ScaleLayout, ScaleWidth};
use super::{fault, max_magnitude_bits, refuse_latents};
use crate::error::{ErrorKind, Result};
use crate::message::Shape;

/// Bits of an f32's significand that a scale does not have: 24 - 11.
const DROPPED_BITS: u32 = 0x1FFF;
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
    pub(super) fn of(
        latents: &[f32],
        shape: &Shape,
        grid: Grid,
        granularity: Granularity,
    ) -> Result<Self> {
        let asymmetric = matches!(grid, Grid::Shifted { .. });
        let count = granularity.num_scales(shape) as usize;
        let mut values = Vec::with_capacity(count);
        let mut zeros = Vec::with_capacity(if asymmetric { count } else { 0 });
        let largest = largest_magnitude(grid);
        let mut add = |block: &[f32]| {
            let magnitude = max_magnitude_bits(block);
            if magnitude > largest.to_bits() {
                return Err(refuse_latents(latents, largest));
            }
            values.push(match grid {
                Grid::Sign => mean_magnitude(block),
                Grid::Shifted { top } => {
                    let (scale, zero) = span(block, top);
                    zeros.push(zero);
                    scale
                }
                _ => up(f32::from_bits(magnitude) / f32::from(grid.top())),
            });
            Ok(())
        };
        let row_len = shape.row_len() as usize;
        match granularity {
            Granularity::Row => latents.chunks_exact(row_len).try_for_each(add)?,
            Granularity::Tensor => add(latents)?,
            Granularity::Group(size) => {
                latents.chunks_exact(size as usize).try_for_each(add)?;
            }
            Granularity::Channel => {
                let mut channel = Vec::with_capacity(latents.len() / row_len);
                for index in 0..row_len {
                    channel.clear();
                    channel.extend(latents.iter().skip(index).step_by(row_len));
                    add(&channel)?;
                }
            }
        }
        let width = narrowest(&values);
        Ok(Self { values, zeros, layout: ScaleLayout { width, granularity, asymmetric } })
    }

    /// Appends the scales, then the zero points.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for &scale in &self.values {
            match self.layout.width {
                ScaleWidth::F16 => out.extend(half::f16::from_f32(scale).to_le_bytes()),
                ScaleWidth::F32 => out.extend(scale.to_le_bytes()),
            }
        }
        out.extend_from_slice(&self.zeros);
    }

    /// Reads scales and zero points, which fill `raw`; it begins a payload at `base`.
    pub(super) fn read(
        layout: ScaleLayout,
        grid: Grid,
        raw: &[u8],
        count: usize,
        base: Option<usize>,
    ) -> Result<Self> {
        let bytes = layout.width.bytes();
        let (scales, zeros) = raw.split_at_checked(count * bytes).unwrap_or_default();
        let largest = largest_scale(grid);
        let mut values = Vec::with_capacity(count);
        for (index, scale) in scales.chunks_exact(bytes).enumerate() {
            values.push(read_scale(scale, largest).ok_or_else(|| {
                let expected = "zero or a positive normal number of 11 bits, finite times the \
                                largest code";
                let found = format!("bytes {scale:02x?}");
                fault(ErrorKind::LatentsScale, base, index * bytes, expected, found)
            })?);
        }
        for (index, (&zero, &scale)) in zeros.iter().zip(&values).enumerate() {
            let top = if scale == 0.0 { 0 } else { grid.top() };
            if zero > top {
                let at = scales.len() + index;
                let (expected, found) = (format!("at most {top}"), zero.to_string());
                return Err(fault(ErrorKind::LatentsZeroPoint, base, at, expected, found));
            }
        }
        Ok(Self { values, zeros: zeros.to_vec(), layout })
    }

    /// Refuses wide scales that narrow ones could have held: a second way to write.
    pub(super) fn check_width(&self, base: Option<usize>) -> Result<()> {
        if self.layout.width == narrowest(&self.values) {
            return Ok(());
        }
        let expected = "scales in f16, which holds all of them";
        Err(fault(ErrorKind::LatentsScale, base, 0, expected, "scales in f32"))
    }
}

/// The first `count` of `all` scales and zero points, which were checked when they were written; they
/// may fit a narrower width without the others.
pub(super) fn first(
    layout: ScaleLayout,
    all: usize,
    count: usize,
    raw: &[u8],
) -> (ScaleLayout, Vec<u8>) {
    let bytes = layout.width.bytes();
    let (scales, zeros) = raw.split_at_checked(all * bytes).unwrap_or_default();
    let scales = scales.get(..count * bytes).unwrap_or_default();
    let values: Vec<f32> = scales.chunks_exact(bytes).map(scale_of).collect();
    let zeros = zeros.get(..count.min(zeros.len())).unwrap_or_default().to_vec();
    let layout = ScaleLayout { width: narrowest(&values), ..layout };
    let mut out = Vec::new();
    Scales { values, zeros, layout }.write(&mut out);
    (layout, out)
}

/// The narrowest width that holds all of `scales`.
pub(super) fn narrowest(scales: &[f32]) -> ScaleWidth {
    let is_narrow = |scale: f32| scale == 0.0 || F16_SCALES.contains(&scale);
    if scales.iter().copied().all(is_narrow) { ScaleWidth::F16 } else { ScaleWidth::F32 }
}

/// Rounds up to 11 bits; zero if the result would not be a normal number, since those are not the
/// same on every machine.
fn up(scale: f32) -> f32 {
    if scale < f32::MIN_POSITIVE {
        return 0.0;
    }
    f32::from_bits((scale.to_bits() + DROPPED_BITS) & !DROPPED_BITS)
}

/// The mean magnitude of a block, to 11 bits: among all scales the one whose signs are nearest.
fn mean_magnitude(block: &[f32]) -> f32 {
    let mut sums = [0.0_f64; LANES];
    for lanes in block.chunks(LANES) {
        for (sum, &value) in sums.iter_mut().zip(lanes) {
            *sum += f64::from(value.abs());
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
fn span(block: &[f32], top: u8) -> (f32, u8) {
    let (low, high) =
        block.iter().fold((0.0_f32, 0.0_f32), |(low, high), &x| (low.min(x), high.max(x)));
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
fn largest_scale(grid: Grid) -> f32 {
    f32::from_bits((f32::MAX / f32::from(grid.top())).to_bits() & !DROPPED_BITS)
}

/// The largest number that can be written: it has the largest scale. A span has two ends.
fn largest_magnitude(grid: Grid) -> f32 {
    let whole = largest_scale(grid) * f32::from(grid.top());
    if matches!(grid, Grid::Shifted { .. }) { whole / 2.0 } else { whole }
}

/// The scale that 2 or 4 bytes hold.
fn scale_of(bytes: &[u8]) -> f32 {
    match *bytes {
        [a, b] => half::f16::from_le_bytes([a, b]).to_f32(),
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
        _ => f32::NAN,
    }
}

/// The scale that 2 or 4 bytes hold, if a writer writes it.
fn read_scale(bytes: &[u8], largest: f32) -> Option<f32> {
    let scale = scale_of(bytes);
    let is_normal = match *bytes {
        [a, b] => half::f16::from_le_bytes([a, b]).is_normal(),
        _ => scale.is_normal() && scale.to_bits() & DROPPED_BITS == 0,
    };
    let usable = is_normal && scale > 0.0 && scale <= largest;
    (usable || scale.to_bits() == 0).then_some(scale)
}
