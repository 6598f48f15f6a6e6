//! What every codec keeps: error bounds, canonical bytes, and what it refuses.

mod quantized;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn shape(rows: usize, row_len: usize) -> Shape {
    Shape::new(&[rows, row_len]).unwrap()
}

/// The layout of an encoding with its scales, if it has any, by row.
fn by_row(encoding: Encoding, width: ScaleWidth) -> Layout {
    let scales = ScaleLayout { width, granularity: Granularity::Row, asymmetric: false };
    Layout { encoding, scales: encoding.has_scales().then_some(scales) }
}

fn write(encoding: Encoding, latents: &[f32], row_len: usize) -> (Layout, Vec<u8>) {
    let shape = shape(latents.len() / row_len, row_len);
    let plan = plan(Choice::plain(encoding), latents, &shape).unwrap();
    let mut out = Vec::new();
    plan.write(latents, row_len, &mut out);
    (plan.layout(), out)
}

fn decode(layout: Layout, shape: &Shape, raw: &[u8], base: Option<usize>) -> Result<Vec<f32>> {
    let mut latents = vec![0.0; shape.num_elements() as usize];
    read(layout, shape, &mut Source::stored(raw, base), &mut latents).map(|()| latents)
}

fn round_trip(encoding: Encoding, latents: &[f32], row_len: usize) -> Vec<f32> {
    let (layout, raw) = write(encoding, latents, row_len);
    decode(layout, &shape(latents.len() / row_len, row_len), &raw, None).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Rows of numbers as models make them, and now and then something extreme.
fn rows() -> impl Strategy<Value = (usize, Vec<f32>)> {
    let number = prop_oneof![
        8 => -8.0_f32..8.0,
        1 => Just(0.0_f32),
        1 => -6e4_f32..6e4,
        1 => -1e-6_f32..1e-6,
    ];
    (1_usize..6, 1_usize..17)
        .prop_flat_map(move |(rows, row_len)| (Just(row_len), vec(number.clone(), rows * row_len)))
}

/// The same numbers, brought within what the encoding holds.
fn within_reach(encoding: Encoding, latents: &[f32]) -> Vec<f32> {
    let largest = if encoding == Encoding::Fp8 { fp8::LARGEST } else { f32::MAX };
    latents.iter().map(|value| value.clamp(-largest, largest)).collect()
}

/// Finite numbers of any magnitude that int8 can write.
fn extreme_row() -> impl Strategy<Value = Vec<f32>> {
    let number = prop::num::f32::ANY.prop_filter("int8 cannot write it", |value| {
        plan(Choice::plain(Encoding::Int8), &[*value], &shape(1, 1)).is_ok()
    });
    vec(number, 1..9)
}

/// Bits of scales: most of them with the 11 bits that a scale may have.
fn scale_bits() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (0_u32..0x7F80_0000).prop_map(|bits| bits & !0x1FFF),
        4 => (0x3800_0000_u32..0x4780_0000).prop_map(|bits| bits & !0x1FFF),
        1 => any::<u32>(),
    ]
}

