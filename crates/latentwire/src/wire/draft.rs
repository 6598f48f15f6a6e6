//! A packet whose parts are known, and how they are put together: the one place that writes packets.

use std::borrow::Cow;

use half::bf16;

use super::cursor::varint_len;
use super::header::{self, Address};
use super::latents::Front;
use super::preamble::{self, Profile};
use super::section::{self, LATENTS};
use crate::checksum;
use crate::codec::Plan;
use crate::error::{Error, ErrorKind, Result};

/// Everything that a packet will hold.
pub(crate) struct Draft<'a> {
    pub(crate) address: Address<'a>,
    pub(crate) tensors: Vec<Tensor<'a>>,
    pub(crate) sections: Vec<Piece<'a>>,
}

/// A latent section.
pub(crate) struct Tensor<'a> {
    pub(crate) front: Front<'a>,
    pub(crate) payload: Payload<'a>,
}

/// Where a payload comes from.
pub(crate) enum Payload<'a> {
    /// Numbers that are quantized as they are written.
    Numbers(Plan, &'a [f32]),
    /// The same of numbers in bfloat16.
    Bf16(Plan, &'a [bf16]),
    /// Bytes as they are: made for this packet, or of another one.
    Bytes(Cow<'a, [u8]>),
}

/// A section beside the latents.
pub(crate) struct Piece<'a> {
    pub(crate) section_type: u16,
    pub(crate) critical: bool,
    pub(crate) body: &'a [u8],
}

impl Payload<'_> {
    /// Appends the payload.
    pub(crate) fn write(&self, row_len: usize, out: &mut Vec<u8>) {
        match self {
            Self::Numbers(plan, numbers) => plan.write(numbers, row_len, out),
            Self::Bf16(plan, numbers) => plan.write(numbers, row_len, out),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }
}

impl Tensor<'_> {
    fn len(&self) -> u64 {
        let payload = match &self.payload {
            Payload::Numbers(plan, _) | Payload::Bf16(plan, _) => {
                plan.layout().raw_len(&self.front.shape)
            }
            Payload::Bytes(bytes) => bytes.len() as u64,
        };
        (self.front.len() as u64).saturating_add(payload)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.front.write(out);
        self.payload.write(self.front.shape.row_len() as usize, out);
    }
}

impl Draft<'_> {
    /// Writes the packet.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write_to(&mut out).map(|()| out)
    }

    /// Appends the packet, which stays out if it would be too long.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) -> Result<()> {
        let (profile, lone) = self.profile();
        let rest_len = self.rest_len(lone)?;
        let start = out.len();
        out.reserve(preamble::MAX_LEN + rest_len as usize);
        preamble::write(out, profile, rest_len);
        match &self.address {
            Address::SelfContained(header) => header::write(out, header),
            Address::Compact { message_number, route } => {
                header::write_compact(out, *message_number, *route);
            }
        }
        if let Some(tensor) = lone {
            tensor.write(out);
        } else {
            for tensor in &self.tensors {
                section::write_frame(out, LATENTS, true, narrow(tensor.len())?);
                tensor.write(out);
            }
        }
        for piece in &self.sections {
            let length = narrow(piece.body.len() as u64)?;
            section::write_frame(out, piece.section_type, piece.critical, length);
            out.extend_from_slice(piece.body);
        }
        let checksum = checksum::of(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(())
    }

    /// The profile, and the tensor that stands without a frame.
    fn profile(&self) -> (Profile, Option<&Tensor<'_>>) {
        let lone = match (self.tensors.as_slice(), self.sections.is_empty()) {
            ([tensor], true) if tensor.front.name.is_empty() => Some(tensor),
            _ => None,
        };
        match self.address {
            Address::SelfContained(_) => (Profile::SelfContained, None),
            Address::Compact { .. } => (Profile::Compact { is_bare: lone.is_some() }, lone),
        }
    }

    /// Bytes of everything after the preamble.
    fn rest_len(&self, lone: Option<&Tensor<'_>>) -> Result<u32> {
        let header = match &self.address {
            Address::SelfContained(header) => header::len(header),
            Address::Compact { route, .. } => header::compact_len(*route),
        };
        let mut rest = (header + checksum::LEN) as u64;
        if let Some(tensor) = lone {
            rest = rest.saturating_add(tensor.len());
        } else {
            for tensor in &self.tensors {
                rest += section::framed_len(LATENTS, narrow(tensor.len())?) as u64;
            }
        }
        for piece in &self.sections {
            let length = narrow(piece.body.len() as u64)?;
            rest += section::framed_len(piece.section_type, length) as u64;
        }
        let rest_len = narrow(rest)?;
        debug_assert!(varint_len(rest_len) + 7 <= preamble::MAX_LEN);
        Ok(rest_len)
    }
}

fn narrow(len: u64) -> Result<u32> {
    u32::try_from(len).map_err(|_| {
        let expected = "at most 2^32 - 1 bytes after the preamble";
        Error::nowhere(ErrorKind::MessageSize, expected, len.to_string())
    })
}
