//! The body of a seal: who sealed, as which packet of which session, what was cut since, the tag.

use super::rows::{Link, rows_of};
use super::session::{KeyId, SessionId};
use crate::codec::Stage;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::cursor::{Cursor, put_varint};
use crate::wire::{LatentsInfo, Packet, SEAL};

/// How a tag is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA-256 with a key that both ends share.
    HmacSha256,
    /// BLAKE3 with a key that both ends share.
    Blake3,
    /// A signature of Ed25519.
    Ed25519,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::HmacSha256, Self::Blake3, Self::Ed25519];
    const CODES: &str = "1 (HMAC-SHA-256), 2 (BLAKE3) or 3 (Ed25519)";

    /// The name used in text, for example `hmac-sha-256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha-256",
            Self::Blake3 => "blake3",
            Self::Ed25519 => "ed25519",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::HmacSha256 => 1,
            Self::Blake3 => 2,
            Self::Ed25519 => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.code() == code)
    }

    const fn tag_len(self) -> usize {
        match self {
            Self::HmacSha256 | Self::Blake3 => 32,
            Self::Ed25519 => 64,
        }
    }
}

/// A tensor that has fewer rows than when it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Which of the tensors of the packet.
    pub(super) index: u32,
    /// The rows that it had.
    pub(super) rows: u32,
    /// The link of the first row that is gone.
    pub(super) next: Link,
}

/// What a seal says. It is a claim until a [`Verifier`](super::Verifier) has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: KeyId,
    pub(super) session: SessionId,
    pub(super) sequence: u64,
    pub(super) cuts: Vec<Cut>,
    pub(super) tag: &'a [u8],
    /// Where the seal begins in its packet.
    pub(super) offset: usize,
}

/// Bytes of [`Seal::claims`].
const CLAIMS_LEN: usize = 1 + 8 + 16 + 8;

impl<'a> Seal<'a> {
    /// Reads the seal of a packet, if it has one.
    pub fn of(packet: &Packet<'a>) -> Result<Option<Self>> {
        let Some(info) = packet.sections().iter().find(|info| info.section_type == SEAL) else {
            return Ok(None);
        };
        let cursor = Cursor::arriving(packet.as_bytes()).jump(info.offset).within(info.end());
        Self::read(cursor, packet.latents()).map(Some)
    }

    fn read(mut cursor: Cursor<'a>, tensors: &[LatentsInfo]) -> Result<Self> {
        let offset = cursor.at();
        let code = cursor.byte()?;
        let algorithm = Algorithm::from_code(code).ok_or_else(|| {
            let kind = ErrorKind::SealAlgorithm;
            Error::at(kind, offset, Algorithm::CODES, code.to_string())
        })?;
        let key_id = KeyId(cursor.array()?);
        let session = SessionId(cursor.array()?);
        let sequence = u64::from_le_bytes(cursor.array()?);
        let cuts = read_cuts(&mut cursor, tensors)?;
        let tag = cursor.take(algorithm.tag_len())?;
        match cursor.remaining() {
            0 => Ok(Self { algorithm, key_id, session, sequence, cuts, tag, offset }),
            left => {
                let (expected, found) = ("the end of the seal", format!("{left} more bytes"));
                Err(Error::at(ErrorKind::SealLayout, cursor.at(), expected, found))
            }
        }
    }

    /// How its tag is made.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that it says it was made with.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The session that the packet says it is of.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The number of the packet within its session.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether the packet was cut to its first rows after it was sealed.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// The bytes before the cuts. The tag authenticates them as they stand.
    pub(super) fn claims(&self) -> [u8; CLAIMS_LEN] {
        let mut claims = [0; CLAIMS_LEN];
        let fields = [self.algorithm.code()]
            .into_iter()
            .chain(self.key_id.0)
            .chain(self.session.0)
            .chain(self.sequence.to_le_bytes());
        for (to, from) in claims.iter_mut().zip(fields) {
            *to = from;
        }
        claims
    }

    /// How the tensor at `index` was cut, if it was. Cuts ascend: `read_cuts` refuses others.
    pub(super) fn cut_of(&self, index: usize) -> Option<&Cut> {
        let place = self.cuts.binary_search_by_key(&index, |cut| cut.index as usize);
        self.cuts.get(place.ok()?)
    }

    /// The body of the section.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = self.claims().to_vec();
        put_varint(&mut body, self.cuts.len() as u32);
        for cut in &self.cuts {
            put_varint(&mut body, cut.index);
            put_varint(&mut body, cut.rows);
            body.extend_from_slice(&cut.next);
        }
        body.extend_from_slice(self.tag);
        body
    }
}

/// Reads what was cut. Every cut takes more than 32 bytes of the seal, so that nothing is allocated
/// for cuts that are not there.
fn read_cuts(cursor: &mut Cursor<'_>, tensors: &[LatentsInfo]) -> Result<Vec<Cut>> {
    let count_at = cursor.at();
    let count = cursor.varint()?;
    if count as usize > tensors.len() {
        let expected = format!("at most {} cuts, one a tensor", tensors.len());
        return Err(Error::at(ErrorKind::SealLayout, count_at, expected, count.to_string()));
    }
    let mut cuts: Vec<Cut> = Vec::new();
    for _ in 0..count {
        let at = cursor.at();
        let refuse = |at, expected: String, found: u32| {
            Err(Error::at(ErrorKind::SealLayout, at, expected, found.to_string()))
        };
        let index = cursor.varint()?;
        let first = cuts.last().map_or(0, |last| last.index + 1);
        let Some(info) = tensors.get(index as usize).filter(|_| index >= first) else {
            let expected = format!("a tensor from {first} to {}", tensors.len() - 1);
            return refuse(at, expected, index);
        };
        if info.stage != Stage::Stored || info.shape.extents().len() < 2 {
            return refuse(at, "a stored tensor that has rows".into(), index);
        }
        let rows_at = cursor.at();
        let rows = cursor.varint()?;
        let left = rows_of(&info.shape);
        if rows <= left {
            return refuse(rows_at, format!("more than the {left} rows that are left"), rows);
        }
        cuts.push(Cut { index, rows, next: cursor.array()? });
    }
    Ok(cuts)
}
