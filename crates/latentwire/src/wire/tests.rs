//! Every rule of the frame, each broken once; and what holds for every message.

use std::borrow::Cow;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::error::{Error, ErrorKind, Family};
use crate::limits::Limits;
use crate::message::{Fingerprint, Header, Message, MessageId, ModelRef, Section, Shape, SpaceRef};
use crate::{Encoding, checksum};

/// Where the fields of [`smallest`] begin.
const LENGTH_AT: usize = 7;
const SENDER_NAME_AT: usize = 8 + 16 + 16;
const MARKER_AT: usize = SENDER_NAME_AT + 3;
const TAG_AT: usize = MARKER_AT + 1 + 16 + 2;
const KIND_AT: usize = TAG_AT + 2;
const FORM_AT: usize = KIND_AT + 1;
const EXTENT_AT: usize = FORM_AT + 1;
const PAYLOAD_AT: usize = EXTENT_AT + 1;

fn header() -> Header<'static> {
    Header {
        message_id: MessageId(*b"0123456789abcdef"),
        sender: ModelRef { fingerprint: Fingerprint([1; 16]), name: "a", revision: "" },
        receiver: None,
        space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "s" },
    }
}

fn message(extents: &[usize], latents: Vec<f32>) -> Message<'static> {
    Message {
        header: header(),
        shape: Shape::new(extents).unwrap(),
        latents: Cow::Owned(latents),
        sections: Vec::new(),
    }
}

/// One number, f32.
fn smallest() -> Vec<u8> {
    let options = EncodeOptions::default().with_encoding(Encoding::F32);
    message(&[1], vec![1.0]).encode(&options).unwrap()
}

/// Makes the checksum right again after bytes were changed.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - checksum::LEN;
    let sum = checksum::of(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    bytes
}

/// [`smallest`] with the bytes at `at` replaced by others, length and checksum made right.
fn patched(at: usize, remove: usize, insert: &[u8]) -> Vec<u8> {
    let mut bytes = smallest();
    bytes.splice(at..at + remove, insert.iter().copied());
    bytes[LENGTH_AT] = (bytes.len() - LENGTH_AT - 1) as u8;
    sealed(bytes)
}

fn refused(bytes: &[u8]) -> Error {
    let limits = Limits::default();
    Packet::parse(bytes, &limits).and_then(|packet| packet.decode(&limits)).unwrap_err()
}

fn kind(bytes: &[u8]) -> ErrorKind {
    refused(bytes).kind()
}

#[test]
fn the_smallest_packet_has_these_bytes() {
    let expected = [
        &b"\x89LWP\x01\x00\x00"[..],
        &[67],
        b"0123456789abcdef",
        &[1; 16],
        b"\x01a\x00\x00",
        &[2; 16],
        b"\x01s",
        &[0x03, 7, 0x01, 0x00, 1],
        &1.0_f32.to_le_bytes(),
        &[0x84, 0xF8, 0x15, 0x5B],
    ]
    .concat();
    assert_eq!(smallest(), expected);
}

