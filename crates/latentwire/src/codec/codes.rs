//! Indices into a codebook, in as few bits as its size asks for.

use std::borrow::Cow;

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

/// Unpacks a raw payload; `base` is where it lies in the packet, if it does.
pub(crate) fn read(size: u32, shape: &Shape, raw: &[u8], base: Option<usize>) -> Result<Vec<u16>> {
    let bits = index_bits(size);
    let row_len = shape.row_len() as usize;
    let row_bytes = packed_len(shape.row_len(), bits) as usize;
    if raw.len() as u64 != shape.num_rows() * row_bytes as u64 {
        let expected: Cow<'static, str> =
            format!("{} bytes", shape.num_rows() * row_bytes as u64).into();
        return Err(fault(ErrorKind::LatentsLength, base, 0, expected, raw.len().to_string()));
    }
    let mut codes = vec![0; shape.num_elements() as usize];
    let rows = codes.chunks_exact_mut(row_len).zip(raw.chunks_exact(row_bytes));
    for (row, (codes, packed)) in rows.enumerate() {
        let rest = packing::unpack_indices(packed, bits, codes);
        let at = row * row_bytes;
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
    Ok(codes)
}
