//! What both ends have beside the packets, and packets only name.

use std::fmt;
use std::sync::Arc;

use crate::entropy::EntropyTables;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Fingerprint;
use crate::route::Route;

/// A zstd dictionary, trained on payloads like those that it will help to compress.
///
/// A clone has the same bytes in memory and costs next to nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Dictionary {
    fingerprint: Fingerprint,
    bytes: Arc<[u8]>,
}

impl Dictionary {
    /// The dictionary of these bytes, as zstd writes them.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut fingerprint = Fingerprint([0; 16]);
        blake3::Hasher::new().update(&bytes).finalize_xof().fill(&mut fingerprint.0);
        Self { fingerprint, bytes: bytes.into() }
    }

    /// Names it: the first 16 bytes of its BLAKE3.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dictionary({}, {} bytes)", self.fingerprint, self.bytes.len())
    }
}

/// What a reader has: a route for compact packets, dictionaries and tables for lossless stages.
///
/// ```
/// use latentwire::{Dictionary, Resources};
///
/// let dictionaries = [Dictionary::new(b"what payloads often hold".to_vec())];
/// let resources = Resources::default().with_dictionaries(&dictionaries);
/// assert!(resources.route().is_none());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Resources<'a> {
    route: Option<Route<'a>>,
    dictionaries: &'a [Dictionary],
    tables: &'a [EntropyTables],
}

impl<'a> Resources<'a> {
    /// The route that compact packets are of.
    #[must_use]
    pub const fn route(&self) -> Option<&Route<'a>> {
        self.route.as_ref()
    }

    /// The same with a route.
    #[must_use]
    pub const fn with_route(mut self, route: &Route<'a>) -> Self {
        self.route = Some(*route);
        self
    }

    /// The same with dictionaries.
    #[must_use]
    pub const fn with_dictionaries(mut self, dictionaries: &'a [Dictionary]) -> Self {
        self.dictionaries = dictionaries;
        self
    }

    /// The same with the tables of entropy coders.
    #[must_use]
    pub const fn with_tables(mut self, tables: &'a [EntropyTables]) -> Self {
        self.tables = tables;
        self
    }

    /// The tables that a packet names, or else its route.
    pub(crate) fn tables(
        &self,
        named: Option<Fingerprint>,
        at: usize,
    ) -> Result<&'a EntropyTables> {
        let named = named_by(named, self.route(), |route| route.tables, "entropy tables")?;
        let known = self.tables.iter().find(|known| known.fingerprint() == named);
        known.ok_or_else(|| missing("entropy tables that are known here", named, at))
    }

    /// The dictionary that a packet names, or else its route.
    pub(crate) fn dictionary(
        &self,
        named: Option<Fingerprint>,
        at: usize,
    ) -> Result<&'a Dictionary> {
        let named = named_by(named, self.route(), |route| route.dictionary, "a dictionary")?;
        let known = self.dictionaries.iter().find(|known| known.fingerprint == named);
        known.ok_or_else(|| missing("a dictionary that is known here", named, at))
    }
}

/// What a packet names itself, or else its route.
pub(crate) fn named_by(
    named: Option<Fingerprint>,
    route: Option<&Route<'_>>,
    by_route: impl Fn(&Route<'_>) -> Option<Fingerprint>,
    what: &str,
) -> Result<Fingerprint> {
    named.or_else(|| route.and_then(by_route)).ok_or_else(|| {
        let expected = format!("a route that names {what}");
        let found = if route.is_some() { "one that does not" } else { "none" };
        Error::nowhere(ErrorKind::HeaderRoute, expected, found)
    })
}

fn missing(expected: &'static str, named: Fingerprint, at: usize) -> Error {
    Error::at(ErrorKind::LatentsResource, at, expected, named.to_string())
}
