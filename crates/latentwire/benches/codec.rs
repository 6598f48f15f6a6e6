//! What writing and reading the default message of 32 x 256 latents costs.

#![expect(missing_docs, reason = "the function that criterion_group makes")]

use std::borrow::Cow;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use latentwire::{
    Compression, EncodeOptions, Encoding, Fingerprint, Header, Limits, Message, MessageId,
    ModelRef, Packet, Shape, SpaceRef, quantize_roundtrip,
};

const ROW_LEN: usize = 256;

fn message() -> Message<'static> {
    let mut state = 1_u32;
    let latents = (0..32 * ROW_LEN)
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
        shape: Shape::new(&[32, ROW_LEN]).expect("a shape"),
        latents: Cow::Owned(latents),
        sections: Vec::new(),
    }
}

fn codec(criterion: &mut Criterion) {
    let (message, limits) = (message(), Limits::default());
    for &encoding in Encoding::ALL {
        let name = encoding.name();
        let options = EncodeOptions::default().with_encoding(encoding);
        let bytes = message.encode(&options).expect("a message");
        criterion.bench_function(&format!("encode 32x256 {name}"), |bencher| {
            bencher.iter(|| black_box(&message).encode(&options));
        });
        criterion.bench_function(&format!("parse and decode 32x256 {name}"), |bencher| {
            bencher.iter(|| Packet::parse(black_box(&bytes), &limits)?.decode(&limits).map(drop));
        });
    }
    let options = EncodeOptions::default().with_compression(Compression::Zstd { level: 9 });
    criterion.bench_function("encode 32x256 int8 zstd 9", |bencher| {
        bencher.iter(|| black_box(&message).encode(&options));
    });
    let bytes = message.encode(&EncodeOptions::default()).expect("a message");
    criterion.bench_function("parse 32x256 int8", |bencher| {
        bencher.iter(|| Packet::parse(black_box(&bytes), &limits).map(drop));
    });
    let mut latents = message.latents.to_vec();
    criterion.bench_function("quantize_roundtrip 32x256 int8", |bencher| {
        bencher.iter(|| quantize_roundtrip(black_box(&mut latents), ROW_LEN, Encoding::Int8));
    });
}

criterion_group!(benches, codec);
criterion_main!(benches);
