//! Several tensors in one packet, and indices instead of numbers.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn coded(extents: &[usize], size: u32, codes: Vec<u16>) -> Message<'static> {
    let mut built = message(extents, Vec::new());
    built.latents[0].values =
        Values::Codes { codebook: Fingerprint([7; 16]), size, codes: codes.into() };
    built
}

#[test]
fn tensors_keep_their_names_and_their_order() {
    let mut given = message(&[1, 4], vec![1.0; 4]);
    let named = |name, extents: &[usize], numbers: Vec<f32>| Latents {
        name,
        ..Latents::new(Shape::new(extents).unwrap(), numbers)
    };
    given.latents = vec![
        named("", &[4], vec![1.0; 4]),
        named("layer.1.key", &[2, 3], vec![0.5; 6]),
        named("layer.0.key", &[1, 1, 2], vec![2.0; 2]),
    ];
    let bytes = given.encode(&stored(Encoding::F32)).unwrap();
    let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
    let found: Vec<_> = packet.latents().iter().map(|info| info.name(&bytes)).collect();
    assert_eq!(found, ["", "layer.1.key", "layer.0.key"]);
    assert_eq!(packet.decode(&Limits::default()).unwrap(), given);
}

#[test]
fn a_name_stands_once_wherever_it_stands() {
    let names = |names: &[&'static str]| {
        let mut given = message(&[1], vec![1.0]);
        let [one] = &given.latents[..] else { unreachable!() };
        given.latents = names.iter().map(|name| Latents { name, ..one.clone() }).collect();
        given.encode(&stored(Encoding::F32))
    };
    assert!(names(&["", "a", "b", "c"]).is_ok());
    for wrong in [&["a", "a"][..], &["", ""], &["a", "b", "a"], &["a", "b", "b"], &["a", ""]] {
        let error = names(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MessageName, "{wrong:?}");
    }
    // The same as a reader meets it: the name of the last tensor is made that of another one.
    let bytes = names(&["a", "b", "c"]).unwrap();
    let sections: Vec<_> = Packet::parse(&bytes, &Limits::default()).unwrap().sections().to_vec();
    let frame_len = sections[2].offset - sections[1].end();
    let name_at = sections[2].offset + 3; // after kind, form and the length of the name
    for other in [b'a', b'b'] {
        let mut bytes = bytes.clone();
        assert_eq!(std::mem::replace(&mut bytes[name_at], other), b'c');
        let end = bytes.len() - checksum::LEN;
        let sum = checksum::of(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&sum);
        let error = read(&bytes, &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SectionDuplicate);
        assert_eq!(error.offset(), Some(sections[2].offset - frame_len));
    }
}

/// As many as only a table of their names makes bearable: each compared to all before it, a minute.
#[test]
fn tens_of_thousands_of_tensors_are_read() {
    let names: Vec<String> = (0..30_000).map(|number| number.to_string()).collect();
    let mut given = message(&[1], vec![1.0]);
    let [one] = &given.latents[..] else { unreachable!() };
    given.latents = names.iter().map(|name| Latents { name, ..one.clone() }).collect();
    let bytes = given.encode(&stored(Encoding::F32)).unwrap();
    let limits = Limits::default().with_sections(usize::MAX);
    assert_eq!(Packet::parse(&bytes, &limits).unwrap().latents().len(), names.len());
}

#[test]
fn the_limit_on_elements_is_for_all_tensors_together() {
    let mut given = message(&[8], vec![1.0; 8]);
    given.latents.push(Latents { name: "b", ..given.latents[0].clone() });
    let bytes = given.encode(&stored(Encoding::F32)).unwrap();
    assert!(read(&bytes, &Limits::default().with_elements(16)).is_ok());
    let error = read(&bytes, &Limits::default().with_elements(15)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitElements);
}

