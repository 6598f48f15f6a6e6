//! What a seal covers in packets of other kinds: compact ones, whose route says a part of what is
//! covered, payloads under lossless stages, later versions.

use latentwire::{Compression, EncodeOptions, Encoding, LATENTS, Limits, ModelRef, Packet, Route};

use super::Receiver;
use super::letters::{BY_BLAKE3, BY_ED25519, BY_HMAC, LETTERS, addressed, letter};
use crate::Failure;
use crate::bytes::{flip_last, summed};
use crate::keys::{BLAKE3, ED25519, HMAC};
use crate::parts::Parts;
use crate::shared::{Shared, peaked};
use crate::valid::{holding, uniform};

pub(super) fn receivers(shared: &Shared) -> Result<Vec<Receiver>, Failure> {
    let mut receivers = compact()?;
    receivers.extend(compact_with_tables(shared)?);
    receivers.push(staged(shared)?);
    Ok(receivers)
}

/// A seal holds in both profiles.
fn compact() -> Result<Vec<Receiver>, Failure> {
    let limits = Limits::default();
    let sealed = BY_HMAC.seal(&letter(0)?, 0)?;
    let compact = Packet::parse(&sealed, &limits)?.to_compact(&LETTERS)?;
    let alone = addressed(uniform(&[2, 4], 1.0)?, &EncodeOptions::default())?;
    let alone = BY_BLAKE3.seal(&alone, 0)?;
    let alone = Packet::parse(&alone, &limits)?.to_compact(&LETTERS)?;
    let another = |name, route| {
        Receiver::new(name, &[HMAC]).on(route).refuses("seal.tag", "compact", compact.clone())
    };
    let sender = ModelRef { revision: "another", ..LETTERS.sender };
    let codebook = Some(LETTERS.space.fingerprint);
    Ok(vec![
        Receiver::new("compact", &[HMAC, BLAKE3])
            .on(LETTERS)
            .accepts("compact", compact.clone())
            .accepts("compact-tensor-alone", alone),
        Receiver::new("one packet in two profiles", &[HMAC])
            .on(LETTERS)
            .accepts("hmac-0", sealed)
            .refuses("seal.replay", "compact", compact.clone()),
        Receiver::new("compact without its route", &[HMAC]).refuses(
            "header.route",
            "compact",
            compact.clone(),
        ),
        another("a route of another revision of its sender", Route { sender, ..LETTERS }),
        another("a route to anyone", Route { receiver: None, ..LETTERS }),
        another("a route of other message ids", Route { message_prefix: [0; 12], ..LETTERS }),
        another("a route of another codebook", Route { codebook, ..LETTERS }),
    ])
}

fn compact_with_tables(shared: &Shared) -> Result<Vec<Receiver>, Failure> {
    let [columns, ..] = &shared.tables;
    let options = EncodeOptions::default().with_encoding(Encoding::Int4);
    let options = options.with_compression(Compression::Entropy(columns));
    let route = Route { tables: Some(columns.fingerprint()), ..LETTERS };
    let staged = BY_ED25519.seal(&addressed(peaked(&[4, 16])?, &options)?, 0)?;
    let staged = Packet::parse(&staged, &Limits::default())?.to_compact(&route)?;
    Ok(vec![
        Receiver::new("compact with tables", &[ED25519])
            .on(route)
            .accepts("compact-with-tables", staged.clone()),
        Receiver::new("compact with tables, and the route has none", &[ED25519])
            .on(LETTERS)
            .refuses("header.route", "compact-with-tables", staged),
    ])
}

/// Payloads under stages, a later version, and what is found before a seal is looked at.
fn staged(shared: &Shared) -> Result<Receiver, Failure> {
    let [columns, ..] = &shared.tables;
    let zstd = EncodeOptions::default().with_compression(Compression::Zstd { level: 9 });
    let entropy = EncodeOptions::default()
        .with_encoding(Encoding::Int4)
        .with_compression(Compression::Entropy(columns));
    let zstd = BY_HMAC.seal(&addressed(holding(&[4, 64], &[0.5; 256])?, &zstd)?, 0)?;
    let entropy = BY_HMAC.seal(&addressed(peaked(&[4, 16])?, &entropy)?, 1)?;
    let later = Parts::of(&letter(2)?)?.changed(|parts| parts.minor = 9);
    let later = BY_HMAC.seal(&later, 2)?;
    // The last byte of the only tensor, which is one of the zstd frame.
    let broken = Parts::of(&zstd)?.changed(|parts| flip_last(parts.body(LATENTS)));
    let mut damaged = zstd.clone();
    flip_last(&mut damaged);
    let mut unknown = letter(0)?;
    if let Some(flags) = unknown.get_mut(6) {
        *flags = 0x80;
    }
    Ok(Receiver::new("lossless stages and a later version", &[HMAC])
        .refuses("seal.tag", "zstd-frame-altered", broken)
        .refuses("checksum.mismatch", "zstd-damaged", damaged)
        .accepts("zstd", zstd)
        .accepts("entropy", entropy)
        .accepts("later-version", later)
        .refuses("preamble.flags", "unknown-flag", summed(&unknown)))
}
