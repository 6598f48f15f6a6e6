//! Payloads that are decoded piece by piece: what comes out, and what is found wrong, is what it
//! would be of the whole.

use super::*;
use crate::{EntropyAxis, EntropyTables, Granularity, Resources};

/// Numbers up to 1 with runs of one value and more above zero than below, so that every stage makes
/// them shorter.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at / 10 * 37 % 101) as f32 - 30.0) / 70.0).collect()
}

/// Shapes of a few pieces: rows that are much shorter, rows that are longer and end within one, rows
/// that do not end with a byte.
const SHAPES: [[usize; 2]; 3] = [[350, 200], [7, 10_000], [211, 333]];

fn forms() -> Vec<EncodeOptions<'static>> {
    let mut forms = Vec::new();
    for &encoding in Encoding::ALL {
        let all = [
            Granularity::Row,
            Granularity::Tensor,
            Granularity::Channel,
            Granularity::Group(1),
            Granularity::Group(9),
            Granularity::Group(5000),
        ];
        let some = if encoding.has_scales() { &all[..] } else { &all[..1] };
        for &granularity in some {
            for asymmetric in [false, true] {
                let options = stored(encoding).with_granularity(granularity);
                forms.push(options.with_asymmetric(asymmetric));
            }
        }
    }
    forms
}

/// What a packet holds, read in one piece of the caller's memory.
fn decoded(bytes: &[u8], resources: &Resources<'_>) -> crate::Result<Vec<f32>> {
    let limits = Limits::default();
    let info = Packet::parse(bytes, &limits)?.latents()[0];
    let mut numbers = vec![f32::NAN; info.shape.num_elements() as usize];
    info.decode_into(bytes, resources, &limits, &mut numbers).map(|()| numbers)
}

#[test]
fn every_stage_gives_the_numbers_of_the_stored_payload() {
    let mut count = 0;
    for extents in SHAPES {
        let given = message(&extents, numbers(extents[0] * extents[1]));
        for options in forms() {
            // Not every encoding has zero points, and not every row falls into such groups.
            let Ok(plain) = given.encode(&options) else { continue };
            let expected = decoded(&plain, &Resources::default()).unwrap();
            let mut compressions = Vec::new();
            if cfg!(feature = "zstd") {
                compressions.push(Compression::Zstd { level: 1 });
            }
            let tables = options.alphabet().map(|alphabet| {
                let symbols = options.symbols(&given.latents[0]).unwrap();
                let axis = EntropyAxis::Shared;
                [EntropyTables::fit([&symbols[..]], extents[1], alphabet, axis).unwrap()]
            });
            let resources = Resources::default().with_tables(tables.as_ref().map_or(&[], |it| it));
            compressions.extend(tables.iter().flatten().map(Compression::Entropy));
            for compression in compressions {
                let bytes = given.encode(&options.with_compression(compression)).unwrap();
                assert!(bytes.len() < plain.len(), "{extents:?} as {options:?}");
                assert_eq!(decoded(&bytes, &resources).unwrap(), expected, "{options:?}");
                count += 1;
            }
        }
    }
    assert!(count > 90, "{count}");
}

#[test]
fn so_it_is_with_indices() {
    let limits = Limits::default();
    for (size, extents) in [(200, [7, 10_000]), (256, [350, 200]), (300, [7, 10_001])] {
        let codes: Vec<u16> =
            (0..extents[0] * extents[1]).map(|at| (at / 10 * 37 % 150) as u16).collect();
        let symbols: Vec<u8> = codes.iter().map(|&code| code as u8).collect();
        let tables = EntropyTables::fit([&symbols[..]], extents[1], 256, EntropyAxis::Shared);
        let tables = [tables.unwrap()];
        let mut given = message(&extents, Vec::new());
        let codebook = Fingerprint([7; 16]);
        given.latents[0].values = Values::Codes { codebook, size, codes: codes.clone().into() };
        let mut compressions = Vec::new();
        if cfg!(feature = "zstd") {
            compressions.push(Compression::Zstd { level: 1 });
        }
        if size == 256 {
            compressions.push(Compression::Entropy(&tables[0]));
        }
        for compression in compressions {
            let options = EncodeOptions::default().with_compression(compression);
            let bytes = given.encode(&options).unwrap();
            let info = Packet::parse(&bytes, &limits).unwrap().latents()[0];
            assert_ne!(info.stage, crate::Stage::Stored);
            let resources = Resources::default().with_tables(&tables);
            let mut found = vec![u16::MAX; codes.len()];
            info.decode_codes_into(&bytes, &resources, &limits, &mut found).unwrap();
            assert_eq!(found, codes, "{size} {compression:?}");
            let error = info.decode_codes_into(&bytes, &resources, &limits, &mut found[1..]);
            assert_eq!(error.unwrap_err().kind(), ErrorKind::MessageShape);
        }
    }
}

