//! Quantized numbers of every grid and every sharing of scales: how far they are off at most, and
//! that their payloads are canonical.

use super::*;

fn choices() -> impl Strategy<Value = Choice> {
    let granularity = prop::sample::select(vec![
        Granularity::Row,
        Granularity::Tensor,
        Granularity::Channel,
        Granularity::Group(2),
        Granularity::Group(3),
    ]);
    let grid = prop::sample::select(vec![
        (Encoding::Int8, false),
        (Encoding::Int4, false),
        (Encoding::Int2, false),
        (Encoding::Sign, false),
        (Encoding::Int8, true),
        (Encoding::Int4, true),
        (Encoding::Int2, true),
    ]);
    (grid, granularity).prop_map(|((encoding, asymmetric), granularity)| Choice {
        encoding,
        granularity,
        asymmetric,
    })
}

/// Rows of six numbers, a length that groups of two and of three divide.
fn rows_of_six() -> impl Strategy<Value = Vec<f32>> {
    let number = prop_oneof![
        8 => -3.0_f32..3.0,
        1 => Just(0.0_f32),
        1 => 0.0_f32..6e4,
        1 => -1e-6_f32..1e-6,
    ];
    (1_usize..6).prop_flat_map(move |rows| vec(number.clone(), rows * 6))
}

fn write_as(choice: Choice, latents: &[f32]) -> (Layout, Vec<u8>) {
    let plan = plan(choice, latents, &shape(latents.len() / 6, 6)).unwrap();
    let mut out = Vec::new();
    plan.write(latents, 6, &mut out);
    (plan.layout(), out)
}

/// The numbers that share a scale with number `index`.
fn neighbours(granularity: Granularity, latents: &[f32], index: usize) -> Vec<f32> {
    let block = |size: usize| latents.chunks(size).nth(index / size).unwrap().to_vec();
    match granularity {
        Granularity::Row => block(6),
        Granularity::Tensor => latents.to_vec(),
        Granularity::Channel => latents.iter().skip(index % 6).step_by(6).copied().collect(),
        Granularity::Group(size) => block(size as usize),
    }
}

/// The most that a number may be off, from the numbers that share its scale: half a step of the grid
/// (a whole one where it has no level for zero), widened by the 11 bits of a scale.
fn bound(choice: Choice, shared: &[f32], given: f32) -> f32 {
    let largest = shared.iter().fold(0_f32, |max, x| max.max(x.abs()));
    let low = shared.iter().fold(0_f32, |min, x| min.min(*x));
    let high = shared.iter().fold(0_f32, |max, x| max.max(*x));
    let wider = 1.0 + 2_f32.powi(-10);
    let bound = match (choice.encoding, choice.asymmetric) {
        (Encoding::Int8, false) => largest / 127.0 / 2.0,
        (Encoding::Int4, false) => largest / 7.0 / 2.0,
        (Encoding::Int2, false) => largest / 3.0,
        (Encoding::Int8, true) => (high - low) / 255.0,
        (Encoding::Int4, true) => (high - low) / 15.0,
        (Encoding::Int2, true) => (high - low) / 3.0,
        _ => {
            let mean = shared.iter().map(|x| x.abs()).sum::<f32>() / shared.len() as f32;
            // Its sign is right, its magnitude is the mean.
            return (mean - given.abs()).abs() * wider + mean * 1e-3 + f32::MIN_POSITIVE;
        }
    };
    bound * wider * 1.0001 + 255.0 * f32::MIN_POSITIVE
}