/// Bytes of the frame, each with the finding that it must provoke.
fn broken_packets() -> Vec<(ErrorKind, Vec<u8>)> {
    let section = |body: &[u8]| patched(PAYLOAD_AT + 4, 0, body);
    let latents = smallest()[TAG_AT..PAYLOAD_AT + 4].to_vec();
    let mut trailing = smallest();
    trailing.push(0);
    let mut flipped = smallest();
    flipped[PAYLOAD_AT] ^= 1;
    let mut short = smallest()[..12].to_vec();
    short[LENGTH_AT] = 3;
    vec![
        (ErrorKind::PacketTruncated, smallest()[..40].to_vec()),
        (ErrorKind::PacketTrailingBytes, trailing),
        (ErrorKind::PreambleMagic, b"\x89PNG\r\n\x1a\n".to_vec()),
        (ErrorKind::PreambleMajor, patched(4, 1, &[2])),
        (ErrorKind::PreambleLength, short),
        (ErrorKind::PreambleFlags, patched(6, 1, &[0x80])),
        (ErrorKind::PreambleProfile, patched(6, 1, &[1])),
        (ErrorKind::ChecksumMismatch, flipped),
        (ErrorKind::VarintNotMinimal, patched(EXTENT_AT, 1, &[0x81, 0x00])),
        (ErrorKind::VarintOverflow, patched(EXTENT_AT, 1, &[0xFF, 0xFF, 0xFF, 0xFF, 0x1F])),
        (ErrorKind::FieldOverrun, patched(TAG_AT + 1, 1, &[100])),
        (ErrorKind::HeaderName, patched(SENDER_NAME_AT + 1, 1, &[0x1B])),
        (ErrorKind::HeaderReceiver, patched(MARKER_AT, 1, &[2])),
        (ErrorKind::SectionType, section(&[0x00, 0])),
        (ErrorKind::SectionOrder, patched(TAG_AT, 0, &[0x04, 0])),
        (ErrorKind::SectionDuplicate, section(&latents)),
        (ErrorKind::SectionCriticality, patched(TAG_AT, 1, &[0x02])),
        (ErrorKind::SectionUnknown, section(&[0x05, 0])),
        (ErrorKind::SectionMissing, patched(TAG_AT, latents.len(), &[])),
        (ErrorKind::LatentsEncoding, patched(KIND_AT, 1, &[0x1F])),
        (ErrorKind::LatentsStage, patched(KIND_AT, 1, &[0xE1])),
        (ErrorKind::LatentsLayout, patched(FORM_AT, 1, &[0x40])),
        (ErrorKind::LatentsScaleBits, patched(FORM_AT, 1, &[0x10])),
        (ErrorKind::LatentsExtent, patched(EXTENT_AT, 1, &[0])),
        (ErrorKind::LatentsLength, patched(EXTENT_AT, 1, &[2])),
        (ErrorKind::LatentsValue, patched(PAYLOAD_AT, 4, &f32::NAN.to_le_bytes())),
    ]
}

#[test]
fn every_rule_of_the_frame_is_enforced() {
    for (expected, bytes) in broken_packets() {
        let error = refused(&bytes);
        assert_eq!(error.kind(), expected, "{error}");
        assert!(error.offset().is_some_and(|at| at <= bytes.len()), "{error}");
        assert!(!error.expected().is_empty() && !error.found().is_empty(), "{error}");
    }
}

#[cfg(feature = "zstd")]
#[test]
fn compressed_payloads_say_the_truth() {
    let options = EncodeOptions::default()
        .with_encoding(Encoding::F32)
        .with_compression(Compression::Zstd { level: 3 });
    let good = message(&[4, 64], vec![0.25; 256]).encode(&options).unwrap();
    let limits = Limits::default();
    let packet = Packet::parse(&good, &limits).unwrap();
    assert_eq!(packet.latents().stage, crate::Stage::Zstd);
    assert_eq!(packet.decode(&limits).unwrap().latents, vec![0.25; 256]);

    let mut bad = good.clone();
    bad[packet.latents().payload_offset + 6] ^= 0xFF;
    assert_eq!(kind(&sealed(bad)), ErrorKind::LatentsCompressed);

    let tight = limits.with_decompressed_bytes(1023);
    assert_eq!(packet.decode(&tight).unwrap_err().kind(), ErrorKind::LimitDecompressed);
}

#[cfg(feature = "zstd")]
#[test]
fn compression_never_makes_a_packet_larger() {
    let noise: Vec<f32> = (0..64_u32).map(|i| i.wrapping_mul(2_654_435_761) as f32 / 1e9).collect();
    let plain = EncodeOptions::default();
    let tried = plain.with_compression(Compression::Zstd { level: 19 });
    let one = message(&[64], noise);
    assert!(one.encode(&tried).unwrap().len() <= one.encode(&plain).unwrap().len());
    let wrong = plain.with_compression(Compression::Zstd { level: 23 });
    assert_eq!(one.encode(&wrong).unwrap_err().kind(), ErrorKind::MessageLevel);
}

