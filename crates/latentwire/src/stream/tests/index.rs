//! Finding packets again.

use std::collections::BTreeSet;
use std::io::Cursor;

use super::*;
use crate::message::MessageId;

fn scan(bytes: &[u8]) -> StreamIndex {
    StreamIndex::scan(bytes, &limits()).unwrap().0
}

/// Makes the checksum of an index right again after bytes were changed.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - checksum::LEN;
    let sum = checksum::of(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    bytes
}

#[test]
fn an_index_has_these_bytes() {
    let stream = [framed(0, &[7; 16]), framed(1, b"\x04\x03\x02\x01"), framed(2, b"")].concat();
    let expected = [
        &b"\x89LWI\x01"[..],
        &0_u64.to_le_bytes(),
        &20_u32.to_le_bytes(),
        &stream[24..28],
        &[0],
        &[7; 16],
        &28_u64.to_le_bytes(),
        &8_u32.to_le_bytes(),
        &stream[40..44],
        &[1],
        b"\x04\x03\x02\x01",
        &[0; 12],
        &44_u64.to_le_bytes(),
        &4_u32.to_le_bytes(),
        &stream[52..56],
        &[2],
        &[0; 16],
        &[0; 4],
    ];
    let index = scan(&stream);
    assert_eq!(index.to_bytes(), sealed(expected.concat()));
    assert_eq!(StreamIndex::from_bytes(&index.to_bytes()).unwrap(), index);
    assert_eq!(StreamIndex::bytes_len(3), index.to_bytes().len() as u64);
    let ids: Vec<_> = index.entries().iter().map(IndexEntry::id).collect();
    let message = PacketId::Message(MessageId([7; 16]));
    assert_eq!(ids, [Some(message), Some(PacketId::Short(0x0102_0304)), None]);
}

#[test]
fn an_empty_stream_has_an_index_too() {
    let index = scan(b"");
    assert!(index.is_empty() && index.end() == 0);
    assert_eq!(StreamIndex::from_bytes(&index.to_bytes()).unwrap(), index);
    index.check_all(&mut Cursor::new(b"")).unwrap();
}

#[test]
fn packets_are_read_at_random() {
    let stream = three().concat();
    let index = scan(&stream);
    let (mut file, mut buffer) = (Cursor::new(&stream), Vec::new());
    for number in [2, 0, 1, 1, 0, 2] {
        let entry = index.entries()[number];
        let found = entry.read_from(&mut file, &limits(), &mut buffer).unwrap();
        assert_eq!(found.as_bytes(), three()[number]);
        assert_eq!((found.offset(), found.entry()), (entry.offset(), entry));
        assert_eq!(entry.end() - entry.offset(), entry.len());
    }
}

#[test]
fn an_index_is_extended_by_what_was_appended() {
    let stream = three().concat();
    for cut in 0..=stream.len() {
        let mut index = scan(&stream[..cut]);
        // As it is found again later, when there is more of the stream.
        let mut again = StreamIndex::from_bytes(&index.to_bytes()).unwrap();
        let tail = again.update(&mut Cursor::new(&stream), &limits()).unwrap();
        assert_eq!((tail.end, tail.damage), (stream.len() as u64, None));
        assert_eq!(again, scan(&stream));
        let rest = Trickle::new(&stream[index.end() as usize..], 50);
        let mut rest = Some(rest);
        // A stream that fails loses nothing that was found.
        while let Some(mut source) = rest.take() {
            if index.extend(&mut source, &limits()).is_err() {
                let bytes = &stream[index.end() as usize..];
                rest = Some(Trickle { bytes, calls: 2, step: bytes.len().max(1) });
            }
            if index.end() == stream.len() as u64 {
                break;
            }
        }
        assert_eq!(index, again);
    }
}

#[test]
fn packets_around_damage_are_indexed_and_the_damage_is_told() {
    let [a, b, c] = three();
    let stream = [b"front", &*a, b"middle", &*b, &*c, b"\x89LW"].concat();
    let (index, tail) = StreamIndex::scan(&*stream, &limits()).unwrap();
    assert_eq!(index.len(), 3);
    let (first, second) = (5 + a.len() as u64, 11 + a.len() as u64);
    assert_eq!(index.damage().collect::<Vec<_>>(), [0..5, first..second]);
    assert_eq!(tail.end, stream.len() as u64 - 3);
    let damage = tail.damage.unwrap();
    assert_eq!((damage.range, damage.torn), (tail.end..stream.len() as u64, true));
    assert_eq!(StreamIndex::from_bytes(&index.to_bytes()).unwrap(), index);
}

