//! Packets that can be decoded: written again they are the same packet, and so they are after a
//! change of profile; cut to their first rows they hold the same rows.

#![no_main]

use std::borrow::Cow;

use latentwire::{
    Address, Compression, EncodeOptions, ErrorKind, Format, Granularity, Latents, LatentsInfo,
    Message, Packet, Resources, Route, SEAL, Stage, Values, Version,
};
use latentwire_fuzz::{TABLES, limits, mutate_packet, options, resources};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(packet) = Packet::parse(data, &limits()) else { return Corpus::Keep };
    let resources = resources(&packet);
    let Ok(message) = packet.decode_with(&resources, &limits()) else { return Corpus::Keep };
    for (info, latents) in packet.latents().iter().zip(&message.latents) {
        let alone = Message { latents: vec![latents.clone()], ..message.clone() };
        write_again(&packet, info, &alone, &resources);
    }
    change_profile(&packet, &resources);
    cut(&packet, &message, &resources);
    Corpus::Keep
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_packet(data, size, max_size, seed)
});

/// Writes a message that has one of the tensors of `packet`, the one of `info`.
fn write_again(
    packet: &Packet<'_>,
    info: &LatentsInfo,
    message: &Message<'_>,
    resources: &Resources<'_>,
) {
    let options = options(info.format);
    let written = write(packet, message, resources, &options);
    let (again, read) = parse(&written, resources);
    if is_settled(info.format) {
        same(&read, message);
        if info.stage == Stage::Stored {
            let [second] = again.latents() else { panic!("one tensor") };
            assert_eq!(second.payload(&written), info.payload(packet.as_bytes()));
            if packet.latents().len() == 1 && is_written_here(packet) {
                assert_eq!(written, packet.as_bytes());
            }
        }
    }
    if is_settled_by_writing(info.format) {
        assert_eq!(write(packet, &read, resources, &options), written);
    }
    for compression in [Compression::Zstd { level: 1 }, Compression::Auto { level: 1, dictionaries: &[], tables: &TABLES }] {
        let compressed = options.with_compression(compression);
        let compressed = write(packet, message, resources, &compressed);
        assert!(compressed.len() <= written.len());
        same(&parse(&compressed, resources).1, &read);
    }
}

/// Says in full what a route stands for, or the other way round, and back.
fn change_profile<'a>(packet: &Packet<'a>, resources: &Resources<'a>) {
    let (is_compact, route) = (packet.header().is_none(), route_of(resources));
    let there = if is_compact { packet.to_self_contained(route) } else { packet.to_compact(route) };
    let there = match there {
        Ok(there) => there,
        // A route stands for one codebook, one dictionary and one set of tables.
        Err(error) => return assert_eq!(error.kind(), ErrorKind::MessageRoute, "{error}"),
    };
    let (packet_there, _) = parse(&there, resources);
    let back = if is_compact {
        packet_there.to_compact(route)
    } else {
        packet_there.to_self_contained(route)
    };
    if packet.version() == Version::CURRENT {
        assert_eq!(back.expect("the way back"), packet.as_bytes());
    }
}

/// Cuts every tensor to its first row.
fn cut(packet: &Packet<'_>, message: &Message<'_>, resources: &Resources<'_>) {
    let cut = packet.truncate_with(1, resources, &limits()).expect("one row is left");
    let (_, read) = parse(&cut, resources);
    for (latents, whole) in read.latents.iter().zip(&message.latents) {
        let len = latents.values.len();
        let first = match &whole.values {
            Values::Numbers(numbers) => Values::Numbers(Cow::Borrowed(&numbers[..len])),
            Values::Bf16(_) => unreachable!("packets are read as f32"),
            Values::Codes { codebook, size, codes } => {
                Values::Codes { codebook: *codebook, size: *size, codes: codes[..len].into() }
            }
        };
        same_values(&latents.values, &first);
    }
}

/// Whether decoded latents are written with the scales that they came with: section 6.3 of the
/// specification.
fn is_settled(format: Format) -> bool {
    let scales = format.layout().and_then(|layout| layout.scales);
    let is_within_row =
        |granularity| matches!(granularity, Granularity::Row | Granularity::Group(_));
    is_settled_by_writing(format) && scales.is_none_or(|scales| is_within_row(scales.granularity))
}

/// Whether latents are written alike once they have been written by this crate. Where rows share a
/// scale, the row that it was made for may have been cut off before; zero points move.
fn is_settled_by_writing(format: Format) -> bool {
    let scales = format.layout().and_then(|layout| layout.scales);
    scales.is_none_or(|scales| !scales.asymmetric)
}

/// Whether everything in `packet` is written by this version.
fn is_written_here(packet: &Packet<'_>) -> bool {
    let has_seal = packet.sections().iter().any(|section| section.section_type == SEAL);
    packet.version() == Version::CURRENT && !has_seal
}

fn route_of<'r, 'a>(resources: &'r Resources<'a>) -> &'r Route<'a> {
    resources.route().expect("a route")
}

fn write(
    like: &Packet<'_>,
    message: &Message<'_>,
    resources: &Resources<'_>,
    options: &EncodeOptions<'_>,
) -> Vec<u8> {
    let written = match like.address() {
        Address::SelfContained(_) => message.encode(options),
        Address::Compact { .. } => message.encode_on(route_of(resources), options),
    };
    written.expect("what was decoded can be encoded")
}

fn parse<'a>(written: &'a [u8], resources: &Resources<'a>) -> (Packet<'a>, Message<'a>) {
    let packet = Packet::parse(written, &limits()).expect("what was written is a packet");
    let message =
        packet.decode_with(resources, &limits()).expect("what was written can be decoded");
    (packet, message)
}

fn same(read: &Message<'_>, given: &Message<'_>) {
    assert_eq!(read.header, given.header);
    assert_eq!(read.sections, given.sections);
    assert_eq!(read.latents.len(), given.latents.len());
    for (read, given) in read.latents.iter().zip(&given.latents) {
        let name_and_shape = |latents: &Latents<'_>| (latents.name.to_owned(), latents.shape);
        assert_eq!(name_and_shape(read), name_and_shape(given));
        same_values(&read.values, &given.values);
    }
}

/// The same to the bit: equal numbers may be zeros of different signs.
fn same_values(read: &Values<'_>, given: &Values<'_>) {
    assert_eq!(read, given);
    if let (Values::Numbers(read), Values::Numbers(given)) = (read, given) {
        assert!(read.iter().map(|number| number.to_bits()).eq(given.iter().map(|n| n.to_bits())));
    }
}