#[cfg(not(feature = "zstd"))]
#[test]
fn a_build_without_zstd_says_so() {
    let options = EncodeOptions::default().with_compression(Compression::Zstd { level: 3 });
    let error = message(&[64], vec![0.5; 64]).encode(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MessageStage);
}

#[test]
fn limits_hold_before_anything_is_read() {
    let limit = |limits: Limits| {
        let bytes = smallest();
        Packet::parse(&bytes, &limits).and_then(|packet| packet.decode(&limits)).unwrap_err().kind()
    };
    let limits = Limits::default();
    assert_eq!(limit(limits.with_total_bytes(50)), ErrorKind::LimitTotalBytes);
    assert_eq!(limit(limits.with_elements(0)), ErrorKind::LimitElements);
    assert_eq!(limit(limits.with_sections(0)), ErrorKind::LimitSections);
    assert_eq!(limit(limits.with_decompressed_bytes(3)), ErrorKind::LimitDecompressed);
    // Four extents whose product passes 64 bits.
    let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F].repeat(4);
    let mut bytes = patched(EXTENT_AT, 1, &huge);
    bytes[FORM_AT] = 3;
    bytes[TAG_AT + 1] += 19;
    assert_eq!(kind(&sealed(bytes)), ErrorKind::LimitElements);
}

#[test]
fn messages_that_cannot_be_written_are_refused() {
    let refuse =
        |message: &Message<'_>| message.encode(&EncodeOptions::default()).unwrap_err().kind();
    let mut wrong = message(&[2], vec![1.0]);
    assert_eq!(refuse(&wrong), ErrorKind::MessageShape);
    wrong = message(&[1], vec![1.0]);
    wrong.header.sender.name = "";
    assert_eq!(refuse(&wrong), ErrorKind::MessageName);
    wrong.header.sender.name = "a\u{1b}[2J";
    assert_eq!(refuse(&wrong), ErrorKind::MessageName);
    wrong = message(&[1], vec![1.0]);
    wrong.sections.push(Section { section_type: 1, body: b"" });
    assert_eq!(refuse(&wrong), ErrorKind::MessageSection);
    for extents in [&[][..], &[0], &[1, 1, 1, 1, 1], &[1 << 17, 1 << 17]] {
        assert_eq!(Shape::new(extents).unwrap_err().kind(), ErrorKind::MessageShape);
    }
}

#[test]
fn a_higher_minor_version_is_read() {
    let bytes = patched(5, 1, &[9]);
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(packet.version(), Version { major: 1, minor: 9 });
}

#[test]
fn ancillary_sections_are_carried_in_order() {
    let mut given = message(&[1], vec![1.0]);
    given.sections = vec![
        Section { section_type: 8191, body: b"last" },
        Section { section_type: 5, body: b"one" },
        Section { section_type: 5, body: b"two" },
    ];
    let options = EncodeOptions::default().with_encoding(Encoding::F32);
    let bytes = given.encode(&options).unwrap();
    let found = Packet::parse(&bytes, &Limits::default()).unwrap().decode(&Limits::default());
    let found = found.unwrap();
    let bodies: Vec<_> = found.sections.iter().map(|section| section.body).collect();
    assert_eq!(bodies, [&b"one"[..], b"two", b"last"]);
    assert_eq!(found.encode(&options).unwrap(), bytes);
}

