//! Trace: the W3C trace context of the request that a message is part of.

use std::collections::BTreeSet;

use super::{read_rest, read_whole, unwritable};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::TRACE;
use crate::wire::cursor::Cursor;

/// The most bytes of a tracestate.
pub const MAX_STATE_BYTES: usize = 512;
/// The most members of a tracestate.
pub const MAX_STATE_MEMBERS: usize = 32;
/// The most bytes of a member's key, and of its value.
const MAX_MEMBER_PART: usize = 256;

/// A place in a distributed trace, as in the headers `traceparent` and `tracestate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace<'a> {
    /// Names the trace. Not all zero.
    pub trace_id: [u8; 16],
    /// Names the span that sent the message. Not all zero.
    pub parent_id: [u8; 8],
    /// [`Self::SAMPLED`], [`Self::RANDOM`], both or neither.
    pub flags: u8,
    /// What tracing systems want to hand on: `key=value`, separated by commas without spaces. May
    /// be empty.
    pub state: &'a str,
}

impl<'a> Trace<'a> {
    /// The type of the section.
    pub const TYPE: u16 = TRACE;
    /// A flag: the sender may have recorded the trace.
    pub const SAMPLED: u8 = 0x01;
    /// A flag: the last seven bytes of the trace id are random.
    pub const RANDOM: u8 = 0x02;

    /// The body of the section.
    pub fn encode(&self) -> Result<Vec<u8>> {
        for id in [&self.trace_id[..], &self.parent_id] {
            if is_zero(id) {
                return Err(unwritable(ID_RULE, "only zeros"));
            }
        }
        if self.flags & RESERVED_FLAGS != 0 {
            return Err(unwritable(FLAGS_RULE, format!("{:#010b}", self.flags)));
        }
        if let Some((at, rule)) = state_fault(self.state) {
            let found = format!("{:?} at byte {at}", self.state);
            return Err(unwritable(format!("a tracestate with {rule}"), found));
        }
        let flags = [self.flags];
        let parts = [&self.trace_id[..], &self.parent_id, &flags, self.state.as_bytes()];
        Ok(parts.concat())
    }

    /// Reads the body of a section that begins at byte `base_offset` of its packet.
    pub fn decode(body: &'a [u8], base_offset: usize, _limits: &Limits) -> Result<Self> {
        read_whole(body, base_offset, |cursor| {
            let trace_id = read_id(cursor)?;
            let parent_id = read_id(cursor)?;
            let flags_at = cursor.at();
            let flags = cursor.byte()?;
            if flags & RESERVED_FLAGS != 0 {
                let found = format!("{flags:#010b}");
                return Err(Error::at(ErrorKind::TraceFlags, flags_at, FLAGS_RULE, found));
            }
            Ok(Self { trace_id, parent_id, flags, state: read_state(cursor)? })
        })
    }
}

const RESERVED_FLAGS: u8 = !(Trace::SAMPLED | Trace::RANDOM);
const FLAGS_RULE: &str = "bits 2 to 7 clear";
const ID_RULE: &str = "an id other than zero";

fn is_zero(id: &[u8]) -> bool {
    id.iter().all(|&byte| byte == 0)
}

fn read_id<const N: usize>(cursor: &mut Cursor<'_>) -> Result<[u8; N]> {
    let at = cursor.at();
    let id = cursor.array()?;
    if is_zero(&id) {
        return Err(Error::at(ErrorKind::TraceId, at, ID_RULE, "only zeros"));
    }
    Ok(id)
}

fn read_state<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str> {
    let at = cursor.at();
    // Before the text is looked at, so that the work is bounded by more than the packet.
    if cursor.remaining() > MAX_STATE_BYTES {
        let found = cursor.remaining().to_string();
        return Err(Error::at(ErrorKind::TraceState, at, STATE_LENGTH_RULE, found));
    }
    let state = read_rest(cursor)?;
    match state_fault(state) {
        None => Ok(state),
        Some((fault, rule)) => {
            let found = format!("{:?}", state.get(fault..).unwrap_or_default());
            Err(Error::at(ErrorKind::TraceState, at.saturating_add(fault), rule, found))
        }
    }
}

const STATE_LENGTH_RULE: &str = "at most 512 bytes";

/// Where a tracestate breaks a rule, and which.
///
/// The grammar is that of W3C Trace Context, Level 2, less what it lets a header add without a
/// meaning: spaces around commas and empty members.
fn state_fault(state: &str) -> Option<(usize, &'static str)> {
    if state.len() > MAX_STATE_BYTES {
        return Some((MAX_STATE_BYTES, STATE_LENGTH_RULE));
    }
    if state.is_empty() {
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut at = 0;
    for (index, member) in state.split(',').enumerate() {
        if index == MAX_STATE_MEMBERS {
            return Some((at, "at most 32 members"));
        }
        let Some((key, value)) = member.split_once('=') else {
            return Some((at, "members of the form key=value"));
        };
        if !is_key(key) {
            return Some((at, "keys of 1 to 256 of a-z 0-9 _ - * / @, the first a-z or 0-9"));
        }
        if !is_value(value) {
            let rule = "values of 1 to 256 printable ASCII but , and =, the last no space";
            return Some((at + key.len() + 1, rule));
        }
        if !seen.insert(key) {
            return Some((at, "distinct keys"));
        }
        at += member.len() + 1;
    }
    None
}

fn is_key(key: &str) -> bool {
    let starts = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= MAX_MEMBER_PART
        && key.as_bytes().first().is_some_and(starts)
        && key.bytes().all(|byte| starts(&byte) || b"_-*/@".contains(&byte))
}

fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    value.len() <= MAX_MEMBER_PART
        && value.bytes().all(allowed)
        && value.bytes().last().is_some_and(|byte| byte != b' ')
}
