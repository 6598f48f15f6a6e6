//! Quantized numbers: scales, then the codes of every row, packed.

use super::grid::Grid;
use super::layout::{Granularity, Layout, ScaleLayout};
use super::packing;
use super::scales::Scales;
use super::{fault, grow};
use crate::error::{ErrorKind, Result};
use crate::message::Shape;

/// Numbers whose scales have been found: they can be written without a failure.
pub(crate) struct Quantized {
    grid: Grid,
    bits: u32,
    scales: Scales,
}

impl Quantized {
    pub(super) fn plan(
        latents: &[f32],
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

    pub(super) fn write(&self, latents: &[f32], row_len: usize, out: &mut Vec<u8>) {
        self.scales.write(out);
        let rows = latents.chunks_exact(row_len).enumerate();
        if self.bits == 8 {
            let codes = grow(out, latents.len());
            for ((index, row), codes) in rows.zip(codes.chunks_exact_mut(row_len)) {
                self.snap_row(index, row, codes);
            }
            return;
        }
        let row_bytes = (row_len * self.bits as usize).div_ceil(8);
        let packed = grow(out, latents.len() / row_len * row_bytes);
        let mut symbols = vec![0; row_len];
        for ((index, row), packed) in rows.zip(packed.chunks_exact_mut(row_bytes)) {
            self.snap_row(index, row, &mut symbols);
            packing::pack(&symbols, self.bits, packed);
        }
    }

    fn snap_row(&self, index: usize, row: &[f32], symbols: &mut [u8]) {
        for block in blocks(&self.scales, index, row.len()) {
            let (Some(values), Some(symbols)) =
                (row.get(block.range.clone()), symbols.get_mut(block.range.clone()))
            else {
                return;
            };
            self.grid.snap(values, block.scale, block.zero, symbols);
        }
    }

    /// Writing and reading in one, without the bytes between.
    pub(super) fn round(&self, latents: &mut [f32], row_len: usize) {
        let mut symbols = vec![0; row_len];
        let mut restored = Vec::with_capacity(row_len);
        for (index, row) in latents.chunks_exact_mut(row_len).enumerate() {
            self.snap_row(index, row, &mut symbols);
            restored.clear();
            for block in blocks(&self.scales, index, row_len) {
                if let Some(symbols) = symbols.get(block.range) {
                    self.grid.restore(symbols, block.scale, block.zero, &mut restored);
                }
            }
            row.copy_from_slice(&restored);
        }
    }
}

/// Reads a raw payload of the right length; `base` is where it lies in the packet, if it does.
pub(super) fn read(
    layout: Layout,
    scale_layout: ScaleLayout,
    grid: Grid,
    shape: &Shape,
    raw: &[u8],
    base: Option<usize>,
) -> Result<Vec<f32>> {
    let front = layout.scale_bytes(shape) as usize;
    let (scales, codes) = raw.split_at_checked(front).unwrap_or_default();
    let count = scale_layout.granularity.num_scales(shape) as usize;
    let scales = Scales::read(scale_layout, grid, scales, count, base)?;
    let (row_len, row_bytes) = (shape.row_len() as usize, layout.row_bytes(shape) as usize);
    let bits = layout.encoding.bits();
    let is_own = scale_layout.granularity.is_within_row();
    let mut unpacked = vec![0; if bits == 8 { 0 } else { row_len }];
    let mut latents = Vec::with_capacity(shape.num_elements() as usize);
    for (index, packed) in codes.chunks_exact(row_bytes).enumerate() {
        let at = front + index * row_bytes;
        let symbols = if bits == 8 {
            packed
        } else {
            packing::unpack(packed, bits, &mut unpacked);
            let padding = packing::padding(packed, row_len, bits);
            if padding != 0 {
                let found = format!("{padding:#b}");
                let at = at + row_bytes - 1;
                return Err(fault(ErrorKind::LatentsPadding, base, at, "zero bits", found));
            }
            &unpacked
        };
        for block in blocks(&scales, index, row_len) {
            let Some(symbols) = symbols.get(block.range.clone()) else { continue };
            if let Some((expected, found)) = grid.fault(symbols, block.scale, block.zero, is_own) {
                let at = at + block.range.start * bits as usize / 8;
                return Err(fault(ErrorKind::LatentsQuantum, base, at, expected, found));
            }
            grid.restore(symbols, block.scale, block.zero, &mut latents);
        }
    }
    scales.check_width(base).map(|()| latents)
}

/// Neighbours in a row that share a scale.
struct Block {
    range: std::ops::Range<usize>,
    scale: f32,
    zero: u8,
}

/// The blocks of row `index`.
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
    (0..row_len / len).map(move |block| Block {
        range: block * len..(block + 1) * len,
        scale: scales.values.get(first + block).copied().unwrap_or(0.0),
        zero: scales.zeros.get(first + block).copied().unwrap_or(0),
    })
}
