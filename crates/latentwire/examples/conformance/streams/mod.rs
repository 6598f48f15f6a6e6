//! Streams of packets, whole and damaged, with the index that belongs to each.

mod damaged;
mod hostile;
mod whole;

use std::path::Path;

use latentwire::{Limits, Recovered, Recovery, StreamIndex};
use serde_json::{Value, json};

use crate::bytes::varint;
use crate::parts::{packet, split_preamble};
use crate::{Failure, Files};

struct Stream {
    name: &'static str,
    bytes: Vec<u8>,
    /// What stands in it, in order: `None` is a sound packet.
    expected: Vec<Option<&'static str>>,
    torn: bool,
}

/// Every stream, as the manifest describes it; `files` has the packets.
pub(crate) fn describe(files: &mut Files) -> Result<Vec<Value>, Failure> {
    let packets = Packets::of(files)?;
    let mut streams = whole::sound(&packets);
    streams.extend(whole::torn(&packets));
    streams.extend(damaged::streams(&packets));
    streams.extend(hostile::streams(&packets));
    streams.into_iter().map(|stream| describe_stream(stream, files)).collect()
}

/// The packets that most streams are made of.
struct Packets {
    self_contained: Vec<u8>,
    compact: Vec<u8>,
    encrypted: Vec<u8>,
    later: Vec<u8>,
    /// A packet in which the compact one stands.
    carrying: Vec<u8>,
}

impl Packets {
    fn of(files: &Files) -> Result<Self, Failure> {
        let get = |name: &str| {
            let bytes = files.get(Path::new(name)).cloned();
            bytes.ok_or_else(|| Failure::from(format!("there is no {name}")))
        };
        let self_contained = get("valid/f32-rank-1.lwp")?;
        let compact = get("valid/compact-large-route.lwp")?;
        // Behind its other sections, a private one.
        let (_, rest) = split_preamble(&self_contained)?;
        let sections = rest.get(..rest.len().saturating_sub(4)).unwrap_or_default();
        let content = [sections, &[0x80, 0x40], &varint(compact.len()), &compact].concat();
        Ok(Self {
            carrying: packet(0, 0, &content),
            encrypted: get("encrypted/self-contained.lwp")?,
            later: get("valid/higher-minor-version.lwp")?,
            self_contained,
            compact,
        })
    }
}

fn describe_stream(stream: Stream, files: &mut Files) -> Result<Value, Failure> {
    let limits = Limits::default();
    let file = format!("streams/{}.lwp", stream.name);
    let mut recovery = Recovery::new(&*stream.bytes, limits);
    let (mut parts, mut found, mut torn) = (Vec::new(), Vec::new(), false);
    while let Some(part) = recovery.next_part()? {
        parts.push(match part {
            Recovered::Packet(packet) => {
                found.push(None);
                let entry = packet.entry();
                json!({"begin": entry.offset(), "end": entry.end(), "damage": null})
            }
            Recovered::Damage(damage) => {
                let id = damage.error.kind().id();
                found.push(Some(id));
                torn |= damage.torn;
                let offset = damage.error.offset();
                json!({
                    "begin": damage.range.start,
                    "end": damage.range.end,
                    "damage": {"error": id, "offset": offset, "torn": damage.torn},
                })
            }
        });
    }
    if (&found, torn) != (&stream.expected, stream.torn) {
        let expected = (stream.expected, stream.torn);
        return Err(format!("{file}: expected {expected:?}, found {found:?}, {torn}").into());
    }
    let (index, _) = StreamIndex::scan(&*stream.bytes, &limits)?;
    let index_file = format!("{file}.idx");
    files.insert(file.clone().into(), stream.bytes);
    files.insert(index_file.clone().into(), index.to_bytes());
    Ok(json!({"file": file, "index": index_file, "parts": parts}))
}
