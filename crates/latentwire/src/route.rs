//! Routes: what two hosts have agreed on, so that a compact packet need not say it.

use crate::error::{Error, ErrorKind, Result};
use crate::message::{Fingerprint, Header, MessageId, ModelRef, SpaceRef};

/// Bytes of a message id that a route stands for.
const PREFIX_BYTES: usize = 12;

/// Sender, receiver and space under one number, and what else the fingerprints of a self-contained
/// packet would say.
///
/// Both ends have the same route before the first compact packet; how they come by it is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// Its number. Below 128 it takes one byte.
    pub id: u32,
    /// The first 12 bytes of the message ids on this route. The last four count its messages, so that
    /// the ids of a route sort in order of time.
    pub message_prefix: [u8; PREFIX_BYTES],
    /// From whom.
    pub sender: ModelRef<'a>,
    /// To whom; `None` is anyone who hears the space.
    pub receiver: Option<ModelRef<'a>>,
    /// In what space.
    pub space: SpaceRef<'a>,
    /// The codebook of latents that are indices.
    pub codebook: Option<Fingerprint>,
    /// The dictionary of payloads that are compressed with one.
    pub dictionary: Option<Fingerprint>,
    /// The tables of payloads that are entropy coded.
    pub tables: Option<Fingerprint>,
}

impl<'a> Route<'a> {
    /// The header that a message of this route would have if it were self-contained.
    #[must_use]
    pub fn header(&self, message_number: u32) -> Header<'a> {
        let mut id = [0; 16];
        for (to, from) in
            id.iter_mut().zip(self.message_prefix.into_iter().chain(message_number.to_be_bytes()))
        {
            *to = from;
        }
        Header {
            message_id: MessageId(id),
            sender: self.sender,
            receiver: self.receiver,
            space: self.space,
        }
    }

    /// The number of a message with this header; refuses a header that is of another route.
    pub(crate) fn message_number(&self, header: &Header<'_>) -> Result<u32> {
        let number = header.message_id.0.last_chunk().map_or(0, |last| u32::from_be_bytes(*last));
        if self.header(number) == *header {
            return Ok(number);
        }
        let expected = format!("a message of route {}", self.id);
        let found = format!("message {} of another one", header.message_id);
        Err(Error::nowhere(ErrorKind::MessageRoute, expected, found))
    }

    /// Refuses a codebook, a dictionary or tables other than those that this route stands for.
    pub(crate) fn check_stands_for(
        &self,
        used: Option<Fingerprint>,
        by_route: Option<Fingerprint>,
    ) -> Result<()> {
        if used == by_route {
            return Ok(());
        }
        let name = |named: Option<Fingerprint>| named.map_or("none".into(), |n| n.to_string());
        let expected = format!("{}, which route {} stands for", name(by_route), self.id);
        Err(Error::nowhere(ErrorKind::MessageRoute, expected, name(used)))
    }
}