#[test]
fn ids_are_stable_unique_and_all_provoked_somewhere() {
    let ids: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.id()).collect();
    assert_eq!(ids.len(), ErrorKind::ALL.len());
    let broken = broken_packets();
    let provoked = |kind: &ErrorKind| broken.iter().any(|(found, _)| found == kind);
    // Those that the other tests of this crate provoke, by name.
    let elsewhere = [
        "latents.compressed",
        "latents.scale",
        "latents.quantum",
        "limit.total_bytes",
        "limit.elements",
        "limit.sections",
        "limit.decompressed_bytes",
        "message.shape",
        "message.not_finite",
        "message.magnitude",
        "message.name",
        "message.section",
        "message.level",
        "message.stage",
        // A packet of four gigabytes: not made in a test.
        "message.size",
    ];
    for kind in ErrorKind::ALL {
        assert!(provoked(kind) != elsewhere.contains(&kind.id()), "{}", kind.id());
    }
}

#[test]
fn message_ids_sort_by_time() {
    let mut last = MessageId([0; 16]);
    for tick in 0..2000_u64 {
        let id = MessageId::v7(1_700_000_000_000_000_000 + tick * 1000, u64::MAX - tick);
        assert!(id > last);
        assert_eq!((id.0[6] >> 4, id.0[8] >> 6), (7, 2)); // version and variant of RFC 9562
        last = id;
    }
}

/// Extents, latents, whether a receiver is named, carried sections.
type Parts = (Vec<usize>, Vec<f32>, bool, Vec<(u16, Vec<u8>)>);

prop_compose! {
    fn any_message()(
        rank in 1_usize..=4,
        receiver in any::<bool>(),
        bodies in proptest::collection::vec((2_u16..=8191, proptest::collection::vec(any::<u8>(), 0..40)), 0..4),
    )(
        extents in proptest::collection::vec(1_usize..5, rank),
        receiver in Just(receiver),
        bodies in Just(bodies),
        seed in any::<u32>(),
    ) -> Parts {
        let count: usize = extents.iter().product();
        let mut state = seed | 1;
        let latents = (0..count).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        }).collect();
        (extents, latents, receiver, bodies)
    }
}

fn assembled((extents, latents, receiver, bodies): &Parts) -> Message<'_> {
    let mut built = message(extents, latents.clone());
    built.header.receiver = receiver.then_some(ModelRef {
        fingerprint: Fingerprint([7; 16]),
        name: "empfänger",
        revision: "r1",
    });
    built.sections = bodies
        .iter()
        .map(|(section_type, body)| Section { section_type: *section_type, body })
        .collect();
    built
}

proptest! {
    #[test]
    fn what_is_read_writes_the_same_bytes(parts in any_message(), code in 1_u8..5) {
        let options = EncodeOptions::default().with_encoding(Encoding::from_code(code).unwrap());
        let bytes = assembled(&parts).encode(&options).unwrap();
        let found = Packet::parse(&bytes, &Limits::default()).unwrap();
        let decoded = found.decode(&Limits::default()).unwrap();
        prop_assert_eq!(decoded.encode(&options).unwrap(), bytes);
    }

    #[test]
    fn a_chopped_packet_is_truncated_at_every_length(parts in any_message()) {
        let bytes = assembled(&parts).encode(&EncodeOptions::default()).unwrap();
        for len in 0..bytes.len() {
            prop_assert_eq!(refused(&bytes[..len]).kind().family(), Family::Truncated);
        }
    }

    #[test]
    fn a_flipped_bit_is_always_found(parts in any_message(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = assembled(&parts).encode(&EncodeOptions::default()).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Packet::parse(&bytes, &Limits::default()).is_err());
    }

    #[test]
    fn bytes_behind_a_right_checksum_never_panic(
        tail in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut bytes = smallest()[..TAG_AT].to_vec();
        bytes.extend(&tail);
        bytes.extend([0; 4]);
        let rest = bytes.len() - LENGTH_AT - 1;
        if rest < 128 {
            bytes[LENGTH_AT] = rest as u8;
        }
        let limits = Limits::default().with_elements(1 << 16);
        if let Ok(packet) = Packet::parse(&sealed(bytes), &limits) {
            let _ = packet.decode(&limits);
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Packet::parse(&bytes, &Limits::default());
    }
}
