//! CRC-32C (Castagnoli), the last four bytes of every packet.

/// Bytes that the checksum takes.
pub(crate) const LEN: usize = 4;

/// The checksum of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}
