//! The models: how many of 4096 slots each symbol has, and the file that holds them.

use std::borrow::Cow;
use std::sync::Arc;

use super::EntropyAxis;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Fingerprint;

/// The slots of a model. Twelve bits: with 14, Gaussian codes would be 0.01% shorter at 8 bits
/// and no shorter below, and a decoder's tables four times as large.
pub(super) const TOTAL: u32 = 1 << TOTAL_BITS;
pub(super) const TOTAL_BITS: u32 = 12;
/// Symbols are bytes.
pub(super) const MAX_ALPHABET: usize = 256;
/// A byte that begins no text, "LWE", and the version of this file format.
const MAGIC: [u8; 5] = *b"\x89LWE\x01";
const AXIS_AT: usize = MAGIC.len();
const TOP_SYMBOL_AT: usize = AXIS_AT + 1;
const NUM_MODELS_AT: usize = TOP_SYMBOL_AT + 1;
const FRONT_LEN: usize = NUM_MODELS_AT + 4;
const FREQUENCY_LEN: usize = 2;
/// Where there are several models, [`EntropyTables::coarse`] has 16 times as many entries for each
/// as the alphabet has symbols, but not more than this power of two: the models of a whole row
/// are to stay in a processor's nearest caches.
const MAX_COARSE_BITS: u32 = 10;
const COARSE_BITS_A_SYMBOL: u32 = 4;

/// The slots of one symbol: `width` of them from `start` on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u16,
    pub(super) width: u16,
}

const EVERY_SLOT: Span = Span { start: 0, width: TOTAL as u16 };

/// Static models of quantised latents: one for all symbols, one a column, or one a row.
///
/// They belong to a latent space. Packets name them by [`fingerprint`](Self::fingerprint) and
/// never carry them. A clone has the same models in memory and costs next to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntropyTables {
    axis: EntropyAxis,
    alphabet: usize,
    /// Model after model, the symbols of each ascending.
    spans: Arc<[Span]>,
    /// Model after model, the symbol of every slot that is a multiple of 2^`coarse_shift`. That
    /// of a slot after it is the same or soon after it.
    coarse: Arc<[u8]>,
    coarse_shift: u32,
    fingerprint: Fingerprint,
}

impl EntropyTables {
    /// Tables of models with `alphabet` frequencies each, every one at least 1, which add up to
    /// [`TOTAL`]; both callers have made sure.
    pub(super) fn new(axis: EntropyAxis, alphabet: usize, frequencies: &[u16]) -> Self {
        let num_models = frequencies.len() / alphabet;
        let coarse_bits = match num_models {
            1 => TOTAL_BITS,
            _ => (alphabet.ilog2() + COARSE_BITS_A_SYMBOL).min(MAX_COARSE_BITS),
        };
        let coarse_shift = TOTAL_BITS - coarse_bits;
        let mut spans = Vec::with_capacity(frequencies.len());
        let mut coarse = Vec::with_capacity(num_models << coarse_bits);
        for model in frequencies.chunks_exact(alphabet) {
            let mut start = 0;
            for (symbol, &width) in model.iter().enumerate() {
                spans.push(Span { start, width });
                let multiples_below = |slot: u16| usize::from(slot).div_ceil(1 << coarse_shift);
                let count = multiples_below(start + width) - multiples_below(start);
                coarse.extend(std::iter::repeat_n(symbol as u8, count));
                start += width;
            }
        }
        let (spans, coarse) = (spans.into(), coarse.into());
        let fingerprint = Fingerprint([0; 16]);
        let mut tables = Self { axis, alphabet, spans, coarse, coarse_shift, fingerprint };
        let digest = blake3::hash(&tables.to_bytes());
        for (byte, &digest) in tables.fingerprint.0.iter_mut().zip(digest.as_bytes()) {
            *byte = digest;
        }
        tables
    }

