//! Every finding about these sections, provoked at least once, each at its place.

use super::*;
use crate::error::Family;

/// Where the bodies are said to begin in their packet.
const BASE: usize = 1000;

/// A finding that must be made, and the one that was made.
type Case = (ErrorKind, Error);

/// Findings of this module that must be made, and those that were: for the test that no finding
/// is without one.
pub(crate) fn refusals() -> Vec<Case> {
    [of_literals(), of_texts(), of_answers(), of_metadata(), of_traces(), of_compressed_texts()]
        .concat()
}

/// Reads bodies of one type, each of which must be refused at the byte that is given.
fn refused(section_type: u16, cases: &[(ErrorKind, usize, &[u8])]) -> Vec<Case> {
    refused_within(&Limits::default(), section_type, cases)
}

fn refused_within(
    limits: &Limits,
    section_type: u16,
    cases: &[(ErrorKind, usize, &[u8])],
) -> Vec<Case> {
    cases
        .iter()
        .map(|(kind, at, body)| {
            let error = check(section_type, body, BASE, limits).unwrap_err();
            assert_eq!(error.kind(), *kind, "{error}");
            assert_eq!(error.offset(), Some(BASE + at), "{error}");
            (*kind, error)
        })
        .collect()
}

fn unwritten<T: std::fmt::Debug>(value: &T, body: Result<Vec<u8>>) -> Case {
    (ErrorKind::MessageSection, body.expect_err(&format!("{value:?}")))
}

fn of_literals() -> Vec<Case> {
    use ErrorKind as Kind;
    let far = b"\x00\xFF\xFF\xFF\xFF\x0F\x01a";
    let too_far = [b"\x00\x04\x01a", &far[..]].concat();
    let read = refused(
        Literals::TYPE,
        &[
            (Kind::FieldOverrun, 0, b""),
            (Kind::FieldOverrun, 1, b"\x00"),
            (Kind::FieldOverrun, 2, b"\x00\x00"),
            (Kind::FieldOverrun, 3, b"\x00\x00\x02a"),
            (Kind::FieldOverrun, 3, b"\x00\x00\x04\xFF\xFF"),
            (Kind::FieldOverrun, 7, b"\x00\x00\xFF\xFF\xFF\xFF\x0Fa"),
            (Kind::FieldOverrun, 5, b"\x00\x00\x01a\x00"),
            (Kind::VarintNotMinimal, 1, b"\x00\x80\x00\x01a"),
            (Kind::VarintOverflow, 1, b"\x00\xFF\xFF\xFF\xFF\x1F\x01a"),
            (Kind::LiteralsKind, 0, b"\x07\x00\x01a"),
            (Kind::LiteralsKind, 4, b"\x00\x00\x01a\xFF\x00\x01a"),
            (Kind::LiteralsSpan, 2, b"\x00\x00\x00"),
            (Kind::LiteralsSpan, 1, far),
            (Kind::LiteralsSpan, 5, &too_far),
            (Kind::SectionUtf8, 4, b"\x00\x00\x02a\xFF"),
            (Kind::SectionUtf8, 3, b"\x00\x00\x01\xC3"),
        ],
    );
    let one = Limits::default().with_items(1);
    let too_many = refused_within(
        &one,
        Literals::TYPE,
        &[(Kind::LimitItems, 4, b"\x00\x00\x01a\x00\x00\x01a")],
    );
    let literal = |position, text| Literal { kind: LiteralKind::Other, position, text };
    let written = [
        Literals(vec![]),
        Literals(vec![literal(0, "")]),
        Literals(vec![literal(u32::MAX, "a")]),
        Literals(vec![literal(0, "ab"), literal(1, "b")]),
        Literals(vec![literal(2, "b"), literal(1, "a")]),
    ];
    let written = written.iter().map(|value| unwritten(value, value.encode())).collect();
    let stray = literals().check_against("Bob").unwrap_err();
    [read, too_many, written, vec![(Kind::LiteralsSource, stray)]].concat()
}

fn of_texts() -> Vec<Case> {
    use ErrorKind as Kind;
    let read = refused(
        Text::TYPE,
        &[
            (Kind::FieldOverrun, 0, b""),
            (Kind::FieldOverrun, 1, b"\x00"),
            (Kind::TextStage, 0, b"\x02a"),
            (Kind::TextStage, 0, b"\x03a"),
            (Kind::SectionUtf8, 2, b"\x00a\xFF"),
        ],
    );
    let tight = Limits::default().with_decompressed_bytes(1);
    let too_long = refused_within(&tight, Text::TYPE, &[(Kind::LimitDecompressed, 1, b"\x00ab")]);
    let empty = Text(Cow::Borrowed(""));
    [read, too_long, vec![unwritten(&empty, empty.encode())]].concat()
}