proptest! {
    #[test]
    fn f32_is_exact((row_len, latents) in rows()) {
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
            let latents = within_reach(encoding, &latents);
            let (layout, raw) = write(encoding, &latents, row_len);
            let once = decode(layout, &shape(latents.len() / row_len, row_len), &raw, None).unwrap();
            prop_assert_eq!(write(encoding, &once, row_len), (layout, raw));
        }
    }

    #[test]
    fn the_roundtrip_of_training_is_that_of_the_wire((row_len, latents) in rows()) {
        for &encoding in Encoding::ALL {
            let latents = within_reach(encoding, &latents);
            let mut rounded = latents.clone();
            quantize_roundtrip(&mut rounded, row_len, encoding).unwrap();
            prop_assert_eq!(bits(&rounded), bits(&round_trip(encoding, &latents, row_len)));
        }
    }

    #[test]
    fn int8_holds_from_the_smallest_to_the_largest_numbers(latents in extreme_row()) {
        let (layout, raw) = write(Encoding::Int8, &latents, latents.len());
        let shape = shape(1, latents.len());
        let once = decode(layout, &shape, &raw, None).unwrap();
        prop_assert_eq!(write(Encoding::Int8, &once, latents.len()), (layout, raw));
        let mut rounded = latents.clone();
        quantize_roundtrip(&mut rounded, latents.len(), Encoding::Int8).unwrap();
        prop_assert_eq!(bits(&rounded), bits(&once));
    }

    /// Rows that no writer made, with the codes and scales that a reader looks at twice.
    #[test]
    fn int8_payloads_are_canonical_or_refused(
        rows in vec((scale_bits(), vec(any::<i8>(), 3)), 1..4),
        wide in any::<bool>(),
    ) {
        let mut raw = Vec::new();
        for (scale, _) in &rows {
            let scale = f32::from_bits(*scale);
            if wide {
                raw.extend(scale.to_le_bytes());
            } else {
                raw.extend(half::f16::from_f32(scale).to_le_bytes());
            }
        }
        for (_, codes) in &rows {
            raw.extend(codes.iter().map(|&code| code as u8));
            raw.push(127);
        }
        let width = if wide { ScaleWidth::F32 } else { ScaleWidth::F16 };
        let layout = by_row(Encoding::Int8, width);
        if let Ok(latents) = decode(layout, &shape(rows.len(), 4), &raw, None) {
            prop_assert_eq!(write(Encoding::Int8, &latents, 4), (layout, raw));
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
        code in 1_u8..9,
        wide in any::<bool>(),
        raw in vec(any::<u8>(), 0..200),
        rows in 1_usize..5,
        row_len in 1_usize..9,
    ) {
        let encoding = Encoding::from_code(code).unwrap();
        let width = if wide { ScaleWidth::F32 } else { ScaleWidth::F16 };
        let layout = by_row(encoding, width);
        if let Ok(latents) = decode(layout, &shape(rows, row_len), &raw, None) {
            prop_assert!(latents.iter().all(|value| value.is_finite()));
            prop_assert_eq!(latents.len(), rows * row_len);
        }
    }
}

fn refused(encoding: Encoding, latents: &[f32]) -> ErrorKind {
    match plan(Choice::plain(encoding), latents, &shape(1, latents.len())) {
        Ok(_) => unreachable!("{encoding:?} took {latents:?}"),
        Err(error) => error.kind(),
    }
}

#[test]
fn numbers_that_cannot_be_written_are_refused() {
    for &encoding in Encoding::ALL {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(refused(encoding, &[1.0, bad]), ErrorKind::MessageNotFinite);
            // One that is not finite outweighs one that is only too large.
            assert_eq!(refused(encoding, &[f32::MAX, bad]), ErrorKind::MessageNotFinite);
        }
    }
}

/// The largest number that each encoding takes, and what it comes back as.
#[test]
fn numbers_are_taken_up_to_the_last_that_stays_finite() {
    let int8 = 127.0 * 1.007_812_5 * 2_f32.powi(121);
    let last = [
        (Encoding::F32, f32::MAX, f32::MAX),
        (Encoding::F16, 65_519.996, 65_504.0),
        (Encoding::Bf16, f32::from_bits(0x7F7F_7FFF), f32::from_bits(0x7F7F_0000)),
        (Encoding::Fp8, 464.0, 448.0),
        (Encoding::Int8, int8, int8),
    ];
    for (encoding, largest, found) in last {
        assert_eq!(round_trip(encoding, &[largest, -largest], 2), [found, -found]);
        let beyond = largest.next_up();
        if beyond.is_finite() {
            assert_eq!(refused(encoding, &[beyond]), ErrorKind::MessageTooLarge);
            assert_eq!(refused(encoding, &[-beyond]), ErrorKind::MessageTooLarge);
        }
    }
}

