//! Metadata: what else there is to say, as keys and values.

use std::collections::BTreeMap;

use super::{put_bytes, read_bytes, read_items, read_text, read_whole, unwritable};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::METADATA;
use crate::wire::cursor::{Cursor, is_name, name_rule};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;
const TYPES: &str = "0 (null), 1 (false), 2 (true), 3 (integer), 4 (float), 5 (text) or 6 (bytes)";

/// The most bytes that a varint of 64 bits takes.
const MAX_INTEGER_BYTES: u32 = 10;

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Known to have no value.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A finite number. Zero has one encoding: a negative one is written as +0.
    Float(f64),
    /// Text, may be empty.
    Text(&'a str),
    /// Bytes, may be none.
    Bytes(&'a [u8]),
}

/// At least one value, by keys of 1 to 255 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata<'a>(pub BTreeMap<&'a str, Value<'a>>);

impl<'a> Metadata<'a> {
    /// The type of the section.
    pub const TYPE: u16 = METADATA;

    /// The body of the section.
    pub fn encode(&self) -> Result<Vec<u8>> {
        if self.0.is_empty() {
            return Err(unwritable("at least one key", "none"));
        }
        let mut out = Vec::new();
        for (key, value) in &self.0 {
            if !is_name(key, false) {
                let expected = format!("keys of {}", name_rule(false));
                return Err(unwritable(expected, format!("{key:?}")));
            }
            out.push(key.len() as u8);
            out.extend_from_slice(key.as_bytes());
            write_value(&mut out, *value)?;
        }
        Ok(out)
    }

    /// Reads the body of a section that begins at byte `base_offset` of its packet.
    pub fn decode(body: &'a [u8], base_offset: usize, limits: &Limits) -> Result<Self> {
        read_whole(body, base_offset, |cursor| {
            let mut entries = BTreeMap::new();
            let mut previous = "";
            read_items(cursor, limits, |cursor| {
                let at = cursor.at();
                let key = read_key(cursor)?;
                if key <= previous {
                    let expected = format!("a key after {previous:?}");
                    return Err(Error::at(
                        ErrorKind::MetadataOrder,
                        at,
                        expected,
                        format!("{key:?}"),
                    ));
                }
                entries.insert(key, read_value(cursor)?);
                previous = key;
                Ok(())
            })?;
            Ok(Self(entries))
        })
    }
}

fn read_key<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str> {
    let at = cursor.at();
    let length = cursor.byte()?;
    let key = std::str::from_utf8(cursor.take(length.into())?).ok();
    key.filter(|key| is_name(key, false)).ok_or_else(|| {
        let found = key.map_or("other bytes".into(), |key| format!("{key:?}"));
        Error::at(ErrorKind::MetadataKey, at, name_rule(false), found)
    })
}

fn read_value<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>> {
    let at = cursor.at();
    Ok(match cursor.byte()? {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INTEGER => Value::Integer(read_integer(cursor)?),
        FLOAT => Value::Float(read_float(cursor)?),
        TEXT => Value::Text(read_text(cursor)?),
        BYTES => Value::Bytes(read_bytes(cursor)?),
        other => {
            return Err(Error::at(ErrorKind::MetadataType, at, TYPES, other.to_string()));
        }
    })
}

fn write_value(out: &mut Vec<u8>, value: Value<'_>) -> Result<()> {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Integer(value) => {
            out.push(INTEGER);
            put_integer(out, value);
        }
        Value::Float(value) if value.is_finite() => {
            out.push(FLOAT);
            // Adding +0 leaves every number as it is but makes -0 a +0.
            out.extend_from_slice(&(value + 0.0).to_le_bytes());
        }
        Value::Float(value) => return Err(unwritable("finite numbers", value.to_string())),
        Value::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes())?;
        }
        Value::Bytes(bytes) => {
            out.push(BYTES);
            put_bytes(out, bytes)?;
        }
    }
    Ok(())
}

fn read_float(cursor: &mut Cursor<'_>) -> Result<f64> {
    let at = cursor.at();
    let value = f64::from_le_bytes(cursor.array()?);
    if value.is_finite() && value.to_bits() != (-0.0_f64).to_bits() {
        return Ok(value);
    }
    let (expected, found) = ("a finite number, zero as +0", value.to_string());
    Err(Error::at(ErrorKind::MetadataValue, at, expected, found))
}

/// A varint of 64 bits, the sign in its lowest bit: 0, -1, 1, -2, .. are 0, 1, 2, 3, ..
fn read_integer(cursor: &mut Cursor<'_>) -> Result<i64> {
    let at = cursor.at();
    let mut folded = 0_u128;
    for index in 0..MAX_INTEGER_BYTES {
        let byte = cursor.byte()?;
        folded |= u128::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                let (expected, found) = ("a last byte above zero", format!("{} bytes", index + 1));
                return Err(Error::at(ErrorKind::VarintNotMinimal, at, expected, found));
            }
            return u64::try_from(folded).map(unfold).map_err(|_| {
                Error::at(ErrorKind::VarintOverflow, at, "at most 2^64 - 1", folded.to_string())
            });
        }
    }
    Err(Error::at(ErrorKind::VarintOverflow, at, "at most 10 bytes", "more"))
}

fn put_integer(out: &mut Vec<u8>, value: i64) {
    let mut folded = fold(value);
    while folded >= 0x80 {
        out.push((folded & 0x7F) as u8 | 0x80);
        folded >>= 7;
    }
    out.push(folded as u8);
}

const fn fold(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unfold(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
}
