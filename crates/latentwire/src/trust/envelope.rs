//! A packet inside a packet, encrypted: nobody without the key reads it, or changes it unnoticed.

use std::fmt;

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::sealer::own_limits;
use super::session::{Counter, KeyId, SessionId};
use crate::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::cursor::Cursor;
use crate::wire::preamble::{self, ENCRYPTED, FLAGS_AT, Preamble};
use crate::wire::{Packet, frame};

/// XChaCha20-Poly1305, the one suite of this version.
const SUITE: u8 = 1;
const TAG_LEN: usize = 16;
/// Suite, key id and nonce: what stands between the preamble and what is encrypted.
const FRONT_LEN: usize = 1 + 8 + 24;
/// The flags of the packet inside come first of what is encrypted.
const INNER_FLAGS_LEN: usize = 1;

/// A key that both ends share, for XChaCha20-Poly1305. Printed without the key.
#[derive(Clone)]
pub struct EnvelopeKey {
    id: KeyId,
    key: Zeroizing<[u8; 32]>,
}

impl EnvelopeKey {
    /// A key under a name. It must not be the key of a seal.
    #[must_use]
    pub fn new(id: KeyId, key: [u8; 32]) -> Self {
        Self { id, key: Zeroizing::new(key) }
    }

    /// The name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

impl fmt::Debug for EnvelopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvelopeKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Encrypts packets, one after another.
///
/// A nonce is a random session and a number that only goes up and cannot be set, so that none comes
/// twice under a key, whoever else uses the key too. An encryptor cannot be cloned; a process that
/// forks must not go on with the same one on both sides.
///
/// ```
/// use latentwire::trust::{Encryptor, EnvelopeKey, KeyId, decrypt};
/// # use latentwire::*;
/// # let message = Message {
/// #     header: Header {
/// #         message_id: MessageId([0; 16]),
/// #         sender: ModelRef { fingerprint: Fingerprint([1; 16]), name: "a", revision: "" },
/// #         receiver: None,
/// #         space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "s" },
/// #     },
/// #     latents: vec![Latents::new(Shape::new(&[2, 3])?, vec![0.5; 6])],
/// #     sections: Vec::new(),
/// # };
/// # let packet = message.encode(&EncodeOptions::default())?;
/// let key = EnvelopeKey::new(KeyId(*b"2026-11b"), [9; 32]);
/// let encrypted = Encryptor::new(key.clone())?.encrypt(&packet)?;
/// assert_eq!(decrypt(&encrypted, &key, &Limits::default())?, packet);
/// # Ok::<(), latentwire::Error>(())
/// ```
#[derive(Debug)]
pub struct Encryptor {
    key: EnvelopeKey,
    counter: Counter,
}

impl Encryptor {
    /// Begins a session.
    pub fn new(key: EnvelopeKey) -> Result<Self> {
        Ok(Self { key, counter: Counter::new()? })
    }

    #[cfg(test)]
    pub(super) fn at(key: EnvelopeKey, session: SessionId, next: u64) -> Self {
        Self { key, counter: Counter::at(session, next) }
    }

    /// The first 16 bytes of all its nonces.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.counter.session()
    }

