//! Checking seals, and refusing what was received before.

use std::collections::HashMap;

use super::coverage;
use super::key::VerifyKey;
use super::replay::{WIDTH, Window};
use super::seal::{Algorithm, Seal};
use super::session::{KeyId, SessionId};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::route::Route;
use crate::wire::Packet;

/// The most sessions of a key that are remembered unless the caller says otherwise.
const SESSIONS: usize = 4096;

/// Checks the seals of packets, and that each comes only once.
///
/// What it remembers of a session takes some fifty bytes. A session is never forgotten while its key
/// is there, since its packets could then be sent again: when there is no room for one more of a key,
/// new sessions of that key are refused with `limit.sessions` until it is taken away. Only whoever has
/// a key can begin a session, and whoever begins too many takes no room from other keys. A verifier
/// that begins anew has forgotten everything: give it new keys, or the sessions to
/// [expect](Self::expect).
#[derive(Debug)]
pub struct Verifier {
    keys: HashMap<KeyId, VerifyKey>,
    windows: HashMap<KeyId, HashMap<SessionId, Window>>,
    /// Of each key.
    max_sessions: usize,
    expects_all: bool,
}

impl Verifier {
    /// A verifier with these keys. Of two keys with one id, the later is used.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = VerifyKey>) -> Self {
        Self {
            keys: keys.into_iter().map(|key| (key.id(), key)).collect(),
            windows: HashMap::new(),
            max_sessions: SESSIONS,
            expects_all: true,
        }
    }

    /// The same verifier with another bound on the sessions that are remembered of each key; without
    /// one it is 4096.
    #[must_use]
    pub fn with_max_sessions(mut self, max_sessions: usize) -> Self {
        self.max_sessions = max_sessions;
        self
    }

    /// The same verifier, which accepts no session but those that it was told to expect.
    #[must_use]
    pub fn expecting_sessions(mut self) -> Self {
        self.expects_all = false;
        self
    }

    /// Makes room for a session that the other end has announced under a key.
    pub fn expect(&mut self, key_id: KeyId, session: SessionId) -> Result<()> {
        self.check_room(key_id, session, None)?;
        self.windows.entry(key_id).or_default().entry(session).or_default();
        Ok(())
    }

    /// Adds a key. Packets under a key of the same id that was there are refused from now on.
    pub fn add_key(&mut self, key: VerifyKey) {
        self.remove_key(key.id());
        self.keys.insert(key.id(), key);
    }

    /// Takes a key away and forgets its sessions, of which no packet is accepted any more.
    pub fn remove_key(&mut self, key_id: KeyId) {
        self.keys.remove(&key_id);
        self.windows.remove(&key_id);
    }

    /// Reads a self-contained packet and checks its seal. Nothing is decompressed.
    ///
    /// A packet is noted as received only if everything about it is right.
    pub fn verify<'a>(&mut self, packet: &'a [u8], limits: &Limits) -> Result<Verified<'a>> {
        self.verify_with(packet, None, limits)
    }

    /// The same for a packet of `route`, in either profile.
    pub fn verify_on<'a>(
        &mut self,
        packet: &'a [u8],
        route: &Route<'_>,
        limits: &Limits,
    ) -> Result<Verified<'a>> {
        self.verify_with(packet, Some(route), limits)
    }

    fn verify_with<'a>(
        &mut self,
        packet: &'a [u8],
        route: Option<&Route<'_>>,
        limits: &Limits,
    ) -> Result<Verified<'a>> {
        let packet = Packet::parse(packet, limits)?;
        let Some(seal) = Seal::of(&packet)? else {
            let (expected, found) = ("a seal", "a packet without one");
            return Err(Error::nowhere(ErrorKind::SealMissing, expected, found));
        };
        let key = self.key_of(&seal)?;
        let feed =
            |put: super::key::Put<'_>| coverage::give(&seal, packet.version(), &packet, route, put);
        if !key.accepts(seal.tag, &feed)? {
            let expected = format!("the tag of this packet under key {}", seal.key_id);
            return Err(Error::at(ErrorKind::SealTag, seal.offset, expected, "another tag"));
        }
        self.note(&seal)?;
        Ok(Verified { packet, seal })
    }

    fn key_of(&self, seal: &Seal<'_>) -> Result<&VerifyKey> {
        let Seal { key_id, algorithm, .. } = *seal;
        let key = self.keys.get(&key_id);
        key.filter(|key| key.algorithm() == algorithm).ok_or_else(|| {
            let expected = key.map_or("a key that is known here".into(), |key| {
                format!("{}, which this key is for", key.algorithm().name())
            });
            let found = format!("{} under key {key_id}", algorithm.name());
            Error::at(ErrorKind::SealKey, seal.offset, expected, found)
        })
    }

    /// Notes an authentic packet as received; refuses it if it was before.
    fn note(&mut self, seal: &Seal<'_>) -> Result<()> {
        let Seal { key_id, session, sequence, offset, .. } = *seal;
        if !self.expects_all && !self.remembers(key_id, session) {
            let expected = "a session that was announced";
            let found = format!("session {session} under key {key_id}");
            return Err(Error::at(ErrorKind::SealSession, offset, expected, found));
        }
        self.check_room(key_id, session, Some(offset))?;
        let window = self.windows.entry(key_id).or_default().entry(session).or_default();
        if window.note(sequence) {
            return Ok(());
        }
        let highest = window.highest();
        let expected = if highest - sequence < WIDTH {
            "a number that was not received before".into()
        } else {
            format!("a number less than {WIDTH} below {highest}")
        };
        let found = format!("number {sequence} of session {session}");
        Err(Error::at(ErrorKind::SealReplay, offset, expected, found))
    }

    fn remembers(&self, key_id: KeyId, session: SessionId) -> bool {
        self.windows.get(&key_id).is_some_and(|sessions| sessions.contains_key(&session))
    }

    fn check_room(&self, key_id: KeyId, session: SessionId, at: Option<usize>) -> Result<()> {
        let num_sessions = self.windows.get(&key_id).map_or(0, HashMap::len);
        if self.remembers(key_id, session) || num_sessions < self.max_sessions {
            return Ok(());
        }
        let expected = format!("at most {} sessions under key {key_id}", self.max_sessions);
        let (kind, found) = (ErrorKind::LimitSessions, "one more");
        Err(match at {
            Some(at) => Error::at(kind, at, expected, found),
            None => Error::nowhere(kind, expected, found),
        })
    }
}

/// A packet whose seal holds, and that was not received before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    packet: Packet<'a>,
    seal: Seal<'a>,
}

impl<'a> Verified<'a> {
    /// The packet, to be read.
    #[must_use]
    pub fn packet(&self) -> &Packet<'a> {
        &self.packet
    }

    /// How it was sealed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.seal.algorithm
    }

    /// The key that it was sealed with.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.seal.key_id
    }

    /// The session that it is of.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.seal.session
    }

    /// Its number in the session.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.seal.sequence
    }

    /// Whether it was cut to its first rows after it was sealed, by whoever passed it on.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.seal.is_cut()
    }

    /// The packet without its seal: what a host that vouches for it itself seals anew.
    pub fn unsealed(&self) -> Result<Vec<u8>> {
        self.packet.with_seal(None)
    }
}
