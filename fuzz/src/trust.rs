//! Keys that hostile bytes are tried with, and a mutator that gets behind the cipher.

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use latentwire::trust::{EnvelopeKey, KeyId, SealKey};

use crate::{CHECKSUM_BYTES, LENGTH_AT, length, mutate_packet, put_checksum, put_varint};

/// Keys of the conformance vectors, one for each algorithm.
#[must_use]
pub fn seal_keys() -> [SealKey; 3] {
    [
        SealKey::hmac_sha256(KeyId(*b"hmac key"), ascending(0x00)),
        SealKey::blake3(KeyId(*b"blake3ky"), ascending(0x20)),
        SealKey::ed25519(KeyId(*b"ed25519k"), ascending(0x40)),
    ]
}

const ENVELOPE_ID: KeyId = KeyId(*b"envelope");

/// That of the conformance vectors.
#[must_use]
pub fn envelope_key() -> EnvelopeKey {
    EnvelopeKey::new(ENVELOPE_ID, ascending(0x60))
}

fn ascending(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first + at as u8)
}

/// Where the ciphertext begins, behind suite, key id and nonce, and what stands behind it.
const FRONT: usize = 1 + 8 + 24;
const TAG: usize = 16;

/// Mutates what the encrypted packet in the first `size` bytes of `data` holds, if it is one and in
/// every second turn; otherwise the packet itself. Bytes of it afterwards.
pub fn mutate_trust(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let inside =
        seed.is_multiple_of(2).then(|| data.get(..size).and_then(Envelope::open)).flatten();
    let Some(mut envelope) = inside else {
        return mutate_packet(data, size, max_size, seed / 2);
    };
    let room = max_size.saturating_sub(envelope.front.len() + TAG + CHECKSUM_BYTES + 2);
    let held = envelope.plain.len();
    envelope.plain.resize(room.max(held), 0);
    let left = libfuzzer_sys::fuzzer_mutate(&mut envelope.plain, held, room);
    envelope.plain.truncate(left.max(1));
    let packet = envelope.close();
    match data.get_mut(..packet.len()) {
        Some(place) if packet.len() <= max_size => {
            place.copy_from_slice(&packet);
            packet.len()
        }
        _ => size,
    }
}

/// An encrypted packet that was opened, whatever is inside.
struct Envelope {
    /// Magic, version and flags.
    preamble: Vec<u8>,
    front: Vec<u8>,
    plain: Vec<u8>,
}

impl Envelope {
    fn open(packet: &[u8]) -> Option<Self> {
        let (_, length_bytes) = length(packet)?;
        let (preamble, rest) = packet.split_at_checked(LENGTH_AT)?;
        let rest = rest.get(length_bytes..rest.len().checked_sub(CHECKSUM_BYTES)?)?;
        let (front, sealed) = rest.split_at_checked(FRONT)?;
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG>()?;
        if preamble.last() != Some(&2) || front.get(1..9) != Some(&ENVELOPE_ID.0[..]) {
            return None;
        }
        let mut envelope =
            Self { preamble: preamble.to_vec(), front: front.to_vec(), plain: ciphertext.to_vec() };
        let (nonce, data) = (envelope.nonce(), envelope.associated_data());
        let tag = Tag::from(*tag);
        let opened =
            cipher().decrypt_in_place_detached(&nonce, &data, &mut envelope.plain, &tag).is_ok();
        opened.then_some(envelope)
    }

    fn close(mut self) -> Vec<u8> {
        let (nonce, mut packet) = (self.nonce(), self.associated_data());
        let tag = cipher().encrypt_in_place_detached(&nonce, &packet, &mut self.plain);
        packet.extend_from_slice(&self.plain);
        packet.extend_from_slice(&tag.expect("a short packet"));
        put_checksum(&mut packet);
        packet
    }

    fn nonce(&self) -> XNonce {
        XNonce::clone_from_slice(&self.front[FRONT - 24..])
    }

    /// Everything before the ciphertext, with the length that is right.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = self.preamble.clone();
        put_varint(&mut data, FRONT + self.plain.len() + TAG + CHECKSUM_BYTES);
        data.extend_from_slice(&self.front);
        data
    }
}

fn cipher() -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&ascending(0x60).into())
}
