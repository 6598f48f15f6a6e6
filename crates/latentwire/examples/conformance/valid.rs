//! Packets that every reader must read.

use latentwire::sections::{
    AnswerSpace, Literal, LiteralKind, Literals, Metadata, Text, Trace, Value,
};
use latentwire::{
    ANSWER_SPACE, EncodeOptions, Encoding, Fingerprint, Granularity, Header, LITERALS, Latents,
    METADATA, Message, MessageId, ModelRef, Route, Section, Shape, SpaceRef, TEXT, TRACE, Values,
};

use crate::bytes::summed;
use crate::shared::Shared;
use crate::{Failure, staged};

/// A packet, and the message that it was made from.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) given: Message<'static>,
    pub(crate) route: Option<Route<'static>>,
    pub(crate) bytes: Vec<u8>,
}

impl Vector {
    pub(crate) fn file(&self) -> String {
        format!("valid/{}.lwp", self.name)
    }
}

/// 255 bytes, the most that a name takes, the last character of two bytes.
const LONG_NAME: &str = "\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcü";

pub(crate) fn vectors(shared: &Shared) -> Result<Vec<Vector>, Failure> {
    let mut vectors = frames()?;
    vectors.extend(numbers()?);
    vectors.extend(quantized()?);
    vectors.extend(tensors()?);
    vectors.extend(other_sections()?);
    vectors.extend(compact()?);
    vectors.extend(staged::compressed()?);
    vectors.extend(staged::staged(shared)?);
    vectors.extend(staged::compact(shared)?);
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
        Section { section_type: 8, body: b"of a later version" },
        Section { section_type: 4100, body: b"" },
        Section { section_type: 4100, body: b"private" },
    ];
    let mut later = vector("higher-minor-version", uniform(&[5], 1.0)?, Encoding::F32)?;
    if let Some(minor) = later.bytes.get_mut(5) {
        *minor = 9;
    }
    later.bytes = summed(&later.bytes);
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

/// Every grid with every sharing of scales; seven numbers a row leave bits to pad.
fn quantized() -> Result<Vec<Vector>, Failure> {
    let of = |name, extents: &[usize], encoding, granularity, asymmetric| {
        let given = uniform(extents, 1.0)?;
        let options = EncodeOptions::default()
            .with_encoding(encoding)
            .with_granularity(granularity)
            .with_asymmetric(asymmetric);
        Ok::<_, Failure>(Vector { name, bytes: given.encode(&options)?, given, route: None })
    };
    let (row, tensor, channel) = (Granularity::Row, Granularity::Tensor, Granularity::Channel);
    let two = |power| 2_f32.powi(power);
    let fp8 =
        [1.0625, 1.1875, -1.3125, two(-10), two(-10).next_up(), two(-9) * 1.5, 464.0, -448.0, -0.0];
    Ok(vec![
        vector("fp8-rounding", holding(&[9], &fp8)?, Encoding::Fp8)?,
        of("int4-rows", &[3, 7], Encoding::Int4, row, false)?,
        of("int2-rows", &[3, 7], Encoding::Int2, row, false)?,
        of("sign-rows", &[3, 17], Encoding::Sign, row, false)?,
        of("int8-tensor", &[3, 7], Encoding::Int8, tensor, false)?,
        of("int8-channels", &[3, 7], Encoding::Int8, channel, false)?,
        of("int8-groups", &[3, 8], Encoding::Int8, Granularity::Group(4), false)?,
        of("int4-groups", &[2, 2, 6], Encoding::Int4, Granularity::Group(3), false)?,
        of("int2-channels", &[3, 7], Encoding::Int2, channel, false)?,
        of("sign-tensor", &[3, 17], Encoding::Sign, tensor, false)?,
        of("int8-asymmetric-rows", &[3, 7], Encoding::Int8, row, true)?,
        of("int4-asymmetric-channels", &[3, 7], Encoding::Int4, channel, true)?,
        of("int2-asymmetric-groups", &[3, 6], Encoding::Int2, Granularity::Group(2), true)?,
        of("int8-asymmetric-tensor", &[3, 7], Encoding::Int8, tensor, true)?,
        vector("int4-zeros", holding(&[2, 3], &[0.0; 6])?, Encoding::Int4)?,
        vector("int2-zeros", holding(&[2, 3], &[0.0; 6])?, Encoding::Int2)?,
        vector("sign-zeros", holding(&[2, 3], &[0.0; 6])?, Encoding::Sign)?,
    ])
}

/// A body of every kind of section that is specified.
fn other_sections() -> Result<Vec<Vector>, Failure> {
    let source = "Ada owes 4711";
    let literals = Literals(vec![
        Literal { kind: LiteralKind::Name, position: 0, text: "Ada" },
        Literal { kind: LiteralKind::Number, position: 9, text: "4711" },
    ]);
    let values = [
        ("bytes", Value::Bytes(&[0, 255])),
        ("false", Value::Bool(false)),
        ("float", Value::Float(0.5)),
        ("integer", Value::Integer(-300)),
        ("null", Value::Null),
        ("text", Value::Text("ü")),
    ];
    let trace = Trace { trace_id: [1; 16], parent_id: [2; 8], flags: 1, state: "v=1" };
    let bodies = [
        (LITERALS, literals.encode()?),
        (TEXT, Text(source.into()).encode()?),
        (ANSWER_SPACE, AnswerSpace::Choices(vec!["yes", "no"]).encode()?),
        (METADATA, Metadata(values.into_iter().collect()).encode()?),
        (TRACE, trace.encode()?),
    ];
    let mut given = uniform(&[1, 4], 1.0)?;
    given.sections = bodies
        .into_iter()
        // The generator runs once: what it leaks is freed with it.
        .map(|(section_type, body)| Section { section_type, body: Vec::leak(body) })
        .collect();
    Ok(vec![vector("all-sections", given, Encoding::Int8)?])
}

