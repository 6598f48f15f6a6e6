//! What the entropy stage costs on the symbols of the default message of 32 x 256 latents.

#![expect(missing_docs, reason = "the function that criterion_group makes")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use latentwire::{EntropyAxis, EntropyTables};

const NUM_ROWS: usize = 32;
const ROW_LEN: usize = 256;
/// Messages to count, and messages to code: so many that a processor cannot learn them.
const NUM_SAMPLES: usize = 200;
const NUM_MESSAGES: usize = 16;
/// Name, size of the alphabet, standard deviation in steps of the quantiser.
const ENCODINGS: [(&str, usize, f64); 4] =
    [("int8", 255, 45.0), ("int4", 15, 2.4), ("fsq 2-bit", 4, 0.9), ("int2", 3, 0.5)];

/// Messages of rounded normal numbers, whose deviation grows threefold from the first column to
/// the last.
fn messages(count: usize, alphabet: usize, deviation: f64, state: &mut u64) -> Vec<Vec<u8>> {
    let mut uniform = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*state >> 32) as f64 / f64::from(u32::MAX)
    };
    let top = (alphabet - 1) as f64;
    let mut symbol = |index: usize| {
        let spread = deviation * (0.5 + (index % ROW_LEN) as f64 / ROW_LEN as f64);
        let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        (normal * spread + top / 2.0).round().clamp(0.0, top) as u8
    };
    (0..count).map(|_| (0..NUM_ROWS * ROW_LEN).map(&mut symbol).collect()).collect()
}

/// Names say operation, encoding, axis of the models and mean bytes of a stream, for example
/// `entropy encode/32x256 int4 column, 3323 bytes`. The throughput is that of symbols, one byte
/// each.
fn entropy(criterion: &mut Criterion) {
    let mut forms = Vec::new();
    for (encoding, alphabet, deviation) in ENCODINGS {
        let mut state = 1;
        let sample = messages(NUM_SAMPLES, alphabet, deviation, &mut state);
        let messages = messages(NUM_MESSAGES, alphabet, deviation, &mut state);
        for &axis in EntropyAxis::ALL {
            let sample = sample.iter().map(Vec::as_slice);
            let tables = EntropyTables::fit(sample, ROW_LEN, alphabet, axis).expect("tables");
            let streams: Vec<Vec<u8>> = messages
                .iter()
                .map(|symbols| {
                    let mut stream = Vec::new();
                    tables.encode(symbols, ROW_LEN, &mut stream).expect("symbols that fit");
                    stream
                })
                .collect();
            let mean = streams.iter().map(Vec::len).sum::<usize>() / streams.len();
            let name = format!("{NUM_ROWS}x{ROW_LEN} {encoding} {}, {mean} bytes", axis.name());
            forms.push((name, tables, messages.clone(), streams));
        }
    }

    let mut encode = criterion.benchmark_group("entropy encode");
    encode.throughput(Throughput::Bytes((NUM_ROWS * ROW_LEN) as u64));
    for (name, tables, messages, _) in &forms {
        let (mut stream, mut turn) = (Vec::new(), messages.iter().cycle());
        encode.bench_function(name, |bencher| {
            bencher.iter(|| {
                stream.clear();
                let symbols = turn.next().map_or(&[][..], Vec::as_slice);
                tables.encode(black_box(symbols), ROW_LEN, &mut stream)
            });
        });
    }
    encode.finish();

    let mut decode = criterion.benchmark_group("entropy decode");
    decode.throughput(Throughput::Bytes((NUM_ROWS * ROW_LEN) as u64));
    for (name, tables, _, streams) in &forms {
        let (mut symbols, mut turn) = (vec![0; NUM_ROWS * ROW_LEN], streams.iter().cycle());
        decode.bench_function(name, |bencher| {
            bencher.iter(|| {
                let stream = turn.next().map_or(&[][..], Vec::as_slice);
                tables.decode(black_box(stream), &mut symbols, ROW_LEN)
            });
        });
    }
    decode.finish();
}

criterion_group!(benches, entropy);
criterion_main!(benches);
