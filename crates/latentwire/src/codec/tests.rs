//! What every codec keeps: error bounds, canonical bytes, and what it refuses.

use proptest::prelude::*;

use super::*;

fn shape(rows: usize, row_len: usize) -> Shape {
    Shape::new(&[rows, row_len]).unwrap()
}

fn write(encoding: Encoding, latents: &[f32], row_len: usize) -> (Layout, Vec<u8>) {
    let plan = plan(encoding, latents, row_len).unwrap();
    let mut out = Vec::new();
    plan.write(latents, row_len, &mut out);
    (plan.layout(), out)
}

fn round_trip(encoding: Encoding, latents: &[f32], row_len: usize) -> Vec<f32> {
    let (layout, raw) = write(encoding, latents, row_len);
    decode(layout, &shape(latents.len() / row_len, row_len), &raw, None).unwrap()
}

/// Rows of numbers as models make them, and now and then something extreme.
fn rows() -> impl Strategy<Value = (usize, Vec<f32>)> {
    let number = prop_oneof![
        8 => -8.0_f32..8.0,
        1 => Just(0.0_f32),
        1 => -6e4_f32..6e4,
        1 => -1e-6_f32..1e-6,
    ];
    (1_usize..6, 1_usize..17).prop_flat_map(move |(rows, row_len)| {
        (Just(row_len), proptest::collection::vec(number.clone(), rows * row_len))
    })
}

proptest! {
    #[test]
    fn f32_is_exact((row_len, latents) in rows()) {
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&round_trip(Encoding::F32, &latents, row_len)), bits(&latents));
    }

    #[test]
    fn halves_are_within_half_a_unit_in_the_last_place((row_len, latents) in rows()) {
        for (encoding, relative) in [(Encoding::F16, 2_f32.powi(-11)), (Encoding::Bf16, 2_f32.powi(-8))] {
            for (found, given) in round_trip(encoding, &latents, row_len).iter().zip(&latents) {
                // Below the normal numbers of an f16 the spacing is fixed: 2^-24.
                prop_assert!((found - given).abs() <= given.abs() * relative + 2_f32.powi(-25));
            }
        }
    }

    #[test]
    fn int8_is_within_half_a_step_of_its_row((row_len, latents) in rows()) {
        let found = round_trip(Encoding::Int8, &latents, row_len);
        for (found, given) in found.chunks(row_len).zip(latents.chunks(row_len)) {
            let largest = given.iter().fold(0_f32, |max, v| max.max(v.abs()));
            let half_step = largest / 127.0 * 1.001 / 2.0 + f32::MIN_POSITIVE;
            for (found, given) in found.iter().zip(given) {
                prop_assert!((found - given).abs() <= half_step * 1.0001, "{found} {given}");
            }
        }
    }

    #[test]
    fn what_was_decoded_encodes_to_the_same_bytes((row_len, latents) in rows()) {
        for &encoding in Encoding::ALL {
            let (layout, raw) = write(encoding, &latents, row_len);
            let once = decode(layout, &shape(latents.len() / row_len, row_len), &raw, None).unwrap();
            prop_assert_eq!(write(encoding, &once, row_len), (layout, raw));
        }
    }

    #[test]
    fn the_roundtrip_of_training_is_that_of_the_wire((row_len, latents) in rows()) {
        for &encoding in Encoding::ALL {
            let mut rounded = latents.clone();
            quantize_roundtrip(&mut rounded, row_len, encoding).unwrap();
            let bits = |values: &[f32]| values.iter().map(|v| v.abs().to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&rounded), bits(&round_trip(encoding, &latents, row_len)));
        }
    }

    #[test]
    fn an_int8_row_does_not_depend_on_the_others((row_len, latents) in rows()) {
        let whole = round_trip(Encoding::Int8, &latents, row_len);
        for (row, found) in latents.chunks(row_len).zip(whole.chunks(row_len)) {
            prop_assert_eq!(&round_trip(Encoding::Int8, row, row_len), found);
        }
    }

    #[test]
    fn bytes_that_no_writer_wrote_never_panic(
        code in 1_u8..5,
        wide in any::<bool>(),
        raw in proptest::collection::vec(any::<u8>(), 0..200),
        rows in 1_usize..5,
        row_len in 1_usize..9,
    ) {
        let encoding = Encoding::from_code(code).unwrap();
        let width = if wide { ScaleWidth::F32 } else { ScaleWidth::F16 };
        let layout = Layout { encoding, scales: encoding.has_scales().then_some(width) };
        if let Ok(latents) = decode(layout, &shape(rows, row_len), &raw, None) {
            prop_assert!(latents.iter().all(|value| value.is_finite()));
            prop_assert_eq!(latents.len(), rows * row_len);
        }
    }
}

