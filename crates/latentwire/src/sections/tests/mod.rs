//! Tests of the sections beside the latents: golden bodies here, every refusal in `refusals`,
//! what holds for all values and for any bytes in `properties`.

mod properties;
mod refusals;

pub(crate) use refusals::refusals;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::*;

/// The types that have a meaning here.
const TYPES: [u16; 5] =
    [Literals::TYPE, Text::TYPE, AnswerSpace::TYPE, Metadata::TYPE, Trace::TYPE];

fn literals() -> Literals<'static> {
    let literal = |kind, position, text| Literal { kind, position, text };
    Literals(vec![
        literal(LiteralKind::Name, 0, "Ada"),
        literal(LiteralKind::Number, 8, "4711"),
        literal(LiteralKind::Other, 12, "€"),
        literal(LiteralKind::Quote, 300, "so be it"),
    ])
}

fn metadata() -> Metadata<'static> {
    Metadata(BTreeMap::from([
        ("a", Value::Null),
        ("ab", Value::Bool(true)),
        ("b", Value::Bool(false)),
        ("float", Value::Float(0.5)),
        ("integer", Value::Integer(-300)),
        ("text", Value::Text("x\ny")),
        ("ümlaut", Value::Bytes(b"\x00\xFF")),
    ]))
}

fn trace() -> Trace<'static> {
    Trace { trace_id: [0x11; 16], parent_id: [0x22; 8], flags: 1, state: "vendor=1,t@v=a b" }
}

/// A value of every kind, as type and body.
fn bodies() -> Vec<(u16, Vec<u8>)> {
    let free = |bound| AnswerSpace::Free { max_tokens: NonZeroU32::new(bound) };
    vec![
        (Literals::TYPE, literals().encode().unwrap()),
        (Text::TYPE, Text(Cow::Borrowed("a text")).encode().unwrap()),
        (AnswerSpace::TYPE, AnswerSpace::Choices(vec!["no", "yes"]).encode().unwrap()),
        (AnswerSpace::TYPE, AnswerSpace::Schema("{}").encode().unwrap()),
        (AnswerSpace::TYPE, free(0).encode().unwrap()),
        (AnswerSpace::TYPE, free(300).encode().unwrap()),
        (Metadata::TYPE, metadata().encode().unwrap()),
        (Trace::TYPE, trace().encode().unwrap()),
        (Trace::TYPE, Trace { state: "", ..trace() }.encode().unwrap()),
    ]
}

/// What reading a body and writing its value gives; `None` for a body without a meaning.
fn written_again(section_type: u16, body: &[u8]) -> Result<Option<Vec<u8>>> {
    let limits = Limits::default();
    match section_type {
        Literals::TYPE => Literals::decode(body, 0, &limits)?.encode().map(Some),
        Text::TYPE => Text::decode(body, 0, &limits)?.encode().map(Some),
        AnswerSpace::TYPE => AnswerSpace::decode(body, 0, &limits)?.encode().map(Some),
        Metadata::TYPE => Metadata::decode(body, 0, &limits)?.encode().map(Some),
        Trace::TYPE => Trace::decode(body, 0, &limits)?.encode().map(Some),
        _ => Ok(None),
    }
}

#[test]
fn literals_have_these_bytes() {
    let expected = [
        &b"\x02\x00\x03Ada"[..],
        b"\x01\x05\x044711",
        b"\x00\x00\x03\xE2\x82\xAC",
        b"\x06\x9D\x02\x08so be it",
    ];
    assert_eq!(literals().encode().unwrap(), expected.concat());
}

#[test]
fn text_has_these_bytes() {
    assert_eq!(Text(Cow::Borrowed("a text")).encode().unwrap(), b"\x00a text");
}

#[test]
fn answer_spaces_have_these_bytes() {
    for (space, expected) in [
        (AnswerSpace::Choices(vec!["yes", "no"]), &b"\x00\x03yes\x02no"[..]),
        (AnswerSpace::Schema("{}"), b"\x01{}"),
        (AnswerSpace::Free { max_tokens: None }, b"\x02\x00"),
        (AnswerSpace::Free { max_tokens: NonZeroU32::new(300) }, b"\x02\xAC\x02"),
    ] {
        assert_eq!(space.encode().unwrap(), expected);
    }
}

#[test]
fn metadata_has_these_bytes() {
    let expected = [
        &b"\x01a\x00"[..],
        b"\x02ab\x02",
        b"\x01b\x01",
        b"\x05float\x04\0\0\0\0\0\0\xE0\x3F",
        b"\x07integer\x03\xD7\x04",
        b"\x04text\x05\x03x\ny",
        b"\x07\xC3\xBCmlaut\x06\x02\x00\xFF",
    ];
    assert_eq!(metadata().encode().unwrap(), expected.concat());
}

