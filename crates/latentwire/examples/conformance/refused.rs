//! Files of entropy tables that every reader must refuse, each made of good ones by breaking one rule.

use std::ops::Range;

use latentwire::EntropyTables;

/// Where the fields of a file of tables begin.
const AXIS: usize = 5;
const TOP_SYMBOL: usize = AXIS + 1;
const MODELS: usize = TOP_SYMBOL + 1;
const FREQUENCIES: usize = MODELS + 4;

/// Names and bytes; `tables` has several models.
pub(crate) fn tables(tables: &EntropyTables) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = tables.to_bytes();
    let with = |range: Range<usize>, new: &[u8]| {
        let mut changed = bytes.clone();
        changed.splice(range, new.iter().copied());
        changed
    };
    let second_model = FREQUENCIES + 2 * tables.alphabet();
    let (end, none) = (bytes.len(), [0, 0]);
    vec![
        ("empty", Vec::new()),
        ("cut-in-front", with(FREQUENCIES - 1..end, &[])),
        ("other-magic", with(3..4, b"P")),
        ("other-version", with(4..5, &[2])),
        ("unknown-axis", with(AXIS..TOP_SYMBOL, &[3])),
        ("one-symbol", with(TOP_SYMBOL..MODELS, &[0])),
        ("no-model", with(MODELS..FREQUENCIES, &[0; 4])),
        ("two-shared-models", with(AXIS..TOP_SYMBOL, &[0])),
        ("models-beyond-memory", with(MODELS..FREQUENCIES, &[0xFF; 4])),
        ("cut-short", with(end - 1..end, &[])),
        ("trailing-byte", with(end..end, &[0])),
        ("frequency-of-zero", with(second_model + 2..second_model + 4, &none)),
        ("sum-too-small", with(second_model..second_model + 2, &[1, 0])),
        ("sum-too-large", with(second_model..second_model + 2, &[0, 16])),
    ]
}
