//! Codes of few bits, several to a byte: the first in the lowest bits, every row at a new byte.

#![expect(clippy::inline_always, reason = "what is not inlined into `simd::widest` is narrow")]

/// Appends a row of codes below 2^`bits`.
#[inline(always)]
pub(super) fn pack(codes: &[u8], bits: u32, out: &mut Vec<u8>) {
    match bits {
        1 => pack_fixed(codes, out, |codes| {
            // Code i stands at bit 8i, and 2^(56 - 7i) moves it to bit 56 + i.
            (u64::from_le_bytes(codes).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
        }),
        2 => pack_fixed(codes, out, |codes| {
            let codes = u32::from_le_bytes(codes);
            (codes | codes >> 6 | codes >> 12 | codes >> 18) as u8
        }),
        4 => pack_fixed(codes, out, |[low, high]| low | high << 4),
        _ => out.extend_from_slice(codes),
    }
}

/// Undoes [`pack`]. What the last byte holds beyond the codes is for [`padding`] to see.
#[inline(always)]
pub(super) fn unpack(row: &[u8], bits: u32, codes: &mut [u8]) {
    match bits {
        1 => unpack_fixed(row, codes, |byte| {
            // Bit i alone in byte i, from there into the highest bit, and from there down.
            let apart = (u64::from(byte) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
            ((apart + 0x7F7F_7F7F_7F7F_7F7F) >> 7 & 0x0101_0101_0101_0101).to_le_bytes()
        }),
        2 => unpack_fixed(row, codes, |byte| {
            let byte = u32::from(byte);
            ((byte | byte << 6 | byte << 12 | byte << 18) & 0x0303_0303).to_le_bytes()
        }),
        4 => unpack_fixed(row, codes, |byte| [byte & 0xF, byte >> 4]),
        _ => codes.copy_from_slice(row),
    }
}

/// The bits of a row's last byte that no code takes; they are to be zero.
pub(super) fn padding(row: &[u8], len: usize, bits: u32) -> u8 {
    let used = len * bits as usize % 8;
    if used == 0 { 0 } else { row.last().map_or(0, |&last| last >> used) }
}

#[inline(always)]
fn pack_fixed<const N: usize>(codes: &[u8], out: &mut Vec<u8>, join: impl Fn([u8; N]) -> u8) {
    let (whole, rest) = codes.as_chunks();
    out.extend(whole.iter().map(|codes| join(*codes)));
    if !rest.is_empty() {
        let mut last = [0; N];
        for (code, &rest) in last.iter_mut().zip(rest) {
            *code = rest;
        }
        out.push(join(last));
    }
}

#[inline(always)]
fn unpack_fixed<const N: usize>(row: &[u8], codes: &mut [u8], split: impl Fn(u8) -> [u8; N]) {
    let (whole, rest) = codes.as_chunks_mut();
    for (codes, &byte) in whole.iter_mut().zip(row) {
        *codes = split(byte);
    }
    for (code, found) in rest.iter_mut().zip(row.get(whole.len()).map_or([0; N], |&b| split(b))) {
        *code = found;
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
