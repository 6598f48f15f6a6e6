//! How a stored payload falls into rows, and the chain of hashes over them.
//!
//! A *row* here is everything at one place of the first axis: what a packet is cut by. Its bytes
//! stand in up to three planes one after another: scales, zero points, codes. Each plane is either
//! cut into as many equal parts as there are rows, or shared by all of them.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::label;
use super::seal::Algorithm;
use crate::codec::Stage;
use crate::message::Shape;
use crate::wire::{Format, LatentsInfo};

/// A hash that is a link of the chain.
pub(super) type Link = [u8; 32];

/// What comes after the last row of a payload that is whole.
pub(super) const END: Link = [0; 32];

/// Scales, zero points, codes.
const PLANES: usize = 3;

/// A stored payload, row by row.
pub(super) struct Rows<'a> {
    shared: &'a [u8],
    planes: [&'a [u8]; PLANES],
    count: u32,
}

impl<'a> Rows<'a> {
    /// The rows of a tensor of `packet`; `None` if its payload is not stored.
    pub(super) fn of(info: &LatentsInfo, packet: &'a [u8]) -> Option<Self> {
        (info.stage == Stage::Stored)
            .then(|| Self::split(info.format, &info.shape, info.payload(packet)))
    }

    /// Splits a payload that has the length of its format and shape.
    fn split(format: Format, shape: &Shape, payload: &'a [u8]) -> Self {
        let count = rows_of(shape);
        let Some(scales) = format.layout().and_then(|layout| layout.scales) else {
            return Self { shared: &[], planes: [&[], &[], payload], count };
        };
        let number = scales.granularity.num_scales(shape) as usize;
        let scales_len = number * scales.width.bytes();
        let zeros_len = if scales.asymmetric { number } else { 0 };
        let (front, codes) = payload.split_at_checked(scales_len + zeros_len).unwrap_or_default();
        if !scales.granularity.is_within_row() {
            return Self { shared: front, planes: [&[], &[], codes], count };
        }
        let (scales, zeros) = front.split_at_checked(scales_len).unwrap_or_default();
        Self { shared: &[], planes: [scales, zeros, codes], count }
    }

    /// Rows there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Scales and zero points that belong to no row.
    pub(super) fn shared(&self) -> &'a [u8] {
        self.shared
    }

    /// The bytes of one row, plane by plane.
    fn row(&self, index: usize) -> [&'a [u8]; PLANES] {
        self.planes.map(|plane| {
            let stride = plane.len() / self.count as usize;
            plane.get(index * stride..(index + 1) * stride).unwrap_or_default()
        })
    }

    /// The link of the first row of `range`, whose last row is followed by `next`.
    pub(super) fn link(&self, range: Range<u32>, next: Link, algorithm: Algorithm) -> Link {
        range.rev().fold(next, |next, index| {
            let [scales, zeros, codes] = self.row(index as usize);
            hash(algorithm, [label::ROWS, scales, zeros, codes, &next])
        })
    }
}

/// The rows that a tensor of this shape can be cut by: latents of one axis are one row.
pub(super) fn rows_of(shape: &Shape) -> u32 {
    match shape.extents() {
        [first, _, ..] => *first,
        _ => 1,
    }
}

/// The hash that belongs to an algorithm. It has no key: whoever cuts a packet has none.
fn hash(algorithm: Algorithm, parts: [&[u8]; 5]) -> Link {
    match algorithm {
        Algorithm::HmacSha256 | Algorithm::Ed25519 => {
            let mut sha = Sha256::new();
            for part in parts {
                sha.update(part);
            }
            sha.finalize().into()
        }
        Algorithm::Blake3 => {
            let mut hasher = blake3::Hasher::new();
            for part in parts {
                hasher.update(part);
            }
            *hasher.finalize().as_bytes()
        }
    }
}