#[cfg(feature = "zstd")]
fn of_compressed_texts() -> Vec<Case> {
    use ErrorKind as Kind;
    let frame_of = |raw: &[u8]| {
        let mut frame = Vec::with_capacity(raw.len() + 64);
        zstd_safe::compress(&mut frame, raw, 3).unwrap();
        frame
    };
    let body = |frame: &[u8]| [&[1], frame].concat();
    let long = "so it goes. ".repeat(100);
    let frame = frame_of(long.as_bytes());
    let mut damaged = frame.clone();
    *damaged.last_mut().unwrap() ^= 0xFF;
    let without_size = {
        let mut context = zstd_safe::CCtx::create();
        context.set_parameter(zstd_safe::CParameter::ContentSizeFlag(false)).unwrap();
        let mut frame = Vec::with_capacity(256);
        context.compress2(&mut frame, long.as_bytes()).unwrap();
        frame
    };
    let skippable = [0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 7];
    let read = refused(
        Text::TYPE,
        &[
            (Kind::TextCompressed, 1, &body(b"")),
            (Kind::TextCompressed, 1, &body(b"no frame")),
            (Kind::TextCompressed, 1, &body(&damaged)),
            (Kind::TextCompressed, 1, &body(&frame[..frame.len() - 1])),
            (Kind::TextCompressed, 1, &body(&[&frame[..], &[0]].concat())),
            (Kind::TextCompressed, 1, &body(&[&frame[..], &skippable].concat())),
            (Kind::TextCompressed, 1, &body(&without_size)),
            (Kind::TextLength, 1, &body(&skippable)),
            (Kind::TextLength, 1, &body(&frame_of(b""))),
            (Kind::TextLength, 1, &body(&frame_of(b"so it goes"))),
            // A bomb: 32 MiB from a few hundred bytes.
            (Kind::LimitDecompressed, 1, &body(&frame_of(&vec![b'a'; 32 << 20]))),
            (Kind::SectionUtf8, 1, &body(&frame_of(&[0xFF; 1024]))),
        ],
    );
    let text = Text(Cow::Owned(long));
    let levels =
        [0, 23].map(|level| (Kind::MessageLevel, text.encode_compressed(level).unwrap_err()));
    let empty = Text(Cow::Borrowed(""));
    [read, levels.to_vec(), vec![unwritten(&empty, empty.encode_compressed(3))]].concat()
}

#[cfg(not(feature = "zstd"))]
fn of_compressed_texts() -> Vec<Case> {
    let unwritten = Text(Cow::Borrowed("a")).encode_compressed(3).unwrap_err();
    let read = refused(Text::TYPE, &[(ErrorKind::TextStage, 0, b"\x01a")]);
    [read, vec![(ErrorKind::MessageStage, unwritten)]].concat()
}

fn of_answers() -> Vec<Case> {
    use ErrorKind as Kind;
    let read = refused(
        AnswerSpace::TYPE,
        &[
            (Kind::FieldOverrun, 0, b""),
            (Kind::FieldOverrun, 1, b"\x00"),
            (Kind::FieldOverrun, 2, b"\x00\x02a"),
            (Kind::FieldOverrun, 1, b"\x01"),
            (Kind::FieldOverrun, 1, b"\x02"),
            (Kind::AnswerKind, 0, b"\x03"),
            (Kind::AnswerChoice, 1, b"\x00\x00"),
            (Kind::AnswerChoice, 5, b"\x00\x01a\x01b\x01a"),
            (Kind::SectionUtf8, 2, b"\x00\x01\xFF"),
            (Kind::SectionUtf8, 2, b"\x01{\xFF}"),
            (Kind::VarintNotMinimal, 1, b"\x02\x80\x00"),
            (Kind::SectionTrailing, 2, b"\x02\x07\x00"),
        ],
    );
    let one = Limits::default().with_items(1);
    let too_many =
        refused_within(&one, AnswerSpace::TYPE, &[(Kind::LimitItems, 3, b"\x00\x01a\x01b")]);
    let written = [
        AnswerSpace::Choices(vec![]),
        AnswerSpace::Choices(vec![""]),
        AnswerSpace::Choices(vec!["a", "b", "a"]),
        AnswerSpace::Schema(""),
    ];
    let written = written.iter().map(|value| unwritten(value, value.encode())).collect();
    [read, too_many, written].concat()
}

