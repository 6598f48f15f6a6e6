//! Cutting a packet to its first rows is the same as having sent only those.

use proptest::prelude::*;

use super::refusals::Case;
use super::*;
use crate::Granularity;

fn numbers(count: usize, scale: f32) -> Vec<f32> {
    (0..count as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 8) as f32 / 8e6 * scale - scale)
        .collect()
}

fn cut(bytes: &[u8], rows: u32) -> Vec<u8> {
    Packet::parse(bytes, &Limits::default()).unwrap().truncate(rows, &Limits::default()).unwrap()
}

proptest! {
    #[test]
    fn the_first_rows_are_written_as_if_there_had_been_no_others(
        encoding in prop::sample::select(Encoding::ALL),
        granularity in prop::sample::select(vec![Granularity::Row, Granularity::Group(3)]),
        extents in prop::collection::vec(1_usize..5, 1..3),
        rows in 1_usize..6,
        // Every second message has a last row whose scale does not fit an f16.
        last in prop::sample::select(vec![1.0_f32, 1e9]),
    ) {
        let granularity = if encoding.has_scales() { granularity } else { Granularity::Row };
        let last = if matches!(encoding, Encoding::F16 | Encoding::Fp8) { 1.0 } else { last };
        let options = stored(encoding).with_granularity(granularity);
        let extents = [&extents[..], &[6]].concat();
        let count = extents.iter().product::<usize>();
        let mut whole = numbers(count, 1.0);
        if let Some(number) = whole.last_mut() {
            *number = last;
        }
        let kept = rows.min(extents[0]);
        let first = whole[..count / extents[0] * kept].to_vec();
        let shorter = [&[kept], &extents[1..]].concat();
        let wanted = message(&shorter, first).encode(&options).unwrap();
        let found = cut(&message(&extents, whole).encode(&options).unwrap(), rows as u32);
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn scales_that_rows_share_stay_as_they_are(
        encoding in prop::sample::select(vec![Encoding::Int8, Encoding::Int4, Encoding::Int2]),
        granularity in prop::sample::select(vec![Granularity::Tensor, Granularity::Channel]),
        asymmetric in any::<bool>(),
        rows in 1_u32..5,
    ) {
        let options =
            stored(encoding).with_granularity(granularity).with_asymmetric(asymmetric);
        let whole = message(&[5, 7], numbers(35, 1.0)).encode(&options).unwrap();
        let found = cut(&whole, rows);
        let (found, whole) =
            (read(&found, &Limits::default()).unwrap(), read(&whole, &Limits::default()).unwrap());
        let first = &whole.latents[0].values.numbers().unwrap()[..rows as usize * 7];
        prop_assert_eq!(found.latents[0].values.numbers().unwrap(), first);
    }
}

#[test]
fn every_tensor_is_cut_and_the_rest_is_carried() {
    let mut given = message(&[4, 2], numbers(8, 1.0));
    given.latents.push(Latents {
        name: "codes",
        shape: Shape::new(&[3, 5]).unwrap(),
        values: Values::Codes {
            codebook: Fingerprint([7; 16]),
            size: 8,
            codes: (0..15).map(|code| code % 8).collect::<Vec<_>>().into(),
        },
    });
    given.sections = vec![Section { section_type: 4096, body: b"private" }];
    let bytes = cut(&given.encode(&stored(Encoding::F32)).unwrap(), 2);
    let found = read(&bytes, &Limits::default()).unwrap();
    assert_eq!(found.latents[0].shape.extents(), [2, 2]);
    assert_eq!(found.latents[1].shape.extents(), [2, 5]);
    let Values::Codes { codes, .. } = &found.latents[1].values else { panic!("codes") };
    assert_eq!(codes[..], [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]);
    assert_eq!(found.sections, given.sections);
}

#[cfg(feature = "zstd")]
#[test]
fn a_compressed_payload_is_cut_too() {
    let options = stored(Encoding::F32).with_compression(Compression::Zstd { level: 3 });
    let whole = message(&[8, 64], vec![0.25; 512]).encode(&options).unwrap();
    let found = cut(&whole, 4);
    let packet = Packet::parse(&found, &Limits::default()).unwrap();
    assert_eq!(packet.latents()[0].stage, crate::Stage::Zstd);
    let wanted = message(&[4, 64], vec![0.25; 256]);
    assert_eq!(packet.decode(&Limits::default()).unwrap(), wanted);
}

#[test]
fn latents_of_one_row_stay_as_they_are() {
    assert_eq!(cut(&smallest(), 1), smallest());
}

pub(super) fn refusals() -> Vec<Case> {
    let none = |bytes: &[u8]| {
        let packet = Packet::parse(bytes, &Limits::default()).unwrap();
        packet.truncate(0, &Limits::default()).unwrap_err()
    };
    vec![
        (ErrorKind::MessageRows, none(&smallest())),
        (ErrorKind::MessageRows, {
            none(&message(&[2, 2], vec![1.0; 4]).encode(&stored(Encoding::F32)).unwrap())
        }),
    ]
}
