//! What holds for every message and for any bytes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::Granularity;
use crate::error::Family;

/// What a message is assembled from.
#[derive(Clone, Debug)]
struct Parts {
    extents: Vec<usize>,
    latents: Vec<f32>,
    has_receiver: bool,
    sections: Vec<(u16, Vec<u8>)>,
}

impl Parts {
    fn message(&self) -> Message<'_> {
        let mut built = message(&self.extents, self.latents.clone());
        built.header.receiver = self.has_receiver.then_some(ModelRef {
            fingerprint: Fingerprint([7; 16]),
            name: "empfänger",
            revision: "r1",
        });
        built.sections = self
            .sections
            .iter()
            .map(|(section_type, body)| Section { section_type: *section_type, body })
            .collect();
        built
    }
}

/// Messages of any rank. Every second one has rows too small for scales in f16.
fn parts() -> impl Strategy<Value = Parts> {
    let sections = vec((SEAL + 1..=MAX_TYPE, vec(any::<u8>(), 0..40)), 0..4);
    let scale = prop_oneof![Just(1.0_f32), Just(1e-6)];
    (vec(1_usize..5, 1..=crate::MAX_RANK), scale, any::<bool>(), sections).prop_flat_map(
        |(extents, scale, has_receiver, sections)| {
            let count = extents.iter().product::<usize>();
            vec((-2.0_f32..2.0).prop_map(move |value| value * scale), count).prop_map(
                move |latents| Parts {
                    extents: extents.clone(),
                    latents,
                    has_receiver,
                    sections: sections.clone(),
                },
            )
        },
    )
}

fn encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(Encoding::ALL)
}

/// Whatever a reader of this version accepts without a lossless stage, a writer writes.
fn check_canonical(bytes: &[u8], limits: &Limits) -> Result<(), TestCaseError> {
    let Ok(packet) = Packet::parse(bytes, limits) else { return Ok(()) };
    let Ok(found) = packet.decode(limits) else { return Ok(()) };
    let [latents] = packet.latents() else { return Ok(()) };
    // A scale that is shared beyond a row, or that has a zero point, may be of rows that are gone.
    let scales = latents.format.layout().and_then(|layout| layout.scales);
    let is_own = scales.is_none_or(|scales| {
        !scales.asymmetric && matches!(scales.granularity, Granularity::Row | Granularity::Group(_))
    });
    if packet.version() == Version::CURRENT && latents.stage == crate::Stage::Stored && is_own {
        let encoding = latents.format.layout().map_or(Encoding::F32, |layout| layout.encoding);
        let granularity = scales.map_or(Granularity::Row, |scales| scales.granularity);
        let options = stored(encoding).with_granularity(granularity);
        prop_assert_eq!(found.encode(&options).unwrap(), bytes);
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_meant_and_writes_the_same_bytes(
        parts in parts(),
        encoding in encoding(),
    ) {
        let given = parts.message();
        let bytes = given.encode(&stored(encoding)).unwrap();
        let found = read(&bytes, &Limits::default()).unwrap();
        prop_assert_eq!(found.header, given.header);
        let ([found_latents], [given_latents]) = (&found.latents[..], &given.latents[..]) else {
            return Err(TestCaseError::fail("one tensor each"));
        };
        prop_assert_eq!(found_latents.shape, given_latents.shape);
        let mut sections = given.sections.clone();
        sections.sort_by_key(|section| section.section_type);
        prop_assert_eq!(&found.sections, &sections);
        let mut latents = given_latents.values.numbers().unwrap().to_vec();
        let row_len = given_latents.shape.row_len() as usize;
        crate::quantize_roundtrip(&mut latents, row_len, encoding).unwrap();
        prop_assert_eq!(found_latents.values.numbers().unwrap(), &latents);
        prop_assert_eq!(found.encode(&stored(encoding)).unwrap(), bytes);
    }

    #[test]
    fn a_chopped_packet_is_truncated_at_every_length(parts in parts(), encoding in encoding()) {
        let bytes = parts.message().encode(&stored(encoding)).unwrap();
        for len in 0..bytes.len() {
            prop_assert_eq!(refused(&bytes[..len]).kind().family(), Family::Truncated);
        }
    }

    #[test]
    fn a_flipped_bit_is_always_found(
        parts in parts(),
        encoding in encoding(),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut bytes = parts.message().encode(&stored(encoding)).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Packet::parse(&bytes, &Limits::default()).is_err());
    }

    /// A right checksum proves nothing: whoever forges a packet forges that too.
    #[test]
    fn forged_packets_are_canonical_or_refused(
        parts in parts(),
        encoding in encoding(),
        forged in vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut bytes = parts.message().encode(&stored(encoding)).unwrap();
        for (place, byte) in forged {
            let at = place.index(bytes.len() - checksum::LEN);
            bytes[at] = byte;
        }
        check_canonical(&sealed(bytes), &Limits::default().with_elements(1 << 16))?;
    }

    #[test]
    fn any_sections_behind_a_right_checksum_are_canonical_or_refused(
        tail in vec(any::<u8>(), 0..200),
    ) {
        let bytes = patched(TAG_AT, CHECKSUM_AT - TAG_AT, &tail);
        check_canonical(&bytes, &Limits::default().with_elements(1 << 16))?;
    }

    #[test]
    fn any_latents_behind_a_right_checksum_are_canonical_or_refused(
        kind in 0_u8..0x2C,
        body in vec(any::<u8>(), 0..80),
    ) {
        let bytes = with_latents(&[&[kind][..], &body].concat());
        check_canonical(&bytes, &Limits::default().with_elements(1 << 16))?;
    }

    #[test]
    fn any_bytes_are_refused(
        front in 0_usize..8,
        bytes in vec(any::<u8>(), 0..80),
    ) {
        let bytes = [&smallest()[..front], &bytes].concat();
        prop_assert!(read(&bytes, &Limits::default()).is_err());
    }
}
