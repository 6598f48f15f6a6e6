//! Packets end to end: files (`.lwp`) and pipes of packets, and an index that makes a file of
//! them a list.
//!
//! A stream is packets with nothing before, between or after them, so that one packet is a stream
//! of one, and two streams one after the other are a stream. What frames a packet is its preamble
//! and its checksum alone: packets of every profile are framed alike, also those that this reader
//! cannot open.
//!
//! Nothing here opens a file. Whoever does hands in what can be read, written or sought in:
//!
//! ```
//! use latentwire::{Limits, PacketReader, PacketWriter, StreamIndex};
//! # use std::io::Cursor;
//! # let mut packet = b"\x89LWP\x01\x00\x00\x140123456789abcdef".to_vec();
//! # packet.extend(crc32c::crc32c(&packet).to_le_bytes());
//!
//! let limits = Limits::default();
//! let mut writer = PacketWriter::new(Vec::new());
//! writer.append(&packet)?;
//! writer.append(&packet)?;
//! let mut file = writer.into_inner();
//!
//! let mut reader = PacketReader::new(&*file, limits);
//! while let Some(packet) = reader.next_packet()? {
//!     assert!(packet.id().is_some()); // the frame has been checked; `parse` reads the rest
//! }
//!
//! file.truncate(file.len() - 3); // a crash in the middle of the second packet
//! let (index, tail) = StreamIndex::scan(&*file, &limits)?;
//! assert_eq!(index.len(), 1);
//! assert!(tail.damage.is_some_and(|damage| damage.torn)); // so it may be cut off:
//! file.truncate(tail.end as usize);
//! let mut writer = PacketWriter::resume(file, tail.end);
//! writer.append(&packet)?;
//!
//! let (mut file, mut buffer) = (Cursor::new(writer.into_inner()), Vec::new());
//! let first = index.entries()[0];
//! assert_eq!(first.read_from(&mut file, &limits, &mut buffer)?.as_bytes(), packet);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod entry;
mod error;
mod frame;
mod index;
mod index_bytes;
mod packet;
mod reader;
mod recovery;
mod sums;
mod window;
mod writer;

pub use entry::IndexEntry;
pub use error::{IndexFinding, StreamError};
pub use index::{StreamIndex, Tail};
pub use packet::{PacketId, StreamPacket};
pub use reader::PacketReader;
pub use recovery::{Damage, Recovered, Recovery};
pub use writer::PacketWriter;

#[cfg(test)]
mod tests;
