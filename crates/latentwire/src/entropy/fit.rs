//! From counts to frequencies, in integers only: the same sample gives the same tables anywhere.

use super::tables::{MAX_ALPHABET, TOTAL};
use super::{EntropyAxis, EntropyTables};
use crate::error::{Error, ErrorKind, Result};

impl EntropyTables {
    /// Tables for symbols below `alphabet` that are distributed as in `messages`, each of which
    /// has whole rows of `row_len` symbols.
    ///
    /// Messages may have different numbers of rows; with [`EntropyAxis::Row`] there are models
    /// for as many as the longest has. A symbol that the sample lacks can be coded nevertheless,
    /// in 12 bits. Take tens of times more rows than the alphabet has symbols: a distribution
    /// counted from few is noise. Refuses, with `message.entropy`, an alphabet outside 2 to 256,
    /// symbols outside the alphabet, rows that are not whole, and a sample without a row.
    ///
    /// ```
    /// use latentwire::{EntropyAxis, EntropyTables};
    ///
    /// let sample = [0, 2, 1, 2, 0, 3, 1, 2]; // four rows of two columns
    /// let tables = EntropyTables::fit([&sample[..]], 2, 4, EntropyAxis::Column)?;
    /// let mut stream = Vec::new();
    /// tables.encode(&[1, 2, 0, 3], 2, &mut stream)?;
    ///
    /// let mut symbols = [0; 4];
    /// tables.decode(&stream, &mut symbols, 2)?;
    /// assert_eq!(symbols, [1, 2, 0, 3]);
    /// # Ok::<(), latentwire::Error>(())
    /// ```
    pub fn fit<'a>(
        messages: impl IntoIterator<Item = &'a [u8]>,
        row_len: usize,
        alphabet: usize,
        axis: EntropyAxis,
    ) -> Result<Self> {
        let refuse = |expected: &str, found: String| {
            Error::nowhere(ErrorKind::MessageEntropy, expected.to_owned(), found)
        };
        if !(2..=MAX_ALPHABET).contains(&alphabet) {
            return Err(refuse("an alphabet of 2 to 256 symbols", alphabet.to_string()));
        }
        let mut counts = Counts { axis, alphabet, symbols: Vec::new() };
        for message in messages {
            if row_len == 0 || !message.len().is_multiple_of(row_len) {
                let found = format!("{} symbols in rows of {row_len}", message.len());
                return Err(refuse("whole rows of at least one symbol", found));
            }
            for (index, row) in message.chunks_exact(row_len).enumerate() {
                counts.add(index, row).map_err(|symbol| {
                    refuse("symbols of the alphabet", format!("{symbol} of {alphabet}"))
                })?;
            }
        }
        if counts.symbols.is_empty() {
            return Err(refuse("a sample of at least one row", "none".into()));
        }
        let mut frequencies = Vec::with_capacity(counts.symbols.len());
        for model in counts.symbols.chunks_exact(alphabet) {
            frequencies.extend(quantise(model));
        }
        Ok(Self::new(axis, alphabet, &frequencies))
    }
}

struct Counts {
    axis: EntropyAxis,
    alphabet: usize,
    /// Model after model, how often each symbol was seen.
    symbols: Vec<u64>,
}

impl Counts {
    /// Counts the row of that index in its message, or gives a symbol outside the alphabet.
    fn add(&mut self, index: usize, row: &[u8]) -> Result<(), u8> {
        let (first, stride) = match self.axis {
            EntropyAxis::Shared => (0, 0),
            EntropyAxis::Column => (0, self.alphabet),
            EntropyAxis::Row => (index * self.alphabet, 0),
        };
        let needed = first + stride * (row.len() - 1) + self.alphabet;
        if self.symbols.len() < needed {
            self.symbols.resize(needed, 0);
        }
        for (column, &symbol) in row.iter().enumerate() {
            let within = Some(usize::from(symbol)).filter(|&symbol| symbol < self.alphabet);
            let at = within.map(|symbol| first + stride * column + symbol);
            *at.and_then(|at| self.symbols.get_mut(at)).ok_or(symbol)? += 1;
        }
        Ok(())
    }
}

/// Frequencies of at least 1 that add up to [`TOTAL`] and are near to `counts` by the method of
/// Webster and Sainte-Laguë: one at a time, the next goes to the symbol with the largest
/// count / (2 x frequency + 1), of several to the lowest.
///
/// An additional slot of a symbol saves count x log((frequency + 1) / frequency) bits, which is
/// that ratio to within a few percent; so the codes of the sample come out as short as the total
/// allows. Counts must add up to less than 2^52.
fn quantise(counts: &[u64]) -> Vec<u16> {
    let room = u64::from(TOTAL) - counts.len() as u64;
    let sum = counts.iter().sum::<u64>().max(1);
    // What the method gives at least, so that only a few are left to go one at a time.
    let mut frequencies: Vec<u64> =
        counts.iter().map(|count| (count * room / sum).max(1)).collect();
    for _ in frequencies.iter().sum()..u64::from(TOTAL) {
        // A fraction is larger if its product with the other's denominator is.
        let mut best: Option<(&u64, &mut u64)> = None;
        for (count, frequency) in counts.iter().zip(&mut frequencies) {
            let is_better = best.as_ref().is_none_or(|(best_count, best_frequency)| {
                count * (2 * **best_frequency + 1) > **best_count * (2 * *frequency + 1)
            });
            if is_better {
                best = Some((count, frequency));
            }
        }
        if let Some((_, frequency)) = best {
            *frequency += 1;
        }
    }
    frequencies.into_iter().map(|frequency| frequency as u16).collect()
}
