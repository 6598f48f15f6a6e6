//! From one profile to the other. Payloads are not touched.

use super::draft::{Draft, Payload, Piece, Tensor};
use super::header::Address;
use super::latents::{Format, Front, LatentsInfo};
use super::read::{Packet, codebook_of};
use super::section::LATENTS;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Fingerprint;
use crate::route::Route;

impl<'a> Packet<'a> {
    /// The same packet in the compact profile. It must be one that `route` stands for.
    pub fn to_compact(&self, route: &Route<'a>) -> Result<Vec<u8>> {
        let header = self.header_on(Some(route))?;
        let message_number = route.message_number(&header)?;
        let address = Address::Compact { message_number, route: route.id };
        self.draft(address, |codebook| {
            if codebook.is_some() && codebook != route.codebook {
                let expected = format!("the codebook of route {}", route.id);
                return Err(Error::nowhere(ErrorKind::MessageRoute, expected, "another"));
            }
            Ok(None)
        })
    }

    /// The same packet with everything said in full, for whoever does not have the route.
    pub fn to_self_contained(&self, route: &Route<'a>) -> Result<Vec<u8>> {
        let address = Address::SelfContained(self.header_on(Some(route))?);
        super::header::check_address(&address)?;
        self.draft(address, |codebook| codebook_of(codebook, Some(route)).map(Some))
    }

    fn draft(
        &self,
        address: Address<'a>,
        codebook: impl Fn(Option<Fingerprint>) -> Result<Option<Fingerprint>>,
    ) -> Result<Vec<u8>> {
        let tensors = self.latents().iter().map(|info| {
            let format = match info.format {
                Format::Codes { codebook: named, size } => {
                    Format::Codes { codebook: codebook(named)?, size }
                }
                numbers @ Format::Numbers(_) => numbers,
            };
            Ok(Tensor {
                front: Front { format, ..self.front(info) },
                payload: Payload::Given(info.payload(self.as_bytes())),
            })
        });
        let tensors = tensors.collect::<Result<_>>()?;
        Draft { address, tensors, sections: self.pieces() }.write()
    }

    /// The front of a tensor of this packet.
    pub(super) fn front(&self, info: &LatentsInfo) -> Front<'a> {
        Front {
            name: info.name(self.as_bytes()),
            shape: info.shape,
            format: info.format,
            stage: info.stage,
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
