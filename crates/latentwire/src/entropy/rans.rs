//! The coder: rANS on states of 32 bits, several of which take turns, with words of 16 bits.
//!
//! A state holds the symbols that are still to come as one number. To put a symbol in front of
//! them is the exact inverse of taking it out, at every state that can occur, because [`LOW`] is
//! a multiple of the [`TOTAL`]. So a decoder that ends where every encoder begins has read what
//! the encoder writes for these symbols, and nothing else would have been accepted.
//!
//! The encoder goes from the last symbol to the first, the decoder forwards. Which symbol needs a
//! word is as good as random, so both do the work for one without asking, and then keep it or not:
//! a branch would be mispredicted for every fifth symbol or so.

use super::EntropyTables;
use super::tables::{Span, TOTAL, TOTAL_BITS};
use crate::error::{Error, ErrorKind, Result};

/// Between two symbols a state is at least this, and below 2^32. An encoder begins with it in
/// every state, a decoder must end with it.
const LOW: u32 = 1 << WORD_BITS;
const WORD_BITS: u32 = 16;
const STATE_LEN: usize = 4;
const WORD_LEN: usize = 2;
/// The states of a stream of [`MANY`] symbols or more. A processor works on all of them at once,
/// and each costs three bytes; a shorter stream has one.
const LANES: usize = 4;
const MANY: usize = 4096;

const _: () = assert!(LOW.is_multiple_of(TOTAL), "taking out inverts putting in front");

/// 2^[`RECIPROCAL_BITS`] / width, rounded up, for every width of a span. To multiply by it divides
/// a state exactly: what rounding adds to the quotient is below 2^32 / 2^63, less than the
/// 1 / width that is missing to the next integer.
static RECIPROCALS: [u64; TOTAL as usize] = {
    let mut all = [0; TOTAL as usize];
    let mut width = 1;
    while width < all.len() {
        #[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
        {
            all[width] = (1_u64 << RECIPROCAL_BITS).div_ceil(width as u64);
        }
        width += 1;
    }
    all
};
const RECIPROCAL_BITS: u32 = 63;

/// Appends the stream of `symbols`, whose tables fit them.
pub(super) fn encode(symbols: &[u8], row_len: usize, tables: &EntropyTables, out: &mut Vec<u8>) {
    if symbols.len() < MANY {
        encode_lanes::<1>(symbols, row_len, tables, out);
    } else {
        encode_lanes::<LANES>(symbols, row_len, tables, out);
    }
}

fn encode_lanes<const N: usize>(
    symbols: &[u8],
    row_len: usize,
    tables: &EntropyTables,
    out: &mut Vec<u8>,
) {
    // A symbol pushes at most one word out of its state, and the last word comes first.
    let front = out.len() + N * STATE_LEN;
    out.resize(front + symbols.len() * WORD_LEN, 0);
    let (words, _) = out.get_mut(front..).unwrap_or_default().as_chunks_mut();
    let mut words = Words { words, unused: symbols.len() };
    let mut states = [LOW; N];
    let stride = tables.models_a_column();
    for (index, row) in symbols.chunks_exact(row_len).enumerate().rev() {
        let (groups, rest) = row.as_chunks::<N>();
        let mut model = tables.model_of_row(index) + stride * row.len();
        // The lanes of the next row go on where those of this row stop.
        states.rotate_right(rest.len());
        for (state, &symbol) in states.iter_mut().zip(rest).rev() {
            model -= stride;
            push(state, tables.span(model, symbol), &mut words);
        }
        for group in groups.iter().rev() {
            for (state, &symbol) in states.iter_mut().zip(group).rev() {
                model -= stride;
                push(state, tables.span(model, symbol), &mut words);
            }
        }
    }
    let unused = words.unused * WORD_LEN;
    let (states_at, words_at) = (front - N * STATE_LEN, front + unused);
    let front_bytes = out.get_mut(states_at..front).unwrap_or_default();
    for (bytes, state) in front_bytes.as_chunks_mut().0.iter_mut().zip(states) {
        *bytes = state.to_le_bytes();
    }
    out.copy_within(words_at.., front);
    out.truncate(out.len() - unused);
}

/// Room for a word a symbol, filled from its end.
struct Words<'a> {
    words: &'a mut [[u8; WORD_LEN]],
    unused: usize,
}

/// Puts a symbol in front of those that `state` holds.
#[inline]
fn push(state: &mut u32, Span { start, width }: Span, words: &mut Words<'_>) {
    let wide = u32::from(width);
    let full = *state >> (u32::BITS - TOTAL_BITS) >= wide;
    if let Some(word) = words.words.get_mut(words.unused - 1) {
        *word = (*state as u16).to_le_bytes();
    }
    words.unused -= usize::from(full);
    *state = if full { *state >> WORD_BITS } else { *state };
    let reciprocal = RECIPROCALS.get(usize::from(width)).copied().unwrap_or_default();
    let quotient = ((u128::from(*state) * u128::from(reciprocal)) >> RECIPROCAL_BITS) as u32;
    let remainder = *state - quotient * wide;
    *state = (quotient << TOTAL_BITS) + remainder + u32::from(start);
}

