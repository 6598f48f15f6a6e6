//! Cutting a sealed packet to its first rows, without the key.

use super::rows::{END, Rows, rows_of};
use super::seal::{Cut, Seal};
use crate::codec::Stage;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::{LatentsInfo, Packet, Version};

impl Packet<'_> {
    /// The packet with at most the first `rows` of every tensor, under the seal that it has.
    ///
    /// The seal is told the rows that there were and one hash for those that are gone. It holds
    /// only if the bytes of the rows that stay are the same: where a payload is compressed, where the
    /// rest of its scales fits a narrower width, or where the packet is of another version, this is
    /// refused with `message.seal`, and [`truncate`](Self::truncate), which leaves the seal out, is
    /// what remains.
    pub fn truncate_sealed(&self, rows: u32, limits: &Limits) -> Result<Vec<u8>> {
        let seal = Seal::of(self)?.ok_or_else(|| {
            Error::nowhere(ErrorKind::SealMissing, "a seal", "a packet without one")
        })?;
        if self.version() != Version::CURRENT {
            let expected = "a packet of the version that is written here";
            let found = format!("one of {}.{}", self.version().major, self.version().minor);
            return Err(Error::nowhere(ErrorKind::MessageSeal, expected, found));
        }
        let refuse = |index: usize| {
            let expected = "a stored payload whose scales keep their width";
            let found = format!("another one in tensor {index}");
            Error::nowhere(ErrorKind::MessageSeal, expected, found)
        };
        let is_cut = |info: &LatentsInfo| rows < rows_of(&info.shape);
        let staged = |info: &LatentsInfo| is_cut(info) && info.stage != Stage::Stored;
        if let Some(index) = self.latents().iter().position(staged) {
            return Err(refuse(index));
        }
        let shorter = self.truncate(rows, limits)?;
        let shorter = Packet::parse(&shorter, limits)?;
        let mut cuts = Vec::new();
        let tensors = self.latents().iter().zip(shorter.latents()).enumerate();
        for (index, (before, after)) in tensors {
            let earlier = seal.cut_of(index);
            if before.shape == after.shape {
                cuts.extend(earlier);
                continue;
            }
            let all = Rows::of(before, self.as_bytes())
                .filter(|_| before.format == after.format)
                .ok_or_else(|| refuse(index))?;
            let next = earlier.map_or(END, |cut| cut.next);
            cuts.push(Cut {
                index: index as u32,
                rows: earlier.map_or(all.count(), |cut| cut.rows),
                next: all.link(rows..all.count(), next, seal.algorithm()),
            });
        }
        shorter.with_seal(Some(&Seal { cuts, ..seal }.to_bytes()))
    }
}