proptest! {
    #[test]
    fn numbers_are_off_by_no_more_than_the_formula_says(
        choice in choices(),
        latents in rows_of_six(),
    ) {
        let (layout, raw) = write_as(choice, &latents);
        let found = decode(layout, &shape(latents.len() / 6, 6), &raw, None).unwrap();
        for (index, (&found, &given)) in found.iter().zip(&latents).enumerate() {
            let shared = neighbours(choice.granularity, &latents, index);
            let bound = bound(choice, &shared, given);
            prop_assert!((found - given).abs() <= bound, "{found} for {given}, {bound}");
        }
    }

    #[test]
    fn what_was_decoded_has_one_encoding_where_scales_are_of_a_row(
        choice in choices(),
        latents in rows_of_six(),
    ) {
        prop_assume!(choice.granularity.is_within_row() && !choice.asymmetric);
        let (layout, raw) = write_as(choice, &latents);
        let once = decode(layout, &shape(latents.len() / 6, 6), &raw, None).unwrap();
        prop_assert_eq!(write_as(choice, &once), (layout, raw));
    }

    #[test]
    fn payloads_that_no_writer_wrote_are_canonical_or_refused(
        choice in choices(),
        raw in vec(prop_oneof![3 => any::<u8>(), 1 => Just(0), 1 => Just(0x3C)], 0..120),
        wide in any::<bool>(),
        rows in 1_usize..4,
    ) {
        let Choice { encoding, granularity, asymmetric } = choice;
        let width = if wide { ScaleWidth::F32 } else { ScaleWidth::F16 };
        let scales = Some(ScaleLayout { width, granularity, asymmetric });
        let layout = Layout { encoding, scales };
        let shape = shape(rows, 6);
        let raw: Vec<u8> =
            raw.into_iter().chain([0x3C; 400]).take(layout.raw_len(&shape) as usize).collect();
        let Ok(latents) = decode(layout, &shape, &raw, None) else { return Ok(()) };
        prop_assert!(latents.iter().all(|value| value.is_finite()));
        if granularity.is_within_row() && !asymmetric {
            prop_assert_eq!(write_as(choice, &latents), (layout, raw));
        }
    }

    #[test]
    fn codes_come_back_from_their_bits(codes in vec(any::<u8>(), 1..40)) {
        for bits in [1_u32, 2, 4, 8] {
            let codes: Vec<u8> = codes.iter().map(|code| code & (0xFF >> (8 - bits))).collect();
            let mut row = Vec::new();
            packing::pack(&codes, bits, &mut row);
            prop_assert_eq!(row.len(), (codes.len() * bits as usize).div_ceil(8));
            prop_assert_eq!(packing::padding(&row, codes.len(), bits), 0);
            let mut found = vec![0; codes.len()];
            packing::unpack(&row, bits, &mut found);
            prop_assert_eq!(found, codes);
        }
    }
}

/// The bytes of each grid, by hand: scale 1, then the codes, the first in the lowest bits.
#[test]
fn payloads_have_these_bytes() {
    let scale = [0x00, 0x3C];
    let cases: [(Encoding, bool, &[f32], &[u8]); 6] = [
        (Encoding::Int4, false, &[7.0, -7.0, 0.5, 1.5, -2.0], &[0x0E, 0x97, 0x05]),
        (Encoding::Int2, false, &[3.0, -3.0, 0.0, -0.1, 2.0], &[0b0110_0011, 0b11]),
        (Encoding::Sign, false, &[1.0, -1.0, -1.0, 1.0, 1.0], &[0b1_1001]),
        (Encoding::Int8, true, &[-55.0, 200.0, 0.0, 0.5, 1.5], &[55, 0, 255, 55, 55, 57]),
        (Encoding::Int4, true, &[-5.0, 10.0, 0.0, 0.5, 1.5], &[5, 0xF0, 0x55, 0x07]),
        (Encoding::Int2, true, &[0.0, 3.0, 1.0, 2.0, 2.5], &[0, 0b1001_1100, 0b10]),
    ];
    for (encoding, asymmetric, latents, codes) in cases {
        let choice = Choice { asymmetric, ..Choice::plain(encoding) };
        let plan = plan(choice, latents, &shape(1, 5)).unwrap();
        let mut out = Vec::new();
        plan.write(latents, 5, &mut out);
        assert_eq!(out, [&scale, codes].concat(), "{encoding:?}");
    }
}

#[test]
fn a_sum_of_magnitudes_runs_in_eight_lanes() {
    // In one lane after another the first sum would lose every 1 to the 2^53 before it.
    let mut latents = vec![1.0_f32; 64];
    latents[0] = 2_f32.powi(53);
    let (_, raw) = write(Encoding::Sign, &latents, 64);
    let mean = (2_f64.powi(53) + 56.0) / 64.0;
    let scale = f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    assert!((f64::from(scale) / mean - 1.0).abs() < 2_f64.powi(-11));
}

#[test]
fn codes_that_no_grid_has_are_refused() {
    let fault = |encoding, granularity, raw: &[u8]| {
        let scales = ScaleLayout { width: ScaleWidth::F16, granularity, asymmetric: false };
        let layout = Layout { encoding, scales: Some(scales) };
        decode(layout, &shape(1, 2), raw, Some(0)).unwrap_err().kind()
    };
    // A tensor's scale may be of rows that are gone, but its codes are within the grid.
    assert_eq!(
        fault(Encoding::Int8, Granularity::Tensor, &[0, 0x3C, 0x80, 0]),
        ErrorKind::LatentsQuantum
    );
    assert_eq!(
        fault(Encoding::Int4, Granularity::Tensor, &[0, 0x3C, 0x0F]),
        ErrorKind::LatentsQuantum
    );
    // Under a scale of zero there are only zeros.
    for (encoding, codes) in
        [(Encoding::Int4, 0x78), (Encoding::Int2, 0b1000), (Encoding::Sign, 0b01)]
    {
        assert_eq!(fault(encoding, Granularity::Row, &[0, 0, codes]), ErrorKind::LatentsQuantum);
    }
    assert_eq!(
        fault(Encoding::Int2, Granularity::Row, &[0, 0x3C, 0b1010]),
        ErrorKind::LatentsQuantum
    );
}
