//! Encrypted packets, and what a reader with a key makes of each.

use std::path::Path;

use latentwire::{Limits, Packet, trust};
use serde_json::{Value, json};

use crate::bytes::{flip_last, summed};
use crate::envelope::{encrypt, encrypt_content};
use crate::keys::{ENVELOPE, ENVELOPE_OF_OTHER_ID, Key, OTHER_ENVELOPE};
use crate::parts::packet;
use crate::{Failure, Files};

struct Vector {
    name: &'static str,
    bytes: Vec<u8>,
    key: Key,
    /// The packet inside; `None` if the key does not open it.
    opened: Option<Opened>,
    /// By which id it is refused, or the packet inside when it is read.
    refused: Option<&'static str>,
}

enum Opened {
    /// One of the vectors.
    Vector(String),
    /// One of its own, which cannot be read.
    Unsound(Vec<u8>),
}

/// Every vector, as the manifest describes it; `files` has those that every reader reads.
pub(crate) fn describe(files: &mut Files) -> Result<Vec<Value>, Failure> {
    let mut vectors = opened(files)?;
    vectors.extend(unsound()?);
    vectors.extend(refused(files)?);
    vectors.into_iter().map(|vector| describe_vector(vector, files)).collect()
}

fn describe_vector(vector: Vector, files: &mut Files) -> Result<Value, Failure> {
    let limits = Limits::default();
    let file = format!("encrypted/{}.lwp", vector.name);
    let opened = trust::decrypt(&vector.bytes, &vector.key.envelope_key()?, &limits);
    let inside = match (&opened, vector.opened) {
        (Ok(bytes), Some(Opened::Vector(inside)))
            if files.get(Path::new(&inside)) == Some(bytes) =>
        {
            Some(inside)
        }
        (Ok(bytes), Some(Opened::Unsound(expected))) if *bytes == expected => {
            let inside = format!("encrypted/{}.inside", vector.name);
            files.insert(inside.clone().into(), expected);
            Some(inside)
        }
        (Err(_), None) => None,
        (Err(error), _) => return Err(format!("{file}: {error}").into()),
        (Ok(_), _) => return Err(format!("{file}: another packet was expected inside").into()),
    };
    let read = opened.and_then(|bytes| Packet::parse(&bytes, &limits).map(|_| ()));
    let error = read.err();
    if error.as_ref().map(|error| error.kind().id()) != vector.refused {
        return Err(format!("{file}: expected {:?}, found {error:?}", vector.refused).into());
    }
    files.insert(file.clone().into(), vector.bytes);
    Ok(json!({
        "file": file,
        "key": vector.key.name,
        "opened": inside,
        "error": error.as_ref().map(|error| error.kind().id()),
        "offset": error.as_ref().and_then(latentwire::Error::offset),
    }))
}

