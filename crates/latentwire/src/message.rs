//! What a packet says: who speaks to whom in which latent space, and the latents.
//!
//! Everything here borrows: a message that is read points into its packet, a message that is
//! written points into its caller's data.

use std::borrow::Cow;
use std::fmt;

use half::bf16;

use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a name or a revision takes.
pub const MAX_NAME_BYTES: usize = 255;
/// The most axes that latents have.
pub const MAX_RANK: usize = 4;

macro_rules! sixteen_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

sixteen_bytes! {
    /// Names content: equal fingerprints mean the same weights or the same manifest. Opaque here.
    Fingerprint
}

sixteen_bytes! {
    /// Names one message. Bytewise order is order in time when made by [`MessageId::v7`].
    MessageId
}

impl MessageId {
    /// A UUID of version 7 (RFC 9562) from a clock and 62 random bits.
    ///
    /// The 12 bits after the millisecond hold its fraction, so that messages of one sender sort in
    /// the order in which they were made down to a quarter of a microsecond.
    #[must_use]
    pub const fn v7(unix_nanoseconds: u64, random: u64) -> Self {
        const NANOS_PER_MILLI: u64 = 1_000_000;
        let millis = (unix_nanoseconds / NANOS_PER_MILLI) & 0xFFFF_FFFF_FFFF;
        let fraction = (unix_nanoseconds % NANOS_PER_MILLI) * 4096 / NANOS_PER_MILLI;
        let high = (millis << 16) | 0x7000 | fraction;
        let low = (0b10 << 62) | (random >> 2);
        Self((((high as u128) << 64) | low as u128).to_be_bytes())
    }
}

/// Who: a frozen model and the part that was trained for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModelRef<'a> {
    /// Names the weights.
    pub fingerprint: Fingerprint,
    /// Readable, 1 to 255 bytes of UTF-8 without control characters.
    pub name: &'a str,
    /// Readable, may be empty, otherwise as `name`.
    pub revision: &'a str,
}

/// In what: the latent space that gives the numbers their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpaceRef<'a> {
    /// Names the manifest of the space.
    pub fingerprint: Fingerprint,
    /// Readable, 1 to 255 bytes of UTF-8 without control characters.
    pub name: &'a str,
}

/// From whom, to whom, in what space, and which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header<'a> {
    /// Which message.
    pub message_id: MessageId,
    /// From whom.
    pub sender: ModelRef<'a>,
    /// To whom; `None` is anyone who hears the space.
    pub receiver: Option<ModelRef<'a>>,
    /// In what space.
    pub space: SpaceRef<'a>,
}

/// The extents of the latents: 1 to 4 axes, none of them zero, the last one a latent's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    extents: [u32; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape with these extents, outermost first.
    pub fn new(extents: &[usize]) -> Result<Self> {
        let refuse = |found: String| {
            let expected = "1 to 4 extents from 1 to 2^32 - 1, at most 2^32 - 1 elements";
            Error::nowhere(ErrorKind::MessageShape, expected, found)
        };
        let narrow: Option<Vec<u32>> = extents
            .iter()
            .map(|&extent| u32::try_from(extent).ok().filter(|&extent| extent > 0))
            .collect();
        narrow
            .as_deref()
            .and_then(Self::from_wire)
            .filter(|shape| u32::try_from(shape.num_elements()).is_ok())
            .ok_or_else(|| refuse(format!("{extents:?}")))
    }

    /// The shape with extents that are known to be above zero; `None` if there are too many or
    /// too few, or if their product passes 64 bits.
    pub(crate) fn from_wire(extents: &[u32]) -> Option<Self> {
        let mut all = [1; MAX_RANK];
        all.get_mut(..extents.len())?.copy_from_slice(extents);
        let rank = extents.len();
        all.iter().try_fold(1_u64, |product, &extent| product.checked_mul(extent.into()))?;
        (rank > 0).then_some(Self { extents: all, rank })
    }

    /// The extents, outermost first.
    #[must_use]
    pub fn extents(&self) -> &[u32] {
        self.extents.get(..self.rank).unwrap_or_default()
    }

    /// The product of the extents.
    #[must_use]
    pub fn num_elements(&self) -> u64 {
        self.extents.iter().map(|&extent| u64::from(extent)).product()
    }

    /// The numbers in a row: the last extent.
    #[must_use]
    pub fn row_len(&self) -> u32 {
        self.extents().last().copied().unwrap_or(1)
    }

    /// The same shape with another first extent; `None` if it has no rows to choose from.
    pub(crate) fn with_first(&self, first: u32) -> Option<Self> {
        let mut extents = self.extents;
        *extents.first_mut()? = first;
        (self.rank > 1 && first > 0).then_some(Self { extents, rank: self.rank })
    }

    /// The rows: the product of all extents but the last.
    #[must_use]
    pub fn num_rows(&self) -> u64 {
        self.num_elements() / u64::from(self.row_len())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.extents().fmt(f)
    }
}

/// A typed part of a packet beside the latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Section<'a> {
    /// Its type: 2 to 8191, but for the seal.
    pub section_type: u16,
    /// Its bytes, verbatim.
    pub body: &'a [u8],
}

/// What stands in a latent tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values<'a> {
    /// Finite numbers, the last axis fastest.
    Numbers(Cow<'a, [f32]>),
    /// The same in bfloat16, as models compute them. They are written like the f32 of the same values,
    /// and packets are read as those.
    Bf16(Cow<'a, [bf16]>),
    /// Indices into a codebook that both ends have, the last axis fastest.
    Codes {
        /// Names the codebook.
        codebook: Fingerprint,
        /// How many entries an index chooses from: 2 to 65,536.
        size: u32,
        /// The indices, each below `size`.
        codes: Cow<'a, [u16]>,
    },
}

impl Values<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Bf16(numbers) => numbers.len(),
            Self::Codes { codes, .. } => codes.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers, if it is numbers in f32.
    #[must_use]
    pub fn numbers(&self) -> Option<&[f32]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::Bf16(_) | Self::Codes { .. } => None,
        }
    }
}

/// One latent tensor of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents<'a> {
    /// Tells the tensors of a message apart, for example `layer.3.key`; empty for the one that needs
    /// no name.
    pub name: &'a str,
    /// The extents of `values`.
    pub shape: Shape,
    /// What stands in it.
    pub values: Values<'a>,
}

impl<'a> Latents<'a> {
    /// A tensor of numbers without a name.
    #[must_use]
    pub fn new(shape: Shape, numbers: impl Into<Cow<'a, [f32]>>) -> Self {
        Self { name: "", shape, values: Values::Numbers(numbers.into()) }
    }
}

/// What one packet says.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// Who speaks to whom, and in which space.
    pub header: Header<'a>,
    /// The latents: one tensor, or several with different names.
    pub latents: Vec<Latents<'a>>,
    /// Ancillary sections. They are written in ascending order of type; sections of one type keep
    /// their order.
    pub sections: Vec<Section<'a>>,
}
