//! The compact profile: what it costs, and that turning one profile into the other loses nothing.

use proptest::prelude::*;

use super::refusals::Case;
use super::*;
use crate::{Granularity, Route};

fn route(id: u32) -> Route<'static> {
    Route {
        id,
        message_prefix: *b"0123456789ab",
        sender: header().sender,
        receiver: None,
        space: header().space,
        codebook: Some(Fingerprint([7; 16])),
        dictionary: None,
        tables: None,
    }
}

fn on_route(extents: &[usize], numbers: Vec<f32>) -> Message<'static> {
    Message { header: route(0).header(0x0102_0304), ..message(extents, numbers) }
}

fn compact(id: u32, options: &EncodeOptions<'_>) -> Vec<u8> {
    on_route(&[32, 256], vec![0.5; 8192]).encode_on(&route(id), options).unwrap()
}

/// Bytes of a packet that are neither numbers nor scales.
fn overhead(bytes: &[u8]) -> usize {
    let packet = Packet::parse(bytes, &Limits::default()).unwrap();
    bytes.len() - packet.latents().iter().map(|info| info.payload_length).sum::<usize>()
}

#[test]
fn a_compact_packet_spends_at_most_24_bytes_beside_scales_and_codes() {
    for &encoding in Encoding::ALL {
        let found = overhead(&compact(127, &stored(encoding)));
        assert!(found <= 24, "{encoding:?}: {found}");
    }
    assert_eq!(overhead(&compact(16_383, &EncodeOptions::default())), 24);
}

#[test]
fn four_bytes_of_codes_are_a_packet_of_25() {
    let mut given = on_route(&[1, 16], Vec::new());
    given.latents[0].values = Values::Codes {
        codebook: Fingerprint([7; 16]),
        size: 4,
        codes: vec![0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0].into(),
    };
    let bytes = given.encode_on(&route(1), &EncodeOptions::default()).unwrap();
    assert_eq!(bytes.len(), 8 + 5 + 5 + 4 + 4);
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(packet.latents()[0].payload(&bytes), [0xE4, 0x1B, 0xE4, 0x1B]);
    assert_eq!(packet.decode_on(&route(1), &Limits::default()).unwrap(), given);
}

#[test]
fn the_smallest_compact_packet_has_these_bytes() {
    let bytes = on_route(&[1], vec![1.0]).encode_on(&route(300), &stored(Encoding::F32)).unwrap();
    let expected = [
        &b"\x89LWP\x01\x00\x05"[..],
        &[17],
        &0x0102_0304_u32.to_le_bytes(),
        &[0xAC, 0x02],
        &[0x01, 0x00, 1],
        &1.0_f32.to_le_bytes(),
        &checksum::of(&bytes[..bytes.len() - 4]).to_le_bytes(),
    ]
    .concat();
    assert_eq!(bytes, expected);
}

#[test]
fn a_compact_packet_says_its_route_and_is_read_with_it() {
    let bytes = compact(5, &EncodeOptions::default());
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(*packet.address(), Address::Compact { message_number: 0x0102_0304, route: 5 });
    assert_eq!(packet.header(), None);
    let found = packet.decode_on(&route(5), &Limits::default()).unwrap();
    assert_eq!(found.header, route(5).header(0x0102_0304));
    assert_eq!(found.header.message_id.0, *b"0123456789ab\x01\x02\x03\x04");
}

proptest! {
    #[test]
    fn turning_one_profile_into_the_other_and_back_gives_the_same_bytes(
        id in any::<u32>(),
        encoding in prop::sample::select(Encoding::ALL),
        names in prop::sample::subsequence(vec!["", "layer.0.key", "layer.0.value"], 1..=3),
        section in any::<bool>(),
    ) {
        let mut given = on_route(&[2, 8], vec![0.25; 16]);
        let tensor = given.latents[0].clone();
        given.latents = names.iter().map(|&name| Latents { name, ..tensor.clone() }).collect();
        if section {
            given.sections = vec![Section { section_type: TEXT, body: b"text" }];
        }
        let full = given.encode(&stored(encoding)).unwrap();
        let short = given.encode_on(&route(id), &stored(encoding)).unwrap();
        let packet = Packet::parse(&full, &Limits::default()).unwrap();
        prop_assert_eq!(&packet.to_compact(&route(id)).unwrap(), &short);
        let packet = Packet::parse(&short, &Limits::default()).unwrap();
        prop_assert_eq!(&packet.to_self_contained(&route(id)).unwrap(), &full);
        prop_assert_eq!(&packet.to_compact(&route(id)).unwrap(), &short);
    }
}

/// The fields of a compact packet with a right length and checksum.
fn packet_of(flags: u8, fields: &[u8]) -> Vec<u8> {
    let front = [&b"\x89LWP\x01\x00"[..], &[flags, fields.len() as u8 + 4]].concat();
    sealed([&front, fields, &[0; 4]].concat())
}

pub(super) fn refusals() -> Vec<Case> {
    use ErrorKind as Kind;
    let one = [0x01, 0x00, 1, 0, 0, 0x80, 0x3F];
    let framed = [&[1, 0, 0, 0, 5, 0x03, 7][..], &one].concat();
    let named = [&[1, 0, 0, 0, 5][..], &[0x01, 0x40, 1, b'a', 1, 0, 0, 0x80, 0x3F]].concat();
    let bytes = compact(5, &EncodeOptions::default());
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    let other = Route { message_prefix: [0; 12], ..route(5) };
    let mut coded = on_route(&[1], Vec::new());
    coded.latents[0].values =
        Values::Codes { codebook: Fingerprint([8; 16]), size: 4, codes: vec![3].into() };
    let coded_bytes = coded.encode(&EncodeOptions::default()).unwrap();
    let coded_packet = Packet::parse(&coded_bytes, &Limits::default()).unwrap();
    coded.latents[0].values =
        Values::Codes { codebook: Fingerprint([7; 16]), size: 4, codes: vec![3].into() };
    let short = coded.encode_on(&route(1), &EncodeOptions::default()).unwrap();
    let short = Packet::parse(&short, &Limits::default()).unwrap();
    let without = Route { codebook: None, ..route(1) };
    let limits = Limits::default();
    vec![
        (Kind::PreambleBare, refused(&packet_of(0b001, &framed))),
        (Kind::PreambleBare, refused(&packet_of(0b101, &named))),
        (Kind::HeaderRoute, packet.decode(&limits).unwrap_err()),
        (Kind::HeaderRoute, packet.decode_on(&route(6), &limits).unwrap_err()),
        (Kind::HeaderRoute, packet.to_self_contained(&route(6)).unwrap_err()),
        (Kind::HeaderRoute, short.decode_on(&without, &limits).unwrap_err()),
        (Kind::MessageRoute, {
            let message = on_route(&[1], vec![1.0]);
            message.encode_on(&other, &EncodeOptions::default()).unwrap_err()
        }),
        (Kind::MessageRoute, coded_packet.to_compact(&route(1)).unwrap_err()),
    ]
}

#[test]
fn a_group_of_numbers_may_share_a_scale_in_either_profile() {
    let options = EncodeOptions::default().with_granularity(Granularity::Group(64));
    let bytes = compact(1, &options);
    assert_eq!(overhead(&bytes), 24);
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(packet.latents()[0].payload_length, 32 * 4 * 2 + 8192);
}
