//! What the coder keeps: exactness, canonical bytes, the size that is promised, and what it
//! refuses.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::checksum;

/// `SplitMix64`, for samples that are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number that is close to normal, with a deviation of 1: the sum of twelve uniform ones.
    fn normal(&mut self) -> f64 {
        let unit = |bits: u64| bits as f64 / f64::from(1 << 16);
        let sum = (0..3).map(|_| {
            let bits = self.next();
            (0..4).map(|part| unit(bits >> (16 * part) & 0xFFFF)).sum::<f64>()
        });
        sum.sum::<f64>() - 6.0
    }
}

fn encode(tables: &EntropyTables, symbols: &[u8], row_len: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    tables.encode(symbols, row_len, &mut stream).unwrap();
    stream
}

fn decode(tables: &EntropyTables, stream: &[u8], count: usize, row_len: usize) -> Result<Vec<u8>> {
    let mut symbols = vec![0xFF; count];
    tables.decode(stream, &mut symbols, row_len).map(|()| symbols)
}

/// The bytes of a file of tables.
fn file(axis: EntropyAxis, frequencies: &[&[u16]]) -> Vec<u8> {
    let top_symbol = frequencies[0].len() as u8 - 1;
    let mut bytes = vec![0x89, b'L', b'W', b'E', 1, axis.code(), top_symbol];
    bytes.extend((frequencies.len() as u32).to_le_bytes());
    bytes.extend(frequencies.iter().copied().flatten().flat_map(|count| count.to_le_bytes()));
    bytes
}

fn shared(frequencies: &[u16]) -> EntropyTables {
    EntropyTables::from_bytes(&file(EntropyAxis::Shared, &[frequencies])).unwrap()
}

/// Frequencies as numbers, model after model.
fn frequencies(tables: &EntropyTables) -> Vec<Vec<u16>> {
    let bytes = tables.to_bytes();
    let (counts, _) = bytes[11..].as_chunks();
    let counts: Vec<u16> = counts.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
    counts.chunks(tables.alphabet()).map(<[u16]>::to_vec).collect()
}

/// Tables, and a message for them that is distributed in another way than their sample.
#[derive(Clone, Debug)]
struct Case {
    tables: EntropyTables,
    row_len: usize,
    symbols: Vec<u8>,
}

fn cases() -> impl Strategy<Value = Case> {
    let alphabet = prop_oneof![Just(2_usize), Just(3), Just(15), Just(256), 2_usize..=256];
    let axis = prop::sample::select(EntropyAxis::ALL);
    // Few symbols have one state and many have four, which shift from row to row.
    let rows = prop_oneof![7 => (0_usize..6, 1_usize..40), 1 => (41_usize..44, 98_usize..102)];
    (axis, alphabet, rows, any::<u64>()).prop_map(|(axis, alphabet, (num_rows, row_len), seed)| {
        let mut random = Random(seed);
        let mut symbols = |num_rows: usize, alphabet: usize| -> Vec<u8> {
            (0..num_rows * row_len).map(|_| (random.next() % alphabet as u64) as u8).collect()
        };
        let sample = symbols(num_rows.max(1), alphabet.div_ceil(2));
        Case {
            tables: EntropyTables::fit([&sample[..]], row_len, alphabet, axis).unwrap(),
            row_len,
            symbols: symbols(num_rows, alphabet),
        }
    })
}

