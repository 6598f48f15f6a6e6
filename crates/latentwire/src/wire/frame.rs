//! What holds for a packet of any profile: it is whole, and its checksum is right.

use super::cursor::Cursor;
use super::preamble::Preamble;
use crate::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// Reads the preamble of one packet that fills `bytes` exactly, and checks the checksum. The cursor
/// is left at the header and ends before the checksum.
pub(crate) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Preamble, Cursor<'a>)> {
    let mut cursor = Cursor::arriving(bytes);
    let preamble = Preamble::read(&mut cursor, limits)?;
    let total_len = preamble.total_len;
    if bytes.len() < total_len {
        let (expected, found) = (format!("{total_len} bytes"), bytes.len().to_string());
        return Err(Error::at(ErrorKind::PacketTruncated, bytes.len(), expected, found));
    }
    if bytes.len() > total_len {
        let (expected, found) = (format!("{total_len} bytes"), bytes.len().to_string());
        return Err(Error::at(ErrorKind::PacketTrailingBytes, total_len, expected, found));
    }
    let body_end = verify_checksum(bytes)?;
    Ok((preamble, cursor.within(body_end)))
}

/// Checks the last four bytes against all before them and returns where they begin.
fn verify_checksum(bytes: &[u8]) -> Result<usize> {
    let Some((covered, stored)) = bytes.split_last_chunk::<{ checksum::LEN }>() else {
        let expected = format!("{} bytes", checksum::LEN);
        return Err(Error::at(ErrorKind::PacketTruncated, bytes.len(), expected, "fewer"));
    };
    let (stored, computed) = (u32::from_le_bytes(*stored), checksum::of(covered));
    if stored == computed {
        return Ok(covered.len());
    }
    let (expected, found) = (format!("{computed:#010x}"), format!("{stored:#010x}"));
    Err(Error::at(ErrorKind::ChecksumMismatch, covered.len(), expected, found))
}
