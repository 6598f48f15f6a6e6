//! The lossless stage: one zstd frame that says its own length, or nothing.

use crate::error::{Error, ErrorKind, Result};

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
    if !(1..=22).contains(&level) {
        let (expected, found) = ("a zstd level from 1 to 22", level.to_string());
        return Err(Error::nowhere(ErrorKind::MessageLevel, expected, found));
    }
    let mut compressed = Vec::with_capacity(zstd_safe::compress_bound(raw.len()));
    let done = match dictionary {
        None => zstd_safe::compress(&mut compressed, raw, level),
        Some(dictionary) => {
            zstd_safe::CCtx::create().compress_using_dict(&mut compressed, raw, dictionary, level)
        }
    };
    done.map_err(|code| {
        let found = zstd_safe::get_error_name(code);
        Error::nowhere(ErrorKind::MessageStage, "zstd to take the payload", found)
    })?;
    Ok((compressed.len() < raw.len()).then_some(compressed))
}

/// Restores a payload of exactly `raw_len` bytes, which the caller has held against its limits.
///
/// The frame must fill `stored` and say the same length: frames after it, and frames to be
/// skipped, would be places to hide bytes in.
#[cfg(feature = "zstd")]
pub(crate) fn restore_with(
    stored: &[u8],
    raw_len: usize,
    at: usize,
    dictionary: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let refuse = |expected: String, found: String| {
        Err(Error::at(ErrorKind::LatentsCompressed, at, expected, found))
    };
    match zstd_safe::find_frame_compressed_size(stored) {
        Ok(len) if len == stored.len() => {}
        Ok(len) => return refuse(format!("a frame of {} bytes", stored.len()), len.to_string()),
        Err(code) => {
            return refuse("a zstd frame".into(), zstd_safe::get_error_name(code).into());
        }
    }
    match zstd_safe::get_frame_content_size(stored) {
        Ok(Some(len)) if len == raw_len as u64 => {}
        other => {
            let found = other.ok().flatten().map_or("none".into(), |len| len.to_string());
            return refuse(format!("a content size of {raw_len}"), found);
        }
    }
    let mut raw = vec![0; raw_len];
    let done = match dictionary {
        None => zstd_safe::decompress(raw.as_mut_slice(), stored),
        Some(dictionary) => {
            zstd_safe::DCtx::create().decompress_using_dict(raw.as_mut_slice(), stored, dictionary)
        }
    };
    match done {
        Ok(len) if len == raw_len => Ok(raw),
        Ok(len) => refuse(format!("{raw_len} bytes"), len.to_string()),
        Err(code) => refuse(format!("{raw_len} bytes"), zstd_safe::get_error_name(code).into()),
    }
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