proptest! {
    #[test]
    fn what_is_decoded_is_what_was_encoded(case in cases()) {
        let stream = encode(&case.tables, &case.symbols, case.row_len);
        let found = decode(&case.tables, &stream, case.symbols.len(), case.row_len).unwrap();
        prop_assert_eq!(&found, &case.symbols);
        // 12 bits a symbol at worst, and what four states take.
        prop_assert!(stream.len() <= case.symbols.len() * 12 / 8 + 18);
    }

    #[test]
    fn what_is_accepted_is_what_is_written(
        case in cases(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut stream = encode(&case.tables, &case.symbols, case.row_len);
        for (index, flip) in flips {
            *index.get_mut(&mut stream) ^= flip;
        }
        if let Ok(found) = decode(&case.tables, &stream, case.symbols.len(), case.row_len) {
            prop_assert_eq!(encode(&case.tables, &found, case.row_len), stream);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_stream_or_a_canonical_one(
        case in cases(),
        stream in vec(any::<u8>(), 0..64),
    ) {
        if let Ok(found) = decode(&case.tables, &stream, case.symbols.len(), case.row_len) {
            prop_assert_eq!(encode(&case.tables, &found, case.row_len), stream);
        }
    }

    #[test]
    fn tables_are_what_their_file_says(case in cases()) {
        let bytes = case.tables.to_bytes();
        let read = EntropyTables::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&read, &case.tables);
        prop_assert_eq!(read.to_bytes(), bytes);
    }

    #[test]
    fn arbitrary_bytes_are_no_tables_or_canonical_ones(
        case in cases(),
        index: prop::sample::Index,
        value: u8,
    ) {
        let mut bytes = case.tables.to_bytes();
        *index.get_mut(&mut bytes) = value;
        if let Ok(read) = EntropyTables::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn every_frequency_is_near_its_share(sample in vec(0_u8..20, 1..400)) {
        let tables = EntropyTables::fit([&sample[..]], 1, 20, EntropyAxis::Shared).unwrap();
        for (symbol, &frequency) in frequencies(&tables)[0].iter().enumerate() {
            let count = sample.iter().filter(|&&found| usize::from(found) == symbol).count();
            let share = count as f64 * 4096.0 / sample.len() as f64;
            // Symbols that the sample lacks have one each, at the expense of the others.
            let lack = 1.0 + 20.0 * share / 4096.0;
            prop_assert!((f64::from(frequency) - share).abs() <= lack, "{frequency} for {share}");
        }
    }
}

/// Of all numbers that a state could begin with, those are accepted that two symbols begin with.
#[test]
fn small_streams_are_one_to_one() {
    let tables = shared(&[2500, 1596]);
    let written: BTreeSet<[u8; 4]> = (0..4)
        .map(|number| encode(&tables, &[number / 2, number % 2], 2).try_into().unwrap())
        .collect();
    let accepted: BTreeSet<[u8; 4]> = (0..1_u32 << 19)
        .map(u32::to_le_bytes)
        .filter(|stream| decode(&tables, stream, 2, 2).is_ok())
        .collect();
    assert_eq!(written.len(), 4);
    assert_eq!(accepted, written);
}

/// The example of the specification.
#[test]
fn golden_bytes_of_one_state() {
    let tables = shared(&[16, 4064, 16]);
    assert_eq!(tables.to_bytes(), b"\x89LWE\x01\x00\x02\x01\x00\x00\x00\x10\x00\xE0\x0F\x10\x00");
    assert_eq!(tables.fingerprint().to_string(), "90a4c47b03876ed920a25f1aa42d815f");
    assert_eq!(encode(&tables, &[0, 1, 2, 0], 2), [0x00, 0x20, 0x12, 0x01, 0x00, 0x00]);
}

/// Rows that are no multiple of four long, so that the states shift from row to row.
#[test]
fn golden_bytes_of_four_states() {
    let columns: &[&[u16]] = &[&[4000, 90, 6], &[6, 4000, 90], &[1365, 1366, 1365]];
    let tables = EntropyTables::from_bytes(&file(EntropyAxis::Column, columns)).unwrap();
    let mut random = Random(1);
    let symbols: Vec<u8> = (0..4098).map(|_| (random.next() % 3) as u8).collect();
    let stream = encode(&tables, &symbols, 3);
    assert_eq!(decode(&tables, &stream, symbols.len(), 3).unwrap(), symbols);
    assert_eq!((stream.len(), checksum::of(&stream)), (1976, 0xACC1_114D));
}

#[test]
fn golden_tables_of_a_sample() {
    let sample = [3, 3, 3, 3, 3, 3, 3, 0, 3, 1];
    let tables = EntropyTables::fit([&sample[..]], 2, 5, EntropyAxis::Column).unwrap();
    assert_eq!(frequencies(&tables), [[1, 1, 1, 4092, 1], [819, 819, 1, 2456, 1]]);
    let sample = [&sample[..6], &sample[6..]];
    let tables = EntropyTables::fit(sample, 2, 5, EntropyAxis::Row).unwrap();
    assert_eq!(tables.num_models(), 3);
}

/// Within 3% of the entropy of every dimension and 24 bytes, on Gaussian codes of 32 x 256 whose
/// dimensions have different deviations: the sum of many messages, and each against the bits
/// that its own symbols have under the distribution of the sample.
#[test]
fn sizes_are_within_three_percent_of_the_entropy() {
    const ROWS: usize = 32;
    const COLUMNS: usize = 256;
    // Codes of absmax int4, of ternary int2, of 2-bit FSQ: number of them, deviation in steps.
    for (alphabet, deviation) in [(15, 2.4), (3, 0.5), (4, 0.9)] {
        let mut random = Random(alphabet as u64);
        let middle = (alphabet - 1) as f64 / 2.0;
        let mut message = || -> Vec<u8> {
            let symbol = |index: usize| {
                let spread = 0.5 + (index % COLUMNS) as f64 / COLUMNS as f64;
                let number = random.normal() * deviation * spread + middle;
                number.round().clamp(0.0, (alphabet - 1) as f64) as u8
            };
            (0..ROWS * COLUMNS).map(symbol).collect()
        };
        let sample: Vec<Vec<u8>> = (0..60).map(|_| message()).collect();
        let slices = sample.iter().map(Vec::as_slice);
        let tables = EntropyTables::fit(slices, COLUMNS, alphabet, EntropyAxis::Column).unwrap();

        let mut counts = vec![0.0_f64; COLUMNS * alphabet];
        for (index, &symbol) in sample.iter().flat_map(|message| message.iter().enumerate()) {
            counts[index % COLUMNS * alphabet + usize::from(symbol)] += 1.0;
        }
        let per_column = (sample.len() * ROWS) as f64;
        let bits = |count: f64| -(count.max(0.5) / per_column).log2();
        let entropy = counts.iter().map(|&count| count / per_column * bits(count)).sum::<f64>();
        let entropy_bytes = entropy * ROWS as f64 / 8.0;

        let mut total = 0;
        for _ in 0..20 {
            let symbols = message();
            let stream = encode(&tables, &symbols, COLUMNS);
            assert_eq!(decode(&tables, &stream, symbols.len(), COLUMNS).unwrap(), symbols);
            let own_bits = symbols.iter().enumerate().map(|(index, &symbol)| {
                bits(counts[index % COLUMNS * alphabet + usize::from(symbol)])
            });
            let own_bytes = own_bits.sum::<f64>() / 8.0;
            let size = stream.len() as f64;
            assert!(size <= own_bytes * 1.03 + 24.0, "{alphabet}: {size} for {own_bytes}");
            total += stream.len();
        }
        let mean = f64::from(total as u32) / 20.0;
        assert!(mean <= entropy_bytes * 1.03 + 24.0, "{alphabet}: {mean} for {entropy_bytes}");
    }
}

/// Tables for every axis with a message of one state, and one of four.
fn samples() -> Vec<Case> {
    let mut random = Random(7);
    let mut cases = Vec::new();
    for &axis in EntropyAxis::ALL {
        for (row_len, num_rows) in [(5, 4), (99, 42)] {
            let mut symbols = || -> Vec<u8> {
                (0..row_len * num_rows).map(|_| (random.normal() + 4.0) as u8).collect()
            };
            let tables = EntropyTables::fit([&symbols()[..]], row_len, 11, axis).unwrap();
            cases.push(Case { tables, row_len, symbols: symbols() });
        }
    }
    cases
}

/// Every place of a small stream, and some of a large one.
fn step(symbols: &[u8]) -> usize {
    if symbols.len() < 100 { 1 } else { 53 }
}

#[test]
fn every_truncation_and_every_longer_stream_is_refused() {
    for Case { tables, row_len, symbols } in samples() {
        let stream = encode(&tables, &symbols, row_len);
        let refused = |bytes: &[u8]| {
            let error = decode(&tables, bytes, symbols.len(), row_len).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LatentsEntropy);
            assert!(error.offset().unwrap() <= bytes.len());
        };
        for len in (0..stream.len()).step_by(step(&symbols)) {
            refused(&stream[..len]);
        }
        for longer in 1..5 {
            refused(&[&stream[..], &[0; 4][..longer]].concat());
        }
    }
}

/// A flipped bit may turn a stream into that of other symbols (the packet's checksum is there for
/// that), but into nothing else.
#[test]
fn every_flipped_bit_is_refused_or_gives_another_canonical_stream() {
    for Case { tables, row_len, symbols } in samples() {
        let stream = encode(&tables, &symbols, row_len);
        for bit in (0..stream.len() * 8).step_by(step(&symbols)) {
            let mut flipped = stream.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match decode(&tables, &flipped, symbols.len(), row_len) {
                Ok(found) => assert_eq!(encode(&tables, &found, row_len), flipped),
                Err(error) => assert_eq!(error.kind(), ErrorKind::LatentsEntropy),
            }
        }
    }
}

#[test]
fn no_symbols_are_a_stream_too() {
    let tables = shared(&[2048, 2048]);
    assert_eq!(encode(&tables, &[], 3), [0, 0, 1, 0]);
    assert!(decode(&tables, &[0, 0, 1, 0], 0, 3).is_ok());
    assert!(decode(&tables, &[], 0, 3).is_err());
}

#[test]
fn first_rows_have_the_models_of_the_whole() {
    for Case { tables, row_len, symbols } in samples() {
        let first = &symbols[..row_len];
        let stream = encode(&tables, first, row_len);
        assert_eq!(decode(&tables, &stream, row_len, row_len).unwrap(), first);
    }
}

#[test]
fn a_message_is_appended_and_a_refused_one_leaves_nothing() {
    let tables = shared(&[2048, 2048]);
    let mut out = vec![9, 9];
    assert!(tables.encode(&[0, 2], 2, &mut out).is_err());
    assert_eq!(out, [9, 9]);
    tables.encode(&[0, 1], 2, &mut out).unwrap();
    assert_eq!(out[..2], [9, 9]);
    assert_eq!(decode(&tables, &out[2..], 2, 2).unwrap(), [0, 1]);
}

#[test]
fn names_and_codes_of_axes_go_both_ways() {
    for &axis in EntropyAxis::ALL {
        assert_eq!(EntropyAxis::from_name(axis.name()), Some(axis));
        assert_eq!(EntropyAxis::from_code(axis.code()), Some(axis));
    }
    assert_eq!(EntropyAxis::from_name("diagonal"), None);
}

/// Every finding of this module, with the error that says it.
pub(crate) fn refusals() -> Vec<(ErrorKind, Error)> {
    [of_streams(), of_tables(), of_messages()].concat()
}

fn of_streams() -> Vec<(ErrorKind, Error)> {
    let tables = shared(&[16, 4064, 16]);
    let good = encode(&tables, &[0, 1, 2, 0], 2);
    let refused = |bytes: &[u8], at: usize| {
        let error = decode(&tables, bytes, 4, 2).unwrap_err();
        assert_eq!(error.offset(), Some(at), "{error}");
        (ErrorKind::LatentsEntropy, error)
    };
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let other_shape = |axis, symbols: &mut [u8], row_len| {
        let model: &[u16] = &[16, 4064, 16];
        let models = &[model; 3];
        let tables = EntropyTables::from_bytes(&file(axis, models)).unwrap();
        let mut stream = Vec::new();
        let writing = tables.encode(symbols, row_len, &mut stream).unwrap_err();
        assert_eq!(writing.kind(), ErrorKind::MessageEntropy);
        let reading = tables.decoder(&good, 40, symbols.len(), row_len).err().unwrap();
        assert_eq!(reading.offset(), Some(40));
        (ErrorKind::LatentsEntropy, reading)
    };
    vec![
        refused(b"", 0),
        refused(&good[..3], 0),
        refused(&good[..5], 0),
        refused(&[good[0], good[1], 0, 0, good[4], good[5]], 0),
        refused(&good[..4], 4),
        refused(&[&good[..], &[0, 0]].concat(), 6),
        refused(&with(4, good[4] ^ 1), 6),
        other_shape(EntropyAxis::Column, &mut [0; 4], 2),
        other_shape(EntropyAxis::Column, &mut [0; 8], 4),
        other_shape(EntropyAxis::Row, &mut [0; 4], 1),
        other_shape(EntropyAxis::Column, &mut [0; 4], 3),
        other_shape(EntropyAxis::Row, &mut [], 0),
    ]
}

fn of_tables() -> Vec<(ErrorKind, Error)> {
    let good = file(EntropyAxis::Column, &[&[1, 4095], &[4000, 96]]);
    assert!(EntropyTables::from_bytes(&good).is_ok());
    let refused = |bytes: &[u8], at: usize| {
        let error = EntropyTables::from_bytes(bytes).unwrap_err();
        assert_eq!(error.offset(), Some(at), "{error}");
        (ErrorKind::EntropyTables, error)
    };
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let mut cases: Vec<_> = (0..good.len()).map(|len| refused(&good[..len], len)).collect();
    cases.extend([
        refused(&with(0, 0), 0),
        refused(&with(4, 2), 0),
        refused(&with(5, 3), 5),
        refused(&with(5, 0), 7),
        refused(&with(6, 0), 6),
        refused(&with(6, 255), good.len()),
        refused(&with(7, 0), 7),
        refused(&with(7, 1), 15),
        // 2^32 - 1 models, of which there are two.
        refused(&[&good[..7], &[0xFF; 4], &good[11..]].concat(), good.len()),
        refused(&[&good[..], &[0]].concat(), good.len()),
        refused(&with(11, 0), 11),
        refused(&with(11, 2), 11),
        refused(&with(15, 0), 15),
        refused(&file(EntropyAxis::Shared, &[&[0, 4096]]), 11),
        refused(&file(EntropyAxis::Shared, &[&[4096, 0]]), 13),
        // The sum is 4096 in 16 bits.
        refused(&file(EntropyAxis::Shared, &[&[0xFFFF, 0x1001]]), 11),
    ]);
    cases
}

fn of_messages() -> Vec<(ErrorKind, Error)> {
    let fit = |sample: &[u8], row_len, alphabet| {
        EntropyTables::fit([sample], row_len, alphabet, EntropyAxis::Column).unwrap_err()
    };
    let encode = |symbols: &[u8], row_len| {
        shared(&[2048, 2048]).encode(symbols, row_len, &mut Vec::new()).unwrap_err()
    };
    let errors = [
        fit(&[0, 1], 2, 1),
        fit(&[0, 1], 2, 257),
        fit(&[0, 1], 0, 2),
        fit(&[0, 1, 0], 2, 2),
        fit(&[0, 2], 2, 2),
        fit(&[], 2, 2),
        encode(&[0, 1, 2], 3),
        encode(&[0, 1, 1], 2),
        encode(&[0, 1, 1], 0),
    ];
    errors.into_iter().map(|error| (ErrorKind::MessageEntropy, error)).collect()
}

#[test]
fn every_finding_is_made_and_says_what_was_expected_and_found() {
    for (kind, error) in refusals() {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.expected().is_empty() && !error.found().is_empty(), "{error}");
    }
}
