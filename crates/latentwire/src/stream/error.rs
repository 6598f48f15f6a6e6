//! What can go wrong with a stream: the world, a packet, an index.

use std::borrow::Cow;
use std::io;

use crate::error::Error;

/// A failure of a stream, with its place there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Reading, writing or seeking failed. Nothing is lost: the same call may be made again.
    #[error("the stream failed at byte {offset}: {source}")]
    Io {
        /// The byte of the stream that was to be read or written.
        offset: u64,
        /// What the operating system, or whoever stands for it, said.
        source: io::Error,
    },
    /// What stands there is no sound packet; the end of the stream comes too soon if the finding
    /// is of the family [`Truncated`](crate::Family::Truncated).
    #[error("packet at byte {offset} of the stream: {error}")]
    Packet {
        /// Where the packet begins.
        offset: u64,
        /// What is wrong with it; its offset counts from the start of the packet.
        error: Error,
    },
    /// An earlier write stopped inside a packet, so that another one must not follow it.
    #[error("an earlier write left part of a packet at byte {offset} of the stream: cut it there")]
    Torn {
        /// Where the torn packet begins: the length to cut the stream to.
        offset: u64,
    },
    /// The bytes of an index are none, or it is not the index of this stream.
    #[error("{}{}: expected {expected}, found {found}", finding.summary(), place(*finding, *offset))]
    Index {
        /// What is wrong with it.
        finding: IndexFinding,
        /// The byte of the index; of the stream if the index is stale.
        offset: u64,
        /// What should have stood there.
        expected: Cow<'static, str>,
        /// What stood there instead.
        found: Cow<'static, str>,
    },
}

/// What is wrong with an index. An index can always be made again from its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexFinding {
    /// `index.magic`: these bytes are no index.
    Magic,
    /// `index.version`: an index of another version.
    Version,
    /// `index.length`: the length is not that of whole entries.
    Length,
    /// `index.checksum`: the bytes are not those that were written.
    Checksum,
    /// `index.entry`: an entry that no writer writes.
    Entry,
    /// `index.stale`: the stream does not hold what the index says.
    Stale,
}

impl IndexFinding {
    /// All findings, in the order of the specification.
    pub const ALL: &[Self] =
        &[Self::Magic, Self::Version, Self::Length, Self::Checksum, Self::Entry, Self::Stale];

    /// The stable id, for example `index.stale`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Magic => "index.magic",
            Self::Version => "index.version",
            Self::Length => "index.length",
            Self::Checksum => "index.checksum",
            Self::Entry => "index.entry",
            Self::Stale => "index.stale",
        }
    }

    const fn summary(self) -> &'static str {
        match self {
            Self::Magic => "this is not an index of packets",
            Self::Version => "unknown version of the index",
            Self::Length => "the index is cut short or too long",
            Self::Checksum => "the checksum of the index does not match",
            Self::Entry => "an entry of the index is not allowed",
            Self::Stale => "the index is not that of this stream",
        }
    }
}

fn place(finding: IndexFinding, offset: u64) -> String {
    let whose = if finding == IndexFinding::Stale { "stream" } else { "index" };
    format!(" at byte {offset} of the {whose}")
}

impl StreamError {
    /// The stable id: that of the packet's finding or of the index's, `stream.io` or
    /// `stream.torn`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::Io { .. } => "stream.io",
            Self::Packet { error, .. } => error.kind().id(),
            Self::Torn { .. } => "stream.torn",
            Self::Index { finding, .. } => finding.id(),
        }
    }

    /// The byte at which it was found: of the stream, or of the bytes of an index.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self {
            Self::Packet { offset, error } => offset + error.offset().unwrap_or(0) as u64,
            Self::Io { offset, .. } | Self::Torn { offset } | Self::Index { offset, .. } => *offset,
        }
    }

    pub(super) fn packet(offset: u64) -> impl FnOnce(Error) -> Self {
        move |error| Self::Packet { offset, error }
    }

    pub(super) fn io(offset: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { offset, source }
    }

    #[cold]
    pub(super) fn index(
        finding: IndexFinding,
        offset: u64,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Index { finding, offset, expected: expected.into(), found: found.into() }
    }
}
