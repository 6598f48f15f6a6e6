//! What holds for every stream and for any bytes.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Pieces that streams and damage are made of: packets, packets inside packets, packets that were
/// hit, cut or claimed, and rubbish that looks like their beginning.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let content = vec(any::<u8>(), 0..60);
    let sound = (any::<u8>(), content.clone()).prop_map(|(flags, bytes)| framed(flags, &bytes));
    let nested = (sound.clone(), vec(any::<u8>(), 0..9))
        .prop_map(|(inner, around)| framed(2, &[&around, &*inner, &around].concat()));
    let hit = (nested.clone(), any::<prop::sample::Index>(), 1..=u8::MAX).prop_map(
        |(mut bytes, place, change)| {
            let at = place.index(bytes.len());
            bytes[at] ^= change;
            bytes
        },
    );
    let cut = (nested.clone(), any::<prop::sample::Index>())
        .prop_map(|(bytes, len)| bytes[..len.index(bytes.len())].to_vec());
    let claimed = (0_u32..3000).prop_map(|rest| claim(0, rest));
    let rubbish = vec(prop::sample::select(&b"\x89LWP\x01\x00\x00\x04x"[..]), 0..20);
    prop_oneof![4 => sound, 2 => nested, 1 => hit, 1 => cut, 1 => claimed, 1 => rubbish]
}

/// What recovery does, said as simply as possible and in quadratic time.
fn by_trying_every_place(stream: &[u8], limits: &Limits) -> Vec<Part> {
    let sound_at = |at: usize| {
        let frame = frame::Frame::peek(&stream[at..], limits)?;
        let bytes = stream.get(at..at + frame.total_len).ok_or_else(|| {
            crate::Error::at(ErrorKind::PacketTruncated, stream.len() - at, "", "")
        })?;
        frame::verify(bytes).map(|_| bytes.to_vec())
    };
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < stream.len() {
        let begin = at;
        match sound_at(at) {
            Ok(bytes) => {
                at += bytes.len();
                parts.push(Part::Packet(begin as u64, bytes));
            }
            Err(error) => {
                at = (at + 1..stream.len())
                    .find(|&place| sound_at(place).is_ok())
                    .unwrap_or(stream.len());
                let torn = at == stream.len() && error.kind().family() == Family::Truncated;
                parts.push(Part::Damage(Damage { range: begin as u64..at as u64, error, torn }));
            }
        }
    }
    parts
}

/// Where a part begins and ends, and of a damage what it is and whether it is torn.
type Summary = (u64, u64, Option<(ErrorKind, bool)>);

/// Offsets, kinds and bytes: the words of an error may differ.
fn summary(parts: Vec<Part>) -> Vec<Summary> {
    let one = |part| match part {
        Part::Packet(offset, bytes) => (offset, offset + bytes.len() as u64, None),
        Part::Damage(Damage { range, error, torn }) => {
            (range.start, range.end, Some((error.kind(), torn)))
        }
    };
    parts.into_iter().map(one).collect()
}

proptest! {
    #[test]
    fn recovery_finds_what_trying_every_place_finds(
        pieces in vec(piece(), 0..12),
        step in 1_usize..400,
        limit in prop_oneof![Just(40_usize), Just(2000), Just(1 << 20)],
    ) {
        let stream = pieces.concat();
        let limits = limits().with_total_bytes(limit);
        let expected = summary(by_trying_every_place(&stream, &limits));
        prop_assert_eq!(summary(parts(&*stream, &limits)), &*expected);
        prop_assert_eq!(summary(parts(Trickle::new(&stream, step), &limits)), &*expected);
    }

    #[test]
    fn parts_cover_the_stream_and_the_index_knows_them(pieces in vec(piece(), 0..12)) {
        let stream = pieces.concat();
        let (index, tail) = StreamIndex::scan(&*stream, &limits()).unwrap();
        let mut buffer = Vec::new();
        let mut ranges: Vec<_> = index.damage().map(|gap| (gap.start, gap.end)).collect();
        for entry in index.entries() {
            let mut file = Cursor::new(&stream);
            let found = entry.read_from(&mut file, &limits(), &mut buffer).unwrap();
            prop_assert_eq!(found.entry(), *entry);
            ranges.push((entry.offset(), entry.end()));
        }
        ranges.extend(tail.damage.map(|damage| (damage.range.start, damage.range.end)));
        ranges.sort_unstable();
        let mut at = 0;
        for (start, end) in ranges {
            prop_assert_eq!(start, at);
            prop_assert!(end > start);
            at = end;
        }
        prop_assert_eq!(at, stream.len() as u64);
        index.check_all(&mut Cursor::new(&stream)).unwrap();
        prop_assert_eq!(StreamIndex::from_bytes(&index.to_bytes()).unwrap(), index);
    }

    #[test]
    fn an_index_that_is_extended_is_the_index_of_the_whole(
        pieces in vec((any::<u8>(), vec(any::<u8>(), 0..60)), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let stream: Vec<u8> =
            pieces.iter().flat_map(|(flags, content)| framed(*flags, content)).collect();
        let cut = cut.index(stream.len() + 1);
        let (mut index, _) = StreamIndex::scan(&stream[..cut], &limits()).unwrap();
        let tail = index.update(&mut Cursor::new(&stream), &limits()).unwrap();
        prop_assert_eq!(tail, Tail { end: stream.len() as u64, damage: None });
        prop_assert_eq!(index, StreamIndex::scan(&*stream, &limits()).unwrap().0);
    }

    #[test]
    fn any_bytes_are_the_one_encoding_of_an_index_or_refused(
        offsets in vec((0_u64..2000, 0_u32..200, any::<u8>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = b"\x89LWI\x01".to_vec();
        for (offset, rest_len, flags, id) in offsets {
            bytes.extend(offset.to_le_bytes());
            bytes.extend(rest_len.to_le_bytes());
            bytes.extend([1, 2, 3, 4, flags]);
            bytes.extend([id & 1; 16]);
        }
        bytes.extend(checksum::of(&bytes).to_le_bytes());
        if let Ok(index) = StreamIndex::from_bytes(&bytes) {
            prop_assert_eq!(index.to_bytes(), bytes);
        }
    }
}