#[test]
fn integers_take_the_bytes_that_the_specification_gives() {
    for (value, expected) in [
        (0, &[0x00][..]),
        (-1, &[0x01]),
        (1, &[0x02]),
        (-64, &[0x7F]),
        (64, &[0x80, 0x01]),
        (i64::MAX, &[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        (i64::MIN, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
    ] {
        let given = Metadata(BTreeMap::from([("k", Value::Integer(value))]));
        let body = given.encode().unwrap();
        assert_eq!(body, [b"\x01k\x03", expected].concat());
        assert_eq!(Metadata::decode(&body, 0, &Limits::default()).unwrap(), given);
    }
}

#[test]
fn a_negative_zero_is_written_as_zero() {
    let of = |value| Metadata(BTreeMap::from([("k", Value::Float(value))])).encode().unwrap();
    assert_eq!(of(-0.0), of(0.0));
}

#[test]
fn a_trace_has_these_bytes() {
    let expected = [&[0x11; 16][..], &[0x22; 8], &[1], b"vendor=1,t@v=a b"].concat();
    assert_eq!(trace().encode().unwrap(), expected);
}

#[test]
fn a_tracestate_may_be_as_large_as_w3c_has_systems_hand_on() {
    let members: Vec<_> = (0..MAX_STATE_MEMBERS).map(|index| format!("k{index}=v")).collect();
    let most_members = members.join(",");
    let key = "k".repeat(256);
    let longest = format!("{key}={}", "v".repeat(MAX_STATE_BYTES - key.len() - 1));
    assert_eq!(longest.len(), MAX_STATE_BYTES);
    for state in [&most_members, &longest] {
        let given = Trace { state, ..trace() };
        let body = given.encode().unwrap();
        assert_eq!(Trace::decode(&body, 0, &Limits::default()).unwrap(), given);
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_text_is_compressed_only_where_that_helps() {
    let long = Text(Cow::Owned("so it goes. ".repeat(100)));
    let compressed = long.encode_compressed(9).unwrap();
    assert!(compressed.len() < 60 && compressed[0] == 1, "{}", compressed.len());
    assert_eq!(Text::decode(&compressed, 0, &Limits::default()).unwrap(), long);
    let short = Text(Cow::Borrowed("so it goes"));
    assert_eq!(short.encode_compressed(9).unwrap(), short.encode().unwrap());
}

#[test]
fn what_is_read_borrows_from_the_packet() {
    let body = Text(Cow::Borrowed("a text")).encode().unwrap();
    let read = Text::decode(&body, 0, &Limits::default()).unwrap();
    assert!(matches!(read.0, Cow::Borrowed(text) if text.as_ptr() == body[1..].as_ptr()));
}

#[test]
fn literals_are_held_against_their_source() {
    let source = "Ada has 4711€";
    let read = Literals(literals().0[..3].to_vec());
    assert!(read.check_against(source).is_ok());
    assert!(read.check_against("Ada has 4712€").is_err());
    assert!(read.check_against("Ada").is_err());
    assert!(literals().check_against(source).is_err());
}

#[test]
fn every_known_type_is_checked_and_others_are_not() {
    for (section_type, body) in bodies() {
        assert!(check(section_type, &body, 0, &Limits::default()).is_ok());
    }
    for section_type in TYPES {
        assert!(check(section_type, &[0xFF; 4], 0, &Limits::default()).is_err());
        assert!(check(section_type, &[], 0, &Limits::default()).is_err());
    }
    for section_type in [8, 4096, 8191] {
        assert!(check(section_type, &[0xFF; 4], 0, &Limits::default()).is_ok());
    }
}

#[test]
fn a_limit_allows_exactly_what_it_says() {
    let limits = Limits::default().with_items(4).with_decompressed_bytes(6);
    for (section_type, body) in &bodies()[..6] {
        assert!(check(*section_type, body, 0, &limits).is_ok(), "{section_type}");
    }
}

#[test]
fn every_truncation_is_refused_or_canonical() {
    for (section_type, body) in bodies() {
        for length in 0..body.len() {
            if let Ok(again) = written_again(section_type, &body[..length]) {
                assert_eq!(again.as_deref(), Some(&body[..length]), "{section_type}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_or_canonical() {
    for (section_type, body) in bodies() {
        for bit in 0..body.len() * 8 {
            let mut flipped = body.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(again) = written_again(section_type, &flipped) {
                assert_eq!(again, Some(flipped), "type {section_type}, bit {bit}");
            }
        }
    }
}
