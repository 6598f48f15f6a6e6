//! Seals that do not have the fields of a seal.

use latentwire::{Compression, EncodeOptions, SEAL};

use super::Receiver;
use super::letters::{BY_ED25519, BY_HMAC, addressed, letter};
use crate::Failure;
use crate::keys::{ED25519, HMAC};
use crate::parts::{Part, Parts};
use crate::valid::{holding, named, uniform};

/// Where the number of cuts stands in a seal.
const CUTS: usize = 1 + 8 + 16 + 8;

pub(super) fn receivers() -> Result<Vec<Receiver>, Failure> {
    let sealed = Parts::of(&BY_HMAC.seal(&letter(0)?, 0)?)?;
    let signed = Parts::of(&BY_ED25519.seal(&letter(0)?, 0)?)?;
    let algorithm = |code| sealed.changed(|parts| drop(parts.body(SEAL).splice(..1, [code])));
    let cut_short = |parts: &Parts, len| parts.changed(|parts| parts.body(SEAL).truncate(len));
    let (overrun, layout) = ("field.overrun", "seal.layout");
    Ok(vec![
        Receiver::new("malformed seals", &[HMAC, ED25519])
            .refuses("seal.algorithm", "algorithm-0", algorithm(0))
            .refuses("seal.algorithm", "algorithm-4", algorithm(4))
            .refuses(overrun, "seal-empty", cut_short(&sealed, 0))
            .refuses(overrun, "seal-ends-in-key-id", cut_short(&sealed, 5))
            .refuses(overrun, "seal-ends-in-session", cut_short(&sealed, 10))
            .refuses(overrun, "seal-ends-in-number", cut_short(&sealed, 32))
            .refuses(overrun, "seal-ends-before-cuts", cut_short(&sealed, CUTS))
            .refuses(overrun, "seal-ends-in-tag", cut_short(&sealed, CUTS + 1 + 31))
            .refuses(overrun, "seal-ends-in-signature", cut_short(&signed, CUTS + 1 + 63))
            .refuses(layout, "seal-trailing-byte", {
                sealed.changed(|parts| parts.body(SEAL).push(0))
            })
            .refuses(
                "section.duplicate",
                "two-seals",
                sealed.changed(|parts| {
                    let at = parts.sections.partition_point(|part| part.section_type < SEAL);
                    let body = parts.body(SEAL).clone();
                    parts.sections.insert(at, Part { section_type: SEAL, critical: true, body });
                }),
            ),
        malformed_cuts(&sealed)?,
    ])
}

/// A letter has tensors of 4 and of 5 rows.
fn malformed_cuts(sealed: &Parts) -> Result<Receiver, Failure> {
    let with_cuts = |parts: &Parts, cuts: &[u8]| {
        parts.changed(|parts| drop(parts.body(SEAL).splice(CUTS..=CUTS, cuts.iter().copied())))
    };
    let of = |cuts: &[u8]| with_cuts(sealed, cuts);
    let link = [7; 32];
    let two =
        |first: [u8; 2], second: [u8; 2]| of(&[&[2][..], &first, &link, &second, &link].concat());
    let mut axes = uniform(&[2, 4], 1.0)?;
    axes.latents.push(named("one axis", &uniform(&[4], 1.0)?));
    axes.latents.push(named("staged", &holding(&[2, 64], &[0.5; 128])?));
    let zstd = EncodeOptions::default().with_compression(Compression::Zstd { level: 9 });
    let axes = Parts::of(&BY_HMAC.seal(&addressed(axes, &zstd)?, 0)?)?;
    let of_axes = |index| with_cuts(&axes, &[&[1, index, 9][..], &link].concat());
    let layout = "seal.layout";
    Ok(Receiver::new("malformed cuts", &[HMAC])
        .refuses("varint.not_minimal", "cuts-not-minimal", of(&[0x80, 0]))
        .refuses("varint.overflow", "cuts-above-32-bits", of(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F]))
        .refuses(layout, "cuts-more-than-tensors", of(&[3]))
        .refuses(layout, "cut-of-no-tensor", of(&[&[1, 2, 9][..], &link].concat()))
        .refuses(layout, "cut-twice", two([0, 9], [0, 9]))
        .refuses(layout, "cuts-descending", two([1, 9], [0, 9]))
        .refuses(layout, "cut-of-nothing", of(&[&[1, 0, 4][..], &link].concat()))
        .refuses(layout, "cut-of-fewer-rows", of(&[&[1, 1, 4][..], &link].concat()))
        .refuses(layout, "cut-of-one-axis", of_axes(1))
        .refuses(layout, "cut-of-a-staged-tensor", of_axes(2))
        .refuses("field.overrun", "cut-ends-in-link", {
            sealed.changed(|parts| {
                parts.body(SEAL).truncate(CUTS);
                parts.body(SEAL).extend([1, 0, 9, 7]);
            })
        })
        .refuses("field.overrun", "cut-ends-before-rows", {
            sealed.changed(|parts| {
                parts.body(SEAL).truncate(CUTS);
                parts.body(SEAL).extend([1, 0]);
            })
        }))
}