#[test]
fn an_index_of_another_stream_is_noticed() {
    let [a, b, c] = three();
    let index = scan(&three().concat());
    let other_end = packet(4, 33); // as long as `c`
    let replaced = packet(4, 200); // as long as `b`
    let stale = |bytes: &[u8]| {
        let mut stream = Cursor::new(bytes);
        assert_eq!(index.check_all(&mut stream).unwrap_err().id(), "index.stale");
        index.check(&mut stream)
    };
    for bytes in [&b""[..], &a, &[&*a, &*b].concat(), &[&*a, &*b, &other_end].concat(), &[1; 500]] {
        let error = stale(bytes).unwrap_err();
        assert_eq!(error.id(), "index.stale", "{error}");
        assert!(error.to_string().contains("of the stream"), "{error}");
    }
    // The end is the same: noticed when the packet is read.
    let same_end = [&*a, &replaced, &*c].concat();
    stale(&same_end).unwrap();
    let mut buffer = Vec::new();
    let mut read = |number: usize, bytes: &[u8]| {
        let entry = index.entries()[number];
        entry.read_from(&mut Cursor::new(bytes), &limits(), &mut buffer).map(drop)
    };
    read(2, &same_end).unwrap();
    assert_eq!(read(1, &same_end).unwrap_err().id(), "index.stale");
    // A packet that begins as it should is damaged, not another one.
    let mut damaged = three().concat();
    damaged[a.len() + 50] ^= 1;
    index.check_all(&mut Cursor::new(&damaged)).unwrap();
    assert_eq!(read(1, &damaged).unwrap_err().id(), "checksum.mismatch");
    assert_eq!(read(2, &three().concat()[..400.min(damaged.len() - 1)]).unwrap_err().id(), {
        "packet.truncated"
    });
}

#[test]
fn a_reader_does_not_believe_an_index_either() {
    // It says that a packet of 4 GiB is there.
    let mut bytes = scan(&packet(1, 0)).to_bytes();
    bytes[13..17].copy_from_slice(&u32::MAX.to_le_bytes());
    let index = StreamIndex::from_bytes(&sealed(bytes)).unwrap();
    let (mut stream, mut buffer) = (Cursor::new(packet(1, 0)), Vec::new());
    let entry = index.entries()[0];
    let error = entry.read_from(&mut stream, &limits(), &mut buffer).unwrap_err();
    assert_eq!(error.id(), "limit.total_bytes");
    let generous = limits().with_total_bytes(usize::MAX);
    let error = entry.read_from(&mut stream, &generous, &mut buffer).unwrap_err();
    assert_eq!(error.id(), "index.stale");
    assert!(buffer.capacity() < 1 << 16);
    assert_eq!(index.check(&mut stream).unwrap_err().id(), "index.stale");
}

#[test]
fn every_way_to_refuse_the_bytes_of_an_index() {
    let good = scan(&[framed(1, &[1; 4]), framed(2, b"")].concat()).to_bytes();
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let mut longer = good.clone();
    longer.insert(good.len() - 4, 0);
    let cases = [
        (IndexFinding::Length, good.len() + 1, sealed(longer)),
        (IndexFinding::Length, 3, b"\x89LW".to_vec()),
        (IndexFinding::Length, 8, good[..8].to_vec()),
        (IndexFinding::Magic, 0, packet(1, 1)),
        (IndexFinding::Magic, 0, b"text".to_vec()),
        (IndexFinding::Version, 4, sealed(changed(4, &[2]))),
        (IndexFinding::Checksum, good.len() - 4, changed(20, &[9])),
        (IndexFinding::Entry, 5 + 33, sealed(changed(5 + 33, &15_u64.to_le_bytes()))),
        (IndexFinding::Entry, 5 + 33, sealed(changed(5 + 33, &[0xFF; 8]))),
        (IndexFinding::Entry, 5, sealed(changed(5, &[0xFF; 8]))),
        (IndexFinding::Entry, 5, sealed(changed(13, &[3]))),
        (IndexFinding::Entry, 5, sealed(changed(26, &[1]))),
    ];
    let mut made = BTreeSet::from([IndexFinding::Stale.id()]);
    for (expected, at, bytes) in cases {
        let error = StreamIndex::from_bytes(&bytes).unwrap_err();
        assert_eq!((error.id(), error.offset()), (expected.id(), at as u64), "{error}");
        assert!(!error.to_string().contains('\n'));
        made.insert(expected.id());
    }
    assert_eq!(made, IndexFinding::ALL.iter().map(|finding| finding.id()).collect());
    for len in 0..good.len() {
        let error = StreamIndex::from_bytes(&good[..len]).unwrap_err();
        assert!(["index.length", "index.checksum"].contains(&error.id()), "{len}: {error}");
    }
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(StreamIndex::from_bytes(&flipped).is_err(), "{bit}");
    }
}

#[test]
fn entries_are_pushed_in_order() {
    let index = scan(&three().concat());
    let [a, b, c] = index.entries() else { panic!() };
    let mut built = StreamIndex::new();
    built.push(*a).unwrap();
    built.push(*c).unwrap();
    assert_eq!(built.push(*b).unwrap_err().id(), "index.entry");
    assert!(built.damage().eq(std::iter::once(b.offset()..b.end())));
    built.truncate(1);
    built.push(*b).unwrap();
    built.push(*c).unwrap();
    assert_eq!(built, index);
}
