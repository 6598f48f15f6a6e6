//! Reading N bytes, whatever they are, takes no more memory than those, the latents that they
//! declare and 1 MiB.
//!
//! Allocations of Rust code are counted, on the thread that reads; zstd allocates its context by
//! itself, which is added where it comes in.

#![allow(clippy::indexing_slicing, reason = "a wrong index is a failure of the test")]

use std::fs;
use std::path::{Path, PathBuf};

use latentwire::{
    Address, Compression, Dictionary, EncodeOptions, Encoding, EntropyAxis, EntropyTables,
    Fingerprint, Format, Granularity, Header, Latents, LatentsInfo, Limits, MAGIC, Message,
    MessageId, ModelRef, Packet, Resources, Route, Shape, SpaceRef,
};

/// What reading may take beside the latents.
const SLACK: u64 = 1 << 20;
/// The same for packets that are large, but not so large that tests become slow.
const TIGHT_SLACK: u64 = SLACK / 4;
/// The same where zstd has a window.
const STAGED_SLACK: u64 = SLACK / 4 * 3;
/// Where the length of a packet stands: after magic, version and flags.
const LENGTH_AT: usize = 7;
const MUTATIONS_OF_EACH: u64 = 500;

const MODEL: ModelRef<'_> = ModelRef { fingerprint: Fingerprint([1; 16]), name: "a", revision: "" };
const SPACE: SpaceRef<'_> = SpaceRef { fingerprint: Fingerprint([2; 16]), name: "s" };

/// Reads `bytes` as far as it goes and checks what that took.
fn check(bytes: &[u8], tables: &[EntropyTables], slack: u64, what: &dyn std::fmt::Display) {
    let limits = Limits::default();
    let (mut allowed, mut outside) = (slack, 0);
    let counted = allocation_counter::measure(|| {
        let Ok(packet) = Packet::parse(bytes, &limits) else { return };
        allowed += packet.latents().iter().map(declared).sum::<u64>();
        let contexts = packet.latents().iter().map(|info| zstd_context(info, bytes));
        outside = contexts.max().unwrap_or(0);
        let route = route(&packet);
        let resources = Resources::default().with_route(&route).with_tables(tables);
        drop(packet.decode_with(&resources, &limits));
    });
    let peak = counted.bytes_max + outside;
    assert!(peak <= allowed, "{what}: {peak} bytes for {} that allow {allowed}", bytes.len());
}

/// Bytes of latents in memory.
fn declared(info: &LatentsInfo) -> u64 {
    let bytes_each = match info.format {
        Format::Numbers(_) => size_of::<f32>(),
        Format::Codes { .. } => size_of::<u16>(),
    };
    info.shape.num_elements() * bytes_each as u64
}

/// What zstd allocates to restore a payload piece by piece.
#[cfg(feature = "zstd")]
fn zstd_context(info: &LatentsInfo, packet: &[u8]) -> u64 {
    if info.stage != latentwire::Stage::Zstd {
        return 0;
    }
    let mut context = zstd_safe::DCtx::create();
    context.set_parameter(zstd_safe::DParameter::WindowLogMax(18)).expect("a limit");
    let mut one = [0];
    let mut output = zstd_safe::OutBuffer::around(one.as_mut_slice());
    let mut input = zstd_safe::InBuffer::around(info.payload(packet));
    // Of what is no frame nothing is restored.
    let _ = context.decompress_stream(&mut output, &mut input);
    context.sizeof() as u64
}

#[cfg(not(feature = "zstd"))]
fn zstd_context(_info: &LatentsInfo, _packet: &[u8]) -> u64 {
    0
}

/// A route for a compact packet.
fn route(packet: &Packet<'_>) -> Route<'static> {
    let id = match packet.address() {
        Address::Compact { route, .. } => *route,
        Address::SelfContained(_) => 0,
    };
    let codebook = Some(Fingerprint([3; 16]));
    let message_prefix = [0; 12];
    Route {
        id,
        message_prefix,
        sender: MODEL,
        receiver: None,
        space: SPACE,
        codebook,
        dictionary: None,
        tables: None,
    }
}

/// All conformance vectors that are packets for readers without keys, with their names.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let versions = entries(&root).into_iter().filter(|path| path.join("manifest.json").is_file());
    let folders = versions.flat_map(|version| [version.join("valid"), version.join("invalid")]);
    let mut files: Vec<_> = folders.flat_map(|folder| entries(&folder)).collect();
    files.sort();
    assert!(!files.is_empty());
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("a vector"))
    };
    files.into_iter().map(read).collect()
}

/// `bytes` with the length and the checksum that make them a packet, if there is room for them:
/// without those, reading ends before anything is believed.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let field = bytes.get(LENGTH_AT..).unwrap_or_default();
    let Some(end_of_length) = field.iter().take(5).position(|byte| byte & 0x80 == 0) else {
        return bytes.to_vec();
    };
    let (front, rest) = (&bytes[..LENGTH_AT], &field[end_of_length + 1..]);
    let Some((body, _)) = rest.split_last_chunk::<4>() else { return bytes.to_vec() };
    let mut packet = front.to_vec();
    packet[..MAGIC.len()].copy_from_slice(&MAGIC);
    let mut left = rest.len();
    while left >= 0x80 {
        packet.push(left as u8 | 0x80);
        left >>= 7;
    }
    packet.push(left as u8);
    packet.extend_from_slice(body);
    let checksum = crc32c::crc32c(&packet);
    packet.extend_from_slice(&checksum.to_le_bytes());
    packet
}

