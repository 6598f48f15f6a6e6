//! The bytes of an index: one encoding, a fixed size for each packet, and a checksum.
//!
//! ```text
//! index    = magic(4)  version(1)  entry*  crc32c(4)
//! entry    = offset(8)  rest-length(4)  checksum(4)  flags(1)  id(16)
//! ```

use super::entry::IndexEntry;
use super::error::{IndexFinding, StreamError};
use super::frame::preamble_len;
use super::index::StreamIndex;
use super::packet::id_len;
use crate::checksum;
use crate::error::Result;

/// Begins like a packet's magic and differs in the last letter.
const MAGIC: [u8; 4] = *b"\x89LWI";
const VERSION: u8 = 1;
const FRONT: usize = MAGIC.len() + 1;
const ENTRY: usize = 33;

impl StreamIndex {
    /// Bytes that [`to_bytes`](Self::to_bytes) gives for an index of `packets`.
    #[must_use]
    pub const fn bytes_len(packets: u64) -> u64 {
        packets.saturating_mul(ENTRY as u64).saturating_add((FRONT + checksum::LEN) as u64)
    }

    /// The index as bytes: the same index always gives the same ones.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FRONT + self.len() * ENTRY + checksum::LEN);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        for entry in &self.entries {
            out.extend_from_slice(&entry.offset.to_le_bytes());
            out.extend_from_slice(&entry.rest_len.to_le_bytes());
            out.extend_from_slice(&entry.checksum.to_le_bytes());
            out.push(entry.flags);
            out.extend_from_slice(&entry.id);
        }
        let checksum = checksum::of(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote, and nothing else.
    ///
    /// Takes memory in proportion to `bytes`, a quarter more than they have.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StreamError> {
        let refuse = |finding, at: usize, expected: &str, found: String| {
            Err(StreamError::index(finding, at as u64, expected.to_owned(), found))
        };
        if bytes.iter().zip(&MAGIC).any(|(found, expected)| found != expected) {
            return refuse(IndexFinding::Magic, 0, "89 4c 57 49", "other bytes".to_owned());
        }
        if let Some(&version) = bytes.get(MAGIC.len()).filter(|&&version| version != VERSION) {
            return refuse(IndexFinding::Version, MAGIC.len(), "1", version.to_string());
        }
        let whole = bytes.split_last_chunk::<{ checksum::LEN }>();
        let Some((covered, stored, entries)) =
            whole.and_then(|(covered, stored)| Some((covered, stored, covered.get(FRONT..)?)))
        else {
            let found = format!("{} bytes", bytes.len());
            return refuse(IndexFinding::Length, bytes.len(), "at least 9 bytes", found);
        };
        let (entries, rest) = entries.as_chunks::<ENTRY>();
        if !rest.is_empty() {
            let found = format!("{} more", rest.len());
            return refuse(IndexFinding::Length, bytes.len(), "entries of 33 bytes", found);
        }
        let (stored, computed) = (u32::from_le_bytes(*stored), checksum::of(covered));
        if stored != computed {
            let (expected, found) = (format!("{computed:#010x}"), format!("{stored:#010x}"));
            return refuse(IndexFinding::Checksum, covered.len(), &expected, found);
        }
        let mut index = Self { entries: Vec::with_capacity(entries.len()) };
        for (number, bytes) in entries.iter().enumerate() {
            let entry = read_entry(bytes);
            if let Some(rule) = broken_rule(&entry, index.end()) {
                let at = FRONT + number * ENTRY;
                return refuse(IndexFinding::Entry, at, rule, format!("{entry:?}"));
            }
            index.entries.push(entry);
        }
        Ok(index)
    }
}

fn read_entry(bytes: &[u8; ENTRY]) -> IndexEntry {
    let (mut offset, mut rest_len, mut checksum, mut flags, mut id) =
        ([0; 8], [0; 4], [0; 4], [0; 1], [0; 16]);
    let mut rest = &bytes[..];
    let fields: [&mut [u8]; 5] = [&mut offset, &mut rest_len, &mut checksum, &mut flags, &mut id];
    for field in fields {
        if let Some((bytes, after)) = rest.split_at_checked(field.len()) {
            field.copy_from_slice(bytes);
            rest = after;
        }
    }
    let [flags] = flags;
    IndexEntry {
        offset: u64::from_le_bytes(offset),
        rest_len: u32::from_le_bytes(rest_len),
        checksum: u32::from_le_bytes(checksum),
        flags,
        id,
    }
}

/// Which rule `entry` breaks, after packets that end at `end`.
fn broken_rule(entry: &IndexEntry, end: u64) -> Option<&'static str> {
    let length = preamble_len(entry.rest_len) as u64 + u64::from(entry.rest_len);
    let shown = id_len(entry.flags, entry.rest_len);
    let filling = entry.id.get(shown..).unwrap_or_default();
    if entry.offset < end {
        Some("a packet that begins where the one before it ends, or after")
    } else if entry.offset.checked_add(length).is_none() {
        Some("a packet that ends before 2^64")
    } else if (entry.rest_len as usize) < checksum::LEN {
        Some("a packet with room for its checksum")
    } else if filling.iter().any(|&byte| byte != 0) {
        Some("zeros where the packet shows no id")
    } else {
        None
    }
}
