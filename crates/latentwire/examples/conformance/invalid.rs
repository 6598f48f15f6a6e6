//! Packets that every reader must refuse, each made of a valid one by breaking one rule.

use std::ops::Range;

use latentwire::Fingerprint;

use crate::bytes::{summed, varint};

/// The valid packet that is broken: five numbers as f32, from tiny-llama to anyone.
pub(crate) const BASE: &str = "valid/f32-rank-1.lwp";

/// Where the fields of [`BASE`] begin.
const LENGTH: usize = 7;
const SENDER_NAME: usize = LENGTH + 1 + 16 + 16;
const MARKER: usize = SENDER_NAME + 1 + "tiny-llama".len() + 1;
const TAG: usize = MARKER + 1 + 16 + 1 + "tiny-v1".len();
const KIND: usize = TAG + 2;
const FORM: usize = KIND + 1;
const EXTENT: usize = FORM + 1;
const PAYLOAD: usize = EXTENT + 1;
const CHECKSUM: usize = PAYLOAD + 5 * 4;

/// Names and bytes; `staged` is a packet whose payload is entropy coded, `by_row` names tables for
/// int4 in at most 8 rows.
pub(crate) fn vectors(
    base: &[u8],
    staged: &[u8],
    by_row: Fingerprint,
) -> Vec<(&'static str, Vec<u8>)> {
    let base = Base(base);
    let mut vectors = as_a_whole(&base);
    vectors.extend(preambles(&base));
    vectors.extend(fields(&base));
    vectors.extend(sections(&base));
    vectors.extend(latents(&base));
    vectors.extend(payloads(&base));
    vectors.extend(beyond_limits(&base));
    vectors.extend(compact());
    vectors.extend(bodies(&base));
    vectors.extend(stages(&base, staged, by_row));
    vectors
}