/// The same numbers on every run: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        number as usize % end
    }
}

#[test]
fn vectors_stay_within_their_latents_and_a_mebibyte() {
    for (name, bytes) in vectors() {
        check(&bytes, &[], SLACK, &name);
    }
}

#[test]
fn so_does_whatever_is_left_of_a_vector_after_a_cut() {
    for (name, bytes) in vectors() {
        for len in 0..bytes.len() {
            let (cut, what) = (&bytes[..len], format_args!("{name} cut to {len}"));
            check(cut, &[], SLACK, &what);
            check(&mended(cut), &[], SLACK, &what);
        }
    }
}

#[test]
fn so_do_vectors_with_random_changes() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (name, bytes) in vectors().into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
        for number in 0..MUTATIONS_OF_EACH {
            let mut changed = bytes.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(changed.len());
                changed[at] = match random.below(4) {
                    0 => 0xFF,
                    1 => 0,
                    2 => changed[at] ^ (1 << random.below(8)),
                    _ => random.below(256) as u8,
                };
            }
            check(&mended(&changed), &[], SLACK, &format_args!("{name}, change {number}"));
        }
    }
}

/// `elements` numbers in rows of every kind, stored or under every stage.
fn check_large(elements: usize, encodings: &[Encoding], slack: u64, is_staged: bool) {
    let numbers: Vec<f32> = (0..elements).map(|at| ((at / 64 % 255) as f32 - 99.0) / 8.0).collect();
    let header =
        Header { message_id: MessageId([0; 16]), sender: MODEL, receiver: None, space: SPACE };
    let shapes = [&[elements][..], &[elements / 256, 256], &[elements, 1]];
    let scales =
        [Granularity::Row, Granularity::Tensor, Granularity::Channel, Granularity::Group(1)];
    for shape in shapes {
        let shape = Shape::new(shape).expect("a shape");
        let latents = vec![Latents::new(shape, numbers.as_slice())];
        let message = Message { header, latents, sections: Vec::new() };
        for &encoding in encodings {
            for &granularity in if encoding.has_scales() { &scales[..] } else { &scales[..1] } {
                let options =
                    EncodeOptions::default().with_encoding(encoding).with_granularity(granularity);
                // Not every shape has groups.
                let Ok(plain) = message.encode(&options) else { continue };
                if !is_staged {
                    check(&plain, &[], slack, &format_args!("{shape:?} as {options:?}"));
                    continue;
                }
                let tables = tables(&options, &message.latents[0]);
                for compression in stages(&tables) {
                    let packet = message.encode(&options.with_compression(compression));
                    let what = format!("{shape:?} as {options:?}, {compression:?}");
                    check(&packet.expect("a packet"), &tables, slack, &what);
                }
            }
        }
    }
}

/// One model for the codes of these latents, if they are codes.
fn tables(options: &EncodeOptions<'_>, latents: &Latents<'_>) -> Vec<EntropyTables> {
    let fitted = options.alphabet().map(|alphabet| {
        let symbols = options.symbols(latents).expect("symbols");
        EntropyTables::fit([&symbols[..]], symbols.len(), alphabet, EntropyAxis::Shared)
    });
    fitted.into_iter().map(|tables| tables.expect("tables")).collect()
}

fn stages(tables: &[EntropyTables]) -> Vec<Compression<'_>> {
    let zstd = cfg!(feature = "zstd").then_some(Compression::Zstd { level: 1 });
    zstd.into_iter().chain(tables.iter().map(Compression::Entropy)).collect()
}

/// They are passed with every call of Python's.
#[test]
fn tables_and_dictionaries_are_shared_by_their_clones() {
    let tables = EntropyTables::fit([&[0, 1, 1][..]], 3, 2, EntropyAxis::Column).expect("tables");
    let dictionary = Dictionary::new(vec![1; 1000]);
    let counted = allocation_counter::measure(|| {
        let clones = (tables.clone(), dictionary.clone());
        assert_eq!(clones, (tables.clone(), dictionary.clone()));
    });
    assert_eq!(counted.bytes_total, 0);
}

#[test]
fn so_do_large_packets_of_every_encoding() {
    check_large(1 << 17, Encoding::ALL, TIGHT_SLACK, false);
}

/// Few bytes that stand for many: a window of zstd's is part of the mebibyte, the payload is not.
#[test]
fn so_do_large_packets_under_a_lossless_stage() {
    let encodings = [Encoding::F32, Encoding::F16, Encoding::Int8, Encoding::Int4];
    check_large(1 << 18, &encodings, STAGED_SLACK, true);
}
