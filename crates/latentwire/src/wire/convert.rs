//! From one profile to the other. Payloads are not touched.

use super::draft::{Draft, Payload, Piece, Tensor};
use super::header::{self, Address};
use super::latents::{Format, Front, LatentsInfo};
use super::read::Packet;
use super::section::LATENTS;
use crate::codec::Stage;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Fingerprint;
use crate::resources::named_by;
use crate::route::Route;

/// What the front of a tensor names: a codebook, a dictionary or tables.
type Named = Option<Fingerprint>;

impl Packet<'_> {
    /// The same packet in the compact profile. It must be one that `route` stands for.
    pub fn to_compact(&self, route: &Route<'_>) -> Result<Vec<u8>> {
        let header = self.header_on(Some(route))?;
        let message_number = route.message_number(&header)?;
        let address = Address::Compact { message_number, route: route.id };
        self.readdress(
            address,
            |named, by_route, what| {
                if named.is_some() && named != by_route {
                    let expected = format!("{what} that route {} names", route.id);
                    return Err(Error::nowhere(ErrorKind::MessageRoute, expected, "another"));
                }
                Ok(None)
            },
            route,
        )
    }

    /// The same packet with everything said in full, for whoever does not have the route.
    pub fn to_self_contained(&self, route: &Route<'_>) -> Result<Vec<u8>> {
        let address = Address::SelfContained(self.header_on(Some(route))?);
        header::check_address(&address)?;
        self.readdress(
            address,
            |named, by_route, what| named_by(named, Some(route), |_| by_route, what).map(Some),
            route,
        )
    }

    /// The packet with another header, and in every front what `name` makes of what it names.
    fn readdress(
        &self,
        address: Address<'_>,
        name: impl Fn(Named, Named, &'static str) -> Result<Named>,
        route: &Route<'_>,
    ) -> Result<Vec<u8>> {
        let tensors = self.latents().iter().map(|info| {
            let format = match info.format {
                Format::Codes { codebook, size } => {
                    Format::Codes { codebook: name(codebook, route.codebook, "a codebook")?, size }
                }
                numbers @ Format::Numbers(_) => numbers,
            };
            let resource = match info.stage {
                Stage::ZstdDictionary => name(info.resource, route.dictionary, "a dictionary")?,
                Stage::Entropy => name(info.resource, route.tables, "entropy tables")?,
                Stage::Stored | Stage::Zstd => None,
            };
            Ok(Tensor {
                front: Front { format, resource, ..self.front(info) },
                payload: Payload::Given(info.payload(self.as_bytes())),
            })
        });
        let tensors = tensors.collect::<Result<_>>()?;
        Draft { address, tensors, sections: self.pieces() }.write()
    }
}

impl<'a> Packet<'a> {
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
