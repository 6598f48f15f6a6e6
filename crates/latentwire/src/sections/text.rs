//! Text: the source that the latents were made of, whole and exact.

use std::borrow::Cow;

use super::{read_rest, read_whole, unwritable, utf8};
use crate::codec::lossless;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::TEXT;
use crate::wire::cursor::Cursor;

/// The text as it is.
const STORED: u8 = 0;
/// One zstd frame, by the rules of a payload.
const ZSTD: u8 = 1;

/// The source text, at least one byte of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'a> Text<'a> {
    /// The type of the section.
    pub const TYPE: u16 = TEXT;

    /// The canonical body of the section: the text as it is.
    pub fn encode(&self) -> Result<Vec<u8>> {
        if self.0.is_empty() {
            return Err(unwritable("a text of at least one byte", "none"));
        }
        Ok(framed(STORED, self.0.as_bytes()))
    }

    /// A body as one zstd frame, or the canonical one if that is not longer. `level` is 1 to 22.
    pub fn encode_compressed(&self, level: i32) -> Result<Vec<u8>> {
        let compressed = lossless::compress(self.0.as_bytes(), level)?;
        compressed.map_or_else(|| self.encode(), |frame| Ok(framed(ZSTD, &frame)))
    }

    /// Reads the body of a section that begins at byte `base_offset` of its packet.
    pub fn decode(body: &'a [u8], base_offset: usize, limits: &Limits) -> Result<Self> {
        read_whole(body, base_offset, |cursor| {
            let at = cursor.at();
            match cursor.byte()? {
                STORED => read_stored(cursor, limits).map(Cow::Borrowed),
                ZSTD => read_compressed(cursor, limits).map(Cow::Owned),
                other => {
                    let expected = "0 (stored) or 1 (zstd)";
                    Err(Error::at(ErrorKind::TextStage, at, expected, other.to_string()))
                }
            }
            .map(Self)
        })
    }
}

fn framed(stage: u8, bytes: &[u8]) -> Vec<u8> {
    [&[stage], bytes].concat()
}

fn read_stored<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<&'a str> {
    let at = cursor.at();
    check_raw_len(cursor.remaining() as u64, at, limits)?;
    if cursor.remaining() == 0 {
        return Err(Error::at(ErrorKind::FieldOverrun, at, "at least 1 byte of text", "0 left"));
    }
    read_rest(cursor)
}

/// The frame says how long the text is; that is held against the limits before anything is
/// allocated, and the frame must be shorter, since otherwise the text could have been stored.
fn read_compressed(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<String> {
    let at = cursor.at();
    let frame = cursor.take(cursor.remaining())?;
    let declared = content_size(frame, at)?;
    let raw_len = check_raw_len(declared, at, limits)?;
    if frame.len() >= raw_len {
        let (expected, found) = (format!("fewer than {raw_len} bytes"), frame.len().to_string());
        return Err(Error::at(ErrorKind::TextLength, at, expected, found));
    }
    let raw = lossless::restore(frame, raw_len, at).map_err(|error| {
        let (expected, found) = (error.expected().to_owned(), error.found().to_owned());
        Error::at(ErrorKind::TextCompressed, at, expected, found)
    })?;
    String::from_utf8(raw).map_err(|error| {
        // These bytes have no place of their own in the packet: the frame's stands for them.
        let fault = utf8(error.as_bytes(), 0).err();
        let (place, found) = fault.map_or((0, String::new()), |fault| {
            (fault.offset().unwrap_or_default(), fault.found().to_owned())
        });
        let found = format!("{found} at byte {place} of the text");
        Error::at(ErrorKind::SectionUtf8, at, "a frame of UTF-8", found)
    })
}

fn check_raw_len(found: u64, at: usize, limits: &Limits) -> Result<usize> {
    let allowed = limits.decompressed_bytes();
    usize::try_from(found).ok().filter(|&len| len <= allowed).ok_or_else(|| {
        let expected = format!("at most {allowed} bytes");
        Error::at(ErrorKind::LimitDecompressed, at, expected, found.to_string())
    })
}

/// The length of the content that a frame declares.
#[cfg(feature = "zstd")]
fn content_size(frame: &[u8], at: usize) -> Result<u64> {
    zstd_safe::get_frame_content_size(frame).ok().flatten().ok_or_else(|| {
        let (expected, found) = ("a zstd frame that declares its content size", "none");
        Error::at(ErrorKind::TextCompressed, at, expected, found)
    })
}

/// Refuses: this build has no zstd.
#[cfg(not(feature = "zstd"))]
fn content_size(_frame: &[u8], at: usize) -> Result<u64> {
    let (expected, found) = ("a stage that this build has: 0 (stored)", "1 (zstd)");
    Err(Error::at(ErrorKind::TextStage, at.saturating_sub(1), expected, found))
}
