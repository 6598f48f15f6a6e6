//! What seals and digests need of a packet: its parts in the self-contained form, whatever its own
//! profile, and the same packet with another seal.

use super::draft::{Draft, Piece};
use super::header;
use super::latents::{Front, LatentsInfo};
use super::read::Packet;
use super::section::SEAL;
use crate::codec::Stage;
use crate::error::Result;
use crate::route::Route;

impl Packet<'_> {
    /// The same packet with this body of a seal, or without a seal. Payloads are not touched.
    pub(crate) fn with_seal(&self, seal: Option<&[u8]>) -> Result<Vec<u8>> {
        let mut sections: Vec<Piece<'_>> = self.pieces();
        sections.retain(|piece| piece.section_type != SEAL);
        if let Some(body) = seal {
            let at = sections.partition_point(|piece| piece.section_type < SEAL);
            sections.insert(at, Piece { section_type: SEAL, critical: true, body });
        }
        let tensors = self.latents().iter().map(|info| self.tensor(info, self.front(info)));
        Draft { address: *self.address(), tensors: tensors.collect(), sections }.write()
    }

    /// The header as a self-contained packet would have it.
    pub(crate) fn header_bytes(&self, route: Option<&Route<'_>>) -> Result<Vec<u8>> {
        let header = self.header_on(route)?;
        header::check(&header)?;
        let mut bytes = Vec::with_capacity(header::len(&header));
        header::write(&mut bytes, &header);
        Ok(bytes)
    }

    /// The front of a tensor as a self-contained packet would have it if it held `rows` along the
    /// first axis; latents of one axis have no other extent than their own.
    pub(crate) fn front_bytes(
        &self,
        info: &LatentsInfo,
        rows: u32,
        route: Option<&Route<'_>>,
    ) -> Result<Vec<u8>> {
        let shape = info.shape.with_first(rows).unwrap_or(info.shape);
        self.full_front(info, route).map(|front| written(&Front { shape, ..front }))
    }

    /// The front of a tensor as a self-contained packet would have it without a lossless stage.
    pub(crate) fn plain_front_bytes(
        &self,
        info: &LatentsInfo,
        route: Option<&Route<'_>>,
    ) -> Result<Vec<u8>> {
        self.full_front(info, route)
            .map(|front| written(&Front { stage: Stage::Stored, resource: None, ..front }))
    }
}

fn written(front: &Front<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(front.len());
    front.write(&mut bytes);
    bytes
}