    /// A packet that holds `packet`, which is sound and of any other profile, sealed or not.
    pub fn encrypt(&mut self, packet: &[u8]) -> Result<Vec<u8>> {
        let limits = own_limits();
        let version = Packet::parse(packet, &limits)?.version();
        let mut cursor = Cursor::arriving(packet);
        let inner = Preamble::read(&mut cursor, &limits)?;
        let end = packet.len().saturating_sub(checksum::LEN);
        let content = cursor.within(end).rest();

        let plain_len = INNER_FLAGS_LEN + content.len();
        let rest_len = (FRONT_LEN + plain_len + TAG_LEN + checksum::LEN) as u64;
        let rest_len = u32::try_from(rest_len).map_err(|_| {
            let expected = "at most 2^32 - 1 bytes after the preamble";
            Error::nowhere(ErrorKind::MessageSize, expected, rest_len.to_string())
        })?;
        let nonce = nonce(self.counter.session(), self.counter.advance()?);
        let mut out = Vec::with_capacity(preamble::MAX_LEN + rest_len as usize);
        preamble::write_as(&mut out, version, ENCRYPTED, rest_len);
        out.push(SUITE);
        out.extend_from_slice(&self.key.id.0);
        out.extend_from_slice(&nonce);
        let front_len = out.len();
        out.push(inner.flags());
        out.extend_from_slice(content);
        let (front, plain) = out.split_at_mut(front_len);
        let tag = self.key.cipher().encrypt_in_place_detached(&nonce, front, plain);
        let tag = tag.map_err(|_| {
            let (expected, found) = ("a packet of less than 256 GiB", "a larger one");
            Error::nowhere(ErrorKind::MessageSize, expected, found)
        })?;
        out.extend_from_slice(&tag);
        let checksum = checksum::of(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(out)
    }
}

/// The very bytes of the packet that `packet` holds, which is one of [`Encryptor::encrypt`].
///
/// They were written by someone who has the key, and are read like any other packet. That they are
/// not sent a second time is for a seal inside to say.
pub fn decrypt(packet: &[u8], key: &EnvelopeKey, limits: &Limits) -> Result<Vec<u8>> {
    let (preamble, mut cursor) = frame::read(packet, limits)?;
    preamble.check_encrypted()?;
    let suite_at = cursor.at();
    let suite = cursor.byte()?;
    if suite != SUITE {
        let (expected, found) = ("1 (XChaCha20-Poly1305)", suite.to_string());
        return Err(Error::at(ErrorKind::EnvelopeSuite, suite_at, expected, found));
    }
    let key_at = cursor.at();
    let key_id = KeyId(cursor.array()?);
    if key_id != key.id {
        let (expected, found) = (format!("key {}", key.id), format!("key {key_id}"));
        return Err(Error::at(ErrorKind::EnvelopeKey, key_at, expected, found));
    }
    let session = SessionId(cursor.array()?);
    let nonce = nonce(session, u64::from_le_bytes(cursor.array()?));
    let front = packet.get(..cursor.at()).unwrap_or_default();
    let sealed_at = cursor.at();
    let content_len =
        cursor.remaining().checked_sub(INNER_FLAGS_LEN + TAG_LEN).ok_or_else(|| {
            let (expected, found) = ("at least 17 bytes", format!("{} left", cursor.remaining()));
            Error::at(ErrorKind::FieldOverrun, sealed_at, expected, found)
        })?;
    let encrypted = cursor.take(INNER_FLAGS_LEN + content_len)?;
    let tag = Tag::from(cursor.array::<TAG_LEN>()?);

    // The packet inside is put together where it is decrypted. Its flags come out of the cipher
    // right before its header, where the last byte of its preamble belongs; they change places.
    let rest_len = (content_len + checksum::LEN) as u32;
    let mut out = Vec::with_capacity(preamble::MAX_LEN + rest_len as usize);
    preamble::write_as(&mut out, preamble.version, 0, rest_len);
    let last = out.pop().unwrap_or_default();
    let flags_at = out.len();
    out.extend_from_slice(encrypted);
    let plain = out.get_mut(flags_at..).unwrap_or_default();
    key.cipher().decrypt_in_place_detached(&nonce, front, plain, &tag).map_err(|_| {
        let expected = format!("bytes that were encrypted under key {key_id}");
        Error::at(ErrorKind::EnvelopeTag, sealed_at, expected, "others")
    })?;
    let flags = plain.first_mut().map(|flags| std::mem::replace(flags, last));
    if let Some((to, flags)) = out.get_mut(FLAGS_AT).zip(flags) {
        *to = flags;
    }
    let checksum = checksum::of(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(out)
}

fn nonce(session: SessionId, number: u64) -> XNonce {
    let mut nonce = XNonce::default();
    let bytes = session.0.into_iter().chain(number.to_le_bytes());
    for (to, from) in nonce.iter_mut().zip(bytes) {
        *to = from;
    }
    nonce
}
