//! What it takes to read a payload, beside its shape: encoding and scales.

use crate::message::Shape;

/// How the numbers of a payload are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// IEEE 754 binary32. Exact.
    F32,
    /// IEEE 754 binary16, rounded to nearest even.
    F16,
    /// The upper half of a binary32, rounded to nearest even.
    Bf16,
    /// Eight bits a number and scales.
    Int8,
    /// OCP FP8 E4M3: four bits of exponent, three of fraction, rounded to nearest even.
    Fp8,
    /// Four bits a number and scales.
    Int4,
    /// Two bits a number and scales.
    Int2,
    /// One bit a number, its sign, and scales.
    Sign,
}

impl Encoding {
    /// Every encoding of numbers that this crate reads and writes, finest first.
    pub const ALL: &[Self] = &[
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Fp8,
        Self::Int8,
        Self::Int4,
        Self::Int2,
        Self::Sign,
    ];

    /// The name used in text, for example `int8`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
            Self::Fp8 => "fp8",
            Self::Int4 => "int4",
            Self::Int2 => "int2",
            Self::Sign => "sign",
        }
    }

    /// The encoding of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.name() == name)
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::F32 => 1,
            Self::F16 => 2,
            Self::Bf16 => 3,
            Self::Int8 => 4,
            Self::Fp8 => 5,
            Self::Int4 => 6,
            Self::Int2 => 7,
            Self::Sign => 8,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.code() == code)
    }

    /// Whether numbers are codes times scales.
    #[must_use]
    pub const fn has_scales(self) -> bool {
        matches!(self, Self::Int8 | Self::Int4 | Self::Int2 | Self::Sign)
    }

    /// Bits of a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::F32 => 32,
            Self::F16 | Self::Bf16 => 16,
            Self::Int8 | Self::Fp8 => 8,
            Self::Int4 => 4,
            Self::Int2 => 2,
            Self::Sign => 1,
        }
    }
}

/// How wide a scale is written. Both hold 11 significant bits; the wide one reaches further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScaleWidth {
    /// Two bytes.
    F16,
    /// Four bytes.
    F32,
}

impl ScaleWidth {
    /// The name used in text: `f16` or `f32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
        }
    }

    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// Which numbers share a scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// Those of a row. What a row decodes to then depends on no other row.
    #[default]
    Row,
    /// All of the tensor.
    Tensor,
    /// Those at one place of all rows.
    Channel,
    /// So many in a row, one after another; the length of a row is a multiple of it.
    Group(u32),
}

impl Granularity {
    /// The name used in text: `row`, `tensor`, `channel` or `group`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Tensor => "tensor",
            Self::Channel => "channel",
            Self::Group(_) => "group",
        }
    }

    /// How many scales a tensor has.
    pub(crate) fn num_scales(self, shape: &Shape) -> u64 {
        match self {
            Self::Row => shape.num_rows(),
            Self::Tensor => 1,
            Self::Channel => shape.row_len().into(),
            Self::Group(size) => shape.num_elements() / u64::from(size.max(1)),
        }
    }

    /// Whether a scale belongs to one row, so that its codes can be held against it for as long as
    /// the row exists: a tensor cut to its first rows keeps the other scales as they are.
    pub(crate) const fn is_within_row(self) -> bool {
        matches!(self, Self::Row | Self::Group(_))
    }
}

/// The scales of an encoding that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScaleLayout {
    /// How wide each is written.
    pub width: ScaleWidth,
    /// Which numbers share one.
    pub granularity: Granularity,
    /// Whether each comes with a zero point: codes then span from the least number to the largest
    /// instead of as far below zero as above.
    pub asymmetric: bool,
}

/// What it takes to read a payload, beside its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// How numbers are written.
    pub encoding: Encoding,
    /// How their scales are; `None` if the encoding has none.
    pub scales: Option<ScaleLayout>,
}

impl Layout {
    /// Bytes of scales and zero points, which come before the codes. Saturates; limits come first.
    pub(crate) fn scale_bytes(self, shape: &Shape) -> u64 {
        self.scales.map_or(0, |scales| {
            let each = scales.width.bytes() as u64 + u64::from(scales.asymmetric);
            scales.granularity.num_scales(shape).saturating_mul(each)
        })
    }

    /// Bytes of one row's codes: a row begins at a byte.
    pub(crate) fn row_bytes(self, shape: &Shape) -> u64 {
        packed_len(shape.row_len(), self.encoding.bits())
    }

    /// Bytes of the payload before its lossless stage. Saturates; limits come first.
    pub(crate) fn raw_len(self, shape: &Shape) -> u64 {
        let codes = shape.num_rows().saturating_mul(self.row_bytes(shape));
        self.scale_bytes(shape).saturating_add(codes)
    }
}

/// Bytes of a row of `len` codes of `bits` bits.
pub(crate) fn packed_len(len: u32, bits: u32) -> u64 {
    (u64::from(len) * u64::from(bits)).div_ceil(8)
}
