//! Every finding there is, provoked at least once, each at its place.

use std::collections::BTreeSet;

use super::*;
use crate::Granularity;
use crate::error::Family;

/// A finding that must be made, and the one that was made.
pub(super) type Case = (ErrorKind, Error);

/// Packets that break one rule of the frame, with the byte at which that must be found.
fn of_the_frame() -> Vec<Case> {
    use ErrorKind as Kind;
    let after_latents = |bytes: &[u8]| patched(CHECKSUM_AT, 0, bytes);
    let latents = &smallest()[TAG_AT..CHECKSUM_AT];
    let end = smallest().len();
    let mut trailing = smallest();
    trailing.push(0);
    let mut flipped = smallest();
    flipped[PAYLOAD_AT] ^= 1;
    let mut short = smallest()[..12].to_vec();
    short[LENGTH_AT] = 3;
    let long_varint = [0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
    let codes = |size: u8, payload: &[u8]| [&[0x09, 0, 1, size][..], &[7; 16], payload].concat();
    let int8 = |form, raw: &[u8]| with_latents(&[&[0x04, form, 1], raw].concat());
    let cases = vec![
        (Kind::PacketTruncated, 40, smallest()[..40].to_vec()),
        (Kind::PacketTrailingBytes, end, trailing),
        (Kind::PreambleMagic, 1, b"\x89PNG\r\n\x1a\n".to_vec()),
        (Kind::PreambleMagic, 0, b"a text".to_vec()),
        (Kind::PreambleMajor, 4, patched(4, 1, &[2])),
        (Kind::PreambleMajor, 4, patched(4, 1, &[0])),
        (Kind::PreambleLength, LENGTH_AT, short),
        (Kind::PreambleFlags, 6, patched(6, 1, &[0x80])),
        (Kind::PreambleFlags, 6, patched(6, 1, &[0x04])),
        (Kind::PreambleFlags, 6, patched(6, 1, &[0x09])),
        (Kind::PreambleProfile, 6, patched(6, 1, &[0x02])),
        (Kind::PreambleProfile, 6, patched(6, 1, &[0x03])),
        (Kind::ChecksumMismatch, CHECKSUM_AT, flipped),
        (Kind::VarintNotMinimal, EXTENT_AT, patched(EXTENT_AT, 1, &[0x81, 0x00])),
        (Kind::VarintOverflow, EXTENT_AT, patched(EXTENT_AT, 1, &[0xFF, 0xFF, 0xFF, 0xFF, 0x1F])),
        (Kind::VarintOverflow, TAG_AT, patched(TAG_AT, 1, &long_varint)),
        (Kind::FieldOverrun, KIND_AT, patched(TAG_AT + 1, 1, &[100])),
        (Kind::FieldOverrun, SENDER_NAME_AT + 1, patched(SENDER_NAME_AT, 1, &[0xFF])),
        (Kind::FieldOverrun, FORM_AT, with_latents(&[0x01])),
        (Kind::HeaderName, SENDER_NAME_AT, patched(SENDER_NAME_AT + 1, 1, &[0x1B])),
        (Kind::HeaderName, SENDER_NAME_AT, patched(SENDER_NAME_AT + 1, 1, &[0xFF])),
        (Kind::HeaderName, SENDER_NAME_AT, patched(SENDER_NAME_AT, 2, &[2, 0xC2, 0x9B])),
        (Kind::HeaderName, SENDER_NAME_AT, patched(SENDER_NAME_AT, 2, &[0])),
        (Kind::HeaderReceiver, MARKER_AT, patched(MARKER_AT, 1, &[2])),
        (Kind::SectionType, CHECKSUM_AT, after_latents(&[0x00, 0])),
        (Kind::SectionType, CHECKSUM_AT, after_latents(&[0x80, 0x80, 0x01, 0])),
        (Kind::SectionOrder, TAG_AT + 2, patched(TAG_AT, 0, &[0x04, 0])),
        (Kind::SectionOrder, TAG_AT + 11, {
            patched(TAG_AT, 0, &[0x03, 9, 0x01, 0x40, 1, b'a', 1, 0, 0, 0, 0])
        }),
        (Kind::SectionDuplicate, CHECKSUM_AT, after_latents(latents)),
        (Kind::SectionCriticality, TAG_AT, patched(TAG_AT, 1, &[0x02])),
        (Kind::SectionDuplicate, CHECKSUM_AT + 2, after_latents(&[0x04, 0, 0x04, 0])),
        (Kind::SectionCriticality, CHECKSUM_AT, after_latents(&[0x05, 0])),
        (Kind::SectionCriticality, CHECKSUM_AT, after_latents(&[0x0E, 0])),
        (Kind::SectionUnknown, CHECKSUM_AT, after_latents(&[0x11, 0])),
        (Kind::SectionMissing, TAG_AT, patched(TAG_AT, latents.len(), &[])),
        (Kind::LatentsEncoding, KIND_AT, patched(KIND_AT, 1, &[0x1F])),
        (Kind::LatentsEncoding, KIND_AT, patched(KIND_AT, 1, &[0x00])),
        (Kind::LatentsStage, KIND_AT, patched(KIND_AT, 1, &[0xE1])),
        (Kind::LatentsLayout, FORM_AT, patched(FORM_AT, 1, &[0x80])),
        (Kind::LatentsLayout, FORM_AT, with_latents(&[0x08, 0x20, 1, 0, 0x3C, 1])),
        (Kind::LatentsName, EXTENT_AT, with_latents(&[0x01, 0x40, 0, 1, 0, 0, 0, 0])),
        (Kind::LatentsName, EXTENT_AT, with_latents(&[0x01, 0x40, 1, 0x1B, 1, 0, 0, 0, 0])),
        (Kind::LatentsGroup, EXTENT_AT + 1, with_latents(&[0x04, 0x0C, 4, 3, 0, 0, 0, 0])),
        (Kind::LatentsGroup, EXTENT_AT + 1, with_latents(&[0x04, 0x0C, 4, 4, 0, 0, 0, 0])),
        (Kind::LatentsCodebook, EXTENT_AT + 1, with_latents(&[0x09, 0, 1, 1])),
        (Kind::LatentsCodebook, EXTENT_AT + 1, with_latents(&[0x09, 0, 1, 0x81, 0x80, 0x04])),
        (Kind::LatentsIndex, EXTENT_AT + 18, with_latents(&codes(5, &[0b101]))),
        (Kind::LatentsPadding, EXTENT_AT + 18, with_latents(&codes(5, &[0b1100]))),
        (Kind::LatentsPadding, PAYLOAD_AT + 2, with_latents(&[0x06, 0, 1, 0, 0x3C, 0x1E])),
        (Kind::LatentsZeroPoint, PAYLOAD_AT + 2, with_latents(&[0x06, 0x20, 1, 0, 0x3C, 16, 0])),
        (Kind::LatentsScaleBits, FORM_AT, patched(FORM_AT, 1, &[0x10])),
        (Kind::LatentsExtent, EXTENT_AT, patched(EXTENT_AT, 1, &[0])),
        (Kind::LatentsLength, PAYLOAD_AT, patched(EXTENT_AT, 1, &[2])),
        (Kind::LatentsLength, PAYLOAD_AT, with_latents(&[0x01, 0, 1])),
        (Kind::LatentsValue, PAYLOAD_AT, patched(PAYLOAD_AT, 4, &f32::NAN.to_le_bytes())),
        (Kind::LatentsScale, PAYLOAD_AT, int8(0, &[0x00, 0x80, 0])),
        (Kind::LatentsQuantum, PAYLOAD_AT + 2, int8(0, &[0x00, 0x3C, 126])),
    ];
    let find = |(expected, at, bytes): (ErrorKind, usize, Vec<u8>)| {
        let error = refused(&bytes);
        assert_eq!(error.offset(), Some(at), "{expected:?}: {error}");
        (expected, error)
    };
    cases.into_iter().map(find).collect()
}

/// Packets over a limit, each with something else wrong that only a reader who had gone on would
/// have met: limits come first.
fn of_limits() -> Vec<Case> {
    use ErrorKind as Kind;
    let limits = Limits::default();
    let against = |limits: Limits, bytes: &[u8]| read(bytes, &limits).unwrap_err();
    // A length of 2^32 - 1 with nothing behind it, and one byte more than the limit.
    let endless = [&smallest()[..LENGTH_AT], &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]].concat();
    let one_too_many = limits.with_total_bytes(smallest().len() - 1);
    // 2^31 numbers, or 2^32 - 1 along each of four axes, and no payload.
    let large = with_latents(&[0x01, 0, 0x80, 0x80, 0x80, 0x80, 0x08]);
    let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F].repeat(4);
    let huge = with_latents(&[&[0x01, 3][..], &huge].concat());
    // As many numbers as are allowed, in more bytes than are: compressed, by what is no frame.
    let blown_up = with_latents(&[0x24, 0x11, 0x80, 0x80, 0x80, 0x02, 1, 0xFF]);
    let crowded = patched(CHECKSUM_AT, 0, &[0x10, 0].repeat(64));
    let not_finite = patched(PAYLOAD_AT, 4, &f32::NAN.to_le_bytes());
    vec![
        (Kind::LimitTotalBytes, against(limits, &endless)),
        (Kind::LimitTotalBytes, against(one_too_many, &smallest())),
        (Kind::LimitElements, against(limits, &large)),
        (Kind::LimitElements, against(limits, &huge)),
        (Kind::LimitElements, against(limits.with_elements(0), &smallest())),
        (Kind::LimitSections, against(limits, &crowded)),
        (Kind::LimitSections, against(limits.with_sections(0), &smallest())),
        (Kind::LimitDecompressed, against(limits, &blown_up)),
        (Kind::LimitDecompressed, against(limits.with_decompressed_bytes(3), &not_finite)),
    ]
}

