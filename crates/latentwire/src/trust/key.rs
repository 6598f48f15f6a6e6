//! Keys of seals, and the tags that are made and checked with them.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::label;
use super::seal::Algorithm;
use super::session::KeyId;
use crate::error::{Error, ErrorKind, Result};

/// Takes what is to be authenticated, piece by piece.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8]);

/// Gives what is to be authenticated to whatever takes it.
pub(super) type Feed<'a> = &'a dyn Fn(Put<'_>) -> Result<()>;

/// What a [`Sealer`](super::Sealer) seals with. Printed without the key.
///
/// A key that both ends share proves only that one of them sealed a packet. Use one for each
/// direction, or hold the receiver in the header against yourself: otherwise what you have sent can
/// be sent back to you.
#[derive(Clone)]
pub struct SealKey {
    id: KeyId,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Shared(SharedKey),
    Ed25519(Box<SigningKey>),
}

/// What a [`Verifier`](super::Verifier) checks seals with. Printed without the key.
#[derive(Clone)]
pub struct VerifyKey {
    id: KeyId,
    public: Public,
}

#[derive(Clone)]
enum Public {
    Shared(SharedKey),
    Ed25519(Box<VerifyingKey>),
}

#[derive(Clone)]
enum SharedKey {
    HmacSha256(Zeroizing<[u8; 32]>),
    Blake3(Zeroizing<[u8; 32]>),
}

impl SealKey {
    /// A key that both ends share, for HMAC-SHA-256.
    #[must_use]
    pub fn hmac_sha256(id: KeyId, key: [u8; 32]) -> Self {
        Self { id, secret: Secret::Shared(SharedKey::HmacSha256(Zeroizing::new(key))) }
    }

    /// A key that both ends share, for keyed BLAKE3.
    #[must_use]
    pub fn blake3(id: KeyId, key: [u8; 32]) -> Self {
        Self { id, secret: Secret::Shared(SharedKey::Blake3(Zeroizing::new(key))) }
    }

    /// A private key of Ed25519, the 32 bytes that RFC 8032 calls by that name. Only its owner can
    /// seal, anyone with the public key can verify.
    #[must_use]
    pub fn ed25519(id: KeyId, key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        Self { id, secret: Secret::Ed25519(Box::new(SigningKey::from_bytes(&key))) }
    }

    /// The name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What it seals with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.secret {
            Secret::Shared(key) => key.algorithm(),
            Secret::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// What the other end checks its seals with: the same key, or the public one of Ed25519.
    #[must_use]
    pub fn verify_key(&self) -> VerifyKey {
        let public = match &self.secret {
            Secret::Shared(key) => Public::Shared(key.clone()),
            Secret::Ed25519(key) => Public::Ed25519(Box::new(key.verifying_key())),
        };
        VerifyKey { id: self.id, public }
    }

    /// The tag of what `feed` gives.
    pub(super) fn tag(&self, feed: Feed<'_>) -> Result<Vec<u8>> {
        match &self.secret {
            Secret::Shared(key) => key.tag(feed).map(|tag| tag.to_vec()),
            Secret::Ed25519(key) => Ok(key.sign(&to_sign(feed)?).to_bytes().to_vec()),
        }
    }
}

impl VerifyKey {
    /// A key that both ends share, for HMAC-SHA-256.
    #[must_use]
    pub fn hmac_sha256(id: KeyId, key: [u8; 32]) -> Self {
        SealKey::hmac_sha256(id, key).verify_key()
    }

    /// A key that both ends share, for keyed BLAKE3.
    #[must_use]
    pub fn blake3(id: KeyId, key: [u8; 32]) -> Self {
        SealKey::blake3(id, key).verify_key()
    }

    /// A public key of Ed25519. Refuses bytes that are no point of the curve, and the few points
    /// under which a signature could hold for more than one message.
    pub fn ed25519(id: KeyId, key: [u8; 32]) -> Result<Self> {
        let point = VerifyingKey::from_bytes(&key).ok().filter(|point| !point.is_weak());
        let key = point.ok_or_else(|| {
            let expected = "a public key of Ed25519 that is not of small order";
            Error::nowhere(ErrorKind::SealKey, expected, "other bytes")
        })?;
        Ok(Self { id, public: Public::Ed25519(Box::new(key)) })
    }

    /// The bytes of a public key, to be given to whoever verifies; `None` for a key that is shared and
    /// so is no one else's business.
    #[must_use]
    pub fn public_bytes(&self) -> Option<[u8; 32]> {
        match &self.public {
            Public::Ed25519(key) => Some(key.to_bytes()),
            Public::Shared(_) => None,
        }
    }

    /// The name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What it checks.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.public {
            Public::Shared(key) => key.algorithm(),
            Public::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Whether `tag` is that of what `feed` gives; shared keys are compared in constant time.
    pub(super) fn accepts(&self, tag: &[u8], feed: Feed<'_>) -> Result<bool> {
        match &self.public {
            Public::Shared(key) => Ok(key.tag(feed)?.ct_eq(tag).into()),
            Public::Ed25519(key) => {
                let message = to_sign(feed)?;
                let signature = Signature::from_slice(tag);
                Ok(signature.is_ok_and(|tag| key.verify_strict(&message, &tag).is_ok()))
            }
        }
    }
}

impl SharedKey {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::HmacSha256(_) => Algorithm::HmacSha256,
            Self::Blake3(_) => Algorithm::Blake3,
        }
    }

    fn tag(&self, feed: Feed<'_>) -> Result<[u8; 32]> {
        match self {
            Self::HmacSha256(key) => {
                // HMAC fills a key up with zeros to the block of its hash.
                let mut block = Zeroizing::new([0; 64]);
                block.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
                let mut hmac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
                feed(&mut |bytes| hmac.update(bytes))?;
                Ok(hmac.finalize().into_bytes().into())
            }
            Self::Blake3(key) => {
                let mut hasher = blake3::Hasher::new_keyed(key);
                feed(&mut |bytes| {
                    hasher.update(bytes);
                })?;
                let tag = *hasher.finalize().as_bytes();
                hasher.zeroize();
                Ok(tag)
            }
        }
    }
}

/// What Ed25519 signs: a hash, so that a packet need not lie in memory a second time.
fn to_sign(feed: Feed<'_>) -> Result<[u8; 48]> {
    let mut sha = Sha256::new();
    feed(&mut |bytes| sha.update(bytes))?;
    let mut message = [0; 48];
    let (front, hash) = message.split_at_mut(label::SIGN.len());
    front.copy_from_slice(label::SIGN);
    hash.copy_from_slice(&sha.finalize());
    Ok(message)
}

macro_rules! print_without_the_key {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut debug = f.debug_struct(stringify!($name));
                debug.field("id", &self.id).field("algorithm", &self.algorithm());
                debug.finish_non_exhaustive()
            }
        }
    )*};
}

print_without_the_key!(SealKey, VerifyKey);