#[test]
fn numbers_are_not_read_as_indices_nor_indices_as_numbers() {
    let limits = Limits::default();
    let numbers = smallest();
    let info = Packet::parse(&numbers, &limits).unwrap().latents()[0];
    let error = info.decode_codes(&numbers, &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LatentsEncoding);
    let codes = coded(&[1], 4, vec![3]).encode(&EncodeOptions::default()).unwrap();
    let info = Packet::parse(&codes, &limits).unwrap().latents()[0];
    assert_eq!(info.decode(&codes, &limits).unwrap_err().kind(), ErrorKind::LatentsEncoding);
}

/// The packet at an address at which its payload is aligned, or not.
fn placed(bytes: &[u8], payload_offset: usize, aligned: bool) -> (Vec<u8>, usize) {
    let mut room = vec![0; bytes.len() + 8];
    let aligned_at = (0..4)
        .find(|start| (room.as_ptr() as usize + start + payload_offset).is_multiple_of(4))
        .unwrap();
    let start = aligned_at + usize::from(!aligned);
    room[start..start + bytes.len()].copy_from_slice(bytes);
    (room, start)
}

#[test]
fn f32_is_not_copied_where_it_is_aligned() {
    let bytes = message(&[2, 3], vec![0.5; 6]).encode(&stored(Encoding::F32)).unwrap();
    let info = Packet::parse(&bytes, &Limits::default()).unwrap().latents()[0];
    for aligned in [true, false] {
        let (room, start) = placed(&bytes, info.payload_offset, aligned);
        let packet = &room[start..start + bytes.len()];
        let numbers = info.view(packet, &Limits::default()).unwrap();
        assert_eq!(matches!(numbers, std::borrow::Cow::Borrowed(_)), aligned);
        assert_eq!(numbers[..], [0.5; 6]);
    }
    let int8 = message(&[2, 3], vec![0.5; 6]).encode(&stored(Encoding::Int8)).unwrap();
    let info = Packet::parse(&int8, &Limits::default()).unwrap().latents()[0];
    assert_eq!(
        info.view(&int8, &Limits::default()).unwrap()[..],
        info.decode(&int8, &Limits::default()).unwrap()
    );
    let bad = patched(PAYLOAD_AT, 4, &f32::INFINITY.to_le_bytes());
    let info = Packet::parse(&bad, &Limits::default()).unwrap().latents()[0];
    let (room, start) = placed(&bad, info.payload_offset, true);
    let error = info.view(&room[start..start + bad.len()], &Limits::default()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::LatentsValue, Some(PAYLOAD_AT)));
}

proptest! {
    #[test]
    fn indices_of_any_codebook_come_back(
        size in prop_oneof![2_u32..20, Just(256), Just(257), Just(65_535), Just(65_536)],
        row_len in 1_usize..20,
        raw in vec(any::<u32>(), 1..80),
    ) {
        let rows = raw.len().div_ceil(row_len);
        let codes: Vec<u16> =
            raw.iter().cycle().take(rows * row_len).map(|code| (code % size) as u16).collect();
        let given = coded(&[rows, row_len], size, codes);
        let bytes = given.encode(&EncodeOptions::default()).unwrap();
        let found = read(&bytes, &Limits::default()).unwrap();
        prop_assert_eq!(&found, &given);
        let bits = 32 - (size - 1).leading_zeros() as usize;
        let packet = Packet::parse(&bytes, &Limits::default()).unwrap();
        prop_assert_eq!(packet.latents()[0].payload_length, rows * (row_len * bits).div_ceil(8));
    }

    #[test]
    fn any_payload_of_indices_is_canonical_or_refused(
        size in 2_u32..70,
        row_len in 1_usize..9,
        payload in vec(any::<u8>(), 0..30),
    ) {
        let body = [&[0x09, 0x00, row_len as u8, size as u8][..], &[7; 16], &payload].concat();
        let bytes = with_latents(&body);
        if let Ok(found) = read(&bytes, &Limits::default()) {
            prop_assert_eq!(found.encode(&EncodeOptions::default()).unwrap(), bytes);
        }
    }
}
