//! What reading streams of packets costs: in order, at random, and damaged.

#![expect(missing_docs, reason = "the function that criterion_group makes")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Cursor;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use latentwire::{Limits, PacketReader, PacketWriter, Recovery, StreamIndex};

/// About that of the default message, 32 x 256 latents as int8.
const CONTENT: usize = 8300;
const PACKETS: usize = 8000;

/// A packet, framed by hand: a stream looks at nothing inside.
fn packet(number: usize, content: usize) -> Vec<u8> {
    let mut bytes = claim(content + 4);
    bytes.extend((0..content).map(|at| (at * 31 + number * 7) as u8));
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// A preamble that says that so many bytes follow.
fn claim(mut rest: usize) -> Vec<u8> {
    let mut bytes = b"\x89LWP\x01\x00\x00".to_vec();
    while rest >= 0x80 {
        bytes.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn stream(packets: usize, content: usize) -> Vec<u8> {
    (0..packets).flat_map(|number| packet(number, content)).collect()
}

fn in_order(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("stream in order");
    group.measurement_time(Duration::from_secs(3)).sample_size(20);
    let small = stream(100_000, 40);
    let default = stream(PACKETS, CONTENT);
    for (name, bytes) in [("8.3 kB packets", &default), ("52 B packets", &small)] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("checksum alone, {name}"), |bencher| {
            bencher.iter(|| crc32c::crc32c(black_box(bytes)));
        });
        group.bench_function(format!("read, {name}"), |bencher| {
            bencher.iter(|| {
                let mut reader = PacketReader::new(black_box(&**bytes), limits);
                while reader.next_packet().expect("sound packets").is_some() {}
            });
        });
        group.bench_function(format!("index, {name}"), |bencher| {
            bencher.iter(|| StreamIndex::scan(black_box(&**bytes), &limits));
        });
    }
    let one = packet(0, CONTENT);
    group.throughput(Throughput::Bytes((one.len() * PACKETS) as u64));
    group.bench_function("append, 8.3 kB packets", |bencher| {
        bencher.iter(|| {
            let mut writer = PacketWriter::new(Vec::with_capacity(one.len() * PACKETS));
            for _ in 0..PACKETS {
                writer.append(black_box(&one)).expect("room");
            }
            writer.into_inner()
        });
    });
    group.finish();
}

fn damaged(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream damaged");
    group.measurement_time(Duration::from_secs(3)).sample_size(10);
    let mut hit = stream(PACKETS, CONTENT);
    let step = hit.len() / 80;
    hit.iter_mut().step_by(step).for_each(|byte| *byte ^= 1);
    // The most that a stream can make a reader try: a claim every few bytes, each as long as the
    // limit allows, and none of them true.
    let claims = claim(8 << 20).repeat((16 << 20) / 11);
    let magic = b"\x89LWP\x01".repeat((16 << 20) / 5);
    let zeros = vec![0; 16 << 20];
    let text = vec![0x89; 16 << 20];
    let streams = [
        ("one packet in 100", &hit),
        ("false claims only", &claims),
        ("magics only", &magic),
        ("first bytes of a magic", &text),
        ("zeros", &zeros),
    ];
    for (name, bytes) in streams {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut recovery = Recovery::new(black_box(&**bytes), Limits::default());
                while recovery.next_part().expect("a stream").is_some() {}
            });
        });
    }
    group.finish();
}

fn at_random(criterion: &mut Criterion) {
    let limits = Limits::default();
    let bytes = stream(PACKETS, CONTENT);
    let (index, _) = StreamIndex::scan(&*bytes, &limits).expect("a stream");
    let path = std::env::temp_dir().join(format!("latentwire-bench-{}.lwp", std::process::id()));
    fs::write(&path, &bytes).expect("a file");
    let mut file = File::open(&path).expect("the file");
    let mut memory = Cursor::new(&bytes);
    let mut buffer = Vec::new();
    let mut state = 1_usize;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *index.entries().get((state >> 33) % PACKETS).expect("an entry")
    };
    let mut group = criterion.benchmark_group("stream at random");
    group.measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(1));
    group.bench_function("read from memory, 8.3 kB", |bencher| {
        bencher.iter(|| next().read_from(&mut memory, &limits, &mut buffer).map(drop));
    });
    group.bench_function("read from a file, 8.3 kB", |bencher| {
        bencher.iter(|| next().read_from(&mut file, &limits, &mut buffer).map(drop));
    });
    group.throughput(Throughput::Elements(PACKETS as u64));
    group.bench_function("write an index of 8,000", |bencher| bencher.iter(|| index.to_bytes()));
    let saved = index.to_bytes();
    group.bench_function("read an index of 8,000", |bencher| {
        bencher.iter(|| StreamIndex::from_bytes(black_box(&saved)));
    });
    group.finish();
    fs::remove_file(path).expect("the file");
}

criterion_group!(benches, in_order, damaged, at_random);
criterion_main!(benches);
