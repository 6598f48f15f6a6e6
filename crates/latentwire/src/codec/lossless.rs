//! The lossless stage: one zstd frame that says its own length, or nothing.

use crate::error::{Error, ErrorKind, Result};

/// The largest window of a frame: a reader may keep so much of a payload that it restores piece by
/// piece, and no more.
#[cfg(feature = "zstd")]
const MAX_WINDOW_BITS: u32 = 18;

/// Compresses `raw`; `None` if that does not make it smaller.
pub(crate) fn compress(raw: &[u8], level: i32) -> Result<Option<Vec<u8>>> {
    compress_with(raw, level, None)
}

/// Restores a payload of exactly `raw_len` bytes: see [`restore_with`].
pub(crate) fn restore(stored: &[u8], raw_len: usize, at: usize) -> Result<Vec<u8>> {
    restore_with(stored, raw_len, at, None)
}

/// Compresses `raw`, with a dictionary or without; `None` if that does not make it smaller.
#[cfg(feature = "zstd")]
pub(crate) fn compress_with(
    raw: &[u8],
    level: i32,
    dictionary: Option<&[u8]>,
) -> Result<Option<Vec<u8>>> {
    use zstd_safe::{CCtx, CParameter};

    if !(1..=22).contains(&level) {
        let (expected, found) = ("a zstd level from 1 to 22", level.to_string());
        return Err(Error::nowhere(ErrorKind::MessageLevel, expected, found));
    }
    let mut compressed = Vec::with_capacity(zstd_safe::compress_bound(raw.len()));
    let mut context = CCtx::create();
    let done = if raw.len() > 1 << MAX_WINDOW_BITS {
        context
            .set_parameter(CParameter::CompressionLevel(level))
            .and_then(|_| context.set_parameter(CParameter::WindowLog(MAX_WINDOW_BITS)))
            .and_then(|_| context.load_dictionary(dictionary.unwrap_or_default()))
            .and_then(|_| context.compress2(&mut compressed, raw))
    } else {
        // Shorter ones have a window of their own length at most.
        match dictionary {
            None => context.compress(&mut compressed, raw, level),
            Some(dictionary) => {
                context.compress_using_dict(&mut compressed, raw, dictionary, level)
            }
        }
    };
    done.map_err(|code| {
        let found = zstd_safe::get_error_name(code);
        Error::nowhere(ErrorKind::MessageStage, "zstd to take the payload", found)
    })?;
    Ok((compressed.len() < raw.len()).then_some(compressed))
}

/// Restores a payload of exactly `raw_len` bytes, which the caller has held against its limits.
#[cfg(feature = "zstd")]
pub(crate) fn restore_with(
    stored: &[u8],
    raw_len: usize,
    at: usize,
    dictionary: Option<&[u8]>,
) -> Result<Vec<u8>> {
    check_frame(stored, raw_len, at)?;
    let mut raw = vec![0; raw_len];
    let done = match dictionary {
        None => zstd_safe::decompress(raw.as_mut_slice(), stored),
        Some(dictionary) => {
            zstd_safe::DCtx::create().decompress_using_dict(raw.as_mut_slice(), stored, dictionary)
        }
    };
    match done {
        Ok(len) if len == raw_len => Ok(raw),
        Ok(len) => Err(refuse(at, format!("{raw_len} bytes"), len.to_string())),
        Err(code) => Err(refuse(at, format!("{raw_len} bytes"), zstd_safe::get_error_name(code))),
    }
}

/// What a frame says about itself: it must fill `stored` and say the same length, since frames after
/// it, and frames to be skipped, would be places to hide bytes in; and its window has a limit.
#[cfg(feature = "zstd")]
pub(super) fn check_frame(stored: &[u8], raw_len: usize, at: usize) -> Result<()> {
    match zstd_safe::find_frame_compressed_size(stored) {
        Ok(len) if len == stored.len() => {}
        Ok(len) => {
            return Err(refuse(at, format!("a frame of {} bytes", stored.len()), len.to_string()));
        }
        Err(code) => return Err(refuse(at, "a zstd frame", zstd_safe::get_error_name(code))),
    }
    match zstd_safe::get_frame_content_size(stored) {
        Ok(Some(len)) if len == raw_len as u64 => {}
        other => {
            let found = other.ok().flatten().map_or("none".into(), |len| len.to_string());
            return Err(refuse(at, format!("a content size of {raw_len}"), found));
        }
    }
    let window = window(stored, raw_len);
    if window > 1 << MAX_WINDOW_BITS {
        let expected = format!("a window of at most {} bytes", 1 << MAX_WINDOW_BITS);
        return Err(refuse(at, expected, window.to_string()));
    }
    Ok(())
}

/// The window that the header of a frame asks for (RFC 8878, section 3.1.1.1.2).
#[cfg(feature = "zstd")]
fn window(frame: &[u8], content_size: usize) -> u64 {
    const SINGLE_SEGMENT: u8 = 0b0010_0000;
    match *frame {
        [_, _, _, _, descriptor, window, ..] if descriptor & SINGLE_SEGMENT == 0 => {
            let base = 1_u64 << (10 + (window >> 3));
            base + base / 8 * u64::from(window & 7)
        }
        _ => content_size as u64,
    }
}

#[cfg(feature = "zstd")]
#[cold]
pub(super) fn refuse(
    at: usize,
    expected: impl Into<std::borrow::Cow<'static, str>>,
    found: impl Into<std::borrow::Cow<'static, str>>,
) -> Error {
    Error::at(ErrorKind::LatentsCompressed, at, expected, found)
}

/// Refuses: this build has no zstd.
#[cfg(not(feature = "zstd"))]
pub(crate) fn compress_with(
    _raw: &[u8],
    _level: i32,
    _dictionary: Option<&[u8]>,
) -> Result<Option<Vec<u8>>> {
    let expected = "a build with the feature `zstd`";
    Err(Error::nowhere(ErrorKind::MessageStage, expected, "one without"))
}

/// Refuses: this build has no zstd.
#[cfg(not(feature = "zstd"))]
pub(crate) fn restore_with(
    _stored: &[u8],
    _raw_len: usize,
    at: usize,
    _dictionary: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let expected = "a stage that this build has: 0 (stored) or 3 (entropy)";
    Err(Error::at(ErrorKind::LatentsStage, at, expected, "1 (zstd)"))
}
