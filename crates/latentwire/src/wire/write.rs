//! From a message to its one packet.

use std::borrow::Cow;
use std::collections::HashSet;

use super::cursor::{is_name, name_rule};
use super::draft::{Draft, Payload, Piece, Tensor};
use super::header::{self, Address};
use super::latents::{Format, Front, is_codebook};
use super::stage::{self, Staged};
use super::{LATENTS, MAX_TYPE, SEAL};
use crate::codec::{self, Choice, Encoding, Granularity, Stage};
use crate::entropy::EntropyTables;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Latents, Message, Section, Values};
use crate::resources::Dictionary;
use crate::route::Route;

/// Which lossless stage to try over the payload; it is kept only if it makes the payload smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression<'a> {
    /// Store the payload as it is.
    #[default]
    None,
    /// zstd at this level (1 to 22).
    Zstd {
        /// 1 is fastest, 22 smallest.
        level: i32,
    },
    /// zstd with a dictionary that the reader has too.
    ZstdDictionary {
        /// 1 is fastest, 22 smallest.
        level: i32,
        /// The dictionary.
        dictionary: &'a Dictionary,
    },
    /// The entropy coder with the tables of the latent space, for codes. Where a packet's codes have
    /// other tables, [`Auto`](Self::Auto) leaves the stage out instead of refusing.
    Entropy(&'a EntropyTables),
    /// Whatever is smallest: stored, zstd with a dictionary or without, or the entropy coder where
    /// tables fit.
    Auto {
        /// Of zstd: 1 is fastest, 22 smallest.
        level: i32,
        /// Dictionaries that the reader has too.
        dictionaries: &'a [Dictionary],
        /// Tables of the latent space, each for another kind of codes.
        tables: &'a [EntropyTables],
    },
}

/// The level at which zstd is tried where none is given.
pub(crate) const ZSTD_LEVEL: i32 = 9;

/// How to write a message.
///
/// ```
/// use latentwire::{Compression, EncodeOptions, Encoding};
///
/// let options = EncodeOptions::default();
/// assert_eq!((options.encoding(), options.compression()), (Encoding::Int8, Compression::None));
/// let exact = options.with_encoding(Encoding::F32);
/// assert_eq!(exact.encoding(), Encoding::F32);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions<'a> {
    encoding: Encoding,
    granularity: Granularity,
    asymmetric: bool,
    compression: Compression<'a>,
}

impl Default for EncodeOptions<'_> {
    /// int8, a scale a row, stored.
    fn default() -> Self {
        Self {
            encoding: Encoding::Int8,
            granularity: Granularity::Row,
            asymmetric: false,
            compression: Compression::None,
        }
    }
}

impl<'a> EncodeOptions<'a> {
    /// How the numbers are written.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The same options with another encoding.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Which numbers share a scale.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The same options with scales shared by other numbers; for encodings that have scales.
    #[must_use]
    pub const fn with_granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }

    /// Whether codes span from the least number to the largest, with a zero point.
    #[must_use]
    pub const fn asymmetric(&self) -> bool {
        self.asymmetric
    }

    /// The same options with or without zero points; for int8, int4 and int2.
    #[must_use]
    pub const fn with_asymmetric(mut self, asymmetric: bool) -> Self {
        self.asymmetric = asymmetric;
        self
    }

    /// Whether a lossless stage is tried.
    #[must_use]
    pub const fn compression(&self) -> Compression<'a> {
        self.compression
    }

    /// The same options with another lossless stage.
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression<'a>) -> Self {
        self.compression = compression;
        self
    }
}

impl EncodeOptions<'_> {
    /// The codes of a tensor as these options write them, one symbol a byte: what entropy tables for
    /// such messages are fitted to, with
    /// [`EntropyTables::fit`](crate::EntropyTables::fit). How many symbols there can be is in
    /// [`Self::alphabet`].
    pub fn symbols(&self, latents: &Latents<'_>) -> Result<Vec<u8>> {
        let stored = self.with_compression(Compression::None);
        let tensor = prepare(latents, None, &stored)?;
        let (format, raw) = (tensor.front.format, tensor.raw());
        if !format.has_symbols() {
            let expected = "quantized numbers, or indices into at most 256 entries";
            return Err(Error::nowhere(ErrorKind::MessageEntropy, expected, format.name()));
        }
        Ok(format.symbols(&latents.shape).of_raw(&raw))
    }

    /// How many different symbols the codes of numbers have; `None` if the encoding has no codes.
    #[must_use]
    pub fn alphabet(&self) -> Option<usize> {
        codec::alphabet(self.encoding, self.asymmetric)
    }
}

