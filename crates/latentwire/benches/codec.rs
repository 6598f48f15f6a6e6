//! What writing and reading the default message of 32 x 256 latents costs.

#![expect(missing_docs, reason = "the function that criterion_group makes")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use latentwire::{
    Compression, EncodeOptions, Encoding, Fingerprint, Header, Latents, Limits, Message, MessageId,
    ModelRef, Packet, Resources, Shape, SpaceRef, quantize_roundtrip,
};

const NUM_ROWS: usize = 32;
const ROW_LEN: usize = 256;
/// The Python package's default.
const ZSTD_LEVEL: i32 = 9;

fn message() -> Message<'static> {
    let mut state = 1_u32;
    let latents: Vec<f32> = (0..NUM_ROWS * ROW_LEN)
        .map(|_| {
            // The sum of four uniform numbers is close to what encoders send: normal.
            (0..4).fold(0.0, |sum, _| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                sum + (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
        })
        .collect();
    Message {
        header: Header {
            message_id: MessageId::v7(0, 0),
            sender: ModelRef {
                fingerprint: Fingerprint([1; 16]),
                name: "tiny-llama",
                revision: "",
            },
            receiver: None,
            space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "tiny-v1" },
        },
        latents: vec![Latents::new(Shape::new(&[NUM_ROWS, ROW_LEN]).expect("a shape"), latents)],
        sections: Vec::new(),
    }
}

/// The numbers of a message of one tensor.
fn numbers<'a>(message: &'a Message<'_>) -> &'a [f32] {
    let first = message.latents.first();
    first.and_then(|latents| latents.values.numbers()).expect("numbers")
}

fn read_into(bytes: &[u8], limits: &Limits, place: &mut [f32]) -> latentwire::Result<()> {
    let packet = Packet::parse(bytes, limits)?;
    let info = packet.latents().first().expect("latents");
    info.decode_into(bytes, &Resources::default(), limits, place)
}

/// Names say operation, size and form, for example `encode/32x256 int8 zstd 9`.
fn codec(criterion: &mut Criterion) {
    let (message, limits) = (message(), Limits::default());
    let stages = [
        (String::new(), Compression::None),
        (format!(" zstd {ZSTD_LEVEL}"), Compression::Zstd { level: ZSTD_LEVEL }),
    ];
    let mut forms = Vec::new();
    for &encoding in Encoding::ALL {
        for (suffix, compression) in &stages {
            let name = format!("{NUM_ROWS}x{ROW_LEN} {}{suffix}", encoding.name());
            let options = EncodeOptions::default().with_encoding(encoding);
            forms.push((name, options.with_compression(*compression)));
        }
    }
    // Bytes of the latents as a model holds them, so that encodings can be compared.
    let throughput = || Throughput::Bytes((NUM_ROWS * ROW_LEN * 4) as u64);

    // What moving the numbers alone costs, to a place of its own: what codecs are held against. It is
    // half a page off, since a copy between places at the same distance from a page's start is many
    // times as slow on some processors.
    let numbers_of = numbers(&message);
    let mut place = vec![0.0_f32; numbers_of.len() + 512];
    let (_, copy) = place.split_at_mut(512);
    let mut memcpy = criterion.benchmark_group("memcpy");
    memcpy.throughput(throughput());
    memcpy.bench_function(format!("{NUM_ROWS}x{ROW_LEN} f32"), |bencher| {
        bencher.iter(|| black_box(&mut *copy).copy_from_slice(black_box(numbers_of)));
    });
    memcpy.finish();

    let mut encode = criterion.benchmark_group("encode");
    encode.throughput(throughput());
    for (name, options) in &forms {
        encode.bench_function(name, |bencher| {
            bencher.iter(|| black_box(&message).encode(options));
        });
    }
    encode.finish();

    let mut decode = criterion.benchmark_group("parse and decode");
    decode.throughput(throughput());
    for (name, options) in &forms {
        let bytes = message.encode(options).expect("a message");
        decode.bench_function(name, |bencher| {
            bencher.iter(|| Packet::parse(black_box(&bytes), &limits)?.decode(&limits).map(drop));
        });
    }
    decode.finish();

    // Into the caller's memory, as memcpy does it.
    let mut decode = criterion.benchmark_group("parse and decode into");
    decode.throughput(throughput());
    for (name, options) in &forms {
        let bytes = message.encode(options).expect("a message");
        decode.bench_function(name, |bencher| {
            bencher.iter(|| read_into(black_box(&bytes), &limits, black_box(copy)));
        });
    }
    decode.finish();

    let mut parse = criterion.benchmark_group("parse");
    for &encoding in Encoding::ALL {
        let options = EncodeOptions::default().with_encoding(encoding);
        let bytes = message.encode(&options).expect("a message");
        let name = format!("{NUM_ROWS}x{ROW_LEN} {}", encoding.name());
        parse.throughput(Throughput::Bytes(bytes.len() as u64));
        parse.bench_function(name, |bencher| {
            bencher.iter(|| Packet::parse(black_box(&bytes), &limits).map(drop));
        });
    }
    parse.finish();

    let mut roundtrip = criterion.benchmark_group("quantize_roundtrip");
    roundtrip.throughput(throughput());
    for &encoding in Encoding::ALL {
        let name = format!("{NUM_ROWS}x{ROW_LEN} {}", encoding.name());
        let mut latents = numbers(&message).to_vec();
        roundtrip.bench_function(name, |bencher| {
            bencher.iter(|| quantize_roundtrip(black_box(&mut latents), ROW_LEN, encoding));
        });
    }
    roundtrip.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