#[test]
fn halfway_goes_to_even() {
    let ulp = 2_f32.powi(-10);
    let given = [1.0 + ulp / 2.0, 1.0 + ulp * 1.5, -1.0 - ulp * 2.5];
    assert_eq!(round_trip(Encoding::F16, &given, 3), [1.0, 1.0 + ulp * 2.0, -1.0 - ulp * 2.0]);
    let smallest = 2_f32.powi(-24);
    let given = [smallest / 2.0, smallest * 1.5, smallest * 0.75];
    assert_eq!(round_trip(Encoding::F16, &given, 3), [0.0, smallest * 2.0, smallest]);
    let ulp = 2_f32.powi(-7);
    let given = [1.0 + ulp / 2.0, 1.0 + ulp * 1.5, -1.0 - ulp * 2.5];
    assert_eq!(round_trip(Encoding::Bf16, &given, 3), [1.0, 1.0 + ulp * 2.0, -1.0 - ulp * 2.0]);
    let given = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -126.5];
    let found = [127.0, 0.0, 2.0, 2.0, 0.0, -2.0, -126.0];
    assert_eq!(round_trip(Encoding::Int8, &given, 7), found);
}

#[test]
fn zero_keeps_its_sign_except_in_int8() {
    for encoding in [Encoding::F32, Encoding::F16, Encoding::Bf16, Encoding::Fp8, Encoding::Int8] {
        let found = bits(&round_trip(encoding, &[-0.0, 112.0], 2));
        let sign = if encoding == Encoding::Int8 { 0 } else { 0x8000_0000 };
        assert_eq!(found[0], sign);
    }
}

/// All 65,536 of them, read and written again: finite ones come back, others are refused.
#[test]
fn every_half_is_canonical_or_refused() {
    for encoding in [Encoding::F16, Encoding::Bf16] {
        let layout = Layout { encoding, scales: None };
        for half in 0..=u16::MAX {
            let raw = half.to_le_bytes();
            match decode(layout, &shape(1, 1), &raw, Some(0)) {
                Ok(latents) => assert_eq!(write(encoding, &latents, 1), (layout, raw.to_vec())),
                Err(error) => assert_eq!(error.kind(), ErrorKind::LatentsValue),
            }
        }
    }
}

/// All 256 of them: finite ones come back, the two NaNs are refused.
#[test]
fn every_fp8_is_canonical_or_refused() {
    let layout = Layout { encoding: Encoding::Fp8, scales: None };
    for code in 0..=u8::MAX {
        match decode(layout, &shape(1, 1), &[code], Some(0)) {
            Ok(latents) => assert_eq!(write(Encoding::Fp8, &latents, 1), (layout, vec![code])),
            Err(error) => {
                assert_eq!((error.kind(), code & 0x7F), (ErrorKind::LatentsValue, 0x7F));
            }
        }
    }
}

/// Between any two neighbours the nearer one is chosen, and of two that are as near the even one.
#[test]
fn fp8_rounds_to_the_nearest_even() {
    let layout = Layout { encoding: Encoding::Fp8, scales: None };
    let number = |code: u8| decode(layout, &shape(1, 1), &[code], None).unwrap()[0];
    let code = |number: f32| write(Encoding::Fp8, &[number], 1).1[0];
    for low in 0..0x7E_u8 {
        let middle = f32::midpoint(number(low), number(low + 1));
        assert_eq!(code(middle), low + low % 2, "{low}");
        assert_eq!((code(middle.next_down()), code(middle.next_up())), (low, low + 1));
        assert_eq!(code(-middle.next_up()), 0x80 | (low + 1));
    }
}

/// Every scale in f16, with every code: a row of -127 to 127 comes back to the bit.
#[test]
fn every_narrow_scale_is_canonical() {
    let codes: Vec<u8> = (-127..=127_i8).map(|code| code as u8).collect();
    let layout = by_row(Encoding::Int8, ScaleWidth::F16);
    for half in 0x0400..0x7C00_u16 {
        let raw = [&half.to_le_bytes()[..], &codes].concat();
        let latents = decode(layout, &shape(1, 255), &raw, None).unwrap();
        assert_eq!(write(Encoding::Int8, &latents, 255), (layout, raw));
    }
}

