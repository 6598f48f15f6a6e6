//! Indices into a codebook, in as few bits as its size asks for.

use super::source::{PIECE, Source};
use super::{fault, packed_len, packing};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Shape;

/// Bits of an index into a codebook of `size` entries, 2 to 65,536.
pub(crate) const fn index_bits(size: u32) -> u32 {
    u32::BITS - size.saturating_sub(1).leading_zeros()
}

/// Packs indices, row by row.
pub(crate) fn write(size: u32, shape: &Shape, codes: &[u16]) -> Result<Vec<u8>> {
    if let Some(index) = codes.iter().position(|&code| u32::from(code) >= size) {
        let found = codes.get(index).copied().unwrap_or_default();
        let expected = format!("indices below {size}");
        let found = format!("{found} at element {index}");
        return Err(Error::nowhere(ErrorKind::MessageIndex, expected, found));
    }
    let bits = index_bits(size);
    let mut out =
        Vec::with_capacity((shape.num_rows() * packed_len(shape.row_len(), bits)) as usize);
    for row in codes.chunks_exact(shape.row_len() as usize) {
        packing::pack_indices(row, bits, &mut out);
    }
    Ok(out)
}

/// Reads a raw payload into the place of its indices.
pub(crate) fn read(
    size: u32,
    shape: &Shape,
    source: &mut Source<'_>,
    codes: &mut [u16],
) -> Result<()> {
    let found = read_rows(size, shape, source, codes);
    source.finish(found)
}

fn read_rows(size: u32, shape: &Shape, source: &mut Source<'_>, codes: &mut [u16]) -> Result<()> {
    let bits = index_bits(size);
    let row_bytes = packed_len(shape.row_len(), bits) as usize;
    for (row, codes) in codes.chunks_exact_mut(shape.row_len() as usize).enumerate() {
        let mut rest = 0;
        for piece in codes.chunks_mut(PIECE) {
            rest = source.indices(bits, piece)?;
        }
        let (base, at) = (source.base(), row * row_bytes);
        if rest != 0 {
            let (at, found) = (at + row_bytes - 1, format!("{rest:#b}"));
            return Err(fault(ErrorKind::LatentsPadding, base, at, "zero bits", found));
        }
        if let Some(index) = codes.iter().position(|&code| u32::from(code) >= size) {
            let found = codes.get(index).copied().unwrap_or_default().to_string();
            let at = at + index * bits as usize / 8;
            return Err(fault(ErrorKind::LatentsIndex, base, at, format!("below {size}"), found));
        }
    }
    Ok(())
}
