//! Sessions and the numbers of their packets: which packet this is among all under a key.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

macro_rules! opaque_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

opaque_bytes! {
    /// Names a key that both ends have. It says nothing about the key's bytes.
    KeyId, 8
}

opaque_bytes! {
    /// Names the packets of one sealer, or of one encryptor.
    SessionId, 16
}

/// A session and its next number: what makes a pair of both that is never given out twice.
///
/// The session is random, so that two counters under one key do not meet; the number only goes up,
/// and there is no way to set it.
pub(super) struct Counter {
    session: SessionId,
    /// `None` once the last number is used up.
    next: Option<u64>,
}

impl Counter {
    pub(super) fn new() -> Result<Self> {
        let mut session = [0; 16];
        getrandom::fill(&mut session).map_err(no_randomness)?;
        Ok(Self { session: SessionId(session), next: Some(0) })
    }

    /// A counter that stands somewhere else than at the start of a session of its own.
    #[cfg(test)]
    pub(super) const fn at(session: SessionId, next: u64) -> Self {
        Self { session, next: Some(next) }
    }

    pub(super) const fn session(&self) -> SessionId {
        self.session
    }

    /// The next number, which stays the next one; refuses to begin again after the last one.
    pub(super) fn next(&self) -> Result<u64> {
        self.next.ok_or_else(|| {
            let expected = "a session with numbers left: make a new one";
            let found = format!("all 2^64 of session {} used", self.session);
            Error::nowhere(ErrorKind::MessageSequence, expected, found)
        })
    }

    /// Uses up the next number and gives it.
    pub(super) fn advance(&mut self) -> Result<u64> {
        let number = self.next()?;
        self.next = number.checked_add(1);
        Ok(number)
    }
}

/// The session and the next number are not secret.
impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").field("session", &self.session).field("next", &self.next).finish()
    }
}

pub(super) fn no_randomness(error: getrandom::Error) -> Error {
    let expected = "random numbers from the operating system";
    Error::nowhere(ErrorKind::MessageRandom, expected, error.to_string())
}
