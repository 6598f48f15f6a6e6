//! The keys of the vectors. Everybody has them: they are of no use for anything else.

use ed25519_dalek::SigningKey;
use latentwire::trust::{EnvelopeKey, KeyId, VerifyKey};
use serde_json::{Value, json};

use crate::Failure;
use crate::description::hex;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    HmacSha256,
    Blake3,
    Ed25519,
    XChaCha20Poly1305,
}

/// A key under the name by which the manifest speaks of it.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) id: [u8; 8],
    /// None of a key of which only the public half is given.
    pub(crate) secret: Option<[u8; 32]>,
    /// Of a private key that is given, it follows from that.
    pub(crate) public: Option<[u8; 32]>,
}

pub(crate) const HMAC: Key = key("hmac-sha-256", Algorithm::HmacSha256, *b"hmac key", 0x00);
pub(crate) const BLAKE3: Key = key("blake3", Algorithm::Blake3, *b"blake3ky", 0x20);
pub(crate) const ED25519: Key = key("ed25519", Algorithm::Ed25519, *b"ed25519k", 0x40);
pub(crate) const ENVELOPE: Key = key("envelope", Algorithm::XChaCha20Poly1305, *b"envelope", 0x60);

/// Keys of the same ids that are others.
pub(crate) const OTHER_HMAC: Key = Key { name: "hmac-sha-256-other", ..with_secret(HMAC, 0x80) };
pub(crate) const OTHER_BLAKE3: Key = Key { name: "blake3-other", ..with_secret(BLAKE3, 0x80) };
pub(crate) const OTHER_ED25519: Key = Key { name: "ed25519-other", ..with_secret(ED25519, 0x80) };
pub(crate) const OTHER_ENVELOPE: Key =
    Key { name: "envelope-other", ..with_secret(ENVELOPE, 0x80) };

/// The id of one key over another algorithm.
pub(crate) const BLAKE3_AS_HMAC: Key =
    Key { name: "blake3-with-the-id-of-hmac", id: HMAC.id, ..with_secret(BLAKE3, 0xA0) };
/// Another id over the same secret.
pub(crate) const ENVELOPE_OF_OTHER_ID: Key =
    Key { name: "envelope-of-another-id", id: *b"another ", ..ENVELOPE };

pub(crate) const ALL: [Key; 10] = [
    HMAC,
    BLAKE3,
    ED25519,
    ENVELOPE,
    OTHER_HMAC,
    OTHER_BLAKE3,
    OTHER_ED25519,
    OTHER_ENVELOPE,
    BLAKE3_AS_HMAC,
    ENVELOPE_OF_OTHER_ID,
];

const fn key(name: &'static str, algorithm: Algorithm, id: [u8; 8], first: u8) -> Key {
    with_secret(Key { name, algorithm, id, secret: None, public: None }, first)
}

/// The same with a secret of ascending bytes.
const fn with_secret(key: Key, first: u8) -> Key {
    let mut secret = [first; 32];
    let mut rest: &mut [u8] = &mut secret;
    let mut step = 0;
    while let Some((byte, after)) = rest.split_first_mut() {
        *byte += step;
        step += 1;
        rest = after;
    }
    Key { secret: Some(secret), ..key }
}

impl Algorithm {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha-256",
            Self::Blake3 => "blake3",
            Self::Ed25519 => "ed25519",
            Self::XChaCha20Poly1305 => "xchacha20-poly1305",
        }
    }
}

impl Key {
    pub(crate) fn secret(&self) -> Result<[u8; 32], Failure> {
        self.secret.ok_or_else(|| format!("the secret of {} is not given", self.name).into())
    }

    pub(crate) fn verify_key(&self) -> Result<VerifyKey, Failure> {
        let id = KeyId(self.id);
        Ok(match self.algorithm {
            Algorithm::HmacSha256 => VerifyKey::hmac_sha256(id, self.secret()?),
            Algorithm::Blake3 => VerifyKey::blake3(id, self.secret()?),
            Algorithm::Ed25519 => VerifyKey::ed25519(id, self.public().unwrap_or_default())?,
            Algorithm::XChaCha20Poly1305 => return Err("an envelope's key verifies no seal".into()),
        })
    }

    pub(crate) fn envelope_key(&self) -> Result<EnvelopeKey, Failure> {
        Ok(EnvelopeKey::new(KeyId(self.id), self.secret()?))
    }

    pub(crate) fn public(&self) -> Option<[u8; 32]> {
        let is_private = self.secret.filter(|_| self.algorithm == Algorithm::Ed25519);
        let derived = is_private.map(|key| SigningKey::from_bytes(&key).verifying_key().to_bytes());
        self.public.or(derived)
    }

    pub(crate) fn described(&self) -> Value {
        json!({
            "name": self.name,
            "algorithm": self.algorithm.name(),
            "id": hex(&self.id),
            "secret": self.secret.map(|secret| hex(&secret)),
            "public": self.public().map(|public| hex(&public)),
        })
    }
}