fn refused(encoding: Encoding, latents: &[f32]) -> ErrorKind {
    match plan(encoding, latents, latents.len()) {
        Ok(_) => unreachable!("{encoding:?} took {latents:?}"),
        Err(error) => error.kind(),
    }
}

#[test]
fn numbers_that_cannot_be_written_are_refused() {
    for &encoding in Encoding::ALL {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(refused(encoding, &[1.0, bad]), ErrorKind::MessageNotFinite);
        }
    }
    assert_eq!(refused(Encoding::F16, &[65_520.0]), ErrorKind::MessageTooLarge);
    assert_eq!(refused(Encoding::Bf16, &[f32::MAX]), ErrorKind::MessageTooLarge);
    assert_eq!(refused(Encoding::Int8, &[f32::MAX]), ErrorKind::MessageTooLarge);
}

#[test]
fn the_largest_numbers_that_can_be_written_survive() {
    assert_eq!(round_trip(Encoding::F16, &[65_519.0], 1), [65_504.0]);
    assert_eq!(round_trip(Encoding::F32, &[f32::MAX], 1), [f32::MAX]);
    assert!(round_trip(Encoding::Bf16, &[3.38e38], 1)[0].is_finite());
    assert!(round_trip(Encoding::Int8, &[3.402e38, -1.0], 2)[0].is_finite());
}

#[test]
fn int8_scales_are_wide_only_where_they_must_be() {
    let widths = |latents: &[f32]| plan(Encoding::Int8, latents, 1).unwrap().layout().scales;
    assert_eq!(widths(&[1.0, 0.0, -3.0]), Some(ScaleWidth::F16));
    assert_eq!(widths(&[1.0, 1e-6]), Some(ScaleWidth::F32));
    assert_eq!(widths(&[1e7]), Some(ScaleWidth::F32));
}

#[test]
fn a_row_of_zeros_and_of_numbers_too_small_for_a_scale_is_zero() {
    assert_eq!(round_trip(Encoding::Int8, &[0.0, -0.0], 2), [0.0, 0.0]);
    assert_eq!(round_trip(Encoding::Int8, &[1e-37, -1e-38], 2), [0.0, 0.0]);
}

fn int8_fault(raw: &[u8], row_len: usize) -> ErrorKind {
    let layout = Layout { encoding: Encoding::Int8, scales: Some(ScaleWidth::F16) };
    decode(layout, &shape(1, row_len), raw, Some(0)).unwrap_err().kind()
}

#[test]
fn second_ways_to_write_an_int8_row_are_refused() {
    let one = half::f16::ONE.to_le_bytes();
    assert_eq!(int8_fault(&[one[0], one[1], 126], 1), ErrorKind::LatentsQuantum); // scale too large
    assert_eq!(int8_fault(&[one[0], one[1], 0x80], 1), ErrorKind::LatentsQuantum); // -128
    assert_eq!(int8_fault(&[0, 0, 1], 1), ErrorKind::LatentsQuantum); // a code under no scale
    assert_eq!(int8_fault(&[0, 0x80, 0], 1), ErrorKind::LatentsScale); // minus zero
    assert_eq!(int8_fault(&[1, 0, 127], 1), ErrorKind::LatentsScale); // not normal
    assert_eq!(int8_fault(&[0, 0x7C, 127], 1), ErrorKind::LatentsScale); // infinite
    assert_eq!(int8_fault(&[0, 0xBC, 127], 1), ErrorKind::LatentsScale); // negative
}

#[test]
fn rows_must_be_whole() {
    for (row_len, numbers) in [(0, 2), (3, 4)] {
        let error = quantize_roundtrip(&mut vec![0.0; numbers], row_len, Encoding::Int8);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::MessageShape);
    }
}
