//! Tests of trust: packets of every kind, ten thousand of them honest and ten thousand altered,
//! vectors with fixed keys, and every refusal.

mod altered;
mod cuts;
mod digests;
mod envelopes;
mod refusals;
mod replays;
mod vectors;

use super::*;
use crate::message::{
    Fingerprint, Header, Latents, Message, MessageId, ModelRef, Section, Shape, SpaceRef, Values,
};
use crate::wire::cursor::{Cursor, put_varint};
use crate::wire::preamble::{self, Preamble};
use crate::wire::{Compression, EncodeOptions, Packet, SEAL, Version};
use crate::{Encoding, ErrorKind, Granularity, Limits, Route, checksum};

pub(crate) use refusals::refusals;

/// Numbers that only have to be different, the same in every run.
struct Dice(u64);

impl Dice {
    /// `SplitMix64`.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.roll() >> 40) as f32 / 1e6 - 8.0).collect()
    }
}

const PREFIX: [u8; 12] = *b"route prefix";

fn route() -> Route<'static> {
    Route {
        id: 5,
        message_prefix: PREFIX,
        sender: ModelRef { fingerprint: Fingerprint([1; 16]), name: "sender", revision: "r1" },
        receiver: Some(ModelRef { fingerprint: Fingerprint([3; 16]), name: "to", revision: "" }),
        space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "space" },
        codebook: Some(Fingerprint([4; 16])),
        dictionary: Some(Fingerprint([5; 16])),
        tables: Some(Fingerprint([6; 16])),
    }
}

fn limits() -> Limits {
    Limits::default()
}

fn parse(bytes: &[u8]) -> Packet<'_> {
    Packet::parse(bytes, &limits()).unwrap()
}

/// The numbers of one tensor, on the route.
fn message(number: u32, extents: &[usize], numbers: Vec<f32>) -> Message<'static> {
    Message {
        header: route().header(number),
        latents: vec![Latents::new(Shape::new(extents).unwrap(), numbers)],
        sections: Vec::new(),
    }
}

/// A message like any other: an encoding, tensors with rows, now and then sections, indices of a
/// codebook and a lossless stage. Every eighth kind has the same layout.
fn any_packet(dice: &mut Dice, kind: usize) -> Vec<u8> {
    let encoding = Encoding::ALL[kind % Encoding::ALL.len()];
    let row_len = if encoding == Encoding::Sign { 16 } else { 8 };
    let numbers = dice.numbers(6 * row_len);
    let mut given = message(dice.roll() as u32, &[6, row_len], numbers);
    if kind % 3 == 1 {
        given.latents.push(Latents {
            name: "codes",
            shape: Shape::new(&[4, 3]).unwrap(),
            values: Values::Codes {
                codebook: Fingerprint([4; 16]),
                size: 100,
                codes: (0..12).map(|_| dice.below(100) as u16).collect::<Vec<_>>().into(),
            },
        });
    }
    let bodies: Vec<Vec<u8>> =
        (0..3).map(|_| (0..=dice.below(9)).map(|_| dice.roll() as u8).collect()).collect();
    if !kind.is_multiple_of(4) {
        let types = [6, 4096, 4096];
        let sections = types.into_iter().zip(&bodies);
        given.sections =
            sections.map(|(section_type, body)| Section { section_type, body }).collect();
    }
    let mut options = EncodeOptions::default().with_encoding(encoding);
    if encoding.has_scales() {
        let all =
            [Granularity::Row, Granularity::Tensor, Granularity::Channel, Granularity::Group(4)];
        options = options
            .with_granularity(all[kind % 5 % 4])
            .with_asymmetric(encoding != Encoding::Sign && kind.is_multiple_of(2));
    }
    given.encode(&options).unwrap()
}