/// Packets of every kind.
fn opened(files: &Files) -> Result<Vec<Vector>, Failure> {
    let inside = [
        ("self-contained", "valid/f32-rank-1.lwp"),
        ("larger", "valid/default-int8-32x256.lwp"),
        ("compact", "valid/compact-large-route.lwp"),
        ("later-version", "valid/higher-minor-version.lwp"),
        ("sealed", "sealed/hmac-0.lwp"),
    ];
    let vector = |(number, (name, file)): (usize, (&'static str, &str))| {
        let bytes = encrypt(bytes_of(files, file)?, &ENVELOPE, number as u64)?;
        let opened = Some(Opened::Vector(file.into()));
        Ok(Vector { name, bytes, key: ENVELOPE, opened, refused: None })
    };
    let mut vectors: Vec<Vector> =
        inside.into_iter().enumerate().map(vector).collect::<Result<_, Failure>>()?;
    let (file, last) = ("valid/f32-rank-1.lwp", u64::MAX);
    vectors.push(Vector {
        name: "last-number",
        bytes: encrypt(bytes_of(files, file)?, &ENVELOPE, last)?,
        key: ENVELOPE,
        opened: Some(Opened::Vector(file.into())),
        refused: None,
    });
    Ok(vectors)
}

/// What someone with the key has encrypted, and what no reader reads once it is opened.
fn unsound() -> Result<Vec<Vector>, Failure> {
    let vector = |name, refused, flags: u8, content: &[u8]| {
        let plain = [&[flags][..], content].concat();
        let bytes = encrypt_content(0, &plain, &ENVELOPE, 32)?;
        let opened = Some(Opened::Unsound(packet(0, flags, content)));
        Ok::<_, Failure>(Vector { name, bytes, key: ENVELOPE, opened, refused: Some(refused) })
    };
    let nested = encrypt_content(0, &[0], &ENVELOPE, 33)?;
    let nested = nested.get(8..nested.len() - 4).unwrap_or_default();
    Ok(vec![
        vector("inside-nothing", "field.overrun", 0, &[])?,
        vector("inside-encrypted", "preamble.profile", 2, nested)?,
        vector("inside-unknown-flag", "preamble.flags", 0x10, &[0; 40])?,
        vector("inside-no-latents", "section.missing", 1, &[7, 0, 0, 0, 1])?,
    ])
}

/// What cannot be opened.
fn refused(files: &Files) -> Result<Vec<Vector>, Failure> {
    let plain = bytes_of(files, "valid/f32-rank-1.lwp")?;
    let honest = encrypt(plain, &ENVELOPE, 0)?;
    let mut vectors = Vec::new();
    let mut refuse = |id, name, bytes: Vec<u8>| {
        vectors.push(Vector { name, bytes, key: ENVELOPE, opened: None, refused: Some(id) });
    };
    // The length of the packet takes two bytes.
    let suite = 9;
    let (key_id, session, number, ciphertext) = (suite + 1, suite + 9, suite + 25, suite + 33);
    let flipped = |at: usize| {
        let mut bytes = honest.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1;
        }
        summed(&bytes)
    };
    let tag = honest.len() - 4 - 16;
    refuse("envelope.tag", "altered-minor-version", flipped(5));
    let with_byte = |at: usize, byte: u8| {
        let mut bytes = honest.clone();
        bytes.splice(at..=at, [byte]);
        summed(&bytes)
    };
    refuse("preamble.flags", "encrypted-and-bare", with_byte(6, 6));
    refuse("preamble.flags", "encrypted-with-unknown-flag", with_byte(6, 0x82));
    refuse("preamble.profile", "unknown-profile-and-flag", with_byte(6, 0x83));
    refuse("envelope.suite", "unknown-suite", with_byte(suite, 2));
    refuse("envelope.key", "altered-key-id", flipped(key_id));
    refuse("envelope.tag", "altered-session", flipped(session));
    refuse("envelope.tag", "altered-number", flipped(number));
    refuse("envelope.tag", "altered-flags-inside", flipped(ciphertext));
    refuse("envelope.tag", "altered-ciphertext", flipped(tag - 1));
    refuse("envelope.tag", "altered-tag", flipped(tag));
    let front = honest.get(suite..ciphertext).unwrap_or_default();
    let with = |content: &[u8]| packet(0, 2, content);
    let cut = |len: usize| with(front.get(..len).unwrap_or_default());
    refuse("field.overrun", "envelope-empty", cut(0));
    refuse("field.overrun", "envelope-ends-in-key-id", cut(8));
    refuse("field.overrun", "envelope-ends-in-session", cut(24));
    refuse("field.overrun", "envelope-ends-in-number", cut(32));
    refuse("field.overrun", "envelope-without-ciphertext", with(&[front, &[0; 16]].concat()));
    refuse("envelope.tag", "envelope-one-byte-left-out", {
        let content = honest.get(suite..tag - 1).unwrap_or_default();
        with(&[content, honest.get(tag..tag + 16).unwrap_or_default()].concat())
    });
    let mut damaged = honest.clone();
    flip_last(&mut damaged);
    refuse("checksum.mismatch", "encrypted-damaged", damaged);
    refuse("packet.truncated", "encrypted-cut-short", {
        honest.get(..honest.len() - 1).unwrap_or_default().to_vec()
    });
    refuse("packet.trailing_bytes", "encrypted-trailing-byte", [&honest[..], &[0]].concat());
    refuse("preamble.profile", "not-encrypted", plain.to_vec());
    vectors.extend([("wrong-key", OTHER_ENVELOPE, "envelope.tag")].map(|(name, key, id)| Vector {
        name,
        bytes: honest.clone(),
        key,
        opened: None,
        refused: Some(id),
    }));
    vectors.push(Vector {
        name: "key-of-another-id",
        bytes: honest.clone(),
        key: ENVELOPE_OF_OTHER_ID,
        opened: None,
        refused: Some("envelope.key"),
    });
    Ok(vectors)
}

fn bytes_of<'f>(files: &'f Files, name: &str) -> Result<&'f [u8], Failure> {
    Ok(files.get(Path::new(name)).ok_or_else(|| format!("there is no {name}"))?)
}
