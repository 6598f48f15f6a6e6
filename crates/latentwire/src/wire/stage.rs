//! The lossless stage of a payload that is being written: tried, and kept if it helps.

use super::latents::Format;
use super::write::Compression;
use crate::codec::{Stage, Symbols, lossless};
use crate::entropy::EntropyTables;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Fingerprint, Shape};
use crate::resources::Dictionary;
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
            if let Some(route) = route {
                route.check_stands_for(Some(dictionary.fingerprint()), route.dictionary)?;
            }
            zstd_with(raw, level, dictionary)
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
        Compression::Auto { level, dictionaries, tables } => {
            smallest(raw, level, dictionaries, tables, format, shape, route)
        }
    }
}

/// The shortest of all that can be tried; `None` if that is the payload as it is.
fn smallest(
    raw: &[u8],
    level: i32,
    dictionaries: &[Dictionary],
    tables: &[EntropyTables],
    format: Format,
    shape: &Shape,
    route: Option<&Route<'_>>,
) -> Result<Option<Staged>> {
    // Off a route, the packet has to name what the stage is undone with.
    let length = |staged: &Staged| {
        let name = staged.resource.filter(|_| route.is_none());
        staged.bytes.len() + name.map_or(0, |name| name.0.len())
    };
    let mut best: Option<Staged> = None;
    let mut consider = |found: Option<Staged>| {
        let shortest = best.as_ref().map_or(raw.len(), length);
        if found.as_ref().is_some_and(|found| length(found) < shortest) {
            best = found;
        }
    };
    if cfg!(feature = "zstd") {
        consider(zstd(raw, level)?);
        let on_route = |dictionary: &&Dictionary| {
            route.is_none_or(|route| route.dictionary == Some(dictionary.fingerprint()))
        };
        for dictionary in dictionaries.iter().filter(on_route) {
            consider(zstd_with(raw, level, dictionary)?);
        }
    }
    if format.has_symbols() {
        let symbols = format.symbols(shape);
        let on_route = |tables: &&EntropyTables| {
            route.is_none_or(|route| route.tables == Some(tables.fingerprint()))
        };
        for tables in tables.iter().filter(on_route).filter(|tables| symbols.fit(tables)) {
            consider(entropy(raw, tables, &symbols)?);
        }
    }
    Ok(best)
}

fn zstd_with(raw: &[u8], level: i32, dictionary: &Dictionary) -> Result<Option<Staged>> {
    let bytes = lossless::compress_with(raw, level, Some(dictionary.as_bytes()))?;
    let (stage, resource) = (Stage::ZstdDictionary, Some(dictionary.fingerprint()));
    Ok(bytes.map(|bytes| Staged { stage, resource, bytes }))
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
