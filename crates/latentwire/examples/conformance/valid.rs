//! Packets that every reader must read.

use std::borrow::Cow;

use latentwire::{
    Compression, EncodeOptions, Encoding, Fingerprint, Header, Message, MessageId, ModelRef,
    Section, Shape, SpaceRef,
};

use crate::{Failure, invalid};

/// A packet, and the message that it was made from.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) given: Message<'static>,
    pub(crate) bytes: Vec<u8>,
}

/// 255 bytes, the most that a name takes, the last character of two bytes.
const LONG_NAME: &str = "\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcü";

pub(crate) fn vectors() -> Result<Vec<Vector>, Failure> {
    let mut vectors = frames()?;
    vectors.extend(numbers()?);
    vectors.extend(compressed()?);
    Ok(vectors)
}

/// Shapes, headers, sections, versions.
fn frames() -> Result<Vec<Vector>, Failure> {
    let mut named = uniform(&[2, 8], 1.0)?;
    named.header.receiver = Some(ModelRef {
        fingerprint: Fingerprint([0x33; 16]),
        name: "tiny-qwen",
        revision: "2026-11-24",
    });
    let mut long = uniform(&[1, 4], 1.0)?;
    let long_model =
        ModelRef { fingerprint: Fingerprint([0x44; 16]), name: LONG_NAME, revision: LONG_NAME };
    long.header.sender = long_model;
    long.header.receiver = Some(long_model);
    long.header.space.name = LONG_NAME;
    let mut carrying = uniform(&[1, 4], 1.0)?;
    carrying.sections = vec![
        Section { section_type: 6, body: b"00-trace" },
        Section { section_type: 4100, body: b"" },
        Section { section_type: 4100, body: b"private" },
    ];
    let mut later = vector("higher-minor-version", uniform(&[5], 1.0)?, Encoding::F32)?;
    if let Some(minor) = later.bytes.get_mut(5) {
        *minor = 9;
    }
    later.bytes = invalid::sealed(&later.bytes);
    Ok(vec![
        vector("default-int8-32x256", uniform(&[32, 256], 1.0)?, Encoding::Int8)?,
        vector("f32-rank-1", uniform(&[5], 1.0)?, Encoding::F32)?,
        vector("f16-rank-3", uniform(&[2, 3, 4], 1.0)?, Encoding::F16)?,
        vector("bf16-rank-4", uniform(&[2, 1, 2, 3], 1.0)?, Encoding::Bf16)?,
        vector("named-receiver", named, Encoding::Int8)?,
        vector("long-names", long, Encoding::Int8)?,
        vector("carried-sections", carrying, Encoding::Int8)?,
        later,
    ])
}

/// What the rules of rounding decide: ties, zeros, the smallest and the largest numbers.
fn numbers() -> Result<Vec<Vector>, Failure> {
    let two = |power| 2_f32.powi(power);
    let exact = [f32::MAX, -f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), 0.0, -0.0];
    let f16_ulp = two(-10);
    let f16 = [
        1.0 + f16_ulp / 2.0,
        1.0 + f16_ulp * 1.5,
        -1.0 - f16_ulp * 2.5,
        two(-25),
        two(-25).next_up(),
        two(-24) * 1.5,
        65_519.996,
        -0.0,
    ];
    let bf16_ulp = two(-7);
    let bf16 = [
        1.0 + bf16_ulp / 2.0,
        1.0 + bf16_ulp * 1.5,
        -1.0 - bf16_ulp * 2.5,
        f32::from_bits(1),
        f32::from_bits(0x7F7F_7FFF),
        -0.0,
    ];
    // Scale 1: every code is the number itself, rounded.
    let int8_ties = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -126.5, -0.0];
    // The smallest and the largest scale in f16, and one that rounding lifts to the smallest.
    let (smallest, largest) = (127.0 * two(-14), 127.0 * 65_504.0);
    let int8_narrow =
        [smallest, -smallest / 3.0, largest, largest / 3.0, smallest.next_down(), 0.0];
    // The largest number, a scale below f16's normal numbers, numbers too small for a scale.
    let most = 127.0 * 1.007_812_5 * two(121);
    let int8_wide = [most, -most / 3.0, smallest / 2.0, smallest / 7.0, 1e-37, -1e-38];
    Ok(vec![
        vector("f32-extremes", holding(&[6], &exact)?, Encoding::F32)?,
        vector("f16-rounding", holding(&[8], &f16)?, Encoding::F16)?,
        vector("bf16-rounding", holding(&[6], &bf16)?, Encoding::Bf16)?,
        vector("int8-rounding", holding(&[1, 8], &int8_ties)?, Encoding::Int8)?,
        vector("int8-narrow-scales", holding(&[3, 2], &int8_narrow)?, Encoding::Int8)?,
        vector("int8-wide-scales", uniform(&[2, 8], 1e-6)?, Encoding::Int8)?,
        vector("int8-widest-scales", holding(&[3, 2], &int8_wide)?, Encoding::Int8)?,
        vector("int8-zeros", holding(&[3, 4], &[0.0; 12])?, Encoding::Int8)?,
    ])
}

fn compressed() -> Result<Vec<Vector>, Failure> {
    let of = |name, encoding: Encoding| -> Result<Vector, Failure> {
        let given = holding(&[4, 64], &[0.5; 256])?;
        let level = Compression::Zstd { level: 9 };
        let options = EncodeOptions::default().with_encoding(encoding).with_compression(level);
        Ok(Vector { name, bytes: given.encode(&options)?, given })
    };
    Ok(vec![of("f32-zstd", Encoding::F32)?, of("int8-zstd", Encoding::Int8)?])
}

fn vector(
    name: &'static str,
    given: Message<'static>,
    encoding: Encoding,
) -> Result<Vector, Failure> {
    let bytes = given.encode(&EncodeOptions::default().with_encoding(encoding))?;
    Ok(Vector { name, given, bytes })
}

/// A message of numbers within -2..2 times `scale`, the same on every machine.
fn uniform(extents: &[usize], scale: f32) -> Result<Message<'static>, Failure> {
    let mut state = 1_u32;
    let latents: Vec<f32> = (0..extents.iter().product())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / 4_194_304.0 - 2.0) * scale
        })
        .collect();
    holding(extents, &latents)
}

fn holding(extents: &[usize], latents: &[f32]) -> Result<Message<'static>, Failure> {
    Ok(Message {
        header: Header {
            message_id: MessageId::v7(1_795_507_200_000_000_000, 42),
            sender: ModelRef {
                fingerprint: Fingerprint([0x11; 16]),
                name: "tiny-llama",
                revision: "",
            },
            receiver: None,
            space: SpaceRef { fingerprint: Fingerprint([0x22; 16]), name: "tiny-v1" },
        },
        shape: Shape::new(extents)?,
        latents: Cow::Owned(latents.to_vec()),
        sections: Vec::new(),
    })
}
