//! Quantized numbers as they are written: scales, then the codes of every row, packed.

#![expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]

use super::Number;
use super::grid::Grid;
use super::layout::{Granularity, ScaleLayout};
use super::packing;
use super::scales::Scales;
use super::simd::widest;
use crate::error::Result;
use crate::message::Shape;

/// Numbers whose scales have been found: they can be written without a failure.
pub(crate) struct Quantized {
    grid: Grid,
    bits: u32,
    scales: Scales,
}

impl Quantized {
    pub(super) fn plan<T: Number>(
        latents: &[T],
        shape: &Shape,
        grid: Grid,
        bits: u32,
        granularity: Granularity,
    ) -> Result<Self> {
        Ok(Self { grid, bits, scales: Scales::of(latents, shape, grid, granularity)? })
    }

    pub(super) fn scale_layout(&self) -> ScaleLayout {
        self.scales.layout
    }

    pub(super) fn write<T: Number>(&self, latents: &[T], row_len: usize, out: &mut Vec<u8>) {
        self.scales.write(out);
        let mut symbols = Vec::with_capacity(if self.bits == 8 { 0 } else { row_len });
        widest(
            #[inline(always)]
            || {
                for (index, row) in latents.chunks_exact(row_len).enumerate() {
                    if self.bits == 8 {
                        self.snap_row(index, row, out);
                    } else {
                        symbols.clear();
                        self.snap_row(index, row, &mut symbols);
                        packing::pack(&symbols, self.bits, out);
                    }
                }
            },
        );
    }

    #[inline(always)]
    fn snap_row<T: Number>(&self, index: usize, row: &[T], symbols: &mut Vec<u8>) {
        for Block { range, scale, zero } in blocks(&self.scales, index, row.len()) {
            let Some(values) = row.get(range) else { return };
            self.grid.snap(values, scale, zero, symbols);
        }
    }

    /// Writing and reading in one, without the bytes between.
    pub(super) fn round(&self, latents: &mut [f32], row_len: usize) {
        let mut symbols = Vec::with_capacity(row_len);
        widest(
            #[inline(always)]
            || {
                for (index, row) in latents.chunks_exact_mut(row_len).enumerate() {
                    symbols.clear();
                    self.snap_row(index, row, &mut symbols);
                    for Block { range, scale, zero } in blocks(&self.scales, index, row_len) {
                        let (Some(symbols), Some(values)) =
                            (symbols.get(range.clone()), row.get_mut(range))
                        else {
                            return;
                        };
                        self.grid.restore(symbols, values, |_| (scale, zero));
                    }
                }
            },
        );
    }
}

/// Neighbours in a row that share a scale.
struct Block {
    range: std::ops::Range<usize>,
    scale: f32,
    zero: u8,
}

/// The blocks of row `index`.
#[inline(always)]
fn blocks(scales: &Scales, index: usize, row_len: usize) -> impl Iterator<Item = Block> + '_ {
    let (len, first) = match scales.layout.granularity {
        Granularity::Row => (row_len, index),
        Granularity::Tensor => (row_len, 0),
        Granularity::Channel => (1, 0),
        Granularity::Group(size) => {
            let size = (size as usize).max(1);
            (size, index * (row_len / size))
        }
    };
    (0..row_len / len).map(
        #[inline(always)]
        move |block| Block {
            range: block * len..(block + 1) * len,
            scale: scales.values.get(first + block).copied().unwrap_or(0.0),
            zero: scales.zeros.get(first + block).copied().unwrap_or(0),
        },
    )
}
