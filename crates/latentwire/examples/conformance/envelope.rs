//! Encrypted packets as section 13.2 of the specification describes them. The crate's own encryptor
//! draws its sessions at random, and has no way to be given one.

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};

use crate::Failure;
use crate::bytes::summed;
use crate::bytes::varint;
use crate::keys::Key;
use crate::parts::{minor, split_preamble};

/// The session of all vectors.
const SESSION: [u8; 16] = *b"envelope session";

/// A packet that holds `packet`.
pub(crate) fn encrypt(packet: &[u8], key: &Key, number: u64) -> Result<Vec<u8>, Failure> {
    let (flags, rest) = split_preamble(packet)?;
    let content = rest.get(..rest.len().saturating_sub(4)).unwrap_or_default();
    encrypt_content(minor(packet), &[&[flags], content].concat(), key, number)
}

/// The same for whatever stands in the place of flags, header and sections.
pub(crate) fn encrypt_content(
    minor: u8,
    content: &[u8],
    key: &Key,
    number: u64,
) -> Result<Vec<u8>, Failure> {
    const ENCRYPTED: u8 = 2;
    const SUITE: u8 = 1;
    let nonce = [&SESSION[..], &number.to_le_bytes()].concat();
    let front = [&[SUITE][..], &key.id, &nonce].concat();
    let length = varint(front.len() + content.len() + 16 + 4);
    let front = [&b"\x89LWP\x01"[..], &[minor, ENCRYPTED], &length, &front].concat();
    let mut ciphertext = content.to_vec();
    let cipher = XChaCha20Poly1305::new(&key.secret()?.into());
    let nonce = nonce.as_slice().try_into().map(<[u8; 24]>::into)?;
    let tag = cipher
        .encrypt_in_place_detached(&nonce, &front, &mut ciphertext)
        .map_err(|_| "a packet that is too large to be encrypted")?;
    Ok(summed(&[&front, &ciphertext, &tag[..], &[0; 4]].concat()))
}