    /// Reads a file of tables, which must fill `bytes`.
    ///
    /// Refuses whatever [`to_bytes`](Self::to_bytes) does not write with `entropy.tables`, at an
    /// offset in the file. What it allocates is in proportion to the bytes that are there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((front, body)) = bytes.split_first_chunk() else {
            let expected = format!("at least {FRONT_LEN} bytes");
            return Err(refuse(bytes.len(), expected, bytes.len().to_string()));
        };
        let Front { axis, alphabet, num_models } = Front::read(front)?;
        let body_len = u64::from(num_models) * (alphabet * FREQUENCY_LEN) as u64;
        if body.len() as u64 != body_len {
            let file_len = FRONT_LEN as u64 + body_len;
            let at = file_len.min(bytes.len() as u64) as usize;
            return Err(refuse(at, format!("{file_len} bytes"), bytes.len().to_string()));
        }
        let (body, _) = body.as_chunks();
        let frequencies: Vec<u16> = body.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
        for (index, model) in frequencies.chunks_exact(alphabet).enumerate() {
            let at = FRONT_LEN + index * alphabet * FREQUENCY_LEN;
            if let Some(symbol) = model.iter().position(|&frequency| frequency == 0) {
                let at = at + symbol * FREQUENCY_LEN;
                return Err(refuse(at, "a frequency of at least 1", "0"));
            }
            let sum = model.iter().copied().map(u32::from).sum::<u32>();
            if sum != TOTAL {
                let expected = format!("frequencies of model {index} with a sum of {TOTAL}");
                return Err(refuse(at, expected, sum.to_string()));
            }
        }
        Ok(Self::new(axis, alphabet, &frequencies))
    }

    /// The file that [`from_bytes`](Self::from_bytes) reads; the same tables have the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FRONT_LEN + self.spans.len() * FREQUENCY_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[self.axis.code(), (self.alphabet - 1) as u8]);
        out.extend_from_slice(&(self.num_models() as u32).to_le_bytes());
        for span in &*self.spans {
            out.extend_from_slice(&span.width.to_le_bytes());
        }
        out
    }

    /// The first 16 bytes of the BLAKE3 of [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// What the models are for.
    #[must_use]
    pub fn axis(&self) -> EntropyAxis {
        self.axis
    }

    /// How many symbols there are: 2 to 256, from 0 up.
    #[must_use]
    pub fn alphabet(&self) -> usize {
        self.alphabet
    }

    /// How many models there are: one, as many as a row has columns, or as many as a message has
    /// rows at most.
    #[must_use]
    pub fn num_models(&self) -> usize {
        self.spans.len() / self.alphabet
    }

    /// The model of the first symbol of a row.
    pub(super) fn model_of_row(&self, row: usize) -> usize {
        if self.axis == EntropyAxis::Row { row } else { 0 }
    }

    /// From the model of a symbol to that of the next one in its row.
    pub(super) fn models_a_column(&self) -> usize {
        usize::from(self.axis == EntropyAxis::Column)
    }

    /// The slots of a symbol of the alphabet.
    #[inline]
    pub(super) fn span(&self, model: usize, symbol: u8) -> Span {
        let index = model * self.alphabet + usize::from(symbol);
        self.spans.get(index).copied().unwrap_or_default()
    }

    /// The symbol that has this slot, and all its slots.
    #[inline]
    pub(super) fn find(&self, model: usize, slot: u16) -> (u8, Span) {
        let coarse = model << (TOTAL_BITS - self.coarse_shift);
        let near = self.coarse.get(coarse + usize::from(slot >> self.coarse_shift));
        let mut symbol = usize::from(near.copied().unwrap_or_default());
        loop {
            let index = model * self.alphabet + symbol;
            let span = self.spans.get(index).copied().unwrap_or(EVERY_SLOT);
            if slot.wrapping_sub(span.start) < span.width {
                return (symbol as u8, span);
            }
            symbol += 1;
        }
    }
}

/// What a file says before its frequencies.
struct Front {
    axis: EntropyAxis,
    alphabet: usize,
    num_models: u32,
}

impl Front {
    fn read(bytes: &[u8; FRONT_LEN]) -> Result<Self> {
        let [m0, m1, m2, m3, m4, axis_code, top_symbol, n0, n1, n2, n3] = *bytes;
        let magic = [m0, m1, m2, m3, m4];
        if magic != MAGIC {
            return Err(refuse(0, format!("{MAGIC:02x?}"), format!("{magic:02x?}")));
        }
        let axis = EntropyAxis::from_code(axis_code).ok_or_else(|| {
            let expected = "0 (shared), 1 (column) or 2 (row)";
            refuse(AXIS_AT, expected, axis_code.to_string())
        })?;
        if top_symbol == 0 {
            return Err(refuse(TOP_SYMBOL_AT, "a highest symbol of at least 1", "0"));
        }
        let num_models = u32::from_le_bytes([n0, n1, n2, n3]);
        let (allowed, expected) = match axis {
            EntropyAxis::Shared => (num_models == 1, "1 model"),
            EntropyAxis::Column | EntropyAxis::Row => (num_models > 0, "at least 1 model"),
        };
        if !allowed {
            return Err(refuse(NUM_MODELS_AT, expected, num_models.to_string()));
        }
        Ok(Self { axis, alphabet: usize::from(top_symbol) + 1, num_models })
    }
}

#[cold]
fn refuse(
    at: usize,
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> Error {
    Error::at(ErrorKind::EntropyTables, at, expected, found)
}
