//! Any bytes as a stream: recovery gives every packet that stands in them and passes over the rest,
//! however they arrive, and readers and indexes agree with it.

#![no_main]

use std::io::{self, Cursor, Read};

use latentwire::{
    Damage, Family, IndexEntry, Limits, MAGIC, PacketReader, PacketWriter, Recovered, Recovery,
    StreamError, StreamIndex, StreamPacket,
};
use latentwire_fuzz::{limits, mutate_stream};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| {
    let limits = limits();
    let parts = recover(data, &limits);
    check_parts(data, &parts, &limits);
    let piecemeal = Piecemeal { rest: data, turn: data.first().copied().unwrap_or(0).into() };
    assert_eq!(recover(piecemeal, &limits), parts, "it depends on how bytes arrive");
    check_reader(data, &parts, &limits);
    check_index(data, &parts, &limits);
    check_torn(data, &parts, &limits);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_stream(data, size, max_size, seed)
});

#[derive(Debug, PartialEq)]
enum Part {
    Packet(IndexEntry),
    Damage(Damage),
}

fn recover(stream: impl Read, limits: &Limits) -> Vec<Part> {
    let mut recovery = Recovery::new(stream, *limits);
    let mut parts = Vec::new();
    while let Some(part) = recovery.next_part().expect("nothing fails in memory") {
        parts.push(match part {
            Recovered::Packet(packet) => Part::Packet(packet.entry()),
            Recovered::Damage(damage) => Part::Damage(damage),
        });
    }
    parts
}

/// The parts are all of `data`; packets are sound, and in what was passed over there is none.
fn check_parts(data: &[u8], parts: &[Part], limits: &Limits) {
    let mut end = 0;
    for part in parts {
        match part {
            Part::Packet(entry) => {
                assert_eq!(entry.offset(), end);
                let packet = packet_at(data, entry, limits).expect("a sound packet");
                assert_eq!(packet.entry(), *entry);
                end = entry.end();
            }
            Part::Damage(damage) => {
                assert_eq!(damage.range.start, end);
                assert!(damage.range.end > end);
                end = damage.range.end;
                let starts =
                    damage.range.clone().filter(|&at| is_sound(&data[at as usize..], limits));
                assert_eq!(starts.collect::<Vec<_>>(), [], "packets that were passed over");
            }
        }
    }
    assert_eq!(end, data.len() as u64);
    let both_damaged = |pair: &[Part]| matches!(pair, [Part::Damage(_), Part::Damage(_)]);
    assert!(!parts.windows(2).any(both_damaged));
}

fn packet_at<'a>(
    data: &'a [u8],
    entry: &IndexEntry,
    limits: &Limits,
) -> latentwire::Result<StreamPacket<'a>> {
    let bytes = &data[entry.offset() as usize..entry.end() as usize];
    StreamPacket::new(entry.offset(), bytes, limits)
}

/// Whether a sound packet begins here, found in the simplest way.
fn is_sound(rest: &[u8], limits: &Limits) -> bool {
    if !rest.starts_with(&MAGIC) {
        return false;
    }
    // Refused for its end, a packet has said where that is; the checksum has not been looked at.
    match StreamPacket::new(0, rest, limits) {
        Ok(_) => true,
        Err(error) if error.kind().id() == "packet.trailing_bytes" => {
            let end = error.offset().expect("the end of the packet");
            StreamPacket::new(0, &rest[..end], limits).is_ok()
        }
        Err(_) => false,
    }
}

/// The reader that stops at damage gives what recovery gives up to there, and the same finding.
fn check_reader(data: &[u8], parts: &[Part], limits: &Limits) {
    let mut reader = PacketReader::new(data, *limits);
    for part in parts {
        let next = reader.next_packet().map(|packet| packet.map(|packet| packet.entry()));
        match part {
            Part::Packet(entry) => assert_eq!(next.expect("a sound packet"), Some(*entry)),
            Part::Damage(damage) => {
                let Err(StreamError::Packet { offset, error }) = next else {
                    panic!("{next:?} where there is {damage:?}")
                };
                assert_eq!((offset, &error), (damage.range.start, &damage.error));
                return;
            }
        }
    }
    assert!(reader.next_packet().expect("the end").is_none());
}

/// The index lists the packets of recovery, survives its bytes and finds every packet again.
fn check_index(data: &[u8], parts: &[Part], limits: &Limits) {
    let (index, tail) = StreamIndex::scan(data, limits).expect("nothing fails in memory");
    assert_eq!(index.entries(), packets(parts));
    let damage = match parts.last() {
        Some(Part::Damage(damage)) => Some(damage),
        _ => None,
    };
    assert_eq!((tail.end, tail.damage.as_ref()), (index.end(), damage));
    let torn = damage.is_some_and(|damage| damage.torn);
    assert!(!torn || damage.is_some_and(|d| d.error.kind().family() == Family::Truncated));

    let bytes = index.to_bytes();
    assert_eq!(StreamIndex::from_bytes(&bytes).expect("what was written"), index);
    let (mut stream, mut buffer) = (Cursor::new(data), Vec::new());
    index.check_all(&mut stream).expect("the stream of this index");
    for entry in index.entries() {
        let packet = entry.read_from(&mut stream, limits, &mut buffer).expect("a packet");
        assert_eq!(packet.as_bytes(), &data[entry.offset() as usize..entry.end() as usize]);
    }
    // These bytes as an index: read, or refused, and what is read is written alike.
    if let Ok(index) = StreamIndex::from_bytes(data) {
        assert_eq!(index.to_bytes(), data);
    }
}

/// A stream that is whole but for its end: that is cut off and a packet appended, and all are found.
/// Where there is damage further in front, what is appended may happen to complete it.
fn check_torn(data: &[u8], parts: &[Part], limits: &Limits) {
    let mut expected = packets(parts);
    let Some(last) = expected.last() else { return };
    if !parts.iter().take(expected.len()).all(|part| matches!(part, Part::Packet(_))) {
        return;
    }
    let end = last.end() as usize;
    let mut writer = PacketWriter::resume(data[..end].to_vec(), last.end());
    let packet = &data[last.offset() as usize..end];
    expected.push(writer.append(packet).expect("a sound packet"));
    assert_eq!(packets(&recover(&*writer.into_inner(), limits)), expected);
}

fn packets(parts: &[Part]) -> Vec<IndexEntry> {
    let packets = parts.iter().filter_map(|part| match part {
        Part::Packet(entry) => Some(*entry),
        Part::Damage(_) => None,
    });
    packets.collect()
}

/// Gives its bytes in pieces of various lengths.
struct Piecemeal<'a> {
    rest: &'a [u8],
    turn: usize,
}

impl Read for Piecemeal<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.turn = self.turn.wrapping_mul(5).wrapping_add(1);
        let most = room.len().min(1 + self.turn % 61);
        self.rest.read(&mut room[..most])
    }
}