/// One key for each algorithm.
fn keys(seed: u8) -> [SealKey; 3] {
    [
        SealKey::hmac_sha256(KeyId([1; 8]), [seed; 32]),
        SealKey::blake3(KeyId([2; 8]), [seed; 32]),
        SealKey::ed25519(KeyId([3; 8]), [seed; 32]),
    ]
}

fn sealers(seed: u8) -> [Sealer; 3] {
    keys(seed).map(|key| Sealer::new(key).unwrap())
}

fn verifier(seed: u8) -> Verifier {
    Verifier::new(keys(seed).map(|key| key.verify_key()))
}

/// Which of the three to use for the packet of this number: signatures are slow without
/// optimization, so only now and then one.
fn choose(number: usize) -> usize {
    if number % 40 == 39 { 2 } else { number % 2 }
}

/// The bytes with length and checksum made right.
fn mended(flags: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    preamble::write_as(&mut out, Version::CURRENT, flags, (content.len() + checksum::LEN) as u32);
    out.extend_from_slice(content);
    let sum = checksum::of(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// The bytes with the checksum made right.
fn resummed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - checksum::LEN;
    let sum = checksum::of(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    bytes
}

/// A packet taken apart.
struct Parts {
    flags: u8,
    header: Vec<u8>,
    sections: Vec<(u16, bool, Vec<u8>)>,
}

impl Parts {
    /// The parts of a packet whose sections have frames.
    fn of(bytes: &[u8]) -> Self {
        let packet = parse(bytes);
        let mut cursor = Cursor::arriving(bytes);
        let preamble = Preamble::read(&mut cursor, &limits()).unwrap();
        let first = packet.sections()[0];
        let mut frame = Vec::new();
        put_varint(&mut frame, u32::from(first.section_type) * 2 + u32::from(first.critical));
        put_varint(&mut frame, first.length as u32);
        let sections = packet.sections().iter();
        Self {
            flags: preamble.flags(),
            header: bytes[cursor.at()..first.offset - frame.len()].to_vec(),
            sections: sections
                .map(|info| (info.section_type, info.critical, info.body(bytes).to_vec()))
                .collect(),
        }
    }

    fn seal(&mut self) -> &mut Vec<u8> {
        let seal = self.sections.iter_mut().find(|(section_type, ..)| *section_type == SEAL);
        &mut seal.unwrap().2
    }

    fn join(&self) -> Vec<u8> {
        let mut content = self.header.clone();
        for (section_type, critical, body) in &self.sections {
            put_varint(&mut content, u32::from(*section_type) * 2 + u32::from(*critical));
            put_varint(&mut content, body.len() as u32);
            content.extend_from_slice(body);
        }
        mended(self.flags, &content)
    }
}

#[test]
fn keys_are_not_printed() {
    let key = [0xAB; 32];
    let [hmac, blake3, ed25519] = [
        SealKey::hmac_sha256(KeyId([1; 8]), key),
        SealKey::blake3(KeyId([1; 8]), key),
        SealKey::ed25519(KeyId([1; 8]), key),
    ];
    let envelope = EnvelopeKey::new(KeyId([1; 8]), key);
    let verifier = Verifier::new([hmac.verify_key(), blake3.verify_key()]);
    let printed = [
        format!("{hmac:?} {blake3:?} {ed25519:?} {envelope:?} {verifier:?}"),
        format!("{:?}", Sealer::new(blake3).unwrap()),
        format!("{:?}", Encryptor::new(envelope).unwrap()),
    ];
    for text in printed {
        assert!(text.contains("0101010101010101"), "{text}");
        // More than one byte of it: the digits of one may stand in a random session.
        let lower = text.to_lowercase();
        assert!(!lower.contains("171, 171") && !lower.contains("abababab"), "{text}");
    }
}

#[test]
fn every_session_is_its_own() {
    let [one, two] =
        [1, 1].map(|seed| Sealer::new(keys(seed).into_iter().next().unwrap()).unwrap());
    assert_ne!(one.session(), two.session());
}
