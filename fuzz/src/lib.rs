//! What the targets share: limits, what readers have beside packets, and mutations that leave packets.
//!
//! A checksum stands before everything else in a packet, so that nearly every mutation of bytes
//! would end there. The mutators therefore mend the frame of what they have made: what is behind it
//! is reached, and what is found is a packet as anybody could send it.

pub mod trust;

use std::sync::LazyLock;

use latentwire::{
    Address, Dictionary, EncodeOptions, EntropyAxis, EntropyTables, Fingerprint, Format, Limits,
    MAGIC, ModelRef, Packet, Resources, Route, SpaceRef, Stage,
};

/// Where the length stands: after magic, major and minor version, and flags.
const LENGTH_AT: usize = MAGIC.len() + 3;
const CHECKSUM_BYTES: usize = 4;
/// One mutation of so many is left as it is, for what is in front of the checksum.
const LEFT_ALONE: u32 = 8;

/// Limits that let every rule be reached and still allow thousands of packets a second.
#[must_use]
pub fn limits() -> Limits {
    Limits::default()
        .with_total_bytes(1 << 18)
        .with_elements(1 << 14)
        .with_decompressed_bytes(1 << 17)
}

/// The tables of the conformance vectors, and others for all codes of numbers.
pub static TABLES: LazyLock<Vec<EntropyTables>> = LazyLock::new(|| {
    let of_vectors: [&[u8]; 4] = [
        include_bytes!("../../tests/conformance/v1.0/resources/0.tables"),
        include_bytes!("../../tests/conformance/v1.0/resources/1.tables"),
        include_bytes!("../../tests/conformance/v1.0/resources/2.tables"),
        include_bytes!("../../tests/conformance/v1.0/resources/3.tables"),
    ];
    let of_vectors = of_vectors.map(|bytes| EntropyTables::from_bytes(bytes).expect("tables"));
    let others = [2, 4, 15, 16, 255, 256].map(|alphabet| {
        // Some symbols often, all of them once.
        let sample: Vec<u8> =
            (0..alphabet * alphabet).map(|at| (at % (at / alphabet + 1)) as u8).collect();
        let axis = EntropyAxis::Shared;
        EntropyTables::fit([&sample[..]], 1, alphabet, axis).expect("a sample")
    });
    of_vectors.into_iter().chain(others).collect()
});
/// That of the conformance vectors.
static DICTIONARIES: LazyLock<[Dictionary; 1]> = LazyLock::new(|| {
    let bytes = include_bytes!("../../tests/conformance/v1.0/resources/0.dictionary");
    [Dictionary::new(bytes.to_vec())]
});

/// What it takes to read `packet`, if anything does.
#[must_use]
pub fn resources<'a>(packet: &Packet<'a>) -> Resources<'a> {
    Resources::default()
        .with_route(&route(packet))
        .with_dictionaries(&*DICTIONARIES)
        .with_tables(&TABLES)
}

/// A route that `packet` can be of: its own if it is compact, otherwise one with its header.
fn route<'a>(packet: &Packet<'a>) -> Route<'a> {
    let codebook = packet.latents().iter().find_map(|info| match info.format {
        Format::Codes { codebook, .. } => codebook,
        Format::Numbers(_) => None,
    });
    let mut coded = packet.latents().iter().filter(|info| info.stage == Stage::Entropy);
    let fitting = coded.next().and_then(|info| {
        let (named, alphabet) = (info.resource, alphabet(info.format));
        let fits = |tables: &&EntropyTables| Some(tables.alphabet()) == alphabet;
        named.or_else(|| TABLES.iter().find(fits).map(EntropyTables::fingerprint))
    });
    let made_up = Route {
        id: 7,
        message_prefix: [0; 12],
        sender: ModelRef { fingerprint: Fingerprint([1; 16]), name: "a", revision: "" },
        receiver: None,
        space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "s" },
        codebook: codebook.or(Some(Fingerprint([3; 16]))),
        dictionary: Some(DICTIONARIES[0].fingerprint()),
        tables: fitting.or_else(|| TABLES.first().map(EntropyTables::fingerprint)),
    };
    match packet.address() {
        Address::Compact { route, .. } => Route { id: *route, ..made_up },
        Address::SelfContained(header) => Route {
            message_prefix: *header.message_id.0.first_chunk().expect("16 bytes"),
            sender: header.sender,
            receiver: header.receiver,
            space: header.space,
            ..made_up
        },
    }
}