/// Messages that cannot be written.
fn of_messages() -> Vec<Case> {
    use ErrorKind as Kind;
    let refuse = |change: &dyn Fn(&mut Message<'_>)| {
        let mut wrong = message(&[1], vec![1.0]);
        change(&mut wrong);
        wrong.encode(&EncodeOptions::default()).unwrap_err()
    };
    let one = |latents: Vec<f32>| Latents::new(Shape::new(&[1]).unwrap(), latents);
    let number = |value: f32| refuse(&|wrong| wrong.latents = vec![one(vec![value])]);
    let number_as = |change: &dyn Fn(EncodeOptions<'static>) -> EncodeOptions<'static>| {
        message(&[1], vec![1.0]).encode(&change(EncodeOptions::default())).unwrap_err()
    };
    let index = |size, code| {
        refuse(&|wrong| {
            wrong.latents[0].values =
                Values::Codes { codebook: Fingerprint([7; 16]), size, codes: vec![code].into() };
        })
    };
    let section =
        |section_type| refuse(&|wrong| wrong.sections.push(Section { section_type, body: b"" }));
    let long = "a".repeat(256);
    let mut long_name = message(&[1], vec![1.0]);
    long_name.header.space.name = &long;
    // One body named 128 times is 4 GiB of packet, and never copied: lengths are summed first.
    let body = vec![0; 32 << 20];
    let mut endless = message(&[1], vec![1.0]);
    endless.sections = vec![Section { section_type: 8, body: &body }; 128];
    let mut cases = vec![
        (Kind::MessageShape, refuse(&|wrong| wrong.latents = vec![one(vec![1.0, 2.0])])),
        (Kind::MessageShape, refuse(&|wrong| wrong.latents.clear())),
        (Kind::MessageName, refuse(&|wrong| wrong.latents.push(one(vec![1.0])))),
        (Kind::MessageName, refuse(&|wrong| wrong.latents[0].name = "a\n")),
        (
            Kind::MessageName,
            refuse(&|wrong| {
                wrong.latents.insert(0, Latents { name: "a", ..one(vec![1.0]) });
            }),
        ),
        (
            Kind::MessageLayout,
            number_as(&|options| options.with_encoding(Encoding::Sign).with_asymmetric(true)),
        ),
        (
            Kind::MessageLayout,
            number_as(&|options| {
                options.with_encoding(Encoding::F32).with_granularity(Granularity::Tensor)
            }),
        ),
        (Kind::MessageGroup, number_as(&|options| options.with_granularity(Granularity::Group(1)))),
        (Kind::MessageIndex, index(4, 4)),
        (Kind::MessageIndex, index(1, 0)),
        (Kind::MessageNotFinite, number(f32::NAN)),
        (Kind::MessageNotFinite, number(f32::NEG_INFINITY)),
        (Kind::MessageTooLarge, number(f32::MAX)),
        (Kind::MessageName, refuse(&|wrong| wrong.header.sender.name = "")),
        (Kind::MessageName, refuse(&|wrong| wrong.header.sender.name = "a\u{1b}[2J")),
        (Kind::MessageName, refuse(&|wrong| wrong.header.space.name = "a\u{9b}2J")),
        (Kind::MessageName, long_name.encode(&EncodeOptions::default()).unwrap_err()),
        (Kind::MessageSection, section(0)),
        (Kind::MessageSection, section(LATENTS)),
        (Kind::MessageSection, section(MAX_TYPE + 1)),
        (Kind::MessageSection, section(SEAL)),
        (
            Kind::MessageSection,
            refuse(&|wrong| {
                wrong.sections = vec![Section { section_type: TRACE, body: b"" }; 2];
            }),
        ),
        (Kind::MessageSize, endless.encode(&EncodeOptions::default()).unwrap_err()),
    ];
    let shapes: [&[usize]; 5] = [&[], &[0], &[2, 0], &[1, 1, 1, 1, 1], &[1 << 16, 1 << 16]];
    cases.extend(shapes.map(|extents| (Kind::MessageShape, Shape::new(extents).unwrap_err())));
    cases
}

#[cfg(feature = "zstd")]
fn of_the_lossless_stage() -> Vec<Case> {
    use ErrorKind as Kind;
    let level = |level| EncodeOptions::default().with_compression(Compression::Zstd { level });
    let bad_level = |at| message(&[1], vec![1.0]).encode(&level(at)).unwrap_err();
    let even = message(&[256], vec![0.25; 256]);
    let good = even.encode(&level(3).with_encoding(Encoding::F32)).unwrap();
    let packet = Packet::parse(&good, &Limits::default()).unwrap();
    let frame = packet.latents()[0].payload(&good);
    // 256 numbers of 4 bytes, as a frame that is given.
    let stored_as =
        |frame: &[u8]| refused(&with_latents(&[&[0x21, 0, 0x80, 0x02], frame].concat()));
    let compressed = |raw: &[u8]| {
        let mut frame = Vec::with_capacity(raw.len() + 64);
        zstd_safe::compress(&mut frame, raw, 3).unwrap();
        frame
    };
    let without_size = {
        let mut context = zstd_safe::CCtx::create();
        context.set_parameter(zstd_safe::CParameter::ContentSizeFlag(false)).unwrap();
        let mut frame = Vec::with_capacity(256);
        context.compress2(&mut frame, &[0; 1024]).unwrap();
        frame
    };
    let mut damaged = frame.to_vec();
    *damaged.last_mut().unwrap() ^= 0xFF;
    damaged[5] ^= 0xFF;
    let skippable = [0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 7];
    vec![
        (Kind::MessageLevel, bad_level(0)),
        (Kind::MessageLevel, bad_level(23)),
        (Kind::LatentsCompressed, stored_as(b"")),
        (Kind::LatentsCompressed, stored_as(b"no frame")),
        (Kind::LatentsCompressed, stored_as(&damaged)),
        (Kind::LatentsCompressed, stored_as(&frame[..frame.len() - 1])),
        (Kind::LatentsCompressed, stored_as(&[frame, &[0]].concat())),
        (Kind::LatentsCompressed, stored_as(&[frame, &skippable].concat())),
        (Kind::LatentsCompressed, stored_as(&skippable)),
        (Kind::LatentsCompressed, stored_as(&without_size)),
        // A bomb: 4 MiB from a few hundred bytes.
        (Kind::LatentsCompressed, stored_as(&compressed(&vec![0; 4 << 20]))),
        (Kind::LatentsCompressed, stored_as(&compressed(&[0; 1023]))),
        (Kind::LatentsCompressed, stored_as(&compressed(&[0; 1025]))),
        (Kind::LatentsLength, stored_as(&[0; 1024])),
        (Kind::LatentsValue, stored_as(&compressed(&[0xFF; 1024]))),
    ]
}

#[cfg(not(feature = "zstd"))]
fn of_the_lossless_stage() -> Vec<Case> {
    let options = EncodeOptions::default().with_compression(Compression::Zstd { level: 3 });
    vec![
        (ErrorKind::MessageStage, message(&[1], vec![1.0]).encode(&options).unwrap_err()),
        (ErrorKind::LatentsStage, refused(&with_latents(&[0x21, 0, 1, 0xFF]))),
    ]
}

#[cfg(feature = "trust")]
fn of_trust() -> Vec<Case> {
    crate::trust::tests::refusals()
}

#[cfg(not(feature = "trust"))]
fn of_trust() -> Vec<Case> {
    Vec::new()
}

/// Whether only a build with trust can make this finding.
fn is_of_trust(kind: ErrorKind) -> bool {
    use ErrorKind as Kind;
    let others =
        [Kind::LimitSessions, Kind::MessageSeal, Kind::MessageSequence, Kind::MessageRandom];
    kind.id().starts_with("seal.") || kind.id().starts_with("envelope.") || others.contains(&kind)
}

/// Findings that this build cannot make: they are about zstd, which it has or has not.
const NOT_IN_THIS_BUILD: &[ErrorKind] = if cfg!(feature = "zstd") {
    &[ErrorKind::MessageStage]
} else {
    &[
        ErrorKind::MessageLevel,
        ErrorKind::LatentsCompressed,
        ErrorKind::TextLength,
        ErrorKind::TextCompressed,
    ]
};

#[test]
fn every_finding_is_made_and_says_what_where_and_why() {
    let cases = [
        of_the_frame(),
        of_limits(),
        of_messages(),
        of_the_lossless_stage(),
        profiles::refusals(),
        truncation::refusals(),
        stages::refusals(),
        crate::sections::tests::refusals(),
        of_trust(),
    ]
    .concat();
    for (expected, error) in &cases {
        assert_eq!(error.kind(), *expected, "{error}");
        assert!(!error.expected().is_empty() && !error.found().is_empty(), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        let writing = expected.family() == Family::InvalidMessage;
        assert!(!(writing && error.offset().is_some()), "{error}");
    }
    let made = cases.iter().map(|(kind, _)| kind.id());
    let without_trust =
        ErrorKind::ALL.iter().filter(|kind| !cfg!(feature = "trust") && is_of_trust(**kind));
    let not_made = NOT_IN_THIS_BUILD.iter().chain(without_trust).map(|kind| kind.id());
    let all: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.id()).collect();
    assert_eq!(made.chain(not_made).collect::<BTreeSet<_>>(), all);
    assert_eq!(all.len(), ErrorKind::ALL.len(), "an id stands twice");
}

#[test]
fn a_limit_allows_exactly_what_it_says() {
    let bytes = smallest();
    let exact = Limits::default()
        .with_total_bytes(bytes.len())
        .with_elements(1)
        .with_sections(1)
        .with_decompressed_bytes(4);
    assert!(read(&bytes, &exact).is_ok());
}

#[test]
fn every_single_flipped_bit_is_found() {
    for bit in 0..smallest().len() * 8 {
        let mut bytes = smallest();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Packet::parse(&bytes, &Limits::default()).is_err(), "bit {bit}");
    }
}

#[test]
fn numbers_with_their_highest_byte_first_are_refused() {
    let reversed = |at: usize, len: usize, mut bytes: Vec<u8>| {
        bytes[at..at + len].reverse();
        bytes
    };
    let of_one_scale = || with_latents(&[0x04, 0, 1, 0x00, 0x3C, 127]);
    let cases = [
        (ErrorKind::PreambleMagic, 0, reversed(0, 4, smallest())),
        (ErrorKind::ChecksumMismatch, CHECKSUM_AT, reversed(CHECKSUM_AT, 4, smallest())),
        // By whoever has only the checksum right: 1.0 as a scale is below the normal numbers then.
        (ErrorKind::LatentsScale, PAYLOAD_AT, sealed(reversed(PAYLOAD_AT, 2, of_one_scale()))),
    ];
    assert!(read(&of_one_scale(), &Limits::default()).is_ok());
    for (kind, at, bytes) in cases {
        let error = refused(&bytes);
        assert_eq!((error.kind(), error.offset()), (kind, Some(at)), "{error}");
    }
}
