//! What is sealed: letters with two tensors and sections on both sides of a seal, each with content of
//! its own, and the sessions in which they are sent.

use latentwire::sections::{Metadata, Value};
use latentwire::{
    EncodeOptions, Fingerprint, Latents, METADATA, Message, ModelRef, Route, Section,
};

use crate::Failure;
use crate::keys::{BLAKE3, ED25519, HMAC};
use crate::seal::Session;
use crate::valid::{ROUTE, coded, holding, named, uniform};

/// That of all letters, which can be self-contained just as well.
pub(super) const LETTERS: Route<'static> = Route {
    id: 5,
    receiver: Some(ModelRef {
        fingerprint: Fingerprint([0x33; 16]),
        name: "tiny-qwen",
        revision: "2026-11-24",
    }),
    ..ROUTE
};

pub(super) const BY_HMAC: Session = Session { key: HMAC, id: *b"session of hmac " };
pub(super) const BY_HMAC_LATER: Session = Session { key: HMAC, id: *b"session 2 (hmac)" };
pub(super) const BY_BLAKE3: Session = Session { key: BLAKE3, id: *b"session of blake" };
pub(super) const BY_ED25519: Session = Session { key: ED25519, id: *b"session of ed255" };

/// Rows of the two tensors of a letter.
pub(super) const ROWS: [u32; 2] = [4, 5];

pub(super) fn letter(number: u32) -> Result<Vec<u8>, Failure> {
    let text = format!("letter {number}");
    let metadata = Metadata([("subject", Value::Text(&text))].into_iter().collect()).encode()?;
    let sections = vec![
        Section { section_type: METADATA, body: &metadata },
        Section { section_type: 8, body: b"of a later version" },
        Section { section_type: 4100, body: b"one" },
        Section { section_type: 4100, body: b"two" },
    ];
    let [rows, code_rows] = ROWS.map(|rows| rows as usize);
    let latents = vec![
        named("", &other_numbers(number, &[rows, 6])?),
        named("codes", &coded(&[code_rows, 3], 5)?),
    ];
    let message = Message { header: LETTERS.header(number), latents, sections };
    Ok(message.encode(&EncodeOptions::default())?)
}

/// The packet of a message on the route of the letters.
pub(super) fn addressed(
    message: Message<'static>,
    options: &EncodeOptions<'_>,
) -> Result<Vec<u8>, Failure> {
    Ok(Message { header: LETTERS.header(0), ..message }.encode(options)?)
}

/// Numbers that no letter before this one has.
fn other_numbers(number: u32, extents: &[usize]) -> Result<Message<'static>, Failure> {
    let count: usize = extents.iter().product();
    let all = uniform(&[(number as usize + 1) * count], 1.0)?;
    let numbers = all.latents.iter().filter_map(|latents: &Latents<'_>| latents.values.numbers());
    let numbers: Vec<_> = numbers.flatten().copied().skip(number as usize * count).collect();
    holding(extents, &numbers)
}
