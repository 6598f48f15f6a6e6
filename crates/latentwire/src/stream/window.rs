//! The part of a stream that is being looked at.

use std::io::{ErrorKind, Read};

use super::error::StreamError;

/// How much is asked for at first.
const FIRST: usize = 8 << 10;
/// How much is asked for once so much has arrived: small enough for a cache of the second level,
/// large enough that a call for each costs nothing.
const CHUNK: usize = 256 << 10;

/// Bytes that have been read and not yet been passed, and where they lie in the stream.
///
/// The buffer grows with what has arrived, at most to twice of it, and beyond [`CHUNK`] at most to
/// twice of what was asked for: a length that somebody claims allocates nothing.
#[derive(Debug)]
pub(super) struct Window<R> {
    inner: R,
    /// Initialized bytes; those from `start` to `end` have been read and not yet been passed.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `start` lies in the stream.
    offset: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// Looks at `inner`, whose next byte is byte `offset` of the stream.
    pub(super) fn new(inner: R, offset: u64) -> Self {
        Self { inner, buffer: Vec::new(), start: 0, end: 0, offset, ended: false }
    }

    /// Where the first byte of [`bytes`](Self::bytes) lies in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What has been read and not been passed.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Passes the first `len` bytes.
    pub(super) fn pass(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += len as u64;
    }

    /// Reads until there are `len` bytes. Fewer means that the stream has ended.
    pub(super) fn fill(&mut self, len: usize) -> Result<(), StreamError> {
        while self.end - self.start < len && self.more(len)? {}
        Ok(())
    }

    /// Reads once, in order to have `wanted` bytes; whether there was anything to read.
    pub(super) fn more(&mut self, wanted: usize) -> Result<bool, StreamError> {
        if self.ended {
            return Ok(false);
        }
        self.make_room(wanted);
        let offset = self.offset + (self.end - self.start) as u64;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.inner.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other.map_err(StreamError::io(offset))?,
            }
        };
        self.ended = read == 0;
        // A reader that claims more than it was given room for is wrong, but it gets no panic.
        self.end += read.min(room.len());
        Ok(read > 0)
    }

    /// Makes room for at least one more byte.
    fn make_room(&mut self, wanted: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.buffer.len() {
            return;
        }
        let held = self.end - self.start;
        if self.buffer.len() >= CHUNK && self.start > held {
            // Moving what is held costs less than reading what was passed did.
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, held);
            return;
        }
        let needed = self.start + wanted.max(held + 1);
        let larger = (self.buffer.len() * 2).clamp(FIRST, needed.max(CHUNK));
        self.buffer.reserve_exact(larger - self.buffer.len());
        self.buffer.resize(larger, 0);
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_length_allocates_in_proportion_to_what_arrives() {
        let bytes = vec![7; 3 * CHUNK + 5];
        let mut window = Window::new(&*bytes, 0);
        window.fill(usize::MAX).unwrap();
        assert_eq!(window.bytes(), bytes);
        assert!(window.buffer.capacity() <= 2 * bytes.len());
    }

    #[test]
    fn memory_is_bounded_by_what_is_asked_for_at_once() {
        let bytes: Vec<u8> = (0..9 * CHUNK).map(|at| (at / 3) as u8).collect();
        let mut window = Window::new(&*bytes, 100);
        let mut at = 0;
        while at < bytes.len() {
            window.fill(CHUNK + 1).unwrap();
            assert_eq!(window.offset(), 100 + at as u64);
            assert!(bytes[at..].starts_with(window.bytes()));
            window.pass(40_000);
            at = (at + 40_000).min(bytes.len());
        }
        assert!(window.bytes().is_empty());
        assert!(window.buffer.capacity() <= 2 * CHUNK + 2);
    }

    #[test]
    fn what_no_honest_reader_does_is_no_panic() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Ok(usize::MAX)
            }
        }
        let mut window = Window::new(Liar, 0);
        window.fill(10).unwrap();
        assert_eq!(window.bytes().len(), FIRST);
    }
}
