//! What a tag authenticates: every field of the packet in one string of bytes that can be taken
//! apart in one way only.
//!
//! Numbers have a fixed width and whatever has none stands behind its length, so that no byte can
//! move from one field into another. Header and fronts are those of the self-contained form: what
//! a compact packet leaves to its route is authenticated too, and the seal holds in both profiles.

use super::key::Put;
use super::label;
use super::rows::{END, Rows, rows_of};
use super::seal::{Cut, Seal};
use crate::error::Result;
use crate::route::Route;
use crate::wire::{LATENTS, LatentsInfo, Packet, SEAL, Version};

/// How a section is covered.
const WHOLE: u8 = 0;
const BY_ROWS: u8 = 1;

/// Gives everything that the tag of `seal` authenticates in `packet`, which is of this version.
pub(super) fn give(
    seal: &Seal<'_>,
    version: Version,
    packet: &Packet<'_>,
    route: Option<&Route<'_>>,
    put: Put<'_>,
) -> Result<()> {
    put(label::SEAL);
    put(&[version.major, version.minor]);
    put(&seal.claims());
    put_sized(put, &packet.header_bytes(route)?);
    let others = packet.sections().iter().filter(|info| info.section_type != SEAL);
    put(&(others.clone().count() as u32).to_le_bytes());
    let mut tensors = packet.latents().iter().enumerate();
    for section in others {
        put(&section.section_type.to_le_bytes());
        put(&[section.critical.into()]);
        if section.section_type == LATENTS
            && let Some((index, info)) = tensors.next()
        {
            give_latents(seal, info, seal.cut_of(index), packet, route, put)?;
            continue;
        }
        put(&[WHOLE]);
        put_sized(put, section.body(packet.as_bytes()));
    }
    Ok(())
}

/// A tensor: its front as it was sealed, then its rows, or its payload as it stands.
fn give_latents(
    seal: &Seal<'_>,
    info: &LatentsInfo,
    cut: Option<&Cut>,
    packet: &Packet<'_>,
    route: Option<&Route<'_>>,
    put: Put<'_>,
) -> Result<()> {
    let Some(rows) = Rows::of(info, packet.as_bytes()) else {
        put(&[WHOLE]);
        put_sized(put, &packet.front_bytes(info, rows_of(&info.shape), route)?);
        put_sized(put, info.payload(packet.as_bytes()));
        return Ok(());
    };
    let (sealed_rows, next) = cut.map_or((rows.count(), END), |cut| (cut.rows, cut.next));
    put(&[BY_ROWS]);
    put_sized(put, &packet.front_bytes(info, sealed_rows, route)?);
    put_sized(put, rows.shared());
    put(&rows.link(0..rows.count(), next, seal.algorithm()));
    Ok(())
}

/// A length in 8 bytes, then the bytes.
pub(super) fn put_sized(put: Put<'_>, bytes: &[u8]) {
    put(&(bytes.len() as u64).to_le_bytes());
    put(bytes);
}