type Named = (&'static str, Vec<u8>);

fn as_a_whole(base: &Base<'_>) -> Vec<Named> {
    let (front, _) = base.0.split_at_checked(CHECKSUM + 3).unwrap_or_default();
    vec![
        ("empty", Vec::new()),
        ("text", b"a gorgeous, witty, seductive movie".to_vec()),
        ("cut-short", front.to_vec()),
        ("trailing-byte", [base.0, &[0]].concat()),
        ("flipped-bit", base.overwritten(PAYLOAD + 1, 0x55)),
    ]
}

fn preambles(base: &Base<'_>) -> Vec<Named> {
    vec![
        ("other-major", base.overwritten(4, 2)),
        ("length-below-checksum", base.overwritten(LENGTH, 3)),
        ("unknown-flag", base.with(6..7, &[0x80])),
        ("reserved-profile", base.with(6..7, &[0x03])),
        ("bare-self-contained", base.with(6..7, &[0x04])),
    ]
}

fn fields(base: &Base<'_>) -> Vec<Named> {
    let name = SENDER_NAME..SENDER_NAME + 1 + "tiny-llama".len();
    let too_long = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    vec![
        ("varint-not-minimal", base.with(EXTENT..PAYLOAD, &[0x85, 0x00])),
        ("varint-above-32-bits", base.with(EXTENT..PAYLOAD, &[0xFF, 0xFF, 0xFF, 0xFF, 0x1F])),
        ("varint-of-six-bytes", base.with(EXTENT..PAYLOAD, &too_long)),
        ("name-empty", base.with(name.clone(), &[0])),
        ("name-not-utf-8", base.with(name.clone(), &[1, 0xFF])),
        ("name-with-escape", base.with(name.clone(), &[2, b'a', 0x1B])),
        ("name-with-c1-control", base.with(name, &[2, 0xC2, 0x9B])),
        ("name-longer-than-packet", base.with(SENDER_NAME..SENDER_NAME + 1, &[0xFF])),
        ("receiver-marker", base.with(MARKER..MARKER + 1, &[2])),
    ]
}

fn sections(base: &Base<'_>) -> Vec<Named> {
    let latents = base.0.get(TAG..CHECKSUM).unwrap_or_default();
    vec![
        ("section-type-zero", base.with(CHECKSUM..CHECKSUM, &[0x00, 0])),
        ("section-type-8192", base.with(CHECKSUM..CHECKSUM, &[0x80, 0x80, 0x01, 0])),
        ("section-order", base.with(TAG..TAG, &[0x04, 0])),
        ("section-longer-than-packet", base.with(TAG + 1..KIND, &[0x7F])),
        ("two-latent-sections", base.with(CHECKSUM..CHECKSUM, latents)),
        ("unnamed-tensor-second", {
            base.with(TAG..TAG, &[0x03, 9, 0x01, 0x40, 1, b'a', 1, 0, 0, 0, 0])
        }),
        ("no-latent-section", base.with(TAG..CHECKSUM, &[])),
        ("ancillary-latents", base.with(TAG..TAG + 1, &[0x02])),
        ("critical-literals", base.with(CHECKSUM..CHECKSUM, &[0x05, 0])),
        ("ancillary-seal", base.with(CHECKSUM..CHECKSUM, &[0x0E, 0])),
        ("two-trace-sections", base.with(CHECKSUM..CHECKSUM, &[0x0C, 0, 0x0C, 0])),
        ("unknown-critical-section", base.with(CHECKSUM..CHECKSUM, &[0x11, 0])),
    ]
}

fn latents(base: &Base<'_>) -> Vec<Named> {
    vec![
        ("front-cut-short", base.with_latents(&[0x01])),
        ("unknown-encoding", base.with(KIND..FORM, &[0x1F])),
        ("unknown-stage", base.with(KIND..FORM, &[0xE1])),
        ("reserved-form", base.with(FORM..EXTENT, &[0x80])),
        ("sign-asymmetric", base.with_latents(&[0x08, 0x20, 1, 0x00, 0x3C, 1])),
        ("tensor-name-empty", base.with_latents(&[0x05, 0x40, 0, 1, 0x38])),
        ("tensor-name-with-escape", base.with_latents(&[0x05, 0x40, 1, 0x1B, 1, 0x38])),
        ("group-that-does-not-divide", base.with_latents(&[0x04, 0x0C, 4, 3, 0, 0, 0, 0])),
        ("group-of-a-whole-row", base.with_latents(&[0x04, 0x0C, 2, 2, 0x00, 0x3C, 127, 0])),
        ("codebook-of-1", base.with_latents(&[&[0x09, 0, 1, 1][..], &[7; 16]].concat())),
        ("codebook-of-65537", base.with_latents(&[0x09, 0, 1, 0x81, 0x80, 0x04])),
        ("scale-bits-without-scales", base.with(FORM..EXTENT, &[0x10])),
        ("extent-zero", base.with(EXTENT..PAYLOAD, &[0x00])),
        ("shape-larger-than-payload", base.with(EXTENT..PAYLOAD, &[0x06])),
        ("shape-smaller-than-payload", base.with(EXTENT..PAYLOAD, &[0x04])),
    ]
}

fn payloads(base: &Base<'_>) -> Vec<Named> {
    let f32 = |value: f32| base.with(PAYLOAD..PAYLOAD + 4, &value.to_le_bytes());
    let half =
        |kind, bits: u16| base.with_latents(&[&[kind, 0, 1][..], &bits.to_le_bytes()].concat());
    let narrow = |scale: u16, code: i8| {
        base.with_latents(&[&[0x04, 0, 1][..], &scale.to_le_bytes(), &code.to_le_bytes()].concat())
    };
    let wide = |scale: f32, code: i8| {
        let raw = [&[0x04, 0x10, 1][..], &scale.to_le_bytes(), &code.to_le_bytes()];
        base.with_latents(&raw.concat())
    };
    let codes = |size: u8, payload: u8| {
        base.with_latents(&[&[0x09, 0, 1, size][..], &[0x55; 16], &[payload]].concat())
    };
    // 64 numbers of 4 bytes, and instead of a frame of 256 bytes what is given.
    let zstd = |frame: &[u8]| base.with_latents(&[&[0x21, 0, 64][..], frame].concat());
    // A zstd frame by hand: magic, a header with a content size from 256 up, and one block, the
    // last, that repeats a zero so many times.
    let frame = |descriptor: &[u8], size: u16, count: u32| {
        let size = (size - 256).to_le_bytes();
        let [low, middle, high, _] = (count << 3 | 0b011).to_le_bytes();
        [&[0x28, 0xB5, 0x2F, 0xFD][..], descriptor, &size, &[low, middle, high, 0]].concat()
    };
    let zeros = |size, count| frame(&[0x60], size, count);
    // A window that is by an eighth larger than 2^18.
    let wide_window = frame(&[0x40, 8 << 3 | 1], 256, 256);
    let skippable = [0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 7];
    vec![
        ("f32-not-a-number", f32(f32::NAN)),
        ("f32-infinite", f32(f32::NEG_INFINITY)),
        ("f16-infinite", half(0x02, 0x7C00)),
        ("bf16-not-a-number", half(0x03, 0x7FC0)),
        ("int8-scale-negative-zero", narrow(0x8000, 0)),
        ("int8-scale-negative", narrow(0xBC00, 127)),
        ("int8-scale-subnormal", narrow(0x0001, 127)),
        ("int8-scale-infinite", narrow(0x7C00, 127)),
        ("int8-scale-of-more-than-11-bits", wide(1e-6, 127)),
        ("int8-scale-wide-without-need", wide(1.0, 127)),
        ("int8-scale-with-infinite-127-fold", wide(f32::from_bits(0x7C01_2000), 127)),
        ("int8-scale-larger-than-needed", narrow(0x3C00, 126)),
        ("int8-code-of-minus-128", narrow(0x3C00, -128)),
        ("int8-code-under-scale-zero", narrow(0x0000, 1)),
        ("fp8-not-a-number", base.with_latents(&[0x05, 0, 1, 0x7F])),
        ("int4-code-of-15", base.with_latents(&[0x06, 0x05, 1, 1, 0x00, 0x3C, 0x0F])),
        ("int4-scale-larger-than-needed", base.with_latents(&[0x06, 0, 1, 0x00, 0x3C, 0x0D])),
        ("int4-padding", base.with_latents(&[0x06, 0, 1, 0x00, 0x3C, 0x1E])),
        ("int2-scale-larger-than-needed", base.with_latents(&[0x07, 0, 1, 0x00, 0x3C, 0x02])),
        ("int2-code-under-scale-zero", base.with_latents(&[0x07, 0, 1, 0x00, 0x00, 0x03])),
        ("sign-code-under-scale-zero", base.with_latents(&[0x08, 0, 1, 0x00, 0x00, 0x00])),
        ("zero-point-beyond-codes", base.with_latents(&[0x06, 0x20, 1, 0x00, 0x3C, 16, 0])),
        ("zero-point-under-scale-zero", base.with_latents(&[0x06, 0x20, 1, 0, 0, 1, 1])),
        ("code-beyond-codebook", codes(5, 0b101)),
        ("code-padding", codes(5, 0b1100)),
        ("zstd-no-frame", zstd(b"no frame")),
        ("zstd-other-content-size", zstd(&zeros(257, 257))),
        ("zstd-content-shorter-than-said", zstd(&zeros(256, 255))),
        ("zstd-content-longer-than-said", zstd(&zeros(256, 257))),
        ("zstd-second-frame", zstd(&[&zeros(256, 256)[..], &skippable].concat())),
        ("zstd-only-skippable", zstd(&skippable)),
        ("zstd-window-above-limit", zstd(&wide_window)),
        ("zstd-not-smaller", zstd(&[0; 256])),
    ]
}

/// Bodies of sections beside the latents.
fn bodies(base: &Base<'_>) -> Vec<Named> {
    let with = |section_type: u8, body: &[u8]| {
        let section = [&[section_type << 1][..], &varint(body.len()), body].concat();
        base.with(CHECKSUM..CHECKSUM, &section)
    };
    let trace = |state: &[u8]| with(6, &[&[1; 25][..], state].concat());
    let number = |value: u64| with(5, &[&b"\x01k\x04"[..], &value.to_le_bytes()].concat());
    vec![
        ("literals-unknown-kind", with(2, &[7, 0, 1, b'a'])),
        ("literals-empty-span", with(2, &[0, 0, 0])),
        ("literals-beyond-32-bits", with(2, b"\0\xFF\xFF\xFF\xFF\x0F\x01a")),
        ("literals-not-utf-8", with(2, &[0, 0, 1, 0xFF])),
        ("literals-empty", with(2, b"")),
        ("literals-4097", with(2, &b"\0\0\x01a".repeat(4097))),
        ("literals-not-in-the-text", {
            base.with(CHECKSUM..CHECKSUM, &[0x04, 4, 1, 0, 1, b'1', 0x06, 2, 0, b'2'])
        }),
        ("text-empty", with(3, &[0])),
        ("text-unknown-stage", with(3, &[2, b'a'])),
        ("text-no-frame", with(3, b"\x01no")),
        ("text-frame-not-shorter", with(3, b"\x01\x28\xB5\x2F\xFD\x20\x01\x09\0\0a")),
        ("answer-unknown-kind", with(4, &[3])),
        ("answer-choice-twice", with(4, &[0, 1, b'a', 1, b'a'])),
        ("answer-choice-empty", with(4, &[0, 0])),
        ("answer-trailing-byte", with(4, &[2, 7, 0])),
        ("metadata-key-empty", with(5, &[0, 0])),
        ("metadata-key-order", with(5, &[1, b'b', 0, 1, b'a', 0])),
        ("metadata-key-twice", with(5, &[1, b'a', 0, 1, b'a', 0])),
        ("metadata-unknown-type", with(5, &[1, b'k', 7])),
        ("metadata-negative-zero", number(1 << 63)),
        ("metadata-nan", number(0x7FF8 << 48)),
        ("metadata-integer-not-minimal", with(5, &[1, b'k', 3, 0x80, 0])),
        ("metadata-integer-of-65-bits", {
            with(5, &[&b"\x01k\x03"[..], &[0xFF; 9], &[0x02]].concat())
        }),
        ("trace-without-id", with(6, &[0; 25])),
        ("trace-unknown-flag", with(6, &[&[1; 24][..], &[4]].concat())),
        ("trace-state", trace(b"a")),
    ]
}

/// Lossless stages that need something beside the packet.
fn stages(base: &Base<'_>, staged: &[u8], by_row: Fingerprint) -> Vec<Named> {
    let unknown = [0x77; 16];
    let mut stream = staged.to_vec();
    if let Some(byte) = stream.len().checked_sub(5).and_then(|last| stream.get_mut(last)) {
        *byte ^= 0x40;
    }
    let int4 = [&[0x66, 0, 16][..], &unknown, &[0x00, 0x3C, 0, 0]].concat();
    let nine_rows = [&[0x66, 1, 9, 16][..], &by_row.0, &[0; 18], &[0, 0, 1, 0]].concat();
    vec![
        ("entropy-stream-damaged", summed(&stream)),
        ("entropy-tables-unknown", base.with_latents(&int4)),
        ("entropy-tables-of-too-few-rows", base.with_latents(&nine_rows)),
        ("entropy-of-f32", base.with_latents(&[&[0x61, 0, 1][..], &unknown, &[0; 3]].concat())),
        (
            "dictionary-unknown",
            base.with_latents(&[&[0x41, 0, 64][..], &unknown, &[0; 9]].concat()),
        ),
    ]
}

/// Compact packets, of message 1 on route 5.
fn compact() -> Vec<Named> {
    let packet = |flags: u8, fields: &[u8]| {
        let front = [&b"\x89LWP\x01\x00"[..], &[flags, fields.len() as u8 + 4]].concat();
        summed(&[&front, fields, &[0; 4]].concat())
    };
    let header = [1, 0, 0, 0, 5];
    let one = [0x01, 0x00, 1, 0, 0, 0x80, 0x3F];
    let named = [0x01, 0x40, 1, b'a', 1, 0, 0, 0x80, 0x3F];
    vec![
        ("compact-frame-without-need", packet(0b001, &[&header[..], &[0x03, 7], &one].concat())),
        ("compact-bare-with-name", packet(0b101, &[&header[..], &named].concat())),
        ("compact-without-its-route", packet(0b101, &[&header[..], &one].concat())),
    ]
}

/// Against the limits that section 8 of the specification recommends.
fn beyond_limits(base: &Base<'_>) -> Vec<Named> {
    let (front, _) = base.0.split_at_checked(LENGTH).unwrap_or_default();
    let endless = [front, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]].concat();
    let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F].repeat(4);
    // 4 Mi rows of one number: 20 MiB with their scales.
    let blown_up = [0x24, 0x11, 0x80, 0x80, 0x80, 0x02, 1, 0xFF];
    vec![
        ("limit-total-bytes", endless),
        ("limit-elements", base.with_latents(&[0x01, 0, 0x81, 0x80, 0x80, 0x02])),
        ("limit-elements-beyond-64-bits", base.with_latents(&[&[0x01, 3][..], &huge].concat())),
        ("limit-sections", base.with(CHECKSUM..CHECKSUM, &[0x10, 0].repeat(64))),
        ("limit-decompressed-bytes", base.with_latents(&blown_up)),
    ]
}

/// The bytes of [`BASE`].
struct Base<'a>(&'a [u8]);

impl Base<'_> {
    /// With one byte replaced, and nothing made right.
    fn overwritten(&self, at: usize, byte: u8) -> Vec<u8> {
        let mut bytes = self.0.to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes
    }

    /// With other bytes in a range behind the length field, length and checksum made right.
    fn with(&self, range: Range<usize>, bytes: &[u8]) -> Vec<u8> {
        let mut packet = self.0.to_vec();
        packet.splice(range, bytes.iter().copied());
        let rest = packet.len() - LENGTH - 1;
        packet.splice(LENGTH..=LENGTH, varint(rest));
        summed(&packet)
    }

    /// With another body of the latent section.
    fn with_latents(&self, body: &[u8]) -> Vec<u8> {
        let section = [&[0x03][..], &varint(body.len()), body].concat();
        self.with(TAG..CHECKSUM, &section)
    }
}
