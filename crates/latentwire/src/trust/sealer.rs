//! Sealing packets, one after another.

use super::coverage;
use super::key::SealKey;
use super::seal::Seal;
use super::session::{Counter, SessionId};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::route::Route;
use crate::wire::{Packet, SEAL, Version};

/// Seals the packets of one session.
///
/// The session is random and the numbers of its packets only go up, so a receiver can tell every
/// packet from every other. A sealer cannot be cloned; a process that forks must not go on with
/// the same one on both sides.
#[derive(Debug)]
pub struct Sealer {
    key: SealKey,
    counter: Counter,
}

impl Sealer {
    /// Begins a session.
    pub fn new(key: SealKey) -> Result<Self> {
        Ok(Self { key, counter: Counter::new()? })
    }

    #[cfg(test)]
    pub(super) fn at(key: SealKey, session: SessionId, next: u64) -> Self {
        Self { key, counter: Counter::at(session, next) }
    }

    /// The session, which the other end may be told to expect.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.counter.session()
    }

    /// The self-contained `packet` with a seal under the next number. What cannot be sealed uses up
    /// no number.
    pub fn seal(&mut self, packet: &[u8]) -> Result<Vec<u8>> {
        self.seal_with(packet, None)
    }

    /// The same for a packet of `route`, in either profile. The seal covers what the route stands
    /// for, so that both ends find out if they mean different things by it.
    pub fn seal_on(&mut self, packet: &[u8], route: &Route<'_>) -> Result<Vec<u8>> {
        self.seal_with(packet, Some(route))
    }

    fn seal_with(&mut self, packet: &[u8], route: Option<&Route<'_>>) -> Result<Vec<u8>> {
        let packet = Packet::parse(packet, &own_limits())?;
        if packet.sections().iter().any(|info| info.section_type == SEAL) {
            let (expected, found) = ("a packet without a seal", "one with a seal");
            return Err(Error::nowhere(ErrorKind::MessageSeal, expected, found));
        }
        let seal = Seal {
            algorithm: self.key.algorithm(),
            key_id: self.key.id(),
            session: self.counter.session(),
            sequence: self.counter.next()?,
            cuts: Vec::new(),
            tag: &[],
            offset: 0,
        };
        // The packet is written anew, and thus in the version of this crate.
        let tag =
            self.key.tag(&|put| coverage::give(&seal, Version::CURRENT, &packet, route, put))?;
        let sealed = packet.with_seal(Some(&Seal { tag: &tag, ..seal }.to_bytes()))?;
        self.counter.advance()?;
        Ok(sealed)
    }
}

/// Limits for a packet of the caller's own: it lies in memory, and nothing is allocated for it that
/// is larger.
pub(super) fn own_limits() -> Limits {
    Limits::default()
        .with_total_bytes(usize::MAX)
        .with_elements(usize::MAX)
        .with_sections(usize::MAX)
}
