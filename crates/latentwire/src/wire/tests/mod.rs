//! Tests of the frame: golden bytes and what a reader keeps here, every refusal in `refusals`,
//! what holds for all messages in `properties`.

mod halves;
mod pieces;
mod profiles;
mod properties;
mod refusals;
mod stages;
mod tensors;
mod truncation;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::message::{
    Fingerprint, Header, Latents, Message, MessageId, ModelRef, Section, Shape, SpaceRef, Values,
};
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
const CHECKSUM_AT: usize = PAYLOAD_AT + 4;

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
        latents: vec![Latents::new(Shape::new(extents).unwrap(), latents)],
        sections: Vec::new(),
    }
}

fn stored(encoding: Encoding) -> EncodeOptions<'static> {
    EncodeOptions::default().with_encoding(encoding)
}

/// One number, f32.
fn smallest() -> Vec<u8> {
    message(&[1], vec![1.0]).encode(&stored(Encoding::F32)).unwrap()
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
    let rest = bytes.len() - LENGTH_AT - 1;
    let mut length = Vec::new();
    cursor::put_varint(&mut length, rest as u32);
    bytes.splice(LENGTH_AT..=LENGTH_AT, length);
    sealed(bytes)
}

/// [`smallest`] with another body of its latent section.
fn with_latents(body: &[u8]) -> Vec<u8> {
    let mut section = vec![0x03];
    cursor::put_varint(&mut section, body.len() as u32);
    section.extend(body);
    patched(TAG_AT, CHECKSUM_AT - TAG_AT, &section)
}

/// Reads all there is to read, the latents included.
fn read<'a>(bytes: &'a [u8], limits: &Limits) -> crate::Result<Message<'a>> {
    Packet::parse(bytes, limits)?.decode(limits)
}

fn refused(bytes: &[u8]) -> Error {
    read(bytes, &Limits::default()).unwrap_err()
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

#[test]
fn the_checksum_is_crc_32c() {
    // The check value of CRC-32/ISCSI in every catalogue.
    assert_eq!(checksum::of(b"123456789"), 0xE306_9283);
}

#[test]
fn varints_take_the_bytes_that_the_specification_gives() {
    for (value, expected) in [
        (0, &[0x00][..]),
        (127, &[0x7F]),
        (128, &[0x80, 0x01]),
        (300, &[0xAC, 0x02]),
        (u32::MAX, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
    ] {
        let mut bytes = Vec::new();
        cursor::put_varint(&mut bytes, value);
        assert_eq!(bytes, expected);
        assert_eq!(cursor::varint_len(value), expected.len());
        assert_eq!(cursor::Cursor::arriving(&bytes).varint().unwrap(), value);
    }
}

#[test]
fn a_packet_says_where_its_parts_lie() {
    let bytes = smallest();
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    let [section] = packet.sections() else { panic!("{:?}", packet.sections()) };
    assert_eq!((section.section_type, section.critical), (LATENTS, true));
    assert_eq!((section.offset, section.end()), (KIND_AT, CHECKSUM_AT));
    assert_eq!(section.body(&bytes), &bytes[KIND_AT..CHECKSUM_AT]);
    let [latents] = packet.latents() else { panic!("{:?}", packet.latents()) };
    assert_eq!((latents.payload_offset, latents.payload_length), (PAYLOAD_AT, 4));
    assert_eq!(packet.as_bytes(), bytes);
    assert_eq!(packet.version(), Version::CURRENT);
}

#[test]
fn a_higher_minor_version_is_read() {
    let bytes = patched(5, 1, &[9]);
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(packet.version(), Version { major: 1, minor: 9 });
    assert_eq!(packet.decode(&Limits::default()).unwrap(), message(&[1], vec![1.0]));
}

#[test]
fn names_may_be_as_long_as_their_length_byte_can_say() {
    let long = "ä".repeat(127) + "a";
    let mut given = message(&[1], vec![1.0]);
    given.header.sender = ModelRef { name: &long, revision: &long, ..given.header.sender };
    given.header.receiver = Some(given.header.sender);
    given.header.space.name = &long;
    let bytes = given.encode(&stored(Encoding::F32)).unwrap();
    assert_eq!(read(&bytes, &Limits::default()).unwrap(), given);
}

#[test]
fn ancillary_sections_are_carried_in_order() {
    let mut given = message(&[1], vec![1.0]);
    given.sections = vec![
        Section { section_type: 8191, body: b"last" },
        Section { section_type: 8, body: b"one" },
        Section { section_type: 8, body: b"two" },
    ];
    let bytes = given.encode(&stored(Encoding::F32)).unwrap();
    let found = read(&bytes, &Limits::default()).unwrap();
    let bodies: Vec<_> = found.sections.iter().map(|section| section.body).collect();
    assert_eq!(bodies, [&b"one"[..], b"two", b"last"]);
    assert_eq!(found.encode(&stored(Encoding::F32)).unwrap(), bytes);
}

#[cfg(feature = "zstd")]
#[test]
fn compression_is_kept_only_where_it_helps() {
    let tried = |encoding| stored(encoding).with_compression(Compression::Zstd { level: 9 });
    for &encoding in Encoding::ALL {
        let even = message(&[4, 64], vec![0.25; 256]);
        let bytes = even.encode(&tried(encoding)).unwrap();
        let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(packet.latents()[0].stage, crate::Stage::Zstd);
        let plain = even.encode(&stored(encoding)).unwrap();
        assert!(bytes.len() < plain.len());
        // Canonical is what the packet holds after the stage is undone.
        let restored = packet.decode(&Limits::default()).unwrap();
        assert_eq!(restored.encode(&stored(encoding)).unwrap(), plain);

        let noise = (0..64_u32).map(|i| i.wrapping_mul(2_654_435_761) as f32 / 1e9).collect();
        let noise = message(&[64], noise);
        assert_eq!(
            noise.encode(&tried(encoding)).unwrap(),
            noise.encode(&stored(encoding)).unwrap()
        );
    }
}

#[test]
fn packets_are_appended_one_after_another_or_not_at_all() {
    let options = EncodeOptions::default();
    let (one, other) = (message(&[2, 3], vec![1.0; 6]), message(&[1], vec![-2.0]));
    let mut out = Vec::new();
    one.encode_to(&options, &mut out).unwrap();
    other.encode_to(&stored(Encoding::F32), &mut out).unwrap();
    let expected =
        [one.encode(&options).unwrap(), other.encode(&stored(Encoding::F32)).unwrap()].concat();
    assert_eq!(out, expected);
    message(&[1], vec![f32::NAN]).encode_to(&options, &mut out).unwrap_err();
    assert_eq!(out, expected);
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
