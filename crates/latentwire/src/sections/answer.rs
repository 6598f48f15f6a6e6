//! The answer space: what the sender expects an answer to look like.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::{put_bytes, read_items, read_rest, read_text, read_whole, unwritable};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::ANSWER_SPACE;
use crate::wire::cursor::{Cursor, put_varint};

const CHOICES: u8 = 0;
const SCHEMA: u8 = 1;
const FREE: u8 = 2;

/// What an answer may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerSpace<'a> {
    /// One of these, in the sender's order: at least one, none empty, none twice.
    Choices(Vec<&'a str>),
    /// JSON that this JSON Schema allows. Not parsed here, at least one byte.
    Schema(&'a str),
    /// Any text, of at most so many tokens of the receiver where a bound is given.
    Free {
        /// The bound.
        max_tokens: Option<NonZeroU32>,
    },
}

impl<'a> AnswerSpace<'a> {
    /// The type of the section.
    pub const TYPE: u16 = ANSWER_SPACE;

    /// The body of the section.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::Choices(choices) => {
                if choices.is_empty() {
                    return Err(unwritable("at least one choice", "none"));
                }
                out.push(CHOICES);
                let mut seen = BTreeSet::new();
                for choice in choices {
                    if choice.is_empty() || !seen.insert(choice) {
                        return Err(unwritable(CHOICE_RULE, format!("{choice:?}")));
                    }
                    put_bytes(&mut out, choice.as_bytes())?;
                }
            }
            Self::Schema(schema) => {
                if schema.is_empty() {
                    return Err(unwritable("a schema of at least one byte", "none"));
                }
                out.push(SCHEMA);
                out.extend_from_slice(schema.as_bytes());
            }
            Self::Free { max_tokens } => {
                out.push(FREE);
                put_varint(&mut out, max_tokens.map_or(0, NonZeroU32::get));
            }
        }
        Ok(out)
    }

    /// Reads the body of a section that begins at byte `base_offset` of its packet.
    pub fn decode(body: &'a [u8], base_offset: usize, limits: &Limits) -> Result<Self> {
        read_whole(body, base_offset, |cursor| {
            let at = cursor.at();
            match cursor.byte()? {
                CHOICES => read_choices(cursor, limits).map(Self::Choices),
                SCHEMA => read_schema(cursor).map(Self::Schema),
                FREE => Ok(Self::Free { max_tokens: NonZeroU32::new(cursor.varint()?) }),
                other => {
                    let expected = "0 (choices), 1 (schema) or 2 (free text)";
                    Err(Error::at(ErrorKind::AnswerKind, at, expected, other.to_string()))
                }
            }
        })
    }
}

const CHOICE_RULE: &str = "distinct choices of at least one byte";

fn read_choices<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Vec<&'a str>> {
    let mut choices = Vec::new();
    let mut seen = BTreeSet::new();
    read_items(cursor, limits, |cursor| {
        let at = cursor.at();
        let choice = read_text(cursor)?;
        if choice.is_empty() || !seen.insert(choice) {
            let found = format!("{choice:?}");
            return Err(Error::at(ErrorKind::AnswerChoice, at, CHOICE_RULE, found));
        }
        choices.push(choice);
        Ok(())
    })?;
    Ok(choices)
}

fn read_schema<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str> {
    if cursor.remaining() == 0 {
        let (expected, found) = ("at least 1 byte of schema", "0 left");
        return Err(Error::at(ErrorKind::FieldOverrun, cursor.at(), expected, found));
    }
    read_rest(cursor)
}
