//! Signatures that some verifiers of Ed25519 accept, and this format does not.

use super::Receiver;
use super::letters::{BY_ED25519, letter};
use crate::Failure;
use crate::keys::{ED25519, Key};
use crate::seal::Session;
use crate::strict;

/// The keys that only these vectors need.
pub(crate) fn keys() -> Result<Vec<Key>, Failure> {
    Ok(vec![strict::mixed_key()?])
}

pub(super) fn receivers() -> Result<Vec<Receiver>, Failure> {
    let key = strict::mixed_key()?;
    let mixed = Session { key, id: *b"session of mixed" };
    let with_cofactor = mixed.seal_with(&letter(0)?, 0, strict::with_cofactor)?;
    let small = BY_ED25519.seal_with(&letter(0)?, 0, strict::with_small_point)?;
    let honest = BY_ED25519.seal(&letter(0)?, 0)?;
    let not_reduced = BY_ED25519.seal_with(&letter(0)?, 0, |message| {
        Ok(strict::not_reduced(&crate::seal::tag(&ED25519, message)?))
    })?;
    Ok(vec![
        Receiver::new("signatures for lenient verifiers", &[ED25519, key])
            .refuses("seal.tag", "signature-not-reduced", not_reduced)
            .refuses("seal.tag", "signature-of-small-order", small)
            .refuses("seal.tag", "signature-with-cofactor", with_cofactor)
            .accepts("ed25519-0", honest),
    ])
}
