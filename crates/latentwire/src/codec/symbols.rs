//! The entropy stage: the codes of a raw payload as symbols, under the coder and back.
//!
//! Scales and zero points stand before the stream as they are; only codes have models.

use super::grid::Grid;
use super::layout::Layout;
use super::{codes, packing};
use crate::entropy::{Decoder, EntropyTables};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Shape;

/// Where the codes of a raw payload stand, and which symbols they are.
#[derive(Clone, Copy)]
pub(crate) struct Symbols {
    /// Bytes before the codes.
    front: usize,
    row_len: usize,
    num_rows: usize,
    bits: u32,
    /// How many symbols there are.
    alphabet: u16,
    /// What is added to a code, modulo 256, to get its symbol.
    offset: u8,
}

impl Symbols {
    /// Of quantized numbers.
    pub(crate) fn of_numbers(layout: Layout, shape: &Shape) -> Self {
        let asymmetric = layout.scales.is_some_and(|scales| scales.asymmetric);
        let grid = Grid::of(layout.encoding, asymmetric).unwrap_or(Grid::Int8);
        Self {
            front: layout.scale_bytes(shape) as usize,
            row_len: shape.row_len() as usize,
            num_rows: shape.num_rows() as usize,
            bits: layout.encoding.bits(),
            alphabet: grid.alphabet(),
            offset: if grid == Grid::Int8 { grid.top() } else { 0 },
        }
    }

    /// Of indices into a codebook of at most 256 entries.
    pub(crate) fn of_codes(size: u32, shape: &Shape) -> Self {
        Self {
            front: 0,
            row_len: shape.row_len() as usize,
            num_rows: shape.num_rows() as usize,
            bits: codes::index_bits(size),
            alphabet: size as u16,
            offset: 0,
        }
    }

    /// Whether tables are for these symbols.
    pub(crate) fn fit(&self, tables: &EntropyTables) -> bool {
        self.mismatch(tables).is_none()
    }

    /// The raw payload under the coder; `None` if that does not make it smaller.
    pub(crate) fn compress(&self, raw: &[u8], tables: &EntropyTables) -> Result<Option<Vec<u8>>> {
        if let Some(expected) = self.mismatch(tables) {
            let found = format!("tables of {} symbols", tables.alphabet());
            return Err(Error::nowhere(ErrorKind::MessageEntropy, expected, found));
        }
        let mut out = raw.get(..self.front).unwrap_or_default().to_vec();
        tables.encode(&self.of_raw(raw), self.row_len, &mut out)?;
        Ok((out.len() < raw.len()).then_some(out))
    }

    /// The symbols of a raw payload, one a byte.
    pub(crate) fn of_raw(&self, raw: &[u8]) -> Vec<u8> {
        let packed = raw.get(self.front..).unwrap_or_default();
        let mut symbols = vec![0; self.row_len * self.num_rows];
        let rows = symbols.chunks_exact_mut(self.row_len);
        for (symbols, packed) in rows.zip(packed.chunks_exact(self.row_bytes())) {
            self.unpack(packed, symbols);
        }
        symbols
    }

    /// The raw payload of `raw_len` bytes, which the caller has held against its limits.
    pub(crate) fn restore(
        &self,
        payload: &[u8],
        raw_len: usize,
        tables: &EntropyTables,
        at: usize,
    ) -> Result<Vec<u8>> {
        let mut coded = self.open(payload, tables, at)?;
        let mut raw = Vec::with_capacity(raw_len);
        raw.extend_from_slice(coded.take_front(self.front));
        let mut symbols = vec![0; self.row_len];
        for _ in 0..self.num_rows {
            coded.fill(&mut symbols)?;
            self.pack(&symbols, &mut raw);
        }
        coded.finish().map(|()| raw)
    }

    /// Begins to decode a payload under the coder.
    pub(crate) fn open<'a>(
        &self,
        payload: &'a [u8],
        tables: &'a EntropyTables,
        at: usize,
    ) -> Result<Coded<'a>> {
        if let Some(expected) = self.mismatch(tables) {
            let found = format!("tables of {} symbols", tables.alphabet());
            return Err(Error::at(ErrorKind::LatentsResource, at, expected, found));
        }
        let Some((front, stream)) = payload.split_at_checked(self.front) else {
            let (expected, found) = (format!("{} bytes of scales", self.front), payload.len());
            return Err(Error::at(ErrorKind::LatentsEntropy, at, expected, found.to_string()));
        };
        let count = self.row_len * self.num_rows;
        let decoder = tables.decoder(stream, at + self.front, count, self.row_len)?;
        Ok(Coded { front, decoder, offset: self.offset })
    }

    /// What tables should be for, if they are for something else.
    fn mismatch(&self, tables: &EntropyTables) -> Option<String> {
        let fits = tables.alphabet() == usize::from(self.alphabet)
            && tables.check_rows(self.row_len * self.num_rows, self.row_len).is_ok();
        (!fits).then(|| {
            let Self { alphabet, row_len, num_rows, .. } = self;
            format!("tables of {alphabet} symbols for {num_rows} rows of {row_len}")
        })
    }

    fn row_bytes(&self) -> usize {
        (self.row_len * self.bits as usize).div_ceil(8)
    }

    fn unpack(&self, packed: &[u8], symbols: &mut [u8]) {
        if matches!(self.bits, 1 | 2 | 4 | 8) {
            packing::unpack(packed, self.bits, symbols);
        } else {
            let mut indices = vec![0; symbols.len()];
            packing::unpack_indices(packed, self.bits, &mut indices);
            for (symbol, index) in symbols.iter_mut().zip(indices) {
                *symbol = index as u8;
            }
        }
        for symbol in symbols {
            *symbol = symbol.wrapping_add(self.offset);
        }
    }

    fn pack(&self, symbols: &[u8], out: &mut Vec<u8>) {
        if matches!(self.bits, 1 | 2 | 4 | 8) {
            packing::pack(symbols, self.bits, out);
        } else {
            let indices: Vec<u16> = symbols.iter().map(|&symbol| symbol.into()).collect();
            packing::pack_indices(&indices, self.bits, out);
        }
    }
}

/// A payload under the entropy coder that is decoded piece by piece.
pub(crate) struct Coded<'a> {
    /// Scales and zero points that have not been taken.
    front: &'a [u8],
    decoder: Decoder<'a>,
    offset: u8,
}

impl<'a> Coded<'a> {
    /// The next bytes of scales and zero points.
    pub(super) fn take_front(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.front.split_at_checked(len).unwrap_or_default();
        self.front = rest;
        taken
    }

    /// The next codes: whole rows, or a piece of one.
    pub(super) fn fill(&mut self, codes: &mut [u8]) -> Result<()> {
        self.decoder.fill(codes)?;
        for code in codes {
            *code = code.wrapping_sub(self.offset);
        }
        Ok(())
    }

    /// Decodes what nobody has asked for, and checks that the stream ends with it.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.decoder.finish()
    }
}