impl Message<'_> {
    /// Writes the message as a self-contained packet. The same message and options give the same
    /// bytes on every platform.
    pub fn encode(&self, options: &EncodeOptions<'_>) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.encode_to(options, &mut out).map(|()| out)
    }

    /// The same at the end of `out`, which is left as it is if the message cannot be written.
    ///
    /// Memory that is used again is faster than new memory: whoever writes many packets clears `out`
    /// after each.
    pub fn encode_to(&self, options: &EncodeOptions<'_>, out: &mut Vec<u8>) -> Result<()> {
        header::check(&self.header)?;
        self.draft(Address::SelfContained(self.header), None, options)?.write_to(out)
    }

    /// Writes the message as a compact packet of a route, which its header must be one of.
    pub fn encode_on(&self, route: &Route<'_>, options: &EncodeOptions<'_>) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.encode_on_to(route, options, &mut out).map(|()| out)
    }

    /// The same at the end of `out`: see [`Self::encode_to`].
    pub fn encode_on_to(
        &self,
        route: &Route<'_>,
        options: &EncodeOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let message_number = route.message_number(&self.header)?;
        let address = Address::Compact { message_number, route: route.id };
        self.draft(address, Some(route), options)?.write_to(out)
    }

    fn draft<'a>(
        &'a self,
        address: Address<'a>,
        route: Option<&Route<'_>>,
        options: &EncodeOptions<'_>,
    ) -> Result<Draft<'a>> {
        self.check_names()?;
        let tensors = self.latents.iter().map(|latents| prepare(latents, route, options));
        Ok(Draft {
            address,
            tensors: tensors.collect::<Result<_>>()?,
            sections: self.sections_in_order()?,
        })
    }

    /// There are latents, and their names tell them apart.
    fn check_names(&self) -> Result<()> {
        let refuse = |kind, expected: &'static str, found: String| {
            Err(Error::nowhere(kind, expected, found))
        };
        if self.latents.is_empty() {
            return refuse(ErrorKind::MessageShape, "latents", "none".into());
        }
        let mut names = HashSet::new();
        for (index, Latents { name, .. }) in self.latents.iter().enumerate() {
            if !is_name(name, true) {
                return refuse(ErrorKind::MessageName, name_rule(true), format!("{name:?}"));
            }
            // A lone name has none beside it; most messages are spared the set.
            let is_repeated = self.latents.len() > 1 && !names.insert(*name);
            if name.is_empty() && index > 0 && !is_repeated {
                let expected = "the tensor without a name before those with one";
                return refuse(ErrorKind::MessageName, expected, format!("it at place {index}"));
            }
            if is_repeated {
                let expected = "tensors of different names";
                return refuse(ErrorKind::MessageName, expected, format!("{name:?} twice"));
            }
        }
        Ok(())
    }

    /// The other sections as they are to stand: by type, those of one type in their own order.
    fn sections_in_order(&self) -> Result<Vec<Piece<'_>>> {
        let mut sections: Vec<Section<'_>> = self.sections.clone();
        sections.sort_by_key(|section| section.section_type);
        let refuse = |expected: &'static str, found: String| {
            Err(Error::nowhere(ErrorKind::MessageSection, expected, found))
        };
        let mut previous = LATENTS;
        for section in &sections {
            let section_type = section.section_type;
            if !(LATENTS + 1..=MAX_TYPE).contains(&section_type) || section_type == SEAL {
                let expected = "a type from 2 to 8191, other than 7 (seal)";
                return refuse(expected, section_type.to_string());
            }
            if section_type == previous && section_type < SEAL {
                return refuse("one section of its type", format!("two of type {section_type}"));
            }
            previous = section_type;
        }
        Ok(sections
            .into_iter()
            .map(|Section { section_type, body }| Piece { section_type, critical: false, body })
            .collect())
    }
}

/// Checks one tensor and finds out how it will be written.
fn prepare<'a>(
    latents: &'a Latents<'a>,
    route: Option<&Route<'_>>,
    options: &EncodeOptions<'_>,
) -> Result<Tensor<'a>> {
    let Latents { name, shape, values } = latents;
    if shape.num_elements() != values.len() as u64 {
        let expected = format!("{} latents for {shape:?}", shape.num_elements());
        let found = values.len().to_string();
        return Err(Error::nowhere(ErrorKind::MessageShape, expected, found));
    }
    let choice = Choice {
        encoding: options.encoding,
        granularity: options.granularity,
        asymmetric: options.asymmetric,
    };
    let (format, payload) = match values {
        Values::Numbers(numbers) => {
            let plan = codec::plan(choice, numbers, shape)?;
            (Format::Numbers(plan.layout()), Payload::Numbers(plan, numbers))
        }
        Values::Bf16(numbers) => {
            let plan = codec::plan(choice, numbers, shape)?;
            (Format::Numbers(plan.layout()), Payload::Bf16(plan, numbers))
        }
        Values::Codes { codebook, size, codes } => {
            if !is_codebook(*size) {
                let expected = "a codebook of 2 to 65,536 entries";
                return Err(Error::nowhere(ErrorKind::MessageIndex, expected, size.to_string()));
            }
            if let Some(route) = route {
                route.check_stands_for(Some(*codebook), route.codebook)?;
            }
            let named = if route.is_some() { None } else { Some(*codebook) };
            let payload = codec::codes::write(*size, shape, codes)?;
            (Format::Codes { codebook: named, size: *size }, Payload::Bytes(payload.into()))
        }
    };
    let front = Front { name, shape: *shape, format, stage: Stage::Stored, resource: None };
    let tensor = Tensor { front, payload };
    if options.compression == Compression::None {
        return Ok(tensor);
    }
    let raw = tensor.raw();
    let staged = stage::apply(options.compression, &raw, format, shape, route)?;
    Ok(tensor.staged(staged, route.is_some()))
}

impl Tensor<'_> {
    /// The payload as it is before its lossless stage.
    fn raw(&self) -> Cow<'_, [u8]> {
        if let Payload::Bytes(bytes) = &self.payload {
            return Cow::Borrowed(bytes);
        }
        let mut raw = Vec::new();
        self.payload.write(self.front.shape.row_len() as usize, &mut raw);
        raw.into()
    }

    /// The same tensor with its payload under a stage, if one is given.
    pub(super) fn staged(self, staged: Option<Staged>, is_compact: bool) -> Self {
        let Some(Staged { stage, resource, bytes }) = staged else { return self };
        let resource = if is_compact { None } else { resource };
        Self {
            front: Front { stage, resource, ..self.front },
            payload: Payload::Bytes(bytes.into()),
        }
    }
}