#[test]
fn int8_scales_are_wide_only_where_they_must_be() {
    let widths = |latents: &[f32]| {
        let shape = shape(latents.len(), 1);
        let plan = plan(Choice::plain(Encoding::Int8), latents, &shape).unwrap();
        plan.layout().scales.map(|scales| scales.width)
    };
    assert_eq!(widths(&[1.0, 0.0, -3.0]), Some(ScaleWidth::F16));
    assert_eq!(widths(&[1.0, 1e-6]), Some(ScaleWidth::F32));
    assert_eq!(widths(&[1e7]), Some(ScaleWidth::F32));
    // The ends of f16's normal numbers, times 127, and the numbers beyond them.
    let (smallest, largest) = (127.0 * 2_f32.powi(-14), 127.0 * 65_504.0_f32);
    assert_eq!(widths(&[smallest, largest]), Some(ScaleWidth::F16));
    // Rounding up to 11 bits: what lies just below the smallest is lifted onto it.
    assert_eq!(widths(&[smallest.next_down()]), Some(ScaleWidth::F16));
    assert_eq!(widths(&[smallest * 0.999]), Some(ScaleWidth::F32));
    assert_eq!(widths(&[largest.next_up()]), Some(ScaleWidth::F32));
}

#[test]
fn a_row_of_zeros_and_of_numbers_too_small_for_a_scale_is_zero() {
    assert_eq!(round_trip(Encoding::Int8, &[0.0, -0.0], 2), [0.0, 0.0]);
    assert_eq!(round_trip(Encoding::Int8, &[1e-37, -1e-38], 2), [0.0, 0.0]);
}

fn int8_fault(scales: ScaleWidth, raw: &[u8]) -> ErrorKind {
    let layout = by_row(Encoding::Int8, scales);
    decode(layout, &shape(1, 1), raw, Some(0)).unwrap_err().kind()
}

#[test]
fn second_ways_to_write_an_int8_row_are_refused() {
    let fault = |scale: u16, code: i8| {
        let [low, high] = scale.to_le_bytes();
        int8_fault(ScaleWidth::F16, &[low, high, code as u8])
    };
    assert_eq!(fault(0x3C00, 126), ErrorKind::LatentsQuantum); // a scale larger than it needs
    assert_eq!(fault(0x3C00, -128), ErrorKind::LatentsQuantum);
    assert_eq!(fault(0x0000, 1), ErrorKind::LatentsQuantum); // a code under no scale
    assert_eq!(fault(0x8000, 0), ErrorKind::LatentsScale); // minus zero
    assert_eq!(fault(0x0001, 127), ErrorKind::LatentsScale); // not normal
    assert_eq!(fault(0x7C00, 127), ErrorKind::LatentsScale); // infinite
    assert_eq!(fault(0x7E00, 127), ErrorKind::LatentsScale); // no number
    assert_eq!(fault(0xBC00, 127), ErrorKind::LatentsScale); // negative
}

#[test]
fn second_ways_to_write_wide_scales_are_refused() {
    let fault = |scale: f32, code: u8| {
        int8_fault(ScaleWidth::F32, &[&scale.to_le_bytes()[..], &[code]].concat())
    };
    assert_eq!(fault(1e-6, 127), ErrorKind::LatentsScale); // more than 11 bits
    assert_eq!(fault(1.0, 127), ErrorKind::LatentsScale); // an f16 would do
    assert_eq!(fault(0.0, 0), ErrorKind::LatentsScale); // likewise
    assert_eq!(fault(-0.0, 0), ErrorKind::LatentsScale);
    assert_eq!(fault(f32::MIN_POSITIVE / 2.0, 127), ErrorKind::LatentsScale);
    assert_eq!(fault(f32::from_bits(0x7C01_2000), 127), ErrorKind::LatentsScale); // 127-fold
    let layout = by_row(Encoding::Int8, ScaleWidth::F32);
    let largest = [&0x7C01_0000_u32.to_le_bytes()[..], &[127]].concat();
    assert!(decode(layout, &shape(1, 1), &largest, None).is_ok());
}

#[test]
fn rows_must_be_whole() {
    for (row_len, numbers) in [(0, 2), (3, 4)] {
        let error = quantize_roundtrip(&mut vec![0.0; numbers], row_len, Encoding::Int8);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::MessageShape);
    }
}
