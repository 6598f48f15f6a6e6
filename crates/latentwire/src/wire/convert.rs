//! From one profile to the other. Payloads are not touched.

use super::draft::{Draft, Payload, Piece, Tensor};
use super::header::{self, Address};
use super::latents::{Format, Front, LatentsInfo};
use super::read::Packet;
use super::section::LATENTS;
use crate::codec::Stage;
use crate::error::Result;
use crate::resources::named_by;
use crate::route::Route;

impl<'a> Packet<'a> {
    /// The same packet in the compact profile. It must be one that `route` stands for.
    pub fn to_compact(&self, route: &Route<'_>) -> Result<Vec<u8>> {
        let header = self.header_on(Some(route))?;
        let message_number = route.message_number(&header)?;
        let address = Address::Compact { message_number, route: route.id };
        let fronts = self.latents().iter().map(|info| {
            let full = self.full_front(info, Some(route))?;
            Ok(self.tensor(info, without_names(full, route)?))
        });
        let tensors = fronts.collect::<Result<_>>()?;
        Draft { address, tensors, sections: self.pieces() }.write()
    }

    /// The same packet with everything said in full, for whoever does not have the route.
    pub fn to_self_contained(&self, route: &Route<'_>) -> Result<Vec<u8>> {
        let header = self.header_on(Some(route))?;
        header::check(&header)?;
        let address = Address::SelfContained(header);
        let fronts = self.latents().iter().map(|info| {
            let full = self.full_front(info, Some(route))?;
            Ok(self.tensor(info, full))
        });
        let tensors = fronts.collect::<Result<_>>()?;
        Draft { address, tensors, sections: self.pieces() }.write()
    }

    /// The front of a tensor of this packet.
    pub(super) fn front(&self, info: &LatentsInfo) -> Front<'a> {
        Front {
            name: info.name(self.as_bytes()),
            shape: info.shape,
            format: info.format,
            stage: info.stage,
            resource: info.resource,
        }
    }

    /// The front of a tensor with every fingerprint that a route may stand for.
    pub(super) fn full_front(
        &self,
        info: &LatentsInfo,
        route: Option<&Route<'_>>,
    ) -> Result<Front<'a>> {
        let format = match info.format {
            Format::Codes { codebook, size } => {
                let codebook = named_by(codebook, route, |route| route.codebook, "a codebook")?;
                Format::Codes { codebook: Some(codebook), size }
            }
            numbers @ Format::Numbers(_) => numbers,
        };
        let resource = match info.stage {
            Stage::Stored | Stage::Zstd => None,
            Stage::ZstdDictionary => {
                Some(named_by(info.resource, route, |route| route.dictionary, "a dictionary")?)
            }
            Stage::Entropy => {
                Some(named_by(info.resource, route, |route| route.tables, "entropy tables")?)
            }
        };
        Ok(Front { format, resource, ..self.front(info) })
    }

    /// A tensor of this packet behind another front.
    pub(super) fn tensor<'f>(&self, info: &LatentsInfo, front: Front<'f>) -> Tensor<'f>
    where
        'a: 'f,
    {
        Tensor { front, payload: Payload::Bytes(info.payload(self.as_bytes()).into()) }
    }

    /// The sections beside the latents.
    pub(super) fn pieces(&self) -> Vec<Piece<'a>> {
        let others = self.sections().iter().filter(|info| info.section_type != LATENTS);
        others
            .map(|info| Piece {
                section_type: info.section_type,
                critical: info.critical,
                body: info.body(self.as_bytes()),
            })
            .collect()
    }
}

/// A front without the fingerprints that `route` stands for; refuses others.
fn without_names<'a>(front: Front<'a>, route: &Route<'_>) -> Result<Front<'a>> {
    let format = match front.format {
        Format::Codes { codebook, size } => {
            route.check_stands_for(codebook, route.codebook)?;
            Format::Codes { codebook: None, size }
        }
        numbers @ Format::Numbers(_) => numbers,
    };
    match front.stage {
        Stage::Stored | Stage::Zstd => {}
        Stage::ZstdDictionary => route.check_stands_for(front.resource, route.dictionary)?,
        Stage::Entropy => route.check_stands_for(front.resource, route.tables)?,
    }
    Ok(Front { format, resource: None, ..front })
}
