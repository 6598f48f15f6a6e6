//! Sealed packets that were cut to their first rows by someone without the key.

use latentwire::{Compression, EncodeOptions, Encoding, Granularity, Limits, Message, Packet};

use super::letters::{BY_BLAKE3, BY_ED25519, BY_HMAC, LETTERS, ROWS, addressed, letter};
use super::{Cuts, Receiver};
use crate::Failure;
use crate::keys::HMAC;
use crate::seal::Session;
use crate::valid::{holding, named, uniform};

pub(super) fn receivers() -> Result<Vec<Receiver>, Failure> {
    let mut receivers = vec![
        of("both tensors cut", "cut-hmac", BY_HMAC, &letter(0)?, 2)?,
        of("one tensor cut", "cut-blake3", BY_BLAKE3, &letter(0)?, 4)?,
        of("cut to one row", "cut-ed25519", BY_ED25519, &letter(0)?, 1)?,
        twice()?,
        compact()?,
        whole_and_cut()?,
    ];
    receivers.extend(of_encodings()?);
    receivers.extend(of_some_tensors()?);
    Ok(receivers)
}

/// A receiver of `packet`, sealed and then cut.
fn of(
    name: &'static str,
    file: &str,
    session: Session,
    packet: &[u8],
    rows: u32,
) -> Result<Receiver, Failure> {
    let sealed = session.seal(packet, 3)?;
    let (cut, cuts) = cut(&sealed, rows)?;
    Ok(Receiver::new(name, &[session.key]).accepts_cut(file, cut, cuts))
}

/// The packet cut, and of each tensor that is shorter now the rows that it had.
fn cut(sealed: &[u8], rows: u32) -> Result<(Vec<u8>, Cuts), Failure> {
    let limits = Limits::default();
    let packet = Packet::parse(sealed, &limits)?;
    let cut = packet.truncate_sealed(rows, &limits)?;
    let shorter = Packet::parse(&cut, &limits)?;
    let tensors = packet.latents().iter().zip(shorter.latents()).enumerate();
    let shorter = tensors.filter(|(_, (before, after))| before.shape != after.shape);
    let first = |extents: &[u32]| extents.first().copied().unwrap_or_default();
    let cuts = shorter.map(|(index, (before, _))| (index, first(before.shape.extents()))).collect();
    Ok((cut, cuts))
}

fn twice() -> Result<Receiver, Failure> {
    let sealed = BY_HMAC.seal(&letter(0)?, 4)?;
    let at_once = cut(&sealed, 1)?;
    let (once, _) = cut(&sealed, 4)?;
    let (twice, _) = cut(&cut(&once, 3)?.0, 1)?;
    if twice != at_once.0 {
        return Err("a packet that was cut twice is not the one that was cut at once".into());
    }
    Ok(Receiver::new("cut three times", &[HMAC]).accepts_cut("cut-three-times", twice, at_once.1))
}

fn compact() -> Result<Receiver, Failure> {
    let sealed = BY_HMAC.seal(&letter(0)?, 3)?;
    let compact = Packet::parse(&sealed, &Limits::default())?.to_compact(&LETTERS)?;
    let (cut, cuts) = cut(&compact, 2)?;
    let receiver = Receiver::new("compact and cut", &[HMAC]).on(LETTERS);
    Ok(receiver.accepts_cut("cut-compact", cut, cuts))
}

fn whole_and_cut() -> Result<Receiver, Failure> {
    let sealed = BY_HMAC.seal(&letter(0)?, 3)?;
    let (cut, _) = cut(&sealed, 2)?;
    let receiver = Receiver::new("whole, then cut", &[HMAC]);
    Ok(receiver.accepts("hmac-3", sealed).refuses("seal.replay", "cut-hmac", cut))
}

/// Rows have their scales and zero points with them, or share them.
fn of_encodings() -> Result<Vec<Receiver>, Failure> {
    let receiver = |name, file, session, extents: &[usize], options: EncodeOptions<'_>, rows| {
        of(name, file, session, &addressed(uniform(extents, 1.0)?, &options)?, rows)
    };
    let numbers = |encoding| EncodeOptions::default().with_encoding(encoding);
    let scaled = |encoding, granularity| numbers(encoding).with_granularity(granularity);
    let zero_points = scaled(Encoding::Int8, Granularity::Row).with_asymmetric(true);
    let by_tensor = scaled(Encoding::Int8, Granularity::Tensor);
    let by_channel = scaled(Encoding::Int4, Granularity::Channel).with_asymmetric(true);
    let by_group = scaled(Encoding::Int4, Granularity::Group(3));
    let (sign, f32) = (numbers(Encoding::Sign), numbers(Encoding::F32));
    let int8 = EncodeOptions::default();
    let wide = addressed(uniform(&[4, 6], 1e-6)?, &int8)?;
    Ok(vec![
        receiver("cut, zero points", "cut-zero-points", BY_HMAC, &[4, 6], zero_points, 3)?,
        receiver("cut, a shared scale", "cut-scale-of-tensor", BY_BLAKE3, &[4, 6], by_tensor, 2)?,
        receiver("cut, shared zero points", "cut-channels", BY_HMAC, &[4, 7], by_channel, 1)?,
        receiver("cut, scales by group", "cut-groups", BY_ED25519, &[3, 2, 6], by_group, 2)?,
        receiver("cut, padded rows", "cut-sign", BY_BLAKE3, &[3, 17], sign, 2)?,
        receiver("cut, no scales", "cut-f32", BY_HMAC, &[3, 2], f32, 1)?,
        of("cut, wide scales", "cut-wide-scales", BY_HMAC, &wide, 2)?,
    ])
}

/// Latents of one axis stay, and a staged payload may stand beside one that is cut.
fn of_some_tensors() -> Result<Vec<Receiver>, Failure> {
    let mut given: Message<'_> = uniform(&[4], 1.0)?;
    given.latents.push(named("rows", &uniform(&[3, 2], 1.0)?));
    let one_axis = addressed(given, &EncodeOptions::default())?;
    let mut given = uniform(&[3, 2], 1.0)?;
    given.latents.push(named("staged", &holding(&[1, 256], &[0.5; 256])?));
    let zstd = EncodeOptions::default().with_compression(Compression::Zstd { level: 9 });
    let staged = addressed(given, &zstd)?;
    let [rows, _] = ROWS;
    Ok(vec![
        of("cut beside one axis", "cut-beside-one-axis", BY_HMAC, &one_axis, 1)?,
        of("cut beside a staged tensor", "cut-beside-staged", BY_HMAC, &staged, 1)?,
        of("cut of the second tensor alone", "cut-second", BY_HMAC, &letter(0)?, rows)?,
    ])
}
