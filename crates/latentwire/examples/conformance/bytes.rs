//! Bytes that packets are made of.

/// The packet with its checksum made right.
pub(crate) fn summed(bytes: &[u8]) -> Vec<u8> {
    let covered = bytes.get(..bytes.len().saturating_sub(4)).unwrap_or_default();
    [covered, &crc32c::crc32c(covered).to_le_bytes()].concat()
}

pub(crate) fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Flips the lowest bit of the last byte.
pub(crate) fn flip_last(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}
