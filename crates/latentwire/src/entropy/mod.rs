//! The entropy stage: quantised latents by models that both ends already have.
//!
//! The codes of latents are short numbers with a bell-shaped distribution that is the same for
//! every message of a latent space. A general compressor has to learn it from each message anew,
//! and 8 KiB are too few for that; here it is counted once over many messages, put into
//! [`EntropyTables`], and named by a fingerprint. A message then takes the bits that the models
//! say, and a few bytes.
//!
//! This module knows symbols in rows and nothing of packets, encodings or scales: a symbol is a
//! code of the payload, made unsigned.

mod fit;
mod rans;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use rans::Decoder;
pub use tables::EntropyTables;

use crate::error::{Error, ErrorKind, Result};

/// What a model of [`EntropyTables`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntropyAxis {
    /// One model for all symbols.
    Shared,
    /// A model for each place in a row, that is for each dimension of the latent space.
    Column,
    /// A model for each row of a message.
    Row,
}

impl EntropyAxis {
    /// Every axis, in the order of the codes.
    pub const ALL: &[Self] = &[Self::Shared, Self::Column, Self::Row];

    /// The name used in text, for example `column`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Column => "column",
            Self::Row => "row",
        }
    }

    /// The axis of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|axis| axis.name() == name)
    }

    const fn code(self) -> u8 {
        match self {
            Self::Shared => 0,
            Self::Column => 1,
            Self::Row => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|axis| axis.code() == code)
    }
}

impl EntropyTables {
    /// Appends the stream of `symbols`, which stand in rows of `row_len`.
    ///
    /// It takes 12 bits a symbol at worst, and up to 16 bytes. Refuses symbols outside the alphabet and rows that the tables have no models for, with `message.entropy`;
    /// `out` is then as it was.
    pub fn encode(&self, symbols: &[u8], row_len: usize, out: &mut Vec<u8>) -> Result<()> {
        let refuse =
            |expected, found| Err(Error::nowhere(ErrorKind::MessageEntropy, expected, found));
        if let Err((expected, found)) = self.check_rows(symbols.len(), row_len) {
            return refuse(expected, found);
        }
        let alphabet = self.alphabet();
        if usize::from(symbols.iter().copied().max().unwrap_or(0)) >= alphabet {
            let outside = |&(_, &symbol): &(usize, &u8)| usize::from(symbol) >= alphabet;
            let culprit = symbols.iter().enumerate().find(outside).unwrap_or((0, &0));
            let expected = format!("symbols below {alphabet}");
            return refuse(expected, format!("{} at element {}", culprit.1, culprit.0));
        }
        rans::encode(symbols, row_len, self, out);
        Ok(())
    }

    /// Restores `symbols`, which stand in rows of `row_len`, from their stream.
    ///
    /// Allocates nothing. Accepts exactly what [`encode`](Self::encode) appends for the symbols
    /// that come out, and refuses everything else with `latents.entropy`, at an offset counted
    /// from the start of `stream`; what `symbols` hold is then of no use.
    pub fn decode(&self, stream: &[u8], symbols: &mut [u8], row_len: usize) -> Result<()> {
        let mut decoder = self.decoder(stream, 0, symbols.len(), row_len)?;
        decoder.fill(symbols)?;
        decoder.finish()
    }

    /// Begins to decode the stream of `count` symbols, which lies at byte `at` of a packet.
    pub(crate) fn decoder<'a>(
        &'a self,
        stream: &'a [u8],
        at: usize,
        count: usize,
        row_len: usize,
    ) -> Result<Decoder<'a>> {
        if let Err((expected, found)) = self.check_rows(count, row_len) {
            return Err(Error::at(ErrorKind::LatentsEntropy, at, expected, found));
        }
        Decoder::new(stream, at, count, row_len, self)
    }

    /// Whether there is a model for each of `count` symbols in rows of `row_len`; otherwise what
    /// would fit and what was found. A message may have fewer rows than there are models: its
    /// first rows are a message too.
    pub(crate) fn check_rows(&self, count: usize, row_len: usize) -> Result<(), (String, String)> {
        if row_len == 0 || !count.is_multiple_of(row_len) {
            let found = format!("{count} symbols in rows of {row_len}");
            return Err(("whole rows of at least one symbol".into(), found));
        }
        let (num_rows, num_models) = (count / row_len, self.num_models());
        match self.axis() {
            EntropyAxis::Column if row_len != num_models => {
                Err((format!("rows of {num_models} symbols"), row_len.to_string()))
            }
            EntropyAxis::Row if num_rows > num_models => {
                Err((format!("at most {num_models} rows"), num_rows.to_string()))
            }
            _ => Ok(()),
        }
    }
}
