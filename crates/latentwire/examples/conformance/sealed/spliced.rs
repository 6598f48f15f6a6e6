//! Packets that were put together from several by someone without the key: everything in them was
//! sealed at some time.

use latentwire::{LATENTS, Limits, METADATA, Packet, SEAL};

use super::Receiver;
use super::altered::{CUTS, Named, flipped};
use super::letters::{BY_HMAC, letter};
use crate::Failure;
use crate::keys::HMAC;
use crate::parts::Parts;

/// Where the link of the first cut begins, behind its index and its rows.
const LINK: usize = CUTS + 1 + 2;

pub(super) fn receiver() -> Result<Receiver, Failure> {
    let honest = BY_HMAC.seal(&letter(0)?, 0)?;
    let other = BY_HMAC.seal(&letter(1)?, 1)?;
    Ok(Receiver::new("spliced", &[HMAC])
        .refuses_all("seal.tag", spliced(&Parts::of(&honest)?, &Parts::of(&other)?))
        .refuses_all("seal.tag", recut(&honest, &other)?)
        .accepts("hmac-1", other)
        .accepts("hmac-0", honest))
}

/// Two packets of one session put together.
fn spliced(parts: &Parts, other: &Parts) -> Vec<Named> {
    let with = |section_type| {
        let mut other = other.clone();
        parts.changed(|parts| parts.body(section_type).clone_from(other.body(section_type)))
    };
    vec![
        ("spliced-seal", with(SEAL)),
        ("spliced-tensor", with(LATENTS)),
        ("spliced-metadata", with(METADATA)),
        ("spliced-header", parts.changed(|parts| parts.header.clone_from(&other.header))),
        // Kind, form and extents are 4 bytes, the scales 8, a row of codes 6.
        (
            "spliced-rows-exchanged",
            parts.changed(|parts| {
                let tensor = parts.body(LATENTS);
                for at in 12..18 {
                    tensor.swap(at, at + 6);
                }
                for at in 4..6 {
                    tensor.swap(at, at + 2);
                }
            }),
        ),
    ]
}

/// Packets that were cut, and then put together otherwise.
fn recut(honest: &[u8], other: &[u8]) -> Result<Vec<Named>, Failure> {
    let limits = Limits::default();
    let cut = |packet: &[u8], rows| {
        Parts::of(&Packet::parse(packet, &limits)?.truncate_sealed(rows, &limits)?)
    };
    let (mut whole, two, mut other) = (Parts::of(honest)?, cut(honest, 2)?, cut(other, 2)?);
    let at_row_3 = cut(honest, 3)?.body(SEAL).get(LINK..LINK + 32).map(<[u8]>::to_vec);
    let whole_seal = whole.body(SEAL).clone();
    Ok(vec![
        ("spliced-cut-rows", {
            two.changed(|parts| parts.body(LATENTS).clone_from(other.body(LATENTS)))
        }),
        (
            "spliced-cut-link",
            two.changed(|parts| {
                drop(parts.body(SEAL).splice(LINK..LINK + 32, at_row_3.unwrap_or_default()));
            }),
        ),
        ("spliced-cut-of-more-rows", flipped(&two, CUTS + 2)),
        (
            "spliced-cut-of-another-tensor",
            two.changed(|parts| {
                // Only the first cut is left.
                drop(parts.body(SEAL).splice(CUTS..=CUTS, [1]));
                drop(parts.body(SEAL).drain(LINK + 32..LINK + 32 + 34));
            }),
        ),
        ("spliced-cut-kept-quiet", two.changed(|parts| parts.seal(whole_seal))),
    ])
}
