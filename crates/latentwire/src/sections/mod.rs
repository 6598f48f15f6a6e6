//! What may stand beside the latents: literals, text, answer space, metadata, trace. One file a
//! section, each a typed value and its one body.
//!
//! All are ancillary and stand at most once in a packet. [`Packet::parse`](crate::Packet::parse)
//! does not look into them, and whoever passes a packet on carries them as they are; whoever uses
//! one reads it with its `decode`, which borrows from the packet and refuses whatever its `encode`
//! would not have written.
//!
//! ```
//! use latentwire::Limits;
//! use latentwire::sections::{Literal, LiteralKind, Literals};
//!
//! let source = "invoice 4711 is due";
//! let number = Literal { kind: LiteralKind::Number, position: 8, text: "4711" };
//! let body = Literals(vec![number]).encode()?;
//! assert_eq!(body, b"\x01\x08\x044711");
//!
//! let received = Literals::decode(&body, 0, &Limits::default())?;
//! received.check_against(source)?;
//! assert_eq!(received.0, [number]);
//! # Ok::<(), latentwire::Error>(())
//! ```

mod answer;
mod literals;
mod metadata;
mod text;
mod trace;

pub use answer::AnswerSpace;
pub use literals::{Literal, LiteralKind, Literals};
pub use metadata::{Metadata, Value};
pub use text::Text;
pub use trace::{MAX_STATE_BYTES, MAX_STATE_MEMBERS, Trace};

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::Packet;
use crate::wire::cursor::{Cursor, put_varint};

/// Whether `body` may stand in a section of this type. A type that this version gives no meaning
/// may have any body.
///
/// `offset` is where the body begins in its packet: findings are counted from there.
pub fn check(section_type: u16, body: &[u8], offset: usize, limits: &Limits) -> Result<()> {
    match section_type {
        Literals::TYPE => Literals::decode(body, offset, limits).map(drop),
        Text::TYPE => Text::decode(body, offset, limits).map(drop),
        AnswerSpace::TYPE => AnswerSpace::decode(body, offset, limits).map(drop),
        Metadata::TYPE => Metadata::decode(body, offset, limits).map(drop),
        Trace::TYPE => Trace::decode(body, offset, limits).map(drop),
        _ => Ok(()),
    }
}

impl Packet<'_> {
    /// Reads the bodies of all known sections beside the latents, and whether literals stand in the
    /// text where they say. Parsing a packet does not: a host that only uses the latents is not to
    /// fail on what it does not need.
    pub fn check_sections(&self, limits: &Limits) -> Result<()> {
        for info in self.sections() {
            check(info.section_type, info.body(self.as_bytes()), info.offset, limits)?;
        }
        let find = |wanted| self.sections().iter().find(|info| info.section_type == wanted);
        let (Some(literals), Some(text)) = (find(Literals::TYPE), find(Text::TYPE)) else {
            return Ok(());
        };
        let text = Text::decode(text.body(self.as_bytes()), text.offset, limits)?;
        let body = literals.body(self.as_bytes());
        Literals::decode(body, literals.offset, limits)?.check_against(&text.0)
    }
}

/// Reads a body with `read`, which must use it up: bytes that nobody reads would be a place to
/// hide something in. `read` counts from the start of the body, its findings are made to count
/// from the start of the packet.
fn read_whole<'a, T>(
    body: &'a [u8],
    base_offset: usize,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T>,
) -> Result<T> {
    let mut cursor = Cursor::arriving(body).within(body.len());
    let value = read(&mut cursor).and_then(|value| match cursor.remaining() {
        0 => Ok(value),
        left => {
            let (expected, found) = ("the end of the section", format!("{left} more bytes"));
            Err(Error::at(ErrorKind::SectionTrailing, cursor.at(), expected, found))
        }
    });
    value.map_err(|error| error.moved_by(base_offset))
}

/// Reads items up to the end of the body: at least one, since an empty list would be a second way
/// to leave the section out. No field says how many there are, so none can lie about it.
fn read_items<'a>(
    cursor: &mut Cursor<'a>,
    limits: &Limits,
    mut read: impl FnMut(&mut Cursor<'a>) -> Result<()>,
) -> Result<()> {
    for _ in 0..limits.items() {
        read(cursor)?;
        if cursor.remaining() == 0 {
            return Ok(());
        }
    }
    let expected = format!("at most {}", limits.items());
    Err(Error::at(ErrorKind::LimitItems, cursor.at(), expected, "one more"))
}

/// Reads a length, then so many bytes.
fn read_bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let length = cursor.varint()?;
    cursor.take(length as usize)
}

/// Reads a length, then so many bytes of UTF-8.
fn read_text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str> {
    let bytes = read_bytes(cursor)?;
    utf8(bytes, cursor.at().saturating_sub(bytes.len()))
}

/// Reads UTF-8 up to the end of the body.
fn read_rest<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str> {
    let at = cursor.at();
    utf8(cursor.take(cursor.remaining())?, at)
}

/// `bytes`, which begin at byte `at`, as text.
fn utf8(bytes: &[u8], at: usize) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let bad = error.valid_up_to();
        let found = bytes.get(bad).map_or("the end".into(), |byte| format!("{byte:#04x}"));
        Error::at(ErrorKind::SectionUtf8, at.saturating_add(bad), "UTF-8", found)
    })
}

/// Appends the length of `bytes` and `bytes`.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| {
        let (expected, found) = ("fields of at most 2^32 - 1 bytes", bytes.len().to_string());
        Error::nowhere(ErrorKind::MessageSize, expected, found)
    })?;
    put_varint(out, length);
    out.extend_from_slice(bytes);
    Ok(())
}

/// A value that has no body.
#[cold]
fn unwritable(
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> Error {
    Error::nowhere(ErrorKind::MessageSection, expected, found)
}

#[cfg(test)]
pub(crate) mod tests;
