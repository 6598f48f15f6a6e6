//! Signatures and keys of Ed25519 about which verifiers differ if they are not told what to do.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest as _, Sha512};

use crate::Failure;
use crate::keys::{ED25519, Key};
use crate::seal::to_sign;

/// A key that is the sum of the point of an honest one and a point of small order: what it signs is
/// right only if both sides of the equation are multiplied by the cofactor.
pub(crate) fn mixed_key() -> Result<Key, Failure> {
    let public = Some(mixed_point()?.compress().to_bytes());
    Ok(Key { name: "ed25519-of-mixed-order", id: *b"mixed   ", secret: None, public, ..ED25519 })
}

fn mixed_point() -> Result<EdwardsPoint, Failure> {
    let [_, small, ..] = EIGHT_TORSION;
    Ok(EdwardsPoint::mul_base(&secret_scalar()?) + small)
}

/// The tag of [`mixed_key`], which holds with the cofactor only.
pub(crate) fn with_cofactor(message: &[u8]) -> Result<Vec<u8>, Failure> {
    let message = to_sign(message);
    let public = mixed_point()?.compress().to_bytes();
    for seed in 0_u8..=u8::MAX {
        let nonce = hash(&[b"nonce", &[seed]]);
        let point = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
        let challenge = hash(&[&point, &public, &message]);
        // A multiple of 8 would make the point of small order vanish.
        if challenge.to_bytes().first().is_some_and(|low| low % 8 != 0) {
            let answer = nonce + challenge * secret_scalar()?;
            return Ok([point, answer.to_bytes()].concat());
        }
    }
    Err("a challenge that is no multiple of 8 was not found".into())
}

/// A tag whose point is the neutral one.
pub(crate) fn with_small_point(message: &[u8]) -> Result<Vec<u8>, Failure> {
    let [neutral, ..] = EIGHT_TORSION;
    let point = neutral.compress().to_bytes();
    let public = ED25519.public().unwrap_or_default();
    let challenge = hash(&[&point, &public, &to_sign(message)]);
    Ok([point, (challenge * secret_scalar()?).to_bytes()].concat())
}

/// A tag with the order of the group added to its number.
pub(crate) fn not_reduced(tag: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (point, number) = tag.split_at_checked(32).unwrap_or_default();
    let mut carry = 0;
    let sum = number.iter().zip(ORDER).map(|(&byte, order)| {
        carry += u16::from(byte) + u16::from(order);
        let byte = carry as u8;
        carry >>= 8;
        byte
    });
    point.iter().copied().chain(sum).collect()
}

/// Public keys that are none.
pub(crate) fn refused_keys() -> Vec<[u8; 32]> {
    let no_point = [2; 32];
    let small = EIGHT_TORSION.map(|point| point.compress().to_bytes());
    small.into_iter().chain([no_point]).collect()
}

/// The scalar of [`ED25519`], as RFC 8032 makes it.
fn secret_scalar() -> Result<Scalar, Failure> {
    let hashed = Sha512::digest(ED25519.secret()?);
    let (low, _) = hashed.split_first_chunk().ok_or("64 bytes of SHA-512")?;
    Ok(Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer(*low)))
}

fn hash(parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&Sha512::digest(parts.concat()).into())
}
