//! A zstd frame that is restored piece by piece, with no more of it in memory than its window.

use zstd_safe::{DCtx, InBuffer, OutBuffer, get_error_name};

use super::lossless::{check_frame, refuse};
use crate::error::Result;

/// Bytes restored at a time where nobody wants them.
const UNWANTED: usize = 4096;

/// A frame, and how far it has been restored.
pub(super) struct Frame<'a> {
    context: DCtx<'a>,
    input: InBuffer<'a>,
    /// Bytes that are still to come.
    left: usize,
    has_ended: bool,
    at: usize,
}

impl<'a> Frame<'a> {
    /// The frame that fills `stored`, of `raw_len` bytes, which lies at byte `at` of its packet.
    pub(super) fn open(
        stored: &'a [u8],
        raw_len: usize,
        at: usize,
        dictionary: Option<&[u8]>,
    ) -> Result<Self> {
        check_frame(stored, raw_len, at)?;
        let mut context = DCtx::create();
        if let Some(dictionary) = dictionary {
            let loaded = context.load_dictionary(dictionary);
            loaded.map_err(|code| refuse(at, "a dictionary for zstd", get_error_name(code)))?;
        }
        let input = InBuffer::around(stored);
        Ok(Self { context, input, left: raw_len, has_ended: false, at })
    }

    /// Restores the next bytes.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        let mut output = OutBuffer::around(bytes);
        while output.pos() < output.capacity() {
            if self.has_ended {
                let (expected, found) = (format!("{} more bytes", self.left), output.pos());
                return Err(refuse(self.at, expected, found.to_string()));
            }
            self.advance(&mut output)?;
        }
        self.left = self.left.saturating_sub(output.pos());
        Ok(())
    }

    /// Restores what nobody has asked for, and checks that the frame ends with it.
    pub(super) fn finish(&mut self) -> Result<()> {
        let mut bytes = [0; UNWANTED];
        while self.left > 0 {
            self.fill(bytes.get_mut(..self.left.min(UNWANTED)).unwrap_or_default())?;
        }
        let mut output = OutBuffer::around(bytes.as_mut_slice());
        while !self.has_ended {
            self.advance(&mut output)?;
            if output.pos() > 0 {
                return Err(refuse(self.at, "the end of the content", "more of it"));
            }
        }
        Ok(())
    }

    /// Takes a step; zstd fails where several of them lead nowhere.
    fn advance(&mut self, output: &mut OutBuffer<'_, [u8]>) -> Result<()> {
        let hint = self
            .context
            .decompress_stream(output, &mut self.input)
            .map_err(|code| refuse(self.at, "a zstd frame", get_error_name(code)))?;
        self.has_ended = hint == 0;
        Ok(())
    }
}
