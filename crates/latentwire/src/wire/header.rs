//! The header in its two profiles: self-contained, readable by anyone at any time, and compact, where
//! a number stands for what both ends know.

use super::cursor::{Cursor, is_name, name_rule, put_varint, varint_len};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Header, MessageId, ModelRef, SpaceRef};

/// The marker before the receiver: none follows, anyone may read.
const RECEIVER_ANY: u8 = 0;
/// The marker before the receiver: it follows.
const RECEIVER_NAMED: u8 = 1;

/// Whose message it is, as its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address<'a> {
    /// In full.
    SelfContained(Header<'a>),
    /// By what both ends have agreed on.
    Compact {
        /// Which message of its route.
        message_number: u32,
        /// The number of the [`Route`](crate::Route).
        route: u32,
    },
}

impl<'a> Address<'a> {
    /// The header in full, if this packet has it.
    #[must_use]
    pub fn header(&self) -> Option<&Header<'a>> {
        match self {
            Self::SelfContained(header) => Some(header),
            Self::Compact { .. } => None,
        }
    }
}

pub(crate) fn read_compact<'a>(cursor: &mut Cursor<'a>) -> Result<Address<'a>> {
    let message_number = u32::from_le_bytes(cursor.array()?);
    Ok(Address::Compact { message_number, route: cursor.varint()? })
}

pub(crate) fn write_compact(out: &mut Vec<u8>, message_number: u32, route: u32) {
    out.extend_from_slice(&message_number.to_le_bytes());
    put_varint(out, route);
}

/// Bytes that [`write_compact`] appends.
pub(crate) fn compact_len(route: u32) -> usize {
    4 + varint_len(route)
}

pub(crate) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Header<'a>> {
    let message_id = MessageId(cursor.array()?);
    let sender = read_model(cursor)?;
    let marker_at = cursor.at();
    let receiver = match cursor.byte()? {
        RECEIVER_ANY => None,
        RECEIVER_NAMED => Some(read_model(cursor)?),
        other => {
            let (expected, found) = ("0 (anyone) or 1 (named)", other.to_string());
            return Err(Error::at(ErrorKind::HeaderReceiver, marker_at, expected, found));
        }
    };
    let space = SpaceRef { fingerprint: cursor.fingerprint()?, name: cursor.text(false)? };
    Ok(Header { message_id, sender, receiver, space })
}

fn read_model<'a>(cursor: &mut Cursor<'a>) -> Result<ModelRef<'a>> {
    Ok(ModelRef {
        fingerprint: cursor.fingerprint()?,
        name: cursor.text(false)?,
        revision: cursor.text(true)?,
    })
}

/// Appends `header`, whose names [`check`] has allowed.
pub(crate) fn write(out: &mut Vec<u8>, header: &Header<'_>) {
    out.extend_from_slice(&header.message_id.0);
    write_model(out, &header.sender);
    match &header.receiver {
        None => out.push(RECEIVER_ANY),
        Some(receiver) => {
            out.push(RECEIVER_NAMED);
            write_model(out, receiver);
        }
    }
    out.extend_from_slice(&header.space.fingerprint.0);
    write_text(out, header.space.name);
}

fn write_model(out: &mut Vec<u8>, model: &ModelRef<'_>) {
    out.extend_from_slice(&model.fingerprint.0);
    write_text(out, model.name);
    write_text(out, model.revision);
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

/// Refuses names that the header cannot hold.
pub(crate) fn check(header: &Header<'_>) -> Result<()> {
    let models = [Some(&header.sender), header.receiver.as_ref()];
    let names = models.into_iter().flatten().flat_map(|model| {
        let (name, revision) = (model.name, model.revision);
        [("model name", name, false), ("model revision", revision, true)]
    });
    let space_name = ("space name", header.space.name, false);
    for (what, text, may_be_empty) in names.chain([space_name]) {
        if !is_name(text, may_be_empty) {
            let expected = format!("a {what} of {}", name_rule(may_be_empty));
            let found = format!("{text:?}");
            return Err(Error::nowhere(ErrorKind::MessageName, expected, found));
        }
    }
    Ok(())
}

/// Bytes that [`write()`] appends.
pub(crate) fn len(header: &Header<'_>) -> usize {
    let model = |model: &ModelRef<'_>| 16 + 1 + model.name.len() + 1 + model.revision.len();
    let receiver = 1 + header.receiver.as_ref().map_or(0, model);
    16 + model(&header.sender) + receiver + 16 + 1 + header.space.name.len()
}
