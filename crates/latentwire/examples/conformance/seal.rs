//! Seals as section 13.1 of the specification describes them.
//!
//! The crate's own sealer draws its sessions at random, and rightly has no way to be given one; the
//! vectors need fixed ones. So seals are written here anew, and the crate has to accept them.

use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, Mac as _};
use latentwire::{
    Granularity, LATENTS, LatentsInfo, Limits, Packet, ScaleLayout, ScaleWidth, Stage,
};
use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::keys::{Algorithm, Key};
use crate::parts::Parts;

/// Packets of one session under one key.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) key: Key,
    pub(crate) id: [u8; 16],
}

impl Session {
    /// The self-contained `packet` with a seal of this number.
    pub(crate) fn seal(&self, packet: &[u8], number: u64) -> Result<Vec<u8>, Failure> {
        self.seal_with(packet, number, |message| tag(&self.key, message))
    }

    /// The same with whatever tag is made of what is authenticated.
    pub(crate) fn seal_with(
        &self,
        packet: &[u8],
        number: u64,
        tag: impl FnOnce(&[u8]) -> Result<Vec<u8>, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let claims = self.claims(number)?;
        let tag = tag(&authenticated(packet, &claims, self.key.algorithm)?)?;
        let no_cuts = [0];
        let body = [&claims[..], &no_cuts, &tag].concat();
        Ok(Parts::of(packet)?.changed(|parts| parts.seal(body)))
    }

    /// Algorithm, key id, session and number.
    fn claims(&self, number: u64) -> Result<Vec<u8>, Failure> {
        let code = match self.key.algorithm {
            Algorithm::HmacSha256 => 1,
            Algorithm::Blake3 => 2,
            Algorithm::Ed25519 => 3,
            Algorithm::XChaCha20Poly1305 => return Err("an envelope's key makes no seal".into()),
        };
        Ok([&[code][..], &self.key.id, &self.id, &number.to_le_bytes()].concat())
    }
}

pub(crate) fn tag(key: &Key, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let secret = key.secret()?;
    Ok(match key.algorithm {
        Algorithm::HmacSha256 => {
            let mut hmac =
                Hmac::<Sha256>::new_from_slice(&secret).map_err(|_| "a key of 32 bytes")?;
            hmac.update(message);
            hmac.finalize().into_bytes().to_vec()
        }
        Algorithm::Blake3 => blake3::keyed_hash(&secret, message).as_bytes().to_vec(),
        Algorithm::Ed25519 => {
            SigningKey::from_bytes(&secret).sign(&to_sign(message)).to_bytes().to_vec()
        }
        Algorithm::XChaCha20Poly1305 => return Err("an envelope's key makes no seal".into()),
    })
}

/// What Ed25519 signs of what is authenticated.
pub(crate) fn to_sign(message: &[u8]) -> Vec<u8> {
    [&b"latentwire:sign1"[..], &Sha256::digest(message)].concat()
}

/// *M* of section 13.1.1.
fn authenticated(bytes: &[u8], claims: &[u8], algorithm: Algorithm) -> Result<Vec<u8>, Failure> {
    let packet = Packet::parse(bytes, &Limits::default())?;
    let parts = Parts::of(bytes)?;
    let mut message = [&b"latentwire:seal1"[..], &[1, parts.minor], claims].concat();
    put_sized(&mut message, &parts.header);
    message.extend((parts.sections.len() as u32).to_le_bytes());
    let mut tensors = packet.latents().iter();
    for part in &parts.sections {
        message.extend(part.section_type.to_le_bytes());
        message.push(part.critical.into());
        let tensor = (part.section_type == LATENTS).then(|| tensors.next()).flatten();
        let Some(info) = tensor else {
            message.push(0);
            put_sized(&mut message, &part.body);
            continue;
        };
        let by_rows = info.stage == Stage::Stored;
        let front_len = part.body.len() - info.payload_length;
        let (front, payload) = part.body.split_at_checked(front_len).unwrap_or_default();
        message.push(by_rows.into());
        put_sized(&mut message, front);
        if by_rows {
            let (shared, rows) = rows(info, payload);
            put_sized(&mut message, &shared);
            message.extend(link(&rows, algorithm));
        } else {
            put_sized(&mut message, payload);
        }
    }
    Ok(message)
}

fn put_sized(message: &mut Vec<u8>, bytes: &[u8]) {
    message.extend((bytes.len() as u64).to_le_bytes());
    message.extend_from_slice(bytes);
}

/// What the rows of a stored payload share, and each row.
fn rows(info: &LatentsInfo, payload: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let count = match info.shape.extents() {
        [rows, _, ..] => *rows as usize,
        _ => 1,
    };
    let scales = info.format.layout().and_then(|layout| layout.scales);
    let (scales_len, zeros_len) = scales.map_or((0, 0), |scales| lengths(info, scales));
    let (scale_bytes, rest) = payload.split_at_checked(scales_len).unwrap_or_default();
    let (zero_bytes, codes) = rest.split_at_checked(zeros_len).unwrap_or_default();
    let is_shared = scales.is_some_and(|scales| {
        matches!(scales.granularity, Granularity::Tensor | Granularity::Channel)
    });
    let nth = |plane: &[u8], row: usize| {
        let len = plane.len() / count;
        plane.get(row * len..(row + 1) * len).unwrap_or_default().to_vec()
    };
    if is_shared {
        let shared = [scale_bytes, zero_bytes].concat();
        return (shared, (0..count).map(|row| nth(codes, row)).collect());
    }
    let planes = [scale_bytes, zero_bytes, codes];
    let row = |row| planes.map(|plane| nth(plane, row)).concat();
    (Vec::new(), (0..count).map(row).collect())
}

/// Bytes of all scales and of all zero points.
fn lengths(info: &LatentsInfo, scales: ScaleLayout) -> (usize, usize) {
    let number = match scales.granularity {
        Granularity::Row => info.shape.num_rows(),
        Granularity::Tensor => 1,
        Granularity::Channel => info.shape.row_len().into(),
        Granularity::Group(size) => info.shape.num_elements() / u64::from(size),
    };
    let width = match scales.width {
        ScaleWidth::F16 => 2,
        ScaleWidth::F32 => 4,
    };
    let zeros = if scales.asymmetric { number } else { 0 };
    (number as usize * width, zeros as usize)
}

/// The link of the first row.
fn link(rows: &[Vec<u8>], algorithm: Algorithm) -> [u8; 32] {
    rows.iter().rev().fold([0; 32], |next, row| {
        let bytes = [&b"latentwire:rows1"[..], row, &next].concat();
        match algorithm {
            Algorithm::Blake3 => blake3::hash(&bytes).into(),
            _ => Sha256::digest(&bytes).into(),
        }
    })
}
