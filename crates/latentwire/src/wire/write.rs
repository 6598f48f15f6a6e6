//! From a message to its one packet.

use super::cursor::{is_name, name_rule};
use super::draft::{Draft, Payload, Piece, Tensor};
use super::header::{self, Address};
use super::latents::{Format, Front, is_codebook};
use super::{LATENTS, MAX_TYPE, SEAL};
use crate::codec::{self, Choice, Encoding, Granularity, Stage};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Latents, Message, Section, Values};
use crate::route::Route;

/// Whether to try a lossless stage over the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Store the payload as it is.
    #[default]
    None,
    /// Try zstd at this level (1 to 22) and keep whichever is smaller.
    Zstd {
        /// 1 is fastest, 22 smallest.
        level: i32,
    },
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeOptions {
    encoding: Encoding,
    granularity: Granularity,
    asymmetric: bool,
    compression: Compression,
}

impl Default for EncodeOptions {
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

impl EncodeOptions {
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
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// The same options with another lossless stage.
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }
}

impl Message<'_> {
    /// Writes the message as a self-contained packet. The same message and options give the same
    /// bytes on every platform.
    pub fn encode(&self, options: &EncodeOptions) -> Result<Vec<u8>> {
        header::check(&self.header)?;
        self.draft(Address::SelfContained(self.header), None, options)?.write()
    }

    /// Writes the message as a compact packet of a route, which its header must be one of.
    pub fn encode_on(&self, route: &Route<'_>, options: &EncodeOptions) -> Result<Vec<u8>> {
        let message_number = route.message_number(&self.header)?;
        let address = Address::Compact { message_number, route: route.id };
        self.draft(address, Some(route), options)?.write()
    }

    fn draft<'a>(
        &'a self,
        address: Address<'a>,
        route: Option<&Route<'_>>,
        options: &EncodeOptions,
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
        for (index, Latents { name, .. }) in self.latents.iter().enumerate() {
            if !is_name(name, true) {
                return refuse(ErrorKind::MessageName, name_rule(true), format!("{name:?}"));
            }
            if name.is_empty()
                && index > 0
                && self.latents.iter().take(index).all(|t| !t.name.is_empty())
            {
                let expected = "the tensor without a name before those with one";
                return refuse(ErrorKind::MessageName, expected, format!("it at place {index}"));
            }
            if self.latents.iter().take(index).any(|other| other.name == *name) {
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
    options: &EncodeOptions,
) -> Result<Tensor<'a>> {
    let Latents { name, shape, values } = latents;
    if shape.num_elements() != values.len() as u64 {
        let expected = format!("{} latents for {shape:?}", shape.num_elements());
        let found = values.len().to_string();
        return Err(Error::nowhere(ErrorKind::MessageShape, expected, found));
    }
    let (format, payload) = match values {
        Values::Numbers(numbers) => {
            let choice = Choice {
                encoding: options.encoding,
                granularity: options.granularity,
                asymmetric: options.asymmetric,
            };
            let plan = codec::plan(choice, numbers, shape)?;
            (Format::Numbers(plan.layout()), Payload::Numbers(plan, numbers))
        }
        Values::Codes { codebook, size, codes } => {
            if !is_codebook(*size) {
                let expected = "a codebook of 2 to 65,536 entries";
                return Err(Error::nowhere(ErrorKind::MessageIndex, expected, size.to_string()));
            }
            if let Some(route) = route
                && route.codebook != Some(*codebook)
            {
                let expected = format!("the codebook of route {}", route.id);
                return Err(Error::nowhere(
                    ErrorKind::MessageRoute,
                    expected,
                    "another".to_owned(),
                ));
            }
            let named = if route.is_some() { None } else { Some(*codebook) };
            let payload = codec::codes::write(*size, shape, codes)?;
            (Format::Codes { codebook: named, size: *size }, Payload::Made(payload))
        }
    };
    let front = Front { name, shape: *shape, format, stage: Stage::Stored };
    let tensor = Tensor { front, payload };
    match options.compression {
        Compression::None => Ok(tensor),
        Compression::Zstd { level } => tensor.compressed(level),
    }
}

impl Tensor<'_> {
    /// The same tensor under zstd, if that makes it smaller.
    pub(crate) fn compressed(self, level: i32) -> Result<Self> {
        let mut raw = Vec::new();
        let row_len = self.front.shape.row_len() as usize;
        let raw = match &self.payload {
            Payload::Numbers(plan, numbers) => {
                plan.write(numbers, row_len, &mut raw);
                raw.as_slice()
            }
            Payload::Made(bytes) => bytes,
            Payload::Given(bytes) => bytes,
        };
        Ok(match codec::lossless::compress(raw, level)? {
            None => self,
            Some(compressed) => Self {
                front: Front { stage: Stage::Zstd, ..self.front },
                payload: Payload::Made(compressed),
            },
        })
    }
}
