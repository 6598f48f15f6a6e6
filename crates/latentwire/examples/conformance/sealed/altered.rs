//! Packets in which something was altered by someone without the key: frame and checksum are right.

use latentwire::{LATENTS, SEAL, TRACE};

use super::Receiver;
use super::letters::{BY_BLAKE3, BY_ED25519, BY_HMAC, letter};
use crate::Failure;
use crate::bytes::flip_last;
use crate::keys::{BLAKE3, ED25519, HMAC};
use crate::parts::{Part, Parts};

/// Where fields stand in the header of a letter.
const MESSAGE_ID: usize = 0;
const SENDER: usize = 16;
const SENDER_NAME: usize = SENDER + 16 + 1;
const MARKER: usize = SENDER_NAME + "tiny-llama".len() + 1;
const RECEIVER: usize = MARKER + 1;
const SPACE: usize = RECEIVER + 16 + 1 + "tiny-qwen".len() + 1 + "2026-11-24".len();
/// Where fields stand in a seal.
const KEY_ID: usize = 1;
const SESSION: usize = KEY_ID + 8;
const NUMBER: usize = SESSION + 16;
pub(super) const CUTS: usize = NUMBER + 8;
const TAG: usize = CUTS + 1;

pub(super) type Named = (&'static str, Vec<u8>);

pub(super) fn receiver() -> Result<Receiver, Failure> {
    let honest = BY_HMAC.seal(&letter(0)?, 0)?;
    let parts = Parts::of(&honest)?;
    let altered_by_others = |sealed: &[u8]| {
        let parts = Parts::of(sealed)?;
        Ok::<_, Failure>([
            parts.changed(|parts| flip_last(parts.body(LATENTS))),
            parts.changed(|parts| flip_last(parts.body(SEAL))),
        ])
    };
    let (blake3, ed25519) = (BY_BLAKE3.seal(&letter(0)?, 0)?, BY_ED25519.seal(&letter(0)?, 0)?);
    let [blake3_code, blake3_tag] = altered_by_others(&blake3)?;
    let [ed25519_code, ed25519_tag] = altered_by_others(&ed25519)?;
    Ok(Receiver::new("altered", &[HMAC, BLAKE3, ED25519])
        .refuses_all("seal.tag", headers(&parts))
        .refuses_all("seal.tag", sections(&parts))
        .refuses_all("seal.tag", seals(&parts))
        .refuses("seal.key", "altered-key-id", flipped(&parts, KEY_ID))
        .refuses("seal.key", "altered-algorithm", {
            parts.changed(|parts| drop(parts.body(SEAL).splice(..1, [2])))
        })
        .accepts("hmac-0", honest)
        .refuses("seal.tag", "altered-blake3-code", blake3_code)
        .refuses("seal.tag", "altered-blake3-tag", blake3_tag)
        .accepts("blake3-0", blake3)
        .refuses("seal.tag", "altered-ed25519-code", ed25519_code)
        .refuses("seal.tag", "altered-ed25519-tag", ed25519_tag)
        .accepts("ed25519-0", ed25519))
}

fn headers(parts: &Parts) -> Vec<Named> {
    let flipped = |at: usize| {
        parts.changed(|parts| {
            if let Some(byte) = parts.header.get_mut(at) {
                *byte ^= 1;
            }
        })
    };
    vec![
        ("altered-message-id", flipped(MESSAGE_ID)),
        ("altered-sender", flipped(SENDER)),
        ("altered-sender-name", flipped(SENDER_NAME)),
        ("altered-receiver", flipped(RECEIVER)),
        ("altered-receiver-left-out", {
            parts.changed(|parts| drop(parts.header.splice(MARKER..SPACE, [0])))
        }),
        ("altered-space", flipped(SPACE)),
        ("altered-minor-version", parts.changed(|parts| parts.minor = 1)),
    ]
}

/// The letter has two tensors, metadata, a section of type 8 and two of type 4100; between metadata and
/// type 8 stands the seal.
fn sections(parts: &Parts) -> Vec<Named> {
    let changed = |change: fn(&mut Vec<Part>)| parts.changed(|parts| change(&mut parts.sections));
    let body = |at: usize, change: fn(&mut Vec<u8>)| {
        parts.changed(|parts| {
            parts.sections.iter_mut().skip(at).take(1).for_each(|part| change(&mut part.body));
        })
    };
    vec![
        ("altered-scale", body(0, |tensor| flip_at(tensor, 4))),
        ("altered-code", body(0, |tensor| flip_last(tensor))),
        // Kind and form, then the name.
        ("altered-tensor-name", body(1, |tensor| flip_at(tensor, 3))),
        // One more axis of extent 1: the same rows, and the same indices in them.
        (
            "altered-rank",
            body(1, |tensor| {
                drop(tensor.splice(1..2, [0x42]));
                drop(tensor.splice(9..9, [1]));
            }),
        ),
        ("altered-codebook", body(1, |tensor| flip_at(tensor, 11))),
        ("altered-metadata", body(2, |metadata| flip_last(metadata))),
        ("altered-metadata-left-out", changed(|sections| drop(sections.remove(2)))),
        ("altered-tensor-left-out", changed(|sections| drop(sections.remove(1)))),
        ("altered-section-left-out", changed(|sections| drop(sections.pop()))),
        (
            "altered-section-added",
            changed(|sections| {
                let body = [&[1; 25][..], b"v=1"].concat();
                sections.insert(3, Part { section_type: TRACE, critical: false, body });
            }),
        ),
        (
            "altered-section-type",
            changed(|sections| {
                for part in sections.iter_mut().filter(|part| part.section_type == 8) {
                    part.section_type = 9;
                }
            }),
        ),
        (
            "altered-section-order",
            changed(|sections| {
                let last = sections.len() - 1;
                sections.swap(last - 1, last);
            }),
        ),
        (
            "altered-section-boundary",
            changed(|sections| {
                if let Some([first, second]) = sections.last_chunk_mut() {
                    first.body.extend(second.body.drain(..1));
                }
            }),
        ),
    ]
}

fn seals(parts: &Parts) -> Vec<Named> {
    vec![
        ("altered-session", flipped(parts, SESSION)),
        ("altered-number", flipped(parts, NUMBER)),
        ("altered-number-far-ahead", flipped(parts, NUMBER + 7)),
        ("altered-tag", flipped(parts, TAG)),
        // Says that a row of zeros was cut off.
        (
            "altered-cut-added",
            parts.changed(|parts| {
                let cut = [&[1, 0, 5][..], &[0; 32]].concat();
                drop(parts.body(SEAL).splice(CUTS..TAG, cut));
            }),
        ),
    ]
}

/// With the lowest bit of one byte of the seal flipped.
pub(super) fn flipped(parts: &Parts, at: usize) -> Vec<u8> {
    parts.changed(|parts| flip_at(parts.body(SEAL), at))
}

fn flip_at(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}