/// Several tensors, and indices instead of numbers.
fn tensors() -> Result<Vec<Vector>, Failure> {
    let mut several = uniform(&[2, 3], 1.0)?;
    several.latents = vec![
        named("", &uniform(&[3], 1.0)?),
        named("layer.1.key", &uniform(&[2, 4], 1.0)?),
        named("layer.0.key", &uniform(&[1, 2, 2], 1.0)?),
    ];
    let several = vector("several-tensors", several, Encoding::F16)?;
    let codes = |name, extents: &[usize], size| vector(name, coded(extents, size)?, Encoding::Int8);
    Ok(vec![
        several,
        codes("codes-of-4", &[2, 16], 4)?,
        codes("codes-of-5", &[3, 3], 5)?,
        codes("codes-of-4096", &[2, 3], 4096)?,
        codes("codes-of-65536", &[1, 3], 65_536)?,
    ])
}

/// The compact profile, with and without a frame around the latents.
fn compact() -> Result<Vec<Vector>, Failure> {
    let of = |name, given: Message<'static>, id| {
        let route = Route { id, ..ROUTE };
        let given = Message { header: route.header(7), ..given };
        let bytes = given.encode_on(&route, &EncodeOptions::default())?;
        Ok::<_, Failure>(Vector { name, given, route: Some(route), bytes })
    };
    let mut carrying = uniform(&[1, 4], 1.0)?;
    carrying.sections = vec![Section { section_type: 4100, body: b"private" }];
    let mut several = uniform(&[1, 4], 1.0)?;
    several.latents = vec![named("a", &several), named("b", &several)];
    let mut one_named = uniform(&[1, 4], 1.0)?;
    one_named.latents = vec![named("a", &one_named)];
    Ok(vec![
        of("compact-int8-32x256", uniform(&[32, 256], 1.0)?, 1)?,
        of("compact-large-route", uniform(&[1, 4], 1.0)?, u32::MAX)?,
        of("compact-carried-section", carrying, 1)?,
        of("compact-several-tensors", several, 1)?,
        of("compact-named-tensor", one_named, 1)?,
        of("compact-codes", coded(&[1, 16], 4)?, 1)?,
    ])
}

fn vector(
    name: &'static str,
    given: Message<'static>,
    encoding: Encoding,
) -> Result<Vector, Failure> {
    let bytes = given.encode(&EncodeOptions::default().with_encoding(encoding))?;
    Ok(Vector { name, given, route: None, bytes })
}

/// A message of numbers within -2..2 times `scale`, the same on every machine.
pub(crate) fn uniform(extents: &[usize], scale: f32) -> Result<Message<'static>, Failure> {
    let mut state = 1_u32;
    let latents: Vec<f32> = (0..extents.iter().product())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / 4_194_304.0 - 2.0) * scale
        })
        .collect();
    holding(extents, &latents)
}

pub(crate) fn holding(extents: &[usize], latents: &[f32]) -> Result<Message<'static>, Failure> {
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
        latents: vec![Latents::new(Shape::new(extents)?, latents.to_vec())],
        sections: Vec::new(),
    })
}

/// The first tensor of a message, under another name.
pub(crate) fn named(name: &'static str, message: &Message<'static>) -> Latents<'static> {
    let unnamed = message.latents.first().cloned();
    Latents { name, ..unnamed.unwrap_or_else(|| unreachable!("a message has latents")) }
}

/// A message of indices into a codebook of `size` entries.
pub(crate) fn coded(extents: &[usize], size: u32) -> Result<Message<'static>, Failure> {
    let mut message = holding(extents, &[])?;
    let count = extents.iter().product::<usize>() as u32;
    let codes = (1..=count).map(|code| (code.wrapping_mul(size - 1) % size) as u16);
    let codes = codes.collect::<Vec<_>>().into();
    for latents in &mut message.latents {
        latents.values = Values::Codes { codebook: CODEBOOK, size, codes: Clone::clone(&codes) };
    }
    Ok(message)
}

pub(crate) const CODEBOOK: Fingerprint = Fingerprint([0x55; 16]);

pub(crate) const ROUTE: Route<'static> = Route {
    id: 1,
    message_prefix: [0x01, 0xA2, 0x0D, 0x6E, 0xC9, 0x2A, 0x75, 0x3E, 0x87, 0x0C, 0x71, 0xDB],
    sender: ModelRef { fingerprint: Fingerprint([0x11; 16]), name: "tiny-llama", revision: "" },
    receiver: None,
    space: SpaceRef { fingerprint: Fingerprint([0x22; 16]), name: "tiny-v1" },
    codebook: Some(CODEBOOK),
    dictionary: None,
    tables: None,
};