#[test]
fn there_must_be_room_for_just_the_numbers_of_the_shape() {
    let bytes = message(&[2, 3], numbers(6)).encode(&EncodeOptions::default()).unwrap();
    let limits = Limits::default();
    let info = Packet::parse(&bytes, &limits).unwrap().latents()[0];
    for room in [0, 5, 7] {
        let mut numbers = vec![0.0; room];
        let error = info.decode_into(&bytes, &Resources::default(), &limits, &mut numbers);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::MessageShape);
    }
}

#[cfg(feature = "zstd")]
mod frames {
    use super::*;
    use crate::ErrorKind as Kind;

    /// A packet of int8 numbers whose payload is this frame.
    fn with_frame(extents: [u32; 2], frame: &[u8]) -> Vec<u8> {
        let mut body = vec![0x24, 0x01];
        for extent in extents {
            cursor::put_varint(&mut body, extent);
        }
        body.extend(frame);
        with_latents(&body)
    }

    /// 300 rows of 1,000 numbers in int8 that are all -1, under a scale of 1.
    fn raw() -> Vec<u8> {
        let mut raw = [0x00, 0x3C].repeat(300);
        raw.extend([0x81].repeat(300_000));
        raw
    }

    fn found(raw: &[u8]) -> crate::Result<Message<'static>> {
        let frame = crate::codec::lossless::compress(raw, 1).unwrap().unwrap();
        let bytes = with_frame([300, 1000], &frame);
        let limits = Limits::default();
        Packet::parse(&bytes, &limits)?.decode(&limits).map(|_| message(&[1], vec![0.0]))
    }

    #[test]
    fn numbers_are_judged_wherever_they_stand() {
        assert!(found(&raw()).is_ok());
        let with = |at: usize, byte: u8| {
            let mut raw = raw();
            raw[at] = byte;
            found(&raw).unwrap_err().kind()
        };
        assert_eq!(with(2 * 299 + 1, 0xBC), Kind::LatentsScale);
        assert_eq!(with(600 + 299_999, 0x80), Kind::LatentsQuantum);
        assert_eq!(with(600, 0x80), Kind::LatentsQuantum);
    }

    /// The rules of the frame come before those of the numbers, although these are met first.
    #[test]
    fn a_frame_that_ends_wrongly_outweighs_a_scale_that_is_wrong() {
        let mut wrong = raw();
        wrong[1] = 0xBC;
        assert_eq!(found(&wrong).unwrap_err().kind(), Kind::LatentsScale);
        for change in [1, -1] {
            let frame = crate::codec::lossless::compress(&wrong, 1).unwrap().unwrap();
            // The content size stands after the magic, the descriptor and the window.
            let size = u32::from_le_bytes(*frame[6..].first_chunk().unwrap());
            assert_eq!(size as usize, wrong.len());
            // Another number of rows, so that the content is longer or shorter than both say.
            let frame = [
                &frame[..6],
                &(size.wrapping_add_signed(change * 1002)).to_le_bytes(),
                &frame[10..],
            ]
            .concat();
            let rows = 300_u32.wrapping_add_signed(change);
            let error = refused(&with_frame([rows, 1000], &frame));
            assert_eq!(error.kind(), Kind::LatentsCompressed, "{error}");
        }
    }

    #[test]
    fn a_window_has_a_limit() {
        // One block of 400 zeros, four of which are an f32.
        let with_window = |window: u8| {
            let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0x80, window];
            frame.extend(400_u32.to_le_bytes());
            frame.extend([(400_u32 << 3 | 0b011) as u8, (400_u32 << 3 >> 8) as u8, 0, 0]);
            let mut body = vec![0x21, 0x00, 100];
            body.extend(frame);
            with_latents(&body)
        };
        let allowed = with_window(8 << 3);
        let found = read(&allowed, &Limits::default()).unwrap();
        assert_eq!(found, message(&[100], vec![0.0; 100]));
        let error = refused(&with_window(8 << 3 | 1));
        assert_eq!((error.kind(), error.found()), (Kind::LatentsCompressed, "294912"));

        // A payload that is longer than the largest window is no single segment.
        let given = message(&[300, 1000], numbers(300_000));
        let options = stored(Encoding::F32).with_compression(Compression::Zstd { level: 19 });
        let bytes = given.encode(&options).unwrap();
        assert_eq!(read(&bytes, &Limits::default()).unwrap(), given);
        let raw: Vec<u8> = numbers(300_000).iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut frame = Vec::with_capacity(raw.len());
        zstd_safe::compress(&mut frame, &raw, 19).unwrap();
        let mut body = vec![0x21, 0x01, 0xAC, 0x02, 0xE8, 0x07];
        body.extend(frame);
        assert_eq!(refused(&with_latents(&body)).kind(), Kind::LatentsCompressed);
    }
}
