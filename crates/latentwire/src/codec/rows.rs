//! Quantized numbers as they are read: row by row, codes times the scales that wait for them.

#![expect(clippy::inline_always, reason = "what is not inlined into `widest` is narrow")]

use super::fault;
use super::grid::Grid;
use super::layout::{Granularity, Layout, ScaleLayout};
use super::simd::widest;
use super::source::{PIECE, Source};
use super::waiting;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Shape;

/// Reads a raw payload into the place of its numbers.
pub(super) fn read(
    layout: Layout,
    scale_layout: ScaleLayout,
    grid: Grid,
    shape: &Shape,
    source: &mut Source<'_>,
    latents: &mut [f32],
) -> Result<()> {
    let granularity = scale_layout.granularity;
    let row_len = shape.row_len() as usize;
    let scales = waiting::read(scale_layout, grid, shape, source, latents)?;
    let rows = Rows {
        grid,
        granularity,
        bits: layout.encoding.bits(),
        row_len,
        row_bytes: layout.row_bytes(shape) as usize,
        front: layout.scale_bytes(shape) as usize,
        whole: scales.whole,
    };
    widest(
        #[inline(always)]
        || rows.read_all(source, latents),
    )?;
    scales.check_width()
}

/// What all rows of a payload that is read have in common.
struct Rows {
    grid: Grid,
    granularity: Granularity,
    bits: u32,
    row_len: usize,
    row_bytes: usize,
    /// Bytes before the codes.
    front: usize,
    /// The scale and the zero point of a whole tensor.
    whole: (f32, u8),
}

/// Codes of one scale, as far as they have been read.
#[derive(Clone, Copy, Default)]
struct Shared {
    scale: f32,
    zero: u8,
    /// The largest magnitude of a level so far.
    largest: u8,
    /// Codes that are still to come.
    left: usize,
}

/// The first codes that do not fit their scale, and where they begin.
type Misfit = Option<(usize, Shared)>;

impl Rows {
    #[inline(always)]
    fn read_all(&self, source: &mut Source<'_>, latents: &mut [f32]) -> Result<()> {
        if self.granularity == Granularity::Channel {
            let (others, last) = latents.split_at_mut(latents.len().saturating_sub(self.row_len));
            for (index, row) in others.chunks_exact_mut(self.row_len).enumerate() {
                row.copy_from_slice(last);
                self.read(index, source, row)?;
            }
            return self.read(others.len() / self.row_len, source, last);
        }
        // Rows without padding between them are read several at a time.
        let is_even = (self.row_len * self.bits as usize).is_multiple_of(8);
        let run = if is_even { (PIECE / self.row_len).max(1) } else { 1 };
        for (index, rows) in latents.chunks_mut(run * self.row_len).enumerate() {
            self.read(index * run, source, rows)?;
        }
        Ok(())
    }

    /// Reads rows from `first` on, in whose place their scales wait.
    #[inline(always)]
    fn read(&self, first: usize, source: &mut Source<'_>, rows: &mut [f32]) -> Result<()> {
        let (mut shared, mut misfit, mut padding) = (Shared::default(), None, 0);
        for (index, values) in rows.chunks_mut(PIECE).enumerate() {
            let symbols;
            (symbols, padding) = source.symbols(values.len(), self.bits)?;
            let start = index * PIECE;
            let found = if self.granularity == Granularity::Channel {
                self.read_columns(start, symbols, values)
            } else {
                self.read_blocks(start, symbols, values, &mut shared)
            };
            misfit = misfit.or(found);
        }
        // The padding of a row stands behind its codes, but is looked at before them.
        if padding == 0 && misfit.is_none() {
            return Ok(());
        }
        Err(self.refuse(first, source.base(), padding, misfit.unwrap_or_default()))
    }

    /// Reads a piece from place `start` on, in which neighbours share a scale.
    #[inline(always)]
    fn read_blocks(
        &self,
        start: usize,
        symbols: &[u8],
        values: &mut [f32],
        shared: &mut Shared,
    ) -> Misfit {
        let (len, is_own) = match self.granularity {
            Granularity::Group(size) => (size as usize, true),
            granularity => (self.row_len, granularity == Granularity::Row),
        };
        let (mut from, mut misfit) = (0, None);
        while from < symbols.len() {
            if shared.left == 0 {
                let waiting = values.get(from).copied().unwrap_or_default();
                let (scale, zero) = if is_own { waiting::taken(waiting) } else { self.whole };
                *shared = Shared { scale, zero, largest: 0, left: len };
            }
            let to = symbols.len().min(from + shared.left);
            let (symbols, values) = (symbols.get(from..to)?, values.get_mut(from..to)?);
            let Shared { scale, zero, largest, left } = *shared;
            shared.largest = largest.max(self.grid.largest(symbols, scale, zero));
            shared.left = left - symbols.len();
            self.grid.restore(symbols, values, |_| (scale, zero));
            let is_whole = shared.left == 0;
            if is_whole && misfit.is_none() && !self.grid.allows(shared.largest, scale, is_own) {
                misfit = Some((start + to - len, *shared));
            }
            from = to;
        }
        misfit
    }

    /// Reads a piece from place `start` on, in which every number has a scale, which waits there.
    #[inline(always)]
    fn read_columns(&self, start: usize, symbols: &[u8], values: &mut [f32]) -> Misfit {
        let columns = symbols.iter().zip(&*values).map(|(&symbol, &waiting)| {
            let (scale, zero) = waiting::taken(waiting);
            Shared { scale, zero, largest: self.grid.largest(&[symbol], scale, zero), left: 0 }
        });
        let is_misfit = |column: &Shared| !self.grid.allows(column.largest, column.scale, false);
        let misfit = if columns.clone().fold(false, |any, column| any | is_misfit(&column)) {
            (start..).zip(columns).find(|(_, column)| is_misfit(column))
        } else {
            None
        };
        self.grid.restore(symbols, values, waiting::taken);
        misfit
    }

    /// What is wrong with rows from `first` on.
    #[cold]
    fn refuse(
        &self,
        first: usize,
        base: Option<usize>,
        padding: u8,
        (place, misfit): (usize, Shared),
    ) -> Error {
        let row_at = self.front + first * self.row_bytes;
        if padding != 0 {
            let (at, found) = (row_at + self.row_bytes - 1, format!("{padding:#b}"));
            return fault(ErrorKind::LatentsPadding, base, at, "zero bits", found);
        }
        let is_own = self.granularity.is_within_row();
        let (expected, found) = self.grid.fault(misfit.largest, misfit.scale, is_own);
        let at = row_at + place * self.bits as usize / 8;
        fault(ErrorKind::LatentsQuantum, base, at, expected, found)
    }
}
