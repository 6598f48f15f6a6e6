//! Packet by packet.

use std::fs;
use std::path::Path;

use super::*;
use crate::message::MessageId;
use crate::wire::Packet;

/// Offsets and bytes of all packets, or what was found wrong.
fn read_all(stream: impl Read) -> Result<Vec<(u64, Vec<u8>)>, StreamError> {
    let mut reader = PacketReader::new(stream, limits());
    let mut packets = Vec::new();
    while let Some((offset, bytes)) = insist(|| {
        let next = reader.next_packet()?;
        Ok(next.map(|packet| (packet.offset(), packet.as_bytes().to_vec())))
    })? {
        assert_eq!(reader.offset(), offset + bytes.len() as u64);
        packets.push((offset, bytes));
    }
    Ok(packets)
}

fn refused(bytes: &[u8]) -> (u64, ErrorKind, u64) {
    let error = read_all(bytes).unwrap_err();
    let StreamError::Packet { offset, error: inner } = &error else { panic!("{error}") };
    assert_eq!(error.id(), inner.kind().id());
    assert!(error.to_string().contains(&format!("byte {offset} of the stream")), "{error}");
    (*offset, inner.kind(), error.offset())
}

#[test]
fn a_stream_is_packets_end_to_end() {
    let [a, b, c] = three();
    assert_eq!(read_all(&b""[..]).unwrap(), []);
    assert_eq!(read_all(&*a).unwrap(), [(0, a.clone())]);
    let (second, third) = (a.len() as u64, (a.len() + b.len()) as u64);
    let stream = [&*a, &*b, &*c].concat();
    assert_eq!(read_all(&*stream).unwrap(), [(0, a), (second, b), (third, c)]);
}

#[test]
fn however_the_bytes_arrive() {
    let stream = [&three().concat()[..], &packet(9, 700_000), &packet(8, 0)].concat();
    let expected = read_all(&*stream).unwrap();
    assert_eq!(expected.len(), 5);
    for step in [1000, 4096, 1 << 20] {
        assert_eq!(read_all(Trickle::new(&stream, step)).unwrap(), expected, "{step}");
    }
    let small = three().concat();
    assert_eq!(read_all(Trickle::new(&small, 1)).unwrap(), read_all(&*small).unwrap());
}

#[test]
fn every_profile_is_framed_alike_and_ids_are_taken_where_they_are_shown() {
    let cases = [
        (0, &[7; 16][..], Some(PacketId::Message(MessageId([7; 16])))),
        (0, &[7; 15], None), // not a packet that anyone reads, but framed like one
        (1, b"\x04\x03\x02\x01route", Some(PacketId::Short(0x0102_0304))),
        (0b101, b"\x04\x03\x02\x01", Some(PacketId::Short(0x0102_0304))),
        (1, b"\x04\x03\x02", None),
        (2, &[9; 40], None),
        (3, &[9; 40], None),
        (0xFF, b"", None),
    ];
    for (flags, content, id) in cases {
        let bytes = framed(flags, content);
        let mut reader = PacketReader::new(&*bytes, limits());
        let found = reader.next_packet().unwrap().unwrap();
        assert_eq!((found.flags(), found.id()), (flags, id), "{flags:#b}");
        assert_eq!(found.entry().id(), id);
    }
}

#[test]
fn a_torn_tail_is_told_apart_from_what_is_no_packet() {
    let [a, b, c] = three();
    let whole = [&*a, &*b].concat();
    let start = whole.len() as u64;
    for len in 1..c.len() {
        let torn = [&whole, &c[..len]].concat();
        let (at, kind, place) = refused(&torn);
        assert_eq!((at, kind.family()), (start, Family::Truncated), "{len}");
        assert!(place >= start && place <= start + len as u64);
    }
    let mut flipped = c.clone();
    flipped[40] ^= 4;
    let cases = [
        (flipped, ErrorKind::ChecksumMismatch, c.len() as u64 - 4),
        (b"text".to_vec(), ErrorKind::PreambleMagic, 0),
        (b"\x89PNG".to_vec(), ErrorKind::PreambleMagic, 1),
        (b"\x89LWP\x02".to_vec(), ErrorKind::PreambleMajor, 4),
        (b"\x89LWP\x01\x00\x00\x03123456".to_vec(), ErrorKind::PreambleLength, 7),
        (b"\x89LWP\x01\x00\x00\x85\x00123".to_vec(), ErrorKind::VarintNotMinimal, 7),
        (b"\x89LWP\x01\x00\x00\xFF\xFF\xFF\xFF\x1F".to_vec(), ErrorKind::VarintOverflow, 7),
        (b"\x89LWP\x01\x00\x00\xFF\xFF\xFF\xFF\x8F".to_vec(), ErrorKind::VarintOverflow, 7),
        (claim(0, u32::MAX), ErrorKind::LimitTotalBytes, 7),
    ];
    for (bytes, kind, place) in cases {
        assert_eq!(refused(&[&whole, &*bytes].concat()), (start, kind, start + place));
    }
}

#[test]
fn what_is_refused_stays_refused_and_can_be_recovered_from() {
    let [a, b, c] = three();
    let stream = [&*a, b"damage", &*b, &*c].concat();
    let mut reader = PacketReader::new(&*stream, limits());
    reader.next_packet().unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(reader.next_packet().unwrap_err().id(), "preamble.magic");
        assert_eq!(reader.offset(), a.len() as u64);
    }
    let mut recovery = reader.recover();
    let Some(Recovered::Damage(damage)) = recovery.next_part().unwrap() else { panic!() };
    assert_eq!(damage.range, a.len() as u64..a.len() as u64 + 6);
    let Some(Recovered::Packet(found)) = recovery.next_part().unwrap() else { panic!() };
    assert_eq!(found.as_bytes(), b);
}

/// A pipe whose writer waits for an answer.
#[test]
fn a_packet_is_given_before_the_next_one_has_begun() {
    struct Pipe(Vec<u8>);
    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "the reader would wait for ever");
            let len = self.0.len().min(buffer.len()).min(5);
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0.drain(..len);
            Ok(len)
        }
    }
    for content in [&b""[..], b"a", &[1; 300]] {
        let mut reader = PacketReader::new(Pipe(framed(2, content)), limits());
        assert_eq!(reader.next_packet().unwrap().unwrap().as_bytes(), framed(2, content));
    }
}

/// The frame that a stream sees is the one that a reader of packets sees.
#[test]
fn golden_packets_are_framed_as_they_are_parsed() {
    use ErrorKind as Kind;
    const OF_THE_FRAME: [ErrorKind; 6] = [
        Kind::PacketTruncated,
        Kind::PacketTrailingBytes,
        Kind::PreambleMagic,
        Kind::PreambleMajor,
        Kind::PreambleLength,
        Kind::ChecksumMismatch,
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/v1.0");
    let mut files = 0;
    for kind in ["valid", "invalid"] {
        for entry in fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let framed =
                StreamPacket::new(0, &bytes, &limits()).map(|found| found.as_bytes().len());
            match Packet::parse(&bytes, &limits()) {
                Err(error) if OF_THE_FRAME.contains(&error.kind()) => {
                    let found = framed.unwrap_err();
                    assert_eq!(found.kind(), error.kind(), "{}", path.display());
                    assert_eq!(found.offset(), error.offset(), "{}", path.display());
                }
                Err(error) if error.kind() == Kind::LimitTotalBytes => {
                    assert_eq!(framed.unwrap_err().kind(), error.kind());
                }
                _ => assert!(framed.is_ok() || path.to_string_lossy().contains("varint")),
            }
            files += 1;
        }
    }
    assert!(files > 50);
}
