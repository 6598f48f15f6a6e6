//! Codes of few bits, several to a byte: the first in the lowest bits, every row at a new byte.

/// Packs a row of codes below 2^`bits` into `row`, which is as long as they take.
pub(super) fn pack(codes: &[u8], bits: u32, row: &mut [u8]) {
    match bits {
        1 => pack_fixed::<8>(codes, row),
        2 => pack_fixed::<4>(codes, row),
        4 => pack_fixed::<2>(codes, row),
        _ => row.copy_from_slice(codes),
    }
}

/// Undoes [`pack`]. What the last byte holds beyond the codes is for [`padding`] to see.
pub(super) fn unpack(row: &[u8], bits: u32, codes: &mut [u8]) {
    match bits {
        1 => unpack_fixed::<8>(row, codes),
        2 => unpack_fixed::<4>(row, codes),
        4 => unpack_fixed::<2>(row, codes),
        _ => codes.copy_from_slice(row),
    }
}

/// The bits of a row's last byte that no code takes; they are to be zero.
pub(super) fn padding(row: &[u8], len: usize, bits: u32) -> u8 {
    let used = len * bits as usize % 8;
    if used == 0 { 0 } else { row.last().map_or(0, |&last| last >> used) }
}

fn pack_fixed<const PER_BYTE: usize>(codes: &[u8], row: &mut [u8]) {
    let bits = 8 / PER_BYTE;
    let (whole, rest) = codes.as_chunks::<PER_BYTE>();
    let mut bytes = row.iter_mut();
    // The codes first: a zip that ends at its second part has taken one of the first too many.
    for (codes, byte) in whole.iter().zip(bytes.by_ref()) {
        *byte = join(codes, bits);
    }
    if let Some(byte) = bytes.next() {
        *byte = join(rest, bits);
    }
}

fn join(codes: &[u8], bits: usize) -> u8 {
    codes.iter().rev().fold(0, |byte, &code| byte << (bits % 8) | code)
}

fn unpack_fixed<const PER_BYTE: usize>(row: &[u8], codes: &mut [u8]) {
    let (whole, rest) = codes.as_chunks_mut::<PER_BYTE>();
    let mut bytes = row.iter();
    for (codes, &byte) in whole.iter_mut().zip(bytes.by_ref()) {
        split(byte, 8 / PER_BYTE, codes);
    }
    if let Some(&byte) = bytes.next() {
        split(byte, 8 / PER_BYTE, rest);
    }
}

fn split(byte: u8, bits: usize, codes: &mut [u8]) {
    let mask = 0xFF >> (8 - bits);
    for (index, code) in codes.iter_mut().enumerate() {
        *code = byte >> (index * bits) & mask;
    }
}

/// Packs a row of indices of up to 16 bits.
pub(super) fn pack_indices(indices: &[u16], bits: u32, out: &mut Vec<u8>) {
    let (mut pending, mut count) = (0_u32, 0);
    for &index in indices {
        pending |= u32::from(index) << count;
        count += bits;
        while count >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        out.push(pending as u8);
    }
}

/// Undoes [`pack_indices`] and gives what is left over in the last byte, which is to be zero.
pub(super) fn unpack_indices(row: &[u8], bits: u32, indices: &mut [u16]) -> u32 {
    let mut bytes = row.iter();
    let (mut pending, mut count) = (0_u32, 0);
    for index in indices {
        while count < bits {
            pending |= u32::from(bytes.next().copied().unwrap_or(0)) << count;
            count += 8;
        }
        *index = (pending & ((1 << bits) - 1)) as u16;
        pending >>= bits;
        count -= bits;
    }
    pending
}
