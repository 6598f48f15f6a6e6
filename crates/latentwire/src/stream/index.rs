//! Where every packet of a stream lies.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::entry::IndexEntry;
use super::error::{IndexFinding, StreamError};
use super::recovery::{Damage, Recovered, Recovery};
use crate::limits::Limits;

/// Where every sound packet of a stream lies, and which message each is.
///
/// It is made from the stream by one scan, and can always be made again; it is extended after
/// packets were appended, by scanning those only. Every entry has its packet's checksum, so that an
/// index that does not belong to its stream is noticed, at the latest when a packet is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamIndex {
    pub(super) entries: Vec<IndexEntry>,
}

/// How a stream ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where its last sound packet ends. A writer that appends cuts the stream here, if what
    /// follows is torn.
    pub end: u64,
    /// What follows, if anything does.
    pub damage: Option<Damage>,
}

impl StreamIndex {
    /// The index of a stream that has no packets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the index of `stream`, which stands at its beginning.
    ///
    /// Damage is passed over, see [`damage`](Self::damage); the only errors are the stream's own.
    pub fn scan(stream: impl Read, limits: &Limits) -> Result<(Self, Tail), StreamError> {
        let mut index = Self::new();
        let tail = index.extend(stream, limits)?;
        Ok((index, tail))
    }

    /// Adds the packets of `stream`, which stands at [`end`](Self::end).
    ///
    /// If the stream fails, what was found before stays: the call may be made again, with the
    /// stream at the end that there is now.
    pub fn extend(&mut self, stream: impl Read, limits: &Limits) -> Result<Tail, StreamError> {
        let mut recovery = Recovery::starting_at(self.end(), stream, *limits);
        let mut last = None;
        while let Some(part) = recovery.next_part()? {
            match part {
                Recovered::Packet(packet) => {
                    self.entries.push(packet.entry());
                    last = None;
                }
                Recovered::Damage(damage) => last = Some(damage),
            }
        }
        Ok(Tail { end: self.end(), damage: last })
    }

    /// Adds one packet that was appended.
    ///
    /// Refuses one that begins before [`end`](Self::end).
    pub fn push(&mut self, entry: IndexEntry) -> Result<(), StreamError> {
        if entry.offset < self.end() {
            let expected = format!("a packet that begins at byte {} or after", self.end());
            let found = entry.offset.to_string();
            return Err(StreamError::index(IndexFinding::Entry, entry.offset, expected, found));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Forgets the packets from number `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
    }

    /// The packets, in order.
    #[must_use]
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// How many packets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the last packet ends: the length of the stream as far as the index knows it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.entries.last().map_or(0, IndexEntry::end)
    }

    /// The bytes before and between the packets: there are none in a stream without damage.
    pub fn damage(&self) -> impl Iterator<Item = Range<u64>> {
        let ends = std::iter::once(0).chain(self.entries.iter().map(IndexEntry::end));
        let gaps = ends.zip(&self.entries).map(|(end, next)| end..next.offset);
        gaps.filter(|gap| !gap.is_empty())
    }

    /// Checks that the last packet lies where the index says, in constant time: enough for a
    /// stream that only ever is appended to, torn, cut and replaced.
    ///
    /// What differs is [`IndexFinding::Stale`].
    pub fn check(&self, stream: &mut (impl Read + Seek)) -> Result<(), StreamError> {
        self.entries.last().map_or(Ok(()), |last| last.check_frame(stream))
    }

    /// Checks that every packet lies where the index says, by its preamble and its checksum.
    ///
    /// What differs is [`IndexFinding::Stale`].
    pub fn check_all(&self, stream: &mut (impl Read + Seek)) -> Result<(), StreamError> {
        self.entries.iter().try_for_each(|entry| entry.check_frame(stream))
    }

    /// Brings the index up to date with its stream: checks it, and adds what was appended.
    ///
    /// What differs is [`IndexFinding::Stale`]: make another one by [`scan`](Self::scan).
    pub fn update(
        &mut self,
        stream: &mut (impl Read + Seek),
        limits: &Limits,
    ) -> Result<Tail, StreamError> {
        self.check(stream)?;
        stream.seek(SeekFrom::Start(self.end())).map_err(StreamError::io(self.end()))?;
        self.extend(stream, limits)
    }
}