fn of_metadata() -> Vec<Case> {
    use ErrorKind as Kind;
    let float = |value: f64| [b"\x01k\x04", &value.to_le_bytes()[..]].concat();
    let integer = |bytes: &[u8]| [b"\x01k\x03", bytes].concat();
    let read = refused(
        Metadata::TYPE,
        &[
            (Kind::FieldOverrun, 0, b""),
            (Kind::FieldOverrun, 1, b"\x02a"),
            (Kind::FieldOverrun, 2, b"\x01a"),
            (Kind::FieldOverrun, 3, b"\x01a\x03"),
            (Kind::FieldOverrun, 3, b"\x01a\x04\x00"),
            (Kind::FieldOverrun, 4, b"\x01a\x05\x02b"),
            (Kind::FieldOverrun, 4, b"\x01a\x06\x02b"),
            (Kind::MetadataKey, 0, b"\x00\x00"),
            (Kind::MetadataKey, 0, b"\x01\xFF\x00"),
            (Kind::MetadataKey, 0, b"\x01\n\x00"),
            (Kind::MetadataOrder, 3, b"\x01b\x00\x01a\x00"),
            (Kind::MetadataOrder, 3, b"\x01b\x00\x01b\x00"),
            (Kind::MetadataOrder, 4, b"\x02ab\x00\x01a\x00"),
            (Kind::MetadataType, 2, b"\x01k\x07"),
            (Kind::MetadataValue, 3, &float(f64::NAN)),
            (Kind::MetadataValue, 3, &float(f64::INFINITY)),
            (Kind::MetadataValue, 3, &float(f64::NEG_INFINITY)),
            (Kind::MetadataValue, 3, &float(-0.0)),
            (Kind::VarintNotMinimal, 3, &integer(&[0x80, 0x00])),
            (Kind::VarintOverflow, 3, &integer(&[[0xFF; 9].as_slice(), &[0x02]].concat())),
            (Kind::VarintOverflow, 3, &integer(&[0xFF; 11])),
            (Kind::SectionUtf8, 4, b"\x01k\x05\x01\xFF"),
        ],
    );
    let one = Limits::default().with_items(1);
    let too_many =
        refused_within(&one, Metadata::TYPE, &[(Kind::LimitItems, 3, b"\x01a\x00\x01b\x00")]);
    let long = "k".repeat(256);
    let entries = [
        BTreeMap::new(),
        BTreeMap::from([("", Value::Null)]),
        BTreeMap::from([("a\x1B[2J", Value::Null)]),
        BTreeMap::from([(long.as_str(), Value::Null)]),
        BTreeMap::from([("k", Value::Float(f64::NAN))]),
        BTreeMap::from([("k", Value::Float(f64::NEG_INFINITY))]),
    ];
    let written = entries.map(Metadata).map(|value| unwritten(&value, value.encode()));
    [read, too_many, written.to_vec()].concat()
}

fn of_traces() -> Vec<Case> {
    use ErrorKind as Kind;
    let front = [&[1; 16][..], &[2; 8], &[0]].concat();
    let with_state = |state: &[u8]| [&front, state].concat();
    let many = (0..33).map(|index| format!("k{index}=v")).collect::<Vec<_>>().join(",");
    let long_key = format!("{}=v", "k".repeat(257));
    let long_value = format!("k={}", "v".repeat(257));
    let too_long = format!("{}=v,{}=w", "a".repeat(255), "b".repeat(255));
    let after_32 = many.rfind("k32").unwrap();
    let states: [(usize, &str); 14] = [
        (0, "a"),
        (0, "=1"),
        (2, "a="),
        (2, "a=1=2"),
        (0, "A=1"),
        (0, "_=1"),
        (2, "a=1 "),
        (2, "a=\u{e9}"),
        (4, "a=1, b=2"),
        (4, "a=1,"),
        (4, "a=1,a=2"),
        (after_32, &many),
        (0, &long_key),
        (2, &long_value),
    ];
    let mut read = refused(
        Trace::TYPE,
        &[
            (Kind::FieldOverrun, 0, b""),
            (Kind::FieldOverrun, 0, &front[..15]),
            (Kind::FieldOverrun, 16, &front[..23]),
            (Kind::FieldOverrun, 24, &front[..24]),
            (Kind::TraceId, 0, &[&[0; 16][..], &[2; 8], &[0]].concat()),
            (Kind::TraceId, 16, &[&[1; 16][..], &[0; 8], &[0]].concat()),
            (Kind::TraceFlags, 24, &[&front[..24], &[4]].concat()),
            (Kind::SectionUtf8, 27, &with_state(b"a=\xFF")),
            (Kind::TraceState, 25, &with_state(too_long.as_bytes())),
        ],
    );
    for (at, state) in states {
        let body = with_state(state.as_bytes());
        read.extend(refused(Trace::TYPE, &[(Kind::TraceState, 25 + at, &body)]));
        let value = Trace { state, ..trace() };
        read.push(unwritten(&value, value.encode()));
    }
    let written = [
        Trace { trace_id: [0; 16], ..trace() },
        Trace { parent_id: [0; 8], ..trace() },
        Trace { flags: 0x80, ..trace() },
        Trace { state: &too_long, ..trace() },
    ];
    read.extend(written.map(|value| unwritten(&value, value.encode())));
    read
}

#[test]
fn every_finding_says_what_where_and_why() {
    for (expected, error) in refusals() {
        assert_eq!(error.kind(), expected, "{error}");
        assert!(!error.expected().is_empty() && !error.found().is_empty(), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        let writing = expected.family() == Family::InvalidMessage;
        let has_no_place = writing || expected == ErrorKind::LiteralsSource;
        assert_eq!(error.offset().is_none(), has_no_place, "{error}");
    }
}