/// How many different codes there can be.
fn alphabet(format: Format) -> Option<usize> {
    match format {
        Format::Numbers(_) => options(format).alphabet(),
        Format::Codes { size, .. } => Some(size as usize),
    }
}

/// The options that write latents as they were written.
#[must_use]
pub fn options(format: Format) -> EncodeOptions<'static> {
    let Format::Numbers(layout) = format else { return EncodeOptions::default() };
    let options = EncodeOptions::default().with_encoding(layout.encoding);
    layout.scales.map_or(options, |scales| {
        options.with_granularity(scales.granularity).with_asymmetric(scales.asymmetric)
    })
}

/// Mutates the packet in the first `size` bytes of `data` and mends it; bytes of it afterwards.
pub fn mutate_packet(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let size = libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    if seed.is_multiple_of(LEFT_ALONE) {
        return size;
    }
    let Some(mended) = data.get(..size).and_then(mend_packet) else { return size };
    match data.get_mut(..mended.len()) {
        Some(place) if mended.len() <= max_size => {
            place.copy_from_slice(&mended);
            mended.len()
        }
        _ => size,
    }
}

/// The same packet with the magic, the length and the checksum that it should have.
fn mend_packet(packet: &[u8]) -> Option<Vec<u8>> {
    let front = packet.get(MAGIC.len()..LENGTH_AT)?;
    let (_, length_bytes) = length(packet)?;
    let rest = packet.get(LENGTH_AT + length_bytes..)?;
    let body = rest.get(..rest.len().checked_sub(CHECKSUM_BYTES)?)?;
    let mut mended = [&MAGIC, front].concat();
    put_varint(&mut mended, rest.len());
    mended.extend_from_slice(body);
    put_checksum(&mut mended);
    Some(mended)
}

fn put_varint(out: &mut Vec<u8>, mut left: usize) {
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn put_checksum(out: &mut Vec<u8>) {
    let checksum = crc32c::crc32c(out);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Mutates the stream in the first `size` bytes of `data` and corrects the checksums of some of its
/// packets; bytes of it afterwards.
pub fn mutate_stream(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let size = libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    let mut which = seed;
    let mut at = 0;
    while let Some(rest) = data.get_mut(at..size).filter(|rest| !rest.is_empty()) {
        let packet = claimed_len(rest).and_then(|len| rest.get_mut(..len));
        at += packet.map_or(1, |packet| {
            which = which.rotate_right(1);
            if which & 1 == 1 {
                correct_checksum(packet);
            }
            packet.len()
        });
    }
    size
}

/// Bytes of the packet that begins with `bytes`, as its preamble says.
fn claimed_len(bytes: &[u8]) -> Option<usize> {
    let (rest_len, length_bytes) = bytes.starts_with(&MAGIC).then(|| length(bytes))??;
    (rest_len >= CHECKSUM_BYTES).then_some(LENGTH_AT + length_bytes + rest_len)
}

/// The length field of a packet: its value, and how many bytes it takes.
fn length(packet: &[u8]) -> Option<(usize, usize)> {
    let field = packet.get(LENGTH_AT..)?;
    let length_bytes = 1 + field.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let digits = field.iter().take(length_bytes).enumerate();
    let value =
        digits.fold(0, |value, (place, byte)| value | usize::from(byte & 0x7F) << (7 * place));
    Some((value, length_bytes))
}

/// Puts the right checksum at the end of a packet.
pub fn correct_checksum(packet: &mut [u8]) {
    if let Some((covered, stored)) = packet.split_last_chunk_mut() {
        *stored = crc32c::crc32c(covered).to_le_bytes();
    }
}
