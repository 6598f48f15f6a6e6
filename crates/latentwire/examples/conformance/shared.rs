//! What readers are given beside the packets: entropy tables and a dictionary, and what they are made
//! from.

use latentwire::{
    Dictionary, EncodeOptions, Encoding, EntropyAxis, EntropyTables, Latents, Message, Resources,
    Values,
};

use crate::Failure;
use crate::valid::{CODEBOOK, holding, uniform};

pub(crate) struct Shared {
    /// For int4 by column, for int2, for int4 by row, for indices by row; the last two for at most 8
    /// rows.
    pub(crate) tables: [EntropyTables; 4],
    pub(crate) dictionary: Dictionary,
}

impl Shared {
    pub(crate) fn new() -> Result<Self, Failure> {
        let (column, row) = (EntropyAxis::Column, EntropyAxis::Row);
        let of_codes = (EncodeOptions::default(), CODES);
        let tables = [
            fit(numbers(Encoding::Int4), &peaked(&[64, 16])?, 16, column)?,
            fit(numbers(Encoding::Int2), &peaked(&[64, 16])?, 16, EntropyAxis::Shared)?,
            fit(numbers(Encoding::Int4), &graded(&[8, 64])?, 64, row)?,
            fit(of_codes, &graded_codes(&[8, 64])?, 64, row)?,
        ];
        let dictionary = uniform(&[4, 16], 1.0)?.encode(&EncodeOptions::default())?;
        Ok(Self { tables, dictionary: Dictionary::new(dictionary) })
    }

    pub(crate) fn resources(&self) -> Resources<'_> {
        let dictionaries = std::slice::from_ref(&self.dictionary);
        Resources::default().with_tables(&self.tables).with_dictionaries(dictionaries)
    }
}

/// How numbers are written, and how many symbols their codes have.
fn numbers(encoding: Encoding) -> (EncodeOptions<'static>, usize) {
    let options = EncodeOptions::default().with_encoding(encoding);
    (options, options.alphabet().unwrap_or_default())
}

/// Tables for messages like `sample`.
fn fit(
    (options, alphabet): (EncodeOptions<'_>, usize),
    sample: &Message<'_>,
    row_len: usize,
    axis: EntropyAxis,
) -> Result<EntropyTables, Failure> {
    let symbols = sample.latents.iter().map(|latents| options.symbols(latents));
    let symbols = symbols.collect::<latentwire::Result<Vec<_>>>()?;
    let messages = symbols.iter().map(Vec::as_slice);
    Ok(EntropyTables::fit(messages, row_len, alphabet, axis)?)
}

/// Numbers of which small ones are more frequent than large ones.
pub(crate) fn peaked(extents: &[usize]) -> Result<Message<'static>, Failure> {
    let even = uniform(extents, 1.0)?;
    let numbers = even.latents.iter().filter_map(|latents| latents.values.numbers()).flatten();
    holding(extents, &numbers.map(|x| x * x * x / 4.0).collect::<Vec<_>>())
}

/// The same, every second row more so than the one before it.
pub(crate) fn graded(extents: &[usize]) -> Result<Message<'static>, Failure> {
    let row_len = extents.last().copied().unwrap_or(1);
    let peaked = peaked(extents)?;
    let numbers = peaked.latents.iter().filter_map(|latents| latents.values.numbers()).flatten();
    let graded = numbers.enumerate().map(|(at, x)| {
        let is_odd = at / row_len % 2 == 1;
        if is_odd { x * x * x / 4.0 } else { *x }
    });
    holding(extents, &graded.collect::<Vec<_>>())
}

/// Entries of the codebook of [`graded_codes`], of which the last never comes.
const CODES: usize = 5;

/// Indices into a codebook that are distributed likewise.
pub(crate) fn graded_codes(extents: &[usize]) -> Result<Message<'static>, Failure> {
    let mut message = graded(extents)?;
    for latents in &mut message.latents {
        let index = |x: &f32| (x.abs() * 2.0) as u16;
        let codes: Vec<_> = latents.values.numbers().into_iter().flatten().map(index).collect();
        *latents = Latents {
            values: Values::Codes { codebook: CODEBOOK, size: CODES as u32, codes: codes.into() },
            ..latents.clone()
        };
    }
    Ok(message)
}
