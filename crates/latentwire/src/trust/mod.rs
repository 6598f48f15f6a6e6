//! Whom a packet is from, that it is the one that was sent, and that nobody else has read it.
//!
//! - A **seal** is a section that authenticates the whole packet and numbers it within a session.
//!   [`Sealer`] writes one, [`Verifier`] checks it and refuses what it has seen before. A sealed
//!   packet may be turned into the other profile, or be cut to its first rows, by whoever has no
//!   key, and its seal still holds.
//! - An **envelope** is a packet that holds another one encrypted: [`Encryptor`], [`decrypt`].
//! - A **digest** names content: equal for equal content, whatever message it came in:
//!   [`Packet::digest`](crate::Packet::digest).
//!
//! Keys are the caller's: how two hosts come by a common one is not the format's business. They are
//! never printed, and their bytes are overwritten when they are dropped.
//!
//! ```
//! use latentwire::trust::{KeyId, SealKey, Sealer, Verifier};
//! # use latentwire::*;
//! # let shape = Shape::new(&[2, 3])?;
//! # let message = Message {
//! #     header: Header {
//! #         message_id: MessageId([0; 16]),
//! #         sender: ModelRef { fingerprint: Fingerprint([1; 16]), name: "a", revision: "" },
//! #         receiver: None,
//! #         space: SpaceRef { fingerprint: Fingerprint([2; 16]), name: "s" },
//! #     },
//! #     latents: vec![Latents::new(shape, vec![0.5; 6])],
//! #     sections: Vec::new(),
//! # };
//! # let packet = message.encode(&EncodeOptions::default())?;
//! let key = SealKey::blake3(KeyId(*b"2026-11a"), [7; 32]);
//! let mut verifier = Verifier::new([key.verify_key()]);
//!
//! let mut sealer = Sealer::new(key)?;
//! let sealed = sealer.seal(&packet)?;
//! let verified = verifier.verify(&sealed, &Limits::default())?;
//! assert_eq!((verified.session(), verified.sequence()), (sealer.session(), 0));
//!
//! let again = verifier.verify(&sealed, &Limits::default()).unwrap_err();
//! assert_eq!(again.kind(), ErrorKind::SealReplay);
//! # Ok::<(), latentwire::Error>(())
//! ```

mod coverage;
mod cut;
mod digest;
mod envelope;
mod key;
mod label;
mod replay;
mod rows;
mod seal;
mod sealer;
mod session;
mod verifier;

pub use digest::Digest;
pub use envelope::{Encryptor, EnvelopeKey, decrypt};
pub use key::{SealKey, VerifyKey};
pub use seal::{Algorithm, Seal};
pub use sealer::Sealer;
pub use session::{KeyId, SessionId};
pub use verifier::{Verified, Verifier};

#[cfg(test)]
pub(crate) mod tests;