/// Takes symbols out of a stream, piece by piece.
pub(crate) struct Decoder<'a> {
    tables: &'a EntropyTables,
    words: &'a [[u8; WORD_LEN]],
    /// The word that is taken next.
    next: usize,
    states: [u32; LANES],
    /// How many of the states there are.
    lanes: usize,
    row_len: usize,
    /// The place of the next symbol.
    row: usize,
    column: usize,
    /// Symbols that are still to come.
    left: usize,
    /// The first byte of the stream, and its length.
    at: usize,
    len: usize,
}

impl<'a> Decoder<'a> {
    /// Begins with the stream `bytes` at byte `at` of the packet, of `count` symbols in rows of
    /// `row_len` that fit the tables.
    pub(super) fn new(
        bytes: &'a [u8],
        at: usize,
        count: usize,
        row_len: usize,
        tables: &'a EntropyTables,
    ) -> Result<Self> {
        let lanes = if count < MANY { 1 } else { LANES };
        let (front, rest) = bytes.split_at_checked(lanes * STATE_LEN).unwrap_or_default();
        let (words, odd) = rest.as_chunks();
        if front.is_empty() || !odd.is_empty() {
            let expected = format!("{} bytes of states, then words of 2 bytes", lanes * STATE_LEN);
            return Err(refuse(at, expected, bytes.len().to_string()));
        }
        let mut states = [LOW; LANES];
        for (lane, (state, bytes)) in states.iter_mut().zip(front.as_chunks().0).enumerate() {
            *state = u32::from_le_bytes(*bytes);
            if *state < LOW {
                let expected = format!("a state of at least {LOW}");
                return Err(refuse(at + lane * STATE_LEN, expected, state.to_string()));
            }
        }
        let len = bytes.len();
        let (next, row, column) = (0, 0, 0);
        Ok(Self { tables, words, next, states, lanes, row_len, row, column, left: count, at, len })
    }

    /// Decodes the next symbols: whole rows, or a piece of one, a whole number of [`LANES`] or the end
    /// of the row.
    pub(crate) fn fill(&mut self, symbols: &mut [u8]) -> Result<()> {
        for symbols in symbols.chunks_mut(self.row_len) {
            if self.lanes == 1 {
                self.fill_lanes::<1>(symbols);
            } else {
                self.fill_lanes::<LANES>(symbols);
            }
            self.left = self.left.saturating_sub(symbols.len());
            self.column += symbols.len();
            if self.column >= self.row_len {
                (self.row, self.column) = (self.row + 1, 0);
            }
            // Words that are missing were read as zeros; to ask once a row is soon enough.
            if self.next > self.words.len() {
                return Err(self.refuse_length());
            }
        }
        Ok(())
    }

    fn fill_lanes<const N: usize>(&mut self, symbols: &mut [u8]) {
        let Some(lanes) = self.states.first_chunk_mut::<N>() else { return };
        let (mut states, mut next) = (*lanes, self.next);
        let stride = self.tables.models_a_column();
        let mut model = self.tables.model_of_row(self.row) + stride * self.column;
        let (groups, rest) = symbols.as_chunks_mut::<N>();
        for group in groups {
            for (state, symbol) in states.iter_mut().zip(group) {
                *symbol = pop(state, self.tables, model, self.words, &mut next);
                model += stride;
            }
        }
        let rest_len = rest.len();
        for (state, symbol) in states.iter_mut().zip(rest) {
            *symbol = pop(state, self.tables, model, self.words, &mut next);
            model += stride;
        }
        // The lanes of the next row go on where those of this row stop.
        states.rotate_left(rest_len);
        (*lanes, self.next) = (states, next);
    }

    /// Decodes what nobody has asked for, and checks that the stream ends with it.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if self.left > 0 {
            self.drain()?;
        }
        if self.next != self.words.len() {
            return Err(self.refuse_length());
        }
        match self.states.iter().find(|&&state| state != LOW) {
            None => Ok(()),
            Some(state) => {
                let expected = format!("every state to end as {LOW}");
                Err(refuse(self.at + self.len, expected, state.to_string()))
            }
        }
    }

    #[cold]
    fn drain(&mut self) -> Result<()> {
        let mut symbols = [0; MANY];
        while self.left > 0 {
            let count = self.left.min(self.row_len - self.column).min(MANY);
            self.fill(symbols.get_mut(..count).unwrap_or_default())?;
        }
        Ok(())
    }

    #[cold]
    fn refuse_length(&self) -> Error {
        let needed = self.lanes * STATE_LEN + self.next * WORD_LEN;
        let relation = if self.next > self.words.len() { "at least " } else { "" };
        let expected = format!("{relation}{needed} bytes");
        refuse(self.at + needed.min(self.len), expected, self.len.to_string())
    }
}

#[cold]
fn refuse(at: usize, expected: String, found: String) -> Error {
    Error::at(ErrorKind::LatentsEntropy, at, expected, found)
}

/// Takes the first symbol out of those that `state` holds.
#[inline]
fn pop(
    state: &mut u32,
    tables: &EntropyTables,
    model: usize,
    words: &[[u8; WORD_LEN]],
    next: &mut usize,
) -> u8 {
    let slot = *state % TOTAL;
    let (symbol, span) = tables.find(model, slot as u16);
    *state = (*state >> TOTAL_BITS) * u32::from(span.width) + slot - u32::from(span.start);
    let word = u16::from_le_bytes(words.get(*next).copied().unwrap_or_default());
    let needed = *state < LOW;
    let refilled = *state << WORD_BITS | u32::from(word);
    *state = if needed { refilled } else { *state };
    *next += usize::from(needed);
    symbol
}
