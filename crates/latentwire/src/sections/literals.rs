//! Literals: spans of the source that must arrive exactly, which latents do not promise.

use super::{put_bytes, read_items, read_text, read_whole, unwritable};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wire::LITERALS;
use crate::wire::cursor::{Cursor, put_varint};

/// What a span is, so that a receiver knows how to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LiteralKind {
    /// Whatever has no kind of its own.
    Other,
    /// A number, with its unit or currency if they belong together.
    Number,
    /// The name of somebody or something.
    Name,
    /// Code, a command, a path, an identifier.
    Code,
    /// A URL or another address.
    Url,
    /// A date, a time or both.
    Date,
    /// Words to be repeated as they are.
    Quote,
}

impl LiteralKind {
    /// Every kind, by code.
    pub const ALL: &[Self] =
        &[Self::Other, Self::Number, Self::Name, Self::Code, Self::Url, Self::Date, Self::Quote];
    const CODES: &str = "0 (other), 1 (number), 2 (name), 3 (code), 4 (url), 5 (date) or 6 (quote)";

    /// The name used in text, for example `number`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Number => "number",
            Self::Name => "name",
            Self::Code => "code",
            Self::Url => "url",
            Self::Date => "date",
            Self::Quote => "quote",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    const fn code(self) -> u8 {
        match self {
            Self::Other => 0,
            Self::Number => 1,
            Self::Name => 2,
            Self::Code => 3,
            Self::Url => 4,
            Self::Date => 5,
            Self::Quote => 6,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// One span of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Literal<'a> {
    /// What it is.
    pub kind: LiteralKind,
    /// The byte of the source, as UTF-8, at which it begins.
    pub position: u32,
    /// The span itself, at least one byte.
    pub text: &'a str,
}

impl Literal<'_> {
    /// One past its last byte in the source; `None` if that is beyond 32 bits.
    fn end(&self) -> Option<u32> {
        self.position.checked_add(u32::try_from(self.text.len()).ok()?)
    }
}

/// Spans of the source in the order of the source, at least one, none overlapping another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literals<'a>(pub Vec<Literal<'a>>);

impl<'a> Literals<'a> {
    /// The type of the section.
    pub const TYPE: u16 = LITERALS;

    /// The body of the section.
    pub fn encode(&self) -> Result<Vec<u8>> {
        if self.0.is_empty() {
            return Err(unwritable("at least one literal", "none"));
        }
        let mut out = Vec::new();
        let mut previous_end = 0;
        for literal in &self.0 {
            let (position, text) = (literal.position, literal.text);
            let end = literal.end().filter(|&end| end > position).ok_or_else(|| {
                let found = format!("{} bytes at {position}", text.len());
                unwritable("literals of at least one byte that end below 2^32", found)
            })?;
            let gap = position.checked_sub(previous_end).ok_or_else(|| {
                let expected = format!("a literal at {previous_end} or after");
                unwritable(expected, format!("{text:?} at {position}"))
            })?;
            out.push(literal.kind.code());
            put_varint(&mut out, gap);
            put_bytes(&mut out, text.as_bytes())?;
            previous_end = end;
        }
        Ok(out)
    }

    /// Reads the body of a section that begins at byte `base_offset` of its packet.
    pub fn decode(body: &'a [u8], base_offset: usize, limits: &Limits) -> Result<Self> {
        read_whole(body, base_offset, |cursor| {
            let mut literals = Vec::new();
            let mut previous_end = 0;
            read_items(cursor, limits, |cursor| {
                let (literal, end) = read_literal(cursor, previous_end)?;
                literals.push(literal);
                previous_end = end;
                Ok(())
            })?;
            Ok(Self(literals))
        })
    }

    /// Whether every literal stands in `source` where it says: a packet whose text says 42 and
    /// whose literals say 43 would mean one thing to one reader and another to the next.
    pub fn check_against(&self, source: &str) -> Result<()> {
        let stands = |literal: &&Literal<'_>| {
            let rest = source.as_bytes().get(literal.position as usize..);
            rest.is_some_and(|rest| rest.starts_with(literal.text.as_bytes()))
        };
        let Some(stray) = self.0.iter().find(|literal| !stands(literal)) else { return Ok(()) };
        let expected = format!("{:?} at byte {} of the source", stray.text, stray.position);
        Err(Error::nowhere(ErrorKind::LiteralsSource, expected, "something else"))
    }
}

/// Reads one literal and gives the byte of the source after it.
fn read_literal<'a>(cursor: &mut Cursor<'a>, previous_end: u32) -> Result<(Literal<'a>, u32)> {
    let at = cursor.at();
    let code = cursor.byte()?;
    let kind = LiteralKind::from_code(code).ok_or_else(|| {
        Error::at(ErrorKind::LiteralsKind, at, LiteralKind::CODES, code.to_string())
    })?;
    let gap_at = cursor.at();
    // Counted from the end of the literal before it, an overlap cannot be written.
    let gap = cursor.varint()?;
    let length_at = cursor.at();
    let text = read_text(cursor)?;
    if text.is_empty() {
        return Err(Error::at(ErrorKind::LiteralsSpan, length_at, "at least 1 byte", "0"));
    }
    let beyond = || {
        let found = format!("{} bytes, {gap} after {previous_end}", text.len());
        Error::at(ErrorKind::LiteralsSpan, gap_at, "an end below 2^32", found)
    };
    let position = previous_end.checked_add(gap).ok_or_else(beyond)?;
    let literal = Literal { kind, position, text };
    let end = literal.end().ok_or_else(beyond)?;
    Ok((literal, end))
}
