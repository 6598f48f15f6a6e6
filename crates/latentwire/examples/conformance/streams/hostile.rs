//! Streams that were made to be misread, or to cost a reader more than they have bytes.

use super::damaged::packet_of_length;
use super::{Packets, Stream};
use crate::bytes::{flip_last, varint};

pub(super) fn streams(packets: &Packets) -> Vec<Stream> {
    let second = &packets.compact;
    let mut freed = packets.carrying.clone();
    flip_last(&mut freed);
    let truncated = Some("packet.truncated");
    // Every nine bytes claim to begin a packet that takes the rest of the stream.
    let claims = (0..256).flat_map(|before| {
        let rest = (255 - before) * 9 + second.len();
        [&b"\x89LWP\x01\x00\x00"[..], &varint(rest.max(128))].concat()
    });
    let claims: Vec<u8> = claims.collect();
    // 16 MiB with its preamble, and one byte more.
    let at_limit = packet_of_length(&[0xF5, 0xFF, 0xFF, 0x07]);
    let beyond_limit = packet_of_length(&[0xF6, 0xFF, 0xFF, 0x07]);
    let limit = Some("limit.total_bytes");
    vec![
        Stream {
            name: "packet-in-a-damaged-packet",
            bytes: [second, &freed[..], second].concat(),
            expected: vec![None, Some("checksum.mismatch"), None, Some("preamble.magic"), None],
            torn: false,
        },
        Stream {
            name: "many-claims",
            bytes: [&claims, &second[..]].concat(),
            expected: vec![Some("checksum.mismatch"), None],
            torn: false,
        },
        Stream {
            name: "beyond-the-limit",
            bytes: [second, &beyond_limit[..]].concat(),
            expected: vec![None, limit],
            torn: false,
        },
        Stream {
            name: "beyond-the-limit-in-the-middle",
            bytes: [&beyond_limit[..], second].concat(),
            expected: vec![limit, None],
            torn: false,
        },
        Stream {
            name: "magic-at-the-end",
            bytes: [&second[..], b"?\x89LWP\x01\x00\x00\x10"].concat(),
            expected: vec![None, Some("preamble.magic")],
            torn: false,
        },
        Stream {
            name: "at-the-limit",
            bytes: [&second[..], &at_limit].concat(),
            expected: vec![None, truncated],
            torn: true,
        },
    ]
}
