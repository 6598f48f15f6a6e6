//! Streams without damage, and streams at the end of which a crash left part of a packet.

use super::{Packets, Stream};
use crate::parts::packet;

pub(super) fn sound(packets: &Packets) -> Vec<Stream> {
    let stream = |name, parts: &[&[u8]]| Stream {
        name,
        bytes: parts.concat(),
        expected: vec![None; parts.len()],
        torn: false,
    };
    let Packets { self_contained, compact, encrypted, later, carrying } = packets;
    // Framed like any other, whatever is inside: flags and profiles that nobody knows, a packet too
    // short for its id, and the shortest of all.
    let unknown = packet(0, 0xF3, b"of a profile to come");
    let short = packet(0, 0, &[7; 15]);
    let short_compact = packet(0, 1, &[7; 3]);
    let (empty, just_compact) = (packet(0, 0, &[]), packet(0, 1, &[7; 4]));
    vec![
        stream("no-packet", &[]),
        stream("one-packet", &[self_contained]),
        stream("every-profile", &[self_contained, compact, encrypted, later, &unknown]),
        stream("the-same-packet-twice", &[compact, compact]),
        stream("shortest-packets", &[&empty, &short, &short_compact, &just_compact]),
        stream("packet-in-a-packet", &[self_contained, carrying, compact]),
    ]
}

/// What a crash leaves.
pub(super) fn torn(packets: &Packets) -> Vec<Stream> {
    let first = &packets.self_contained;
    let stream = |name, kept: usize| {
        let rest = packets.compact.get(..kept).unwrap_or_default();
        let (bytes, expected) = ([first, rest].concat(), vec![None, Some("packet.truncated")]);
        Stream { name, bytes, expected, torn: true }
    };
    let cut = first.get(..20).unwrap_or_default().to_vec();
    vec![
        stream("torn-in-magic", 1),
        stream("torn-in-length", 7),
        stream("torn-in-header", 10),
        stream("torn-in-checksum", packets.compact.len() - 1),
        Stream {
            name: "torn-at-once",
            bytes: cut,
            expected: vec![Some("packet.truncated")],
            torn: true,
        },
    ]
}
