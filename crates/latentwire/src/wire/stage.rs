//! The lossless stage of a payload that is being written: tried, and kept if it helps.

use super::latents::Format;
use super::write::{Compression, ZSTD_LEVEL};
use crate::codec::{Stage, Symbols, lossless};
use crate::entropy::EntropyTables;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Fingerprint, Shape};
use crate::route::Route;

/// A payload under a lossless stage.
pub(crate) struct Staged {
    pub(crate) stage: Stage,
    /// Names what the stage is undone with.
    pub(crate) resource: Option<Fingerprint>,
    pub(crate) bytes: Vec<u8>,
}

/// Puts a raw payload under a stage; `None` if it is better stored. On a route, only what the route
/// names can be used.
pub(crate) fn apply(
    compression: Compression<'_>,
    raw: &[u8],
    format: Format,
    shape: &Shape,
    route: Option<&Route<'_>>,
) -> Result<Option<Staged>> {
    match compression {
        Compression::None => Ok(None),
        Compression::Zstd { level } => zstd(raw, level),
        Compression::ZstdDictionary { level, dictionary } => {
            let resource = dictionary.fingerprint();
            if let Some(route) = route {
                route.check_stands_for(Some(resource), route.dictionary)?;
            }
            let bytes = lossless::compress_with(raw, level, Some(dictionary.as_bytes()))?;
            let stage = Stage::ZstdDictionary;
            Ok(bytes.map(|bytes| Staged { stage, resource: Some(resource), bytes }))
        }
        Compression::Entropy(tables) => {
            if let Some(route) = route {
                route.check_stands_for(Some(tables.fingerprint()), route.tables)?;
            }
            if !format.has_symbols() {
                let expected = "quantized numbers, or indices into at most 256 entries";
                return Err(Error::nowhere(ErrorKind::MessageEntropy, expected, format.name()));
            }
            entropy(raw, tables, &format.symbols(shape))
        }
        Compression::Auto { tables } => {
            let mut best = if cfg!(feature = "zstd") { zstd(raw, ZSTD_LEVEL)? } else { None };
            if format.has_symbols() {
                let symbols = format.symbols(shape);
                let on_route = |tables: &&EntropyTables| {
                    route.is_none_or(|route| route.tables == Some(tables.fingerprint()))
                };
                for tables in tables.iter().filter(on_route).filter(|tables| symbols.fit(tables)) {
                    let found = entropy(raw, tables, &symbols)?;
                    // Off a route, the packet has to name the tables.
                    let length = |staged: &Option<Staged>| {
                        staged.as_ref().map_or(raw.len(), |staged| {
                            let name = staged.resource.filter(|_| route.is_none());
                            staged.bytes.len() + name.map_or(0, |name| name.0.len())
                        })
                    };
                    if length(&found) < length(&best) {
                        best = found;
                    }
                }
            }
            Ok(best)
        }
    }
}

fn zstd(raw: &[u8], level: i32) -> Result<Option<Staged>> {
    let bytes = lossless::compress(raw, level)?;
    Ok(bytes.map(|bytes| Staged { stage: Stage::Zstd, resource: None, bytes }))
}

fn entropy(raw: &[u8], tables: &EntropyTables, symbols: &Symbols) -> Result<Option<Staged>> {
    let resource = Some(tables.fingerprint());
    let bytes = symbols.compress(raw, tables)?;
    Ok(bytes.map(|bytes| Staged { stage: Stage::Entropy, resource, bytes }))
}
