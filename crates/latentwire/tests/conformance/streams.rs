//! Streams of packets, sound and damaged, and their indexes.

use std::io::Cursor;

use latentwire::{Limits, PacketReader, Recovered, Recovery, StreamError, StreamIndex};
use serde_json::{Value, json};

use crate::manifest::Manifest;

/// What recovery finds in a stream.
fn parts(stream: &[u8]) -> Vec<Value> {
    let mut recovery = Recovery::new(stream, Limits::default());
    let mut parts = Vec::new();
    while let Some(part) = recovery.next_part().expect("nothing fails in memory") {
        parts.push(match part {
            Recovered::Packet(packet) => {
                let end = packet.offset() + packet.as_bytes().len() as u64;
                json!({"begin": packet.offset(), "end": end, "damage": null})
            }
            Recovered::Damage(damage) => json!({
                "begin": damage.range.start,
                "end": damage.range.end,
                "damage": {
                    "error": damage.error.kind().id(),
                    "offset": damage.error.offset(),
                    "torn": damage.torn,
                },
            }),
        });
    }
    parts
}

#[test]
fn streams_have_the_parts_and_the_index_of_the_manifest() {
    for manifest in Manifest::all() {
        for vector in manifest.list("streams") {
            let stream = manifest.read(&vector["file"]);
            assert_eq!(json!(parts(&stream)), vector["parts"], "{}", vector["file"]);
            let (index, _) = StreamIndex::scan(&*stream, &Limits::default()).expect("memory");
            let bytes = manifest.read(&vector["index"]);
            assert_eq!(index.to_bytes(), bytes, "{}", vector["file"]);
            assert_eq!(StreamIndex::from_bytes(&bytes).expect("an index"), index);
        }
    }
}

#[test]
fn a_reader_in_order_stops_at_the_first_damage() {
    for manifest in Manifest::all() {
        for vector in manifest.list("streams") {
            let stream = manifest.read(&vector["file"]);
            let mut reader = PacketReader::new(&*stream, Limits::default());
            for part in vector["parts"].as_array().expect("a list") {
                let found = reader.next_packet();
                if part["damage"].is_null() {
                    let packet = found.expect("a sound packet").expect("another packet");
                    assert_eq!(part["begin"], packet.offset(), "{}", vector["file"]);
                    continue;
                }
                let Err(StreamError::Packet { offset, error }) = found else {
                    panic!("{}: {found:?}", vector["file"])
                };
                let found =
                    json!({"begin": offset, "error": error.kind().id(), "offset": error.offset()});
                let damage = &part["damage"];
                let wanted = json!({"begin": part["begin"], "error": damage["error"], "offset": damage["offset"]});
                assert_eq!(found, wanted, "{}", vector["file"]);
                break;
            }
        }
    }
}

/// Takes up the index of a stream, reads every packet by it, and extends it by those that follow.
fn read_by(index: &[u8], stream: &[u8]) -> Result<Vec<u8>, StreamError> {
    let (limits, mut buffer, mut stream) = (Limits::default(), Vec::new(), Cursor::new(stream));
    let mut index = StreamIndex::from_bytes(index)?;
    index.check(&mut stream)?;
    for entry in index.entries() {
        entry.read_from(&mut stream, &limits, &mut buffer)?;
    }
    index.update(&mut stream, &limits)?;
    Ok(index.to_bytes())
}

#[test]
fn indexes_are_those_of_their_streams_or_refused_for_the_reason_that_the_manifest_gives() {
    for manifest in Manifest::all() {
        for vector in manifest.list("indexes") {
            let index = manifest.read(&vector["file"]);
            let found = read_by(&index, &manifest.read(&vector["stream"]));
            let error = found.as_ref().err();
            assert_eq!(json!(error.map(StreamError::id)), vector["error"], "{vector}: {found:?}");
            assert_eq!(
                json!(error.map(StreamError::offset)),
                vector["offset"],
                "{vector}: {found:?}"
            );
            if let Ok(extended) = found {
                assert_eq!(extended, manifest.read(&vector["extended"]), "{vector}");
            }
        }
    }
}
