//! Streams of which some bytes are not those that were written.

use super::{Packets, Stream};
use crate::bytes::{flip_last, summed};

pub(super) fn streams(packets: &Packets) -> Vec<Stream> {
    let (first, second) = (&packets.self_contained, &packets.compact);
    let stream = |name, parts: &[&[u8]], expected: &[Option<&'static str>]| Stream {
        name,
        bytes: parts.concat(),
        expected: expected.to_vec(),
        torn: false,
    };
    let with = |at: usize, byte: u8| {
        let mut packet = first.clone();
        packet.splice(at..=at, [byte]);
        packet
    };
    let (checksum, magic) = (Some("checksum.mismatch"), Some("preamble.magic"));
    let mut flipped = first.clone();
    flip_last(&mut flipped);
    let mut longer = first.clone();
    longer.splice(7..8, [0xFF, 1]);
    let head = first.get(..30).unwrap_or_default();
    let of_other_major = summed(&with(4, 2));
    let truncated = Some("packet.truncated");
    vec![
        stream("damaged-in-the-middle", &[second, &flipped, second], &[None, checksum, None]),
        stream("damaged-at-the-end", &[second, &flipped], &[None, checksum]),
        stream("damaged-at-the-start", &[b"text, then ", second], &[magic, None]),
        // The damage hides a whole packet: its length reaches into the next one.
        stream(
            "length-too-large",
            &[second, &with(7, 0x7E), second, first],
            &[None, checksum, None, None],
        ),
        // Looks torn until there is a packet behind it.
        stream("torn-in-the-middle", &[second, head, second], &[None, truncated, None]),
        stream("length-beyond-the-end", &[&longer, second], &[truncated, None]),
        stream("length-too-small", &[&with(7, 3), second], &[Some("preamble.length"), None]),
        stream(
            "length-not-minimal",
            &[&summed(&packet_of_length(&[0x85, 0])), second],
            &[Some("varint.not_minimal"), None],
        ),
        stream(
            "length-beyond-32-bits",
            &[&packet_of_length(&[0xFF; 5]), second],
            &[Some("varint.overflow"), None],
        ),
        stream(
            "other-major-in-the-middle",
            &[second, &of_other_major, second],
            &[None, Some("preamble.major"), None],
        ),
        stream("zeros-at-the-end", &[second, &[0; 40]], &[None, magic]),
        stream("garbage-then-torn", &[second, b"?", head], &[None, magic]),
        stream(
            "damaged-twice",
            &[&flipped, second, b"?", second, &flipped],
            &[checksum, None, magic, None, checksum],
        ),
        // Two packets that are damaged one after the other are one damage.
        stream(
            "damaged-one-after-the-other",
            &[second, &flipped, &flipped, second],
            &[None, checksum, None],
        ),
    ]
}

/// A preamble with these bytes as its length, and as many zeros as any packet has.
pub(super) fn packet_of_length(length: &[u8]) -> Vec<u8> {
    [b"\x89LWP\x01\x00\x00", length, &[0; 9]].concat()
}
